"""What phones hand in: each fact once, in whatever order it comes, and never refused for what it says."""
import datetime
import hashlib
import itertools
import json
import os
import random
import threading
import uuid

import pytest

from harness.client import problem, until_served
from harness.daemon import wait_until
from harness.seeds import TODAY, day

BATCHES, DONORS, HELD = "/api/v1/sync/batches", "/api/v1/donors", "/api/v1/sync/held"


@pytest.fixture
def donor(staff, seeds):
    """Makes a donor; the id of the record."""
    def make(**more):
        body = {**person(seeds), **more}
        return staff.post(DONORS, json=body, expect=201).json()["id"]
    return make


@pytest.fixture
def team(api):
    return api.as_("team")


@pytest.fixture
def running(seeds, daemon, staff):
    """A round of the team of the `team` token, today."""
    code = daemon.own_team()
    (one,) = [t for t in staff.items("/api/v1/teams") if t["code"] == code]
    venue = seeds.venue()
    draft = seeds.draft(date=TODAY, venue=venue["id"])
    daemon.sql("UPDATE round SET team_id = NULL WHERE team_id = %s", one["id"])
    daemon.sql("UPDATE round SET team_id = %s WHERE id = %s", one["id"], draft["id"])
    return draft["id"]


def person(seeds, **more):
    letters, n = "", seeds.number()
    for _ in range(6):
        letters, n = letters + "bcdghklmnp"[n % 10] + "ăêíôư"[n % 5], n // 10
    return {"name": f"Giàng {letters.capitalize()}", "birth_date": "1992-04-19", "sex": "male", **more}


def cccd(seeds):
    return {"kind": "cccd", "value": f"012092{seeds.number() % 1000000:06}"}


class Phone:
    """An install that captures items and hands them in."""

    def __init__(self, client, round_id=None):
        self.client, self.round, self.install, self.seq = client, round_id, str(uuid.uuid4()), 0

    def item(self, kind, donor, at="08:00", corrects=None, on=TODAY, **data):
        self.seq += 1
        made = {"id": str(uuid.uuid4()), "install": self.install, "seq": self.seq, "kind": kind,
                "captured_at": f"{on}T{at}:00+07:00", "data": {"donor": donor if isinstance(donor, dict) else {"id": donor}, **data}}
        if self.round and "round" not in data:
            made["data"]["round"] = self.round
        if corrects:
            made["corrects"] = corrects
        return made

    def gave(self, donor, volume=350, **more):
        return self.item("donation", donor, **{"outcome": "completed", "component": "whole_blood", "volume_ml": volume, **more})

    def hand_in(self, *items, expect=200, **more):
        body = {"batch_id": "thử", "device_now": f"{TODAY}T18:00:00+07:00", "items": list(items), **more}
        return self.client.post(BATCHES, json=body, expect=expect)

    def send(self, *items, expect=200, **more):
        return self.hand_in(*items, expect=expect, **more).json()


@pytest.fixture
def phone(team, running):
    return Phone(team, running)


def one(receipt):
    (item,) = receipt["items"]
    return item


def counting(daemon, *donors):
    """(ml, held, open) of the donations that count of these people."""
    return daemon.sql("SELECT volume_ml, held, open FROM donation_counting WHERE item_id IS NOT NULL AND donor_id IN ("
                      "SELECT d.id FROM donor AS d LEFT JOIN donor_alias AS a ON a.donor_id = d.id WHERE coalesce(a.into_id, d.id) IN ("
                      "SELECT coalesce(a.into_id, d.id) FROM donor AS d LEFT JOIN donor_alias AS a ON a.donor_id = d.id WHERE d.id = ANY (%s::uuid[])))"
                      " ORDER BY captured_at, item_id, content_hash", list(donors))


def decided(staff, item, keep):
    (found,) = [i for i in staff.get(f"{HELD}/{item['id']}").json()["items"] if i["id"] == item["id"]]
    decide(staff, item["id"], found["content_hash"], keep=keep)


def stands(daemon, item):
    """The record that stands for whom an item is about; of several contents, the earliest."""
    return daemon.value("SELECT coalesce(a.into_id, i.donor_id)::text FROM item AS i LEFT JOIN donor_alias AS a ON a.donor_id = i.donor_id"
                        " WHERE i.id = %s ORDER BY i.captured_at, i.tie LIMIT 1", item["id"])


def rows(daemon, table, item):
    return daemon.value(f"SELECT count(*) FROM {table} WHERE item_id = %s", item["id"])


# ---- one item ----

def test_applied_once_and_told_again(phone, donor, daemon, staff):
    who = donor()
    item = phone.gave(who, bag_code="G1234 98 654321 H", donated_on=TODAY)
    receipt = phone.send(item)
    assert one(receipt) == {"id": item["id"], "verdict": "applied", "state": "counts", "reasons": []}
    assert receipt["counts"] == {"items": 1, "applied": 1, "duplicate": 0, "held": 0, "conflict": 0, "rejected": 0, "retry": 0}
    assert receipt["batch_id"] == "thử"
    for _ in range(2):
        again = one(phone.send(item))
        assert again == {"id": item["id"], "verdict": "duplicate", "first": "applied", "state": "counts", "reasons": []}
    # the same content, written otherwise
    text = json.dumps({"items": [dict(reversed(item.items()))], "device_now": "2025-01-01T00:00:00+07:00"}, indent=3)
    answer = phone.client.post(BATCHES, content=text.encode(), headers={"Content-Type": "application/json"}, expect=200).json()
    assert one(answer)["verdict"] == "duplicate"
    assert rows(daemon, "donation", item) == 1
    assert daemon.sql("SELECT volume_ml, donated_on::text, evidence, bag_code, outcome, round_id::text FROM donation WHERE item_id = %s", item["id"]) == [
        (350, TODAY, "confirmed", "G123498654321", "completed", phone.round)]
    # each sending left its mark: the first with what was written, the others as readings
    marks = daemon.sql("SELECT action, count(*), count(digest_after) FROM audit_entry WHERE subject_kind = 'item' AND subject_id LIKE %s GROUP BY 1 ORDER BY 1",
                       item["id"] + ":%")
    assert marks == [("item.add", 1, 1), ("item.replay", 3, 0)]
    assert not staff.get(f"{DONORS}/{who}/eligibility").json()["eligible"]
    wait_until(lambda: daemon.value("SELECT next_whole_blood IS NOT NULL FROM donor WHERE id = %s", who), what="the next day is counted")
    assert daemon.value("SELECT last_donated_on::text FROM donor WHERE id = %s", who) == TODAY


def test_twice_in_one_batch(phone, donor):
    """The copy is told the answer of the first, whatever that is."""
    late, who = phone.gave(donor(), donated_on=day(-1)), donor()
    told = phone.send(late, late, phone.gave(who), late)["items"]
    assert [(i["verdict"], i.get("first"), i["state"]) for i in told] == [
        ("held", None, "held"), ("duplicate", "held", "held"), ("applied", None, "counts"), ("duplicate", "held", "held")]
    assert one(phone.send(late))["first"] == "held"


def test_nothing_personal_lies_open(phone, daemon, seeds):
    told = person(seeds, phone="0912345678", identifiers=[cccd(seeds)], address="Bản Hon")
    item = phone.gave({"provisional": told}, reaction="choáng nhẹ")
    receipt = phone.send(item)
    kept = str(daemon.sql("SELECT i::text FROM item AS i WHERE id = %s", item["id"]))
    kept += str(daemon.sql("SELECT d::text FROM donor AS d WHERE id = %s", item["id"]))
    for text in (told["name"], "912345678", told["identifiers"][0]["value"], "Bản Hon", "choáng"):
        assert text not in kept and text not in json.dumps(receipt, ensure_ascii=False)
        assert text.encode().hex() not in kept


def test_the_clock_is_told(phone):
    """Measured as it is sent; nothing is refused for it."""
    now = datetime.datetime.fromisoformat(phone.send()["received_at"])
    for ahead, suspect in ((0, False), (-86400, True), (3600, True)):
        receipt = phone.send(device_now=(now + datetime.timedelta(seconds=ahead)).isoformat())
        passed = (datetime.datetime.fromisoformat(receipt["received_at"]) - now).total_seconds()
        assert abs(receipt["clock_skew_seconds"] - (ahead - passed)) <= 1
        assert receipt["clock_suspect"] == (abs(receipt["clock_skew_seconds"]) >= 300) and (suspect or passed >= 300) == receipt["clock_suspect"]


def test_gaps_are_told(phone, donor):
    who = donor()
    items = [phone.item("note", who, text=f"{n}") for n in range(1, 13)]
    receipt = phone.send(*items[1:4], items[6])
    assert receipt["installs"] == [{"install": phone.install, "items": 4, "last_seq": 7, "missing_count": 3,
                                    "missing": [{"from": 1, "to": 1}, {"from": 5, "to": 6}]}]
    receipt = phone.send(*items)
    assert receipt["installs"][0]["missing"] == [] and receipt["installs"][0]["items"] == 12
    assert [i["verdict"] for i in receipt["items"]].count("duplicate") == 4


# ---- what cannot be read, and what cannot be read of it ----

def test_one_bad_item_never_blocks_another(phone, donor, daemon):
    who = donor()
    good, late = phone.gave(who), phone.item("note", who, text="xong")
    bad = [17, {}, {**phone.gave(who), "id": "x"}, {**phone.gave(who), "kind": "gift_card"}, {**phone.gave(who), "seq": 0},
           phone.gave(who, volume=0), phone.gave(who, volume=1001), phone.gave(who, component="beer"), phone.item("donation", who),
           {**phone.gave(who), "captured_at": "hôm qua"}, phone.item("note", {}), phone.item("note", {"id": who, "identifier": {}}),
           phone.item("screening", who, outcome="maybe")]
    mirrored = phone.gave(who)
    bad.append({**mirrored, "corrects": mirrored["id"]})
    receipt = phone.send(good, *bad, late)
    assert [i["verdict"] for i in receipt["items"]] == ["applied"] + ["rejected"] * len(bad) + ["applied"]
    assert all(i["errors"] and i["state"] is None for i in receipt["items"][1:-1])
    assert receipt["counts"]["rejected"] == len(bad) and receipt["counts"]["applied"] == 2
    pointers = [i["errors"][0]["pointer"] for i in receipt["items"][1:-1]]
    assert pointers[0] == "/items/1" and "/items/6/data/volume_ml" in pointers and pointers[-1] == f"/items/{len(bad)}/corrects"
    assert daemon.value("SELECT count(*) FROM item WHERE install = %s", phone.install) == 2


