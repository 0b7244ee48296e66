#include "domain/eligibility.h"

#include "base/buf.h"
#include "base/memory.h"
#include "domain/eligibility_words.h"

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

/* ---- reasons ---- */

static void append_from_day(struct buf *out, struct date until, enum language language)
{
	if (date_is_none(until))
		return;
	buf_append_text(out, language == LANGUAGE_VI ? " Có thể hiến từ ngày " : " Possible from ");
	words_day(out, until, language);
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
	words_limit(out, reason->detail, language);
}

static void wait_text(struct buf *out, const struct eligibility_reason *reason, enum language language)
{
	const struct wait_rule *wait = reason->detail;

	buf_append_text(out, language == LANGUAGE_VI ? "Phải chờ " : "Wait ");
	words_span(out, wait->wait, language);
	buf_printf(out, language == LANGUAGE_VI ? " sau lần hiến %s ngày " : " after giving %s on ",
		   component_name(reason->last, language));
	words_day(out, reason->last_on, language);
	buf_append_char(out, '.');
}

static void count_text(struct buf *out, const struct eligibility_reason *reason, enum language language)
{
	const struct count_rule *count = reason->detail;

	buf_printf(out, language == LANGUAGE_VI ? "Không quá %d lần trong " : "At most %d donations in ", count->at_most);
	words_span(out, count->window, language);
	buf_append_char(out, '.');
}

static void total_text(struct buf *out, const struct eligibility_reason *reason, enum language language)
{
	const struct total_rule *total = reason->detail;

	buf_printf(out, language == LANGUAGE_VI ? "Không quá %d ml trong " : "At most %d ml in ", total->at_most_ml);
	words_span(out, total->window, language);
	buf_printf(out, language == LANGUAGE_VI ? "; còn %d ml." : "; %d ml are left.", reason->limit_ml);
}

static void volume_text(struct buf *out, const struct eligibility_reason *reason, enum language language)
{
	if (reason->any_weight)
		buf_printf(out, language == LANGUAGE_VI ? "Dù nặng bao nhiêu, mỗi lần hiến không quá %d ml."
							: "At any weight at most %d ml may be given.", reason->limit_ml);
	else if (reason->limit_ml > 0)
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

	if (reason->rule && reason->rule->kind == RULE_CONDITION)
		buf_append_text(out, container_of(reason->rule, struct condition_rule, rule)->text[language]);
	else
		buf_append_text(out, rule ? rule->text[language] : vi ? "Đang tạm hoãn hiến máu" : "Deferred");
	if (reason->permanent)
		buf_append_text(out, vi ? ": không hiến máu nữa." : ": no more donations.");
	else if (date_is_none(reason->until))
		buf_append_text(out, vi ? ": chưa kết thúc." : ": not over yet.");
	else if (rule && !reason->decided) {
		buf_append_text(out, vi ? ": chờ " : ": wait ");
		words_span(out, rule->wait, language);
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
	words_span(out, rule->wait, language);
	buf_append_text(out, vi ? " mới làm việc trở lại, hoặc hiến vào ngày nghỉ."
				: " before going back to work, or donate on a day off.");
}

/* ---- for anybody's eyes ---- */

bool eligibility_reason_is_of_health(const struct eligibility_reason *reason)
{
	return reason->kind == REASON_MEASURE || reason->kind == REASON_VOLUME || reason->kind == REASON_DEFERRAL ||
	       reason->kind == REASON_CONDITION;
}

void eligibility_neutral_text(struct buf *out, const struct verdict *verdict, bool contact, enum language language)
{
	bool vi = language == LANGUAGE_VI;

	for (size_t i = 0; i < verdict->nreasons; i++)
		contact |= eligibility_reason_is_of_health(&verdict->reasons[i]);
	if (contact) {
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
