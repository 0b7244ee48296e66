#include "store_fixture.h"

#include "crypto/donor_seal.h"
#include "store/donor_store.h"
#include "store/erasure_store.h"

DONE(donor_load) DONE(donor_create) DONE(donor_change) DONE(donor_match_find) DONE(donor_list) DONE(donor_join)
DONE(erasure_load) DONE(erasure_ask) DONE(donor_erase) DONE(erasure_missing) DONE(suppression_purge)

static struct donor_desk *desk;

static int donors_up(void **state)
{
	int failed = store_up(state);

	store.donor_key = donor_key_new();
	desk = donor_desk_new(&store);
	return failed;
}

static int donors_down(void **state)
{
	donor_desk_free(desk);
	donor_key_free(store.donor_key);
	return store_down(state);
}

static int donors_clean(void **state)
{
	pg_sql(&pg, "SET client_min_messages = warning; TRUNCATE donor, donor_lookup, suppression CASCADE");
	return store_clean(state);
}

static struct donor_identifier *papers(size_t count, const char *const *numbers)
{
	struct donor_identifier *list = arena_alloc(&arena, (count + 1) * sizeof(*list));

	for (size_t i = 0; i < count; i++)
		list[i].identifier = (struct identifier){ IDENTIFIER_CCCD, NULL, numbers[i] };
	return list;
}

static struct donor_create person(const char *name, const char *number)
{
	struct donor_create create = { .actor = staff, .arena = &arena };

	create.donor = (struct donor){ .name = name, .birth_date = { 1990, 5, 17 }, .birth_year = 1990,
				       .phone = "+84900000001", .address = "Bản Mẫu" };
	if (number) {
		create.donor.identifiers = papers(1, &number);
		create.donor.nidentifiers = 1;
	}
	return create;
}

static void what_is_kept_is_sealed(void **state)
{
	struct donor_create create = person("Lò Thị Mẫu", "012190000001");
	struct donor_load load = { .arena = &arena };

	(void)state;
	RUN_OK(donor_create, &create);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM donor WHERE donor::text ~ 'Mẫu' OR donor::text ~ '900000001'"), 0);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM donor_digest"), 5);     /* number, phone, three words */
	load.key = create.donor.number;
	RUN_OK(donor_load, &load);
	assert_string_equal(load.record.donor.name, "Lò Thị Mẫu");
	assert_string_equal(load.record.donor.identifiers[0].identifier.value, "012190000001");
	assert_string_equal(load.record.donor.address, "Bản Mẫu");
	assert_int_equal(audit_count("donor.read"), 0);
	load.action = "donor.read";
	load.actor = staff;
	RUN_OK(donor_load, &load);
	assert_int_equal(audit_count("donor.read"), 1);
	/* sealed bytes that lie elsewhere, or were touched, open nothing */
	pg_sql(&pg, "UPDATE donor SET sealed = set_byte(sealed, 30, get_byte(sealed, 30) # 1)");
	RUN(donor_load, &load);
	expect_error(&load.error, ERR_INTERNAL, NULL);
	load.key = "00000000-0000-7000-8000-000000000000";
	RUN(donor_load, &load);
	expect_error(&load.error, ERR_NOT_FOUND, NULL);
	assert_int_equal(audit_count("donor.read"), 2);
}

static void a_number_is_taken(void **state)
{
	struct donor_create first = person("Lò Thị Mẫu", "012190000001"), second = person("Lò Thị Khác", "012190000001");
	struct donor_change change = { .actor = staff, .arena = &arena };
	struct donor_load load = { .arena = &arena };

	(void)state;
	RUN_OK(donor_create, &first);
	RUN(donor_create, &second);
	assert_int_equal(second.error.code, ERR_DONOR_EXISTS);
	assert_int_equal(second.ntaken, 1);
	assert_string_equal(second.taken[0].id, first.donor.id);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM donor"), 1);
	second = person("Lò Thị Khác", NULL);
	RUN_OK(donor_create, &second);
	load.key = second.donor.id;
	RUN_OK(donor_load, &load);
	change.before = &load.record;
	change.next = load.record.donor;
	change.next.identifiers = first.donor.identifiers;
	change.next.nidentifiers = 1;
	RUN(donor_change, &change);
	assert_int_equal(change.error.code, ERR_DONOR_EXISTS);
	assert_string_equal(change.taken[0].id, first.donor.id);
}

/* A daemon that has slept through a change of keys neither writes nor says that somebody is not known. */
static int asked_for(const char *number, enum error_code *code);

