#include "domain/doctor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/memory.h"
#include "base/text.h"
#include "domain/eligibility_rules.h"
#include "domain/honour.h"
#include "domain/tariff.h"

enum { GB = 1 << 30 };

static struct doctor_table tables[] = {
	{ "audit_entry", RIGHT_SELECT | RIGHT_INSERT, RIGHT_SELECT | RIGHT_INSERT, 0, 0 },
	{ "round", RIGHT_SELECT | RIGHT_INSERT | RIGHT_UPDATE, RIGHT_SELECT | RIGHT_INSERT | RIGHT_UPDATE, 30, 0 },
	{ "access_token", RIGHT_SELECT | RIGHT_INSERT, RIGHT_SELECT | RIGHT_INSERT, 2, 2 },
};
static struct doctor_table fine_tables[ARRAY_SIZE(tables)];

static const struct doctor_setting good_settings[] = {
	{ "data_checksums", "on" }, { "fsync", "on" }, { "full_page_writes", "on" }, { "synchronous_commit", "on" },
	{ "log_statement", "none" }, { "log_min_duration_statement", "-1" }, { "log_parameter_max_length", "0" },
	{ "log_parameter_max_length_on_error", "0" }, { "log_error_verbosity", "terse" },
	{ "log_min_error_statement", "panic" }, { "max_connections", "100" },
	{ "superuser_reserved_connections", "3" }, { "autovacuum", "on" }, { "track_counts", "on" },
};

/* Nothing of it is left to be checked. */
static const struct eligibility_rules settled = {
	.edition = "good 1",
	.id = "settled", .number = "1/TT", .final_word = { .kind = RULE_FINAL_WORD, .id = "final_word" }
};

static struct gift_rule one_gift = { .rule = { .id = "gift", .from = { 2023, 1, 1 } } };
static const struct tariff settled_tariff = { .id = "gifts", .gifts = &one_gift, .ngifts = 1 };
static struct honour_step one_step = { .rule = { .id = "first.1", .from = { 2017, 9, 15 } }, .at = 1 };
static const struct honour_rules settled_honours = { .id = "ladders", .steps = &one_step, .nsteps = 1 };

/* A machine on which everything is as it should be. */
static struct doctor_facts healthy(void)
{
	struct doctor_facts facts = {
		.version = "0.3.1",
		.rules = &settled,
		.tariff = &settled_tariff,
		.honours = &settled_honours,
		.today = { 2026, 5, 20 },
		.machine = {
			.file = { .path = "/etc/giothong/giothong.ini", .known = true, .mode = 0640 },
			.listen = "127.0.0.1:8080",
			.trusted_proxy = "unix",
			.public_url = "https://hienmau.example.vn",
			.workers = 4,
			.read_connections = 2,
			.limits_connections = 20000,
			.keyring = { .dir = "/etc/giothong/keyring", .known = true, .active = { 1, 1, 1, 1 },
				     .held = { { .name = "hash-1", .fingerprint = "aa" }, { .name = "hash-2", .fingerprint = "bb" } },
				     .nheld = 2 },
			.sockets = { { "/run/giothong/1.sock", 0660, 200 }, { "/run/giothong/2.sock", 0660, 200 } },
			.nsockets = 2,
			.processes = { { 100, 65536, false }, { 101, -1, false } },
			.nprocesses = 2,
			.clock_known = true, .clock_synchronised = true,
			.disk_known = true, .disk_path = "/var/lib/postgresql",
			.disk_free = 50ll * GB, .disk_size = 100ll * GB,
			.disk_free_files = 900, .disk_files = 1000,
			.unit = UNIT_ENABLED,
			.backups = { .folder = "/var/backups/giothong", .known = true, .newest_age = 3600 * 20 },
			.journal = { .path = "/var/lib/giothong/erasures.journal", .known = true, .persons = 2 },
		},
		.database = {
			.reached = true,
			.settings_known = true,
			.nsettings = ARRAY_SIZE(good_settings),
			.version = 150020, .encoding = "UTF8", .collation = "C.UTF-8",
			.oldest_xid_age = 1000, .clock_ahead_us = 900,
			.role = { .known = true, .name = "giothong_app", .memberships = "", .connection_limit = -1 },
			.rights_known = true, .tables = tables, .ntables = ARRAY_SIZE(tables),
			.daemons_known = true,
			.daemons = { { "a", "0.3.1", "{1,1,1,1}", 3, "good 1" }, { "a", "0.3.1", "{1,1,1,1}", 4, "good 1" } },
			.ndaemons = 2,
			.keys_known = true,
			.keys = { { "hash-2", "active", "bb", 30, 0 }, { "hash-1", "retired", "aa", 700, 0 } },
			.nkeys = 2,
			.backup_known = true, .backup_age = 3600 * 20, .age = 86400 * 500,
			.erasures_known = true,
			.archiver_known = true, .archived_ago = -1, .archive_failed_ago = -1,
			.sealing_known = true, .tokens_known = true, .admins_known = true, .admins = 2,
			.admins_password_alone = 1, .accounts_known = true, .calendar_known = true,
			.holidays_known_to = { 2027, 12, 31 },
		},
	};

