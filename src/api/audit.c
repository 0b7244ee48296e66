#include "api/params.h"
#include "api/private.h"
#include "api/request.h"
#include "store/access_store.h"

/* Who changed what, when. */

struct list_op {
	struct request   *r;
	struct audit_list list;
};

static void row_write(struct json_out *out, const struct audit_row *row)
{
	jout_object(out, NULL);
	jout_text(out, "id", row->id);
	jout_time(out, "at", row->at_us);
	jout_object(out, "actor");
	jout_text(out, "kind", row->actor_kind);
	jout_text(out, "id", row->actor_id);
	jout_text(out, "role", row->actor_role);
	jout_end(out);
	jout_text(out, "action", row->action);
	jout_object(out, "subject");
	jout_text(out, "kind", row->subject_kind);
	jout_text(out, "id", row->subject_id);
	jout_end(out);
	jout_text(out, "request_id", row->request_id);
	jout_int(out, "key_id", row->key_id);
	jout_text(out, "digest_before", row->digest_before);
	jout_text(out, "digest_after", row->digest_after);
	if (row->position > 0)
		jout_int(out, "position", row->position);
	else
		jout_null(out, "position");
	jout_end(out);
}

static void list_on_loaded(struct audit_list *list)
{
	struct list_op *op = container_of(list, struct list_op, list);
	struct json_out out;

	if (list->error.code != ERR_NONE) {
		request_reply_error(op->r, &list->error);
		return;
	}
	request_list_begin(op->r, &out);
	for (size_t i = 0; i < list->nrows; i++)
		row_write(&out, &list->rows[i]);
	request_list_reply(op->r, &out, list->more ? list->rows[list->nrows - 1].id : NULL);
}

static void list_start(struct request *r)
{
	struct list_op *op = http_alloc(r->x, sizeof(*op));
	struct params params;
	struct error err;

	op->r = r;
	if (params_init(&params, r, &err)) {
		op->list.subject_kind = params_text(&params, "subject_kind");
		op->list.subject_id = params_text(&params, "subject_id");
		op->list.actor_id = params_text(&params, "actor_id");
		op->list.action = params_text(&params, "action");
		op->list.limit = params_limit(&params);
		params_cursor(&params, op->list.after);
		params_finish(&params);
	}
	if (err.code != ERR_NONE) {
		request_reply_error(r, &err);
		return;
	}
	op->list.arena = r->arena;
	op->list.done = list_on_loaded;
	audit_list_send(api_store(r->api), &op->list);
}

const struct route audit_routes[] = {
	{ HTTP_GET_, "/api/v1/audit", AREA_AUDIT, ACCESS_READ, list_start, 0, 0 },
	{ 0 }
};
