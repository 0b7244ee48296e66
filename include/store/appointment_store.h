#ifndef STORE_APPOINTMENT_STORE_H
#define STORE_APPOINTMENT_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"
#include "db/db.h"
#include "domain/appointment.h"
#include "domain/deferral.h"
#include "domain/slot.h"
#include "store/store.h"

/*
 * Places in rounds. The database counts them and keeps the counts within bounds (migrations/0018_appointments.sql):
 * what changes a place is one call of a function there, which holds the round's row, so that whoever comes next
 * sees what was done; what it refuses, it refuses by a name of store/failure.c.
 *
 * store->donor_key must be there where names or facts are read.
 */
struct round;

/* ---- slots ---- */

/*
 * The slots of a round as they are, and what they are laid from. Nothing is laid before somebody asks: when `stale`, whoever is about to give
 * places lays them first (slot_lay(), slots_lay_send()).
 */
struct slots_load {
	const char        *round_id;
	struct slot_rules  rules;        /* in: where neither the round nor its team says otherwise; out: what counts */
	struct arena      *arena;
	struct slot       *slots;        /* out, by hour */
	size_t             nslots;
	int64_t            version;      /* out: of the round */
	int64_t            rules_version;        /* out: of what was said of this round's places; 1: nothing */
	const char        *from_what;    /* out: version and rules as a text, which the layout then bears */
	bool               stale;        /* out: the slots are not laid from that */
	bool               loose;        /* out: they were laid around people of whom one has left */
	bool               waited;       /* out: somebody waits for a place */
	struct error       error;        /* ERR_NOT_FOUND */
	void             (*done)(struct slots_load *load);
	struct db_query    query;        /* private from here on */
};
void slots_load_send(struct store *store, struct slots_load *load);

/* Writes a layout of what was loaded. No audit row: it follows from the round and its rules, whose changes have theirs. */
struct slots_lay {
	const struct slots_load *load;
	struct slot_layout layout;       /* slots without an id are given one */
	struct arena      *arena;
	bool               laid;         /* out; false: somebody booked or changed the round meanwhile, load again */
	struct error       error;
	void             (*done)(struct slots_lay *lay);
	struct db_query    query;        /* private from here on */
};
void slots_lay_send(struct store *store, struct slots_lay *lay);

/* How places are made of this round; -1: as its team has beds, as configured. Audit "slot_rules.change". ERR_STALE. */
struct slot_rules_save {
	const char        *round_id;
	int64_t            version;      /* that was read */
	struct slot_rules  own;
	struct actor       actor;
	struct arena      *arena;
	struct error       error;
	void             (*done)(struct slot_rules_save *save);
	struct db_query    query;        /* private from here on */
};
void slot_rules_save_send(struct store *store, struct slot_rules_save *save);

/* ---- reading ---- */

/*
 * For other rooms' statements, in 0018: the view appointment_expected, whom a team waits for in a round (round_id, donor_id, appointment_id, code,
 * kind, component, start_minute, version), and appointment_do('check_in', {"items": [{"round", "donor"}, ...]}, moment), which takes
 * what phones captured at the door, many at once, and refuses nothing.
 */

/*
 * One, by its id, or by the code that is said at the door of a round. With `action`, the person's name is opened for
 * somebody, and that is the action of the audit row.
 */
struct appointment_load {
	const char        *id;           /* or NULL: by round and code */
	const char        *round_id, *code;
	const char        *action;       /* NULL: no name */
	struct actor       actor;
	struct arena      *arena;
	struct appointment appointment;  /* out */
	struct error       error;        /* ERR_NOT_FOUND */
	void             (*done)(struct appointment_load *load);
	struct db_query    query;        /* private from here on */
	struct store      *store;
};
void appointment_load_send(struct store *store, struct appointment_load *load);

/* Those of a round, of a group or of a person, in the order in which they were made. Of a record that does not open the name is missing. */
struct appointment_list {
	const char        *round_id, *group_id, *donor_id;       /* one of them */
	unsigned           states;       /* bits 1 << enum appointment_state; 0: all */
	const char        *action;       /* as above; an audit row for each person told */
	char               after[UUID_TEXT_SIZE];
	int                limit;
	struct actor       actor;
	struct arena      *arena;
	struct appointment *items;       /* out */
	size_t             nitems;
	bool               more;
	struct error       error;
	void             (*done)(struct appointment_list *list);
	struct db_query    query;        /* private from here on */
	struct store      *store;
	char               limit_text[16];
};
void appointment_list_send(struct store *store, struct appointment_list *list);

/* Who waits for a place in a round, in order, with what is known of them: no reading, nobody is told. */
enum { WAITING_PAGE = 20 };
struct waiting_person {
	const char        *appointment_id;
	int64_t            queue;
	enum component     component;
	const char        *wish;         /* the slot that they wait for; NULL: any */
	struct donor_facts facts;        /* contact_facility and erasure stand in its donor */
};
struct waiting_load {
	const char        *round_id;
	int64_t            after;        /* queue; 0: from the beginning */
	struct arena      *arena;
	struct waiting_person *people;   /* out; those whose record cannot be opened are not among them */
	size_t             npeople;
	int64_t            last;         /* out: where the page ended; 0: that was all */
	int64_t            seen;         /* out: queue of the last one looked at; 0: nobody */
	struct error       error;
	void             (*done)(struct waiting_load *load);
	struct db_query    query;        /* private from here on */
	struct store      *store;
};
void waiting_load_send(struct store *store, struct waiting_load *load);

