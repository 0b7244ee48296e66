#include "cli/commands.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "crypto/certificate_seal.h"
#include "wire/certificate_wire.h"

/*
 * `giothong certificate verify TEXT --keys FILE`: whether the text of a certificate's QR code is genuine, with files that were
 * fetched before (GET /api/v1/certificates/keys and /revocations) and nothing else: no database, no network, no settings.
 * The signature says genuine; the list says void or not, as of its age, which is always told. How much is left only the
 * daemon knows.
 */

enum list_state { LIST_NONE, LIST_FINE, LIST_OLD, LIST_OF_BEFORE, LIST_OF_THE_FUTURE };
/* Clocks differ. */
enum { CLOCKS_APART_S = 300, HOUR_S = 3600 };

struct check {
	struct certificate_envelope envelope;
	struct sealed_text          sealed;
	bool                        genuine;
	const char                 *reason;      /* "malformed", "unknown_key", "signature", "compromised_key" */
	int                         revoked;     /* 1, 0; -1: no list was given, or nothing could be read */
	enum list_state             list;
	int64_t                     counter, age_seconds;
	int                         holder;      /* 1, 0; -1: not asked */
};

/* Ids may collide, so all keys of the body and year are tried. */
static void check_signature(struct check *check, const struct published_key *keys, size_t count)
{
	const struct certificate_number *number = &check->envelope.number;

	check->reason = "unknown_key";
	for (size_t i = 0; i < count; i++) {
		const struct published_key *key = &keys[i];
		unsigned char kid[CERTIFICATE_KID_BYTES];

		certificate_kid_of(key->public_key, kid);
		if (!streq(key->use, "certificates") || !streq(key->issuer, number->issuer) || key->year != number->year ||
		    memcmp(kid, check->sealed.kid, sizeof(kid)) != 0)
			continue;
		check->genuine = sealed_text_is_of(&check->sealed, key->public_key) && !key->compromised;
		check->reason = check->genuine ? NULL : key->compromised ? "compromised_key" : "signature";
		if (check->genuine)
			return;
	}
}

static bool list_is_signed(const struct sealed_text *sealed, const struct published_key *keys, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (streq(keys[i].use, "revocations") && !keys[i].compromised && sealed_text_is_of(sealed, keys[i].public_key))
			return true;
	return false;
}

/* A list that hides the last revocations is an old one, or an older one than was seen before. */
static bool judge_list(struct cli *cli, struct check *check)
{
	int hours = 0, least = 0;

	if (!cli_number(cli, "max-age", 1, 100000, &hours) || !cli_number(cli, "counter", 0, INT_MAX, &least))
		return false;
	check->list = LIST_FINE;
	if (check->age_seconds < -CLOCKS_APART_S)
		check->list = LIST_OF_THE_FUTURE;
	else if (check->counter < least)
		check->list = LIST_OF_BEFORE;
	else if (hours > 0 && check->age_seconds > (int64_t)hours * HOUR_S)
		check->list = LIST_OLD;
	return true;
}

static bool check_revocations(struct cli *cli, struct check *check, const char *path, const struct published_key *keys,
			      size_t count)
{
	const struct clock clock = { 0 };
	unsigned char id[CERTIFICATE_REVOCATION_BYTES];
	const char *text, *signed_text;
	struct revocation_list list;
	struct sealed_text sealed;
	size_t len;

	if (!cli_read_file(cli, path, &text, &len) ||
	    !published_revocations_read(text, len, &cli->arena, &signed_text, &cli->error))
		return false;
	if (!revocations_open(signed_text, &cli->arena, &list, &sealed) || !list_is_signed(&sealed, keys, count))
		return error_set(&cli->error, ERR_MALFORMED, "%s is not signed by any of these keys: fetch both files again.",
				 "%s không được ký bởi khóa nào trong tệp khóa: hãy tải lại cả hai tệp.", path);
	if (!streq(check->reason, "malformed")) {
		certificate_revocation_id(check->envelope.salt, id);
		check->revoked = revocations_have(&list, id);
	}
	check->counter = list.counter;
	check->age_seconds = clock_wall_us(&clock) / 1000000 - list.as_of;
	return judge_list(cli, check);
}

