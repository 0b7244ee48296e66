#include <stdio.h>
#include <string.h>

#include "api/params.h"
#include "api/places.h"
#include "api/private.h"
#include "api/request.h"
#include "base/error.h"
#include "base/text.h"
#include "domain/honour.h"
#include "format/table.h"
#include "paper/list.h"
#include "store/honour_store.h"
#include "wire/honour_wire.h"
#include "worker/pool.h"

/* The list for the ceremony, and what another file of ladders would change. */

static const struct honour_rules *rules_of(const struct request *r)
{
	return r->api->daemon->honours;
}

/* ---- GET /honours/ceremony.csv, ceremony.xlsx, ceremony.pdf ---- */

struct ceremony_op {
	struct request     *r;
	struct honour_names names;
	/* on paper */
	struct pool_job     job;
	struct paper_list   list;
	struct buf          pdf;
	struct error        error;
};

enum { CEREMONY_COLUMNS = 10 };

/* Of the width of the paper. */
static const int ceremony_shares[CEREMONY_COLUMNS] = { 10, 44, 14, 38, 24, 16, 56, 28, 30, 18 };

static const char *const heads[LANGUAGE_COUNT][CEREMONY_COLUMNS] = {
	[LANGUAGE_EN] = { "No.", "Name", "Born", "Unit", "Ladder", "Donations", "Award", "Decision", "Given by", "Publication" },
	[LANGUAGE_VI] = { "STT", "Họ và tên", "Năm sinh", "Đơn vị", "Đối tượng", "Số lần hiến", "Hình thức", "Quyết định", "Cơ quan trao",
			  "Đồng ý công bố" },
};

static const char *ladder_name(enum honour_ladder ladder, enum language language)
{
	static const char *const names[LADDER_COUNT][LANGUAGE_COUNT] = {
		[LADDER_FIRST] = { "first donation", "hiến máu lần đầu" },
		[LADDER_INDIVIDUAL] = { "individual", "cá nhân" },
		[LADDER_FAMILY] = { "family", "gia đình" },
	};

	return names[ladder][language];
}

static const char *giver_name(const char *word, enum language language)
{
	static const struct { const char *word, *name[LANGUAGE_COUNT]; } givers[] = {
		{ "collecting_facility", { "collecting facility", "cơ sở tiếp nhận máu" } },
		{ "district_committee", { "district steering committee", "Ban Chỉ đạo cấp huyện" } },
		{ "province_committee", { "provincial steering committee", "Ban Chỉ đạo cấp tỉnh" } },
		{ "national_committee", { "national steering committee", "Ban Chỉ đạo quốc gia" } },
		{ "commune_committee", { "commune steering committee", "Ban Chỉ đạo cấp xã" } },
		{ "undecided", { "not decided", "chưa quyết định" } },
	};

	for (size_t i = 0; word && i < ARRAY_SIZE(givers); i++)
		if (streq(givers[i].word, word))
			return givers[i].name[language];
	return NULL;
}

static void fill_row(const struct ceremony_op *op, size_t row, const char **cells)
{
	const struct honour_name *name = &op->names.names[row];
	const struct honour *honour = &name->honour;
	const struct honour_rules *rules = rules_of(op->r);
	const struct honour_step *step = honour_step(rules, honour->step);
	enum language language = http_language(op->r->x);
	struct date on = date_is_none(honour->handed_on) ? op->r->today : honour->handed_on;
	const char *given_by = honour->given_by ? honour->given_by : step ? honour_given_by(rules, step, on) : NULL;
	struct arena *arena = op->r->arena;

	cells[0] = arena_printf(arena, "%zu", row + 1);
	cells[1] = honour->family_id && name->name
		   ? arena_printf(arena, "%s %s", language == LANGUAGE_VI ? "Gia đình" : "Family of", name->name) : name->name;
	cells[2] = name->birth_year > 0 ? arena_printf(arena, "%d", name->birth_year) : NULL;
	cells[3] = name->unit_name;
	cells[4] = ladder_name(honour->ladder, language);
	cells[5] = arena_printf(arena, "%d", honour->bar);
	cells[6] = step ? step->award[language] : honour->step;
	cells[7] = honour->document;
	cells[8] = giver_name(given_by, language);
	cells[9] = name->agreed ? (language == LANGUAGE_VI ? "có" : "yes") : (language == LANGUAGE_VI ? "không" : "no");
}

