#include "api/authenticate.h"

#include <string.h>
#include <strings.h>

#include "api/private.h"
#include "api/request.h"
#include "base/clock.h"
#include "base/text.h"
#include "config/config.h"
#include "crypto/token.h"
#include "store/access_store.h"
#include "store/session_store.h"

/* A token or session that memory does not know is looked up; the request waits for it. */
struct lookup_op {
	struct request     *r;
	void              (*next)(struct request *r);
	const char         *text;
	bool                by_cookie;
	unsigned char       hash[TOKEN_HASH_BYTES];
	uint64_t            access_version;
	struct token_find   token;
	struct session_find session;
};

void request_reply_unauthenticated(struct request *r)
{
	struct error err;

	error_clear(&err);
	/* One text for none, unknown, expired and revoked: it tells a guesser nothing. */
	error_set(&err, ERR_UNAUTHENTICATED,
		  "Send a valid access token: \"Authorization: Bearer gh_...\", or Basic with the token as password."
		  " A person logs in, again if the session has ended: POST /api/v1/sessions.",
		  "Hãy gửi mã truy cập hợp lệ: \"Authorization: Bearer gh_...\", hoặc Basic với mã làm mật khẩu."
		  " Người dùng hãy đăng nhập, hoặc đăng nhập lại nếu phiên đã kết thúc: POST /api/v1/sessions.");
	request_reply_error(r, &err);
}

static void reply_forbidden(struct request *r)
{
	struct error err;

	error_clear(&err);
	error_set(&err, ERR_FORBIDDEN, "The role %s may not do this. Ask an admin for a token of another role.",
		  "Vai trò %s không được làm việc này. Hãy đề nghị quản trị viên cấp mã với vai trò khác.",
		  role_text(r->principal.role));
	request_reply_error(r, &err);
}

/* ---- rates ---- */

static bool within_rate(struct request *r, const char *key, int per_minute)
{
	int wait = limits_take(&r->api->limits, key, per_minute, clock_mono_us());
	struct error err;

	if (wait == 0)
		return true;
	error_clear(&err);
	error_set(&err, ERR_TOO_MANY_REQUESTS, "At most %d requests a minute are answered here; wait %d seconds.",
		  "Chỉ trả lời tối đa %d yêu cầu mỗi phút; hãy đợi %d giây.", per_minute, wait);
	request_reply_error_after(r, &err, wait);
	return false;
}

static bool principal_within_rate(struct request *r)
{
	const struct config *config = r->api->worker->config;

	if (r->route->flags & ROUTE_CHECKS &&
	    !within_rate(r, arena_printf(r->arena, "checks %s", r->principal.id ? r->principal.id : http_client_network(r->x)),
			 config->limits_checks_per_minute))
		return false;
	if (r->principal.role == ROLE_PUBLIC)
		return r->route->area == AREA_OPEN ||
		       within_rate(r, http_client_network(r->x), config->limits_anonymous_per_minute);
	/* Two limits, two buckets: in one, the lower would cap what the higher allows. */
	if (r->route->flags & ROUTE_SMS)
		return within_rate(r, arena_printf(r->arena, "sms %s", r->principal.id),
				   config->limits_sms_per_minute);
	if (r->route->flags & ROUTE_DONORS &&
	    !within_rate(r, arena_printf(r->arena, "donors %s", r->principal.id),
			 r->principal.role == ROLE_TEAM ? config->limits_team_donors_per_minute
							: config->limits_donors_per_minute))
		return false;
	if (r->route->flags & ROUTE_PACKS &&
	    !within_rate(r, arena_printf(r->arena, "packs %s", r->principal.id), config->limits_packs_per_minute))
		return false;
	return within_rate(r, r->principal.id, config->limits_token_per_minute);
}

/* ---- allowed ---- */

static bool from_loopback(const struct request *r)
{
	const char *address = http_client_address(r->x);

	return text_starts_with(address, "127.") || streq(address, "::1") || streq(address, "unix");
}

/* What everybody may do, one who must change the password first may do, too. */
static bool must_change_password(const struct request *r)
{
	return r->principal.session && r->principal.session->restricted && !(r->route->flags & ROUTE_SELF) &&
	       access_decide(ROLE_PUBLIC, r->route->area, r->route->mode) == ACCESS_NO;
}

