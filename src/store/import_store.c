#include "store/import_store.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "crypto/donor_seal.h"
#include "domain/donation.h"
#include "domain/person_name.h"
#include "store/audit.h"
#include "store/donor_row.h"
#include "store/failure.h"
#include "store/image.h"
#include "store/lookup.h"
#include "store/replay.h"
#include "store/row.h"

/* ---- the run ---- */

/*
 *	$1 digests   $2 ids of the written keys   $3 id of a new run   $4 audit
 *
 * The row stands under one key only, the active one of its first day; it is looked for under all.
 */
static const struct db_statement begin_statement = {
	"WITH there AS (SELECT * FROM import_run WHERE file_digest = ANY ($1::bytea[]) LIMIT 1),"
	" made AS (INSERT INTO import_run (id, file_digest, key_id)"
	"  SELECT $3::uuid, ($1::bytea[])[1], ($2::integer[])[1] WHERE NOT EXISTS (SELECT FROM there) RETURNING *),"
	" audit AS (" AUDIT_INSERT("$4", "EXISTS (SELECT FROM made)") ")"
	" SELECT id, next_row, registered, donations, held_rows, finished_at IS NOT NULL FROM there"
	" UNION ALL SELECT id, next_row, registered, donations, held_rows, false FROM made"
};

static void begin_on_done(struct db_query *query, const struct db_result *result)
{
	struct import_begin *begin = container_of(query, struct import_begin, query);
	const char **held;

	if (result_ok(result, &begin->error)) {
		row_uuid(result, 0, 0, begin->id);
		begin->next_row = db_int(result, 0, 1, 1);
		begin->registered = db_int(result, 0, 2, 0);
		begin->donations = db_int(result, 0, 3, 0);
		held = row_texts(begin->arena, result, 0, 4, &begin->nheld);
		begin->held = arena_alloc(begin->arena, (begin->nheld + 1) * sizeof(*begin->held));
		for (size_t i = 0; i < begin->nheld; i++)
			begin->held[i] = strtoll(held[i], NULL, 10);
		begin->finished = db_bool(result, 0, 5);
	}
	begin->done(begin);
}

void import_begin_send(struct store *store, struct import_begin *begin)
{
	const struct key_view *view = keyring_view(store->keyring);
	struct db_query *query = &begin->query;
	struct buf image = { 0 };
	struct audit audit;

	begin->store = store;
	uuid7_make(begin->id, clock_wall_us(store->clock));
	query_begin(query, &begin_statement, DB_WRITE, begin_on_done);
	query_digests(query, store, view, "import", begin->digest_of, begin->digest_len, begin->arena);
	query_written_keys(query, view, begin->arena);
	query_text(query, begin->id);
	buf_append_text(&image, begin->id);
	audit_begin(&audit, store, &begin->actor);
	audit_add(&audit, "import.begin", "import", begin->id, NULL, &image);
	query_text(query, audit_end(&audit, begin->arena));
	buf_release(&image);
	db_send(store->db, query);
}

/* ---- who is known ---- */

/*
 *	$1 $2 $3  digests of numbers, their uses, rows
 *	$4 $5 $6  of names: digest of one word, row, digests of the others as an array of its own
 *
 * Whole names only, since half a name finds half a valley: who has the one word is looked at for the others, up to the
 * first who has them all. Under several keys a name is asked for once under each: a donor has all words under each.
 * OFFSET 0: by the index, though the plan may have been made when the table was empty.
 */
static const struct db_statement probe_statement = {
	"WITH name AS MATERIALIZED (SELECT word, row, others::bytea[] AS others"
	"  FROM unnest($4::bytea[], $5::integer[], $6::text[]) AS n (word, row, others)),"
	" hit AS (SELECT p.row, coalesce(a.into_id, g.donor_id) AS id, p.use = 'identifier' AS taken"
	"  FROM unnest($1::bytea[], $2::text[], $3::integer[]) AS p (digest, use, row)"
	"  CROSS JOIN LATERAL (SELECT d.donor_id FROM donor_digest AS d WHERE d.digest = p.digest AND d.use = p.use OFFSET 0) AS g"
	"  LEFT JOIN donor_alias AS a ON a.donor_id = g.donor_id"
	"  UNION ALL SELECT name.row, NULL, false FROM name WHERE EXISTS (SELECT FROM donor_digest AS g"
	"   WHERE g.digest = name.word AND g.use = 'name' AND NOT EXISTS (SELECT FROM unnest(name.others) AS other (digest)"
	"    WHERE NOT EXISTS (SELECT FROM donor_digest AS o WHERE o.digest = other.digest AND o.donor_id = g.donor_id OFFSET 0))"
	"   OFFSET 0))"
	" SELECT row, min(id::text) FILTER (WHERE taken), bool_or(NOT taken), max(id::text) FILTER (WHERE taken)"
	" FROM hit GROUP BY row"
};

