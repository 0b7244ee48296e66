#include "domain/pack.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/memory.h"
#include "domain/person_name.h"
#include "domain/round.h"

enum { PART = 0x1f, CODE_LEN = APPOINTMENT_CODE_SIZE - 1, VALUE_BYTES = 3, MARK_BYTES = 8 };

/* ---- what is hashed ---- */

const char *pack_number_text(const struct identifier *identifier, struct arena *arena, size_t *len)
{
	const char *text = arena_printf(arena, "%s%c%s", identifier_kind_text(identifier->kind), PART, identifier->value);

	*len = strlen(text);
	return text;
}

const char *pack_name_text(const char *name, struct date birth_date, struct arena *arena, size_t *len)
{
	const char *words[PERSON_NAME_WORDS_MAX];
	size_t count = name && !date_is_none(birth_date) ? person_name_words(name, arena, words) : 0;
	char day[DATE_TEXT_SIZE];
	struct buf buf = { 0 };
	const char *text;

	if (count == 0)
		return NULL;
	for (size_t i = 0; i < count; i++)
		buf_printf(&buf, "%s%s", i > 0 ? " " : "", words[i]);
	buf_printf(&buf, "%c%s", PART, date_format(birth_date, day));
	*len = buf.len;
	text = arena_strdup(arena, buf.data);
	buf_release(&buf);
	return text;
}

double pack_false_alarm(size_t numbers, size_t names)
{
	double by_number = (double)numbers / PACK_HASHES, by_name = (double)names / PACK_HASHES;

	return 1 - (1 - by_number) * (1 - by_name);
}

/* ---- order ---- */

static int compare_values(const void *a, const void *b)
{
	const uint32_t *one = a, *two = b;

	return (*one > *two) - (*one < *two);
}

static int compare_expected(const void *a, const void *b)
{
	const struct pack_expected *one = a, *two = b;

	return strcmp(one->code, two->code);
}

static int compare_merges(const void *a, const void *b)
{
	const struct pack_merge *one = a, *two = b;

	return strcmp(one->donor_id, two->donor_id);
}

/* Returns how many are left. */
static size_t order(void *items, size_t count, size_t size, int (*compare)(const void *, const void *))
{
	char *all = items;
	size_t kept = 0;

	if (count == 0)
		return 0;
	qsort(items, count, size, compare);
	for (size_t i = 0; i < count; i++) {
		if (kept > 0 && compare(all + (kept - 1) * size, all + i * size) == 0)
			continue;
		if (kept < i)
			memcpy(all + kept * size, all + i * size, size);
		kept++;
	}
	return kept;
}

void pack_order(struct pack_contents *contents)
{
	contents->nexpected = order(contents->expected, contents->nexpected, sizeof(*contents->expected), compare_expected);
	contents->nmerges = order(contents->merges, contents->nmerges, sizeof(*contents->merges), compare_merges);
	contents->nnumbers = order(contents->numbers, contents->nnumbers, sizeof(*contents->numbers), compare_values);
	contents->nnames = order(contents->names, contents->nnames, sizeof(*contents->names), compare_values);
}

/* ---- the state ---- */

static void put_minute(int minute, struct buf *out)
{
	char text[6];

	buf_printf(out, "\t%s", minute < 0 ? "" : minute_format(minute, text));
}

void pack_expected_text(const struct pack_expected *expected, struct buf *out)
{
	buf_printf(out, "e\t%s\t%s\t", expected->code, expected->donor_id);
	if (expected->birth_year > 0)
		buf_printf(out, "%d", expected->birth_year);
	put_minute(expected->start_minute, out);
	put_minute(expected->end_minute, out);
	buf_printf(out, "\t%s\t%s\t%s", expected->checked_in ? "checked_in" : "booked", expected->group ? expected->group : "",
		   expected->name ? expected->name : "");
}

void pack_state_text(const struct pack_contents *contents, struct buf *out)
{
	buf_printf(out, "r\t%s\n", contents->rule_set);
	for (size_t i = 0; i < contents->nexpected; i++) {
		pack_expected_text(&contents->expected[i], out);
		buf_append_char(out, '\n');
	}
	for (size_t i = 0; i < contents->nmerges; i++)
		buf_printf(out, "m\t%s\t%s\n", contents->merges[i].donor_id, contents->merges[i].into_id);
	for (size_t i = 0; i < contents->nnames; i++)
		buf_printf(out, "n\t%u\n", contents->names[i]);
	for (size_t i = 0; i < contents->nnumbers; i++)
		buf_printf(out, "p\t%u\n", contents->numbers[i]);
}

/* ---- what a phone holds ---- */

