#include "domain/donor.h"

#include <stdio.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "domain/unit.h"

enum { AGE_MAX = 120 };

static const char *const sex_texts[] = {
	[DONOR_SEX_UNKNOWN] = NULL,
	[DONOR_FEMALE] = "female",
	[DONOR_MALE] = "male",
};

static const char *const abo_texts[] = {
	[ABO_UNKNOWN] = NULL, [ABO_O] = "O", [ABO_A] = "A", [ABO_B] = "B", [ABO_AB] = "AB",
};

static const char *const rhd_texts[] = {
	[RHD_UNKNOWN] = NULL,
	[RHD_POSITIVE] = "positive",
	[RHD_NEGATIVE] = "negative",
};

static const char *const evidence_texts[] = {
	[BLOOD_EVIDENCE_NONE] = NULL,
	[BLOOD_DECLARED] = "declared",
	[BLOOD_CARD] = "card",
	[BLOOD_LABORATORY] = "laboratory",
};

/* The place of a text in a table whose first row is "not known", or 0. */
static size_t place_of(const char *const *texts, size_t count, const char *text)
{
	for (size_t i = 1; i < count; i++)
		if (streq(texts[i], text))
			return i;
	return 0;
}

const char *donor_sex_text(enum donor_sex sex)
{
	return (unsigned)sex < ARRAY_SIZE(sex_texts) ? sex_texts[sex] : NULL;
}

bool donor_sex_parse(const char *text, enum donor_sex *out)
{
	size_t place = place_of(sex_texts, ARRAY_SIZE(sex_texts), text);

	if (place)
		*out = (enum donor_sex)place;
	return place;
}

const char *blood_abo_text(enum blood_abo abo)
{
	return (unsigned)abo < ARRAY_SIZE(abo_texts) ? abo_texts[abo] : NULL;
}

bool blood_abo_parse(const char *text, enum blood_abo *out)
{
	size_t place = place_of(abo_texts, ARRAY_SIZE(abo_texts), text);

	if (place)
		*out = (enum blood_abo)place;
	return place;
}

const char *blood_rhd_text(enum blood_rhd rhd)
{
	return (unsigned)rhd < ARRAY_SIZE(rhd_texts) ? rhd_texts[rhd] : NULL;
}

bool blood_rhd_parse(const char *text, enum blood_rhd *out)
{
	size_t place = place_of(rhd_texts, ARRAY_SIZE(rhd_texts), text);

	if (place)
		*out = (enum blood_rhd)place;
	return place;
}

const char *blood_evidence_text(enum blood_evidence evidence)
{
	return (unsigned)evidence < ARRAY_SIZE(evidence_texts) ? evidence_texts[evidence] : NULL;
}

bool blood_evidence_parse(const char *text, enum blood_evidence *out)
{
	size_t place = place_of(evidence_texts, ARRAY_SIZE(evidence_texts), text);

	if (place)
		*out = (enum blood_evidence)place;
	return place;
}

/* ---- what must hold ---- */

static bool check_name(const struct donor *donor, struct error *err)
{
	if (text_is_blank(donor->name))
		return error_add_field(err, "/name", "required", "Give the name as on the paper.",
				       "Hãy ghi họ tên như trên giấy tờ.");
	return true;
}

static bool refuse_age(const char *pointer, struct error *err)
{
	return error_add_field(err, pointer, "out_of_range", "Give a birth of the last %d years.",
			       "Hãy ghi ngày sinh trong vòng %d năm qua.", AGE_MAX);
}

