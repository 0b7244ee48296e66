#include "domain/round_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/memory.h"
#include "domain/report.h"

static struct named hosts[7] = {
	{ "1", "Huyện Than Uyên" }, { "2", "Xã Mường Than" }, { "3", "Xã Mường Kim" }, { "4", "Xã Khoen On" },
	{ "5", "Xã Pắc Ta" },       { "6", "Xã Tân Uyên" },   { "7", "Xã Nậm Sỏ" },
};
static struct named occasions[2] = { { "1", "Chủ nhật Đỏ" }, { "2", "Những giọt máu hồng hè" } };

/* Official in every fact, on Sunday 14 March 2027 in the morning. */
static struct round official(void)
{
	struct round round;

	round_init(&round);
	round.title = "Hiến máu tình nguyện";
	round.code = "LC27-03";
	round.from = round.to = date_make(2027, 3, 14);
	round.start_minute = 450;
	round.end_minute = 630;
	round.date_status = round.time_status = round.place_status = FACT_OFFICIAL;
	round.status = ROUND_ANNOUNCED;
	round.document = "12/TB-CTĐ";
	round.units = hosts;
	round.nunits = 1;
	round.venue = (struct named){ "v", "Trung tâm Y tế" };
	round.venue_address = "Khu 2";
	return round;
}

static struct round proposed(void)
{
	struct round round = official();

	round.date_status = round.time_status = round.place_status = FACT_PROPOSED;
	round.document = NULL;
	return round;
}

/* The text that `write` makes of the round. */
#define SAYS(write, round, text) \
	do { \
		struct buf out = { 0 }; \
		buf_append_text(&out, ""); \
		write(&out, round); \
		assert_string_equal(out.data, text); \
		buf_release(&out); \
	} while (0)

static void test_when(void **state)
{
	struct round round = official();

	(void)state;
	SAYS(round_text_when, &round, "Chủ nhật 14/03/2027, 7h30–10h30");
	round.end_minute = -1;
	SAYS(round_text_when, &round, "Chủ nhật 14/03/2027, 7h30");
	round.start_minute = 420;
	round.end_minute = 1440;
	SAYS(round_text_when, &round, "Chủ nhật 14/03/2027, 7h–24h");
	round.time_status = FACT_PROPOSED;
	SAYS(round_text_when, &round, "Chủ nhật 14/03/2027, chưa rõ giờ");
	round.status = ROUND_CLOSED;
	round.date_status = FACT_REPORTED;
	SAYS(round_text_when, &round, "Chủ nhật 14/03/2027 (theo báo chí)");
	round.status = ROUND_CANCELLED;
	round.date_status = FACT_OFFICIAL;
	SAYS(round_text_when, &round, "Chủ nhật 14/03/2027");
	round = proposed();
	SAYS(round_text_when, &round, "dự kiến tháng 3/2027, chưa chính thức");
	round.date_status = FACT_UNKNOWN;
	SAYS(round_text_when, &round, "dự kiến tháng 3/2027, chưa chính thức");
	round.precision = PRECISION_MONTH;
	round.date_status = FACT_REPORTED;
	SAYS(round_text_when, &round, "tháng 3/2027, chưa rõ ngày (theo báo chí)");
	round.precision = PRECISION_YEAR;
	round.date_status = FACT_OFFICIAL;
	SAYS(round_text_when, &round, "năm 2027, chưa rõ ngày");
	round.date_status = FACT_PROPOSED;
	SAYS(round_text_when, &round, "dự kiến năm 2027, chưa chính thức");
}

static void test_every_weekday(void **state)
{
	static const char *const says[] = {
		"Thứ Hai 15/03/2027",  "Thứ Ba 16/03/2027",  "Thứ Tư 17/03/2027",   "Thứ Năm 18/03/2027",
		"Thứ Sáu 19/03/2027", "Thứ Bảy 20/03/2027", "Chủ nhật 21/03/2027",
	};
	struct round round = official();

	(void)state;
	round.start_minute = -1;
	round.status = ROUND_CLOSED;
	for (int i = 0; i < 7; i++) {
		round.from = round.to = date_make(2027, 3, 15 + i);
		SAYS(round_text_when, &round, says[i]);
	}
}

