#include "api/donors.h"

#include <string.h>
#include <strings.h>

#include "api/params.h"
#include "api/places.h"
#include "api/private.h"
#include "api/request.h"
#include "base/error.h"
#include "base/text.h"
#include "domain/component.h"
#include "domain/donor.h"
#include "store/donor_store.h"
#include "wire/donor_wire.h"

/*
 * The donor registry: register, read, change, list, look up. Whoever reads a record
 * leaves an audit row; a record outside the reader's scope is none to them.
 */

static struct donor_view view_of(struct request *r, const struct donor_record *record)
{
	return (struct donor_view){ .donor = &record->donor, .next = record->next, .merged = record->merged,
				    .nmerged = record->nmerged, .units = api_units(r->api), .arena = r->arena,
				    .language = http_language(r->x) };
}

/* The actor of a reading: its audit row names the request, which other readings have none for. */
static struct actor reader_of(const struct request *r)
{
	struct actor actor = r->actor;

	actor.request_id = http_request_id(r->x);
	return actor;
}

void request_reply_donor(struct request *r, const struct donor_record *record)
{
	struct buf *buf = api_scratch(r->api);
	struct json_out out = { .buf = buf };
	struct donor_view view = view_of(r, record);

	donor_write(&out, NULL, &view);
	request_reply_versioned(r, 200, buf, record->donor.version);
}

/* ---- GET /donors/{id} ---- */

struct get_op {
	struct request   *r;
	struct donor_load load;
};

static void get_on_loaded(struct donor_load *load)
{
	struct get_op *op = container_of(load, struct get_op, load);

	if (load->error.code != ERR_NONE)
		request_reply_error(op->r, &load->error);
	else
		request_reply_donor(op->r, &load->record);
}

static void get_with_units(struct request *r)
{
	struct get_op *op = http_alloc(r->x, sizeof(*op));

	op->r = r;
	op->load.key = request_param(r, "id");
	request_readable_units(r, &op->load.units, &op->load.nunits);
	op->load.action = "donor.read";
	op->load.actor = reader_of(r);
	op->load.arena = r->arena;
	op->load.done = get_on_loaded;
	donor_load_send(api_store(r->api), &op->load);
}

static void get_start(struct request *r)
{
	request_with_units(r, get_with_units);
}

/* ---- POST /donors ---- */

struct create_op {
	struct request         *r;
	struct donor_consents   consents;
	struct donor_create     create;
	struct donor_load       load;    /* of who has the identifier, or of what an earlier call made */
	struct donor_match_find find;
	const struct donor     *made;
};

static void reply_made(struct create_op *op)
{
	struct request *r = op->r;
	struct buf *buf = api_scratch(r->api);
	struct json_out out = { .buf = buf };

	jout_object(&out, NULL);
	jout_text(&out, "id", op->made->id);
	jout_text(&out, "donor_number", op->made->number);
	jout_array(&out, "possible_duplicates");
	for (size_t i = 0; i < op->find.nmatches; i++)
		donor_match_write(&out, NULL, op->find.matches[i].id, op->find.matches[i].number,
				  op->find.matches[i].score);
	jout_end(&out);
	donor_warnings_write(&out, "warnings", op->made, http_language(r->x), r->arena);
	jout_end(&out);
	request_reply_created(r, buf, "donors", op->made->id, op->made->version);
}

static void create_on_matched(struct donor_match_find *find)
{
	struct create_op *op = container_of(find, struct create_op, find);

	if (find->error.code != ERR_NONE)
		request_reply_unread(op->r, &find->error);
	else
		reply_made(op);
}

static void find_matches(struct create_op *op, const struct donor *made)
{
	op->made = made;
	op->find.donor = made;
	op->find.units = api_units(op->r->api);
	op->find.least = DONOR_LIKELY;
	op->find.arena = op->r->arena;
	op->find.done = create_on_matched;
	donor_match_find_send(api_store(op->r->api), &op->find);
}

/* An earlier call with this key made the donor, who is told as the record is now. */
static void create_on_replayed(struct donor_load *load)
{
	struct create_op *op = container_of(load, struct create_op, load);

	if (load->error.code != ERR_NONE)
		request_reply_unread(op->r, &load->error);
	else
		find_matches(op, &load->record.donor);
}

static void create_was_made(void *context, const char *id)
{
	struct create_op *op = context;

	op->load = (struct donor_load){ .key = arena_strdup(op->r->arena, id), .exact = true, .arena = op->r->arena,
					.done = create_on_replayed };
	donor_load_send(api_store(op->r->api), &op->load);
}

static void refuse_create(struct create_op *op, const struct error *err)
{
	request_refuse_create(op->r, err, "donor", create_was_made, op);
}

