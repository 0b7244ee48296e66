#include <ctype.h>

#include "base/buf.h"
#include "base/memory.h"
#include "domain/lai_chau_units.h"
#include "format/atom.h"
#include "format/calendar.h"
#include "format/ical.h"
#include "format/xml.h"
#include "fuzz/fuzz.h"
#include "wire/plan_wire.h"

/*
 * What goes out to calendars and news readers. The first letter says what the
 * rest is:
 *
 *	i  a text of any bytes, as iCalendar. Oracle: lines of at most 75 octets that
 *	   end in CRLF; unfolded and unescaped, a sound text comes back
 *	x  a text of any bytes, as XML. Oracle: no bare markup; a sound text comes back
 *	r  a plan file whose rounds are published. Oracle: every line of the calendar
 *	   is a content line, BEGIN and END pair up; the tags of the feed pair up
 */
static struct unit_map *units;

static void check_utf8(const struct buf *out)
{
	FUZZ_CHECK(out->len > 0 && text_valid_utf8(out->data, out->len), "%s", out->data ? out->data : "");
}

/* A text that needs no repair: UTF-8 without controls, line ends only LF. */
static bool is_sound(const char *text)
{
	const char *at = text;

	if (!text_valid_utf8(text, strlen(text)))
		return false;
	while (*at) {
		int32_t point = text_next(&at);

		if ((point < 0x20 && point != '\n' && point != '\t') || (point >= 0x7f && point < 0xa0) ||
		    point == 0x2028 || point == 0x2029 || point == 0xfffe || point == 0xffff)
			return false;
	}
	return true;
}

/* ---- iCalendar ---- */

/* Takes the folds out, and looks at each line on the way. */
static void unfold(const struct buf *out, struct buf *whole)
{
	const char *p = out->data, *end = out->data + out->len;

	while (p < end) {
		const char *eol = memmem(p, (size_t)(end - p), "\r\n", 2);

		FUZZ_CHECK(eol && eol - p <= 75 && eol > p, "a line of %d octets", eol ? (int)(eol - p) : -1);
		for (const char *q = p; q < eol; q++)
			FUZZ_CHECK((unsigned char)*q >= ' ' || *q == '\t', "a control inside a line");
		if (*p == ' ' && whole->len > 0)
			whole->len--;            /* the line feed before it */
		buf_append(whole, p + (*p == ' '), (size_t)(eol - p) - (*p == ' '));
		buf_append_char(whole, '\n');
		p = eol + 2;
	}
}

static void unescape(const char *value, struct buf *out)
{
	for (; *value && *value != '\n'; value++) {
		FUZZ_CHECK(*value != ';' && *value != ',', "bare %c", *value);
		if (*value != '\\') {
			buf_append_char(out, *value);
			continue;
		}
		value++;
		FUZZ_CHECK(*value && strchr("\\;,n", *value), "escape of %c", *value);
		buf_append_char(out, *value == 'n' ? '\n' : *value);
	}
}

static void fuzz_ical(const char *text)
{
	struct buf out = { 0 }, whole = { 0 }, back = { 0 };

	ical_text(&out, "SUMMARY", text);
	check_utf8(&out);
	unfold(&out, &whole);
	FUZZ_CHECK(text_starts_with(whole.data, "SUMMARY:") && !strchr(whole.data, '\r') &&
			   strchr(whole.data, '\n') == whole.data + whole.len - 1,
		   "%s", whole.data);
	unescape(whole.data + 8, &back);
	if (is_sound(text))
		FUZZ_CHECK(streq(back.data ? back.data : "", text), "\"%s\" \"%s\"", text, back.data ? back.data : "");
	buf_release(&out);
	buf_release(&whole);
	buf_release(&back);
}

/* ---- XML ---- */

static const struct {
	const char *entity;
	char        means;
} entities[] = {
	{ "&amp;", '&' }, { "&lt;", '<' }, { "&gt;", '>' }, { "&quot;", '"' }, { "&#39;", '\'' }, { "&#13;", '\r' },
};

static void fuzz_xml(const char *text)
{
	struct buf out = { 0 }, back = { 0 };

	xml_text(&out, text);
	for (const char *p = out.data ? out.data : ""; *p; p++) {
		size_t i = 0;

		FUZZ_CHECK(!strchr("<>\"'\r", *p), "bare %c", *p);
		if (*p != '&') {
			buf_append_char(&back, *p);
			continue;
		}
		while (i < ARRAY_SIZE(entities) && !text_starts_with(p, entities[i].entity))
			i++;
		FUZZ_CHECK(i < ARRAY_SIZE(entities), "%s", p);
		buf_append_char(&back, entities[i].means);
		p += strlen(entities[i].entity) - 1;
	}
	if (*text)
		check_utf8(&out);
	if (is_sound(text))
		FUZZ_CHECK(streq(back.data ? back.data : "", text), "\"%s\" \"%s\"", text, back.data ? back.data : "");
	buf_release(&out);
	buf_release(&back);
}

