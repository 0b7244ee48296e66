"""What a fault is done to: daemons, their PostgreSQL, the wires between, and a keeper that restarts what systemd would."""
import contextlib
import datetime
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sysconfig
import threading
import time

import httpx

from harness import programs, raw
from harness.daemon import AS_SHIPPED, Daemon, NOW, alive, wait_until
from harness.database import Postgres
from harness.ledger import Ledger
from harness.relay import Relay
from harness.seeds import TODAY

PLAN = programs.CONFIG / "plans" / "lai-chau-2025.json"
STOP_SECONDS = 10                          # a SIGTERM ends a daemon within
HEALTH_SECONDS = 2                         # what needs no database answers within
REQUEST_SECONDS = 20                       # no request takes longer, whatever the database does


def civil_today(offset=0.0):
    zone = datetime.timezone(datetime.timedelta(hours=7))
    return str((datetime.datetime.now(zone) + datetime.timedelta(seconds=offset)).date())


class Keeper(threading.Thread):
    """systemd's Restart=always: a daemon that ended is started again after `pause` seconds. It knows which ends were asked for."""

    def __init__(self, stage, pause):
        super().__init__(daemon=True)
        self.stage, self.pause = stage, pause
        self.lock = threading.Lock()
        self.resting = threading.Event()
        self.asked = self.restarts = 0
        self.exits = []                    # (which, status)

    def run(self):
        while not self.resting.wait(0.02):
            for which, daemon in enumerate(self.stage.daemons):
                with self.lock:
                    status = daemon.process.poll() if daemon.process else None
                    if status is not None:
                        self.exits.append((which, status))
                        daemon.process = None
                if status is not None:
                    self.resting.wait(self.pause)
                    if not self.resting.is_set():
                        daemon.launch()
                        self.restarts += 1

    def signal(self, which, number):
        """A signal that ends the daemon, as an operator or the kernel would send it."""
        with self.lock:
            process = self.stage.daemons[which].process
            if process and process.poll() is None:
                self.asked += 1
                process.send_signal(number)
                return process.pid
        return None


class Pulse(threading.Thread):
    """Asks each daemon for /healthz and /readyz five times a second: neither waits for a database."""

    def __init__(self, urls):
        super().__init__(daemon=True)
        self.urls, self.ended = urls, threading.Event()
        self.health, self.ready = [], []   # (which, at, status or None, seconds)

    def run(self):
        callers = [raw.Caller("127.0.0.1", int(url.rsplit(":", 1)[1]), 25) for url in self.urls]
        while not self.ended.wait(0.2):
            for which, caller in enumerate(callers):
                for path, into in (("/healthz", self.health), ("/readyz", self.ready)):
                    at = time.monotonic()
                    try:
                        status = caller.call("GET", path)[0]
                    except (raw.Lost, raw.NotSent):
                        status = None
                    into.append((which, at, status, time.monotonic() - at))

    def slowest(self, since, until):
        """Of what was answered; None as a status is told apart: then nobody was there."""
        return max((seconds for _, at, status, seconds in self.health if status and since <= at <= until), default=0.0)

    def deaf(self, since, until):
        return sum(1 for _, at, status, _ in self.health if status != 200 and since <= at <= until)


class Disk:
    """A disk so small that it can be filled: a tmpfs, for root. (tests/chaos/run has its own mount namespace.)"""

    def __init__(self, megabytes):
        self.folder = programs.workshop("giothong-disk-")
        self.filler = self.folder / "filler"
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0755", "giothong-chaos", self.folder], check=True)

    def fill(self):
        """To the last byte. What is freed meanwhile goes too, when it is called again."""
        with open(self.filler, "ab", buffering=0) as filler:
            for size in (1 << 20, 4096):
                with contextlib.suppress(OSError):
                    while True:
                        filler.write(b"\0" * size)

    def empty(self):
        self.filler.unlink(missing_ok=True)

    def free(self):
        about = os.statvfs(self.folder)
        return about.f_bavail * about.f_frsize

    def remove(self):
        subprocess.run(["umount", "-l", self.folder], check=False)
        programs.remove(self.folder)


