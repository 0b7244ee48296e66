#include <stdio.h>

#include "base/buf.h"
#include "base/error.h"
#include "store/audit.h"
#include "store/donor_store.h"
#include "store/failure.h"
#include "store/image.h"
#include "store/row.h"

/*
 * Records that are one person. Two statements at once could tie a knot of aliases, each by what it has read; so each
 * takes the rows of both records, in the order of their ids, over the versions that were read, and moves them on: so
 * whoever joins records of what phones told, from what was read before somebody said that they are two, reads again.
 */

/* $1 audit rows, $2 $3 donor and its version, $4 $5 the other and its version. */
#define BOTH \
	"locked AS MATERIALIZED (SELECT id FROM donor WHERE ((id = $2::uuid AND version = $3::bigint)" \
	"  OR (id = $4::uuid AND version = $5::bigint)) AND erased_at IS NULL ORDER BY id FOR UPDATE)," \
	" go AS MATERIALIZED (SELECT 1 WHERE (SELECT count(*) FROM locked) = 2)"
#define DONE " SELECT EXISTS (SELECT FROM go)"
#define LATER(column) column " = greatest(d." column ", o." column ")"

static const struct db_statement statements[] = {
	[DONOR_MERGE] = {
		"WITH " BOTH ","
		" moved AS (UPDATE donor_alias SET into_id = $2::uuid WHERE into_id = $4::uuid AND EXISTS (SELECT FROM go)),"
		" made AS (INSERT INTO donor_alias (donor_id, into_id, with_id) SELECT $4::uuid, $2::uuid, $2::uuid FROM go),"
		" one AS (DELETE FROM donor_distinct WHERE one_id = least($2::uuid, $4::uuid)"
		"  AND two_id = greatest($2::uuid, $4::uuid) AND EXISTS (SELECT FROM go)),"
		" kept AS (UPDATE donor AS d SET version = d.version + 1,"
		"  contact_facility = d.contact_facility OR (o.contact_facility AND d.id = $2::uuid), "
		LATER("last_donated_on") ", " LATER("next_whole_blood") ", " LATER("next_red_cells") ", "
		LATER("next_platelets") ", " LATER("next_plasma") ", " LATER("next_granulocytes") ", "
		LATER("next_stem_cells")
		"  FROM donor AS o WHERE d.id IN ($2::uuid, $4::uuid) AND o.id = $4::uuid AND EXISTS (SELECT FROM go)),"
		" audit AS (" AUDIT_INSERT("$1", "EXISTS (SELECT FROM go)") ")" DONE
	},
	[DONOR_UNMERGE] = {
		"WITH RECURSIVE " BOTH ","
		" under AS (SELECT donor_id FROM donor_alias WHERE with_id = $4::uuid"
		"  UNION SELECT a.donor_id FROM donor_alias AS a JOIN under ON a.with_id = under.donor_id),"
		" moved AS (UPDATE donor_alias SET into_id = $4::uuid WHERE donor_id IN (SELECT donor_id FROM under)"
		"  AND EXISTS (SELECT FROM go)),"
		" gone AS (DELETE FROM donor_alias WHERE donor_id = $4::uuid AND into_id = $2::uuid AND EXISTS (SELECT FROM go)),"
		" kept AS (UPDATE donor AS d SET version = d.version + 1, contact_facility = d.contact_own"
		"   OR EXISTS (SELECT FROM donor_alias AS a JOIN donor AS x ON x.id = a.donor_id"
		"    WHERE a.into_id = $2::uuid AND a.donor_id <> $4::uuid AND x.contact_own"
		"     AND (a.donor_id IN (SELECT donor_id FROM under)) = (d.id = $4::uuid))"
		"  WHERE d.id IN ($2::uuid, $4::uuid) AND EXISTS (SELECT FROM go)),"
		" audit AS (" AUDIT_INSERT("$1", "EXISTS (SELECT FROM go)") ")" DONE
	},
	[DONOR_DISTINCT] = {
		"WITH " BOTH ","
		" made AS (INSERT INTO donor_distinct (one_id, two_id) SELECT least($2::uuid, $4::uuid),"
		"  greatest($2::uuid, $4::uuid) FROM go ON CONFLICT DO NOTHING),"
		" moved AS (UPDATE donor SET version = version + 1 WHERE id IN ($2::uuid, $4::uuid) AND EXISTS (SELECT FROM go)),"
		" audit AS (" AUDIT_INSERT("$1", "EXISTS (SELECT FROM go)") ")" DONE
	},
};

static void join_on_done(struct db_query *query, const struct db_result *result)
{
	struct donor_join *join = container_of(query, struct donor_join, query);

	if (result_ok(result, &join->error) && !db_bool(result, 0, 0))
		fail_stale(&join->error);
	join->done(join);
}

/* The one that stands, and the other: each has an entry of its own, so that the audit of either tells. */
static const char *const actions[][2] = {
	[DONOR_MERGE] = { "donor.merge", "donor.merged" },
	[DONOR_UNMERGE] = { "donor.unmerge", "donor.unmerged" },
	[DONOR_DISTINCT] = { "donor.distinct", "donor.distinct" },
};

static void add_change(struct audit *audit, const char *action, const struct donor *before, const char *merged_with)
{
	struct donor after = *before;
	struct buf was = { 0 }, is = { 0 };

	after.version++;
	snprintf(after.merged_with, sizeof(after.merged_with), "%s", merged_with);
	image_donor(&was, before);
	image_donor(&is, &after);
	audit_add(audit, action, "donor", before->id, &was, &is);
	buf_release(&was);
	buf_release(&is);
}

static const char *join_audit(struct store *store, const struct donor_join *join)
{
	const struct donor *donor = &join->donor->donor, *other = &join->other->donor;
	const char *const *action = actions[join->verb];
	struct audit audit;

	audit_begin(&audit, store, &join->actor);
	add_change(&audit, action[0], donor, "");
	add_change(&audit, action[1], other, join->verb == DONOR_MERGE ? donor->id : "");
	return audit_end(&audit, join->arena);
}

void donor_join_send(struct store *store, struct donor_join *join)
{
	struct db_query *query = &join->query;

	query_begin(query, &statements[join->verb], DB_WRITE, join_on_done);
	query_text(query, join_audit(store, join));
	query_text(query, join->donor->donor.id);
	query_int(query, join->arena, join->donor->donor.version);
	query_text(query, join->other->donor.id);
	query_int(query, join->arena, join->other->donor.version);
	db_send(store->db, query);
}
