#include "db/migrate.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/version.h"
#include "db/migrations.h"
#include "db/pq.h"

enum { MIGRATIONS_MAX = 1000, OLDEST_SERVER = 150000 };

extern const struct embedded_file embedded_migrations[];

/* One migration, as the program has it and as the database has it. */
struct migration {
	int                         number;
	const struct embedded_file *file;        /* NULL: this program does not have it */
	bool                        ran;
	bool                        edited;      /* ran with other content */
	char                        name[128];
	char                        oldest[32];  /* oldest daemon that may run on it */
};

struct runner {
	PGconn          *conn;
	const char      *version;
	struct migration list[MIGRATIONS_MAX];   /* by number */
	int              count;
	int              newest_of_program;
};

/* ---- talking to the server ---- */

/* The first line of libpq's text: the rest are hints for a terminal. */
static void first_line(const char *text, char *out, size_t size)
{
	snprintf(out, size, "%.*s", (int)strcspn(text, "\n"), text);
}

static bool server_refused(const struct runner *runner, struct error *err)
{
	char why[200];

	first_line(PQerrorMessage(runner->conn), why, sizeof(why));
	if (PQstatus(runner->conn) == CONNECTION_BAD)
		return error_set(err, ERR_UNAVAILABLE, "the database cannot be reached: %s",
				 "không kết nối được cơ sở dữ liệu: %s", why);
	return error_set(err, ERR_SYSTEM, "the database refuses: %s", "cơ sở dữ liệu từ chối: %s", why);
}

