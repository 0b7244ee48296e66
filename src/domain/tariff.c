#include "domain/tariff.h"

#include <string.h>

#include "base/text.h"

/* ---- words ---- */

static const char *const kind_texts[GIFT_KIND_COUNT] = {
	[GIFT_GIFT] = "gift", [GIFT_FOOD] = "food", [GIFT_TRAVEL] = "travel",
};

static const char *const exception_texts[GIFT_EXCEPTION_COUNT] = {
	[GIFT_NOTHING_HANDED] = "nothing_handed",     [GIFT_LESS_THAN_OWED] = "less_than_owed",
	[GIFT_TWICE] = "handed_twice",                [GIFT_WITHOUT_DONATION] = "no_donation_that_counts",
	[GIFT_DONATION_WAITS] = "donation_waits",     [GIFT_VOLUME_UNKNOWN] = "volume_unknown",
	[GIFT_NO_RULE] = "no_rule",                   [GIFT_FOOD_AVERAGE] = "food_above_average",
	[GIFT_TRAVEL_AVERAGE] = "travel_above_average",
};

const char *gift_kind_text(enum gift_kind kind)
{
	return (unsigned)kind < GIFT_KIND_COUNT ? kind_texts[kind] : "unknown";
}

bool gift_kind_parse(const char *text, enum gift_kind *out)
{
	for (int i = 0; text && i < GIFT_KIND_COUNT; i++) {
		if (streq(kind_texts[i], text)) {
			*out = (enum gift_kind)i;
			return true;
		}
	}
	return false;
}

const char *gift_exception_text(enum gift_exception_kind kind)
{
	return (unsigned)kind < GIFT_EXCEPTION_COUNT ? exception_texts[kind] : "unknown";
}

const char *entitlement_state_text(enum entitlement_state state)
{
	static const char *const texts[] = {
		[ENTITLED] = "owed", [ENTITLED_NOTHING] = "nothing", [ENTITLED_UNKNOWN_VOLUME] = "volume_unknown",
		[ENTITLED_NO_RULE] = "no_rule",
	};

	return texts[state];
}

static const char *const between[] = { "lower_band", "upper_band", NULL };
static const char *const below[] = { "lowest_band", "nothing", NULL };
static const char *const stopped[] = { "like_completed", "nothing", NULL };
static const char *const average_over[] = { "donations", "handed_over", NULL };

const struct open_question tariff_questions[] = {
	[TARIFF_BETWEEN_BANDS] = { "between_bands", between },
	[TARIFF_BELOW_BANDS] = { "below_bands", below },
	[TARIFF_STOPPED] = { "stopped_donation", stopped },
	[TARIFF_AVERAGE_OVER] = { "average_over", average_over },
	[TARIFF_QUESTION_COUNT] = { 0 },
};

/* ---- the file as a whole ---- */

static bool gifts_check(const struct tariff *tariff, struct error *err)
{
	for (size_t i = 0; i < tariff->ngifts; i++)
		for (size_t j = 0; j < i; j++)
			if (dated_rules_meet(&tariff->gifts[i].rule, &tariff->gifts[j].rule) &&
			    (tariff->gifts[i].components & tariff->gifts[j].components) != 0 &&
			    !ranges_are_apart(&tariff->gifts[i].volume, &tariff->gifts[j].volume))
				return error_add_field(err, tariff->gifts[i].rule.pointer, "contradiction",
						       "This amount and %s are for the same volume on the same day.",
						       "Mức này và %s cùng cho một thể tích trong cùng một ngày.",
						       tariff->gifts[j].rule.id);
	return true;
}

static bool averages_check(const struct tariff *tariff, struct error *err)
{
	for (size_t i = 0; i < tariff->naverages; i++)
		for (size_t j = 0; j < i; j++)
			if (tariff->averages[i].kind == tariff->averages[j].kind &&
			    dated_rules_meet(&tariff->averages[i].rule, &tariff->averages[j].rule))
				return error_add_field(err, tariff->averages[i].rule.pointer, "contradiction",
						       "This limit and %s are of one kind on the same day.",
						       "Mức này và %s cùng một loại trong cùng một ngày.",
						       tariff->averages[j].rule.id);
	return true;
}

bool tariff_check(const struct tariff *tariff, struct error *err)
{
	return dated_rules_check(tariff->gifts, tariff->ngifts, sizeof(*tariff->gifts), err) &&
	       dated_rules_check(tariff->averages, tariff->naverages, sizeof(*tariff->averages), err) &&
	       gifts_check(tariff, err) && averages_check(tariff, err);
}

