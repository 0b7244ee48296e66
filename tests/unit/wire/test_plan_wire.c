#include "wire/plan_wire.h"

#include <jansson.h>

#include "wire/support.h"

static struct plan plan;
static struct propose_file file;

#define HEAD "\"number\":\"901/KH-THU\",\"title\":\"Kế hoạch thử\",\"code_prefix\":\"TT25\"," \
	     "\"from\":\"2024-12-20\",\"to\":\"2025-11-28\""

static bool read_json(const char *text)
{
	error_clear(&err);
	return plan_file_read_json(text, strlen(text), units, &arena, &plan, &err);
}

/* ---- plans as bodies ---- */

static void test_plan_body(void **state)
{
	const char *body = "{" HEAD ",\"legal_basis\":[\"Luật thử\"],\"campaigns\":[\"chu-nhat-do\"]}";

	(void)state;
	assert_fine(plan_read(body, strlen(body), &arena, &plan, &err));
	assert_string_equal(plan.slug, "901-KH-THU");
	assert_int_equal(plan.nlegal_basis, 1);
	assert_string_equal(plan.campaigns[0].id, "chu-nhat-do");
	assert_false(plan.demo);
	body = "{\"number\":\"//\",\"from\":\"x\",\"rounds\":[]}";
	assert_false(plan_read(body, strlen(body), &arena, &plan, &err));
	assert_fault("/number", "invalid_value");
	assert_fault("/title", "required");
	assert_fault("/code_prefix", "required");
	assert_fault("/from", "invalid_date");
	assert_fault("/to", "required");
	assert_fault("/rounds", "unknown_field");
}

/* ---- plan files ---- */

static void test_plan_file(void **state)
{
	(void)state;
	assert_fine(read_json("\xef\xbb\xbf{" HEAD ",\"rounds\":["
			      "{\"ordinal\":2,\"date\":\"2025-01-05\",\"status\":\"announced\",\"team\":\"D1\","
			      "\"venue\":\"Nhà văn hoá thử\"},"
			      "{\"ordinal\":1,\"title\":\"Khai mạc\",\"date\":\"2024-12-20\",\"date_status\":\"official\","
			      "\"document\":\"901/KH-THU\",\"units\":[\"12\"]}]}"));
	assert_int_equal(plan.nrounds, 2);
	assert_string_equal(plan.rounds[0].title, "Khai mạc");
	assert_int_equal(plan.rounds[0].date_status, FACT_OFFICIAL);
	assert_int_equal(plan.rounds[0].place_status, FACT_PROPOSED);
	assert_int_equal(plan.rounds[0].status, ROUND_DRAFT);
	assert_string_equal(plan.rounds[1].title, "Đợt hiến máu số 2");
	assert_int_equal(plan.rounds[1].date_status, FACT_PROPOSED);
	assert_int_equal(plan.rounds[1].time_status, FACT_UNKNOWN);
	assert_int_equal(plan.rounds[1].status, ROUND_ANNOUNCED);
	assert_string_equal(plan.rounds[1].team.id, "D1");
	assert_string_equal(plan.rounds[1].venue.id, "Nhà văn hoá thử");
}

static void test_plan_file_faults(void **state)
{
	(void)state;
	assert_false(read_json("{" HEAD ",\"rounds\":[5,{\"date\":\"2025-13-01\",\"status\":\"gone\","
			       "\"date_status\":\"sure\",\"units\":[\"zzzzzz\"],\"x\":1}]}"));
	assert_fault("/rounds/0", "wrong_type");
	assert_fault("/rounds/1/ordinal", "required");
	assert_fault("/rounds/1/date", "invalid_date");
	assert_fault("/rounds/1/status", "invalid_value");
	assert_fault("/rounds/1/date_status", "invalid_value");
	assert_fault("/rounds/1/units/0", "unknown_unit");
	assert_fault("/rounds/1/x", "unknown_field");
	assert_false(read_json("{" HEAD ",\n\"rounds\":[}"));
	assert_int_equal(err.code, ERR_MALFORMED);
	assert_non_null(strstr(err.detail[LANGUAGE_EN], "Line 2"));
}

