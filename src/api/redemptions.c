#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "api/certificates.h"
#include "api/params.h"
#include "api/private.h"
#include "api/request.h"
#include "base/error.h"
#include "base/text.h"
#include "wire/certificate_wire.h"
#include "wire/wire.h"

/*
 * What hospitals redeem of certificates. A claim of what is being given now is refused when too little is left; one of what was
 * given before (no line, or stamped on paper alone) is kept in any case, and a person settles it.
 */

struct redemption_op {
	struct request          *r;
	struct certificate_number number;
	struct certificate_load  load;
	struct redemption_enter  enter;
	struct redemption_body   said;
	struct claim_list        list;
	const char              *made;
	void                   (*then)(struct redemption_op *op);
};

static void on_loaded(struct certificate_load *load)
{
	struct redemption_op *op = container_of(load, struct redemption_op, load);

	if (load->error.code != ERR_NONE)
		request_reply_error(op->r, &load->error);
	else
		op->then(op);
}

static void load_then(struct redemption_op *op, void (*then)(struct redemption_op *op))
{
	op->then = then;
	op->load = (struct certificate_load){ .number = &op->number, .arena = op->r->arena, .done = on_loaded };
	certificate_load_send(api_store(op->r->api), &op->load);
}

static const struct redemption *find_entry(const struct certificate *c, const char *id)
{
	for (size_t i = 0; i < c->nledger; i++)
		if (id && strcasecmp(c->ledger[i].id, id) == 0)
			return &c->ledger[i];
	return NULL;
}

/* ---- what was entered, as it stands, with what is left ---- */

static void reply_entered(struct redemption_op *op)
{
	const struct certificate *c = &op->load.certificate;
	const struct redemption *entry = find_entry(c, op->made);
	struct request *r = op->r;
	struct json_out out = { .buf = api_scratch(r->api) };
	char number[CERTIFICATE_NUMBER_SIZE];

	jout_object(&out, NULL);
	jout_text(&out, "number", certificate_number_format(&c->number, number));
	jout_text(&out, "status", certificate_status_text(certificate_status_of(&c->facts)));
	jout_int(&out, "balance_ml", certificate_balance(&c->facts));
	if (entry)
		redemption_write(&out, "redemption", entry);
	else
		jout_null(&out, "redemption");
	jout_end(&out);
	http_add_header(r->x, "Location", arena_printf(r->arena, "/api/v1/certificates/%s", number));
	request_reply_json(r, 201, out.buf, NULL);
}

static void tell_entered(void *context, const char *id)
{
	struct redemption_op *op = context;

	op->made = arena_strdup(op->r->arena, id);
	load_then(op, reply_entered);
}

static void enter_on_entered(struct redemption_enter *enter)
{
	struct redemption_op *op = container_of(enter, struct redemption_op, enter);

	if (enter->error.code != ERR_NONE)
		request_refuse_create(op->r, &enter->error, "redemption", tell_entered, op);
	else
		tell_entered(op, enter->redemption.id);
}

static void enter_send(struct redemption_op *op)
{
	struct request *r = op->r;

	if (!request_idempotency(r, &op->enter.idempotency))
		return;
	op->enter.of = &op->load.certificate;
	op->enter.actor = r->actor;
	op->enter.arena = r->arena;
	op->enter.done = enter_on_entered;
	redemption_enter_send(api_store(r->api), &op->enter);
}

/* ---- POST /certificates/{number}/redemptions ---- */

static void claim_on_loaded(struct redemption_op *op)
{
	const struct certificate *c = &op->load.certificate;
	const struct redemption_body *said = &op->said;
	struct request *r = op->r;
	bool day_unsaid = date_is_none(said->used_on);
	struct date used_on = day_unsaid ? r->today : said->used_on;
	struct error err;

	error_clear(&err);
	/* A claim that is sent again meets what it took itself: then its own row answers. */
	if (!find_entry(c, said->id) &&
	    !certificate_check_claim(&c->facts, said->ml, used_on, said->source, r->today, &err)) {
		request_refuse_create(r, &err, "redemption", tell_entered, op);
		return;
	}
	op->enter.redemption = (struct redemption){
		.kind = REDEMPTION_USE, .source = said->source, .ml = said->ml, .used_on = used_on,
		.facility = said->facility ? said->facility : r->principal.name,
	};
	op->enter.day_unsaid = day_unsaid;
	op->enter.facility_unsaid = !said->facility;
	snprintf(op->enter.redemption.id, UUID_TEXT_SIZE, "%s", said->id ? said->id : "");
	enter_send(op);
}

static struct redemption_op *op_new(struct request *r)
{
	struct redemption_op *op = http_alloc(r->x, sizeof(*op));

	op->r = r;
	return op;
}

