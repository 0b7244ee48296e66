#include "store/record_store.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/text.h"
#include "domain/component.h"
#include "domain/donation.h"
#include "domain/honour.h"
#include "domain/tariff.h"
#include "store/access_store.h"
#include "store/catalog_store.h"
#include "store/certificate_row.h"
#include "store/donor_row.h"
#include "store/donor_store.h"
#include "store/family_store.h"
#include "store/failure.h"
#include "store/image.h"
#include "store/key_store.h"
#include "store/plan_store.h"
#include "store/round_row.h"
#include "store/round_store.h"
#include "store/row.h"
#include "store/user_store.h"

static const char *const kinds[RECORD_KINDS] = {
	[RECORD_ROUND] = "round", [RECORD_PLAN] = "plan", [RECORD_REPORT] = "report", [RECORD_VENUE] = "venue",
	[RECORD_TEAM] = "team", [RECORD_CAMPAIGN] = "campaign", [RECORD_TOKEN] = "token", [RECORD_KEY] = "key",
	[RECORD_DONOR] = "donor", [RECORD_USER] = "user", [RECORD_LOOKUP] = "lookup",
	[RECORD_DONATION] = "donation", [RECORD_DEFERRAL] = "deferral", [RECORD_DEFERRAL_LIFT] = "deferral_lift",
	[RECORD_ITEM] = "item", [RECORD_ITEM_DECISION] = "item_decision", [RECORD_DEVICE] = "device",
	[RECORD_APPOINTMENT] = "appointment", [RECORD_SEAT_GROUP] = "seat_group", [RECORD_SLOT_RULES] = "slot_rules",
	[RECORD_CERTIFICATE] = "certificate", [RECORD_REDEMPTION] = "redemption", [RECORD_GIFT] = "gift", [RECORD_HONOUR] = "honour",
	[RECORD_FAMILY] = "family", [RECORD_FAMILY_MEMBER] = "family_member",
};

const char *record_kind_text(enum record_kind kind)
{
	return kinds[kind];
}

/* ---- what the audit says ---- */

/*
 * A repeated request, or a reading, makes an entry without digests; where somebody was told that a number is known,
 * the digest is of the number.
 */
#define SAYS(e) \
	"(" e ".digest_before IS NOT NULL OR " e ".digest_after IS NOT NULL) AND " e ".action <> 'donor.known'"

/* Entries that are not sealed yet are the newest; among sealed ones the chain's order counts. */
static const struct db_statement last_entries = {
	"SELECT subject.id, last.id, last.action, last.key_id, last.digest_after"
	" FROM (SELECT DISTINCT subject_id AS id FROM audit_entry AS e WHERE subject_kind = $1 AND subject_id > $2"
	"   AND " SAYS("e")
	"   AND ($3::text IS NULL OR subject_id = $3) ORDER BY subject_id LIMIT $4::integer) AS subject"
	"  CROSS JOIN LATERAL ("
	"   SELECT e.id, e.action, e.key_id, e.digest_after FROM audit_entry AS e"
	"    LEFT JOIN audit_seal AS s ON s.entry_id = e.id"
	"    WHERE e.subject_kind = $1 AND e.subject_id = subject.id"
	"     AND " SAYS("e")
	"    ORDER BY s.position DESC NULLS FIRST, e.xid DESC, e.id DESC LIMIT 1) AS last"
	" ORDER BY subject.id"
};

static void page_on_done(struct db_query *query, const struct db_result *result)
{
	struct record_page *page = container_of(query, struct record_page, query);

	page->nrows = 0;
	if (result_ok(result, &page->error)) {
		page->nrows = (size_t)db_rows(result);
		page->rows = arena_alloc(page->arena, (page->nrows + 1) * sizeof(*page->rows));
		for (int i = 0; i < (int)page->nrows; i++)
			page->rows[i] = (struct record_last){
				.subject_id = row_text(page->arena, result, i, 0),
				.entry_id = row_text(page->arena, result, i, 1),
				.action = row_text(page->arena, result, i, 2),
				.key_id = row_int(result, i, 3, 0),
				.digest = row_text(page->arena, result, i, 4),
			};
	}
	page->done(page);
}

