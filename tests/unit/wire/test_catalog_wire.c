#include "wire/catalog_wire.h"

#include <jansson.h>

#include "wire/support.h"

static struct catalog_item item;
static const struct date today = { 2026, 11, 21 };

static bool read_item(enum catalog_kind kind, bool patch, const char *body)
{
	error_clear(&err);
	if (!patch)
		item = (struct catalog_item){ .kind = kind };
	return catalog_item_read(body, strlen(body), patch, units, today, &arena, &item, &err);
}

static json_t *written(void)
{
	struct buf buf = { 0 };
	struct json_out out = { .buf = &buf };
	json_t *object;

	catalog_item_write(&out, NULL, &item);
	object = json_loadb(buf.data, buf.len, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(object);
	buf_release(&buf);
	return object;
}

static void test_unit(void **state)
{
	struct buf buf = { 0 };
	struct json_out out = { .buf = &buf };
	json_t *object;

	(void)state;
	unit_write(&out, NULL, unit_by_id(units, "110@pre-2025-07-01"));
	object = json_loadb(buf.data, buf.len, JSON_REJECT_DUPLICATES, NULL);
	assert_string_equal(json_string_value(json_object_get(object, "full_name")), "Huyện Than Uyên");
	assert_string_equal(json_string_value(json_object_get(object, "valid_to")), "2025-06-30");
	assert_true(json_is_null(json_object_get(object, "valid_from")));
	assert_int_equal(json_array_size(json_object_get(object, "successors")), 4);
	assert_int_equal(json_object_size(object), 13);
	json_decref(object);
	buf_release(&buf);
}

static void test_campaign(void **state)
{
	json_t *object;

	(void)state;
	assert_fine(read_item(CATALOG_CAMPAIGN, false, "{\"slug\":\"ngay-thu\",\"name\":\"Ngày thử\","
			      "\"usual_from\":\"12-01\",\"usual_to\":\"03-31\",\"sundays\":true}"));
	assert_true(item.campaign.sundays);
	assert_null(item.campaign.main_day);
	object = written();
	assert_int_equal(json_array_size(json_object_get(object, "seasons")), 0);
	json_decref(object);
	assert_fine(read_item(CATALOG_CAMPAIGN, true, "{\"usual_from\":null,\"usual_to\":null,\"main_day\":\"02-29\"}"));
	assert_null(item.campaign.usual_from);
	assert_string_equal(item.campaign.main_day, "02-29");
	assert_string_equal(item.campaign.slug, "ngay-thu");
	assert_false(read_item(CATALOG_CAMPAIGN, true, "{\"usual_from\":\"01-01\"}"));
	assert_fault("/usual_to", "required");
	assert_false(read_item(CATALOG_CAMPAIGN, false, "{\"slug\":\"Ngày--thử\",\"main_day\":\"13-01\",\"seasons\":[]}"));
	assert_fault("/slug", "invalid_value");
	assert_fault("/name", "required");
	assert_fault("/main_day", "invalid_date");
	assert_fault("/seasons", "unknown_field");
}

static void test_venue(void **state)
{
	json_t *object;

	(void)state;
	assert_fine(read_item(CATALOG_VENUE, false, "{\"name\":\"Nhà văn hoá thử\",\"unit\":\"xã Than Uyên\"}"));
	assert_string_equal(item.venue.unit_id, "03595@2025-07-01");
	assert_true(item.venue.active);
	assert_int_equal(item.venue.capacity, -1);
	object = written();
	assert_true(json_is_null(json_object_get(object, "capacity")));
	assert_string_equal(json_string_value(json_object_get(json_object_get(object, "unit"), "name")),
			    "Xã Than Uyên");
	json_decref(object);
	assert_fine(read_item(CATALOG_VENUE, true, "{\"capacity\":300,\"active\":false}"));
	assert_string_equal(item.venue.name, "Nhà văn hoá thử");
	assert_int_equal(item.venue.capacity, 300);
	assert_fine(read_item(CATALOG_VENUE, true, "{\"capacity\":null}"));
	assert_int_equal(item.venue.capacity, -1);
	assert_false(read_item(CATALOG_VENUE, true, "{\"name\":null,\"unit\":\"Huyện Than Uyên\",\"capacity\":0}"));
	assert_fault("/name", "required");
	assert_fault("/unit", "unknown_unit");
	assert_fault("/capacity", "out_of_range");
}

static void test_team(void **state)
{
	json_t *object;

	(void)state;
	assert_fine(read_item(CATALOG_TEAM, false, "{\"code\":\"D1\",\"name\":\"Đội thử 1\",\"beds\":6}"));
	object = written();
	assert_int_equal(json_integer_value(json_object_get(object, "beds")), 6);
	assert_true(json_is_null(json_object_get(object, "organisation")));
	json_decref(object);
	assert_false(read_item(CATALOG_TEAM, false, "{\"code\":\"Đ 1\",\"beds\":\"6\"}"));
	assert_fault("/code", "invalid_value");
	assert_fault("/name", "required");
	assert_fault("/beds", "wrong_type");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_unit),
		TEST(test_campaign),
		TEST(test_venue),
		TEST(test_team),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