def test_an_item_that_is_no_json_blocks_no_other(phone, donor):
    """A note cut within an emoji, a NUL from a scanner, a number out of all range, a member twice, too many brackets."""
    who = donor()
    parts = ['"text":"a\\ud83d"', '"text":"a\\u0000"', '"n":' + "9" * 400, '"text":"a","text":"b"', '"n":' + "[" * 20 + "]" * 20, '"text":"a\\q"',
             '"n": 01', '"text":"items": [1]']
    notes = [phone.item("note", who, text=f"]{n},{{[\\") for n in range(len(parts) + 1)]
    bad = ['{"id":"%s","data":{%s}}' % (uuid.uuid4(), part) for part in parts]
    items = [json.dumps(notes[0])] + [text for pair in zip(bad, map(json.dumps, notes[1:])) for text in pair]
    body = '{"batch_id":"\\"items\\":[","device_now":"%sT18:00:00+07:00", "items" :\n [ %s ] }' % (TODAY, " ,\n".join(items))
    # past the contract, which wants bodies that are JSON
    send = lambda text: phone.client.http.post(BATCHES, content=text.encode(), headers={"Content-Type": "application/json"})
    receipt = send(body).json()
    assert [i["verdict"] for i in receipt["items"]] == ["applied"] + ["rejected", "applied"] * len(parts)
    assert [i["errors"][0] | {"detail": ""} for i in receipt["items"][1::2]] == [
        {"pointer": f"/items/{n}", "code": "malformed", "detail": ""} for n in range(1, len(items), 2)]
    # the batch itself must be JSON
    for text in (body[:-1], body.replace('"batch_id":', '"batch_id":,'), body[:-3], body[:200]):
        problem(send(text), "malformed", 400)


def path_of(more):
    """The names down to the innermost."""
    while isinstance(more, dict):
        ((name, more),) = more.items()
        yield name


def test_what_is_unknown_in_an_item_is_kept(phone, donor, daemon, staff):
    """A newer program on the phone, or a slip in what does not matter: the donation happened."""
    for more in ({"wifi": True}, {"bag_code": "Túi 7"}, {"donated_on": "10/3"}, {"screening": {"pulse_bpm": "fast"}}, {"round": "LC25-07"}):
        item = phone.gave(donor(), **more)
        told = one(phone.send(item))
        assert told["verdict"] == told["state"] == "held" and "unreadable" in told["reasons"], more
        assert rows(daemon, "donation", item) == 1
        (row,) = staff.get(f"{HELD}/{item['id']}").json()["items"]
        assert [fault["pointer"] for fault in row["unreadable"]] == ["/data/" + "/".join(path_of(more))], "a person is told where to look"
    item = {**phone.gave(donor()), "battery": 12}
    assert one(phone.send(item))["reasons"] == ["unreadable"]


def test_what_is_measured_is_read(phone, donor):
    """All that a team writes down beside the bag: nobody need look at it."""
    measured = {"weight_kg": 52.5, "screening": {"systolic_mmhg": 120, "diastolic_mmhg": 70, "pulse_bpm": 72, "pulse_regular": True,
                                                 "hemoglobin_g_l": 131, "platelets_10e9_l": 250, "protein_g_l": 70}}
    who = donor()
    told = phone.send(phone.gave(who, **measured), phone.item("screening", who, outcome="accepted", note="khỏe", **measured))
    assert [(i["verdict"], i["reasons"]) for i in told["items"]] == [("applied", [])] * 2


def test_the_batch_itself(phone, donor, api):
    problem(phone.client.post(BATCHES, json={"items": []}), "invalid-field", 422)
    problem(phone.client.post(BATCHES, json={"device_now": "2025-01-01T00:00:00Z", "items": [{}] * 501}), "invalid-field", 422)
    problem(phone.client.post(BATCHES, json={"device_now": "2025-01-01T00:00:00Z", "items": [], "more": 1}), "invalid-field", 422)
    problem(phone.client.post(BATCHES, content=b"{", headers={"Content-Type": "application/json"}), "malformed", 400)
    assert phone.send()["counts"]["items"] == 0
    for role in ("gateway", "hospital", "comms", "staff", "auditor"):
        problem(api.as_(role).post(BATCHES, json={"device_now": "2025-01-01T00:00:00Z", "items": []}), "forbidden", 403)
    problem(api.post(BATCHES, json={"device_now": "2025-01-01T00:00:00Z", "items": []}), "unauthenticated", 401)
    assert api.as_("admin").post(BATCHES, json={"device_now": "2025-01-01T00:00:00Z", "items": []}, expect=200)


def test_a_person_with_a_slip_is_a_person(phone, daemon, staff, seeds):
    """Who has a name and a birth date is registered by them, whatever else does not fit."""
    old = f"0{seeds.number() % 10**11:011}"
    for n, slip in enumerate([{"blood_group": {"abo": "O"}}, {"blood_group": {"evidence": "card"}}, {"birth_year": 1991},
                              {"identifiers": [{"kind": "cmnd", "value": old}, {"kind": "cccd", "value": old}]}]):
        told = {**person(seeds, **slip), "id": str(uuid.uuid4())}
        answer = one(phone.send(phone.gave({"provisional": told})))
        assert (answer["verdict"], answer["reasons"]) == ("held", ["unreadable"]), slip
        kept = staff.get(f"{DONORS}/{told['id']}").json()
        assert (kept["name"], kept["birth_date"]) == (told["name"], told["birth_date"])
        assert len(kept["identifiers"]) == (1 if "identifiers" in slip else 0)
        assert one(phone.send(phone.item("note", {"id": told["id"]}, text="khỏe")))["state"] == "counts", slip


def test_null_is_not_there(phone, donor, staff, seeds):
    number = cccd(seeds)
    who = donor(**person(seeds, identifiers=[number]))
    assert one(phone.send(phone.gave({"id": None, "identifier": number})))["verdict"] == "applied"
    assert one(phone.send(phone.item("screening", {"id": who, "identifier": None, "provisional": None}, outcome="accepted")))["verdict"] == "applied"


# ---- the day and the round ----

@pytest.mark.parametrize("told, counted, reasons", [(TODAY, TODAY, []), (day(-1), TODAY, ["date_outside"]), ("1970-01-01", TODAY, ["date_outside"]),
                                                    (day(1), TODAY, ["date_outside"])])
def test_the_rounds_day_counts(phone, donor, daemon, told, counted, reasons):
    item = phone.gave(donor(), donated_on=told)
    answer = one(phone.send(item))
    assert (answer["verdict"], answer["reasons"]) == ("held" if reasons else "applied", reasons)
    assert daemon.value("SELECT donated_on::text FROM donation WHERE item_id = %s", item["id"]) == counted


def test_rounds_that_a_person_must_look_at(phone, donor, daemon, seeds, staff):
    other = seeds.draft(date=TODAY)
    assert one(phone.send(phone.gave(donor(), round=other["id"])))["reasons"] == ["round_foreign"]
    assert one(phone.send(phone.gave(donor(), round=str(uuid.uuid4()))))["reasons"] == ["round_unknown"]
    alone = Phone(phone.client)
    assert one(alone.send(alone.gave(donor())))["reasons"] == ["round_unknown"]
    assert one(alone.send(alone.item("deferral", donor(), code="malaria", **{"from": TODAY})))["verdict"] == "applied"
    # a closed round is no reason; a cancelled one is
    daemon.sql("UPDATE round SET status = 'closed' WHERE id = %s", phone.round)
    assert one(phone.send(phone.gave(donor())))["verdict"] == "applied"
    daemon.sql("UPDATE round SET status = 'cancelled' WHERE id = %s", phone.round)
    item = phone.gave(donor())
    assert one(phone.send(item))["reasons"] == ["round_cancelled"]
    assert rows(daemon, "donation", item) == 1


# ---- whom ----

def test_a_number_that_somebody_has(phone, donor, daemon, staff, seeds):
    number = cccd(seeds)
    told = person(seeds, identifiers=[number])
    who = donor(**told)
    assert one(phone.send(phone.gave({"identifier": number})))["verdict"] == "applied"
    same = phone.item("screening", {"provisional": told}, at="08:01", outcome="accepted")
    assert one(phone.send(same))["verdict"] == "applied" and stands(daemon, same) == who
    for slip in ({"name": "Người Khác"}, {"birth_date": "1991-04-19"}):
        other = phone.gave({"provisional": {**told, **slip}}, 0, at="08:02", outcome="stopped")
        assert one(phone.send(other))["reasons"] == ["differs"]
    assert counting(daemon, who) == [(350, False, False)] + [(0, True, False)] * 2
    assert daemon.value("SELECT count(*) FROM donor WHERE id = %s", who) == 1


def test_somebody_new(phone, daemon, staff, seeds):
    told = {**person(seeds, identifiers=[cccd(seeds)]), "id": str(uuid.uuid4())}
    first, second = phone.gave({"provisional": told}), phone.item("note", {"id": told["id"]}, text="khỏe")
    assert [i["verdict"] for i in phone.send(first, second)["items"]] == ["applied"] * 2
    kept = staff.get(f"{DONORS}/{told['id']}").json()
    assert (kept["name"], kept["birth_date"], kept["identifiers"][0]["value"]) == (told["name"], told["birth_date"], told["identifiers"][0]["value"])
    later = phone.item("screening", {"identifier": told["identifiers"][0]}, at="09:00", outcome="accepted")
    assert one(phone.send(later))["verdict"] == "applied" and stands(daemon, later) == told["id"]
    assert daemon.value("SELECT count(*) FROM audit_entry WHERE action = 'donor.register' AND subject_id = %s", told["id"]) == 1