void record_page_send(struct store *store, struct record_page *page)
{
	query_begin(&page->query, &last_entries, DB_SLOW, page_on_done);
	query_text(&page->query, kinds[page->kind]);
	query_text(&page->query, page->after);
	query_text(&page->query, page->only);
	query_int(&page->query, page->arena, page->limit);
	db_send(store->db, &page->query);
}

/* ---- what is there ---- */

static void finish(struct record_digest *digest, const struct buf *image)
{
	digest->there = image != NULL;
	if (image)
		keyring_digest(digest->store->keyring, digest->key_id, "audit", image->data, image->len,
			       digest->digest);
	digest->done(digest);
}

/* What is not there is an answer here. */
static bool was_found(struct record_digest *digest, const struct error *err)
{
	bool absent = err->code == ERR_NOT_FOUND;

	error_clear(&digest->error);
	if (err->code != ERR_NONE && !absent)
		digest->error = *err;
	if (err->code != ERR_NONE)
		finish(digest, NULL);
	return err->code == ERR_NONE;
}

struct round_op {
	struct record_digest *digest;
	struct round_load     load;
};

static void on_round(struct round_load *load)
{
	struct record_digest *digest = container_of(load, struct round_op, load)->digest;
	struct buf image = { 0 };

	if (!was_found(digest, &load->error))
		return;
	image_round(&image, &load->round);
	finish(digest, &image);
	buf_release(&image);
}

static void load_round(struct record_digest *digest)
{
	struct round_op *op = arena_alloc(digest->arena, sizeof(*op));

	op->digest = digest;
	op->load = (struct round_load){ .key = digest->id, .arena = digest->arena, .done = on_round };
	round_load_send(digest->store, &op->load);
}

struct plan_op {
	struct record_digest *digest;
	struct plan_load      load;
};

static void on_plan(struct plan_load *load)
{
	struct record_digest *digest = container_of(load, struct plan_op, load)->digest;
	struct buf image = { 0 };

	if (!was_found(digest, &load->error))
		return;
	image_plan(&image, &load->plan);
	finish(digest, &image);
	buf_release(&image);
}

static void load_plan(struct record_digest *digest)
{
	struct plan_op *op = arena_alloc(digest->arena, sizeof(*op));

	op->digest = digest;
	op->load = (struct plan_load){ .key = digest->id, .arena = digest->arena, .done = on_plan };
	plan_load_send(digest->store, &op->load);
}

struct catalog_op {
	struct record_digest *digest;
	struct catalog_load   load;
};

static void on_catalog(struct catalog_load *load)
{
	struct record_digest *digest = container_of(load, struct catalog_op, load)->digest;
	struct buf image = { 0 };

	if (!was_found(digest, &load->error))
		return;
	image_catalog_item(&image, &load->item);
	finish(digest, &image);
	buf_release(&image);
}

static void load_catalog(struct record_digest *digest)
{
	static const enum catalog_kind of[RECORD_KINDS] = {
		[RECORD_VENUE] = CATALOG_VENUE, [RECORD_TEAM] = CATALOG_TEAM, [RECORD_CAMPAIGN] = CATALOG_CAMPAIGN,
	};
	struct catalog_op *op = arena_alloc(digest->arena, sizeof(*op));

	op->digest = digest;
	op->load = (struct catalog_load){ .kind = of[digest->kind], .key = digest->id, .arena = digest->arena,
					  .done = on_catalog };
	catalog_load_send(digest->store, &op->load);
}

struct token_op {
	struct record_digest *digest;
	struct token_load     load;
};

static void on_token(struct token_load *load)
{
	struct record_digest *digest = container_of(load, struct token_op, load)->digest;
	struct buf image = { 0 };

	if (!was_found(digest, &load->error))
		return;
	image_token(&image, &load->token);
	finish(digest, &image);
	buf_release(&image);
}