static void same_round(const struct round *a, const struct round *b)
{
	assert_int_equal(a->ordinal, b->ordinal);
	assert_string_equal(a->title, b->title);
	assert_int_equal(date_compare(a->from, b->from), 0);
	assert_int_equal(date_compare(a->to, b->to), 0);
	assert_int_equal(a->precision, b->precision);
	assert_int_equal(a->start_minute, b->start_minute);
	assert_int_equal(a->end_minute, b->end_minute);
	assert_int_equal(a->date_status, b->date_status);
	assert_int_equal(a->time_status, b->time_status);
	assert_int_equal(a->place_status, b->place_status);
	assert_int_equal(a->status, b->status);
	assert_true(streq(a->status_reason, b->status_reason));
	assert_true(streq(a->document, b->document));
	assert_true(streq(a->venue.id, b->venue.id));
	assert_true(streq(a->team.id, b->team.id));
	assert_true(streq(a->organiser, b->organiser));
	assert_true(streq(a->note, b->note));
	assert_int_equal(a->target_units, b->target_units);
	assert_int_equal(a->capacity, b->capacity);
	assert_int_equal(a->nunits, b->nunits);
	for (size_t i = 0; i < a->nunits; i++)
		assert_string_equal(a->units[i].id, b->units[i].id);
	assert_int_equal(a->ncampaigns, b->ncampaigns);
	for (size_t i = 0; i < a->ncampaigns; i++)
		assert_string_equal(a->campaigns[i].id, b->campaigns[i].id);
}

static void test_plan_file_round_trip(void **state)
{
	struct buf first = { 0 }, second = { 0 };
	struct plan before;

	(void)state;
	assert_fine(read_json("{" HEAD ",\"issued_on\":\"2024-09-13\",\"issuer\":\"UBND\",\"demo\":true,"
			      "\"legal_basis\":[\"a\",\"b\"],\"campaigns\":[\"x\"],\"rounds\":["
			      "{\"ordinal\":1,\"date\":\"2024-12-20\",\"start\":\"07:30\",\"end\":\"24:00\","
			      "\"units\":[\"Huyện Than Uyên\",\"12\"],\"campaigns\":[\"chu-nhat-do\"],\"team\":\"D1\","
			      "\"venue\":\"0198f000-0000-7000-8000-000000000001\",\"organiser\":\"Hội \\\"thử\\\"\","
			      "\"target_units\":0,\"capacity\":300,\"status\":\"postponed\",\"status_reason\":\"mưa\","
			      "\"note\":\"ghi chú\",\"document\":\"d\",\"place_status\":\"official\"},"
			      "{\"ordinal\":2,\"period\":{\"from\":\"2025-02-01\",\"to\":\"2025-02-28\"},"
			      "\"date_precision\":\"month\",\"date_status\":\"reported\"}]}"));
	plan_file_write(&first, &plan);
	before = plan;
	assert_fine(read_json(first.data));
	plan_file_write(&second, &plan);
	assert_string_equal(first.data, second.data);
	assert_string_equal(before.number, plan.number);
	assert_true(plan.demo);
	assert_int_equal(plan.nlegal_basis, 2);
	assert_int_equal(date_compare(before.issued_on, plan.issued_on), 0);
	assert_int_equal(plan.nrounds, 2);
	for (size_t i = 0; i < plan.nrounds; i++)
		same_round(&before.rounds[i], &plan.rounds[i]);
	assert_non_null(strstr(first.data, "\n  \"number\": \"901/KH-THU\""));
	assert_int_equal(first.data[first.len - 1], '\n');
	buf_release(&first);
	buf_release(&second);
}

