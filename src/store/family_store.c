#include "store/family_store.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "store/audit.h"
#include "store/failure.h"
#include "store/image.h"
#include "store/replay.h"
#include "store/row.h"

/* ---- one ---- */

#define MEMBER_ARRAY(what) "ARRAY(SELECT " what " FROM m ORDER BY m.joined_on, m.id)"

static const struct db_statement load_statement = {
	"WITH f AS (SELECT f.*, s.id AS s_id, s.number, s.unit_id, s.unit_on FROM family AS f JOIN donor AS s ON s.id = family_head(f.id)"
	"  WHERE f.id = $1::uuid AND ($2::text[] IS NULL OR s.unit_id = ANY ($2))),"
	" m AS (SELECT m.*, d.id AS person, d.number FROM f JOIN family_member AS m ON m.family_id = f.id JOIN donor AS d"
	"   ON d.id = coalesce((SELECT a.into_id FROM donor_alias AS a WHERE a.donor_id = m.donor_id), m.donor_id))"
	" SELECT f.id, f.s_id, f.head_id, f.number, f.unit_id, f.unit_on, " SQL_MICROS("f.created_at") ", f.version,"
	" " MEMBER_ARRAY("m.id") ", " MEMBER_ARRAY("m.person") ", " MEMBER_ARRAY("m.donor_id") ", " MEMBER_ARRAY("m.number") ", " MEMBER_ARRAY("m.joined_on")
	", " MEMBER_ARRAY("coalesce(m.left_on::text, '')") ", " MEMBER_ARRAY("coalesce(m.consent_on::text, '')")
	", " MEMBER_ARRAY("coalesce(m.consent_channel, '')") " FROM f"
};
enum { FAMILY_ID, FAMILY_HEAD, FAMILY_FOUNDER, FAMILY_NUMBER, FAMILY_UNIT, FAMILY_UNIT_ON, FAMILY_CREATED, FAMILY_VERSION,
       FAMILY_MEMBERS, FAMILY_PERSONS, FAMILY_RECORDS, FAMILY_NUMBERS, FAMILY_JOINED, FAMILY_LEFT, FAMILY_CONSENT, FAMILY_CHANNEL, FAMILY_COLUMN_COUNT };

static void read_members(struct family *family, struct arena *arena, const struct db_result *result)
{
	const char **of[FAMILY_COLUMN_COUNT];
	size_t count = 0;

	for (int column = FAMILY_MEMBERS; column < FAMILY_COLUMN_COUNT; column++)
		of[column] = row_texts(arena, result, 0, column, &count);
	family->nmembers = count;
	family->members = arena_alloc(arena, (count + 1) * sizeof(*family->members));
	for (size_t i = 0; i < count; i++) {
		struct family_member *member = &family->members[i];

		*member = (struct family_member){ .donor_number = of[FAMILY_NUMBERS][i] };
		snprintf(member->id, sizeof(member->id), "%s", of[FAMILY_MEMBERS][i]);
		snprintf(member->donor_id, sizeof(member->donor_id), "%s", of[FAMILY_PERSONS][i]);
		snprintf(member->record_id, sizeof(member->record_id), "%s", of[FAMILY_RECORDS][i]);
		(void)date_parse(of[FAMILY_JOINED][i], &member->joined_on);
		(void)date_parse(of[FAMILY_LEFT][i], &member->left_on);          /* "": none */
		(void)date_parse(of[FAMILY_CONSENT][i], &member->consent_on);
		(void)consent_channel_parse(of[FAMILY_CHANNEL][i], &member->consent_channel);
	}
}

static void load_on_done(struct db_query *query, const struct db_result *result)
{
	struct family_load *load = container_of(query, struct family_load, query);
	struct family *family = &load->family;

	if (result_ok(result, &load->error)) {
		if (db_rows(result) == 0) {
			fail_not_found(&load->error);
		} else {
			row_uuid(result, 0, FAMILY_ID, family->id);
			row_uuid(result, 0, FAMILY_HEAD, family->head_id);
			row_uuid(result, 0, FAMILY_FOUNDER, family->founder_id);
			family->head_number = row_text(load->arena, result, 0, FAMILY_NUMBER);
			family->unit_id = row_text(load->arena, result, 0, FAMILY_UNIT);
			family->unit_on = row_date(result, 0, FAMILY_UNIT_ON);
			family->created_us = row_time(result, 0, FAMILY_CREATED);
			family->version = db_int(result, 0, FAMILY_VERSION, 0);
			read_members(family, load->arena, result);
		}
	}
	load->done(load);
}

void family_load_send(struct store *store, struct family_load *load)
{
	query_begin(&load->query, &load_statement, DB_READ, load_on_done);
	query_text(&load->query, uuid_or_nil(load->id));
	if (load->units)
		query_texts(&load->query, load->arena, load->units, load->nunits);
	else
		query_text(&load->query, NULL);
	db_send(store->db, &load->query);
}

/* ---- of one person ---- */