/*
 * Numbers are big-endian: four counts of 4 bytes, then values of 3 bytes, then codes with marks, then pairs of ids.
 */
static void put_number(struct buf *out, uint64_t number, size_t bytes)
{
	for (size_t i = bytes; i-- > 0;)
		buf_append_char(out, (char)(number >> (8 * i) & 0xff));
}

static void put_id(struct buf *out, const char *text)
{
	unsigned char bytes[UUID_BYTES] = { 0 };

	(void)!uuid_bytes(text, bytes);
	buf_append(out, bytes, sizeof(bytes));
}

void pack_held_write(const struct pack_contents *contents, struct buf *out)
{
	put_number(out, contents->nnumbers, 4);
	put_number(out, contents->nnames, 4);
	put_number(out, contents->nexpected, 4);
	put_number(out, contents->nmerges, 4);
	for (size_t i = 0; i < contents->nnumbers; i++)
		put_number(out, contents->numbers[i], VALUE_BYTES);
	for (size_t i = 0; i < contents->nnames; i++)
		put_number(out, contents->names[i], VALUE_BYTES);
	for (size_t i = 0; i < contents->nexpected; i++) {
		buf_append(out, contents->expected[i].code, CODE_LEN);
		put_number(out, contents->expected[i].mark, MARK_BYTES);
	}
	for (size_t i = 0; i < contents->nmerges; i++) {
		put_id(out, contents->merges[i].donor_id);
		put_id(out, contents->merges[i].into_id);
	}
}

struct reader {
	const unsigned char *at, *end;
};

static uint64_t take_number(struct reader *reader, size_t bytes)
{
	uint64_t number = 0;

	for (size_t i = 0; i < bytes; i++)
		number = number << 8 | *reader->at++;
	return number;
}

static void take_values(struct reader *reader, uint32_t *values, size_t count)
{
	for (size_t i = 0; i < count; i++)
		values[i] = (uint32_t)take_number(reader, VALUE_BYTES);
}

