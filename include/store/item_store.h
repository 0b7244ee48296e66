#ifndef STORE_ITEM_STORE_H
#define STORE_ITEM_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/memory.h"
#include "db/db.h"
#include "domain/item.h"
#include "domain/sync.h"
#include "store/donor_store.h"
#include "store/store.h"

/*
 * Items on their way in (design 7). Each distinct content of an id is kept once, on the record of a donor with whose key
 * it is sealed and digested; a donation or deferral is written as a fact beside it, in the statement that writes the
 * item and its audit row ("item.add"; of what was there "item.replay", so that the answer waits for the standby too).
 *
 * Whom an item is about: the record of the id that it tells, or of one of its numbers. Who tells more names a record that
 * has no name yet, adds numbers that nobody bears, and joins records that are one person, all in the statement that
 * writes the item:
 *	a record by id                that one
 *	an id, numbers of several     of the same name and birth date; else of another name; else without one. Of equals one from
 *	                              a desk, by number, with the lowest id. Records without a name, and those of the same
 *	                              name that only phones told of, are merged into it; about any other a person decides.
 *	                              Who has one record from a desk is from a desk
 *	another name or birth date    that one; a person must look (`differs`), and its numbers join nobody
 *	nobody                        a new record: of the id that was told, else of the item's own; without a name where none was told
 *	a record that was erased      a new record, of the item's own id, and the same one whenever the id is told again; a person
 *	                              must look at all of them
 * A revoked phone names, adds and joins nothing, says of no id whose it is, and puts nothing else in doubt: what it told of
 * somebody new is nobody's name until a person attaches or corrects it.
 *
 * Who is the first to tell an id writes it down (donor_told): another batch that tells it in the same moment is settled anew.
 *
 * So whoever comes first, facts end up with the same person; and a doubt is one about all that lies on a record that
 * phones told of, or names its donor by the same id (item_doubts() in the database), whichever of it came first. Who is
 * alike is looked for whenever more is told of somebody whom only phones told of: of the database as many as
 * donor_match_find_send() tells, of the same batch the nearest ten.
 *
 * Of several contents under one id the lowest (captured_at, id, hash) counts. That hash is of the content alone, so it
 * is the same wherever these facts are; kept is only the order in which it puts contents of one moment (item.tie), because
 * a hash of so little could be tried. The content_hash that is kept takes the donor's key and orders nothing.
 *
 * store->donor_key must be there.
 */

struct unit_map;

/* What became of one item. */
struct item_result {
	enum item_verdict verdict;
	enum item_verdict first;         /* of a duplicate: the first answer */
	const char       *state;         /* as it stands now: "counts", "held", "open", "corrected", "dropped"; NULL: nothing was kept */
	const char      **reasons;       /* why a person must look */
	size_t            nreasons;
};

/* What is there of one install. */
struct item_install {
	char            install[UUID_TEXT_SIZE];
	int64_t         items;           /* different numbers that are there */
	struct seq_run *runs;
	size_t          nruns;
};

/*
 * A person corrects one content of an item, with its case as it was read. The id of the new item follows from what it
 * says, so that the same correction is the same item: a UUID of version 8.
 */
struct item_step {
	const char *item_id, *content_hash;      /* hexadecimal */
	int64_t     version;
};
void item_correction_id(const struct store *store, const struct item_step *step, const char *data, char out[UUID_TEXT_SIZE]);

/*
 * Hands items in, in whatever order and as often as one likes. `results` side by side with `items`; an item that is
 * NULL is passed over. `installs`: all that the items name. An error means that nothing is known of any of them: send all again.
 */
struct item_hand_in {
	const struct item *const *items;
	size_t              count;
	const char         *device_id;   /* NULL: not from an enrolled phone */
	bool                device_revoked;
	const char         *team_id;     /* whose rounds are its own; NULL: any */
	const struct unit_map *units;    /* NULL: places say nothing about who is alike */
	const struct item_step *step;    /* NULL: from a phone. Else one item, which the staff wrote: ERR_STALE */
	struct date         today;
	struct actor        actor;
	struct arena       *arena;
	struct item_result *results;     /* out */
	struct item_install *installs;   /* out */
	size_t              ninstalls;
	struct error        error;
	void              (*done)(struct item_hand_in *hand_in);
	struct db_query     query;       /* private from here on */
	struct store       *store;
	struct hand_in     *work;
	const struct item_hand_in *const *whose;         /* of the desk: who hands in each item; NULL: this one */
	struct item_desk   *desk;
	void              (*asked_done)(struct item_hand_in *hand_in);
	int64_t             asked_us;
	STAILQ_ENTRY(item_hand_in) next;
};
void item_hand_in_send(struct store *store, struct item_hand_in *hand_in);

/*
 * Where phones hand in, one of each worker. Single items that come while earlier ones are being written go together in the
 * next statements: alone one is as fast as ever, under load one commit serves many. Who was just answered may well hand in
 * the next one at once, so those that wait then wait for them, ITEM_DESK_WAIT_US at most. Each keeps its own device,
 * actor and receipt. What is more than one item, or does more than be kept (check-ins, gifts, people who are told
 * by more than an id), goes by itself as above, a few at a time: what is begun is carried through, and the others wait
 * their turn with nothing done yet.
 */
enum { ITEM_DESK_BATCH = 128, ITEM_DESK_WAIT_US = 2000 };
struct item_desk;
/*
 * Borrows the store. wait_ms 0: who waits may wait for any time. `later` asks for one item_desk_turn() ITEM_DESK_WAIT_US
 * from now, in place of one that was asked for before.
 */
struct item_desk *item_desk_new(struct store *store, int wait_ms, void (*later)(void *context), void *context);
void item_desk_turn(struct item_desk *desk);
void item_desk_free(struct item_desk *desk);                     /* after the database is closed; NULL is fine */
void item_desk_ask(struct item_desk *desk, struct item_hand_in *hand_in);
/* Whether a batch would wait for longer than that, as fast as they are just now: better refused before it is read. */
bool item_desk_full(const struct item_desk *desk);
bool item_desk_refusal(struct error *err);                       /* false */

#endif
