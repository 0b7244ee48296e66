#ifndef HTTP_CHUNK_H
#define HTTP_CHUNK_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/*
 * The byte gate of a chunked body, before llhttp: it bounds what is not data
 * (extensions, leading zeros), adds up the sizes before their data arrives,
 * and stops after the line of the last chunk, where the trailers begin.
 */
enum chunk_verdict { CHUNK_MORE, CHUNK_LAST, CHUNK_BAD };

struct http_chunk {
	uint8_t         state;
	uint8_t         digits;
	enum error_code code;
	uint32_t        overhead;        /* bytes of extensions so far, of all chunks */
	uint64_t        left;            /* of this chunk: its size, then what is still to come */
	uint64_t        total;           /* of all chunks announced */
};

/* Takes bytes up to the end of the last chunk's line; the wrong byte is not in *used. */
enum chunk_verdict http_chunk_scan(struct http_chunk *chunk, const char *bytes, size_t len,
				   size_t body_max, size_t *used);

#endif
