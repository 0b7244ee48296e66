#include "domain/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "domain/doctor_checks.h"

const char *health_text(enum health health)
{
	static const char *const texts[HEALTH_COUNT] = {
		[HEALTH_OK] = "ok", [HEALTH_NOTE] = "note", [HEALTH_SKIPPED] = "skipped", [HEALTH_WARNING] = "warning",
		[HEALTH_FAILURE] = "failure",
	};

	return (unsigned)health < HEALTH_COUNT ? texts[health] : "unknown";
}

/* A cut must not leave half a character behind: the text goes into JSON. */
static void trim_partial_character(char *text, size_t len)
{
	size_t start = len;

	while (start > 0 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
		start--;
	if (start > 0 && (unsigned char)text[start - 1] >= 0xc0)
		text[start - 1] = '\0';
}

/* Appends, behind "; " where there is something already. */
__attribute__((format(printf, 3, 0)))
static void join(char *out, size_t size, const char *fmt, va_list args)
{
	size_t len = strlen(out);
	int more;

	if (len + 3 > size)
		return;
	if (len > 0) {
		memcpy(out + len, "; ", 3);
		len += 2;
	}
	more = vsnprintf(out + len, size - len, fmt, args);
	if (more > 0 && (size_t)more >= size - len)
		trim_partial_character(out, size - 1);
}

void finding_say(struct finding *finding, enum health health, const char *en, const char *vi, ...)
{
	va_list args;

	if (health > finding->health)
		finding->health = health;
	va_start(args, vi);
	join(finding->found[LANGUAGE_EN], sizeof(finding->found[0]), en, args);
	va_end(args);
	va_start(args, vi);
	join(finding->found[LANGUAGE_VI], sizeof(finding->found[0]), vi, args);
	va_end(args);
}

void finding_advise(struct finding *finding, const char *en, const char *vi, ...)
{
	va_list args;

	va_start(args, vi);
	join(finding->todo[LANGUAGE_EN], sizeof(finding->todo[0]), en, args);
	va_end(args);
	va_start(args, vi);
	join(finding->todo[LANGUAGE_VI], sizeof(finding->todo[0]), vi, args);
	va_end(args);
}

static bool can_judge(const struct doctor_check *check, const struct doctor_facts *facts, struct finding *finding)
{
	if (check->need != NEEDS_NOTHING && facts->machine.file.error.code != ERR_NONE) {
		finding_say(finding, HEALTH_SKIPPED, "not looked at: the settings cannot be read",
			    "chưa xem được: không đọc được thiết đặt");
		return false;
	}
	if (check->need == NEEDS_DATABASE && !facts->database.reached) {
		finding_say(finding, HEALTH_SKIPPED, "not looked at: the database does not answer",
			    "chưa xem được: cơ sở dữ liệu không trả lời");
		return false;
	}
	return true;
}

size_t doctor_judge(const struct doctor_facts *facts, struct finding out[DOCTOR_FINDINGS])
{
	static const struct doctor_check *const tables[] = {
		doctor_machine_checks, doctor_database_checks, doctor_backup_checks, doctor_key_checks,
		doctor_work_checks, doctor_rule_checks, doctor_amount_checks,
	};
	size_t count = 0;

	for (size_t t = 0; t < ARRAY_SIZE(tables); t++)
		for (const struct doctor_check *check = tables[t]; check->name && count < DOCTOR_FINDINGS; check++) {
			struct finding *finding = &out[count++];

			memset(finding, 0, sizeof(*finding));
			finding->name = check->name;
			if (can_judge(check, facts, finding))
				check->judge(facts, finding);
		}
	return count;
}
