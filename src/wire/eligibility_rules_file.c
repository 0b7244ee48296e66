#include "wire/eligibility_wire.h"

#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "wire/fields.h"
#include "wire/rule_file.h"
#include "wire/wire.h"

/*
 * The file of a rule set. Each list of the file has a function read_*() below
 * that reads one entry of it, in the order of the file.
 */

static const char format[] = "giothong-eligibility/1";

struct file {
	struct rule_file          common;
	struct eligibility_rules *rules;
	bool                      parameter_given[PARAMETER_COUNT];
};

/* ---- words ---- */

static void read_sex(struct wire_reader *reader, const char *name, enum donor_sex *out)
{
	const char *text;

	if (wire_word(reader, name, WIRE_OPTIONAL, &text) && !donor_sex_parse(text, out))
		wire_fault_choice(reader->err, wire_pointer(reader, name), "female, male");
}

static void read_span(struct wire_reader *reader, const char *name, enum wire_need need, struct span *out)
{
	json_t *object = wire_object(reader, name, need);
	struct wire_reader inner;
	const char *unit;
	int64_t value;

	if (!object)
		return;
	wire_reader_init(&inner, object, wire_pointer(reader, name), reader->arena, reader->err);
	if (wire_int(&inner, "value", WIRE_REQUIRED, 1, 4000, &value))
		out->value = (int)value;
	if (wire_word(&inner, "unit", WIRE_REQUIRED, &unit) && !span_unit_parse(unit, &out->unit))
		wire_fault_choice(reader->err, wire_pointer(&inner, "unit"), "hour, day, week, month, year");
	wire_reader_finish(&inner);
}

/* ---- what every rule has ---- */

static void read_first_time(struct wire_reader *reader, enum first_time *out)
{
	bool first;

	if (wire_bool(reader, "first_time", WIRE_OPTIONAL, &first))
		*out = first ? DONORS_FIRST_TIME : DONORS_REPEAT;
}

static void read_common(struct rule_file *file, struct wire_reader *reader, enum rule_kind kind, struct rule *rule)
{
	const struct eligibility_rules *rules = container_of(file, struct file, common)->rules;

	rule->kind = kind;
	rule->pointer = reader->pointer;
	rule->valid_from = rules->valid_from;
	rule->valid_to = rules->valid_to;
	wire_text(reader, "article", WIRE_REQUIRED, RULE_ARTICLE_MAX, &rule->article);
	rule_file_evidence(reader, &rule->evidence);
	rule_file_source_ids(file, reader, &rule->sources);
	wire_date(reader, "valid_from", WIRE_OPTIONAL, &rule->valid_from);
	wire_date(reader, "valid_to", WIRE_OPTIONAL, &rule->valid_to);
	rule_file_bilingual(reader, "note", WIRE_OPTIONAL, rule->note);
	wire_bool(reader, "doctor_may_allow", WIRE_OPTIONAL, &rule->doctor_may_allow);
}

/* A rule with a name of its own, about components. */
static void read_rule(struct rule_file *file, struct wire_reader *reader, enum rule_kind kind, struct rule *rule)
{
	rule_file_code(reader, "rule", &rule->id);
	read_common(file, reader, kind, rule);
	rule_file_components(reader, "components", WIRE_REQUIRED, &rule->components);
	read_sex(reader, "sex", &rule->sex);
	read_first_time(reader, &rule->first_time);
}

/* A rule that is known by its code, and named "deferral.malaria". */
static void read_coded(struct rule_file *file, struct wire_reader *reader, enum rule_kind kind, struct rule *rule,
		       const char **code, const char *text[LANGUAGE_COUNT])
{
	if (rule_file_code(reader, "code", code))
		rule->id = arena_printf(file->arena, "%s.%s", rule_kind_text(kind), *code);
	rule_file_bilingual(reader, "text", WIRE_REQUIRED, text);
	read_common(file, reader, kind, rule);
	rule->components = COMPONENTS_ALL;
	rule_file_components(reader, "components", WIRE_OPTIONAL, &rule->components);
}

/* ---- the lists ---- */

static void read_age(struct rule_file *file, struct wire_reader *reader, void *entry)
{
	struct age_rule *age = entry;

	age->from_years = age->to_years = -1;
	read_rule(file, reader, RULE_AGE, &age->rule);
	wire_int_or_clear(reader, "from_years", 0, 150, &age->from_years);
	wire_int_or_clear(reader, "to_years", 0, 150, &age->to_years);
	if (age->from_years < 0 && age->to_years < 0 && reader->err->code == ERR_NONE)
		wire_fault_required(reader->err, wire_pointer(reader, "from_years"));
}

