#ifndef STORE_ROW_H
#define STORE_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/date.h"
#include "base/memory.h"
#include "base/uuid.h"
#include "db/db.h"

struct buf;

/*
 * Parameters into a query, values out of a result. Values read are copied
 * into the arena, because a result lives only inside done().
 */

/* An instant as microseconds since 1970. */
#define SQL_MICROS(column) "(extract(epoch FROM " column ") * 1000000)::bigint"

void query_begin(struct db_query *query, const struct db_statement *statement, enum db_lane lane,
		 void (*done)(struct db_query *query, const struct db_result *result));
void query_text(struct db_query *query, const char *text);       /* borrowed; NULL: SQL NULL */
void query_int(struct db_query *query, struct arena *arena, int64_t value);
void query_bool(struct db_query *query, bool value);
void query_date(struct db_query *query, struct arena *arena, struct date date);  /* none: SQL NULL */
void query_time(struct db_query *query, struct arena *arena, int64_t wall_us);   /* INT64_MIN: SQL NULL */
/* One element of an array that is being written ("{" before the first, "," before others, "}" at the end are the caller's). */
void array_element(struct buf *buf, const char *text);
/*
 * An array in binary form, which PostgreSQL need not read letter by letter: for those that have hundreds. array_begin() empties `buf`; NULL bytes are an SQL NULL. The query borrows it.
 */
enum array_of { ARRAY_OF_BYTEA = 17, ARRAY_OF_INTEGER = 23, ARRAY_OF_UUID = 2950 };
void array_begin(struct buf *buf, enum array_of type);
void array_bytes(struct buf *buf, const void *bytes, size_t len);
void array_integer(struct buf *buf, int32_t value);
void array_uuid(struct buf *buf, const char *text);      /* NULL, or what is none: SQL NULL */
void query_array(struct db_query *query, const struct buf *buf);
void query_texts(struct db_query *query, struct arena *arena, const char *const *texts, size_t count);

/* Bytes as PostgreSQL's bytea text ("\\x..."), in the arena, and back: how many there are; 0: NULL, or more than `max`. */
const char *bytes_text(struct arena *arena, const void *bytes, size_t len);
size_t row_bytes_of(const char *text, unsigned char *out, size_t max);

/* What may be compared with a uuid column: a text that is none matches nothing there. */
const char *uuid_or_nil(const char *text);       /* NULL stays NULL */

/* One more than asked for tells whether there is more. */
char *page_limit(int limit, char out[16]);

const char *row_text(struct arena *arena, const struct db_result *result, int row, int column);
void row_uuid(const struct db_result *result, int row, int column, char out[UUID_TEXT_SIZE]);
struct date row_date(const struct db_result *result, int row, int column);       /* NULL: none */
int64_t row_time(const struct db_result *result, int row, int column);           /* NULL: INT64_MIN */
int row_int(const struct db_result *result, int row, int column, int if_null);
/* New array of copies, NULL when there are none. */
const char **row_texts(struct arena *arena, const struct db_result *result, int row, int column,
		       size_t *count);

#endif
