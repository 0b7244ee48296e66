#include "store/hand_in.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "crypto/donor_seal.h"
#include "store/facts_row.h"
#include "store/failure.h"
#include "store/gift_row.h"
#include "store/image.h"
#include "store/item_step.h"
#include "store/lookup.h"
#include "store/row.h"

enum { ATTEMPTS_MAX = 5 };
enum item_flag { FLAG_REGISTERS = 1, FLAG_CONFLICT = 2, FLAG_DOUBTED = 4, FLAG_CLAIMS = 8 };

/*
 *	$1 audit   $2 written keys   $3 devices, side by side with the items
 *	$4 .. $15 donors   $16 .. $19 identifiers   $20 .. $24 digests
 *	$25 .. $47 items with what they tell; "" for none   $48 .. $50 doubts: which item, whom, why
 *	$51 the item that a person corrects, or NULL   $52 which content   $53 version of its case   $54 $55 who
 *	$56 what the audit has of a decision, or of a step of an appointment   $57 now   $58 gifts (store/gift_row.h)
 *	$59 $60 records to be locked and their versions, -1: any   $61 which of the donors are new, the others are changed
 *	$62 $63 $64 records that are merged, into which, with which
 *
 * Whoever wrote one of these rows meanwhile makes the statement fail: it is settled anew then. The verdict is the first
 * answer, which a repetition gets again; how things stand then is derived (item_reason, item_standing).
 */
