#ifndef API_BOOKING_H
#define API_BOOKING_H

#include <stdbool.h>

#include "store/appointment_store.h"
#include "store/deferral_store.h"
#include "store/round_store.h"
#include "wire/appointment_wire.h"

/*
 * What the routes that give places have in common, step by step: the round, the appointment, what is known of the donor,
 * the slots, the change, the answer. Each step ends in next(), or has answered.
 */
struct request;

struct booking {
	struct request        *r;
	void                 (*next)(struct booking *b);
	struct appointment_now now;
	struct booking_request ask;
	struct group_request   group;
	struct round_load      load;     /* the round of the path, or of the appointment */
	struct round_load      target;   /* where somebody moves to */
	const struct round    *into;     /* in which a place is given */
	struct appointment_load found;
	struct facts_load      facts, told;
	struct verdict         verdict;
	struct slots_load      slots;
	struct slots_lay       lay;
	int                    lays;
	struct waiting_load    waiting;
	struct arena           page;     /* of those who wait */
	struct waiting_fit    *fits;     /* go.waiting */
	size_t                 fits_room;
	int                   *left;     /* of each slot, what those before leave to who waits; NULL: not known */
	struct appointment_do  go;
	struct appointment_load again;   /* what was done, to be told */
	struct round_load      again_round;
	struct seat_group_load again_group;
	struct appointment_list seats;
	bool                   of_group; /* a group is told */
	const char            *made;
};

struct booking *booking_new(struct request *r, enum appointment_step step, int status);
/* The configured rules of slots. */
struct slot_rules booking_rules(const struct request *r);
struct appointment_now booking_now(const struct request *r);

/* The round {id} of the path; it may be written. */
void booking_load_round(struct booking *b, void (*next)(struct booking *b));
/* The appointment, by `id` or (round and code), and its round, which may be written. */
void booking_load_appointment(struct booking *b, const char *id, void (*next)(struct booking *b));
/* Of this donor (id or number) the verdict of the round `into` on its day; refused with it, or kept for the step. */
void booking_judge(struct booking *b, const char *donor, void (*next)(struct booking *b));
/* Of who has the appointment the same verdict as it is now, kept for the step whatever it says; none where it cannot be made. */
void booking_look_again(struct booking *b, void (*next)(struct booking *b));
/* Of the contact of a group the record that stands, for the step. */
void booking_find_contact(struct booking *b, const char *donor, void (*next)(struct booking *b));
/* The slots of `into` as they should be. */
void booking_lay(struct booking *b, void (*next)(struct booking *b));
/*
 * Who may have a place that gets free in the round: go.waiting. Where its slots are laid, the list is looked at until all is taken
 * that is free there; else its first page.
 */
void booking_look_who_waits(struct booking *b, void (*next)(struct booking *b));
/* Lays the slots of `into`, looks who waits there and goes before, then does go, and answers. */
void booking_give(struct booking *b);
/* Does go, and answers. */
void booking_do(struct booking *b);
/* Answers with what is there now. */
void booking_tell(struct booking *b, const char *id);
/* A refusal; but a retry of what was done is told what that made. */
void booking_refuse(struct booking *b, const struct error *err);

#endif
