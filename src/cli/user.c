#include "cli/commands.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/scope.h"
#include "cli/secret.h"
#include "crypto/password.h"
#include "domain/login.h"
#include "domain/password.h"
#include "store/user_store.h"
#include "wire/user_wire.h"

CLI_OPERATION(user_load)
CLI_OPERATION(user_list)
CLI_OPERATION(user_save)

static const struct secret_words words = {
	.option = "password-file",
	.ask = { "Password: ", "Mật khẩu: " },
	.again = { "Once more: ", "Nhập lại: " },
	.none = { "no password was typed", "chưa nhập mật khẩu" },
	.differ = { "the two passwords differ", "hai lần nhập khác nhau" },
};

/* ---- what all commands do ---- */

static bool find_user(struct cli *cli, struct user_load *load)
{
	char *login = arena_alloc(&cli->arena, LOGIN_TYPED_SIZE);

	login_name_fold(cli->arguments[0], login, LOGIN_TYPED_SIZE);
	load->key = login;
	load->arena = &cli->arena;
	if (user_load_run(cli, load))
		return true;
	if (cli->error.code == ERR_NOT_FOUND)
		error_set(&cli->error, ERR_NOT_FOUND, "there is no user \"%s\"", "không có người dùng \"%s\"", cli->arguments[0]);
	return false;
}

/* There are no pointers here: a field is what the command line calls it, LOGIN, --team, the password. */
static bool say_field(struct cli *cli)
{
	struct error *err = &cli->error;

	for (size_t i = 0; i < err->nfields; i++)
		if (err->fields[i].pointer[0] == '/')
			memmove(err->fields[i].pointer, err->fields[i].pointer + 1, strlen(err->fields[i].pointer));
	return false;
}

static bool read_password(struct cli *cli, struct user *user, char hash[PASSWORD_HASH_SIZE])
{
	const struct password_owner owner = { user->login, user->name, user->totp_sealed != NULL };
	char typed[4 * PASSWORD_SIZE], composed[PASSWORD_SIZE];
	bool fine = secret_read(cli, &words, true, typed, sizeof(typed));

	if (fine && !password_compose(typed, composed))
		fine = error_set(&cli->error, ERR_CONFIG, "a password has at most 256 bytes of UTF-8",
				 "mật khẩu dài tối đa 256 byte UTF-8");
	else if (fine && !password_check(composed, &owner, "/password", &cli->error))
		fine = say_field(cli);
	if (fine && !password_hash(composed, hash))
		fine = error_set(&cli->error, ERR_SYSTEM, "there is no memory to hash a password", "không đủ bộ nhớ để băm mật khẩu");
	if (fine) {
		user->password_hash = hash;
		user->password_long = password_stands_alone(composed);
		user->must_change = cli_has(cli, "temporary");
	}
	explicit_bzero(typed, sizeof(typed));
	explicit_bzero(composed, sizeof(composed));
	return fine;
}

/* ---- user add ---- */

static int add_run(struct cli *cli)
{
	struct user_save save = { .verb = "create", .actor = cli->actor, .arena = &cli->arena };
	struct user *user = &save.next;
	char hash[PASSWORD_HASH_SIZE];

	user->login = cli->arguments[0];
	user->active = true;
	if (!scope_read_role(cli, &user->role) || !cli_require(cli, "name", &user->name))
		return cli_usage(cli);
	if (!scope_read_units(cli, &user->unit_ids, &user->nunit_ids) || !scope_read_team(cli, &user->team_id))
		return cli_refuse(cli);
	if (!user_check(user, &cli->error)) {
		say_field(cli);
		return cli_refuse(cli);
	}
	if (!read_password(cli, user, hash))
		return cli_refuse(cli);
	if (!user_save_run(cli, &save)) {
		say_field(cli);
		return cli_refuse(cli);
	}
	cli_say(cli, "user \"%s\" (%s) made\n", "đã tạo người dùng \"%s\" (%s)\n", user->login, role_text(user->role));
	user_write(&cli->out, NULL, user);
	return EXIT_OK;
}

/* ---- user list ---- */

static const char *state_word(const struct cli *cli, const struct user *user)
{
	if (!user->active)
		return cli_word(cli, "disabled", "đã khóa");
	if (user->locked)
		return cli_word(cli, "locked", "tạm khóa");
	return cli_word(cli, "active", "hiệu lực");
}

static void print_user(struct cli *cli, const struct user *user)
{
	const char *state = state_word(cli, user);
	char used[DATE_TEXT_SIZE] = "-";

	if (user->last_login_us != INT64_MIN)
		date_format(date_of_instant(user->last_login_us), used);
	cli_say(cli, "%-24s %-8s %-*s %-3s %-10s %s\n", "%-24s %-8s %-*s %-3s %-10s %s\n", user->login,
		role_text(user->role), cli_columns(state, 9), state, user->totp_sealed ? "2" : "1", used, user->name);
	user_write(&cli->out, NULL, user);
}

static int list_run(struct cli *cli)
{
	struct user_list list = { .limit = 500, .disabled = true, .arena = &cli->arena };

	/* Spaces by hand: printf counts bytes. */
	cli_say(cli, "%s role     state     fac login      name\n", "%s vai trò  trạng thái lớp lần cuối   tên\n",
		"login                   ");
	jout_object(&cli->out, NULL);
	jout_array(&cli->out, "items");
	do {
		if (!user_list_run(cli, &list))
			return cli_refuse(cli);
		for (size_t i = 0; i < list.nusers; i++)
			print_user(cli, &list.users[i]);
		if (list.nusers > 0)
			memcpy(list.after, list.users[list.nusers - 1].id, sizeof(list.after));
	} while (list.more);
	jout_end(&cli->out);
	jout_end(&cli->out);
	return EXIT_OK;
}

