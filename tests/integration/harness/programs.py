"""Where the programs are, and how a test runs them."""
import contextlib
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
BIN = pathlib.Path(os.environ.get("GIOTHONG_BIN", ROOT / "build" / "asan" / "bin"))
CONFIG = ROOT / "config"
POSTGRES_BIN = pathlib.Path("/usr/lib/postgresql/15/bin")


_taken = []                               # sockets whose names say which ports are ours until this process ends


def free_port():
    """A port that nobody has, and that no other test run on this machine is given while this process lives. It lies below
    those that the kernel gives to outgoing connections, which could have it by the time it is used."""
    for port in random.SystemRandom().sample(range(10000, 32768), 1000):
        name = socket.socket(socket.AF_UNIX)
        try:
            name.bind(f"\0giothong-test-port-{port}")
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            name.close()
            continue
        _taken.append(name)
        return port
    raise AssertionError("no free port")


def workshop(prefix="giothong-"):
    """A new folder that other users may walk through: PostgreSQL does not run as root."""
    path = pathlib.Path(tempfile.mkdtemp(prefix=prefix, dir="/tmp"))
    path.chmod(0o755)
    return path


def sanitizer_environment(folder):
    """Reports of ASan, UBSan and LSan go to files in `folder`, where every test looks for them."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o777)
    environment = dict(os.environ)
    asan = environment.get("ASAN_OPTIONS", "detect_leaks=1:strict_string_checks=1")
    ubsan = environment.get("UBSAN_OPTIONS", "print_stacktrace=1:halt_on_error=1")
    environment["ASAN_OPTIONS"] = f"{asan}:log_path={folder}/report"
    environment["UBSAN_OPTIONS"] = f"{ubsan}:log_path={folder}/report"
    tsan = environment.get("TSAN_OPTIONS", "halt_on_error=0")
    environment["TSAN_OPTIONS"] = f"{tsan}:log_path={folder}/report:suppressions={ROOT}/tests/tsan.supp"
    environment["LC_ALL"] = "C.UTF-8"
    for name in ("NOTIFY_SOCKET", "CREDENTIALS_DIRECTORY", "PGHOST", "PGUSER", "PGDATABASE", "PGPORT", "PGPASSWORD"):
        environment.pop(name, None)
    return environment


class SanitizerReports:
    """Every folder where a program of this run may leave a report."""

    def __init__(self):
        self.folders, self.told = [], set()

    def watch(self, folder):
        self.folders.append(folder)
        return sanitizer_environment(folder)

    def news(self):
        texts = []
        for folder in self.folders:
            for path in sorted(folder.glob("report*")):
                if path not in self.told and path.stat().st_size:
                    self.told.add(path)
                    texts.append(f"--- {path}\n{path.read_text(errors='replace')[:6000]}")
        return "\n".join(texts)


REPORTS = SanitizerReports()


def end_well_when_told():
    """A run that a signal ends takes its daemons and databases with it, as one that Ctrl-C ends."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda told, _: sys.exit(128 + told))


class Outcome:
    """What a finished command left: status, out, err."""

    def __init__(self, done):
        self.status, self.out, self.err = done.returncode, done.stdout, done.stderr

    def __repr__(self):
        return f"<exit {self.status}>\nout: {self.out[-2000:]}\nerr: {self.err[-2000:]}"


def run(program, *arguments, folder, user=None, timeout=300, stdin=None, environment=None, binaries=None):
    """Runs `giothong` or `giothongd` to its end."""
    command = [str((binaries or BIN) / program), *map(str, arguments)]
    environment = {**REPORTS.watch(folder / "sanitizer"), **(environment or {})}
    done = subprocess.run(as_user(command, user), capture_output=True, text=True, timeout=timeout, input=stdin,
                          env=environment)
    return Outcome(done)


def as_user(command, user):
    """The command as an ordinary user (a number), when the tests run as root."""
    if user is None or os.geteuid() != 0:
        return command
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--", *command]


def copy_programs(folder):
    """The programs where every user can reach them."""
    target = folder / "bin"
    target.mkdir()
    for name in ("giothong", "giothongd"):
        shutil.copy2(BIN / name, target / name)
    target.chmod(0o755)
    return target


def remove(folder):
    with contextlib.suppress(OSError):
        shutil.rmtree(folder)
