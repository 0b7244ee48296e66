#include "store/donor_row.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/text.h"
#include "crypto/donor_seal.h"
#include "crypto/keyring.h"
#include "domain/person_name.h"
#include "store/row.h"

/* ---- reading what stands in plain ---- */

struct donor_next donor_next_read(const struct db_result *result, int row, int column)
{
	return (struct donor_next){ .on = row_date(result, row, column),
				    .endless = streq(db_text(result, row, column), "infinity") };
}

void donor_read_plain(struct donor_record *record, struct arena *arena, const struct db_result *result, int row,
		      int column)
{
	struct donor *donor = &record->donor;

	row_uuid(result, row, column, donor->id);
	snprintf(donor->number, sizeof(donor->number), "%s", db_text(result, row, column + 1));
	donor->birth_year = row_int(result, row, column + 2, 0);
	(void)donor_sex_parse(db_text(result, row, column + 3), &donor->sex);
	(void)blood_abo_parse(db_text(result, row, column + 4), &donor->abo);
	(void)blood_rhd_parse(db_text(result, row, column + 5), &donor->rhd);
	(void)blood_evidence_parse(db_text(result, row, column + 6), &donor->blood_evidence);
	donor->unit_id = row_text(arena, result, row, column + 7);
	donor->unit_on = row_date(result, row, column + 8);
	donor->contact_facility = db_bool(result, row, column + 9);
	donor->registered_us = row_time(result, row, column + 10);
	donor->version = db_int(result, row, column + 11, 0);
	donor->erased = db_bool(result, row, column + 12);
	donor->last_donated_on = row_date(result, row, column + 13);
	for (int i = 0; i < COMPONENT_COUNT; i++)
		record->next[i] = donor_next_read(result, row, column + 14 + i);
}

/* ---- what is sealed ---- */

/* The parts of a sealed text; texts that come in hold no control character. */
enum { PART = 0x1f, PARTS_MAX = 4 };

static size_t split_parts(char *text, const char *parts[PARTS_MAX])
{
	const char separator[2] = { PART, '\0' };
	size_t count = 0;

	for (char *rest = text, *part; count < PARTS_MAX && (part = strsep(&rest, separator)) != NULL;)
		parts[count++] = *part ? part : NULL;
	return count;
}

bool donor_fail_sealed(struct error *err)
{
	return error_set(err, ERR_INTERNAL,
			 "A donor's record cannot be opened: what is kept is not what was sealed. Tell the administrator.",
			 "Không mở được hồ sơ người hiến máu: dữ liệu lưu không phải dữ liệu đã niêm phong."
			 " Hãy báo người quản trị.");
}

static bool fail_wrap_key(struct error *err)
{
	return error_set(err, ERR_UNAVAILABLE,
			 "The key that opens this donor's record is not at hand here. Tell the administrator.",
			 "Ở đây không có khóa để mở hồ sơ người hiến máu này. Hãy báo người quản trị.");
}

bool donor_open_key(const struct donor_record *record, const struct store *store, struct error *err)
{
	unsigned char wrapped[DONOR_KEY_WRAPPED_BYTES];
	const struct key_view *view = keyring_view(store->keyring);
	bool known = false;

	if (!record->wrapped_hex || row_bytes_of(record->wrapped_hex, wrapped, sizeof(wrapped)) != sizeof(wrapped))
		return donor_fail_sealed(err);
	for (size_t i = 0; i < view->nkeys; i++)
		known |= view->keys[i].kind == KEY_WRAP && view->keys[i].id == record->wrap_key_id;
	if (!known)
		return fail_wrap_key(err);
	if (!donor_key_open(store->donor_key, store->keyring, record->wrap_key_id, record->donor.id, wrapped))
		return donor_fail_sealed(err);
	return true;
}

/* A sealed value in the parts that it was made of. */
static bool open_parts(const struct store *store, const char *table, const char *field, const char *donor_id,
		       const char *hex, struct arena *arena, size_t count, const char *parts[PARTS_MAX])
{
	size_t len, size = hex ? strlen(hex) / 2 : 0;
	unsigned char *sealed = arena_alloc(arena, size + 1);
	char *text;

	len = row_bytes_of(hex, sealed, size);
	text = len > 0 ? donor_open(store->donor_key, table, field, donor_id, sealed, len, arena, &len) : NULL;
	return text && split_parts(text, parts) == count;
}

