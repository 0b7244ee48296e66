#include "wire/wire.h"

#include <malloc.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/fault.h"
#include "base/memory.h"
#include "base/text.h"
#include "wire/fields.h"

enum { WIRE_MAX_DEPTH = 16 };

/* The parser's own texts quote the body, which may hold personal data, so we word them. */
static void describe_syntax(const json_error_t *fault, const char **en, const char **vi)
{
	switch (json_error_code(fault)) {
	case json_error_duplicate_key:
		*en = "a member stands twice";
		*vi = "một trường xuất hiện hai lần";
		break;
	case json_error_premature_end_of_input:
		*en = "the text ends too early";
		*vi = "nội dung bị cắt ngang";
		break;
	case json_error_numeric_overflow:
		*en = "a number is too large";
		*vi = "một số quá lớn";
		break;
	case json_error_null_character:
	case json_error_null_byte_in_key:
		*en = "a text holds a NUL character";
		*vi = "một chuỗi có ký tự NUL";
		break;
	default:
		*en = "this is not JSON";
		*vi = "không phải JSON";
	}
}

/* Both languages get both texts; each prints its own. */
static json_t *malformed(struct error *err, const char *en, const char *vi)
{
	error_set(err, ERR_MALFORMED, "%s%.0s", "%.0s%s", en, vi);
	return NULL;
}

/* Nesting is looked at before the parser builds anything. Braces inside strings do not count. */
static bool too_deep(const char *body, size_t len)
{
	bool in_string = false;
	int depth = 0;

	for (size_t i = 0; i < len; i++) {
		char c = body[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			if (++depth > WIRE_MAX_DEPTH)
				return true;
		} else if (c == '}' || c == ']') {
			depth--;
		}
	}
	return false;
}

/*
 * More than the parser takes at its worst: a value needs a node and a place in
 * its container, a container a table too, and a text stands in three buffers.
 */
static size_t memory_of_tree(const char *body, size_t len)
{
	size_t size = 1024 + 4 * len;

	for (size_t i = 0; i < len; i++) {
		if (body[i] == '{' || body[i] == '[')
			size += 320;
		else if (body[i] == ',' || body[i] == ':')
			size += 160;
	}
	return size;
}

/*
 * The parser must never meet a failed allocation: its lexer then drops a byte
 * of the token and may read past the token's end. So its allocations abort as
 * all small ones do (wire_start()), and room for the whole is asked for here,
 * where "no" can be answered. Volatile, or the compiler leaves the asking out.
 */
static bool has_memory_for(const char *body, size_t len)
{
	void *volatile room = FAULT(FAULT_JSON) ? NULL : malloc(memory_of_tree(body, len));
	bool has = room != NULL;

	free(room);
	return has;
}

/* What a body says of people, and their passwords, do not stay in memory that is free. */
static void wipe_and_free(void *p)
{
	if (p)
		explicit_bzero(p, malloc_usable_size(p));
	free(p);
}

void wire_start(void)
{
	json_set_alloc_funcs(xmalloc, wipe_and_free);
}

json_t *wire_parse_object(const char *body, size_t len, struct error *err)
{
	const char *en, *vi;
	json_error_t fault;
	json_t *object;

	if (len == 0)
		return malformed(err, "The body is empty; send one JSON object.",
				 "Không có nội dung; hãy gửi một đối tượng JSON.");
	if (memchr(body, '\0', len))
		return malformed(err, "The body holds a NUL byte; send JSON text.",
				 "Nội dung có byte NUL; hãy gửi văn bản JSON.");
	if (!text_valid_utf8(body, len))
		return malformed(err, "The body is not valid UTF-8.", "Nội dung không phải UTF-8 hợp lệ.");
	if (too_deep(body, len))
		return malformed(err, "The body is nested too deeply; 16 levels are enough.",
				 "Nội dung lồng quá sâu; tối đa 16 mức.");
	if (!has_memory_for(body, len)) {
		error_set(err, ERR_UNAVAILABLE,
			  "There is no memory for this body just now. Nothing was changed. Try again shortly.",
			  "Hiện không đủ bộ nhớ cho nội dung này. Chưa có gì thay đổi. Hãy thử lại sau ít phút.");
		return NULL;
	}
	object = json_loadb(body, len, JSON_REJECT_DUPLICATES, &fault);
	if (!object) {
		describe_syntax(&fault, &en, &vi);
		error_set(err, ERR_MALFORMED, "Line %d, column %d: %s%.0s.", "Dòng %d, cột %d: %.0s%s.",
			  fault.line, fault.column, en, vi);
		explicit_bzero(&fault, sizeof(fault));   /* it quotes the body */
		return NULL;
	}
	if (!json_is_object(object)) {
		json_decref(object);
		return malformed(err, "Send one JSON object, not an array.",
				 "Hãy gửi một đối tượng JSON, không phải mảng.");
	}
	return object;
}

