#include "wire/plan_wire.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "wire/fields.h"
#include "wire/plan_head.h"
#include "wire/round_fields.h"

/* Plan files: what staff keep under version control, and `plan propose` writes. */

enum { PLAN_ROUNDS_MAX = 366 };

/* ---- in ---- */

json_t *plan_file_parse(const char *text, size_t len, struct error *err)
{
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		len -= 3;
	}
	return wire_parse_object(text, len, err);
}

static void read_fact(struct wire_reader *reader, const char *name, enum fact_status fallback,
		      enum fact_status *status)
{
	const char *text;

	*status = fallback;
	if (wire_word(reader, name, WIRE_OPTIONAL, &text) && !fact_status_parse(text, status))
		wire_fault_choice(reader->err, wire_pointer(reader, name),
				  "unknown, proposed, reported, official");
}

/* What the file does not say of a fact: proposed where the fact is given. */
static void read_statuses(struct wire_reader *reader, struct round *round)
{
	const char *text;

	read_fact(reader, "date_status", FACT_PROPOSED, &round->date_status);
	read_fact(reader, "time_status", round->start_minute >= 0 ? FACT_PROPOSED : FACT_UNKNOWN,
		  &round->time_status);
	read_fact(reader, "place_status",
		  round->nunits > 0 || round->venue.id ? FACT_PROPOSED : FACT_UNKNOWN, &round->place_status);
	round->status = ROUND_DRAFT;
	if (wire_word(reader, "status", WIRE_OPTIONAL, &text) && !round_status_parse(text, &round->status))
		wire_fault_choice(reader->err, wire_pointer(reader, "status"),
				  "draft, announced, open, running, closed, postponed, moved, cancelled");
	wire_text(reader, "status_reason", WIRE_OPTIONAL, WIRE_REASON_MAX, &round->status_reason);
	wire_text(reader, "document", WIRE_OPTIONAL, WIRE_DOCUMENT_MAX, &round->document);
}

static void read_round(struct wire_reader *reader, const struct unit_map *units, struct round *round)
{
	int64_t ordinal = 0;
	unsigned set = round_fields_read(reader, units, ~0u, ROUND_FIELDS_PERIODS | ROUND_FIELDS_FILE, round);

	wire_int(reader, "ordinal", WIRE_REQUIRED, 1, PLAN_ROUNDS_MAX, &ordinal);
	round->ordinal = (int)ordinal;
	if (!(set & ROUND_TITLE))
		round->title = round_default_title(reader->arena, round->ordinal);
	if (!(set & ROUND_DATE))
		wire_fault_required(reader->err, wire_pointer(reader, "date"));
	read_statuses(reader, round);
	wire_reader_finish(reader);
}

static int compare_ordinals(const void *a, const void *b)
{
	return ((const struct round *)a)->ordinal - ((const struct round *)b)->ordinal;
}

void plan_rounds_read(struct wire_reader *reader, const struct unit_map *units, enum wire_need need,
		      struct plan *plan)
{
	json_t *array = wire_array(reader, "rounds", need, PLAN_ROUNDS_MAX);
	size_t count = array ? json_array_size(array) : 0;

	plan->rounds = arena_alloc(reader->arena, (count + 1) * sizeof(*plan->rounds));
	plan->nrounds = count;
	for (size_t i = 0; i < count; i++) {
		const char *pointer = arena_printf(reader->arena, "%s/rounds/%zu", reader->pointer, i);
		json_t *object = json_array_get(array, i);
		struct wire_reader inner;

		round_init(&plan->rounds[i]);
		if (!json_is_object(object)) {
			error_add_field(reader->err, pointer, "wrong_type", "An object is expected.",
					"Cần một đối tượng.");
			continue;
		}
		wire_reader_init(&inner, object, pointer, reader->arena, reader->err);
		read_round(&inner, units, &plan->rounds[i]);
	}
}

bool plan_file_read_json(const char *text, size_t len, const struct unit_map *units, struct arena *arena,
			 struct plan *plan, struct error *err)
{
	struct wire_reader reader;
	json_t *object = plan_file_parse(text, len, err);
	bool fine;

