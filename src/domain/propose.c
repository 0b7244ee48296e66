#include "domain/propose.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"

/*
 * How it goes. Each open ordinal gets a target day, evenly between the rounds
 * that are fixed. Campaigns with a day of their own pull the nearest ordinal
 * to that day. Then a search in order of date gives each ordinal the free day
 * nearest to its target (weekends cost nothing, a Friday a day, other weekdays
 * two: in the province rounds are held on either) and the place that is due.
 * It goes back where it gets stuck, for at most SEARCH_NODES steps. Campaigns
 * that came away empty claim a round, and the search runs again; a claim that
 * cannot be met is given up and its round says so.
 */
enum {
	SEARCH_NODES = 60000,
	DAYS_TRIED = 48,
	NEAR_MAIN_DAY = 7,
	REASON_SIZE = 400,
	NO_DAY = INT_MAX,
	PLAN_DAYS_LONGEST = 3660,
	WEEKDAY_COST = 2,
	FRIDAY_COST = 1
};

/* All days are counted from the plan's first. */
struct slot {
	bool fixed;
	int target;
	int earliest, latest; /* so that the rounds before and after still find days */
	int claim;            /* campaign that wants this round; -1 */
	int refused;          /* campaign that wanted it in vain; -1 */
	int day;              /* chosen */
	int place;
	int before; /* day of the place's round before it; NO_DAY */
};

struct search {
	const struct propose_request *request;
	struct arena *arena;
	struct slot *slots; /* 1..rounds */
	int n, days;
	bool *closed;   /* per day: holiday */
	int *room;      /* per day: rounds that still fit */
	int *left;      /* per place: rounds to give beside its fixed ones */
	int *last;      /* per place: day of its last round of the plan so far; NO_DAY */
	int *last_taken; /* per place and day: day of the last round taken until then; NO_DAY */
	int *next_open; /* per place and day: the first day from then on that no round taken is too near; `days`: none */
	int *main_days; /* per campaign: where its day is kept; NO_DAY */
	bool *given_up; /* per campaign: asked, or needs no asking */
	long nodes;
	long *blocked; /* per place: how often the gap was in the way */
	long day_blocked;
};

static int day_of(const struct search *search, struct date date)
{
	return date_days(date) - date_days(search->request->from);
}

static struct date date_of(const struct search *search, int day)
{
	return date_add_days(search->request->from, day);
}

/* ---- what cannot be asked ---- */

static bool refuse(struct error *err, const char *en, const char *vi)
{
	return error_set(err, ERR_NO_PROPOSAL, "%s%.0s", "%.0s%s", en, vi);
}

static bool check_numbers(const struct propose_request *request, struct error *err)
{
	if (date_is_none(request->from) || date_compare(request->to, request->from) < 0 ||
	    date_days(request->to) - date_days(request->from) > PLAN_DAYS_LONGEST)
		return refuse(err, "Give the plan's first and last day, at most ten years apart.",
			      "Hãy cho ngày đầu và ngày cuối của kế hoạch, cách nhau nhiều nhất mười năm.");
	if (request->rounds < 1 || request->rounds > 366 || request->teams < 1 || request->teams > 1000 ||
	    request->gap_days < 0 || request->gap_days > PLAN_DAYS_LONGEST)
		return refuse(err, "Give 1 to 366 rounds, at least one team and a gap of 0 days or more.",
			      "Hãy cho từ 1 đến 366 đợt, ít nhất một đội và khoảng cách từ 0 ngày trở lên.");
	return true;
}

static bool check_fixed(const struct propose_request *request, struct error *err)
{
	char day[DATE_TEXT_SIZE];

	for (size_t i = 0; i < request->nfixed; i++) {
		const struct propose_fixed *fixed = &request->fixed[i];

		if (fixed->ordinal < 1 || fixed->ordinal > request->rounds || fixed->place < -1 ||
		    fixed->place >= (int)request->nplaces)
			return error_set(
				err, ERR_NO_PROPOSAL,
				"The fixed round %d is not among rounds 1 to %d, or its place is not listed.",
				"Đợt cố định %d không nằm trong các đợt 1 đến %d, hoặc nơi tổ chức không có trong danh sách.",
				fixed->ordinal, request->rounds);
		if (date_compare(fixed->on, request->from) < 0 || date_compare(fixed->on, request->to) > 0)
			return error_set(
				err, ERR_NO_PROPOSAL,
				"The fixed round %d is on %s, outside the plan: change the plan's span or the round.",
				"Đợt cố định %d vào ngày %s, ngoài kế hoạch: hãy sửa thời gian của kế hoạch hoặc của đợt.",
				fixed->ordinal, date_format(fixed->on, day));
		for (size_t j = 0; j < i; j++) {
			int order = date_compare(fixed->on, request->fixed[j].on);
			int ordinal = fixed->ordinal - request->fixed[j].ordinal;

			if (ordinal == 0 || (ordinal > 0 && order < 0) || (ordinal < 0 && order > 0))
				return error_set(
					err, ERR_NO_PROPOSAL,
					"The fixed rounds %d and %d are not in order of date: number rounds by date.",
					"Các đợt cố định %d và %d không theo thứ tự ngày: hãy đánh số đợt theo ngày.",
					request->fixed[j].ordinal, fixed->ordinal);
		}
	}
	return true;
}