static void reply_change_password(struct request *r)
{
	struct error err;

	error_clear(&err);
	error_set(&err, ERR_PASSWORD_CHANGE,
		  "Somebody else chose this password, or it is too short to stand alone: change it first.",
		  "Mật khẩu này do người khác đặt hoặc quá ngắn để dùng một mình: hãy đổi mật khẩu trước.");
	request_reply_error(r, &err);
}

/* It is told so, and then wipes what it holds; what it has not handed in yet it still may. */
static bool is_revoked_device(const struct request *r)
{
	return r->principal.device_revoked && !(r->route->flags & ROUTE_QUARANTINE);
}

static void reply_revoked_device(struct request *r)
{
	struct error err;

	error_clear(&err);
	error_set(&err, ERR_DEVICE_REVOKED, "This phone was revoked. What it has not handed in yet it still may; then enrol it anew.",
		  "Điện thoại này đã bị thu hồi quyền. Những gì chưa nộp vẫn được nộp; sau đó hãy đăng ký lại máy.");
	request_reply_error(r, &err);
}

static void proceed(struct request *r, void (*next)(struct request *r))
{
	bool allowed = access_decide(r->principal.role, r->route->area, r->route->mode) != ACCESS_NO;

	if (r->route->area == AREA_METRICS && from_loopback(r))
		allowed = true;
	r->actor = (struct actor){
		.kind = r->principal.session ? "user" : r->principal.id ? "token" : "public",
		.id = r->principal.id,
		.role = r->principal.role,
		.request_id = r->route->mode == ACCESS_WRITE ? http_request_id(r->x) : NULL,
	};
	if (!allowed && r->principal.role == ROLE_PUBLIC)
		request_reply_unauthenticated(r);
	else if (must_change_password(r))
		reply_change_password(r);
	else if (is_revoked_device(r))
		reply_revoked_device(r);
	else if (!allowed)
		reply_forbidden(r);
	else if (principal_within_rate(r))
		next(r);
}

static void proceed_as_public(struct request *r, void (*next)(struct request *r))
{
	r->principal.role = ROLE_PUBLIC;
	proceed(r, next);
}

/* ---- cookies ---- */

/* Browsers send one field with "name=value" parted by "; ". */
const char *request_cookie(const struct request *r, const char *name)
{
	const char *at = http_header(r->x, "cookie");
	size_t len = strlen(name);

	while (at && *at) {
		at += strspn(at, " \t;");
		size_t end = strcspn(at, ";");

		if (end > len && strncmp(at, name, len) == 0 && at[len] == '=')
			return arena_strndup(r->arena, at + len + 1, end - len - 1);
		at += end;
	}
	return NULL;
}

const char *session_cookie(const struct request *r)
{
	if (r->route->flags & ROUTE_LOGIN)
		return NULL;
	return request_cookie(r, SESSION_COOKIE);
}

/* A gateway writes by GET. */
static bool changes(const struct request *r)
{
	return r->route->mode == ACCESS_WRITE || (http_method(r->x) != HTTP_GET_ && http_method(r->x) != HTTP_HEAD_);
}

/* Browsers say so themselves; programs say nothing. */
static bool sent_by_foreign_page(const struct request *r)
{
	const char *site = http_header(r->x, "sec-fetch-site");

	return site && !streq(site, "same-origin") && !streq(site, "none");
}

/*
 * A foreign page may make a browser send what it holds: a cookie, or what was typed into its box for name and
 * password. But it can never send this header, nor hide that it is foreign.
 */
static bool is_forged(struct request *r, const char *text, bool by_cookie)
{
	struct error err;

	if (!changes(r))
		return false;
	error_clear(&err);
	if (by_cookie && !session_csrf_matches(text, http_header(r->x, "x-csrf-token")))
		error_set(&err, ERR_CSRF, "A change by cookie needs the session's csrf_token in X-CSRF-Token.",
			  "Thay đổi bằng cookie cần mã csrf_token của phiên trong X-CSRF-Token.");
	else if (sent_by_foreign_page(r))
		error_set(&err, ERR_CSRF, "A page of another site sent this. Changes are taken from our own pages and from programs.",
			  "Yêu cầu này do trang của một site khác gửi. Chỉ nhận thay đổi từ trang của hệ thống và từ chương trình.");
	else
		return false;
	request_reply_error(r, &err);
	return true;
}

