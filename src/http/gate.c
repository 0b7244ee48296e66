#include "http/gate.h"

#include <string.h>

/*
 * What strict llhttp 8.1 still lets through, and where the front refuses it:
 *
 *  1. bare LF, NUL and other controls, folded lines, many empty lines   here
 *  2. an empty field name                                               here
 *  3. Host missing, twice or not valid                                  fields.c
 *  4. Transfer-Encoding other than one "chunked", or with HTTP/1.0      fields.c
 *  5. a request line in any but the one form                            here, target.c
 *  6. endless chunk extensions and leading zeros                        chunk.c
 *  7. versions other than 1.0 and 1.1                                   target.c
 *  8. trailers: the same rules as for the head                          here, request.c
 *  9. Upgrade, which makes llhttp stop at the next request              parser.c
 * 10. methods that are not declared                                     target.c
 * 11. targets that two programs may read in two ways                    target.c
 * 12. sizes: target, head, fields; body and Expect                      here; request.c, chunk.c, fields.c
 */
enum state {
	STATE_BEFORE,            /* before the request line */
	STATE_BEFORE_LF,
	STATE_METHOD,
	STATE_TARGET,
	STATE_VERSION,
	STATE_REQUEST_LF,
	STATE_LINE_START,
	STATE_NAME,
	STATE_VALUE,
	STATE_LINE_LF,
	STATE_END_LF
};

enum { METHOD_MAX = 32, VERSION_LENGTH = 8 };

/* Classes of bytes: T a character of a token, V of a target, X of a field's value. */
enum { T = 1, V = 2, X = 4 };

#define CLASS8(c)  (c), (c), (c), (c), (c), (c), (c), (c)
#define CLASS32(c) CLASS8(c), CLASS8(c), CLASS8(c), CLASS8(c)

static const unsigned char classes[256] = {
	/* controls: none but HTAB, in a value */
	0, 0, 0, 0, 0, 0, 0, 0, 0, X, 0, 0, 0, 0, 0, 0, CLASS8(0), CLASS8(0),
	/*   ! " # $ % & ' */
	X, T|V|X, V|X, V|X, T|V|X, T|V|X, T|V|X, T|V|X,
	/* ( ) * + , - . / */
	V|X, V|X, T|V|X, T|V|X, V|X, T|V|X, T|V|X, V|X,
	/* 0-7, 8 9 : ; < = > ? */
	CLASS8(T|V|X), T|V|X, T|V|X, V|X, V|X, V|X, V|X, V|X, V|X,
	/* @ A-G, H-W */
	V|X, T|V|X, T|V|X, T|V|X, T|V|X, T|V|X, T|V|X, T|V|X, CLASS8(T|V|X), CLASS8(T|V|X),
	/* X Y Z [ \ ] ^ _ */
	T|V|X, T|V|X, T|V|X, V|X, V|X, V|X, T|V|X, T|V|X,
	/* ` a-w */
	CLASS8(T|V|X), CLASS8(T|V|X), CLASS8(T|V|X),
	/* x y z { | } ~ DEL */
	T|V|X, T|V|X, T|V|X, V|X, T|V|X, V|X, T|V|X, 0,
	/* above ASCII: only in values */
	CLASS32(X), CLASS32(X), CLASS32(X), CLASS32(X),
};

bool http_is_token_char(unsigned char c)
{
	return classes[c] & T;
}

void http_gate_init(struct http_gate *gate, size_t head_max, size_t target_max, size_t fields_max)
{
	*gate = (struct http_gate){
		.state = STATE_BEFORE,
		.head_max = (uint32_t)head_max,
		.target_max = (uint32_t)target_max,
		.fields_max = (uint32_t)fields_max,
	};
}

void http_gate_init_trailers(struct http_gate *gate, size_t head_max, size_t fields_max)
{
	http_gate_init(gate, head_max, 0, fields_max);
	gate->state = STATE_LINE_START;
}

/* How many bytes from p are of the class, at most up to end. */
static size_t run_of(const unsigned char *p, const unsigned char *end, unsigned class)
{
	const unsigned char *start = p;

	while (p < end && (classes[*p] & class))
		p++;
	return (size_t)(p - start);
}

static enum gate_verdict bad(struct http_gate *gate, enum error_code code)
{
	gate->code = code;
	return GATE_BAD;
}

/* Moves on when the byte is the expected one. */
static enum gate_verdict expect(struct http_gate *gate, unsigned char c, unsigned char want,
				enum state next)
{
	if (c != want)
		return bad(gate, ERR_BAD_REQUEST);
	gate->state = (uint8_t)next;
	return GATE_MORE;
}

