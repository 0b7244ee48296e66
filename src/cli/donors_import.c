#include "cli/commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/donors_decisions.h"
#include "cli/donors_seen.h"
#include "crypto/content_hash.h"
#include "domain/unit.h"
#include "sheet/sheet.h"
#include "store/donor_store.h"
#include "store/import_store.h"
#include "store/rights_store.h"
#include "wire/donor_list.h"

/*
 * `giothong donors import`: a list that a branch kept in a spreadsheet. A
 * stretch of rows is read, held against the registry, and written as one; the
 * database remembers how far a file has come. What needs a person's eye is
 * held and told in the report, by row and donor number: nothing personal
 * leaves the file.
 */
CLI_OPERATION(import_begin)
CLI_OPERATION(import_probe)
CLI_OPERATION(import_write)
CLI_OPERATION(donor_load)
CLI_OPERATION(donor_match_find)
CLI_OPERATION(donation_list)

enum { STRETCH = 1000, PROGRESS_US = 2000000, TRIES = 10, PAUSE_MS = 1000 };

enum told { TOLD_REGISTERED, TOLD_DONATION, TOLD_KNOWN, TOLD_SKIPPED, TOLD_HELD, TOLD_FAULT, TOLD_COUNT };

/* A row that was not understood. */
struct faulty_row {
	int64_t row;
	size_t  end;                     /* of its lines in `faults` */
};

struct stretch {
	struct arena      arena;         /* of all its rows */
	struct import_row rows[STRETCH];
	enum import_what  what[STRETCH];
	bool              skipped[STRETCH];      /* somebody decided so */
	const char       *note[STRETCH]; /* for the report: why it is held, or whose record it is; "" */
	size_t            count;         /* rows that were understood */
	int64_t           next;          /* the row behind it */
	struct buf        faults;        /* lines of the report */
	struct faulty_row faulty[STRETCH];
	size_t            nfaulty, faults_told, faults_said;     /* rows, rows told, bytes told */
};

struct donors_import {
	struct cli          *cli;
	struct sheet        *sheet;
	struct unit_map     *units;
	struct donor_mapping mapping;
	struct import_begin  run;
	FILE                *report;
	struct date          today;
	bool                 dry_run, register_likely;
	bool                 held_only;  /* the file was done before: only what was held then */
	char                 mark[LIST_MARK_SIZE];
	struct decisions     decisions;
	size_t               decided;    /* how many of them were met */
	struct seen         *seen;       /* rows before, who are not in the registry */
	struct stretch       stretch;
	size_t               told[TOLD_COUNT];
	int64_t              said_us;
};

/* ---- telling ---- */

static void say_progress(struct donors_import *import, bool now)
{
	uint64_t done, total;

	if (!now && clock_mono_us() - import->said_us < PROGRESS_US)
		return;
	import->said_us = clock_mono_us();
	sheet_progress(import->sheet, &done, &total);
	fprintf(stderr, cli_word(import->cli, "giothong: row %lld, %d %%\n", "giothong: dòng %lld, %d %%\n"),
		(long long)import->stretch.next - 1, total ? (int)(done * 100 / total) : 100);
}

static const char *told_text(enum told told)
{
	static const char *const texts[TOLD_COUNT] = {
		[TOLD_REGISTERED] = "registered", [TOLD_DONATION] = "donation_added", [TOLD_KNOWN] = "known",
		[TOLD_SKIPPED] = "skipped",	  [TOLD_HELD] = "held",		      [TOLD_FAULT] = "fault",
	};

	return texts[told];
}

/* A column of the mapping: what is below it in the pointer of a fault is ours. */
static void report_line(struct donors_import *import, struct buf *out, int64_t row, enum told told, const char *column,
			const char *code, const char *detail)
{
	buf_printf(out, "%lld,%s,%.*s,%s,\"", (long long)row, told_text(told), (int)strcspn(column, "/"), column, code);
	for (; *detail; detail++) {
		if (*detail == '"')
			buf_append_char(out, '"');
		buf_append_char(out, *detail);
	}
	buf_printf(out, "\",%s,\n", import->mark);
}

