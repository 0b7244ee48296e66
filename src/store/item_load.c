#include "store/hand_in.h"

#include <string.h>

#include "base/text.h"
#include "store/failure.h"
#include "store/lookup.h"
#include "store/row.h"

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

static void load_on_done(struct db_query *query, const struct db_result *result);

void hand_in_load(struct hand_in *work)
{
	struct donor_digests digests = { .arena = work->arena };
	struct db_query *query = &work->op->query;
	size_t most = 2 * work->len + 1, nids = 0, ndonors = 0, nrounds = 0;
	const char **ids = arena_alloc(work->arena, most * sizeof(*ids));
	const char **donors = arena_alloc(work->arena, most * sizeof(*donors));
	const char **rounds = arena_alloc(work->arena, most * sizeof(*rounds));

	for (size_t i = work->from; i < work->from + work->len; i++) {
		const struct item *item = hand_in_item(work, i);

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
	query->urgent = work->from > 0 || work->attempts > 0;    /* who is let in is carried through */
	query_texts(query, work->arena, ids, nids);
	query_texts(query, work->arena, donors, ndonors);
	query_texts(query, work->arena, digests.digest, digests.count);
	query_texts(query, work->arena, digests.n, digests.count);
	query_texts(query, work->arena, rounds, nrounds);
	db_send(work->store->db, query);
}

static bool read_record(struct hand_in *work, const struct db_result *result, int row, struct error *err)
{
	struct known *known;

	if (db_is_null(result, row, LOAD_PLAIN))
		return true;
	known = known_add(work);
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
			told_add(work, row_text(work->arena, result, row, LOAD_KEY), known);
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

	if (hand_in_half(work, result))
		return;
	if (!result_ok(result, &err))
		hand_in_finish(work, &err);
	else if (!read_loaded(work, result, &err))
		hand_in_fail(work, &err);
	else
		hand_in_settle(work);
}
