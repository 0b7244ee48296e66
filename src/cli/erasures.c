#include "cli/erasures.h"

#include <unistd.h>

#include "app/rules.h"
#include "base/clock.h"
#include "base/text.h"
#include "cli/commands.h"
#include "config/config.h"
#include "crypto/erasure_journal.h"
#include "domain/deferral.h"
#include "store/deferral_store.h"
#include "store/donor_store.h"
#include "store/erasure_store.h"

CLI_OPERATION(donor_load)
CLI_OPERATION(donor_join)
CLI_OPERATION(facts_load)
CLI_OPERATION(donor_erase)

/* Of one line of the journal. What a restored database knows of who is one with whom may be older than it. */
struct replaying {
	struct cli                     *cli;
	const struct eligibility_rules *rules;
	const struct erasure_line      *line;
};

static bool is_named(const struct replaying *replaying, const char *id)
{
	for (size_t i = 0; i < replaying->line->count; i++)
		if (streq(replaying->line->ids[i], id))
			return true;
	return false;
}

/* NULL and no error: the backup does not know it. */
static const struct donor_record *load(const struct replaying *replaying, const char *id, bool exact)
{
	struct cli *cli = replaying->cli;
	struct donor_load *load = arena_alloc(&cli->arena, sizeof(*load));

	*load = (struct donor_load){ .key = id, .exact = exact, .arena = &cli->arena };
	if (donor_load_run(cli, load))
		return &load->record;
	if (cli->error.code == ERR_NOT_FOUND)
		error_clear(&cli->error);
	return NULL;
}

static bool unmerge(const struct replaying *replaying, const struct donor_record *from, const struct donor_record *other)
{
	struct cli *cli = replaying->cli;
	struct donor_join join = { .verb = DONOR_UNMERGE, .donor = from, .other = other, .actor = cli->actor,
				   .arena = &cli->arena };

	return donor_join_run(cli, &join);
}

/* Among those that are one with `person`: whether an edge between one that is named and one that is not was cut. */
static bool cut_between(const struct replaying *replaying, const struct donor_record *person, bool *cut)
{
	for (size_t i = 0; i < person->nmerged; i++) {
		const struct donor_record *one = load(replaying, person->merged[i], true);

		if (!one)
			return replaying->cli->error.code == ERR_NONE;
		if (is_named(replaying, one->donor.id) != is_named(replaying, one->donor.merged_with)) {
			*cut = true;
			return unmerge(replaying, person, one);
		}
	}
	return true;
}

/*
 * An erasure takes all that is one with a person. What it did not take, though the database says that it is the same
 * person, was told apart after the backup.
 */
static bool tell_apart(const struct replaying *replaying)
{
	for (size_t i = 0; i < replaying->line->count; i++) {
		for (bool cut = true; cut;) {
			const struct donor_record *person = load(replaying, replaying->line->ids[i], false);

			cut = false;
			if (!person && replaying->cli->error.code != ERR_NONE)
				return false;
			if (person && !person->donor.erased && !cut_between(replaying, person, &cut))
				return false;
		}
	}
	return true;
}

/* Each of the records may be another person's here: the longest of their waits. */
static bool add_wait(const struct replaying *replaying, const char *id, struct donor_next *wait)
{
	struct cli *cli = replaying->cli;
	struct facts_load facts = { .key = id, .arena = &cli->arena };
	struct donor_next left;

	if (!facts_load_run(cli, &facts))
		return false;
	left = donor_wait_left(&facts.facts, replaying->rules, clock_today(&cli->setup->clock), &cli->arena);
	wait->endless |= left.endless;
	if (date_compare(left.on, wait->on) > 0)
		wait->on = left.on;
	return true;
}

/* Those that the database does not know, or knows as erased, need nothing. */
static bool replay_line(const struct replaying *replaying, struct erasures_replayed *out)
{
	struct cli *cli = replaying->cli;
	const struct erasure_line *line = replaying->line;
	struct donor_erase erase = { .again = true, .nfacts = -1, .actor = cli->actor, .arena = &cli->arena };

	if (!tell_apart(replaying))
		return false;
	erase.records = arena_alloc(&cli->arena, line->count * sizeof(const struct donor_record *));
	for (size_t i = 0; i < line->count; i++) {
		const struct donor_record *record = load(replaying, line->ids[i], true);

		if (!record && cli->error.code != ERR_NONE)
			return false;
		if (!record || record->donor.erased)
			continue;
		if (!add_wait(replaying, line->ids[i], &erase.wait))
			return false;
		erase.records[erase.nrecords++] = record;
	}
	if (erase.nrecords == 0)
		return true;
	out->persons++;
	return donor_erase_run(cli, &erase);
}

bool erasures_replay(struct cli *cli, struct erasures_replayed *out)
{
	const struct config *config = &cli->setup->config;
	const char *path = erasure_journal_path(config->erasure_journal, config->keyring_dir, &cli->arena);
	struct eligibility_rules *rules = rules_open(config->eligibility_rules, RULES_FOR_USE, &cli->error);
	struct replaying replaying = { .cli = cli, .rules = rules };
	struct erasure_line *lines;
	size_t count = 0;
	bool fine = rules && erasure_journal_read(path, &cli->arena, &lines, &count, &cli->error);

	*out = (struct erasures_replayed){ .journal = access(path, F_OK) == 0 };
	for (size_t i = 0; fine && i < count; i++) {
		replaying.line = &lines[i];
		fine = replay_line(&replaying, out);
	}
	rules_free(rules);
	return fine;
}

void erasures_print(struct cli *cli, const struct erasures_replayed *replayed)
{
	if (replayed->journal)
		cli_say(cli, "Donors erased after the backup, and erased again: %zu.\n",
			"Số người hiến máu đã xóa sau lần sao lưu và nay xóa lại: %zu.\n", replayed->persons);
	else
		cli_say(cli, "There is no journal of erasures here: who was erased after the backup is back. Bring it and run"
			     " \"giothong erasure replay\".\n",
			"Ở đây không có sổ xóa dữ liệu: người đã xóa sau lần sao lưu nay có lại. Hãy chép sổ về rồi chạy"
			" \"giothong erasure replay\".\n");
	jout_bool(&cli->out, "erasure_journal", replayed->journal);
	jout_int(&cli->out, "erased_again", (int64_t)replayed->persons);
}

/* ---- giothong erasure replay ---- */

static int replay_run(struct cli *cli)
{
	struct erasures_replayed replayed;

	if (!erasures_replay(cli, &replayed))
		return cli_refuse(cli);
	jout_object(&cli->out, NULL);
	erasures_print(cli, &replayed);
	jout_end(&cli->out);
	return EXIT_OK;
}

const struct cli_command erasure_commands[] = {
	{ .group = "erasure", .verb = "replay", .need = CLI_DATABASE, .run = replay_run,
	  .summary = { "after an older database was brought back: erase again who the journal names",
		       "sau khi phục hồi cơ sở dữ liệu cũ: xóa lại những người có trong sổ xóa dữ liệu" } },
	{ 0 }
};
