#ifndef WIRE_BACKUP_WIRE_H
#define WIRE_BACKUP_WIRE_H

#include <stdbool.h>
#include <stddef.h>

#include "domain/backup.h"

struct arena;
struct error;
struct json_out;

/* backup.json. A file of a later format is refused. Texts are in the arena. */
void backup_write(struct json_out *out, const struct backup *backup);
bool backup_read(const char *text, size_t len, struct arena *arena, struct backup *backup, struct error *err);

#endif