/* Two lines on standard input: name, birth date. On a command line everybody on the machine would read them. */
static bool check_holder(struct cli *cli, struct check *check)
{
	char name[600] = "", born[64] = "";
	struct date birth_date;

	if (!fgets(name, sizeof(name), stdin) || !fgets(born, sizeof(born), stdin))
		return error_set(&cli->error, ERR_MALFORMED, "Write the name and, on the next line, the birth date.",
				 "Ghi họ tên và, ở dòng sau, ngày sinh.");
	name[strcspn(name, "\r\n")] = '\0';
	born[strcspn(born, "\r\n")] = '\0';
	if (!date_parse(born, &birth_date))
		return error_set(&cli->error, ERR_MALFORMED, "The birth date looks like 1990-02-03.", "Ngày sinh có dạng 1990-02-03.");
	check->holder = certificate_holder_is(&check->envelope, name, birth_date, &cli->arena);
	explicit_bzero(name, sizeof(name));
	return true;
}

static void write_known(struct json_out *out, const char *name, int known)
{
	if (known < 0)
		jout_null(out, name);
	else
		jout_bool(out, name, known);
}

static const char *const list_words[] = {
	[LIST_NONE] = NULL, [LIST_FINE] = "fine", [LIST_OLD] = "too_old", [LIST_OF_BEFORE] = "older_than_seen",
	[LIST_OF_THE_FUTURE] = "of_the_future",
};

static void tell_json(struct cli *cli, const struct check *check)
{
	char number[CERTIFICATE_NUMBER_SIZE];
	struct json_out *out = &cli->out;
	bool read = !streq(check->reason, "malformed");

	jout_object(out, NULL);
	jout_bool(out, "genuine", check->genuine);
	jout_text(out, "reason", check->reason);
	jout_text(out, "number", read ? certificate_number_format(&check->envelope.number, number) : NULL);
	if (read)
		jout_int(out, "volume_ml", check->envelope.volume_ml);
	else
		jout_null(out, "volume_ml");
	jout_date(out, "donated_on", check->envelope.donated_on);
	write_known(out, "revoked", check->revoked);
	jout_text(out, "list", list_words[check->list]);
	if (check->list != LIST_NONE) {
		jout_int(out, "list_counter", check->counter);
		jout_int(out, "list_age_seconds", check->age_seconds);
	}
	write_known(out, "holder_matches", check->holder);
	jout_end(out);
}

