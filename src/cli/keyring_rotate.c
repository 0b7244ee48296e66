#include "cli/keyring.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/commands.h"

/*
 * `giothong keyring rotate KIND`: a new key takes the place of the active one,
 * step by step, while daemons run:
 *
 *	stage     a new key file here, and its word in the database
 *	dual      once every running daemon has the file
 *	activate  once every running daemon writes under both keys
 *	retire    once every running daemon writes under the new one first
 *
 * Where it stands is read from the database, so it goes on where it was
 * stopped, by a kill at any point too. The names of the files follow.
 */
CLI_OPERATION(key_load)
CLI_OPERATION(key_stage)
CLI_OPERATION(key_advance)
CLI_OPERATION(key_holders)

enum { WAIT_SECONDS = 60, WAIT_MAX_SECONDS = 3600, TRY_AGAIN_MS = 300, HINT_US = 3000000 };
/* A finished rotation is not begun again by whoever is not sure whether it was finished. */
static const int64_t recent_us = 3600 * INT64_C(1000000);

struct rotation {
	struct cli      *cli;
	enum key_kind    kind;
	int              wait_s;
	bool             one_step, again;
	bool             moved;          /* this call has done something */
	bool             finished;
	struct key_load  load;           /* the database's word, as last read */
	struct buf       steps;          /* JSON, as they are done */
	struct json_out  out;
};

/* ---- what kills a test's command in the middle ---- */

static void pass(const char *point)
{
#ifdef GIOTHONG_TEST_SEAMS
	if (streq(getenv("GIOTHONG_TEST_KILL"), point))
		raise(SIGKILL);
#else
	(void)point;
#endif
}

static void pass_renamed(const struct key_record *key)
{
	char point[64];

	snprintf(point, sizeof(point), "%s-%d.%s", key_kind_text(key->kind), key->id, key_state_text(key->state));
	pass(point);
}

/* ---- where it stands ---- */

static const struct key_record *in_state(const struct rotation *rotation, enum key_state state)
{
	for (size_t i = 0; i < rotation->load.nrecords; i++)
		if (rotation->load.records[i].kind == rotation->kind && rotation->load.records[i].state == state)
			return &rotation->load.records[i];
	return NULL;
}

static const struct key_record *find_here(const struct rotation *rotation, int id)
{
	const struct key_view *view = keyring_view(rotation->cli->setup->keyring);

	for (size_t i = 0; i < view->nkeys; i++)
		if (view->keys[i].kind == rotation->kind && view->keys[i].id == id)
			return &view->keys[i];
	return NULL;
}

/* The database's word, and the names of the files after it. */
static bool look(struct rotation *rotation)
{
	struct cli *cli = rotation->cli;
	struct keyring *keyring = cli->setup->keyring;

	return key_load_run(cli, &rotation->load) &&
	       keyring_agree(keyring, rotation->load.records, rotation->load.nrecords, &cli->error) &&
	       (keyring_view(keyring)->complete || keyring_fail_missing(keyring, &cli->error)) &&
	       keyring_settle_names(keyring, pass_renamed, &cli->error);
}

static void note(struct rotation *rotation, const char *step, const struct key_record *key)
{
	jout_object(&rotation->out, NULL);
	jout_text(&rotation->out, "step", step);
	jout_int(&rotation->out, "id", key->id);
	jout_end(&rotation->out);
	rotation->moved = true;
}

/* ---- the first step ---- */

/* The id of a key that waits in the folder for this, made by a call that was stopped; 0: none. */
static int waiting_id(const struct rotation *rotation, int newest)
{
	const struct key_view *view = keyring_view(rotation->cli->setup->keyring);

	for (size_t i = 0; i < view->nkeys; i++)
		if (view->keys[i].kind == rotation->kind && view->keys[i].state == KEY_STAGED &&
		    view->keys[i].id > newest)
			return view->keys[i].id;
	return 0;
}

static int newest_id(const struct rotation *rotation)
{
	int newest = 0;

	for (size_t i = 0; i < rotation->load.nrecords; i++)
		if (rotation->load.records[i].kind == rotation->kind && rotation->load.records[i].id > newest)
			newest = rotation->load.records[i].id;
	return newest;
}

static bool make_file(struct rotation *rotation, int *id, bool *made)
{
	struct cli *cli = rotation->cli;
	struct keyring *keyring = cli->setup->keyring;
	int newest = newest_id(rotation);

	*id = waiting_id(rotation, newest);
	*made = *id == 0;
	if (!*made)
		return true;
	*id = newest + 1;
	if (!keyring_stage(keyring_dir(keyring), rotation->kind, *id, &cli->error) ||
	    !keyring_reload(keyring, &cli->error))
		return false;
	pass("file");
	return true;
}

