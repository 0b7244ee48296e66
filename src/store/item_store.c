#include "store/item_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "crypto/content_hash.h"
#include "crypto/donor_seal.h"
#include "domain/person_name.h"
#include "store/audit.h"
#include "store/donor_row.h"
#include "store/facts_row.h"
#include "store/failure.h"
#include "store/gift_row.h"
#include "store/image.h"
#include "store/item_step.h"
#include "store/lookup.h"
#include "store/row.h"

/*
 * A batch goes: look up what its items name; settle, item by item, whether it is there and whom it is about; look for
 * people who are alike; write all that is new in one statement, with what becomes of the records of donors; read back how
 * things stand. The statement locks the records that it is about, over the versions that were read; what somebody else
 * wrote in between stops it, and it begins anew. Where one row cannot be written, half of the batch is tried, down to
 * that row alone.
 */
enum { ATTEMPTS_MAX = 5, FINDINGS_MAX = 8 };
enum item_flag { FLAG_REGISTERS = 1, FLAG_CONFLICT = 2, FLAG_DOUBTED = 4 };

/* Arrays side by side, as they go into the statement. */
enum { COLUMNS_MAX = 24 };
struct columns {
	size_t        count, max, ncells;
	const char  **cells[COLUMNS_MAX];
};

/* A record of a donor. */
struct known {
	struct donor_record record;      /* as it is to be; its key */
	struct donor  before;            /* as it was read */
	const char   *into_id;           /* as it was read: merged into; NULL */
	struct known *into;              /* the same, and what is to be */
	bool          by_item;           /* a phone told of it first: nobody registered it at a desk */
	bool          is_new, told_more, took, gone;     /* gone: merged in this batch, and `took` that it took another in */
	bool          used;              /* what is settled stands on it */
	size_t        by;                /* which item a new one was made of */
	struct known *next;
};

/* By what id items name a record that has another. */
struct told {
	const char   *id;
	struct known *of;
	struct told  *next;
};

/* Somebody said that these are two. */
struct distinct {
	struct known *one, *two;
};

/* A content that is there, or will be: of an id. */
struct content {
	const char     *id, *hash;
	struct known   *of;
	enum item_verdict verdict;
	int64_t         captured_us;
	const char     *tie;
	const char     *sealed, *text;   /* canonical content, sealed or not */
	struct content *next;
};

struct doubt {
	const char *donor_id, *reason;
	size_t      n;                   /* which of the new ones, from 1 */
};

/* A new item. */
struct fresh {
	size_t            index;         /* in the batch */
	const struct item *item;
	struct known     *of;
	const char       *hash, *sealed, *deferral_sealed;
	const char       *held;          /* comma between */
	const char       *provisional;
	const char       *tie;
	bool              registers, conflict, doubted, is_donation;
	bool              names;         /* the record has its name of it */
	struct date       day;
	char              fact_id[UUID_TEXT_SIZE];
	bool              round_known;
};

/* Who is alike somebody new. */
struct finding {
	struct hand_in         *work;
	size_t                  index;   /* of the new item */
	struct donor_match_find find;
};

struct round_seen {
	char              id[UUID_TEXT_SIZE];
	struct item_setting setting;
	const char       *team;          /* whose round it is; NULL */
};

/* Somebody bears a number that an item tells. */
struct hit {
	size_t        index, identifier;
	struct known *of;
};

struct hand_in {
	struct item_hand_in *op;
	struct store       *store;
	struct arena       *arena;
	const struct key_view *view;
	size_t              from, len;   /* which of the items are at work */
	int                 attempts;
	/* what was looked up, and what was settled; anew in each attempt */
	struct known       *known;
	struct told        *told;
	struct distinct    *distincts;
	size_t              ndistincts;
	struct content     *contents;
	struct round_seen  *rounds;
	size_t              nrounds;
	struct hit         *hits;
	size_t              nhits;
	struct fresh       *fresh;
	size_t              nfresh;
	struct doubt       *doubts;
	size_t              ndoubts, doubts_max;
	size_t             *replayed;    /* which were there before */
	size_t              nreplayed;
	struct audit        audit;
	struct columns      donors, identifiers, merges, locks;
	struct donor_digests digests;
	const char        **digest_donors;
	size_t              ndigest_donors, digest_donors_max;
	size_t              finding, next_finding;
	struct error        find_error;
	/* for the whole batch */
	const char        **hashes;      /* of each item that is there now; NULL */
};

static void begin(struct hand_in *work);
static void load_on_done(struct db_query *query, const struct db_result *result);
static void find_alike(struct hand_in *work);
static void write_send(struct hand_in *work);
static void write_on_done(struct db_query *query, const struct db_result *result);
static void receipt_send(struct hand_in *work);

static void finish(struct hand_in *work, const struct error *err)
{
	if (err)
		work->op->error = *err;
	work->op->done(work->op);
}

/* Contents of one id are different things to the audit. */
static const char *item_subject(struct arena *arena, const char *id, const char *hash)
{
	return arena_printf(arena, "%s:%s", id, hash + 2);
}

/* ---- looking up ---- */

/*
 *	$1 ids of items   $2 ids of donors, as they were told, or as they may come to be   $3 digests of numbers, $4 whose
 *	$5 rounds
 *
 * '0' all records of all people that are named, first of all; then 'i' contents, 'd' records, 'p' records that were told by
 * another id, 'g' bearers of numbers, 'r' 's' rounds, 'x' who are two.
 */
#define NO_CONTENT ", NULL::bigint, NULL::text, NULL::bytea"
static const struct db_statement load_statement = {
	"WITH found (tag, key, one, two, donor_id, captured, tie, sealed) AS MATERIALIZED ("
	"  SELECT 'i', i.id::text, i.content_hash::text, i.verdict, i.donor_id, " SQL_MICROS("i.captured_at") ", i.tie, i.sealed"
	"   FROM item AS i WHERE i.id = ANY ($1::uuid[])"
	"  UNION ALL SELECT 'd', t.id::text, NULL, NULL, t.id" NO_CONTENT " FROM unnest($2::uuid[]) AS t (id)"
	"  UNION ALL SELECT DISTINCT 'p', i.provisional_id::text, NULL, NULL, i.donor_id" NO_CONTENT
	"   FROM item AS i WHERE i.provisional_id = ANY ($2::uuid[])"
	"  UNION ALL SELECT 'g', p.n::text, NULL, NULL, g.donor_id" NO_CONTENT
	"   FROM unnest($3::bytea[], $4::integer[]) AS p (digest, n) CROSS JOIN LATERAL (SELECT g.donor_id FROM donor_digest AS g"
	"    WHERE g.digest = p.digest AND g.use = 'identifier' OFFSET 0) AS g),"
	" own AS MATERIALIZED (SELECT f.donor_id AS id FROM found AS f"
	"  UNION SELECT a.into_id FROM found AS f JOIN donor_alias AS a ON a.donor_id = f.donor_id"
	"  UNION SELECT b.donor_id FROM found AS f LEFT JOIN donor_alias AS a ON a.donor_id = f.donor_id"
	"   JOIN donor_alias AS b ON b.into_id = coalesce(a.into_id, f.donor_id))"
	" SELECT r.tag, r.key, r.one, r.two, r.donor_id, r.captured, r.tie, r.sealed, a.into_id, a.with_id,"
	"  EXISTS (SELECT FROM item AS m WHERE m.donor_id = d.id AND m.registers OFFSET 0), "
	DONOR_PLAIN_COLUMNS ", " DONOR_SEALED_COLUMNS ", " DONOR_IDENTIFIER_COLUMNS
	" FROM (SELECT '0' AS tag, NULL::text AS key, NULL::text AS one, NULL::text AS two, own.id AS donor_id,"
	"   NULL::bigint AS captured, NULL::text AS tie, NULL::bytea AS sealed FROM own"
	"  UNION ALL SELECT f.* FROM found AS f"
	"  UNION ALL SELECT 'r', r.id::text, r.status, r.team_id::text, NULL::uuid" NO_CONTENT
	"   FROM round AS r WHERE r.id = ANY ($5::uuid[])"
	"  UNION ALL SELECT 's', r.id::text, r.from_day::text, r.to_day::text, NULL::uuid" NO_CONTENT
	"   FROM round AS r WHERE r.id = ANY ($5::uuid[])"
	"  UNION ALL SELECT 'x', x.one_id::text, x.two_id::text, NULL, NULL::uuid" NO_CONTENT
	"   FROM donor_distinct AS x JOIN own AS o ON o.id = x.one_id JOIN own AS w ON w.id = x.two_id) AS r"
	" LEFT JOIN donor AS d ON d.id = r.donor_id AND r.tag = '0' LEFT JOIN donor_alias AS a ON a.donor_id = d.id"
	" ORDER BY r.tag, r.key, r.one, r.donor_id"
};
enum { LOAD_TAG, LOAD_KEY, LOAD_ONE, LOAD_TWO, LOAD_DONOR, LOAD_CAPTURED, LOAD_TIE, LOAD_CONTENT, LOAD_INTO, LOAD_WITH,
       LOAD_BY_ITEM, LOAD_PLAIN, LOAD_SEALED = LOAD_PLAIN + DONOR_PLAIN_COUNT,
       LOAD_IDENTIFIERS = LOAD_SEALED + DONOR_SEALED_COUNT };

static const struct item *item_at(const struct hand_in *work, size_t index)
{
	return work->op->items[index];
}

static const struct item_hand_in *whose(const struct hand_in *work, size_t index)
{
	return work->op->whose ? work->op->whose[index] : work->op;
}