/* The key is open. */
static bool open_person(struct donor *donor, const char *hex, const struct store *store, struct arena *arena, struct error *err)
{
	const char *parts[PARTS_MAX] = { 0 };

	if (!open_parts(store, "donor", "person", donor->id, hex, arena, 4, parts))
		return donor_fail_sealed(err);
	donor->name = parts[0];
	if (parts[1] && !date_parse(parts[1], &donor->birth_date))
		return donor_fail_sealed(err);
	donor->phone = parts[2];
	donor->address = parts[3];
	return true;
}

bool donor_read_sealed(struct donor_record *record, const struct store *store, struct arena *arena,
		       const struct db_result *result, int row, int column, struct error *err)
{
	if (record->donor.erased)
		return true;
	record->wrap_key_id = row_int(result, row, column, 0);
	record->wrapped_hex = row_text(arena, result, row, column + 1);
	return donor_open_key(record, store, err) &&
	       open_person(&record->donor, db_text(result, row, column + 2), store, arena, err);
}

/* With the row, so that two numbers of one donor cannot be exchanged. */
static const char *number_field(const char *identifier_id, struct arena *arena)
{
	return arena_printf(arena, "number %s", identifier_id);
}

static bool open_identifiers(struct donor *donor, const char *const *ids, const char *const *kinds, const char *const *sealed,
			     size_t count, const struct store *store, struct arena *arena, struct error *err)
{
	donor->identifiers = arena_alloc(arena, (count + 1) * sizeof(*donor->identifiers));
	for (size_t i = 0; i < count; i++) {
		struct donor_identifier *to = &donor->identifiers[i];
		const char *parts[PARTS_MAX] = { 0 };

		snprintf(to->id, sizeof(to->id), "%s", ids[i]);
		/* The kind is sealed too: it must be that of the row. */
		if (!open_parts(store, "donor_identifier", number_field(to->id, arena), donor->id, sealed[i], arena, 3, parts) ||
		    !streq(parts[0], kinds[i]) || !identifier_kind_parse(parts[0], &to->identifier.kind))
			return donor_fail_sealed(err);
		to->identifier.issuer = parts[1];
		to->identifier.value = parts[2];
	}
	donor->nidentifiers = count;
	return true;
}

bool donor_read_identifiers(struct donor_record *record, const struct store *store, struct arena *arena,
			    const struct db_result *result, int row, int column, struct error *err)
{
	size_t count, nkinds, nsealed;
	const char **ids = row_texts(arena, result, row, column, &count);
	const char **kinds = row_texts(arena, result, row, column + 1, &nkinds);
	const char **sealed = row_texts(arena, result, row, column + 2, &nsealed);

	return open_identifiers(&record->donor, ids, kinds, sealed, count, store, arena, err);
}

void donor_sealed_copy(struct donor_sealed *sealed, bool identifiers, struct arena *arena, const struct db_result *result,
		       int row, int column)
{
	size_t nkinds, nsealed;

	*sealed = (struct donor_sealed){
		.wrap_key_id = row_int(result, row, column + 1, 0),
		.wrapped = row_text(arena, result, row, column + 2),
		.person = row_text(arena, result, row, column + 3),
	};
	row_uuid(result, row, column, sealed->id);
	if (!identifiers)
		return;
	sealed->identifier_ids = row_texts(arena, result, row, column + 4, &sealed->nidentifiers);
	sealed->kinds = row_texts(arena, result, row, column + 5, &nkinds);
	sealed->identifiers = row_texts(arena, result, row, column + 6, &nsealed);
}

bool donor_sealed_open(const struct donor_sealed *sealed, struct donor *donor, const struct store *store, struct arena *arena,
		       struct error *err)
{
	struct donor_record record = { .wrap_key_id = sealed->wrap_key_id, .wrapped_hex = sealed->wrapped };