static void report_faults(struct donors_import *import, int64_t row, const struct error *err)
{
	enum language language = import->cli->setup->language;
	struct stretch *stretch = &import->stretch;

	for (size_t i = 0; i < err->nfields; i++)
		report_line(import, &stretch->faults, row, TOLD_FAULT, err->fields[i].pointer, err->fields[i].code,
			    err->fields[i].detail[language]);
	stretch->faulty[stretch->nfaulty++] = (struct faulty_row){ row, stretch->faults.len };
}

/* ---- reading a stretch ---- */

static int compare_rows(const void *a, const void *b)
{
	int64_t one = *(const int64_t *)a, two = *(const int64_t *)b;

	return (one > two) - (one < two);
}

static bool is_held(const struct donors_import *import, int64_t row)
{
	return import->run.nheld > 0 &&
	       bsearch(&row, import->run.held, import->run.nheld, sizeof(row), compare_rows) != NULL;
}

static bool is_wanted(const struct donors_import *import, int64_t row)
{
	return import->held_only ? is_held(import, row) : row >= import->run.next_row;
}

/* How many cells a row has that holds something in every column of the mapping. */
static size_t mapped_cells(const struct donor_mapping *mapping)
{
	size_t count = 0;

	for (int c = 0; c < DONOR_COLUMN_COUNT; c++)
		if (mapping->places[c] >= (int)count)
			count = (size_t)mapping->places[c] + 1;
	return count;
}

static void take_row(struct donors_import *import, const struct sheet_row *line)
{
	struct stretch *stretch = &import->stretch;
	struct import_row *row = &stretch->rows[stretch->count];
	struct donor_row read;
	struct error err;

	error_clear(&err);
	if (line->unended && line->ncells < mapped_cells(&import->mapping)) {
		error_add_field(&err, "", "cut", "The file ends in the middle of this row: take it anew from where it is kept.",
				"Tệp kết thúc giữa dòng này: hãy lấy lại tệp gốc.");
		report_faults(import, (int64_t)line->number, &err);
		return;
	}
	if (!donor_row_read(&read, &import->mapping, import->units, import->today, line->cells, line->ncells,
			    &stretch->arena, &err)) {
		report_faults(import, (int64_t)line->number, &err);
		return;
	}
	*row = (struct import_row){ .number = (int64_t)line->number, .donor = read.donor, .donated_on = read.donated_on,
				    .component = read.component, .volume_ml = read.volume_ml };
	stretch->count++;
}

/* False: the file is at its end, or is broken (cli->error). */
static bool read_stretch(struct donors_import *import)
{
	struct stretch *stretch = &import->stretch;
	struct sheet_row line;
	size_t seen = 0;

	arena_release(&stretch->arena);
	buf_reset(&stretch->faults);
	stretch->count = stretch->nfaulty = stretch->faults_told = stretch->faults_said = 0;
	while (seen < STRETCH) {
		if (!sheet_next(import->sheet, &line, &import->cli->error))
			return false;
		stretch->next = (int64_t)line.number + 1;
		if (!is_wanted(import, (int64_t)line.number))
			continue;
		seen++;
		take_row(import, &line);
	}
	return true;
}

/* ---- deciding ---- */

static void hold(struct stretch *stretch, size_t index, const char *note)
{
	stretch->what[index] = IMPORT_HOLD;
	stretch->note[index] = note;
}

/* The row tells of somebody who is there, or will be: what is new is at most the donation. */
static void take_as_known(struct stretch *stretch, size_t index, bool donation_too, const char *note)
{
	stretch->what[index] = donation_too ? IMPORT_DONATION : IMPORT_NOTHING;
	stretch->note[index] = note;
}

static int compare_numbers(const void *a, const void *b)
{
	const struct import_row *one = a, *two = b;

	return (one->number > two->number) - (one->number < two->number);
}

/* The row with this number in the stretch; NULL: it lies before. */
static const struct import_row *row_of(const struct stretch *stretch, int64_t number)
{
	struct import_row key = { .number = number };

	return bsearch(&key, stretch->rows, stretch->count, sizeof(key), compare_numbers);
}

