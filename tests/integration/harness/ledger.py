"""The ledger of acknowledged writes: writers and readers that know what they were told, through any fault.

    with Ledger([daemon.url], token, seed=7) as ledger:
        ledger.progress(50)
        ...                                # break something, mend it
        ledger.progress(50)
    assert not ledger.check(query)         # query(sql, *parameters) -> rows, as superuser

Words of reliability.md: *acknowledged* = the whole 2xx answer arrived; *unknown* = sent, no complete answer (or one
that says so). What is unknown is repeated with the same key until it is known. The checks are in ledger_check.py.
"""
import collections
import datetime
import json
import random
import threading
import time
import uuid

from . import ledger_check, raw
from .daemon import wait_until
from .seeds import TODAY

UNITS = (("2025-07-01", "Huyện Than Uyên"), ("9999-12-31", "Xã Than Uyên"))     # each until that day
ROUNDS_OF_A_PLAN = 40
STALE_SECONDS = 1.0                        # how old an answer from memory may be


def unit_on(day):
    """A place that is in force on that day."""
    return next(name for until, name in UNITS if day < until)


class Attempt:
    """One send of a request."""

    __slots__ = ("at", "seconds", "which", "status", "slug", "request_id", "sent", "etag", "body", "retry_after", "why")

    def __init__(self, which):
        self.at, self.which = time.monotonic(), which          # which daemon was asked
        self.seconds = self.status = self.slug = self.request_id = self.etag = self.body = self.retry_after = None
        self.sent, self.why = True, ""

    @property
    def acknowledged(self):
        return self.status is not None and 200 <= self.status < 300

    @property
    def refused(self):
        """The answer says that nothing was done."""
        return self.status is not None and not self.acknowledged and self.slug != "unknown-outcome"

    def __repr__(self):
        return f"<{self.status or self.why} {self.slug or ''} {self.request_id or ''}>"


class Change:
    """One thing that a client wants done once, and every attempt at it."""

    def __init__(self, kind, action, method, path, body, key=None, if_match=None, subject=None, mark=None):
        self.kind, self.action, self.method, self.path = kind, action, method, path
        self.body, self.key, self.if_match = body, key, if_match
        self.bytes = json.dumps(body, ensure_ascii=False).encode() if body is not None else b""
        self.subject = subject             # the Thing that a step changes
        self.mark = mark                   # text that only this request's body has
        self.attempts = []
        self.answer = None                 # the acknowledged attempt
        self.refusal = None                # the attempt that ended it otherwise
        self.read_back = False             # known by reading: the answer itself was lost

    @property
    def is_unknown(self):
        return not self.answer and not self.refusal and not self.read_back

    @property
    def may_have_happened(self):
        return any(a.sent and not a.refused and not a.acknowledged for a in self.attempts)


class Thing:
    """A record as it was last acknowledged."""

    def __init__(self, kind, change):
        self.kind, self.created_by = kind, change
        self.id, self.body, self.etag = change.answer.body["id"], change.answer.body, change.answer.etag
        self.steps = []                    # Changes after the first
        self.unknown_step = None           # the last one, when its fate is not known
        self.told_at = time.monotonic()    # when the body above was acknowledged

    @property
    def version(self):
        return self.body.get("version", 1)

    @property
    def path(self):
        return f"/api/v1/{self.kind}s/{self.id}"

    def take(self, body, etag):
        self.body, self.etag, self.told_at = body, etag, time.monotonic()


class Stopped(Exception):
    """The phase is over; what is under way stays unknown."""


