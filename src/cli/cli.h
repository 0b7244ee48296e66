#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include <event2/event_struct.h>

#include "app/setup.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/json_out.h"
#include "base/memory.h"
#include "domain/round.h"
#include "store/store.h"

/*
 * One administrator's command: its words, its options, its way to the
 * database. A command is a row of a table (src/cli/commands.h) and a function
 * that returns the exit status.
 */
struct db;
struct event_base;
struct unit;
struct unit_map;

enum { CLI_MAX_ARGUMENTS = 8, CLI_MAX_OPTIONS = 64, CLI_SIGNALS = 3 };

struct cli_option {
	const char *name;                /* without the dashes; NULL ends a list */
	const char *value;               /* what it takes; NULL: a switch */
	const char *help[LANGUAGE_COUNT];
};

enum cli_need {
	CLI_NOTHING,             /* no settings, no database */
	CLI_SETTINGS,            /* --data or --config, nothing opened yet: see cli_open() */
	CLI_DATABASE,
	CLI_KEYS,                /* the same; a key that is in use may be missing here */
	CLI_SCHEMA               /* may change the schema */
};

struct cli;
struct cli_command {
	const char              *group, *verb;   /* "plan", "import"; verb NULL: the group is the command */
	const char              *arguments;      /* "FILE"; NULL: none */
	int                      nmin, nmax;
	enum cli_need            need;
	const char              *keyless_with;   /* an option with which it needs no keyring; NULL: it always does */
	const struct cli_option *options;        /* NULL: none of its own */
	const char              *summary[LANGUAGE_COUNT];
	int                    (*run)(struct cli *cli);
};

struct cli {
	struct setup              *setup;
	const struct cli_command  *command;
	const char                *group;        /* of a command that there is not: whose help is to be read */
	bool                       json;
	const char                *arguments[CLI_MAX_ARGUMENTS];
	int                        narguments;
	struct {
		const char *name, *value;
	}                          options[CLI_MAX_OPTIONS];
	int                        noptions;
	/* what most commands need; made before run() */
	struct arena               arena;
	struct event_base         *base;
	struct event               signals[CLI_SIGNALS];
	bool                       interrupted;
	struct db                 *db;
	struct store               store;
	struct actor               actor;
	struct error               error;
	struct buf                 buf;          /* of `out` */
	struct json_out            out;          /* --json: what goes to standard output */
};

/* ---- the command line ---- */

/* The nth value of an option that was given, from 0; NULL when there is none. A switch gives "". */
const char *cli_option(const struct cli *cli, const char *name, int nth);
bool cli_has(const struct cli *cli, const char *name);
/* An option that must be there. False and *error otherwise; return cli_usage() then. */
bool cli_require(struct cli *cli, const char *name, const char **value);
/* An option that is a whole number from min to max; *out stays as it is when it was not given. */
bool cli_number(struct cli *cli, const char *name, long min, long max, int *out);
/* cli->error said on standard error with the usage line; EXIT_USAGE. */
int cli_usage(struct cli *cli);

/* ---- saying ---- */

/* Formatted in the reader's language, on standard output; nothing with --json. */
void cli_say(const struct cli *cli, const char *en, const char *vi, ...)
	__attribute__((format(printf, 2, 4), format(printf, 3, 4)));
/* cli->error, on standard error (and as JSON with --json); EXIT_REFUSED. */
int cli_refuse(struct cli *cli);
/* One of two words by the reader's language. */
const char *cli_word(const struct cli *cli, const char *en, const char *vi);

/* "1 round", "18 rounds"; in Vietnamese "18 đợt". */
const char *cli_rounds(struct cli *cli, size_t count);
/* A status as the reader calls it; machines read the English one in --json. */
const char *cli_status(const struct cli *cli, enum round_status status);
const char *cli_fact(const struct cli *cli, enum fact_status status);
/* For "%-*s": so many columns, whatever the bytes of the text. */
int cli_columns(const char *text, int columns);

/* ---- working ---- */

/* The whole file, NUL-terminated, in the arena. */
bool cli_read_file(struct cli *cli, const char *path, const char **text, size_t *len);
/* The units of the province; the caller frees. NULL and cli->error. */
struct unit_map *cli_load_units(struct cli *cli);
/*
 * The one unit of today that is so named (or any by id); borrowed from map. NULL and cli->error, which
 * says of a name that ended when it did and what took its place.
 */
const struct unit *cli_find_unit(struct cli *cli, const struct unit_map *map, const char *typed);

/* Keys, database and schema by way of `mode`, then a connection. False and cli->error. */
bool cli_open(struct cli *cli, enum setup_mode mode);

/* The loop of the command, on which signals only end the work: the cluster is closed in any case. */
void cli_start_loop(struct cli *cli);
void cli_free_loop(struct cli *cli);
/* Asked between blocking steps. False and cli->error when a signal came. */
bool cli_goes_on(struct cli *cli);
/* The same after `ms`, or as soon as a signal came. */
bool cli_pause(struct cli *cli, int ms);

/* The way to the database of setup.db, once setup is open, and a place for a donor's key (both are the command's). False and cli->error when it does not answer. */
bool cli_connect(struct cli *cli);

/*
 * Store operations end on the loop; a command waits for each. CLI_OPERATION(x)
 * defines x_run(cli, op) for a `struct x` with x_send().
 */
void cli_wait(struct cli *cli);
void cli_finished(void);

#define CLI_OPERATION(name)								\
	static void name##_finished(struct name *op)					\
	{										\
		(void)op;								\
		cli_finished();								\
	}										\
	/* Sends it and waits. False and cli->error when it failed. */			\
	static bool name##_run(struct cli *cli, struct name *op)			\
	{										\
		if (!cli_goes_on(cli))							\
			return false;							\
		op->done = name##_finished;						\
		name##_send(&cli->store, op);						\
		cli_wait(cli);								\
		cli->error = op->error;							\
		return op->error.code == ERR_NONE;					\
	}

#endif
