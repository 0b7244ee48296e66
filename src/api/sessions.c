#include <string.h>

#include "api/authenticate.h"
#include "api/params.h"
#include "api/password_try.h"
#include "api/private.h"
#include "api/request.h"
#include "api/session_view.h"
#include "base/clock.h"
#include "base/text.h"
#include "config/config.h"
#include "crypto/device_mark.h"
#include "store/session_store.h"
#include "wire/user_wire.h"

/*
 * Logging in and out. A browser gets the session as a cookie that scripts
 * cannot read, and in the body the CSRF token that a change by cookie needs; a
 * program asks for {"bearer": true} and gets the session's text once. Both get a
 * mark for the device, with which the owner still comes in when strangers have
 * tried too often (domain/login.h).
 */
#define DEVICE_COOKIE "__Host-giothong-device-"
enum { DEVICE_DAYS = 180 };

/* ---- what is told ---- */

bool request_has_session(struct request *r)
{
	struct error err;

	if (r->principal.session)
		return true;
	error_clear(&err);
	error_set(&err, ERR_NO_SESSION, "You came with an access token. This is for people who are logged in.",
		  "Bạn dùng mã truy cập. Chức năng này dành cho người đã đăng nhập.");
	request_reply_error(r, &err);
	return false;
}

/* When it ends, as a wall clock would show it now. */
static void write_ends(struct request *r, struct json_out *out, const struct session_mark *session)
{
	const struct config *config = r->api->worker->config;
	const struct session_limits limits = session_limits_of(config->sessions_idle_minutes, config->sessions_hours);
	int64_t now_t = board_service_t(&r->api->board), now_us = clock_wall_us(r->api->worker->clock);
	int64_t end_us = now_us + session->created_t + limits.absolute_us - now_t;
	int64_t idle_us = now_us + session->used_t + limits.idle_us - now_t;

	jout_time(out, "created_at", session->created_us);
	jout_time(out, "expires_at", end_us);
	jout_time(out, "idle_expires_at", idle_us < end_us ? idle_us : end_us);
}

static void write_person(struct json_out *out, const struct principal *who)
{
	if (!who->session) {
		jout_null(out, "user");
		return;
	}
	jout_object(out, "user");
	jout_text(out, "id", who->id);
	jout_text(out, "login", who->session->login);
	jout_text(out, "name", who->session->name);
	jout_bool(out, "second_factor", who->session->second_factor);
	jout_end(out);
}

static const char *kind_of(const struct session_mark *session)
{
	return !session ? "token" : session->bearer ? "bearer" : "cookie";
}

struct buf *session_view(struct request *r, const char *secret, const char *device)
{
	const struct principal *who = &r->principal;
	struct json_out out = { .buf = api_scratch(r->api) };
	char csrf[CSRF_TEXT_SIZE];

	jout_object(&out, NULL);
	jout_text(&out, "id", who->session ? who->session->id : who->id);
	jout_text(&out, "kind", kind_of(who->session));
	jout_text(&out, "name", who->name);
	write_person(&out, who);
	jout_text(&out, "role", role_text(who->role));
	jout_array(&out, "units");
	for (size_t i = 0; i < who->nunits; i++)
		jout_text(&out, NULL, who->units[i]);
	jout_end(&out);
	jout_text(&out, "team", who->team);
	jout_bool(&out, "must_change_password", who->session && who->session->restricted);
	if (who->session) {
		write_ends(r, &out, who->session);
	} else {
		jout_time(&out, "created_at", who->created_us);
		jout_time(&out, "expires_at", who->expires_us);
		jout_null(&out, "idle_expires_at");
	}
	if (who->session && !who->session->bearer) {
		session_csrf(who->session_text, csrf);
		jout_text(&out, "csrf_token", csrf);
	} else {
		jout_null(&out, "csrf_token");
	}
	if (secret)
		jout_text(&out, "token", secret);
	if (device)
		jout_text(&out, "device", device);
	jout_end(&out);
	return out.buf;
}

/* ---- login ---- */

struct login_op {
	struct login_body   body;
	struct password_try try;
	struct session_open open;
	char                text[TOKEN_TEXT_SIZE];
	char                device[DEVICE_MARK_SIZE];
};

