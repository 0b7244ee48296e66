#include "domain/honour.h"

#include <string.h>

#include "base/memory.h"
#include "base/text.h"

/* ---- words ---- */

static const char *const ladder_texts[LADDER_COUNT] = {
	[LADDER_FIRST] = "first", [LADDER_INDIVIDUAL] = "individual", [LADDER_FAMILY] = "family",
};
static const char *const giver_texts[GIVER_COUNT] = {
	[GIVER_FACILITY] = "collecting_facility", [GIVER_DISTRICT] = "district_committee",
	[GIVER_PROVINCE] = "province_committee",  [GIVER_NATIONAL] = "national_committee",
	[GIVER_NOT_READ] = "not_read",
};
static const char *const state_texts[HONOUR_STATE_COUNT] = {
	[HONOUR_CANDIDATE] = "candidate", [HONOUR_CHECKED] = "checked",         [HONOUR_PROPOSED] = "proposed",
	[HONOUR_APPROVED] = "approved",   [HONOUR_HANDED_OVER] = "handed_over", [HONOUR_REFUSED] = "refused",
};
static const char *const verb_texts[HONOUR_VERB_COUNT] = {
	[HONOUR_CHECK] = "check",         [HONOUR_PROPOSE] = "propose",   [HONOUR_APPROVE] = "approve",
	[HONOUR_HAND_OVER] = "hand_over", [HONOUR_SET_BACK] = "set_back", [HONOUR_REFUSE] = "refuse",
};

static const char *word(const char *const *words, int count, unsigned index)
{
	return index < (unsigned)count ? words[index] : "unknown";
}

static int find_word(const char *const *words, int count, const char *text)
{
	for (int i = 0; text && i < count; i++)
		if (streq(words[i], text))
			return i;
	return -1;
}

const char *honour_ladder_text(enum honour_ladder ladder) { return word(ladder_texts, LADDER_COUNT, (unsigned)ladder); }
const char *honour_giver_text(enum honour_giver giver) { return word(giver_texts, GIVER_COUNT, (unsigned)giver); }
const char *honour_state_text(enum honour_state state) { return word(state_texts, HONOUR_STATE_COUNT, (unsigned)state); }
const char *honour_verb_text(enum honour_verb verb) { return word(verb_texts, HONOUR_VERB_COUNT, (unsigned)verb); }

bool honour_ladder_parse(const char *text, enum honour_ladder *out)
{
	int found = find_word(ladder_texts, LADDER_COUNT, text);

	if (found >= 0)
		*out = (enum honour_ladder)found;
	return found >= 0;
}

bool honour_giver_parse(const char *text, enum honour_giver *out)
{
	int found = find_word(giver_texts, GIVER_COUNT, text);

	if (found >= 0)
		*out = (enum honour_giver)found;
	return found >= 0;
}

bool honour_state_parse(const char *text, enum honour_state *out)
{
	int found = find_word(state_texts, HONOUR_STATE_COUNT, text);

	if (found >= 0)
		*out = (enum honour_state)found;
	return found >= 0;
}

bool honour_verb_parse(const char *text, enum honour_verb *out)
{
	int found = find_word(verb_texts, HONOUR_VERB_COUNT, text);

	if (found >= 0)
		*out = (enum honour_verb)found;
	return found >= 0;
}

const char *honour_change_text(int what)
{
	static const char *const texts[] = {
		[CHANGE_NEW] = "new_candidate", [CHANGE_GONE] = "no_candidate_any_more",
		[CHANGE_WORK_LOST] = "in_work_not_reached", [CHANGE_KEPT] = "given_not_reached",
	};

	return texts[what];
}

/* ---- open questions ---- */

static const char *const declared[] = { "do_not_count", "count", NULL };
static const char *const stopped[] = { "with_volume", "do_not_count", NULL };
static const char *const apheresis[] = { "counts", "does_not_count", NULL };
static const char *const district[] = { "undecided", "province_committee", "commune_committee", NULL };
static const char *const mountain[] = { "off", "on", NULL };
static const char *const at_once[] = { "each", "highest", NULL };
static const char *const family[] = { "since_joined", "all", NULL };

const struct open_question honour_questions[] = {
	[HONOUR_DECLARED] = { "declared_donations", declared },
	[HONOUR_STOPPED] = { "stopped_donations", stopped },
	[HONOUR_APHERESIS] = { "apheresis", apheresis },
	[HONOUR_DISTRICT] = { "district_gives", district },
	[HONOUR_MOUNTAIN] = { "mountain_bars", mountain },
	[HONOUR_AT_ONCE] = { "steps_at_once", at_once },
	[HONOUR_FAMILY_SINCE] = { "family_donations", family },
	[HONOUR_QUESTION_COUNT] = { 0 },
};

