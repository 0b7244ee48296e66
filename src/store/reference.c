#include <stdio.h>
#include <string.h>

#include "base/embedded.h"
#include "base/log.h"
#include "db/session.h"
#include "store/catalog_store.h"
#include "store/failure.h"
#include "store/row.h"

/*
 * The reference files go to the database as they are; SQL picks them apart.
 * Each is one statement: its checksum, its rows and the topic's version
 * together. `file` is empty where the same bytes are loaded already, and the
 * rest of the statement depends on it.
 */
extern const struct embedded_file embedded_reference[];

#define FILE_CHANGED \
	"doc AS MATERIALIZED (SELECT $2::jsonb AS doc)," \
	" file AS (" \
	" INSERT INTO reference_file AS known (name, checksum)" \
	"  VALUES ($1, encode(sha256(convert_to($2::text, 'UTF8')), 'hex'))" \
	" ON CONFLICT (name) DO UPDATE SET checksum = EXCLUDED.checksum, loaded_at = now()" \
	"  WHERE known.checksum <> EXCLUDED.checksum RETURNING name)"
#define BUMP \
	" UPDATE change SET version = version + 1 WHERE EXISTS (SELECT FROM file)"

static const struct db_statement load_units = {
	"WITH " FILE_CHANGED ","
	" entry AS MATERIALIZED ("
	" SELECT u.* FROM file, doc, jsonb_to_recordset(doc->'units') AS u (id text, gso_code text,"
	" level text,"
	"  type text, name text, full_name text, aliases text[], parent text, district text, valid_from date,"
	"  valid_to date, predecessors text[], successors text[])),"
	" written AS ("
	" INSERT INTO unit AS old (id, gso_code, level, type, name, full_name, aliases, parent_id,"
	" district_id,"
	"  valid_from, valid_to)"
	" SELECT id, gso_code, level, type, name, full_name, coalesce(aliases, '{}'), parent, district,"
	"  valid_from, valid_to FROM entry"
	" ON CONFLICT (id) DO UPDATE SET gso_code = EXCLUDED.gso_code, level = EXCLUDED.level,"
	"  type = EXCLUDED.type, name = EXCLUDED.name, full_name = EXCLUDED.full_name,"
	"  aliases = EXCLUDED.aliases, parent_id = EXCLUDED.parent_id, district_id = EXCLUDED.district_id,"
	"  valid_from = EXCLUDED.valid_from, valid_to = EXCLUDED.valid_to"
	"  WHERE old IS DISTINCT FROM EXCLUDED),"
	" followed AS ("
	" INSERT INTO unit_succession (predecessor_id, successor_id)"
	" SELECT p, id FROM entry, unnest(predecessors) AS p"
	" UNION SELECT id, s FROM entry, unnest(successors) AS s ON CONFLICT DO NOTHING),"
	" bump AS (" BUMP " AND topic IN ('units', 'rounds'))"
	" SELECT count(*) FROM file"
};

/*
 * A campaign that people have edited (its version moved) stays as they made it;
 * its known seasons follow the file.
 */
static const struct db_statement load_campaigns = {
	"WITH " FILE_CHANGED ","
	" entry AS MATERIALIZED ("
	" SELECT c.* FROM file, doc, jsonb_to_recordset(doc->'campaigns') AS c (slug text, name text,"
	"  usual_from text, usual_to text, main_day text, sundays boolean, source text, evidence text,"
	"  windows jsonb)),"
	" written AS ("
	" INSERT INTO campaign (id, slug, name, usual_from, usual_to, main_day, sundays, source, evidence)"
	" SELECT gen_random_uuid(), slug, name, usual_from, usual_to, main_day, coalesce(sundays, false),"
	"  source, evidence FROM entry"
	" ON CONFLICT (slug) DO UPDATE SET name = EXCLUDED.name, usual_from = EXCLUDED.usual_from,"
	"  usual_to = EXCLUDED.usual_to, main_day = EXCLUDED.main_day, sundays = EXCLUDED.sundays,"
	"  source = EXCLUDED.source, evidence = EXCLUDED.evidence WHERE campaign.version = 1"
	" RETURNING id, slug),"
	" known AS (SELECT id, slug FROM written UNION SELECT id, slug FROM campaign),"
	" season AS MATERIALIZED ("
	" SELECT known.id, w.season, w.\"from\", w.\"to\", w.main_day, w.source FROM entry JOIN known"
	" USING (slug),"
	"  jsonb_to_recordset(coalesce(entry.windows, '[]')) AS w (season text, \"from\" date, \"to\" date,"
	"  main_day date, source text)),"
	" seasons AS ("
	" INSERT INTO campaign_window (campaign_id, season, from_day, to_day, main_day, source)"
	" SELECT * FROM season"
	" ON CONFLICT (campaign_id, season) DO UPDATE SET from_day = EXCLUDED.from_day,"
	"  to_day = EXCLUDED.to_day, main_day = EXCLUDED.main_day, source = EXCLUDED.source),"
	" gone AS ("
	" DELETE FROM campaign_window AS w USING entry JOIN campaign USING (slug) WHERE w.campaign_id ="
	" campaign.id"
	"  AND NOT EXISTS (SELECT FROM season WHERE season.id = w.campaign_id AND season.season = w.season)),"
	" bump AS (" BUMP " AND topic = 'rounds')"
	" SELECT count(*) FROM file"
};

