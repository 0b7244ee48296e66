#include "app/rules.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/memory.h"
#include "base/text.h"
#include "crypto/content_hash.h"
#include "domain/eligibility_rules.h"
#include "domain/honour.h"
#include "domain/tariff.h"
#include "paper/paper.h"
#include "wire/eligibility_wire.h"
#include "wire/honour_wire.h"
#include "wire/tariff_wire.h"

enum { FILE_MAX = 4 << 20, CHUNK = 64 << 10 };

struct rule_book {
	struct arena             arena;
	struct eligibility_rules rules;
};

static bool read_file(const char *path, struct buf *buf, struct error *err)
{
	FILE *stream = fopen(path, "re");
	size_t n;

	if (!stream)
		return error_set(err, ERR_CONFIG, "%s cannot be opened: %s", "không mở được %s: %s", path, strerror(errno));
	do {
		buf_reserve(buf, CHUNK);
		n = fread(buf->data + buf->len, 1, CHUNK, stream);
		buf->len += n;
	} while (n > 0 && buf->len <= FILE_MAX);
	if (ferror(stream))
		error_set(err, ERR_CONFIG, "%s cannot be read: %s", "không đọc được %s: %s", path, strerror(errno));
	else if (buf->len > FILE_MAX)
		error_set(err, ERR_CONFIG, "%s is too large for a rule set", "%s quá lớn, không phải bộ quy tắc", path);
	fclose(stream);
	return err->code == ERR_NONE;
}

static bool is_named(const struct embedded_file *file, const char *name)
{
	size_t len = strlen(name);

	return strncmp(file->name, name, len) == 0 && streq(file->name + len, ".json");
}

static bool read_embedded(const struct embedded_file *file, const char *name, struct buf *buf, struct error *err)
{
	char known[160] = "";

	for (; file->name; file++) {
		size_t len = strlen(known);

		if (is_named(file, name)) {
			buf_append(buf, file->bytes, file->size);
			return true;
		}
		snprintf(known + len, sizeof(known) - len, "%s%.*s", len ? ", " : "",
			 (int)strcspn(file->name, "."), file->name);
	}
	return error_set(err, ERR_CONFIG, "there is no rule set \"%s\": name one of %s, or a file by its path",
			 "không có bộ quy tắc \"%s\": hãy chọn %s, hoặc ghi đường dẫn một tệp", name, known);
}

static bool read_text(const struct embedded_file *files, const char *name, struct buf *buf, struct error *err)
{
	return strchr(name, '/') ? read_file(name, buf, err) : read_embedded(files, name, buf, err);
}

/* "vn-26-2013-tt-byt 0a1b2c3d4e5f6071" */
static const char *edition_of(const char *id, const struct buf *file, struct arena *arena)
{
	unsigned char hash[CONTENT_HASH_BYTES];
	uint64_t mark = 0;

	content_hash(file->data, file->len, hash);
	for (size_t i = 0; i < sizeof(mark); i++)
		mark = mark << 8 | hash[i];
	return arena_printf(arena, "%s %016llx", id, (unsigned long long)mark);
}

/* Faults of a file say where in it; here which file it is. */
static void name_file(const char *name, struct error *err)
{
	struct error found = *err;

	if (err->nfields > 0)
		error_set(err, ERR_CONFIG, "the rule set %s is wrong at these places:", "bộ quy tắc %s sai ở các chỗ sau:",
			  name);
	else
		error_set(err, ERR_CONFIG, "the rule set %s cannot be read: %.200s%.0s", "không đọc được bộ quy tắc %s: %.0s%.200s",
			  name, found.detail[LANGUAGE_EN], found.detail[LANGUAGE_VI]);
}