/* Who waits and may have a place, with what the rules said of it. */
struct waiting_fit {
	const char                *appointment_id, *wish;
	enum eligibility_decision  decision;
	const char                *rule_set;
};
/*
 * Those of a page for whom a place may be given without asking anybody, in the arena: known facts do not refuse, and nobody
 * must ask the blood facility before inviting them.
 */
size_t waiting_fits(const struct waiting_load *load, const struct eligibility_rules *rules, struct date on, struct date today,
		    struct arena *arena, const struct waiting_fit **out);

/* ---- groups ---- */

struct seat_group {
	char        id[UUID_TEXT_SIZE], round_id[UUID_TEXT_SIZE], contact_id[UUID_TEXT_SIZE];
	const char *title, *contact_number;
	int         seats;               /* as many as were held at first */
	int         release_hours;
	int64_t     created_us;
	int         count[APPOINTMENT_STATE_COUNT];      /* of its seats as they are now */
	int         unnamed;             /* of those booked: nobody was named */
	/* of all groups of this contact whose hour has passed: how it went */
	int         past_came, past_missed, past_released;
};
struct seat_group_load {
	const char       *id;
	struct arena     *arena;
	struct seat_group group;         /* out */
	struct error      error;         /* ERR_NOT_FOUND */
	void            (*done)(struct seat_group_load *load);
	struct db_query   query;         /* private from here on */
};
void seat_group_load_send(struct store *store, struct seat_group_load *load);

/* ---- steps ---- */

enum appointment_step {
	STEP_BOOK,               /* round, donor, slot or any; wait; door */
	STEP_MOVE,               /* id, version, round, slot or any */
	STEP_CANCEL,             /* id, version, waiting: who may have the place, if they still wait */
	STEP_CHECK_IN, STEP_NO_SHOW,     /* id, version */
	STEP_NAME,               /* id, version, donor */
	STEP_GROUP,              /* round, contact, title, seats, release_hours, slot or any */
	STEP_RELEASE,            /* id of a group, seats, waiting */
	STEP_REFILL,             /* round, waiting */
	STEP_RELEASE_DUE         /* of all rounds */
};

/*
 * One step, whole or not at all, with an audit entry for each appointment that it changed: "appointment.book", .wait,
 * .walk_in, .move, .cancel, .checked_in, .no_show, .name, .hold, .release, .refill, "seat_group.book".
 * ERR_ROUND_FULL, ERR_ALREADY_BOOKED, ERR_ERASED, ERR_ILLEGAL_STEP (the round or the appointment is not as it was read).
 */
struct appointment_do {
	enum appointment_step step;
	const char        *id;           /* NULL: one is made (book, group) */
	int64_t            version;
	const char        *round_id, *slot_id, *donor_id;
	bool               wait, door;
	enum component     component;
	const struct verdict *verdict;   /* of book, move, name; NULL: nobody to judge */
	const struct waiting_fit *waiting;       /* who goes before; of a book, move, group as well */
	size_t             nwaiting;
	int64_t            seen;         /* of a book, move, group: so far the list was looked at; who waits after it goes before, too */
	int                lead_minutes; /* of a refill: nothing that begins sooner */
	const char        *title;
	int                seats, release_hours;
	bool               release_asked;        /* hours that somebody asked for: refused where they take the seats away at once */
	struct idempotency idempotency;
	struct actor       actor;
	struct arena      *arena;
	char               made[UUID_TEXT_SIZE];         /* out: what was made or changed */
	int                nsteps;       /* out: how many audit entries */
	struct error       error;
	void             (*done)(struct appointment_do *step);
	struct db_query    query;        /* private from here on */
	struct store      *store;
	int                attempts;
};
void appointment_do_send(struct store *store, struct appointment_do *step);

/* ---- what a job does ---- */

/*
 * Rounds in which something waits to be done: slots that are not laid as they should be (`rules` as in slots_load), or somebody
 * waits and there is a place. The job that does it holds nothing: done twice it is done once.
 */
struct booking_due {
	struct date        today;
	struct slot_rules  rules;
	int                lead_minutes;
	struct arena      *arena;
	const char       **rounds;       /* out: ids */
	size_t             nrounds;
	bool               seats;        /* out: there are seats without a name whose hour has come */
	struct error       error;
	void             (*done)(struct booking_due *due);
	struct db_query    query;        /* private from here on */
	struct store      *store;
};
void booking_due_send(struct store *store, struct booking_due *due);

/* Tells everybody that places are others now: the version of the topic `rounds` moves, once for all that changed. */
struct places_tell {
	bool               told;         /* out */
	struct error       error;
	void             (*done)(struct places_tell *tell);
	struct db_query    query;        /* private from here on */
};
void places_tell_send(struct store *store, struct places_tell *tell);

#endif