static void login_refused(struct password_try *try)
{
	struct error err;

	error_clear(&err);
	error_set(&err, ERR_LOGIN_REFUSED,
		  "Name, password or code is not right. An account with a second factor needs its code, each code serves once.",
		  "Tên, mật khẩu hoặc mã xác thực không đúng. Tài khoản có xác thực hai lớp cần mã, mỗi mã chỉ dùng một lần.");
	request_reply_error(try->r, &err);
}

/* From now on it is the user who acts. */
static void become_user(struct request *r, struct login_op *op)
{
	const struct user *user = &op->try.count.user;

	r->principal = (struct principal){
		.role = user->role,
		.id = user->id,
		.name = user->login,
		.units = user->unit_ids,
		.nunits = user->nunit_ids,
		.team = user->team_id,
		.session = &op->open.session,
		.session_text = op->text,
		.created_us = INT64_MIN,
		.expires_us = INT64_MIN,
	};
	r->actor.kind = "user";
	r->actor.id = user->id;
	r->actor.role = user->role;
}

static void set_cookies(struct request *r, struct login_op *op)
{
	http_add_header(r->x, "Set-Cookie",
			arena_printf(r->arena, SESSION_COOKIE "=%s" COOKIE_ATTRIBUTES "%d", op->text,
				     r->api->worker->config->sessions_hours * 3600));
	http_add_header(r->x, "Set-Cookie",
			arena_printf(r->arena, DEVICE_COOKIE "%s=%s" COOKIE_ATTRIBUTES "%d", op->open.session.login,
				     op->device, DEVICE_DAYS * 86400));
}

static void login_on_opened(struct session_open *open)
{
	struct login_op *op = container_of(open, struct login_op, open);
	struct request *r = op->try.r;

	if (open->error.code != ERR_NONE) {
		request_reply_error(r, &open->error);
		return;
	}
	if (!open->opened) {
		password_try_refuse(&op->try);
		return;
	}
	device_mark_make(r->api->worker->keyring, open->session.login, op->device);
	if (!open->bearer)
		set_cookies(r, op);
	http_add_header(r->x, "Location", "/api/v1/sessions/current");
	request_reply_secret(r, 201, session_view(r, open->bearer ? op->text : NULL, open->bearer ? op->device : NULL));
}

static void login_on_right(struct password_try *try)
{
	struct login_op *op = container_of(try, struct login_op, try);
	struct request *r = try->r;
	struct session_open *open = &op->open;

	session_token_make(op->text);
	open->user = &try->count.user;
	open->totp_step = try->totp_step;
	open->recovery = try->recovery[0] ? try->recovery : NULL;
	open->text = op->text;
	open->network = try->count.network;
	open->bearer = op->body.bearer;
	open->now_t = try->count.now_t;
	open->arena = r->arena;
	open->done = login_on_opened;
	become_user(r, op);
	open->actor = r->actor;
	session_open_send(api_store(r->api), open);
}

static bool is_known_device(struct request *r, const struct login_op *op)
{
	const struct keyring *keyring = r->api->worker->keyring;
	const char *cookie;

	if (!login_name_valid(op->try.login))
		return false;
	cookie = request_cookie(r, arena_printf(r->arena, DEVICE_COOKIE "%s", op->try.login));
	return device_mark_valid(keyring, op->try.login, op->body.device) ||
	       device_mark_valid(keyring, op->try.login, cookie);
}

/* Of one network, whatever names it tries. */
static bool within_logins(struct request *r)
{
	int per_minute = r->api->worker->config->limits_logins_per_minute;
	int wait = limits_take(&r->api->limits, arena_printf(r->arena, "login %s", http_client_network(r->x)), per_minute,
			       clock_mono_us());
	struct error err;

	if (wait == 0)
		return true;
	error_clear(&err);
	error_set(&err, ERR_TOO_MANY_REQUESTS, "At most %d logins a minute; wait %d seconds.",
		  "Tối đa %d lần đăng nhập mỗi phút; hãy đợi %d giây.", per_minute, wait);
	request_reply_error_after(r, &err, wait);
	return false;
}

static void login_start(struct request *r)
{
	struct login_op *op = http_alloc(r->x, sizeof(*op));
	struct error err;
	size_t len;
	const char *body = http_body(r->x, &len);

	error_clear(&err);
	if (!login_body_read(body, len, r->arena, &op->body, &err)) {
		request_reply_error(r, &err);
		return;
	}
	if (!within_logins(r))
		return;
	password_try_init(&op->try, r, op->body.login, op->body.password);
	op->try.code = op->body.code;
	op->try.needs_code = true;
	op->try.known = is_known_device(r, op);
	op->try.done = login_on_right;
	op->try.refused = login_refused;
	password_try_send(&op->try);
}

