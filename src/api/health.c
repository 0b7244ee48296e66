#include <stdio.h>
#include <string.h>

#include "api/private.h"
#include "api/request.h"
#include "base/clock.h"
#include "crypto/keyring.h"
#include "db/db.h"
#include "worker/gauges.h"

/* Is the process alive, may it be given work, and what does it count. */

static void reply_text(struct request *r, int status, const char *text, size_t len)
{
	http_reply(r->x, &(struct http_reply){
		.status = status,
		.content_type = "text/plain; charset=utf-8",
		.body = text,
		.body_len = len,
	});
}

static void health_start(struct request *r)
{
	reply_text(r, 200, "ok\n", 3);
}

static void ready_start(struct request *r)
{
	struct error err;

	error_clear(&err);
	if (r->api->leaving)
		error_set(&err, ERR_UNAVAILABLE, "The daemon is stopping.", "Dịch vụ đang dừng.");
	else if (!db_connected(r->api->worker->db) || !board_fresh(&r->api->board))
		error_set(&err, ERR_UNAVAILABLE, "The database does not answer.", "Cơ sở dữ liệu không trả lời.");
	else if (!keyring_view(r->api->worker->keyring)->complete)
		keyring_fail_missing(r->api->worker->keyring, &err);
	else if (!api_has_data(r->api))
		error_set(&err, ERR_UNAVAILABLE, "The daemon is still loading.", "Dịch vụ đang khởi động.");
	if (err.code != ERR_NONE)
		request_reply_error(r, &err);
	else
		reply_text(r, 200, "ready\n", 6);
}

/* ---- /metrics: every worker counts alone; a message goes round and adds them up ---- */

struct metrics_op {
	struct request      *r;
	struct message       message;
	int                  at;         /* index of the worker that is asked */
	struct http_counters http;
	struct db_counters   db;
	size_t               db_waiting;
	uint64_t             fresh;      /* workers that may answer from memory */
};

static void metrics_visit(struct message *message);

static void add_counters(struct metrics_op *op, const struct api *api)
{
	const struct http_counters *http = http_server_counters(api->http);

	op->http.accepted += http->accepted;
	op->http.closed += http->closed;
	op->http.requests += http->requests;
	op->http.bytes_in += http->bytes_in;
	op->http.bytes_out += http->bytes_out;
	op->http.rejected += http->rejected;
	op->http.accept_paused += http->accept_paused;
	op->http.seconds_count += http->seconds_count;
	op->http.seconds_us += http->seconds_us;
	op->http.open += http->open;
	for (size_t i = 0; i < ARRAY_SIZE(http->status); i++)
		op->http.status[i] += http->status[i];
	for (size_t i = 0; i < ARRAY_SIZE(http->bucket); i++)
		op->http.bucket[i] += http->bucket[i];
	if (api->worker->db) {
		const struct db_counters *db = db_counters(api->worker->db);

		op->db.sent += db->sent;
		op->db.refused += db->refused;
		op->db.busy += db->busy;
		op->db.unavailable += db->unavailable;
		op->db.unknown += db->unknown;
		op->db.reconnects += db->reconnects;
		op->db_waiting += db_waiting(api->worker->db);
	}
	op->fresh += board_fresh(&api->board);
}

static void write_metric(struct buf *buf, const char *name, const char *type, const char *help, uint64_t value)
{
	buf_printf(buf, "# HELP giothong_%s %s\n# TYPE giothong_%s %s\ngiothong_%s %llu\n", name, help, name,
		   type, name, (unsigned long long)value);
}

static void write_histogram(struct buf *buf, const struct http_counters *http)
{
	static const char *const bounds[] = { "0.001", "0.005", "0.01", "0.05", "0.1", "0.5", "1", "+Inf" };
	uint64_t below = 0;

	buf_append_text(buf, "# HELP giothong_http_answer_seconds Time from the head of a request to its answer.\n"
			     "# TYPE giothong_http_answer_seconds histogram\n");
	for (size_t i = 0; i < ARRAY_SIZE(bounds); i++) {
		below += http->bucket[i];
		buf_printf(buf, "giothong_http_answer_seconds_bucket{le=\"%s\"} %llu\n", bounds[i],
			   (unsigned long long)below);
	}
	buf_printf(buf, "giothong_http_answer_seconds_sum %.6f\ngiothong_http_answer_seconds_count %llu\n",
		   (double)http->seconds_us / 1e6, (unsigned long long)http->seconds_count);
}

static void write_seconds(struct buf *buf, const char *name, const char *help, int64_t us)
{
	buf_printf(buf, "# HELP giothong_%s %s\n# TYPE giothong_%s gauge\ngiothong_%s %.3f\n", name, help, name, name,
		   (double)us / 1e6);
}