static const struct db_statement write_statement = {
	"WITH locked AS MATERIALIZED (SELECT d.id, d.version, d.erased_at FROM donor AS d WHERE d.id = ANY ($59::uuid[])"
	"  ORDER BY d.id FOR NO KEY UPDATE),"
	" fresh AS MATERIALIZED (SELECT NOT " DONOR_KEYS_STALE("$2", "$21", "$22") " AS keys,"
	"  (SELECT count(*) FROM unnest($59::uuid[], $60::bigint[]) AS t (id, version) JOIN locked AS l ON l.id = t.id"
	"   AND (t.version < 0 OR (l.version = t.version AND l.erased_at IS NULL))) = cardinality($59::uuid[]) AS records,"
	"  $51::uuid IS NULL OR item_case_version($51) = $53::bigint AS version),"
	" go AS MATERIALIZED (SELECT 1 FROM fresh WHERE fresh.keys AND fresh.records AND fresh.version),"
	" told AS MATERIALIZED (SELECT d.* FROM unnest($4::uuid[], $5::text[], $6::smallint[], $7::text[], $8::text[], $9::text[],"
	"   $10::text[], $11::text[], $12::text[], $13::integer[], $14::bytea[], $15::bytea[], $61::text[]) AS d (id, number,"
	"   birth_year, sex, abo, rhd, evidence, unit_id, unit_on, wrap_key_id, wrapped_key, sealed, new), go),"
	" made AS (INSERT INTO donor (id, number, birth_year, sex, abo, rhd, blood_evidence, unit_id, unit_on,"
	"   wrap_key_id, wrapped_key, sealed)"
	"  SELECT d.id, d.number, nullif(d.birth_year, 0), nullif(d.sex, ''), nullif(d.abo, ''), nullif(d.rhd, ''),"
	"   nullif(d.evidence, ''), nullif(d.unit_id, ''), nullif(d.unit_on, '')::date, d.wrap_key_id, d.wrapped_key, d.sealed"
	"  FROM told AS d WHERE d.new <> '' ORDER BY d.id RETURNING 1),"
	" identifier AS (INSERT INTO donor_identifier (id, donor_id, kind, sealed)"
	"  SELECT i.* FROM unnest($16::uuid[], $17::uuid[], $18::text[], $19::bytea[]) AS i (id, donor_id, kind, sealed), go),"
	" digest AS (INSERT INTO donor_digest (digest, use, key_id, identifier_id, donor_id)"
	"  SELECT g.digest, g.use, g.key_id, nullif(g.identifier_id, '')::uuid, g.donor_id"
	"  FROM unnest($20::bytea[], $21::text[], $22::integer[], $23::text[], $24::uuid[])"
	"   AS g (digest, use, key_id, identifier_id, donor_id), go WHERE (SELECT count(*) FROM made) >= 0 " DIGEST_ORDER
	"  ON CONFLICT (digest, donor_id) DO NOTHING RETURNING 1),"
	" joined AS MATERIALIZED (SELECT t.* FROM unnest($62::uuid[], $63::uuid[], $64::uuid[]) AS t (donor_id, into_id, with_id), go),"
	" moved AS (UPDATE donor_alias SET into_id = j.into_id FROM joined AS j WHERE donor_alias.into_id = j.donor_id RETURNING 1),"
	" alias AS (INSERT INTO donor_alias (donor_id, into_id, with_id) SELECT j.* FROM joined AS j RETURNING 1),"
	" given AS MATERIALIZED (SELECT i.*, item_fact_id(i.content_hash) AS fact_id FROM unnest($25::uuid[], $26::bytea[],"
	"   $27::text[], $28::uuid[], $29::bigint[], $30::timestamptz[], $31::text[], $32::text[], $33::uuid[], $34::integer[],"
	"   $35::text[], $36::text[], $37::bytea[], $38::text[], $39::text[], $40::text[], $41::integer[], $42::text[],"
	"   $43::text[], $44::text[], $45::text[], $46::text[], $47::text[], $3::text[]) WITH ORDINALITY AS i (id, content_hash, kind,"
	"   install, seq, captured_at, corrects, round_id, donor_id, flags, provisional_id, held, sealed, bag, day, component,"
	"   volume_ml, outcome, deferral, ends, until, accepts, tie, device, n), go),"
	/* First of what is new, in the order of the ids: whoever tells one of these at the same moment waits, and collides. */
	" claimed AS (INSERT INTO donor_told (id) SELECT i.provisional_id::uuid FROM given AS i WHERE i.flags & 8 <> 0"
	"  ORDER BY 1 RETURNING 1),"
	" doubt AS (INSERT INTO item_doubt (item_id, content_hash, donor_id, reason)"
	"  SELECT i.id, i.content_hash, t.donor_id, t.reason FROM unnest($48::bigint[], $49::uuid[], $50::text[])"
	"   AS t (n, donor_id, reason) JOIN given AS i ON i.n = t.n RETURNING 1),"
	" gave AS (INSERT INTO donation (id, donor_id, component, volume_ml, donated_on, evidence, source, round_id, bag_code,"
	"   outcome, item_id, content_hash, captured_at)"
	"  SELECT i.fact_id, i.donor_id, i.component, i.volume_ml, i.day::date, 'confirmed', 'field', nullif(i.round_id, '')::uuid,"
	"   nullif(i.bag, ''), i.outcome, i.id, i.content_hash, i.captured_at FROM given AS i WHERE i.component <> '' RETURNING 1),"
	" waits AS (INSERT INTO deferral (id, donor_id, sealed, ends, until, item_id, content_hash, captured_at)"
	"  SELECT i.fact_id, i.donor_id, i.deferral::bytea, i.ends, nullif(i.until, '')::date, i.id, i.content_hash, i.captured_at"
	"  FROM given AS i WHERE i.deferral <> '' RETURNING 1),"
	/* After all that they tell, in the order in which they came: item_first_answer() looks at it. */
	" item AS (INSERT INTO item (id, content_hash, kind, install, seq, captured_at, corrects, round_id, donor_id, registers,"
	"   provisional_id, device_id, held, sealed, accepts, tie, staff, verdict)"
	"  SELECT i.id, i.content_hash, i.kind, i.install, i.seq, i.captured_at, nullif(i.corrects, '')::uuid,"
	"   nullif(i.round_id, '')::uuid, i.donor_id, i.flags & 1 <> 0, nullif(i.provisional_id, '')::uuid, nullif(i.device, '')::uuid,"
	"   coalesce(string_to_array(nullif(i.held, ''), ','), '{}'), i.sealed, nullif(i.accepts, '')::boolean, i.tie,"
	"   $51::uuid IS NOT NULL,"
	"   CASE WHEN i.flags & 2 <> 0 THEN 'conflict' WHEN i.held <> '' OR i.flags & 4 <> 0 THEN 'held' ELSE 'applied' END"
	"  FROM given AS i WHERE (SELECT count(*) FROM claimed) + (SELECT count(*) FROM digest) + (SELECT count(*) FROM moved)"
	"   + (SELECT count(*) FROM alias) + (SELECT count(*) FROM doubt) + (SELECT count(*) FROM gave) + (SELECT count(*) FROM waits) >= 0"
	"  ORDER BY i.n RETURNING id, content_hash, verdict),"
	" latest AS (SELECT i.donor_id AS id, max(i.day::date) AS day FROM given AS i"
	"  WHERE i.component <> '' AND i.volume_ml > 0 GROUP BY i.donor_id),"
	" taken AS (SELECT j.into_id AS id, bool_or(o.contact_facility) AS contact, max(o.last_donated_on) AS last_donated_on,"
	"   max(o.next_whole_blood) AS next_whole_blood, max(o.next_red_cells) AS next_red_cells,"
	"   max(o.next_platelets) AS next_platelets, max(o.next_plasma) AS next_plasma,"
	"   max(o.next_granulocytes) AS next_granulocytes, max(o.next_stem_cells) AS next_stem_cells"
	"  FROM joined AS j JOIN donor AS o ON o.id = j.donor_id GROUP BY j.into_id),"
	" changed AS (UPDATE donor AS d SET version = d.version + (c.id IS NOT NULL)::integer,"
	"   birth_year = CASE WHEN c.id IS NULL THEN d.birth_year ELSE nullif(c.birth_year, 0) END,"
	"   sex = CASE WHEN c.id IS NULL THEN d.sex ELSE nullif(c.sex, '') END,"
	"   abo = CASE WHEN c.id IS NULL THEN d.abo ELSE nullif(c.abo, '') END,"
	"   rhd = CASE WHEN c.id IS NULL THEN d.rhd ELSE nullif(c.rhd, '') END,"
	"   blood_evidence = CASE WHEN c.id IS NULL THEN d.blood_evidence ELSE nullif(c.evidence, '') END,"
	"   unit_id = CASE WHEN c.id IS NULL THEN d.unit_id ELSE nullif(c.unit_id, '') END,"
	"   unit_on = CASE WHEN c.id IS NULL THEN d.unit_on ELSE nullif(c.unit_on, '')::date END,"
	"   sealed = coalesce(c.sealed, d.sealed), contact_facility = d.contact_facility OR coalesce(t.contact, false),"
	"   last_donated_on = greatest(d.last_donated_on, latest.day, t.last_donated_on),"
	"   next_whole_blood = greatest(d.next_whole_blood, t.next_whole_blood),"
	"   next_red_cells = greatest(d.next_red_cells, t.next_red_cells),"
	"   next_platelets = greatest(d.next_platelets, t.next_platelets), next_plasma = greatest(d.next_plasma, t.next_plasma),"
	"   next_granulocytes = greatest(d.next_granulocytes, t.next_granulocytes),"
	"   next_stem_cells = greatest(d.next_stem_cells, t.next_stem_cells)"
	"  FROM locked AS l LEFT JOIN told AS c ON c.id = l.id AND c.new = '' LEFT JOIN latest ON latest.id = l.id"
	"   LEFT JOIN taken AS t ON t.id = l.id, go"
	"  WHERE d.id = l.id AND (c.id IS NOT NULL OR latest.id IS NOT NULL)),"
	" decided AS (INSERT INTO item_decision (item_id, version, content_hash, verb, decided_by_kind, decided_by)"
	"  SELECT $51::uuid, item_version($51), $52::bytea, 'correct', $54, $55 FROM go WHERE $51 IS NOT NULL RETURNING *),"
	" decision_audit AS (" DECISION_AUDIT("$56", "decided") "),"
	" gift AS (" GIFT_ITEMS_INSERT("$58", "EXISTS (SELECT FROM go)") "),"
	/* After donors' rows are held, as the locks of appointments have it. What a revoked phone tells does nothing. */
	" arrived AS MATERIALIZED (SELECT s.* FROM (SELECT jsonb_build_object('items', jsonb_agg(jsonb_build_object("
	"   'round', i.round_id, 'donor', i.donor_id))) AS a FROM given AS i WHERE i.kind = 'check_in' AND i.round_id <> ''"
	"   AND 'device_revoked' <> ALL (string_to_array(i.held, ',')) AND (SELECT count(*) FROM locked) >= 0"
	"   HAVING count(*) > 0) AS c"
	"  CROSS JOIN LATERAL appointment_do('check_in', c.a, $57::timestamptz) AS s),"
	" arrived_audit AS (" AUDIT_OF_STEPS("$56", "arrived") "),"
	" audit AS (" AUDIT_INSERT("$1", "EXISTS (SELECT FROM go)") ")"
	" SELECT EXISTS (SELECT FROM go), item.id, item.content_hash::text, item.verdict, fresh.version, fresh.keys"
	" FROM fresh LEFT JOIN item ON true"
};

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

