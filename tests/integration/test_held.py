"""What a person does about items that wait, and what a phone's items do elsewhere: attach, correct, count sheets, check-ins, gifts."""
import json
import uuid

import pytest

from harness.client import problem, until_served
from harness.daemon import wait_until
from harness.seeds import TODAY, day
from test_access import unit_id
from test_sync import (DEVICES, DONORS, HELD, Phone, cccd, counting, decide, donor, enrolled, lost, one, own_team, person, phone, running,  # noqa: F401
                       stands, team)

SHEET = "/api/v1/sync/count-sheet"


def content(staff, item):
    """(row, ETag) of the only content of an item."""
    answer = staff.get(f"{HELD}/{item['id']}")
    (row,) = [i for i in answer.json()["items"] if i["id"] == item["id"]]
    return row, answer.headers["etag"]


# ---- attach ----

def test_an_unknown_person_is_attached(phone, donor, staff, daemon, seeds):
    """The record that was made of the item goes into the donor's, and whatever names it follows."""
    number, who = cccd(seeds), donor()
    item = phone.gave({"identifier": number})
    assert one(phone.send(item))["reasons"] == ["donor_unknown"]
    row, etag = content(staff, item)
    for _ in range(2):
        (told,) = decide(staff, item["id"], row["content_hash"], "attach", etag=etag, donor=who).json()["items"]
        assert (told["state"], told["reasons"], told["donor"]) == ("counts", [], row["donor"])
    assert counting(daemon, who) == [(350, False, False)]
    assert not staff.get(f"{DONORS}/{who}/eligibility").json()["eligible"]
    later = phone.item("screening", {"identifier": number}, at="09:00", outcome="accepted")
    assert one(phone.send(later))["verdict"] == "applied" and stands(daemon, later) == who
    assert daemon.value("SELECT count(*) FROM audit_entry WHERE action = 'donor.merge' AND subject_id = %s", who) == 1


def test_an_item_on_the_wrong_person_is_attached(phone, donor, staff, daemon, seeds):
    """An item of the staff stands in its place: the wrong one's record was not made of it."""
    number = cccd(seeds)
    wrong, right = donor(**person(seeds, identifiers=[number])), donor()
    item = phone.gave({"provisional": {**person(seeds), "identifiers": [number]}}, bag_code=f"LC-{uuid.uuid4()}")
    assert one(phone.send(item))["reasons"] == ["differs"]
    row, etag = content(staff, item)
    for _ in range(2):
        told = decide(staff, item["id"], row["content_hash"], "attach", etag=etag, donor=right).json()["items"]
        assert {(i["staff"], i["donor"], i["state"], i["decision"]) for i in told} == {
            (False, wrong, "corrected", "correct"), (True, right, "counts", None)}
    assert counting(daemon, wrong) == [] and counting(daemon, right) == [(350, False, False)]
    assert staff.get(f"{DONORS}/{wrong}/eligibility").json()["eligible"]
    problem(decide(staff, item["id"], row["content_hash"], "attach", expect=None, donor=str(uuid.uuid4())), "invalid-field", 422)
    # what the phone sends again changes nothing
    assert one(phone.send(item))["state"] == "corrected"
    wait_until(lambda: daemon.value("SELECT next_whole_blood IS NULL FROM donor WHERE id = %s", wrong), what="the next day is counted")


def test_nobody_is_attached_to_who_was_erased(phone, donor, staff, admin, seeds):
    gone = donor()
    staff.post(f"{DONORS}/{gone}/erasure", json={}, expect=201)
    admin.post(f"{DONORS}/{gone}/erasure/approve", json={}, expect=200)
    item = phone.gave({"identifier": cccd(seeds)})
    phone.send(item)
    row, _ = content(staff, item)
    problem(decide(staff, item["id"], row["content_hash"], "attach", expect=None, donor=gone), "erased", 409)


# ---- correct ----