static void probe_on_done(struct db_query *query, const struct db_result *result)
{
	struct import_probe *probe = container_of(query, struct import_probe, query);

	if (result_ok(result, &probe->error)) {
		for (int row = 0; row < db_rows(result); row++) {
			struct import_row *of = &probe->rows[db_int(result, row, 0, 0)];

			if (!db_is_null(result, row, 1))
				row_uuid(result, row, 1, of->known);
			if (!db_is_null(result, row, 3))
				row_uuid(result, row, 3, of->also_known);
			of->alike = db_bool(result, row, 2);
		}
	}
	probe->done(probe);
}

/* How often the names of a stretch have a word. */
struct word {
	const char *text;
	size_t      often;
};

static int compare_words(const void *a, const void *b)
{
	const struct word *one = a, *two = b;

	return strcmp(one->text, two->text);
}

static size_t count_words(struct word *words, size_t count)
{
	size_t kept = 0;

	qsort(words, count, sizeof(*words), compare_words);
	for (size_t i = 0; i < count; i++) {
		if (kept > 0 && streq(words[kept - 1].text, words[i].text))
			words[kept - 1].often++;
		else
			words[kept++] = (struct word){ words[i].text, 1 };
	}
	return kept;
}

struct name {
	const char *words[PERSON_NAME_WORDS_MAX];
	size_t      count;
};

struct probes {
	struct donor_digests numbers;
	const char         **rows;       /* of each of them */
	size_t               nrows;
	const char         **words, **word_rows, **others;
	size_t               nwords;
	struct word         *counted;
	size_t               ncounted;
};

static void add_rows(struct probes *probes, const char *row)
{
	struct donor_digests *numbers = &probes->numbers;

	if (probes->nrows < numbers->count) {
		const char **rows = arena_alloc(numbers->arena, numbers->max * sizeof(*rows));

		if (probes->nrows)
			memcpy(rows, probes->rows, probes->nrows * sizeof(*rows));
		probes->rows = rows;
	}
	while (probes->nrows < numbers->count)
		probes->rows[probes->nrows++] = row;
}

/* The list itself tells which words many have: the rarest finds the fewest. */
static size_t rarest(const struct probes *probes, const struct name *name)
{
	size_t best = 0, least = SIZE_MAX;

	for (size_t i = 0; i < name->count; i++) {
		struct word key = { .text = name->words[i] };
		const struct word *word = bsearch(&key, probes->counted, probes->ncounted, sizeof(key), compare_words);

		if (word && word->often < least) {
			least = word->often;
			best = i;
		}
	}
	return best;
}

static void add_name(struct probes *probes, const struct store *store, const struct key_view *view, const struct name *name,
		     int birth_year, const char *row)
{
	struct arena *arena = probes->numbers.arena;
	struct donor_digests digests = { .arena = arena };
	size_t best = rarest(probes, name), nkeys = view->lookup[KEY_HASH].nprobed;

	for (size_t i = 0; i < name->count; i++)
		donor_digest_word(&digests, store, view, DIGESTS_PROBED, name->words[i], birth_year, i);
	for (size_t key = 0; key < nkeys && name->count > 0; key++) {
		struct buf others = { 0 };

		for (size_t i = 0; i < name->count; i++) {
			if (i == best)
				continue;
			buf_append_char(&others, others.len > 0 ? ',' : '{');
			array_element(&others, digests.digest[i * nkeys + key]);
		}
		buf_append_text(&others, others.len > 0 ? "}" : "{}");
		probes->words[probes->nwords] = digests.digest[best * nkeys + key];
		probes->word_rows[probes->nwords] = row;
		probes->others[probes->nwords++] = arena_strdup(arena, others.data);
		buf_release(&others);
	}
}