static void test_plan_write(void **state)
{
	struct buf buf = { 0 };
	struct json_out out = { .buf = &buf };
	json_t *object;

	(void)state;
	assert_fine(read_json("{" HEAD ",\"rounds\":[{\"ordinal\":1,\"date\":\"2024-12-20\"}]}"));
	plan_write(&out, NULL, &plan, true);
	object = json_loadb(buf.data, buf.len, JSON_REJECT_DUPLICATES, NULL);
	assert_int_equal(json_integer_value(json_object_get(object, "round_count")), 1);
	assert_int_equal(json_array_size(json_object_get(object, "rounds")), 1);
	assert_true(json_is_null(json_object_get(object, "issuer")));
	json_decref(object);
	buf_release(&buf);
}

static void test_diff_write(void **state)
{
	struct plan_diff diff;
	struct plan existing;
	struct buf buf = { 0 };
	struct json_out out = { .buf = &buf };
	json_t *object, *rows;

	(void)state;
	assert_fine(read_json("{" HEAD ",\"rounds\":[{\"ordinal\":1,\"date\":\"2024-12-20\"},"
			      "{\"ordinal\":2,\"date\":\"2025-01-05\"}]}"));
	existing = plan;
	assert_fine(read_json("{" HEAD ",\"rounds\":[{\"ordinal\":1,\"date\":\"2024-12-20\"},"
			      "{\"ordinal\":2,\"date\":\"2025-01-06\",\"date_status\":\"official\"},"
			      "{\"ordinal\":3,\"date\":\"2025-02-06\"}]}"));
	assert_true(plan_diff(&existing, &plan, &arena, &diff, &err));
	plan_diff_write(&out, &plan, &diff, true);
	object = json_loadb(buf.data, buf.len, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(object);
	rows = json_object_get(object, "rows");
	assert_int_equal(json_array_size(rows), 2);
	assert_int_equal(json_integer_value(json_object_get(object, "kept")), 1);
	assert_string_equal(json_string_value(json_array_get(json_object_get(json_array_get(rows, 0), "fields"), 0)),
			    "date");
	assert_string_equal(json_string_value(json_array_get(json_object_get(json_array_get(rows, 0), "fields"), 1)),
			    "facts");
	assert_string_equal(json_string_value(json_object_get(json_array_get(rows, 1), "action")), "create");
	assert_true(json_is_null(json_object_get(json_array_get(rows, 1), "was")));
	json_decref(object);
	buf_release(&buf);
}

/* ---- spreadsheets ---- */

static bool read_csv(const char *text)
{
	struct plan of = { .number = "901/KH-THU", .slug = "901-KH-THU", .title = "Kế hoạch thử",
			   .code_prefix = "TT25", .from = { 2024, 12, 20 }, .to = { 2025, 11, 28 } };

	error_clear(&err);
	return plan_file_read_csv(text, strlen(text), &of, units, &arena, &plan, &err);
}

#define HEADING "ordinal,date,start,end,place,units,organiser,target\n"

static void test_csv(void **state)
{
	(void)state;
	assert_fine(read_csv("\xef\xbb\xbf Units ,ORDINAL,date,start,end,place,organiser,target\r\n"
			     "\r\n"
			     "Huyện Than Uyên; 12 ;,2,5/1/2025,7h30,10:30,\"Nhà văn hoá \"\"Thử\"\"\",\"Hội\nthử\",250\r\n"
			     ",,,,,,,\r\n"
			     ",1,2024-12-20,,,,,"));
	assert_int_equal(plan.nrounds, 2);
	assert_int_equal(plan.rounds[0].ordinal, 1);
	assert_int_equal(plan.rounds[0].time_status, FACT_UNKNOWN);
	assert_int_equal(plan.rounds[0].place_status, FACT_UNKNOWN);
	assert_int_equal(plan.rounds[0].target_units, -1);
	assert_string_equal(plan.rounds[1].title, "Đợt hiến máu số 2");
	assert_int_equal(date_compare(plan.rounds[1].from, date_make(2025, 1, 5)), 0);
	assert_int_equal(plan.rounds[1].start_minute, 450);
	assert_int_equal(plan.rounds[1].nunits, 2);
	assert_string_equal(plan.rounds[1].venue.id, "Nhà văn hoá \"Thử\"");
	assert_string_equal(plan.rounds[1].organiser, "Hội thử");
	assert_int_equal(plan.rounds[1].target_units, 250);
	assert_string_equal(plan.number, "901/KH-THU");
}

/* What a spreadsheet of Vietnamese settings writes, and what is pasted from one. */
static void test_csv_separators(void **state)
{
	(void)state;
	assert_fine(read_csv("\xef\xbb\xbfordinal;date;start;end;place;units;\"organiser\";target\r\n"
			     "2;5/1/2025;7h30;10:30;Nhà A, tầng 1;\"Huyện Than Uyên; 12\";Hội, thử;250\r\n"
			     ";;;;;;;\r\n"
			     "1;20/12/2024;;;;;;\r\n"));
	assert_int_equal(plan.nrounds, 2);
	assert_int_equal(plan.rounds[1].nunits, 2);
	assert_string_equal(plan.rounds[1].organiser, "Hội, thử");
	assert_string_equal(plan.rounds[1].venue.id, "Nhà A, tầng 1");
	assert_int_equal(plan.rounds[1].target_units, 250);
	assert_fine(read_csv("\nunits\tordinal\tdate\tstart\tend\tplace\torganiser\ttarget\n"
			     "Huyện Than Uyên;12\t2\t5/1/2025\t\t\t\t\t250\n"
			     "\t1\t2024-12-20\t\t\t\t\t\n"));
	assert_int_equal(plan.rounds[1].nunits, 2);
	assert_int_equal(plan.rounds[0].nunits, 0);
	assert_false(read_csv("ordinal;date;start;end;place;units;organiser;target\n1;31/2/2025;;;;;;\n"));
	assert_fault("line 2, column date", "invalid_date");
}

/* A comma is part of a name; it parts no units. */
static void test_csv_units_by_commas(void **state)
{
	(void)state;
	assert_false(read_csv(HEADING "1,2024-12-20,,,,\"Huyện Than Uyên, Huyện Tân Uyên\",,\n"));
	assert_fault("line 2, column units", "unknown_unit");
	assert_non_null(strstr(err.fields[0].detail[LANGUAGE_EN], "';'"));
	assert_fine(read_csv(HEADING "1,2024-12-20,,,,\"huyện Than Uyên, tỉnh Lai Châu\",,\n"));
}

/* A quoted line break counts: the faulty row begins on line 5. */
static void test_csv_faults_name_line_and_column(void **state)
{
	(void)state;
	assert_false(read_csv(HEADING "1,2024-12-20,,,,,\"a\r\nb\",\n"
				      "\n"
				      "x,31/2/2025,25:00,,,zzzzzz,,-3\n"
				      "1,2025-03-01,,,,,,\n"
				      "2,,,,,,\n"));
	assert_fault("line 7", "wrong_count");
	assert_int_equal(err.nfields, 1);
	assert_false(read_csv(HEADING "1,2024-12-20,,,,,\"a\r\nb\",\n"
				      "\n"
				      "x,31/2/2025,25:00,,,zzzzzz,,-3\n"
				      "1,2025-03-01,,,,,,\n"
				      "2,,,,,,,\n"));
	assert_fault("line 5, column ordinal", "out_of_range");
	assert_fault("line 5, column date", "invalid_date");
	assert_fault("line 5, column start", "invalid_time");
	assert_fault("line 5, column units", "unknown_unit");
	assert_fault("line 5, column target", "out_of_range");
	assert_fault("line 6, column ordinal", "duplicate");
	assert_fault("line 7, column date", "required");
}

/* What the rules refuse once the cells are read; rows stand in any order. */
static void test_csv_rules_name_line_and_column(void **state)
{
	(void)state;
	assert_false(read_csv(HEADING "2,2025-12-31,,,,,,\n"
				      "\n"
				      "1,2024-12-20,10:30,7:30,,,,\n"));
	assert_fault("line 2, column date", "outside_plan");
	assert_fault("line 4, column end", "before_start");
	assert_int_equal(err.nfields, 2);
	assert_non_null(strstr(err.fields[0].detail[LANGUAGE_VI], "kế hoạch"));
}

static void test_csv_headings(void **state)
{
	(void)state;
	assert_false(read_csv("ordinal,date,date,start,end,place,units,goal\n1,2024-12-20,,,,,,\n"));
	assert_fault("line 1, column goal", "unknown_column");
	assert_fault("line 1, column date", "duplicate_column");
	assert_fault("line 1, column organiser", "missing_column");
	assert_fault("line 1, column target", "missing_column");
	assert_int_equal(err.nfields, 4);
}

/* A pointer is cut where it is too long, never inside a character: it goes into JSON. */
static void test_csv_long_heading(void **state)
{
	static const char *const shifts[] = { "", "x", "xx" };
	char text[400];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(shifts); i++) {
		error_clear(&err);
		snprintf(text, sizeof(text), "%sđợt đầu tiên được biết ở huyện Than Uyên, và còn nữa, đến khi tên cột này quá "
			 "dài\n", shifts[i]);
		for (char *comma = text; (comma = strchr(comma, ',')) != NULL;)
			*comma = ' ';
		assert_false(read_csv(text));
		assert_string_equal(err.fields[0].code, "unknown_column");
		assert_in_range(strlen(err.fields[0].pointer), 93, 95);
		assert_true(text_valid_utf8(err.fields[0].pointer, strlen(err.fields[0].pointer)));
	}
}

