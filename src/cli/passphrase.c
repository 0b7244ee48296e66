#include "cli/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

enum { TYPED_SIZE = KEY_PASSPHRASE_MAX * 4 + 64 };

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

static bool read_from_file(struct cli *cli, const char *path, char typed[TYPED_SIZE])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	bool fine = false;

	if (fd < 0 || fstat(fd, &st) < 0)
		error_set(&cli->error, ERR_SYSTEM, "%s cannot be opened: %s", "không mở được %s: %s", path, strerror(errno));
	else if (!S_ISREG(st.st_mode) || (st.st_mode & 0077))
		error_set(&cli->error, ERR_CONFIG, "%s must be a file that only you can read: chmod 0600",
			  "%s phải là tệp chỉ mình bạn đọc được: chmod 0600", path);
	else if (!read_line(fd, typed, TYPED_SIZE))
		error_set(&cli->error, ERR_CONFIG, "%s is empty", "%s trống", path);
	else
		fine = true;
	if (fd >= 0)
		close(fd);
	return fine;
}

/* Signals end the wait by EINTR, and the terminal is put right in any case. */
static bool ask(struct cli *cli, int tty, const char *prompt, char typed[TYPED_SIZE])
{
	struct termios was, quiet;
	bool fine;

	if (tcgetattr(tty, &was) < 0)
		return error_set(&cli->error, ERR_SYSTEM, "the terminal cannot be read: %s", "không đọc được thiết bị đầu cuối: %s",
				 strerror(errno));
	quiet = was;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	dprintf(tty, "%s", prompt);
	tcsetattr(tty, TCSAFLUSH, &quiet);
	fine = read_line(tty, typed, TYPED_SIZE);
	tcsetattr(tty, TCSAFLUSH, &was);
	dprintf(tty, "\n");
	return fine || error_set(&cli->error, ERR_UNAVAILABLE, "no passphrase was typed", "chưa nhập cụm mật khẩu");
}

static bool read_from_terminal(struct cli *cli, bool is_new, char typed[TYPED_SIZE])
{
	char again[TYPED_SIZE];
	int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	bool fine;

	if (tty < 0)
		return error_set(&cli->error, ERR_CONFIG, "there is no terminal to ask: name a file by --passphrase-file",
				 "không có thiết bị đầu cuối để hỏi: hãy nêu tệp bằng --passphrase-file");
	fine = ask(cli, tty, cli_word(cli, "Passphrase: ", "Cụm mật khẩu: "), typed);
	if (fine && is_new) {
		fine = ask(cli, tty, cli_word(cli, "Once more: ", "Nhập lại: "), again);
		if (fine && strcmp(typed, again) != 0)
			fine = error_set(&cli->error, ERR_CONFIG, "the two passphrases differ", "hai lần nhập khác nhau");
		explicit_bzero(again, sizeof(again));
	}
	close(tty);
	return fine;
}

bool passphrase_read(struct cli *cli, bool is_new, struct passphrase *out)
{
	const char *path = cli_option(cli, "passphrase-file", 0);
	char typed[TYPED_SIZE];
	bool fine = path ? read_from_file(cli, path, typed) : read_from_terminal(cli, is_new, typed);

	fine = fine && key_passphrase_check(typed, out->text, &cli->error);
	explicit_bzero(typed, sizeof(typed));
	return fine;
}
