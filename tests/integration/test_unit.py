"""The systemd units: their score, and that the daemon lives with what they leave it. No PID 1 is needed."""
import contextlib
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import threading

import httpx
import pytest

from harness import programs, unit
from harness.daemon import wait_until
from harness.database import Postgres

DAEMON_UNIT = unit.UNITS / "giothongd@.service"
SERVICES = sorted(unit.UNITS.glob("*.service"))
UNITS = sorted(p for p in unit.UNITS.iterdir() if p.suffix in (".service", ".target", ".timer"))
THRESHOLD = 15                                     # in tenths


def analyze(*words, **options):
    return subprocess.run(["systemd-analyze", "--no-pager", *map(str, words)], capture_output=True, text=True, **options)


def score(path):
    outcome = analyze("security", "--offline=true", f"--threshold={THRESHOLD}", path)
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", outcome.stdout)
    assert found, outcome
    return outcome.returncode, float(found.group(1)), outcome.stdout


@pytest.mark.parametrize("path", SERVICES, ids=lambda p: p.name)
def test_score(path):
    status, exposure, table = score(path)
    assert status == 0 and exposure <= THRESHOLD / 10, table


def test_the_score_is_one(tmp_path):
    """An open service is over the threshold: the check above can fail."""
    path = tmp_path / "open.service"
    path.write_text("[Service]\nExecStart=/bin/true\n")
    assert score(path)[0] != 0


def test_score_with_a_database_elsewhere(tmp_path):
    path = tmp_path / "giothongd@.service"
    path.write_text(DAEMON_UNIT.read_text().replace("[Install]", (unit.UNITS / "remote-database.conf").read_text() + "[Install]"))
    status, exposure, table = score(path)
    assert status == 0 and exposure <= THRESHOLD / 10, table


def test_verify(tmp_path):
    """systemd understands every line; the programs are those just built."""
    for path in UNITS:
        text = re.sub(r"/usr/bin/(giothongd?)\b", lambda found: str(programs.BIN / found.group(1)), path.read_text())
        (tmp_path / path.name).write_text(text)
    names = [str(tmp_path / path.name.replace("@.", "@1.")) for path in UNITS]
    for path in UNITS:
        if "@." in path.name:
            (tmp_path / path.name.replace("@.", "@1.")).symlink_to(tmp_path / path.name)
    outcome = analyze("verify", "--man=no", *names)
    ours = [line for line in outcome.stderr.splitlines() if "giothong" in line]
    assert outcome.returncode == 0 and not ours, outcome


def test_verify_finds_faults(tmp_path):
    path = tmp_path / "broken.service"
    path.write_text("[Service]\nExecStart=/nonexistent\nPrivateNetwrok=yes\n")
    outcome = analyze("verify", "--man=no", path)
    assert "PrivateNetwrok" in outcome.stderr and outcome.returncode != 0


def test_the_filter_is_narrow():
    calls = unit.allowed_calls(unit.read(DAEMON_UNIT))
    assert {"read", "accept4", "epoll_wait", "futex", "mlock", "clone"} <= calls
    assert not calls & {"ptrace", "unshare", "bpf", "mount", "setuid", "chown", "io_uring_setup", "add_key", "reboot", "init_module",
                        "process_vm_readv", "sched_setaffinity", "clock_settime", "setns"}, "and none of these"


# ---- the daemon as the unit runs it ----

@pytest.fixture(scope="module")
def postgres():
    one = Postgres().make()
    yield one
    one.remove()


def hand_over(settings, keyring, folder):
    """The keys as LoadCredential= of a folder brings them."""
    assert settings["Service.LoadCredential"] == ["keyring:/etc/giothong/keyring"]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    for path in keyring.glob("*.key"):
        shutil.copy(path, folder / f"keyring_{path.name}")
        (folder / f"keyring_{path.name}").chmod(0o400)
    folder.chmod(0o500)
    return folder


