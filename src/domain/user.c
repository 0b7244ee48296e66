#include "domain/user.h"

#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "domain/login.h"

bool user_is_restricted(const struct user *user)
{
	return user->must_change || (!user->password_long && !user->totp_sealed);
}

/* Lists of users are read by people, in terminals too: nothing in a name may hide or turn the line around. */
static void check_name(const char *name, struct error *err)
{
	if (!text_valid_utf8(name, strlen(name)) || text_length(name) > USER_NAME_MAX) {
		error_add_field(err, "/name", "too_long", "At most %d characters of UTF-8.", "Tối đa %d ký tự UTF-8.", USER_NAME_MAX);
		return;
	}
	for (const char *p = name; *p;) {
		enum text_class class = *p == '\t' || *p == '\n' || *p == '\r' ? TEXT_CONTROL : text_class(text_next(&p));

		if (class == TEXT_CONTROL || class == TEXT_HIDDEN) {
			error_add_field(err, "/name", "control_character", "Control characters and hidden ones are not allowed.",
					"Không được có ký tự điều khiển hay ký tự ẩn.");
			return;
		}
	}
}

/* "me" is whoever asks: /api/v1/users/me. */
static bool login_fits(const char *login)
{
	return login_name_valid(login) && !streq(login, "me");
}

bool user_check(const struct user *user, struct error *err)
{
	if (user->login && !login_fits(user->login))
		error_add_field(err, "/login", "invalid_value",
				"2 to 32 small letters a-z, digits, dots, hyphens, underscores; a letter first; not \"me\".",
				"Từ 2 đến 32 chữ thường a-z, chữ số, dấu chấm, gạch nối, gạch dưới; đầu là chữ; không phải \"me\".");
	if (user->name)
		check_name(user->name, err);
	if (user->role == ROLE_GATEWAY)
		error_add_field(err, "/role", "invalid_value", "A gateway is no person: make it an access token.",
				"Cổng tin nhắn không phải người dùng: hãy tạo mã truy cập cho nó.");
	if (user->role == ROLE_TEAM && !user->team_id)
		error_add_field(err, "/team", "required", "The role team needs a team.",
				"Vai trò team cần có đội.");
	return err->code == ERR_NONE;
}

bool user_change_ends_sessions(const struct user *before, const struct user *next)
{
	return before->role != next->role || before->active != next->active ||
	       !streq(before->password_hash, next->password_hash) || !before->totp_sealed != !next->totp_sealed;
}
