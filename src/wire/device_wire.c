#include "wire/device_wire.h"

#include <ctype.h>

#include "base/memory.h"
#include "base/uuid.h"
#include "wire/fields.h"
#include "wire/wire.h"

bool device_read_body(const char *body, size_t len, struct arena *arena, const char **name, const char **team, struct error *err)
{
	json_t *object = wire_parse_object(body, len, err);
	struct wire_reader reader;
	bool fine;

	if (!object)
		return false;
	wire_reader_init(&reader, object, "", arena, err);
	wire_text(&reader, "name", WIRE_REQUIRED, WIRE_NAME_MAX, name);
	wire_text(&reader, "team", WIRE_REQUIRED, WIRE_KEY_MAX, team);
	fine = wire_reader_finish(&reader);
	json_decref(object);
	return fine;
}

bool device_read_enrolment(const char *body, size_t len, struct arena *arena, const char **code, const char **install,
			   struct error *err)
{
	json_t *object = wire_parse_object(body, len, err);
	struct wire_reader reader;
	const char *typed;
	bool fine;

	if (!object)
		return false;
	wire_reader_init(&reader, object, "", arena, err);
	wire_text(&reader, "code", WIRE_REQUIRED, WIRE_KEY_MAX, code);
	if (wire_text(&reader, "install", WIRE_REQUIRED, WIRE_KEY_MAX, &typed)) {
		if (uuid_valid(typed)) {
			char *lower = arena_strdup(arena, typed);

			for (char *p = lower; *p; p++)
				*p = (char)tolower((unsigned char)*p);
			*install = lower;
		} else {
			error_add_field(err, "/install", "invalid_id", "The id that the program on the phone drew is expected.",
					"Cần mã do chương trình trên điện thoại tự sinh.");
		}
	}
	fine = wire_reader_finish(&reader);
	json_decref(object);
	return fine;
}