static void load_token(struct record_digest *digest)
{
	struct token_op *op = arena_alloc(digest->arena, sizeof(*op));

	op->digest = digest;
	op->load = (struct token_load){ .id = digest->id, .arena = digest->arena, .done = on_token };
	token_load_send(digest->store, &op->load);
}

struct key_op {
	struct record_digest *digest;
	struct key_load       load;
};

static void on_keys(struct key_load *load)
{
	struct record_digest *digest = container_of(load, struct key_op, load)->digest;
	struct buf image = { 0 };
	char name[32];

	if (!was_found(digest, &load->error))
		return;
	for (size_t i = 0; i < load->nrecords && image.len == 0; i++) {
		const struct key_record *key = &load->records[i];

		snprintf(name, sizeof(name), "%s-%d", key_kind_text(key->kind), key->id);
		if (streq(name, digest->id))
			image_key(&image, key);
	}
	finish(digest, image.len > 0 ? &image : NULL);
	buf_release(&image);
}

static void load_key(struct record_digest *digest)
{
	struct key_op *op = arena_alloc(digest->arena, sizeof(*op));

	op->digest = digest;
	op->load = (struct key_load){ .done = on_keys };
	key_load_send(digest->store, &op->load);
}

struct user_op {
	struct record_digest *digest;
	struct user_load      load;
};

static void on_user(struct user_load *load)
{
	struct record_digest *digest = container_of(load, struct user_op, load)->digest;
	struct buf image = { 0 };

	if (!was_found(digest, &load->error))
		return;
	image_user(&image, &load->user);
	finish(digest, &image);
	buf_release(&image);
}

static void load_user(struct record_digest *digest)
{
	struct user_op *op = arena_alloc(digest->arena, sizeof(*op));

	op->digest = digest;
	op->load = (struct user_load){ .key = digest->id, .arena = digest->arena, .done = on_user };
	user_load_send(digest->store, &op->load);
}

static const struct db_statement report_by_id = {
	"SELECT report.round_id, " REPORT_COLUMNS("report") " FROM round_report AS report WHERE report.id = $1::uuid"
};

static void on_report(struct db_query *query, const struct db_result *result)
{
	struct record_digest *digest = container_of(query, struct record_digest, query);
	struct buf image = { 0 };
	struct report report;

	if (!result_ok(result, &digest->error) || db_rows(result) == 0) {
		finish(digest, NULL);
		return;
	}
	report_read_row(&report, digest->arena, result, 0, 1);
	image_report(&image, db_text(result, 0, 0), &report);
	finish(digest, &image);
	buf_release(&image);
}

static void load_report(struct record_digest *digest)
{
	query_begin(&digest->query, &report_by_id, DB_READ, on_report);
	query_text(&digest->query, uuid_or_nil(digest->id));
	db_send(digest->store->db, &digest->query);
}

struct donor_op {
	struct record_digest *digest;
	struct donor_load     load;
};

static void on_donor(struct donor_load *load)
{
	struct record_digest *digest = container_of(load, struct donor_op, load)->digest;
	struct buf image = { 0 };

	/* What cannot be opened is not what the audit saw. */
	if (load->error.code == ERR_INTERNAL) {
		error_clear(&load->error);
		buf_append_text(&image, "sealed");
	}
	if (was_found(digest, &load->error)) {
		if (image.len == 0 && !load->record.donor.erased)
			image_donor(&image, &load->record.donor);
		finish(digest, image.len > 0 ? &image : NULL);
	}
	buf_release(&image);
}

/* An erased one is as one that is gone: its last entry says that nothing is left. */
static void load_donor(struct record_digest *digest)
{
	struct donor_op *op = arena_alloc(digest->arena, sizeof(*op));

	op->digest = digest;
	op->load = (struct donor_load){ .key = digest->id, .exact = true, .arena = digest->arena, .done = on_donor };
	donor_load_send(digest->store, &op->load);
}

