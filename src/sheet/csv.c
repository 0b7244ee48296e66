#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <csv.h>

#include "base/error.h"
#include "base/fault.h"
#include "sheet/private.h"

struct csv_source {
	int               fd;
	struct csv_parser parser;
	struct sheet     *sheet;
	size_t            row;                   /* number of the row being read */
	size_t            column;
	bool              after_cr;              /* CRLF, split between two pieces, is one line end */
	bool              begun;
};

static void on_cell(void *bytes, size_t len, void *owner)
{
	struct csv_source *source = owner;

	if (!source->sheet->failed)
		sheet_put_cell(source->sheet, source->row, source->column, bytes ? bytes : "", len);
	source->column++;
}

static void on_row(int end, void *owner)
{
	struct csv_source *source = owner;

	source->sheet->row_unended = end < 0;
	if (!source->sheet->failed)
		sheet_end_row(source->sheet, source->row);
	source->row++;
	source->column = 0;
}

/* ---- what parts the cells ---- */

static const char marks[] = { ',', ';', '\t' };
enum { MARKS = ARRAY_SIZE(marks), LINES_LOOKED_AT = 50 };

/* How often each mark stands outside quotes in some line. */
struct marked_line {
	size_t counts[MARKS];
};

/* The first lines that have anything in them; one that the piece cuts is left out, unless it is the only one. */
static size_t read_lines(const char *text, size_t len, struct marked_line lines[LINES_LOOKED_AT])
{
	bool quoted = false, begun = false;
	size_t count = 0;

	memset(&lines[0], 0, sizeof(lines[0]));
	for (size_t i = 0; i < len && count < LINES_LOOKED_AT; i++) {
		bool ends = !quoted && (text[i] == '\r' || text[i] == '\n');

		if (ends && begun && ++count < LINES_LOOKED_AT)
			memset(&lines[count], 0, sizeof(lines[count]));
		begun = !ends;
		quoted ^= text[i] == '"';
		for (size_t m = 0; m < MARKS; m++)
			if (!ends && !quoted)
				lines[count].counts[m] += text[i] == marks[m];
	}
	return count ? count : 1;
}

/* In how many lines the mark stands as often as in *times of them, where that is most. */
static size_t lines_that_agree(const struct marked_line *lines, size_t count, size_t mark, size_t *times)
{
	size_t best = 0;

	*times = 0;
	for (size_t i = 0; i < count; i++) {
		size_t same = 0, here = lines[i].counts[mark];

		for (size_t k = 0; k < count; k++)
			same += lines[k].counts[mark] == here;
		if (here && (same > best || (same == best && here > *times))) {
			best = same;
			*times = here;
		}
	}
	return best;
}

/*
 * The mark that stands in most lines, and as often in each: titles above a table have commas, addresses too, but
 * not all the same number. Of two, the one that stands there more often; a comma when in doubt.
 */
static char find_delimiter(const char *text, size_t len)
{
	struct marked_line lines[LINES_LOOKED_AT];
	size_t count = read_lines(text, len, lines), best = 0, most = 0, often = 0;

	for (size_t m = 0; m < MARKS; m++) {
		size_t times, agree = lines_that_agree(lines, count, m, &times);

		if (agree > most || (agree == most && times > often)) {
			best = m;
			most = agree;
			often = times;
		}
	}
	return marks[best];
}

/* Each line end becomes one '\n', so that blank lines count as rows and CRLF as one. In place. */
static size_t unify_line_ends(struct csv_source *source, char *text, size_t len)
{
	size_t to = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n' && source->after_cr) {
			source->after_cr = false;
			continue;
		}
		source->after_cr = text[i] == '\r';
		text[to++] = text[i] == '\r' ? '\n' : text[i];
	}
	return to;
}

static bool stopped(struct csv_source *source)
{
	if (csv_error(&source->parser) == CSV_ENOMEM) {
		source->sheet->failed = true;
		return error_set(source->sheet->err, ERR_UNAVAILABLE, "There is no memory for this file just now.",
				 "Hiện không đủ bộ nhớ cho tệp này.");
	}
	return sheet_fail_row(source->sheet, source->row, "a quotation mark is not closed, or stands inside a plain cell.",
			      "dấu nháy chưa đóng hoặc nằm giữa ô không có nháy.");
}

static bool begin(struct csv_source *source, char **text, size_t *len)
{
	source->begun = true;
	if (*len >= 2 && (memcmp(*text, "\xff\xfe", 2) == 0 || memcmp(*text, "\xfe\xff", 2) == 0))
		return sheet_fail(source->sheet, "The file is UTF-16; save it as \"CSV UTF-8\".",
				  "Tệp là UTF-16; hãy lưu dạng \"CSV UTF-8\".");
	if (*len >= 3 && memcmp(*text, "\xef\xbb\xbf", 3) == 0) {
		*text += 3;
		*len -= 3;
	}
	csv_set_delim(&source->parser, (unsigned char)find_delimiter(*text, *len));
	return true;
}

static bool finish(struct csv_source *source)
{
	if (csv_fini(&source->parser, on_cell, on_row, source) != 0)
		return stopped(source);
	if (!source->begun)
		return sheet_fail(source->sheet, "The file is empty; its first line names the columns.",
				  "Tệp trống; dòng đầu phải ghi tên cột.");
	return false;
}

static bool csv_feed(struct sheet *sheet)
{
	struct csv_source *source = sheet->source;
	char piece[PIECE_BYTES], *text = piece;
	ssize_t got;
	size_t len;

	do {
		got = read(source->fd, piece, sizeof(piece));
	} while (got < 0 && errno == EINTR);
	if (got < 0) {
		sheet->failed = true;
		return error_set(sheet->err, ERR_SYSTEM, "The file cannot be read: %s", "Không đọc được tệp: %s", strerror(errno));
	}
	if (got == 0)
		return finish(source);
	sheet->done += (uint64_t)got;
	len = (size_t)got;
	if (!source->begun && !begin(source, &text, &len))
		return false;
	len = unify_line_ends(source, text, len);
	if (csv_parse(&source->parser, text, len, on_cell, on_row, source) != len)
		return stopped(source);
	if (source->parser.entry_pos > SHEET_CELL_MAX)   /* the rest of the file would be one cell */
		return sheet_fail_row(sheet, source->row, "a quotation mark is not closed.", "dấu nháy chưa đóng.");
	return !sheet->failed;
}

static void csv_close(struct sheet *sheet)
{
	struct csv_source *source = sheet->source;

	csv_free(&source->parser);
	close(source->fd);
	free(source);
}

#ifdef GIOTHONG_TEST_SEAMS
static void *csv_grow(void *old, size_t size)
{
	return FAULT(FAULT_CSV) ? NULL : realloc(old, size);
}
#endif

bool csv_open(struct sheet *sheet, int fd)
{
	static const struct sheet_kind kind = { csv_feed, csv_close };
	struct csv_source *source = xcalloc(1, sizeof(*source));

	source->fd = fd;
	source->sheet = sheet;
	source->row = 1;
	csv_init(&source->parser, CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL);
#ifdef GIOTHONG_TEST_SEAMS
	csv_set_realloc_func(&source->parser, csv_grow);
#endif
	sheet->source = source;
	sheet->kind = &kind;
	return true;
}