static struct name *names_of(const struct import_probe *probe, struct probes *probes)
{
	struct name *names = arena_alloc(probe->arena, (probe->nrows + 1) * sizeof(*names));
	size_t count = 0;

	for (size_t i = 0; i < probe->nrows; i++) {
		names[i].count = person_name_words(probe->rows[i].donor.name, probe->arena, names[i].words);
		count += names[i].count;
	}
	probes->counted = arena_alloc(probe->arena, (count + 1) * sizeof(*probes->counted));
	for (size_t i = 0; i < probe->nrows; i++)
		for (size_t k = 0; k < names[i].count; k++)
			probes->counted[probes->ncounted++].text = names[i].words[k];
	probes->ncounted = count_words(probes->counted, probes->ncounted);
	return names;
}

void import_probe_send(struct store *store, struct import_probe *probe)
{
	const struct key_view *view = keyring_view(store->keyring);
	struct db_query *query = &probe->query;
	struct arena *arena = probe->arena;
	struct probes probes = { .numbers = { .arena = arena } };
	const struct name *names = names_of(probe, &probes);
	size_t most = probe->nrows * view->lookup[KEY_HASH].nprobed + 1;

	probe->store = store;
	probes.words = arena_alloc(arena, most * sizeof(*probes.words));
	probes.word_rows = arena_alloc(arena, most * sizeof(*probes.word_rows));
	probes.others = arena_alloc(arena, most * sizeof(*probes.others));
	for (size_t i = 0; i < probe->nrows; i++) {
		struct donor *donor = &probe->rows[i].donor;
		const char *row = arena_printf(arena, "%zu", i);

		probe->rows[i].known[0] = probe->rows[i].also_known[0] = '\0';
		probe->rows[i].alike = false;
		for (size_t k = 0; k < donor->nidentifiers; k++)
			donor_digest_identifier(&probes.numbers, store, view, DIGESTS_PROBED, &donor->identifiers[k].identifier,
						"", k);
		if (donor->phone)
			donor_digest_phone(&probes.numbers, store, view, DIGESTS_PROBED, donor->phone);
		add_rows(&probes, row);
		add_name(&probes, store, view, &names[i], donor->birth_year, row);
	}
	query_begin(query, &probe_statement, DB_SLOW, probe_on_done);
	query_texts(query, arena, probes.numbers.digest, probes.numbers.count);
	query_texts(query, arena, probes.numbers.use, probes.numbers.count);
	query_texts(query, arena, probes.rows, probes.numbers.count);
	query_texts(query, arena, probes.words, probes.nwords);
	query_texts(query, arena, probes.word_rows, probes.nwords);
	query_texts(query, arena, probes.others, probes.nwords);
	db_send(store->db, query);
}

/* ---- a stretch ---- */

/*
 *	$1 audit   $2 run   $3 from   $4 next   $5 last   $6 registered   $7 rows that stay held   $8 written keys
 *	$9 .. $20  donors   $21 .. $24 identifiers   $25 .. $29 digests   $30 .. $34 donations   $35 source
 *	$36 rows that are held no longer
 *
 * All hangs on `go`: the run is where this stretch begins. A donation that is there, as declared or confirmed,
 * is not declared again. Rows are touched in the order of their keys.
 */
