#include <utf8proc.h>

#include "base/memory.h"
#include "domain/bag_code.h"
#include "domain/donor_number.h"
#include "domain/identifier.h"
#include "domain/person_name.h"
#include "domain/phone.h"
#include "fuzz/fuzz.h"

/*
 * What is typed of a person, by its first byte: i (then the kind, the issuer, an end of line, the number), p (a phone),
 * n (a name), d (8 bytes of which a donor number is made, a place and a character for a slip, a typed one), b (a bag code).
 *
 * Oracle: what is taken is well formed, the same again when it is taken again, and the same composed, decomposed,
 * and in full-width characters, down to the text that is digested: else a donor is not found again. What one spelling
 * is refused for, all are. A name's words are the same in capitals and with d for đ. One slip in a donor number is found.
 */

/* Beyond it a spelling may be too long of which another is not: sizes are limited before marks are looked at. */
enum { SAME_FATE_MAX = 300 };

static struct arena arena;

/* ---- the same in other characters ---- */

enum spelling { COMPOSED, DECOMPOSED, WIDE, SPELLINGS };

/* Full-width forms of what is visible in ASCII; other bytes as they are. */
static char *widen(const char *text)
{
	char *wide = arena_alloc(&arena, 3 * strlen(text) + 1), *to = wide;

	for (; *text; text++) {
		if (*text > ' ' && *text < 0x7f) {
			int32_t point = *text - '!' + 0xff01;

			*to++ = (char)(0xe0 | point >> 12);
			*to++ = (char)(0x80 | (point >> 6 & 0x3f));
			*to++ = (char)(0x80 | (point & 0x3f));
		} else {
			*to++ = *text;
		}
	}
	return wide;
}

static const char *spell(const char *text, enum spelling spelling)
{
	const utf8proc_uint8_t *bytes = (const utf8proc_uint8_t *)text;
	utf8proc_uint8_t *made;

	if (!text_valid_utf8(text, strlen(text)) || strlen(text) > SAME_FATE_MAX)
		return text;
	if (spelling == WIDE)
		return widen(text);
	made = spelling == COMPOSED ? utf8proc_NFC(bytes) : utf8proc_NFD(bytes);
	const char *copy = made ? arena_strdup(&arena, (const char *)made) : text;

	free(made);
	return copy;
}

static char *replace(const char *text, const char *what, const char *with)
{
	char *made = arena_strdup(&arena, text), *at = made;

	while ((at = strstr(at, what)) != NULL) {
		memmove(at + strlen(with), at + strlen(what), strlen(at + strlen(what)) + 1);
		memcpy(at, with, strlen(with));
		at += strlen(with);
	}
	return made;
}