def test_the_staff_correct_what_a_phone_told(phone, donor, staff, daemon):
    who = donor()
    item = phone.gave(who, 450, bag_code="LC-CORRECT-1", donated_on=day(-1))
    phone.send(item)
    row, etag = content(staff, item)
    data = {**item["data"], "volume_ml": 250, "donated_on": TODAY}
    for _ in range(2):
        told = decide(staff, item["id"], row["content_hash"], "correct", etag=etag, data=data).json()["items"]
        assert [(i["staff"], i["state"], i["corrects"], i["content"]["data"]["volume_ml"]) for i in told] == [
            (False, "corrected", None, 450), (True, "counts", item["id"], 250)]
    assert counting(daemon, who) == [(250, False, False)]
    assert daemon.sql("SELECT verb, decided_by_kind FROM item_decision WHERE item_id = %s", item["id"]) == [("correct", "token")]
    assert daemon.value("SELECT count(*) FROM audit_entry WHERE action = 'item.correct' AND digest_after IS NOT NULL AND subject_id LIKE %s",
                        item["id"] + ":%") == 1
    # dropped again: the phone's stands, and waits as before
    (staffs,) = [i for i in told if i["staff"]]
    decide(staff, staffs["id"], staffs["content_hash"], keep=False)
    assert counting(daemon, who) == [(450, True, False)]
    # what a person types can be typed rightly; another's round is not the place
    for wrong, pointer in (({**data, "volume_ml": 0}, "/data/volume_ml"), ({**data, "wifi": 1}, "/data/wifi"), ({**data, "donated_on": "mai"}, "/data/donated_on")):
        answer = decide(staff, item["id"], row["content_hash"], "correct", expect=422, data=wrong)
        assert pointer in [e["pointer"] for e in answer.json()["errors"]]
    problem(decide(staff, item["id"], "0" * 64, "correct", expect=None, data=data), "not-found", 404)
    # somebody else saw the item before it was decided
    problem(decide(staff, item["id"], row["content_hash"], "correct", etag=etag, expect=None, data={**data, "volume_ml": 200}), "stale", 412)


def test_a_phones_own_correction_meets_that_of_the_staff(phone, donor, staff, daemon):
    """Two tell one fact anew: it counts once, and a person chooses."""
    who = donor()
    item = phone.gave(who, 450)
    phone.send(item)
    row, _ = content(staff, item)
    decide(staff, item["id"], row["content_hash"], "correct", data={**item["data"], "volume_ml": 250})
    late = phone.gave(who, 350, at="08:30", corrects=item["id"])
    assert one(phone.send(late))["state"] == "open"
    assert counting(daemon, who) == [(250, False, True)]
    row, _ = content(staff, late)
    decide(staff, late["id"], row["content_hash"], "choose")
    assert counting(daemon, who) == [(350, False, False)]


def test_who_may_only_read_does_not_decide(fresh_daemon, api_of):
    """A scope on a district that has ended reads what it covered (design 5)."""
    daemon = fresh_daemon(now="2025-08-01T08:00:00+07:00")
    staff, admin = (api_of(daemon, daemon.token(role)) for role in ("staff", "admin"))
    district = unit_id(staff, "Huyện Than Uyên", "2025-01-01")
    plan = staff.post("/api/v1/plans", json={"number": "1/KH-CU", "code_prefix": "CU", "title": "cũ", "from": "2025-01-01",
                                             "to": "2025-12-31"}, expect=201).json()
    body = {"title": "Đợt", "date": "2025-04-14", "units": [district]}
    round_ = staff.post(f"/api/v1/plans/{plan['id']}/rounds", json=body, expect=201).json()["id"]
    who = staff.post(DONORS, json={"name": "Giàng A Páo", "birth_year": 1990}, expect=201).json()["id"]
    phone = Phone(admin, round_)
    item = phone.gave(who, on="2025-04-13")
    phone.send(item)
    row, etag = content(staff, item)
    ended = api_of(daemon, daemon.new_token("staff", "of a district that was", "--unit", district))
    assert ended.get(f"{HELD}/{item['id']}").json()["items"][0]["state"] == "held"
    for verb, body in (("decide", {"keep": False}), ("choose", {}), ("correct", {"data": item["data"]}), ("attach", {"donor": row["donor"]})):
        answer = ended.post(f"{HELD}/{item['id']}/{verb}", json={"content_hash": row["content_hash"], **body}, headers={"If-Match": etag}, expect=None)
        assert answer.status_code == 403 and answer.json()["type"].endswith("out-of-scope"), (verb, answer.text)


