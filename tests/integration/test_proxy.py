"""HAProxy as we ship it: what it lets through and to whom, what it logs, and restarts that no client notices."""
import collections
import concurrent.futures
import contextlib
import http.server
import os
import pathlib
import re
import shutil
import signal
import socket
import socketserver
import subprocess
import threading
import time
import uuid

import httpx
import pytest

from harness import programs, unit
from harness.client import problem
from harness.daemon import wait_until
from harness.ledger import Ledger
from harness.proxy import SHIPPED, Proxy, Site, missing

NUMBER = "0987600321"
PUBLIC = ("/api/v1/rounds?limit=20", "/api/v1/teams", "/openapi.json", "/docs")


@pytest.fixture(scope="module", autouse=True)
def installed():
    assert not missing(), f"not installed: {missing()}"


# ---- two daemons, one database, one proxy ----

# All these visitors come from one address, and a fast machine lets them ask more than one may. Limits are tried on the stage.
WIDE = {"sc0_conn_rate gt 1000": "sc0_conn_rate gt 1000000", "sc0_http_req_rate gt 6000": "sc0_http_req_rate gt 1000000"}


@pytest.fixture(scope="module")
def site():
    one = Site({"listen.drain_notice_ms": 1000, "workers.count": 2}, WIDE)
    try:
        yield one.start()
        for daemon in one.daemons:
            daemon.process.send_signal(signal.SIGTERM)
        assert [daemon.stop(signal.SIGCONT) for daemon in one.daemons] == [0, 0], "the daemons end well"
    finally:
        one.end()


def test_the_file_is_valid_and_gives_no_warning(site):
    status, output = site.proxy.check()
    assert status == 0 and "WARNING" not in output and "ALERT" not in output, output


def test_tls_and_http2(site):
    url = f"{site.proxy.url}/api/v1/rounds"
    assert site.proxy.curl("-o", "/dev/null", "-w", "%{http_version} %{response_code}", url) == (0, "2 200")
    assert site.proxy.curl("--http1.1", "-o", "/dev/null", "-w", "%{http_version} %{response_code}", url) == (0, "1.1 200")
    for path in ("/api/v1/rounds", "/api/v1/no-such-thing", "/metrics"):
        with site.proxy.client() as client:
            headers = client.get(path).headers
            assert headers["strict-transport-security"] == "max-age=31536000" and headers.get_list("x-content-type-options") == ["nosniff"], path


def test_a_browser_logs_in_over_tls(site):
    """With a cookie jar that keeps Secure cookies for TLS alone."""
    file = site.folder / "password"
    file.write_text("chín con trâu đen ăn cỏ\n", encoding="utf-8")
    file.chmod(0o600)
    site.daemons[0].cli_ok("user", "add", "trinh-duyet", "--name", "Trình duyệt", "--role", "staff", "--password-file", file)
    with site.proxy.client() as browser:
        opened = browser.post("/api/v1/sessions", json={"login": "trinh-duyet", "password": "chín con trâu đen ăn cỏ"})
        assert opened.status_code == 201 and "__Host-giothong" in browser.cookies
        assert browser.get("/api/v1/sessions/current").json()["user"]["login"] == "trinh-duyet"
        problem(browser.post("/api/v1/teams", json={"code": "TD9", "name": "Đội"}), "csrf-token-missing", 403)
        token = {"X-CSRF-Token": opened.json()["csrf_token"]}
        assert browser.post("/api/v1/teams", json={"code": "TD9", "name": "Đội"}, headers=token).status_code == 201
        secret = browser.cookies["__Host-giothong"]
        assert browser.request("DELETE", "/api/v1/sessions/current", headers=token).status_code == 204
        assert "__Host-giothong" not in browser.cookies
    assert secret not in site.logs() and "trinh-duyet" not in site.logs()


@pytest.mark.parametrize("version, ciphers, taken", [
    ("-tls1_3", None, True), ("-tls1_2", None, True), ("-tls1_2", "AES128-GCM-SHA256:@SECLEVEL=0", False),
    ("-tls1_2", "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0", False), ("-tls1_1", "ALL:@SECLEVEL=0", False)])
