#include "api/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/authenticate.h"
#include "api/private.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "domain/scope.h"
#include "domain/unit.h"
#include "store/replay_store.h"

struct store *api_store(struct api *api)
{
	return &api->store;
}

const struct unit_map *api_units(struct api *api)
{
	return api->board.units;
}

struct buf *api_scratch(struct api *api)
{
	buf_reset(&api->scratch);
	return &api->scratch;
}

const char *request_param(const struct request *r, const char *name)
{
	return http_match_param(&r->match, name);
}

/* ---- what may be seen ---- */

/* What may be written may be read; and a scope that has ended still reads what it covered while it stood. */
static bool scope_reads(const struct request *r, const struct unit *unit)
{
	const struct principal *who = &r->principal;
	struct date on = r->today;

	if (!unit_valid_on(unit, on))
		on = date_is_none(unit->valid_to) ? unit->valid_from : unit->valid_to;
	return scope_allows(api_units(r->api), who->units, who->nunits, unit->id, on, r->today) ||
	       scope_allows(api_units(r->api), who->units, who->nunits, unit->id, on, on);
}

static const char **scope_units(struct request *r, size_t *count)
{
	const struct unit_map *map = api_units(r->api);
	const char **ids;

	*count = 0;
	if (!map)
		return NULL;
	ids = arena_alloc(r->arena, (unit_count(map) + 1) * sizeof(*ids));
	for (size_t i = 0; i < unit_count(map); i++)
		if (scope_reads(r, unit_at(map, i)))
			ids[(*count)++] = arena_strdup(r->arena, unit_at(map, i)->id);
	return ids;
}

void request_readable_units(struct request *r, const char *const **ids, size_t *count)
{
	static const char *const none[] = { NULL };
	enum access_verdict verdict = access_decide(r->principal.role, r->route->area, r->route->mode);

	*ids = NULL;
	*count = 0;
	if (verdict == ACCESS_YES || (verdict == ACCESS_IN_SCOPE && r->principal.nunits == 0))
		return;
	if (verdict == ACCESS_IN_SCOPE)
		*ids = scope_units(r, count);
	if (!*ids)
		*ids = none;             /* nothing at all */
}

const struct draft_sight *request_sight(struct request *r)
{
	if (r->sight)
		return r->sight;
	r->sight = http_alloc(r->x, sizeof(*r->sight));
	switch (access_decide(r->principal.role, AREA_PLANS, ACCESS_READ)) {
	case ACCESS_YES:
		r->sight->all = true;
		break;
	case ACCESS_IN_SCOPE:
		r->sight->all = r->principal.nunits == 0;
		if (!r->sight->all)
			r->sight->units = scope_units(r, &r->sight->nunits);
		break;
	case ACCESS_OWN:
		r->sight->team = r->principal.team;
		break;
	case ACCESS_NO:
		break;
	}
	return r->sight;
}

static bool sight_has_unit(const struct draft_sight *sight, const char *id)
{
	for (size_t i = 0; i < sight->nunits; i++)
		if (streq(sight->units[i], id))
			return true;
	return false;
}

bool request_sees_round(struct request *r, const struct round *round)
{
	const struct draft_sight *sight = request_sight(r);

	if (round_is_public(round) || sight->all || (round->team.id && streq(round->team.id, sight->team)))
		return true;
	for (size_t i = 0; i < round->nunits; i++)
		if (sight_has_unit(sight, round->units[i].id))
			return true;
	return false;
}

/* ---- what may be written ---- */

static void reply_out_of_scope(struct request *r)
{
	struct error err;

	error_clear(&err);
	error_set(&err, ERR_OUT_OF_SCOPE,
		  "Your token does not cover the units or the team of this record. Ask an admin for a wider scope.",
		  "Mã truy cập không bao gồm đơn vị hành chính hoặc đội của bản ghi này. Hãy đề nghị quản trị viên mở rộng phạm vi.");
	request_reply_error(r, &err);
}

