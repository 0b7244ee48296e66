"""What donors of a round are owed and were handed, and what somebody should look at."""
import concurrent.futures
import uuid

import pytest

from harness.client import field_codes, problem, until_served
from harness.donations import given
from harness.seeds import TODAY, day
from test_access import unit_id

DONORS = "/api/v1/donors"
GIFT = {"kind": "gift", "value_vnd": 150000}


@pytest.fixture
def donor(staff):
    return lambda **more: staff.post(DONORS, json={"name": "Lò Văn Quà", "birth_year": 1990, **more}, expect=201).json()


@pytest.fixture
def round_(seeds):
    """A round of today."""
    return seeds.running()["id"]


def book(client, round):
    return client.get(f"/api/v1/rounds/{round}/gifts").json()


def codes(document):
    return sorted((e["code"], e["donor_number"]) for e in document["exceptions"])


def hand(client, round, donor, expect=201, headers=None, **more):
    body = {"donor": donor, **GIFT, **more}
    return client.post(f"/api/v1/rounds/{round}/gifts", json=body, expect=expect, headers=headers or {})


def test_what_is_owed_and_what_was_handed(daemon, staff, round_, donor):
    one, two, idle = donor(), donor(), donor()
    given(daemon, one["id"], TODAY, round_, 350)
    given(daemon, two["id"], TODAY, round_, 250)
    before = book(staff, round_)
    assert {(d["donor_number"], d["owed_vnd"], d["law"]) for d in before["donations"]} == \
        {(one["donor_number"], 150000, "15/2023/TT-BYT"), (two["donor_number"], 100000, "15/2023/TT-BYT")}
    assert codes(before) == sorted([("nothing_handed", one["donor_number"]), ("nothing_handed", two["donor_number"])])
    made = hand(staff, round_, one["donor_number"]).json()
    assert made["donor"] == one["id"] and made["handed_on"] == TODAY and made["corrects"] is None
    less = hand(staff, round_, two["id"], value_vnd=99999).json()
    hand(staff, round_, idle["id"], kind="food", value_vnd=30000)
    assert codes(book(staff, round_)) == sorted([("less_than_owed", two["donor_number"]), ("no_donation_that_counts", idle["donor_number"])])
    # a correction takes the place of the row; 0 says that nothing was handed over
    fixed = hand(staff, round_, two["id"], value_vnd=100000, corrects=less["id"]).json()
    assert fixed["corrects"] == less["id"]
    problem(hand(staff, round_, two["id"], expect=422, corrects=less["id"]), "invalid-field")
    assert codes(book(staff, round_)) == [("no_donation_that_counts", idle["donor_number"])]
    hand(staff, round_, two["id"], value_vnd=0, corrects=fixed["id"])
    assert codes(book(staff, round_)) == sorted([("no_donation_that_counts", idle["donor_number"]), ("nothing_handed", two["donor_number"])])
    assert daemon.value("SELECT count(*) FROM gift WHERE round_id = %s", round_) == 5


def test_twice_and_for_one_that_waits(daemon, staff, round_, donor):
    twice, waits = donor(), donor()
    given(daemon, twice["id"], TODAY, round_)
    given(daemon, waits["id"], TODAY, round_, held=["date_outside"])
    for who in (twice, twice, waits):
        hand(staff, round_, who["id"])
    told = book(staff, round_)
    assert codes(told) == sorted([("handed_twice", twice["donor_number"]), ("donation_waits", waits["donor_number"])])
    assert {d["owed_vnd"] for d in told["donations"] if d["waits"]} == {0}


def test_records_that_are_merged_are_one(daemon, staff, round_, donor):
    one, two = donor(), donor()
    given(daemon, one["id"], TODAY, round_)
    hand(staff, round_, two["id"])
    assert len(codes(book(staff, round_))) == 2
    staff.post(f"{DONORS}/{one['id']}/merge", json={"with": two["id"]}, expect=200)
    told = book(staff, round_)
    assert codes(told) == [] and {g["donor"] for g in told["gifts"]} == {one["id"]}