static bool succeeded(const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

static bool execute(const struct runner *runner, const char *sql, struct error *err)
{
	PGresult *result = pq_exec(runner->conn, sql);
	bool fine = succeeded(result);

	PQclear(result);
	return fine || server_refused(runner, err);
}

/* The server's clock, text and locks must be ours: what it refuses now it would refuse in a round's evening. */
static bool check_server(const struct runner *runner, struct error *err)
{
	const char *encoding = PQparameterStatus(runner->conn, "server_encoding");

	if (PQserverVersion(runner->conn) < OLDEST_SERVER)
		return error_set(err, ERR_CONFIG, "the server is PostgreSQL %d: at least %d is needed",
				 "máy chủ là PostgreSQL %d: cần ít nhất %d",
				 PQserverVersion(runner->conn) / 10000, OLDEST_SERVER / 10000);
	if (!streq(encoding, "UTF8"))
		return error_set(err, ERR_CONFIG, "the database's encoding is %s: it must be UTF8",
				 "bảng mã của cơ sở dữ liệu là %s: phải là UTF8", encoding ? encoding : "?");
	return true;
}

static void ignore_notice(void *context, const char *text)
{
	(void)context, (void)text;
}

static bool connect_to(struct runner *runner, const char *conninfo, struct error *err)
{
	static const char *const keywords[] = {
		"connect_timeout", "target_session_attrs", "dbname", "application_name", "client_encoding",
		NULL
	};
	/* Per host. Nothing can interrupt it, and a stop may take ten seconds in all. */
	const char *const values[] = { "4", "primary", conninfo, "giothong-schema", "UTF8", NULL };

	runner->conn = pq_connect(keywords, values);
	PQsetNoticeProcessor(runner->conn, ignore_notice, NULL);
	if (PQstatus(runner->conn) != CONNECTION_OK)
		return server_refused(runner, err);
	return check_server(runner, err);
}

/* ---- what the program has, what the database has ---- */

static struct migration *find_or_add(struct runner *runner, int number)
{
	int at = 0;

	while (at < runner->count && runner->list[at].number < number)
		at++;
	if (at < runner->count && runner->list[at].number == number)
		return &runner->list[at];
	if (runner->count == MIGRATIONS_MAX)
		return NULL;
	memmove(&runner->list[at + 1], &runner->list[at],
		(size_t)(runner->count - at) * sizeof(runner->list[0]));
	runner->list[at] = (struct migration){ .number = number };
	runner->count++;
	return &runner->list[at];
}

/* The rest of the line "-- Oldest daemon: 0.1.0" in the comment lines that a file begins with. */
static void read_oldest(const char *sql, char *out, size_t size)
{
	static const char label[] = "-- Oldest daemon:";

	snprintf(out, size, "0.0.0");
	for (const char *line = sql; text_starts_with(line, "--"); line = strchr(line, '\n') + 1) {
		if (text_starts_with(line, label)) {
			const char *value = line + strlen(label);

			value += strspn(value, " ");
			snprintf(out, size, "%.*s", (int)strcspn(value, " \r\n"), value);
			return;
		}
		if (!strchr(line, '\n'))
			return;
	}
}

static bool list_files(struct runner *runner, const struct embedded_file *files, struct error *err)
{
	for (const struct embedded_file *file = files; file->name; file++) {
		int number = atoi(file->name);
		struct migration *migration = number > 0 ? find_or_add(runner, number) : NULL;

		if (!migration || migration->file)
			return error_set(err, ERR_INTERNAL, "migration %s has no number of its own",
					 "tệp lược đồ %s không có số riêng", file->name);
		migration->file = file;
		snprintf(migration->name, sizeof(migration->name), "%s", file->name);
		read_oldest((const char *)file->bytes, migration->oldest, sizeof(migration->oldest));
		if (number > runner->newest_of_program)
			runner->newest_of_program = number;
	}
	return true;
}

/* The server has SHA-256, so we need no library for it. */
static bool checksum(const struct runner *runner, const struct embedded_file *file, char out[65],
		     struct error *err)
{
	const char *values[] = { (const char *)file->bytes };
	const int lengths[] = { (int)file->size }, formats[] = { 1 };
	PGresult *result = pq_exec_params(runner->conn, "SELECT encode(sha256($1::bytea), 'hex')", 1, values,
					  lengths, formats);
	bool fine = succeeded(result);

	if (fine)
		snprintf(out, 65, "%s", PQgetvalue(result, 0, 0));
	PQclear(result);
	return fine || server_refused(runner, err);
}

static bool take_row(struct runner *runner, const PGresult *rows, int row, struct error *err)
{
	struct migration *migration = find_or_add(runner, atoi(PQgetvalue(rows, row, 0)));
	char now[65];

	if (!migration)
		return error_set(err, ERR_INTERNAL, "too many migrations", "quá nhiều tệp lược đồ");
	migration->ran = true;
	if (migration->file) {
		if (!checksum(runner, migration->file, now, err))
			return false;
		migration->edited = !streq(now, PQgetvalue(rows, row, 2));
		return true;
	}
	snprintf(migration->name, sizeof(migration->name), "%s", PQgetvalue(rows, row, 1));
	snprintf(migration->oldest, sizeof(migration->oldest), "%s", PQgetvalue(rows, row, 3));
	return true;
}

static bool list_rows(struct runner *runner, struct error *err)
{
	PGresult *rows = pq_exec(runner->conn, "SELECT number, name, checksum, oldest_daemon"
					       " FROM schema_migration ORDER BY number");
	const char *state = PQresultErrorField(rows, PG_DIAG_SQLSTATE);
	bool fine = succeeded(rows);

	for (int i = 0; fine && i < PQntuples(rows); i++)
		fine = take_row(runner, rows, i, err);
	if (!succeeded(rows)) {
		if (streq(state, "42P01"))
			error_set(err, ERR_CONFIG, "the database has no schema yet: run \"giothong migrate\"",
				  "cơ sở dữ liệu chưa có lược đồ: hãy chạy \"giothong migrate\"");
		else
			server_refused(runner, err);
	}
	PQclear(rows);
	return fine;
}

/* ---- may this program run on this database? ---- */

static bool version_less(const char *a, const char *b)
{
	int x[3] = { 0 }, y[3] = { 0 };

	if (sscanf(a, "%d.%d.%d", &x[0], &x[1], &x[2]) < 1 || sscanf(b, "%d.%d.%d", &y[0], &y[1], &y[2]) < 1)
		return true;             /* what cannot be read is not trusted */
	for (int i = 0; i < 3; i++)
		if (x[i] != y[i])
			return x[i] < y[i];
	return false;
}

static bool judge(const struct runner *runner, const struct migration *migration, struct error *err)
{
	if (migration->edited)
		return error_set(err, ERR_CONFIG,
				 "migration %s was edited after it ran: bring the old file back and add a new one",
				 "tệp lược đồ %s đã bị sửa sau khi chạy: hãy khôi phục tệp cũ và thêm tệp mới",
				 migration->name);
	if (!migration->ran || migration->file)
		return true;
	if (migration->number < runner->newest_of_program)
		return error_set(err, ERR_CONFIG, "migration %s ran here, but this program does not have it",
				 "tệp lược đồ %s đã chạy ở đây nhưng chương trình này không có",
				 migration->name);
	if (version_less(runner->version, migration->oldest))
		return error_set(err, ERR_CONFIG,
				 "the database is newer (%s): it needs version %s, and this is %s",
				 "cơ sở dữ liệu mới hơn (%s): cần phiên bản %s, còn đây là %s",
				 migration->name, migration->oldest, runner->version);
	return true;
}

static bool judge_all(const struct runner *runner, struct error *err)
{
	for (int i = 0; i < runner->count; i++)
		if (!judge(runner, &runner->list[i], err))
			return false;
	return true;
}

/* ---- applying ---- */

static bool is_name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* The SQL with :app_role replaced by the quoted role. */
static void substitute(struct buf *out, const char *sql, const char *quoted_role)
{
	static const char word[] = ":app_role";
	const char *from = sql;

	for (const char *at = sql; (at = strstr(at, word)); at += strlen(word)) {
		if ((at > sql && at[-1] == ':') || is_name_char(at[strlen(word)]))
			continue;
		buf_append(out, from, (size_t)(at - from));
		buf_append_text(out, quoted_role);
		from = at + strlen(word);
	}
	buf_append_text(out, from);
}

/* Line of a character position (from 1) that the server gave; 0 when it gave none. */
static int line_of(const char *sql, const char *position)
{
	long left = position ? strtol(position, NULL, 10) : 0;
	int line = left > 0;

	for (const char *p = sql; *p && left > 1; p++) {
		line += *p == '\n';
		left -= ((unsigned char)p[1] & 0xc0) != 0x80;
	}
	return line;
}

static bool run_text(const struct runner *runner, const struct migration *migration, const char *sql,
		     struct error *err)
{
	PGresult *result = pq_exec(runner->conn, sql);
	const char *why = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	bool fine = succeeded(result);

	if (!fine && PQstatus(runner->conn) != CONNECTION_BAD)
		error_set(err, ERR_SYSTEM, "migration %s, line %d: %s", "tệp lược đồ %s, dòng %d: %s",
			  migration->name, line_of(sql, PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION)),
			  why ? why : "not a statement that can run here");
	else if (!fine)
		server_refused(runner, err);
	PQclear(result);
	if (fine && PQtransactionStatus(runner->conn) != PQTRANS_INTRANS)
		return error_set(err, ERR_INTERNAL, "migration %s ends its transaction itself",
				 "tệp lược đồ %s tự kết thúc giao dịch", migration->name);
	return fine;
}

