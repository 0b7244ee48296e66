#include "store/item_store.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/text.h"
#include "crypto/content_hash.h"
#include "crypto/donor_seal.h"
#include "store/facts_row.h"
#include "store/failure.h"
#include "store/hand_in.h"
#include "store/item_step.h"
#include "store/row.h"

void hand_in_finish(struct hand_in *work, const struct error *err)
{
	if (err)
		work->op->error = *err;
	work->op->done(work->op);
}

/* Contents of one id are different things to the audit. */
const char *hand_in_subject(struct arena *arena, const char *id, const char *hash)
{
	return arena_printf(arena, "%s:%s", id, hash + 2);
}

/* ---- looking up ---- */

/* ---- whom ---- */

static const char *hash_of(struct hand_in *work, const struct item *item)
{
	unsigned char hash[DONOR_DIGEST_BYTES];

	donor_digest_bytes(work->store->donor_key, "item", item->content, strlen(item->content), hash);
	return bytes_text(work->arena, hash, sizeof(hash));
}

/* As item_fact_id() in the database. */
void item_id_of_hash(const char *hash, char out[UUID_TEXT_SIZE])
{
	unsigned char b[DONOR_DIGEST_BYTES];

	(void)row_bytes_of(hash, b, sizeof(b));
	b[6] = (unsigned char)((b[6] & 15) | 128);
	b[8] = (unsigned char)((b[8] & 63) | 128);
	snprintf(out, UUID_TEXT_SIZE, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2],
		 b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

void item_correction_id(const struct store *store, const struct item_step *step, const char *data, char out[UUID_TEXT_SIZE])
{
	char digest[DIGEST_HEX_SIZE];
	struct buf buf = { 0 };

	buf_printf(&buf, "%s %s ", step->item_id, step->content_hash);
	buf_append_text(&buf, data);
	keyring_digest(store->keyring, keyring_active(store->keyring, KEY_HASH), "correction", buf.data, buf.len, digest);
	item_id_of_hash(digest, out);
	buf_release(&buf);
}

/*
 * The content that is there already, or NULL. Of somebody who was erased nothing can be compared any more: what comes
 * under an id of theirs is taken for what was there. *others: there are contents of that id.
 */
static struct content *find_content(struct hand_in *work, const struct item *item, bool *others, struct error *err)
{
	struct content *erased = NULL;

	*others = false;
	for (struct content *content = work->contents; content; content = content->next) {
		if (!streq(content->id, item->id))
			continue;
		if (content->of->record.donor.erased) {
			erased = content;
			continue;
		}
		if (!donor_open_key(&content->of->record, work->store, err))
			return NULL;
		if (streq(hash_of(work, item), content->hash))
			return content;
		*others = true;
	}
	return erased;
}

/* What is not sealed yet, or opened now. NULL: its donor was erased. */
static const char *content_text(struct hand_in *work, struct content *content, struct error *err)
{
	if (!content->text && donor_open_key(&content->of->record, work->store, err)) {
		content->text = donor_open_text("item", arena_printf(work->arena, "content %s", content->id),
						content->of->record.donor.id, content->sealed, work->store, work->arena);
		if (!content->text)
			donor_fail_sealed(err);
	}
	return content->text;
}

static int compare_hashes(const char *one, const char *two)
{
	unsigned char hashes[2][CONTENT_HASH_BYTES];

	content_hash(one, strlen(one), hashes[0]);
	content_hash(two, strlen(two), hashes[1]);
	return memcmp(hashes[0], hashes[1], sizeof(hashes[0]));
}

/* Between those of the same id and moment with the next lower and the next higher hash. */
static const char *tie_of(struct hand_in *work, const struct item *item, struct error *err)
{
	const char *low = NULL, *high = NULL;

	for (struct content *content = work->contents; content; content = content->next) {
		const char *text;

		if (!streq(content->id, item->id) || content->captured_us != item->captured_us)
			continue;
		text = content_text(work, content, err);
		if (!text)
			return NULL;
		if (compare_hashes(text, item->content) < 0)
			low = !low || strcmp(low, content->tie) < 0 ? content->tie : low;
		else
			high = !high || strcmp(content->tie, high) < 0 ? content->tie : high;
	}
	return low || high ? item_tie_between(low, high, work->arena) : ITEM_TIE_FIRST;
}

static struct item_setting setting_of(struct hand_in *work, size_t index)
{
	const struct item *item = hand_in_item(work, index);
	const struct item_hand_in *of = hand_in_whose(work, index);
	struct item_setting setting = { 0 };

	for (size_t i = 0; item->round_id && i < work->nrounds; i++)
		if (streq(work->rounds[i].id, item->round_id)) {
			setting = work->rounds[i].setting;
			setting.round_foreign = of->team_id && !streq(work->rounds[i].team, of->team_id);
		}
	setting.device_revoked = of->device_revoked;
	setting.today = of->today;
	return setting;
}

static const char *reason_list(struct hand_in *work, unsigned reasons)
{
	struct buf list = { 0 };
	const char *text;

	for (int i = 0; i < ITEM_REASON_COUNT; i++) {
		if (!(reasons >> i & 1))
			continue;
		buf_append_text(&list, list.len > 0 ? "," : "");
		buf_append_text(&list, item_reason_text((enum item_reason)(1 << i)));
	}
	text = arena_strdup(work->arena, list.data ? list.data : "");
	buf_release(&list);
	return text;
}

/* An earlier item that is to be written with it is about the same person. */
static bool is_about_too(const struct hand_in *work, const struct fresh *fresh)
{
	for (size_t i = 0; i < work->nfresh; i++)
		if (known_root(work->fresh[i].of) == known_root(fresh->of))
			return true;
	return false;
}

/*
 * What is told of an item must not hang on what comes later with it. So who changes what earlier ones stand on comes after them:
 * what was settled is written first, then it begins anew with this one.
 */
static bool comes_after(const struct hand_in *work, const struct fresh *fresh)
{
	return work->nfresh > 0 && (fresh->joins || (fresh->tells_more && is_about_too(work, fresh)));
}

enum settled { SETTLED, COMES_AFTER, FAILED };

static enum settled settle(struct hand_in *work, size_t index, struct error *err)
{
	const struct item *item = hand_in_item(work, index);
	struct item_setting setting = setting_of(work, index);
	struct fresh *fresh = &work->fresh[work->nfresh];
	struct content *content;
	struct deferral deferral;
	unsigned reasons;
	bool others;

	content = find_content(work, item, &others, err);
	if (err->code != ERR_NONE)
		return FAILED;
	if (content) {
		work->hashes[index] = content->hash;
		work->op->results[index].verdict = ITEM_DUPLICATE;
		work->op->results[index].first = content->verdict;
		work->replayed[work->nreplayed++] = index;
		return SETTLED;
	}
	*fresh = (struct fresh){ .index = index, .item = item, .conflict = others, .round_known = setting.round_known };
	fresh->tie = tie_of(work, item, err);
	if (!fresh->tie)
		return FAILED;
	reasons = item_reasons(item, &setting);
	fresh->of = hand_in_find_donor(work, fresh, &reasons);
	if (comes_after(work, fresh))
		return COMES_AFTER;
	fresh->doubted = !known_person(work, fresh->of);
	fresh->of->used = known_root(fresh->of)->used = true;
	hand_in_tell_id(work, fresh);
	if (!donor_open_key(&fresh->of->record, work->store, err))
		return FAILED;
	fresh->hash = hash_of(work, item);
	item_id_of_hash(fresh->hash, fresh->fact_id);
	fresh->sealed = donor_seal_text("item", arena_printf(work->arena, "content %s", item->id), fresh->of->record.donor.id,
					item->content, work->store, work->arena);
	fresh->day = item_day(item, &setting);
	fresh->held = reason_list(work, reasons);
	fresh->is_donation = item->kind == ITEM_DONATION && item->outcome != ITEM_DEFERRED;
	if (item->kind == ITEM_DEFERRAL && item->deferral) {
		deferral = *item->deferral;
		deferral.donor_id = fresh->of->record.donor.id;
		memcpy(deferral.id, fresh->fact_id, sizeof(deferral.id));
		fresh->deferral_sealed = deferral_seal(&deferral, work->store, work->arena);
	}
	work->hashes[index] = fresh->hash;
	content = arena_alloc(work->arena, sizeof(*content));
	*content = (struct content){ .id = item->id, .hash = fresh->hash, .of = fresh->of, .verdict = ITEM_APPLIED,
				     .captured_us = item->captured_us, .tie = fresh->tie, .text = item->content,
				     .next = work->contents };
	work->contents = content;
	work->nfresh++;
	return SETTLED;
}

void hand_in_settle(struct hand_in *work)
{
	enum settled settled = SETTLED;
	struct error err;
	size_t i;

	error_clear(&err);
	for (i = work->from; settled == SETTLED && i < work->from + work->len; i++)
		if (hand_in_item(work, i))
			settled = settle(work, i, &err);
	if (settled == COMES_AFTER) {
		work->len = i - 1 - work->from;
		hand_in_begin(work);
	} else if (settled == SETTLED) {
		hand_in_find_alike(work);
	} else {
		hand_in_fail(work, &err);
	}
}

/* One attempt at the part that is at work. */
void hand_in_begin(struct hand_in *work)
{
	struct arena *arena = work->arena;

	work->view = keyring_view(work->store->keyring);
	work->known = NULL;
	work->told = NULL;
	work->contents = NULL;
	work->nrounds = work->nhits = work->ndistincts = work->nfresh = work->ndoubts = work->doubts_max = work->nreplayed = 0;
	work->fresh = arena_alloc(arena, (work->len + 1) * sizeof(*work->fresh));
	work->replayed = arena_alloc(arena, (work->len + 1) * sizeof(*work->replayed));
	work->digests = (struct donor_digests){ .arena = arena };
	work->digest_donors = NULL;
	work->ndigest_donors = work->digest_donors_max = 0;
	error_clear(&work->find_error);
	hand_in_load(work);
}

/* ---- how things stand ---- */

/* A part of the items at once: of hundreds of which something is to be said it would take too long. */
enum { RECEIPT_PART = 128 };

/* $1 $2 ids and hashes of items, side by side   $3 installs */
static const struct db_statement receipt_statement = {
	"SELECT 'i', r.n::text, r.state, r.reasons, NULL::bigint, NULL::bigint FROM item_receipt($1::uuid[], $2::bytea[]) AS r"
	" UNION ALL SELECT 'r', r.install::text, NULL, NULL, r.first, r.last FROM item_runs($3::uuid[]) AS r"
	" ORDER BY 1, 2, 5"
};

static void read_state(struct hand_in *work, const struct db_result *result, int row, const size_t *indexes)
{
	struct item_result *to = &work->op->results[indexes[db_int(result, row, 1, 1) - 1]];

	to->state = row_text(work->arena, result, row, 2);
	to->reasons = row_texts(work->arena, result, row, 3, &to->nreasons);
}

static void read_run(struct hand_in *work, const struct db_result *result, int row)
{
	struct item_hand_in *op = work->op;
	struct item_install *install = op->ninstalls > 0 ? &op->installs[op->ninstalls - 1] : NULL;
	struct seq_run *run;
	size_t most = 0;

	if (!install || !streq(install->install, db_text(result, row, 1))) {
		install = &op->installs[op->ninstalls++];
		snprintf(install->install, sizeof(install->install), "%s", db_text(result, row, 1));
		while (row + (int)most < db_rows(result) && streq(install->install, db_text(result, row + (int)most, 1)))
			most++;
		install->runs = arena_alloc(work->arena, most * sizeof(*install->runs));
	}
	run = &install->runs[install->nruns++];
	run->from = db_int(result, row, 4, 0);
	run->to = db_int(result, row, 5, 0);
	install->items += run->to - run->from + 1;
}

static void receipt_send(struct hand_in *work, size_t most);

static void receipt_on_done(struct db_query *query, const struct db_result *result)
{
	struct item_hand_in *op = container_of(query, struct item_hand_in, query);
	struct hand_in *work = op->work;
	size_t *indexes = arena_alloc(work->arena, (work->len + 1) * sizeof(*indexes)), count = 0;
	struct error err;

	if (hand_in_took_too_long(result) && work->len > 1) {
		receipt_send(work, work->len / 2);
		return;
	}
	if (!result_ok(result, &err)) {
		hand_in_finish(work, &err);
		return;
	}
	for (size_t i = work->from; i < work->from + work->len; i++)
		if (work->hashes[i])
			indexes[count++] = i;
	for (int row = 0; row < db_rows(result); row++) {
		if (*db_text(result, row, 0) == 'i')
			read_state(work, result, row, indexes);
		else
			read_run(work, result, row);
	}
	work->from += work->len;
	if (work->from < op->count)
		receipt_send(work, work->len);
	else
		hand_in_finish(work, NULL);
}

/* The next part, from `from` on. What came of each install is told with the last. */
static void receipt_send(struct hand_in *work, size_t most)
{
	struct item_hand_in *op = work->op;
	size_t left = op->count - work->from, count = 0, ninstalls = 0;
	const char **ids = arena_alloc(work->arena, (left + 1) * sizeof(*ids));
	const char **hashes = arena_alloc(work->arena, (left + 1) * sizeof(*hashes));
	const char **installs = arena_alloc(work->arena, (op->count + 1) * sizeof(*installs));

	work->len = left < most ? left : most;
	for (size_t i = work->from; i < work->from + work->len; i++) {
		if (!work->hashes[i])
			continue;
		ids[count] = op->items[i]->id;
		hashes[count++] = work->hashes[i];
	}
	for (size_t i = 0; work->len == left && i < op->count; i++) {
		size_t at = 0;

		if (!op->items[i])
			continue;
		while (at < ninstalls && !streq(installs[at], op->items[i]->install))
			at++;
		if (at == ninstalls)
			installs[ninstalls++] = op->items[i]->install;
	}
	op->installs = arena_alloc(work->arena, (ninstalls + 1) * sizeof(*op->installs));
	query_begin(&op->query, &receipt_statement, DB_READ, receipt_on_done);
	op->query.urgent = true;                 /* all is written */
	query_texts(&op->query, work->arena, ids, count);
	query_texts(&op->query, work->arena, hashes, count);
	query_texts(&op->query, work->arena, installs, ninstalls);
	db_send(work->store->db, &op->query);
}

void hand_in_next(struct hand_in *work)
{
	size_t left = work->op->count - work->from - work->len;

	/* Where less than all was written before, what stopped it may come again soon. */
	work->from += work->len;
	work->len = left < 2 * work->len ? left : 2 * work->len;
	if (work->most > 0 && work->len > work->most)
		work->len = work->most;
	work->attempts = 0;
	if (work->len > 0) {
		hand_in_begin(work);
	} else {
		work->from = 0;
		receipt_send(work, RECEIPT_PART);
	}
}

void item_hand_in_send(struct store *store, struct item_hand_in *op)
{
	struct hand_in *work = arena_alloc(op->arena, sizeof(*work));

	op->store = store;
	op->work = work;
	op->ninstalls = 0;
	error_clear(&op->error);
	op->results = arena_alloc(op->arena, (op->count + 1) * sizeof(*op->results));
	*work = (struct hand_in){ .op = op, .store = store, .arena = op->arena, .len = op->count };
	work->hashes = arena_alloc(op->arena, (op->count + 1) * sizeof(*work->hashes));
	hand_in_begin(work);
}
