#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "domain/doctor_checks.h"

/* The database: what its server promises, and what the daemon's role may do. */

enum {
	OLDEST_SERVER = 150000,
	CLOCK_SAME_US = 1000000, CLOCK_APART_US = 30000000,
	COMMANDS = 5                     /* connections left for giothong itself, backups, a look with psql */
};

static const int64_t xids_many = 1000000000, xids_too_many = 1800000000;

const char *server_setting(const struct doctor_facts *facts, const char *name, const char *if_missing)
{
	const struct doctor_database *database = &facts->database;

	for (size_t i = 0; i < database->nsettings; i++)
		if (streq(database->settings[i].name, name))
			return database->settings[i].value;
	return if_missing;
}

long server_setting_number(const struct doctor_facts *facts, const char *name, long if_missing)
{
	const char *text = server_setting(facts, name, NULL);
	long value;

	return text && text_to_int(text, -1, 2147483647, &value) ? value : if_missing;
}

static bool settings_are_known(const struct doctor_facts *facts, struct finding *finding)
{
	if (facts->database.settings_known)
		return true;
	finding_say(finding, HEALTH_SKIPPED, "the server did not tell its settings", "máy chủ không cho biết các thiết đặt");
	return false;
}

/* What to do depends on who refuses; the server's words may be of another language, and then all is said. */
static void advise_reach(const struct doctor_facts *facts, struct finding *finding)
{
	const char *why = facts->database.why[LANGUAGE_EN];

	if (facts->machine.private_cluster)
		finding_advise(finding, "look into the log named there or %s/postgres/log, and for room on the disk",
			       "hãy xem nhật ký nêu ở trên hoặc %s/postgres/log, và chỗ trống trên đĩa",
			       facts->machine.disk_path ? facts->machine.disk_path : "DIR");
	else if (strstr(why, "too many ") || strstr(why, "remaining connection slots"))
		finding_advise(finding, "end sessions that nobody needs (SELECT * FROM pg_stat_activity); raise max_connections"
			       " (and CONNECTION LIMIT of the role), or lower workers.count",
			       "đóng phiên không cần (SELECT * FROM pg_stat_activity); tăng max_connections (và CONNECTION LIMIT"
			       " của vai trò), hoặc giảm workers.count");
	else if (strstr(why, "FATAL:"))
		finding_advise(finding, "the server runs and refuses: see database.conninfo, pg_hba.conf and pg_ident.conf"
			       " (giothong-setup puts its lines back), and the server's log",
			       "máy chủ đang chạy và từ chối: xem database.conninfo, pg_hba.conf và pg_ident.conf (giothong-setup"
			       " ghi lại các dòng của mình), và nhật ký của máy chủ");
	else
		finding_advise(finding, "pg_lsclusters; systemctl start postgresql; then database.conninfo, pg_hba.conf and"
			       " pg_ident.conf",
			       "pg_lsclusters; systemctl start postgresql; rồi xem database.conninfo, pg_hba.conf và pg_ident.conf");
}

static void judge_reach(const struct doctor_facts *facts, struct finding *finding)
{
	if (facts->database.reached) {
		finding_say(finding, HEALTH_OK, "it answers", "có trả lời");
		return;
	}
	finding_say(finding, HEALTH_FAILURE, "%s%.0s", "%.0s%s", facts->database.why[LANGUAGE_EN],
		    facts->database.why[LANGUAGE_VI]);
	advise_reach(facts, finding);
}

static void judge_version(const struct doctor_facts *facts, struct finding *finding)
{
	int version = facts->database.version;

	if (!settings_are_known(facts, finding))
		return;
	finding_say(finding, version < OLDEST_SERVER ? HEALTH_FAILURE : HEALTH_OK, "PostgreSQL %d.%d", "PostgreSQL %d.%d",
		    version / 10000, version % 10000);
	if (version < OLDEST_SERVER)
		finding_advise(finding, "PostgreSQL 15 or newer is needed: pg_upgradecluster",
			       "cần PostgreSQL 15 trở lên: pg_upgradecluster");
}

/* A collation of the system's library changes with the library, and the indexes made under the old one lie. */
static bool is_fixed_collation(const char *collation)
{
	static const char *const fixed[] = { "C", "POSIX", "C.UTF-8", "C.utf8" };

	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		if (streq(fixed[i], collation))
			return true;
	return false;
}

