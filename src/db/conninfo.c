#include "db/conninfo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/memory.h"
#include "base/text.h"
#include "db/pq.h"

/* The n-th part of comma-separated lists; a list of one counts for all, as in libpq. */
struct host_list {
	char   **items;
	unsigned count;
};

struct conninfo {
	char            *text;
	char            *application_name;
	struct host_list host, hostaddr, port;
	unsigned         hosts;
	char            *options[DB_LANE_COUNT];
	bool             wants_writable;         /* target_session_attrs=read-write */
};

static void host_list_split(struct host_list *list, const char *text)
{
	for (const char *p = text;; p++) {
		size_t len = strcspn(p, ",");

		list->items = xrealloc(list->items, (list->count + 1) * sizeof(*list->items));
		list->items[list->count] = xmalloc(len + 1);
		memcpy(list->items[list->count], p, len);
		list->items[list->count++][len] = '\0';
		p += len;
		if (!*p)
			return;
	}
}

static void host_list_release(struct host_list *list)
{
	for (unsigned i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
}

static const char *host_list_item(const struct host_list *list, unsigned i)
{
	if (list->count == 0)
		return NULL;
	return list->items[list->count == 1 ? 0 : i % list->count];
}

/*
 * Session settings, behind those of the connection string, so that ours win.
 * A server whose client is gone must not hold its locks: hence the keepalives
 * on its side too, and the limit on a transaction that stands still.
 */
static char *session_options(const struct db_options *options, const char *theirs, enum db_lane lane, int deadline_ms)
{
	struct buf buf = { 0 };

	if (theirs && *theirs)
		buf_printf(&buf, "%s ", theirs);
	buf_printf(&buf, "-c statement_timeout=%d", deadline_ms - deadline_ms / 5);
	buf_append_text(&buf, " -c TimeZone=Asia/Ho_Chi_Minh -c DateStyle=ISO -c bytea_output=hex"
			      " -c idle_in_transaction_session_timeout=10000"
			      /* Compiling a plan takes longer than any statement of ours. */
			      " -c jit=off"
			      " -c tcp_keepalives_idle=5 -c tcp_keepalives_interval=3"
			      " -c tcp_keepalives_count=3");
	buf_append_text(&buf, lane == DB_WRITE ? " -c lock_timeout=2000" : " -c default_transaction_read_only=on");
	/*
	 * Reads are few statements sent often: one plan each, which knows that pages are in memory or on flash. To plan a large
	 * write takes three times as long as to do it; a plan made while tables were small must not read them whole later.
	 */
	if (lane != DB_WRITE || options->planned_once)
		buf_append_text(&buf, " -c plan_cache_mode=force_generic_plan -c random_page_cost=1.1");
	if (lane == DB_WRITE && options->planned_once)
		buf_append_text(&buf, " -c enable_seqscan=off");
	if (options->settings)
		buf_printf(&buf, " %s", options->settings);
	return buf.data;
}

static void read_option(struct conninfo *conninfo, const PQconninfoOption *option, const char **theirs)
{
	if (!option->val || !*option->val)
		return;
	if (streq(option->keyword, "host"))
		host_list_split(&conninfo->host, option->val);
	else if (streq(option->keyword, "hostaddr"))
		host_list_split(&conninfo->hostaddr, option->val);
	else if (streq(option->keyword, "port"))
		host_list_split(&conninfo->port, option->val);
	else if (streq(option->keyword, "options"))
		*theirs = option->val;
	else if (streq(option->keyword, "target_session_attrs"))
		conninfo->wants_writable = streq(option->val, "read-write");
}

struct conninfo *conninfo_new(const struct db_options *options)
{
	struct conninfo *conninfo = xcalloc(1, sizeof(*conninfo));
	PQconninfoOption *parsed = PQconninfoParse(options->conninfo, NULL);
	const char *theirs = NULL;

	conninfo->text = xstrdup(options->conninfo);
	if (options->application_name)
		conninfo->application_name = xstrdup(options->application_name);
	for (const PQconninfoOption *option = parsed; option && option->keyword; option++)
		read_option(conninfo, option, &theirs);
	conninfo->hosts = conninfo->hostaddr.count ? conninfo->hostaddr.count : conninfo->host.count;
	if (conninfo->hosts == 0)
		conninfo->hosts = 1;
	for (int i = 0; i < DB_LANE_COUNT; i++)
		conninfo->options[i] = session_options(options, theirs, (enum db_lane)i, options->deadline_ms[i]);
	PQconninfoFree(parsed);
	return conninfo;
}

void conninfo_free(struct conninfo *conninfo)
{
	if (!conninfo)
		return;
	host_list_release(&conninfo->host);
	host_list_release(&conninfo->hostaddr);
	host_list_release(&conninfo->port);
	for (int i = 0; i < DB_LANE_COUNT; i++)
		free(conninfo->options[i]);
	free(conninfo->text);
	free(conninfo->application_name);
	free(conninfo);
}

unsigned conninfo_hosts(const struct conninfo *conninfo)
{
	return conninfo->hosts;
}

PGconn *conninfo_start(const struct conninfo *conninfo, enum db_lane lane, unsigned attempt)
{
	/* libpq would hold a session that we made read-only for one of a standby. */
	bool by_primary = conninfo->wants_writable && lane != DB_WRITE;
	/* Before dbname: defaults that the connection string may change. After it: what is fixed. */
	const char *const keywords[] = {
		"keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout",
		"target_session_attrs",
		"dbname",
		"host", "hostaddr", "port", "application_name", "client_encoding", "options",
		"target_session_attrs", NULL
	};
	const char *const values[] = {
		"5", "3", "3", "10000",
		"primary",
		conninfo->text,
		host_list_item(&conninfo->host, attempt), host_list_item(&conninfo->hostaddr, attempt),
		host_list_item(&conninfo->port, attempt), conninfo->application_name, "UTF8",
		conninfo->options[lane], by_primary ? "primary" : NULL, NULL
	};

	return pq_connect_start(keywords, values);
}

/* ---- looking at one ---- */

static const char *option_value(const PQconninfoOption *options, const char *name)
{
	for (; options && options->keyword; options++)
		if (streq(options->keyword, name))
			return options->val && *options->val ? options->val : NULL;
	return NULL;
}

bool db_conninfo_has_password(const char *conninfo)
{
	PQconninfoOption *parsed = PQconninfoParse(conninfo, NULL);
	bool has = option_value(parsed, "password") != NULL;

	PQconninfoFree(parsed);
	return has;
}

/* The folder that Debian's libpq takes where none is named. */
static const char default_folder[] = "/var/run/postgresql";

bool db_conninfo_socket(const char *conninfo, char *path, size_t size)
{
	PQconninfoOption *parsed = PQconninfoParse(conninfo, NULL);
	const char *host = option_value(parsed, "host"), *port = option_value(parsed, "port");
	bool local = parsed && !option_value(parsed, "hostaddr") && (!host || *host == '/');

	if (!host)
		host = default_folder;
	if (!port)
		port = "5432";
	if (local)
		snprintf(path, size, "%.*s/.s.PGSQL.%.*s", (int)strcspn(host, ","), host, (int)strcspn(port, ","), port);
	PQconninfoFree(parsed);
	return local;
}
