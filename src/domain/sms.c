#include "domain/sms.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/text.h"
#include "domain/certificate.h"
#include "domain/round.h"
#include "domain/sms_text.h"
#include "domain/unit.h"

enum { PLACES_MAX = 8, ITEMS_MAX = 6, SHOWN_MAX = 4, NEAR_MAX = 3, POSTPONED_DAYS = 30 };

/* How much of a round is told: a piece that does not fit is told shorter, never cut. */
enum detail {
	DETAIL_FULL,
	DETAIL_NO_VENUE,
	DETAIL_SHORT, /* first host, new date: no hours, no old date */
	DETAIL_BARE,  /* no host either, where the head names the place */
	DETAIL_COUNT
};

/* What is asked, and by when. */
struct question {
	const struct unit_map *units;
	struct date today;
	const struct unit *places[PLACES_MAX];
	size_t nplaces;     /* 0: everywhere */
	bool province;      /* the province is among the places ... */
	bool province_only; /* ... and alone */
};

/* ---- which rounds ---- */

/*
 * The last day on which a round is still to come. A proposed day is told as
 * its month, so the month must be over before it is past.
 */
static struct date last_day(const struct round *round)
{
	struct date to = round->to;

	if (round->date_status == FACT_PROPOSED && round->precision == PRECISION_DAY)
		to.day = (int8_t)date_month_length(to.year, to.month);
	return to;
}

static bool is_coming(const struct round *round, struct date today)
{
	if (!round_is_public(round) || round->status == ROUND_CLOSED || date_is_none(round->from))
		return false;
	if (round->status == ROUND_POSTPONED)
		return date_days(last_day(round)) + POSTPONED_DAYS >= date_days(today);
	return date_compare(last_day(round), today) >= 0;
}

/* A past round that took place, as far as anybody knows. */
static bool took_place(const struct round *round, struct date today)
{
	if (!round_is_public(round) || date_is_none(round->from) || round->status == ROUND_CANCELLED ||
	    round->status == ROUND_POSTPONED)
		return false;
	return round->status == ROUND_CLOSED ||
	       (fact_is_known(round->date_status) && date_compare(round->to, today) < 0);
}

/*
 * A host unit meets the place when their land does. The province holds all
 * land, so it counts for itself alone, or everybody's answer would be full of
 * it; whoever asks for the province alone is shown everything.
 */
static bool unit_meets(const struct question *question, const struct unit *host)
{
	if (host->level == UNIT_PROVINCE)
		return question->province;
	for (size_t i = 0; i < question->nplaces; i++)
		if (question->places[i]->level != UNIT_PROVINCE &&
		    unit_serves(question->units, question->places[i], host))
			return true;
	return false;
}

static bool is_asked_for(const struct question *question, const struct round *round)
{
	if (question->nplaces == 0 || question->province_only)
		return true;
	if (round->nunits == 0)
		return question->province;
	for (size_t i = 0; i < round->nunits; i++) {
		const struct unit *host = unit_by_id(question->units, round->units[i].id);

		if (host && unit_meets(question, host))
			return true;
	}
	return false;
}

/* ---- how a round is told ---- */

static void add_date(struct sms_line *line, struct date date, struct date today, bool year)
{
	line_add_number(line, date.day, 2);
	line_add(line, "/");
	line_add_number(line, date.month, 2);
	if (year || date.year != today.year) {
		line_add(line, "/");
		line_add_number(line, date.year, 4);
	}
}

static void add_month(struct sms_line *line, struct date date)
{
	line_add(line, "tháng ");
	line_add_number(line, date.month, 1);
	line_add(line, "/");
	line_add_number(line, date.year, 4);
}

static void add_hour(struct sms_line *line, int minute)
{
	line_add_number(line, minute / 60, 1);
	line_add(line, "h");
	if (minute % 60)
		line_add_number(line, minute % 60, 2);
}

