#include "domain/donor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/memory.h"
#include "domain/consent.h"

static const struct donor mai = { .name = "Lò Thị Mây", .birth_date = { 1990, 5, 17 }, .birth_year = 1990 };

static void one_number_one_person(void **state)
{
	static const struct { const char *what; struct donor other; bool same; } cases[] = {
		{ "as it is", { .name = "Lò Thị Mây", .birth_date = { 1990, 5, 17 }, .birth_year = 1990 }, true },
		{ "without marks", { .name = "LO THI MAY", .birth_date = { 1990, 5, 17 }, .birth_year = 1990 }, true },
		{ "in another order", { .name = "Mây Lò Thị", .birth_date = { 1990, 5, 17 }, .birth_year = 1990 }, true },
		{ "only the year known", { .name = "Lò Thị Mây", .birth_year = 1990 }, true },
		{ "another year", { .name = "Lò Thị Mây", .birth_year = 1991 }, false },
		{ "the day after", { .name = "Lò Thị Mây", .birth_date = { 1990, 5, 18 }, .birth_year = 1990 }, false },
		{ "a word less", { .name = "Lò Mây", .birth_date = { 1990, 5, 17 }, .birth_year = 1990 }, false },
		{ "a word more", { .name = "Lò Thị Mây Hoa", .birth_date = { 1990, 5, 17 }, .birth_year = 1990 }, false },
		{ "another word", { .name = "Lò Thị Dung", .birth_date = { 1990, 5, 17 }, .birth_year = 1990 }, false },
		{ "no name", { .birth_date = { 1990, 5, 17 }, .birth_year = 1990 }, false },
	};
	struct arena arena;

	(void)state;
	arena_init(&arena);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (donor_is_same(&mai, &cases[i].other, &arena) != cases[i].same ||
		    donor_is_same(&cases[i].other, &mai, &arena) != cases[i].same)
			fail_msg("%s", cases[i].what);
	}
	arena_release(&arena);
}

static void words_of_consents(void **state)
{
	enum consent_purpose purpose;
	enum consent_channel channel;

	(void)state;
	for (int i = 0; i < CONSENT_PURPOSE_COUNT; i++)
		assert_true(consent_purpose_parse(consent_purpose_text((enum consent_purpose)i), &purpose) && (int)purpose == i);
	for (int i = 0; i < CONSENT_CHANNEL_COUNT; i++)
		assert_true(consent_channel_parse(consent_channel_text((enum consent_channel)i), &channel) && (int)channel == i);
	assert_false(consent_purpose_parse("Invitation", &purpose));
	assert_false(consent_channel_parse("", &channel));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(one_number_one_person), cmocka_unit_test(words_of_consents) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
