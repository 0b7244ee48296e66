#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>

/*
 * Growing bytes. A zeroed struct is an empty buffer. `data` is always NUL-terminated after an append. Names of people and
 * passwords pass through: what a buffer held is wiped when it is emptied, freed or moved.
 */
struct buf {
	char  *data;
	size_t len, cap;
};

void buf_release(struct buf *buf);             /* frees; empty again */
void buf_reset(struct buf *buf);               /* keeps the memory */
/* Room for `more` bytes beyond len; returns where to write. Commit with buf->len += n. */
char *buf_reserve(struct buf *buf, size_t more);
void buf_append(struct buf *buf, const void *bytes, size_t len);
void buf_append_text(struct buf *buf, const char *text);
void buf_append_char(struct buf *buf, char c);
void buf_printf(struct buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *buf, const char *fmt, va_list args) __attribute__((format(printf, 2, 0)));

#endif
