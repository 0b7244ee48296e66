#ifndef WIRE_DONOR_LIST_H
#define WIRE_DONOR_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/date.h"
#include "domain/component.h"
#include "domain/donor.h"

/*
 * Old lists of donors, as branches keep them in spreadsheets: each row a donor
 * and, perhaps, a donation that it tells of. Which column holds what is said by
 * a mapping, a JSON file:
 *
 *	{ "source": "Sổ hiến máu xã Thử 2023", "heading_row": 3,
 *	  "columns": { "name": "Họ và tên", "birth": "Ngày sinh", "id_number": "Số CCCD/CMND", "donated_on": "Ngày hiến" },
 *	  "issuers": { "donor_card": "Viện Thử nghiệm" },
 *	  "unit": "Xã Than Uyên", "component": "whole_blood", "numbers_lost_zeros": true }
 */
struct arena;
struct error;
struct unit_map;

enum donor_column {
	COLUMN_NAME,
	COLUMN_BIRTH,                    /* a day, or a year alone */
	COLUMN_SEX,
	COLUMN_PHONE,
	COLUMN_UNIT,
	COLUMN_ADDRESS,
	COLUMN_BLOOD_GROUP,
	COLUMN_DONATED_ON,
	COLUMN_COMPONENT,
	COLUMN_VOLUME,
	COLUMN_ID_NUMBER,                /* 12 digits: cccd; 9: cmnd */
	COLUMN_IDENTIFIER,               /* first of IDENTIFIER_KIND_COUNT columns, one a kind */
	DONOR_COLUMN_COUNT = COLUMN_IDENTIFIER + IDENTIFIER_KIND_COUNT
};
/* "name", "birth", "cccd", ...: as mappings and reports call it. */
const char *donor_column_text(enum donor_column column);

struct donor_mapping {
	int         heading_row;                         /* as the spreadsheet counts, from 1 */
	const char *headings[DONOR_COLUMN_COUNT];        /* NULL: the list has no such column */
	int         places[DONOR_COLUMN_COUNT];          /* found by donor_mapping_find(); -1: none */
	const char *issuers[IDENTIFIER_KIND_COUNT];      /* of all numbers of a kind in this list; NULL */
	const char *source;                              /* what the list is; goes with its donations */
	const char *unit_id;                             /* where the row names none; or NULL */
	enum component component;                        /* of donations where the row names none */
	bool        numbers_lost_zeros;                  /* a spreadsheet took first zeros away: 10 or 11 digits were 12, 8 were 9 */
};

/* From the mapping file. Texts in the arena. Faults with pointers. */
bool donor_mapping_read(const char *text, size_t len, const struct unit_map *units, struct date today,
			struct arena *arena, struct donor_mapping *mapping, struct error *err);
/* Finds the headings in their row; marks and case do not matter. Faults name the columns that are missing or stand twice. */
bool donor_mapping_find(struct donor_mapping *mapping, const char *const *cells, size_t ncells, struct error *err);

struct donor_row {
	struct donor donor;              /* unit as of `today`, or of its last day where several took its place */
	struct date  donated_on;         /* none: the row tells of no donation */
	enum component component;
	int          volume_ml;          /* 0: not told */
};
/*
 * Texts go into the arena. False: every fault, its pointer the column ("birth");
 * texts never repeat a cell. What is understood is normalised and checked as a
 * registration is (donor_check()).
 */
bool donor_row_read(struct donor_row *row, const struct donor_mapping *mapping, const struct unit_map *units,
		    struct date today, const char *const *cells, size_t ncells, struct arena *arena,
		    struct error *err);

#endif
