"""Kill, freeze, cut: it serves again without a hand, and nothing acknowledged is lost."""
import contextlib
import os
import signal
import threading
import time
import uuid

import httpx
import pytest

from harness import programs
from harness.daemon import alive, wait_until
from harness.raw import connect, read_answer

PLAN = programs.CONFIG / "plans" / "lai-chau-2025.json"


class Writers:
    """Clients that make teams and reports all the time, each with a key; they know what was acknowledged."""

    def __init__(self, daemon, count=6):
        self.daemon, self.token = daemon, daemon.token("staff")
        self.acknowledged, self.unknown, self.slowest = {}, [], 0.0
        self.stopping, self.lock = threading.Event(), threading.Lock()
        self.threads = [threading.Thread(target=self._write, args=(n,), daemon=True) for n in range(count)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)

    def _write(self, number):
        client = httpx.Client(base_url=self.daemon.url, timeout=25, headers={"Authorization": f"Bearer {self.token}"})
        serial = 0
        while not self.stopping.is_set():
            serial += 1
            self._make(client, {"code": f"W{number}-{serial}", "name": f"Đội ghi {number}"}, str(uuid.uuid4()))
            time.sleep(0.005)

    def _make(self, client, body, key):
        """Until it is acknowledged or the test ends: the same key each time."""
        while True:
            began = time.monotonic()
            try:
                answer = client.post("/api/v1/teams", json=body, headers={"Idempotency-Key": key})
            except httpx.HTTPError:
                answer = None
            with self.lock:
                self.slowest = max(self.slowest, time.monotonic() - began)
            if answer is not None and answer.status_code == 201:
                with self.lock:
                    self.acknowledged[body["code"]] = answer.json()["id"]
                return
            assert answer is None or answer.status_code in (503, 409), f"{answer.status_code} {answer.text}"
            if self.stopping.is_set():
                self.unknown.append(body["code"])
                return
            time.sleep(0.05)

    def progress(self, more, seconds=40):
        target = len(self.acknowledged) + more
        wait_until(lambda: len(self.acknowledged) >= target, seconds, what=f"{more} more writes; log:\n{self.daemon.log()}")

    def check(self):
        """D1, D2, D6: each acknowledged fact once, with its id and its audit row; nothing twice."""
        rows = self.daemon.sql("SELECT code, id::text FROM team WHERE code LIKE 'W%'")
        assert len(rows) == len({code for code, _ in rows})
        there = dict(rows)
        lost = {code: made for code, made in self.acknowledged.items() if there.get(code) != made}
        assert not lost, f"acknowledged and lost: {list(lost.items())[:5]} of {len(self.acknowledged)}"
        extra = set(there) - set(self.acknowledged) - set(self.unknown)
        assert not extra
        without = self.daemon.sql("SELECT code FROM team t WHERE code LIKE 'W%' AND (SELECT count(*) FROM audit_entry a"
                                  " WHERE a.subject_id = t.id::text AND a.action = 'team.create') < 1")
        assert not without, f"no audit row: {without[:5]}"


def test_kill_9_of_the_daemon(fresh_daemon, api_of):
    """Its postmaster lives on; the next daemon takes it over and serves within a second or so."""
    daemon = fresh_daemon()
    daemon.cli_ok("plan", "import", PLAN)
    with Writers(daemon) as writers:
        for _ in range(3):
            writers.progress(20)
            postmaster = daemon.postmaster_pid()
            daemon.kill()
            assert alive(postmaster)
            began = time.monotonic()
            daemon.start()
            assert daemon.postmaster_pid() == postmaster, "adopted, not started anew"
            assert time.monotonic() - began < 10
        writers.progress(20)
    writers.check()
    assert len(api_of(daemon).items("/api/v1/rounds", plan="3653-KH-UBND", **{"from": "2024-12-01"})) == 18
    assert daemon.stop() == 0 and not alive(postmaster), "SIGTERM stops the adopted one"


def test_kill_9_of_the_postmaster(fresh_daemon):
    daemon = fresh_daemon()
    with Writers(daemon) as writers:
        for _ in range(3):
            writers.progress(20)
            postmaster = daemon.postmaster_pid()
            os.kill(postmaster, signal.SIGKILL)
            wait_until(lambda: (daemon.postmaster_pid() or postmaster) != postmaster, 30, what="a new postmaster")
            writers.progress(20)
            assert daemon.process.poll() is None
    writers.check()
    assert daemon.stop() == 0


def test_kill_9_of_one_backend(fresh_daemon):
    """PostgreSQL ends all its sessions and recovers by itself."""
    daemon = fresh_daemon()
    with Writers(daemon) as writers:
        for _ in range(3):
            writers.progress(20)
            pid = daemon.value("SELECT pid FROM pg_stat_activity WHERE usename = 'giothong_app' ORDER BY random() LIMIT 1")
            os.kill(pid, signal.SIGKILL)
            writers.progress(20)
    writers.check()


def test_storm_of_terminated_backends(fresh_daemon):
    daemon = fresh_daemon()
    with Writers(daemon) as writers:
        for _ in range(8):
            time.sleep(1)
            daemon.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'giothong_app'")
        writers.progress(30)
    writers.check()
    assert writers.slowest < 20


def test_a_frozen_database(fresh_daemon):
    """Fifteen seconds of nothing: noticed, no request over 20 s, normal again by itself."""
    daemon = fresh_daemon()
    with Writers(daemon) as writers:
        writers.progress(20)
        pids = [row[0] for row in daemon.sql("SELECT pid FROM pg_stat_activity WHERE usename = 'giothong_app'")]
        for pid in [daemon.postmaster_pid(), *pids]:
            os.kill(pid, signal.SIGSTOP)
        try:
            wait_until(lambda: httpx.get(f"{daemon.url}/readyz", timeout=10).status_code == 503, 15, what="noticed")
            assert httpx.get(f"{daemon.url}/healthz", timeout=2).status_code == 200
            time.sleep(12)
        finally:
            for pid in [daemon.postmaster_pid(), *pids]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
        writers.progress(20)
    writers.check()
    assert writers.slowest < 20, writers.slowest


