"""Too much at once: 429 with Retry-After, 503 instead of a queue without end, connections that wait."""
import concurrent.futures
import contextlib
import hashlib
import os
import signal
import socket
import time
import uuid

import httpx

from harness.client import problem
from harness.daemon import wait_until
from harness.raw import Caller, connect, read_answer
from harness.seeds import TODAY

LOW = {"limits.anonymous_per_minute": 20, "limits.token_per_minute": 60, "limits.sms_per_minute": 20, "workers.count": 1}


def until_refused(ask, most):
    """How many answers it took, and the one that refused. Each minute gives `most` back."""
    began = time.monotonic()
    for n in range(1000):
        answer = ask(n)
        if answer.status_code == 429:
            assert 1 <= int(answer.headers["retry-after"]) <= 60
            assert n <= most * (1 + (time.monotonic() - began) / 60), "no more than the time that they took has given back"
            return n, answer
    raise AssertionError("a thousand answers and no 429")


def test_each_address_and_token_has_its_rate(fresh_daemon, api_of):
    daemon = fresh_daemon(settings=LOW)
    public, staff = api_of(daemon), api_of(daemon, daemon.token("staff"))
    admin = api_of(daemon, daemon.token("admin"))
    time.sleep(0.6)                                        # that tokens were made has been noticed
    for known in (staff, admin):                           # a token's first look-up counts for its address
        known.get("/api/v1/teams")

    # answers that memory cannot give: each asks another question
    n, answer = until_refused(lambda n: public.get(f"/api/v1/rounds?from=2020-01-{n % 28 + 1:02d}&limit={n % 500 + 1}", expect=None),
                              LOW["limits.anonymous_per_minute"])
    assert n >= 15
    problem(answer, "too-many-requests", 429)
    public.get("/healthz")
    n, _ = until_refused(lambda n: staff.get("/api/v1/plans", expect=None), LOW["limits.token_per_minute"])
    assert n >= 45
    admin.get("/api/v1/plans")                             # another token has its own


def test_memory_is_not_rationed(fresh_daemon, api_of):
    daemon = fresh_daemon(settings=LOW)
    public = api_of(daemon)
    assert all(public.get("/api/v1/rounds", expect=None).status_code == 200 for _ in range(300))


def test_the_gateway_is_told_in_plain_text(fresh_daemon, api_of):
    daemon = fresh_daemon(settings=LOW)
    gateway = api_of(daemon, daemon.token("gateway"))
    _, refused = until_refused(lambda n: gateway.get(f"/sms/kannel?id={n}&from=1&to=2&text=LICH", expect=None), LOW["limits.sms_per_minute"])
    assert refused.headers["content-type"].startswith("text/plain")


def test_guessing_certificates_is_slowed_down(fresh_daemon, api_of):
    """Beside the other limits: of an address, and of a token by itself."""
    daemon = fresh_daemon(settings={"limits.checks_per_minute": 20, "workers.count": 1})
    public, hospital = api_of(daemon), api_of(daemon, daemon.token("hospital"))
    for client in (public, hospital):
        n, answer = until_refused(lambda n: client.post("/api/v1/certificates/verify", json={"code": "0000-0000-0000"}, expect=None), 20)
        assert n >= 15
        problem(answer, "too-many-requests", 429)
    # what is published is not asked about; who fetches the keys before the list finds that of the list
    assert [(k["use"], k["issuer"], k["state"]) for k in public.get("/api/v1/certificates/keys").json()["items"]] == [("revocations", None, "current")]
    assert public.get("/api/v1/certificates/revocations").json()["kid"] == public.get("/api/v1/certificates/keys").json()["items"][0]["kid"]


def test_guessing_tokens_is_slowed_down(fresh_daemon):
    """Each guess has the form of a token: what has not is refused unread, by a limit of its own. What is one is no guess."""
    daemon = fresh_daemon(settings=LOW)
    statuses, phones = [], range(1000, 1000 + 2 * LOW["limits.anonymous_per_minute"])

    def guess(n):
        answer = httpx.get(f"{daemon.url}/api/v1/tokens", headers={"Authorization": f"Bearer gh_{n:042d}0"}, timeout=30)
        statuses.append(answer.status_code)
        return answer
    with daemon.database() as connection:
        for n in phones:                                   # all of a day, behind one address: memory knows none of them
            connection.execute("INSERT INTO access_token (id, name, hash, role) VALUES (gen_random_uuid(), %s, %s, 'admin')",
                               (f"of many {n}", hashlib.blake2b(f"gh_{n:042d}0".encode(), digest_size=32).digest()))
    assert [guess(n).status_code for n in phones] == [200] * len(phones)
    statuses.clear()
    n, _ = until_refused(guess, LOW["limits.anonymous_per_minute"])
    assert n >= 1 and statuses[:-1] == [401] * n


