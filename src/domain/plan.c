#include "domain/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "domain/round_rules.h"

enum { PLAN_ROUNDS_MAX = 366, PLAN_DAYS_MAX = 800, PLAN_TEXT_MAX = 300 };

static bool is_slug_char(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool plan_slug(const char *number, char *out, size_t size)
{
	char plain[256];
	size_t len = 0;
	bool gap = false;

	if (size > 0)
		out[0] = '\0';
	if (!number || !text_strip_marks(number, plain, sizeof(plain)))
		return false;
	for (const char *p = plain; *p; p++) {
		if (!is_slug_char(*p)) {
			gap = len > 0;
			continue;
		}
		if (len + gap + 1 >= size) {
			out[0] = '\0';
			return false;
		}
		if (gap)
			out[len++] = '-';
		gap = false;
		out[len++] = *p;
	}
	if (size > 0)
		out[len] = '\0';
	return len > 0;
}

static bool check_slug(const char *slug)
{
	if (!slug || !*slug)
		return false;
	for (const char *p = slug; *p; p++)
		if (!is_slug_char(*p) && !(*p == '-' && p > slug && is_slug_char(p[1])))
			return false;
	return true;
}

/* Goes before "-07" in the codes that people read out: short, capitals and digits. */
static bool check_prefix(const char *prefix)
{
	size_t len = prefix ? strlen(prefix) : 0;

	if (len < 1 || len > 12)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!((prefix[i] >= 'A' && prefix[i] <= 'Z') || (prefix[i] >= '0' && prefix[i] <= '9')))
			return false;
	return true;
}

static bool check_text(const char *text, const char *pointer, struct error *err)
{
	if (text_is_blank(text))
		return error_add_field(err, pointer, "required", "Give this text.", "Hãy cho nội dung này.");
	if (text_length(text) > PLAN_TEXT_MAX)
		return error_add_field(err, pointer, "too_long", "Shorten it to %d characters.",
				       "Hãy rút gọn còn %d ký tự.", PLAN_TEXT_MAX);
	return true;
}

static bool check_span(const struct plan *plan, struct error *err)
{
	if (date_is_none(plan->from))
		return error_add_field(err, "/from", "required", "Give the plan's first day.",
				       "Hãy cho ngày đầu của kế hoạch.");
	if (date_is_none(plan->to))
		return error_add_field(err, "/to", "required", "Give the plan's last day.",
				       "Hãy cho ngày cuối của kế hoạch.");
	if (date_compare(plan->to, plan->from) < 0)
		return error_add_field(err, "/to", "before_start",
				       "The last day must not be before the first.",
				       "Ngày cuối không được trước ngày đầu.");
	if (date_days(plan->to) - date_days(plan->from) > PLAN_DAYS_MAX)
		return error_add_field(err, "/to", "too_long", "A plan spans at most %d days: split it.",
				       "Một kế hoạch dài nhất %d ngày: hãy tách ra.", PLAN_DAYS_MAX);
	return true;
}

static bool check_head(const struct plan *plan, struct error *err)
{
	bool ok = check_text(plan->number, "/number", err);

	ok &= check_text(plan->title, "/title", err);
	if (!check_slug(plan->slug))
		ok = error_add_field(err, "/slug", "invalid",
				     "Use letters, digits and single hyphens between them.",
				     "Chỉ dùng chữ không dấu, chữ số và dấu gạch nối ở giữa.");
	if (!check_prefix(plan->code_prefix))
		ok = error_add_field(err, "/code_prefix", "invalid",
				     "Use 1 to 12 capitals and digits, like LC25.",
				     "Dùng 1 đến 12 chữ hoa không dấu và chữ số, như LC25.");
	for (size_t i = 0; i < plan->nlegal_basis; i++)
		ok &= check_text(plan->legal_basis[i], "/legal_basis", err);
	for (size_t i = 0; i < plan->ncampaigns; i++)
		for (size_t j = 0; j < i; j++)
			if (streq(plan->campaigns[i].id, plan->campaigns[j].id))
				ok = error_add_field(err, "/campaigns", "duplicate",
						     "Name each campaign once.",
						     "Mỗi chiến dịch chỉ ghi một lần.");
	return check_span(plan, err) && ok;
}

/* A day lies inside; of a month or a year some day does. */
static bool inside_plan(const struct plan *plan, const struct round *round)
{
	return date_is_none(round->from) ||
	       (date_compare(round->to, plan->from) >= 0 && date_compare(round->from, plan->to) <= 0);
}

