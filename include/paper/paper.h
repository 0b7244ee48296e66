#ifndef PAPER_PAPER_H
#define PAPER_PAPER_H

#include <stdbool.h>
#include <stddef.h>

#include "domain/certificate.h"

/*
 * Certificates on paper: PDF, A5 landscape, one page each. Letters are DejaVu's, which have all marks of Vietnamese
 * (package fonts-dejavu-core).
 * It takes milliseconds a page: in the CPU pool, not on a loop. One document belongs to one thread.
 */
struct buf;
struct error;

/* ---- what stands where: data (config/paper) ---- */

enum { FORM_PARTS_MAX = 2 * CERTIFICATE_FIELD_COUNT };
enum form_style { FORM_PLAIN, FORM_BOLD };
enum form_align { FORM_LEFT, FORM_CENTER, FORM_RIGHT };

struct form_part {
	enum certificate_field field;
	double                 x, y, width;      /* mm */
	double                 points;
	enum form_style        style;
	enum form_align        align;
	int                    lines;
};
struct form {
	struct form_part parts[FORM_PARTS_MAX];
	size_t           count;
};

enum form_kind { FORM_WHOLE, FORM_PREPRINTED, FORM_KIND_COUNT };
const char *form_kind_text(enum form_kind kind);         /* "whole", "preprinted" */
bool form_kind_parse(const char *text, enum form_kind *out);

/* False and ERR_CONFIG with the line: an unknown part or word, a number out of the paper; or no part at all. */
bool form_parse(const char *text, struct form *form, struct error *err) __attribute__((warn_unused_result));
/* The one that is built in. */
const char *form_builtin(enum form_kind kind);

/* ---- a document ---- */

struct paper;

/* NULL and ERR_INTERNAL: the fonts are not installed. */
struct paper *paper_new(struct error *err);
void paper_free(struct paper *paper);                    /* NULL is fine */
/*
 * A page. `words` as certificate_words() gives them; `qr` is the text of its code. False and ERR_INTERNAL: no code can be
 * made of it.
 */
bool paper_add(struct paper *paper, const struct form *form, const char *const words[CERTIFICATE_FIELD_COUNT],
	       const char *qr, struct error *err) __attribute__((warn_unused_result));
/* Appends the whole PDF; nothing more can be added. False and ERR_INTERNAL: memory ran out. */
bool paper_finish(struct paper *paper, struct buf *out, struct error *err) __attribute__((warn_unused_result));

#endif