static const struct db_statement lookup_by_id = {
	"SELECT " DONOR_LOOKUP_DIGEST("l") " FROM donor_lookup AS l WHERE l.id = $1::uuid"
};

static void on_lookup(struct db_query *query, const struct db_result *result)
{
	struct record_digest *digest = container_of(query, struct record_digest, query);

	digest->there = result_ok(result, &digest->error) && db_rows(result) > 0;
	if (digest->there)
		snprintf(digest->digest, sizeof(digest->digest), "%s", db_text(result, 0, 0));
	digest->done(digest);
}

static void load_lookup(struct record_digest *digest)
{
	query_begin(&digest->query, &lookup_by_id, DB_READ, on_lookup);
	query_text(&digest->query, uuid_or_nil(digest->id));
	db_send(digest->store->db, &digest->query);
}

/* ---- rows whose digest the database makes: it takes no key ---- */

static const struct db_statement digest_by_id[RECORD_KINDS] = {
	[RECORD_APPOINTMENT] = { "SELECT appointment_digest(a) FROM appointment AS a WHERE a.id = $1::uuid" },
	[RECORD_SEAT_GROUP] = { "SELECT seat_group_digest(g) FROM seat_group AS g WHERE g.id = $1::uuid" },
	[RECORD_SLOT_RULES] = { "SELECT slot_rules_digest(s) FROM slot_rules AS s WHERE s.round_id = $1::uuid" },
	[RECORD_ITEM_DECISION] = { "SELECT item_decision_digest(d) FROM item_decision AS d WHERE d.item_id = split_part($1, ':', 1)::uuid"
				   " AND d.version = split_part($1, ':', 2)::bigint" },
};

/* What the audit calls it: an id, or an id and what it has of this one. */
static const char *subject_of(const struct record_digest *digest)
{
	size_t len = strcspn(digest->id, ":");
	const char *id = arena_strndup(digest->arena, digest->id, len);

	return digest->id[len] && uuid_valid(id) ? digest->id : uuid_or_nil(digest->id);
}

static void load_digest(struct record_digest *digest)
{
	query_begin(&digest->query, &digest_by_id[digest->kind], DB_READ, on_lookup);
	query_text(&digest->query, subject_of(digest));
	db_send(digest->store->db, &digest->query);
}

/* ---- rows whose image is what stands in them: nothing is opened ---- */