static bool check_round(const struct plan *plan, size_t index, bool span_ok, int *seen, struct error *err)
{
	const struct round *round = &plan->rounds[index];
	char prefix[32], pointer[64], from[DATE_TEXT_SIZE], to[DATE_TEXT_SIZE];
	bool ok;

	snprintf(prefix, sizeof(prefix), "/rounds/%zu", index);
	ok = round_check_at(round, prefix, err);
	snprintf(pointer, sizeof(pointer), "%s/ordinal", prefix);
	if (round->ordinal == 0) {
		ok = error_add_field(err, pointer, "required", "Number the round, from 1 on.",
				     "Hãy đánh số đợt, từ 1 trở đi.");
	} else if (round->ordinal > 0 && round->ordinal <= PLAN_ROUNDS_MAX) {
		if (seen[round->ordinal])
			ok = error_add_field(
				err, pointer, "duplicate", "Round %d is there twice: number each once.",
				"Đợt %d bị ghi hai lần: mỗi số chỉ dùng một lần.", round->ordinal);
		seen[round->ordinal] = 1;
	}
	if (span_ok && !inside_plan(plan, round)) {
		snprintf(pointer, sizeof(pointer), "%s/date", prefix);
		ok = error_add_field(err, pointer, "outside_plan", "Give a date of the plan, from %s to %s.",
				     "Hãy cho ngày nằm trong kế hoạch, từ %s đến %s.",
				     date_format(plan->from, from), date_format(plan->to, to));
	}
	return ok;
}

bool plan_check(const struct plan *plan, struct error *err)
{
	int seen[PLAN_ROUNDS_MAX + 1] = { 0 };
	bool ok = check_head(plan, err);
	bool span_ok = !date_is_none(plan->from) && !date_is_none(plan->to);

	if (plan->nrounds > PLAN_ROUNDS_MAX)
		return error_add_field(err, "/rounds", "too_many",
				       "A plan holds at most %d rounds: split it.",
				       "Một kế hoạch có nhiều nhất %d đợt: hãy tách ra.", PLAN_ROUNDS_MAX);
	for (size_t i = 0; i < plan->nrounds; i++)
		ok &= check_round(plan, i, span_ok, seen, err);
	return ok;
}

/* ---- what an import would do ---- */

static bool same_named(const struct named *a, size_t na, const struct named *b, size_t nb)
{
	if (na != nb)
		return false;
	for (size_t i = 0; i < na; i++)
		if (!streq(a[i].id, b[i].id))
			return false;
	return true;
}

/* A plan's campaigns have no order. */
static bool same_set(const struct named *a, size_t na, const struct named *b, size_t nb)
{
	if (na != nb)
		return false;
	for (size_t i = 0; i < na; i++) {
		bool found = false;

		for (size_t j = 0; j < nb && !found; j++)
			found = streq(a[i].id, b[j].id);
		if (!found)
			return false;
	}
	return true;
}

static bool differs(const char *was, const char *now)
{
	return now && !streq(was, now);
}

static bool head_differs(const struct plan *was, const struct plan *now)
{
	if (!streq(was->number, now->number) || !streq(was->slug, now->slug) ||
	    !streq(was->code_prefix, now->code_prefix) || !streq(was->title, now->title) ||
	    differs(was->issuer, now->issuer) || date_compare(was->from, now->from) ||
	    date_compare(was->to, now->to) || was->demo != now->demo)
		return true;
	if (!date_is_none(now->issued_on) && date_compare(was->issued_on, now->issued_on))
		return true;
	if (!same_set(was->campaigns, was->ncampaigns, now->campaigns, now->ncampaigns) ||
	    was->nlegal_basis != now->nlegal_basis)
		return true;
	for (size_t i = 0; i < was->nlegal_basis; i++)
		if (!streq(was->legal_basis[i], now->legal_basis[i]))
			return true;
	return false;
}

