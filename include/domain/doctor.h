#ifndef DOMAIN_DOCTOR_H
#define DOMAIN_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/date.h"
#include "base/error.h"

/*
 * What an operator can get wrong, judged from facts that somebody else
 * gathered (src/cli/doctor_machine.c, store/doctor_store.h). Facts are counts,
 * names of settings and rights: no secret, no personal data, so none is in a
 * finding either.
 *
 * A part that could not be looked at says so (`known` false): its checks end
 * as HEALTH_SKIPPED, and something else says why.
 */
enum health {
	HEALTH_OK,
	HEALTH_NOTE,             /* it works; somebody should know or decide something */
	HEALTH_SKIPPED,          /* could not be looked at */
	HEALTH_WARNING,          /* it works, and should be put right */
	HEALTH_FAILURE,          /* it does not work, or will lose or show something */
	HEALTH_COUNT
};

struct finding {
	const char *name;        /* static and stable: "database.checksums" */
	enum health health;
	char        found[LANGUAGE_COUNT][1600];
	char        todo[LANGUAGE_COUNT][400];   /* "" where there is nothing to do */
};

/* ---- this machine ---- */

struct doctor_file {
	const char  *path;               /* NULL: none is used (--data) */
	bool         known;
	unsigned     mode;               /* permission bits */
	bool         of_stranger;        /* its owner is neither root nor whoever asks */
	bool         has_password;       /* in a connection string */
	struct error error;              /* of reading the settings; ERR_NONE: they were read */
};

enum { DOCTOR_MAX = 32 };                /* of each list; what is beyond is not looked at */

/* A key by its name, "hash-2"; of one that is at hand only name and fingerprint. */
struct doctor_key {
	const char *name, *state, *fingerprint;
	int         unchanged_days;
	int         lacking;             /* running daemons that do not have it */
};

struct doctor_keyring {
	const char       *dir;           /* "": none is set */
	bool              known;         /* false: this user may not look into it */
	struct error      error;         /* of opening it; ERR_NONE: it is complete */
	int               active[4];     /* ids by kind */
	struct doctor_key held[DOCTOR_MAX];
	size_t            nheld;
};

struct doctor_socket {
	const char *path;
	unsigned    mode;
	int         status;              /* of GET /readyz; 0: nobody listens, -1: this user may not ask */
};

struct doctor_process {                  /* a giothongd that runs here */
	long    pid;
	int64_t descriptors;             /* it may have; -1: no limit */
	bool    core_files;              /* it may leave one */
};

/* Copies by "giothong backup" in one folder. */
struct doctor_backups {
	const char *folder;
	bool        named;               /* by whoever asks: then this folder counts, and not what the record says */
	bool        known;               /* it could be read */
	const char *why;                 /* when it could not */
	int64_t     newest_age;          /* seconds; -1: there is none */
};

/* The journal of erasures. */
struct doctor_journal {
	const char *path;
	bool        unset;               /* beside keys that systemd hands over, where a daemon may not write */
	bool        known;               /* false: this user may not look at it */
	const char *why;                 /* nothing can be appended; NULL: it can */
	size_t      persons;
};

enum doctor_unit { UNIT_ABSENT, UNIT_DISABLED, UNIT_ENABLED };

struct doctor_machine {
	struct doctor_file     file;
	/* as the settings say; only when file.error is ERR_NONE */
	const char            *listen, *trusted_proxy, *public_url;
	bool                   insecure, private_cluster;
	int                    workers, read_connections, limits_connections;
	struct doctor_keyring  keyring;
	struct doctor_socket   sockets[DOCTOR_MAX];
	size_t                 nsockets;
	struct doctor_process  processes[DOCTOR_MAX];
	size_t                 nprocesses;
	bool                   clock_known, clock_synchronised;
	bool                   disk_known;
	const char            *disk_path;        /* of the database's files */
	int64_t                disk_free, disk_size;     /* bytes */
	int64_t                disk_free_files, disk_files;
	struct doctor_backups  backups;
	struct doctor_journal  journal;
	enum doctor_unit       unit;             /* giothong.target */
};

/* ---- the database, as the daemon's role sees it ---- */

struct doctor_setting { const char *name, *value; };