static void read_limit(struct rule_file *file, struct wire_reader *reader, void *entry)
{
	struct limit_rule *limit = entry;
	const char *fact;
	bool must_be;

	read_rule(file, reader, RULE_LIMIT, &limit->rule);
	if (wire_word(reader, "fact", WIRE_REQUIRED, &fact) && !eligibility_measure_parse(fact, &limit->measure)) {
		wire_fault_choice(reader->err, wire_pointer(reader, "fact"),
				  "weight_kg, systolic_mmhg, diastolic_mmhg, pulse_bpm, pulse_regular, hemoglobin_g_l,"
				  " platelets_10e9_l, protein_g_l");
		return;
	}
	rule_file_range(reader, "when_volume_ml", WIRE_OPTIONAL, &limit->volume);
	if (limit->measure != MEASURE_PULSE_REGULAR) {
		rule_file_limits(reader, &limit->range);
	} else if (wire_bool(reader, "must_be", WIRE_REQUIRED, &must_be)) {
		limit->range.has_low = limit->range.has_high = true;
		limit->range.low = limit->range.high = must_be ? MEASURE_ONE : 0;
	}
	/* Only the protein test comes with its day. */
	if (limit->measure == MEASURE_PROTEIN)
		read_span(reader, "max_age", WIRE_OPTIONAL, &limit->max_age);
}

static void read_band(struct rule_file *file, struct wire_reader *reader, void *entry)
{
	struct band_rule *band = entry;

	band->max_ml = band->max_ml_per_kg = -1;
	read_rule(file, reader, RULE_BAND, &band->rule);
	rule_file_range(reader, "weight_kg", WIRE_REQUIRED, &band->weight);
	wire_int_or_clear(reader, "max_ml", 1, 5000, &band->max_ml);
	wire_int_or_clear(reader, "max_ml_per_kg", 1, 100, &band->max_ml_per_kg);
	if (band->max_ml < 0 && band->max_ml_per_kg < 0 && reader->err->code == ERR_NONE)
		wire_fault_required(reader->err, wire_pointer(reader, "max_ml"));
}

static void read_condition(struct rule_file *file, struct wire_reader *reader, void *entry)
{
	struct condition_rule *condition = entry;
	const char *lasts;

	read_coded(file, reader, RULE_CONDITION, &condition->rule, &condition->code, condition->text);
	read_sex(reader, "asked_of", &condition->rule.sex);
	if (wire_word(reader, "lasts", WIRE_REQUIRED, &lasts) && !condition_lasts_parse(lasts, &condition->lasts))
		wire_fault_choice(reader->err, wire_pointer(reader, "lasts"), "while_present, for_ever, today");
}

static void read_deferral(struct rule_file *file, struct wire_reader *reader, void *entry)
{
	struct deferral_rule *deferral = entry;
	const char *from;

	read_coded(file, reader, RULE_DEFERRAL, &deferral->rule, &deferral->code, deferral->text);
	read_sex(reader, "asked_of", &deferral->rule.sex);
	read_span(reader, "wait", WIRE_REQUIRED, &deferral->wait);
	if (wire_word(reader, "counted_from", WIRE_REQUIRED, &from) && !counted_from_parse(from, &deferral->counted_from))
		wire_fault_choice(reader->err, wire_pointer(reader, "counted_from"),
				  "event, cure, full_recovery, end_of_course");
}

static void read_counts_from(struct wire_reader *reader, enum counts_from *out)
{
	const char *text;

	if (!wire_word(reader, "counts_from", WIRE_REQUIRED, &text))
		return;
	*out = streq(text, "last_of_these") ? FROM_LAST_OF_THESE : FROM_LAST_DONATION;
	if (!streq(text, "last_of_these") && !streq(text, "last_donation"))
		wire_fault_choice(reader->err, wire_pointer(reader, "counts_from"), "last_donation, last_of_these");
}

static void read_wait(struct rule_file *file, struct wire_reader *reader, void *entry)
{
	struct wait_rule *wait = entry;

	read_rule(file, reader, RULE_WAIT, &wait->rule);
	rule_file_components(reader, "after", WIRE_REQUIRED, &wait->after);
	read_counts_from(reader, &wait->counts_from);
	rule_file_range(reader, "after_volume_ml", WIRE_OPTIONAL, &wait->after_volume);
	read_span(reader, "wait", WIRE_REQUIRED, &wait->wait);
}

