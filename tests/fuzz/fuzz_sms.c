#include <event2/event.h>

#include "base/memory.h"
#include "domain/certificate.h"
#include "domain/lai_chau_units.h"
#include "domain/round.h"
#include "domain/sms.h"
#include "fuzz/fuzz.h"
#include "http/feed.h"
#include "http/http.h"

/*
 * A donor's message from the gateway's bytes to the answer. Byte 0: coding,
 * charset, and whether the text comes as a query string through the front;
 * byte 1: today; byte 2: signature and number of rounds (0 to 7), of 5 bytes
 * each; the rest is the text.
 *
 * Oracle: whatever was typed, the answer is one message: 160 septets of plain
 * ASCII in the GSM alphabet, or 70 UTF-16 units and only for who asked for
 * marks. It is the same each time, and capitals make no difference.
 */
static const char *const charsets[] = {
	NULL, "", "UTF-8", "UTF-16BE", "UTF-16", "UTF-16LE", "UCS-2", "ISO-8859-1", "WINDOWS-1252", "GSM", "US-ASCII",
	"KOI8-R",
};
static const char *const signatures[] = {
	NULL, "", "CTD Lai Chau", "Hội Chữ thập đỏ", "{[~]}", "€",
	"Mot chu ky rat dai cua co quan gui tin, dai hon ca mot tin nhan thong thuong nen khong bao gio vua trong cho "
	"trong con lai cua mot tin nhan tra loi, du tin do ngan den dau",
};

static struct unit_map *units;
static struct http_server *server;

/* ---- the rounds of one input ---- */

enum { ROUNDS_MAX = 7 };

struct board {
	struct round rounds[ROUNDS_MAX];
	struct named hosts[ROUNDS_MAX][3];
	size_t       count;
};

static void fill_hosts(struct round *round, struct named *hosts, unsigned place, unsigned count)
{
	round->units = hosts;
	round->nunits = count % 4;
	for (size_t i = 0; i < round->nunits; i++) {
		const struct unit *unit = unit_at(units, (place * 3 + i * 7) % unit_count(units));

		hosts[i] = (struct named){ unit->id, unit->full_name };
	}
}

static void fill_round(struct round *round, struct named *hosts, const uint8_t **data, size_t *size, struct date day)
{
	static const char *const venues[] = { NULL, "Nhà văn hóa", "Trung tâm Hội nghị – Văn hóa tỉnh, phường Tân Phong" };
	unsigned place = fuzz_byte(data, size), state = fuzz_byte(data, size), step = fuzz_byte(data, size);
	unsigned facts = fuzz_byte(data, size), more = fuzz_byte(data, size);

	round_init(round);
	snprintf(round->id, sizeof(round->id), "00000000-0000-7000-8000-0000000000%02x", place);
	round->code = "LC25-07";
	round->title = "Đợt hiến máu";
	round->status = (enum round_status)(state % ROUND_STATUS_COUNT);
	round->precision = (enum date_precision)(state / 8 % DATE_PRECISION_COUNT);
	round->demo = state & 64;
	round->never_public = state & 128;
	round->from = round->to = date_add_days(day, (int)step);
	if (round->precision != PRECISION_DAY) {
		int month = round->precision == PRECISION_MONTH ? round->from.month : 12;

		round->from = date_make(round->from.year, round->precision == PRECISION_MONTH ? month : 1, 1);
		round->to = date_make(round->from.year, month, date_month_length(round->from.year, month));
	}
	round->date_status = (enum fact_status)(facts & 3);
	round->time_status = (enum fact_status)(facts >> 2 & 3);
	round->place_status = (enum fact_status)(facts >> 4 & 3);
	if (facts & 64)
		round->start_minute = (int)(more * 5);
	if (facts & 128)
		round->end_minute = 1440;
	round->venue.name = venues[more % ARRAY_SIZE(venues)];
	round->venue.id = round->venue.name ? "v" : NULL;
	if (more & 64)
		round->moved_from = date_add_days(round->from, -30);
	fill_hosts(round, hosts, place, more >> 3);
}

