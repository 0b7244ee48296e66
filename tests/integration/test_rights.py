"""What donors have a right to: consent and its withdrawal, who looked at them. All people here are invented."""
import json
import re

import pytest

from harness.client import field_codes, problem
from harness.seeds import TODAY, day

DONORS = "/api/v1/donors"
NOWHERE = "00000000-0000-7000-8000-000000000000"
DEFERRAL = "malaria"                        # any code of the rules that ends on a day


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
    # whole words: two letters are among random bytes now and then
    assert len(sealed) == 2 and not any(word.encode() in bytes(row[0]) for row in sealed for word in ("phiếu", "tin nhắn"))


def test_a_proof_opens_nowhere_else(staff, donor, daemon):
    """Moved to another row of the same donor, what is sealed is no proof of that row."""
    made = donor()
    one, two = say(staff, made["id"], True, proof="một"), say(staff, made["id"], False, proof="hai")
    kept = daemon.value("SELECT proof FROM consent WHERE id = %s", two["id"])
    daemon.sql("UPDATE consent SET proof = (SELECT proof FROM consent WHERE id = %s) WHERE id = %s", one["id"], two["id"])
    problem(staff.get(f"{DONORS}/{made['id']}/consents", expect=500), "internal", 500)
    daemon.sql("UPDATE consent SET proof = %s WHERE id = %s", kept, two["id"])     # others of this daemon hold it against the audit
    assert [h["proof"] for h in consents(staff, made["id"])["history"]] == ["một", "hai"]


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
    daemon.sql("INSERT INTO donor_alias (donor_id, into_id, with_id) VALUES (%s, %s, %s)", old["id"], new["id"], new["id"])
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
    worse = staff.post(f"{path}/deferrals", json={"code": DEFERRAL, "permanent": True}, expect=201).json()
    lift = staff.post(f"{path}/deferrals/{worse['id']}/lift", json={"reason": "nhầm người"}, expect=201).json()
    staff.patch(path, {"address": None}, etag=staff.etag(path), expect=200)
    for key in (made["id"], made["donor_number"]):
        rows = json.loads(daemon.cli_ok("audit", "donor", key, "--json").out)["items"]
        assert [(row["action"], row["actor_role"]) for row in reversed(rows)] == [
            ("donor.register", "staff"), ("donor.read", "staff"), ("donor.consents", "admin"), ("consent.withdraw", "staff"),
            ("deferral.add", "staff"), ("deferral_lift.ask", "staff"), ("donor.read", "staff"), ("donor.change", "staff")]
        assert {row["subject_id"] for row in rows} == {made["id"], said["id"], worse["id"], lift["lift"]["id"]}
        assert all(row["at"] and row["actor_id"] and row["actor_name"] for row in rows)
    outcome = daemon.cli("audit", "donor", made["id"], "--limit", "2", "--json")
    assert len(json.loads(outcome.out)["items"]) == 2 and json.loads(outcome.out)["more"] is True
    text = daemon.cli_ok("audit", "donor", made["id"]).out
    assert re.search(r"donor\.consents .* admin", text) and made["name"] not in text
    assert rows[0]["actor_name"] in text and rows[0]["actor_id"] not in text, "who it was, not an id to look up"
    outcome = daemon.cli("audit", "donor", NOWHERE)
    assert outcome.status == 1 and NOWHERE in outcome.err


# ---- requests ----

def ask(client, key, kind, **more):
    return client.post(f"{DONORS}/{key}/requests", json={"kind": kind, **more}, expect=201)


def step(client, made, name, body=None, etag=None, expect=200):
    path = f"{DONORS}/{made['donor']}/requests/{made['id']}"
    answer = client.post(f"{path}/{name}", json=body or {}, headers={"If-Match": etag or client.etag(path)}, expect=expect)
    return answer.json()