class Ledger:
    """
    `urls`: one or more daemons over one database. `tolerate`: statuses of no standing (500 where faults are
    injected) that count as unknown. `tls`: an SSL context when the urls are a proxy's; `public`: what anybody reads.
    `today`: the civil date that the daemon believes in, or a function; with
    `steady_date` False a step that depends on the day may be refused.
    """

    def __init__(self, urls, token, seed=1, writers=4, readers=2, repeats=0.15, timeout=25.0, pause=0.004,
                 today=TODAY, steady_date=True, tolerate=(), tls=None,
                 public=("/api/v1/rounds?limit=20", "/api/v1/teams", "/healthz", "/openapi.json")):
        self.urls, self.token, self.seed = list(urls), token, seed
        self.today = today if callable(today) else lambda: today
        self.repeats, self.timeout, self.pause = repeats, timeout, pause
        self.steady_date, self.tolerate = steady_date, set(tolerate)
        self.tls, self.public = tls, public
        self.tag = f"S{uuid.uuid4().hex[:4].upper()}"         # codes are short
        self.lock = threading.Lock()
        self.changes, self.things, self.violations = [], {}, []
        self.forbidden = []                # marks of bodies that must never be there
        self.acknowledged_at, self.reads = [], collections.Counter()
        self.read_seconds = []
        self.stopping, self.settled = threading.Event(), None
        self.threads = [threading.Thread(target=_Writer(self, n).run, daemon=True) for n in range(writers)]
        self.threads += [threading.Thread(target=_Reader(self, n).run, daemon=True) for n in range(readers)]
        self.began, self.ended = time.monotonic(), None

    # ---- life ----

    def start(self):
        self.began = time.monotonic()
        for thread in self.threads:
            thread.start()
        return self

    def stop(self, settle=30.0):
        """Nothing new; for up to `settle` seconds what is unknown is still repeated. The first call counts."""
        if self.ended:
            return
        self.ended = time.monotonic()
        self.settled = self.ended + settle
        self.stopping.set()
        for thread in self.threads:
            thread.join(settle + self.timeout + 10)
            assert not thread.is_alive(), "a writer hangs"

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def ask(self, urls):
        """From now on these daemons are asked."""
        self.urls = list(urls)

    def progress(self, more, seconds=120, what=""):
        """Waits for so many more acknowledged writes (or a violation, after which there may be none)."""
        target = len(self.acknowledged_at) + more
        wait_until(lambda: len(self.acknowledged_at) >= target or self.violations, seconds,
                   what=f"{more} more acknowledged writes {what}")

    def first_after(self, moment):
        """Seconds from then to the first acknowledged write."""
        return min((at - moment for at in list(self.acknowledged_at) if at >= moment), default=float("nan"))

    # ---- what writers and readers tell ----

    def violate(self, text):
        with self.lock:
            self.violations.append(text)

    def note(self, change):
        with self.lock:
            self.changes.append(change)

    def forbid(self, mark):
        """A body with this mark was never accepted: it must not be found."""
        with self.lock:
            self.forbidden.append(mark)

    def note_answer(self, attempt):
        if attempt.acknowledged:
            self.acknowledged_at.append(attempt.at + attempt.seconds)

    def add(self, thing):
        with self.lock:
            if (thing.kind, thing.id) in self.things:
                self.violations.append(f"{thing.kind} {thing.id} was answered for two different keys")
            self.things[thing.kind, thing.id] = thing

    # ---- afterwards ----

    def check(self, query, verify=None, seal_seconds=15.0, api_sample=40):
        """
        All violations of D1, D2, D6, worst first; [] when everything holds. `query(sql, *parameters)` gives rows,
        as superuser; `verify()` is `giothong audit verify` (None: not asked) and returns its complaint or None.
        """
        return ledger_check.check(self, query, verify, seal_seconds, api_sample)

    def attempts(self):
        return [attempt for change in self.changes for attempt in change.attempts]

    def gap(self, since=None, until=None):
        """The longest time without an acknowledged write."""
        since, until = since or self.began, until or self.ended or time.monotonic()
        times = [since, *sorted(t for t in list(self.acknowledged_at) if since < t < until), until]
        return max(b - a for a, b in zip(times, times[1:]))

    def counters(self):
        attempts = self.attempts()
        took = sorted(a.seconds for a in attempts if a.acknowledged)
        statuses = collections.Counter(f"{a.status} {a.slug}" if a.slug else str(a.status or a.why) for a in attempts)
        return {
            "acknowledged": sum(1 for c in self.changes if c.answer),
            "read_back": sum(1 for c in self.changes if c.read_back),
            "unknown": sum(1 for c in self.changes if c.is_unknown),
            "unknown_attempts": sum(1 for a in attempts if a.sent and not a.acknowledged and not a.refused),
            "retried": sum(len(c.attempts) - 1 for c in self.changes),
            "refused": sum(1 for c in self.changes if c.refusal),
            "things": len(self.things),
            "p50_ms": _percentile_ms(took, 0.50), "p99_ms": _percentile_ms(took, 0.99),
            "slowest_s": round(max((a.seconds for a in attempts), default=0.0), 2),
            "gap_s": round(self.gap(), 2),
            "statuses": dict(statuses.most_common()),
            "reads": dict(self.reads),
            "slowest_read_s": round(max(self.read_seconds, default=0.0), 2),
        }


