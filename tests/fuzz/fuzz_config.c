#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "config/config.h"
#include "config/options.h"
#include "crypto/audit_chain.h"
#include "crypto/keyring.h"
#include "crypto/token.h"
#include "fuzz/fuzz.h"
#include "http/http.h"

/*
 * What an operator writes, and credentials. The first letter says which:
 *
 *	f  a config file. Oracle: refused with its name, or every setting holds a
 *	   value that config_set() takes again for the same
 *	s  one "name=value". Oracle: a file of that one line says the same
 *	k  a key file's content. Oracle: 64 hexadecimal digits, at most one line end
 *	n  a key file's name beside good keys. Oracle: the keyring opens or says why
 *	g  a log in which checkpoints of the audit are looked for. Oracle: one that is
 *	   found, written as the log has it, is found again and the same
 *	h  a public key, a hash or a signature in hexadecimal. Oracle: written again it
 *	   is read the same
 *	b  what follows "Basic ". Oracle: encoded again it decodes to the same
 *	t  a token
 *	p  a trusted proxy
 */

static void write_all(int fd, const void *bytes, size_t size)
{
	if (ftruncate(fd, 0) < 0 || pwrite(fd, bytes, size, 0) != (ssize_t)size)
		abort();
}

/* ---- f, s ---- */

static int config_fd = -1;
static char config_path[64];

static bool read_config(const char *text, size_t size, struct config *config, struct error *err)
{
	bool fine;

	if (config_fd < 0) {
		config_fd = memfd_create("config", MFD_CLOEXEC);
		snprintf(config_path, sizeof(config_path), "/proc/self/fd/%d", config_fd);
	}
	write_all(config_fd, text, size);
	config_init(config);
	error_clear(err);
	fine = config_read_file(config, config_path, err);
	FUZZ_CHECK(fine == (err->code == ERR_NONE), "%d", (int)err->code);
	if (!fine)
		FUZZ_CHECK(err->code == ERR_CONFIG && strstr(err->detail[LANGUAGE_EN], config_path) &&
				   strstr(err->detail[LANGUAGE_VI], config_path),
			   "%s", err->detail[LANGUAGE_EN]);
	return fine;
}

/* The value as a text, as the option table would write it. */
static const char *value_of(const struct config *config, const struct option *option, char number[16])
{
	const char *at = (const char *)config + option->offset;

	switch (option->type) {
	case OPTION_TEXT:
		return *(char *const *)(const void *)at;
	case OPTION_INT:
		snprintf(number, 16, "%d", *(const int *)(const void *)at);
		return number;
	case OPTION_BOOL:
		return *(const bool *)at ? "yes" : "no";
	}
	return "";
}

static void check_same(const struct config *a, const struct config *b)
{
	char x[16], y[16];

	for (const struct option *option = config_options; option->name; option++)
		FUZZ_CHECK(streq(value_of(a, option, x), value_of(b, option, y)), "%s", option->name);
}

static void fuzz_file(const char *text, size_t size)
{
	struct config config, again;
	struct error err;
	char number[16];

	if (read_config(text, size, &config, &err)) {
		config_init(&again);
		for (const struct option *option = config_options; option->name; option++)
			FUZZ_CHECK(config_set(&again, option->name, value_of(&config, option, number), &err), "%s",
				   option->name);
		check_same(&config, &again);
		config_release(&again);
		if (!config_check(&config, &err))
			FUZZ_CHECK(err.code == ERR_CONFIG && *err.detail[LANGUAGE_EN] && *err.detail[LANGUAGE_VI], "%d",
				   (int)err.code);
	}
	config_release(&config);
}

/* A value that a file can hold on one line as it is. */
static bool is_plain(const char *name, const char *value)
{
	size_t len = strlen(value);

	return len < 150 && strcspn(value, ";\r\n\t\v\f\"'") == len && (len == 0 || (value[0] != ' ' && value[len - 1] != ' ')) &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz_.") == strlen(name);
}