def test_a_request_from_receipt_to_end(staff, donor, daemon):
    """Today is Monday, 10 March 2025."""
    made = donor()
    answer = ask(staff, made["donor_number"], "erasure", note="đơn số 3")
    one = answer.json()
    assert one == {**one, "donor": made["id"], "donor_number": made["donor_number"], "kind": "erasure", "third_party": False, "state": "open", "late": False,
                   "answer_by": day(2), "carry_out_by": day(20), "note": "đơn số 3", "answered_at": None, "outcome": None, "version": 1}
    path = answer.headers["location"]
    got = staff.get(path)
    assert got.json() == one and got.headers["etag"] == answer.headers["etag"] and got.headers["cache-control"] == "no-store"
    problem(staff.post(f"{path}/answer", json={}), "precondition-required", 428)
    answered = step(staff, one, "answer", etag=answer.headers["etag"])
    assert answered["state"] == "answered" and answered["answered_at"].startswith(TODAY) and answered["version"] == 2
    assert step(staff, one, "answer", etag=answer.headers["etag"], expect=412)["type"].endswith("stale")
    assert step(staff, one, "answer", expect=409)["type"].endswith("illegal-step")
    for until in (day(20), day(41)):
        assert step(staff, one, "extend", {"until": until}, expect=422)["errors"][0]["pointer"] == "/until"
    longer = step(staff, one, "extend", {"until": day(40)})
    assert longer["carry_out_by"] == day(40) and longer["extended_from"] == day(20)
    assert step(staff, one, "extend", {"until": day(41)}, expect=409)["type"].endswith("illegal-step")
    # through somebody else it may take longer, and is answered as soon
    other = ask(staff, made["id"], "erasure", third_party=True).json()
    assert (other["third_party"], other["answer_by"], other["carry_out_by"]) == (True, day(2), day(30))
    assert staff.get(f"{DONORS}/{made['id']}/requests/{other['id']}").json() == other
    step(staff, other, "close", {"outcome": "dropped"})
    assert step(staff, one, "close", {"outcome": "refused"}, expect=422)["errors"][0]["pointer"] == "/ground"
    assert step(staff, one, "close", {"outcome": "done", "ground": "not_held"}, expect=422)["errors"][0]["pointer"] == "/ground"
    closed = step(staff, one, "close", {"outcome": "refused", "ground": "article_19"})
    assert closed["state"] == "closed" and closed["outcome"] == "refused" and closed["ground"] == "article_19"
    assert step(staff, one, "close", {"outcome": "done"}, expect=409)["type"].endswith("illegal-step")
    actions = [row["action"] for row in json.loads(daemon.cli_ok("audit", "donor", made["id"], "--json").out)["items"]
               if row["subject_id"] == one["id"] and row["action"] != "donor_request.read"]
    assert actions == [f"donor_request.{verb}" for verb in ("close", "extend", "answer", "receive")]
    sealed = bytes(daemon.value("SELECT note FROM donor_request WHERE id = %s", one["id"]))
    assert "đơn".encode() not in sealed


def test_late_ones_come_first(staff, api, donor):
    made = donor()
    def at(offset):
        return f"{day(offset)}T08:00:00+07:00"
    fine = ask(staff, made["id"], "access").json()
    unanswered = ask(staff, made["id"], "objection", received_at=at(-5), note="mật").json()       # Wednesday: Friday
    on_the_day = ask(staff, made["id"], "objection", received_at=at(-4)).json()                   # Thursday: today
    undone = ask(staff, made["id"], "correction", received_at=at(-11)).json()
    step(staff, undone, "answer")
    last_day = ask(staff, made["id"], "correction", received_at=at(-10)).json()
    step(staff, last_day, "answer")
    ended = ask(staff, made["id"], "restriction", received_at=at(-60)).json()
    step(staff, ended, "close", {"outcome": "done"})
    def own(client, **params):
        return [one["id"] for one in client.items("/api/v1/donor-requests", **params) if one["donor"] == made["id"]]
    everything = own(staff)
    assert set(everything[:2]) == {unanswered["id"], undone["id"]} and everything[-1] == ended["id"]
    assert set(everything[2:-1]) == {fine["id"], on_the_day["id"], last_day["id"]}
    assert own(staff, limit=1) == everything
    assert set(own(staff, late="true")) == set(everything[:2])
    assert own(api.as_("auditor"), late="true", state="open") == [unanswered["id"]]
    assert set(own(staff, state="answered")) == {undone["id"], last_day["id"]}
    assert own(staff, state="closed") == [ended["id"]]
    text = staff.get("/api/v1/donor-requests", params={"limit": 500}).text
    assert made["name"] not in text and "mật" not in text and made["phone"] not in text
    problem(staff.get("/api/v1/donor-requests", params={"state": "old"}, expect=400), "invalid-query", 400)


