#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/embedded.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "paper/paper.h"

extern const struct embedded_file embedded_forms[];

enum { PAPER_WIDTH = 210, PAPER_HEIGHT = 148, POINTS_MAX = 72, LINES_MAX = 9, LINE_MAX_BYTES = 200 };
enum { PART, X, Y, WIDTH, POINTS, STYLE, ALIGN, LINES, WORDS };

static const char *const kinds[FORM_KIND_COUNT] = { [FORM_WHOLE] = "whole", [FORM_PREPRINTED] = "preprinted" };
static const char *const styles[] = { [FORM_PLAIN] = "plain", [FORM_BOLD] = "bold" };
static const char *const aligns[] = { [FORM_LEFT] = "left", [FORM_CENTER] = "center", [FORM_RIGHT] = "right" };

const char *form_kind_text(enum form_kind kind)
{
	return (unsigned)kind < FORM_KIND_COUNT ? kinds[kind] : "unknown";
}

static bool find_word(const char *const *words, size_t count, const char *text, unsigned *out)
{
	for (unsigned i = 0; i < count; i++) {
		if (streq(words[i], text)) {
			*out = i;
			return true;
		}
	}
	return false;
}

bool form_kind_parse(const char *text, enum form_kind *out)
{
	unsigned found;

	if (!find_word(kinds, FORM_KIND_COUNT, text, &found))
		return false;
	*out = (enum form_kind)found;
	return true;
}

const char *form_builtin(enum form_kind kind)
{
	const char *name = kind == FORM_PREPRINTED ? "preprinted.form" : "certificate.form";

	for (const struct embedded_file *file = embedded_forms; file->name; file++)
		if (streq(file->name, name))
			return (const char *)file->bytes;
	abort();                         /* they are part of the program */
}

/* A plain decimal number: strtod() also knows the locale, infinity and hexadecimal. */
static bool read_number(const char *text, double max, double *out)
{
	size_t digits = strspn(text, "0123456789"), more = 0;
	double value = 0, unit = 1;

	if (text[digits] == '.')
		more = strspn(text + digits + 1, "0123456789");
	if (digits == 0 || digits > 4 || more > 4 || text[digits + (more ? more + 1 : 0)] != '\0')
		return false;
	for (size_t i = 0; i < digits; i++)
		value = value * 10 + (text[i] - '0');
	for (size_t i = 0; i < more; i++) {
		unit /= 10;
		value += unit * (text[digits + 1 + i] - '0');
	}
	*out = value;
	return value <= max;
}

static bool read_part(char *line, struct form_part *part)
{
	const char *words[WORDS + 1];
	unsigned style, align;
	size_t count = 0;
	long lines;

	for (char *word; (word = strsep(&line, " \t\r")) != NULL && count <= WORDS;)
		if (*word)
			words[count++] = word;
	if (count != WORDS || !certificate_field_parse(words[PART], &part->field) ||
	    !read_number(words[X], PAPER_WIDTH, &part->x) || !read_number(words[Y], PAPER_HEIGHT, &part->y) ||
	    !read_number(words[WIDTH], PAPER_WIDTH, &part->width) || !read_number(words[POINTS], POINTS_MAX, &part->points) ||
	    !find_word(styles, ARRAY_SIZE(styles), words[STYLE], &style) ||
	    !find_word(aligns, ARRAY_SIZE(aligns), words[ALIGN], &align) || !text_to_int(words[LINES], 0, LINES_MAX, &lines))
		return false;
	part->style = (enum form_style)style;
	part->align = (enum form_align)align;
	part->lines = (int)lines;
	if (part->width <= 0 || part->x + part->width > PAPER_WIDTH)
		return false;
	return part->field == FIELD_QR ? part->y + part->width <= PAPER_HEIGHT : part->points >= 4 && part->lines > 0;
}

static bool fail_at(size_t number, struct error *err)
{
	return error_set(err, ERR_CONFIG, "Line %zu of the form: a part, x, y, width, points, style, align, lines are"
			 " expected, all on the paper.",
			 "Dòng %zu của mẫu giấy: cần tên phần, x, y, rộng, cỡ chữ, kiểu, canh lề, số dòng, đều nằm trong khổ giấy.",
			 number);
}

bool form_parse(const char *text, struct form *form, struct error *err)
{
	size_t number = 0;

	form->count = 0;
	while (*text) {
		char line[LINE_MAX_BYTES];
		size_t len = strcspn(text, "\n");

		number++;
		snprintf(line, sizeof(line), "%.*s", (int)(len < sizeof(line) ? len : sizeof(line) - 1), text);
		text += len + (text[len] == '\n');
		if (line[0] == '#' || text_is_blank(line))
			continue;
		if (len >= sizeof(line) || form->count == FORM_PARTS_MAX || !read_part(line, &form->parts[form->count]))
			return fail_at(number, err);
		form->count++;
	}
	if (form->count == 0)
		return error_set(err, ERR_CONFIG, "The form has no part: each page would be empty.",
				 "Mẫu giấy không có phần nào: mọi trang sẽ trống.");
	return true;
}
