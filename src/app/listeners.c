#include "app/listeners.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "http/http.h"

/* Beside connections: databases, loops, mailboxes, logs, and some air. */
enum { OTHER_DESCRIPTORS = 256 };

static bool is_unix(const char *address)
{
	return text_starts_with(address, "unix:");
}

/* "[::1]:8080" -> "::1" and "8080"; false when there is no port (http_listen() then says what is wrong). */
static bool split(const char *address, char host[128], char port[16])
{
	const char *colon = strrchr(address, ':');
	size_t len = colon ? (size_t)(colon - address) : 0;

	if (!colon || len >= 128 || strlen(colon + 1) >= 16)
		return false;
	if (len >= 2 && address[0] == '[' && address[len - 1] == ']')
		snprintf(host, 128, "%.*s", (int)len - 2, address + 1);
	else
		snprintf(host, 128, "%.*s", (int)len, address);
	snprintf(port, 16, "%s", colon + 1);
	return true;
}

/*
 * SO_REUSEPORT would let a second daemon of the same user share the port and
 * take half of the connections. So the port is tried without it first.
 */
static bool port_is_free(const char *address, struct error *err)
{
	const struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV,
					.ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	char host[128], port[16];
	bool in_use = false;

	if (!split(address, host, port) || getaddrinfo(*host ? host : NULL, port, &hints, &found) != 0)
		return true;             /* http_listen() will say it better */
	int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (found->ai_family == AF_INET6)
			setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
		in_use = bind(fd, found->ai_addr, found->ai_addrlen) < 0 && errno == EADDRINUSE;
		close(fd);
	}
	freeaddrinfo(found);
	if (in_use)
		return error_set(err, ERR_SYSTEM, "%s is in use by another program: choose another --listen",
				 "%s đang được chương trình khác dùng: hãy chọn --listen khác", address);
	return true;
}

/* With port 0 the kernel chose one; the other workers must listen there too. */
static void actual_address(int fd, const char *address, char *out, size_t size)
{
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);
	char host[128], port[16];

	snprintf(out, size, "%s", address);
	if (!split(address, host, port) || !streq(port, "0") ||
	    getsockname(fd, (struct sockaddr *)&name, &len) < 0)
		return;
	in_port_t chosen = name.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&name)->sin6_port
						      : ((struct sockaddr_in *)&name)->sin_port;

	snprintf(out, size, "%.*s:%u", (int)(strrchr(address, ':') - address), address,
		 (unsigned)ntohs(chosen));
}

static int open_next(const char *address, int first_fd, struct error *err)
{
	int fd;

	if (!is_unix(address))
		return http_listen(address, err);
	fd = fcntl(first_fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		error_set(err, ERR_SYSTEM, "cannot share %s: %s", "không chia sẻ được %s: %s", address,
			  strerror(errno));
	return fd;
}

bool listeners_open(const char *address, int *fds, size_t count, char url[LISTEN_URL_SIZE],
		    struct error *err)
{
	char actual[LISTEN_URL_SIZE - 8];

	if (!is_unix(address) && !port_is_free(address, err))
		return false;
	fds[0] = http_listen(address, err);
	if (fds[0] < 0)
		return false;
	actual_address(fds[0], address, actual, sizeof(actual));
	for (size_t i = 1; i < count; i++) {
		fds[i] = open_next(is_unix(address) ? address : actual, fds[0], err);
		if (fds[i] < 0) {
			listeners_close(fds, i);
			return false;
		}
	}
	snprintf(url, LISTEN_URL_SIZE, "%s%s", is_unix(address) ? "" : "http://", actual);
	return true;
}

void listeners_close(int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

void listeners_remove(const char *address)
{
	if (is_unix(address))
		unlink(address + strlen("unix:"));
}

bool descriptors_allow(size_t connections, size_t *needed, size_t *allowed)
{
	struct rlimit limit;
	rlim_t want = (rlim_t)connections + OTHER_DESCRIPTORS;

	*needed = (size_t)want;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= want)
		return true;
	if (limit.rlim_max < want) {
		/* Only root may raise the upper limit; without it, as far as it goes. */
		struct rlimit raised = { want, want };

		if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
			return true;
		want = limit.rlim_max;
	}
	limit.rlim_cur = want;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		getrlimit(RLIMIT_NOFILE, &limit);
	*allowed = (size_t)limit.rlim_cur;
	return *allowed >= *needed;
}
