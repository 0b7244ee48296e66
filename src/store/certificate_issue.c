#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "domain/unit.h"
#include "store/audit.h"
#include "store/certificate_row.h"
#include "store/certificate_store.h"
#include "store/donor_row.h"
#include "store/failure.h"
#include "store/image.h"
#include "store/replay.h"
#include "store/row.h"

/* ---- what there is to issue for ---- */

/* $3 code of the body or NULL, $4 the day. */
#define ISSUING \
	"one AS (SELECT count(DISTINCT code) AS bodies, min(code) AS code FROM issuing_body WHERE valid_from <= $4::date)," \
	" body AS (SELECT b.* FROM issuing_body AS b, one WHERE b.valid_from <= $4::date" \
	"  AND b.code = coalesce($3, CASE WHEN one.bodies = 1 THEN one.code END) ORDER BY b.valid_from DESC LIMIT 1)," \
	" signs AS (SELECT k.* FROM certificate_key AS k JOIN body ON k.issuer = body.code" \
	"  WHERE k.year = extract(year FROM $4::date) ORDER BY k.generation DESC LIMIT 1)"
#define CANDIDATE_COLUMNS \
	"b.code, b.valid_from, b.name, b.place, b.signer, s.generation, s.sign_key_id, s.compromised_at IS NOT NULL," \
	" x.id, x.volume_ml, x.component, x.donated_on, x.evidence = 'confirmed', x.outcome, n.held, n.open, n.id IS NOT NULL," \
	" v.name, v.unit_id, r.id, r.team_id," \
	" ARRAY(SELECT u.unit_id FROM round_unit AS u WHERE u.round_id = r.id ORDER BY u.position), r.from_day, r.status," \
	" t.issuer, t.year, t.ordinal, " DONOR_PLAIN_COLUMNS ", " DONOR_SEALED_COLUMNS
#define CANDIDATE_JOINS \
	" LEFT JOIN donor_alias AS a ON a.donor_id = x.donor_id JOIN donor AS d ON d.id = coalesce(a.into_id, x.donor_id)" \
	" LEFT JOIN round AS r ON r.id = x.round_id LEFT JOIN venue AS v ON v.id = r.venue_id" \
	" LEFT JOIN LATERAL (SELECT c.issuer, c.year, c.ordinal FROM donation_certificates(x.id) AS c LIMIT 1) AS t ON true" \
	" LEFT JOIN body AS b ON true LEFT JOIN signs AS s ON true"
enum {
	B_CODE, B_FROM, B_NAME, B_PLACE, B_SIGNER, K_GENERATION, K_SIGN, K_COMPROMISED, X_ID, X_VOLUME, X_COMPONENT, X_ON,
	X_CONFIRMED, X_OUTCOME, N_HELD, N_OPEN, N_COUNTS, V_NAME, V_UNIT, R_ID, R_TEAM, R_UNITS, R_ON, R_STATUS, T_NUMBER,
	D_PLAIN = T_NUMBER + 3, D_SEALED = D_PLAIN + DONOR_PLAIN_COUNT
};

static const struct db_statement of_donation = {
	"WITH " ISSUING " SELECT " CANDIDATE_COLUMNS " FROM donation AS x LEFT JOIN donation_counting AS n ON n.id = x.id" CANDIDATE_JOINS
	" WHERE x.id = $1::uuid AND $2::uuid IS NULL AND $6::uuid IS NULL LIMIT $5::integer"
};
static const struct db_statement of_round = {
	"WITH " ISSUING " SELECT " CANDIDATE_COLUMNS " FROM donation_counting AS n JOIN donation AS x ON x.id = n.id" CANDIDATE_JOINS
	" WHERE $1::uuid IS NULL AND n.round_id = $2::uuid AND n.evidence = 'confirmed' AND n.outcome IS NOT NULL AND n.volume_ml > 0"
	"  AND t.issuer IS NULL AND d.erased_at IS NULL AND NOT n.held AND NOT n.open AND ($6::uuid IS NULL OR x.id > $6::uuid)"
	" ORDER BY x.id LIMIT $5::integer"
};

static bool read_issuer(struct certificate_prepare *prepare, const struct db_result *result)
{
	struct certificate_issuer *issuing = &prepare->issuing;
	struct arena *arena = prepare->arena;

	row_issuer(result, 0, B_CODE, issuing->body.code);
	issuing->issued_on = prepare->today;
	if (!*issuing->body.code)
		return true;
	issuing->body.valid_from = row_date(result, 0, B_FROM);
	issuing->body.name = row_text(arena, result, 0, B_NAME);
	issuing->body.place = row_text(arena, result, 0, B_PLACE);
	issuing->body.signer = row_text(arena, result, 0, B_SIGNER);
	memcpy(issuing->key.issuer, issuing->body.code, ISSUER_CODE_SIZE);
	issuing->key.year = prepare->today.year;
	issuing->key.generation = row_int(result, 0, K_GENERATION, 0);
	issuing->key.sign_key_id = row_int(result, 0, K_SIGN, 0);
	return certificate_key_choose(&issuing->key, db_bool(result, 0, K_COMPROMISED), prepare->store, &prepare->error);
}

