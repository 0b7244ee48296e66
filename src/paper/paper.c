#include "paper/paper.h"

#include <cairo-pdf.h>
#include <cairo.h>
#include <pango/pangocairo.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/memory.h"
#include "paper/fonts.h"
#include "paper/qr.h"

/* Points to a millimetre; the size of A5 on its side. */
static const double mm = POINTS_A_MM, paper_width = 210, paper_height = 148;
/* A text is made smaller in such steps, down to that part of its size. */
static const double smaller = 0.94, smallest = 0.45;

struct paper {
	struct buf       bytes;
	cairo_surface_t *surface;
	cairo_t         *cairo;
	PangoFontMap    *fonts;          /* its own: that of the thread would stay until the thread ends */
	PangoContext    *context;
};

static cairo_status_t take_bytes(void *closure, const unsigned char *bytes, unsigned len)
{
	buf_append(closure, bytes, len);
	return CAIRO_STATUS_SUCCESS;
}

struct paper *paper_new(struct error *err)
{
	struct paper *paper;

	if (!fonts_ready(err))
		return NULL;
	paper = xcalloc(1, sizeof(*paper));
	paper->surface = cairo_pdf_surface_create_for_stream(take_bytes, &paper->bytes, paper_width * mm, paper_height * mm);
	cairo_pdf_surface_set_metadata(paper->surface, CAIRO_PDF_METADATA_TITLE, "Giấy chứng nhận hiến máu tình nguyện");
	cairo_pdf_surface_set_metadata(paper->surface, CAIRO_PDF_METADATA_CREATOR, "Giọt Hồng");
	paper->cairo = cairo_create(paper->surface);
	paper->fonts = fonts_new();
	paper->context = pango_font_map_create_context(paper->fonts);
	pango_cairo_update_context(paper->cairo, paper->context);
	return paper;
}

void paper_free(struct paper *paper)
{
	if (!paper)
		return;
	g_object_unref(paper->context);
	g_object_unref(paper->fonts);
	cairo_destroy(paper->cairo);
	cairo_surface_finish(paper->surface);
	cairo_surface_destroy(paper->surface);
	buf_release(&paper->bytes);
	free(paper);
}

/* ---- text ---- */

static void set_font(PangoLayout *layout, const struct form_part *part, double points)
{
	PangoFontDescription *font = pango_font_description_new();

	pango_font_description_set_family_static(font, "DejaVu Serif");
	pango_font_description_set_weight(font, part->style == FORM_BOLD ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
	pango_font_description_set_absolute_size(font, points * PANGO_SCALE);
	pango_layout_set_font_description(layout, font);
	pango_font_description_free(font);
}

static bool fits(PangoLayout *layout, const struct form_part *part)
{
	int width, height;

	pango_layout_get_size(layout, &width, &height);
	return pango_layout_get_line_count(layout) <= part->lines && width <= part->width * mm * PANGO_SCALE;
}

static void draw_text(struct paper *paper, const struct form_part *part, const char *text)
{
	static const PangoAlignment aligns[] = { [FORM_LEFT] = PANGO_ALIGN_LEFT, [FORM_CENTER] = PANGO_ALIGN_CENTER,
						 [FORM_RIGHT] = PANGO_ALIGN_RIGHT };
	PangoLayout *layout = pango_layout_new(paper->context);
	double points = part->points;

	pango_layout_set_width(layout, (int)(part->width * mm * PANGO_SCALE));
	pango_layout_set_wrap(layout, PANGO_WRAP_WORD_CHAR);
	pango_layout_set_alignment(layout, aligns[part->align]);
	pango_layout_set_text(layout, text, -1);
	set_font(layout, part, points);
	while (!fits(layout, part) && points > smallest * part->points) {
		points *= smaller;
		set_font(layout, part, points);
	}
	cairo_move_to(paper->cairo, part->x * mm, part->y * mm);
	pango_cairo_show_layout(paper->cairo, layout);
	g_object_unref(layout);
}

/* ---- the code ---- */

/* Dark modules that touch in a row are one rectangle: no hair lines between them. */
static void draw_modules(cairo_t *cairo, const struct qr *qr, double x, double y, double module)
{
	for (int row = 0; row < qr->width; row++) {
		const unsigned char *dark = qr->dark + (size_t)row * (size_t)qr->width;

		for (int from = 0, to; from < qr->width; from = to) {
			to = from + 1;
			if (!dark[from])
				continue;
			while (to < qr->width && dark[to])
				to++;
			cairo_rectangle(cairo, x + from * module, y + row * module, (to - from) * module, module);
		}
	}
	cairo_fill(cairo);
}

static bool draw_code(struct paper *paper, const struct form_part *part, const char *text)
{
	struct arena arena;
	struct qr qr;
	bool made;

	arena_init(&arena);
	made = qr_make(text, &arena, &qr);
	if (made) {
		double module = part->width * mm / (qr.width + 2 * QR_QUIET);

		draw_modules(paper->cairo, &qr, part->x * mm + QR_QUIET * module, part->y * mm + QR_QUIET * module, module);
	}
	arena_release(&arena);
	return made;
}

/* ---- pages ---- */

static bool fail_paper(struct error *err)
{
	return error_set(err, ERR_INTERNAL, "The certificate cannot be drawn. Tell the administrator.",
			 "Không vẽ được giấy chứng nhận. Hãy báo người quản trị.");
}

bool paper_add(struct paper *paper, const struct form *form, const char *const words[CERTIFICATE_FIELD_COUNT],
	       const char *qr, struct error *err)
{
	for (size_t i = 0; i < form->count; i++) {
		const struct form_part *part = &form->parts[i];

		if (part->field == FIELD_QR) {
			if (!draw_code(paper, part, qr))
				return fail_paper(err);
		} else if (words[part->field]) {
			draw_text(paper, part, words[part->field]);
		}
	}
	cairo_show_page(paper->cairo);
	return cairo_status(paper->cairo) == CAIRO_STATUS_SUCCESS || fail_paper(err);
}

bool paper_finish(struct paper *paper, struct buf *out, struct error *err)
{
	cairo_surface_finish(paper->surface);
	if (cairo_surface_status(paper->surface) != CAIRO_STATUS_SUCCESS)
		return fail_paper(err);
	buf_append(out, paper->bytes.data, paper->bytes.len);
	return true;
}
