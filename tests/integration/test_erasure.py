"""Erasing a donor: asked for by one person, approved by another; what is left; and a backup that still knew them."""
import json
import shutil

import pytest
from test_access import unit_id

from harness.client import problem
from harness.seeds import day

DONORS, LOOKUP = "/api/v1/donors", "/api/v1/donors/lookup"


@pytest.fixture
def donor(seeds, staff):
    def make(client=staff, **more):
        n = seeds.number()
        body = {"name": f"Lò Thị Xóa {'ABCDEGHIKL'[n % 10]}", "birth_date": "1990-05-17", "sex": "female",
                "identifiers": [{"kind": "cccd", "value": f"012190{n % 1000000:06}"}], "phone": f"09{n % 100000000:08}",
                "address": "Bản Mẫu, số 7", **more}
        return {**body, **client.post(DONORS, json=body, expect=201).json()}
    return make


def approve(client, made, **options):
    return client.post(f"{DONORS}/{made['id']}/erasure/approve", json={}, **options)


def erase(staff, admin, made):
    staff.post(f"{DONORS}/{made['id']}/erasure", json={}, expect=201)
    assert approve(admin, made, expect=200).json()["state"] == "done"


def found(client, **question):
    return [item["id"] for item in client.post(LOOKUP, json=question, expect=200).json()["items"]]


def assert_gone(client, made, sql):
    record = client.get(f"{DONORS}/{made['id']}").json()
    assert record["erased"] is True and record["donor_number"] == made["donor_number"]
    assert [record[k] for k in ("name", "birth_date", "phone", "address", "identifiers")] == [None, None, None, None, []]
    for question in (made["identifiers"][0], {"phone": made["phone"]}, {"name": made["name"], "birth_year": 1990}):
        assert made["id"] not in found(client, **question)
    assert sql("SELECT (SELECT count(*) FROM donor_digest WHERE donor_id = %s) + (SELECT count(*) FROM donor_identifier"
               " WHERE donor_id = %s)", made["id"], made["id"]) == [(0,)]
    assert sql("SELECT wrapped_key, sealed FROM donor WHERE id = %s", made["id"]) == [(None, None)]


def deferrals(client, made):
    return client.get(f"{DONORS}/{made['id']}/deferrals").json()["items"]


def test_two_persons(staff, admin, donor, daemon):
    made = donor()
    path = f"{DONORS}/{made['id']}/erasure"
    assert "nobody has asked" in problem(staff.get(path, expect=404), "not-found", 404)["detail"], "the donor is there"
    problem(approve(admin, made, expect=404), "not-found", 404)
    problem(staff.post(f"{path}/approve", json={}), "forbidden", 403)
    # an admin who asks cannot approve
    assert admin.post(path, json={}, expect=201).json()["state"] == "asked"
    problem(approve(admin, made), "second-person", 403)
    assert staff.get(f"{DONORS}/{made['id']}").json()["name"] == made["name"]
    problem(admin.post(f"{path}/refuse", json={}), "invalid-field", 422)
    refused = admin.post(f"{path}/refuse", json={"ground": "article_19"}, expect=200).json()
    assert refused["state"] == "refused" and refused["ground"] == "article_19"
    problem(approve(admin, made), "illegal-step", 409)
    # asked anew by somebody else; asked twice is once
    assert staff.post(path, json={}, expect=201).json() == staff.post(path, json={}, expect=201).json()
    assert daemon.value("SELECT count(*) FROM erasure WHERE donor_id = %s AND state = 'asked'", made["id"]) == 1
    assert approve(admin, made, expect=200).json()["state"] == "done"
    assert_gone(staff, made, daemon.sql)
    # a repeated approval changes nothing
    version = daemon.value("SELECT version FROM donor WHERE id = %s", made["id"])
    assert approve(admin, made, expect=200).json()["state"] == "done"
    assert daemon.value("SELECT version FROM donor WHERE id = %s", made["id"]) == version
    problem(staff.post(path, json={}), "erased", 409)
    actions = [row["action"] for row in json.loads(daemon.cli_ok("audit", "donor", made["id"], "--json").out)["items"]]
    assert actions.count("donor.erase") == 1 and actions.count("erasure.refuse") == 1
    journal = (daemon.data / "erasures.journal").read_text()
    assert journal.count(made["id"]) == 1 and (daemon.data / "erasures.journal").stat().st_mode & 0o777 == 0o600