static void load_send(struct hand_in *work)
{
	struct donor_digests digests = { .arena = work->arena };
	struct db_query *query = &work->op->query;
	size_t most = 2 * work->len + 1, nids = 0, ndonors = 0, nrounds = 0;
	const char **ids = arena_alloc(work->arena, most * sizeof(*ids));
	const char **donors = arena_alloc(work->arena, most * sizeof(*donors));
	const char **rounds = arena_alloc(work->arena, most * sizeof(*rounds));

	for (size_t i = work->from; i < work->from + work->len; i++) {
		const struct item *item = item_at(work, i);

		if (!item)
			continue;
		ids[nids++] = donors[ndonors++] = item->id;
		if (item->donor_id)
			donors[ndonors++] = item->donor_id;
		if (item->round_id)
			rounds[nrounds++] = item->round_id;
		for (size_t k = 0; item->person && k < item->person->nidentifiers; k++)
			if (identifier_is_unique(item->person->identifiers[k].identifier.kind))
				donor_digest_identifier(&digests, work->store, work->view, DIGESTS_PROBED,
							&item->person->identifiers[k].identifier, "",
							i * DONOR_IDENTIFIERS_MAX + k);
	}
	query_begin(query, &load_statement, DB_READ, load_on_done);
	query_texts(query, work->arena, ids, nids);
	query_texts(query, work->arena, donors, ndonors);
	query_texts(query, work->arena, digests.digest, digests.count);
	query_texts(query, work->arena, digests.n, digests.count);
	query_texts(query, work->arena, rounds, nrounds);
	db_send(work->store->db, query);
}

static struct known *known_by_id(struct hand_in *work, const char *id)
{
	for (struct known *known = work->known; known; known = known->next)
		if (streq(known->record.donor.id, id))
			return known;
	return NULL;
}

/* As items name them; of one that is both a record and an id that was told, the record. */
static struct known *known_as_told(struct hand_in *work, const char *id)
{
	struct known *found = known_by_id(work, id);

	for (struct told *told = work->told; told && !found; told = told->next)
		if (streq(told->id, id))
			found = told->of;
	return found;
}

static void add_told(struct hand_in *work, const char *id, struct known *of)
{
	struct told *told, **at = &work->told;

	while (*at)
		at = &(*at)->next;
	told = arena_alloc(work->arena, sizeof(*told));
	*told = (struct told){ .id = id, .of = of };
	*at = told;
}

static struct known *add_known(struct hand_in *work)
{
	struct known *known = arena_alloc(work->arena, sizeof(*known));

	known->next = work->known;
	work->known = known;
	return known;
}

static bool read_record(struct hand_in *work, const struct db_result *result, int row, struct error *err)
{
	struct known *known;

	if (db_is_null(result, row, LOAD_PLAIN))
		return true;
	known = add_known(work);
	donor_read_plain(&known->record, work->arena, result, row, LOAD_PLAIN);
	row_uuid(result, row, LOAD_WITH, known->record.donor.merged_with);
	known->into_id = row_text(work->arena, result, row, LOAD_INTO);
	known->by_item = db_bool(result, row, LOAD_BY_ITEM);
	if (!donor_read_sealed(&known->record, work->store, work->arena, result, row, LOAD_SEALED, err) ||
	    (!known->record.donor.erased && !donor_read_identifiers(&known->record, work->store, work->arena, result, row,
								     LOAD_IDENTIFIERS, err)))
		return false;
	known->before = known->record.donor;
	return true;
}

/* The record that stands for the person. */
static struct known *root_of(struct known *known)
{
	while (known->into)
		known = known->into;
	return known;
}

static bool is_erased(struct known *known)
{
	return known->record.donor.erased || root_of(known)->record.donor.erased;
}

/* What is known of the person: of the record that stands, or of another that has the name. NULL: nobody told yet who it is. */
static const struct donor *person_of(struct hand_in *work, struct known *known)
{
	struct known *root = root_of(known);

	if (root->record.donor.name)
		return &root->record.donor;
	for (struct known *other = work->known; other; other = other->next)
		if (other->record.donor.name && root_of(other) == root)
			return &other->record.donor;
	return NULL;
}

static struct known *read_donor_id(struct hand_in *work, const struct db_result *result, int row)
{
	char id[UUID_TEXT_SIZE];

	row_uuid(result, row, LOAD_DONOR, id);
	return known_by_id(work, id);
}

static void read_distinct(struct hand_in *work, const struct db_result *result, int row)
{
	struct known *one = known_by_id(work, db_text(result, row, LOAD_KEY)), *two = known_by_id(work, db_text(result, row, LOAD_ONE));

	if (one && two)
		work->distincts[work->ndistincts++] = (struct distinct){ one, two };
}

static void read_round(struct hand_in *work, const struct db_result *result, int row)
{
	struct round_seen *seen = NULL;
	char id[UUID_TEXT_SIZE];

	row_uuid(result, row, LOAD_KEY, id);
	for (size_t i = 0; i < work->nrounds && !seen; i++)
		if (streq(work->rounds[i].id, id))
			seen = &work->rounds[i];
	if (!seen) {
		seen = &work->rounds[work->nrounds++];
		memcpy(seen->id, id, sizeof(id));
		seen->setting.round_known = true;
	}
	if (*db_text(result, row, LOAD_TAG) == 's') {
		seen->setting.round_from = row_date(result, row, LOAD_ONE);
		seen->setting.round_to = row_date(result, row, LOAD_TWO);
	} else {
		(void)round_status_parse(db_text(result, row, LOAD_ONE), &seen->setting.round_status);
		seen->team = row_text(work->arena, result, row, LOAD_TWO);
	}
}

static void read_content(struct hand_in *work, const struct db_result *result, int row)
{
	struct content *content = arena_alloc(work->arena, sizeof(*content));

	content->id = row_text(work->arena, result, row, LOAD_KEY);
	content->hash = row_text(work->arena, result, row, LOAD_ONE);
	(void)item_verdict_parse(db_text(result, row, LOAD_TWO), &content->verdict);
	content->of = read_donor_id(work, result, row);
	content->captured_us = row_time(result, row, LOAD_CAPTURED);
	content->tie = row_text(work->arena, result, row, LOAD_TIE);
	content->sealed = row_text(work->arena, result, row, LOAD_CONTENT);
	content->next = work->contents;
	work->contents = content;
}

/* ---- whom, with whose key ---- */

static uint64_t random_bits(void)
{
	uint64_t bits;

	if (getentropy(&bits, sizeof(bits)) != 0)
		abort();
	return bits;
}

static void columns_init(struct columns *columns, struct arena *arena, size_t ncells, size_t max)
{
	*columns = (struct columns){ .ncells = ncells, .max = max };
	for (size_t i = 0; i < ncells; i++)
		columns->cells[i] = arena_alloc(arena, (max + 1) * sizeof(char *));
}

static void columns_query(const struct columns *columns, struct db_query *query, struct arena *arena)
{
	for (size_t i = 0; i < columns->ncells; i++)
		query_texts(query, arena, columns->cells[i], columns->count);
}

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

static bool bears(const struct donor *donor, const struct identifier *identifier)
{
	for (size_t i = 0; i < donor->nidentifiers; i++)
		if (identifier_same(&donor->identifiers[i].identifier, identifier))
			return true;
	return false;
}

/* Whether somebody bears that number of the item's; of a local paper: whether this person does. */
static bool is_borne(struct hand_in *work, size_t index, size_t n, const struct identifier *identifier, const struct known *root)
{
	bool unique = identifier_is_unique(identifier->kind);

	for (size_t i = 0; i < work->nhits; i++)
		if (work->hits[i].index == index && work->hits[i].identifier == n)
			return true;
	for (struct known *known = work->known; known; known = known->next)
		if ((unique || root_of(known) == root) && bears(&known->record.donor, identifier))
			return true;
	return false;
}

/* Of what was told now. */
static void add_digests(struct hand_in *work, const struct known *known)
{
	const struct donor *donor = &known->record.donor;
	struct donor_digests *digests = &work->digests;

	for (size_t i = known->before.nidentifiers; i < donor->nidentifiers; i++) {
		const struct identifier *identifier = &donor->identifiers[i].identifier;

		donor_digest_identifier(digests, work->store, work->view, DIGESTS_WRITTEN, identifier, donor->identifiers[i].id, i);
		donor_digest_suppression(digests, work->store, work->view, DIGESTS_PROBED, identifier);
	}
	if (donor->phone && !streq(donor->phone, known->before.phone))
		donor_digest_phone(digests, work->store, work->view, DIGESTS_WRITTEN, donor->phone);
	if (donor->name && donor->birth_year && !known->before.name)
		donor_digest_name(digests, work->store, work->view, DIGESTS_WRITTEN, donor->name, donor->birth_year);
	if (work->digest_donors_max < digests->max) {
		const char **more = arena_alloc(work->arena, digests->max * sizeof(*more));

		if (work->ndigest_donors)
			memcpy(more, work->digest_donors, work->ndigest_donors * sizeof(*more));
		work->digest_donors = more;
		work->digest_donors_max = digests->max;
	}
	while (work->ndigest_donors < digests->count)
		work->digest_donors[work->ndigest_donors++] = donor->id;
}

static void audit_donor(struct hand_in *work, const struct known *known)
{
	struct buf was = { 0 }, is = { 0 };

	image_donor(&is, &known->record.donor);
	work->audit.actor = &(known->is_new ? whose(work, known->by) : work->op)->actor;
	if (known->is_new) {
		audit_add(&work->audit, "donor.register", "donor", known->record.donor.id, NULL, &is);
	} else {
		image_donor(&was, &known->before);
		audit_add(&work->audit, known->gone ? "donor.merged" : known->told_more ? "donor.change" : "donor.merge", "donor",
			  known->record.donor.id, &was, &is);
	}
	buf_release(&was);
	buf_release(&is);
}