/* Rows before that are not in the registry yet: those of this stretch, in a dry run all. Who only looks the same is held. */
static void compare_with_earlier(struct donors_import *import, size_t index, bool likely_too)
{
	struct stretch *stretch = &import->stretch;
	struct import_row *row = &stretch->rows[index];
	struct seen_answer before = seen_find(import->seen, row->number, &row->donor, import->units, &stretch->arena);
	long long line = before.row;

	switch (before.as) {
	case SEEN_SAME:
		row->same = row_of(stretch, before.row);
		take_as_known(stretch, index, seen_gave(import->seen, before.row, row->donated_on, row->component),
			      arena_printf(&stretch->arena, "row %lld", line));
		break;
	case SEEN_OTHER:
		hold(stretch, index, arena_printf(&stretch->arena, "number of row %lld, other name or birth", line));
		break;
	case SEEN_LIKE:
		if (!likely_too)
			hold(stretch, index, arena_printf(&stretch->arena, "like row %lld, %d of 100", line, before.score));
		break;
	case SEEN_NOBODY:
		break;
	}
}

/* Whether the row tells of a donation that this donor is not known to have made. */
static bool is_new_donation(struct donors_import *import, const struct import_row *row, const char *donor_id, bool *is_new)
{
	struct donation_list list = { .donor_id = donor_id, .arena = &import->stretch.arena };

	*is_new = !date_is_none(row->donated_on);
	if (*is_new && !donation_list_run(import->cli, &list))
		return false;
	for (size_t i = 0; *is_new && i < list.nrows; i++)
		*is_new = date_compare(list.rows[i].donated_on, row->donated_on) != 0 || list.rows[i].component != row->component;
	return true;
}

/* The row is of this donor. */
static bool decide_is(struct donors_import *import, size_t index, const struct donor *donor)
{
	struct stretch *stretch = &import->stretch;
	bool is_new;

	if (!is_new_donation(import, &stretch->rows[index], donor->id, &is_new))
		return false;
	take_as_known(stretch, index, is_new, arena_strdup(&stretch->arena, donor->number));
	return true;
}

/* Whether this is the row's name and birth: those of the record that stands, or of one that was merged into it. */
static bool is_person(struct donors_import *import, const struct donor_record *record, const struct donor *donor, bool *same)
{
	struct arena *arena = &import->stretch.arena;

	*same = donor_is_same(&record->donor, donor, arena);
	for (size_t i = 0; !*same && i < record->nmerged; i++) {
		struct donor_load load = { .key = record->merged[i], .exact = true, .arena = arena };

		if (!donor_load_run(import->cli, &load))
			return false;
		*same = donor_is_same(&load.record.donor, donor, arena);
	}
	return true;
}

/* Its number is known: the same person once more, or somebody must look. */
static bool decide_known(struct donors_import *import, size_t index)
{
	struct stretch *stretch = &import->stretch;
	struct import_row *row = &stretch->rows[index];
	struct donor_load load = { .key = row->known, .arena = &stretch->arena };
	struct donor_load also = { .key = row->also_known, .arena = &stretch->arena };
	bool two = !streq(row->known, row->also_known), same;

	if (!donor_load_run(import->cli, &load) || (two && !donor_load_run(import->cli, &also)) ||
	    !is_person(import, &load.record, &row->donor, &same))
		return false;
	if (two)
		hold(stretch, index, arena_printf(&stretch->arena, "numbers of %s and of %s", load.record.donor.number,
						  also.record.donor.number));
	else if (!same)
		hold(stretch, index, arena_printf(&stretch->arena, "number of %s, other name or birth", load.record.donor.number));
	else
		return decide_is(import, index, &load.record.donor);
	return true;
}

static bool decide_alike(struct donors_import *import, size_t index)
{
	struct stretch *stretch = &import->stretch;
	struct donor_match_find find = { .donor = &stretch->rows[index].donor, .units = import->units, .least = DONOR_LIKELY,
					 .arena = &stretch->arena };

	if (!donor_match_find_run(import->cli, &find))
		return false;
	if (find.nmatches > 0)
		hold(stretch, index, arena_printf(&stretch->arena, "like %s, %d of 100", find.matches[0].number,
						  find.matches[0].score));
	return true;
}