	memcpy(facts.database.settings, good_settings, sizeof(good_settings));
	memcpy(tables, fine_tables, sizeof(tables));
	return facts;
}

static const struct finding *find(const struct finding *findings, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (streq(findings[i].name, name))
			return &findings[i];
	fail_msg("there is no check %s", name);
	return NULL;
}

/* The check `name` ends as `health`, says what to do unless all is well, and (but for `others`) no other complains. */
static const struct finding *expect(const struct doctor_facts *facts, const char *name, enum health health,
				    bool others)
{
	static struct finding findings[DOCTOR_FINDINGS];
	size_t count = doctor_judge(facts, findings);
	const struct finding *finding = find(findings, count, name);

	if (finding->health != health)
		fail_msg("%s is %s: %s", name, health_text(finding->health), finding->found[LANGUAGE_EN]);
	for (size_t i = 0; i < count; i++) {
		const struct finding *one = &findings[i];

		assert_true(*one->found[LANGUAGE_EN] && *one->found[LANGUAGE_VI]);
		assert_true(text_valid_utf8(one->found[LANGUAGE_VI], strlen(one->found[LANGUAGE_VI])));
		assert_true(!*one->todo[LANGUAGE_EN] == !*one->todo[LANGUAGE_VI]);
		if (one->health > HEALTH_SKIPPED)
			assert_true(*one->todo[LANGUAGE_EN]);
		else if (one->health == HEALTH_OK)
			assert_false(*one->todo[LANGUAGE_EN]);
		if (!others && one != finding && one->health > HEALTH_SKIPPED)
			fail_msg("%s complains too: %s", one->name, one->found[LANGUAGE_EN]);
	}
	return finding;
}

static void all_is_well(void **state)
{
	struct doctor_facts facts = healthy();
	struct finding findings[DOCTOR_FINDINGS];
	size_t count = doctor_judge(&facts, findings);

	(void)state;
	assert_int_equal(count, 43);
	for (size_t i = 0; i < count; i++)
		if (findings[i].health != HEALTH_OK)
			fail_msg("%s: %s", findings[i].name, findings[i].found[LANGUAGE_EN]);
}

static void set(struct doctor_facts *facts, const char *name, const char *value)
{
	for (size_t i = 0; i < facts->database.nsettings; i++)
		if (streq(facts->database.settings[i].name, name)) {
			facts->database.settings[i].value = value;
			return;
		}
	facts->database.settings[facts->database.nsettings++] = (struct doctor_setting){ name, value };
}

/* ---- one change, one check ---- */

#define BREAKS(what, check, worst) \
	do { \
		struct doctor_facts facts = healthy(); \
		struct doctor_machine *machine = &facts.machine; \
		struct doctor_database *database = &facts.database; \
		(void)machine, (void)database; \
		what; \
		expect(&facts, check, worst, false); \
	} while (0)

static void the_settings(void **state)
{
	(void)state;
	BREAKS(machine->file.mode = 0660, "settings.file", HEALTH_FAILURE);
	BREAKS(machine->file.mode = 0642, "settings.file", HEALTH_FAILURE);
	BREAKS(machine->file.mode = 0644, "settings.file", HEALTH_OK);
	BREAKS(machine->file.of_stranger = true, "settings.file", HEALTH_FAILURE);
	BREAKS((machine->file.has_password = true, machine->file.mode = 0644), "settings.file", HEALTH_FAILURE);
	BREAKS(machine->file.has_password = true, "settings.file", HEALTH_OK);
	BREAKS(machine->insecure = true, "settings.listener", HEALTH_WARNING);
	BREAKS(machine->trusted_proxy = "0.0.0.0/0", "settings.listener", HEALTH_FAILURE);
	BREAKS(machine->trusted_proxy = "::/0", "settings.listener", HEALTH_FAILURE);
	BREAKS(machine->trusted_proxy = "10.0.0.0/8", "settings.listener", HEALTH_WARNING);
	BREAKS((machine->trusted_proxy = "10.0.0.0/8", machine->nsockets = 0), "settings.listener", HEALTH_OK);
	BREAKS(machine->nsockets = 0, "settings.listener", HEALTH_OK);
	BREAKS((machine->nsockets = 0, machine->unit = UNIT_ABSENT), "settings.listener", HEALTH_WARNING);
	BREAKS((machine->nsockets = machine->nprocesses = 0, machine->unit = UNIT_ABSENT), "settings.listener", HEALTH_OK);
	BREAKS((machine->nsockets = 0, machine->listen = "unix:/x"), "settings.listener", HEALTH_OK);
	BREAKS(machine->trusted_proxy = "", "settings.listener", HEALTH_WARNING);
	BREAKS((machine->trusted_proxy = "", machine->nsockets = 0), "settings.listener", HEALTH_OK);
	BREAKS((machine->trusted_proxy = "", machine->nsockets = 0, machine->listen = "unix:/x"), "settings.listener",
	       HEALTH_WARNING);
	BREAKS(machine->public_url = "", "settings.public", HEALTH_WARNING);
	BREAKS((machine->public_url = "", machine->unit = UNIT_ABSENT), "settings.public", HEALTH_WARNING);
	BREAKS((machine->public_url = "", machine->unit = UNIT_ABSENT, machine->nsockets = 0, machine->trusted_proxy = ""),
	       "settings.public", HEALTH_SKIPPED);
}