def test_the_token_of_a_phone_is_not_revoked_alone(api, staff, own_team, seeds, daemon, donor, running):
    """What it holds would be lost: the phone is revoked."""
    device, client, _ = enrolled(api, staff, own_team, seeds)
    outcome = daemon.cli("token", "revoke", daemon.value("SELECT name FROM access_token WHERE device_id = %s", device["id"]))
    assert outcome.status == 1 and "Revoke the phone" in outcome.err
    assert one(Phone(client, running).send(Phone(client, running).gave(donor())))["verdict"] == "applied"


# ---- who is erased or merged ----

def test_what_phones_told_of_who_is_erased(phone, staff, admin, seeds, daemon):
    """The fact stays, traceable by its bag; nobody can read what it said, nor compare it."""
    number, bag = cccd(seeds), f"LC-{uuid.uuid4()}"
    told = {**person(seeds, identifiers=[number]), "id": str(uuid.uuid4())}
    first, twin = phone.gave({"identifier": number}, 250, at="07:50"), phone.gave({"provisional": told}, bag_code=bag)
    deferral = phone.item("deferral", {"id": told["id"]}, at="09:00", code="malaria", note="sốt rét ở bản", **{"from": TODAY})
    phone.send(first, twin, deferral)
    who = daemon.value("SELECT coalesce(a.into_id, i.donor_id)::text FROM item AS i LEFT JOIN donor_alias AS a ON a.donor_id = i.donor_id WHERE i.id = %s", twin["id"])
    records = [str(r) for r, in daemon.sql("SELECT id FROM donor WHERE id = %s UNION SELECT donor_id FROM donor_alias WHERE into_id = %s", who, who)]
    staff.post(f"{DONORS}/{who}/erasure", json={}, expect=201)
    admin.post(f"{DONORS}/{who}/erasure/approve", json={}, expect=200)
    assert daemon.value("SELECT count(*) FROM donor WHERE id = ANY (%s::uuid[]) AND (wrapped_key IS NOT NULL OR erased_at IS NULL)", records) == 0
    assert daemon.sql("SELECT volume_ml, donated_on::text FROM donation_counting WHERE bag_code = %s", bag.upper()) == [(350, TODAY)]
    for item in (first, twin, deferral):
        for row in staff.get(f"{HELD}/{item['id']}").json()["items"]:
            assert row["content"] is None
    kept = "".join(str(daemon.sql(f"SELECT t::text FROM {table} AS t WHERE donor_id = ANY (%s::uuid[])", records)) for table in
                   ("item", "donation", "deferral", "item_doubt", "donor_digest", "donor_identifier", "gift"))
    for text in (told["name"], told["name"].encode().hex(), number["value"], "sốt rét", "1992-04-19"):
        assert text not in kept
    row, _ = content(staff, twin)
    problem(decide(staff, twin["id"], row["content_hash"], "correct", expect=None, data=twin["data"]), "erased", 409)
    # sent again, it is taken for what is there; what is new lies on a record of its own, and waits; the wait of the erased one goes on
    assert one(phone.send(twin))["verdict"] == "duplicate"
    late = phone.gave({"id": told["id"]}, at="10:00")
    answer = one(phone.send(late))
    assert answer["verdict"] == "held" and "donor_erased" in answer["reasons"]
    again = phone.gave({"provisional": {**told, "id": str(uuid.uuid4())}}, at="11:00")
    assert "newer_deferral" in one(phone.send(again))["reasons"]
    assert daemon.value("SELECT count(*) FROM donation WHERE item_id IN (%s, %s)", late["id"], again["id"]) == 2
    # the audit still knows what was written
    faults = json.loads(daemon.cli("audit", "verify", "--records", "--json").out)["records"]["faults"]
    mine = {i["id"] for i in (first, twin, deferral, late, again)}
    assert [f for f in faults if f["subject_id"].split(":")[0] in mine] == []