int honour_answer(const struct honour_rules *rules, enum honour_question question)
{
	return rules->answers[question].value;
}

/* ---- the file as a whole ---- */

static bool step_check(const struct honour_rules *rules, size_t i, struct error *err)
{
	const struct honour_step *step = &rules->steps[i];

	if (step->at_mountain >= step->at)
		return error_add_field(err, step->rule.pointer, "contradiction",
				       "at_mountain must be less than at.", "at_mountain phải nhỏ hơn at.");
	if (step->ladder == LADDER_FIRST && step->at != 1)
		return error_add_field(err, step->rule.pointer, "contradiction",
				       "The ladder \"first\" has one step, at 1.", "Thang \"first\" chỉ có một mức, ở lần 1.");
	for (size_t j = 0; j < i; j++)
		if (rules->steps[j].ladder == step->ladder && rules->steps[j].at == step->at &&
		    dated_rules_meet(&rules->steps[j].rule, &step->rule))
			return error_add_field(err, step->rule.pointer, "contradiction",
					       "This step and %s are reached with as many on the same day.",
					       "Mức này và %s có cùng số lần hiến và cùng hiệu lực trong một ngày.",
					       rules->steps[j].rule.id);
	for (size_t k = 0; k < step->nreplaces; k++)
		if (honour_step(rules, step->replaces[k]) &&
		    dated_rules_meet(&honour_step(rules, step->replaces[k])->rule, &step->rule))
			return error_add_field(err, step->rule.pointer, "contradiction",
					       "It replaces %s, which holds on the same day.",
					       "Mức này thay cho %s, nhưng mức đó còn hiệu lực cùng ngày.", step->replaces[k]);
	return true;
}

bool honour_rules_check(const struct honour_rules *rules, struct error *err)
{
	if (!dated_rules_check(rules->steps, rules->nsteps, sizeof(*rules->steps), err))
		return false;
	for (size_t i = 0; i < rules->nsteps; i++)
		if (!step_check(rules, i, err))
			return false;
	return true;
}

const struct honour_step *honour_step(const struct honour_rules *rules, const char *id)
{
	for (size_t i = 0; i < rules->nsteps; i++)
		if (streq(rules->steps[i].rule.id, id))
			return &rules->steps[i];
	return NULL;
}

bool honour_is_mountain(const struct honour_rules *rules, const char *unit_id)
{
	if (honour_answer(rules, HONOUR_MOUNTAIN) == MOUNTAIN_OFF || !unit_id)
		return false;
	if (!rules->mountain_units)
		return true;
	for (size_t i = 0; i < rules->nmountain_units; i++)
		if (streq(rules->mountain_units[i], unit_id))
			return true;
	return false;
}

struct date honour_district_end(void)
{
	return date_make(2025, 7, 1);
}

const char *honour_given_by(const struct honour_rules *rules, const struct honour_step *step, struct date on)
{
	if (step->given_by != GIVER_DISTRICT || date_compare(on, honour_district_end()) < 0)
		return honour_giver_text(step->given_by);
	return district[honour_answer(rules, HONOUR_DISTRICT)];
}

const char *honour_given_by_known(const struct honour_rules *rules, const struct honour_step *step, struct date on)
{
	const char *word = step ? honour_given_by(rules, step, on) : NULL;

	return word && honour_given_by_valid(word) ? word : NULL;
}

/* ---- what counts ---- */

bool honour_counts(const struct honour_rules *rules, const struct honour_donation *donation, struct date as_of)
{
	if (date_compare(donation->on, as_of) > 0)
		return false;
	if (donation->evidence == DONATION_DECLARED && honour_answer(rules, HONOUR_DECLARED) == DECLARED_NOT)
		return false;
	if (donation->stopped && (honour_answer(rules, HONOUR_STOPPED) == HONOUR_STOPPED_NOT || donation->volume_ml <= 0))
		return false;
	if (donation->component != COMPONENT_WHOLE_BLOOD && honour_answer(rules, HONOUR_APHERESIS) == APHERESIS_NOT)
		return false;
	if (!date_is_none(donation->left) && date_compare(donation->on, donation->left) >= 0)
		return false;
	return honour_answer(rules, HONOUR_FAMILY_SINCE) == FAMILY_ALL || date_is_none(donation->joined) ||
	       date_compare(donation->joined, donation->on) <= 0;
}

