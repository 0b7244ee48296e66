#include "cli/commands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "domain/propose.h"
#include "domain/unit.h"
#include "store/catalog_store.h"
#include "store/round_store.h"
#include "wire/plan_wire.h"

CLI_OPERATION(calendar_load)
CLI_OPERATION(catalog_list)
CLI_OPERATION(catalog_load)
CLI_OPERATION(round_list)

/*
 * `giothong plan propose`: reads what is fixed, asks the calendar and the
 * rounds that are there, lets the domain choose days and places, and writes a plan file. It changes nothing in
 * the database: the file is looked at, then imported.
 */
enum { CAMPAIGN_PAGE = 500, ROUND_PAGE = 500 };

struct propose {
	struct propose_file file;
	struct unit_map *units;
	struct calendar_load calendar;
	struct catalog_list campaigns; /* to write slugs, not ids */
	struct proposed_round *rounds;
	struct plan plan; /* what is written */
};

static const struct campaign *campaign_by_id(const struct propose *propose, const char *id)
{
	for (size_t i = 0; i < propose->campaigns.nitems; i++)
		if (streq(propose->campaigns.items[i].campaign.id, id))
			return &propose->campaigns.items[i].campaign;
	return NULL;
}

/* The plan says which campaigns it serves; a plan that names none serves all. */
static bool is_wanted(const struct propose *propose, const struct campaign_window *window)
{
	const struct plan *plan = &propose->file.plan;
	const struct campaign *campaign = campaign_by_id(propose, window->id);

	for (size_t i = 0; campaign && i < plan->ncampaigns; i++)
		if (streq(plan->campaigns[i].id, campaign->slug) ||
		    streq(plan->campaigns[i].id, campaign->id))
			return true;
	return plan->ncampaigns == 0;
}

static void keep_wanted(struct propose *propose)
{
	struct calendar_load *calendar = &propose->calendar;
	size_t kept = 0;

	for (size_t i = 0; i < calendar->ncampaigns; i++)
		if (is_wanted(propose, &calendar->campaigns[i]))
			calendar->campaigns[kept++] = calendar->campaigns[i];
	calendar->ncampaigns = kept;
}

static void keep_page(struct cli *cli, const struct round_list *page, struct round **rounds, size_t *count)
{
	struct round *all = arena_alloc(&cli->arena, (*count + page->nrounds + 1) * sizeof(*all));

	if (*count > 0)
		memcpy(all, *rounds, *count * sizeof(*all));
	if (page->nrounds > 0)
		memcpy(all + *count, page->rounds, page->nrounds * sizeof(*all));
	*rounds = all;
	*count += page->nrounds;
}

/* The file's team by code or id; one that is not there has no rounds. */
static bool find_team(struct cli *cli, const char *named, const char **id)
{
	struct catalog_load load = { .kind = CATALOG_TEAM, .key = named, .arena = &cli->arena };

	*id = NULL;
	if (!named)
		return true;
	if (catalog_load_run(cli, &load)) {
		*id = arena_strdup(&cli->arena, load.item.team.id);
		return true;
	}
	if (load.error.code != ERR_NOT_FOUND)
		return false;
	error_clear(&cli->error);
	return true;
}

/* All rounds up to the gap after the plan: an old one still says that a place is not new. */
static bool load_taken(struct cli *cli, struct propose *propose)
{
	struct propose_file *file = &propose->file;
	struct round_list page = { .filter = { .precisions = ~0u, .drafts = { .all = true } },
				   .limit = ROUND_PAGE,
				   .arena = &cli->arena };
	struct round *rounds = NULL;
	size_t count = 0;
	const char *team;

	page.filter.to = date_add_days(file->plan.to, file->request.gap_days);
	do {
		if (!round_list_run(cli, &page))
			return false;
		keep_page(cli, &page, &rounds, &count);
	} while (page.more);
	if (!find_team(cli, propose_file_team(file), &team))
		return false;
	propose_file_take(file, propose->units, rounds, count, team, &cli->arena);
	return true;
}

static bool load(struct cli *cli, struct propose *propose)
{
	const char *text;
	size_t len;

	if (!cli_read_file(cli, cli->arguments[0], &text, &len))
		return false;
	propose->units = cli_load_units(cli);
	if (!propose->units ||
	    !propose_file_read(text, len, propose->units, &cli->arena, &propose->file, &cli->error))
		return false;
	propose->calendar = (struct calendar_load){ .from = propose->file.plan.from,
						    .to = propose->file.plan.to,
						    .arena = &cli->arena };
	propose->campaigns = (struct catalog_list){
		.kind = CATALOG_CAMPAIGN, .inactive = true, .limit = CAMPAIGN_PAGE, .arena = &cli->arena
	};
	if (!calendar_load_run(cli, &propose->calendar) || !catalog_list_run(cli, &propose->campaigns))
		return false;
	keep_wanted(propose);
	return load_taken(cli, propose);
}