static bool check_birth(const struct donor *donor, struct date today, struct error *err)
{
	struct date birth = donor->birth_date;

	if (date_is_none(birth)) {
		if (donor->birth_year == 0)
			return error_add_field(err, "/birth_date", "required", "Give the birth date, or at least the year.",
					       "Hãy ghi ngày sinh, hoặc ít nhất là năm sinh.");
		if (donor->birth_year > today.year || donor->birth_year < today.year - AGE_MAX)
			return refuse_age("/birth_year", err);
		return true;
	}
	if (date_compare(birth, today) > 0)
		return error_add_field(err, "/birth_date", "future", "Give today or a day before.",
				       "Hãy ghi hôm nay hoặc một ngày trước đó.");
	if (date_compare(birth, date_add_months(today, -12 * AGE_MAX)) < 0)
		return refuse_age("/birth_date", err);
	if (donor->birth_year && donor->birth_year != birth.year)
		return error_add_field(err, "/birth_year", "contradiction", "This is not the year of the birth date.",
				       "Không khớp với năm của ngày sinh.");
	return true;
}

static bool check_blood(const struct donor *donor, struct error *err)
{
	bool group = donor->abo != ABO_UNKNOWN || donor->rhd != RHD_UNKNOWN;
	bool evidence = donor->blood_evidence != BLOOD_EVIDENCE_NONE;

	if (group && !evidence)
		return error_add_field(err, "/blood_group/evidence", "required", "Say how it is known: declared, card or laboratory.",
				       "Hãy ghi căn cứ: declared, card hoặc laboratory.");
	if (evidence && !group)
		return error_add_field(err, "/blood_group/abo", "required", "Give the group, or leave out the evidence.",
				       "Hãy ghi nhóm máu, hoặc bỏ phần căn cứ.");
	return true;
}

static bool is_twin(const struct donor *donor, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (identifier_same(&donor->identifiers[i].identifier, &donor->identifiers[index].identifier))
			return true;
	return false;
}

static bool check_identifiers(const struct donor *donor, struct error *err)
{
	char pointer[40];
	bool fine = true;

	if (donor->nidentifiers > DONOR_IDENTIFIERS_MAX)
		return error_add_field(err, "/identifiers", "too_many", "Give at most %d.", "Chỉ ghi nhiều nhất %d mục.",
				       DONOR_IDENTIFIERS_MAX);
	for (size_t i = 1; i < donor->nidentifiers; i++) {
		if (!is_twin(donor, i))
			continue;
		snprintf(pointer, sizeof(pointer), "/identifiers/%zu", i);
		fine = error_add_field(err, pointer, "duplicate", "Give each paper only once.",
				       "Mỗi giấy tờ chỉ ghi một lần.");
	}
	return fine;
}

bool donor_check(const struct donor *donor, struct date today, struct error *err)
{
	bool fine = check_name(donor, err);

	fine &= check_birth(donor, today, err);
	fine &= check_blood(donor, err);
	fine &= check_identifiers(donor, err);
	if (donor->address && text_length(donor->address) > DONOR_ADDRESS_MAX)
		fine = error_add_field(err, "/address", "too_long", "Shorten it to %d characters.",
				       "Hãy rút gọn còn %d ký tự.", DONOR_ADDRESS_MAX);
	return fine;
}

/* ---- what a person should look at ---- */

static const struct {
	enum identifier_doubt doubt;
	const char           *code, *text[2];
} warnings[] = {
	{ IDENTIFIER_DOUBT_PROVINCE, "unknown_province",
	  { "The first three digits are of no province: check the number, unless the person was born abroad.",
	    "Ba chữ số đầu không thuộc tỉnh nào: hãy kiểm tra số, trừ khi người này sinh ở nước ngoài." } },
	{ IDENTIFIER_DOUBT_SEX, "sex_mismatch",
	  { "The fourth digit says the other sex: check the number and the sex.",
	    "Chữ số thứ tư ứng với giới tính khác: hãy kiểm tra số và giới tính." } },
	{ IDENTIFIER_DOUBT_BIRTH_YEAR, "birth_year_mismatch",
	  { "Digits four to six say another birth year: check the number and the birth date.",
	    "Chữ số thứ tư đến thứ sáu ứng với năm sinh khác: hãy kiểm tra số và ngày sinh." } },
};

static char sex_letter(enum donor_sex sex)
{
	return (char)(sex == DONOR_FEMALE ? 'f' : sex == DONOR_MALE ? 'm' : 0);
}

