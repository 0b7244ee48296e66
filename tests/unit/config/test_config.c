#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "config/config.h"

static bool read_text(struct config *config, const char *text, struct error *err)
{
	char path[] = "/tmp/giothong-config-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	error_clear(err);
	bool fine = config_read_file(config, path, err);

	unlink(path);
	return fine;
}

static void expect_refused(const char *text, const char *part)
{
	struct config config;
	struct error err;

	config_init(&config);
	assert_false(read_text(&config, text, &err));
	assert_int_equal(err.code, ERR_CONFIG);
	if (!strstr(err.detail[LANGUAGE_EN], part) || !strchr(err.detail[LANGUAGE_VI], ':'))
		fail_msg("\"%s\" is not in \"%s\"", part, err.detail[LANGUAGE_EN]);
	config_release(&config);
}

static void test_defaults(void **state)
{
	struct config config;

	(void)state;
	config_init(&config);
	assert_string_equal(config.listen, "127.0.0.1:8080");
	assert_string_equal(config.database_role, "giothong_app");
	assert_int_equal(config.limits_body, 1048576);
	assert_false(config.insecure);
	assert_null(config.data_dir);
	config_release(&config);
}

static void test_file(void **state)
{
	struct config config;
	struct error err;

	(void)state;
	config_init(&config);
	assert_true(read_text(&config,
			      "# comment\n[listen]\naddress = [::1]:9000\ninsecure=yes\n\n[database]\n"
			      "conninfo = host=db1,db2\n  dbname=giothong\n\tuser=x\nqueue = 7 ; a few\n[sms]\n"
			      "signature = Chữ thập đỏ", &err));
	assert_string_equal(config.listen, "[::1]:9000");
	assert_true(config.insecure);
	assert_string_equal(config.database_conninfo, "host=db1,db2 dbname=giothong user=x");
	assert_int_equal(config.database_queue, 7);
	assert_string_equal(config.sms_signature, "Chữ thập đỏ");
	config_release(&config);
}

static void test_refusals(void **state)
{
	char *longer = xasprintf("[sms]\nsignature = %0500d\n", 1);

	(void)state;
	expect_refused("[listen]\naddres = x\n", ":2: there is no setting \"listen.addres\"");
	expect_refused("[lissten]\n\naddress = x\n", ":3: there is no setting \"lissten.address\"");
	expect_refused("address = x\n", ":1: there is no setting \"address\"");
	expect_refused("[workers]\ncount = 257\n", ":2: workers.count is \"257\": it must be a number from 0 to 256");
	expect_refused("[workers]\ncount = 4x\n", ":2: ");
	expect_refused("[workers]\ncount =\n", ":2: ");
	expect_refused("[listen]\ninsecure = maybe\n", "yes or no");
	expect_refused("[log]\nlevel = inf\n", "one of: error warning info debug");
	expect_refused("[log]\nlevel = info debug\n", "one of:");
	expect_refused("[log]\nlevel =\n", "one of:");
	expect_refused("[log]\nlevel = info\nlevel = debug\n", ":3: log.level is set twice");
	expect_refused("[log]\nlevel\n", ":2: this is neither");
	expect_refused("[log\nlevel = info\n", ":1: ");
	expect_refused(longer, ":2: a line may have");
	free(longer);

	struct config config;
	struct error err = { 0 };

	config_init(&config);
	assert_false(config_read_file(&config, "/nonexistent", &err));
	config_release(&config);
}

static bool check(const char *listen, const char *proxy, bool insecure, const char *data, const char *conninfo)
{
	struct config config;
	struct error err = { 0 };

	config_init(&config);
	assert_true(config_set(&config, "listen.address", listen, &err));
	assert_true(config_set(&config, "listen.trusted_proxy", proxy, &err));
	assert_true(config_set(&config, "database.conninfo", conninfo, &err));
	config.insecure = insecure;
	config.data_dir = data ? xstrdup(data) : NULL;
	bool fine = config_check(&config, &err);

	assert_true(fine == (err.code == ERR_NONE));
	if (fine)
		assert_true(config.workers >= 1);
	if (fine && data)
		assert_string_equal(config.keyring_dir, "d/keyring");
	config_release(&config);
	return fine;
}

