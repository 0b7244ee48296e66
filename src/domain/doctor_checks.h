#ifndef DOMAIN_DOCTOR_CHECKS_H
#define DOMAIN_DOCTOR_CHECKS_H

#include "domain/doctor.h"

/* What a check needs to have been looked at; without it the check is skipped, and that is said. */
enum doctor_need { NEEDS_NOTHING, NEEDS_SETTINGS, NEEDS_DATABASE };

struct doctor_check {
	const char      *name;
	enum doctor_need need;
	void           (*judge)(const struct doctor_facts *facts, struct finding *finding);
};

/* Each ended by a zeroed row. */
extern const struct doctor_check doctor_machine_checks[], doctor_database_checks[], doctor_work_checks[],
	doctor_key_checks[], doctor_rule_checks[], doctor_amount_checks[], doctor_backup_checks[];

/* Of the database's server. A missing setting is of another version of it: its default is fine. */
const char *server_setting(const struct doctor_facts *facts, const char *name, const char *if_missing);
long server_setting_number(const struct doctor_facts *facts, const char *name, long if_missing);

/*
 * What was found, and what to do, in both languages. Said more than once, the worst health stays, and
 * the texts are joined.
 */
void finding_say(struct finding *finding, enum health health, const char *en, const char *vi, ...)
	__attribute__((format(printf, 3, 5), format(printf, 4, 5)));
void finding_advise(struct finding *finding, const char *en, const char *vi, ...)
	__attribute__((format(printf, 2, 4), format(printf, 3, 4)));

#endif