static const struct db_statement row_by_id[RECORD_KINDS] = {
	[RECORD_DONATION] = { "SELECT donor_id, component, donated_on, coalesce(volume_ml, 0), evidence, source,"
			      " corrects, round_id, bag_code, outcome, item_id, content_hash, " SQL_MICROS("captured_at")
			      " FROM donation WHERE id = $1::uuid" },
	[RECORD_DEFERRAL] = { "SELECT donor_id, ends, until, sealed, lifts,"
			      " CASE WHEN carried THEN carried_digest(id, donor_id, ends, until) END FROM deferral"
			      " WHERE id = $1::uuid" },
	[RECORD_DEFERRAL_LIFT] = { "SELECT deferral_id, state, asked_by_kind, asked_by, decided_by_kind, decided_by"
				   " FROM deferral_lift WHERE id = $1::uuid" },
	/* By its number without the check character; last, whether what is kept beside the ledger is what the ledger says. */
	[RECORD_CERTIFICATE] = { "SELECT c.id, c.donation_id, c.donor_id, c.volume_ml, c.donated_on, c.sealed, v.reason, c.component,"
				 " c.issued_on, c.code, c.void = (v.reason IS NOT NULL) AND c.redeemed_ml = (SELECT"
				 "  coalesce(sum(CASE WHEN e.kind = 'use' THEN e.ml WHEN e.kind = 'reversal' AND o.kind = 'use' THEN -o.ml END), 0)"
				 "  FROM redemption AS e LEFT JOIN redemption AS o ON o.id = e.of_id WHERE e.certificate_id = c.id)"
				 " FROM certificate AS c"
				 " LEFT JOIN certificate_void AS v ON v.certificate_id = c.id"
				 " WHERE c.issuer = substring($1 FROM '^[A-Z]+')"
				 "  AND c.year = 2000 + substring($1 FROM '^[A-Z]+([0-9]{2})-')::integer"
				 "  AND c.ordinal = substring($1 FROM '-([0-9]{6,7})$')::integer" },
	[RECORD_REDEMPTION] = { "SELECT certificate_id, of_id, kind, ml, source, facility, used_on FROM redemption WHERE id = $1::uuid" },
	[RECORD_GIFT] = { "SELECT round_id, donor_id, kind, value_vnd, handed_on, corrects FROM gift WHERE id = $1::uuid" },
	[RECORD_HONOUR] = { "SELECT donor_id, family_id, step, bar, as_of, reached_on, rules, state, reason, document, approved_on,"
			    " handed_on, given_by, version, ladder, donations FROM honour WHERE id = $1::uuid" },
	[RECORD_FAMILY] = { "SELECT head_id, version FROM family WHERE id = $1::uuid" },
	[RECORD_FAMILY_MEMBER] = { "SELECT family_id, donor_id, joined_on, left_on, consent_on, consent_channel FROM family_member"
				   " WHERE id = $1::uuid" },
	[RECORD_ITEM] = { "SELECT id, content_hash, kind, install, seq, " SQL_MICROS("captured_at") ", corrects, round_id, donor_id, registers,"
			  " provisional_id, device_id, array_to_string(held, ','), accepts::text, tie, staff, sealed FROM item"
			  " WHERE id = split_part($1, ':', 1)::uuid AND content_hash = decode(split_part($1, ':', 2), 'hex')" },
	[RECORD_DEVICE] = { "SELECT name, team_id, revoked_at IS NOT NULL FROM device WHERE id = $1::uuid" },
};

static void item_of_row(struct buf *image, const struct db_result *result)
{
	struct item_image item = {
		.id = db_text(result, 0, 0), .content_hash = db_text(result, 0, 1), .kind = db_text(result, 0, 2),
		.install = db_text(result, 0, 3), .seq = db_int(result, 0, 4, 0), .captured_us = row_time(result, 0, 5),
		.corrects = db_text(result, 0, 6), .round_id = db_text(result, 0, 7), .donor_id = db_text(result, 0, 8),
		.registers = db_bool(result, 0, 9), .provisional_id = db_text(result, 0, 10), .device_id = db_text(result, 0, 11),
		.held = db_text(result, 0, 12), .accepts = db_text(result, 0, 13), .tie = db_text(result, 0, 14),
		.staff = db_bool(result, 0, 15), .sealed = db_text(result, 0, 16),
	};

	image_item(image, &item);
}

static void donation_of_row(struct buf *image, const char *id, const struct db_result *result)
{
	struct donation donation = { .donor_id = db_text(result, 0, 0), .on = row_date(result, 0, 2),
				     .volume_ml = row_int(result, 0, 3, 0), .source = db_text(result, 0, 5),
				     .corrects = db_text(result, 0, 6), .round_id = db_text(result, 0, 7),
				     .bag_code = db_text(result, 0, 8), .item_id = db_text(result, 0, 10),
				     .content_hash = db_text(result, 0, 11), .captured_us = row_time(result, 0, 12) };

	snprintf(donation.id, sizeof(donation.id), "%s", id);
	(void)component_parse(db_text(result, 0, 1), &donation.component);
	(void)donation_evidence_parse(db_text(result, 0, 4), &donation.evidence);
	(void)donation_outcome_parse(db_text(result, 0, 9), &donation.outcome);
	image_donation(image, &donation);
}

