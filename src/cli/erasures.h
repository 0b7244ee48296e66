#ifndef CLI_ERASURES_H
#define CLI_ERASURES_H

#include <stdbool.h>
#include <stddef.h>

/* Who the journal of erasures names and who is here again, because an older database was brought back. */
struct cli;

struct erasures_replayed {
	bool   journal;          /* there is one */
	size_t persons;          /* erased again */
};
/* The database is open, and nobody else writes. False and cli->error; run again it goes on. */
bool erasures_replay(struct cli *cli, struct erasures_replayed *out);
/* Says it, and adds two members to the object under way. */
void erasures_print(struct cli *cli, const struct erasures_replayed *replayed);

#endif