static void reply_too_many(struct request *r)
{
	struct error err;

	error_clear(&err);
	error_set(&err, ERR_INVALID_QUERY, "More than %d names are in this list. Ask for one ladder.",
		  "Danh sách này có hơn %d người. Hãy chọn một thang (ladder).", HONOUR_NAMES_MAX);
	request_reply_error(r, &err);
}

static void reply_sheet(struct ceremony_op *op, const struct table *table, bool xlsx)
{
	struct request *r = op->r;
	struct buf *buf = api_scratch(r->api);

	(xlsx ? table_xlsx : table_csv)(buf, table);
	http_add_header(r->x, "Content-Disposition", xlsx ? "attachment; filename=\"ceremony.xlsx\""
							  : "attachment; filename=\"ceremony.csv\"");
	request_reply_text(r, xlsx ? TABLE_XLSX_TYPE : TABLE_CSV_TYPE, buf);
}

static void draw_work(struct pool_job *job)
{
	struct ceremony_op *op = container_of(job, struct ceremony_op, job);

	(void)!paper_list_draw(&op->list, &op->pdf, &op->error);
}

static void draw_done(struct pool_job *job)
{
	struct ceremony_op *op = container_of(job, struct ceremony_op, job);
	const struct http_reply reply = { .status = 200, .content_type = "application/pdf", .body = op->pdf.data, .body_len = op->pdf.len };
	struct buf pdf = op->pdf;        /* the reply frees what it lies in */

	if (op->error.code != ERR_NONE) {
		request_reply_error(op->r, &op->error);
	} else {
		http_add_header(op->r->x, "Content-Disposition", "attachment; filename=\"ceremony.pdf\"");
		http_reply(op->r->x, &reply);
	}
	buf_release(&pdf);
}

static void reply_paper(struct ceremony_op *op, const struct table *table)
{
	bool vietnamese = http_language(op->r->x) == LANGUAGE_VI;
	struct date today = op->r->today;
	struct arena *arena = op->r->arena;
	struct error err;

	op->list = (struct paper_list){
		.title = vietnamese ? "DANH SÁCH TÔN VINH NGƯỜI HIẾN MÁU TÌNH NGUYỆN" : "BLOOD DONORS TO BE HONOURED",
		.note = arena_printf(arena, vietnamese ? "%s · ngày %02d/%02d/%04d · %zu mục" : "%s · %02d/%02d/%04d · %zu entries",
				     table->title, today.day, today.month, today.year, table->nrows),
		.page_word = vietnamese ? "Trang" : "Page", .heads = table->heads, .shares = ceremony_shares,
		.ncolumns = table->ncolumns, .cells = table->cells, .nrows = table->nrows,
	};
	op->job = (struct pool_job){ .work = draw_work, .done = draw_done };
	error_clear(&op->error);
	if (pool_send(op->r->api->daemon->pool, op->r->api->worker, &op->job))
		return;
	error_clear(&err);
	error_set(&err, ERR_UNAVAILABLE, "The service is busy. Ask again in a moment.",
		  "Hệ thống đang bận. Hãy yêu cầu lại sau giây lát.");
	request_reply_error_after(op->r, &err, 1);
}

static void ceremony_on_named(struct honour_names *names)
{
	struct ceremony_op *op = container_of(names, struct ceremony_op, names);
	struct request *r = op->r;
	enum language language = http_language(r->x);
	const char **cells = arena_alloc(r->arena, (names->nnames + 1) * CEREMONY_COLUMNS * sizeof(*cells));
	/* What goes out names only who agreed: its last column would say nothing. */
	size_t ncolumns = names->published ? CEREMONY_COLUMNS - 1 : CEREMONY_COLUMNS;
	struct table table = { .heads = heads[language], .cells = cells, .ncolumns = ncolumns, .nrows = names->nnames };

	if (names->error.code != ERR_NONE) {
		request_reply_error(r, &names->error);
		return;
	}
	if (names->more) {
		reply_too_many(r);
		return;
	}
	for (size_t i = 0; i < names->nnames; i++)       /* the row after it writes over a column too many */
		fill_row(op, i, cells + i * ncolumns);
	table.title = names->published ? (language == LANGUAGE_VI ? "Danh sách công bố" : "For publication")
				       : (language == LANGUAGE_VI ? "Danh sách nội bộ" : "Internal list");
	if (names->left_out)
		http_add_header(r->x, "Left-Out", names->left_out);
	if (strstr(http_path(r->x), ".pdf"))
		reply_paper(op, &table);
	else
		reply_sheet(op, &table, strstr(http_path(r->x), ".xlsx") != NULL);
}