static const struct db_statement write_statement = {
	"WITH go AS (UPDATE import_run SET next_row = CASE WHEN $3::bigint > 0 THEN $4::bigint ELSE next_row END,"
	"  registered = registered + $6::bigint,"
	"  held_rows = ARRAY(SELECT h FROM unnest(held_rows || $7::bigint[]) AS h WHERE h <> ALL ($36::bigint[]) ORDER BY h),"
	"  finished_at = CASE WHEN $5::boolean THEN coalesce(finished_at, now()) ELSE finished_at END"
	"  WHERE id = $2::uuid AND (CASE WHEN $3::bigint > 0 THEN next_row = $3::bigint"
	"   ELSE held_rows @> $36::bigint[] END) AND NOT " DONOR_KEYS_STALE("$8", "$26", "$27") " RETURNING id),"
	" made AS (INSERT INTO donor (id, number, birth_year, sex, abo, rhd, blood_evidence, unit_id, unit_on,"
	"   wrap_key_id, wrapped_key, sealed, last_donated_on)"
	"  SELECT d.id, d.number, d.birth_year, nullif(d.sex, ''), nullif(d.abo, ''), nullif(d.rhd, ''),"
	"   nullif(d.evidence, ''), nullif(d.unit_id, ''), nullif(d.unit_on, '')::date, d.wrap_key_id, d.wrapped_key, d.sealed,"
	"   day.last"
	"  FROM unnest($9::uuid[], $10::text[], $11::smallint[], $12::text[], $13::text[], $14::text[], $15::text[],"
	"   $16::text[], $17::text[], $18::integer[], $19::bytea[], $20::bytea[])"
	"   AS d (id, number, birth_year, sex, abo, rhd, evidence, unit_id, unit_on, wrap_key_id, wrapped_key, sealed)"
	"  LEFT JOIN (SELECT donor_id, max(donated_on) AS last FROM unnest($31::uuid[], $33::date[]) AS v (donor_id, donated_on)"
	"   GROUP BY donor_id) AS day ON day.donor_id = d.id CROSS JOIN go RETURNING 1),"
	" identifier AS (INSERT INTO donor_identifier (id, donor_id, kind, sealed)"
	"  SELECT i.* FROM unnest($21::uuid[], $22::uuid[], $23::text[], $24::bytea[]) AS i (id, donor_id, kind, sealed), go),"
	" digest AS (INSERT INTO donor_digest (digest, use, key_id, identifier_id, donor_id)"
	"  SELECT g.digest, g.use, g.key_id, nullif(g.identifier_id, '')::uuid, g.donor_id"
	"  FROM unnest($25::bytea[], $26::text[], $27::integer[], $28::text[], $29::uuid[])"
	"   AS g (digest, use, key_id, identifier_id, donor_id), go WHERE (SELECT count(*) FROM made) >= 0 " DIGEST_ORDER "),"
	" given AS (INSERT INTO donation (id, donor_id, component, donated_on, volume_ml, evidence, source)"
	"  SELECT v.id, v.donor_id, v.component, v.donated_on, nullif(v.volume_ml, 0), 'declared', $35"
	"  FROM unnest($30::uuid[], $31::uuid[], $32::text[], $33::date[], $34::integer[])"
	"   AS v (id, donor_id, component, donated_on, volume_ml), go"
	"  WHERE NOT EXISTS (SELECT FROM donation AS o WHERE o.donor_id = v.donor_id AND o.donated_on = v.donated_on"
	"   AND o.component = v.component OFFSET 0)"
	"  AND NOT EXISTS (SELECT FROM donor_alias AS a JOIN donation AS o ON o.donor_id = a.donor_id"
	"   WHERE a.into_id = v.donor_id AND o.donated_on = v.donated_on AND o.component = v.component OFFSET 0)"
	"  RETURNING id, donor_id, donated_on),"
	" latest AS (SELECT d.id, max(given.donated_on) AS day FROM given JOIN donor AS d ON d.id = given.donor_id"
	"  GROUP BY d.id ORDER BY d.id),"
	" later AS (UPDATE donor SET last_donated_on = greatest(donor.last_donated_on, latest.day) FROM latest"
	"  WHERE donor.id = latest.id),"
	" counted AS (SELECT count(*) AS n FROM given),"
	" audit AS (" AUDIT_INSERT("$1", "EXISTS (SELECT FROM go) AND (entry.subject_kind <> 'donation'"
				   " OR entry.subject_id IN (SELECT id::text FROM given))") ")"
	" SELECT EXISTS (SELECT FROM go), n FROM counted"
};

static void write_on_done(struct db_query *query, const struct db_result *result)
{
	struct import_write *write = container_of(query, struct import_write, query);

	if (result_violates(result, "donor_digest_identifier_uk") || result_violates(result, "donor_number_uk"))
		error_set(&write->error, ERR_DONOR_EXISTS, "Another donor has just been registered with one of these numbers.",
			  "Vừa có người hiến máu khác đăng ký với một trong các số này.");
	else if (result_ok(result, &write->error)) {
		if (!db_bool(result, 0, 0))
			fail_stale(&write->error);
		else
			write->donations = db_int(result, 0, 1, 0);
	}
	write->done(write);
}

