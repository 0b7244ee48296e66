#include "cli/sealed_audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/date.h"
#include "base/text.h"
#include "cli/commands.h"
#include "store/chain_store.h"

CLI_OPERATION(chain_state)
CLI_OPERATION(chain_page)
CLI_OPERATION(unsealed_page)
CLI_OPERATION(unsealed_again)

enum {
	PAGE_ROWS = 5000,
	DAMAGES_KEPT = 1000,             /* told one by one; the rest is counted */
	DAMAGES_SAID = 50,               /* without --json */
	LATE_KEPT = 1000,
	LATE_WAITS = 5,                  /* times a second that the sealer gets for what it may just be at */
	PROGRESS_US = 5000000,
	SIGNED_LATE_US = 60000000
};

/*
 * `giothong audit verify`: page by page along the chain, then along the
 * entries for those that are in no position.
 */
struct verify {
	struct cli          *cli;
	struct arena         arena;              /* of one page */
	struct audit_keys    keys;
	struct audit_marks   marks;
	struct chain_state   state;
	struct chain_restart *restarts;
	struct chain_check   check;
	struct chain_damage *damages;
	size_t               ndamages;           /* may be more than are kept */
	int64_t              genuine;            /* checkpoints of the database */
	int64_t              by_lost_keys;       /* of them */
	int64_t              last_signed;        /* position */
	int64_t              nunsigned;          /* rows after it */
	/* rows since the last checkpoint, and those that got theirs late */
	int64_t              unsigned_since_us, signed_late, late_first, late_last;
	int64_t              entries, waiting;   /* not sealed, for a good reason */
	const char          *late[LATE_KEPT];
	size_t               nlate;
	int64_t              more_late;
	int64_t              told_us;
};

static void on_damage(void *context, const struct chain_damage *damage)
{
	struct verify *verify = context;

	if (verify->ndamages < DAMAGES_KEPT)
		verify->damages[verify->ndamages] = *damage;
	verify->ndamages++;
}

static void damage(struct verify *verify, enum chain_damage_kind kind, int64_t position, int64_t other,
		   const char *entry_id)
{
	struct chain_damage found = { .kind = kind, .position = position, .other = other };

	snprintf(found.entry_id, sizeof(found.entry_id), "%s", entry_id ? entry_id : "");
	on_damage(verify, &found);
}

/* On standard error, so that --json stays JSON. */
static void tell_progress(struct verify *verify, const char *en, const char *vi, int64_t done, int64_t of)
{
	int64_t now = clock_mono_us();

	if (now - verify->told_us < PROGRESS_US)
		return;
	verify->told_us = now;
	fprintf(stderr, "giothong: %s: %lld / %lld\n", cli_word(verify->cli, en, vi), (long long)done, (long long)of);
}

/* ---- along the chain ---- */

/* A checkpoint that came long after its rows were sealed: perhaps earlier ones were taken away. */
static void note_signing(struct verify *verify, const struct chain_page_row *row, bool signed_here)
{
	int64_t sealed_us = row->row.sealed_us ? strtoll(row->row.sealed_us, NULL, 10) : 0;

	verify->nunsigned++;
	if (verify->unsigned_since_us == 0)
		verify->unsigned_since_us = sealed_us;
	if (!signed_here)
		return;
	if (row->checkpoint.at_us - verify->unsigned_since_us > SIGNED_LATE_US) {
		if (verify->signed_late++ == 0) {
			verify->late_first = verify->last_signed + 1;
			verify->late_last = row->row.position;
		}
	}
	verify->unsigned_since_us = 0;
	verify->nunsigned = 0;
	verify->last_signed = row->row.position;
}

