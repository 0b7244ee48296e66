#ifndef DB_SESSION_H
#define DB_SESSION_H

#include "db/db.h"

/*
 * A db with a loop of its own, for start-up and commands, which do one thing
 * after the other and may block: use it with db_run(). Holds one lane and is
 * patient: a query has a minute.
 */
struct db_session;

struct db_session *db_session_open(const char *conninfo, enum db_lane lane);
struct db *db_session_db(struct db_session *session);
void db_session_close(struct db_session *session);       /* NULL is fine */

#endif
