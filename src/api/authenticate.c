#include "api/authenticate.h"

#include <string.h>
#include <strings.h>

#include "api/private.h"
#include "api/request.h"
#include "base/clock.h"
#include "base/text.h"
#include "config/config.h"
#include "store/access_store.h"

/* A token that memory does not know is looked up; the request waits for it. */
struct token_op {
	struct request    *r;
	void             (*next)(struct request *r);
	struct token_find  find;
	uint64_t           access_version;
};

static void on_found(struct token_find *find);

void request_reply_unauthenticated(struct request *r)
{
	struct error err;

	error_clear(&err);
	/* One text for none, unknown, expired and revoked: it tells a guesser nothing. */
	error_set(&err, ERR_UNAUTHENTICATED,
		  "Send a valid access token: \"Authorization: Bearer gh_...\", or Basic with the token as password.",
		  "Hãy gửi mã truy cập hợp lệ: \"Authorization: Bearer gh_...\", hoặc Basic với mã làm mật khẩu.");
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

	if (r->principal.role == ROLE_PUBLIC)
		return r->route->area == AREA_OPEN ||
		       within_rate(r, http_client_address(r->x), config->limits_anonymous_per_minute);
	/* Two limits, two buckets: in one, the lower would cap what the higher allows. */
	if (r->route->flags & ROUTE_SMS)
		return within_rate(r, arena_printf(r->arena, "sms %s", r->principal.id),
				   config->limits_sms_per_minute);
	if (r->route->flags & ROUTE_DONORS &&
	    !within_rate(r, arena_printf(r->arena, "donors %s", r->principal.id),
			 r->principal.role == ROLE_TEAM ? config->limits_team_donors_per_minute
							: config->limits_donors_per_minute))
		return false;
	return within_rate(r, r->principal.id, config->limits_token_per_minute);
}

/* ---- allowed ---- */

static bool from_loopback(const struct request *r)
{
	const char *address = http_client_address(r->x);

	return text_starts_with(address, "127.") || streq(address, "::1") || streq(address, "unix");
}

static void proceed(struct request *r, void (*next)(struct request *r))
{
	bool allowed = access_decide(r->principal.role, r->route->area, r->route->mode) != ACCESS_NO;

	if (r->route->area == AREA_METRICS && from_loopback(r))
		allowed = true;
	r->actor = (struct actor){
		.kind = r->principal.id ? "token" : "public",
		.id = r->principal.id,
		.role = r->principal.role,
		.request_id = r->route->mode == ACCESS_WRITE ? http_request_id(r->x) : NULL,
	};
	if (!allowed && r->principal.role == ROLE_PUBLIC)
		request_reply_unauthenticated(r);
	else if (!allowed)
		reply_forbidden(r);
	else if (principal_within_rate(r))
		next(r);
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

/*
 * A known token may be cleared from memory while the request waits for the
 * database, so what is needed later is copied; there is little of it.
 */
static void become(struct request *r, const struct access_token *token)
{
	const char **units = arena_alloc(r->arena, (token->nunit_ids + 1) * sizeof(*units));

	for (size_t i = 0; i < token->nunit_ids; i++)
		units[i] = arena_strdup(r->arena, token->unit_ids[i]);
	r->principal = (struct principal){
		.role = token->role,
		.id = arena_strdup(r->arena, token->id),
		.units = units,
		.nunits = token->nunit_ids,
		.team = arena_strdup(r->arena, token->team_id),
	};
}

static void on_found(struct token_find *find)
{
	struct token_op *op = container_of(find, struct token_op, find);
	struct request *r = op->r;
	struct board *board = &r->api->board;

	if (find->error.code == ERR_NOT_FOUND) {
		request_reply_unauthenticated(r);
		return;
	}
	if (find->error.code != ERR_NONE) {
		request_reply_error(r, &find->error);
		return;
	}
	/* Remembered only if no token changed since the question was asked. */
	if (board_fresh(board) && op->access_version == (uint64_t)board->versions[2])
		principals_put(&r->api->principals, find->hash, &find->token);
	if (!token_live(r, &find->token)) {
		request_reply_unauthenticated(r);
		return;
	}
	become(r, &find->token);
	proceed(r, op->next);
}

static void find_token(struct request *r, const unsigned char *hash, void (*next)(struct request *r))
{
	struct token_op *op = http_alloc(r->x, sizeof(*op));

	op->r = r;
	op->next = next;
	op->access_version = (uint64_t)r->api->board.versions[2];
	memcpy(op->find.hash, hash, TOKEN_HASH_BYTES);
	op->find.arena = r->arena;
	op->find.done = on_found;
	token_find_send(&r->api->store, &op->find);
}

void request_authenticate(struct request *r, void (*next)(struct request *r))
{
	const char *header = http_header(r->x, "authorization");
	unsigned char hash[TOKEN_HASH_BYTES];
	const struct access_token *known;
	const char *text;

	if (!header) {
		r->principal.role = ROLE_PUBLIC;
		proceed(r, next);
		return;
	}
	text = presented_token(r, header);
	if (!text || !token_well_formed(text)) {
		if (within_rate(r, http_client_address(r->x), r->api->worker->config->limits_anonymous_per_minute))
			request_reply_unauthenticated(r);
		return;
	}
	token_hash(text, hash);
	known = board_fresh(&r->api->board) ? principals_find(&r->api->principals, hash) : NULL;
	if (!known) {
		/* Guessing is slowed down before it costs a reading; apart from what the address reads without a token. */
		const char *key = arena_printf(r->arena, "token %s", http_client_address(r->x));

		if (within_rate(r, key, r->api->worker->config->limits_anonymous_per_minute))
			find_token(r, hash, next);
		return;
	}
	if (!token_live(r, known)) {
		request_reply_unauthenticated(r);
		return;
	}
	become(r, known);
	proceed(r, next);
}
