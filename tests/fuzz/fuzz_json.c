#include <jansson.h>

#include "base/buf.h"
#include "base/json_out.h"
#include "base/memory.h"
#include "domain/lai_chau_units.h"
#include "domain/login.h"
#include "domain/password.h"
#include "domain/phone.h"
#include "domain/plan.h"
#include "fuzz/fuzz.h"
#include "fuzz/same.h"
#include "wire/catalog_wire.h"
#include "wire/deferral_wire.h"
#include "wire/donor_wire.h"
#include "wire/device_wire.h"
#include "wire/eligibility_wire.h"
#include "wire/item_wire.h"
#include "wire/plan_wire.h"
#include "wire/rights_wire.h"
#include "wire/round_wire.h"
#include "wire/sms_wire.h"
#include "wire/user_wire.h"
#include "wire/wire.h"

/*
 * The JSON bodies of every route that takes one. The first letter chooses the
 * reader (see the switch below); of a step, two more bytes choose the round as
 * it is. Then the rules are asked, as the route does.
 *
 * Oracle: what is refused is refused in both languages, at UTF-8 pointers. What
 * is taken is written as the API writes it, that is JSON, and read again it is
 * the same. A step that round_change() allows leaves a round that round_check()
 * finds nothing wrong with.
 */
static struct unit_map *units;
static const struct date today = { 2025, 7, 15 };

static json_t *parse(const struct buf *text)
{
	json_error_t fault;
	json_t *object = json_loadb(text->data, text->len, JSON_REJECT_DUPLICATES, &fault);

	FUZZ_CHECK(object, "%s: %s", fault.text, text->data);
	return object;
}

/* What was written, less what only the server says, as a body. */
static void dump(const json_t *object, struct buf *out)
{
	char *text = json_dumps(object, JSON_COMPACT);

	FUZZ_CHECK(text, "cannot be written");
	buf_append_text(out, text);
	free(text);
}

static void check_same(const struct buf *a, const struct buf *b)
{
	FUZZ_CHECK(a->len == b->len && memcmp(a->data, b->data, a->len) == 0, "%s\n%s", a->data, b->data);
}

static void drop(json_t *object, const char *const *names)
{
	for (; *names; names++)
		json_object_del(object, *names);
}

/* {id, name} becomes id. */
static void only_id(json_t *object, const char *name)
{
	json_t *id = json_object_get(json_object_get(object, name), "id");

	if (id)
		json_object_set(object, name, id);
}

static void only_ids(json_t *object, const char *name)
{
	json_t *list = json_object_get(object, name), *item, *ids = json_array();
	size_t i;

	json_array_foreach(list, i, item)
		json_array_append(ids, json_object_get(item, "id"));
	json_object_set_new(object, name, ids);
}

/* ---- plans ---- */

static void fuzz_plan(const char *body, size_t len, struct arena *arena)
{
	struct buf written = { 0 }, again = { 0 };
	struct plan plan, second;
	struct error err;

	error_clear(&err);
	if (!plan_read(body, len, arena, &plan, &err) || !plan_check(&plan, &err)) {
		fuzz_check_refusal(&err);
		return;
	}
	plan_file_write(&written, &plan);
	FUZZ_CHECK(plan_file_read_json(written.data, written.len, units, arena, &second, &err), "%s",
		   err.nfields ? err.fields[0].pointer : err.detail[0]);
	check_same_plan(&plan, &second);
	plan_file_write(&again, &second);
	check_same(&written, &again);
	buf_reset(&written);
	plan_write(&(struct json_out){ .buf = &written }, NULL, &plan, true);
	json_decref(parse(&written));
	buf_release(&written);
	buf_release(&again);
}

/* ---- rounds ---- */

static void write_round(struct buf *buf, const struct round *round)
{
	buf_reset(buf);
	round_write(&(struct json_out){ .buf = buf }, NULL, round);
}

/* As the API shows it, to the body that makes it. */
static void round_body(const struct buf *shown, struct buf *body)
{
	static const char *const not_taken[] = {
		"id", "code", "plan", "starts_at", "ends_at", "date_status", "time_status", "place_status", "status",
		"status_reason", "document", "places", "result", "moved_from", "demo", "version", NULL
	};
	json_t *object = parse(shown);

	only_ids(object, "units");
	only_ids(object, "campaigns");
	only_id(object, "venue");
	only_id(object, "team");
	drop(object, not_taken);
	if (json_is_null(json_object_get(object, "date"))) {
		json_object_del(object, "date");
	} else {
		json_object_del(object, "period");
		json_object_del(object, "date_precision");
	}
	dump(object, body);
	json_decref(object);
}

