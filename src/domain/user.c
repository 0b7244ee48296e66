#include "domain/user.h"

#include "base/error.h"
#include "base/text.h"
#include "domain/login.h"

bool user_is_restricted(const struct user *user)
{
	return user->must_change || (!user->password_long && !user->totp_sealed);
}

bool user_check(const struct user *user, struct error *err)
{
	if (user->login && !login_name_valid(user->login))
		error_add_field(err, "/login", "invalid_value",
				"2 to 32 small letters a-z, digits, dots, hyphens; a letter first.",
				"Từ 2 đến 32 chữ thường a-z, chữ số, dấu chấm, gạch nối; bắt đầu bằng chữ.");
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
