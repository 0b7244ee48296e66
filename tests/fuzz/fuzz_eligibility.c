#include <jansson.h>

#include "base/buf.h"
#include "base/json_out.h"
#include "base/memory.h"
#include "fuzz/fuzz.h"
#include "wire/eligibility_wire.h"

/*
 * Who may give blood. First letter F: facts against the circular; J: against
 * the illustration; R: a rule file, then a few donors against it.
 *
 * Oracle: what is refused is refused in both languages. A verdict agrees with
 * itself; it is the same with the lists turned round and each entry twice; on
 * its earliest day nothing refuses, on the day before something does. The
 * registry's next day is the verdict's, where nothing was measured. A rule
 * set that is taken has a sentence for every rule, in UTF-8.
 */
static struct eligibility_rules vn, uk;
static struct arena forever;

static void load(const char *name, struct eligibility_rules *rules)
{
	const struct embedded_file *file = eligibility_rules_embedded();
	struct error err = { 0 };

	while (file->name && !streq(file->name, name))
		file++;
	FUZZ_CHECK(file->name, "%s", name);
	FUZZ_CHECK(eligibility_rules_read((const char *)file->bytes, file->size, &forever, rules, &err), "%s",
		   err.fields[0].pointer);
}

/* ---- verdicts ---- */

static void write_verdict(struct buf *buf, const struct verdict *verdict, enum language language)
{
	json_error_t fault;
	json_t *object;

	verdict_write(&(struct json_out){ .buf = buf }, NULL, verdict, language);
	object = json_loadb(buf->data, buf->len, JSON_REJECT_DUPLICATES, &fault);
	FUZZ_CHECK(object, "%s: %s", fault.text, buf->data);
	json_decref(object);
}

static void check_same(const struct verdict *a, const struct verdict *b)
{
	struct buf one = { 0 }, two = { 0 };

	write_verdict(&one, a, LANGUAGE_VI);
	write_verdict(&two, b, LANGUAGE_VI);
	FUZZ_CHECK(streq(one.data, two.data), "%s\n%s", one.data, two.data);
	buf_release(&one);
	buf_release(&two);
}

/* The lists from behind, and each entry twice. */
static void turn_round(const struct eligibility_facts *facts, struct arena *arena, struct eligibility_facts *turned)
{
#define TURN(type, list)								\
	do {										\
		size_t n = facts->n##list;						\
		type *other = arena_alloc(arena, (2 * n + 1) * sizeof(*other));		\
											\
		for (size_t i = 0; i < 2 * n; i++)					\
			other[i] = facts->list[(2 * n - 1 - i) % n];			\
		turned->list = other;							\
		turned->n##list = 2 * n;						\
	} while (0)

	*turned = *facts;
	TURN(struct eligibility_donation, donations);
	TURN(struct eligibility_deferral, deferrals);
	TURN(const char *, conditions);
#undef TURN
}

static bool is_dated(const struct eligibility_reason *reason)
{
	return !date_is_none(reason->until);
}

/* GET /eligibility/rules names every code that a verdict has. */
static bool is_named(const struct eligibility_reason *reason)
{
	const char *codes[ELIGIBILITY_RULE_CODES_MAX];
	size_t count = reason->rule ? eligibility_rule_codes(reason->rule, codes) : 0;

	for (size_t i = 0; i < count; i++)
		if (streq(codes[i], reason->code))
			return true;
	for (const struct eligibility_general_reason *one = eligibility_general_reasons(); one->code && !reason->rule; one++)
		if (streq(one->code, reason->code))
			return true;
	return false;
}

