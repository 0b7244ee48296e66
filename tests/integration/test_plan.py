"""The plan of Lai Châu for 2025, as the issue's readers will first see it."""
import copy
import json

import pytest

from harness import programs
from harness.client import field_codes, problem

PLAN_FILE = programs.CONFIG / "plans" / "lai-chau-2025.json"
HISTORY_FILE = programs.CONFIG / "rounds" / "lai-chau-history.csv"
SLUG = "3653-KH-UBND"
ROUNDS = f"/api/v1/rounds?plan={SLUG}&from=2024-12-01"


def test_two_commands_and_the_rounds_are_there(fresh_daemon, api_of):
    """A data folder, one import; nothing between."""
    daemon = fresh_daemon()
    daemon.cli_ok("plan", "import", PLAN_FILE)
    rounds = api_of(daemon).get(ROUNDS).json()["items"]
    assert len(rounds) == 18
    assert rounds[0]["date"] == "2024-12-20" and rounds[-1]["date"] == "2025-11-28"
    assert [r["ordinal"] for r in rounds if r["date_status"] == "official"] == [1, 18]


def test_only_what_the_plan_says_is_official(loaded, api):
    rounds = api.get(ROUNDS).json()["items"]
    assert [r["ordinal"] for r in rounds] == list(range(1, 19))
    assert all(r["date_status"] == "proposed" for r in rounds[1:-1])
    assert not any(r["time_status"] == "official" or r["place_status"] == "official" for r in rounds)
    assert all(r["status"] == "announced" for r in rounds)
    assert all(r["plan"]["number"] == "3653/KH-UBND" and not r["demo"] for r in rounds)
    assert all(r["starts_at"].endswith("+07:00") for r in rounds)


def test_proposed_dates_keep_the_plans_rules(loaded, api):
    from datetime import date
    rounds = api.get(ROUNDS).json()["items"]
    days = [date.fromisoformat(r["date"]) for r in rounds]
    assert days == sorted(days) and len(set(days)) == 18
    tet = (date(2025, 1, 25), date(2025, 2, 2))
    holidays = {date(2025, 1, 1), date(2025, 4, 7), date(2025, 4, 30), date(2025, 5, 1), date(2025, 9, 1), date(2025, 9, 2)}
    for day, one in zip(days[1:-1], rounds[1:-1]):
        assert not tet[0] <= day <= tet[1] and day not in holidays, one["code"]
    last = {}
    for day, one in zip(days, rounds):
        for unit in one["units"]:
            if unit["id"] in last:
                assert (day - last[unit["id"]]).days >= 84, (one["code"], unit)
            last[unit["id"]] = day


def test_hosts_are_valid_on_the_rounds_own_day(loaded, api):
    units = {u["id"]: u for u in api.items("/api/v1/units", limit=500)}
    for one in api.get(ROUNDS).json()["items"]:
        for host in one["units"]:
            unit = units.get(host["id"]) or api.get(f"/api/v1/units/{host['id']}").json()
            assert (unit["valid_from"] or "0") <= one["date"] <= (unit["valid_to"] or "9"), (one["code"], unit)


def test_imported_again_nothing_changes(loaded, api):
    before = api.get(ROUNDS).json()
    audit = loaded.value("SELECT count(*) FROM audit_entry")
    outcome = loaded.cli_ok("plan", "import", PLAN_FILE, "--json")
    assert api.get(ROUNDS).json() == before
    assert loaded.value("SELECT count(*) FROM audit_entry") == audit
    report = json.loads(outcome.out)
    assert not report.get("applied", False), report


def test_history_imported_again_nothing_changes(with_history):
    loaded = with_history
    count = loaded.value("SELECT count(*) FROM round")
    reports = loaded.value("SELECT count(*) FROM round_report")
    loaded.cli_ok("history", "import", HISTORY_FILE)
    assert loaded.value("SELECT count(*) FROM round") == count
    assert loaded.value("SELECT count(*) FROM round_report") == reports


def test_history_tells_over_from_exactly(with_history, api):
    params = {"from": "2024-11-07", "to": "2024-11-07"}
    (one,) = api.get("/api/v1/rounds", params=params).json()["items"]
    assert one["date_status"] == "reported" and one["status"] == "closed"
    assert one["result"]["source"] == "press" and one["result"]["source_url"].startswith("http")
    assert one["result"]["registered"] == {"value": 520, "qualifier": "at_least"}


