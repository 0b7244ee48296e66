"""plan propose: the files in the tree are what the requests give, on any day; refusals name the constraint."""
import datetime
import json

import pytest

from harness import programs
from harness.daemon import own_daemon

PLANS = programs.CONFIG / "plans"
REQUESTS = sorted((PLANS / "requests").glob("*.json"))


@pytest.fixture(scope="module")
def untouched():
    """A database with the reference data only: the rounds of other tests would be kept off."""
    with own_daemon() as one:
        yield one


@pytest.mark.parametrize("request_path", REQUESTS, ids=lambda path: path.stem)
def test_the_plan_file_is_what_the_request_gives(untouched, request_path):
    assert untouched.cli_ok("plan", "propose", request_path).out == (PLANS / request_path.name).read_text(encoding="utf-8")
    untouched.cli_ok("plan", "import", PLANS / request_path.name, "--dry-run")


def test_there_are_requests():
    assert {path.name for path in REQUESTS} == {path.name for path in PLANS.glob("*.json")}


def test_output_to_a_file_and_a_reason_for_each_date(daemon):
    path = daemon.folder / "proposed.json"
    outcome = daemon.cli_ok("plan", "propose", REQUESTS[0], "--output", path)
    plan = json.loads(path.read_text(encoding="utf-8"))
    lines = outcome.out.splitlines()
    assert len(lines) == len(plan["rounds"])
    for line, a_round in zip(lines, plan["rounds"]):
        assert a_round["date"] in line and len(line) > 30, line


def test_the_plan_of_2025():
    plan = json.loads((PLANS / "lai-chau-2025.json").read_text(encoding="utf-8"))
    rounds = plan["rounds"]
    assert plan["number"] == "3653/KH-UBND" and plan["code_prefix"] == "LC25" and not plan.get("demo")
    assert len(rounds) == 18 and [r["ordinal"] for r in rounds] == list(range(1, 19))
    assert rounds[0]["date"] == "2024-12-20" and rounds[-1]["date"] == "2025-11-28"
    assert [r["ordinal"] for r in rounds if r["date_status"] == "official"] == [1, 18]
    assert all(r["status"] == "announced" and r["time_status"] == "unknown" and "start" not in r for r in rounds)
    assert all(r["place_status"] in ("proposed", "unknown") for r in rounds)
    assert all(r["place_status"] == "unknown" and "units" not in r for r in (rounds[0], rounds[-1]))
    for a_round in rounds[1:-1]:
        reformed = a_round["date"] >= "2025-07-01"
        assert all(unit.endswith("@pre-2025-07-01") != reformed or "@" not in unit for unit in a_round["units"]), a_round


def test_the_demo_plan_says_so():
    plan = json.loads((PLANS / "demo-2027.json").read_text(encoding="utf-8"))
    assert plan["demo"] is True and plan["number"] == "DEMO/2027" and plan["title"].startswith("Dữ liệu mẫu")
    assert len(plan["rounds"]) == 18
    for a_round in plan["rounds"]:
        assert a_round["title"].startswith("Dữ liệu mẫu") and a_round["start"] and a_round["end"]
        assert a_round["target_units"] > 0


def spoiled(daemon, name, change):
    request = json.loads((PLANS / "requests" / "lai-chau-2025.json").read_text(encoding="utf-8"))
    change(request)
    path = daemon.folder / name
    path.write_text(json.dumps(request, ensure_ascii=False), encoding="utf-8")
    return daemon.cli("plan", "propose", path)


def test_an_interval_that_cannot_be_kept(daemon):
    def change(request):
        request["propose"]["places"] = [{"unit": "106@pre-2025-07-01", "rounds": 16}]
    outcome = spoiled(daemon, "crowded.json", change)
    assert outcome.status == 1 and outcome.out == "" and "84" in outcome.err and "Tam Đường" in outcome.err, outcome


def test_holidays_that_are_not_known_yet(daemon):
    def change(request):
        request.update({"from": "2031-01-01", "to": "2031-12-20", "rounds": []})
    outcome = spoiled(daemon, "far.json", change)
    assert outcome.status == 1 and "2027-12-31" in outcome.err, outcome
    assert "config/reference/holidays.json" in outcome.err, outcome


def test_no_days_at_all(daemon):
    def change(request):
        last = datetime.date.fromisoformat(request["from"]) + datetime.timedelta(days=5)
        request.update({"to": last.isoformat(), "rounds": []})
    assert spoiled(daemon, "short.json", change).status == 1


def one_round(daemon, day, number="77/KH-THU", **more):
    """A plan of one day and one round, at Mường Tè."""
    request = {"number": number, "title": "Kế hoạch thử một đợt", "code_prefix": "MOT", "from": day, "to": day,
               "propose": {"rounds": 1, "places": [{"unit": "107@pre-2025-07-01", "rounds": 1}], **more}}
    path = daemon.folder / "one.json"
    path.write_text(json.dumps(request, ensure_ascii=False), encoding="utf-8")
    return daemon.cli("plan", "propose", path)


def test_rounds_of_other_plans_count(daemon, seeds, staff):
    """83 days from one there is, before or after: none; 84: a round, which is not called the first."""
    plan = seeds.plan(first="2026-01-01", last="2026-12-31")
    seeds.draft(plan=plan, date="2026-07-04", units=["107@pre-2025-07-01"])
    there = datetime.date(2026, 7, 4)

    def propose(days, **more):
        return one_round(daemon, (there + datetime.timedelta(days=days)).isoformat(), **more)
    for days in (83, -83, 0):
        outcome = propose(days)
        assert outcome.status == 1 and "84" in outcome.err and "Mường Tè" in outcome.err, outcome
    after, before = propose(84), propose(-84)
    assert after.status == 0 and "84" in after.err and "đầu tiên" not in after.err and "first" not in after.err, after
    assert before.status == 0, before
    assert propose(84).out == after.out
    assert propose(83, number=plan["number"]).status == 0
    far = propose(120)
    assert far.status == 0 and "120" in far.err and "đầu tiên" not in far.err, far


def test_help_says_what_the_file_holds(daemon):
    text = daemon.cli_ok("plan", "propose", "--help").out
    assert all(word in text for word in ("FILE is", '"propose": {"rounds"', "gap_days", "places", "status")), text
