"""The faults of reliability 3, one function each: act(stage, ledger, seconds, random) breaks, mends nothing, gives figures."""
import collections
import contextlib
import dataclasses
import datetime
import json
import os
import random
import signal
import socket
import struct
import time
import traceback

import httpx
import psycopg

import load
from harness import programs, raw
from harness.daemon import wait_until
from harness.ledger import unit_on
from stage import HEALTH_SECONDS, REQUEST_SECONDS, STOP_SECONDS, Stage, freeze, thaw

NOTICED_SECONDS = 15
BACK_SECONDS = 15                          # from the end of the fault to the first acknowledged write
FAULTS = {}


@dataclasses.dataclass
class Fault:
    name: str
    what: str
    act: object
    stage: dict                            # how the stage is set
    ledger: dict
    check_requests: bool                   # whether no request may take longer than REQUEST_SECONDS
    needs_old: bool                        # programs of an older version


def fault(name, what, ledger=None, check_requests=True, needs_old=False, **stage):
    def register(act):
        FAULTS[name] = Fault(name, what, act, stage, ledger or {}, check_requests, needs_old)
        return act
    return register


@dataclasses.dataclass
class Result:
    name: str
    violations: list
    figures: dict
    seconds: float

    @property
    def passed(self):
        return not self.violations

    def line(self):
        shown = ", ".join(f"{name} {value}" for name, value in self.figures.items() if not isinstance(value, dict))
        return f"{'PASS' if self.passed else 'FAIL'} {self.name}: {shown} ({self.seconds:.0f} s)"


def perform(one, seconds, seed, **options):
    """One fault on a stage of its own, with writers and readers, and the invariants afterwards."""
    began = time.monotonic()
    result = Result(one.name, [], {}, 0.0)
    try:
        with Stage(**{**one.stage, **options}) as stage:
            result = perform_on(stage, one, seconds, seed)
            result.figures["restarts"] = stage.keeper.restarts
            result.violations += stage.finish()
    except Exception as failure:
        result.violations += _told(failure)
    result.seconds = time.monotonic() - began
    return result


def perform_on(stage, one, seconds, seed):
    """The same on a stage that is set already, and stays."""
    began = time.monotonic()
    violations, figures = [], {}
    try:
        stage.mended_at = None
        ledger = stage.ledger(seed, **one.ledger)
        with ledger:
            ledger.progress(50, what="before the fault")
            figures = one.act(stage, ledger, seconds, random.Random(seed)) or {}
            mended = stage.mended_at or time.monotonic()
            ledger.progress(50, 90, what="after the fault")
            figures["back after s"] = round(ledger.first_after(mended), 2)
            stage.wait_ready()
        counters = ledger.counters()
        violations += ledger.check(stage.sql, verify=stage.verify)
        if one.check_requests:
            stage.within(REQUEST_SECONDS, counters["slowest_s"], "the slowest request")
        figures = {**_short(counters), **figures, "counters": counters}
    except Exception as failure:
        violations += _told(failure)
    violations += stage.complaints
    stage.complaints = []
    return Result(one.name, violations, figures, time.monotonic() - began)


def _told(failure):
    return ["".join(traceback.format_exception_only(type(failure), failure)).strip(), traceback.format_exc()[-1500:]]


def _short(counters):
    return {"acknowledged": counters["acknowledged"], "unknown sends": counters["unknown_attempts"],
            "left unknown": counters["unknown"], "retries": counters["retried"], "p99 ms": counters["p99_ms"],
            "slowest s": counters["slowest_s"], "gap s": counters["gap_s"]}


def spread(seconds, every):
    """Moments of a fault that is repeated: yields until `seconds` are over."""
    end = time.monotonic() + seconds
    while True:
        yield
        if time.monotonic() + every > end:
            return
        time.sleep(every)


# ---- the daemon ----

