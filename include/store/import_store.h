#ifndef STORE_IMPORT_STORE_H
#define STORE_IMPORT_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"
#include "db/db.h"
#include "domain/component.h"
#include "domain/donor.h"
#include "store/store.h"

/*
 * Old lists, a stretch of rows at a time. A stretch is one statement: its
 * donors, their donations as they were declared, the audit rows, and how far
 * the run has come; so a run that was killed goes on where it stopped, and two
 * that read one file do not write a row twice.
 *
 * store->donor_key must be there. Three steps: begin, then for each stretch
 * probe and write.
 */

/* The run of this file with this mapping: found, or begun now (audit "import.begin"). */
struct import_begin {
	const unsigned char *digest_of;  /* what tells the file and the mapping: a hash of both */
	size_t          digest_len;
	struct actor    actor;
	struct arena   *arena;
	/* out */
	char            id[UUID_TEXT_SIZE];
	int64_t         next_row;        /* 1 at first */
	int64_t         registered, donations;
	int64_t        *held;            /* rows, ascending */
	size_t          nheld;
	bool            finished;
	struct error    error;
	void          (*done)(struct import_begin *begin);
	struct db_query query;           /* private from here on */
	struct store   *store;
};
void import_begin_send(struct store *store, struct import_begin *begin);

struct import_row {
	int64_t        number;           /* in the file */
	struct donor   donor;            /* checked and normalised */
	struct date    donated_on;       /* none: the row tells of no donation */
	enum component component;
	int            volume_ml;        /* 0: not told */
	const struct import_row *same;   /* of IMPORT_DONATION: a row before it that is registered in the same stretch; NULL: `known` */
	/* out of the probe */
	char           known[UUID_TEXT_SIZE];    /* who has one of its numbers; "": nobody */
	char           also_known[UUID_TEXT_SIZE];       /* the same, but where its numbers are of several */
	bool           alike;            /* somebody has its whole name and birth year, its phone or its local paper */
};

/* Who of these is known? */
struct import_probe {
	struct import_row *rows;
	size_t          nrows;
	struct arena   *arena;
	struct error    error;
	void          (*done)(struct import_probe *probe);
	struct db_query query;           /* private from here on */
	struct store   *store;
};
void import_probe_send(struct store *store, struct import_probe *probe);

enum import_what {
	IMPORT_NOTHING,                  /* a fault, or nothing new */
	IMPORT_REGISTER,                 /* a new donor, and the donation if there is one */
	IMPORT_DONATION,                 /* a donation of `same`, or of `known` unless it is there */
	IMPORT_HOLD                      /* for a person */
};
/*
 * Writes a stretch. Audit "donor.register", "donation.declare". ERR_STALE: another run of this
 * file has come further; nothing was written. ERR_DONOR_EXISTS: somebody registered one of them meanwhile:
 * probe again.
 */
struct import_write {
	const char         *run;
	int64_t             from_row, next_row;          /* must be at from_row; is at next_row then. 0: rows that were held */
	bool                last;
	struct import_row  *rows;        /* out: ids, numbers, identifiers' ids of those registered */
	const enum import_what *what;    /* of each row */
	size_t              nrows;
	const char         *source;      /* of the donations */
	struct actor        actor;
	struct arena       *arena;
	int64_t             donations;   /* out: how many were not there */
	struct error        error;
	void              (*done)(struct import_write *write);
	struct db_query     query;       /* private from here on */
	struct store       *store;
};
void import_write_send(struct store *store, struct import_write *write);

#endif