static void check_checkpoint(struct verify *verify, const struct chain_page_row *row)
{
	enum chain_damage_kind kind = CHAIN_FORGED;
	unsigned char hash[CHAIN_HASH_BYTES];
	bool genuine = row->checkpoint_is_whole && audit_keys_accept(&verify->keys, &row->checkpoint, &kind);

	if (!genuine)
		damage(verify, kind, row->row.position, row->checkpoint.key_id, NULL);
	else if (!chain_hash_parse(row->hash, hash) || memcmp(hash, row->checkpoint.hash, sizeof(hash)) != 0)
		damage(verify, CHAIN_REWRITTEN, row->row.position, 0, row->entry_id);
	else
		verify->genuine++;
	verify->by_lost_keys += genuine && audit_keys_is_lost(&verify->keys, row->checkpoint.key_id);
	note_signing(verify, row, genuine);
}

static void check_page(struct verify *verify, const struct chain_page *page)
{
	for (size_t i = 0; i < page->nrows; i++) {
		const struct chain_page_row *row = &page->rows[i];

		chain_check_row(&verify->check, &row->row, row->entry_id, row->hash);
		if (row->has_checkpoint)
			check_checkpoint(verify, row);
		else
			note_signing(verify, row, false);
	}
}

static bool walk_chain(struct verify *verify)
{
	struct chain_page page = { .last = verify->state.head.position, .limit = PAGE_ROWS, .arena = &verify->arena };

	do {
		if (!chain_page_run(verify->cli, &page))
			return false;
		check_page(verify, &page);
		if (page.nrows > 0) {
			page.after_position = page.rows[page.nrows - 1].row.position;
			snprintf(page.after_entry, sizeof(page.after_entry), "%s", page.rows[page.nrows - 1].entry_id);
		}
		arena_release(&verify->arena);
		tell_progress(verify, "positions verified", "đã kiểm tra vị trí", page.after_position, page.last);
	} while (page.nrows == (size_t)page.limit);
	chain_check_end(&verify->check);
	return true;
}

static bool read_state(struct verify *verify)
{
	struct chain_state *state = &verify->state;
	size_t count = 0;

	state->arena = &verify->cli->arena;
	if (!chain_state_run(verify->cli, state))
		return false;
	verify->restarts = arena_alloc(state->arena, (state->nrestarts + 1) * sizeof(*verify->restarts));
	for (size_t i = 0; i < state->nrestarts; i++)
		if (state->restarts[i].readable && state->restarts[i].restart.at > 0)
			verify->restarts[count++] = state->restarts[i].restart;
	chain_check_init(&verify->check, on_damage, verify);
	chain_check_restarts(&verify->check, verify->restarts, count);
	chain_check_marks(&verify->check, verify->marks.marks, verify->marks.count);
	for (size_t i = 0; i < state->norphans; i++) {
		enum chain_damage_kind kind = CHAIN_FORGED;
		const struct chain_checkpoint *orphan = &state->orphans[i];
		bool genuine = audit_keys_accept(&verify->keys, orphan, &kind);

		if (genuine)
			kind = orphan->position > state->head.position ? CHAIN_TRUNCATED : CHAIN_REMOVED;
		damage(verify, kind, orphan->position, genuine ? 0 : orphan->key_id, NULL);
	}
	return true;
}

/* ---- along the entries ---- */

static void take_unsealed(struct verify *verify, const struct unsealed_row *row)
{
	const char *id = row->row.entry[CHAIN_ID];

	switch (row->why) {
	case UNSEALED_RECENT:
	case UNSEALED_WAITS:
		verify->waiting++;
		break;
	case UNSEALED_BEHIND:
		damage(verify, CHAIN_INSERTED, 0, 0, id);
		break;
	case UNSEALED_FOREIGN:
		damage(verify, CHAIN_UNSEALED, 0, 1, id);
		break;
	case UNSEALED_LATE:
		if (verify->nlate < LATE_KEPT)
			verify->late[verify->nlate++] = arena_strdup(&verify->cli->arena, id);
		else
			verify->more_late++;
	}
}

