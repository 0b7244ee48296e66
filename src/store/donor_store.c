#include "store/donor_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "crypto/donor_seal.h"
#include "store/audit.h"
#include "store/donor_row.h"
#include "store/failure.h"
#include "store/image.h"
#include "store/lookup.h"
#include "store/replay.h"
#include "store/row.h"

/* ---- one ---- */

#define DONOR_WHOLE \
	" SELECT " DONOR_PLAIN_COLUMNS ", " DONOR_SEALED_COLUMNS ", " DONOR_IDENTIFIER_COLUMNS \
	", ARRAY(SELECT m.donor_id FROM donor_alias AS m WHERE m.into_id = d.id ORDER BY m.donor_id)," \
	" (SELECT m.with_id FROM donor_alias AS m WHERE m.donor_id = d.id) FROM d"
enum { COLUMN_SEALED = DONOR_PLAIN_COUNT, COLUMN_IDENTIFIERS = COLUMN_SEALED + DONOR_SEALED_COUNT,
       COLUMN_MERGED = COLUMN_IDENTIFIERS + 3, COLUMN_MERGED_WITH };

static const struct db_statement load_quietly = { "WITH " DONOR_SOUGHT DONOR_WHOLE };
static const struct db_statement load_audited = {
	"WITH " DONOR_SOUGHT ", audit AS (" AUDIT_INSERT_FOUND("$5", "d.id::text", "d") ")" DONOR_WHOLE
};

static bool whole_read(struct donor_load *load, const struct db_result *result)
{
	struct donor_record *record = &load->record;

	donor_read_plain(record, load->arena, result, 0, 0);
	record->merged = row_texts(load->arena, result, 0, COLUMN_MERGED, &record->nmerged);
	row_uuid(result, 0, COLUMN_MERGED_WITH, record->donor.merged_with);
	return donor_read_sealed(record, load->store, load->arena, result, 0, COLUMN_SEALED, &load->error) &&
	       (record->donor.erased || donor_read_identifiers(record, load->store, load->arena, result, 0,
							       COLUMN_IDENTIFIERS, &load->error));
}

static void load_on_done(struct db_query *query, const struct db_result *result)
{
	struct donor_load *load = container_of(query, struct donor_load, query);

	if (result_ok(result, &load->error)) {
		if (db_rows(result) == 0)
			fail_not_found(&load->error);
		else
			(void)!whole_read(load, result);
	}
	load->done(load);
}

/* The digest of a number that somebody asked about, under the key of the audit row. */
static const char *asked_digest(const struct audit *audit, const struct identifier *asked, struct arena *arena)
{
	char *digest = arena_alloc(arena, DIGEST_HEX_SIZE);
	const char *text;
	size_t len;

	if (!asked)
		return NULL;
	text = identifier_digest_text(asked, arena, &len);
	keyring_digest(audit->store->keyring, audit->key_id, "identifier", text, len, digest);
	return digest;
}

void donor_load_send(struct store *store, struct donor_load *load)
{
	struct db_query *query = &load->query;
	char *number = arena_alloc(load->arena, DONOR_NUMBER_SIZE);
	struct audit audit;

	load->store = store;
	load->record = (struct donor_record){ 0 };
	query_begin(query, load->action ? &load_audited : &load_quietly, load->action ? DB_WRITE : DB_READ,
		    load_on_done);
	query_text(query, uuid_or_nil(load->key));
	query_text(query, donor_number_parse(load->key, number) == DONOR_NUMBER_FINE ? number : "");
	if (load->units)
		query_texts(query, load->arena, load->units, load->nunits);
	else
		query_text(query, NULL);
	query_bool(query, load->exact);
	if (load->action) {
		audit_begin(&audit, store, &load->actor);
		audit_add_reading(&audit, load->action, "donor", "", asked_digest(&audit, load->asked, load->arena));
		query_text(query, audit_end(&audit, load->arena));
	}
	db_send(store->db, query);
}