static void fuzz_round(const char *body, size_t len, struct arena *arena)
{
	struct buf shown = { 0 }, again = { 0 }, text = { 0 };
	struct round round, second;
	struct error err;
	char hour[6];

	error_clear(&err);
	if (!round_read(body, len, units, arena, &round, &err) || !round_check(&round, &err)) {
		fuzz_check_refusal(&err);
		return;
	}
	write_round(&shown, &round);
	round_body(&shown, &text);
	if (round.start_minute >= 0 || round.end_minute >= 0 || round.capacity >= 0) {
		json_t *object = parse(&text);

		if (round.start_minute >= 0)
			json_object_set_new(object, "start", json_string(minute_format(round.start_minute, hour)));
		if (round.end_minute >= 0)
			json_object_set_new(object, "end", json_string(minute_format(round.end_minute, hour)));
		if (round.capacity >= 0)
			json_object_set_new(object, "capacity", json_integer(round.capacity));
		buf_reset(&text);
		dump(object, &text);
		json_decref(object);
	}
	FUZZ_CHECK(round_read(text.data, text.len, units, arena, &second, &err), "%s: %s",
		   err.nfields ? err.fields[0].pointer : err.detail[0], text.data);
	check_same_given(&round, &second);
	write_round(&again, &second);
	check_same(&shown, &again);
	buf_release(&shown);
	buf_release(&again);
	buf_release(&text);
}

/* A round as it may be found: announced for the 27th of April or still to be, its facts more or less sure. */
static void round_now(struct round *round, unsigned state, unsigned facts, struct named *host)
{
	const struct unit *unit;

	round_init(round);
	strcpy(round->id, "00000000-0000-7000-8000-000000000001");
	round->code = "LC25-07";
	round->ordinal = 7;
	round->title = "Đợt hiến máu số 7";
	round->status = (enum round_status)(state % ROUND_STATUS_COUNT);
	round->precision = PRECISION_DAY;
	round->from = round->to = state & 8 ? today : date_add_days(today, state & 16 ? -20 : 20);
	round->date_status = (enum fact_status)(1 + facts % 3);
	if (facts & 4) {
		round->start_minute = 450;
		round->end_minute = facts & 8 ? 1440 : -1;
		round->time_status = (enum fact_status)(1 + (facts >> 4) % 3);
	}
	if (unit_match(units, "Huyện Than Uyên", round->from, &unit, 1) > 0) {
		*host = (struct named){ unit->id, unit->full_name };
		round->units = host;
		round->nunits = 1;
		round->place_status = (enum fact_status)(1 + (facts >> 6) % 3);
	}
	if (round->date_status == FACT_OFFICIAL || round->time_status == FACT_OFFICIAL ||
	    round->place_status == FACT_OFFICIAL)
		round->document = "1/QĐ";
	if (state & 32)
		round->capacity = 100;
	if (state & 64)
		round->booked = 10;
	if (round->status == ROUND_CANCELLED || round->status == ROUND_POSTPONED || round->status == ROUND_MOVED)
		round->status_reason = "x";
	round->version = 3;
}

static void fuzz_step(enum round_verb verb, const char *body, size_t len, struct arena *arena)
{
	unsigned state = len > 0 ? (unsigned char)body[0] : 0, facts = len > 1 ? (unsigned char)body[1] : 0;
	struct round now, next;
	struct round_step step;
	struct buf shown = { 0 };
	struct named host;
	struct error err;
	bool sound;

	if (len < 2)
		return;
	error_clear(&err);
	round_now(&now, state, facts, &host);
	sound = round_check(&now, &err);
	error_clear(&err);
	if (!round_step_read(body + 2, len - 2, verb, &now, units, arena, &step, &err) ||
	    !round_change(&now, &step, today, &next, &err)) {
		fuzz_check_refusal(&err);
		return;
	}
	FUZZ_CHECK(next.version == now.version + 1, "version %d", (int)next.version);
	if (sound && !round_check(&next, &err))
		FUZZ_CHECK(false, "%s after %s of %s: %s", err.nfields ? err.fields[0].pointer : "",
			   round_verb_text(verb), round_status_text(now.status),
			   err.nfields ? err.fields[0].detail[0] : err.detail[0]);
	write_round(&shown, &next);
	json_decref(parse(&shown));
	buf_release(&shown);
}

/* ---- reports ---- */

/* Two reports of one round stand in one order, whichever is asked about first. */
static void check_order(const struct report *a, const struct report *b)
{
	int order = report_compare(a, b), turned = report_compare(b, a);

	FUZZ_CHECK((order > 0) == (turned < 0) && (order < 0) == (turned > 0), "%d and %d", order, turned);
}

