#include "cluster/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/memory.h"

/*
 * Between fork and exec only system calls: the daemon has threads by the time
 * it starts a server again. Nothing of ours is inherited: no descriptor, no
 * ignored signal, no PGxxx variable.
 */
static char *const clean_environment[] = {
	(char *)"PATH=/usr/local/bin:/usr/bin:/bin", (char *)"LC_ALL=C.UTF-8", NULL
};

static void reset_signals(void)
{
	struct sigaction standard = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		sigaction(sig, &standard, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

__attribute__((noreturn))
static void enter_program(const char *const argv[], int in, int out)
{
	umask(077);
	reset_signals();
	if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0)
		_exit(126);
	close_range(3, ~0U, 0);
	execve(argv[0], (char *const *)argv, clean_environment);
	_exit(127);
}

pid_t run_server(const struct account *account, const char *const argv[], const char *log)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	if (setsid() < 0 || !account_enter(account) || chdir("/") < 0)
		_exit(125);
	int in = open("/dev/null", O_RDONLY);
	int out = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);

	enter_program(argv, in, out < 0 ? in : out);
}

/*
 * In the child. A tool that outlived us would still write into a cluster that
 * is being made anew; we may have died before it asked to hear of that.
 */
static void enter_tool(const struct account *account, const char *const argv[], int end, pid_t parent)
{
	if (!account_enter(account) || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent ||
	    chdir("/") < 0)
		_exit(125);
	enter_program(argv, end, end);
}

static bool feed(int fd, const char *input)
{
	size_t len = input ? strlen(input) : 0;

	while (len > 0) {
		ssize_t n = send(fd, input, len, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0) {
			input += n;
			len -= (size_t)n;
		}
	}
	return shutdown(fd, SHUT_WR) == 0;
}

static void drain(int fd, struct buf *output)
{
	for (;;) {
		char *to = buf_reserve(output, 4096);
		ssize_t n = read(fd, to, 4096);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		output->len += (size_t)n;
		output->data[output->len] = '\0';
	}
}

bool run_tool(const struct account *account, const char *const argv[], const char *input, struct buf *output)
{
	int ends[2], status = -1;
	pid_t pid = -1, parent = getpid();

	buf_append(output, "", 0);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return false;
	pid = fork();
	if (pid == 0)
		enter_tool(account, argv, ends[1], parent);
	close(ends[1]);
	if (pid > 0) {
		feed(ends[0], input);    /* short: it fits into the socket's buffer */
		drain(ends[0], output);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	close(ends[0]);
	return status == 0;
}

/* What stands behind the word that marks a line of PostgreSQL as an error; NULL: it is none. */
static const char *error_in(const char *line, size_t len)
{
	static const char *const marks[] = { "FATAL:", "PANIC:", "ERROR:", "error:" };

	for (size_t i = 0; i < ARRAY_SIZE(marks); i++) {
		const char *mark = memmem(line, len, marks[i], strlen(marks[i]));

		if (mark)
			return mark + strlen(marks[i]) + strspn(mark + strlen(marks[i]), " ");
	}
	return NULL;
}

/* The first line that is marked as an error, without time and pid; else the last line. */
void run_reason(const char *output, char *out, size_t size)
{
	const char *found = "";

	for (const char *line = output; *line;) {
		size_t len = strcspn(line, "\n");
		const char *error = error_in(line, len);

		if (len > 0)
			found = error ? error : line;
		if (error)
			break;
		line += len + (line[len] == '\n');
	}
	snprintf(out, size, "%.*s", (int)strcspn(found, "\n"), found);
}