/* Of what was told now. */
static void add_digests(struct hand_in *work, const struct known *known)
{
	const struct donor *donor = &known->record.donor;
	struct donor_digests *digests = &work->digests;

	for (size_t i = known->before.nidentifiers; i < donor->nidentifiers; i++) {
		const struct identifier *identifier = &donor->identifiers[i].identifier;

		donor_digest_identifier(digests, work->store, work->view, DIGESTS_WRITTEN, identifier, donor->identifiers[i].id, i);
		donor_digest_suppression(digests, work->store, work->view, DIGESTS_PROBED, identifier);
	}
	if (donor->phone && !streq(donor->phone, known->before.phone))
		donor_digest_phone(digests, work->store, work->view, DIGESTS_WRITTEN, donor->phone);
	if (donor->name && donor->birth_year && !known->before.name)
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

static void audit_donor(struct hand_in *work, const struct known *known)
{
	struct buf was = { 0 }, is = { 0 };

	image_donor(&is, &known->record.donor);
	work->audit.actor = &(known->is_new ? hand_in_whose(work, known->by) : work->op)->actor;
	if (known->is_new) {
		audit_add(&work->audit, "donor.register", "donor", known->record.donor.id, NULL, &is);
	} else {
		image_donor(&was, &known->before);
		audit_add(&work->audit, known->gone ? "donor.merged" : known->told_more ? "donor.change" : "donor.merge", "donor",
			  known->record.donor.id, &was, &is);
	}
	buf_release(&was);
	buf_release(&is);
}

/* A record that is new, or another than it was. */
static bool add_donor(struct hand_in *work, struct known *known, struct error *err)
{
	struct donor *donor = &known->record.donor;
	struct columns *rows = &work->donors, *numbers = &work->identifiers;
	struct arena *arena = work->arena;
	char day[DATE_TEXT_SIZE];
	size_t at = rows->count++;

	if (!donor_open_key(&known->record, work->store, err))
		return false;
	donor->version = known->is_new ? 1 : known->before.version + 1;
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
	rows->cells[12][at] = known->is_new ? "new" : "";
	for (size_t i = known->before.nidentifiers; i < donor->nidentifiers; i++) {
		at = numbers->count++;
		numbers->cells[0][at] = donor->identifiers[i].id;
		numbers->cells[1][at] = donor->id;
		numbers->cells[2][at] = identifier_kind_text(donor->identifiers[i].identifier.kind);
		numbers->cells[3][at] = donor_seal_identifier(&donor->identifiers[i], donor->id, work->store, arena);
	}
	add_digests(work, known);
	audit_donor(work, known);
	return true;
}

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
							  (fresh->doubted ? FLAG_DOUBTED : 0) | (fresh->claims ? FLAG_CLAIMS : 0)),
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