static void test_csv_malformed(void **state)
{
	char *large = arena_alloc(&arena, (2 << 20) + 1);

	(void)state;
	assert_false(read_csv(HEADING "1,2024-12-20,,,a\"b,,,\n"));
	assert_int_equal(err.code, ERR_MALFORMED);
	assert_non_null(strstr(err.detail[LANGUAGE_EN], "Line 2"));
	assert_false(read_csv(HEADING "1,2024-12-20,,,\"ab,,,\n"));
	assert_int_equal(err.code, ERR_MALFORMED);
	assert_false(read_csv(""));
	assert_int_equal(err.code, ERR_MALFORMED);
	assert_false(read_csv("\n\n"));
	assert_int_equal(err.code, ERR_MALFORMED);
	assert_false(read_csv(HEADING "1,\xff\n"));
	assert_int_equal(err.code, ERR_MALFORMED);
	memset(large, ',', 2 << 20);
	assert_false(read_csv(large));
	assert_int_equal(err.code, ERR_CONTENT_TOO_LARGE);
	large[1 << 20] = '\0';
	assert_false(read_csv(large));
}

/* Old Macintosh line ends, and blank lines that hold blanks. */
static void test_csv_line_ends(void **state)
{
	(void)state;
	assert_false(read_csv("ordinal,date,start,end,place,units,organiser,target\r  \r1,x,,,,,,\r"));
	assert_fault("line 3, column date", "invalid_date");
}

