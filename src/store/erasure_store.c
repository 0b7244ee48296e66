#include "store/erasure_store.h"

#include <stdio.h>

#include "base/error.h"
#include "base/text.h"
#include "store/audit.h"
#include "store/donor_row.h"
#include "store/failure.h"
#include "store/image.h"
#include "store/row.h"

static const char *const states[] = {
	[ERASURE_ASKED] = "asked", [ERASURE_DONE] = "done", [ERASURE_REFUSED] = "refused",
};

const char *erasure_state_text(enum erasure_state state)
{
	return states[state];
}

/* ---- read ---- */

static const struct db_statement load_statement = {
	"WITH " DONOR_SOUGHT ", " DONOR_OWN
	" SELECT d.id, d.number, e.state, " SQL_MICROS("e.asked_at") ", " SQL_MICROS("e.decided_at") ", e.ground, e.asked_by_kind,"
	" e.asked_by, donor_fact_count(ARRAY(SELECT id FROM own))"
	" FROM d, erasure AS e WHERE e.donor_id IN (SELECT id FROM own)"
	" ORDER BY e.state = 'done' DESC, e.asked_at DESC, e.id DESC LIMIT 1"
};

static void load_on_done(struct db_query *query, const struct db_result *result)
{
	struct erasure_load *load = container_of(query, struct erasure_load, query);

	if (result_ok(result, &load->error)) {
		if (db_rows(result) == 0) {
			error_set(&load->error, ERR_NOT_FOUND, "There is no such donor, or nobody has asked to erase them.",
				  "Không có người hiến máu này, hoặc chưa ai yêu cầu xóa dữ liệu của họ.");
		} else {
			const char *state = db_text(result, 0, 2);

			row_uuid(result, 0, 0, load->donor_id);
			snprintf(load->number, sizeof(load->number), "%s", db_text(result, 0, 1));
			load->state = streq(state, "done") ? ERASURE_DONE
				      : streq(state, "refused") ? ERASURE_REFUSED
								: ERASURE_ASKED;
			load->asked_us = row_time(result, 0, 3);
			load->decided_us = row_time(result, 0, 4);
			load->ground = row_text(load->arena, result, 0, 5);
			load->asked_by_kind = row_text(load->arena, result, 0, 6);
			load->asked_by = row_text(load->arena, result, 0, 7);
			load->nfacts = db_int(result, 0, 8, 0);
		}
	}
	load->done(load);
}

void erasure_load_send(struct store *store, struct erasure_load *load)
{
	struct db_query *query = &load->query;
	char *number = arena_alloc(load->arena, DONOR_NUMBER_SIZE);

	query_begin(query, &load_statement, DB_READ, load_on_done);
	query_text(query, uuid_or_nil(load->key));
	query_text(query, donor_number_parse(load->key, number) == DONOR_NUMBER_FINE ? number : "");
	if (load->units)
		query_texts(query, load->arena, load->units, load->nunits);
	else
		query_text(query, NULL);
	query_bool(query, false);
	db_send(store->db, query);
}

/* ---- asked, refused ---- */

static const char *step_audit(const struct store *store, const struct actor *actor, struct arena *arena,
			      const char *action, const char *donor_id)
{
	struct audit audit;

	audit_begin(&audit, store, actor);
	audit_add_reading(&audit, action, "donor", donor_id, NULL);
	return audit_end(&audit, arena);
}

/* Two at once: the second waits for the first and finds it. */
static const struct db_statement ask_statement = {
	"WITH who AS MATERIALIZED (SELECT id FROM donor WHERE id = $2::uuid AND erased_at IS NULL FOR SHARE),"
	" made AS (INSERT INTO erasure (id, donor_id, asked_by_kind, asked_by) SELECT gen_random_uuid(), id, $3, $4 FROM who"
	"  ON CONFLICT (donor_id) WHERE state = 'asked' DO NOTHING RETURNING 1),"
	" audit AS (" AUDIT_INSERT("$1", "EXISTS (SELECT FROM who)") ")"
	" SELECT EXISTS (SELECT FROM who)"
};

static void ask_on_done(struct db_query *query, const struct db_result *result)
{
	struct erasure_ask *ask = container_of(query, struct erasure_ask, query);

	if (result_ok(result, &ask->error) && !db_bool(result, 0, 0))
		fail_erased(&ask->error);
	ask->done(ask);
}

