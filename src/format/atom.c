#include "format/atom.h"

#include <stdbool.h>

#include "base/buf.h"
#include "base/date.h"
#include "base/text.h"
#include "domain/report.h"
#include "domain/round_text.h"
#include "format/xml.h"

/* To the microsecond, or two changes in one second would look like none. */
static void write_time(struct buf *out, const char *name, int64_t wall_us)
{
	char text[TIME_TEXT_SIZE];
	int micros;

	if (wall_us < 0)                 /* INT64_MIN: not known */
		wall_us = 0;
	micros = (int)(wall_us % 1000000);
	time_format(wall_us, text);
	buf_printf(out, "<%s>%.19s.%06d%s</%s>\n", name, text, micros, text + 19, name);
}

static void write_link(struct buf *out, const char *base_url, const char *rel, const char *type,
		       const char *path, const char *rest)
{
	buf_printf(out, "<link rel=\"%s\"", rel);
	if (type)
		buf_printf(out, " type=\"%s\"", type);
	buf_append_text(out, " href=\"");
	xml_text(out, base_url ? base_url : "");
	xml_text(out, path);
	xml_text(out, rest);
	buf_append_text(out, "\"/>\n");
}

void atom_begin(struct buf *out, const struct atom_head *head)
{
	buf_append_text(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
			     "<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"vi\">\n<id>");
	/* The address is the name; without one of its own, a name that can be no address. */
	xml_text(out, head->base_url ? head->base_url : "tag:giothong.invalid,2026:");
	xml_text(out, head->path);
	buf_append_text(out, "</id>\n");
	xml_element(out, "title", head->title);
	write_time(out, "updated", head->updated_us);
	buf_append_text(out, "<author><name>");
	xml_text(out, head->author);
	buf_append_text(out, "</name></author>\n");
	write_link(out, head->base_url, "self", "application/atom+xml", head->path, "");
	write_link(out, head->base_url, "alternate", "text/html", "/", "");
}

void atom_end(struct buf *out)
{
	buf_append_text(out, "</feed>\n");
}

/* Only the web: an address of another scheme could run a script in a reader. */
static bool is_web_address(const char *url)
{
	return text_starts_with(url, "https://") || text_starts_with(url, "http://");
}

static void add_line(void *context, const struct round_line *line)
{
	bool link = line->kind == ROUND_LINE_URL && is_web_address(line->text);
	struct buf *html = context;

	buf_append_text(html, "<p><b>");
	xml_text(html, line->label);
	buf_append_text(html, ":</b> ");
	if (link) {
		buf_append_text(html, "<a href=\"");
		xml_text(html, line->text);
		buf_append_text(html, "\">");
	}
	xml_text(html, line->text);
	buf_append_text(html, link ? "</a></p>\n" : "</p>\n");
}

/* HTML, which is then text of the XML: escaped twice. */
static void write_content(struct buf *out, const struct round *round)
{
	struct buf html = { 0 };

	round_text_each(round, add_line, &html);
	buf_append_text(out, "<content type=\"html\">");
	xml_text(out, html.data);
	buf_append_text(out, "</content>\n");
	buf_release(&html);
}

static void write_title(struct buf *out, const struct round *round)
{
	struct buf title = { 0 };

	round_text_title(&title, round);
	xml_element(out, "title", title.data);
	buf_release(&title);
}

static void write_links(struct buf *out, const struct atom_head *head, const struct round *round)
{
	const char *source = round->result ? round->result->source_url : NULL;

	write_link(out, head->base_url, "alternate", "application/json", "/api/v1/rounds/", round->id);
	if (source && is_web_address(source))
		write_link(out, NULL, "via", NULL, source, "");
}

void atom_round(struct buf *out, const struct atom_head *head, const struct round *round, int64_t changed_us)
{
	buf_append_text(out, "<entry>\n");
	buf_printf(out, "<id>urn:uuid:%s</id>\n", round->id);
	write_title(out, round);
	write_time(out, "updated", changed_us);
	write_links(out, head, round);
	for (size_t i = 0; i < round->ncampaigns; i++) {
		buf_append_text(out, "<category term=\"");
		xml_text(out, round->campaigns[i].name ? round->campaigns[i].name : "");
		buf_append_text(out, "\"/>\n");
	}
	write_content(out, round);
	buf_append_text(out, "</entry>\n");
}