/* Arrays side by side, as they go into the statement. */
struct lines {
	struct arena *arena;
	const char  **cells[12];
	size_t        ncolumns, count, max;
};

static void lines_init(struct lines *lines, struct arena *arena, size_t ncolumns, size_t max)
{
	lines->arena = arena;
	lines->ncolumns = ncolumns;
	lines->count = 0;
	lines->max = max;
	for (size_t i = 0; i < ncolumns; i++)
		lines->cells[i] = arena_alloc(arena, (max + 1) * sizeof(char *));
}

static void lines_query(const struct lines *lines, struct db_query *query)
{
	for (size_t i = 0; i < lines->ncolumns; i++)
		query_texts(query, lines->arena, lines->cells[i], lines->count);
}

struct writing {
	struct import_write   *write;
	const struct store    *store;
	const struct key_view *view;
	struct audit           audit;
	struct lines           donors, identifiers, donations;
	struct donor_digests   digests;
	const char           **digest_donors;
	size_t                 ndigest_donors, digest_donors_max;
	const char           **held, **released;
	size_t                 nheld, nreleased, registered;
};

static uint64_t random_bits(void)
{
	uint64_t bits;

	if (getentropy(&bits, sizeof(bits)) != 0)
		abort();
	return bits;
}

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

static void add_digests(struct writing *w, const struct donor *donor)
{
	donor_digest_all(&w->digests, w->store, w->view, donor);
	if (w->digest_donors_max < w->digests.max) {
		const char **more = arena_alloc(w->digests.arena, w->digests.max * sizeof(*more));

		if (w->ndigest_donors)
			memcpy(more, w->digest_donors, w->ndigest_donors * sizeof(*more));
		w->digest_donors = more;
		w->digest_donors_max = w->digests.max;
	}
	while (w->ndigest_donors < w->digests.count)
		w->digest_donors[w->ndigest_donors++] = donor->id;
}

static void add_identifiers(struct writing *w, struct donor *donor, int64_t now)
{
	for (size_t i = 0; i < donor->nidentifiers; i++) {
		struct donor_identifier *one = &donor->identifiers[i];
		size_t at = w->identifiers.count++;

		uuid7_make(one->id, now);
		w->identifiers.cells[0][at] = one->id;
		w->identifiers.cells[1][at] = donor->id;
		w->identifiers.cells[2][at] = identifier_kind_text(one->identifier.kind);
		w->identifiers.cells[3][at] = donor_seal_identifier(one, donor->id, w->store, w->write->arena);
	}
}

static void add_donor(struct writing *w, struct donor *donor)
{
	struct arena *arena = w->write->arena;
	int64_t now = clock_wall_us(w->store->clock);
	unsigned char wrapped[DONOR_KEY_WRAPPED_BYTES];
	struct buf image = { 0 };
	size_t at = w->donors.count++;
	char day[DATE_TEXT_SIZE];

	uuid7_make(donor->id, now);
	donor_number_make(random_bits(), donor->number);
	donor->version = 1;
	w->donors.cells[0][at] = donor->id;
	w->donors.cells[1][at] = donor->number;
	w->donors.cells[2][at] = arena_printf(arena, "%d", donor->birth_year);
	w->donors.cells[3][at] = or_empty(donor_sex_text(donor->sex));
	w->donors.cells[4][at] = or_empty(blood_abo_text(donor->abo));
	w->donors.cells[5][at] = or_empty(blood_rhd_text(donor->rhd));
	w->donors.cells[6][at] = or_empty(blood_evidence_text(donor->blood_evidence));
	w->donors.cells[7][at] = or_empty(donor->unit_id);
	w->donors.cells[8][at] = donor->unit_id ? arena_strdup(arena, date_format(donor->unit_on, day)) : "";
	w->donors.cells[9][at] = arena_printf(arena, "%d", donor_key_make(w->store->donor_key, w->store->keyring, donor->id,
									  wrapped));
	w->donors.cells[10][at] = bytes_text(arena, wrapped, sizeof(wrapped));
	w->donors.cells[11][at] = donor_seal_person(donor, w->store, arena);
	add_identifiers(w, donor, now);
	add_digests(w, donor);
	image_donor(&image, donor);
	audit_add(&w->audit, "donor.register", "donor", donor->id, NULL, &image);
	buf_release(&image);
	w->registered++;
}

