#include "domain/eligibility_words.h"

#include <stdio.h>

#include "base/buf.h"

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
void words_day(struct buf *out, struct date day, enum language language)
{
	if (language == LANGUAGE_VI)
		buf_printf(out, "%02d/%02d/%04d", day.day, day.month, day.year);
	else
		buf_printf(out, "%04d-%02d-%02d", day.year, day.month, day.day);
}

void words_span(struct buf *out, struct span span, enum language language)
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
void words_range(struct buf *out, const struct range *range, const char *unit, enum language language)
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

static const struct {
	const char *name[LANGUAGE_COUNT], *unit[LANGUAGE_COUNT];
} names[MEASURE_COUNT] = {
	[MEASURE_WEIGHT] = { { "Weight", "Cân nặng" }, { "kg", "kg" } },
	[MEASURE_SYSTOLIC] = { { "Systolic blood pressure", "Huyết áp tâm thu" }, { "mmHg", "mmHg" } },
	[MEASURE_DIASTOLIC] = { { "Diastolic blood pressure", "Huyết áp tâm trương" }, { "mmHg", "mmHg" } },
	[MEASURE_PULSE] = { { "Pulse", "Mạch" }, { "per minute", "lần/phút" } },
	[MEASURE_PULSE_REGULAR] = { { "Regular pulse", "Mạch đều" }, { NULL, NULL } },
	[MEASURE_HEMOGLOBIN] = { { "Haemoglobin", "Huyết sắc tố" }, { "g/l", "g/l" } },
	[MEASURE_PLATELETS] = { { "Platelets", "Tiểu cầu" }, { "x 10^9/l", "x 10^9/l" } },
	[MEASURE_PROTEIN] = { { "Total serum protein", "Protein huyết thanh toàn phần" }, { "g/l", "g/l" } },
};

const char *eligibility_measure_name(enum eligibility_measure measure, enum language language)
{
	return names[measure].name[language];
}

const char *eligibility_measure_unit(enum eligibility_measure measure, enum language language)
{
	return names[measure].unit[language];
}

void words_limit(struct buf *out, const struct limit_rule *limit, enum language language)
{
	bool vi = language == LANGUAGE_VI;

	if (limit->measure == MEASURE_PULSE_REGULAR) {
		bool regular = limit->range.low == MEASURE_ONE;

		buf_append_text(out, vi ? regular ? "Mạch phải đều." : "Mạch phải không đều."
				    : regular ? "The pulse must be regular." : "The pulse must be irregular.");
		return;
	}
	buf_printf(out, vi ? "%s phải " : "%s must be ", names[limit->measure].name[language]);
	words_range(out, &limit->range, names[limit->measure].unit[language], language);
	if (limit->volume.has_low || limit->volume.has_high) {
		buf_append_text(out, vi ? " khi hiến " : " for ");
		words_range(out, &limit->volume, "ml", language);
	}
	buf_append_char(out, '.');
}
