#include "jobs/sealer.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "store/seal_store.h"
#include "worker/gauges.h"
#include "worker/worker.h"

enum { CHECKPOINT_US = 5000000, COMPLAIN_US = 60000000 };

/*
 * IDLE      until the next tick
 * READING   the head of the chain and the entries behind it
 * WRITING   their rows
 * SIGNING   a checkpoint of the head
 */
enum sealer_state { SEALER_IDLE, SEALER_READING, SEALER_WRITING, SEALER_SIGNING };

struct sealer {
	struct worker          *worker;
	struct gauges          *gauges;
	struct store            store;
	enum sealer_state       state;
	struct arena            arena;           /* of one turn */
	bool                    looked;          /* the newest checkpoint was held against the chain */
	struct chain_head       known;           /* the newest place of the chain that we saw; 0: none yet */
	struct seal_read        read;
	struct seal_write       write;
	struct checkpoint_write sign;
	unsigned char         (*hashes)[CHAIN_HASH_BYTES];
	const char             *trouble;         /* why nothing is sealed; NULL: all is well */
	int64_t                 complained_us;
};

static void read_next(struct sealer *sealer);

static void rest(struct sealer *sealer)
{
	sealer->state = SEALER_IDLE;
	arena_release(&sealer->arena);
}

/* ---- what keeps us from sealing ---- */

/* Said when it begins, and once a minute. */
static void complain(struct sealer *sealer, enum log_level level, const char *trouble)
{
	int64_t now = clock_mono_us();

	if (sealer->trouble == trouble && now - sealer->complained_us < COMPLAIN_US)
		return;
	sealer->trouble = trouble;
	sealer->complained_us = now;
	log_write(level, "audit_not_sealed", "why=\"%s\" position=%lld known=%lld", trouble,
		  (long long)sealer->read.head.position, (long long)sealer->known.position);
}

static void recover(struct sealer *sealer)
{
	if (sealer->trouble)
		log_info("audit_sealed_again", "position=%lld", (long long)sealer->read.head.position);
	sealer->trouble = NULL;
}

/* What the newest checkpoint says is as good as having seen it. A key that is not ours tells nothing. */
static bool learn_from_checkpoint(struct sealer *sealer)
{
	const struct chain_checkpoint *checkpoint = &sealer->read.checkpoint;
	unsigned char public_key[SIGN_PUBLIC_BYTES];

	if (!sign_public_key(sealer->store.keyring, checkpoint->key_id, public_key)) {
		log_warning("audit_checkpoint_key_unknown", "position=%lld key_id=%d",
			    (long long)checkpoint->position, checkpoint->key_id);
		return true;
	}
	if (!chain_checkpoint_verify(checkpoint, public_key))
		return false;
	sealer->known.position = checkpoint->position;
	memcpy(sealer->known.hash, checkpoint->hash, sizeof(checkpoint->hash));
	return true;
}

/* Why this chain must not be built on; NULL when it may. */
static const char *find_trouble(const struct sealer *sealer)
{
	const struct seal_read *read = &sealer->read;

	if (read->restart_waits)
		return "giothong audit restart is under way";
	if (read->foreign)
		return "the database was loaded from a dump: run giothong audit restart";
	if (!read->head_entry_is_there)
		return "the last sealed entry is gone: run giothong audit verify";
	if (!read->known_holds && read->restarted_at <= sealer->known.position)
		return "the chain was changed: run giothong audit verify";
	return NULL;
}

static void publish(const struct sealer *sealer)
{
	const struct seal_read *read = &sealer->read;
	struct gauges *gauges = sealer->gauges;
	int64_t now = clock_mono_us();
	int64_t waiting = read->waiting_us < 0 ? -1 : read->waiting_us;

	atomic_store(&gauges->audit_sealed, read->head.position);
	atomic_store(&gauges->audit_waiting_since_us, waiting < 0 ? 0 : now > waiting ? now - waiting : 1);
	atomic_store(&gauges->audit_read_us, now);
	atomic_store(&gauges->audit_stopped, sealer->trouble != NULL);
}

/* ---- signing ---- */

static void log_checkpoint(const struct chain_checkpoint *checkpoint)
{
	char hash[CHAIN_HASH_HEX_SIZE], signature[SIGNATURE_HEX_SIZE];

	chain_hash_hex(checkpoint->hash, hash);
	chain_signature_hex(checkpoint, signature);
	log_record("audit_checkpoint", "position=%lld hash=%s at_us=%lld key_id=%d signature=%s",
		   (long long)checkpoint->position, hash, (long long)checkpoint->at_us, checkpoint->key_id,
		   signature);
}

/* After a full batch there is more to do; else the next tick comes soon enough. */
static void go_on(struct sealer *sealer)
{
	bool full = sealer->read.nrows == SEAL_BATCH_MAX && sealer->write.written;

	rest(sealer);
	if (full)
		read_next(sealer);
}

/* Only what is surely in the database goes to the log, where it can never be taken back. */
static void on_signed(struct checkpoint_write *write)
{
	struct sealer *sealer = container_of(write, struct sealer, sign);

	if (write->error.code != ERR_NONE)
		log_warning("audit_checkpoint_failed", "problem=%s", error_slug(write->error.code));
	else if (write->written)
		log_checkpoint(&write->checkpoint);
	go_on(sealer);
}

