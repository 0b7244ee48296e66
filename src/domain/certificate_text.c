#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "domain/certificate.h"
#include "domain/unit.h"

/* The words on the paper. They are Vietnamese alone: it is a Vietnamese document. */

static const char *const names[CERTIFICATE_FIELD_COUNT] = {
	[FIELD_STATE] = "state", [FIELD_MOTTO] = "motto", [FIELD_ISSUER] = "issuer", [FIELD_TITLE] = "title",
	[FIELD_COPY] = "copy", [FIELD_NUMBER] = "number", [FIELD_NAME_LABEL] = "name_label", [FIELD_NAME] = "name",
	[FIELD_BIRTH_LABEL] = "birth_label", [FIELD_BIRTH] = "birth", [FIELD_ADDRESS_LABEL] = "address_label",
	[FIELD_ADDRESS] = "address", [FIELD_GAVE_LABEL] = "gave_label", [FIELD_VOLUME] = "volume",
	[FIELD_BOXES] = "boxes", [FIELD_TICK_250] = "tick_250",
	[FIELD_TICK_350] = "tick_350", [FIELD_TICK_450] = "tick_450", [FIELD_TICK_OTHER] = "tick_other", [FIELD_DONATED_LABEL] = "donated_label",
	[FIELD_DONATED] = "donated", [FIELD_PLACE_LABEL] = "place_label", [FIELD_PLACE] = "place",
	[FIELD_ISSUED] = "issued", [FIELD_SIGNER] = "signer", [FIELD_CODE_LABEL] = "code_label", [FIELD_CODE] = "code",
	[FIELD_RIGHTS] = "rights", [FIELD_QR] = "qr",
};

const char *certificate_field_text(enum certificate_field field)
{
	return (unsigned)field < CERTIFICATE_FIELD_COUNT ? names[field] : "unknown";
}

bool certificate_field_parse(const char *text, enum certificate_field *out)
{
	for (int i = 0; i < CERTIFICATE_FIELD_COUNT; i++) {
		if (streq(names[i], text)) {
			*out = (enum certificate_field)i;
			return true;
		}
	}
	return false;
}

size_t paper_serial_digits(const char *serial)
{
	size_t len = strlen(serial), digits = 0;

	while (digits < len && serial[len - digits - 1] >= '0' && serial[len - digits - 1] <= '9')
		digits++;
	return digits;
}

/* Which of the boxes of the form is ticked. */
enum { BOXES = FIELD_TICK_OTHER - FIELD_TICK_250 + 1 };

static int box_of(int volume_ml)
{
	static const int boxes[BOXES - 1] = { 250, 350, 450 };

	for (int i = 0; i < BOXES - 1; i++)
		if (volume_ml == boxes[i])
			return i;
	return BOXES - 1;
}

static const char *boxes_of(int volume_ml, struct arena *arena)
{
	const char *mark[BOXES] = { "☐", "☐", "☐", "☐" };

	mark[box_of(volume_ml)] = "☒";
	return arena_printf(arena, "%s 250 ml   %s 350 ml   %s 450 ml   %s khác", mark[0], mark[1], mark[2], mark[3]);
}

/* 03/02/1990, as such forms have it. */
static const char *day_of(struct date date, struct arena *arena)
{
	return arena_printf(arena, "%02d/%02d/%04d", date.day, date.month, date.year);
}

static const char *birth_of(const struct certificate_content *content, struct arena *arena)
{
	if (!date_is_none(content->birth_date))
		return day_of(content->birth_date, arena);
	return content->birth_year > 0 ? arena_printf(arena, "%d", content->birth_year) : NULL;
}

static const char *volume_of(const struct certificate_content *content, struct arena *arena)
{
	return arena_printf(arena, "%d ml %s", content->volume_ml, component_name(content->component, LANGUAGE_VI));
}

