#include "cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <event2/event.h>

#include "app/say.h"
#include "base/clock.h"
#include "base/text.h"
#include "db/db.h"
#include "domain/unit.h"
#include "crypto/donor_seal.h"
#include "store/catalog_store.h"

enum { FILE_MAX_BYTES = 64 << 20, UNIT_MATCHES = 8, CONNECT_MS = 5000 };

/* A command does one thing at a time, so one mark is enough. */
static bool finished;

/* ---- the command line ---- */

const char *cli_option(const struct cli *cli, const char *name, int nth)
{
	for (int i = 0; i < cli->noptions; i++)
		if (streq(cli->options[i].name, name) && nth-- == 0)
			return cli->options[i].value ? cli->options[i].value : "";
	return NULL;
}

bool cli_has(const struct cli *cli, const char *name)
{
	return cli_option(cli, name, 0) != NULL;
}

bool cli_require(struct cli *cli, const char *name, const char **value)
{
	*value = cli_option(cli, name, 0);
	if (*value && !text_is_blank(*value))
		return true;
	return error_set(&cli->error, ERR_CONFIG, "--%s is needed", "cần --%s", name);
}

bool cli_number(struct cli *cli, const char *name, long min, long max, int *out)
{
	const char *text = cli_option(cli, name, 0);
	long value;

	if (!text)
		return true;
	if (!text_to_int(text, min, max, &value))
		return error_set(&cli->error, ERR_CONFIG, "--%s must be a number from %ld to %ld",
				 "--%s phải là số từ %ld đến %ld", name, min, max);
	*out = (int)value;
	return true;
}

int cli_usage(struct cli *cli)
{
	const struct cli_command *command = cli->command;

	say_error(cli->setup->program, cli->setup->language, &cli->error);
	if (command)
		fprintf(stderr, "%s: giothong %s%s%s --help\n", cli_word(cli, "See", "Xem"), command->group,
			command->verb ? " " : "", command->verb ? command->verb : "");
	else
		fprintf(stderr, "%s: giothong %s%s--help\n", cli_word(cli, "See", "Xem"), cli->group ? cli->group : "",
			cli->group ? " " : "");
	return EXIT_USAGE;
}

/* ---- saying ---- */

const char *cli_word(const struct cli *cli, const char *en, const char *vi)
{
	return cli->setup->language == LANGUAGE_VI ? vi : en;
}

void cli_say(const struct cli *cli, const char *en, const char *vi, ...)
{
	va_list args;

	if (cli->json)
		return;
	va_start(args, vi);
	vprintf(cli_word(cli, en, vi), args);
	va_end(args);
}

const char *cli_rounds(struct cli *cli, size_t count)
{
	return arena_printf(&cli->arena, "%zu %s", count, cli_word(cli, count == 1 ? "round" : "rounds", "đợt"));
}

const char *cli_status(const struct cli *cli, enum round_status status)
{
	static const char *const vi[ROUND_STATUS_COUNT] = {
		[ROUND_DRAFT] = "nháp",         [ROUND_ANNOUNCED] = "đã công bố",
		[ROUND_OPEN] = "mở đăng ký",    [ROUND_RUNNING] = "đang diễn ra",
		[ROUND_CLOSED] = "đã kết thúc", [ROUND_POSTPONED] = "hoãn",
		[ROUND_MOVED] = "đã dời",       [ROUND_CANCELLED] = "đã hủy",
	};

	return cli_word(cli, round_status_text(status), vi[status]);
}

const char *cli_fact(const struct cli *cli, enum fact_status status)
{
	static const char *const vi[FACT_STATUS_COUNT] = {
		[FACT_UNKNOWN] = "chưa rõ", [FACT_PROPOSED] = "dự kiến",
		[FACT_REPORTED] = "theo tin báo", [FACT_OFFICIAL] = "chính thức",
	};

	return cli_word(cli, fact_status_text(status), vi[status]);
}

int cli_columns(const char *text, int columns)
{
	return columns + (int)(strlen(text) - text_length(text));
}

static void write_error(struct json_out *out, const struct error *err, enum language language)
{
	jout_object(out, "error");
	jout_text(out, "code", error_slug(err->code));
	jout_text(out, "detail", err->detail[language]);
	jout_array(out, "errors");
	for (size_t i = 0; i < err->nfields; i++) {
		jout_object(out, NULL);
		jout_text(out, "pointer", err->fields[i].pointer);
		jout_text(out, "code", err->fields[i].code);
		jout_text(out, "detail", err->fields[i].detail[language]);
		jout_end(out);
	}
	jout_end(out);
	jout_end(out);
}

