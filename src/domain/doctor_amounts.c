#include "base/buf.h"
#include "base/memory.h"
#include "domain/doctor_checks.h"
#include "domain/honour.h"
#include "domain/tariff.h"

/*
 * The tariff of gifts, the ladders of honours and the forms of certificates: can they be read, does something hold
 * today, and what a person must still look up or decide. The last are notes, since no machine can put them right.
 */

static void tell_unreadable(struct finding *finding, const struct error *err, const char *setting)
{
	for (size_t i = 0; i < err->nfields; i++)
		finding_say(finding, HEALTH_FAILURE, "%s %s%.0s", "%s %.0s%s", err->fields[i].pointer,
			    err->fields[i].detail[LANGUAGE_EN], err->fields[i].detail[LANGUAGE_VI]);
	finding_say(finding, HEALTH_FAILURE, "%s%.0s", "%.0s%s", err->detail[LANGUAGE_EN], err->detail[LANGUAGE_VI]);
	finding_advise(finding, "mend the file, or name another one in %s", "hãy sửa tệp, hoặc chọn tệp khác trong %s", setting);
}

/* ---- what is to be looked up ---- */

struct open_points {
	struct buf of[EVIDENCE_COUNT];           /* ids of rules and laws */
	struct buf answers;
	size_t     count;
};

static void append(struct buf *buf, const char *text)
{
	buf_printf(buf, "%s%s", buf->len > 0 ? ", " : "", text);
}

static void look_at_rules(struct open_points *points, const void *list, size_t count, size_t entry_size)
{
	for (size_t i = 0; i < count; i++) {
		const struct dated_rule *rule = (const struct dated_rule *)((const char *)list + i * entry_size);

		if (rule->evidence == EVIDENCE_SEEN)
			continue;
		append(&points->of[rule->evidence], rule->id);
		points->count++;
	}
}

static void look_at_laws(struct open_points *points, const struct law *laws, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (laws[i].evidence == EVIDENCE_SEEN)
			continue;
		append(&points->of[laws[i].evidence], laws[i].number);
		points->count++;
	}
}

static void look_at_answers(struct open_points *points, const struct open_question *questions,
			    const struct question_answer *answers)
{
	for (size_t i = 0; questions[i].name; i++) {
		if (answers[i].evidence == EVIDENCE_SEEN)
			continue;
		buf_printf(&points->answers, "%s%s = %s", points->answers.len > 0 ? ", " : "", questions[i].name,
			   questions[i].choices[answers[i].value]);
		points->count++;
	}
}

static const char *or_empty(const struct buf *buf)
{
	return buf->len > 0 ? buf->data : "";
}

static void tell_points(struct finding *finding, struct open_points *points)
{
	if (points->of[EVIDENCE_RECALLED].len > 0)
		finding_say(finding, HEALTH_NOTE, "written down from memory: %s", "ghi theo trí nhớ: %s",
			    or_empty(&points->of[EVIDENCE_RECALLED]));
	if (points->of[EVIDENCE_SEEN_UNOFFICIAL].len > 0)
		finding_say(finding, HEALTH_NOTE, "read only in somebody's words: %s", "chỉ đọc qua lời người khác: %s",
			    or_empty(&points->of[EVIDENCE_SEEN_UNOFFICIAL]));
	if (points->answers.len > 0)
		finding_say(finding, HEALTH_NOTE, "questions that the texts leave open: %s", "điểm văn bản để ngỏ: %s",
			    or_empty(&points->answers));
	if (points->count > 0)
		finding_advise(finding, "look them up, decide, and write \"seen\" into a copy of the file",
			       "hãy tra cứu, quyết định, rồi ghi \"seen\" trong một bản sao của tệp");
	else
		finding_say(finding, HEALTH_OK, "nothing is left to be looked up", "không còn gì phải tra cứu");
	for (int i = 0; i < EVIDENCE_COUNT; i++)
		buf_release(&points->of[i]);
	buf_release(&points->answers);
}

static void tell_skipped(struct finding *finding)
{
	finding_say(finding, HEALTH_SKIPPED, "there is no file to look at", "không có tệp để xem");
}

