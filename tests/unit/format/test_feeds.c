#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/memory.h"
#include "base/text.h"
#include "domain/report.h"
#include "domain/round.h"
#include "format/atom.h"
#include "format/calendar.h"

#define ID "0198f1a2-0000-7000-8000-000000000007"

static const struct calendar_head calendar = { "Lịch hiến máu", "https://example.org", "/calendar/rounds.ics" };
static const struct atom_head news = { "Tin <hiến> máu", "Hội Chữ thập đỏ", "https://example.org",
				       "/feeds/rounds.atom?unit=a&plan=b", 1741568400123456 };
static struct named hosts[1] = { { "1", "Huyện Than Uyên" } };
static struct named occasions[2] = { { "1", "Chủ nhật Đỏ" }, { "2", "a,b<c" } };

/* Thursday 18 March 2027, the day that must not show where it is only proposed. */
static struct round a_round(void)
{
	struct round round;

	round_init(&round);
	strcpy(round.id, ID);
	round.title = "Hiến máu tình nguyện";
	round.code = "LC27-03";
	round.from = round.to = date_make(2027, 3, 18);
	round.start_minute = 450;
	round.end_minute = 630;
	round.date_status = round.time_status = round.place_status = FACT_OFFICIAL;
	round.status = ROUND_ANNOUNCED;
	round.units = hosts;
	round.nunits = 1;
	round.version = 4;
	return round;
}

static char *calendar_of(const struct round *round, struct buf *out)
{
	buf_reset(out);
	calendar_begin(out, &calendar);
	calendar_round(out, &calendar, round, 1741568400123456);
	calendar_end(out);
	return out->data;
}

static char *atom_of(const struct round *round, struct buf *out)
{
	buf_reset(out);
	atom_begin(out, &news);
	atom_round(out, &news, round, 1741568400123456);
	atom_end(out);
	return out->data;
}

static void expect(const char *bytes, const char *part)
{
	if (!strstr(bytes, part))
		fail_msg("\"%s\" is not in:\n%s", part, bytes);
}

/* ---- events ---- */

static const struct {
	enum round_status status;
	enum fact_status date, time;
	enum date_precision precision;
	const char *start, *end, *says;
} events[] = {
	{ ROUND_ANNOUNCED, FACT_OFFICIAL, FACT_OFFICIAL, PRECISION_DAY, "DTSTART:20270318T003000Z",
	  "DTEND:20270318T033000Z", "CONFIRMED" },
	{ ROUND_OPEN, FACT_REPORTED, FACT_REPORTED, PRECISION_DAY, "DTSTART:20270318T003000Z",
	  "DTEND:20270318T033000Z", "CONFIRMED" },
	{ ROUND_RUNNING, FACT_OFFICIAL, FACT_PROPOSED, PRECISION_DAY, "DTSTART;VALUE=DATE:20270318",
	  "DTEND;VALUE=DATE:20270319", "CONFIRMED" },
	{ ROUND_ANNOUNCED, FACT_PROPOSED, FACT_OFFICIAL, PRECISION_DAY, "DTSTART;VALUE=DATE:20270301",
	  "DTEND;VALUE=DATE:20270401", "TENTATIVE" },
	{ ROUND_MOVED, FACT_PROPOSED, FACT_PROPOSED, PRECISION_DAY, "DTSTART;VALUE=DATE:20270301",
	  "DTEND;VALUE=DATE:20270401", "TENTATIVE" },
	{ ROUND_ANNOUNCED, FACT_OFFICIAL, FACT_UNKNOWN, PRECISION_MONTH, "DTSTART;VALUE=DATE:20270301",
	  "DTEND;VALUE=DATE:20270401", "TENTATIVE" },
	{ ROUND_CLOSED, FACT_REPORTED, FACT_UNKNOWN, PRECISION_MONTH, "DTSTART;VALUE=DATE:20270301",
	  "DTEND;VALUE=DATE:20270401", "CONFIRMED" },
	{ ROUND_CLOSED, FACT_REPORTED, FACT_UNKNOWN, PRECISION_YEAR, "DTSTART;VALUE=DATE:20270101",
	  "DTEND;VALUE=DATE:20280101", "CONFIRMED" },
	{ ROUND_POSTPONED, FACT_OFFICIAL, FACT_OFFICIAL, PRECISION_DAY, "DTSTART:20270318T003000Z",
	  "DTEND:20270318T033000Z", "CANCELLED" },
	{ ROUND_POSTPONED, FACT_PROPOSED, FACT_PROPOSED, PRECISION_DAY, "DTSTART;VALUE=DATE:20270301",
	  "DTEND;VALUE=DATE:20270401", "CANCELLED" },
	{ ROUND_CANCELLED, FACT_OFFICIAL, FACT_UNKNOWN, PRECISION_DAY, "DTSTART;VALUE=DATE:20270318",
	  "DTEND;VALUE=DATE:20270319", "CANCELLED" },
};

