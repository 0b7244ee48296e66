#include <stdlib.h>
#include <string.h>

#include "api/params.h"
#include "api/places.h"
#include "api/private.h"
#include "api/request.h"
#include "base/text.h"
#include "domain/access.h"
#include "domain/item.h"
#include "domain/sync.h"
#include "store/count_sheet_store.h"
#include "store/round_store.h"

/* "The server has 147 of your 149; missing 31, 88": what a team leader holds against the phones before they go home. */

enum { GAPS_SHOWN = 100, GAPS_SAID = 10 };

struct count_op {
	struct request    *r;
	struct round_load  round;
	struct count_sheet sheet;
	int64_t            last_seq;     /* as the phone tells it; 0: it does not */
};

/* ---- in words ---- */

static void say_gaps(struct buf *out, const struct seq_run *gaps, size_t count)
{
	for (size_t i = 0; i < count && i < GAPS_SAID; i++) {
		buf_printf(out, "%s%lld", i ? ", " : "", (long long)gaps[i].from);
		if (gaps[i].to > gaps[i].from)
			buf_printf(out, "–%lld", (long long)gaps[i].to);
	}
	if (count > GAPS_SAID)
		buf_append_text(out, ", …");
}

static const char *in_words(const struct count_row *row, int64_t of, const struct seq_run *gaps, size_t count, enum language language,
			    struct arena *arena)
{
	bool vietnamese = language == LANGUAGE_VI;
	struct buf out = { 0 };
	const char *text;

	buf_printf(&out, vietnamese ? "Máy chủ có %lld trong %lld mục" : "The server has %lld of %lld", (long long)row->items, (long long)of);
	if (count > 0) {
		buf_append_text(&out, vietnamese ? "; thiếu " : "; missing ");
		say_gaps(&out, gaps, count);
	}
	buf_append_char(&out, '.');
	text = arena_strdup(arena, out.data);
	buf_release(&out);
	return text;
}

/* ---- GET /sync/count-sheet ---- */

/* A number behind the last shows what is missing at the end. */
static size_t gaps_of(const struct count_op *op, const struct count_row *row, struct seq_run *gaps)
{
	struct seq_run *runs = arena_alloc(op->r->arena, (row->nruns + 1) * sizeof(*runs));
	size_t count = row->nruns;

	if (count > 0)
		memcpy(runs, row->runs, count * sizeof(*runs));
	if (op->last_seq > 0 && (count == 0 || runs[count - 1].to < op->last_seq)) {
		runs[count].from = runs[count].to = op->last_seq + 1;
		count++;
	}
	return sync_missing(runs, count, gaps, row->nruns + 1);
}

static void row_write(struct count_op *op, struct json_out *out, const struct count_row *row)
{
	struct seq_run *gaps = arena_alloc(op->r->arena, (row->nruns + 2) * sizeof(*gaps));
	size_t count = gaps_of(op, row, gaps);
	int64_t last = row->nruns > 0 ? row->runs[row->nruns - 1].to : 0, missing = sync_count(gaps, count);

	jout_object(out, NULL);
	jout_text(out, "install", row->install);
	if (row->device_id) {
		jout_object(out, "device");
		jout_text(out, "id", row->device_id);
		jout_text(out, "name", row->device_name);
		jout_end(out);
	} else {
		jout_null(out, "device");
	}
	jout_time(out, "last_received_at", row->last_us);
	jout_int(out, "items", row->items);
	jout_int(out, "of_round", row->of_round);
	jout_int(out, "waiting", row->waiting);
	jout_int(out, "last_seq", last);
	jout_int(out, "missing_count", missing);
	jout_array(out, "missing");
	for (size_t i = 0; i < count && i < GAPS_SHOWN; i++) {
		jout_object(out, NULL);
		jout_int(out, "from", gaps[i].from);
		jout_int(out, "to", gaps[i].to);
		jout_end(out);
	}
	jout_end(out);
	jout_text(out, "text", in_words(row, row->items + missing, gaps, count, http_language(op->r->x), op->r->arena));
	jout_end(out);
}

