#include "domain/certificate.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "domain/fold.h"

/* ---- the number ---- */

static const char checks[] = "23456789ABCDEFGHKMNPQRSTVWXYZ";
enum { CHECK_BASE = sizeof(checks) - 1, TYPED_MAX = 24, YEAR_DIGITS = 2, ORDINAL_DIGITS = 6, ORDINAL_DIGITS_MAX = 7 };

_Static_assert(CHECK_BASE == 29, "a prime: see certificate.h");
_Static_assert(ISSUER_CODE_MAX + YEAR_DIGITS + ORDINAL_DIGITS_MAX + 1 < CHECK_BASE, "all weights differ");

bool issuer_code_valid(const char *code)
{
	size_t len = strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");

	return len >= ISSUER_CODE_MIN && len <= ISSUER_CODE_MAX && code[len] == '\0';
}

/* The check character weighs 1, what stands before it 2, 3, ...; the weighted sum is 0 modulo 29. */
static char check_of(const char *body)
{
	unsigned sum = 0, weight = (unsigned)strlen(body) + 1;

	for (; *body; body++, weight--)
		sum += weight * (unsigned)(*body >= 'A' ? *body - 'A' : *body - '0');
	return checks[(CHECK_BASE - sum % CHECK_BASE) % CHECK_BASE];
}

char *certificate_number_format(const struct certificate_number *number, char out[CERTIFICATE_NUMBER_SIZE])
{
	char body[CERTIFICATE_NUMBER_SIZE];
	unsigned year = (unsigned)number->year % 100, ordinal = (unsigned)number->ordinal % 10000000u;

	snprintf(body, sizeof(body), "%.4s%02u%06u", number->issuer, year, ordinal);
	snprintf(out, CERTIFICATE_NUMBER_SIZE, "%.4s%02u-%06u-%c", number->issuer, year, ordinal, check_of(body));
	return out;
}

/* What was typed without dashes and blanks, in capitals; false: another character in it, or too many. */
static bool squeeze(const char *typed, char out[TYPED_MAX])
{
	size_t len = 0;

	while (*typed) {
		char c = fold_ascii(text_next(&typed));

		if (c == ' ' || c == '-')
			continue;
		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z')) || len + 1 == TYPED_MAX)
			return false;
		out[len++] = c;
	}
	out[len] = '\0';
	return true;
}

enum certificate_fault certificate_number_parse(const char *typed, struct certificate_number *out)
{
	char text[TYPED_MAX], check;
	long year = 0, ordinal = 0;

	memset(out, 0, sizeof(*out));
	if (!squeeze(typed, text))
		return CERTIFICATE_MALFORMED;
	size_t letters = strcspn(text, "0123456789"), len = strlen(text);
	size_t digits = len > letters ? len - letters - 1 : 0;

	if (letters < ISSUER_CODE_MIN || letters > ISSUER_CODE_MAX || digits < YEAR_DIGITS + ORDINAL_DIGITS ||
	    digits > YEAR_DIGITS + ORDINAL_DIGITS_MAX || strspn(text + letters, "0123456789") < digits ||
	    (digits > YEAR_DIGITS + ORDINAL_DIGITS && text[letters + 2] == '0'))
		return CERTIFICATE_MALFORMED;
	check = text[len - 1];
	text[len - 1] = '\0';
	if (!strchr(checks, check) || !text_to_int(text + letters + YEAR_DIGITS, 1, CERTIFICATE_ORDINAL_MAX, &ordinal))
		return CERTIFICATE_MALFORMED;
	if (check != check_of(text))
		return CERTIFICATE_MISTYPED;
	text[letters + YEAR_DIGITS] = '\0';
	if (!text_to_int(text + letters, 0, 99, &year))
		return CERTIFICATE_MALFORMED;
	memcpy(out->issuer, text, letters);
	out->year = CERTIFICATE_YEAR_MIN + (int)year;
	out->ordinal = (int)ordinal;
	return CERTIFICATE_FINE;
}

/* ---- the code ---- */

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
enum { CODE_DATA = CERTIFICATE_CODE_BITS / 5, CODE_GROUP = 4, FIELD_ORDER = 32, FIELD_POLYNOMIAL = 0x25 };

_Static_assert(sizeof(alphabet) - 1 == FIELD_ORDER, "five bits a character");

/* In GF(2^5), reduced by x^5 + x^2 + 1; x (2) generates all that is not 0. */
static unsigned times(unsigned a, unsigned b)
{
	unsigned product = 0;

	for (; b; b >>= 1) {
		if (b & 1)
			product ^= a;
		a <<= 1;
		if (a & FIELD_ORDER)
			a ^= FIELD_POLYNOMIAL;
	}
	return product;
}

