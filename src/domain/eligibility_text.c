#include "domain/eligibility.h"

#include <stdio.h>

#include "base/buf.h"

/* What a donor and a doctor read. Limits are named, the donor's own values are not. */

const char *eligibility_decision_text(enum eligibility_decision decision)
{
	static const char *const texts[] = {
		[DECISION_REFUSED] = "refused", [DECISION_INCOMPLETE] = "incomplete",
		[DECISION_NO_KNOWN_REFUSAL] = "no_known_refusal",
	};

	return texts[decision];
}

/* ---- what is missing ---- */

static const struct {
	const char *name, *text[LANGUAGE_COUNT];
} needs[NEED_COUNT] = {
	[NEED_BIRTH_DATE] = { "birth_date", { "The date of birth is needed.", "Cần biết ngày sinh." } },
	[NEED_SEX] = { "sex", { "The sex is needed: limits differ.", "Cần biết giới tính vì giới hạn khác nhau." } },
	[NEED_WEIGHT] = { "weight_kg", { "The weight is needed.", "Cần biết cân nặng." } },
	[NEED_DONATIONS] = { "donations", { "All earlier donations are needed, with their days.",
					    "Cần biết các lần hiến trước đây và ngày hiến." } },
	[NEED_DONATION_VOLUMES] = { "donations.volume_ml", { "The volumes of earlier donations are needed.",
							     "Cần biết thể tích các lần hiến trước đây." } },
	[NEED_DEFERRALS] = { "deferrals", { "Illnesses, vaccines and other reasons to wait are to be asked for.",
					    "Cần hỏi về bệnh đã mắc, vắc xin và các lý do phải chờ khác." } },
	[NEED_CONDITIONS] = { "conditions", { "Present illnesses, states and signs are to be asked for.",
					      "Cần hỏi về bệnh, tình trạng và dấu hiệu hiện tại." } },
	[NEED_SYSTOLIC] = { "systolic_mmhg", { "The systolic blood pressure is to be measured.",
					       "Cần đo huyết áp tâm thu." } },
	[NEED_DIASTOLIC] = { "diastolic_mmhg", { "The diastolic blood pressure is to be measured.",
						 "Cần đo huyết áp tâm trương." } },
	[NEED_PULSE] = { "pulse_bpm", { "The pulse is to be counted.", "Cần đếm mạch." } },
	[NEED_PULSE_REGULAR] = { "pulse_regular", { "Whether the pulse is regular is to be felt.",
						    "Cần kiểm tra nhịp mạch có đều không." } },
	[NEED_HEMOGLOBIN] = { "hemoglobin_g_l", { "The haemoglobin is to be measured.",
						  "Cần đo nồng độ huyết sắc tố." } },
	[NEED_PLATELETS] = { "platelets_10e9_l", { "The platelets are to be counted.", "Cần đếm số lượng tiểu cầu." } },
	[NEED_PROTEIN] = { "protein_g_l", { "A recent test of total serum protein is needed.",
					    "Cần xét nghiệm protein huyết thanh toàn phần còn hạn." } },
	[NEED_PROTEIN_ON] = { "protein_on", { "The day of the protein test is needed.",
					      "Cần biết ngày xét nghiệm protein." } },
};

const char *eligibility_need_name(enum eligibility_need need)
{
	return needs[need].name;
}

const char *eligibility_need_text(enum eligibility_need need, enum language language)
{
	return needs[need].text[language];
}

/* ---- numbers, days, spans ---- */

/* 125, 45.5: thousandths without the zeros at the end. */
static void append_number(struct buf *out, int32_t thousandths, enum language language)
{
	int whole = thousandths / MEASURE_ONE, part = thousandths % MEASURE_ONE;
	char digits[8];
	size_t len;

	buf_printf(out, "%d", whole);
	if (part == 0)
		return;
	snprintf(digits, sizeof(digits), "%03d", part);
	for (len = 3; digits[len - 1] == '0'; len--)
		digits[len - 1] = '\0';
	buf_printf(out, "%c%s", language == LANGUAGE_VI ? ',' : '.', digits);
}

/* As people write it: 2026-03-26, 26/03/2026. */
static void append_day(struct buf *out, struct date day, enum language language)
{
	if (language == LANGUAGE_VI)
		buf_printf(out, "%02d/%02d/%04d", day.day, day.month, day.year);
	else
		buf_printf(out, "%04d-%02d-%02d", day.year, day.month, day.day);
}

static void append_span(struct buf *out, struct span span, enum language language)
{
	static const char *const vi[SPAN_UNIT_COUNT] = {
		[SPAN_HOUR] = "giờ", [SPAN_DAY] = "ngày", [SPAN_WEEK] = "tuần", [SPAN_MONTH] = "tháng",
		[SPAN_YEAR] = "năm",
	};

	if (language == LANGUAGE_VI)
		buf_printf(out, "%d %s", span.value, vi[span.unit]);
	else
		buf_printf(out, "%d %s%s", span.value, span_unit_text(span.unit), span.value == 1 ? "" : "s");
}

