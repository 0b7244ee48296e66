#include "cli/commands.h"

#include <stdio.h>

#include "app/rules.h"
#include "domain/eligibility.h"
#include "wire/eligibility_wire.h"

/*
 * `giothong eligibility rules`: the rule set, rule by rule, for a doctor who
 * checks it against the circular. `giothong eligibility check FILE`: a verdict
 * without a daemon. Neither asks the database; nothing is stored.
 */

static const char *const evidence_words[EVIDENCE_COUNT][LANGUAGE_COUNT] = {
	[EVIDENCE_SEEN] = { "read in the law", "đã đọc trong văn bản" },
	[EVIDENCE_SEEN_UNOFFICIAL] = { "READ ONLY IN SOMEBODY'S WORDS", "CHỈ ĐỌC QUA LỜI NGƯỜI KHÁC" },
	[EVIDENCE_RECALLED] = { "FROM MEMORY", "GHI THEO TRÍ NHỚ" },
};

/* The set of --rules, else of the settings where they are named, else the usual one. NULL and cli->error. */
static struct eligibility_rules *open_rules(struct cli *cli)
{
	const char *name = cli_option(cli, "rules", 0);

	if (!name && setup_has_database(cli->setup) && !setup_read(cli->setup, &cli->error))
		return NULL;
	return rules_open(name ? name : cli->setup->config.eligibility_rules, RULES_TO_LOOK_AT, &cli->error);
}

/* ---- rules ---- */

struct listing {
	struct cli *cli;
	bool        open_only;           /* what a person must still check */
	size_t      count, nparameters;  /* of which are open questions */
};

static const char *text_of(struct cli *cli, const struct rule *rule, enum language language)
{
	struct buf buf = { 0 };
	const char *text;

	eligibility_rule_text(&buf, rule, language);
	text = arena_strdup(&cli->arena, buf.data);
	buf_release(&buf);
	return text;
}

static void tell_rule(void *context, const struct rule *rule)
{
	struct listing *listing = context;
	struct cli *cli = listing->cli;
	const char *en = text_of(cli, rule, LANGUAGE_EN), *vi = text_of(cli, rule, LANGUAGE_VI);
	const char *const *words = evidence_words[rule->evidence];
	char from[DATE_TEXT_SIZE], to[DATE_TEXT_SIZE];

	if (listing->open_only && rule->evidence == EVIDENCE_SEEN)
		return;
	listing->count++;
	listing->nparameters += rule->kind == RULE_PARAMETER;
	cli_say(cli, "%s  [Art. %s; %s%s%s]  %s .. %s\n    %s\n    %s\n\n", "%s  [Điều %s; %s%s%s]  %s .. %s\n    %s\n    %s\n\n",
		rule->id, rule->article, words[cli->setup->language], *rule->sources ? ": " : "", rule->sources,
		date_format(rule->valid_from, from), date_format(rule->valid_to, to), en, vi);
	jout_object(&cli->out, NULL);
	jout_text(&cli->out, "rule", rule->id);
	jout_text(&cli->out, "kind", rule_kind_text(rule->kind));
	jout_text(&cli->out, "article", rule->article);
	jout_text(&cli->out, "evidence", evidence_text(rule->evidence));
	jout_text(&cli->out, "sources", rule->sources);
	jout_date(&cli->out, "valid_from", rule->valid_from);
	jout_date(&cli->out, "valid_to", rule->valid_to);
	jout_text(&cli->out, "pointer", rule->pointer);
	jout_text(&cli->out, "en", en);
	jout_text(&cli->out, "vi", vi);
	jout_end(&cli->out);
}

/* What "s5" behind a rule stands for. */
static void tell_sources(struct cli *cli, const struct eligibility_rules *rules)
{
	enum language language = cli->setup->language;

	if (rules->nsources > 0)
		cli_say(cli, "Sources\n", "Nguồn\n");
	jout_array(&cli->out, "sources");
	for (size_t i = 0; i < rules->nsources; i++) {
		const struct rule_source *source = &rules->sources[i];

		cli_say(cli, "  %-4s %s\n", "  %-4s %s\n", source->id, source->what[language]);
		if (source->url)
			cli_say(cli, "       %s\n", "       %s\n", source->url);
		jout_object(&cli->out, NULL);
		jout_text(&cli->out, "id", source->id);
		jout_text(&cli->out, "url", source->url);
		jout_text(&cli->out, "en", source->what[LANGUAGE_EN]);
		jout_text(&cli->out, "vi", source->what[LANGUAGE_VI]);
		jout_end(&cli->out);
	}
	jout_end(&cli->out);
}