/* A person said who it is. */
static bool decide_named(struct donors_import *import, size_t index, const char *number)
{
	struct stretch *stretch = &import->stretch;
	struct import_row *row = &stretch->rows[index];
	struct donor_load load = { .key = number, .arena = &stretch->arena };
	const struct donor *donor = &load.record.donor;

	if (!donor_load_run(import->cli, &load)) {
		if (load.error.code != ERR_NOT_FOUND)
			return false;
		error_clear(&import->cli->error);
		hold(stretch, index, arena_printf(&stretch->arena, "there is no donor %s", number));
		return true;
	}
	if (donor->erased) {
		hold(stretch, index, arena_printf(&stretch->arena, "%s is erased", number));
		return true;
	}
	if (*row->known && (!streq(row->known, donor->id) || !streq(row->also_known, donor->id))) {
		hold(stretch, index, arena_printf(&stretch->arena, "one of its numbers is not of %s but of somebody else", number));
		return true;
	}
	snprintf(row->known, sizeof(row->known), "%s", donor->id);
	return decide_is(import, index, donor);
}

static void add_to_seen(struct donors_import *import, const struct import_row *row)
{
	seen_add(import->seen, row->number, &row->donor, &import->stretch.arena);
	(void)seen_gave(import->seen, row->number, row->donated_on, row->component);
}

/* What a person decided comes first, then what is known, then who looks alike. */
static bool decide_row(struct donors_import *import, size_t index)
{
	struct stretch *stretch = &import->stretch;
	struct import_row *row = &stretch->rows[index];
	const struct decision *decision = decision_about(&import->decisions, row->number);
	bool likely_too = import->register_likely || (decision && decision->what == DECISION_REGISTER);

	stretch->what[index] = IMPORT_REGISTER;
	stretch->note[index] = "";
	row->same = NULL;
	stretch->skipped[index] = decision && decision->what == DECISION_SKIP;
	if (stretch->skipped[index]) {
		stretch->what[index] = IMPORT_NOTHING;
		return true;
	}
	if (decision && decision->what == DECISION_DONOR)
		return decide_named(import, index, decision->number);
	if (*row->known)
		return decide_known(import, index);
	if (row->alike && !likely_too && !decide_alike(import, index))
		return false;
	if (stretch->what[index] != IMPORT_REGISTER)
		return true;
	compare_with_earlier(import, index, likely_too);
	if (stretch->what[index] == IMPORT_REGISTER)
		add_to_seen(import, row);
	return true;
}

static bool decide(struct donors_import *import)
{
	struct stretch *stretch = &import->stretch;
	struct import_probe probe = { .rows = stretch->rows, .nrows = stretch->count, .arena = &stretch->arena };

	if (stretch->count == 0)
		return true;
	if (!import_probe_run(import->cli, &probe))
		return false;
	if (!import->dry_run)            /* what was written is in the registry */
		seen_forget(import->seen);
	for (size_t i = 0; i < stretch->count; i++)
		if (!decide_row(import, i))
			return false;
	return true;
}

/* ---- writing ---- */

static enum told told_of(const struct stretch *stretch, size_t index)
{
	switch (stretch->what[index]) {
	case IMPORT_REGISTER:
		return TOLD_REGISTERED;
	case IMPORT_DONATION:
		return TOLD_DONATION;
	case IMPORT_HOLD:
		return TOLD_HELD;
	case IMPORT_NOTHING:
		break;
	}
	return stretch->skipped[index] ? TOLD_SKIPPED : TOLD_KNOWN;
}

/* The lines of rows before `row` that were not understood. */
static void tell_faults(struct donors_import *import, int64_t row, struct buf *lines)
{
	struct stretch *stretch = &import->stretch;

	while (stretch->faults_told < stretch->nfaulty && stretch->faulty[stretch->faults_told].row < row) {
		size_t end = stretch->faulty[stretch->faults_told++].end;

		buf_append(lines, stretch->faults.data + stretch->faults_said, end - stretch->faults_said);
		stretch->faults_said = end;
		import->told[TOLD_FAULT]++;
	}
}