static bool check_calendar(const struct propose_request *request, struct error *err)
{
	char known[DATE_TEXT_SIZE], to[DATE_TEXT_SIZE];

	if (date_compare(request->holidays_known_to, request->to) >= 0)
		return true;
	return error_set(
		err, ERR_NO_PROPOSAL,
		"Holidays are known only to %s and the plan runs to %s. They are part of the program "
		"(config/reference/holidays.json), and an update of it brings more; until then, write the plan "
		"file by hand and import it.",
		"Ngày nghỉ mới chỉ được biết đến %s mà kế hoạch kéo dài đến %s. Ngày nghỉ đi kèm chương trình "
		"(config/reference/holidays.json), bản cập nhật sẽ bổ sung; trước mắt hãy tự viết tệp kế hoạch "
		"rồi nhập vào.",
		date_is_none(request->holidays_known_to) ? "-"
							 : date_format(request->holidays_known_to, known),
		date_format(request->to, to));
}

static int fixed_at(const struct propose_request *request, int place)
{
	int count = 0;

	for (size_t i = 0; i < request->nfixed; i++)
		count += request->fixed[i].place == place;
	return count;
}

/* The open rounds of a place need a gap between each two, inside the plan. Fixed ones are facts. */
static bool check_places(const struct propose_request *request, struct error *err)
{
	int span = date_days(request->to) - date_days(request->from) + 1;
	long wanted = 0, placed = request->rounds;

	for (size_t i = 0; i < request->nfixed; i++)
		placed -= request->fixed[i].place < 0;
	for (size_t i = 0; i < request->nplaces; i++) {
		const struct propose_place *place = &request->places[i];
		int open = place->rounds - fixed_at(request, (int)i);
		long need = (long)(open - 1) * request->gap_days + 1;

		if (place->rounds < 1)
			return error_set(
				err, ERR_NO_PROPOSAL, "%s is to get no round: give it one or leave it out.",
				"%s không có đợt nào: hãy cho ít nhất một đợt hoặc bỏ khỏi danh sách.",
				place->name);
		if (need > span)
			return error_set(
				err, ERR_NO_PROPOSAL,
				"%s is to get %d rounds, %d days apart: that needs %ld days and the plan has %d.",
				"%s cần %d đợt, cách nhau %d ngày: cần %ld ngày mà kế hoạch chỉ có %d.",
				place->name, open, request->gap_days, need, span);
		wanted += place->rounds;
	}
	if (wanted == placed)
		return true;
	return error_set(err, ERR_NO_PROPOSAL,
			 "The places are to get %ld rounds and the plan has %ld to give: make the two equal.",
			 "Các nơi cần %ld đợt mà kế hoạch có %ld đợt để phân: hãy làm cho hai số bằng nhau.",
			 wanted, placed);
}

static bool check_fixed_places(const struct propose_request *request, struct error *err)
{
	for (size_t i = 0; i < request->nplaces; i++) {
		int fixed = fixed_at(request, (int)i);

		if (fixed > request->places[i].rounds)
			return error_set(err, ERR_NO_PROPOSAL,
					 "%s has %d fixed rounds but is to get only %d: raise its number.",
					 "%s đã có %d đợt cố định nhưng chỉ được %d đợt: hãy tăng số đợt.",
					 request->places[i].name, fixed, request->places[i].rounds);
	}
	return true;
}

/* ---- days ---- */

static void mark_days(struct search *search)
{
	const struct propose_request *request = search->request;

	for (size_t i = 0; i < request->nholidays; i++) {
		int from = day_of(search, request->holidays[i].from),
		    to = day_of(search, request->holidays[i].to);

		for (int day = from < 0 ? 0 : from; day <= to && day < search->days; day++)
			search->closed[day] = true;
	}
	for (int day = 0; day < search->days; day++)
		search->room[day] = search->closed[day] ? 0 : request->teams;
	for (size_t i = 0; i < request->nfixed; i++) {
		int day = day_of(search, request->fixed[i].on);

		search->slots[request->fixed[i].ordinal].fixed = true;
		search->slots[request->fixed[i].ordinal].day = day;
		search->slots[request->fixed[i].ordinal].place = request->fixed[i].place;
		if (search->room[day] > 0)
			search->room[day]--;
	}
	for (size_t i = 0; i < request->ntaken; i++) {
		int day = day_of(search, request->taken[i].on);

		if (request->taken[i].team && !request->taken[i].period && day >= 0 && day < search->days &&
		    search->room[day] > 0)
			search->room[day]--;
	}
}

static size_t place_day(const struct search *search, int place, int day)
{
	return (size_t)place * (size_t)search->days + (size_t)(day < 0 ? 0 : day);
}

/* A round taken on the day and at the place of a fixed one is that one, recorded before. */
static bool is_fixed_one(const struct propose_request *request, const struct propose_taken *taken)
{
	for (size_t i = 0; i < request->nfixed; i++)
		if (request->fixed[i].place == taken->place &&
		    date_compare(request->fixed[i].on, taken->on) == 0)
			return true;
	return false;
}

/* One round taken: its day, and the days too near to it (-1). */
static void mark_one_taken(struct search *search, int place, int on)
{
	int gap = search->request->gap_days;

	for (int day = 0; day < search->days; day++)
		if (abs(day - on) < gap)
			search->next_open[place_day(search, place, day)] = -1;
	if (on < search->days) {
		int *last = &search->last_taken[place_day(search, place, on)];

		*last = *last == NO_DAY || on > *last ? on : *last;
	}
}

