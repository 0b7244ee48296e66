#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "store/audit.h"
#include "store/donor_row.h"
#include "store/donor_store.h"
#include "store/failure.h"
#include "store/lookup.h"
#include "store/row.h"

/* Who is it: donors found by what somebody shows or says. */

/*
 * Of `from`, whose rows have a number `n` and a donor `d`; always one row at least, which says whether our keys are
 * behind: then who is not found may be known all the same.
 */
#define FOUND(from, written) \
	" SELECT keys.stale, " FOUND_COLUMNS " FROM (SELECT " KEYS_STALE(written) ") AS keys (stale) LEFT JOIN " from \
	" ON true"
#define FOUND_COLUMNS \
	"n, d.id, d.number, d.contact_facility, d.next_whole_blood, d.next_red_cells, d.next_platelets, d.next_plasma," \
	" d.next_granulocytes, d.next_stem_cells"

static void found_read(struct donor_found *found, const struct db_result *result, int row)
{
	row_uuid(result, row, 2, found->id);
	snprintf(found->number, sizeof(found->number), "%s", db_text(result, row, 3));
	found->contact_facility = db_bool(result, row, 4);
	for (int i = 0; i < COMPONENT_COUNT; i++)
		found->next[i] = donor_next_read(result, row, 5 + i);
}

static bool answered(const struct db_result *result, struct error *err)
{
	return result_ok(result, err) && (!db_bool(result, 0, 0) || fail_keys(err));
}

/* ---- by phone, name, local paper, donor number: alone ---- */

/*
 * What is kept of look-ups, and its audit entry: of each row of `log`. Who was found is named; what was asked is
 * kept, as a digest, only where it was nobody.
 */
#define KEEP_LOG \
	" kept AS (INSERT INTO donor_lookup (id, key_id, found, asked, requests)" \
	"  SELECT log.id, log.key_id, log.found, log.asked, log.requests FROM log)," \
	" audit AS (INSERT INTO audit_entry (" AUDIT_COLUMNS ")" \
	"  SELECT log.entry_id, log.actor_kind, nullif(log.actor_id, ''), log.actor_role, 'donor.lookup', 'lookup'," \
	"   log.id::text, CASE WHEN cardinality(log.requests) = 1 THEN log.requests[1]::text END, log.key_id, NULL, " \
	DONOR_LOOKUP_DIGEST("log") " FROM log)"

/*
 * Every word that was asked for must be there; a single word finds only names that are just that word.
 *
 *	$1 $2 $3  digests, use, numbers of the words   $4 how many words   $5 donor number   $6 units, or NULL
 *	$7 how many are told   $8 keys   $9 .. $15  row, audit entry, actor's kind, id, role, key, what was asked
 *	$16 request
 */
static const struct db_statement alone_statement = {
	"WITH hit AS MATERIALIZED (SELECT g.donor_id, max(g.key_id) AS key_id"
	"  FROM unnest($1::bytea[], $3::integer[]) AS p (digest, n)"
	"  JOIN donor_digest AS g ON g.digest = p.digest AND g.use = $2 GROUP BY g.donor_id"
	"  HAVING count(DISTINCT p.n) >= $4::integer),"
	" one AS (SELECT hit.donor_id FROM hit WHERE $2 <> 'name' OR $4::integer > 1"
	"   OR (SELECT count(*) FROM donor_digest AS w WHERE w.donor_id = hit.donor_id AND w.use = 'name'"
	"    AND w.key_id = hit.key_id) = 1"
	"  UNION ALL SELECT id FROM donor WHERE number = $5),"
	" found AS MATERIALIZED (SELECT d.*, row_number() OVER (ORDER BY d.id) AS n FROM donor AS d"
	"  WHERE d.id IN (SELECT coalesce(a.into_id, one.donor_id) FROM one"
	"   LEFT JOIN donor_alias AS a ON a.donor_id = one.donor_id)"
	"  AND d.erased_at IS NULL AND ($6::text[] IS NULL OR d.unit_id IS NULL OR d.unit_id = ANY ($6))"
	"  ORDER BY d.id LIMIT $7::integer + 1),"
	" log AS MATERIALIZED (SELECT $9::uuid AS id, $10::uuid AS entry_id, $11::text AS actor_kind, $12::text AS actor_id,"
	"   $13::text AS actor_role, $14::integer AS key_id, array_agg(found.id ORDER BY found.n) AS found,"
	"   array_agg(CASE WHEN found.id IS NULL THEN $15::bytea END ORDER BY found.n) AS asked,"
	"   array_agg($16::uuid) AS requests"
	"  FROM (SELECT) AS one LEFT JOIN found ON found.n <= $7::integer),"
	KEEP_LOG
	FOUND("found AS d", "$8") " ORDER BY d.n"
};

