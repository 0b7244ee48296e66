"""The tests' own instruments notice what they are there for."""
import json

import httpx
import pytest

from harness import programs
from harness.contract import Broken


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
