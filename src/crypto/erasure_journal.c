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
	while (len > 1 && keyring_dir[len - 1] != '/')
		len--;
	return arena_printf(arena, "%.*s%serasures.journal", (int)len, keyring_dir,
			    keyring_dir[len - 1] == '/' ? "" : "/");
}

static bool fail_write(struct error *err, const char *path)
{
	return error_set(err, ERR_UNAVAILABLE,
			 "The journal of erasures %s cannot be written (%s): nothing was erased. Tell the administrator.",
			 "Không ghi được sổ xóa dữ liệu %s (%s): chưa xóa gì. Hãy báo người quản trị.", path,
			 strerror(errno));
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

/* Behind a line that a crash cut off a new one begins. */
static bool ends_clean(int fd)
{
	char last = '\n';
	off_t size = lseek(fd, 0, SEEK_END);

	return size <= 0 || (pread(fd, &last, 1, size - 1) == 1 && last == '\n');
}

bool erasure_journal_append(const char *path, const char *const *ids, size_t count, int64_t at_us, struct error *err)
{
	struct buf line = { 0 };
	char at[TIME_TEXT_SIZE];
	bool fine;
	int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return fail_write(err, path);
	fine = flock(fd, LOCK_EX) == 0;
	if (fine && !ends_clean(fd))
		buf_append_text(&line, "\n");
	buf_append_text(&line, time_format(at_us, at));
	for (size_t i = 0; i < count; i++) {
		buf_append_text(&line, " ");
		buf_append_text(&line, ids[i]);
	}
	buf_append_text(&line, "\n");
	fine = fine && write(fd, line.data, line.len) == (ssize_t)line.len && fsync(fd) == 0 && sync_folder(path);
	if (!fine)
		fail_write(err, path);
	buf_release(&line);
	close(fd);
	return fine;
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

bool erasure_journal_read(const char *path, struct arena *arena, struct erasure_line **lines, size_t *count,
			  struct error *err)
{
	FILE *stream = fopen(path, "re");
	struct stat info;
	char *text;
	size_t size;
	bool fine;

	*lines = NULL;
	*count = 0;
	if (!stream)
		return errno == ENOENT ||
		       error_set(err, ERR_SYSTEM, "%s cannot be opened: %s", "không mở được %s: %s", path, strerror(errno));
	fine = fstat(fileno(stream), &info) == 0;
	size = fine ? (size_t)info.st_size : 0;
	text = arena_alloc(arena, size + 1);
	fine = fine && fread(text, 1, size, stream) == size;
	fclose(stream);
	if (!fine)
		return error_set(err, ERR_SYSTEM, "%s cannot be read", "không đọc được %s", path);
	text[size] = '\0';
	*lines = arena_alloc(arena, (size / UUID_TEXT_SIZE + 1) * sizeof(**lines));
	for (char *end; (end = strchr(text, '\n')) != NULL; text = end + 1) {
		*end = '\0';
		*count += read_line(text, arena, &(*lines)[*count]);
	}
	return true;
}
