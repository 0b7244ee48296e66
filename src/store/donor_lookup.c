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
 * One statement for all that came while the one before was under way: its cost is the commit, and a row with its audit
 * entry for each who asked. The large arrays go in binary form.
 *
 *	$1 .. $5   of who asked: row, audit entry, kind, id, role
 *	$6 $7      active key, written keys
 *	$8 .. $10  of what was asked: number of who asked, digest under the active key, request
 *	$11 $12    while keys change: digests under other keys, by number of what was asked
 */
/* The digest of such an identifier is nothing else's: its use need not be looked at, and the index tells all. */
#define ASK "unnest($8::integer[], $9::bytea[], $10::uuid[]) WITH ORDINALITY AS ask (who, digest, request, n)"
#define TOGETHER(probed) \
	"WITH hit AS MATERIALIZED (SELECT ask.who, ask.digest, ask.request, ask.n, coalesce(a.into_id, g.donor_id) AS donor_id" \
	"  FROM " ASK " LEFT JOIN " probed " LEFT JOIN donor_alias AS a ON a.donor_id = g.donor_id)," \
	" log AS MATERIALIZED (SELECT ($1::uuid[])[who] AS id, ($2::uuid[])[who] AS entry_id, ($3::text[])[who] AS actor_kind," \
	"   ($4::text[])[who] AS actor_id, ($5::text[])[who] AS actor_role, $6::integer AS key_id," \
	"   array_agg(donor_id) AS found, array_agg(CASE WHEN donor_id IS NULL THEN digest END) AS asked," \
	"   array_agg(request) AS requests FROM hit GROUP BY who)," \
	KEEP_LOG FOUND("(hit JOIN donor AS d ON d.id = hit.donor_id)", "$7")

static const struct db_statement together_statement = {
	TOGETHER("donor_digest AS g ON g.digest = ask.digest")
};
static const struct db_statement together_many_keys = {
	TOGETHER("LATERAL (SELECT g.donor_id FROM (SELECT ask.digest UNION ALL SELECT more.digest"
		 "  FROM unnest($11::integer[], $12::bytea[]) AS more (n, digest) WHERE more.n = ask.n) AS p (digest)"
		 "  JOIN donor_digest AS g ON g.digest = p.digest LIMIT 1) AS g ON true")
};
enum { TEXTS_ROW, TEXTS_ENTRY, TEXTS_KIND, TEXTS_ACTOR, TEXTS_ROLE, TEXTS_COUNT };

struct batch {
	struct donor_desk   *desk;
	struct donor_lookup *lookups[DONOR_DESK_BATCH];
	size_t               count;
	const struct actor  *actors[DONOR_DESK_BATCH];   /* who asks: a token each, and mostly one */
	size_t               nactors;
	const struct key_view *view;
	struct buf           texts[TEXTS_COUNT], key, written, who, digests, requests, more_n, more;
	struct db_query      query;
};

/*
 * One statement is under way at a time: a second one would halve what each carries, and the statement is what costs.
 * Meanwhile the next is written, so that it can go as soon as the one before is done.
 */
struct donor_desk {
	struct store        *store;
	STAILQ_HEAD(, donor_lookup) waiting;     /* while the next is full */
	struct batch         batches[2];
	struct batch        *next;       /* takes who comes */
	bool                 under_way;
};

struct donor_desk *donor_desk_new(struct store *store)
{
	struct donor_desk *desk = xcalloc(1, sizeof(*desk));

	desk->store = store;
	STAILQ_INIT(&desk->waiting);
	desk->next = &desk->batches[0];
	desk->batches[0].desk = desk->batches[1].desk = desk;
	return desk;
}

static void batch_release(struct batch *batch)
{
	for (int i = 0; i < TEXTS_COUNT; i++)
		buf_release(&batch->texts[i]);
	buf_release(&batch->key);
	buf_release(&batch->written);
	buf_release(&batch->who);
	buf_release(&batch->digests);
	buf_release(&batch->requests);
	buf_release(&batch->more_n);
	buf_release(&batch->more);
}

void donor_desk_free(struct donor_desk *desk)
{
	if (!desk)
		return;
	batch_release(&desk->batches[0]);
	batch_release(&desk->batches[1]);
	free(desk);
}

/* ---- writing a batch ---- */

static void batch_begin(struct batch *batch)
{
	batch->view = keyring_view(batch->desk->store->keyring);
	batch->nactors = 0;
	for (int i = 0; i < TEXTS_COUNT; i++)
		buf_reset(&batch->texts[i]);
	array_begin(&batch->written, ARRAY_OF_INTEGER);
	array_begin(&batch->who, ARRAY_OF_INTEGER);
	array_begin(&batch->digests, ARRAY_OF_BYTEA);
	array_begin(&batch->requests, ARRAY_OF_UUID);
	array_begin(&batch->more_n, ARRAY_OF_INTEGER);
	array_begin(&batch->more, ARRAY_OF_BYTEA);
	buf_reset(&batch->key);
	buf_printf(&batch->key, "%d", batch->view->active[KEY_HASH]);
	for (size_t i = 0; i < batch->view->lookup[KEY_HASH].nwritten; i++)
		array_integer(&batch->written, batch->view->lookup[KEY_HASH].ids[i]);
}

static void batch_text(struct batch *batch, int texts, const char *text)
{
	struct buf *buf = &batch->texts[texts];

	buf_append_char(buf, buf->len > 0 ? ',' : '{');
	array_element(buf, text ? text : "");
}