static void fuzz_report(const char *body, size_t len, struct arena *arena)
{
	static const char *const not_taken[] = { "id", "created_at", NULL };
	struct buf shown = { 0 }, text = { 0 }, again = { 0 };
	struct report report, second;
	struct error err;
	json_t *object;

	error_clear(&err);
	if (!report_read(body, len, arena, &report, &err) || !report_check(&report, today, &err)) {
		fuzz_check_refusal(&err);
		return;
	}
	for (unsigned state = 0; state < 64; state += 5) {
		struct report other = { .source = (enum report_source)(state % REPORT_SOURCE_COUNT), .reported_on = today };
		struct round round;
		struct named host;

		round_now(&round, state, state, &host);
		if (!report_fits(&report, &round, today, &err))
			fuzz_check_refusal(&err);
		error_clear(&err);
		check_order(&report, &other);
	}
	report_write(&(struct json_out){ .buf = &shown }, NULL, &report);
	object = parse(&shown);
	drop(object, not_taken);
	dump(object, &text);
	json_decref(object);
	FUZZ_CHECK(report_read(text.data, text.len, arena, &second, &err), "%s", text.data);
	check_same_report(&report, &second);
	report_write(&(struct json_out){ .buf = &again }, NULL, &second);
	check_same(&shown, &again);
	buf_release(&shown);
	buf_release(&text);
	buf_release(&again);
}

/* ---- campaigns, venues, teams ---- */

/* The thing that a PATCH finds. */
static void item_now(struct catalog_item *item)
{
	const struct unit *place = NULL;

	unit_match(units, "Xã Than Uyên", today, &place, 1);
	if (item->kind == CATALOG_CAMPAIGN)
		item->campaign = (struct campaign){ .slug = "chu-nhat-do", .name = "Chủ nhật Đỏ" };
	else if (item->kind == CATALOG_VENUE)
		item->venue = (struct venue){ .name = "Nhà văn hóa", .unit_id = place->id,
					      .unit_name = place->full_name, .capacity = 50, .active = true };
	else
		item->team = (struct team){ .code = "D1", .name = "Đội 1", .beds = -1, .active = true };
}

static void write_item(struct buf *buf, const struct catalog_item *item)
{
	buf_reset(buf);
	catalog_item_write(&(struct json_out){ .buf = buf }, NULL, item);
}

static void fuzz_item(enum catalog_kind kind, bool patch, const char *body, size_t len, struct arena *arena)
{
	static const char *const not_taken[] = { "id", "version", "seasons", NULL };
	struct catalog_item item = { .kind = kind }, second = { .kind = kind };
	struct buf shown = { 0 }, text = { 0 }, again = { 0 };
	struct error err;
	json_t *object;

	if (patch)
		item_now(&item);
	error_clear(&err);
	if (!catalog_item_read(body, len, patch, units, today, arena, &item, &err)) {
		fuzz_check_refusal(&err);
		return;
	}
	write_item(&shown, &item);
	object = parse(&shown);
	drop(object, not_taken);
	only_id(object, "unit");
	dump(object, &text);
	json_decref(object);
	if (patch)
		item_now(&second);
	FUZZ_CHECK(catalog_item_read(text.data, text.len, patch, units, today, arena, &second, &err), "%s: %s",
		   err.nfields ? err.fields[0].pointer : err.detail[0], text.data);
	check_same_item(&item, &second);
	write_item(&again, &second);
	check_same(&shown, &again);
	buf_release(&shown);
	buf_release(&text);
	buf_release(&again);
}

/* ---- messages ---- */

static void fuzz_inbound(const char *body, size_t len, struct arena *arena)
{
	struct sms_inbound inbound;
	struct error err;

	error_clear(&err);
	if (!sms_inbound_read(body, len, arena, &inbound, &err)) {
		fuzz_check_refusal(&err);
		return;
	}
	FUZZ_CHECK(*inbound.id && *inbound.from && inbound.text, "a member is missing");
	FUZZ_CHECK(text_valid_utf8(inbound.text, strlen(inbound.text)), "%s", inbound.text);
}

/* ---- users, and what they log in with ---- */

/* A password in its one spelling is that spelling; and the rules say yes or no in words. */
static void check_password(const char *typed)
{
	const struct password_owner owner = { "lan.anh", "Trần Lan Anh", *typed & 1 };
	char composed[PASSWORD_SIZE], again[PASSWORD_SIZE];
	struct error err;

	if (!password_compose(typed, composed)) {
		FUZZ_CHECK(!*composed, "%s", composed);
		return;
	}
	FUZZ_CHECK(text_valid_utf8(composed, strlen(composed)), "%s", composed);
	FUZZ_CHECK(password_compose(composed, again) && streq(composed, again), "%s and %s", composed, again);
	error_clear(&err);
	if (!password_check(composed, &owner, "/password", &err))
		fuzz_check_refusal(&err);
	else
		FUZZ_CHECK(password_stands_alone(composed) || owner.second_factor, "%s", composed);
}

