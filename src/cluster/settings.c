#include "cluster/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/text.h"

/*
 * For one small machine that does other things too. Logs never hold values:
 * DETAIL lines and statements would show phone numbers. The log keeps a week.
 */
static const char fixed_settings[] =
	"# Written anew at each start. Put your own settings into local.conf beside it.\n"
	"listen_addresses = ''\n"
	"port = 5432\n"
	"unix_socket_permissions = 0700\n"
	"max_connections = 100\n"
	"jit = off\n"
	"wal_compression = on\n"
	"timezone = 'Asia/Ho_Chi_Minh'\n"
	"log_timezone = 'Asia/Ho_Chi_Minh'\n"
	"logging_collector = on\n"
	"log_directory = 'log'\n"
	"log_filename = 'postgresql-%a.log'\n"
	"log_rotation_age = 1d\n"
	"log_rotation_size = 0\n"
	"log_truncate_on_rotation = on\n"
	"log_error_verbosity = terse\n"
	"log_min_error_statement = panic\n"
	"log_parameter_max_length = 0\n"
	"log_checkpoints = off\n";

/* A quarter of a gigabyte, but never more than an eighth of what there is. */
static long shared_buffers_mb(void)
{
	long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
	long mb = pages > 0 && size > 0 ? pages / 1024 * size / 1024 / 8 : 256;

	return mb > 256 ? 256 : mb < 32 ? 32 : mb;
}

/* Quotes in a path of a user's session folder; PostgreSQL doubles them. */
static void append_quoted(struct buf *buf, const char *text)
{
	buf_append_char(buf, '\'');
	for (; *text; text++) {
		if (*text == '\'')
			buf_append_char(buf, '\'');
		buf_append_char(buf, *text);
	}
	buf_append_char(buf, '\'');
}

static void compose_conf(struct buf *buf, const char *postgres_dir, const char *runtime_dir)
{
	char name[SERVER_NAME_SIZE];

	server_name(postgres_dir, name);
	buf_append_text(buf, fixed_settings);
	buf_printf(buf, "cluster_name = '%s'\n", name);
	buf_printf(buf, "shared_buffers = %ldMB\n", shared_buffers_mb());
	buf_append_text(buf, "unix_socket_directories = ");
	append_quoted(buf, runtime_dir);
	buf_append_text(buf, "\ninclude_if_exists 'local.conf'\n");
}

static void compose_hba(struct buf *buf)
{
	buf_append_text(buf, "# Written anew at each start. Only by the socket, only whom pg_ident.conf names.\n"
			     "local all         all peer map=giothong\n"
			     "local replication all peer map=giothong\n");
}

static void compose_ident(struct buf *buf, const char *user)
{
	static const char *const roles[] = { "giothong_owner", "giothong_app", "postgres" };

	buf_append_text(buf, "# Written anew at each start.\n");
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		buf_printf(buf, "giothong root %s\n", roles[i]);
		if (!streq(user, "root"))
			buf_printf(buf, "giothong \"%s\" %s\n", user, roles[i]);
	}
}

/*
 * As root we write into a folder of another user: a new file renamed into
 * place follows no link that this user may have left there.
 */
static bool replace_file(int folder, const struct account *account, const char *name, const struct buf *content)
{
	char draft[64];

	snprintf(draft, sizeof(draft), ".%s.new", name);
	unlinkat(folder, draft, 0);
	int fd = openat(folder, draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return false;
	bool fine = write(fd, content->data, content->len) == (ssize_t)content->len &&
		    (!account->other || fchown(fd, account->uid, account->gid) == 0) && fsync(fd) == 0;

	return (close(fd) == 0) && fine && renameat(folder, draft, folder, name) == 0;
}

static bool write_one(int folder, const struct account *account, const char *name, struct buf *content,
		      struct error *err)
{
	bool fine = replace_file(folder, account, name, content);

	buf_release(content);
	return fine || error_set(err, ERR_SYSTEM, "%s of PostgreSQL cannot be written: %s",
				 "không ghi được %s của PostgreSQL: %s", name, strerror(errno));
}

bool settings_write(const struct account *account, const char *postgres_dir, const char *runtime_dir,
		    struct error *err)
{
	int folder = open(postgres_dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct buf buf = { 0 };
	bool fine;

	if (folder < 0)
		return error_set(err, ERR_SYSTEM, "%s cannot be opened: %s", "không mở được %s: %s",
				 postgres_dir, strerror(errno));
	compose_hba(&buf);
	fine = write_one(folder, account, "pg_hba.conf", &buf, err);
	compose_ident(&buf, account->name);
	fine = write_one(folder, account, "pg_ident.conf", &buf, err) && fine;
	if (runtime_dir) {
		compose_conf(&buf, postgres_dir, runtime_dir);
		fine = write_one(folder, account, "giothong.conf", &buf, err) && fine;
		if (faccessat(folder, "local.conf", F_OK, AT_SYMLINK_NOFOLLOW) < 0) {
			buf_append_text(&buf, "# Your own settings; they win over giothong.conf.\n");
			fine = write_one(folder, account, "local.conf", &buf, err) && fine;
		}
	}
	close(folder);
	return fine;
}

bool settings_include(const char *postgres_dir, struct error *err)
{
	static const char line[] = "\ninclude 'giothong.conf'\n";
	int folder = open(postgres_dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int fd = folder < 0 ? -1
			    : openat(folder, "postgresql.conf",
				     O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	bool fine = fd >= 0 && write(fd, line, sizeof(line) - 1) == (ssize_t)sizeof(line) - 1 && fsync(fd) == 0;

	if (!fine)
		error_set(err, ERR_SYSTEM, "postgresql.conf cannot be written: %s",
			  "không ghi được postgresql.conf: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	if (folder >= 0)
		close(folder);
	return fine;
}