/* ---- one's own ---- */

static void current_start(struct request *r)
{
	struct params params;
	struct error err;

	if (!params_init(&params, r, &err) || !params_finish(&params))
		request_reply_error(r, &err);
	else
		request_reply_json(r, 200, session_view(r, NULL, NULL), NULL);
}

struct list_op {
	struct request     *r;
	struct session_list list;
};

static void list_on_loaded(struct session_list *list)
{
	struct list_op *op = container_of(list, struct list_op, list);
	struct request *r = op->r;
	struct json_out out;

	if (list->error.code != ERR_NONE) {
		request_reply_error(r, &list->error);
		return;
	}
	request_list_begin(r, &out);
	for (size_t i = 0; i < list->nsessions; i++) {
		const struct session_mark *session = &list->sessions[i];

		if (!session_live(r, session, board_service_t(&r->api->board)))
			continue;
		jout_object(&out, NULL);
		jout_text(&out, "id", session->id);
		jout_text(&out, "kind", kind_of(session));
		jout_bool(&out, "current", streq(session->id, r->principal.session->id));
		write_ends(r, &out, session);
		jout_end(&out);
	}
	request_list_reply(r, &out, NULL);
}

static void list_start(struct request *r)
{
	struct list_op *op = http_alloc(r->x, sizeof(*op));
	struct params params;
	struct error err;

	if (!params_init(&params, r, &err) || !params_finish(&params)) {
		request_reply_error(r, &err);
		return;
	}
	if (!request_has_session(r))
		return;
	op->r = r;
	op->list.user_id = r->principal.id;
	op->list.arena = r->arena;
	op->list.done = list_on_loaded;
	session_list_send(api_store(r->api), &op->list);
}

struct end_op {
	struct request    *r;
	bool               own;          /* the session that asks */
	struct session_end end;
};

static void end_on_done(struct session_end *end)
{
	struct end_op *op = container_of(end, struct end_op, end);
	struct request *r = op->r;

	principals_clear(&r->api->principals);   /* here at once, elsewhere within a second */
	/* One's own that is gone already: a repeated logout, which another worker answered. */
	if (end->error.code != ERR_NONE && !(op->own && end->error.code == ERR_NOT_FOUND)) {
		request_reply_error(r, &end->error);
		return;
	}
	if (op->own && !r->principal.session->bearer)
		http_add_header(r->x, "Set-Cookie", SESSION_COOKIE_ENDS);
	http_reply(r->x, &(struct http_reply){ .status = 204 });
}

static void end_session(struct request *r, const char *id)
{
	struct end_op *op = http_alloc(r->x, sizeof(*op));

	op->r = r;
	op->own = streq(id, r->principal.session->id);
	op->end.user_id = r->principal.id;
	op->end.id = id;
	op->end.actor = r->actor;
	op->end.arena = r->arena;
	op->end.done = end_on_done;
	session_end_send(api_store(r->api), &op->end);
}

static void logout_start(struct request *r)
{
	if (request_has_session(r))
		end_session(r, r->principal.session->id);
}

static void end_start(struct request *r)
{
	if (request_has_session(r))
		end_session(r, request_param(r, "id"));
}

#define SELF (ROUTE_SELF | ROUTE_PERSONAL)

const struct route session_routes[] = {
	{ HTTP_POST_, "/api/v1/sessions", AREA_LOGIN, ACCESS_WRITE, login_start, ROUTE_LOGIN | ROUTE_PERSONAL, 16384 },
	{ HTTP_GET_, "/api/v1/sessions", AREA_SELF, ACCESS_READ, list_start, SELF, 0 },
	{ HTTP_GET_, "/api/v1/sessions/current", AREA_SELF, ACCESS_READ, current_start, SELF, 0 },
	{ HTTP_DELETE_, "/api/v1/sessions/current", AREA_SELF, ACCESS_WRITE, logout_start, SELF, 0 },
	{ HTTP_DELETE_, "/api/v1/sessions/{id}", AREA_SELF, ACCESS_WRITE, end_start, SELF, 0 },
	{ 0 }
};
