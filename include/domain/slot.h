#ifndef DOMAIN_SLOT_H
#define DOMAIN_SLOT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/date.h"
#include "base/uuid.h"

/*
 * The places of a round by the hour. Slots follow from the round: its hours cut into pieces of `slot_minutes`, its
 * places dealt out over them, never more than the beds of the team can serve, and of each slot's places
 * a share kept for those who come without a booking. Pure.
 *
 * When hours, beds or places change, the slots are laid anew. Whoever is in one keeps the place: a slot
 * that holds people never gets smaller than they are, and one that the new hours do not have stays with just
 * them, as one that does not stand any more (`stands`), for a person to look at.
 */
struct arena;
struct error;
struct round;

struct slot {
	char id[UUID_TEXT_SIZE];         /* "": not written yet */
	int  start_minute, end_minute;   /* of the round's civil day; 0 to 1440 where its hours are not known */
	int  capacity;
	int  walk_in;                    /* of them, kept for those who come without a booking */
	int  booked;                     /* taken, by whomever */
	int  walked;                     /* of them, without a booking */
	int  fair;                       /* capacity without the people in it; what is above goes with who leaves */
	int  room;                       /* bookings it takes when nobody is in an hour that is gone or too full */
	bool stands;                     /* false: the round's hours do not have it; nobody new comes in */
};

/* How places are made of a round. */
struct slot_rules {
	int beds;                        /* 0: not known, then nothing but the round's capacity limits it */
	int minutes_per_donor;           /* how long one donor holds a bed */
	int slot_minutes;
	int walk_in_percent;             /* 0 to 100 */
};
enum {
	SLOT_MINUTES_MIN = 5, SLOT_MINUTES_MAX = 480, SLOT_DONOR_MINUTES_MIN = 5, SLOT_DONOR_MINUTES_MAX = 240,
	SLOT_BEDS_MAX = 1000, SLOTS_MAX = 288
};
/* Faults with pointers: /beds, /minutes_per_donor, /slot_minutes, /walk_in_percent. */
bool slot_rules_check(const struct slot_rules *rules, struct error *err);

struct slot_layout {
	struct slot *slots;              /* in the arena, by hour; those that stand, and those that people are in */
	size_t       nslots;
	int          capacity;           /* of all of them */
	int          walk_in;            /* of all of them */
	bool         bent;               /* otherwise than it would be without people: lay it again when one of them leaves */
};
/*
 * What the slots of a round shall be, given what they are. Depends on the arguments alone, and laid twice nothing changes. All places
 * together are never more than the round's capacity, as long as no more are booked. A slot of before that has nobody in it
 * and does not stand any more comes with no places.
 */
void slot_lay(const struct round *round, const struct slot_rules *rules, const struct slot *now, size_t nnow,
	      struct arena *arena, struct slot_layout *layout);

/* How many may still be booked; and how many may still come in at the door, when the slot has begun or not. */
int slot_left(const struct slot *slot);
int slot_left_at_door(const struct slot *slot, bool begun);

/* On a civil day at a minute of it: has the slot of a round on `day` begun, is it over? */
bool slot_has_begun(const struct slot *slot, struct date day, struct date today, int minute);
bool slot_is_over(const struct slot *slot, struct date day, struct date today, int minute);

#endif