/* What the rounds taken mean for each place and day, once for all the search. */
static void mark_taken(struct search *search)
{
	const struct propose_request *request = search->request;
	size_t size = request->nplaces * (size_t)search->days + 1;

	search->next_open = arena_alloc(search->arena, size * sizeof(*search->next_open));
	search->last_taken = arena_alloc(search->arena, size * sizeof(*search->last_taken));
	for (size_t i = 0; i < size; i++)
		search->last_taken[i] = NO_DAY;
	for (size_t i = 0; i < request->ntaken; i++)
		if (!request->taken[i].period && request->taken[i].place >= 0 &&
		    !is_fixed_one(request, &request->taken[i]))
			mark_one_taken(search, request->taken[i].place, day_of(search, request->taken[i].on));
	for (int place = 0; place < (int)request->nplaces; place++) {
		int next = search->days, last = NO_DAY;

		for (int day = search->days - 1; day >= 0; day--) {
			int *open = &search->next_open[place_day(search, place, day)];

			next = *open < 0 ? next : day;
			*open = next;
		}
		for (int day = 0; day < search->days; day++) {
			int *taken = &search->last_taken[place_day(search, place, day)];

			last = *taken == NO_DAY ? last : *taken;
			*taken = last;
		}
	}
}

/* The first day from `day` on at which no round taken is too near to the place; `days` or more: none. */
static int next_open(const struct search *search, int place, int day)
{
	return day >= search->days ? day : search->next_open[place_day(search, place, day)];
}

/* The place's last round before or on `day`, be it of the plan so far or taken; NO_DAY. */
static int last_round(const struct search *search, int place, int day)
{
	int last = search->last[place], taken = search->last_taken[place_day(search, place, day)];

	return taken != NO_DAY && (last == NO_DAY || taken > last) ? taken : last;
}

static int count_room(const struct search *search, int from, int to)
{
	int room = 0;

	for (int day = from < 0 ? 0 : from; day <= to && day < search->days; day++)
		room += search->room[day];
	return room;
}

/* Every run of open ordinals must find room between the fixed rounds around it. */
static bool check_room(const struct search *search, struct error *err)
{
	char from[DATE_TEXT_SIZE], to[DATE_TEXT_SIZE];
	int start = 0, open = 0;

	for (int ordinal = 1; ordinal <= search->n + 1; ordinal++) {
		bool end = ordinal > search->n;

		if (!end && !search->slots[ordinal].fixed) {
			open++;
			continue;
		}
		int last = end ? search->days - 1 : search->slots[ordinal].day;
		int room = count_room(search, start, last);

		if (room < open)
			return error_set(
				err, ERR_NO_PROPOSAL,
				"From %s to %s, %d rounds need a day and a team, and only %d are free (no "
				"holidays, one round a team a day): add teams or days, or plan fewer rounds.",
				"Từ %s đến %s, %d đợt cần ngày và đội mà chỉ có %d lượt trống (trừ ngày nghỉ, "
				"mỗi đội một đợt một ngày): hãy thêm đội, thêm ngày hoặc bớt đợt.",
				date_format(date_of(search, start), from),
				date_format(date_of(search, last), to), open, room);
		start = last;
		open = 0;
	}
	return true;
}

/* Whether so many rounds at a place, the gap apart, find days from `day` on. As early as can be is best. */
static bool rounds_fit(const struct search *search, int place, int day, int rounds)
{
	for (; rounds > 0 && day < search->days; rounds--)
		day = next_open(search, place, day) + search->request->gap_days * (rounds > 1);
	return rounds == 0 && day < search->days;
}

/* What a place may still get beside the rounds taken there; other places are not asked. */
static bool check_taken(const struct search *search, struct error *err)
{
	const struct propose_request *request = search->request;

	for (int p = 0; p < (int)request->nplaces; p++) {
		int open = request->places[p].rounds - fixed_at(request, p);

		if (!rounds_fit(search, p, 0, open))
			return error_set(
				err, ERR_NO_PROPOSAL,
				"%s is to get %d rounds, %d days apart and as far from the rounds that are there "
				"already: the plan has no room for that. Give it fewer, or change the plan's span.",
				"%s cần %d đợt, cách nhau và cách các đợt đã có ở đó %d ngày: kế hoạch không đủ "
				"chỗ. Hãy bớt đợt ở đó, hoặc đổi thời gian của kế hoạch.",
				request->places[p].name, open, request->gap_days);
	}
	return true;
}

/* Packs the rounds as early, and as late, as they can go. */
static void bound_slots(struct search *search)
{
	int day = 0, used = 0;

	for (int o = 1; o <= search->n; o++) {
		struct slot *slot = &search->slots[o];

		if (slot->fixed) {
			used = slot->day > day ? 0 : used;
			day = slot->day > day ? slot->day : day;
			continue;
		}
		for (; day < search->days && used >= search->room[day]; used = 0)
			day++;
		used++;
		slot->earliest = day;
	}
	day = search->days - 1;
	used = 0;
	for (int o = search->n; o >= 1; o--) {
		struct slot *slot = &search->slots[o];

		if (slot->fixed) {
			used = slot->day < day ? 0 : used;
			day = slot->day < day ? slot->day : day;
			continue;
		}
		for (; day >= 0 && used >= search->room[day]; used = 0)
			day--;
		used++;
		slot->latest = day;
	}
}

/* ---- campaigns ---- */

