#ifndef CLI_PASSPHRASE_H
#define CLI_PASSPHRASE_H

#include "cli/cli.h"
#include "crypto/key_copy.h"

/*
 * A passphrase from the terminal, without echo (twice when it is a new one),
 * or from the first line of the file that --passphrase-file names, which
 * nobody else may read. New, for key_passphrase_free(); NULL and cli->error.
 */
char *passphrase_read(struct cli *cli, bool is_new);

#define PASSPHRASE_OPTION \
	{ "passphrase-file", "FILE", { "the passphrase is the first line of FILE (0600); else it is asked for", \
				       "cụm mật khẩu là dòng đầu của FILE (0600); nếu không thì sẽ hỏi" } }

#endif