def test_old_tls_is_refused(site, version, ciphers, taken):
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{site.proxy.https}", "-CAfile", site.proxy.certificate, version,
               *(["-cipher", ciphers] if ciphers else [])]
    done = subprocess.run(command, capture_output=True, text=True, input="", timeout=60)
    assert ("Verify return code: 0 (ok)" in done.stdout and "Cipher is (NONE)" not in done.stdout) == taken, done.stdout + done.stderr
    if not taken:
        assert "alert" in done.stderr, "refused by the proxy, not by this machine's client"


def test_plain_http_leads_to_https_but_carries_no_secret(site):
    with httpx.Client(base_url=f"http://127.0.0.1:{site.proxy.http}", headers={"Host": "gh.example"}) as client:
        answer = client.get("/docs?a=b")
        assert answer.status_code == 301 and answer.headers["location"] == "https://gh.example/docs?a=b"
        assert problem(client.get("/docs", headers={"Authorization": "Bearer gh_x"}), "forbidden", 403)
        assert problem(client.post("/api/v1/teams", json={}), "forbidden", 403)
        answer = client.get("/sms/kannel?from=1")
        assert answer.status_code == 403 and answer.headers["content-type"].startswith("text/plain")
        assert client.get("/.well-known/acme-challenge/x").status_code == 503, "certbot is not running"


def test_what_is_for_operators_is_not_for_the_world(site):
    with site.proxy.client() as client:
        for path in ("/metrics", "/%6detrics", "/metrics/", "/metrics?x=1", "/healthz", "/readyz", "/%72eadyz"):
            for method in ("GET", "HEAD", "POST"):
                assert client.request(method, path).status_code == 404, f"{method} {path}"
        assert "metrics" not in client.get("/metrics").text
    # paths that a client library would tidy up
    for target in ("//metrics", "/./metrics", "/x/../metrics", f"https://localhost:{site.proxy.https}/metrics"):
        status, out = site.proxy.curl("--http1.1", "--path-as-is", "--request-target", target, "-w", "%{response_code}", site.proxy.url)
        assert status == 0 and out[-3:] in ("400", "404") and "giothong_" not in out, target
    with httpx.Client(base_url=f"http://127.0.0.1:{site.proxy.local}") as client:
        for path in ("/metrics/1", "/metrics/2"):
            assert "giothong_http_requests_total" in client.get(path).text
        assert "haproxy_backend_http_responses_total" in client.get("/metrics/proxy").text
        for path in ("/metrics", "/healthz", "/api/v1/rounds", "/"):
            assert client.get(path).status_code == 404, path


def test_limits_of_size_are_the_daemons_own(site):
    with site.proxy.client() as client:
        assert problem(client.get("/api/v1/rounds", headers={"X-Long": "a" * 20000}), "head-too-large", 431)
        assert problem(client.get("/api/v1/rounds?unit=" + "a" * 9000), "target-too-long", 414)
        assert problem(client.get("/api/v1/rounds", headers=[(f"X-{n}", "1") for n in range(105)]), "head-too-large", 431)
        answer = client.post("/api/v1/teams", content=b" " * (2 << 20),
                             headers={"Authorization": f"Bearer {site.tokens['staff']}", "Content-Type": "application/json"})
        assert problem(answer, "content-too-large", 413)


def test_a_kannel_question_is_answered_here_and_over_tls(site):
    query = f"/sms/kannel?id=1&from={NUMBER}&to=8088&text=LICH+than+uyen"
    for client in (httpx.Client(base_url=f"http://127.0.0.1:{site.proxy.local}"), site.proxy.client(), site.proxy.client(http2=True)):
        with client:
            answer = client.get(query, headers={"Authorization": site.basic()})
            assert answer.status_code == 200 and "than uyen" in answer.text.lower()
            assert client.get(query).status_code == 401