size_t donor_warnings(const struct donor *donor, struct arena *arena,
		      struct donor_warning out[DONOR_WARNINGS_MAX])
{
	int year = date_is_none(donor->birth_date) ? donor->birth_year : donor->birth_date.year;
	size_t count = 0;

	for (size_t i = 0; i < donor->nidentifiers && i < DONOR_IDENTIFIERS_MAX; i++) {
		unsigned doubts = identifier_doubts(&donor->identifiers[i].identifier, sex_letter(donor->sex), year);

		for (size_t j = 0; j < ARRAY_SIZE(warnings); j++)
			if (doubts & warnings[j].doubt)
				out[count++] = (struct donor_warning){
					arena_printf(arena, "/identifiers/%zu/value", i), warnings[j].code,
					{ warnings[j].text[0], warnings[j].text[1] },
				};
	}
	return count;
}

/* ---- one person once ---- */

enum {
	POINTS_NAME = 45,
	POINTS_BIRTH_DATE = 30,
	POINTS_OTHER_BIRTH_DATE = -25,
	POINTS_PAPER = 30,
	POINTS_UNIT = 20,
	POINTS_OTHER_UNIT = -5,
	POINTS_PHONE = 20,
	POINTS_SEX = 5,
	POINTS_OTHER_SEX = -20,
	POINTS_MAX = 100
};

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Squared, since many share a family and a middle name: what part of all words both have. */
static int name_points(const struct donor_likeness *likeness)
{
	unsigned words = likeness->words_one + likeness->words_two;
	unsigned same = 2 * least(likeness->same_words, least(likeness->words_one, likeness->words_two));

	return words ? (int)((POINTS_NAME * same * same + words * words / 2) / (words * words)) : 0;
}

int donor_likeness_score(const struct donor_likeness *likeness)
{
	int score = name_points(likeness);

	score += likeness->same_birth_date ? POINTS_BIRTH_DATE : 0;
	score += likeness->other_birth_date ? POINTS_OTHER_BIRTH_DATE : 0;
	score += likeness->same_paper ? POINTS_PAPER : 0;
	score += likeness->same_unit ? POINTS_UNIT : 0;
	score += likeness->other_unit ? POINTS_OTHER_UNIT : 0;
	score += likeness->same_phone ? POINTS_PHONE : 0;
	score += likeness->same_sex ? POINTS_SEX : 0;
	score += likeness->other_sex ? POINTS_OTHER_SEX : 0;
	return score < 0 ? 0 : score > POINTS_MAX ? POINTS_MAX : score;
}

static void compare_places(const struct donor *one, const struct donor *two, const struct unit_map *units,
			   struct donor_likeness *likeness)
{
	const struct unit *here, *there;

	if (!units || !one->unit_id || !two->unit_id)
		return;
	here = unit_by_id(units, one->unit_id);
	there = unit_by_id(units, two->unit_id);
	if (!here || !there || here->level == UNIT_PROVINCE || there->level == UNIT_PROVINCE)
		return;                  /* a whole province is no sign */
	likeness->same_unit = unit_related(units, here, there);
	likeness->other_unit = !likeness->same_unit;
}

/* 1 January stands where the day was not known, as often as it is true. */
static bool birth_day_known(const struct donor *donor)
{
	return !date_is_none(donor->birth_date) && (donor->birth_date.month != 1 || donor->birth_date.day != 1);
}

void donor_compare(const struct donor *one, const struct donor *two, const struct unit_map *units,
		   struct donor_likeness *likeness)
{
	if (birth_day_known(one) && birth_day_known(two)) {
		likeness->same_birth_date = date_compare(one->birth_date, two->birth_date) == 0;
		likeness->other_birth_date = !likeness->same_birth_date;
	}
	if (one->sex != DONOR_SEX_UNKNOWN && two->sex != DONOR_SEX_UNKNOWN) {
		likeness->same_sex = one->sex == two->sex;
		likeness->other_sex = !likeness->same_sex;
	}
	compare_places(one, two, units, likeness);
}
