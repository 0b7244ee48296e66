#include <string.h>

#include "api/password_try.h"
#include "api/private.h"
#include "api/request.h"
#include "api/session_view.h"
#include "crypto/wrap.h"
#include "store/user_store.h"
#include "wire/user_wire.h"

/*
 * What people who are logged in change of their own: password and second
 * factor. A session alone is not enough, since somebody may sit down at a
 * screen that was left: the password is asked for again, and such tries are
 * counted as those of a known device.
 */
enum { RECOVERY_CODES = 10 };

struct self_op {
	struct secret_body  body;
	struct password_try try;
	struct user_save    save;
	bool                by_code;     /* the code was asked for, too */
	unsigned char       secret[TOTP_SECRET_BYTES];
	char                codes[RECOVERY_CODES][RECOVERY_TEXT_SIZE];
	char                hashes[RECOVERY_CODES][RECOVERY_HASH_HEX_SIZE];
	char                sealed[WRAP_HEX_SIZE];
};

static void reply_field(struct request *r, const char *pointer, const char *code, const char *en, const char *vi)
{
	struct error err;

	error_clear(&err);
	error_add_field(&err, pointer, code, "%1$s%2$.0s", "%2$s%1$.0s", en, vi);
	request_reply_error(r, &err);
}

static void refused(struct password_try *try)
{
	struct self_op *op = container_of(try, struct self_op, try);

	reply_field(try->r, "/current_password", "wrong",
		    op->by_code ? "The password, or the code of the second factor, is not right."
				: "This is not your password.",
		    op->by_code ? "Mật khẩu hoặc mã xác thực không đúng." : "Mật khẩu hiện tại không đúng.");
}

/* The body, and the password in it as a try at one's own account. NULL: answered. */
static struct self_op *begin(struct request *r, enum secret_body_kind kind, bool by_code)
{
	struct self_op *op = http_alloc(r->x, sizeof(*op));
	struct error err;
	size_t len;
	const char *body = http_body(r->x, &len);

	error_clear(&err);
	if (!request_has_session(r))
		return NULL;
	if (!secret_body_read(body, len, kind, r->arena, &op->body, &err)) {
		request_reply_error(r, &err);
		return NULL;
	}
	op->by_code = by_code;
	password_try_init(&op->try, r, r->principal.session->login,
			  op->body.current_password ? op->body.current_password : "");
	op->try.code = op->body.code;
	op->try.needs_code = by_code;
	op->try.known = true;
	op->try.refused = refused;
	return op;
}

/* The change over the account as the try, or the loading, found it; a code that served is spent. */
static void save(struct self_op *op, const struct user *before, const char *verb, enum user_sessions sessions,
		 void (*done)(struct user_save *save))
{
	struct request *r = op->try.r;
	struct user_save *change = &op->save;

	change->before = before;
	change->verb = verb;
	change->sessions = sessions;
	change->session = r->principal.session->id;
	change->forgive = true;
	change->network = http_client_network(r->x);
	change->actor = r->actor;
	change->arena = r->arena;
	change->done = done;
	if (op->try.totp_step >= 0 && change->next.totp_sealed) {
		change->next.totp_step = op->try.totp_step;
		if (change->step == STEP_KEPT)
			change->step = STEP_SPENT;
	}
	user_save_send(api_store(r->api), change);
}

static void reply_nothing(struct user_save *save)
{
	struct self_op *op = container_of(save, struct self_op, save);

	principals_clear(&op->try.r->api->principals);
	if (save->error.code != ERR_NONE)
		request_reply_error(op->try.r, &save->error);
	else
		http_reply(op->try.r->x, &(struct http_reply){ .status = 204 });
}

/* ---- password ---- */

static void password_on_right(struct password_try *try)
{
	struct self_op *op = container_of(try, struct self_op, try);
	struct user *next = &op->save.next;
	const char *composed = op->body.new_password;

	*next = try->count.user;
	next->password_hash = try->next_hash;
	next->password_long = password_stands_alone(composed);
	next->must_change = false;
	save(op, &try->count.user, "password", SESSIONS_END_OTHERS, reply_nothing);
}