static void certificate_of_row(struct buf *image, const struct db_result *result)
{
	struct certificate_image certificate = {
		.id = db_text(result, 0, 0), .donation_id = db_text(result, 0, 1), .donor_id = db_text(result, 0, 2),
		.volume_ml = row_int(result, 0, 3, 0), .donated_on = row_date(result, 0, 4), .sealed = db_text(result, 0, 5),
		.void_reason = db_text(result, 0, 6), .issued_on = row_date(result, 0, 8), .code = db_text(result, 0, 9),
	};

	(void)component_parse(db_text(result, 0, 7), &certificate.component);
	image_certificate(image, &certificate);
	if (!db_bool(result, 0, 10))
		buf_append_text(image, "not what the ledger says");
}

static void redemption_of_row(struct buf *image, const char *id, const struct db_result *result)
{
	struct redemption entry = { .ml = row_int(result, 0, 3, 0), .facility = db_text(result, 0, 5), .used_on = row_date(result, 0, 6) };

	snprintf(entry.id, sizeof(entry.id), "%s", id);
	if (!db_is_null(result, 0, 1))
		row_uuid(result, 0, 1, entry.of);
	(void)redemption_kind_parse(db_text(result, 0, 2), &entry.kind);
	(void)claim_source_parse(db_text(result, 0, 4), &entry.source);
	image_redemption(image, &entry, db_text(result, 0, 0));
}

static void gift_of_row(struct buf *image, const char *id, const struct db_result *result)
{
	struct gift gift = { .vnd = db_int(result, 0, 3, 0), .handed_on = row_date(result, 0, 4), .corrects = db_text(result, 0, 5) };

	snprintf(gift.id, sizeof(gift.id), "%s", id);
	row_uuid(result, 0, 0, gift.round_id);
	row_uuid(result, 0, 1, gift.donor_id);
	(void)gift_kind_parse(db_text(result, 0, 2), &gift.kind);
	image_gift(image, &gift);
}

static void honour_of_row(struct buf *image, const struct record_digest *digest, const struct db_result *result)
{
	size_t count;
	struct honour honour = {
		.record_id = db_text(result, 0, 0), .family_id = db_text(result, 0, 1), .step = db_text(result, 0, 2),
		.bar = row_int(result, 0, 3, 0), .as_of = row_date(result, 0, 4), .reached_on = row_date(result, 0, 5),
		.rules = db_text(result, 0, 6), .reason = db_text(result, 0, 8), .document = db_text(result, 0, 9),
		.approved_on = row_date(result, 0, 10), .handed_on = row_date(result, 0, 11), .given_by = db_text(result, 0, 12),
		.version = db_int(result, 0, 13, 0),
	};

	snprintf(honour.id, sizeof(honour.id), "%s", digest->id);
	(void)honour_state_parse(db_text(result, 0, 7), &honour.state);
	(void)honour_ladder_parse(db_text(result, 0, 14), &honour.ladder);
	honour.donations = row_texts(digest->arena, result, 0, 15, &count);
	image_honour(image, &honour);
}

static void family_of_row(struct buf *image, const char *id, const struct db_result *result)
{
	struct family family = { .version = db_int(result, 0, 1, 0) };

	snprintf(family.id, sizeof(family.id), "%s", id);
	row_uuid(result, 0, 0, family.founder_id);
	image_family(image, &family);
}

static void family_member_of_row(struct buf *image, const char *id, const struct db_result *result)
{
	struct family_member member = { .joined_on = row_date(result, 0, 2), .left_on = row_date(result, 0, 3),
					.consent_on = row_date(result, 0, 4) };

	snprintf(member.id, sizeof(member.id), "%s", id);
	row_uuid(result, 0, 1, member.record_id);
	if (!db_is_null(result, 0, 5))
		(void)consent_channel_parse(db_text(result, 0, 5), &member.consent_channel);
	image_family_member(image, db_text(result, 0, 0), &member);
}

