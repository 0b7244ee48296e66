#include "cli/passphrase.h"

#include "cli/secret.h"

static const struct secret_words words = {
	.option = "passphrase-file",
	.ask = { "Passphrase: ", "Cụm mật khẩu: " },
	.again = { "Once more: ", "Nhập lại: " },
	.none = { "no passphrase was typed", "chưa nhập cụm mật khẩu" },
	.differ = { "the two passphrases differ", "hai lần nhập khác nhau" },
};

/* What is cut is too long for key_passphrase_check(). */
char *passphrase_read(struct cli *cli, bool is_new)
{
	char *typed = key_passphrase_new(), *out = key_passphrase_new();

	if (!secret_read(cli, &words, is_new, typed, KEY_PASSPHRASE_SIZE) ||
	    !key_passphrase_check(typed, out, &cli->error)) {
		key_passphrase_free(out);
		out = NULL;
	}
	key_passphrase_free(typed);
	return out;
}