static void add_hours(struct sms_line *line, const struct round *round)
{
	if (round->start_minute < 0 || !fact_is_known(round->time_status))
		return;
	line_add(line, " ");
	add_hour(line, round->start_minute);
	if (round->end_minute > 0) {
		line_add(line, "-");
		add_hour(line, round->end_minute);
	}
}

/* The period as precisely as it is known; a proposed one never with a day. */
static void add_period(struct sms_line *line, const struct round *round, struct date today, bool year)
{
	if (round->precision == PRECISION_YEAR) {
		line_add(line, "năm ");
		line_add_number(line, round->from.year, 4);
	} else if (round->precision == PRECISION_MONTH || !fact_is_known(round->date_status)) {
		add_month(line, round->from);
	} else {
		add_date(line, round->from, today, year);
	}
}

static void add_when(struct sms_line *line, const struct round *round, struct date today, enum detail detail)
{
	bool day = round->precision == PRECISION_DAY;

	if (!fact_is_known(round->date_status)) {
		line_add(line, "dự kiến ");
		add_period(line, round, today, false);
		line_add(line, ", chưa chính thức");
		return;
	}
	if (day && date_compare(round->from, today) == 0)
		line_add(line, "hôm nay ");
	add_period(line, round, today, false);
	if (detail < DETAIL_SHORT)
		add_hours(line, round);
	if (round->date_status == FACT_REPORTED && round->status != ROUND_RUNNING)
		line_add(line, " (theo báo chí)");
}

/* When it is, and what does not go as it was told. True: it does not take place then. */
static bool add_change(struct sms_line *line, const struct round *round, struct date today,
		       enum detail detail)
{
	if (round->status == ROUND_CANCELLED || round->status == ROUND_POSTPONED) {
		if (!fact_is_known(round->date_status))
			line_add(line, "đợt dự kiến ");
		add_period(line, round, today, false);
		line_add(line, round->status == ROUND_CANCELLED ? ": HỦY" : ": HOÃN, chưa có ngày mới");
		return true;
	}
	if (!date_is_none(round->moved_from)) {
		if (detail < DETAIL_SHORT) {
			add_date(line, round->moved_from, today, false);
			line_add(line, " ");
		}
		line_add(line, "đổi sang ");
		add_when(line, round, today, detail);
		return false;
	}
	add_when(line, round, today, detail);
	if (round->status == ROUND_MOVED && fact_is_known(round->date_status))
		line_add(line, " (đã đổi)");
	return false;
}

static const struct {
	const char *words, *letters;
} short_forms[] = {
	{ "Trung tâm Y tế", "TTYT" },
	{ "Trung tâm Hội nghị - Văn hóa", "TT Hội nghị" },
	{ "Trung tâm Hội nghị", "TT Hội nghị" },
	{ "Trung tâm Văn hóa", "TTVH" },
	{ "Trung tâm", "TT" },
	{ "Bệnh viện Đa khoa", "BVĐK" },
	{ "Bệnh viện", "BV" },
	{ "Ủy ban nhân dân", "UBND" },
	{ "Uỷ ban nhân dân", "UBND" },
	{ "Trung học phổ thông", "THPT" },
};

/* A venue's name, its usual words cut to the letters that everybody reads. */
static void add_venue(struct sms_line *line, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(short_forms); i++) {
		size_t len = strlen(short_forms[i].words);

		if (strncasecmp(name, short_forms[i].words, len) == 0) {
			line_add(line, short_forms[i].letters);
			line_add(line, name + len);
			return;
		}
	}
	line_add(line, name);
}

static const char *host_name(const struct question *question, const struct named *host)
{
	const struct unit *unit = unit_by_id(question->units, host->id);

	return unit ? unit->name : host->name ? host->name : "";
}

/* "Tân Phong, Đoàn Kết"; of more than two hosts the first and how many more. */
static void add_hosts(struct sms_line *line, const struct question *question, const struct round *round,
		      enum detail detail)
{
	if (round->nunits == 0)
		return;
	line_add(line, host_name(question, &round->units[0]));
	if (detail >= DETAIL_SHORT)
		return;
	if (round->nunits == 2) {
		line_add(line, ", ");
		line_add(line, host_name(question, &round->units[1]));
	} else if (round->nunits > 2) {
		line_add(line, " và ");
		line_add_number(line, (int)round->nunits - 1, 1);
		line_add(line, " nơi khác");
	}
}

