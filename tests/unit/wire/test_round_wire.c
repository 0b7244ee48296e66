#include "wire/round_wire.h"

#include <jansson.h>

#include "wire/support.h"

static struct round round_in;
static struct round_step step;
static struct report report;

static bool read_round(const char *body)
{
	error_clear(&err);
	return round_read(body, strlen(body), units, &arena, &round_in, &err);
}

static bool read_step(enum round_verb verb, const struct round *now, const char *body)
{
	error_clear(&err);
	return round_step_read(body, strlen(body), verb, now, units, &arena, &step, &err);
}

static bool read_report(const char *body)
{
	error_clear(&err);
	return report_read(body, strlen(body), &arena, &report, &err);
}

static struct round a_round(struct date day)
{
	struct round round;

	round_init(&round);
	round.code = "LC25-07";
	round.title = "Đợt 7";
	round.from = round.to = day;
	round.precision = PRECISION_DAY;
	round.start_minute = 450;
	round.end_minute = 630;
	round.status = ROUND_ANNOUNCED;
	round.version = 3;
	return round;
}

/* ---- writing ---- */

static json_t *written(const struct round *round)
{
	struct buf buf = { 0 };
	struct json_out out = { .buf = &buf };
	json_t *object;

	round_write(&out, NULL, round);
	object = json_loadb(buf.data, buf.len, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(object);
	buf_release(&buf);
	return object;
}

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static void test_write_hours(void **state)
{
	struct round round = a_round(date_make(2025, 1, 2));
	json_t *object = written(&round);

	(void)state;
	assert_string_equal(text_of(object, "date"), "2025-01-02");
	assert_string_equal(text_of(object, "starts_at"), "2025-01-02T07:30:00+07:00");
	assert_string_equal(text_of(object, "ends_at"), "2025-01-02T10:30:00+07:00");
	assert_true(json_is_null(json_object_get(object, "plan")));
	assert_true(json_is_null(json_object_get(object, "ordinal")));
	assert_true(json_is_null(json_object_get(object, "result")));
	assert_true(json_is_null(json_object_get(object, "venue")));
	json_decref(object);
	round.start_minute = round.end_minute = -1;
	object = written(&round);
	assert_string_equal(text_of(object, "starts_at"), "2025-01-02T00:00:00+07:00");
	assert_string_equal(text_of(object, "ends_at"), "2025-01-03T00:00:00+07:00");
	assert_string_equal(text_of(object, "time_status"), "unknown");
	json_decref(object);
	round.start_minute = 1200;
	round.end_minute = 1440;
	object = written(&round);
	assert_string_equal(text_of(object, "ends_at"), "2025-01-03T00:00:00+07:00");
	json_decref(object);
}

static void test_write_year(void **state)
{
	struct round round = a_round(date_make(2025, 1, 1));
	json_t *object;

	(void)state;
	round.to = date_make(2025, 12, 31);
	round.precision = PRECISION_YEAR;
	round.start_minute = round.end_minute = -1;
	object = written(&round);
	assert_true(json_is_null(json_object_get(object, "date")));
	assert_true(json_is_null(json_object_get(object, "starts_at")));
	assert_true(json_is_null(json_object_get(object, "ends_at")));
	assert_string_equal(text_of(json_object_get(object, "period"), "to"), "2025-12-31");
	assert_string_equal(text_of(object, "date_precision"), "year");
	json_decref(object);
}

static void test_write_whole(void **state)
{
	struct named named = { "d", "Tên \"x\"" };
	struct report best = { .source = REPORT_TEAM, .reported_on = date_make(2025, 1, 2),
			       .registered = { 520, FIGURE_AT_LEAST }, .present = { -1, 0 }, .accepted = { -1, 0 },
			       .units = { 346, FIGURE_EXACT }, .ml = { -1, 0 }, .created_us = 0 };
	struct round round = a_round(date_make(2025, 1, 2));
	json_t *object, *result, *places;

	(void)state;
	round.plan_id = "p";
	round.plan_slug = "3653-KH-UBND";
	round.plan_number = "3653/KH-UBND";
	round.units = round.campaigns = &named;
	round.nunits = round.ncampaigns = 1;
	round.venue = round.team = named;
	round.capacity = 300;
	round.booked = 12;
	round.result = &best;
	object = written(&round);
	result = json_object_get(object, "result");
	places = json_object_get(object, "places");
	assert_string_equal(text_of(json_object_get(object, "plan"), "slug"), "3653-KH-UBND");
	assert_string_equal(text_of(json_object_get(object, "team"), "name"), "Tên \"x\"");
	assert_int_equal(json_integer_value(json_object_get(places, "left")), 288);
	assert_string_equal(text_of(json_object_get(result, "registered"), "qualifier"), "at_least");
	assert_true(json_is_null(json_object_get(result, "ml")));
	assert_int_equal(json_object_size(object), 28);
	json_decref(object);
}

/* ---- a new round ---- */

static void test_read_round(void **state)
{
	(void)state;
	assert_fine(read_round("{\"title\":\"Đợt thử\",\"date\":\"2024-12-20\",\"start\":\"07:30\",\"end\":\"10:30\","
			       "\"units\":[\"Huyện Than Uyên\"],\"campaigns\":[\"chu-nhat-do\"],\"capacity\":300}"));
	assert_int_equal(round_in.status, ROUND_DRAFT);
	assert_int_equal(round_in.date_status, FACT_PROPOSED);
	assert_int_equal(round_in.time_status, FACT_PROPOSED);
	assert_int_equal(round_in.place_status, FACT_PROPOSED);
	assert_int_equal(round_in.start_minute, 450);
	assert_int_equal(round_in.nunits, 1);
	assert_string_equal(round_in.units[0].id, "110@pre-2025-07-01");
	assert_string_equal(round_in.campaigns[0].id, "chu-nhat-do");
	assert_int_equal(round_in.capacity, 300);
	assert_int_equal(round_in.target_units, -1);
}

static void test_read_round_of_a_month(void **state)
{
	(void)state;
	assert_fine(read_round("{\"title\":\"x\",\"period\":{\"from\":\"2025-02-01\",\"to\":\"2025-02-28\"},"
			       "\"date_precision\":\"month\",\"units\":[]}"));
	assert_int_equal(round_in.precision, PRECISION_MONTH);
	assert_int_equal(round_in.place_status, FACT_UNKNOWN);
	assert_int_equal(round_in.time_status, FACT_UNKNOWN);
	assert_false(read_round("{\"title\":\"x\",\"period\":{\"from\":\"2025-02-01\",\"to\":\"2025-03-28\"},"
				"\"date_precision\":\"month\",\"units\":[]}"));
	assert_fault("/period", "invalid_value");
	assert_false(read_round("{\"title\":\"x\",\"date\":\"2025-02-01\",\"date_precision\":\"month\",\"units\":[]}"));
	assert_fault("/date_precision", "invalid_value");
	assert_int_equal(err.nfields, 1);
	assert_false(read_round("{\"title\":\"x\",\"date\":\"2025-02-01\",\"period\":{},\"units\":[]}"));
	assert_fault("/period", "invalid_value");
	assert_int_equal(err.nfields, 1);
	assert_false(read_round("{\"title\":\"x\",\"period\":{\"from\":\"2025-02-01\",\"to\":\"2025-02-28\"},"
				"\"date_precision\":\" \",\"units\":[]}"));
	assert_fault("/date_precision", "invalid_value");
	assert_false(read_round("{\"title\":\"x\",\"period\":{\"from\":\"2025-02-01\"},\"units\":[]}"));
	assert_fault("/period/to", "required");
	assert_fault("/date_precision", "required");
}

static void test_all_faults_at_once(void **state)
{
	(void)state;
	assert_false(read_round("{\"date\":\"2025-02-30\",\"start\":\"7.30\",\"units\":[\"Xã Nơi Nào Đó Xa\",\"\"],"
				"\"venue\":\"nhà văn hoá\",\"capacity\":0,\"ordinal\":\"1\",\"extra\":1}"));
	assert_fault("/title", "required");
	assert_fault("/date", "invalid_date");
	assert_fault("/start", "invalid_time");
	assert_fault("/units/1", "required");
	assert_fault("/venue", "invalid_value");
	assert_fault("/capacity", "out_of_range");
	assert_fault("/ordinal", "wrong_type");
	assert_fault("/extra", "unknown_field");
}

/* ---- places, as of the round's date ---- */

static void test_former_district_gives_its_successors(void **state)
{
	(void)state;
	assert_fine(read_round("{\"title\":\"x\",\"date\":\"2025-11-28\",\"units\":[\"huyen than uyen\"]}"));
	assert_true(round_in.nunits >= 4);
	for (size_t i = 0; i < round_in.nunits; i++)
		assert_true(unit_valid_on(unit_by_id(units, round_in.units[i].id), round_in.from));
	/* by id too, and together with one of its successors: each once */
	size_t alone = round_in.nunits;

	assert_fine(read_round("{\"title\":\"x\",\"date\":\"2025-11-28\","
			       "\"units\":[\"110@pre-2025-07-01\",\"03618@2025-07-01\"]}"));
	assert_int_equal(round_in.nunits, alone);
}

static void test_later_unit_gives_what_was_there(void **state)
{
	(void)state;
	assert_fine(read_round("{\"title\":\"x\",\"date\":\"2024-12-20\",\"units\":[\"03618@2025-07-01\"]}"));
	assert_true(round_in.nunits >= 1);
	for (size_t i = 0; i < round_in.nunits; i++)
		assert_true(unit_valid_on(unit_by_id(units, round_in.units[i].id), round_in.from));
}

static void test_ambiguous_name(void **state)
{
	(void)state;
	assert_false(read_round("{\"title\":\"x\",\"date\":\"2024-12-20\",\"units\":[\"Tam Đường\"]}"));
	assert_fault("/units/0", "ambiguous_unit");
	assert_non_null(strstr(err.fields[0].detail[LANGUAGE_EN], "106@pre-2025-07-01"));
}

static void test_misspelt_name(void **state)
{
	(void)state;
	assert_false(read_round("{\"title\":\"x\",\"date\":\"2024-12-20\",\"units\":[\"12\",\"Than Uyn\"]}"));
	assert_fault("/units/1", "unknown_unit");
	assert_non_null(strstr(err.fields[0].detail[LANGUAGE_EN], "Than Uyên"));
	assert_int_equal(err.nfields, 1);
}

/* A date that is wrong itself does not make every place wrong too. */
static void test_places_without_a_date(void **state)
{
	(void)state;
	assert_false(read_round("{\"title\":\"x\",\"units\":[\"Tam Đường\",\"Huyện Than Uyên\",\"zzzzzz\"]}"));
	assert_fault("/date", "required");
	assert_fault("/units/2", "unknown_unit");
	assert_int_equal(err.nfields, 2);
}

/* ---- steps ---- */

static void test_patch_sets_only_what_is_there(void **state)
{
	struct round now = a_round(date_make(2025, 1, 2));

	(void)state;
	now.note = "cũ";
	assert_fine(read_step(ROUND_EDIT, &now, "{\"end\":\"11:00\",\"note\":null,\"capacity\":null}"));
	assert_int_equal(step.set, ROUND_TIME | ROUND_NOTE | ROUND_CAPACITY);
	assert_int_equal(step.values.start_minute, 450);
	assert_int_equal(step.values.end_minute, 660);
	assert_null(step.values.note);
	assert_int_equal(step.values.capacity, -1);
	assert_fine(read_step(ROUND_EDIT, &now, "{}"));
	assert_int_equal(step.set, 0);
	assert_false(read_step(ROUND_EDIT, &now, "{\"title\":null,\"date\":null,\"units\":null,\"status\":\"open\"}"));
	assert_fault("/title", "required");
	assert_fault("/date", "required");
	assert_fault("/units", "required");
	assert_fault("/status", "unknown_field");
}

static void test_confirm(void **state)
{
	struct round now = a_round(date_make(2025, 1, 2));

	(void)state;
	assert_fine(read_step(ROUND_CONFIRM, &now, "{\"document\":\"3653/KH-UBND\"}"));
	assert_true(step.confirm_date && !step.confirm_time && !step.confirm_place);
	assert_fine(read_step(ROUND_CONFIRM, &now, "{\"document\":\"x\",\"facts\":[\"time\",\"place\"]}"));
	assert_true(!step.confirm_date && step.confirm_time && step.confirm_place);
	/* what is given is meant */
	assert_fine(read_step(ROUND_CONFIRM, &now, "{\"document\":\"x\",\"start\":\"08:00\"}"));
	assert_int_equal(step.set, ROUND_TIME);
	assert_true(!step.confirm_date && step.confirm_time && !step.confirm_place);
	assert_fine(read_step(ROUND_CONFIRM, &now, "{\"document\":\"x\",\"date\":\"2025-01-09\",\"units\":[\"12\"]}"));
	assert_true(step.confirm_date && !step.confirm_time && step.confirm_place);
	assert_false(read_step(ROUND_CONFIRM, &now, "{\"facts\":[\"hour\"]}"));
	assert_fault("/document", "required");
	assert_fault("/facts/0", "invalid_value");
	assert_false(read_step(ROUND_CONFIRM, &now, "{\"document\":\"x\",\"facts\":[]}"));
	assert_fault("/facts", "invalid_value");
	assert_false(read_step(ROUND_CONFIRM, &now, "{\"document\":\"x\",\"facts\":[\"date\"],\"venue\":null}"));
	assert_fault("/facts", "incomplete");
	assert_false(read_step(ROUND_CONFIRM, &now,
			       "{\"document\":\"x\",\"facts\":[\"time\"],\"date\":\"2025-06-19\"}"));
	assert_fault("/facts", "incomplete");
}

static void test_verbs_and_their_bodies(void **state)
{
	struct round now = a_round(date_make(2025, 1, 2));

	(void)state;
	assert_fine(read_step(ROUND_ANNOUNCE, &now, ""));
	assert_fine(read_step(ROUND_ANNOUNCE, &now, " \r\n"));
	assert_fine(read_step(ROUND_CLOSE, &now, "{}"));
	assert_false(read_step(ROUND_CLOSE, &now, "{\"reason\":\"x\"}"));
	assert_fault("/reason", "unknown_field");
	assert_fine(read_step(ROUND_CANCEL, &now, "{\"reason\":\"mưa lũ\"}"));
	assert_string_equal(step.reason, "mưa lũ");
	assert_false(read_step(ROUND_POSTPONE, &now, "{\"reason\":\" \"}"));
	assert_fault("/reason", "required");
	assert_false(read_step(ROUND_POSTPONE, &now, ""));
	assert_fault("/reason", "required");
	assert_false(read_step(ROUND_MOVE, &now, "{\"reason\":\"x\",\"capacity\":5}"));
	assert_fault("/capacity", "unknown_field");
}

/* Moved beyond the end of its district: host are then the communes that followed. */
static void test_move_carries_units(void **state)
{
	struct named host = { "110@pre-2025-07-01", "Huyện Than Uyên" };
	struct round now = a_round(date_make(2025, 6, 20));

	(void)state;
	now.units = &host;
	now.nunits = 1;
	assert_fine(read_step(ROUND_MOVE, &now, "{\"reason\":\"x\",\"date\":\"2025-07-10\"}"));
	assert_int_equal(step.set, ROUND_DATE | ROUND_UNITS | ROUND_VENUE);
	assert_int_equal(step.values.nunits, 4);
	assert_true(step.carried);
	assert_fine(read_step(ROUND_MOVE, &now, "{\"reason\":\"x\",\"date\":\"2025-07-10\",\"venue\":null}"));
	assert_false(step.carried);
	/* Lê Lợi took land of Nậm Nhùn, but is seated in Sìn Hồ */
	host.id = "112@pre-2025-07-01";
	assert_fine(read_step(ROUND_MOVE, &now, "{\"reason\":\"x\",\"date\":\"2025-07-10\"}"));
	assert_int_equal(step.values.nunits, 4);
	assert_fine(read_step(ROUND_MOVE, &now, "{\"reason\":\"x\",\"date\":\"2025-06-28\"}"));
	assert_int_equal(step.set, ROUND_DATE);
	assert_false(step.carried);
}

static void test_confirm_means_what_it_gives(void **state)
{
	struct round now = a_round(date_make(2025, 6, 20));

	(void)state;
	assert_fine(read_step(ROUND_CONFIRM, &now, "{\"document\":\"x\"}"));
	assert_true(step.confirm_date && !step.confirm_time && !step.confirm_place && step.set == 0);
	assert_fine(read_step(ROUND_CONFIRM, &now,
			      "{\"document\":\"x\",\"start\":\"07:30\",\"end\":\"10:30\"}"));
	assert_true(!step.confirm_date && step.confirm_time && !step.confirm_place);
	assert_fine(read_step(ROUND_CONFIRM, &now,
			      "{\"document\":\"x\",\"facts\":[\"date\"],\"date\":\"2025-06-19\"}"));
	assert_true(step.confirm_date && !step.confirm_place && step.set == ROUND_DATE);
}

/* ---- reports ---- */

static void test_read_report(void **state)
{
	(void)state;
	assert_fine(read_report("{\"source\":\"press\",\"source_url\":\"https://example.org/a\","
				"\"reported_on\":\"2024-11-08\",\"registered\":{\"value\":520,\"qualifier\":\"at_least\"},"
				"\"units\":{\"value\":346},\"ml\":null}"));
	assert_int_equal(report.source, REPORT_PRESS);
	assert_int_equal(report.registered.value, 520);
	assert_int_equal(report.registered.qualifier, FIGURE_AT_LEAST);
	assert_int_equal(report.units.qualifier, FIGURE_EXACT);
	assert_int_equal(report.ml.value, -1);
	assert_int_equal(report.present.value, -1);
}

static void test_report_faults(void **state)
{
	(void)state;
	assert_false(read_report("{\"source\":\"radio\",\"source_url\":\"javascript:x\",\"registered\":5,"
				 "\"units\":{\"value\":-1,\"qualifier\":\"many\",\"x\":1},\"corrects\":\"7\"}"));
	assert_fault("/source", "invalid_value");
	assert_fault("/source_url", "invalid_value");
	assert_fault("/reported_on", "required");
	assert_fault("/registered", "wrong_type");
	assert_fault("/units/value", "out_of_range");
	assert_fault("/units/qualifier", "invalid_value");
	assert_fault("/units/x", "unknown_field");
	assert_fault("/corrects", "invalid_value");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_write_hours),
		TEST(test_write_year),
		TEST(test_write_whole),
		TEST(test_read_round),
		TEST(test_read_round_of_a_month),
		TEST(test_all_faults_at_once),
		TEST(test_former_district_gives_its_successors),
		TEST(test_later_unit_gives_what_was_there),
		TEST(test_ambiguous_name),
		TEST(test_misspelt_name),
		TEST(test_places_without_a_date),
		TEST(test_patch_sets_only_what_is_there),
		TEST(test_confirm),
		TEST(test_verbs_and_their_bodies),
		TEST(test_move_carries_units),
		TEST(test_confirm_means_what_it_gives),
		TEST(test_read_report),
		TEST(test_report_faults),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
