/* What holds of consents and withdrawals (Law 91/2025/QH15, Art. 9-11): never by the order in which they came. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/text.h"
#include "domain/consent.h"

static struct consent_fact fact(int id, int64_t at, bool given)
{
	struct consent_fact made = { .consent = { CONSENT_INVITATION, CONSENT_SMS, at, NULL }, .given = given };

	snprintf(made.id, sizeof(made.id), "%036d", id);
	return made;
}

/* Whether it holds, asked with the facts in each of two orders. */
static bool holds(struct consent_fact one, struct consent_fact two)
{
	const struct consent_fact there[] = { one, two }, back[] = { two, one };
	const struct consent_fact *a = consent_holding(there, 2, CONSENT_INVITATION, CONSENT_SMS);
	const struct consent_fact *b = consent_holding(back, 2, CONSENT_INVITATION, CONSENT_SMS);

	assert_non_null(a);
	assert_string_equal(a->id, b->id);
	return a->given;
}

static void test_the_latest_word(void **state)
{
	(void)state;
	assert_true(holds(fact(1, 10, false), fact(2, 11, true)));
	assert_true(holds(fact(2, 10, false), fact(1, 11, true)));
	assert_false(holds(fact(1, 11, false), fact(2, 10, true)));
	/* of one instant: the withdrawal, whatever came first */
	assert_false(holds(fact(1, 10, false), fact(2, 10, true)));
	assert_false(holds(fact(2, 10, false), fact(1, 10, true)));
	/* and of two alike the greater id */
	assert_true(holds(fact(1, 10, true), fact(2, 10, true)));
}

static void test_each_purpose_and_channel_alone(void **state)
{
	const struct consent_fact facts[] = { fact(1, 10, true) };

	(void)state;
	assert_null(consent_holding(facts, 0, CONSENT_INVITATION, CONSENT_SMS));
	assert_null(consent_holding(facts, 1, CONSENT_INVITATION, CONSENT_PHONE));
	assert_null(consent_holding(facts, 1, CONSENT_CERTIFICATE_SMS, CONSENT_SMS));
	assert_ptr_equal(consent_holding(facts, 1, CONSENT_INVITATION, CONSENT_SMS), facts);
}

static void test_instants(void **state)
{
	const int64_t now = INT64_C(1000000000), skew = CONSENT_SKEW_S * INT64_C(1000000);
	int64_t told = now - 1;

	(void)state;
	assert_true(consent_instant(now, &told));
	assert_int_equal(told, now - 1);
	told = now + skew;
	assert_true(consent_instant(now, &told));
	assert_int_equal(told, now);
	told = now + skew + 1;
	assert_false(consent_instant(now, &told));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_latest_word),
		cmocka_unit_test(test_each_purpose_and_channel_alone),
		cmocka_unit_test(test_instants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
