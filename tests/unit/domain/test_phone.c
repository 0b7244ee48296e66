/* Phone numbers: each spelling, each prefix of 2018, and what is no number. All of them are invented. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/text.h"
#include "domain/phone.h"

static void expect(const char *typed, const char *want)
{
	char phone[PHONE_TEXT_SIZE], again[PHONE_TEXT_SIZE];

	if (phone_normalise(typed, phone) != (want != NULL) || !streq(phone, want ? want : ""))
		fail_msg("\"%s\" is \"%s\" instead of %s", typed, phone, want ? want : "refused");
	if (want && (!phone_normalise(phone, again) || !streq(phone, again)))
		fail_msg("\"%s\" is \"%s\" the second time", phone, again);
}

static void test_spellings(void **state)
{
	static const char *const mobile[] = {
		"0912345678", "0912 345 678", "0912.345.678", "0912-345-678", "(0912) 345678", "+84912345678",
		"+84 912 345 678", "+84-912.345.678", "+84 (0)912 345 678", "(+84) 912345678", "(84) 912345678",
		"84912345678", "840912345678", "0084912345678", "0084-912345678", "00 84 0912 345 678", "912345678",
		" 0912 345 678\t", "0912\xc2\xa0" "345\xe2\x80\x93" "678", "０９１２３４５６７８", "＋８４　９１２３４５６７８",
		"\xe2\x80\xaa" "0912345678\xe2\x80\xac", "0912\xe2\x80\x8b" "345678", "091.234-56 78",
	};
	static const char *const fixed[] = {
		"02133876543", "0213 3876 543", "0213.387.6543", "+84 213 3876543", "84 2133876543", "2133876543",
		"(0213) 3 876 543", "0084 213 387 6543", "+84 (0213) 3876543",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(mobile); i++)
		expect(mobile[i], "+84912345678");
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		expect(fixed[i], "+842133876543");
	expect("02438253536", "+842438253536");
	expect("849123456", "+84849123456");        /* a dropped 0 before 84, not the country */
	expect("84849123456", "+84849123456");
}

static void test_numbers_of_before_2018(void **state)
{
	static const struct {
		const char *before, *now;
	} prefixes[] = {
		{ "0120", "070" }, { "0121", "079" }, { "0122", "077" }, { "0123", "083" }, { "0124", "084" },
		{ "0125", "085" }, { "0126", "076" }, { "0127", "081" }, { "0128", "078" }, { "0129", "082" },
		{ "0162", "032" }, { "0163", "033" }, { "0164", "034" }, { "0165", "035" }, { "0166", "036" },
		{ "0167", "037" }, { "0168", "038" }, { "0169", "039" }, { "0186", "056" }, { "0188", "058" },
		{ "0199", "059" },
	};
	char typed[32], want[32];

	(void)state;
	for (unsigned prefix = 0; prefix < 1000; prefix++) {
		char before[8];
		const char *now = NULL;

		snprintf(before, sizeof(before), "0%03u", prefix);
		if (before[1] != '1')
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
			if (streq(prefixes[i].before, before))
				now = prefixes[i].now;
		snprintf(want, sizeof(want), "+84%s4567890", now ? now + 1 : "");
		snprintf(typed, sizeof(typed), "%s4567890", before);
		expect(typed, now ? want : NULL);
		expect(typed + 1, now ? want : NULL);
		snprintf(typed, sizeof(typed), "+84 %s 456 78 90", before + 1);
		expect(typed, now ? want : NULL);
		snprintf(typed, sizeof(typed), "%s456789", before);
		expect(typed, NULL);                     /* ten digits: neither old nor new */
	}
}

static void test_mobile_prefixes(void **state)
{
	static const char allowed[] =
		"032 033 034 035 036 037 038 039 052 055 056 058 059 070 076 077 078 079 081 082 083 084 085 086 087 "
		"088 089 090 091 092 093 094 095 096 097 098 099";

	(void)state;
	for (unsigned prefix = 10; prefix < 100; prefix++) {     /* "00" calls abroad */
		char typed[16], want[32], three[8];

		snprintf(three, sizeof(three), "0%02u", prefix);
		snprintf(typed, sizeof(typed), "%s1234567", three);
		snprintf(want, sizeof(want), "+84%s", typed + 1);
		expect(typed, strstr(allowed, three) ? want : NULL);
	}
}

static void test_other_countries(void **state)
{
	(void)state;
	expect("+856 20 1234 5678", "+8562012345678");
	expect("00856 20 12345678", "+8562012345678");
	expect("+1 (212) 555-0100", "+12125550100");
	expect("+123456789012345", "+123456789012345");
	expect("+1234567890123456", NULL);               /* sixteen digits */
	expect("+1234567", "+1234567");
	expect("+123456", NULL);
	expect("8562012345678", NULL);                   /* neither "+" nor "00" */
	expect("+0912345678", NULL);
	expect("000912345678", NULL);
}

static void test_no_numbers(void **state)
{
	static const char *const typed[] = {
		"", " ", "+", "0", "00", "84", "+84", "0084", "091234567", "09123456789", "+84 91234567", "+84 9123456789",
		"0912345678/0987654321", "0912345678 0987654321", "0912 345 678 ext 3", "O912345678", "0912345678a",
		"09123+45678", "++84912345678", "0912345678+", "+84+912345678", "0510123456", "115", "19001234",
		"0213387654", "021338765432", "\xff" "0912345678", "0912345678\xc3", "\x01" "0912345678", "không có",
		"٠٩١٢٣٤٥٦٧٨", "²¹²", "0912345678901234567890",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(typed); i++)
		expect(typed[i], NULL);
}

static void test_format(void **state)
{
	static const struct {
		const char *phone, *want;
		bool        mobile;
	} cases[] = {
		{ "+84912345678", "0912 345 678", true },
		{ "+84321234567", "0321 234 567", true },
		{ "+842133876543", "0213 387 6543", false },
		{ "+842438253536", "024 3825 3536", false },
		{ "+842838253536", "028 3825 3536", false },
		{ "+8562012345678", "+8562012345678", false },
		{ "+123456789012345", "+123456789012345", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[PHONE_TEXT_SIZE + 4];

		phone_format(cases[i].phone, text);
		assert_string_equal(text, cases[i].want);
		assert_int_equal(phone_is_mobile(cases[i].phone), cases[i].mobile);
		expect(text, cases[i].phone);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spellings),     cmocka_unit_test(test_numbers_of_before_2018),
		cmocka_unit_test(test_mobile_prefixes), cmocka_unit_test(test_other_countries),
		cmocka_unit_test(test_no_numbers),    cmocka_unit_test(test_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
