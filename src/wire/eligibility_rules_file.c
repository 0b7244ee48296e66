#include "wire/eligibility_wire.h"

#include <ctype.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "wire/fields.h"
#include "wire/wire.h"

/*
 * The file of a rule set. Each list of the file has a function read_*() below
 * that reads one entry of it, in the order of the file.
 */

enum { TEXT_MAX = 600, CODE_MAX = 60, ARTICLE_MAX = 60, SOURCES_MAX = 60 };

static const char format[] = "giothong-eligibility/1";
static const char sources_pointer[] = "/sources";

struct file {
	struct eligibility_rules *rules;
	struct arena             *arena;
	struct error             *err;
	const char              **sources;       /* ids of those read so far */
	size_t                    nsources;
	bool                      parameter_given[PARAMETER_COUNT];
};

/* ---- words ---- */

/* Lower-case letters, digits, '_', '-' and '.': ids go into JSON, options and lines of text. */
static bool read_code(struct wire_reader *reader, const char *name, const char **out)
{
	if (!wire_text(reader, name, WIRE_REQUIRED, CODE_MAX, out))
		return false;
	for (const char *p = *out; *p; p++)
		if (!islower((unsigned char)*p) && !isdigit((unsigned char)*p) && !strchr("_-.", *p))
			return error_add_field(reader->err, wire_pointer(reader, name), "invalid_value",
					       "Lower-case letters a-z, digits and _ - . only.",
					       "Chỉ chữ thường a-z, chữ số và _ - .");
	return true;
}

/* Texts in both languages. */
static void read_bilingual(struct wire_reader *reader, const char *name, enum wire_need need,
			   const char *out[LANGUAGE_COUNT])
{
	json_t *object = wire_object(reader, name, need);
	struct wire_reader inner;

	if (!object)
		return;
	wire_reader_init(&inner, object, wire_pointer(reader, name), reader->arena, reader->err);
	wire_text(&inner, "en", WIRE_REQUIRED, TEXT_MAX, &out[LANGUAGE_EN]);
	wire_text(&inner, "vi", WIRE_REQUIRED, TEXT_MAX, &out[LANGUAGE_VI]);
	wire_reader_finish(&inner);
}

static void read_evidence(struct wire_reader *reader, enum evidence *out)
{
	const char *text;

	if (wire_word(reader, "evidence", WIRE_REQUIRED, &text) && !evidence_parse(text, out))
		wire_fault_choice(reader->err, wire_pointer(reader, "evidence"), "seen, seen_unofficial, recalled");
}

static bool is_source(const struct file *file, const char *id)
{
	for (size_t i = 0; i < file->nsources; i++)
		if (streq(file->sources[i], id))
			return true;
	return false;
}

/* The ids of the sources as one text, "s2, s8". */
static void read_sources(struct file *file, struct wire_reader *reader, const char **out)
{
	const char **ids;
	size_t count;

	*out = "";
	if (!wire_texts(reader, "sources", WIRE_OPTIONAL, SOURCES_MAX, CODE_MAX, &ids, &count))
		return;
	for (size_t i = 0; i < count; i++) {
		if (!is_source(file, ids[i])) {
			error_add_field(reader->err, arena_printf(reader->arena, "%s/%zu", wire_pointer(reader, "sources"), i),
					"unknown_source", "Name a source of the list /sources by its id.",
					"Hãy ghi id của một nguồn trong danh sách /sources.");
			return;
		}
		*out = i == 0 ? ids[i] : arena_printf(reader->arena, "%s, %s", *out, ids[i]);
	}
}

/* "all", or an array of components. */
static bool read_components(struct wire_reader *reader, const char *name, enum wire_need need, unsigned *out)
{
	json_t *member = wire_has(reader, name) ? json_object_get(reader->object, name) : NULL;
	const char **words;
	size_t count;

	if (json_is_string(member) && streq(json_string_value(member), "all")) {
		*out = COMPONENTS_ALL;
		return true;
	}
	if (json_is_string(member))
		return wire_fault_choice(reader->err, wire_pointer(reader, name), "\"all\", or an array of " COMPONENT_WORDS);
	if (!wire_texts(reader, name, need, COMPONENT_COUNT, CODE_MAX, &words, &count))
		return false;
	*out = 0;
	for (size_t i = 0; i < count; i++) {
		const char *pointer = arena_printf(reader->arena, "%s/%zu", wire_pointer(reader, name), i);
		enum component component;

		if (!component_parse(words[i], &component))
			return wire_fault_choice(reader->err, pointer, COMPONENT_WORDS);
		if (component_in(*out, component))
			return error_add_field(reader->err, pointer, "duplicate", "This component stands here twice.",
					       "Thành phần này xuất hiện hai lần.");
		*out |= 1u << component;
	}
	return *out != 0 || wire_fault_required(reader->err, wire_pointer(reader, name));
}

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

