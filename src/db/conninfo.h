#ifndef DB_CONNINFO_H
#define DB_CONNINFO_H

#include <libpq-fe.h>

#include "db/db.h"

/*
 * What the connections of a lane are opened with. Of several hosts, one
 * attempt goes to one: libpq's own walk has no limit of time per host when it
 * does not block, so a host that swallows packets would hide the next.
 */
struct conninfo;

/* New. A string that libpq cannot read is found out by conninfo_start(). */
struct conninfo *conninfo_new(const struct db_options *options);
void conninfo_free(struct conninfo *conninfo);

unsigned conninfo_hosts(const struct conninfo *conninfo);        /* at least 1 */
/* Begins to connect, to host number attempt % hosts. NULL only without memory. */
PGconn *conninfo_start(const struct conninfo *conninfo, enum db_lane lane, unsigned attempt);

#endif