static void turn_case(char *text)
{
	for (; *text; text++)
		if ((*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z'))
			*text = (char)(*text ^ 0x20);
}

static void check_end(bool fine, const struct error *err)
{
	FUZZ_CHECK(fine == (err->code == ERR_NONE), "%s", error_slug(err->code));
	if (!fine)
		fuzz_check_refusal(err);
}

/* ---- identifiers ---- */

static bool take_identifier(struct identifier *identifier)
{
	const struct identifier before = *identifier;
	struct error err;

	error_clear(&err);
	bool fine = identifier_normalise(identifier, "/identifiers/0", &arena, &err);

	check_end(fine, &err);
	if (!fine)
		FUZZ_CHECK(memcmp(identifier, &before, sizeof(before)) == 0, "changed though refused");
	return fine;
}

static void check_identifier(const struct identifier *identifier)
{
	const char *value = identifier->value;
	size_t len = strlen(value), digits = strspn(value, "0123456789");

	FUZZ_CHECK(len > 0 && len <= 32, "%s", value);
	FUZZ_CHECK(value[strspn(value, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ/")] == '\0', "%s", value);
	FUZZ_CHECK(identifier->kind != IDENTIFIER_CCCD || (len == 12 && digits == 12), "%s", value);
	FUZZ_CHECK(identifier->kind != IDENTIFIER_CMND || (len == 9 && digits == 9), "%s", value);
	FUZZ_CHECK(identifier->issuer || !identifier_needs_issuer(identifier->kind), "no issuer");
	if (identifier->issuer)
		FUZZ_CHECK(text_valid_utf8(identifier->issuer, strlen(identifier->issuer)), "%s", identifier->issuer);
	unsigned doubts = identifier_doubts(identifier, 'f', 1990), others = identifier_doubts(identifier, 'm', 1990);

	FUZZ_CHECK(identifier->kind == IDENTIFIER_CCCD ? (doubts ^ others) == IDENTIFIER_DOUBT_SEX : !(doubts | others),
		   "%s: %u, %u", value, doubts, others);
	FUZZ_CHECK(!(identifier_doubts(identifier, 0, 0) & ~(unsigned)IDENTIFIER_DOUBT_PROVINCE), "%s", value);
}

static void check_same_identifier(const struct identifier *a, const struct identifier *b)
{
	size_t alen, blen;
	const char *atext = identifier_digest_text(a, &arena, &alen), *btext = identifier_digest_text(b, &arena, &blen);

	FUZZ_CHECK(alen == strlen(atext) && alen == blen && streq(atext, btext), "\"%s\" and \"%s\"", atext, btext);
	FUZZ_CHECK(identifier_same(a, b) && text_valid_utf8(atext, alen), "%s", atext);
}

static void try_identifier(enum identifier_kind kind, const char *issuer, const char *value)
{
	struct identifier typed = { kind, issuer, value };
	bool fine = take_identifier(&typed);

	if (fine) {
		struct identifier again = typed;

		check_identifier(&typed);
		FUZZ_CHECK(take_identifier(&again), "%s is refused the second time", typed.value);
		FUZZ_CHECK(again.kind == typed.kind && streq(again.value, typed.value) && streq(again.issuer, typed.issuer),
			   "%s, %s", typed.value, again.value);
	}
	for (int i = 0; i < SPELLINGS; i++) {
		struct identifier other = { kind, spell(issuer, (enum spelling)i), spell(value, (enum spelling)i) };

		/* Wide letters have twice and three times the bytes of which an issuer may have so many. */
		if (i == WIDE)
			other.issuer = issuer;
		FUZZ_CHECK(take_identifier(&other) == fine, "spelling %d of \"%s\", \"%s\"", i, issuer, value);
		if (fine)
			check_same_identifier(&typed, &other);
	}
}

static void identifier_of(char *rest)
{
	enum identifier_kind kind = (enum identifier_kind)((unsigned char)(*rest ? *rest++ : 0) % IDENTIFIER_KIND_COUNT);
	char *issuer = strsep(&rest, "\n");

	try_identifier(kind, issuer, rest ? rest : "");
}

/* ---- phones ---- */

static void phone_of(const char *typed)
{
	char phone[PHONE_TEXT_SIZE], again[PHONE_TEXT_SIZE], shown[PHONE_TEXT_SIZE + 4];
	bool fine = phone_normalise(typed, phone);

	FUZZ_CHECK(fine == (*phone != '\0'), "%s", phone);
	for (int i = 0; i < SPELLINGS; i++) {
		FUZZ_CHECK(phone_normalise(spell(typed, (enum spelling)i), again) == fine, "spelling %d of %s", i, typed);
		FUZZ_CHECK(streq(again, phone), "%s and %s", again, phone);
	}
	if (!fine)
		return;
	size_t len = strlen(phone);

	FUZZ_CHECK(len >= 8 && len <= 16 && phone[0] == '+' && phone[1] != '0', "%s", phone);
	FUZZ_CHECK(strspn(phone + 1, "0123456789") == len - 1, "%s", phone);
	FUZZ_CHECK(phone_normalise(phone, again) && streq(again, phone), "%s and %s", again, phone);
	phone_format(phone, shown);
	FUZZ_CHECK(phone_normalise(shown, again) && streq(again, phone), "%s shown as %s", phone, shown);
	FUZZ_CHECK(!phone_is_mobile(phone) || len == 12, "%s", phone);
}

/* ---- names ---- */

static bool take_name(const char **name)
{
	const char *before = *name;
	struct error err;

	error_clear(&err);
	bool fine = person_name_clean(name, "/name", &arena, &err);

	check_end(fine, &err);
	FUZZ_CHECK(fine || *name == before, "changed though refused");
	return fine;
}

static void check_words(const char *name, const char *const *words, size_t count)
{
	FUZZ_CHECK(count > 0 && count <= PERSON_NAME_WORDS_MAX, "%zu words in \"%s\"", count, name);
	for (size_t i = 0; i < count; i++) {
		size_t len;
		const char *digested = person_name_digest_text(1990, words[i], &arena, &len);

		FUZZ_CHECK(*words[i] && !strpbrk(words[i], " \x1f"), "\"%s\"", words[i]);
		FUZZ_CHECK(text_valid_utf8(words[i], strlen(words[i])), "\"%s\"", words[i]);
		FUZZ_CHECK(i == 0 || strcmp(words[i - 1], words[i]) < 0, "\"%s\", \"%s\"", words[i - 1], words[i]);
		FUZZ_CHECK(len == strlen(words[i]) + 5 && text_starts_with(digested, "1990\x1f"), "%s", digested);
	}
}

static void check_same_words(const char *other, const char *const *words, size_t count)
{
	const char *theirs[PERSON_NAME_WORDS_MAX];

	FUZZ_CHECK(person_name_words(other, &arena, theirs) == count, "\"%s\" has not %zu words", other, count);
	for (size_t i = 0; i < count; i++)
		FUZZ_CHECK(streq(theirs[i], words[i]), "\"%s\" and \"%s\"", theirs[i], words[i]);
}

static void check_name(const char *name)
{
	const char *words[PERSON_NAME_WORDS_MAX], *again = name;
	size_t len = strlen(name), count = person_name_words(name, &arena, words);
	char *composed = arena_alloc(&arena, len + 1);

	FUZZ_CHECK(text_valid_utf8(name, len) && text_length(name) <= PERSON_NAME_MAX, "%s", name);
	FUZZ_CHECK(text_compose(name, composed, len + 1) && streq(name, composed), "\"%s\" is not composed", name);
	FUZZ_CHECK(take_name(&again) && streq(again, name), "\"%s\" and \"%s\"", again, name);
	check_words(name, words, count);
	turn_case(composed);
	check_same_words(composed, words, count);
	check_same_words(replace(replace(name, "đ", "d"), "Đ", "D"), words, count);
	check_same_words(replace(replace(name, "ð", "đ"), "Ð", "Đ"), words, count);
	check_same_words(spell(name, WIDE), words, count);
}

static void name_of(const char *typed)
{
	const char *name = typed;
	bool fine = take_name(&name);

	if (fine)
		check_name(name);
	for (int i = 0; i < WIDE; i++) {
		const char *other = spell(typed, (enum spelling)i);

		FUZZ_CHECK(take_name(&other) == fine, "spelling %d of \"%s\"", i, typed);
		FUZZ_CHECK(!fine || streq(other, name), "\"%s\" and \"%s\"", other, name);
	}
}

/* ---- donor numbers ---- */

static void number_of(const uint8_t *data, size_t size)
{
	static const char alphabet[] = "23456789ABCDEFGHKMNPQRSTVWXYZ";
	char number[DONOR_NUMBER_SIZE], again[DONOR_NUMBER_SIZE];
	uint64_t random = 0;

	for (int i = 0; i < 8; i++)
		random = random << 8 | fuzz_byte(&data, &size);
	unsigned place = fuzz_byte(&data, &size) % (DONOR_NUMBER_SIZE - 1), slip = fuzz_byte(&data, &size);

	donor_number_make(random, number);
	FUZZ_CHECK(donor_number_parse(number, again) == DONOR_NUMBER_FINE && streq(again, number), "%s", number);
	char right = number[place];

	if (right != '-') {
		number[place] = alphabet[slip % (sizeof(alphabet) - 1)];
		FUZZ_CHECK((donor_number_parse(number, again) == DONOR_NUMBER_MISTYPED) == (number[place] != right), "%s", number);
	}
	char *typed = fuzz_rest(data, size);
	enum donor_number_fault fault = donor_number_parse(typed, number);

	FUZZ_CHECK((fault == DONOR_NUMBER_FINE) == (strlen(number) == DONOR_NUMBER_SIZE - 1), "%s", number);
	if (fault == DONOR_NUMBER_FINE)
		FUZZ_CHECK(donor_number_parse(number, again) == DONOR_NUMBER_FINE && streq(again, number), "%s", number);
	for (int i = 0; i < SPELLINGS; i++)
		FUZZ_CHECK(donor_number_parse(spell(typed, (enum spelling)i), again) == fault && streq(again, number), "%s", typed);
	turn_case(typed);
	FUZZ_CHECK(donor_number_parse(typed, again) == fault && streq(again, number), "%s", typed);
	free(typed);
}

/* ---- bag codes ---- */

/* In one form whatever case and blanks it comes in; of an ISBT number the check character behind it fits, or it is doubtful. */
static void bag_of(char *typed)
{
	struct bag_code code, again;
	char *spaced = arena_alloc(&arena, 2 * strlen(typed) + 1), *to = spaced;
	bool fine = bag_code_parse(typed, &code);

	FUZZ_CHECK(fine == (code.text[0] != '\0'), "%s", typed);
	for (const char *p = typed; *p; p++) {
		*to++ = *p;
		*to++ = ' ';
	}
	FUZZ_CHECK(bag_code_parse(spaced, &again) == fine && streq(again.text, code.text), "%s", typed);
	turn_case(typed);
	FUZZ_CHECK(bag_code_parse(typed, &again) == fine && streq(again.text, code.text), "%s", typed);
	if (!fine)
		return;
	FUZZ_CHECK(strlen(code.text) <= BAG_CODE_MAX, "%s", code.text);
	for (const char *p = code.text; *p; p++)
		FUZZ_CHECK(*p > ' ' && *p < 0x7f && !(*p >= 'a' && *p <= 'z'), "%s", code.text);
	FUZZ_CHECK(bag_code_parse(code.text, &again) && streq(again.text, code.text) && again.doubtful == code.doubtful, "%s", code.text);
	if (code.is_din && !code.doubtful)
		FUZZ_CHECK(strlen(code.text) == BAG_CODE_DIN_LENGTH && bag_code_check_value(code.text) >= 0, "%s", code.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned what = fuzz_byte(&data, &size);
	char *rest = fuzz_rest(data, size);

	arena_init(&arena);
	switch (what) {
	case 'i':
		identifier_of(rest);
		break;
	case 'p':
		phone_of(rest);
		break;
	case 'n':
		name_of(rest);
		break;
	case 'd':
		number_of(data, size);
		break;
	case 'b':
		bag_of(rest);
		break;
	default:
		break;
	}
	arena_release(&arena);
	free(rest);
	return 0;
}