/* ---- one donation ---- */

static int answer(const struct tariff *tariff, enum tariff_question question)
{
	return tariff->answers[question].value;
}

/* The volume lies wholly above the band. */
static bool is_above(const struct range *band, int32_t volume)
{
	return band->has_high && (volume > band->high || (volume == band->high && band->high_open));
}

static bool is_below(const struct range *band, int32_t volume)
{
	return band->has_low && (volume < band->low || (volume == band->low && band->low_open));
}

struct bands {
	const struct gift_rule *here, *lower, *upper;    /* the nearest below and above */
	bool                    any;
};

static void find_bands(const struct tariff *tariff, const struct gift_donation *donation, struct bands *bands)
{
	int32_t volume = donation->volume_ml * MEASURE_ONE;

	*bands = (struct bands){ 0 };
	for (size_t i = 0; i < tariff->ngifts; i++) {
		const struct gift_rule *gift = &tariff->gifts[i];

		if (!component_in(gift->components, donation->component) || !dated_rule_holds(&gift->rule, donation->on))
			continue;
		bands->any = true;
		if (is_above(&gift->volume, volume)) {
			if (!bands->lower || gift->volume.high > bands->lower->volume.high)
				bands->lower = gift;
		} else if (is_below(&gift->volume, volume)) {
			if (!bands->upper || gift->volume.low < bands->upper->volume.low)
				bands->upper = gift;
		} else {
			bands->here = gift;
		}
	}
}

/* Above the highest band what is owed "at least" is what the highest says. */
static const struct gift_rule *choose_band(const struct tariff *tariff, const struct bands *bands)
{
	if (bands->here)
		return bands->here;
	if (!bands->lower)
		return answer(tariff, TARIFF_BELOW_BANDS) == BELOW_LOWEST_BAND ? bands->upper : NULL;
	return bands->upper && answer(tariff, TARIFF_BETWEEN_BANDS) == BETWEEN_UPPER_BAND ? bands->upper : bands->lower;
}

struct entitlement tariff_entitlement(const struct tariff *tariff, const struct gift_donation *donation)
{
	struct entitlement owed = { .state = ENTITLED_NOTHING };
	struct bands bands;

	if (donation->stopped && answer(tariff, TARIFF_STOPPED) == STOPPED_NOTHING)
		return owed;
	if (donation->volume_ml == 0)            /* the needle was in, and nothing came */
		return owed;
	if (donation->volume_ml < 0) {
		owed.state = ENTITLED_UNKNOWN_VOLUME;
		return owed;
	}
	find_bands(tariff, donation, &bands);
	if (!bands.any) {
		owed.state = ENTITLED_NO_RULE;
		return owed;
	}
	owed.rule = choose_band(tariff, &bands);
	if (owed.rule) {
		owed.state = ENTITLED;
		owed.vnd = owed.rule->at_least_vnd;
	}
	return owed;
}

const struct average_rule *tariff_average(const struct tariff *tariff, enum gift_kind kind, struct date on)
{
	for (size_t i = 0; i < tariff->naverages; i++)
		if (tariff->averages[i].kind == kind && dated_rule_holds(&tariff->averages[i].rule, on))
			return &tariff->averages[i];
	return NULL;
}

/* ---- the book ---- */

bool gift_check(const struct gift *gift, struct date round_from, struct date today, struct error *err)
{
	if (gift->vnd == 0 && !gift->corrects)
		error_add_field(err, "/value_vnd", "out_of_range", "0 is for a correction: nothing was handed over after all.",
				"Chỉ ghi 0 khi đính chính: thực ra chưa trao.");
	if (date_compare(gift->handed_on, today) > 0)
		error_add_field(err, "/handed_on", "in_the_future", "This day is still to come.", "Ngày này chưa tới.");
	else if (date_compare(gift->handed_on, round_from) < 0)
		error_add_field(err, "/handed_on", "before_round", "The round was later.", "Đợt hiến máu diễn ra sau ngày này.");
	return err->code == ERR_NONE;
}

struct book {
	const struct tariff        *tariff;
	const struct gift_donation *donations;
	const struct gift_handed   *handed;
	size_t                      ndonations, nhanded;
	struct gift_exception      *out;
	size_t                      nout;
};

static void add(struct book *book, struct gift_exception found)
{
	book->out[book->nout++] = found;
}