static const char *reason_words(const struct cli *cli, const char *reason)
{
	static const struct { const char *reason, *words[LANGUAGE_COUNT]; } all[] = {
		{ "malformed", { "this is no text of a certificate", "không phải nội dung mã QR của giấy chứng nhận" } },
		{ "unknown_key", { "no key of that body and year has this id", "không có khóa nào của nơi cấp và năm đó có mã này" } },
		{ "signature", { "the signature does not fit", "chữ ký không khớp" } },
		{ "compromised_key", { "signed by a key that was stolen: ask who issued it for a reprint",
				       "ký bằng khóa đã bị lộ: hãy đề nghị nơi cấp in lại" } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (streq(all[i].reason, reason))
			return cli_word(cli, all[i].words[LANGUAGE_EN], all[i].words[LANGUAGE_VI]);
	return reason;
}

static void tell_list(const struct cli *cli, const struct check *check)
{
	if (check->list == LIST_NONE) {
		cli_say(cli, "Whether it was revoked is not known: give --revocations FILE.\n",
			"Chưa biết có bị hủy không: hãy thêm --revocations FILE.\n");
		return;
	}
	cli_say(cli, "The list of revocations is %lld hours old (number %lld).\n", "Danh sách hủy đã %lld giờ (số %lld).\n",
		(long long)(check->age_seconds / HOUR_S), (long long)check->counter);
	if (check->list == LIST_OLD)
		cli_say(cli, "That is TOO OLD: fetch a new one.\n", "QUÁ CŨ: hãy tải danh sách mới.\n");
	else if (check->list == LIST_OF_BEFORE)
		cli_say(cli, "A LATER ONE was seen before: fetch a new one.\n", "ĐÃ TỪNG CÓ danh sách mới hơn: hãy tải lại.\n");
	else if (check->list == LIST_OF_THE_FUTURE)
		cli_say(cli, "It is OF THE FUTURE: look at this machine's clock.\n",
			"Danh sách CÓ THỜI GIAN Ở TƯƠNG LAI: hãy xem lại đồng hồ máy này.\n");
}

static void tell_people(const struct cli *cli, const struct check *check)
{
	char number[CERTIFICATE_NUMBER_SIZE], day[DATE_TEXT_SIZE];

	if (!check->genuine) {
		cli_say(cli, "NOT GENUINE: %s.\n", "KHÔNG PHẢI GIẤY THẬT: %s.\n", reason_words(cli, check->reason));
	} else {
		cli_say(cli, "Genuine: %s, %d ml, %s. How much is left: ask the daemon.\n",
			"Giấy thật: %s, %d ml, %s. Lượng còn lại: hãy hỏi máy chủ.\n",
			certificate_number_format(&check->envelope.number, number), check->envelope.volume_ml,
			date_format(check->envelope.donated_on, day));
		if (check->revoked >= 0)
			cli_say(cli, "%s\n", "%s\n", check->revoked ? cli_word(cli, "REVOKED: it is void.", "ĐÃ HỦY: không còn giá trị.")
								    : cli_word(cli, "Not revoked.", "Chưa bị hủy."));
	}
	tell_list(cli, check);
	if (check->genuine && check->holder >= 0)
		cli_say(cli, "Name and birth date %s.\n", "Họ tên và ngày sinh %s.\n",
			check->holder ? cli_word(cli, "match", "khớp") : cli_word(cli, "DO NOT MATCH", "KHÔNG KHỚP"));
}

static bool verify(struct cli *cli, struct check *check, const char *keys_path)
{
	const char *revocations = cli_option(cli, "revocations", 0), *text;
	struct published_key *keys;
	size_t count, len;

	if (!cli_read_file(cli, keys_path, &text, &len) ||
	    !published_keys_read(text, len, &cli->arena, &keys, &count, &cli->error))
		return false;
	if (certificate_open(cli->arguments[0], &cli->arena, &check->envelope, &check->sealed))
		check_signature(check, keys, count);
	else
		check->reason = "malformed";
	return (!revocations || check_revocations(cli, check, revocations, keys, count)) &&
	       (!cli_has(cli, "holder") || check_holder(cli, check));
}

static int run_verify(struct cli *cli)
{
	struct check check = { .revoked = -1, .holder = -1 };
	const char *keys;

	if (!cli_require(cli, "keys", &keys))
		return cli_usage(cli);
	if (!verify(cli, &check, keys))
		return cli_refuse(cli);
	if (cli->json)
		tell_json(cli, &check);
	else
		tell_people(cli, &check);
	return check.genuine && check.revoked != 1 && check.list <= LIST_FINE && check.holder != 0 ? EXIT_OK : EXIT_REFUSED;
}

static const struct cli_option verify_options[] = {
	{ "keys", "FILE", { "what GET /api/v1/certificates/keys answered", "nội dung của GET /api/v1/certificates/keys" } },
	{ "revocations", "FILE", { "what GET /api/v1/certificates/revocations answered", "nội dung của GET /api/v1/certificates/revocations" } },
	{ "max-age", "HOURS", { "refuse a list of revocations that is older", "từ chối danh sách hủy cũ hơn số giờ này" } },
	{ "counter", "NUMBER", { "refuse a list below this number: that of the last one seen", "từ chối danh sách có số nhỏ hơn: số của danh sách đã xem gần nhất" } },
	{ "holder", NULL, { "compare name and birth date: two lines on standard input", "so họ tên và ngày sinh: hai dòng từ đầu vào chuẩn" } },
	{ 0 }
};

const struct cli_command certificate_commands[] = {
	{ .group = "certificate", .verb = "verify", .arguments = "TEXT", .nmin = 1, .nmax = 1,
	  .need = CLI_NOTHING, .options = verify_options, .run = run_verify,
	  .summary = { "whether the text of a certificate's QR code is genuine; needs no database",
	    "kiểm tra nội dung mã QR của giấy chứng nhận có thật không; không cần cơ sở dữ liệu" } },
	{ 0 }
};
