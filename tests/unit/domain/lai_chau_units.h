#ifndef TEST_LAI_CHAU_UNITS_H
#define TEST_LAI_CHAU_UNITS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "domain/unit.h"

/*
 * The real units of config/reference/units.json. The domain room has no JSON
 * library, so this reads just what that file holds: no escapes, flat units.
 */
enum { TEST_LIST_MAX = 32 };

static char *test_file_read(const char *path)
{
	FILE *file = fopen(path, "rb");
	char *text = xcalloc(1, 1 << 20);

	if (!file || fread(text, 1, (1 << 20) - 1, file) == 0)
		abort();
	fclose(file);
	return text;
}

/* The next string or null; *p is behind it. */
static char *test_next_value(char **p)
{
	char *start, *end;

	*p += strcspn(*p, "\"n0123456789");
	if (**p != '"') {
		*p += strcspn(*p, ",]}\n");
		return NULL;
	}
	start = *p + 1;
	end = strchr(start, '"');
	*end = '\0';
	*p = end + 1;
	return start;
}

static const char *const *test_next_list(char **p, struct arena *arena)
{
	const char **list = arena_alloc(arena, TEST_LIST_MAX * sizeof(*list));
	size_t count = 0;

	*p = strchr(*p, '[') + 1;
	for (;;) {
		*p += strcspn(*p, "\"]");
		if (**p == ']')
			break;
		list[count++] = test_next_value(p);
	}
	*p += 1;
	return list;
}

static void test_skip_value(char **p)
{
	*p += strspn(*p, ": \n");
	if (**p == '[')
		*p = strchr(*p, ']') + 1;
	else
		test_next_value(p);
}

static struct date test_date(const char *text)
{
	struct date date = { 0 };

	if (text)
		date_parse(text, &date);
	return date;
}

/* One unit object; false at the end of the array. */
static bool test_next_unit(char **p, struct unit *unit, struct arena *arena)
{
	char *name;

	*unit = (struct unit){ 0 };
	*p += strcspn(*p, "{]");
	if (**p == ']')
		return false;
	for (;;) {
		*p += strcspn(*p, "\"}");
		if (**p == '}')
			break;
		name = test_next_value(p);
		if (strcmp(name, "aliases") == 0)
			unit->aliases = test_next_list(p, arena);
		else if (strcmp(name, "predecessors") == 0)
			unit->predecessors = test_next_list(p, arena);
		else if (strcmp(name, "successors") == 0)
			unit->successors = test_next_list(p, arena);
		else if (strcmp(name, "id") == 0)
			unit->id = test_next_value(p);
		else if (strcmp(name, "gso_code") == 0)
			unit->gso_code = test_next_value(p);
		else if (strcmp(name, "level") == 0)
			unit_level_parse(test_next_value(p), &unit->level);
		else if (strcmp(name, "type") == 0)
			unit->type = test_next_value(p);
		else if (strcmp(name, "name") == 0)
			unit->name = test_next_value(p);
		else if (strcmp(name, "full_name") == 0)
			unit->full_name = test_next_value(p);
		else if (strcmp(name, "parent") == 0)
			unit->parent = test_next_value(p);
		else if (strcmp(name, "district") == 0)
			unit->district = test_next_value(p);
		else if (strcmp(name, "valid_from") == 0)
			unit->valid_from = test_date(test_next_value(p));
		else if (strcmp(name, "valid_to") == 0)
			unit->valid_to = test_date(test_next_value(p));
		else
			test_skip_value(p);
	}
	*p += 1;
	return true;
}

static struct unit_map *test_units(void)
{
	char *text = test_file_read(SOURCE_DIR "/config/reference/units.json");
	struct unit_map *map = unit_map_new();
	char *p = strstr(text, "\"units\": [");
	struct error err = { 0 };
	struct arena arena;
	struct unit unit;

	arena_init(&arena);
	p += strlen("\"units\": [");
	while (test_next_unit(&p, &unit, &arena))
		unit_map_add(map, &unit);
	if (!unit_map_finish(map, &err)) {
		fprintf(stderr, "%s\n", err.detail[LANGUAGE_EN]);
		abort();
	}
	arena_release(&arena);
	free(text);
	return map;
}

#endif
