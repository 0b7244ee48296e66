#include "domain/login.h"

#include <ctype.h>
#include <string.h>

enum { AT_ONCE = 5, NETWORK_MANY = 20, STRANGERS_MAX = 90, KNOWN_MAX = 10, LONGEST_S = 900, DAY_S = 86400 };

static int64_t growing_wait_us(int64_t failures)
{
	int64_t seconds = 1;

	if (failures < AT_ONCE)
		return 0;
	for (int64_t i = AT_ONCE; i < failures && seconds < LONGEST_S; i++)
		seconds *= 2;
	return (seconds < LONGEST_S ? seconds : LONGEST_S) * 1000000;
}

int64_t login_wait_us(enum login_bucket bucket, int64_t failures)
{
	switch (bucket) {
	case LOGIN_NETWORK:
		return failures < NETWORK_MANY ? growing_wait_us(failures) : (int64_t)DAY_S * 1000000;
	case LOGIN_KNOWN:
		return failures < KNOWN_MAX ? growing_wait_us(failures) : LOGIN_NEVER_US;
	case LOGIN_STRANGERS:
	case LOGIN_BUCKET_COUNT:
		break;
	}
	return failures < STRANGERS_MAX ? 0 : LOGIN_NEVER_US;
}

int login_waits(enum login_bucket bucket)
{
	return bucket == LOGIN_NETWORK ? NETWORK_MANY : bucket == LOGIN_KNOWN ? KNOWN_MAX : STRANGERS_MAX;
}

/* ---- names ---- */

bool login_name_valid(const char *name)
{
	size_t len = strlen(name);

	if (len < 2 || len > 32 || !islower((unsigned char)name[0]))
		return false;
	for (; *name; name++)
		if (!islower((unsigned char)*name) && !isdigit((unsigned char)*name) && !strchr("._-", *name))
			return false;
	return true;
}

void login_name_fold(const char *typed, char *out, size_t size)
{
	size_t len = 0, end = 0;

	while (*typed == ' ' || *typed == '\t')
		typed++;
	for (; *typed && len + 1 < size; typed++) {
		out[len++] = (char)((unsigned char)*typed < 0x80 ? tolower((unsigned char)*typed) : *typed);
		if (*typed != ' ' && *typed != '\t')
			end = len;
	}
	out[end] = '\0';
}

/* ---- sessions ---- */

struct session_limits session_limits_of(int idle_minutes, int hours)
{
	return (struct session_limits){ .idle_us = idle_minutes * INT64_C(60000000), .absolute_us = hours * INT64_C(3600000000) };
}

bool session_is_over(const struct session_limits *limits, int64_t created_t, int64_t used_t, int64_t now_t)
{
	return now_t - created_t >= limits->absolute_us || now_t - used_t >= limits->idle_us;
}