static void sheet_on_loaded(struct count_sheet *sheet)
{
	struct count_op *op = container_of(sheet, struct count_op, sheet);
	struct count_row nothing = { .last_us = INT64_MIN };
	struct json_out out;

	if (sheet->error.code != ERR_NONE) {
		request_reply_error(op->r, &sheet->error);
		return;
	}
	request_list_begin(op->r, &out);
	for (size_t i = 0; i < sheet->nrows; i++)
		row_write(op, &out, &sheet->rows[i]);
	/* A phone that asks for itself is told that nothing is there. */
	if (sheet->nrows == 0 && sheet->install) {
		memcpy(nothing.install, sheet->install, UUID_TEXT_SIZE);
		row_write(op, &out, &nothing);
	}
	request_list_reply(op->r, &out, NULL);
}

static void read_last_seq(struct params *params, int64_t *last_seq)
{
	const char *text = params_text(params, "last_seq");
	size_t digits = text ? strspn(text, "0123456789") : 0;

	if (!text)
		return;
	*last_seq = digits > 0 && digits <= 10 && !text[digits] ? strtoll(text, NULL, 10) : -1;
	if (*last_seq < 0 || *last_seq > ITEM_SEQ_MAX)
		params_fault(params, "last_seq", "invalid_value", "The last number that the phone gave out is expected.",
			     "Cần số thứ tự cuối cùng mà điện thoại đã cấp.");
}

static const char *read_install(struct params *params)
{
	const char *text = params_text(params, "install");

	if (text && !uuid_valid(text))
		params_fault(params, "install", "invalid_value", "An id is expected.", "Cần một mã định danh.");
	return text && uuid_valid(text) ? text : NULL;
}

static void sheet_send(struct count_op *op)
{
	struct request *r = op->r;

	if (access_decide(r->principal.role, AREA_TALLY, ACCESS_READ) == ACCESS_OWN)
		op->sheet.team_id = r->principal.team ? r->principal.team : "";
	else
		request_readable_units(r, &op->sheet.units, &op->sheet.nunits);
	op->sheet.arena = r->arena;
	op->sheet.done = sheet_on_loaded;
	count_sheet_send(api_store(r->api), &op->sheet);
}

static void sheet_on_round(struct round_load *load)
{
	struct count_op *op = container_of(load, struct count_op, round);

	if (load->error.code != ERR_NONE) {
		request_reply_round_error(op->r, &load->error);
	} else if (!request_sees_round(op->r, &load->round)) {
		request_reply_no_round(op->r);
	} else {
		op->sheet.round_id = load->round.id;
		sheet_send(op);
	}
}

static void sheet_with_units(struct request *r)
{
	struct count_op *op = http_alloc(r->x, sizeof(*op));
	struct params params;
	struct error err;

	op->r = r;
	if (params_init(&params, r, &err)) {
		op->round.key = params_text(&params, "round");
		op->sheet.install = read_install(&params);
		read_last_seq(&params, &op->last_seq);
		if (!op->round.key && !op->sheet.install)
			params_fault(&params, "round", "required", "Tell a round, or an install.", "Hãy cho biết đợt (round) hoặc install.");
		if (op->last_seq && !op->sheet.install)
			params_fault(&params, "last_seq", "not_allowed", "That is of one install: tell which.", "Số này thuộc một install: hãy cho biết install nào.");
		params_finish(&params);
	}
	if (err.code != ERR_NONE) {
		request_reply_error(r, &err);
		return;
	}
	if (op->round.key) {
		op->round.arena = r->arena;
		op->round.done = sheet_on_round;
		round_load_send(api_store(r->api), &op->round);
	} else {
		sheet_send(op);
	}
}

static void sheet_start(struct request *r)
{
	request_with_units(r, sheet_with_units);
}

const struct route count_sheet_routes[] = {
	{ HTTP_GET_, "/api/v1/sync/count-sheet", AREA_TALLY, ACCESS_READ, sheet_start, 0, 0 },
	{ 0 }
};