def test_the_same_person_in_any_order(phone, daemon, staff, seeds):
    """A provisional id before the person, a number before the name: facts end up with one person."""
    for seed in range(6):
        number = cccd(seeds)
        told = {**person(seeds, identifiers=[number]), "id": str(uuid.uuid4())}
        items = [phone.item("check_in", {"provisional": told}, at="08:00"), phone.item("screening", {"id": told["id"]}, at="09:00", outcome="accepted"),
                 phone.gave({"identifier": number}, 450, at="10:00"), phone.gave({"provisional": told}, 0, at="11:00", outcome="stopped")]
        random.Random(seed).shuffle(items)
        for item in items:
            assert one(phone.send(item))["verdict"] in ("applied", "held")
        again = phone.send(*items)
        assert [(i["verdict"], i["state"], i["reasons"]) for i in again["items"]] == [("duplicate", "counts", [])] * 4, seed
        who = stands(daemon, items[0])
        assert counting(daemon, who) == [(450, False, False), (0, False, False)] and {stands(daemon, item) for item in items} == {who}, seed
        assert staff.get(f"{DONORS}/{who}").json()["name"] == told["name"]


def test_nobody_knows_who(phone, daemon, seeds):
    who = str(uuid.uuid4())
    assert one(phone.send(phone.gave({"id": who})))["reasons"] == ["donor_unknown"]
    assert one(phone.send(phone.gave({"identifier": cccd(seeds)})))["reasons"] == ["donor_unknown"]
    assert one(phone.send(phone.gave({"provisional": {"name": "Không rõ"}})))["reasons"] == ["donor_unknown", "unreadable"]
    assert counting(daemon, who) == [(350, True, False)]


def test_likely_the_same_person_holds_both(phone, daemon, staff, seeds):
    for order in (0, 1), (1, 0):
        told = person(seeds, unit="Huyện Than Uyên")
        items = [phone.gave({"provisional": told}, 250), phone.item("screening", {"provisional": dict(told)}, at="08:30", outcome="accepted")]
        for n in order:
            phone.send(items[n])
        again = phone.send(*items)["items"]
        assert [(i["state"], i["reasons"]) for i in again] == [("held", ["alike"])] * 2
        first, second = (daemon.value("SELECT donor_id FROM item WHERE id = %s", i["id"]) for i in items)
        etag = staff.etag(f"{DONORS}/{first}")
        if order[0]:
            staff.post(f"{DONORS}/{first}/merge", json={"with": str(second)}, headers={"If-Match": etag}, expect=200)
        else:
            staff.post(f"{DONORS}/{first}/distinct", json={"with": str(second)}, headers={"If-Match": etag}, expect=200)
        assert [(i["state"], i["reasons"]) for i in phone.send(*items)["items"]] == [("counts", [])] * 2
    # both in one batch: of the first nothing was known before the second
    told = person(seeds, unit="Huyện Than Uyên")
    answers = phone.send(phone.gave({"provisional": told}), phone.gave({"provisional": dict(told)}, at="08:30"))["items"]
    assert [(i["verdict"], i["state"], i["reasons"]) for i in answers] == [("applied", "held", ["alike"]), ("held", "held", ["alike"])]


def in_every_way(count):
    """Batches of items by number: one by one in every order (of many: in some); all at once; and in two, in these orders, too."""
    numbers = list(range(count))
    turned = [(*numbers[n:], *numbers[:n]) for n in numbers] + [tuple(reversed(numbers))]
    orders = list(itertools.permutations(numbers)) if count < 4 else turned
    return ([[[n] for n in order] for order in orders] + [[turned[0]], [turned[-1]]]
            + [parts for n in numbers[1:] for parts in ([numbers[:n], numbers[n:]], [numbers[n:], numbers[:n]])])


def ends(phone, daemon, make, in_order=False):
    """
    How items stand in the end, whatever the way: (state, reasons, which of them are one person). And what was told of each
    first is the same in whatever batches they came in that order.
    """
    told, firsts = [], {}
    for way in in_every_way(len(make())):
        if in_order and list(itertools.chain(*way)) != sorted(itertools.chain(*way)):
            continue
        items = make()
        for part in way:
            phone.send(*(items[n] for n in part))
        answers = phone.send(*items)["items"]
        people = [stands(daemon, item) for item in items]
        told.append((way, [(a["state"], a["reasons"]) for a in answers], [people.index(who) for who in people]))
        firsts.setdefault(tuple(itertools.chain(*way)), []).append((way, [a["first"] for a in answers]))
    assert all(end[1:] == told[0][1:] for end in told), "\n".join(map(str, told))
    for ways in firsts.values():
        assert all(first == ways[0][1] for _, first in ways), "\n".join(map(str, ways))
    return told[0][1], told[0][2]


def test_one_person_by_several_signs(phone, daemon, staff, seeds):
    """A record without a name is whoever an item tells of it, and several of them are one: in any order and parts."""
    last = {}

    def make():
        card, number, id = {"kind": "passport", "value": f"C{seeds.number():07}"}, cccd(seeds), str(uuid.uuid4())
        who = {**person(seeds), "id": id}
        last.update(who=who, numbers={card["value"], number["value"]})
        return [phone.item("check_in", {"id": id}), phone.gave({"identifier": number}, at="08:10"),
                phone.item("screening", {"provisional": {**who, "identifiers": [card]}}, at="08:05", outcome="accepted"),
                phone.item("note", {"provisional": {**who, "identifiers": [number]}}, text="khỏe")]

    told, people = ends(phone, daemon, make)
    assert told == [("counts", [])] * 4 and people == [0] * 4
    record = staff.get(f"{DONORS}/{last['who']['id']}").json()
    assert record["name"] == last["who"]["name"]
    kept = daemon.sql("SELECT count(*), count(DISTINCT digest) FROM donor_digest WHERE use = 'identifier' AND donor_id IN (SELECT d.id FROM donor AS d"
                      " LEFT JOIN donor_alias AS a ON a.donor_id = d.id WHERE coalesce(a.into_id, d.id) = %s)", record["id"])
    assert kept == [(2, 2)]


def test_the_name_is_told_twice_in_one_batch(phone, daemon, seeds):
    """Of a record without a name, and of a number of somebody without a name."""
    for first in ("id", "identifier"):
        for parts in (1, 2):
            number = cccd(seeds)
            who = {**person(seeds, identifiers=[number]), **({"id": str(uuid.uuid4())} if first == "id" else {})}
            items = [phone.item("note", {"id": who["id"]} if first == "id" else {"identifier": number}, text="đến"),
                     phone.gave({"provisional": who}), phone.item("screening", {"provisional": who}, outcome="accepted")]
            if parts == 2:
                phone.send(items[0])
            phone.send(*items[parts - 1:])
            answers = phone.send(*items)["items"]
            assert [(a["state"], a["reasons"]) for a in answers] == [("counts", [])] * 3
            assert len({stands(daemon, item) for item in items}) == 1


def test_another_name_is_seen_when_the_first_came_later(phone, daemon, seeds):
    """The number came first, without a name; who differs from who told the name is held, and in any order."""
    def make():
        number = cccd(seeds)
        return [phone.item("note", {"identifier": number}, text="đến"),
                phone.gave({"provisional": person(seeds, identifiers=[number])}),
                phone.item("screening", {"provisional": {**person(seeds), "birth_date": "1975-01-02", "identifiers": [number]}}, at="09:00", outcome="accepted")]

    told, _ = ends(phone, daemon, make)
    assert told == [("held", ["differs"])] * 3


def test_a_doubt_is_about_the_person(phone, donor, daemon, staff, seeds):
    """Check-in comes before the donation: while nobody knows who it is, nothing of theirs goes out. In any order."""
    def make():
        told = person(seeds, unit="Huyện Than Uyên")
        donor(**told)
        who = {**told, "id": str(uuid.uuid4())}
        return [phone.item("check_in", {"provisional": who}), phone.gave({"provisional": who}, at="08:10"),
                phone.gave({"id": who["id"]}, 0, at="08:20", outcome="stopped")]

    told, people = ends(phone, daemon, make)
    assert told == [("held", ["alike"])] * 3 and people == [0] * 3
    # what is known of the other from a desk is not in doubt
    known = person(seeds, unit="Huyện Than Uyên")
    other = donor(**known)
    items = [phone.gave(other), phone.item("check_in", {"provisional": {**known, "id": str(uuid.uuid4())}})]
    assert [a["state"] for a in phone.send(*items)["items"]] == ["counts", "held"]
    # and a person's answer frees all of it
    who = {**known, "id": str(uuid.uuid4())}
    phone.send(phone.item("check_in", {"provisional": who}))
    gave = phone.gave({"id": who["id"]})
    assert one(phone.send(gave))["verdict"] == "held"
    for two in daemon.sql("SELECT DISTINCT donor_id::text FROM item_doubt WHERE item_id IN (SELECT id FROM item WHERE donor_id = %s)", who["id"]):
        staff.post(f"{DONORS}/{who['id']}/distinct", json={"with": two[0]}, headers={"If-Match": staff.etag(f"{DONORS}/{who['id']}")}, expect=200)
    assert one(phone.send(gave))["state"] == "counts"


@pytest.mark.parametrize("later", [("birth_date", "unit"), ("phone", "unit"), ("identifiers",)])
def test_what_is_told_later_is_held_against_who_is_alike(later, phone, donor, daemon, seeds):
    """A short form at the desk, a long one at the bed: who is known, or came to another desk, is found in any order."""
    def make():
        told = person(seeds, unit="Huyện Than Uyên", phone=f"09{seeds.number() % 10**8:08}",
                      identifiers=[{"kind": "local_paper", "issuer": "Xã Mẫu", "value": f"GIẤY {seeds.number():07}"}])
        short = {"name": told["name"], "birth_year": 1992, "sex": "male", "id": str(uuid.uuid4())}
        longer = {**short, **{name: told[name] for name in later}}
        if "birth_date" in later:
            del longer["birth_year"]
        whole = {**told, "id": str(uuid.uuid4())}
        if make.known:
            donor(**told)
        other = [] if make.known else [phone.item("screening", {"provisional": whole}, outcome="accepted")]
        return [phone.item("check_in", {"provisional": short}), phone.gave({"provisional": longer}, at="08:20")] + other

    for make.known in (True, False):
        told, people = ends(phone, daemon, make)
        assert told == [("held", ["alike"])] * len(told) and people == [0, 0, 2][:len(people)]


