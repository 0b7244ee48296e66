#ifndef WIRE_PLAN_WIRE_H
#define WIRE_PLAN_WIRE_H

#include <stdbool.h>
#include <stddef.h>

#include "domain/plan.h"
#include "domain/propose.h"
#include "domain/history.h"

struct arena;
struct error;
struct json_out;
struct unit_map;


/* `rounds`: with its rounds, or only their number. */
void plan_write(struct json_out *out, const char *key, const struct plan *plan, bool rounds);
/* What an import did or would do: counts, and a row per round that differs. */
void plan_diff_write(struct json_out *out, const struct plan *plan, const struct plan_diff *diff,
		     bool applied);

/* Body of POST /plans: a plan without rounds. */
bool plan_read(const char *body, size_t len, struct arena *arena, struct plan *plan, struct error *err);

/*
 * A plan file: the plan and its rounds as one JSON object. Everything a file
 * may say of a round it may: statuses, date_status, document. Faults carry
 * pointers; a syntax fault line and column. Venues are ids or names, teams ids
 * or codes, campaigns ids or slugs: all as given, in `id`, for the importer to
 * look up. plan_check() is still the caller's to call, as after every read here.
 */
bool plan_file_read_json(const char *text, size_t len, const struct unit_map *units,
			 struct arena *arena, struct plan *plan, struct error *err);
/*
 * Rows `ordinal,date,start,end,place,units,organiser,target` for an existing
 * plan (its head is copied from `of`). Cells are parted by ',', ';' or TAB, as
 * in the heading line. Dates YYYY-MM-DD or D/M/YYYY; units as ids or names,
 * always separated by ';' (the cell is quoted where ';' also parts cells, as
 * spreadsheets do by themselves); a comma belongs to a name. A place is a venue's id or name; a
 * heading line in any order, missing and other columns refused by name; blank
 * lines skipped; a UTF-8 mark is fine. Rounds are drafts with proposed facts;
 * what the columns do not say is not set, but for the title, which is that of
 * the round in `of` or "Đợt hiến máu số 7". Faults carry "line 4, column date"; so do
 * those of plan_check() on the rows, which is asked here.
 */
bool plan_file_read_csv(const char *text, size_t len, const struct plan *of,
			const struct unit_map *units, struct arena *arena, struct plan *plan,
			struct error *err);

/*
 * A file that asks for a proposal: a plan file with only the fixed rounds (each on its day), and
 * a member "propose" {rounds, teams (1), gap_days (84), places, start, end,
 * target_units, capacity, status ("draft")}. Places are [{unit, name, rounds}];
 * without them every district of the plan's first day (or, when there is none,
 * that ever was) shares the rounds whose place is not fixed, evenly.
 */
struct propose_file {
	struct plan            plan;
	struct propose_request request;  /* calendar members are for the caller to fill in */
	const char           **place_units;      /* id of the unit behind each place */
	int                    start_minute, end_minute;         /* for proposed rounds; -1 */
	int                    target_units, capacity;           /* -1 */
	const char            *status;   /* of proposed rounds: "draft" or "announced" */
};
bool propose_file_read(const char *text, size_t len, const struct unit_map *units,
		       struct arena *arena, struct propose_file *file, struct error *err);
/*
 * What the proposal must keep away from: of `rounds`, those that lie at its places, or on a day of
 * `team` (id; NULL: not known). Rounds of this very plan, cancelled and postponed ones do not count,
 * nor do rounds of demo plans, unless this is one. Before plan_propose(); once.
 */
void propose_file_take(struct propose_file *file, const struct unit_map *units, const struct round *rounds,
		       size_t count, const char *team, struct arena *arena);
/* The one team that all fixed rounds with a team name, as written there, in a plan of one team; NULL. */
const char *propose_file_team(const struct propose_file *file);
/* The plan file that results, pretty-printed, ready for `plan import`. */
struct buf;
void plan_file_write(struct buf *buf, const struct plan *plan);

/*
 * A file of config/rounds: rounds as the press reported them. Columns as in
 * lai-chau-history.csv; venues come as a name without an id, and stand in the
 * note. A date is a day, "2024-11" or "2024". Codes are "<prefix><yy>-H<row>" ("LC20-H05"), so a
 * file only ever grows at its end.
 */
bool history_read_csv(const char *text, size_t len, const char *code_prefix,
		      const struct unit_map *units, struct arena *arena,
		      struct round_history **rows, size_t *count, struct error *err);

#endif