/* When a long transaction has just ended, the sealer is at what it held back. */
static bool look_again(struct verify *verify)
{
	struct unsealed_again again = { .ids = verify->late, .nids = verify->nlate, .arena = &verify->cli->arena };

	for (int i = 0; i < LATE_WAITS && again.nids > 0; i++) {
		if (!cli_pause(verify->cli, 1000) || !unsealed_again_run(verify->cli, &again))
			return false;
	}
	for (size_t i = 0; i < again.nids; i++)
		damage(verify, CHAIN_UNSEALED, 0, 0, again.ids[i]);
	if (again.nids > 0)
		verify->ndamages += (size_t)verify->more_late;
	return true;
}

static bool walk_entries(struct verify *verify)
{
	struct unsealed_page page = { .limit = 4 * PAGE_ROWS, .arena = &verify->arena };

	do {
		if (!unsealed_page_run(verify->cli, &page))
			return false;
		verify->entries += page.walked;
		for (size_t i = 0; i < page.nrows; i++)
			take_unsealed(verify, &page.rows[i]);
		arena_release(&verify->arena);
		tell_progress(verify, "entries seen", "đã xem dòng", verify->entries, verify->check.rows);
	} while (page.more);
	return look_again(verify);
}

/* ---- what was found ---- */

static int compare_damages(const void *a, const void *b)
{
	const struct chain_damage *x = a, *y = b;

	return (x->position > y->position) - (x->position < y->position);
}

/* What happened, in the reader's language. */
static const char *describe(struct verify *verify, const struct chain_damage *found)
{
	struct cli *cli = verify->cli;
	struct arena *arena = &cli->arena;
	long long other = (long long)found->other;

	switch (found->kind) {
	case CHAIN_CHANGED:
		return cli_word(cli, "changed after it was sealed", "bị sửa sau khi niêm phong");
	case CHAIN_REMOVED:
		if (found->entry_id[0])
			return cli_word(cli, "its entry was removed", "dòng nhật ký của vị trí này bị xóa");
		if (other > found->position)
			return arena_printf(arena, cli_word(cli, "removed, with all up to %lld", "bị xóa, cả đến vị trí %lld"),
					    other);
		return cli_word(cli, "removed", "bị xóa");
	case CHAIN_INSERTED:
		if (found->position == 0)
			return cli_word(cli, "inserted behind what was sealed, or its seal was removed",
					"được chèn vào trước phần đã niêm phong, hoặc niêm phong của nó bị xóa");
		return cli_word(cli, "inserted", "được chèn thêm");
	case CHAIN_REORDERED:
		return arena_printf(arena, cli_word(cli, "reordered: it belongs at position %lld",
						    "bị đổi chỗ: vốn ở vị trí %lld"), other);
	case CHAIN_TRUNCATED:
		return arena_printf(arena, cli_word(cli, "signed once, but truncated: the chain ends at %lld",
						    "đã từng được ký, nhưng chuỗi bị cắt: chỉ còn đến %lld"),
				    (long long)verify->check.last.position);
	case CHAIN_REWRITTEN:
		return cli_word(cli, "rewritten: a genuine checkpoint says another hash",
				"bị viết lại: một mốc ký thật ghi mã băm khác");
	case CHAIN_FORGED:
		return cli_word(cli, "a forged checkpoint: its signature is wrong", "mốc ký giả: chữ ký sai");
	case CHAIN_UNKNOWN_KEY:
		return arena_printf(arena, cli_word(cli, "a checkpoint signed by key %lld, which is not in the keyring",
						    "mốc ký bằng khóa %lld, không có trong bộ khóa"), other);
	default:
		if (other == 1)
			return cli_word(cli, "not sealed: the database came from a dump; run giothong audit restart",
					"chưa niêm phong: cơ sở dữ liệu nạp từ bản sao; hãy chạy giothong audit restart");
		return cli_word(cli, "not sealed although it is older than a minute: does giothongd run?",
				"chưa niêm phong dù đã quá một phút: giothongd có đang chạy không?");
	}
}