int honour_reached_with(const struct honour_rules *rules, const struct honour_donation *donations, size_t count,
			struct date as_of, int bar, const struct honour_donation **out)
{
	int found = 0;

	for (size_t i = 0; i < count && found < bar; i++)
		if (honour_counts(rules, &donations[i], as_of))
			out[found++] = &donations[i];
	return found;
}

const char *honour_record(const struct honour_donation *const *donations, int count)
{
	const char *best = NULL;
	int most = 0;

	for (int i = 0; i < count; i++) {
		const char *record = donations[i]->record;
		int of_it = 0;

		for (int j = 0; j < count; j++)
			of_it += streq(donations[j]->record, record);
		if (of_it > most || (of_it == most && strcmp(record, best) < 0)) {
			best = record;
			most = of_it;
		}
	}
	return best;
}

static int bar_of(const struct honour_step *step, bool is_mountain)
{
	return is_mountain && step->at_mountain > 0 ? step->at_mountain : step->at;
}

/* By the order of the ladder, whatever the order of the file. */
static void add_reached(struct honour_reached *out, size_t *count, struct honour_reached found)
{
	size_t at = (*count)++;

	for (; at > 0 && out[at - 1].step->at > found.step->at; at--)
		out[at] = out[at - 1];
	out[at] = found;
}

size_t honour_reached(const struct honour_rules *rules, enum honour_ladder ladder, bool is_mountain,
		      const struct honour_donation *donations, size_t count, struct date as_of,
		      struct honour_reached *out, struct honour_tally *tally)
{
	size_t nout = 0;

	*tally = (struct honour_tally){ 0 };
	for (size_t i = 0; i < count; i++) {
		if (date_compare(donations[i].on, as_of) > 0)
			continue;
		tally->declared += donations[i].evidence == DONATION_DECLARED;
		tally->confirmed += donations[i].evidence == DONATION_CONFIRMED;
		if (!honour_counts(rules, &donations[i], as_of))
			continue;
		tally->counted++;
		for (size_t s = 0; s < rules->nsteps; s++) {
			const struct honour_step *step = &rules->steps[s];

			if (step->ladder == ladder && dated_rule_holds(&step->rule, as_of) &&
			    bar_of(step, is_mountain) == tally->counted)
				add_reached(out, &nout, (struct honour_reached){ step, tally->counted, donations[i].on });
		}
	}
	return nout;
}

/* ---- never twice ---- */

static bool stands_for(const struct honour_step *step, const char *id)
{
	if (streq(step->rule.id, id))
		return true;
	for (size_t i = 0; i < step->nreplaces; i++)
		if (streq(step->replaces[i], id))
			return true;
	return false;
}

bool honour_is_due(const struct honour_step *step, const struct honour_had *had, size_t nhad)
{
	for (size_t i = 0; i < nhad; i++)
		if (had[i].state != HONOUR_REFUSED && stands_for(step, had[i].step))
			return false;
	return true;
}

/* The highest bar of the ladder that somebody has or that is in work. */
static int highest_had(const struct honour_rules *rules, enum honour_ladder ladder, const struct honour_had *had, size_t nhad)
{
	int highest = 0;

	for (size_t s = 0; s < rules->nsteps; s++)
		if (rules->steps[s].ladder == ladder && rules->steps[s].at > highest &&
		    !honour_is_due(&rules->steps[s], had, nhad))
			highest = rules->steps[s].at;
	return highest;
}

size_t honour_due(const struct honour_rules *rules, struct honour_reached *reached, size_t count,
		  const struct honour_had *had, size_t nhad)
{
	size_t kept = 0;

	if (count > 0 && honour_answer(rules, HONOUR_AT_ONCE) == AT_ONCE_HIGHEST) {
		struct honour_reached top = reached[count - 1];

		if (top.step->at <= highest_had(rules, top.step->ladder, had, nhad))
			return 0;
		reached[0] = top;
		return honour_is_due(top.step, had, nhad) ? 1 : 0;
	}
	for (size_t i = 0; i < count; i++)
		if (honour_is_due(reached[i].step, had, nhad))
			reached[kept++] = reached[i];
	return kept;
}

/* ---- the work on one ---- */

bool honour_reason_valid(const char *text)
{
	static const char *const words[] = { "donations_doubtful", "papers_missing", "other_person", "declined",
					     "other_honour", "mistake", "other" };

	return find_word(words, (int)ARRAY_SIZE(words), text) >= 0;
}