static void claim_start(struct request *r)
{
	struct redemption_op *op = op_new(r);
	struct error err;
	size_t len;
	const char *body = http_body(r->x, &len);

	error_clear(&err);
	if (!redemption_read(body, len, r->arena, &op->said, &err))
		request_reply_error(r, &err);
	else if (request_certificate_number(r, &op->number))
		load_then(op, claim_on_loaded);
}

/* ---- POST .../redemptions/{id}/reversal, .../settlement ---- */

static void reply_no_entry(struct request *r)
{
	struct error err;

	error_clear(&err);
	error_set(&err, ERR_NOT_FOUND, "The certificate has no such entry. GET /api/v1/certificates/{number} lists them.",
		  "Giấy chứng nhận không có mục này. Xem danh sách ở /api/v1/certificates/{number}.");
	request_reply_error(r, &err);
}

/* A token is renewed under its name: whoever bears that is the same hospital. */
static bool is_own(const struct request *r, const struct redemption *entry)
{
	if (r->principal.role == ROLE_ADMIN)
		return true;
	return streq(entry->entered_by_kind, r->actor.kind) &&
	       (streq(entry->entered_by, r->principal.id) || (entry->entered_by_name && streq(entry->entered_by_name, r->principal.name)));
}

static void answer_on_loaded(struct redemption_op *op)
{
	const struct certificate *c = &op->load.certificate;
	struct request *r = op->r;
	const struct redemption *entry = find_entry(c, request_param(r, "id"));
	bool reversal = streq(strrchr(http_path(r->x), '/'), "/reversal"), own, fine;
	struct error err;

	if (!entry) {
		reply_no_entry(r);
		return;
	}
	error_clear(&err);
	own = is_own(r, entry);
	fine = reversal ? certificate_check_reversal(entry->kind, entry->answered, own, &err)
			: certificate_check_settle(&c->facts, entry->kind, entry->answered, entry->ml, &err);
	if (!fine) {
		request_refuse_create(r, &err, "redemption", tell_entered, op);
		return;
	}
	op->enter.redemption = (struct redemption){
		.kind = reversal ? REDEMPTION_REVERSAL : REDEMPTION_USE, .source = entry->source, .ml = entry->ml,
		.used_on = entry->used_on, .facility = entry->facility,
	};
	memcpy(op->enter.redemption.of, entry->id, UUID_TEXT_SIZE);
	enter_send(op);
}

static void answer_start(struct request *r)
{
	struct redemption_op *op = op_new(r);
	struct error err;
	size_t len;
	const char *body = http_body(r->x, &len);

	error_clear(&err);
	if (!wire_read_nothing(body, len, r->arena, &err))
		request_reply_error(r, &err);
	else if (request_certificate_number(r, &op->number))
		load_then(op, answer_on_loaded);
}

/* ---- GET /certificates/claims ---- */

static void claims_on_listed(struct claim_list *list)
{
	struct redemption_op *op = container_of(list, struct redemption_op, list);
	char number[CERTIFICATE_NUMBER_SIZE];
	struct json_out out;

	if (list->error.code != ERR_NONE) {
		request_reply_error(op->r, &list->error);
		return;
	}
	request_list_begin(op->r, &out);
	for (size_t i = 0; i < list->nitems; i++) {
		jout_object(&out, NULL);
		jout_text(&out, "number", certificate_number_format(&list->items[i].number, number));
		redemption_write(&out, "redemption", &list->items[i].redemption);
		jout_end(&out);
	}
	request_list_reply(op->r, &out, list->more ? list->items[list->nitems - 1].redemption.id : NULL);
}

static void claims_start(struct request *r)
{
	struct redemption_op *op = op_new(r);
	struct params params;
	struct error err;

	error_clear(&err);
	if (!params_init(&params, r, &err)) {
		request_reply_error(r, &err);
		return;
	}
	op->list.limit = params_limit(&params);
	params_cursor(&params, op->list.after);
	if (!params_finish(&params)) {
		request_reply_error(r, &err);
		return;
	}
	op->list.arena = r->arena;
	op->list.done = claims_on_listed;
	claim_list_send(api_store(r->api), &op->list);
}

const struct route redemption_routes[] = {
	{ HTTP_GET_, "/api/v1/certificates/claims", AREA_REDEMPTIONS, ACCESS_READ, claims_start, 0, 0 },
	{ HTTP_POST_, "/api/v1/certificates/{number}/redemptions", AREA_REDEMPTIONS, ACCESS_WRITE, claim_start, 0, 0 },
	{ HTTP_POST_, "/api/v1/certificates/{number}/redemptions/{id}/reversal", AREA_REDEMPTIONS, ACCESS_WRITE, answer_start,
	  0, 0 },
	{ HTTP_POST_, "/api/v1/certificates/{number}/redemptions/{id}/settlement", AREA_REDEMPTIONS, ACCESS_WRITE, answer_start,
	  0, 0 },
	{ 0 }
};