def test_a_phone_joins_nobody_whom_a_desk_registered(phone, donor, daemon, staff, seeds):
    """Not even where the staff joined them to a record that a phone made: a person decides, and what they wrote stays."""
    number, told, id = cccd(seeds), person(seeds), str(uuid.uuid4())
    phone.send(phone.item("check_in", {"provisional": {**told, "id": id}}))
    known = donor(**{**person(seeds), "name": told["name"]})
    other = donor(**{**told, "identifiers": [number]})
    staff.post(f"{DONORS}/{id}/merge", json={"with": known}, expect=200)
    before = staff.get(f"{DONORS}/{id}").json()
    item = phone.gave({"provisional": {**told, "id": id, "identifiers": [number], "phone": "0912345678", "address": "Bản Hon"}})
    answer = one(phone.send(item))
    assert (answer["state"], "alike" in answer["reasons"]) == ("held", True)
    assert daemon.value("SELECT count(*) FROM donor_alias WHERE donor_id = ANY (%s::uuid[])", [id, known, other]) == 1
    assert staff.get(f"{DONORS}/{id}").json() == before
    assert staff.get(f"{DONORS}/{other}").json()["phone"] is None


def test_one_name_for_all(phone, daemon, seeds):
    """A phone that has one name for everybody: each is somebody to look at, and none of them against all others."""
    told = person(seeds, unit="Huyện Than Uyên")
    items = [phone.gave({"provisional": dict(told)}) for _ in range(40)]
    answers = phone.send(*items)["items"]
    assert [(a["state"], a["reasons"]) for a in answers] == [("held", ["alike"])] * len(items)
    most = daemon.value("SELECT max(n) FROM (SELECT count(*) AS n FROM item_doubt WHERE item_id = ANY (%s::uuid[]) GROUP BY item_id) AS t",
                        [item["id"] for item in items])
    assert most <= 20


def test_more_numbers_than_a_record_has_room_for(phone, daemon, staff, seeds):
    """The one that is left out is kept with the item, and a person looks."""
    told = {**person(seeds), "id": str(uuid.uuid4())}
    numbers = [{"kind": "passport", "value": f"C{seeds.number():07}"} for _ in range(13)]
    assert one(phone.send(phone.gave({"provisional": {**told, "identifiers": numbers[:7]}})))["state"] == "counts"
    more = phone.item("note", {"provisional": {**told, "identifiers": numbers[4:12]}}, text="giấy")
    assert one(phone.send(more))["state"] == "counts"
    last = phone.item("note", {"provisional": {**told, "identifiers": numbers[11:]}}, text="giấy")
    answer = one(phone.send(last))
    assert (answer["verdict"], answer["reasons"]) == ("held", ["unreadable"])
    assert {i["value"] for i in staff.get(f"{DONORS}/{told['id']}").json()["identifiers"]} == {n["value"] for n in numbers[:12]}
    assert one(phone.send(more))["state"] == "counts"


def test_a_name_that_differs_is_one_of_all_that_an_id_tells(phone, donor, daemon, seeds):
    """The number is somebody else's, or the name: what came by the same id is in doubt, what that person did is not."""
    def make():
        number = cccd(seeds)
        known = donor(**person(seeds, identifiers=[number]))
        who = {**person(seeds), "birth_date": "1980-02-03", "identifiers": [number], "id": str(uuid.uuid4())}
        return [phone.item("check_in", {"provisional": who}), phone.gave({"id": who["id"]}, at="08:20"), phone.gave(known, 0, at="08:30", outcome="stopped")]

    told, people = ends(phone, daemon, make)
    assert told == [("held", ["differs"])] * 2 + [("counts", [])] and people == [0] * 3


def test_whoever_has_the_name_is_rather_meant(phone, donor, daemon, seeds):
    """Two numbers: one of a person who is known, one of nobody yet. The lowest id decides nothing."""
    for _ in range(4):
        card, number = {"kind": "passport", "value": f"C{seeds.number():07}"}, cccd(seeds)
        told = person(seeds, identifiers=[number])
        nameless = phone.item("check_in", {"identifier": card})
        phone.send(nameless)
        known = donor(**told)
        both = phone.gave({"provisional": {**told, "identifiers": [number, card]}}, at="09:00")
        assert one(phone.send(both))["verdict"] == "applied"
        assert stands(daemon, both) == stands(daemon, nameless) == known
        assert len(counting(daemon, known)) == 1
    # both are known: a person decides
    one_, two = cccd(seeds), cccd(seeds)
    told = person(seeds, identifiers=[one_])
    first, _ = donor(**told), donor(**person(seeds, identifiers=[two]))
    both = phone.gave({"provisional": {**told, "identifiers": [one_, two]}}, at="09:30")
    assert one(phone.send(both))["reasons"] == ["differs"] and stands(daemon, both) == first


def test_a_number_told_later_meets_an_old_wait(phone, daemon, staff, admin, seeds):
    """The wait of an erased record is met by whoever tells the number, at once or later."""
    number = cccd(seeds)
    who = staff.post(DONORS, json=person(seeds, identifiers=[number]), expect=201).json()["id"]
    staff.post(f"{DONORS}/{who}/deferrals", json={"code": "malaria", "permanent": True}, expect=201)
    staff.post(f"{DONORS}/{who}/erasure", json={}, expect=201)
    admin.post(f"{DONORS}/{who}/erasure/approve", json={}, expect=200)
    again = {**person(seeds), "id": str(uuid.uuid4())}
    gave = phone.gave({"provisional": again})
    assert one(phone.send(gave))["verdict"] == "applied"
    phone.send(phone.item("note", {"provisional": {**again, "identifiers": [number]}}, text="số"))
    assert one(phone.send(gave))["reasons"] == ["newer_deferral"]
    assert not staff.get(f"{DONORS}/{again['id']}/eligibility").json()["eligible"]


def test_what_becomes_of_records_is_in_the_audit(phone, daemon, seeds):
    number, id = cccd(seeds), str(uuid.uuid4())
    who = {**person(seeds, identifiers=[number]), "id": id}
    items = [phone.item("note", {"id": id}, text="đến"), phone.item("note", {"identifier": number}, text="đến"), phone.gave({"provisional": who})]
    for item in items:
        phone.send(item)
    marks = daemon.sql("SELECT action, count(digest_before), count(digest_after) FROM audit_entry WHERE subject_kind = 'donor' AND subject_id IN"
                       " (SELECT donor_id::text FROM item WHERE id = ANY (%s::uuid[])) AND action <> 'donor.read' GROUP BY 1 ORDER BY 1", [i["id"] for i in items])
    assert marks == [("donor.change", 1, 1), ("donor.merged", 1, 1), ("donor.register", 0, 2)]
    document = json.loads(daemon.cli("audit", "verify", "--records", "--json", timeout=300).out)
    mine = {row[0] for row in daemon.sql("SELECT donor_id::text FROM item WHERE id = ANY (%s::uuid[])", [i["id"] for i in items])}
    assert [f for f in document["records"]["faults"] if f["subject_id"] in mine or f["subject_id"].split(":")[0] in {i["id"] for i in items}] == []


def test_two_phones_at_once_make_one_person(phone, team, running, daemon, seeds):
    """Each sees the record without a name, and each tells the name: one of them is settled anew."""
    from concurrent.futures import ThreadPoolExecutor
    for _ in range(6):
        number, id = cccd(seeds), str(uuid.uuid4())
        who = {**person(seeds, identifiers=[number]), "id": id}
        phones = [Phone(team, running) for _ in range(4)]
        phone.send(phone.item("note", {"id": id}, text="đến"), phone.item("note", {"identifier": number}, text="đến"))
        items = [one_.gave({"provisional": who}, 350 * (n == 0), at=f"08:0{n}", outcome="completed" if n == 0 else "stopped") for n, one_ in enumerate(phones)]
        with ThreadPoolExecutor(len(phones)) as pool:
            answers = list(pool.map(lambda pair: until_served(lambda: pair[0].hand_in(pair[1], expect=(200, 503))).json(), zip(phones, items)))
        assert {one(a)["verdict"] for a in answers} == {"applied"}
        assert [(a["state"], a["reasons"]) for a in phone.send(*items)["items"]] == [("counts", [])] * 4
        assert len({stands(daemon, item) for item in items}) == 1


def test_an_id_that_two_tell_at_once(phone, donor, running, daemon, staff, seeds, team):
    """One phone tells whose an id is while another makes somebody new of it: whoever comes later sees what the other said."""
    for blocked in (True, False):
        for _ in range(3):
            number, id = cccd(seeds), str(uuid.uuid4())
            told = person(seeds, identifiers=[number])
            known, desk = donor(**told), Phone(team, running)
            here = desk.item("check_in", {"provisional": {**told, "id": id}})
            gave = [phone.gave({"id": id}, at="08:20"), phone.item("screening", {"provisional": {**person(seeds), "name": told["name"], "id": id}}, at="08:30", outcome="accepted")]
            threads = [threading.Thread(target=until_served, args=[lambda who=who, items=items: who.hand_in(*items, expect=(200, 503))])
                       for who, items in ((desk, [here]), (phone, gave[:1] if blocked else gave))]
            with daemon.database() as held:
                if blocked:                     # the first has looked up whose the number is, and waits for the record of the person
                    held.execute("BEGIN")
                    held.execute("SELECT FROM donor WHERE id = %s FOR UPDATE", [known])
                threads[0].start()
                if blocked:
                    wait_until(lambda: daemon.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'WITH locked %%'")
                               or not threads[0].is_alive(), what="the first waits")
                threads[1].start()
                if blocked:
                    wait_until(lambda: daemon.value("SELECT count(*) FROM item WHERE id = %s", gave[0]["id"]), what="the other has handed in")
                    held.execute("COMMIT")
            for thread in threads:
                thread.join()
            assert [(a["state"], a["reasons"]) for a in phone.send(here, *gave)["items"]] == [("counts", [])] * 3, blocked
            assert {stands(daemon, item) for item in (here, *gave)} == {known}
            assert not staff.get(f"{DONORS}/{known}/eligibility").json()["eligible"]


