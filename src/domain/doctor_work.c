#include <stdio.h>

#include "base/memory.h"
#include "base/text.h"
#include "domain/doctor_checks.h"
#include "domain/eligibility_rules.h"

/* What the daemons do on that database, and what people must keep up to date. */

enum {
	ALIVE_SECONDS = 60,
	UNSEALED_LONG_SECONDS = 600,
	HOLIDAYS_DAYS = 60
};

static bool is_alive(const struct doctor_daemon *daemon)
{
	return daemon->seen_ago <= ALIVE_SECONDS;
}

static size_t count_alive(const struct doctor_database *database)
{
	size_t alive = 0;

	for (size_t i = 0; i < database->ndaemons; i++)
		alive += is_alive(&database->daemons[i]);
	return alive;
}

/* Versions may stand beside each other for an upgrade: the same first number, the second one apart by one. */
static bool are_neighbours(const char *a, const char *b)
{
	int x[2] = { 0 }, y[2] = { 0 };

	if (sscanf(a, "%d.%d", &x[0], &x[1]) < 1 || sscanf(b, "%d.%d", &y[0], &y[1]) < 1)
		return false;
	return x[0] == y[0] && x[1] - y[1] <= 1 && y[1] - x[1] <= 1;
}

static void judge_versions(const struct doctor_facts *facts, struct finding *finding)
{
	const struct doctor_database *database = &facts->database;

	for (size_t i = 0; i < database->ndaemons; i++) {
		const struct doctor_daemon *daemon = &database->daemons[i];

		if (!is_alive(daemon) || streq(daemon->version, facts->version))
			continue;
		if (are_neighbours(daemon->version, facts->version))
			finding_say(finding, HEALTH_WARNING, "a daemon on %s is version %s, this program %s",
				    "một chương trình trên %s là bản %s, chương trình này là %s", daemon->host,
				    daemon->version, facts->version);
		else
			finding_say(finding, HEALTH_FAILURE, "a daemon on %s is version %s, which may not run beside %s",
				    "một chương trình trên %s là bản %s, không được chạy cùng bản %s", daemon->host,
				    daemon->version, facts->version);
	}
	if (finding->health != HEALTH_OK)
		finding_advise(finding, "end the upgrade: restart one daemon after the other (giothong-restart)",
			       "hoàn tất nâng cấp: khởi động lại từng chương trình một (giothong-restart)");
}

static void judge_daemons(const struct doctor_facts *facts, struct finding *finding)
{
	const struct doctor_database *database = &facts->database;
	size_t alive = count_alive(database);

	if (!database->daemons_known) {
		finding_say(finding, HEALTH_SKIPPED, "the table of daemons cannot be read", "không đọc được bảng chương trình");
		return;
	}
	if (alive == 0) {
		if (database->ndaemons == 0)
			finding_say(finding, HEALTH_WARNING, "no daemon was seen today", "hôm nay không thấy chương trình nào chạy");
		else
			finding_say(finding, HEALTH_WARNING, "no daemon runs; the last one was seen %d s ago, on %s",
				    "không chương trình nào chạy; lần cuối thấy %d giây trước, trên %s",
				    database->daemons[0].seen_ago, database->daemons[0].host);
		finding_advise(finding, "systemctl start giothong.target, or giothongd by hand",
			       "systemctl start giothong.target, hoặc chạy giothongd");
		return;
	}
	judge_versions(facts, finding);
	if (finding->health == HEALTH_OK)
		finding_say(finding, HEALTH_OK, "%zu, of version %s", "%zu, bản %s", alive, facts->version);
}

