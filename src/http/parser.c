#include "http/parser.h"

#include "base/buf.h"
#include "base/memory.h"
#include "http/exchange.h"

#if !defined(LLHTTP_STRICT_MODE) || LLHTTP_STRICT_MODE != 1
#error "llhttp must be compiled in strict mode: the loose mode lets requests be smuggled"
#endif

static struct http_exchange *exchange_of(llhttp_t *parser)
{
	return container_of(parser, struct http_exchange, parser);
}

static int on_name(llhttp_t *parser, const char *at, size_t len)
{
	struct http_exchange *x = exchange_of(parser);
	struct http_field *field;

	if (x->phase != PHASE_HEAD)              /* a trailer: checked, then dropped */
		return 0;
	if (x->nfields >= x->fields_cap)
		return -1;
	field = &x->fields[x->nfields++];
	*field = (struct http_field){ .name = x->head.data + (at - x->head.data), .name_len = (uint32_t)len };
	return 0;
}

static int on_value(llhttp_t *parser, const char *at, size_t len)
{
	struct http_exchange *x = exchange_of(parser);
	struct http_field *field;

	/* Of an empty value llhttp says where the next line begins: nothing may be written there. */
	if (x->phase != PHASE_HEAD || len == 0)
		return 0;
	if (x->nfields == 0)
		return -1;
	field = &x->fields[x->nfields - 1];
	if (field->value && field->value + field->value_len != at)
		return -1;
	if (!field->value)
		field->value = x->head.data + (at - x->head.data);
	field->value_len += (uint32_t)len;
	return 0;
}

/*
 * An Upgrade is never taken: without this llhttp would stop before the next
 * request. Its flags are cleared when the message ends, so keep-alive is read here.
 */
static int on_headers_complete(llhttp_t *parser)
{
	parser->upgrade = 0;
	exchange_of(parser)->keep_alive = llhttp_should_keep_alive(parser) != 0 &&
					  !(parser->flags & F_CONNECTION_CLOSE);
	return 0;
}

static int on_body(llhttp_t *parser, const char *at, size_t len)
{
	buf_append(&exchange_of(parser)->body, at, len);
	return 0;
}

static int on_message_complete(llhttp_t *parser)
{
	exchange_of(parser)->message_complete = true;
	return 0;
}

static const llhttp_settings_t settings = {
	.on_header_field = on_name,
	.on_header_value = on_value,
	.on_headers_complete = on_headers_complete,
	.on_body = on_body,
	.on_message_complete = on_message_complete,
};

void http_parser_begin(struct http_exchange *x)
{
	llhttp_init(&x->parser, HTTP_REQUEST, &settings);
}

bool http_parser_head(struct http_exchange *x, const char *head, size_t len)
{
	return llhttp_execute(&x->parser, head, len) == HPE_OK;
}

bool http_parser_body(struct http_exchange *x, const char *bytes, size_t len)
{
	return llhttp_execute(&x->parser, bytes, len) == HPE_OK;
}

bool http_parser_complete(const struct http_exchange *x)
{
	return x->message_complete;
}
