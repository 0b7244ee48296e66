#include "domain/sms.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/text.h"
#include "domain/certificate.h"
#include "domain/round.h"
#include "lai_chau_units.h"

static struct unit_map *map;

static int setup(void **state)
{
	(void)state;
	map = test_units();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unit_map_free(map);
	return 0;
}

/* ---- what is asked ---- */

static const struct {
	const char *text;
	enum sms_command command;
	const char *argument;
	bool marks;
} parses[] = {
	{ "LICH", SMS_SCHEDULE, "", false },
	{ "lich", SMS_SCHEDULE, "", false },
	{ "Lịch", SMS_SCHEDULE, "", false },
	{ "Li\xcc\xa3"
	  "ch",
	  SMS_SCHEDULE, "", false },
	{ "HM LICH", SMS_SCHEDULE, "", false },
	{ "HMLICH", SMS_SCHEDULE, "", false },
	{ "lich hm", SMS_SCHEDULE, "", false },
	{ "LICHTHANUYEN", SMS_SCHEDULE, "thanuyen", false },
	{ "lich  than   uyên", SMS_SCHEDULE, "than uyen", false },
	{ "  LICH than uyen  ", SMS_SCHEDULE, "than uyen", false },
	{ "LICH HIEN MAU than uyen", SMS_SCHEDULE, "than uyen", false },
	{ "lịch hiến máu ở Đoàn Kết", SMS_SCHEDULE, "doan ket", false },
	{ "HIENMAU LICH sin ho", SMS_SCHEDULE, "sin ho", false },
	{ "hm lich: H. Than Uyên!", SMS_SCHEDULE, "h than uyen", false },
	{ "LICH THAN UYEN CO DAU", SMS_SCHEDULE, "than uyen", true },
	{ "lich than uyen codau", SMS_SCHEDULE, "than uyen", true },
	{ "Lịch Than Uyên có dấu", SMS_SCHEDULE, "than uyen", true },
	{ "LICH CO DAU", SMS_SCHEDULE, "", true },
	{ "LICH THAN UYEN KHONG DAU", SMS_SCHEDULE, "than uyen", false },
	{ "lihc than uyen", SMS_SCHEDULE, "than uyen", false },
	{ "lch than uyen", SMS_SCHEDULE, "than uyen", false },
	{ "LICH\nthan uyen", SMS_SCHEDULE, "than uyen", false },
	{ "XN 7K2M-0QXD-AF4R", SMS_CERTIFICATE, "7k2m 0qxd af4r", false },
	{ "xn7k2m0qxdaf4r", SMS_CERTIFICATE, "7k2m0qxdaf4r", false },
	{ "hm  Xn: 7k2m 0qxd af4r co dau", SMS_CERTIFICATE, "7k2m 0qxd af4r", true },
	{ "XN", SMS_CERTIFICATE, "", false },
	{ "than uyen", SMS_HELP, "", false },
	{ "", SMS_HELP, "", false },
	{ "   ", SMS_HELP, "", false },
	{ "HM", SMS_HELP, "", false },
	{ "DK LC25-07", SMS_HELP, "", false },
	{ "xin chao co dau", SMS_HELP, "", true },
	{ "\xff\xfe\x80", SMS_HELP, "", false },
	{ "LICH \xff\xfe sin ho", SMS_SCHEDULE, "sin ho", false },
};

static void texts_are_understood(void **state)
{
	struct sms_request request;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(parses); i++) {
		sms_parse(parses[i].text, &request);
		if (request.command != parses[i].command || strcmp(request.argument, parses[i].argument) ||
		    request.marks != parses[i].marks)
			fail_msg("\"%s\": %d \"%s\" %d", parses[i].text, (int)request.command,
				 request.argument, request.marks);
	}
}

static void long_and_wild_texts_are_cut(void **state)
{
	static char text[9000];
	struct sms_request request;
	uint32_t seed = 7;

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	memcpy(text, "lich ", 5);
	sms_parse(text, &request);
	assert_int_equal(request.command, SMS_SCHEDULE);
	assert_int_equal(strlen(request.argument), 160);
	for (int round = 0; round < 200; round++) {
		for (size_t i = 0; i < 300; i++) {
			seed = seed * 1664525 + 1013904223;
			text[i] = (char)(seed >> 24 ? seed >> 24 : 1);
		}
		text[300] = '\0';
		sms_parse(text, &request);
		assert_true(request.command == SMS_HELP || request.command == SMS_SCHEDULE);
	}
}

