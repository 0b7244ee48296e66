#include "jobs/key_watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "crypto/keyring.h"
#include "store/key_store.h"
#include "worker/worker.h"

enum { FOLDER_SECONDS = 2 };

struct key_watch {
	struct worker  *worker;
	struct keyring *keyring;
	struct store    store;
	void          (*changed)(void *context);
	void           *context;
	unsigned        seconds;
	bool            loading;                 /* the database is being asked */
	bool            bad;                     /* the folder could not be used: try again without a change */
	struct key_load load;
	/* what was logged last; "" and false: all is well */
	char            folder_trouble[sizeof((struct error *)0)->detail[0]];
	char            database_trouble[sizeof((struct error *)0)->detail[0]];
	bool            told_missing, told_lost;
};

/* ---- saying ---- */

static void tell(char *told, size_t size, const char *where, const char *trouble)
{
	if (streq(told, trouble))
		return;
	if (*trouble)
		log_error("keys_refused", "by=%s why=\"%s\"", where, trouble);
	else
		log_info("keys_fine", "by=%s", where);
	snprintf(told, size, "%s", trouble);
}

static void tell_missing(struct key_watch *watch, const struct key_view *view)
{
	if (!view->complete && !watch->told_missing)
		log_error("key_missing", "kind=%s id=%d keyring=\"%s\"", key_kind_text(view->missing.kind),
			  view->missing.id, keyring_dir(watch->keyring));
	else if (view->complete && watch->told_missing)
		log_info("keys_complete", "keyring=\"%s\"", keyring_dir(watch->keyring));
	watch->told_missing = !view->complete;
	if (view->nlost > 0 && !watch->told_lost)
		log_warning("retired_keys_missing",
			    "keys=%zu keyring=\"%s\" hint=\"what they digested is not found: giothong keyring list\"",
			    view->nlost, keyring_dir(watch->keyring));
	watch->told_lost = view->nlost > 0;
}

static void tell_changes(struct key_watch *watch, const struct key_view *before)
{
	const struct key_view *now = keyring_view(watch->keyring);

	tell_missing(watch, now);
	if (now == before)
		return;
	log_info("keys_changed", "keys=%zu hash=%d wrap=%d sign=%d suppression=%d", now->nkeys, now->active[KEY_HASH],
		 now->active[KEY_WRAP], now->active[KEY_SIGN], now->active[KEY_SUPPRESSION]);
	watch->changed(watch->context);
}

/* ---- the folder ---- */

static bool read_folder(struct key_watch *watch)
{
	const struct key_view *before = keyring_view(watch->keyring);
	struct error err = { 0 };

	watch->bad = !keyring_reload(watch->keyring, &err);
	tell(watch->folder_trouble, sizeof(watch->folder_trouble), "folder", err.detail[LANGUAGE_EN]);
	tell_changes(watch, before);
	return !watch->bad;
}

void key_watch_reload(struct key_watch *watch)
{
	(void)keyring_may_have_changed(watch->keyring);
	if (read_folder(watch))
		log_info("keyring_read", "keyring=\"%s\" keys=%zu fixed=%d", keyring_dir(watch->keyring),
			 keyring_view(watch->keyring)->nkeys, keyring_is_fixed(watch->keyring));
}

/* ---- the database's word ---- */

static void on_load(struct key_load *load)
{
	struct key_watch *watch = container_of(load, struct key_watch, load);
	const struct key_view *before = keyring_view(watch->keyring);
	struct error err = { 0 };

	watch->loading = false;
	if (load->error.code == ERR_UNAVAILABLE || load->error.code == ERR_UNKNOWN_OUTCOME)
		return;                  /* the heartbeat tells of a database that is away */
	err = load->error;
	if (err.code == ERR_NONE)
		(void)!keyring_agree(watch->keyring, load->records, load->nrecords, &err);
	tell(watch->database_trouble, sizeof(watch->database_trouble), "database", err.detail[LANGUAGE_EN]);
	tell_changes(watch, before);
}

static void ask_database(struct key_watch *watch)
{
	if (watch->loading)
		return;
	watch->loading = true;
	watch->load.done = on_load;
	key_load_send(&watch->store, &watch->load);
}

/* ---- the interface ---- */

void key_watch_tick(struct key_watch *watch)
{
	bool look = watch->seconds++ % FOLDER_SECONDS == 0 && !keyring_is_fixed(watch->keyring);

	if (look && (keyring_may_have_changed(watch->keyring) || watch->bad))
		read_folder(watch);
	ask_database(watch);
}

struct key_watch *key_watch_new(struct worker *worker, struct keyring *keyring, void (*changed)(void *context),
				void *context)
{
	struct key_watch *watch = xcalloc(1, sizeof(*watch));

	watch->worker = worker;
	watch->keyring = keyring;
	watch->store = (struct store){ worker->db, worker->keyring, worker->clock, NULL };
	watch->changed = changed;
	watch->context = context;
	tell_missing(watch, keyring_view(keyring));
	return watch;
}

void key_watch_free(struct key_watch *watch)
{
	free(watch);
}
