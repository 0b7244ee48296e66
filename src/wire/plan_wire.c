#include "wire/plan_wire.h"

#include "base/error.h"
#include "base/json_out.h"
#include "base/memory.h"
#include "wire/fields.h"
#include "wire/plan_head.h"
#include "wire/round_fields.h"
#include "wire/round_wire.h"

/* ---- out ---- */

void plan_write(struct json_out *out, const char *key, const struct plan *plan, bool rounds)
{
	jout_object(out, key);
	jout_text(out, "id", *plan->id ? plan->id : NULL);     /* "": not written yet */
	jout_text(out, "number", plan->number);
	jout_text(out, "slug", plan->slug);
	jout_text(out, "code_prefix", plan->code_prefix);
	jout_text(out, "title", plan->title);
	jout_date(out, "issued_on", plan->issued_on);
	jout_text(out, "issuer", plan->issuer);
	jout_array(out, "legal_basis");
	for (size_t i = 0; i < plan->nlegal_basis; i++)
		jout_text(out, NULL, plan->legal_basis[i]);
	jout_end(out);
	jout_date(out, "from", plan->from);
	jout_date(out, "to", plan->to);
	jout_bool(out, "demo", plan->demo);
	named_list_write(out, "campaigns", plan->campaigns, plan->ncampaigns);
	jout_int(out, "round_count", (int64_t)plan->nrounds);
	if (rounds) {
		jout_array(out, "rounds");
		for (size_t i = 0; i < plan->nrounds; i++)
			round_write(out, NULL, &plan->rounds[i]);
		jout_end(out);
	}
	if (plan->version > 0)
		jout_int(out, "version", plan->version);
	else
		jout_null(out, "version");
	jout_end(out);
}

static const char *const action_texts[] = {
	[PLAN_CREATE] = "create",
	[PLAN_UPDATE] = "update",
	[PLAN_KEEP] = "keep",
	[PLAN_REFUSE] = "refuse",
};

/* Bit by bit, in the order of enum round_field; hours and facts are several members each. */
static const struct {
	unsigned    bit;
	const char *name;
} field_names[] = {
	{ ROUND_TITLE, "title" },         { ROUND_DATE, "date" },
	{ ROUND_TIME, "time" },           { ROUND_UNITS, "units" },
	{ ROUND_VENUE, "venue" },         { ROUND_TEAM, "team" },
	{ ROUND_ORGANISER, "organiser" }, { ROUND_CAMPAIGNS, "campaigns" },
	{ ROUND_TARGET, "target_units" }, { ROUND_CAPACITY, "capacity" },
	{ ROUND_NOTE, "note" },
};

static void write_state(struct json_out *out, const char *key, const struct round *round)
{
	if (!round) {
		jout_null(out, key);
		return;
	}
	jout_object(out, key);
	jout_date(out, "date", round->precision == PRECISION_DAY ? round->from : (struct date){ 0 });
	jout_text(out, "status", round_status_text(round->status));
	jout_end(out);
}

static void write_row(struct json_out *out, const struct plan_diff_row *row)
{
	jout_object(out, NULL);
	jout_int(out, "ordinal", row->ordinal);
	jout_text(out, "action", action_texts[row->action]);
	jout_array(out, "fields");
	for (size_t i = 0; i < ARRAY_SIZE(field_names); i++)
		if (row->fields & field_names[i].bit)
			jout_text(out, NULL, field_names[i].name);
	if (row->facts_differ)
		jout_text(out, NULL, "facts");
	jout_end(out);
	write_state(out, "was", row->was);
	write_state(out, "now", row->now);
	jout_end(out);
}

void plan_diff_write(struct json_out *out, const struct plan *plan, const struct plan_diff *diff,
		     bool applied)
{
	jout_object(out, NULL);
	plan_write(out, "plan", plan, false);
	jout_text(out, "plan_action", action_texts[diff->plan]);
	jout_bool(out, "applied", applied);
	jout_int(out, "created", (int64_t)diff->created);
	jout_int(out, "updated", (int64_t)diff->updated);
	jout_int(out, "kept", (int64_t)diff->kept);
	jout_int(out, "refused", (int64_t)diff->refused);
	jout_array(out, "rows");
	for (size_t i = 0; i < diff->nrows; i++)
		if (diff->rows[i].action != PLAN_KEEP)
			write_row(out, &diff->rows[i]);
	jout_end(out);
	jout_end(out);
}

/* ---- in ---- */

enum {
	PLAN_TITLE_MAX = 300, PLAN_NUMBER_MAX = 64, PLAN_PREFIX_MAX = 12, PLAN_SLUG_SIZE = 128,
	LEGAL_BASIS_MAX = 32
};

static void read_number(struct wire_reader *reader, struct plan *plan)
{
	char *slug;

	if (!wire_text(reader, "number", WIRE_REQUIRED, PLAN_NUMBER_MAX, &plan->number))
		return;
	slug = arena_alloc(reader->arena, PLAN_SLUG_SIZE);
	if (!plan_slug(plan->number, slug, PLAN_SLUG_SIZE))
		error_add_field(reader->err, wire_pointer(reader, "number"), "invalid_value",
				"The number needs a letter or a digit.", "Số kế hoạch cần có chữ hoặc số.");
	plan->slug = slug;
}

void plan_head_read(struct wire_reader *reader, struct plan *plan)
{
	read_number(reader, plan);
	wire_text(reader, "title", WIRE_REQUIRED, PLAN_TITLE_MAX, &plan->title);
	wire_text(reader, "code_prefix", WIRE_REQUIRED, PLAN_PREFIX_MAX, &plan->code_prefix);
	wire_date(reader, "issued_on", WIRE_OPTIONAL, &plan->issued_on);
	wire_text(reader, "issuer", WIRE_OPTIONAL, PLAN_TITLE_MAX, &plan->issuer);
	wire_texts(reader, "legal_basis", WIRE_OPTIONAL, LEGAL_BASIS_MAX, PLAN_TITLE_MAX, &plan->legal_basis,
		   &plan->nlegal_basis);
	wire_date(reader, "from", WIRE_REQUIRED, &plan->from);
	wire_date(reader, "to", WIRE_REQUIRED, &plan->to);
	wire_bool(reader, "demo", WIRE_OPTIONAL, &plan->demo);
	campaigns_read(reader, &plan->campaigns, &plan->ncampaigns);
}

bool plan_read(const char *body, size_t len, struct arena *arena, struct plan *plan, struct error *err)
{
	struct wire_reader reader;
	json_t *object = wire_parse_object(body, len, err);
	bool fine;

	if (!object)
		return false;
	*plan = (struct plan){ 0 };
	wire_reader_init(&reader, object, "", arena, err);
	plan_head_read(&reader, plan);
	fine = wire_reader_finish(&reader);
	json_decref(object);
	return fine;
}