/* ---- what a gateway hands over ---- */

#define BYTES(literal) literal, sizeof(literal) - 1
static const struct {
	const char *bytes;
	size_t len;
	int coding;
	const char *charset;
	const char *want;
} decodes[] = {
	{ BYTES("LICH than uyen"), 0, "UTF-8", "LICH than uyen" },
	{ BYTES("LICH than uyen"), -1, NULL, "LICH than uyen" },
	{ BYTES("LICH than uyen"), 2, "", "LICH than uyen" },
	{ BYTES("L\341\273\213ch"), 2, "UTF-8", "Lịch" },
	{ BYTES("L\341\273\213ch"), -1, "", "Lịch" },
	{ BYTES("\0L\036\313\0c\0h"), 2, "UTF-16BE", "Lịch" },
	{ BYTES("\0L\036\313\0c\0h"), 2, NULL, "Lịch" },
	{ BYTES("\0L\036\313\0c\0h"), -1, NULL, "Lịch" },
	{ BYTES("\376\377\0L\036\313\0c\0h"), 2, "UTF-16", "Lịch" },
	{ BYTES("\377\376L\0\313\036c\0h\0"), 2, "UTF-16", "Lịch" },
	{ BYTES("L\0\313\036c\0h\0"), 2, "UTF-16LE", "Lịch" },
	{ BYTES("\0L\036\313\0c\0h"), 2, "UCS-2", "Lịch" },
	{ BYTES("\0L\036\313\0c\0h\0"), 2, "utf-16be", "Lịch?" },
	{ BYTES("\330\075\336\000\0a"), 2, "UTF-16BE", "😀a" },
	{ BYTES("\330\075\0a"), 2, "UTF-16BE", "?a" },
	{ BYTES("Th\342n"), 0, "ISO-8859-1", "Thân" },
	{ BYTES("\223a\224\200"), 1, "WINDOWS-1252", "“a”€" },
	{ BYTES("Th\342n"), 0, NULL, "Thân" },
	{ BYTES("Th\342n"), 0, "UTF-8", "Th?n" },
	{ BYTES("Th\342n"), 0, "US-ASCII", "Th?n" },
	{ BYTES("Th\342n"), 0, "KLINGON", "Thân" },
	{ BYTES("\0\033\145\005\173"), 0, "GSM", "@€éä" },
	{ BYTES("a\0b"), 0, "UTF-8", "a?b" },
	{ BYTES("\357\273\277LICH"), 0, "UTF-8", "LICH" },
	{ BYTES(""), 0, "UTF-8", "" },
	{ BYTES("\341\273"), 0, "UTF-8", "??" },
};

static void gateway_bytes_are_read(void **state)
{
	char out[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(decodes); i++) {
		sms_decode(decodes[i].bytes, decodes[i].len, decodes[i].coding, decodes[i].charset, out,
			   sizeof(out));
		if (strcmp(out, decodes[i].want) != 0)
			fail_msg("row %zu: \"%s\", not \"%s\"", i, out, decodes[i].want);
	}
	sms_decode(BYTES("\0L\036\313\0c\0h"), 2, "UTF-16BE", out, 4);
	assert_string_equal(out, "L");
	sms_decode(BYTES("abc"), 0, "ASCII", out, 1);
	assert_string_equal(out, "");
}

static void any_bytes_give_valid_utf8(void **state)
{
	static const char *const charsets[] = { "UTF-8", "UTF-16BE", "UTF-16LE", "WINDOWS-1252",
						"GSM",   "ASCII",    "" };
	char bytes[64], out[96];
	uint32_t seed = 3;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		size_t len = (size_t)round % sizeof(bytes);

		for (size_t i = 0; i < len; i++) {
			seed = seed * 1664525 + 1013904223;
			bytes[i] = (char)(seed >> 24);
		}
		sms_decode(bytes, len, round % 4 - 1, charsets[round % 7], out, sizeof(out));
		assert_true(text_valid_utf8(out, strlen(out)));
	}
}