static bool choose(struct cli *cli, struct propose *propose)
{
	struct propose_request *request = &propose->file.request;

	request->holidays = propose->calendar.holidays;
	request->nholidays = propose->calendar.nholidays;
	request->holidays_known_to = propose->calendar.holidays_known_to;
	request->campaigns = propose->calendar.campaigns;
	request->ncampaigns = propose->calendar.ncampaigns;
	propose->rounds = plan_propose(request, &cli->arena, &cli->error);
	return propose->rounds != NULL;
}

/* ---- the plan that results ---- */

static const struct round *fixed_round(const struct plan *plan, int ordinal)
{
	for (size_t i = 0; i < plan->nrounds; i++)
		if (plan->rounds[i].ordinal == ordinal)
			return &plan->rounds[i];
	return NULL;
}

/* "Huyện Than Uyên" -> "huyện Than Uyên", inside a sentence. */
static const char *inner_name(struct cli *cli, const struct unit *unit)
{
	char *name = arena_strdup(&cli->arena, unit->full_name);

	if (name[0] >= 'A' && name[0] <= 'Z')
		name[0] = (char)(name[0] - 'A' + 'a');
	return name;
}

/* A district that ended is still how people call the area; its hosts are the communes seated there. */
static void put_place(struct cli *cli, const struct propose *propose, int place, struct round *round)
{
	const char *id = propose->file.place_units[place];
	const struct unit *unit = unit_by_id(propose->units, id);
	size_t max = unit_count(propose->units);
	const struct unit **hosts = arena_alloc(&cli->arena, max * sizeof(hosts[0]));
	const char *name = propose->file.request.places[place].name, *where;

	round->nunits = unit_seats(propose->units, unit, round->from, hosts, max);
	round->units = arena_alloc(&cli->arena, (round->nunits + 1) * sizeof(round->units[0]));
	for (size_t i = 0; i < round->nunits; i++)
		round->units[i] = (struct named){ hosts[i]->id, hosts[i]->full_name };
	round->place_status = FACT_PROPOSED;
	if (!streq(name, unit->full_name))
		where = name;
	else if (unit_valid_on(unit, round->from))
		where = inner_name(cli, unit);
	else
		where = arena_printf(&cli->arena, "địa bàn %s cũ", inner_name(cli, unit));
	round->title = arena_printf(&cli->arena, "%s %s",
				    propose->file.plan.demo ? "Dữ liệu mẫu: hiến máu tình nguyện"
							    : "Hiến máu tình nguyện",
				    where);
}

static void put_campaigns(struct cli *cli, const struct propose *propose, const struct proposed_round *chosen,
			  struct round *round)
{
	size_t max = ARRAY_SIZE(chosen->campaign_ids);

	round->campaigns = arena_alloc(&cli->arena, max * sizeof(round->campaigns[0]));
	for (size_t i = 0; i < max && chosen->campaign_ids[i]; i++) {
		const struct campaign *campaign = campaign_by_id(propose, chosen->campaign_ids[i]);

		if (campaign)
			round->campaigns[round->ncampaigns++] =
				(struct named){ campaign->slug, campaign->name };
	}
}

static void put_proposed(struct cli *cli, const struct propose *propose, const struct proposed_round *chosen,
			 struct round *round)
{
	const struct propose_file *file = &propose->file;

	round_init(round);
	round->ordinal = chosen->ordinal;
	round->from = round->to = chosen->on;
	round->precision = PRECISION_DAY;
	round->date_status = FACT_PROPOSED;
	round->start_minute = file->start_minute;
	round->end_minute = file->end_minute;
	round->time_status = file->start_minute >= 0 ? FACT_PROPOSED : FACT_UNKNOWN;
	round->status = streq(file->status, "announced") ? ROUND_ANNOUNCED : ROUND_DRAFT;
	round->target_units = file->target_units;
	round->capacity = file->capacity;
	round->note = chosen->reason[LANGUAGE_VI];
	put_place(cli, propose, chosen->place, round);
	put_campaigns(cli, propose, chosen, round);
}