/* A round that is there keeps its title, and its venue where the place says the same. */
static void test_csv_of_known_rounds(void **state)
{
	struct round known;
	struct plan of = { .number = "n", .from = { 2024, 12, 20 }, .to = { 2025, 11, 28 }, .rounds = &known,
			   .nrounds = 1 };
	const char *text = HEADING "1,2024-12-20,,,nha van hoa thu,,,\n2,2024-12-21,,,nơi khác,,,\n";

	(void)state;
	round_init(&known);
	known.ordinal = 1;
	known.title = "Khai mạc";
	known.venue = (struct named){ "v1", "Nhà văn hoá Thử" };
	assert_fine(plan_file_read_csv(text, strlen(text), &of, units, &arena, &plan, &err));
	assert_string_equal(plan.rounds[0].title, "Khai mạc");
	assert_string_equal(plan.rounds[0].venue.id, "v1");
	assert_string_equal(plan.rounds[1].venue.id, "nơi khác");
}

/* ---- proposals ---- */

static bool read_propose(const char *text)
{
	error_clear(&err);
	return propose_file_read(text, strlen(text), units, &arena, &file, &err);
}

static void test_propose_defaults(void **state)
{
	int total = 0;

	(void)state;
	assert_fine(read_propose("{" HEAD ",\"rounds\":[{\"ordinal\":1,\"date\":\"2024-12-20\"},"
				 "{\"ordinal\":18,\"date\":\"2025-11-28\"}],\"propose\":{\"rounds\":18}}"));
	assert_int_equal(file.request.rounds, 18);
	assert_int_equal(file.request.teams, 1);
	assert_int_equal(file.request.gap_days, 84);
	assert_int_equal(file.request.nfixed, 2);
	assert_int_equal(file.request.fixed[1].place, -1);
	assert_int_equal(file.request.nplaces, 8);
	for (size_t i = 0; i < 8; i++)
		total += file.request.places[i].rounds;
	assert_int_equal(total, 16);
	assert_string_equal(file.place_units[0], "105@pre-2025-07-01");
	assert_string_equal(file.request.places[0].name, "Thành phố Lai Châu");
	assert_string_equal(file.status, "draft");
	assert_int_equal(file.start_minute, -1);
	assert_int_equal(file.capacity, -1);
}

