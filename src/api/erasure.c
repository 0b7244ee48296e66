#include "api/params.h"
#include "api/person.h"
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
#include "store/donor_store.h"
#include "store/erasure_store.h"
#include "wire/rights_wire.h"
#include "wire/wire.h"
#include "worker/pool.h"

/* Erasing a donor's personal data: one person asks, an admin who is another person approves. */

struct erasure_op;
/* The disk may be slow: in the pool. */
struct journal_job {
	struct pool_job       job;
	const char           *path;
	struct erasure_line   line;
	int64_t               at_us;
	bool                  fine;
	struct error          error;
	void                (*next)(struct erasure_op *op);
};
struct erasure_op {
	struct request       *r;
	int                   attempts;
	struct donor_load     load;              /* the person's record */
	struct person_load    person;            /* with those that are one with it */
	struct erasure_load   state;
	struct erasure_ask    ask;
	struct erasure_refuse refuse;
	struct donor_erase    erase;
	struct journal_job    journal;
	void                (*next)(struct erasure_op *op);
	int                   status;
};

static bool goes_on(struct request *r, const struct error *err)
{
	if (err->code == ERR_NONE)
		return true;
	request_reply_error(r, err);
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

	if (goes_on(op->r, &load->error))
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

	if (goes_on(op->r, &load->error) && request_may_write(op->r, &unit, unit.id ? 1 : 0, donor->unit_on, NULL))
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
	if (wire_read_nothing(body, len, r->arena, &err))
		return true;
	request_reply_error(r, &err);
	return false;
}

/* ---- POST /donors/{id}/erasure ---- */