static void read_count(struct rule_file *file, struct wire_reader *reader, void *entry)
{
	struct count_rule *count = entry;
	int64_t at_most;

	read_rule(file, reader, RULE_COUNT, &count->rule);
	rule_file_components(reader, "of", WIRE_REQUIRED, &count->of);
	read_counts_from(reader, &count->counts_from);
	if (wire_int(reader, "at_most", WIRE_REQUIRED, 1, 1000, &at_most))
		count->at_most = (int)at_most;
	read_span(reader, "in", WIRE_REQUIRED, &count->window);
}

static void read_total(struct rule_file *file, struct wire_reader *reader, void *entry)
{
	struct total_rule *total = entry;
	int64_t at_most;

	read_rule(file, reader, RULE_TOTAL, &total->rule);
	rule_file_components(reader, "of", WIRE_REQUIRED, &total->of);
	if (wire_int(reader, "at_most_ml", WIRE_REQUIRED, 1, 1000000, &at_most))
		total->at_most_ml = (int)at_most;
	read_span(reader, "in", WIRE_REQUIRED, &total->window);
}

static void read_occupation(struct rule_file *file, struct wire_reader *reader, void *entry)
{
	struct occupation_rule *occupation = entry;

	read_coded(file, reader, RULE_OCCUPATION, &occupation->rule, &occupation->code, occupation->text);
	read_span(reader, "wait", WIRE_REQUIRED, &occupation->wait);
}