static void check_login(const char *typed)
{
	char folded[LOGIN_TYPED_SIZE], again[LOGIN_TYPED_SIZE];

	login_name_fold(typed, folded, sizeof(folded));
	login_name_fold(folded, again, sizeof(again));
	FUZZ_CHECK(streq(folded, again), "%s and %s", folded, again);
}

static void fuzz_login(const char *body, size_t len, struct arena *arena)
{
	struct login_body login;
	struct error err;

	error_clear(&err);
	if (!login_body_read(body, len, arena, &login, &err)) {
		fuzz_check_refusal(&err);
		return;
	}
	check_login(login.login);
	check_password(login.password);
}

static void fuzz_secret(enum secret_body_kind kind, const char *body, size_t len, struct arena *arena)
{
	struct secret_body secret;
	struct error err;

	error_clear(&err);
	if (!secret_body_read(body, len, kind, arena, &secret, &err)) {
		fuzz_check_refusal(&err);
		return;
	}
	FUZZ_CHECK(kind == SECRET_CODE ? secret.code != NULL : secret.current_password != NULL, "a member is missing");
	FUZZ_CHECK(kind != SECRET_PASSWORD || secret.new_password, "a member is missing");
	if (secret.new_password)
		check_password(secret.new_password);
}

static void user_now(struct user *user)
{
	*user = (struct user){ .login = "lan.anh", .name = "Trần Lan Anh", .role = ROLE_STAFF, .active = true, .version = 1 };
}

static bool read_user(bool patch, const char *body, size_t len, struct arena *arena, struct user *user, struct error *err)
{
	struct user_body whole = { .user = user };

	error_clear(err);
	*user = (struct user){ 0 };
	if (patch)
		user_now(user);
	return user_body_read(body, len, patch, units, today, arena, &whole, err);
}

static void write_user(struct buf *buf, const struct user *user)
{
	buf_reset(buf);
	user_write(&(struct json_out){ .buf = buf }, NULL, user);
}

static void fuzz_user(bool patch, const char *body, size_t len, struct arena *arena)
{
	static const char *const not_taken[] = {
		"id", "second_factor", "recovery_codes_left", "must_change_password", "failures", "locked", "created_at",
		"password_changed_at", "last_login_at", "version", NULL
	};
	struct buf shown = { 0 }, text = { 0 }, again = { 0 };
	struct user user, second;
	struct error err;
	json_t *object;

	if (!read_user(patch, body, len, arena, &user, &err)) {
		fuzz_check_refusal(&err);
		return;
	}
	FUZZ_CHECK(user.role != ROLE_PUBLIC && user.role != ROLE_GATEWAY && login_name_valid(user.login), "%s", user.login);
	write_user(&shown, &user);
	object = parse(&shown);
	drop(object, not_taken);
	if (patch) {
		json_object_del(object, "login");
	} else {
		json_object_del(object, "state");
		json_object_set_new(object, "password", json_string("x"));
	}
	dump(object, &text);
	json_decref(object);
	FUZZ_CHECK(read_user(patch, text.data, text.len, arena, &second, &err), "%s: %s",
		   err.nfields ? err.fields[0].pointer : err.detail[0], text.data);
	write_user(&again, &second);
	check_same(&shown, &again);
	FUZZ_CHECK(streq(user.name, second.name) && user.role == second.role && user.active == second.active &&
		   user.nunit_ids == second.nunit_ids && streq(user.team_id, second.team_id), "%s", text.data);
	buf_release(&shown);
	buf_release(&text);
	buf_release(&again);
}

/* ---- what donors agree to and ask for ---- */

static const int64_t now = INT64_C(1752570000) * 1000000;        /* 15 July 2025 */

static void fuzz_consent(const char *body, size_t len, struct arena *arena)
{
	static const char *const not_taken[] = { "id", "recorded_at", NULL };
	struct buf shown = { 0 }, text = { 0 }, again = { 0 };
	struct consent_fact fact, second;
	struct error err;
	json_t *object;

	error_clear(&err);
	if (!consent_fact_read(body, len, now, arena, &fact, &err)) {
		fuzz_check_refusal(&err);
		return;
	}
	FUZZ_CHECK(fact.consent.given_us <= now, "%lld", (long long)fact.consent.given_us);
	consent_fact_write(&(struct json_out){ .buf = &shown }, NULL, &fact);
	object = parse(&shown);
	drop(object, not_taken);
	dump(object, &text);
	json_decref(object);
	FUZZ_CHECK(consent_fact_read(text.data, text.len, now, arena, &second, &err), "%s", text.data);
	consent_fact_write(&(struct json_out){ .buf = &again }, NULL, &second);
	check_same(&shown, &again);
	FUZZ_CHECK(consent_holding(&fact, 1, fact.consent.purpose, fact.consent.channel) == &fact, "%s", text.data);
	buf_release(&shown);
	buf_release(&text);
	buf_release(&again);
}

