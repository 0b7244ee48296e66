"""Starting: ready soon, or one clear line and an exit status; never half."""
import contextlib
import fcntl
import os
import pathlib
import shutil
import signal
import socket
import stat
import subprocess
import time

import httpx
import pytest

from harness import programs
from harness.daemon import Daemon, alive, wait_until

ORDINARY = 65534                          # nobody


def one_line(outcome, *words):
    """Refused: exit 1, nothing on stdout, one short message that says what is wrong."""
    assert outcome.status == 1, outcome
    message = [line for line in outcome.err.splitlines() if line.startswith("giothong")]
    assert len(message) == 1, outcome
    for word in words:
        assert word in message[0], outcome
    return message[0]


def start_refused(daemon, *more):
    environment = programs.REPORTS.watch(daemon.folder / "sanitizer")
    done = subprocess.run(programs.as_user([*daemon.command(), *more], daemon.user), capture_output=True, text=True, timeout=60,
                          env=environment)
    return programs.Outcome(done)


@pytest.fixture(scope="module")
def stopped():
    """A data folder that was used and cleanly stopped."""
    daemon = Daemon().start()
    daemon.cli_ok("plan", "import", programs.CONFIG / "plans" / "lai-chau-2025.json")
    assert daemon.stop() == 0
    yield daemon
    daemon.end()
    programs.remove(daemon.folder)


def test_one_line_when_ready(stopped):
    before = len(stopped.out_path.read_text().splitlines())
    began = time.monotonic()
    stopped.start()
    took = time.monotonic() - began
    line, = stopped.out_path.read_text().splitlines()[before:]
    assert "ready" in line and f"127.0.0.1:{stopped.port}" in line
    assert stopped.stop() == 0
    assert took < 30, "under sanitizers and a loaded machine; the bench holds it to one second"


def test_who_comes_before_it_can_answer_waits(stopped):
    """A proxy sends requests as soon as somebody listens: they are answered, not refused."""
    stopped.launch()
    try:
        for path in ("/api/v1/rounds", "/api/v1/teams", "/readyz"):
            def first():
                with contextlib.suppress(httpx.ConnectError):
                    return httpx.get(f"{stopped.url}{path}", timeout=60)
            if path != "/readyz":
                assert wait_until(first, every=0.002, what="somebody listens").status_code == 200, path
            else:                    # on a machine that stood still for a second, memory is not fresh at once
                wait_until(lambda: first().status_code == 200, what="ready")
    finally:
        assert stopped.stop() == 0


def test_only_its_own_files_and_no_port_of_postgresql(stopped):
    stopped.start()
    try:
        folder = pathlib.Path(stopped.data)
        assert {p.name for p in folder.iterdir()} >= {"postgres", "keyring", "lock"}
        assert stat.S_IMODE((folder / "keyring").stat().st_mode) == 0o700
        assert all(stat.S_IMODE(p.stat().st_mode) == 0o600 for p in (folder / "keyring").iterdir())
        assert stat.S_IMODE((folder / "postgres").stat().st_mode) == 0o700
        settings = dict(stopped.sql("SELECT name, setting FROM pg_settings WHERE name IN "
                                    "('listen_addresses', 'data_checksums', 'server_encoding', 'lc_collate', 'fsync', 'synchronous_commit')"))
        assert settings["listen_addresses"] == "" and settings["data_checksums"] == "on" and settings["server_encoding"] == "UTF8"
        assert settings["fsync"] == "on" and settings["synchronous_commit"] == "on"
        assert len(stopped.socket_folder()) < 80
    finally:
        assert stopped.stop() == 0


def test_no_other_user_gets_into_the_database(stopped):
    if os.geteuid() != 0:
        pytest.skip("needs root, to become another user")
    stopped.start()
    try:
        for role in ("giothong_app", "giothong_owner", "postgres"):
            done = subprocess.run(programs.as_user([str(programs.POSTGRES_BIN / "psql"), stopped.conninfo(role), "-c", "SELECT 1"],
                                                   ORDINARY), capture_output=True, text=True)
            assert done.returncode != 0, f"any user may connect as {role}"
    finally:
        assert stopped.stop() == 0