static const struct campaign_window *campaign_at(const struct search *search, int index)
{
	return &search->request->campaigns[index];
}

static bool is_sunday(const struct search *search, int day)
{
	return date_weekday(date_of(search, day)) == 6;
}

static bool is_free(const struct search *search, int day)
{
	return day >= 0 && day < search->days && search->room[day] > 0;
}

/*
 * Where a campaign's main day is kept: on that day when it is free or a fixed
 * round has it, else on the nearest free day at most a week off; NO_DAY.
 */
static int find_main_day(const struct search *search, const struct campaign_window *campaign)
{
	int main_day;

	if (date_is_none(campaign->main_day))
		return NO_DAY;
	main_day = day_of(search, campaign->main_day);
	if (main_day < 0 || main_day >= search->days)
		return NO_DAY;
	for (int o = 1; o <= search->n; o++)
		if (search->slots[o].fixed && search->slots[o].day == main_day)
			return main_day;
	for (int off = 0; off <= NEAR_MAIN_DAY; off++) {
		if (is_free(search, main_day - off))
			return main_day - off;
		if (is_free(search, main_day + off))
			return main_day + off;
	}
	return NO_DAY;
}

/* Whether a round on that day is one of the campaign. */
static bool is_campaign_day(const struct search *search, int index, int day)
{
	const struct campaign_window *campaign = campaign_at(search, index);

	if (day == search->main_days[index])
		return true;
	return day >= day_of(search, campaign->from) && day <= day_of(search, campaign->to) &&
	       (!campaign->sundays || is_sunday(search, day));
}

/* The free campaign day nearest to `near`; NO_DAY when it has none in the plan. */
static int nearest_campaign_day(const struct search *search, int index, int near)
{
	int best = search->main_days[index];

	if (best != NO_DAY)
		return best;
	for (int day = 0; day < search->days; day++)
		if (is_free(search, day) && is_campaign_day(search, index, day) &&
		    (best == NO_DAY || abs(day - near) < abs(best - near)))
			best = day;
	return best;
}

/* Even spacing between neighbours that are tied to a day: fixed rounds and claims. Ends count half a step. */
static void spread_targets(struct search *search)
{
	int from_twice = 1,
	    from_day = 0; /* twice the ordinal; the plan's start stands half a step before 1 */

	for (int o = 1; o <= search->n; o++) {
		struct slot *slot = &search->slots[o];
		int to_twice = 2 * search->n + 1, to_day = search->days - 1;

		if (slot->fixed || slot->claim >= 0) {
			from_twice = 2 * o;
			from_day = slot->fixed ? slot->day : slot->target;
			continue;
		}
		for (int next = o + 1; next <= search->n; next++) {
			if (search->slots[next].fixed || search->slots[next].claim >= 0) {
				to_twice = 2 * next;
				to_day = search->slots[next].fixed ? search->slots[next].day
								   : search->slots[next].target;
				break;
			}
		}
		slot->target = from_day + (int)((long)(to_day - from_day) * (2 * o - from_twice) * 2 +
						(to_twice - from_twice)) /
						  (2 * (to_twice - from_twice));
	}
}

/* Whether a claim of `day` by `ordinal` keeps the order of the other tied rounds, with room in between. */
static bool claim_fits(const struct search *search, int ordinal, int day)
{
	const struct slot *slot = &search->slots[ordinal];

	if (slot->fixed || slot->claim >= 0 || day < slot->earliest || day > slot->latest)
		return false;
	for (int o = 1; o <= search->n; o++) {
		const struct slot *other = &search->slots[o];
		int at = other->fixed ? other->day : other->target;

		if (!other->fixed && other->claim < 0)
			continue;
		if (o < ordinal && (at > day || count_room(search, at + 1, day) < ordinal - o))
			return false;
		if (o > ordinal && (at < day || count_room(search, day, at - 1) < o - ordinal))
			return false;
	}
	return true;
}

/* Gives the campaign the round whose even day is nearest. False: none can be had. */
static bool claim_round(struct search *search, int index)
{
	int best = 0, best_off = NO_DAY, best_day = NO_DAY;

	for (int o = 1; o <= search->n; o++) {
		if (search->slots[o].fixed || search->slots[o].claim >= 0)
			continue;
		int day = nearest_campaign_day(search, index, search->slots[o].target);

		if (day == NO_DAY || abs(day - search->slots[o].target) >= best_off ||
		    !claim_fits(search, o, day))
			continue;
		best = o;
		best_day = day;
		best_off = abs(day - search->slots[o].target);
	}
	if (best == 0)
		return false;
	search->slots[best].claim = index;
	search->slots[best].target = best_day;
	spread_targets(search);
	return true;
}

/* A campaign is used by a round on one of its days; one with a main day in the plan, by a round on that day.
 */
static bool is_used(const struct search *search, int index)
{
	int main_day = search->main_days[index];

	for (int o = 1; o <= search->n; o++) {
		const struct slot *slot = &search->slots[o];

		if (main_day != NO_DAY ? slot->day == main_day : is_campaign_day(search, index, slot->day))
			return true;
	}
	return false;
}

/* ---- the search ---- */

static int day_cost(const struct search *search, const struct slot *slot, int day)
{
	int weekday = date_weekday(date_of(search, day));
	int cost = abs(day - slot->target) * 2;

	if (slot->claim >= 0)
		return cost; /* a campaign's day is its own reason */
	return cost + 2 * (weekday >= 5 ? 0 : weekday == 4 ? FRIDAY_COST : WEEKDAY_COST);
}

