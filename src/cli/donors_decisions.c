#include "cli/donors_decisions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "sheet/sheet.h"

enum { WORD_SIZE = 64, NOWHERE = -1 };

void list_mark(const unsigned char content[CONTENT_HASH_BYTES], char out[LIST_MARK_SIZE])
{
	snprintf(out, LIST_MARK_SIZE, "L%02x%02x%02x%02x", content[0], content[1], content[2], content[3]);
}

struct reading {
	struct sheet *sheet;
	const char   *mark;
	int           row, decision, list;       /* columns */
	struct buf    found;                     /* struct decision, one after another */
	struct error *err;
};

/* ---- the heading ---- */

static int column_of(const struct sheet_row *line, const char *en, const char *vi)
{
	char folded[WORD_SIZE];

	for (size_t i = 0; i < line->ncells; i++)
		if (text_fold(line->cells[i], folded, sizeof(folded)) && (streq(folded, en) || streq(folded, vi)))
			return (int)i;
	return NOWHERE;
}

static bool read_heading(struct reading *in)
{
	struct sheet_row line;

	if (!sheet_next(in->sheet, &line, in->err))
		return false;
	in->row = column_of(&line, "row", "dong");
	in->decision = column_of(&line, "decision", "quyet dinh");
	in->list = column_of(&line, "list", "danh sach");
	if (in->row != NOWHERE && in->decision != NOWHERE)
		return true;
	return error_set(in->err, ERR_MALFORMED, "Decisions need the columns \"row\" and \"decision\" in their first row.",
			 "Tệp quyết định cần cột \"row\" và \"decision\" ở dòng đầu.");
}

/* ---- a decision ---- */

static const char *cell(const struct sheet_row *line, int column)
{
	return column != NOWHERE && (size_t)column < line->ncells ? line->cells[column] : "";
}

static bool refuse(struct reading *in, const struct sheet_row *line, const char *en, const char *vi)
{
	return error_set(in->err, ERR_MALFORMED, "Decisions, row %zu: %s%.0s", "Tệp quyết định, dòng %zu: %.0s%s", line->number, en,
			 vi);
}

static bool read_what(struct reading *in, const struct sheet_row *line, struct decision *decision)
{
	const char *typed = cell(line, in->decision);
	char folded[WORD_SIZE];

	if (text_fold(typed, folded, sizeof(folded)) && (streq(folded, "register") || streq(folded, "dang ky")))
		decision->what = DECISION_REGISTER;
	else if (text_fold(typed, folded, sizeof(folded)) && (streq(folded, "skip") || streq(folded, "bo qua")))
		decision->what = DECISION_SKIP;
	else if (donor_number_parse(typed, decision->number) == DONOR_NUMBER_FINE)
		decision->what = DECISION_DONOR;
	else
		return refuse(in, line, "a decision is \"register\", \"skip\" or a donor number (and this one may be mistyped).",
			      "quyết định là \"register\" (đăng ký), \"skip\" (bỏ qua) hoặc mã người hiến máu (có thể mã bị gõ sai).");
	return true;
}

static bool read_decision(struct reading *in, const struct sheet_row *line)
{
	struct decision decision = { 0 };
	long row;

	if (text_is_blank(cell(line, in->decision)))
		return true;
	if (!text_to_int(cell(line, in->row), 1, SHEET_ROWS_MAX, &row))
		return refuse(in, line, "\"row\" is no row of a list.", "\"row\" không phải là số dòng.");
	if (!text_is_blank(cell(line, in->list)) && !streq(cell(line, in->list), in->mark))
		return refuse(in, line, "this was decided about another list, or the list has been changed since.",
			      "quyết định này thuộc danh sách khác, hoặc danh sách đã bị sửa sau đó.");
	decision.row = row;
	if (!read_what(in, line, &decision))
		return false;
	buf_append(&in->found, (const char *)&decision, sizeof(decision));
	return true;
}

static int by_row(const void *a, const void *b)
{
	const struct decision *one = a, *two = b;

	return (one->row > two->row) - (one->row < two->row);
}

/* A row with several faults has several lines in a report; about a row there is one decision. */
static bool sort(struct reading *in, struct decisions *decisions, struct arena *arena)
{
	decisions->count = in->found.len / sizeof(*decisions->list);
	decisions->list = arena_alloc(arena, in->found.len + 1);
	if (in->found.len)
		memcpy(decisions->list, in->found.data, in->found.len);
	qsort(decisions->list, decisions->count, sizeof(*decisions->list), by_row);
	for (size_t i = 1; i < decisions->count; i++)
		if (decisions->list[i].row == decisions->list[i - 1].row)
			return error_set(in->err, ERR_MALFORMED, "There are two decisions about row %lld.",
					 "Có hai quyết định về dòng %lld.", (long long)decisions->list[i].row);
	return true;
}

static bool read_all(struct reading *in, struct decisions *decisions, struct arena *arena)
{
	struct sheet_row line;

	if (!read_heading(in))
		return false;
	while (sheet_next(in->sheet, &line, in->err))
		if (!read_decision(in, &line))
			return false;
	return in->err->code == ERR_NONE && sort(in, decisions, arena);
}

bool decisions_read(const char *path, const char *mark, struct decisions *decisions, struct arena *arena,
		    struct error *err)
{
	struct reading in = { .sheet = sheet_open(path, err), .mark = mark, .err = err };
	bool fine = in.sheet && read_all(&in, decisions, arena);

	if (!fine && err->code == ERR_NONE)
		error_set(err, ERR_MALFORMED, "The file of decisions is empty.", "Tệp quyết định trống.");
	sheet_close(in.sheet);
	buf_release(&in.found);
	return fine;
}

const struct decision *decision_about(const struct decisions *decisions, int64_t row)
{
	struct decision key = { .row = row };

	return decisions->count ? bsearch(&key, decisions->list, decisions->count, sizeof(key), by_row) : NULL;
}
