#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* From here on a buffer grows by moving pages, which leaves nothing behind. */
enum { LARGE = 128 * 1024 };

void buf_reset(struct buf *buf)
{
	if (buf->data)
		explicit_bzero(buf->data, buf->len);
	buf->len = 0;
}

void buf_release(struct buf *buf)
{
	buf_reset(buf);
	free(buf->data);
	*buf = (struct buf){ 0 };
}

static void grow(struct buf *buf, size_t cap)
{
	struct buf old = *buf;

	buf->cap = cap;
	if (old.cap >= LARGE) {
		buf->data = xrealloc(old.data, cap);
		return;
	}
	buf->data = xmalloc(cap);
	if (old.len)
		memcpy(buf->data, old.data, old.len);
	buf->data[old.len] = '\0';
	buf_release(&old);
}

char *buf_reserve(struct buf *buf, size_t more)
{
	size_t need = buf->len + more + 1;

	if (need > buf->cap) {
		size_t cap = buf->cap ? buf->cap * 2 : 256;

		while (cap < need)
			cap *= 2;
		grow(buf, cap);
	}
	return buf->data + buf->len;
}

void buf_append(struct buf *buf, const void *bytes, size_t len)
{
	char *to = buf_reserve(buf, len);

	if (len)
		memcpy(to, bytes, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void buf_append_text(struct buf *buf, const char *text)
{
	buf_append(buf, text, strlen(text));
}

void buf_append_char(struct buf *buf, char c)
{
	buf_append(buf, &c, 1);
}

void buf_vprintf(struct buf *buf, const char *fmt, va_list args)
{
	va_list again;
	int len;

	va_copy(again, args);
	len = vsnprintf(NULL, 0, fmt, args);
	if (len > 0) {
		char *to = buf_reserve(buf, (size_t)len);

		vsnprintf(to, (size_t)len + 1, fmt, again);
		buf->len += (size_t)len;
	}
	va_end(again);
}

void buf_printf(struct buf *buf, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	buf_vprintf(buf, fmt, args);
	va_end(args);
}
