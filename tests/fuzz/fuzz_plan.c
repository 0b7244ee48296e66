#include <jansson.h>

#include "base/buf.h"
#include "base/json_out.h"
#include "base/memory.h"
#include "domain/catalog_names.h"
#include "domain/lai_chau_units.h"
#include "fuzz/fuzz.h"
#include "fuzz/same.h"
#include "wire/plan_wire.h"
#include "wire/round_wire.h"

/*
 * Files that staff hand in. The first letter says which:
 *
 *	J  a plan file. Oracle: written and read again it is the same file; imported
 *	   a second time it changes nothing
 *	D  two plan files with a byte 0x1e between: the second is imported over the
 *	   first. Oracle: what is announced is not changed; what it leaves is sound
 *	   where both were; imported a second time it changes nothing
 *	P  a request for a proposal. Oracle: what is proposed is in order and within
 *	   the plan, on no holiday, keeps the gap and has a team for each round
 *	Q  the same, the request made of bytes. Oracle: as for P, and twice the same
 *	C  a table of rounds. Oracle: what is read can be written as a plan file and
 *	   read again
 *	H  a table of the past. Oracle: its rounds can be shown
 */
static struct unit_map *units;

static const struct catalog_item campaigns[] = {
	{ .kind = CATALOG_CAMPAIGN,
	  .campaign = { .id = "00000000-0000-7000-8000-00000000000a", .slug = "chu-nhat-do", .name = "Chủ nhật Đỏ" } },
};
static const struct catalog_item venues[] = {
	{ .kind = CATALOG_VENUE,
	  .venue = { .id = "00000000-0000-7000-8000-00000000000b", .name = "Nhà văn hóa", .unit_id = "12@",
		     .capacity = 10, .active = true } },
};
static const struct catalog_item teams[] = {
	{ .kind = CATALOG_TEAM,
	  .team = { .id = "00000000-0000-7000-8000-00000000000c", .code = "D1", .name = "Đội 1", .active = true } },
};

static struct catalog catalog(void)
{
	return (struct catalog){ .items = { campaigns, venues, teams }, .nitems = { 1, 1, 1 }, .units = units };
}

static void check_same(const struct buf *a, const struct buf *b)
{
	FUZZ_CHECK(a->len == b->len && memcmp(a->data, b->data, a->len) == 0, "%s\n%s", a->data, b->data);
}

static void check_json(const struct buf *text)
{
	json_error_t fault;
	json_t *object = json_loadb(text->data, text->len, JSON_REJECT_DUPLICATES, &fault);

	FUZZ_CHECK(object, "%s: %s", fault.text, text->data);
	json_decref(object);
}

/* Writes it, reads that, writes it again. */
static void check_file(const struct plan *plan, struct arena *arena)
{
	struct buf first = { 0 }, again = { 0 };
	struct plan second;
	struct error err;

	error_clear(&err);
	plan_file_write(&first, plan);
	FUZZ_CHECK(plan_file_read_json(first.data, first.len, units, arena, &second, &err), "%s: %s\n%s",
		   err.nfields ? err.fields[0].pointer : err.detail[0],
		   err.nfields ? err.fields[0].detail[0] : "", first.data);
	check_same_plan(plan, &second);
	plan_file_write(&again, &second);
	check_same(&first, &again);
	buf_release(&first);
	buf_release(&again);
}

/* ---- J ---- */

static bool resolve(struct plan *plan, struct error *err)
{
	struct catalog all = catalog();
	bool fine = catalog_find_campaigns(&all, plan->campaigns, plan->ncampaigns, "/campaigns", err);
	char prefix[32];

	for (size_t i = 0; i < plan->nrounds; i++) {
		snprintf(prefix, sizeof(prefix), "/rounds/%zu", i);
		fine &= catalog_find_names(&all, &plan->rounds[i], prefix, err);
	}
	return fine;
}

