#ifndef TEST_WIRE_RULE_FILE_CASES_H
#define TEST_WIRE_RULE_FILE_CASES_H

/* Files of rules with one thing changed, and the place of the fault that must be named. */
#include <jansson.h>

#include "base/embedded.h"
#include "wire/support.h"

struct bad_rule_file {
	const char *at;          /* JSON pointer of what is changed */
	const char *value;       /* with ' for "; NULL takes it away */
	const char *pointer;     /* of the fault */
	const char *code;
};

static inline const struct embedded_file *rule_file_named(const struct embedded_file *file, const char *name)
{
	for (; file->name; file++)
		if (streq(file->name, name))
			return file;
	fail_msg("no file %s", name);
	return NULL;
}

static inline json_t *rule_value(const char *text)
{
	char *copy = arena_printf(&arena, "[%s]", text);
	json_t *array, *value;

	for (char *p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	array = json_loads(copy, 0, NULL);
	value = json_incref(json_array_get(array, 0));
	json_decref(array);
	assert_non_null(value);
	return value;
}

static inline void rule_file_change(json_t *node, const char *at, const char *value)
{
	char *path = arena_strdup(&arena, at), *token = path + 1, *slash;
	size_t index;

	for (; (slash = strchr(token, '/')) != NULL; token = slash + 1) {
		*slash = '\0';
		node = json_is_array(node) ? json_array_get(node, (size_t)atoi(token)) : json_object_get(node, token);
		assert_non_null(node);
	}
	index = (size_t)atoi(token);
	if (json_is_object(node) && !value)
		json_object_del(node, token);
	else if (json_is_object(node))
		json_object_set_new(node, token, rule_value(value));
	else if (!value)
		json_array_remove(node, index);
	else
		json_array_set_new(node, index, rule_value(value));
}

/* The right file with these changes, as text in the arena. */
static inline const char *rule_file_changed(const struct embedded_file *file, const struct bad_rule_file *change, size_t count)
{
	json_t *object = json_loadb((const char *)file->bytes, file->size, JSON_REJECT_DUPLICATES, NULL);
	const char *kept;
	char *text;

	assert_non_null(object);
	for (size_t i = 0; i < count; i++)
		rule_file_change(object, change[i].at, change[i].value);
	text = json_dumps(object, JSON_COMPACT);
	kept = arena_strdup(&arena, text);
	free(text);
	json_decref(object);
	return kept;
}

static inline void rule_files_refused(const struct embedded_file *file, bool (*read)(const char *text, size_t len),
				      const struct bad_rule_file *bad, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *text = rule_file_changed(file, &bad[i], 1);
		const struct error_field *fault;

		error_clear(&err);
		assert_false(read(text, strlen(text)));
		fault = fault_at(bad[i].pointer);
		if (!fault)
			fail_msg("%s = %s: no fault at %s, but at %s", bad[i].at, bad[i].value ? bad[i].value : "nothing",
				 bad[i].pointer, err.nfields > 0 ? err.fields[0].pointer : err.detail[LANGUAGE_EN]);
		assert_string_equal(fault->code, bad[i].code);
	}
	error_clear(&err);
}

#endif
