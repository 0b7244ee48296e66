#include "cli/sealed_audit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/commands.h"
#include "store/key_store.h"

CLI_OPERATION(key_load)

/* ---- keys ---- */

static bool take_given(struct cli *cli, struct audit_keys *keys)
{
	const char *hex;

	for (int nth = 0; (hex = cli_option(cli, "public-key", nth)) != NULL; nth++) {
		if (keys->count == AUDIT_KEYS_MAX || !sign_public_parse(hex, keys->keys[keys->count].bytes))
			return error_set(&cli->error, ERR_CONFIG, "--public-key must be 64 hexadecimal digits, as"
					 " \"giothong audit keys\" prints them",
					 "--public-key phải là 64 chữ số thập lục phân, như"
					 " \"giothong audit keys\" in ra");
		keys->keys[keys->count++].id = 0;
	}
	return true;
}

static bool has_key(const struct audit_keys *keys, int id)
{
	for (size_t i = 0; i < keys->count; i++)
		if (keys->keys[i].id == id)
			return true;
	return false;
}

static void take_lost(struct audit_keys *keys, const struct key_load *load)
{
	for (size_t i = 0; i < load->nrecords && keys->count < AUDIT_KEYS_MAX; i++) {
		const struct key_record *key = &load->records[i];

		if (key->kind != KEY_SIGN || key->state != KEY_RETIRED || has_key(keys, key->id))
			continue;
		keys->keys[keys->count].id = key->id;
		keys->keys[keys->count].lost = true;
		memcpy(keys->keys[keys->count++].bytes, load->public_keys[i], SIGN_PUBLIC_BYTES);
	}
}

bool audit_keys_collect(struct cli *cli, struct audit_keys *keys)
{
	struct key_load load = { .nrecords = 0 };
	int ids[SIGN_KEYS_MAX];
	size_t count;

	*keys = (struct audit_keys){ 0 };
	if (cli_has(cli, "public-key"))
		return take_given(cli, keys);
	count = sign_key_ids(cli->setup->keyring, ids);
	for (size_t i = 0; i < count; i++)
		if (sign_public_key(cli->setup->keyring, ids[i], keys->keys[keys->count].bytes))
			keys->keys[keys->count++].id = ids[i];
	if (!key_load_run(cli, &load))
		return false;
	take_lost(keys, &load);
	return true;
}

bool audit_keys_is_lost(const struct audit_keys *keys, int key_id)
{
	for (size_t i = 0; i < keys->count; i++)
		if (keys->keys[i].id == key_id)
			return keys->keys[i].lost;
	return false;
}

bool audit_keys_accept(const struct audit_keys *keys, const struct chain_checkpoint *checkpoint,
		       enum chain_damage_kind *kind)
{
	*kind = CHAIN_UNKNOWN_KEY;
	for (size_t i = 0; i < keys->count; i++) {
		if (keys->keys[i].id != 0 && keys->keys[i].id != checkpoint->key_id)
			continue;
		if (chain_checkpoint_verify(checkpoint, keys->keys[i].bytes))
			return true;
		*kind = CHAIN_FORGED;
	}
	return false;
}

/* ---- checkpoints in a file ---- */

void audit_marks_add(struct audit_marks *marks, const struct chain_mark *mark)
{
	if (marks->count == marks->capacity) {
		marks->capacity = marks->capacity ? 2 * marks->capacity : 256;
		marks->marks = xrealloc(marks->marks, marks->capacity * sizeof(*marks->marks));
	}
	marks->marks[marks->count++] = *mark;
	if (mark->position > marks->highest)
		marks->highest = mark->position;
}

static void add_checkpoint(struct audit_marks *marks, const struct chain_checkpoint *checkpoint)
{
	struct chain_mark mark = { .position = checkpoint->position };

	memcpy(mark.hash, checkpoint->hash, sizeof(mark.hash));
	audit_marks_add(marks, &mark);
}

