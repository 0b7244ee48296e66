#ifndef TEST_WIRE_SUPPORT_H
#define TEST_WIRE_SUPPORT_H

/* What the tests of this room share: one arena, the real units, and a look at faults. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/json_out.h"
#include "base/memory.h"
#include "base/text.h"
#include "domain/lai_chau_units.h"

static struct arena arena;
static struct error err;
static struct unit_map *units;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena);
	error_clear(&err);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

__attribute__((unused)) static int group_setup(void **state)
{
	(void)state;
	units = test_units();
	return 0;
}

__attribute__((unused)) static int group_teardown(void **state)
{
	(void)state;
	unit_map_free(units);
	return 0;
}

static const struct error_field *fault_at(const char *pointer)
{
	for (size_t i = 0; i < err.nfields; i++)
		if (streq(err.fields[i].pointer, pointer))
			return &err.fields[i];
	return NULL;
}

/* The fault at a pointer has this code, and a text in both languages. */
static inline void assert_fault(const char *pointer, const char *code)
{
	const struct error_field *field = fault_at(pointer);

	if (!field) {
		for (size_t i = 0; i < err.nfields; i++)
			print_message("fault %s %s: %s\n", err.fields[i].pointer, err.fields[i].code,
				      err.fields[i].detail[LANGUAGE_EN]);
		fail_msg("no fault at %s", pointer);
		return;
	}
	assert_string_equal(field->code, code);
	assert_true(strlen(field->detail[LANGUAGE_EN]) > 0);
	assert_true(strlen(field->detail[LANGUAGE_VI]) > 0);
}

static inline void assert_fine(bool fine)
{
	if (!fine)
		print_message("%s\n", err.detail[LANGUAGE_EN]);
	for (size_t i = 0; !fine && i < err.nfields; i++)
		print_message("fault %s %s: %s\n", err.fields[i].pointer, err.fields[i].code,
			      err.fields[i].detail[LANGUAGE_EN]);
	assert_true(fine);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

#endif
