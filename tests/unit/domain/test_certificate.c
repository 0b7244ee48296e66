/* Certificates: numbers and codes that show their slips, what may be redeemed, and the words on the paper. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "domain/certificate.h"
#include "lai_chau_units.h"

static const char checks[] = "23456789ABCDEFGHKMNPQRSTVWXYZ", letters[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
static struct arena arena;

/* The same in each run (xorshift64). */
static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* ---- numbers ---- */

static enum certificate_fault number_fault(const char *typed)
{
	struct certificate_number number;
	enum certificate_fault fault = certificate_number_parse(typed, &number);

	assert_int_equal(fault == CERTIFICATE_FINE, number.ordinal != 0);
	return fault;
}

static void test_number_forms(void **state)
{
	static const struct { struct certificate_number number; const char *text; } rows[] = {
		{ { "LC", 2026, 123 }, "LC26-000123-B" },
		{ { "LC", 2026, 1 }, "LC26-000001-T" },
		{ { "HHTW", 2099, 9999999 }, "HHTW99-9999999-H" },
		{ { "AA", 2000, 999999 }, "AA00-999999-N" },
		{ { "AA", 2000, 1000000 }, "AA00-1000000-R" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[CERTIFICATE_NUMBER_SIZE];
		struct certificate_number again;

		certificate_number_format(&rows[i].number, text);
		assert_string_equal(text, rows[i].text);
		assert_int_equal(certificate_number_parse(text, &again), CERTIFICATE_FINE);
		assert_string_equal(again.issuer, rows[i].number.issuer);
		assert_int_equal(again.year, rows[i].number.year);
		assert_int_equal(again.ordinal, rows[i].number.ordinal);
	}
}

static void test_number_spellings(void **state)
{
	static const char *const typed[] = { "LC26-000123-B", "lc26-000123-b", "LC26000123B", " LC 26 000 123 B ",
					     "ＬＣ２６－０００１２３－Ｂ", "LC26–000123–B" };
	static const char *const malformed[] = {
		"", "L26-000123-B", "LCLCL26-000123-B", "LC26-00123-Z", "LC26-000123", "LC26-0000123-B", "LC26-10000000-2",
		"26-000123-B", "LC26-000000-2", "LC26-000123-I", "LC26-000123-0", "LC26_000123_B", "LC2A-000123-B", "Đ",
		"LC26-000123-BB", "LC26-000123-B; DROP", "LC26-00012300000000000000000000-Z",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(typed); i++)
		assert_int_equal(number_fault(typed[i]), CERTIFICATE_FINE);
	for (size_t i = 0; i < ARRAY_SIZE(malformed); i++)
		assert_int_equal(number_fault(malformed[i]), CERTIFICATE_MALFORMED);
	assert_int_equal(number_fault("LC26-000124-B"), CERTIFICATE_MISTYPED);
}

/* Each other character of its kind at each place, and each exchange of two of one kind. */
static void test_number_slips(void **state)
{
	static const char digits[] = "0123456789", capitals[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	uint64_t seed = 88172645463325252u;

	(void)state;
	for (int n = 0; n < 300; n++) {
		struct certificate_number number = { "", 2000 + (int)(next_random(&seed) % 100),
						     1 + (int)(next_random(&seed) % 9999999) };
		size_t nletters = 2 + next_random(&seed) % 3;
		char text[CERTIFICATE_NUMBER_SIZE], slip[CERTIFICATE_NUMBER_SIZE];

		for (size_t i = 0; i < nletters; i++)
			number.issuer[i] = capitals[next_random(&seed) % 26];
		certificate_number_format(&number, text);
		size_t len = strlen(text);

		for (size_t i = 0; i < len; i++) {
			const char *kind = i + 1 == len ? checks : text[i] >= 'A' ? capitals : digits;

			for (const char *c = kind; *c && text[i] != '-'; c++) {
				strcpy(slip, text);
				slip[i] = *c;
				if (slip[i] != text[i])
					assert_int_not_equal(number_fault(slip), CERTIFICATE_FINE);
			}
			for (size_t k = 0; k < i && i + 1 < len; k++) {
				strcpy(slip, text);
				slip[i] = text[k];
				slip[k] = text[i];
				if (slip[i] != text[i] && text[i] != '-' && text[k] != '-')
					assert_int_not_equal(number_fault(slip), CERTIFICATE_FINE);
			}
		}
	}
}

static void test_issuers(void **state)
{
	(void)state;
	assert_true(issuer_code_valid("LC"));
	assert_true(issuer_code_valid("HHTW"));
	assert_false(issuer_code_valid("L"));
	assert_false(issuer_code_valid("LCABC"));
	assert_false(issuer_code_valid("lc"));
	assert_false(issuer_code_valid("L1"));
	assert_false(issuer_code_valid("LÔ"));
}

/* ---- codes ---- */

static enum certificate_fault code_fault(const char *typed)
{
	char out[CERTIFICATE_CODE_SIZE];
	enum certificate_fault fault = certificate_code_parse(typed, out);

	assert_int_equal(fault == CERTIFICATE_FINE, *out != '\0');
	return fault;
}

static void test_codes(void **state)
{
	char code[CERTIFICATE_CODE_SIZE], again[CERTIFICATE_CODE_SIZE];

	(void)state;
	certificate_code_make(0, code);
	assert_string_equal(code, "0000-0000-0000");
	certificate_code_make(UINT64_MAX, code);
	assert_int_equal(strncmp(code, "ZZZZ-ZZZZ-ZZ", 12), 0);
	certificate_code_make(0x1234567890abcull, code);
	assert_int_equal(certificate_code_parse(code, again), CERTIFICATE_FINE);
	assert_string_equal(code, again);
	/* The upper 14 bits are not in it. */
	certificate_code_make(0x1234567890abcull | 0xfffcull << 48, again);
	assert_string_equal(code, again);
}

static void test_code_spellings(void **state)
{
	char out[CERTIFICATE_CODE_SIZE];

	(void)state;
	assert_int_equal(code_fault("oOo0 0000 0ooo"), CERTIFICATE_FINE);
	assert_int_equal(certificate_code_parse("０００００００00000", out), CERTIFICATE_FINE);
	assert_string_equal(out, "0000-0000-0000");
	assert_int_equal(code_fault("0000-0000-0001"), CERTIFICATE_MISTYPED);
	assert_int_equal(code_fault("0000-0000-000i"), CERTIFICATE_MISTYPED);    /* read as 1 */
	assert_int_equal(code_fault("0000-0000-000"), CERTIFICATE_MALFORMED);
	assert_int_equal(code_fault("0000-0000-00000"), CERTIFICATE_MALFORMED);
	assert_int_equal(code_fault("0000-0000-000U"), CERTIFICATE_MALFORMED);
	assert_int_equal(code_fault("0000-0000-000Đ"), CERTIFICATE_MALFORMED);
	assert_int_equal(code_fault(""), CERTIFICATE_MALFORMED);
}

/* Every pair of wrong characters, and with it every exchange of two. */
static void test_code_slips(void **state)
{
	uint64_t seed = 2463534242u;

	(void)state;
	for (int n = 0; n < 6; n++) {
		char code[CERTIFICATE_CODE_SIZE], slip[CERTIFICATE_CODE_SIZE];

		certificate_code_make(next_random(&seed), code);
		for (size_t i = 0; i < sizeof(code) - 1; i++) {
			for (size_t k = 0; k <= i; k++) {
				if (code[i] == '-' || code[k] == '-')
					continue;
				for (int a = 0; a < 32; a++) {
					for (int b = 0; b < (i == k ? 1 : 32); b++) {
						strcpy(slip, code);
						slip[k] = letters[b];
						slip[i] = letters[a];
						assert_int_equal(code_fault(slip) == CERTIFICATE_FINE, strcmp(slip, code) == 0);
					}
				}
			}
		}
	}
}

/* ---- what it is worth ---- */

static void test_status(void **state)
{
	static const struct { int volume, redeemed; bool voided; enum certificate_status status; int balance; } rows[] = {
		{ 350, 0, false, CERTIFICATE_ISSUED, 350 },           { 350, 1, false, CERTIFICATE_PARTLY_REDEEMED, 349 },
		{ 350, 349, false, CERTIFICATE_PARTLY_REDEEMED, 1 },  { 350, 350, false, CERTIFICATE_REDEEMED, 0 },
		{ 350, 0, true, CERTIFICATE_VOID, 0 },                { 350, 100, true, CERTIFICATE_VOID, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct certificate_facts facts = { .volume_ml = rows[i].volume, .redeemed_ml = rows[i].redeemed,
							 .voided = rows[i].voided };

		assert_int_equal(certificate_status_of(&facts), rows[i].status);
		assert_int_equal(certificate_balance(&facts), rows[i].balance);
	}
}

static const struct date today = { 2026, 3, 20 }, yesterday = { 2026, 3, 19 }, before = { 2026, 3, 18 },
			 donated = { 2026, 3, 12 }, eve = { 2026, 3, 11 }, tomorrow = { 2026, 3, 21 };

static enum error_code claim_error(int redeemed, bool voided, int ml, struct date used_on, enum claim_source source,
				   const char **field)
{
	const struct certificate_facts facts = { .volume_ml = 350, .redeemed_ml = redeemed, .voided = voided,
						 .issued_on = donated, .donated_on = donated };
	static struct error err;

	error_clear(&err);
	bool fine = certificate_check_claim(&facts, ml, used_on, source, today, &err);

	assert_int_equal(fine, err.code == ERR_NONE);
	*field = err.nfields ? err.fields[0].code : "";
	return err.code;
}

static void test_claims(void **state)
{
	static const struct {
		int redeemed; bool voided; int ml; const struct date *on; enum claim_source source; enum error_code code;
		const char *field;
	} rows[] = {
		{ 0, false, 350, &today, CLAIM_ONLINE, ERR_NONE, "" },
		{ 0, false, 351, &today, CLAIM_ONLINE, ERR_INVALID_FIELD, "out_of_range" },
		{ 0, false, 1, &today, CLAIM_ONLINE, ERR_NONE, "" },
		{ 0, false, 0, &today, CLAIM_ONLINE, ERR_INVALID_FIELD, "out_of_range" },
		{ 0, false, -1, &today, CLAIM_PAPER, ERR_INVALID_FIELD, "out_of_range" },
		{ 100, false, 250, &today, CLAIM_ONLINE, ERR_NONE, "" },
		{ 101, false, 250, &today, CLAIM_ONLINE, ERR_OVERDRAWN, "" },
		{ 101, false, 250, &today, CLAIM_OFFLINE, ERR_NONE, "" },        /* kept, and the database says as what */
		{ 350, false, 350, &donated, CLAIM_PAPER, ERR_NONE, "" },
		{ 0, true, 1, &today, CLAIM_ONLINE, ERR_CERTIFICATE_VOID, "" },
		{ 0, true, 1, &today, CLAIM_PAPER, ERR_NONE, "" },
		{ 0, false, 1, &tomorrow, CLAIM_PAPER, ERR_INVALID_FIELD, "in_future" },
		{ 0, false, 1, &eve, CLAIM_PAPER, ERR_INVALID_FIELD, "before_donation" },
		{ 0, false, 1, &yesterday, CLAIM_ONLINE, ERR_NONE, "" },
		{ 0, false, 1, &before, CLAIM_ONLINE, ERR_INVALID_FIELD, "too_early" },
		{ 0, false, 1, &before, CLAIM_OFFLINE, ERR_NONE, "" },
	};
	const char *field;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(claim_error(rows[i].redeemed, rows[i].voided, rows[i].ml, *rows[i].on, rows[i].source, &field),
				 rows[i].code);
		assert_string_equal(field, rows[i].field);
	}
}

static enum error_code reversal_error(enum redemption_kind kind, bool answered, bool own)
{
	struct error err;

	error_clear(&err);
	bool fine = certificate_check_reversal(kind, answered, own, &err);

	assert_int_equal(fine, err.code == ERR_NONE);
	return err.code;
}

static enum error_code settle_error(int redeemed, enum redemption_kind kind, bool answered, int ml)
{
	const struct certificate_facts facts = { .volume_ml = 350, .redeemed_ml = redeemed };
	struct error err;

	error_clear(&err);
	bool fine = certificate_check_settle(&facts, kind, answered, ml, &err);

	assert_int_equal(fine, err.code == ERR_NONE);
	return err.code;
}

static void test_reversals(void **state)
{
	(void)state;
	assert_int_equal(reversal_error(REDEMPTION_USE, false, true), ERR_NONE);
	assert_int_equal(reversal_error(REDEMPTION_CLAIM, false, true), ERR_NONE);
	assert_int_equal(reversal_error(REDEMPTION_USE, true, true), ERR_REDEMPTION_SETTLED);
	assert_int_equal(reversal_error(REDEMPTION_REVERSAL, false, true), ERR_REDEMPTION_SETTLED);
	assert_int_equal(reversal_error(REDEMPTION_USE, false, false), ERR_FORBIDDEN);
	assert_int_equal(settle_error(100, REDEMPTION_CLAIM, false, 250), ERR_NONE);
	assert_int_equal(settle_error(101, REDEMPTION_CLAIM, false, 250), ERR_OVERDRAWN);
	assert_int_equal(settle_error(0, REDEMPTION_CLAIM, true, 250), ERR_REDEMPTION_SETTLED);
	assert_int_equal(settle_error(0, REDEMPTION_USE, false, 250), ERR_REDEMPTION_SETTLED);
}

static enum error_code donation_error(struct certificate_donation donation)
{
	struct error err;

	error_clear(&err);
	bool fine = certificate_check_donation(&donation, &err);

	assert_int_equal(fine, err.code == ERR_NONE);
	return err.code;
}

static enum error_code team_error(enum round_status status, struct date day, bool again)
{
	const struct date last = { 2026, 2, 26 };
	struct error err;

	error_clear(&err);
	bool fine = certificate_check_team_print(status, last, again, day, &err);

	assert_int_equal(fine, err.code == ERR_NONE);
	return err.code;
}

static void test_teams_and_phones(void **state)
{
	const struct date in_time = { 2026, 3, 5 }, late = { 2026, 3, 6 };
	struct error err;

	(void)state;
	assert_int_equal(team_error(ROUND_RUNNING, late, false), ERR_NONE);
	assert_int_equal(team_error(ROUND_CLOSED, in_time, false), ERR_NONE);
	assert_int_equal(team_error(ROUND_CLOSED, late, false), ERR_ILLEGAL_STEP);
	assert_int_equal(team_error(ROUND_OPEN, in_time, false), ERR_ILLEGAL_STEP);
	assert_int_equal(team_error(ROUND_CANCELLED, in_time, false), ERR_ILLEGAL_STEP);
	assert_int_equal(team_error(ROUND_RUNNING, in_time, true), ERR_FORBIDDEN);
	for (int status = ROUND_DRAFT; status < ROUND_STATUS_COUNT; status++) {
		error_clear(&err);
		assert_int_equal(certificate_check_phone((enum round_status)status, true, &err), status == ROUND_RUNNING);
		error_clear(&err);
		assert_false(certificate_check_phone((enum round_status)status, false, &err));
		assert_int_equal(err.code, ERR_FORBIDDEN);
	}
}

static void test_why_it_is_void(void **state)
{
	char words[] = CERTIFICATE_VOID_WORDS;

	(void)state;
	for (char *rest = words, *word; (word = strtok_r(rest, ", ", &rest)) != NULL;)
		assert_true(certificate_void_reason_valid(word));
	assert_false(certificate_void_reason_valid("wrong"));
	assert_false(certificate_void_reason_valid(""));
	assert_false(certificate_void_reason_valid(NULL));
}

static void test_donations(void **state)
{
	const struct certificate_donation fine = { .volume_ml = 1, .counts = true, .confirmed = true, .outcome = "completed" };
	struct certificate_donation other;

	(void)state;
	assert_int_equal(donation_error(fine), ERR_NONE);
	other = fine, other.outcome = "stopped";
	assert_int_equal(donation_error(other), ERR_NONE);
	other = fine, other.volume_ml = 0;
	assert_int_equal(donation_error(other), ERR_NOT_CERTIFIABLE);
	other = fine, other.outcome = "deferred";
	assert_int_equal(donation_error(other), ERR_NOT_CERTIFIABLE);
	other = fine, other.outcome = NULL;
	assert_int_equal(donation_error(other), ERR_NOT_CERTIFIABLE);
	other = fine, other.confirmed = false;
	assert_int_equal(donation_error(other), ERR_NOT_CERTIFIABLE);
	other = fine, other.counts = false;
	assert_int_equal(donation_error(other), ERR_NOT_CERTIFIABLE);
	other = fine, other.nameless = true;
	assert_int_equal(donation_error(other), ERR_NOT_CERTIFIABLE);
	other = fine, other.held = true;
	assert_int_equal(donation_error(other), ERR_NOT_CERTIFIABLE);
	other = fine, other.open = true;
	assert_int_equal(donation_error(other), ERR_NOT_CERTIFIABLE);
	other = fine, other.erased = true;
	assert_int_equal(donation_error(other), ERR_ERASED);
}

static void test_words_of_the_api(void **state)
{
	enum redemption_kind kind;
	enum claim_source source;

	(void)state;
	for (int i = 0; i < CLAIM_SOURCE_COUNT; i++) {
		assert_true(claim_source_parse(claim_source_text((enum claim_source)i), &source));
		assert_int_equal(source, i);
	}
	for (int i = 0; i < REDEMPTION_KIND_COUNT; i++) {
		assert_true(redemption_kind_parse(redemption_kind_text((enum redemption_kind)i), &kind));
		assert_int_equal(kind, i);
	}
	assert_false(claim_source_parse("fax", &source));
	assert_false(redemption_kind_parse("", &kind));
	assert_string_equal(certificate_status_text(CERTIFICATE_PARTLY_REDEEMED), "partly_redeemed");
}

/* ---- who holds it, and the paper ---- */

static void test_holder(void **state)
{
	const struct date born = { 1990, 2, 3 }, none = { 0 };

	(void)state;
	arena_init(&arena);
	assert_string_equal(certificate_holder_text("Lò Thị Mây", born, 1990, &arena), "lo thi may\x1f" "1990-02-03");
	assert_string_equal(certificate_holder_text("LO  THI\tMAY ", born, 0, &arena), "lo thi may\x1f" "1990-02-03");
	assert_string_equal(certificate_holder_text("Đèo Văn Ún", none, 1990, &arena), "deo van un\x1f" "1990");
	assert_null(certificate_holder_text(NULL, born, 1990, &arena));
	assert_null(certificate_holder_text(" - ", born, 1990, &arena));
	arena_release(&arena);
}

static void test_words(void **state)
{
	struct certificate_content content = {
		.number = { "LC", 2026, 123 }, .code = "0000-0000-0000", .name = "Lò Thị Mây", .address = "Xã Mường Than",
		.birth_date = { 1990, 2, 3 }, .birth_year = 1990, .volume_ml = 350, .component = COMPONENT_WHOLE_BLOOD,
		.donated_on = { 2026, 3, 12 }, .issued_on = { 2026, 3, 13 }, .place = "Nhà văn hóa xã", .issuer = "Hội",
		.issuer_place = "Lai Châu", .signer = "Trưởng ban",
	};
	const char *words[CERTIFICATE_FIELD_COUNT];
	enum certificate_field field;

	(void)state;
	arena_init(&arena);
	certificate_words(&content, false, &arena, words);
	assert_string_equal(words[FIELD_NUMBER], "Số: LC26-000123-B");
	assert_string_equal(words[FIELD_BIRTH], "03/02/1990");
	assert_string_equal(words[FIELD_VOLUME], "350 ml máu toàn phần");
	assert_string_equal(words[FIELD_BOXES], "☐ 250 ml   ☒ 350 ml   ☐ 450 ml   ☐ khác");
	assert_string_equal(words[FIELD_TICK_350], "X");
	assert_null(words[FIELD_TICK_250]);
	assert_null(words[FIELD_TICK_OTHER]);
	assert_string_equal(words[FIELD_ISSUED], "Lai Châu, ngày 13 tháng 03 năm 2026");
	assert_null(words[FIELD_COPY]);
	content.volume_ml = 349;
	content.birth_date = (struct date){ 0 };
	certificate_words(&content, true, &arena, words);
	assert_string_equal(words[FIELD_COPY], "BẢN SAO");
	assert_string_equal(words[FIELD_BIRTH], "1990");
	assert_string_equal(words[FIELD_TICK_OTHER], "X");
	assert_null(words[FIELD_TICK_350]);
	content.birth_year = 0;
	certificate_words(&content, false, &arena, words);
	assert_null(words[FIELD_BIRTH]);
	for (int i = 0; i < CERTIFICATE_FIELD_COUNT; i++) {
		assert_true(certificate_field_parse(certificate_field_text((enum certificate_field)i), &field));
		assert_int_equal(field, i);
	}
	assert_false(certificate_field_parse("nothing", &field));
	arena_release(&arena);
}

static void test_units_on_a_day(void **state)
{
	const struct date last = { 2025, 6, 30 }, first = { 2025, 7, 1 };
	struct unit_map *map = test_units();

	(void)state;
	arena_init(&arena);
	assert_string_equal(unit_words_on(map, "03618@pre-2025-07-01", last, &arena),
			    "Xã Phúc Than, huyện Than Uyên, tỉnh Lai Châu");
	/* The same code means another commune from the next day on. */
	assert_string_equal(unit_words_on(map, "03618@pre-2025-07-01", first, &arena), "Xã Mường Than, tỉnh Lai Châu");
	assert_string_equal(unit_words_on(map, "03618@2025-07-01", first, &arena), "Xã Mường Than, tỉnh Lai Châu");
	/* Of several communes it was made: none of them alone stands for it. */
	assert_string_equal(unit_words_on(map, "03618@2025-07-01", last, &arena), "Xã Mường Than, tỉnh Lai Châu");
	/* A district that ended has several communes in its place. */
	assert_string_equal(unit_words_on(map, "105@pre-2025-07-01", first, &arena), "Thành phố Lai Châu, tỉnh Lai Châu");
	assert_string_equal(unit_words_on(map, "12", first, &arena), "Tỉnh Lai Châu");
	assert_null(unit_words_on(map, "none", first, &arena));
	assert_null(unit_words_on(map, NULL, first, &arena));
	arena_release(&arena);
	unit_map_free(map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_number_forms),     cmocka_unit_test(test_number_spellings),
		cmocka_unit_test(test_number_slips),     cmocka_unit_test(test_issuers),
		cmocka_unit_test(test_codes),            cmocka_unit_test(test_code_spellings),
		cmocka_unit_test(test_code_slips),       cmocka_unit_test(test_status),
		cmocka_unit_test(test_claims),           cmocka_unit_test(test_reversals),
		cmocka_unit_test(test_teams_and_phones), cmocka_unit_test(test_why_it_is_void),
		cmocka_unit_test(test_donations),        cmocka_unit_test(test_words_of_the_api),
		cmocka_unit_test(test_holder),           cmocka_unit_test(test_words),
		cmocka_unit_test(test_units_on_a_day),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