static void say_damage(struct verify *verify, const struct chain_damage *found)
{
	struct cli *cli = verify->cli;
	const char *what = describe(verify, found);

	if (found->position > 0 && found->entry_id[0])
		cli_say(cli, "position %lld, entry %s: %s\n", "vị trí %lld, dòng %s: %s\n", (long long)found->position,
			found->entry_id, what);
	else if (found->position > 0)
		cli_say(cli, "position %lld: %s\n", "vị trí %lld: %s\n", (long long)found->position, what);
	else
		cli_say(cli, "entry %s: %s\n", "dòng %s: %s\n", found->entry_id, what);
}

static void write_damages(struct verify *verify)
{
	struct json_out *out = &verify->cli->out;
	size_t kept = verify->ndamages < DAMAGES_KEPT ? verify->ndamages : DAMAGES_KEPT;

	qsort(verify->damages, kept, sizeof(verify->damages[0]), compare_damages);
	jout_int(out, "ndamages", (int64_t)verify->ndamages);
	jout_array(out, "damages");
	for (size_t i = 0; i < kept; i++) {
		const struct chain_damage *found = &verify->damages[i];

		if (i < DAMAGES_SAID)
			say_damage(verify, found);
		jout_object(out, NULL);
		jout_text(out, "kind", chain_damage_slug(found->kind));
		if (found->position > 0)
			jout_int(out, "position", found->position);
		if (found->entry_id[0])
			jout_text(out, "entry_id", found->entry_id);
		jout_text(out, "detail", describe(verify, found));
		jout_end(out);
	}
	jout_end(out);
	if (verify->ndamages > DAMAGES_SAID)
		cli_say(verify->cli, "... %zu faults in all\n", "... tổng cộng %zu lỗi\n", verify->ndamages);
}

static void write_restarts(struct verify *verify)
{
	struct json_out *out = &verify->cli->out;
	char at[TIME_TEXT_SIZE];

	jout_array(out, "restarts");
	for (size_t i = 0; i < verify->state.nrestarts; i++) {
		const struct restart_row *row = &verify->state.restarts[i];
		const struct chain_restart *restart = &row->restart;
		bool holes = restart->first <= restart->last;

		if (!row->readable || restart->at == 0)
			continue;
		if (holes)
			cli_say(verify->cli, "restart of %s, position %lld: positions %lld to %lld were left out; ask why\n",
				"bắt đầu lại %s, vị trí %lld: bỏ trống vị trí %lld đến %lld; hãy hỏi vì sao\n",
				time_format(row->at_us, at), (long long)restart->at, (long long)restart->first,
				(long long)restart->last);
		else
			cli_say(verify->cli, "restart of %s, position %lld: no position was left out\n",
				"bắt đầu lại %s, vị trí %lld: không bỏ trống vị trí nào\n", time_format(row->at_us, at),
				(long long)restart->at);
		jout_object(out, NULL);
		jout_int(out, "at_position", restart->at);
		jout_text(out, "entry_id", row->entry_id);
		jout_time(out, "at", row->at_us);
		if (holes) {
			jout_int(out, "first", restart->first);
			jout_int(out, "last", restart->last);
		}
		jout_end(out);
	}
	jout_end(out);
}

/* In the form that `--checkpoint` finds again. */
static void write_checkpoint(struct verify *verify)
{
	const struct chain_checkpoint *checkpoint = &verify->state.checkpoint;
	struct json_out *out = &verify->cli->out;
	char hash[CHAIN_HASH_HEX_SIZE], signature[SIGNATURE_HEX_SIZE];

	if (!verify->state.has_checkpoint) {
		jout_null(out, "checkpoint");
		return;
	}
	chain_hash_hex(checkpoint->hash, hash);
	chain_signature_hex(checkpoint, signature);
	jout_object(out, "checkpoint");
	jout_int(out, "position", checkpoint->position);
	jout_text(out, "hash", hash);
	jout_int(out, "at_us", checkpoint->at_us);
	jout_int(out, "key_id", checkpoint->key_id);
	jout_text(out, "signature", signature);
	jout_end(out);
}

