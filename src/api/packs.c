#include <stdlib.h>
#include <string.h>

#include "api/params.h"
#include "api/places.h"
#include "api/private.h"
#include "api/request.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "domain/eligibility_rules.h"
#include "domain/pack.h"
#include "store/pack_store.h"
#include "wire/round_wire.h"
#include "worker/pool.h"

/*
 * GET /sync/pack: what a phone takes along to a round, or what has changed since it was last here. What it has is known
 * by the token that it brings; where that says nothing any more it is told to begin anew (412). The numbers of those
 * who may not give are opened and hashed in the CPU pool, a page at a time, and nothing of them is kept.
 */

enum { ATTEMPTS = 3 };

/* The pool opens what this page has, and nothing else touches the page meanwhile. */
struct hash_job {
	struct pool_job    job;
	struct pack_page   page;
	struct pack_hashes hashes;
	struct arena       arena;        /* the page's */
	struct error       error;
	bool               fine;
};

struct pack_op {
	struct request      *r;
	struct round_load    round;
	const char          *token, *state;      /* that the phone brings; NULL */
	const char          *holder;
	int                  attempts, key_id;
	int64_t              now_us, expires_us;
	unsigned char        key[PACK_KEY_BYTES];
	char                 origin[UUID_TEXT_SIZE], next[UUID_TEXT_SIZE];
	struct pack_load     load;
	struct hash_job      hash;
	size_t               numbers_max, names_max, nbroken;
	struct pool_job      settle;
	struct pack_contents contents;           /* as the phone is to hold it */
	struct pack_change   change;
	char                 state_now[PACK_STATE_HEX_SIZE], kept_now[PACK_STATE_HEX_SIZE];      /* as it is told, and kept */
	struct error         settle_error;
	struct buf           held;
	struct pack_keep     keep;
};

static void begin(struct pack_op *op);

static void fail(struct pack_op *op, const struct error *err)
{
	buf_release(&op->held);
	request_reply_error(op->r, err);
}

static void fail_busy(struct pack_op *op)
{
	struct error err;

	error_clear(&err);
	error_set(&err, ERR_UNAVAILABLE, "The service is busy. Ask again in a moment.",
		  "Hệ thống đang bận. Hãy yêu cầu lại sau giây lát.");
	buf_release(&op->held);
	request_reply_error_after(op->r, &err, 1);
}

/* ---- the answer ---- */

static void expected_write(struct json_out *out, const struct pack_expected *expected)
{
	char text[6];

	jout_object(out, NULL);
	jout_text(out, "code", expected->code);
	jout_text(out, "donor", expected->donor_id[0] ? expected->donor_id : NULL);
	jout_text(out, "name", expected->name);
	if (expected->birth_year > 0)
		jout_int(out, "birth_year", expected->birth_year);
	else
		jout_null(out, "birth_year");
	jout_text(out, "start", expected->start_minute < 0 ? NULL : minute_format(expected->start_minute, text));
	jout_text(out, "end", expected->end_minute < 0 ? NULL : minute_format(expected->end_minute, text));
	jout_text(out, "state", expected->checked_in ? "checked_in" : "booked");
	jout_text(out, "group", expected->group);
	jout_end(out);
}

static void people_write(struct json_out *out, const struct pack_change *change)
{
	jout_object(out, "expected");
	jout_array(out, "added");
	for (size_t i = 0; i < change->nexpected; i++)
		expected_write(out, change->expected[i]);
	jout_end(out);
	jout_array(out, "removed");
	for (size_t i = 0; i < change->ncodes; i++)
		jout_text(out, NULL, change->codes[i]);
	jout_end(out);
	jout_end(out);
}

static void merges_write(struct json_out *out, const struct pack_change *change)
{
	jout_object(out, "merges");
	jout_array(out, "added");
	for (size_t i = 0; i < change->nmerges; i++) {
		jout_object(out, NULL);
		jout_text(out, "donor", change->merges[i]->donor_id);
		jout_text(out, "into", change->merges[i]->into_id);
		jout_end(out);
	}
	jout_end(out);
	jout_array(out, "removed");
	for (size_t i = 0; i < change->nunmerged; i++)
		jout_text(out, NULL, change->unmerged[i]);
	jout_end(out);
	jout_end(out);
}