static void the_machine(void **state)
{
	(void)state;
	BREAKS(error_set(&machine->keyring.error, ERR_CONFIG, "lost", "mất"), "keyring", HEALTH_FAILURE);
	BREAKS(machine->keyring.known = false, "keyring", HEALTH_SKIPPED);
	BREAKS(machine->keyring.dir = "", "keyring", HEALTH_SKIPPED);
	BREAKS(machine->unit = UNIT_DISABLED, "machine.start", HEALTH_WARNING);
	BREAKS(machine->unit = UNIT_ABSENT, "machine.start", HEALTH_SKIPPED);
	BREAKS(machine->sockets[1].status = 0, "machine.sockets", HEALTH_FAILURE);
	BREAKS(machine->sockets[1].status = 503, "machine.sockets", HEALTH_FAILURE);
	BREAKS(machine->sockets[1].status = -1, "machine.sockets", HEALTH_SKIPPED);
	BREAKS(machine->sockets[0].mode = 0666, "machine.sockets", HEALTH_WARNING);
	BREAKS(machine->sockets[0].mode = 0600, "machine.sockets", HEALTH_WARNING);
	BREAKS(machine->nsockets = 0, "machine.sockets", HEALTH_SKIPPED);
	BREAKS(machine->processes[0].descriptors = 20000 + 16 * 5 + 64 - 1, "machine.descriptors", HEALTH_WARNING);
	BREAKS(machine->processes[0].descriptors = 20000 + 16 * 5 + 64, "machine.descriptors", HEALTH_OK);
	BREAKS(machine->nprocesses = 0, "machine.descriptors", HEALTH_SKIPPED);
	BREAKS(machine->processes[1].core_files = true, "machine.core_files", HEALTH_WARNING);
	BREAKS(machine->clock_synchronised = false, "machine.clock", HEALTH_WARNING);
	BREAKS(machine->clock_known = false, "machine.clock", HEALTH_SKIPPED);
	BREAKS(machine->disk_free = 9ll * GB, "machine.disk", HEALTH_WARNING);
	BREAKS(machine->disk_free = 10ll * GB, "machine.disk", HEALTH_OK);
	BREAKS(machine->disk_free = GB, "machine.disk", HEALTH_FAILURE);
	BREAKS((machine->disk_free = GB / 4, machine->disk_size = GB), "machine.disk", HEALTH_FAILURE);
	BREAKS(machine->disk_free_files = 15, "machine.disk", HEALTH_FAILURE);
	BREAKS(machine->disk_known = false, "machine.disk", HEALTH_SKIPPED);
	BREAKS((machine->disk_files = 0, machine->disk_free_files = 0), "machine.disk", HEALTH_OK);
}

static void the_server(void **state)
{
	(void)state;
	BREAKS(database->version = 140099, "database.version", HEALTH_FAILURE);
	BREAKS(database->encoding = "LATIN1", "database.encoding", HEALTH_FAILURE);
	BREAKS(database->collation = "vi_VN.UTF-8", "database.encoding", HEALTH_WARNING);
	BREAKS(database->collation = "C", "database.encoding", HEALTH_OK);
	BREAKS(set(&facts, "data_checksums", "off"), "database.checksums", HEALTH_WARNING);
	BREAKS(set(&facts, "fsync", "off"), "database.durability", HEALTH_FAILURE);
	BREAKS(set(&facts, "full_page_writes", "off"), "database.durability", HEALTH_FAILURE);
	BREAKS(set(&facts, "synchronous_commit", "off"), "database.durability", HEALTH_FAILURE);
	BREAKS(set(&facts, "synchronous_commit", "remote_apply"), "database.durability", HEALTH_OK);
	BREAKS(database->clock_ahead_us = -2000000, "database.clock", HEALTH_WARNING);
	BREAKS(database->clock_ahead_us = 31000000, "database.clock", HEALTH_FAILURE);
	BREAKS(set(&facts, "max_connections", "42"), "database.connections", HEALTH_FAILURE);
	BREAKS(set(&facts, "max_connections", "47"), "database.connections", HEALTH_WARNING);
	BREAKS(set(&facts, "max_connections", "48"), "database.connections", HEALTH_OK);
	BREAKS(set(&facts, "reserved_connections", "60"), "database.connections", HEALTH_FAILURE);
	BREAKS(database->role.connection_limit = 10, "database.connections", HEALTH_FAILURE);
	BREAKS(set(&facts, "autovacuum", "off"), "database.upkeep", HEALTH_WARNING);
	BREAKS(database->oldest_xid_age = 1100000000, "database.upkeep", HEALTH_WARNING);
	BREAKS(database->oldest_xid_age = 1900000000, "database.upkeep", HEALTH_FAILURE);
	BREAKS(error_set(&database->schema, ERR_CONFIG, "old", "cũ"), "database.schema", HEALTH_FAILURE);
}