static void check_verdict(const struct verdict *verdict)
{
	bool undated = false;

	FUZZ_CHECK(verdict->eligible == (verdict->nreasons == 0), "%zu reasons", verdict->nreasons);
	FUZZ_CHECK((verdict->decision == DECISION_REFUSED) == !verdict->eligible, "decision %d", verdict->decision);
	FUZZ_CHECK((verdict->decision == DECISION_INCOMPLETE) == (verdict->eligible && verdict->nneeds > 0), "needs");
	for (size_t i = 0; i < verdict->nreasons; i++) {
		const struct eligibility_reason *reason = &verdict->reasons[i];

		undated |= !is_dated(reason);
		FUZZ_CHECK(is_named(reason), "%s is a code of no rule", reason->code);
		FUZZ_CHECK(!is_dated(reason) || date_compare(reason->until, verdict->on) > 0, "%s is over", reason->code);
		FUZZ_CHECK(!is_dated(reason) || date_is_none(verdict->earliest_on) ||
				   date_compare(reason->until, verdict->earliest_on) <= 0, "%s", reason->code);
	}
	FUZZ_CHECK(!undated || date_is_none(verdict->earliest_on), "a day ends what has no end");
	FUZZ_CHECK(!verdict->eligible || date_compare(verdict->earliest_on, verdict->on) == 0, "not from the day itself");
}

static void check_earliest(const struct eligibility_rules *rules, const struct eligibility_facts *facts,
			   const struct verdict *verdict, struct arena *arena)
{
	/* As of the day that was asked about: no donation has come since. */
	struct eligibility_facts then = *facts;
	struct eligibility_donation *happened = arena_alloc(arena, (facts->ndonations + 1) * sizeof(*happened));
	struct verdict other;

	if (date_is_none(verdict->earliest_on) || verdict->eligible)
		return;
	then.donations = happened;
	then.ndonations = 0;
	for (size_t i = 0; i < facts->ndonations; i++)
		if (date_compare(facts->donations[i].on, facts->on) <= 0)
			happened[then.ndonations++] = facts->donations[i];
	then.on = verdict->earliest_on;
	eligibility_check(rules, &then, arena, &other);
	FUZZ_CHECK(other.eligible, "%s on the earliest day", other.reasons[0].code);
	then.on = date_add_days(verdict->earliest_on, -1);
	eligibility_check(rules, &then, arena, &other);
	FUZZ_CHECK(!other.eligible, "allowed the day before the earliest");
}

/* A list, which knows nothing that is measured, shows the verdict's day; one that has come stands for any before it. */
static void check_list(const struct eligibility_rules *rules, const struct eligibility_facts *facts,
		       const struct eligibility_next *next, struct arena *arena)
{
	struct eligibility_facts known = *facts;
	struct verdict verdict;

	for (size_t i = 0; i < facts->ndonations; i++)
		if (date_compare(facts->donations[i].on, facts->on) > 0)
			return;                  /* to a list it has happened */
	if (date_compare(facts->on, rules->valid_from) < 0 ||
	    (!date_is_none(next->last_on) && date_compare(next->last_on, facts->on) < 0))
		return;
	known.volume_ml = -1;
	for (int i = 0; i < MEASURE_COUNT; i++)
		known.measures[i] = MEASURE_UNKNOWN;
	eligibility_check(rules, &known, arena, &verdict);
	FUZZ_CHECK(next->never == date_is_none(verdict.earliest_on), "never in one of them");
	if (!next->never)
		FUZZ_CHECK(date_compare(date_compare(next->on, facts->on) > 0 ? next->on : facts->on, verdict.earliest_on) == 0,
			   "a list and the verdict have two days");
}

static void check_next(const struct eligibility_rules *rules, const struct eligibility_facts *facts, struct arena *arena)
{
	struct eligibility_facts then = *facts;
	struct eligibility_next next;
	struct verdict verdict;

	then.nconditions = 0;
	eligibility_next(rules, &then, facts->component, arena, &next);
	FUZZ_CHECK(!next.never || date_is_none(next.on), "never, and a day");
	check_list(rules, &then, &next, arena);
	if (next.never || date_is_none(next.on))
		return;
	then.on = next.on;
	eligibility_check(rules, &then, arena, &verdict);
	for (size_t i = 0; i < verdict.nreasons; i++) {
		enum reason_kind kind = verdict.reasons[i].kind;

		/* The volume that is asked for, the registry does not know. */
		FUZZ_CHECK(kind == REASON_MEASURE || kind == REASON_VOLUME || kind == REASON_TOTAL,
			   "%s on the next day", verdict.reasons[i].code);
	}
}

static void check_facts(const struct eligibility_rules *rules, const struct eligibility_facts *facts,
			struct arena *arena)
{
	struct eligibility_facts turned;
	struct verdict verdict, again;
	struct buf buf = { 0 };