/* A command has no key to be repeated with, of which the store's text speaks. */
static void word_unknown(struct error *err)
{
	if (err->code == ERR_UNKNOWN_OUTCOME)
		error_set(err, ERR_UNKNOWN_OUTCOME,
			  "the connection was lost before the answer came: the change may have been made or not."
			  " Look whether it is there before you say it again.",
			  "mất kết nối trước khi có câu trả lời: thay đổi có thể đã được ghi hoặc chưa."
			  " Hãy xem đã có chưa rồi mới chạy lại.");
}

int cli_refuse(struct cli *cli)
{
	word_unknown(&cli->error);
	say_error(cli->setup->program, cli->setup->language, &cli->error);
	if (!cli->json)
		return EXIT_REFUSED;
	/* A whole answer that tells of the refusal stays; a half one goes. */
	if (cli->out.depth > 0) {
		buf_reset(&cli->buf);
		cli->out = (struct json_out){ .buf = &cli->buf };
	}
	if (cli->buf.len == 0) {
		jout_object(&cli->out, NULL);
		write_error(&cli->out, &cli->error, cli->setup->language);
		jout_end(&cli->out);
	}
	return EXIT_REFUSED;
}

/* ---- working ---- */

static bool read_stream(struct cli *cli, FILE *stream, struct buf *buf, const char *path)
{
	size_t n;

	do {
		char *room = buf_reserve(buf, 65536);

		n = fread(room, 1, 65536, stream);
		buf->len += n;
	} while (n > 0 && buf->len <= FILE_MAX_BYTES);
	if (ferror(stream))
		return error_set(&cli->error, ERR_SYSTEM, "%s cannot be read: %s", "không đọc được %s: %s", path,
				 strerror(errno));
	if (buf->len > FILE_MAX_BYTES)
		return error_set(&cli->error, ERR_SYSTEM, "%s is too large", "%s quá lớn", path);
	return true;
}

bool cli_read_file(struct cli *cli, const char *path, const char **text, size_t *len)
{
	struct buf buf = { 0 };
	struct stat info;
	FILE *stream = streq(path, "-") ? stdin : fopen(path, "re");
	bool fine;

	if (stream && fstat(fileno(stream), &info) == 0 && S_ISDIR(info.st_mode)) {
		errno = EISDIR;
		if (stream != stdin)
			fclose(stream);
		stream = NULL;
	}
	if (!stream)
		return error_set(&cli->error, ERR_SYSTEM, "%s cannot be opened: %s", "không mở được %s: %s", path,
				 strerror(errno));
	fine = read_stream(cli, stream, &buf, path);
	if (stream != stdin)
		fclose(stream);
	if (fine) {
		*text = arena_strndup(&cli->arena, buf.data ? buf.data : "", buf.len);
		*len = buf.len;
	}
	buf_release(&buf);
	return fine;
}

/*
 * Whatever waits ends now, as failed or unknown; the command says so and
 * returns. So PostgreSQL is never left behind by an impatient Ctrl-C.
 */
static void on_signal(evutil_socket_t number, short what, void *context)
{
	struct cli *cli = context;

	(void)number;
	(void)what;
	cli->interrupted = true;
	db_free(cli->db);
	cli->db = NULL;
	donor_key_free(cli->store.donor_key);
	cli->store.donor_key = NULL;
}

static bool was_interrupted(void *context)
{
	return !cli_goes_on(context);
}

void cli_start_loop(struct cli *cli)
{
	static const int numbers[CLI_SIGNALS] = { SIGINT, SIGTERM, SIGHUP };

	cli->base = event_base_new();
	for (int i = 0; i < CLI_SIGNALS; i++) {
		evsignal_assign(&cli->signals[i], cli->base, numbers[i], on_signal, cli);
		evsignal_add(&cli->signals[i], NULL);
	}
	cli->setup->interrupted = was_interrupted;
	cli->setup->context = cli;
}

void cli_free_loop(struct cli *cli)
{
	if (!cli->base)
		return;
	for (int i = 0; i < CLI_SIGNALS; i++)
		event_del(&cli->signals[i]);
	event_base_free(cli->base);
}