def test_holidays_are_no_working_days(staff, donor):
    """Received on the last working day before Tết 2025 (25 January to 2 February)."""
    one = ask(staff, donor()["id"], "access", received_at="2025-01-24T16:00:00+07:00").json()
    assert one["answer_by"] == "2025-02-04" and one["carry_out_by"] == "2025-02-03" and one["late"] is True


def test_a_request_sent_again_is_one(staff, donor, daemon):
    made = donor()
    path, headers = f"{DONORS}/{made['id']}/requests", {"Idempotency-Key": f"r-{made['id']}"}
    first = staff.post(path, json={"kind": "access", "note": "n"}, headers=headers, expect=201)
    again = staff.post(path, json={"kind": "access", "note": "n"}, headers=headers, expect=201)
    assert first.json() == again.json() and first.headers["location"] == again.headers["location"]
    problem(staff.post(path, json={"kind": "erasure"}, headers=headers), "idempotency-mismatch", 422)
    assert daemon.value("SELECT count(*) FROM donor_request WHERE donor_id = %s", made["id"]) == 1


@pytest.mark.parametrize("body,fault", [
    ({}, {"/kind": "required"}), ({"kind": "forget"}, {"/kind": "invalid_value"}),
    ({"kind": "access", "received_at": f"{day(1)}T00:00:00+07:00"}, {"/received_at": "out_of_range"}),
    ({"kind": "access", "received_at": "yesterday"}, {"/received_at": "invalid_time"}),
    ({"kind": "access", "note": "x" * 1001}, {"/note": "too_long"}), ({"kind": "access", "state": "closed"}, {"/state": "unknown_field"}),
])
def test_what_is_no_request(staff, donor, daemon, body, fault):
    made = donor()
    answer = staff.post(f"{DONORS}/{made['id']}/requests", json=body)
    problem(answer, "invalid-field", 422)
    assert field_codes(answer) == fault
    assert daemon.value("SELECT count(*) FROM donor_request WHERE donor_id = %s", made["id"]) == 0


def test_requests_out_of_scope_are_nowhere(daemon, api, staff, donor, seeds):
    made = donor()
    one = ask(staff, made["id"], "access").json()
    stranger = api.with_token(daemon.new_token("staff", f"requests-{seeds.number()}", "--unit", "Xã Sìn Hồ"))
    path = f"{DONORS}/{made['id']}/requests"
    problem(stranger.post(path, json={"kind": "access"}), "not-found", 404)
    problem(stranger.get(f"{path}/{one['id']}", expect=404), "not-found", 404)
    problem(stranger.post(f"{path}/{one['id']}/close", json={"outcome": "done"}, headers={"If-Match": '"1"'}), "not-found", 404)
    assert one["id"] not in [o["id"] for o in stranger.items("/api/v1/donor-requests")]
    # nor under another donor
    other = donor()
    problem(staff.get(f"{DONORS}/{other['id']}/requests/{one['id']}", expect=404), "not-found", 404)
    assert daemon.value("SELECT version FROM donor_request WHERE id = %s", one["id"]) == 1


# ---- export ----