class Clock:
    """The wall clock of a daemon and its database, which may jump while they run. Monotonic clocks do not."""

    LIBRARY = pathlib.Path("/usr/lib") / sysconfig.get_config_var("MULTIARCH") / "faketime" / "libfaketimeMT.so.1"

    def __init__(self):
        self.folder, self.offset = programs.workshop("giothong-clock-"), 0
        self.file = self.folder / "offset"
        self.jump(0)

    def jump(self, seconds):
        """So far from the real time, from now on."""
        draft = self.file.with_suffix(".new")
        draft.write_text(f"{seconds:+d}\n")
        draft.chmod(0o644)
        draft.rename(self.file)
        self.offset = seconds

    def environment(self, program):
        assert self.LIBRARY.exists(), f"no {self.LIBRARY}: deploy/install-packages chaos"
        libraries = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
        sanitizers = re.findall(r"lib[at]san\.so\S* => (\S+)", libraries)      # they want to come first
        return {"LD_PRELOAD": " ".join([*sanitizers, str(self.LIBRARY)]), "FAKETIME_TIMESTAMP_FILE": str(self.file),
                "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


class Stage:
    """
    `private`: one daemon on --data; else `daemons` of them on one PostgreSQL with --config, which a `database_wire`
    may lead to. With a `client_wire` the ledger's clients come through relays. `seam`: the wall clock starts at NOW
    (test builds only), else it is the real one, which `jumping` can change. `disk_mb`: the data lies on
    a disk of that size; `own_wal`: but for the log of PostgreSQL. `old`: programs of an older version, to begin
    with. `patience`: times are longer on a machine that does much else.
    """

    def __init__(self, private=True, daemons=1, client_wire=False, database_wire=False, settings=None, seam=False, pause=2.0,
                 jumping=False, disk_mb=None, own_wal=False, old=None, patience=1):
        self.seam, self.patience = seam, patience
        self.clock = Clock() if jumping else None
        self.postgres, self.wire, self.daemons, self.wires = None, None, [], []
        self.disk = Disk(disk_mb) if disk_mb else None
        self.wal_folder = programs.workshop("giothong-wal-") / "wal" if own_wal else None
        self.complaints, self.mended_at = [], None
        options = {"settings": {**AS_SHIPPED, **(settings or {})}, "now": NOW if seam else None,
                   "environment": self.clock.environment(programs.BIN / "giothongd") if jumping else None}
        try:
            if private:
                self.daemons.append(Daemon(folder=self._room("home"), **options))
            else:
                environment = self.clock.environment(programs.POSTGRES_BIN / "postgres") if jumping else None
                self.postgres = Postgres(environment, self._room("postgres"), self._wal_room()).make()
                self.wire = Relay(self.postgres.port) if database_wire else None
                self.config = self._configure(old or programs.BIN)
                for _ in range(daemons):
                    self.daemons.append(Daemon(folder=self.postgres.folder, config=self.config, binaries=old, **options))
            for daemon in self.daemons:
                daemon.start(90)
            self.daemons[0].cli_ok("plan", "import", PLAN)
            self.wires = [Relay(daemon.port) for daemon in self.daemons] if client_wire else []
        except BaseException:
            self.clear()
            raise
        self.keeper, self.pulse = Keeper(self, pause), Pulse([daemon.url for daemon in self.daemons])
        self.keeper.start()
        self.pulse.start()

    def _room(self, name):
        """A folder on the small disk, or None: then it is anywhere."""
        if not self.disk:
            return None
        room = self.disk.folder / name
        room.mkdir(mode=0o755)
        return room

    def _wal_room(self):
        if self.wal_folder and os.geteuid() == 0:
            shutil.chown(self.wal_folder.parent, "postgres")
        return self.wal_folder

    def _configure(self, binaries):
        config = self.postgres.configuration(self.wire.port if self.wire else None)
        for words in (("keyring", "create"), ("migrate",)):
            subprocess.run([binaries / "giothong", "--config", config, *words], check=True, stdout=subprocess.DEVNULL)
        return config

    # ---- clients ----

    @property
    def daemon(self):
        return self.daemons[0]

    def today(self):
        return TODAY if self.seam else civil_today(self.clock.offset if self.clock else 0)

    def steady_date(self):
        """Whether no midnight comes while the fault lasts."""
        return self.seam or civil_today() == civil_today(1800)

    def ledger(self, seed, **options):
        token = self.daemon.new_token("staff", f"ledger {time.monotonic_ns()}")
        urls = [f"http://127.0.0.1:{wire.port}" for wire in self.wires] or [daemon.url for daemon in self.daemons]
        return Ledger(urls, token, seed=seed, today=self.today, **{"steady_date": self.steady_date(), **options})

    # ---- the database ----

    def sql(self, statement, *parameters):
        return self.postgres.ask(statement, *parameters) if self.postgres else self.daemon.sql(statement, *parameters)

    def cluster_folder(self):
        return self.postgres.data if self.postgres else self.daemon.data / "postgres"

    def postmaster(self):
        try:
            pid = int((self.cluster_folder() / "postmaster.pid").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return None
        return pid if alive(pid) else None

    def processes(self):
        """The postmaster and everything that it made."""
        postmaster = self.postmaster()
        children = pathlib.Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        return [postmaster, *map(int, children)]

    def backends(self):
        return [pid for pid, in self.sql("SELECT pid FROM pg_stat_activity WHERE usename = 'giothong_app'")]

    def verify(self):
        """The complaint of `giothong audit verify`, or None."""
        outcome = self.daemon.cli("audit", "verify", timeout=120)
        return None if outcome.status == 0 else f"exit {outcome.status}: {outcome.out[-400:]} {outcome.err[-400:]}"

    # ---- what is waited for ----

    def is_ready(self, which=0):
        try:
            return httpx.get(f"{self.daemons[which].url}/readyz", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def wait_ready(self, seconds=60):
        """Seconds until all daemons say that they are ready."""
        began = time.monotonic()
        wait_until(lambda: all(self.is_ready(n) for n in range(len(self.daemons))), seconds, what=f"ready again; {self.log()}")
        return time.monotonic() - began

    def log(self):
        return "".join(daemon.log()[-3000:] for daemon in self.daemons)

    # ---- the end ----

    def demand(self, condition, text):
        if not condition:
            self.complaints.append(text)

    def within(self, seconds, took, what):
        self.demand(took < seconds * self.patience, f"{what} took {took:.1f} s, allowed are {seconds}")

    def finish(self):
        """Ends as systemd would end it; what was wrong with the processes themselves."""
        self.pulse.ended.set()
        self.pulse.join(30)
        self.keeper.resting.set()
        self.keeper.join(30)
        for which, daemon in enumerate(self.daemons):
            began = time.monotonic()
            try:
                status = daemon.stop(seconds=60)
            except Exception as failure:
                status = failure
            took = time.monotonic() - began
            self.demand(status == 0, f"the last SIGTERM of daemon {which}: exit {status}")
            self.within(STOP_SECONDS, took, f"the last end of daemon {which}")
        extra = len(self.keeper.exits) - self.keeper.asked
        self.demand(extra <= 0, f"{extra} ends of a daemon that nobody asked for: {self.keeper.exits}\n{self.log()}")
        reports = programs.REPORTS.news()
        self.demand(not reports, f"a sanitizer reported:\n{reports}")
        return self.complaints

    def clear(self):
        for wire in [*self.wires, *([self.wire] if self.wire else [])]:
            wire.close()
        for daemon in reversed(self.daemons):
            daemon.end()
            if daemon.owns_folder:
                programs.remove(daemon.folder)
        if self.postgres:
            self.postgres.remove()
        if self.wal_folder:
            programs.remove(self.wal_folder.parent)
        if self.disk:
            self.disk.remove()
        if self.clock:
            programs.remove(self.clock.folder)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.pulse.ended.set()
        self.keeper.resting.set()
        self.pulse.join(30)
        self.keeper.join(30)
        self.clear()


def freeze(pids):
    _tell(pids, signal.SIGSTOP)


def thaw(pids):
    _tell(pids, signal.SIGCONT)


def _tell(pids, number):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
