#ifndef FORMAT_XML_H
#define FORMAT_XML_H

/*
 * Text inside XML 1.0 (and HTML): & < > " ' escaped, so that it is
 * safe between tags and inside quotes. Pure. What XML cannot hold (control
 * characters, U+FFFE, U+FFFF) and what is no UTF-8 becomes U+FFFD.
 */
struct buf;

void xml_text(struct buf *out, const char *text);
/* <name>text</name> and a line end; name trusted. */
void xml_element(struct buf *out, const char *name, const char *text);

#endif
