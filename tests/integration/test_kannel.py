"""Real Kannel between a donor's phone (fakesmsc) and the daemon, by the configuration that we ship."""
import contextlib
import pathlib
import re
import socket
import subprocess
import time
import urllib.parse

import pytest

from harness import programs
from harness.daemon import wait_until

FAKESMSC = pathlib.Path("/usr/lib/kannel/test/fakesmsc")
SAMPLE = programs.ROOT / "deploy" / "kannel.conf"
NUMBER = "0912345678"


def is_listened_at(port):
    """Somebody listens there; told by the kernel, since a phone's centre takes whoever connects for its phone."""
    tables = [path.read_text() for path in map(pathlib.Path, ("/proc/net/tcp", "/proc/net/tcp6")) if path.exists()]
    sockets = [line.split() for table in tables for line in table.splitlines()[1:]]
    return any(local.endswith(f":{port:04X}") and state == "0A" for _, local, _, state, *_ in sockets)


def listens(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


class Gateway:
    """bearerbox and smsbox on loopback ports of their own."""

    def __init__(self, folder, daemon):
        self.folder, self.processes = folder, []
        self.admin, self.box, self.smsc = (programs.free_port() for _ in range(3))
        self.config = folder / "kannel.conf"
        self.config.write_text(self._ours(daemon))

    def _ours(self, daemon):
        """The sample with its places, ports and credentials replaced; nothing else."""
        text = SAMPLE.read_text()
        places = {"admin-port = 13000": f"admin-port = {self.admin}", "= 13001": f"= {self.box}",
                  "port = 10000": f"port = {self.smsc}", "127.0.0.1:8080": f"127.0.0.1:{daemon.port}",
                  "/var/log/kannel": str(self.folder), "/var/spool/kannel": str(self.folder / "spool"),
                  "ADMIN_PASSWORD": "for-tests", "kannel:TOKEN@": f"kannel:{daemon.token('gateway')}@"}
        for old in places:
            assert old in text, f"deploy/kannel.conf has no {old!r}"
        # in one pass: a port of ours may be one of the sample's
        return re.sub("|".join(map(re.escape, places)), lambda found: places[found[0]], text)

    def start(self):
        (self.folder / "spool").mkdir()
        self._launch("bearerbox")
        wait_until(lambda: listens(self.box), what="bearerbox")
        self._launch("smsbox")
        wait_until(lambda: "connected" in self._console("bearerbox").lower(), what="smsbox")
        wait_until(lambda: is_listened_at(self.smsc), what="the port of the phone's centre")
        time.sleep(0.5)
        return self

    def _launch(self, box):
        with open(self.folder / f"{box}.console", "wb") as console:
            self.processes.append(subprocess.Popen([box, str(self.config)], stdout=console,
                                                   stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL))

    def _console(self, box):
        return (self.folder / f"{box}.console").read_text(errors="replace")

    def stop(self):
        for process in reversed(self.processes):
            process.kill()
            process.wait()

    def answers(self, message, seconds=180):
        """What the phone gets for one message: [(kind, text)], all that comes within a second of the first."""
        command = [str(FAKESMSC), "-H", "127.0.0.1", "-r", str(self.smsc), "-m", "1", f"{NUMBER} 8088 {message}"]
        log = self.folder / "fakesmsc.log"
        with open(log, "wb") as out:
            phone = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)

        def got():
            return re.findall(rf"Got message \d+: <8088 {NUMBER} (\S+) (.*?)>", log.read_text(errors="replace"))
        try:
            with contextlib.suppress(AssertionError):
                wait_until(got, seconds, what="an answer")
            time.sleep(1)
            return got()
        finally:
            phone.terminate()
            phone.wait()


@pytest.fixture(scope="module")
def gateway(loaded):
    if not FAKESMSC.exists():
        pytest.fail("package kannel-extras is not installed")
    folder = programs.workshop("giothong-kannel-")
    one = Gateway(folder, loaded)
    try:
        yield one.start()
    finally:
        one.stop()
        programs.remove(folder)


def test_a_plain_question_is_answered_in_one_sms(gateway):
    (kind, text), *more = gateway.answers("text LICH than uyen")
    assert not more, "one question, one SMS"
    assert kind == "text" and len(text) <= 160
    assert "than uyen" in text.lower(), text


def test_a_question_with_marks_is_understood(gateway):
    typed = urllib.parse.quote("Lịch Than Uyên".encode("utf-16-be"))
    (_, text), *more = gateway.answers(f"ucs2 {typed}")
    assert not more
    assert "than uyen" in text.lower(), text


def test_an_answer_with_marks_reaches_the_phone_with_them(gateway):
    typed = urllib.parse.quote("Lịch Than Uyên có dấu".encode("utf-16-be"))
    (kind, text), *more = gateway.answers(f"ucs2 {typed}")
    assert not more
    assert kind == "ucs-2", (kind, text)
    letters = urllib.parse.unquote_to_bytes(text.replace("+", " ")).decode("utf-16-be")
    assert len(letters) <= 70 and "Than Uyên" in letters, letters


def test_nonsense_gets_help_once_an_hour(gateway):
    (_, text), *more = gateway.answers("text xin chao")
    assert not more and "LICH" in text, text
    assert gateway.answers("text lai la toi", seconds=4) == [], "no second help within the hour"


def test_kannels_logs_name_no_donor(gateway):
    logs = "".join((gateway.folder / f"{box}.log").read_text(errors="replace") for box in ("bearerbox", "smsbox"))
    assert NUMBER not in logs and "than uyen" not in logs.lower()


def test_the_daemons_log_names_no_donor(gateway, loaded):
    log = loaded.out_path.read_text(errors="replace") + loaded.err_path.read_text(errors="replace")
    assert NUMBER not in log and "than+uyen" not in log.lower() and "than uyen" not in log.lower()
