"""`giothong audit verify --records`: what is in the tables is what the last audit entry of each record left."""
import itertools
import json
import uuid

import pytest

from harness import certificates, programs
from harness.client import Api
from harness.daemon import own_daemon, wait_until
from harness.seeds import TODAY, Seeds, day
from test_sync import Phone, decide


@pytest.fixture(scope="module")
def daemon():
    with own_daemon() as one:
        one.cli_ok("plan", "import", programs.CONFIG / "plans" / "lai-chau-2025.json")
        one.cli_ok("history", "import", programs.CONFIG / "rounds" / "lai-chau-history.csv")
        yield one


@pytest.fixture(scope="module")
def staff(daemon, contract):
    return Api(daemon, contract).as_("staff")


@pytest.fixture(scope="module")
def lived(daemon, staff):
    """Records of every kind that went through every kind of change."""
    seeds = Seeds(staff, itertools.count(1))
    ids = {}
    for status in ("draft", "announced", "open", "running", "closed", "postponed", "moved", "cancelled"):
        team, venue = seeds.team(beds=3), seeds.venue()
        one = seeds.in_status(status, team=team["id"], venue=venue["id"], units=["Xã Than Uyên", "Xã Bình Lư"],
                              **({"date": day(30)} if status not in ("running", "closed") else {}))
        ids[status] = one["id"]
    path = f"/api/v1/rounds/{ids['open']}"
    staff.patch(path, {"title": "Đổi tên", "note": "ghi chú", "units": ["Xã Bình Lư", "Xã Than Uyên"]}, etag=staff.etag(path), expect=200)
    staff.step(ids["postponed"], "reopen", {"reason": "tạnh mưa", "date": day(60)}, expect=(200, 409, 422))
    campaigns = [c["slug"] for c in staff.items("/api/v1/campaigns")][:3]
    ids["plan"] = seeds.plan(campaigns=campaigns[::-1], legal_basis=["QĐ 1", "QĐ 2"])["id"]
    report = {"source": "team", "reported_on": TODAY, "units": {"value": 30}, "ml": {"value": 9000, "qualifier": "about"}}
    key = {"Idempotency-Key": "report once"}
    ids["report"] = staff.post(f"/api/v1/rounds/{ids['closed']}/reports", json=report, expect=201, headers=key).json()["id"]
    staff.post(f"/api/v1/rounds/{ids['closed']}/reports", json=report, expect=201, headers=key)          # said again: no change
    staff.post(f"/api/v1/rounds/{ids['closed']}/reports", json={**report, "corrects": ids["report"], "units": {"value": 31}}, expect=201)
    for kind, change in (("teams", {"beds": 7}), ("venues", {"capacity": 70})):
        ids[kind] = staff.items(f"/api/v1/{kind}")[0]["id"]
        path = f"/api/v1/{kind}/{ids[kind]}"
        staff.patch(path, change, etag=staff.etag(path), expect=200)
    campaign = staff.items("/api/v1/campaigns")[0]["id"]
    path = f"/api/v1/campaigns/{campaign}"
    Api(daemon, staff.contract).as_("admin").patch(path, {"name": "Chiến dịch đổi tên"}, etag=staff.etag(path), expect=(200, 404, 405))
    daemon.new_token("gateway", "a gateway", "--unit", "Xã Than Uyên")
    daemon.new_token("comms", "to be revoked")
    daemon.cli_ok("token", "revoke", "to be revoked")
    donor = staff.post("/api/v1/donors", json={"name": "Lò Thị Mẫu", "birth_year": 1990}, expect=201).json()["id"]
    admin, path = Api(daemon, staff.contract).as_("admin"), f"/api/v1/donors/{donor}/deferrals"
    for code in ("tattoo", "malaria", "organ_history", "organ_history"):
        ids[code] = staff.post(path, json={"code": code, "from": day(-9), "note": "mẫu"}, expect=201).json()["id"]
        if code != "tattoo":
            ids[f"{code} lift"] = staff.post(f"{path}/{ids[code]}/lift", json={"reason": "mẫu"}, expect=201).json()["lift"]["id"]
    admin.post(f"{path}/{ids['organ_history']}/lift/approve", expect=201)
    certified(daemon, staff, admin, donor, ids, seeds)
    captured(daemon, staff, admin, donor, ids)
    wait_until(lambda: daemon.value("SELECT (SELECT count(*) FROM audit_seal) = (SELECT count(*) FROM audit_entry)"), what="sealed")
    return ids


