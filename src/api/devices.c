#include "api/params.h"
#include "api/private.h"
#include "api/request.h"
#include "base/text.h"
#include "crypto/device_token.h"
#include "store/device_store.h"
#include "wire/device_wire.h"
#include "wire/wire.h"

/*
 * Phones of the teams: made with a code that is shown as a QR, enrolled by it once, revoked alone. What a revoked one
 * still holds it may hand in (sync.c).
 */

static void device_write(struct json_out *out, const char *key, const struct device *device)
{
	jout_object(out, key);
	jout_text(out, "id", device->id);
	jout_text(out, "name", device->name);
	jout_object(out, "team");
	jout_text(out, "id", device->team_id);
	jout_text(out, "name", device->team_name);
	jout_end(out);
	jout_text(out, "install", device->install);
	jout_time(out, "created_at", device->created_us);
	jout_time(out, "code_until", device->code_until_us);
	jout_time(out, "enrolled_at", device->enrolled_us);
	jout_time(out, "last_seen_at", device->last_seen_us);
	jout_time(out, "revoked_at", device->revoked_us);
	jout_end(out);
}

struct device_op {
	struct request      *r;
	struct device_list   list;
	struct device_create create;
	struct device_enrol  enrol;
	struct device_revoke revoke;
	char                 code[DEVICE_CODE_SIZE], token[TOKEN_TEXT_SIZE];
};

/* ---- GET /devices ---- */

static void list_on_loaded(struct device_list *list)
{
	struct device_op *op = container_of(list, struct device_op, list);
	struct json_out out;

	if (list->error.code != ERR_NONE) {
		request_reply_error(op->r, &list->error);
		return;
	}
	request_list_begin(op->r, &out);
	for (size_t i = 0; i < list->ndevices; i++)
		device_write(&out, NULL, &list->devices[i]);
	request_list_reply(op->r, &out, list->more ? list->devices[list->ndevices - 1].id : NULL);
}

static void list_start(struct request *r)
{
	struct device_op *op = http_alloc(r->x, sizeof(*op));
	struct params params;
	struct error err;

	if (params_init(&params, r, &err)) {
		op->list.limit = params_limit(&params);
		params_cursor(&params, op->list.after);
		params_finish(&params);
	}
	if (err.code != ERR_NONE) {
		request_reply_error(r, &err);
		return;
	}
	op->r = r;
	op->list.arena = r->arena;
	op->list.done = list_on_loaded;
	device_list_send(api_store(r->api), &op->list);
}

/* ---- POST /devices ---- */

/* Who asks again for what was made gets all of it but the code, which is kept nowhere. */
static void reply_made(struct device_op *op, const struct device *device, const char *code)
{
	struct buf *buf = api_scratch(op->r->api);
	struct json_out out = { .buf = buf };

	http_add_header(op->r->x, "Location", "/api/v1/devices");
	jout_object(&out, NULL);
	device_write(&out, "device", device);
	jout_text(&out, "code", code);
	jout_text(&out, "qr", code ? arena_printf(op->r->arena, "GH-DEVICE:1:%s", code) : NULL);
	jout_end(&out);
	request_reply_secret(op->r, 201, buf);
}

static void create_on_read(struct device_list *list)
{
	struct device_op *op = container_of(list, struct device_op, list);

	if (list->error.code != ERR_NONE)
		request_reply_unread(op->r, &list->error);
	else
		reply_made(op, &list->devices[0], NULL);
}

static void create_was_made(void *context, const char *id)
{
	struct device_op *op = context;

	op->list = (struct device_list){ .id = arena_strdup(op->r->arena, id), .limit = 1, .arena = op->r->arena, .done = create_on_read };
	device_list_send(api_store(op->r->api), &op->list);
}

static void create_on_created(struct device_create *create)
{
	struct device_op *op = container_of(create, struct device_op, create);

	if (create->error.code != ERR_NONE)
		request_refuse_create(op->r, &create->error, "device", create_was_made, op);
	else if (create->idempotency.replayed)
		create_was_made(op, create->idempotency.resource_id);
	else
		reply_made(op, &create->device, op->code);
}

