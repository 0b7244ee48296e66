#include <string.h>

#include "api/donors.h"
#include "api/places.h"
#include "api/private.h"
#include "api/request.h"
#include "base/error.h"
#include "base/text.h"
#include "store/donor_store.h"
#include "wire/donor_wire.h"

/* Who may be the same person, and what somebody who has looked says of it. */

/* ---- GET /donors/{id}/duplicates ---- */

struct likely_op {
	struct request         *r;
	struct donor_load       load;
	struct donor_match_find find;
};

static void likely_on_found(struct donor_match_find *find)
{
	struct likely_op *op = container_of(find, struct likely_op, find);
	struct json_out out;

	if (find->error.code != ERR_NONE) {
		request_reply_error(op->r, &find->error);
		return;
	}
	request_list_begin(op->r, &out);
	for (size_t i = 0; i < find->nmatches; i++)
		donor_match_write(&out, NULL, find->matches[i].id, find->matches[i].number, find->matches[i].score);
	request_list_reply(op->r, &out, NULL);
}

static void likely_on_loaded(struct donor_load *load)
{
	struct likely_op *op = container_of(load, struct likely_op, load);

	if (load->error.code != ERR_NONE) {
		request_reply_error(op->r, &load->error);
		return;
	}
	op->find.donor = &load->record.donor;
	op->find.units = api_units(op->r->api);
	op->find.least = DONOR_LIKELY;
	op->find.arena = op->r->arena;
	op->find.done = likely_on_found;
	donor_match_find_send(api_store(op->r->api), &op->find);
}

/* Opened to compare, and told to nobody: no reading. */
static void likely_with_units(struct request *r)
{
	struct likely_op *op = http_alloc(r->x, sizeof(*op));

	op->r = r;
	op->load.key = request_param(r, "id");
	request_readable_units(r, &op->load.units, &op->load.nunits);
	op->load.arena = r->arena;
	op->load.done = likely_on_loaded;
	donor_load_send(api_store(r->api), &op->load);
}

static void likely_start(struct request *r)
{
	request_with_units(r, likely_with_units);
}

/* ---- POST /donors/{id}/merge, merge/undo, distinct ---- */

struct join_op {
	struct request   *r;
	const char       *with;
	struct donor_load donor, other;
	unsigned          waiting;
	struct donor_join join;
	struct donor_load after;
};

static enum donor_verb verb_of(const struct request *r)
{
	const char *last = strrchr(http_path(r->x), '/') + 1;

	return streq(last, "merge") ? DONOR_MERGE : streq(last, "undo") ? DONOR_UNMERGE : DONOR_DISTINCT;
}

static void after_on_loaded(struct donor_load *load)
{
	struct join_op *op = container_of(load, struct join_op, after);

	if (load->error.code != ERR_NONE)
		request_reply_unread(op->r, &load->error);
	else
		request_reply_donor(op->r, &load->record);
}

static void show(struct join_op *op)
{
	op->after.key = op->donor.record.donor.id;
	op->after.arena = op->r->arena;
	op->after.done = after_on_loaded;
	donor_load_send(api_store(op->r->api), &op->after);
}

/* The audit rows of the step say that it was seen. */
static void join_on_done(struct donor_join *join)
{
	struct join_op *op = container_of(join, struct join_op, join);

	if (join->error.code != ERR_NONE)
		request_reply_error(op->r, &join->error);
	else
		show(op);
}

/* Nothing is done, so nothing says that the record was seen but this reading itself. */
static void show_again(struct join_op *op)
{
	op->after.action = "donor.read";
	op->after.actor = op->r->actor;
	op->after.actor.request_id = http_request_id(op->r->x);
	show(op);
}

static bool hangs_on(const struct donor_record *donor, const struct donor *other)
{
	for (size_t i = 0; i < donor->nmerged; i++)
		if (streq(donor->merged[i], other->id))
			return true;
	return false;
}

/* The same request once more, whose answer was lost: the record that stands is named, and one that was merged into it. */
static bool was_merged_before(const struct join_op *op)
{
	const struct donor *donor = &op->donor.record.donor;

	return donor_is_called(donor, op->donor.key) && !donor_is_called(donor, op->with);
}

static void set_one_record(struct error *err, const struct donor *donor)
{
	error_set(err, ERR_ILLEGAL_STEP, "Both are one record, %s: send two records that stand apart.",
		  "Cả hai là một hồ sơ, %s: hãy gửi hai hồ sơ riêng biệt.", donor->number);
}

