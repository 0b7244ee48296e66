#include "paper/list.h"

#include <cairo-pdf.h>
#include <cairo.h>
#include <pango/pangocairo.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/memory.h"
#include "paper/fonts.h"

/* A4 on its side; all in millimetres. */
static const double mm = POINTS_A_MM, paper_width = 297, paper_height = 210, margin = 12, padding = 1.2;
static const double title_points = 14, note_points = 10, head_points = 9, cell_points = 9, line_width = 0.15;

struct drawing {
	const struct paper_list *list;
	cairo_surface_t         *surface;
	cairo_t                 *cairo;
	PangoFontMap            *fonts;
	PangoContext            *context;
	double                   widths[LIST_COLUMNS_MAX];
	double                  *heights;        /* of each row */
	double                   head_height;
	size_t                   pages;
};

static cairo_status_t take_bytes(void *closure, const unsigned char *bytes, unsigned len)
{
	buf_append(closure, bytes, len);
	return CAIRO_STATUS_SUCCESS;
}

/* ---- texts ---- */

static PangoLayout *text_of(const struct drawing *drawing, const char *text, double width, double points, bool bold)
{
	PangoFontDescription *font = pango_font_description_new();
	PangoLayout *layout = pango_layout_new(drawing->context);

	pango_font_description_set_family_static(font, "DejaVu Serif");
	pango_font_description_set_weight(font, bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
	pango_font_description_set_absolute_size(font, points * PANGO_SCALE);
	pango_layout_set_font_description(layout, font);
	pango_font_description_free(font);
	pango_layout_set_single_paragraph_mode(layout, TRUE);
	pango_layout_set_width(layout, (int)(width * mm * PANGO_SCALE));
	pango_layout_set_wrap(layout, PANGO_WRAP_WORD_CHAR);
	pango_layout_set_height(layout, -LIST_LINES_MAX);
	pango_layout_set_ellipsize(layout, PANGO_ELLIPSIZE_END);
	pango_layout_set_text(layout, text, -1);
	return layout;
}

static double height_of(PangoLayout *layout)
{
	int height;

	pango_layout_get_size(layout, NULL, &height);
	return height / (double)PANGO_SCALE / mm;
}

static void draw_text(struct drawing *drawing, const char *text, double x, double y, double width, double points, bool bold,
		      PangoAlignment align)
{
	PangoLayout *layout = text_of(drawing, text, width, points, bold);

	pango_layout_set_alignment(layout, align);
	cairo_move_to(drawing->cairo, x * mm, y * mm);
	pango_cairo_show_layout(drawing->cairo, layout);
	g_object_unref(layout);
}

/* ---- rows ---- */

static const char *cell_of(const char *const *cells, size_t column)
{
	return cells[column] ? cells[column] : "";
}

static double row_height(const struct drawing *drawing, const char *const *cells, double points, bool bold)
{
	double most = 0;

	for (size_t c = 0; c < drawing->list->ncolumns; c++) {
		PangoLayout *layout = text_of(drawing, cell_of(cells, c), drawing->widths[c] - 2 * padding, points, bold);
		double height = height_of(layout);

		g_object_unref(layout);
		if (height > most)
			most = height;
	}
	return most + 2 * padding;
}

static void draw_row(struct drawing *drawing, const char *const *cells, double y, double height, double points, bool head)
{
	cairo_t *cairo = drawing->cairo;
	double x = margin;

	for (size_t c = 0; c < drawing->list->ncolumns; c++) {
		cairo_rectangle(cairo, x * mm, y * mm, drawing->widths[c] * mm, height * mm);
		if (head) {
			cairo_set_source_rgb(cairo, 0.9, 0.9, 0.9);
			cairo_fill_preserve(cairo);
			cairo_set_source_rgb(cairo, 0, 0, 0);
		}
		cairo_stroke(cairo);
		draw_text(drawing, cell_of(cells, c), x + padding, y + padding, drawing->widths[c] - 2 * padding, points, head,
			  PANGO_ALIGN_LEFT);
		x += drawing->widths[c];
	}
}

/* ---- pages ---- */

/* Below the title on the first page, at the margin on the others. */
static double top_of(const struct drawing *drawing, size_t page)
{
	return page > 0 ? margin : margin + (drawing->list->note ? 16 : 10);
}

/* The rows of a page begin at `from`; where those of the next one begin. A page has a row at least. */
static size_t page_end(const struct drawing *drawing, size_t page, size_t from)
{
	double y = top_of(drawing, page) + drawing->head_height, bottom = paper_height - margin - 6;
	size_t row = from;

	while (row < drawing->list->nrows && (row == from || y + drawing->heights[row] <= bottom))
		y += drawing->heights[row++];
	return row;
}

static void draw_page(struct drawing *drawing, size_t page, size_t from, size_t to)
{
	const struct paper_list *list = drawing->list;
	double y = top_of(drawing, page), width = paper_width - 2 * margin;
	char number[64];

	if (page == 0) {
		draw_text(drawing, list->title, margin, margin, width, title_points, true, PANGO_ALIGN_CENTER);
		if (list->note)
			draw_text(drawing, list->note, margin, margin + 8, width, note_points, false, PANGO_ALIGN_CENTER);
	}
	draw_row(drawing, list->heads, y, drawing->head_height, head_points, true);
	y += drawing->head_height;
	for (size_t row = from; row < to; y += drawing->heights[row++])
		draw_row(drawing, list->cells + row * list->ncolumns, y, drawing->heights[row], cell_points, false);
	snprintf(number, sizeof(number), "%s %zu/%zu", list->page_word, page + 1, drawing->pages);
	draw_text(drawing, number, margin, paper_height - margin - 4, width, head_points, false, PANGO_ALIGN_RIGHT);
	cairo_show_page(drawing->cairo);
}

static void measure(struct drawing *drawing)
{
	const struct paper_list *list = drawing->list;
	int shares = 0;

	for (size_t c = 0; c < list->ncolumns; c++)
		shares += list->shares[c];
	for (size_t c = 0; c < list->ncolumns; c++)
		drawing->widths[c] = (paper_width - 2 * margin) * list->shares[c] / shares;
	drawing->head_height = row_height(drawing, list->heads, head_points, true);
	for (size_t row = 0; row < list->nrows; row++)
		drawing->heights[row] = row_height(drawing, list->cells + row * list->ncolumns, cell_points, false);
	drawing->pages = 0;
	for (size_t row = 0; drawing->pages == 0 || row < list->nrows; drawing->pages++)
		row = page_end(drawing, drawing->pages, row);
}

static void draw(struct drawing *drawing)
{
	size_t row = 0;

	cairo_set_line_width(drawing->cairo, line_width * mm);
	for (size_t page = 0; page < drawing->pages; page++) {
		size_t end = page_end(drawing, page, row);

		draw_page(drawing, page, row, end);
		row = end;
	}
}

bool paper_list_draw(const struct paper_list *list, struct buf *out, struct error *err)
{
	struct drawing drawing = { .list = list };
	struct buf bytes = { 0 };
	struct arena arena;
	bool fine;

	if (!fonts_ready(err))
		return false;
	arena_init(&arena);
	drawing.heights = arena_alloc(&arena, (list->nrows + 1) * sizeof(*drawing.heights));
	drawing.surface = cairo_pdf_surface_create_for_stream(take_bytes, &bytes, paper_width * mm, paper_height * mm);
	cairo_pdf_surface_set_metadata(drawing.surface, CAIRO_PDF_METADATA_TITLE, list->title);
	cairo_pdf_surface_set_metadata(drawing.surface, CAIRO_PDF_METADATA_CREATOR, "Giọt Hồng");
	drawing.cairo = cairo_create(drawing.surface);
	drawing.fonts = fonts_new();
	drawing.context = pango_font_map_create_context(drawing.fonts);
	pango_cairo_update_context(drawing.cairo, drawing.context);
	measure(&drawing);
	draw(&drawing);
	cairo_surface_finish(drawing.surface);
	fine = cairo_status(drawing.cairo) == CAIRO_STATUS_SUCCESS && cairo_surface_status(drawing.surface) == CAIRO_STATUS_SUCCESS;
	g_object_unref(drawing.context);
	g_object_unref(drawing.fonts);
	cairo_destroy(drawing.cairo);
	cairo_surface_destroy(drawing.surface);
	arena_release(&arena);
	if (fine)
		buf_append(out, bytes.data, bytes.len);
	else
		error_set(err, ERR_INTERNAL, "The list cannot be drawn. Tell the administrator.",
			  "Không vẽ được danh sách. Hãy báo người quản trị.");
	buf_release(&bytes);
	return fine;
}
