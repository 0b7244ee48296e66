#include "app/listeners.h"

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

/* Standard streams, the main loop, the log, the lock, and some air. */
enum { OTHER_DESCRIPTORS = 64 };

enum { PORT_TRIES = 20 };

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

/* Port 0 means any: it is chosen here, since all workers must listen on the same one. */
static bool choose_port(const char *address, char *out, size_t size)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
	struct addrinfo *found = NULL;
	struct sockaddr_storage name = { 0 };
	socklen_t len = sizeof(name);
	char host[128], port[16];
	bool chosen = false;

	if (!split(address, host, port) || !streq(port, "0") || getaddrinfo(host, port, &hints, &found) != 0)
		return false;
	int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && bind(fd, found->ai_addr, found->ai_addrlen) == 0 &&
	    getsockname(fd, (struct sockaddr *)&name, &len) == 0) {
		in_port_t number = name.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&name)->sin6_port
							      : ((struct sockaddr_in *)&name)->sin_port;

		snprintf(out, size, "%.*s:%u", (int)(strrchr(address, ':') - address), address,
			 (unsigned)ntohs(number));
		chosen = true;
	}
	if (fd >= 0)
		close(fd);
	freeaddrinfo(found);
	return chosen;
}

/* A port chosen a moment ago may be somebody's by now: then another one is. */
static bool open_first(const char *address, int *fd, char *actual, size_t size, struct error *err)
{
	for (int tries = PORT_TRIES;; tries--) {
		bool chosen = !is_unix(address) && choose_port(address, actual, size);

		if (!chosen)
			snprintf(actual, size, "%s", address);
		*fd = http_listen(actual, err);
		if (*fd >= 0 || !chosen || tries == 0)
			return *fd >= 0;
		error_clear(err);
	}
}

bool listeners_open(const char *address, int *fds, size_t count, char url[LISTEN_URL_SIZE],
		    struct error *err)
{
	char actual[LISTEN_URL_SIZE - 8];

	if (!open_first(address, fds, actual, sizeof(actual), err))
		return false;
	for (size_t i = 1; i < count; i++) {
		fds[i] = http_listen(actual, err);
		if (fds[i] < 0) {
			listeners_close(fds, i);
			return false;
		}
	}
	/* PostgreSQL, started again by us, must not hold our port. */
	for (size_t i = 0; i < count; i++)
		fcntl(fds[i], F_SETFD, FD_CLOEXEC);
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
	http_listen_remove(address);
}

bool descriptors_allow(size_t count, size_t *needed, size_t *allowed)
{
	struct rlimit limit;
	rlim_t want = (rlim_t)count + OTHER_DESCRIPTORS;

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