static void fuzz_request(const char *body, size_t len, struct arena *arena)
{
	static const char *const taken[] = { "kind", "third_party", "received_at", "note", NULL };
	struct buf shown = { 0 }, text = { 0 }, again = { 0 };
	struct donor_request request, second;
	struct error err;
	json_t *object, *kept = json_object();

	error_clear(&err);
	if (!donor_request_read(body, len, now, arena, &request, &err)) {
		fuzz_check_refusal(&err);
		json_decref(kept);
		return;
	}
	request_set_deadlines(&request, NULL, 0);
	FUZZ_CHECK(date_compare(date_of_instant(request.received_us), request.answer_by) < 0,
		   "%s", request_kind_text(request.kind));
	donor_request_write(&(struct json_out){ .buf = &shown }, NULL, &request, today, true);
	object = parse(&shown);
	for (const char *const *name = taken; *name; name++)
		json_object_set(kept, *name, json_object_get(object, *name));
	dump(kept, &text);
	json_decref(object);
	json_decref(kept);
	FUZZ_CHECK(donor_request_read(text.data, text.len, now, arena, &second, &err), "%s", text.data);
	request_set_deadlines(&second, NULL, 0);
	donor_request_write(&(struct json_out){ .buf = &again }, NULL, &second, today, true);
	check_same(&shown, &again);
	buf_release(&shown);
	buf_release(&text);
	buf_release(&again);
}

/* Steps of a request received on the first of the month: what is taken keeps within what the law gives. */
static void fuzz_request_step(unsigned kind, const char *body, size_t len, struct arena *arena)
{
	struct donor_request request = { .kind = REQUEST_OBJECTION, .answered_us = INT64_MIN, .closed_us = INT64_MIN,
					 .received_us = date_instant((struct date){ 2025, 7, 1 }, 480) };
	enum request_outcome outcome;
	enum request_ground ground;
	struct date until, first;
	struct error err;
	bool fine;

	error_clear(&err);
	request_set_deadlines(&request, NULL, 0);
	first = request.carry_out_by;
	if (kind == 'n')
		fine = donor_request_until_read(body, len, arena, &until, &err) &&
		       request_extend(&request, until, today, &err);
	else if (kind == 'k')
		fine = donor_request_end_read(body, len, arena, &outcome, &ground, &err) &&
		       request_close(&request, outcome, ground, now, &err);
	else
		fine = wire_read_nothing(body, len, arena, &err) && request_answer(&request, now, &err);
	if (!fine)
		fuzz_check_refusal(&err);
	else
		FUZZ_CHECK(date_compare(request.carry_out_by, date_add_days(first, 15)) <= 0 &&
			   (kind == 'n' || request.answered_us == now), "%c", (char)kind);
}

/* The ground is one of those that a request may be refused on. */
static void fuzz_refusal_to_erase(const char *body, size_t len, struct arena *arena)
{
	enum request_ground ground = REQUEST_GROUND_COUNT, again;
	struct error err;

	error_clear(&err);
	if (!donor_request_ground_read(body, len, arena, &ground, &err))
		fuzz_check_refusal(&err);
	else
		FUZZ_CHECK(ground < REQUEST_GROUND_COUNT && request_ground_parse(request_ground_text(ground), &again) &&
			   again == ground, "%s", body);
}

/* ---- why somebody has to wait ---- */

static const struct eligibility_rules *circular(void)
{
	static struct eligibility_rules rules;
	static struct arena forever;
	const struct embedded_file *file = eligibility_rules_embedded();
	struct error err = { 0 };

	if (rules.id)
		return &rules;
	while (file->name && !streq(file->name, "vn-26-2013-tt-byt.json"))
		file++;
	FUZZ_CHECK(file->name && eligibility_rules_read((const char *)file->bytes, file->size, &forever, &rules, &err),
		   "the circular cannot be read");
	return &rules;
}

