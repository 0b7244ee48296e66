"""Totals of a round: append-only, corrected by naming, the best source shown."""
import concurrent.futures

import psycopg
import pytest

from harness.client import field_codes, until_served
from harness.seeds import TODAY, day

PRESS = {"source": "press", "source_url": "https://bao.example/bai", "reported_on": TODAY}


def report(staff, one, expect=201, **body):
    return staff.post(f"/api/v1/rounds/{one['id']}/reports", json=body, expect=expect).json()


def figure(value, qualifier="exact"):
    return {"value": value, "qualifier": qualifier}


def test_a_report_and_the_rounds_result(seeds, staff):
    one = seeds.in_status("closed")
    made = report(staff, one, **PRESS, registered=figure(520, "at_least"), units=figure(346))
    assert made["registered"] == figure(520, "at_least") and made["present"] is None and made["corrects"] is None
    result = staff.round(one["id"])["result"]
    assert result == {**made, "parts": []}
    listed = staff.items(f"/api/v1/rounds/{one['id']}/reports")
    assert listed == [made]


def test_the_best_source_is_shown_whatever_the_order(seeds, staff):
    for order in (("press", "team"), ("team", "press")):
        one = seeds.in_status("closed")
        made = {}
        for source in order:
            body = {**PRESS, "source": source, "units": figure(100 + len(made))}
            if source == "team":
                body.pop("source_url")
            made[source] = report(staff, one, **body)
        assert staff.round(one["id"])["result"]["id"] == made["team"]["id"]


def test_a_correction_is_a_new_row(seeds, staff, daemon):
    one = seeds.in_status("closed")
    wrong = report(staff, one, source="team", reported_on=TODAY, units=figure(300))
    right = report(staff, one, source="team", reported_on=TODAY, units=figure(230), corrects=wrong["id"])
    assert staff.round(one["id"])["result"]["id"] == right["id"]
    listed = staff.items(f"/api/v1/rounds/{one['id']}/reports")
    assert [r["id"] for r in listed] == [right["id"], wrong["id"]], "the corrected one stays"
    answer = staff.post(f"/api/v1/rounds/{one['id']}/reports",
                        json={"source": "team", "reported_on": TODAY, "units": figure(231), "corrects": wrong["id"]})
    assert answer.status_code == 422 and "/corrects" in field_codes(answer), "a report is corrected once"
    assert daemon.value("SELECT units FROM round_report WHERE id = %s", wrong["id"]) == 300


def test_corrections_race(seeds, staff, daemon, api_of):
    one = seeds.in_status("closed")
    wrong = report(staff, one, source="team", reported_on=TODAY, units=figure(300))
    token = daemon.token("staff")

    def correct(n):
        body = {"source": "team", "reported_on": TODAY, "units": figure(200 + n), "corrects": wrong["id"]}
        client = api_of(daemon, token)
        return until_served(lambda: client.post(f"/api/v1/rounds/{one['id']}/reports", json=body)).status_code

    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        assert sorted(pool.map(correct, range(10))) == [201] + [422] * 9


def test_a_correction_names_a_report_of_the_same_round(seeds, staff):
    one, other = seeds.in_status("closed"), seeds.in_status("closed")
    foreign = report(staff, other, source="team", reported_on=TODAY, units=figure(3))
    answer = staff.post(f"/api/v1/rounds/{one['id']}/reports",
                        json={"source": "team", "reported_on": TODAY, "units": figure(4), "corrects": foreign["id"]})
    assert answer.status_code == 422 and "/corrects" in field_codes(answer)


@pytest.mark.parametrize("body", [
    {"source": "team", "reported_on": TODAY},                                             # says nothing
    {"source": "team", "reported_on": TODAY, "units": {"value": -1}},
    {"source": "team", "reported_on": TODAY, "units": {"value": 100001}},
    {"source": "team", "reported_on": TODAY, "ml": {"value": 1000001}},
    {"source": "team", "reported_on": TODAY, "units": {"value": 1, "qualifier": "maybe"}},
    {"source": "team", "reported_on": TODAY, "units": 5},
    {"source": "team", "reported_on": day(1), "units": {"value": 5}},
    {"source": "rumour", "reported_on": TODAY, "units": {"value": 5}},
    {"source": "press", "reported_on": TODAY, "units": {"value": 5}},
    {"source": "press", "reported_on": TODAY, "units": {"value": 5}, "source_url": "javascript:alert(1)"},
    {"source": "team", "reported_on": TODAY, "registered": {"value": 5}, "present": {"value": 6}},
    {"source": "team", "reported_on": TODAY, "present": {"value": 5}, "accepted": {"value": 6}},
    {"source": "team", "reported_on": TODAY, "units": {"value": 5}, "colour": "red"},
    {"reported_on": TODAY, "units": {"value": 5}},
])
def test_what_no_report_may_claim(seeds, staff, body):
    one = seeds.in_status("closed")
    answer = staff.post(f"/api/v1/rounds/{one['id']}/reports", json=body)
    assert answer.status_code == 422 and answer.json()["errors"], answer.text
    assert staff.round(one["id"])["result"] is None


def test_at_least_is_no_contradiction(seeds, staff):
    one = seeds.in_status("closed")
    report(staff, one, source="team", reported_on=TODAY, registered=figure(200, "at_least"), present=figure(230))


def test_a_report_changes_neither_version_nor_state(seeds, staff):
    one = seeds.in_status("closed")
    etag = staff.etag(f"/api/v1/rounds/{one['id']}")
    report(staff, one, source="team", reported_on=TODAY, units=figure(3))
    after = staff.round(one["id"])
    assert after["version"] == one["version"]
    assert staff.etag(f"/api/v1/rounds/{one['id']}") != etag, "its bytes changed, so its tag did"
    staff.step(one["id"], "confirm", {"document": "CV"}, etag=etag)


def test_the_daemons_role_cannot_rewrite_reports_or_audit(daemon):
    """Append-only is the database's word, not the program's."""
    import contextlib
    with daemon.database() as connection:
        connection.execute("SET ROLE giothong_app")
        for statement in ("UPDATE round_report SET units = 1", "DELETE FROM round_report", "UPDATE audit_entry SET action = 'x'",
                          "DELETE FROM audit_entry", "TRUNCATE audit_entry", "DELETE FROM round", "DELETE FROM plan",
                          "CREATE TABLE mine (x int)", "DROP TABLE round", "ALTER TABLE round ADD COLUMN x int",
                          "UPDATE access_token SET role = 'admin'", "UPDATE unit SET name = 'x'"):
            with contextlib.suppress(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
                pytest.fail(f"the daemon's role may: {statement}")


def test_no_report_for_no_round(staff):
    body = {"source": "team", "reported_on": TODAY, "units": figure(3)}
    staff.post("/api/v1/rounds/00000000-0000-7000-8000-000000000000/reports", json=body, expect=404)
    staff.get("/api/v1/rounds/NICHTS-01/reports", expect=404)


def test_reports_of_a_draft_are_hidden(seeds, api):
    draft = seeds.draft()
    api.get(f"/api/v1/rounds/{draft['id']}/reports", expect=404)