struct doctor_role {
	bool        known;
	const char *name;
	bool        superuser, create_role, create_database, replication, bypass_rls;
	bool        creates_in_schema, creates_schemas;      /* has DDL rights there */
	int         owned;                       /* tables that are its own */
	const char *memberships;                 /* other roles that it may act as: "a, b", or "" */
	int         connection_limit;            /* of the role or the database; -1: none */
};

enum {
	RIGHT_SELECT = 1, RIGHT_INSERT = 2, RIGHT_UPDATE = 4, RIGHT_DELETE = 8, RIGHT_TRUNCATE = 16,
	RIGHT_REFERENCES = 32, RIGHT_TRIGGER = 64
};

/* One table: what the role may do, and what the migrations gave it. SELECT and INSERT alone: append-only. */
struct doctor_table {
	const char *name;
	unsigned    rights, granted;
	int         update_columns, granted_columns;     /* columns that may be changed where RIGHT_UPDATE is not there */
};

struct doctor_daemon {
	const char *host, *version, *key_ids;
	int         seen_ago;                    /* seconds */
	const char *rules;                       /* edition of its rule set; NULL: it does not say */
};

struct doctor_database {
	bool                  reached;
	const char           *why[LANGUAGE_COUNT];       /* when it was not */
	struct error          schema;            /* ERR_NONE: it is the program's */
	bool                  settings_known;
	struct doctor_setting settings[DOCTOR_MAX];
	size_t                nsettings;
	int                   version;           /* server_version_num */
	const char           *encoding, *collation;
	int64_t               oldest_xid_age;    /* transactions */
	int64_t               clock_ahead_us;    /* of this machine's, less half the way there and back */
	struct doctor_role    role;
	bool                  rights_known;
	const struct doctor_table *tables;
	size_t                ntables;
	bool                  daemons_known;
	struct doctor_daemon  daemons[DOCTOR_MAX];   /* seen in the last day, newest first */
	size_t                ndaemons;
	bool                  keys_known;
	struct doctor_key     keys[DOCTOR_MAX];      /* as the database remembers them, newest first */
	size_t                nkeys;
	bool                  sealing_known;
	int64_t               unsealed;          /* entries older than what a sealer may leave for a moment */
	int64_t               unsealed_age;      /* seconds, of the oldest of them */
	bool                  backup_known;
	int64_t               backup_age;        /* seconds since a backup was noted in the record; -1: none was */
	int64_t               age;               /* of the schema, seconds */
	bool                  archiver_known;
	int64_t               archived_ago;      /* seconds; -1: nothing was */
	bool                  archive_fails;     /* the last failure is newer */
	int64_t               archive_failed_ago;
	const char           *archive_failed_file;
	bool                  erasures_known;
	int64_t               erasures_missing;  /* persons erased whom the journal lacks */
	int64_t               erasures_back;     /* records that the journal names and that are here */
	bool                  tokens_known;
	int                   tokens_ending;     /* within two weeks */
	int                   tokens_on_ended_units;     /* all units of their scope have ended */
	bool                  accounts_known;
	int                   accounts_on_ended_units;   /* that may log in, likewise */
	bool                  admins_known;
	int                   admins;            /* accounts of the role admin that may log in */
	int                   admins_password_alone;     /* of them, without a second factor */
	bool                  calendar_known;
	struct date           holidays_known_to; /* none: nothing is loaded */
	int                   rounds_on_ended_units;     /* rounds to come */
};

struct eligibility_rules;
struct honour_rules;
struct tariff;
struct doctor_facts {
	const char             *version;         /* of this program */
	const struct eligibility_rules *rules;   /* NULL: rules_error says why */
	struct error            rules_error;
	const struct tariff    *tariff;          /* of gifts; NULL: tariff_error says why */
	struct error            tariff_error;
	const struct honour_rules *honours;      /* the ladders; likewise */
	struct error            honours_error;
	struct error            forms_error;     /* of certificates; cleared: they can be read */
	struct date             today;
	struct doctor_machine   machine;
	struct doctor_database  database;
};

enum { DOCTOR_FINDINGS = 56 };

/* Every check in the order in which to read them; the number of findings. */
size_t doctor_judge(const struct doctor_facts *facts, struct finding out[DOCTOR_FINDINGS]);

/* "ok", "skipped", "warning", "failure". */
const char *health_text(enum health health);

#endif