/* ---- rounds ---- */

enum { DEPTH_MAX = 16 };

static void check_calendar(const struct buf *out)
{
	struct buf whole = { 0 };
	const char *open[DEPTH_MAX];
	int depth = 0;

	check_utf8(out);
	unfold(out, &whole);
	for (const char *line = whole.data; *line; line = strchr(line, '\n') + 1) {
		size_t name = 0;

		while (isupper((unsigned char)line[name]) || isdigit((unsigned char)line[name]) || line[name] == '-')
			name++;
		FUZZ_CHECK(name > 0 && (line[name] == ':' || line[name] == ';'), "%.80s", line);
		if (text_starts_with(line, "BEGIN:")) {
			FUZZ_CHECK(depth < DEPTH_MAX, "too deep");
			open[depth++] = line + 6;
		} else if (text_starts_with(line, "END:")) {
			size_t len = strcspn(line + 4, "\n");

			FUZZ_CHECK(depth > 0 && strncmp(open[--depth], line + 4, len + 1) == 0, "%.80s", line);
		}
	}
	FUZZ_CHECK(depth == 0, "%d left open", depth);
	buf_release(&whole);
}

/* Tags pair up, and nothing that is not one begins with '<'. */
static void check_tags(const struct buf *out)
{
	struct {
		const char *name;
		size_t      len;
	} open[DEPTH_MAX];
	int depth = 0;

	check_utf8(out);
	for (const char *p = strchr(out->data, '<'); p; p = strchr(p, '<')) {
		const char *end = strchr(p, '>');

		FUZZ_CHECK(end, "%.80s", p);
		if (p[1] == '?' || end[-1] == '/') {
			p = end;
			continue;
		}
		if (p[1] == '/') {
			FUZZ_CHECK(depth > 0, "%.80s", p);
			depth--;
			FUZZ_CHECK((size_t)(end - p - 2) == open[depth].len &&
					   strncmp(open[depth].name, p + 2, open[depth].len) == 0,
				   "%.80s", p);
		} else {
			FUZZ_CHECK(depth < DEPTH_MAX, "too deep");
			open[depth].name = p + 1;
			open[depth++].len = strcspn(p + 1, " >");
		}
		p = end;
	}
	FUZZ_CHECK(depth == 0, "%d left open", depth);
}

static void fuzz_rounds(const char *text, size_t len, struct arena *arena)
{
	const struct calendar_head calendar = { .name = "Lịch hiến máu", .base_url = "https://example.org",
						.path = "/calendar/rounds.ics" };
	const struct atom_head atom = { .title = "Lịch hiến máu", .author = "x", .path = "/feeds/rounds.atom?a&b" };
	struct buf ics = { 0 }, news = { 0 };
	struct plan plan;
	struct error err;

	if (!units)
		units = test_units();
	error_clear(&err);
	if (!plan_file_read_json(text, len, units, arena, &plan, &err) || !plan_check(&plan, &err))
		return;
	calendar_begin(&ics, &calendar);
	atom_begin(&news, &atom);
	for (size_t i = 0; i < plan.nrounds; i++) {
		struct round *round = &plan.rounds[i];

		strcpy(round->id, "00000000-0000-7000-8000-000000000001");
		round->code = "LC25-07";
		round->plan_number = plan.number;
		round->plan_slug = plan.slug;
		round->demo = plan.demo;
		round->venue.name = round->venue.id;
		for (size_t c = 0; c < round->ncampaigns; c++)
			round->campaigns[c].name = round->campaigns[c].id;
		calendar_round(&ics, &calendar, round, i & 1 ? INT64_MIN : 1740000000000000 + (int64_t)i);
		atom_round(&news, &atom, round, 1740000000000000 + (int64_t)i);
	}
	calendar_end(&ics);
	atom_end(&news);
	check_calendar(&ics);
	check_tags(&news);
	buf_release(&ics);
	buf_release(&news);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned kind = fuzz_byte(&data, &size);
	char *text = fuzz_rest(data, size);
	struct arena arena;

	arena_init(&arena);
	if (kind == 'i')
		fuzz_ical(text);
	else if (kind == 'x')
		fuzz_xml(text);
	else if (kind == 'r')
		fuzz_rounds(text, size, &arena);
	arena_release(&arena);
	free(text);
	return 0;
}