/* What is taken holds on its first day and not after its last, and alone it moves no day earlier. */
static void fuzz_deferral(const char *body, size_t len, struct arena *arena)
{
	static const char *const taken[] = { "code", "from", "until", "note", NULL };
	const struct eligibility_rules *rules = circular();
	struct buf shown = { 0 }, text = { 0 }, again = { 0 };
	struct donor donor = { .birth_date = { 1990, 5, 17 }, .birth_year = 1990, .sex = DONOR_FEMALE };
	struct deferral deferral, second;
	struct donor_facts facts = { .donor = &donor, .deferrals = &deferral, .ndeferrals = 1 };
	struct donor_days days;
	struct error err;
	json_t *object, *kept;

	error_clear(&err);
	if (!deferral_read(body, len, rules, &donor, today, arena, &deferral, &err)) {
		fuzz_check_refusal(&err);
		return;
	}
	donor_days_of(&facts, rules, today, arena, &days);
	if (deferral.ends != DEFERRAL_DATED)
		FUZZ_CHECK(days.next[COMPONENT_WHOLE_BLOOD].endless &&
			   deferral_state_on(&deferral, rules, today) == DEFERRAL_IN_FORCE, "%s", deferral.code);
	else
		FUZZ_CHECK(deferral_state_on(&deferral, rules, deferral.ends_on) == DEFERRAL_OVER &&
			   deferral_state_on(&deferral, rules, date_add_days(deferral.ends_on, -1)) == DEFERRAL_IN_FORCE,
			   "%s", deferral.code);
	deferral_write(&(struct json_out){ .buf = &shown }, NULL, &deferral, rules, today, LANGUAGE_VI);
	object = parse(&shown);
	kept = json_object();
	for (const char *const *name = taken; *name; name++)
		json_object_set(kept, *name, json_object_get(object, *name));
	json_object_set_new(kept, "permanent", json_boolean(deferral.ends == DEFERRAL_PERMANENT));
	dump(kept, &text);
	json_decref(object);
	json_decref(kept);
	FUZZ_CHECK(deferral_read(text.data, text.len, rules, &donor, today, arena, &second, &err), "%s", text.data);
	deferral_write(&(struct json_out){ .buf = &again }, NULL, &second, rules, today, LANGUAGE_VI);
	check_same(&shown, &again);
	buf_release(&shown);
	buf_release(&text);
	buf_release(&again);
}

static void fuzz_deferral_step(unsigned kind, const char *body, size_t len, struct arena *arena)
{
	const char *reason = NULL;
	struct error err;
	bool contact, fine;

	error_clear(&err);
	if (kind == 'h')
		fine = deferral_lift_read(body, len, arena, &reason, &err);
	else if (kind == 'i')
		fine = wire_read_nothing(body, len, arena, &err);
	else
		fine = contact_read(body, len, arena, &contact, &err);
	if (!fine)
		fuzz_check_refusal(&err);
	else
		FUZZ_CHECK(kind != 'h' || (reason && *reason), "no reason");
}

/* ---- donors ---- */

static void donor_shown(const struct donor *donor, struct buf *out)
{
	static const struct donor_next next[COMPONENT_COUNT];
	const struct donor_view view = { .donor = donor, .next = next, .units = units };

	donor_write(&(struct json_out){ .buf = out }, NULL, &view);
}

/* What is taken is written, and read again it is the same person, found by the same digests. */
static void check_donor_again(const struct donor *donor, struct arena *arena)
{
	static const char *const not_taken[] = { "id", "donor_number", "unit_on", "contact_facility", "last_donated_on",
						 "next_eligible", "erased", "merged", "registered_at", "version", NULL };
	struct buf shown = { 0 }, text = { 0 }, again = { 0 };
	struct donor second = { 0 };
	struct donor_consents consents;
	struct error err;
	json_t *object;

	error_clear(&err);
	donor_shown(donor, &shown);
	object = parse(&shown);
	drop(object, not_taken);
	only_id(object, "unit");
	dump(object, &text);
	json_decref(object);
	FUZZ_CHECK(donor_read(text.data, text.len, false, units, today, arena, &second, &consents, &err) &&
			   donor_check(&second, today, &err),
		   "%s", text.data);
	second.unit_on = donor->unit_on;
	donor_shown(&second, &again);
	check_same(&shown, &again);
	FUZZ_CHECK(donor_is_same(donor, &second, arena), "%s", text.data);
	for (size_t i = 0; i < donor->nidentifiers; i++)
		FUZZ_CHECK(identifier_same(&donor->identifiers[i].identifier, &second.identifiers[i].identifier), "%s",
			   text.data);
	buf_release(&shown);
	buf_release(&text);
	buf_release(&again);
}

