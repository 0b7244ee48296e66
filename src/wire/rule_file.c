#include "wire/rule_file.h"

#include <ctype.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "wire/fields.h"

enum { TEXT_MAX = 600, SOURCES_MAX = 60 };

/* ---- words ---- */

bool rule_file_code(struct wire_reader *reader, const char *name, const char **out)
{
	if (!wire_text(reader, name, WIRE_REQUIRED, RULE_CODE_MAX, out))
		return false;
	for (const char *p = *out; *p; p++)
		if (!islower((unsigned char)*p) && !isdigit((unsigned char)*p) && !strchr("_-.", *p))
			return error_add_field(reader->err, wire_pointer(reader, name), "invalid_value",
					       "Lower-case letters a-z, digits and _ - . only.",
					       "Chỉ chữ thường a-z, chữ số và _ - .");
	return true;
}

void rule_file_bilingual(struct wire_reader *reader, const char *name, enum wire_need need,
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

void rule_file_evidence(struct wire_reader *reader, enum evidence *out)
{
	const char *text;

	if (wire_word(reader, "evidence", WIRE_REQUIRED, &text) && !evidence_parse(text, out))
		wire_fault_choice(reader->err, wire_pointer(reader, "evidence"), "seen, seen_unofficial, recalled");
}

static bool is_source(const struct rule_source *sources, size_t count, const char *id)
{
	for (size_t i = 0; i < count; i++)
		if (sources[i].id && streq(sources[i].id, id))
			return true;
	return false;
}

void rule_file_source_ids(struct rule_file *file, struct wire_reader *reader, const char **out)
{
	const char **ids;
	size_t count;

	*out = "";
	if (!wire_texts(reader, "sources", WIRE_OPTIONAL, SOURCES_MAX, RULE_CODE_MAX, &ids, &count))
		return;
	for (size_t i = 0; i < count; i++) {
		if (!is_source(file->sources, file->nsources, ids[i])) {
			error_add_field(reader->err, arena_printf(reader->arena, "%s/%zu", wire_pointer(reader, "sources"), i),
					"unknown_source", "Name a source of the list /sources by its id.",
					"Hãy ghi id của một nguồn trong danh sách /sources.");
			return;
		}
		*out = i == 0 ? ids[i] : arena_printf(reader->arena, "%s, %s", *out, ids[i]);
	}
}

bool rule_file_components(struct wire_reader *reader, const char *name, enum wire_need need, unsigned *out)
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
	if (!wire_texts(reader, name, need, COMPONENT_COUNT, RULE_CODE_MAX, &words, &count))
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

void rule_file_limits(struct wire_reader *reader, struct range *range)
{
	range->has_low = read_side(reader, "at_least", "over", &range->low, &range->low_open);
	range->has_high = read_side(reader, "at_most", "under", &range->high, &range->high_open);
	if (!range->has_low && !range->has_high && reader->err->code == ERR_NONE)
		error_add_field(reader->err, reader->pointer, "required",
				"Give a limit: at_least, over, at_most or under.",
				"Cần một giới hạn: at_least, over, at_most hoặc under.");
}

void rule_file_range(struct wire_reader *reader, const char *name, enum wire_need need, struct range *range)
{
	json_t *object = wire_object(reader, name, need);
	struct wire_reader inner;

	if (!object)
		return;
	wire_reader_init(&inner, object, wire_pointer(reader, name), reader->arena, reader->err);
	rule_file_limits(&inner, range);
	wire_reader_finish(&inner);
}

void rule_file_list(struct rule_file *file, struct wire_reader *reader, const char *name, size_t entry_size, void **list,
		    size_t *count, void (*read)(struct rule_file *, struct wire_reader *, void *))
{
	json_t *array = wire_array(reader, name, WIRE_REQUIRED, RULE_LIST_MAX);
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

const char *rule_file_words(struct arena *arena, const char *const *words)
{
	const char *list = *words;

	while (*++words)
		list = arena_printf(arena, "%s, %s", list, *words);
	return list;
}

static void read_source(struct rule_file *file, struct wire_reader *reader, void *entry)
{
	struct rule_source *source = entry;

	(void)file;
	rule_file_code(reader, "id", &source->id);
	wire_text(reader, "url", WIRE_OPTIONAL, WIRE_URL_MAX, &source->url);
	rule_file_bilingual(reader, "what", WIRE_REQUIRED, source->what);
}

void rule_file_sources(struct rule_file *file, struct wire_reader *reader)
{
	void *sources = NULL;

	rule_file_list(file, reader, "sources", sizeof(*file->sources), &sources, &file->nsources, read_source);
	file->sources = sources;
	for (size_t i = 1; i < file->nsources; i++)
		if (file->sources[i].id && is_source(file->sources, i, file->sources[i].id))
			error_add_field(file->err, arena_printf(file->arena, "/sources/%zu/id", i), "duplicate",
					"Another source has this id.", "Đã có nguồn khác mang id này.");
}

/* ---- laws, and what stands in them ---- */

static void read_law(struct rule_file *file, struct wire_reader *reader, void *entry)
{
	struct law *law = entry;

	law->pointer = reader->pointer;
	wire_text(reader, "number", WIRE_REQUIRED, RULE_ARTICLE_MAX, &law->number);
	rule_file_bilingual(reader, "title", WIRE_REQUIRED, law->title);
	wire_date(reader, "issued_on", WIRE_OPTIONAL, &law->issued);
	wire_date(reader, "valid_from", WIRE_REQUIRED, &law->from);
	wire_date(reader, "valid_to", WIRE_OPTIONAL, &law->to);
	rule_file_evidence(reader, &law->evidence);
	rule_file_source_ids(file, reader, &law->sources);
}

void rule_file_laws(struct rule_file *file, struct wire_reader *reader)
{
	void *laws = NULL;

	rule_file_list(file, reader, "laws", sizeof(*file->laws), &laws, &file->nlaws, read_law);
	file->laws = laws;
	for (size_t i = 0; i < file->nlaws; i++)
		if (!date_is_none(file->laws[i].to) && date_compare(file->laws[i].to, file->laws[i].from) < 0)
			error_add_field(file->err, file->laws[i].pointer, "contradiction", "This law ends before it begins.",
					"Văn bản này hết hiệu lực trước khi bắt đầu.");
}

static const struct law *find_law(const struct rule_file *file, const char *number)
{
	for (size_t i = 0; i < file->nlaws; i++)
		if (file->laws[i].number && streq(file->laws[i].number, number))
			return &file->laws[i];
	return NULL;
}

void rule_file_dated(struct rule_file *file, struct wire_reader *reader, struct dated_rule *rule)
{
	const char *law;

	rule->id = "";
	rule->pointer = reader->pointer;
	rule_file_code(reader, "rule", &rule->id);
	if (wire_text(reader, "law", WIRE_REQUIRED, RULE_ARTICLE_MAX, &law)) {
		rule->law = find_law(file, law);
		if (!rule->law)
			error_add_field(reader->err, wire_pointer(reader, "law"), "unknown_law",
					"Name a law of the list /laws by its number.",
					"Hãy ghi số của một văn bản trong danh sách /laws.");
		else
			rule->from = rule->law->from, rule->to = rule->law->to;
	}
	wire_text(reader, "article", WIRE_REQUIRED, RULE_ARTICLE_MAX, &rule->article);
	rule_file_evidence(reader, &rule->evidence);
	rule_file_source_ids(file, reader, &rule->sources);
	wire_date(reader, "valid_from", WIRE_OPTIONAL, &rule->from);
	wire_date(reader, "valid_to", WIRE_OPTIONAL, &rule->to);
	rule_file_bilingual(reader, "note", WIRE_OPTIONAL, rule->note);
}

/* ---- open questions ---- */

struct questions {
	struct rule_file            file;        /* what the entries are read with */
	const struct open_question *table;
	struct question_answer     *answers;
};

static const char *question_names(struct arena *arena, const struct open_question *table)
{
	const char *list = table->name;

	while ((++table)->name)
		list = arena_printf(arena, "%s, %s", list, table->name);
	return list;
}

static void read_answer(struct wire_reader *reader, const struct open_question *question, struct question_answer *answer)
{
	const char *value;

	answer->pointer = reader->pointer;
	wire_text(reader, "article", WIRE_REQUIRED, RULE_ARTICLE_MAX, &answer->article);
	rule_file_evidence(reader, &answer->evidence);
	rule_file_bilingual(reader, "question", WIRE_REQUIRED, answer->question);
	if (!wire_word(reader, "value", WIRE_REQUIRED, &value))
		return;
	for (int i = 0; question->choices[i]; i++) {
		if (streq(question->choices[i], value)) {
			answer->value = i;
			return;
		}
	}
	wire_fault_choice(reader->err, wire_pointer(reader, "value"), rule_file_words(reader->arena, question->choices));
}

static void read_question(struct rule_file *file, struct wire_reader *reader, void *unused)
{
	struct questions *questions = container_of(file, struct questions, file);
	const char *name;

	(void)unused;
	if (!rule_file_code(reader, "name", &name))
		return;
	for (size_t i = 0; questions->table[i].name; i++) {
		if (!streq(questions->table[i].name, name))
			continue;
		if (questions->answers[i].pointer)
			error_add_field(reader->err, wire_pointer(reader, "name"), "duplicate",
					"This parameter stands here twice.", "Tham số này xuất hiện hai lần.");
		read_answer(reader, &questions->table[i], &questions->answers[i]);
		return;
	}
	wire_fault_choice(reader->err, wire_pointer(reader, "name"), question_names(reader->arena, questions->table));
}

/* All must be there: what would be taken otherwise nobody has decided. */
void rule_file_questions(struct rule_file *file, struct wire_reader *reader, const struct open_question *questions,
			 struct question_answer *answers)
{
	struct questions reading = { .file = *file, .table = questions, .answers = answers };
	void *none = NULL;
	size_t count = 0;

	rule_file_list(&reading.file, reader, "parameters", 1, &none, &count, read_question);
	for (size_t i = 0; questions[i].name; i++)
		if (!answers[i].pointer)
			error_add_field(file->err, "/parameters", "required", "The parameter %s is missing.",
					"Thiếu tham số %s.", questions[i].name);
}