struct choice {
	int key, value;
};

static int insert_choice(struct choice *list, int count, int max, int key, int value)
{
	int at = count < max ? count : max - 1;

	if (count == max && list[max - 1].key <= key)
		return count;
	while (at > 0 && list[at - 1].key > key) {
		list[at] = list[at - 1];
		at--;
	}
	list[at] = (struct choice){ key, value };
	return count < max ? count + 1 : max;
}

/*
 * Rounds come in order of date, so no round may pass the day by which a place
 * must have its next one, nor come before any place is ready.
 */
static void bound_by_places(const struct search *search, int *from, int *to)
{
	int ready = NO_DAY, gap = search->request->gap_days;

	for (int p = 0; p < (int)search->request->nplaces; p++) {
		if (search->left[p] == 0)
			continue;
		int next = next_open(search, p, search->last[p] == NO_DAY ? 0 : search->last[p] + gap);
		long by = search->days - 1 - (long)(search->left[p] - 1) * gap;

		ready = next < ready ? next : ready;
		*to = by < *to ? (int)by : *to;
	}
	if (ready != NO_DAY && ready > *from)
		*from = ready;
}

/* Days for a slot, best first, not before the round before it. */
static int list_days(const struct search *search, const struct slot *slot, int from, struct choice *days)
{
	int to = slot->latest, count = 0;

	if (slot->earliest > from)
		from = slot->earliest;
	bound_by_places(search, &from, &to);
	for (int day = from; day <= to; day++) {
		if (!is_free(search, day) || (slot->claim >= 0 && !is_campaign_day(search, slot->claim, day)))
			continue;
		count = insert_choice(days, count, DAYS_TRIED, day_cost(search, slot, day), day);
	}
	return count;
}

/* The gap to the place's rounds before, to its fixed rounds after, and to those taken. */
static bool gap_holds(const struct search *search, int place, int day)
{
	const struct propose_request *request = search->request;

	if (search->last[place] != NO_DAY && day - search->last[place] < request->gap_days)
		return false;
	if (next_open(search, place, day) != day)
		return false;
	for (size_t i = 0; i < request->nfixed; i++) {
		int fixed = day_of(search, request->fixed[i].on);

		if (request->fixed[i].place == place && abs(fixed - day) < request->gap_days)
			return false;
	}
	return true;
}

/* Whether every place can still get its rounds, the gap apart, before the plan ends; else the place that
 * cannot. */
static int place_in_trouble(const struct search *search, int day)
{
	for (int p = 0; p < (int)search->request->nplaces; p++) {
		int next = day;

		if (search->left[p] == 0)
			continue;
		if (search->last[p] != NO_DAY && search->last[p] + search->request->gap_days > next)
			next = search->last[p] + search->request->gap_days;
		if (!rounds_fit(search, p, next, search->left[p]))
			return p;
	}
	return -1;
}

/* When a place is due: its rounds evenly over the plan, the first half a step after the start. */
static int due_day(const struct search *search, int place, int day)
{
	int step = search->days / search->request->places[place].rounds, last = last_round(search, place, day);

	return last == NO_DAY || last + step < step / 2 ? step / 2 : last + step;
}

static int list_places(struct search *search, int day, struct choice *places)
{
	int count = 0, nplaces = (int)search->request->nplaces;

	for (int p = 0; p < nplaces; p++) {
		if (search->left[p] == 0)
			continue;
		if (!gap_holds(search, p, day)) {
			search->blocked[p]++;
			continue;
		}
		count = insert_choice(places, count, nplaces, due_day(search, p, day), p);
	}
	return count;
}

static bool place_rounds(struct search *search, int ordinal, int from);

/* Takes a place (-1: none) and a day for a slot and goes on; undoes it when the rest fails. */
static bool try_slot(struct search *search, int ordinal, int day, int place)
{
	struct slot *slot = &search->slots[ordinal];
	int before = NO_DAY, trouble;
	bool done;

	slot->day = day;
	slot->place = place;
	slot->before = NO_DAY;
	if (!slot->fixed)
		search->room[day]--;
	if (place >= 0) {
		before = search->last[place];
		slot->before = last_round(search, place, day);
		search->last[place] = day;
		search->left[place] -= !slot->fixed;
	}
	trouble = place_in_trouble(search, day);
	if (trouble >= 0)
		search->blocked[trouble]++;
	done = trouble < 0 && place_rounds(search, ordinal + 1, day);
	if (done)
		return true;
	if (place >= 0) {
		search->last[place] = before;
		search->left[place] += !slot->fixed;
	}
	if (!slot->fixed)
		search->room[day]++;
	return false;
}

static bool place_rounds(struct search *search, int ordinal, int from)
{
	struct slot *slot;
	struct choice days[DAYS_TRIED], *places;
	int ndays;

	if (ordinal > search->n)
		return true;
	slot = &search->slots[ordinal];
	if (slot->fixed)
		return try_slot(search, ordinal, slot->day, slot->place);
	places = xmalloc((search->request->nplaces + 1) * sizeof(*places));
	ndays = list_days(search, slot, from, days);
	search->day_blocked += ndays == 0;
	for (int d = 0; d < ndays; d++) {
		int nplaces = list_places(search, days[d].value, places);

		for (int p = 0; p < nplaces; p++) {
			if (++search->nodes > SEARCH_NODES)
				goto out;
			if (try_slot(search, ordinal, days[d].value, places[p].value)) {
				free(places);
				return true;
			}
		}
	}
out:
	free(places);
	return false;
}

