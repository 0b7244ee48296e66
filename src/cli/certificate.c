#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "crypto/certificate_seal.h"
#include "wire/certificate_wire.h"

/*
 * `giothong certificate verify TEXT --keys FILE`: whether the text of a certificate's QR code is genuine, with files that were
 * fetched before (GET /api/v1/certificates/keys and /revocations) and nothing else: no database, no network, no settings.
 * It says how old the list of revocations is. How much is left only the daemon knows.
 */

struct check {
	struct certificate_envelope envelope;
	struct sealed_text          sealed;
	bool                        genuine;
	const char                 *reason;      /* "malformed", "unknown_key", "signature", "compromised_key", "revoked" */
	int                         revoked;     /* 1, 0; -1: no list was given */
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
	certificate_revocation_id(check->envelope.salt, id);
	check->revoked = revocations_have(&list, id);
	check->counter = list.counter;
	check->age_seconds = clock_wall_us(&clock) / 1000000 - list.as_of;
	if (check->genuine && check->revoked) {
		check->genuine = false;
		check->reason = "revoked";
	}
	return true;
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
	if (check->revoked >= 0) {
		jout_int(out, "list_counter", check->counter);
		jout_int(out, "list_age_seconds", check->age_seconds);
	}
	write_known(out, "holder_matches", check->holder);
	jout_end(out);
}

static void tell_people(const struct cli *cli, const struct check *check)
{
	char number[CERTIFICATE_NUMBER_SIZE], day[DATE_TEXT_SIZE];

	if (!check->genuine) {
		cli_say(cli, "NOT GENUINE: %s\n", "KHÔNG HỢP LỆ: %s\n", check->reason);
		return;
	}
	cli_say(cli, "Genuine: %s, %d ml, %s. How much is left: ask the daemon.\n",
		"Giấy thật: %s, %d ml, %s. Lượng còn lại: hãy hỏi máy chủ.\n",
		certificate_number_format(&check->envelope.number, number), check->envelope.volume_ml,
		date_format(check->envelope.donated_on, day));
	if (check->revoked >= 0)
		cli_say(cli, "Not revoked, as known %lld hours ago (list %lld).\n", "Chưa bị hủy, theo danh sách %lld giờ trước (số %lld).\n",
			(long long)(check->age_seconds / 3600), (long long)check->counter);
	else
		cli_say(cli, "Whether it was revoked is not known: give --revocations FILE.\n",
			"Chưa biết có bị hủy không: hãy thêm --revocations FILE.\n");
	if (check->holder >= 0)
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
	if (!certificate_open(cli->arguments[0], &cli->arena, &check->envelope, &check->sealed)) {
		check->reason = "malformed";
		return true;
	}
	check_signature(check, keys, count);
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
	return check.genuine && check.holder != 0 ? EXIT_OK : EXIT_REFUSED;
}

static const struct cli_option verify_options[] = {
	{ "keys", "FILE", { "what GET /api/v1/certificates/keys answered", "nội dung của GET /api/v1/certificates/keys" } },
	{ "revocations", "FILE", { "what GET /api/v1/certificates/revocations answered", "nội dung của GET /api/v1/certificates/revocations" } },
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
