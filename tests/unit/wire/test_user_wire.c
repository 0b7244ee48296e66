#include "wire/support.h"

#include "wire/user_wire.h"

static const struct date today = { 2025, 7, 15 };

#define USER "\"login\": \"lan.anh\", \"name\": \"Tra\\u0302n Lan Anh\", \"role\": \"staff\", \"password\": \" giữ nguyên \""

static bool read_user(const char *text, bool patch, struct user *user, struct user_body *body)
{
	error_clear(&err);
	*body = (struct user_body){ .user = user };
	return user_body_read(text, strlen(text), patch, units, today, &arena, body, &err);
}

static void test_user(void **state)
{
	struct user user = { 0 };
	struct user_body body;

	(void)state;
	assert_true(read_user("{" USER ", \"units\": [\"Xã Than Uyên\"], \"team\": null}", false, &user, &body));
	assert_string_equal(user.login, "lan.anh");
	assert_string_equal(user.name, "Trân Lan Anh");          /* composed */
	assert_string_equal(body.password, " giữ nguyên ");      /* not touched */
	assert_int_equal(user.role, ROLE_STAFF);
	assert_true(user.active);
	assert_int_equal(user.nunit_ids, 1);
	assert_null(user.team_id);
}

static void test_user_patch(void **state)
{
	const char *scope[] = { "12" };
	struct user user = { .login = "lan.anh", .name = "Lan", .role = ROLE_STAFF, .active = true, .unit_ids = scope, .nunit_ids = 1 };
	struct user_body body;

	(void)state;
	assert_true(read_user("{}", true, &user, &body));
	assert_true(!body.password && !body.unlock && !body.reset_second_factor && user.active && user.nunit_ids == 1);
	assert_true(read_user("{\"state\": \"disabled\", \"units\": [], \"unlock\": true}", true, &user, &body));
	assert_true(body.unlock && !user.active && user.nunit_ids == 0);
	assert_string_equal(user.name, "Lan");
}

static void test_user_faults(void **state)
{
	static const struct { const char *text; bool patch; const char *pointer, *code; } cases[] = {
		{ "{\"login\": \"lan.anh\", \"name\": \"x\", \"role\": \"staff\"}", false, "/password", "required" },
		{ "{\"login\": \"L\", \"name\": \"x\", \"role\": \"staff\", \"password\": \"x\"}", false, "/login", "invalid_value" },
		{ "{" USER ", \"state\": \"active\"}", false, "/state", "unknown_field" },
		{ "{" USER ", \"units\": [\"Nơi không có\"]}", false, "/units/0", "unknown_unit" },
		{ "{\"login\": \"an.an\"}", true, "/login", "unknown_field" },
		{ "{\"name\": null}", true, "/name", "required" },
		{ "{\"role\": \"gateway\"}", true, "/role", "invalid_value" },
		{ "{\"role\": \"public\"}", true, "/role", "invalid_value" },
		{ "{\"role\": \"team\"}", true, "/team", "required" },
		{ "{\"state\": \"gone\"}", true, "/state", "invalid_value" },
		{ "{\"unlock\": 1}", true, "/unlock", "wrong_type" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct user user = { .login = "lan.anh", .name = "Lan", .role = ROLE_STAFF, .active = true };
		struct user_body body;

		if (read_user(cases[i].text, cases[i].patch, &user, &body) || err.nfields != 1 ||
		    !fault_at(cases[i].pointer) || !streq(fault_at(cases[i].pointer)->code, cases[i].code))
			fail_msg("%s: %zu faults, %s %s", cases[i].text, err.nfields, err.fields[0].pointer, err.fields[0].code);
	}
}

/* What logs in never comes out. */
static void test_user_written(void **state)
{
	const char *hashes[] = { "cafe" };
	struct user user = { .id = "00000000-0000-7000-8000-000000000001", .login = "lan.anh", .name = "Lan", .role = ROLE_STAFF,
			     .active = true, .password_hash = "$argon2id$x", .totp_sealed = "\\xbeef", .recovery = hashes,
			     .nrecovery = 1, .must_change = true, .last_login_us = INT64_MIN, .version = 2 };
	struct buf buf = { 0 };

	(void)state;
	user_write(&(struct json_out){ .buf = &buf }, NULL, &user);
	assert_null(strstr(buf.data, "argon"));
	assert_null(strstr(buf.data, "beef"));
	assert_null(strstr(buf.data, "cafe"));
	assert_non_null(strstr(buf.data, "\"second_factor\":true,\"recovery_codes_left\":1,\"must_change_password\":true"));
	assert_non_null(strstr(buf.data, "\"last_login_at\":null"));
	buf_release(&buf);
}

static void test_login(void **state)
{
	static const char text[] = "{\"login\": \" Lan \", \"password\": \"\\n x\", \"code\": null}";
	struct login_body body;

	(void)state;
	assert_true(login_body_read(text, strlen(text), &arena, &body, &err));
	assert_string_equal(body.login, " Lan ");
	assert_string_equal(body.password, "\n x");
	assert_true(!body.code && !body.device && !body.bearer);
	assert_false(login_body_read("{\"login\": \"a\"}", 14, &arena, &body, &err));
	assert_string_equal(fault_at("/password")->code, "required");
}

static void test_secrets(void **state)
{
	static const char password[] = "{\"current_password\": \"a\", \"new_password\": \"b\"}";
	static const char factor[] = "{\"current_password\": \"a\"}", code[] = "{\"code\": \"123456\"}";
	struct secret_body body;

	(void)state;
	assert_true(secret_body_read(password, strlen(password), SECRET_PASSWORD, &arena, &body, &err));
	assert_string_equal(body.new_password, "b");
	assert_true(secret_body_read(factor, strlen(factor), SECRET_SECOND_FACTOR, &arena, &body, &err));
	assert_null(body.code);
	assert_true(secret_body_read(code, strlen(code), SECRET_CODE, &arena, &body, &err));
	assert_null(body.current_password);
	assert_false(secret_body_read(password, strlen(password), SECRET_SECOND_FACTOR, &arena, &body, &err));
	assert_string_equal(fault_at("/new_password")->code, "unknown_field");
	error_clear(&err);
	assert_false(secret_body_read(factor, strlen(factor), SECRET_CODE, &arena, &body, &err));
	assert_string_equal(fault_at("/code")->code, "required");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_user, setup, teardown),
		cmocka_unit_test_setup_teardown(test_user_patch, setup, teardown),
		cmocka_unit_test_setup_teardown(test_user_faults, setup, teardown),
		cmocka_unit_test_setup_teardown(test_user_written, setup, teardown),
		cmocka_unit_test_setup_teardown(test_login, setup, teardown),
		cmocka_unit_test_setup_teardown(test_secrets, setup, teardown),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