def test_export_is_everything(staff, api, donor, daemon):
    made = donor(consents=[{"purpose": "invitation", "channel": "sms", "given_at": "2025-03-01T08:00:00+07:00", "proof": "phiếu số 12"}])
    other = donor(identifiers=[{"kind": "passport", "value": f"C{int(made['phone'][2:]) % 10000000:07}"}], address="Bản Khác")
    daemon.sql("INSERT INTO donor_alias (donor_id, into_id, with_id) VALUES (%s, %s, %s)", other["id"], made["id"], made["id"])
    for record, on in ((made, "2024-06-01"), (other, "2024-10-01")):
        daemon.sql("INSERT INTO donation (id, donor_id, component, volume_ml, donated_on, evidence, source)"
                   " VALUES (gen_random_uuid(), %s, 'whole_blood', 350, %s, 'declared', 'giấy cũ')", record["id"], on)
    try:
        say(staff, other["id"], False, proof="tin nhắn TC")
        asked = ask(staff, made["id"], "access", note="đơn số 9").json()
        staff.post(f"{DONORS}/{made['id']}/deferrals", json={"code": DEFERRAL, "from": "2025-03-01", "note": "hỏi lại"}, expect=201)
        answer = staff.get(f"{DONORS}/{other['donor_number']}/export")
    finally:
        daemon.sql("DELETE FROM donor_alias WHERE donor_id = %s", other["id"])
    copy = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-disposition"] == f'attachment; filename="donor-{made["donor_number"]}.json"'
    assert [(r["id"], r["name"], r["address"]) for r in copy["records"]] == [
        (made["id"], made["name"], made["address"]), (other["id"], other["name"], "Bản Khác")]
    assert [r["identifiers"][0]["value"] for r in copy["records"]] == [r["identifiers"][0]["value"] for r in (made, other)]
    assert [h["proof"] for h in copy["consents"]["history"]] == ["phiếu số 12", "tin nhắn TC"]
    assert [h["given"] for h in copy["consents"]["holds"]] == [False]
    assert [(d["code"], d["note"]) for d in copy["deferrals"]] == [(DEFERRAL, "hỏi lại")]
    assert [(d["donated_on"], d["source"]) for d in copy["donations"]] == [("2024-06-01", "giấy cũ"), ("2024-10-01", "giấy cũ")]
    assert [(r["id"], r["note"]) for r in copy["requests"]] == [(asked["id"], "đơn số 9")]
    # the export itself is the last look, and both records' registration the first
    actions = [look["action"] for look in copy["looked_at"]]
    assert actions[0] == "donor.export" and actions.count("donor.register") == 2
    assert {"deferral.add", "consent.withdraw", "donor_request.receive"} <= set(actions)
    assert all(set(look) == {"at", "action", "by", "role"} for look in copy["looked_at"]) and copy["looked_at_more"] is False
    # nobody else's
    alone = staff.get(f"{DONORS}/{other['id']}/export").json()
    assert [r["id"] for r in alone["records"]] == [other["id"]] and alone["deferrals"] == [] and len(alone["donations"]) == 1


def test_export_out_of_scope_is_nowhere(daemon, api, donor, seeds):
    made = donor()
    stranger = api.with_token(daemon.new_token("staff", f"export-{seeds.number()}", "--unit", "Xã Sìn Hồ"))
    problem(stranger.get(f"{DONORS}/{made['id']}/export", expect=404), "not-found", 404)
    assert daemon.value("SELECT count(*) FROM audit_entry WHERE action = 'donor.export' AND subject_id = %s", made["id"]) == 0


# ---- when the donor's key is gone ----

def test_of_an_erased_donor(staff, admin, donor):
    """What was sealed under the key can be read by nobody; nothing is added; a retry still gets its receipt."""
    made = donor()
    path, headers = f"{DONORS}/{made['id']}", {"Idempotency-Key": f"e-{made['id']}"}
    body = {"purpose": "invitation", "channel": "sms", "given": True, "proof": "phiếu số 5"}
    said = staff.post(f"{path}/consents", json=body, headers=headers, expect=201).json()
    asked = ask(staff, made["id"], "erasure", note="đơn số 4").json()
    staff.post(f"{path}/erasure", json={}, expect=201)
    admin.post(f"{path}/erasure/approve", json={}, expect=200)
    problem(staff.post(f"{path}/consents", json={**body, "given": False}), "erased", 409)
    problem(staff.post(f"{path}/requests", json={"kind": "access"}), "erased", 409)
    assert staff.post(f"{path}/consents", json=body, headers=headers, expect=201).json() == {**said, "proof": None}
    assert [h["proof"] for h in consents(staff, made["id"])["history"]] == [None]
    # the request that led to it can still be ended
    assert step(staff, asked, "close", {"outcome": "done"})["note"] is None
    copy = staff.get(f"{path}/export").json()
    assert copy["records"][0]["erased"] is True and copy["records"][0]["name"] is None
    assert copy["consents"]["history"][0]["proof"] is None and copy["requests"][0]["state"] == "closed"
    assert not {made["name"], made["phone"], "phiếu số 5", "đơn số 4"} & set(json.dumps(copy, ensure_ascii=False).split('"'))