static void write_audit(struct buf *buf, const struct gauges *gauges)
{
	int64_t since = atomic_load(&gauges->audit_waiting_since_us), read = atomic_load(&gauges->audit_read_us);
	int64_t now = clock_mono_us();   /* behind them: the sealer writes meanwhile, and no time is below 0 */

	write_metric(buf, "audit_sealed_position", "gauge", "Position of the last audit entry in the chain.",
		     (uint64_t)atomic_load(&gauges->audit_sealed));
	write_seconds(buf, "audit_unsealed_seconds", "Age of the oldest audit entry that is not sealed; 0: all are.",
		      since > 0 ? now - since : 0);
	write_seconds(buf, "audit_sealer_silent_seconds", "Time since this daemon's sealer last saw the chain.",
		      now - read);
	write_metric(buf, "audit_sealer_stopped", "gauge", "1: the chain is not what it was; nothing is sealed.",
		     (uint64_t)atomic_load(&gauges->audit_stopped));
}

static void metrics_reply(struct metrics_op *op)
{
	struct buf *buf = api_scratch(op->r->api);
	const struct http_counters *http = &op->http;

	buf_printf(buf, "# HELP giothong_info The daemon.\n# TYPE giothong_info gauge\n"
			"giothong_info{version=\"%s\"} 1\n", op->r->api->daemon->version);
	buf_append_text(buf, "# HELP giothong_http_answers_total Answers by class of status.\n"
			     "# TYPE giothong_http_answers_total counter\n");
	for (size_t i = 1; i < ARRAY_SIZE(http->status); i++)
		buf_printf(buf, "giothong_http_answers_total{class=\"%zuxx\"} %llu\n", i,
			   (unsigned long long)http->status[i]);
	write_histogram(buf, http);
	write_metric(buf, "http_requests_total", "counter", "Requests.", http->requests);
	write_metric(buf, "http_rejected_total", "counter", "Requests refused before they reached a route.",
		     http->rejected);
	write_metric(buf, "http_connections", "gauge", "Open connections.", http->open);
	write_metric(buf, "http_accepted_total", "counter", "Connections taken.", http->accepted);
	write_metric(buf, "http_accept_paused_total", "counter", "Times accepting had to pause.",
		     http->accept_paused);
	write_metric(buf, "http_bytes_in_total", "counter", "Bytes read.", http->bytes_in);
	write_metric(buf, "http_bytes_out_total", "counter", "Bytes written.", http->bytes_out);
	write_metric(buf, "db_queries_total", "counter", "Statements sent.", op->db.sent);
	write_metric(buf, "db_refused_total", "counter", "Statements that PostgreSQL refused.", op->db.refused);
	write_metric(buf, "db_busy_total", "counter", "Statements refused because the queue was full.", op->db.busy);
	write_metric(buf, "db_unavailable_total", "counter", "Statements not done for want of a connection.",
		     op->db.unavailable);
	write_metric(buf, "db_unknown_total", "counter", "Writes whose fate was not known.", op->db.unknown);
	write_metric(buf, "db_reconnects_total", "counter", "Connections made anew.", op->db.reconnects);
	write_metric(buf, "db_waiting", "gauge", "Statements waiting for their answer.", op->db_waiting);
	write_metric(buf, "workers", "gauge", "Workers.", (uint64_t)op->r->api->daemon->napis);
	write_metric(buf, "workers_fresh", "gauge", "Workers that may answer from memory.", op->fresh);
	write_audit(buf, op->r->api->daemon->gauges);
	http_reply(op->r->x, &(struct http_reply){
		.status = 200,
		.content_type = "text/plain; version=0.0.4; charset=utf-8",
		.body = buf->data,
		.body_len = buf->len,
	});
}

/* On each worker's thread in turn, and at the end on the first one's again. */
static void metrics_visit(struct message *message)
{
	struct metrics_op *op = container_of(message, struct metrics_op, message);
	const struct api_daemon *daemon = op->r->api->daemon;

	if (op->at == daemon->napis) {
		metrics_reply(op);
		return;
	}
	add_counters(op, daemon->apis[op->at]);
	op->at++;
	worker_post(op->at < daemon->napis ? daemon->apis[op->at]->worker : op->r->api->worker, &op->message);
}

static void metrics_start(struct request *r)
{
	struct metrics_op *op = http_alloc(r->x, sizeof(*op));

	op->r = r;
	op->message.run = metrics_visit;
	worker_post(r->api->daemon->apis[0]->worker, &op->message);
}

const struct route health_routes[] = {
	{ HTTP_GET_, "/healthz", AREA_OPEN, ACCESS_READ, health_start, 0, 0 },
	{ HTTP_GET_, "/readyz", AREA_OPEN, ACCESS_READ, ready_start, 0, 0 },
	{ HTTP_GET_, "/metrics", AREA_METRICS, ACCESS_READ, metrics_start, 0, 0 },
	{ 0 }
};