static void fuzz_donor(bool patch, const char *body, size_t len, struct arena *arena)
{
	struct donor_identifier paper = { .identifier = { IDENTIFIER_CCCD, NULL, "012190000001" } };
	struct donor donor = { 0 };
	struct donor_consents consents = { 0 };
	struct donor_warning warnings[DONOR_WARNINGS_MAX];
	struct error err;

	if (patch)
		donor = (struct donor){ .name = "Lò Thị Mẫu", .birth_date = { 1990, 5, 17 }, .birth_year = 1990,
					.sex = DONOR_FEMALE, .phone = "+84900000001", .identifiers = &paper,
					.nidentifiers = 1 };
	error_clear(&err);
	if (!donor_read(body, len, patch, units, today, arena, &donor, &consents, &err) ||
	    !donor_check(&donor, today, &err)) {
		fuzz_check_refusal(&err);
		return;
	}
	for (size_t i = 0; i < consents.count; i++)
		FUZZ_CHECK(date_compare(date_of_instant(consents.list[i].given_us), today) <= 0, "%zu", i);
	FUZZ_CHECK(donor_warnings(&donor, arena, warnings) <= DONOR_WARNINGS_MAX, "%zu", donor.nidentifiers);
	check_donor_again(&donor, arena);
}

/* A question is one question, in the spelling by which donors are kept. */
static void fuzz_question(const char *body, size_t len, struct arena *arena)
{
	struct donor_question question;
	struct identifier again;
	struct error err;
	char number[DONOR_NUMBER_SIZE], phone[PHONE_TEXT_SIZE];

	error_clear(&err);
	if (!donor_question_read(body, len, arena, &question, &err)) {
		fuzz_check_refusal(&err);
		return;
	}
	FUZZ_CHECK(question.by_identifier + !!question.number + !!question.phone + !!question.name == 1, "%s", body);
	again = question.identifier;
	if (question.by_identifier)
		FUZZ_CHECK(identifier_normalise(&again, "", arena, &err) && identifier_same(&again, &question.identifier), "%s",
			   body);
	if (question.number)
		FUZZ_CHECK(donor_number_parse(question.number, number) == DONOR_NUMBER_FINE && streq(number, question.number),
			   "%s", body);
	if (question.phone)
		FUZZ_CHECK(phone_normalise(question.phone, phone) && streq(phone, question.phone), "%s", body);
	FUZZ_CHECK(!question.name || question.birth_year >= 1900, "%s", body);
}

static void fuzz_with(const char *body, size_t len, struct arena *arena)
{
	const char *with = NULL;
	struct error err;

	error_clear(&err);
	if (donor_with_read(body, len, arena, &with, &err))
		FUZZ_CHECK(with && *with, "%s", body);
	else
		fuzz_check_refusal(&err);
}

/* ---- what phones hand in ---- */

/* Whatever is in one item, the others are read; what is kept of one is read again as the same. */
static void fuzz_batch(const char *body, size_t len, struct arena *arena)
{
	const struct item_reading reading = { .units = units, .rules = circular(), .today = today };
	struct item_batch batch = { 0 };
	struct error err;

	error_clear(&err);
	if (!item_batch_read(body, len, &reading, arena, &batch, &err)) {
		fuzz_check_refusal(&err);
		return;
	}
	FUZZ_CHECK(batch.count <= ITEM_BATCH_MAX, "%zu", batch.count);
	for (size_t i = 0; i < batch.count; i++) {
		const struct item *item = &batch.entries[i].item, *again;

		if (batch.entries[i].fault) {
			fuzz_check_refusal(batch.entries[i].fault);
			continue;
		}
		again = item_content_read(item->content, &reading, arena, NULL);
		FUZZ_CHECK(again && strcmp(again->content, item->content) == 0, "%s", item->content);
		FUZZ_CHECK(strcmp(again->id, item->id) == 0 && again->kind == item->kind && again->seq == item->seq &&
				   again->captured_us == item->captured_us && again->unreadable == item->unreadable &&
				   strcmp(again->bag.text, item->bag.text) == 0 && again->volume_ml == item->volume_ml,
			   "%s", item->content);
	}
}

static void fuzz_decision(const char *body, size_t len, struct arena *arena)
{
	const char *hash = NULL;
	struct error err;
	bool keep;

	error_clear(&err);
	if (item_decision_read(body, len, arena, &hash, &keep, &err))
		FUZZ_CHECK(strlen(hash) == 64, "%s", hash);
	else
		fuzz_check_refusal(&err);
}