static const struct db_statement load_holidays = {
	"WITH " FILE_CHANGED ","
	" entry AS MATERIALIZED ("
	" SELECT h.* FROM file, doc, jsonb_to_recordset(doc->'holidays') AS h (\"from\" date, \"to\" date,"
	"  name text, source text, evidence text)),"
	" written AS ("
	" INSERT INTO holiday (from_day, to_day, name, source, evidence)"
	" SELECT \"from\", \"to\", name, source, evidence FROM entry"
	" ON CONFLICT (from_day, name) DO UPDATE SET to_day = EXCLUDED.to_day, source = EXCLUDED.source,"
	"  evidence = EXCLUDED.evidence),"
	" gone AS ("
	" DELETE FROM holiday AS h USING file"
	"  WHERE NOT EXISTS (SELECT FROM entry WHERE entry.\"from\" = h.from_day AND entry.name = h.name)),"
	" known AS ("
	" INSERT INTO calendar (holidays_known_to) SELECT (doc->>'known_to')::date FROM file, doc"
	" ON CONFLICT (single) DO UPDATE SET holidays_known_to = EXCLUDED.holidays_known_to),"
	" bump AS (" BUMP " AND topic = 'rounds')"
	" SELECT count(*) FROM file"
};

static const struct { const char *name; const struct db_statement *statement; } loaders[] = {
	{ "units.json", &load_units },
	{ "campaigns.json", &load_campaigns },
	{ "holidays.json", &load_holidays },
};

struct reference_op {
	struct db_query query;
	struct error    error;
	bool            changed;
};

static void reference_on_done(struct db_query *query, const struct db_result *result)
{
	struct reference_op *op = container_of(query, struct reference_op, query);

	op->changed = result_ok(result, &op->error) && db_int(result, 0, 0, 0) > 0;
}

static const struct embedded_file *reference_find(const char *name)
{
	const struct embedded_file *file;

	for (file = embedded_reference; file->name; file++) {
		if (strcmp(file->name, name) == 0)
			return file;
	}
	return NULL;
}

static bool reference_load_file(struct db *db, const struct embedded_file *file,
				const struct db_statement *statement, bool *changed, struct error *err)
{
	struct reference_op op = { .changed = false };

	query_begin(&op.query, statement, DB_WRITE, reference_on_done);
	query_text(&op.query, file->name);
	query_text(&op.query, (const char *)file->bytes);
	db_run(db, &op.query, 10000);
	if (op.error.code != ERR_NONE) {
		*err = op.error;
		return false;
	}
	if (op.changed) {
		*changed = true;
		log_info("reference_loaded", "file=%s", file->name);
	}
	return true;
}

/* In this order: none needs a later one. */
bool reference_load(const char *owner_conninfo, bool *changed, struct error *err)
{
	struct db_session *session = db_session_open(owner_conninfo, DB_WRITE);
	bool fine = true;

	*changed = false;
	for (size_t i = 0; fine && i < ARRAY_SIZE(loaders); i++) {
		const struct embedded_file *file = reference_find(loaders[i].name);

		if (file)
			fine = reference_load_file(db_session_db(session), file, loaders[i].statement,
						   changed, err);
	}
	db_session_close(session);
	return fine;
}