static void the_gsm_alphabet_is_known(void **state)
{
	size_t septets;

	(void)state;
	assert_true(sms_is_gsm7("Than Uyen @ 7h30 <x>", &septets));
	assert_int_equal(septets, 20);
	assert_true(sms_is_gsm7("[a]€", &septets));
	assert_int_equal(septets, 7);
	assert_true(sms_is_gsm7("à é ù ò", NULL));
	assert_false(sms_is_gsm7("Uyên", NULL));
	assert_false(sms_is_gsm7("`", NULL));
	assert_false(sms_is_gsm7("á", NULL));
	assert_false(sms_is_gsm7("\xff", NULL));
}

/* ---- answers ---- */

static struct named than_uyen[] = { { "110@pre-2025-07-01", "Huyện Than Uyên" } };
static struct named sin_ho[] = { { "108@pre-2025-07-01", "Huyện Sìn Hồ" } };
static struct named muong_kim[] = { { "03637@2025-07-01", "Xã Mường Kim" } };
static struct named province[] = { { "12", "Tỉnh Lai Châu" } };
static struct named wards[] = { { "03408@2025-07-01", "Phường Tân Phong" },
				{ "03388@2025-07-01", "Phường Đoàn Kết" } };

static struct round official(struct named *unit, size_t nunits, int year, int month, int day)
{
	struct round round;

	round_init(&round);
	round.title = "Đợt";
	round.from = round.to = date_make(year, month, day);
	round.date_status = FACT_OFFICIAL;
	round.place_status = nunits ? FACT_OFFICIAL : FACT_UNKNOWN;
	round.status = ROUND_ANNOUNCED;
	round.units = unit;
	round.nunits = nunits;
	return round;
}

static struct round proposed(struct named *unit, int year, int month, int day)
{
	struct round round = official(unit, 1, year, month, day);

	round.date_status = round.place_status = FACT_PROPOSED;
	return round;
}

static const char *ask(const char *text, const struct round *rounds, size_t count, struct date today)
{
	static struct sms_answer answer;
	struct sms_request request;
	size_t septets;

	sms_parse(text, &request);
	sms_answer_schedule(&request, rounds, count, map, today, NULL, &answer);
	assert_int_equal(answer.segments, 1);
	assert_int_equal(answer.ucs2, request.marks);
	if (!answer.ucs2) {
		assert_true(sms_is_gsm7(answer.text, &septets));
		assert_true(septets <= SMS_GSM7_MAX);
		assert_int_equal(septets, strlen(answer.text));
	} else {
		assert_true(text_valid_utf8(answer.text, strlen(answer.text)));
		assert_true(text_length(answer.text) <= SMS_UCS2_MAX);
	}
	return answer.text;
}

static const struct date may = { 2025, 5, 1 };

static void an_official_round_is_told_whole(void **state)
{
	struct round rounds[2] = { official(than_uyen, 1, 2025, 5, 18), proposed(muong_kim, 2025, 9, 13) };

	(void)state;
	rounds[0].start_minute = 450;
	rounds[0].time_status = FACT_OFFICIAL;
	rounds[0].venue = (struct named){ "v", "Trung tâm Y tế huyện Than Uyên" };
	assert_string_equal(
		ask("LICH than uyen", rounds, 2, may),
		"Than Uyen: 18/05 7h30, TTYT huyen Than Uyen. Muong Kim du kien thang 9/2025, chua chinh thuc.");
	assert_string_equal(
		ask("LICH", rounds, 2, may),
		"Hien mau: Than Uyen 18/05 7h30, TTYT huyen Than Uyen. Muong Kim du kien thang 9/2025, chua chinh thuc.");
	assert_string_equal(ask("LICH than uyen", rounds, 1, (struct date){ 2024, 12, 31 }),
			    "Than Uyen: 18/05/2025 7h30, TTYT huyen Than Uyen.");
	assert_string_equal(ask("LICH than uyen", rounds, 1, rounds[0].from),
			    "Than Uyen: hom nay 18/05 7h30, TTYT huyen Than Uyen.");
	assert_string_equal(ask("LICH than uyen co dau", rounds, 1, may),
			    "Than Uyên: 18/05 7h30, TTYT huyện Than Uyên.");
	rounds[0].end_minute = 630;
	assert_string_equal(ask("LICHTHANUYEN", rounds, 1, may),
			    "Than Uyen: 18/05 7h30-10h30, TTYT huyen Than Uyen.");
	rounds[0].time_status = rounds[0].place_status = FACT_PROPOSED;
	assert_string_equal(ask("lich h. than uyen", rounds, 1, may), "Than Uyen: 18/05.");
	assert_string_equal(ask("lich", rounds, 1, may), "Hien mau: Than Uyen (noi du kien) 18/05.");
}