static void judge_encoding(const struct doctor_facts *facts, struct finding *finding)
{
	const struct doctor_database *database = &facts->database;

	if (!settings_are_known(facts, finding))
		return;
	if (!streq(database->encoding, "UTF8"))
		finding_say(finding, HEALTH_FAILURE, "the encoding is %s, not UTF8", "bảng mã là %s, không phải UTF8",
			    database->encoding);
	if (!is_fixed_collation(database->collation))
		finding_say(finding, HEALTH_WARNING,
			    "texts are ordered by %s, which changes with the system's library: indexes may go wrong at an upgrade",
			    "chữ được sắp theo %s, vốn đổi theo thư viện hệ thống: chỉ mục có thể sai sau khi nâng cấp",
			    database->collation);
	if (finding->health == HEALTH_OK)
		finding_say(finding, HEALTH_OK, "%s, ordered by %s", "%s, sắp theo %s", database->encoding,
			    database->collation);
	else
		finding_advise(finding, "move by pg_dump into a database made with TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'",
			       "chuyển bằng pg_dump sang cơ sở dữ liệu tạo với TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'");
}

static void judge_checksums(const struct doctor_facts *facts, struct finding *finding)
{
	if (!settings_are_known(facts, finding))
		return;
	if (streq(server_setting(facts, "data_checksums", "off"), "on")) {
		finding_say(finding, HEALTH_OK, "pages carry checksums", "các trang có mã kiểm tra");
		return;
	}
	finding_say(finding, HEALTH_WARNING, "pages carry no checksums: a failing disk would go unnoticed",
		    "các trang không có mã kiểm tra: đĩa hỏng sẽ không bị phát hiện");
	finding_advise(finding, "stop the daemons and PostgreSQL, pg_checksums --enable -D its folder, start again",
		       "dừng chương trình và PostgreSQL, pg_checksums --enable -D thư mục của nó, rồi khởi động lại");
}

/* An acknowledged fact is on disk. */
static void judge_durability(const struct doctor_facts *facts, struct finding *finding)
{
	static const char *const names[] = { "fsync", "full_page_writes", "synchronous_commit" };

	if (!settings_are_known(facts, finding))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (streq(server_setting(facts, names[i], "on"), "off"))
			finding_say(finding, HEALTH_FAILURE, "%s is off: what was acknowledged can be lost",
				    "%s đang tắt: dữ liệu đã xác nhận có thể mất", names[i]);
	if (finding->health == HEALTH_OK)
		finding_say(finding, HEALTH_OK, "what is acknowledged is on disk (synchronous_commit is %s)",
			    "dữ liệu đã xác nhận nằm trên đĩa (synchronous_commit là %s)",
			    server_setting(facts, "synchronous_commit", "on"));
	else
		finding_advise(finding, "ALTER SYSTEM RESET it, also ALTER ROLE and ALTER DATABASE; SELECT pg_reload_conf()",
			       "ALTER SYSTEM RESET, cả ALTER ROLE và ALTER DATABASE; SELECT pg_reload_conf()");
}

/* Whether statements are logged as they run, with all their parameters unless told otherwise. */
static bool logs_statements(const struct doctor_facts *facts)
{
	return !streq(server_setting(facts, "log_statement", "none"), "none") ||
	       server_setting_number(facts, "log_min_duration_statement", -1) >= 0 ||
	       server_setting_number(facts, "log_min_duration_sample", -1) >= 0 ||
	       !streq(server_setting(facts, "log_transaction_sample_rate", "0"), "0");
}