def test_no_query_no_number_no_address_in_any_log(site):
    """Everything that carries personal data, planted; and the lines are there all the same."""
    number, place = "0911222333", "LICH+muong+te"
    local = httpx.Client(base_url=f"http://127.0.0.1:{site.proxy.local}")
    plain = httpx.Client(base_url=f"http://127.0.0.1:{site.proxy.http}")
    with local, plain, site.proxy.client() as tls, site.proxy.client(http2=True) as http2:
        for client in (local, plain, tls, http2):
            client.get(f"/sms/kannel?id=7&from={number}&to=8088&text={place}", headers={"Authorization": site.basic()})
            client.get(f"/sms/kannel%3Ffrom={number}")
            client.get(f"/api/v1/rounds/{number}?unit={number}")
            client.get(f"/{number}/x{number}y/{number}")
            client.get(f"/api/v1/rounds?q={number}", headers={"User-Agent": number, "Referer": f"https://x/?{number}", "Cookie": number})
    with socket.create_connection(("127.0.0.1", site.proxy.http)) as broken:
        broken.sendall(f"GET /{number} HTTP/1.1\r\n{number}\r\n\r\n".encode())
        broken.recv(1000)
    wait_until(lambda: "method=<BADREQ>" in site.proxy.log() and site.proxy.log().count("route=/sms/kannel status=200") >= 3, what="the lines")
    logs = site.logs()
    assert "route=/api/v1/rounds" in logs
    for word in (number, number[1:], "muong", "LICH", "127.0.0.1", site.tokens["gateway"], site.basic()[6:], "from="):
        lines = [line for line in logs.splitlines() if word in line and line.startswith("<6>request")]
        assert not lines, lines[:3]
    for word in (number, number[1:], "muong", site.tokens["gateway"], site.basic()[6:]):
        assert word not in logs


def test_a_request_is_found_again_by_its_id(site):
    with site.proxy.client() as client:
        for path in ("/api/v1/audit", "/metrics"):
            answer = client.get(path)
            line = f"request={answer.headers['request-id']}"
            wait_until(lambda: line in site.proxy.log(), what="its line")


def test_words_of_our_own_errors_are_the_daemons(site):
    """Type and titles of each http-error, in both languages, are those of the page that the daemon serves for it."""
    errors = re.findall(r"^\thttp-error status (\d+) content-type application/problem\+json (?:lf-)?string '(.*)'", SHIPPED.read_text(), re.M)
    assert {status for status, _ in errors} == {"400", "403", "404", "408", "429", "500", "502", "503", "504"}
    with site.daemons[0].client() as client:
        for status, text in errors:
            slug = re.search(r'"type":"/problems/([\w-]+)"', text)[1]
            pages = {lang: client.get(f"/problems/{slug}", headers={"Accept-Language": lang}) for lang in ("vi", "en")}
            assert all(page.status_code == 200 for page in pages.values()), slug
            assert f'"status":{status},' in text
            both = re.search(r'"title":"%\[var\(txn.vi\),iif\("(.*?)","(.*?)"\)\]"', text)
            titles = {"vi": both[1], "en": both[2]} if both else {"en": re.search(r'"title":"(.*?)"', text)[1]}
            for language, title in titles.items():
                assert title in pages[language].text, (slug, language, title)


# ---- what the daemon behind it sees: stand-ins that show it ----

class StandIn:
    """In the daemons' place: says what reached it; `fate(n)` of the n-th request with a path in `doomed`: close unanswered."""

    def __init__(self, path):
        stand_in = self
        self.seen, self.connections, self.doomed, self.lock = [], 0, {}, threading.Lock()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 20

            def address_string(self):
                return "unix"

            def log_message(self, *_):
                pass

            def setup(self):
                with stand_in.lock:
                    stand_in.connections += 1
                    self.number = stand_in.connections
                super().setup()

            def answer(self):
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                if self.path != "/readyz":
                    stand_in.seen.append((self.number, self.command, self.path, self.headers.items(), body))
                if stand_in.doomed.get(self.path, 0) > 0:
                    stand_in.doomed[self.path] -= 1
                    self.close_connection = True
                    return
                self.send_response(200)
                self.send_header("Content-Length", "3")
                self.end_headers()
                self.wfile.write(b"ok\n")

            do_GET = do_POST = do_PATCH = answer

        class Server(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, *_):
                """A health check does not wait for the whole answer."""

        self.server = Server(str(path), Handler)
        os.chmod(path, 0o777)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def requests(self, path):
        return [row for row in self.seen if row[2] == path]

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@contextlib.contextmanager
def set_up(replace):
    folder = programs.workshop("giothong-stage-")
    proxy = Proxy(folder, replace)
    proxy.back = StandIn(proxy.socket(1))
    try:
        yield proxy.start()
    finally:
        proxy.stop()
        proxy.back.stop()
        programs.remove(folder)


FEW = 40


