#include "cli/sealed_audit.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/commands.h"
#include "store/chain_store.h"

CLI_OPERATION(chain_state)
CLI_OPERATION(unsealed_page)
CLI_OPERATION(restart_begin)
CLI_OPERATION(seal_write)

enum { PAGE_ROWS = 5000, TRIES = 30 };

/* Positions are never given twice, and a portal may hold one as its cursor. Numbers are cheap. */
enum { BEYOND_THE_LOG = 1000000, WITHOUT_A_LOG = 1000000000 };

/* `giothong audit restart`: the first thing after a restore. See include/crypto/audit_chain.h. */
struct restarting {
	struct cli         *cli;
	const struct audit_outside *outside;
	struct arena        arena;               /* of one page */
	struct restart_row  entry;               /* the restart's own */
	struct chain_row    row;                 /* the same, as it is hashed */
	struct chain_head   head;
	const char         *now;                 /* sealed_at of all */
	int64_t             sealed;
};

/* ---- the entry ---- */

/* The highest position that may have been given, where the chain ends at `head`. */
static int64_t last_given(const struct audit_outside *outside, int64_t head)
{
	if (!outside->perhaps_more)
		return outside->known;
	return outside->known > 0 && outside->known >= head ? outside->known + BEYOND_THE_LOG : head + WITHOUT_A_LOG;
}

/*
 * Whether the chain can go on by it: nothing was put into its hole since, and
 * the hole takes in all that is known by now. Behind it there may be rows of
 * an earlier call.
 */
static bool is_usable(const struct restart_row *row, int64_t head, const struct audit_outside *outside)
{
	const struct chain_restart *restart = &row->restart;

	if (!row->readable || restart->at > 0)
		return false;
	if (restart->first > restart->last)
		return outside->known <= head && !outside->perhaps_more;
	if (restart->first == head + 1)
		return restart->last >= last_given(outside, head);
	return head > restart->last && outside->known <= head;
}

static bool find_entry(struct restarting *restarting, const struct chain_state *state)
{
	for (size_t i = 0; i < state->nrestarts; i++) {
		if (!is_usable(&state->restarts[i], state->head.position, restarting->outside))
			continue;
		restarting->entry = state->restarts[i];
		return true;
	}
	return false;
}

static bool make_entry(struct restarting *restarting, int64_t head)
{
	struct cli *cli = restarting->cli;
	int64_t last = last_given(restarting->outside, head);
	struct restart_begin begin = { .head = head, .actor = cli->actor, .arena = &cli->arena, .subject_id = "none" };

	if (last > head)
		begin.subject_id = arena_printf(&cli->arena, "%lld-%lld", (long long)head + 1, (long long)last);
	return restart_begin_run(cli, &begin);
}

/* There is one, the chain ends before its hole, and no older transaction is open. */
static bool settle(struct restarting *restarting)
{
	struct cli *cli = restarting->cli;

	for (int i = 0; i < TRIES; i++) {
		struct chain_state state = { .arena = &cli->arena };
		bool found;

		if (!chain_state_run(cli, &state))
			return false;
		found = find_entry(restarting, &state);
		if (found && restarting->entry.settled) {
			restarting->head = state.head;
			restarting->now = arena_printf(&cli->arena, "%lld", (long long)state.now_us);
			return true;
		}
		if (!found && !make_entry(restarting, state.head.position))
			return false;
		/* For older transactions, or for who seals at this moment. */
		if ((found || i > 0) && !cli_pause(cli, 1000))
			return false;
	}
	return error_set(&cli->error, ERR_UNAVAILABLE,
			 "a transaction has been open for long: end it (pg_stat_activity tells which), then run this again",
			 "có giao dịch mở quá lâu: hãy kết thúc nó (xem pg_stat_activity) rồi chạy lại lệnh này");
}

/* ---- sealing ---- */

static bool put(struct restarting *restarting, struct chain_row *rows, size_t nrows)
{
	struct cli *cli = restarting->cli;
	const struct chain_restart *hole = &restarting->entry.restart;
	int64_t position = restarting->head.position > hole->last ? restarting->head.position : hole->last;
	unsigned char (*hashes)[CHAIN_HASH_BYTES] = arena_alloc(&restarting->arena, nrows * sizeof(*hashes));
	const unsigned char *before = restarting->head.hash;
	struct seal_write write = { .head = restarting->head, .rows = rows, .hashes = hashes, .nrows = nrows,
				    .restart = true, .arena = &restarting->arena };

	for (size_t i = 0; i < nrows; i++) {
		rows[i].position = ++position;
		rows[i].sealed_us = restarting->now;
		chain_hash(before, &rows[i], hashes[i]);
		before = hashes[i];
	}
	for (int i = 0; i < TRIES && !write.written; i++) {
		if ((i > 0 && !cli_pause(cli, 1000)) || !seal_write_run(cli, &write))
			return false;
	}
	if (!write.written)
		return error_set(&cli->error, ERR_UNAVAILABLE, "somebody else seals: run this again",
				 "có tiến trình khác đang niêm phong: hãy chạy lại lệnh này");
	restarting->head.position = position;
	memcpy(restarting->head.hash, hashes[nrows - 1], CHAIN_HASH_BYTES);
	restarting->sealed += (int64_t)nrows;
	return true;
}

