#include "config/config.h"

#include <arpa/inet.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "config/options.h"

static void *member(struct config *config, const struct option *option)
{
	return (char *)config + option->offset;
}

static const struct option *find(const char *name)
{
	for (const struct option *option = config_options; option->name; option++)
		if (streq(option->name, name))
			return option;
	return NULL;
}

/* ---- one value ---- */

static bool is_choice(const char *choices, const char *value)
{
	size_t len = strlen(value);

	for (const char *p = choices; *p; p += strspn(p, " ")) {
		size_t word = strcspn(p, " ");

		if (word == len && strncmp(p, value, len) == 0)
			return true;
		p += word;
	}
	return false;
}

static bool set_text(char **out, const struct option *option, const char *value, struct error *err)
{
	if (option->choices && !is_choice(option->choices, value))
		return error_set(err, ERR_CONFIG, "%s is \"%s\": it must be one of: %s",
				 "%s là \"%s\": phải là một trong: %s", option->name, value,
				 option->choices);
	free(*out);
	*out = xstrdup(value);
	return true;
}

static bool set_int(int *out, const struct option *option, const char *value, struct error *err)
{
	long number;

	if (!text_to_int(value, option->min, option->max, &number))
		return error_set(err, ERR_CONFIG, "%s is \"%s\": it must be a number from %ld to %ld",
				 "%s là \"%s\": phải là số từ %ld đến %ld", option->name, value, option->min,
				 option->max);
	*out = (int)number;
	return true;
}

static bool set_bool(bool *out, const struct option *option, const char *value, struct error *err)
{
	if (!is_choice("yes no", value))
		return error_set(err, ERR_CONFIG, "%s is \"%s\": it must be yes or no",
				 "%s là \"%s\": phải là yes hoặc no", option->name, value);
	*out = streq(value, "yes");
	return true;
}

static bool set(struct config *config, const struct option *option, const char *value, struct error *err)
{
	switch (option->type) {
	case OPTION_TEXT:
		return set_text(member(config, option), option, value, err);
	case OPTION_INT:
		return set_int(member(config, option), option, value, err);
	case OPTION_BOOL:
		return set_bool(member(config, option), option, value, err);
	}
	return false;
}

bool config_set(struct config *config, const char *name, const char *value, struct error *err)
{
	const struct option *option = find(name);

	if (!option)
		return error_set(err, ERR_CONFIG, "there is no setting \"%s\"", "không có thiết đặt \"%s\"", name);
	return set(config, option, value, err);
}

/* ---- all of them ---- */

void config_init(struct config *config)
{
	struct error err = { 0 };

	*config = (struct config){ 0 };
	for (const struct option *option = config_options; option->name; option++)
		if (!set(config, option, option->fallback, &err))
			abort();         /* the table contradicts itself; a test runs this */
}

void config_release(struct config *config)
{
	for (const struct option *option = config_options; option->name; option++)
		if (option->type == OPTION_TEXT)
			free(*(char **)member(config, option));
	free(config->data_dir);
	*config = (struct config){ 0 };
}

/* Aligned for a terminal; only the first line of each explanation. */
void config_print_help(FILE *out)
{
	for (const struct option *option = config_options; option->name; option++) {
		if (option->hidden)
			continue;
		fprintf(out, "  %-28s %.*s", option->name, (int)strcspn(option->help, "\n"), option->help);
		fprintf(out, *option->fallback ? " (%s)\n" : "\n", option->fallback);
	}
}

static void print_comment(FILE *out, const char *help)
{
	for (const char *line = help; *line;) {
		size_t len = strcspn(line, "\n");

		fprintf(out, "# %.*s\n", (int)len, line);
		line += len + (line[len] == '\n');
	}
}

void config_print_sample(FILE *out)
{
	const char *section = "";
	size_t section_len = 0;

	fputs("# Settings of giothongd and giothong. Each is shown with its default.\n"
	      "# A line that begins with a blank continues the line before it; \" ;\" begins a comment.\n", out);
	for (const struct option *option = config_options; option->name; option++) {
		size_t len = strcspn(option->name, ".");

		if (option->hidden)
			continue;
		if (len != section_len || strncmp(section, option->name, len) != 0)
			fprintf(out, "\n[%.*s]\n", (int)len, option->name);
		section = option->name;
		section_len = len;
		print_comment(out, option->help);
		fprintf(out, "#%s =%s%s\n", option->name + len + 1, *option->fallback ? " " : "",
			option->fallback);
	}
}

