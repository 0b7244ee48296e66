#include "domain/identifier.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "domain/fold.h"

enum {
	CCCD_DIGITS = 12,
	CMND_DIGITS = 9,
	PASSPORT_MIN = 6,
	PASSPORT_MAX = 12,
	VALUE_MAX = 32,
	TYPED_MAX_BYTES = 1024,          /* before blanks and marks are taken away */
	ISSUER_MAX = 200,                /* code points; of at most 12 bytes when decomposed */
	ISSUER_MAX_BYTES = 12 * ISSUER_MAX,
	ISSUER_FOLDED_SIZE = 1024
};

static const char *const kind_texts[IDENTIFIER_KIND_COUNT] = {
	[IDENTIFIER_CCCD] = "cccd",
	[IDENTIFIER_CMND] = "cmnd",
	[IDENTIFIER_PASSPORT] = "passport",
	[IDENTIFIER_MILITARY] = "military",
	[IDENTIFIER_POLICE] = "police",
	[IDENTIFIER_DRIVING_LICENCE] = "driving_licence",
	[IDENTIFIER_WORK_CARD] = "work_card",
	[IDENTIFIER_STUDENT_CARD] = "student_card",
	[IDENTIFIER_DONOR_CARD] = "donor_card",
	[IDENTIFIER_LOCAL_PAPER] = "local_paper",
};

const char *identifier_kind_text(enum identifier_kind kind)
{
	return (unsigned)kind < IDENTIFIER_KIND_COUNT ? kind_texts[kind] : "unknown";
}

bool identifier_kind_parse(const char *text, enum identifier_kind *out)
{
	for (int i = 0; i < IDENTIFIER_KIND_COUNT; i++) {
		if (streq(kind_texts[i], text)) {
			*out = (enum identifier_kind)i;
			return true;
		}
	}
	return false;
}

bool identifier_needs_issuer(enum identifier_kind kind)
{
	return kind != IDENTIFIER_CCCD && kind != IDENTIFIER_CMND && kind != IDENTIFIER_PASSPORT;
}

bool identifier_is_unique(enum identifier_kind kind)
{
	return kind != IDENTIFIER_LOCAL_PAPER;
}

/* The texts say nothing of what was typed: these are personal data. False, as error_add_field(). */
#define FAULT(check, member, code, ...) \
	error_add_field((check)->err, arena_printf((check)->arena, "%s/" member, (check)->pointer), code, __VA_ARGS__)

struct check {
	const char   *pointer;
	struct arena *arena;
	struct error *err;
};

