#include "wire/donor_list.h"

#include <ctype.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "domain/donor_cells.h"
#include "domain/identifier.h"
#include "domain/person_name.h"
#include "domain/phone.h"
#include "domain/unit.h"
#include "wire/fields.h"
#include "wire/unit_names.h"
#include "wire/wire.h"

enum { HEADING_MAX = 120, SOURCE_MAX = 200, ISSUER_MAX = 120, HEADING_ROW_MAX = 50, HEIRS_MAX = 64 };

const char *donor_column_text(enum donor_column column)
{
	static const char *const texts[COLUMN_IDENTIFIER] = {
		[COLUMN_NAME] = "name",		      [COLUMN_BIRTH] = "birth",
		[COLUMN_SEX] = "sex",		      [COLUMN_PHONE] = "phone",
		[COLUMN_UNIT] = "unit",		      [COLUMN_ADDRESS] = "address",
		[COLUMN_BLOOD_GROUP] = "blood_group", [COLUMN_DONATED_ON] = "donated_on",
		[COLUMN_COMPONENT] = "component",     [COLUMN_VOLUME] = "volume_ml",
		[COLUMN_ID_NUMBER] = "id_number",
	};

	return column < COLUMN_IDENTIFIER ? texts[column]
					  : identifier_kind_text((enum identifier_kind)(column - COLUMN_IDENTIFIER));
}

/* ---- the mapping file ---- */

static void read_columns(struct wire_reader *file, struct donor_mapping *mapping)
{
	json_t *object = wire_object(file, "columns", WIRE_REQUIRED);
	struct wire_reader reader;

	if (!object)
		return;
	wire_reader_init(&reader, object, wire_pointer(file, "columns"), file->arena, file->err);
	for (int c = 0; c < DONOR_COLUMN_COUNT; c++)
		wire_text(&reader, donor_column_text((enum donor_column)c),
			  c == COLUMN_NAME || c == COLUMN_BIRTH ? WIRE_REQUIRED : WIRE_OPTIONAL, HEADING_MAX,
			  &mapping->headings[c]);
	wire_reader_finish(&reader);
}

static void read_issuers(struct wire_reader *file, struct donor_mapping *mapping)
{
	json_t *object = wire_object(file, "issuers", WIRE_OPTIONAL);
	struct wire_reader reader;

	if (object) {
		wire_reader_init(&reader, object, wire_pointer(file, "issuers"), file->arena, file->err);
		for (int kind = 0; kind < IDENTIFIER_KIND_COUNT; kind++)
			wire_text(&reader, identifier_kind_text((enum identifier_kind)kind), WIRE_OPTIONAL, ISSUER_MAX,
				  &mapping->issuers[kind]);
		wire_reader_finish(&reader);
	}
	for (int kind = 0; kind < IDENTIFIER_KIND_COUNT; kind++)
		if (mapping->headings[COLUMN_IDENTIFIER + kind] && !mapping->issuers[kind] &&
		    identifier_needs_issuer((enum identifier_kind)kind))
			wire_fault_required(file->err, arena_printf(file->arena, "/issuers/%s",
								    identifier_kind_text((enum identifier_kind)kind)));
}

static void read_unit(struct wire_reader *file, const struct unit_map *units, struct date today,
		      struct donor_mapping *mapping)
{
	struct unit_names names = { .units = units, .from = today, .to = today, .arena = file->arena, .err = file->err };
	const struct unit *unit;
	const char *typed;

	if (!wire_text(file, "unit", WIRE_OPTIONAL, HEADING_MAX, &typed))
		return;
	unit = unit_name_find(&names, typed, wire_pointer(file, "unit"));
	if (unit)
		mapping->unit_id = unit->id;
}

static void read_component(struct wire_reader *file, struct donor_mapping *mapping)
{
	const char *typed;

	mapping->component = COMPONENT_WHOLE_BLOOD;
	if (wire_text(file, "component", WIRE_OPTIONAL, HEADING_MAX, &typed) && !cell_component(typed, &mapping->component))
		wire_fault_choice(file->err, wire_pointer(file, "component"),
				  COMPONENT_WORDS);
}

bool donor_mapping_read(const char *text, size_t len, const struct unit_map *units, struct date today,
			struct arena *arena, struct donor_mapping *mapping, struct error *err)
{
	json_t *object = wire_parse_object(text, len, err);
	struct wire_reader reader;
	int64_t heading_row = 1;
	bool fine;