void erasure_ask_send(struct store *store, struct erasure_ask *ask)
{
	struct db_query *query = &ask->query;

	query_begin(query, &ask_statement, DB_WRITE, ask_on_done);
	query_text(query, step_audit(store, &ask->actor, ask->arena, "erasure.ask", ask->donor_id));
	query_text(query, ask->donor_id);
	query_text(query, ask->actor.kind);
	query_text(query, actor_id(&ask->actor));
	db_send(store->db, query);
}

static bool fail_unasked(struct error *err)
{
	return error_set(err, ERR_ILLEGAL_STEP, "Nobody has asked to erase this donor, or it has been decided.",
			 "Chưa có ai đề nghị xóa hồ sơ này, hoặc đề nghị đã được quyết định.");
}

bool erasure_may_approve(const struct erasure_load *load, const struct actor *actor, struct error *err)
{
	if (load->state != ERASURE_ASKED)
		return fail_unasked(err);
	return !streq(actor->kind, load->asked_by_kind) || !streq(actor_id(actor), load->asked_by) ||
	       fail_second_person(err);
}

static const struct db_statement refuse_statement = {
	"WITH made AS (UPDATE erasure SET state = 'refused', decided_at = now(), decided_by_kind = $3, decided_by = $4,"
	"  ground = $5 WHERE state = 'asked' AND (donor_id = $2::uuid"
	"   OR donor_id IN (SELECT donor_id FROM donor_alias WHERE into_id = $2::uuid)) RETURNING id),"
	" audit AS (" AUDIT_INSERT("$1", "EXISTS (SELECT FROM made)") ")"
	" SELECT EXISTS (SELECT FROM made)"
};

static void refuse_on_done(struct db_query *query, const struct db_result *result)
{
	struct erasure_refuse *refuse = container_of(query, struct erasure_refuse, query);

	if (result_ok(result, &refuse->error) && !db_bool(result, 0, 0))
		fail_unasked(&refuse->error);
	refuse->done(refuse);
}

void erasure_refuse_send(struct store *store, struct erasure_refuse *refuse)
{
	struct db_query *query = &refuse->query;

	query_begin(query, &refuse_statement, DB_WRITE, refuse_on_done);
	query_text(query, step_audit(store, &refuse->actor, refuse->arena, "erasure.refuse", refuse->donor_id));
	query_text(query, refuse->donor_id);
	query_text(query, refuse->actor.kind);
	query_text(query, actor_id(&refuse->actor));
	query_text(query, request_ground_text(refuse->ground));
	db_send(store->db, query);
}

/* ---- what waits ---- */

/* Both by the database's clock, which wrote the one and knows the other. */
#define LOCAL_DAY(at) "((" at ") AT TIME ZONE 'Asia/Ho_Chi_Minh')::date"

static const struct db_statement list_statement = {
	"WITH d AS (SELECT e.id AS erasure, d.id, d.number, e.asked_by_kind, e.asked_by, e.asked_at"
	"  FROM erasure AS e LEFT JOIN donor_alias AS a ON a.donor_id = e.donor_id"
	"  JOIN donor AS d ON d.id = coalesce(a.into_id, e.donor_id)"
	"  WHERE e.state = 'asked' AND d.erased_at IS NULL AND ($2::text[] IS NULL OR d.unit_id = ANY ($2))"
	"   AND ($1::uuid IS NULL OR (e.asked_at, e.id) > (SELECT c.asked_at, c.id FROM erasure AS c WHERE c.id = $1::uuid))"
	"  ORDER BY e.asked_at, e.id LIMIT $3::integer),"
	AUDIT_TOLD("$4")
	" SELECT erasure, id, number, asked_by_kind, asked_by, " SQL_MICROS("asked_at") ","
	" " LOCAL_DAY("now()") " - " LOCAL_DAY("asked_at") " FROM d ORDER BY asked_at, erasure"
};

static void list_on_done(struct db_query *query, const struct db_result *result)
{
	struct erasure_list *list = container_of(query, struct erasure_list, query);

	if (result_ok(result, &list->error)) {
		int rows = db_rows(result);

		list->more = rows > list->limit;
		list->nitems = (size_t)(list->more ? list->limit : rows);
		list->items = arena_alloc(list->arena, (list->nitems + 1) * sizeof(*list->items));
		for (int i = 0; i < (int)list->nitems; i++) {
			struct erasure_waiting *item = &list->items[i];

			row_uuid(result, i, 0, item->id);
			row_uuid(result, i, 1, item->donor_id);
			item->donor_number = row_text(list->arena, result, i, 2);
			item->asked_by_kind = row_text(list->arena, result, i, 3);
			item->asked_by = row_text(list->arena, result, i, 4);
			item->asked_us = row_time(result, i, 5);
			item->waiting_days = row_int(result, i, 6, 0);
		}
	}
	list->done(list);
}