/* ---- gifts ---- */

static void judge_tariff(const struct doctor_facts *facts, struct finding *finding)
{
	const struct tariff *tariff = facts->tariff;
	size_t holding = 0;

	if (!tariff) {
		tell_unreadable(finding, &facts->tariff_error, "gifts.tariff");
		return;
	}
	for (size_t i = 0; i < tariff->ngifts; i++)
		holding += dated_rule_holds(&tariff->gifts[i].rule, facts->today);
	if (holding == 0) {
		finding_say(finding, HEALTH_WARNING, "%s: no amount holds today, so nothing is owed to anybody",
			    "%s: hôm nay không mức nào có hiệu lực, không ai được tính chế độ", tariff->id);
		finding_advise(finding, "write the circular that is in force into a copy of the file",
			       "hãy ghi thông tư đang có hiệu lực vào một bản sao của tệp");
		return;
	}
	finding_say(finding, HEALTH_OK, "%s: %zu amounts hold today", "%s: hôm nay có %zu mức có hiệu lực", tariff->id, holding);
}

static void judge_tariff_points(const struct doctor_facts *facts, struct finding *finding)
{
	const struct tariff *tariff = facts->tariff;
	struct open_points points = { 0 };

	if (!tariff) {
		tell_skipped(finding);
		return;
	}
	look_at_laws(&points, tariff->laws, tariff->nlaws);
	look_at_rules(&points, tariff->gifts, tariff->ngifts, sizeof(*tariff->gifts));
	look_at_rules(&points, tariff->averages, tariff->naverages, sizeof(*tariff->averages));
	look_at_answers(&points, tariff_questions, tariff->answers);
	tell_points(finding, &points);
}

/* ---- honours ---- */

static void judge_ladders(const struct doctor_facts *facts, struct finding *finding)
{
	const struct honour_rules *honours = facts->honours;
	size_t holding = 0;

	if (!honours) {
		tell_unreadable(finding, &facts->honours_error, "honours.ladders");
		return;
	}
	for (size_t i = 0; i < honours->nsteps; i++)
		holding += dated_rule_holds(&honours->steps[i].rule, facts->today);
	if (holding == 0) {
		finding_say(finding, HEALTH_WARNING, "%s: no step holds today, so nobody is a candidate",
			    "%s: hôm nay không mức nào có hiệu lực, không ai được đề nghị", honours->id);
		finding_advise(finding, "write the decision that is in force into a copy of the file",
			       "hãy ghi quyết định đang có hiệu lực vào một bản sao của tệp");
		return;
	}
	finding_say(finding, HEALTH_OK, "%s: %zu steps hold today", "%s: hôm nay có %zu mức có hiệu lực", honours->id, holding);
}

static void judge_ladder_points(const struct doctor_facts *facts, struct finding *finding)
{
	const struct honour_rules *honours = facts->honours;
	struct open_points points = { 0 };

	if (!honours) {
		tell_skipped(finding);
		return;
	}
	look_at_laws(&points, honours->laws, honours->nlaws);
	look_at_rules(&points, honours->steps, honours->nsteps, sizeof(*honours->steps));
	look_at_answers(&points, honour_questions, honours->answers);
	tell_points(finding, &points);
}

/* ---- certificates ---- */

static void judge_forms(const struct doctor_facts *facts, struct finding *finding)
{
	if (facts->forms_error.code != ERR_NONE)
		tell_unreadable(finding, &facts->forms_error, "certificates.form, certificates.preprinted_form");
	else
		finding_say(finding, HEALTH_OK, "certificates can be laid out on paper", "bố trí được giấy chứng nhận trên giấy");
}

const struct doctor_check doctor_amount_checks[] = {
	{ "gifts.tariff", NEEDS_SETTINGS, judge_tariff },
	{ "gifts.to_check", NEEDS_SETTINGS, judge_tariff_points },
	{ "honours.ladders", NEEDS_SETTINGS, judge_ladders },
	{ "honours.to_check", NEEDS_SETTINGS, judge_ladder_points },
	{ "certificates.forms", NEEDS_SETTINGS, judge_forms },
	{ 0 }
};
