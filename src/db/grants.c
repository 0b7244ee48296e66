#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "db/migrations.h"

/*
 * The migrations read for one thing: the rights of the daemon's role. The
 * files are ours and plain, so this knows no more of SQL than they need.
 */
extern const struct embedded_file embedded_migrations[];

struct grants {
	struct migrate_grant *list;
	size_t                count, max;
};

static struct migrate_grant *of_table(struct grants *grants, const char *name, size_t len)
{
	for (size_t i = 0; i < grants->count; i++)
		if (strlen(grants->list[i].table) == len && strncmp(grants->list[i].table, name, len) == 0)
			return &grants->list[i];
	if (grants->count == grants->max || len >= MIGRATE_TABLE_SIZE)
		return NULL;
	struct migrate_grant *grant = &grants->list[grants->count++];

	*grant = (struct migrate_grant){ 0 };
	memcpy(grant->table, name, len);
	return grant;
}

static unsigned right_of(const char *word, size_t len)
{
	static const struct { const char *name; unsigned rights; } known[] = {
		{ "SELECT", MIGRATE_SELECT }, { "INSERT", MIGRATE_INSERT },
		{ "UPDATE", MIGRATE_UPDATE }, { "DELETE", MIGRATE_DELETE },
		{ "ALL", MIGRATE_SELECT | MIGRATE_INSERT | MIGRATE_UPDATE | MIGRATE_DELETE },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strlen(known[i].name) == len && strncasecmp(known[i].name, word, len) == 0)
			return known[i].rights;
	return 0;
}

static int count_columns(const char *list, const char *end)
{
	int count = 1;

	for (; list < end; list++)
		count += *list == ',';
	return count;
}

static const char *skip_blanks(const char *p, const char *end)
{
	while (p < end && (isspace((unsigned char)*p) || *p == ','))
		p++;
	return p;
}

static size_t word_length(const char *p, const char *end)
{
	size_t len = 0;

	while (p + len < end && (isalnum((unsigned char)p[len]) || p[len] == '_'))
		len++;
	return len;
}

/* "SELECT, UPDATE (a, b)" into rights and a count of columns; false where it holds anything else. */
static bool read_rights(const char *p, const char *end, unsigned *rights, int *columns)
{
	for (p = skip_blanks(p, end); p < end; p = skip_blanks(p, end)) {
		size_t len = word_length(p, end);
		unsigned right = right_of(p, len);

		if (!right)
			return false;
		p = skip_blanks(p + len, end);
		if (p < end && *p == '(') {
			const char *close = memchr(p, ')', (size_t)(end - p));

			if (!close)
				return false;
			if (right == MIGRATE_UPDATE)
				*columns += count_columns(p, close);
			p = close + 1;
		} else {
			*rights |= right;
		}
	}
	return true;
}

static void apply(struct migrate_grant *grant, bool gives, unsigned rights, int columns)
{
	if (!grant)
		return;
	if (gives) {
		grant->rights |= rights;
		grant->update_columns += columns;
		return;
	}
	grant->rights &= ~rights;
	/* Taking UPDATE from a table takes it from its columns too. */
	grant->update_columns = rights & MIGRATE_UPDATE ? 0 : grant->update_columns - columns;
}

/* "a, b" : each of the tables. What is no table (SEQUENCE s, FUNCTION f()) has two words or a bracket. */
static bool is_table_list(const char *p, const char *end)
{
	for (p = skip_blanks(p, end); p < end;) {
		p += word_length(p, end);
		while (p < end && isspace((unsigned char)*p))
			p++;
		if (p < end && *p != ',')
			return false;
		p = skip_blanks(p, end);
	}
	return true;
}

static const char *find_word(const char *from, const char *end, const char *word)
{
	const char *found = strstr(from, word);

	return found && found < end ? found : NULL;
}

/* One statement from behind GRANT or REVOKE to its semicolon. */
static void read_statement(struct grants *grants, bool gives, const char *from, const char *end)
{
	const char *on = find_word(from, end, " ON ");
	const char *to = on ? find_word(on, end, gives ? " TO :app_role" : " FROM :app_role") : NULL;
	unsigned rights = 0;
	int columns = 0;

	if (!to || !read_rights(from, on, &rights, &columns) || !is_table_list(on + 4, to))
		return;
	for (const char *p = skip_blanks(on + 4, to); p < to; p = skip_blanks(p, to)) {
		size_t len = word_length(p, to);

		apply(of_table(grants, p, len), gives, rights, columns);
		p += len;
	}
}

static void read_file(struct grants *grants, const char *sql)
{
	for (const char *line = sql; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		bool gives = text_starts_with(line, "GRANT ");
		const char *from = line + (gives ? strlen("GRANT ") : strlen("REVOKE "));
		const char *end = strchr(line, ';');

		if (end && (gives || text_starts_with(line, "REVOKE ")))
			read_statement(grants, gives, from, end);
	}
}

size_t migrations_grants(const struct embedded_file *files, struct migrate_grant *out, size_t max)
{
	struct grants grants = { .list = out, .max = max };
	/* migrate_run() gives it before the files run. */
	struct migrate_grant *own = of_table(&grants, "schema_migration", strlen("schema_migration"));

	apply(own, true, MIGRATE_SELECT, 0);
	for (; files->name; files++)
		read_file(&grants, (const char *)files->bytes);
	return grants.count;
}

size_t migrate_grants(struct migrate_grant *out, size_t max)
{
	return migrations_grants(embedded_migrations, out, max);
}