def test_food_and_travel_on_average(daemon, staff, round_, donor):
    people = [donor() for _ in range(2)]
    for who in people:
        given(daemon, who["id"], TODAY, round_)
        hand(staff, round_, who["id"])
    first = hand(staff, round_, people[0]["id"], kind="food", value_vnd=60000).json()
    hand(staff, round_, people[0]["id"], kind="travel", value_vnd=100000)
    assert codes(book(staff, round_)) == []
    hand(staff, round_, people[0]["id"], kind="food", value_vnd=60001, corrects=first["id"])
    (found,) = book(staff, round_)["exceptions"]
    assert (found["code"], found["donor"], found["owed_vnd"], found["handed_vnd"]) == ("food_above_average", None, 30000, 30001)


def test_what_a_phone_told_counts_as_its_item_does(daemon, staff, round_, donor):
    who = donor()
    item, low, high = str(uuid.uuid4()), b"\1" * 32, b"\2" * 32
    for hash, value in ((high, 90000), (low, 110000)):
        daemon.sql("INSERT INTO item (id, content_hash, kind, install, seq, captured_at, round_id, donor_id, registers, verdict, held, sealed, tie)"
                   " VALUES (%s, %s, 'gift', %s, 1, %s, %s, %s, false, 'applied', '{}', 'x', %s)", item, hash, str(uuid.uuid4()),
                   f"{TODAY}T08:00:00+07:00", round_, who["id"], hash.hex()[:2])
        daemon.sql("INSERT INTO gift (id, round_id, donor_id, kind, value_vnd, handed_on, item_id, content_hash)"
                   " VALUES (gen_random_uuid(), %s, %s, 'gift', %s, %s, %s, %s)", round_, who["id"], value, TODAY, item, hash)
        rows = [(g["value_vnd"], g["of_item"]) for g in book(staff, round_)["gifts"]]
        assert rows == [(value, True)]              # of two contents the lower one
    daemon.sql("INSERT INTO item_decision (version, item_id, content_hash, verb, decided_by_kind, decided_by)"
               " VALUES (item_version(%s), %s, %s, 'drop', 'user', 'test')", item, item, low)
    (told,) = book(staff, round_)["gifts"]
    assert told["value_vnd"] == 90000
    hand(staff, round_, who["id"], value_vnd=80000, corrects=told["id"])
    assert [g["value_vnd"] for g in book(staff, round_)["gifts"]] == [80000]
    # and it stays the one answer, whichever content counts again
    daemon.sql("DELETE FROM item_decision WHERE item_id = %s", item)
    assert [g["value_vnd"] for g in book(staff, round_)["gifts"]] == [80000]
    first = daemon.value("SELECT id FROM gift WHERE content_hash = %s AND item_id = %s", low, item)
    assert "/corrects" in field_codes(hand(staff, round_, who["id"], expect=422, corrects=str(first)))


def test_bodies_that_are_refused(staff, seeds, round_, donor):
    who = donor()["id"]
    problem(hand(staff, round_, "ABCD-EFGH", expect=422), "invalid-field")
    for more, pointer in (({"value_vnd": 0}, "/value_vnd"), ({"value_vnd": -1}, "/value_vnd"), ({"kind": "money"}, "/kind"),
                          ({"handed_on": day(1)}, "/handed_on"), ({"handed_on": day(-1)}, "/handed_on"), ({"colour": 1}, "/colour"),
                          ({"corrects": str(uuid.uuid4())}, "/corrects"), ({"corrects": "x"}, "/corrects")):
        assert pointer in field_codes(hand(staff, round_, who, expect=422, **more)), more
    other = hand(staff, seeds.running()["id"], who).json()
    assert "/corrects" in field_codes(hand(staff, round_, who, expect=422, corrects=other["id"]))