static void judge_log(const struct doctor_facts *facts, struct finding *finding)
{
	const char *least = server_setting(facts, "log_min_error_statement", "error");

	if (!settings_are_known(facts, finding))
		return;
	if (server_setting_number(facts, "log_parameter_max_length", -1) != 0)
		finding_say(finding, logs_statements(facts) ? HEALTH_FAILURE : HEALTH_WARNING,
			    "log_parameter_max_length is not 0: logged statements show their values",
			    "log_parameter_max_length khác 0: câu lệnh trong nhật ký lộ giá trị");
	if (server_setting_number(facts, "log_parameter_max_length_on_error", 0) != 0)
		finding_say(finding, HEALTH_FAILURE, "log_parameter_max_length_on_error is not 0: errors show values",
			    "log_parameter_max_length_on_error khác 0: lỗi làm lộ giá trị");
	if (!streq(server_setting(facts, "log_error_verbosity", "default"), "terse"))
		finding_say(finding, HEALTH_FAILURE, "log_error_verbosity is not terse: the detail of an error shows whole rows",
			    "log_error_verbosity không phải terse: chi tiết lỗi lộ cả dòng dữ liệu");
	if (!streq(least, "panic") && !streq(least, "fatal") && !streq(least, "log"))
		finding_say(finding, HEALTH_WARNING, "log_min_error_statement is %s: what was typed by hand is logged with its values",
			    "log_min_error_statement là %s: lệnh gõ tay bị ghi cùng giá trị", least);
	if (finding->health == HEALTH_OK)
		finding_say(finding, HEALTH_OK, "no value reaches PostgreSQL's log", "không giá trị nào vào nhật ký PostgreSQL");
	else
		finding_advise(finding, "copy /usr/share/giothong/deploy/postgresql/giothong.conf into the server's conf.d, ALTER"
			       " SYSTEM RESET what stands against it; SELECT pg_reload_conf()",
			       "chép /usr/share/giothong/deploy/postgresql/giothong.conf vào conf.d của máy chủ, ALTER SYSTEM"
			       " RESET những gì trái với tệp đó; SELECT pg_reload_conf()");
}

static void judge_role(const struct doctor_facts *facts, struct finding *finding)
{
	const struct doctor_role *role = &facts->database.role;
	const struct { bool has; const char *en, *vi; } powers[] = {
		{ role->superuser, "is a superuser", "là superuser" },
		{ role->create_role, "may make roles", "được tạo vai trò" },
		{ role->create_database, "may make databases", "được tạo cơ sở dữ liệu" },
		{ role->replication, "may copy the whole server", "được sao chép cả máy chủ" },
		{ role->bypass_rls, "passes by row security", "bỏ qua bảo mật theo dòng" },
		{ role->creates_in_schema || role->creates_schemas, "may make tables", "được tạo bảng" },
		{ role->owned > 0, "owns tables, and so may do anything to them", "là chủ của bảng nên làm gì cũng được" },
	};

	if (!role->known) {
		finding_say(finding, HEALTH_SKIPPED, "the server did not tell", "máy chủ không cho biết");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(powers); i++)
		if (powers[i].has)
			finding_say(finding, HEALTH_FAILURE, "%s %s%.0s", "%s %.0s%s", role->name, powers[i].en,
				    powers[i].vi);
	if (*role->memberships)
		finding_say(finding, HEALTH_FAILURE, "%s may act as %s", "%s được hành động như %s", role->name,
			    role->memberships);
	if (finding->health == HEALTH_OK)
		finding_say(finding, HEALTH_OK, "%s may only use its tables", "%s chỉ được dùng các bảng của mình", role->name);
	else
		finding_advise(finding,
			       "serve as a role of its own: ALTER ROLE %s NOSUPERUSER NOCREATEROLE NOCREATEDB NOREPLICATION"
			       " NOBYPASSRLS; REVOKE what was granted; the owner stays with giothong migrate",
			       "hãy dùng vai trò riêng: ALTER ROLE %s NOSUPERUSER NOCREATEROLE NOCREATEDB NOREPLICATION"
			       " NOBYPASSRLS; REVOKE quyền thừa; chủ sở hữu chỉ dành cho giothong migrate",
			       role->name);
}

static bool is_append_only(const struct doctor_table *table)
{
	return table->granted == (RIGHT_SELECT | RIGHT_INSERT);
}

static void write_rights(unsigned rights, char *out, size_t size)
{
	static const struct { unsigned right; const char *name; } names[] = {
		{ RIGHT_SELECT, "SELECT" }, { RIGHT_INSERT, "INSERT" }, { RIGHT_UPDATE, "UPDATE" },
		{ RIGHT_DELETE, "DELETE" }, { RIGHT_TRUNCATE, "TRUNCATE" }, { RIGHT_REFERENCES, "REFERENCES" },
		{ RIGHT_TRIGGER, "TRIGGER" },
	};
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if ((rights & names[i].right) && len + 16 < size)
			len += (size_t)snprintf(out + len, size - len, "%s%s", len ? ", " : "", names[i].name);
}