static void values_write(struct json_out *out, const char *key, const struct pack_values *values)
{
	jout_array(out, key);
	for (size_t i = 0; i < values->count; i++)
		jout_int(out, NULL, values->values[i]);
	jout_end(out);
}

static void hashes_write(struct json_out *out, const char *key, const struct pack_values *added, const struct pack_values *gone)
{
	jout_object(out, key);
	values_write(out, "added", added);
	values_write(out, "removed", gone);
	jout_end(out);
}

static void key_write(struct json_out *out, const unsigned char key[PACK_KEY_BYTES])
{
	static const char digits[] = "0123456789abcdef";
	char text[2 * PACK_KEY_BYTES + 1];

	for (size_t i = 0; i < PACK_KEY_BYTES; i++) {
		text[2 * i] = digits[key[i] >> 4];
		text[2 * i + 1] = digits[key[i] & 15];
	}
	text[sizeof(text) - 1] = '\0';
	jout_text(out, "key", text);
}

static void rules_write(struct json_out *out, const struct pack_op *op)
{
	const struct eligibility_rules *rules = op->r->api->daemon->rules;

	jout_text(out, "rule_set", rules->edition);
	if (op->load.known && streq(op->load.rule_set, rules->edition))
		jout_null(out, "rules");         /* the phone has them */
	else
		jout_raw(out, "rules", rules->text);
}

static void reply_pack(struct pack_op *op)
{
	struct json_out out = { .buf = api_scratch(op->r->api) };
	const struct pack_change *change = &op->change;

	jout_object(&out, NULL);
	jout_text(&out, "token", op->keep.token);
	jout_text(&out, "since", op->load.known ? op->token : NULL);
	jout_text(&out, "state", op->state_now);
	jout_time(&out, "made_at", op->now_us);
	jout_time(&out, "expires_at", op->expires_us);
	round_write(&out, "round", &op->round.round);
	rules_write(&out, op);
	key_write(&out, op->key);
	jout_int(&out, "hash_bits", PACK_HASH_BITS);
	people_write(&out, change);
	merges_write(&out, change);
	hashes_write(&out, "names", &change->names, &change->names_gone);
	hashes_write(&out, "numbers", &change->numbers, &change->numbers_gone);
	jout_int(&out, "unreadable", (int64_t)op->nbroken);
	jout_end(&out);
	buf_release(&op->held);
	request_reply_secret(op->r, 200, out.buf);
}

/* ---- kept, before anybody is told ---- */

static void on_kept(struct pack_keep *keep)
{
	struct pack_op *op = container_of(keep, struct pack_op, keep);

	if (keep->error.code != ERR_NONE)
		fail(op, &keep->error);
	else if (keep->kept)
		reply_pack(op);
	else if (++op->attempts < ATTEMPTS)
		begin(op);
	else
		fail_busy(op);
}

/* What is as it was goes on under its token. */
static const char *token_of(struct pack_op *op)
{
	if (op->load.known && !pack_changed(&op->change) && streq(op->kept_now, op->load.state))
		return op->token;
	uuid7_make(op->next, op->now_us);
	return op->next;
}

static void keep(struct pack_op *op)
{
	struct request *r = op->r;

	op->keep = (struct pack_keep){
		.token = token_of(op), .origin = op->origin, .round_id = op->round.round.id, .holder = op->holder,
		.rule_set = op->contents.rule_set, .state = op->kept_now, .key_id = op->key_id, .held = &op->held,
		.told = op->change.expected, .ntold = op->change.nexpected, .epoch = op->load.epoch, .now_us = op->now_us,
		.expires_us = op->expires_us, .actor = r->actor, .arena = r->arena, .done = on_kept,
	};
	op->keep.actor.request_id = http_request_id(r->x);
	pack_keep_send(api_store(r->api), &op->keep);
}

/* ---- put together, in the pool ---- */

