#include "api/places.h"
#include "api/private.h"
#include "api/request.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "store/donor_store.h"
#include "store/rights_store.h"
#include "wire/rights_wire.h"

/*
 * What donors agreed to. Whoever reads it has read of the donor, and leaves an audit row; a
 * record outside the reader's scope is none to them.
 */

/* The audit row of a reading names the request. */
static struct actor reader_of(const struct request *r)
{
	struct actor actor = r->actor;

	actor.request_id = http_request_id(r->x);
	return actor;
}

static void ask_consents(struct request *r, struct consent_list *list, const char *action)
{
	list->key = request_param(r, "id");
	request_readable_units(r, &list->units, &list->nunits);
	list->action = action;
	list->actor = reader_of(r);
	list->arena = r->arena;
	consent_list_send(api_store(r->api), list);
}

/* ---- GET /donors/{id}/consents ---- */

struct consents_op {
	struct request     *r;
	struct consent_list list;
};

static void consents_on_listed(struct consent_list *list)
{
	struct consents_op *op = container_of(list, struct consents_op, list);
	struct request *r = op->r;
	struct json_out out = { .buf = api_scratch(r->api) };

	if (list->error.code != ERR_NONE) {
		request_reply_error(r, &list->error);
		return;
	}
	jout_object(&out, NULL);
	jout_text(&out, "donor", list->donor_id);
	jout_text(&out, "donor_number", list->number);
	consent_holdings_write(&out, "holds", list->facts, list->nfacts);
	jout_array(&out, "history");
	for (size_t i = 0; i < list->nfacts; i++)
		consent_fact_write(&out, NULL, &list->facts[i]);
	jout_end(&out);
	jout_end(&out);
	request_reply_json(r, 200, out.buf, NULL);
}

static void consents_with_units(struct request *r)
{
	struct consents_op *op = http_alloc(r->x, sizeof(*op));

	op->r = r;
	op->list.done = consents_on_listed;
	ask_consents(r, &op->list, "donor.consents");
}

static void consents_start(struct request *r)
{
	request_with_units(r, consents_with_units);
}

/* ---- POST /donors/{id}/consents ---- */

struct consent_op {
	struct request       *r;
	struct donor_load     load;
	struct consent_record record;
	struct consent_list   list;
	const char           *made;      /* id of what an earlier call with the same key made */
};

static void reply_consent(struct request *r, const char *donor_id, const struct consent_fact *fact)
{
	struct buf *buf = api_scratch(r->api);
	struct json_out out = { .buf = buf };

	consent_fact_write(&out, NULL, fact);
	http_add_header(r->x, "Location", arena_printf(r->arena, "/api/v1/donors/%s/consents", donor_id));
	request_reply_json(r, 201, buf, NULL);
}

static void consent_on_replayed(struct consent_list *list)
{
	struct consent_op *op = container_of(list, struct consent_op, list);

	if (list->error.code != ERR_NONE) {
		request_reply_unread(op->r, &list->error);
		return;
	}
	for (size_t i = 0; i < list->nfacts; i++) {
		if (streq(list->facts[i].id, op->made)) {
			reply_consent(op->r, list->donor_id, &list->facts[i]);
			return;
		}
	}
	error_set(&list->error, ERR_NOT_FOUND, "There is no such donor.", "Không có người hiến máu này.");
	request_reply_error(op->r, &list->error);
}

static void consent_was_made(void *context, const char *id)
{
	struct consent_op *op = context;

	op->made = arena_strdup(op->r->arena, id);
	op->list.done = consent_on_replayed;
	ask_consents(op->r, &op->list, NULL);
}

static void consent_on_recorded(struct consent_record *record)
{
	struct consent_op *op = container_of(record, struct consent_op, record);

	if (record->error.code != ERR_NONE)
		request_refuse_create(op->r, &record->error, "consent", consent_was_made, op);
	else if (record->idempotency.replayed)
		consent_was_made(op, record->idempotency.resource_id);
	else
		reply_consent(op->r, record->of->donor.id, &record->fact);
}

static bool may_write(struct request *r, const struct donor *donor)
{
	struct named unit = { donor->unit_id, NULL };

	return request_may_write(r, &unit, unit.id ? 1 : 0, donor->unit_on, NULL);
}

static void consent_on_loaded(struct donor_load *load)
{
	struct consent_op *op = container_of(load, struct consent_op, load);
	struct request *r = op->r;
	struct error *err = &load->error;
	size_t len;
	const char *body = http_body(r->x, &len);

	if (err->code != ERR_NONE) {
		request_reply_error(r, err);
		return;
	}
	if (!may_write(r, &load->record.donor))
		return;
	if (load->record.donor.erased)
		error_set(err, ERR_ERASED, "The personal data of this donor has been erased: there is nothing to change.",
			  "Dữ liệu cá nhân của người này đã được xóa: không còn gì để sửa.");
	if (err->code != ERR_NONE ||
	    !consent_fact_read(body, len, clock_wall_us(api_store(r->api)->clock), r->arena, &op->record.fact, err)) {
		request_refuse_create(r, err, "consent", consent_was_made, op);
		return;
	}
	if (!request_idempotency(r, &op->record.idempotency))
		return;
	op->record.of = &load->record;
	op->record.actor = r->actor;
	op->record.arena = r->arena;
	op->record.done = consent_on_recorded;
	consent_record_send(api_store(r->api), &op->record);
}

static void consent_with_units(struct request *r)
{
	struct consent_op *op = http_alloc(r->x, sizeof(*op));

	op->r = r;
	op->load.key = request_param(r, "id");
	request_readable_units(r, &op->load.units, &op->load.nunits);
	op->load.arena = r->arena;
	op->load.done = consent_on_loaded;
	donor_load_send(api_store(r->api), &op->load);
}

static void consent_start(struct request *r)
{
	request_with_units(r, consent_with_units);
}

const struct route donor_right_routes[] = {
	{ HTTP_GET_, "/api/v1/donors/{id}/consents", AREA_DONORS, ACCESS_READ, consents_start, ROUTE_PERSONAL, 0 },
	{ HTTP_POST_, "/api/v1/donors/{id}/consents", AREA_DONORS, ACCESS_WRITE, consent_start, ROUTE_PERSONAL, 0 },
	{ 0 }
};