def test_what_waits(api, staff, admin, donor, daemon):
    """For whoever approves: oldest first, how long already, whether it is one's own; of a merged record what stands for it."""
    waiting, auditor = "/api/v1/erasures", api.as_("auditor")

    def told(client, *made, **params):
        ids = {one["id"] for one in made}
        return [item for item in client.items(waiting, **params) if item["donor"] in ids]
    one, two, alias = donor(), donor(), donor()
    for made, client in ((one, staff), (two, admin)):
        client.post(f"{DONORS}/{made['id']}/erasure", json={}, expect=201)
    daemon.sql("UPDATE erasure SET asked_at = now() - interval '3 days' * (donor_id::text = %s)::integer WHERE donor_id::text IN (%s, %s)",
               two["id"], one["id"], two["id"])
    items = told(admin, one, two)
    assert [(i["donor"], i["donor_number"], i["own"]) for i in items] == \
        [(two["id"], two["donor_number"], True), (one["id"], one["donor_number"], False)]
    assert items[0]["waiting_days"] - items[1]["waiting_days"] == 3
    assert [i["own"] for i in told(staff, one, two)] == [False, True] and [i["own"] for i in told(auditor, one, two)] == [False, False]
    assert [i["donor"] for i in told(admin, one, two, limit=1)] == [two["id"], one["id"]], "page by page"
    text = json.dumps(items, ensure_ascii=False)
    assert not any(word in text for word in (one["name"], one["phone"][1:], one["identifiers"][0]["value"]))
    assert daemon.value("SELECT count(*) FROM audit_entry WHERE action = 'erasure.list' AND subject_id = %s", one["id"]) > 0
    staff.post(f"{DONORS}/{alias['id']}/erasure", json={}, expect=201)
    staff.post(f"{DONORS}/{two['id']}/merge", json={"with": alias["id"]}, expect=200)
    assert [i["donor"] for i in told(admin, alias, two)] == [two["id"], two["id"]]
    approve(admin, one, expect=200)
    admin.post(f"{DONORS}/{two['id']}/erasure/refuse", json={"ground": "article_19"}, expect=200)
    assert told(admin, one, two, alias) == []
    problem(api.as_("team").get(waiting, expect=403), "forbidden", 403)


def test_all_records_of_the_person(staff, admin, donor, daemon):
    one, two = donor(), donor()
    daemon.sql("INSERT INTO donor_alias (donor_id, into_id, with_id) VALUES (%s, %s, %s)", two["id"], one["id"], one["id"])
    for record in (one, two):
        daemon.sql("INSERT INTO donation (id, donor_id, component, volume_ml, donated_on, evidence, source)"
                   " VALUES (gen_random_uuid(), %s, 'whole_blood', 350, '2020-06-01', 'declared', 'giấy cũ')", record["id"])
    staff.post(f"{DONORS}/{two['id']}/erasure", json={}, expect=201)
    assert approve(admin, two, expect=200).json()["donor"] == one["id"]
    daemon.sql("DELETE FROM donor_alias WHERE donor_id = %s", two["id"])
    for record in (one, two):
        assert_gone(staff, record, daemon.sql)
        assert daemon.value("SELECT count(*) FROM donation WHERE donor_id = %s", record["id"]) == 1
    # nothing ran any more: nothing is left that knows the number
    again = donor(identifiers=one["identifiers"])
    assert deferrals(staff, again) == []


LEFT = ("SELECT birth_year, sex, abo, rhd, blood_evidence, contact_facility, contact_own, age_on, last_donated_on, next_whole_blood,"
        " next_platelets, unit_id, unit_on FROM donor WHERE id = %s")
NOTHING = [(None, None, None, None, None, False, False, None, None, None, None, None, None)]


