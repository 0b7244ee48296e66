"""The front as a client meets it: the gates, the limits, pipelining, compression."""
import gzip
import socket
import time

import pytest

from harness.raw import connect, read_all, read_answer, statuses, talk

GET = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"

REFUSED = [
    # line and version
    (b"GET /healthz HTTP/2.0\r\nHost: a\r\n\r\n", 505), (b"GET /healthz HTTP/0.9\r\nHost: a\r\n\r\n", 505),
    (b"GET /healthz HTTP/1.2\r\nHost: a\r\n\r\n", 505), (b"GET  /healthz HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    (b"GET /healthz\r\nHost: a\r\n\r\n", 400), (b"GET /healthz HTTP/1.1 \r\nHost: a\r\n\r\n", 400),
    (b"get /healthz HTTP/1.1\r\nHost: a\r\n\r\n", (400, 501)), (b"BREW /healthz HTTP/1.1\r\nHost: a\r\n\r\n", (400, 501)),
    (b"TRACE /healthz HTTP/1.1\r\nHost: a\r\n\r\n", (405, 501)), (b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", (400, 405, 501)),
    (b"PROPFIND /healthz HTTP/1.1\r\nHost: a\r\n\r\n", 501),
    (b"\r\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", 400), (b"GET /healthz HTTP/1.1\nHost: a\n\n", 400),
    # host
    (b"GET /healthz HTTP/1.1\r\n\r\n", 400), (b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
    (b"GET /healthz HTTP/1.1\r\nHost: a b\r\n\r\n", 400), (b"GET /healthz HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    (b"GET http://a@b/healthz HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    # fields
    (b"GET /healthz HTTP/1.1\r\nHost: a\r\nX : 1\r\n\r\n", 400), (b"GET /healthz HTTP/1.1\r\nHost: a\r\n: 1\r\n\r\n", 400),
    (b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n", 400), (b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n", 400),
    (b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: a\x0bb\r\n\r\n", 400), (b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: 1\r2\r\n\r\n", 400),
    # two lengths, odd lengths, transfer codings
    (b"POST /api/v1/teams HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabc", 400),
    (b"POST /api/v1/teams HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc", 400),
    (b"POST /api/v1/teams HTTP/1.1\r\nHost: a\r\nContent-Length: 0x3\r\n\r\nabc", 400),
    (b"POST /api/v1/teams HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\nabc", 400),
    (b"POST /api/v1/teams HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", (400, 413)),
    (b"POST /api/v1/teams HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    (b"POST /api/v1/teams HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", (400, 501)),
    (b"POST /api/v1/teams HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \r\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", (400, 501)),
    (b"POST /api/v1/teams HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", (400, 501)),
    (b"POST /api/v1/teams HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", (400, 501)),
    # target
    (b"GET //healthz HTTP/1.1\r\nHost: a\r\n\r\n", 400), (b"GET /a/../healthz HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    (b"GET /./healthz HTTP/1.1\r\nHost: a\r\n\r\n", 400), (b"GET /%2e%2e/healthz HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    (b"GET /a%2fb HTTP/1.1\r\nHost: a\r\n\r\n", 400), (b"GET /a%00b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    (b"GET /a%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400), (b"GET /healthz#x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    (b"GET healthz HTTP/1.1\r\nHost: a\r\n\r\n", 400), (b"GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    # sizes
    (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    (b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 17000 + b"\r\n\r\n", 431),
    (b"GET /healthz HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X%d: 1\r\n" % i for i in range(101)) + b"\r\n", 431),
    (b"GET /healthz HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n", 417),
]


@pytest.mark.parametrize("request_, status", REFUSED, ids=lambda v: repr(v[:60]) if isinstance(v, bytes) else None)
def test_refused_and_closed(daemon, request_, status):
    """One answer, and what stood behind the bad request is never read as another."""
    data = talk(daemon, request_ + GET)
    found = statuses(data)
    assert len(found) == 1 and found[0] in (status if isinstance(status, tuple) else (status,)), data[:300]
    assert b"application/problem+json" in data and b"onnection: close" in data


@pytest.mark.parametrize("request_", [
    GET, b"GET /healthz HTTP/1.0\r\n\r\n", b"GET /healthz HTTP/1.0\r\nHost: a\r\n\r\n", b"\r\n" + GET,
    b"GET http://a.example/healthz HTTP/1.1\r\nHost: a.example\r\n\r\n", b"GET /healthz? HTTP/1.1\r\nHost: a:8080\r\n\r\n",
    b"GET /%68ealthz HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", b"GET /healthz HTTP/1.1\r\nHost: a\r\nX:\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
])
def test_taken(daemon, request_):
    assert statuses(talk(daemon, request_)) == [200]


@pytest.mark.parametrize("request_, status", [
    (GET, 200), (b"POST /api/v1/teams HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX: y\r\n\r\n", 401),
    (b"GET /api/v1/rounds?from=2025-01-01&unit=Than+Uy%C3%AAn HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n", 200),
    (b"GET //x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
])
def test_split_at_every_byte(daemon, request_, status):
    """Also in single bytes."""
    for cut in range(1, len(request_)):
        with connect(daemon) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sendall(request_[:cut])
            time.sleep(0.0005)
            try:
                connection.sendall(request_[cut:])
            except (BrokenPipeError, ConnectionResetError):
                pass
            assert read_answer(connection)[0] == status, cut
    pieces = [request_[i:i + 1] for i in range(len(request_))]
    if status != 400:
        assert statuses(talk(daemon, b"", pieces=pieces, pause=0.0003))[0] == status


def test_a_body_where_none_is_expected(daemon):
    """It is taken off the wire, so that it is never read as a request."""
    body = b"GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n"
    found = statuses(talk(daemon, b"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body) + GET))
    assert found in ([200, 200], [415, 200], [415]), found


def test_pipelined_requests_are_answered_in_order(daemon):
    paths = [b"/healthz", b"/api/v1/rounds?limit=1", b"/nothing", b"/api/v1/units?limit=500", b"/readyz"] * 20
    data = talk(daemon, b"".join(b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n" % p for p in paths))
    assert statuses(data) == [200, 200, 404, 200, 200] * 20


def test_keep_alive_and_close(daemon):
    with connect(daemon) as connection:
        for _ in range(5):
            connection.sendall(GET)
            assert read_answer(connection)[0] == 200
        connection.sendall(GET.replace(b"Host: a", b"Host: a\r\nConnection: close"))
        status, headers, _ = read_answer(connection)
        assert status == 200 and headers["connection"] == "close" and read_all(connection) == b""
    with connect(daemon) as connection:
        connection.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert b"200" in read_all(connection)


def test_head_is_get_without_the_body(daemon, loaded, api):
    for path in ("/healthz", "/api/v1/rounds", "/api/v1/rounds", "/openapi.json", "/nothing"):
        got = api.request("GET", path)
        head = api.request("HEAD", path)
        assert head.status_code == got.status_code and head.content == b""
        assert head.headers["content-type"] == got.headers["content-type"]
        assert head.headers.get("etag") == got.headers.get("etag")
        if got.status_code == 200:
            assert head.headers["content-length"] == got.headers["content-length"], path


def test_expect_continue(daemon):
    token = daemon.token("staff").encode()
    head = b"POST /api/v1/teams HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\nContent-Type: application/json\r\nAuthorization: Bearer %s\r\n\r\n" % token
    with connect(daemon) as connection:
        connection.sendall(head)
        assert read_answer(connection)[0] == 100
        connection.sendall(b"{}")
        assert read_answer(connection)[0] == 422
    with connect(daemon) as connection:                   # refused before a byte of the body is sent
        connection.sendall(head.replace(b"Authorization: Bearer " + token + b"\r\n", b""))
        assert read_answer(connection)[0] == 401


def test_bodies_too_large(daemon):
    token = daemon.token("staff").encode()
    head = b"POST /api/v1/teams HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nAuthorization: Bearer %s\r\n" % token
    with connect(daemon) as connection:
        connection.sendall(head + b"Content-Length: 2000000\r\n\r\n")
        assert read_answer(connection)[0] == 413
    with connect(daemon) as connection:
        connection.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n")
        chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
        try:
            for _ in range(40):
                connection.sendall(chunk)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert read_answer(connection)[0] == 413
    with connect(daemon) as connection:                   # a body of nothing but overhead
        connection.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n")
        try:
            for _ in range(60):
                connection.sendall(b"1;" + b"x" * 16000 + b"\r\n{\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert read_answer(connection)[0] in (400, 413)


def test_gzip_where_asked_for(loaded, daemon):
    path = b"/api/v1/units?limit=500"
    for _ in range(3):
        answers = {}
        for coding in (b"gzip", b"identity", b"gzip;q=0", b"br, gzip;q=0.5", b"*", b""):
            with connect(daemon) as connection:
                connection.sendall(b"GET %s HTTP/1.1\r\nHost: a\r\n%s\r\n" %
                                   (path, b"Accept-Encoding: " + coding + b"\r\n" if coding else b""))
                answers[coding] = read_answer(connection)
        plain = answers[b"identity"][2]
        assert "content-encoding" not in answers[b"identity"][1] and "content-encoding" not in answers[b""][1]
        assert "content-encoding" not in answers[b"gzip;q=0"][1]
        for coding in (b"gzip", b"br, gzip;q=0.5"):
            status, headers, body = answers[coding]
            assert headers["content-encoding"] == "gzip" and gzip.decompress(body) == plain
            assert len(body) < len(plain) / 2
        assert all("accept-encoding" in headers.get("vary", "").lower() for _, headers, _ in answers.values())


def test_small_answers_are_not_compressed(daemon):
    with connect(daemon) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n")
        assert "content-encoding" not in read_answer(connection)[1]


def test_a_slow_head_ends_at_its_deadline(daemon):
    """Ten seconds for the whole head, however it is dripped."""
    began = time.monotonic()
    with connect(daemon, timeout=30) as connection:
        with pytest.raises((BrokenPipeError, ConnectionResetError)):           # before half a minute of dripping is over
            for byte in GET[:-2] * 2:
                connection.sendall(bytes([byte]))
                time.sleep(0.5)
        assert 8 < time.monotonic() - began
        data = read_all(connection)
    assert statuses(data) in ([408], []), data[:200]


def test_half_a_body_and_gone(daemon):
    """Nothing happens, and the daemon goes on."""
    token = daemon.token("staff").encode()
    count = daemon.value("SELECT count(*) FROM team")
    for _ in range(20):
        with connect(daemon) as connection:
            connection.sendall(b"POST /api/v1/teams HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"
                               b'Content-Length: 40\r\n\r\n{"code": "X"' % token)
    time.sleep(0.2)
    assert statuses(talk(daemon, GET)) == [200] and daemon.value("SELECT count(*) FROM team") == count


def test_a_client_that_leaves_before_the_answer(daemon):
    for _ in range(200):
        with connect(daemon) as connection:
            connection.sendall(b"GET /api/v1/rounds?limit=3&from=2020-01-01 HTTP/1.1\r\nHost: a\r\n\r\n" * 3)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    assert statuses(talk(daemon, GET)) == [200]


def test_security_headers_on_every_answer(daemon):
    for request in (GET, b"GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n", b"GET //x HTTP/1.1\r\nHost: a\r\n\r\n",
                    b"GET /api/v1/rounds HTTP/1.1\r\nHost: a\r\n\r\n"):
        with connect(daemon) as connection:
            connection.sendall(request)
            headers = read_answer(connection)[1]
        assert headers["x-content-type-options"] == "nosniff" and "date" in headers, request
