#ifndef DOMAIN_DONOR_CELLS_H
#define DOMAIN_DONOR_CELLS_H

#include <stdbool.h>

#include "base/date.h"
#include "domain/component.h"
#include "domain/donor.h"

/*
 * What stands in the cells of old lists of donors, as branches write it. Marks
 * or none, any case, blanks anywhere. Each returns false for what it does not
 * understand; an empty cell is the caller's to leave out. Pure.
 */

/* Nam, nữ, M, F, male, female. */
bool cell_sex(const char *cell, enum donor_sex *out);

/*
 * "A+", "AB Rh-", "O Rh(D) dương", "B Rh D âm tính", "nhóm A", "O" (no RhD), "Rh+" (no ABO).
 */
bool cell_blood_group(const char *cell, enum blood_abo *abo, enum blood_rhd *rhd);

/*
 * A day: D/M/YYYY, D-M-YYYY, D.M.YYYY, YYYY-MM-DD, "ngày 3 tháng 4 năm 1990", all with a time of the day behind them or
 * not, which is left out ("1/6/2024 07:30", "1990-04-03T00:00:00", "1/6/2024 7h30", "... 7:30 PM"; one with a zone is not
 * understood); or a year alone ("1990"): then *date is none. Years of two figures are not understood: nobody can
 * tell the century of a donor. The year is always set.
 */
bool cell_date(const char *cell, struct date *date, int *year);

/*
 * More than one number of a paper in a cell ("045000001; 012190000001"): parted by ; , | & a line or a word, or, where the
 * papers have `digits_alone`, by anything.
 */
bool cell_has_numbers(const char *cell, bool digits_alone);

/* "350", "350 ml", "350cc"; "0,35 l" is 350. 20 to 1000: a smaller figure counts bags. */
bool cell_volume(const char *cell, int *ml);

/* Component by its code or by the words of facts 10: "máu toàn phần", "tiểu cầu", "hồng cầu", "huyết tương"... */
bool cell_component(const char *cell, enum component *out);

#endif