static void fuzz_setting(char *text)
{
	char *value = strchr(text, '='), line[512];
	struct config config, filed;
	struct error err, file_err;
	const char *dot;
	bool taken;

	if (!value)
		return;
	*value++ = '\0';
	config_init(&config);
	error_clear(&err);
	taken = config_set(&config, text, value, &err);
	FUZZ_CHECK(taken ? err.code == ERR_NONE : err.code == ERR_CONFIG, "%d", (int)err.code);
	dot = strchr(text, '.');
	if (dot && dot != text && dot[1] && !strchr(dot + 1, '.') && strlen(text) < 60 && is_plain(text, value)) {
		snprintf(line, sizeof(line), "[%.*s]\n%s = %s\n", (int)(dot - text), text, dot + 1, value);
		bool fine = read_config(line, strlen(line), &filed, &file_err);

		FUZZ_CHECK(fine == taken, "%s: %s", text, value);
		check_same(&config, &filed);
		config_release(&filed);
	}
	config_release(&config);
}

/* ---- k, n ---- */

static char keys[64];

static void remove_keys(void)
{
	static const char *const names[] = { "hash-1.active.key", "wrap-1.active.key", "sign-1.active.key",
					     "suppression-1.active.key" };
	char path[128];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", keys, names[i]);
		unlink(path);
	}
	rmdir(keys);
}

static void start_keys(void)
{
	struct error err;

	error_clear(&err);
	snprintf(keys, sizeof(keys), "%s", "/tmp/fuzz-keys-XXXXXX");
	if (!crypto_start(&err) || !mkdtemp(keys) || !keyring_create(keys, &err))
		abort();
	atexit(remove_keys);
}

static bool opens(void)
{
	struct keyring *keyring;
	struct error err;

	error_clear(&err);
	keyring = keyring_open(keys, &err);
	FUZZ_CHECK(!keyring == (err.code != ERR_NONE), "%d", (int)err.code);
	keyring_free(keyring);
	return keyring != NULL;
}