static bool lost_race(struct rotation *rotation, int id, bool made)
{
	struct cli *cli = rotation->cli;

	if (made && !keyring_unstage(keyring_dir(cli->setup->keyring), rotation->kind, id, &cli->error))
		return false;
	return error_set(&cli->error, ERR_ALREADY_EXISTS,
			 "a rotation of the %s key was begun on another host meanwhile: go on there,"
			 " or copy its new key here first",
			 "việc xoay khóa %s vừa được bắt đầu trên máy khác: hãy tiếp tục ở đó,"
			 " hoặc chép khóa mới về đây trước", key_kind_text(rotation->kind));
}

static bool stage(struct rotation *rotation)
{
	struct cli *cli = rotation->cli;
	struct key_stage op = { .kind = rotation->kind, .actor = cli->actor, .arena = &cli->arena };
	char name[KEYRING_NAME_SIZE], fingerprint[KEY_FINGERPRINT_HEX_SIZE];
	bool made;

	if (!make_file(rotation, &op.id, &made))
		return false;
	if (!key_stage_run(cli, &op) && cli->error.code != ERR_ALREADY_EXISTS)
		return false;
	if (!op.staged)
		return lost_race(rotation, op.id, made);
	pass("staged");
	if (!look(rotation))
		return false;
	const struct key_record *key = in_state(rotation, KEY_STAGED);

	if (!key)
		return true;             /* somebody has gone on already */
	keyring_key_name(key, name);
	key_fingerprint_hex(key, fingerprint);
	cli_say(cli, "%s: made and staged (fingerprint %s)\n", "%s: đã tạo và để chờ (dấu %s)\n", name, fingerprint);
	note(rotation, "stage", key);
	return true;
}

/* ---- the others ---- */

static void say_holders(struct cli *cli, const struct key_holders *holders, FILE *out)
{
	for (size_t i = 0; i < holders->nholders; i++) {
		const struct key_holder *holder = &holders->holders[i];

		if (holder->nlagging > 0)
			fprintf(out, "  %s %s\n", keyring_holder_text(cli, holder),
				keyring_advice(cli, holder, holder->lagging[holder->nlagging - 1]));
	}
	if (holders->old_statements > 0)
		fprintf(out, cli_word(cli, "  %d statements that began before the last step are still at work\n",
				      "  %d câu lệnh bắt đầu trước bước vừa rồi vẫn đang chạy\n"),
			holders->old_statements);
	fflush(out);
}

static size_t count_lagging(const struct key_holders *holders)
{
	size_t count = 0;

	for (size_t i = 0; i < holders->nholders; i++)
		count += holders->holders[i].nlagging > 0;
	return count;
}

static void write_waiting(struct rotation *rotation, const struct key_holders *holders)
{
	struct cli *cli = rotation->cli;

	jout_array(&cli->out, "waiting_for");
	for (size_t i = 0; i < holders->nholders; i++)
		if (holders->holders[i].nlagging > 0)
			keyring_write_holder(cli, &holders->holders[i]);
	jout_end(&cli->out);
	jout_int(&cli->out, "old_statements", holders->old_statements);
}

/* Calls `fits` until it says so; what it waits for is told when that takes a while, and when it takes too long. */
static bool wait_for(struct rotation *rotation, bool (*fits)(struct rotation *rotation, bool *done))
{
	struct cli *cli = rotation->cli;
	int64_t began = clock_mono_us(), until = began + rotation->wait_s * INT64_C(1000000);
	struct key_holders holders = { .kind = key_kind_text(rotation->kind), .arena = &cli->arena };
	bool done = false, hinted = cli->json;

	while (fits(rotation, &done) && !done && clock_mono_us() < until) {
		if (!hinted && clock_mono_us() - began > HINT_US && key_holders_run(cli, &holders) &&
		    count_lagging(&holders) > 0) {
			cli_say(cli, "waiting for:\n", "đang đợi:\n");
			say_holders(cli, &holders, stdout);
			hinted = true;
		}
		if (!cli_pause(cli, TRY_AGAIN_MS))
			return false;
	}
	if (done || cli->error.code != ERR_NONE || !key_holders_run(cli, &holders))
		return done;
	say_holders(cli, &holders, stderr);
	write_waiting(rotation, &holders);
	return error_set(&cli->error, ERR_UNAVAILABLE,
			 "the rotation of the %s key waits for %zu of %zu daemons: when that is mended, run this again",
			 "việc xoay khóa %s đang đợi %zu trong %zu tiến trình: xử lý xong, hãy chạy lại lệnh này",
			 key_kind_text(rotation->kind), count_lagging(&holders), holders.nholders);
}

