"""A daemon that is killed while requests are under way, and clients that say everything again until it is answered."""
import contextlib
import datetime
import threading
import time

import httpx

PATIENCE = 240                             # seconds until a request must have its answer, however often the daemon is killed
WAITS = {"idempotency-running", "try-again"}


class Host:
    """
    One daemon from day to day of the story. In each stage of it so many kills are drawn: each happens while the n-th request of
    the stage, or one right after it, is under way. Which n, and how long after its sending, follows from the seed alone.
    """

    def __init__(self, daemon, dice):
        self.daemon, self.dice = daemon, dice
        self.lock = threading.Condition()
        self.under_way = self.sent = self.requests = self.lost = 0
        self.moments, self.due, self.kills, self.failure = [], [], [], None
        self.name, self.ask_anything, self.ending = "", None, False
        self.killer = threading.Thread(target=self._kill_when_due, daemon=True)
        self.killer.start()

    # ---- the clock ----

    def begin(self, now):
        """Ends well, and goes on at another time: the next day of the story. Between stages."""
        if self.daemon.process is not None:
            status = self.daemon.stop()
            assert status == 0, f"the daemon ended with {status}:\n{self.daemon.log()}"
        self.now, self.since = datetime.datetime.fromisoformat(now), time.monotonic()
        self._start()

    def _start(self):
        now = self.now + datetime.timedelta(seconds=time.monotonic() - self.since)
        self.daemon.settings["test.now"] = now.isoformat()
        self.daemon.start()

    # ---- requests ----

    @contextlib.contextmanager
    def request(self):
        with self.lock:
            if self.failure:
                raise self.failure
            self.under_way += 1
            self.sent += 1
            self.requests += 1
            while self.moments and self.sent >= self.moments[0][0]:
                self.due.append(self.moments.pop(0)[1])
            self.lock.notify_all()
        try:
            yield
        finally:
            with self.lock:
                self.under_way -= 1

    def lose(self, failure):
        with self.lock:
            self.lost += not isinstance(failure, httpx.ConnectError)

    @contextlib.contextmanager
    def stage(self, name, requests, kills):
        """`requests`: at least so many come; `kills` of them are moments to kill at."""
        with self.lock:
            self.name, self.sent = name, 0
            chosen = sorted(self.dice.sample(range(2, max(requests * 9 // 10, kills + 2)), kills))
            self.moments = [(n, self.dice.uniform(0, 0.03)) for n in chosen]
        yield
        assert not self.moments, f"{name}: {self.sent} requests, fewer than were thought of"
        while self.due:                    # it wants something under way
            self.ask_anything()

    # ---- kills ----

    def _kill_when_due(self):
        try:
            while True:
                with self.lock:
                    self.lock.wait_for(lambda: self.due or self.ending)
                    if self.ending:
                        return
                    delay = self.due[0]
                time.sleep(delay)
                self._kill()
                with self.lock:
                    self.due.pop(0)
                    self.lock.notify_all()
        except BaseException as failure:
            with self.lock:
                self.failure = failure
                self.lock.notify_all()

    def _kill(self):
        with self.lock:
            assert self.lock.wait_for(lambda: self.under_way, PATIENCE), "nothing is under way"
            self.kills.append((self.name, self.sent, self.under_way))
        self.daemon.kill()
        self._start()

    def end(self):
        with self.lock:
            self.ending = True
            self.lock.notify_all()
        self.killer.join(PATIENCE)


class Careful:
    """A client that says a request again until it is answered, with the same key: whatever was killed or cut meanwhile."""

    def __init__(self, host, api):
        self.host, self.api = host, api

    def ask(self, method, path, expect=200, key=None, headers=None, **options):
        """The answer; answer.unknown: how many were lost before, any of which may have been done."""
        headers = {**({"Idempotency-Key": str(key)} if key else {}), **(headers or {})}
        expected = expect if isinstance(expect, tuple) else (expect,)
        end, unknown = time.monotonic() + PATIENCE, 0
        while True:
            answer = None
            with self.host.request():
                try:
                    answer = self.api.request(method, path, headers=headers, **options)
                except httpx.TransportError as failure:
                    unknown += not isinstance(failure, httpx.ConnectError)
                    self.host.lose(failure)
            if answer is not None and not asks_to_wait(answer):
                break
            if answer is not None and answer.status_code == 503:
                unknown += 1
            assert time.monotonic() < end, f"{method} {path}: not answered"
            time.sleep(0.05)
        assert answer.status_code in expected, \
            f"{method} {path}: {answer.status_code}, expected {expected} (lost before: {unknown})\n{answer.text[:1500]}"
        answer.unknown = unknown
        return answer

    def get(self, path, **options):
        return self.ask("GET", path, **options).json()

    def post(self, path, body, expect=201, **options):
        return self.ask("POST", path, expect=expect, json=body, **options)

    def items(self, path, **params):
        found, cursor = [], None
        while True:
            page = self.get(path, params={"limit": 200, **params, **({"cursor": cursor} if cursor else {})})
            found += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    def step(self, path, verb, body, done, method="POST"):
        """A step of what is versioned. Nobody else changes it, so one that is refused was done by an answer that was lost."""
        unknown = 0
        while True:
            now = self.ask("GET", path)
            if done(now.json()):
                return now.json()
            answer = self.ask(method, f"{path}/{verb}" if verb else path, expect=(200, 409, 412), json=body,
                              headers={"If-Match": now.headers["etag"]} if "etag" in now.headers else {})
            if answer.status_code == 200:
                return answer.json()
            unknown += answer.unknown
            assert unknown, f"{path} {verb}: {answer.text}"


def asks_to_wait(answer):
    if answer.status_code in (429, 503):
        return True
    return answer.status_code == 409 and answer.json()["type"].removeprefix("/problems/") in WAITS