def test_the_queue_to_the_database_is_bounded(fresh_daemon, api_of):
    """The database stands still: no request waits for ever, and what cannot wait is told at once."""
    daemon = fresh_daemon(settings={"database.queue": 10, "workers.count": 1})
    token = daemon.token("staff")
    staff = api_of(daemon, token)
    staff.get("/api/v1/plans")
    daemon_pids = frozen_backends(daemon)
    try:
        def ask(n):
            caller = Caller("127.0.0.1", daemon.port, 30, {"Authorization": f"Bearer {token}"})
            began = time.monotonic()
            status, headers, _ = caller.call("GET", "/api/v1/plans")
            caller.close()
            return status, time.monotonic() - began, headers.get("retry-after")
        with concurrent.futures.ThreadPoolExecutor(60) as pool:
            answers = list(pool.map(ask, range(60)))
    finally:
        for pid in daemon_pids:
            os.kill(pid, signal.SIGCONT)
    assert all(status == 503 and retry for status, _, retry in answers), sorted(answers)
    took = sorted(seconds for _, seconds, _ in answers)
    assert took[29] < took[-1] - 1, "the queue holds ten for five seconds, the rest are told at once"
    assert took[-1] < 30
    wait_until(lambda: staff.get("/api/v1/plans", expect=None).status_code == 200, what="normal again")


def test_batches_wait_their_turn(fresh_daemon):
    """A few are at work. When the database stands still, those that wait are told so with them, and are not tried one after the other."""
    daemon = fresh_daemon(settings={"database.wait_ms": 300, "database.read_ms": 3000, "workers.count": 1})
    headers, install = {"Authorization": f"Bearer {daemon.token('team')}"}, str(uuid.uuid4())
    batches = [[{"id": str(uuid.uuid4()), "install": install, "seq": 10 * n + k, "kind": "note", "captured_at": f"{TODAY}T08:00:00+07:00",
                 "data": {"donor": {"id": str(uuid.uuid4())}, "text": "thử"}} for k in range(1, 11)] for n in range(24)]

    client = httpx.Client(headers=headers, timeout=180, limits=httpx.Limits(max_connections=None))     # one: to make many takes seconds

    def send(items):
        return client.post(f"{daemon.url}/api/v1/sync/batches", json={"device_now": f"{TODAY}T18:00:00+07:00", "items": items})
    assert send([]).status_code == 200                     # memory knows who asks
    pids = frozen_backends(daemon)
    try:
        with concurrent.futures.ThreadPoolExecutor(len(batches)) as pool:
            answers = list(pool.map(send, batches))
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    # after that deadline there are other connections
    assert {answer.status_code for answer in answers} <= {200, 503} and [a.status_code for a in answers].count(503) > 12
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        receipts = list(pool.map(lambda items: wait_until(lambda: (answer := send(items)).status_code == 200 and answer.json(), what="a receipt"), batches))
    assert all(told["verdict"] in ("applied", "duplicate", "held") for receipt in receipts for told in receipt["items"])
    assert daemon.sql("SELECT count(*), count(DISTINCT id) FROM item") == [(10 * len(batches),) * 2]


def frozen_backends(daemon):
    pids = [row[0] for row in daemon.sql("SELECT pid FROM pg_stat_activity WHERE usename = 'giothong_app'")]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    return pids


def test_connections_beyond_the_limit_wait_their_turn(fresh_daemon):
    daemon = fresh_daemon(settings={"limits.connections": 20, "workers.count": 1})
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(connect(daemon)) for _ in range(20)]
        for connection in held:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            assert read_answer(connection)[0] == 200
        late = stack.enter_context(connect(daemon, timeout=1))
        late.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        with contextlib.suppress(socket.timeout):
            late.recv(1)
            raise AssertionError("more were served than the limit allows")
        before = cpu_seconds(daemon.process.pid)
        time.sleep(1)
        assert cpu_seconds(daemon.process.pid) - before < 0.5, "it waits, it does not spin"
        held[0].close()
        late.settimeout(60)
        assert read_answer(late)[0] == 200


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_no_spin_when_descriptors_run_out(fresh_daemon):
    import resource
    daemon = fresh_daemon(settings={"workers.count": 1})
    pid = daemon.process.pid
    used = len(os.listdir(f"/proc/{pid}/fd"))
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + 10, used + 10))
    with contextlib.ExitStack() as stack:
        for _ in range(30):
            stack.enter_context(connect(daemon))
        time.sleep(0.5)
        before = cpu_seconds(pid)
        time.sleep(1)
        assert cpu_seconds(pid) - before < 0.5
    wait_until(lambda: httpx.get(f"{daemon.url}/healthz", timeout=30).status_code == 200, what="served again")
