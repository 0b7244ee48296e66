#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "store/donor_row.h"
#include "store/donor_store.h"
#include "store/failure.h"
#include "store/lookup.h"
#include "store/row.h"

/* Who may be the same person: donors found by keyed digests of name words, phone and local paper. */

/*
 * Names are found by two words at least (of a name with one: by that one), else half of a year's women would be
 * candidates. The best go on, by what is seen from outside; C opens them and gives the score.
 *
 *	$1 $2 $3  digests, their uses, number of the word   $4 least words   $5 the donor itself, or NULL
 */
static const struct db_statement match_statement = {
	"WITH same AS (SELECT coalesce(a.into_id, k.id) AS id FROM (SELECT $5::uuid AS id) AS k"
	"  LEFT JOIN donor_alias AS a ON a.donor_id = k.id),"
	" own AS (SELECT id FROM same UNION SELECT a.donor_id FROM donor_alias AS a JOIN same ON same.id = a.into_id),"
	" other AS (SELECT coalesce(a.into_id, x.id) AS id FROM (SELECT two_id AS id FROM donor_distinct JOIN own ON own.id = one_id"
	"   UNION SELECT one_id FROM donor_distinct JOIN own ON own.id = two_id) AS x"
	"  LEFT JOIN donor_alias AS a ON a.donor_id = x.id),"
	" out AS (SELECT id FROM own UNION SELECT id FROM other"
	"  UNION SELECT a.donor_id FROM donor_alias AS a JOIN other ON other.id = a.into_id),"
	" hit AS MATERIALIZED (SELECT g.donor_id, max(g.key_id) FILTER (WHERE g.use = 'name') AS key_id,"
	"   count(DISTINCT p.n) FILTER (WHERE g.use = 'name') AS words,"
	"   bool_or(g.use = 'paper') AS paper, bool_or(g.use = 'phone') AS phone"
	"  FROM unnest($1::bytea[], $2::text[], $3::integer[]) AS p (digest, use, n)"
	"  JOIN donor_digest AS g ON g.digest = p.digest AND g.use = p.use"
	"  GROUP BY g.donor_id"
	"  HAVING bool_or(g.use <> 'name') OR count(DISTINCT p.n) FILTER (WHERE g.use = 'name') >= $4::integer),"
	" best AS (SELECT hit.* FROM hit WHERE NOT EXISTS (SELECT FROM out WHERE out.id = hit.donor_id)"
	"  ORDER BY hit.words DESC, hit.phone OR hit.paper DESC, hit.donor_id DESC LIMIT 60)"
	" SELECT " DONOR_PLAIN_COLUMNS ", " DONOR_SEALED_COLUMNS ", coalesce(a.into_id, d.id),"
	"  coalesce(into_.number, d.number), best.words, best.paper, best.phone,"
	"  (SELECT count(*) FROM donor_digest AS w WHERE w.donor_id = d.id AND w.use = 'name' AND w.key_id = best.key_id)"
	" FROM best JOIN donor AS d ON d.id = best.donor_id"
	"  LEFT JOIN donor_alias AS a ON a.donor_id = d.id LEFT JOIN donor AS into_ ON into_.id = a.into_id"
	" WHERE d.erased_at IS NULL"
};
enum { MATCH_SURVIVOR = DONOR_PLAIN_COUNT + DONOR_SEALED_COUNT, MATCH_NUMBER, MATCH_WORDS, MATCH_PAPER, MATCH_PHONE,
       MATCH_OF_WORDS };

/* One person's records give one match, the best. */
static void keep_match(struct donor_match_find *find, const struct donor_match *match)
{
	struct donor_match *to = NULL;

	for (size_t i = 0; i < find->nmatches && !to; i++)
		if (streq(find->matches[i].id, match->id))
			to = &find->matches[i];
	if (to && to->score >= match->score)
		return;
	if (!to && find->nmatches < DONOR_MATCHES_MAX)
		to = &find->matches[find->nmatches++];
	for (size_t i = 0; !to && i < find->nmatches; i++)
		if (find->matches[i].score < match->score)
			to = &find->matches[i];
	if (to)
		*to = *match;
}