static void check_import(const struct plan *plan, struct arena *arena)
{
	struct buf shown = { 0 };
	struct plan_diff diff;
	struct error err;

	error_clear(&err);
	FUZZ_CHECK(plan_diff(NULL, plan, arena, &diff, &err), "%s", err.detail[0]);
	FUZZ_CHECK(diff.plan == PLAN_CREATE && diff.created == plan->nrounds && diff.nrows == plan->nrounds, "%zu",
		   diff.created);
	plan_diff_write(&(struct json_out){ .buf = &shown }, plan, &diff, true);
	check_json(&shown);
	FUZZ_CHECK(plan_diff(plan, plan, arena, &diff, &err), "%s", err.detail[0]);
	FUZZ_CHECK(diff.plan == PLAN_KEEP && diff.kept == plan->nrounds, "%zu of %zu kept", diff.kept, plan->nrounds);
	buf_release(&shown);
}

static void fuzz_file(const char *text, size_t len, struct arena *arena)
{
	struct error err, refusal;
	struct plan plan;

	error_clear(&err);
	if (!plan_file_read_json(text, len, units, arena, &plan, &err)) {
		fuzz_check_refusal(&err);
		return;
	}
	check_file(&plan, arena);
	if (!plan_check(&plan, &err)) {
		fuzz_check_refusal(&err);
		return;
	}
	check_import(&plan, arena);
	error_clear(&refusal);
	if (!resolve(&plan, &refusal))
		fuzz_check_refusal(&refusal);
	else
		check_import(&plan, arena);
}

/* ---- D ---- */

static bool is_announced(const struct round *round)
{
	return round->status != ROUND_DRAFT;
}

/* The plan as the import leaves it: `existing` with the rows of the diff in the place of its rounds. */
static void apply(const struct plan *existing, const struct plan *incoming, const struct plan_diff *diff,
		  struct arena *arena, struct plan *left)
{
	size_t most = existing->nrounds + diff->nrows;

	*left = *incoming;
	left->rounds = arena_alloc(arena, (most + 1) * sizeof(*left->rounds));
	left->nrounds = 0;
	for (int ordinal = 1; ordinal <= 366; ordinal++) {
		const struct round *round = NULL;

		for (size_t i = 0; i < existing->nrounds; i++)
			if (existing->rounds[i].ordinal == ordinal)
				round = &existing->rounds[i];
		for (size_t i = 0; i < diff->nrows; i++)
			if (diff->rows[i].ordinal == ordinal && diff->rows[i].action != PLAN_KEEP)
				round = diff->rows[i].now;
		if (round)
			left->rounds[left->nrounds++] = *round;
	}
}

static void fuzz_import(char *text, size_t len, struct arena *arena)
{
	char *cut = memchr(text, 0x1e, len);
	struct plan existing, incoming, left;
	struct plan_diff diff, again;
	struct buf shown = { 0 };
	struct error err;
	bool fine;

	error_clear(&err);
	if (!cut || !plan_file_read_json(text, (size_t)(cut - text), units, arena, &existing, &err) ||
	    !plan_check(&existing, &err) ||
	    !plan_file_read_json(cut + 1, (size_t)(text + len - cut - 1), units, arena, &incoming, &err) ||
	    !plan_check(&incoming, &err))
		return;
	fine = plan_diff(&existing, &incoming, arena, &diff, &err);
	plan_diff_write(&(struct json_out){ .buf = &shown }, &incoming, &diff, fine);
	check_json(&shown);
	buf_release(&shown);
	FUZZ_CHECK(diff.nrows == incoming.nrounds &&
			   diff.created + diff.updated + diff.kept + diff.refused == diff.nrows,
		   "%zu rows", diff.nrows);
	FUZZ_CHECK(fine == (diff.refused == 0), "%zu refused", diff.refused);
	if (!fine) {
		FUZZ_CHECK(err.code == ERR_IMPORT_REFUSED, "%d", (int)err.code);
		fuzz_check_refusal(&err);
		return;
	}
	for (size_t i = 0; i < diff.nrows; i++)
		FUZZ_CHECK(diff.rows[i].action != PLAN_UPDATE || !is_announced(diff.rows[i].was) ||
				   diff.rows[i].fields == 0,
			   "round %d is announced, and %x would change", diff.rows[i].ordinal, diff.rows[i].fields);
	apply(&existing, &incoming, &diff, arena, &left);
	FUZZ_CHECK(plan_diff(&left, &incoming, arena, &again, &err), "%s", err.detail[0]);
	FUZZ_CHECK(again.plan == PLAN_KEEP && again.kept == again.nrows, "plan %d, %zu of %zu kept", (int)again.plan,
		   again.kept, again.nrows);
	for (size_t i = 0; i < diff.nrows; i++)
		if (diff.rows[i].action == PLAN_UPDATE && !round_check(diff.rows[i].now, &err))
			FUZZ_CHECK(false, "round %d: %s %s", diff.rows[i].ordinal,
				   err.nfields ? err.fields[0].pointer : "",
				   err.nfields ? err.fields[0].detail[0] : err.detail[0]);
}