static void image_of_row(struct buf *image, const struct record_digest *digest, const struct db_result *result)
{
	switch (digest->kind) {
	case RECORD_DONATION:
		donation_of_row(image, digest->id, result);
		break;
	case RECORD_DEFERRAL:
		image_deferral(image, digest->id, db_text(result, 0, 0), db_text(result, 0, 1), row_date(result, 0, 2),
			       db_text(result, 0, 3), db_text(result, 0, 4));
		break;
	case RECORD_ITEM:
		item_of_row(image, result);
		break;
	case RECORD_DEVICE:
		image_device(image, digest->id, db_text(result, 0, 0), db_text(result, 0, 1), db_bool(result, 0, 2));
		break;
	case RECORD_CERTIFICATE:
		certificate_of_row(image, result);
		break;
	case RECORD_REDEMPTION:
		redemption_of_row(image, digest->id, result);
		break;
	case RECORD_GIFT:
		gift_of_row(image, digest->id, result);
		break;
	case RECORD_HONOUR:
		honour_of_row(image, digest, result);
		break;
	case RECORD_FAMILY:
		family_of_row(image, digest->id, result);
		break;
	case RECORD_FAMILY_MEMBER:
		family_member_of_row(image, digest->id, result);
		break;
	default:
		image_deferral_lift(image, digest->id, db_text(result, 0, 0), db_text(result, 0, 1), db_text(result, 0, 2),
				    db_text(result, 0, 3), db_text(result, 0, 4), db_text(result, 0, 5));
	}
}

static void on_row(struct db_query *query, const struct db_result *result)
{
	struct record_digest *digest = container_of(query, struct record_digest, query);
	struct buf image = { 0 };

	if (!result_ok(result, &digest->error) || db_rows(result) == 0) {
		finish(digest, NULL);
		return;
	}
	/* What the database wrote by itself has a digest that takes no key. */
	if (digest->kind == RECORD_DEFERRAL && !db_is_null(result, 0, 5)) {
		digest->there = true;
		snprintf(digest->digest, sizeof(digest->digest), "%s", db_text(result, 0, 5));
		digest->done(digest);
		return;
	}
	image_of_row(&image, digest, result);
	finish(digest, &image);
	buf_release(&image);
}

static void load_row(struct record_digest *digest)
{
	query_begin(&digest->query, &row_by_id[digest->kind], DB_READ, on_row);
	query_text(&digest->query, digest->kind == RECORD_CERTIFICATE ? digest->id : subject_of(digest));
	db_send(digest->store->db, &digest->query);
}

void record_digest_send(struct store *store, struct record_digest *digest)
{
	static void (*const loads[RECORD_KINDS])(struct record_digest *digest) = {
		[RECORD_ROUND] = load_round,   [RECORD_PLAN] = load_plan, [RECORD_REPORT] = load_report,
		[RECORD_VENUE] = load_catalog, [RECORD_TEAM] = load_catalog, [RECORD_CAMPAIGN] = load_catalog,
		[RECORD_TOKEN] = load_token,   [RECORD_KEY] = load_key,
		[RECORD_DONOR] = load_donor,   [RECORD_USER] = load_user, [RECORD_LOOKUP] = load_lookup,
		[RECORD_DONATION] = load_row,  [RECORD_DEFERRAL] = load_row, [RECORD_DEFERRAL_LIFT] = load_row,
		[RECORD_ITEM] = load_row, [RECORD_ITEM_DECISION] = load_digest, [RECORD_DEVICE] = load_row,
		[RECORD_APPOINTMENT] = load_digest, [RECORD_SEAT_GROUP] = load_digest, [RECORD_SLOT_RULES] = load_digest,
		[RECORD_CERTIFICATE] = load_row, [RECORD_REDEMPTION] = load_row, [RECORD_GIFT] = load_row, [RECORD_HONOUR] = load_row,
		[RECORD_FAMILY] = load_row, [RECORD_FAMILY_MEMBER] = load_row,
	};

	digest->store = store;
	loads[digest->kind](digest);
}

/* ---- what no entry speaks of ---- */

