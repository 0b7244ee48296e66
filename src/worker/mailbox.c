#include "worker/mailbox.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "base/memory.h"
#include "worker/worker.h"

struct mailbox {
	pthread_mutex_t lock;            /* guards first and last */
	struct message *first, *last;
	int             fd;
	struct event    readable;
};

static struct message *take_all(struct mailbox *mailbox)
{
	pthread_mutex_lock(&mailbox->lock);
	struct message *first = mailbox->first;

	mailbox->first = mailbox->last = NULL;
	pthread_mutex_unlock(&mailbox->lock);
	return first;
}

static void run_all(struct mailbox *mailbox)
{
	struct message *message = take_all(mailbox);

	while (message) {
		struct message *next = message->next;    /* run() may free or post it again */

		message->run(message);
		message = next;
	}
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
	uint64_t count;

	(void)what;
	/* Emptied before the queue is taken: a message posted in between wakes us once more. */
	if (read(fd, &count, sizeof(count)) < 0)
		return;
	run_all(context);
}

struct mailbox *mailbox_new(struct event_base *base)
{
	struct mailbox *mailbox = xcalloc(1, sizeof(*mailbox));

	pthread_mutex_init(&mailbox->lock, NULL);
	mailbox->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (mailbox->fd < 0)
		abort();
	event_assign(&mailbox->readable, base, mailbox->fd, EV_READ | EV_PERSIST, on_readable, mailbox);
	if (event_add(&mailbox->readable, NULL) < 0)
		abort();         /* a thread that nobody can wake could not even be stopped */
	return mailbox;
}

void mailbox_free(struct mailbox *mailbox)
{
	if (!mailbox)
		return;
	event_del(&mailbox->readable);
	run_all(mailbox);
	close(mailbox->fd);
	pthread_mutex_destroy(&mailbox->lock);
	free(mailbox);
}

void mailbox_post(struct mailbox *mailbox, struct message *message)
{
	const uint64_t one = 1;
	bool was_empty;

	message->next = NULL;
	pthread_mutex_lock(&mailbox->lock);
	was_empty = !mailbox->first;
	if (was_empty)
		mailbox->first = message;
	else
		mailbox->last->next = message;
	mailbox->last = message;
	pthread_mutex_unlock(&mailbox->lock);
	/* Can only fail when the counter is full, and then the loop is awake. */
	if (was_empty && write(mailbox->fd, &one, sizeof(one)) < 0)
		return;
}