static unsigned inverse(unsigned a)
{
	unsigned power = a;

	for (int i = 0; i < FIELD_ORDER - 3; i++)        /* a^30 */
		power = times(power, a);
	return power;
}

/* The sum of the first `count` values, and that of each times x to its place. */
static void code_sums(const unsigned *values, size_t count, unsigned *plain, unsigned *placed)
{
	unsigned x = 1;

	*plain = *placed = 0;
	for (size_t i = 0; i < count; i++, x = times(x, 2)) {
		*plain ^= values[i];
		*placed ^= times(values[i], x);
	}
}

static unsigned power_of_x(size_t place)
{
	unsigned x = 1;

	while (place-- > 0)
		x = times(x, 2);
	return x;
}

static void code_write(const unsigned values[CERTIFICATE_CODE_CHARACTERS], char out[CERTIFICATE_CODE_SIZE])
{
	char *to = out;

	for (size_t i = 0; i < CERTIFICATE_CODE_CHARACTERS; i++) {
		if (i > 0 && i % CODE_GROUP == 0)
			*to++ = '-';
		*to++ = alphabet[values[i]];
	}
	*to = '\0';
}

void certificate_code_make(uint64_t random, char out[CERTIFICATE_CODE_SIZE])
{
	unsigned values[CERTIFICATE_CODE_CHARACTERS], plain, placed;
	unsigned first = power_of_x(CODE_DATA), second = power_of_x(CODE_DATA + 1);

	for (size_t i = 0; i < CODE_DATA; i++)
		values[i] = (unsigned)(random >> (5 * (CODE_DATA - 1 - i))) & (FIELD_ORDER - 1);
	code_sums(values, CODE_DATA, &plain, &placed);
	/* Both sums over all twelve are 0. */
	values[CODE_DATA + 1] = times(placed ^ times(first, plain), inverse(first ^ second));
	values[CODE_DATA] = plain ^ values[CODE_DATA + 1];
	code_write(values, out);
}

static char read_as(char c)
{
	if (c == 'O')
		return '0';
	return c == 'I' || c == 'L' ? '1' : c;
}

enum certificate_fault certificate_code_parse(const char *typed, char out[CERTIFICATE_CODE_SIZE])
{
	unsigned values[CERTIFICATE_CODE_CHARACTERS], plain, placed;
	char text[TYPED_MAX];

	out[0] = '\0';
	if (!squeeze(typed, text) || strlen(text) != CERTIFICATE_CODE_CHARACTERS)
		return CERTIFICATE_MALFORMED;
	for (size_t i = 0; i < CERTIFICATE_CODE_CHARACTERS; i++) {
		const char *place = strchr(alphabet, read_as(text[i]));

		if (!place)
			return CERTIFICATE_MALFORMED;
		values[i] = (unsigned)(place - alphabet);
	}
	code_sums(values, CERTIFICATE_CODE_CHARACTERS, &plain, &placed);
	if (plain || placed)
		return CERTIFICATE_MISTYPED;
	code_write(values, out);
	return CERTIFICATE_FINE;
}

/* ---- words of the API ---- */

static const char *const statuses[CERTIFICATE_STATUS_COUNT] = {
	[CERTIFICATE_ISSUED] = "issued", [CERTIFICATE_PARTLY_REDEEMED] = "partly_redeemed",
	[CERTIFICATE_REDEEMED] = "redeemed", [CERTIFICATE_VOID] = "void",
};
static const char *const sources[CLAIM_SOURCE_COUNT] = {
	[CLAIM_ONLINE] = "online", [CLAIM_OFFLINE] = "offline", [CLAIM_PAPER] = "paper",
};
static const char *const redemption_kinds[REDEMPTION_KIND_COUNT] = {
	[REDEMPTION_USE] = "use", [REDEMPTION_CLAIM] = "claim", [REDEMPTION_REVERSAL] = "reversal",
};

static bool find_word(const char *const *words, int count, const char *text, int *out)
{
	for (int i = 0; i < count; i++) {
		if (streq(words[i], text)) {
			*out = i;
			return true;
		}
	}
	return false;
}

const char *certificate_status_text(enum certificate_status status)
{
	return (unsigned)status < CERTIFICATE_STATUS_COUNT ? statuses[status] : "unknown";
}

