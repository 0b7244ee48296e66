#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <fcntl.h>
#include <cmocka.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "crypto/erasure_journal.h"

#define ONE   "01900000-0000-7000-8000-000000000001"
#define TWO   "01900000-0000-7000-8000-000000000002"
#define THREE "01900000-0000-7000-8000-000000000003"
enum { AT = 1741575600 };                /* 2025-03-10T10:00:00+07:00 */
static const int64_t at_us = AT * INT64_C(1000000);

struct fixture {
	char         folder[64];
	char         path[96];
	struct arena arena;
	struct error error;
};

static int make(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->folder, sizeof(f->folder), "/tmp/giothong-journal-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->path, sizeof(f->path), "%s/erasures.journal", f->folder);
	arena_init(&f->arena);
	error_clear(&f->error);
	*state = f;
	return 0;
}

static int drop(void **state)
{
	struct fixture *f = *state;

	unlink(f->path);
	rmdir(f->folder);
	arena_release(&f->arena);
	free(f);
	return 0;
}

static void put(const struct fixture *f, const char *text, size_t len)
{
	FILE *file = fopen(f->path, "a");

	assert_int_equal(fwrite(text, 1, len, file), len);
	fclose(file);
}

static const char *content(struct fixture *f)
{
	char *text = arena_alloc(&f->arena, 4096);
	FILE *file = fopen(f->path, "r");

	assert_non_null(file);
	text[fread(text, 1, 4095, file)] = '\0';
	fclose(file);
	return text;
}

static bool note(struct fixture *f, const char *first, const char *second)
{
	const char *ids[] = { first, second };
	struct erasure_line line = { ids, second ? 2 : 1 };

	error_clear(&f->error);
	return erasure_journal_note(f->path, &line, 1, at_us, &f->error);
}

static struct erasure_line *lines_of(struct fixture *f, size_t *count)
{
	struct erasure_line *lines;

	assert_true(erasure_journal_read(f->path, &f->arena, &lines, count, &f->error));
	return lines;
}

static void where_it_lies(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(erasure_journal_path("/x/y", "/data/keyring", &f->arena), "/x/y");
	assert_string_equal(erasure_journal_path("", "/data/keyring", &f->arena), "/data/erasures.journal");
	assert_string_equal(erasure_journal_path("", "/data/keyring//", &f->arena), "/data/erasures.journal");
	assert_string_equal(erasure_journal_path(NULL, "/keyring", &f->arena), "/erasures.journal");
	assert_string_equal(erasure_journal_path("", "keyring", &f->arena), "erasures.journal");
}

