#include "app/setup.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "app/say.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "cluster/cluster.h"
#include "crypto/keyring.h"
#include "http/http.h"
#include "store/catalog_store.h"
#include "store/key_store.h"
#include "wire/wire.h"

enum { REACH_MS = 5000, RETRY_MS = 200 };

/* The role of the daemon in a private cluster (include/cluster/cluster.h). */
static const char private_role[] = "giothong_app";

/* ---- the command line ---- */

static const struct common_option {
	const char *name, *value;        /* value NULL: a switch */
	bool        daemon;              /* only of the daemon */
	const char *help[LANGUAGE_COUNT];
} common_options[] = {
	{ "data", "DIR", false,
	  { "keep everything in DIR: a private PostgreSQL and the keys",
	    "giữ mọi thứ trong DIR: PostgreSQL riêng và các khóa" } },
	{ "config", "FILE", false,
	  { "settings, also of a database elsewhere", "tệp thiết đặt, kể cả cơ sở dữ liệu ở nơi khác" } },
	{ "listen", "HOST:PORT", true,
	  { "where to serve, also unix:/PATH (127.0.0.1:8080)",
	    "nơi phục vụ, cũng có thể là unix:/PATH (127.0.0.1:8080)" } },
	{ "insecure", NULL, true,
	  { "serve beyond this machine without a proxy in front",
	    "phục vụ ra ngoài máy này mà không có máy chủ trung gian phía trước" } },
	{ "set", "NAME=VALUE", false,
	  { "one setting, as in the file: section.name=value",
	    "một thiết đặt, như trong tệp: section.name=value" } },
	{ "routes", NULL, true,
	  { "list the method and path of every route, and end",
	    "in phương thức và đường dẫn của mọi điểm truy cập rồi kết thúc" } },
	{ "help", NULL, false, { "say this", "in trợ giúp này" } },
	{ "version", NULL, false, { "say the version", "in phiên bản" } },
};

/*
 * Nobody could serve a connection whose event was lost for want of a few bytes,
 * so libevent's allocations abort like all small ones; the JSON parser's too.
 */
static void start_libraries(void)
{
	event_set_mem_functions(xmalloc, xrealloc, free);
	wire_start();
}

void setup_init(struct setup *setup, const char *program)
{
	start_libraries();
	*setup = (struct setup){ .program = program, .language = say_language() };
	config_init(&setup->config);
}

static const struct common_option *find_common(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(common_options); i++)
		if (strlen(common_options[i].name) == len && memcmp(common_options[i].name, name, len) == 0)
			return &common_options[i];
	return NULL;
}

static bool keep_option(struct setup *setup, const char *name, const char *value, struct error *err)
{
	if (streq(name, "help"))
		setup->help = true;
	else if (streq(name, "version"))
		setup->version = true;
	else if (streq(name, "routes"))
		setup->routes = true;
	else if (streq(name, "config"))
		setup->config_file = value;
	else if (setup->noptions < SETUP_MAX_OPTIONS)
		setup->options[setup->noptions++] = (struct setup_option){ name, value };
	else
		return error_set(err, ERR_CONFIG, "too many options", "quá nhiều tùy chọn");
	return true;
}

int setup_take_option(struct setup *setup, int argc, char **argv, int at, struct error *err)
{
	const char *word = argv[at];

	if (streq(word, "-h"))
		word = "--help";
	if (!text_starts_with(word, "--") || !word[2])
		return 0;
	size_t len = strcspn(word + 2, "=");
	const struct common_option *option = find_common(word + 2, len);
	bool joined = word[2 + len] == '=';

	if (!option)
		return 0;
	if (!option->value && joined) {
		error_set(err, ERR_CONFIG, "--%s takes no value", "--%s không có giá trị", option->name);
		return -1;
	}
	if (!option->value || joined)
		return keep_option(setup, option->name, option->value ? word + 3 + len : NULL, err) ? 1 : -1;
	if (at + 1 >= argc) {
		error_set(err, ERR_CONFIG, "--%s needs %s", "--%s cần %s", option->name, option->value);
		return -1;
	}
	return keep_option(setup, option->name, argv[at + 1], err) ? 2 : -1;
}

void setup_print_options(const struct setup *setup, bool daemon, FILE *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(common_options); i++) {
		const struct common_option *option = &common_options[i];
		char left[32];

		if (option->daemon && !daemon)
			continue;
		snprintf(left, sizeof(left), "--%s %s", option->name, option->value ? option->value : "");
		fprintf(out, "  %-20s %s\n", left, option->help[setup->language]);
	}
}

/* ---- the settings ---- */

static void replace(char **text, const char *value)
{
	free(*text);
	*text = xstrdup(value);
}