/* ---- tokens ---- */

/* The token in the header: after "Bearer", or the password of "Basic". NULL: neither. */
static const char *presented_token(struct request *r, const char *header)
{
	if (strncasecmp(header, "Bearer ", 7) == 0)
		return header + 7 + strspn(header + 7, " ");
	if (strncasecmp(header, "Basic ", 6) == 0) {
		char *out = arena_alloc(r->arena, 512);
		char *user, *password;

		if (basic_decode(header + 6 + strspn(header + 6, " "), out, 512, &user, &password))
			return password;
	}
	return NULL;
}

static bool token_live(const struct request *r, const struct access_token *token)
{
	return token->revoked_us == INT64_MIN &&
	       (token->expires_us == INT64_MIN || token->expires_us > clock_wall_us(r->api->worker->clock));
}

bool session_live(const struct request *r, const struct session_mark *session, int64_t now_t)
{
	const struct config *config = r->api->worker->config;
	const struct session_limits limits = session_limits_of(config->sessions_idle_minutes, config->sessions_hours);

	return !session_is_over(&limits, session->created_t, session->used_t, now_t);
}

/*
 * What is known may be cleared from memory while the request waits for the
 * database, so what is needed later is copied; there is little of it.
 */
static void become(struct request *r, const struct known_principal *who)
{
	const struct access_token *token = &who->token;
	const char **units = arena_alloc(r->arena, (token->nunit_ids + 1) * sizeof(*units));
	struct session_mark *session = NULL;

	for (size_t i = 0; i < token->nunit_ids; i++)
		units[i] = arena_strdup(r->arena, token->unit_ids[i]);
	if (who->is_session) {
		session = arena_alloc(r->arena, sizeof(*session));
		*session = who->session;
		session->login = arena_strdup(r->arena, who->session.login);
		session->name = arena_strdup(r->arena, who->session.name);
	}
	r->principal = (struct principal){
		.role = token->role,
		.id = arena_strdup(r->arena, token->id),
		.name = arena_strdup(r->arena, token->name),
		.units = units,
		.nunits = token->nunit_ids,
		.team = arena_strdup(r->arena, token->team_id),
		.device = arena_strdup(r->arena, token->device_id),
		.device_revoked = token->device_revoked,
		.session = session,
		.created_us = token->created_us,
		.expires_us = token->expires_us,
	};
}

static void let_in(struct request *r, const struct known_principal *who, const char *text, bool by_cookie,
		   void (*next)(struct request *r))
{
	become(r, who);
	r->principal.session_text = who->is_session ? text : NULL;
	if (!is_forged(r, text, by_cookie))
		proceed(r, next);
}

/* A browser sends a cookie for as long as it likes: one that is over is as none. */
static void reply_dead(struct request *r, bool by_cookie, void (*next)(struct request *r))
{
	if (!by_cookie) {
		request_reply_unauthenticated(r);
		return;
	}
	http_add_header(r->x, "Set-Cookie", SESSION_COOKIE_ENDS);
	proceed_as_public(r, next);
}

/* ---- what memory does not know ---- */

/*
 * Guessing is slowed down before it costs a reading; apart from what the network reads without a token. What was no guess is not
 * counted: behind one address may be all phones of a day, whom memory forgets together.
 */
static const char *guess_key(struct request *r)
{
	return arena_printf(r->arena, "token %s", http_client_network(r->x));
}

static void was_no_guess(struct request *r)
{
	limits_give_back(&r->api->limits, guess_key(r), r->api->worker->config->limits_anonymous_per_minute, clock_mono_us());
}

/* Remembered only if nothing changed since the question was asked. */
static void remember(struct lookup_op *op, const struct known_principal *who)
{
	struct board *board = &op->r->api->board;

	if (board_fresh(board) && op->access_version == (uint64_t)board->versions[TOPIC_ACCESS])
		principals_use(&op->r->api->principals, principals_put(&op->r->api->principals, op->hash, who));
}