def certified(daemon, staff, admin, donor, ids, seeds):
    """Certificates, what was redeemed of them, gifts and honours; some after their records were merged."""
    certificates.enter_body(admin, "LC")
    hospital, made, round_id = Api(daemon, staff.contract).as_("hospital"), [], seeds.running()["id"]
    other = staff.post("/api/v1/donors", json={"name": "Lò Thị Mẫu", "birth_year": 1990}, expect=201).json()["id"]
    phone = Phone(admin, round_id)
    gave = [phone.gave(donor), phone.gave(other)]
    assert [item["verdict"] for item in phone.send(*gave)["items"]] == ["applied", "applied"]
    for given, in daemon.sql("SELECT id::text FROM donation WHERE round_id = %s ORDER BY id", round_id):
        made.append(staff.post(f"/api/v1/donations/{given}/certificate", json={"issuer": "LC"}, expect=201).json())
    ids["certificate"], ids["certificate subject"] = made[0]["id"], made[0]["number"][:-2]
    path = f"/api/v1/certificates/{made[0]['number']}/redemptions"
    ids["redemption"] = hospital.post(path, json={"ml": 200}, expect=201).json()["redemption"]["id"]
    back = hospital.post(path, json={"ml": 100}, expect=201).json()["redemption"]["id"]
    hospital.post(f"{path}/{back}/reversal", json={}, expect=201)
    claim = hospital.post(path, json={"ml": 300, "source": "paper", "used_on": TODAY}, expect=201).json()["redemption"]
    assert claim["kind"] == "claim"
    ids["claim"] = claim["id"]
    staff.post(f"/api/v1/certificates/{made[1]['number']}/void", json={"reason": "other"}, expect=200)
    ids["void one"], ids["void one subject"] = made[1]["id"], made[1]["number"][:-2]
    gift = staff.post(f"/api/v1/rounds/{round_id}/gifts", json={"donor": donor, "kind": "gift", "value_vnd": 150000}, expect=201).json()
    ids["gift"] = staff.post(f"/api/v1/rounds/{round_id}/gifts", expect=201,
                             json={"donor": donor, "kind": "gift", "value_vnd": 120000, "corrects": gift["id"]}).json()["id"]
    ids["honour"] = staff.post("/api/v1/honours", json={"donor": donor, "step": "first.1"}, expect=201).json()["id"]
    family = staff.post("/api/v1/families", json={"donor": donor, "joined_on": "2015-01-01"}, expect=201).json()
    ids["family"], ids["family_member"] = family["id"], family["members"][0]["id"]
    staff.patch(f"/api/v1/families/{ids['family']}/members/{ids['family_member']}", etag=staff.etag(f"/api/v1/families/{ids['family']}"),
                json={"consent": {"on": TODAY, "channel": "paper"}}, expect=200)
    staff.post(f"/api/v1/donors/{other}/merge", json={"with": donor}, expect=200)
    for item in gave:                       # one person gave twice on one day: somebody must say that it is right
        content = next(i for i in staff.get(f"/api/v1/sync/held/{item['id']}").json()["items"] if i["id"] == item["id"])
        assert content["reasons"] == ["same_day"]
        decide(staff, item["id"], content["content_hash"], keep=True)
    path = f"/api/v1/honours/{ids['honour']}"
    staff.post(f"{path}/check", json={}, headers={"If-Match": staff.etag(path)}, expect=200)


def captured(daemon, staff, admin, donor, ids):
    """A phone, what phones handed in, and what a person decided about it."""
    team = next(t for t in staff.items("/api/v1/teams", limit=500))["id"]
    ids["device"] = staff.post("/api/v1/devices", json={"name": "Máy mẫu", "team": team}, expect=201).json()["device"]["id"]
    gone = staff.post("/api/v1/devices", json={"name": "Máy mất", "team": team}, expect=201).json()["device"]["id"]
    staff.post(f"/api/v1/devices/{gone}/revoke", json={}, expect=200)
    phone = Phone(admin, ids["running"])
    donation, gift = phone.gave(donor, bag_code="LC-1", donated_on=day(-1)), phone.item("note", donor, text="ghi", on=TODAY)
    check_in, new = phone.item("check_in", donor), phone.gave({"provisional": {"name": "Lò Thị Mới", "birth_year": 1991, "id": str(uuid.uuid4())}})
    deferral = phone.item("deferral", donor, code="malaria", **{"from": TODAY})
    screening = phone.item("screening", donor, outcome="accepted", corrects=None)
    other = {**donation, "data": {**donation["data"], "volume_ml": 450}}
    for _ in range(2):
        phone.send(donation, other, gift, check_in, new, deferral, screening)
    ids["item"], ids["note"] = donation["id"], gift["id"]
    rows = staff.get(f"/api/v1/sync/held/{donation['id']}").json()["items"]
    decide(staff, donation["id"], rows[0]["content_hash"], "choose")
    decide(staff, donation["id"], rows[0]["content_hash"], "correct", data={**donation["data"], "volume_ml": 200})