static bool scope_covers(const struct request *r, const struct named *units, size_t nunits, struct date on)
{
	const struct principal *who = &r->principal;

	if (who->nunits == 0)
		return true;
	if (!api_units(r->api) || nunits == 0)
		return false;
	for (size_t i = 0; i < nunits; i++)
		if (!scope_allows(api_units(r->api), who->units, who->nunits, units[i].id, on, r->today))
			return false;
	return true;
}

bool request_may_write(struct request *r, const struct named *units, size_t nunits, struct date on,
		       const char *team)
{
	bool allowed = false;

	switch (access_decide(r->principal.role, r->route->area, ACCESS_WRITE)) {
	case ACCESS_YES:
		allowed = true;
		break;
	case ACCESS_IN_SCOPE:
		allowed = scope_covers(r, units, nunits, on);
		break;
	case ACCESS_OWN:
		allowed = team && streq(team, r->principal.team);
		break;
	case ACCESS_NO:
		break;
	}
	if (!allowed)
		reply_out_of_scope(r);
	return allowed;
}

bool request_may_read_of(struct request *r, const struct round *round)
{
	const char *const *ids;
	size_t count;
	bool allowed;

	if (access_decide(r->principal.role, r->route->area, ACCESS_READ) == ACCESS_OWN) {
		allowed = round->team.id && streq(round->team.id, r->principal.team);
	} else {
		request_readable_units(r, &ids, &count);
		allowed = !ids;
		for (size_t i = 0; i < count && !allowed; i++)
			for (size_t k = 0; k < round->nunits && !allowed; k++)
				allowed = streq(ids[i], round->units[k].id);
	}
	if (!allowed)
		reply_out_of_scope(r);
	return allowed;
}

/* ---- headers ---- */

bool request_has_type(const struct request *r, const char *type)
{
	const char *header = http_header(r->x, "content-type");
	size_t len = strlen(type);

	return header && strncasecmp(header, type, len) == 0 && strchr("; \t", header[len]);
}

/* `"7"` or `"7.0123abcd"`: what stands before the dot is the version. */
static bool parse_etag_version(const char *text, int64_t *version)
{
	char *end;

	if (text_starts_with(text, "W/"))
		return false;
	if (*text++ != '"' || *text < '1' || *text > '9')
		return false;
	long long value = strtoll(text, &end, 10);

	*version = value;
	if (*end != '"' && *end != '.')
		return false;
	end = strchr(end, '"');          /* of a list of tags there would be more */
	return end && end[1] == '\0';
}

bool request_if_match(struct request *r, int64_t *version)
{
	const char *header = http_header(r->x, "if-match");
	struct error err;

	error_clear(&err);
	if (!header)
		error_set(&err, ERR_PRECONDITION_REQUIRED,
			  "Read the record first and send its ETag in If-Match, so that nobody's change is overwritten.",
			  "Hãy đọc bản ghi trước rồi gửi ETag của nó trong If-Match, để không ghi đè thay đổi của người khác.");
	else if (!parse_etag_version(header, version))
		error_set(&err, ERR_BAD_REQUEST, "If-Match must be one ETag exactly as it was given.",
			  "If-Match phải là đúng một ETag như đã nhận.");
	else
		return true;
	request_reply_error(r, &err);
	return false;
}

void request_reply_stale(struct request *r, int64_t version)
{
	struct error err;

	error_clear(&err);
	error_set(&err, ERR_STALE,
		  "Somebody changed the record meanwhile: it is at version %lld now. Read it again, then repeat the change.",
		  "Bản ghi đã được người khác thay đổi: hiện là phiên bản %lld. Hãy đọc lại rồi thực hiện lại.",
		  (long long)version);
	request_reply_error(r, &err);
}

bool request_idempotency(struct request *r, struct idempotency *idempotency)
{
	const char *key = http_header(r->x, "idempotency-key");
	struct error err;

	*idempotency = (struct idempotency){ .status = 201 };
	if (!key)
		return true;
	error_clear(&err);
	if (!*key || strlen(key) > 200) {
		error_set(&err, ERR_BAD_REQUEST, "Idempotency-Key must have 1 to 200 characters.",
			  "Idempotency-Key phải có từ 1 đến 200 ký tự.");
		request_reply_error(r, &err);
		return false;
	}
	idempotency->key = key;
	idempotency->principal = r->principal.id ? r->principal.id : "public";
	/* The path, not the pattern: the same key for two rounds means two things. */
	idempotency->route = arena_printf(r->arena, "%s %s", http_method_name(http_method(r->x)),
					  http_path(r->x));
	idempotency->body = http_body(r->x, &idempotency->body_len);
	return true;
}