static void add_donation(struct writing *w, const struct import_row *row, const char *donor_id)
{
	struct arena *arena = w->write->arena;
	struct donation *donation = arena_alloc(arena, sizeof(*donation));
	char *day = arena_alloc(arena, DATE_TEXT_SIZE);
	size_t at = w->donations.count++;
	struct buf image = { 0 };

	*donation = (struct donation){ .donor_id = donor_id, .component = row->component, .on = row->donated_on,
				       .volume_ml = row->volume_ml, .source = w->write->source };
	uuid7_make(donation->id, clock_wall_us(w->store->clock));
	w->donations.cells[0][at] = donation->id;
	w->donations.cells[1][at] = donor_id;
	w->donations.cells[2][at] = component_text(donation->component);
	w->donations.cells[3][at] = date_format(donation->on, day);
	w->donations.cells[4][at] = arena_printf(arena, "%d", donation->volume_ml);
	image_donation(&image, donation);
	audit_add(&w->audit, "donation.declare", "donation", donation->id, NULL, &image);
	buf_release(&image);
}

static void add_row(struct writing *w, size_t index)
{
	struct import_write *write = w->write;
	struct import_row *row = &write->rows[index];
	enum import_what what = write->what[index];
	const char *number = arena_printf(write->arena, "%lld", (long long)row->number);

	if (what == IMPORT_HOLD && write->from_row > 0)
		w->held[w->nheld++] = number;
	if (what != IMPORT_HOLD && write->from_row == 0)
		w->released[w->nreleased++] = number;
	if (what == IMPORT_REGISTER)
		add_donor(w, &row->donor);
	if ((what == IMPORT_REGISTER || what == IMPORT_DONATION) && !date_is_none(row->donated_on))
		add_donation(w, row, what == IMPORT_REGISTER ? row->donor.id : row->same ? row->same->donor.id : row->known);
}

void import_write_send(struct store *store, struct import_write *write)
{
	struct writing w = { .write = write, .store = store, .view = keyring_view(store->keyring),
			     .digests = { .arena = write->arena } };
	struct db_query *query = &write->query;
	struct arena *arena = write->arena;
	size_t nidentifiers = 0;

	write->store = store;
	for (size_t i = 0; i < write->nrows; i++)
		nidentifiers += write->rows[i].donor.nidentifiers;
	lines_init(&w.donors, arena, 12, write->nrows);
	lines_init(&w.identifiers, arena, 4, nidentifiers);
	lines_init(&w.donations, arena, 5, write->nrows);
	w.held = arena_alloc(arena, (write->nrows + 1) * sizeof(*w.held));
	w.released = arena_alloc(arena, (write->nrows + 1) * sizeof(*w.released));
	audit_begin(&w.audit, store, &write->actor);
	for (size_t i = 0; i < write->nrows; i++)
		add_row(&w, i);
	query_begin(query, &write_statement, DB_WRITE, write_on_done);
	query_text(query, audit_end(&w.audit, arena));
	query_text(query, write->run);
	query_int(query, arena, write->from_row);
	query_int(query, arena, write->next_row);
	query_bool(query, write->last);
	query_int(query, arena, (int64_t)w.registered);
	query_texts(query, arena, w.held, w.nheld);
	query_written_keys(query, w.view, arena);
	lines_query(&w.donors, query);
	lines_query(&w.identifiers, query);
	query_texts(query, arena, w.digests.digest, w.digests.count);
	query_texts(query, arena, w.digests.use, w.digests.count);
	query_texts(query, arena, w.digests.key_id, w.digests.count);
	query_texts(query, arena, w.digests.identifier_id, w.digests.count);
	query_texts(query, arena, w.digest_donors, w.digests.count);
	lines_query(&w.donations, query);
	query_text(query, write->source);
	query_texts(query, arena, w.released, w.nreleased);
	db_send(store->db, query);
}
