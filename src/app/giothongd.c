/* giothongd: the daemon. Foreground; one line on standard output when it is ready. */
#include <stdio.h>

#include "api/api.h"
#include "app/daemon.h"
#include "app/say.h"
#include "app/setup.h"
#include "base/version.h"

static void print_help(const struct setup *setup)
{
	bool vi = setup->language == LANGUAGE_VI;

	printf(vi ? "cách dùng: giothongd --data DIR | --config FILE [TÙY CHỌN]\n\n"
		    "Phục vụ lịch hiến máu qua HTTP, ở tiền cảnh. SIGTERM: trả lời xong rồi dừng.\n\n"
		  : "usage: giothongd --data DIR | --config FILE [OPTION]...\n\n"
		    "Serves the donation rounds over HTTP, in the foreground. SIGTERM: answer, then stop.\n\n");
	setup_print_options(setup, true, stdout);
	printf("\n%s\n", vi ? "Thiết đặt (--set TÊN=GIÁ_TRỊ, hoặc trong tệp):"
			    : "Settings (--set NAME=VALUE, or in the file):");
	config_print_help(stdout);
}

static int usage(const struct setup *setup, const struct error *err)
{
	say_error(setup->program, setup->language, err);
	fprintf(stderr, setup->language == LANGUAGE_VI ? "Xem: giothongd --help\n" : "See: giothongd --help\n");
	return EXIT_USAGE;
}

static bool parse(struct setup *setup, int argc, char **argv, struct error *err)
{
	for (int at = 1, taken; at < argc; at += taken) {
		taken = setup_take_option(setup, argc, argv, at, err);
		if (taken < 0)
			return false;
		if (taken == 0)
			return error_set(err, ERR_CONFIG, "unknown option %s", "không có tùy chọn %s", argv[at]);
	}
	if (!setup->help && !setup->version && !setup->routes && !setup_has_database(setup))
		return error_set(err, ERR_CONFIG, "say --data DIR or --config FILE",
				 "cần --data DIR hoặc --config FILE");
	return true;
}

static int serve(struct setup *setup)
{
	struct error err = { 0 };

	if (setup_read(setup, &err))
		return daemon_run(setup);
	say_error(setup->program, setup->language, &err);
	return EXIT_REFUSED;
}

int main(int argc, char **argv)
{
	struct setup setup;
	struct error err = { 0 };
	int status = EXIT_OK;

	setup_init(&setup, "giothongd");
	if (!parse(&setup, argc, argv, &err))
		status = usage(&setup, &err);
	else if (setup.help)
		print_help(&setup);
	else if (setup.version)
		printf("giothongd %s\n", GIOTHONG_VERSION);
	else if (setup.routes)
		api_print_routes();
	else
		status = serve(&setup);
	setup_release(&setup);
	return status;
}