def test_what_comes_late_for_who_was_merged(phone, donor, staff, admin, daemon):
    """It counts for the record that stands, and goes on doing so when that one is erased."""
    gone, stays = donor(), donor()
    staff.post(f"{DONORS}/{stays}/merge", json={"with": gone}, headers={"If-Match": staff.etag(f"{DONORS}/{stays}")}, expect=200)
    item = phone.gave(gone)
    assert one(phone.send(item))["verdict"] == "applied"
    assert not staff.get(f"{DONORS}/{stays}/eligibility").json()["eligible"]
    assert counting(daemon, stays) == [(350, False, False)]
    staff.post(f"{DONORS}/{stays}/erasure", json={}, expect=201)
    admin.post(f"{DONORS}/{stays}/erasure/approve", json={}, expect=200)
    row, _ = content(staff, item)
    assert row["content"] is None
    answer = one(phone.send(phone.gave(gone, at="09:00")))
    assert answer["verdict"] == "held" and "donor_erased" in answer["reasons"]


def test_what_waits_in_a_round_by_its_code(phone, donor, staff, running):
    """Told by the code that people say: a round that is not known is no empty list."""
    item = phone.gave(donor(), donated_on=day(-1))
    assert one(phone.send(item))["reasons"] == ["date_outside"]
    code = staff.get(f"/api/v1/rounds/{running}").json()["code"]
    for key in (running, code):
        assert [i["id"] for i in staff.get(f"{HELD}?round={key}").json()["items"]] == [item["id"]]
    problem(staff.get(f"{HELD}?round=LC25-XX", expect=None), "not-found", 404)


# ---- without a round ----

def test_what_names_no_round_is_shown_where_its_phone_was(api, staff, own_team, seeds, daemon, donor, running):
    """A deferral need not name one: the staff of the place see it and decide."""
    device, client, _ = enrolled(api, staff, own_team, seeds)
    phone, who = Phone(client), donor()
    elsewhere = seeds.draft(date=TODAY, units=["Xã Mường Kim"])["id"]
    there, nobody = (api.with_token(daemon.new_token("staff", f"scope {uuid.uuid4()}", "--unit", unit_id(staff, unit, TODAY)))
                     for unit in ("Xã Mường Kim", "Xã Mường Than"))

    def shown(client, **more):
        return [row["id"] for row in client.items(HELD, **more) if (row["device"], row["kind"]) == (device["id"], "deferral")]
    deferral = phone.item("deferral", who, code="no_such_code")
    told = one(phone.send(deferral))
    assert (told["state"], told["reasons"]) == ("held", ["unreadable"]) and "round" not in deferral["data"]
    # nothing else is known of that day: it is of its team's round
    assert shown(staff, round=running) == [deferral["id"]]
    assert shown(staff, round=elsewhere) == shown(there) == []
    # where it captured something that day, the day before is another
    phone.send(phone.item("note", who, text="ở đây", round=elsewhere), phone.item("note", who, on=day(-1), text="hôm qua", round=running))
    assert shown(staff, round=elsewhere) == shown(there, round=elsewhere) == shown(there) == [deferral["id"]]
    assert deferral["id"] not in shown(staff, round=running) + shown(nobody)
    row, etag = content(there, deferral)
    assert row["round"] is None
    problem(nobody.get(f"{HELD}/{deferral['id']}", expect=None), "not-found", 404)
    told = decide(there, deferral["id"], row["content_hash"], etag=etag, keep=True).json()["items"]
    assert [(i["state"], i["decision"]) for i in told] == [("counts", "keep")]


# ---- count sheets ----

