#include "crypto/erasure_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/date.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/uuid.h"

const char *erasure_journal_path(const char *setting, const char *keyring_dir, struct arena *arena)
{
	size_t len = strlen(keyring_dir);

	if (setting && *setting)
		return arena_strdup(arena, setting);
	while (len > 1 && keyring_dir[len - 1] == '/')
		len--;
	while (len > 0 && keyring_dir[len - 1] != '/')
		len--;
	return arena_printf(arena, "%.*serasures.journal", (int)len, keyring_dir);
}

enum { LOCK_TRIES = 250, LOCK_AGAIN_US = 20000 };

static int open_journal(const char *path)
{
	return open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
}

bool erasure_journal_ready(const char *path, struct error *err)
{
	int fd = open_journal(path);

	if (fd < 0)
		return error_set(err, ERR_UNAVAILABLE,
				 "The journal of erasures %s cannot be written (%s): nothing was erased. Tell the administrator.",
				 "Không ghi được sổ xóa dữ liệu %s (%s): chưa xóa gì. Hãy báo người quản trị.", path,
				 strerror(errno));
	close(fd);
	return true;
}

static bool fail_note(struct error *err, const char *path, int number)
{
	return error_set(err, ERR_UNKNOWN_OUTCOME,
			 "The donor is erased, but the journal of erasures %s could not be written (%s). The service goes on"
			 " trying; tell the administrator, and send this again.",
			 "Đã xóa dữ liệu, nhưng chưa ghi được sổ xóa dữ liệu %s (%s). Hệ thống sẽ thử lại; hãy báo người"
			 " quản trị rồi gửi lại yêu cầu này.", path, strerror(number));
}

/* A new file is there after a crash only when its folder says so on disk. */
static bool sync_folder(const char *path)
{
	char *slash, folder[4096];
	int fd;
	bool fine;

	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (!slash)
		return true;
	*(slash == folder ? slash + 1 : slash) = '\0';
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fine = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	return fine;
}

static bool lock(int fd)
{
	for (int tries = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; tries++) {
		if ((errno != EWOULDBLOCK && errno != EINTR) || tries == LOCK_TRIES)
			return false;
		usleep(LOCK_AGAIN_US);
	}
	return true;
}

static bool read_line(char *text, struct arena *arena, struct erasure_line *line)
{
	char *word = strsep(&text, " ");
	int64_t at;

	*line = (struct erasure_line){ .ids = arena_alloc(arena, (strlen(text ? text : "") / UUID_TEXT_SIZE + 2) *
									 sizeof(char *)) };
	if (!time_parse(word, &at))
		return false;
	while ((word = strsep(&text, " ")) != NULL) {
		if (!uuid_valid(word))
			return false;
		line->ids[line->count++] = word;
	}
	return line->count > 0;
}

/* All of the file, NUL-terminated; false and errno. */
static bool read_all(int fd, struct arena *arena, char **text, size_t *size)
{
	struct stat info;
	size_t len = 0;

	if (fstat(fd, &info) < 0)
		return false;
	*size = (size_t)info.st_size;
	*text = arena_alloc(arena, *size + 1);
	while (len < *size) {
		ssize_t more = pread(fd, *text + len, *size - len, (off_t)len);

		if (more < 0 && errno != EINTR)
			return false;
		if (more == 0)
			break;
		len += more > 0 ? (size_t)more : 0;
	}
	*size = len;
	(*text)[len] = '\0';
	return true;
}

static size_t read_lines(char *text, size_t size, struct arena *arena, struct erasure_line **lines)
{
	const char *behind = text + size;
	size_t count = 0;

	*lines = arena_alloc(arena, (size / UUID_TEXT_SIZE + 1) * sizeof(**lines));
	for (char *end; (end = memchr(text, '\n', (size_t)(behind - text))) != NULL; text = end + 1) {
		*end = '\0';
		/* A disk that failed may have left zeros. */
		if (strlen(text) == (size_t)(end - text))
			count += read_line(text, arena, &(*lines)[count]);
	}
	return count;
}

static bool names(const struct erasure_line *lines, size_t count, const char *id)
{
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < lines[i].count; k++)
			if (streq(lines[i].ids[k], id))
				return true;
	return false;
}

static void add_line(struct buf *out, const struct erasure_line *line, int64_t at_us)
{
	char at[TIME_TEXT_SIZE];

	buf_append_text(out, time_format(at_us, at));
	for (size_t i = 0; i < line->count; i++) {
		buf_append_char(out, ' ');
		buf_append_text(out, line->ids[i]);
	}
	buf_append_char(out, '\n');
}

/* Those of the lines of which the file lacks a name. Behind a line that a crash cut off a new one begins. */
static bool find_missing(int fd, const struct erasure_line *lines, size_t count, int64_t at_us, struct buf *out, off_t *size)
{
	struct erasure_line *known;
	struct arena arena;
	size_t len, nknown;
	bool fine, clean;
	char *text;

	arena_init(&arena);
	fine = read_all(fd, &arena, &text, &len);
	if (fine) {
		*size = (off_t)len;
		clean = len == 0 || text[len - 1] == '\n';
		nknown = read_lines(text, len, &arena, &known);
		for (size_t i = 0; i < count; i++) {
			size_t there = 0;

			while (there < lines[i].count && names(known, nknown, lines[i].ids[there]))
				there++;
			if (there == lines[i].count)
				continue;
			if (out->len == 0 && !clean)
				buf_append_char(out, '\n');
			add_line(out, &lines[i], at_us);
		}
	}
	arena_release(&arena);
	return fine;
}

/* fsync() also where nothing is missing: who wrote it may have been killed before. */
static bool write_lines(int fd, const char *path, const struct buf *lines, off_t size)
{
	int failure;

	if ((lines->len == 0 || write(fd, lines->data, lines->len) == (ssize_t)lines->len) && fsync(fd) == 0 &&
	    sync_folder(path))
		return true;
	failure = errno ? errno : ENOSPC;
	if (lines->len > 0 && ftruncate(fd, size) == 0)
		(void)!fsync(fd);
	errno = failure;
	return false;
}

bool erasure_journal_note(const char *path, const struct erasure_line *lines, size_t count, int64_t at_us, struct error *err)
{
	struct buf missing = { 0 };
	int fd = open_journal(path);
	off_t size = 0;
	bool fine;

	if (fd < 0)
		return fail_note(err, path, errno);
	errno = 0;
	fine = lock(fd) && find_missing(fd, lines, count, at_us, &missing, &size) && write_lines(fd, path, &missing, size);
	if (!fine)
		fail_note(err, path, errno);
	buf_release(&missing);
	close(fd);
	return fine;
}

bool erasure_journal_read(const char *path, struct arena *arena, struct erasure_line **lines, size_t *count,
			  struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = NULL;
	size_t size = 0;
	bool fine;

	*lines = NULL;
	*count = 0;
	if (fd < 0)
		return errno == ENOENT ||
		       error_set(err, ERR_SYSTEM, "%s cannot be opened: %s", "không mở được %s: %s", path, strerror(errno));
	fine = read_all(fd, arena, &text, &size) ||
	       error_set(err, ERR_SYSTEM, "%s cannot be read: %s", "không đọc được %s: %s", path, strerror(errno));
	close(fd);
	if (fine)
		*count = read_lines(text, size, arena, lines);
	return fine;
}
