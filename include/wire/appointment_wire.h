#ifndef WIRE_APPOINTMENT_WIRE_H
#define WIRE_APPOINTMENT_WIRE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "domain/appointment.h"

/* Places in rounds: what is asked for, and what is told. */
struct arena;
struct json_out;
struct round;

/* Bodies. Texts live in the arena; what is not given is NULL, -1 (volume_ml) or whole_blood. */
struct booking_request {
	const char    *donor;            /* id or donor number */
	const char    *round;            /* move: where to; NULL: stays */
	const char    *slot;             /* NULL: any */
	bool           wait;             /* in the list, if no place is left */
	enum component component;
	int            volume_ml;
};
/* POST .../appointments, .../walk-ins: {donor, slot?, wait?, component?, volume_ml?}. */
bool booking_read(const char *body, size_t len, struct arena *arena, struct booking_request *request, struct error *err);
/* POST .../name: {donor, component?, volume_ml?}. */
bool seat_name_read(const char *body, size_t len, struct arena *arena, struct booking_request *request, struct error *err);
/* POST .../move: {round?, slot?}; at least {}: the first hour with a place. */
bool booking_move_read(const char *body, size_t len, struct arena *arena, struct booking_request *request, struct error *err);
/* POST .../check-in: {code}, normalised. */
bool check_in_read(const char *body, size_t len, struct arena *arena, char code[APPOINTMENT_CODE_SIZE], struct error *err);

struct group_request {
	const char *title, *contact;     /* contact: id or donor number */
	const char *slot;
	int         seats;
	int         release_hours;       /* -1: as configured */
};
bool group_read(const char *body, size_t len, struct arena *arena, struct group_request *request, struct error *err);
/* POST .../release: {seats}. */
bool group_release_read(const char *body, size_t len, struct arena *arena, int *seats, struct error *err);

/* PUT .../slots: {beds?, minutes_per_donor?, slot_minutes?, walk_in_percent?}; what is not given is -1. */
bool slot_rules_read(const char *body, size_t len, struct arena *arena, struct slot_rules *own, struct error *err);

/* {"round", "beds", ..., "items": [...]}: nobody's name. To `staff` also slots that do not stand any more, while people are in them. */
void slots_write(struct json_out *out, const char *key, const struct round *round, const struct slot_rules *rules,
		 const struct slot *slots, size_t count, struct appointment_now now, bool staff);

/* `round`: that of the appointment. */
void appointment_write(struct json_out *out, const char *key, const struct appointment *appointment,
		       const struct round *round);

#endif