/* ---- what both writes have in common ---- */

/*
 * Identifiers that somebody else has, whosoever's key the digest is under. What is written in this moment by
 * another statement is not seen here; then donor_digest_identifier_uk refuses one of the two.
 */
#define TAKEN(digests, ns, mine) \
	"taken AS MATERIALIZED (SELECT DISTINCT ON (p.n) p.n, coalesce(a.into_id, g.donor_id) AS id" \
	"  FROM unnest(" digests "::bytea[], " ns "::integer[]) AS p (digest, n)" \
	"  JOIN donor_digest AS g ON g.digest = p.digest AND g.use = 'identifier'" \
	"  LEFT JOIN donor_alias AS a ON a.donor_id = g.donor_id" \
	"  WHERE g.donor_id IS DISTINCT FROM " mine "::uuid ORDER BY p.n)"
#define DIGEST_INSERT(digests, uses, keys, identifiers, donor) \
	"INSERT INTO donor_digest (digest, use, key_id, identifier_id, donor_id)" \
	" SELECT g.digest, g.use, g.key_id, nullif(g.identifier_id, '')::uuid, " donor \
	" FROM unnest(" digests "::bytea[], " uses "::text[], " keys "::integer[], " identifiers "::text[])" \
	"  AS g (digest, use, key_id, identifier_id)"
#define IDENTIFIER_INSERT(ids, kinds, sealed, donor) \
	"INSERT INTO donor_identifier (id, donor_id, kind, sealed)" \
	" SELECT i.id, " donor ", i.kind, i.sealed FROM unnest(" ids "::uuid[], " kinds "::text[], " sealed "::bytea[])" \
	"  AS i (id, kind, sealed)"
/* Two arrays: which identifiers are taken, and whose they are. And whether our keys are behind. */
#define TAKEN_TELL(stale) \
	"ARRAY(SELECT n FROM taken ORDER BY n), ARRAY(SELECT id FROM taken ORDER BY n), " stale

static void query_taken(struct db_query *query, const struct store *store, const struct key_view *view,
			const struct donor *donor, struct arena *arena)
{
	struct donor_digests probes = { .arena = arena };

	for (size_t i = 0; i < donor->nidentifiers; i++)
		if (identifier_is_unique(donor->identifiers[i].identifier.kind))
			donor_digest_identifier(&probes, store, view, DIGESTS_PROBED,
						&donor->identifiers[i].identifier, "", i);
	query_texts(query, arena, probes.digest, probes.count);
	query_texts(query, arena, probes.n, probes.count);
}

static void query_donor_digests(struct db_query *query, const struct store *store, const struct key_view *view,
				const struct donor *donor, struct arena *arena)
{
	struct donor_digests digests = { .arena = arena };

	donor_digest_all(&digests, store, view, donor);
	query_texts(query, arena, digests.digest, digests.count);
	query_texts(query, arena, digests.use, digests.count);
	query_texts(query, arena, digests.key_id, digests.count);
	query_texts(query, arena, digests.identifier_id, digests.count);
}

static void query_plain(struct db_query *query, struct arena *arena, const struct donor *donor)
{
	if (donor->birth_year)
		query_int(query, arena, donor->birth_year);
	else
		query_text(query, NULL);
	query_text(query, donor_sex_text(donor->sex));
	query_text(query, blood_abo_text(donor->abo));
	query_text(query, blood_rhd_text(donor->rhd));
	query_text(query, blood_evidence_text(donor->blood_evidence));
	query_text(query, donor->unit_id);
	query_date(query, arena, donor->unit_id ? donor->unit_on : (struct date){ 0 });
}