static enum key_step next_step(const struct rotation *rotation, struct key_record *fresh, struct key_record *old)
{
	const struct key_record *active = in_state(rotation, KEY_ACTIVE), *staged = in_state(rotation, KEY_STAGED);
	const struct key_record *dual = in_state(rotation, KEY_DUAL);

	*fresh = staged ? *staged : dual && dual->id > active->id ? *dual : *active;
	*old = fresh->id == active->id ? *dual : *active;
	if (staged)
		return KEY_STEP_DUAL;
	return fresh->id == active->id ? KEY_STEP_RETIRE : KEY_STEP_ACTIVATE;
}

static const struct {
	const char *point, *name;
	const char *said[LANGUAGE_COUNT];
} steps[] = {
	[KEY_STEP_DUAL] = { "dual", "dual", { "%s: dual, written and looked for beside the active one\n",
					      "%s: song song, được ghi và tìm cùng khóa đang dùng\n" } },
	[KEY_STEP_ACTIVATE] = { "active", "activate", { "%s: active\n", "%s: đang dùng\n" } },
	[KEY_STEP_RETIRE] = { "retired", "retire", { "%s: retired, kept for what was written under it\n",
						     "%s: đã thôi dùng, giữ lại cho những gì đã ghi bằng nó\n" } },
};

/* Another command may have made the step meanwhile: then there is another step to make, or none. */
static bool try_step(struct rotation *rotation, bool *done)
{
	struct cli *cli = rotation->cli;
	struct key_advance op = { .kind = rotation->kind, .actor = cli->actor, .arena = &cli->arena };
	char name[KEYRING_NAME_SIZE];

	if (!look(rotation))
		return false;
	*done = !in_state(rotation, KEY_STAGED) && !in_state(rotation, KEY_DUAL);
	if (*done)
		return true;
	op.step = next_step(rotation, &op.fresh, &op.old);
	if (!key_advance_run(cli, &op) || !op.made)
		return cli->error.code == ERR_NONE;
	pass(steps[op.step].point);
	const struct key_record *subject = op.step == KEY_STEP_RETIRE ? &op.old : &op.fresh;

	keyring_key_name(subject, name);
	if (!cli->json)
		printf(steps[op.step].said[cli->setup->language], name);
	fflush(stdout);
	note(rotation, steps[op.step].name, subject);
	*done = true;
	return look(rotation);
}

static bool all_follow(struct rotation *rotation, bool *done)
{
	struct key_holders holders = { .kind = key_kind_text(rotation->kind), .arena = &rotation->cli->arena };

	if (!key_holders_run(rotation->cli, &holders))
		return false;
	*done = count_lagging(&holders) == 0;
	return true;
}

/* ---- all of it ---- */

static bool under_way(const struct rotation *rotation)
{
	return in_state(rotation, KEY_STAGED) || in_state(rotation, KEY_DUAL);
}

/* Whether the last rotation ended so lately that this call may well be its repeat. */
static bool just_rotated(const struct rotation *rotation)
{
	for (size_t i = 0; i < rotation->load.nrecords; i++)
		if (rotation->load.records[i].kind == rotation->kind && rotation->load.since_us[i] < recent_us)
			return true;
	return false;
}

static bool staged_is_here(struct rotation *rotation)
{
	const struct key_record *staged = in_state(rotation, KEY_STAGED);
	struct cli *cli = rotation->cli;

	return !staged || find_here(rotation, staged->id) ||
	       error_set(&cli->error, ERR_UNAVAILABLE,
			 "the staged %s key %d is not in %s: copy it here from the host that made it, or go on there",
			 "khóa %s %d đang chờ không có trong %s: hãy chép từ máy đã tạo, hoặc tiếp tục trên máy đó",
			 key_kind_text(rotation->kind), staged->id, keyring_dir(cli->setup->keyring));
}

