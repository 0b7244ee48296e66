"""What donors have a right to: consent and its withdrawal, who looked at them. All people here are invented."""
import json
import re

import pytest

from harness.client import field_codes, problem
from harness.seeds import TODAY, day

DONORS = "/api/v1/donors"
NOWHERE = "00000000-0000-7000-8000-000000000000"


@pytest.fixture
def donor(seeds, staff):
    """Registers a person of the test's own, with a number that nobody else has."""
    def make(**more):
        n = seeds.number()
        body = {"name": f"Lò Thị Mẫu {'ABCDEGHIKL'[n % 10]}", "birth_date": "1990-05-17", "sex": "female",
                "identifiers": [{"kind": "cccd", "value": f"012190{n % 1000000:06}"}], "phone": f"09{n % 100000000:08}",
                "unit": "Huyện Than Uyên", "address": "Bản Mẫu, số 7", **more}
        return {**body, **staff.post(DONORS, json=body, expect=201).json()}
    return make


def consents(client, key):
    return client.get(f"{DONORS}/{key}/consents").json()


def held(answer):
    return {(h["purpose"], h["channel"]): h["given"] for h in answer["holds"]}


def say(client, key, given, purpose="invitation", channel="sms", **more):
    body = {"purpose": purpose, "channel": channel, "given": given, **more}
    return client.post(f"{DONORS}/{key}/consents", json=body, expect=201).json()


# ---- consents ----

def test_a_withdrawal_counts_at_once(staff, donor, daemon):
    made = donor(consents=[{"purpose": "invitation", "channel": "sms", "given_at": "2025-03-01T08:00:00+07:00", "proof": "phiếu số 12"},
                           {"purpose": "statistics", "channel": "paper", "given_at": f"{TODAY}T23:59:00+07:00", "proof": None}])
    answer = staff.get(f"{DONORS}/{made['id']}/consents")
    assert answer.headers["cache-control"] == "no-store"
    assert held(answer.json()) == {("invitation", "sms"): True, ("statistics", "paper"): True}
    assert [h["proof"] for h in answer.json()["history"]] == ["phiếu số 12", None]
    gone = say(staff, made["id"], False, proof="tin nhắn TC")
    assert gone["given"] is False and gone["proof"] == "tin nhắn TC" and gone["at"].startswith(TODAY)
    # given for later today: not believed, so what is withdrawn now is withdrawn
    say(staff, made["donor_number"], False, "statistics", "paper")
    answer = consents(staff, made["donor_number"])
    assert held(answer) == {("invitation", "sms"): False, ("statistics", "paper"): False}
    assert [(h["given"], h["proof"]) for h in answer["history"] if h["purpose"] == "invitation"] == [(True, "phiếu số 12"), (False, "tin nhắn TC")]
    # what is told later of an earlier day changes nothing
    say(staff, made["id"], True, at="2025-03-02T08:00:00+07:00")
    assert held(consents(staff, made["id"]))["invitation", "sms"] is False
    say(staff, made["id"], True, channel="phone")
    assert held(consents(staff, made["id"])) == {("invitation", "sms"): False, ("invitation", "phone"): True, ("statistics", "paper"): False}
    sealed = daemon.sql("SELECT proof FROM consent WHERE donor_id = %s AND proof IS NOT NULL", made["id"])
    assert len(sealed) == 2 and all("phi".encode() not in bytes(row[0]) and b"TC" not in bytes(row[0]) for row in sealed)


def test_a_proof_opens_nowhere_else(staff, donor, daemon):
    """Moved to another row of the same donor, what is sealed is no proof of that row."""
    made = donor()
    one, two = say(staff, made["id"], True, proof="một"), say(staff, made["id"], False, proof="hai")
    daemon.sql("UPDATE consent SET proof = (SELECT proof FROM consent WHERE id = %s) WHERE id = %s", one["id"], two["id"])
    problem(staff.get(f"{DONORS}/{made['id']}/consents", expect=500), "internal", 500)
    daemon.sql("UPDATE consent SET proof = NULL WHERE id = %s", two["id"])
    assert len(consents(staff, made["id"])["history"]) == 2