def faults(daemon):
    outcome = daemon.cli("audit", "verify", "--records", "--json")
    document = json.loads(outcome.out)
    assert document["ndamages"] == 0 and document["fine"] == (outcome.status == 0), outcome
    return [(fault["kind"], fault["subject_kind"], fault["subject_id"]) for fault in document["records"]["faults"]], document["records"]


def test_after_every_kind_of_change_they_fit(daemon, lived):
    found, records = faults(daemon)
    assert found == [] and records["compared"] > 80
    assert "records compared" in daemon.cli_ok("audit", "verify", "--records").out


CHANGES = [
    ("round", "title", "title || ' '", "open"), ("round", "status", "'open'", "closed"), ("round", "from_day", "from_day + 1", "draft"),
    ("round", "capacity", "capacity + 1", "open"), ("round", "version", "version + 1", "moved"), ("round", "venue_id", "NULL", "announced"),
    ("round", "never_public", "NOT never_public", "cancelled"), ("plan", "demo", "NOT demo", "plan"), ("plan", "issuer", "'ai đó'", "plan"),
    ("round_report", "units", "units + 100", "report"), ("round_report", "ml_qualifier", "'exact'", "report"),
    ("deferral", "until", "until - 30", "tattoo"), ("deferral", "sealed", "sealed || '\\x00'", "tattoo"),
    ("deferral_lift", "asked_by", "'ai đó'", "malaria lift"),
    ("certificate", "volume_ml", "volume_ml + 100", "certificate"), ("certificate", "redeemed_ml", "redeemed_ml - 1", "certificate"),
    ("certificate", "void", "false", "void one"), ("certificate", "code", "code || '0'", "certificate"),
    ("redemption", "ml", "ml - 1", "redemption"), ("redemption", "kind", "'use'", "claim"), ("redemption", "facility", "'nơi khác'", "redemption"),
    ("gift", "value_vnd", "value_vnd * 2", "gift"), ("honour", "state", "'refused'", "honour"), ("honour", "step", "'individual.5'", "honour"),
    ("honour", "donations", "ARRAY[gen_random_uuid()]", "honour"), ("family_member", "consent_on", "consent_on - 1", "family_member"),
    ("family_member", "left_on", "joined_on", "family_member"), ("family", "version", "version + 1", "family"),
    ("team", "beds", "beds + 1", "teams"), ("venue", "capacity", "capacity + 1", "venues"),
]


@pytest.mark.parametrize("table, column, value, key", CHANGES, ids=lambda x: str(x))
def test_a_change_without_an_entry_is_found(daemon, lived, table, column, value, key):
    [(kept,)] = daemon.sql(f"SELECT to_jsonb(t) FROM {table} AS t WHERE id = %s", lived[key])
    kind = {"round_report": "report"}.get(table, table)
    with daemon.database() as root:
        root.execute("SET session_replication_role = replica")
        # the day and what is computed from it move together, as the constraint wants it
        also = ", to_day = to_day + 1" if column == "from_day" else ""
        root.execute(f"UPDATE {table} SET {column} = {value}{also} WHERE id = %s", (lived[key],))
        try:
            expected = {("changed", kind, lived.get(f"{key} subject", lived[key]))}
            if table == "redemption" and column in ("ml", "kind"):       # then the sum beside the ledger is not its sum either
                expected.add(("changed", "certificate", lived["certificate subject"]))
            assert set(faults(daemon)[0]) == expected
        finally:
            root.execute(f"DELETE FROM {table} WHERE id = %s", (lived[key],))      # no trigger, no key looks
            root.execute(f"INSERT INTO {table} SELECT * FROM jsonb_populate_record(NULL::{table}, %s::jsonb)", (json.dumps(kept),))
    assert faults(daemon)[0] == []


FIELD = [
    ("item", "captured_at", "captured_at + interval '1 second'"), ("item", "tie", "tie || '1'"), ("item", "accepts", "true"), ("item", "sealed", "'x'"),
    ("item", "held", "'{unreadable}'"), ("item", "round_id", "NULL"), ("item_decision", "verb", "'keep'"), ("item_decision", "decided_by", "'ai đó'"),
    ("device", "team_id", "(SELECT t.id FROM team AS t WHERE t.id <> device.team_id LIMIT 1)"), ("device", "revoked_at", "now()"),
]