static const struct db_statement memberships_statement = {
	"SELECT m.id, m.family_id, family_head(m.family_id) = $1::uuid, m.joined_on, m.left_on, m.consent_on, m.consent_channel"
	" FROM family_member AS m WHERE m.donor_id = ANY (person_records($1::uuid))"
	" ORDER BY m.joined_on, m.id"
};

static void memberships_on_done(struct db_query *query, const struct db_result *result)
{
	struct family_memberships *memberships = container_of(query, struct family_memberships, query);

	memberships->nitems = 0;
	if (result_ok(result, &memberships->error)) {
		memberships->nitems = (size_t)db_rows(result);
		memberships->items = arena_alloc(memberships->arena, (memberships->nitems + 1) * sizeof(*memberships->items));
		for (int i = 0; i < (int)memberships->nitems; i++) {
			struct family_membership *item = &memberships->items[i];
			struct family_member *member = &item->member;

			*item = (struct family_membership){ .head = db_bool(result, i, 2) };
			row_uuid(result, i, 0, member->id);
			row_uuid(result, i, 1, item->family_id);
			snprintf(member->donor_id, sizeof(member->donor_id), "%s", memberships->donor_id);
			member->joined_on = row_date(result, i, 3);
			member->left_on = row_date(result, i, 4);
			member->consent_on = row_date(result, i, 5);
			if (!db_is_null(result, i, 6))
				(void)consent_channel_parse(db_text(result, i, 6), &member->consent_channel);
		}
	}
	memberships->done(memberships);
}

void family_memberships_send(struct store *store, struct family_memberships *memberships)
{
	query_begin(&memberships->query, &memberships_statement, DB_READ, memberships_on_done);
	query_text(&memberships->query, memberships->donor_id);
	db_send(store->db, &memberships->query);
}

/* ---- who joins ---- */

/*
 * The person's row is held first, then asked whether they are a member by now, or were since then: of two that add one person to two families
 * one finds the other. $9 family, $10 whether it is new, $11 version, $12 person, $13 member, $14 joined, $15 $16 consent.
 */
static const struct db_statement join_statement = {
	"WITH who AS MATERIALIZED (SELECT d.id FROM donor AS d WHERE d.id = $12::uuid AND d.erased_at IS NULL"
	"   AND NOT EXISTS (SELECT FROM donor_alias AS a WHERE a.donor_id = d.id) FOR NO KEY UPDATE OF d),"
	" free AS MATERIALIZED (SELECT id FROM who WHERE NOT family_meets(id, NULL, $14::date, NULL)),"
	" fits AS MATERIALIZED (SELECT f.id FROM family AS f, free WHERE f.id = $9::uuid AND f.version = $11::bigint FOR NO KEY UPDATE OF f),"
	" " CLAIM("EXISTS (SELECT FROM free) AND ($10::boolean OR EXISTS (SELECT FROM fits))") ","
	" made AS (INSERT INTO family (id, head_id) SELECT $9::uuid, $12::uuid FROM go WHERE $10::boolean),"
	" grown AS (UPDATE family SET version = version + 1 FROM go WHERE id = $9::uuid AND NOT $10::boolean),"
	" member AS (INSERT INTO family_member (id, family_id, donor_id, joined_on, consent_on, consent_channel)"
	"  SELECT $13::uuid, $9::uuid, $12::uuid, $14::date, $15::date, $16 FROM go RETURNING 1),"
	" audit AS (" AUDIT_INSERT("$8", "EXISTS (SELECT FROM member)") ")"
	" SELECT EXISTS (SELECT FROM go), EXISTS (SELECT FROM who), EXISTS (SELECT FROM free)"
};

static bool fail_member(struct error *err)
{
	return error_set(err, ERR_ALREADY_EXISTS, "This person is a member of a family in these days already. Let them leave that one first, or join"
			 " this one later.",
			 "Trong thời gian này người đó đã thuộc một gia đình khác. Hãy ghi ngày rời gia đình đó trước, hoặc ghi ngày"
			 " vào gia đình này muộn hơn.");
}

static void join_on_replayed(struct db_query *query, const struct db_result *result)
{
	struct family_join *join = container_of(query, struct family_join, query);
	struct error cause = join->error;

	(void)!replay_read(result, &join->idempotency, &join->error);
	if (join->error.code == ERR_STALE)
		join->error = cause;
	join->done(join);
}

static void join_on_done(struct db_query *query, const struct db_result *result)
{
	struct family_join *join = container_of(query, struct family_join, query);

	if (claim_read(result, &join->idempotency, &join->error) == CLAIM_LOST) {
		if (result->outcome == DB_OK && !db_bool(result, 0, 1))
			fail_erased(&join->error);
		else if (result->outcome == DB_OK && !db_bool(result, 0, 2))
			fail_member(&join->error);
		else
			fail_stale(&join->error);
		if (join->idempotency.key) {
			replay_send(join->store, query, &join->idempotency, &join->actor, "family", join->arena, join_on_replayed);
			return;
		}
	}
	join->done(join);
}