/* ---- P ---- */

static const struct holiday holidays[] = {
	{ { 2027, 1, 1 }, { 2027, 1, 1 }, "Tết Dương lịch", false },
	{ { 2027, 2, 5 }, { 2027, 2, 11 }, "Tết Nguyên đán", false },
	{ { 2027, 4, 30 }, { 2027, 5, 1 }, "30/4, 1/5", false },
};
static const struct campaign_window windows[] = {
	{ "a", "Chủ nhật Đỏ", { 2027, 1, 3 }, { 2027, 2, 28 }, { 0 }, true },
	{ "b", "14/6", { 2027, 6, 1 }, { 2027, 6, 30 }, { 2027, 6, 14 }, false },
	{ "c", "Hành trình Đỏ", { 2027, 6, 20 }, { 2027, 7, 31 }, { 2027, 7, 10 }, false },
};

static bool is_holiday(struct date day)
{
	for (size_t i = 0; i < ARRAY_SIZE(holidays); i++)
		if (date_compare(day, holidays[i].from) >= 0 && date_compare(day, holidays[i].to) <= 0)
			return true;
	return false;
}

static void check_pair(const struct propose_request *request, const struct proposed_round *a,
		       const struct proposed_round *b)
{
	int days = date_days(b->on) - date_days(a->on);

	FUZZ_CHECK(days >= 0, "%d is after %d", a->ordinal, b->ordinal);
	if ((a->fixed && b->fixed) || a->place < 0 || b->place < 0)
		return;
	FUZZ_CHECK(a->place != b->place || days >= request->gap_days, "%d and %d are %d days apart", a->ordinal,
		   b->ordinal, days);
}

static void check_proposal(const struct propose_request *request, const struct proposed_round *rounds)
{
	for (int i = 0; i < request->rounds; i++) {
		const struct proposed_round *one = &rounds[i];
		int same_day = 0;
		bool all_fixed = true;

		FUZZ_CHECK(one->ordinal == i + 1 && one->place >= -1 && one->place < (int)request->nplaces,
			   "ordinal %d place %d", one->ordinal, one->place);
		FUZZ_CHECK(one->reason[0] && one->reason[1] && *one->reason[0] && *one->reason[1], "no reason");
		if (!one->fixed) {
			FUZZ_CHECK(one->place >= 0 && !is_holiday(one->on), "%d on a holiday", one->ordinal);
			FUZZ_CHECK(date_compare(one->on, request->from) >= 0 && date_compare(one->on, request->to) <= 0,
				   "%d is outside", one->ordinal);
		}
		for (int j = i + 1; j < request->rounds; j++)
			check_pair(request, one, &rounds[j]);
		for (int j = 0; j < request->rounds; j++)
			if (date_compare(rounds[j].on, one->on) == 0) {
				same_day++;
				all_fixed &= rounds[j].fixed;
			}
		FUZZ_CHECK(all_fixed || same_day <= request->teams, "%d rounds on one day", same_day);
	}
}

