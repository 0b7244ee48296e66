#include "api/places.h"
#include "api/private.h"
#include "api/request.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "config/config.h"
#include "crypto/erasure_journal.h"
#include "crypto/keyring.h"
#include "domain/deferral.h"
#include "store/deferral_store.h"
#include "store/donor_store.h"
#include "store/erasure_store.h"
#include "wire/rights_wire.h"

/* Erasing a donor's personal data: one person asks, an admin who is another person approves. */

struct erasure_op;
struct record_load {
	struct donor_load  load;
	struct erasure_op *op;
};
struct erasure_op {
	struct request       *r;
	struct donor_load     load;              /* the person's record */
	struct record_load   *merged;            /* those that are one with it */
	size_t                nmerged;
	struct facts_load     facts;
	struct erasure_load   state;
	struct erasure_ask    ask;
	struct erasure_refuse refuse;
	struct donor_erase    erase;
	void                (*next)(struct erasure_op *op);
	int                   status;
};

static bool goes_on(struct erasure_op *op, const struct error *err)
{
	if (err->code == ERR_NONE)
		return true;
	request_reply_error(op->r, err);
	return false;
}

/* ---- how it stands ---- */

static void reply_state(struct erasure_op *op)
{
	const struct erasure_load *state = &op->state;
	struct json_out out = { .buf = api_scratch(op->r->api) };

	jout_object(&out, NULL);
	jout_text(&out, "donor", state->donor_id);
	jout_text(&out, "donor_number", state->number);
	jout_text(&out, "state", erasure_state_text(state->state));
	jout_time(&out, "asked_at", state->asked_us);
	jout_time(&out, "decided_at", state->decided_us);
	jout_text(&out, "ground", state->ground);
	jout_end(&out);
	if (op->status == 201)
		http_add_header(op->r->x, "Location",
				arena_printf(op->r->arena, "/api/v1/donors/%s/erasure", state->donor_id));
	request_reply_json(op->r, op->status, out.buf, NULL);
}

static void on_state(struct erasure_load *load)
{
	struct erasure_op *op = container_of(load, struct erasure_op, state);

	if (goes_on(op, &load->error))
		op->next(op);
}

static void ask_state(struct erasure_op *op, void (*next)(struct erasure_op *op))
{
	op->next = next;
	op->state = (struct erasure_load){ .key = request_param(op->r, "id"), .arena = op->r->arena, .done = on_state };
	request_readable_units(op->r, &op->state.units, &op->state.nunits);
	erasure_load_send(api_store(op->r->api), &op->state);
}

static struct erasure_op *new_op(struct request *r, int status)
{
	struct erasure_op *op = http_alloc(r->x, sizeof(*op));

	op->r = r;
	op->status = status;
	return op;
}

static void get_with_units(struct request *r)
{
	ask_state(new_op(r, 200), reply_state);
}

static void get_start(struct request *r)
{
	request_with_units(r, get_with_units);
}

/* The record, for which the principal must be allowed to write; then `next`. */
static void on_loaded(struct donor_load *load)
{
	struct erasure_op *op = container_of(load, struct erasure_op, load);
	const struct donor *donor = &load->record.donor;
	struct named unit = { donor->unit_id, NULL };

	if (goes_on(op, &load->error) && request_may_write(op->r, &unit, unit.id ? 1 : 0, donor->unit_on, NULL))
		op->next(op);
}

static void load_record(struct erasure_op *op, void (*next)(struct erasure_op *op))
{
	op->next = next;
	op->load.key = request_param(op->r, "id");
	request_readable_units(op->r, &op->load.units, &op->load.nunits);
	op->load.arena = op->r->arena;
	op->load.done = on_loaded;
	donor_load_send(api_store(op->r->api), &op->load);
}

static bool body_is_nothing(struct request *r)
{
	struct error err;
	size_t len;
	const char *body = http_body(r->x, &len);

	error_clear(&err);
	if (decision_read(body, len, r->arena, &err))
		return true;
	request_reply_error(r, &err);
	return false;
}

/* ---- POST /donors/{id}/erasure ---- */

static void on_asked(struct erasure_ask *ask)
{
	struct erasure_op *op = container_of(ask, struct erasure_op, ask);

	if (goes_on(op, &ask->error))
		ask_state(op, reply_state);
}

static void ask_for(struct erasure_op *op)
{
	op->ask = (struct erasure_ask){ .donor_id = op->load.record.donor.id, .actor = op->r->actor,
					.arena = op->r->arena, .done = on_asked };
	erasure_ask_send(api_store(op->r->api), &op->ask);
}

static void ask_with_units(struct request *r)
{
	if (body_is_nothing(r))
		load_record(new_op(r, 201), ask_for);
}

static void ask_start(struct request *r)
{
	request_with_units(r, ask_with_units);
}

/* ---- POST /donors/{id}/erasure/refuse ---- */

static void on_refused(struct erasure_refuse *refuse)
{
	struct erasure_op *op = container_of(refuse, struct erasure_op, refuse);

	if (goes_on(op, &refuse->error))
		ask_state(op, reply_state);
}

static void refuse_it(struct erasure_op *op)
{
	op->refuse.donor_id = op->load.record.donor.id;
	op->refuse.actor = op->r->actor;
	op->refuse.arena = op->r->arena;
	op->refuse.done = on_refused;
	erasure_refuse_send(api_store(op->r->api), &op->refuse);
}