/* In order of date, as the caller promises. */
static void fill_board(struct board *board, const uint8_t **data, size_t *size)
{
	struct date day = date_make(2025, 1, 1);

	for (size_t i = 0; i < board->count; i++) {
		struct round *round = &board->rounds[i];

		fill_round(round, board->hosts[i], data, size, day);
		if (date_compare(round->from, day) > 0)
			day = round->from;
		else
			round->from = day;
		if (date_compare(round->to, round->from) < 0)
			round->to = round->from;
	}
}

/* ---- what must be so ---- */

static size_t utf16_units(const char *utf8)
{
	size_t count = 0;

	for (const unsigned char *p = (const unsigned char *)utf8; *p; p++)
		count += (*p & 0xc0) == 0x80 ? 0 : *p >= 0xf0 ? 2 : 1;
	return count;
}

static void check_answer(const struct sms_request *request, const struct sms_answer *answer)
{
	size_t len = strnlen(answer->text, sizeof(answer->text)), septets;

	FUZZ_CHECK(answer->segments == 1, "%d segments", answer->segments);
	FUZZ_CHECK(len > 0 && len < sizeof(answer->text) && text_valid_utf8(answer->text, len), "length %zu", len);
	if (answer->ucs2) {
		FUZZ_CHECK(request->marks, "marks that nobody asked for: %s", answer->text);
		FUZZ_CHECK(utf16_units(answer->text) <= SMS_UCS2_MAX, "%s", answer->text);
		return;
	}
	FUZZ_CHECK(sms_is_gsm7(answer->text, &septets) && septets <= SMS_GSM7_MAX, "%s", answer->text);
	for (const char *p = answer->text; *p; p++)
		FUZZ_CHECK((*p >= ' ' && *p < 0x7f) || *p == '\n', "%s", answer->text);
}

/* Of what can be read, a certificate with figures made of the number of days: worth much or little, used, void, none. */
static void ask_certificate(const struct sms_request *request, struct date today, const char *signature,
			    struct sms_answer *answer)
{
	int dice = (int)(date_days(today) / 3);
	struct certificate_facts facts = { .volume_ml = 1 + dice * 7 % 1000, .redeemed_ml = dice % 5 ? 0 : dice * 7 % 1000,
					   .voided = dice % 7 == 0, .issued_on = today, .donated_on = date_add_days(today, -9) };
	struct certificate_number number;
	char code[CERTIFICATE_CODE_SIZE];
	enum sms_slip slip = sms_certificate_asked(request, code, sizeof(code), &number);

	FUZZ_CHECK((slip == SMS_SLIP_NONE) == (*code || number.ordinal > 0), "slip %d, \"%s\"", (int)slip, code);
	if (slip != SMS_SLIP_NONE) {
		sms_answer_slip(request, slip, signature, answer);
		return;
	}
	if (*code)
		number = (struct certificate_number){ "ZZZZ", 2099, CERTIFICATE_ORDINAL_MAX };
	sms_answer_certificate(request, &number, dice % 11 ? &facts : NULL, signature, answer);
	if (dice % 13 == 0)
		sms_answer_enough(request, 60, signature, answer);
}

static void ask(const struct sms_request *request, const struct board *board, struct date today,
		const char *signature, struct sms_answer *answer)
{
	if (request->command == SMS_SCHEDULE)
		sms_answer_schedule(request, board->rounds, board->count, units, today, signature, answer);
	else if (request->command == SMS_CERTIFICATE)
		ask_certificate(request, today, signature, answer);
	else
		sms_answer_help(request, signature, answer);
}

