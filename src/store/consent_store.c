#include "store/rights_store.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "store/audit.h"
#include "store/donor_row.h"
#include "store/donor_store.h"
#include "store/failure.h"
#include "store/image.h"
#include "store/replay.h"
#include "store/row.h"

/* ---- all of one donor ---- */

/* A row for each; one of the donor alone where there are none. The key is that of the record which it was given to. */
#define CONSENTS \
	" SELECT d.id, d.number, c.id, c.purpose, c.channel, c.given, " SQL_MICROS("c.at") ", " \
	SQL_MICROS("c.recorded_at") ", c.proof, k.id, k.wrap_key_id, k.wrapped_key" \
	" FROM d LEFT JOIN (own JOIN consent AS c ON c.donor_id = own.id JOIN donor AS k ON k.id = own.id) ON true" \
	" ORDER BY c.at, c.id"
enum { COLUMN_FACT = 2, COLUMN_PROOF = 8, COLUMN_OWNER = 9 };

static const struct db_statement list_quietly = { "WITH " DONOR_SOUGHT ", " DONOR_OWN CONSENTS };
static const struct db_statement list_audited = {
	"WITH " DONOR_SOUGHT ", " DONOR_OWN ", audit AS (" AUDIT_INSERT_FOUND("$5", "d.id::text", "d") ")" CONSENTS
};

/* Of an erased donor the key is gone, and so is what it sealed. */
static bool proof_read(struct consent_list *list, const struct db_result *result, int row,
		       struct consent_fact *fact)
{
	struct donor_record owner = { .wrap_key_id = row_int(result, row, COLUMN_OWNER + 1, 0),
				      .wrapped_hex = db_text(result, row, COLUMN_OWNER + 2) };

	if (db_is_null(result, row, COLUMN_PROOF) || !owner.wrapped_hex)
		return true;
	row_uuid(result, row, COLUMN_OWNER, owner.donor.id);
	if (!donor_open_key(&owner, list->store, &list->error))
		return false;
	fact->consent.proof = donor_open_text("consent", consent_proof_field(fact->id, list->arena), owner.donor.id,
					      db_text(result, row, COLUMN_PROOF), list->store, list->arena);
	return fact->consent.proof || donor_fail_sealed(&list->error);
}

static bool fact_read(struct consent_list *list, const struct db_result *result, int row, struct consent_fact *fact)
{
	row_uuid(result, row, COLUMN_FACT, fact->id);
	(void)consent_purpose_parse(db_text(result, row, COLUMN_FACT + 1), &fact->consent.purpose);
	(void)consent_channel_parse(db_text(result, row, COLUMN_FACT + 2), &fact->consent.channel);
	fact->given = db_bool(result, row, COLUMN_FACT + 3);
	fact->consent.given_us = row_time(result, row, COLUMN_FACT + 4);
	fact->recorded_us = row_time(result, row, COLUMN_FACT + 5);
	return proof_read(list, result, row, fact);
}

static void list_read(struct consent_list *list, const struct db_result *result)
{
	int rows = db_rows(result);

	if (rows == 0) {
		fail_not_found(&list->error);
		return;
	}
	row_uuid(result, 0, 0, list->donor_id);
	snprintf(list->number, sizeof(list->number), "%s", db_text(result, 0, 1));
	list->facts = arena_alloc(list->arena, (size_t)rows * sizeof(*list->facts));
	for (int i = 0; i < rows && !db_is_null(result, i, COLUMN_FACT); i++)
		if (!fact_read(list, result, i, &list->facts[list->nfacts++]))
			return;
}

static void list_on_done(struct db_query *query, const struct db_result *result)
{
	struct consent_list *list = container_of(query, struct consent_list, query);

	if (result_ok(result, &list->error))
		list_read(list, result);
	list->done(list);
}

