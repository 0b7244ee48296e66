#include "wire/user_wire.h"

#include "base/error.h"
#include "base/json_out.h"
#include "base/memory.h"
#include "base/text.h"
#include "domain/password.h"
#include "domain/unit.h"
#include "wire/fields.h"
#include "wire/unit_names.h"
#include "wire/wire.h"

enum { CODE_MAX = 40, DEVICE_MAX = 200, UNITS_MAX = 64, HEIRS_MAX = 64 };

void user_write(struct json_out *out, const char *key, const struct user *user)
{
	jout_object(out, key);
	jout_text(out, "id", user->id);
	jout_text(out, "login", user->login);
	jout_text(out, "name", user->name);
	jout_text(out, "role", role_text(user->role));
	jout_array(out, "units");
	for (size_t i = 0; i < user->nunit_ids; i++)
		jout_text(out, NULL, user->unit_ids[i]);
	jout_end(out);
	jout_text(out, "team", user->team_id);
	jout_text(out, "state", user->active ? "active" : "disabled");
	jout_bool(out, "second_factor", user->totp_sealed != NULL);
	jout_int(out, "recovery_codes_left", (int64_t)user->nrecovery);
	jout_bool(out, "must_change_password", user_is_restricted(user));
	jout_int(out, "failures", user->failures);
	jout_bool(out, "locked", user->locked);
	jout_time(out, "created_at", user->created_us);
	jout_time(out, "password_changed_at", user->password_changed_us);
	jout_time(out, "last_login_at", user->last_login_us);
	jout_int(out, "version", user->version);
	jout_end(out);
}

/* ---- users ---- */

struct reading {
	struct wire_reader     reader;
	bool                   patch;
	const struct unit_map *units;
	struct date            today;
};

static bool read_needed(struct reading *in, const char *name, size_t max_length, const char **out)
{
	if (in->patch && !wire_has(&in->reader, name))
		return false;
	return wire_text(&in->reader, name, WIRE_REQUIRED, max_length, out);
}

static void read_role(struct reading *in, enum role *role)
{
	const char *text;

	if (in->patch && !wire_has(&in->reader, "role"))
		return;
	if (wire_word(&in->reader, "role", WIRE_REQUIRED, &text) && !role_parse(text, role))
		wire_fault_choice(in->reader.err, wire_pointer(&in->reader, "role"),
				  "team, hospital, comms, staff, auditor, admin");
}

/* A scope on a unit that ended only reads: nobody is given one by a name. Who sends its id means it. */
static void fault_ended(struct reading *in, const struct unit *unit, const char *pointer)
{
	const struct unit *heirs[HEIRS_MAX];
	size_t count = unit_as_of(in->units, unit, in->today, heirs, HEIRS_MAX);
	struct named list[HEIRS_MAX];
	char choice[80];

	count = count < HEIRS_MAX ? count : HEIRS_MAX;
	for (size_t i = 0; i < count; i++)
		list[i] = (struct named){ heirs[i]->id, heirs[i]->full_name };
	unit_names_text(list, count, choice, sizeof(choice));
	error_add_field(in->reader.err, pointer, "ended_unit", "This unit has ended; send those of today: %s.",
			"Đơn vị này đã kết thúc; hãy gửi các đơn vị hiện nay: %s.", choice);
}

static void read_units(struct reading *in, struct user *user)
{
	struct unit_names names = { .units = in->units, .from = in->today, .to = in->today, .arena = in->reader.arena,
				    .err = in->reader.err };
	const char **typed;
	size_t count;

	if (!wire_texts(&in->reader, "units", WIRE_OPTIONAL, UNITS_MAX, WIRE_NAME_MAX, &typed, &count))
		return;
	user->unit_ids = arena_alloc(in->reader.arena, (count + 1) * sizeof(*user->unit_ids));
	user->nunit_ids = 0;
	for (size_t i = 0; i < count; i++) {
		const char *pointer = arena_printf(in->reader.arena, "/units/%zu", i);
		const struct unit *unit = unit_name_find(&names, typed[i], pointer);

		if (unit && !streq(typed[i], unit->id) && unit_has_ended(unit, in->today))
			fault_ended(in, unit, pointer);
		else if (unit)
			user->unit_ids[user->nunit_ids++] = arena_strdup(in->reader.arena, unit->id);
	}
}

