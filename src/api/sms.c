#include <string.h>

#include "api/private.h"
#include "api/request.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "config/config.h"
#include "domain/sms.h"
#include "store/access_store.h"
#include "store/certificate_store.h"
#include "wire/sms_wire.h"

/*
 * Donors' messages, as a gateway hands them over: Kannel in a query string,
 * whose answer is the SMS itself, and others as JSON. Whatever a donor typed is
 * answered with 200; 503 says "send it again in a moment".
 */
struct inbound_op {
	struct request       *r;
	bool                  json;
	const char           *number, *message_id;       /* NULL: not given */
	struct sms_request    request;
	struct sms_answer     answer;
	struct board_waiter   waiter;
	struct sms_help_claim claim;
	struct certificate_number number_asked;
	char                  code_asked[CERTIFICATE_CODE_SIZE];
	struct certificate_load certificate;
};

/* Nobody types faster; who has a program finds no code of 50 bits either. */
enum { PHONE_CHECKS_A_MINUTE = 10 };

/* ---- answers ---- */

static void reply_text(struct inbound_op *op, const struct sms_answer *answer)
{
	if (answer && answer->ucs2)
		http_add_header(op->r->x, "X-Kannel-Coding", "2");
	http_reply(op->r->x, &(struct http_reply){
		.status = 200,
		.content_type = "text/plain; charset=utf-8",
		.body = answer ? answer->text : "",
		.body_len = answer ? strlen(answer->text) : 0,
	});
}

static void reply_json(struct inbound_op *op, const struct sms_answer *answer)
{
	struct buf *buf = api_scratch(op->r->api);
	struct json_out out = { .buf = buf };

	jout_object(&out, NULL);
	if (answer) {
		jout_object(&out, "reply");
		jout_text(&out, "text", answer->text);
		jout_text(&out, "encoding", answer->ucs2 ? "ucs2" : "gsm7");
		jout_int(&out, "segments", answer->segments);
		jout_end(&out);
	} else {
		jout_null(&out, "reply");
	}
	jout_end(&out);
	request_reply_json(op->r, 200, buf, NULL);
}

/* NULL: say nothing to this message. */
static void reply(struct inbound_op *op, const struct sms_answer *answer)
{
	if (op->json)
		reply_json(op, answer);
	else
		reply_text(op, answer);
}

/*
 * Many ask the same: an answer in the plain alphabet stays in memory, by what
 * was asked, until the rounds, the units or the day change. Marks are rare.
 */
static bool may_stay(const struct inbound_op *op)
{
	return !op->json && !op->request.marks;
}

static bool reply_from_memory(struct inbound_op *op)
{
	struct request *r = op->r;
	struct http_ready *ready;

	if (!may_stay(op))
		return false;
	ready = cache_find(&r->api->sms_cache, op->request.argument, r->today);
	if (ready)
		http_reply_ready(r->x, ready);
	return ready;
}

static void keep_and_reply(struct inbound_op *op)
{
	struct http_ready *ready = http_ready_new("text/plain; charset=utf-8", NULL, "no-store", op->answer.text,
						  strlen(op->answer.text));

	cache_put(&op->r->api->sms_cache, op->request.argument, op->r->today, http_ready_ref(ready));
	http_reply_ready(op->r->x, ready);
	http_ready_unref(ready);
}

static void on_board(struct board_waiter *waiter, bool available)
{
	struct inbound_op *op = container_of(waiter, struct inbound_op, waiter);
	const struct api *api = op->r->api;
	struct error err;

	if (!available) {
		error_clear(&err);
		error_set(&err, ERR_UNAVAILABLE, "The rounds cannot be read now. Send the message again in a moment.",
			  "Hiện không đọc được lịch. Hãy gửi lại tin sau giây lát.");
		request_reply_error(op->r, &err);
		return;
	}
	if (reply_from_memory(op))
		return;
	sms_answer_schedule(&op->request, api->board.rounds, api->board.nrounds, api->board.units, op->r->today,
			    api->worker->config->sms_signature, &op->answer);
	if (may_stay(op) && !op->answer.ucs2 && board_current(&api->board))
		keep_and_reply(op);
	else
		reply(op, &op->answer);
}

static void answer_help(struct inbound_op *op)
{
	sms_answer_help(&op->request, op->r->api->worker->config->sms_signature, &op->answer);
	reply(op, &op->answer);
}

/* The claim is a courtesy against endless help between two machines: without the database help goes out. */
static void on_claimed(struct sms_help_claim *claim)
{
	struct inbound_op *op = container_of(claim, struct inbound_op, claim);

	if (claim->error.code == ERR_NONE && !claim->granted) {
		reply(op, NULL);
		return;
	}
	answer_help(op);
}

/* ---- XN ---- */

static void reply_certificate(struct inbound_op *op, const struct certificate *certificate)
{
	sms_answer_certificate(&op->request, certificate ? &certificate->number : NULL, certificate ? &certificate->facts : NULL,
			       op->r->api->worker->config->sms_signature, &op->answer);
	reply(op, &op->answer);
}

