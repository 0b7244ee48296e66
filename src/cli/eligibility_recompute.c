#include "cli/commands.h"

#include <string.h>

#include "app/rules.h"
#include "base/clock.h"
#include "base/memory.h"
#include "domain/deferral.h"
#include "store/days_store.h"

/*
 * `giothong eligibility recompute`: what the rules of today say of everybody's next days, beside what is kept.
 * Without --dry-run whoever differs is marked, a page at a time, and counted as after any change of facts: by this
 * command and by the daemons alike. Killed anywhere it is run again: who was counted differs no more, who was
 * marked is counted by a daemon. At the end all are looked at once more. A daemon that decides by other rules would
 * count by those again and again: it is to be restarted first.
 */
CLI_OPERATION(days_walk)
CLI_OPERATION(days_mark)
CLI_OPERATION(days_read)
CLI_OPERATION(days_write)
CLI_OPERATION(days_others)

enum {
	TURN_MS = 100, TURNS = 600,              /* for a daemon that is counting to leave off */
	OTHERS_MS = 500, OTHERS_TURNS = 32       /* for one that was killed to be seen no more */
};

struct tally {
	size_t looked, broken, changed;
	size_t sooner[COMPONENT_COUNT], later[COMPONENT_COUNT];
};

struct recount {
	struct cli                     *cli;
	const struct eligibility_rules *rules;
	struct date                     today;
	struct arena                    arena;   /* of a page */
	bool                            marks;
};

/* ---- daemons with other rules ---- */

static bool refuse_others(struct cli *cli, const struct days_others *others, const char *edition)
{
	return error_set(&cli->error, ERR_UNAVAILABLE,
			 "a daemon on %s decides by the rules %s, not by %s: restart it first, else it counts by its own again."
			 " Nothing was changed.", "một tiến trình trên %s dùng bộ quy tắc %s, không phải %s: hãy khởi động lại nó"
			 " trước, nếu không nó sẽ tính lại theo bộ của nó. Chưa có gì thay đổi.",
			 others->host, others->theirs, edition);
}

/* What would be refused is told by who only looks, too. */
static bool tell_others(struct recount *recount)
{
	struct days_others others = { .edition = recount->rules->edition, .arena = &recount->arena };

	if (!days_others_run(recount->cli, &others))
		return false;
	if (others.host)
		cli_say(recount->cli, "a daemon on %s still decides by %s: restart it before you apply this\n",
			"một tiến trình trên %s còn dùng %s: hãy khởi động lại trước khi áp dụng\n", others.host, others.theirs);
	return true;
}

/* False and cli->error: there is one, and it does not go. */
static bool are_of_one_mind(struct recount *recount)
{
	struct days_others others = { .edition = recount->rules->edition, .arena = &recount->arena };

	for (int turn = 0; turn < OTHERS_TURNS; turn++) {
		if (!days_others_run(recount->cli, &others))
			return false;
		if (!others.host)
			return true;
		if (!cli_pause(recount->cli, OTHERS_MS))
			return false;
	}
	return refuse_others(recount->cli, &others, recount->rules->edition);
}

/* ---- looking ---- */

static int compare_next(const struct donor_next *one, const struct donor_next *two)
{
	if (one->endless != two->endless)
		return one->endless ? 1 : -1;
	return one->endless ? 0 : date_compare(one->on, two->on);
}

static bool tally_person(struct tally *tally, const struct donor_days *kept, const struct donor_days *fresh)
{
	bool differs = date_compare(kept->last_donated_on, fresh->last_donated_on) != 0 ||
		       date_compare(kept->change_on, fresh->change_on) != 0;

	for (int c = 0; c < COMPONENT_COUNT; c++) {
		int order = compare_next(&fresh->next[c], &kept->next[c]);

		tally->sooner[c] += order < 0;
		tally->later[c] += order > 0;
		differs |= order != 0;
	}
	tally->looked++;
	tally->changed += differs;
	return differs;
}

static bool look_at_page(struct recount *recount, struct days_walk *walk, struct tally *tally)
{
	const char **donors;
	size_t count = 0;

	if (!days_walk_run(recount->cli, walk))
		return false;
	donors = arena_alloc(&recount->arena, (walk->npeople + 1) * sizeof(*donors));
	tally->broken += walk->nbroken;
	for (size_t i = 0; i < walk->npeople; i++) {
		const struct person_days *person = &walk->people[i];
		struct donor_days fresh;

		donor_days_of(&person->facts, recount->rules, recount->today, &recount->arena, &fresh);
		if (tally_person(tally, &person->days, &fresh))
			donors[count++] = person->donor_id;
	}
	if (count == 0 || !recount->marks)
		return true;
	return days_mark_run(recount->cli, &(struct days_mark){
		.donors = donors, .ndonors = count, .rule_set = recount->rules->id, .actor = recount->cli->actor,
		.arena = &recount->arena });
}

static bool look_at_all(struct recount *recount, struct tally *tally)
{
	char after[UUID_TEXT_SIZE] = "";
	bool more = true;

	*tally = (struct tally){ 0 };
	while (more) {
		struct days_walk walk = { .after = after, .arena = &recount->arena };

		if (!look_at_page(recount, &walk, tally))
			return false;
		more = walk.last != NULL;
		if (more)
			memcpy(after, walk.last, sizeof(after));
		arena_release(&recount->arena);
	}
	return true;
}