def test_what_stood_in_plain_goes_too(api, staff, admin, donor, daemon):
    """A commune, a year and a rare group can point to one person: none of them stays. The donation does, by its id."""
    unit = unit_id(api, "Huyện Than Uyên", "2025-01-01")
    client = api.with_token(daemon.new_token("staff", f"of one place {donor()['donor_number']}", "--unit", unit))
    more = {"unit": unit, "blood_group": {"abo": "AB", "rhd": "negative", "evidence": "laboratory"}}
    made, waits = donor(**more), donor(**more)
    request = client.post(f"{DONORS}/{waits['id']}/requests", json={"kind": "erasure"}, expect=201).json()
    for one in (made, waits):
        staff.request("PUT", f"{DONORS}/{one['id']}/contact-facility", json={"contact": True}, expect=200)
        daemon.sql("INSERT INTO donation (id, donor_id, component, volume_ml, donated_on, evidence, source)"
                   " VALUES (gen_random_uuid(), %s, 'whole_blood', 350, '2025-01-06', 'declared', 'giấy cũ')", one["id"])
        erase(client, admin, one)
    assert daemon.sql(LEFT, made["id"]) == NOTHING
    assert daemon.value("SELECT count(*) FROM donation WHERE donor_id = %s", made["id"]) == 1
    record = staff.get(f"{DONORS}/{made['id']}").json()
    assert [record[k] for k in ("birth_year", "sex", "blood_group", "unit", "contact_facility")] == [None, None, None, None, False]
    # what the person asked for is still to be closed by who answers for their place; it goes with that
    assert [row[:11] for row in daemon.sql(LEFT, waits["id"])] == [row[:11] for row in NOTHING]
    path = f"{DONORS}/{waits['id']}/requests/{request['id']}"
    assert client.get(path, expect=200).json()["state"] == "open" and client.get(f"{DONORS}/{waits['id']}/erasure").json()["state"] == "done"
    client.post(f"{path}/close", json={"outcome": "done"}, headers={"If-Match": client.etag(path)}, expect=200)
    client.get(f"{DONORS}/{made['id']}", expect=404)
    daemon.assert_records_fit()


def test_a_wait_outlives_the_record(staff, admin, donor, daemon):
    """D5: who comes again with the same number meets the wait, without its reason; in each way of registering it."""
    dated, forever = donor(), donor(identifiers=[{"kind": "passport", "value": "C7654321"}])
    staff.post(f"{DONORS}/{dated['id']}/deferrals", json={"code": "malaria", "from": day(-5), "note": "mật"}, expect=201)
    staff.post(f"{DONORS}/{forever['id']}/deferrals", json={"code": "malaria", "permanent": True}, expect=201)
    (was,) = deferrals(staff, dated)
    erase(staff, admin, dated)
    erase(staff, admin, forever)
    digests = daemon.sql("SELECT digest, until::text FROM suppression WHERE until = %s::date OR until = 'infinity'", was["ends_on"])
    assert {until for _, until in digests} == {was["ends_on"], "infinity"}
    again = donor(identifiers=dated["identifiers"])
    (carried,) = deferrals(staff, again)
    assert carried["code"] is None and carried["note"] is None and carried["ends_on"] == was["ends_on"] and carried["state"] == "in_force"
    verdict = staff.get(f"{DONORS}/{again['id']}/eligibility").json()
    assert verdict["decision"] == "refused"
    # a change of somebody known, any number of times
    known = donor(identifiers=[])
    path = f"{DONORS}/{known['id']}"
    for address in ("một", "hai"):
        staff.patch(path, {"identifiers": forever["identifiers"], "address": address}, etag=staff.etag(path), expect=200)
    assert [d["ends"] for d in deferrals(staff, known)] == ["permanent"]
    assert daemon.value("SELECT count(*) FROM donor_digest WHERE use = 'suppression'") == 0
    daemon.assert_records_fit()


def test_a_backup_is_cleaned_of_the_erased(fresh_daemon, api_of, donor):
    """Backup, erase, restore: not readable, not found, and the wait is there."""
    daemon = fresh_daemon(settings={"workers.count": 1})
    staff, admin = (api_of(daemon, daemon.token(role)) for role in ("staff", "admin"))
    made, other = donor(staff), donor(staff)
    staff.post(f"{DONORS}/{made['id']}/deferrals", json={"code": "malaria", "permanent": True}, expect=201)
    backup = json.loads(daemon.cli_ok("backup", daemon.folder / "backups", "--json").out)["backup"]
    erase(staff, admin, made)
    assert daemon.stop() == 0
    # what a kill in the middle of a line leaves is no line, and the next one is whole
    journal = daemon.data / "erasures.journal"
    with journal.open("a") as file:
        file.write(f"2025-03-10T08:00:00+07:00 {other['id'][:20]}")
    again = fresh_daemon(start=False)
    again.data.mkdir()
    shutil.copytree(daemon.data / "keyring", again.data / "keyring")
    shutil.copy(journal, again.data / "erasures.journal")
    outcome = again.cli("restore", backup, "--json", timeout=120)
    assert outcome.status == 0, outcome
    told = json.loads(outcome.out)
    assert told["erasure_journal"] is True and told["erased_again"] == 1
    again.start()
    client = api_of(again, daemon.token("staff"))
    assert_gone(client, made, again.sql)
    assert client.get(f"{DONORS}/{other['id']}").json()["name"] == other["name"]
    assert [d["ends"] for d in deferrals(client, donor(client, identifiers=made["identifiers"]))] == ["permanent"]
    again.cli_ok("audit", "verify", "--records")