static int rules_run(struct cli *cli)
{
	struct listing listing = { .cli = cli, .open_only = cli_has(cli, "open") };
	struct eligibility_rules *rules = open_rules(cli);

	if (!rules)
		return cli_refuse(cli);
	cli_say(cli, "%s: %s\n%s\n\n", "%s: %s\n%s\n\n", rules->id, rules->title[cli->setup->language],
		rules->title[cli->setup->language == LANGUAGE_VI ? LANGUAGE_EN : LANGUAGE_VI]);
	if (rules->note[cli->setup->language])
		cli_say(cli, "%s\n\n", "%s\n\n", rules->note[cli->setup->language]);
	jout_object(&cli->out, NULL);
	jout_text(&cli->out, "rule_set", rules->id);
	jout_text(&cli->out, "number", rules->number);
	jout_bool(&cli->out, "illustration", rules->use == USE_ILLUSTRATION);
	jout_array(&cli->out, "rules");
	eligibility_rules_each(rules, tell_rule, &listing);
	jout_end(&cli->out);
	tell_sources(cli, rules);
	jout_int(&cli->out, "count", (int64_t)listing.count);
	jout_end(&cli->out);
	cli_say(cli, "\n%zu rules, %zu open questions of the law\n", "\n%zu quy tắc, %zu câu hỏi luật còn để ngỏ\n",
		listing.count - listing.nparameters, listing.nparameters);
	rules_free(rules);
	return EXIT_OK;
}

/* ---- check ---- */

static const char *decision_word(const struct cli *cli, enum eligibility_decision decision)
{
	static const char *const vi[] = {
		[DECISION_REFUSED] = "từ chối", [DECISION_INCOMPLETE] = "chưa đủ dữ kiện",
		[DECISION_NO_KNOWN_REFUSAL] = "không thấy lý do từ chối",
	};
	static const char *const en[] = {
		[DECISION_REFUSED] = "refused", [DECISION_INCOMPLETE] = "incomplete",
		[DECISION_NO_KNOWN_REFUSAL] = "no known refusal",
	};

	return cli_word(cli, en[decision], vi[decision]);
}

static void say_verdict(struct cli *cli, const struct verdict *verdict)
{
	enum language language = cli->setup->language;
	struct buf buf = { 0 };
	char day[DATE_TEXT_SIZE];

	cli_say(cli, "%s, %s: %s\n", "%s, %s: %s\n", date_format(verdict->on, day),
		component_name(verdict->component, language), decision_word(cli, verdict->decision));
	for (size_t i = 0; i < verdict->nreasons; i++) {
		const struct rule *rule = verdict->reasons[i].rule;

		buf_reset(&buf);
		eligibility_reason_text(&buf, &verdict->reasons[i], language);
		cli_say(cli, "  - %s  [%s %s]\n", "  - %s  [%s %s]\n", buf.data, rule ? rule->id : "-",
			rule ? rule->article : "");
	}
	for (size_t i = 0; i < verdict->nneeds; i++)
		cli_say(cli, "  ? %s\n", "  ? %s\n", eligibility_need_text(verdict->needs[i], language));
	if (verdict->occupation) {
		buf_reset(&buf);
		eligibility_occupation_text(&buf, verdict->occupation, language);
		cli_say(cli, "  ! %s\n", "  ! %s\n", buf.data);
	}
	if (!verdict->eligible && !date_is_none(verdict->earliest_on))
		cli_say(cli, "earliest: %s\n", "sớm nhất: %s\n", date_format(verdict->earliest_on, day));
	if (verdict->max_volume_ml >= 0)
		cli_say(cli, "at most %d ml\n", "không quá %d ml\n", verdict->max_volume_ml);
	buf_release(&buf);
}

static int check_run(struct cli *cli)
{
	struct eligibility_rules *rules = open_rules(cli);
	struct eligibility_facts facts;
	struct verdict verdict;
	const char *text;
	size_t len;
	bool fine = rules && cli_read_file(cli, cli->arguments[0], &text, &len) &&
		    eligibility_facts_read(text, len, rules, &cli->arena, &facts, &cli->error);

	if (fine) {
		eligibility_check(rules, &facts, &cli->arena, &verdict);
		say_verdict(cli, &verdict);
		verdict_write(&cli->out, NULL, &verdict, cli->setup->language);
	}
	rules_free(rules);
	return fine ? EXIT_OK : cli_refuse(cli);
}

static const struct cli_option rules_options[] = {
	{ "open", NULL, { "only what is still to be checked against the law", "chỉ những điểm còn phải đối chiếu với luật" } },
	{ "rules", "NAME", { "another set: its id, or a file by its path", "bộ khác: theo id, hoặc đường dẫn tệp" } },
	{ 0 }
};

const struct cli_command eligibility_commands[] = {
	{ .group = "eligibility", .verb = "rules",
	  .need = CLI_NOTHING, .options = rules_options, .run = rules_run,
	  .summary = { "print who may give blood, rule by rule, for a doctor to check",
		       "in các quy tắc hiến máu, từng điều, để bác sĩ kiểm tra" } },
	{ .group = "eligibility", .verb = "check", .arguments = "FILE", .nmin = 1, .nmax = 1,
	  .need = CLI_NOTHING, .options = rules_options + 1, .run = check_run,
	  .summary = { "a verdict on facts in a file, as POST /api/v1/eligibility/check takes them",
		       "kết luận cho dữ kiện trong tệp, như POST /api/v1/eligibility/check" } },
	{ 0 }
};