class Instance:
    """One daemon as giothongd@NAME.service starts it: behind the filters, on a Unix socket, heard by systemd."""

    def __init__(self, postgres, run, name):
        self.settings = unit.read(DAEMON_UNIT)
        self.folder, self.socket = postgres.folder, run / f"{name}.sock"
        self.notify_path = run / f"{name}.notify"
        self.notify_path.unlink(missing_ok=True)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(str(self.notify_path))
        self.notify_path.chmod(0o666)
        self.heard = []
        threading.Thread(target=self.listen, daemon=True).start()
        # Its own command line, with the paths of this test in place of the server's.
        start = self.settings["Service.ExecStart"][0]
        for there, here in (("/usr/bin/giothongd", programs.BIN / "giothongd"), ("/run/giothong/%i.sock", self.socket),
                            ("/etc/giothong/giothong.ini", postgres.folder / "giothong.ini")):
            assert start.count(there) == 1, start
            start = start.replace(there, str(here))
        self.command = start.split()
        self.credentials = hand_over(self.settings, postgres.folder / "keyring", run / f"{name}.credentials")
        self.log_path = postgres.folder / f"{name}.log"

    def start(self):
        environment = programs.REPORTS.watch(self.folder / "sanitizer")
        # LeakSanitizer traces its own threads, which no service may.
        environment["ASAN_OPTIONS"] += ":detect_leaks=0"
        environment |= {"NOTIFY_SOCKET": str(self.notify_path), "WATCHDOG_USEC": "300000",
                        "CREDENTIALS_DIRECTORY": str(self.credentials)}
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(unit.caged(self.settings, self.command), stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, env=environment, start_new_session=True)
        self.hear("READY=1")
        return self

    def listen(self):
        """As systemd: reads whenever something comes, so that the daemon never waits for it."""
        with contextlib.suppress(OSError):
            while True:
                self.heard += self.notify.recv(4096).decode().split("\n")

    def hear(self, word):
        wait_until(lambda: word in self.heard or self.process.poll() is not None, 60, what=f"{word}; heard: {self.heard}")
        assert word in self.heard, f"the daemon ended with {self.process.returncode}: {self.log_path.read_text()}"

    def ask(self, method, path, **more):
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(self.socket)), base_url="http://giothong", timeout=30) as client:
            return client.request(method, path, **more)

    def await_ready(self):
        wait_until(lambda: self.ask("GET", "/readyz").status_code == 200, what="ready")

    def stop(self):
        self.notify.close()                # nobody listens from here on, and a full socket would hold the daemon
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(30)
        with contextlib.suppress(OSError):
            self.notify.shutdown(socket.SHUT_RDWR)
        self.notify.close()
        return status


@pytest.fixture
def instances(postgres):
    run = postgres.folder / "run"
    run.mkdir(exist_ok=True)
    path = postgres.folder / "giothong.ini"
    conninfo = f"host={postgres.folder} port={postgres.port} dbname=giothong"
    path.write_text(f"[database]\nconninfo = {conninfo} user=giothong_app\nowner_conninfo = {conninfo} user=giothong_owner\n"
                    f"[workers]\ncount = 2\n[listen]\ntrusted_proxy = unix\n"
                    f"[erasure]\njournal = {postgres.folder}/erasures.journal\n")
    for words in (["migrate"], ["keyring", "create", postgres.folder / "keyring"]):
        if words[0] == "migrate" or not (postgres.folder / "keyring").exists():
            outcome = programs.run("giothong", "--config", path, *words, folder=postgres.folder)
            assert outcome.status == 0, outcome
    made = []

    def make(name):
        made.append(Instance(postgres, run, name))
        return made[-1].start()

    yield make
    for one in made:
        one.stop()


def test_the_daemon_lives_behind_the_filters(postgres, instances):
    """What is not allowed would kill it here: from its start over each kind of request to its end."""
    one = instances("1")
    giothong = lambda *words: programs.run("giothong", "--config", postgres.folder / "giothong.ini", "--set",
                                            f"keyring.dir={postgres.folder}/keyring", *words, folder=postgres.folder)
    assert giothong("plan", "import", programs.CONFIG / "plans" / "lai-chau-2025.json").status == 0
    staff = {"Authorization": "Bearer " + giothong("token", "create", "--role", "staff", "--name", "unit").out.strip()}
    one.await_ready()
    listed = one.ask("GET", "/api/v1/rounds?from=2024-12-01&plan=3653-KH-UBND", headers={"Accept-Encoding": "gzip"})
    assert len(listed.json()["items"]) == 18 and listed.headers["content-encoding"] == "gzip"
    etag = one.ask("GET", "/api/v1/rounds/LC25-07").headers["etag"]
    changed = one.ask("PATCH", "/api/v1/rounds/LC25-07", json={"target_units": 120}, headers={**staff, "If-Match": etag})
    assert changed.status_code == 200, changed.text
    # Its journal, and the threads that write it.
    admin = {"Authorization": "Bearer " + giothong("token", "create", "--role", "admin", "--name", "unit-admin").out.strip()}
    donor = one.ask("POST", "/api/v1/donors", json={"name": "Lò Thị Mẫu", "birth_year": 1990}, headers=staff).json()["id"]
    assert one.ask("POST", f"/api/v1/donors/{donor}/erasure", json={}, headers=staff).status_code == 201
    erased = one.ask("POST", f"/api/v1/donors/{donor}/erasure/approve", json={}, headers=admin)
    assert erased.status_code == 200, erased.text
    assert donor in (postgres.folder / "erasures.journal").read_text()
    assert one.ask("GET", "/metrics").status_code == 200 and one.ask("GET", "/docs").status_code == 200
    assert one.ask("POST", "/api/v1/rounds/LC25-07/confirm", json={}).status_code == 401
    # A lost connection is opened again, by the same means.
    postgres.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'giothong_app'")
    one.await_ready()
    one.hear("WATCHDOG=1")
    assert one.stop() == 0 and not one.socket.exists()