/* Rounds of another plan that are there already: one at Than Uyên, one of the team. */
static size_t taken_rounds(struct round *rounds, struct named *host)
{
	const struct unit *unit;
	size_t count = unit_match(units, "Than Uyên", (struct date){ 2027, 3, 1 }, &unit, 1);

	for (int i = 0; i < 2; i++) {
		round_init(&rounds[i]);
		rounds[i].status = ROUND_ANNOUNCED;
		rounds[i].precision = PRECISION_DAY;
		rounds[i].from = rounds[i].to = (struct date){ 2027, 3, (int8_t)(7 + i) };
	}
	if (count > 0) {
		*host = (struct named){ unit->id, unit->full_name };
		rounds[0].units = host;
		rounds[0].nunits = 1;
	}
	rounds[1].team.id = "t1";
	return 2;
}

static void fuzz_proposal(const char *text, size_t len, struct arena *arena)
{
	struct propose_request *request;
	struct proposed_round *rounds;
	struct propose_file file;
	struct round taken[2];
	struct named host;
	struct error err;
	const char *team;

	error_clear(&err);
	if (!propose_file_read(text, len, units, arena, &file, &err) || !plan_check(&file.plan, &err)) {
		fuzz_check_refusal(&err);
		return;
	}
	request = &file.request;
	team = propose_file_team(&file) ? "t1" : NULL;
	propose_file_take(&file, units, taken, taken_rounds(taken, &host), team, arena);
	request->holidays = holidays;
	request->nholidays = ARRAY_SIZE(holidays);
	request->holidays_known_to = (struct date){ 2027, 12, 31 };
	request->campaigns = windows;
	request->ncampaigns = ARRAY_SIZE(windows);
	rounds = plan_propose(request, arena, &err);
	if (rounds)
		check_proposal(request, rounds);
	else
		fuzz_check_refusal(&err);
}

/* ---- Q ---- */

enum { PLACES_MAX = 12, FIXED_MAX = 10, TAKEN_MAX = 10 };

struct made_request {
	struct propose_request request;
	struct propose_place   places[PLACES_MAX];
	struct propose_fixed   fixed[FIXED_MAX];
	struct propose_taken   taken[TAKEN_MAX];
};

static void make_request(struct made_request *made, const uint8_t **data, size_t *size)
{
	static const char *const names[PLACES_MAX] = { "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l" };
	struct propose_request *request = &made->request;
	unsigned window = fuzz_byte(data, size), amount = fuzz_byte(data, size), lists = fuzz_byte(data, size);
	struct date first = date_add_days((struct date){ 2026, 12, 1 }, (int)window % 64);
	int days = 0, ordinal = 0;

	request->from = first;
	request->to = date_add_days(first, 7 + (int)fuzz_byte(data, size));
	request->rounds = 1 + (int)amount % 32;
	request->teams = 1 + (int)(amount >> 6);
	request->gap_days = (int)fuzz_byte(data, size);
	request->nplaces = lists % (PLACES_MAX + 1);
	request->nfixed = (lists >> 4) % (FIXED_MAX + 1);
	request->ntaken = fuzz_byte(data, size) % (TAKEN_MAX + 1);
	for (size_t i = 0; i < request->nplaces; i++)
		made->places[i] = (struct propose_place){ names[i], names[i], 1 + (int)fuzz_byte(data, size) % 16 };
	for (size_t i = 0; i < request->nfixed; i++) {
		ordinal += 1 + (int)fuzz_byte(data, size) % 8;
		days += (int)fuzz_byte(data, size) % 64;
		made->fixed[i] = (struct propose_fixed){ ordinal, date_add_days(first, days),
							 (int)(fuzz_byte(data, size) % (request->nplaces + 1)) - 1 };
	}
	for (size_t i = 0; i < request->ntaken; i++) {
		unsigned flags = fuzz_byte(data, size);

		made->taken[i] = (struct propose_taken){ date_add_days(first, (int)fuzz_byte(data, size) * 2 - 128), flags & 1,
							 (int)(flags >> 2) % (int)(request->nplaces + 1) - 1, flags & 2 };
	}
	request->places = made->places;
	request->fixed = made->fixed;
	request->taken = made->taken;
	request->holidays = holidays;
	request->nholidays = ARRAY_SIZE(holidays);
	request->campaigns = windows;
	request->ncampaigns = fuzz_byte(data, size) % (ARRAY_SIZE(windows) + 1);
	request->holidays_known_to = (struct date){ 2028, 12, 31 };
}