const char *claim_source_text(enum claim_source source)
{
	return (unsigned)source < CLAIM_SOURCE_COUNT ? sources[source] : "unknown";
}

bool claim_source_parse(const char *text, enum claim_source *out)
{
	int found;

	if (!find_word(sources, CLAIM_SOURCE_COUNT, text, &found))
		return false;
	*out = (enum claim_source)found;
	return true;
}

const char *redemption_kind_text(enum redemption_kind kind)
{
	return (unsigned)kind < REDEMPTION_KIND_COUNT ? redemption_kinds[kind] : "unknown";
}

bool redemption_kind_parse(const char *text, enum redemption_kind *out)
{
	int found;

	if (!find_word(redemption_kinds, REDEMPTION_KIND_COUNT, text, &found))
		return false;
	*out = (enum redemption_kind)found;
	return true;
}

/* ---- what it is worth ---- */

enum certificate_status certificate_status_of(const struct certificate_facts *facts)
{
	if (facts->voided)
		return CERTIFICATE_VOID;
	if (facts->redeemed_ml <= 0)
		return CERTIFICATE_ISSUED;
	return facts->redeemed_ml < facts->volume_ml ? CERTIFICATE_PARTLY_REDEEMED : CERTIFICATE_REDEEMED;
}

int certificate_balance(const struct certificate_facts *facts)
{
	int left = facts->volume_ml - facts->redeemed_ml;

	return facts->voided || left < 0 ? 0 : left;
}

bool certificate_void_reason_valid(const char *word)
{
	static const char *const words[] = { "wrong_person", "wrong_name", "wrong_birth_date", "wrong_address", "wrong_volume",
					     "wrong_date", "duplicate", "not_given", "other" };
	int found;

	return find_word(words, ARRAY_SIZE(words), word, &found);
}

bool claim_is_late(enum claim_source source)
{
	return source != CLAIM_ONLINE;
}

static bool check_void(const struct certificate_facts *facts, struct error *err)
{
	if (!facts->voided)
		return true;
	return error_set(err, ERR_CERTIFICATE_VOID, "This certificate is void: nothing can be redeemed with it.",
			 "Giấy chứng nhận này đã bị hủy: không sử dụng được nữa.");
}

static bool check_balance(const struct certificate_facts *facts, int ml, struct error *err)
{
	int left = certificate_balance(facts);

	if (ml <= left)
		return true;
	return error_set(err, ERR_OVERDRAWN, "Only %d ml are left on this certificate. Nothing was redeemed.",
			 "Giấy chứng nhận này chỉ còn %d ml. Chưa ghi nhận sử dụng.", left);
}

bool certificate_check_claim(const struct certificate_facts *facts, int ml, struct date used_on, enum claim_source source,
			     struct date today, struct error *err)
{
	if (ml < 1 || ml > facts->volume_ml)
		error_add_field(err, "/ml", "out_of_range", "Write a number from 1 to %d, the volume of the certificate.",
				"Viết một số từ 1 đến %d là lượng máu ghi trên giấy.", facts->volume_ml);
	if (date_compare(used_on, today) > 0)
		error_add_field(err, "/used_on", "in_future", "The day of the transfusion is not in the future.",
				"Ngày truyền máu không thể ở tương lai.");
	else if (date_compare(used_on, facts->donated_on) < 0)
		error_add_field(err, "/used_on", "before_donation", "The day of the transfusion is not before the donation.",
				"Ngày truyền máu không thể trước ngày hiến máu.");
	else if (!claim_is_late(source) && date_compare(used_on, date_add_days(today, -1)) < 0)
		error_add_field(err, "/used_on", "too_early",
				"Online means today or yesterday. For an earlier day say source: offline or paper.",
				"Trực tuyến là hôm nay hoặc hôm qua. Với ngày trước đó, hãy ghi source: offline hoặc paper.");
	if (err->code != ERR_NONE)
		return false;
	return claim_is_late(source) || (check_void(facts, err) && check_balance(facts, ml, err));
}

bool certificate_check_reversal(enum redemption_kind kind, bool answered, bool own, struct error *err)
{
	if (kind == REDEMPTION_REVERSAL)
		return error_set(err, ERR_REDEMPTION_SETTLED,
				 "A reversal is not taken back. Enter the redemption anew instead.",
				 "Không hủy một lần hoàn lại. Hãy nhập lại lần sử dụng.");
	if (answered)
		return error_set(err, ERR_REDEMPTION_SETTLED, "This entry was settled or taken back before.",
				 "Mục này đã được xử lý hoặc hoàn lại trước đó.");
	if (!own)
		return error_set(err, ERR_FORBIDDEN, "Only who entered a redemption, or an admin, takes it back.",
				 "Chỉ nơi đã nhập hoặc quản trị viên mới được hoàn lại lần sử dụng này.");
	return true;
}