/* The same number and another person: nobody but a person who sees both can tell what is wrong. */
static void tell_difference(struct create_op *op, struct error *err)
{
	const struct error known = *err;

	error_clear(err);
	error_set(err, ERR_DONOR_DIFFERS,
		  "A donor with this identifier is registered under another name or birth date. Nothing was written:"
		  " a person must look.",
		  "Giấy tờ này đã được đăng ký cho người có họ tên hoặc ngày sinh khác. Chưa ghi gì: cần người xem xét.");
	err->nfields = known.nfields;
	memcpy(err->fields, known.fields, sizeof(err->fields));
	if (access_decide(op->r->principal.role, AREA_DONORS, ACCESS_READ) != ACCESS_NO)
		memcpy(err->id, known.id, sizeof(err->id));
}

static void create_on_taken(struct donor_load *load)
{
	struct create_op *op = container_of(load, struct create_op, load);
	const struct donor_create *create = &op->create;
	struct error err = create->error;
	bool one = true;

	if (load->error.code != ERR_NONE) {
		request_reply_error(op->r, &load->error);
		return;
	}
	for (size_t i = 1; i < create->ntaken; i++)
		one &= streq(create->taken[i].id, create->taken[0].id);
	if (!one || !donor_is_same(&create->donor, &load->record.donor, op->r->arena))
		tell_difference(op, &err);
	refuse_create(op, &err);
}

/* Who is told that a number is known has looked it up: the audit says so. */
static void look_at_taken(struct create_op *op)
{
	const struct donor_taken *taken = &op->create.taken[0];

	op->load = (struct donor_load){
		.key = taken->id, .action = "donor.known", .actor = reader_of(op->r), .arena = op->r->arena,
		.asked = &op->create.donor.identifiers[taken->identifier].identifier, .done = create_on_taken,
	};
	donor_load_send(api_store(op->r->api), &op->load);
}

static void create_on_created(struct donor_create *create)
{
	struct create_op *op = container_of(create, struct create_op, create);

	if (create->ntaken > 0)
		look_at_taken(op);
	else if (create->error.code != ERR_NONE)
		refuse_create(op, &create->error);
	else if (create->idempotency.replayed)
		create_was_made(op, create->idempotency.resource_id);
	else
		find_matches(op, &create->donor);
}

static void create_with_units(struct request *r)
{
	struct create_op *op = http_alloc(r->x, sizeof(*op));
	struct donor_create *create = &op->create;
	struct error err;
	size_t len;
	const char *body = http_body(r->x, &len);

	op->r = r;
	error_clear(&err);
	if (!donor_read(body, len, false, api_units(r->api), r->today, r->arena, &create->donor, &op->consents, &err) ||
	    !donor_check(&create->donor, r->today, &err)) {
		refuse_create(op, &err);
		return;
	}
	if (!request_idempotency(r, &create->idempotency))
		return;
	create->consents = op->consents.list;
	create->nconsents = op->consents.count;
	create->actor = r->actor;
	create->arena = r->arena;
	create->done = create_on_created;
	donor_create_send(api_store(r->api), create);
}

static void create_start(struct request *r)
{
	request_with_units(r, create_with_units);
}

/* ---- PATCH /donors/{id} ---- */

struct patch_op {
	struct request     *r;
	int64_t             version;
	struct donor_load   load;
	struct donor_change change;
};

bool request_may_write_donor(struct request *r, const struct donor *donor)
{
	struct named unit = { donor->unit_id, NULL };

	return request_may_write(r, &unit, unit.id ? 1 : 0, donor->unit_on, NULL);
}

static void patch_on_changed(struct donor_change *change)
{
	struct patch_op *op = container_of(change, struct patch_op, change);
	struct donor_record after = op->load.record;

	if (change->error.code != ERR_NONE) {
		request_reply_error(op->r, &change->error);
		return;
	}
	after.donor = change->next;
	request_reply_donor(op->r, &after);
}

void request_reply_erased_donor(struct request *r)
{
	struct error err;

	error_clear(&err);
	error_set(&err, ERR_ERASED, "The personal data of this donor has been erased: there is nothing to change.",
		  "Dữ liệu cá nhân của người này đã được xóa: không còn gì để sửa.");
	request_reply_error(r, &err);
}

bool donor_is_called(const struct donor *donor, const char *key)
{
	char number[DONOR_NUMBER_SIZE];

	return strcasecmp(key, donor->id) == 0 ||
	       (donor_number_parse(key, number) == DONOR_NUMBER_FINE && streq(number, donor->number));
}

/* Whoever writes to a record that was merged has another record before their eyes than the one that it leads to. */
static void reply_merged(struct request *r, const struct donor *donor)
{
	struct error err;

	error_clear(&err);
	error_set(&err, ERR_ILLEGAL_STEP, "This record was merged into %s: read that one, and change it there.",
		  "Hồ sơ này đã được gộp vào %s: hãy đọc và sửa hồ sơ đó.", donor->number);
	request_reply_error(r, &err);
}

