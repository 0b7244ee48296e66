#ifndef HTTP_SOCK_H
#define HTTP_SOCK_H

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <sys/socket.h>

#include "base/fault.h"

/*
 * What the front asks of the kernel, each with its fault point (base/fault.h).
 * Without the test seams they are these calls and nothing else.
 */

static inline int sock_accept(int fd, struct sockaddr_storage *peer)
{
	socklen_t len = sizeof(*peer);

	if (FAULT_ERRNO(FAULT_ACCEPT, EMFILE, ENOMEM, ECONNABORTED, EINTR))
		return -1;
	return accept4(fd, (struct sockaddr *)peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static inline ssize_t sock_recv(int fd, char *to, size_t size)
{
	if (FAULT_ERRNO(FAULT_RECV, EINTR, ECONNRESET, ENOMEM))
		return -1;
	return recv(fd, to, FAULT_SHORT(FAULT_RECV_SHORT, size), 0);
}

static inline ssize_t sock_send(int fd, const char *bytes, size_t len)
{
	if (FAULT_ERRNO(FAULT_SEND, EINTR, ECONNRESET, EPIPE, ENOMEM))
		return -1;
	return send(fd, bytes, FAULT_SHORT(FAULT_SEND_SHORT, len), MSG_NOSIGNAL);
}

/* The kernel may have no memory left for one more. */
static inline bool sock_watch(struct event *event)
{
	return !FAULT(FAULT_EVENT) && event_add(event, NULL) == 0;
}

#endif
