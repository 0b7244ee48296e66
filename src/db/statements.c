#include "db/statements.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "db/db.h"

void statements_release(struct statements *statements)
{
	free(statements->slots);
	*statements = (struct statements){ 0 };
}

static struct prepared *find_slot(struct prepared *slots, size_t size, const struct db_statement *statement)
{
	uint64_t hash = (uint64_t)(uintptr_t)statement * UINT64_C(0x9e3779b97f4a7c15);

	for (size_t i = (size_t)(hash >> 32);; i++) {
		struct prepared *slot = &slots[i & (size - 1)];

		if (slot->statement == statement || !slot->statement)
			return slot;
	}
}

static void grow(struct statements *statements)
{
	size_t size = statements->size ? statements->size * 2 : 64;
	struct prepared *slots = xcalloc(size, sizeof(*slots));

	for (size_t i = 0; i < statements->size; i++)
		if (statements->slots[i].statement)
			*find_slot(slots, size, statements->slots[i].statement) = statements->slots[i];
	free(statements->slots);
	statements->slots = slots;
	statements->size = size;
}

struct prepared *statements_find(struct statements *statements, const struct db_statement *statement)
{
	struct prepared *slot;

	if (statements->used * 2 >= statements->size)
		grow(statements);
	slot = find_slot(statements->slots, statements->size, statement);
	if (!slot->statement) {
		slot->statement = statement;
		slot->nparams = sql_count_params(statement->sql);
		if (slot->nparams > DB_MAX_PARAMS)
			slot->nparams = DB_MAX_PARAMS;   /* the server will refuse it */
		statements->used++;
	}
	return slot;
}

void statements_number(struct statements *statements, struct prepared *prepared)
{
	prepared->number = ++statements->last_number;
	prepared->proven = false;
}

void statements_forget(struct statements *statements, const struct db_statement *statement)
{
	struct prepared *prepared = statements_find(statements, statement);

	prepared->number = 0;
	prepared->proven = false;
}

/* Just past a quoted piece that begins at `p`. A doubled quote begins the next piece, which is right too. */
static const char *skip_quoted(const char *p)
{
	const char *end = strchr(p + 1, *p);

	return end ? end + 1 : p + strlen(p);
}

static const char *skip_comment(const char *p)
{
	const char *end = *p == '-' ? strchr(p, '\n') : strstr(p + 2, "*/");

	if (!end)
		return p + strlen(p);
	return *p == '-' ? end + 1 : end + 2;
}

int sql_count_params(const char *sql)
{
	int highest = 0;

	for (const char *p = sql; *p;) {
		if (*p == '\'' || *p == '"') {
			p = skip_quoted(p);
		} else if (strncmp(p, "--", 2) == 0 || strncmp(p, "/*", 2) == 0) {
			p = skip_comment(p);
		} else if (*p == '$' && p[1] >= '1' && p[1] <= '9') {
			int n = (int)strtol(p + 1, (char **)&p, 10);

			if (n > highest)
				highest = n;
		} else {
			p++;
		}
	}
	return highest;
}
