#ifndef TESTS_HTTP_CASES_H
#define TESTS_HTTP_CASES_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Requests as bytes and what must come of them: the statuses in order, what
 * the application saw of the last one it was given (see probe.h for the form), and
 * whether the connection ends. The table is also the seed of the fuzz target.
 */
struct http_case {
	const char *name;
	const char *bytes;
	size_t      len;
	const char *statuses;            /* "200", "200 200 400" */
	const char *seen;                /* NULL: nothing reached the application */
	bool        closes;
};

#define H    "Host: x\r\n"
#define GET1 "GET /echo HTTP/1.1\r\n" H
#define POST "POST /echo HTTP/1.1\r\n" H
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"

#define CASE(name, bytes, statuses, seen, closes) { name, bytes, sizeof(bytes) - 1, statuses, seen, closes }
#define OK(name, bytes, seen) CASE(name, bytes, "200", seen, false)
#define BAD(name, bytes, status) CASE(name, bytes, status, NULL, true)

static const struct http_case http_cases[] = {
	/* ---- what is right ---- */
	OK("plain get", GET1 "\r\n", "GET /echo ? []"),
	OK("query", "GET /echo?a=1&b=%20 HTTP/1.1\r\n" H "\r\n", "GET /echo ?a=1&b=%20 []"),
	OK("query may hold escapes that a path may not", "GET /echo?t=%00%2F%FF HTTP/1.1\r\n" H "\r\n",
	   "GET /echo ?t=%00%2F%FF []"),
	OK("second question mark", "GET /echo?a?b HTTP/1.1\r\n" H "\r\n", "GET /echo ?a?b []"),
	OK("escaped path", "GET /echo/%C4%90%20a HTTP/1.1\r\n" H "\r\n", "GET /echo/\xc4\x90 a ? []"),
	OK("trailing slash", "GET /echo/ HTTP/1.1\r\n" H "\r\n", "GET /echo/ ? []"),
	OK("dots inside a segment", "GET /echo/a..b/.c HTTP/1.1\r\n" H "\r\n", "GET /echo/a..b/.c ? []"),
	OK("one empty line before", "\r\n" GET1 "\r\n", "GET /echo ? []"),
	OK("absolute target", "GET http://h.example:80/echo?q HTTP/1.1\r\n" H "\r\n", "GET /echo ?q []"),
	OK("absolute target without path", "GET http://h.example HTTP/1.1\r\n" H "\r\n", "GET / ? []"),
	OK("absolute target, only a query", "GET http://h.example?q=1 HTTP/1.1\r\n" H "\r\n", "GET / ?q=1 []"),
	OK("host with port", "GET /echo HTTP/1.1\r\nHost: a-b.example:8080\r\n\r\n", "GET /echo ? []"),
	OK("host v6", "GET /echo HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "GET /echo ? []"),
	OK("blanks around a value", "GET /echo HTTP/1.1\r\nHost: \t x \t\r\n\r\n", "GET /echo ? []"),
	OK("empty value", GET1 "X-Empty:\r\nX-Next: a\r\n\r\n", "GET /echo ? []"),
	OK("empty value before the Host", "GET /echo HTTP/1.1\r\nX-Empty:\r\n" H "\r\n", "GET /echo ? []"),
	OK("blank value before the Host", "GET /echo HTTP/1.1\r\nX-Empty: \t \r\n" H "\r\n", "GET /echo ? []"),
	OK("empty values before and behind the length", POST "X-A:\r\nContent-Length: 2\r\nX-B:\r\n\r\nab",
	   "POST /echo ? [ab]"),
	OK("empty value before the coding", POST "X-A:\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
	   "POST /echo ? [a]"),
	OK("bytes above ASCII in a value", GET1 "X-Name: \xc3\xa9\r\n\r\n", "GET /echo ? []"),
	OK("post", POST "Content-Length: 5\r\n\r\nhello", "POST /echo ? [hello]"),
	OK("post nothing", POST "Content-Length: 0\r\n\r\n", "POST /echo ? []"),
	OK("body with NUL", POST "Content-Length: 3\r\n\r\na\0b", "POST /echo ? [a~b]"),
	OK("body like a head", POST "Content-Length: 18\r\n\r\nGET / HTTP/1.1\r\n\r\n",
	   "POST /echo ? [GET / HTTP/1.1~~~~]"),
	OK("chunks", CHUNKED "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "POST /echo ? [hello world]"),
	OK("chunks, hexadecimal", CHUNKED "A\r\n0123456789\r\n0\r\n\r\n", "POST /echo ? [0123456789]"),
	OK("chunks, small letter", CHUNKED "a\r\n0123456789\r\n0\r\n\r\n", "POST /echo ? [0123456789]"),
	OK("no chunk but the last", CHUNKED "0\r\n\r\n", "POST /echo ? []"),
	OK("chunk extension", CHUNKED "5;a=b\r\nhello\r\n0\r\n\r\n", "POST /echo ? [hello]"),
	OK("trailers", CHUNKED "5\r\nhello\r\n0\r\nX-Sum: 1\r\nX-B: c\r\n\r\n", "POST /echo ? [hello]"),
	OK("Chunked in capitals", POST "Transfer-Encoding: CHUNKED\r\n\r\n1\r\na\r\n0\r\n\r\n", "POST /echo ? [a]"),
	OK("expect", POST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\nhi", "POST /echo ? [hi]"),
	OK("expect without body", GET1 "Expect: 100-continue\r\n\r\n", "GET /echo ? []"),
	OK("head", "HEAD /echo HTTP/1.1\r\n" H "\r\n", "HEAD /echo ? []"),
	OK("put", "PUT /echo HTTP/1.1\r\n" H "Content-Length: 1\r\n\r\na", "PUT /echo ? [a]"),
	OK("patch", "PATCH /echo HTTP/1.1\r\n" H "Content-Length: 1\r\n\r\na", "PATCH /echo ? [a]"),
	OK("delete", "DELETE /echo HTTP/1.1\r\n" H "\r\n", "DELETE /echo ? []"),
	OK("options", "OPTIONS /echo HTTP/1.1\r\n" H "\r\n", "OPTIONS /echo ? []"),
	OK("upgrade is not taken", GET1 "Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n", "GET /echo ? []"),
	OK("1.0 keep-alive", "GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET /echo ? []"),
	CASE("options of the server", "OPTIONS * HTTP/1.1\r\n" H "\r\n", "204", NULL, false),
	CASE("1.0 closes", "GET /echo HTTP/1.0\r\n\r\n", "200", "GET /echo ? []", true),
	CASE("1.0 with a body", "POST /echo HTTP/1.0\r\nContent-Length: 2\r\n\r\nab", "200", "POST /echo ? [ab]",
	     true),
	CASE("close", GET1 "Connection: close\r\n\r\n", "200", "GET /echo ? []", true),
	CASE("close in a list", GET1 "Connection: te, close\r\n\r\n", "200", "GET /echo ? []", true),
	CASE("close wins", "GET /echo HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", "200", "GET /echo ? []", true),
	CASE("bytes after close are not read", GET1 "Connection: close\r\n\r\n\1\2", "200", "GET /echo ? []", true),

	/* ---- several in one write ---- */
	CASE("three in order", GET1 "\r\nGET /echo/2 HTTP/1.1\r\n" H "\r\nGET /echo/3 HTTP/1.1\r\n" H "\r\n",
	     "200 200 200", "GET /echo/3 ? []", false),
	CASE("an empty line between", GET1 "\r\n\r\n" GET1 "\r\n", "200 200", "GET /echo ? []", false),
	CASE("body, then next", POST "Content-Length: 2\r\n\r\nab" GET1 "\r\n", "200 200", "GET /echo ? []", false),
	CASE("chunks, then next", CHUNKED "2\r\nab\r\n0\r\nX: y\r\n\r\n" GET1 "\r\n", "200 200", "GET /echo ? []",
	     false),
	CASE("upgrade, then next", GET1 "Connection: Upgrade\r\nUpgrade: x\r\n\r\n" GET1 "\r\n", "200 200",
	     "GET /echo ? []", false),
	CASE("1.0 keep-alive, then next", "GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" GET1 "\r\n",
	     "200 200", "GET /echo ? []", false),
	CASE("good, then bad", GET1 "\r\nGET  /echo HTTP/1.1\r\n" H "\r\n", "200 400", "GET /echo ? []", true),
	CASE("refused at the head, its body thrown away",
	     "POST /refuse HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello" GET1 "\r\n", "401 200", "GET /echo ? []",
	     false),
	CASE("404 at the head", "GET /none HTTP/1.1\r\n" H "\r\n" GET1 "\r\n", "404 200", "GET /echo ? []", false),
	CASE("refused at the head, chunked: closed",
	     "POST /refuse HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "401", NULL, true),
	CASE("refused at the head, waiting for 100: closed",
	     "POST /refuse HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n", "401", NULL, true),

	/* ---- gate 1: the bytes of the head ---- */
	BAD("bare LF after the request line", "GET /echo HTTP/1.1\n" H "\r\n", "400"),
	BAD("bare LF after a field", "GET /echo HTTP/1.1\r\nHost: x\n\r\n", "400"),
	BAD("bare LF at the end", GET1 "\n", "400"),
	BAD("bare CR in a value", GET1 "X: a\rb\r\n\r\n", "400"),
	BAD("CR CR LF", "GET /echo HTTP/1.1\r\r\n" H "\r\n", "400"),
	BAD("NUL in a value", GET1 "X: a\0b\r\n\r\n", "400"),
	BAD("NUL in a name", GET1 "X\0: a\r\n\r\n", "400"),
	BAD("control in a value", GET1 "X: a\x01\r\n\r\n", "400"),
	BAD("DEL in a value", GET1 "X: a\x7f\r\n\r\n", "400"),
	BAD("folded line", GET1 "X: a\r\n b\r\n\r\n", "400"),
	BAD("folded with a tab", GET1 "X: a\r\n\tb\r\n\r\n", "400"),
	BAD("blank before the first field", "GET /echo HTTP/1.1\r\n Host: x\r\n\r\n", "400"),
	BAD("two empty lines before", "\r\n\r\n" GET1 "\r\n", "400"),
	BAD("LF before", "\n" GET1 "\r\n", "400"),
	BAD("blank before", " " GET1 "\r\n", "400"),
	BAD("TLS greeting", "\x16\x03\x01\x02\x00\x01", "400"),
	/* ---- gate 2: names ---- */
	BAD("empty name", GET1 ": a\r\n\r\n", "400"),
	BAD("blank before the colon", GET1 "X : a\r\n\r\n", "400"),
	BAD("no colon", GET1 "Xa\r\n\r\n", "400"),
	BAD("bracket in a name", GET1 "X(: a\r\n\r\n", "400"),
	BAD("byte above ASCII in a name", GET1 "X\xc3\xa9: a\r\n\r\n", "400"),
	/* ---- gate 3: Host ---- */
	BAD("no host", "GET /echo HTTP/1.1\r\n\r\n", "400"),
	BAD("two hosts", GET1 H "\r\n", "400"),
	BAD("two hosts in 1.0", "GET /echo HTTP/1.0\r\n" H H "\r\n", "400"),
	BAD("empty host", "GET /echo HTTP/1.1\r\nHost:\r\n\r\n", "400"),
	BAD("host with a path", "GET /echo HTTP/1.1\r\nHost: x/y\r\n\r\n", "400"),
	BAD("host with a user", "GET /echo HTTP/1.1\r\nHost: u@x\r\n\r\n", "400"),
	BAD("host list", "GET /echo HTTP/1.1\r\nHost: x, y\r\n\r\n", "400"),
	BAD("host, port too large", "GET /echo HTTP/1.1\r\nHost: x:65536\r\n\r\n", "400"),
	BAD("host, port empty", "GET /echo HTTP/1.1\r\nHost: x:\r\n\r\n", "400"),
	BAD("host, open bracket", "GET /echo HTTP/1.1\r\nHost: [::1\r\n\r\n", "400"),
	BAD("absolute target with a user", "GET http://u@x/ HTTP/1.1\r\n" H "\r\n", "400"),
	BAD("absolute target without host", "GET http:///echo HTTP/1.1\r\n" H "\r\n", "400"),
	BAD("absolute target, no Host", "GET http://x/echo HTTP/1.1\r\n\r\n", "400"),
	BAD("another scheme", "GET ftp://x/echo HTTP/1.1\r\n" H "\r\n", "400"),
	/* ---- gate 4: how the body is framed ---- */
	BAD("gzip, chunked", POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "400"),
	BAD("chunked twice", POST "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", "400"),
	BAD("chunked in two fields",
	    POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"),
	BAD("identity", POST "Transfer-Encoding: identity\r\n\r\n", "400"),
	BAD("unknown coding", POST "Transfer-Encoding: xchunked\r\n\r\n", "400"),
	BAD("empty coding", POST "Transfer-Encoding:\r\n\r\nGET /echo HTTP/1.1\r\n" H "\r\n", "400"),
	BAD("quoted coding", POST "Transfer-Encoding: \"chunked\"\r\n\r\n", "400"),
	BAD("coding with a vertical tab", POST "Transfer-Encoding: \x0b" "chunked\r\n\r\n", "400"),
	BAD("chunked in 1.0", "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"),
	BAD("length and chunked", POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"),
	BAD("chunked and length", POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", "400"),
	BAD("two lengths", POST "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", "400"),
	BAD("two equal lengths", POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\na", "400"),
	BAD("length list", POST "Content-Length: 1, 1\r\n\r\na", "400"),
	BAD("length with a sign", POST "Content-Length: +1\r\n\r\na", "400"),
	BAD("negative length", POST "Content-Length: -1\r\n\r\na", "400"),
	BAD("length in hexadecimal", POST "Content-Length: 0x1\r\n\r\na", "400"),
	BAD("empty length", POST "Content-Length:\r\n\r\n", "400"),
	BAD("endless length", POST "Content-Length: 99999999999999999999\r\n\r\n", "400"),
	BAD("length with a blank inside", POST "Content-Length: 1 1\r\n\r\na", "400"),
	/* ---- gate 5: the request line ---- */
	BAD("two blanks", "GET  /echo HTTP/1.1\r\n" H "\r\n", "400"),
	BAD("tab", "GET\t/echo HTTP/1.1\r\n" H "\r\n", "400"),
	BAD("blank at the end", "GET /echo HTTP/1.1 \r\n" H "\r\n", "400"),
	BAD("four parts", "GET /echo x HTTP/1.1\r\n" H "\r\n", "400"),
	BAD("no version", "GET /echo\r\n" H "\r\n", "400"),
	BAD("no target", "GET HTTP/1.1\r\n" H "\r\n", "400"),
	BAD("small http", "GET /echo http/1.1\r\n" H "\r\n", "400"),
	BAD("another protocol", "GET /echo ICE/1.10\r\n" H "\r\n", "400"),
	BAD("long version", "GET /echo HTTP/1.10\r\n" H "\r\n", "400"),
	BAD("short version", "GET /echo HTTP/1\r\n" H "\r\n", "400"),
	BAD("method with a bracket", "G(T /echo HTTP/1.1\r\n" H "\r\n", "400"),
	/* ---- gate 6: chunks ---- */
	BAD("chunk size 0x2", CHUNKED "0x2\r\nab\r\n0\r\n\r\n", "400"),
	BAD("chunk size +2", CHUNKED "+2\r\nab\r\n0\r\n\r\n", "400"),
	BAD("chunk size with a blank before", CHUNKED " 2\r\nab\r\n0\r\n\r\n", "400"),
	BAD("chunk size with a blank after", CHUNKED "2 \r\nab\r\n0\r\n\r\n", "400"),
	BAD("no chunk size", CHUNKED "\r\nab\r\n0\r\n\r\n", "400"),
	BAD("chunk size, bare LF", CHUNKED "2\nab\r\n0\r\n\r\n", "400"),
	BAD("chunk data, bare LF", CHUNKED "2\r\nab\n0\r\n\r\n", "400"),
	BAD("chunk longer than said", CHUNKED "2\r\nabc\r\n0\r\n\r\n", "400"),
	BAD("many leading zeros", CHUNKED "0000000002\r\nab\r\n0\r\n\r\n", "400"),
	BAD("endless chunk size", CHUNKED "ffffffffffffffff1\r\nab", "400"),
	BAD("NUL in an extension", CHUNKED "2;a\0\r\nab\r\n0\r\n\r\n", "400"),
	BAD("LF in an extension", CHUNKED "2;a\nb\r\nab\r\n0\r\n\r\n", "400"),
	/* ---- gate 7: version ---- */
	BAD("version 2.0", "GET /echo HTTP/2.0\r\n" H "\r\n", "505"),
	BAD("version 1.2", "GET /echo HTTP/1.2\r\n" H "\r\n", "505"),
	BAD("version 0.9", "GET /echo HTTP/0.9\r\n" H "\r\n", "505"),
	BAD("greeting of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505"),
	/* ---- gate 8: trailers ---- */
	BAD("trailer, bare LF", CHUNKED "0\r\nX: a\n\r\n", "400"),
	BAD("trailer, folded", CHUNKED "0\r\nX: a\r\n b\r\n\r\n", "400"),
	BAD("trailer, empty name", CHUNKED "0\r\n: a\r\n\r\n", "400"),
	BAD("trailer, NUL", CHUNKED "0\r\nX: a\0\r\n\r\n", "400"),
	BAD("trailer, blank before the colon", CHUNKED "0\r\nX : a\r\n\r\n", "400"),
	BAD("trailer Content-Length", CHUNKED "0\r\nContent-Length: 5\r\n\r\n", "400"),
	BAD("trailer Transfer-Encoding", CHUNKED "0\r\nA: b\r\ntransfer-encoding: chunked\r\n\r\n", "400"),
	BAD("trailer Host", CHUNKED "0\r\nHost: y\r\n\r\n", "400"),
	/* ---- gate 10: methods ---- */
	BAD("unknown method", "BREW /echo HTTP/1.1\r\n" H "\r\n", "501"),
	BAD("small method", "get /echo HTTP/1.1\r\n" H "\r\n", "501"),
	BAD("TRACE", "TRACE /echo HTTP/1.1\r\n" H "\r\n", "501"),
	BAD("CONNECT", "CONNECT x:443 HTTP/1.1\r\n" H "\r\n", "501"),
	BAD("a method without end", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "501"),
	/* ---- gate 11: target ---- */
	BAD("two slashes", "GET //echo HTTP/1.1\r\n" H "\r\n", "400"),
	BAD("two slashes inside", "GET /echo//a HTTP/1.1\r\n" H "\r\n", "400"),
	BAD("two slashes at the end", "GET /echo// HTTP/1.1\r\n" H "\r\n", "400"),
	BAD("dot segment", "GET /echo/./a HTTP/1.1\r\n" H "\r\n", "400"),
	BAD("dot dot segment", "GET /echo/../a HTTP/1.1\r\n" H "\r\n", "400"),
	BAD("dot dot at the end", "GET /echo/.. HTTP/1.1\r\n" H "\r\n", "400"),
	BAD("escaped dots", "GET /echo/%2e%2E/a HTTP/1.1\r\n" H "\r\n", "400"),
	BAD("escaped slash", "GET /echo%2fa HTTP/1.1\r\n" H "\r\n", "400"),
	BAD("escaped backslash", "GET /echo%5Ca HTTP/1.1\r\n" H "\r\n", "400"),
	BAD("escaped NUL", "GET /echo%00 HTTP/1.1\r\n" H "\r\n", "400"),
	BAD("escaped line end", "GET /echo%0d%0a HTTP/1.1\r\n" H "\r\n", "400"),
	BAD("half an escape", "GET /echo%4 HTTP/1.1\r\n" H "\r\n", "400"),
	BAD("escape of no digits", "GET /echo%zz HTTP/1.1\r\n" H "\r\n", "400"),
	BAD("escape with a sign", "GET /echo%+1 HTTP/1.1\r\n" H "\r\n", "400"),
	BAD("escapes that are not UTF-8", "GET /echo%C4 HTTP/1.1\r\n" H "\r\n", "400"),
	BAD("overlong UTF-8", "GET /echo%C0%AE HTTP/1.1\r\n" H "\r\n", "400"),
	BAD("fragment", "GET /echo#a HTTP/1.1\r\n" H "\r\n", "400"),
	BAD("fragment after the query", "GET /echo?a#b HTTP/1.1\r\n" H "\r\n", "400"),
	BAD("backslash", "GET /echo\\a HTTP/1.1\r\n" H "\r\n", "400"),
	BAD("byte above ASCII in the target", "GET /echo\xc4\x90 HTTP/1.1\r\n" H "\r\n", "400"),
	BAD("relative target", "GET echo HTTP/1.1\r\n" H "\r\n", "400"),
	BAD("star with GET", "GET * HTTP/1.1\r\n" H "\r\n", "400"),
	/* ---- gate 12: sizes and Expect (long ones are made in test_gate.c) ---- */
	BAD("other expectation behind an empty value", POST "X-A:\r\nExpect: tea\r\nContent-Length: 2\r\n\r\nhi", "417"),
	BAD("other expectation", POST "Expect: tea\r\nContent-Length: 2\r\n\r\nhi", "417"),
	BAD("two expectations", POST "Expect: 100-continue\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi",
	    "417"),
	BAD("length above the limit", POST "Content-Length: 1048577\r\n\r\n", "413"),
	BAD("length above the limit, asked first", POST "Expect: 100-continue\r\nContent-Length: 1048577\r\n\r\n",
	    "413"),
	BAD("length above the route's limit", "POST /small HTTP/1.1\r\n" H "Content-Length: 11\r\n\r\n0123456789a",
	    "413"),
	BAD("chunk above the route's limit",
	    "POST /small HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\nb\r\n0123456789a\r\n0\r\n\r\n", "413"),
	BAD("chunks above the route's limit",
	    "POST /small HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n6\r\n012345\r\n5\r\n6789a\r\n0\r\n\r\n",
	    "413"),
	OK("length at the route's limit", "POST /small HTTP/1.1\r\n" H "Content-Length: 10\r\n\r\n0123456789",
	   "POST /small ? [0123456789]"),
};

#undef H
#undef GET1
#undef POST
#undef CHUNKED
#undef CASE
#undef OK
#undef BAD

#endif