/* The byte after a run: what may follow in this state. */
static enum gate_verdict step(struct http_gate *gate, unsigned char c)
{
	switch ((enum state)gate->state) {
	case STATE_BEFORE:
		if (gate->empty_lines++ > 0)
			return bad(gate, ERR_BAD_REQUEST);
		return expect(gate, c, '\r', STATE_BEFORE_LF);
	case STATE_BEFORE_LF:
		return expect(gate, c, '\n', STATE_BEFORE);
	case STATE_METHOD:
		return expect(gate, c, ' ', STATE_TARGET);
	case STATE_TARGET:
		return gate->target_len == 0 ? bad(gate, ERR_BAD_REQUEST)
					     : expect(gate, c, ' ', STATE_VERSION);
	case STATE_VERSION:
		return gate->version_len != VERSION_LENGTH ? bad(gate, ERR_BAD_REQUEST)
							   : expect(gate, c, '\r', STATE_REQUEST_LF);
	case STATE_REQUEST_LF:
		expect(gate, c, '\n', STATE_LINE_START);
		return c == '\n' ? GATE_REQUEST_LINE : GATE_BAD;
	case STATE_LINE_START:
		return expect(gate, c, '\r', STATE_END_LF);
	case STATE_NAME:
		return expect(gate, c, ':', STATE_VALUE);
	case STATE_VALUE:
		return expect(gate, c, '\r', STATE_LINE_LF);
	case STATE_LINE_LF:
		return expect(gate, c, '\n', STATE_LINE_START);
	case STATE_END_LF:
		expect(gate, c, '\n', STATE_BEFORE);
		return c == '\n' ? GATE_DONE : GATE_BAD;
	}
	return bad(gate, ERR_INTERNAL);
}

/* A run in the request line, whose length is limited; true when it went beyond. */
static bool run_limited(uint32_t *total, size_t *run, uint32_t max)
{
	bool over = *run > max - *total;

	if (over)
		*run = max - *total;
	*total += (uint32_t)*run;
	return over;
}

/* The run of ordinary bytes in the present state; *code when it grew too long. */
static size_t take_run(struct http_gate *gate, const unsigned char *p, const unsigned char *end,
		       enum error_code *code)
{
	size_t run;

	switch ((enum state)gate->state) {
	case STATE_METHOD:
		run = run_of(p, end, T);
		if (run_limited(&gate->method_len, &run, METHOD_MAX))
			*code = ERR_NOT_IMPLEMENTED;
		return run;
	case STATE_TARGET:
		run = run_of(p, end, V);
		if (run_limited(&gate->target_len, &run, gate->target_max))
			*code = ERR_TARGET_TOO_LONG;
		return run;
	case STATE_VERSION:
		run = run_of(p, end, V);
		if (run_limited(&gate->version_len, &run, VERSION_LENGTH))
			*code = ERR_BAD_REQUEST;
		return run;
	case STATE_NAME:
		return run_of(p, end, T);
	case STATE_VALUE:
		return run_of(p, end, X);
	default:
		return 0;
	}
}

/* A line begins: with a name, or it is the empty line at the end. */
static bool enter_line(struct http_gate *gate, unsigned char c)
{
	if (!(classes[c] & T))
		return true;
	if (gate->state == STATE_BEFORE) {
		gate->state = STATE_METHOD;
	} else if (gate->state == STATE_LINE_START) {
		if (++gate->fields > gate->fields_max)
			return false;
		gate->state = STATE_NAME;
	}
	return true;
}

static enum gate_verdict scan(struct http_gate *gate, const unsigned char *bytes, size_t len, size_t *used)
{
	const unsigned char *p = bytes, *end = bytes + len;
	enum gate_verdict verdict = GATE_MORE;
	enum error_code code = ERR_NONE;

	while (p < end && verdict == GATE_MORE) {
		if (!enter_line(gate, *p)) {
			verdict = bad(gate, ERR_HEAD_TOO_LARGE);
			break;
		}
		p += take_run(gate, p, end, &code);
		if (code != ERR_NONE)
			verdict = bad(gate, code);
		else if (p < end && (verdict = step(gate, *p)) != GATE_BAD)
			p++;
	}
	*used = (size_t)(p - bytes);
	return verdict;
}

/* The one empty line that may come before a request. */
static enum gate_verdict skip_empty_line(struct http_gate *gate, const char *bytes, size_t len, size_t *skip)
{
	enum gate_verdict verdict = GATE_MORE;
	size_t i = 0;

	while (i < len && gate->state <= STATE_BEFORE_LF) {
		unsigned char c = (unsigned char)bytes[i];

		if (gate->state == STATE_BEFORE && (classes[c] & T))
			break;
		verdict = step(gate, c);
		if (verdict == GATE_BAD)
			break;
		i++;
	}
	*skip = i;
	return verdict;
}

enum gate_verdict http_gate_scan(struct http_gate *gate, const char *bytes, size_t len,
				 size_t *skip, size_t *used)
{
	enum gate_verdict verdict = skip_empty_line(gate, bytes, len, skip);
	size_t room = gate->head_max - gate->size;
	size_t rest = len - *skip;
	size_t taken;

	*used = *skip;
	if (verdict == GATE_BAD || rest == 0)
		return verdict;
	verdict = scan(gate, (const unsigned char *)bytes + *skip, rest < room ? rest : room, &taken);
	*used += taken;
	gate->size += (uint32_t)taken;
	if (verdict == GATE_MORE && gate->size >= gate->head_max)
		return bad(gate, ERR_HEAD_TOO_LARGE);
	return verdict;
}