/* ---- counting ---- */

static bool count_batch(struct recount *recount, struct days_read *read, bool *written)
{
	struct days_write write = { .read = read, .arena = &recount->arena };

	for (size_t i = 0; i < read->npeople; i++)
		donor_days_of(&read->people[i].facts, recount->rules, recount->today, &recount->arena,
			      &read->people[i].days);
	if (!days_write_run(recount->cli, &write))
		return false;
	*written = write.written;
	return true;
}

/* Until nothing is marked. */
static bool count_all(struct recount *recount)
{
	int waited = 0;

	for (;;) {
		struct days_read read = { .arena = &recount->arena };
		bool written = false;

		if (!days_read_run(recount->cli, &read))
			return false;
		if (read.nrows == 0)
			return true;
		if (!count_batch(recount, &read, &written))
			return false;
		arena_release(&recount->arena);
		waited = written ? 0 : waited + 1;
		if (waited > TURNS)
			return error_set(&recount->cli->error, ERR_UNAVAILABLE,
					 "a daemon has been counting for a minute: run the command again",
					 "một tiến trình đang tính đã một phút: hãy chạy lại lệnh");
		if (!written && !cli_pause(recount->cli, TURN_MS))
			return false;
	}
}

/* ---- telling ---- */

static void tell(struct cli *cli, const struct tally *tally, const struct eligibility_rules *rules, bool dry)
{
	cli_say(cli, "%s: %zu donors, %zu of them %s\n", "%s: %zu người hiến máu, %zu người %s\n", rules->id,
		tally->looked, tally->changed,
		dry ? cli_word(cli, "would change", "sẽ thay đổi") : cli_word(cli, "changed", "đã thay đổi"));
	jout_object(&cli->out, NULL);
	jout_text(&cli->out, "rule_set", rules->id);
	jout_bool(&cli->out, "dry_run", dry);
	jout_int(&cli->out, "donors", (int64_t)tally->looked);
	jout_int(&cli->out, "changed", (int64_t)tally->changed);
	jout_int(&cli->out, "not_opened", (int64_t)tally->broken);
	jout_object(&cli->out, "components");
	for (int c = 0; c < COMPONENT_COUNT; c++) {
		cli_say(cli, "  %-14s %zu sooner, %zu later\n", "  %-14s %zu sớm hơn, %zu muộn hơn\n",
			component_text((enum component)c), tally->sooner[c], tally->later[c]);
		jout_object(&cli->out, component_text((enum component)c));
		jout_int(&cli->out, "sooner", (int64_t)tally->sooner[c]);
		jout_int(&cli->out, "later", (int64_t)tally->later[c]);
		jout_end(&cli->out);
	}
	jout_end(&cli->out);
	jout_end(&cli->out);
	if (tally->broken > 0)
		cli_say(cli, "%zu records cannot be opened: giothong audit verify --records\n",
			"%zu hồ sơ không mở được: giothong audit verify --records\n", tally->broken);
}

static bool settle(struct recount *recount)
{
	struct tally again;

	if (!count_all(recount))
		return false;
	recount->marks = false;
	if (!look_at_all(recount, &again))
		return false;
	if (again.changed > 0)
		return error_set(&recount->cli->error, ERR_UNAVAILABLE,
				 "%zu donors still differ: facts are just being written, or a daemon has other rules"
				 " (restart it). Run the command again.",
				 "%zu người vẫn khác: đang có dữ liệu mới, hoặc một tiến trình dùng bộ quy tắc khác"
				 " (hãy khởi động lại nó). Hãy chạy lại lệnh.", again.changed);
	return true;
}

static int recompute_run(struct cli *cli)
{
	struct recount recount = { .cli = cli, .today = clock_today(&cli->setup->clock) };
	bool dry = cli_has(cli, "dry-run"), fine;
	struct eligibility_rules *rules = rules_open(cli->setup->config.eligibility_rules, RULES_FOR_USE, &cli->error);
	struct tally tally;

	if (!rules)
		return cli_refuse(cli);
	recount.rules = rules;
	recount.marks = !dry;
	arena_init(&recount.arena);
	/* What waits to be counted is no change of the rules. */
	fine = (dry ? tell_others(&recount) : are_of_one_mind(&recount) && count_all(&recount)) &&
	       look_at_all(&recount, &tally);
	if (fine && !dry && tally.changed > 0)
		fine = settle(&recount);
	if (fine)
		tell(cli, &tally, rules, dry);
	arena_release(&recount.arena);
	rules_free(rules);
	return fine ? EXIT_OK : cli_refuse(cli);
}

static const struct cli_option recompute_options[] = {
	{ "dry-run", NULL, { "only say how many would change", "chỉ cho biết bao nhiêu người sẽ thay đổi" } },
	{ 0 }
};

const struct cli_command recompute_commands[] = {
	{ .group = "eligibility", .verb = "recompute",
	  .need = CLI_DATABASE, .options = recompute_options, .run = recompute_run,
	  .summary = { "count again from when on everybody may give; needed when the rules change",
		       "tính lại ngày được hiến của mọi người; cần khi quy tắc thay đổi" } },
	{ 0 }
};