def test_who_was_erased_does_not_come_back_unseen(phone, donor, daemon, staff, admin, seeds):
    """A phone still has who was erased since: one new record, and a person looks at all that it gets."""
    for of_a_phone in (True, False):
        number, id = cccd(seeds), str(uuid.uuid4())
        told = person(seeds, identifiers=[number])
        who = {**told, "id": id}
        if not of_a_phone:
            donor(**told)
        first = phone.item("check_in", {"provisional": who})
        assert one(phone.send(first))["state"] == "counts"
        old = stands(daemon, first)
        staff.post(f"{DONORS}/{old}/erasure", json={}, expect=201)
        admin.post(f"{DONORS}/{old}/erasure/approve", json={}, expect=200)
        items = [phone.gave({"provisional": who}, at="08:20"), phone.gave({"id": id}, 0, at="08:30", outcome="stopped"), phone.item("note", {"provisional": who}, text="khỏe"),
                 phone.item("screening", {"id": id}, outcome="accepted")]
        for sent in (items[:1], items[1:2], items[2:]):
            for told_again in phone.send(*sent)["items"]:
                assert (told_again["verdict"], told_again["state"], told_again["reasons"]) == ("held", "held", ["donor_erased"])
        (new,) = {stands(daemon, item) for item in items}
        assert new != old and staff.get(f"{DONORS}/{new}").json()["name"] == who["name"]
        assert {row[1] for row in counting(daemon, new)} == {True}


def test_a_record_that_does_not_open_stops_nobody_else(phone, donor, daemon):
    """What names it is for another time; the rest of the batch is there."""
    broken = donor()
    items = [phone.gave(donor()), phone.gave(broken), phone.gave(donor()), phone.item("note", donor(), text="khỏe")]
    (sealed,) = daemon.sql("SELECT sealed FROM donor WHERE id = %s", broken)[0]
    daemon.sql("UPDATE donor SET sealed = set_byte(sealed, 30, get_byte(sealed, 30) # 1) WHERE id = %s", broken)
    try:
        assert [i["verdict"] for i in phone.send(*items)["items"]] == ["applied", "retry", "applied", "applied"]
        assert one(phone.send(items[1])) | {"state": None} == {"id": items[1]["id"], "verdict": "retry", "state": None, "reasons": []}
    finally:
        daemon.sql("UPDATE donor SET sealed = %s WHERE id = %s", sealed, broken)
    assert [i["verdict"] for i in phone.send(*items)["items"]] == ["duplicate", "applied", "duplicate", "duplicate"]


def test_an_erased_record_gets_nothing_and_loses_nothing(phone, donor, daemon, staff, admin):
    who = donor()
    before = phone.gave(who)
    phone.send(before)
    staff.post(f"{DONORS}/{who}/erasure", json={}, expect=201)
    admin.post(f"{DONORS}/{who}/erasure/approve", json={}, expect=200)
    assert one(phone.send(before))["verdict"] == "duplicate"         # nobody can compare it any more
    after = phone.gave(who)
    told = one(phone.send(after))
    assert told["verdict"] == "held" and "donor_erased" in told["reasons"]
    assert daemon.value("SELECT donor_id::text FROM item WHERE id = %s", after["id"]) == after["id"]
    assert rows(daemon, "donation", after) == 1


# ---- deferrals ----

def test_a_deferral_counts_at_once(phone, donor, daemon, staff):
    who = donor()
    item = phone.item("deferral", who, code="malaria", note="sốt rét", **{"from": TODAY})
    assert one(phone.send(item))["verdict"] == "applied"
    (kept,) = staff.get(f"{DONORS}/{who}/deferrals").json()["items"]
    assert (kept["code"], kept["from"], kept["note"]) == ("malaria", TODAY, "sốt rét")
    assert not staff.get(f"{DONORS}/{who}/eligibility").json()["eligible"]
    wrong = phone.item("deferral", who, code="no_such_code")
    assert one(phone.send(wrong))["reasons"] == ["unreadable"]
    # it stops the donor until a person says that it says nothing
    assert {(d["code"], d["until"], d["ends"]) for d in staff.get(f"{DONORS}/{who}/deferrals").json()["items"]} >= {("no_such_code", None, "open")}
    decided(staff, wrong, keep=False)
    assert len(staff.get(f"{DONORS}/{who}/deferrals").json()["items"]) == 1
    # corrected on the phone: the other reason stands
    phone.send(phone.item("deferral", who, code="fever", corrects=item["id"], **{"from": TODAY}))
    assert [d["code"] for d in staff.get(f"{DONORS}/{who}/deferrals").json()["items"]] == ["fever"]


def test_a_donation_against_a_newer_deferral(team, running, donor, daemon):
    """Whichever of the two phones comes first."""
    for order in (0, 1), (1, 0):
        who, desk, bed = donor(), Phone(team, running), Phone(team, running)
        items = [(desk, desk.item("deferral", who, at="07:50", code="malaria", **{"from": TODAY})), (bed, bed.gave(who, at="08:10"))]
        for n in order:
            phone, item = items[n]
            phone.send(item)
        told = [one(phone.send(item)) for phone, item in items]
        assert [(t["state"], t["reasons"]) for t in told] == [("counts", []), ("held", ["newer_deferral"])], order
        assert counting(daemon, who) == [(350, True, False)]
    # a deferral after the donation says nothing of it
    who, bed = donor(), Phone(team, running)
    bed.send(bed.gave(who, at="08:10"), bed.item("deferral", who, at="08:20", code="malaria", **{"from": TODAY}))
    assert counting(daemon, who) == [(350, False, False)]


def test_a_wait_that_outlived_an_erased_record(phone, daemon, staff, admin, seeds):
    """It was known before, though the record that carries it on is of today."""
    number = cccd(seeds)
    who = staff.post(DONORS, json=person(seeds, identifiers=[number]), expect=201).json()["id"]
    staff.post(f"{DONORS}/{who}/deferrals", json={"code": "malaria", "permanent": True}, expect=201)
    staff.post(f"{DONORS}/{who}/erasure", json={}, expect=201)
    admin.post(f"{DONORS}/{who}/erasure/approve", json={}, expect=200)
    again = {**person(seeds, identifiers=[number]), "id": str(uuid.uuid4())}
    told = one(phone.send(phone.gave({"provisional": again})))
    assert (told["state"], told["reasons"]) == ("held", ["newer_deferral"])
    assert counting(daemon, again["id"]) == [(350, True, False)]


# ---- contents, bags, corrections ----

def test_two_contents_under_one_id(phone, donor, daemon):
    who = donor()
    first = phone.gave(who, 250, at="08:00")
    second = {**first, "captured_at": f"{TODAY}T08:05:00+07:00", "data": {**first["data"], "volume_ml": 350}}
    assert one(phone.send(second))["verdict"] == "applied"
    told = one(phone.send(first))
    assert told["verdict"] == "conflict" and told["state"] == "open"
    assert one(phone.send(second)) == {"id": first["id"], "verdict": "duplicate", "first": "applied", "state": "open", "reasons": []}
    assert counting(daemon, who) == [(250, False, True)]