/* ---- limits, open and closed ---- */

enum { NUMBER_MAX = 1000000 };

/* One side: the closed word or the open one. */
static bool read_side(struct wire_reader *reader, const char *closed, const char *open, int32_t *value, bool *is_open)
{
	int32_t other;

	*is_open = wire_thousandths(reader, open, WIRE_OPTIONAL, 0, NUMBER_MAX, value);
	if (!wire_thousandths(reader, closed, WIRE_OPTIONAL, 0, NUMBER_MAX, *is_open ? &other : value))
		return *is_open;
	if (*is_open)
		error_add_field(reader->err, wire_pointer(reader, open), "contradiction",
				"Give %s or %s, not both.", "Chỉ ghi %s hoặc %s, không ghi cả hai.", closed, open);
	return true;
}

static void read_limits_of(struct wire_reader *reader, struct range *range)
{
	range->has_low = read_side(reader, "at_least", "over", &range->low, &range->low_open);
	range->has_high = read_side(reader, "at_most", "under", &range->high, &range->high_open);
	if (!range->has_low && !range->has_high && reader->err->code == ERR_NONE)
		error_add_field(reader->err, reader->pointer, "required",
				"Give a limit: at_least, over, at_most or under.",
				"Cần một giới hạn: at_least, over, at_most hoặc under.");
}

static void read_range(struct wire_reader *reader, const char *name, enum wire_need need, struct range *range)
{
	json_t *object = wire_object(reader, name, need);
	struct wire_reader inner;

	if (!object)
		return;
	wire_reader_init(&inner, object, wire_pointer(reader, name), reader->arena, reader->err);
	read_limits_of(&inner, range);
	wire_reader_finish(&inner);
}

/* ---- what every rule has ---- */

static void read_first_time(struct wire_reader *reader, enum first_time *out)
{
	bool first;

	if (wire_bool(reader, "first_time", WIRE_OPTIONAL, &first))
		*out = first ? DONORS_FIRST_TIME : DONORS_REPEAT;
}

static void read_common(struct file *file, struct wire_reader *reader, enum rule_kind kind, struct rule *rule)
{
	rule->kind = kind;
	rule->pointer = reader->pointer;
	rule->valid_from = file->rules->valid_from;
	rule->valid_to = file->rules->valid_to;
	wire_text(reader, "article", WIRE_REQUIRED, ARTICLE_MAX, &rule->article);
	read_evidence(reader, &rule->evidence);
	read_sources(file, reader, &rule->sources);
	wire_date(reader, "valid_from", WIRE_OPTIONAL, &rule->valid_from);
	wire_date(reader, "valid_to", WIRE_OPTIONAL, &rule->valid_to);
	read_bilingual(reader, "note", WIRE_OPTIONAL, rule->note);
	wire_bool(reader, "doctor_may_allow", WIRE_OPTIONAL, &rule->doctor_may_allow);
}

/* A rule with a name of its own, about components. */
static void read_rule(struct file *file, struct wire_reader *reader, enum rule_kind kind, struct rule *rule)
{
	read_code(reader, "rule", &rule->id);
	read_common(file, reader, kind, rule);
	read_components(reader, "components", WIRE_REQUIRED, &rule->components);
	read_sex(reader, "sex", &rule->sex);
	read_first_time(reader, &rule->first_time);
}

/* A rule that is known by its code, and named "deferral.malaria". */
static void read_coded(struct file *file, struct wire_reader *reader, enum rule_kind kind, struct rule *rule,
		       const char **code, const char *text[LANGUAGE_COUNT])
{
	if (read_code(reader, "code", code))
		rule->id = arena_printf(file->arena, "%s.%s", rule_kind_text(kind), *code);
	read_bilingual(reader, "text", WIRE_REQUIRED, text);
	read_common(file, reader, kind, rule);
	rule->components = COMPONENTS_ALL;
	read_components(reader, "components", WIRE_OPTIONAL, &rule->components);
}

/* ---- the lists ---- */

static void read_age(struct file *file, struct wire_reader *reader, void *entry)
{
	struct age_rule *age = entry;

	age->from_years = age->to_years = -1;
	read_rule(file, reader, RULE_AGE, &age->rule);
	wire_int_or_clear(reader, "from_years", 0, 150, &age->from_years);
	wire_int_or_clear(reader, "to_years", 0, 150, &age->to_years);
	if (age->from_years < 0 && age->to_years < 0 && reader->err->code == ERR_NONE)
		wire_fault_required(reader->err, wire_pointer(reader, "from_years"));
}