void erasure_list_send(struct store *store, struct erasure_list *list)
{
	struct db_query *query = &list->query;

	query_begin(query, &list_statement, DB_WRITE, list_on_done);
	query_text(query, *list->after ? list->after : NULL);
	if (list->units)
		query_texts(query, list->arena, list->units, list->nunits);
	else
		query_text(query, NULL);
	query_text(query, page_limit(list->limit, list->limit_text));
	query_text(query, audit_told(store, &list->actor, "erasure.list", list->limit + 1, list->arena));
	db_send(store->db, query);
}

/* ---- done ---- */

/*
 * What of a record stands in plain and says something of the person: with the commune, the year and a rare blood group can
 * point to one. Donations need none of it: they hang on the record's id. The days were counted from them, and the flag
 * hints at a result.
 */
#define PLAIN_GOES \
	"birth_year = NULL, sex = NULL, abo = NULL, rhd = NULL, blood_evidence = NULL, contact_facility = false," \
	" contact_own = false, age_on = NULL, last_donated_on = NULL, next_whole_blood = NULL, next_red_cells = NULL," \
	" next_platelets = NULL, next_plasma = NULL, next_granulocytes = NULL, next_stem_cells = NULL"
#define PLAIN_IS_LEFT(d) \
	"(num_nonnulls(" d ".birth_year, " d ".sex, " d ".abo, " d ".rhd, " d ".age_on, " d ".last_donated_on," \
	"  " d ".next_whole_blood, " d ".next_red_cells, " d ".next_platelets, " d ".next_plasma, " d ".next_granulocytes," \
	"  " d ".next_stem_cells) > 0 OR " d ".contact_facility OR " d ".contact_own)"
/* While something that the person asked for is open, the place says who answers for it (the scope of staff). */
#define PLACE_IS_NEEDED(is_of) \
	"EXISTS (SELECT FROM donor_request AS q LEFT JOIN donor_alias AS o ON o.donor_id = q.donor_id" \
	"  WHERE q.closed_at IS NULL AND " is_of ")"
#define ERASED_PLACE_IS_NEEDED \
	PLACE_IS_NEEDED("coalesce(o.into_id, q.donor_id) = coalesce((SELECT a.into_id FROM donor_alias AS a" \
			" WHERE a.donor_id = d.id), d.id)")

/*
 * The records must be those that were opened, each at the version that was read, with as many facts as were read, and no
 * other may have become one with them. Whoever writes a fact holds the donor's row until it is committed, and so do we:
 * what is counted when we have it (donor_fact_count) is all that there will ever be. Their digests and numbers go by a
 * trigger (migrations/0014_erasure_race.sql). First the rows of donors, then that of the asking, as who asks does.
 *
 *	$1 audit   $2 $3 who decides   $4 records   $5 their versions   $6 again   $7 suppression digests   $8 their
 *	keys   $9 until   $10 facts
 */
static const struct db_statement erase_statement = {
	"WITH held AS MATERIALIZED (SELECT d.id FROM donor AS d"
	"  JOIN unnest($4::uuid[], $5::bigint[]) AS o (id, version) ON d.id = o.id AND d.version = o.version"
	"  WHERE d.erased_at IS NULL ORDER BY d.id FOR UPDATE OF d),"
	" now AS MATERIALIZED (SELECT h.n, donor_fact_count($4::uuid[]) AS facts FROM (SELECT count(*) AS n FROM held) AS h),"
	" fit AS MATERIALIZED (SELECT 1 FROM now WHERE n = cardinality($4::uuid[]) AND ($10::bigint IS NULL OR facts = $10)"
	"  AND NOT EXISTS (SELECT FROM donor_alias WHERE into_id = ANY ($4::uuid[]) AND donor_id <> ALL ($4::uuid[]))),"
	" turn AS (UPDATE erasure SET state = 'done', decided_at = now(), decided_by_kind = $2, decided_by = $3"
	"  WHERE donor_id = ANY ($4::uuid[]) AND state = 'asked' AND (asked_by_kind, asked_by) <> ($2, $3)"
	"   AND EXISTS (SELECT FROM fit) RETURNING id),"
	" go AS MATERIALIZED (SELECT 1 FROM fit WHERE $6::boolean OR EXISTS (SELECT FROM turn)),"
	" place AS MATERIALIZED (SELECT " PLACE_IS_NEEDED("q.donor_id = ANY ($4::uuid[])") " AS needed),"
	" made AS (UPDATE donor SET wrapped_key = NULL, wrap_key_id = NULL, sealed = NULL, erased_at = now(), " PLAIN_GOES ","
	"   unit_id = CASE WHEN place.needed THEN unit_id END, unit_on = CASE WHEN place.needed THEN unit_on END,"
	"   version = version + 1 FROM place WHERE id = ANY ($4::uuid[]) AND EXISTS (SELECT FROM go)),"
	" kept AS (INSERT INTO suppression AS s (digest, key_id, until)"
	"  SELECT k.digest, k.key_id, $9::date FROM unnest($7::bytea[], $8::integer[]) AS k (digest, key_id), go"
	"  WHERE $9::date IS NOT NULL ORDER BY k.digest"
	"  ON CONFLICT (digest) DO UPDATE SET until = greatest(s.until, excluded.until)),"
	" audit AS (" AUDIT_INSERT("$1", "EXISTS (SELECT FROM go)") ")"
	" SELECT EXISTS (SELECT FROM go), EXISTS (SELECT FROM fit),"
	"  EXISTS (SELECT FROM erasure WHERE donor_id = ANY ($4::uuid[]) AND state = 'asked')"
};