/* What a person puts in the place of an item is an item again, which names the old one. */
static void fuzz_correction(bool other_data, const char *body, size_t len, struct arena *arena)
{
	static const char old[] = "{\"captured_at\":\"2025-07-14T08:00:00+07:00\",\"data\":{\"component\":\"whole_blood\",\"donor\":{\"id\":"
				  "\"0198f1a2-0000-7000-8000-0000000000d1\"},\"outcome\":\"completed\",\"volume_ml\":350},\"id\":"
				  "\"0198f1a2-0000-7000-8000-0000000000e1\",\"install\":\"0198f1a2-0000-7000-8000-0000000000f1\",\"kind\":"
				  "\"donation\",\"seq\":7}";
	const struct item_reading reading = { .units = units, .rules = circular(), .today = today };
	struct item_correction correction = { .id = "0198f1a2-0000-8000-8000-0000000000e2" };
	const struct item *item;
	struct error err;

	error_clear(&err);
	if (other_data ? !item_correction_read(body, len, arena, &correction, &err) : !item_attachment_read(body, len, arena, &correction, &err)) {
		fuzz_check_refusal(&err);
		return;
	}
	FUZZ_CHECK(strlen(correction.content_hash) == 64, "%s", correction.content_hash);
	item = item_correct(&correction, old, &reading, arena, &err);
	if (!item) {
		fuzz_check_refusal(&err);
		return;
	}
	FUZZ_CHECK(item->kind == ITEM_DONATION && !item->unreadable && strcmp(item->id, correction.id) == 0 &&
			   strcmp(item->corrects, "0198f1a2-0000-7000-8000-0000000000e1") == 0, "%s", item->content);
	FUZZ_CHECK(item_content_read(item->content, &reading, arena, NULL) != NULL, "%s", item->content);
	FUZZ_CHECK(!strstr(item_told(item->content, arena), "\"donor\""), "%s", item->content);
}

static void fuzz_choice(const char *body, size_t len, struct arena *arena)
{
	const char *hash = NULL;
	struct error err;

	error_clear(&err);
	if (item_choice_read(body, len, arena, &hash, &err))
		FUZZ_CHECK(strlen(hash) == 64, "%s", hash);
	else
		fuzz_check_refusal(&err);
}

static void fuzz_device(bool enrols, const char *body, size_t len, struct arena *arena)
{
	const char *one = NULL, *two = NULL;
	struct error err;

	error_clear(&err);
	if (enrols ? device_read_enrolment(body, len, arena, &one, &two, &err) : device_read_body(body, len, arena, &one, &two, &err))
		FUZZ_CHECK(one && two && *one && *two, "%s", body);
	else
		fuzz_check_refusal(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned kind = fuzz_byte(&data, &size);
	char *body = fuzz_rest(data, size);
	struct arena arena;

	if (!units)
		units = test_units();
	arena_init(&arena);
	if (kind == 'p')
		fuzz_plan(body, size, &arena);
	else if (kind == 'r')
		fuzz_round(body, size, &arena);
	else if (kind == 'e')
		fuzz_report(body, size, &arena);
	else if (kind == 'u' || kind == 'v')
		fuzz_user(kind == 'v', body, size, &arena);
	else if (kind == 'l')
		fuzz_login(body, size, &arena);
	else if (kind >= 'w' && kind <= 'y')
		fuzz_secret((enum secret_body_kind)(kind - 'w'), body, size, &arena);
	else if (kind == 'a' || kind == 'f')
		fuzz_donor(kind == 'f', body, size, &arena);
	else if (kind == 'o')
		fuzz_question(body, size, &arena);
	else if (kind == 'z')
		fuzz_with(body, size, &arena);
	else if (kind == 'c')
		fuzz_consent(body, size, &arena);
	else if (kind == 'q')
		fuzz_request(body, size, &arena);
	else if (kind == 'm' || kind == 'n' || kind == 'k')
		fuzz_request_step(kind, body, size, &arena);
	else if (kind == 'b')
		fuzz_refusal_to_erase(body, size, &arena);
	else if (kind == 'd')
		fuzz_deferral(body, size, &arena);
	else if (kind >= 'h' && kind <= 'j')
		fuzz_deferral_step(kind, body, size, &arena);
	else if (kind == 't')
		fuzz_batch(body, size, &arena);
	else if (kind == 'g')
		fuzz_decision(body, size, &arena);
	else if (kind == 'V' || kind == 'W')
		fuzz_correction(kind == 'W', body, size, &arena);
	else if (kind == 'X')
		fuzz_choice(body, size, &arena);
	else if (kind == 'Y' || kind == 'Z')
		fuzz_device(kind == 'Z', body, size, &arena);
	else if (kind == 's')
		fuzz_inbound(body, size, &arena);
	else if (kind >= '0' && kind < '0' + CATALOG_KIND_COUNT)
		fuzz_item((enum catalog_kind)(kind - '0'), false, body, size, &arena);
	else if (kind >= '5' && kind < '5' + CATALOG_KIND_COUNT)
		fuzz_item((enum catalog_kind)(kind - '5'), true, body, size, &arena);
	else if (kind >= 'A' && kind < 'A' + ROUND_VERB_COUNT)
		fuzz_step((enum round_verb)(kind - 'A'), body, size, &arena);
	arena_release(&arena);
	free(body);
	return 0;
}