static void password_start(struct request *r)
{
	struct self_op *op = begin(r, SECRET_PASSWORD, false);
	struct password_owner owner;
	char *composed;
	struct error err;

	if (!op)
		return;
	owner = (struct password_owner){ r->principal.session->login, r->principal.session->name,
					 r->principal.session->second_factor };
	composed = arena_alloc(r->arena, PASSWORD_SIZE);
	error_clear(&err);
	if (!password_compose(op->body.new_password, composed)) {
		reply_field(r, "/new_password", "too_long", "At most 256 bytes.", "Tối đa 256 byte.");
		return;
	}
	if (password_check(composed, &owner, "/new_password", &err) &&
	    strcmp(composed, op->try.password) == 0)
		error_add_field(&err, "/new_password", "same", "This is the password that you have; choose another one.",
				"Đây là mật khẩu đang dùng; hãy chọn mật khẩu khác.");
	if (err.code != ERR_NONE) {
		request_reply_error(r, &err);
		return;
	}
	op->body.new_password = composed;
	memcpy(op->try.next, composed, strlen(composed) + 1);
	op->try.done = password_on_right;
	password_try_send(&op->try);
}

/* ---- second factor: enrol, confirm, remove ---- */

static void enrol_on_saved(struct user_save *save)
{
	struct self_op *op = container_of(save, struct self_op, save);
	struct request *r = op->try.r;
	struct json_out out = { .buf = api_scratch(r->api) };
	char text[TOTP_TEXT_SIZE];

	if (save->error.code != ERR_NONE) {
		request_reply_error(r, &save->error);
		return;
	}
	totp_secret_text(op->secret, text);
	jout_object(&out, NULL);
	jout_text(&out, "secret", text);
	jout_text(&out, "otpauth_url",
		  arena_printf(r->arena, "otpauth://totp/Giot%%20Hong:%s?secret=%s&issuer=Giot%%20Hong&algorithm=SHA1"
					 "&digits=%d&period=%d", save->next.login, text, TOTP_DIGITS, TOTP_STEP_SECONDS));
	jout_end(&out);
	explicit_bzero(op->secret, sizeof(op->secret));
	request_reply_secret(r, 200, out.buf);
}

static void seal_secret(struct self_op *op, struct user *next)
{
	struct request *r = op->try.r;
	const struct keyring *keyring = r->api->worker->keyring;

	next->totp_next_key_id = keyring_active(keyring, KEY_WRAP);
	wrap_seal(keyring, next->totp_next_key_id, user_totp_bound(r->arena, next->id), op->secret, sizeof(op->secret),
		  op->sealed);
	next->totp_next_sealed = op->sealed;
}

static void spend_recovery(struct self_op *op, struct user *next)
{
	const struct user *now = &op->try.count.user;

	if (!op->try.recovery[0])
		return;
	next->nrecovery = 0;
	next->recovery = arena_alloc(op->try.r->arena, (now->nrecovery + 1) * sizeof(*next->recovery));
	for (size_t i = 0; i < now->nrecovery; i++)
		if (strcmp(now->recovery[i], op->try.recovery) != 0)
			next->recovery[next->nrecovery++] = now->recovery[i];
}

static void enrol_on_right(struct password_try *try)
{
	struct self_op *op = container_of(try, struct self_op, try);

	op->save.next = try->count.user;
	spend_recovery(op, &op->save.next);
	totp_secret_make(op->secret);
	seal_secret(op, &op->save.next);
	save(op, &try->count.user, "totp_enrol", SESSIONS_STAY, enrol_on_saved);
}

/* Who has a second factor already shows it, too: else a stolen session and a password would exchange it. */
static void enrol_start(struct request *r)
{
	struct self_op *op = begin(r, SECRET_SECOND_FACTOR, true);

	if (!op)
		return;
	op->try.done = enrol_on_right;
	password_try_send(&op->try);
}