/* Whose record the row went into, or why it did not. */
static const char *note_of(const struct donors_import *import, size_t index)
{
	const struct stretch *stretch = &import->stretch;
	const struct import_row *row = &stretch->rows[index];

	if (import->dry_run || stretch->what[index] == IMPORT_HOLD)
		return stretch->note[index];
	return stretch->what[index] == IMPORT_REGISTER ? row->donor.number : row->same ? row->same->donor.number : stretch->note[index];
}

/* What does not fit in the numbers of a row that was taken (facts 8): "sex_mismatch birth_year_mismatch"; "": it fits. */
static const char *doubts_of(struct donors_import *import, size_t index)
{
	struct stretch *stretch = &import->stretch;
	struct donor_warning warnings[DONOR_WARNINGS_MAX];
	size_t count = donor_warnings(&stretch->rows[index].donor, &stretch->arena, warnings);
	const char *codes = "";

	for (size_t i = 0; i < count; i++)
		if (!strstr(codes, warnings[i].code))
			codes = arena_printf(&stretch->arena, "%s%s%s", codes, *codes ? " " : "", warnings[i].code);
	return codes;
}

static void tell_row(struct donors_import *import, size_t index, struct buf *lines)
{
	int64_t row = import->stretch.rows[index].number;
	enum told told = told_of(&import->stretch, index);
	const char *doubts = import->report && told == TOLD_REGISTERED ? doubts_of(import, index) : "";
	enum donor_column column = import->mapping.places[COLUMN_ID_NUMBER] >= 0
					   ? COLUMN_ID_NUMBER : (enum donor_column)(COLUMN_IDENTIFIER + (int)IDENTIFIER_CCCD);

	tell_faults(import, row, lines);
	import->told[told]++;
	import->decided += decision_about(&import->decisions, row) != NULL;
	if (import->report)
		report_line(import, lines, row, told, *doubts ? donor_column_text(column) : "", doubts, note_of(import, index));
}

/* What became of the rows, and of those between them that were not understood, on disk before more is done. */
static bool tell(struct donors_import *import)
{
	struct stretch *stretch = &import->stretch;
	struct buf lines = { 0 };
	bool fine = true;

	for (size_t i = 0; i < stretch->count; i++)
		tell_row(import, i, &lines);
	tell_faults(import, stretch->next, &lines);
	if (import->report && lines.len)
		fine = fwrite(lines.data, 1, lines.len, import->report) == lines.len && fflush(import->report) == 0;
	buf_release(&lines);
	if (!fine)
		error_set(&import->cli->error, ERR_SYSTEM, "The report cannot be written: %s", "Không ghi được báo cáo: %s",
			  strerror(errno));
	return fine;
}

static bool write_rows(struct donors_import *import, bool last)
{
	struct stretch *stretch = &import->stretch;
	struct import_write write = {
		.run = import->run.id, .from_row = import->held_only ? 0 : import->run.next_row, .next_row = stretch->next,
		.last = last, .rows = stretch->rows, .what = stretch->what, .nrows = stretch->count,
		.source = import->mapping.source, .actor = import->cli->actor, .arena = &stretch->arena,
	};

	if (import->dry_run)
		return true;
	if (!import_write_run(import->cli, &write))
		return false;
	import->run.next_row = stretch->next;
	return true;
}

/*
 * Somebody registered or erased one of these people in the same moment, or the database is slow or was away: all is looked
 * up again. Whether a write of which nothing was heard is there, the run itself says.
 */
static bool may_try_again(struct donors_import *import, int *tries, bool *written)
{
	enum error_code code = import->cli->error.code;
	int64_t before = import->run.next_row;

	*written = false;
	if (code == ERR_STALE) {
		error_clear(&import->cli->error);
		error_set(&import->cli->error, code,
			  "This list is being imported by somebody else too, or keys have just changed: run it again.",
			  "Danh sách này đang được người khác nhập, hoặc khóa vừa thay đổi: hãy chạy lại.");
	}
	if ((code != ERR_DONOR_EXISTS && code != ERR_ERASED && code != ERR_UNAVAILABLE && code != ERR_UNKNOWN_OUTCOME) ||
	    ++*tries == TRIES || (code == ERR_UNKNOWN_OUTCOME && import->held_only) || !cli_pause(import->cli, PAUSE_MS))
		return false;
	error_clear(&import->cli->error);
	if (code != ERR_UNKNOWN_OUTCOME)
		return true;
	if (!import_begin_run(import->cli, &import->run))
		return false;
	*written = import->run.next_row != before;
	return true;
}