static bool apply_set(struct config *config, const char *pair, struct error *err)
{
	const char *equals = strchr(pair, '=');
	char name[64];

	if (!equals || (size_t)(equals - pair) >= sizeof(name))
		return error_set(err, ERR_CONFIG, "--set needs section.name=value, not \"%s\"",
				 "--set cần section.name=value, không phải \"%s\"", pair);
	snprintf(name, sizeof(name), "%.*s", (int)(equals - pair), pair);
	return config_set(config, name, equals + 1, err);
}

static bool apply_option(struct config *config, const struct setup_option *option, struct error *err)
{
	if (streq(option->name, "data"))
		replace(&config->data_dir, option->value);
	else if (streq(option->name, "listen"))
		replace(&config->listen, option->value);
	else if (streq(option->name, "insecure"))
		config->insecure = true;
	else
		return apply_set(config, option->value, err);
	return true;
}

/* A proxy that is written wrongly would leave the door open that naming it has opened. */
static bool check_proxy(const struct config *config, struct error *err)
{
	if (http_trusted_proxy_is_valid(config->trusted_proxy))
		return true;
	return error_set(err, ERR_CONFIG,
			 "listen.trusted_proxy is \"%s\": it must be an address, a network (10.0.0.0/8) or unix",
			 "listen.trusted_proxy là \"%s\": phải là địa chỉ, mạng (10.0.0.0/8) hoặc unix",
			 config->trusted_proxy);
}

