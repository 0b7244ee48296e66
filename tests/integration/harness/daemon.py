"""One `giothongd` under test."""
import contextlib
import json
import os
import pathlib
import pwd
import re
import signal
import subprocess
import threading
import time

import httpx
import psycopg

from . import programs

NOW = "2025-03-10T08:00:00+07:00"         # a Monday between round 4 and round 5 of the plan of 2025
MEMORY_SECONDS = 1.1                      # what is served from memory is never older than a second
# Who this process is belongs to all its threads: a daemon must not be started while one connects as another user.
IDENTITY = threading.RLock()
TOKEN = re.compile(r"\bgh_[A-Za-z0-9_-]{43}\b")

# Tests ask much and from one address; what limits do is tested where they are set low.
OPEN_LIMITS = {
    "limits.anonymous_per_minute": 1000000,
    "limits.token_per_minute": 1000000,
    "limits.sms_per_minute": 1000000,
    "limits.donors_per_minute": 1000000,
    "limits.team_donors_per_minute": 1000000,
    "limits.logins_per_minute": 1000000,
    "limits.checks_per_minute": 1000000,
    "limits.packs_per_minute": 1000000,
}

# A request that would wait for long is refused at once. On a machine that stood still for a moment all would: they wait.
PATIENCE = {"database.wait_ms": 0}
AS_SHIPPED = {"database.wait_ms": 300}    # for who looks at too much load


def wait_until(condition, seconds=180.0, every=0.05, what="condition"):
    """The first true value of condition(), or an assertion that names what was waited for. What counts is when it was
    asked: a machine that is slow to answer breaks no promise of "within a second"."""
    end = time.monotonic() + seconds
    while True:
        asked = time.monotonic()
        value = condition()
        if value:
            return value
        assert asked < end, f"not within {seconds} s: {what}"
        time.sleep(every)