#define READ_LIST(name, list, read) \
	do { \
		void *made = file->rules->list; \
		rule_file_list(&file->common, reader, name, sizeof(*file->rules->list), &made, &file->rules->n##list, read); \
		file->rules->list = made; \
	} while (0)

static void read_lists(struct file *file, struct wire_reader *reader)
{
	READ_LIST("ages", ages, read_age);
	READ_LIST("limits", limits, read_limit);
	READ_LIST("bands", bands, read_band);
	READ_LIST("conditions", conditions, read_condition);
	READ_LIST("deferrals", deferrals, read_deferral);
	READ_LIST("guidance", deferrals, read_deferral);         /* the same, from outside the law */
	READ_LIST("waits", waits, read_wait);
	READ_LIST("counts", counts, read_count);
	READ_LIST("totals", totals, read_total);
	READ_LIST("occupations", occupations, read_occupation);
}

/* ---- parameters, sources ---- */

static bool find_parameter(const char *name, enum eligibility_parameter *out)
{
	for (int i = 0; i < PARAMETER_COUNT; i++) {
		if (streq(eligibility_parameter_name((enum eligibility_parameter)i), name)) {
			*out = (enum eligibility_parameter)i;
			return true;
		}
	}
	return false;
}

/* A word; or a number where the choices are numbers. */
static void read_choice(struct wire_reader *reader, const char *const *choices, int *out)
{
	json_t *member = wire_has(reader, "value") ? json_object_get(reader->object, "value") : NULL;
	const char *text = json_string_value(member);

	if (json_is_integer(member) && choices == eligibility_parameter_choices(PARAMETER_INTERVAL_FIRST_DAY))
		text = arena_printf(reader->arena, "%lld", (long long)json_integer_value(member));
	for (int i = 0; text && choices[i]; i++)
		if (streq(choices[i], text)) {
			*out = i;
			return;
		}
	wire_fault_choice(reader->err, wire_pointer(reader, "value"), rule_file_words(reader->arena, choices));
}

static void read_parameter(struct rule_file *common, struct wire_reader *reader, void *unused)
{
	struct file *file = container_of(common, struct file, common);
	struct parameter_value *parameter;
	enum eligibility_parameter which;
	const char *name;

	(void)unused;
	if (!rule_file_code(reader, "name", &name))
		return;
	if (!find_parameter(name, &which)) {
		wire_fault_choice(reader->err, wire_pointer(reader, "name"),
				  "interval_first_day_offset, deferral_first_day_offset, month_counting, age_last_day,"
				  " leap_day_birthday, mixed_donations");
		return;
	}
	if (file->parameter_given[which]) {
		error_add_field(reader->err, wire_pointer(reader, "name"), "duplicate", "This parameter stands here twice.",
				"Tham số này xuất hiện hai lần.");
		return;
	}
	file->parameter_given[which] = true;
	parameter = &file->rules->parameters[which];
	parameter->rule.id = eligibility_parameter_name(which);
	parameter->rule.components = COMPONENTS_ALL;
	read_common(common, reader, RULE_PARAMETER, &parameter->rule);
	read_choice(reader, eligibility_parameter_choices(which), &parameter->value);
	rule_file_bilingual(reader, "question", WIRE_REQUIRED, parameter->question);
}

/* All must be there: what the engine would take otherwise nobody has decided. */
static void read_parameters(struct file *file, struct wire_reader *reader)
{
	void *none = NULL;
	size_t count = 0;

	rule_file_list(&file->common, reader, "parameters", 1, &none, &count, read_parameter);
	for (int i = 0; i < PARAMETER_COUNT; i++)
		if (!file->parameter_given[i])
			error_add_field(file->common.err, "/parameters", "required", "The parameter %s is missing.",
					"Thiếu tham số %s.", eligibility_parameter_name((enum eligibility_parameter)i));
}

/* ---- the head ---- */

static void read_use(struct wire_reader *reader, enum rule_set_use *out)
{
	const char *use;

	if (!wire_word(reader, "use", WIRE_REQUIRED, &use))
		return;
	*out = streq(use, "practice") ? USE_PRACTICE : USE_ILLUSTRATION;
	if (!streq(use, "practice") && !streq(use, "illustration"))
		wire_fault_choice(reader->err, wire_pointer(reader, "use"), "practice, illustration");
}

static void read_final_word(struct file *file, struct wire_reader *reader)
{
	json_t *object = wire_object(reader, "final_word", WIRE_REQUIRED);
	struct rule *rule = &file->rules->final_word;
	struct wire_reader inner;
	const char *text[LANGUAGE_COUNT] = { 0 };

	if (!object)
		return;
	wire_reader_init(&inner, object, "/final_word", file->common.arena, file->common.err);
	rule->id = "final_word";
	rule->components = COMPONENTS_ALL;
	read_common(&file->common, &inner, RULE_FINAL_WORD, rule);
	rule_file_bilingual(&inner, "text", WIRE_REQUIRED, text);
	memcpy(rule->note, text, sizeof(text));
	wire_reader_finish(&inner);
}

static void read_head(struct file *file, struct wire_reader *reader)
{
	struct eligibility_rules *rules = file->rules;
	const char *text;
	struct date issued;

	if (wire_word(reader, "format", WIRE_REQUIRED, &text) && !streq(text, format))
		wire_fault_choice(reader->err, "/format", format);
	rule_file_code(reader, "id", &rules->id);
	read_use(reader, &rules->use);
	wire_text(reader, "jurisdiction", WIRE_REQUIRED, RULE_CODE_MAX, &text);
	wire_text(reader, "number", WIRE_REQUIRED, RULE_ARTICLE_MAX, &rules->number);
	rule_file_bilingual(reader, "title", WIRE_REQUIRED, rules->title);
	wire_date(reader, "issued_on", WIRE_OPTIONAL, &issued);
	wire_date(reader, "valid_from", WIRE_REQUIRED, &rules->valid_from);
	wire_date(reader, "valid_to", WIRE_OPTIONAL, &rules->valid_to);
	rule_file_bilingual(reader, "note", WIRE_OPTIONAL, rules->note);
}

bool eligibility_rules_read(const char *text, size_t len, struct arena *arena, struct eligibility_rules *rules,
			    struct error *err)
{
	struct file file = { .common = { .arena = arena, .err = err }, .rules = rules };
	json_t *object = wire_parse_object(text, len, err);
	struct wire_reader reader;

	if (!object)
		return false;
	*rules = (struct eligibility_rules){ 0 };
	wire_reader_init(&reader, object, "", arena, err);
	read_head(&file, &reader);
	rule_file_sources(&file.common, &reader);
	rules->sources = file.common.sources;
	rules->nsources = file.common.nsources;
	read_final_word(&file, &reader);
	read_parameters(&file, &reader);
	read_lists(&file, &reader);
	wire_reader_finish(&reader);
	json_decref(object);
	return err->code == ERR_NONE && eligibility_rules_check(rules, err);
}

/* ---- the sets that are part of the program ---- */

extern const struct embedded_file embedded_eligibility[];

const struct embedded_file *eligibility_rules_embedded(void)
{
	return embedded_eligibility;
}