bool honour_given_by_valid(const char *text)
{
	static const char *const words[] = { "collecting_facility", "district_committee", "province_committee",
					     "national_committee", "commune_committee" };

	return find_word(words, (int)ARRAY_SIZE(words), text) >= 0;
}

bool honour_state_approved(enum honour_state state)
{
	return state == HONOUR_APPROVED || state == HONOUR_HANDED_OVER;
}

bool honour_say_check(const struct honour *honour, enum honour_verb verb, const struct honour_say *say, struct date today,
		      struct error *err)
{
	struct date after = verb == HONOUR_HAND_OVER ? honour->approved_on : honour->reached_on;
	bool dated = verb == HONOUR_APPROVE || verb == HONOUR_HAND_OVER;

	if (verb == HONOUR_APPROVE && !say->document)
		error_add_field(err, "/document", "required", "Name the decision by its number.", "Hãy ghi số quyết định.");
	if (verb != HONOUR_APPROVE && say->document)
		error_add_field(err, "/document", "not_here", "Only an approval names a decision.",
				"Chỉ bước phê duyệt mới ghi số quyết định.");
	if (verb != HONOUR_SET_BACK && verb != HONOUR_REFUSE && say->reason)
		error_add_field(err, "/reason", "not_here", "Only to set back or to refuse takes a reason.",
				"Chỉ bước trả lại hoặc từ chối mới ghi lý do.");
	if (verb != HONOUR_HAND_OVER && say->given_by)
		error_add_field(err, "/given_by", "not_here", "Who gave it is said when it is handed over.",
				"Cơ quan trao chỉ được ghi ở bước trao.");
	if (!dated && !date_is_none(say->on))
		error_add_field(err, "/on", "not_here", "This step has no day of its own.", "Bước này không ghi ngày riêng.");
	else if (dated && date_compare(say->on, today) > 0)
		error_add_field(err, "/on", "in_the_future", "This day is still to come.", "Ngày này chưa tới.");
	else if (dated && date_compare(say->on, after) < 0)
		error_add_field(err, "/on", "too_early", "It cannot be before the donation that reached it, or its approval.",
				"Không thể trước lần hiến đạt mức này, hoặc trước ngày phê duyệt.");
	return err->code == ERR_NONE;
}

/* -1: the verb is not for this state. */
static int next_state(enum honour_state from, enum honour_verb verb)
{
	static const enum honour_state forward[] = {
		[HONOUR_CHECK] = HONOUR_CANDIDATE, [HONOUR_PROPOSE] = HONOUR_CHECKED, [HONOUR_APPROVE] = HONOUR_PROPOSED,
		[HONOUR_HAND_OVER] = HONOUR_APPROVED,
	};

	if (verb == HONOUR_REFUSE)
		return from < HONOUR_HANDED_OVER ? (int)HONOUR_REFUSED : -1;
	if (verb == HONOUR_SET_BACK)
		return from > HONOUR_CANDIDATE && from < HONOUR_HANDED_OVER ? (int)from - 1 : -1;
	return forward[verb] == from ? (int)from + 1 : -1;
}

bool honour_next(enum honour_state from, enum honour_verb verb, bool reached, const char *reason, enum honour_state *to,
		 struct error *err)
{
	bool backward = verb == HONOUR_SET_BACK || verb == HONOUR_REFUSE;
	int next = next_state(from, verb);

	if (next < 0)
		return error_set(err, ERR_ILLEGAL_STEP, "An honour that is \"%s\" cannot take the step \"%s\".",
				 "Hồ sơ tôn vinh đang ở trạng thái \"%s\" không thể thực hiện bước \"%s\".",
				 honour_state_text(from), honour_verb_text(verb));
	if (backward && !reason)
		return error_add_field(err, "/reason", "required", "Say why.", "Hãy nêu lý do.");
	if (!backward && !reached)
		return error_set(err, ERR_ILLEGAL_STEP,
				 "The donations that count do not reach this step any more. Look at them, then set back or refuse.",
				 "Số lần hiến được tính không còn đạt mức này. Hãy xem lại, rồi trả lại hoặc từ chối.");
	*to = (enum honour_state)next;
	return true;
}

/* ---- other rules ---- */

static bool steps_alike(const struct honour_step *a, const struct honour_step *b)
{
	if (a->at != b->at || a->at_mountain != b->at_mountain || a->nreplaces != b->nreplaces ||
	    date_compare(a->rule.from, b->rule.from) != 0 || date_compare(a->rule.to, b->rule.to) != 0)
		return false;
	for (size_t i = 0; i < a->nreplaces; i++)
		if (!streq(a->replaces[i], b->replaces[i]))
			return false;
	return true;
}