/* The rows of some identifiers, to be inserted. */
static void query_identifiers(struct db_query *query, const struct store *store, const struct donor *donor,
			      const struct donor_identifier *const *list, size_t count, struct arena *arena)
{
	const char **ids = arena_alloc(arena, (count + 1) * sizeof(*ids));
	const char **kinds = arena_alloc(arena, (count + 1) * sizeof(*kinds));
	const char **sealed = arena_alloc(arena, (count + 1) * sizeof(*sealed));

	for (size_t i = 0; i < count; i++) {
		ids[i] = list[i]->id;
		kinds[i] = identifier_kind_text(list[i]->identifier.kind);
		sealed[i] = donor_seal_identifier(list[i], donor->id, store, arena);
	}
	query_texts(query, arena, ids, count);
	query_texts(query, arena, kinds, count);
	query_texts(query, arena, sealed, count);
}

static size_t taken_read(struct donor_taken *taken, struct arena *arena, const struct db_result *result, int column)
{
	size_t count, nids;
	const char **ns = row_texts(arena, result, 0, column, &count);
	const char **ids = row_texts(arena, result, 0, column + 1, &nids);

	for (size_t i = 0; i < count && i < DONOR_TAKEN_MAX; i++) {
		long n = 0;

		(void)text_to_int(ns[i], 0, DONOR_IDENTIFIERS_MAX, &n);
		taken[i].identifier = (size_t)n;
		snprintf(taken[i].id, sizeof(taken[i].id), "%s", ids[i]);
	}
	return count < DONOR_TAKEN_MAX ? count : DONOR_TAKEN_MAX;
}

static bool fail_taken(struct error *err, const struct donor_taken *taken, size_t count)
{
	error_set(err, ERR_DONOR_EXISTS, "A donor with this identifier is registered already.",
		  "Đã có người hiến máu đăng ký với giấy tờ này.");
	for (size_t i = 0; i < count; i++) {
		char pointer[32];

		snprintf(pointer, sizeof(pointer), "/identifiers/%zu/value", taken[i].identifier);
		error_add_field(err, pointer, "taken", "This number is known.", "Số này đã có.");
	}
	snprintf(err->id, sizeof(err->id), "%s", taken[0].id);
	return false;
}

/* ---- a new one ---- */

static void create_make(struct donor_create *create);

enum { CREATE_ATTEMPTS = 8 };

static const struct db_statement create_statement = {
	"WITH " TAKEN("$28", "$29", "NULL") ", " CLAIM("NOT EXISTS (SELECT FROM taken) AND NOT " DONOR_KEYS_STALE("$30", "$25", "$26")) ","
	" made AS (INSERT INTO donor (id, number, birth_year, sex, abo, rhd, blood_evidence, unit_id, unit_on,"
	"  wrap_key_id, wrapped_key, sealed)"
	"  SELECT $9::uuid, $10, $11::smallint, $12, $13, $14, $15, $16, $17::date, $18::integer, $19::bytea, $20::bytea"
	"  FROM go RETURNING id, registered_at),"
	" identifier AS (" IDENTIFIER_INSERT("$21", "$22", "$23", "$9::uuid") " WHERE EXISTS (SELECT FROM made)),"
	" digest AS (" DIGEST_INSERT("$24", "$25", "$26", "$27", "$9::uuid")
	"  WHERE EXISTS (SELECT FROM made) " DIGEST_ORDER "),"
	" agreed AS (INSERT INTO consent (id, donor_id, purpose, channel, given, at, proof)"
	"  SELECT c.id, $9::uuid, c.purpose, c.channel, true, c.at, nullif(c.proof, '')::bytea"
	"  FROM unnest($31::uuid[], $32::text[], $33::text[], $34::timestamptz[], $35::text[])"
	"   AS c (id, purpose, channel, at, proof) WHERE EXISTS (SELECT FROM made)),"
	" audit AS (" AUDIT_INSERT("$8", "EXISTS (SELECT FROM made)") ")"
	" SELECT EXISTS (SELECT FROM go), (SELECT " SQL_MICROS("registered_at") " FROM made), " TAKEN_TELL(DONOR_KEYS_STALE("$30", "$25", "$26"))
};

