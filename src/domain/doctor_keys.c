#include "base/text.h"
#include "domain/doctor_checks.h"

/* The keys as the database remembers them, held against those at hand and those of the running daemons. */

enum { ROTATION_DAYS = 1, OLD_DAYS = 550 };

static const struct doctor_key *find_held(const struct doctor_keyring *keyring, const char *name)
{
	for (size_t i = 0; i < keyring->nheld; i++)
		if (streq(keyring->held[i].name, name))
			return &keyring->held[i];
	return NULL;
}

static void judge_at_hand(const struct doctor_keyring *keyring, const struct doctor_key *key, struct finding *finding)
{
	const struct doctor_key *held = find_held(keyring, key->name);

	if (held && !streq(held->fingerprint, key->fingerprint)) {
		finding_say(finding, HEALTH_FAILURE, "%s in %s is another key than this database's",
			    "%s trong %s không phải khóa của cơ sở dữ liệu này", key->name, keyring->dir);
		finding_advise(finding, "bring back the keyring that belongs to this database",
			       "khôi phục đúng bộ khóa của cơ sở dữ liệu này");
	} else if (!held) {
		bool in_use = streq(key->state, "active") || streq(key->state, "dual");

		finding_say(finding, in_use ? HEALTH_FAILURE : HEALTH_WARNING, "%s (%s) is not in %s",
			    "%s (%s) không có trong %s", key->name, key->state, keyring->dir);
		finding_advise(finding, "copy the file of %s there, from another host or from a copy",
			       "chép tệp của %s vào đó, từ máy khác hoặc từ bản sao", key->name);
	}
}

static void judge_use(const struct doctor_key *key, struct finding *finding)
{
	bool moving = streq(key->state, "staged") || streq(key->state, "dual");

	if (key->lacking > 0) {
		finding_say(finding, HEALTH_WARNING, "%d running daemons do not have %s",
			    "%d chương trình đang chạy không có %s", key->lacking, key->name);
		finding_advise(finding, "giothong keyring list says which, and what to do",
			       "giothong keyring list cho biết chương trình nào và cách xử lý");
	}
	if (moving && key->unchanged_days >= ROTATION_DAYS) {
		finding_say(finding, HEALTH_WARNING, "the rotation of %s stands still for %d days",
			    "việc xoay khóa %s đã dừng %d ngày", key->name, key->unchanged_days);
		finding_advise(finding, "run giothong keyring rotate again: it goes on where it stopped",
			       "chạy lại giothong keyring rotate: lệnh tiếp tục chỗ đã dừng");
	}
	if (streq(key->state, "active") && key->unchanged_days > OLD_DAYS) {
		finding_say(finding, HEALTH_WARNING, "%s is in use for %d days", "%s đã dùng %d ngày", key->name,
			    key->unchanged_days);
		finding_advise(finding, "giothong keyring rotate, once a year", "giothong keyring rotate, mỗi năm một lần");
	}
}

static void judge_keys(const struct doctor_facts *facts, struct finding *finding)
{
	const struct doctor_database *database = &facts->database;
	const struct doctor_keyring *keyring = &facts->machine.keyring;

	if (!database->keys_known || database->nkeys == 0) {
		finding_say(finding, HEALTH_SKIPPED, "the database knows of no keys yet: the first start tells it",
			    "cơ sở dữ liệu chưa biết khóa nào: lần chạy đầu tiên sẽ ghi");
		return;
	}
	for (size_t i = 0; i < database->nkeys; i++) {
		if (keyring->known && keyring->error.code == ERR_NONE && *keyring->dir)
			judge_at_hand(keyring, &database->keys[i], finding);
		judge_use(&database->keys[i], finding);
	}
	if (finding->health == HEALTH_OK)
		finding_say(finding, HEALTH_OK, "%zu, as the database remembers them", "%zu, đúng như cơ sở dữ liệu ghi nhớ",
			    database->nkeys);
}

const struct doctor_check doctor_key_checks[] = {
	{ "database.keys", NEEDS_DATABASE, judge_keys },
	{ 0 }
};
