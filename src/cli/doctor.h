#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include "cli/cli.h"
#include "domain/doctor.h"

/* What of this machine `giothong doctor` looks at; texts live in the command's arena. */

/* Before the settings are read: the file itself and the service. */
void doctor_look_at_file(struct cli *cli, struct doctor_machine *machine);
/* When they are: keys, sockets, processes, disk. */
void doctor_look_at_machine(struct cli *cli, struct doctor_machine *machine);
/* The journal of erasures, which doctor_look_at_machine() found. False: it cannot be read. */
struct erasure_line;
bool doctor_read_journal(struct cli *cli, struct doctor_machine *machine, const struct erasure_line **lines, size_t *count);
/* Copies by "giothong backup", in the folder that --backups names or the one of giothong-backup.timer. */
void doctor_look_at_backups(struct cli *cli, struct doctor_machine *machine);
/* The disk under the database, whose first connection string is known by now. */
void doctor_look_at_disk(struct cli *cli, struct doctor_machine *machine);

#endif