@fault("kill-daemon", "kill -9 of the daemon, again and again")
def kill_daemon(stage, ledger, seconds, dice):
    postmaster, kills = stage.postmaster(), 0
    for _ in spread(seconds, max(4.0, stage.keeper.pause + 2.0)):
        stage.keeper.signal(dice.randrange(len(stage.daemons)), signal.SIGKILL)
        kills += 1
        ledger.progress(20, what="after a kill")
    stage.demand(stage.postmaster() == postmaster, "the postmaster was not adopted")
    return {"kills": kills}


@fault("stop-daemon", "SIGSTOP of the daemon for 20 s", check_requests=False)
def stop_daemon(stage, ledger, seconds, dice):
    pid = stage.daemons[-1].process.pid
    os.kill(pid, signal.SIGSTOP)
    time.sleep(min(20, seconds))
    os.kill(pid, signal.SIGCONT)
    return {"stopped s": min(20, seconds)}


@fault("term-daemon", "SIGTERM of the daemon under load, again and again: exit 0 within 10 s")
def term_daemon(stage, ledger, seconds, dice):
    times, first = [], len(stage.keeper.exits)
    for _ in spread(seconds, max(4.0, stage.keeper.pause + 2.0)):
        before, began = len(stage.keeper.exits), time.monotonic()
        stage.keeper.signal(dice.randrange(len(stage.daemons)), signal.SIGTERM)
        wait_until(lambda: len(stage.keeper.exits) > before, 30, every=0.01, what="the daemon's end")
        times.append(time.monotonic() - began)
        ledger.progress(20, what="after a SIGTERM")
    stage.demand(all(status == 0 for _, status in stage.keeper.exits[first:]), f"exits: {stage.keeper.exits}")
    stage.within(STOP_SECONDS, max(times), "an end by SIGTERM")
    return {"stops": len(times), "slowest stop s": round(max(times), 2)}


@fault("term-frozen", "SIGTERM of the daemon while its PostgreSQL is frozen: exit 0 within 10 s, and all comes back")
def term_frozen(stage, ledger, seconds, dice):
    pids = stage.processes()
    freeze(pids)
    began, postmaster, before = time.monotonic(), stage.postmaster(), len(stage.keeper.exits)
    try:
        stage.keeper.signal(0, signal.SIGTERM)
        wait_until(lambda: len(stage.keeper.exits) > before, 90, every=0.01, what="the daemon's end")
        took = time.monotonic() - began
    finally:
        thaw(pids)
    stage.mended_at = time.monotonic()
    status = stage.keeper.exits[before][1]
    stage.demand(status == 0, f"exit {status}")
    stage.within(STOP_SECONDS, took, "the end by SIGTERM")
    stage.demand(stage.postmaster() != postmaster, "the frozen postmaster was left behind")
    return {"stop s": round(took, 2)}


@fault("neighbours", "an upgrade under load: old programs, the new schema, one daemon after the other", private=False, daemons=2, needs_old=True)
def neighbours(stage, ledger, seconds, dice):
    ledger.progress(100, what="with the old programs")
    outcome = programs.run("giothong", "--config", stage.config, "migrate", folder=stage.postgres.folder)
    stage.demand(outcome.status == 0, f"migrate: {outcome}")
    ledger.progress(100, what="old programs on the new schema")
    for which, daemon in enumerate(stage.daemons):
        time.sleep(seconds / 3)
        daemon.binaries = programs.BIN
        stage.keeper.signal(which, signal.SIGTERM)
        wait_until(lambda: stage.keeper.restarts > which, 60, what="the new daemon")
        stage.wait_ready()
        ledger.progress(100, what="with neighbours" if which == 0 else "with the new programs")
    return {"upgraded": len(stage.daemons)}


# ---- PostgreSQL's processes ----

