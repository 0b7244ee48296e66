#ifndef TEST_WIRE_ELIGIBILITY_CASES_H
#define TEST_WIRE_ELIGIBILITY_CASES_H

#include <jansson.h>

#include "wire/eligibility_wire.h"
#include "wire/support.h"

/*
 * Tables that a doctor can read: what is known of a donor, as the API takes it
 * (with ' for "), and what is to be said. What a row does not name is as in the
 * donor of the table, about whom nothing is left to be known.
 */
struct eligibility_case {
	const char *name;        /* the article, and which side of its limit */
	const char *facts;
	const char *want;        /* see verdict_line() */
};

static struct eligibility_rules rules;
static struct arena rules_arena;

static inline const struct embedded_file *embedded_set(const char *name)
{
	const struct embedded_file *file = eligibility_rules_embedded();

	while (file->name && !streq(file->name, name))
		file++;
	assert_non_null(file->name);
	return file;
}

static inline void load_rules(const char *name)
{
	const struct embedded_file *file = embedded_set(name);

	arena_init(&rules_arena);
	error_clear(&err);
	assert_fine(eligibility_rules_read((const char *)file->bytes, file->size, &rules_arena, &rules, &err));
}

static inline int unload_rules(void **state)
{
	(void)state;
	arena_release(&rules_arena);
	return 0;
}

/* 'quoted' JSON as an object. */
static inline json_t *quoted(const char *text)
{
	char *copy = strdup(text);
	json_t *object;
	json_error_t fault;

	for (char *p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	object = json_loads(copy, 0, &fault);
	if (!object)
		fail_msg("%s: %s", fault.text, copy);
	free(copy);
	return object;
}

/* The donor of the table with other facts; null takes a fact away. */
static inline bool read_facts(const char *donor, const char *changes, struct eligibility_facts *facts)
{
	json_t *object = quoted(donor), *more = quoted(changes);
	char *text;
	bool fine;

	json_object_update_recursive(object, more);
	text = json_dumps(object, JSON_COMPACT);
	error_clear(&err);
	fine = eligibility_facts_read(text, strlen(text), &rules, &arena, facts, &err);
	free(text);
	json_decref(object);
	json_decref(more);
	return fine;
}

/*
 * "fit 450 ml"; "too_young until 2026-03-02"; "malaria for ever? ..." Reasons with their ends, then what is
 * missing after '?'. The volume stands only where nothing refuses, the earliest day where it is not the reasons' last.
 */
static inline const char *verdict_line(const struct verdict *verdict)
{
	static struct buf buf;
	char day[DATE_TEXT_SIZE];
	struct date last = verdict->on;

	buf_reset(&buf);
	for (size_t i = 0; i < verdict->nreasons; i++) {
		const struct eligibility_reason *reason = &verdict->reasons[i];

		buf_printf(&buf, "%s%s", i > 0 ? "; " : "", reason->code);
		if (!date_is_none(reason->until))
			buf_printf(&buf, " until %s", date_format(reason->until, day));
		if (date_is_none(reason->until) || date_is_none(last))
			last = (struct date){ 0 };
		else if (date_compare(reason->until, last) > 0)
			last = reason->until;
	}
	if (verdict->eligible)
		buf_append_text(&buf, "fit");
	if (verdict->eligible && verdict->max_volume_ml >= 0)
		buf_printf(&buf, " %d ml", verdict->max_volume_ml);
	for (size_t i = 0; i < verdict->nneeds; i++)
		buf_printf(&buf, "%s%s", i > 0 ? " " : " ? ", eligibility_need_name(verdict->needs[i]));
	if (date_compare(verdict->earliest_on, last) != 0)
		buf_printf(&buf, " earliest %s", date_is_none(verdict->earliest_on) ? "never"
						 : date_format(verdict->earliest_on, day));
	return buf.data;
}

static inline void check_cases(const char *donor, const struct eligibility_case *cases, size_t count)
{
	struct eligibility_facts facts;
	struct verdict verdict;
	size_t failed = 0;

	for (size_t i = 0; i < count; i++) {
		if (!read_facts(donor, cases[i].facts, &facts))
			assert_fine(false);
		eligibility_check(&rules, &facts, &arena, &verdict);
		if (!streq(verdict_line(&verdict), cases[i].want)) {
			print_message("%s: %s\n  said: %s\n  want: %s\n", cases[i].name, cases[i].facts,
				      verdict_line(&verdict), cases[i].want);
			failed++;
		}
		assert_true(verdict.eligible == (verdict.nreasons == 0));
		assert_true(verdict.decision == (verdict.nreasons > 0 ? DECISION_REFUSED
						 : verdict.nneeds > 0 ? DECISION_INCOMPLETE
								      : DECISION_NO_KNOWN_REFUSAL));
	}
	assert_int_equal(failed, 0);
}

#define CHECK_CASES(donor, cases) check_cases(donor, cases, ARRAY_SIZE(cases))

#endif
