#include <string.h>

#include "api/params.h"
#include "api/password_try.h"
#include "api/places.h"
#include "api/private.h"
#include "api/request.h"
#include "base/text.h"
#include "store/session_store.h"
#include "store/user_store.h"
#include "wire/user_wire.h"

/* Users, by an admin; an auditor reads. What a person changes of their own: self.c. */

static struct buf *written(struct request *r, const struct user *user)
{
	struct buf *buf = api_scratch(r->api);
	struct json_out out = { .buf = buf };

	user_write(&out, NULL, user);
	return buf;
}

/* ---- reading ---- */

struct list_op {
	struct request  *r;
	struct user_list list;
};

static void list_on_loaded(struct user_list *list)
{
	struct list_op *op = container_of(list, struct list_op, list);
	struct json_out out;

	if (list->error.code != ERR_NONE) {
		request_reply_error(op->r, &list->error);
		return;
	}
	request_list_begin(op->r, &out);
	for (size_t i = 0; i < list->nusers; i++)
		user_write(&out, NULL, &list->users[i]);
	request_list_reply(op->r, &out, list->more ? list->users[list->nusers - 1].id : NULL);
}

static void list_start(struct request *r)
{
	struct list_op *op = http_alloc(r->x, sizeof(*op));
	struct params params;
	struct error err;

	if (params_init(&params, r, &err)) {
		op->list.limit = params_limit(&params);
		params_cursor(&params, op->list.after);
		op->list.disabled = params_bool(&params, "inactive");
		params_finish(&params);
	}
	if (err.code != ERR_NONE) {
		request_reply_error(r, &err);
		return;
	}
	op->r = r;
	op->list.arena = r->arena;
	op->list.done = list_on_loaded;
	user_list_send(api_store(r->api), &op->list);
}

struct user_op {
	struct request        *r;
	int64_t                version;
	struct user_body       body;
	struct user_load       load;
	struct user_save       save;
	struct password_making making;
};

static void load_user(struct user_op *op, const char *key, void (*done)(struct user_load *load))
{
	op->load.key = key;
	op->load.arena = op->r->arena;
	op->load.done = done;
	user_load_send(api_store(op->r->api), &op->load);
}

static void get_on_loaded(struct user_load *load)
{
	struct user_op *op = container_of(load, struct user_op, load);

	if (load->error.code != ERR_NONE)
		request_reply_error(op->r, &load->error);
	else
		request_reply_versioned(op->r, 200, written(op->r, &load->user), load->user.version);
}

static void get_start(struct request *r)
{
	struct user_op *op = http_alloc(r->x, sizeof(*op));

	op->r = r;
	load_user(op, request_param(r, "id"), get_on_loaded);
}

/* ---- a password that somebody else chose: it must be changed at the first login ---- */

static bool take_password(struct user_op *op, struct error *err)
{
	struct user *next = &op->save.next;
	const struct password_owner owner = { next->login, next->name, next->totp_sealed != NULL };
	char *composed = op->making.password;

	if (!password_compose(op->body.password, composed))
		return error_add_field(err, "/password", "too_long", "At most 256 bytes.", "Tối đa 256 byte.");
	if (!password_check(composed, &owner, "/password", err))
		return false;
	next->password_long = password_stands_alone(composed);
	next->must_change = true;
	return true;
}

static void save_user(struct user_op *op)
{
	op->save.actor = op->r->actor;
	op->save.arena = op->r->arena;
	user_save_send(api_store(op->r->api), &op->save);
}

static void on_password_made(struct password_making *making)
{
	struct user_op *op = container_of(making, struct user_op, making);

	op->save.next.password_hash = making->hash;
	if (op->save.before && user_change_ends_sessions(op->save.before, &op->save.next))
		op->save.sessions = SESSIONS_END;
	save_user(op);
}

static void make_password(struct user_op *op)
{
	op->making.r = op->r;
	op->making.done = on_password_made;
	password_making_send(&op->making);
}

/* ---- create ---- */

static void create_on_replayed(struct user_load *load)
{
	struct user_op *op = container_of(load, struct user_op, load);

	if (load->error.code != ERR_NONE)
		request_reply_unread(op->r, &load->error);
	else
		request_reply_created(op->r, written(op->r, &load->user), "users", load->user.id, load->user.version);
}

static void create_was_made(void *context, const char *id)
{
	struct user_op *op = context;

	load_user(op, id, create_on_replayed);
}

static void refuse_create(struct user_op *op, const struct error *err)
{
	request_refuse_create(op->r, err, "user", create_was_made, op);
}

static void create_on_saved(struct user_save *save)
{
	struct user_op *op = container_of(save, struct user_op, save);

	if (save->error.code != ERR_NONE)
		refuse_create(op, &save->error);
	else if (save->idempotency.replayed)
		load_user(op, save->idempotency.resource_id, create_on_replayed);
	else
		request_reply_created(op->r, written(op->r, &save->next), "users", save->next.id, save->next.version);
}