@pytest.fixture(scope="module")
def stage():
    with set_up({"sc0_conn_cur gt 1000": "sc0_conn_cur gt 30", "sc0_http_req_rate gt 6000": f"sc0_http_req_rate gt {FEW}"}) as proxy:
        yield proxy


@contextlib.contextmanager
def from_address(proxy, address, **options):
    """A client with an address of its own on loopback, so that tests do not use up each other's limits."""
    with httpx.Client(base_url=proxy.url, transport=httpx.HTTPTransport(local_address=address, verify=proxy.trust(), **options), timeout=20) as client:
        yield client


def test_who_asks_is_what_the_proxy_sees(stage):
    lies = {"X-Forwarded-For": "203.0.113.9, 10.0.0.1", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "evil", "X-Forwarded-Port": "1",
            "X-Real-IP": "203.0.113.9", "Forwarded": "for=203.0.113.9", "x-FORWARDED-for": "203.0.113.10"}
    for http2, path in ((False, "/spoof1"), (True, "/spoof2")):
        with from_address(stage, "127.0.0.9", http2=http2) as client:
            assert client.get(path, headers=list(lies.items())).status_code == 200
        (_, _, _, headers, _), = stage.back.requests(path)
        told = [(k.lower(), v) for k, v in headers if k.lower().startswith(("x-", "forwarded"))]
        assert sorted(told) == [("x-forwarded-for", "127.0.0.9"), ("x-forwarded-proto", "https")]


def test_only_reading_is_repeated(stage):
    stage.back.doomed.update({"/api/v1/read": 1, "/api/v1/write": 1, "/api/v1/next": 1, "/sms/kannel": 1})
    with from_address(stage, "127.0.0.10") as client:
        answer = client.post("/api/v1/write", json={"a": 1})
        assert problem(answer, "unknown-outcome", 502) and answer.headers["retry-after"]
        assert len(stage.back.requests("/api/v1/write")) == 1
    with from_address(stage, "127.0.0.10") as client:
        answer = client.get("/sms/kannel")
        assert answer.status_code == 502 and answer.headers["content-type"].startswith("text/plain")
        assert len(stage.back.requests("/sms/kannel")) == 1
    with from_address(stage, "127.0.0.10") as client:
        assert client.get("/api/v1/read").status_code == 200
        assert len(stage.back.requests("/api/v1/read")) == 2
        with pytest.raises(httpx.RemoteProtocolError):         # on a kept connection HAProxy hangs up: no answer, so unknown
            client.post("/api/v1/next", json={"a": 1})
        assert len(stage.back.requests("/api/v1/next")) == 1


def test_writes_have_connections_of_their_own(stage):
    with from_address(stage, "127.0.0.11") as client:
        for _ in range(5):
            client.get("/api/v1/kept"), client.post("/api/v1/own", json={}), client.patch("/api/v1/own", json={})
    assert len({row[0] for row in stage.back.requests("/api/v1/own")}) == 10
    assert len({row[0] for row in stage.back.requests("/api/v1/kept")}) < 5, "while reads share them"


def test_nobody_is_there():
    """503 in the client's language, and in plain text for a gateway."""
    folder = programs.workshop("giothong-empty-")
    alone = Proxy(folder)
    try:
        with alone.start().client() as client:
            for language, title in (("vi-VN,vi;q=0.9", "Tạm thời không phục vụ được"), ("en", "Briefly unavailable")):
                answer = client.get("/api/v1/rounds", headers={"Accept-Language": language})
                document = problem(answer, "try-again", 503)
                assert document["title"] == title and document["advice"] and document["request_id"] == answer.headers["request-id"]
                assert int(answer.headers["retry-after"]) >= 1 and answer.headers["cache-control"] == "no-store"
            assert problem(client.post("/api/v1/teams", json={}), "try-again", 503)
            answer = client.get("/sms/kannel?text=LICH")
            assert answer.status_code == 503 and answer.headers["content-type"] == "text/plain; charset=utf-8"
            assert answer.headers["retry-after"]
    finally:
        alone.stop()
        programs.remove(folder)


@pytest.fixture
def hasty():
    """One that waits for a request no longer than a moment, as the others must not."""
    with set_up({"timeout http-request 20s": "timeout http-request 3s"}) as proxy:
        yield proxy