/* "at least 100 and under 160 mmHg", "từ 42 kg trở lên". */
static void append_range(struct buf *out, const struct range *range, const char *unit, enum language language)
{
	bool vi = language == LANGUAGE_VI;

	if (range->has_low) {
		buf_append_text(out, vi ? range->low_open ? "trên " : "từ " : range->low_open ? "over " : "at least ");
		append_number(out, range->low, language);
	}
	if (range->has_low && range->has_high)
		buf_append_text(out, vi ? " đến " : " and ");
	if (range->has_high) {
		if (vi)
			buf_append_text(out, range->high_open ? "dưới " : range->has_low ? "" : "không quá ");
		else
			buf_append_text(out, range->high_open ? "under " : "at most ");
		append_number(out, range->high, language);
	}
	buf_printf(out, " %s", unit);
	if (vi && range->has_low && !range->low_open && !range->has_high)
		buf_append_text(out, " trở lên");
}

/* ---- reasons ---- */

static void append_from_day(struct buf *out, struct date until, enum language language)
{
	if (date_is_none(until))
		return;
	buf_append_text(out, language == LANGUAGE_VI ? " Có thể hiến từ ngày " : " Possible from ");
	append_day(out, until, language);
	buf_append_char(out, '.');
}

static void age_text(struct buf *out, const struct eligibility_reason *reason, enum language language)
{
	const struct age_rule *age = reason->detail;

	if (reason->below)
		buf_printf(out, language == LANGUAGE_VI ? "Người hiến phải đủ %d tuổi." : "Donors must be at least %d years old.",
			   age->from_years);
	else
		buf_printf(out, language == LANGUAGE_VI ? "Người hiến không quá %d tuổi." : "Donors may be at most %d years old.",
			   age->to_years);
}

static void measure_text(struct buf *out, const struct eligibility_reason *reason, enum language language)
{
	static const struct {
		const char *name[LANGUAGE_COUNT], *unit[LANGUAGE_COUNT];
	} names[MEASURE_COUNT] = {
		[MEASURE_WEIGHT] = { { "Weight", "Cân nặng" }, { "kg", "kg" } },
		[MEASURE_SYSTOLIC] = { { "Systolic blood pressure", "Huyết áp tâm thu" }, { "mmHg", "mmHg" } },
		[MEASURE_DIASTOLIC] = { { "Diastolic blood pressure", "Huyết áp tâm trương" }, { "mmHg", "mmHg" } },
		[MEASURE_PULSE] = { { "Pulse", "Mạch" }, { "per minute", "lần/phút" } },
		[MEASURE_HEMOGLOBIN] = { { "Haemoglobin", "Huyết sắc tố" }, { "g/l", "g/l" } },
		[MEASURE_PLATELETS] = { { "Platelets", "Tiểu cầu" }, { "x 10^9/l", "x 10^9/l" } },
		[MEASURE_PROTEIN] = { { "Total serum protein", "Protein huyết thanh toàn phần" }, { "g/l", "g/l" } },
	};
	const struct limit_rule *limit = reason->detail;
	bool vi = language == LANGUAGE_VI;

	if (limit->measure == MEASURE_PULSE_REGULAR) {
		buf_append_text(out, vi ? "Mạch phải đều." : "The pulse must be regular.");
		return;
	}
	buf_printf(out, vi ? "%s phải " : "%s must be ", names[limit->measure].name[language]);
	append_range(out, &limit->range, names[limit->measure].unit[language], language);
	if (limit->volume.has_low || limit->volume.has_high) {
		buf_append_text(out, vi ? " khi hiến " : " for ");
		append_range(out, &limit->volume, "ml", language);
	}
	buf_append_char(out, '.');
}

static void wait_text(struct buf *out, const struct eligibility_reason *reason, enum language language)
{
	const struct wait_rule *wait = reason->detail;

	buf_append_text(out, language == LANGUAGE_VI ? "Phải chờ " : "Wait ");
	append_span(out, wait->wait, language);
	buf_printf(out, language == LANGUAGE_VI ? " sau lần hiến %s ngày " : " after giving %s on ",
		   component_name(reason->last, (int)language));
	append_day(out, reason->last_on, language);
	buf_append_char(out, '.');
}

static void count_text(struct buf *out, const struct eligibility_reason *reason, enum language language)
{
	const struct count_rule *count = reason->detail;

	buf_printf(out, language == LANGUAGE_VI ? "Không quá %d lần trong " : "At most %d donations in ", count->at_most);
	append_span(out, count->window, language);
	buf_append_char(out, '.');
}

static void total_text(struct buf *out, const struct eligibility_reason *reason, enum language language)
{
	const struct total_rule *total = reason->detail;

	buf_printf(out, language == LANGUAGE_VI ? "Không quá %d ml trong " : "At most %d ml in ", total->at_most_ml);
	append_span(out, total->window, language);
	buf_printf(out, language == LANGUAGE_VI ? "; còn %d ml." : "; %d ml are left.", reason->limit_ml);
}