static void lookup_end(struct donor_lookup *lookup, const struct error *error)
{
	lookup->error = error->code != ERR_NONE ? error : NULL;
	lookup->done(lookup);
}

static void alone_on_done(struct db_query *query, const struct db_result *result)
{
	struct donor_lookup *lookup = container_of(query, struct donor_lookup, query);
	struct error error;

	if (answered(result, &error)) {
		int rows = db_is_null(result, 0, 1) ? 0 : db_rows(result);

		lookup->more = rows > DONOR_LOOKUP_MAX;
		lookup->nfound = (size_t)(lookup->more ? DONOR_LOOKUP_MAX : rows);
		lookup->found = arena_alloc(lookup->arena, (lookup->nfound + 1) * sizeof(*lookup->found));
		for (size_t i = 0; i < lookup->nfound; i++)
			found_read(&lookup->found[i], result, (int)i);
	}
	lookup_end(lookup, &error);
}

/* What is asked, in one text of its own. */
static void asked(struct donor_lookup *lookup, const char **domain, const char **text, size_t *len)
{
	if (lookup->identifier) {
		*domain = "identifier";
		*text = identifier_digest_text(lookup->identifier, lookup->arena, len);
		return;
	}
	*domain = lookup->number ? "donor_number" : lookup->phone ? "phone" : "name";
	*text = lookup->number ? lookup->number
		: lookup->phone ? lookup->phone
				: arena_printf(lookup->arena, "%d\x1f%s", lookup->birth_year, lookup->name);
	*len = strlen(*text);
}

/* $9 .. $16. */
static void query_log(struct donor_lookup *lookup, const struct key_view *view)
{
	const struct store *store = lookup->store;
	struct db_query *query = &lookup->query;
	char *row = arena_alloc(lookup->arena, UUID_TEXT_SIZE), *entry = arena_alloc(lookup->arena, UUID_TEXT_SIZE);
	char *digest = arena_alloc(lookup->arena, DIGEST_HEX_SIZE);
	const char *domain, *text;
	size_t len;

	uuid7_make(row, clock_wall_us(store->clock));
	uuid7_make(entry, clock_wall_us(store->clock));
	asked(lookup, &domain, &text, &len);
	keyring_digest(store->keyring, view->active[KEY_HASH], domain, text, len, digest);
	query_text(query, row);
	query_text(query, entry);
	query_text(query, lookup->actor.kind);
	query_text(query, lookup->actor.id);
	query_text(query, role_text(lookup->actor.role));
	query_int(query, lookup->arena, view->active[KEY_HASH]);
	query_text(query, digest);
	query_text(query, lookup->actor.request_id);
}

static void ask_alone(struct store *store, struct donor_lookup *lookup)
{
	const struct key_view *view = keyring_view(store->keyring);
	struct db_query *query = &lookup->query;
	struct donor_digests probes = { .arena = lookup->arena };
	enum donor_use use = USE_NAME;
	size_t words = 1;

	if (lookup->identifier) {
		use = USE_PAPER;
		donor_digest_identifier(&probes, store, view, DIGESTS_PROBED, lookup->identifier, "", 0);
	} else if (lookup->phone) {
		use = USE_PHONE;
		donor_digest_phone(&probes, store, view, DIGESTS_PROBED, lookup->phone);
	} else if (lookup->name) {
		words = donor_digest_name(&probes, store, view, DIGESTS_PROBED, lookup->name, lookup->birth_year);
	}
	query_begin(query, &alone_statement, DB_WRITE, alone_on_done);
	query_texts(query, lookup->arena, probes.digest, probes.count);
	query_text(query, donor_use_text(use));
	query_texts(query, lookup->arena, probes.n, probes.count);
	query_int(query, lookup->arena, (int64_t)words);
	query_text(query, lookup->number);
	if (lookup->units)
		query_texts(query, lookup->arena, lookup->units, lookup->nunits);
	else
		query_text(query, NULL);
	query_int(query, lookup->arena, lookup->number ? 1 : DONOR_LOOKUP_MAX);
	query_written_keys(query, view, lookup->arena);
	query_log(lookup, view);
	db_send(store->db, query);
}

/* ---- by an identifier of one person: together ---- */

/*
 * One statement for all that came while the one before was being committed: its cost is the commit, and a row with
 * its audit entry for each who asked.
 *
 *	$1 .. $5   of who asked: row, audit entry, kind, id, role
 *	$6 .. $8   of what was asked: number of who asked, digest under the active key, request
 *	$9 $10     active key, written keys
 *	$11 $12    while keys change: digests under other keys, by number of what was asked
 */