static void take_id(struct reader *reader, char out[UUID_TEXT_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	char *to = out;

	for (int i = 0; i < UUID_BYTES; i++) {
		unsigned char byte = *reader->at++;

		if (i == 4 || i == 6 || i == 8 || i == 10)
			*to++ = '-';
		*to++ = digits[byte >> 4];
		*to++ = digits[byte & 15];
	}
	*to = '\0';
}

bool pack_held_read(const void *bytes, size_t len, struct arena *arena, struct pack_contents *out)
{
	struct reader reader = { bytes, (const unsigned char *)bytes + len };
	size_t need = 16;

	*out = (struct pack_contents){ 0 };
	if (len < need)
		return false;
	out->nnumbers = (size_t)take_number(&reader, 4);
	out->nnames = (size_t)take_number(&reader, 4);
	out->nexpected = (size_t)take_number(&reader, 4);
	out->nmerges = (size_t)take_number(&reader, 4);
	need += (out->nnumbers + out->nnames) * VALUE_BYTES + out->nexpected * (CODE_LEN + MARK_BYTES) +
		out->nmerges * (size_t)(2 * UUID_BYTES);
	if (len != need)
		return false;
	out->numbers = arena_alloc(arena, (out->nnumbers + 1) * sizeof(*out->numbers));
	out->names = arena_alloc(arena, (out->nnames + 1) * sizeof(*out->names));
	out->expected = arena_alloc(arena, (out->nexpected + 1) * sizeof(*out->expected));
	out->merges = arena_alloc(arena, (out->nmerges + 1) * sizeof(*out->merges));
	take_values(&reader, out->numbers, out->nnumbers);
	take_values(&reader, out->names, out->nnames);
	for (size_t i = 0; i < out->nexpected; i++) {
		memcpy(out->expected[i].code, reader.at, CODE_LEN);
		reader.at += CODE_LEN;
		out->expected[i].mark = take_number(&reader, MARK_BYTES);
	}
	for (size_t i = 0; i < out->nmerges; i++) {
		take_id(&reader, out->merges[i].donor_id);
		take_id(&reader, out->merges[i].into_id);
	}
	return true;
}

/* ---- what changed ---- */

static void compare_sets(const uint32_t *before, size_t nbefore, const uint32_t *after, size_t nafter, struct arena *arena,
			 struct pack_values *added, struct pack_values *gone)
{
	size_t b = 0, a = 0;

	*added = (struct pack_values){ .values = arena_alloc(arena, (nafter + 1) * sizeof(*added->values)) };
	*gone = (struct pack_values){ .values = arena_alloc(arena, (nbefore + 1) * sizeof(*gone->values)) };
	while (b < nbefore || a < nafter) {
		if (a == nafter || (b < nbefore && before[b] < after[a])) {
			gone->values[gone->count++] = before[b++];
		} else if (b == nbefore || after[a] < before[b]) {
			added->values[added->count++] = after[a++];
		} else {
			a++;
			b++;
		}
	}
}

static void compare_people(const struct pack_contents *before, const struct pack_contents *after, struct arena *arena,
			   struct pack_change *change)
{
	size_t b = 0, a = 0;

	change->expected = arena_alloc(arena, (after->nexpected + 1) * sizeof(*change->expected));
	change->codes = arena_alloc(arena, (before->nexpected + 1) * sizeof(*change->codes));
	while (b < before->nexpected || a < after->nexpected) {
		const struct pack_expected *was = b < before->nexpected ? &before->expected[b] : NULL;
		const struct pack_expected *is = a < after->nexpected ? &after->expected[a] : NULL;
		int sign = !is ? -1 : !was ? 1 : strcmp(was->code, is->code);

		if (sign < 0)
			change->codes[change->ncodes++] = was->code;
		else if (sign > 0 || was->mark != is->mark)
			change->expected[change->nexpected++] = is;
		b += sign <= 0;
		a += sign >= 0;
	}
}

static void compare_merged(const struct pack_contents *before, const struct pack_contents *after, struct arena *arena,
			   struct pack_change *change)
{
	size_t b = 0, a = 0;

	change->merges = arena_alloc(arena, (after->nmerges + 1) * sizeof(*change->merges));
	change->unmerged = arena_alloc(arena, (before->nmerges + 1) * sizeof(*change->unmerged));
	while (b < before->nmerges || a < after->nmerges) {
		const struct pack_merge *was = b < before->nmerges ? &before->merges[b] : NULL;
		const struct pack_merge *is = a < after->nmerges ? &after->merges[a] : NULL;
		int sign = !is ? -1 : !was ? 1 : strcmp(was->donor_id, is->donor_id);

		if (sign < 0)
			change->unmerged[change->nunmerged++] = was->donor_id;
		else if (sign > 0 || strcmp(was->into_id, is->into_id) != 0)
			change->merges[change->nmerges++] = is;
		b += sign <= 0;
		a += sign >= 0;
	}
}

void pack_compare(const struct pack_contents *before, const struct pack_contents *after, struct arena *arena,
		  struct pack_change *change)
{
	*change = (struct pack_change){ 0 };
	compare_people(before, after, arena, change);
	compare_merged(before, after, arena, change);
	compare_sets(before->numbers, before->nnumbers, after->numbers, after->nnumbers, arena, &change->numbers,
		     &change->numbers_gone);
	compare_sets(before->names, before->nnames, after->names, after->nnames, arena, &change->names, &change->names_gone);
}

bool pack_changed(const struct pack_change *change)
{
	return change->nexpected + change->ncodes + change->nmerges + change->nunmerged + change->numbers.count +
	       change->names.count + change->numbers_gone.count + change->names_gone.count > 0;
}

/* ---- until when ---- */

bool pack_is_given(const struct round *round, struct date today, struct error *err)
{
	if (round->status == ROUND_CANCELLED)
		return error_set(err, ERR_ILLEGAL_STEP,
				 "The round was cancelled: there is nothing to prepare for. What a phone holds it may hand in all the same.",
				 "Đợt hiến máu đã hủy nên không có gì để chuẩn bị. Những gì điện thoại đang giữ vẫn được nộp.");
	if (round->status == ROUND_POSTPONED || date_is_none(round->to))
		return error_set(err, ERR_ILLEGAL_STEP,
				 "The round has no day: who may give on it cannot be told. What a phone holds it may hand in all the same.",
				 "Đợt hiến máu chưa có ngày nên chưa biết ai được hiến. Những gì điện thoại đang giữ vẫn được nộp.");
	if (date_compare(date_add_days(round->to, 1), today) < 0)
		return error_set(err, ERR_ILLEGAL_STEP,
				 "The round is over: packs are given until the day after it. What a phone holds it may hand in all the same.",
				 "Đợt hiến máu đã qua: gói dữ liệu chỉ cấp đến hết ngày hôm sau. Những gì điện thoại đang giữ vẫn được nộp.");
	return true;
}

int64_t pack_expires_us(const struct round *round, int64_t now_us)
{
	const int64_t day_us = (int64_t)86400 * 1000000;
	int64_t latest = now_us + PACK_DAYS * day_us, end = date_instant(date_add_days(round->to, 2), 0);

	return end < latest ? end : latest;
}