static void on_certificate(struct certificate_load *load)
{
	struct inbound_op *op = container_of(load, struct inbound_op, certificate);
	struct error err;

	if (load->error.code == ERR_NONE || load->error.code == ERR_NOT_FOUND) {
		reply_certificate(op, load->error.code == ERR_NONE ? &load->certificate : NULL);
		return;
	}
	error_clear(&err);
	error_set(&err, ERR_UNAVAILABLE, "The certificates cannot be read now. Send the message again in a moment.",
		  "Hiện không tra được giấy chứng nhận. Hãy gửi lại tin sau giây lát.");
	request_reply_error(op->r, &err);
}

/* 0, or so many seconds to wait: a phone has a limit of its own within that of its gateway. */
static int phone_waits(const struct inbound_op *op)
{
	const struct request *r = op->r;

	if (!op->number || r->api->worker->config->limits_checks_per_minute == 0)
		return 0;
	return limits_take(&r->api->limits, arena_printf(r->arena, "phone %s", op->number), PHONE_CHECKS_A_MINUTE,
			   clock_mono_us());
}

static void answer_certificate(struct inbound_op *op)
{
	const char *signature = op->r->api->worker->config->sms_signature;
	enum sms_slip slip = sms_certificate_asked(&op->request, op->code_asked, sizeof(op->code_asked), &op->number_asked);
	int wait = phone_waits(op);

	if (wait > 0 || slip != SMS_SLIP_NONE) {
		if (wait > 0)
			sms_answer_enough(&op->request, wait, signature, &op->answer);
		else
			sms_answer_slip(&op->request, slip, signature, &op->answer);
		reply(op, &op->answer);
		return;
	}
	op->certificate = (struct certificate_load){ .arena = op->r->arena, .done = on_certificate };
	if (*op->code_asked)
		op->certificate.code = op->code_asked;
	else
		op->certificate.number = &op->number_asked;
	certificate_load_send(api_store(op->r->api), &op->certificate);
}

static void answer_start(struct inbound_op *op, const char *text)
{
	sms_parse(text, &op->request);
	if (op->request.command == SMS_CERTIFICATE) {
		answer_certificate(op);
		return;
	}
	if (op->request.command == SMS_SCHEDULE) {
		op->waiter.ready = on_board;
		board_wait(&op->r->api->board, &op->waiter);
		return;
	}
	/* Without a number, all donors would share one mark. */
	if (!op->number) {
		answer_help(op);
		return;
	}
	op->claim.number = op->number;
	op->claim.message_id = op->message_id;
	op->claim.arena = op->r->arena;
	op->claim.done = on_claimed;
	sms_help_claim_send(api_store(op->r->api), &op->claim);
}

/* ---- GET /sms/kannel ---- */

enum { MAX_TEXT = 1600 };

static const struct http_param *find_param(const struct http_param *params, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (streq(params[i].name, name) && params[i].value_len > 0)
			return &params[i];
	return NULL;
}

static int read_coding(const struct http_param *param)
{
	return param && param->value_len == 1 && strchr("012", param->value[0]) ? param->value[0] - '0' : -1;
}

static void kannel_start(struct request *r)
{
	struct inbound_op *op = http_alloc(r->x, sizeof(*op));
	const struct http_param *text, *param;
	struct http_param *params;
	char utf8[MAX_TEXT];
	struct error err;
	size_t count;

	op->r = r;
	utf8[0] = '\0';
	/* An escape that is none can only come from a gateway set up wrongly: the donor gets help all the same. */
	if (!http_query(r->x, &params, &count, &err))
		count = 0;
	if ((param = find_param(params, count, "from")) != NULL)
		op->number = param->value;
	if ((param = find_param(params, count, "id")) != NULL)
		op->message_id = param->value;
	text = find_param(params, count, "text");
	if (text) {
		param = find_param(params, count, "charset");
		sms_decode(text->value, text->value_len, read_coding(find_param(params, count, "coding")),
			   param ? param->value : NULL, utf8, sizeof(utf8));
	}
	answer_start(op, utf8);
}

/* ---- POST /api/v1/sms/inbound ---- */

static void inbound_start(struct request *r)
{
	struct inbound_op *op = http_alloc(r->x, sizeof(*op));
	struct sms_inbound inbound;
	struct error err;
	size_t len;
	const char *body = http_body(r->x, &len);

	op->r = r;
	op->json = true;
	error_clear(&err);
	if (!sms_inbound_read(body, len, r->arena, &inbound, &err)) {
		request_reply_error(r, &err);
		return;
	}
	op->number = inbound.from;
	op->message_id = inbound.id;
	answer_start(op, inbound.text);
}

const struct route sms_routes[] = {
	{ HTTP_GET_, "/sms/kannel", AREA_SMS, ACCESS_WRITE, kannel_start, ROUTE_SMS, 0 },
	{ HTTP_POST_, "/api/v1/sms/inbound", AREA_SMS, ACCESS_WRITE, inbound_start, ROUTE_SMS, 64 * 1024 },
	{ 0 }
};