static void a_proposed_day_is_never_told(void **state)
{
	(void)state;
	for (int day = 13; day <= 28; day++) {
		struct round round = proposed(sin_ho, 2025, 9, day);

		assert_string_equal(ask("LICH sin ho", &round, 1, (struct date){ 2025, 9, 29 }),
				    "Sin Ho: du kien thang 9/2025, chua chinh thuc.");
		assert_string_equal(ask("LICH sin ho", &round, 1, (struct date){ 2025, 10, 1 }),
				    "Sin Ho: chua co dot sap toi. Soan LICH de xem ca tinh.");
		round.status = ROUND_CANCELLED;
		assert_string_equal(ask("LICH sin ho", &round, 1, may),
				    "Sin Ho: dot du kien thang 9/2025: HUY.");
	}
}

static void changes_are_said(void **state)
{
	struct round round = official(than_uyen, 1, 2025, 5, 25);

	(void)state;
	round.status = ROUND_CANCELLED;
	assert_string_equal(ask("LICH than uyen", &round, 1, may), "Than Uyen: 25/05: HUY.");
	round.status = ROUND_POSTPONED;
	assert_string_equal(ask("LICH than uyen", &round, 1, may),
			    "Than Uyen: 25/05: HOAN, chua co ngay moi.");
	assert_string_equal(ask("LICH", &round, 1, (struct date){ 2025, 6, 24 }),
			    "Hien mau: Than Uyen 25/05: HOAN, chua co ngay moi.");
	assert_string_equal(ask("LICH", &round, 1, (struct date){ 2025, 6, 25 }),
			    "Hien mau: chua co dot sap toi.");
	round.status = ROUND_MOVED;
	round.moved_from = date_make(2025, 5, 18);
	assert_string_equal(ask("LICH than uyen", &round, 1, may), "Than Uyen: 18/05 doi sang 25/05.");
	round.status = ROUND_OPEN;
	assert_string_equal(ask("LICH than uyen", &round, 1, may), "Than Uyen: 18/05 doi sang 25/05.");
	round.status = ROUND_MOVED;
	round.date_status = FACT_PROPOSED;
	assert_string_equal(ask("LICH than uyen", &round, 1, may),
			    "Than Uyen: 18/05 doi sang du kien thang 5/2025, chua chinh thuc.");
	round.moved_from = (struct date){ 0 };
	assert_string_equal(ask("LICH than uyen", &round, 1, may),
			    "Than Uyen: du kien thang 5/2025, chua chinh thuc.");
	round.date_status = FACT_OFFICIAL;
	assert_string_equal(ask("LICH than uyen", &round, 1, may), "Than Uyen: 25/05 (da doi).");
}

static void the_last_round_is_told_when_none_comes(void **state)
{
	struct round rounds[4] = { official(than_uyen, 1, 2022, 1, 1), official(than_uyen, 1, 2024, 5, 18),
				   proposed(than_uyen, 2025, 1, 5), official(muong_kim, 1, 2025, 9, 9) };
	struct date later = { 2026, 11, 1 };

	(void)state;
	rounds[0].to = date_make(2022, 12, 31);
	rounds[0].precision = PRECISION_YEAR;
	rounds[0].date_status = FACT_REPORTED;
	rounds[0].status = ROUND_CLOSED;
	rounds[1].date_status = FACT_REPORTED;
	rounds[1].status = ROUND_CLOSED;
	assert_string_equal(ask("LICH than uyen", rounds, 1, later),
			    "Than Uyen: chua co dot sap toi. Dot truoc: nam 2022. Soan LICH de xem ca tinh.");
	assert_string_equal(
		ask("LICH than uyen", rounds, 3, later),
		"Than Uyen: chua co dot sap toi. Dot truoc: 18/05/2024. Soan LICH de xem ca tinh.");
	assert_string_equal(
		ask("LICH than uyen", rounds, 4, later),
		"Than Uyen: chua co dot sap toi. Dot truoc: 09/09/2025, Muong Kim. Soan LICH de xem ca tinh.");
	assert_string_equal(ask("LICH", rounds, 2, later),
			    "Hien mau: chua co dot sap toi. Dot truoc: 18/05/2024, Than Uyen.");
	assert_string_equal(ask("LICH", rounds, 0, later), "Hien mau: chua co dot sap toi.");
	assert_string_equal(ask("LICH co dau", rounds, 0, later), "Chưa có đợt sắp tới.");
}

