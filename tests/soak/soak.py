"""One seed: a daemon whose libraries and system calls fail at random, clients at work, and then the invariants."""
import collections
import re
import signal
import threading
import time

import bystanders
from harness import programs, raw
from harness.daemon import AS_SHIPPED, Daemon, NOW, wait_until
from harness.database import Postgres
from harness.ledger import Ledger

RATES = (400, 150, 1200)                   # seeds take turns: often a little, seldom much
INJECTED = re.compile(r"^fault_injected level=warning point=(\w+) ", re.M)
RESTART_SECONDS = 0.05                     # systemd would wait longer; nothing is learned from waiting
REQUEST_SECONDS = 20                       # no request takes longer
STOP_SECONDS = 10


class Run:
    """One process from its start to its end, with the log that it alone wrote."""

    def __init__(self, daemon):
        self.daemon, self.began = daemon, time.monotonic()
        self.offset = daemon.err_path.stat().st_size if daemon.err_path.exists() else 0
        self.status, self.asked = None, False
        daemon.launch()
        self.process = daemon.process

    def log(self):
        with open(self.daemon.err_path, encoding="utf-8", errors="replace") as file:
            file.seek(self.offset)
            return file.read()

    def end(self, status):
        self.status, self.text = status, self.log()
        self.faults = collections.Counter(INJECTED.findall(self.text))

    @property
    def aborted(self):
        return self.status == -signal.SIGABRT

    def complaint(self):
        """What is wrong with its end, or None."""
        if self.status == 0 and self.asked:
            return None
        if self.aborted and self.faults["xmalloc"] and "out_of_memory\n" in self.text:
            return None
        ready = "ready level=info" in self.text
        if self.status == -signal.SIGTERM and self.asked and self.text.count("\n") <= 1:
            return None                    # asked before it had begun
        if self.status == 1 and not ready and any(point.startswith(("pq_", "event", "json")) for point in self.faults):
            return None                    # it could not reach its database, or read its rules, and said so
        return f"the daemon ended with {self.status} (asked: {self.asked}):\n{self.text[-3000:]}"


class Supervisor(threading.Thread):
    """Starts the daemon again whenever it ends, until it is told to stop. `faults(n)`: the environment of the n-th start."""

    def __init__(self, daemon, faults):
        super().__init__(daemon=True)
        self.daemon_under_test, self.faults = daemon, faults
        self.lock, self.resting = threading.Lock(), threading.Event()
        self.runs = []
        self._launch()

    def _launch(self):
        self.daemon_under_test.environment = self.faults(len(self.runs))
        self.runs.append(Run(self.daemon_under_test))

    def run(self):
        while not self.resting.wait(0.01):
            with self.lock:
                status = self.runs[-1].process.poll()
                if status is None or self.resting.is_set():
                    continue
                self.runs[-1].end(status)
            if self.resting.wait(RESTART_SECONDS):
                return
            with self.lock:
                if not self.resting.is_set():
                    self._launch()

    def stop(self):
        """SIGTERM to what runs; the seconds that its end took."""
        with self.lock:
            self.resting.set()
        self.join()
        last, began = self.runs[-1], time.monotonic()
        if last.status is None:
            if last.process.poll() is None:
                last.asked = True
                last.process.send_signal(signal.SIGTERM)
            try:
                last.end(last.process.wait(STOP_SECONDS * 3))
            except Exception:
                last.process.kill()
                last.end(last.process.wait())
        self.daemon_under_test.process = None
        return time.monotonic() - began


class Outcome:
    def __init__(self, what):
        self.what, self.violations, self.seconds, self.log = what, [], 0.0, ""
        self.faults, self.figures = collections.Counter(), {}
        self.aborts = self.refused_starts = self.restarts = 0

    @property
    def passed(self):
        return not self.violations

    def line(self):
        told = {name: self.figures.get(name) for name in ("requests", "acknowledged", "unknown_attempts", "retried", "slowest_s")}
        return (f"{'PASS' if self.passed else 'FAIL'} {self.what}: faults {sum(self.faults.values())}, aborts {self.aborts},"
                f" restarts {self.restarts}, " + ", ".join(f"{name} {value}" for name, value in told.items()) +
                f" ({self.seconds:.1f} s)")