static void ceremony_with_units(struct request *r)
{
	struct ceremony_op *op = r->own;

	request_readable_units(r, &op->names.units, &op->names.nunits);
	op->names.actor = r->actor;
	op->names.actor.request_id = http_request_id(r->x);
	op->names.arena = r->arena;
	op->names.done = ceremony_on_named;
	honour_names_send(api_store(r->api), &op->names);
}

static void ceremony_start(struct request *r)
{
	struct ceremony_op *op = http_alloc(r->x, sizeof(*op));
	const char *list, *state;
	enum honour_ladder ladder;
	struct params params;
	struct error err;

	op->r = r;
	r->own = op;
	op->names.state = HONOUR_APPROVED;
	if (!params_init(&params, r, &err)) {
		request_reply_error(r, &err);
		return;
	}
	list = params_text(&params, "list");
	op->names.published = !list || streq(list, "public");
	if (list && !streq(list, "public") && !streq(list, "internal"))
		params_fault(&params, "list", "invalid_value", "One of: public, internal.", "Một trong: public, internal.");
	state = params_text(&params, "state");
	if (state && !honour_state_parse(state, &op->names.state))
		params_fault(&params, "state", "invalid_value", "One of: " HONOUR_STATE_WORDS ".", "Một trong: " HONOUR_STATE_WORDS ".");
	else if (op->names.published && !honour_state_approved(op->names.state))
		params_fault(&params, "state", "invalid_value", "For publication: approved or handed_over; others with list=internal.",
			     "Để công bố: approved hoặc handed_over; trạng thái khác dùng list=internal.");
	op->names.ladder = params_text(&params, "ladder");
	if (op->names.ladder && !honour_ladder_parse(op->names.ladder, &ladder))
		params_fault(&params, "ladder", "invalid_value", "One of: " LADDER_WORDS ".", "Một trong: " LADDER_WORDS ".");
	if (!params_finish(&params))
		request_reply_error(r, &err);
	else
		request_with_units(r, ceremony_with_units);
}

/* ---- POST /honours/preview ---- */

enum { PREVIEW_TOLD_MAX = 200, PREVIEW_PAGE = 500, CHANGE_KINDS = CHANGE_KEPT + 1 };

struct preview_op {
	struct request     *r;
	struct honour_rules next;
	enum honour_ladder  ladder;      /* that is being looked at */
	struct honour_find  find;
	struct arena        page;        /* of one page: there may be a hundred */
	struct json_out     out;
	struct buf          items;       /* what is told one by one; freed when answered */
	size_t              told;
	int64_t             looked_at, changed, of[CHANGE_KINDS];
};

static void preview_page(struct preview_op *op);

static int least_bar(const struct honour_rules *rules, enum honour_ladder ladder, int least)
{
	for (size_t i = 0; i < rules->nsteps; i++) {
		const struct honour_step *step = &rules->steps[i];
		int bar = step->at_mountain > 0 ? step->at_mountain : step->at;

		if (step->ladder == ladder && bar < least)
			least = bar;
	}
	return least;
}

static void tell_changes(struct preview_op *op, const struct honour_subject *subject, const struct honour_change *changes,
			 size_t count)
{
	op->looked_at++;
	op->changed += count > 0;
	for (size_t i = 0; i < count; i++)
		op->of[changes[i].what]++;
	if (count == 0 || op->told == PREVIEW_TOLD_MAX)
		return;
	op->told++;
	jout_object(&op->out, NULL);
	jout_text(&op->out, "donor", op->find.families ? NULL : subject->id);
	jout_text(&op->out, "family", op->find.families ? subject->id : NULL);
	jout_text(&op->out, "donor_number", subject->donor_number);
	jout_array(&op->out, "changes");
	for (size_t i = 0; i < count; i++) {
		jout_object(&op->out, NULL);
		jout_text(&op->out, "step", changes[i].step);
		jout_text(&op->out, "change", honour_change_text((int)changes[i].what));
		jout_end(&op->out);
	}
	jout_end(&op->out);
	jout_end(&op->out);
}

static void preview_reply(struct preview_op *op)
{
	struct json_out out = { .buf = api_scratch(op->r->api) };

	jout_end(&op->out);
	jout_object(&out, NULL);
	jout_text(&out, "now", rules_of(op->r)->id);
	jout_text(&out, "next", op->next.id);
	jout_date(&out, "as_of", op->find.as_of);
	jout_int(&out, "looked_at", op->looked_at);
	jout_int(&out, "changed", op->changed);
	for (int what = 0; what < CHANGE_KINDS; what++)
		jout_int(&out, honour_change_text(what), op->of[what]);
	jout_raw(&out, "items", op->items.data);
	jout_bool(&out, "more", op->changed > (int64_t)op->told);
	jout_end(&out);
	buf_release(&op->items);
	request_reply_json(op->r, 200, out.buf, NULL);
}

