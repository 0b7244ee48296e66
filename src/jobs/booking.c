#include "jobs/booking.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "config/config.h"
#include "crypto/donor_seal.h"
#include "domain/eligibility.h"
#include "store/appointment_store.h"
#include "store/round_store.h"
#include "worker/worker.h"

enum { REST_SECONDS = 10, IDLE_SECONDS = 5 };

/*
 * A turn, in this order; each state is one statement under way:
 *
 *	IDLE       until the next tick
 *	TELLING    that places are others now
 *	LOOKING    which rounds wait for something
 *	SEATS      those without a name go back
 *	ROUND      then of one round after the other: the round,
 *	SLOTS      its slots,
 *	LAYING     which are laid anew when they must,
 *	WAITING    who waits, a page at a time,
 *	REFILLING  and has a place now
 */
struct booking_job {
	struct worker                  *worker;
	const struct eligibility_rules *rules;
	struct store                    store;
	bool                            busy;
	struct arena                    arena;   /* of one turn */
	struct arena                    page;    /* of one round's page of people */
	struct places_tell              tell;
	struct booking_due              due;
	size_t                          at;      /* in due.rounds */
	bool                            moved;   /* something was done in this turn */
	struct round_load               round;
	struct slots_load               slots;
	struct slots_lay                lay;
	struct waiting_load             waiting;
	struct appointment_do           go;
	int                             seconds, rest_until;
};

static void next_round(struct booking_job *job);
static void load_slots(struct booking_job *job);
static void load_waiting(struct booking_job *job, int64_t after);

static void rest(struct booking_job *job)
{
	job->busy = false;
	arena_release(&job->page);
	arena_release(&job->arena);
}

static void rest_for_trouble(struct booking_job *job, const struct error *err)
{
	log_warning("places_not_given", "problem=%s", error_slug(err->code));
	job->rest_until = job->seconds + REST_SECONDS;
	rest(job);
}

static struct slot_rules rules_of(const struct booking_job *job)
{
	const struct config *config = job->worker->config;

	return (struct slot_rules){ .minutes_per_donor = config->booking_minutes_per_donor,
				    .slot_minutes = config->booking_slot_minutes,
				    .walk_in_percent = config->booking_walk_in_percent };
}

/* ---- a step, by nobody but us ---- */

static void send_step(struct booking_job *job, enum appointment_step step, void (*done)(struct appointment_do *go))
{
	job->go.step = step;
	job->go.idempotency = (struct idempotency){ 0 };
	job->go.lead_minutes = job->worker->config->booking_refill_minutes;
	job->go.actor = (struct actor){ .kind = "daemon", .role = ROLE_ADMIN };
	job->go.arena = &job->page;
	job->go.done = done;
	appointment_do_send(&job->store, &job->go);
}

/* ---- one round ---- */

static void round_done(struct booking_job *job)
{
	arena_release(&job->page);
	job->at++;
	next_round(job);
}

/* What one round says is no trouble for the others: it may have changed meanwhile. */
static void round_fails(struct booking_job *job, const struct error *err)
{
	if (err->code == ERR_UNAVAILABLE || err->code == ERR_UNKNOWN_OUTCOME)
		rest_for_trouble(job, err);
	else
		round_done(job);
}

static void on_refilled(struct appointment_do *go)
{
	struct booking_job *job = container_of(go, struct booking_job, go);
	int64_t last = job->waiting.last;

	if (go->error.code != ERR_NONE) {
		round_fails(job, &go->error);
		return;
	}
	if (go->nsteps > 0) {
		job->moved = true;
		log_info("places_given", "round=%s places=%d", job->round.round.code, go->nsteps);
	}
	if (last > 0)
		load_waiting(job, last);
	else
		round_done(job);
}

static void on_waiting(struct waiting_load *load)
{
	struct booking_job *job = container_of(load, struct booking_job, waiting);
	if (load->error.code != ERR_NONE) {
		round_fails(job, &load->error);
		return;
	}
	job->go = (struct appointment_do){ .round_id = job->round.round.id };
	job->go.nwaiting = waiting_fits(load, job->rules, job->round.round.from, clock_today(job->worker->clock), &job->page,
					&job->go.waiting);
	if (job->go.nwaiting > 0)
		send_step(job, STEP_REFILL, on_refilled);
	else if (load->last > 0)
		load_waiting(job, load->last);
	else
		round_done(job);
}

static void load_waiting(struct booking_job *job, int64_t after)
{
	arena_release(&job->page);
	job->waiting = (struct waiting_load){ .round_id = job->round.round.id, .after = after, .arena = &job->page, .done = on_waiting };
	waiting_load_send(&job->store, &job->waiting);
}

