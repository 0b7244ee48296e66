#include "api/places.h"
#include "api/private.h"
#include "api/request.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "domain/item.h"
#include "domain/sync.h"
#include "store/item_store.h"
#include "wire/item_wire.h"

/*
 * What phones hand in. The status is that of the transport; what became of each item stands in the receipt. A receipt is
 * a body with counts: a portal that answers 200 to everything gives none. Nothing personal is in it.
 */

/* ---- the receipt ---- */

struct batch_op {
	struct request     *r;
	struct item_batch   batch;
	struct item_hand_in hand_in;
	int64_t             received_us; /* when the body was read: the one moment in which both clocks are seen */
};

/* In the client's language. Nothing that was sent is repeated. */
static void faults_write(struct json_out *out, const struct error *fault, enum language language)
{
	jout_array(out, "errors");
	for (size_t i = 0; i < fault->nfields; i++) {
		jout_object(out, NULL);
		jout_text(out, "pointer", fault->fields[i].pointer);
		jout_text(out, "code", fault->fields[i].code);
		jout_text(out, "detail", fault->fields[i].detail[language]);
		jout_end(out);
	}
	jout_end(out);
}

static void item_write(struct json_out *out, const struct item_entry *entry, const struct item_result *result,
		       enum language language)
{
	enum item_verdict verdict = entry->fault ? ITEM_REJECTED : result->verdict;

	jout_object(out, NULL);
	jout_text(out, "id", entry->item.id[0] ? entry->item.id : NULL);
	jout_text(out, "verdict", item_verdict_text(verdict));
	if (verdict == ITEM_DUPLICATE)
		jout_text(out, "first", item_verdict_text(result->first));
	jout_text(out, "state", entry->fault ? NULL : result->state);
	jout_array(out, "reasons");
	for (size_t i = 0; !entry->fault && i < result->nreasons; i++)
		jout_text(out, NULL, result->reasons[i]);
	jout_end(out);
	if (entry->fault)
		faults_write(out, entry->fault, language);
	jout_end(out);
}

static void counts_write(struct json_out *out, const struct batch_op *op)
{
	size_t counts[ITEM_VERDICT_COUNT] = { 0 };

	for (size_t i = 0; i < op->batch.count; i++)
		counts[op->batch.entries[i].fault ? ITEM_REJECTED : op->hand_in.results[i].verdict]++;
	jout_object(out, "counts");
	jout_int(out, "items", (int64_t)op->batch.count);
	for (int i = 0; i < ITEM_VERDICT_COUNT; i++)
		jout_int(out, item_verdict_text((enum item_verdict)i), (int64_t)counts[i]);
	jout_end(out);
}

static void install_write(struct json_out *out, const struct item_install *install, struct arena *arena)
{
	struct seq_run *missing = arena_alloc(arena, (install->nruns + 1) * sizeof(*missing));
	size_t count = sync_missing(install->runs, install->nruns, missing, install->nruns + 1);

	jout_object(out, NULL);
	jout_text(out, "install", install->install);
	jout_int(out, "items", install->items);
	jout_int(out, "last_seq", install->nruns > 0 ? install->runs[install->nruns - 1].to : 0);
	jout_int(out, "missing_count", sync_count(missing, count));
	jout_array(out, "missing");
	for (size_t i = 0; i < count && i < SYNC_MISSING_TOLD; i++) {
		jout_object(out, NULL);
		jout_int(out, "from", missing[i].from);
		jout_int(out, "to", missing[i].to);
		jout_end(out);
	}
	jout_end(out);
	jout_end(out);
}

static void receipt_write(struct batch_op *op, struct json_out *out)
{
	int64_t skew = sync_skew_seconds(op->batch.device_us, op->received_us);

	jout_object(out, NULL);
	jout_text(out, "batch_id", op->batch.label);
	jout_time(out, "received_at", op->received_us);
	jout_int(out, "clock_skew_seconds", skew);
	jout_bool(out, "clock_suspect", sync_skew_suspect(skew));
	jout_bool(out, "device_revoked", op->r->principal.device_revoked);
	counts_write(out, op);
	jout_array(out, "items");
	for (size_t i = 0; i < op->batch.count; i++)
		item_write(out, &op->batch.entries[i], &op->hand_in.results[i], http_language(op->r->x));
	jout_end(out);
	jout_array(out, "installs");
	for (size_t i = 0; i < op->hand_in.ninstalls; i++)
		install_write(out, &op->hand_in.installs[i], op->r->arena);
	jout_end(out);
	jout_end(out);
}

/* ---- POST /sync/batches ---- */

static void batch_on_handed_in(struct item_hand_in *hand_in)
{
	struct batch_op *op = container_of(hand_in, struct batch_op, hand_in);
	struct buf *buf = api_scratch(op->r->api);
	struct json_out out = { .buf = buf };

	if (hand_in->error.code != ERR_NONE) {
		request_reply_error(op->r, &hand_in->error);
		return;
	}
	receipt_write(op, &out);
	request_reply_json(op->r, 200, buf, NULL);
}

/* No longer than that is a single item, but for one with a long note. */
enum { ALONE_BYTES_MAX = 4096 };

static void batch_with_units(struct request *r)
{
	const struct item_reading reading = { .units = api_units(r->api), .rules = r->api->daemon->rules, .today = r->today };
	struct batch_op *op = http_alloc(r->x, sizeof(*op));
	const struct item **items;
	struct error err;
	size_t len;
	const char *body = http_body(r->x, &len);

	op->r = r;
	op->received_us = clock_wall_us(r->api->worker->clock);
	error_clear(&err);
	if (len > ALONE_BYTES_MAX && item_desk_full(r->api->items)) {
		item_desk_refusal(&err);
		request_reply_error(r, &err);
		return;
	}
	if (!item_batch_read(body, len, &reading, r->arena, &op->batch, &err)) {
		request_reply_error(r, &err);
		return;
	}
	items = arena_alloc(r->arena, (op->batch.count + 1) * sizeof(*items));
	for (size_t i = 0; i < op->batch.count; i++)
		items[i] = op->batch.entries[i].fault ? NULL : &op->batch.entries[i].item;
	op->hand_in = (struct item_hand_in){
		.items = items, .count = op->batch.count, .device_id = r->principal.device,
		.device_revoked = r->principal.device_revoked, .team_id = r->principal.team, .units = reading.units,
		.today = r->today, .actor = r->actor, .arena = r->arena, .done = batch_on_handed_in,
	};
	item_desk_ask(r->api->items, &op->hand_in);
}

static void batch_start(struct request *r)
{
	request_with_units(r, batch_with_units);
}

const struct route sync_routes[] = {
	{ HTTP_POST_, "/api/v1/sync/batches", AREA_SYNC, ACCESS_WRITE, batch_start, ROUTE_PERSONAL | ROUTE_QUARANTINE, 1 << 20 },
	{ 0 }
};
