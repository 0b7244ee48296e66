#include "http/gzip.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/memory.h"
#include "base/text.h"

struct http_deflater {
	z_stream stream;
};

enum { WINDOW_BITS_GZIP = 15 + 16, MEMORY_LEVEL = 8 };

#ifdef GIOTHONG_TEST_SEAMS
static void *zlib_alloc(void *owner, unsigned count, unsigned size)
{
	(void)owner;
	return FAULT(FAULT_ZLIB) ? NULL : calloc(count, size);
}

static void zlib_free(void *owner, void *p)
{
	(void)owner;
	free(p);
}
#endif

struct http_deflater *http_deflater_new(void)
{
	struct http_deflater *deflater = xcalloc(1, sizeof(*deflater));

#ifdef GIOTHONG_TEST_SEAMS
	deflater->stream.zalloc = zlib_alloc;
	deflater->stream.zfree = zlib_free;
#endif
	if (deflateInit2(&deflater->stream, 1, Z_DEFLATED, WINDOW_BITS_GZIP, MEMORY_LEVEL,
			 Z_DEFAULT_STRATEGY) != Z_OK) {
		free(deflater);
		return NULL;
	}
	return deflater;
}

void http_deflater_free(struct http_deflater *deflater)
{
	if (!deflater)
		return;
	deflateEnd(&deflater->stream);
	free(deflater);
}

bool http_compressible(const char *content_type)
{
	static const char *const kinds[] = { "text/", "application/json", "application/problem+json",
					     "application/javascript", "application/atom+xml",
					     "application/xml", "application/openapi+json", "image/svg+xml" };

	if (!content_type || text_starts_with(content_type, "text/event-stream"))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (text_starts_with(content_type, kinds[i]))
			return true;
	return false;
}

bool http_gzip(struct http_deflater *deflater, int level, const char *bytes, size_t len, struct buf *out)
{
	z_stream *z = deflater ? &deflater->stream : NULL;
	uLong bound;

	if (!z || len > (size_t)1 << 30 || deflateReset(z) != Z_OK ||
	    deflateParams(z, level, Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	bound = deflateBound(z, (uLong)len);
	z->next_in = (Bytef *)(uintptr_t)bytes;
	z->avail_in = (uInt)len;
	z->next_out = (Bytef *)buf_reserve(out, bound);
	z->avail_out = (uInt)bound;
	if (deflate(z, Z_FINISH) != Z_STREAM_END || z->total_out >= len)
		return false;
	out->len += z->total_out;
	out->data[out->len] = '\0';
	return true;
}