static void create_with_units(struct request *r)
{
	struct user_op *op = http_alloc(r->x, sizeof(*op));
	struct error err;
	size_t len;
	const char *body = http_body(r->x, &len);

	op->r = r;
	op->body.user = &op->save.next;
	error_clear(&err);
	if (!user_body_read(body, len, false, api_units(r->api), r->today, r->arena, &op->body, &err) ||
	    !take_password(op, &err)) {
		refuse_create(op, &err);
		return;
	}
	if (!request_idempotency(r, &op->save.idempotency))
		return;
	op->save.verb = "create";
	op->save.done = create_on_saved;
	make_password(op);
}

static void create_start(struct request *r)
{
	request_with_units(r, create_with_units);
}

/* ---- change ---- */

static void patch_on_saved(struct user_save *save)
{
	struct user_op *op = container_of(save, struct user_op, save);

	principals_clear(&op->r->api->principals);       /* here at once, elsewhere within a second */
	if (save->error.code != ERR_NONE)
		request_reply_error(op->r, &save->error);
	else
		request_reply_versioned(op->r, 200, written(op->r, &save->next), save->next.version);
}

/* Nobody takes their own rights away, or gives themselves any; and their password they change by showing it. */
static bool is_of_another(struct request *r, const struct user_op *op, struct error *err)
{
	const struct user *now = &op->load.user, *next = &op->save.next;
	const char *pointer = op->body.password ? "/password" : op->body.reset_second_factor ? "/reset_second_factor"
			      : op->body.unlock ? "/unlock" : now->role != next->role ? "/role" : now->active != next->active ? "/state" : NULL;

	if (!streq(now->id, r->principal.id) || !pointer)
		return true;
	return error_add_field(err, pointer, "own_account", "Not of your own account: ask another administrator.",
			       "Không áp dụng cho tài khoản của chính bạn: hãy nhờ quản trị viên khác.");
}

static void apply(struct user_op *op)
{
	struct user *next = &op->save.next;

	if (op->body.reset_second_factor) {
		next->totp_sealed = next->totp_next_sealed = NULL;
		next->nrecovery = 0;
		next->totp_step = -1;
	}
	if (op->body.unlock) {
		op->save.forgive = true;
		next->failures = 0;
		next->locked = false;
	}
	if (user_change_ends_sessions(op->save.before, next))
		op->save.sessions = SESSIONS_END;
}

static void patch_on_loaded(struct user_load *load)
{
	struct user_op *op = container_of(load, struct user_op, load);
	struct request *r = op->r;
	struct error err;
	size_t len;
	const char *body = http_body(r->x, &len);

	error_clear(&err);
	if (load->error.code != ERR_NONE) {
		request_reply_error(r, &load->error);
		return;
	}
	if (load->user.version != op->version) {
		request_reply_stale(r, load->user.version);
		return;
	}
	op->save.before = &load->user;
	op->save.next = load->user;
	op->body.user = &op->save.next;
	op->save.verb = "edit";
	op->save.done = patch_on_saved;
	if (!user_body_read(body, len, true, api_units(r->api), r->today, r->arena, &op->body, &err) ||
	    !is_of_another(r, op, &err)) {
		request_reply_error(r, &err);
		return;
	}
	apply(op);
	if (!op->body.password)
		save_user(op);
	else if (take_password(op, &err))
		make_password(op);
	else
		request_reply_error(r, &err);
}

static void patch_with_units(struct request *r)
{
	struct user_op *op = http_alloc(r->x, sizeof(*op));

	op->r = r;
	if (request_if_match(r, &op->version))
		load_user(op, request_param(r, "id"), patch_on_loaded);
}

static void patch_start(struct request *r)
{
	request_with_units(r, patch_with_units);
}

/* ---- all sessions of one ---- */

struct end_op {
	struct request    *r;
	struct session_end end;
};

static void end_on_done(struct session_end *end)
{
	struct end_op *op = container_of(end, struct end_op, end);

	principals_clear(&op->r->api->principals);
	if (end->error.code != ERR_NONE)
		request_reply_error(op->r, &end->error);
	else
		http_reply(op->r->x, &(struct http_reply){ .status = 204 });
}

static void end_start(struct request *r)
{
	struct end_op *op = http_alloc(r->x, sizeof(*op));

	op->r = r;
	op->end.user_id = request_param(r, "id");
	op->end.actor = r->actor;
	op->end.arena = r->arena;
	op->end.done = end_on_done;
	session_end_send(api_store(r->api), &op->end);
}

const struct route user_routes[] = {
	{ HTTP_GET_, "/api/v1/users", AREA_TOKENS, ACCESS_READ, list_start, ROUTE_PERSONAL, 0 },
	{ HTTP_POST_, "/api/v1/users", AREA_TOKENS, ACCESS_WRITE, create_start, ROUTE_PERSONAL, 0 },
	{ HTTP_GET_, "/api/v1/users/{id}", AREA_TOKENS, ACCESS_READ, get_start, ROUTE_PERSONAL, 0 },
	{ HTTP_PATCH_, "/api/v1/users/{id}", AREA_TOKENS, ACCESS_WRITE, patch_start, ROUTE_PERSONAL, 0 },
	{ HTTP_DELETE_, "/api/v1/users/{id}/sessions", AREA_TOKENS, ACCESS_WRITE, end_start, ROUTE_PERSONAL, 0 },
	{ 0 }
};