/* The host need not be said again when it has the name that was asked for. */
static bool host_is_asked(const struct question *question, const struct round *round)
{
	if (question->nplaces == 0 || question->province_only || round->nunits == 0)
		return false;
	for (size_t i = 0; i < round->nunits; i++)
		if (strcmp(host_name(question, &round->units[i]), question->places[0]->name) == 0)
			return true;
	return false;
}

/* One round, whole. A venue is told only where it is not a mere proposal. */
static void tell_round(struct sms_line *line, const struct question *question, const struct round *round,
		       enum detail detail)
{
	bool known = fact_is_known(round->date_status);
	bool host = round->nunits > 0 && !host_is_asked(question, round);

	line_clear(line);
	if (host && !(detail == DETAIL_BARE && question->nplaces)) {
		add_hosts(line, question, round, detail);
		if (known && round->place_status == FACT_PROPOSED && detail < DETAIL_SHORT)
			line_add(line, " (nơi dự kiến)");
		line_add(line, " ");
	}
	bool off = add_change(line, round, question->today, detail);

	if (detail == DETAIL_FULL && !off && known && fact_is_known(round->place_status) && round->venue.name) {
		line_add(line, ", ");
		add_venue(line, round->venue.name);
	}
	if (detail < DETAIL_SHORT && !off && known && round->nunits == 0 && !round->venue.name)
		line_add(line, ", chưa rõ nơi");
	line_add(line, ".");
}

/* ---- the answer ---- */

static void add_signature(struct sms_writer *writer, const char *signature)
{
	struct sms_line line;

	if (text_is_blank(signature))
		return;
	line_clear(&line);
	line_add(&line, " ");
	line_add(&line, signature);
	writer_add(writer, line.text);
}

static void add_head(struct sms_writer *writer, const struct question *question, bool demo)
{
	struct sms_line line;

	line_clear(&line);
	if (demo)
		line_add(&line, "MẪU: ");
	if (question->nplaces)
		line_add(&line, question->places[0]->name);
	else if (!writer->answer->ucs2)
		line_add(&line, "Hiến máu");
	if (question->nplaces || !writer->answer->ucs2)
		line_add(&line, ": ");
	writer_add(writer, line.text);
}

/* One round, with as much of it as fits. */
static bool add_round(struct sms_writer *writer, const struct question *question, const struct round *round,
		      bool first, bool mark_demo)
{
	struct sms_line item, piece;

	for (int detail = DETAIL_FULL; detail < DETAIL_COUNT; detail++) {
		tell_round(&item, question, round, (enum detail)detail);
		if (!first && !mark_demo)
			line_capital(&item);
		line_clear(&piece);
		line_add(&piece, first ? "" : " ");
		line_add(&piece, mark_demo ? "(mẫu) " : "");
		line_add(&piece, item.text);
		if (writer_add(writer, piece.text))
			return true;
		if (!first && detail == DETAIL_NO_VENUE)
			return false;
	}
	return false;
}

static void answer_rounds(struct sms_writer *writer, const struct question *question,
			  const struct round *const *items, size_t count)
{
	size_t demos = 0;

	for (size_t i = 0; i < count; i++)
		demos += items[i]->demo;
	bool all_demo = demos == count;

	add_head(writer, question, all_demo);
	for (size_t i = 0; i < count && i < SHOWN_MAX; i++)
		if (!add_round(writer, question, items[i], i == 0, items[i]->demo && !all_demo))
			break;
}

