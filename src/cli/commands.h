#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/cli.h"

/* One table per file, each ended by a zeroed row. */
extern const struct cli_command migrate_commands[], plan_commands[], propose_commands[], history_commands[],
	token_commands[], user_commands[], audit_commands[], audit_verify_commands[], audit_keys_commands[],
	audit_restart_commands[], catalog_commands[], config_commands[], keyring_commands[],
	rotate_commands[], replace_commands[], key_copy_commands[], doctor_commands[], backup_commands[],
	donors_commands[], erasure_commands[], eligibility_commands[], recompute_commands[], certificate_commands[];

#endif