/* ---- what single values cannot tell ---- */

static int default_workers(void)
{
	cpu_set_t cores;
	int count = sched_getaffinity(0, sizeof(cores), &cores) == 0 ? CPU_COUNT(&cores) : 1;

	return count > 1 ? count / 2 : 1;
}

/* A name that begins with "127." may be anybody's: only the address counts. */
static bool is_loopback(const char *address)
{
	char host[INET_ADDRSTRLEN];
	struct in_addr v4;

	if (text_starts_with(address, "unix:") || text_starts_with(address, "[::1]:") ||
	    text_starts_with(address, "localhost:"))
		return true;
	snprintf(host, sizeof(host), "%.*s", (int)strcspn(address, ":"), address);
	return inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127;
}

static bool check_listen(const struct config *config, struct error *err)
{
	const char *colon = strrchr(config->listen, ':');
	bool is_unix = text_starts_with(config->listen, "unix:");
	long port;

	if (!colon || colon == config->listen || !colon[1] || (!is_unix && !text_to_int(colon + 1, 0, 65535, &port)))
		return error_set(err, ERR_CONFIG, "listen.address is \"%s\": it must be HOST:PORT or unix:/path",
				 "listen.address là \"%s\": phải là HOST:PORT hoặc unix:/đường-dẫn",
				 config->listen);
	if (is_loopback(config->listen) || config->insecure || *config->trusted_proxy)
		return true;
	return error_set(err, ERR_CONFIG,
			 "%s can be reached from outside: set listen.trusted_proxy, or say --insecure",
			 "%s có thể truy cập từ bên ngoài: hãy đặt listen.trusted_proxy, hoặc dùng --insecure",
			 config->listen);
}

/*
 * What links are made of. From the settings alone: a Host or X-Forwarded-Host field is what a stranger writes,
 * and one stranger's answer is kept in memory for all.
 */
static bool check_public_url(const struct config *config, struct error *err)
{
	const char *url = config->public_url;
	size_t len = strlen(url);
	const char *host = strstr(url, "://");

	if (len == 0)
		return true;
	if ((text_starts_with(url, "https://") || text_starts_with(url, "http://")) && host[3] && host[3] != '/' &&
	    url[len - 1] != '/' &&
	    strspn(url, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/[]%") == len)
		return true;
	return error_set(err, ERR_CONFIG,
			 "public.url is \"%s\": it must be an address such as https://hienmau.example.vn,"
			 " without a slash at the end",
			 "public.url là \"%s\": phải là địa chỉ như https://hienmau.example.vn,"
			 " không có dấu / ở cuối", url);
}

static bool check_database(const struct config *config, struct error *err)
{
	bool private = config->data_dir && *config->data_dir;

	if (private && *config->database_conninfo)
		return error_set(err, ERR_CONFIG, "--data and database.conninfo exclude each other",
				 "chỉ dùng một trong hai: --data hoặc database.conninfo");
	if (!private && !*config->database_conninfo)
		return error_set(err, ERR_CONFIG,
				 "no database: say --data DIR, or --config FILE with database.conninfo",
				 "chưa có cơ sở dữ liệu: dùng --data DIR, hoặc --config FILE có database.conninfo");
	return true;
}

/* Where a server's keys are, for the commands of root; its daemons are handed them by systemd. */
static const char system_keyring[] = "/etc/giothong/keyring";

static void default_keyring(struct config *config)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	char *dir = NULL;

	if (*config->keyring_dir)
		return;
	if (config->data_dir && *config->data_dir)
		dir = xasprintf("%s/keyring", config->data_dir);
	else if (credentials && *credentials)
		dir = xstrdup(credentials);
	else if (access(system_keyring, F_OK) == 0)
		dir = xstrdup(system_keyring);
	if (!dir)
		return;          /* programs that need keys say so; "giothong migrate" needs none */
	free(config->keyring_dir);
	config->keyring_dir = dir;
}

bool config_check(struct config *config, struct error *err)
{
	if (!check_listen(config, err) || !check_public_url(config, err) || !check_database(config, err))
		return false;
	if (config->workers == 0)
		config->workers = default_workers();
	default_keyring(config);
	return true;
}