/* ---- texts ---- */

/* Bytes of the blank that `p` starts with (ASCII, no-break, ideographic and the like), or 0. */
static size_t blank_here(const char *p)
{
	const unsigned char *u = (const unsigned char *)p;

	if (u[0] == ' ' || (u[0] >= '\t' && u[0] <= '\r'))
		return 1;
	if (u[0] == 0xc2 && u[1] == 0xa0)
		return 2;
	if (u[0] == 0xe2 && u[1] == 0x80 && ((u[2] >= 0x80 && u[2] <= 0x8b) || u[2] == 0xaf))
		return 3;
	if (u[0] == 0xe3 && u[1] == 0x80 && u[2] == 0x80)
		return 3;
	return 0;
}

/* C0 and C1 controls, line separators, the byte order mark, and marks that turn the reading direction. */
static bool holds_control(const char *text)
{
	for (const unsigned char *u = (const unsigned char *)text; *u; u++) {
		if (*u < 0x20 || *u == 0x7f)
			return true;
		if (u[0] == 0xc2 && u[1] < 0xa0)
			return true;
		if (u[0] == 0xe2 && u[1] == 0x80 && u[2] >= 0xa8 && u[2] <= 0xae)
			return true;
		if (u[0] == 0xe2 && u[1] == 0x81 && u[2] >= 0xa6 && u[2] <= 0xa9)
			return true;
		if (u[0] == 0xef && u[1] == 0xbb && u[2] == 0xbf)
			return true;
	}
	return false;
}

static char *trim(char *text)
{
	char *end = text;
	size_t n;

	while ((n = blank_here(text)) > 0)
		text += n;
	for (char *p = text; *p;) {
		n = blank_here(p);
		p += n ? n : 1;
		if (!n)
			end = p;
	}
	*(end < text ? text : end) = '\0';
	return text;
}

enum wire_text_state wire_clean_text(struct arena *arena, const char *text, size_t len, size_t max_length,
				     const char **out)
{
	enum wire_text_state state = WIRE_TEXT_FINE;
	size_t size = len * 3 + 1;             /* composing never takes more */
	char *composed = xmalloc(size);
	char *clean;

	/* Only what is not UTF-8 fails to compose, and the parsers have refused that. */
	clean = text_compose(text, composed, size) ? trim(composed) : NULL;
	if (!clean || holds_control(clean))
		state = WIRE_TEXT_CONTROL;
	else if (!*clean)
		state = WIRE_TEXT_BLANK;
	else if (text_length(clean) > max_length)
		state = WIRE_TEXT_TOO_LONG;
	else
		*out = arena_strdup(arena, clean);
	wipe_and_free(composed);
	return state;
}

bool wire_fault_text(struct error *err, const char *pointer, enum wire_text_state state, size_t max_length)
{
	if (state == WIRE_TEXT_BLANK)
		return wire_fault_required(err, pointer);
	if (state == WIRE_TEXT_CONTROL)
		return error_add_field(err, pointer, "control_character",
				       "Control characters and line breaks are not allowed.",
				       "Không được có ký tự điều khiển hay xuống dòng.");
	return error_add_field(err, pointer, "too_long", "At most %zu characters.", "Tối đa %zu ký tự.",
			       max_length);
}