static void create_on_replayed(struct db_query *query, const struct db_result *result)
{
	struct donor_create *create = container_of(query, struct donor_create, query);

	(void)!replay_read(result, &create->idempotency, &create->error);
	create->done(create);
}

/* What another statement wrote in the same moment is there now, and is found; a number is drawn anew. */
static bool create_may_retry(const struct donor_create *create, const struct db_result *result)
{
	return create->attempts < CREATE_ATTEMPTS && (result_violates(result, "donor_digest_identifier_uk") ||
						      result_violates(result, "donor_number_uk"));
}

static void create_on_done(struct db_query *query, const struct db_result *result)
{
	struct donor_create *create = container_of(query, struct donor_create, query);

	if (create_may_retry(create, result)) {
		create_make(create);
		return;
	}
	switch (claim_read(result, &create->idempotency, &create->error)) {
	case CLAIM_LOST:
		create->ntaken = result->outcome == DB_OK ? taken_read(create->taken, create->arena, result, 2) : 0;
		if (create->ntaken > 0) {
			fail_taken(&create->error, create->taken, create->ntaken);
			break;
		}
		if (result->outcome == DB_OK && db_bool(result, 0, 4)) {
			fail_keys(&create->error);
			break;
		}
		replay_send(create->store, query, &create->idempotency, &create->actor, "donor", create->arena,
			    create_on_replayed);
		return;
	case CLAIM_WON:
		create->donor.registered_us = row_time(result, 0, 1);
		break;
	case CLAIM_FAILED:
		break;
	}
	create->done(create);
}

static void query_consents(struct donor_create *create, struct audit *audit)
{
	struct arena *arena = create->arena;
	size_t size = (create->nconsents + 1) * sizeof(char *);
	int64_t now = clock_wall_us(create->store->clock);
	const char **ids = arena_alloc(arena, size), **purposes = arena_alloc(arena, size);
	const char **channels = arena_alloc(arena, size), **times = arena_alloc(arena, size);
	const char **proofs = arena_alloc(arena, size);

	for (size_t i = 0; i < create->nconsents; i++) {
		struct consent told = create->consents[i], *consent = &told;
		char *id = arena_alloc(arena, UUID_TEXT_SIZE);
		struct buf image = { 0 };

		/* Later today is not yet: a withdrawal of this hour would stand behind it. */
		if (told.given_us > now)
			told.given_us = now;
		uuid7_make(id, now);
		ids[i] = id;
		purposes[i] = consent_purpose_text(consent->purpose);
		channels[i] = consent_channel_text(consent->channel);
		times[i] = time_format(consent->given_us, arena_alloc(arena, TIME_TEXT_SIZE));
		proofs[i] = consent->proof ? donor_seal_text("consent", consent_proof_field(id, arena),
							     create->donor.id, consent->proof, create->store, arena)
					   : "";
		image_consent(&image, id, create->donor.id, consent, true);
		audit_add(audit, "consent.give", "consent", id, NULL, &image);
		buf_release(&image);
	}
	query_texts(&create->query, arena, ids, create->nconsents);
	query_texts(&create->query, arena, purposes, create->nconsents);
	query_texts(&create->query, arena, channels, create->nconsents);
	query_texts(&create->query, arena, times, create->nconsents);
	query_texts(&create->query, arena, proofs, create->nconsents);
}

static void query_own_key(struct db_query *query, const struct store *store, const struct donor *donor,
			  struct arena *arena)
{
	unsigned char wrapped[DONOR_KEY_WRAPPED_BYTES];

	query_int(query, arena, donor_key_make(store->donor_key, store->keyring, donor->id, wrapped));
	query_text(query, bytes_text(arena, wrapped, sizeof(wrapped)));
	query_text(query, donor_seal_person(donor, store, arena));
}

static uint64_t random_bits(void)
{
	uint64_t bits;

	if (getentropy(&bits, sizeof(bits)) != 0)
		abort();
	return bits;
}