static void answer_nothing(struct sms_writer *writer, const struct question *question,
			   const struct round *last)
{
	struct sms_line line;

	add_head(writer, question, last && last->demo);
	writer_add(writer, writer->len ? "chưa có đợt sắp tới." : "Chưa có đợt sắp tới.");
	if (last) {
		line_clear(&line);
		line_add(&line, " Đợt trước: ");
		add_period(&line, last, question->today, true);
		if (last->nunits > 0 && !host_is_asked(question, last)) {
			line_add(&line, ", ");
			add_hosts(&line, question, last, DETAIL_FULL);
		}
		line_add(&line, ".");
		writer_add(writer, line.text);
	}
	if (question->nplaces)
		writer_add(writer, " Soạn LICH để xem cả tỉnh.");
}

/* The text asked for, cut at a blank where one is near; it is folded, so it holds letters and digits alone.
 */
static void add_asked(struct sms_line *line, const char *argument, size_t max)
{
	char text[64];
	size_t len = strlen(argument);

	if (len > max) {
		len = max;
		while (len > max / 2 && argument[len] != ' ')
			len--;
		if (argument[len] != ' ')
			len = max;
	}
	memcpy(text, argument, len);
	text[len] = '\0';
	line_add(line, text);
}

static void answer_unknown(struct sms_writer *writer, const struct question *question, const char *argument)
{
	const struct unit *near[NEAR_MAX];
	size_t count = unit_nearest(question->units, argument, question->today, near, NEAR_MAX);
	struct sms_line line;

	line_clear(&line);
	line_add(&line, "Không rõ địa danh ");
	add_asked(&line, argument, writer->answer->ucs2 ? 12 : 30);
	line_add(&line, ".");
	writer_add(writer, line.text);
	for (size_t i = 0; i < count; i++) {
		line_clear(&line);
		line_add(&line, i ? ", " : " Có phải: ");
		line_add(&line, near[i]->name);
		/* the question mark must still fit */
		if (strlen(near[i]->name) + 12 > writer_left(writer) || !writer_add(writer, line.text)) {
			count = i;
			break;
		}
	}
	if (count)
		writer_add(writer, "?");
	if (!writer_add(writer, " Soạn LICH <tên xã/huyện>."))
		writer_add(writer, " Soạn LICH.");
}

static void find_places(struct question *question, const char *argument)
{
	bool smaller = false;
	size_t count;

	if (!*argument)
		return;
	count = unit_match(question->units, argument, question->today, question->places, PLACES_MAX);
	question->nplaces = count < PLACES_MAX ? count : PLACES_MAX;
	for (size_t i = 0; i < question->nplaces; i++) {
		bool province = question->places[i]->level == UNIT_PROVINCE;

		question->province |= province;
		smaller |= !province;
	}
	question->province_only = question->province && !smaller;
}

void sms_answer_schedule(const struct sms_request *request, const struct round *rounds, size_t nrounds,
			 const struct unit_map *units, struct date today, const char *signature,
			 struct sms_answer *answer)
{
	struct question question = { .units = units, .today = today };
	const struct round *items[ITEMS_MAX];
	const struct round *last = NULL;
	struct sms_writer writer;
	size_t count = 0;

	writer_init(&writer, answer, request->marks);
	find_places(&question, request->argument);
	if (*request->argument && question.nplaces == 0) {
		answer_unknown(&writer, &question, request->argument);
		return;
	}
	for (size_t i = 0; i < nrounds && count < ITEMS_MAX; i++)
		if (is_coming(&rounds[i], today) && is_asked_for(&question, &rounds[i]))
			items[count++] = &rounds[i];
	if (count > 0) {
		answer_rounds(&writer, &question, items, count);
	} else {
		for (size_t i = nrounds; i > 0 && !last; i--)
			if (took_place(&rounds[i - 1], today) && is_asked_for(&question, &rounds[i - 1]))
				last = &rounds[i - 1];
		answer_nothing(&writer, &question, last);
	}
	add_signature(&writer, signature);
}