static void read_limit(struct file *file, struct wire_reader *reader, void *entry)
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
	read_range(reader, "when_volume_ml", WIRE_OPTIONAL, &limit->volume);
	if (limit->measure != MEASURE_PULSE_REGULAR) {
		read_limits_of(reader, &limit->range);
	} else if (wire_bool(reader, "must_be", WIRE_REQUIRED, &must_be)) {
		limit->range.has_low = limit->range.has_high = true;
		limit->range.low = limit->range.high = must_be ? MEASURE_ONE : 0;
	}
	/* Only the protein test comes with its day. */
	if (limit->measure == MEASURE_PROTEIN)
		read_span(reader, "max_age", WIRE_OPTIONAL, &limit->max_age);
}

static void read_band(struct file *file, struct wire_reader *reader, void *entry)
{
	struct band_rule *band = entry;

	band->max_ml = band->max_ml_per_kg = -1;
	read_rule(file, reader, RULE_BAND, &band->rule);
	read_range(reader, "weight_kg", WIRE_REQUIRED, &band->weight);
	wire_int_or_clear(reader, "max_ml", 1, 5000, &band->max_ml);
	wire_int_or_clear(reader, "max_ml_per_kg", 1, 100, &band->max_ml_per_kg);
	if (band->max_ml < 0 && band->max_ml_per_kg < 0 && reader->err->code == ERR_NONE)
		wire_fault_required(reader->err, wire_pointer(reader, "max_ml"));
}

static void read_condition(struct file *file, struct wire_reader *reader, void *entry)
{
	struct condition_rule *condition = entry;
	const char *lasts;

	read_coded(file, reader, RULE_CONDITION, &condition->rule, &condition->code, condition->text);
	read_sex(reader, "asked_of", &condition->rule.sex);
	if (wire_word(reader, "lasts", WIRE_REQUIRED, &lasts) && !condition_lasts_parse(lasts, &condition->lasts))
		wire_fault_choice(reader->err, wire_pointer(reader, "lasts"), "while_present, for_ever, today");
}

static void read_deferral(struct file *file, struct wire_reader *reader, void *entry)
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

static void read_wait(struct file *file, struct wire_reader *reader, void *entry)
{
	struct wait_rule *wait = entry;

	read_rule(file, reader, RULE_WAIT, &wait->rule);
	read_components(reader, "after", WIRE_REQUIRED, &wait->after);
	read_counts_from(reader, &wait->counts_from);
	read_range(reader, "after_volume_ml", WIRE_OPTIONAL, &wait->after_volume);
	read_span(reader, "wait", WIRE_REQUIRED, &wait->wait);
}

static void read_count(struct file *file, struct wire_reader *reader, void *entry)
{
	struct count_rule *count = entry;
	int64_t at_most;

	read_rule(file, reader, RULE_COUNT, &count->rule);
	read_components(reader, "of", WIRE_REQUIRED, &count->of);
	read_counts_from(reader, &count->counts_from);
	if (wire_int(reader, "at_most", WIRE_REQUIRED, 1, 1000, &at_most))
		count->at_most = (int)at_most;
	read_span(reader, "in", WIRE_REQUIRED, &count->window);
}

static void read_total(struct file *file, struct wire_reader *reader, void *entry)
{
	struct total_rule *total = entry;
	int64_t at_most;

	read_rule(file, reader, RULE_TOTAL, &total->rule);
	read_components(reader, "of", WIRE_REQUIRED, &total->of);
	if (wire_int(reader, "at_most_ml", WIRE_REQUIRED, 1, 1000000, &at_most))
		total->at_most_ml = (int)at_most;
	read_span(reader, "in", WIRE_REQUIRED, &total->window);
}

static void read_occupation(struct file *file, struct wire_reader *reader, void *entry)
{
	struct occupation_rule *occupation = entry;

	read_coded(file, reader, RULE_OCCUPATION, &occupation->rule, &occupation->code, occupation->text);
	read_span(reader, "wait", WIRE_REQUIRED, &occupation->wait);
}