/* ---- the number ---- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_number_character(char c)
{
	return is_digit(c) || (c >= 'A' && c <= 'Z') || c == '/';
}

/* An eth is how old keyboards wrote Đ. */
static char plain_character(int32_t point)
{
	char c = point == 0xd0 || point == 0xf0 ? 'D' : fold_ascii(point);

	return (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
}

static bool refuse_character(const struct check *check)
{
	return FAULT(check, "value", "invalid_character", "The number of a paper has digits, letters and \"/\" only.",
		     "Số giấy tờ chỉ gồm chữ số, chữ cái và \"/\".");
}

static bool read_value(const char *typed, char out[VALUE_MAX + 1], const struct check *check)
{
	char plain[TYPED_MAX_BYTES + 1];
	const char *p = plain;
	size_t len = 0;

	if (strlen(typed) > TYPED_MAX_BYTES)
		return FAULT(check, "value", "too_long", "Shorten it to %d characters.", "Hãy rút gọn còn %d ký tự.",
			     VALUE_MAX);
	if (!text_strip_marks(typed, plain, sizeof(plain)))
		return refuse_character(check);
	while (*p) {
		char c = plain_character(text_next(&p));

		if (c == ' ' || c == '.' || c == '-')
			continue;
		if (!is_number_character(c))
			return refuse_character(check);
		if (len == VALUE_MAX)
			return FAULT(check, "value", "too_long", "Shorten it to %d characters.",
				     "Hãy rút gọn còn %d ký tự.", VALUE_MAX);
		out[len++] = c;
	}
	out[len] = '\0';
	return true;
}

static bool all_digits(const char *value)
{
	return value[strspn(value, "0123456789")] == '\0';
}

static bool check_digits(const char *value, size_t digits, const struct check *check)
{
	if (!all_digits(value))
		return FAULT(check, "value", "invalid_character", "A number of this kind has digits alone.",
			     "Số của loại giấy tờ này chỉ gồm chữ số.");
	if (strlen(value) == digits)
		return true;
	if (digits == CCCD_DIGITS)
		return FAULT(check, "value", "invalid_length",
			     "Give all 12 digits, zeros at the beginning too; with 9 digits it is a cmnd.",
			     "Hãy ghi đủ 12 chữ số, kể cả số 0 ở đầu; nếu có 9 chữ số thì là cmnd.");
	return FAULT(check, "value", "invalid_length", "Give all 9 digits, zeros at the beginning too.",
		     "Hãy ghi đủ 9 chữ số, kể cả số 0 ở đầu.");
}

static bool check_passport(const char *value, const struct check *check)
{
	size_t len = strlen(value);

	if (strchr(value, '/') || !strpbrk(value, "0123456789"))
		return FAULT(check, "value", "invalid_character", "A passport number has digits, and letters.",
			     "Số hộ chiếu gồm chữ số và chữ cái.");
	if (len < PASSPORT_MIN || len > PASSPORT_MAX)
		return FAULT(check, "value", "invalid_length", "A passport number has %d to %d characters.",
			     "Số hộ chiếu có từ %d đến %d ký tự.", PASSPORT_MIN, PASSPORT_MAX);
	return true;
}

static bool check_value(enum identifier_kind kind, const char *value, const struct check *check)
{
	if (value[strspn(value, "/")] == '\0')
		return FAULT(check, "value", "required", "Give the number of the paper.", "Hãy ghi số giấy tờ.");
	switch (kind) {
	case IDENTIFIER_CCCD:
		return check_digits(value, CCCD_DIGITS, check);
	case IDENTIFIER_CMND:
		return check_digits(value, CMND_DIGITS, check);
	case IDENTIFIER_PASSPORT:
		return check_passport(value, check);
	default:
		return true;
	}
}

/* Who types 12 digits for a cmnd or a passport has the newer card in hand. */
static bool take_value(struct identifier *identifier, const struct check *check)
{
	char value[VALUE_MAX + 1];

	if (!read_value(identifier->value ? identifier->value : "", value, check))
		return false;
	if (!identifier_needs_issuer(identifier->kind) && strlen(value) == CCCD_DIGITS && all_digits(value))
		identifier->kind = IDENTIFIER_CCCD;
	if (!check_value(identifier->kind, value, check))
		return false;
	identifier->value = arena_strdup(check->arena, value);
	return true;
}

/* ---- who gave it out ---- */

static bool take_issuer(struct identifier *identifier, const struct check *check)
{
	const char *typed = identifier->issuer ? identifier->issuer : "";
	const char *tidy = strlen(typed) <= ISSUER_MAX_BYTES ? fold_tidy(typed, check->arena) : typed;
	char folded[ISSUER_FOLDED_SIZE];

	if (!tidy)
		return FAULT(check, "issuer", "invalid_character", "Leave out what is not text.",
			     "Hãy bỏ những ký tự không phải chữ.");
	if (text_length(tidy) > ISSUER_MAX || !fold_words(tidy, folded, sizeof(folded)))
		return FAULT(check, "issuer", "too_long", "Shorten it to %d characters.", "Hãy rút gọn còn %d ký tự.",
			     ISSUER_MAX);
	if (!*folded && identifier_needs_issuer(identifier->kind))
		return FAULT(check, "issuer", "required", "Say who gave the paper out: others count from 1 too.",
			     "Hãy ghi nơi cấp: các nơi khác nhau có thể cấp trùng số.");
	identifier->issuer = *tidy ? tidy : NULL;
	return true;
}

bool identifier_normalise(struct identifier *identifier, const char *pointer, struct arena *arena,
			  struct error *err)
{
	const struct check check = { pointer, arena, err };
	struct identifier plain = *identifier;
	bool fine = take_value(&plain, &check);

	fine &= take_issuer(&plain, &check);
	if (fine)
		*identifier = plain;
	return fine;
}

/* ---- which number it is ---- */

/* Of a normalised one, for which the buffer is enough. */
static const char *folded_issuer(const struct identifier *identifier, char folded[ISSUER_FOLDED_SIZE])
{
	folded[0] = '\0';
	if (identifier_needs_issuer(identifier->kind) && identifier->issuer)
		fold_words(identifier->issuer, folded, ISSUER_FOLDED_SIZE);
	return folded;
}

const char *identifier_digest_text(const struct identifier *identifier, struct arena *arena, size_t *len)
{
	char folded[ISSUER_FOLDED_SIZE];
	const char *text = arena_printf(arena, "%s\x1f%s\x1f%s", identifier_kind_text(identifier->kind),
					folded_issuer(identifier, folded), identifier->value);

	*len = strlen(text);
	return text;
}

bool identifier_same(const struct identifier *a, const struct identifier *b)
{
	char one[ISSUER_FOLDED_SIZE], two[ISSUER_FOLDED_SIZE];

	return a->kind == b->kind && streq(a->value, b->value) &&
	       streq(folded_issuer(a, one), folded_issuer(b, two));
}

/* ---- what does not fit ---- */

/* The 63 provinces of before 1/7/2025: digits 2 and 3 of their codes, which all begin with 0. */
static bool is_province(const char *value)
{
	static const char codes[] =
		"01 02 04 06 08 10 11 12 14 15 17 19 20 22 24 25 26 27 30 31 33 34 35 36 37 38 40 42 44 45 46 48 "
		"49 51 52 54 56 58 60 62 64 66 67 68 70 72 74 75 77 79 80 82 83 84 86 87 89 91 92 93 94 95 96 ";
	const char code[] = { value[1], value[2], ' ', '\0' };

	return value[0] == '0' && strstr(codes, code);
}

unsigned identifier_doubts(const struct identifier *identifier, char sex, int birth_year)
{
	const char *value = identifier->value;
	unsigned doubts = 0;

	if (identifier->kind != IDENTIFIER_CCCD)
		return 0;
	/* Digit 4: even for men, odd for women, two more for each century after the 20th. */
	int sex_and_century = value[3] - '0';
	int year = (19 + sex_and_century / 2) * 100 + (value[4] - '0') * 10 + (value[5] - '0');

	if (!is_province(value))
		doubts |= IDENTIFIER_DOUBT_PROVINCE;
	if (sex && (sex == 'f') != (sex_and_century % 2 == 1))
		doubts |= IDENTIFIER_DOUBT_SEX;
	if (birth_year && birth_year != year)
		doubts |= IDENTIFIER_DOUBT_BIRTH_YEAR;
	return doubts;
}
