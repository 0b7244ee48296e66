#ifndef DOMAIN_BACKUP_H
#define DOMAIN_BACKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What a backup says of itself: the file backup.json beside the copied
 * cluster, and the names of backups in one folder. No secrets.
 */
struct backup {
	int64_t     made_us;             /* when it began: everything committed before is in it */
	const char *program;             /* version of Giọt Hồng */
	const char *postgres;            /* version of the server */
	const char *system_identifier;   /* of the cluster it is a copy of */
	int64_t     schema;              /* number of the newest migration */
	/* The end of the sealed audit when it began; 0 and NULL: nothing was sealed. */
	int64_t     sealed_position;
	const char *sealed_hash;         /* 64 hexadecimal digits */
};

/* "giothong-20261121T084500Z": by its time, so that the order of names is that of time. */
enum { BACKUP_NAME_SIZE = 32 };
void backup_name(int64_t made_us, char out[BACKUP_NAME_SIZE]);
/* Whether it is such a name. One that is still being made has another. */
bool backup_name_is(const char *name);
/* When it was made, by such a name; INT64_MIN: at no time that is one. */
int64_t backup_name_time(const char *name);
/*
 * `names` of a folder (any order, sorted here) of which `keep` stay: the one
 * just made, whatever the clock says, and the newest others. Returns how many
 * are to go; they stand first.
 */
size_t backup_expired(const char **names, size_t count, const char *made, size_t keep);

#endif