def test_a_second_daemon_on_one_folder(stopped):
    stopped.start()
    try:
        second = Daemon(folder=stopped.folder)
        one_line(start_refused(second), "in use", str(stopped.process.pid))
        assert httpx.get(f"{stopped.url}/api/v1/rounds").status_code == 200, "the first one is not disturbed"
    finally:
        assert stopped.stop() == 0


def test_a_port_in_use(stopped):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        other = Daemon(folder=stopped.folder, port=taken.getsockname()[1])
        one_line(start_refused(other), str(other.port))
    wait_until(lambda: not stopped.postmaster_pid(), what="nothing half-started")


def test_two_daemons_do_not_share_a_port(stopped, fresh_daemon):
    """SO_REUSEPORT is for the workers of one daemon."""
    stopped.start()
    try:
        other = Daemon(port=stopped.port)
        try:
            one_line(start_refused(other), str(stopped.port))
        finally:
            other.end()
            programs.remove(other.folder)
    finally:
        assert stopped.stop() == 0


def test_a_migration_edited_after_it_ran(fresh_daemon):
    daemon = fresh_daemon()
    daemon.sql("UPDATE schema_migration SET checksum = 'edited' WHERE checksum = (SELECT min(checksum) FROM schema_migration)")
    assert daemon.stop() == 0
    one_line(start_refused(daemon), "000")


def test_a_database_that_is_too_new(fresh_daemon):
    daemon = fresh_daemon()
    daemon.sql("INSERT INTO schema_migration (number, name, checksum, oldest_daemon) VALUES (9999, '9999_later.sql', 'x', '9.9.9')")
    assert daemon.stop() == 0
    one_line(start_refused(daemon), "9.9.9")


def test_a_newer_database_that_allows_this_daemon(fresh_daemon):
    daemon = fresh_daemon()
    daemon.sql("INSERT INTO schema_migration (number, name, checksum, oldest_daemon) VALUES (9999, '9999_later.sql', 'x', '0.1.0')")
    assert daemon.stop() == 0
    daemon.start()


@pytest.mark.parametrize("spoil", ["file mode", "folder mode", "missing", "short", "another key", "odd name"])
def test_a_keyring_that_is_not_right(fresh_daemon, spoil):
    daemon = fresh_daemon()
    assert daemon.stop() == 0
    keyring = daemon.data / "keyring"
    key = sorted(keyring.glob("hash-*.key"))[0]
    if spoil == "file mode":
        key.chmod(0o640)
    elif spoil == "folder mode":
        keyring.chmod(0o755)
    elif spoil == "missing":
        shutil.rmtree(keyring)
    elif spoil == "short":
        key.write_text(key.read_text()[:20])
    elif spoil == "another key":
        key.write_text("5a" * 32 + "\n")
    else:
        (keyring / "notes.txt").write_text("x")
        (keyring / "notes.txt").chmod(0o600)
    message = one_line(start_refused(daemon), "key")
    assert not key.exists() or key.read_text().strip()[:16] not in message
    assert not daemon.postmaster_pid()


def test_new_keys_never_replace_lost_ones(fresh_daemon):
    daemon = fresh_daemon()
    assert daemon.stop() == 0
    shutil.rmtree(daemon.data / "keyring")
    one_line(start_refused(daemon), "keyring")
    assert not list(daemon.data.glob("keyring/*"))


@pytest.mark.parametrize("arguments, words", [
    (["--nonsense"], ["--nonsense"]), (["--listen"], ["--listen"]), (["--set", "workers.count=many"], ["workers.count"]),
    (["--set", "workers.count=99999"], ["workers.count"]), (["--set", "nothing.such=1"], ["nothing.such"]),
    (["--set", "novalue"], ["novalue"]), (["--set", "listen.trusted_proxy=10.0.0.0/33"], ["listen.trusted_proxy"]), (["--set", "log.level=loud"], ["loud"]), (["surplus"], ["surplus"]),
])
def test_wrong_options(tmp_path, arguments, words):
    folder = programs.workshop()
    try:
        outcome = programs.run("giothongd", "--data", folder / "data", *arguments, folder=folder)
        assert outcome.status in (1, 2) and outcome.out == ""
        assert any(all(w in line for w in words) for line in outcome.err.splitlines()), outcome
        assert not (folder / "data" / "postgres").exists()
    finally:
        programs.remove(folder)