static void keep_entry(struct restarting *restarting, const struct chain_row *row)
{
	for (int i = 0; i < CHAIN_FIELDS; i++)
		restarting->row.entry[i] = arena_strdup(&restarting->cli->arena, row->entry[i]);
}

static bool put_page(struct restarting *restarting, const struct unsealed_page *page)
{
	struct chain_row *rows = arena_alloc(&restarting->arena, SEAL_BATCH_MAX * sizeof(*rows));
	size_t count = 0;

	for (size_t i = 0; i < page->nrows; i++) {
		if (streq(page->rows[i].row.entry[CHAIN_ID], restarting->entry.entry_id))
			keep_entry(restarting, &page->rows[i].row);
		else
			rows[count++] = page->rows[i].row;
		if (count == SEAL_BATCH_MAX) {
			if (!put(restarting, rows, count))
				return false;
			count = 0;
		}
	}
	return count == 0 || put(restarting, rows, count);
}

/*
 * All that is there and not sealed: what the backup brought, whatever its
 * transaction numbers. What others write meanwhile has a higher number than
 * the restart entry, so that the sealers find it afterwards.
 */
static bool put_all(struct restarting *restarting)
{
	struct unsealed_page page = { .limit = PAGE_ROWS, .arena = &restarting->arena };

	do {
		if (!unsealed_page_run(restarting->cli, &page) || !put_page(restarting, &page))
			return false;
		arena_release(&restarting->arena);
	} while (page.more);
	if (!restarting->row.entry[CHAIN_ID])
		return error_set(&restarting->cli->error, ERR_UNAVAILABLE, "another restart was faster",
				 "một lệnh bắt đầu lại khác đã nhanh hơn");
	return put(restarting, &restarting->row, 1);
}

bool audit_restart(struct cli *cli, const struct audit_outside *outside, struct audit_restarted *out)
{
	struct restarting restarting = { .cli = cli, .outside = outside };
	bool fine;

	arena_init(&restarting.arena);
	fine = settle(&restarting) && put_all(&restarting);
	arena_release(&restarting.arena);
	out->restart = restarting.entry.restart;
	out->restart.at = restarting.head.position;
	out->sealed = restarting.sealed;
	return fine;
}

/* ---- the command ---- */

/* What is known outside: the highest position of the checkpoints in the log, or a number said. */
static bool find_known(struct cli *cli, struct audit_outside *outside)
{
	const char *path = cli_option(cli, "checkpoint", 0), *text = cli_option(cli, "known", 0);
	struct audit_marks marks = { 0 };
	bool fine;
	long said = 0;

	if (text && !text_to_int(text, 0, INT64_MAX / 2, &said))
		return error_set(&cli->error, ERR_CONFIG, "--known must be a position", "--known phải là một vị trí");
	*outside = (struct audit_outside){ .known = said, .perhaps_more = path != NULL };
	if (!path)
		return true;
	fine = audit_marks_read_genuine(cli, path, &marks);
	outside->known = marks.highest > said ? marks.highest : said;
	free(marks.marks);
	return fine;
}

static int restart_run(struct cli *cli)
{
	struct audit_restarted restarted;
	const struct chain_restart *restart = &restarted.restart;
	struct audit_outside outside;

	if (!cli_has(cli, "checkpoint") && !cli_has(cli, "known")) {
		error_set(&cli->error, ERR_CONFIG, "--checkpoint FILE or --known POSITION is needed",
			  "cần --checkpoint TỆP hoặc --known VỊ_TRÍ");
		return cli_usage(cli);
	}
	if (!find_known(cli, &outside))
		return cli->error.code == ERR_CONFIG ? cli_usage(cli) : cli_refuse(cli);
	if (!audit_restart(cli, &outside, &restarted))
		return cli_refuse(cli);
	if (restart->first <= restart->last)
		cli_say(cli, "positions %lld to %lld are left out; the chain goes on at %lld\n",
			"bỏ trống vị trí %lld đến %lld; chuỗi đi tiếp ở %lld\n", (long long)restart->first,
			(long long)restart->last, (long long)restart->at + 1);
	else
		cli_say(cli, "no position is left out; the chain goes on at %lld\n",
			"không bỏ trống vị trí nào; chuỗi đi tiếp ở %lld\n", (long long)restart->at + 1);
	jout_object(&cli->out, NULL);
	jout_int(&cli->out, "at_position", restart->at);
	jout_int(&cli->out, "sealed", restarted.sealed);
	if (restart->first <= restart->last) {
		jout_int(&cli->out, "first", restart->first);
		jout_int(&cli->out, "last", restart->last);
	}
	jout_end(&cli->out);
	return EXIT_OK;
}

static const struct cli_option restart_options[] = {
	{ "checkpoint", "FILE",
	  { "the log with the checkpoints from after the backup", "nhật ký có các mốc ký sau lần sao lưu" } },
	{ "known", "POSITION",
	  { "the highest position known outside; 0: none", "vị trí cao nhất được biết ở ngoài; 0: không có" } },
	{ 0 }
};

const struct cli_command audit_restart_commands[] = {
	{ .group = "audit", .verb = "restart", .need = CLI_DATABASE, .options = restart_options, .run = restart_run,
	  .summary = { "let the chain go on after a restore, above all that was known",
		       "cho chuỗi đi tiếp sau khi khôi phục, trên mọi vị trí đã biết" } },
	{ 0 }
};