static void settle_work(struct pool_job *job)
{
	struct pack_op *op = container_of(job, struct pack_op, settle);
	struct arena *arena = op->r->arena;      /* the request waits for this */
	struct pack_contents *contents = &op->contents;
	struct buf text = { 0 };

	if (!pack_people_open(&op->load, op->r->api->worker->keyring, op->key, arena, &op->settle_error))
		return;
	contents->expected = op->load.expected;
	contents->nexpected = op->load.nexpected;
	contents->merges = op->load.merges;
	contents->nmerges = op->load.nmerges;
	pack_order(contents);
	pack_state_text(contents, &text);
	pack_state(text.data, text.len, op->state_now);
	pack_state_kept(op->key, op->state_now, op->kept_now);
	buf_release(&text);
	pack_held_write(contents, &op->held);
	pack_compare(&op->load.before, contents, arena, &op->change);
}

static void settle_done(struct pool_job *job)
{
	struct pack_op *op = container_of(job, struct pack_op, settle);

	if (op->settle_error.code != ERR_NONE)
		fail(op, &op->settle_error);
	else
		keep(op);
}

static void settle(struct pack_op *op)
{
	struct api *api = op->r->api;

	op->settle = (struct pool_job){ .work = settle_work, .done = settle_done };
	error_clear(&op->settle_error);
	buf_reset(&op->held);
	if (!pool_send(api->daemon->pool, api->worker, &op->settle))
		fail_busy(op);
}

/* ---- who may not give, page by page ---- */

static void next_page(struct pack_op *op);

static void hash_work(struct pool_job *job)
{
	struct hash_job *hash = container_of(job, struct hash_job, job);
	struct pack_op *op = container_of(hash, struct pack_op, hash);

	hash->fine = pack_page_hash(&hash->page, op->r->api->worker->keyring, op->key, &hash->hashes, &hash->error);
}

static uint32_t *add_values(struct arena *arena, uint32_t *values, size_t *count, size_t *max, const uint32_t *more, size_t nmore)
{
	if (*count + nmore > *max) {
		uint32_t *larger;

		*max = 2 * (*count + nmore);
		larger = arena_alloc(arena, *max * sizeof(*larger));
		if (*count > 0)
			memcpy(larger, values, *count * sizeof(*larger));
		values = larger;
	}
	if (nmore > 0)
		memcpy(values + *count, more, nmore * sizeof(*more));
	*count += nmore;
	return values;
}

static void hash_done(struct pool_job *job)
{
	struct hash_job *hash = container_of(job, struct hash_job, job);
	struct pack_op *op = container_of(hash, struct pack_op, hash);
	struct pack_contents *contents = &op->contents;
	struct arena *arena = op->r->arena;

	contents->numbers = add_values(arena, contents->numbers, &contents->nnumbers, &op->numbers_max, hash->hashes.numbers,
				       hash->hashes.nnumbers);
	contents->names = add_values(arena, contents->names, &contents->nnames, &op->names_max, hash->hashes.names,
				     hash->hashes.nnames);
	op->nbroken += hash->hashes.nbroken;
	arena_release(&hash->arena);
	if (!hash->fine)
		fail(op, &hash->error);
	else if (hash->page.more)
		next_page(op);
	else
		settle(op);
}

static void on_page(struct pack_page *page)
{
	struct hash_job *hash = container_of(page, struct hash_job, page);
	struct pack_op *op = container_of(hash, struct pack_op, hash);
	struct api *api = op->r->api;

	if (page->error.code != ERR_NONE) {
		arena_release(&hash->arena);
		fail(op, &page->error);
		return;
	}
	hash->hashes = (struct pack_hashes){
		.numbers = arena_alloc(&hash->arena, (page->nidentifiers + 1) * sizeof(uint32_t)),
		.names = arena_alloc(&hash->arena, (page->nrecords + 1) * sizeof(uint32_t)),
	};
	hash->job = (struct pool_job){ .work = hash_work, .done = hash_done };
	if (pool_send(api->daemon->pool, api->worker, &hash->job))
		return;
	arena_release(&hash->arena);
	fail_busy(op);
}

static void next_page(struct pack_op *op)
{
	struct pack_page *page = &op->hash.page;

	arena_init(&op->hash.arena);
	page->on = op->round.round.from;
	page->arena = &op->hash.arena;
	page->done = on_page;
	pack_page_send(api_store(op->r->api), page);
}

/* ---- what the phone has ---- */

