#include "db/session.h"

#include <event2/event.h>
#include <stdlib.h>

#include "base/memory.h"

enum { SESSION_DEADLINE_MS = 60000 };

struct db_session {
	struct event_base *base;
	struct db         *db;
};

struct db_session *db_session_open(const char *conninfo, enum db_lane lane)
{
	struct db_session *session = xcalloc(1, sizeof(*session));
	struct db_options options;

	db_options_init(&options);
	options.conninfo = conninfo;
	for (int i = 0; i < DB_LANE_COUNT; i++) {
		options.lanes[i] = i == (int)lane;
		options.deadline_ms[i] = SESSION_DEADLINE_MS;
	}
	session->base = event_base_new();
	if (!session->base)
		abort();
	session->db = db_new(session->base, &options);
	return session;
}

struct db *db_session_db(struct db_session *session)
{
	return session->db;
}

void db_session_close(struct db_session *session)
{
	if (!session)
		return;
	db_free(session->db);
	event_base_free(session->base);
	free(session);
}