@fault("kill-postmaster", "kill -9 of the postmaster: the daemon starts it again")
def kill_postmaster(stage, ledger, seconds, dice):
    kills, began = 0, time.monotonic()
    for _ in spread(seconds, 5.0):
        postmaster = stage.postmaster()
        os.kill(postmaster, signal.SIGKILL)
        kills += 1
        wait_until(lambda: stage.postmaster() not in (None, postmaster), 60, what=f"a new postmaster; {stage.log()}")
        ledger.progress(20, what="after a postmaster's death")
    return {"kills": kills, **_health(stage, began)}


@fault("kill-backend", "kill -9 of one backend: PostgreSQL ends all sessions and recovers")
def kill_backend(stage, ledger, seconds, dice):
    kills, began = 0, time.monotonic()
    for _ in spread(seconds, 2.0):
        with contextlib.suppress(ProcessLookupError):      # a session that has just ended
            os.kill(dice.choice(stage.backends()), signal.SIGKILL)
            kills += 1
        ledger.progress(20, what="after a backend's death")
    return {"kills": kills, **_health(stage, began)}


@fault("terminate-backends", "pg_terminate_backend of all, each second")
def terminate_backends(stage, ledger, seconds, dice):
    ended, began = 0, time.monotonic()
    for _ in spread(seconds, 1.0):
        ended += len(stage.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'giothong_app'"))
    return {"sessions ended": ended, **_health(stage, began)}


def _health(stage, since):
    """/healthz must not have waited for the database."""
    until = time.monotonic()
    slowest, deaf = stage.pulse.slowest(since, until), stage.pulse.deaf(since, until)
    stage.within(HEALTH_SECONDS, slowest, "/healthz")
    stage.demand(deaf == 0, f"/healthz was not answered {deaf} times")
    return {"slowest healthz ms": round(1000 * slowest)}


def _while_away(stage, seconds, end):
    """The database is away now. Noticed in time; then `end()` brings it back."""
    began = time.monotonic()
    try:
        wait_until(lambda: not any(stage.is_ready(n) for n in range(len(stage.daemons))), NOTICED_SECONDS * stage.patience, every=0.1, what="noticed")
        noticed = time.monotonic() - began
        while time.monotonic() - began < seconds:
            for daemon in stage.daemons:
                for path, expected in (("/openapi.json", (200,)), ("/docs", (200,)), ("/api/v1/rounds", (200, 503))):
                    asked = time.monotonic()
                    status = httpx.get(daemon.url + path, timeout=30).status_code
                    took = time.monotonic() - asked
                    stage.demand(status in expected, f"{path} while the database was away: {status}")
                    stage.within(REQUEST_SECONDS if path.startswith("/api") else HEALTH_SECONDS, took, path)
            time.sleep(0.2)
    finally:
        end()
        back = stage.mended_at = time.monotonic()
    stage.wait_ready(60)
    ready = time.monotonic() - back
    stage.within(BACK_SECONDS, ready, "ready again")
    return {"away s": round(back - began), "noticed s": round(noticed, 2), "ready again s": round(ready, 2), **_health(stage, began)}


@fault("freeze-database", "SIGSTOP of the postmaster and all backends for 30 s")
def freeze_database(stage, ledger, seconds, dice):
    pids = stage.processes()
    freeze(pids)
    return _while_away(stage, min(30, seconds), lambda: thaw(pids))


@fault("cut-database", "the wire to the database falls silent for 30 s; what was on it never arrives", private=False, database_wire=True)
def cut_database(stage, ledger, seconds, dice):
    stage.wire.freeze()
    return _while_away(stage, min(30, seconds), lambda: stage.wire.thaw(deliver=False))


@fault("late-database", "the wire to the database falls silent for 30 s; what was on it arrives late", private=False, database_wire=True)
def late_database(stage, ledger, seconds, dice):
    stage.wire.freeze()
    return _while_away(stage, min(30, seconds), lambda: stage.wire.thaw(deliver=True))


# ---- clients ----

@fault("lost-answers", "each third answer is cut after the commit", client_wire=True)
def lost_answers(stage, ledger, seconds, dice):
    for wire in stage.wires:
        wire.lose(3)
    time.sleep(seconds)
    wait_until(lambda: sum(wire.cut for wire in stage.wires) > 20, 60, what="twenty answers are cut")
    for wire in stage.wires:
        wire.lose(0)
    cut = sum(wire.cut for wire in stage.wires)
    return {"answers cut": cut, "of": sum(wire.answers for wire in stage.wires)}


@fault("half-body", "half a body, then gone: closed, reset, or silent")
def half_body(stage, ledger, seconds, dice):
    token, serial, open_ones = ledger.token, 0, []
    for _ in spread(seconds, 0.02):
        serial += 1
        mark = f"{ledger.tag}W99N{serial}"
        ledger.forbid(mark)
        body = b'{"code": "%s", "name": "half a body", "organisation": "%s"}' % (mark.encode(), b"x" * 400)
        head = (f"POST /api/v1/teams HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nIdempotency-Key: {mark}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n").encode()
        cut = dice.randrange(1, len(head) + len(body))
        connection = raw.connect(dice.choice(stage.daemons))
        connection.sendall((head + body)[:cut])
        how = dice.choice(["close", "reset", "shut", "silent"])
        if how == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif how == "shut":
            connection.shutdown(socket.SHUT_WR)
        if how == "silent" and len(open_ones) < 200:
            open_ones.append(connection)
        else:
            connection.close()
    for connection in open_ones:
        connection.close()
    return {"half bodies": serial, "left silent": len(open_ones)}


# ---- the disk ----

def _fill(stage, ledger, seconds, when_full=lambda: None):
    """Full for a while; what was answered meanwhile."""
    stage.disk.fill()
    when_full()
    began, acknowledged, reads = time.monotonic(), len(ledger.acknowledged_at), {}
    caller = raw.Caller("127.0.0.1", stage.daemon.port, 25, {"Authorization": f"Bearer {ledger.token}"})
    while time.monotonic() - began < seconds:
        stage.disk.fill()
        for path in ("/api/v1/plans?limit=500", "/api/v1/rounds?from=2024-01-01&limit=100"):
            status = caller.call("GET", path)[0]
            reads[status] = reads.get(status, 0) + 1
        time.sleep(0.05)
    acknowledged = len(ledger.acknowledged_at) - acknowledged
    stage.disk.empty()
    stage.mended_at = time.monotonic()
    return {"writes while full": acknowledged, "reads while full": reads, **_health(stage, began)}


@fault("full-disk", "no byte is left for the data; the log of PostgreSQL has a disk of its own", private=False, disk_mb=160, own_wal=True)
def full_disk(stage, ledger, seconds, dice):
    figures = _fill(stage, ledger, seconds)
    stage.demand(figures["reads while full"].keys() == {200}, f"reads while the disk was full: {figures['reads while full']}")
    return figures


@fault("full-disk-log", "no byte is left for data and log, which are on one disk; PostgreSQL panics", disk_mb=160)
def full_disk_log(stage, ledger, seconds, dice):
    """The log needs its next file just now: what takes 16 MB of writes otherwise."""
    def next_file():
        with contextlib.suppress(psycopg.Error):
            for _ in range(3):
                stage.sql("SELECT pg_switch_wal()")
                stage.sql("CREATE TABLE IF NOT EXISTS chaos_filler (x int)")

    return _fill(stage, ledger, seconds, next_file)


# ---- the clock ----

def _jump(stage, ledger, seconds, by):
    """There and back again, with idle connections that must not notice and a list "from today" that must."""
    token = stage.daemon.new_token("auditor", f"short {time.monotonic_ns()}", "--expires", stage.today())
    writer = stage.daemon.new_token("staff", f"other {time.monotonic_ns()}")      # the ledger counts what its own token does
    staff = httpx.Client(base_url=stage.daemon.url, headers={"Authorization": f"Bearer {writer}"}, timeout=25)
    idle = [raw.Caller("127.0.0.1", stage.daemon.port, 25, {"Authorization": f"Bearer {token}"}) for _ in range(20)]
    today = datetime.date.fromisoformat(stage.today())
    rounds = {day: _announced(staff, ledger, day) for day in (today - datetime.timedelta(1), today)}
    figures = {}
    for caller in idle:
        assert caller.call("GET", "/api/v1/plans")[0] == 200
    connections = [caller.connection for caller in idle]
    for offset in (by, 0):
        stage.clock.jump(offset)
        jumped = time.monotonic()
        now = datetime.date.fromisoformat(stage.today())
        wait_until(lambda: _shown(stage) & set(rounds.values()) == {code for day, code in rounds.items() if day >= now}, 10, every=0.02,
                   what=f"the list from {now} on")
        turned = time.monotonic() - jumped
        stage.within(2.5, turned, "the list's turn at midnight")
        figures[f"list turned after s ({offset:+d})"] = round(turned, 2)
        expected = 401 if offset > 0 else 200              # a token that ends today
        statuses = {caller.call("GET", "/api/v1/plans")[0] for caller in idle}
        stage.demand(statuses == {expected}, f"a token of one day after a jump of {offset:+d} s: {statuses}")
        time.sleep(seconds / 2)
        ledger.progress(100, what=f"at {offset:+d} s")
    stage.mended_at = time.monotonic()
    stage.demand(connections == [caller.connection for caller in idle], "idle connections were closed by a jump")
    failures = [attempt for attempt in ledger.attempts() if attempt.status in (None, 500, 503)]
    # PostgreSQL counts a statement's time by the wall clock: what runs just then may be ended, and is repeated.
    stage.demand(len(failures) <= 2 * len(ledger.threads), f"{len(failures)} requests failed for the jump: {failures[:5]}")
    figures["failed for it"] = len(failures)
    return figures


def _announced(staff, ledger, day):
    """The code of a public round on that day."""
    mark = f"N{time.monotonic_ns() % 10**9}"
    plan = staff.post("/api/v1/plans", json={"number": f"{mark}/KH-THU", "code_prefix": mark, "title": "Kế hoạch thử", "from": str(day),
                                             "to": str(day)})
    assert plan.status_code == 201, plan.text
    made = staff.post(f"/api/v1/plans/{plan.json()['id']}/rounds", json={"title": "Đợt thử", "date": str(day), "units": [unit_on(str(day))]})
    assert made.status_code == 201, made.text
    told = staff.post(f"/api/v1/rounds/{made.json()['id']}/announce", headers={"If-Match": made.headers["etag"]})
    assert told.status_code == 200, told.text
    return made.json()["code"]


def _shown(stage):
    return {one["code"] for one in httpx.get(f"{stage.daemon.url}/api/v1/rounds?limit=500", timeout=25).json()["items"]}


@fault("clock-forward", "the wall clock jumps a day ahead, and back", private=False, jumping=True, ledger={"steady_date": False})
def clock_forward(stage, ledger, seconds, dice):
    return _jump(stage, ledger, seconds, 86400)


@fault("clock-back", "the wall clock jumps a day back, and ahead again", private=False, jumping=True, ledger={"steady_date": False})
def clock_back(stage, ledger, seconds, dice):
    return _jump(stage, ledger, seconds, -86400)


# ---- too much ----

OVERLOAD_TIMES = 4
ACCEPTED_SECONDS = 1.0                     # 99 of 100 that are served are served within
NORMAL_SECONDS = 10


@fault("overload", "four times the load that it can hold: asked at that rate whatever it answers")
def overload(stage, ledger, seconds, dice):
    token = stage.daemon.new_token("staff", f"load {time.monotonic_ns()}")
    tag = f"L{time.monotonic_ns() % 10**6}"
    _many_rounds(stage, token, 150)

    def make(n):
        if n % 4 == 0:
            return load.request("POST", "/api/v1/teams", token, {"code": f"{tag}X{n}", "name": "Đội thử"}, key=f"{tag}-{n}")
        return load.request("GET", f"/api/v1/rounds?from=2020-01-01&limit={480 + n % 20}", token)

    answers, _, _ = load.run(stage.daemon.port, make, 16, 6)
    served = [a for a in answers if 200 <= a.status < 300]
    capacity = len(served) / 6
    quiet = load.percentile(served, 0.5)
    first, base = len(answers) + 1000, tag
    tag = base + "B"
    rate = OVERLOAD_TIMES * capacity
    answers, dropped, unanswered = load.run(stage.daemon.port, lambda n: make(n + first), 4000, seconds, rate)
    mended = stage.mended_at = time.monotonic()
    statuses = collections.Counter(a.status for a in answers)
    accepted = [a for a in answers if 200 <= a.status < 300]
    p99 = load.percentile(accepted, 0.99)
    stage.demand(set(statuses) <= {200, 201, 429, 503}, f"statuses: {dict(statuses)}")
    stage.demand(not unanswered and not dropped, f"{unanswered} never answered, {dropped} found all connections busy")
    stage.demand(all(a.retry_after for a in answers if a.status in (429, 503)), "a 503 or 429 without Retry-After")
    stage.demand(p99 < ACCEPTED_SECONDS, f"accepted: p99 {p99:.2f} s")
    stage.demand(len(accepted) / seconds > capacity / 2, f"only {len(accepted) / seconds:.0f} served a second of {capacity:.0f}")
    back = _until_normal(stage, token, quiet) - mended
    stage.demand(back < NORMAL_SECONDS, f"normal again only after {back:.1f} s")
    made = {json.loads(a.body)["code"]: json.loads(a.body)["id"] for a in answers if a.status == 201}
    there = dict(stage.sql("SELECT code, id::text FROM team WHERE code LIKE %s", f"{tag}X%"))
    stage.demand(all(there.get(code) == one for code, one in made.items()), "an acknowledged team is not there")
    return {"holds/s": round(capacity), "asked/s": round(rate), "served/s": round(len(accepted) / seconds),
            "accepted p50 ms": round(1000 * load.percentile(accepted, 0.5)), "accepted p99 ms": round(1000 * p99),
            "refused": statuses[503] + statuses[429], "normal again s": round(back, 2), "statuses": dict(statuses)}


def _many_rounds(stage, token, count):
    """So many that a list of them is work."""
    staff = httpx.Client(base_url=stage.daemon.url, headers={"Authorization": f"Bearer {token}"}, timeout=25)
    today = datetime.date.fromisoformat(stage.today())
    mark = f"N{time.monotonic_ns() % 10**9}"
    rounds = [{"ordinal": n + 1, "title": f"Đợt {n}", "date": str(today + datetime.timedelta(n)), "units": [unit_on(str(today))]}
              for n in range(count)]
    answer = staff.post("/api/v1/plans/import", json={"number": f"{mark}/KH-THU", "code_prefix": mark, "title": "Kế hoạch thử",
                                                      "from": str(today), "to": str(today + datetime.timedelta(count)), "rounds": rounds})
    assert answer.status_code == 200, answer.text


def _until_normal(stage, token, quiet):
    """When ten reads in a row are served, none slower than ten times the quiet day's, or 100 ms."""
    caller, good = raw.Caller("127.0.0.1", stage.daemon.port, 25, {"Authorization": f"Bearer {token}"}), 0
    end = time.monotonic() + 60
    while good < 10:
        began = time.monotonic()
        status = caller.call("GET", "/api/v1/rounds?from=2020-01-01&limit=480")[0]
        good = good + 1 if status == 200 and time.monotonic() - began < max(10 * quiet, 0.1) else 0
        assert time.monotonic() < end, "not normal again within a minute"
        time.sleep(0.02)
    return time.monotonic()