/* The next page of a ladder; or the next ladder that the other file changes. */
static void preview_next(struct preview_op *op, bool more, const char *last)
{
	int ladder = (int)op->ladder + 1;

	if (more) {
		snprintf(op->find.after, sizeof(op->find.after), "%s", last);
		preview_page(op);
		return;
	}
	while (ladder < LADDER_COUNT && honour_ladders_alike(rules_of(op->r), &op->next, (enum honour_ladder)ladder))
		ladder++;
	op->find.after[0] = '\0';
	op->ladder = (enum honour_ladder)ladder;
	if (ladder == LADDER_COUNT)
		preview_reply(op);
	else
		preview_page(op);
}

static void preview_on_found(struct honour_find *find)
{
	struct preview_op *op = container_of(find, struct preview_op, find);
	const struct honour_rules *now = rules_of(op->r);
	struct honour_change changes[HONOUR_CHANGES_MAX];
	struct honour_reached *scratch;
	char last[UUID_TEXT_SIZE] = "";

	if (find->error.code != ERR_NONE) {
		buf_release(&op->items);
		arena_release(&op->page);
		request_reply_error(op->r, &find->error);
		return;
	}
	scratch = arena_alloc(&op->page, (now->nsteps + op->next.nsteps + 1) * sizeof(*scratch));
	for (size_t i = 0; i < find->nsubjects; i++) {
		const struct honour_subject *subject = &find->subjects[i];

		tell_changes(op, subject, changes,
			     honour_compare(now, &op->next, op->ladder, subject->unit_id, subject->donations, subject->ndonations,
					    find->as_of, subject->had, subject->nhad, scratch, changes));
		memcpy(last, subject->id, sizeof(last));
	}
	arena_release(&op->page);
	preview_next(op, find->more, last);
}

static void preview_page(struct preview_op *op)
{
	int least = least_bar(&op->next, op->ladder, least_bar(rules_of(op->r), op->ladder, 1000));

	arena_init(&op->page);
	op->find.arena = &op->page;
	op->find.families = op->ladder == LADDER_FAMILY;
	op->find.least = least;
	op->find.limit = PREVIEW_PAGE;
	op->find.done = preview_on_found;
	honour_find_send(api_store(op->r->api), &op->find);
}

static void preview_with_units(struct request *r)
{
	struct preview_op *op = r->own;

	request_readable_units(r, &op->find.units, &op->find.nunits);
	op->out = (struct json_out){ .buf = &op->items };
	jout_array(&op->out, NULL);
	op->ladder = (enum honour_ladder)-1;
	preview_next(op, false, NULL);
}

static void preview_start(struct request *r)
{
	struct preview_op *op = http_alloc(r->x, sizeof(*op));
	struct params params;
	struct error err;
	size_t len;
	const char *body = http_body(r->x, &len);

	op->r = r;
	r->own = op;
	if (!params_init(&params, r, &err)) {
		request_reply_error(r, &err);
		return;
	}
	op->find.as_of = params_date(&params, "as_of");
	if (date_is_none(op->find.as_of))
		op->find.as_of = r->today;
	if (!params_finish(&params)) {
		request_reply_error(r, &err);
		return;
	}
	error_clear(&err);
	if (!honour_rules_read(body, len, r->arena, &op->next, &err))
		request_reply_error(r, &err);
	else
		request_with_units(r, preview_with_units);
}

const struct route honour_list_routes[] = {
	{ HTTP_GET_, "/api/v1/honours/ceremony.csv", AREA_HONOURS, ACCESS_READ, ceremony_start, ROUTE_PERSONAL, 0 },
	{ HTTP_GET_, "/api/v1/honours/ceremony.xlsx", AREA_HONOURS, ACCESS_READ, ceremony_start, ROUTE_PERSONAL, 0 },
	{ HTTP_GET_, "/api/v1/honours/ceremony.pdf", AREA_HONOURS, ACCESS_READ, ceremony_start, ROUTE_PERSONAL, 0 },
	{ HTTP_POST_, "/api/v1/honours/preview", AREA_HONOURS, ACCESS_READ, preview_start, ROUTE_PERSONAL, 0 },
	{ 0 }
};
