#ifndef APP_SETUP_H
#define APP_SETUP_H

#include <stdbool.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/error.h"
#include "config/config.h"
#include "db/db.h"
#include "db/migrate.h"

/*
 * What both programs do before their work: the common command line, the
 * settings, the keys, the private cluster, the schema. Main thread only.
 *
 *	setup_init(&setup, "giothongd");
 *	... setup_take_option() for each word ...
 *	setup_read(&setup, &err) && setup_open(&setup, SETUP_DAEMON, &err)
 *	...
 *	setup_release(&setup);
 */
struct cluster;
struct keyring;

enum { SETUP_MAX_OPTIONS = 64 };

/* Exit statuses of both programs. */
enum { EXIT_OK = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2 };

struct setup_option {
	const char *name;        /* without the dashes; borrowed */
	const char *value;       /* NULL for a switch */
};

struct setup {
	const char           *program;
	enum language         language;          /* of messages */
	bool                  help, version, routes;     /* were asked for */
	struct config         config;
	struct clock          clock;
	struct keyring       *keyring;
	struct cluster       *cluster;           /* NULL with --config */
	struct db_options     db;                /* of the daemon's role */
	struct migrate_report migrated;
	bool                  reference_changed;
	bool                  incomplete_keys;   /* a command that works without all keys that are in use */
	const char           *copy;              /* of SETUP_RESTORE: the folder of the PostgreSQL files */
	/* Asked while waiting: true ends the wait. NULL: never. */
	bool                (*interrupted)(void *context);
	void                 *context;
	bool                  keyless;           /* setup_open() leaves the keyring out */
	/* private */
	struct setup_option   options[SETUP_MAX_OPTIONS];
	size_t                noptions;
	const char           *config_file;
};

/* Who needs the database, and how. */
enum setup_mode {
	SETUP_DAEMON,            /* holds the lock of DIR, waits for a database that is not up yet */
	SETUP_COMMAND,           /* works beside a running daemon too */
	SETUP_MIGRATE,           /* changes the schema, also with --config */
	SETUP_LOOK,              /* changes nothing, and needs neither keys nor a schema */
	SETUP_RESTORE            /* --data alone: the cluster is made of `copy` */
};

void setup_init(struct setup *setup, const char *program);
void setup_release(struct setup *setup);         /* stops a cluster that is ours */

/*
 * Takes the common option at argv[at]; returns how many words it took, 0 when it
 * is not one of ours, -1 when it cannot be taken (and *err says why).
 */
int setup_take_option(struct setup *setup, int argc, char **argv, int at, struct error *err);
/* The lines of --help about the common options; the daemon has more of them. */
void setup_print_options(const struct setup *setup, bool daemon, FILE *out);

/* File, then command line, then what the settings say together. */
bool setup_read(struct setup *setup, struct error *err) __attribute__((warn_unused_result));
/* Whether --data or --config was given. */
bool setup_has_database(const struct setup *setup);
/* The file of --config, or NULL. */
const char *setup_config_file(const struct setup *setup);
/* Keys, cluster, schema. After it, setup.db, keyring and clock are ready. */
bool setup_open(struct setup *setup, enum setup_mode mode, struct error *err)
	__attribute__((warn_unused_result));

#endif
