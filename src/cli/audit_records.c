#include "cli/sealed_audit.h"

#include <unistd.h>

#include "base/text.h"
#include "crypto/keyring.h"
#include "store/record_store.h"

CLI_OPERATION(record_page)
CLI_OPERATION(record_digest)
CLI_OPERATION(record_strays)

enum {
	PAGE_ROWS = 500,
	LOOKS = 4,                       /* at a record that does not fit: somebody may just be changing it */
	LOOK_AGAIN_US = 200000,
	SAID = 50
};

enum verdict { RECORD_FITS, RECORD_DIFFERS, RECORD_GONE, RECORD_KEY_LOST };

static const char *const slugs[] = {
	[RECORD_DIFFERS] = "changed", [RECORD_GONE] = "removed", [RECORD_KEY_LOST] = "key_lost",
};

struct checking {
	struct cli           *cli;
	struct arena          arena;             /* of one page */
	struct audit_records *out;
};

/* ---- telling ---- */

static void tell(struct checking *checking, const char *kind, enum record_kind subject, const char *id,
		 const struct record_last *last, const char *en, const char *vi)
{
	struct json_out *out = &checking->cli->out;

	if (checking->out->faults++ < SAID)
		cli_say(checking->cli, "%s %s: %s\n", "%s %s: %s\n", record_kind_text(subject), id,
			cli_word(checking->cli, en, vi));
	jout_object(out, NULL);
	jout_text(out, "kind", kind);
	jout_text(out, "subject_kind", record_kind_text(subject));
	jout_text(out, "subject_id", id);
	if (last) {
		jout_text(out, "entry_id", last->entry_id);
		jout_text(out, "action", last->action);
	}
	jout_end(out);
}

static void tell_verdict(struct checking *checking, enum verdict verdict, enum record_kind subject,
			 const struct record_last *last)
{
	static const char *const words[][LANGUAGE_COUNT] = {
		[RECORD_DIFFERS] = { "not as its last audit entry left it", "không như dòng nhật ký cuối cùng đã ghi" },
		[RECORD_GONE] = { "gone, and no audit entry says so", "đã mất mà nhật ký không ghi" },
		[RECORD_KEY_LOST] = { "cannot be compared: the hash key of its last entry is not in the keyring",
				      "không so được: bộ khóa không còn khóa băm của dòng nhật ký cuối" },
	};

	tell(checking, slugs[verdict], subject, last->subject_id, last, words[verdict][LANGUAGE_EN],
	     words[verdict][LANGUAGE_VI]);
}

/* ---- comparing ---- */

static bool has_hash_key(const struct keyring *keyring, int id)
{
	const struct key_view *view = keyring_view(keyring);

	for (size_t i = 0; i < view->nkeys; i++)
		if (view->keys[i].kind == KEY_HASH && view->keys[i].id == id)
			return true;
	return false;
}

static bool compare(struct checking *checking, enum record_kind kind, const struct record_last *last,
		    enum verdict *verdict)
{
	struct record_digest digest = { .kind = kind, .id = last->subject_id, .key_id = last->key_id,
					.arena = &checking->arena };

	*verdict = RECORD_KEY_LOST;
	if (!has_hash_key(checking->cli->setup->keyring, last->key_id))
		return true;
	if (!record_digest_run(checking->cli, &digest))
		return false;
	if (last->digest && !digest.there)
		*verdict = RECORD_GONE;
	else
		*verdict = streq(last->digest, digest.there ? digest.digest : NULL) ? RECORD_FITS : RECORD_DIFFERS;
	return true;
}

/* Record and entry are read one after the other; a change between them looks like a fault once. */
static bool look_closely(struct checking *checking, enum record_kind kind, struct record_last *last,
			 enum verdict *verdict)
{
	for (int i = 1; i < LOOKS && *verdict != RECORD_FITS; i++) {
		struct record_page page = { .kind = kind, .after = "", .only = last->subject_id, .limit = 1,
					    .arena = &checking->arena };

		usleep(LOOK_AGAIN_US);
		if (!record_page_run(checking->cli, &page))
			return false;
		if (page.nrows > 0)
			*last = page.rows[0];
		if (!compare(checking, kind, last, verdict))
			return false;
	}
	return true;
}

static bool check_row(struct checking *checking, enum record_kind kind, struct record_last *last)
{
	enum verdict verdict;

	if (!compare(checking, kind, last, &verdict))
		return false;
	if (verdict != RECORD_FITS && verdict != RECORD_KEY_LOST && !look_closely(checking, kind, last, &verdict))
		return false;
	checking->out->compared++;
	if (verdict != RECORD_FITS)
		tell_verdict(checking, verdict, kind, last);
	return true;
}

static bool check_strays(struct checking *checking, enum record_kind kind)
{
	struct record_strays strays = { .kind = kind, .arena = &checking->arena };

	if (!record_strays_run(checking->cli, &strays))
		return false;
	for (size_t i = 0; i < strays.nids; i++)
		tell(checking, "unaudited", kind, strays.ids[i], NULL, "made, and no audit entry says so",
		     "được tạo mà nhật ký không ghi");
	return true;
}

static bool check_kind(struct checking *checking, enum record_kind kind)
{
	struct record_page page = { .kind = kind, .after = "", .limit = PAGE_ROWS, .arena = &checking->arena };

	do {
		if (!record_page_run(checking->cli, &page))
			return false;
		for (size_t i = 0; i < page.nrows; i++)
			if (!check_row(checking, kind, &page.rows[i]))
				return false;
		if (page.nrows > 0)
			page.after = arena_strdup(&checking->cli->arena, page.rows[page.nrows - 1].subject_id);
		arena_release(&checking->arena);
	} while (page.nrows == PAGE_ROWS);
	return check_strays(checking, kind);
}

bool audit_records_check(struct cli *cli, struct audit_records *out)
{
	struct checking checking = { .cli = cli, .out = out };
	bool fine = true;

	*out = (struct audit_records){ 0 };
	arena_init(&checking.arena);
	jout_object(&cli->out, "records");
	jout_array(&cli->out, "faults");
	for (int kind = 0; fine && kind < RECORD_KINDS; kind++)
		fine = check_kind(&checking, (enum record_kind)kind);
	arena_release(&checking.arena);
	jout_end(&cli->out);
	jout_int(&cli->out, "nfaults", out->faults);
	jout_int(&cli->out, "compared", out->compared);
	jout_end(&cli->out);
	if (out->faults > SAID)
		cli_say(cli, "... %lld faults in all\n", "... tổng cộng %lld lỗi\n", (long long)out->faults);
	cli_say(cli, "%lld records compared with their last audit entries\n",
		"đã đối chiếu %lld bản ghi với dòng nhật ký cuối cùng\n", (long long)out->compared);
	return fine;
}
