#include "cli/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

/* One line, without its end; what is longer is cut, and then too long for key_passphrase_check(). */
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

static bool read_from_file(struct cli *cli, const char *path, char *typed)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	bool fine = false;

	if (fd < 0 || fstat(fd, &st) < 0)
		error_set(&cli->error, ERR_SYSTEM, "%s cannot be opened: %s", "không mở được %s: %s", path, strerror(errno));
	else if (!S_ISREG(st.st_mode) || (st.st_mode & 0077))
		error_set(&cli->error, ERR_CONFIG, "%s must be a file that only you can read: chmod 0600",
			  "%s phải là tệp chỉ mình bạn đọc được: chmod 0600", path);
	else if (!read_line(fd, typed, KEY_PASSPHRASE_SIZE))
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

static bool read_quietly(int tty, const char *prompt, char *typed)
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
	bool fine = poll(&ready, 1, -1) == 1 && read_line(tty, typed, KEY_PASSPHRASE_SIZE);

	tcsetattr(tty, TCSAFLUSH, &was);
	dprintf(tty, "\n");
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &before[i], NULL);
	return fine;
}

static bool ask(struct cli *cli, int tty, const char *prompt, char *typed)
{
	return read_quietly(tty, prompt, typed) ||
	       error_set(&cli->error, ERR_UNAVAILABLE, "no passphrase was typed", "chưa nhập cụm mật khẩu");
}

static bool ask_twice(struct cli *cli, int tty, char *typed)
{
	char *again = key_passphrase_new();
	bool fine = ask(cli, tty, cli_word(cli, "Passphrase: ", "Cụm mật khẩu: "), typed) &&
		    ask(cli, tty, cli_word(cli, "Once more: ", "Nhập lại: "), again) &&
		    (strcmp(typed, again) == 0 ||
		     error_set(&cli->error, ERR_CONFIG, "the two passphrases differ", "hai lần nhập khác nhau"));

	key_passphrase_free(again);
	return fine;
}

static bool read_from_terminal(struct cli *cli, bool is_new, char *typed)
{
	int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	bool fine;

	if (tty < 0)
		return error_set(&cli->error, ERR_CONFIG, "there is no terminal to ask: name a file by --passphrase-file",
				 "không có thiết bị đầu cuối để hỏi: hãy nêu tệp bằng --passphrase-file");
	fine = is_new ? ask_twice(cli, tty, typed)
		      : ask(cli, tty, cli_word(cli, "Passphrase: ", "Cụm mật khẩu: "), typed);
	close(tty);
	return fine;
}

char *passphrase_read(struct cli *cli, bool is_new)
{
	const char *path = cli_option(cli, "passphrase-file", 0);
	char *typed = key_passphrase_new(), *out = key_passphrase_new();

	if (!(path ? read_from_file(cli, path, typed) : read_from_terminal(cli, is_new, typed)) ||
	    !key_passphrase_check(typed, out, &cli->error)) {
		key_passphrase_free(out);
		out = NULL;
	}
	key_passphrase_free(typed);
	return out;
}
