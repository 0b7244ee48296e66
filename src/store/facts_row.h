#ifndef STORE_FACTS_ROW_H
#define STORE_FACTS_ROW_H

#include <stdbool.h>
#include <stddef.h>

#include "domain/deferral.h"
#include "store/donor_store.h"

/*
 * What the registry knows of some people, as rows of texts: for each one its record and those that are one with it,
 * and behind each record its deferrals and donations. `who` is the common table that names the people:
 * columns id, and extra, a text that comes back with the record.
 */
#define FACTS_OF_WHO \
	"record AS (SELECT w.id AS person, w.id, w.extra FROM who AS w" \
	"  UNION ALL SELECT w.id, a.donor_id, NULL FROM who AS w JOIN donor_alias AS a ON a.into_id = w.id)" \
	" SELECT r.person, r.person <> r.id AS other, r.id, 'a' AS sort, d.number AS at," \
	"  d.birth_year::text, d.sex, d.erased_at IS NOT NULL, d.wrap_key_id::text, d.wrapped_key::text, d.sealed::text," \
	"  d.unit_id, d.unit_on::text, d.version::text, r.extra, d.contact_facility::text, NULL::text" \
	"  FROM record AS r JOIN donor AS d ON d.id = r.id" \
	" UNION ALL" \
	" SELECT r.person, r.person <> r.id, r.id, 'b', f.id::text," \
	"  f.id::text, f.ends, NULL, f.until::text, f.sealed::text, " SQL_MICROS("f.recorded_at") "::text," \
	"  (SELECT " SQL_MICROS("o.recorded_at") "::text FROM deferral AS o WHERE o.lifts = f.id)," \
	"  l.id::text, l.state, l.reason::text, " SQL_MICROS("l.asked_at") "::text || ' ' || l.asked_by_kind || ' ' || l.asked_by," \
	"  " SQL_MICROS("l.decided_at") "::text" \
	"  FROM record AS r JOIN deferral_counting AS f ON f.donor_id = r.id AND f.lifts IS NULL" \
	"  LEFT JOIN LATERAL (SELECT x.* FROM deferral_lift AS x WHERE x.donor_id = f.donor_id AND x.deferral_id = f.id" \
	"   ORDER BY x.asked_at DESC, x.id DESC LIMIT 1) AS l ON true" \
	" UNION ALL" \
	" SELECT r.person, r.person <> r.id, r.id, 'c', g.donated_on::text || g.id," \
	"  g.component, g.volume_ml::text, NULL, g.donated_on::text, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL" \
	"  FROM record AS r JOIN donation_counting AS g ON g.donor_id = r.id" \
	"  WHERE g.volume_ml IS DISTINCT FROM 0" \
	" ORDER BY 1, 2, 3, 4, 5"

struct person_facts {
	struct donor_record record;      /* what stands in plain and was asked for, and the person opened */
	struct donor_record *records;    /* that one, and those merged into it */
	size_t              nrecords;
	struct donor_facts  facts;
	const char         *extra;
};
/*
 * Reads the rows of the next person from *row on, which moves to the next one's; false and *err when something
 * cannot be opened: then id and extra are there all the same. Of a record that was erased is told what stands in plain.
 * `facts.donor` is this struct's: it stays where it is.
 */
bool facts_read(struct person_facts *person, const struct store *store, struct arena *arena,
		const struct db_result *result, int *row, struct error *err);

/* Code, days and note of a deferral with its id, as they are kept: the key of its record is open. In the arena. */
const char *deferral_seal(const struct deferral *deferral, const struct store *store, struct arena *arena);

#endif