@pytest.mark.parametrize("listen, word", [("127.0.0.1", "listen"), ("127.0.0.1:x", "listen"), ("127.0.0.1:99999", "99999"),
                                          ("example.com:80", "listen"), ("", "listen")])
def test_wrong_addresses(listen, word):
    folder = programs.workshop()
    try:
        outcome = programs.run("giothongd", "--data", folder / "data", "--listen", listen, folder=folder, timeout=60)
        assert outcome.status in (1, 2) and outcome.err.strip(), outcome
    finally:
        programs.remove(folder)


def test_beyond_loopback_only_on_purpose(stopped):
    port = programs.free_port()
    outcome = programs.run("giothongd", "--data", stopped.data, "--listen", f"0.0.0.0:{port}", folder=stopped.folder)
    one_line(outcome, "--insecure")
    open_one = Daemon(folder=stopped.folder, port=port)
    command = [w if w != f"127.0.0.1:{port}" else f"0.0.0.0:{port}" for w in open_one.command()] + ["--insecure"]
    open_one.command = lambda: command
    open_one.start()
    assert open_one.stop() == 0


def test_neither_data_nor_config_and_both(tmp_path):
    folder = programs.workshop()
    try:
        for arguments in ([], ["--data", folder / "d", "--config", folder / "c.ini"]):
            outcome = programs.run("giothongd", *arguments, folder=folder)
            assert outcome.status in (1, 2) and outcome.err.strip() and outcome.out == "", outcome
    finally:
        programs.remove(folder)


@pytest.mark.parametrize("text, words", [
    ("[nothing]\nx = 1\n", ["2"]), ("[workers]\ncount = x\n", ["2", "count"]), ("[workers]\ncounts = 1\n", ["2", "counts"]),
    ("[workers]\ncount = -1\n", ["2"]), ("rubbish\n", ["1"]),
])
def test_a_bad_settings_file_names_file_and_line(text, words):
    folder = programs.workshop()
    try:
        (folder / "bad.ini").write_text(text)
        outcome = programs.run("giothongd", "--config", folder / "bad.ini", folder=folder)
        message = one_line(outcome, "bad.ini", *words)
        assert message
    finally:
        programs.remove(folder)


def test_an_unreachable_database():
    folder = programs.workshop()
    try:
        (folder / "x.ini").write_text(f"[database]\nconninfo = host=127.0.0.1 port={programs.free_port()} dbname=x user=x\n"
                                      f"[keyring]\ndir = {folder}/keyring\n")
        programs.run("giothong", "--config", folder / "x.ini", "keyring", "create", folder=folder)
        began = time.monotonic()
        outcome = programs.run("giothongd", "--config", folder / "x.ini", "--listen", f"127.0.0.1:{programs.free_port()}", folder=folder)
        assert outcome.status == 1 and outcome.err.strip() and time.monotonic() - began < 30, outcome
    finally:
        programs.remove(folder)


def test_version_and_help():
    folder = programs.workshop()
    try:
        for program in ("giothong", "giothongd"):
            for option in ("--help", "--version"):
                outcome = programs.run(program, option, folder=folder)
                assert outcome.status == 0 and program in outcome.out and outcome.err == "", outcome
        text = programs.run("giothongd", "--help", folder=folder).out
        assert "--data" in text and "--listen" in text and "limits.connections" in text
    finally:
        programs.remove(folder)


# ---- the cluster's other states ----

def test_a_second_daemon_on_one_folder_and_port(stopped):
    stopped.start()
    try:
        one_line(start_refused(Daemon(folder=stopped.folder, port=stopped.port)), "in use by pid", str(stopped.process.pid))
    finally:
        assert stopped.stop() == 0


