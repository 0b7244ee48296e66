#include "cli/doctor.h"

#include <stdio.h>
#include <string.h>

#include "app/rules.h"
#include "base/log.h"
#include "base/version.h"
#include "cli/commands.h"
#include "crypto/keyring.h"
#include "db/migrate.h"
#include "store/doctor_store.h"
#include "store/erasure_store.h"

/*
 * `giothong doctor`: looks, changes nothing. Each part that cannot be looked at
 * leaves the others be: without a database the machine is judged all the same.
 */
CLI_OPERATION(doctor_load)
CLI_OPERATION(erasure_missing)

/* ---- looking ---- */

static void tell_why(struct cli *cli, struct doctor_database *database)
{
	for (int language = 0; language < LANGUAGE_COUNT; language++)
		database->why[language] = arena_strdup(&cli->arena, cli->error.detail[language]);
	error_clear(&cli->error);
}

/* The journal held against the database. */
static void look_at_erasures(struct cli *cli, struct doctor_facts *facts)
{
	struct erasure_missing missing = { .arena = &cli->arena };

	if (!facts->machine.journal.known || !doctor_read_journal(cli, &facts->machine, &missing.known, &missing.nknown))
		return;
	facts->database.erasures_known = erasure_missing_run(cli, &missing);
	error_clear(&cli->error);
	facts->database.erasures_missing = (int64_t)missing.nlines;
	facts->database.erasures_back = missing.back;
}

static void look_at_database(struct cli *cli, struct doctor_facts *facts)
{
	struct doctor_load load = { .arena = &cli->arena, .today = facts->today, .database = &facts->database };

	cli_start_loop(cli);
	if (!setup_open(cli->setup, SETUP_LOOK, &cli->error)) {
		tell_why(cli, &facts->database);
		return;
	}
	cli->setup->db.lanes[DB_WRITE] = cli->setup->db.lanes[DB_SLOW] = false;
	facts->database.reached = cli_connect(cli) && doctor_load_run(cli, &load);
	if (!facts->database.reached)
		tell_why(cli, &facts->database);
	else if (!migrate_check(cli->setup->db.conninfo, &facts->database.schema))
		(void)cli_goes_on(cli);          /* a signal is seen below */
	else
		look_at_erasures(cli, facts);
}

/* The files that the settings name; NULL: what cannot be read. */
struct books {
	struct eligibility_rules *rules;
	struct tariff            *tariff;
	struct honour_rules      *honours;
};

static void free_books(struct books *books)
{
	rules_free(books->rules);
	tariff_free(books->tariff);
	honours_free(books->honours);
}

static void look(struct cli *cli, struct doctor_facts *facts, struct books *books)
{
	const struct config *config = &cli->setup->config;
	struct doctor_machine *machine = &facts->machine;

	doctor_look_at_file(cli, machine);
	if (!setup_read(cli->setup, &machine->file.error))
		return;
	log_set_level(LOG_LEVEL_ERROR);          /* what goes wrong here is a finding */
	facts->today = clock_today(&cli->setup->clock);
	doctor_look_at_machine(cli, machine);
	doctor_look_at_backups(cli, machine);
	books->rules = rules_open(config->eligibility_rules, RULES_FOR_USE, &facts->rules_error);
	facts->rules = books->rules;
	facts->tariff = books->tariff = tariff_open(config->gifts_tariff, &facts->tariff_error);
	facts->honours = books->honours = honours_open(config->honours_ladders, &facts->honours_error);
	(void)forms_check(config->certificates_form, config->certificates_preprinted_form, &facts->forms_error);
	look_at_database(cli, facts);
	doctor_look_at_disk(cli, machine);
}

/* ---- telling ---- */

static const char *word(const struct cli *cli, enum health health)
{
	static const char *const vi[HEALTH_COUNT] = {
		[HEALTH_OK] = "tốt", [HEALTH_NOTE] = "lưu ý", [HEALTH_SKIPPED] = "bỏ qua", [HEALTH_WARNING] = "cảnh báo",
		[HEALTH_FAILURE] = "HỎNG",
	};

	return cli_word(cli, health == HEALTH_FAILURE ? "FAILURE" : health_text(health), vi[health]);
}

static void tell_one(struct cli *cli, const struct finding *finding)
{
	enum language language = cli->setup->language;
	const char *state = word(cli, finding->health);

	cli_say(cli, "%-*s %-22s %s\n", "%-*s %-22s %s\n", cli_columns(state, 9), state, finding->name,
		finding->found[language]);
	if (*finding->todo[language])
		cli_say(cli, "%33s-> %s\n", "%33s-> %s\n", "", finding->todo[language]);
	jout_object(&cli->out, NULL);
	jout_text(&cli->out, "name", finding->name);
	jout_text(&cli->out, "health", health_text(finding->health));
	jout_text(&cli->out, "found", finding->found[language]);
	jout_text(&cli->out, "todo", *finding->todo[language] ? finding->todo[language] : NULL);
	jout_end(&cli->out);
}

static void tell(struct cli *cli, const struct finding *findings, size_t count, size_t of[HEALTH_COUNT])
{
	jout_array(&cli->out, "checks");
	for (size_t i = 0; i < count; i++) {
		tell_one(cli, &findings[i]);
		of[findings[i].health]++;
	}
	jout_end(&cli->out);
	cli_say(cli, "\n%zu ok, %zu notes, %zu skipped, %zu warnings, %zu failures\n",
		"\n%zu tốt, %zu lưu ý, %zu bỏ qua, %zu cảnh báo, %zu hỏng\n", of[HEALTH_OK], of[HEALTH_NOTE], of[HEALTH_SKIPPED],
		of[HEALTH_WARNING], of[HEALTH_FAILURE]);
}

static int doctor_run(struct cli *cli)
{
	struct doctor_facts *facts = arena_alloc(&cli->arena, sizeof(*facts));
	struct finding *findings = arena_alloc(&cli->arena, DOCTOR_FINDINGS * sizeof(*findings));
	struct books books = { 0 };
	size_t of[HEALTH_COUNT] = { 0 };

	if (!setup_has_database(cli->setup)) {
		error_set(&cli->error, ERR_CONFIG, "say --data DIR or --config FILE", "cần --data DIR hoặc --config FILE");
		return cli_usage(cli);
	}
	if (!crypto_start(&cli->error))
		return cli_refuse(cli);
	facts->version = GIOTHONG_VERSION;
	look(cli, facts, &books);
	if (cli->interrupted) {
		free_books(&books);
		(void)cli_goes_on(cli);
		return cli_refuse(cli);
	}
	jout_object(&cli->out, NULL);
	tell(cli, findings, doctor_judge(facts, findings), of);
	free_books(&books);
	jout_bool(&cli->out, "ok", of[HEALTH_FAILURE] == 0);
	jout_end(&cli->out);
	return of[HEALTH_FAILURE] == 0 ? EXIT_OK : EXIT_REFUSED;
}

static const struct cli_option doctor_options[] = {
	{ "backups", "FOLDER", { "where \"giothong backup\" writes to (/var/backups/giothong)",
				 "nơi \"giothong backup\" ghi vào (/var/backups/giothong)" } },
	{ 0 }
};

const struct cli_command doctor_commands[] = {
	{ .group = "doctor",
	  .need = CLI_NOTHING, .options = doctor_options, .run = doctor_run,
	  .summary = { "look for what is set up wrong, and say what to do",
		       "tìm những gì thiết lập sai, và nói cách sửa" } },
	{ 0 }
};
