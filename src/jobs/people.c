#include "jobs/people.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "config/config.h"
#include "crypto/wrap.h"
#include "db/db.h"
#include "store/session_store.h"
#include "store/user_store.h"
#include "worker/gauges.h"
#include "worker/worker.h"

enum { CLOCK_SECONDS = 5, PURGE_SECONDS = 600, REWRAP_SECONDS = 10 };

/* Each is idle or at work; a turn that finds it at work is left out. */
struct people {
	struct worker        *worker;
	struct gauges        *gauges;
	struct store          store;
	int                   seconds;
	bool                  telling, purging, wrapping;
	/* the service's time, as it was at a moment of our own clock */
	bool                  known;
	int64_t               t, mono_us;
	struct service_clock  clock;
	struct session_purge  purge;
	struct arena          purge_arena, wrap_arena;
	struct user_wrapped   wrapped;
	struct user_save      save;
	char                  sealed[WRAP_HEX_SIZE];
};

static int64_t now_t(const struct people *people)
{
	return people->t + (clock_mono_us() - people->mono_us);
}

/* ---- time ---- */

static void on_told(struct service_clock *clock)
{
	struct people *people = container_of(clock, struct people, clock);

	people->telling = false;
	if (clock->error.code != ERR_NONE) {
		log_warning("service_time_not_told", "problem=%s", error_slug(clock->error.code));
		return;
	}
	if (!people->known || clock->t > now_t(people)) {
		people->t = clock->t;
		people->mono_us = clock_mono_us();
		people->known = true;
		atomic_store(&people->gauges->time_told, 1);
	}
}

static void tell_time(struct people *people)
{
	if (people->telling)
		return;
	people->telling = true;
	people->clock = (struct service_clock){
		.begin = !people->known, .t = people->known ? now_t(people) : 0, .done = on_told
	};
	service_clock_send(&people->store, &people->clock);
}

/* ---- what is over ---- */

static void on_purged(struct session_purge *purge)
{
	struct people *people = container_of(purge, struct people, purge);

	people->purging = false;
	arena_release(&people->purge_arena);
	if (purge->error.code != ERR_NONE)
		log_warning("session_purge_failed", "problem=%s", error_slug(purge->error.code));
	else if (purge->deleted > 0)
		log_info("sessions_purged", "rows=%lld", (long long)purge->deleted);
}

static void purge(struct people *people)
{
	const struct config *config = people->worker->config;

	if (people->purging || !people->known)
		return;
	people->purging = true;
	people->purge = (struct session_purge){
		.limits = session_limits_of(config->sessions_idle_minutes, config->sessions_hours), .keep = LOGIN_TRIES_KEPT,
		.now_t = now_t(people), .arena = &people->purge_arena, .done = on_purged,
	};
	session_purge_send(&people->store, &people->purge);
}

/* ---- secrets under an older wrap key: one user a turn, then the next ---- */

static void rewrap(struct people *people);

static void wrap_ends(struct people *people, const struct error *err)
{
	people->wrapping = false;
	arena_release(&people->wrap_arena);
	if (err->code != ERR_NONE && err->code != ERR_NOT_FOUND && err->code != ERR_STALE)
		log_warning("second_factor_not_sealed_again", "problem=%s", error_slug(err->code));
}

static void on_saved(struct user_save *save)
{
	struct people *people = container_of(save, struct people, save);
	bool again = save->error.code == ERR_NONE;

	wrap_ends(people, &save->error);
	if (again)
		rewrap(people);
}

/* False: the key that it was sealed by is not here. */
static bool seal_again(struct people *people, struct user *user)
{
	const struct keyring *keyring = people->store.keyring;
	const char *bound = user_totp_bound(&people->wrap_arena, user->id);
	unsigned char secret[WRAP_MAX];
	size_t len;

	if (!wrap_open(keyring, user->totp_key_id, bound, user->totp_sealed, secret, &len))
		return false;
	user->totp_key_id = people->wrapped.not_by;
	wrap_seal(keyring, user->totp_key_id, bound, secret, len, people->sealed);
	user->totp_sealed = people->sealed;
	explicit_bzero(secret, sizeof(secret));
	return true;
}

static void on_wrapped_otherwise(struct user_wrapped *wrapped)
{
	struct people *people = container_of(wrapped, struct people, wrapped);
	struct user_save *save = &people->save;

	if (wrapped->error.code != ERR_NONE) {
		wrap_ends(people, &wrapped->error);
		return;
	}
	*save = (struct user_save){
		.before = &wrapped->user, .next = wrapped->user, .verb = "totp_rewrap",
		.actor = { .kind = "daemon", .role = ROLE_ADMIN }, .arena = &people->wrap_arena, .done = on_saved,
	};
	if (!seal_again(people, &save->next)) {
		log_warning("second_factor_not_sealed_again", "user=%s hint=\"its wrap key is not in the keyring\"",
			    wrapped->user.id);
		wrap_ends(people, &wrapped->error);
		return;
	}
	user_save_send(&people->store, save);
}

static void rewrap(struct people *people)
{
	if (people->wrapping)
		return;
	people->wrapping = true;
	people->wrapped = (struct user_wrapped){
		.not_by = keyring_active(people->store.keyring, KEY_WRAP), .arena = &people->wrap_arena,
		.done = on_wrapped_otherwise,
	};
	user_wrapped_send(&people->store, &people->wrapped);
}

/* ---- life ---- */

void people_tick(struct people *people)
{
	if (!people->known || people->seconds % CLOCK_SECONDS == 0)
		tell_time(people);
	if (people->seconds % PURGE_SECONDS == 3)
		purge(people);
	if (people->seconds % REWRAP_SECONDS == 4)
		rewrap(people);
	people->seconds++;
}

bool people_ready(struct people *people)
{
	if (!people->known && db_connected(people->worker->db))
		tell_time(people);
	return people->known;
}

struct people *people_new(struct worker *worker, struct gauges *gauges)
{
	struct people *people = xcalloc(1, sizeof(*people));

	people->worker = worker;
	people->gauges = gauges;
	people->store = (struct store){ .db = worker->db, .keyring = worker->keyring, .clock = worker->clock };
	arena_init(&people->purge_arena);
	arena_init(&people->wrap_arena);
	return people;
}

void people_free(struct people *people)
{
	if (!people)
		return;
	arena_release(&people->purge_arena);
	arena_release(&people->wrap_arena);
	free(people);
}