static void write_summary(struct verify *verify)
{
	struct json_out *out = &verify->cli->out;
	const struct chain_check *check = &verify->check;
	int64_t last = check->last.position, by_lost_keys = verify->by_lost_keys + verify->marks.by_lost_keys;
	char at[TIME_TEXT_SIZE];

	cli_say(verify->cli, "%lld entries sealed, up to position %lld; %lld wait for it\n",
		"%lld dòng đã niêm phong, đến vị trí %lld; %lld dòng đang chờ\n", (long long)check->rows,
		(long long)last, (long long)verify->waiting);
	cli_say(verify->cli, "%lld of %lld checkpoints genuine\n", "%lld trên %lld mốc ký là thật\n",
		(long long)verify->genuine, (long long)verify->state.checkpoints);
	if (cli_has(verify->cli, "checkpoint"))
		cli_say(verify->cli, "%zu genuine checkpoints in the file, up to position %lld; %lld of them in positions"
			" that a restart left out\n",
			"%zu mốc ký thật trong tệp, đến vị trí %lld; %lld mốc ở vị trí bị bỏ trống khi bắt đầu lại\n",
			verify->marks.count, (long long)verify->marks.highest, (long long)check->marks_left_out);
	if (by_lost_keys > 0)
		cli_say(verify->cli, "%lld of these are signed by keys that are not in the keyring any more: only the database"
			" says which keys those were; compare with \"audit keys\" on paper\n",
			"%lld mốc trong số đó do khóa không còn trong bộ khóa ký: chỉ cơ sở dữ liệu cho biết đó là khóa nào;"
			" hãy so với bản giấy của \"audit keys\"\n", (long long)by_lost_keys);
	if (verify->state.has_checkpoint)
		cli_say(verify->cli, "last signed: position %lld, %s; %lld entries after it are not signed yet\n",
			"ký lần cuối: vị trí %lld, %s; %lld dòng sau đó chưa ký\n", (long long)verify->last_signed,
			time_format(verify->state.checkpoint.at_us, at), (long long)verify->nunsigned);
	if (verify->signed_late > 0)
		cli_say(verify->cli, "%lld checkpoints came more than a minute after what they sign, first positions %lld to"
			" %lld: was the daemon down, or were earlier ones removed? Compare with the log (--checkpoint)\n",
			"%lld mốc ký chậm hơn một phút sau khi niêm phong, trước hết là vị trí %lld đến %lld: dịch vụ đã"
			" dừng, hay mốc ký trước đó bị xóa? Hãy so với nhật ký (--checkpoint)\n",
			(long long)verify->signed_late, (long long)verify->late_first, (long long)verify->late_last);
	jout_int(out, "sealed", check->rows);
	jout_int(out, "last_position", last);
	jout_int(out, "waiting", verify->waiting);
	jout_int(out, "checkpoints", verify->state.checkpoints);
	jout_int(out, "checkpoints_genuine", verify->genuine);
	jout_int(out, "checkpoints_by_lost_keys", by_lost_keys);
	jout_int(out, "checkpoints_signed_late", verify->signed_late);
	jout_int(out, "file_checkpoints", (int64_t)verify->marks.count);
	jout_int(out, "file_checkpoints_left_out", check->marks_left_out);
	jout_int(out, "unsigned", verify->nunsigned);
	write_checkpoint(verify);
	write_restarts(verify);
}

static int report(struct verify *verify, const struct audit_records *records)
{
	struct cli *cli = verify->cli;

	jout_bool(&cli->out, "fine", verify->ndamages == 0 && records->faults == 0);
	write_summary(verify);
	write_damages(verify);
	jout_end(&cli->out);
	if (verify->ndamages > 0)
		error_set(&cli->error, ERR_SYSTEM, "the audit record is damaged: %zu faults",
			  "nhật ký kiểm toán bị hư hại: %zu lỗi", verify->ndamages);
	else if (records->faults > 0)
		error_set(&cli->error, ERR_SYSTEM, "records are not as their audit entries left them: %lld faults",
			  "bản ghi không khớp với nhật ký kiểm toán: %lld lỗi", (long long)records->faults);
	else
		cli_say(cli, "nothing was changed, removed, inserted or reordered\n",
			"không có gì bị sửa, xóa, chèn hay đổi chỗ\n");
	return cli->error.code == ERR_NONE ? EXIT_OK : cli_refuse(cli);
}