/* Days that one counts by other rules than the next stand side by side in the lists. */
static void judge_rules(const struct doctor_facts *facts, struct finding *finding)
{
	const struct doctor_database *database = &facts->database;

	if (!database->daemons_known || !facts->rules || !facts->rules->edition) {
		finding_say(finding, HEALTH_SKIPPED, "the rules of daemons cannot be told", "không rõ các chương trình dùng bộ quy tắc nào");
		return;
	}
	for (size_t i = 0; i < database->ndaemons; i++) {
		const struct doctor_daemon *daemon = &database->daemons[i];

		if (is_alive(daemon) && daemon->rules && !streq(daemon->rules, facts->rules->edition))
			finding_say(finding, HEALTH_WARNING, "a daemon on %s decides by the rules %s, not by %s",
				    "một chương trình trên %s dùng bộ quy tắc %s, không phải %s", daemon->host, daemon->rules,
				    facts->rules->edition);
	}
	if (finding->health == HEALTH_OK)
		finding_say(finding, HEALTH_OK, "all by %s", "tất cả dùng %s", facts->rules->edition);
	else
		finding_advise(finding, "restart it with these settings, then: giothong eligibility recompute",
			       "hãy khởi động lại với cấu hình này, rồi: giothong eligibility recompute");
}

static void judge_sealing(const struct doctor_facts *facts, struct finding *finding)
{
	const struct doctor_database *database = &facts->database;
	bool running = count_alive(database) > 0;

	if (!database->sealing_known) {
		finding_say(finding, HEALTH_SKIPPED, "the tables of the audit cannot be read", "không đọc được bảng nhật ký kiểm tra");
		return;
	}
	if (database->unsealed == 0) {
		finding_say(finding, HEALTH_OK, "every entry older than a minute is sealed",
			    "mọi mục cũ hơn một phút đã được niêm phong");
		return;
	}
	finding_say(finding, running && database->unsealed_age > UNSEALED_LONG_SECONDS ? HEALTH_FAILURE : HEALTH_WARNING,
		    "%lld entries are not sealed, the oldest for %lld s",
		    "%lld mục chưa được niêm phong, mục cũ nhất đã %lld giây", (long long)database->unsealed,
		    (long long)database->unsealed_age);
	if (running)
		finding_advise(finding, "look for audit_seal in the daemons' logs; a transaction that stays open holds it up",
			       "tìm audit_seal trong nhật ký chương trình; giao dịch mở lâu cũng làm nó chậm");
	else
		finding_advise(finding, "start a daemon: it seals", "hãy chạy chương trình: nó sẽ niêm phong");
}

static void judge_tokens(const struct doctor_facts *facts, struct finding *finding)
{
	const struct doctor_database *database = &facts->database;

	if (!database->tokens_known) {
		finding_say(finding, HEALTH_SKIPPED, "the table of tokens cannot be read", "không đọc được bảng mã truy cập");
		return;
	}
	if (database->tokens_ending > 0) {
		finding_say(finding, HEALTH_WARNING, "%d end within two weeks", "%d mã hết hạn trong hai tuần tới",
			    database->tokens_ending);
		finding_advise(finding, "giothong token list; make new ones and hand them out in time",
			       "giothong token list; tạo mã mới và giao kịp thời");
	}
	if (database->tokens_on_ended_units > 0) {
		finding_say(finding, HEALTH_WARNING, "%d are only for units that have ended, and can only read",
			    "%d mã chỉ thuộc các đơn vị đã kết thúc, chỉ còn đọc được", database->tokens_on_ended_units);
		finding_advise(finding, "giothong token list; make new ones for the units of today",
			       "giothong token list; tạo mã mới cho các đơn vị hiện nay");
	}
	if (finding->health == HEALTH_OK)
		finding_say(finding, HEALTH_OK, "none ends within two weeks", "không mã nào hết hạn trong hai tuần tới");
}

/* Tokens are made with the command; what people decide, such as the second person's word, needs a person. */
static void judge_admins(const struct doctor_facts *facts, struct finding *finding)
{
	const struct doctor_database *database = &facts->database;

	if (!database->admins_known) {
		finding_say(finding, HEALTH_SKIPPED, "the table of accounts cannot be read", "không đọc được bảng tài khoản");
		return;
	}
	if (database->admins > 0) {
		finding_say(finding, HEALTH_OK, "%d may log in, %d of them by a password alone",
			    "%d người được đăng nhập, %d người chỉ dùng mật khẩu", database->admins,
			    database->admins_password_alone);
		return;
	}
	finding_say(finding, HEALTH_WARNING, "no administrator has an account that may log in",
		    "không quản trị viên nào có tài khoản đăng nhập được");
	finding_advise(finding, "giothong user add LOGIN --role admin --name NAME; or giothong user enable LOGIN",
		       "giothong user add LOGIN --role admin --name NAME; hoặc giothong user enable LOGIN");
}

