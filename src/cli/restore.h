#ifndef CLI_RESTORE_H
#define CLI_RESTORE_H

/* The two things in a backup's folder. */
#define BACKUP_FILE     "backup.json"
#define BACKUP_POSTGRES "postgres"

struct cli;

/* `giothong restore BACKUP`. */
int restore_run(struct cli *cli);

#endif
