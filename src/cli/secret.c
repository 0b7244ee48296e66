#include "cli/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

/* One line, without its end. */
static bool read_line(int fd, char *out, size_t size)
{
	size_t len = 0;
	char c;
	ssize_t n;

	while ((n = read(fd, &c, 1)) == 1 && c != '\n')
		if (len + 1 < size)
			out[len++] = c;
	if (len > 0 && out[len - 1] == '\r')
		len--;
	out[len] = '\0';
	return n > 0 || (n == 0 && len > 0);
}

static bool read_from_file(struct cli *cli, const char *path, char *typed, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	bool fine = false;

	if (fd < 0 || fstat(fd, &st) < 0)
		error_set(&cli->error, ERR_SYSTEM, "%s cannot be opened: %s", "không mở được %s: %s", path, strerror(errno));
	else if (!S_ISREG(st.st_mode) || (st.st_mode & 0077))
		error_set(&cli->error, ERR_CONFIG, "%s must be a file that only you can read: chmod 0600",
			  "%s phải là tệp chỉ mình bạn đọc được: chmod 0600", path);
	else if (!read_line(fd, typed, size))
		error_set(&cli->error, ERR_CONFIG, "%s is empty", "%s trống", path);
	else
		fine = true;
	if (fd >= 0)
		close(fd);
	return fine;
}

/*
 * While the terminal does not echo, a signal only ends the question: whatever
 * it meant, the terminal is put right first. poll() is never restarted.
 */
static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };

static void on_signal(int number)
{
	(void)number;
}

static bool read_quietly(int tty, const char *prompt, char *typed, size_t size)
{
	const struct sigaction ours = { .sa_handler = on_signal };
	struct sigaction before[ARRAY_SIZE(signals)];
	struct pollfd ready = { .fd = tty, .events = POLLIN };
	struct termios was, quiet;

	if (tcgetattr(tty, &was) < 0)
		return false;
	quiet = was;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &ours, &before[i]);
	dprintf(tty, "%s", prompt);
	tcsetattr(tty, TCSAFLUSH, &quiet);
	bool fine = poll(&ready, 1, -1) == 1 && read_line(tty, typed, size);

	tcsetattr(tty, TCSAFLUSH, &was);
	dprintf(tty, "\n");
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &before[i], NULL);
	return fine;
}

static const char *word(const struct cli *cli, const char *const words[LANGUAGE_COUNT])
{
	return cli_word(cli, words[LANGUAGE_EN], words[LANGUAGE_VI]);
}

/* error_set() formats both languages from the same arguments; of two ready texts each takes its own. */
static bool fail(struct cli *cli, enum error_code code, const char *const words[LANGUAGE_COUNT])
{
	return error_set(&cli->error, code, "%1$s%2$.0s", "%2$s%1$.0s", words[LANGUAGE_EN], words[LANGUAGE_VI]);
}

static bool ask(struct cli *cli, int tty, const struct secret_words *words, const char *prompt, char *typed, size_t size)
{
	return read_quietly(tty, prompt, typed, size) || fail(cli, ERR_UNAVAILABLE, words->none);
}

static bool ask_twice(struct cli *cli, int tty, const struct secret_words *words, char *typed, size_t size)
{
	char *again = calloc(1, size);
	bool fine = again && ask(cli, tty, words, word(cli, words->ask), typed, size) &&
		    ask(cli, tty, words, word(cli, words->again), again, size) &&
		    (strcmp(typed, again) == 0 || fail(cli, ERR_CONFIG, words->differ));

	if (again)
		explicit_bzero(again, size);
	free(again);
	return fine;
}

static bool read_from_terminal(struct cli *cli, const struct secret_words *words, bool is_new, char *typed, size_t size)
{
	int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	bool fine;

	if (tty < 0)
		return error_set(&cli->error, ERR_CONFIG, "there is no terminal to ask: name a file by --%s",
				 "không có thiết bị đầu cuối để hỏi: hãy nêu tệp bằng --%s", words->option);
	fine = is_new ? ask_twice(cli, tty, words, typed, size)
		      : ask(cli, tty, words, word(cli, words->ask), typed, size);
	close(tty);
	return fine;
}

bool secret_read(struct cli *cli, const struct secret_words *words, bool is_new, char *typed, size_t size)
{
	const char *path = cli_option(cli, words->option, 0);

	return path ? read_from_file(cli, path, typed, size) : read_from_terminal(cli, words, is_new, typed, size);
}