static bool apply_log_level(const struct config *config, struct error *err)
{
	static const char *const names[] = { "error", "warning", "info", "debug" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (streq(config->log_level, names[i])) {
			log_set_level((enum log_level)i);
			return true;
		}
	return error_set(err, ERR_CONFIG, "\"%s\" is no log level (error, warning, info, debug)",
			 "\"%s\" không phải mức nhật ký (error, warning, info, debug)", config->log_level);
}

/* Only builds for tests can be told another time. */
static bool start_clock(struct setup *setup, struct error *err)
{
#ifdef GIOTHONG_TEST_SEAMS
	const char *text = setup->config.test_now;
	int64_t wall_us;

	if (!text || !*text)
		return true;
	if (!time_parse(text, &wall_us))
		return error_set(err, ERR_CONFIG, "test.now is no RFC 3339 time: \"%s\"",
				 "test.now không phải thời điểm RFC 3339: \"%s\"", text);
	setup->clock.wall_offset_us = wall_us - clock_wall_us(&setup->clock);
#else
	(void)setup;
	(void)err;
#endif
	return true;
}

bool setup_has_database(const struct setup *setup)
{
	if (setup->config_file)
		return true;
	for (size_t i = 0; i < setup->noptions; i++)
		if (streq(setup->options[i].name, "data"))
			return true;
	return false;
}

const char *setup_config_file(const struct setup *setup)
{
	return setup->config_file;
}

bool setup_read(struct setup *setup, struct error *err)
{
	struct config *config = &setup->config;

	if (setup->config_file && !config_read_file(config, setup->config_file, err))
		return false;
	for (size_t i = 0; i < setup->noptions; i++)
		if (!apply_option(config, &setup->options[i], err))
			return false;
	return config_check(config, err) && check_proxy(config, err) && apply_log_level(config, err) &&
	       start_clock(setup, err);
}

/* ---- keys ---- */

/*
 * Keys are made for a database that is new, never for one that has data: new
 * keys would quietly replace lost ones, and what the lost ones sealed would
 * be gone without a word.
 */
static bool open_keyring(struct setup *setup, bool database_is_new, struct error *err)
{
	const char *dir = setup->config.keyring_dir;

	if (setup->keyless && !database_is_new)
		return true;
	if (!*dir)
		return error_set(err, ERR_CONFIG, "no keyring: set keyring.dir or LoadCredential= of systemd",
				 "không có bộ khóa: hãy đặt keyring.dir hoặc LoadCredential= của systemd");
	if (keyring_is_empty(dir)) {
		if (!setup->cluster || !database_is_new)
			return error_set(err, ERR_CONFIG, "the keyring %s is missing: bring it back from its copy"
					 " (only a new database gets new keys: \"giothong keyring create\")",
					 "thiếu bộ khóa %s: hãy khôi phục từ bản sao"
					 " (chỉ cơ sở dữ liệu mới dùng khóa mới: \"giothong keyring create\")", dir);
		if (!keyring_create(dir, err))
			return false;
	}
	setup->keyring = keyring_open(dir, err);
	return setup->keyring != NULL;
}

/* What the database and the keyring know of each other. A daemon may wait for a key, a command does not. */
static bool compare_keys(struct setup *setup, enum setup_mode mode, struct error *err)
{
	const struct actor actor = { .kind = mode == SETUP_DAEMON ? "daemon" : "command", .role = ROLE_ADMIN };

	if (!setup->keyring)                     /* a command that needs none */
		return true;
	return keys_remember(setup->db.conninfo, setup->keyring, &setup->clock, &actor, err) &&
	       (mode == SETUP_DAEMON || setup->incomplete_keys || keyring_view(setup->keyring)->complete ||
		keyring_fail_missing(setup->keyring, err));
}

/* ---- the database ---- */

static bool change_schema(struct setup *setup, const char *owner, const char *role, struct error *err)
{
	return migrate_run(owner, role, &setup->migrated, err) &&
	       reference_load(owner, &setup->reference_changed, err);
}

static bool interrupted(const struct setup *setup)
{
	return setup->interrupted && setup->interrupted(setup->context);
}

/*
 * A daemon that starts with the machine may be earlier than its database, and
 * a command earlier than the schema that the daemon beside it is making.
 */
static bool check_patiently(struct setup *setup, struct error *err)
{
	int64_t until = clock_mono_us() + REACH_MS * 1000;

	while (!migrate_check(setup->db.conninfo, err)) {
		if ((err->code != ERR_UNAVAILABLE && !setup->cluster) || clock_mono_us() >= until ||
		    interrupted(setup))
			return false;
		usleep(RETRY_MS * 1000);
		if (interrupted(setup))
			return false;
		error_clear(err);
	}
	return true;
}

/* The private cluster: it is ours to change, unless a running daemon has it. */
static bool open_private(struct setup *setup, enum setup_mode mode, struct error *err)
{
	const char *dir = setup->config.data_dir;
	bool is_new = false;

	if (mode == SETUP_RESTORE)
		setup->cluster = cluster_restore(dir, setup->copy, setup->interrupted, setup->context, err);
	else
		setup->cluster = (mode == SETUP_DAEMON ? cluster_open : cluster_attach)(dir, setup->interrupted,
											setup->context, err);
	if (!setup->cluster)
		return false;
	const char *owner = cluster_owner_conninfo(setup->cluster);

	setup->db.conninfo = cluster_app_conninfo(setup->cluster);
	if (mode == SETUP_LOOK)
		return true;
	if (mode == SETUP_COMMAND && !cluster_is_ours(setup->cluster))
		return check_patiently(setup, err) && open_keyring(setup, false, err) &&
		       compare_keys(setup, mode, err);
	/* Keys before the schema: wherever we are killed, no schema stands without keys. */
	return migrate_is_new(owner, &is_new, err) &&
	       open_keyring(setup, is_new && cluster_is_ours(setup->cluster), err) &&
	       change_schema(setup, owner, private_role, err) && compare_keys(setup, mode, err);
}

static bool open_configured(struct setup *setup, enum setup_mode mode, struct error *err)
{
	const struct config *config = &setup->config;
	const char *owner = config->database_owner_conninfo;

	setup->db.conninfo = config->database_conninfo;
	if (mode == SETUP_LOOK)
		return true;
	/* Without keys nothing is served, and nothing is tried that takes long. */
	if (mode != SETUP_MIGRATE && !open_keyring(setup, false, err))
		return false;
	if (mode == SETUP_DAEMON)
		return check_patiently(setup, err) && compare_keys(setup, mode, err);
	if (mode == SETUP_COMMAND)
		return migrate_check(config->database_conninfo, err) && compare_keys(setup, mode, err);
	if (!owner || !*owner)
		return error_set(err, ERR_CONFIG,
				 "database.owner_conninfo is not set: the schema is changed by its owner",
				 "chưa đặt database.owner_conninfo: chỉ chủ sở hữu mới đổi được lược đồ");
	return change_schema(setup, owner, config->database_role, err);
}

bool setup_open(struct setup *setup, enum setup_mode mode, struct error *err)
{
	const struct config *config = &setup->config;

	db_options_init(&setup->db);
	setup->db.application_name = setup->program;
	setup->db.queue_max = config->database_queue;
	setup->db.spare_reads = mode == SETUP_DAEMON ? config->database_read_connections - 1 : 0;
	if (mode == SETUP_DAEMON) {
		setup->db.wait_ms[DB_READ] = setup->db.wait_ms[DB_WRITE] = config->database_wait_ms;
		setup->db.wait_ms[DB_SLOW] = 10 * config->database_wait_ms;      /* who asks for a report has time */
	}
	setup->db.deadline_ms[DB_READ] = config->database_read_ms;
	setup->db.deadline_ms[DB_WRITE] = config->database_write_ms;
	setup->db.deadline_ms[DB_SLOW] = config->database_slow_ms;
	if (!crypto_start(err))
		return false;
	if (config->data_dir && *config->data_dir)
		return open_private(setup, mode, err);
	return open_configured(setup, mode, err);
}

void setup_release(struct setup *setup)
{
	keyring_free(setup->keyring);
	cluster_close(setup->cluster);
	config_release(&setup->config);
	*setup = (struct setup){ 0 };
}