static void create_make(struct donor_create *create)
{
	const struct store *store = create->store;
	const struct key_view *view = keyring_view(store->keyring);
	struct donor *donor = &create->donor;
	struct db_query *query = &create->query;
	struct arena *arena = create->arena;
	const struct donor_identifier **all = arena_alloc(arena, (donor->nidentifiers + 1) * sizeof(*all));
	struct buf image = { 0 };
	struct audit audit;

	create->attempts++;
	donor_number_make(random_bits(), donor->number);
	for (size_t i = 0; i < donor->nidentifiers; i++)
		all[i] = &donor->identifiers[i];
	query_begin(query, &create_statement, DB_WRITE, create_on_done);
	query_claim(query, store, &create->idempotency, donor->id, arena);
	query_text(query, NULL);                 /* $8: the audit, which is whole only at the end */
	query_text(query, donor->id);
	query_text(query, donor->number);
	query_plain(query, arena, donor);
	query_own_key(query, store, donor, arena);
	query_identifiers(query, store, donor, all, donor->nidentifiers, arena);
	query_donor_digests(query, store, view, donor, arena);
	query_taken(query, store, view, donor, arena);
	query_written_keys(query, view, arena);
	image_donor(&image, donor);
	audit_begin(&audit, store, &create->actor);
	audit_add(&audit, "donor.register", "donor", donor->id, NULL, &image);
	query_consents(create, &audit);
	query->params[CLAIM_PARAMS] = audit_end(&audit, arena);
	buf_release(&image);
	db_send(store->db, query);
}

void donor_create_send(struct store *store, struct donor_create *create)
{
	struct donor *donor = &create->donor;
	int64_t now = clock_wall_us(store->clock);

	create->store = store;
	create->attempts = 0;
	create->ntaken = 0;
	error_clear(&create->error);
	uuid7_make(donor->id, now);
	for (size_t i = 0; i < donor->nidentifiers; i++)
		uuid7_make(donor->identifiers[i].id, now);
	donor->version = 1;
	create_make(create);
}

/* ---- a change ---- */

static const struct db_statement change_statement = {
	"WITH " TAKEN("$20", "$21", "$2") ","
	" made AS (UPDATE donor SET birth_year = $4::smallint, sex = $5, abo = $6, rhd = $7, blood_evidence = $8,"
	"  unit_id = $9, unit_on = $10::date, sealed = $11::bytea, version = version + 1"
	"  WHERE id = $2::uuid AND version = $3::bigint AND erased_at IS NULL AND NOT EXISTS (SELECT FROM taken)"
	"   AND NOT " DONOR_KEYS_STALE("$22", "$17", "$18") " RETURNING id),"
	" digest_gone AS (DELETE FROM donor_digest WHERE donor_id = $2::uuid AND digest <> ALL ($16::bytea[])"
	"  AND EXISTS (SELECT FROM made)),"
	" gone AS (DELETE FROM donor_identifier WHERE donor_id = $2::uuid AND id <> ALL ($12::uuid[])"
	"  AND EXISTS (SELECT FROM made)),"
	" identifier AS (" IDENTIFIER_INSERT("$13", "$14", "$15", "$2::uuid") " WHERE EXISTS (SELECT FROM made)),"
	" digest AS (" DIGEST_INSERT("$16", "$17", "$18", "$19", "$2::uuid")
	"  WHERE EXISTS (SELECT FROM made) " DIGEST_ORDER " ON CONFLICT (digest, donor_id) DO NOTHING),"
	" audit AS (" AUDIT_INSERT("$1", "EXISTS (SELECT FROM made)") ")"
	" SELECT EXISTS (SELECT FROM made), EXISTS (SELECT FROM donor WHERE id = $2::uuid), " TAKEN_TELL(DONOR_KEYS_STALE("$22", "$17", "$18"))
};