void consent_list_send(struct store *store, struct consent_list *list)
{
	struct db_query *query = &list->query;
	char *number = arena_alloc(list->arena, DONOR_NUMBER_SIZE);
	struct audit audit;

	list->store = store;
	list->nfacts = 0;
	query_begin(query, list->action ? &list_audited : &list_quietly, list->action ? DB_WRITE : DB_READ,
		    list_on_done);
	query_text(query, uuid_or_nil(list->key));
	query_text(query, donor_number_parse(list->key, number) == DONOR_NUMBER_FINE ? number : "");
	if (list->units)
		query_texts(query, list->arena, list->units, list->nunits);
	else
		query_text(query, NULL);
	query_bool(query, false);
	if (list->action) {
		audit_begin(&audit, store, &list->actor);
		audit_add_reading(&audit, list->action, "donor", "", NULL);
		query_text(query, audit_end(&audit, list->arena));
	}
	db_send(store->db, query);
}

/* ---- one more ---- */

/* The donor's row is held meanwhile: an erasure comes before or after, and never between. */
static const struct db_statement record_statement = {
	"WITH who AS MATERIALIZED (SELECT id FROM donor WHERE id = $9::uuid AND erased_at IS NULL FOR SHARE), "
	CLAIM("EXISTS (SELECT FROM who)") ","
	" made AS (INSERT INTO consent (id, donor_id, purpose, channel, given, at, proof)"
	"  SELECT $10::uuid, $9::uuid, $11, $12, $13::boolean, $14::timestamptz, $15::bytea FROM go"
	"  RETURNING recorded_at),"
	" audit AS (" AUDIT_INSERT("$8", "EXISTS (SELECT FROM made)") ")"
	" SELECT EXISTS (SELECT FROM go), (SELECT " SQL_MICROS("recorded_at") " FROM made), EXISTS (SELECT FROM who)"
};

static void record_on_replayed(struct db_query *query, const struct db_result *result)
{
	struct consent_record *record = container_of(query, struct consent_record, query);

	(void)!replay_read(result, &record->idempotency, &record->error);
	record->done(record);
}

static void record_on_done(struct db_query *query, const struct db_result *result)
{
	struct consent_record *record = container_of(query, struct consent_record, query);

	switch (claim_read(result, &record->idempotency, &record->error)) {
	case CLAIM_LOST:
		if (result->outcome == DB_OK && !db_bool(result, 0, 2)) {
			fail_erased(&record->error);
			break;
		}
		replay_send(record->store, query, &record->idempotency, &record->actor, "consent", record->arena,
			    record_on_replayed);
		return;
	case CLAIM_WON:
		record->fact.recorded_us = row_time(result, 0, 1);
		break;
	case CLAIM_FAILED:
		break;
	}
	record->done(record);
}

static const char *record_audit(struct consent_record *record)
{
	const struct consent_fact *fact = &record->fact;
	struct buf image = { 0 };
	struct audit audit;

	audit_begin(&audit, record->store, &record->actor);
	image_consent(&image, fact->id, record->of->donor.id, &fact->consent, fact->given);
	audit_add(&audit, fact->given ? "consent.give" : "consent.withdraw", "consent", fact->id, NULL, &image);
	buf_release(&image);
	return audit_end(&audit, record->arena);
}

void consent_record_send(struct store *store, struct consent_record *record)
{
	struct consent_fact *fact = &record->fact;
	const struct consent *consent = &fact->consent;
	const char *donor_id = record->of->donor.id, *proof = NULL;
	struct db_query *query = &record->query;
	struct arena *arena = record->arena;
	struct error lost;

	record->store = store;
	error_clear(&lost);
	uuid7_make(fact->id, clock_wall_us(store->clock));
	/* The key was opened to read the record, and keys stay to the end; if not, there is no such donor. */
	if (!donor_open_key(record->of, store, &lost))
		donor_id = NULL;
	else if (consent->proof)
		proof = donor_seal_text("consent", consent_proof_field(fact->id, arena), donor_id, consent->proof,
					store, arena);
	query_begin(query, &record_statement, DB_WRITE, record_on_done);
	query_claim(query, store, &record->idempotency, fact->id, arena);
	query_text(query, record_audit(record));
	query_text(query, donor_id);
	query_text(query, fact->id);
	query_text(query, consent_purpose_text(consent->purpose));
	query_text(query, consent_channel_text(consent->channel));
	query_bool(query, fact->given);
	query_time(query, arena, consent->given_us);
	query_text(query, proof);
	db_send(store->db, query);
}
