#include "crypto/audit_chain.h"

#include <ctype.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* ---- the hash ---- */

static void add_text(crypto_generichash_state *state, const char *text, size_t len)
{
	crypto_generichash_update(state, (const unsigned char *)text, len);
}

static void add_field(crypto_generichash_state *state, const char *text)
{
	char head[24];

	if (!text) {
		add_text(state, "-,", 2);
		return;
	}
	add_text(state, head, (size_t)snprintf(head, sizeof(head), "%zu:", strlen(text)));
	add_text(state, text, strlen(text));
	add_text(state, ",", 1);
}

void chain_hash(const unsigned char before[CHAIN_HASH_BYTES], const struct chain_row *row,
		unsigned char out[CHAIN_HASH_BYTES])
{
	static const char words[] = "giothong audit entry v1\n";
	char hex[CHAIN_HASH_HEX_SIZE], position[24];
	crypto_generichash_state state;

	chain_hash_hex(before, hex);
	snprintf(position, sizeof(position), "%lld", (long long)row->position);
	crypto_generichash_init(&state, NULL, 0, CHAIN_HASH_BYTES);
	add_text(&state, words, strlen(words));
	add_field(&state, hex);
	add_field(&state, position);
	add_field(&state, row->sealed_us);
	for (int i = 0; i < CHAIN_FIELDS; i++)
		add_field(&state, row->entry[i]);
	crypto_generichash_final(&state, out, CHAIN_HASH_BYTES);
}

static bool parse_hex(const char *hex, unsigned char *out, size_t size)
{
	size_t bytes = 0, digits;

	if (text_starts_with(hex ? hex : "", "\\x"))
		hex += 2;
	digits = hex ? strlen(hex) : 0;
	return digits == 2 * size && sodium_hex2bin(out, size, hex, digits, NULL, &bytes, NULL) == 0 &&
	       bytes == size;
}

void chain_hash_hex(const unsigned char hash[CHAIN_HASH_BYTES], char out[CHAIN_HASH_HEX_SIZE])
{
	sodium_bin2hex(out, CHAIN_HASH_HEX_SIZE, hash, CHAIN_HASH_BYTES);
}

bool chain_hash_parse(const char *hex, unsigned char out[CHAIN_HASH_BYTES])
{
	return parse_hex(hex, out, CHAIN_HASH_BYTES);
}

/* ---- checkpoints ---- */

enum { CHECKPOINT_TEXT_SIZE = 256 };

static size_t checkpoint_text(const struct chain_checkpoint *checkpoint, char out[CHECKPOINT_TEXT_SIZE])
{
	char hex[CHAIN_HASH_HEX_SIZE];

	chain_hash_hex(checkpoint->hash, hex);
	return (size_t)snprintf(out, CHECKPOINT_TEXT_SIZE,
				"giothong audit checkpoint v1\nposition %lld\nhash %s\nat_us %lld\nkey_id %d\n",
				(long long)checkpoint->position, hex, (long long)checkpoint->at_us,
				checkpoint->key_id);
}

bool chain_checkpoint_sign(const struct keyring *keyring, struct chain_checkpoint *checkpoint)
{
	char text[CHECKPOINT_TEXT_SIZE];
	size_t len = checkpoint_text(checkpoint, text);

	return sign_text(keyring, checkpoint->key_id, text, len, checkpoint->signature);
}

bool chain_checkpoint_verify(const struct chain_checkpoint *checkpoint,
			     const unsigned char public_key[SIGN_PUBLIC_BYTES])
{
	char text[CHECKPOINT_TEXT_SIZE];
	size_t len = checkpoint_text(checkpoint, text);

	return sign_verify(public_key, text, len, checkpoint->signature);
}

void chain_signature_hex(const struct chain_checkpoint *checkpoint, char out[SIGNATURE_HEX_SIZE])
{
	sodium_bin2hex(out, SIGNATURE_HEX_SIZE, checkpoint->signature, SIGNATURE_BYTES);
}

bool chain_signature_parse(const char *hex, unsigned char out[SIGNATURE_BYTES])
{
	return parse_hex(hex, out, SIGNATURE_BYTES);
}

/* ---- finding checkpoints in text ---- */

static bool to_number(const char *word, int64_t max, int64_t *out)
{
	size_t len = strlen(word);

	if (len == 0 || len > 18 || strspn(word, "0123456789") != len)
		return false;
	*out = strtoll(word, NULL, 10);
	return *out <= max;
}

/* The value after the nth name. */
static bool take_value(struct chain_checkpoint *found, int nth, const char *word)
{
	int64_t number = 0;
	bool fine;

	switch (nth) {
	case 0:
		return to_number(word, INT64_MAX, &found->position);
	case 1:
		return parse_hex(word, found->hash, CHAIN_HASH_BYTES);
	case 2:
		return to_number(word, INT64_MAX, &found->at_us);
	case 3:
		fine = to_number(word, INT32_MAX, &number);
		found->key_id = (int)number;
		return fine;
	default:
		return parse_hex(word, found->signature, SIGNATURE_BYTES);
	}
}

static bool take_word(struct chain_scan *scan)
{
	static const char *const names[] = { "position", "hash", "at_us", "key_id", "signature" };
	const char *word = scan->word;
	int nth = scan->words / 2;
	bool fits = scan->words % 2 == 0 ? streq(word, names[nth]) : take_value(&scan->found, nth, word);

	if (!fits)
		scan->words = streq(word, names[0]) ? 1 : 0;
	else if (++scan->words == 10)
		scan->words = 0;
	return fits && scan->words == 0;
}

bool chain_scan_byte(struct chain_scan *scan, char byte)
{
	bool whole;

	if (isalnum((unsigned char)byte) || byte == '_') {
		if (scan->len < sizeof(scan->word) - 1)
			scan->word[scan->len++] = byte;
		return false;
	}
	if (scan->len == 0)
		return false;
	scan->word[scan->len] = '\0';
	scan->len = 0;
	whole = take_word(scan);
	return whole;
}