static void query_devices(struct hand_in *work, struct db_query *query)
{
	const char **devices = arena_alloc(work->arena, (work->nfresh + 1) * sizeof(*devices));

	for (size_t i = 0; i < work->nfresh; i++)
		devices[i] = or_empty(hand_in_whose(work, work->fresh[i].index)->device_id);
	query_texts(query, work->arena, devices, work->nfresh);
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
	query_text(query, decision_audit_text(work->store, &op->actor, 1, work->arena));
	query_time(query, work->arena, clock_wall_us(work->store->clock));
}

static void query_gifts(struct hand_in *work, struct db_query *query)
{
	struct gift_of_item *gifts = arena_alloc(work->arena, (work->nfresh + 1) * sizeof(*gifts));
	size_t count = 0;

	for (size_t i = 0; i < work->nfresh; i++) {
		const struct fresh *fresh = &work->fresh[i];
		struct gift *gift = &gifts[count].gift;

		if (fresh->item->kind != ITEM_GIFT || fresh->item->gift_vnd == 0 || !fresh->round_known)
			continue;
		snprintf(gift->round_id, sizeof(gift->round_id), "%s", fresh->item->round_id);
		memcpy(gift->donor_id, fresh->of->record.donor.id, sizeof(gift->donor_id));
		gift->kind = fresh->item->gift;
		gift->vnd = fresh->item->gift_vnd;
		gift->handed_on = fresh->day;
		gifts[count].item_id = fresh->item->id;
		gifts[count++].content_hash = fresh->hash;
	}
	query_text(query, gift_items_text(gifts, count, work->store, work->arena));
}

