#include <string.h>

#include "api/places.h"
#include "api/private.h"
#include "api/request.h"
#include "base/error.h"
#include "base/json_out.h"
#include "base/text.h"
#include "domain/consent.h"
#include "store/donor_store.h"
#include "store/family_store.h"
#include "wire/family_wire.h"

/* Families that are counted together, and who of them agreed to it. */

struct family_op {
	struct request      *r;
	int64_t              version;
	struct family_wish   wish;
	struct donor_load    person;
	struct family_load   load;
	struct family_join   join;
	struct family_change change;
};

static void reply_family(struct family_op *op, int status, const struct family *family)
{
	struct json_out out = { .buf = api_scratch(op->r->api) };

	jout_object(&out, NULL);
	jout_text(&out, "id", family->id);
	jout_text(&out, "head", family->head_id);
	jout_text(&out, "head_number", family->head_number);
	jout_array(&out, "members");
	for (size_t i = 0; i < family->nmembers; i++) {
		const struct family_member *member = &family->members[i];
		bool agreed = !date_is_none(member->consent_on);

		jout_object(&out, NULL);
		jout_text(&out, "id", member->id);
		jout_text(&out, "donor", member->donor_id);
		jout_text(&out, "donor_number", member->donor_number);
		jout_date(&out, "joined_on", member->joined_on);
		jout_date(&out, "left_on", member->left_on);
		jout_date(&out, "consent_on", member->consent_on);
		jout_text(&out, "consent_channel", agreed ? consent_channel_text(member->consent_channel) : NULL);
		jout_end(&out);
	}
	jout_end(&out);
	jout_time(&out, "created_at", family->created_us);
	jout_int(&out, "version", family->version);
	jout_end(&out);
	if (status == 201)
		request_reply_created(op->r, out.buf, "families", family->id, family->version);
	else
		request_reply_versioned(op->r, status, out.buf, family->version);
}

static void load_family(struct family_op *op, const char *id, void (*done)(struct family_load *load))
{
	op->load = (struct family_load){ .id = id, .arena = op->r->arena, .done = done };
	request_readable_units(op->r, &op->load.units, &op->load.nunits);
	family_load_send(api_store(op->r->api), &op->load);
}

static bool may_write(struct request *r, const char *unit_id, struct date unit_on)
{
	struct named unit = { unit_id, NULL };

	return request_may_write(r, &unit, unit_id ? 1 : 0, unit_on, NULL);
}

/* ---- GET /families/{id} ---- */

static void get_on_loaded(struct family_load *load)
{
	struct family_op *op = container_of(load, struct family_op, load);

	if (load->error.code != ERR_NONE)
		request_reply_error(op->r, &load->error);
	else
		reply_family(op, 200, &load->family);
}

static void get_with_units(struct request *r)
{
	struct family_op *op = http_alloc(r->x, sizeof(*op));

	op->r = r;
	load_family(op, request_param(r, "id"), get_on_loaded);
}

static void get_start(struct request *r)
{
	request_with_units(r, get_with_units);
}

/* ---- POST /families, POST /families/{id}/members ---- */

static void joined_on_loaded(struct family_load *load)
{
	struct family_op *op = container_of(load, struct family_op, load);

	if (load->error.code != ERR_NONE)
		request_reply_unread(op->r, &load->error);
	else
		reply_family(op, 201, &load->family);
}

static void tell_joined(void *context, const char *id)
{
	struct family_op *op = context;

	load_family(op, arena_strdup(op->r->arena, id), joined_on_loaded);
}

static void refuse_join(struct family_op *op, const struct error *err)
{
	request_refuse_create(op->r, err, "family", tell_joined, op);
}

static void on_joined(struct family_join *join)
{
	struct family_op *op = container_of(join, struct family_op, join);

	if (join->error.code != ERR_NONE)
		refuse_join(op, &join->error);
	else
		tell_joined(op, join->idempotency.replayed ? join->idempotency.resource_id : join->family_id);
}

static void join_on_person(struct donor_load *load)
{
	struct family_op *op = container_of(load, struct family_op, person);
	struct family_member *member = &op->join.member;

	if (load->error.code == ERR_NOT_FOUND) {
		error_clear(&load->error);
		error_add_field(&load->error, "/donor", "not_found", "There is no such donor. Look the donor up first.",
				"Không có người hiến máu này. Hãy tra cứu trước.");
	}
	if (load->error.code != ERR_NONE) {
		refuse_join(op, &load->error);
		return;
	}
	if (!may_write(op->r, load->record.donor.unit_id, load->record.donor.unit_on) ||
	    !request_idempotency(op->r, &op->join.idempotency))
		return;
	*member = (struct family_member){ .joined_on = op->wish.joined_on, .consent_on = op->wish.consent_on,
					  .consent_channel = op->wish.consent_channel };
	memcpy(member->donor_id, load->record.donor.id, sizeof(member->donor_id));
	op->join.actor = op->r->actor;
	op->join.arena = op->r->arena;
	op->join.done = on_joined;
	family_join_send(api_store(op->r->api), &op->join);
}