static bool note_ran(const struct runner *runner, const struct migration *migration, struct error *err)
{
	char number[16], sum[65];
	const char *values[] = { number, migration->name, sum, migration->oldest };

	if (!checksum(runner, migration->file, sum, err))
		return false;
	snprintf(number, sizeof(number), "%d", migration->number);
	PGresult *result = pq_exec_params(runner->conn,
					  "INSERT INTO schema_migration (number, name, checksum, oldest_daemon)"
					  " VALUES ($1, $2, $3, $4)", 4, values, NULL, NULL);
	bool fine = succeeded(result);

	PQclear(result);
	return fine || server_refused(runner, err);
}

static bool apply(const struct runner *runner, const struct migration *migration, const char *quoted_role,
		  struct error *err)
{
	struct buf sql = { 0 };

	substitute(&sql, (const char *)migration->file->bytes, quoted_role);
	bool fine = execute(runner, "BEGIN", err) && run_text(runner, migration, sql.data, err) &&
		    note_ran(runner, migration, err) && execute(runner, "COMMIT", err);

	buf_release(&sql);
	if (fine)
		log_info("migration_applied", "name=%s", migration->name);
	else
		PQclear(pq_exec(runner->conn, "ROLLBACK"));
	return fine;
}

static bool apply_missing(struct runner *runner, const char *quoted_role, struct migrate_report *report,
			  struct error *err)
{
	for (int i = 0; i < runner->count; i++) {
		struct migration *migration = &runner->list[i];

		if (!migration->ran) {
			if (!apply(runner, migration, quoted_role, err))
				return false;
			migration->ran = true;
			report->applied++;
		}
		report->newest = migration->number;
	}
	report->changed = report->applied > 0;
	return true;
}