	if (!object)
		return false;
	*plan = (struct plan){ 0 };
	wire_reader_init(&reader, object, "", arena, err);
	plan_head_read(&reader, plan);
	plan_rounds_read(&reader, units, WIRE_REQUIRED, plan);
	fine = wire_reader_finish(&reader);
	json_decref(object);
	if (fine)
		qsort(plan->rounds, plan->nrounds, sizeof(*plan->rounds), compare_ordinals);
	return fine;
}

/* ---- out: members that are not given stay away ---- */

static void put_text(json_t *object, const char *key, const char *text)
{
	if (text)
		json_object_set_new(object, key, json_string(text));
}

static void put_date(json_t *object, const char *key, struct date date)
{
	char text[DATE_TEXT_SIZE];

	if (!date_is_none(date))
		put_text(object, key, date_format(date, text));
}

static void put_minute(json_t *object, const char *key, int minute)
{
	char text[6];

	if (minute >= 0)
		put_text(object, key, minute_format(minute, text));
}

static void put_count(json_t *object, const char *key, int count)
{
	if (count >= 0)
		json_object_set_new(object, key, json_integer(count));
}

static void put_ids(json_t *object, const char *key, const struct named *list, size_t count)
{
	json_t *ids = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(ids, json_string(list[i].id));
	json_object_set_new(object, key, ids);
}

static void put_when(json_t *object, const struct round *round)
{
	if (round->precision == PRECISION_DAY) {
		put_date(object, "date", round->from);
	} else {
		json_t *period = json_object();

		put_date(period, "from", round->from);
		put_date(period, "to", round->to);
		json_object_set_new(object, "period", period);
		put_text(object, "date_precision", date_precision_text(round->precision));
	}
	put_minute(object, "start", round->start_minute);
	put_minute(object, "end", round->end_minute);
	put_text(object, "date_status", fact_status_text(round->date_status));
	put_text(object, "time_status", fact_status_text(round->time_status));
	put_text(object, "place_status", fact_status_text(round->place_status));
}

static json_t *round_object(const struct round *round)
{
	json_t *object = json_object();

	put_count(object, "ordinal", round->ordinal);
	put_text(object, "title", round->title);
	put_when(object, round);
	put_text(object, "status", round_status_text(round->status));
	put_text(object, "status_reason", round->status_reason);
	if (round->nunits > 0)
		put_ids(object, "units", round->units, round->nunits);
	put_text(object, "venue", round->venue.id);
	put_text(object, "team", round->team.id);
	put_text(object, "organiser", round->organiser);
	if (round->ncampaigns > 0)
		put_ids(object, "campaigns", round->campaigns, round->ncampaigns);
	put_count(object, "target_units", round->target_units);
	put_count(object, "capacity", round->capacity);
	put_text(object, "document", round->document);
	put_text(object, "note", round->note);
	return object;
}

static json_t *plan_object(const struct plan *plan)
{
	json_t *object = json_object(), *basis = json_array(), *rounds = json_array();

	put_text(object, "number", plan->number);
	put_text(object, "title", plan->title);
	put_date(object, "issued_on", plan->issued_on);
	put_text(object, "issuer", plan->issuer);
	for (size_t i = 0; i < plan->nlegal_basis; i++)
		json_array_append_new(basis, json_string(plan->legal_basis[i]));
	json_object_set_new(object, "legal_basis", basis);
	put_date(object, "from", plan->from);
	put_date(object, "to", plan->to);
	put_text(object, "code_prefix", plan->code_prefix);
	if (plan->demo)
		json_object_set_new(object, "demo", json_true());
	put_ids(object, "campaigns", plan->campaigns, plan->ncampaigns);
	for (size_t i = 0; i < plan->nrounds; i++)
		json_array_append_new(rounds, round_object(&plan->rounds[i]));
	json_object_set_new(object, "rounds", rounds);
	return object;
}

static int append_chunk(const char *bytes, size_t len, void *buf)
{
	buf_append(buf, bytes, len);
	return 0;
}

void plan_file_write(struct buf *buf, const struct plan *plan)
{
	json_t *object = plan_object(plan);

	json_dump_callback(object, append_chunk, buf, JSON_INDENT(2));
	buf_append_char(buf, '\n');
	json_decref(object);
}
