#ifndef BASE_JSON_OUT_H
#define BASE_JSON_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/date.h"

/*
 * Writes JSON straight into a buffer, without building a tree. The caller
 * opens and closes; commas are placed here. Texts must be valid UTF-8.
 *
 *	struct json_out out = { .buf = &buf };
 *	jout_object(&out, NULL);
 *	jout_text(&out, "code", round->code);
 *	jout_end(&out);
 *
 * `key` is NULL inside an array (or at the top) and a plain ASCII literal inside an object.
 */
struct buf;

struct json_out {
	struct buf *buf;
	unsigned    depth;
	uint32_t    filled;      /* bit per level: has a member already */
	uint32_t    arrays;      /* bit per level: is an array */
};

void jout_object(struct json_out *out, const char *key);
void jout_array(struct json_out *out, const char *key);
void jout_end(struct json_out *out);
void jout_text(struct json_out *out, const char *key, const char *text);   /* NULL: null */
void jout_text_len(struct json_out *out, const char *key, const char *text, size_t len);
void jout_int(struct json_out *out, const char *key, int64_t value);
void jout_real(struct json_out *out, const char *key, double value);
void jout_bool(struct json_out *out, const char *key, bool value);
void jout_null(struct json_out *out, const char *key);
void jout_date(struct json_out *out, const char *key, struct date date);   /* none: null */
/* An RFC 3339 time in +07:00 from microseconds since 1970; INT64_MIN: null. */
void jout_time(struct json_out *out, const char *key, int64_t wall_us);
/* Ready-made JSON, trusted. */
void jout_raw(struct json_out *out, const char *key, const char *json);

#endif