/* What one person gave and was given: donations [i, iend), gifts [j, jend). */
static void judge_person(struct book *book, const char *person, size_t i, size_t iend, size_t j, size_t jend)
{
	struct gift_exception base = { .person = person };
	bool unknown = false, no_rule = false;
	int other = 0, waiting = 0;

	for (; i < iend; i++) {
		struct entitlement owed = tariff_entitlement(book->tariff, &book->donations[i]);

		if (book->donations[i].waits) {
			waiting++;
			continue;
		}
		base.donations++;
		base.owed_vnd += owed.vnd;
		unknown |= owed.state == ENTITLED_UNKNOWN_VOLUME;
		no_rule |= owed.state == ENTITLED_NO_RULE;
	}
	for (; j < jend; j++) {
		base.gifts += book->handed[j].kind == GIFT_GIFT;
		other += book->handed[j].kind != GIFT_GIFT;
		base.handed_vnd += book->handed[j].kind == GIFT_GIFT ? book->handed[j].vnd : 0;
	}
#define FOUND(what, condition) \
	do { \
		base.kind = (what); \
		if (condition) \
			add(book, base); \
	} while (0)
	FOUND(GIFT_NOTHING_HANDED, base.owed_vnd > 0 && base.gifts == 0);
	FOUND(GIFT_LESS_THAN_OWED, base.gifts > 0 && base.handed_vnd < base.owed_vnd);
	FOUND(GIFT_TWICE, base.donations + waiting > 0 && base.gifts > base.donations + waiting);
	FOUND(GIFT_WITHOUT_DONATION, base.gifts + other > 0 && base.donations + waiting == 0);
	FOUND(GIFT_DONATION_WAITS, waiting > 0 && base.gifts > base.donations);
	FOUND(GIFT_VOLUME_UNKNOWN, unknown);
	FOUND(GIFT_NO_RULE, no_rule && !unknown);
#undef FOUND
}

static size_t same_donor(const struct book *book, size_t i)
{
	size_t end = i;

	while (end < book->ndonations && streq(book->donations[end].person, book->donations[i].person))
		end++;
	return end;
}

static size_t same_taker(const struct book *book, size_t j)
{
	size_t end = j;

	while (end < book->nhanded && streq(book->handed[end].person, book->handed[j].person))
		end++;
	return end;
}

/*
 * The sum of what was handed over stands against the sum of what each donation allows on its day, so that a time in which
 * the limit changed is judged rightly. Days on which there is no limit leave the whole without one.
 */
static void judge_average(struct book *book, enum gift_kind kind, enum gift_exception_kind what)
{
	bool over_handed = answer(book->tariff, TARIFF_AVERAGE_OVER) == AVERAGE_OVER_HANDED;
	struct gift_exception found = { .kind = what };
	int64_t allowed = 0, sum = 0, base;

	for (size_t i = 0; i < book->ndonations; i++) {
		const struct average_rule *rule;

		if (book->donations[i].waits)
			continue;
		rule = tariff_average(book->tariff, kind, book->donations[i].on);
		if (!rule)
			return;
		allowed += rule->at_most_vnd;
		found.donations++;
	}
	for (size_t j = 0; j < book->nhanded; j++) {
		if (book->handed[j].kind != kind)
			continue;
		sum += book->handed[j].vnd;
		found.gifts++;
	}
	if (found.gifts == 0 || found.donations == 0)    /* without a donation: each of them is told by itself */
		return;
	base = over_handed ? found.gifts : found.donations;
	if (sum * found.donations <= allowed * base)
		return;
	found.owed_vnd = allowed / found.donations;
	found.handed_vnd = (sum + base - 1) / base;
	found.donations = (int)base;
	add(book, found);
}

size_t gift_exceptions(const struct tariff *tariff, const struct gift_donation *donations, size_t ndonations,
		       const struct gift_handed *handed, size_t nhanded, struct gift_exception *out)
{
	struct book book = { .tariff = tariff, .donations = donations, .ndonations = ndonations, .handed = handed,
			     .nhanded = nhanded, .out = out };

	for (size_t i = 0, j = 0; i < ndonations || j < nhanded;) {
		int order = i == ndonations ? 1 : j == nhanded ? -1 : strcmp(donations[i].person, handed[j].person);
		size_t iend = order <= 0 ? same_donor(&book, i) : i, jend = order >= 0 ? same_taker(&book, j) : j;

		judge_person(&book, order <= 0 ? donations[i].person : handed[j].person, i, iend, j, jend);
		i = iend;
		j = jend;
	}
	judge_average(&book, GIFT_FOOD, GIFT_FOOD_AVERAGE);
	judge_average(&book, GIFT_TRAVEL, GIFT_TRAVEL_AVERAGE);
	return book.nout;
}