/* After the districts ended the former ones are still the places. */
static void test_propose_later_plan(void **state)
{
	(void)state;
	assert_fine(read_propose("{\"number\":\"902/KH-THU\",\"title\":\"x\",\"code_prefix\":\"TT27\","
				 "\"from\":\"2026-12-20\",\"to\":\"2027-11-28\",\"rounds\":["
				 "{\"ordinal\":1,\"date\":\"2026-12-20\",\"units\":[\"03618@2025-07-01\"]}],"
				 "\"propose\":{\"rounds\":17,\"teams\":2,\"start\":\"07:30\",\"end\":\"10:30\","
				 "\"target_units\":250,\"capacity\":400,\"status\":\"announced\"}}"));
	assert_int_equal(file.request.nplaces, 8);
	assert_int_equal(file.request.places[0].rounds, 3);
	assert_int_equal(file.request.places[1].rounds, 2);
	assert_string_equal(file.place_units[file.request.fixed[0].place], "110@pre-2025-07-01");
	assert_int_equal(file.start_minute, 450);
	assert_string_equal(file.status, "announced");
	assert_int_equal(file.capacity, 400);
}

static void test_propose_places_and_faults(void **state)
{
	(void)state;
	assert_fine(read_propose("{" HEAD ",\"propose\":{\"rounds\":3,\"places\":[{\"unit\":\"Huyện Than Uyên\","
				 "\"rounds\":2},{\"unit\":\"106@pre-2025-07-01\",\"name\":\"Cụm thử\",\"rounds\":1}]}}"));
	assert_int_equal(file.request.nplaces, 2);
	assert_string_equal(file.request.places[1].name, "Cụm thử");
	assert_int_equal(file.request.places[0].rounds, 2);
	assert_fine(read_propose("{" HEAD ",\"rounds\":[{\"ordinal\":1,\"date\":\"2025-01-10\","
				 "\"units\":[\"thị trấn Than Uyên\"]}],\"propose\":{\"rounds\":9}}"));
	assert_string_equal(file.place_units[file.request.fixed[0].place], "110@pre-2025-07-01");
	assert_false(read_propose("{" HEAD ",\"rounds\":[{\"ordinal\":1,\"date_precision\":\"month\","
				  "\"period\":{\"from\":\"2025-03-01\",\"to\":\"2025-03-31\"}}],"
				  "\"propose\":{\"rounds\":9}}"));
	assert_fault("/rounds/0/date", "needs_day");
	assert_false(read_propose("{" HEAD "}"));
	assert_fault("/propose", "required");
	assert_false(read_propose("{" HEAD ",\"propose\":{\"rounds\":0,\"status\":\"open\",\"places\":[4,"
				  "{\"unit\":\"zzzzzz\",\"x\":1}],\"start\":\"x\",\"y\":1}}"));
	assert_fault("/propose/rounds", "out_of_range");
	assert_fault("/propose/status", "invalid_value");
	assert_fault("/propose/places/0", "wrong_type");
	assert_fault("/propose/places/1/unit", "unknown_unit");
	assert_fault("/propose/places/1/rounds", "required");
	assert_fault("/propose/places/1/x", "unknown_field");
	assert_fault("/propose/start", "invalid_time");
	assert_fault("/propose/y", "unknown_field");
}