static void audit_fresh(struct hand_in *work, const struct fresh *fresh)
{
	const struct item *item = fresh->item;
	const char *donor_id = fresh->of->record.donor.id, *round = fresh->round_known ? item->round_id : NULL;
	struct item_image image = {
		.id = item->id, .content_hash = fresh->hash, .kind = item_kind_text(item->kind), .install = item->install,
		.seq = item->seq, .captured_us = item->captured_us, .corrects = item->corrects, .round_id = round,
		.donor_id = donor_id, .registers = fresh->registers, .provisional_id = *fresh->provisional ? fresh->provisional : NULL,
		.device_id = hand_in_whose(work, fresh->index)->device_id, .held = fresh->held, .sealed = fresh->sealed,
		.accepts = item_accepts(item), .tie = fresh->tie, .staff = work->op->step != NULL,
	};
	struct buf after = { 0 };

	work->audit.actor = &hand_in_whose(work, fresh->index)->actor;
	image_item(&after, &image);
	audit_add(&work->audit, "item.add", "item", hand_in_subject(work->arena, item->id, fresh->hash), NULL, &after);
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

static void add_lock(struct hand_in *work, const char *donor_id, int64_t version)
{
	struct columns *locks = &work->locks;

	locks->cells[0][locks->count] = donor_id;
	locks->cells[1][locks->count++] = arena_printf(work->arena, "%lld", (long long)version);
}

/* What becomes of the records, and on which versions of which all of it stands. */
static bool collect_donors(struct hand_in *work, struct error *err)
{
	struct columns *merges = &work->merges;
	size_t count = 0, numbers = 0;

	for (struct known *known = work->known; known; known = known->next, count++)
		numbers += known->record.donor.nidentifiers;
	columns_init(&work->donors, work->arena, 13, count);
	columns_init(&work->identifiers, work->arena, 4, numbers);
	columns_init(merges, work->arena, 3, count);
	columns_init(&work->locks, work->arena, 2, count + work->ndoubts);
	for (struct known *known = work->known; known; known = known->next) {
		if ((known->is_new || known->told_more || known->took || known->gone) && !add_donor(work, known, err))
			return false;
		if (known->gone) {
			merges->cells[0][merges->count] = known->record.donor.id;
			merges->cells[1][merges->count] = known_root(known)->record.donor.id;
			merges->cells[2][merges->count++] = known->record.donor.merged_with;
		}
		if (!known->is_new && (known->used || known->told_more || known->took || known->gone))
			add_lock(work, known->record.donor.id, known->before.version);
	}
	for (size_t i = 0; i < work->ndoubts; i++)
		if (!known_by_id(work, work->doubts[i].donor_id))
			add_lock(work, work->doubts[i].donor_id, -1);
	return true;
}

static void write_on_done(struct db_query *query, const struct db_result *result);

void hand_in_write(struct hand_in *work)
{
	struct db_query *query = &work->op->query;
	struct arena *arena = work->arena;
	struct error err;

	error_clear(&err);
	audit_begin(&work->audit, work->store, &work->op->actor);
	if (!collect_donors(work, &err)) {
		(void)audit_end(&work->audit, arena);
		hand_in_fail(work, &err);
		return;
	}
	for (size_t i = 0; i < work->nfresh; i++)
		audit_fresh(work, &work->fresh[i]);
	for (size_t i = 0; i < work->nreplayed; i++) {
		work->audit.actor = &hand_in_whose(work, work->replayed[i])->actor;
		audit_add_reading(&work->audit, "item.replay", "item",
				  hand_in_subject(arena, hand_in_item(work, work->replayed[i])->id, work->hashes[work->replayed[i]]), NULL);
	}
	query_begin(query, &write_statement, DB_WRITE, write_on_done);
	query->urgent = true;                    /* half of the work is done; they are few at a time */
	query_text(query, audit_end(&work->audit, arena));
	query_written_keys(query, work->view, arena);
	query_devices(work, query);
	for (size_t i = 0; i < work->donors.ncells - 1; i++)
		query_texts(query, arena, work->donors.cells[i], work->donors.count);
	columns_query(&work->identifiers, query, arena);
	query_texts(query, arena, work->digests.digest, work->digests.count);
	query_texts(query, arena, work->digests.use, work->digests.count);
	query_texts(query, arena, work->digests.key_id, work->digests.count);
	query_texts(query, arena, work->digests.identifier_id, work->digests.count);
	query_texts(query, arena, work->digest_donors, work->digests.count);
	query_items(work, query);
	query_doubts(work, query);
	query_step(work, query);
	query_gifts(work, query);
	columns_query(&work->locks, query, arena);
	query_texts(query, arena, work->donors.cells[12], work->donors.count);
	columns_query(&work->merges, query, arena);
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
			if (streq(work->fresh[i].item->id, hand_in_item(work, index)->id) && work->fresh[i].hash == work->hashes[index])
				work->op->results[index].first = work->op->results[work->fresh[i].index].verdict;
	}
}

