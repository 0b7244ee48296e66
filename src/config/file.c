#include "config/config.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "config/options.h"

enum { SETTINGS_MAX = 128 };

/*
 * inih reads the format; this reads the lines for it, which gives the line's
 * number and finds the ones that inih would cut in two without a word.
 */
struct reader {
	FILE          *in;
	const char    *path;
	struct config *config;
	struct error  *err;
	struct buf     value;            /* of the last setting, for lines that continue it */
	char           name[96];
	const char    *seen[SETTINGS_MAX];
	size_t         nseen;
	int            line, refused_line;
	bool           continues;        /* the line begins with a blank */
};

/* Puts file and line before what is in *err. */
static bool refuse_line(struct reader *reader)
{
	struct error at = *reader->err;

	reader->refused_line = reader->line;
	return error_set(reader->err, ERR_CONFIG, "%s:%d: %s%.0s", "%s:%d: %.0s%s", reader->path,
			 reader->line, at.detail[LANGUAGE_EN], at.detail[LANGUAGE_VI]);
}

static char *read_line(char *out, int size, void *arg)
{
	struct reader *reader = arg;

	if (reader->err->code != ERR_NONE || !fgets(out, size, reader->in))
		return NULL;
	reader->line++;
	reader->continues = isspace((unsigned char)out[0]);
	if (!strchr(out, '\n') && !feof(reader->in)) {
		error_set(reader->err, ERR_CONFIG,
			  "a line may have %d bytes: continue it on a next line that begins with a blank",
			  "một dòng chỉ được %d byte: hãy viết tiếp ở dòng sau, bắt đầu bằng dấu cách",
			  size - 2);
		refuse_line(reader);
		return NULL;
	}
	return out;
}

static bool seen_before(struct reader *reader)
{
	for (size_t i = 0; i < reader->nseen; i++)
		if (streq(reader->seen[i], reader->name))
			return true;
	for (const struct option *option = config_options; option->name; option++)
		if (streq(option->name, reader->name) && reader->nseen < SETTINGS_MAX)
			reader->seen[reader->nseen++] = option->name;
	return false;
}

static bool take(struct reader *reader, const char *value)
{
	if (reader->continues && reader->value.len > 0) {
		buf_append_char(&reader->value, ' ');
	} else {
		buf_reset(&reader->value);
		if (seen_before(reader))
			return error_set(reader->err, ERR_CONFIG, "%s is set twice", "%s được đặt hai lần",
					 reader->name);
	}
	buf_append_text(&reader->value, value);
	return config_set(reader->config, reader->name, reader->value.data, reader->err);
}

static int on_setting(void *arg, const char *section, const char *name, const char *value)
{
	struct reader *reader = arg;

	if (reader->err->code != ERR_NONE)
		return 0;
	snprintf(reader->name, sizeof(reader->name), "%s%s%s", section, *section ? "." : "", name);
	return take(reader, value) || refuse_line(reader);
}

static bool read_all(struct reader *reader)
{
	int line = ini_parse_stream(read_line, reader, on_setting, reader);

	if (ferror(reader->in))
		return error_set(reader->err, ERR_CONFIG, "%s cannot be read: %s", "không đọc được %s: %s",
				 reader->path, strerror(errno));
	if (line != 0 && line != reader->refused_line)
		return error_set(reader->err, ERR_CONFIG, "%s:%d: this is neither [section] nor name = value",
				 "%s:%d: đây không phải [mục] cũng không phải tên = giá trị", reader->path,
				 line);
	return reader->err->code == ERR_NONE;
}

bool config_read_file(struct config *config, const char *path, struct error *err)
{
	struct reader reader = { .path = path, .config = config, .err = err };

	reader.in = fopen(path, "re");
	if (!reader.in)
		return error_set(err, ERR_CONFIG, "%s cannot be read: %s", "không đọc được %s: %s", path,
				 strerror(errno));
	bool fine = read_all(&reader);

	fclose(reader.in);
	buf_release(&reader.value);
	return fine;
}