static void patch_on_loaded(struct donor_load *load)
{
	struct patch_op *op = container_of(load, struct patch_op, load);
	const struct donor *now = &load->record.donor;
	struct donor *next = &op->change.next;
	struct request *r = op->r;
	struct donor_consents none;
	struct error err;
	size_t len;
	const char *body = http_body(r->x, &len);

	if (load->error.code != ERR_NONE) {
		request_reply_error(r, &load->error);
		return;
	}
	if (!request_may_write_donor(r, now))
		return;
	if (!donor_is_called(now, load->key)) {
		reply_merged(r, now);
		return;
	}
	if (now->version != op->version) {
		request_reply_stale(r, now->version);
		return;
	}
	if (now->erased) {
		request_reply_erased_donor(r);
		return;
	}
	*next = *now;
	error_clear(&err);
	if (!donor_read(body, len, true, api_units(r->api), r->today, r->arena, next, &none, &err) ||
	    !donor_check(next, r->today, &err)) {
		request_reply_error(r, &err);
		return;
	}
	if (!request_may_write_donor(r, next))
		return;
	op->change.before = &load->record;
	op->change.actor = r->actor;
	op->change.arena = r->arena;
	op->change.done = patch_on_changed;
	donor_change_send(api_store(r->api), &op->change);
}

static void patch_with_units(struct request *r)
{
	struct patch_op *op = http_alloc(r->x, sizeof(*op));

	op->r = r;
	if (!request_if_match(r, &op->version))
		return;
	op->load.key = request_param(r, "id");
	request_readable_units(r, &op->load.units, &op->load.nunits);
	op->load.arena = r->arena;
	op->load.done = patch_on_loaded;
	donor_load_send(api_store(r->api), &op->load);
}

static void patch_start(struct request *r)
{
	request_with_units(r, patch_with_units);
}

/* ---- GET /donors ---- */

struct list_op {
	struct request   *r;
	struct donor_list list;
};

static bool abo_word(const char *text, int *value)
{
	enum blood_abo abo = ABO_UNKNOWN;
	bool known = blood_abo_parse(text, &abo);

	*value = (int)abo;
	return known;
}

static bool rhd_word(const char *text, int *value)
{
	enum blood_rhd rhd = RHD_UNKNOWN;
	bool known = blood_rhd_parse(text, &rhd);

	*value = (int)rhd;
	return known;
}

static void read_component(struct params *params, enum component *component)
{
	const char *text = params_text(params, "component");

	*component = COMPONENT_WHOLE_BLOOD;
	if (text && !component_parse(text, component))
		params_fault(params, "component", "invalid_value", "One of: " COMPONENT_WORDS ".",
			     "Một trong: " COMPONENT_WORDS ".");
}

static void check_span(struct params *params, const char *name, struct date from, struct date to)
{
	if (!date_is_none(to) && date_compare(from, to) > 0)
		params_fault(params, name, "before_from", "The span would end before it begins.",
			     "Khoảng ngày kết thúc trước khi bắt đầu.");
}

static bool is_in(const char *const *ids, size_t count, const char *id)
{
	for (size_t i = 0; i < count; i++)
		if (streq(ids[i], id))
			return true;
	return false;
}

/* Of the units that are asked for, those at which the reader may look. */
static void narrow_to_scope(struct request *r, struct donor_filter *filter)
{
	const char *const *readable;
	const char **both;
	size_t count, used = 0;

	request_readable_units(r, &readable, &count);
	if (!readable)
		return;
	if (filter->units) {
		both = arena_alloc(r->arena, (filter->nunits + 1) * sizeof(*both));
		for (size_t i = 0; i < filter->nunits; i++)
			if (is_in(readable, count, filter->units[i]))
				both[used++] = filter->units[i];
		readable = both;
		count = used;
	}
	filter->units = readable;
	filter->nunits = count;
}

static bool read_filter(struct list_op *op, struct error *err)
{
	struct donor_filter *filter = &op->list.filter;
	struct params params;

	if (!params_init(&params, op->r, err))
		return false;
	params_places(&params, "unit", &filter->units, &filter->nunits);
	filter->abos = params_words(&params, "abo", "O, A, B, AB", abo_word);
	filter->rhds = params_words(&params, "rhd", "positive, negative", rhd_word);
	read_component(&params, &filter->component);
	filter->next_from = params_date(&params, "next_eligible_from");
	filter->next_to = params_date(&params, "next_eligible_to");
	check_span(&params, "next_eligible_to", filter->next_from, filter->next_to);
	filter->last_from = params_date(&params, "last_donation_from");
	filter->last_to = params_date(&params, "last_donation_to");
	check_span(&params, "last_donation_to", filter->last_from, filter->last_to);
	op->list.limit = params_limit(&params);
	params_cursor(&params, op->list.after);
	return params_finish(&params);
}