/* A record that is new, or another than it was. */
static bool add_donor(struct hand_in *work, struct known *known, struct error *err)
{
	struct donor *donor = &known->record.donor;
	struct columns *rows = &work->donors, *numbers = &work->identifiers;
	struct arena *arena = work->arena;
	char day[DATE_TEXT_SIZE];
	size_t at = rows->count++;

	if (!donor_open_key(&known->record, work->store, err))
		return false;
	donor->version = known->is_new ? 1 : known->before.version + 1;
	rows->cells[0][at] = donor->id;
	rows->cells[1][at] = donor->number;
	rows->cells[2][at] = arena_printf(arena, "%d", donor->birth_year);
	rows->cells[3][at] = or_empty(donor_sex_text(donor->sex));
	rows->cells[4][at] = or_empty(blood_abo_text(donor->abo));
	rows->cells[5][at] = or_empty(blood_rhd_text(donor->rhd));
	rows->cells[6][at] = or_empty(blood_evidence_text(donor->blood_evidence));
	rows->cells[7][at] = or_empty(donor->unit_id);
	rows->cells[8][at] = donor->unit_id ? arena_strdup(arena, date_format(donor->unit_on, day)) : "";
	rows->cells[9][at] = arena_printf(arena, "%d", known->record.wrap_key_id);
	rows->cells[10][at] = known->record.wrapped_hex;
	rows->cells[11][at] = donor_seal_person(donor, work->store, arena);
	rows->cells[12][at] = known->is_new ? "new" : "";
	for (size_t i = known->before.nidentifiers; i < donor->nidentifiers; i++) {
		at = numbers->count++;
		numbers->cells[0][at] = donor->identifiers[i].id;
		numbers->cells[1][at] = donor->id;
		numbers->cells[2][at] = identifier_kind_text(donor->identifiers[i].identifier.kind);
		numbers->cells[3][at] = donor_seal_identifier(&donor->identifiers[i], donor->id, work->store, arena);
	}
	add_digests(work, known);
	audit_donor(work, known);
	return true;
}

/* Numbers that nobody bears. `index`: of the item in the batch. */
static void add_numbers(struct hand_in *work, struct known *root, size_t index)
{
	const struct donor *told = item_at(work, index)->person;
	struct donor *donor = &root->record.donor;
	struct donor_identifier *all = arena_alloc(work->arena, (donor->nidentifiers + told->nidentifiers + 1) * sizeof(*all));

	for (size_t i = 0; i < donor->nidentifiers; i++)
		all[i] = donor->identifiers[i];
	donor->identifiers = all;
	for (size_t i = 0; i < told->nidentifiers && donor->nidentifiers < DONOR_IDENTIFIERS_MAX; i++) {
		if (is_borne(work, index, i, &told->identifiers[i].identifier, root))
			continue;
		all[donor->nidentifiers] = told->identifiers[i];
		uuid7_make(all[donor->nidentifiers++].id, clock_wall_us(work->store->clock));
		root->told_more = true;
	}
}

/* What was not known of the person yet. */
static void fill(struct known *root, const struct donor *told)
{
	struct donor *donor = &root->record.donor, was = *donor;

	if (!donor->name)
		donor->name = told->name;
	if (date_is_none(donor->birth_date))
		donor->birth_date = told->birth_date;
	if (donor->birth_year == 0)
		donor->birth_year = told->birth_year;
	if (donor->sex == DONOR_SEX_UNKNOWN)
		donor->sex = told->sex;
	if (!donor->phone)
		donor->phone = told->phone;
	if (!donor->address)
		donor->address = told->address;
	if (donor->blood_evidence == BLOOD_EVIDENCE_NONE) {
		donor->abo = told->abo;
		donor->rhd = told->rhd;
		donor->blood_evidence = told->blood_evidence;
	}
	if (!donor->unit_id) {
		donor->unit_id = told->unit_id;
		donor->unit_on = told->unit_on;
	}
	root->told_more |= donor->name != was.name || donor->phone != was.phone || donor->address != was.address ||
			   donor->unit_id != was.unit_id || donor->sex != was.sex || donor->birth_year != was.birth_year ||
			   donor->blood_evidence != was.blood_evidence || date_compare(donor->birth_date, was.birth_date) != 0;
}

/* A record of its own: what was told of the person, or nothing but perhaps a number. */
static struct known *make_donor(struct hand_in *work, const char *id, struct fresh *fresh)
{
	const struct item *item = fresh->item;
	struct known *known = add_known(work);
	struct donor *donor = &known->record.donor;
	unsigned char wrapped[DONOR_KEY_WRAPPED_BYTES];

	known->is_new = known->by_item = true;
	known->by = fresh->index;
	snprintf(donor->id, sizeof(donor->id), "%s", id);
	if (item->named)
		fill(known, item->person);
	/* Nobody knows who has a revoked phone: its numbers are nobody's yet. */
	if (item->person && !whose(work, fresh->index)->device_revoked)
		add_numbers(work, known, fresh->index);
	fresh->registers = true;
	fresh->names = item->named;
	donor_number_make(random_bits(), donor->number);
	known->record.wrap_key_id = donor_key_make(work->store->donor_key, work->store->keyring, donor->id, wrapped);
	known->record.wrapped_hex = bytes_text(work->arena, wrapped, sizeof(wrapped));
	return known;
}

static void add_doubt(struct hand_in *work, size_t n, const char *donor_id, const char *reason)
{
	if (work->ndoubts == work->doubts_max) {
		size_t max = work->doubts_max ? 2 * work->doubts_max : 16;
		struct doubt *more = arena_alloc(work->arena, max * sizeof(*more));

		if (work->ndoubts)
			memcpy(more, work->doubts, work->ndoubts * sizeof(*more));
		work->doubts = more;
		work->doubts_max = max;
	}
	for (size_t i = 0; i < work->ndoubts; i++)
		if (work->doubts[i].n == n && streq(work->doubts[i].donor_id, donor_id) && streq(work->doubts[i].reason, reason))
			return;
	work->doubts[work->ndoubts++] = (struct doubt){ donor_id, reason, n };
}

/* `from` and `into` stand for two people, that are one. */
static void merge(struct known *from, struct known *into)
{
	snprintf(from->record.donor.merged_with, sizeof(from->record.donor.merged_with), "%s", into->record.donor.id);
	from->into = into;
	from->gone = into->took = true;
}

static bool are_distinct(const struct hand_in *work, const struct known *one, const struct known *two)
{
	for (size_t i = 0; i < work->ndistincts; i++) {
		const struct known *a = root_of(work->distincts[i].one), *b = root_of(work->distincts[i].two);

		if ((a == one && b == two) || (a == two && b == one))
			return true;
	}
	return false;
}

/* ---- whom ---- */

/* Somebody whom the item may be about, by the id or by a number that it tells. */
enum likeness { NAMELESS, OTHER, SAME };         /* the higher, the rather; where the item tells no name, whoever has one is OTHER */
struct candidate {
	struct known *of;
	enum likeness how;
	bool          by_number;
};
enum { CANDIDATES_MAX = DONOR_IDENTIFIERS_MAX + 1 };

struct candidates {
	struct candidate list[CANDIDATES_MAX];
	size_t           count;
};

static void add_candidate(struct hand_in *work, struct candidates *to, struct known *of, bool by_number, const struct item *item)
{
	const struct donor *person;
	enum likeness how = NAMELESS;

	if (!of || is_erased(of))
		return;
	for (size_t i = 0; i < to->count; i++) {
		if (root_of(to->list[i].of) == root_of(of)) {
			to->list[i].by_number |= by_number;
			return;
		}
	}
	person = person_of(work, of);
	if (person)
		how = item->named && donor_is_same(item->person, person, work->arena) ? SAME : OTHER;
	if (to->count < CANDIDATES_MAX)
		to->list[to->count++] = (struct candidate){ of, how, by_number };
}

static void find_candidates(struct hand_in *work, size_t index, struct candidates *to)
{
	const struct item *item = item_at(work, index);

	to->count = 0;
	if (item->donor_id)
		add_candidate(work, to, known_as_told(work, item->donor_id), false, item);
	for (size_t i = 0; i < work->nhits; i++)
		if (work->hits[i].index == index)
			add_candidate(work, to, work->hits[i].of, true, item);
	for (struct known *known = work->known; known; known = known->next)
		for (size_t n = 0; (known->is_new || known->told_more) && n < item->person->nidentifiers; n++)
			if (identifier_is_unique(item->person->identifiers[n].identifier.kind) &&
			    bears(&known->record.donor, &item->person->identifiers[n].identifier))
				add_candidate(work, to, known, true, item);
}

/* Whose name fits; then who is known at a desk; then by a number; then the lowest id. */
static bool is_rather(const struct candidate *one, const struct candidate *two)
{
	if (one->how != two->how)
		return one->how > two->how;
	if (root_of(one->of)->by_item != root_of(two->of)->by_item)
		return !root_of(one->of)->by_item;
	if (one->by_number != two->by_number)
		return one->by_number;
	return strcmp(root_of(one->of)->record.donor.id, root_of(two->of)->record.donor.id) < 0;
}

/*
 * One item leads to several records. Who has no name is the one whom the item is about; and so is who has the same name
 * and birth date, unless both were registered at a desk. Anything else a person must decide. Where the item's own name is
 * in doubt, its numbers may be somebody else's and join nobody.
 */
static void join_others(struct hand_in *work, struct candidates *found, const struct candidate *best, bool in_doubt)
{
	const struct item *item = work->fresh[work->nfresh].item;
	struct known *root = root_of(best->of);

	for (size_t i = 0; i < found->count; i++) {
		struct candidate *other = &found->list[i];
		struct known *from = root_of(other->of);
		bool mine = other->how == NAMELESS ? !in_doubt || !other->by_number : other->how == SAME && from->by_item;

		if (from == root)
			continue;
		from->used = true;
		if (mine && !whose(work, work->fresh[work->nfresh].index)->device_revoked && !are_distinct(work, from, root))
			merge(from, root);
		else if (other->how != NAMELESS)
			add_doubt(work, work->nfresh + 1, from->record.donor.id,
				  item->named && other->how == OTHER ? "differs" : "alike");
	}
}