bool wire_fault_required(struct error *err, const char *pointer)
{
	return error_add_field(err, pointer, "required", "A value is required.", "Cần có giá trị.");
}

bool wire_fault_date(struct error *err, const char *pointer)
{
	return error_add_field(err, pointer, "invalid_date", "Write an existing day as YYYY-MM-DD.",
			       "Hãy ghi một ngày có thật theo dạng YYYY-MM-DD.");
}

bool wire_fault_range(struct error *err, const char *pointer, int64_t min, int64_t max)
{
	return error_add_field(err, pointer, "out_of_range", "A whole number from %lld to %lld.",
			       "Số nguyên từ %lld đến %lld.", (long long)min, (long long)max);
}

bool wire_fault_choice(struct error *err, const char *pointer, const char *choices)
{
	return error_add_field(err, pointer, "invalid_value", "One of: %s.", "Một trong: %s.", choices);
}

static bool fault_type(struct wire_reader *reader, const char *name, const char *en, const char *vi)
{
	return error_add_field(reader->err, wire_pointer(reader, name), "wrong_type", "%s%.0s", "%.0s%s", en,
			       vi);
}

/* ---- the members of one object ---- */

void wire_reader_init(struct wire_reader *reader, json_t *object, const char *pointer, struct arena *arena,
		      struct error *err)
{
	*reader = (struct wire_reader){
		.object = object, .pointer = pointer, .arena = arena, .err = err
	};
}

static bool was_seen(const struct wire_reader *reader, const char *name)
{
	for (size_t i = 0; i < reader->nseen; i++)
		if (streq(reader->seen[i], name))
			return true;
	return false;
}

static json_t *member(struct wire_reader *reader, const char *name)
{
	if (!was_seen(reader, name) && reader->nseen < ARRAY_SIZE(reader->seen))
		reader->seen[reader->nseen++] = name;
	return json_object_get(reader->object, name);
}

/* The member if it is there and not null; a missing one is a fault where it is needed. */
static json_t *value(struct wire_reader *reader, const char *name, enum wire_need need)
{
	json_t *found = member(reader, name);

	if (found && !json_is_null(found))
		return found;
	if (need == WIRE_REQUIRED)
		wire_fault_required(reader->err, wire_pointer(reader, name));
	return NULL;
}

bool wire_reader_finish(struct wire_reader *reader)
{
	const char *key;
	json_t *unused;

	json_object_foreach(reader->object, key, unused) {
		(void)unused;
		if (!was_seen(reader, key))
			error_add_field(reader->err, wire_pointer(reader, key), "unknown_field",
					"There is no such field here; remove it.",
					"Không có trường này; hãy bỏ đi.");
	}
	return reader->err->code == ERR_NONE;
}

bool wire_read_nothing(const char *body, size_t len, struct arena *arena, struct error *err)
{
	struct wire_reader reader;
	json_t *object;
	bool fine;

	if (len == 0)
		return true;
	object = wire_parse_object(body, len, err);
	if (!object)
		return false;
	wire_reader_init(&reader, object, "", arena, err);
	fine = wire_reader_finish(&reader);
	json_decref(object);
	return fine;
}

bool wire_has(struct wire_reader *reader, const char *name)
{
	return member(reader, name) != NULL;
}

bool wire_text(struct wire_reader *reader, const char *name, enum wire_need need, size_t max_length,
	       const char **out)
{
	json_t *text = value(reader, name, need);
	enum wire_text_state state;

	if (!text)
		return false;
	if (!json_is_string(text))
		return fault_type(reader, name, "A text is expected.", "Cần một chuỗi.");
	state = wire_clean_text(reader->arena, json_string_value(text), json_string_length(text), max_length,
				out);
	if (state == WIRE_TEXT_FINE)
		return true;
	if (state == WIRE_TEXT_BLANK && need == WIRE_OPTIONAL)
		return false;
	return wire_fault_text(reader->err, wire_pointer(reader, name), state, max_length);
}