/* The digest of such an identifier is nothing else's: its use need not be looked at, and the index tells all. */
#define ASK "unnest($6::bigint[], $7::bytea[], $8::uuid[]) WITH ORDINALITY AS ask (who, digest, request, n)"
#define TOGETHER(probed) \
	"WITH hit AS MATERIALIZED (SELECT ask.who, ask.digest, ask.request, ask.n, coalesce(a.into_id, g.donor_id) AS donor_id" \
	"  FROM " ASK " LEFT JOIN " probed " LEFT JOIN donor_alias AS a ON a.donor_id = g.donor_id)," \
	" log AS MATERIALIZED (SELECT ($1::uuid[])[who] AS id, ($2::uuid[])[who] AS entry_id, ($3::text[])[who] AS actor_kind," \
	"   ($4::text[])[who] AS actor_id, ($5::text[])[who] AS actor_role, $9::integer AS key_id," \
	"   array_agg(donor_id) AS found, array_agg(CASE WHEN donor_id IS NULL THEN digest END) AS asked," \
	"   array_agg(request) AS requests FROM hit GROUP BY who)," \
	KEEP_LOG FOUND("(hit JOIN donor AS d ON d.id = hit.donor_id)", "$10")

static const struct db_statement together_statement = {
	TOGETHER("donor_digest AS g ON g.digest = ask.digest")
};
static const struct db_statement together_many_keys = {
	TOGETHER("LATERAL (SELECT g.donor_id FROM (SELECT ask.digest UNION ALL SELECT more.digest"
		 "  FROM unnest($11::bigint[], $12::bytea[]) AS more (n, digest) WHERE more.n = ask.n) AS p (digest)"
		 "  JOIN donor_digest AS g ON g.digest = p.digest LIMIT 1) AS g ON true")
};
enum { PARAM_ROW, PARAM_ENTRY, PARAM_KIND, PARAM_ACTOR, PARAM_ROLE, PARAM_WHO, PARAM_DIGEST, PARAM_REQUEST, PARAM_KEY,
       PARAM_WRITTEN, PARAM_MORE_N, PARAM_MORE_DIGEST, PARAM_COUNT };

/* One statement is under way at a time: a second one would halve what each carries, and the statement is what costs. */
struct donor_desk {
	struct store        *store;
	struct donor_lookup *first, *last;       /* who waits */
	/* the batch under way */
	struct donor_lookup *lookups[DONOR_DESK_BATCH];
	size_t               count;      /* 0: none */
	const struct actor  *actors[DONOR_DESK_BATCH];   /* who asks in it: a token each, and mostly one */
	size_t               nactors;
	struct buf           params[PARAM_COUNT];
	struct db_query      query;
};

struct donor_desk *donor_desk_new(struct store *store)
{
	struct donor_desk *desk = xcalloc(1, sizeof(*desk));

	desk->store = store;
	return desk;
}

void donor_desk_free(struct donor_desk *desk)
{
	if (!desk)
		return;
	for (int i = 0; i < PARAM_COUNT; i++)
		buf_release(&desk->params[i]);
	free(desk);
}

static void batch_element(struct donor_desk *desk, int param, const char *text)
{
	struct buf *buf = &desk->params[param];

	buf_append_char(buf, buf->len > 0 ? ',' : '{');
	array_element(buf, text ? text : "");
}

static void batch_number(struct donor_desk *desk, int param, size_t number)
{
	struct buf *buf = &desk->params[param];

	buf_printf(buf, "%c%zu", buf->len > 0 ? ',' : '{', number);
}

/* `n` counts from 1, as WITH ORDINALITY does. */
static void batch_digests(struct donor_desk *desk, const struct key_view *view, const struct donor_lookup *lookup, size_t n)
{
	char digest[DIGEST_HEX_SIZE];
	const char *text;
	size_t len;

	text = identifier_digest_text(lookup->identifier, lookup->arena, &len);
	for (size_t i = 0; i < view->lookup[KEY_HASH].nprobed; i++) {
		int id = view->lookup[KEY_HASH].ids[i];

		keyring_digest(desk->store->keyring, id, "identifier", text, len, digest);
		if (id == view->active[KEY_HASH]) {
			batch_element(desk, PARAM_DIGEST, digest);
		} else {
			batch_number(desk, PARAM_MORE_N, n);
			batch_element(desk, PARAM_MORE_DIGEST, digest);
		}
	}
}