def test_slow_clients_are_told_and_never_reach_a_daemon(hasty):
    context = hasty.trust()
    for head, path in ((b"POST /slow/body HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc", "/slow/body"),
                       (b"GET /slow/head HTTP/1.1\r\nHost: x\r\nX-Slow:", "/slow/head")):
        with context.wrap_socket(socket.create_connection(("127.0.0.1", hasty.https), 20, ("127.0.0.13", 0)), server_hostname="localhost") as slow:
            slow.sendall(head)
            answer = slow.recv(65536)
            assert answer.startswith(b"HTTP/1.1 408 "), answer
            assert slow.recv(100) == b""
        assert not hasty.back.requests(path)
    assert b'"type":"/problems/request-timeout"' not in answer, "no HTTP yet: HAProxy's own words"


def test_one_address_cannot_take_all_connections(stage):
    context = stage.trust()

    def open_one(address):
        with contextlib.suppress(OSError):
            return context.wrap_socket(socket.create_connection(("127.0.0.1", stage.https), 20, (address, 0)), server_hostname="localhost")
    held = [open_one("127.0.0.14") for _ in range(40)]
    try:
        assert sum(1 for one in held if one) == 30
        with from_address(stage, "127.0.0.15") as other:
            assert other.get("/api/v1/rounds").status_code == 200
    finally:
        for one in held:
            if one:
                one.close()
    wait_until(lambda: open_one("127.0.0.14"), what="room again")


def test_a_flood_of_requests_is_refused_in_the_right_form(stage):
    with from_address(stage, "127.0.0.16") as client, from_address(stage, "127.0.0.17") as other:
        def until_refused(path):
            answers = []
            while len(answers) < 5000 and (not answers or answers[-1].status_code == 200):
                answers.append(client.get(path))
            return answers
        answers = until_refused("/api/v1/flood")
        assert len(answers) > FEW, "not before its time"
        assert problem(answers[-1], "too-many-requests", 429) and int(answers[-1].headers["retry-after"]) >= 1
        answer = until_refused("/sms/kannel")[-1]
        assert answer.status_code == 429 and answer.headers["content-type"].startswith("text/plain") and answer.headers["retry-after"]
        assert other.get("/api/v1/flood").status_code == 200


# ---- restarts ----