def test_what_was_told_in_hundreds_of_ways_can_be_looked_at(phone, donor, staff):
    """A phone with a fault: the versions of the case are counted once, not for each content that is shown."""
    item = phone.item("note", donor())
    told = [{**item, "data": {**item["data"], "text": f"ghi {n}"}} for n in range(100)]
    for begin in (0, 50):
        phone.send(*told[begin:begin + 50])
    answer = until_served(lambda: staff.get(f"{HELD}/{item['id']}", expect=None))
    assert answer.status_code == 200 and {i["state"] for i in answer.json()["items"]} == {"open"}
    shown = answer.json()["items"][-1]["content_hash"]
    decided = until_served(lambda: decide(staff, item["id"], shown, "decide", etag=answer.headers["etag"], keep=True, expect=None))
    assert decided.status_code == 200


def test_what_is_there_of_each_phone(phone, donor, staff, team, api, own_team, seeds, running):
    device, client, _ = enrolled(api, staff, own_team, seeds)
    other, who = Phone(client, running), donor()
    items = [phone.item("note", who, text=str(n)) for n in range(149)]
    phone.send(*(i for i in items if i["seq"] not in (31, 88)))
    other.send(other.gave(who), other.gave(donor(), donated_on=day(-1)))
    rows = {r["install"]: r for r in team.get(f"{SHEET}?round={running}").json()["items"]}
    assert set(rows) == {phone.install, other.install}
    mine = rows[phone.install]
    assert (mine["items"], mine["of_round"], mine["waiting"], mine["last_seq"], mine["missing_count"]) == (147, 147, 0, 149, 2)
    assert mine["missing"] == [{"from": 31, "to": 31}, {"from": 88, "to": 88}] and mine["device"] is None
    assert mine["text"] == "The server has 147 of 149; missing 31, 88."
    assert rows[other.install]["device"]["id"] == device["id"] and rows[other.install]["waiting"] == 1
    told = team.get(f"{SHEET}?install={phone.install}&last_seq=152", headers={"Accept-Language": "vi"}).json()["items"][0]
    assert told["text"] == "Máy chủ có 147 trong 152 mục; thiếu 31, 88, 150–152."
    nothing = str(uuid.uuid4())
    (told,) = team.get(f"{SHEET}?install={nothing}&last_seq=3").json()["items"]
    assert (told["install"], told["items"], told["missing"], told["last_received_at"]) == (nothing, 0, [{"from": 1, "to": 3}], None)
    code = staff.get(f"/api/v1/rounds/{running}").json()["code"]
    assert {r["install"] for r in team.get(f"{SHEET}?round={code}").json()["items"]} == set(rows)
    problem(team.get(f"{SHEET}?round=LC25", expect=None), "not-found", 404)
    for wrong in ("", f"?round={running}&last_seq=4", f"?install={nothing}&last_seq=x", "?install=1"):
        problem(team.get(SHEET + wrong, expect=None), "invalid-query", 400)


def test_the_sheet_shows_a_team_its_own(phone, donor, staff, daemon, running, api):
    other = daemon.value("INSERT INTO team (id, code, name) VALUES (gen_random_uuid(), %s, 'Đội khác') RETURNING id", f"K{uuid.uuid4().hex[:6]}")
    phone.send(phone.item("note", donor(), text="ghi"))
    daemon.sql("UPDATE round SET team_id = %s WHERE id = %s", other, running)
    problem(phone.client.get(f"{SHEET}?round={running}", expect=None), "not-found", 404)        # a draft of others
    daemon.sql("UPDATE round SET status = 'announced' WHERE id = %s", running)
    assert phone.client.get(f"{SHEET}?round={running}").json()["items"] == []
    assert len(staff.get(f"{SHEET}?round={running}").json()["items"]) == 1
    there = api.with_token(daemon.new_token("staff", f"scope {uuid.uuid4()}", "--unit", "Xã Mường Kim")).get(f"{SHEET}?round={running}").json()["items"]
    assert there == []


# ---- what items do elsewhere ----