static void its_log(void **state)
{
	(void)state;
	BREAKS(set(&facts, "log_parameter_max_length", "-1"), "database.log", HEALTH_WARNING);
	BREAKS((set(&facts, "log_parameter_max_length", "-1"), set(&facts, "log_statement", "mod")), "database.log",
	       HEALTH_FAILURE);
	BREAKS((set(&facts, "log_parameter_max_length", "-1"), set(&facts, "log_min_duration_statement", "0")),
	       "database.log", HEALTH_FAILURE);
	BREAKS((set(&facts, "log_parameter_max_length", "8"), set(&facts, "log_min_duration_sample", "100")),
	       "database.log", HEALTH_FAILURE);
	BREAKS((set(&facts, "log_parameter_max_length", "-1"), set(&facts, "log_transaction_sample_rate", "0.1")),
	       "database.log", HEALTH_FAILURE);
	BREAKS(set(&facts, "log_statement", "all"), "database.log", HEALTH_OK);
	BREAKS(set(&facts, "log_parameter_max_length_on_error", "-1"), "database.log", HEALTH_FAILURE);
	BREAKS(set(&facts, "log_error_verbosity", "default"), "database.log", HEALTH_FAILURE);
	BREAKS(set(&facts, "log_min_error_statement", "error"), "database.log", HEALTH_WARNING);
}

static void the_role(void **state)
{
	(void)state;
	BREAKS(database->role.superuser = true, "database.role", HEALTH_FAILURE);
	BREAKS(database->role.create_role = true, "database.role", HEALTH_FAILURE);
	BREAKS(database->role.create_database = true, "database.role", HEALTH_FAILURE);
	BREAKS(database->role.replication = true, "database.role", HEALTH_FAILURE);
	BREAKS(database->role.bypass_rls = true, "database.role", HEALTH_FAILURE);
	BREAKS(database->role.creates_in_schema = true, "database.role", HEALTH_FAILURE);
	BREAKS(database->role.creates_schemas = true, "database.role", HEALTH_FAILURE);
	BREAKS(database->role.owned = 1, "database.role", HEALTH_FAILURE);
	BREAKS(database->role.memberships = "giothong_owner", "database.role", HEALTH_FAILURE);
	BREAKS(tables[0].rights |= RIGHT_UPDATE, "database.rights", HEALTH_FAILURE);
	BREAKS(tables[0].rights |= RIGHT_TRUNCATE, "database.rights", HEALTH_FAILURE);
	BREAKS(tables[0].update_columns = 1, "database.rights", HEALTH_FAILURE);
	BREAKS(tables[0].rights = RIGHT_SELECT, "database.rights", HEALTH_FAILURE);
	BREAKS(tables[1].rights |= RIGHT_DELETE, "database.rights", HEALTH_WARNING);
	BREAKS(tables[2].update_columns = 1, "database.rights", HEALTH_FAILURE);
	BREAKS((database->role.superuser = true, tables[0].rights = 127), "database.role", HEALTH_FAILURE);
	BREAKS(database->rights_known = false, "database.rights", HEALTH_SKIPPED);
}