@pytest.mark.parametrize("table, column, value", FIELD, ids=lambda x: str(x))
def test_a_change_in_what_phones_told_is_found(daemon, lived, table, column, value):
    id = {"item": lived["note"], "item_decision": lived["item"], "device": lived["device"]}[table]
    where, subject = "id = %s", id
    if table == "item":
        subject = f"{id}:{daemon.value('SELECT encode(content_hash, %s) FROM item WHERE id = %s', 'hex', id)}"
    elif table == "item_decision":
        version = daemon.value("SELECT min(version) FROM item_decision WHERE item_id = %s AND verb = 'drop'", id)
        where, subject = f"item_id = %s AND version = {version}", f"{id}:{version}"
    kept = daemon.value(f"SELECT {column}::text FROM {table} WHERE {where}", id)
    with daemon.database() as root:
        root.execute("SET session_replication_role = replica")
        root.execute(f"UPDATE {table} SET {column} = {value} WHERE {where}", (id,))
        try:
            assert faults(daemon)[0] == [("changed", table, subject)]
        finally:
            type_ = daemon.value("SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = %s::regclass AND attname = %s", table, column)
            root.execute(f"UPDATE {table} SET {column} = %s::text::{type_} WHERE {where}", (kept, id))
    assert faults(daemon)[0] == []


def test_what_phones_told_removed_and_made_by_hand(daemon, lived):
    with daemon.database() as root:
        root.execute("SET session_replication_role = replica")
        root.execute("CREATE TEMP TABLE whole AS SELECT * FROM item_decision WHERE item_id = %s", (lived["item"],))
        root.execute("DELETE FROM item_decision WHERE item_id = %s", (lived["item"],))
        assert {fault[:2] for fault in faults(daemon)[0]} == {("removed", "item_decision")}
        root.execute("INSERT INTO item_decision SELECT * FROM whole")
        root.execute("INSERT INTO item_decision (item_id, version, content_hash, verb, decided_by_kind, decided_by)"
                     " SELECT id, 900, content_hash, 'drop', 'user', 'x' FROM item WHERE id = %s", (lived["note"],))
        assert faults(daemon)[0] == [("unaudited", "item_decision", lived["note"] + ":900")]
        root.execute("DELETE FROM item_decision WHERE version = 900")
    assert faults(daemon)[0] == []


def test_tokens_removed_and_made_by_hand(daemon, lived):
    role = daemon.value("SELECT id::text FROM access_token WHERE name = 'a gateway'")
    with daemon.database() as root:
        root.execute("CREATE TEMP TABLE whole AS SELECT * FROM access_token WHERE id = %s", (role,))
        root.execute("UPDATE access_token SET role = 'admin' WHERE id = %s", (role,))
        assert faults(daemon)[0] == [("changed", "token", role)]
        root.execute("UPDATE access_token SET role = 'gateway', hash = sha256(hash) WHERE id = %s", (role,))
        assert faults(daemon)[0] == [("changed", "token", role)], "somebody else's token under this name"
        root.execute("DELETE FROM access_token WHERE id = %s", (role,))
        assert faults(daemon)[0] == [("removed", "token", role)]
        root.execute("INSERT INTO access_token (id, name, hash, role) VALUES ('00000000-0000-7000-8000-000000000001', 'mine', 'x', 'admin')")
        assert ("unaudited", "token", "00000000-0000-7000-8000-000000000001") in faults(daemon)[0]
        words = daemon.cli("audit", "verify", "--records")
        assert words.status == 1 and "made, and no audit entry says so" in words.out
        root.execute("DELETE FROM access_token WHERE name = 'mine'")
        root.execute("INSERT INTO access_token SELECT * FROM whole")
        assert faults(daemon)[0] == []


EMPTY = ("INSERT INTO audit_entry (id, actor_kind, actor_role, action, subject_kind, subject_id, key_id)"
         " SELECT gen_random_uuid(), 'token', 'staff', 'team.replay', 'team', {}, 1 FROM generate_series(1, {}) AS n")


def test_entries_that_say_nothing_hide_nothing(daemon, lived):
    """More of them than a page holds, before all others in its order; and one about a record made by hand."""
    mine = "00000000-0000-7000-8000-000000000002"
    with daemon.database() as root:
        root.execute(EMPTY.format("'0000-' || lpad(n::text, 70, '0')", 600))
        root.execute(f"INSERT INTO team (id, code, name) VALUES ('{mine}', 'MINE', 'x')")
        root.execute(EMPTY.format(f"'{mine}'", 1))
        root.execute("UPDATE team SET beds = beds + 1 WHERE id = %s", (lived["teams"],))
        try:
            assert sorted(faults(daemon)[0]) == sorted([("changed", "team", lived["teams"]), ("unaudited", "team", mine)])
        finally:
            root.execute("UPDATE team SET beds = beds - 1 WHERE id = %s", (lived["teams"],))
            root.execute("DELETE FROM team WHERE id = %s", (mine,))
    assert faults(daemon)[0] == []


def test_records_need_the_keyring(daemon):
    assert daemon.cli("audit", "verify", "--records", "--public-key", "00" * 32).status == 2
