#include <stdio.h>

#include "base/text.h"
#include "domain/doctor_checks.h"

/* What is there to go back to when the disk is lost. */

enum { HOUR = 3600, DAY = 24 * HOUR, OLD = 2 * DAY, TOO_OLD = 7 * DAY };

static bool server_archives(const struct doctor_facts *facts)
{
	return !streq(server_setting(facts, "archive_mode", "off"), "off");
}

/* ---- copies by giothong backup ---- */

static int64_t younger(int64_t a, int64_t b)
{
	if (a < 0 || b < 0)
		return a < 0 ? b : a;
	return a < b ? a : b;
}

/* Seconds; below 0: there is none. False: nobody can tell. */
static bool find_age(const struct doctor_facts *facts, struct finding *finding, int64_t *age)
{
	const struct doctor_backups *backups = &facts->machine.backups;
	const struct doctor_database *database = &facts->database;

	*age = backups->newest_age;
	if (backups->named && !backups->known) {
		finding_say(finding, HEALTH_FAILURE, "%s cannot be read: %s", "không đọc được %s: %s", backups->folder,
			    backups->why);
		finding_advise(finding, "name the folder that \"giothong backup\" writes into",
			       "hãy nêu thư mục mà \"giothong backup\" ghi vào");
		return false;
	}
	if (backups->named)
		return true;
	if (!backups->known && !database->backup_known) {
		finding_say(finding, HEALTH_SKIPPED, "neither %s nor the record can be read",
			    "không đọc được cả %s lẫn nhật ký kiểm tra", backups->folder);
		return false;
	}
	*age = younger(backups->known ? backups->newest_age : -1, database->backup_known ? database->backup_age : -1);
	return true;
}

/* An archive of the server's log can bring back more, so that an old copy is no failure beside it. */
static enum health health_of_age(const struct doctor_facts *facts, int64_t age)
{
	if (age <= OLD)
		return HEALTH_OK;
	return age <= TOO_OLD || server_archives(facts) ? HEALTH_WARNING : HEALTH_FAILURE;
}

static void judge_none(const struct doctor_facts *facts, struct finding *finding)
{
	const struct doctor_database *database = &facts->database;

	if (database->backup_known && database->age <= OLD)
		finding_say(finding, HEALTH_OK, "none yet; the database is %lld h old",
			    "chưa có; cơ sở dữ liệu mới được %lld giờ", (long long)(database->age / HOUR));
	else if (server_archives(facts))
		finding_say(finding, HEALTH_OK, "none by \"giothong backup\"; the server archives its log",
			    "chưa có bản nào do \"giothong backup\" tạo; máy chủ có lưu trữ nhật ký ghi trước");
	else if (facts->machine.backups.named)
		finding_say(finding, health_of_age(facts, database->backup_known ? database->age : TOO_OLD),
			    "there is none in %s", "không có bản nào trong %s", facts->machine.backups.folder);
	else
		finding_say(finding, health_of_age(facts, database->backup_known ? database->age : TOO_OLD),
			    "none was ever made", "chưa từng có bản nào");
}

static void judge_backup(const struct doctor_facts *facts, struct finding *finding)
{
	int64_t age;

	if (!find_age(facts, finding, &age))
		return;
	if (age < 0)
		judge_none(facts, finding);
	else
		finding_say(finding, health_of_age(facts, age), "the last one was made %lld h ago",
			    "bản gần nhất được tạo %lld giờ trước", (long long)(age / HOUR));
	if (finding->health != HEALTH_OK)
		finding_advise(finding,
			       "giothong backup FOLDER --keep 14, each night: systemctl enable --now giothong-backup.timer;"
			       " journalctl -u giothong-backup says what went wrong",
			       "giothong backup FOLDER --keep 14 mỗi đêm: systemctl enable --now giothong-backup.timer;"
			       " journalctl -u giothong-backup cho biết lỗi");
}

/* ---- the archive of the server's log ---- */

static bool some_daemon_writes(const struct doctor_database *database)
{
	return database->ndaemons > 0 && database->daemons[0].seen_ago <= HOUR;
}

static void judge_archiver(const struct doctor_facts *facts, struct finding *finding)
{
	const struct doctor_database *database = &facts->database;
	long timeout = server_setting_number(facts, "archive_timeout", 0);

	if (database->archive_fails)
		finding_say(finding, HEALTH_FAILURE, "%s could not be archived %lld s ago, and nothing since",
			    "không lưu trữ được %s cách đây %lld giây, từ đó chưa được gì", database->archive_failed_file,
			    (long long)database->archive_failed_ago);
	else if (database->archived_ago < 0)
		finding_say(finding, HEALTH_OK, "on; there was nothing to archive yet", "đang bật; chưa có gì để lưu trữ");
	else if (timeout > 0 && database->archived_ago > timeout + HOUR && some_daemon_writes(database))
		finding_say(finding, HEALTH_WARNING, "nothing was archived for %lld s: archive_command may hang",
			    "đã %lld giây không lưu trữ được gì: archive_command có thể bị treo",
			    (long long)database->archived_ago);
	else
		finding_say(finding, HEALTH_OK, "the last file was archived %lld s ago", "tệp gần nhất được lưu trữ %lld giây trước",
			    (long long)database->archived_ago);
	if (finding->health != HEALTH_OK)
		finding_advise(finding,
			       "PostgreSQL's log says why; sudo -u postgres pgbackrest --stanza=giothong check;"
			       " until it works pg_wal grows, and a full disk stops everything",
			       "xem nhật ký PostgreSQL; sudo -u postgres pgbackrest --stanza=giothong check;"
			       " chưa sửa thì pg_wal lớn dần, đĩa đầy là dừng tất cả");
}