static void places_are_met_through_their_land(void **state)
{
	struct round rounds[3] = { official(province, 1, 2025, 6, 14), official(muong_kim, 1, 2025, 9, 9),
				   official(wards, 2, 2025, 12, 12) };
	struct round nowhere = official(NULL, 0, 2025, 11, 28);

	(void)state;
	assert_string_equal(ask("LICH huyen than uyen", rounds, 3, may), "Than Uyen: Muong Kim 09/09.");
	assert_string_equal(ask("LICH xa muong kim", rounds, 3, may), "Muong Kim: 09/09.");
	/* Tân Phong took a slice of Tam Đường: a round there is the city's, not Tam Đường's. */
	assert_string_equal(ask("LICH tam duong", rounds, 3, may),
			    "Tam Duong: chua co dot sap toi. Soan LICH de xem ca tinh.");
	assert_string_equal(ask("LICH tan phong", rounds, 3, may), "Tan Phong: 12/12.");
	assert_string_equal(ask("LICH lai chau", rounds, 3, may),
			    "Lai Chau: 14/06. Tan Phong, Doan Ket 12/12.");
	assert_string_equal(ask("LICH tinh lai chau", rounds, 3, may),
			    "Lai Chau: Lai Chau 14/06. Muong Kim 09/09. Tan Phong, Doan Ket 12/12.");
	assert_string_equal(ask("LICH sin ho", rounds, 3, may),
			    "Sin Ho: chua co dot sap toi. Soan LICH de xem ca tinh.");
	assert_string_equal(ask("LICH lai chau", &nowhere, 1, may), "Lai Chau: 28/11, chua ro noi.");
	assert_string_equal(ask("LICH", &nowhere, 1, may), "Hien mau: 28/11, chua ro noi.");
	assert_string_equal(ask("LICH than uyen", &nowhere, 1, may),
			    "Than Uyen: chua co dot sap toi. Soan LICH de xem ca tinh.");
}

static void demonstration_data_says_so(void **state)
{
	struct round rounds[2] = { official(than_uyen, 1, 2025, 5, 18), official(sin_ho, 1, 2025, 5, 20) };

	(void)state;
	rounds[1].demo = true;
	assert_string_equal(ask("LICH sin ho", rounds, 2, may), "MAU: Sin Ho: 20/05.");
	assert_string_equal(ask("LICH", rounds, 2, may), "Hien mau: Than Uyen 18/05. (mau) Sin Ho 20/05.");
}

static void unknown_places_get_near_names(void **state)
{
	const char *answer;

	(void)state;
	assert_string_equal(
		ask("LICH thna uyen", NULL, 0, may),
		"Khong ro dia danh thna uyen. Co phai: Than Uyen, Tan Uyen? Soan LICH <ten xa/huyen>.");
	assert_string_equal(ask("LICH washington dc 20500", NULL, 0, may),
			    "Khong ro dia danh washington dc 20500. Soan LICH <ten xa/huyen>.");
	assert_string_equal(ask("LICH <script>`${x}", NULL, 0, may),
			    "Khong ro dia danh script x. Soan LICH <ten xa/huyen>.");
	answer = ask("LICH mot noi rat la xa xoi ma khong ai biet la o dau ca tren doi nay dau nhe", NULL, 0,
		     may);
	assert_string_equal(answer,
			    "Khong ro dia danh mot noi rat la xa xoi ma khong. Soan LICH <ten xa/huyen>.");
	answer = ask("LICH thna uyen co dau", NULL, 0, may);
	assert_string_equal(answer, "Không rõ địa danh thna uyen. Có phải: Than Uyên, Tân Uyên? Soạn LICH.");
}

