#ifndef CLI_SCOPE_H
#define CLI_SCOPE_H

#include "cli/cli.h"

/* What a token or a user is for: --unit UNIT (again and again) and --team CODE, as ids in the command's arena. */
bool scope_read_units(struct cli *cli, const char ***ids, size_t *count);
bool scope_read_team(struct cli *cli, const char **id);
/* --role ROLE. */
bool scope_read_role(struct cli *cli, enum role *role);

#define SCOPE_OPTIONS \
	{ "unit", "UNIT", { "only this unit (id or name); may be given again", \
			    "chỉ đơn vị này (mã hoặc tên); có thể lặp lại" } }, \
	{ "team", "CODE", { "the team whose rounds are its own", "đội có các đợt là của mình" } }

#endif