static bool take_stretch(struct donors_import *import, bool last)
{
	int tries = 0;
	bool written = false;

	while (!written) {
		written = decide(import) && write_rows(import, last);
		if (!written && !may_try_again(import, &tries, &written))
			return false;
	}
	return tell(import);
}

static bool take_all(struct donors_import *import)
{
	struct cli *cli = import->cli;
	bool more;

	do {
		more = read_stretch(import);
		if (!more && cli->error.code != ERR_NONE)
			return false;
		if (!take_stretch(import, !more))
			return false;
		say_progress(import, !more);
	} while (more);
	return true;
}

/* ---- beginning ---- */

static bool find_heading(struct donors_import *import)
{
	struct sheet_row line;

	while (sheet_next(import->sheet, &line, &import->cli->error)) {
		if (line.number < (size_t)import->mapping.heading_row)
			continue;
		if (line.number > (size_t)import->mapping.heading_row)
			break;
		import->stretch.next = (int64_t)line.number + 1;
		return donor_mapping_find(&import->mapping, line.cells, line.ncells, &import->cli->error);
	}
	if (import->cli->error.code == ERR_NONE)
		error_set(&import->cli->error, ERR_MALFORMED, "Row %d, where the mapping has the headings, is empty.",
			  "Dòng %d, nơi tệp ánh xạ ghi tiêu đề, trống.", import->mapping.heading_row);
	return false;
}

/* Which list it is, under which mapping. */
static bool hash_files(struct donors_import *import, const char *mapping_path)
{
	struct cli *cli = import->cli;
	unsigned char *both = arena_alloc(&cli->arena, 2 * CONTENT_HASH_BYTES);

	if (!content_hash_file(cli->arguments[0], both, &cli->error) ||
	    !content_hash_file(mapping_path, both + CONTENT_HASH_BYTES, &cli->error))
		return false;
	list_mark(both, import->mark);
	import->run = (struct import_begin){ .digest_of = both, .digest_len = 2 * CONTENT_HASH_BYTES, .actor = cli->actor,
					     .arena = &cli->arena };
	return true;
}

static bool begin_run(struct donors_import *import)
{
	if (import->dry_run) {
		import->run.next_row = 1;
		return true;
	}
	if (!import_begin_run(import->cli, &import->run))
		return false;
	import->held_only = import->run.finished;
	return true;
}

static bool open_report(struct donors_import *import)
{
	const char *path = cli_option(import->cli, "report", 0);

	if (!path)
		return true;
	import->report = fopen(path, "wxe");
	if (!import->report)
		return error_set(&import->cli->error, ERR_SYSTEM, "%s: cannot be made: %s", "%s: không tạo được: %s", path,
				 strerror(errno));
	/* With the mark by which spreadsheets know UTF-8. */
	return fputs("\xef\xbb\xbfrow,outcome,column,code,detail,list,decision\n", import->report) >= 0;
}

static bool read_decisions(struct donors_import *import)
{
	const char *path = cli_option(import->cli, "decisions", 0);

	return !path || decisions_read(path, import->mark, &import->decisions, &import->cli->arena, &import->cli->error);
}

static bool begin(struct donors_import *import)
{
	struct cli *cli = import->cli;
	const char *mapping_path, *text;
	size_t len;

	if (!cli_require(cli, "mapping", &mapping_path) || !cli_read_file(cli, mapping_path, &text, &len))
		return false;
	import->today = clock_today(cli->store.clock);
	import->dry_run = cli_has(cli, "dry-run");
	import->register_likely = cli_has(cli, "register-likely");
	import->units = cli_load_units(cli);
	if (!import->units || !donor_mapping_read(text, len, import->units, import->today, &cli->arena, &import->mapping,
						  &cli->error))
		return false;
	import->sheet = sheet_open(cli->arguments[0], &cli->error);
	return import->sheet && find_heading(import) && hash_files(import, mapping_path) && read_decisions(import) &&
	       begin_run(import) && open_report(import);
}

