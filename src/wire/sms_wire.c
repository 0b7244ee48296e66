#include "wire/sms_wire.h"

#include "base/date.h"
#include "base/error.h"
#include "wire/wire.h"

enum { SMS_ID_MAX = 128, SMS_NUMBER_MAX = 32, SMS_TIME_MAX = 40, SMS_TYPED_MAX = 1600 };

bool sms_inbound_read(const char *body, size_t len, struct arena *arena, struct sms_inbound *inbound,
		      struct error *err)
{
	json_t *object = wire_parse_object(body, len, err);
	const char *received_at, *to;
	struct wire_reader reader;
	int64_t at;
	bool fine;

	if (!object)
		return false;
	*inbound = (struct sms_inbound){ .text = "" };
	wire_reader_init(&reader, object, "", arena, err);
	wire_text(&reader, "id", WIRE_REQUIRED, SMS_ID_MAX, &inbound->id);
	wire_text(&reader, "from", WIRE_REQUIRED, SMS_NUMBER_MAX, &inbound->from);
	wire_text(&reader, "to", WIRE_OPTIONAL, SMS_NUMBER_MAX, &to);
	if (wire_text(&reader, "received_at", WIRE_OPTIONAL, SMS_TIME_MAX, &received_at) &&
	    !time_parse(received_at, &at))
		error_add_field(err, "/received_at", "invalid_time", "Write a time as RFC 3339, with its offset.",
				"Viết thời điểm theo RFC 3339, kèm múi giờ.");
	wire_typed(&reader, "text", WIRE_OPTIONAL, SMS_TYPED_MAX, &inbound->text);
	fine = wire_reader_finish(&reader);
	json_decref(object);
	return fine;
}
