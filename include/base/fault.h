#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The fault seam: in builds with GIOTHONG_TEST_SEAMS, what hardly ever fails
 * can be made to fail, so that the paths behind it are walked. In all other
 * builds the macros are constants and nothing of this is compiled
 * (tests/lint/seams looks).
 *
 *	GIOTHONG_FAULT_SEED=N[:RATE]   at random: about one fault in RATE (400) calls of a usual
 *	                               point; 0 is no seed. Each thread draws from a generator of
 *	                               its own, made from the seed and the thread's number, so a
 *	                               thread that does the same calls meets the same faults.
 *	GIOTHONG_FAULT_AT=N            the N-th call of any point, counted over all threads, fails,
 *	                               and no other: "each in turn" is a loop over N.
 *	GIOTHONG_FAULT_POINTS=A,B,...  only these points; "pq_*" names all that begin so,
 *	                               "-xmalloc" takes one away again
 *
 * The log has `fault_seam` with the settings at the start and
 * `fault_injected point=... thread=... n=...` for every fault.
 *
 * A point that fails does what the thing behind it does when it fails: it
 * returns NULL, 0 or -1 with errno, or less than was asked for.
 */
enum fault_point {
	FAULT_XMALLOC,           /* base/memory.h: the process aborts, which is its contract */
	FAULT_JSON,              /* memory for a whole JSON body */
	FAULT_ZLIB,              /* each allocation of zlib */
	FAULT_CSV,               /* each allocation of libcsv */
	FAULT_EVENT,             /* a socket cannot be watched: event_add() */
	FAULT_PQ_CONNECT,        /* PQconnectStartParams(), PQconnectdbParams() */
	FAULT_PQ_POLL,           /* PQconnectPoll() */
	FAULT_PQ_MODE,           /* PQsetnonblocking(), PQenterPipelineMode() */
	FAULT_PQ_PREPARE,        /* PQsendPrepare() */
	FAULT_PQ_QUERY,          /* PQsendQueryPrepared() */
	FAULT_PQ_SYNC,           /* PQpipelineSync(), after it was done */
	FAULT_PQ_FLUSH,          /* PQflush() fails */
	FAULT_PQ_FLUSH_SHORT,    /* PQflush() says that the socket takes no more */
	FAULT_PQ_CONSUME,        /* PQconsumeInput() */
	FAULT_PQ_RESULT,         /* PQgetResult() gives an error of libpq's own */
	FAULT_PQ_NULL,           /* PQgetResult() gives NULL before its time */
	FAULT_PQ_EXEC,           /* PQexec(), PQexecParams(), PQescapeIdentifier() */
	FAULT_ACCEPT,            /* accept4() */
	FAULT_RECV,              /* recv() */
	FAULT_RECV_SHORT,        /* ... gives a few bytes only */
	FAULT_SEND,              /* send() */
	FAULT_SEND_SHORT,        /* ... takes a few bytes only */
	FAULT_POINT_COUNT
};

#ifdef GIOTHONG_TEST_SEAMS

/* Whether the thing at this point fails now. */
#define FAULT(point) __builtin_expect(fault_strikes(point), 0)
/* The same, with errno set to one of the numbers. */
#define FAULT_ERRNO(point, ...) \
	__builtin_expect(fault_strikes_errno(point, (const int[]){ __VA_ARGS__, 0 }), 0)
/* size, or less when the point strikes; never 0 unless size is. */
#define FAULT_SHORT(point, size) fault_shorten(point, size)
/* The calling thread's number for its generator. Threads that say nothing are numbered from 1000. */
#define FAULT_THREAD(number) fault_thread(number)

bool fault_strikes(enum fault_point point);
bool fault_strikes_errno(enum fault_point point, const int *numbers);
size_t fault_shorten(enum fault_point point, size_t size);
void fault_thread(int number);

/* For unit tests: from now on the n-th call (from 1; 0: none) among `points`, bits 1 << fault_point, fails. */
void fault_at(uint64_t n, uint64_t points);
/* The same at random, as the environment would say it; numbers the calling thread 0. */
void fault_at_random(uint64_t seed, uint64_t rate, uint64_t points);
/* Calls among these points since fault_at(n); 0 while n is 0. */
uint64_t fault_count(void);
const char *fault_point_name(enum fault_point point);

#else

#define FAULT(point) false
#define FAULT_ERRNO(point, ...) false
#define FAULT_SHORT(point, size) (size)
#define FAULT_THREAD(number) ((void)0)

#endif

#endif