	*mapping = (struct donor_mapping){ 0 };
	if (!object)
		return false;
	wire_reader_init(&reader, object, "", arena, err);
	wire_text(&reader, "source", WIRE_REQUIRED, SOURCE_MAX, &mapping->source);
	wire_int(&reader, "heading_row", WIRE_OPTIONAL, 1, HEADING_ROW_MAX, &heading_row);
	wire_bool(&reader, "numbers_lost_zeros", WIRE_OPTIONAL, &mapping->numbers_lost_zeros);
	mapping->heading_row = (int)heading_row;
	read_columns(&reader, mapping);
	read_issuers(&reader, mapping);
	read_unit(&reader, units, today, mapping);
	read_component(&reader, mapping);
	fine = wire_reader_finish(&reader);
	json_decref(object);
	return fine;
}

/* ---- the heading ---- */

static bool same_heading(const char *heading, const char *cell)
{
	char a[HEADING_MAX * 4 + 1], b[HEADING_MAX * 4 + 1];

	return text_fold(heading, a, sizeof(a)) && text_fold(cell, b, sizeof(b)) && streq(a, b);
}

/* Not one of them: it is another row, or the file is parted in another way. */
static bool refuse_heading(const struct donor_mapping *mapping, struct error *err)
{
	error_clear(err);
	return error_add_field(err, "heading_row", "no_heading",
			       "Row %d has none of the headings: say in which row they are. Of a workbook the first sheet is read.",
			       "Dòng %d không có tiêu đề nào: hãy ghi đúng dòng tiêu đề. Bảng tính chỉ được đọc trang đầu.",
			       mapping->heading_row);
}

bool donor_mapping_find(struct donor_mapping *mapping, const char *const *cells, size_t ncells, struct error *err)
{
	bool found = false;

	for (int c = 0; c < DONOR_COLUMN_COUNT; c++) {
		const char *name = donor_column_text((enum donor_column)c), *heading = mapping->headings[c];

		mapping->places[c] = -1;
		for (size_t i = 0; heading && i < ncells; i++) {
			if (!same_heading(heading, cells[i]))
				continue;
			if (mapping->places[c] >= 0)
				error_add_field(err, name, "duplicate_column", "The heading of this column stands twice.",
						"Tiêu đề của cột này có hai lần.");
			mapping->places[c] = (int)i;
			found = true;
		}
		if (heading && mapping->places[c] < 0)
			error_add_field(err, name, "missing_column", "No column has the heading that the mapping names.",
					"Không có cột nào mang tiêu đề ghi trong tệp ánh xạ.");
	}
	return found ? err->nfields == 0 : refuse_heading(mapping, err);
}

/* ---- a row ---- */

struct row_reading {
	struct donor_row           *row;
	const struct donor_mapping *mapping;
	const struct unit_map      *units;
	struct date                 today;
	const char *const          *cells;
	size_t                      ncells;
	struct arena               *arena;
	struct error               *err;
};

/* What people write for nothing. */
static bool says_nothing(const char *cell)
{
	static const char *const words[] = { "x", "khong", "khong co", "khong ro", "khong nho", "chua", "chua co", "chua ro", "ko" };
	char folded[40];

	if (!text_fold(cell, folded, sizeof(folded)))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (streq(folded, words[i]))
			return true;
	return streq(cell, "-") || streq(cell, "–") || streq(cell, "—");
}

/* NULL: no such column, or nothing in it. The apostrophe in front says "a text" to a spreadsheet. */
static const char *cell_of(const struct row_reading *in, enum donor_column column, size_t max_length)
{
	int place = in->mapping->places[column];
	const char *cell, *clean = NULL;
	enum wire_text_state state;

	if (place < 0 || (size_t)place >= in->ncells || text_is_blank(in->cells[place]))
		return NULL;
	cell = in->cells[place] + (in->cells[place][0] == '\'');
	state = wire_clean_text(in->arena, cell, strlen(cell), max_length, &clean);
	if (state == WIRE_TEXT_CONTROL || state == WIRE_TEXT_TOO_LONG) {
		wire_fault_text(in->err, donor_column_text(column), state, max_length);
		return NULL;
	}
	/* A name or an address may be any word. */
	return clean && *clean && (column == COLUMN_NAME || column == COLUMN_ADDRESS || !says_nothing(clean)) ? clean : NULL;
}