/* Whether there is something to do; else it is answered here: a repeated merge is done already. */
static bool step_is_possible(struct join_op *op)
{
	const struct donor_record *donor = &op->donor.record;
	const struct donor *other = &op->other.record.donor;
	bool one = streq(donor->donor.id, other->id);
	struct error err;

	error_clear(&err);
	switch (op->join.verb) {
	case DONOR_MERGE:
		if (!one)
			return true;
		if (was_merged_before(op)) {
			show_again(op);
			return false;
		}
		set_one_record(&err, other);
		break;
	case DONOR_UNMERGE:
		if (hangs_on(donor, other))
			return true;
		error_set(&err, ERR_ILLEGAL_STEP, "The other record is not merged into this one.",
			  "Hồ sơ kia không được gộp vào hồ sơ này.");
		break;
	case DONOR_DISTINCT:
		if (!one)
			return true;
		if (donor_is_called(other, op->donor.key) && donor_is_called(other, op->with))
			set_one_record(&err, other);
		else
			error_set(&err, ERR_ILLEGAL_STEP, "The two are merged. If they are two people, undo that first.",
				  "Hai hồ sơ đã được gộp. Nếu là hai người, hãy hủy gộp trước.");
		break;
	}
	request_reply_error(op->r, &err);
	return false;
}

static void reply_no_other(struct request *r, const struct error *err)
{
	struct error fault;

	if (err->code != ERR_NOT_FOUND) {
		request_reply_error(r, err);
		return;
	}
	error_clear(&fault);
	error_add_field(&fault, "/with", "not_found", "There is no such donor: send an id or a donor number.",
			"Không có người hiến máu này: hãy gửi mã hồ sơ hoặc mã người hiến máu.");
	request_reply_error(r, &fault);
}

static void join_send(struct join_op *op)
{
	const struct donor *donor = &op->donor.record.donor, *other = &op->other.record.donor;
	struct request *r = op->r;

	if (op->donor.error.code != ERR_NONE) {
		request_reply_error(r, &op->donor.error);
		return;
	}
	if (op->other.error.code != ERR_NONE) {
		reply_no_other(r, &op->other.error);
		return;
	}
	if (!request_may_write_donor(r, donor) || !request_may_write_donor(r, other))
		return;
	if (donor->erased || other->erased) {
		request_reply_erased_donor(r);
		return;
	}
	if (!step_is_possible(op))
		return;
	op->join.donor = &op->donor.record;
	op->join.other = &op->other.record;
	op->join.actor = r->actor;
	op->join.arena = r->arena;
	op->join.done = join_on_done;
	donor_join_send(api_store(r->api), &op->join);
}

static void join_on_donor(struct donor_load *load)
{
	struct join_op *op = container_of(load, struct join_op, donor);

	if (--op->waiting == 0)
		join_send(op);
}

static void join_on_other(struct donor_load *load)
{
	struct join_op *op = container_of(load, struct join_op, other);

	if (--op->waiting == 0)
		join_send(op);
}

static void load_one(struct join_op *op, struct donor_load *load, const char *key, void (*done)(struct donor_load *load))
{
	load->key = key;
	request_readable_units(op->r, &load->units, &load->nunits);
	load->arena = op->r->arena;
	load->done = done;
	op->waiting++;
	donor_load_send(api_store(op->r->api), load);
}

static void join_with_units(struct request *r)
{
	struct join_op *op = http_alloc(r->x, sizeof(*op));
	struct error err;
	size_t len;
	const char *body = http_body(r->x, &len);

	op->r = r;
	op->join.verb = verb_of(r);
	error_clear(&err);
	if (!donor_with_read(body, len, r->arena, &op->with, &err)) {
		request_reply_error(r, &err);
		return;
	}
	/* What was merged is meant itself; else the record that stands for it. */
	op->other.exact = op->join.verb == DONOR_UNMERGE;
	load_one(op, &op->donor, request_param(r, "id"), join_on_donor);
	load_one(op, &op->other, op->with, join_on_other);
}

static void join_start(struct request *r)
{
	request_with_units(r, join_with_units);
}

const struct route donor_merge_routes[] = {
	{ HTTP_GET_, "/api/v1/donors/{id}/duplicates", AREA_DONORS, ACCESS_READ, likely_start, ROUTE_PERSONAL, 0 },
	{ HTTP_POST_, "/api/v1/donors/{id}/merge", AREA_DONORS, ACCESS_WRITE, join_start, ROUTE_PERSONAL, 0 },
	{ HTTP_POST_, "/api/v1/donors/{id}/merge/undo", AREA_DONORS, ACCESS_WRITE, join_start, ROUTE_PERSONAL, 0 },
	{ HTTP_POST_, "/api/v1/donors/{id}/distinct", AREA_DONORS, ACCESS_WRITE, join_start, ROUTE_PERSONAL, 0 },
	{ 0 }
};