static void reset_search(struct search *search)
{
	search->nodes = 0;
	for (int p = 0; p < (int)search->request->nplaces; p++) {
		search->left[p] = search->request->places[p].rounds - fixed_at(search->request, p);
		search->last[p] = NO_DAY;
	}
	for (int day = 0; day < search->days; day++)
		search->room[day] = 0;
	mark_days(search);
}

static bool run_search(struct search *search)
{
	reset_search(search);
	bool found = place_in_trouble(search, 0) < 0 && place_rounds(search, 1, 0);

	/* claims look at free days again: what this run took is its own */
	for (int o = 1; found && o <= search->n; o++)
		if (!search->slots[o].fixed)
			search->room[search->slots[o].day]++;
	return found;
}

/* The last claim made is the first to go. */
static bool drop_claim(struct search *search, const int *order, int *count)
{
	while (*count > 0) {
		int index = order[--*count];

		for (int o = 1; o <= search->n; o++) {
			if (search->slots[o].claim != index)
				continue;
			search->slots[o].claim = -1;
			search->slots[o].refused = index;
			search->given_up[index] = true;
			spread_targets(search);
			return true;
		}
	}
	return false;
}

static bool claim_next(struct search *search, int *order, int *count, bool main_days)
{
	for (int c = 0; c < (int)search->request->ncampaigns; c++) {
		bool main_day = search->main_days[c] != NO_DAY;

		if (search->given_up[c] || (main_days && !main_day) || is_used(search, c))
			continue;
		search->given_up[c] = true; /* asked once */
		if (nearest_campaign_day(search, c, 0) == NO_DAY || !claim_round(search, c))
			continue;
		order[(*count)++] = c;
		return true;
	}
	return false;
}

/* Main days first, then the campaigns that the even spread leaves without a round. */
static bool search_with_campaigns(struct search *search)
{
	int *order = arena_alloc(search->arena, (search->request->ncampaigns + 1) * sizeof(*order));
	int count = 0;
	bool found;

	for (int o = 1; o <= search->n; o++)
		if (!search->slots[o].fixed)
			search->slots[o].day = -1;
	while (claim_next(search, order, &count, true))
		;
	do {
		found = run_search(search);
		if (!found && !drop_claim(search, order, &count))
			return false;
	} while (!found || claim_next(search, order, &count, false));
	return true;
}

/* Which constraint was most in the way. */
static bool refuse_search(const struct search *search, struct error *err)
{
	const struct propose_request *request = search->request;
	int worst = -1, room = count_room(search, 0, search->days - 1);

	for (int p = 0; p < (int)request->nplaces; p++)
		if (search->blocked[p] > 0 && (worst < 0 || search->blocked[p] > search->blocked[worst]))
			worst = p;
	if (worst >= 0 && search->blocked[worst] >= search->day_blocked)
		return error_set(
			err, ERR_NO_PROPOSAL,
			"No plan was found: the %d rounds of %s cannot be kept %d days apart beside the others "
			"(%d free turns of teams for %d rounds). Give it fewer rounds, or lengthen the plan.",
			"Không tìm được kế hoạch: %d đợt của %s không thể cách nhau %d ngày cùng với các nơi khác "
			"(%d lượt đội trống cho %d đợt). Hãy bớt đợt ở đó, hoặc kéo dài kế hoạch.",
			request->places[worst].rounds, request->places[worst].name, request->gap_days, room,
			request->rounds);
	return error_set(
		err, ERR_NO_PROPOSAL,
		"No plan was found: %d free turns of teams are too few for %d rounds around those that are "
		"fixed. Add teams, or plan fewer rounds.",
		"Không tìm được kế hoạch: %d lượt đội trống là quá ít cho %d đợt quanh các đợt cố định. "
		"Hãy thêm đội, hoặc bớt đợt.",
		room, request->rounds);
}

/* ---- the result, and why ---- */

static const char *const weekdays[7][LANGUAGE_COUNT] = {
	{ "Monday", "Thứ Hai" },   { "Tuesday", "Thứ Ba" }, { "Wednesday", "Thứ Tư" },
	{ "Thursday", "Thứ Năm" }, { "Friday", "Thứ Sáu" }, { "Saturday", "Thứ Bảy" },
	{ "Sunday", "Chủ nhật" },
};

struct reason {
	char text[LANGUAGE_COUNT][REASON_SIZE];
	size_t len[LANGUAGE_COUNT];
};

/* Both languages from the same arguments; a piece that is too long for the rest is left out. */
static void say(struct reason *reason, const char *en, const char *vi, ...)
	__attribute__((format(printf, 2, 4), format(printf, 3, 4)));

static void say(struct reason *reason, const char *en, const char *vi, ...)
{
	const char *const fmt[] = { en, vi };

	for (int l = 0; l < LANGUAGE_COUNT; l++) {
		size_t room = REASON_SIZE - reason->len[l];
		va_list args;
		int len;

		va_start(args, vi);
		len = vsnprintf(reason->text[l] + reason->len[l], room, fmt[l], args);
		va_end(args);
		if (len < 0 || (size_t)len >= room)
			reason->text[l][reason->len[l]] = '\0';
		else
			reason->len[l] += (size_t)len;
	}
}