static void the_work(void **state)
{
	(void)state;
	BREAKS(database->keys[0].fingerprint = "cc", "database.keys", HEALTH_FAILURE);
	BREAKS(database->keys[1].fingerprint = "cc", "database.keys", HEALTH_FAILURE);
	BREAKS(machine->keyring.held[1].name = "wrap-2", "database.keys", HEALTH_FAILURE);
	BREAKS((machine->keyring.nheld = 1, database->keys[0].state = "dual"), "database.keys", HEALTH_FAILURE);
	BREAKS((machine->keyring.nheld = 1, database->keys[0].state = "staged", database->keys[0].unchanged_days = 0),
	       "database.keys", HEALTH_WARNING);
	BREAKS(machine->keyring.held[0].name = "wrap-1", "database.keys", HEALTH_WARNING);
	BREAKS(database->keys[0].lacking = 1, "database.keys", HEALTH_WARNING);
	BREAKS((database->keys[0].state = "dual", database->keys[0].unchanged_days = 0), "database.keys", HEALTH_OK);
	BREAKS((database->keys[0].state = "dual", database->keys[0].unchanged_days = 1), "database.keys", HEALTH_WARNING);
	BREAKS(database->keys[0].unchanged_days = 550, "database.keys", HEALTH_OK);
	BREAKS(database->keys[0].unchanged_days = 551, "database.keys", HEALTH_WARNING);
	BREAKS(database->nkeys = 0, "database.keys", HEALTH_SKIPPED);
	BREAKS((machine->keyring.known = false, machine->keyring.nheld = 0), "database.keys", HEALTH_OK);
	BREAKS(database->ndaemons = 0, "daemons", HEALTH_WARNING);
	BREAKS(database->daemons[0].seen_ago = database->daemons[1].seen_ago = 61, "daemons", HEALTH_WARNING);
	BREAKS(database->daemons[1].version = "0.4.0", "daemons", HEALTH_WARNING);
	BREAKS(database->daemons[1].version = "0.3.0", "daemons", HEALTH_WARNING);
	BREAKS(database->daemons[1].version = "0.5.0", "daemons", HEALTH_FAILURE);
	BREAKS(database->daemons[1].version = "1.3.1", "daemons", HEALTH_FAILURE);
	BREAKS((database->daemons[1].version = "1.3.1", database->daemons[1].seen_ago = 3600), "daemons", HEALTH_OK);
	BREAKS(database->daemons[1].rules = "good 2", "daemons.rules", HEALTH_WARNING);
	BREAKS((database->daemons[1].rules = "good 2", database->daemons[1].seen_ago = 61), "daemons.rules", HEALTH_OK);
	BREAKS(database->daemons[1].rules = NULL, "daemons.rules", HEALTH_OK);
	BREAKS((database->unsealed = 1, database->unsealed_age = 61), "audit.sealing", HEALTH_WARNING);
	BREAKS((database->unsealed = 1, database->unsealed_age = 601), "audit.sealing", HEALTH_FAILURE);
	BREAKS(database->tokens_ending = 1, "access.tokens", HEALTH_WARNING);
	BREAKS(database->tokens_on_ended_units = 1, "access.tokens", HEALTH_WARNING);
	BREAKS(database->admins = 0, "access.admins", HEALTH_WARNING);
	BREAKS(database->accounts_on_ended_units = 1, "access.scopes", HEALTH_WARNING);
	BREAKS(database->accounts_known = false, "access.scopes", HEALTH_SKIPPED);
	BREAKS(database->holidays_known_to = date_add_days(facts.today, 59), "places.holidays", HEALTH_WARNING);
	BREAKS(database->holidays_known_to = date_add_days(facts.today, 60), "places.holidays", HEALTH_OK);
	BREAKS(database->holidays_known_to = (struct date){ 0 }, "places.holidays", HEALTH_WARNING);
	BREAKS(database->rounds_on_ended_units = 1, "places.units", HEALTH_WARNING);
}

static void the_backups(void **state)
{
	(void)state;
	/* the younger of what is there and what the record says; either may be unknown */
	BREAKS(machine->backups.newest_age = database->backup_age = 2 * 86400, "backup", HEALTH_OK);
	BREAKS(machine->backups.newest_age = database->backup_age = 2 * 86400 + 1, "backup", HEALTH_WARNING);
	BREAKS(machine->backups.newest_age = database->backup_age = 7 * 86400 + 1, "backup", HEALTH_FAILURE);
	BREAKS((machine->backups.newest_age = database->backup_age = 8 * 86400, set(&facts, "archive_mode", "on"),
		set(&facts, "archive_command", "x")), "backup", HEALTH_WARNING);
	BREAKS(machine->backups.newest_age = 99 * 86400, "backup", HEALTH_OK);
	BREAKS(database->backup_age = 99 * 86400, "backup", HEALTH_OK);
	BREAKS((machine->backups.known = false, machine->backups.newest_age = -1), "backup", HEALTH_OK);
	BREAKS((machine->backups.known = false, database->backup_age = 99 * 86400), "backup", HEALTH_FAILURE);
	BREAKS((machine->backups.known = database->backup_known = false), "backup", HEALTH_SKIPPED);
	/* a folder that was named counts alone */
	BREAKS((machine->backups.named = true, machine->backups.newest_age = 99 * 86400), "backup", HEALTH_FAILURE);
	BREAKS((machine->backups.named = true, machine->backups.newest_age = -1), "backup", HEALTH_FAILURE);
	BREAKS((machine->backups.named = true, machine->backups.known = false, machine->backups.why = "x"), "backup",
	       HEALTH_FAILURE);
	/* none */
	BREAKS(machine->backups.newest_age = database->backup_age = -1, "backup", HEALTH_FAILURE);
	BREAKS((machine->backups.newest_age = database->backup_age = -1, database->age = 6 * 86400), "backup",
	       HEALTH_WARNING);
	BREAKS((machine->backups.newest_age = database->backup_age = -1, database->age = 2 * 86400), "backup", HEALTH_OK);
	BREAKS((machine->backups.newest_age = database->backup_age = -1, set(&facts, "archive_mode", "on"),
		set(&facts, "archive_command", "x")), "backup", HEALTH_OK);
}