/* ---- the daemon's role ---- */

static bool find_role(const struct runner *runner, const char *role, bool *exists, struct error *err)
{
	PGresult *result = pq_exec_params(runner->conn, "SELECT 1 FROM pg_roles WHERE rolname = $1", 1, &role,
					  NULL, NULL);
	bool fine = succeeded(result);

	*exists = PQntuples(result) == 1;
	PQclear(result);
	return fine || server_refused(runner, err);
}

static bool make_role(const struct runner *runner, const char *role, const char *quoted, struct error *err)
{
	char *sql = xasprintf("CREATE ROLE %s LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE", quoted);
	PGresult *result = pq_exec(runner->conn, sql);
	bool exists = succeeded(result);

	PQclear(result);
	free(sql);
	if (!exists && !find_role(runner, role, &exists, err))   /* another database's owner was quicker */
		return false;
	return exists || error_set(err, ERR_CONFIG,
				 "the role %s does not exist, and this owner may not make it:"
				 " run CREATE ROLE %s LOGIN as an administrator of the server",
				 "chưa có vai trò %s và chủ sở hữu này không được tạo:"
				 " hãy chạy CREATE ROLE %s LOGIN với quyền quản trị máy chủ",
				 role, quoted);
}

static bool have_role(const struct runner *runner, const char *role, const char *quoted, struct error *err)
{
	bool exists;

	return find_role(runner, role, &exists, err) && (exists || make_role(runner, role, quoted, err));
}

static bool prepare_table(const struct runner *runner, const char *quoted_role, struct error *err)
{
	static const char table[] =
		"CREATE TABLE IF NOT EXISTS schema_migration ("
		" number integer NOT NULL,"
		" name text NOT NULL,"
		" checksum text NOT NULL,"
		" oldest_daemon text NOT NULL,"
		" applied_at timestamptz NOT NULL DEFAULT now(),"
		" CONSTRAINT schema_migration_pk PRIMARY KEY (number))";
	char *grant = xasprintf("GRANT SELECT ON schema_migration TO %s", quoted_role);
	bool fine = execute(runner, table, err) && execute(runner, grant, err);

	free(grant);
	return fine;
}

