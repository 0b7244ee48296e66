"""The daemon as a process: readiness to systemd, sockets of all kinds, how it ends."""
import os
import pathlib
import signal
import socket
import time

import httpx
import pytest

from harness import programs, raw
from harness.daemon import Daemon, wait_until


@pytest.fixture
def stopped():
    """A daemon whose cluster is made, not running."""
    one = Daemon(settings={"workers.count": 3}).start()
    assert one.stop() == 0
    yield one
    one.end()
    programs.remove(one.folder)


def listening_on(daemon, address):
    command = [address if word == f"127.0.0.1:{daemon.port}" else word for word in Daemon.command(daemon)]
    daemon.command = lambda: command
    return daemon


class Manager:
    """The socket on which systemd hears from a service."""

    def __init__(self, folder):
        self.path = str(folder / "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(60)

    def hear(self):
        """What was said first of one message; a STATUS for people may follow."""
        return self.socket.recv(4096).decode().splitlines()[0]

    def hang_up(self):
        """Who stays on the line and does not listen would hold the daemon as soon as the socket is full."""
        self.socket.close()

    def hear_until(self, word):
        """A slow start may say that it is alive before it says that it is ready."""
        while (heard := self.hear()) != word:
            assert heard == "WATCHDOG=1"


@pytest.fixture
def manager(stopped):
    """The harness takes NOTIFY_SOCKET away; env(1) gives it back."""
    one = Manager(stopped.folder)
    yield one
    one.hang_up()


def under_systemd(daemon, manager, watchdog_us):
    command = ["env", f"NOTIFY_SOCKET={manager.path}", f"WATCHDOG_USEC={watchdog_us}", *Daemon.command(daemon)]
    daemon.command = lambda: command
    daemon.launch()


def test_systemd_hears_of_each_stage(stopped, manager):
    under_systemd(stopped, manager, 600000)
    manager.hear_until("READY=1")
    assert [manager.hear() for _ in range(3)] == ["WATCHDOG=1"] * 3
    stopped.process.send_signal(signal.SIGTERM)
    manager.hear_until("STOPPING=1")
    manager.hang_up()
    assert stopped.stop() == 0


def stands_still(pid):
    return {path.read_text().rsplit(")", 1)[1].split()[0] for path in pathlib.Path(f"/proc/{pid}/task").glob("*/stat")} == {"T"}


def test_no_sign_of_life_from_a_daemon_that_stands_still(stopped, manager):
    under_systemd(stopped, manager, 300000)
    manager.hear_until("READY=1")
    stopped.process.send_signal(signal.SIGSTOP)
    wait_until(lambda: stands_still(stopped.process.pid), what="each thread stands still")
    manager.socket.setblocking(False)
    with pytest.raises(BlockingIOError):
        while True:
            manager.hear()
    time.sleep(0.5)
    with pytest.raises(BlockingIOError):
        manager.hear()
    manager.hang_up()
    stopped.process.send_signal(signal.SIGCONT)
    assert stopped.stop() == 0


def test_any_free_port(stopped):
    stopped.out_path.write_text("")           # of its first start
    listening_on(stopped, "127.0.0.1:0").launch()
    lines = wait_until(lambda: [line for line in stopped.out_path.read_text().splitlines() if line], what="the line")
    url = lines[-1].split()[-1]
    for _ in range(30):                       # new connections, so every worker's socket
        assert httpx.get(f"{url}/healthz").status_code == 200
    assert stopped.stop() == 0


def test_a_unix_socket_shared_by_the_workers(stopped):
    path = str(stopped.folder / "http")
    listening_on(stopped, f"unix:{path}").launch()
    wait_until(lambda: f"ready on unix:{path}" in stopped.out_path.read_text(), what="the line")
    for _ in range(30):
        with httpx.Client(transport=httpx.HTTPTransport(uds=path)) as client:
            assert client.get("http://localhost/api/v1/rounds").status_code == 200
    stopped.kill()
    assert os.path.exists(path), "a killed daemon leaves it"
    stopped.launch()
    wait_until(lambda: stopped.out_path.read_text().count("unix:") == 2, what="ready again")
    assert stopped.stop() == 0
    assert not os.path.exists(path)


def test_postgresql_does_not_hold_our_port(stopped):
    """Started again by a serving daemon, it must not inherit the listening sockets."""
    stopped.start()
    before = stopped.postmaster_pid()
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: stopped.postmaster_pid() not in (None, 0, before), what="a new postmaster")
    stopped.kill()
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", stopped.port))


def test_an_interrupt_drains_too(stopped):
    stopped.start()
    assert stopped.stop(signal.SIGINT) == 0
    assert not stopped.postmaster_pid()


def test_a_hangup_reads_the_keyring_and_ends_nothing(stopped):
    stopped.start()
    for n in range(3):
        stopped.process.send_signal(signal.SIGHUP)
        wait_until(lambda: stopped.err_path.read_text().count("keyring_read ") > n, what="the keyring was read")
    assert httpx.get(f"{stopped.url}/api/v1/rounds").status_code == 200
    assert stopped.stop() == 0


