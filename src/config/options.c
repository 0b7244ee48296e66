#include "config/options.h"

#include "config/config.h"

/* The _Generic makes a row whose member has another type fail to compile. */
#define MEMBER(m, type) _Generic(((struct config *)0)->m, type: offsetof(struct config, m))
#define TEXT(name, m, fallback, help) \
	{ name, OPTION_TEXT, MEMBER(m, char *), 0, 0, NULL, fallback, false, help }
#define CHOICE(name, m, choices, fallback, help) \
	{ name, OPTION_TEXT, MEMBER(m, char *), 0, 0, choices, fallback, false, help }
#define INT(name, m, min, max, fallback, help) \
	{ name, OPTION_INT, MEMBER(m, int), min, max, NULL, fallback, false, help }
#define BOOL(name, m, fallback, help) \
	{ name, OPTION_BOOL, MEMBER(m, bool), 0, 0, NULL, fallback, false, help }

const struct option config_options[] = {
	TEXT("listen.address", listen, "127.0.0.1:8080",
	     "where to serve: 127.0.0.1:8080, [::1]:8080 or unix:/run/giothong/http"),
	TEXT("listen.trusted_proxy", trusted_proxy, "",
	     "whose X-Forwarded-For is believed: an address, a network (10.0.0.0/8) or unix\n"
	     "needed to listen beyond this machine, since TLS ends at the proxy"),
	BOOL("listen.insecure", insecure, "no",
	     "listen beyond this machine without a proxy: everything is readable on the way"),
	INT("listen.drain_notice_ms", listen_drain_notice_ms, 0, 60000, "0",
	    "milliseconds from the word to stop to the end of serving; meanwhile /readyz says 503\n"
	    "behind a proxy: longer than two of its health checks, so that it sends nothing more"),
	TEXT("public.url", public_url, "",
	     "the address under which the public reaches this server: https://hienmau.example.vn\n"
	     "calendars and news need it for their links; without it calendars have none"),
	INT("workers.count", workers, 0, 256, "0", "event loops, one per thread; 0: half of the cores"),
	INT("workers.pool", pool_threads, 1, 64, "2", "threads for heavy work, such as passwords"),
	CHOICE("log.level", log_level, "error warning info debug", "info", "error, warning, info or debug"),
	TEXT("database.conninfo", database_conninfo, "",
	     "libpq connection string of the daemon's role; several hosts may be named:\n"
	     "host=db1,db2 dbname=giothong user=giothong_app passfile=/etc/giothong/pgpass"),
	TEXT("database.owner_conninfo", database_owner_conninfo, "",
	     "the same for the schema's owner; only \"giothong migrate\" uses it"),
	TEXT("database.backup_conninfo", database_backup_conninfo, "",
	     "the same for a role with REPLICATION; only \"giothong backup\" uses it\n"
	     "default: the owner's"),
	TEXT("database.role", database_role, "giothong_app",
	     "the daemon's role, which \"giothong migrate\" grants what it needs"),
	INT("database.queue", database_queue, 1, 100000, "1000",
	    "queries that may wait per worker and connection; more are answered 503"),
	INT("database.wait_ms", database_wait_ms, 0, 20000, "300",
	    "milliseconds that a query may have to wait for those before it, ten times as long for reports;\n"
	    "if it would be longer it is answered 503 at once; 0: no such limit"),
	INT("database.read_connections", database_read_connections, 1, 8, "2",
	    "connections per worker for short reads; a second one is used when the first has a slow one"),
	INT("database.read_ms", database_read_ms, 100, 20000, "5000",
	    "milliseconds until a short read is given up"),
	INT("database.write_ms", database_write_ms, 100, 20000, "8000",
	    "milliseconds until a write is given up"),
	INT("database.slow_ms", database_slow_ms, 100, 20000, "15000",
	    "milliseconds until a report is given up"),
	TEXT("keyring.dir", keyring_dir, "",
	     "folder of the secret keys, mode 0700, files 0600\n"
	     "default: DIR/keyring with --data DIR, else LoadCredential= of systemd, else /etc/giothong/keyring"),
	TEXT("erasure.journal", erasure_journal, "",
	     "file that names the donors who were erased, for restore; keep a copy as of the keys\n"
	     "default: erasures.journal beside the folder of keys"),
	INT("limits.connections", limits_connections, 1, 1000000, "20000",
	    "clients at a time; more wait to be accepted"),
	INT("limits.body", limits_body, 1024, 67108864, "1048576", "bytes of a request's body"),
	INT("limits.anonymous_per_minute", limits_anonymous_per_minute, 0, 10000000, "300",
	    "requests without a token per minute and address, but for what memory answers; 0: no limit"),
	INT("limits.token_per_minute", limits_token_per_minute, 0, 10000000, "6000",
	    "requests per minute and token; 0: no limit"),
	INT("limits.sms_per_minute", limits_sms_per_minute, 0, 10000000, "6000",
	    "messages per minute of one gateway; 0: no limit"),
	INT("limits.donors_per_minute", limits_donors_per_minute, 0, 10000000, "600",
	    "donors looked up or registered per minute and token; 0: no limit"),
	INT("limits.team_donors_per_minute", limits_team_donors_per_minute, 0, 10000000, "30",
	    "the same of a team's token: who steals it in the mountains must not read the registry with it"),
	INT("limits.checks_per_minute", limits_checks_per_minute, 0, 10000000, "60",
	    "certificates checked per minute and address, or token; 0: no limit"),
	INT("limits.packs_per_minute", limits_packs_per_minute, 0, 10000000, "12",
	    "round packs per minute and token: each opens the records of all who may not give; 0: no limit"),
	TEXT("certificates.form", certificates_form, "",
	     "where each part of a certificate is printed: a file like config/paper/certificate.form\n"
	     "default: that one"),
	TEXT("certificates.preprinted_form", certificates_preprinted_form, "",
	     "the same onto a form that is printed already, like config/paper/preprinted.form\n"
	     "default: that one"),
	TEXT("eligibility.rules", eligibility_rules, "vn-26-2013-tt-byt",
	     "who may give blood: a rule set of the program by its id, or a file by its path\n"
	     "see config/eligibility/README.md"),
	TEXT("gifts.tariff", gifts_tariff, "vn-hmtn",
	     "what donors receive: a tariff of the program by its id, or a file by its path\n"
	     "see config/tariffs/README.md"),
	TEXT("honours.ladders", honours_ladders, "vn-122-2017",
	     "which honours repeat donors are owed: ladders of the program by their id, or a file by its path\n"
	     "see config/honours/README.md"),
	INT("limits.logins_per_minute", limits_logins_per_minute, 0, 10000000, "30",
	    "logins per minute and address; 0: no limit\n"
	    "how often one account may be tried is no setting: include/domain/login.h"),
	INT("sessions.idle_minutes", sessions_idle_minutes, 1, 1440, "30", "a session ends when it was not used for so long"),
	INT("sessions.hours", sessions_hours, 1, 168, "12", "a session ends so long after the login in any case"),
	INT("booking.slot_minutes", booking_slot_minutes, 5, 480, "30",
	    "places in a round are given by the hour: how long one slot is"),
	INT("booking.minutes_per_donor", booking_minutes_per_donor, 5, 240, "20",
	    "how long one donor holds a bed; with the beds of the team it limits the places of a slot"),
	INT("booking.walk_in_percent", booking_walk_in_percent, 0, 100, "20",
	    "of a round's places, kept for people who come without a booking"),
	INT("booking.release_hours", booking_release_hours, 0, 720, "18",
	    "seats that a group holds go back so long before their hour when nobody was named for them"),
	INT("booking.refill_minutes", booking_refill_minutes, 0, 10080, "120",
	    "who waits for a place is given none that begins sooner"),
	TEXT("sms.signature", sms_signature, "", "ends an SMS where there is room, such as: CTD Lai Chau"),
#ifdef GIOTHONG_TEST_SEAMS
	{ "test.now", OPTION_TEXT, MEMBER(test_now, char *), 0, 0, NULL, "", true,
	  "RFC 3339: the wall clock starts there" },
#endif
	{ 0 }
};