static void test_check(void **state)
{
	(void)state;
	assert_true(check("127.0.0.1:0", "", false, "d", ""));
	assert_true(check("[::1]:80", "", false, "d", ""));
	assert_true(check("unix:/tmp/x", "", false, "d", ""));
	assert_false(check("0.0.0.0:80", "", false, "d", ""));
	assert_false(check("[::]:80", "", false, "d", ""));
	assert_true(check("127.255.255.254:80", "", false, "d", ""));
	assert_false(check("128.0.0.1:80", "", false, "d", ""));
	assert_false(check("127.0.0.1.example.org:80", "", false, "d", ""));
	assert_false(check("127.0.0.10000000000001:80", "", false, "d", ""));
	assert_true(check("0.0.0.0:80", "10.0.0.0/8", false, "d", ""));
	assert_true(check("0.0.0.0:80", "", true, "d", ""));
	assert_false(check("127.0.0.1", "", false, "d", ""));
	assert_false(check("127.0.0.1:99999", "", false, "d", ""));
	assert_false(check("127.0.0.1:http", "", false, "d", ""));
	assert_false(check(":80", "", true, "d", ""));
	assert_false(check("", "", true, "d", ""));
	assert_false(check("127.0.0.1:80", "", false, NULL, ""));
	assert_true(check("127.0.0.1:80", "", false, NULL, "dbname=x"));
	assert_false(check("127.0.0.1:80", "", false, "d", "dbname=x"));
}

static void test_public_url(void **state)
{
	static const struct {
		const char *url;
		bool fine;
	} cases[] = {
		{ "", true },
		{ "https://hienmau.example.vn", true },
		{ "http://127.0.0.1:8080", true },
		{ "http://[::1]:8080", true },
		{ "https://example.vn/hien-mau", true },
		{ "https://example.vn/", false },
		{ "https://", false },
		{ "https:///x", false },
		{ "example.vn", false },
		{ "ftp://example.vn", false },
		{ "javascript://x", false },
		{ "https://example.vn/a b", false },
		{ "https://example.vn/\"><b>", false },
		{ "https://example.vn?x=1", false },
		{ "https://example.vn#x", false },
		{ "https://example.vn\r\nX: y", false },
		{ "https://hiếnmáu.vn", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct config config;
		struct error err = { 0 };

		config_init(&config);
		assert_true(config_set(&config, "public.url", cases[i].url, &err));
		config.data_dir = xstrdup("d");
		if (config_check(&config, &err) != cases[i].fine)
			fail_msg("%s", cases[i].url);
		config_release(&config);
	}
}

static char *printed(void (*print)(FILE *))
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	print(out);
	fclose(out);
	return text;
}

/* The committed file is what the table says, and it reads back as the defaults. */
static void test_sample(void **state)
{
	static char committed[65536];
	char *sample = printed(config_print_sample);
	FILE *in = fopen(SOURCE_DIR "/config/giothong.ini", "r");
	struct config config;
	struct error err;

	(void)state;
	assert_non_null(in);
	committed[fread(committed, 1, sizeof(committed) - 1, in)] = '\0';
	fclose(in);
	assert_string_equal(sample, committed);
	for (char *line = sample; (line = strchr(line, '\n')) != NULL;)          /* "#name = x" -> "name = x" */
		if (*++line == '#' && line[1] != ' ')
			*line = '\n';
	config_init(&config);
	if (!read_text(&config, sample, &err))
		fail_msg("%s", err.detail[LANGUAGE_EN]);
	assert_int_equal(config.database_read_ms, 5000);
	config_release(&config);
	free(sample);
}

static void test_help(void **state)
{
	char *help = printed(config_print_help);

	(void)state;
	assert_non_null(strstr(help, "  listen.address               where to serve"));
	assert_null(strstr(help, "test.now"));
	free(help);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults), cmocka_unit_test(test_file), cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_check), cmocka_unit_test(test_public_url),    cmocka_unit_test(test_sample), cmocka_unit_test(test_help),
	};

	if (argc > 1 && strcmp(argv[1], "--print-sample") == 0) {        /* after a change of the table */
		config_print_sample(stdout);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
