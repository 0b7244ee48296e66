#include "store/facts_row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "store/deferral_store.h"
#include "store/donor_row.h"
#include "store/row.h"

enum {
	OF_PERSON, OF_OTHER, OF_RECORD, OF_SORT, OF_AT, OF_FIRST,
	/* a record */
	BIRTH_YEAR = OF_FIRST, SEX, ERASED, WRAP_KEY, WRAPPED, SEALED, UNIT, UNIT_ON, VERSION, EXTRA, CONTACT,
	/* a deferral */
	DEFERRAL_ID = OF_FIRST, ENDS, NOTHING, UNTIL, DEFERRAL_SEALED, RECORDED, LIFTED, LIFT, STATE, REASON,
	ASKED, DECIDED,
	/* a donation */
	COMPONENT = OF_FIRST, VOLUME, NOTHING_TOO, GIVEN_ON
};
enum { PART = 0x1f, PARTS = 4 };

static bool fail_opening(struct error *err)
{
	return error_set(err, ERR_INTERNAL,
			 "A deferral cannot be opened: what is kept is not what was sealed. Tell the administrator.",
			 "Không mở được một lần tạm hoãn: dữ liệu lưu không phải dữ liệu đã niêm phong."
			 " Hãy báo người quản trị.");
}

static bool open_deferral(struct deferral *deferral, const char *donor_id, const char *hex, const struct store *store,
			  struct arena *arena)
{
	const char separator[2] = { PART, '\0' };
	char *text = arena_strdup(arena, donor_open_text("deferral", arena_printf(arena, "what %s", deferral->id),
							 donor_id, hex, store, arena));
	char *parts[PARTS] = { 0 };
	size_t count = 0;

	for (char *part; text && count < PARTS && (part = strsep(&text, separator)) != NULL;)
		parts[count++] = part;
	if (count != PARTS)
		return false;
	deferral->code = parts[0];
	deferral->note = *parts[3] ? parts[3] : NULL;
	return (!*parts[1] || date_parse(parts[1], &deferral->from)) &&
	       (!*parts[2] || date_parse(parts[2], &deferral->until));
}

static int64_t instant_of(const char *text)
{
	return text ? strtoll(text, NULL, 10) : INT64_MIN;
}

static bool read_lift(struct deferral *deferral, const char *donor_id, bool erased, const struct store *store,
		      struct arena *arena, const struct db_result *result, int row)
{
	struct deferral_lift *lift = &deferral->lift;
	char *asked;

	lift->asked_us = lift->decided_us = INT64_MIN;
	if (db_is_null(result, row, LIFT))
		return true;
	row_uuid(result, row, LIFT, lift->id);
	(void)lift_state_parse(db_text(result, row, STATE), &lift->state);
	lift->decided_us = instant_of(db_text(result, row, DECIDED));
	asked = arena_strdup(arena, db_text(result, row, ASKED));
	lift->asked_us = instant_of(strsep(&asked, " "));
	lift->asked_by_kind = strsep(&asked, " ");
	lift->asked_by = asked;
	if (erased)
		return true;
	lift->reason = donor_open_text("deferral_lift", arena_printf(arena, "reason %s", lift->id), donor_id,
				       db_text(result, row, REASON), store, arena);
	return lift->reason != NULL;
}

static bool read_deferral(struct deferral *deferral, const struct donor_record *record, const struct store *store,
			  struct arena *arena, const struct db_result *result, int row)
{
	const char *donor_id = record->donor.id;
	bool erased = record->donor.erased;

	deferral->donor_id = donor_id;
	row_uuid(result, row, DEFERRAL_ID, deferral->id);
	(void)deferral_ends_parse(db_text(result, row, ENDS), &deferral->ends);
	deferral->ends_on = row_date(result, row, UNTIL);
	deferral->recorded_us = instant_of(db_text(result, row, RECORDED));
	deferral->lifted_us = instant_of(db_text(result, row, LIFTED));
	return read_lift(deferral, donor_id, erased, store, arena, result, row) &&
	       (erased || db_is_null(result, row, DEFERRAL_SEALED) ||    /* carried over: nobody knows why */
		open_deferral(deferral, donor_id, db_text(result, row, DEFERRAL_SEALED), store, arena));
}

static void read_donation(struct eligibility_donation *donation, const struct db_result *result, int row)
{
	(void)component_parse(db_text(result, row, COMPONENT), &donation->component);
	donation->volume_ml = db_is_null(result, row, VOLUME) ? -1 : atoi(db_text(result, row, VOLUME));
	donation->on = row_date(result, row, GIVEN_ON);
}

/* Leaves the record's key open, but of an erased one. */
static bool read_record(struct donor_record *record, const struct store *store, struct arena *arena,
			const struct db_result *result, int row, struct error *err)
{
	struct donor *donor = &record->donor;

	row_uuid(result, row, OF_RECORD, donor->id);
	snprintf(donor->number, sizeof(donor->number), "%s", db_text(result, row, OF_AT));
	donor->birth_year = row_int(result, row, BIRTH_YEAR, 0);
	(void)donor_sex_parse(db_text(result, row, SEX), &donor->sex);
	donor->erased = db_bool(result, row, ERASED);
	donor->unit_id = row_text(arena, result, row, UNIT);
	donor->unit_on = row_date(result, row, UNIT_ON);
	donor->version = db_int(result, row, VERSION, 0);
	donor->contact_facility = db_bool(result, row, CONTACT);
	return donor_read_sealed(record, store, arena, result, row, WRAP_KEY, err);
}

static bool is_of(const struct db_result *result, int row, const char *person)
{
	return row < db_rows(result) && streq(db_text(result, row, OF_PERSON), person);
}

bool facts_read(struct person_facts *person, const struct store *store, struct arena *arena,
		const struct db_result *result, int *row, struct error *err)
{
	const char *of = row_text(arena, result, *row, OF_PERSON);
	struct eligibility_donation *donations;
	struct deferral *deferrals;
	struct donor_record *record = &person->record;
	size_t count = 0;
	bool fine = true;

	for (int i = *row; is_of(result, i, of); i++)
		count++;
	*person = (struct person_facts){ .facts = { .donor = &person->record.donor } };
	person->records = arena_alloc(arena, count * sizeof(*person->records));
	deferrals = arena_alloc(arena, count * sizeof(*deferrals));
	donations = arena_alloc(arena, count * sizeof(*donations));
	for (; is_of(result, *row, of); ++*row) {
		switch (*db_text(result, *row, OF_SORT)) {
		case 'a':
			record = &person->records[person->nrecords++];
			fine = fine && read_record(record, store, arena, result, *row, err);
			if (!db_bool(result, *row, OF_OTHER)) {
				row_uuid(result, *row, OF_RECORD, record->donor.id);
				person->record = *record;
				person->extra = row_text(arena, result, *row, EXTRA);
			}
			break;
		case 'b':
			if (fine && !read_deferral(&deferrals[person->facts.ndeferrals++], record, store, arena, result, *row))
				fine = fail_opening(err);
			break;
		default:
			read_donation(&donations[person->facts.ndonations++], result, *row);
		}
	}
	person->facts.deferrals = deferrals;
	person->facts.donations = donations;
	return fine;
}
