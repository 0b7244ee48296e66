#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/*
 * The settings of both programs. One table (config_options) gives names,
 * parsing, ranges, defaults, --help and the sample file config/giothong.ini.
 * Read once, const ever after. Secrets are options that name a file.
 */
struct error;

struct config {
	/* where */
	char *data_dir;              /* --data: the private cluster; NULL with --config */
	char *listen;                /* "127.0.0.1:8080", "[::1]:8080", "unix:/run/giothong/http" */
	char *trusted_proxy;         /* CIDR or "unix"; "" none */
	bool  insecure;              /* --insecure: listen beyond loopback without a proxy */
	int   listen_drain_notice_ms;        /* serving goes on that long after the word to stop */
	char *public_url;            /* "https://hienmau.example.vn", no slash at the end; "" not known */
	int   workers;               /* 0: max(1, cores / 2) */
	int   pool_threads;          /* for heavy CPU work */
	char *log_level;             /* error, warning, info, debug */
	/* database */
	char *database_conninfo;     /* the daemon's role */
	char *database_owner_conninfo;       /* only `giothong migrate` uses it */
	char *database_backup_conninfo;      /* only `giothong backup` uses it; "" the owner's */
	char *database_role;         /* the daemon's role, which migrations grant to */
	int   database_queue;        /* queries waiting per lane and worker */
	int   database_wait_ms;      /* that a query may have to wait behind others; 0: any time */
	int   database_read_connections;     /* per worker */
	int   database_read_ms, database_write_ms, database_slow_ms;
	/* keys */
	char *erasure_journal;       /* "": beside the keyring */
	char *keyring_dir;           /* "": DIR/keyring with --data, else $CREDENTIALS_DIRECTORY */
	/* limits */
	int   limits_connections;    /* of the whole daemon */
	int   limits_body;           /* bytes */
	int   limits_anonymous_per_minute;   /* per address, answers not served from memory */
	int   limits_token_per_minute;       /* per token */
	int   limits_sms_per_minute;         /* per gateway token */
	int   limits_donors_per_minute;      /* look-ups and registrations, per token */
	int   limits_team_donors_per_minute; /* the same of a team's token */
	int   limits_packs_per_minute;       /* round packs, per token */
	int   limits_checks_per_minute;      /* certificates checked, per address or token */
	char *certificates_form, *certificates_preprinted_form;  /* path, or "": as built in */
	char *eligibility_rules;     /* id of a rule set, or a path with a '/' */
	char *gifts_tariff, *honours_ladders;    /* likewise, of a tariff and of ladders */
	int   limits_logins_per_minute;      /* per address */
	/* people */
	int   sessions_idle_minutes, sessions_hours;
	int   booking_slot_minutes, booking_minutes_per_donor, booking_walk_in_percent, booking_release_hours, booking_refill_minutes;
	/* texts */
	char *sms_signature;         /* ends an SMS where there is room; "" none */
	/* tests only (builds with GIOTHONG_TEST_SEAMS) */
	char *test_now;              /* RFC 3339: the wall clock starts there */
};

/* All defaults. */
void config_init(struct config *config);
void config_release(struct config *config);

/* An ini file: unknown sections and names, bad values and ranges are refused with file and line. */
bool config_read_file(struct config *config, const char *path, struct error *err)
	__attribute__((warn_unused_result));
/* One "section.name" = value, as from the command line. */
bool config_set(struct config *config, const char *name, const char *value, struct error *err)
	__attribute__((warn_unused_result));
/* What the single values cannot tell: combinations, files. Fills in defaults that depend on others. */
bool config_check(struct config *config, struct error *err) __attribute__((warn_unused_result));

/* The table as the commented sample file, and as lines for --help. */
void config_print_sample(FILE *out);
void config_print_help(FILE *out);

#endif