def test_a_retry_is_one(staff, donor, daemon):
    made = donor()
    path, body = f"{DONORS}/{made['id']}/consents", {"purpose": "honours_publication", "channel": "paper", "given": True, "proof": "phiếu 3"}
    first = staff.post(path, json=body, headers={"Idempotency-Key": f"c-{made['id']}"}, expect=201)
    again = staff.post(path, json=body, headers={"Idempotency-Key": f"c-{made['id']}"}, expect=201)
    assert first.json() == again.json() and first.headers["location"] == again.headers["location"] == path
    problem(staff.post(path, json={**body, "given": False}, headers={"Idempotency-Key": f"c-{made['id']}"}), "idempotency-mismatch", 422)
    assert daemon.value("SELECT count(*) FROM consent WHERE donor_id = %s", made["id"]) == 1


@pytest.mark.parametrize("change,fault", [
    ({"purpose": "marketing"}, {"/purpose": "invalid_value"}), ({"channel": ""}, {"/channel": "invalid_value"}),
    ({"given": None}, {"/given": "required"}), ({"given": "yes"}, {"/given": "wrong_type"}),
    ({"at": "2025-03-10"}, {"/at": "invalid_time"}), ({"at": f"{day(1)}T00:00:00+07:00"}, {"/at": "out_of_range"}),
    ({"proof": "x" * 301}, {"/proof": "too_long"}), ({"note": "x"}, {"/note": "unknown_field"}),
])
def test_what_is_no_consent(staff, donor, daemon, change, fault):
    made = donor()
    body = {"purpose": "invitation", "channel": "sms", "given": True, **change}
    answer = staff.post(f"{DONORS}/{made['id']}/consents", json=body)
    problem(answer, "invalid-field", 422)
    assert field_codes(answer) == fault
    assert daemon.value("SELECT count(*) FROM consent WHERE donor_id = %s", made["id"]) == 0


def test_merged_records_are_one_person(staff, donor, daemon):
    """What was said under either record holds for the person."""
    old, new = donor(), donor(identifiers=[])
    say(staff, old["id"], True, at="2025-03-01T08:00:00+07:00", proof="cũ")
    daemon.sql("INSERT INTO donor_alias (donor_id, into_id) VALUES (%s, %s)", old["id"], new["id"])
    try:
        assert consents(staff, old["id"]) == consents(staff, new["id"])
        assert held(consents(staff, new["id"])) == {("invitation", "sms"): True}
        say(staff, old["donor_number"], False)
        answer = consents(staff, new["id"])
        assert answer["donor"] == new["id"] and held(answer) == {("invitation", "sms"): False}
        assert [h["proof"] for h in answer["history"]] == ["cũ", None]
    finally:
        daemon.sql("DELETE FROM donor_alias WHERE donor_id = %s", old["id"])


def test_out_of_scope_is_nowhere(daemon, api, donor, seeds):
    made = donor()
    token = daemon.new_token("staff", f"rights-{seeds.number()}", "--unit", "Xã Sìn Hồ")
    stranger = api.with_token(token)
    body = {"purpose": "invitation", "channel": "sms", "given": True}
    for key in (made["id"], NOWHERE):
        problem(stranger.get(f"{DONORS}/{key}/consents", expect=404), "not-found", 404)
        problem(stranger.post(f"{DONORS}/{key}/consents", json=body), "not-found", 404)
    assert daemon.value("SELECT count(*) FROM consent WHERE donor_id = %s", made["id"]) == 0


# ---- who looked ----

def test_who_looked(staff, api, donor, daemon):
    made = donor()
    path = f"{DONORS}/{made['id']}"
    staff.get(path)
    api.as_("admin").get(f"{path}/consents")
    said = say(staff, made["id"], False)
    staff.patch(path, {"address": None}, etag=staff.etag(path), expect=200)
    for key in (made["id"], made["donor_number"]):
        rows = json.loads(daemon.cli_ok("audit", "donor", key, "--json").out)["items"]
        assert [(row["action"], row["actor_role"]) for row in reversed(rows)] == [
            ("donor.register", "staff"), ("donor.read", "staff"), ("donor.consents", "admin"), ("consent.withdraw", "staff"),
            ("donor.read", "staff"), ("donor.change", "staff")]
        assert {row["subject_id"] for row in rows} == {made["id"], said["id"]}
        assert all(row["at"] and row["actor_id"] for row in rows)
    outcome = daemon.cli("audit", "donor", made["id"], "--limit", "2", "--json")
    assert len(json.loads(outcome.out)["items"]) == 2 and json.loads(outcome.out)["more"] is True
    text = daemon.cli_ok("audit", "donor", made["id"]).out
    assert re.search(r"donor\.consents .* admin", text) and made["name"] not in text
    outcome = daemon.cli("audit", "donor", NOWHERE)
    assert outcome.status == 1 and NOWHERE in outcome.err