static const char *const expected[COLUMN_ID_NUMBER][LANGUAGE_COUNT] = {
	[COLUMN_BIRTH] = { "Write day/month/year, the year with four figures, or the year alone; the day must exist.",
			   "Hãy ghi ngày/tháng/năm với năm đủ bốn chữ số, hoặc chỉ năm; ngày phải có thật." },
	[COLUMN_SEX] = { "Write Nam or Nữ.", "Hãy ghi Nam hoặc Nữ." },
	[COLUMN_PHONE] = { "Write one phone number.", "Hãy ghi một số điện thoại." },
	[COLUMN_BLOOD_GROUP] = { "Write the group as in O+, AB-, A.", "Hãy ghi nhóm máu như O+, AB-, A." },
	[COLUMN_DONATED_ON] = { "Write day/month/year, the year with four figures; the day must exist.",
				"Hãy ghi ngày/tháng/năm với năm đủ bốn chữ số; ngày phải có thật." },
	[COLUMN_COMPONENT] = { "Write what was given: máu toàn phần, tiểu cầu, ...", "Hãy ghi thành phần: máu toàn phần, tiểu cầu, ..." },
	[COLUMN_VOLUME] = { "Write millilitres, as in 350 (not how many bags).", "Hãy ghi số ml, ví dụ 350 (không phải số túi)." },
};

static void fault_cell(const struct row_reading *in, enum donor_column column)
{
	error_add_field(in->err, donor_column_text(column), "not_understood", "%s%.0s", "%.0s%s", expected[column][LANGUAGE_EN],
			expected[column][LANGUAGE_VI]);
}

static void read_person(struct row_reading *in)
{
	struct donor *donor = &in->row->donor;
	const char *name = cell_of(in, COLUMN_NAME, PERSON_NAME_MAX), *birth = cell_of(in, COLUMN_BIRTH, 40);
	const char *sex = cell_of(in, COLUMN_SEX, 20), *blood = cell_of(in, COLUMN_BLOOD_GROUP, 40);

	if (name && person_name_clean(&name, "name", in->arena, in->err))
		donor->name = name;
	else if (!name)
		wire_fault_required(in->err, "name");
	if (!birth)
		wire_fault_required(in->err, "birth");
	else if (!cell_date(birth, &donor->birth_date, &donor->birth_year))
		fault_cell(in, COLUMN_BIRTH);
	if (sex && !cell_sex(sex, &donor->sex))
		fault_cell(in, COLUMN_SEX);
	if (blood && cell_blood_group(blood, &donor->abo, &donor->rhd))
		donor->blood_evidence = BLOOD_DECLARED;
	else if (blood)
		fault_cell(in, COLUMN_BLOOD_GROUP);
}

/* Of a unit that ended, the one that took its place; where several did, where the donor lived on its last day is all we know. */
static void settle_unit(const struct row_reading *in)
{
	struct donor *donor = &in->row->donor;
	const struct unit *unit = donor->unit_id ? unit_by_id(in->units, donor->unit_id) : NULL, *heirs[HEIRS_MAX];

	donor->unit_on = unit ? in->today : (struct date){ 0 };
	if (!unit || unit_valid_on(unit, in->today))
		return;
	if (unit_seats(in->units, unit, in->today, heirs, HEIRS_MAX) == 1)
		donor->unit_id = heirs[0]->id;
	else if (!date_is_none(unit->valid_to))
		donor->unit_on = unit->valid_to;
}

static void read_reach(struct row_reading *in)
{
	struct donor *donor = &in->row->donor;
	struct unit_names names = { .units = in->units, .from = in->today, .to = in->today, .arena = in->arena,
				    .err = in->err };
	const char *phone = cell_of(in, COLUMN_PHONE, 40), *unit = cell_of(in, COLUMN_UNIT, HEADING_MAX);
	char normal[PHONE_TEXT_SIZE];

	donor->address = cell_of(in, COLUMN_ADDRESS, DONOR_ADDRESS_MAX);
	if (phone && phone_normalise(phone, normal))
		donor->phone = arena_strdup(in->arena, normal);
	else if (phone)
		fault_cell(in, COLUMN_PHONE);
	if (unit) {
		const struct unit *found = unit_name_find(&names, unit, "unit");

		donor->unit_id = found ? found->id : NULL;
	} else {
		donor->unit_id = in->mapping->unit_id;
	}
	settle_unit(in);
}

/*
 * A spreadsheet that took a number for a sum dropped its first zeros: one, or two of the provinces 001 to 008.
 * It drops all of them: where one is left, a figure is missing somewhere else.
 */
static const char *restore_zeros(const struct row_reading *in, const char *value)
{
	size_t digits = strspn(value, "0123456789");

	if (!in->mapping->numbers_lost_zeros || value[0] == '0' || value[digits])
		return value;
	if (digits == 11 || digits == 8)
		return arena_printf(in->arena, "0%s", value);
	return digits == 10 ? arena_printf(in->arena, "00%s", value) : value;
}

/* "1.2205E+11": what a spreadsheet shows of twelve digits, and writes into a CSV file. */
static bool is_rounded(const char *value)
{
	size_t head = strspn(value, "0123456789.,");

	return head > 0 && (value[head] == 'E' || value[head] == 'e') && value[head + 1] == '+' &&
	       value[head + 2 + strspn(value + head + 2, "0123456789")] == '\0';
}