def test_a_check_in_is_the_appointments(phone, donor, staff, seeds, daemon, running):
    who = donor()
    daemon.sql("UPDATE round SET status = 'open', capacity = 10, start_minute = 1200, end_minute = 1380 WHERE id = %s", running)
    made = staff.post(f"/api/v1/rounds/{running}/appointments", json={"donor": who}, expect=201).json()
    item = phone.item("check_in", who, at="07:30", code=made["code"])
    for _ in range(2):
        phone.send(item)
    assert daemon.value("SELECT state FROM appointment WHERE id = %s", made["id"]) == "checked_in"
    assert daemon.value("SELECT count(*) FROM audit_entry WHERE action = 'appointment.checked_in' AND subject_id = %s", made["id"]) == 1
    assert one(phone.send(phone.item("check_in", donor())))["verdict"] == "applied"      # without one


def test_a_check_in_of_whom_nobody_knew(phone, donor, staff, seeds, daemon, running, lost):
    """It is the appointment's as soon as it is known who came, or that it is right: by an item, by a person, of two records."""
    daemon.sql("UPDATE round SET status = 'open', capacity = 10, start_minute = 1200, end_minute = 1380 WHERE id = %s", running)

    def booked(**more):
        who = donor(**more)
        return who, staff.post(f"/api/v1/rounds/{running}/appointments", json={"donor": who}, expect=201).json()["id"]

    def state(appointment):
        return daemon.value("SELECT state FROM appointment WHERE id = %s", appointment)

    # an item tells whose number it is; the same in one batch
    for at_once in (False, True):
        number, id = cccd(seeds), str(uuid.uuid4())
        told = person(seeds, identifiers=[number])
        who, by_item = booked(**told)
        items = [phone.item("check_in", {"id": id}), phone.item("note", {"provisional": {**told, "id": id}}, text="khỏe")]
        if not at_once:
            phone.send(items[0])
            assert state(by_item) == "booked"
        phone.send(*items[not at_once:])
        assert state(by_item) == "checked_in"
    assert daemon.value("SELECT count(*) FROM audit_entry AS e JOIN appointment AS a ON a.id::text = e.subject_id WHERE a.id = %s"
                        " AND e.action = 'appointment.checked_in' AND e.digest_after = appointment_digest(a)", by_item) == 1
    # a person attaches it
    who, by_hand = booked()
    item = phone.item("check_in", {"identifier": cccd(seeds)})
    phone.send(item)
    row, etag = content(staff, item)
    decide(staff, item["id"], row["content_hash"], "attach", etag=etag, donor=who)
    assert state(by_hand) == "checked_in"
    # two records are one, whichever stands; but not by what was dropped
    for dropped in (False, True):
        for stands in (False, True):
            who, merged = booked()
            item = phone.item("check_in", {"provisional": {**person(seeds), "id": str(uuid.uuid4())}})
            phone.send(item)
            if dropped:
                row, etag = content(staff, item)
                decide(staff, item["id"], row["content_hash"], keep=False, etag=etag)
            two = (who, item["data"]["donor"]["provisional"]["id"])[::1 if stands else -1]
            staff.post(f"{DONORS}/{two[0]}/merge", json={"with": two[1]}, headers={"If-Match": staff.etag(f"{DONORS}/{two[0]}")}, expect=200)
            assert state(merged) == ("booked" if dropped else "checked_in")
    row, etag = content(staff, item)
    decide(staff, item["id"], row["content_hash"], keep=True, etag=etag)
    assert state(merged) == "checked_in"
    # a revoked phone told it
    who, kept = booked()
    item = lost.item("check_in", who)
    lost.send(item)
    assert state(kept) == "booked"
    row, etag = content(staff, item)
    decide(staff, item["id"], row["content_hash"], keep=True, etag=etag)
    assert state(kept) == "checked_in"