/* What the file says and the round does not. What the file leaves out is no difference. */
static unsigned differing_fields(const struct round *was, const struct round *now)
{
	unsigned fields = 0;

	if (differs(was->title, now->title))
		fields |= ROUND_TITLE;
	if (!date_is_none(now->from) &&
	    (date_compare(was->from, now->from) || date_compare(was->to, now->to)))
		fields |= ROUND_DATE;
	if (now->start_minute >= 0 &&
	    (was->start_minute != now->start_minute || was->end_minute != now->end_minute))
		fields |= ROUND_TIME;
	if (now->nunits > 0 && !same_named(was->units, was->nunits, now->units, now->nunits))
		fields |= ROUND_UNITS;
	if (differs(was->venue.id, now->venue.id))
		fields |= ROUND_VENUE;
	if (differs(was->team.id, now->team.id))
		fields |= ROUND_TEAM;
	if (differs(was->organiser, now->organiser))
		fields |= ROUND_ORGANISER;
	if (now->ncampaigns > 0 &&
	    !same_named(was->campaigns, was->ncampaigns, now->campaigns, now->ncampaigns))
		fields |= ROUND_CAMPAIGNS;
	if (now->target_units >= 0 && was->target_units != now->target_units)
		fields |= ROUND_TARGET;
	if (now->capacity >= 0 && was->capacity != now->capacity)
		fields |= ROUND_CAPACITY;
	/* A note explains; that of an announced round is no step that anybody would have to take. */
	if (was->status == ROUND_DRAFT && differs(was->note, now->note))
		fields |= ROUND_NOTE;
	return fields;
}

/*
 * Whether the file is surer of something than the round is. A file that knows
 * less than has been learned since (its date still proposed) is no difference.
 */
static bool facts_surer(const struct round *was, const struct round *now)
{
	return now->date_status > was->date_status || now->time_status > was->time_status ||
	       now->place_status > was->place_status;
}

/* `was` with what the file says differently: what an update leaves behind. */
static struct round *merge_round(const struct round *was, const struct round *now, unsigned fields,
				 struct arena *arena)
{
	struct round *merged = arena_alloc(arena, sizeof(*merged));

	*merged = *was;
	if (fields & ROUND_TITLE)
		merged->title = now->title;
	if (fields & ROUND_DATE) {
		merged->from = now->from;
		merged->to = now->to;
		merged->precision = now->precision;
	}
	if (fields & ROUND_TIME) {
		merged->start_minute = now->start_minute;
		merged->end_minute = now->end_minute;
	}
	if (fields & ROUND_UNITS) {
		merged->units = now->units;
		merged->nunits = now->nunits;
		merged->venue = (struct named){ 0 };
		merged->venue_address = NULL;
	}
	if (fields & ROUND_VENUE) {
		merged->venue = now->venue;
		merged->venue_address = now->venue_address;
	}
	if (fields & ROUND_TEAM)
		merged->team = now->team;
	if (fields & ROUND_ORGANISER)
		merged->organiser = now->organiser;
	if (fields & ROUND_CAMPAIGNS) {
		merged->campaigns = now->campaigns;
		merged->ncampaigns = now->ncampaigns;
	}
	if (fields & ROUND_TARGET)
		merged->target_units = now->target_units;
	if (fields & ROUND_CAPACITY)
		merged->capacity = now->capacity;
	if (fields & ROUND_NOTE)
		merged->note = now->note;
	return merged;
}

/* A changed fact is as sure as the file says; an unchanged one becomes surer, never less sure. */
static void merge_facts(struct round *merged, const struct round *now, unsigned fields)
{
	if (fields & ROUND_DATE || now->date_status > merged->date_status)
		merged->date_status = now->date_status;
	if (fields & ROUND_TIME || now->time_status > merged->time_status)
		merged->time_status = now->time_status;
	if (fields & (ROUND_UNITS | ROUND_VENUE) || now->place_status > merged->place_status)
		merged->place_status = now->place_status;
	if (now->document)
		merged->document = now->document;
	if (now->status != ROUND_DRAFT) {
		merged->status = now->status;
		merged->status_reason = now->status_reason;
	}
}

static void compare_round(const struct round *was, const struct round *now, struct arena *arena,
			  struct plan_diff_row *row)
{
	bool draft = was->status == ROUND_DRAFT;

	row->was = was;
	row->fields = differing_fields(was, now);
	row->facts_differ = facts_surer(was, now);
	bool differ = row->fields || row->facts_differ || (draft && now->status != ROUND_DRAFT);

	if (!differ) {
		row->action = PLAN_KEEP;
		row->now = was;
		return;
	}
	struct round *merged = merge_round(was, now, row->fields, arena);

	merge_facts(merged, now, row->fields);
	row->action = draft ? PLAN_UPDATE : PLAN_REFUSE;
	row->now = merged;
}

static const struct round *find_ordinal(const struct plan *plan, int ordinal)
{
	for (size_t i = 0; plan && i < plan->nrounds; i++)
		if (plan->rounds[i].ordinal == ordinal)
			return &plan->rounds[i];
	return NULL;
}

static int compare_rows(const void *a, const void *b)
{
	const struct plan_diff_row *x = a, *y = b;

	return x->ordinal - y->ordinal;
}