static bool has_steps_of(const struct honour_rules *one, const struct honour_rules *two, enum honour_ladder ladder)
{
	for (size_t i = 0; i < one->nsteps; i++) {
		const struct honour_step *step = &one->steps[i], *same = honour_step(two, step->rule.id);

		if (step->ladder == ladder && (!same || same->ladder != ladder || !steps_alike(step, same)))
			return false;
	}
	return true;
}

static bool mountains_alike(const struct honour_rules *one, const struct honour_rules *two)
{
	if (!one->mountain_units || !two->mountain_units)
		return one->mountain_units == two->mountain_units;
	if (one->nmountain_units != two->nmountain_units)
		return false;
	for (size_t i = 0; i < one->nmountain_units; i++)
		if (!streq(one->mountain_units[i], two->mountain_units[i]))
			return false;
	return true;
}

bool honour_ladders_alike(const struct honour_rules *one, const struct honour_rules *two, enum honour_ladder ladder)
{
	for (int i = 0; i < HONOUR_QUESTION_COUNT; i++)
		if (one->answers[i].value != two->answers[i].value)
			return false;
	return mountains_alike(one, two) && has_steps_of(one, two, ladder) && has_steps_of(two, one, ladder);
}

static bool is_reached(const struct honour_reached *reached, size_t count, const char *id)
{
	for (size_t i = 0; i < count; i++)
		if (stands_for(reached[i].step, id))
			return true;
	return false;
}

/* The same step, or one that it takes the place of. */
static bool was_due(const struct honour_reached *was, size_t count, const struct honour_step *step)
{
	for (size_t i = 0; i < count; i++)
		if (stands_for(step, was[i].step->rule.id))
			return true;
	return false;
}

static void add_change(struct honour_change *out, size_t *count, struct honour_change change)
{
	if (*count < HONOUR_CHANGES_MAX)
		out[(*count)++] = change;
}

/* What somebody has or is to have, and by the next rules has not reached though by those of now. */
static void compare_had(const struct honour_rules *now, const struct honour_rules *next, enum honour_ladder ladder,
			const struct honour_reached *was, size_t nwas, const struct honour_reached *will, size_t nwill,
			const struct honour_had *had, size_t nhad, struct honour_change *out, size_t *count)
{
	for (size_t i = 0; i < nhad; i++) {
		const struct honour_step *step = honour_step(next, had[i].step), *old = honour_step(now, had[i].step);
		bool given = had[i].state == HONOUR_HANDED_OVER;

		if (had[i].state == HONOUR_REFUSED || (step ? step : old) == NULL || (step ? step : old)->ladder != ladder)
			continue;
		if (is_reached(was, nwas, had[i].step) && !is_reached(will, nwill, had[i].step))
			add_change(out, count, (struct honour_change){ had[i].step, given ? CHANGE_KEPT : CHANGE_WORK_LOST,
									step ? step : old });
	}
}

size_t honour_compare(const struct honour_rules *now, const struct honour_rules *next, enum honour_ladder ladder,
		      const char *unit_id, const struct honour_donation *donations, size_t count, struct date as_of,
		      const struct honour_had *had, size_t nhad, struct honour_reached *scratch, struct honour_change *out)
{
	struct honour_reached *was = scratch, *will = scratch + now->nsteps;
	struct honour_tally tally;
	size_t nout = 0, nwas, nwill;

	nwas = honour_reached(now, ladder, honour_is_mountain(now, unit_id), donations, count, as_of, was, &tally);
	nwill = honour_reached(next, ladder, honour_is_mountain(next, unit_id), donations, count, as_of, will, &tally);
	compare_had(now, next, ladder, was, nwas, will, nwill, had, nhad, out, &nout);
	nwas = honour_due(now, was, nwas, had, nhad);
	nwill = honour_due(next, will, nwill, had, nhad);
	for (size_t i = 0; i < nwill; i++)
		if (!was_due(was, nwas, will[i].step))
			add_change(out, &nout, (struct honour_change){ will[i].step->rule.id, CHANGE_NEW, will[i].step });
	for (size_t i = 0; i < nwas; i++)
		if (!is_reached(will, nwill, was[i].step->rule.id))
			add_change(out, &nout, (struct honour_change){ was[i].step->rule.id, CHANGE_GONE, was[i].step });
	return nout;
}