static void judge_table(const struct doctor_table *table, struct finding *finding)
{
	unsigned more = table->rights & ~table->granted, less = table->granted & ~table->rights;
	char text[100];

	/* Some columns more: told as the right that it is. */
	if (!(table->rights & RIGHT_UPDATE) && table->update_columns > table->granted_columns)
		more |= RIGHT_UPDATE;
	if (!(table->rights & RIGHT_UPDATE) && table->update_columns < table->granted_columns)
		less |= RIGHT_UPDATE;
	if (more) {
		write_rights(more, text, sizeof(text));
		finding_say(finding, is_append_only(table) ? HEALTH_FAILURE : HEALTH_WARNING,
			    is_append_only(table) ? "%s on %s, which is append-only" : "%s on %s, more than was given",
			    is_append_only(table) ? "%s trên %s, vốn chỉ được thêm" : "%s trên %s, nhiều hơn đã cấp", text,
			    table->name);
	}
	if (less) {
		write_rights(less, text, sizeof(text));
		finding_say(finding, HEALTH_FAILURE, "no %s on %s", "thiếu %s trên %s", text, table->name);
	}
}

static void judge_rights(const struct doctor_facts *facts, struct finding *finding)
{
	const struct doctor_database *database = &facts->database;
	const char *role = database->role.known ? database->role.name : "-";

	if (!database->rights_known) {
		finding_say(finding, HEALTH_SKIPPED, "the server did not tell", "máy chủ không cho biết");
		return;
	}
	/* A superuser has every right: that is said once, of the role. */
	if (database->role.known && database->role.superuser) {
		finding_say(finding, HEALTH_SKIPPED, "a superuser may do everything", "superuser làm được mọi việc");
		return;
	}
	for (size_t i = 0; i < database->ntables; i++)
		judge_table(&database->tables[i], finding);
	if (finding->health == HEALTH_OK)
		finding_say(finding, HEALTH_OK, "%zu tables: what the migrations gave and no more",
			    "%zu bảng: đúng như lược đồ đã cấp, không hơn", database->ntables);
	else
		finding_advise(finding, "as the owner: REVOKE from %s what is too much, GRANT it what is missing",
			       "với quyền chủ sở hữu: REVOKE quyền thừa của %s, GRANT quyền thiếu", role);
}

static void judge_schema(const struct doctor_facts *facts, struct finding *finding)
{
	const struct error *schema = &facts->database.schema;

	if (schema->code == ERR_NONE) {
		finding_say(finding, HEALTH_OK, "the schema is that of %s", "lược đồ đúng của bản %s", facts->version);
		return;
	}
	finding_say(finding, HEALTH_FAILURE, "%s%.0s", "%.0s%s", schema->detail[LANGUAGE_EN],
		    schema->detail[LANGUAGE_VI]);
	finding_advise(finding, "giothong migrate; if that refuses too, this program is not the one that made the schema:"
		       " install the newest package",
		       "giothong migrate; nếu vẫn từ chối thì chương trình này không phải bản đã tạo lược đồ: hãy cài gói"
		       " mới nhất");
}

static long connections_of_daemon(const struct doctor_machine *machine)
{
	/* Of each worker, and of the jobs' thread: for short reads, writes, slow ones. */
	return ((long)machine->workers + 1) * (machine->read_connections + 2);
}

static int daemons_alive(const struct doctor_database *database)
{
	int alive = 0;

	for (size_t i = 0; i < database->ndaemons; i++)
		alive += database->daemons[i].seen_ago <= 60;
	return alive;
}

