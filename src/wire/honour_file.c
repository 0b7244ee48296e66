#include "wire/honour_wire.h"

#include "base/memory.h"
#include "base/text.h"
#include "wire/fields.h"
#include "wire/rule_file.h"

/* The file of the ladders. */

static const char format[] = "giothong-honours/1";
enum { BAR_MAX = 1000, UNITS_MAX = 1000 };

static void read_step(struct rule_file *file, struct wire_reader *reader, void *entry)
{
	struct honour_step *step = entry;
	const char *word;
	int64_t bar;

	rule_file_dated(file, reader, &step->rule);
	if (wire_word(reader, "ladder", WIRE_REQUIRED, &word) && !honour_ladder_parse(word, &step->ladder))
		wire_fault_choice(reader->err, wire_pointer(reader, "ladder"), LADDER_WORDS);
	if (wire_int(reader, "at", WIRE_REQUIRED, 1, BAR_MAX, &bar))
		step->at = (int)bar;
	if (wire_int(reader, "at_mountain", WIRE_OPTIONAL, 1, BAR_MAX, &bar))
		step->at_mountain = (int)bar;
	rule_file_bilingual(reader, "award", WIRE_REQUIRED, step->award);
	if (wire_word(reader, "given_by", WIRE_REQUIRED, &word) && !honour_giver_parse(word, &step->given_by))
		wire_fault_choice(reader->err, wire_pointer(reader, "given_by"), GIVER_WORDS);
	wire_texts(reader, "replaces", WIRE_OPTIONAL, HONOUR_REPLACES_MAX, RULE_CODE_MAX, &step->replaces, &step->nreplaces);
}

/* "all", or ids of units. */
static void read_mountain(struct wire_reader *reader, struct honour_rules *rules)
{
	json_t *member = wire_has(reader, "mountain_units") ? json_object_get(reader->object, "mountain_units") : NULL;

	if (json_is_string(member) && streq(json_string_value(member), "all"))
		return;
	if (json_is_string(member))
		wire_fault_choice(reader->err, wire_pointer(reader, "mountain_units"), "\"all\", or an array of ids of units");
	else
		wire_texts(reader, "mountain_units", WIRE_REQUIRED, UNITS_MAX, WIRE_KEY_MAX, &rules->mountain_units,
			   &rules->nmountain_units);
}

static void read_lists(struct rule_file *file, struct wire_reader *reader, struct honour_rules *rules)
{
	void *steps = NULL;

	rule_file_sources(file, reader);
	rule_file_laws(file, reader);
	rules->laws = file->laws;
	rules->nlaws = file->nlaws;
	rule_file_questions(file, reader, honour_questions, rules->answers);
	read_mountain(reader, rules);
	rule_file_list(file, reader, "steps", sizeof(*rules->steps), &steps, &rules->nsteps, read_step);
	rules->steps = steps;
}

bool honour_rules_read(const char *text, size_t len, struct arena *arena, struct honour_rules *rules, struct error *err)
{
	struct rule_file file = { .arena = arena, .err = err };
	json_t *object = wire_parse_object(text, len, err);
	const char *is, *note[LANGUAGE_COUNT];
	struct wire_reader reader;

	if (!object)
		return false;
	*rules = (struct honour_rules){ 0 };
	wire_reader_init(&reader, object, "", arena, err);
	if (wire_word(&reader, "format", WIRE_REQUIRED, &is) && !streq(is, format))
		wire_fault_choice(err, "/format", format);
	rule_file_code(&reader, "id", &rules->id);
	rule_file_bilingual(&reader, "title", WIRE_REQUIRED, rules->title);
	rule_file_bilingual(&reader, "note", WIRE_OPTIONAL, note);
	read_lists(&file, &reader, rules);
	wire_reader_finish(&reader);
	json_decref(object);
	return err->code == ERR_NONE && honour_rules_check(rules, err);
}

extern const struct embedded_file embedded_honours[];

const struct embedded_file *honour_rules_embedded(void)
{
	return embedded_honours;
}
