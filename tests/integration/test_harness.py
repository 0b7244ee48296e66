"""The tests' own instruments notice what they are there for."""
import json
import socket
import threading

import httpx
import pytest

from harness import programs
from harness.contract import Broken
from harness.raw import read_all
from harness.relay import Relay


def answer(method, path, status, body, media="application/json", request_body=None):
    request = httpx.Request(method, f"http://127.0.0.1{path}", content=request_body,
                            headers={"Content-Type": "application/json"} if request_body else {})
    return httpx.Response(status, headers={"Content-Type": media}, content=body, request=request)


TEAM = {"id": "01957d91-3905-7c43-a292-10b3193b08b3", "code": "D1", "name": "Đội", "organisation": None, "beds": 3,
        "active": True, "version": 1}


def test_a_good_answer_passes(contract):
    contract.check(answer("GET", "/api/v1/teams", 200, json.dumps({"items": [TEAM], "next_cursor": None}).encode()))


@pytest.mark.parametrize("bad", [
    answer("GET", "/api/v1/teams", 200, json.dumps({"items": [{**TEAM, "beds": "3"}], "next_cursor": None}).encode()),
    answer("GET", "/api/v1/teams", 200, json.dumps({"items": [{**TEAM, "colour": 1}], "next_cursor": None}).encode()),
    answer("GET", "/api/v1/teams", 200, json.dumps({"items": [{"id": TEAM["id"]}], "next_cursor": None}).encode()),
    answer("GET", "/api/v1/teams", 200, b"<html>", "text/html"),
    answer("GET", "/api/v1/teams", 418, b"{}"),
    answer("GET", "/api/v1/teams?colour=red", 200, json.dumps({"items": [], "next_cursor": None}).encode()),
    answer("GET", "/api/v1/nothing", 200, b"{}"),
    answer("DELETE", "/api/v1/teams", 200, b"{}"),
    answer("POST", "/api/v1/teams", 201, json.dumps(TEAM).encode(), request_body=b'{"code": 7}'),
], ids=lambda a: f"{a.request.method} {a.status_code} {a.content[:20]!r}")
def test_a_bad_one_does_not(contract, bad):
    with pytest.raises(Broken):
        contract.check(bad)


def test_a_sanitizer_report_is_noticed_once(tmp_path):
    reports = programs.SanitizerReports()
    reports.watch(tmp_path)
    assert reports.news() == ""
    (tmp_path / "report.17").write_text("ERROR: AddressSanitizer: heap-use-after-free")
    assert "heap-use-after-free" in reports.news() and reports.news() == ""


@pytest.fixture
def echo():
    """A server that says everything back, and a relay before it."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                one, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=(one,), daemon=True).start()

    def talk(one):
        with one:
            try:
                while data := one.recv(65536):
                    one.sendall(data)
            except OSError:
                pass

    threading.Thread(target=serve, daemon=True).start()
    relay = Relay(listener.getsockname()[1])
    yield relay
    relay.close()
    listener.close()


def test_the_relay_forwards_and_says_who_has_finished(echo):
    with socket.create_connection(("127.0.0.1", echo.port), 10) as one:
        sent = b"x" * 3000000
        threading.Thread(target=lambda: (one.sendall(sent), one.shutdown(socket.SHUT_WR)), daemon=True).start()
        assert read_all(one) == sent


@pytest.mark.parametrize("deliver", [True, False])
def test_the_relay_falls_silent(echo, deliver):
    with socket.create_connection(("127.0.0.1", echo.port), 10) as one:
        one.sendall(b"a")
        assert one.recv(9) == b"a"
        echo.freeze()
        one.sendall(b"b")
        one.settimeout(0.3)
        with pytest.raises(TimeoutError):
            one.recv(9)
        echo.thaw(deliver)
        one.settimeout(10)
        if deliver:
            assert one.recv(9) == b"b"
        else:
            assert read_all(one) == b""
    with socket.create_connection(("127.0.0.1", echo.port), 10) as one:
        one.sendall(b"c")
        assert one.recv(9) == b"c"


def test_the_relay_loses_each_third_answer(echo):
    echo.lose(3)
    whole = 0
    for _ in range(30):
        with socket.create_connection(("127.0.0.1", echo.port), 10) as one:
            one.sendall(b"12345678")
            one.shutdown(socket.SHUT_WR)
            whole += read_all(one) == b"12345678"
    assert whole == 20 and echo.cut == 10