static void fail_change_taken(struct donor_change *change)
{
	fail_taken(&change->error, change->taken, change->ntaken);
	if (streq(change->taken[0].id, change->before->donor.id))
		error_set(&change->error, ERR_DONOR_EXISTS,
			  "This number is this person's already: it is on a record that was merged into this one.",
			  "Số này đã là của chính người này: nó thuộc hồ sơ đã gộp vào hồ sơ này.");
}

static void change_on_done(struct db_query *query, const struct db_result *result)
{
	struct donor_change *change = container_of(query, struct donor_change, query);

	if (result_violates(result, "donor_digest_identifier_uk")) {
		error_clear(&change->error);
		error_set(&change->error, ERR_DONOR_EXISTS,
			  "Another donor has just been registered with one of these identifiers.",
			  "Vừa có người hiến máu khác đăng ký với một trong các giấy tờ này.");
	} else if (result_ok(result, &change->error) && !db_bool(result, 0, 0)) {
		change->ntaken = taken_read(change->taken, change->arena, result, 2);
		if (change->ntaken > 0)
			fail_change_taken(change);
		else if (db_bool(result, 0, 4))
			fail_keys(&change->error);
		else if (db_bool(result, 0, 1))
			fail_stale(&change->error);
		else
			fail_not_found(&change->error);
	}
	change->done(change);
}

/* Gives identifiers that were there before their ids, others new ones; fills $12 .. $15. */
static void query_change_of_identifiers(struct donor_change *change)
{
	const struct donor *before = &change->before->donor;
	struct donor *next = &change->next;
	struct arena *arena = change->arena;
	const char **kept = arena_alloc(arena, (next->nidentifiers + 1) * sizeof(*kept));
	const struct donor_identifier **made = arena_alloc(arena, (next->nidentifiers + 1) * sizeof(*made));
	size_t nkept = 0, nmade = 0;

	for (size_t i = 0; i < next->nidentifiers; i++) {
		struct donor_identifier *of = &next->identifiers[i];
		size_t old = 0;

		while (old < before->nidentifiers &&
		       !identifier_same(&before->identifiers[old].identifier, &of->identifier))
			old++;
		if (old < before->nidentifiers) {
			/* As it is kept: an issuer may have been written in another way. */
			*of = before->identifiers[old];
			kept[nkept++] = of->id;
		} else {
			uuid7_make(of->id, clock_wall_us(change->store->clock));
			made[nmade++] = of;
		}
	}
	query_texts(&change->query, arena, kept, nkept);
	query_identifiers(&change->query, change->store, next, made, nmade, arena);
}

void donor_change_send(struct store *store, struct donor_change *change)
{
	const struct key_view *view = keyring_view(store->keyring);
	const struct donor *before = &change->before->donor;
	struct db_query *query = &change->query;
	struct arena *arena = change->arena;
	struct buf was = { 0 }, is = { 0 };
	struct audit audit;

	change->store = store;
	change->ntaken = 0;
	change->next.version = before->version + 1;
	error_clear(&change->error);
	query_begin(query, &change_statement, DB_WRITE, change_on_done);
	query_text(query, NULL);                 /* $1: the audit, when the identifiers have their ids */
	query_text(query, before->id);
	/* The key was opened to read the record, and keys stay to the end; if not, no version is this one. */
	query_int(query, arena, donor_open_key(change->before, store, &change->error) ? before->version : -1);
	query_plain(query, arena, &change->next);
	query_text(query, donor_seal_person(&change->next, store, arena));
	query_change_of_identifiers(change);
	query_donor_digests(query, store, view, &change->next, arena);
	query_taken(query, store, view, &change->next, arena);
	query_written_keys(query, view, arena);
	image_donor(&was, before);
	image_donor(&is, &change->next);
	audit_begin(&audit, store, &change->actor);
	audit_add(&audit, "donor.change", "donor", before->id, &was, &is);
	query->params[0] = audit_end(&audit, arena);
	buf_release(&was);
	buf_release(&is);
	db_send(store->db, query);
}

/* ---- many ---- */

