#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>

/* `giothong config sample`: the commented settings file, as config/giothong.ini has it. */
static int sample_run(struct cli *cli)
{
	if (!cli->json) {
		config_print_sample(stdout);
		return EXIT_OK;
	}
	char *text = NULL;
	size_t len = 0;
	FILE *stream = open_memstream(&text, &len);

	if (!stream)
		return EXIT_REFUSED;
	config_print_sample(stream);
	fclose(stream);
	jout_object(&cli->out, NULL);
	jout_text(&cli->out, "sample", text);
	jout_end(&cli->out);
	free(text);
	return EXIT_OK;
}

const struct cli_command config_commands[] = {
	{ .group = "config", .verb = "sample",
	  .need = CLI_NOTHING, .run = sample_run,
	  .summary = { "print a settings file with every setting explained",
		       "in tệp thiết đặt mẫu, có giải thích" } },
	{ 0 }
};