static void set_period(struct round *round, enum date_precision precision)
{
	round->precision = precision;
	if (precision == PRECISION_MONTH) {
		round->from = date_make(2027, 3, 1);
		round->to = date_make(2027, 3, 31);
	} else if (precision == PRECISION_YEAR) {
		round->from = date_make(2027, 1, 1);
		round->to = date_make(2027, 12, 31);
	}
}

static void test_events(void **state)
{
	struct buf out = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		struct round round = a_round();
		char *bytes, want[200];

		round.status = events[i].status;
		round.date_status = events[i].date;
		round.time_status = events[i].time;
		set_period(&round, events[i].precision);
		bytes = calendar_of(&round, &out);
		snprintf(want, sizeof(want), "\r\n%s\r\n%s\r\nSTATUS:%s\r\nTRANSP:TRANSPARENT\r\n", events[i].start,
			 events[i].end, events[i].says);
		expect(bytes, want);
		expect(bytes, "\r\nUID:" ID "\r\nSEQUENCE:3\r\nDTSTAMP:20250310T010000Z\r\n"
			      "LAST-MODIFIED:20250310T010000Z\r\n");
	}
	buf_release(&out);
}

static void test_an_end_that_is_not_known(void **state)
{
	struct round round = a_round();
	struct buf out = { 0 };

	(void)state;
	round.end_minute = -1;
	expect(calendar_of(&round, &out), "DTSTART:20270318T003000Z\r\nSTATUS:");
	round.end_minute = 1440;
	expect(calendar_of(&round, &out), "DTEND:20270318T170000Z\r\n");
	buf_release(&out);
}

static void test_the_whole_calendar(void **state)
{
	struct calendar_head bare = { "Lịch", NULL, "/calendar/rounds.ics" };
	struct round round = a_round();
	struct buf out = { 0 };
	char *bytes;

	(void)state;
	round.campaigns = occasions;
	round.ncampaigns = 2;
	bytes = calendar_of(&round, &out);
	assert_true(text_starts_with(bytes, "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:"));
	expect(bytes, "METHOD:PUBLISH\r\n");
	expect(bytes, "X-WR-CALNAME:Lịch hiến máu\r\n");
	expect(bytes, "REFRESH-INTERVAL;VALUE=DURATION:PT1H\r\n");
	expect(bytes, "SOURCE;VALUE=URI:https://example.org/calendar/rounds.ics\r\n");
	expect(bytes, "CATEGORIES:Chủ nhật Đỏ,a\\,b<c\r\n");
	expect(bytes, "URL:https://example.org/api/v1/rounds/" ID "\r\n");
	expect(bytes, "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n");
	for (const char *p = strchr(bytes, '\n'); p; p = strchr(p + 1, '\n'))
		assert_int_equal(p[-1], '\r');
	buf_reset(&out);
	calendar_begin(&out, &bare);
	calendar_round(&out, &bare, &round, INT64_MIN);
	calendar_end(&out);
	assert_null(strstr(out.data, "URL:"));
	assert_null(strstr(out.data, "SOURCE"));
	expect(out.data, "DTSTAMP:19700101T000000Z\r\n");
	buf_release(&out);
}

/* ---- news ---- */