static const struct {
	unsigned bits;
	const char *name;
} field_names[] = {
	{ ROUND_DATE, "date" },           { ROUND_TIME, "time" },           { ROUND_UNITS, "units" },
	{ ROUND_VENUE, "venue" },         { ROUND_TITLE, "title" },         { ROUND_TEAM, "team" },
	{ ROUND_ORGANISER, "organiser" }, { ROUND_CAMPAIGNS, "campaigns" }, { ROUND_TARGET, "target_units" },
	{ ROUND_CAPACITY, "capacity" },   { ROUND_NOTE, "note" },
};

static void list_fields(unsigned fields, bool facts, char *out, size_t size)
{
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(field_names) && len < size; i++)
		if (fields & field_names[i].bits)
			len += (size_t)snprintf(out + len, size - len, "%s%s", len ? ", " : "",
						field_names[i].name);
	if (facts && len < size)
		snprintf(out + len, size - len, "%s%s", len ? ", " : "",
			 "date_status, time_status or place_status");
}

/* Which steps the differences of an announced round would need. */
static const char *steps_needed(const struct plan_diff_row *row)
{
	const unsigned placed = ROUND_DATE | ROUND_TIME | ROUND_UNITS | ROUND_VENUE;
	bool move = (row->fields & ROUND_DATE) ||
		    (row->fields & placed && row->was->place_status == FACT_OFFICIAL);
	bool edit = row->fields & ~(move ? placed : 0u);

	if (move)
		return edit ? "move, then edit" : "move";
	if (edit)
		return row->facts_differ ? "edit, then confirm" : "edit";
	return "confirm";
}

static void report_refusal(const struct plan_diff_row *row, size_t index, struct error *err)
{
	char pointer[32], fields[160];

	snprintf(pointer, sizeof(pointer), "/rounds/%zu", index);
	list_fields(row->fields, row->facts_differ, fields, sizeof(fields));
	error_add_field(err, pointer, "announced", "Round %d is %s and differs in %s; use: %s.",
			"Đợt %d đang ở trạng thái %s và khác ở %s; hãy dùng: %s.", row->ordinal,
			round_status_text(row->was->status), fields, steps_needed(row));
}

/* Sets the error first: its code is of the whole import, its fields say which rounds. */
static bool report_refusals(const struct plan *incoming, const struct plan_diff *diff, struct error *err)
{
	error_set(
		err, ERR_IMPORT_REFUSED,
		"Announced rounds would change (%zu), so nothing is imported: change them with the steps named, "
		"or correct the file.",
		"Có %zu đợt đã thông báo sẽ bị thay đổi nên không nhập gì: hãy dùng các bước đã nêu, "
		"hoặc sửa tệp.",
		diff->refused);
	for (size_t i = 0; i < diff->nrows; i++) {
		if (diff->rows[i].action != PLAN_REFUSE)
			continue;
		for (size_t j = 0; j < incoming->nrounds; j++)
			if (incoming->rounds[j].ordinal == diff->rows[i].ordinal)
				report_refusal(&diff->rows[i], j, err);
	}
	return false;
}

static void count_row(struct plan_diff *diff, enum plan_action action)
{
	diff->created += action == PLAN_CREATE;
	diff->updated += action == PLAN_UPDATE;
	diff->kept += action == PLAN_KEEP;
	diff->refused += action == PLAN_REFUSE;
}

bool plan_diff(const struct plan *existing, const struct plan *incoming, struct arena *arena,
	       struct plan_diff *diff, struct error *err)
{
	*diff = (struct plan_diff){ 0 };
	diff->plan = !existing ? PLAN_CREATE : head_differs(existing, incoming) ? PLAN_UPDATE : PLAN_KEEP;
	diff->nrows = incoming->nrounds;
	diff->rows = arena_alloc(arena, (incoming->nrounds + 1) * sizeof(*diff->rows));
	for (size_t i = 0; i < incoming->nrounds; i++) {
		const struct round *now = &incoming->rounds[i];
		const struct round *was = find_ordinal(existing, now->ordinal);
		struct plan_diff_row *row = &diff->rows[i];

		row->ordinal = now->ordinal;
		row->now = now;
		row->action = PLAN_CREATE;
		if (was)
			compare_round(was, now, arena, row);
		count_row(diff, row->action);
	}
	qsort(diff->rows, diff->nrows, sizeof(*diff->rows), compare_rows);
	return diff->refused ? report_refusals(incoming, diff, err) : true;
}
