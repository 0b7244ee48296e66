#ifndef CLI_KEYRING_H
#define CLI_KEYRING_H

#include "cli/cli.h"
#include "crypto/keyring.h"
#include "store/key_store.h"

/* What `keyring list` and `keyring rotate` say alike. Texts are in the reader's language and in the arena. */
enum { KEYRING_NAME_SIZE = 32 };

void keyring_key_name(const struct key_record *key, char out[KEYRING_NAME_SIZE]);        /* "hash-2" */

/* Whether the daemon does not have that key's file at all. */
bool keyring_lacks(const struct key_holder *holder, const char *name);
/* "daemon ID on HOST (version ...)" */
const char *keyring_holder_text(struct cli *cli, const struct key_holder *holder);
/* Why it is behind with that key and what to do: follows the text above. */
const char *keyring_advice(struct cli *cli, const struct key_holder *holder, const char *name);
void keyring_write_holder(struct cli *cli, const struct key_holder *holder);

#endif
