#include "http/chunk.h"

/* A zeroed struct http_chunk begins at the first size. */
enum state {
	STATE_SIZE,
	STATE_EXTENSION,
	STATE_SIZE_LF,
	STATE_DATA,
	STATE_DATA_CR,
	STATE_DATA_LF
};

enum { DIGITS_MAX = 8, EXTENSIONS_MAX = 1024 };

static enum chunk_verdict bad(struct http_chunk *chunk, enum error_code code)
{
	chunk->code = code;
	return CHUNK_BAD;
}

static enum chunk_verdict go(struct http_chunk *chunk, enum state next)
{
	chunk->state = (uint8_t)next;
	return CHUNK_MORE;
}

static int hex_value(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum chunk_verdict take_size(struct http_chunk *chunk, unsigned char c)
{
	int digit = hex_value(c);

	if (digit >= 0) {
		if (chunk->digits++ == DIGITS_MAX)
			return bad(chunk, ERR_BAD_REQUEST);
		chunk->left = chunk->left * 16 + (unsigned)digit;
		return CHUNK_MORE;
	}
	if (chunk->digits == 0)
		return bad(chunk, ERR_BAD_REQUEST);
	if (c == '\r')
		return go(chunk, STATE_SIZE_LF);
	return c == ';' ? go(chunk, STATE_EXTENSION) : bad(chunk, ERR_BAD_REQUEST);
}

static enum chunk_verdict take_extension(struct http_chunk *chunk, unsigned char c)
{
	if (c == '\r')
		return go(chunk, STATE_SIZE_LF);
	if (c < 0x20 || c >= 0x7f || ++chunk->overhead > EXTENSIONS_MAX)
		return bad(chunk, ERR_BAD_REQUEST);
	return CHUNK_MORE;
}

static enum chunk_verdict size_line_done(struct http_chunk *chunk, unsigned char c, size_t body_max)
{
	if (c != '\n')
		return bad(chunk, ERR_BAD_REQUEST);
	if (chunk->left == 0)
		return CHUNK_LAST;
	chunk->total += chunk->left;
	if (chunk->total > body_max)
		return bad(chunk, ERR_CONTENT_TOO_LARGE);
	return go(chunk, STATE_DATA);
}

static enum chunk_verdict data_line_done(struct http_chunk *chunk, unsigned char c)
{
	chunk->digits = 0;
	return c == '\n' ? go(chunk, STATE_SIZE) : bad(chunk, ERR_BAD_REQUEST);
}

static enum chunk_verdict step(struct http_chunk *chunk, unsigned char c, size_t body_max)
{
	switch ((enum state)chunk->state) {
	case STATE_SIZE:
		return take_size(chunk, c);
	case STATE_EXTENSION:
		return take_extension(chunk, c);
	case STATE_SIZE_LF:
		return size_line_done(chunk, c, body_max);
	case STATE_DATA_CR:
		return c == '\r' ? go(chunk, STATE_DATA_LF) : bad(chunk, ERR_BAD_REQUEST);
	case STATE_DATA_LF:
		return data_line_done(chunk, c);
	case STATE_DATA:
		break;
	}
	return bad(chunk, ERR_INTERNAL);
}

static size_t skip_data(struct http_chunk *chunk, size_t len)
{
	size_t n = len < chunk->left ? len : (size_t)chunk->left;

	chunk->left -= n;
	if (chunk->left == 0)
		chunk->state = STATE_DATA_CR;
	return n;
}

enum chunk_verdict http_chunk_scan(struct http_chunk *chunk, const char *bytes, size_t len,
				   size_t body_max, size_t *used)
{
	enum chunk_verdict verdict = CHUNK_MORE;
	size_t i = 0;

	while (i < len && verdict == CHUNK_MORE) {
		if (chunk->state == STATE_DATA)
			i += skip_data(chunk, len - i);
		else if ((verdict = step(chunk, (unsigned char)bytes[i], body_max)) != CHUNK_BAD)
			i++;
	}
	*used = i;
	return verdict;
}
