#include "wire/tariff_wire.h"

#include "base/memory.h"
#include "base/text.h"
#include "wire/fields.h"
#include "wire/rule_file.h"

/* The file of a tariff. */

static const char format[] = "giothong-tariff/1";
enum { VND_MAX = 100000000 };

static void read_gift(struct rule_file *file, struct wire_reader *reader, void *entry)
{
	struct gift_rule *gift = entry;

	rule_file_dated(file, reader, &gift->rule);
	rule_file_components(reader, "components", WIRE_REQUIRED, &gift->components);
	rule_file_range(reader, "volume_ml", WIRE_REQUIRED, &gift->volume);
	wire_int(reader, "at_least_vnd", WIRE_REQUIRED, 0, VND_MAX, &gift->at_least_vnd);
}

static void read_average(struct rule_file *file, struct wire_reader *reader, void *entry)
{
	struct average_rule *average = entry;
	const char *kind;

	rule_file_dated(file, reader, &average->rule);
	if (wire_word(reader, "kind", WIRE_REQUIRED, &kind) &&
	    (!gift_kind_parse(kind, &average->kind) || average->kind == GIFT_GIFT))
		wire_fault_choice(reader->err, wire_pointer(reader, "kind"), "food, travel");
	wire_int(reader, "average_at_most_vnd", WIRE_REQUIRED, 0, VND_MAX, &average->at_most_vnd);
}

static void read_lists(struct rule_file *file, struct wire_reader *reader, struct tariff *tariff)
{
	void *gifts = NULL, *averages = NULL;

	rule_file_sources(file, reader);
	rule_file_laws(file, reader);
	tariff->laws = file->laws;
	tariff->nlaws = file->nlaws;
	rule_file_questions(file, reader, tariff_questions, tariff->answers);
	rule_file_list(file, reader, "gifts", sizeof(*tariff->gifts), &gifts, &tariff->ngifts, read_gift);
	rule_file_list(file, reader, "averages", sizeof(*tariff->averages), &averages, &tariff->naverages, read_average);
	tariff->gifts = gifts;
	tariff->averages = averages;
}

bool tariff_read(const char *text, size_t len, struct arena *arena, struct tariff *tariff, struct error *err)
{
	struct rule_file file = { .arena = arena, .err = err };
	json_t *object = wire_parse_object(text, len, err);
	const char *is, *note[LANGUAGE_COUNT];
	struct wire_reader reader;

	if (!object)
		return false;
	*tariff = (struct tariff){ 0 };
	wire_reader_init(&reader, object, "", arena, err);
	if (wire_word(&reader, "format", WIRE_REQUIRED, &is) && !streq(is, format))
		wire_fault_choice(err, "/format", format);
	rule_file_code(&reader, "id", &tariff->id);
	rule_file_bilingual(&reader, "title", WIRE_REQUIRED, tariff->title);
	rule_file_bilingual(&reader, "note", WIRE_OPTIONAL, note);
	read_lists(&file, &reader, tariff);
	wire_reader_finish(&reader);
	json_decref(object);
	return err->code == ERR_NONE && tariff_check(tariff, err);
}

extern const struct embedded_file embedded_tariffs[];

const struct embedded_file *tariffs_embedded(void)
{
	return embedded_tariffs;
}