def test_a_year_alone_stays_out_of_dated_lists(with_history, api):
    params = {"from": "2012-01-01", "to": "2012-12-31"}
    assert api.get("/api/v1/rounds", params=params).json()["items"] == []
    (one,) = api.get("/api/v1/rounds", params={**params, "date_precision": "year"}).json()["items"]
    assert one["starts_at"] is None and one["date"] is None and one["date_precision"] == "year"


def test_the_plan_by_id_slug_and_number(loaded, api):
    plan = api.get(f"/api/v1/plans/{SLUG}").json()
    assert plan["number"] == "3653/KH-UBND" and plan["from"] == "2024-12-20" and plan["to"] == "2025-11-28"
    assert len(plan["rounds"]) == 18
    assert api.get(f"/api/v1/plans/{plan['id']}").json() == plan
    assert SLUG in [p["slug"] for p in api.items("/api/v1/plans")]
    problem(api.get("/api/v1/plans/9999-KH-UBND", expect=404), "not-found")


def test_dry_run_shows_and_writes_nothing(fresh_daemon):
    daemon = fresh_daemon()
    outcome = daemon.cli_ok("plan", "import", PLAN_FILE, "--dry-run", "--json")
    assert daemon.value("SELECT count(*) FROM plan") == 0 and daemon.value("SELECT count(*) FROM round") == 0
    assert json.loads(outcome.out)["created"] == 18
    daemon.cli_ok("plan", "import", PLAN_FILE)
    assert daemon.value("SELECT count(*) FROM round") == 18


@pytest.fixture
def plan_file():
    return json.loads(PLAN_FILE.read_text(encoding="utf-8"))


def test_an_announced_round_is_not_changed_by_an_import(loaded, staff, plan_file):
    changed = copy.deepcopy(plan_file)
    changed["rounds"][6]["date"] = "2025-04-30"
    before = loaded.sql("SELECT * FROM round ORDER BY id")
    answer = staff.post("/api/v1/plans/import", json=changed)
    problem(answer, "import-refused", 409)
    (fault,) = answer.json()["errors"]
    assert fault["pointer"].startswith("/rounds/6") and "move" in fault["detail"], "it lists the move that would be needed"
    assert loaded.sql("SELECT * FROM round ORDER BY id") == before


def test_import_over_the_api_is_the_same(loaded, staff, plan_file):
    answer = staff.post("/api/v1/plans/import", json=plan_file, expect=200).json()
    assert answer["applied"] is False and answer["created"] == answer["updated"] == 0


@pytest.mark.parametrize("spoil, pointer", [
    (lambda p: p["rounds"][3].update(date="2025-02-30"), "/rounds/3/date"),
    (lambda p: p["rounds"][3].update(date="2026-02-03"), "/rounds/3/date"),
    (lambda p: p["rounds"][4].update(units=["Xã Không Có Thật"]), "/rounds/4/units/0"),
    (lambda p: p["rounds"][5].update(colour="red"), "/rounds/5/colour"),
    (lambda p: p["rounds"][5].update(ordinal=5), "/rounds/5/ordinal"),
    (lambda p: p.pop("number"), "/number"),
])
def test_a_bad_file_is_refused_by_field(loaded, staff, plan_file, spoil, pointer):
    spoiled = copy.deepcopy(plan_file)
    spoiled.update(number="1/KH-SAI", code_prefix="SAI")
    spoil(spoiled)
    answer = staff.post("/api/v1/plans/import", json=spoiled)
    assert answer.status_code == 422, answer.text
    assert pointer in field_codes(answer), answer.text
    assert loaded.value("SELECT count(*) FROM plan WHERE number = '1/KH-SAI'") == 0


def test_broken_json_names_line_and_column(loaded, tmp_path):
    bad = loaded.folder / "bad.json"
    bad.write_text('{"number": "1/KH",\n  "title": }\n')
    outcome = loaded.cli("plan", "import", bad)
    assert outcome.status == 1 and "2" in outcome.err and outcome.out == ""


def write_csv(daemon, *rows, head="ordinal,date,start,end,place,units,organiser,target"):
    path = daemon.folder / "rounds.csv"
    path.write_text("\n".join((head, *rows)) + "\n", encoding="utf-8")
    return path