static void read_state(struct reading *in, struct user *user)
{
	const char *text;

	if (!wire_word(&in->reader, "state", WIRE_OPTIONAL, &text))
		return;
	if (!streq(text, "active") && !streq(text, "disabled"))
		wire_fault_choice(in->reader.err, wire_pointer(&in->reader, "state"), "active, disabled");
	else
		user->active = streq(text, "active");
}

static void read_user(struct reading *in, struct user_body *body)
{
	struct wire_reader *reader = &in->reader;
	struct user *user = body->user;

	if (!in->patch)
		wire_text(reader, "login", WIRE_REQUIRED, WIRE_KEY_MAX, &user->login);
	read_needed(in, "name", WIRE_NAME_MAX, &user->name);
	read_role(in, &user->role);
	read_units(in, user);
	wire_text_or_clear(reader, "team", WIRE_KEY_MAX, &user->team_id);
	wire_typed(reader, "password", in->patch ? WIRE_OPTIONAL : WIRE_REQUIRED, PASSWORD_MAX_BYTES, &body->password);
	if (!in->patch)
		return;
	read_state(in, user);
	wire_bool(reader, "reset_second_factor", WIRE_OPTIONAL, &body->reset_second_factor);
	wire_bool(reader, "unlock", WIRE_OPTIONAL, &body->unlock);
}

bool user_body_read(const char *text, size_t len, bool patch, const struct unit_map *units, struct date today,
		    struct arena *arena, struct user_body *body, struct error *err)
{
	struct reading in = { .patch = patch, .units = units, .today = today };
	json_t *object = wire_parse_object(text, len, err);
	bool fine;

	if (!object)
		return false;
	wire_reader_init(&in.reader, object, "", arena, err);
	if (!patch)
		body->user->active = true;
	read_user(&in, body);
	fine = wire_reader_finish(&in.reader) && user_check(body->user, err);
	json_decref(object);
	return fine;
}

/* ---- secrets ---- */

bool login_body_read(const char *text, size_t len, struct arena *arena, struct login_body *body,
		     struct error *err)
{
	json_t *object = wire_parse_object(text, len, err);
	struct wire_reader reader;
	bool fine;

	if (!object)
		return false;
	*body = (struct login_body){ 0 };
	wire_reader_init(&reader, object, "", arena, err);
	wire_typed(&reader, "login", WIRE_REQUIRED, WIRE_NAME_MAX, &body->login);
	wire_typed(&reader, "password", WIRE_REQUIRED, PASSWORD_MAX_BYTES, &body->password);
	wire_typed(&reader, "code", WIRE_OPTIONAL, CODE_MAX, &body->code);
	wire_typed(&reader, "device", WIRE_OPTIONAL, DEVICE_MAX, &body->device);
	wire_bool(&reader, "bearer", WIRE_OPTIONAL, &body->bearer);
	fine = wire_reader_finish(&reader);
	json_decref(object);
	return fine;
}

bool secret_body_read(const char *text, size_t len, enum secret_body_kind kind, struct arena *arena,
		      struct secret_body *body, struct error *err)
{
	json_t *object = wire_parse_object(text, len, err);
	struct wire_reader reader;
	bool fine;

	if (!object)
		return false;
	*body = (struct secret_body){ 0 };
	wire_reader_init(&reader, object, "", arena, err);
	if (kind != SECRET_CODE)
		wire_typed(&reader, "current_password", WIRE_REQUIRED, PASSWORD_MAX_BYTES, &body->current_password);
	if (kind == SECRET_PASSWORD)
		wire_typed(&reader, "new_password", WIRE_REQUIRED, PASSWORD_MAX_BYTES, &body->new_password);
	else
		wire_typed(&reader, "code", kind == SECRET_CODE ? WIRE_REQUIRED : WIRE_OPTIONAL, CODE_MAX, &body->code);
	fine = wire_reader_finish(&reader);
	json_decref(object);
	return fine;
}