static void erase_on_done(struct db_query *query, const struct db_result *result)
{
	struct donor_erase *erase = container_of(query, struct donor_erase, query);

	if (result_ok(result, &erase->error) && !db_bool(result, 0, 0)) {
		if (!db_bool(result, 0, 1))
			fail_stale(&erase->error);
		else if (db_bool(result, 0, 2))
			fail_second_person(&erase->error);
		else
			fail_unasked(&erase->error);
	}
	erase->done(erase);
}

/* Nothing is left of what an image holds. Where a wait stays behind, that is said. */
static void audit_erased(struct audit *audit, const struct donor_erase *erase, const struct donor *donor, bool kept)
{
	struct buf was = { 0 };

	image_donor(&was, donor);
	audit_add(audit, "donor.erase", "donor", donor->id, &was, NULL);
	buf_release(&was);
	if (kept && (erase->wait.endless || !date_is_none(erase->wait.on)))
		audit_add_reading(audit, "donor.keep_wait", "donor", donor->id, NULL);
}

void donor_erase_send(struct store *store, struct donor_erase *erase)
{
	const struct key_view *view = keyring_view(store->keyring);
	struct db_query *query = &erase->query;
	struct arena *arena = erase->arena;
	const char **ids = arena_alloc(arena, (erase->nrecords + 1) * sizeof(*ids));
	const char **versions = arena_alloc(arena, (erase->nrecords + 1) * sizeof(*versions));
	struct donor_digests kept = { .arena = arena };
	struct audit audit;

	audit_begin(&audit, store, &erase->actor);
	for (size_t i = 0; i < erase->nrecords; i++) {
		const struct donor *donor = &erase->records[i]->donor;
		size_t before = kept.count;

		ids[i] = donor->id;
		versions[i] = arena_printf(arena, "%lld", (long long)donor->version);
		for (size_t k = 0; k < donor->nidentifiers; k++)
			donor_digest_suppression(&kept, store, view, DIGESTS_WRITTEN, &donor->identifiers[k].identifier);
		audit_erased(&audit, erase, donor, kept.count > before);
	}
	query_begin(query, &erase_statement, DB_WRITE, erase_on_done);
	query_text(query, audit_end(&audit, arena));
	query_text(query, erase->actor.kind);
	query_text(query, actor_id(&erase->actor));
	query_texts(query, arena, ids, erase->nrecords);
	query_texts(query, arena, versions, erase->nrecords);
	query_bool(query, erase->again);
	query_texts(query, arena, kept.digest, kept.count);
	query_texts(query, arena, kept.key_id, kept.count);
	if (erase->wait.endless)
		query_text(query, "infinity");
	else
		query_date(query, arena, erase->wait.on);
	if (erase->nfacts >= 0)
		query_int(query, arena, erase->nfacts);
	else
		query_text(query, NULL);
	db_send(store->db, query);
}

/* ---- known outside ---- */

/* Records that are one go together; of an erased one aliases do not change any more. */
static const struct db_statement missing_statement = {
	"SELECT back.n, missing.ids FROM (SELECT count(*) AS n FROM donor WHERE id = ANY ($1::uuid[]) AND erased_at IS NULL) AS back"
	" LEFT JOIN (SELECT array_agg(d.id ORDER BY d.id) AS ids FROM donor AS d LEFT JOIN donor_alias AS a ON a.donor_id = d.id"
	"  LEFT JOIN unnest($1::uuid[]) AS k (id) ON k.id = d.id WHERE d.erased_at IS NOT NULL"
	"  GROUP BY coalesce(a.into_id, d.id) HAVING bool_or(k.id IS NULL)) AS missing ON true"
};