struct refusal {
	struct request     *r;
	const struct error *err;
	void              (*made)(void *op, const char *id);
	void               *op;
	struct replay_probe probe;
};

static void refusal_on_probed(struct replay_probe *probe)
{
	struct refusal *refusal = container_of(probe, struct refusal, probe);

	if (probe->error.code != ERR_NONE)
		request_reply_error(refusal->r, &probe->error);
	else if (probe->idempotency.replayed)
		refusal->made(refusal->op, probe->idempotency.resource_id);
	else
		request_reply_error(refusal->r, refusal->err);
}

/* The database's moods are no refusal: they pass. */
static bool is_refusal(const struct error *err)
{
	return http_error_status(err->code) < 500 && err->code != ERR_IDEMPOTENCY_RUNNING &&
	       err->code != ERR_IDEMPOTENCY_MISMATCH;
}

void request_refuse_create(struct request *r, const struct error *err, const char *kind,
			   void (*made)(void *op, const char *id), void *op)
{
	struct refusal *refusal = http_alloc(r->x, sizeof(*refusal));
	struct error *copy = http_alloc(r->x, sizeof(*copy));

	if (!request_idempotency(r, &refusal->probe.idempotency))
		return;
	if (!refusal->probe.idempotency.key || !is_refusal(err)) {
		request_reply_error(r, err);
		return;
	}
	*copy = *err;
	refusal->r = r;
	refusal->err = copy;
	refusal->made = made;
	refusal->op = op;
	refusal->probe.kind = kind;
	refusal->probe.actor = r->actor;
	refusal->probe.arena = r->arena;
	refusal->probe.done = refusal_on_probed;
	replay_probe_send(api_store(r->api), &refusal->probe);
}

/* ---- answers ---- */

void request_reply_unread(struct request *r, const struct error *err)
{
	struct error unknown;

	if (err->code != ERR_UNAVAILABLE) {
		request_reply_error(r, err);
		return;
	}
	error_clear(&unknown);
	error_set(&unknown, ERR_UNKNOWN_OUTCOME,
		  "It was done, but what was made cannot be read at the moment. Send the same request again with"
		  " the same Idempotency-Key, or look the record up.",
		  "Đã thực hiện, nhưng lúc này chưa đọc lại được kết quả. Hãy gửi lại đúng yêu cầu này với cùng"
		  " Idempotency-Key, hoặc tra lại bản ghi.");
	request_reply_error(r, &unknown);
}

/* By the script of a page; a person who typed the address gets the box. */
static bool asked_by_page(const struct request *r)
{
	const char *mode = http_header(r->x, "sec-fetch-mode");

	return session_cookie(r) || (mode && !streq(mode, "navigate"));
}

void request_reply_error_after(struct request *r, const struct error *err, int seconds)
{
	if (err->code == ERR_UNAUTHENTICATED) {
		http_add_header(r->x, "WWW-Authenticate", "Bearer realm=\"giothong\"");
		/* Programs alone: a browser's own box for name and password would cover the app. */
		if (!asked_by_page(r))
			http_add_header(r->x, "WWW-Authenticate", "Basic realm=\"giothong\", charset=\"UTF-8\"");
	}
	http_reply_error_after(r->x, err, seconds);
}

void request_reply_error(struct request *r, const struct error *err)
{
	request_reply_error_after(r, err, 0);
}

void request_reply_no_round(struct request *r)
{
	struct error err;

	error_clear(&err);
	error_set(&err, ERR_NOT_FOUND, "There is no such round. GET /api/v1/rounds lists them.",
		  "Không có đợt này. Xem danh sách ở /api/v1/rounds.");
	request_reply_error(r, &err);
}