static void the_erased(void **state)
{
	(void)state;
	BREAKS(machine->journal.persons = 0, "erasure.journal", HEALTH_OK);
	BREAKS(machine->journal.unset = true, "erasure.journal", HEALTH_FAILURE);
	BREAKS(machine->journal.known = false, "erasure.journal", HEALTH_SKIPPED);
	BREAKS(machine->journal.why = "Read-only file system", "erasure.journal", HEALTH_FAILURE);
	BREAKS(database->erasures_missing = 1, "erasure.journal", HEALTH_FAILURE);
	BREAKS(database->erasures_back = 1, "erasure.journal", HEALTH_FAILURE);
	BREAKS(database->erasures_known = false, "erasure.journal", HEALTH_OK);
}

static void the_archive(void **state)
{
	(void)state;
#define ARCHIVES(what, health) \
	BREAKS((set(&facts, "archive_mode", "on"), set(&facts, "archive_command", "x"), \
		set(&facts, "archive_timeout", "60"), what), "database.archive", health)

	BREAKS(set(&facts, "archive_mode", "off"), "database.archive", HEALTH_OK);
	BREAKS(database->archiver_known = false, "database.archive", HEALTH_SKIPPED);
	ARCHIVES(database->archived_ago = 5, HEALTH_OK);
	ARCHIVES(database->archived_ago = -1, HEALTH_OK);
	ARCHIVES((database->archived_ago = 5, database->archive_failed_ago = 9), HEALTH_OK);
	ARCHIVES((database->archive_fails = true, database->archive_failed_file = "0000000100000000000000A7"), HEALTH_FAILURE);
	ARCHIVES(set(&facts, "archive_command", ""), HEALTH_FAILURE);
	ARCHIVES((set(&facts, "archive_command", ""), set(&facts, "archive_library", "basic_archive")), HEALTH_OK);
	ARCHIVES(database->archived_ago = 3660, HEALTH_OK);
	ARCHIVES(database->archived_ago = 3661, HEALTH_WARNING);
	ARCHIVES((database->archived_ago = 3661, set(&facts, "archive_timeout", "0")), HEALTH_OK);
}

/* Nobody seals where nobody runs: that is no failure of the sealer. */
static void a_stopped_sealer(void **state)
{
	struct doctor_facts facts = healthy();

	(void)state;
	facts.database.unsealed = 5;
	facts.database.unsealed_age = 100000;
	facts.database.ndaemons = 0;
	expect(&facts, "audit.sealing", HEALTH_WARNING, true);
}

/* ---- what cannot be looked at ---- */

static size_t count_of(const struct doctor_facts *facts, enum health health)
{
	static struct finding findings[DOCTOR_FINDINGS];
	size_t total = doctor_judge(facts, findings), count = 0;

	for (size_t i = 0; i < total; i++)
		count += findings[i].health == health;
	return count;
}

