"""Idempotency-Key on every POST that creates: retries make nothing twice."""
import concurrent.futures
import json
import uuid

import pytest

from harness.client import problem, until_served
from harness.seeds import TODAY

REPORT = {"source": "team", "reported_on": TODAY, "registered": {"value": 120, "qualifier": "exact"}}


def key():
    return {"Idempotency-Key": str(uuid.uuid4())}


def entries(daemon, thing):
    """How many audit entries tell of it."""
    return daemon.value("SELECT count(*) FROM audit_entry WHERE subject_id = %s", thing["id"])


def creators(seeds):
    """Every POST that creates: its path, a good body, another body, the table it fills."""
    n = seeds.number
    plan, one = seeds.plan(), seeds.running()
    rounds = {"title": "Đợt", "date": "2025-04-15", "units": ["Huyện Than Uyên"]}
    return [
        ("/api/v1/plans", {"number": f"{n()}/KH-LAP", "code_prefix": f"L{n()}X", "title": "lặp", "from": "2025-01-01",
                           "to": "2025-12-31"}, {"title": "khác"}, "plan"),
        (f"/api/v1/plans/{plan['id']}/rounds", rounds, {"title": "khác"}, "round"),
        (f"/api/v1/rounds/{one['id']}/reports", REPORT, {"registered": {"value": 121}}, "round_report"),
        ("/api/v1/campaigns", {"slug": f"thu-{n()}", "name": "Chiến dịch thử"}, {"name": "khác"}, "campaign"),
        ("/api/v1/venues", {"name": f"Nhà thử {n()}", "unit": "Huyện Than Uyên"}, {"address": "khác"}, "venue"),
        ("/api/v1/teams", {"code": f"LAP{n()}", "name": "Đội thử"}, {"name": "khác"}, "team"),
    ]


@pytest.mark.parametrize("which", range(6), ids=["plan", "round", "report", "campaign", "venue", "team"])
def test_same_key_same_body_same_answer(seeds, staff, daemon, which):
    path, body, change, table = creators(seeds)[which]
    headers = key()
    first = staff.post(path, json=body, headers=headers, expect=201)
    count = daemon.value(f"SELECT count(*) FROM {table}")
    audit = entries(daemon, first.json())
    again = staff.post(path, json=body, headers=headers, expect=201)
    assert again.json() == first.json()
    assert again.headers.get("location") == first.headers.get("location")
    assert again.headers.get("etag") == first.headers.get("etag")
    assert daemon.value(f"SELECT count(*) FROM {table}") == count
    assert entries(daemon, first.json()) == audit + 1, "a replay writes its audit row"
    problem(staff.post(path, json={**body, **change}, headers=headers), "idempotency-mismatch", 422)
    assert daemon.value(f"SELECT count(*) FROM {table}") == count


def test_the_same_key_of_another_person_or_route_is_another(seeds, staff, admin):
    headers, body = key(), {"code": f"K{seeds.number()}", "name": "Đội"}
    staff.post("/api/v1/teams", json=body, headers=headers, expect=201)
    problem(admin.post("/api/v1/teams", json=body, headers=headers), "already-exists", 409)
    staff.post("/api/v1/venues", json={"name": f"N{seeds.number()}", "unit": "Huyện Than Uyên"}, headers=headers, expect=201)


def test_twenty_retries_at_once_make_one(seeds, staff, daemon, api_of):
    headers, body = key(), {"code": f"R{seeds.number()}", "name": "Đội"}
    token = daemon.token("staff")

    def send(_):
        client = api_of(daemon, token)
        return until_served(lambda: client.post("/api/v1/teams", json=body, headers=headers))

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(send, range(20)))
    made = {a.json()["id"] for a in answers if a.status_code == 201}
    assert len(made) == 1
    for answer in answers:
        if answer.status_code != 201:
            problem(answer, "idempotency-running", 409)
            assert int(answer.headers["retry-after"]) >= 1
    assert daemon.value("SELECT count(*) FROM team WHERE code = %s", body["code"]) == 1


def test_a_refused_attempt_does_not_use_the_key_up(seeds, staff):
    headers = key()
    code = f"F{seeds.number()}"
    staff.post("/api/v1/teams", json={"code": code, "name": ""}, headers=headers, expect=422)
    staff.post("/api/v1/teams", json={"code": code, "name": "Đội"}, headers=headers, expect=201)