void certificate_words(const struct certificate_content *content, bool copy, struct arena *arena,
		       const char *words[CERTIFICATE_FIELD_COUNT])
{
	const struct date issued = content->issued_on;
	char number[CERTIFICATE_NUMBER_SIZE];

	memset(words, 0, CERTIFICATE_FIELD_COUNT * sizeof(*words));
	words[FIELD_STATE] = "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM";
	words[FIELD_MOTTO] = "Độc lập - Tự do - Hạnh phúc";
	words[FIELD_ISSUER] = content->issuer;
	words[FIELD_TITLE] = "GIẤY CHỨNG NHẬN HIẾN MÁU TÌNH NGUYỆN";
	words[FIELD_COPY] = copy ? "BẢN SAO" : NULL;
	words[FIELD_NUMBER] = arena_printf(arena, "Số: %s", certificate_number_format(&content->number, number));
	words[FIELD_NAME_LABEL] = "Chứng nhận ông/bà:";
	words[FIELD_NAME] = content->name;
	words[FIELD_BIRTH_LABEL] = "Sinh ngày:";
	words[FIELD_BIRTH] = birth_of(content, arena);
	words[FIELD_ADDRESS_LABEL] = "Địa chỉ:";
	words[FIELD_ADDRESS] = content->address;
	words[FIELD_GAVE_LABEL] = "Đã hiến máu tình nguyện:";
	words[FIELD_VOLUME] = volume_of(content, arena);
	words[FIELD_BOXES] = boxes_of(content->volume_ml, arena);
	words[FIELD_TICK_250 + box_of(content->volume_ml)] = "X";
	words[FIELD_DONATED_LABEL] = "Ngày hiến máu:";
	words[FIELD_DONATED] = day_of(content->donated_on, arena);
	words[FIELD_PLACE_LABEL] = "Tại:";
	words[FIELD_PLACE] = content->place;
	words[FIELD_ISSUED] = arena_printf(arena, "%s, ngày %02d tháng %02d năm %04d", content->issuer_place, issued.day,
					   issued.month, issued.year);
	words[FIELD_SIGNER] = content->signer;
	words[FIELD_CODE_LABEL] = "Mã tra cứu:";
	words[FIELD_CODE] = content->code;
	words[FIELD_RIGHTS] = "Người có tên trên được truyền máu miễn phí, tối đa bằng lượng máu ghi trên giấy này, tại các cơ sở y tế"
			      " công lập trong cả nước. Sau khi truyền, cơ sở y tế ký và đóng dấu ở mặt sau. Không chuyển nhượng.";
}

/* ---- a unit on a date ---- */

/* As it stands behind a comma: "huyện Than Uyên". Kinds of units begin with a plain letter. */
static const char *behind_comma(const char *full_name, struct arena *arena)
{
	char *words = arena_strdup(arena, full_name);

	if (words[0] >= 'A' && words[0] <= 'Z')
		words[0] = (char)(words[0] - 'A' + 'a');
	return words;
}

const char *unit_words_on(const struct unit_map *units, const char *unit_id, struct date on, struct arena *arena)
{
	const struct unit *unit = unit_id ? unit_by_id(units, unit_id) : NULL, *then[2];
	const struct unit *above;
	const char *words;

	if (!unit)
		return NULL;
	if (!unit_valid_on(unit, on) && unit_as_of(units, unit, on, then, 2) == 1)
		unit = then[0];
	words = unit->full_name;
	above = unit->district ? unit_by_id(units, unit->district) : NULL;
	if (above && above != unit)
		words = arena_printf(arena, "%s, %s", words, behind_comma(above->full_name, arena));
	for (above = unit; above && above->level != UNIT_PROVINCE;)
		above = above->parent ? unit_by_id(units, above->parent) : NULL;
	if (above && above != unit)
		words = arena_printf(arena, "%s, %s", words, behind_comma(above->full_name, arena));
	return arena_strdup(arena, words);
}