def test_a_port_in_use_makes_no_cluster():
    daemon = Daemon()
    try:
        with socket.create_server(("127.0.0.1", daemon.port)):
            one_line(start_refused(daemon), f"127.0.0.1:{daemon.port}", "in use")
        assert not daemon.data.exists()
    finally:
        programs.remove(daemon.folder)


def test_a_stale_lock_and_pid_file(stopped):
    """A machine that lost its power leaves both; nothing holds them."""
    nobody = int(pathlib.Path("/proc/sys/kernel/pid_max").read_text())       # one more than any process has
    (stopped.data / "lock").write_text(f"{nobody}\n")
    (stopped.data / "postgres" / "postmaster.pid").write_text(f"{nobody}\n/x\n1\n5432\n/tmp\n\n  1 1\nready\n")
    stopped.start()
    assert stopped.stop() == 0


def test_a_lock_held_by_another_kind_of_program(stopped):
    with open(stopped.data / "lock", "a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        one_line(start_refused(stopped), "in use")


def test_sigterm_while_starting():
    daemon = Daemon()
    try:
        for wait in (0.0, 0.3, 1.0, 2.0):
            daemon.launch()
            time.sleep(wait)
            status = daemon.stop()
            assert status in (0, -signal.SIGTERM), f"after {wait} s: {status}\n{daemon.log()}"
            assert not daemon.postmaster_pid()
        daemon.start()
        assert daemon.stop() == 0
    finally:
        daemon.end()
        programs.remove(daemon.folder)


def test_kill_9_while_starting_and_again():
    """However far the making of the cluster was, the next start finishes it."""
    daemon = Daemon()
    try:
        for wait in (0.1, 0.5, 0.9, 1.3, 1.8, 2.5):
            daemon.launch()
            time.sleep(wait)
            daemon.kill()
        daemon.start()
        assert httpx.get(f"{daemon.url}/api/v1/rounds").status_code == 200
        assert daemon.stop() == 0
    finally:
        daemon.end()
        programs.remove(daemon.folder)


def test_another_version_of_postgresql(stopped):
    version = stopped.data / "postgres" / "PG_VERSION"
    was = version.read_bytes()
    try:
        version.write_bytes(b"9\n")
        one_line(start_refused(stopped), "9")
    finally:
        version.write_bytes(was)


# ---- not as root ----

@pytest.fixture
def ordinary():
    if os.geteuid() != 0:
        pytest.skip("not root: everything here runs as an ordinary user already")
    folder = programs.workshop()
    os.chown(folder, ORDINARY, ORDINARY)
    binaries = programs.copy_programs(folder)
    one = Daemon(folder=folder, user=ORDINARY, binaries=binaries)
    yield one
    one.owns_folder = True
    one.end()
    programs.remove(folder)


def test_as_an_ordinary_user(ordinary):
    ordinary.start()
    assert pathlib.Path(f"/proc/{ordinary.postmaster_pid()}").stat().st_uid == ORDINARY
    outcome = subprocess.run(programs.as_user([str(ordinary.binaries / "giothong"), "--data", str(ordinary.data), "token", "create",
                                               "--role", "staff", "--name", "x"], ORDINARY), capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stderr
    assert httpx.get(f"{ordinary.url}/api/v1/plans", headers={"Authorization": f"Bearer {outcome.stdout.strip()}"}).status_code == 200
    postmaster = ordinary.postmaster_pid()
    ordinary.kill()
    ordinary.start()
    assert ordinary.postmaster_pid() == postmaster
    assert ordinary.stop() == 0 and not alive(postmaster)


def test_a_closed_folder_above(ordinary):
    """PostgreSQL's user cannot get in: the line says which folder is closed."""
    closed = ordinary.folder / "closed"
    closed.mkdir(mode=0o700)
    daemon = Daemon(folder=ordinary.folder)
    daemon.data = closed / "deep" / "data"
    one_line(start_refused(daemon), str(closed))


def test_a_folder_that_may_not_be_written(ordinary):
    ordinary.data = pathlib.Path("/proc/giothong")
    assert start_refused(ordinary).status == 1