/* A place was abolished, and whoever worked for it finds that nothing can be written. */
static void judge_accounts(const struct doctor_facts *facts, struct finding *finding)
{
	const struct doctor_database *database = &facts->database;

	if (!database->accounts_known) {
		finding_say(finding, HEALTH_SKIPPED, "the scopes of accounts cannot be read", "không đọc được phạm vi của tài khoản");
		return;
	}
	if (database->accounts_on_ended_units == 0) {
		finding_say(finding, HEALTH_OK, "each has the whole province, or a unit of today",
			    "mỗi tài khoản có cả tỉnh, hoặc một đơn vị hiện nay");
		return;
	}
	finding_say(finding, HEALTH_WARNING, "%d accounts are only for units that have ended, and can only read",
		    "%d tài khoản chỉ thuộc các đơn vị đã kết thúc, chỉ còn đọc được", database->accounts_on_ended_units);
	finding_advise(finding, "giothong user list --json shows their units; an administrator gives them others: PATCH /api/v1/users/ID",
		       "giothong user list --json cho biết đơn vị của họ; quản trị viên đổi bằng PATCH /api/v1/users/ID");
}

static void judge_holidays(const struct doctor_facts *facts, struct finding *finding)
{
	const struct doctor_database *database = &facts->database;
	char day[DATE_TEXT_SIZE];

	if (!database->calendar_known) {
		finding_say(finding, HEALTH_SKIPPED, "the calendar cannot be read", "không đọc được lịch");
		return;
	}
	if (date_is_none(database->holidays_known_to)) {
		finding_say(finding, HEALTH_WARNING, "no holiday is loaded", "chưa nạp ngày nghỉ nào");
		finding_advise(finding, "giothong migrate loads them", "giothong migrate sẽ nạp");
		return;
	}
	date_format(database->holidays_known_to, day);
	if (date_compare(database->holidays_known_to, date_add_days(facts->today, HOLIDAYS_DAYS)) < 0) {
		finding_say(finding, HEALTH_WARNING, "holidays are known only to %s: no plan beyond can be proposed",
			    "ngày nghỉ chỉ được biết đến %s: chưa đề xuất được kế hoạch sau đó", day);
		finding_advise(finding, "install the version that has the next year's holidays, then giothong migrate",
			       "cài bản có ngày nghỉ năm sau, rồi chạy giothong migrate");
		return;
	}
	finding_say(finding, HEALTH_OK, "holidays are known to %s", "ngày nghỉ được biết đến %s", day);
}

static void judge_units(const struct doctor_facts *facts, struct finding *finding)
{
	const struct doctor_database *database = &facts->database;

	if (!database->calendar_known) {
		finding_say(finding, HEALTH_SKIPPED, "the units cannot be read", "không đọc được các đơn vị");
		return;
	}
	if (database->rounds_on_ended_units == 0) {
		finding_say(finding, HEALTH_OK, "each round to come is at units of its day",
			    "mọi đợt sắp tới đều ở đơn vị có vào ngày đó");
		return;
	}
	finding_say(finding, HEALTH_WARNING, "%d rounds to come are at units that will not be there on their day",
		    "%d đợt sắp tới ở đơn vị không còn vào ngày đó", database->rounds_on_ended_units);
	finding_advise(finding, "give them the units that follow: PATCH the round, or import its plan again",
		       "hãy đổi sang đơn vị kế tiếp: PATCH đợt đó, hoặc nhập lại kế hoạch");
}

const struct doctor_check doctor_work_checks[] = {
	{ "daemons", NEEDS_DATABASE, judge_daemons },
	{ "daemons.rules", NEEDS_DATABASE, judge_rules },
	{ "audit.sealing", NEEDS_DATABASE, judge_sealing },
	{ "access.tokens", NEEDS_DATABASE, judge_tokens },
	{ "access.admins", NEEDS_DATABASE, judge_admins },
	{ "access.scopes", NEEDS_DATABASE, judge_accounts },
	{ "places.holidays", NEEDS_DATABASE, judge_holidays },
	{ "places.units", NEEDS_DATABASE, judge_units },
	{ 0 }
};