class Daemon:
    def __init__(self, folder=None, settings=None, config=None, port=None, user=None, binaries=None, now=NOW,
                 environment=None):
        self.folder = folder or programs.workshop()
        self.owns_folder = folder is None
        self.data = self.folder / "data"
        self.config = config                     # --config FILE instead of --data DIR
        self.port = port or programs.free_port()
        self.user = user
        self.binaries = binaries or programs.BIN
        # All places are to be booked: what is kept for others is tested where it is asked for.
        self.settings = {**OPEN_LIMITS, **PATIENCE, "workers.count": 3, "booking.walk_in_percent": 0,
                         **({"test.now": now} if now else {}), **(settings or {})}
        self.environment = environment or {}     # of the daemon alone, not of commands
        self.process, self.lines_before = None, 0
        self.out_path, self.err_path = self.folder / f"out-{self.port}.log", self.folder / f"err-{self.port}.log"
        self.tokens = {}

    # ---- life ----

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def place(self):
        """The options that say where the data is; the same for both programs."""
        return ["--config", str(self.config)] if self.config else ["--data", str(self.data)]

    def command(self):
        command = [str(self.binaries / "giothongd"), *self.place, "--listen", f"127.0.0.1:{self.port}"]
        for name, value in self.settings.items():
            command += ["--set", f"{name}={value}"]
        return command

    def launch(self):
        self.lines_before = self.ready_lines()
        environment = {**programs.REPORTS.watch(self.folder / "sanitizer"), **self.environment}
        with IDENTITY, open(self.out_path, "ab") as out, open(self.err_path, "ab") as err:
            self.process = subprocess.Popen(programs.as_user(self.command(), self.user), stdout=out, stderr=err,
                                            stdin=subprocess.DEVNULL, env=environment, start_new_session=True)
        return self

    def start(self, seconds=300):
        self.launch()
        self.wait_ready(seconds)
        return self

    def answers_ready(self):
        """One worker at least."""
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200

    def ready_lines(self):
        return self.out_path.read_text(errors="replace").count(" ready on ") if self.out_path.exists() else 0

    def wait_ready(self, seconds=300):
        """Until it says so itself: all its workers are there, and the jobs, whose first sign of life others wait for."""
        def ready():
            assert self.process.poll() is None, f"giothongd ended with {self.process.returncode}:\n{self.log()}"
            return self.ready_lines() > self.lines_before and self.answers_ready()
        wait_until(ready, seconds, what=f"ready; its log:\n{self.log()}")

    def log(self):
        return "".join(p.read_text(errors="replace")[-6000:] for p in (self.out_path, self.err_path) if p.exists())

    def stop(self, how=signal.SIGTERM, seconds=60):
        """Exit status. A daemon that ends by signal N gives -N."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(how)
        status = self.process.wait(seconds)
        self.process = None
        return status

    def kill(self):
        """kill -9 of the daemon alone; its postmaster lives on."""
        return self.stop(signal.SIGKILL)

    def end(self):
        """Whatever state it is in: everything stopped, the folder gone."""
        with contextlib.suppress(Exception):
            if self.process is not None and self.process.poll() is None:
                self.process.send_signal(signal.SIGCONT)
                self.stop()
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.owns_folder:
            with contextlib.suppress(Exception):
                self.stop_postmaster()

    def stop_postmaster(self):
        pid = self.postmaster_pid()
        if pid:
            os.kill(pid, signal.SIGCONT)
            os.kill(pid, signal.SIGINT)
            wait_until(lambda: not alive(pid), what="postmaster gone")

    # ---- its PostgreSQL ----

    def postmaster_lines(self):
        try:
            return (self.data / "postgres" / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []

    def postmaster_pid(self):
        lines = self.postmaster_lines()
        pid = int(lines[0]) if lines else 0
        return pid if pid and alive(pid) else None

    def socket_folder(self):
        return self.postmaster_lines()[4]

    def conninfo(self, user="giothong_owner"):
        lines = self.postmaster_lines()
        return f"host={lines[4]} port={lines[3]} dbname=giothong user={user}"

    @contextlib.contextmanager
    def database(self, superuser=True):
        """A connection, committed at the end; as PostgreSQL's own user, whom `peer` lets in."""
        with as_postgres(self.data / "postgres") as owner:
            conninfo = self.conninfo(owner if superuser else "giothong_owner")
            connection = psycopg.connect(conninfo, autocommit=True, connect_timeout=10)
        with contextlib.closing(connection):
            yield connection

    def sql(self, statement, *parameters):
        """Rows of one statement (None where it gives none)."""
        with self.database() as connection:
            cursor = connection.execute(statement, parameters or None)
            return cursor.fetchall() if cursor.description else None

    def value(self, statement, *parameters):
        rows = self.sql(statement, *parameters)
        return rows[0][0] if rows else None

    # ---- the administrator's command ----

    def cli(self, *arguments, **options):
        outcome = programs.run("giothong", *self.place, *arguments, folder=self.folder, user=self.user, binaries=self.binaries,
                               **options)
        if "import" in arguments and outcome.status == 0 and self.process:
            time.sleep(MEMORY_SECONDS)               # so that no worker may still answer from before
        return outcome

    def cli_ok(self, *arguments, **options):
        outcome = self.cli(*arguments, **options)
        assert outcome.status == 0, f"giothong {' '.join(map(str, arguments))}: {outcome}"
        return outcome

    def assert_records_fit(self):
        """But for what tests of a shared daemon hand in behind the audit's back: donations, items, deferrals lifted, the team of a round."""
        document = json.loads(self.cli("audit", "verify", "--records", "--json", timeout=300).out)
        behind = [("unaudited", "donation"), ("unaudited", "deferral"), ("unaudited", "item"), ("unaudited", "item_decision"),
                  ("changed", "round")]
        faults = [f for f in document["records"]["faults"] if (f["kind"], f["subject_kind"]) not in behind]
        assert document["ndamages"] == 0 and faults == [], document

    def new_token(self, role, name, *more):
        outcome = self.cli_ok("token", "create", "--role", role, "--name", name, *more)
        return TOKEN.search(outcome.out).group(0)

    def token(self, role):
        """A token of that role over the whole province, made once a daemon."""
        if role not in self.tokens:
            more = ["--team", self.own_team()] if role == "team" else []
            self.tokens[role] = self.new_token(role, f"test {role}", *more)
        return self.tokens[role]

    def own_team(self):
        """The code of the team of the `team` token."""
        if not self.value("SELECT count(*) FROM team WHERE code = 'TD0'"):
            answer = httpx.post(f"{self.url}/api/v1/teams", json={"code": "TD0", "name": "Đội thử nghiệm 0"},
                                headers={"Authorization": f"Bearer {self.token('staff')}"}, timeout=60)
            assert answer.status_code == 201, answer.text
        return "TD0"


@contextlib.contextmanager
def own_daemon(**options):
    """A daemon from start to a clean end."""
    one = Daemon(**options)
    try:
        yield one.start()
        assert one.stop() == 0, f"the daemon did not end well:\n{one.log()}"
        reports = programs.REPORTS.news()
        assert not reports, reports
    finally:
        one.end()
        programs.remove(one.folder)


def alive(pid):
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rsplit(")", 1)[1].split()[0] not in ("Z", "X")


@contextlib.contextmanager
def as_postgres(cluster):
    """This process as the cluster's owner while it connects."""
    owner = os.stat(cluster).st_uid
    with IDENTITY:
        me = os.geteuid()
        if me == 0 and owner != 0:
            os.seteuid(owner)
        try:
            yield pwd.getpwuid(owner).pw_name
        finally:
            os.seteuid(me)