bool cli_goes_on(struct cli *cli)
{
	event_base_loop(cli->base, EVLOOP_NONBLOCK);
	return !cli->interrupted || error_set(&cli->error, ERR_UNAVAILABLE, "interrupted", "đã bị ngắt");
}

/* Queries fail at once while there is no connection, so the first one is waited for. */
bool cli_connect(struct cli *cli)
{
	struct timeval pause = { .tv_usec = 5000 };
	int64_t until = clock_mono_us() + CONNECT_MS * 1000;

	cli->db = db_new(cli->base, &cli->setup->db);
	cli->store = (struct store){ cli->db, cli->setup->keyring, &cli->setup->clock, donor_key_new() };
	while (cli_goes_on(cli) && !db_connected(cli->db)) {
		if (clock_mono_us() >= until)
			return error_set(&cli->error, ERR_UNAVAILABLE, "the database cannot be reached: %s",
					 "không kết nối được cơ sở dữ liệu: %s", db_last_error(cli->db));
		event_base_loopexit(cli->base, &pause);
		event_base_loop(cli->base, EVLOOP_ONCE);
	}
	return !cli->interrupted;
}

bool cli_pause(struct cli *cli, int ms)
{
	struct timeval after = { ms / 1000, ms % 1000 * 1000 };

	event_base_loopexit(cli->base, &after);
	if (!cli->interrupted)
		event_base_dispatch(cli->base);
	return cli_goes_on(cli);
}

void cli_finished(void)
{
	finished = true;
}

void cli_wait(struct cli *cli)
{
	while (!finished)
		event_base_loop(cli->base, EVLOOP_ONCE);
	finished = false;
}

CLI_OPERATION(unit_load)

/* "03618@2025-07-01 Xã Than Uyên, ...": whole names only, as many as there is room for. */
static void list_units(const struct unit *const *units, size_t count, char *out, size_t size)
{
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		int needed = snprintf(out + len, size - len, "%s%s %s", i ? ", " : "", units[i]->id,
				      units[i]->full_name);

		if (needed < 0 || (size_t)needed + sizeof(", ...") > size - len) {
			snprintf(out + len, size - len, ", ...");
			return;
		}
		len += (size_t)needed;
	}
}

static bool has_ended(struct cli *cli, const struct unit_map *map, const struct unit *unit, struct date today)
{
	const struct unit *heirs[UNIT_MATCHES];
	char day[DATE_TEXT_SIZE], text[200];
	size_t count = unit_as_of(map, unit, today, heirs, UNIT_MATCHES);

	list_units(heirs, count < UNIT_MATCHES ? count : UNIT_MATCHES, text, sizeof(text));
	return error_set(&cli->error, ERR_INVALID_FIELD, "%s ended on %s; in its place: %s",
			 "%s đã kết thúc ngày %s; thay bằng: %s", unit->full_name,
			 date_format(unit->valid_to, day), *text ? text : "-");
}

struct unit_map *cli_load_units(struct cli *cli)
{
	struct unit_load load = { 0 };

	return unit_load_run(cli, &load) ? load.map : NULL;
}

const struct unit *cli_find_unit(struct cli *cli, const struct unit_map *map, const char *typed)
{
	const struct unit *found[UNIT_MATCHES], *exact = unit_by_id(map, typed);
	struct date today = clock_today(&cli->setup->clock);
	size_t count, valid = 0;

	if (exact)
		return exact;
	count = unit_match(map, typed, today, found, UNIT_MATCHES);
	for (size_t i = 0; i < count && i < UNIT_MATCHES; i++)
		valid += unit_valid_on(found[i], today);
	if (valid == 0 && count > 0 && !date_is_none(found[0]->valid_to) &&
	    date_compare(found[0]->valid_to, today) < 0)
		has_ended(cli, map, found[0], today);
	else if (valid == 0)
		error_set(&cli->error, ERR_INVALID_FIELD, "there is no unit \"%s\" today",
			  "hiện không có đơn vị \"%s\"", typed);
	else if (valid > 1)
		error_set(&cli->error, ERR_INVALID_FIELD, "several units are named \"%s\": give the id, %s or %s",
			  "có nhiều đơn vị tên \"%s\": hãy ghi mã, %s hoặc %s", typed, found[0]->id,
			  found[1]->id);
	return valid == 1 ? found[0] : NULL;
}