static struct round other_round(struct date on, struct named *host, const char *plan_number)
{
	struct round round;

	round_init(&round);
	round.from = round.to = on;
	round.precision = PRECISION_DAY;
	round.status = ROUND_DRAFT;
	round.units = host;
	round.nunits = host ? 1 : 0;
	round.plan_number = plan_number;
	return round;
}

/* Hosts of before and after the reform lie at the former districts; what does not count stays away. */
static void test_propose_beside_other_rounds(void **state)
{
	struct named town = { .id = "110@pre-2025-07-01" }, commune = { .id = "03618@2025-07-01" };
	struct named own = { .id = "110@pre-2025-07-01" };
	struct round rounds[] = {
		other_round((struct date){ 2025, 8, 1 }, &commune, "903/KH-THU"),
		other_round((struct date){ 2025, 2, 1 }, &own, NULL),
		other_round((struct date){ 2025, 2, 2 }, &own, "901/KH-THU"),
		other_round((struct date){ 2025, 2, 3 }, &own, NULL),
		other_round((struct date){ 2025, 2, 4 }, &own, NULL),
		other_round((struct date){ 2025, 2, 5 }, &own, "DEMO/1"),
		other_round((struct date){ 2025, 2, 6 }, NULL, NULL),
		other_round((struct date){ 2024, 11, 1 }, &town, NULL),
	};

	(void)state;
	rounds[3].status = ROUND_CANCELLED;
	rounds[4].status = ROUND_POSTPONED;
	rounds[5].demo = true;
	rounds[6].team.id = "t1";
	rounds[7].precision = PRECISION_MONTH;
	assert_fine(read_propose("{" HEAD ",\"rounds\":[{\"ordinal\":1,\"date\":\"2024-12-20\",\"team\":\"D1\"}],"
				 "\"propose\":{\"rounds\":9,\"places\":[{\"unit\":\"106@pre-2025-07-01\",\"rounds\":4},"
				 "{\"unit\":\"110@pre-2025-07-01\",\"rounds\":4}]}}"));
	assert_string_equal(propose_file_team(&file), "D1");
	propose_file_take(&file, units, rounds, ARRAY_SIZE(rounds), "t1", &arena);
	assert_int_equal(file.request.ntaken, 4);
	assert_int_equal(file.request.taken[0].place, 1);
	assert_int_equal(date_compare(file.request.taken[0].on, rounds[0].from), 0);
	assert_int_equal(file.request.taken[1].place, 1);
	assert_false(file.request.taken[1].team);
	assert_int_equal(file.request.taken[2].place, -1);
	assert_true(file.request.taken[2].team);
	assert_int_equal(file.request.taken[3].place, 1);
	assert_true(file.request.taken[3].period);
	file.request.teams = 2;
	assert_null(propose_file_team(&file));
}

