#ifndef CLI_SECRET_H
#define CLI_SECRET_H

#include "cli/cli.h"

/* How a secret is asked for, in both languages. */
struct secret_words {
	const char *option;                      /* that names a file: "passphrase-file" */
	const char *ask[LANGUAGE_COUNT], *again[LANGUAGE_COUNT], *none[LANGUAGE_COUNT], *differ[LANGUAGE_COUNT];
};

/*
 * One line into `typed` (of `size` bytes; what is longer is cut), without its
 * end: from the terminal, without echo (twice when it is a new one), or the first
 * line of the file that the option names, which nobody else may read. False and cli->error.
 */
bool secret_read(struct cli *cli, const struct secret_words *words, bool is_new, char *typed, size_t size);

#endif
