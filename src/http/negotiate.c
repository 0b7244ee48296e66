#include "http/negotiate.h"

#include <string.h>
#include <strings.h>

#include "http/exchange.h"

/* One member of a list such as "vi-VN;q=0.8, en". */
struct choice {
	const char *name;
	size_t      len;
	int         weight;              /* q in thousandths */
};

static const char *skip_blanks(const char *p)
{
	while (*p == ' ' || *p == '\t' || *p == ',')
		p++;
	return p;
}

/* "0.8" as 800, "1" as 1000; what is no number counts as 0. */
static int parse_weight(const char *p)
{
	int weight = *p == '1' ? 1000 : 0;
	int unit = 100;

	if (*p != '0' && *p != '1')
		return 0;
	if (p[1] != '.')
		return weight;
	for (p += 2; *p >= '0' && *p <= '9' && unit > 0; p++, unit /= 10)
		weight += (*p - '0') * unit;
	return weight > 1000 ? 1000 : weight;
}

static int find_weight(const char *p, const char *end)
{
	while (p < end) {
		p++;                             /* the ';' */
		while (p < end && (*p == ' ' || *p == '\t'))
			p++;
		if (end - p >= 2 && (*p == 'q' || *p == 'Q') && p[1] == '=')
			return parse_weight(p + 2);
		while (p < end && *p != ';')
			p++;
	}
	return 1000;
}

/* The next member; false at the end of the list. */
static bool next_choice(const char **list, struct choice *choice)
{
	const char *p = skip_blanks(*list);
	const char *end = p + strcspn(p, ",");

	if (!*p)
		return false;
	choice->name = p;
	choice->len = strcspn(p, ",; \t");
	p += choice->len;
	while (p < end && *p != ';')
		p++;
	choice->weight = find_weight(p, end);
	*list = end;
	return true;
}

static bool named(const struct choice *choice, const char *name)
{
	return strlen(name) == choice->len && strncasecmp(choice->name, name, choice->len) == 0;
}

/* "vi" is named by "vi" and by "vi-VN". */
static bool names_language(const struct choice *choice, const char *code)
{
	size_t len = strlen(code);

	return choice->len >= len && strncasecmp(choice->name, code, len) == 0 &&
	       (choice->len == len || choice->name[len] == '-');
}

static void raise_to(int *best, int weight)
{
	if (weight > *best)
		*best = weight;
}

enum language http_choose_language(const char *accept_language)
{
	int vi = -1, en = -1, other = -1;
	bool vi_first = false;
	struct choice choice;

	if (!accept_language)
		return LANGUAGE_EN;
	while (next_choice(&accept_language, &choice)) {
		if (names_language(&choice, "vi")) {
			vi_first = vi_first || en < 0;
			raise_to(&vi, choice.weight);
		} else if (names_language(&choice, "en")) {
			raise_to(&en, choice.weight);
		} else if (named(&choice, "*")) {
			raise_to(&other, choice.weight);
		}
	}
	if (vi < 0)
		vi = other;
	if (en < 0)
		en = other;
	return vi > 0 && (vi > en || (vi == en && vi_first)) ? LANGUAGE_VI : LANGUAGE_EN;
}

bool http_takes_gzip(const char *accept_encoding)
{
	int gzip = -1, other = -1;
	struct choice choice;

	if (!accept_encoding)
		return false;
	while (next_choice(&accept_encoding, &choice)) {
		if (named(&choice, "gzip") || named(&choice, "x-gzip"))
			raise_to(&gzip, choice.weight);
		else if (named(&choice, "*"))
			raise_to(&other, choice.weight);
	}
	return gzip >= 0 ? gzip > 0 : other > 0;
}

/* The tag at p (its length is len, quotes included) is etag, or etag with the gzip suffix. */
static bool same_tag(const char *p, size_t len, const char *etag)
{
	static const char end[] = HTTP_GZIP_TAG_SUFFIX "\"";
	size_t own = strlen(etag);

	if (len == own)
		return memcmp(p, etag, own) == 0;
	return own > 1 && len == own + sizeof(end) - 2 && memcmp(p, etag, own - 1) == 0 &&
	       memcmp(p + own - 1, end, sizeof(end) - 1) == 0;
}

bool http_tag_listed(const char *if_none_match, const char *etag)
{
	const char *p = if_none_match;

	if (!p || !etag)
		return false;
	if (strncmp(etag, "W/", 2) == 0)
		etag += 2;
	for (p = skip_blanks(p); *p; p = skip_blanks(p)) {
		const char *close;

		if (*p == '*')
			return true;
		if (strncmp(p, "W/", 2) == 0)
			p += 2;
		close = *p == '"' ? strchr(p + 1, '"') : NULL;
		if (!close)
			return false;
		if (same_tag(p, (size_t)(close - p) + 1, etag))
			return true;
		p = close + 1;
	}
	return false;
}