static void keys_that_are_behind(void **state)
{
	struct donor_create create = person("Lò Thị Mẫu", "012190000001");
	struct donor_load load = { .arena = &arena };
	struct donor_change change = { .actor = staff, .arena = &arena };
	enum error_code code;

	(void)state;
	RUN_OK(donor_create, &create);
	load.key = create.donor.id;
	RUN_OK(donor_load, &load);
	change.before = &load.record;
	change.next = load.record.donor;
	pg_sql(&pg, "INSERT INTO key (kind, id, state, fingerprint) VALUES ('hash', 9, 'active', decode(repeat('00', 16), 'hex'))");
	create = person("Lò Thị Khác", "012190000002");
	RUN(donor_create, &create);
	expect_error(&create.error, ERR_UNAVAILABLE, NULL);
	RUN(donor_change, &change);
	expect_error(&change.error, ERR_UNAVAILABLE, NULL);
	asked_for("012190000002", &code);
	assert_int_equal(code, ERR_UNAVAILABLE);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM donor"), 1);
	pg_sql(&pg, "DELETE FROM key");
	RUN_OK(donor_change, &change);
}

/* ---- erased ---- */

static const struct actor other = { "token", "0197b1c0-0000-7000-8000-00000000bbbb", ROLE_ADMIN, "req-2" };

static struct donor_record *opened(const char *id)
{
	struct donor_load *load = arena_alloc(&arena, sizeof(*load));

	*load = (struct donor_load){ .key = id, .exact = true, .arena = &arena };
	RUN_OK(donor_load, load);
	return &load->record;
}

/* Erased by `actor` as it is now, with `nfacts` facts, leaving `wait`. */
static enum error_code erase(const char *id, const struct actor *actor, int64_t nfacts, struct donor_next wait)
{
	const struct donor_record *records[] = { opened(id) };
	struct donor_erase erase = { .records = records, .nrecords = 1, .nfacts = nfacts, .wait = wait, .actor = *actor,
				     .arena = &arena };

	RUN(donor_erase, &erase);
	return erase.error.code;
}

static void ask_to_erase(const char *id)
{
	struct erasure_ask ask = { .donor_id = id, .actor = staff, .arena = &arena };

	RUN_OK(erasure_ask, &ask);
}

static void only_by_two_and_as_it_was_read(void **state)
{
	static const struct donor_next none;
	struct donor_create create = person("Lò Thị Mẫu", "012190000001");
	const char *id = create.donor.id;
	struct erasure_load load = { .arena = &arena };
	struct error err = { 0 };

	(void)state;
	RUN_OK(donor_create, &create);
	assert_int_equal(erase(id, &other, 0, none), ERR_ILLEGAL_STEP);
	ask_to_erase(id);
	ask_to_erase(id);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM erasure"), 1);
	load.key = id;
	RUN_OK(erasure_load, &load);
	assert_int_equal(load.nfacts, 0);
	assert_false(erasure_may_approve(&load, &staff, &err));
	expect_error(&err, ERR_SECOND_PERSON, NULL);
	assert_true(erasure_may_approve(&load, &other, &err));
	assert_int_equal(erase(id, &staff, 0, none), ERR_SECOND_PERSON);
	assert_int_equal(erase(id, &other, 1, none), ERR_STALE);
	pg_sql(&pg, "INSERT INTO deferral (id, donor_id, ends, carried) SELECT gen_random_uuid(), id, 'permanent', true FROM donor");
	assert_int_equal(erase(id, &other, 0, none), ERR_STALE);
	RUN_OK(erasure_load, &load);
	assert_int_equal(load.nfacts, 1);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM donor_digest"), 5);
	assert_int_equal(audit_count("donor.erase"), 0);
	assert_int_equal(erase(id, &other, 1, none), ERR_NONE);
	assert_int_equal(audit_count("donor.erase"), 1);
	assert_int_equal(audit_count("donor.keep_wait"), 0);
	assert_int_equal(pg_count(&pg, "SELECT (SELECT count(*) FROM donor_digest) + (SELECT count(*) FROM donor_identifier)"
				       " + (SELECT count(*) FROM donor WHERE sealed IS NOT NULL)"), 0);
	assert_int_equal(erase(id, &other, 1, none), ERR_STALE);         /* it is not as it was any more */
	RUN_OK(erasure_load, &load);
	assert_int_equal(load.state, ERASURE_DONE);
	assert_false(erasure_may_approve(&load, &other, &err));
	expect_error(&err, ERR_ILLEGAL_STEP, NULL);
}

