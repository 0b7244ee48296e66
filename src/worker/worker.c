#include "worker/worker.h"

#include <stdlib.h>

#include <event2/event.h>

#include "db/db.h"
#include "worker/mailbox.h"

static struct event_base *base_new(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base;

	/* Each loop is used by its own thread only; other threads come through the mailbox. */
	if (!config || event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) ||
	    !(base = event_base_new_with_config(config)))
		abort();
	event_config_free(config);
	return base;
}

void worker_init(struct worker *worker, const struct worker_options *options)
{
	*worker = (struct worker){
		.index = options->index,
		.base = base_new(),
		.config = options->config,
		.keyring = options->keyring,
		.clock = options->clock,
	};
	worker->mailbox = mailbox_new(worker->base);
	if (options->db)
		worker->db = db_new(worker->base, options->db);
}

void worker_close_db(struct worker *worker)
{
	db_free(worker->db);
	worker->db = NULL;
}

void worker_release(struct worker *worker)
{
	db_free(worker->db);
	mailbox_free(worker->mailbox);
	event_base_free(worker->base);
	*worker = (struct worker){ 0 };
}

void worker_post(struct worker *worker, struct message *message)
{
	mailbox_post(worker->mailbox, message);
}