/* Of a new record: as it was told; else the item's; else (another content of this item has it) any. */
static const char *id_for(struct hand_in *work, const struct item *item)
{
	char *id = arena_alloc(work->arena, UUID_TEXT_SIZE);

	if (item->donor_id && !known_by_id(work, item->donor_id))
		return item->donor_id;
	if (!known_by_id(work, item->id))
		return item->id;
	uuid7_make(id, clock_wall_us(work->store->clock));
	return id;
}

/* By an id alone: a record, or one that will be named by whoever tells more of it. */
static struct known *find_by_id(struct hand_in *work, struct fresh *fresh, unsigned *reasons)
{
	struct known *of = known_as_told(work, fresh->item->donor_id);

	if (of && !is_erased(of))
		return of;
	if (of)
		*reasons |= ITEM_DONOR_ERASED;
	return make_donor(work, id_for(work, fresh->item), fresh);
}

/* See the head of include/store/item_store.h. */
static struct known *find_donor(struct hand_in *work, struct fresh *fresh, unsigned *reasons)
{
	const struct item *item = fresh->item;
	struct candidates found;
	struct candidate *best;
	struct known *root;
	bool in_doubt;

	if (item->by == ITEM_DONOR_ID)
		return find_by_id(work, fresh, reasons);
	find_candidates(work, fresh->index, &found);
	if (found.count == 0)
		return make_donor(work, id_for(work, item), fresh);
	best = &found.list[0];
	for (size_t i = 1; i < found.count; i++)
		if (is_rather(&found.list[i], best))
			best = &found.list[i];
	root = root_of(best->of);
	in_doubt = item->named && best->how == OTHER;
	if (in_doubt)
		add_doubt(work, work->nfresh + 1, best->of->record.donor.id, "differs");
	join_others(work, &found, best, in_doubt);
	if (in_doubt || whose(work, fresh->index)->device_revoked)
		return best->of;
	if (item->named && (best->how == NAMELESS || root->by_item)) {
		fresh->names = best->how == NAMELESS;
		fill(root, item->person);
	}
	if (item->named || best->how == NAMELESS)
		add_numbers(work, root, fresh->index);
	return best->of;
}

/* By which id, other than that of a record from a desk, the item names its donor: others may do so, too. */
static const char *told_id(struct hand_in *work, const struct item *item, struct known *of)
{
	if (!item->donor_id || (item->by == ITEM_DONOR_ID && !of->by_item && streq(item->donor_id, of->record.donor.id)))
		return "";
	if (!known_as_told(work, item->donor_id))
		add_told(work, item->donor_id, of);
	return item->donor_id;
}

static const char *hash_of(struct hand_in *work, const struct item *item)
{
	unsigned char hash[DONOR_DIGEST_BYTES];

	donor_digest_bytes(work->store->donor_key, "item", item->content, strlen(item->content), hash);
	return bytes_text(work->arena, hash, sizeof(hash));
}