#define STRAYS(table, id, kind, more) \
	{ "SELECT " id " FROM " table " AS t WHERE NOT EXISTS (SELECT FROM audit_entry AS e" \
	  " WHERE e.subject_kind = '" kind "' AND e.subject_id = " id \
	  " AND " SAYS("e") ")" more " ORDER BY 1 LIMIT 100" }

static const struct db_statement strays_of[RECORD_KINDS] = {
	[RECORD_ROUND] = STRAYS("round", "t.id::text", "round", ""),
	[RECORD_PLAN] = STRAYS("plan", "t.id::text", "plan", ""),
	[RECORD_REPORT] = STRAYS("round_report", "t.id::text", "report", ""),
	[RECORD_VENUE] = STRAYS("venue", "t.id::text", "venue", ""),
	[RECORD_TEAM] = STRAYS("team", "t.id::text", "team", ""),
	[RECORD_CAMPAIGN] = STRAYS("campaign", "t.id::text", "campaign", " AND t.version > 1"),
	[RECORD_TOKEN] = STRAYS("access_token", "t.id::text", "token", ""),
	[RECORD_DONOR] = STRAYS("donor", "t.id::text", "donor", ""),
	[RECORD_DONATION] = STRAYS("donation", "t.id::text", "donation", ""),
	[RECORD_DEFERRAL] = STRAYS("deferral", "t.id::text", "deferral", ""),
	[RECORD_ITEM] = STRAYS("item", "t.id || ':' || encode(t.content_hash, 'hex')", "item", ""),
	[RECORD_ITEM_DECISION] = STRAYS("item_decision", "t.item_id || ':' || t.version", "item_decision", ""),
	[RECORD_DEVICE] = STRAYS("device", "t.id::text", "device", ""),
	[RECORD_APPOINTMENT] = STRAYS("appointment", "t.id::text", "appointment", ""),
	[RECORD_SEAT_GROUP] = STRAYS("seat_group", "t.id::text", "seat_group", ""),
	[RECORD_SLOT_RULES] = STRAYS("slot_rules", "t.round_id::text", "slot_rules", ""),
	[RECORD_DEFERRAL_LIFT] = STRAYS("deferral_lift", "t.id::text", "deferral_lift", ""),
	[RECORD_CERTIFICATE] = STRAYS("certificate", CERTIFICATE_SUBJECT("t"), "certificate", ""),
	[RECORD_REDEMPTION] = STRAYS("redemption", "t.id::text", "redemption", ""),
	[RECORD_GIFT] = STRAYS("gift", "t.id::text", "gift", " AND t.item_id IS NULL"),  /* else the item's entry says it */
	[RECORD_HONOUR] = STRAYS("honour", "t.id::text", "honour", ""),
	[RECORD_FAMILY] = STRAYS("family", "t.id::text", "family", ""),
	[RECORD_FAMILY_MEMBER] = STRAYS("family_member", "t.id::text", "family_member", ""),
	[RECORD_LOOKUP] = STRAYS("donor_lookup", "t.id::text", "lookup", ""),
	[RECORD_KEY] = STRAYS("key", "t.kind || '-' || t.id", "key", ""),
	[RECORD_USER] = STRAYS("staff_user", "t.id::text", "user", ""),
};

static void strays_on_done(struct db_query *query, const struct db_result *result)
{
	struct record_strays *strays = container_of(query, struct record_strays, query);

	strays->nids = 0;
	if (result_ok(result, &strays->error)) {
		strays->nids = (size_t)db_rows(result);
		strays->ids = arena_alloc(strays->arena, (strays->nids + 1) * sizeof(*strays->ids));
		for (size_t i = 0; i < strays->nids; i++)
			strays->ids[i] = row_text(strays->arena, result, (int)i, 0);
	}
	strays->done(strays);
}

void record_strays_send(struct store *store, struct record_strays *strays)
{
	query_begin(&strays->query, &strays_of[strays->kind], DB_SLOW, strays_on_done);
	db_send(store->db, &strays->query);
}