class Visitors:
    """People who read, each in a way of their own, and a gateway; every answer that is not 200 is kept."""

    def __init__(self, site):
        self.site, self.stopping = site, threading.Event()
        self.counts, self.failures = collections.Counter(), []
        self.threads = [threading.Thread(target=target, daemon=True) for target in
                        (self.http2, self.http2, self.kept, self.fresh, self.gateway)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join(40)

    def ask(self, way, client, path, **options):
        began = time.monotonic()
        try:
            answer = client.get(path, **options)
            fault = None if answer.status_code == 200 and answer.content else f"{answer.status_code} {answer.text[:200]}"
        except httpx.HTTPError as failure:
            fault = f"{type(failure).__name__}: {failure}"
        self.counts[way] += 1
        if fault:
            self.failures.append(f"{way} {path} after {time.monotonic() - began:.2f} s: {fault}")

    def repeat(self, way, client, **options):
        turn = 0
        while not self.stopping.wait(0.005):
            turn += 1
            self.ask(way, client, PUBLIC[turn % 2], **options)

    def http2(self):
        with self.site.proxy.client(http2=True) as client:
            self.repeat("http2", client)

    def kept(self):
        with self.site.proxy.client() as client:
            self.repeat("kept", client)

    def fresh(self):
        while not self.stopping.wait(0.01):
            with self.site.proxy.client() as client:
                self.ask("fresh", client, "/api/v1/rounds")

    def gateway(self):
        with httpx.Client(base_url=f"http://127.0.0.1:{self.site.proxy.local}", headers={"Authorization": self.site.basic()}, timeout=30) as client:
            while not self.stopping.wait(0.01):
                self.ask("sms", client, "/sms/kannel", params={"id": uuid.uuid4().hex, "from": NUMBER, "to": "8088", "text": "LICH than uyen"})


def ledger_of(site, seed, **options):
    token = site.daemons[0].new_token("staff", f"ledger {seed}")
    return Ledger([site.proxy.url], token, seed=seed, writers=2, readers=1, tls=site.proxy.trust(), public=PUBLIC, **options)


def replace(site, index):
    """As systemd does it: the end is awaited, then the next one begins."""
    assert site.daemons[index].stop() == 0
    site.daemons[index].start()


def replace_early(site, index):
    """The next one begins as soon as the last one has let go of the socket, and while that still drains."""
    last, site.daemons[index] = site.daemons[index], site.new_daemon(index + 1)
    last.process.send_signal(signal.SIGTERM)
    wait_until(lambda: not last.socket.exists(), every=0.01, what="the socket's path is free")
    site.daemons[index].launch()
    assert last.stop(signal.SIGCONT) == 0
    site.daemons[index].wait_ready()
    assert last.socket.exists()


def test_restarts_that_nobody_notices(site):
    """Two daemons, restarted in turn, several times, under readers, writers and a gateway: not one failure."""
    ledger = ledger_of(site, seed=11)
    with Visitors(site) as visitors, ledger:
        ledger.progress(20)
        for way in (replace, replace_early):
            for index in (0, 1):
                way(site, index)
        ledger.progress(20)
    failed = [f"{change.method} {change.path}: {attempt}" for change in ledger.changes for attempt in change.attempts
              if attempt.status is None or attempt.status >= 500]
    print(dict(visitors.counts), ledger.counters())
    assert not visitors.failures, visitors.failures[:10]
    assert not failed, failed[:10]
    assert not set(ledger.reads) - {"200"}, ledger.reads
    assert min(visitors.counts[way] for way in ("http2", "kept", "fresh", "sms")) > 20, visitors.counts
    assert ledger.check(site.query) == []


def test_a_killed_daemon_costs_only_what_the_same_key_heals(site):
    """kill -9: reading does not notice, a write may have to be sent again, and is done once."""
    ledger = ledger_of(site, seed=12, tolerate={502})
    with Visitors(site) as visitors, ledger:
        ledger.progress(20)
        for index in (0, 1):
            said = site.proxy.log().count("Server reads/")
            site.daemons[index].kill()
            wait_until(lambda: site.proxy.log().count("Server reads/") > said, what="down")
            ledger.progress(15)
            site.daemons[index].start()
            wait_until(lambda: site.proxy.log().count("Server reads/") > said + 1, what="up again")
            ledger.progress(15)
            site.daemons[index].kill()
            site.daemons[index].start()          # so soon that the proxy may not even have noticed
            ledger.progress(15)
    failures = [failure for failure in visitors.failures if not failure.startswith("sms ")]
    print(dict(visitors.counts), visitors.failures, ledger.counters())
    assert not failures, failures[:10]
    assert all(" 502 " in failure or "without sending a response" in failure for failure in visitors.failures), \
        "no other answer to a gateway, which asks again by itself"
    assert ledger.check(site.query) == []


def test_the_service_takes_our_settings(tmp_path):
    """systemd understands the drop-in for Debian's unit, and that unit reads its configuration where we say."""
    debian = pathlib.Path("/lib/systemd/system/haproxy.service").read_text()
    ours = (SHIPPED.parent / "giothong.conf").read_text()
    assert "-f $CONFIG" in debian and "Environment=CONFIG=/etc/giothong/haproxy.cfg" in ours
    (tmp_path / "haproxy.service").write_text(debian)
    folder = tmp_path / "haproxy.service.d"
    folder.mkdir()
    (folder / "giothong.conf").write_text(ours)
    for name in ("giothong.target", "giothongd@.service"):
        (tmp_path / name).write_text((unit.UNITS / name).read_text().replace("/usr/bin/giothongd", "/bin/true"))
    outcome = subprocess.run(["systemd-analyze", "--no-pager", "verify", "--man=no", tmp_path / "haproxy.service"], capture_output=True, text=True)
    assert not [line for line in outcome.stderr.splitlines() if "giothong.conf" in line], outcome
    table = subprocess.run(["systemd-analyze", "--no-pager", "security", "--offline=true", tmp_path / "haproxy.service"], capture_output=True, text=True)
    assert float(re.search(r"Overall exposure level for \S+: ([\d.]+)", table.stdout)[1]) < 5, table.stdout
    (refused,) = unit.read(SHIPPED.parent / "giothong.conf")["Service.SystemCallFilter"]
    needed = {"accept4", "chroot", "clone", "epoll_wait", "execve", "kill", "prctl", "prlimit64", "sendmsg", "setgid", "setgroups", "setuid"}
    assert not needed & unit.expand(refused.lstrip("~").split())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up capabilities")
def test_the_capabilities_are_enough(tmp_path):
    """Start, reload and stop, with closed folders of others, and nothing but what the drop-in leaves to root."""
    (kept,) = unit.read(SHIPPED.parent / "giothong.conf")["Service.CapabilityBoundingSet"]
    bounding = ",".join(["-all", *("+" + word.removeprefix("CAP_").lower() for word in kept.split())])
    folder = programs.workshop("giothong-caps-")
    proxy = Proxy(folder, prefix=["setpriv", f"--bounding-set={bounding}", "--inh-caps=-all", "--no-new-privs"])
    shutil.chown(proxy.sockets, "nobody", "haproxy")
    proxy.sockets.chmod(0o750)
    proxy.tls.chmod(0o700)
    try:
        proxy.start()
        (first,) = proxy.workers()
        status = pathlib.Path(f"/proc/{first}/status").read_text()
        assert re.search(r"^CapEff:\s+0+$", status, re.M) and not re.search(r"^Uid:\s+0", status, re.M)
        assert os.readlink(f"/proc/{first}/root") == str(proxy.sockets)

        def reloaded():
            """The master loses a signal that comes while it still starts, so it is told again."""
            workers = list(proxy.workers())
            if workers == [first]:
                proxy.process.send_signal(signal.SIGUSR2)
            return workers and first not in workers
        wait_until(reloaded, every=1.0, what="the first worker has ended")
        proxy.stop()
    finally:
        if proxy.process:
            for pid in [*proxy.workers(), proxy.process.pid]:
                os.kill(int(pid), signal.SIGKILL)
        programs.remove(folder)


def test_a_new_certificate_is_taken_without_a_failure(site):
    """Reload: the listeners go over to a new worker; who connects meanwhile is served by one of the two."""
    def serial():
        with site.proxy.trust().wrap_socket(socket.create_connection(("127.0.0.1", site.proxy.https), 20), server_hostname="localhost") as one:
            return one.getpeercert()["serialNumber"]

    def ask(_):
        with site.proxy.client() as client:
            return client.get("/api/v1/rounds").status_code
    before = serial()
    old = site.proxy.certificate.read_text()
    lineage = site.folder / "live" / "localhost"
    lineage.mkdir(parents=True)
    site.proxy.make_certificate(lineage / "fullchain.pem", lineage / "privkey.pem")
    site.proxy.certificate.write_text((lineage / "fullchain.pem").read_text() + old)        # both are believed
    stub = site.folder / "systemctl"
    stub.write_text(f"#!/bin/sh\n[ \"$*\" = 'reload haproxy' ] && kill -USR2 {site.proxy.process.pid}\n")
    stub.chmod(0o755)
    environment = {**os.environ, "PATH": f"{site.folder}:{os.environ['PATH']}", "RENEWED_LINEAGE": str(lineage), "GIOTHONG_TLS": str(site.proxy.tls)}
    workers = set(site.proxy.workers())
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        asked = pool.map(ask, range(150))
        subprocess.run([programs.ROOT / "deploy" / "haproxy" / "renew"], check=True, env=environment)
        wait_until(lambda: set(site.proxy.workers()) - workers, what="a new worker")
        assert set(asked) == {200}
    wait_until(lambda: serial() != before, what="the new certificate")
    assert [path.name for path in site.proxy.tls.iterdir()] == ["localhost.pem"]
    assert (site.proxy.tls / "localhost.pem").stat().st_mode & 0o777 == 0o600


def test_daemons_that_are_not_ready_still_speak_for_themselves(site):
    """The database is away: no daemon is ready, but they say what is wrong, and serve what needs none."""
    said = site.proxy.log().count("Running on backup")           # two restarts may have met
    site.postgres.freeze()
    try:
        with site.proxy.client() as client:
            wait_until(lambda: site.proxy.log().count("Running on backup") > said, what="no daemon is ready")
            assert client.get("/openapi.json").status_code == 200
            document = problem(client.get("/api/v1/rounds?limit=3"), "try-again", 503)
            assert "No daemon takes requests" not in document["detail"]
    finally:
        site.postgres.thaw()
    with site.proxy.client() as client:
        wait_until(lambda: client.get("/api/v1/rounds?limit=3").status_code == 200, what="served again")
