#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "http/http.h"

/*
 * With SO_REUSEPORT the kernel would let a second daemon share our port in
 * silence. So the first call for an address makes sure, without that option,
 * that nobody listens there; later calls of this process share.
 */
struct opened {
	struct opened *next;
	int            fd;               /* of a Unix socket: shared by dup(), while it is still that one */
	bool           has_file;         /* of a Unix socket: made here, not yet removed */
	dev_t          dev;
	ino_t          ino;
	char           address[];
};

static struct opened *opened;
static pthread_mutex_t opened_lock = PTHREAD_MUTEX_INITIALIZER;

static const char unix_prefix[] = "unix:";
enum { BACKLOG = 1024 };

static struct opened *find_opened(const char *address)
{
	struct opened *o = opened;

	while (o && strcmp(o->address, address) != 0)
		o = o->next;
	return o;
}

static struct opened *remember(const char *address, int fd)
{
	struct opened *o = find_opened(address);

	if (!o) {
		o = xcalloc(1, sizeof(*o) + strlen(address) + 1);
		memcpy(o->address, address, strlen(address) + 1);
		o->next = opened;
		opened = o;
	}
	o->fd = fd;
	return o;
}

static int close_failed(int fd, struct error *err, const char *address)
{
	int error = errno;

	if (fd >= 0)
		close(fd);
	if (error == EADDRINUSE)
		error_set(err, ERR_SYSTEM, "%s is in use: another program listens there.",
			  "%s đang được dùng: một chương trình khác đang lắng nghe ở đó.", address);
	else if (error == EACCES)
		error_set(err, ERR_SYSTEM, "%s may not be opened by this user.",
			  "Người dùng này không được phép mở %s.", address);
	else if (error == EADDRNOTAVAIL)
		error_set(err, ERR_SYSTEM, "%s is not an address of this machine.",
			  "%s không phải là địa chỉ của máy này.", address);
	else
		error_set(err, ERR_SYSTEM, "%s cannot be opened: %s.", "Không mở được %s: %s.", address,
			  strerror(error));
	return -1;
}

/* ---- Unix ---- */

static bool unix_address(const char *path, struct sockaddr_un *out, struct error *err)
{
	*out = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) == 0 || strlen(path) >= sizeof(out->sun_path))
		return error_set(err, ERR_CONFIG, "The path of a Unix socket has 1 to %zu bytes.",
				 "Đường dẫn của socket Unix dài từ 1 đến %zu byte.",
				 sizeof(out->sun_path) - 1);
	memcpy(out->sun_path, path, strlen(path) + 1);
	return true;
}

static bool somebody_listens(const struct sockaddr_un *un)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool refused;

	if (fd < 0)
		return true;
	refused = connect(fd, (const struct sockaddr *)un, sizeof(*un)) < 0 &&
		  (errno == ECONNREFUSED || errno == ENOENT);
	close(fd);
	return !refused;
}

/* A socket file that a killed daemon left is removed; anything else stays. */
static bool clear_stale(const struct sockaddr_un *un, struct error *err)
{
	struct stat st;

	if (lstat(un->sun_path, &st) < 0)
		return true;
	if (!S_ISSOCK(st.st_mode))
		return error_set(err, ERR_SYSTEM, "%s exists and is not a socket.",
				 "%s đã có và không phải là socket.", un->sun_path);
	if (somebody_listens(un)) {
		errno = EADDRINUSE;
		close_failed(-1, err, un->sun_path);
		return false;
	}
	unlink(un->sun_path);
	return true;
}

/* The socket that this process has there already, once more; -1 when it is gone. */
static int share_unix(const struct opened *o, const struct sockaddr_un *un)
{
	struct sockaddr_un own = { 0 };
	socklen_t len = sizeof(own);

	if (!o || getsockname(o->fd, (struct sockaddr *)&own, &len) < 0 || own.sun_family != AF_UNIX ||
	    strcmp(own.sun_path, un->sun_path) != 0)
		return -1;
	return fcntl(o->fd, F_DUPFD_CLOEXEC, 0);
}

static void remember_file(struct opened *o, const char *path)
{
	struct stat st;

	o->has_file = lstat(path, &st) == 0;
	if (o->has_file) {
		o->dev = st.st_dev;
		o->ino = st.st_ino;
	}
}

