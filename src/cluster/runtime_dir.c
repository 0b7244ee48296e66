#include "cluster/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

/* A session's own folder, if it is really ours and short enough for a socket's name. */
static const char *session_dir(const struct account *account)
{
	const char *dir = getenv("XDG_RUNTIME_DIR");
	struct stat st;

	if (!dir || dir[0] != '/' || strlen(dir) > RUNTIME_DIR_SIZE - 32)
		return NULL;
	if (stat(dir, &st) < 0 || !S_ISDIR(st.st_mode) || st.st_uid != account->uid || (st.st_mode & 022))
		return NULL;
	return dir;
}

void runtime_dir_choose(const struct account *account, const char *data_dir, char out[RUNTIME_DIR_SIZE])
{
	const char *session = geteuid() == 0 ? "/run" : session_dir(account);
	char name[SERVER_NAME_SIZE];

	server_name(data_dir, name);
	if (session)
		snprintf(out, RUNTIME_DIR_SIZE, "%s/%s", session, name);
	else
		snprintf(out, RUNTIME_DIR_SIZE, "/tmp/%s-%u", name, (unsigned)account->uid);
}

/* In /tmp anybody may have made it before us, as a link or as a folder of theirs. */
static bool is_safe(const struct account *account, const struct stat *st)
{
	return S_ISDIR(st->st_mode) && st->st_uid == account->uid && (st->st_mode & 077) == 0;
}

bool runtime_dir_make(const struct account *account, const char *dir, struct error *err)
{
	struct stat st;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return error_set(err, ERR_SYSTEM, "%s cannot be made: %s", "không tạo được %s: %s", dir,
				 strerror(errno));
	/* Only root writes into /run, so what root finds there as root's own is ours. */
	if (account->other && lstat(dir, &st) == 0 && st.st_uid == 0 && S_ISDIR(st.st_mode) &&
	    (lchown(dir, account->uid, account->gid) < 0 || chmod(dir, 0700) < 0))
		return error_set(err, ERR_SYSTEM, "%s cannot be handed to %s: %s", "không giao được %s cho %s: %s",
				 dir, account->name, strerror(errno));
	if (lstat(dir, &st) < 0 || !is_safe(account, &st))
		return error_set(err, ERR_CONFIG, "%s is not a folder of %s alone: remove it",
				 "%s không phải thư mục riêng của %s: hãy xóa đi", dir, account->name);
	return true;
}