static void reply_rebuild(struct pack_op *op)
{
	struct error err;

	error_clear(&err);
	error_set(&err, ERR_PACK_OUTDATED,
		  "What this phone holds cannot be continued: its token is too old or not known, or its set is not what was told."
		  " Throw the pack away and load the whole one, without since.",
		  "Không thể cập nhật tiếp gói dữ liệu trong máy: mã đã cũ hoặc không có, hoặc dữ liệu không khớp."
		  " Hãy bỏ gói cũ và tải lại toàn bộ, không gửi since.");
	fail(op, &err);
}

/* What the phone says that it holds is what it was told. Where it says nothing, it is. */
static bool is_held(const struct pack_op *op)
{
	char kept[PACK_STATE_HEX_SIZE];

	if (!op->state)
		return true;
	pack_state_kept(op->key, op->state, kept);
	return streq(kept, op->load.state);
}

static void on_loaded(struct pack_load *load)
{
	struct pack_op *op = container_of(load, struct pack_op, load);

	if (load->error.code != ERR_NONE) {
		fail(op, &load->error);
		return;
	}
	if (load->known)
		memcpy(op->origin, load->origin, sizeof(op->origin));
	else
		uuid7_make(op->origin, op->now_us);
	pack_key_make(op->r->api->worker->keyring, op->key_id, op->origin, op->key);
	if (op->token && (!load->known || load->key_id != op->key_id || !is_held(op)))
		reply_rebuild(op);
	else
		next_page(op);
}

/* Anew, too: all but the round is read again. */
static void begin(struct pack_op *op)
{
	struct request *r = op->r;

	op->now_us = clock_wall_us(r->api->worker->clock);
	op->expires_us = pack_expires_us(&op->round.round, op->now_us);
	op->key_id = keyring_active(r->api->worker->keyring, KEY_HASH);
	op->contents = (struct pack_contents){ .rule_set = r->api->daemon->rules->edition };
	op->numbers_max = op->names_max = op->nbroken = 0;
	op->hash.page.after[0] = '\0';
	op->load = (struct pack_load){ .round_id = op->round.round.id, .token = op->token, .holder = op->holder,
				       .now_us = op->now_us, .arena = r->arena, .done = on_loaded };
	pack_load_send(api_store(r->api), &op->load);
}

static void on_round(struct round_load *load)
{
	struct pack_op *op = container_of(load, struct pack_op, round);
	struct request *r = op->r;
	struct error err;

	error_clear(&err);
	if (load->error.code != ERR_NONE)
		request_reply_round_error(r, &load->error);
	else if (!request_sees_round(r, &load->round))
		request_reply_no_round(r);
	else if (!request_may_read_of(r, &load->round))
		return;
	else if (!pack_is_given(&load->round, r->today, &err))
		request_reply_error(r, &err);
	else
		begin(op);
}

static void pack_with_units(struct request *r)
{
	struct pack_op *op = r->own;

	op->round.arena = r->arena;
	op->round.done = on_round;
	round_load_send(api_store(r->api), &op->round);
}

static void pack_start(struct request *r)
{
	struct pack_op *op = http_alloc(r->x, sizeof(*op));
	const struct principal *who = &r->principal;
	struct params params;
	struct error err;

	op->r = r;
	r->own = op;
	if (params_init(&params, r, &err)) {
		op->round.key = params_text(&params, "round");
		op->token = params_text(&params, "since");
		op->state = params_text(&params, "state");
		if (!op->round.key)
			params_fault(&params, "round", "required", "Name the round, by id or code.",
				     "Hãy nêu đợt hiến máu, bằng id hoặc mã.");
		params_finish(&params);
	}
	if (err.code != ERR_NONE) {
		request_reply_error(r, &err);
		return;
	}
	op->holder = who->device ? arena_printf(r->arena, "device %s", who->device)
				 : arena_printf(r->arena, "%s %s", r->actor.kind, who->id);
	request_with_units(r, pack_with_units);
}

const struct route pack_routes[] = {
	{ HTTP_GET_, "/api/v1/sync/pack", AREA_SYNC, ACCESS_READ, pack_start, ROUTE_PERSONAL | ROUTE_PACKS, 0 },
	{ 0 }
};
