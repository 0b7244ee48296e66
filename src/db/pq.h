#ifndef DB_PQ_H
#define DB_PQ_H

#include <libpq-fe.h>

#include "base/fault.h"

/*
 * The calls of libpq that can fail, each with its fault point (base/fault.h).
 * Without the test seams they are these calls and nothing else.
 */

static inline PGconn *pq_connect_start(const char *const *keywords, const char *const *values)
{
	return FAULT(FAULT_PQ_CONNECT) ? NULL : PQconnectStartParams(keywords, values, 1);
}

static inline PostgresPollingStatusType pq_connect_poll(PGconn *conn)
{
	return FAULT(FAULT_PQ_POLL) ? PGRES_POLLING_FAILED : PQconnectPoll(conn);
}

static inline bool pq_enter_pipeline(PGconn *conn)
{
	return !FAULT(FAULT_PQ_MODE) && PQsetnonblocking(conn, 1) == 0 && PQenterPipelineMode(conn) == 1;
}

static inline bool pq_send_prepare(PGconn *conn, const char *name, const char *sql)
{
	return !FAULT(FAULT_PQ_PREPARE) && PQsendPrepare(conn, name, sql, 0, NULL) == 1;
}

/* Parameters are text but where `formats` has a 1. */
static inline bool pq_send_query(PGconn *conn, const char *name, int nparams, const char *const *params, const int *sizes,
				 const int *formats)
{
	return !FAULT(FAULT_PQ_QUERY) &&
	       PQsendQueryPrepared(conn, name, nparams, params, sizes, formats, 0) == 1;
}

/* The Sync that "failed" has gone out all the same: what stands before it will be committed. */
static inline bool pq_sync(PGconn *conn)
{
	bool sent = PQpipelineSync(conn) == 1;

	return sent && !FAULT(FAULT_PQ_SYNC);
}

/* 0: all is sent; 1: the socket takes no more for now; -1: the connection is broken. */
static inline int pq_flush(PGconn *conn)
{
	if (FAULT(FAULT_PQ_FLUSH))
		return -1;
	return FAULT(FAULT_PQ_FLUSH_SHORT) ? 1 : PQflush(conn);
}

static inline bool pq_consume(PGconn *conn)
{
	return !FAULT(FAULT_PQ_CONSUME) && PQconsumeInput(conn) == 1;
}

static inline PGresult *pq_get_result(PGconn *conn)
{
	if (FAULT(FAULT_PQ_NULL))
		return NULL;
	return FAULT(FAULT_PQ_RESULT) ? PQmakeEmptyPGresult(conn, PGRES_FATAL_ERROR) : PQgetResult(conn);
}

/* ---- those that wait, for start-up and commands ---- */

static inline PGconn *pq_connect(const char *const *keywords, const char *const *values)
{
	return FAULT(FAULT_PQ_CONNECT) ? NULL : PQconnectdbParams(keywords, values, 1);
}

static inline PGresult *pq_exec(PGconn *conn, const char *sql)
{
	return FAULT(FAULT_PQ_EXEC) ? PQmakeEmptyPGresult(conn, PGRES_FATAL_ERROR) : PQexec(conn, sql);
}

/* Parameters and results are text but where `formats` has a 1. */
static inline PGresult *pq_exec_params(PGconn *conn, const char *sql, int nparams, const char *const *values,
				       const int *lengths, const int *formats)
{
	return FAULT(FAULT_PQ_EXEC) ? PQmakeEmptyPGresult(conn, PGRES_FATAL_ERROR)
				    : PQexecParams(conn, sql, nparams, NULL, values, lengths, formats, 0);
}

static inline char *pq_escape_identifier(PGconn *conn, const char *text, size_t len)
{
	return FAULT(FAULT_PQ_EXEC) ? NULL : PQescapeIdentifier(conn, text, len);
}

#endif