def _percentile_ms(ordered, share):
    return round(1000 * ordered[min(len(ordered) - 1, int(len(ordered) * share))], 1) if ordered else None


class _Client:
    """One thread's way to the daemons; any of them may be asked to repeat what another was asked first."""

    def __init__(self, ledger, token):
        self.ledger, self.callers = ledger, {}
        self.headers = {"User-Agent": "ledger", **({"Authorization": f"Bearer {token}"} if token else {})}

    def _caller(self, url):
        if url not in self.callers:
            self.callers[url] = raw.Caller("127.0.0.1", int(url.rsplit(":", 1)[1]), self.ledger.timeout, self.headers,
                                           self.ledger.tls)
        return self.callers[url]

    def send(self, which, method, path, content=b"", headers=None):
        urls = self.ledger.urls
        which %= len(urls)
        attempt = Attempt(which)
        try:
            status, answer, body = self._caller(urls[which]).call(method, path, content, headers)
            attempt.request_id, attempt.etag = answer.get("request-id"), answer.get("etag")
            attempt.retry_after = answer.get("retry-after")
            media = answer.get("content-type", "").split(";")[0]
            attempt.body = json.loads(body) if media.endswith("json") else None
            if media == "application/problem+json":
                attempt.slug = attempt.body["type"].removeprefix("/problems/")
            attempt.status = status        # last: what cannot be read is no answer
        except raw.NotSent as failure:
            attempt.sent, attempt.why = False, f"not sent: {failure}"
        except raw.Lost as failure:
            attempt.why = f"lost: {failure}"
        attempt.seconds = time.monotonic() - attempt.at
        return attempt


