#include "wire/csv_rows.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <csv.h>

#include "base/error.h"
#include "base/fault.h"
#include "base/memory.h"
#include "base/text.h"
#include "domain/round.h"
#include "wire/fields.h"

enum { CELL_MAX_LENGTH = 4000 };

/* What the parser's callbacks fill: one row at a time. */
struct parse {
	struct csv_rows   *table;
	struct csv_parser  parser;
	size_t             line;         /* of the byte at hand */
	size_t             row_line;     /* where the row began; 0: between rows */
	const char        *cells[CSV_MAX_COLUMNS];
	size_t             ncells;       /* may be more than fit */
	int                place[CSV_MAX_COLUMNS];       /* heading: which column stands there */
	size_t             nheadings;    /* 0: the heading is still to come */
	size_t             ncolumns;
	size_t             cap;
	bool               failed, bad_heading;
};

static bool fault_here(struct parse *parse, const char *column, const char *code, const char *en,
		       const char *vi)
{
	struct arena *arena = parse->table->arena;
	const char *pointer = column ? arena_printf(arena, "line %zu, column %s", parse->row_line, column)
				     : arena_printf(arena, "line %zu", parse->row_line);

	parse->failed = true;
	return error_add_field(parse->table->err, pointer, code, "%s%.0s", "%.0s%s", en, vi);
}

static void blank_breaks(char *text)
{
	for (; *text; text++)
		if (*text == '\n' || *text == '\r' || *text == '\t')
			*text = ' ';
}

static void on_cell(void *bytes, size_t len, void *owner)
{
	struct parse *parse = owner;
	struct arena *arena = parse->table->arena;
	char *raw = arena_strndup(arena, bytes ? bytes : "", len);
	const char *clean = "";
	enum wire_text_state state;

	if (parse->ncells++ >= CSV_MAX_COLUMNS)
		return;
	blank_breaks(raw);
	state = wire_clean_text(arena, raw, len, CELL_MAX_LENGTH, &clean);
	if (state == WIRE_TEXT_CONTROL || state == WIRE_TEXT_TOO_LONG) {
		char pointer[64];

		parse->failed = true;
		snprintf(pointer, sizeof(pointer), "line %zu, cell %zu", parse->row_line, parse->ncells);
		wire_fault_text(parse->table->err, pointer, state, CELL_MAX_LENGTH);
	}
	parse->cells[parse->ncells - 1] = clean;
}

static int column_named(const struct parse *parse, const char *heading)
{
	for (size_t i = 0; i < parse->ncolumns; i++)
		if (strcasecmp(parse->table->columns[i], heading) == 0)
			return (int)i;
	return -1;
}

static void take_heading(struct parse *parse)
{
	bool there[CSV_MAX_COLUMNS] = { false };

	parse->nheadings = parse->ncells;
	if (parse->ncells > CSV_MAX_COLUMNS) {
		fault_here(parse, NULL, "too_many", "Too many columns.", "Quá nhiều cột.");
		parse->nheadings = CSV_MAX_COLUMNS;
	}
	for (size_t i = 0; i < parse->nheadings; i++) {
		int column = column_named(parse, parse->cells[i]);

		parse->place[i] = column;
		if (column < 0)
			fault_here(parse, parse->cells[i], "unknown_column", "This column is not known; remove it.",
				   "Không có cột này; hãy bỏ đi.");
		else if (there[column])
			fault_here(parse, parse->cells[i], "duplicate_column", "The column stands twice.",
				   "Cột này có hai lần.");
		else
			there[column] = true;
	}
	for (size_t i = 0; i < parse->ncolumns; i++)
		if (!there[i])
			fault_here(parse, parse->table->columns[i], "missing_column",
				   "The column is missing; add it to the heading, even if empty.",
				   "Thiếu cột này; hãy thêm vào dòng đầu, kể cả khi để trống.");
	parse->bad_heading = parse->failed;
}

static bool row_blank(const struct parse *parse)
{
	for (size_t i = 0; i < parse->ncells && i < CSV_MAX_COLUMNS; i++)
		if (*parse->cells[i])
			return false;
	return true;
}

static struct csv_row *next_row(struct parse *parse)
{
	struct csv_rows *table = parse->table;

	if (table->count == parse->cap) {
		size_t cap = parse->cap ? parse->cap * 2 : 64;
		struct csv_row *rows = arena_alloc(table->arena, cap * sizeof(*rows));

		if (table->count)
			memcpy(rows, table->rows, table->count * sizeof(*rows));
		table->rows = rows;
		parse->cap = cap;
	}
	return &table->rows[table->count++];
}