static void volume_text(struct buf *out, const struct eligibility_reason *reason, enum language language)
{
	if (reason->limit_ml > 0)
		buf_printf(out, language == LANGUAGE_VI ? "Với cân nặng này, mỗi lần hiến không quá %d ml."
							: "At this weight at most %d ml may be given.", reason->limit_ml);
	else
		buf_append_text(out, language == LANGUAGE_VI ? "Với cân nặng này không hiến được."
							     : "At this weight nothing may be given.");
}

static void deferral_text(struct buf *out, const struct eligibility_reason *reason, enum language language)
{
	const struct deferral_rule *rule = reason->detail;
	bool vi = language == LANGUAGE_VI;

	buf_append_text(out, rule ? rule->text[language] : vi ? "Đang tạm hoãn hiến máu" : "Deferred");
	if (reason->permanent)
		buf_append_text(out, vi ? ": không hiến máu nữa." : ": no more donations.");
	else if (date_is_none(reason->until))
		buf_append_text(out, vi ? ": chưa kết thúc." : ": not over yet.");
	else if (rule && !reason->decided) {
		buf_append_text(out, vi ? ": chờ " : ": wait ");
		append_span(out, rule->wait, language);
		buf_append_char(out, '.');
	} else {
		buf_append_char(out, '.');
	}
}

static void condition_text(struct buf *out, const struct eligibility_reason *reason, enum language language)
{
	const struct condition_rule *rule = reason->detail;
	bool vi = language == LANGUAGE_VI;

	if (!rule) {
		buf_append_text(out, vi ? "Tình trạng mà bộ quy tắc không biết: hãy hỏi bác sĩ."
					: "A condition that the rules do not know: ask a doctor.");
		return;
	}
	buf_append_text(out, rule->text[language]);
	if (rule->lasts == LASTS_FOR_EVER)
		buf_append_text(out, vi ? ": không hiến máu." : ": no donation.");
	else if (rule->lasts == LASTS_TODAY)
		buf_append_text(out, vi ? ": hôm nay không hiến máu." : ": no donation today.");
	else
		buf_append_text(out, vi ? ": không hiến máu khi còn tình trạng này." : ": no donation while this lasts.");
}

static void no_rules_text(struct buf *out, const struct eligibility_reason *reason, enum language language)
{
	(void)reason;
	buf_append_text(out, language == LANGUAGE_VI ? "Bộ quy tắc không có hiệu lực vào ngày này."
						     : "The rule set is not in force on this day.");
}

void eligibility_reason_text(struct buf *out, const struct eligibility_reason *reason, enum language language)
{
	static void (*const texts[])(struct buf *, const struct eligibility_reason *, enum language) = {
		[REASON_NO_RULES] = no_rules_text, [REASON_AGE] = age_text,       [REASON_MEASURE] = measure_text,
		[REASON_VOLUME] = volume_text,     [REASON_WAIT] = wait_text,     [REASON_COUNT] = count_text,
		[REASON_TOTAL] = total_text,       [REASON_DEFERRAL] = deferral_text,
		[REASON_CONDITION] = condition_text,
	};

	texts[reason->kind](out, reason, language);
	append_from_day(out, reason->until, language);
	if (reason->rule && reason->rule->doctor_may_allow)
		buf_append_text(out, language == LANGUAGE_VI ? " Bác sĩ có thể quyết định khác."
							     : " A doctor may decide otherwise.");
}

void eligibility_occupation_text(struct buf *out, const struct occupation_rule *rule, enum language language)
{
	bool vi = language == LANGUAGE_VI;

	buf_append_text(out, rule->text[language]);
	buf_append_text(out, vi ? ": sau khi hiến, chờ " : ": after the donation, wait ");
	append_span(out, rule->wait, language);
	buf_append_text(out, vi ? " mới làm việc trở lại, hoặc hiến vào ngày nghỉ."
				: " before going back to work, or donate on a day off.");
}

/* ---- for anybody's eyes ---- */

bool eligibility_reason_is_of_health(const struct eligibility_reason *reason)
{
	return reason->kind == REASON_MEASURE || reason->kind == REASON_VOLUME || reason->kind == REASON_DEFERRAL ||
	       reason->kind == REASON_CONDITION;
}

void eligibility_neutral_text(struct buf *out, const struct verdict *verdict, enum language language)
{
	bool vi = language == LANGUAGE_VI;

	for (size_t i = 0; i < verdict->nreasons; i++)
		if (eligibility_reason_is_of_health(&verdict->reasons[i])) {
			buf_append_text(out, vi ? "Xin liên hệ cơ sở tiếp nhận máu trước khi đi hiến."
						: "Please contact the blood facility before you come.");
			return;
		}
	for (size_t i = 0; i < verdict->nreasons; i++) {
		if (i > 0)
			buf_append_char(out, ' ');
		eligibility_reason_text(out, &verdict->reasons[i], language);
	}
	if (verdict->nreasons == 0)
		buf_append_text(out, vi ? "Theo thông tin hiện có, có thể đến hiến máu; bác sĩ khám sẽ quyết định."
					: "By what is known a donation is possible; the examining doctor decides.");
}