static bool rotate(struct rotation *rotation)
{
	if (!look(rotation) || !staged_is_here(rotation))
		return false;
	if (!under_way(rotation) && !(just_rotated(rotation) && !rotation->again)) {
		if (!stage(rotation))
			return false;
	}
	while (under_way(rotation) && !(rotation->one_step && rotation->moved))
		if (!wait_for(rotation, try_step))
			return false;
	rotation->finished = !under_way(rotation);
	return !rotation->finished || wait_for(rotation, all_follow);
}

static void say_end(struct rotation *rotation)
{
	const struct key_record *active = in_state(rotation, KEY_ACTIVE);
	struct cli *cli = rotation->cli;
	char name[KEYRING_NAME_SIZE];

	keyring_key_name(active, name);
	if (!rotation->finished)
		cli_say(cli, "one step made; run it again for the next\n", "đã làm một bước; chạy lại để làm bước sau\n");
	else if (rotation->moved)
		cli_say(cli, "%s is in use everywhere; make a new copy of the keyring (giothong keyring export)\n",
			"%s đang được dùng ở mọi nơi; hãy sao lưu lại bộ khóa (giothong keyring export)\n", name);
	else
		cli_say(cli, "%s was rotated to within the last hour and is in use everywhere; another rotation: --again\n",
			"%s vừa được thay trong vòng một giờ và đang dùng ở mọi nơi; muốn xoay nữa: --again\n", name);
	jout_bool(&cli->out, "finished", rotation->finished);
	jout_int(&cli->out, "active", active->id);
}

static bool read_options(struct rotation *rotation)
{
	struct cli *cli = rotation->cli;

	rotation->wait_s = WAIT_SECONDS;
	rotation->one_step = cli_has(cli, "step");
	rotation->again = cli_has(cli, "again");
	if (!key_kind_parse(cli->arguments[0], &rotation->kind))
		return error_set(&cli->error, ERR_CONFIG, "\"%s\" is no kind of key: hash, wrap, sign or suppression",
				 "\"%s\" không phải loại khóa: hash, wrap, sign hoặc suppression", cli->arguments[0]);
	return cli_number(cli, "wait", 1, WAIT_MAX_SECONDS, &rotation->wait_s);
}

static bool check_folder(struct cli *cli)
{
	return !keyring_is_fixed(cli->setup->keyring) ||
	       error_set(&cli->error, ERR_CONFIG, "%s is filled by systemd: name the folder itself by --set keyring.dir=",
			 "%s do systemd đặt vào: hãy nêu chính thư mục khóa bằng --set keyring.dir=",
			 keyring_dir(cli->setup->keyring));
}

static int rotate_run(struct cli *cli)
{
	struct rotation *rotation = arena_alloc(&cli->arena, sizeof(*rotation));
	bool fine = false;

	rotation->cli = cli;
	if (!read_options(rotation))
		return cli_usage(cli);
	int lock = check_folder(cli) ? keyring_lock(keyring_dir(cli->setup->keyring), &cli->error) : -1;

	rotation->out.buf = &rotation->steps;
	jout_array(&rotation->out, NULL);
	jout_object(&cli->out, NULL);
	jout_text(&cli->out, "kind", key_kind_text(rotation->kind));
	if (lock >= 0)
		fine = rotate(rotation);
	jout_end(&rotation->out);
	jout_raw(&cli->out, "steps", rotation->steps.data);
	buf_release(&rotation->steps);
	if (fine)
		say_end(rotation);
	else
		jout_text(&cli->out, "problem", cli->error.detail[cli->setup->language]);
	jout_end(&cli->out);
	if (lock >= 0)
		close(lock);
	return fine ? EXIT_OK : cli_refuse(cli);
}

static const struct cli_option rotate_options[] = {
	{ "step", NULL, { "make one step and end", "chỉ làm một bước rồi dừng" } },
	{ "wait", "SECONDS", { "how long to wait for daemons before each step (60)",
			       "đợi các tiến trình bao lâu trước mỗi bước (60)" } },
	{ "again", NULL, { "begin anew although the last rotation ended within the hour",
			   "bắt đầu lại dù lần xoay trước vừa xong trong vòng một giờ" } },
	{ 0 }
};

const struct cli_command rotate_commands[] = {
	{ .group = "keyring", .verb = "rotate", .arguments = "KIND", .nmin = 1, .nmax = 1,
	  .need = CLI_DATABASE, .options = rotate_options, .run = rotate_run,
	  .summary = { "a new key of a kind takes the old one's place, while daemons run; goes on where it was stopped",
		       "thay khóa của một loại trong khi dịch vụ chạy; chạy lại thì tiếp tục chỗ đã dừng" } },
	{ 0 }
};