static void take_row(struct parse *parse)
{
	struct csv_row *row;

	if (parse->ncells != parse->nheadings) {
		fault_here(parse, NULL, "wrong_count", "The row has more or fewer cells than the heading.",
			   "Số ô của dòng khác với dòng đầu.");
		return;
	}
	if (parse->table->count == CSV_MAX_ROWS) {
		fault_here(parse, NULL, "too_many", "Too many rows for one file.", "Quá nhiều dòng trong một tệp.");
		return;
	}
	row = next_row(parse);
	row->line = parse->row_line;
	row->cells = arena_alloc(parse->table->arena, parse->ncolumns * sizeof(*row->cells));
	for (size_t i = 0; i < parse->ncolumns; i++)
		row->cells[i] = "";
	for (size_t i = 0; i < parse->nheadings; i++)
		if (parse->place[i] >= 0)
			row->cells[parse->place[i]] = parse->cells[i];
}

static void on_row(int end, void *owner)
{
	struct parse *parse = owner;

	(void)end;
	if (!row_blank(parse)) {
		if (parse->nheadings == 0)
			take_heading(parse);
		else
			take_row(parse);
	}
	parse->ncells = 0;
	parse->row_line = 0;
}

/* The parser stops for two reasons. */
static bool stopped(struct parse *parse)
{
	if (csv_error(&parse->parser) == CSV_ENOMEM)
		return error_set(parse->table->err, ERR_UNAVAILABLE,
				 "There is no memory for this file just now. Nothing was changed. Try again shortly.",
				 "Hiện không đủ bộ nhớ cho tệp này. Chưa có gì thay đổi. Hãy thử lại sau ít phút.");
	return error_set(parse->table->err, ERR_MALFORMED,
			 "Line %zu is not CSV: a quotation mark is not closed, or stands inside a plain cell.",
			 "Dòng %zu không đúng CSV: dấu nháy chưa đóng hoặc nằm giữa ô không có nháy.",
			 parse->row_line ? parse->row_line : parse->line);
}

/* Byte by byte, so that the line of each row is known; a file is at most 1 MiB. */
static bool feed(struct parse *parse, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		bool line_end = c == '\n' || (c == '\r' && text[i + 1] != '\n');

		if (parse->row_line == 0 && !strchr(" \t\r\n", c))
			parse->row_line = parse->line;
		if (csv_parse(&parse->parser, &c, 1, on_cell, on_row, parse) != 1)
			return stopped(parse);
		if (line_end)
			parse->line++;
		if (parse->bad_heading)        /* the rows then mean nothing */
			return false;
	}
	if (csv_fini(&parse->parser, on_cell, on_row, parse) != 0)
		return stopped(parse);
	return true;
}

#ifdef GIOTHONG_TEST_SEAMS
static void *csv_grow(void *old, size_t size)
{
	return FAULT(FAULT_CSV) ? NULL : realloc(old, size);
}
#endif

static bool check_bytes(const char *text, size_t len, struct error *err)
{
	if (len > CSV_MAX_BYTES)
		return error_set(err, ERR_CONTENT_TOO_LARGE, "The file is larger than 1 MiB; split it.",
				 "Tệp lớn hơn 1 MiB; hãy chia nhỏ.");
	if (!text_valid_utf8(text, len))
		return error_set(err, ERR_MALFORMED, "The file is not UTF-8; save it as \"CSV UTF-8\".",
				 "Tệp không phải UTF-8; hãy lưu dạng \"CSV UTF-8\".");
	return true;
}

/* What parts the heading: the mark that stands there most often outside quotes; a comma when in doubt. */
static char find_delimiter(const char *text, size_t len)
{
	static const char marks[] = { ',', ';', '\t' };
	size_t counts[ARRAY_SIZE(marks)] = { 0 }, best = 0;
	bool quoted = false, begun = false;

	for (size_t i = 0; i < len && (quoted || !begun || !strchr("\r\n", text[i])); i++) {
		quoted ^= text[i] == '"';
		begun |= !strchr("\r\n", text[i]);
		for (size_t m = 0; m < ARRAY_SIZE(marks); m++)
			counts[m] += !quoted && text[i] == marks[m];
	}
	for (size_t m = 1; m < ARRAY_SIZE(marks); m++)
		if (counts[m] > counts[best])
			best = m;
	return marks[best];
}

bool csv_rows_read(struct csv_rows *table, const char *text, size_t len)
{
	struct parse *parse;
	bool fine;

	if (!check_bytes(text, len, table->err))
		return false;
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		len -= 3;
	}
	parse = xcalloc(1, sizeof(*parse));
	parse->table = table;
	parse->line = 1;
	while (table->columns[parse->ncolumns])
		parse->ncolumns++;
	csv_init(&parse->parser, CSV_STRICT | CSV_STRICT_FINI | CSV_APPEND_NULL);