bool hand_in_took_too_long(const struct db_result *result)
{
	return result->outcome == DB_REFUSED && streq(result->sqlstate, "57014");
}

bool hand_in_half(struct hand_in *work, const struct db_result *result)
{
	if (!hand_in_took_too_long(result) || work->len < 2)
		return false;
	work->len = work->most = (work->len + 1) / 2;
	work->attempts = 0;
	hand_in_begin(work);
	return true;
}

void hand_in_less(struct hand_in *work)
{
	work->attempts = 0;
	if (work->len > 1) {
		work->len = (work->len + 1) / 2;
		hand_in_begin(work);
	} else {
		work->hashes[work->from] = NULL;
		work->op->results[work->from] = (struct item_result){ .verdict = ITEM_RETRY };
		hand_in_next(work);
	}
}

void hand_in_fail(struct hand_in *work, const struct error *err)
{
	if (err->code != ERR_INTERNAL) {
		hand_in_finish(work, err);
		return;
	}
	if (work->len == 1)
		log_error("item_unwritten", "a record that it names cannot be opened");
	hand_in_less(work);
}

/* Refused for what is in it, or for what somebody else wrote meanwhile: not for the state of the database or of the keys. */
static bool may_settle_anew(const struct db_result *result)
{
	return result->outcome == DB_REFUSED && !db_try_again(result);
}

static bool collided(const struct db_result *result)
{
	if (result->outcome == DB_OK)
		return db_bool(result, 0, 4) && db_bool(result, 0, 5) && !db_bool(result, 0, 0);
	if (result->outcome != DB_REFUSED)
		return false;
	return streq(result->sqlstate, "40P01") ||
	       (result->constraint && (strstr(result->constraint, "_pk") || strstr(result->constraint, "_uk") ||
				       streq(result->constraint, "fact_donor_erased_ck")));
}

static void write_on_done(struct db_query *query, const struct db_result *result)
{
	struct hand_in *work = container_of(query, struct item_hand_in, query)->work;
	struct error err;

	if (collided(result) && ++work->attempts < ATTEMPTS_MAX) {
		hand_in_begin(work);
		return;
	}
	if (hand_in_half(work, result))
		return;
	if (collided(result) || may_settle_anew(result)) {
		(void)!result_ok(result, &err);          /* into the log */
		hand_in_less(work);
		return;
	}
	if (!result_ok(result, &err)) {
		hand_in_finish(work, &err);
		return;
	}
	if (!db_bool(result, 0, 0)) {
		error_clear(&err);
		if (!db_bool(result, 0, 4))
			fail_stale(&err);
		else
			fail_keys(&err);
		hand_in_finish(work, &err);
		return;
	}
	read_written(work, result);
	hand_in_next(work);
}