bool certificate_check_settle(const struct certificate_facts *facts, enum redemption_kind kind, bool answered, int ml,
			      struct error *err)
{
	if (kind != REDEMPTION_CLAIM || answered)
		return error_set(err, ERR_REDEMPTION_SETTLED, "This entry waits for nobody: it counts already or was settled.",
				 "Mục này không chờ xử lý: đã được tính hoặc đã giải quyết.");
	return check_void(facts, err) && check_balance(facts, ml, err);
}

bool certificate_check_donation(const struct certificate_donation *donation, struct error *err)
{
	const char *en, *vi;

	if (donation->erased)
		return error_set(err, ERR_ERASED, "The personal data of this donor has been erased: nothing can be printed.",
				 "Dữ liệu cá nhân của người này đã được xóa: không thể in giấy.");
	if (!donation->counts) {
		en = "This donation does not count: it was corrected, or a person decided so. Use the one that replaced it.";
		vi = "Lần hiến này không được tính: đã được đính chính hoặc bị loại. Hãy dùng bản ghi thay thế.";
	} else if (!donation->confirmed) {
		en = "The donation was only told by the donor: certificates are for donations of our own rounds.";
		vi = "Lần hiến này chỉ do người hiến khai: chỉ cấp giấy cho lần hiến tại các đợt của mình.";
	} else if (donation->held || donation->open) {
		en = "Something about this donation waits for a person to decide. Decide about it first.";
		vi = "Lần hiến này còn điểm chờ người xem xét. Hãy xử lý trước.";
	} else if (donation->nameless) {
		en = "Nobody knows the donor's name yet. Enter it first, or merge the record with that of the person.";
		vi = "Chưa rõ họ tên người hiến. Hãy nhập họ tên trước, hoặc gộp với hồ sơ của người đó.";
	} else if (donation->volume_ml < 1 ||
		   !(streq(donation->outcome, "completed") || streq(donation->outcome, "stopped"))) {
		en = "Nothing was given, or the volume is not known. Enter it first.";
		vi = "Chưa có lượng máu hiến hoặc chưa rõ thể tích. Hãy nhập trước.";
	} else {
		return true;
	}
	return error_set(err, ERR_NOT_CERTIFIABLE, "%1$s%2$.0s", "%2$s%1$.0s", en, vi);
}

bool certificate_check_team_print(enum round_status status, struct date last_day, bool again, struct date today, struct error *err)
{
	if (again)
		return error_set(err, ERR_FORBIDDEN, "Copies are printed by the office: ask the staff.",
				 "Bản sao do văn phòng in: hãy đề nghị cán bộ văn phòng.");
	if (status == ROUND_RUNNING ||
	    (status == ROUND_CLOSED && date_compare(today, date_add_days(last_day, CERTIFICATE_TEAM_DAYS)) <= 0))
		return true;
	return error_set(err, ERR_ILLEGAL_STEP,
			 "A team prints while its round runs, and for %d days after. Ask the staff to print the others.",
			 "Đội chỉ in khi đợt đang diễn ra và trong %d ngày sau đó. Các giấy khác hãy đề nghị cán bộ văn phòng in.",
			 CERTIFICATE_TEAM_DAYS);
}

bool certificate_check_phone(enum round_status status, bool issues, struct error *err)
{
	if (issues && status == ROUND_RUNNING)
		return true;
	return error_set(err, ERR_FORBIDDEN, "A phone issues the certificates of the round that runs, and nothing else.",
			 "Điện thoại chỉ cấp giấy chứng nhận cho đợt đang diễn ra, không làm việc khác.");
}

/* ---- who holds it ---- */

const char *certificate_holder_text(const char *name, struct date birth_date, int birth_year, struct arena *arena)
{
	size_t size = name ? 4 * strlen(name) + 8 : 0;
	char born[DATE_TEXT_SIZE], *folded;

	if (!name)
		return NULL;
	folded = arena_alloc(arena, size);
	if (!fold_words(name, folded, size) || !*folded)
		return NULL;
	if (date_is_none(birth_date))
		snprintf(born, sizeof(born), "%04d", birth_year >= 0 && birth_year <= 9999 ? birth_year : 0);
	else
		date_format(birth_date, born);
	return arena_printf(arena, "%s\x1f%s", folded, born);
}