static const char *joined(const char *first, const char *second, struct arena *arena)
{
	if (first && second)
		return arena_printf(arena, "%s, %s", first, second);
	return first ? first : second;
}

/* The donor's key is open from here to the next candidate. */
static void candidate_seal(struct certificate_candidate *candidate, const char *const *round_units, size_t nround_units,
			   const struct certificate_prepare *prepare)
{
	const struct donor *donor = &candidate->record.donor;
	const struct issuing_body *body = &prepare->issuing.body;
	const char *home = NULL, *place = NULL;
	struct arena *arena = prepare->arena;
	struct certificate_print_text print;

	uuid7_make(candidate->id, clock_wall_us(prepare->store->clock));
	certificate_code_make(certificate_code_random(), candidate->code);
	certificate_salt_make(print.salt);
	certificate_revocation_id(print.salt, candidate->revocation_id);
	if (prepare->units) {
		const char *unit = candidate->venue_unit ? candidate->venue_unit : nround_units > 0 ? round_units[0] : NULL;

		home = unit_words_on(prepare->units, donor->unit_id, candidate->donated_on, arena);
		place = unit_words_on(prepare->units, unit, candidate->donated_on, arena);
	}
	print.content = (struct certificate_content){
		.name = donor->name, .birth_date = donor->birth_date, .birth_year = donor->birth_year,
		.address = joined(donor->address, home, arena), .place = joined(candidate->venue, place, arena),
		.issuer = body->name, .issuer_place = body->place, .signer = body->signer,
	};
	candidate->sealed_hex = certificate_seal_print(&print, candidate->id, donor->id, prepare->store, arena);
}

static bool read_candidate(struct certificate_candidate *candidate, struct certificate_prepare *prepare,
			   const struct db_result *result, int row)
{
	struct certificate_donation *donation = &candidate->donation;
	struct arena *arena = prepare->arena;
	size_t nunits;
	const char **units = row_texts(arena, result, row, R_UNITS, &nunits);

	row_uuid(result, row, X_ID, candidate->donation_id);
	donation->volume_ml = row_int(result, row, X_VOLUME, 0);
	donation->confirmed = db_bool(result, row, X_CONFIRMED);
	donation->outcome = row_text(arena, result, row, X_OUTCOME);
	donation->held = db_bool(result, row, N_HELD);
	donation->open = db_bool(result, row, N_OPEN);
	donation->counts = db_bool(result, row, N_COUNTS);
	(void)component_parse(db_text(result, row, X_COMPONENT), &candidate->component);
	candidate->donated_on = row_date(result, row, X_ON);
	candidate->venue = row_text(arena, result, row, V_NAME);
	candidate->venue_unit = row_text(arena, result, row, V_UNIT);
	donor_read_plain(&candidate->record, arena, result, row, D_PLAIN);
	donation->erased = candidate->record.donor.erased;
	if (prepare->donation_id) {
		prepare->round = row_text(arena, result, row, R_ID);
		prepare->team = row_text(arena, result, row, R_TEAM);
		prepare->round_units = units;
		prepare->nround_units = nunits;
		prepare->round_on = row_date(result, row, R_ON);
		(void)round_status_parse(db_text(result, row, R_STATUS), &prepare->round_status);
		row_number(result, row, T_NUMBER, &prepare->existing);
	}
	if (donation->erased || !*prepare->issuing.body.code)
		return true;
	if (!donor_read_sealed(&candidate->record, prepare->store, arena, result, row, D_SEALED, &prepare->error))
		return false;
	const struct donor *donor = &candidate->record.donor;

	donation->nameless = !certificate_holder_text(donor->name, donor->birth_date, donor->birth_year, arena);
	if (!donation->nameless)
		candidate_seal(candidate, units, nunits, prepare);
	return true;
}

/* Of a round: one that does not open here, or of whom no name is known, does not stop the others. */
static void read_next(struct certificate_prepare *prepare, const struct db_result *result, int row)
{
	struct certificate_candidate *candidate = &prepare->candidates[prepare->ncandidates];

	memset(candidate, 0, sizeof(*candidate));
	if (read_candidate(candidate, prepare, result, row) && !candidate->donation.nameless) {
		prepare->ncandidates++;
		return;
	}
	error_clear(&prepare->error);
	prepare->left_out[prepare->nleft_out++] = arena_strdup(prepare->arena, candidate->donation_id);
}