static bool match_read(struct donor_match_find *find, const struct db_result *result, int row, unsigned words)
{
	struct donor_record other = { 0 };
	struct donor_likeness likeness = { 0 };
	struct donor_match match = { 0 };

	donor_read_plain(&other, find->arena, result, row, 0);
	if (!donor_read_sealed(&other, find->store, find->arena, result, row, DONOR_PLAIN_COUNT, &find->error)) {
		if (find->error.code != ERR_INTERNAL)
			return false;
		error_clear(&find->error);       /* a broken record is like nobody, and keeps nobody from being registered */
		return true;
	}
	likeness.same_words = (unsigned)row_int(result, row, MATCH_WORDS, 0);
	likeness.words_one = words;
	likeness.words_two = (unsigned)row_int(result, row, MATCH_OF_WORDS, 0);
	likeness.same_paper = db_bool(result, row, MATCH_PAPER);
	likeness.same_phone = db_bool(result, row, MATCH_PHONE);
	donor_compare(find->donor, &other.donor, find->units, &likeness);
	match.score = donor_likeness_score(&likeness);
	if (match.score < find->least)
		return true;
	row_uuid(result, row, MATCH_SURVIVOR, match.id);
	snprintf(match.number, sizeof(match.number), "%s", db_text(result, row, MATCH_NUMBER));
	match.birth_year = other.donor.birth_year;
	match.sex = other.donor.sex;
	match.unit_id = other.donor.unit_id;
	keep_match(find, &match);
	return true;
}

static int best_first(const void *a, const void *b)
{
	const struct donor_match *one = a, *two = b;

	return one->score != two->score ? two->score - one->score : strcmp(one->id, two->id);
}

static unsigned count_words(const struct donor_match_find *find)
{
	struct donor_digests digests = { .arena = find->arena };

	if (!find->donor->name || !find->donor->birth_year)
		return 0;
	return (unsigned)donor_digest_name(&digests, find->store, keyring_view(find->store->keyring), DIGESTS_WRITTEN,
					   find->donor->name, find->donor->birth_year);
}

static void match_on_done(struct db_query *query, const struct db_result *result)
{
	struct donor_match_find *find = container_of(query, struct donor_match_find, query);
	unsigned words = count_words(find);

	if (result_ok(result, &find->error)) {
		for (int row = 0; row < db_rows(result); row++)
			if (!match_read(find, result, row, words))
				break;
		qsort(find->matches, find->nmatches, sizeof(find->matches[0]), best_first);
	}
	find->done(find);
}

void donor_match_find_send(struct store *store, struct donor_match_find *find)
{
	const struct key_view *view = keyring_view(store->keyring);
	const struct donor *donor = find->donor;
	struct db_query *query = &find->query;
	struct donor_digests probes = { .arena = find->arena };
	size_t words = 0;

	find->store = store;
	find->nmatches = 0;
	for (size_t i = 0; i < donor->nidentifiers; i++)
		if (!identifier_is_unique(donor->identifiers[i].identifier.kind))
			donor_digest_identifier(&probes, store, view, DIGESTS_PROBED,
						&donor->identifiers[i].identifier, "", i);
	if (donor->phone)
		donor_digest_phone(&probes, store, view, DIGESTS_PROBED, donor->phone);
	if (donor->name && donor->birth_year)
		words = donor_digest_name(&probes, store, view, DIGESTS_PROBED, donor->name, donor->birth_year);
	query_begin(query, &match_statement, DB_READ, match_on_done);
	query->urgent = find->urgent;
	query_texts(query, find->arena, probes.digest, probes.count);
	query_texts(query, find->arena, probes.use, probes.count);
	query_texts(query, find->arena, probes.n, probes.count);
	query_int(query, find->arena, words < 2 ? 1 : 2);
	query_text(query, donor->id[0] ? donor->id : NULL);
	db_send(store->db, query);
}