def test_csv_as_staff_keep_it(daemon, seeds, staff):
    plan, venue = seeds.plan(), seeds.venue()
    path = write_csv(daemon, f"1,2025-04-15,07:30,10:30,{venue['name']},Huyện Than Uyên,Hội Chữ thập đỏ,200", "",
                     "2,20/5/2025,,,,Huyện Tân Uyên; Huyện Tam Đường,,")
    daemon.cli_ok("plan", "import", path, "--plan", plan["slug"])
    rounds = staff.items("/api/v1/rounds", plan=plan["slug"], **{"from": "2025-01-01"})
    assert [(r["date"], r["status"], r["date_status"]) for r in rounds] == \
        [("2025-04-15", "draft", "proposed"), ("2025-05-20", "draft", "proposed")]
    assert rounds[0]["venue"]["id"] == venue["id"] and rounds[0]["target_units"] == 200 and rounds[0]["starts_at"] == "2025-04-15T07:30:00+07:00"
    assert len(rounds[1]["units"]) == 2


@pytest.mark.parametrize("row, line, column", [
    ("1,2025-13-15,,,,Huyện Than Uyên,,", 2, "date"),
    ("1,2025-04-15,25:00,,,Huyện Than Uyên,,", 2, "start"),
    ("1,2025-04-15,,,,Huyện Không Có Thật,,", 2, "units"),
    ("x,2025-04-15,,,,Huyện Than Uyên,,", 2, "ordinal"),
    ("1,2025-04-15,,,,Huyện Than Uyên,,many", 2, "target"),
    ("1,2039-04-15,,,,Huyện Than Uyên,,", 2, "date"),
    ("1,2025-04-15,10:30,07:30,,Huyện Than Uyên,,", 2, "end"),
])
def test_a_bad_csv_names_line_and_field(daemon, seeds, row, line, column):
    plan = seeds.plan()
    outcome = daemon.cli("plan", "import", write_csv(daemon, row), "--plan", plan["slug"])
    assert outcome.status == 1, outcome
    assert f"line {line}" in outcome.err and column in outcome.err, outcome
    assert daemon.value("SELECT count(*) FROM round WHERE plan_id = %s", plan["id"]) == 0


def test_csv_is_all_or_nothing_and_refuses_unknown_columns(daemon, seeds):
    plan = seeds.plan()
    path = write_csv(daemon, "1,2025-04-15,,,,Huyện Than Uyên,,", "2,2025-99-15,,,,Huyện Than Uyên,,")
    assert daemon.cli("plan", "import", path, "--plan", plan["slug"]).status == 1
    assert daemon.value("SELECT count(*) FROM round WHERE plan_id = %s", plan["id"]) == 0
    path = write_csv(daemon, "1,2025-04-15,red", head="ordinal,date,colour")
    outcome = daemon.cli("plan", "import", path, "--plan", plan["slug"])
    assert outcome.status == 1 and "colour" in outcome.err


def test_a_plan_alone(seeds, staff, api):
    plan = seeds.plan(legal_basis=["Quyết định thử nghiệm"], issuer="UBND tỉnh thử nghiệm", issued_on="2024-09-13")
    assert plan["legal_basis"] == ["Quyết định thử nghiệm"] and plan["rounds"] == []
    body = {"number": plan["number"], "code_prefix": "ZZZ", "title": "khác", "from": "2025-01-01", "to": "2025-12-31"}
    problem(staff.post("/api/v1/plans", json=body, expect=409), "already-exists")


def test_a_plan_that_ends_before_it_begins(staff, seeds):
    body = {"number": f"{seeds.number()}/KH-SAI", "code_prefix": f"S{seeds.number()}X", "title": "sai",
            "from": "2025-12-31", "to": "2025-01-01"}
    answer = staff.post("/api/v1/plans", json=body, expect=422)
    assert set(field_codes(answer)) & {"/from", "/to"}, answer.text


def test_demo_plan_says_that_it_is_one(fresh_daemon, api_of):
    daemon = fresh_daemon()
    daemon.cli_ok("plan", "import", programs.CONFIG / "plans" / "demo-2027.json")
    rounds = api_of(daemon).items("/api/v1/rounds", **{"from": "2026-01-01"})
    assert rounds and all(r["demo"] and r["plan"]["demo"] for r in rounds)
    assert rounds[0]["date"] >= "2026-12-20" and rounds[-1]["date"] <= "2027-11-28"
    assert all("mẫu" in r["title"].lower() for r in rounds), "whoever reads the title alone is told too"