/* ---- history ---- */

static void test_history_file(void **state)
{
	char *text = test_file_read(SOURCE_DIR "/config/rounds/lai-chau-history.csv");
	struct round_history *rows;
	size_t count;

	(void)state;
	assert_fine(history_read_csv(text, strlen(text), "LC", units, &arena, &rows, &count, &err));
	assert_int_equal(count, 15);
	assert_string_equal(rows[0].round.code, "LC12-H01");
	assert_int_equal(rows[0].round.precision, PRECISION_YEAR);
	assert_int_equal(rows[0].report.units.value, 55);
	assert_int_equal(rows[0].report.registered.value, -1);
	assert_int_equal(date_compare(rows[0].report.reported_on, date_make(2012, 12, 31)), 0);
	assert_int_equal(rows[4].round.start_minute, 450);
	assert_int_equal(rows[4].round.time_status, FACT_REPORTED);
	assert_string_equal(rows[12].round.code, "LC24-H13");
	assert_int_equal(rows[12].report.registered.value, 520);
	assert_int_equal(rows[12].report.registered.qualifier, FIGURE_AT_LEAST);
	assert_int_equal(rows[12].report.units.qualifier, FIGURE_EXACT);
	assert_string_equal(rows[12].round.campaigns[0].id, "tinh-nguyen-5-12");
	assert_int_equal(rows[14].round.nunits, 2);
	for (size_t i = 0; i < count; i++) {
		struct error refused = { 0 };

		assert_int_equal(rows[i].round.status, ROUND_CLOSED);
		assert_int_equal(rows[i].round.date_status, FACT_REPORTED);
		assert_true(rows[i].round.nunits > 0);
		assert_non_null(rows[i].report.source_url);
		if (!round_check(&rows[i].round, &refused))
			fail_msg("row %zu: %s %s", i + 1, refused.fields[0].pointer,
				 refused.fields[0].detail[LANGUAGE_EN]);
	}
	free(text);
}

static void test_history_faults(void **state)
{
	const char *heading = "date,start,end,unit,venue,organiser,campaign,campaigns,registered,"
			      "registered_qualifier,target_units,collected_units,units_qualifier,in_plan_2025,"
			      "confidence,source_url,notes\n";
	struct round_history *rows;
	char text[1024];
	size_t count;

	(void)state;
	snprintf(text, sizeof(text), "%s2024-11,,,12,,,,,5,,,6,sure,,,https://example.org,\n20x,,,,,,,,,about,,,,,,,\n",
		 heading);
	assert_false(history_read_csv(text, strlen(text), "LC", units, &arena, &rows, &count, &err));
	assert_int_equal(rows[0].round.precision, PRECISION_MONTH);
	assert_fault("line 2, column registered_qualifier", "required");
	assert_fault("line 2, column units_qualifier", "invalid_value");
	assert_fault("line 3, column date", "invalid_date");
	assert_fault("line 3, column unit", "required");
	assert_fault("line 3, column source_url", "required");
	assert_fault("line 3, column registered_qualifier", "invalid_value");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_plan_body),
		TEST(test_plan_file),
		TEST(test_plan_file_faults),
		TEST(test_plan_file_round_trip),
		TEST(test_plan_write),
		TEST(test_diff_write),
		TEST(test_csv),
		TEST(test_csv_separators),
		TEST(test_csv_units_by_commas),
		TEST(test_csv_faults_name_line_and_column),
		TEST(test_csv_rules_name_line_and_column),
		TEST(test_csv_headings),
		TEST(test_csv_long_heading),
		TEST(test_csv_malformed),
		TEST(test_csv_line_ends),
		TEST(test_csv_of_known_rounds),
		TEST(test_propose_defaults),
		TEST(test_propose_later_plan),
		TEST(test_propose_places_and_faults),
		TEST(test_propose_beside_other_rounds),
		TEST(test_history_file),
		TEST(test_history_faults),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