void sms_answer_help(const struct sms_request *request, const char *signature, struct sms_answer *answer)
{
	struct sms_writer writer;

	writer_init(&writer, answer, request->marks);
	if (request->marks) {
		writer_add(&writer, "Soạn LICH <tên xã/huyện> để xem lịch hiến máu, vd: LICH THAN UYEN.");
	} else {
		writer_add(&writer, "Soan LICH <ten xa/huyen> de xem lich hien mau, vi du: LICH THAN UYEN.");
		writer_add(&writer, " LICH: ca tinh. XN <ma>: tra giay.");
		writer_add(&writer, " Them CO DAU: chu co dau.");
	}
	add_signature(&writer, signature);
}

/* ---- certificates ---- */

static void add_day(struct sms_line *line, const char *words, struct date date)
{
	line_add(line, words);
	line_add_number(line, date.day, 2);
	line_add(line, "/");
	line_add_number(line, date.month, 2);
	line_add(line, "/");
	line_add_number(line, date.year, 4);
}

static void add_ml(struct sms_line *line, const char *words, int ml)
{
	line_add(line, words);
	line_add_number(line, ml, 1);
	line_add(line, " ml");
}

/* Of the letters with marks there are 70: as much as is needed, and no more. */
static void tell_certificate(struct sms_line *line, const struct certificate_facts *facts, bool brief)
{
	if (facts->voided) {
		line_add(line, brief ? "đã HỦY, không còn giá trị." : "đã bị HỦY, không còn giá trị sử dụng.");
		return;
	}
	if (brief) {
		add_ml(line, "có thật, ", facts->volume_ml);
		add_ml(line, ", còn ", certificate_balance(facts));
		add_day(line, ". Cấp ", facts->issued_on);
	} else {
		add_ml(line, "là giấy thật: hiến ", facts->volume_ml);
		add_day(line, " ngày ", facts->donated_on);
		add_day(line, ", cấp ngày ", facts->issued_on);
		if (facts->redeemed_ml > 0)
			add_ml(line, ". Đã dùng ", facts->redeemed_ml);
		add_ml(line, facts->redeemed_ml > 0 ? ", còn " : ". Còn ", certificate_balance(facts));
	}
	line_add(line, ".");
}

void sms_answer_certificate(const struct sms_request *request, const struct certificate_number *number,
			    const struct certificate_facts *facts, const char *signature, struct sms_answer *answer)
{
	char text[CERTIFICATE_NUMBER_SIZE];
	struct sms_writer writer;
	struct sms_line line;

	writer_init(&writer, answer, request->marks);
	line_clear(&line);
	if (facts) {
		line_add(&line, request->marks ? "Giấy " : "Giấy hiến máu ");
		line_add(&line, certificate_number_format(number, text));
		line_add(&line, " ");
		tell_certificate(&line, facts, request->marks);
	} else {
		line_add(&line, "Không có giấy hiến máu nào với mã này.");
	}
	writer_add(&writer, line.text);
	if (!facts)
		writer_add(&writer, " Hãy xem lại mã trên giấy.");
	add_signature(&writer, signature);
}

void sms_answer_slip(const struct sms_request *request, enum sms_slip slip, const char *signature,
		     struct sms_answer *answer)
{
	struct sms_writer writer;

	writer_init(&writer, answer, request->marks);
	writer_add(&writer, slip == SMS_SLIP_MISTYPED ? "Mã viết sai một chỗ." : "Chưa rõ mã.");
	writer_add(&writer, request->marks ? " Soạn XN <12 ký tự ghi cạnh \"Mã tra cứu\">."
					   : " Soạn XN <mã 12 ký tự ghi cạnh chữ \"Mã tra cứu\" trên giấy>, ví dụ: XN 7K2M-0QXD-AF4R.");
	add_signature(&writer, signature);
}

void sms_answer_enough(const struct sms_request *request, int seconds, const char *signature, struct sms_answer *answer)
{
	struct sms_writer writer;
	struct sms_line line;

	writer_init(&writer, answer, request->marks);
	line_clear(&line);
	line_add(&line, "Đã hỏi nhiều giấy. Hãy đợi ");
	line_add_number(&line, seconds, 1);
	line_add(&line, " giây.");
	writer_add(&writer, line.text);
	add_signature(&writer, signature);
}