static void prepare_on_done(struct db_query *query, const struct db_result *result)
{
	struct certificate_prepare *prepare = container_of(query, struct certificate_prepare, query);
	int rows = 0;

	if (result_ok(result, &prepare->error)) {
		rows = db_rows(result);
		if (rows == 0 && prepare->donation_id)
			fail_not_found(&prepare->error);
		else if (rows > 0 && !read_issuer(prepare, result))
			rows = 0;
	}
	prepare->candidates = arena_alloc(prepare->arena, ((size_t)rows + 1) * sizeof(*prepare->candidates));
	prepare->left_out = arena_alloc(prepare->arena, ((size_t)rows + 1) * sizeof(*prepare->left_out));
	for (int i = 0; i < rows && !prepare->donation_id; i++)
		read_next(prepare, result, i);
	if (rows > 0 && prepare->donation_id && read_candidate(&prepare->candidates[0], prepare, result, 0))
		prepare->ncandidates = 1;
	if (rows > 0)
		row_uuid(result, rows - 1, X_ID, prepare->last);
	prepare->done(prepare);
}

void certificate_prepare_send(struct store *store, struct certificate_prepare *prepare)
{
	char *today = arena_alloc(prepare->arena, DATE_TEXT_SIZE);
	struct db_query *query = &prepare->query;

	prepare->store = store;
	prepare->ncandidates = prepare->nleft_out = 0;
	prepare->last[0] = '\0';
	query_begin(query, prepare->donation_id ? &of_donation : &of_round, prepare->donation_id ? DB_READ : DB_SLOW,
		    prepare_on_done);
	query_text(query, uuid_or_nil(prepare->donation_id));
	query_text(query, prepare->donation_id ? NULL : uuid_or_nil(prepare->round_id));
	query_text(query, prepare->issuer);
	query_text(query, date_format(prepare->today, today));
	query_int(query, prepare->arena, prepare->donation_id ? 1 : prepare->limit);
	query_text(query, prepare->donation_id ? NULL : prepare->after);
	db_send(store->db, query);
}

/* ---- issuing ---- */

/*
 * $9 .. $14 the key; $15 the day; arrays: $16 ids, $17 donations, $18 donors, $19 codes, $20 revocation ids, $21 sealed; $22 batch;
 * $23 audit of a key that is made.
 * The series' row is held from the update on: who comes second counts on from there.
 */
static const struct db_statement issue_statement = {
	"WITH " CLAIM("true") ","
	" want AS (SELECT w.*, x.round_id, x.bag_code, x.volume_ml, x.component, x.donated_on, row_number() OVER (ORDER BY w.n) AS place"
	"  FROM go, unnest($16::uuid[], $17::uuid[], $18::uuid[], $19::text[], $20::bytea[], $21::bytea[])"
	"   WITH ORDINALITY AS w (id, donation_id, donor_id, code, revocation_id, sealed, n)"
	"   JOIN donation_counting AS x ON x.id = w.donation_id JOIN donor AS d ON d.id = w.donor_id AND d.erased_at IS NULL"
	"  WHERE x.evidence = 'confirmed' AND x.outcome IS NOT NULL AND x.volume_ml > 0 AND NOT x.held AND NOT x.open"
	"   AND NOT EXISTS (SELECT FROM donation_certificates(x.id))),"
	" signs AS (" CERTIFICATE_KEY_INSERT("$9", "$10", "$11", "$12", "$13", "$14", "EXISTS (SELECT FROM want)") " RETURNING 1),"
	" audit_signs AS (" AUDIT_INSERT("$23", "EXISTS (SELECT FROM signs)") "),"
	" series AS (INSERT INTO certificate_series AS s (issuer, year, last)"
	"  SELECT $9, $10::integer, coalesce((SELECT o.last FROM certificate_series AS o WHERE o.issuer = ''), 0) + count(*) FROM want"
	"  HAVING count(*) > 0"
	"  ON CONFLICT (issuer, year) DO UPDATE SET last = s.last + (SELECT count(*) FROM want) RETURNING last),"
	" made AS (INSERT INTO certificate (id, issuer, year, ordinal, donation_id, donor_id, round_id, bag_code, volume_ml, component,"
	"   donated_on, issued_on, generation, code, revocation_id, sealed)"
	"  SELECT w.id, $9, $10::integer, series.last - (SELECT count(*) FROM want) + w.place, w.donation_id, w.donor_id, w.round_id,"
	"   w.bag_code, w.volume_ml, w.component, w.donated_on, $15::date, $11::integer, w.code, w.revocation_id, w.sealed"
	"  FROM want AS w, series RETURNING id, issuer, year, ordinal),"
	" audit AS (INSERT INTO audit_entry (" AUDIT_COLUMNS ")"
	"  SELECT " AUDIT_ROW("e", CERTIFICATE_SUBJECT("made"))
	"  FROM made JOIN want ON want.id = made.id JOIN jsonb_array_elements($8::jsonb) WITH ORDINALITY AS e (row, n) ON e.n = want.n),"
	" batch AS (UPDATE certificate_batch SET issued = issued + (SELECT count(*) FROM made)"
	"  WHERE id = $22::uuid AND EXISTS (SELECT FROM made))"
	" SELECT EXISTS (SELECT FROM go), (SELECT count(*) FROM made)"
};

