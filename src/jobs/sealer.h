#ifndef JOBS_SEALER_H
#define JOBS_SEALER_H

/*
 * Puts committed audit entries into the chain, a second or so after their
 * commit, and signs where the chain stands every few seconds in which it grew.
 * Each daemon has one; the database lets one of them seal at a time, and who
 * comes second reads again.
 *
 * It never builds on a chain that is not what it saw before: when the place it
 * knows (at the start the newest checkpoint) is gone or holds another hash, it
 * stops, says so in the log and in /metrics, and goes on only behind a restart
 * entry (crypto/audit_chain.h).
 */
struct gauges;
struct sealer;
struct worker;

struct sealer *sealer_new(struct worker *worker, struct gauges *gauges);
/* Once a second. */
void sealer_tick(struct sealer *sealer);
/* After worker_close_db(). */
void sealer_free(struct sealer *sealer);

#endif
