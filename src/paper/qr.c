#include "paper/qr.h"

#include <errno.h>
#include <qrencode.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static QRcode *encode(const char *text)
{
	QRinput *input = QRinput_new2(0, QR_ECLEVEL_Q);
	QRcode *code = NULL;

	if (!input)
		return NULL;
	/* Forced: another mode would make a code that is larger. */
	if (QRinput_append(input, QR_MODE_AN, (int)strlen(text), (const unsigned char *)text) == 0)
		code = QRcode_encodeInput(input);
	QRinput_free(input);
	return code;
}

bool qr_make(const char *text, struct arena *arena, struct qr *qr)
{
	size_t len = strlen(text);
	QRcode *code = len > 0 && len <= 4000 ? encode(text) : NULL;

	if (!code)
		return false;
	size_t count = (size_t)code->width * (size_t)code->width;

	qr->width = code->width;
	qr->dark = arena_alloc(arena, count);
	for (size_t i = 0; i < count; i++)
		qr->dark[i] = code->data[i] & 1;
	QRcode_free(code);
	return true;
}