static void issue_on_replayed(struct db_query *query, const struct db_result *result)
{
	struct certificate_issue *issue = container_of(query, struct certificate_issue, query);

	(void)!replay_read(result, &issue->idempotency, &issue->error);
	issue->done(issue);
}

static void issue_on_done(struct db_query *query, const struct db_result *result)
{
	struct certificate_issue *issue = container_of(query, struct certificate_issue, query);
	enum claim claim = claim_read(result, &issue->idempotency, &issue->error);

	if (claim == CLAIM_LOST) {
		replay_send(issue->store, query, &issue->idempotency, &issue->actor, "certificate", issue->arena,
			    issue_on_replayed);
		return;
	}
	if (claim == CLAIM_WON)
		issue->issued = row_int(result, 0, 1, 0);
	if (claim == CLAIM_WON && issue->issued == 0 && !issue->batch_id)
		error_set(&issue->error, ERR_ALREADY_EXISTS,
			  "Somebody issued it in this moment, or the donation changed. Read it again.",
			  "Vừa có người cấp giấy, hoặc lần hiến đã thay đổi. Hãy xem lại.");
	issue->done(issue);
}

static void image_candidate(struct buf *buf, const struct certificate_candidate *candidate, struct date issued_on)
{
	const struct certificate_image image = {
		.id = candidate->id, .donation_id = candidate->donation_id, .donor_id = candidate->record.donor.id,
		.code = candidate->code, .sealed = candidate->sealed_hex, .volume_ml = candidate->donation.volume_ml,
		.component = candidate->component, .donated_on = candidate->donated_on, .issued_on = issued_on,
	};

	image_certificate(buf, &image);
}

/* Arrays side by side. */
struct columns {
	const char **ids, **donations, **donors, **codes, **revocations, **sealed;
};

static const char **column(struct arena *arena, size_t count)
{
	return arena_alloc(arena, (count + 1) * sizeof(const char *));
}

static void add_candidates(struct db_query *query, const struct certificate_prepare *of, struct audit *audit,
			   struct arena *arena, struct columns *columns)
{
	size_t count = of->ncandidates;

	*columns = (struct columns){ column(arena, count), column(arena, count), column(arena, count),
				     column(arena, count), column(arena, count), column(arena, count) };
	for (size_t i = 0; i < count; i++) {
		const struct certificate_candidate *candidate = &of->candidates[i];
		struct buf image = { 0 };

		columns->ids[i] = candidate->id;
		columns->donations[i] = candidate->donation_id;
		columns->donors[i] = candidate->record.donor.id;
		columns->codes[i] = candidate->code;
		columns->revocations[i] = bytes_text(arena, candidate->revocation_id, sizeof(candidate->revocation_id));
		columns->sealed[i] = candidate->sealed_hex;
		image_candidate(&image, candidate, of->issuing.issued_on);
		audit_add(audit, "certificate.issue", "certificate", "", NULL, &image);
		buf_release(&image);
	}
	query_text(query, audit_end(audit, arena));
}

void certificate_issue_send(struct store *store, struct certificate_issue *issue)
{
	const struct certificate_prepare *of = issue->of;
	char *day = arena_alloc(issue->arena, DATE_TEXT_SIZE);
	size_t count = of->ncandidates;
	struct db_query *query = &issue->query;
	struct arena *arena = issue->arena;
	struct columns columns;
	struct audit audit;

	issue->store = store;
	issue->issued = 0;
	error_clear(&issue->error);
	query_begin(query, &issue_statement, DB_WRITE, issue_on_done);
	query_claim(query, store, &issue->idempotency, of->candidates[0].id, arena);
	audit_begin(&audit, store, &issue->actor);
	add_candidates(query, of, &audit, arena, &columns);
	query_certificate_key(query, &of->issuing.key, arena);
	query_text(query, date_format(of->issuing.issued_on, day));
	query_texts(query, arena, columns.ids, count);
	query_texts(query, arena, columns.donations, count);
	query_texts(query, arena, columns.donors, count);
	query_texts(query, arena, columns.codes, count);
	query_texts(query, arena, columns.revocations, count);
	query_texts(query, arena, columns.sealed, count);
	query_text(query, issue->batch_id);
	query_text(query, audit_of_key(store, &issue->actor, "certificate_key.make", &of->issuing.key, arena));
	db_send(store->db, query);
}
