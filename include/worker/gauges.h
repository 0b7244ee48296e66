#ifndef WORKER_GAUGES_H
#define WORKER_GAUGES_H

#include <stdatomic.h>
#include <stdint.h>

/*
 * What the jobs' thread lets the workers know, most of it for /metrics: numbers
 * that one thread writes and any thread reads. Instants are clock_mono_us().
 */
struct gauges {
	_Atomic int64_t audit_sealed;            /* position of the last sealed entry that was seen; 0: none */
	_Atomic int64_t audit_waiting_since_us;  /* when the oldest entry that is not sealed was written; 0: none is */
	_Atomic int64_t audit_read_us;           /* when the sealer last saw the chain, at first its start */
	_Atomic int64_t audit_stopped;           /* 1: the chain is not what it was, nothing is sealed */
	_Atomic int64_t time_told;               /* 1: what passed while nobody ran is in the service's time */
};

#endif
