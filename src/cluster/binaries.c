#include "cluster/internal.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"

enum { OLDEST_VERSION = 15 };

/* Where distributions put the programs of version N. */
static const char *const places[] = { "/usr/lib/postgresql/%d/bin", "/usr/pgsql-%d/bin" };

static bool has_program(const char *dir, const char *name)
{
	char path[BIN_DIR_SIZE + 16];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return access(path, X_OK) == 0;
}

static bool find_version(int version, char out[BIN_DIR_SIZE])
{
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(out, BIN_DIR_SIZE, places[i], version);
#pragma GCC diagnostic pop
		if (has_program(out, "postgres") && has_program(out, "initdb"))
			return true;
	}
	return false;
}

bool binaries_newest(char out[BIN_DIR_SIZE], struct error *err)
{
	for (int version = 99; version >= OLDEST_VERSION; version--)
		if (find_version(version, out))
			return true;
	return error_set(err, ERR_CONFIG, "PostgreSQL %d or newer is not installed: apt install postgresql",
			 "chưa cài PostgreSQL %d trở lên: apt install postgresql", OLDEST_VERSION);
}

static int read_version(const char *postgres_dir)
{
	char *path = xasprintf("%s/PG_VERSION", postgres_dir);
	FILE *in = fopen(path, "re");
	char text[16] = "";

	free(path);
	if (in) {
		if (!fgets(text, sizeof(text), in))
			text[0] = '\0';
		fclose(in);
	}
	return atoi(text);
}

bool binaries_of(const char *postgres_dir, char out[BIN_DIR_SIZE], struct error *err)
{
	int version = read_version(postgres_dir);

	if (version == 0)
		return error_set(err, ERR_CONFIG,
				 "%s is there but is no PostgreSQL cluster: move it away, or bring back a backup",
				 "%s đã có nhưng không phải cụm PostgreSQL: hãy dời đi hoặc khôi phục bản sao lưu",
				 postgres_dir);
	if (find_version(version, out))
		return true;
	return error_set(err, ERR_CONFIG,
			 "%s was made by PostgreSQL %d, which is not installed: apt install postgresql-%d",
			 "%s do PostgreSQL %d tạo ra, bản này chưa được cài: apt install postgresql-%d",
			 postgres_dir, version, version);
}