/* As item_fact_id() in the database. */
void item_id_of_hash(const char *hash, char out[UUID_TEXT_SIZE])
{
	unsigned char b[DONOR_DIGEST_BYTES];

	(void)row_bytes_of(hash, b, sizeof(b));
	b[6] = (unsigned char)((b[6] & 15) | 128);
	b[8] = (unsigned char)((b[8] & 63) | 128);
	snprintf(out, UUID_TEXT_SIZE, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2],
		 b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

void item_correction_id(const struct store *store, const struct item_step *step, const char *data, char out[UUID_TEXT_SIZE])
{
	char digest[DIGEST_HEX_SIZE];
	struct buf buf = { 0 };

	buf_printf(&buf, "%s %s ", step->item_id, step->content_hash);
	buf_append_text(&buf, data);
	keyring_digest(store->keyring, keyring_active(store->keyring, KEY_HASH), "correction", buf.data, buf.len, digest);
	item_id_of_hash(digest, out);
	buf_release(&buf);
}

/*
 * The content that is there already, or NULL. Of somebody who was erased nothing can be compared any more: what comes
 * under an id of theirs is taken for what was there. *others: there are contents of that id.
 */
static struct content *find_content(struct hand_in *work, const struct item *item, bool *others, struct error *err)
{
	struct content *erased = NULL;

	*others = false;
	for (struct content *content = work->contents; content; content = content->next) {
		if (!streq(content->id, item->id))
			continue;
		if (content->of->record.donor.erased) {
			erased = content;
			continue;
		}
		if (!donor_open_key(&content->of->record, work->store, err))
			return NULL;
		if (streq(hash_of(work, item), content->hash))
			return content;
		*others = true;
	}
	return erased;
}

/* What is not sealed yet, or opened now. NULL: its donor was erased. */
static const char *content_text(struct hand_in *work, struct content *content, struct error *err)
{
	if (!content->text && donor_open_key(&content->of->record, work->store, err)) {
		content->text = donor_open_text("item", arena_printf(work->arena, "content %s", content->id),
						content->of->record.donor.id, content->sealed, work->store, work->arena);
		if (!content->text)
			donor_fail_sealed(err);
	}
	return content->text;
}

static int compare_hashes(const char *one, const char *two)
{
	unsigned char hashes[2][CONTENT_HASH_BYTES];

	content_hash(one, strlen(one), hashes[0]);
	content_hash(two, strlen(two), hashes[1]);
	return memcmp(hashes[0], hashes[1], sizeof(hashes[0]));
}

/* Between those of the same id and moment with the next lower and the next higher hash. */
static const char *tie_of(struct hand_in *work, const struct item *item, struct error *err)
{
	const char *low = NULL, *high = NULL;

	for (struct content *content = work->contents; content; content = content->next) {
		const char *text;

		if (!streq(content->id, item->id) || content->captured_us != item->captured_us)
			continue;
		text = content_text(work, content, err);
		if (!text)
			return NULL;
		if (compare_hashes(text, item->content) < 0)
			low = !low || strcmp(low, content->tie) < 0 ? content->tie : low;
		else
			high = !high || strcmp(content->tie, high) < 0 ? content->tie : high;
	}
	return low || high ? item_tie_between(low, high, work->arena) : ITEM_TIE_FIRST;
}

static struct item_setting setting_of(struct hand_in *work, size_t index)
{
	const struct item *item = item_at(work, index);
	const struct item_hand_in *of = whose(work, index);
	struct item_setting setting = { 0 };

	for (size_t i = 0; item->round_id && i < work->nrounds; i++)
		if (streq(work->rounds[i].id, item->round_id)) {
			setting = work->rounds[i].setting;
			setting.round_foreign = of->team_id && !streq(or_empty(work->rounds[i].team), of->team_id);
		}
	setting.device_revoked = of->device_revoked;
	setting.today = of->today;
	return setting;
}

static const char *reason_list(struct hand_in *work, unsigned reasons)
{
	struct buf list = { 0 };
	const char *text;

	for (int i = 0; i < ITEM_REASON_COUNT; i++) {
		if (!(reasons >> i & 1))
			continue;
		buf_append_text(&list, list.len > 0 ? "," : "");
		buf_append_text(&list, item_reason_text((enum item_reason)(1 << i)));
	}
	text = arena_strdup(work->arena, list.data ? list.data : "");
	buf_release(&list);
	return text;
}

/* Whether one of the batch corrects the other, perhaps over others that do. Each step goes back by `seq`, so it ends. */
static bool leads_to(const struct hand_in *work, const struct item *later, const struct item *earlier)
{
	if (!later->corrects || !streq(later->install, earlier->install) || later->kind != earlier->kind ||
	    later->seq <= earlier->seq)
		return false;
	if (streq(later->corrects, earlier->id))
		return true;
	for (size_t i = work->from; i < work->from + work->len; i++) {
		const struct item *between = item_at(work, i);

		if (between && streq(between->id, later->corrects) && between->seq < later->seq &&
		    leads_to(work, between, earlier))
			return true;
	}
	return false;
}

/* One bag in two items of the batch itself; those in the database are looked for by the statement. */
static bool bag_in_batch(const struct hand_in *work, const struct item *item)
{
	for (size_t i = 0; item->bag.text[0] && i < work->nfresh; i++) {
		const struct item *other = work->fresh[i].item;

		if (work->fresh[i].is_donation && streq(other->bag.text, item->bag.text) && !streq(other->id, item->id) &&
		    !leads_to(work, item, other) && !leads_to(work, other, item))
			return true;
	}
	return false;
}

static bool settle(struct hand_in *work, size_t index, struct error *err)
{
	const struct item *item = item_at(work, index);
	struct item_setting setting = setting_of(work, index);
	struct fresh *fresh = &work->fresh[work->nfresh];
	struct content *content;
	struct deferral deferral;
	unsigned reasons;
	bool others;

	content = find_content(work, item, &others, err);
	if (err->code != ERR_NONE)
		return false;
	if (content) {
		work->hashes[index] = content->hash;
		work->op->results[index].verdict = ITEM_DUPLICATE;
		work->op->results[index].first = content->verdict;
		work->replayed[work->nreplayed++] = index;
		return true;
	}
	*fresh = (struct fresh){ .index = index, .item = item, .conflict = others, .round_known = setting.round_known };
	fresh->tie = tie_of(work, item, err);
	if (!fresh->tie)
		return false;
	reasons = item_reasons(item, &setting);
	fresh->of = find_donor(work, fresh, &reasons);
	fresh->of->used = root_of(fresh->of)->used = true;
	fresh->provisional = told_id(work, item, fresh->of);
	if (!donor_open_key(&fresh->of->record, work->store, err))
		return false;
	fresh->hash = hash_of(work, item);
	item_id_of_hash(fresh->hash, fresh->fact_id);
	fresh->sealed = donor_seal_text("item", arena_printf(work->arena, "content %s", item->id), fresh->of->record.donor.id,
					item->content, work->store, work->arena);
	fresh->day = item_day(item, &setting);
	fresh->held = reason_list(work, reasons);
	fresh->is_donation = item->kind == ITEM_DONATION && item->outcome != ITEM_DEFERRED;
	fresh->conflict |= fresh->is_donation && bag_in_batch(work, item);
	if (item->kind == ITEM_DEFERRAL && item->deferral) {
		deferral = *item->deferral;
		deferral.donor_id = fresh->of->record.donor.id;
		memcpy(deferral.id, fresh->fact_id, sizeof(deferral.id));
		fresh->deferral_sealed = deferral_seal(&deferral, work->store, work->arena);
	}
	work->hashes[index] = fresh->hash;
	content = arena_alloc(work->arena, sizeof(*content));
	*content = (struct content){ .id = item->id, .hash = fresh->hash, .of = fresh->of, .verdict = ITEM_APPLIED,
				     .captured_us = item->captured_us, .tie = fresh->tie, .text = item->content,
				     .next = work->contents };
	work->contents = content;
	work->nfresh++;
	return true;
}

static bool read_loaded(struct hand_in *work, const struct db_result *result, struct error *err)
{
	int rows = db_rows(result);

	work->hits = arena_alloc(work->arena, ((size_t)rows + 1) * sizeof(*work->hits));
	work->rounds = arena_alloc(work->arena, ((size_t)rows + 1) * sizeof(*work->rounds));
	work->distincts = arena_alloc(work->arena, ((size_t)rows + 1) * sizeof(*work->distincts));
	for (int row = 0; row < rows && *db_text(result, row, LOAD_TAG) == '0'; row++)
		if (!read_record(work, result, row, err))
			return false;
	for (struct known *known = work->known; known; known = known->next)
		known->into = known->into_id ? known_by_id(work, known->into_id) : NULL;
	for (int row = 0; row < rows; row++) {
		struct known *known = read_donor_id(work, result, row);
		size_t n;

		switch (*db_text(result, row, LOAD_TAG)) {
		case '0':
		case 'd':
			break;
		case 'i':
			read_content(work, result, row);
			break;
		case 'p':
			add_told(work, row_text(work->arena, result, row, LOAD_KEY), known);
			break;
		case 'g':
			n = (size_t)db_int(result, row, LOAD_KEY, 0);
			work->hits[work->nhits++] = (struct hit){ n / DONOR_IDENTIFIERS_MAX, n % DONOR_IDENTIFIERS_MAX, known };
			break;
		case 'x':
			read_distinct(work, result, row);
			break;
		default:
			read_round(work, result, row);
		}
	}
	return true;
}

static void load_on_done(struct db_query *query, const struct db_result *result)
{
	struct hand_in *work = container_of(query, struct item_hand_in, query)->work;
	struct error err;
	bool fine = result_ok(result, &err) && read_loaded(work, result, &err);

	for (size_t i = work->from; fine && i < work->from + work->len; i++)
		fine = !item_at(work, i) || settle(work, i, &err);
	if (fine)
		find_alike(work);
	else
		finish(work, &err);
}

/* ---- who is alike ---- */

/* Whoever has a name since this batch, and of which item. */
struct newly_named {
	size_t              index;       /* of the new item */
	struct known       *root;
	const char         *words[PERSON_NAME_WORDS_MAX];
	size_t              count;
};

static bool same_paper(const struct donor *one, const struct donor *two)
{
	for (size_t i = 0; i < one->nidentifiers; i++)
		if (!identifier_is_unique(one->identifiers[i].identifier.kind) && bears(two, &one->identifiers[i].identifier))
			return true;
	return false;
}

/* Two of the batch: what the database cannot tell yet. */
static void compare_here(struct hand_in *work, const struct newly_named *one, const struct newly_named *two)
{
	const struct donor *a = &one->root->record.donor, *b = &two->root->record.donor;
	struct donor_likeness likeness = { .words_one = (unsigned)one->count, .words_two = (unsigned)two->count };

	if (one->root == two->root || a->birth_year != b->birth_year || are_distinct(work, one->root, two->root))
		return;
	for (size_t i = 0; i < one->count; i++)
		for (size_t k = 0; k < two->count; k++)
			likeness.same_words += streq(one->words[i], two->words[k]);
	likeness.same_phone = a->phone && streq(a->phone, b->phone);
	likeness.same_paper = same_paper(a, b);
	donor_compare(a, b, work->op->units, &likeness);
	if (donor_likeness_score(&likeness) >= DONOR_LIKELY)
		add_doubt(work, one->index + 1, b->id, "alike");
}

static void find_alike_here(struct hand_in *work)
{
	struct newly_named *named = arena_alloc(work->arena, (work->nfresh + 1) * sizeof(*named));
	size_t count = 0;

	for (size_t i = 0; i < work->nfresh; i++) {
		struct newly_named *one = &named[count];

		if (!work->fresh[i].names)
			continue;
		one->index = i;
		one->root = root_of(work->fresh[i].of);
		one->count = person_name_words(one->root->record.donor.name, work->arena, one->words);
		for (size_t k = 0; k < count; k++)
			compare_here(work, one, &named[k]);
		count++;
	}
}

static void find_next(struct hand_in *work);

/* A doubt about a record that phones told of is one about all that lies on it; and so is one about an id. */
static void spread_doubts(struct hand_in *work)
{
	for (size_t i = 0; i < work->ndoubts; i++) {
		struct fresh *of = &work->fresh[work->doubts[i].n - 1];
		struct known *on = root_of(of->of), *about = known_by_id(work, work->doubts[i].donor_id);

		if (about && about != of->of && root_of(about) == on)
			continue;
		of->doubted = true;
		for (size_t k = 0; k < work->nfresh; k++) {
			struct fresh *other = &work->fresh[k];
			struct known *root = root_of(other->of);

			other->doubted |= (*of->provisional && streq(of->provisional, other->provisional)) ||
					  (root == on && of->of->by_item) || (about && about->by_item && root == root_of(about));
		}
	}
	for (size_t i = 0; i < work->nfresh; i++)
		work->fresh[i].doubted |= !person_of(work, work->fresh[i].of);
}

static void found_all(struct hand_in *work)
{
	if (work->find_error.code != ERR_NONE) {
		finish(work, &work->find_error);
		return;
	}
	spread_doubts(work);
	write_send(work);
}

static void find_on_done(struct donor_match_find *find)
{
	struct finding *finding = container_of(find, struct finding, find);
	struct hand_in *work = finding->work;
	struct known *root = root_of(work->fresh[finding->index].of);

	if (find->error.code != ERR_NONE)
		work->find_error = find->error;
	for (size_t i = 0; i < find->nmatches; i++) {
		struct known *match = known_by_id(work, find->matches[i].id);

		if (!match || root_of(match) != root)
			add_doubt(work, finding->index + 1, find->matches[i].id, "alike");
	}
	work->finding--;
	find_next(work);
}

/* A few at a time: the database is others', too. */
static void find_next(struct hand_in *work)
{
	while (work->finding < FINDINGS_MAX && work->next_finding < work->nfresh && work->find_error.code == ERR_NONE) {
		size_t index = work->next_finding++;
		struct finding *finding;

		if (!work->fresh[index].names)
			continue;
		finding = arena_alloc(work->arena, sizeof(*finding));
		*finding = (struct finding){ .work = work, .index = index };
		finding->find = (struct donor_match_find){ .donor = &root_of(work->fresh[index].of)->record.donor,
							   .units = work->op->units, .least = DONOR_LIKELY, .arena = work->arena,
							   .done = find_on_done };
		work->finding++;
		donor_match_find_send(work->store, &finding->find);      /* done() never runs inside the send */
	}
	if (work->finding == 0)
		found_all(work);
}

static void find_alike(struct hand_in *work)
{
	find_alike_here(work);
	work->finding = work->next_finding = 0;
	find_next(work);
}

/* ---- writing ---- */

/*
 *	$1 audit   $2 written keys   $3 devices, side by side with the items
 *	$4 .. $15 donors   $16 .. $19 identifiers   $20 .. $24 digests
 *	$25 .. $47 items with what they tell; "" for none   $48 .. $50 doubts: which item, whom, why
 *	$51 the item that a person corrects, or NULL   $52 which content   $53 version of its case   $54 $55 who
 *	$56 what the audit has of a decision, or of a step of an appointment   $57 now   $58 gifts (store/gift_row.h)
 *	$59 $60 records to be locked and their versions, -1: any   $61 which of the donors are new, the others are changed
 *	$62 $63 $64 records that are merged, into which, with which
 *
 * Whoever wrote one of these rows meanwhile makes the statement fail: it is settled anew then. The verdict is the first
 * answer, which a repetition gets again; how things stand then is derived (item_reason, item_standing).
 */
static const struct db_statement write_statement = {
	"WITH locked AS MATERIALIZED (SELECT d.id, d.version, d.erased_at FROM donor AS d WHERE d.id = ANY ($59::uuid[])"
	"  ORDER BY d.id FOR NO KEY UPDATE),"
	" fresh AS MATERIALIZED (SELECT NOT " DONOR_KEYS_STALE("$2", "$21", "$22") " AS keys,"
	"  (SELECT count(*) FROM unnest($59::uuid[], $60::bigint[]) AS t (id, version) JOIN locked AS l ON l.id = t.id"
	"   AND (t.version < 0 OR (l.version = t.version AND l.erased_at IS NULL))) = cardinality($59::uuid[]) AS records,"
	"  $51::uuid IS NULL OR item_case_version($51) = $53::bigint AS version),"
	" go AS MATERIALIZED (SELECT 1 FROM fresh WHERE fresh.keys AND fresh.records AND fresh.version),"
	" told AS MATERIALIZED (SELECT d.* FROM unnest($4::uuid[], $5::text[], $6::smallint[], $7::text[], $8::text[], $9::text[],"
	"   $10::text[], $11::text[], $12::text[], $13::integer[], $14::bytea[], $15::bytea[], $61::text[]) AS d (id, number,"
	"   birth_year, sex, abo, rhd, evidence, unit_id, unit_on, wrap_key_id, wrapped_key, sealed, new), go),"
	" made AS (INSERT INTO donor (id, number, birth_year, sex, abo, rhd, blood_evidence, unit_id, unit_on,"
	"   wrap_key_id, wrapped_key, sealed)"
	"  SELECT d.id, d.number, nullif(d.birth_year, 0), nullif(d.sex, ''), nullif(d.abo, ''), nullif(d.rhd, ''),"
	"   nullif(d.evidence, ''), nullif(d.unit_id, ''), nullif(d.unit_on, '')::date, d.wrap_key_id, d.wrapped_key, d.sealed"
	"  FROM told AS d WHERE d.new <> '' ORDER BY d.id RETURNING 1),"
	" identifier AS (INSERT INTO donor_identifier (id, donor_id, kind, sealed)"
	"  SELECT i.* FROM unnest($16::uuid[], $17::uuid[], $18::text[], $19::bytea[]) AS i (id, donor_id, kind, sealed), go),"
	" digest AS (INSERT INTO donor_digest (digest, use, key_id, identifier_id, donor_id)"
	"  SELECT g.digest, g.use, g.key_id, nullif(g.identifier_id, '')::uuid, g.donor_id"
	"  FROM unnest($20::bytea[], $21::text[], $22::integer[], $23::text[], $24::uuid[])"
	"   AS g (digest, use, key_id, identifier_id, donor_id), go WHERE (SELECT count(*) FROM made) >= 0 " DIGEST_ORDER
	"  ON CONFLICT (digest, donor_id) DO NOTHING),"
	" joined AS MATERIALIZED (SELECT t.* FROM unnest($62::uuid[], $63::uuid[], $64::uuid[]) AS t (donor_id, into_id, with_id), go),"
	" moved AS (UPDATE donor_alias SET into_id = j.into_id FROM joined AS j WHERE donor_alias.into_id = j.donor_id),"
	" alias AS (INSERT INTO donor_alias (donor_id, into_id, with_id) SELECT j.* FROM joined AS j),"
	" given AS MATERIALIZED (SELECT i.*, item_fact_id(i.content_hash) AS fact_id FROM unnest($25::uuid[], $26::bytea[],"
	"   $27::text[], $28::uuid[], $29::bigint[], $30::timestamptz[], $31::text[], $32::text[], $33::uuid[], $34::integer[],"
	"   $35::text[], $36::text[], $37::bytea[], $38::text[], $39::text[], $40::text[], $41::integer[], $42::text[],"
	"   $43::text[], $44::text[], $45::text[], $46::text[], $47::text[], $3::text[]) WITH ORDINALITY AS i (id, content_hash, kind,"
	"   install, seq, captured_at, corrects, round_id, donor_id, flags, provisional_id, held, sealed, bag, day, component,"
	"   volume_ml, outcome, deferral, ends, until, accepts, tie, device, n), go),"
	" item AS (INSERT INTO item (id, content_hash, kind, install, seq, captured_at, corrects, round_id, donor_id, registers,"
	"   provisional_id, device_id, held, sealed, accepts, tie, staff, verdict)"
	"  SELECT i.id, i.content_hash, i.kind, i.install, i.seq, i.captured_at, nullif(i.corrects, '')::uuid,"
	"   nullif(i.round_id, '')::uuid, i.donor_id, i.flags & 1 <> 0, nullif(i.provisional_id, '')::uuid, nullif(i.device, '')::uuid,"
	"   coalesce(string_to_array(nullif(i.held, ''), ','), '{}'), i.sealed, nullif(i.accepts, '')::boolean, i.tie,"
	"   $51::uuid IS NOT NULL,"
	"   CASE WHEN i.flags & 2 <> 0 THEN 'conflict' WHEN v.verdict = 'applied' AND (i.held <> '' OR i.flags & 4 <> 0) THEN 'held'"
	"    ELSE v.verdict END"
	"  FROM given AS i CROSS JOIN LATERAL item_verdict(i.id, i.kind, i.install, i.seq, $51::uuid IS NOT NULL,"
	"    nullif(i.corrects, '')::uuid, i.donor_id, nullif(i.provisional_id, '')::uuid, nullif(i.bag, ''),"
	"    CASE WHEN i.component <> '' THEN i.day::date END, i.captured_at) AS v (verdict)"
	"  ORDER BY i.id, i.content_hash RETURNING id, content_hash, verdict),"
	" doubt AS (INSERT INTO item_doubt (item_id, content_hash, donor_id, reason)"
	"  SELECT i.id, i.content_hash, t.donor_id, t.reason FROM unnest($48::bigint[], $49::uuid[], $50::text[])"
	"   AS t (n, donor_id, reason) JOIN given AS i ON i.n = t.n),"
	" gave AS (INSERT INTO donation (id, donor_id, component, volume_ml, donated_on, evidence, source, round_id, bag_code,"
	"   outcome, item_id, content_hash, captured_at)"
	"  SELECT i.fact_id, i.donor_id, i.component, i.volume_ml, i.day::date, 'confirmed', 'field', nullif(i.round_id, '')::uuid,"
	"   nullif(i.bag, ''), i.outcome, i.id, i.content_hash, i.captured_at FROM given AS i WHERE i.component <> ''),"
	" waits AS (INSERT INTO deferral (id, donor_id, sealed, ends, until, item_id, content_hash, captured_at)"
	"  SELECT i.fact_id, i.donor_id, i.deferral::bytea, i.ends, nullif(i.until, '')::date, i.id, i.content_hash, i.captured_at"
	"  FROM given AS i WHERE i.deferral <> ''),"
	" latest AS (SELECT i.donor_id AS id, max(i.day::date) AS day FROM given AS i"
	"  WHERE i.component <> '' AND i.volume_ml > 0 GROUP BY i.donor_id),"
	" taken AS (SELECT j.into_id AS id, bool_or(o.contact_facility) AS contact, max(o.last_donated_on) AS last_donated_on,"
	"   max(o.next_whole_blood) AS next_whole_blood, max(o.next_red_cells) AS next_red_cells,"
	"   max(o.next_platelets) AS next_platelets, max(o.next_plasma) AS next_plasma,"
	"   max(o.next_granulocytes) AS next_granulocytes, max(o.next_stem_cells) AS next_stem_cells"
	"  FROM joined AS j JOIN donor AS o ON o.id = j.donor_id GROUP BY j.into_id),"
	" changed AS (UPDATE donor AS d SET version = d.version + (c.id IS NOT NULL)::integer,"
	"   birth_year = CASE WHEN c.id IS NULL THEN d.birth_year ELSE nullif(c.birth_year, 0) END,"
	"   sex = CASE WHEN c.id IS NULL THEN d.sex ELSE nullif(c.sex, '') END,"
	"   abo = CASE WHEN c.id IS NULL THEN d.abo ELSE nullif(c.abo, '') END,"
	"   rhd = CASE WHEN c.id IS NULL THEN d.rhd ELSE nullif(c.rhd, '') END,"
	"   blood_evidence = CASE WHEN c.id IS NULL THEN d.blood_evidence ELSE nullif(c.evidence, '') END,"
	"   unit_id = CASE WHEN c.id IS NULL THEN d.unit_id ELSE nullif(c.unit_id, '') END,"
	"   unit_on = CASE WHEN c.id IS NULL THEN d.unit_on ELSE nullif(c.unit_on, '')::date END,"
	"   sealed = coalesce(c.sealed, d.sealed), contact_facility = d.contact_facility OR coalesce(t.contact, false),"
	"   last_donated_on = greatest(d.last_donated_on, latest.day, t.last_donated_on),"
	"   next_whole_blood = greatest(d.next_whole_blood, t.next_whole_blood),"
	"   next_red_cells = greatest(d.next_red_cells, t.next_red_cells),"
	"   next_platelets = greatest(d.next_platelets, t.next_platelets), next_plasma = greatest(d.next_plasma, t.next_plasma),"
	"   next_granulocytes = greatest(d.next_granulocytes, t.next_granulocytes),"
	"   next_stem_cells = greatest(d.next_stem_cells, t.next_stem_cells)"
	"  FROM locked AS l LEFT JOIN told AS c ON c.id = l.id AND c.new = '' LEFT JOIN latest ON latest.id = l.id"
	"   LEFT JOIN taken AS t ON t.id = l.id, go"
	"  WHERE d.id = l.id AND (c.id IS NOT NULL OR latest.id IS NOT NULL)),"
	" decided AS (INSERT INTO item_decision (item_id, version, content_hash, verb, decided_by_kind, decided_by)"
	"  SELECT $51::uuid, item_version($51), $52::bytea, 'correct', $54, $55 FROM go WHERE $51 IS NOT NULL RETURNING *),"
	" decision_audit AS (" DECISION_AUDIT("$56", "decided") "),"
	" gift AS (" GIFT_ITEMS_INSERT("$58", "EXISTS (SELECT FROM go)") "),"
	/* After donors' rows are held, as the locks of appointments have it. What a revoked phone tells does nothing. */
	" arrived AS MATERIALIZED (SELECT s.* FROM (SELECT jsonb_build_object('items', jsonb_agg(jsonb_build_object("
	"   'round', i.round_id, 'donor', i.donor_id))) AS a FROM given AS i WHERE i.kind = 'check_in' AND i.round_id <> ''"
	"   AND 'device_revoked' <> ALL (string_to_array(i.held, ',')) AND (SELECT count(*) FROM locked) >= 0"
	"   HAVING count(*) > 0) AS c"
	"  CROSS JOIN LATERAL appointment_do('check_in', c.a, $57::timestamptz) AS s),"
	" arrived_audit AS (" AUDIT_OF_STEPS("$56", "arrived") "),"
	" audit AS (" AUDIT_INSERT("$1", "EXISTS (SELECT FROM go)") ")"
	" SELECT EXISTS (SELECT FROM go), item.id, item.content_hash::text, item.verdict, fresh.version, fresh.keys"
	" FROM fresh LEFT JOIN item ON true"
};


/* To the microsecond: of two facts the earlier one counts. */
static const char *time_text(struct arena *arena, int64_t wall_us)
{
	char second[TIME_TEXT_SIZE];
	int us = (int)((wall_us % 1000000 + 1000000) % 1000000);
	char *zone = strrchr(time_format(wall_us, second), '+');

	return arena_printf(arena, "%.*s.%06d%s", (int)(zone - second), second, us, zone);
}

static void query_items(struct hand_in *work, struct db_query *query)
{
	struct arena *arena = work->arena;
	struct columns rows;
	char day[DATE_TEXT_SIZE];

	columns_init(&rows, arena, 23, work->nfresh);
	for (; rows.count < work->nfresh; rows.count++) {
		const struct fresh *fresh = &work->fresh[rows.count];
		const struct item *item = fresh->item;
		const struct deferral *deferral = fresh->deferral_sealed ? item->deferral : NULL;
		const char *cells[] = {
			item->id, fresh->hash, item_kind_text(item->kind), item->install,
			arena_printf(arena, "%lld", (long long)item->seq), time_text(arena, item->captured_us),
			or_empty(item->corrects), fresh->round_known ? item->round_id : "", fresh->of->record.donor.id,
			arena_printf(arena, "%d", (fresh->registers ? FLAG_REGISTERS : 0) | (fresh->conflict ? FLAG_CONFLICT : 0) |
							  (fresh->doubted ? FLAG_DOUBTED : 0)),
			fresh->provisional, fresh->held, fresh->sealed, fresh->is_donation ? item->bag.text : "",
			arena_strdup(arena, date_format(fresh->day, day)), fresh->is_donation ? component_text(item->component) : "",
			arena_printf(arena, "%d", fresh->is_donation ? item->volume_ml : 0),
			fresh->is_donation ? item_outcome_text(item->outcome) : "", or_empty(fresh->deferral_sealed),
			deferral ? deferral_ends_text(deferral->ends) : "",
			deferral && deferral->ends == DEFERRAL_DATED ? arena_strdup(arena, date_format(deferral->ends_on, day)) : "",
			or_empty(item_accepts(item)), fresh->tie,
		};

		for (size_t i = 0; i < ARRAY_SIZE(cells); i++)
			rows.cells[i][rows.count] = cells[i];
	}
	columns_query(&rows, query, arena);
}

static void query_doubts(struct hand_in *work, struct db_query *query)
{
	struct columns rows;

	columns_init(&rows, work->arena, 3, work->ndoubts);
	for (; rows.count < work->ndoubts; rows.count++) {
		rows.cells[0][rows.count] = arena_printf(work->arena, "%zu", work->doubts[rows.count].n);
		rows.cells[1][rows.count] = work->doubts[rows.count].donor_id;
		rows.cells[2][rows.count] = work->doubts[rows.count].reason;
	}
	columns_query(&rows, query, work->arena);
}

static void query_devices(struct hand_in *work, struct db_query *query)
{
	const char **devices = arena_alloc(work->arena, (work->nfresh + 1) * sizeof(*devices));

	for (size_t i = 0; i < work->nfresh; i++)
		devices[i] = or_empty(whose(work, work->fresh[i].index)->device_id);
	query_texts(query, work->arena, devices, work->nfresh);
}

static void query_step(struct hand_in *work, struct db_query *query)
{
	const struct item_hand_in *op = work->op;
	const struct item_step *step = op->step;

	query_text(query, step ? uuid_or_nil(step->item_id) : NULL);
	query_text(query, step ? arena_printf(work->arena, "\\x%s", step->content_hash) : NULL);
	if (step)
		query_int(query, work->arena, step->version);
	else
		query_text(query, NULL);
	query_text(query, op->actor.kind);
	query_text(query, actor_id(&op->actor));
	query_text(query, decision_audit_text(work->store, &op->actor, 1, work->arena));
	query_time(query, work->arena, clock_wall_us(work->store->clock));
}

static void query_gifts(struct hand_in *work, struct db_query *query)
{
	struct gift_of_item *gifts = arena_alloc(work->arena, (work->nfresh + 1) * sizeof(*gifts));
	size_t count = 0;

	for (size_t i = 0; i < work->nfresh; i++) {
		const struct fresh *fresh = &work->fresh[i];
		struct gift *gift = &gifts[count].gift;

		if (fresh->item->kind != ITEM_GIFT || fresh->item->gift_vnd == 0 || !fresh->round_known)
			continue;
		snprintf(gift->round_id, sizeof(gift->round_id), "%s", fresh->item->round_id);
		memcpy(gift->donor_id, fresh->of->record.donor.id, sizeof(gift->donor_id));
		gift->kind = fresh->item->gift;
		gift->vnd = fresh->item->gift_vnd;
		gift->handed_on = fresh->day;
		gifts[count].item_id = fresh->item->id;
		gifts[count++].content_hash = fresh->hash;
	}
	query_text(query, gift_items_text(gifts, count, work->store, work->arena));
}

static void audit_fresh(struct hand_in *work, const struct fresh *fresh)
{
	const struct item *item = fresh->item;
	const char *donor_id = fresh->of->record.donor.id, *round = fresh->round_known ? item->round_id : NULL;
	struct item_image image = {
		.id = item->id, .content_hash = fresh->hash, .kind = item_kind_text(item->kind), .install = item->install,
		.seq = item->seq, .captured_us = item->captured_us, .corrects = item->corrects, .round_id = round,
		.donor_id = donor_id, .registers = fresh->registers, .provisional_id = *fresh->provisional ? fresh->provisional : NULL,
		.device_id = whose(work, fresh->index)->device_id, .held = fresh->held, .sealed = fresh->sealed,
		.accepts = item_accepts(item), .tie = fresh->tie, .staff = work->op->step != NULL,
	};
	struct buf after = { 0 };

	work->audit.actor = &whose(work, fresh->index)->actor;
	image_item(&after, &image);
	audit_add(&work->audit, "item.add", "item", item_subject(work->arena, item->id, fresh->hash), NULL, &after);
	buf_reset(&after);
	if (fresh->is_donation) {
		struct donation donation = {
			.donor_id = donor_id, .component = item->component, .on = fresh->day, .volume_ml = item->volume_ml,
			.evidence = DONATION_CONFIRMED, .source = "field", .round_id = round,
			.bag_code = item->bag.text[0] ? item->bag.text : NULL,
			.outcome = item->outcome == ITEM_STOPPED ? DONATION_STOPPED : DONATION_COMPLETED, .item_id = item->id,
			.content_hash = fresh->hash, .captured_us = item->captured_us,
		};

		memcpy(donation.id, fresh->fact_id, sizeof(donation.id));
		image_donation(&after, &donation);
		audit_add(&work->audit, "donation.record", "donation", donation.id, NULL, &after);
	} else if (fresh->deferral_sealed) {
		image_deferral(&after, fresh->fact_id, donor_id, deferral_ends_text(item->deferral->ends), item->deferral->ends_on,
			       fresh->deferral_sealed, NULL);
		audit_add(&work->audit, "deferral.add", "deferral", fresh->fact_id, NULL, &after);
	}
	buf_release(&after);
}

static void add_lock(struct hand_in *work, const char *donor_id, int64_t version)
{
	struct columns *locks = &work->locks;

	locks->cells[0][locks->count] = donor_id;
	locks->cells[1][locks->count++] = arena_printf(work->arena, "%lld", (long long)version);
}

/* What becomes of the records, and on which versions of which all of it stands. */
static bool collect_donors(struct hand_in *work, struct error *err)
{
	struct columns *merges = &work->merges;
	size_t count = 0, numbers = 0;

	for (struct known *known = work->known; known; known = known->next, count++)
		numbers += known->record.donor.nidentifiers;
	columns_init(&work->donors, work->arena, 13, count);
	columns_init(&work->identifiers, work->arena, 4, numbers);
	columns_init(merges, work->arena, 3, count);
	columns_init(&work->locks, work->arena, 2, count + work->ndoubts);
	for (struct known *known = work->known; known; known = known->next) {
		if ((known->is_new || known->told_more || known->took || known->gone) && !add_donor(work, known, err))
			return false;
		if (known->gone) {
			merges->cells[0][merges->count] = known->record.donor.id;
			merges->cells[1][merges->count] = root_of(known)->record.donor.id;
			merges->cells[2][merges->count++] = known->record.donor.merged_with;
		}
		if (!known->is_new && (known->used || known->told_more || known->took || known->gone))
			add_lock(work, known->record.donor.id, known->before.version);
	}
	for (size_t i = 0; i < work->ndoubts; i++)
		if (!known_by_id(work, work->doubts[i].donor_id))
			add_lock(work, work->doubts[i].donor_id, -1);
	return true;
}

static void write_send(struct hand_in *work)
{
	struct db_query *query = &work->op->query;
	struct arena *arena = work->arena;
	struct error err;

	error_clear(&err);
	audit_begin(&work->audit, work->store, &work->op->actor);
	if (!collect_donors(work, &err)) {
		(void)audit_end(&work->audit, arena);
		finish(work, &err);
		return;
	}
	for (size_t i = 0; i < work->nfresh; i++)
		audit_fresh(work, &work->fresh[i]);
	for (size_t i = 0; i < work->nreplayed; i++) {
		work->audit.actor = &whose(work, work->replayed[i])->actor;
		audit_add_reading(&work->audit, "item.replay", "item",
				  item_subject(arena, item_at(work, work->replayed[i])->id, work->hashes[work->replayed[i]]), NULL);
	}
	query_begin(query, &write_statement, DB_WRITE, write_on_done);
	query_text(query, audit_end(&work->audit, arena));
	query_written_keys(query, work->view, arena);
	query_devices(work, query);
	for (size_t i = 0; i < work->donors.ncells - 1; i++)
		query_texts(query, arena, work->donors.cells[i], work->donors.count);
	columns_query(&work->identifiers, query, arena);
	query_texts(query, arena, work->digests.digest, work->digests.count);
	query_texts(query, arena, work->digests.use, work->digests.count);
	query_texts(query, arena, work->digests.key_id, work->digests.count);
	query_texts(query, arena, work->digests.identifier_id, work->digests.count);
	query_texts(query, arena, work->digest_donors, work->digests.count);
	query_items(work, query);
	query_doubts(work, query);
	query_step(work, query);
	query_gifts(work, query);
	columns_query(&work->locks, query, arena);
	query_texts(query, arena, work->donors.cells[12], work->donors.count);
	columns_query(&work->merges, query, arena);
	db_send(work->store->db, query);
}

/* The answers of those that were written. */
static void read_written(struct hand_in *work, const struct db_result *result)
{
	for (int row = 0; row < db_rows(result); row++) {
		for (size_t i = 0; i < work->nfresh; i++)
			if (streq(work->fresh[i].item->id, db_text(result, row, 1)) && streq(work->fresh[i].hash, db_text(result, row, 2)))
				(void)item_verdict_parse(db_text(result, row, 3), &work->op->results[work->fresh[i].index].verdict);
	}
	/* What stands twice in the batch is a duplicate of what was written just now. */
	for (size_t n = 0; n < work->nreplayed; n++) {
		size_t index = work->replayed[n];

		for (size_t i = 0; i < work->nfresh; i++)
			if (streq(work->fresh[i].item->id, item_at(work, index)->id) && work->fresh[i].hash == work->hashes[index])
				work->op->results[index].first = work->op->results[work->fresh[i].index].verdict;
	}
}

/* Refused for what is in it, or for what somebody else wrote meanwhile: not for the state of the database or of the keys. */
static bool may_settle_anew(const struct db_result *result)
{
	return result->outcome == DB_REFUSED && !db_try_again(result);
}

static bool collided(const struct db_result *result)
{
	if (result->outcome == DB_OK)
		return db_bool(result, 0, 4) && db_bool(result, 0, 5) && !db_bool(result, 0, 0);
	if (result->outcome != DB_REFUSED)
		return false;
	return streq(result->sqlstate, "40P01") ||
	       (result->constraint && (strstr(result->constraint, "_pk") || strstr(result->constraint, "_uk") ||
				       streq(result->constraint, "fact_donor_erased_ck")));
}

static void next_part(struct hand_in *work)
{
	work->from += work->len;
	work->len = work->op->count - work->from;
	work->attempts = 0;
	if (work->len > 0)
		begin(work);
	else
		receipt_send(work);
}

static void write_on_done(struct db_query *query, const struct db_result *result)
{
	struct hand_in *work = container_of(query, struct item_hand_in, query)->work;
	struct error err;

	if (collided(result) && ++work->attempts < ATTEMPTS_MAX) {
		begin(work);
		return;
	}
	if (collided(result) || may_settle_anew(result)) {
		(void)!result_ok(result, &err);          /* into the log */
		work->attempts = 0;
		if (work->len > 1) {
			work->len = (work->len + 1) / 2;
			begin(work);
		} else {
			work->hashes[work->from] = NULL;
			work->op->results[work->from] = (struct item_result){ .verdict = ITEM_RETRY };
			next_part(work);
		}
		return;
	}
	if (!result_ok(result, &err)) {
		finish(work, &err);
		return;
	}
	if (!db_bool(result, 0, 0)) {
		error_clear(&err);
		if (!db_bool(result, 0, 4))
			fail_stale(&err);
		else
			fail_keys(&err);
		finish(work, &err);
		return;
	}
	read_written(work, result);
	next_part(work);
}

/* One attempt at the part that is at work. */
static void begin(struct hand_in *work)
{
	struct arena *arena = work->arena;

	work->view = keyring_view(work->store->keyring);
	work->known = NULL;
	work->told = NULL;
	work->contents = NULL;
	work->nrounds = work->nhits = work->ndistincts = work->nfresh = work->ndoubts = work->doubts_max = work->nreplayed = 0;
	work->fresh = arena_alloc(arena, (work->len + 1) * sizeof(*work->fresh));
	work->replayed = arena_alloc(arena, (work->len + 1) * sizeof(*work->replayed));
	work->digests = (struct donor_digests){ .arena = arena };
	work->digest_donors = NULL;
	work->ndigest_donors = work->digest_donors_max = 0;
	error_clear(&work->find_error);
	load_send(work);
}

/* ---- how things stand ---- */

/* $1 $2 ids and hashes of items, side by side   $3 installs */
static const struct db_statement receipt_statement = {
	"SELECT 'i', k.n::text, s.state, CASE WHEN s.state = 'counts' THEN '{}'"
	"   ELSE ARRAY(SELECT DISTINCT r.reason FROM item_reasons(k.id, k.content_hash) AS r (reason) ORDER BY 1)::text END,"
	"  NULL::bigint, NULL::bigint"
	" FROM unnest($1::uuid[], $2::bytea[]) WITH ORDINALITY AS k (id, content_hash, n)"
	"  CROSS JOIN LATERAL item_stands(k.id, k.content_hash) AS s (state)"
	" UNION ALL SELECT 'r', r.install::text, NULL, NULL, r.first, r.last FROM item_runs($3::uuid[]) AS r"
	" ORDER BY 1, 2, 5"
};

static void read_state(struct hand_in *work, const struct db_result *result, int row, const size_t *indexes)
{
	struct item_result *to = &work->op->results[indexes[db_int(result, row, 1, 1) - 1]];

	to->state = row_text(work->arena, result, row, 2);
	to->reasons = row_texts(work->arena, result, row, 3, &to->nreasons);
}

static void read_run(struct hand_in *work, const struct db_result *result, int row)
{
	struct item_hand_in *op = work->op;
	struct item_install *install = op->ninstalls > 0 ? &op->installs[op->ninstalls - 1] : NULL;
	struct seq_run *run;
	size_t most = 0;

	if (!install || !streq(install->install, db_text(result, row, 1))) {
		install = &op->installs[op->ninstalls++];
		snprintf(install->install, sizeof(install->install), "%s", db_text(result, row, 1));
		while (row + (int)most < db_rows(result) && streq(install->install, db_text(result, row + (int)most, 1)))
			most++;
		install->runs = arena_alloc(work->arena, most * sizeof(*install->runs));
	}
	run = &install->runs[install->nruns++];
	run->from = db_int(result, row, 4, 0);
	run->to = db_int(result, row, 5, 0);
	install->items += run->to - run->from + 1;
}

static void receipt_on_done(struct db_query *query, const struct db_result *result)
{
	struct item_hand_in *op = container_of(query, struct item_hand_in, query);
	struct hand_in *work = op->work;
	size_t *indexes = arena_alloc(work->arena, (op->count + 1) * sizeof(*indexes)), count = 0;
	struct error err;

	if (!result_ok(result, &err)) {
		finish(work, &err);
		return;
	}
	for (size_t i = 0; i < op->count; i++)
		if (work->hashes[i])
			indexes[count++] = i;
	for (int row = 0; row < db_rows(result); row++) {
		if (*db_text(result, row, 0) == 'i')
			read_state(work, result, row, indexes);
		else
			read_run(work, result, row);
	}
	finish(work, NULL);
}

static void receipt_send(struct hand_in *work)
{
	struct item_hand_in *op = work->op;
	const char **ids = arena_alloc(work->arena, (op->count + 1) * sizeof(*ids));
	const char **hashes = arena_alloc(work->arena, (op->count + 1) * sizeof(*hashes));
	const char **installs = arena_alloc(work->arena, (op->count + 1) * sizeof(*installs));
	size_t count = 0, ninstalls = 0;

	for (size_t i = 0; i < op->count; i++) {
		size_t at = 0;

		if (!op->items[i])
			continue;
		if (work->hashes[i]) {
			ids[count] = op->items[i]->id;
			hashes[count++] = work->hashes[i];
		}
		while (at < ninstalls && !streq(installs[at], op->items[i]->install))
			at++;
		if (at == ninstalls)
			installs[ninstalls++] = op->items[i]->install;
	}
	op->installs = arena_alloc(work->arena, (ninstalls + 1) * sizeof(*op->installs));
	query_begin(&op->query, &receipt_statement, DB_READ, receipt_on_done);
	query_texts(&op->query, work->arena, ids, count);
	query_texts(&op->query, work->arena, hashes, count);
	query_texts(&op->query, work->arena, installs, ninstalls);
	db_send(work->store->db, &op->query);
}

void item_hand_in_send(struct store *store, struct item_hand_in *op)
{
	struct hand_in *work = arena_alloc(op->arena, sizeof(*work));

	op->store = store;
	op->work = work;
	op->ninstalls = 0;
	error_clear(&op->error);
	op->results = arena_alloc(op->arena, (op->count + 1) * sizeof(*op->results));
	*work = (struct hand_in){ .op = op, .store = store, .arena = op->arena, .len = op->count };
	work->hashes = arena_alloc(op->arena, (op->count + 1) * sizeof(*work->hashes));
	begin(work);
}