	eligibility_check(rules, facts, arena, &verdict);
	check_verdict(&verdict);
	turn_round(facts, arena, &turned);
	eligibility_check(rules, &turned, arena, &again);
	check_same(&verdict, &again);
	check_earliest(rules, facts, &verdict, arena);
	check_next(rules, facts, arena);
	write_verdict(&buf, &verdict, LANGUAGE_EN);
	buf_reset(&buf);
	eligibility_neutral_text(&buf, &verdict, false, LANGUAGE_VI);
	FUZZ_CHECK(buf.len > 0 && text_valid_utf8(buf.data, buf.len), "%s", buf.data);
	buf_release(&buf);
}

static void fuzz_facts(const struct eligibility_rules *rules, const char *body, size_t len, struct arena *arena)
{
	struct eligibility_facts facts;
	struct error err = { 0 };

	if (eligibility_facts_read(body, len, rules, arena, &facts, &err))
		check_facts(rules, &facts, arena);
	else
		fuzz_check_refusal(&err);
}

/* ---- rule files ---- */

static void check_rule(void *context, const struct rule *rule)
{
	struct buf buf = { 0 };

	(void)context;
	FUZZ_CHECK(rule->id && rule->article && rule->pointer && rule->sources, "a rule without a name");
	for (int language = 0; language < LANGUAGE_COUNT; language++) {
		buf_reset(&buf);
		eligibility_rule_text(&buf, rule, (enum language)language);
		FUZZ_CHECK(buf.len > 0 && text_valid_utf8(buf.data, buf.len), "%s", rule->id);
	}
	buf_release(&buf);
}

static void fuzz_rules(const char *body, size_t len, struct arena *arena)
{
	static const struct eligibility_donation donations[] = {
		{ { 2025, 11, 30 }, COMPONENT_PLATELETS, 400 },    { { 2025, 12, 31 }, COMPONENT_WHOLE_BLOOD, -1 },
		{ { 2026, 2, 27 }, COMPONENT_GRANULOCYTES, 300 },  { { 2026, 2, 28 }, COMPONENT_STEM_CELLS, 300 },
		{ { 2026, 2, 28 }, COMPONENT_RED_CELLS, 350 },
	};
	struct eligibility_deferral deferral = { .from = { 2025, 8, 31 } };
	struct eligibility_facts facts;
	struct eligibility_rules rules;
	struct error err = { 0 };

	if (!eligibility_rules_read(body, len, arena, &rules, &err)) {
		fuzz_check_refusal(&err);
		return;
	}
	FUZZ_CHECK(eligibility_rules_check(&rules, &err), "%s", err.fields[0].pointer);
	eligibility_rules_each(&rules, check_rule, NULL);
	eligibility_facts_init(&facts);
	facts.on = date_make(2026, 3, 1);
	for (int i = 0; i < COMPONENT_COUNT; i++) {
		facts.component = (enum component)i;
		check_facts(&rules, &facts, arena);
	}
	deferral.code = rules.ndeferrals > 0 ? rules.deferrals[0].code : NULL;
	facts.birth_date = date_make(2004, 2, 29);
	facts.donations = donations;
	facts.deferrals = &deferral;
	facts.ndeferrals = 1;
	facts.donations_known = facts.deferrals_known = facts.conditions_known = true;
	for (size_t i = 0; i <= sizeof(donations) / sizeof(donations[0]); i++) {
		facts.ndonations = i;
		facts.component = (enum component)i;
		facts.measures[MEASURE_WEIGHT] = 45000 + 5000 * (int)i;
		check_facts(&rules, &facts, arena);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned kind = fuzz_byte(&data, &size);
	char *body = fuzz_rest(data, size);
	struct arena arena;

	if (!vn.id) {
		load("vn-26-2013-tt-byt.json", &vn);
		load("uk-jpac.json", &uk);
	}
	arena_init(&arena);
	if (kind == 'F')
		fuzz_facts(&vn, body, size, &arena);
	else if (kind == 'J')
		fuzz_facts(&uk, body, size, &arena);
	else if (kind == 'R')
		fuzz_rules(body, size, &arena);
	arena_release(&arena);
	free(body);
	return 0;
}