static void find_person(struct family_op *op)
{
	op->person.key = op->wish.donor;
	request_readable_units(op->r, &op->person.units, &op->person.nunits);
	op->person.arena = op->r->arena;
	op->person.done = join_on_person;
	donor_load_send(api_store(op->r->api), &op->person);
}

static void join_on_loaded(struct family_load *load)
{
	struct family_op *op = container_of(load, struct family_op, load);
	struct family *family = http_alloc(op->r->x, sizeof(*family));

	if (load->error.code != ERR_NONE) {
		request_reply_error(op->r, &load->error);
		return;
	}
	if (!may_write(op->r, load->family.unit_id, load->family.unit_on))
		return;
	*family = load->family;
	op->join.family = family;
	find_person(op);
}

static void join_with_units(struct request *r)
{
	struct family_op *op = http_alloc(r->x, sizeof(*op));
	struct error err;
	size_t len;
	const char *body = http_body(r->x, &len);

	op->r = r;
	error_clear(&err);
	if (!family_wish_read(body, len, r->today, r->arena, &op->wish, &err))
		refuse_join(op, &err);
	else if (request_param(r, "id"))
		load_family(op, request_param(r, "id"), join_on_loaded);
	else
		find_person(op);
}

static void join_start(struct request *r)
{
	request_with_units(r, join_with_units);
}

/* ---- PATCH /families/{id}/members/{member} ---- */

static void changed_on_loaded(struct family_load *load)
{
	struct family_op *op = container_of(load, struct family_op, load);

	if (load->error.code != ERR_NONE)
		request_reply_unread(op->r, &load->error);
	else
		reply_family(op, 200, &load->family);
}

static void on_changed(struct family_change *change)
{
	struct family_op *op = container_of(change, struct family_op, change);

	if (change->error.code == ERR_STALE)
		request_reply_stale(op->r, op->version);
	else if (change->error.code != ERR_NONE)
		request_reply_error(op->r, &change->error);
	else
		load_family(op, request_param(op->r, "id"), changed_on_loaded);
}

static const struct family_member *find_member(const struct family *family, const char *id)
{
	for (size_t i = 0; i < family->nmembers; i++)
		if (streq(family->members[i].id, id))
			return &family->members[i];
	return NULL;
}

static bool change_is_possible(struct family_op *op, const struct family_member *member)
{
	struct request *r = op->r;
	struct error err;
	size_t len;
	const char *body = http_body(r->x, &len);

	error_clear(&err);
	if (!member)
		error_set(&err, ERR_NOT_FOUND, "The family has no such member.", "Gia đình không có thành viên này.");
	else if (family_change_read(body, len, r->arena, &op->wish, &err))
		return family_wish_fits(&op->wish, member->joined_on, r->today, &err) || (request_reply_error(r, &err), false);
	request_reply_error(r, &err);
	return false;
}

static void change_on_loaded(struct family_load *load)
{
	struct family_op *op = container_of(load, struct family_op, load);
	const struct family_member *member;
	struct family *family;

	if (load->error.code != ERR_NONE) {
		request_reply_error(op->r, &load->error);
		return;
	}
	if (!may_write(op->r, load->family.unit_id, load->family.unit_on))
		return;
	if (load->family.version != op->version) {
		request_reply_stale(op->r, load->family.version);
		return;
	}
	member = find_member(&load->family, request_param(op->r, "member"));
	if (!change_is_possible(op, member))
		return;
	family = http_alloc(op->r->x, sizeof(*family));
	*family = load->family;
	op->change = (struct family_change){ .family = family, .before = member, .member = *member, .actor = op->r->actor, .arena = op->r->arena,
					     .done = on_changed };
	if (op->wish.tells_left)
		op->change.member.left_on = op->wish.left_on;
	if (op->wish.tells_consent) {
		op->change.member.consent_on = op->wish.consent_on;
		op->change.member.consent_channel = op->wish.consent_channel;
	}
	family_change_send(api_store(op->r->api), &op->change);
}

static void change_with_units(struct request *r)
{
	struct family_op *op = http_alloc(r->x, sizeof(*op));

	op->r = r;
	if (request_if_match(r, &op->version))
		load_family(op, request_param(r, "id"), change_on_loaded);
}

static void change_start(struct request *r)
{
	request_with_units(r, change_with_units);
}

const struct route family_routes[] = {
	{ HTTP_POST_, "/api/v1/families", AREA_HONOURS, ACCESS_WRITE, join_start, ROUTE_PERSONAL, 0 },
	{ HTTP_GET_, "/api/v1/families/{id}", AREA_HONOURS, ACCESS_READ, get_start, ROUTE_PERSONAL, 0 },
	{ HTTP_POST_, "/api/v1/families/{id}/members", AREA_HONOURS, ACCESS_WRITE, join_start, ROUTE_PERSONAL, 0 },
	{ HTTP_PATCH_, "/api/v1/families/{id}/members/{member}", AREA_HONOURS, ACCESS_WRITE, change_start, ROUTE_PERSONAL, 0 },
	{ 0 }
};