static void confirm_on_saved(struct user_save *save)
{
	struct self_op *op = container_of(save, struct self_op, save);
	struct request *r = op->try.r;
	struct json_out out = { .buf = api_scratch(r->api) };

	principals_clear(&r->api->principals);
	if (save->error.code != ERR_NONE) {
		request_reply_error(r, &save->error);
		return;
	}
	jout_object(&out, NULL);
	jout_array(&out, "recovery_codes");
	for (size_t i = 0; i < RECOVERY_CODES; i++)
		jout_text(&out, NULL, op->codes[i]);
	jout_end(&out);
	jout_end(&out);
	explicit_bzero(op->codes, sizeof(op->codes));
	request_reply_secret(r, 200, out.buf);
}

static void make_recovery(struct self_op *op, struct user *next)
{
	next->recovery = arena_alloc(op->try.r->arena, RECOVERY_CODES * sizeof(*next->recovery));
	next->nrecovery = RECOVERY_CODES;
	for (size_t i = 0; i < RECOVERY_CODES; i++) {
		recovery_make(op->codes[i]);
		(void)!recovery_hash(next->id, op->codes[i], op->hashes[i]);     /* well formed: just made */
		next->recovery[i] = op->hashes[i];
	}
}

static void confirm_on_right(struct password_try *try)
{
	struct self_op *op = container_of(try, struct self_op, try);
	const struct user *user = &try->count.user;
	struct user *next = &op->save.next;

	*next = *user;
	next->totp_sealed = user->totp_next_sealed;
	next->totp_key_id = user->totp_next_key_id;
	next->totp_next_sealed = NULL;
	make_recovery(op, next);
	op->save.step = STEP_NEW;
	save(op, user, "totp_confirm", SESSIONS_END_OTHERS, confirm_on_saved);
}

static void confirm_refused(struct password_try *try)
{
	if (try->count.user.totp_next_sealed)
		reply_field(try->r, "/code", "wrong", "This is not the code of now; look at the app, and at the phone's clock.",
			    "Mã không đúng; hãy xem lại ứng dụng và đồng hồ điện thoại.");
	else
		reply_field(try->r, "/code", "not_enrolled", "Nothing waits for a code: POST /api/v1/users/me/totp first.",
			    "Chưa có gì chờ mã: hãy gọi POST /api/v1/users/me/totp trước.");
}

static void confirm_start(struct request *r)
{
	struct self_op *op = begin(r, SECRET_CODE, false);

	if (!op)
		return;
	op->try.confirms = true;
	op->try.refused = confirm_refused;
	op->try.done = confirm_on_right;
	password_try_send(&op->try);
}

static void remove_on_right(struct password_try *try)
{
	struct self_op *op = container_of(try, struct self_op, try);
	struct user *next = &op->save.next;

	if (!try->count.user.password_long) {
		reply_field(try->r, "/current_password", "too_short",
			    "Your password is too short to stand alone: change it to one of 15 characters first.",
			    "Mật khẩu quá ngắn để dùng một mình: hãy đổi sang mật khẩu từ 15 ký tự trước.");
		return;
	}
	*next = try->count.user;
	next->totp_sealed = next->totp_next_sealed = NULL;
	next->nrecovery = 0;
	next->totp_step = -1;
	save(op, &try->count.user, "totp_remove", SESSIONS_END_OTHERS, reply_nothing);
}

static void remove_start(struct request *r)
{
	struct self_op *op = begin(r, SECRET_SECOND_FACTOR, true);

	if (!op)
		return;
	op->try.done = remove_on_right;
	password_try_send(&op->try);
}

#define SELF (ROUTE_SELF | ROUTE_PERSONAL)
enum { SMALL = 16384 };

const struct route self_routes[] = {
	{ HTTP_POST_, "/api/v1/users/me/password", AREA_SELF, ACCESS_WRITE, password_start, SELF, SMALL },
	{ HTTP_POST_, "/api/v1/users/me/totp", AREA_SELF, ACCESS_WRITE, enrol_start, SELF, SMALL },
	{ HTTP_POST_, "/api/v1/users/me/totp/confirm", AREA_SELF, ACCESS_WRITE, confirm_start, SELF, SMALL },
	{ HTTP_POST_, "/api/v1/users/me/totp/remove", AREA_SELF, ACCESS_WRITE, remove_start, SELF, SMALL },
	{ 0 }
};