class _Writer:
    def __init__(self, ledger, number):
        self.ledger, self.number = ledger, number
        self.random = random.Random(f"{ledger.seed}/{number}")
        self.serial = 0
        self.client = None
        self.plan, self.rounds_left = None, 0
        self.made = []                     # (change, thing) with a key, to repeat

    # ---- the loop ----

    def run(self):
        self.client = _Client(self.ledger, self.ledger.token)
        try:
            while True:
                self._turn()
                self._pause(self.ledger.pause)
        except Stopped:
            pass
        except Exception as failure:       # a bug of this file must not look like a quiet day
            self.ledger.violate(f"writer {self.number} ended: {type(failure).__name__}: {failure}")

    def _pause(self, seconds):
        if self.ledger.stopping.wait(seconds):
            raise Stopped

    def _turn(self):
        if not self.plan or self.rounds_left == 0:
            self.plan = self._make_plan()
            self.rounds_left = ROUNDS_OF_A_PLAN
        self.random.choice([self._team, self._venue, self._past_life, self._future_life])()

    def _between(self):
        """Between two changes: now and then something that was acknowledged is said again."""
        if self.made and self.random.random() < self.ledger.repeats:
            self._repeat(*self.random.choice(self.made[-200:]))
        self._pause(self.ledger.pause)

    # ---- one change until it is known ----

    def _do(self, change, expected):
        """The acknowledged attempt, or None: refused as `expected` allows."""
        self.ledger.note(change)
        while True:
            attempt = self._attempt(change)
            if attempt.acknowledged:
                change.answer = attempt
                return attempt
            if attempt.refused and attempt.status in expected:
                change.refusal = attempt
                return None
            self._judge(change, attempt)
            self._wait_before_retry()

    def _attempt(self, change):
        headers = {"Content-Type": "application/json"} if change.bytes else {}
        if change.key:
            headers["Idempotency-Key"] = change.key
        if change.if_match:
            headers["If-Match"] = change.if_match
        which = self.number + len(change.attempts)
        attempt = self.client.send(which, change.method, change.path, change.bytes, headers)
        change.attempts.append(attempt)
        self.ledger.note_answer(attempt)
        return attempt

    def _judge(self, change, attempt):
        """What is no 2xx and not expected must be an answer that asks for a retry."""
        if attempt.status is None or attempt.status in self.ledger.tolerate:
            return
        waits = attempt.status in (503, 429) or attempt.slug == "idempotency-running"
        if waits and attempt.retry_after and attempt.retry_after.isdigit() and int(attempt.retry_after) >= 1:
            return
        self.ledger.violate(f"{change.method} {change.path}: {attempt.status} {attempt.slug}, Retry-After"
                            f" {attempt.retry_after}: {json.dumps(attempt.body, ensure_ascii=False)[:300]}")
        change.refusal = attempt
        raise Stopped

    def _wait_before_retry(self):
        if self.ledger.stopping.is_set() and time.monotonic() > self.ledger.settled:
            raise Stopped
        time.sleep(0.05 + 0.1 * self.random.random())

    # ---- things that are made once ----

    def _mark(self):
        self.serial += 1
        return f"{self.ledger.tag}W{self.number}N{self.serial}"

    def _unit(self, day=None):
        return unit_on(day or self.ledger.today())

    def _make(self, kind, path, body, mark):
        change = Change(kind, f"{kind}.create", "POST", path, body, key=str(uuid.UUID(int=self.random.getrandbits(128))),
                        mark=mark)
        self._do(change, expected=())
        thing = Thing(kind, change)
        self.ledger.add(thing)
        self.made.append((change, thing))
        return thing

    def _make_plan(self):
        today, mark = datetime.date.fromisoformat(self.ledger.today()), self._mark()
        body = {"number": f"{mark}/KH-THU", "code_prefix": f"X{uuid.uuid4().hex[:8].upper()}", "title": f"Kế hoạch {mark}",
                "from": str(today - datetime.timedelta(30)), "to": str(today + datetime.timedelta(330))}
        return self._make("plan", "/api/v1/plans", body, mark)

    def _team(self):
        mark = self._mark()
        thing = self._make("team", "/api/v1/teams", {"code": mark, "name": f"Đội {mark}", "beds": self.random.randint(1, 20)}, mark)
        self._between()
        self._edit(thing, {"beds": self.random.randint(21, 40)})
        self._between()

    def _venue(self):
        mark = self._mark()
        thing = self._make("venue", "/api/v1/venues", {"name": f"Nhà văn hóa {mark}", "unit": self._unit(), "address": "Bản thử"}, mark)
        self._between()
        self._edit(thing, {"capacity": self.random.randint(50, 300)})
        self._between()

    def _draft(self, offset, **more):
        self.rounds_left -= 1
        mark = self._mark()
        day = datetime.date.fromisoformat(self.ledger.today()) + datetime.timedelta(offset)
        body = {"title": f"Đợt {mark}", "date": str(day), "units": [self._unit(str(day))], "capacity": 100, "target_units": 60, **more}
        return self._make("round", f"/api/v1/plans/{self.plan.id}/rounds", body, mark)

    def _report(self, one, figures, **more):
        """False: the day is not what it was."""
        mark = self._mark()
        body = {"source": "team", "reported_on": one.body["date"], "note": mark, **figures, **more}
        change = Change("report", "report.create", "POST", f"{one.path}/reports", body, mark=mark,
                        key=str(uuid.UUID(int=self.random.getrandbits(128))))
        if not self._do(change, expected=() if self.ledger.steady_date else (409, 422)):
            return None
        thing = Thing("report", change)
        thing.round = one
        self.ledger.add(thing)
        self.made.append((change, thing))
        return thing

    # ---- steps: If-Match instead of a key ----

    def _step(self, thing, verb, body=None):
        """False: refused, which only a day that moved may do."""
        return self._change(thing, Change(thing.kind, f"{thing.kind}.{verb}", "POST", f"{thing.path}/{verb}", body,
                                          if_match=thing.etag, subject=thing))

    def _edit(self, thing, body):
        return self._change(thing, Change(thing.kind, f"{thing.kind}.edit", "PATCH", thing.path, body, if_match=thing.etag,
                                          subject=thing))

    def _change(self, thing, change):
        thing.unknown_step = change
        expected = (412,) if self.ledger.steady_date else (412, 409, 422)
        attempt = self._do(change, expected)
        thing.unknown_step = None
        if attempt:
            if attempt.body["version"] != thing.version + 1:
                self.ledger.violate(f"{change.action} of {thing.id}: version {thing.version} became {attempt.body['version']}")
            thing.steps.append(change)
            thing.take(attempt.body, attempt.etag)
            return True
        if change.refusal.status == 412:
            return self._read_back(thing, change)
        return False

    def _read_back(self, thing, change):
        """Stale: nobody else writes here, so it was this change's own first attempt. Reading makes it known."""
        if not change.may_have_happened:
            self.ledger.violate(f"{change.action} of {thing.id}: 412 to a version that nobody changed")
            raise Stopped
        thing.unknown_step = change
        change.refusal = None
        while True:
            attempt = self.client.send(self.number, "GET", thing.path)
            if attempt.acknowledged and attempt.body["version"] == thing.version + 1:
                break
            if attempt.acknowledged and attempt.body["version"] > thing.version + 1:
                self.ledger.violate(f"{change.action} of {thing.id} was done {attempt.body['version'] - thing.version} times")
                raise Stopped
            self._wait_before_retry()
        thing.unknown_step = None
        change.read_back = True
        thing.steps.append(change)
        thing.take(attempt.body, attempt.etag)
        return True

    # ---- two lives of a round ----

    def _past_life(self):
        """Today: announced to closed, with its reports and a correction."""
        one = self._draft(0)
        for verb, body in (("announce", None), ("confirm", {"document": "Công văn thử số 1"}), ("open", None), ("start", None)):
            if not self._step(one, verb, body):
                return
            self._between()
        first = None
        for n in range(self.random.randint(2, 5)):
            came = self.random.randint(20, 200)
            figures = {"registered": {"value": came + n, "qualifier": "exact"}, "present": {"value": came, "qualifier": "exact"},
                       "units": {"value": came, "qualifier": "about"}}
            made = self._report(one, figures)
            if not made:
                return
            first = first or made
            self._between()
        if self._report(one, {"units": {"value": 7, "qualifier": "exact"}}, corrects=first.id):
            self._step(one, "close")
        self._between()

    def _future_life(self):
        """Later: edited, postponed, taken up again, moved, cancelled."""
        one = self._draft(self.random.randint(20, 60), organiser="Hội thử")
        later = str(datetime.date.fromisoformat(one.body["date"]) + datetime.timedelta(30))
        for verb, body in (("announce", None), ("confirm", {"document": "Công văn thử số 2"}), ("open", None),
                           ("postpone", {"reason": "mưa lớn"}), ("reopen", {"reason": "tạnh mưa"}),
                           ("move", {"reason": "sạt lở", "date": later}), ("cancel", {"reason": "không đủ người"})):
            if self.random.random() < 0.3 and verb not in ("announce", "cancel"):
                self._edit(one, {"note": self._mark()})
            if not self._step(one, verb, body):
                return
            self._between()

    # ---- D2 ----

    def _repeat(self, change, thing):
        """The same key again: the same status and thing. Every third with another body: 422, and nothing changes."""
        if self.random.random() < 0.33:
            self._repeat_with_another_body(change)
            return
        again = Change(change.kind, f"{change.kind}.replay", change.method, change.path, change.body, key=change.key)
        again.bytes = change.bytes
        self._do(again, expected=())
        if again.answer.status != change.answer.status:
            self.ledger.violate(f"D2: {change.action}: {change.answer.status} first, {again.answer.status} again")
        difference = ledger_check.difference(thing.kind, thing.body, again.answer.body)
        if difference:
            self.ledger.violate(f"D2: {change.action} of {thing.id} repeated gives another answer: {difference}")

    def _repeat_with_another_body(self, change):
        mark = self._mark()
        body = json.loads(change.bytes.decode().replace(change.mark, mark))
        self.ledger.forbid(mark)
        other = Change(change.kind, None, change.method, change.path, body, key=change.key)
        if self._do(other, expected=(422,)):
            self.ledger.violate(f"D2: {change.action}: another body under the same key was accepted: {other.answer}")
        elif other.refusal.slug != "idempotency-mismatch":
            self.ledger.violate(f"D2: {change.action}: another body under the same key: {other.refusal}")