static void judge_connections(const struct doctor_facts *facts, struct finding *finding)
{
	const struct doctor_database *database = &facts->database;
	int alive = daemons_alive(database), daemons = alive > 0 ? alive : 1;
	long needed = connections_of_daemon(&facts->machine) * daemons;
	long allowed = server_setting_number(facts, "max_connections", 0) -
		       server_setting_number(facts, "superuser_reserved_connections", 3) -
		       server_setting_number(facts, "reserved_connections", 0);

	if (!settings_are_known(facts, finding))
		return;
	if (database->role.known && database->role.connection_limit >= 0 && database->role.connection_limit < allowed)
		allowed = database->role.connection_limit;
	finding_say(finding, allowed < needed ? HEALTH_FAILURE : allowed < needed + COMMANDS ? HEALTH_WARNING : HEALTH_OK,
		    "%ld are needed (daemons: %d, workers of each: %d), %ld allowed",
		    "cần %ld (số chương trình: %d, số luồng mỗi chương trình: %d), được phép %ld", needed, daemons,
		    facts->machine.workers, allowed);
	if (finding->health != HEALTH_OK)
		finding_advise(finding, "raise max_connections (and the role's CONNECTION LIMIT), or lower workers.count",
			       "hãy tăng max_connections (và CONNECTION LIMIT của vai trò), hoặc giảm workers.count");
}

static void judge_upkeep(const struct doctor_facts *facts, struct finding *finding)
{
	int64_t age = facts->database.oldest_xid_age;

	if (!settings_are_known(facts, finding))
		return;
	if (streq(server_setting(facts, "autovacuum", "on"), "off") || streq(server_setting(facts, "track_counts", "on"), "off")) {
		finding_say(finding, HEALTH_WARNING, "autovacuum is off: tables grow and plans go bad",
			    "autovacuum đang tắt: bảng phình ra và truy vấn chậm dần");
		finding_advise(finding, "autovacuum = on, track_counts = on", "autovacuum = on, track_counts = on");
	}
	if (age > xids_many) {
		finding_say(finding, age > xids_too_many ? HEALTH_FAILURE : HEALTH_WARNING,
			    "the oldest transaction is %lld back: at two thousand million writes stop",
			    "giao dịch cũ nhất cách %lld: đến hai tỷ thì không ghi được nữa", (long long)age);
		finding_advise(finding, "end old transactions and prepared ones; VACUUM FREEZE as the owner",
			       "kết thúc giao dịch cũ và prepared transaction; VACUUM FREEZE với quyền chủ sở hữu");
	}
	if (finding->health == HEALTH_OK)
		finding_say(finding, HEALTH_OK, "autovacuum is on, the oldest transaction is %lld back",
			    "autovacuum đang bật, giao dịch cũ nhất cách %lld", (long long)age);
}

static void judge_clock(const struct doctor_facts *facts, struct finding *finding)
{
	int64_t us = facts->database.clock_ahead_us, apart = us < 0 ? -us : us;

	if (!settings_are_known(facts, finding))
		return;
	finding_say(finding, apart > CLOCK_APART_US ? HEALTH_FAILURE : apart > CLOCK_SAME_US ? HEALTH_WARNING : HEALTH_OK,
		    us < 0 ? "this machine's clock is %lld ms behind the database's"
			   : "this machine's clock is %lld ms ahead of the database's",
		    us < 0 ? "đồng hồ máy này chậm hơn đồng hồ cơ sở dữ liệu %lld ms"
			   : "đồng hồ máy này nhanh hơn đồng hồ cơ sở dữ liệu %lld ms",
		    (long long)(apart / 1000));
	if (finding->health != HEALTH_OK)
		finding_advise(finding, "keep both clocks by NTP", "giữ cả hai đồng hồ bằng NTP");
}

const struct doctor_check doctor_database_checks[] = {
	{ "database", NEEDS_SETTINGS, judge_reach },
	{ "database.version", NEEDS_DATABASE, judge_version },
	{ "database.encoding", NEEDS_DATABASE, judge_encoding },
	{ "database.checksums", NEEDS_DATABASE, judge_checksums },
	{ "database.durability", NEEDS_DATABASE, judge_durability },
	{ "database.log", NEEDS_DATABASE, judge_log },
	{ "database.clock", NEEDS_DATABASE, judge_clock },
	{ "database.role", NEEDS_DATABASE, judge_role },
	{ "database.rights", NEEDS_DATABASE, judge_rights },
	{ "database.schema", NEEDS_DATABASE, judge_schema },
	{ "database.connections", NEEDS_DATABASE, judge_connections },
	{ "database.upkeep", NEEDS_DATABASE, judge_upkeep },
	{ 0 }
};