static void fuzz_key(const char *text, size_t size)
{
	static const char good[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n";
	bool fine = (size == 64 || (size == 65 && text[64] == '\n')) &&
		    strspn(text, "0123456789abcdefABCDEF") == 64;
	char path[128];
	int fd;

	if (!*keys)
		start_keys();
	snprintf(path, sizeof(path), "%s/hash-1.active.key", keys);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	write_all(fd, text, size);
	FUZZ_CHECK(opens() == fine, "a key of %zu bytes", size);
	write_all(fd, good, sizeof(good) - 1);
	close(fd);
}

static void fuzz_key_name(const char *text)
{
	char path[400];
	int fd;

	if (!*keys)
		start_keys();
	if (!*text || strlen(text) > 200 || strchr(text, '/') || streq(text, ".") || streq(text, ".."))
		return;
	snprintf(path, sizeof(path), "%s/%s", keys, text);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	write_all(fd, "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", 64);
	close(fd);
	opens();
	unlink(path);
}

/* ---- g, h ---- */

static bool same_checkpoint(const struct chain_checkpoint *a, const struct chain_checkpoint *b)
{
	return a->position == b->position && a->at_us == b->at_us && a->key_id == b->key_id &&
	       memcmp(a->hash, b->hash, CHAIN_HASH_BYTES) == 0 &&
	       memcmp(a->signature, b->signature, SIGNATURE_BYTES) == 0;
}

static void check_checkpoint(const struct chain_checkpoint *found)
{
	char hash[CHAIN_HASH_HEX_SIZE], signature[SIGNATURE_HEX_SIZE], line[512];
	struct chain_scan again = { 0 };
	bool seen = false;

	chain_hash_hex(found->hash, hash);
	chain_signature_hex(found, signature);
	snprintf(line, sizeof(line), "audit_checkpoint level=info position=%lld hash=%s at_us=%lld key_id=%d signature=%s\n",
		 (long long)found->position, hash, (long long)found->at_us, found->key_id, signature);
	for (const char *p = line; *p; p++)
		seen |= chain_scan_byte(&again, *p);
	FUZZ_CHECK(seen && same_checkpoint(found, &again.found), "%s", line);
}

static void fuzz_log(const char *text, size_t size)
{
	struct chain_scan scan = { 0 };

	for (size_t i = 0; i <= size; i++)
		if (chain_scan_byte(&scan, i < size ? text[i] : '\n'))
			check_checkpoint(&scan.found);
}

static void fuzz_hex(const char *text)
{
	unsigned char hash[CHAIN_HASH_BYTES], hash2[CHAIN_HASH_BYTES], public[SIGN_PUBLIC_BYTES];
	char hex[CHAIN_HASH_HEX_SIZE], signature[SIGNATURE_HEX_SIZE];
	struct chain_checkpoint one = { 0 }, two = { 0 };

	if (chain_hash_parse(text, hash)) {
		chain_hash_hex(hash, hex);
		FUZZ_CHECK(chain_hash_parse(hex, hash2) && memcmp(hash, hash2, sizeof(hash)) == 0, "%s", text);
	}
	if (chain_signature_parse(text, one.signature)) {
		chain_signature_hex(&one, signature);
		FUZZ_CHECK(chain_signature_parse(signature, two.signature) && same_checkpoint(&one, &two), "%s", text);
	}
	if (sign_public_parse(text, public))
		FUZZ_CHECK(strlen(text) == SIGN_PUBLIC_HEX_SIZE - 1, "%s", text);
}

/* ---- b, t, p ---- */

static void encode64(const char *in, size_t len, char *out)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < len; i += 3) {
		unsigned a = (unsigned char)in[i], b = i + 1 < len ? (unsigned char)in[i + 1] : 0,
			 c = i + 2 < len ? (unsigned char)in[i + 2] : 0;

		*out++ = letters[a >> 2];
		*out++ = letters[(a & 3) << 4 | b >> 4];
		*out++ = i + 1 < len ? letters[(b & 15) << 2 | c >> 6] : '=';
		*out++ = i + 2 < len ? letters[c & 63] : '=';
	}
	*out = '\0';
}

static void fuzz_basic(const char *text)
{
	char out[512], again[512], joined[512], encoded[1024], *user, *password, *user2, *password2;

	if (!basic_decode(text, out, sizeof(out), &user, &password))
		return;
	FUZZ_CHECK(user >= out && password > user && strlen(user) + strlen(password) + 2 <= sizeof(out), "out of bounds");
	FUZZ_CHECK(!strchr(user, ':'), "%s", user);
	snprintf(joined, sizeof(joined), "%s:%s", user, password);
	encode64(joined, strlen(joined), encoded);
	FUZZ_CHECK(basic_decode(encoded, again, sizeof(again), &user2, &password2) && streq(user, user2) &&
			   streq(password, password2),
		   "%s", encoded);
}

static void fuzz_token(const char *text)
{
	unsigned char hash[TOKEN_HASH_BYTES];

	if (token_well_formed(text)) {
		FUZZ_CHECK(strlen(text) == TOKEN_TEXT_SIZE - 1, "%s", text);
		token_hash(text, hash);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned kind = fuzz_byte(&data, &size);
	char *text = fuzz_rest(data, size);

	if (kind == 'f')
		fuzz_file(text, size);
	else if (kind == 's')
		fuzz_setting(text);
	else if (kind == 'k')
		fuzz_key(text, size);
	else if (kind == 'n')
		fuzz_key_name(text);
	else if (kind == 'g')
		fuzz_log(text, size);
	else if (kind == 'h')
		fuzz_hex(text);
	else if (kind == 'b')
		fuzz_basic(text);
	else if (kind == 't')
		fuzz_token(text);
	else if (kind == 'p')
		http_trusted_proxy_is_valid(text);
	free(text);
	return 0;
}