/* `n` counts from 1, as WITH ORDINALITY does. */
static void batch_digests(struct batch *batch, const struct donor_lookup *lookup, size_t n)
{
	const struct keyring *keyring = batch->desk->store->keyring;
	unsigned char digest[DIGEST_BYTES];
	const char *text;
	size_t len;

	text = identifier_digest_text(lookup->identifier, lookup->arena, &len);
	for (size_t i = 0; i < batch->view->lookup[KEY_HASH].nprobed; i++) {
		int id = batch->view->lookup[KEY_HASH].ids[i];

		keyring_digest_bytes(keyring, id, "identifier", text, len, digest);
		if (id == batch->view->active[KEY_HASH]) {
			array_bytes(&batch->digests, digest, sizeof(digest));
		} else {
			array_integer(&batch->more_n, (int)n);
			array_bytes(&batch->more, digest, sizeof(digest));
		}
	}
}

static bool same_actor(const struct actor *one, const struct actor *two)
{
	return streq(one->id, two->id) && streq(one->kind, two->kind) && one->role == two->role;
}

/* The number of who asks, from 1. */
static size_t batch_actor(struct batch *batch, const struct actor *actor)
{
	int64_t now = clock_wall_us(batch->desk->store->clock);
	char row[UUID_TEXT_SIZE], entry[UUID_TEXT_SIZE];

	for (size_t i = 0; i < batch->nactors; i++)
		if (same_actor(batch->actors[i], actor))
			return i + 1;
	batch->actors[batch->nactors++] = actor;
	uuid7_make(row, now);
	uuid7_make(entry, now);
	batch_text(batch, TEXTS_ROW, row);
	batch_text(batch, TEXTS_ENTRY, entry);
	batch_text(batch, TEXTS_KIND, actor->kind);
	batch_text(batch, TEXTS_ACTOR, actor->id);
	batch_text(batch, TEXTS_ROLE, role_text(actor->role));
	return batch->nactors;
}

static void batch_take(struct batch *batch, struct donor_lookup *lookup)
{
	if (batch->count == 0)
		batch_begin(batch);
	batch->lookups[batch->count++] = lookup;
	array_integer(&batch->who, (int)batch_actor(batch, &lookup->actor));
	array_uuid(&batch->requests, lookup->actor.request_id);
	batch_digests(batch, lookup, batch->count);
}

/* It is sent now, with all that came until the end of the loop's turn. */
static void batch_fill(struct db_query *query)
{
	struct batch *batch = container_of(query, struct batch, query);
	struct donor_desk *desk = batch->desk;

	for (int i = 0; i < TEXTS_COUNT; i++) {
		buf_append_char(&batch->texts[i], '}');
		query_text(query, batch->texts[i].data);
	}
	query_text(query, batch->key.data);
	query_array(query, &batch->written);
	query_array(query, &batch->who);
	query_array(query, &batch->digests);
	query_array(query, &batch->requests);
	query_array(query, &batch->more_n);
	query_array(query, &batch->more);
	if (batch->view->lookup[KEY_HASH].nprobed > 1)
		query->statement = &together_many_keys;
	desk->next = &desk->batches[batch == &desk->batches[0]];
}

/* ---- its answers ---- */

static void desk_send(struct donor_desk *desk);

static void batch_read(struct donor_lookup *const *lookups, size_t count, const struct db_result *result)
{
	for (int row = 0; row < db_rows(result); row++) {
		size_t n = (size_t)db_int(result, row, 1, 0);
		struct donor_lookup *lookup = n >= 1 && n <= count ? lookups[n - 1] : NULL;

		if (!lookup)
			continue;
		lookup->found = arena_alloc(lookup->arena, sizeof(*lookup->found));
		lookup->nfound = 1;
		found_read(lookup->found, result, row);
	}
}

/* The next ones are on their way before these are answered, which takes as long as the statement. */
static void batch_on_done(struct db_query *query, const struct db_result *result)
{
	struct batch *batch = container_of(query, struct batch, query);
	struct donor_desk *desk = batch->desk;
	struct donor_lookup *lookups[DONOR_DESK_BATCH];
	size_t count = batch->count;
	struct error error;

	memcpy(lookups, batch->lookups, count * sizeof(lookups[0]));
	batch->count = 0;
	desk->under_way = false;
	desk_send(desk);
	db_push(desk->store->db, DB_WRITE);
	if (answered(result, &error))
		batch_read(lookups, count, result);
	for (size_t i = 0; i < count; i++)
		lookup_end(lookups[i], &error);
}

static void desk_take_waiting(struct donor_desk *desk)
{
	struct donor_lookup *lookup;

	while (desk->next->count < DONOR_DESK_BATCH && (lookup = STAILQ_FIRST(&desk->waiting)) != NULL) {
		STAILQ_REMOVE_HEAD(&desk->waiting, next);
		batch_take(desk->next, lookup);
	}
}

static void desk_send(struct donor_desk *desk)
{
	struct batch *batch = desk->next;

	desk_take_waiting(desk);
	if (desk->under_way || batch->count == 0)
		return;
	desk->under_way = true;
	query_begin(&batch->query, &together_statement, DB_WRITE, batch_on_done);
	batch->query.fill = batch_fill;
	db_send(desk->store->db, &batch->query);
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
	STAILQ_INSERT_TAIL(&desk->waiting, lookup, next);
	desk_send(desk);
}
