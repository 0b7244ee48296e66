#include "api/params.h"

#include <string.h>

#include "api/request.h"
#include "base/error.h"
#include "base/text.h"

enum { PARAMS_MAX = 32, WORD_MAX = 32 };

bool params_init(struct params *params, struct request *r, struct error *err)
{
	*params = (struct params){ .r = r, .err = err };
	error_clear(err);
	if (!http_query(r->x, &params->list, &params->count, err))
		return false;
	if (params->count > PARAMS_MAX)
		return error_set(err, ERR_INVALID_QUERY, "More than %d query parameters were sent.",
				 "Có hơn %d tham số truy vấn.", PARAMS_MAX);
	return true;
}

static void begin_fault(struct params *params)
{
	if (params->err->code == ERR_NONE)
		error_set(params->err, ERR_INVALID_QUERY, "The query parameters named in errors are not valid.",
			  "Các tham số truy vấn nêu trong errors không hợp lệ.");
}

void params_fault(struct params *params, const char *name, const char *code, const char *en, const char *vi)
{
	begin_fault(params);
	/* Both formats are given both texts, and each prints its own. */
	error_add_field(params->err, name, code, "%s%.0s", "%.0s%s", en, vi);
}

bool params_finish(struct params *params)
{
	for (size_t i = 0; i < params->count && params->err->nfields < ERROR_MAX_FIELDS; i++)
		if (!(params->used & (1ul << i)))
			params_fault(params, text_valid_utf8(params->list[i].name, strlen(params->list[i].name))
						     ? params->list[i].name : "?",
				     "unknown_parameter", "There is no such parameter here.",
				     "Không có tham số này.");
	return params->err->code == ERR_NONE;
}

const char *params_text(struct params *params, const char *name)
{
	const char *value = NULL;

	for (size_t i = 0; i < params->count; i++) {
		const struct http_param *param = &params->list[i];

		if (!streq(param->name, name))
			continue;
		params->used |= 1ul << i;
		if (value)
			params_fault(params, name, "repeated", "Send it once.", "Chỉ gửi một lần.");
		else if (!text_valid_utf8(param->value, param->value_len))
			params_fault(params, name, "invalid_value", "It is not UTF-8 text.",
				     "Không phải văn bản UTF-8.");
		else
			value = param->value;
	}
	return value && *value ? value : NULL;
}

struct date params_date(struct params *params, const char *name)
{
	const char *text = params_text(params, name);
	struct date date = { 0 };

	if (text && !date_parse(text, &date))
		params_fault(params, name, "invalid_date", "Write a date as YYYY-MM-DD.",
			     "Viết ngày theo dạng YYYY-MM-DD.");
	return date;
}

bool params_bool(struct params *params, const char *name)
{
	const char *text = params_text(params, name);

	if (text && !streq(text, "true") && !streq(text, "false"))
		params_fault(params, name, "invalid_value", "Write true or false.", "Viết true hoặc false.");
	return streq(text, "true");
}

int params_limit(struct params *params)
{
	const char *text = params_text(params, "limit");
	long limit = 50;

	if (text && !text_to_int(text, 1, 500, &limit))
		params_fault(params, "limit", "out_of_range", "Write a number from 1 to 500.",
			     "Viết một số từ 1 đến 500.");
	return (int)limit;
}

void params_cursor(struct params *params, char out[UUID_TEXT_SIZE])
{
	const char *text = params_text(params, "cursor");

	out[0] = '\0';
	if (!text)
		return;
	if (strlen(text) == UUID_TEXT_SIZE - 1 && uuid_valid(text))
		memcpy(out, text, UUID_TEXT_SIZE);
	else
		params_fault(params, "cursor", "invalid_value", "Use next_cursor of the page before, unchanged.",
			     "Dùng nguyên next_cursor của trang trước.");
}

unsigned params_words(struct params *params, const char *name, const char *choices,
		      bool (*parse)(const char *text, int *value))
{
	const char *text = params_text(params, name);
	unsigned bits = 0;

	while (text) {
		size_t len = strcspn(text, ",");
		char word[WORD_MAX] = "";
		int value;

		if (len < sizeof(word))
			memcpy(word, text, len);
		if (parse(word, &value)) {
			bits |= 1u << value;
		} else {
			begin_fault(params);
			error_add_field(params->err, name, "invalid_value", "Words parted by commas, of: %s.",
					"Các từ cách nhau bằng dấu phẩy, trong số: %s.", choices);
			break;
		}
		text = text[len] ? text + len + 1 : NULL;
	}
	return bits;
}