/* Every entry of a list by read(); *list is of the arena, with what stood in it before in front. */
static void read_list(struct file *file, struct wire_reader *reader, const char *name, size_t entry_size, void **list,
		      size_t *count, void (*read)(struct file *, struct wire_reader *, void *))
{
	json_t *array = wire_array(reader, name, WIRE_REQUIRED, ELIGIBILITY_RULES_MAX / 2);
	size_t size = json_array_size(array);
	char *entries = arena_alloc(file->arena, (*count + size + 1) * entry_size);

	if (*count > 0)
		memcpy(entries, *list, *count * entry_size);
	for (size_t i = 0; i < size; i++) {
		const char *pointer = arena_printf(file->arena, "/%s/%zu", name, i);
		json_t *object = json_array_get(array, i);
		struct wire_reader inner;

		if (!json_is_object(object)) {
			error_add_field(file->err, pointer, "wrong_type", "An object is expected.", "Cần một đối tượng.");
			continue;
		}
		wire_reader_init(&inner, object, pointer, file->arena, file->err);
		read(file, &inner, entries + (*count)++ * entry_size);
		wire_reader_finish(&inner);
	}
	*list = entries;
}

#define READ_LIST(name, list, read) \
	do { \
		void *made = file->rules->list; \
		read_list(file, reader, name, sizeof(*file->rules->list), &made, &file->rules->n##list, read); \
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

static const char *list_words(struct arena *arena, const char *const *words)
{
	const char *list = *words;

	while (*++words)
		list = arena_printf(arena, "%s, %s", list, *words);
	return list;
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
	wire_fault_choice(reader->err, wire_pointer(reader, "value"), list_words(reader->arena, choices));
}

static void read_parameter(struct file *file, struct wire_reader *reader, void *unused)
{
	struct parameter_value *parameter;
	enum eligibility_parameter which;
	const char *name;

	(void)unused;
	if (!read_code(reader, "name", &name))
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
	read_common(file, reader, RULE_PARAMETER, &parameter->rule);
	read_choice(reader, eligibility_parameter_choices(which), &parameter->value);
	read_bilingual(reader, "question", WIRE_REQUIRED, parameter->question);
}

/* All must be there: what the engine would take otherwise nobody has decided. */
static void read_parameters(struct file *file, struct wire_reader *reader)
{
	void *none = NULL;
	size_t count = 0;

	read_list(file, reader, "parameters", 1, &none, &count, read_parameter);
	for (int i = 0; i < PARAMETER_COUNT; i++)
		if (!file->parameter_given[i])
			error_add_field(file->err, "/parameters", "required", "The parameter %s is missing.",
					"Thiếu tham số %s.", eligibility_parameter_name((enum eligibility_parameter)i));
}

static void read_source(struct file *file, struct wire_reader *reader, void *entry)
{
	struct rule_source *source = entry;

	if (read_code(reader, "id", &source->id)) {
		if (is_source(file, source->id))
			error_add_field(reader->err, wire_pointer(reader, "id"), "duplicate", "Another source has this id.",
					"Đã có nguồn khác mang id này.");
		file->sources[file->nsources++] = source->id;
	}
	wire_text(reader, "url", WIRE_OPTIONAL, WIRE_URL_MAX, &source->url);
	read_bilingual(reader, "what", WIRE_REQUIRED, source->what);
}

static void read_source_list(struct file *file, struct wire_reader *reader)
{
	file->sources = arena_alloc(file->arena, (ELIGIBILITY_RULES_MAX + 1) * sizeof(*file->sources));
	READ_LIST(sources_pointer + 1, sources, read_source);
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
	wire_reader_init(&inner, object, "/final_word", file->arena, file->err);
	rule->id = "final_word";
	rule->components = COMPONENTS_ALL;
	read_common(file, &inner, RULE_FINAL_WORD, rule);
	read_bilingual(&inner, "text", WIRE_REQUIRED, text);
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
	read_code(reader, "id", &rules->id);
	read_use(reader, &rules->use);
	wire_text(reader, "jurisdiction", WIRE_REQUIRED, CODE_MAX, &text);
	wire_text(reader, "number", WIRE_REQUIRED, ARTICLE_MAX, &rules->number);
	read_bilingual(reader, "title", WIRE_REQUIRED, rules->title);
	wire_date(reader, "issued_on", WIRE_OPTIONAL, &issued);
	wire_date(reader, "valid_from", WIRE_REQUIRED, &rules->valid_from);
	wire_date(reader, "valid_to", WIRE_OPTIONAL, &rules->valid_to);
	read_bilingual(reader, "note", WIRE_OPTIONAL, rules->note);
}

bool eligibility_rules_read(const char *text, size_t len, struct arena *arena, struct eligibility_rules *rules,
			    struct error *err)
{
	struct file file = { .rules = rules, .arena = arena, .err = err };
	json_t *object = wire_parse_object(text, len, err);
	struct wire_reader reader;

	if (!object)
		return false;
	*rules = (struct eligibility_rules){ 0 };
	wire_reader_init(&reader, object, "", arena, err);
	read_head(&file, &reader);
	read_source_list(&file, &reader);
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