bool wire_typed(struct wire_reader *reader, const char *name, enum wire_need need, size_t max_length,
		const char **out)
{
	json_t *text = value(reader, name, need);

	if (!text)
		return false;
	if (!json_is_string(text))
		return fault_type(reader, name, "A text is expected.", "Cần một chuỗi.");
	if (text_length(json_string_value(text)) > max_length)
		return wire_fault_text(reader->err, wire_pointer(reader, name), WIRE_TEXT_TOO_LONG, max_length);
	*out = arena_strndup(reader->arena, json_string_value(text), json_string_length(text));
	return true;
}

/* 7.0 is an integer in JSON's own terms. */
static bool integer_of(const json_t *number, int64_t *out)
{
	double real;

	if (json_is_integer(number)) {
		*out = json_integer_value(number);
		return true;
	}
	if (!json_is_real(number))
		return false;
	real = json_real_value(number);
	if (fabs(real) > 9007199254740992.0 || real < floor(real) || real > floor(real))
		return false;
	*out = (int64_t)real;
	return true;
}

bool wire_int(struct wire_reader *reader, const char *name, enum wire_need need, int64_t min, int64_t max,
	      int64_t *out)
{
	json_t *number = value(reader, name, need);
	int64_t found;

	if (!number)
		return false;
	if (!integer_of(number, &found))
		return fault_type(reader, name, "A whole number is expected.", "Cần một số nguyên.");
	if (found < min || found > max)
		return wire_fault_range(reader->err, wire_pointer(reader, name), min, max);
	*out = found;
	return true;
}

/* 45.1 is no binary fraction: what is nearer to a thousandth than any fourth decimal is that thousandth. */
bool wire_thousandths(struct wire_reader *reader, const char *name, enum wire_need need, int min, int max,
		      int32_t *out)
{
	json_t *number = value(reader, name, need);
	double real, nearest;

	if (!number)
		return false;
	if (!json_is_number(number))
		return fault_type(reader, name, "A number is expected.", "Cần một số.");
	real = json_number_value(number);
	if (!(real >= min && real <= max))
		return error_add_field(reader->err, wire_pointer(reader, name), "out_of_range", "A number from %d to %d.",
				       "Số từ %d đến %d.", min, max);
	nearest = rint(real * 1000);
	if (fabs(real * 1000 - nearest) > 1e-6)
		return error_add_field(reader->err, wire_pointer(reader, name), "too_precise",
				       "At most three decimals.", "Tối đa ba chữ số thập phân.");
	*out = (int32_t)nearest;
	return true;
}

bool wire_time(struct wire_reader *reader, const char *name, enum wire_need need, int64_t *out)
{
	const char *text;

	if (!wire_text(reader, name, need, WIRE_KEY_MAX, &text))
		return false;
	if (time_parse(text, out))
		return true;
	return error_add_field(reader->err, wire_pointer(reader, name), "invalid_time",
			       "Write a time with its offset, such as 2025-03-10T08:00:00+07:00.",
			       "Hãy ghi thời điểm kèm múi giờ, ví dụ 2025-03-10T08:00:00+07:00.");
}

bool wire_bool(struct wire_reader *reader, const char *name, enum wire_need need, bool *out)
{
	json_t *truth = value(reader, name, need);

	if (!truth)
		return false;
	if (!json_is_boolean(truth))
		return fault_type(reader, name, "true or false is expected.", "Cần true hoặc false.");
	*out = json_is_true(truth);
	return true;
}

bool wire_date(struct wire_reader *reader, const char *name, enum wire_need need, struct date *out)
{
	json_t *text = value(reader, name, need);

	if (!text)
		return false;
	if (!json_is_string(text))
		return fault_type(reader, name, "A date as text is expected.", "Cần ngày dạng chuỗi.");
	if (!date_parse(json_string_value(text), out))
		return wire_fault_date(reader->err, wire_pointer(reader, name));
	return true;
}