def test_a_hangup_while_the_keyring_is_read_is_not_lost(stopped):
    """The folder may have changed behind the reading: after the last word comes one more."""
    stopped.start()
    for _ in range(200):
        stopped.process.send_signal(signal.SIGHUP)
        time.sleep(0.0005)
    heard = wait_until(lambda: stopped.err_path.read_text().count("reload level=info of=keyring"), what="the first word")

    def read_after_the_last():
        text = stopped.err_path.read_text()
        return text.rfind("keyring_read ") > text.rfind("reload level=info of=keyring")
    wait_until(read_after_the_last, 10, what=f"a reading behind the last of {heard} words")
    assert stopped.stop() == 0


def unix_client(path):
    return httpx.Client(transport=httpx.HTTPTransport(uds=path), base_url="http://localhost", timeout=20)


def notice_given(client):
    return client.get("/readyz", headers={"Connection": "close"}).status_code == 503


def test_notice_before_the_end(stopped):
    """Unready, but serving: what a proxy needs to turn away in time."""
    stopped.settings.update({"listen.drain_notice_ms": 60000, "workers.count": 1})
    stopped.start()
    with socket.create_connection(("127.0.0.1", stopped.port)) as idle, httpx.Client(base_url=stopped.url) as other:
        idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert raw.read_answer(idle)[0] == 200
        stopped.process.send_signal(signal.SIGTERM)
        wait_until(lambda: notice_given(other), what="/readyz says 503")
        for _ in range(20):
            answer = httpx.get(f"{stopped.url}/api/v1/rounds")
            assert answer.status_code == 200 and answer.headers["connection"] == "close"
        idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        status, headers, _ = raw.read_answer(idle)
        assert (status, headers["connection"]) == (200, "close"), "a kept connection is good to its end"
    assert stopped.process.poll() is None
    assert stopped.stop() == 0, "a second signal ends the notice"


def test_the_notice_ends_by_itself(stopped):
    """Also for a daemon that is told to stop before its last worker is ready: the others serve already."""
    stopped.settings["listen.drain_notice_ms"] = 300
    wait_until(stopped.launch().answers_ready, every=0.002, what="one worker")
    began = time.monotonic()
    assert stopped.stop() == 0
    assert time.monotonic() - began >= 0.3


def test_the_next_daemon_takes_the_socket_while_the_last_one_drains(stopped):
    """Two daemons of one instance for a moment: the old one finishes its work and leaves the new one's socket alone."""
    path = str(stopped.folder / "http")
    address = f"unix:{path}"
    listening_on(stopped, address).launch()
    wait_until(lambda: stopped.out_path.read_text().count(address) == 1, what="the line")
    with socket.socket(socket.AF_UNIX) as slow:
        slow.connect(path)
        slow.sendall(b"POST /api/v1/teams HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                         b"Authorization: Bearer gh_x\r\nContent-Length: 8\r\n\r\n")
        stopped.process.send_signal(signal.SIGTERM)
        wait_until(lambda: not os.path.exists(path), what="the old daemon lets go of the path")
        assert stopped.process.poll() is None, "and still waits for the rest of a request"
        with socket.socket(socket.AF_UNIX) as next_one:
            next_one.bind(path)
            next_one.listen(1)
            slow.sendall(b"{\"a\": 1}")
            assert b" 401 " in slow.recv(65536)
            assert stopped.stop(signal.SIGCONT) == 0
            assert os.path.exists(path), "the next daemon's socket stays"
    os.unlink(path)


def test_a_request_at_work_is_answered_and_a_slow_one_does_not_hold_the_end(stopped):
    stopped.start()
    with socket.create_connection(("127.0.0.1", stopped.port)) as slow:
        slow.sendall(b"POST /api/v1/eligibility HTTP/1.1\r\nHost: x\r\nContent-Le")
        began = time.monotonic()
        assert stopped.stop() == 0
        took = time.monotonic() - began
        assert b" 408 " in raw.read_all(slow)
    assert "drain_cut" not in stopped.log(), "it was told before the drain's own deadline"
    assert took < 30, "under sanitizers and a loaded machine; tests/chaos/run holds it to ten seconds"


def test_a_second_signal_ends_the_drain(stopped):
    stopped.start()
    with socket.create_connection(("127.0.0.1", stopped.port)) as slow:
        slow.sendall(b"POST /api/v1/teams HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                     b"Authorization: Bearer gh_x\r\nContent-Length: 8\r\n\r\n")
        before = stopped.err_path.read_text().count("draining level=info")       # of its first end; two signals at once may be one
        stopped.process.send_signal(signal.SIGTERM)
        wait_until(lambda: stopped.err_path.read_text().count("draining level=info") > before, every=0.01,
                   what="it waits for the rest of the request")
        stopped.process.send_signal(signal.SIGTERM)
        assert stopped.stop(signal.SIGCONT) == 0
        assert raw.read_all(slow) == b"", "and no longer: six seconds would bring 408"