/*
 * In the order of ids, which is that of registering. The walk is bounded by the cursor on one side; of a few
 * units their own index gives the rows.
 *
 *	$1 cursor   $2 units   $3 $4 blood groups   $5 $6 next: from, to   $7 $8 last: from, to   $9 limit
 */
#define LISTED(next) \
	"SELECT " DONOR_PLAIN_COLUMNS " FROM donor AS d" \
	" WHERE d.id > $1::uuid AND d.erased_at IS NULL" \
	"  AND ($2::text[] IS NULL OR d.unit_id = ANY ($2))" \
	"  AND ($3::text[] IS NULL OR d.abo = ANY ($3)) AND ($4::text[] IS NULL OR d.rhd = ANY ($4))" \
	"  AND ($5::date IS NULL OR (d." next " >= $5 AND d." next " < 'infinity'))" \
	"  AND ($6::date IS NULL OR d." next " IS NULL OR d." next " <= $6)" \
	"  AND ($7::date IS NULL OR d.last_donated_on >= $7) AND ($8::date IS NULL OR d.last_donated_on <= $8)" \
	"  AND NOT EXISTS (SELECT FROM donor_alias AS a WHERE a.donor_id = d.id)" \
	" ORDER BY d.id LIMIT $9::integer"

static const struct db_statement list_statements[COMPONENT_COUNT] = {
	[COMPONENT_WHOLE_BLOOD] = { LISTED("next_whole_blood") },
	[COMPONENT_RED_CELLS] = { LISTED("next_red_cells") },
	[COMPONENT_PLATELETS] = { LISTED("next_platelets") },
	[COMPONENT_PLASMA] = { LISTED("next_plasma") },
	[COMPONENT_GRANULOCYTES] = { LISTED("next_granulocytes") },
	[COMPONENT_STEM_CELLS] = { LISTED("next_stem_cells") },
};

static void list_on_done(struct db_query *query, const struct db_result *result)
{
	struct donor_list *list = container_of(query, struct donor_list, query);

	if (result_ok(result, &list->error)) {
		int rows = db_rows(result);

		list->more = rows > list->limit;
		list->ndonors = (size_t)(list->more ? list->limit : rows);
		list->donors = arena_alloc(list->arena, (list->ndonors + 1) * sizeof(*list->donors));
		for (size_t i = 0; i < list->ndonors; i++)
			donor_read_plain(&list->donors[i], list->arena, result, (int)i, 0);
	}
	list->done(list);
}

static void query_words(struct db_query *query, struct arena *arena, unsigned bits, int count,
			const char *(*word)(int value))
{
	const char *words[8];
	size_t found = 0;

	for (int i = 0; i < count; i++)
		if (bits & 1u << i)
			words[found++] = word(i);
	if (bits)
		query_texts(query, arena, words, found);
	else
		query_text(query, NULL);
}

static const char *abo_word(int value)
{
	return blood_abo_text((enum blood_abo)value);
}

static const char *rhd_word(int value)
{
	return blood_rhd_text((enum blood_rhd)value);
}

void donor_list_send(struct store *store, struct donor_list *list)
{
	const struct donor_filter *filter = &list->filter;
	struct db_query *query = &list->query;

	list->store = store;
	query_begin(query, &list_statements[filter->component], DB_SLOW, list_on_done);
	query_text(query, uuid_or_nil(list->after));     /* of "": that before all others */
	if (filter->units)
		query_texts(query, list->arena, filter->units, filter->nunits);
	else
		query_text(query, NULL);
	query_words(query, list->arena, filter->abos, ABO_AB + 1, abo_word);
	query_words(query, list->arena, filter->rhds, RHD_NEGATIVE + 1, rhd_word);
	query_date(query, list->arena, filter->next_from);
	query_date(query, list->arena, filter->next_to);
	query_date(query, list->arena, filter->last_from);
	query_date(query, list->arena, filter->last_to);
	query_text(query, page_limit(list->limit, list->limit_text));
	db_send(store->db, query);
}