class Ground:
    """One PostgreSQL and one daemon without faults on it, for all seeds; each seed has its own daemon beside that one."""

    def __init__(self):
        self.postgres, self.steady = Postgres(), None
        try:
            self.postgres.make()
            self.config = self.postgres.configuration()
            for words in (("keyring", "create"), ("migrate",)):
                outcome = programs.run("giothong", "--config", self.config, *words, folder=self.postgres.folder)
                assert outcome.status == 0, outcome
            self.steady = self._daemon()
            self.steady.start()
            self.importer = self.steady.new_token("staff", "soak import")
            self.gateway = self.steady.new_token("gateway", "soak")
        except BaseException:
            self.clear()
            raise

    def _daemon(self, workers=2):
        return Daemon(folder=self.postgres.folder, config=self.config, now=NOW, settings={**AS_SHIPPED, "workers.count": workers})

    def sql(self, statement, *parameters):
        return self.postgres.ask(statement, *parameters)

    def verify(self):
        """The complaint of `giothong audit verify`, or None: the chain, and the records against their audit rows."""
        outcome = self.steady.cli("audit", "verify", "--records", timeout=300)
        return None if outcome.status == 0 else f"exit {outcome.status}: {outcome.out[-300:]} {outcome.err[-300:]}"

    def finish(self):
        """Of the ground itself: what is wrong at the end."""
        complaints = [text for text in [self.verify()] if text]
        status = self.steady.stop()
        if status != 0:
            complaints.append(f"the daemon without faults ended with {status}:\n{self.steady.log()}")
        return complaints

    def clear(self):
        if self.steady:
            self.steady.end()
        self.postgres.remove()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.clear()

    # ---- a seed ----

    def perform(self, seed, seconds=2.0, rate=None, points=None):
        """Faults at random for so long."""
        rate = rate or RATES[seed % len(RATES)]

        def faults(start):
            # Another seed after each end, or it might never get further.
            return {"GIOTHONG_FAULT_SEED": f"{seed}{f'{start:03d}' if start else ''}:{rate}",
                    **({"GIOTHONG_FAULT_POINTS": points} if points else {})}
        return self._perform(Outcome(f"seed {seed}, rate {rate}"), faults, seed, seconds, 2, {"writers": 4, "readers": 1})

    def perform_each(self, n, points="-xmalloc"):
        """The n-th call of a short script fails, and no other. (None of its faults: the script has fewer calls.)"""
        def faults(start):
            return {"GIOTHONG_FAULT_AT": str(n), "GIOTHONG_FAULT_POINTS": points} if start == 0 else {}
        return self._perform(Outcome(f"call {n}"), faults, 1, 0.0, 1, {"writers": 1, "readers": 0, "repeats": 0.3}, f"C{n}X")

    def _perform(self, outcome, faults, seed, seconds, workers, clients, tag=None):
        began, daemon = time.monotonic(), self._daemon(workers)
        token = self.steady.new_token("staff", f"soak {time.monotonic_ns()}")
        supervisor = Supervisor(daemon, faults)
        supervisor.start()
        ledger = Ledger([daemon.url], token, seed=seed, timeout=25, pause=0.0, **clients)
        ledger.tag = tag or ledger.tag     # one script again and again: its names must differ
        others = bystanders.gather(daemon.url, self.importer, self.gateway)
        try:
            self._work(daemon, ledger, others, seconds)
            ledger.ask([self.steady.url])  # faults off: what is unknown becomes known
            stop_seconds = supervisor.stop()
            ledger.stop()
            outcome.violations = ledger.check(self.sql, api_sample=10) + self._look_at(others)
            if stop_seconds > STOP_SECONDS:
                outcome.violations.append(f"SIGTERM took {stop_seconds:.1f} s")
        except Exception as failure:
            outcome.violations.append(f"{type(failure).__name__}: {failure}")
        finally:
            ledger.stopping.set()
            supervisor.stop()
        self._note(outcome, supervisor, ledger, others)
        outcome.seconds = time.monotonic() - began
        return outcome

    @staticmethod
    def _work(daemon, ledger, others, seconds):
        wait_until(lambda: health_of(daemon) is not None, 30, every=0.02, what="the daemon with faults answers at all")
        for one in others:
            one.start()
        ledger.start()
        ledger.progress(20)
        time.sleep(seconds)
        for one in others:
            one.stopping.set()

    def _look_at(self, others):
        for one in others:
            one.join(60)
        others[-1].check(self.sql)
        return [violation for one in others for violation in one.violations]

    @staticmethod
    def _note(outcome, supervisor, ledger, others):
        for run in supervisor.runs:
            outcome.faults += run.faults
            outcome.aborts += run.aborted
            complaint = run.complaint()
            if complaint:
                outcome.violations.append(complaint)
        outcome.restarts = len(supervisor.runs) - 1
        outcome.refused_starts = sum(run.status == 1 for run in supervisor.runs)
        outcome.figures = ledger.counters()
        outcome.figures["requests"] = len(ledger.attempts()) + sum(ledger.reads.values()) + sum(one.requests for one in others)
        slowest = max(outcome.figures["slowest_s"], outcome.figures["slowest_read_s"], *(one.slowest for one in others))
        if slowest > REQUEST_SECONDS:
            outcome.violations.append(f"a request took {slowest:.1f} s")
        if outcome.figures["unknown"]:
            outcome.violations.append(f"{outcome.figures['unknown']} writes are unknown though nothing fails any more")
        reports = programs.REPORTS.news()
        if reports:
            outcome.violations.append(f"a sanitizer reported:\n{reports}")
        outcome.log = "".join(run.text for run in supervisor.runs)


def health_of(daemon):
    """The status of /healthz, or None."""
    try:
        return raw.Caller("127.0.0.1", daemon.port, 5).call("GET", "/healthz")[0]
    except (raw.Lost, raw.NotSent):
        return None
