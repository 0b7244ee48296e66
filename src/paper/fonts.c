#include "paper/fonts.h"

#include <fontconfig/fontconfig.h>
#include <pango/pangocairo.h>
#include <pango/pangofc-fontmap.h>
#include <pthread.h>

#include "base/error.h"
#include "base/memory.h"

/*
 * Of builds with a leak check. What fontconfig keeps it points to by distances, which the check cannot follow: all of it
 * looks lost. We make no pattern of our own that could be.
 */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
const char *__lsan_default_suppressions(void);
const char *__lsan_default_options(void);
const char *__lsan_default_options(void)
{
	return "print_suppressions=0";   /* or each end of a daemon looks like a report */
}
const char *__lsan_default_suppressions(void)
{
	return "leak:libfontconfig\n";
}
#endif

/*
 * The fonts are these, whatever else a machine has and its configuration prefers: paper looks the same
 * everywhere. Made once and kept, read by all threads.
 */
static const char *const font_files[] = {
	"/usr/share/fonts/truetype/dejavu/DejaVuSerif.ttf", "/usr/share/fonts/truetype/dejavu/DejaVuSerif-Bold.ttf",
	"/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",       /* the boxes */
};
static pthread_once_t fonts_once = PTHREAD_ONCE_INIT;
static FcConfig *fonts_config;

static void load_fonts(void)
{
	FcConfig *config = FcConfigCreate();

	for (size_t i = 0; config && i < ARRAY_SIZE(font_files); i++) {
		if (!FcConfigAppFontAddFile(config, (const FcChar8 *)font_files[i])) {
			FcConfigDestroy(config);
			return;
		}
	}
	/* Or the machine's configuration would be read beside it. */
	if (config && FcConfigSetCurrent(config))
		fonts_config = config;
}

PangoFontMap *fonts_new(void)
{
	PangoFontMap *map = pango_cairo_font_map_new_for_font_type(CAIRO_FONT_TYPE_FT);

	pango_fc_font_map_set_config(PANGO_FC_FONT_MAP(map), fonts_config);
	return map;
}

bool fonts_ready(struct error *err)
{
	pthread_once(&fonts_once, load_fonts);
	return fonts_config || error_set(err, ERR_INTERNAL, "The fonts of certificates are missing: install fonts-dejavu-core.",
					 "Thiếu phông chữ để in giấy: hãy cài fonts-dejavu-core.");
}
