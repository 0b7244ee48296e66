#include "cli/scope.h"

#include "domain/unit.h"
#include "store/catalog_store.h"

CLI_OPERATION(catalog_load)

enum { UNITS_MAX = 64 };

bool scope_read_role(struct cli *cli, enum role *role)
{
	const char *text;

	if (!cli_require(cli, "role", &text))
		return false;
	if (!role_parse(text, role))
		return error_set(&cli->error, ERR_CONFIG,
				 "\"%s\" is no role: gateway, team, hospital, comms, staff, auditor or admin",
				 "\"%s\" không phải vai trò: gateway, team, hospital, comms, staff, auditor hoặc admin",
				 text);
	return true;
}

bool scope_read_units(struct cli *cli, const char ***ids, size_t *count)
{
	struct unit_map *map;
	const char *typed;
	bool fine = true;

	if (!cli_has(cli, "unit"))
		return true;
	map = cli_load_units(cli);
	if (!map)
		return false;
	*ids = arena_alloc(&cli->arena, UNITS_MAX * sizeof(**ids));
	while (fine && *count < UNITS_MAX && (typed = cli_option(cli, "unit", (int)*count)) != NULL) {
		const struct unit *unit = cli_find_unit(cli, map, typed);

		fine = unit != NULL;
		if (fine)
			(*ids)[(*count)++] = arena_strdup(&cli->arena, unit->id);
	}
	unit_map_free(map);
	return fine;
}

bool scope_read_team(struct cli *cli, const char **id)
{
	const char *code = cli_option(cli, "team", 0);
	struct catalog_load load = { .kind = CATALOG_TEAM, .key = code, .arena = &cli->arena };

	if (!code)
		return true;
	if (!catalog_load_run(cli, &load)) {
		if (cli->error.code == ERR_NOT_FOUND)
			error_set(&cli->error, ERR_NOT_FOUND, "there is no team \"%s\"", "không có đội \"%s\"", code);
		return false;
	}
	*id = arena_strdup(&cli->arena, load.item.team.id);
	return true;
}
