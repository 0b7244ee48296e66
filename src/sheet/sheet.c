#include "sheet/sheet.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "sheet/private.h"

/* ---- what the kinds report ---- */

bool sheet_fail(struct sheet *sheet, const char *en, const char *vi)
{
	if (!sheet->failed)
		error_set(sheet->err, ERR_MALFORMED, "%s%.0s", "%.0s%s", en, vi);
	sheet->failed = true;
	return false;
}

bool sheet_fail_row(struct sheet *sheet, size_t row_number, const char *en, const char *vi)
{
	if (!sheet->failed)
		error_set(sheet->err, ERR_MALFORMED, "Row %zu: %s%.0s", "Dòng %zu: %.0s%s", row_number, en, vi);
	sheet->failed = true;
	return false;
}

static void push_cell(struct sheet *sheet, const char *text, size_t len)
{
	if (sheet->ncells == sheet->cells_cap) {
		sheet->cells_cap = sheet->cells_cap ? sheet->cells_cap * 2 : 1024;
		sheet->cells = xrealloc(sheet->cells, sheet->cells_cap * sizeof(*sheet->cells));
	}
	sheet->cells[sheet->ncells++] = sheet->bytes.len;
	sheet->row_cells++;
	buf_append(&sheet->bytes, text, len);
	buf_append_char(&sheet->bytes, '\0');
}

bool sheet_put_cell(struct sheet *sheet, size_t row_number, size_t column, const char *text, size_t len)
{
	if (column >= SHEET_COLUMNS_MAX)
		return true;
	if (column < sheet->row_cells)
		return sheet_fail_row(sheet, row_number, "its cells are not in order.", "các ô không theo thứ tự.");
	if (len > SHEET_CELL_MAX)
		return sheet_fail_row(sheet, row_number, "a cell is too long.", "có ô quá dài.");
	if (!text_valid_utf8(text, len))
		return sheet_fail_row(sheet, row_number, "a cell is not UTF-8; save the file as \"CSV UTF-8\".",
				      "có ô không phải UTF-8; hãy lưu tệp dạng \"CSV UTF-8\".");
	while (sheet->row_cells < column)
		push_cell(sheet, "", 0);
	push_cell(sheet, text, len);
	sheet->row_filled |= len > 0;
	return true;
}

bool sheet_end_row(struct sheet *sheet, size_t row_number)
{
	if (row_number > SHEET_ROWS_MAX)
		return sheet_fail_row(sheet, row_number, "too many rows for one file; split it.",
				      "quá nhiều dòng trong một tệp; hãy chia nhỏ.");
	if (sheet->row_filled) {
		if (sheet->nrows == sheet->rows_cap) {
			sheet->rows_cap = sheet->rows_cap ? sheet->rows_cap * 2 : 256;
			sheet->rows = xrealloc(sheet->rows, sheet->rows_cap * sizeof(*sheet->rows));
		}
		sheet->rows[sheet->nrows++] = (struct queued_row){
			.number = row_number,
			.first_cell = sheet->ncells - sheet->row_cells,
			.ncells = sheet->row_cells,
			.unended = sheet->row_unended,
		};
	} else {
		sheet->ncells -= sheet->row_cells;
	}
	sheet->row_cells = 0;
	sheet->row_filled = false;
	return true;
}

/* ---- the queue ---- */

/* Rows that were shown are forgotten; cells of a row under way move to the front. */
static void empty_queue(struct sheet *sheet)
{
	size_t first = sheet->ncells - sheet->row_cells;
	size_t from = sheet->row_cells ? sheet->cells[first] : sheet->bytes.len;

	for (size_t i = 0; i < sheet->row_cells; i++)
		sheet->cells[i] = sheet->cells[first + i] - from;
	if (from) {
		memmove(sheet->bytes.data, sheet->bytes.data + from, sheet->bytes.len - from);
		sheet->bytes.len -= from;
	}
	sheet->ncells = sheet->row_cells;
	sheet->nrows = sheet->next_row = 0;
}

static void show(struct sheet *sheet, const struct queued_row *queued, struct sheet_row *row)
{
	if (queued->ncells > sheet->view_cap) {
		sheet->view_cap = queued->ncells;
		sheet->view = xrealloc(sheet->view, sheet->view_cap * sizeof(*sheet->view));
	}
	for (size_t i = 0; i < queued->ncells; i++)
		sheet->view[i] = sheet->bytes.data + sheet->cells[queued->first_cell + i];
	*row = (struct sheet_row){ .number = queued->number, .cells = sheet->view, .ncells = queued->ncells,
				   .unended = queued->unended };
}

bool sheet_next(struct sheet *sheet, struct sheet_row *row, struct error *err)
{
	sheet->err = &sheet->fault;
	while (sheet->next_row == sheet->nrows && !sheet->ended && !sheet->failed) {
		empty_queue(sheet);
		sheet->ended = !sheet->kind->feed(sheet);
	}
	/* Rows before the fault are told first, then the fault. */
	if (sheet->next_row < sheet->nrows) {
		show(sheet, &sheet->rows[sheet->next_row++], row);
		return true;
	}
	if (sheet->failed)
		*err = sheet->fault;
	return false;
}

/* ---- opening ---- */

static bool fail_system(struct error *err, const char *path)
{
	return error_set(err, ERR_SYSTEM, "%s: cannot be read: %s", "%s: không đọc được: %s", path, strerror(errno));
}

static bool open_kind(struct sheet *sheet, const char *path, int fd, struct stat *about)
{
	static const unsigned char zip[] = { 'P', 'K', 3, 4 }, ole[] = { 0xd0, 0xcf, 0x11, 0xe0 };
	unsigned char head[4] = { 0 };
	ssize_t got = pread(fd, head, sizeof(head), 0);

	if (got < 0)
		return fail_system(sheet->err, path);
	if (memcmp(head, ole, sizeof(ole)) == 0)
		return sheet_fail(sheet, "This is an old .xls file, or one with a password; save it as .xlsx without a password.",
				  "Đây là tệp .xls cũ hoặc có mật khẩu; hãy lưu dạng .xlsx không mật khẩu.");
	if (memcmp(head, zip, sizeof(zip)) == 0) {
		close(fd);
		return xlsx_open(sheet, path);
	}
	sheet->total = (uint64_t)about->st_size;
	return csv_open(sheet, fd);
}

struct sheet *sheet_open(const char *path, struct error *err)
{
	struct sheet *sheet = xcalloc(1, sizeof(*sheet));
	struct stat about;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool fine;

	sheet->err = err;
	if (fd < 0 || fstat(fd, &about) < 0) {
		fine = fail_system(err, path);
	} else if (!S_ISREG(about.st_mode)) {
		errno = EINVAL;
		fine = fail_system(err, path);
	} else {
		fine = open_kind(sheet, path, fd, &about);
	}
	if (fine)
		return sheet;
	if (!sheet->kind && fd >= 0)
		close(fd);
	sheet_close(sheet);
	return NULL;
}

void sheet_close(struct sheet *sheet)
{
	if (!sheet)
		return;
	if (sheet->kind)
		sheet->kind->close(sheet);
	buf_release(&sheet->bytes);
	free(sheet->cells);
	free(sheet->rows);
	free(sheet->view);
	free(sheet);
}

void sheet_progress(const struct sheet *sheet, uint64_t *done, uint64_t *total)
{
	*done = sheet->done;
	*total = sheet->total;
}