/* Of the family, whose version it moves, and of the member. NULL: there was none before. */
static void audit_member(struct audit *audit, const char *action, const struct family *before, const struct family *after,
			 const struct family_member *was, const struct family_member *is)
{
	struct buf images[4] = { { 0 } };

	if (before)
		image_family(&images[0], before);
	image_family(&images[1], after);
	if (was)
		image_family_member(&images[2], after->id, was);
	image_family_member(&images[3], after->id, is);
	audit_add(audit, action, "family", after->id, before ? &images[0] : NULL, &images[1]);
	audit_add(audit, action, "family_member", is->id, was ? &images[2] : NULL, &images[3]);
	for (size_t i = 0; i < ARRAY_SIZE(images); i++)
		buf_release(&images[i]);
}

void family_join_send(struct store *store, struct family_join *join)
{
	struct family_member *member = &join->member;
	struct db_query *query = &join->query;
	struct arena *arena = join->arena;
	struct family after = { 0 };
	struct audit audit;

	join->store = store;
	if (join->family)
		memcpy(join->family_id, join->family->id, sizeof(join->family_id));
	else
		uuid7_make(join->family_id, clock_wall_us(store->clock));
	uuid7_make(member->id, clock_wall_us(store->clock));
	memcpy(member->record_id, member->donor_id, sizeof(member->record_id));
	if (join->family)
		after = *join->family;
	else
		memcpy(after.founder_id, member->donor_id, sizeof(after.founder_id));
	memcpy(after.id, join->family_id, sizeof(after.id));
	after.version++;
	query_begin(query, &join_statement, DB_WRITE, join_on_done);
	query_claim(query, store, &join->idempotency, join->family_id, arena);
	audit_begin(&audit, store, &join->actor);
	audit_member(&audit, join->family ? "family.join" : "family.create", join->family, &after, NULL, member);
	query_text(query, audit_end(&audit, arena));
	query_text(query, join->family_id);
	query_bool(query, !join->family);
	query_int(query, arena, join->family ? join->family->version : 0);
	query_text(query, member->donor_id);
	query_text(query, member->id);
	query_date(query, arena, member->joined_on);
	query_date(query, arena, member->consent_on);
	query_text(query, date_is_none(member->consent_on) ? NULL : consent_channel_text(member->consent_channel));
	db_send(store->db, query);
}

/* ---- who leaves, agrees, withdraws ---- */

/* $8 the person, $9 joined on. Who would stay longer is asked, holding the person's row, whether they were elsewhere then. */
static const struct db_statement change_statement = {
	"WITH who AS MATERIALIZED (SELECT d.id FROM donor AS d WHERE d.id = $8::uuid"
	"   AND NOT EXISTS (SELECT FROM donor_alias AS a WHERE a.donor_id = d.id) FOR NO KEY UPDATE OF d),"
	" free AS MATERIALIZED (SELECT who.id FROM who WHERE NOT family_meets(who.id, $4::uuid, $9::date, $5::date)"
	"   OR EXISTS (SELECT FROM family_member AS m WHERE m.id = $4::uuid"
	"    AND coalesce($5::date, 'infinity') <= coalesce(m.left_on, 'infinity'))),"
	" made AS (UPDATE family SET version = version + 1 WHERE id = $2::uuid AND version = $3::bigint AND EXISTS (SELECT FROM free)"
	"  RETURNING id),"
	" member AS (UPDATE family_member SET left_on = $5::date, consent_on = $6::date, consent_channel = $7 FROM made"
	"  WHERE family_member.id = $4::uuid AND family_member.family_id = made.id),"
	" audit AS (" AUDIT_INSERT("$1", "EXISTS (SELECT FROM made)") ")"
	" SELECT EXISTS (SELECT FROM made), EXISTS (SELECT FROM who) AND NOT EXISTS (SELECT FROM free)"
};

static void change_on_done(struct db_query *query, const struct db_result *result)
{
	struct family_change *change = container_of(query, struct family_change, query);

	if (result_ok(result, &change->error) && !db_bool(result, 0, 0)) {
		if (db_bool(result, 0, 1))
			fail_member(&change->error);
		else
			fail_stale(&change->error);
	}
	change->done(change);
}

void family_change_send(struct store *store, struct family_change *change)
{
	const struct family_member *member = &change->member;
	struct db_query *query = &change->query;
	struct family after = *change->family;
	struct audit audit;

	after.version++;
	audit_begin(&audit, store, &change->actor);
	audit_member(&audit, "family.change", change->family, &after, change->before, member);
	query_begin(query, &change_statement, DB_WRITE, change_on_done);
	query_text(query, audit_end(&audit, change->arena));
	query_text(query, change->family->id);
	query_int(query, change->arena, change->family->version);
	query_text(query, member->id);
	query_date(query, change->arena, member->left_on);
	query_date(query, change->arena, member->consent_on);
	query_text(query, date_is_none(member->consent_on) ? NULL : consent_channel_text(member->consent_channel));
	query_text(query, member->donor_id);
	query_date(query, change->arena, member->joined_on);
	db_send(store->db, query);
}