	memcpy(record.donor.id, sealed->id, sizeof(record.donor.id));
	memcpy(donor->id, sealed->id, sizeof(donor->id));
	return donor_open_key(&record, store, err) && open_person(donor, sealed->person, store, arena, err) &&
	       open_identifiers(donor, sealed->identifier_ids, sealed->kinds, sealed->identifiers, sealed->nidentifiers, store,
				arena, err);
}

const char *donor_seal_text(const char *table, const char *field, const char *donor_id, const char *text,
			    const struct store *store, struct arena *arena)
{
	struct buf sealed = { 0 };
	const char *hex;

	donor_seal(store->donor_key, table, field, donor_id, text, strlen(text), &sealed);
	hex = bytes_text(arena, sealed.data, sealed.len);
	buf_release(&sealed);
	return hex;
}

const char *consent_proof_field(const char *consent_id, struct arena *arena)
{
	return arena_printf(arena, "proof %s", consent_id);
}

const char *donor_open_text(const char *table, const char *field, const char *donor_id, const char *hex,
			    const struct store *store, struct arena *arena)
{
	size_t len, size = hex ? strlen(hex) / 2 : 0;
	unsigned char *sealed = arena_alloc(arena, size + 1);

	len = row_bytes_of(hex, sealed, size);
	return len > 0 ? donor_open(store->donor_key, table, field, donor_id, sealed, len, arena, &len) : NULL;
}

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

const char *donor_seal_person(const struct donor *donor, const struct store *store, struct arena *arena)
{
	char date[DATE_TEXT_SIZE];
	const char *text = arena_printf(arena, "%s%c%s%c%s%c%s", or_empty(donor->name), PART,
					date_format(donor->birth_date, date), PART, or_empty(donor->phone), PART,
					or_empty(donor->address));

	return donor_seal_text("donor", "person", donor->id, text, store, arena);
}

const char *donor_seal_identifier(const struct donor_identifier *identifier, const char *donor_id,
				  const struct store *store, struct arena *arena)
{
	const struct identifier *of = &identifier->identifier;
	const char *text = arena_printf(arena, "%s%c%s%c%s", identifier_kind_text(of->kind), PART,
					or_empty(of->issuer), PART, of->value);

	return donor_seal_text("donor_identifier", number_field(identifier->id, arena), donor_id, text, store, arena);
}

/* ---- digests ---- */

const char *donor_use_text(enum donor_use use)
{
	static const char *const texts[] = {
		[USE_IDENTIFIER] = "identifier", [USE_PAPER] = "paper", [USE_PHONE] = "phone", [USE_NAME] = "name",
	};

	return texts[use];
}

static const char **grow(struct donor_digests *digests, const char **list, size_t max)
{
	const char **more = arena_alloc(digests->arena, max * sizeof(*more));

	if (digests->count > 0)
		memcpy(more, list, digests->count * sizeof(*more));
	return more;
}

static void make_room(struct donor_digests *digests)
{
	size_t max = digests->max ? 2 * digests->max : 16;

	if (digests->count < digests->max)
		return;
	digests->digest = grow(digests, digests->digest, max);
	digests->use = grow(digests, digests->use, max);
	digests->key_id = grow(digests, digests->key_id, max);
	digests->identifier_id = grow(digests, digests->identifier_id, max);
	digests->n = grow(digests, digests->n, max);
	digests->max = max;
}

struct digested {
	enum donor_use use;
	const char    *domain, *text;
	size_t         len;
	const char    *identifier_id;    /* "": none */
	size_t         n;
};

static void add(struct donor_digests *digests, const struct store *store, const struct key_view *view,
		enum donor_digest_keys keys, const struct digested *what)
{
	size_t count = keys == DIGESTS_WRITTEN ? view->lookup[KEY_HASH].nwritten : view->lookup[KEY_HASH].nprobed;
	const char *n = arena_printf(digests->arena, "%zu", what->n);