static void on_token(struct token_find *find)
{
	struct lookup_op *op = container_of(find, struct lookup_op, token);
	const struct known_principal who = { .token = find->token };

	if (find->error.code == ERR_NOT_FOUND) {
		request_reply_unauthenticated(op->r);
	} else if (find->error.code != ERR_NONE) {
		was_no_guess(op->r);             /* nothing was told */
		request_reply_error(op->r, &find->error);
	} else {
		remember(op, &who);
		if (token_live(op->r, &find->token)) {
			was_no_guess(op->r);
			let_in(op->r, &who, op->text, false, op->next);
		} else {
			request_reply_unauthenticated(op->r);
		}
	}
}

static void on_session(struct session_find *find)
{
	struct lookup_op *op = container_of(find, struct lookup_op, session);
	const struct known_principal who = { .token = find->who, .is_session = true, .session = find->session };
	int64_t now_t = board_service_t(&op->r->api->board);

	if (find->error.code != ERR_NONE && find->error.code != ERR_NOT_FOUND) {
		was_no_guess(op->r);
		request_reply_error(op->r, &find->error);
	} else if (find->error.code == ERR_NOT_FOUND || find->session.bearer == op->by_cookie ||
		   !session_live(op->r, &find->session, now_t > find->now_t ? now_t : find->now_t)) {
		reply_dead(op->r, op->by_cookie, op->next);
	} else {
		remember(op, &who);
		was_no_guess(op->r);
		let_in(op->r, &who, op->text, op->by_cookie, op->next);
	}
}

static void look_up(struct request *r, const char *text, const unsigned char *hash, bool by_cookie,
		    void (*next)(struct request *r))
{
	struct lookup_op *op = http_alloc(r->x, sizeof(*op));

	op->r = r;
	op->next = next;
	op->text = text;
	op->by_cookie = by_cookie;
	op->access_version = (uint64_t)r->api->board.versions[TOPIC_ACCESS];
	memcpy(op->hash, hash, TOKEN_HASH_BYTES);
	if (token_well_formed(text)) {
		memcpy(op->token.hash, hash, TOKEN_HASH_BYTES);
		op->token.arena = r->arena;
		op->token.done = on_token;
		token_find_send(&r->api->store, &op->token);
	} else {
		op->session.text = text;
		op->session.arena = r->arena;
		op->session.done = on_session;
		session_find_send(&r->api->store, &op->session);
	}
}

/* In memory, and good as far as memory can tell: of a session, others may know a later use. */
static struct known_principal *known_and_live(struct request *r, const unsigned char *hash, bool by_cookie)
{
	struct known_principal *known = board_fresh(&r->api->board) ? principals_find(&r->api->principals, hash) : NULL;

	if (!known || !known->is_session)
		return known;
	/* Who has just changed the password need not wait until memory knows. */
	if (known->session.restricted || known->session.bearer == by_cookie ||
	    !session_live(r, &known->session, board_service_t(&r->api->board)))
		return NULL;
	return known;
}

void request_authenticate(struct request *r, void (*next)(struct request *r))
{
	const char *header = http_header(r->x, "authorization");
	const char *text = header ? presented_token(r, header) : session_cookie(r);
	bool by_cookie = !header;
	unsigned char hash[TOKEN_HASH_BYTES];
	struct known_principal *known;

	if ((!header && !text) || r->route->flags & ROUTE_LOGIN) {
		proceed_as_public(r, next);
		return;
	}
	if (!text || (!session_token_well_formed(text) && (by_cookie || !token_well_formed(text)))) {
		if (within_rate(r, http_client_network(r->x), r->api->worker->config->limits_anonymous_per_minute))
			reply_dead(r, by_cookie, next);
		return;
	}
	token_hash(text, hash);
	known = known_and_live(r, hash, by_cookie);
	if (!known) {
		if (within_rate(r, guess_key(r), r->api->worker->config->limits_anonymous_per_minute))
			look_up(r, text, hash, by_cookie, next);
	} else if (!known->is_session && !token_live(r, &known->token)) {
		request_reply_unauthenticated(r);
	} else {
		principals_use(&r->api->principals, known);
		let_in(r, known, text, by_cookie, next);
	}
}