static void list_on_loaded(struct donor_list *list)
{
	struct list_op *op = container_of(list, struct list_op, list);
	struct json_out out;

	if (list->error.code != ERR_NONE) {
		request_reply_error(op->r, &list->error);
		return;
	}
	request_list_begin(op->r, &out);
	for (size_t i = 0; i < list->ndonors; i++) {
		struct donor_view view = view_of(op->r, &list->donors[i]);

		donor_item_write(&out, NULL, &view, list->filter.component);
	}
	request_list_reply(op->r, &out, list->more ? list->donors[list->ndonors - 1].donor.id : NULL);
}

static void list_with_units(struct request *r)
{
	struct list_op *op = http_alloc(r->x, sizeof(*op));
	struct error err;

	op->r = r;
	if (!read_filter(op, &err)) {
		request_reply_error(r, &err);
		return;
	}
	narrow_to_scope(r, &op->list.filter);
	op->list.arena = r->arena;
	op->list.done = list_on_loaded;
	donor_list_send(api_store(r->api), &op->list);
}

static void list_start(struct request *r)
{
	request_with_units(r, list_with_units);
}

/* ---- POST /donors/lookup ---- */

struct lookup_op {
	struct request       *r;
	struct donor_question question;
	struct donor_lookup   lookup;
};

static void lookup_on_done(struct donor_lookup *lookup)
{
	struct lookup_op *op = container_of(lookup, struct lookup_op, lookup);
	struct request *r = op->r;
	struct json_out out = { .buf = api_scratch(r->api) };

	if (lookup->error) {
		request_reply_error(r, lookup->error);
		return;
	}
	jout_object(&out, NULL);
	jout_array(&out, "items");
	for (size_t i = 0; i < lookup->nfound; i++)
		donor_found_write(&out, NULL, &lookup->found[i], op->question.component);
	jout_end(&out);
	jout_bool(&out, "more", lookup->more);
	jout_end(&out);
	request_reply_json(r, 200, out.buf, NULL);
}

static void lookup_send(struct lookup_op *op)
{
	struct donor_lookup *lookup = &op->lookup;
	const struct donor_question *question = &op->question;

	lookup->identifier = question->by_identifier ? &question->identifier : NULL;
	lookup->number = question->number;
	lookup->phone = question->phone;
	lookup->name = question->name;
	lookup->birth_year = question->birth_year;
	lookup->actor = op->r->actor;
	lookup->arena = op->r->arena;
	lookup->done = lookup_on_done;
	donor_desk_ask(op->r->api->desk, lookup);
}

/* A place as people type it means all that share territory with it: the record may be of the old map. */
static void lookup_with_units(struct request *r)
{
	struct lookup_op *op = r->own;
	const struct unit *first;
	struct error err, fault;

	error_clear(&err);
	if (places_find(r, op->question.place, &op->lookup.units, &op->lookup.nunits, &first, &err)) {
		lookup_send(op);
		return;
	}
	error_clear(&fault);
	error_add_field(&fault, "/unit", "unknown_unit", "%s%.0s", "%.0s%s", err.detail[LANGUAGE_EN],
			err.detail[LANGUAGE_VI]);
	request_reply_error(r, &fault);
}

static void lookup_start(struct request *r)
{
	struct lookup_op *op = http_alloc(r->x, sizeof(*op));
	struct error err;
	size_t len;
	const char *body = http_body(r->x, &len);

	op->r = r;
	r->own = op;
	error_clear(&err);
	if (!donor_question_read(body, len, r->arena, &op->question, &err))
		request_reply_error(r, &err);
	else if (op->question.place)
		request_with_units(r, lookup_with_units);
	else
		lookup_send(op);
}

const struct route donor_routes[] = {
	{ HTTP_GET_, "/api/v1/donors", AREA_DONOR_LIST, ACCESS_READ, list_start, ROUTE_PERSONAL, 0 },
	{ HTTP_POST_, "/api/v1/donors", AREA_DONOR_DESK, ACCESS_WRITE, create_start, ROUTE_PERSONAL | ROUTE_DONORS, 0 },
	{ HTTP_POST_, "/api/v1/donors/lookup", AREA_DONOR_DESK, ACCESS_WRITE, lookup_start,
	  ROUTE_PERSONAL | ROUTE_DONORS, 0 },
	{ HTTP_GET_, "/api/v1/donors/{id}", AREA_DONORS, ACCESS_READ, get_start, ROUTE_PERSONAL, 0 },
	{ HTTP_PATCH_, "/api/v1/donors/{id}", AREA_DONORS, ACCESS_WRITE, patch_start, ROUTE_PERSONAL, 0 },
	{ 0 }
};
