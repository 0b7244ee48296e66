#ifndef CLI_SEALED_AUDIT_H
#define CLI_SEALED_AUDIT_H

#include "cli/cli.h"
#include "crypto/audit_chain.h"
#include "crypto/chain_check.h"

/* What the commands on the sealed audit share. The chain: crypto/audit_chain.h. */

/* ---- public keys ---- */

enum { AUDIT_KEYS_MAX = SIGN_KEYS_MAX };

struct audit_keys {
	struct {
		int           id;                /* 0: given by hand, good for any */
		bool          lost;              /* only the database says that it was this one */
		unsigned char bytes[SIGN_PUBLIC_BYTES];
	}      keys[AUDIT_KEYS_MAX];
	size_t count;
};

/*
 * Those of --public-key, else all sign keys of the keyring and, of retired ones
 * that are not in it any more ("giothong keyring replace"), what the database
 * remembers: without them no record from before a loss could be verified again.
 * False and cli->error, ERR_CONFIG for wrong usage.
 */
bool audit_keys_collect(struct cli *cli, struct audit_keys *keys);
/* Whether that key is one of the lost. */
bool audit_keys_is_lost(const struct audit_keys *keys, int key_id);
/* Whether one of them has signed it; else *kind is CHAIN_FORGED or CHAIN_UNKNOWN_KEY. */
bool audit_keys_accept(const struct audit_keys *keys, const struct chain_checkpoint *checkpoint,
		       enum chain_damage_kind *kind);

/* ---- checkpoints kept elsewhere ---- */

struct audit_marks {
	struct chain_mark *marks;                /* of the genuine ones; the caller frees */
	size_t             count, capacity;
	int64_t            highest;              /* position; 0: none */
	int64_t            by_lost_keys;         /* so many of them */
};

/*
 * The checkpoints in a file (log lines, journalctl's output, saved JSON; "-":
 * standard input). What is not genuine goes to `on_damage`. False and
 * cli->error when the file cannot be read or holds no checkpoint at all.
 */
bool audit_marks_read(struct cli *cli, const char *path, const struct audit_keys *keys,
		      void (*on_damage)(void *context, const struct chain_damage *damage), void *context,
		      struct audit_marks *marks);

/* The same for who goes on by them: false and cli->error also when one is not signed by a key of ours. */
bool audit_marks_read_genuine(struct cli *cli, const char *path, struct audit_marks *marks);

void audit_marks_add(struct audit_marks *marks, const struct chain_mark *mark);

/* ---- the whole of it ---- */

/*
 * What `giothong audit verify` looks at, held against these marks (sorted here).
 * False and cli->error, which tells the first fault and how many there are.
 */
bool audit_is_whole(struct cli *cli, const struct audit_marks *marks);

/* ---- after a restore ---- */

/* What is known outside the database of positions that were given. */
struct audit_outside {
	int64_t known;                           /* the highest one; 0: none */
	/*
	 * There may have been more: beyond the last checkpoint of a log there were a few seconds of work, and a
	 * log that ends before the chain does tells nothing, nor does none. False: somebody vouches for `known`.
	 */
	bool    perhaps_more;
};

struct audit_restarted {
	struct chain_restart restart;            /* what was left out, and where the restart entry stands */
	int64_t              sealed;             /* entries that the backup brought unsealed, and the restart's own */
};

/*
 * Lets the chain of a restored database go on above every position that may
 * have been given. Seals what the backup brought unsealed, there, and last the
 * restart entry. Daemons that run meanwhile wait for it. After an interruption
 * call it again: it goes on where it was, unless more is known outside by then.
 * False and cli->error when it could not.
 */
bool audit_restart(struct cli *cli, const struct audit_outside *outside, struct audit_restarted *out);

/* ---- records against their last audit entries ---- */

struct audit_records {
	int64_t compared, faults;
};
/*
 * Says each record that is not as its last audit entry left it, and writes
 * "records" into the object that is open in cli->out. False and cli->error:
 * it could not be done.
 */
bool audit_records_check(struct cli *cli, struct audit_records *out);

#endif