static void judge_archive(const struct doctor_facts *facts, struct finding *finding)
{
	if (!facts->database.settings_known || !facts->database.archiver_known) {
		finding_say(finding, HEALTH_SKIPPED, "the server did not tell", "máy chủ không cho biết");
		return;
	}
	if (!server_archives(facts)) {
		finding_say(finding, HEALTH_OK, "archive_mode is off: with the disk goes what came after the last copy",
			    "archive_mode đang tắt: hỏng đĩa là mất những gì có sau bản sao lưu gần nhất");
		return;
	}
	if (!*server_setting(facts, "archive_command", "") && !*server_setting(facts, "archive_library", "")) {
		finding_say(finding, HEALTH_FAILURE, "archive_mode is on, and archive_command is not set: the log piles up",
			    "archive_mode bật mà chưa đặt archive_command: nhật ký ghi trước dồn lại");
		finding_advise(finding, "set archive_command (deploy/pgbackrest), or archive_mode = off and restart PostgreSQL",
			       "đặt archive_command (deploy/pgbackrest), hoặc archive_mode = off rồi khởi động lại PostgreSQL");
		return;
	}
	judge_archiver(facts, finding);
}

/* ---- who must not come back ---- */

static void judge_journal(const struct doctor_facts *facts, struct finding *finding)
{
	const struct doctor_journal *journal = &facts->machine.journal;
	const struct doctor_database *database = &facts->database;

	if (journal->unset)
		finding_say(finding, HEALTH_FAILURE, "erasure.journal is not set, and beside the keys a daemon of systemd may not"
			    " write: no donor can be erased",
			    "chưa đặt erasure.journal, mà cạnh thư mục khóa thì tiến trình của systemd không được ghi: không xóa"
			    " được ai");
	else if (!journal->known)
		finding_say(finding, HEALTH_SKIPPED, "this user may not look at %s", "người dùng này không được xem %s",
			    journal->path);
	else if (journal->why)
		finding_say(finding, HEALTH_FAILURE, "%s cannot be written (%s): no donor can be erased",
			    "không ghi được %s (%s): không xóa được ai", journal->path, journal->why);
	if (finding->health == HEALTH_FAILURE)
		finding_advise(finding, "erasure.journal = a file in a folder of the daemon's user, as"
			       " /var/lib/giothong/erasures.journal of the package",
			       "erasure.journal = một tệp trong thư mục của người dùng chạy tiến trình, như"
			       " /var/lib/giothong/erasures.journal của gói");
	if (journal->unset || !journal->known)
		return;
	if (database->erasures_missing > 0) {
		finding_say(finding, HEALTH_FAILURE, "%lld persons were erased whom %s does not name: a backup would bring them"
			    " back", "%lld người đã xóa mà %s không ghi: khôi phục bản sao lưu sẽ đưa họ trở lại",
			    (long long)database->erasures_missing, journal->path);
		finding_advise(finding, "a running daemon writes them down within a minute; its log says why not"
			       " (erasure_journal_failed)",
			       "tiến trình đang chạy sẽ ghi trong vòng một phút; nếu không, xem nhật ký (erasure_journal_failed)");
	}
	if (database->erasures_back > 0) {
		finding_say(finding, HEALTH_FAILURE, "%lld records that were erased are here again",
			    "%lld hồ sơ đã xóa nay có lại", (long long)database->erasures_back);
		finding_advise(finding, "an older database was brought back: stop the daemons, giothong erasure replay",
			       "cơ sở dữ liệu cũ đã được phục hồi: dừng các tiến trình, chạy giothong erasure replay");
	}
	if (finding->health == HEALTH_OK && !database->erasures_known)
		finding_say(finding, HEALTH_OK, "%s can be written; not held against the database", "ghi được %s; chưa đối chiếu với cơ"
			    " sở dữ liệu", journal->path);
	else if (finding->health == HEALTH_OK)
		finding_say(finding, HEALTH_OK, "%s names %zu persons; keep a copy with that of the keys, no backup has it",
			    "%s ghi %zu người; hãy giữ bản sao cùng bản sao của khóa, bản sao lưu không kèm sổ này",
			    journal->path, journal->persons);
}

const struct doctor_check doctor_backup_checks[] = {
	{ "backup", NEEDS_SETTINGS, judge_backup },
	{ "database.archive", NEEDS_DATABASE, judge_archive },
	{ "erasure.journal", NEEDS_SETTINGS, judge_journal },
	{ 0 }
};