static void help_fits(void **state)
{
	struct sms_request request;
	struct sms_answer answer;
	size_t septets;

	(void)state;
	sms_parse("xin chao", &request);
	sms_answer_help(&request, "Hoi Chu thap do Lai Chau", &answer);
	assert_true(sms_is_gsm7(answer.text, &septets));
	assert_true(septets <= 160);
	assert_non_null(strstr(answer.text, "LICH <ten xa/huyen>"));
	assert_non_null(strstr(answer.text, "Hoi Chu thap do"));
	request.marks = true;
	sms_answer_help(&request, "Hội Chữ thập đỏ Lai Châu", &answer);
	assert_true(answer.ucs2);
	assert_true(text_length(answer.text) <= 70);
	assert_non_null(strstr(answer.text, "LICH <tên xã/huyện>"));
}

/* ---- certificates ---- */

static const char *told(const char *text, const struct certificate_facts *facts, bool *ucs2)
{
	static struct sms_answer answer;
	struct certificate_number number;
	struct sms_request request;
	char code[CERTIFICATE_CODE_SIZE];
	enum sms_slip slip;
	size_t septets;

	sms_parse(text, &request);
	assert_int_equal(request.command, SMS_CERTIFICATE);
	slip = sms_certificate_asked(&request, code, sizeof(code), &number);
	if (slip != SMS_SLIP_NONE)
		sms_answer_slip(&request, slip, "Hội CTĐ", &answer);
	else if (*code)
		sms_answer_certificate(&request, &(struct certificate_number){ "ABCD", 2026, 1234567 }, facts, NULL, &answer);
	else
		sms_answer_certificate(&request, &number, facts, NULL, &answer);
	assert_int_equal(answer.ucs2, request.marks);
	if (answer.ucs2)
		assert_true(text_length(answer.text) <= SMS_UCS2_MAX);
	else
		assert_true(sms_is_gsm7(answer.text, &septets) && septets <= SMS_GSM7_MAX);
	*ucs2 = answer.ucs2;
	return answer.text;
}

static void certificates_are_told(void **state)
{
	struct certificate_facts facts = { .volume_ml = 1000, .redeemed_ml = 0, .issued_on = { 2026, 3, 13 }, .donated_on = { 2026, 3, 12 } };
	char code[CERTIFICATE_CODE_SIZE], text[64];
	bool ucs2;

	(void)state;
	certificate_code_make(123456789012345u, code);
	snprintf(text, sizeof(text), "xn %s", code);
	assert_string_equal(told(text, &facts, &ucs2),
			    "Giay hien mau ABCD26-1234567-7 la giay that: hien 1000 ml ngay 12/03/2026, cap ngay 13/03/2026. Con 1000 ml.");
	facts.redeemed_ml = 300;
	assert_string_equal(told("XN LC26-000123-B", &facts, &ucs2),
			    "Giay hien mau LC26-000123-B la giay that: hien 1000 ml ngay 12/03/2026, cap ngay 13/03/2026. Da dung 300 ml, con 700 ml.");
	facts.redeemed_ml = 1000;
	assert_non_null(strstr(told(text, &facts, &ucs2), "con 0 ml."));
	snprintf(text, sizeof(text), "xn %s co dau", code);
	facts.redeemed_ml = 0;
	assert_string_equal(told(text, &facts, &ucs2), "Giấy ABCD26-1234567-7 có thật, 1000 ml, còn 1000 ml. Cấp 13/03/2026.");
	facts.voided = true;
	assert_string_equal(told(text, &facts, &ucs2), "Giấy ABCD26-1234567-7 đã HỦY, không còn giá trị.");
	assert_non_null(strstr(told("XN LC26-000123-B", &facts, &ucs2), "da bi HUY"));
	assert_string_equal(told("XN LC26-000123-B", NULL, &ucs2),
			    "Khong co giay hien mau nao voi ma nay. Hay xem lai ma tren giay.");
}

static void slips_are_helped(void **state)
{
	char code[CERTIFICATE_CODE_SIZE], text[64];
	bool ucs2;

	(void)state;
	certificate_code_make(123456789012345u, code);
	code[3] = code[3] == 'Z' ? 'Y' : 'Z';
	snprintf(text, sizeof(text), "xn %s", code);
	assert_true(text_starts_with(told(text, NULL, &ucs2), "Ma viet sai mot cho. Soan XN <ma 12 ky tu"));
	assert_true(text_starts_with(told("xn lc26 000123 c", NULL, &ucs2), "Ma viet sai mot cho."));
	assert_true(text_starts_with(told("XN", NULL, &ucs2), "Chua ro ma. Soan XN <ma 12 ky tu"));
	assert_true(text_starts_with(told("xn gi the co dau", NULL, &ucs2), "Chưa rõ mã. Soạn XN <12 ký tự"));
	assert_true(ucs2);
}