def test_the_journal_has_a_place(instances):
    """What the shipped settings name is in the one folder that the unit leaves writable."""
    one = instances("1")
    folder, = one.settings["Service.StateDirectory"]
    assert one.settings["Service.StateDirectoryMode"] == ["0700"] and one.settings["Service.ProtectSystem"] == ["strict"]
    settings = (unit.UNITS.parent / "giothong.ini").read_text()
    assert "\n[erasure]\n" in settings and f"\njournal = /var/lib/{folder}/" in settings


def test_a_reload_behind_the_filters(instances):
    """ExecReload= may send its signal, and the daemon takes it as a word about its keys, not as its end."""
    one = instances("1")
    words, = one.settings["Service.ExecReload"]
    assert words == "kill -HUP $MAINPID"
    command = ["/bin/kill", *words.replace("$MAINPID", str(one.process.pid)).split()[1:]]
    assert subprocess.run(unit.caged(one.settings, command)).returncode == 0
    wait_until(lambda: "keyring_read level=info" in one.log_path.read_text(), what="the keyring was read")
    one.await_ready()
    assert one.stop() == 0


def test_a_call_that_is_not_allowed_kills(tmp_path):
    """The cage is one: each of its three filters."""
    settings = unit.read(DAEMON_UNIT)
    cases = {
        "import os; os.setuid(os.getuid())": -signal.SIGSYS,
        "import socket; socket.socket(socket.AF_INET, socket.SOCK_STREAM)": -signal.SIGSYS,
        "import mmap; mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)": -signal.SIGSYS,
        "import socket; socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)": 0,
    }
    for code, status in cases.items():
        outcome = subprocess.run(unit.caged(settings, ["/usr/bin/python3", "-c", code]), capture_output=True)
        assert outcome.returncode == status, (code, outcome)


def test_two_instances_share_the_folder(instances):
    """The sockets are for the group, the proxy's, and one instance that stops leaves the other's alone."""
    one, two = instances("1"), instances("2")
    for each in (one, two):
        assert stat.S_IMODE(os.stat(each.socket).st_mode) == 0o660
        assert each.ask("GET", "/healthz").status_code == 200
    assert one.stop() == 0 and not one.socket.exists()
    two.await_ready()
    settings = one.settings
    assert settings["Service.RuntimeDirectory"] == ["giothong"] and settings["Service.RuntimeDirectoryPreserve"] == ["yes"]


def test_a_restart_takes_a_socket_left_behind(instances):
    one = instances("1")
    one.process.kill()
    one.process.wait()
    assert one.socket.exists()
    instances("1").await_ready()


def test_a_backup_as_its_unit_makes_it(postgres, instances):
    """pg_basebackup and pg_verifybackup too live behind the filters."""
    settings = unit.read(unit.UNITS / "giothong-backup.service")
    folder = postgres.folder / "backups"
    command = settings["Service.ExecStart"][0]
    for there, here in (("/usr/bin/giothong", programs.BIN / "giothong"), ("/etc/giothong/giothong.ini", postgres.folder / "giothong.ini"),
                        ("/var/backups/giothong", folder)):
        assert command.count(there) == 1
        command = command.replace(there, str(here))
    instances                            # has made the settings and the keys
    postgres.sql("DO $$ BEGIN CREATE ROLE giothong_backup LOGIN REPLICATION; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    path = postgres.folder / "giothong.ini"
    path.write_text(path.read_text() + f"[database]\nbackup_conninfo = host={postgres.folder} port={postgres.port} user=giothong_backup\n")
    environment = programs.REPORTS.watch(postgres.folder / "sanitizer")
    environment["ASAN_OPTIONS"] += ":detect_leaks=0"
    environment["CREDENTIALS_DIRECTORY"] = str(hand_over(settings, postgres.folder / "keyring", postgres.folder / "run" / "backup.credentials"))
    outcome = subprocess.run(unit.caged(settings, command.split()), capture_output=True, text=True, env=environment, timeout=300)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    made, = folder.iterdir()
    assert (made / "backup.json").exists() and (made / "postgres" / "PG_VERSION").exists()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
