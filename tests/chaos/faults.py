"""The faults of reliability 3, one function each: act(stage, ledger, seconds, random) breaks, mends nothing, gives figures."""
import contextlib
import dataclasses
import os
import random
import signal
import socket
import struct
import time
import traceback

import httpx

from harness import raw
from harness.daemon import wait_until
from stage import HEALTH_SECONDS, REQUEST_SECONDS, Stage, thaw

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


def fault(name, what, ledger=None, check_requests=True, **stage):
    def register(act):
        FAULTS[name] = Fault(name, what, act, stage, ledger or {}, check_requests)
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
        if one.check_requests and counters["slowest_s"] > REQUEST_SECONDS:
            violations.append(f"a request took {counters['slowest_s']} s")
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
    times = []
    for _ in spread(seconds, max(4.0, stage.keeper.pause + 2.0)):
        before, began = len(stage.keeper.exits), time.monotonic()
        stage.keeper.signal(dice.randrange(len(stage.daemons)), signal.SIGTERM)
        wait_until(lambda: len(stage.keeper.exits) > before, 30, every=0.01, what="the daemon's end")
        times.append(time.monotonic() - began)
        ledger.progress(20, what="after a SIGTERM")
    stage.demand(all(status == 0 for _, status in stage.keeper.exits), f"exits: {stage.keeper.exits}")
    stage.demand(max(times) < 10, f"an end took {max(times):.1f} s")
    return {"stops": len(times), "slowest stop s": round(max(times), 2)}


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
    stage.demand(slowest < HEALTH_SECONDS, f"/healthz took {slowest:.1f} s")
    stage.demand(deaf == 0, f"/healthz was not answered {deaf} times")
    return {"slowest healthz ms": round(1000 * slowest)}


def _while_away(stage, seconds, end):
    """The database is away now. Noticed in time; then `end()` brings it back."""
    began = time.monotonic()
    try:
        wait_until(lambda: not any(stage.is_ready(n) for n in range(len(stage.daemons))), NOTICED_SECONDS, every=0.1, what="noticed")
        noticed = time.monotonic() - began
        while time.monotonic() - began < seconds:
            for daemon in stage.daemons:
                for path, expected in (("/openapi.json", (200,)), ("/docs", (200,)), ("/api/v1/rounds", (200, 503))):
                    asked = time.monotonic()
                    status = httpx.get(daemon.url + path, timeout=30).status_code
                    took = time.monotonic() - asked
                    stage.demand(status in expected and (took < HEALTH_SECONDS or path.startswith("/api")),
                                 f"{path} while the database was away: {status} after {took:.1f} s")
            time.sleep(0.2)
    finally:
        end()
        back = stage.mended_at = time.monotonic()
    stage.wait_ready(60)
    ready = time.monotonic() - back
    stage.demand(ready < BACK_SECONDS, f"ready again only after {ready:.1f} s")
    return {"away s": round(back - began), "noticed s": round(noticed, 2), "ready again s": round(ready, 2), **_health(stage, began)}


@fault("freeze-database", "SIGSTOP of the postmaster and all backends for 30 s")
def freeze_database(stage, ledger, seconds, dice):
    pids = stage.processes()
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
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
    for wire in stage.wires:
        wire.lose(0)
    cut = sum(wire.cut for wire in stage.wires)
    stage.demand(cut > 20, f"only {cut} answers were cut")
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