static bool checkpoint_is_due(const struct sealer *sealer)
{
	const struct seal_read *read = &sealer->read;
	int64_t age = read->now_us - read->checkpoint.at_us;

	if (!read->has_checkpoint)
		return sealer->known.position > 0;
	return sealer->known.position > read->checkpoint.position && (age >= CHECKPOINT_US || age < 0);
}

static void sign_if_due(struct sealer *sealer)
{
	struct chain_checkpoint *checkpoint = &sealer->sign.checkpoint;

	if (!checkpoint_is_due(sealer)) {
		go_on(sealer);
		return;
	}
	checkpoint->position = sealer->known.position;
	memcpy(checkpoint->hash, sealer->known.hash, sizeof(checkpoint->hash));
	checkpoint->at_us = sealer->read.now_us;
	checkpoint->key_id = keyring_active(sealer->store.keyring, KEY_SIGN);
	if (!chain_checkpoint_sign(sealer->store.keyring, checkpoint)) {
		log_warning("audit_checkpoint_failed", "problem=no-sign-key");
		go_on(sealer);
		return;
	}
	sealer->state = SEALER_SIGNING;
	sealer->sign.arena = &sealer->arena;
	sealer->sign.done = on_signed;
	checkpoint_write_send(&sealer->store, &sealer->sign);
}

/* ---- sealing ---- */

static void on_written(struct seal_write *write)
{
	struct sealer *sealer = container_of(write, struct sealer, write);
	size_t last = write->nrows - 1;

	if (write->error.code != ERR_NONE)
		log_warning("audit_seal_failed", "problem=%s", error_slug(write->error.code));
	if (!write->written) {
		rest(sealer);            /* another was faster, or nobody knows: the next tick reads again */
		return;
	}
	sealer->known.position = write->rows[last].position;
	memcpy(sealer->known.hash, write->hashes[last], CHAIN_HASH_BYTES);
	atomic_store(&sealer->gauges->audit_sealed, sealer->known.position);
	sign_if_due(sealer);
}

static void hash_batch(struct sealer *sealer)
{
	struct seal_read *read = &sealer->read;
	const char *now = arena_printf(&sealer->arena, "%lld", (long long)read->now_us);
	const unsigned char *before = read->head.hash;

	sealer->hashes = arena_alloc(&sealer->arena, read->nrows * sizeof(*sealer->hashes));
	for (size_t i = 0; i < read->nrows; i++) {
		read->rows[i].position = read->head.position + 1 + (int64_t)i;
		read->rows[i].sealed_us = now;
		chain_hash(before, &read->rows[i], sealer->hashes[i]);
		before = sealer->hashes[i];
	}
}

static void write_batch(struct sealer *sealer)
{
	hash_batch(sealer);
	sealer->state = SEALER_WRITING;
	sealer->write = (struct seal_write){
		.head = sealer->read.head,
		.rows = sealer->read.rows,
		.hashes = sealer->hashes,
		.nrows = sealer->read.nrows,
		.arena = &sealer->arena,
		.done = on_written,
	};
	seal_write_send(&sealer->store, &sealer->write);
}

static void on_read(struct seal_read *read)
{
	struct sealer *sealer = container_of(read, struct sealer, read);
	const char *trouble;

	sealer->write.written = false;
	if (read->error.code != ERR_NONE) {
		rest(sealer);            /* the heartbeat tells of a database that is away */
		return;
	}
	/* First of all the checkpoint is held against the chain; the next turn may seal. */
	if (!sealer->looked && read->has_checkpoint) {
		sealer->looked = learn_from_checkpoint(sealer);
		if (sealer->looked) {
			rest(sealer);
			read_next(sealer);
			return;
		}
		trouble = "the newest checkpoint is forged: run giothong audit verify";
	} else {
		trouble = find_trouble(sealer);
	}
	if (trouble)
		complain(sealer, read->restart_waits ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR, trouble);
	else
		recover(sealer);
	publish(sealer);
	if (trouble) {
		rest(sealer);
		return;
	}
	sealer->looked = true;
	sealer->known = read->head;
	if (read->nrows > 0)
		write_batch(sealer);
	else
		sign_if_due(sealer);
}

static void read_next(struct sealer *sealer)
{
	sealer->state = SEALER_READING;
	sealer->read.known = sealer->known;
	sealer->read.arena = &sealer->arena;
	sealer->read.done = on_read;
	seal_read_send(&sealer->store, &sealer->read);
}

/* ---- the interface ---- */

void sealer_tick(struct sealer *sealer)
{
	if (sealer->state == SEALER_IDLE)
		read_next(sealer);
}

struct sealer *sealer_new(struct worker *worker, struct gauges *gauges)
{
	struct sealer *sealer = xcalloc(1, sizeof(*sealer));

	sealer->worker = worker;
	sealer->gauges = gauges;
	sealer->store = (struct store){ worker->db, worker->keyring, worker->clock, NULL };
	arena_init(&sealer->arena);
	atomic_store(&gauges->audit_read_us, clock_mono_us());
	return sealer;
}

void sealer_free(struct sealer *sealer)
{
	if (!sealer)
		return;
	arena_release(&sealer->arena);
	free(sealer);
}