static void noted_once(void **state)
{
	struct fixture *f = *state;
	struct erasure_line *lines;
	struct stat info;
	size_t count;

	lines_of(f, &count);
	assert_int_equal(count, 0);              /* no file: nobody was erased */
	assert_true(note(f, ONE, TWO));
	assert_true(note(f, TWO, ONE));          /* the same again, as whoever repeats it names them */
	assert_true(note(f, ONE, NULL));
	assert_string_equal(content(f), "2025-03-10T10:00:00+07:00 " ONE " " TWO "\n");
	assert_true(note(f, THREE, NULL));
	lines = lines_of(f, &count);
	assert_int_equal(count, 2);
	assert_int_equal(lines[0].count, 2);
	assert_string_equal(lines[0].ids[1], TWO);
	assert_string_equal(lines[1].ids[0], THREE);
	assert_int_equal(stat(f->path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
}

/* Whatever a crash left at the end: it is no line, and the next one is whole. */
static void a_line_cut_off(void **state)
{
	static const char whole[] = "2025-03-10T10:00:00+07:00 " ONE " " TWO "\n";
	struct fixture *f = *state;

	for (size_t len = 1; len < sizeof(whole) - 1; len++) {
		struct erasure_line *lines;
		size_t count;

		unlink(f->path);
		put(f, whole, len);
		lines_of(f, &count);
		assert_int_equal(count, 0);
		assert_true(note(f, ONE, TWO));
		lines = lines_of(f, &count);
		/* Cut between two names, the first is there twice: both were erased. */
		assert_true(count == 1 || (count == 2 && streq(lines[0].ids[0], ONE)));
		assert_string_equal(lines[count - 1].ids[0], ONE);
		assert_string_equal(lines[count - 1].ids[1], TWO);
		assert_true(note(f, THREE, NULL));
		lines = lines_of(f, &count);
		assert_string_equal(lines[count - 1].ids[0], THREE);
	}
}

static void what_is_no_line(void **state)
{
	static const char *const bad[] = {
		"\n", " \n", "2025-03-10T10:00:00+07:00\n", "2025-03-10T10:00:00+07:00 \n", "never " ONE "\n",
		"2025-03-10T10:00:00+07:00 " ONE " x\n", "2025-03-10T10:00:00+07:00  " ONE "\n", ONE "\n",
	};
	struct fixture *f = *state;
	struct erasure_line *lines;
	size_t count;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		put(f, bad[i], strlen(bad[i]));
	put(f, "2025-03-10T10:00:00+07:00 " ONE "\0\n", 64);     /* zeros of a disk that failed end nothing */
	assert_true(note(f, THREE, NULL));
	lines = lines_of(f, &count);
	assert_int_equal(count, 1);
	assert_string_equal(lines[0].ids[0], THREE);
}

static void not_to_be_written(void **state)
{
	struct fixture *f = *state;
	char elsewhere[160];

	error_clear(&f->error);
	assert_true(erasure_journal_ready(f->path, &f->error));
	assert_int_equal(strlen(content(f)), 0);
	unlink(f->path);
	/* no folder; a link that leads somewhere else */
	snprintf(elsewhere, sizeof(elsewhere), "%s/none/x", f->folder);
	assert_false(erasure_journal_ready(elsewhere, &f->error));
	assert_int_equal(f->error.code, ERR_UNAVAILABLE);
	assert_int_equal(symlink("/tmp/giothong-elsewhere", f->path), 0);
	assert_false(erasure_journal_ready(f->path, &f->error));
	assert_false(note(f, ONE, NULL));
	assert_int_equal(f->error.code, ERR_UNKNOWN_OUTCOME);
	assert_int_equal(access("/tmp/giothong-elsewhere", F_OK), -1);
	/* a full disk: nothing of it is left */
	unlink(f->path);
	assert_int_equal(symlink("/dev/full", f->path), 0);
	assert_false(note(f, ONE, NULL));
}

/* Several at once, of several processes: each line is there once, and whole. */
static void many_at_once(void **state)
{
	enum { PROCESSES = 6, LINES = 20 };
	struct fixture *f = *state;
	struct erasure_line *lines;
	size_t count;

	for (int p = 0; p < PROCESSES; p++) {
		if (fork() != 0)
			continue;
		for (int i = 0; i < LINES; i++) {
			char id[40];
			int which = p % 2 == 0 ? i : LINES - 1 - i;      /* all write the same, from both ends */

			snprintf(id, sizeof(id), "01900000-0000-7000-8000-%012d", which);
			/* Behind a slow disk the lock may be waited for too long: then again, as the service does. */
			for (int tries = 0; !note(f, id, NULL); tries++)
				if (tries == 20)
					_exit(1);
		}
		_exit(0);
	}
	for (int p = 0, status; p < PROCESSES; p++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	lines = lines_of(f, &count);
	assert_int_equal(count, LINES);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(lines[i].count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(where_it_lies, make, drop),
		cmocka_unit_test_setup_teardown(noted_once, make, drop),
		cmocka_unit_test_setup_teardown(a_line_cut_off, make, drop),
		cmocka_unit_test_setup_teardown(what_is_no_line, make, drop),
		cmocka_unit_test_setup_teardown(not_to_be_written, make, drop),
		cmocka_unit_test_setup_teardown(many_at_once, make, drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