/* ---- changes of one ---- */

static int change_user(struct cli *cli, struct user_save *save, const char *en, const char *vi)
{
	if (user_change_ends_sessions(save->before, &save->next))
		save->sessions = SESSIONS_END;
	if (save->forgive) {
		save->next.failures = 0;
		save->next.locked = false;
	}
	save->actor = cli->actor;
	save->arena = &cli->arena;
	if (!user_save_run(cli, save))
		return cli_refuse(cli);
	cli_say(cli, "%1$s: %2$s%3$.0s\n", "%1$s: %3$s%2$.0s\n", save->next.login, en, vi);
	user_write(&cli->out, NULL, &save->next);
	return EXIT_OK;
}

static int passwd_run(struct cli *cli)
{
	struct user_load load = { 0 };
	struct user_save save = { .before = &load.user, .verb = "password", .forgive = true };
	char hash[PASSWORD_HASH_SIZE];

	if (!find_user(cli, &load))
		return cli_refuse(cli);
	save.next = load.user;
	if (!read_password(cli, &save.next, hash))
		return cli_refuse(cli);
	return change_user(cli, &save, "the password is changed, all sessions are ended",
			   "đã đổi mật khẩu, mọi phiên đã kết thúc");
}

static int set_active(struct cli *cli, bool active, const char *verb, const char *en, const char *vi)
{
	struct user_load load = { 0 };
	struct user_save save = { .before = &load.user, .verb = verb };

	if (!find_user(cli, &load))
		return cli_refuse(cli);
	save.next = load.user;
	save.next.active = active;
	return change_user(cli, &save, en, vi);
}

static int disable_run(struct cli *cli)
{
	return set_active(cli, false, "disable", "disabled, all sessions are ended",
			  "đã khóa tài khoản, mọi phiên đã kết thúc");
}

static int enable_run(struct cli *cli)
{
	return set_active(cli, true, "enable", "may log in again", "được đăng nhập trở lại");
}

static int unlock_run(struct cli *cli)
{
	struct user_load load = { 0 };
	struct user_save save = { .before = &load.user, .verb = "unlock", .forgive = true };

	if (!find_user(cli, &load))
		return cli_refuse(cli);
	save.next = load.user;
	return change_user(cli, &save, "wrong tries are forgotten", "đã bỏ các lần nhập sai");
}

static int reset_totp_run(struct cli *cli)
{
	struct user_load load = { 0 };
	struct user_save save = { .before = &load.user, .verb = "totp_reset" };

	if (!find_user(cli, &load))
		return cli_refuse(cli);
	save.next = load.user;
	save.next.totp_sealed = save.next.totp_next_sealed = NULL;
	save.next.nrecovery = 0;
	save.next.totp_step = -1;
	return change_user(cli, &save, "logs in without a second factor until a new one is enrolled",
			   "đăng nhập không cần xác thực hai lớp cho đến khi đăng ký lại");
}

#define PASSWORD_FILE \
	{ "password-file", "FILE", { "the password is the first line of FILE (0600); else it is asked for", \
				     "mật khẩu là dòng đầu của FILE (0600); nếu không thì sẽ hỏi" } }
#define TEMPORARY \
	{ "temporary", NULL, { "must be changed at the first login", "phải đổi ở lần đăng nhập đầu tiên" } }

static const struct cli_option add_options[] = {
	{ "role", "ROLE",
	  { "team, hospital, comms, staff, auditor or admin", "team, hospital, comms, staff, auditor hoặc admin" } },
	{ "name", "NAME", { "the person's name, as it is shown", "tên hiển thị của người dùng" } },
	SCOPE_OPTIONS,
	PASSWORD_FILE,
	TEMPORARY,
	{ 0 }
};
static const struct cli_option passwd_options[] = { PASSWORD_FILE, TEMPORARY, { 0 } };

#define ONE(verb_, run_, en, vi) \
	{ .group = "user", .verb = verb_, .arguments = "LOGIN", .nmin = 1, .nmax = 1, .need = CLI_DATABASE, .run = run_, \
	  .summary = { en, vi } }

const struct cli_command user_commands[] = {
	{ .group = "user", .verb = "add", .arguments = "LOGIN", .nmin = 1, .nmax = 1,
	  .need = CLI_DATABASE, .options = add_options, .run = add_run,
	  .summary = { "make an account for a person", "tạo tài khoản cho một người" } },
	{ .group = "user", .verb = "list",
	  .need = CLI_DATABASE, .run = list_run,
	  .summary = { "list accounts", "liệt kê tài khoản" } },
	{ .group = "user", .verb = "passwd", .arguments = "LOGIN", .nmin = 1, .nmax = 1,
	  .need = CLI_DATABASE, .options = passwd_options, .run = passwd_run,
	  .summary = { "set a password", "đặt mật khẩu" } },
	ONE("disable", disable_run, "end an account's sessions and let it log in no more",
	    "kết thúc các phiên và không cho đăng nhập nữa"),
	ONE("enable", enable_run, "let a disabled account log in again", "cho tài khoản đã khóa đăng nhập lại"),
	ONE("unlock", unlock_run, "forget an account's wrong tries", "bỏ các lần nhập sai của tài khoản"),
	ONE("reset-totp", reset_totp_run, "take the second factor away, for a lost phone",
	    "bỏ xác thực hai lớp khi mất điện thoại"),
	{ 0 }
};
