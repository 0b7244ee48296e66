#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "db/db.h"

static bool has_value(const struct db_result *result, int row, int column)
{
	const PGresult *rows = result->rows;

	return rows && row >= 0 && row < PQntuples(rows) && column >= 0 && column < PQnfields(rows) &&
	       !PQgetisnull(rows, row, column);
}

int db_rows(const struct db_result *result)
{
	return result->rows ? PQntuples(result->rows) : 0;
}

bool db_is_null(const struct db_result *result, int row, int column)
{
	return !has_value(result, row, column);
}

const char *db_text(const struct db_result *result, int row, int column)
{
	return has_value(result, row, column) ? PQgetvalue(result->rows, row, column) : NULL;
}

int64_t db_int(const struct db_result *result, int row, int column, int64_t if_null)
{
	const char *text = db_text(result, row, column);

	return text ? strtoll(text, NULL, 10) : if_null;
}

bool db_bool(const struct db_result *result, int row, int column)
{
	const char *text = db_text(result, row, column);

	return text && text[0] == 't';
}

/* One element of an array literal into `element`; returns what follows it. */
static const char *read_element(const char *p, struct buf *element, bool *quoted)
{
	*quoted = *p == '"';
	if (*quoted)
		p++;
	while (*p && (*quoted ? *p != '"' : *p != ',' && *p != '}')) {
		if (*p == '\\' && p[1])
			p++;
		buf_append_char(element, *p++);
	}
	return *quoted && *p ? p + 1 : p;
}

void db_each_element(const struct db_result *result, int row, int column,
		     void (*each)(void *context, const char *element), void *context)
{
	const char *p = db_text(result, row, column);
	struct buf element = { 0 };

	if (!p || *p != '{')
		return;
	p++;
	while (*p && *p != '}') {
		bool quoted;

		buf_reset(&element);
		buf_append(&element, "", 0);
		p = read_element(p, &element, &quoted);
		each(context, !quoted && streq(element.data, "NULL") ? NULL : element.data);
		if (*p == ',')
			p++;
	}
	buf_release(&element);
}

bool db_try_again(const struct db_result *result)
{
	static const char *const states[] = {
		"57014",         /* query_canceled: the statement timeout */
		"55P03",         /* lock_not_available: the lock timeout */
		"40001",         /* serialization_failure */
		"40P01",         /* deadlock_detected */
		"25006",         /* read_only_sql_transaction: after a failover */
		"58030",         /* io_error */
	};

	if (result->outcome == DB_BUSY || result->outcome == DB_UNAVAILABLE)
		return true;
	if (result->outcome != DB_REFUSED)
		return false;
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (streq(result->sqlstate, states[i]))
			return true;
	return text_starts_with(result->sqlstate, "53");        /* insufficient resources */
}