def test_a_frozen_daemon(fresh_daemon):
    daemon = fresh_daemon()
    with Writers(daemon) as writers:
        writers.progress(20)
        daemon.process.send_signal(signal.SIGSTOP)
        time.sleep(20)
        daemon.process.send_signal(signal.SIGCONT)
        writers.progress(20)
    writers.check()
    assert daemon.stop() == 0


def test_sigterm_answers_what_is_in_flight(fresh_daemon):
    """Exit 0 within ten seconds, every request that was taken is answered, PostgreSQL is down."""
    daemon = fresh_daemon()
    token = daemon.token("staff")
    postmaster = daemon.postmaster_pid()
    with Writers(daemon) as writers:
        writers.progress(20)
        with daemon.database() as lock:
            lock.execute("BEGIN")
            lock.execute("LOCK TABLE team IN EXCLUSIVE MODE")
            with connect(daemon, timeout=20) as slow:
                body = b'{"code": "SLOW", "name": "x"}'
                slow.sendall(b"POST /api/v1/teams HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\n"
                             b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                             % (token.encode(), len(body), body))
                time.sleep(0.3)
                began = time.monotonic()
                daemon.process.send_signal(signal.SIGTERM)
                time.sleep(0.5)
                lock.execute("ROLLBACK")
                status, headers, _ = read_answer(slow)
        assert status == 201 and headers["connection"] == "close"
        writers.stopping.set()
    assert daemon.stop() == 0 and time.monotonic() - began < 10
    assert not alive(postmaster)
    daemon.start()
    writers.check()
    assert daemon.value("SELECT count(*) FROM team WHERE code = 'SLOW'") == 1


def test_sigterm_with_idle_and_half_said_requests(fresh_daemon):
    daemon = fresh_daemon()
    with contextlib.ExitStack() as stack:
        for n in range(50):
            connection = stack.enter_context(connect(daemon))
            if n % 2:
                connection.sendall(b"GET /healthz HTTP/1.1\r\nHo")
        began = time.monotonic()
        assert daemon.stop() == 0
        assert time.monotonic() - began < 10


def test_a_full_disk_stops_writes_only(fresh_daemon, api_of):
    """Reads go on, writes are 503, and no restart is needed. (PostgreSQL says 53100 for both: here by a quota of its own.)"""
    daemon = fresh_daemon()
    staff = api_of(daemon, daemon.token("staff"))
    daemon.sql("CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS "
               "$$BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END$$")
    daemon.sql("CREATE TRIGGER full_disk BEFORE INSERT ON team EXECUTE FUNCTION full_disk()")
    answer = staff.post("/api/v1/teams", json={"code": "FULL", "name": "x"})
    assert answer.status_code == 503 and answer.headers["retry-after"], answer.text
    staff.get("/api/v1/teams")
    daemon.sql("DROP TRIGGER full_disk ON team")
    staff.post("/api/v1/teams", json={"code": "FULL", "name": "x"}, expect=201)


def test_four_times_the_load(fresh_daemon):
    """More than it can hold: some are told to come back, those that are served are served in time, then all is normal."""
    daemon = fresh_daemon(settings={"database.queue": 50, "workers.count": 1})
    token = daemon.token("staff")
    end = time.monotonic() + 6
    results, lock = [], threading.Lock()

    def hammer():
        client = httpx.Client(base_url=daemon.url, timeout=20, headers={"Authorization": f"Bearer {token}"})
        while time.monotonic() < end:
            began = time.monotonic()
            status = client.get("/api/v1/plans").status_code
            with lock:
                results.append((status, time.monotonic() - began))

    threads = [threading.Thread(target=hammer) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {status for status, _ in results} <= {200, 429, 503}
    served = sorted(seconds for status, seconds in results if status == 200)
    assert served and served[int(len(served) * 0.99)] < 2
    wait_until(lambda: httpx.get(f"{daemon.url}/api/v1/rounds?limit=3").status_code == 200, 10, what="normal again")


@pytest.mark.parametrize("how", ["close", "half", "reset"])
def test_answers_lost_after_the_commit(fresh_daemon, api_of, how):
    """The mountains: the client is gone before the answer; its retry learns what happened."""
    daemon = fresh_daemon()
    token = daemon.token("staff")
    staff = api_of(daemon, token)
    for n in range(20):
        body = b'{"code": "LOST%d", "name": "x"}' % n
        with connect(daemon) as connection:
            connection.sendall(b"POST /api/v1/teams HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\nIdempotency-Key: lost-%d\r\n"
                               b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (token.encode(), n, len(body), body))
            if how == "half":
                connection.recv(20)
            elif how == "reset":
                import socket
                import struct
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        answer = staff.request("POST", "/api/v1/teams", content=body, expect=(201, 409),
                               headers={"Idempotency-Key": f"lost-{n}", "Content-Type": "application/json"})
        if answer.status_code == 409:
            assert answer.json()["type"] == "/problems/idempotency-running"
            wait_until(lambda: staff.request("POST", "/api/v1/teams", content=body,
                                             headers={"Idempotency-Key": f"lost-{n}", "Content-Type": "application/json"})
                       .status_code == 201, 5, what="the answer")
    assert daemon.value("SELECT count(*) FROM team WHERE code LIKE 'LOST%%'") == 20
