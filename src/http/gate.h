#ifndef HTTP_GATE_H
#define HTTP_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/*
 * The byte gate before llhttp. It reads a head (or the trailers of a chunked
 * body) once, byte by byte, as it arrives, and lets only the strict form
 * through: CRLF line ends, no control byte, no folded line, no empty field
 * name, the request line exactly METHOD SP target SP version, and nothing
 * beyond the limits. A fault is found at the same byte however the bytes were
 * cut, so the answer never depends on how the network split them.
 */
enum gate_verdict {
	GATE_MORE,               /* all bytes taken, the head is not complete */
	GATE_REQUEST_LINE,       /* the request line has just ended; go on with the rest */
	GATE_DONE,               /* the empty line has been taken */
	GATE_BAD                 /* see code */
};

struct http_gate {
	uint8_t         state;
	uint8_t         empty_lines;
	enum error_code code;
	uint32_t        size;            /* bytes of the head, without an empty line before it */
	uint32_t        fields;
	uint32_t        method_len;      /* the request line begins with the method */
	uint32_t        target_len;      /* the target follows after one blank */
	uint32_t        version_len;     /* and the version after another */
	uint32_t        head_max, target_max, fields_max;
};

void http_gate_init(struct http_gate *gate, size_t head_max, size_t target_max, size_t fields_max);
/* The same rules for trailers, which have the limits of a head to themselves. */
void http_gate_init_trailers(struct http_gate *gate, size_t head_max, size_t fields_max);

/*
 * Takes bytes. *skip is how many of them come before the head (an empty line),
 * *used how many were taken in all, the wrong one not included.
 */
enum gate_verdict http_gate_scan(struct http_gate *gate, const char *bytes, size_t len,
				 size_t *skip, size_t *used);

/* A character of a token: a method or a field name. */
bool http_is_token_char(unsigned char c);

#endif