static void test_an_entry(void **state)
{
	struct report report = {
		.source = REPORT_PRESS, .source_url = "https://example.org/a?b=1&c=2", .reported_on = date_make(2027, 3, 19),
		.registered = { 520, FIGURE_AT_LEAST }, .present = { -1, FIGURE_EXACT },
		.accepted = { -1, FIGURE_EXACT }, .units = { -1, FIGURE_EXACT }, .ml = { -1, FIGURE_EXACT },
	};
	struct round round = a_round();
	struct buf out = { 0 };
	char *bytes;

	(void)state;
	round.title = "A & <b>B</b>";
	round.result = &report;
	round.campaigns = occasions;
	round.ncampaigns = 2;
	bytes = atom_of(&round, &out);
	expect(bytes, "<id>https://example.org/feeds/rounds.atom?unit=a&amp;plan=b</id>\n");
	expect(bytes, "<title>Tin &lt;hiến&gt; máu</title>\n<updated>2025-03-10T08:00:00.123456+07:00</updated>\n");
	expect(bytes, "<link rel=\"self\" type=\"application/atom+xml\""
		      " href=\"https://example.org/feeds/rounds.atom?unit=a&amp;plan=b\"/>\n");
	expect(bytes, "<entry>\n<id>urn:uuid:" ID "</id>\n<title>A &amp; &lt;b&gt;B&lt;/b&gt;</title>\n"
		      "<updated>2025-03-10T08:00:00.123456+07:00</updated>\n");
	expect(bytes, "href=\"https://example.org/api/v1/rounds/" ID "\"/>\n");
	expect(bytes, "<link rel=\"via\" href=\"https://example.org/a?b=1&amp;c=2\"/>\n");
	expect(bytes, "<category term=\"a,b&lt;c\"/>\n");
	expect(bytes, "&lt;p&gt;&lt;b&gt;Thời gian:&lt;/b&gt; Thứ Năm 18/03/2027, 7h30–10h30&lt;/p&gt;\n");
	expect(bytes, "&lt;a href=&quot;https://example.org/a?b=1&amp;amp;c=2&quot;&gt;");
	report.source_url = "javascript:alert(1)";
	bytes = atom_of(&round, &out);
	assert_null(strstr(bytes, "href=&quot;"));
	assert_null(strstr(bytes, "\"via\""));
	buf_release(&out);
}

static void test_without_an_address_of_its_own(void **state)
{
	struct atom_head bare = news;
	struct round round = a_round();
	struct buf out = { 0 };

	(void)state;
	bare.base_url = NULL;
	atom_begin(&out, &bare);
	atom_round(&out, &bare, &round, 0);
	atom_end(&out);
	expect(out.data, "<id>tag:giothong.invalid,2026:/feeds/rounds.atom?unit=a&amp;plan=b</id>");
	expect(out.data, "href=\"/feeds/rounds.atom?unit=a&amp;plan=b\"");
	expect(out.data, "href=\"/api/v1/rounds/" ID "\"");
	buf_release(&out);
}

/* ---- what must not be told ---- */

/* Whatever else is so: a day that is only proposed, or not known, is nowhere in the bytes. */
static void test_no_proposed_day_leaks(void **state)
{
	static const char *const days[] = { "18/03", "18/3", "20270318", "20270319", "2027-03-18", "Thứ Năm", "7h30",
					    "0730", "T0030", "Nhà văn hóa" };
	struct buf out = { 0 };
	int seen = 0;

	(void)state;
	for (int status = ROUND_ANNOUNCED; status < ROUND_STATUS_COUNT; status++) {
		for (int other = 0; other < FACT_STATUS_COUNT * FACT_STATUS_COUNT * 2; other++) {
			struct round round = a_round();

			round.status = (enum round_status)status;
			round.date_status = other & 1 ? FACT_PROPOSED : FACT_UNKNOWN;
			round.time_status = (enum fact_status)(other / 2 % FACT_STATUS_COUNT);
			round.place_status = (enum fact_status)(other / 2 / FACT_STATUS_COUNT);
			round.venue = (struct named){ "v", "Nhà văn hóa" };
			round.note = "Thứ Năm 18/03, lệch 1 ngày";
			round.document = "Công văn ngày 18/3";
			for (int kind = 0; kind < 2; kind++) {
				const char *bytes = kind ? atom_of(&round, &out) : calendar_of(&round, &out);

				for (size_t i = 0; i < ARRAY_SIZE(days); i++)
					if (strstr(bytes, days[i]))
						fail_msg("%s of status %d:\n%s", days[i], status, bytes);
				expect(bytes, "ự kiến tháng 3/2027");
				seen++;
			}
		}
	}
	assert_int_equal(seen, 7 * 32 * 2);
	/* and the search finds one that may be told */
	struct round told = a_round();

	expect(calendar_of(&told, &out), "T0030");
	expect(atom_of(&told, &out), "18/03");
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_an_end_that_is_not_known),
		cmocka_unit_test(test_the_whole_calendar),
		cmocka_unit_test(test_an_entry),
		cmocka_unit_test(test_without_an_address_of_its_own),
		cmocka_unit_test(test_no_proposed_day_leaks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