static void on_laid(struct slots_lay *lay)
{
	struct booking_job *job = container_of(lay, struct booking_job, lay);

	if (lay->error.code != ERR_NONE) {
		round_fails(job, &lay->error);
	} else if (lay->laid) {
		job->moved = true;
		load_waiting(job, 0);
	} else {
		round_done(job);         /* somebody booked meanwhile: at the next turn */
	}
}

static void on_slots(struct slots_load *load)
{
	struct booking_job *job = container_of(load, struct booking_job, slots);

	if (load->error.code != ERR_NONE) {
		round_fails(job, &load->error);
	} else if (!load->stale && !load->loose) {
		load_waiting(job, 0);
	} else if (load->version != job->round.round.version) {
		round_done(job);
	} else {
		job->lay = (struct slots_lay){ .load = load, .arena = &job->arena, .done = on_laid };
		slot_lay(&job->round.round, &load->rules, load->slots, load->nslots, &job->arena, &job->lay.layout);
		slots_lay_send(&job->store, &job->lay);
	}
}

static void load_slots(struct booking_job *job)
{
	job->slots = (struct slots_load){ .round_id = job->round.round.id, .rules = rules_of(job), .arena = &job->arena,
					  .done = on_slots };
	slots_load_send(&job->store, &job->slots);
}

static void on_round(struct round_load *load)
{
	struct booking_job *job = container_of(load, struct booking_job, round);

	if (load->error.code != ERR_NONE)
		round_fails(job, &load->error);
	else
		load_slots(job);
}

static void next_round(struct booking_job *job)
{
	if (job->at == job->due.nrounds) {
		/* Nobody could be given what is free: no need to ask each second. */
		if (job->due.nrounds > 0 && !job->moved)
			job->rest_until = job->seconds + IDLE_SECONDS;
		rest(job);
		return;
	}
	job->round = (struct round_load){ .key = job->due.rounds[job->at], .arena = &job->arena, .done = on_round };
	round_load_send(&job->store, &job->round);
}

/* ---- all rounds ---- */

static void on_released(struct appointment_do *go)
{
	struct booking_job *job = container_of(go, struct booking_job, go);

	if (go->error.code != ERR_NONE) {
		rest_for_trouble(job, &go->error);
		return;
	}
	if (go->nsteps > 0)
		log_info("seats_released", "seats=%d", go->nsteps);
	next_round(job);
}

static void on_due(struct booking_due *due)
{
	struct booking_job *job = container_of(due, struct booking_job, due);

	if (due->error.code != ERR_NONE) {
		rest_for_trouble(job, &due->error);
		return;
	}
	job->at = 0;
	job->moved = false;
	if (due->seats) {
		job->go = (struct appointment_do){ 0 };
		send_step(job, STEP_RELEASE_DUE, on_released);
	} else {
		next_round(job);
	}
}

static void look(struct booking_job *job)
{
	job->due = (struct booking_due){ .today = clock_today(job->worker->clock), .rules = rules_of(job),
					 .lead_minutes = job->worker->config->booking_refill_minutes, .arena = &job->arena,
					 .done = on_due };
	booking_due_send(&job->store, &job->due);
}

static void on_told(struct places_tell *tell)
{
	struct booking_job *job = container_of(tell, struct booking_job, tell);

	if (tell->error.code != ERR_NONE)
		rest_for_trouble(job, &tell->error);
	else if (job->seconds < job->rest_until && !tell->told)
		rest(job);
	else
		look(job);
}

/* Places are told each second, also while there is nothing to be given; what changed may be a place that got free. */
void booking_job_tick(struct booking_job *job)
{
	job->seconds++;
	if (job->busy)
		return;
	job->busy = true;
	job->tell = (struct places_tell){ .done = on_told };
	places_tell_send(&job->store, &job->tell);
}

struct booking_job *booking_job_new(struct worker *worker, const struct eligibility_rules *rules)
{
	struct booking_job *job = xcalloc(1, sizeof(*job));

	job->worker = worker;
	job->rules = rules;
	job->store = (struct store){ worker->db, worker->keyring, worker->clock, donor_key_new() };
	arena_init(&job->arena);
	arena_init(&job->page);
	return job;
}

void booking_job_free(struct booking_job *job)
{
	if (!job)
		return;
	arena_release(&job->page);
	arena_release(&job->arena);
	donor_key_free(job->store.donor_key);
	free(job);
}
