#ifndef PAPER_FONTS_H
#define PAPER_FONTS_H

#include <pango/pangocairo.h>
#include <stdbool.h>

/* The letters of all that is printed: "DejaVu Serif", and DejaVu Sans for what it lacks. Any thread. */
struct error;

#define POINTS_A_MM (72 / 25.4)

/* False and ERR_INTERNAL: they are not installed. */
bool fonts_ready(struct error *err) __attribute__((warn_unused_result));
/* New; only when they are ready. It belongs to one thread. */
PangoFontMap *fonts_new(void);

#endif