json_t *wire_object(struct wire_reader *reader, const char *name, enum wire_need need)
{
	json_t *object = value(reader, name, need);

	if (object && !json_is_object(object)) {
		fault_type(reader, name, "An object is expected.", "Cần một đối tượng.");
		return NULL;
	}
	return object;
}

json_t *wire_array(struct wire_reader *reader, const char *name, enum wire_need need, size_t max_count)
{
	json_t *array = value(reader, name, need);

	if (!array)
		return NULL;
	if (!json_is_array(array)) {
		fault_type(reader, name, "An array is expected.", "Cần một mảng.");
		return NULL;
	}
	if (json_array_size(array) > max_count) {
		error_add_field(reader->err, wire_pointer(reader, name), "too_many", "At most %zu entries.",
				"Tối đa %zu mục.", max_count);
		return NULL;
	}
	return array;
}

/* One text of an array; its faults point at "/units/2". */
static bool element_text(struct wire_reader *reader, const char *name, size_t index, json_t *text,
			 size_t max_length, const char **out)
{
	const char *pointer = arena_printf(reader->arena, "%s/%zu", wire_pointer(reader, name), index);
	enum wire_text_state state;

	if (!json_is_string(text))
		return error_add_field(reader->err, pointer, "wrong_type", "A text is expected.",
				       "Cần một chuỗi.");
	state = wire_clean_text(reader->arena, json_string_value(text), json_string_length(text), max_length,
				out);
	return state == WIRE_TEXT_FINE || wire_fault_text(reader->err, pointer, state, max_length);
}

bool wire_texts(struct wire_reader *reader, const char *name, enum wire_need need, size_t max_count,
		size_t max_length, const char ***out, size_t *count)
{
	json_t *array = wire_array(reader, name, need, max_count);
	const char **texts;
	bool fine = true;
	size_t size;

	if (!array)
		return false;
	size = json_array_size(array);
	texts = arena_alloc(reader->arena, (size + 1) * sizeof(*texts));
	for (size_t i = 0; i < size; i++)
		fine &= element_text(reader, name, i, json_array_get(array, i), max_length, &texts[i]);
	if (!fine)
		return false;
	*out = texts;
	*count = size;
	return true;
}

/* RFC 6901: '~' and '/' inside a name are escaped. */
const char *wire_pointer(struct wire_reader *reader, const char *name)
{
	size_t base = strlen(reader->pointer);
	char *pointer = arena_alloc(reader->arena, base + 2 + 2 * strlen(name));
	char *to = pointer + base;

	memcpy(pointer, reader->pointer, base);
	*to++ = '/';
	for (; *name; name++) {
		if (*name == '~' || *name == '/') {
			*to++ = '~';
			*to++ = *name == '~' ? '0' : '1';
		} else {
			*to++ = *name;
		}
	}
	*to = '\0';
	return pointer;
}

bool wire_word(struct wire_reader *reader, const char *name, enum wire_need need, const char **out)
{
	json_t *text = value(reader, name, need);
	enum wire_text_state state;

	if (!text)
		return false;
	if (!json_is_string(text))
		return fault_type(reader, name, "A text is expected.", "Cần một chuỗi.");
	*out = "";
	state = wire_clean_text(reader->arena, json_string_value(text), json_string_length(text), WIRE_KEY_MAX, out);
	return state == WIRE_TEXT_FINE || state == WIRE_TEXT_BLANK ||
	       wire_fault_text(reader->err, wire_pointer(reader, name), state, WIRE_KEY_MAX);
}

bool wire_text_or_clear(struct wire_reader *reader, const char *name, size_t max_length, const char **out)
{
	const char *text = NULL;

	if (!wire_has(reader, name))
		return false;
	wire_text(reader, name, WIRE_OPTIONAL, max_length, &text);
	*out = text;
	return true;
}

bool wire_int_or_clear(struct wire_reader *reader, const char *name, int min, int max, int *out)
{
	int64_t number = -1;

	if (!wire_has(reader, name))
		return false;
	wire_int(reader, name, WIRE_OPTIONAL, min, max, &number);
	*out = (int)number;
	return true;
}