def canonical(item):
    return json.dumps(item, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def test_contents_of_one_moment_are_ordered_by_what_they_say(phone, donor, staff, daemon, seeds):
    """By the hash of the content alone: not by who came first, nor by a donor's key; whoever it is about."""
    for n in range(4):
        item = phone.gave({"provisional": {**person(seeds), "id": str(uuid.uuid4())}})
        contents = [{**item, "data": {**item["data"], "volume_ml": 200 + k, "donor": item["data"]["donor"] if k % 3 else {"id": donor()}}} for k in range(7)]
        wanted = [c["data"]["volume_ml"] for c in sorted(contents, key=lambda c: hashlib.blake2b(canonical(c), digest_size=32).digest())]
        random.Random(n).shuffle(contents)
        while contents:
            size = n + 1
            phone.send(*contents[:size])
            contents = contents[size:]
        told = staff.get(f"{HELD}/{item['id']}").json()["items"]
        assert [i["content"]["data"]["volume_ml"] for i in told] == wanted
        assert daemon.sql("SELECT volume_ml, open FROM donation_counting WHERE item_id = %s", item["id"]) == [(wanted[0], True)]


def test_one_bag_in_two_items(phone, donor, daemon):
    one_, two, bag = donor(), donor(), f"LC-{uuid.uuid4()}"
    late, early = phone.gave(one_, 250, at="09:00", bag_code=bag), phone.gave(two, 350, at="08:00", bag_code=bag.lower())
    assert one(phone.send(late))["verdict"] == "applied"
    assert one(phone.send(early))["verdict"] == "conflict"
    assert counting(daemon, one_, two) == [(350, False, True)]
    other = f"LC-{uuid.uuid4()}"
    answers = phone.send(phone.gave(donor(), at="10:00", bag_code=other), phone.gave(donor(), at="10:05", bag_code=other))
    assert [i["verdict"] for i in answers["items"]] == ["applied", "conflict"]


def test_a_bag_of_a_desk_is_no_items(phone, donor, staff, daemon):
    """A donation without an item has no part in it."""
    who, bag = donor(), f"LC-{uuid.uuid4()}"
    wrong = phone.gave(donor(), at="07:00", bag_code=bag)
    phone.send(wrong)
    decided(staff, wrong, keep=False)
    daemon.sql("INSERT INTO donation (id, donor_id, component, volume_ml, donated_on, evidence, source, bag_code) VALUES (%s, %s, 'whole_blood', 350,"
               " '2020-01-01', 'declared', 'test', %s)", wrong["id"], who, bag.upper())
    try:
        assert one(phone.send(phone.gave(who, bag_code=bag))) | {"id": None} == {"id": None, "verdict": "applied", "state": "counts", "reasons": []}
    finally:
        daemon.sql("DELETE FROM donation WHERE id = %s", wrong["id"])


def test_a_correction(phone, donor, daemon):
    who = donor()
    first = phone.gave(who, 250)
    second = phone.gave(who, 350, corrects=first["id"])
    assert one(phone.send(second))["reasons"] == ["correction_unmatched"]
    assert one(phone.send(first))["state"] == "corrected"
    assert one(phone.send(second))["state"] == "counts"
    assert counting(daemon, who) == [(350, False, False)]
    third = phone.gave(who, corrects=second["id"], outcome="deferred")
    assert one(phone.send(third))["verdict"] == "applied"
    assert counting(daemon, who) == []


def test_a_correction_of_the_same_bag(phone, donor, daemon):
    """In any order, in one batch or in several: it is one bag of one fact."""
    for n, order in enumerate(itertools.permutations(range(3))):
        who, bag = donor(), f"LC-{uuid.uuid4()}"
        first = phone.gave(who, 350, bag_code=bag)
        second = phone.gave(who, 250, bag_code=bag, corrects=first["id"])
        third = phone.gave(who, 200, bag_code=bag, corrects=second["id"])
        items = [(first, second, third)[i] for i in order]
        answers = phone.send(*items)["items"] if n % 2 else [one(phone.send(item)) for item in items]
        if order == (0, 1, 2):
            assert {i["verdict"] for i in answers} == {"applied"}
        assert [(i["state"], i["reasons"]) for i in phone.send(first, second, third)["items"]] == [
            ("corrected", []), ("corrected", []), ("counts", [])], order
        assert counting(daemon, who) == [(200, False, False)]
    # but not of another phone's fact
    other = Phone(phone.client, phone.round)
    assert one(other.send(other.gave(who, 450, bag_code=bag, corrects=third["id"])))["verdict"] == "conflict"


def test_the_first_answer_knows_what_came_with_it(phone, daemon, donor, seeds):
    """What is told of an item first does not hang on how a phone cuts its day into batches."""
    def stopped(who, at):
        return phone.gave(who, 0, at=at, outcome="stopped")

    def corrections():
        who, bag = donor(), f"LC-{uuid.uuid4()}"
        first = phone.gave(who, 350, bag_code=bag)
        second = phone.gave(who, 250, bag_code=bag, corrects=first["id"])
        return [first, second, phone.gave(who, 200, bag_code=bag, corrects=second["id"])]

    def waits():
        who = donor()
        wrong = phone.item("deferral", who, at="07:50", code="malaria", **{"from": TODAY})
        return [wrong, stopped(who, at="08:10"), phone.item("deferral", who, at="08:20", code="fever", corrects=wrong["id"], **{"from": TODAY}),
                phone.gave(who, at="08:30")]

    def bags():
        one_, two, bag = donor(), donor(), f"LC-{uuid.uuid4()}"
        first = phone.gave(one_, at="08:10", bag_code=bag)
        return [first, phone.gave(one_, at="08:20", bag_code=f"LC-{uuid.uuid4()}", corrects=first["id"]), phone.gave(two, at="08:30", bag_code=bag)]

    def contents():
        one_, two = donor(), donor()
        wait = phone.item("deferral", one_, at="07:50", code="malaria", **{"from": TODAY})
        other = {**wait, "captured_at": f"{TODAY}T07:40:00+07:00", "data": {**wait["data"], "donor": {"id": two}}}
        return [wait, other, phone.gave(one_, at="08:10"), phone.gave(two, at="08:20")]

    def people(wait=False):
        known, number = person(seeds, unit="Huyện Than Uyên"), cccd(seeds)
        desk = donor(**{**known, "identifiers": [number]})
        if wait:
            phone.send(phone.item("deferral", desk, at="07:00", code="malaria", **{"from": TODAY}))
        who = {**known, "id": str(uuid.uuid4())}
        return [phone.gave({"id": who["id"]}, at="08:00"), stopped({"provisional": who}, at="08:10"), stopped({"id": who["id"]}, at="08:20"),
                stopped({"provisional": {**who, "identifiers": [number]}}, at="08:30")]

    for make, states in ((corrections, ["corrected", "corrected", "counts"]), (bags, ["corrected", "counts", "counts"]), (contents, ["open"] * 2 + ["counts", "held"]),
                         (waits, ["corrected", "counts", "counts", "held"]), (people, ["counts"] * 4)):
        told, _ = ends(phone, daemon, make, in_order=True)
        assert [state for state, _ in told] == states, make.__name__
    assert [i["verdict"] for i in phone.send(*corrections())["items"]] == ["applied"] * 3
    assert [i["verdict"] for i in phone.send(*bags())["items"]] == ["applied"] * 3
    first, *rest = corrections()
    phone.send(first)
    assert [i["verdict"] for i in phone.send(*rest)["items"]] == ["applied"] * 2
    assert [i["verdict"] for i in phone.send(*waits())["items"]] == ["applied", "held", "applied", "held"]
    assert [i["verdict"] for i in phone.send(*people())["items"]] == ["held"] * 3 + ["applied"]
    last = people(wait=True)[-1]
    assert one(phone.send(last))["verdict"] == "held"
    answers = phone.send(*people(wait=True))["items"]
    assert [(i["verdict"], i["reasons"]) for i in answers] == [("held", ["newer_deferral"])] * 4


def test_the_earlier_one_by_less_than_a_second(phone, donor, daemon):
    for order in (0, 1), (1, 0):
        who = donor()
        first = {**phone.gave(who, 250), "captured_at": f"{TODAY}T08:00:00.100+07:00"}
        items = [first, {**first, "captured_at": f"{TODAY}T08:00:00.500+07:00", "data": {**first["data"], "volume_ml": 350}}]
        for n in order:
            phone.send(items[n])
        assert counting(daemon, who) == [(250, False, True)], order
        who = donor()
        phone.send(phone.gave(who) | {"captured_at": f"{TODAY}T08:10:00.900+07:00"},
                   phone.item("deferral", who, code="malaria", **{"from": TODAY}) | {"captured_at": f"{TODAY}T08:10:00.200+07:00"})
        assert counting(daemon, who) == [(350, True, False)]


# ---- phones ----

DEVICES = "/api/v1/devices"


@pytest.fixture
def own_team(daemon, staff):
    daemon.token("team")
    return next(t["id"] for t in staff.items("/api/v1/teams", limit=500) if t["code"] == daemon.own_team())


def enrolled(api, staff, team, seeds):
    """(device, client of the phone, its code and install)"""
    made = staff.post(DEVICES, json={"name": f"Máy {seeds.number()}", "team": team}, expect=201).json()
    assert made["qr"] == f"GH-DEVICE:1:{made['code']}" and made["device"]["enrolled_at"] is None
    body = {"code": made["code"], "install": str(uuid.uuid4())}
    answer = api.post(f"{DEVICES}/enrol", json=body, expect=201).json()
    return answer["device"], api.with_token(answer["token"]), body


def test_who_hands_in_at_once_is_told_of_its_own(api, staff, own_team, running, seeds, daemon, donor):
    """Single items that wait at the same moment are written together: each keeps its phone, who sent it, and its receipt."""
    phones, known, sent = [], {donor() for _ in range(12)}, {}
    for n in range(6):
        device, client, _ = enrolled(api, staff, own_team, seeds)
        phones.append((device["id"], Phone(client, running), n == 5))
    staff.post(f"{DEVICES}/{phones[5][0]}/revoke", json={}, expect=200)
    free = sorted(known)
    work = {one_id: [phone.gave(free.pop() if n % 2 else str(uuid.uuid4()), bag_code=f"LC-{uuid.uuid4()}") for n in range(4)]
            for one_id, phone, _ in phones}

    def hand_in(device, phone):
        sent[device] = [until_served(lambda item=item: phone.hand_in(item, expect=(200, 503))).json() for item in work[device]]
    threads = [threading.Thread(target=hand_in, args=(device, phone)) for device, phone, _ in phones]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    actors = set()
    for device, phone, revoked in phones:
        for n, (item, receipt) in enumerate(zip(work[device], sent[device], strict=True)):
            told = one(receipt)
            assert told["id"] == item["id"] and ("device_revoked" in told["reasons"]) == revoked and told["verdict"] == (
                "applied" if n % 2 and not revoked else "held"), told
            assert [i["install"] for i in receipt["installs"]] == [phone.install]
            assert daemon.value("SELECT device_id::text FROM item WHERE id = %s", item["id"]) == device
        who = daemon.sql("SELECT DISTINCT actor_id FROM audit_entry WHERE (action = 'item.add' AND split_part(subject_id, ':', 1) = ANY (%s))"
                         " OR (action = 'donor.register' AND subject_id = ANY (%s))", [item["id"] for item in work[device]],
                         [item["data"]["donor"]["id"] for item in work[device] if item["data"]["donor"]["id"] not in known])
        assert len(who) == 1
        actors.add(who[0][0])
    assert len(actors) == len(phones)


def test_a_phone_is_enrolled_once(api, staff, own_team, seeds, daemon):
    made = staff.post(DEVICES, json={"name": f"Máy {seeds.number()}", "team": own_team}, headers={"Idempotency-Key": "phone-1"}, expect=201).json()
    again = staff.post(DEVICES, json={"name": made["device"]["name"], "team": own_team}, headers={"Idempotency-Key": "phone-1"}, expect=201).json()
    assert again["device"]["id"] == made["device"]["id"] and again["code"] is None
    problem(staff.post(DEVICES, json={"name": made["device"]["name"], "team": own_team}), "already-exists", 409)
    problem(staff.post(DEVICES, json={"name": "Máy lạ", "team": str(uuid.uuid4())}), "invalid-field", 422)
    body = {"code": made["code"], "install": str(uuid.uuid4())}
    tokens = {api.post(f"{DEVICES}/enrol", json=body, expect=201).json()["token"] for _ in range(3)}      # the answer was lost
    assert len(tokens) == 1
    problem(api.post(f"{DEVICES}/enrol", json={**body, "install": str(uuid.uuid4())}), "not-found", 404)   # another phone saw the code
    problem(api.post(f"{DEVICES}/enrol", json={**body, "code": "ghd_" + "A" * 22}), "not-found", 404)
    daemon.sql("UPDATE access_token SET last_used_at = now() WHERE device_id = %s", made["device"]["id"])
    problem(api.post(f"{DEVICES}/enrol", json=body), "not-found", 404)
    late = staff.post(DEVICES, json={"name": f"Máy {seeds.number()}", "team": own_team}, expect=201).json()
    daemon.sql("UPDATE device SET code_until = now() WHERE id = %s", late["device"]["id"])
    problem(api.post(f"{DEVICES}/enrol", json={"code": late["code"], "install": body["install"]}), "not-found", 404)
    kept = str(daemon.sql("SELECT d::text FROM device AS d")) + str(daemon.sql("SELECT t::text FROM access_token AS t"))
    assert made["code"] not in kept and tokens.pop() not in kept
    (row,) = [d for d in staff.items(DEVICES) if d["id"] == made["device"]["id"]]
    assert row["install"] == body["install"] and row["enrolled_at"] and row["last_seen_at"] and row["revoked_at"] is None


def test_a_revoked_phone_hands_in_and_nothing_else(api, staff, own_team, seeds, donor, running, daemon):
    device, client, _ = enrolled(api, staff, own_team, seeds)
    phone = Phone(client, running)
    before, after, who = phone.gave(donor()), phone.gave(donor()), donor()
    assert one(phone.send(before))["verdict"] == "applied"
    assert daemon.value("SELECT device_id::text FROM item WHERE id = %s", before["id"]) == device["id"]
    client.get(f"{DONORS}/{who}/eligibility", expect=200)
    for _ in range(2):
        assert staff.post(f"{DEVICES}/{device['id']}/revoke", json={}, expect=200).json()["revoked_at"]
    wait_until(lambda: client.get(f"{DONORS}/{who}/eligibility", expect=None).status_code == 403, what="the revocation")
    problem(client.get(f"{DONORS}/{who}/eligibility", expect=403), "device-revoked")
    receipt = phone.send(before, after)
    assert receipt["device_revoked"] and [i["verdict"] for i in receipt["items"]] == ["duplicate", "held"]
    assert receipt["items"][1]["reasons"] == ["device_revoked"]
    assert daemon.value("SELECT count(*) FROM audit_entry WHERE action = 'device.revoke' AND subject_id = %s", device["id"]) == 1
    problem(staff.post(f"{DEVICES}/{uuid.uuid4()}/revoke", json={}), "not-found", 404)


def test_a_revoked_phone_takes_nothing_away(api, staff, own_team, seeds, donor, running, daemon):
    """What it sends is kept, but in the place of nothing, until a person says that it is right."""
    device, client, _ = enrolled(api, staff, own_team, seeds)
    phone, who, bag = Phone(client, running), donor(), f"LC-{uuid.uuid4()}"
    items = [phone.gave(who, 250, at="08:10"), phone.gave(who, 300, at="08:20"), phone.gave(who, 350, at="08:30", bag_code=bag)]
    phone.send(*items)
    staff.post(f"{DEVICES}/{device['id']}/revoke", json={}, expect=200)
    cancels = phone.item("donation", who, at="09:00", corrects=items[0]["id"], outcome="deferred")
    other = {**items[1], "captured_at": f"{TODAY}T07:00:00+07:00", "data": {**items[1]["data"], "volume_ml": 450}}
    taken = phone.gave(donor(), 400, at="07:00", bag_code=bag)
    wait_until(lambda: client.get(f"{DONORS}/{who}/eligibility", expect=None).status_code == 403, what="the revocation")
    assert {i["verdict"] for i in phone.send(cancels, other, taken)["items"]} <= {"held", "conflict"}
    assert [row[0] for row in counting(daemon, who)] == [250, 300, 350]
    decided(staff, cancels, keep=True)
    assert [row[0] for row in counting(daemon, who)] == [300, 350]


@pytest.fixture
def lost(api, staff, own_team, running, seeds, donor):
    """A phone whose token was revoked."""
    device, client, _ = enrolled(api, staff, own_team, seeds)
    who = donor()
    staff.post(f"{DEVICES}/{device['id']}/revoke", json={}, expect=200)
    wait_until(lambda: client.get(f"{DONORS}/{who}/eligibility", expect=None).status_code == 403, what="the revocation")
    return Phone(client, running)


def test_a_revoked_phone_says_of_nothing_whose_it_is(lost, phone, donor, daemon, staff, seeds):
    """Whoever has it knows ids, names and numbers that other phones send."""
    number, id = cccd(seeds), str(uuid.uuid4())
    known = person(seeds, identifiers=[number])
    who = donor(**known)
    lost.send(lost.item("note", {"provisional": {**known, "id": id}}, text="ai"))
    gave = phone.gave({"id": id})
    assert one(phone.send(gave))["reasons"] == ["donor_unknown"] and counting(daemon, who) == []
    # nor gives it a name to what nobody named
    thief, right = {**person(seeds, phone="0912345678"), "id": str(uuid.uuid4())}, person(seeds)
    note = lost.item("note", {"provisional": thief}, text="ai")
    assert set(one(lost.send(note))["reasons"]) == {"device_revoked", "donor_unknown"}
    assert staff.get(f"{DONORS}/{thief['id']}").json()["name"] is None
    gave = phone.gave({"id": thief["id"]})
    assert one(phone.send(gave))["reasons"] == ["donor_unknown"]
    assert one(phone.send(phone.item("check_in", {"provisional": {**right, "id": thief["id"]}})))["state"] == "counts"
    assert one(phone.send(gave))["state"] == "counts"
    assert staff.get(f"{DONORS}/{thief['id']}").json()["name"] == right["name"]
    assert "device_revoked" in one(lost.send(note))["reasons"]


def test_a_revoked_phone_puts_nothing_in_doubt(lost, phone, donor, daemon, staff, seeds):
    told = {**person(seeds), "id": str(uuid.uuid4())}
    items = [phone.item("check_in", {"provisional": told}), phone.gave({"id": told["id"]})]
    phone.send(*items)
    note = lost.item("note", {"provisional": {**person(seeds), "birth_date": "1971-02-03", "id": told["id"]}}, text="ai")
    assert one(lost.send(note))["reasons"] == ["device_revoked", "differs"]
    later = phone.item("screening", {"provisional": told}, at="09:00", outcome="accepted")
    assert one(phone.send(later))["verdict"] == "applied"
    assert [(a["state"], a["reasons"]) for a in phone.send(*items, later)["items"]] == [("counts", [])] * 3


# ---- what a person must look at ----

def decide(staff, item, content_hash, verb="decide", expect=200, etag=None, **body):
    etag = etag or staff.etag(f"{HELD}/{item}")
    return staff.post(f"{HELD}/{item}/{verb}", json={"content_hash": content_hash, **body}, headers={"If-Match": etag}, expect=expect)


def test_a_person_decides(phone, donor, staff, daemon):
    who = donor()
    item = phone.gave(who, donated_on=day(-1))
    phone.send(item, phone.item("note", who, text="xong"))
    (row,) = staff.items(HELD, round=phone.round)
    assert (row["id"], row["donor"], row["state"], row["reasons"], row["decision"]) == (item["id"], who, "held", ["date_outside"], None)
    (opened,) = staff.get(f"{HELD}/{item['id']}").json()["items"]
    assert opened["content"] == item
    assert daemon.value("SELECT count(*) FROM audit_entry WHERE action = 'item.read' AND subject_kind = 'donor' AND subject_id = %s", who) == 1
    for keep, state, left in ((True, "counts", []), (False, "dropped", []), (True, "counts", [])):
        etag = staff.etag(f"{HELD}/{item['id']}")
        for _ in range(2):       # the answer was lost: the same again, with the ETag from before
            (told,) = decide(staff, item["id"], row["content_hash"], keep=keep, etag=etag).json()["items"]
            assert (told["state"], told["decision"]) == (state, "keep" if keep else "drop")
        assert staff.items(HELD, round=phone.round) == left
        assert bool(counting(daemon, who)) == keep
        assert staff.get(f"{DONORS}/{who}/eligibility").json()["eligible"] != keep
    assert daemon.value("SELECT count(*) FROM item_decision WHERE item_id = %s", item["id"]) == 3
    problem(decide(staff, item["id"], "0" * 64, keep=True, expect=None), "not-found", 404)
    problem(staff.post(f"{HELD}/{item['id']}/decide", json={"content_hash": row["content_hash"], "keep": True}), "precondition-required", 428)
    marks = daemon.sql("SELECT action, count(*), count(digest_after) FROM audit_entry WHERE subject_kind IN ('item', 'item_decision')"
                       " AND subject_id LIKE %s AND action IN ('item.keep', 'item.drop') GROUP BY 1, digest_after IS NULL ORDER BY 1, 3", item["id"] + ":%")
    assert marks == [("item.drop", 1, 0), ("item.drop", 1, 1), ("item.keep", 2, 0), ("item.keep", 2, 2)]


def test_two_people_decide_at_once(phone, donor, staff, admin, daemon):
    """Of two who saw the same, one decides; what came meanwhile is looked at, too."""
    item = phone.gave(donor(), donated_on=day(-1))
    phone.send(item)
    (row,) = staff.items(HELD, round=phone.round)
    etag = staff.etag(f"{HELD}/{item['id']}")
    decide(staff, item["id"], row["content_hash"], keep=True, etag=etag)
    problem(decide(admin, item["id"], row["content_hash"], keep=False, etag=etag, expect=None), "stale", 412)
    decide(admin, item["id"], row["content_hash"], keep=False)
    etag = staff.etag(f"{HELD}/{item['id']}")
    phone.send({**item, "data": {**item["data"], "volume_ml": 450}})
    problem(decide(staff, item["id"], row["content_hash"], keep=True, etag=etag, expect=None), "stale", 412)
    # in the same moment
    etag, verdicts = staff.etag(f"{HELD}/{item['id']}"), []
    threads = [threading.Thread(target=lambda keep=keep: verdicts.append(until_served(lambda: decide(
        staff, item["id"], row["content_hash"], keep=keep, etag=etag, expect=None)).status_code)) for keep in (True, False) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(verdicts) == 8 and set(verdicts) <= {200, 412} and 200 in verdicts
    # dropped it was: keep is new once at most, and drop was said before or is stale
    assert daemon.value("SELECT count(*) FROM item_decision WHERE item_id = %s AND verb = 'keep'", item["id"]) <= 2


def test_which_content_counts_is_chosen(phone, donor, staff, daemon):
    who, other, bag = donor(), donor(), f"LC-{uuid.uuid4()}"
    item = phone.gave(who, 250, bag_code=bag)
    again = {**item, "data": {**item["data"], "volume_ml": 350}}
    twin = phone.gave(other, 450, at="09:00", bag_code=bag)
    phone.send(item, again, twin)
    told = staff.get(f"{HELD}/{item['id']}").json()["items"]
    assert {(i["id"], i["content"]["data"]["volume_ml"]) for i in told} == {(item["id"], 250), (item["id"], 350), (twin["id"], 450)}
    assert {i["state"] for i in told} == {"open"}
    (wanted,) = [i for i in told if i["content"]["data"]["volume_ml"] == 350]
    etag = staff.etag(f"{HELD}/{item['id']}")
    for _ in range(2):
        answer = decide(staff, item["id"], wanted["content_hash"], "choose", etag=etag)
        assert {(i["content"]["data"]["volume_ml"], i["state"], i["decision"]) for i in answer.json()["items"]} == {
            (250, "dropped", "drop"), (350, "counts", "keep"), (450, "dropped", "drop")}
    assert counting(daemon, who, other) == [(350, False, False)]
    assert daemon.value("SELECT count(*) FROM item_decision WHERE item_id IN (%s, %s)", item["id"], twin["id"]) == 3
    (twin_hash,) = [i["content_hash"] for i in answer.json()["items"] if i["id"] == twin["id"]]
    decide(staff, twin["id"], twin_hash, "choose")
    assert counting(daemon, who, other) == [(450, False, False)]
    problem(staff.get(f"{HELD}/{uuid.uuid4()}", expect=404), "not-found")


def test_a_decision_answers_what_was_there(phone, team, running, donor, staff, daemon):
    """What is found out after it is something to look at again."""
    who, desk = donor(), Phone(team, running)
    gave = phone.gave(who, donated_on=day(-1), at="08:10")
    phone.send(gave)
    decided(staff, gave, keep=True)
    assert one(phone.send(gave))["state"] == "counts"
    etag = staff.etag(f"{HELD}/{gave['id']}")
    desk.send(desk.item("deferral", who, at="07:50", code="malaria", **{"from": TODAY}))
    assert one(phone.send(gave))["reasons"] == ["newer_deferral"] and counting(daemon, who) == [(350, True, False)]
    (found,) = staff.get(f"{HELD}/{gave['id']}").json()["items"]
    problem(decide(staff, gave["id"], found["content_hash"], keep=True, etag=etag, expect=None), "stale", 412)     # from before it was there
    decided(staff, gave, keep=True)
    assert one(phone.send(gave))["state"] == "counts"
    assert daemon.sql("SELECT verb, answers FROM item_decision WHERE item_id = %s ORDER BY version", gave["id"]) == [
        ("keep", ["date_outside"]), ("keep", ["date_outside", "newer_deferral"])]


def test_a_decision_answers_what_its_person_saw(phone, team, running, donor, staff, daemon, seeds):
    """One reason went while another came: as many as before."""
    told, desk = person(seeds, unit="Huyện Than Uyên"), Phone(team, running)
    known, who = donor(**told), str(uuid.uuid4())
    desk.send(desk.item("deferral", known, at="07:50", code="malaria", **{"from": TODAY}))
    gave = phone.gave({"id": who}, at="08:10")
    phone.send(phone.item("check_in", {"provisional": {**told, "id": who}}), gave)
    assert one(phone.send(gave))["reasons"] == ["alike"]
    (found,), etag = staff.get(f"{HELD}/{gave['id']}").json()["items"], staff.etag(f"{HELD}/{gave['id']}")
    staff.post(f"{DONORS}/{known}/merge", json={"with": who}, headers={"If-Match": staff.etag(f"{DONORS}/{known}")}, expect=200)
    assert one(phone.send(gave))["reasons"] == ["newer_deferral"]
    problem(decide(staff, gave["id"], found["content_hash"], keep=True, etag=etag, expect=None), "stale", 412)
    decided(staff, gave, keep=True)
    assert one(phone.send(gave))["state"] == "counts"
    assert daemon.sql("SELECT answers FROM item_decision WHERE item_id = %s", gave["id"]) == [(["newer_deferral"],)]


def test_several_contents_are_listed_page_by_page(phone, donor, staff):
    items = []
    for n in range(3):
        item = phone.gave(donor(), 250, at=f"08:0{n}")
        items += [item, {**item, "data": {**item["data"], "volume_ml": 350}}]
    phone.send(*items)
    rows = staff.items(HELD, round=phone.round, limit=1)
    assert len(rows) == 6 and {r["state"] for r in rows} == {"open"} and len({(r["id"], r["content_hash"]) for r in rows}) == 6
    for row in rows:
        (one_, two) = staff.get(f"{HELD}/{row['id']}").json()["items"]
        assert {one_["content"]["data"]["volume_ml"], two["content"]["data"]["volume_ml"]} == {250, 350}
    problem(staff.get(f"{HELD}?cursor=abc", expect=None), "invalid-query")


# ---- in whatever order, how often, split how, from which of two phones ----

def ledger_of_items(daemon, number_of):
    rows = daemon.sql("SELECT n.item_id::text, coalesce(a.into_id, n.donor_id)::text, n.volume_ml, n.held, n.open FROM donation_counting AS n"
                      " LEFT JOIN donor_alias AS a ON a.donor_id = n.donor_id WHERE n.item_id = ANY (%s::uuid[])", list(number_of))
    people, told = {}, sorted((number_of[item], ml, held, open_, who) for item, who, ml, held, open_ in rows)
    return [(number, ml, held, open_, people.setdefault(who, len(people))) for number, ml, held, open_, who in told]


@pytest.mark.parametrize("seed", map(int, os.environ.get("LEDGER_SEEDS", "1 2").split()))
def test_the_ledger_does_not_depend_on_the_way(seed, team, daemon, seeds, donor, staff, running):
    """
    Each of several ways to hand in the same facts, drawn at random, ends with the same ledger; and in one order, whatever the
    batches, each is answered as if it came alone. More: LEDGER_SEEDS="3 4 ...".
    """
    chance = random.Random(seed)
    ends, firsts = [], []
    script = [(kind, chance.randrange(3), chance.choice([200, 250, 350, 450]), chance.randrange(4)) for kind in
              chance.choices(["known", "number", "new", "later", "bag", "content", "correction", "deferral", "note"], k=24)]
    for way in range(3):
        draw, sizes = random.Random(f"{seed} {max(way, 1)}"), random.Random(f"{seed} {way}")
        daemon.sql("UPDATE round SET from_day = %s, to_day = %s WHERE id = %s", TODAY, TODAY, running)
        phones = [Phone(team, running), Phone(team, running)]
        people = [donor() for _ in range(3)]
        news = [{**person(seeds, identifiers=[cccd(seeds)]), "id": str(uuid.uuid4())} for _ in range(3)]
        bags = [f"B-{uuid.uuid4()}" for _ in range(4)]
        items, number_of, last = [], {}, {}
        for n, (kind, who, ml, more) in enumerate(script):
            phone, at = phones[n % 2], f"08:{n:02}"
            if kind == "correction" and (n % 2) in last:
                made = phone.gave(people[who], ml, at=at, corrects=last[n % 2])
            elif kind == "content" and items:
                made = {**items[-1], "captured_at": f"{TODAY}T09:{n:02}:00+07:00"}
            elif kind == "deferral":
                made = phone.item("deferral", people[who], at=at, code="malaria", **{"from": TODAY})
            elif kind == "note":
                made = phone.item("note", people[who], at=at, text="ghi")
            else:
                whom = {"new": {"provisional": news[who]}, "later": {"id": news[who]["id"]},
                        "number": {"identifier": news[who]["identifiers"][0]}}.get(kind, people[who])
                made = phone.gave(whom, ml, at=at, **({"bag_code": bags[more]} if kind == "bag" else {}))
                last[n % 2] = made["id"]
            items.append(made)
            number_of.setdefault(made["id"], n)
        # every fact at least once, some often, in any order and parts
        sent = items + draw.choices(items, k=12)
        draw.shuffle(sent)
        while sent:
            size = sizes.randint(1, 9) if way else 1
            answers = phones[0].send(*sent[:size])["items"]
            if size == 1 and answers[0]["verdict"] in ("applied", "held"):
                assert (answers[0]["state"] == "held") == (answers[0]["verdict"] == "held") or answers[0]["state"] in ("open", "corrected"), answers
            sent = sent[size:]
        final = phones[1].send(*items)
        assert {i["verdict"] for i in final["items"]} == {"duplicate"}
        assert all(not install["missing"] for install in final["installs"])
        states = [(i["state"], i["reasons"]) for i in final["items"]]
        ends.append((states, ledger_of_items(daemon, number_of)))
        firsts.append([i["first"] for i in final["items"]])
    assert ends[0] == ends[1] == ends[2]
    assert firsts[0] == firsts[1]