static void test_where(void **state)
{
	struct round round = official();

	(void)state;
	SAYS(round_text_where, &round, "Trung tâm Y tế, Khu 2, Huyện Than Uyên");
	round.venue_address = " ";
	SAYS(round_text_where, &round, "Trung tâm Y tế, Huyện Than Uyên");
	round.nunits = 0;
	SAYS(round_text_where, &round, "Trung tâm Y tế");
	round.venue.name = NULL;
	SAYS(round_text_where, &round, "chưa rõ");
	round = official();
	round.place_status = FACT_PROPOSED;
	SAYS(round_text_where, &round, "Huyện Than Uyên (nơi dự kiến, chưa chính thức)");
	round = official();
	round.date_status = FACT_PROPOSED;
	SAYS(round_text_where, &round, "Huyện Than Uyên");      /* no venue where no day is told */
	round.venue.name = NULL;
	round.nunits = 6;
	SAYS(round_text_where, &round,
	     "Huyện Than Uyên, Xã Mường Than, Xã Mường Kim, Xã Khoen On, Xã Pắc Ta, Xã Tân Uyên");
	round.nunits = 7;
	SAYS(round_text_where, &round,
	     "Huyện Than Uyên, Xã Mường Than, Xã Mường Kim, Xã Khoen On, Xã Pắc Ta và 2 nơi khác");
}

static void test_titles(void **state)
{
	struct round round = official();

	(void)state;
	SAYS(round_text_title, &round, "Hiến máu tình nguyện");
	round.status = ROUND_MOVED;
	SAYS(round_text_title, &round, "ĐÃ ĐỔI: Hiến máu tình nguyện");
	round.date_status = FACT_PROPOSED;
	SAYS(round_text_title, &round, "ĐÃ ĐỔI: Dự kiến tháng 3/2027, chưa chính thức: Hiến máu tình nguyện");
	round.status = ROUND_POSTPONED;
	round.demo = true;
	SAYS(round_text_title, &round,
	     "MẪU: HOÃN: Dự kiến tháng 3/2027, chưa chính thức: Hiến máu tình nguyện");
	round = official();
	round.status = ROUND_CANCELLED;
	SAYS(round_text_title, &round, "HỦY: Hiến máu tình nguyện");
}

static void test_statuses(void **state)
{
	struct round round = official();

	(void)state;
	SAYS(round_text_status, &round, "Ngày chính thức (12/TB-CTĐ)");
	round.status = ROUND_OPEN;
	SAYS(round_text_status, &round, "Đang nhận đăng ký; ngày chính thức (12/TB-CTĐ)");
	round.status = ROUND_RUNNING;
	SAYS(round_text_status, &round, "Đang diễn ra");
	round.status = ROUND_CLOSED;
	round.status_reason = "an older reason";
	SAYS(round_text_status, &round, "Đã kết thúc");
	round.status_reason = "mưa lớn";
	round.status = ROUND_POSTPONED;
	SAYS(round_text_status, &round, "HOÃN, chưa có ngày mới. Lý do: mưa lớn");
	round.status = ROUND_CANCELLED;
	SAYS(round_text_status, &round, "HỦY, đợt này không diễn ra. Lý do: mưa lớn");
	round.status_reason = NULL;
	SAYS(round_text_status, &round, "HỦY, đợt này không diễn ra");
	round = official();
	round.status = ROUND_MOVED;
	round.moved_from = date_make(2027, 3, 7);
	round.status_reason = "sạt lở đường";
	SAYS(round_text_status, &round,
	     "Đã đổi từ ngày 07/03/2027; lịch mới chính thức (12/TB-CTĐ). Lý do: sạt lở đường");
	round.date_status = FACT_PROPOSED;
	round.moved_from = (struct date){ 0 };
	SAYS(round_text_status, &round, "Đã đổi; lịch mới dự kiến, chưa chính thức. Lý do: sạt lở đường");
	round = proposed();
	SAYS(round_text_status, &round, "Ngày dự kiến, chưa chính thức");
	round.date_status = FACT_REPORTED;
	SAYS(round_text_status, &round, "Ngày theo báo chí");
}

