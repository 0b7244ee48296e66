#ifndef WORKER_MAILBOX_H
#define WORKER_MAILBOX_H

/* Messages from any thread to one loop: a queue under a lock, and an eventfd that wakes the loop. */
struct event_base;
struct mailbox;
struct message;

struct mailbox *mailbox_new(struct event_base *base);
void mailbox_free(struct mailbox *mailbox);          /* runs what is still queued */
void mailbox_post(struct mailbox *mailbox, struct message *message);

#endif