static void on_asked(struct erasure_ask *ask)
{
	struct erasure_op *op = container_of(ask, struct erasure_op, ask);

	if (goes_on(op->r, &ask->error))
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

	if (goes_on(op->r, &refuse->error))
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

enum { APPROVE_ATTEMPTS = 5 };

static void approve_again(struct erasure_op *op);

static void on_journal(struct pool_job *job)
{
	struct journal_job *journal = container_of(job, struct journal_job, job);
	struct erasure_op *op = container_of(journal, struct erasure_op, journal);

	if (journal->fine)
		journal->next(op);
	else
		request_reply_error(op->r, &journal->error);
}

static void note_in_journal(struct pool_job *job)
{
	struct journal_job *journal = container_of(job, struct journal_job, job);

	journal->fine = erasure_journal_note(journal->path, &journal->line, 1, journal->at_us, &journal->error);
}

static void look_at_journal(struct pool_job *job)
{
	struct journal_job *journal = container_of(job, struct journal_job, job);

	journal->fine = erasure_journal_ready(journal->path, &journal->error);
}

static void journal_send(struct erasure_op *op, void (*work)(struct pool_job *job), void (*next)(struct erasure_op *op))
{
	struct journal_job *journal = &op->journal;
	const struct worker *worker = op->r->api->worker;
	struct error err;

	journal->path = erasure_journal_path(worker->config->erasure_journal, keyring_dir(worker->keyring), op->r->arena);
	journal->at_us = clock_wall_us(worker->clock);
	journal->job = (struct pool_job){ .work = work, .done = on_journal };
	journal->next = next;
	error_clear(&journal->error);
	if (pool_send(op->r->api->daemon->pool, op->r->api->worker, &journal->job))
		return;
	error_clear(&err);
	if (work == note_in_journal)
		error_set(&err, ERR_UNKNOWN_OUTCOME, "The donor is erased; the service is too busy to write it down just now.",
			  "Đã xóa dữ liệu; hệ thống đang bận nên chưa ghi được vào sổ.");
	else
		error_set(&err, ERR_UNAVAILABLE, "The service is busy. Nothing was erased. Try again in a moment.",
			  "Hệ thống đang bận. Chưa xóa gì. Hãy thử lại sau giây lát.");
	request_reply_error_after(op->r, &err, 1);
}

static void reply_done(struct erasure_op *op)
{
	ask_state(op, reply_state);
}

/* Acknowledged is what the journal names. */
static void acknowledge(struct erasure_op *op, const char **ids, size_t count)
{
	op->journal.line = (struct erasure_line){ ids, count };
	journal_send(op, note_in_journal, reply_done);
}

static void on_erased(struct donor_erase *erase)
{
	struct erasure_op *op = container_of(erase, struct erasure_op, erase);
	const char **ids = arena_alloc(op->r->arena, (erase->nrecords + 1) * sizeof(*ids));

	/* Somebody wrote of the donor meanwhile, or approved it too: look again. */
	if (erase->error.code == ERR_STALE && ++op->attempts < APPROVE_ATTEMPTS) {
		approve_again(op);
		return;
	}
	if (!goes_on(op->r, &erase->error))
		return;
	for (size_t i = 0; i < erase->nrecords; i++)
		ids[i] = erase->records[i]->donor.id;
	acknowledge(op, ids, erase->nrecords);
}

static void erase_now(struct erasure_op *op)
{
	op->erase.actor = op->r->actor;
	op->erase.arena = op->r->arena;
	op->erase.done = on_erased;
	donor_erase_send(api_store(op->r->api), &op->erase);
}

static void on_person(struct person_load *load)
{
	struct erasure_op *op = container_of(load, struct erasure_op, person);
	struct donor_erase *erase = &op->erase;
	struct request *r = op->r;

	if (!goes_on(op->r, &load->error))
		return;
	erase->nfacts = op->state.nfacts;
	erase->wait = donor_wait_left(&load->facts.facts, r->api->daemon->rules, r->today, r->arena);
	erase->records = arena_alloc(r->arena, load->nrecords * sizeof(const struct donor_record *));
	for (size_t i = 0; i < load->nrecords; i++)
		if (i == 0 || !load->records[i]->donor.erased)
			erase->records[erase->nrecords++] = load->records[i];
	journal_send(op, look_at_journal, erase_now);
}

/* A repeated request: it was done, perhaps by a daemon that was killed before it wrote the journal. */
static void acknowledge_again(struct erasure_op *op)
{
	const struct donor_record *record = &op->load.record;
	const char **ids = arena_alloc(op->r->arena, (record->nmerged + 1) * sizeof(*ids));

	ids[0] = record->donor.id;
	for (size_t i = 0; i < record->nmerged; i++)
		ids[i + 1] = record->merged[i];
	acknowledge(op, ids, record->nmerged + 1);
}

static void approve_asked(struct erasure_op *op)
{
	struct error err;

	error_clear(&err);
	if (op->load.record.donor.erased) {
		acknowledge_again(op);
		return;
	}
	/* Somebody approved it between our two looks. */
	if (op->state.state == ERASURE_DONE && ++op->attempts < APPROVE_ATTEMPTS) {
		approve_again(op);
		return;
	}
	if (!erasure_may_approve(&op->state, &op->r->actor, &err)) {
		request_reply_error(op->r, &err);
		return;
	}
	op->person = (struct person_load){ .r = op->r, .record = &op->load.record, .done = on_person };
	person_load_start(&op->person);
}

static void approve_loaded(struct erasure_op *op)
{
	ask_state(op, approve_asked);
}

static void approve_again(struct erasure_op *op)
{
	op->load = (struct donor_load){ 0 };
	op->erase = (struct donor_erase){ 0 };
	load_record(op, approve_loaded);
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

/* ---- GET /erasures ---- */

struct waiting_op {
	struct request     *r;
	struct erasure_list list;
};

static void waiting_on_listed(struct erasure_list *list)
{
	struct waiting_op *op = container_of(list, struct waiting_op, list);
	const struct actor *actor = &op->r->actor;
	struct json_out out;

	if (!goes_on(op->r, &list->error))
		return;
	request_list_begin(op->r, &out);
	for (size_t i = 0; i < list->nitems; i++) {
		const struct erasure_waiting *item = &list->items[i];

		jout_object(&out, NULL);
		jout_text(&out, "id", item->id);
		jout_text(&out, "donor", item->donor_id);
		jout_text(&out, "donor_number", item->donor_number);
		jout_time(&out, "asked_at", item->asked_us);
		jout_int(&out, "waiting_days", item->waiting_days);
		jout_bool(&out, "own", streq(item->asked_by, actor->id) && streq(item->asked_by_kind, actor->kind));
		jout_end(&out);
	}
	request_list_reply(op->r, &out, list->more ? list->items[list->nitems - 1].id : NULL);
}

static void waiting_with_units(struct request *r)
{
	struct waiting_op *op = http_alloc(r->x, sizeof(*op));
	struct params params;
	struct error err;

	op->r = r;
	if (params_init(&params, r, &err)) {
		op->list.limit = params_limit(&params);
		params_cursor(&params, op->list.after);
		params_finish(&params);
	}
	if (!goes_on(r, &err))
		return;
	request_readable_units(r, &op->list.units, &op->list.nunits);
	op->list.actor = r->actor;
	op->list.actor.request_id = http_request_id(r->x);
	op->list.arena = r->arena;
	op->list.done = waiting_on_listed;
	erasure_list_send(api_store(r->api), &op->list);
}

static void waiting_start(struct request *r)
{
	request_with_units(r, waiting_with_units);
}

const struct route erasure_routes[] = {
	{ HTTP_GET_, "/api/v1/erasures", AREA_DONOR_LIST, ACCESS_READ, waiting_start, ROUTE_PERSONAL, 0 },
	{ HTTP_GET_, "/api/v1/donors/{id}/erasure", AREA_DONORS, ACCESS_READ, get_start, ROUTE_PERSONAL, 0 },
	{ HTTP_POST_, "/api/v1/donors/{id}/erasure", AREA_DONORS, ACCESS_WRITE, ask_start, ROUTE_PERSONAL, 0 },
	{ HTTP_POST_, "/api/v1/donors/{id}/erasure/approve", AREA_ERASURE_APPROVAL, ACCESS_WRITE, approve_start,
	  ROUTE_PERSONAL, 0 },
	{ HTTP_POST_, "/api/v1/donors/{id}/erasure/refuse", AREA_ERASURE_APPROVAL, ACCESS_WRITE, refuse_start,
	  ROUTE_PERSONAL, 0 },
	{ 0 }
};
