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
#include "store/image.h"
#include "store/item_step.h"
#include "store/lookup.h"
#include "store/row.h"

/*
 * A batch goes: look up what its items name; settle, item by item, whether it is there and whom it is about; look for
 * people who are alike; write all that is new in one statement; merge what two items told of one person; read back how
 * things stand. What somebody else wrote in between makes the statement fail, and it begins anew; where one row
 * cannot be written, half of the batch is tried, down to that row alone.
 */
enum { ATTEMPTS_MAX = 5 };
enum item_flag { FLAG_REGISTERS = 1, FLAG_CONFLICT = 2, FLAG_DOUBTED = 4 };

/* Arrays side by side, as they go into the statement. */
enum { COLUMNS_MAX = 24 };
struct columns {
	size_t        count, max, ncells;
	const char  **cells[COLUMNS_MAX];
};

/* A record of a donor, as far as it matters here. */
struct known {
	struct donor_record record;      /* id, key; what was told, or is known, of the person */
	const char *told;                /* by which id items name it */
	bool        nameless;            /* nobody told yet who it is: neither this record nor the one that it was merged into says */
	bool        opened;              /* the person was read */
	struct known *next;
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

struct merge {
	const char *from, *into;
};

struct round_seen {
	char              id[UUID_TEXT_SIZE];
	struct item_setting setting;
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
	struct known      **newcomers;
	size_t              nnewcomers;
	struct audit        audit;
	struct columns      donors, identifiers;
	struct donor_digests digests;
	const char        **digest_donors;
	size_t              ndigest_donors, digest_donors_max;
	size_t              finding;
	struct error        find_error;
	/* for the whole batch */
	const char        **hashes;      /* of each item that is there now; NULL */
	struct merge       *merges;
	size_t              nmerges, merges_kept, merged;        /* kept: of what is written already */
	struct donor_load   load_into, load_from;
	struct donor_join   join;
	int                 join_attempts;
};

static void begin(struct hand_in *work);
static void load_on_done(struct db_query *query, const struct db_result *result);
static void find_alike(struct hand_in *work);
static void write_send(struct hand_in *work);
static void write_on_done(struct db_query *query, const struct db_result *result);
static void merge_next(struct hand_in *work);
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
 */
#define DONOR_KNOWN \
	"d.id, coalesce(d.birth_year, (SELECT x.birth_year FROM donor_alias AS a JOIN donor AS x ON x.id = a.into_id" \
	"  WHERE a.donor_id = d.id)), d.sex, d.erased_at IS NOT NULL, d.wrap_key_id, d.wrapped_key, d.sealed"
#define NO_CONTENT ", NULL::bigint, NULL::text, NULL::bytea"
static const struct db_statement load_statement = {
	"SELECT 'i', i.id::text, i.content_hash::text, i.verdict, " DONOR_KNOWN ", " SQL_MICROS("i.captured_at") ", i.tie, i.sealed"
	"  FROM item AS i JOIN donor AS d ON d.id = i.donor_id WHERE i.id = ANY ($1::uuid[])"
	" UNION ALL SELECT 'd', t.id::text, NULL, NULL, " DONOR_KNOWN NO_CONTENT
	"  FROM unnest($2::uuid[]) AS t (id) JOIN donor AS d ON d.id = t.id"
	" UNION ALL SELECT 'p', i.provisional_id::text, NULL, NULL, " DONOR_KNOWN NO_CONTENT
	"  FROM item AS i JOIN donor AS d ON d.id = i.donor_id WHERE i.provisional_id = ANY ($2::uuid[])"
	" UNION ALL SELECT 'g', p.n::text, NULL, NULL, " DONOR_KNOWN NO_CONTENT
	"  FROM unnest($3::bytea[], $4::integer[]) AS p (digest, n) CROSS JOIN LATERAL (SELECT g.donor_id FROM donor_digest AS g"
	"   WHERE g.digest = p.digest AND g.use = 'identifier' OFFSET 0) AS g JOIN donor AS d ON d.id = g.donor_id"
	" UNION ALL SELECT 'r', r.id::text, r.status, r.team_id::text, NULL, NULL, NULL, NULL, NULL, NULL, NULL" NO_CONTENT
	"  FROM round AS r WHERE r.id = ANY ($5::uuid[])"
	" UNION ALL SELECT 's', r.id::text, r.from_day::text, r.to_day::text, NULL, NULL, NULL, NULL, NULL, NULL, NULL" NO_CONTENT
	"  FROM round AS r WHERE r.id = ANY ($5::uuid[]) ORDER BY 1, 2, 3"
};
enum { LOAD_TAG, LOAD_KEY, LOAD_ONE, LOAD_TWO, LOAD_DONOR, LOAD_YEAR, LOAD_SEX, LOAD_ERASED, LOAD_WRAP,
       LOAD_CAPTURED = LOAD_WRAP + 3, LOAD_TIE, LOAD_CONTENT };

static const struct item *item_at(const struct hand_in *work, size_t index)
{
	return work->op->items[index];
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

/* As items name them; of one that is both a record and a provisional id, the record. */
static struct known *known_as_told(struct hand_in *work, const char *told)
{
	struct known *found = known_by_id(work, told);

	for (struct known *known = work->known; known && !found; known = known->next)
		if (streq(known->told, told))
			found = known;
	return found;
}

static struct known *add_known(struct hand_in *work)
{
	struct known *known = arena_alloc(work->arena, sizeof(*known));

	known->next = work->known;
	work->known = known;
	return known;
}

static struct known *read_known(struct hand_in *work, const struct db_result *result, int row, const char *told)
{
	char id[UUID_TEXT_SIZE];
	struct known *known;
	struct donor *donor;

	row_uuid(result, row, LOAD_DONOR, id);
	known = known_by_id(work, id);
	if (known && (!told || streq(id, told)))
		return known;
	known = add_known(work);
	donor = &known->record.donor;
	memcpy(donor->id, id, sizeof(id));
	known->told = arena_strdup(work->arena, told);
	donor->birth_year = row_int(result, row, LOAD_YEAR, 0);
	(void)donor_sex_parse(db_text(result, row, LOAD_SEX), &donor->sex);
	donor->erased = db_bool(result, row, LOAD_ERASED);
	known->nameless = donor->birth_year == 0 && !donor->erased;
	known->record.wrap_key_id = row_int(result, row, LOAD_WRAP, 0);
	known->record.wrapped_hex = row_text(work->arena, result, row, LOAD_WRAP + 1);
	return known;
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
		seen->setting.round_foreign = work->op->team_id && !streq(db_text(result, row, LOAD_TWO), work->op->team_id);
	}
}

static void read_content(struct hand_in *work, const struct db_result *result, int row)
{
	struct content *content = arena_alloc(work->arena, sizeof(*content));

	content->id = row_text(work->arena, result, row, LOAD_KEY);
	content->hash = row_text(work->arena, result, row, LOAD_ONE);
	(void)item_verdict_parse(db_text(result, row, LOAD_TWO), &content->verdict);
	content->of = read_known(work, result, row, NULL);
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

/* Whether another record bears that number of the item's: in the database, or made by an item before. */
static bool number_taken(struct hand_in *work, size_t index, size_t n, const struct identifier *identifier)
{
	for (size_t i = 0; i < work->nhits; i++)
		if (work->hits[i].index == index && work->hits[i].identifier == n)
			return true;
	for (size_t i = 0; i < work->nnewcomers; i++) {
		const struct donor *other = &work->newcomers[i]->record.donor;

		for (size_t k = 0; k < other->nidentifiers; k++)
			if (identifier_same(&other->identifiers[k].identifier, identifier))
				return true;
	}
	return false;
}

static void add_digests(struct hand_in *work, const struct donor *donor, size_t index)
{
	struct donor_digests *digests = &work->digests;

	for (size_t i = 0; i < donor->nidentifiers; i++) {
		const struct identifier *identifier = &donor->identifiers[i].identifier;

		if (!identifier_is_unique(identifier->kind) || !number_taken(work, index, i, identifier))
			donor_digest_identifier(digests, work->store, work->view, DIGESTS_WRITTEN, identifier,
						donor->identifiers[i].id, i);
		donor_digest_suppression(digests, work->store, work->view, DIGESTS_PROBED, identifier);
	}
	if (donor->phone)
		donor_digest_phone(digests, work->store, work->view, DIGESTS_WRITTEN, donor->phone);
	if (donor->name && donor->birth_year)
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

/* The record's key is open. */
static void add_newcomer(struct hand_in *work, struct known *known, size_t index)
{
	const struct donor *donor = &known->record.donor;
	struct columns *rows = &work->donors, *numbers = &work->identifiers;
	struct arena *arena = work->arena;
	struct buf image = { 0 };
	char day[DATE_TEXT_SIZE];
	size_t at = rows->count++;

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
	for (size_t i = 0; i < donor->nidentifiers; i++) {
		at = numbers->count++;
		numbers->cells[0][at] = donor->identifiers[i].id;
		numbers->cells[1][at] = donor->id;
		numbers->cells[2][at] = identifier_kind_text(donor->identifiers[i].identifier.kind);
		numbers->cells[3][at] = donor_seal_identifier(&donor->identifiers[i], donor->id, work->store, arena);
	}
	add_digests(work, donor, index);
	image_donor(&image, donor);
	audit_add(&work->audit, "donor.register", "donor", donor->id, NULL, &image);
	buf_release(&image);
}

/* A record of its own: what was told of the person, or nothing but perhaps a number. */
static struct known *make_donor(struct hand_in *work, const char *id, const struct fresh *fresh)
{
	const struct item *item = fresh->item;
	struct known *known = add_known(work);
	struct donor *donor = &known->record.donor;
	unsigned char wrapped[DONOR_KEY_WRAPPED_BYTES];
	struct donor_identifier *own;

	known->nameless = !item->named;
	if (item->named) {
		*donor = *item->person;
	} else if (item->person) {
		donor->identifiers = item->person->identifiers;
		donor->nidentifiers = item->person->nidentifiers;
	}
	snprintf(donor->id, sizeof(donor->id), "%s", id);
	/* Each has rows of its own, though two items of a batch may tell one number. */
	own = arena_alloc(work->arena, (donor->nidentifiers + 1) * sizeof(*own));
	for (size_t i = 0; i < donor->nidentifiers; i++) {
		own[i] = donor->identifiers[i];
		uuid7_make(own[i].id, clock_wall_us(work->store->clock));
	}
	donor->identifiers = own;
	donor_number_make(random_bits(), donor->number);
	donor->version = 1;
	known->opened = true;
	known->told = item->donor_id;
	known->record.wrap_key_id = donor_key_make(work->store->donor_key, work->store->keyring, donor->id, wrapped);
	known->record.wrapped_hex = bytes_text(work->arena, wrapped, sizeof(wrapped));
	add_newcomer(work, known, fresh->index);
	work->newcomers[work->nnewcomers++] = known;
	return known;
}

/* Who bears one of the numbers that the item tells: of several the one with the lowest id. */
static struct known *bearer(struct hand_in *work, size_t index)
{
	const struct item *item = item_at(work, index);
	struct known *found = NULL;

	if (!item->person)
		return NULL;
	for (size_t i = 0; i < work->nhits; i++)
		if (work->hits[i].index == index && !work->hits[i].of->record.donor.erased &&
		    (!found || strcmp(work->hits[i].of->record.donor.id, found->record.donor.id) < 0))
			found = work->hits[i].of;
	for (size_t i = 0; i < work->nnewcomers && !found; i++) {
		const struct donor *other = &work->newcomers[i]->record.donor;

		for (size_t k = 0; k < other->nidentifiers && !found; k++)
			for (size_t n = 0; n < item->person->nidentifiers && !found; n++)
				if (identifier_is_unique(other->identifiers[k].identifier.kind) &&
				    identifier_same(&other->identifiers[k].identifier, &item->person->identifiers[n].identifier))
					found = work->newcomers[i];
	}
	return found;
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

static void add_merge(struct hand_in *work, size_t n, const char *from, const char *into)
{
	add_doubt(work, n, from, "same");
	work->merges[work->nmerges++] = (struct merge){ from, into };
}

/* What the item tells of the person is held against what the record says. */
static void compare_person(struct hand_in *work, struct fresh *fresh, const struct known *known)
{
	if (!fresh->item->named || !known->record.donor.name)
		return;
	if (!donor_is_same(fresh->item->person, &known->record.donor, work->arena)) {
		add_doubt(work, work->nfresh + 1, known->record.donor.id, "differs");
		fresh->doubted = true;
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

static bool same_record(const struct known *one, const struct known *two)
{
	return one && two && streq(one->record.donor.id, two->record.donor.id);
}

/* See the head of include/store/item_store.h. */
static struct known *find_donor(struct hand_in *work, struct fresh *fresh, unsigned *reasons)
{
	const struct item *item = fresh->item;
	struct known *by_id = item->donor_id ? known_as_told(work, item->donor_id) : NULL;
	struct known *by_number = bearer(work, fresh->index), *made;

	if (item->by == ITEM_DONOR_ID) {
		if (by_id && !by_id->record.donor.erased)
			return by_id;
		fresh->registers = true;
		if (by_id)
			*reasons |= ITEM_DONOR_ERASED;
		return make_donor(work, id_for(work, item), fresh);
	}
	if (by_number && (!by_number->nameless || !item->named)) {
		compare_person(work, fresh, by_number);
		if (by_id && !same_record(by_id, by_number) && by_id->nameless)
			add_merge(work, work->nfresh + 1, by_id->record.donor.id, by_number->record.donor.id);
		return by_number;
	}
	if (by_id && !by_id->record.donor.erased && (!by_id->nameless || !item->named)) {
		compare_person(work, fresh, by_id);
		return by_id;
	}
	fresh->registers = true;
	made = make_donor(work, id_for(work, item), fresh);
	if (by_number)
		add_merge(work, work->nfresh + 1, by_number->record.donor.id, made->record.donor.id);
	if (by_id && !same_record(by_id, by_number) && by_id->nameless)
		add_merge(work, work->nfresh + 1, by_id->record.donor.id, made->record.donor.id);
	return made;
}

/* Other items of the batch may name the person by the phone's own id. */
static void remember_told(struct hand_in *work, const struct item *item, const struct known *of)
{
	struct known *known;

	if (item->by != ITEM_DONOR_PROVISIONAL || !item->donor_id || known_as_told(work, item->donor_id))
		return;
	known = arena_alloc(work->arena, sizeof(*known));
	*known = *of;
	known->told = item->donor_id;
	known->next = work->known;
	work->known = known;
}

static const char *hash_of(struct hand_in *work, const struct item *item)
{
	unsigned char hash[DONOR_DIGEST_BYTES];

	donor_digest_bytes(work->store->donor_key, "item", item->content, strlen(item->content), hash);
	return bytes_text(work->arena, hash, sizeof(hash));
}

/* As item_fact_id() in the database. */
static void fact_id_of(const char *hash, char out[UUID_TEXT_SIZE])
{
	unsigned char b[DONOR_DIGEST_BYTES];

	(void)row_bytes_of(hash, b, sizeof(b));
	b[6] = (unsigned char)((b[6] & 15) | 128);
	b[8] = (unsigned char)((b[8] & 63) | 128);
	snprintf(out, UUID_TEXT_SIZE, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2],
		 b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
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

static struct item_setting setting_of(struct hand_in *work, const struct item *item)
{
	struct item_setting setting = { 0 };

	for (size_t i = 0; item->round_id && i < work->nrounds; i++)
		if (streq(work->rounds[i].id, item->round_id))
			setting = work->rounds[i].setting;
	setting.device_revoked = work->op->device_revoked;
	setting.today = work->op->today;
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
	struct item_setting setting = setting_of(work, item);
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
	remember_told(work, item, fresh->of);
	if (!donor_open_key(&fresh->of->record, work->store, err))
		return false;
	fresh->hash = hash_of(work, item);
	fact_id_of(fresh->hash, fresh->fact_id);
	fresh->sealed = donor_seal_text("item", arena_printf(work->arena, "content %s", item->id), fresh->of->record.donor.id,
					item->content, work->store, work->arena);
	fresh->day = item_day(item, &setting);
	fresh->held = reason_list(work, reasons);
	fresh->is_donation = item->kind == ITEM_DONATION && item->outcome != ITEM_DEFERRED;
	fresh->conflict |= fresh->is_donation && bag_in_batch(work, item);
	fresh->doubted |= fresh->of->nameless;
	fresh->provisional = item->by == ITEM_DONOR_PROVISIONAL && item->donor_id ? item->donor_id : "";
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

/* Whose name and birth date are compared: opened while the result is there. */
static bool open_bearer(struct hand_in *work, const struct db_result *result, int row, struct known *known, struct error *err)
{
	if (known->opened || known->record.donor.erased)
		return true;
	known->opened = true;
	return donor_read_sealed(&known->record, work->store, work->arena, result, row, LOAD_WRAP, err);
}

static bool read_loaded(struct hand_in *work, const struct db_result *result, struct error *err)
{
	int rows = db_rows(result);

	work->hits = arena_alloc(work->arena, ((size_t)rows + 1) * sizeof(*work->hits));
	work->rounds = arena_alloc(work->arena, ((size_t)rows + 1) * sizeof(*work->rounds));
	for (int row = 0; row < rows; row++) {
		struct known *known;
		size_t n;

		switch (*db_text(result, row, LOAD_TAG)) {
		case 'i':
			read_content(work, result, row);
			break;
		case 'd':
		case 'p':
			known = read_known(work, result, row, db_text(result, row, LOAD_KEY));
			if (!open_bearer(work, result, row, known, err))
				return false;
			break;
		case 'g':
			known = read_known(work, result, row, NULL);
			if (!open_bearer(work, result, row, known, err))
				return false;
			n = (size_t)db_int(result, row, LOAD_KEY, 0);
			work->hits[work->nhits++] = (struct hit){ n / DONOR_IDENTIFIERS_MAX, n % DONOR_IDENTIFIERS_MAX, known };
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

/* Two of the batch: what the database cannot tell yet. */
static void find_alike_here(struct hand_in *work)
{
	for (size_t i = 0; i < work->nfresh; i++) {
		const struct donor *one = &work->fresh[i].of->record.donor;
		const char *words[2][PERSON_NAME_WORDS_MAX];
		size_t count[2];

		if (!work->fresh[i].registers || work->fresh[i].of->nameless)
			continue;
		for (size_t k = 0; k < i; k++) {
			const struct donor *two = &work->fresh[k].of->record.donor;
			struct donor_likeness likeness = { 0 };

			if (!work->fresh[k].registers || work->fresh[k].of->nameless || one->birth_year != two->birth_year)
				continue;
			count[0] = person_name_words(one->name, work->arena, words[0]);
			count[1] = person_name_words(two->name, work->arena, words[1]);
			likeness.words_one = (unsigned)count[0];
			likeness.words_two = (unsigned)count[1];
			for (size_t a = 0; a < count[0]; a++)
				for (size_t b = 0; b < count[1]; b++)
					likeness.same_words += streq(words[0][a], words[1][b]);
			likeness.same_phone = one->phone && streq(one->phone, two->phone);
			donor_compare(one, two, work->op->units, &likeness);
			if (donor_likeness_score(&likeness) < DONOR_LIKELY)
				continue;
			add_doubt(work, i + 1, two->id, "alike");
			work->fresh[i].doubted = work->fresh[k].doubted = true;
		}
	}
}

static void find_on_done(struct donor_match_find *find)
{
	struct finding *finding = container_of(find, struct finding, find);
	struct hand_in *work = finding->work;

	if (find->error.code != ERR_NONE)
		work->find_error = find->error;
	for (size_t i = 0; i < find->nmatches; i++) {
		add_doubt(work, finding->index + 1, find->matches[i].id, "alike");
		work->fresh[finding->index].doubted = true;
	}
	if (--work->finding > 0)
		return;
	if (work->find_error.code != ERR_NONE)
		finish(work, &work->find_error);
	else
		write_send(work);
}

static void find_alike(struct hand_in *work)
{
	find_alike_here(work);
	work->finding = 1;
	for (size_t i = 0; i < work->nfresh; i++) {
		const struct fresh *fresh = &work->fresh[i];
		struct finding *finding;

		if (!fresh->registers || fresh->of->nameless)
			continue;
		finding = arena_alloc(work->arena, sizeof(*finding));
		*finding = (struct finding){ .work = work, .index = i };
		finding->find = (struct donor_match_find){ .donor = &fresh->of->record.donor, .units = work->op->units,
							   .least = DONOR_LIKELY, .arena = work->arena, .done = find_on_done };
		work->finding++;
		donor_match_find_send(work->store, &finding->find);
	}
	if (--work->finding == 0)        /* done() never runs inside the send */
		write_send(work);
}

/* ---- writing ---- */

/*
 *	$1 audit   $2 written keys   $3 device
 *	$4 .. $15 donors   $16 .. $19 identifiers   $20 .. $24 digests
 *	$25 .. $47 items with what they tell; "" for none   $48 .. $50 doubts: which item, whom, why
 *	$51 the item that a person corrects, or NULL   $52 which content   $53 version of its case   $54 $55 who
 *	$56 units of the round, or NULL   $57 audit of that decision
 *
 * Whoever wrote one of these rows meanwhile makes the statement fail: it is settled anew then. The verdict is the first
 * answer, which a repetition gets again; how things stand then is derived (item_reason, item_standing).
 */
#define KNOWN_BEFORE(item) \
	"EXISTS (SELECT FROM deferral_counting AS f WHERE f.donor_id = ANY (ARRAY(SELECT p.id FROM (SELECT coalesce(" \
	"   (SELECT a.into_id FROM donor_alias AS a WHERE a.donor_id = " item ".donor_id), " item ".donor_id) AS id) AS s" \
	"   CROSS JOIN LATERAL (SELECT s.id UNION ALL SELECT m.donor_id FROM donor_alias AS m WHERE m.into_id = s.id) AS p))" \
	"  AND f.lifts IS NULL AND (f.until IS NULL OR f.until > " item ".day::date)" \
	"  AND (f.carried OR coalesce(f.captured_at, f.recorded_at) < CASE WHEN (" item ".captured_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date" \
	"    = " item ".day::date THEN " item ".captured_at ELSE (" item ".day::date + 1)::timestamp AT TIME ZONE 'Asia/Ho_Chi_Minh' END)" \
	"  AND NOT EXISTS (SELECT FROM deferral AS l WHERE l.lifts = f.id))"
static const struct db_statement write_statement = {
	"WITH fresh AS (SELECT NOT " DONOR_KEYS_STALE("$2", "$21", "$22") " AS keys,"
	"  $51::uuid IS NULL OR item_case_version($51) = $53::bigint AS version,"
	"  $56::text[] IS NULL OR EXISTS (SELECT FROM round_unit AS u WHERE u.unit_id = ANY ($56)"
	"   AND u.round_id = ANY (SELECT nullif(r, '')::uuid FROM unnest($32::text[]) AS r)) AS scope),"
	" go AS (SELECT 1 FROM fresh WHERE fresh.keys AND fresh.version AND fresh.scope),"
	" made AS (INSERT INTO donor (id, number, birth_year, sex, abo, rhd, blood_evidence, unit_id, unit_on,"
	"   wrap_key_id, wrapped_key, sealed)"
	"  SELECT d.id, d.number, nullif(d.birth_year, 0), nullif(d.sex, ''), nullif(d.abo, ''), nullif(d.rhd, ''),"
	"   nullif(d.evidence, ''), nullif(d.unit_id, ''), nullif(d.unit_on, '')::date, d.wrap_key_id, d.wrapped_key, d.sealed"
	"  FROM unnest($4::uuid[], $5::text[], $6::smallint[], $7::text[], $8::text[], $9::text[], $10::text[],"
	"   $11::text[], $12::text[], $13::integer[], $14::bytea[], $15::bytea[])"
	"   AS d (id, number, birth_year, sex, abo, rhd, evidence, unit_id, unit_on, wrap_key_id, wrapped_key, sealed), go"
	"  RETURNING 1),"
	" identifier AS (INSERT INTO donor_identifier (id, donor_id, kind, sealed)"
	"  SELECT i.* FROM unnest($16::uuid[], $17::uuid[], $18::text[], $19::bytea[]) AS i (id, donor_id, kind, sealed), go),"
	" digest AS (INSERT INTO donor_digest (digest, use, key_id, identifier_id, donor_id)"
	"  SELECT g.digest, g.use, g.key_id, nullif(g.identifier_id, '')::uuid, g.donor_id"
	"  FROM unnest($20::bytea[], $21::text[], $22::integer[], $23::text[], $24::uuid[])"
	"   AS g (digest, use, key_id, identifier_id, donor_id), go WHERE (SELECT count(*) FROM made) >= 0 " DIGEST_ORDER "),"
	" given AS MATERIALIZED (SELECT i.*, item_fact_id(i.content_hash) AS fact_id FROM unnest($25::uuid[], $26::bytea[],"
	"   $27::text[], $28::uuid[], $29::bigint[], $30::timestamptz[], $31::text[], $32::text[], $33::uuid[], $34::integer[],"
	"   $35::text[], $36::text[], $37::bytea[], $38::text[], $39::text[], $40::text[], $41::integer[], $42::text[],"
	"   $43::text[], $44::text[], $45::text[], $46::text[], $47::text[]) WITH ORDINALITY AS i (id, content_hash, kind,"
	"   install, seq, captured_at, corrects, round_id, donor_id, flags, provisional_id, held, sealed, bag, day, component,"
	"   volume_ml, outcome, deferral, ends, until, accepts, tie, n), go),"
	" item AS (INSERT INTO item (id, content_hash, kind, install, seq, captured_at, corrects, round_id, donor_id, registers,"
	"   provisional_id, device_id, held, sealed, accepts, tie, staff, verdict)"
	"  SELECT i.id, i.content_hash, i.kind, i.install, i.seq, i.captured_at, nullif(i.corrects, '')::uuid,"
	"   nullif(i.round_id, '')::uuid, i.donor_id, i.flags & 1 <> 0, nullif(i.provisional_id, '')::uuid, $3::uuid,"
	"   coalesce(string_to_array(nullif(i.held, ''), ','), '{}'), i.sealed, nullif(i.accepts, '')::boolean, i.tie,"
	"   $51::uuid IS NOT NULL,"
	"   CASE WHEN i.flags & 2 <> 0 OR (i.bag <> '' AND i.component <> '' AND EXISTS (SELECT FROM donation_standing AS b"
	"     WHERE b.bag_code = i.bag AND b.item_id NOT IN"
	"      (SELECT item_kin_to_be(i.id, nullif(i.corrects, '')::uuid, i.install, i.seq, i.kind, $51::uuid IS NOT NULL)))) THEN 'conflict'"
	"    WHEN i.held <> '' OR i.flags & 4 <> 0 OR (i.corrects <> '' AND NOT EXISTS (SELECT FROM item AS o"
	"      WHERE o.id = nullif(i.corrects, '')::uuid AND o.kind = i.kind"
	"       AND ($51::uuid IS NOT NULL OR (o.install = i.install AND o.seq < i.seq))))"
	"     OR (i.component <> '' AND " KNOWN_BEFORE("i") ") THEN 'held'"
	"    ELSE 'applied' END"
	"  FROM given AS i ORDER BY i.id, i.content_hash RETURNING id, content_hash, verdict),"
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
	" latest AS (SELECT d.id, max(i.day::date) AS day FROM given AS i JOIN donor AS d ON d.id = i.donor_id"
	"  WHERE i.component <> '' AND i.volume_ml > 0 GROUP BY d.id),"
	" held AS MATERIALIZED (SELECT d.id FROM donor AS d WHERE d.id IN (SELECT id FROM latest) ORDER BY d.id FOR NO KEY UPDATE),"
	" later AS (UPDATE donor SET last_donated_on = greatest(donor.last_donated_on, latest.day) FROM held JOIN latest"
	"  ON latest.id = held.id WHERE donor.id = latest.id),"
	" decided AS (INSERT INTO item_decision (item_id, version, content_hash, verb, decided_by_kind, decided_by)"
	"  SELECT $51::uuid, item_version($51), $52::bytea, 'correct', $54, $55 FROM go WHERE $51 IS NOT NULL RETURNING *),"
	" decision_audit AS (" DECISION_AUDIT("$57", "decided") "),"
	" audit AS (" AUDIT_INSERT("$1", "EXISTS (SELECT FROM go)") ")"
	" SELECT EXISTS (SELECT FROM go), item.id, item.content_hash::text, item.verdict, fresh.version, fresh.scope"
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
	if (step && step->units)
		query_texts(query, work->arena, step->units, step->nunits);
	else
		query_text(query, NULL);
	query_text(query, step ? decision_audit_text(work->store, &op->actor, 1, work->arena) : "[]");
}

static void audit_fresh(struct hand_in *work, const struct fresh *fresh)
{
	const struct item *item = fresh->item;
	const char *donor_id = fresh->of->record.donor.id, *round = fresh->round_known ? item->round_id : NULL;
	struct item_image image = {
		.id = item->id, .content_hash = fresh->hash, .kind = item_kind_text(item->kind), .install = item->install,
		.seq = item->seq, .captured_us = item->captured_us, .corrects = item->corrects, .round_id = round,
		.donor_id = donor_id, .registers = fresh->registers, .provisional_id = *fresh->provisional ? fresh->provisional : NULL,
		.device_id = work->op->device_id, .held = fresh->held, .sealed = fresh->sealed,
		.accepts = item_accepts(item), .tie = fresh->tie, .staff = work->op->step != NULL,
	};
	struct buf after = { 0 };

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

static void write_send(struct hand_in *work)
{
	struct db_query *query = &work->op->query;
	struct arena *arena = work->arena;

	for (size_t i = 0; i < work->nfresh; i++)
		audit_fresh(work, &work->fresh[i]);
	for (size_t i = 0; i < work->nreplayed; i++)
		audit_add_reading(&work->audit, "item.replay", "item",
				  item_subject(arena, item_at(work, work->replayed[i])->id, work->hashes[work->replayed[i]]), NULL);
	query_begin(query, &write_statement, DB_WRITE, write_on_done);
	query_text(query, audit_end(&work->audit, arena));
	query_written_keys(query, work->view, arena);
	query_text(query, work->op->device_id);
	columns_query(&work->donors, query, arena);
	columns_query(&work->identifiers, query, arena);
	query_texts(query, arena, work->digests.digest, work->digests.count);
	query_texts(query, arena, work->digests.use, work->digests.count);
	query_texts(query, arena, work->digests.key_id, work->digests.count);
	query_texts(query, arena, work->digests.identifier_id, work->digests.count);
	query_texts(query, arena, work->digest_donors, work->digests.count);
	query_items(work, query);
	query_doubts(work, query);
	query_step(work, query);
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

static void next_part(struct hand_in *work)
{
	work->from += work->len;
	work->len = work->op->count - work->from;
	work->attempts = 0;
	if (work->len > 0)
		begin(work);
	else
		merge_next(work);
}

static void write_on_done(struct db_query *query, const struct db_result *result)
{
	struct hand_in *work = container_of(query, struct item_hand_in, query)->work;
	struct error err;

	if (may_settle_anew(result)) {
		bool collided = result->constraint && (strstr(result->constraint, "_pk") || strstr(result->constraint, "_uk") ||
						       streq(result->constraint, "fact_donor_erased_ck"));

		work->nmerges = work->merges_kept;
		if (collided && ++work->attempts < ATTEMPTS_MAX) {
			begin(work);
		} else if (work->len > 1) {
			(void)!result_ok(result, &err);          /* into the log */
			work->len = (work->len + 1) / 2;
			work->attempts = 0;
			begin(work);
		} else {
			(void)!result_ok(result, &err);
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
		else if (!db_bool(result, 0, 5))
			fail_not_found(&err);
		else
			fail_keys(&err);
		finish(work, &err);
		return;
	}
	read_written(work, result);
	work->merges_kept = work->nmerges;
	next_part(work);
}

/* One attempt at the part that is at work. */
static void begin(struct hand_in *work)
{
	struct arena *arena = work->arena;

	work->view = keyring_view(work->store->keyring);
	work->known = NULL;
	work->contents = NULL;
	work->nrounds = work->nhits = work->nfresh = work->ndoubts = work->doubts_max = work->nreplayed = work->nnewcomers = 0;
	work->fresh = arena_alloc(arena, (work->len + 1) * sizeof(*work->fresh));
	work->replayed = arena_alloc(arena, (work->len + 1) * sizeof(*work->replayed));
	work->newcomers = arena_alloc(arena, (work->len + 1) * sizeof(*work->newcomers));
	columns_init(&work->donors, arena, 12, work->len);
	columns_init(&work->identifiers, arena, 4, work->len * DONOR_IDENTIFIERS_MAX);
	work->digests = (struct donor_digests){ .arena = arena };
	work->digest_donors = NULL;
	work->ndigest_donors = work->digest_donors_max = 0;
	error_clear(&work->find_error);
	audit_begin(&work->audit, work->store, &work->op->actor);
	load_send(work);
}

/* ---- what two items told of one person ---- */

/*
 * A record without a name is merged with the one that has it. Where that does not come to pass, the items stay held
 * and a person merges them; a repetition of the item does it too.
 */
static void join_on_done(struct donor_join *join)
{
	struct hand_in *work = container_of(join, struct hand_in, join);

	if (join->error.code == ERR_STALE && ++work->join_attempts < ATTEMPTS_MAX) {
		merge_next(work);
		return;
	}
	work->merged++;
	work->join_attempts = 0;
	merge_next(work);
}

static void from_on_loaded(struct donor_load *load)
{
	struct hand_in *work = container_of(load, struct hand_in, load_from);
	const struct donor *from = &load->record.donor, *into = &work->load_into.record.donor;

	if (load->error.code != ERR_NONE || from->erased || from->merged_with[0] || streq(from->id, into->id)) {
		work->merged++;
		merge_next(work);
		return;
	}
	work->join = (struct donor_join){ .verb = DONOR_MERGE, .donor = &work->load_into.record, .other = &load->record,
					  .actor = work->op->actor, .arena = work->arena, .done = join_on_done };
	donor_join_send(work->store, &work->join);
}

static void into_on_loaded(struct donor_load *load)
{
	struct hand_in *work = container_of(load, struct hand_in, load_into);

	if (load->error.code != ERR_NONE || load->record.donor.erased) {
		work->merged++;
		merge_next(work);
		return;
	}
	work->load_from = (struct donor_load){ .key = work->merges[work->merged].from, .exact = true, .arena = work->arena,
					       .done = from_on_loaded };
	donor_load_send(work->store, &work->load_from);
}

static void merge_next(struct hand_in *work)
{
	if (work->merged == work->nmerges) {
		receipt_send(work);
		return;
	}
	work->load_into = (struct donor_load){ .key = work->merges[work->merged].into, .arena = work->arena, .done = into_on_loaded };
	donor_load_send(work->store, &work->load_into);
}

/* ---- how things stand ---- */

/* $1 $2 ids and hashes of items, side by side   $3 installs */
static const struct db_statement receipt_statement = {
	"SELECT 'i', k.n::text, i.state,"
	"  ARRAY(SELECT DISTINCT r.reason FROM item_reason AS r WHERE r.id = i.id AND r.content_hash = i.content_hash ORDER BY 1)::text,"
	"  NULL::bigint, NULL::bigint"
	" FROM unnest($1::uuid[], $2::bytea[]) WITH ORDINALITY AS k (id, content_hash, n)"
	"  JOIN item_state AS i ON i.id = k.id AND i.content_hash = k.content_hash"
	" UNION ALL SELECT 'r', g.install::text, NULL, NULL, min(g.seq), max(g.seq) FROM ("
	"   SELECT s.install, s.seq, s.seq - row_number() OVER (PARTITION BY s.install ORDER BY s.seq) AS run"
	"   FROM (SELECT DISTINCT i.install, i.seq FROM item AS i WHERE i.install = ANY ($3::uuid[])) AS s) AS g"
	"  GROUP BY g.install, g.run ORDER BY 1, 2, 5"
};

static void read_state(struct hand_in *work, const struct db_result *result, int row, const size_t *indexes)
{
	struct item_result *to = &work->op->results[indexes[db_int(result, row, 1, 1) - 1]];

	to->state = row_text(work->arena, result, row, 2);
	to->reasons = row_texts(work->arena, result, row, 3, &to->nreasons);
}

static void read_run(struct hand_in *work, const struct db_result *result, int row, size_t most)
{
	struct item_hand_in *op = work->op;
	struct item_install *install = op->ninstalls > 0 ? &op->installs[op->ninstalls - 1] : NULL;
	struct seq_run *run;

	if (!install || !streq(install->install, db_text(result, row, 1))) {
		install = &op->installs[op->ninstalls++];
		snprintf(install->install, sizeof(install->install), "%s", db_text(result, row, 1));
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
			read_run(work, result, row, (size_t)(db_rows(result) - row));
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
	work->merges = arena_alloc(op->arena, (2 * op->count + 1) * sizeof(*work->merges));
	begin(work);
}