static void missing_on_done(struct db_query *query, const struct db_result *result)
{
	struct erasure_missing *missing = container_of(query, struct erasure_missing, query);

	missing->nlines = 0;
	if (result_ok(result, &missing->error)) {
		int rows = db_rows(result);

		missing->back = db_int(result, 0, 0, 0);
		missing->lines = arena_alloc(missing->arena, (size_t)rows * sizeof(*missing->lines));
		for (int i = 0; i < rows && !db_is_null(result, i, 1); i++) {
			struct erasure_line *line = &missing->lines[missing->nlines++];

			line->ids = row_texts(missing->arena, result, i, 1, &line->count);
		}
	}
	missing->done(missing);
}

void erasure_missing_send(struct store *store, struct erasure_missing *missing)
{
	const char **ids;
	size_t count = 0;

	for (size_t i = 0; i < missing->nknown; i++)
		count += missing->known[i].count;
	ids = arena_alloc(missing->arena, (count + 1) * sizeof(*ids));
	count = 0;
	for (size_t i = 0; i < missing->nknown; i++)
		for (size_t k = 0; k < missing->known[i].count; k++)
			ids[count++] = missing->known[i].ids[k];
	query_begin(&missing->query, &missing_statement, DB_READ, missing_on_done);
	query_texts(&missing->query, missing->arena, ids, count);
	db_send(store->db, &missing->query);
}

/* ---- what is left in plain ---- */

/* Records that were erased while this was not done yet, and places of the erased that nobody needs any more. */
static const struct db_statement fade_statement = {
	"WITH turn AS MATERIALIZED (SELECT pg_try_advisory_xact_lock(7407) AS mine),"
	" left_over AS MATERIALIZED (SELECT d.id FROM donor AS d WHERE d.erased_at IS NOT NULL AND (SELECT mine FROM turn)"
	"  AND (" PLAIN_IS_LEFT("d") " OR (d.unit_id IS NOT NULL AND NOT " ERASED_PLACE_IS_NEEDED "))"
	"  ORDER BY d.id LIMIT $2::integer FOR NO KEY UPDATE),"
	" d AS (UPDATE donor AS d SET " PLAIN_GOES ", unit_id = CASE WHEN " ERASED_PLACE_IS_NEEDED " THEN d.unit_id END,"
	"  unit_on = CASE WHEN " ERASED_PLACE_IS_NEEDED " THEN d.unit_on END"
	"  WHERE d.id IN (SELECT id FROM left_over) RETURNING d.id),"
	AUDIT_TOLD("$1")
	" SELECT count(*) FROM d"
};

static void fade_on_done(struct db_query *query, const struct db_result *result)
{
	struct erasure_fade *fade = container_of(query, struct erasure_fade, query);

	fade->faded = result_ok(result, &fade->error) ? db_int(result, 0, 0, 0) : 0;
	fade->done(fade);
}

void erasure_fade_send(struct store *store, struct erasure_fade *fade)
{
	struct db_query *query = &fade->query;

	query_begin(query, &fade_statement, DB_WRITE, fade_on_done);
	query_text(query, audit_told(store, &fade->actor, "donor.fade", ERASURE_FADE_BATCH, fade->arena));
	query_int(query, fade->arena, ERASURE_FADE_BATCH);
	db_send(store->db, query);
}

/* ---- forgotten ---- */

static const struct db_statement purge_statement = {
	"WITH turn AS (SELECT pg_try_advisory_xact_lock(7406) AS mine),"
	" gone AS (DELETE FROM suppression WHERE until <= $1::date AND (SELECT mine FROM turn) RETURNING 1)"
	" SELECT count(*) FROM gone"
};

static void purge_on_done(struct db_query *query, const struct db_result *result)
{
	struct suppression_purge *purge = container_of(query, struct suppression_purge, query);

	purge->deleted = result_ok(result, &purge->error) ? db_int(result, 0, 0, 0) : 0;
	purge->done(purge);
}

void suppression_purge_send(struct store *store, struct suppression_purge *purge)
{
	query_begin(&purge->query, &purge_statement, DB_WRITE, purge_on_done);
	query_text(&purge->query, date_format(purge->today, purge->today_text));
	db_send(store->db, &purge->query);
}