static const char *holiday_name(const struct search *search, int day)
{
	for (size_t i = 0; i < search->request->nholidays; i++) {
		const struct holiday *holiday = &search->request->holidays[i];

		if (day >= day_of(search, holiday->from) && day <= day_of(search, holiday->to))
			return holiday->name;
	}
	return NULL;
}

static void say_claim(struct reason *reason, const struct search *search, const struct slot *slot)
{
	const struct campaign_window *campaign = campaign_at(search, slot->claim);
	char day[DATE_TEXT_SIZE];

	if (search->main_days[slot->claim] != slot->day) {
		say(reason, "a day of the campaign %s", "ngày thuộc chiến dịch %s", campaign->name);
		return;
	}
	if (day_of(search, campaign->main_day) == slot->day) {
		say(reason, "the main day of %s", "đúng ngày chính của %s", campaign->name);
		return;
	}
	const char *holiday = holiday_name(search, day_of(search, campaign->main_day));

	date_format(campaign->main_day, day);
	if (holiday)
		say(reason, "the free day nearest to %s, the day of %s, which is a holiday (%s)",
		    "ngày trống gần nhất với %s (%s), vốn là ngày nghỉ (%s)", day, campaign->name, holiday);
	else
		say(reason, "the free day nearest to %s, the day of %s", "ngày trống gần nhất với %s (%s)",
		    day, campaign->name);
}

static void say_day(struct reason *reason, const struct search *search, const struct slot *slot)
{
	const char *const *weekday = weekdays[date_weekday(date_of(search, slot->day))];
	int off = abs(slot->day - slot->target);
	char target[DATE_TEXT_SIZE];

	say(reason, "%s%.0s, ", "%.0s%s, ", weekday[0], weekday[1]);
	if (slot->claim >= 0)
		say_claim(reason, search, slot);
	else if (off == 0)
		say(reason, "the day of even spacing", "đúng ngày chia đều");
	else
		say(reason,
		    off == 1 ? "%d day from the even spacing (%s)" : "%d days from the even spacing (%s)",
		    "lệch %d ngày so với ngày chia đều (%s)", off,
		    date_format(date_of(search, slot->target), target));
	if (slot->refused >= 0)
		say(reason, "; %s could not be given a day of its own", "; %s không xếp được ngày riêng",
		    campaign_at(search, slot->refused)->name);
}

/* Fixed rounds near by whose place is not known may be at this very place. */
static void say_unchecked(struct reason *reason, const struct search *search, const struct slot *slot)
{
	for (int o = 1; o <= search->n; o++) {
		const struct slot *other = &search->slots[o];
		int apart = abs(other->day - slot->day);

		if (other->fixed && other->place < 0 && apart < search->request->gap_days)
			say(reason, "; round %d, whose place is not known, is only %d days away",
			    "; cách đợt %d (chưa rõ nơi tổ chức) chỉ %d ngày", o, apart);
	}
}

/* A round there of which only the month or year is known, from before that day. */
static bool has_undated(const struct search *search, const struct slot *slot)
{
	for (size_t i = 0; i < search->request->ntaken; i++) {
		const struct propose_taken *taken = &search->request->taken[i];

		if (taken->period && taken->place == slot->place && day_of(search, taken->on) <= slot->day)
			return true;
	}
	return false;
}

static void say_place(struct reason *reason, const struct search *search, const struct slot *slot)
{
	const char *name = search->request->places[slot->place].name;

	if (slot->before == NO_DAY && has_undated(search, slot))
		say(reason, "; of earlier rounds at %s no day is known",
		    "; các đợt trước ở %s không rõ ngày", name);
	else if (slot->before == NO_DAY)
		say(reason, "; the first known round at %s", "; đợt đầu tiên được biết ở %s", name);
	else
		say(reason, "; %d days after the last known round at %s",
		    "; %d ngày sau đợt gần nhất được biết ở %s", slot->day - slot->before, name);
	say_unchecked(reason, search, slot);
	say(reason, ".", ".");
}

/* Only a fixed round can be within the gap of a round taken after it. */
static void say_taken_after(struct reason *reason, const struct search *search, const struct slot *slot)
{
	int next = NO_DAY;

	for (size_t i = 0; i < search->request->ntaken; i++) {
		const struct propose_taken *taken = &search->request->taken[i];
		int on = day_of(search, taken->on);

		if (slot->place >= 0 && taken->place == slot->place && !taken->period && on > slot->day && on < next)
			next = on;
	}
	if (next != NO_DAY && next - slot->day < search->request->gap_days)
		say(reason, ", though another round at %s follows after only %d days",
		    ", dù chỉ %2$d ngày sau lại có đợt khác ở %1$s", search->request->places[slot->place].name,
		    next - slot->day);
}