static void the_signature_comes_last_and_whole(void **state)
{
	struct round round = official(than_uyen, 1, 2025, 5, 18);
	struct sms_request request;
	struct sms_answer answer;

	(void)state;
	sms_parse("lich than uyen", &request);
	sms_answer_schedule(&request, &round, 1, map, may, "Hội CTĐ Lai Châu", &answer);
	assert_string_equal(answer.text, "Than Uyen: 18/05. Hoi CTD Lai Chau");
	round.venue = (struct named){
		"v", "Nhà thi đấu, Trung tâm Văn hóa, Thể thao và Truyền thông huyện Than Uyên, khu 2 "
		     "thị trấn Than Uyên, cạnh sân vận động trung tâm của cả huyện, phía sau chợ"
	};
	sms_answer_schedule(&request, &round, 1, map, may, "Hội CTĐ Lai Châu", &answer);
	assert_string_equal(answer.text, "Than Uyen: 18/05. Hoi CTD Lai Chau");
}

/* Whatever the rounds are, the answer is one message with at least one of them in it. */
static void every_answer_fits_one_message(void **state)
{
	static const char *const texts[] = { "LICH",
					     "LICH CO DAU",
					     "LICH tua sin chai",
					     "LICH tua sin chai co dau",
					     "lich huyen sin ho co dau",
					     "lich tinh lai chau co dau",
					     "lich sin ho" };
	static struct named host[] = { { "03529@2025-07-01", "Xã Tủa Sín Chải" },
				       { "03532@2025-07-01", "Xã Pu Sam Cáp" },
				       { "03394@2025-07-01", "Xã Sin Suối Hồ" } };
	uint32_t seed = 11;

	(void)state;
	for (int run = 0; run < 6000; run++) {
		struct round rounds[5];

		for (size_t i = 0; i < 5; i++) {
			uint32_t bits = seed = seed * 1664525 + 1013904223;

			bits >>= 8;
			rounds[i] = official(host, 1 + bits % 3, 2025 + (bits >> 2 & 1), 12, 12 + (int)i);
			rounds[i].date_status = 1 + (bits >> 3) % 3;
			rounds[i].time_status = (bits >> 5) % 4;
			rounds[i].start_minute = 450;
			rounds[i].end_minute = 690;
			rounds[i].place_status = (bits >> 7) % 4;
			rounds[i].status = 1 + (bits >> 9) % 7;
			if (rounds[i].status == ROUND_CLOSED)
				rounds[i].status = ROUND_OPEN;
			rounds[i].demo = bits >> 12 & 1;
			if (bits >> 13 & 1)
				rounds[i].moved_from = date_make(2025, 11, 10);
			if (bits >> 14 & 1)
				rounds[i].venue =
					(struct named){ "v", "Nhà văn hóa `bản` [Nậm Cày] – khu €1\nxã" };
		}
		const char *answer = ask(texts[run % 7], rounds, 5, may);

		if (strchr(answer, '2') == NULL)
			fail_msg("run %d: %s", run, answer);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_understood),
		cmocka_unit_test(long_and_wild_texts_are_cut),
		cmocka_unit_test(gateway_bytes_are_read),
		cmocka_unit_test(any_bytes_give_valid_utf8),
		cmocka_unit_test(the_gsm_alphabet_is_known),
		cmocka_unit_test(an_official_round_is_told_whole),
		cmocka_unit_test(a_proposed_day_is_never_told),
		cmocka_unit_test(changes_are_said),
		cmocka_unit_test(the_last_round_is_told_when_none_comes),
		cmocka_unit_test(places_are_met_through_their_land),
		cmocka_unit_test(demonstration_data_says_so),
		cmocka_unit_test(unknown_places_get_near_names),
		cmocka_unit_test(help_fits),
		cmocka_unit_test(certificates_are_told),
		cmocka_unit_test(slips_are_helped),
		cmocka_unit_test(the_signature_comes_last_and_whole),
		cmocka_unit_test(every_answer_fits_one_message),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
