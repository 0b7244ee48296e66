#include "cli/commands.h"

#include <stdio.h>

#include "domain/unit.h"
#include "store/catalog_store.h"

/* Teams and venues: what rounds name. */
CLI_OPERATION(catalog_save)
CLI_OPERATION(catalog_list)

enum { CATALOG_PAGE = 500 };

static void print_item(struct cli *cli, const struct catalog_item *item)
{
	struct json_out *out = &cli->out;
	char figure[16] = "-";
	int amount = item->kind == CATALOG_TEAM ? item->team.beds : item->venue.capacity;

	if (amount >= 0)
		snprintf(figure, sizeof(figure), "%d", amount);
	jout_object(out, NULL);
	jout_text(out, "id", catalog_item_id(item));
	if (item->kind == CATALOG_TEAM) {
		cli_say(cli, "%s  %-8s %5s  %s\n", "%s  %-8s %5s  %s\n", item->team.id, item->team.code, figure,
			item->team.name);
		jout_text(out, "code", item->team.code);
		jout_text(out, "name", item->team.name);
		jout_text(out, "organisation", item->team.organisation);
		jout_raw(out, "beds", amount >= 0 ? figure : "null");
	} else {
		cli_say(cli, "%s  %5s  %s; %s\n", "%s  %5s  %s; %s\n", item->venue.id, figure, item->venue.name,
			item->venue.unit_name ? item->venue.unit_name : item->venue.unit_id);
		jout_text(out, "name", item->venue.name);
		jout_text(out, "unit", item->venue.unit_id);
		jout_text(out, "unit_name", item->venue.unit_name);
		jout_text(out, "address", item->venue.address);
		jout_raw(out, "capacity", amount >= 0 ? figure : "null");
	}
	jout_end(out);
}

static int list_kind(struct cli *cli, enum catalog_kind kind)
{
	struct catalog_list list = { .kind = kind, .limit = CATALOG_PAGE, .arena = &cli->arena };
	bool more = true;

	jout_object(&cli->out, NULL);
	jout_array(&cli->out, "items");
	while (more) {
		if (!catalog_list_run(cli, &list))
			return cli_refuse(cli);
		for (size_t i = 0; i < list.nitems; i++)
			print_item(cli, &list.items[i]);
		more = list.more && list.nitems > 0;
		if (more)
			snprintf(list.after, sizeof(list.after), "%s", catalog_item_id(&list.items[list.nitems - 1]));
	}
	jout_end(&cli->out);
	jout_end(&cli->out);
	return EXIT_OK;
}

static int save(struct cli *cli, const struct catalog_item *item)
{
	struct catalog_save save = { .next = *item, .actor = cli->actor, .arena = &cli->arena };

	if (!catalog_save_run(cli, &save))
		return cli_refuse(cli);
	print_item(cli, &save.next);
	return EXIT_OK;
}

/* ---- team ---- */

static int team_add_run(struct cli *cli)
{
	struct catalog_item item = { .kind = CATALOG_TEAM, .team = { .beds = -1, .active = true } };

	if (!cli_require(cli, "code", &item.team.code) || !cli_require(cli, "name", &item.team.name) ||
	    !cli_number(cli, "beds", 1, 1000, &item.team.beds))
		return cli_usage(cli);
	item.team.organisation = cli_option(cli, "organisation", 0);
	return save(cli, &item);
}

static int team_list_run(struct cli *cli)
{
	return list_kind(cli, CATALOG_TEAM);
}

/* ---- venue ---- */

static int venue_add_run(struct cli *cli)
{
	struct catalog_item item = { .kind = CATALOG_VENUE, .venue = { .capacity = -1, .active = true } };
	const char *typed;

	if (!cli_require(cli, "name", &item.venue.name) || !cli_require(cli, "unit", &typed) ||
	    !cli_number(cli, "capacity", 1, 100000, &item.venue.capacity))
		return cli_usage(cli);
	item.venue.address = cli_option(cli, "address", 0);
	struct unit_map *map = cli_load_units(cli);

	if (!map)
		return cli_refuse(cli);
	const struct unit *unit = cli_find_unit(cli, map, typed);

	item.venue.unit_id = unit ? arena_strdup(&cli->arena, unit->id) : NULL;
	unit_map_free(map);
	return item.venue.unit_id ? save(cli, &item) : cli_refuse(cli);
}

static int venue_list_run(struct cli *cli)
{
	return list_kind(cli, CATALOG_VENUE);
}

static const struct cli_option team_options[] = {
	{ "code", "CODE",
	  { "short and unique, as plan files name it", "ngắn, không trùng, như trong tệp kế hoạch" } },
	{ "name", "NAME", { "the team's name", "tên đội" } },
	{ "beds", "N", { "donors at the same time", "số giường hiến máu" } },
	{ "organisation", "NAME", { "whom it belongs to", "thuộc cơ quan nào" } },
	{ 0 }
};

static const struct cli_option venue_options[] = {
	{ "name", "NAME", { "the venue's name", "tên địa điểm" } },
	{ "unit", "UNIT", { "where it lies (id or name)", "thuộc đơn vị nào (mã hoặc tên)" } },
	{ "address", "TEXT", { "street and number", "địa chỉ" } },
	{ "capacity", "N", { "donors in one round", "số người hiến trong một đợt" } },
	{ 0 }
};

const struct cli_command catalog_commands[] = {
	{ .group = "team", .verb = "add",
	  .need = CLI_DATABASE, .options = team_options, .run = team_add_run,
	  .summary = { "add a collection team", "thêm đội tiếp nhận máu" } },
	{ .group = "team", .verb = "list",
	  .need = CLI_DATABASE, .run = team_list_run,
	  .summary = { "list the collection teams", "liệt kê các đội" } },
	{ .group = "venue", .verb = "add",
	  .need = CLI_DATABASE, .options = venue_options, .run = venue_add_run,
	  .summary = { "add a place where rounds are held", "thêm địa điểm tổ chức" } },
	{ .group = "venue", .verb = "list",
	  .need = CLI_DATABASE, .run = venue_list_run,
	  .summary = { "list the venues", "liệt kê các địa điểm" } },
	{ 0 }
};