static void compose(struct cli *cli, struct propose *propose)
{
	size_t count = (size_t)propose->file.request.rounds;
	struct plan *plan = &propose->plan;

	*plan = propose->file.plan;
	plan->nrounds = count;
	plan->rounds = arena_alloc(&cli->arena, count * sizeof(plan->rounds[0]));
	for (size_t i = 0; i < count; i++) {
		const struct proposed_round *chosen = &propose->rounds[i];
		const struct round *fixed = fixed_round(&propose->file.plan, chosen->ordinal);

		if (chosen->fixed && fixed)
			plan->rounds[i] = *fixed;
		else
			put_proposed(cli, propose, chosen, &plan->rounds[i]);
	}
}

/* ---- telling ---- */

static bool write_file(struct cli *cli, const char *path, const struct buf *text)
{
	FILE *stream = fopen(path, "we");
	bool fine = stream && fwrite(text->data, 1, text->len, stream) == text->len;

	if (stream && fclose(stream) != 0)
		fine = false;
	if (!fine)
		error_set(&cli->error, ERR_SYSTEM, "%s cannot be written: %s", "không ghi được %s: %s", path,
			  strerror(errno));
	return fine;
}

static void print_reasons(struct cli *cli, const struct propose *propose, FILE *stream)
{
	for (size_t i = 0; i < propose->plan.nrounds; i++) {
		const struct proposed_round *chosen = &propose->rounds[i];
		char day[DATE_TEXT_SIZE];

		fprintf(stream, "%2d  %s  %s\n", chosen->ordinal, date_format(chosen->on, day),
			chosen->reason[cli->setup->language]);
	}
}

static void write_json(struct cli *cli, const struct propose *propose, const struct buf *text)
{
	struct json_out *out = &cli->out;

	jout_object(out, NULL);
	jout_raw(out, "plan", text->data);
	jout_array(out, "reasons");
	for (size_t i = 0; i < propose->plan.nrounds; i++) {
		jout_object(out, NULL);
		jout_int(out, "ordinal", propose->rounds[i].ordinal);
		jout_date(out, "date", propose->rounds[i].on);
		jout_bool(out, "fixed", propose->rounds[i].fixed);
		jout_text(out, "reason", propose->rounds[i].reason[cli->setup->language]);
		jout_end(out);
	}
	jout_end(out);
	jout_end(out);
}

/* The plan goes where it is asked for; the reasons where they are in nobody's way. */
static int tell(struct cli *cli, const struct propose *propose)
{
	const char *path = cli_option(cli, "output", 0);
	struct buf text = { 0 };
	int status = EXIT_OK;

	plan_file_write(&text, &propose->plan);
	if (path && !write_file(cli, path, &text))
		status = cli_refuse(cli);
	else if (cli->json)
		write_json(cli, propose, &text);
	else
		print_reasons(cli, propose, path ? stdout : stderr);
	if (!path && !cli->json)
		fputs(text.data, stdout);
	buf_release(&text);
	return status;
}

static int propose_run(struct cli *cli)
{
	struct propose propose = { 0 };
	int status = EXIT_REFUSED;

	if (load(cli, &propose) && choose(cli, &propose)) {
		compose(cli, &propose);
		status = tell(cli, &propose);
	} else {
		cli_refuse(cli);
	}
	unit_map_free(propose.units);
	return status;
}

static const struct cli_option propose_options[] = { { "output",
						       "FILE",
						       { "write the plan file there, not to standard output",
							 "ghi tệp kế hoạch vào đó thay vì in ra" } },
						     { 0 } };

/* Under the summaries in the list of commands. */
#define FILE_LINE "\n                           "

const struct cli_command propose_commands[] = {
	{ .group = "plan", .verb = "propose", .arguments = "FILE", .nmin = 1, .nmax = 1,
	  .need = CLI_DATABASE, .options = propose_options, .run = propose_run,
	  .summary = {
	    "propose dates and places for a plan's rounds; changes nothing. FILE is a plan" FILE_LINE
	    "file (JSON) with the rounds that are fixed, and \"propose\": {\"rounds\": 18};" FILE_LINE
	    "also in \"propose\": teams, gap_days, places [{unit, name, rounds}], start," FILE_LINE
	    "end, target_units, capacity, status",
	    "đề xuất ngày và nơi cho các đợt của kế hoạch; không thay đổi gì. FILE là tệp" FILE_LINE
	    "kế hoạch (JSON) ghi các đợt đã ấn định và \"propose\": {\"rounds\": 18};" FILE_LINE
	    "trong \"propose\" còn có: teams, gap_days, places [{unit, name, rounds}]," FILE_LINE
	    "start, end, target_units, capacity, status" } },
	{ 0 }
};