/* ---- concluding ---- */

static void conclude(struct donors_import *import)
{
	struct cli *cli = import->cli;
	const size_t *told = import->told;

	if (import->held_only && !import->register_likely && !import->decisions.count)
		cli_say(cli, "this list was imported before; looked again at the rows that were held\n",
			"danh sách này đã được nhập trước đây; đã xem lại các dòng còn treo\n");
	cli_say(cli,
		"%s%zu registered, %zu donations added to known donors, %zu known, %zu skipped, %zu held for a person,"
		" %zu with faults\n",
		"%s%zu đăng ký mới, %zu lần hiến thêm cho người đã có, %zu đã có, %zu bỏ qua, %zu chờ người xem, %zu có lỗi\n",
		import->dry_run ? cli_word(cli, "dry run: ", "chạy thử: ") : "", told[TOLD_REGISTERED], told[TOLD_DONATION],
		told[TOLD_KNOWN], told[TOLD_SKIPPED], told[TOLD_HELD], told[TOLD_FAULT]);
	if (import->decisions.count > import->decided)
		cli_say(cli, "%zu decisions were about rows that were done before, have faults or are not there\n",
			"%zu quyết định thuộc dòng đã xong trước đó, có lỗi hoặc không tồn tại\n",
			import->decisions.count - import->decided);
	if ((told[TOLD_HELD] || told[TOLD_FAULT]) && !import->report)
		cli_say(cli, "which ones: run again with --report FILE (--dry-run changes nothing)\n",
			"xem dòng nào: chạy lại với --report TỆP (--dry-run không thay đổi gì)\n");
	jout_object(&cli->out, NULL);
	for (int i = 0; i < TOLD_COUNT; i++)
		jout_int(&cli->out, told_text((enum told)i), (int64_t)told[i]);
	jout_bool(&cli->out, "applied", !import->dry_run);
	jout_end(&cli->out);
}

static int import_run(struct cli *cli)
{
	struct donors_import *import = arena_alloc(&cli->arena, sizeof(*import));
	int status;

	import->cli = cli;
	import->seen = seen_new();
	if (begin(import) && take_all(import)) {
		conclude(import);
		status = EXIT_OK;
	} else {
		status = cli_refuse(cli);
	}
	if (import->report && fclose(import->report) != 0)
		fprintf(stderr, "giothong: %s\n", strerror(errno));
	sheet_close(import->sheet);
	unit_map_free(import->units);
	arena_release(&import->stretch.arena);
	buf_release(&import->stretch.faults);
	seen_free(import->seen);
	return status;
}

static const struct cli_option import_options[] = {
	{ "mapping", "FILE", { "which column holds what, and where the list is from (JSON)", "cột nào chứa gì, danh sách từ đâu (JSON)" } },
	{ "dry-run", NULL, { "only tell what would happen", "chỉ cho biết sẽ làm gì" } },
	{ "report", "FILE", { "a new CSV file: what became of each row", "tệp CSV mới: kết quả từng dòng" } },
	{ "decisions", "FILE", { "a report with its column \"decision\" filled in: register, skip, or a donor number",
				 "báo cáo đã điền cột \"decision\": register, skip hoặc mã người hiến máu" } },
	{ "register-likely", NULL, { "register those too who look like somebody known", "đăng ký cả người trông giống người đã có" } },
	{ 0 }
};

const struct cli_command donors_commands[] = {
	{ .group = "donors", .verb = "import", .arguments = "FILE", .nmin = 1, .nmax = 1, .need = CLI_DATABASE,
	  .options = import_options, .run = import_run,
	  .summary = { "add donors and their declared donations from a list (.csv, .xlsx)",
		       "thêm người hiến máu và lần hiến đã khai từ danh sách (.csv, .xlsx)" } },
	{ 0 }
};