/* Waits for another program that is at it, but not for ever. The number is "giothong" in ASCII. */
static bool take_lock(const struct runner *runner, struct error *err)
{
	PGresult *result = pq_exec(runner->conn, "SET lock_timeout = '60s'; SET TimeZone = 'Asia/Ho_Chi_Minh';"
						 " SELECT pg_advisory_lock(x'67696f74686f6e67'::bit(64)::bigint)");
	bool fine = succeeded(result);
	bool waited = streq(PQresultErrorField(result, PG_DIAG_SQLSTATE), "55P03");

	PQclear(result);
	if (waited)
		return error_set(err, ERR_UNAVAILABLE, "another program has been changing the schema for a minute",
				 "một chương trình khác đang đổi lược đồ đã hơn một phút");
	return fine || server_refused(runner, err);
}

static bool run_with_role(struct runner *runner, const char *app_role, struct migrate_report *report,
			  struct error *err)
{
	char *quoted = pq_escape_identifier(runner->conn, app_role, strlen(app_role));
	bool fine = quoted && have_role(runner, app_role, quoted, err) && prepare_table(runner, quoted, err) &&
		    list_rows(runner, err) && judge_all(runner, err) &&
		    apply_missing(runner, quoted, report, err);

	if (!quoted)
		error_set(err, ERR_CONFIG, "the role's name is not valid text", "tên vai trò không hợp lệ");
	PQfreemem(quoted);
	return fine;
}

/* ---- the interface ---- */

static struct runner *runner_new(const struct migrations *migrations)
{
	struct runner *runner = xcalloc(1, sizeof(*runner));

	runner->version = migrations->version;
	return runner;
}

static void runner_free(struct runner *runner)
{
	PQfinish(runner->conn);          /* the advisory lock goes with it */
	free(runner);
}

bool migrations_run(const struct migrations *migrations, const char *owner_conninfo, const char *app_role,
		    struct migrate_report *report, struct error *err)
{
	struct runner *runner = runner_new(migrations);

	*report = (struct migrate_report){ 0 };
	bool fine = list_files(runner, migrations->files, err) && connect_to(runner, owner_conninfo, err) &&
		    take_lock(runner, err) && run_with_role(runner, app_role, report, err);

	runner_free(runner);
	return fine;
}

static bool nothing_missing(const struct runner *runner, struct error *err)
{
	for (int i = 0; i < runner->count; i++)
		if (!runner->list[i].ran)
			return error_set(err, ERR_CONFIG,
					 "the schema is older than this program (%s is missing):"
					 " run \"giothong migrate\"",
					 "lược đồ cũ hơn chương trình này (thiếu %s):"
					 " hãy chạy \"giothong migrate\"", runner->list[i].name);
	return true;
}

bool migrations_check(const struct migrations *migrations, const char *conninfo, struct error *err)
{
	struct runner *runner = runner_new(migrations);
	bool fine = list_files(runner, migrations->files, err) && connect_to(runner, conninfo, err) &&
		    list_rows(runner, err) && judge_all(runner, err) && nothing_missing(runner, err);

	runner_free(runner);
	return fine;
}

static const struct migrations ours = { embedded_migrations, GIOTHONG_VERSION };

bool migrate_run(const char *owner_conninfo, const char *app_role, struct migrate_report *report,
		 struct error *err)
{
	return migrations_run(&ours, owner_conninfo, app_role, report, err);
}

bool migrate_is_new(const char *owner_conninfo, bool *is_new, struct error *err)
{
	struct runner *runner = runner_new(&ours);
	bool fine = connect_to(runner, owner_conninfo, err);

	if (fine) {
		PGresult *rows = pq_exec(runner->conn, "SELECT 1 FROM schema_migration LIMIT 1");
		bool no_table = streq(PQresultErrorField(rows, PG_DIAG_SQLSTATE), "42P01");

		*is_new = no_table || PQntuples(rows) == 0;
		fine = no_table || succeeded(rows) || server_refused(runner, err);
		PQclear(rows);
	}
	runner_free(runner);
	return fine;
}

bool migrate_check(const char *conninfo, struct error *err)
{
	return migrations_check(&ours, conninfo, err);
}
