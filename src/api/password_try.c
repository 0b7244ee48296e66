#include "api/password_try.h"

#include <string.h>

#include "api/private.h"
#include "api/request.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "crypto/wrap.h"
#include "store/user_store.h"

/* At 40 ms each and two threads, who comes last waits a third of a second. */
enum { HASHING_MAX = 16 };

static void reply_busy(struct request *r)
{
	struct error err;

	error_clear(&err);
	error_set(&err, ERR_UNAVAILABLE, "Too many people log in just now. Nothing was changed. Try again in a moment.",
		  "Hiện có quá nhiều người đăng nhập. Chưa có gì thay đổi. Hãy thử lại sau giây lát.");
	request_reply_error_after(r, &err, 1);
}

static bool pool_take(struct request *r, struct pool_job *job)
{
	if (r->api->hashing >= HASHING_MAX || !pool_send(r->api->daemon->pool, r->api->worker, job))
		return false;
	r->api->hashing++;
	return true;
}

/* ---- in the pool: nothing but the try is touched, and the keyring, which all threads may read ---- */

static void forget_passwords(struct password_try *try)
{
	explicit_bzero(try->password, sizeof(try->password));
	explicit_bzero(try->next, sizeof(try->next));
}

static bool code_is_recovery(struct password_try *try)
{
	const struct user *user = &try->count.user;
	char hash[RECOVERY_HASH_HEX_SIZE];

	if (!recovery_hash(user->id, try->code, hash))
		return false;
	for (size_t i = 0; i < user->nrecovery; i++)
		if (strcmp(user->recovery[i], hash) == 0)
			memcpy(try->recovery, hash, sizeof(hash));
	return try->recovery[0] != '\0';
}

static bool code_fits(struct password_try *try, const char *sealed, int key_id)
{
	const struct user *user = &try->count.user;
	unsigned char secret[WRAP_MAX];
	struct arena arena;
	size_t len;
	bool fine;

	arena_init(&arena);
	fine = wrap_open(try->r->api->worker->keyring, key_id, user_totp_bound(&arena, user->id), sealed, secret, &len) &&
	       len == TOTP_SECRET_BYTES && totp_matches(secret, try->code, try->wall_us, &try->totp_step);
	explicit_bzero(secret, sizeof(secret));
	arena_release(&arena);
	return fine;
}

static bool code_is_totp(struct password_try *try)
{
	const struct user *user = &try->count.user;
	bool fine = code_fits(try, user->totp_sealed, user->totp_key_id) && try->totp_step > user->totp_step;

	if (!fine)
		try->totp_step = -1;
	return fine;
}

static bool code_confirms(struct password_try *try)
{
	const struct user *user = &try->count.user;

	return try->count.found && user->totp_next_sealed && code_fits(try, user->totp_next_sealed, user->totp_next_key_id);
}

static bool code_is_right(struct password_try *try)
{
	if (!try->needs_code || !try->count.found || !try->count.user.totp_sealed)
		return true;
	return try->code && (code_is_totp(try) || code_is_recovery(try));
}

static void try_work(struct pool_job *job)
{
	struct password_try *try = container_of(job, struct password_try, job);
	bool may_come_in = try->count.found && try->count.user.active && try->composed;

	if (try->confirms) {
		try->verdict = code_confirms(try) ? PASSWORD_RIGHT : PASSWORD_WRONG;
		return;
	}
	try->verdict = password_verify(may_come_in ? try->count.user.password_hash : NULL, try->password);
	if (!code_is_right(try) && try->verdict == PASSWORD_RIGHT)
		try->verdict = PASSWORD_WRONG;
	if (try->verdict == PASSWORD_RIGHT && try->next[0] && !password_hash(try->next, try->next_hash))
		try->verdict = PASSWORD_NO_MEMORY;
	forget_passwords(try);
}

/* ---- on the loop ---- */

static void on_refusal_noted(struct login_refuse *refuse)
{
	struct password_try *try = container_of(refuse, struct password_try, refuse);

	if (refuse->error.code != ERR_NONE)
		request_reply_error(try->r, &refuse->error);
	else
		try->refused(try);
}