def test_measures_and_reactions_are_shown_with_the_donation(phone, donor, staff):
    who = donor()
    items = [phone.item("screening", who, at="07:40", outcome="accepted", screening={"hemoglobin_g_l": 135.5}), phone.gave(who, at="08:00", bag_code="LC-7"),
             phone.item("reaction", who, at="08:20", severity="mild", text="choáng nhẹ")]
    phone.send(*items[::-1])
    told = staff.get(f"{DONORS}/{who}/export").json()
    assert [(c["id"], c["kind"], c["state"], c["round"]) for c in told["captured"]] == [(i["id"], i["kind"], "counts", phone.round) for i in items]
    assert [c["told"] for c in told["captured"]] == [{name: value for name, value in i["data"].items() if name != "donor"} for i in items]
    assert [d["bag_code"] for d in told["donations"]] == ["LC-7"]


def gift(phone, who, **data):
    made = phone.item("gift", who)
    return {**made, "data": {**made["data"], **data}}


def test_a_gift_stands_in_the_rounds_book(phone, donor, staff, running):
    who = donor()
    item = gift(phone, who, kind="food", value_vnd=30000)
    silent = phone.item("gift", who, gift="áo", quantity=1)
    for _ in range(2):
        phone.send(item, silent)
    (told,) = staff.get(f"/api/v1/rounds/{running}/gifts").json()["gifts"]
    assert (told["kind"], told["value_vnd"], told["handed_on"], told["of_item"]) == ("food", 30000, TODAY, True)
    assert one(phone.send(gift(phone, who, kind="money", value_vnd=1)))["reasons"] == ["unreadable"]
    # corrected by the phone
    phone.send({**gift(phone, who, kind="food", value_vnd=20000), "corrects": item["id"]})
    assert 20000 in [g["value_vnd"] for g in staff.get(f"/api/v1/rounds/{running}/gifts").json()["gifts"]]
    assert 30000 not in [g["value_vnd"] for g in staff.get(f"/api/v1/rounds/{running}/gifts").json()["gifts"]]


def test_two_donations_of_one_day(phone, donor, team, running, staff, daemon):
    """One that was written twice, or somebody else's: whichever comes first, both wait, and each is answered by itself."""
    for order in (0, 1), (1, 0):
        who, other = donor(), Phone(team, running)
        items = [(phone, phone.gave(who, at="08:00", bag_code=f"LC-{uuid.uuid4()}")), (other, other.gave(who, at="08:01", bag_code=f"LC-{uuid.uuid4()}"))]
        first = [one(items[n][0].send(items[n][1])) for n in order]
        assert [t["verdict"] for t in first] == ["applied", "held"], order
        assert [(t["state"], t["reasons"]) for t in (one(p.send(i)) for p, i in items)] == [("held", ["same_day"])] * 2
        assert counting(daemon, who) == [(350, True, False)] * 2
        twice = items[1][1]
        row, etag = content(staff, twice)
        case = staff.get(f"{HELD}/{twice['id']}").json()["items"]
        assert {i["id"] for i in case} == {i["id"] for _, i in items}        # what is decided stands beside the other
        stopped = phone.gave(who, 0, at="07:50", outcome="stopped")
        phone.send(stopped)
        if order == (0, 1):
            decide(staff, twice["id"], row["content_hash"], keep=False, etag=etag)
            assert counting(daemon, who) == [(0, False, False), (350, False, False)]
            assert one(phone.send(items[0][1]))["state"] == "counts"
        else:
            decide(staff, twice["id"], row["content_hash"], keep=True, etag=etag)
            assert sorted(counting(daemon, who)) == [(0, False, False), (350, False, False), (350, True, False)]


def test_what_is_no_second_donation(phone, donor, daemon, staff):
    """A vein that gave nothing, and a correction."""
    who = donor()
    told = phone.send(phone.gave(who, 0, at="08:00", outcome="stopped"), phone.gave(who, at="08:10"))
    assert [i["state"] for i in told["items"]] == ["counts"] * 2
    who = donor()
    item = phone.gave(who, 250)
    assert [i["state"] for i in phone.send(item, phone.gave(who, 350, corrects=item["id"]))["items"]] == ["corrected", "counts"]