static size_t count_digits(const char *value)
{
	size_t count = 0;

	for (; *value; value++)
		count += isdigit((unsigned char)*value) != 0;
	return count;
}

static void add_identifier(struct row_reading *in, enum donor_column column, enum identifier_kind kind, const char *value)
{
	struct donor *donor = &in->row->donor;
	struct identifier *one = &donor->identifiers[donor->nidentifiers].identifier;

	if (is_rounded(value)) {
		error_add_field(in->err, donor_column_text(column), "rounded",
				"A spreadsheet has rounded this number and its digits are lost: format the column as text, enter it anew.",
				"Bảng tính đã làm tròn số này, mất chữ số: hãy định dạng cột là văn bản và nhập lại.");
		return;
	}
	*one = (struct identifier){ .kind = kind, .issuer = in->mapping->issuers[kind], .value = value };
	if (!identifier_normalise(one, donor_column_text(column), in->arena, in->err))
		return;
	for (size_t i = 0; i < donor->nidentifiers; i++)
		if (donor->identifiers[i].identifier.kind == one->kind && streq(donor->identifiers[i].identifier.value, one->value))
			return;
	donor->nidentifiers++;
}

/* The number in a cell; NULL where there is none, or more than one: nobody but a person can tell which is which. */
static const char *number_of(const struct row_reading *in, enum donor_column column)
{
	bool digits_alone = column == COLUMN_ID_NUMBER || column <= COLUMN_IDENTIFIER + (int)IDENTIFIER_CMND;
	int place = in->mapping->places[column];

	if (place < 0 || (size_t)place >= in->ncells || !cell_has_numbers(in->cells[place], digits_alone))
		return cell_of(in, column, 60);
	error_add_field(in->err, donor_column_text(column), "several_numbers",
			"There is more than one number in this cell: write one, and the other into a column or a row of its own.",
			"Ô này có nhiều hơn một số: hãy ghi một số, số kia ghi vào cột hoặc dòng riêng.");
	return NULL;
}

static void read_identifiers(struct row_reading *in)
{
	const char *value = number_of(in, COLUMN_ID_NUMBER);

	in->row->donor.identifiers = arena_alloc(in->arena, (IDENTIFIER_KIND_COUNT + 1) * sizeof(struct donor_identifier));
	if (value) {
		value = restore_zeros(in, value);
		add_identifier(in, COLUMN_ID_NUMBER, count_digits(value) == 9 ? IDENTIFIER_CMND : IDENTIFIER_CCCD, value);
	}
	for (int kind = 0; kind < IDENTIFIER_KIND_COUNT; kind++) {
		enum donor_column column = (enum donor_column)(COLUMN_IDENTIFIER + kind);

		value = number_of(in, column);
		if (value)
			add_identifier(in, column, (enum identifier_kind)kind,
				       kind <= IDENTIFIER_CMND ? restore_zeros(in, value) : value);
	}
}

static void read_donation(struct row_reading *in)
{
	struct donor_row *row = in->row;
	const char *day = cell_of(in, COLUMN_DONATED_ON, 40), *component = cell_of(in, COLUMN_COMPONENT, 60),
		   *volume = cell_of(in, COLUMN_VOLUME, 20);
	int year;

	if (!day)
		return;                  /* a volume alone tells of no donation */
	if (!cell_date(day, &row->donated_on, &year) || date_is_none(row->donated_on))
		fault_cell(in, COLUMN_DONATED_ON);
	else if (date_compare(row->donated_on, in->today) > 0)
		error_add_field(in->err, "donated_on", "in_the_future", "The day is still to come.", "Ngày này chưa tới.");
	else if (row->donated_on.year <= row->donor.birth_year)
		error_add_field(in->err, "donated_on", "before_birth",
				"Nobody gives in the year of their birth or before: one of the two days is wrong.",
				"Không ai hiến máu trong năm sinh hoặc trước đó: một trong hai ngày bị sai.");
	row->component = in->mapping->component;
	if (component && !cell_component(component, &row->component))
		fault_cell(in, COLUMN_COMPONENT);
	if (volume && !cell_volume(volume, &row->volume_ml))
		fault_cell(in, COLUMN_VOLUME);
}

bool donor_row_read(struct donor_row *row, const struct donor_mapping *mapping, const struct unit_map *units,
		    struct date today, const char *const *cells, size_t ncells, struct arena *arena,
		    struct error *err)
{
	struct row_reading in = { row, mapping, units, today, cells, ncells, arena, err };

	*row = (struct donor_row){ 0 };
	read_person(&in);
	read_reach(&in);
	read_identifiers(&in);
	read_donation(&in);
	return err->nfields == 0 && donor_check(&row->donor, today, err);
}