static bool read_book(const char *name, struct rule_book *book, enum rules_use use, struct error *err)
{
	struct buf buf = { 0 };
	bool fine = read_text(eligibility_rules_embedded(), name, &buf, err);

	if (fine) {
		fine = eligibility_rules_read(buf.data ? buf.data : "", buf.len, &book->arena, &book->rules, err);
		if (fine)
			book->rules.edition = edition_of(book->rules.id, &buf, &book->arena);
		else
			name_file(name, err);
	}
	if (fine)
		book->rules.text = arena_strdup(&book->arena, buf.data);
	buf_release(&buf);
	if (fine && use == RULES_FOR_USE && book->rules.use == USE_ILLUSTRATION)
		return error_set(err, ERR_CONFIG, "the rule set %s is an illustration, not for use: choose another in"
				 " eligibility.rules", "bộ quy tắc %s chỉ để minh họa: hãy chọn bộ khác trong eligibility.rules",
				 name);
	return fine;
}

struct eligibility_rules *rules_open(const char *name, enum rules_use use, struct error *err)
{
	struct rule_book *book = xcalloc(1, sizeof(*book));

	arena_init(&book->arena);
	if (read_book(name, book, use, err))
		return &book->rules;
	rules_free(&book->rules);
	return NULL;
}

void rules_free(struct eligibility_rules *rules)
{
	struct rule_book *book;

	if (!rules)
		return;
	book = container_of(rules, struct rule_book, rules);
	arena_release(&book->arena);
	free(book);
}

/* ---- the tariff of gifts, the ladders of honours ---- */

struct tariff_book {
	struct arena  arena;
	struct tariff tariff;
};

struct tariff *tariff_open(const char *name, struct error *err)
{
	struct tariff_book *book = xcalloc(1, sizeof(*book));
	struct buf buf = { 0 };
	bool fine = read_text(tariffs_embedded(), name, &buf, err);

	arena_init(&book->arena);
	if (fine && !tariff_read(buf.data ? buf.data : "", buf.len, &book->arena, &book->tariff, err)) {
		name_file(name, err);
		fine = false;
	}
	if (fine)
		book->tariff.edition = edition_of(book->tariff.id, &buf, &book->arena);
	buf_release(&buf);
	if (fine)
		return &book->tariff;
	tariff_free(&book->tariff);
	return NULL;
}

void tariff_free(struct tariff *tariff)
{
	struct tariff_book *book;

	if (!tariff)
		return;
	book = container_of(tariff, struct tariff_book, tariff);
	arena_release(&book->arena);
	free(book);
}

struct honour_book {
	struct arena        arena;
	struct honour_rules rules;
};

struct honour_rules *honours_open(const char *name, struct error *err)
{
	struct honour_book *book = xcalloc(1, sizeof(*book));
	struct buf buf = { 0 };
	bool fine = read_text(honour_rules_embedded(), name, &buf, err);

	arena_init(&book->arena);
	if (fine && !honour_rules_read(buf.data ? buf.data : "", buf.len, &book->arena, &book->rules, err)) {
		name_file(name, err);
		fine = false;
	}
	if (fine)
		book->rules.edition = edition_of(book->rules.id, &buf, &book->arena);
	buf_release(&buf);
	if (fine)
		return &book->rules;
	honours_free(&book->rules);
	return NULL;
}

void honours_free(struct honour_rules *honours)
{
	struct honour_book *book;

	if (!honours)
		return;
	book = container_of(honours, struct honour_book, rules);
	arena_release(&book->arena);
	free(book);
}

/* ---- the forms of certificates ---- */

static bool form_check(const char *path, struct error *err)
{
	struct buf buf = { 0 };
	struct error found;
	struct form form;
	bool fine = read_file(path, &buf, err);

	if (fine) {
		error_clear(&found);
		fine = form_parse(buf.data ? buf.data : "", &form, &found);
		if (!fine)
			error_set(err, ERR_CONFIG, "%s is no form of certificates: %.200s%.0s",
				  "%s không phải mẫu giấy chứng nhận: %.0s%.200s", path, found.detail[LANGUAGE_EN], found.detail[LANGUAGE_VI]);
	}
	buf_release(&buf);
	return fine;
}

bool forms_check(const char *whole, const char *preprinted, struct error *err)
{
	return (!*whole || form_check(whole, err)) && (!*preprinted || form_check(preprinted, err));
}
