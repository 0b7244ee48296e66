#ifndef FORMAT_ATOM_H
#define FORMAT_ATOM_H

#include <stdint.h>

/*
 * Rounds as news (Atom, RFC 4287), in Vietnamese: one entry a round, newest
 * change first, which the caller sorts. Pure; the same rounds give the same
 * bytes.
 *
 *	atom_begin(out, &head);
 *	for each round: atom_round(out, &head, round, changed_us);
 *	atom_end(out);
 *
 * An entry keeps its id (the round's, as urn:uuid) for ever and its `updated`
 * moves with each change, so a reader shows the news once more and not twice.
 * What is only proposed has no day here either (domain/round_text.h). Without
 * a base URL links are relative: a reader resolves them against the address
 * from which it has the feed.
 */
struct buf;
struct round;

struct atom_head {
	const char *title;
	const char *author;              /* who publishes */
	const char *base_url;            /* "https://example.org", no slash at the end; NULL: links are relative */
	const char *path;                /* of this feed, percent-encoded, with its query */
	int64_t     updated_us;          /* of the newest entry; where there is none, any fixed time */
};

void atom_begin(struct buf *out, const struct atom_head *head);
void atom_round(struct buf *out, const struct atom_head *head, const struct round *round, int64_t changed_us);
void atom_end(struct buf *out);

#endif