static void fuzz_request(const uint8_t *data, size_t size, struct arena *arena)
{
	struct proposed_round *rounds, *again;
	struct made_request made = { 0 };
	struct error err;

	make_request(&made, &data, &size);
	error_clear(&err);
	rounds = plan_propose(&made.request, arena, &err);
	if (!rounds) {
		fuzz_check_refusal(&err);
		return;
	}
	check_proposal(&made.request, rounds);
	if (size == 0)                           /* a search may take its time: not always twice */
		return;
	again = plan_propose(&made.request, arena, &err);
	FUZZ_CHECK(again, "%s", err.detail[0]);
	for (int i = 0; i < made.request.rounds; i++)
		FUZZ_CHECK(date_compare(rounds[i].on, again[i].on) == 0 && rounds[i].place == again[i].place &&
				   streq(rounds[i].reason[0], again[i].reason[0]),
			   "round %d differs", i + 1);
}

/* ---- C, H ---- */

static void fuzz_table(const char *text, size_t len, struct arena *arena)
{
	struct round known[2];
	struct plan of = { .number = "1/KH", .slug = "1-KH", .code_prefix = "LC25", .title = "Kế hoạch", .issuer = "x",
			   .from = { 2025, 1, 1 }, .to = { 2025, 12, 31 }, .rounds = known, .nrounds = 2 };
	struct plan plan;
	struct error err;

	for (int i = 0; i < 2; i++) {
		round_init(&known[i]);
		known[i].ordinal = i + 1;
		known[i].title = "Đợt";
		known[i].precision = PRECISION_DAY;
		known[i].from = known[i].to = (struct date){ 2025, 4, (int8_t)(1 + i) };
	}
	known[0].venue = (struct named){ "00000000-0000-7000-8000-00000000000b", "Nhà văn hóa" };
	error_clear(&err);
	if (!plan_file_read_csv(text, len, &of, units, arena, &plan, &err)) {
		fuzz_check_refusal(&err);
		return;
	}
	FUZZ_CHECK(plan_check(&plan, &err), "%s", err.nfields ? err.fields[0].pointer : err.detail[0]);
	check_file(&plan, arena);
	check_import(&plan, arena);
}

static void fuzz_history(const char *text, size_t len, struct arena *arena)
{
	struct round_history *rows;
	struct buf shown = { 0 };
	struct error err;
	size_t count;

	error_clear(&err);
	if (!history_read_csv(text, len, "LC", units, arena, &rows, &count, &err)) {
		fuzz_check_refusal(&err);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		if (!round_check(&rows[i].round, &err))
			fuzz_check_refusal(&err);
		error_clear(&err);
		if (!report_check(&rows[i].report, (struct date){ 2026, 1, 1 }, &err))
			fuzz_check_refusal(&err);
		error_clear(&err);
		rows[i].round.result = &rows[i].report;
		buf_reset(&shown);
		round_write(&(struct json_out){ .buf = &shown }, NULL, &rows[i].round);
		check_json(&shown);
	}
	buf_release(&shown);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned kind = fuzz_byte(&data, &size);
	char *text = fuzz_rest(data, size);
	struct arena arena;

	if (!units)
		units = test_units();
	arena_init(&arena);
	if (kind == 'J')
		fuzz_file(text, size, &arena);
	else if (kind == 'D')
		fuzz_import(text, size, &arena);
	else if (kind == 'P')
		fuzz_proposal(text, size, &arena);
	else if (kind == 'Q')
		fuzz_request(data, size, &arena);
	else if (kind == 'C')
		fuzz_table(text, size, &arena);
	else if (kind == 'H')
		fuzz_history(text, size, &arena);
	arena_release(&arena);
	free(text);
	return 0;
}
