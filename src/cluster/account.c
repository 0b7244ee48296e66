#include "cluster/internal.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"

static void take(struct account *account, const struct passwd *user)
{
	int count = ACCOUNT_GROUPS_MAX;

	account->uid = user->pw_uid;
	account->gid = user->pw_gid;
	account->other = user->pw_uid != geteuid();
	snprintf(account->name, sizeof(account->name), "%s", user->pw_name);
	if (getgrouplist(user->pw_name, user->pw_gid, account->groups, &count) < 0)
		count = ACCOUNT_GROUPS_MAX;
	account->ngroups = (size_t)count;
}

/* PostgreSQL maps users by name, so one without a name cannot be let in. */
static bool choose_self(struct account *account, struct error *err)
{
	const struct passwd *user = getpwuid(geteuid());

	if (!user)
		return error_set(err, ERR_CONFIG, "user %u has no name: PostgreSQL needs one",
				 "người dùng %u không có tên: PostgreSQL cần tên", (unsigned)geteuid());
	take(account, user);
	return true;
}

static bool check_owner(const struct account *account, const struct stat *st, const char *postgres_dir,
			struct error *err)
{
	const struct passwd *owner = getpwuid(st->st_uid);

	if (st->st_uid == account->uid)
		return true;
	return error_set(err, ERR_CONFIG, "%s belongs to user %s: start as that user, or as root",
			 "%s thuộc về người dùng %s: hãy khởi động bằng người dùng đó hoặc root", postgres_dir,
			 owner ? owner->pw_name : "?");
}

bool account_choose(struct account *account, const char *postgres_dir, struct error *err)
{
	struct stat st;
	bool exists = lstat(postgres_dir, &st) == 0;

	*account = (struct account){ 0 };
	if (geteuid() != 0)
		return choose_self(account, err) && (!exists || check_owner(account, &st, postgres_dir, err));
	const struct passwd *user = exists && st.st_uid != 0 ? getpwuid(st.st_uid) : getpwnam("postgres");

	if (!user)
		return error_set(err, ERR_CONFIG,
				 "as root, PostgreSQL runs as the user postgres, who does not exist here:"
				 " apt install postgresql",
				 "khi là root, PostgreSQL chạy bằng người dùng postgres, chưa có ở đây:"
				 " apt install postgresql");
	take(account, user);
	return true;
}

bool account_enter(const struct account *account)
{
	return !account->other ||
	       (setgroups(account->ngroups, account->groups) == 0 &&
		setresgid(account->gid, account->gid, account->gid) == 0 &&
		setresuid(account->uid, account->uid, account->uid) == 0);
}

/* In the child: the length of the first part of the path that is closed, as text to the pipe. */
static void probe(const struct account *account, const char *dir, int out)
{
	size_t len = 0;
	char part[4096];

	if (strlen(dir) >= sizeof(part) || !account_enter(account))
		_exit(1);
	do {
		len += 1 + strcspn(dir + len + 1, "/");
		memcpy(part, dir, len);
		part[len] = '\0';
		if (access(part, X_OK) < 0)
			_exit(write(out, &len, sizeof(len)) == sizeof(len) ? 2 : 1);
	} while (dir[len]);
	_exit(0);
}

bool account_can_reach(const struct account *account, const char *dir, struct error *err)
{
	int ends[2], status = 0;
	size_t len = strlen(dir);
	pid_t pid = -1;

	if (!account->other)
		return true;
	if (pipe(ends) == 0)
		pid = fork();
	if (pid < 0)
		return error_set(err, ERR_SYSTEM, "no new process: %s", "không tạo được tiến trình: %s",
				 strerror(errno));
	if (pid == 0)
		probe(account, dir, ends[1]);
	close(ends[1]);
	if (read(ends[0], &len, sizeof(len)) < 0)
		len = strlen(dir);
	close(ends[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (status == 0)
		return true;
	return error_set(err, ERR_CONFIG,
			 "user %s, who runs PostgreSQL, cannot enter %.*s: choose another DIR, or open that folder",
			 "người dùng %s chạy PostgreSQL không vào được %.*s: hãy chọn DIR khác hoặc mở thư mục đó",
			 account->name, (int)len, dir);
}
