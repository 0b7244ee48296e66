#include "wire/family_wire.h"

#include "base/memory.h"
#include "wire/fields.h"
#include "wire/wire.h"

static void read_consent(struct wire_reader *reader, struct family_wish *wish)
{
	json_t *object;
	struct wire_reader inner;
	const char *channel;

	wish->tells_consent = wire_has(reader, "consent");
	object = wire_object(reader, "consent", WIRE_OPTIONAL);
	if (!object)
		return;
	wire_reader_init(&inner, object, wire_pointer(reader, "consent"), reader->arena, reader->err);
	wire_date(&inner, "on", WIRE_REQUIRED, &wish->consent_on);
	if (wire_word(&inner, "channel", WIRE_REQUIRED, &channel) && !consent_channel_parse(channel, &wish->consent_channel))
		wire_fault_choice(reader->err, wire_pointer(&inner, "channel"), CONSENT_CHANNEL_WORDS);
	wire_reader_finish(&inner);
}

bool family_wish_fits(const struct family_wish *wish, struct date joined_on, struct date today, struct error *err)
{
	if (date_compare(joined_on, today) > 0)
		error_add_field(err, "/joined_on", "in_the_future", "This day is still to come.", "Ngày này chưa tới.");
	if (date_compare(wish->consent_on, today) > 0)
		error_add_field(err, "/consent/on", "in_the_future", "This day is still to come.", "Ngày này chưa tới.");
	if (date_compare(wish->left_on, today) > 0)
		error_add_field(err, "/left_on", "in_the_future", "This day is still to come.", "Ngày này chưa tới.");
	else if (!date_is_none(wish->left_on) && date_compare(wish->left_on, joined_on) < 0)
		error_add_field(err, "/left_on", "too_early", "Nobody leaves before joining.", "Ngày rời không thể trước ngày vào.");
	return err->code == ERR_NONE;
}

bool family_wish_read(const char *body, size_t len, struct date today, struct arena *arena, struct family_wish *wish,
		      struct error *err)
{
	json_t *object = wire_parse_object(body, len, err);
	struct wire_reader reader;
	bool fine;

	if (!object)
		return false;
	*wish = (struct family_wish){ 0 };
	wire_reader_init(&reader, object, "", arena, err);
	wire_text(&reader, "donor", WIRE_REQUIRED, WIRE_KEY_MAX, &wish->donor);
	wire_date(&reader, "joined_on", WIRE_REQUIRED, &wish->joined_on);
	read_consent(&reader, wish);
	fine = wire_reader_finish(&reader);
	json_decref(object);
	return fine && family_wish_fits(wish, wish->joined_on, today, err);
}

bool family_change_read(const char *body, size_t len, struct arena *arena, struct family_wish *wish, struct error *err)
{
	json_t *object = wire_parse_object(body, len, err);
	struct wire_reader reader;
	bool fine;

	if (!object)
		return false;
	*wish = (struct family_wish){ 0 };
	wire_reader_init(&reader, object, "", arena, err);
	wish->tells_left = wire_has(&reader, "left_on");
	wire_date(&reader, "left_on", WIRE_OPTIONAL, &wish->left_on);
	read_consent(&reader, wish);
	fine = wire_reader_finish(&reader);
	json_decref(object);
	return fine;
}