static int listen_unix(const char *address, struct error *err)
{
	struct sockaddr_un un;
	int fd;

	if (!unix_address(address + sizeof(unix_prefix) - 1, &un, err))
		return -1;
	fd = share_unix(find_opened(address), &un);
	if (fd >= 0)
		return fd;
	if (!clear_stale(&un, err))
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&un, sizeof(un)) < 0 || listen(fd, BACKLOG) < 0)
		return close_failed(fd, err, address);
	remember_file(remember(address, fd), un.sun_path);
	return fd;
}

/* ---- TCP ---- */

/* "HOST:PORT" or "[v6]:PORT" taken apart; false when it is neither. */
static bool split(const char *address, char host[256], char port[8])
{
	const char *colon = strrchr(address, ':');
	size_t host_len = colon ? (size_t)(colon - address) : 0;
	long number;

	if (!colon || host_len == 0 || host_len >= 256 || !text_to_int(colon + 1, 0, 65535, &number))
		return false;
	if (address[0] == '[') {
		if (host_len < 3 || address[host_len - 1] != ']')
			return false;
		address++;
		host_len -= 2;
	} else if (memchr(address, ':', host_len)) {
		return false;
	}
	memcpy(host, address, host_len);
	host[host_len] = '\0';
	snprintf(port, 8, "%ld", number);
	return true;
}

static struct addrinfo *resolve(const char *address, struct error *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
	struct addrinfo *found = NULL;
	char host[256], port[8];

	if (!split(address, host, port)) {
		error_set(err, ERR_CONFIG, "\"%s\" is not HOST:PORT, [v6]:PORT or unix:/path.",
			  "\"%s\" không phải là HOST:PORT, [v6]:PORT hoặc unix:/path.", address);
		return NULL;
	}
	if (getaddrinfo(host, port, &hints, &found) != 0) {
		error_set(err, ERR_CONFIG, "The name in \"%s\" is not known.", "Không tìm thấy tên trong \"%s\".",
			  address);
		return NULL;
	}
	return found;
}

static int bind_tcp(const struct addrinfo *ai, bool shared)
{
	int on = 1;
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (shared)
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static int listen_tcp(const char *address, struct error *err)
{
	struct addrinfo *found = resolve(address, err);
	bool first = !find_opened(address);
	int fd = -1;

	if (!found)
		return -1;
	for (const struct addrinfo *ai = found; ai && fd < 0; ai = ai->ai_next) {
		if (first && (fd = bind_tcp(ai, false)) < 0) {
			/* The next worker would find it shareable, and serve beside a stranger. */
			if (errno == EADDRINUSE)
				break;
			continue;
		}
		if (fd >= 0)
			close(fd);
		fd = bind_tcp(ai, true);
	}
	if (fd < 0)
		close_failed(-1, err, address);
	freeaddrinfo(found);
	return fd;
}

static bool can_listen_tcp(const char *address, struct error *err)
{
	struct addrinfo *found = resolve(address, err);
	int fd = -1;

	if (!found)
		return false;
	for (const struct addrinfo *ai = found; ai && fd < 0; ai = ai->ai_next) {
		fd = bind_tcp(ai, false);
		if (fd < 0 && errno == EADDRINUSE)
			break;
	}
	if (fd < 0)
		close_failed(-1, err, address);
	else
		close(fd);
	freeaddrinfo(found);
	return fd >= 0;
}

bool http_can_listen(const char *address, struct error *err)
{
	struct sockaddr_un un;

	if (text_starts_with(address, unix_prefix))
		return unix_address(address + sizeof(unix_prefix) - 1, &un, err) && clear_stale(&un, err);
	return can_listen_tcp(address, err);
}

int http_listen(const char *address, struct error *err)
{
	int fd;

	pthread_mutex_lock(&opened_lock);
	fd = text_starts_with(address, unix_prefix) ? listen_unix(address, err) : listen_tcp(address, err);
	if (fd >= 0)
		remember(address, fd);
	pthread_mutex_unlock(&opened_lock);
	return fd;
}

void http_listen_remove(const char *address)
{
	const char *path = address + sizeof(unix_prefix) - 1;
	struct opened *o;
	struct stat st;

	pthread_mutex_lock(&opened_lock);
	o = find_opened(address);
	if (o && o->has_file) {
		o->has_file = false;
		if (lstat(path, &st) == 0 && st.st_dev == o->dev && st.st_ino == o->ino)
			unlink(path);
	}
	pthread_mutex_unlock(&opened_lock);
}