def test_while_another_holds_it(seeds, staff, daemon):
    """A retry that waits on the first one longer than two seconds is told to come back."""
    headers, body = key(), {"code": f"H{seeds.number()}", "name": "Đội"}
    with daemon.database() as connection:
        connection.execute("BEGIN")
        connection.execute("LOCK TABLE team IN EXCLUSIVE MODE")
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            answers = [f.result() for f in [pool.submit(staff.post, "/api/v1/teams", body, headers=headers) for _ in range(2)]]
        connection.execute("ROLLBACK")
    for answer in answers:
        assert answer.status_code in (409, 503), answer.text
        assert "retry-after" in answer.headers
    staff.post("/api/v1/teams", json=body, headers=headers, expect=201)
    assert daemon.value("SELECT count(*) FROM team WHERE code = %s", body["code"]) == 1


def test_a_receipt_outlives_what_allowed_it(seeds, staff, daemon):
    """The answer was lost, then the state moved on: the retry still gets what was made, and nobody else does."""
    one, headers = seeds.running(), key()
    path = f"/api/v1/rounds/{one['id']}/reports"
    first = staff.post(path, json=REPORT, headers=headers, expect=201)
    staff.step(one["id"], "cancel", {"reason": "mưa lớn"})
    refused = staff.post(path, json=REPORT, headers=key())
    assert refused.status_code in (409, 422), "the round takes no new reports"
    audit = entries(daemon, first.json())
    again = staff.post(path, json=REPORT, headers=headers, expect=201)
    assert again.json() == first.json()
    assert entries(daemon, first.json()) == audit + 1, "a replay writes its audit row"
    problem(staff.post(path, json={**REPORT, "note": "khác"}, headers=headers), "idempotency-mismatch", 422)
    assert daemon.value("SELECT count(*) FROM round_report WHERE round_id = %s", one["id"]) == 1


def test_a_number_given_to_another_meanwhile(seeds, staff):
    """A refusal that only the database knows of: the key decides first there too."""
    plan, headers = seeds.plan(), key()
    body = {"title": "Đợt", "date": "2025-04-15", "units": ["Huyện Than Uyên"], "ordinal": 3}
    first = staff.post(f"/api/v1/plans/{plan['id']}/rounds", json=body, headers=headers, expect=201).json()
    assert staff.post(f"/api/v1/plans/{plan['id']}/rounds", json=body, headers=key(), expect=409)
    assert staff.post(f"/api/v1/plans/{plan['id']}/rounds", json=body, headers=headers, expect=201).json() == first


def test_a_name_that_is_not_known_any_more(seeds, staff):
    plan, slug, headers = seeds.plan(), f"chien-dich-{seeds.number()}", key()
    campaign = f"/api/v1/campaigns/{staff.post('/api/v1/campaigns', json={'slug': slug, 'name': 'Chiến dịch'}, expect=201).json()['id']}"
    path = f"/api/v1/plans/{plan['id']}/rounds"
    body = {"title": "Đợt", "date": "2025-04-15", "units": ["Huyện Than Uyên"], "campaigns": [slug]}
    first = staff.post(path, json=body, headers=headers, expect=201)
    staff.patch(campaign, json={"slug": f"{slug}-moi"}, etag=staff.etag(campaign), expect=200)
    problem(staff.post(path, json=body, headers=key()), "invalid-field", 422)
    again = staff.post(path, json=body, headers=headers, expect=201)
    assert again.json()["id"] == first.json()["id"] and again.headers["location"] == first.headers["location"]
    problem(staff.post(path, json={**body, "title": 7}, headers=headers), "idempotency-mismatch", 422)


def test_a_key_is_no_way_in(seeds, staff, api):
    headers, body = key(), {"code": f"K{seeds.number()}", "name": "Đội"}
    staff.post("/api/v1/teams", json=body, headers=headers, expect=201)
    problem(api.as_("auditor").post("/api/v1/teams", json=body, headers=headers), status=403)
    problem(api.post("/api/v1/teams", json=body, headers=headers), status=401)


@pytest.mark.parametrize("bad", ["", "x" * 201])
def test_a_key_that_cannot_be_one(seeds, staff, bad):
    answer = staff.post("/api/v1/teams", json={"code": f"B{seeds.number()}", "name": "Đội"}, headers={"Idempotency-Key": bad})
    problem(answer, status=400)


def test_the_key_and_the_body_are_kept_as_digests_only(seeds, staff, daemon):
    marker = f"dau-vet-{uuid.uuid4()}"
    staff.post("/api/v1/teams", json={"code": f"M{seeds.number()}", "name": "Đội"}, headers={"Idempotency-Key": marker}, expect=201)
    rows = json.dumps([[str(v) for v in row] for row in daemon.sql("SELECT * FROM idempotency")])
    assert marker not in rows and marker.encode().hex() not in rows