static bool walk(struct verify *verify)
{
	return read_state(verify) && walk_chain(verify) && walk_entries(verify);
}

static bool run_all(struct verify *verify, struct audit_records *records)
{
	struct cli *cli = verify->cli;
	const char *path = cli_option(cli, "checkpoint", 0);

	if (path && !audit_marks_read(cli, path, &verify->keys, on_damage, verify, &verify->marks))
		return false;
	if (!walk(verify))
		return false;
	jout_object(&cli->out, NULL);
	return !cli_has(cli, "records") || audit_records_check(cli, records);
}

static void begin(struct verify *verify, struct cli *cli)
{
	*verify = (struct verify){ .cli = cli, .told_us = clock_mono_us() };
	arena_init(&verify->arena);
	verify->damages = xcalloc(DAMAGES_KEPT, sizeof(*verify->damages));
}

static void end(struct verify *verify)
{
	chain_check_release(&verify->check);
	arena_release(&verify->arena);
	free(verify->damages);
}

bool audit_is_whole(struct cli *cli, const struct audit_marks *marks)
{
	struct verify verify;
	bool whole;

	begin(&verify, cli);
	verify.marks = *marks;
	whole = audit_keys_collect(cli, &verify.keys) && walk(&verify);
	if (whole && verify.ndamages > 0) {
		qsort(verify.damages, verify.ndamages < DAMAGES_KEPT ? verify.ndamages : DAMAGES_KEPT,
		      sizeof(verify.damages[0]), compare_damages);
		whole = error_set(&cli->error, ERR_SYSTEM, "the chain of the audit has %zu faults; position %lld: %s",
				  "chuỗi kiểm toán có %zu lỗi; vị trí %lld: %s", verify.ndamages,
				  (long long)verify.damages[0].position, describe(&verify, &verify.damages[0]));
	}
	end(&verify);
	return whole;
}

static int verify_run(struct cli *cli)
{
	struct verify verify;
	struct audit_records records = { 0 };
	int status;

	if (cli_has(cli, "records") && cli_has(cli, "public-key")) {
		error_set(&cli->error, ERR_CONFIG, "--records needs the keyring: leave --public-key out",
			  "--records cần bộ khóa: hãy bỏ --public-key");
		return cli_usage(cli);
	}
	begin(&verify, cli);
	if (!audit_keys_collect(cli, &verify.keys))
		status = cli->error.code == ERR_CONFIG ? cli_usage(cli) : cli_refuse(cli);
	else
		status = run_all(&verify, &records) ? report(&verify, &records) : cli_refuse(cli);
	end(&verify);
	free(verify.marks.marks);
	return status;
}

static const struct cli_option verify_options[] = {
	{ "checkpoint", "FILE",
	  { "hold the chain against checkpoints kept elsewhere: the log, or an earlier --json",
	    "đối chiếu với các mốc ký giữ ở nơi khác: nhật ký, hoặc --json của lần trước" } },
	{ "public-key", "HEX",
	  { "verify signatures with this key (again for more) and without the keyring",
	    "kiểm tra chữ ký bằng khóa này (có thể lặp lại), không cần bộ khóa" } },
	{ "records", NULL,
	  { "also hold the records against what their last audit entries say",
	    "đối chiếu cả các bản ghi với dòng nhật ký cuối cùng của chúng" } },
	{ 0 }
};

const struct cli_command audit_verify_commands[] = {
	{ .group = "audit", .verb = "verify", .need = CLI_DATABASE, .keyless_with = "public-key",
	  .options = verify_options, .run = verify_run,
	  .summary = { "was any sealed entry changed, removed, inserted or reordered?",
		       "có dòng đã niêm phong nào bị sửa, xóa, chèn hay đổi chỗ không?" } },
	{ 0 }
};