/* Capitals of ASCII letters turned over. */
static void turn_case(char *text)
{
	for (; *text; text++)
		if ((*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z'))
			*text = (char)(*text ^ 0x20);
}

static void converse(char *typed, const struct board *board, struct date today, const char *signature)
{
	struct sms_request request, again;
	struct sms_answer answer, second;

	FUZZ_CHECK(text_valid_utf8(typed, strlen(typed)), "decoded text");
	sms_parse(typed, &request);
	FUZZ_CHECK(memchr(request.argument, '\0', sizeof(request.argument)), "argument without end");
	ask(&request, board, today, signature, &answer);
	check_answer(&request, &answer);
	ask(&request, board, today, signature, &second);
	FUZZ_CHECK(strcmp(answer.text, second.text) == 0, "%s\n%s", answer.text, second.text);
	turn_case(typed);
	sms_parse(typed, &again);
	FUZZ_CHECK(request.command == again.command && request.marks == again.marks &&
			   strcmp(request.argument, again.argument) == 0,
		   "\"%s\" and \"%s\"", request.argument, again.argument);
}

/* ---- the way through the front ---- */

static struct {
	char   text[1600];
	size_t texts;
} inbound;

static void on_head(struct http_exchange *x, void *owner)
{
	(void)x;
	(void)owner;
}

static const struct http_param *find(const struct http_param *params, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (streq(params[i].name, name) && params[i].value_len > 0)
			return &params[i];
	return NULL;
}

static void on_request(struct http_exchange *x, void *owner)
{
	const struct http_param *text, *charset, *coding;
	struct http_param *params;
	struct error err;
	size_t count;

	(void)owner;
	error_clear(&err);
	if (http_query(x, &params, &count, &err) && (text = find(params, count, "text")) != NULL) {
		charset = find(params, count, "charset");
		coding = find(params, count, "coding");
		sms_decode(text->value, text->value_len, coding ? coding->value[0] - '0' : -1,
			   charset ? charset->value : NULL, inbound.text, sizeof(inbound.text));
		inbound.texts++;
	} else if (err.code != ERR_NONE) {
		fuzz_check_refusal(&err);
	}
	http_reply(x, &(struct http_reply){ .status = 204 });
}

static bool plain_errors(const char *path, void *owner)
{
	(void)path;
	(void)owner;
	return true;
}

static void start(void)
{
	static const struct http_app app = { on_head, on_request, plain_errors };
	struct http_limits limits;

	units = test_units();
	http_limits_init(&limits);
	server = http_server_new(event_base_new(), -1, &app, NULL, &limits, NULL);
}

static bool through_the_front(const char *query, size_t len)
{
	static const char before[] = "GET /sms/kannel?", after[] = " HTTP/1.1\r\nHost: x\r\n\r\n";
	struct http_feed *feed = http_feed_new(server);
	size_t output;

	inbound.texts = 0;
	http_feed_bytes(feed, before, strlen(before));
	http_feed_bytes(feed, query, len);
	http_feed_bytes(feed, after, strlen(after));
	FUZZ_CHECK(*http_feed_output(feed, &output), "no answer");
	http_feed_free(feed);
	return inbound.texts > 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct board board = { 0 };
	unsigned how = fuzz_byte(&data, &size), day = fuzz_byte(&data, &size), rest = fuzz_byte(&data, &size);
	struct date today = date_add_days(date_make(2025, 1, 1), (int)day * 3);
	const char *signature = signatures[(rest >> 3) % ARRAY_SIZE(signatures)];
	char *text;

	if (!units)
		start();
	board.count = rest & 7;
	fill_board(&board, &data, &size);
	text = fuzz_rest(data, size);
	if (how & 128) {
		if (through_the_front(text, size))
			converse(inbound.text, &board, today, signature);
	} else {
		sms_decode(text, size, (int)(how & 3) - 1, charsets[(how >> 2 & 31) % ARRAY_SIZE(charsets)],
			   inbound.text, sizeof(inbound.text));
		converse(inbound.text, &board, today, signature);
	}
	free(text);
	return 0;
}