def test_a_repeat_makes_one_row(daemon, staff, round_, donor):
    who, key = donor()["id"], {"Idempotency-Key": str(uuid.uuid4())}
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: until_served(lambda: hand(staff, round_, who, expect=(201, 409, 503), headers=key)), range(4)))
    assert {a.status_code for a in answers} <= {201, 409}
    made = {a.json()["id"] for a in answers if a.status_code == 201}
    assert len(made) == 1
    assert hand(staff, round_, who, headers=key).json()["id"] in made
    problem(hand(staff, round_, who, expect=422, headers=key, value_vnd=1000), "idempotency-mismatch")
    assert daemon.value("SELECT count(*) FROM gift WHERE round_id = %s", round_) == 1
    assert daemon.value("SELECT count(*) FROM audit_entry WHERE subject_id = %s AND action = 'gift.hand_over'", made.pop()) == 1


def test_a_team_writes_its_own_rounds(daemon, api, staff, seeds, donor):
    team = api.as_("team")
    own = next(t["id"] for t in staff.items("/api/v1/teams", limit=500) if t["code"] == daemon.own_team())
    mine = seeds.official(team=own, date=day(-62))["id"]         # no other test has that day of this team
    hand(team, mine, donor()["id"])
    assert len(book(team, mine)["gifts"]) == 1
    other = seeds.official(date=day(-2))["id"]
    problem(hand(team, other, donor()["id"], expect=403), "out-of-scope")
    problem(team.get(f"/api/v1/rounds/{other}/gifts", expect=403), "out-of-scope")


def test_a_scope_reads_what_is_also_its_own(daemon, api, staff, seeds, donor):
    client = api.with_token(daemon.new_token("staff", f"of one place {seeds.number()}", "--unit", unit_id(api, "Huyện Than Uyên", "2025-01-01")))
    both, elsewhere = (seeds.official(date=day(-3), units=units) for units in (["Huyện Than Uyên", "Huyện Sìn Hồ"], ["Huyện Sìn Hồ"]))
    assert book(client, both["id"])["round"] == both["id"]      # held at two places: read by either, written by who has both
    problem(hand(client, both["id"], donor()["id"], expect=403), "out-of-scope")
    problem(client.get(f"/api/v1/rounds/{elsewhere['id']}/gifts", expect=403), "out-of-scope")


def test_exceptions_of_a_time(daemon, staff, api, seeds, donor):
    at = "2025-02-11"
    there, elsewhere = seeds.official(date=at), seeds.official(date=at, units=["Huyện Sìn Hồ"])
    for one in (there, elsewhere):
        given(daemon, donor()["id"], at, one["id"])
    told = staff.get("/api/v1/gifts/exceptions", params={"from": at, "to": at}).json()
    ours = {r["round"]: [e["code"] for e in r["exceptions"]] for r in told["rounds"]}
    assert ours[there["id"]] == ours[elsewhere["id"]] == ["nothing_handed"] and told["averages"] == []
    client = api.with_token(daemon.new_token("staff", f"of one place {seeds.number()}", "--unit", unit_id(api, "Huyện Than Uyên", "2025-01-01")))
    seen = {r["round"] for r in client.get("/api/v1/gifts/exceptions", params={"from": at, "to": at}).json()["rounds"]}
    assert there["id"] in seen and elsewhere["id"] not in seen
    problem(staff.get("/api/v1/gifts/exceptions", params={"from": "2025-02-02", "to": "2025-02-01"}, expect=400), "invalid-query")
    problem(staff.get("/api/v1/gifts/exceptions", params={"from": "2023-01-01", "to": "2025-02-01"}, expect=400), "invalid-query")


def test_what_was_erased_takes_nothing_more(daemon, staff, admin, round_, donor):
    who = donor()["id"]
    hand(staff, round_, who)
    staff.post(f"{DONORS}/{who}/erasure", json={}, expect=201)
    admin.post(f"{DONORS}/{who}/erasure/approve", json={}, expect=200)
    problem(hand(staff, round_, who, expect=409), "erased")
    assert len(book(staff, round_)["gifts"]) == 1