class _Reader:
    """Reads what was acknowledged: answered in time, and never older than one second."""

    def __init__(self, ledger, number):
        self.ledger, self.number = ledger, number
        self.random = random.Random(f"{ledger.seed}/reader/{number}")

    def run(self):
        public, own = _Client(self.ledger, None), _Client(self.ledger, self.ledger.token)
        turn = self.number
        try:
            while not self.ledger.stopping.wait(0.02):
                turn += 1
                if self.random.random() < 0.5:
                    self._public(public, turn)
                else:
                    self._own(own, turn)
        except Exception as failure:
            self.ledger.violate(f"reader {self.number} ended: {type(failure).__name__}: {failure}")

    def _count(self, attempt, path):
        with self.ledger.lock:
            self.ledger.reads[str(attempt.status or attempt.why)] += 1
            self.ledger.read_seconds.append(attempt.seconds)
        fine = attempt.status in (200, 503, 429, None) or attempt.status in self.ledger.tolerate
        if not fine or (attempt.status in (503, 429) and not attempt.retry_after):
            self.ledger.violate(f"GET {path}: {attempt}, Retry-After {attempt.retry_after}")

    def _public(self, client, turn):
        path = self.random.choice(self.ledger.public)
        attempt = client.send(turn, "GET", path)
        self._count(attempt, path)
        if path in ("/healthz", "/openapi.json") and attempt.status not in (200, None):
            self.ledger.violate(f"GET {path}, which needs no database: {attempt}")

    def _own(self, client, turn):
        with self.ledger.lock:
            rounds = [t for (kind, _), t in list(self.ledger.things.items())[-60:] if kind == "round"]
        if not rounds:
            return
        one = self.random.choice(rounds)
        version, told_at = one.version, one.told_at
        attempt = client.send(turn, "GET", one.path)
        self._count(attempt, one.path)
        if attempt.acknowledged and attempt.body["version"] < version and attempt.at - told_at > STALE_SECONDS:
            self.ledger.violate(f"{one.path}: version {attempt.body['version']} was read {attempt.at - told_at:.2f} s after"
                                f" {version} had been acknowledged")