	for (size_t i = 0; i < count; i++) {
		int id = view->lookup[KEY_HASH].ids[i];
		char *digest = arena_alloc(digests->arena, DIGEST_HEX_SIZE);

		keyring_digest(store->keyring, id, what->domain, what->text, what->len, digest);
		make_room(digests);
		digests->digest[digests->count] = digest;
		digests->use[digests->count] = donor_use_text(what->use);
		digests->key_id[digests->count] = arena_printf(digests->arena, "%d", id);
		digests->identifier_id[digests->count] = what->identifier_id;
		digests->n[digests->count++] = n;
	}
}

void donor_digest_identifier(struct donor_digests *digests, const struct store *store, const struct key_view *view,
			     enum donor_digest_keys keys, const struct identifier *identifier, const char *id,
			     size_t n)
{
	struct digested what = { .domain = "identifier", .identifier_id = id, .n = n };

	what.use = identifier_is_unique(identifier->kind) ? USE_IDENTIFIER : USE_PAPER;
	what.text = identifier_digest_text(identifier, digests->arena, &what.len);
	add(digests, store, view, keys, &what);
}

void donor_digest_phone(struct donor_digests *digests, const struct store *store, const struct key_view *view,
			enum donor_digest_keys keys, const char *phone)
{
	add(digests, store, view, keys,
	    &(struct digested){ .use = USE_PHONE, .domain = "phone", .text = phone, .len = strlen(phone),
				.identifier_id = "" });
}

void donor_digest_word(struct donor_digests *digests, const struct store *store, const struct key_view *view,
		       enum donor_digest_keys keys, const char *word, int birth_year, size_t n)
{
	struct digested what = { .use = USE_NAME, .domain = "name", .identifier_id = "", .n = n };

	what.text = person_name_digest_text(birth_year, word, digests->arena, &what.len);
	add(digests, store, view, keys, &what);
}

size_t donor_digest_name(struct donor_digests *digests, const struct store *store, const struct key_view *view,
			 enum donor_digest_keys keys, const char *name, int birth_year)
{
	const char *words[PERSON_NAME_WORDS_MAX];
	size_t count = person_name_words(name, digests->arena, words);

	for (size_t i = 0; i < count; i++)
		donor_digest_word(digests, store, view, keys, words[i], birth_year, i);
	return count;
}

void donor_digest_suppression(struct donor_digests *digests, const struct store *store, const struct key_view *view,
			      enum donor_digest_keys keys, const struct identifier *identifier)
{
	size_t len, count = keys == DIGESTS_WRITTEN ? view->lookup[KEY_SUPPRESSION].nwritten
						    : view->lookup[KEY_SUPPRESSION].nprobed;
	const char *text = identifier_digest_text(identifier, digests->arena, &len);

	for (size_t i = 0; i < count && identifier_is_unique(identifier->kind); i++) {
		int id = view->lookup[KEY_SUPPRESSION].ids[i];
		char *digest = arena_alloc(digests->arena, DIGEST_HEX_SIZE);

		keyring_digest_suppressed(store->keyring, id, "identifier", text, len, digest);
		make_room(digests);
		digests->digest[digests->count] = digest;
		digests->use[digests->count] = "suppression";
		digests->key_id[digests->count] = arena_printf(digests->arena, "%d", id);
		digests->identifier_id[digests->count] = "";
		digests->n[digests->count++] = "0";
	}
}

void donor_digest_all(struct donor_digests *digests, const struct store *store, const struct key_view *view,
		      const struct donor *donor)
{
	for (size_t i = 0; i < donor->nidentifiers; i++)
		donor_digest_identifier(digests, store, view, DIGESTS_WRITTEN, &donor->identifiers[i].identifier,
					donor->identifiers[i].id, i);
	for (size_t i = 0; i < donor->nidentifiers; i++)
		donor_digest_suppression(digests, store, view, DIGESTS_PROBED, &donor->identifiers[i].identifier);
	if (donor->phone)
		donor_digest_phone(digests, store, view, DIGESTS_WRITTEN, donor->phone);
	if (donor->name && donor->birth_year)
		donor_digest_name(digests, store, view, DIGESTS_WRITTEN, donor->name, donor->birth_year);
}