void password_try_refuse(struct password_try *try)
{
	try->refuse.user_id = try->count.found ? try->count.user.id : NULL;
	try->refuse.actor = try->r->actor;
	try->refuse.arena = try->r->arena;
	try->refuse.done = on_refusal_noted;
	login_refuse_send(api_store(try->r->api), &try->refuse);
}

static void on_uncounted(struct login_uncount *uncount)
{
	struct password_try *try = container_of(uncount, struct password_try, uncount);

	if (uncount->error.code != ERR_NONE)
		log_warning("login_try_not_taken_back", "problem=%s", error_slug(uncount->error.code));
	reply_busy(try->r);
}

/* Nobody looked at the password: then it does not count either. */
static void take_back(struct password_try *try)
{
	forget_passwords(try);
	try->uncount.count = &try->count;
	try->uncount.arena = try->r->arena;
	try->uncount.done = on_uncounted;
	login_uncount_send(api_store(try->r->api), &try->uncount);
}

static void try_done(struct pool_job *job)
{
	struct password_try *try = container_of(job, struct password_try, job);

	try->r->api->hashing--;
	if (try->verdict == PASSWORD_NO_MEMORY)
		take_back(try);
	else if (try->verdict == PASSWORD_WRONG)
		password_try_refuse(try);
	else
		try->done(try);
}

static void reply_wait(struct request *r, int64_t wait_us)
{
	int seconds = (int)((wait_us + 999999) / 1000000);
	struct error err;

	error_clear(&err);
	if (wait_us == LOGIN_NEVER_US) {
		error_set(&err, ERR_LOGIN_LOCKED,
			  "Too many wrong tries: this account opens only from a device used before, or when an administrator unlocks it.",
			  "Sai quá nhiều lần: tài khoản này chỉ mở từ thiết bị đã dùng trước đây, hoặc khi quản trị viên mở khóa.");
		request_reply_error(r, &err);
		return;
	}
	error_set(&err, ERR_TOO_MANY_REQUESTS, "Too many wrong tries; wait %d seconds.",
		  "Sai quá nhiều lần; hãy đợi %d giây.", seconds);
	request_reply_error_after(r, &err, seconds);
}

static void on_counted(struct login_count *count)
{
	struct password_try *try = container_of(count, struct password_try, count);
	struct request *r = try->r;

	if (count->error.code != ERR_NONE) {
		forget_passwords(try);
		request_reply_error(r, &count->error);
	} else if (!count->counted) {
		forget_passwords(try);
		reply_wait(r, count->wait_us);
	} else {
		try->wall_us = clock_wall_us(r->api->worker->clock);
		try->job = (struct pool_job){ .work = try_work, .done = try_done };
		if (!pool_take(r, &try->job))
			take_back(try);
	}
}

void password_try_init(struct password_try *try, struct request *r, const char *login, const char *password)
{
	char *folded = arena_alloc(r->arena, LOGIN_TYPED_SIZE);

	login_name_fold(login, folded, LOGIN_TYPED_SIZE);
	try->r = r;
	try->login = folded;
	try->composed = password_compose(password, try->password);
	try->totp_step = -1;
}

void password_try_send(struct password_try *try)
{
	struct request *r = try->r;
	struct login_count *count = &try->count;

	count->now_t = board_service_t(&r->api->board);
	if (r->api->hashing >= HASHING_MAX || count->now_t == INT64_MIN) {
		reply_busy(r);
		return;
	}
	count->login = try->login;
	count->network = http_client_network(r->x);
	count->known = try->known;
	count->arena = r->arena;
	count->done = on_counted;
	login_count_send(api_store(r->api), count);
}

/* ---- a new password alone ---- */

static void making_work(struct pool_job *job)
{
	struct password_making *making = container_of(job, struct password_making, job);

	making->made = password_hash(making->password, making->hash);
	explicit_bzero(making->password, sizeof(making->password));
}

static void making_done(struct pool_job *job)
{
	struct password_making *making = container_of(job, struct password_making, job);

	making->r->api->hashing--;
	if (making->made)
		making->done(making);
	else
		reply_busy(making->r);
}

void password_making_send(struct password_making *making)
{
	making->job = (struct pool_job){ .work = making_work, .done = making_done };
	if (!pool_take(making->r, &making->job))
		reply_busy(making->r);
}