void request_reply_round_error(struct request *r, const struct error *err)
{
	if (err->code == ERR_NOT_FOUND)
		request_reply_no_round(r);
	else
		request_reply_error(r, err);
}

/* Keyed, so that a tag says nothing to those who do not have the bytes. */
static void digest_etag(const struct request *r, const char *prefix, const char *bytes, size_t len, char out[64])
{
	const struct keyring *keyring = r->api->worker->keyring;
	char digest[DIGEST_HEX_SIZE];

	keyring_digest(keyring, keyring_active(keyring, KEY_HASH), "etag", bytes, len, digest);
	snprintf(out, 64, "\"%s%.16s\"", prefix, digest + 2);
}

void request_digest_etag(const struct request *r, const char *bytes, size_t len, char out[64])
{
	digest_etag(r, "", bytes, len, out);
}

/* Public answers may be kept by the client, but must be asked about again each time. */
static const char *cache_control(const struct request *r)
{
	if (r->route->flags & ROUTE_PERSONAL)
		return "no-store";
	return r->anonymous && r->route->flags & ROUTE_CACHED ? "no-cache" : "private, no-cache";
}

/* Into memory only if the topics stand where they stood before the reading began. */
static bool keep_in_memory(const struct request *r)
{
	return r->stored_fresh && r->generation == r->api->board.generation &&
	       board_fresh(&r->api->board);
}

static void reply_ok(struct request *r, int status, const char *content_type, const struct buf *buf,
		     const char *etag)
{
	if (status == 200 && keep_in_memory(r)) {
		struct http_ready *ready = http_ready_new(content_type, etag, cache_control(r), buf->data, buf->len);

		cache_put(&r->api->cache, http_target(r->x), r->today, http_ready_ref(ready));
		http_reply_ready(r->x, ready);
		http_ready_unref(ready);
		return;
	}
	http_reply(r->x, &(struct http_reply){
		.status = status,
		.content_type = content_type,
		.body = buf->data,
		.body_len = buf->len,
		.etag = etag,
		.cache_control = http_method(r->x) == HTTP_GET_ || http_method(r->x) == HTTP_HEAD_
					 ? cache_control(r) : NULL,
	});
}

void request_reply_json(struct request *r, int status, const struct buf *buf, const char *etag)
{
	char text[64];

	if (!etag && r->route->mode == ACCESS_READ && status == 200) {
		digest_etag(r, "", buf->data, buf->len, text);
		etag = text;
	}
	reply_ok(r, status, "application/json", buf, etag);
}

void request_reply_secret(struct request *r, int status, struct buf *buf)
{
	http_reply(r->x, &(struct http_reply){
		.status = status, .content_type = "application/json", .body = buf->data, .body_len = buf->len,
	});
	buf_reset(buf);
}

void request_reply_text(struct request *r, const char *content_type, const struct buf *buf)
{
	char etag[64];

	digest_etag(r, "", buf->data, buf->len, etag);
	reply_ok(r, 200, content_type, buf, etag);
}

void request_list_begin(struct request *r, struct json_out *out)
{
	*out = (struct json_out){ .buf = api_scratch(r->api) };
	jout_object(out, NULL);
	jout_array(out, "items");
}

void request_list_reply(struct request *r, struct json_out *out, const char *next)
{
	jout_end(out);
	jout_text(out, "next_cursor", next);
	jout_end(out);
	request_reply_json(r, 200, out->buf, NULL);
}

void request_reply_versioned(struct request *r, int status, const struct buf *buf, int64_t version)
{
	char prefix[24], text[64];

	snprintf(prefix, sizeof(prefix), "%lld.", (long long)version);
	digest_etag(r, prefix, buf->data, buf->len, text);
	reply_ok(r, status, "application/json", buf, text);
}

void request_reply_created(struct request *r, const struct buf *buf, const char *collection,
			   const char *id, int64_t version)
{
	http_add_header(r->x, "Location", arena_printf(r->arena, "/api/v1/%s/%s", collection, id));
	request_reply_versioned(r, 201, buf, version);
}