static void the_journal_lacks(void **state)
{
	static const struct donor_next none;
	struct donor_create one = person("Lò Thị Mẫu", "012190000001"), two = person("Lò Văn Mẫu", "012190000002");
	const char *known[] = { NULL, NULL };
	struct erasure_line line = { known, 2 };
	struct erasure_missing missing = { .arena = &arena };

	(void)state;
	RUN_OK(donor_create, &one);
	RUN_OK(donor_create, &two);
	RUN_OK(erasure_missing, &missing);
	assert_int_equal(missing.nlines, 0);
	assert_int_equal(missing.back, 0);
	ask_to_erase(one.donor.id);
	assert_int_equal(erase(one.donor.id, &other, 0, none), ERR_NONE);
	RUN_OK(erasure_missing, &missing);
	assert_int_equal(missing.nlines, 1);
	assert_int_equal(missing.lines[0].count, 1);
	assert_string_equal(missing.lines[0].ids[0], one.donor.id);
	/* known, and one that is here again */
	known[0] = one.donor.id;
	known[1] = two.donor.id;
	missing.known = &line;
	missing.nknown = 1;
	RUN_OK(erasure_missing, &missing);
	assert_int_equal(missing.nlines, 0);
	assert_int_equal(missing.back, 1);
}

/* Both sides of the day on which a wait ends; and a daemon that does not know the key under which it stands. */
static void a_wait_is_met_and_forgotten(void **state)
{
	const struct donor_next wait = { .on = { 2025, 6, 1 } };
	struct donor_create create = person("Lò Thị Mẫu", "012190000001");
	struct suppression_purge purge = { .today = { 2025, 5, 31 }, .arena = &arena };

	(void)state;
	pg_sql(&pg, "INSERT INTO key (kind, id, state, fingerprint) SELECT kind, 1, 'active', decode(repeat('00', 16), 'hex')"
		    " FROM unnest(ARRAY['hash', 'suppression']) AS kind");
	RUN_OK(donor_create, &create);
	ask_to_erase(create.donor.id);
	assert_int_equal(erase(create.donor.id, &other, 0, wait), ERR_NONE);
	assert_int_equal(audit_count("donor.keep_wait"), 1);
	pg_sql(&pg, "UPDATE key SET id = 9 WHERE kind = 'suppression'");
	create = person("Lò Thị Mẫu", "012190000001");
	RUN(donor_create, &create);
	expect_error(&create.error, ERR_UNAVAILABLE, NULL);
	create = person("Lò Thị Mẫu", NULL);     /* no number, nothing to meet */
	RUN_OK(donor_create, &create);
	pg_sql(&pg, "UPDATE key SET id = 1 WHERE kind = 'suppression'");
	create = person("Lò Thị Mẫu", "012190000001");
	RUN_OK(donor_create, &create);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM deferral WHERE carried AND until = '2025-06-01'"), 1);
	assert_int_equal(audit_count("deferral.carry"), 1);
	RUN_OK(suppression_purge, &purge);
	assert_int_equal(purge.deleted, 0);
	purge.today = (struct date){ 2025, 6, 1 };
	RUN_OK(suppression_purge, &purge);
	assert_int_equal(purge.deleted, 1);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM suppression"), 0);
}

/* ---- the desk ---- */

enum { MANY = 700 };
static struct donor_lookup lookups[MANY];
static struct identifier asked[MANY];
static char numbers[MANY][16];
static enum error_code told[MANY];       /* how each ended */

static void lookup_done(struct donor_lookup *lookup)
{
	told[lookup - lookups] = lookup->error ? lookup->error->code : ERR_NONE;
	pending--;
}

static void ask(size_t i, const char *number, const struct actor *actor)
{
	snprintf(numbers[i], sizeof(numbers[i]), "%s", number);
	asked[i] = (struct identifier){ IDENTIFIER_CCCD, NULL, numbers[i] };
	lookups[i] = (struct donor_lookup){ .identifier = &asked[i], .actor = *actor, .arena = &arena, .done = lookup_done };
	pending++;
	donor_desk_ask(desk, &lookups[i]);
	assert_true(pending > 0);
}

static int asked_for(const char *number, enum error_code *code)
{
	struct actor actor = staff;

	actor.request_id = "0197b1c0-0000-7000-8000-00000000bbbb";
	ask(0, number, &actor);
	settle();
	*code = told[0];
	return (int)lookups[0].nfound;
}

