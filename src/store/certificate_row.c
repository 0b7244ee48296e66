#include "store/certificate_row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/json_out.h"
#include "base/text.h"
#include "store/audit.h"
#include "store/donor_row.h"
#include "store/row.h"

enum { PART = 0x1f, SALT_HEX = 2 + 2 * CERTIFICATE_SALT_BYTES };
enum { P_SALT, P_NAME, P_BIRTH, P_YEAR, P_ADDRESS, P_PLACE, P_ISSUER, P_ISSUER_PLACE, P_SIGNER, PARTS };

const char *certificate_subject(const struct certificate_number *number, struct arena *arena)
{
	return arena_printf(arena, "%s%02d-%06d", number->issuer, number->year % 100, number->ordinal);
}

void row_issuer(const struct db_result *result, int row, int column, char out[ISSUER_CODE_SIZE])
{
	const char *text = db_text(result, row, column);

	snprintf(out, ISSUER_CODE_SIZE, "%s", text ? text : "");
}

void row_number(const struct db_result *result, int row, int column, struct certificate_number *out)
{
	row_issuer(result, row, column, out->issuer);
	out->year = row_int(result, row, column + 1, 0);
	out->ordinal = row_int(result, row, column + 2, 0);
}

/* ---- what is printed ---- */

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

static const char *print_field(const char *id, struct arena *arena)
{
	return arena_printf(arena, "printed %s", id);
}

const char *certificate_seal_print(const struct certificate_print_text *print, const char *id, const char *donor_id,
				   const struct store *store, struct arena *arena)
{
	const struct certificate_content *content = &print->content;
	char born[DATE_TEXT_SIZE];
	const char *text = arena_printf(
		arena, "%s%c%s%c%s%c%d%c%s%c%s%c%s%c%s%c%s", bytes_text(arena, print->salt, sizeof(print->salt)), PART,
		or_empty(content->name), PART, date_format(content->birth_date, born), PART, content->birth_year, PART,
		or_empty(content->address), PART, or_empty(content->place), PART, or_empty(content->issuer), PART,
		or_empty(content->issuer_place), PART, or_empty(content->signer));

	return donor_seal_text("certificate", print_field(id, arena), donor_id, text, store, arena);
}

static const char *or_null(const char *text)
{
	return *text ? text : NULL;
}

bool certificate_open_print(struct certificate_print_text *print, const char *id, const char *donor_id, const char *hex,
			    const struct store *store, struct arena *arena, struct error *err)
{
	const char separator[2] = { PART, '\0' };
	char *text = arena_strdup(arena, donor_open_text("certificate", print_field(id, arena), donor_id, hex, store, arena));
	struct certificate_content *content = &print->content;
	const char *parts[PARTS] = { 0 };
	size_t count = 0;

	for (char *part; text && count < PARTS && (part = strsep(&text, separator)) != NULL;)
		parts[count++] = part;
	if (count != PARTS || strlen(parts[P_SALT]) != SALT_HEX ||
	    row_bytes_of(parts[P_SALT], print->salt, sizeof(print->salt)) != sizeof(print->salt) ||
	    (*parts[P_BIRTH] && !date_parse(parts[P_BIRTH], &content->birth_date)))
		return donor_fail_sealed(err);
	content->name = or_null(parts[P_NAME]);
	content->birth_year = atoi(parts[P_YEAR]);
	content->address = or_null(parts[P_ADDRESS]);
	content->place = or_null(parts[P_PLACE]);
	content->issuer = parts[P_ISSUER];
	content->issuer_place = parts[P_ISSUER_PLACE];
	content->signer = parts[P_SIGNER];
	return true;
}

/* ---- keys ---- */

bool certificate_fail_key(struct error *err)
{
	return error_set(err, ERR_UNAVAILABLE,
			 "The key that signs certificates is not at hand here. Tell the administrator: giothong doctor"
			 " names what is missing.",
			 "Khóa ký giấy chứng nhận không có ở đây. Hãy báo người quản trị: giothong doctor sẽ nêu khóa thiếu.");
}

bool certificate_key_choose(struct certificate_key *key, bool compromised, const struct store *store, struct error *err)
{
	int active = keyring_active(store->keyring, KEY_SIGN);

	key->use = *key->issuer ? KEY_FOR_CERTIFICATES : KEY_FOR_REVOCATIONS;
	if (key->generation == 0 || compromised || key->sign_key_id != active) {
		key->generation++;
		key->sign_key_id = active;
	}
	return certificate_key_derive(store->keyring, key) || certificate_fail_key(err);
}

static void image_key_made(struct buf *buf, const struct certificate_key *key, struct arena *arena)
{
	struct json_out out = { .buf = buf };

	jout_object(&out, NULL);
	jout_text(&out, "issuer", key->issuer);
	jout_int(&out, "year", key->year);
	jout_int(&out, "generation", key->generation);
	jout_text(&out, "public_key", bytes_text(arena, key->public_key, sizeof(key->public_key)));
	jout_end(&out);
}

const char *audit_of_key(const struct store *store, const struct actor *actor, const char *action, const struct certificate_key *key,
			 struct arena *arena)
{
	struct buf image = { 0 };
	struct audit audit;

	image_key_made(&image, key, arena);
	audit_begin(&audit, store, actor);
	audit_add(&audit, action, "certificate_key", arena_printf(arena, "%s/%d/%d", key->issuer, key->year, key->generation), NULL,
		  &image);
	buf_release(&image);
	return audit_end(&audit, arena);
}

void query_certificate_key(struct db_query *query, const struct certificate_key *key, struct arena *arena)
{
	query_text(query, key->issuer);
	query_int(query, arena, key->year);
	query_int(query, arena, key->generation);
	query_int(query, arena, key->sign_key_id);
	query_text(query, bytes_text(arena, key->kid, sizeof(key->kid)));
	query_text(query, bytes_text(arena, key->public_key, sizeof(key->public_key)));
}