bool audit_marks_read(struct cli *cli, const char *path, const struct audit_keys *keys,
		      void (*on_damage)(void *context, const struct chain_damage *damage), void *context,
		      struct audit_marks *marks)
{
	FILE *file = streq(path, "-") ? stdin : fopen(path, "re");
	struct chain_scan scan = { 0 };
	size_t found = 0;
	bool fine, ended = false;

	if (!file)
		return error_set(&cli->error, ERR_SYSTEM, "%s cannot be opened: %s", "không mở được %s: %s", path,
				 strerror(errno));
	while (!ended) {
		enum chain_damage_kind kind;
		int c = getc(file);

		ended = c == EOF;
		if (!chain_scan_byte(&scan, ended ? '\n' : (char)c))
			continue;
		found++;
		if (audit_keys_accept(keys, &scan.found, &kind)) {
			add_checkpoint(marks, &scan.found);
			marks->by_lost_keys += audit_keys_is_lost(keys, scan.found.key_id);
			continue;
		}
		on_damage(context, &(struct chain_damage){ .kind = kind, .position = scan.found.position,
							   .other = scan.found.key_id });
	}
	fine = !ferror(file) || error_set(&cli->error, ERR_SYSTEM, "%s cannot be read: %s", "không đọc được %s: %s",
					  path, strerror(errno));
	if (file != stdin)
		fclose(file);
	if (fine && found == 0)
		return error_set(&cli->error, ERR_MALFORMED, "%s holds no checkpoint (lines \"audit_checkpoint ...\" of the"
				 " log, or the JSON of an earlier \"audit verify\")",
				 "%s không có mốc ký nào (dòng \"audit_checkpoint ...\" của nhật ký, hoặc JSON của lần"
				 " \"audit verify\" trước)", path);
	return fine;
}

static void count_one(void *context, const struct chain_damage *damage)
{
	int64_t *count = context;

	(void)damage;
	(*count)++;
}

bool audit_marks_read_genuine(struct cli *cli, const char *path, struct audit_marks *marks)
{
	struct audit_keys keys;
	int64_t forged = 0;

	if (!audit_keys_collect(cli, &keys) || !audit_marks_read(cli, path, &keys, count_one, &forged, marks))
		return false;
	return forged == 0 ||
	       error_set(&cli->error, ERR_MALFORMED, "%lld checkpoints in %s are not signed by a key of the keyring",
			 "%lld mốc ký trong %s không do khóa của bộ khóa ký", (long long)forged, path);
}

/* ---- audit keys ---- */

static int keys_run(struct cli *cli)
{
	struct audit_keys keys;
	int active = keyring_active(cli->setup->keyring, KEY_SIGN);

	if (!audit_keys_collect(cli, &keys))
		return cli_refuse(cli);
	jout_object(&cli->out, NULL);
	jout_array(&cli->out, "items");
	for (size_t i = 0; i < keys.count; i++) {
		char hex[SIGN_PUBLIC_HEX_SIZE];
		bool signs = keys.keys[i].id == active;

		for (size_t b = 0; b < SIGN_PUBLIC_BYTES; b++)
			snprintf(hex + 2 * b, 3, "%02x", keys.keys[i].bytes[b]);
		cli_say(cli, "%d  %s%s\n", "%d  %s%s\n", keys.keys[i].id, hex,
			signs ? cli_word(cli, "  signs now", "  đang ký")
			: keys.keys[i].lost ? cli_word(cli, "  not in the keyring", "  không có trong bộ khóa") : "");
		jout_object(&cli->out, NULL);
		jout_int(&cli->out, "key_id", keys.keys[i].id);
		jout_text(&cli->out, "public_key", hex);
		jout_bool(&cli->out, "active", signs);
		jout_bool(&cli->out, "lost", keys.keys[i].lost);
		jout_end(&cli->out);
	}
	jout_end(&cli->out);
	jout_end(&cli->out);
	return EXIT_OK;
}

const struct cli_command audit_keys_commands[] = {
	{ .group = "audit", .verb = "keys", .need = CLI_DATABASE, .run = keys_run,
	  .summary = { "the public keys with which an auditor verifies checkpoints",
		       "các khóa công khai để kiểm toán viên kiểm tra mốc ký" } },
	{ 0 }
};