static void refuse_with_units(struct request *r)
{
	struct erasure_op *op = new_op(r, 200);
	struct error err;
	size_t len;
	const char *body = http_body(r->x, &len);

	error_clear(&err);
	if (donor_request_ground_read(body, len, r->arena, &op->refuse.ground, &err))
		load_record(op, refuse_it);
	else
		request_reply_error(r, &err);
}

static void refuse_start(struct request *r)
{
	request_with_units(r, refuse_with_units);
}

/* ---- POST /donors/{id}/erasure/approve ---- */

static void on_erased(struct donor_erase *erase)
{
	struct erasure_op *op = container_of(erase, struct erasure_op, erase);

	if (goes_on(op, &erase->error))
		ask_state(op, reply_state);
}

/* Named in the journal before it is done: whatever happens then, a restored backup is cleaned of it. */
static bool write_journal(struct erasure_op *op)
{
	struct request *r = op->r;
	const struct worker *worker = r->api->worker;
	const char **ids = arena_alloc(r->arena, (op->erase.nrecords + 1) * sizeof(*ids));
	const char *path = erasure_journal_path(worker->config->erasure_journal, keyring_dir(worker->keyring), r->arena);
	struct error err;

	for (size_t i = 0; i < op->erase.nrecords; i++)
		ids[i] = op->erase.records[i]->donor.id;
	error_clear(&err);
	return erasure_journal_append(path, ids, op->erase.nrecords, clock_wall_us(worker->clock), &err) ||
	       (request_reply_error(r, &err), false);
}

static void on_facts(struct facts_load *load)
{
	struct erasure_op *op = container_of(load, struct erasure_op, facts);
	struct donor_erase *erase = &op->erase;
	struct request *r = op->r;

	if (!goes_on(op, &load->error))
		return;
	erase->wait = donor_wait_left(&load->facts, r->api->daemon->rules, r->today, r->arena);
	erase->records = arena_alloc(r->arena, (op->nmerged + 1) * sizeof(const struct donor_record *));
	erase->records[erase->nrecords++] = &op->load.record;
	for (size_t i = 0; i < op->nmerged; i++)
		if (!op->merged[i].load.record.donor.erased)
			erase->records[erase->nrecords++] = &op->merged[i].load.record;
	if (!write_journal(op))
		return;
	erase->actor = r->actor;
	erase->arena = r->arena;
	erase->done = on_erased;
	donor_erase_send(api_store(r->api), erase);
}

static void load_merged(struct erasure_op *op);

static void on_merged(struct donor_load *load)
{
	struct erasure_op *op = container_of(load, struct record_load, load)->op;

	if (goes_on(op, &load->error))
		load_merged(op);
}

static void load_merged(struct erasure_op *op)
{
	const struct donor_record *record = &op->load.record;

	if (op->nmerged < record->nmerged) {
		struct record_load *next = &op->merged[op->nmerged];

		next->op = op;
		next->load = (struct donor_load){ .key = record->merged[op->nmerged++], .exact = true,
						  .arena = op->r->arena, .done = on_merged };
		donor_load_send(api_store(op->r->api), &next->load);
		return;
	}
	op->facts = (struct facts_load){ .key = record->donor.id, .arena = op->r->arena, .done = on_facts };
	facts_load_send(api_store(op->r->api), &op->facts);
}

/* Who may not approve must not be written into the journal either. */
static void approve_asked(struct erasure_op *op)
{
	const struct actor *actor = &op->r->actor;
	const struct erasure_load *state = &op->state;
	struct error err;

	error_clear(&err);
	if (op->load.record.donor.erased) {      /* a repeated request: it was done */
		reply_state(op);
		return;
	}
	if (state->state != ERASURE_ASKED)
		error_set(&err, ERR_ILLEGAL_STEP, "Nobody has asked to erase this donor, or it has been decided.",
			  "Chưa có ai đề nghị xóa hồ sơ này, hoặc đề nghị đã được quyết định.");
	else if (streq(actor->kind, state->asked_by_kind) && streq(actor->id ? actor->id : "", state->asked_by))
		error_set(&err, ERR_SECOND_PERSON, "You asked for this yourself: another person must approve it.",
			  "Chính bạn đã đề nghị việc này: cần người khác duyệt.");
	if (!goes_on(op, &err))
		return;
	op->merged = arena_alloc(op->r->arena, (op->load.record.nmerged + 1) * sizeof(*op->merged));
	load_merged(op);
}

static void approve_loaded(struct erasure_op *op)
{
	ask_state(op, approve_asked);
}

static void approve_with_units(struct request *r)
{
	if (body_is_nothing(r))
		load_record(new_op(r, 200), approve_loaded);
}

static void approve_start(struct request *r)
{
	request_with_units(r, approve_with_units);
}

const struct route erasure_routes[] = {
	{ HTTP_GET_, "/api/v1/donors/{id}/erasure", AREA_DONORS, ACCESS_READ, get_start, ROUTE_PERSONAL, 0 },
	{ HTTP_POST_, "/api/v1/donors/{id}/erasure", AREA_DONORS, ACCESS_WRITE, ask_start, ROUTE_PERSONAL, 0 },
	{ HTTP_POST_, "/api/v1/donors/{id}/erasure/approve", AREA_ERASURE_APPROVAL, ACCESS_WRITE, approve_start,
	  ROUTE_PERSONAL, 0 },
	{ HTTP_POST_, "/api/v1/donors/{id}/erasure/refuse", AREA_ERASURE_APPROVAL, ACCESS_WRITE, refuse_start,
	  ROUTE_PERSONAL, 0 },
	{ 0 }
};