/* To start what runs helps nobody. */
static void who_refuses(void **state)
{
	static const struct { const char *why, *todo; bool private_cluster; } rows[] = {
		{ "No such file or directory", "systemctl start postgresql", false },
		{ "FATAL:  Peer authentication failed", "pg_hba.conf", false },
		{ "FATAL:  too many connections for role", "max_connections", false },
		{ "FATAL:  remaining connection slots are reserved", "max_connections", false },
		{ "PostgreSQL does not start", "/var/lib/postgresql/postgres/log", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct doctor_facts facts = healthy();
		const struct finding *finding;

		facts.database = (struct doctor_database){ .why = { rows[i].why, rows[i].why } };
		facts.machine.private_cluster = rows[i].private_cluster;
		finding = expect(&facts, "database", HEALTH_FAILURE, false);
		for (int language = 0; language < LANGUAGE_COUNT; language++) {
			assert_non_null(strstr(finding->todo[language], rows[i].todo));
			if (i > 0)
				assert_null(strstr(finding->todo[language], "systemctl start"));
		}
	}
}

static void without_a_database(void **state)
{
	struct doctor_facts facts = healthy();

	(void)state;
	facts.database = (struct doctor_database){ .why = { "it is gone", "nó đã mất" } };
	assert_string_equal(expect(&facts, "database", HEALTH_FAILURE, false)->found[LANGUAGE_VI], "nó đã mất");
	assert_int_equal(count_of(&facts, HEALTH_FAILURE), 1);
	assert_int_equal(count_of(&facts, HEALTH_OK), 21);
	assert_int_equal(count_of(&facts, HEALTH_SKIPPED), 21);
}

static void without_settings(void **state)
{
	struct doctor_facts facts = healthy();

	(void)state;
	error_set(&facts.machine.file.error, ERR_CONFIG, "line 3", "dòng 3");
	facts.database = (struct doctor_database){ 0 };
	facts.machine.listen = facts.machine.trusted_proxy = facts.machine.keyring.dir = NULL;
	facts.machine.backups = (struct doctor_backups){ 0 };
	facts.machine.journal = (struct doctor_journal){ 0 };
	expect(&facts, "settings.file", HEALTH_FAILURE, false);
	expect(&facts, "database", HEALTH_SKIPPED, true);
	expect(&facts, "machine.start", HEALTH_OK, true);
}

/* A database that answers and tells nothing: each part says so, none invents. */
static void an_unknown_database(void **state)
{
	struct doctor_facts facts = healthy();

	(void)state;
	facts.database = (struct doctor_database){ .reached = true };
	error_set(&facts.database.schema, ERR_CONFIG, "no schema", "chưa có lược đồ");
	expect(&facts, "database.schema", HEALTH_FAILURE, false);
	assert_int_equal(count_of(&facts, HEALTH_FAILURE), 1);
	assert_int_equal(count_of(&facts, HEALTH_WARNING), 0);
}

static void the_rules_of_eligibility(void **state)
{
	static struct limit_rule limits[2] = {
		{ .rule = { .kind = RULE_LIMIT, .id = "hemoglobin", .evidence = EVIDENCE_RECALLED } },
		{ .rule = { .kind = RULE_LIMIT, .id = "pulse", .evidence = EVIDENCE_SEEN_UNOFFICIAL } },
	};
	struct eligibility_rules rules = settled;
	struct doctor_facts facts = healthy();
	const struct finding *finding;

	(void)state;
	facts.rules = &rules;
	rules.limits = limits;
	rules.nlimits = 2;
	finding = expect(&facts, "eligibility.recalled", HEALTH_NOTE, false);
	assert_non_null(strstr(finding->found[LANGUAGE_EN], "hemoglobin"));
	assert_null(strstr(finding->found[LANGUAGE_EN], "pulse"));
	assert_non_null(strstr(finding->todo[LANGUAGE_VI], "1/TT"));
	finding = expect(&facts, "eligibility.unofficial", HEALTH_NOTE, false);
	assert_non_null(strstr(finding->found[LANGUAGE_VI], "pulse"));
	finding = expect(&facts, "eligibility.rules", HEALTH_OK, false);
	assert_non_null(strstr(finding->found[LANGUAGE_EN], "1 of 3"));
	rules.parameters[PARAMETER_AGE_LAST_DAY].rule.evidence = EVIDENCE_RECALLED;
	rules.parameters[PARAMETER_AGE_LAST_DAY].value = AGE_BIRTHDAY;
	finding = expect(&facts, "eligibility.parameters", HEALTH_NOTE, false);
	assert_string_equal(finding->found[LANGUAGE_EN], "age_last_day = birthday");
	rules.valid_to = facts.today;
	expect(&facts, "eligibility.rules", HEALTH_OK, false);
	rules.valid_to = date_add_days(facts.today, -1);
	expect(&facts, "eligibility.rules", HEALTH_FAILURE, false);
	rules.valid_to = (struct date){ 0 };
	rules.valid_from = facts.today;
	expect(&facts, "eligibility.rules", HEALTH_OK, false);
	rules.valid_from = date_add_days(facts.today, 1);
	expect(&facts, "eligibility.rules", HEALTH_FAILURE, false);
	facts.rules = NULL;
	error_add_field(&facts.rules_error, "/limits/3/under", "wrong_type", "A number is expected.", "Cần một số.");
	finding = expect(&facts, "eligibility.rules", HEALTH_FAILURE, false);
	assert_non_null(strstr(finding->found[LANGUAGE_VI], "/limits/3/under Cần một số."));
	expect(&facts, "eligibility.parameters", HEALTH_SKIPPED, true);
	expect(&facts, "eligibility.recalled", HEALTH_SKIPPED, true);
}

static void gifts_and_honours(void **state)
{
	struct gift_rule gift = one_gift;
	struct honour_step steps[2] = { one_step, one_step };
	struct law law = { .number = "9/TT", .evidence = EVIDENCE_RECALLED };
	struct tariff tariff = settled_tariff;
	struct honour_rules honours = settled_honours;
	struct doctor_facts facts = healthy();
	const struct finding *finding;

	(void)state;
	facts.tariff = &tariff;
	tariff.gifts = &gift;
	finding = expect(&facts, "gifts.tariff", HEALTH_OK, false);
	assert_string_equal(finding->found[LANGUAGE_EN], "gifts: 1 amounts hold today");
	gift.rule.to = facts.today;
	expect(&facts, "gifts.tariff", HEALTH_OK, false);
	gift.rule.to = date_add_days(facts.today, -1);
	expect(&facts, "gifts.tariff", HEALTH_WARNING, false);
	expect(&facts, "gifts.to_check", HEALTH_OK, true);
	gift.rule.to = (struct date){ 0 };
	tariff.laws = &law;
	tariff.nlaws = 1;
	tariff.answers[TARIFF_STOPPED].evidence = EVIDENCE_RECALLED;
	tariff.answers[TARIFF_STOPPED].value = STOPPED_NOTHING;
	finding = expect(&facts, "gifts.to_check", HEALTH_NOTE, false);
	assert_non_null(strstr(finding->found[LANGUAGE_EN], "9/TT"));
	assert_non_null(strstr(finding->found[LANGUAGE_VI], "stopped_donation = nothing"));
	facts.tariff = NULL;
	error_add_field(&facts.tariff_error, "/gifts/0", "duplicate", "Twice.", "Hai lần.");
	finding = expect(&facts, "gifts.tariff", HEALTH_FAILURE, false);
	assert_non_null(strstr(finding->found[LANGUAGE_EN], "/gifts/0 Twice."));
	expect(&facts, "gifts.to_check", HEALTH_SKIPPED, true);

	facts = healthy();
	facts.honours = &honours;
	honours.steps = steps;
	honours.nsteps = 2;
	expect(&facts, "honours.ladders", HEALTH_OK, false);
	steps[0].rule.from = steps[1].rule.from = date_add_days(facts.today, 1);
	expect(&facts, "honours.ladders", HEALTH_WARNING, false);
	steps[0].rule.from = one_step.rule.from;
	steps[1].rule.evidence = EVIDENCE_SEEN_UNOFFICIAL;
	steps[1].rule.id = "individual.5";
	finding = expect(&facts, "honours.to_check", HEALTH_NOTE, false);
	assert_string_equal(finding->found[LANGUAGE_EN], "read only in somebody's words: individual.5");
	facts.honours = NULL;
	error_set(&facts.honours_error, ERR_CONFIG, "no such file", "không có tệp");
	expect(&facts, "honours.ladders", HEALTH_FAILURE, false);
	expect(&facts, "honours.to_check", HEALTH_SKIPPED, true);

	facts = healthy();
	expect(&facts, "certificates.forms", HEALTH_OK, true);
	error_set(&facts.forms_error, ERR_CONFIG, "a.form: line 3", "a.form: dòng 3");
	finding = expect(&facts, "certificates.forms", HEALTH_FAILURE, false);
	assert_non_null(strstr(finding->found[LANGUAGE_VI], "a.form: dòng 3"));
}

static void long_texts_are_cut_at_a_character(void **state)
{
	static char name[1600];
	struct doctor_facts facts = healthy();

	(void)state;
	for (size_t i = 0; i + 3 < sizeof(name); i += 3)
		memcpy(name + i, "\xe1\xba\xa1", 4);     /* ạ */
	facts.machine.sockets[0] = (struct doctor_socket){ name, 0666, 503 };
	const struct finding *finding = expect(&facts, "machine.sockets", HEALTH_FAILURE, false);

	for (int language = 0; language < LANGUAGE_COUNT; language++) {
		size_t len = strlen(finding->found[language]);

		assert_in_range(len, sizeof(finding->found[0]) - 4, sizeof(finding->found[0]) - 1);
		assert_true(text_valid_utf8(finding->found[language], len));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_well),
		cmocka_unit_test(the_settings),
		cmocka_unit_test(the_machine),
		cmocka_unit_test(the_server),
		cmocka_unit_test(its_log),
		cmocka_unit_test(the_role),
		cmocka_unit_test(the_work),
		cmocka_unit_test(the_backups),
		cmocka_unit_test(the_erased),
		cmocka_unit_test(the_archive),
		cmocka_unit_test(a_stopped_sealer),
		cmocka_unit_test(who_refuses),
		cmocka_unit_test(without_a_database),
		cmocka_unit_test(without_settings),
		cmocka_unit_test(an_unknown_database),
		cmocka_unit_test(the_rules_of_eligibility),
		cmocka_unit_test(gifts_and_honours),
		cmocka_unit_test(long_texts_are_cut_at_a_character),
	};

	memcpy(fine_tables, tables, sizeof(tables));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
