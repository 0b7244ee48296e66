#include "base/fault.h"

#ifdef GIOTHONG_TEST_SEAMS

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

enum { RATE_USUAL = 400, FIRST_UNNUMBERED = 1000, SHORT_MAX = 64 };

/*
 * How seldom beside the others, in sixteenths: what is called a hundred times
 * in a request strikes less often, and what costs a restart least of all.
 */
static const struct point {
	const char *name;
	unsigned    seldom;
} points[FAULT_POINT_COUNT] = {
	[FAULT_XMALLOC] = { "xmalloc", 16 * 100 },
	[FAULT_JSON] = { "json", 1 },
	[FAULT_ZLIB] = { "zlib", 2 },
	[FAULT_CSV] = { "csv", 1 },
	[FAULT_EVENT] = { "event", 16 },
	[FAULT_PQ_CONNECT] = { "pq_connect", 1 },
	[FAULT_PQ_POLL] = { "pq_poll", 1 },
	[FAULT_PQ_MODE] = { "pq_mode", 1 },
	[FAULT_PQ_PREPARE] = { "pq_prepare", 4 },
	[FAULT_PQ_QUERY] = { "pq_query", 16 },
	[FAULT_PQ_SYNC] = { "pq_sync", 8 },
	[FAULT_PQ_FLUSH] = { "pq_flush", 16 },
	[FAULT_PQ_FLUSH_SHORT] = { "pq_flush_short", 2 },
	[FAULT_PQ_CONSUME] = { "pq_consume", 16 },
	[FAULT_PQ_RESULT] = { "pq_result", 32 },
	[FAULT_PQ_NULL] = { "pq_null", 32 },
	[FAULT_PQ_EXEC] = { "pq_exec", 4 },
	[FAULT_ACCEPT] = { "accept", 2 },
	[FAULT_RECV] = { "recv", 4 },
	[FAULT_RECV_SHORT] = { "recv_short", 1 },
	[FAULT_SEND] = { "send", 4 },
	[FAULT_SEND_SHORT] = { "send_short", 1 },
};

static struct {
	uint64_t           seed, rate;   /* seed 0: nothing at random */
	uint64_t           at;           /* 0: no call in particular */
	uint64_t           points;
	_Atomic uint64_t   calls, injected;
	_Atomic int        threads;
} seam = { .points = ~UINT64_C(0) };

static _Thread_local uint64_t generator;
static _Thread_local int own_number = -1;

/* ---- the settings ---- */

const char *fault_point_name(enum fault_point point)
{
	return points[point].name;
}

/* The bits of one word of the list: a name, or what begins as "pq_*" says. 0: no such point. */
static uint64_t points_named(const char *word, size_t len)
{
	bool prefix = len > 0 && word[len - 1] == '*';
	uint64_t bits = 0;

	len -= prefix;
	for (size_t i = 0; i < FAULT_POINT_COUNT; i++)
		if (strncmp(points[i].name, word, len) == 0 && (prefix || !points[i].name[len]))
			bits |= UINT64_C(1) << i;
	return bits;
}

/* A list that only takes away begins with all. A wrong name would silently test nothing: no start. */
static uint64_t read_points(const char *list)
{
	uint64_t bits = *list == '-' ? ~UINT64_C(0) : 0;

	while (*list) {
		bool away = *list == '-';
		size_t len = strcspn(list += away, ",");
		uint64_t named = points_named(list, len);

		if (!named) {
			fprintf(stderr, "GIOTHONG_FAULT_POINTS: no point \"%.*s\"\n", (int)len, list);
			exit(2);
		}
		bits = away ? bits & ~named : bits | named;
		list += len;
		list += *list == ',';
	}
	return bits;
}

static uint64_t read_number(const char *name, char **end)
{
	const char *text = getenv(name);

	*end = "";
	return text ? strtoull(text, end, 10) : 0;
}

/* Before main(), so that no program can forget it. */
__attribute__((constructor)) static void fault_start(void)
{
	const char *list = getenv("GIOTHONG_FAULT_POINTS");
	char *rate, *end;

	seam.seed = read_number("GIOTHONG_FAULT_SEED", &rate);
	seam.rate = *rate == ':' ? strtoull(rate + 1, NULL, 10) : RATE_USUAL;
	seam.at = read_number("GIOTHONG_FAULT_AT", &end);
	if (list)
		seam.points = read_points(list);
	if (seam.rate == 0)
		seam.rate = RATE_USUAL;
	if (seam.seed || seam.at)
		log_warning("fault_seam", "seed=%" PRIu64 " rate=%" PRIu64 " at=%" PRIu64 " points=%s", seam.seed,
			    seam.rate, seam.at, list ? list : "all");
}

void fault_at(uint64_t n, uint64_t which)
{
	seam.seed = 0;
	seam.at = n;
	seam.points = which;
	seam.calls = 0;
}

uint64_t fault_count(void)
{
	return seam.calls;
}

/* ---- the generators ---- */

/* SplitMix64. */
static uint64_t draw(void)
{
	uint64_t z = generator += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

void fault_thread(int number)
{
	own_number = number;
	generator = seam.seed;
	generator = draw() ^ (uint64_t)(unsigned)number;
	generator = draw();
}

void fault_at_random(uint64_t seed, uint64_t rate, uint64_t which)
{
	seam.seed = seed;
	seam.rate = rate;
	seam.at = 0;
	seam.points = which;
	fault_thread(0);
}

static bool strikes_at_random(enum fault_point point)
{
	uint64_t one_in = seam.rate * points[point].seldom / 16;

	if (own_number < 0)
		fault_thread(FIRST_UNNUMBERED + seam.threads++);
	return draw() % (one_in ? one_in : 1) == 0;
}

/* ---- at the points ---- */

bool fault_strikes(enum fault_point point)
{
	int error = errno;
	bool strikes = false;

	if (!(seam.points >> point & 1) || !(seam.seed || seam.at))
		return false;
	if (seam.at)
		strikes = ++seam.calls == seam.at;
	else
		strikes = strikes_at_random(point);
	if (strikes)
		log_warning("fault_injected", "point=%s thread=%d n=%" PRIu64, points[point].name, own_number,
			    (uint64_t)++seam.injected);
	errno = error;
	return strikes;
}

bool fault_strikes_errno(enum fault_point point, const int *numbers)
{
	size_t count = 0;

	if (!fault_strikes(point))
		return false;
	while (numbers[count])
		count++;
	errno = numbers[draw() % count];
	return true;
}

size_t fault_shorten(enum fault_point point, size_t size)
{
	size_t most = size > SHORT_MAX ? SHORT_MAX : size;

	return size > 0 && fault_strikes(point) ? 1 + draw() % most : size;
}

#endif
