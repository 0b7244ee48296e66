#include "api/params.h"
#include "api/private.h"
#include "api/request.h"
#include "store/access_store.h"

/* The tokens that there are: everything but their text, which nobody has. They are made by `giothong token create`. */

struct list_op {
	struct request   *r;
	struct token_list list;
};

static void token_write(struct json_out *out, const struct access_token *token)
{
	jout_object(out, NULL);
	jout_text(out, "id", token->id);
	jout_text(out, "name", token->name);
	jout_text(out, "role", role_text(token->role));
	jout_array(out, "units");
	for (size_t i = 0; i < token->nunit_ids; i++)
		jout_text(out, NULL, token->unit_ids[i]);
	jout_end(out);
	jout_text(out, "team", token->team_id);
	jout_time(out, "created_at", token->created_us);
	jout_time(out, "expires_at", token->expires_us);
	jout_time(out, "revoked_at", token->revoked_us);
	jout_time(out, "last_used_at", token->last_used_us);
	jout_end(out);
}

static void list_on_loaded(struct token_list *list)
{
	struct list_op *op = container_of(list, struct list_op, list);
	struct json_out out;

	if (list->error.code != ERR_NONE) {
		request_reply_error(op->r, &list->error);
		return;
	}
	request_list_begin(op->r, &out);
	for (size_t i = 0; i < list->ntokens; i++)
		token_write(&out, &list->tokens[i]);
	request_list_reply(op->r, &out, NULL);
}

static void list_start(struct request *r)
{
	struct list_op *op = http_alloc(r->x, sizeof(*op));
	struct params params;
	struct error err;

	op->r = r;
	if (!params_init(&params, r, &err) || !params_finish(&params)) {
		request_reply_error(r, &err);
		return;
	}
	op->list.arena = r->arena;
	op->list.done = list_on_loaded;
	token_list_send(api_store(r->api), &op->list);
}

const struct route token_routes[] = {
	{ HTTP_GET_, "/api/v1/tokens", AREA_TOKENS, ACCESS_READ, list_start, 0, 0 },
	{ 0 }
};