static bool same_actor(const struct actor *one, const struct actor *two)
{
	return streq(one->id, two->id) && streq(one->kind, two->kind) && one->role == two->role;
}

/* The number of who asks, from 1. */
static size_t batch_actor(struct donor_desk *desk, const struct actor *actor)
{
	int64_t now = clock_wall_us(desk->store->clock);
	char row[UUID_TEXT_SIZE], entry[UUID_TEXT_SIZE];

	for (size_t i = 0; i < desk->nactors; i++)
		if (same_actor(desk->actors[i], actor))
			return i + 1;
	desk->actors[desk->nactors++] = actor;
	uuid7_make(row, now);
	uuid7_make(entry, now);
	batch_element(desk, PARAM_ROW, row);
	batch_element(desk, PARAM_ENTRY, entry);
	batch_element(desk, PARAM_KIND, actor->kind);
	batch_element(desk, PARAM_ACTOR, actor->id);
	batch_element(desk, PARAM_ROLE, role_text(actor->role));
	return desk->nactors;
}

static void batch_take(struct donor_desk *desk, const struct key_view *view, struct donor_lookup *lookup)
{
	desk->lookups[desk->count++] = lookup;
	batch_number(desk, PARAM_WHO, batch_actor(desk, &lookup->actor));
	batch_element(desk, PARAM_REQUEST, lookup->actor.request_id);
	batch_digests(desk, view, lookup, desk->count);
}

static void desk_serve(struct donor_desk *desk);

static void batch_read(struct donor_desk *desk, const struct db_result *result)
{
	for (int row = 0; row < db_rows(result); row++) {
		size_t n = (size_t)db_int(result, row, 1, 0);
		struct donor_lookup *lookup = n >= 1 && n <= desk->count ? desk->lookups[n - 1] : NULL;

		if (!lookup)
			continue;
		lookup->found = arena_alloc(lookup->arena, sizeof(*lookup->found));
		lookup->nfound = 1;
		found_read(lookup->found, result, row);
	}
}

static void batch_on_done(struct db_query *query, const struct db_result *result)
{
	struct donor_desk *desk = container_of(query, struct donor_desk, query);
	struct donor_lookup *lookups[DONOR_DESK_BATCH];
	size_t count = desk->count;
	struct error error;

	if (answered(result, &error))
		batch_read(desk, result);
	memcpy(lookups, desk->lookups, count * sizeof(lookups[0]));
	desk->count = 0;
	desk_serve(desk);                /* the next ones are on their way while these are answered */
	for (size_t i = 0; i < count; i++)
		lookup_end(lookups[i], &error);
}

static void batch_begin(struct donor_desk *desk, const struct key_view *view)
{
	desk->nactors = 0;
	for (int i = 0; i < PARAM_COUNT; i++)
		buf_reset(&desk->params[i]);
	buf_printf(&desk->params[PARAM_KEY], "%d", view->active[KEY_HASH]);
	for (size_t i = 0; i < view->lookup[KEY_HASH].nwritten; i++)
		batch_number(desk, PARAM_WRITTEN, (size_t)view->lookup[KEY_HASH].ids[i]);
}

static void batch_send(struct donor_desk *desk)
{
	struct db_query *query = &desk->query;

	query_begin(query, desk->params[PARAM_MORE_N].len > 0 ? &together_many_keys : &together_statement, DB_WRITE,
		    batch_on_done);
	for (int i = 0; i < PARAM_COUNT; i++) {
		struct buf *param = &desk->params[i];

		if (i != PARAM_KEY)
			buf_append_text(param, param->len > 0 ? "}" : "{}");
		query_text(query, param->data);
	}
	db_send(desk->store->db, query);
}

static void desk_serve(struct donor_desk *desk)
{
	const struct key_view *view = keyring_view(desk->store->keyring);

	if (desk->count > 0 || !desk->first)
		return;
	batch_begin(desk, view);
	for (; desk->first && desk->count < DONOR_DESK_BATCH; desk->first = desk->first->next)
		batch_take(desk, view, desk->first);
	batch_send(desk);
}

void donor_desk_ask(struct donor_desk *desk, struct donor_lookup *lookup)
{
	lookup->store = desk->store;
	lookup->nfound = 0;
	lookup->more = false;
	if (!lookup->identifier || !identifier_is_unique(lookup->identifier->kind)) {
		ask_alone(desk->store, lookup);
		return;
	}
	lookup->next = NULL;
	if (desk->first)
		desk->last->next = lookup;
	else
		desk->first = lookup;
	desk->last = lookup;
	desk_serve(desk);
}
