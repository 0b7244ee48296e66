#include "wire/backup_wire.h"

#include "base/date.h"
#include "base/error.h"
#include "base/json_out.h"
#include "base/memory.h"
#include "wire/wire.h"

enum { FORMAT = 1, TEXT_MAX = 64 };

void backup_write(struct json_out *out, const struct backup *backup)
{
	jout_object(out, NULL);
	jout_int(out, "format", FORMAT);
	jout_time(out, "made_at", backup->made_us);
	jout_text(out, "program", backup->program);
	jout_text(out, "postgres", backup->postgres);
	jout_text(out, "system_identifier", backup->system_identifier);
	jout_int(out, "schema", backup->schema);
	jout_int(out, "sealed_position", backup->sealed_position);
	jout_text(out, "sealed_hash", backup->sealed_hash);
	jout_end(out);
}

static bool read_members(struct wire_reader *reader, struct backup *backup)
{
	const char *made_at = NULL;

	wire_text(reader, "made_at", WIRE_REQUIRED, TEXT_MAX, &made_at);
	wire_text(reader, "program", WIRE_REQUIRED, TEXT_MAX, &backup->program);
	wire_text(reader, "postgres", WIRE_REQUIRED, TEXT_MAX, &backup->postgres);
	wire_text(reader, "system_identifier", WIRE_REQUIRED, TEXT_MAX, &backup->system_identifier);
	wire_int(reader, "schema", WIRE_REQUIRED, 1, 9999, &backup->schema);
	wire_int(reader, "sealed_position", WIRE_REQUIRED, 0, INT64_MAX, &backup->sealed_position);
	wire_text(reader, "sealed_hash", backup->sealed_position > 0 ? WIRE_REQUIRED : WIRE_OPTIONAL, TEXT_MAX,
		  &backup->sealed_hash);
	if (!wire_reader_finish(reader))
		return false;
	return time_parse(made_at, &backup->made_us) ||
	       error_set(reader->err, ERR_MALFORMED, "made_at is no time", "made_at không phải thời điểm");
}

bool backup_read(const char *text, size_t len, struct arena *arena, struct backup *backup, struct error *err)
{
	json_auto_t *object = wire_parse_object(text, len, err);
	struct wire_reader reader;
	int64_t format = 0;

	*backup = (struct backup){ 0 };
	if (!object)
		return false;
	wire_reader_init(&reader, object, "", arena, err);
	if (wire_int(&reader, "format", WIRE_REQUIRED, 1, INT32_MAX, &format) && format != FORMAT)
		return error_set(err, ERR_CONFIG, "the backup has format %d, this program reads %d",
				 "bản sao lưu có định dạng %d, chương trình này đọc được %d", (int)format, FORMAT);
	return read_members(&reader, backup);
}