static void each_is_answered_with_its_own(void **state)
{
	struct donor_create create[5];
	struct actor actors[40];
	char ids[40][48], number[32];

	(void)state;
	for (int i = 0; i < 5; i++) {
		snprintf(number, sizeof(number), "01219000000%d", i);
		create[i] = person("Lò Thị Mẫu", arena_strdup(&arena, number));
		RUN_OK(donor_create, &create[i]);
	}
	for (int i = 0; i < 40; i++) {
		snprintf(ids[i], sizeof(ids[i]), "0197b1c0-0000-7000-8000-0000000000%02d", i);
		actors[i] = staff;
		actors[i].id = ids[i];
		actors[i].request_id = ids[i];
	}
	/* more than one statement takes, of more people than one statement knows */
	for (size_t i = 0; i < MANY; i++) {
		snprintf(number, sizeof(number), "01219000000%zu", i % 7);
		ask(i, number, &actors[i % 40]);
	}
	settle();
	for (size_t i = 0; i < MANY; i++) {
		assert_int_equal(told[i], ERR_NONE);
		assert_int_equal(lookups[i].nfound, i % 7 < 5);
		if (lookups[i].nfound > 0)
			assert_string_equal(lookups[i].found[0].id, create[i % 7].donor.id);
	}
	assert_int_equal(pg_count(&pg, "SELECT sum(cardinality(found)) FROM donor_lookup"), MANY);
	assert_int_equal(pg_count(&pg, "SELECT sum(cardinality(array_remove(found, NULL))) FROM donor_lookup"), MANY / 7 * 5);
	assert_int_equal(pg_count(&pg, "SELECT sum(cardinality(array_remove(asked, NULL))) FROM donor_lookup"), MANY / 7 * 2);
	assert_int_equal(audit_count("donor.lookup"), pg_count(&pg, "SELECT count(*) FROM donor_lookup"));
	assert_true(audit_count("donor.lookup") < MANY / 2);
	assert_int_equal(pg_count(&pg, "SELECT count(DISTINCT actor_id) FROM audit_entry WHERE action = 'donor.lookup'"), 40);
	assert_int_equal(pg_count(&pg, "SELECT count(*) FROM audit_entry AS e JOIN donor_lookup AS l ON l.id::text = e.subject_id"
				       " WHERE NOT ARRAY[e.actor_id::uuid] @> l.requests"), 0);
}

static void the_database_goes_away(void **state)
{
	struct donor_create create = person("Lò Thị Mẫu", "012190000001");
	enum error_code code;
	int failed = 0;

	(void)state;
	RUN_OK(donor_create, &create);
	for (size_t i = 0; i < 300; i++)
		ask(i, "012190000001", &(struct actor){ staff.kind, staff.id, staff.role, staff.id });
	pg_sql(&pg, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'giothong_app'");
	settle();
	for (size_t i = 0; i < 300; i++)
		failed += told[i] != ERR_NONE;
	for (int i = 0; i < 500 && !db_connected(store.db); i++)
		event_base_loop(base, EVLOOP_ONCE);
	assert_int_equal(asked_for("012190000001", &code), 1);
	assert_int_equal(code, ERR_NONE);
	assert_true(failed <= 300);
}

static void what_the_role_may_not(void **state)
{
	(void)state;
	assert_true(app_is_denied("UPDATE donor_lookup SET key_id = 1"));
	assert_true(app_is_denied("DELETE FROM donor_lookup"));
	assert_true(app_is_denied("UPDATE donor_alias SET with_id = with_id"));
	assert_true(app_is_denied("UPDATE donor_digest SET key_id = 1"));
	assert_true(app_is_denied("DELETE FROM donor"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_is_kept_is_sealed, donors_clean),
		cmocka_unit_test_setup(a_number_is_taken, donors_clean),
		cmocka_unit_test_setup(keys_that_are_behind, donors_clean),
		cmocka_unit_test_setup(only_by_two_and_as_it_was_read, donors_clean),
		cmocka_unit_test_setup(the_journal_lacks, donors_clean),
		cmocka_unit_test_setup(a_wait_is_met_and_forgotten, donors_clean),
		cmocka_unit_test_setup(each_is_answered_with_its_own, donors_clean),
		cmocka_unit_test_setup(the_database_goes_away, donors_clean),
		cmocka_unit_test_setup(what_the_role_may_not, donors_clean),
	};

	return cmocka_run_group_tests(tests, donors_up, donors_down);
}