#ifdef GIOTHONG_TEST_SEAMS
	csv_set_realloc_func(&parse->parser, csv_grow);
#endif
	csv_set_delim(&parse->parser, (unsigned char)find_delimiter(text, len));
	fine = feed(parse, arena_strndup(table->arena, text, len), len);
	if (fine && parse->nheadings == 0)
		fine = error_set(table->err, ERR_MALFORMED, "The file is empty; its first line names the columns.",
				 "Tệp trống; dòng đầu phải ghi tên cột.");
	fine = fine && !parse->failed;
	csv_free(&parse->parser);
	free(parse);
	return fine;
}

/* ---- cells ---- */

const char *csv_cell(const struct csv_rows *table, const struct csv_row *row, const char *column)
{
	for (size_t i = 0; table->columns[i]; i++)
		if (streq(table->columns[i], column))
			return *row->cells[i] ? row->cells[i] : NULL;
	return NULL;
}

const char *csv_pointer(const struct csv_rows *table, const struct csv_row *row, const char *column)
{
	return arena_printf(table->arena, "line %zu, column %s", row->line, column);
}

bool csv_text(const struct csv_rows *table, const struct csv_row *row, const char *column, size_t max_length,
	      const char **out)
{
	const char *cell = csv_cell(table, row, column);

	if (!cell)
		return false;
	if (text_length(cell) > max_length)
		return wire_fault_text(table->err, csv_pointer(table, row, column), WIRE_TEXT_TOO_LONG, max_length);
	*out = cell;
	return true;
}

bool csv_int(const struct csv_rows *table, const struct csv_row *row, const char *column, long min, long max,
	     int *out)
{
	const char *cell = csv_cell(table, row, column);
	long value;

	if (!cell)
		return false;
	if (!text_to_int(cell, min, max, &value))
		return wire_fault_range(table->err, csv_pointer(table, row, column), min, max);
	*out = (int)value;
	return true;
}

/* "20/12/2024", as staff write it. */
static bool parse_day_first(const char *text, struct date *out)
{
	int day, month, year, used = 0;

	if (sscanf(text, "%2d/%2d/%4d%n", &day, &month, &year, &used) != 3 || text[used] || year < 1000 ||
	    strpbrk(text, " +-") || !date_valid(year, month, day))
		return false;
	*out = date_make(year, month, day);
	return true;
}

bool csv_date(const struct csv_rows *table, const struct csv_row *row, const char *column, struct date *out)
{
	const char *cell = csv_cell(table, row, column);

	if (!cell)
		return false;
	if (date_parse(cell, out) || parse_day_first(cell, out))
		return true;
	return error_add_field(table->err, csv_pointer(table, row, column), "invalid_date",
			       "Write an existing day as YYYY-MM-DD or D/M/YYYY.",
			       "Hãy ghi một ngày có thật dạng YYYY-MM-DD hoặc N/T/NNNN.");
}

/* "7:30" and "7h30" to "07:30"; anything else is left for the parser to refuse. */
static void plain_minute(const char *typed, char out[8])
{
	bool one_digit = isdigit((unsigned char)typed[0]) && (typed[1] == ':' || typed[1] == 'h');
	char *mark;

	snprintf(out, 8, "%s%s", one_digit ? "0" : "", typed);
	mark = strchr(out, 'h');
	if (mark)
		*mark = ':';
}

bool csv_minute(const struct csv_rows *table, const struct csv_row *row, const char *column, int last,
		int *out)
{
	const char *cell = csv_cell(table, row, column);
	char plain[8];
	int minute;

	if (!cell)
		return false;
	plain_minute(cell, plain);
	if (strlen(cell) <= 5 && minute_parse(plain, &minute) && minute <= last) {
		*out = minute;
		return true;
	}
	return error_add_field(table->err, csv_pointer(table, row, column), "invalid_time",
			       "Write the hour as HH:MM, such as 07:30.", "Hãy ghi giờ dạng HH:MM, ví dụ 07:30.");
}

static size_t count_marks(const char *text)
{
	size_t marks = 0;

	for (; *text; text++)
		marks += *text == ';';
	return marks;
}

size_t csv_list(const struct csv_rows *table, const struct csv_row *row, const char *column,
		const char ***out)
{
	const char *cell = csv_cell(table, row, column);
	size_t count = 0;

	if (!cell)
		cell = "";
	*out = arena_alloc(table->arena, (count_marks(cell) + 2) * sizeof(**out));
	while (*cell) {
		size_t len = strcspn(cell, ";");
		char *part = arena_strndup(table->arena, cell, len);

		if (wire_clean_text(table->arena, part, len, CELL_MAX_LENGTH, &(*out)[count]) == WIRE_TEXT_FINE)
			count++;
		cell += len + (cell[len] == ';');
	}
	return count;
}
