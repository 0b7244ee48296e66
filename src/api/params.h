#ifndef API_PARAMS_H
#define API_PARAMS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/date.h"
#include "base/uuid.h"

/*
 * Query parameters: each is asked for by name, then params_finish() refuses
 * what nobody asked for. Faults are collected in the error (ERR_INVALID_QUERY).
 */
struct error;
struct http_param;
struct request;

struct params {
	struct request    *r;
	struct http_param *list;
	size_t             count;
	unsigned long      used;         /* bit per parameter */
	struct error      *err;
};

/* False and *err when the query cannot be read at all. */
bool params_init(struct params *params, struct request *r, struct error *err);
/* False when *err holds a fault. */
bool params_finish(struct params *params);

/* NULL when absent or empty. */
const char *params_text(struct params *params, const char *name);
struct date params_date(struct params *params, const char *name);
bool params_bool(struct params *params, const char *name);
/* limit: default 50, 1 to 500. */
int params_limit(struct params *params);
/* cursor: an id, where a page ended. Empty when absent. */
void params_cursor(struct params *params, char out[UUID_TEXT_SIZE]);
/* A comma list of words that `parse` knows, as bits 1 << value; `choices` names them all, for who sends another. */
unsigned params_words(struct params *params, const char *name, const char *choices,
		      bool (*parse)(const char *text, int *value));
void params_fault(struct params *params, const char *name, const char *code, const char *en, const char *vi);

#endif