static void test_results(void **state)
{
	struct report report = {
		.source = REPORT_PRESS, .reported_on = date_make(2027, 3, 15),
		.registered = { 520, FIGURE_AT_LEAST }, .present = { -1, FIGURE_EXACT },
		.accepted = { -1, FIGURE_EXACT }, .units = { 346, FIGURE_EXACT }, .ml = { -1, FIGURE_EXACT },
	};
	struct round round = official();

	(void)state;
	SAYS(round_text_result, &round, "");
	round.result = &report;
	SAYS(round_text_result, &round, "ít nhất 520 người đăng ký, 346 đơn vị máu (báo chí, 15/03/2027)");
	report = (struct report){
		.source = REPORT_TEAM, .reported_on = date_make(2027, 3, 14),
		.registered = { 310, FIGURE_EXACT }, .present = { 300, FIGURE_ABOUT },
		.accepted = { 262, FIGURE_EXACT }, .units = { -1, FIGURE_EXACT }, .ml = { 91700, FIGURE_EXACT },
	};
	SAYS(round_text_result, &round,
	     "310 người đăng ký, khoảng 300 người đến, 262 người đủ điều kiện, 91700 ml"
	     " (đội hiến máu báo cáo, 14/03/2027)");
}

static void test_what_may_be_told(void **state)
{
	struct round round = proposed();
	struct round_days days = round_told_days(&round);

	(void)state;
	assert_false(round_tells_day(&round));
	assert_false(round_tells_hours(&round));
	assert_false(round_tells_venue(&round));
	assert_int_equal(date_compare(days.from, date_make(2027, 3, 1)), 0);
	assert_int_equal(date_compare(days.to, date_make(2027, 3, 31)), 0);
	round.from = round.to = date_make(2028, 2, 29);
	assert_int_equal(date_compare(round_told_days(&round).to, date_make(2028, 2, 29)), 0);
	/* official hours and an official venue of a day that is not: nothing of them */
	round.time_status = round.place_status = FACT_OFFICIAL;
	assert_false(round_tells_hours(&round));
	assert_false(round_tells_venue(&round));
	round = official();
	days = round_told_days(&round);
	assert_true(round_tells_day(&round) && round_tells_hours(&round) && round_tells_venue(&round));
	assert_int_equal(date_compare(days.from, round.from), 0);
	assert_int_equal(date_compare(days.to, round.to), 0);
}

static void add_line(void *context, const struct round_line *line)
{
	struct buf *out = context;

	buf_printf(out, "%s%s=%s\n", line->kind == ROUND_LINE_URL ? "@" : "", line->label, line->text);
}

static void test_line_by_line(void **state)
{
	struct report report = {
		.source = REPORT_PRESS, .source_url = "https://example.org/bai", .reported_on = date_make(2027, 3, 15),
		.registered = { 520, FIGURE_EXACT }, .present = { -1, FIGURE_EXACT },
		.accepted = { -1, FIGURE_EXACT }, .units = { -1, FIGURE_EXACT }, .ml = { -1, FIGURE_EXACT },
	};
	struct round round = official();
	struct buf out = { 0 };

	(void)state;
	round.demo = true;
	round.result = &report;
	round.campaigns = occasions;
	round.ncampaigns = 2;
	round.organiser = "Hội Chữ thập đỏ";
	round.plan_number = "12/KH-UBND";
	round.note = "chosen because the 14th is a Sunday";
	round_text_each(&round, add_line, &out);
	assert_string_equal(out.data, "MẪU=dữ liệu để trình diễn, không phải lịch thật\n"
				      "Thời gian=Chủ nhật 14/03/2027, 7h30–10h30\n"
				      "Địa điểm=Trung tâm Y tế, Khu 2, Huyện Than Uyên\n"
				      "Tình trạng=Ngày chính thức (12/TB-CTĐ)\n"
				      "Kết quả=520 người đăng ký (báo chí, 15/03/2027)\n"
				      "@Nguồn=https://example.org/bai\n"
				      "Chương trình=Chủ nhật Đỏ, Những giọt máu hồng hè\n"
				      "Đơn vị tổ chức=Hội Chữ thập đỏ\n"
				      "Kế hoạch=12/KH-UBND\n"
				      "Mã đợt=LC27-03\n");
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_when),    cmocka_unit_test(test_every_weekday),
		cmocka_unit_test(test_where),   cmocka_unit_test(test_titles),
		cmocka_unit_test(test_statuses), cmocka_unit_test(test_results),
		cmocka_unit_test(test_what_may_be_told), cmocka_unit_test(test_line_by_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