/* A fixed round is a fact: what it breaks is said, not refused. */
static void say_fixed(struct reason *reason, const struct search *search, const struct slot *slot)
{
	const char *holiday = holiday_name(search, slot->day);
	int same_day = 0;

	say(reason, "Fixed by the plan and kept", "Kế hoạch đã ấn định, giữ nguyên");
	for (size_t i = 0; i < search->request->nfixed; i++)
		same_day += day_of(search, search->request->fixed[i].on) == slot->day;
	if (holiday)
		say(reason, ", though it is a holiday (%s)", ", dù là ngày nghỉ (%s)", holiday);
	if (same_day > search->request->teams)
		say(reason, ", though %d rounds are fixed on that day and there are %d teams",
		    ", dù ngày đó có %d đợt cố định mà chỉ có %d đội", same_day, search->request->teams);
	if (slot->place >= 0 && slot->before != NO_DAY &&
	    slot->day - slot->before < search->request->gap_days)
		say(reason, ", though it is only %d days after the last round at %s",
		    ", dù chỉ %d ngày sau đợt trước ở %s", slot->day - slot->before,
		    search->request->places[slot->place].name);
	say_taken_after(reason, search, slot);
	if (slot->place < 0)
		say(reason, "; its place is not known, so the interval there could not be checked.",
		    "; chưa rõ nơi tổ chức nên chưa kiểm tra được khoảng cách ở đó.");
	else
		say(reason, ".", ".");
}

static void write_campaigns(const struct search *search, const struct slot *slot,
			    struct proposed_round *round)
{
	size_t count = 0;

	/* the campaign that claimed the day comes first, then in the order given */
	for (int pass = 0; pass < 2; pass++) {
		for (int c = 0;
		     c < (int)search->request->ncampaigns && count < ARRAY_SIZE(round->campaign_ids); c++) {
			const char *id = campaign_at(search, c)->id;
			bool there = false;

			if (pass == 0 ? slot->claim != c : !is_campaign_day(search, c, slot->day))
				continue;
			for (size_t i = 0; i < count; i++)
				there |= strcmp(round->campaign_ids[i], id) == 0;
			if (!there)
				round->campaign_ids[count++] = id;
		}
	}
}

/* The team with the fewest rounds so far that is free that day, the lowest number first. */
static int pick_team(const struct search *search, const struct proposed_round *rounds, int count, int *load)
{
	int best = 0;

	for (int team = 1; team <= search->request->teams; team++) {
		bool busy = false;

		for (int i = count - 1; i >= 0 && date_compare(rounds[i].on, rounds[count].on) == 0; i--)
			busy |= rounds[i].team == team;
		if (!busy && (best == 0 || load[team] < load[best]))
			best = team;
	}
	if (best == 0)
		best = 1; /* more fixed rounds on a day than teams: its reason says so */
	load[best]++;
	return best;
}

static struct proposed_round *write_rounds(const struct search *search)
{
	struct arena *arena = search->arena;
	struct proposed_round *rounds = arena_alloc(arena, (size_t)search->n * sizeof(*rounds));
	int *load = arena_alloc(arena, ((size_t)search->request->teams + 1) * sizeof(*load));

	for (int o = 1; o <= search->n; o++) {
		const struct slot *slot = &search->slots[o];
		struct proposed_round *round = &rounds[o - 1];
		struct reason reason = { 0 };

		round->ordinal = o;
		round->on = date_of(search, slot->day);
		round->place = slot->place;
		round->fixed = slot->fixed;
		round->team = pick_team(search, rounds, o - 1, load);
		write_campaigns(search, slot, round);
		if (slot->fixed) {
			say_fixed(&reason, search, slot);
		} else {
			say_day(&reason, search, slot);
			say_place(&reason, search, slot);
		}
		round->reason[LANGUAGE_EN] = arena_strdup(arena, reason.text[LANGUAGE_EN]);
		round->reason[LANGUAGE_VI] = arena_strdup(arena, reason.text[LANGUAGE_VI]);
	}
	return rounds;
}

static void prepare(struct search *search, const struct propose_request *request, struct arena *arena)
{
	search->request = request;
	search->arena = arena;
	search->n = request->rounds;
	search->days = date_days(request->to) - date_days(request->from) + 1;
	search->slots = arena_alloc(arena, ((size_t)search->n + 1) * sizeof(*search->slots));
	search->closed = arena_alloc(arena, (size_t)search->days * sizeof(*search->closed));
	search->room = arena_alloc(arena, (size_t)search->days * sizeof(*search->room));
	search->left = arena_alloc(arena, (request->nplaces + 1) * sizeof(*search->left));
	search->last = arena_alloc(arena, (request->nplaces + 1) * sizeof(*search->last));
	search->blocked = arena_alloc(arena, (request->nplaces + 1) * sizeof(*search->blocked));
	search->main_days = arena_alloc(arena, (request->ncampaigns + 1) * sizeof(*search->main_days));
	search->given_up = arena_alloc(arena, (request->ncampaigns + 1) * sizeof(*search->given_up));
	for (int o = 0; o <= search->n; o++)
		search->slots[o] = (struct slot){ .claim = -1, .refused = -1, .place = -1, .before = NO_DAY };
	mark_days(search);
	mark_taken(search);
	for (int c = 0; c < (int)request->ncampaigns; c++)
		search->main_days[c] = find_main_day(search, campaign_at(search, c));
}

struct proposed_round *plan_propose(const struct propose_request *request, struct arena *arena,
				    struct error *err)
{
	struct search search = { 0 };

	if (!check_numbers(request, err) || !check_fixed(request, err) || !check_calendar(request, err) ||
	    !check_places(request, err) || !check_fixed_places(request, err))
		return NULL;
	prepare(&search, request, arena);
	if (!check_room(&search, err) || !check_taken(&search, err))
		return NULL;
	bound_slots(&search);
	spread_targets(&search);
	if (!search_with_campaigns(&search)) {
		reset_search(&search);
		refuse_search(&search, err);
		return NULL;
	}
	return write_rounds(&search);
}