static void create_start(struct request *r)
{
	struct device_op *op = http_alloc(r->x, sizeof(*op));
	struct error err;
	size_t len;
	const char *body = http_body(r->x, &len);

	op->r = r;
	error_clear(&err);
	if (!device_read_body(body, len, r->arena, &op->create.device.name, &op->create.device.team_id, &err)) {
		request_refuse_create(r, &err, "device", create_was_made, op);
		return;
	}
	if (!request_idempotency(r, &op->create.idempotency))
		return;
	device_code_make(op->code);
	token_hash(op->code, op->create.code_hash);
	op->create.actor = r->actor;
	op->create.arena = r->arena;
	op->create.done = create_on_created;
	device_create_send(api_store(r->api), &op->create);
}

/* ---- POST /devices/enrol ---- */

static void enrol_on_done(struct device_enrol *enrol)
{
	struct device_op *op = container_of(enrol, struct device_op, enrol);
	struct buf *buf = api_scratch(op->r->api);
	struct json_out out = { .buf = buf };

	if (enrol->error.code != ERR_NONE) {
		request_reply_error(op->r, &enrol->error);
		return;
	}
	jout_object(&out, NULL);
	device_write(&out, "device", &enrol->device);
	jout_text(&out, "token", op->token);
	jout_end(&out);
	request_reply_secret(op->r, 201, buf);
}

/* What is no code is looked up all the same: nothing tells it from one that is over. */
static void enrol_start(struct request *r)
{
	struct device_op *op = http_alloc(r->x, sizeof(*op));
	struct error err;
	const char *code;
	size_t len;
	const char *body = http_body(r->x, &len);

	op->r = r;
	error_clear(&err);
	if (!device_read_enrolment(body, len, r->arena, &code, &op->enrol.install, &err)) {
		request_reply_error(r, &err);
		return;
	}
	token_hash(code, op->enrol.code_hash);
	device_token_make(api_store(r->api)->keyring, device_code_well_formed(code) ? code : "", op->enrol.install, op->token);
	token_hash(op->token, op->enrol.token_hash);
	op->enrol.actor = r->actor;
	op->enrol.arena = r->arena;
	op->enrol.done = enrol_on_done;
	device_enrol_send(api_store(r->api), &op->enrol);
}

/* ---- POST /devices/{id}/revoke ---- */

static void revoke_on_done(struct device_revoke *revoke)
{
	struct device_op *op = container_of(revoke, struct device_op, revoke);
	struct buf *buf = api_scratch(op->r->api);
	struct json_out out = { .buf = buf };

	if (revoke->error.code != ERR_NONE) {
		request_reply_error(op->r, &revoke->error);
		return;
	}
	device_write(&out, NULL, &revoke->device);
	request_reply_json(op->r, 200, buf, NULL);
}

static void revoke_start(struct request *r)
{
	struct device_op *op = http_alloc(r->x, sizeof(*op));
	struct error err = { 0 };
	size_t len;
	const char *body = http_body(r->x, &len);

	if (!wire_read_nothing(body, len, r->arena, &err)) {
		request_reply_error(r, &err);
		return;
	}
	op->r = r;
	op->revoke = (struct device_revoke){ .id = request_param(r, "id"), .actor = r->actor, .arena = r->arena, .done = revoke_on_done };
	device_revoke_send(api_store(r->api), &op->revoke);
}

const struct route device_routes[] = {
	{ HTTP_GET_, "/api/v1/devices", AREA_DEVICES, ACCESS_READ, list_start, 0, 0 },
	{ HTTP_POST_, "/api/v1/devices", AREA_DEVICES, ACCESS_WRITE, create_start, 0, 0 },
	{ HTTP_POST_, "/api/v1/devices/enrol", AREA_LOGIN, ACCESS_WRITE, enrol_start, ROUTE_LOGIN, 0 },
	{ HTTP_POST_, "/api/v1/devices/{id}/revoke", AREA_DEVICES, ACCESS_WRITE, revoke_start, 0, 0 },
	{ 0 }
};
