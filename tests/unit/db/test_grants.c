#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "db/migrations.h"

#define FILE_OF(name, sql) { name, (const unsigned char *)(sql), sizeof(sql) - 1 }

static const struct embedded_file files[] = {
	FILE_OF("0001_a.sql", "-- GRANT DELETE ON a TO :app_role;\n"
			      "CREATE TABLE a (id int);\n"
			      "GRANT SELECT, INSERT ON a, b TO :app_role;\n"
			      "GRANT SELECT ON a,\n    c TO :app_role;\n"
			      "GRANT UPDATE (x, y), INSERT ON c TO :app_role;\n"
			      "GRANT SELECT ON d TO somebody_else;\n"
			      "GRANT USAGE ON SEQUENCE e TO :app_role;\n"
			      "GRANT EXECUTE ON FUNCTION f(integer) TO :app_role;\n"),
	FILE_OF("0002_b.sql", "REVOKE INSERT ON b FROM :app_role;\n"
			      "REVOKE UPDATE ON c FROM :app_role;\n"
			      "GRANT SELECT, INSERT, UPDATE, DELETE ON g TO :app_role;"),
	{ 0 }
};

static void expect(const struct migrate_grant *grant, const char *table, unsigned rights, int columns)
{
	assert_string_equal(grant->table, table);
	assert_int_equal(grant->rights, rights);
	assert_int_equal(grant->update_columns, columns);
}

static void grants_are_added_up(void **state)
{
	struct migrate_grant grants[8];

	(void)state;
	assert_int_equal(migrations_grants(files, grants, 8), 5);
	expect(&grants[0], "schema_migration", MIGRATE_SELECT, 0);
	expect(&grants[1], "a", MIGRATE_SELECT | MIGRATE_INSERT, 0);
	expect(&grants[2], "b", MIGRATE_SELECT, 0);
	expect(&grants[3], "c", MIGRATE_SELECT | MIGRATE_INSERT, 0);
	expect(&grants[4], "g", MIGRATE_SELECT | MIGRATE_INSERT | MIGRATE_UPDATE | MIGRATE_DELETE, 0);
	assert_int_equal(migrations_grants(files, grants, 2), 2);
}

static void columns_are_counted(void **state)
{
	struct migrate_grant grants[8];

	(void)state;
	const struct embedded_file first[] = { files[0], { 0 } };

	assert_int_equal(migrations_grants(first, grants, 8), 4);
	expect(&grants[3], "c", MIGRATE_SELECT | MIGRATE_INSERT, 2);
}

/* Those of the program: the record of changes is append-only. */
static void ours(void **state)
{
	struct migrate_grant grants[128];
	size_t count = migrate_grants(grants, 128);

	(void)state;
	for (size_t i = 0; i < count; i++)
		if (strcmp(grants[i].table, "audit_entry") == 0) {
			expect(&grants[i], "audit_entry", MIGRATE_SELECT | MIGRATE_INSERT, 0);
			return;
		}
	fail_msg("no audit_entry among %zu tables", count);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grants_are_added_up),
		cmocka_unit_test(columns_are_counted),
		cmocka_unit_test(ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
