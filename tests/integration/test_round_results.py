"""What a round came to: sums over what the teams' phones captured, live, and never a counter."""
import uuid

import pytest

from harness.client import problem
from harness.daemon import wait_until
from harness.seeds import TODAY, day
from test_sync import DONORS, HELD, Phone, cccd, decide, donor, person, phone, running, team  # noqa: F401 (fixtures)

ROUNDS = "/api/v1/rounds"
NONE = {"registered": None, "present": None, "accepted": None, "units": None, "ml": None}


def figures(result):
    return {name: result[name] and result[name]["value"] for name in NONE}


def parts(result):
    return [(p["component"], p["volume_ml"], p["outcome"], p["donations"], p["ml"]) for p in result["parts"]]


@pytest.fixture
def result(staff, running):
    """The round's result, once it is what is expected: public answers are at most two seconds old."""
    def read(**expected):
        last = []

        def there():
            last[:] = [staff.get(f"{ROUNDS}/{running}").json()["result"]]
            return (last[0] and figures(last[0])) == ({**NONE, **expected} if expected else None)
        wait_until(there, what=f"{expected}, not {last}")
        return last[0]
    return read


def test_sums_over_what_counts(phone, donor, staff, result):
    assert result() is None
    people = [donor() for _ in range(5)]
    phone.send(*(phone.item("check_in", who, at="07:30") for who in people))
    told = result(registered=5, present=5)
    assert (told["source"], told["id"], told["parts"], told["reported_on"]) == ("items", None, [], told["created_at"][:10])
    phone.send(*(phone.item("screening", who, at="07:40", outcome="deferred" if who == people[4] else "accepted") for who in people))
    result(registered=5, present=5, accepted=4)
    gave = [phone.gave(people[0]), phone.gave(people[1]), phone.gave(people[2], 450, component="red_cells"),
            phone.gave(people[3], 120, outcome="stopped")]
    for _ in range(2):
        phone.send(*gave, phone.item("donation", people[4], outcome="deferred"))
    told = result(registered=5, present=5, accepted=4, units=4, ml=1270)
    assert parts(told) == [("red_cells", 450, "completed", 1, 450), ("whole_blood", 120, "stopped", 1, 120), ("whole_blood", 350, "completed", 2, 700)]
    # stopped before any blood came; and somebody who was not at the desk
    phone.send(phone.gave(donor(), 0, outcome="stopped"))
    told = result(registered=6, present=6, accepted=5, units=4, ml=1270)
    assert ("whole_blood", 0, "stopped", 1, 0) in parts(told)
    # a correction, and what a person drops
    phone.send(phone.gave(people[0], 250, corrects=gave[0]["id"]))
    told = result(registered=6, present=6, accepted=5, units=4, ml=1170)
    (item,) = staff.get(f"{HELD}/{gave[1]['id']}").json()["items"]
    decide(staff, gave[1]["id"], item["content_hash"], keep=False)
    result(registered=6, present=6, accepted=5, units=3, ml=820)


def test_a_list_tells_it_too(phone, donor, staff):
    phone.send(phone.gave(donor()))

    def listed():
        (told,) = [r["result"] for r in staff.items(ROUNDS, **{"from": TODAY, "to": TODAY}) if r["id"] == phone.round]
        return told and told["source"] == "items" and figures(told) == {**NONE, "registered": 1, "present": 1, "accepted": 1, "units": 1, "ml": 350}
    wait_until(listed, what="the round's result in the list")


def test_what_is_held_counts_at_once(phone, donor, staff, daemon, result):
    """As in the interval (design 7)."""
    who = donor()
    item = phone.gave(who, donated_on=day(-1))
    again = {**item, "data": {**item["data"], "volume_ml": 450}}
    assert phone.send(item)["items"][0]["verdict"] == "held"
    result(registered=1, present=1, accepted=1, units=1, ml=350)
    assert not staff.get(f"{DONORS}/{who}/eligibility").json()["eligible"]
    phone.send(again)
    ml = daemon.value("SELECT volume_ml FROM donation_counting WHERE item_id = %s", item["id"])
    result(registered=1, present=1, accepted=1, units=1, ml=ml)
    # one bag in two items: two people came, one bag was filled
    bag = f"B-{uuid.uuid4()}"
    phone.send(phone.gave(donor(), 250, at="09:00", bag_code=bag), phone.gave(donor(), 450, at="09:30", bag_code=bag))
    result(registered=3, present=3, accepted=3, units=2, ml=ml + 250)


def test_one_person_of_two_records_came_once(phone, staff, seeds, result):
    number = cccd(seeds)
    told = {**person(seeds, identifiers=[number]), "id": str(uuid.uuid4())}
    phone.send(phone.item("check_in", {"id": told["id"]}), phone.item("check_in", {"identifier": number}))
    result(registered=2, present=2)
    phone.send(phone.gave({"provisional": told}))
    result(registered=1, present=1, accepted=1, units=1, ml=350)


def test_the_best_source_is_shown(phone, donor, team, staff, result, daemon):
    body = {"source": "team", "reported_on": TODAY, "registered": {"value": 40}, "units": {"value": 31}}
    daemon.sql("UPDATE round SET status = 'running' WHERE id = %s", phone.round)
    team.post(f"{ROUNDS}/{phone.round}/reports", json=body, expect=201)
    told = result(registered=40, units=31)
    assert (told["source"], told["parts"]) == ("team", [])
    phone.send(phone.gave(donor()))
    assert result(registered=1, present=1, accepted=1, units=1, ml=350)["source"] == "items"
    problem(team.post(f"{ROUNDS}/{phone.round}/reports", json={**body, "source": "items"}), "invalid-field", 422)
    assert [r["source"] for r in staff.get(f"{ROUNDS}/{phone.round}/reports").json()["items"]] == ["team"]


def test_no_other_round_is_touched(phone, donor, seeds, staff, result):
    other = seeds.draft(date=TODAY)
    phone.send(phone.gave(donor(), round=other["id"]))
    wait_until(lambda: staff.get(f"{ROUNDS}/{other['id']}").json()["result"], what="the other round's result")
    assert result() is None


# ---- by the old map and by the new ----

def test_by_former_district_and_by_commune(fresh_daemon, api_of):
    """Rounds on both sides of 1/7/2025, by the map of either day; each counted once."""
    daemon = fresh_daemon(now="2025-08-01T08:00:00+07:00")
    staff = api_of(daemon, daemon.token("staff"))
    plan = staff.post("/api/v1/plans", json={"number": "1/KH-BD", "code_prefix": "BD", "title": "bản đồ", "from": "2025-01-01", "to": "2025-12-31"},
                      expect=201).json()["id"]
    for units, on, given in ((["Huyện Than Uyên"], "2025-03-14", 100), (["Xã Mường Than"], "2025-07-20", 20), (["Huyện Sìn Hồ"], "2025-04-14", 50),
                             (["Huyện Sìn Hồ", "Huyện Than Uyên"], "2025-05-14", 7), (["Xã Than Uyên"], "2025-07-28", None)):
        one_ = staff.post(f"/api/v1/plans/{plan}/rounds", json={"title": "Đợt", "date": on, "units": units}, expect=201).json()
        daemon.sql("UPDATE round SET status = 'closed' WHERE id = %s", one_["id"])
        if given:
            staff.post(f"{ROUNDS}/{one_['id']}/reports", json={"source": "team", "reported_on": on, "units": {"value": given}}, expect=201)

    def table(on, **more):
        told = staff.get("/api/v1/results", params={"from": "2025-01-01", "to": "2025-12-31", "on": on, **more}).json()
        assert sum(row["rounds"] for row in told["items"]) == told["total"]["rounds"] == 5
        assert sum(row["units"]["value"] for row in told["items"] if row["units"]) == told["total"]["units"]["value"] == 177
        return told["level"], {tuple(p["name"] for p in row["places"]): (row["rounds"], row["units"] and row["units"]["value"]) for row in told["items"]}

    level, rows = table("2025-06-30")
    assert level == "district"
    assert rows == {("Huyện Than Uyên",): (3, 120), ("Huyện Sìn Hồ",): (1, 50), ("Huyện Sìn Hồ", "Huyện Than Uyên"): (1, 7)}
    level, rows = table("2025-07-01")
    assert level == "commune" and rows["Xã Mường Than",] == (1, 20) and rows["Xã Than Uyên",] == (1, None)
    (whole,) = [places for places, told in rows.items() if told == (1, 100)]
    assert "Xã Mường Than" in whole and "Xã Than Uyên" in whole and len(whole) > 2
    assert table("2025-06-30", level="commune")[0] == "commune"
    told = staff.get("/api/v1/results").json()
    assert (told["from"], told["to"], told["on"], told["total"]["rounds"]) == ("2025-01-01", "2025-08-01", "2025-08-01", 5)
    assert staff.get("/api/v1/results?to=2025-03-31").json()["total"]["units"] == {"value": 100, "qualifier": "exact"}
    for wrong in ("?level=province", "?level=district,commune", "?from=2025-02-01&to=2025-01-01", "?on=x", "?map=2025"):
        problem(staff.get("/api/v1/results" + wrong, expect=None), "invalid-query", 400)


def test_who_had_a_place_is_registered(phone, seeds, staff, api):
    """Booked before, checked in at the desk, walked in: who came is present, whether a phone saw them or not."""
    round_id = seeds.running(capacity=40, start="08:00", end="22:00")["id"]
    path, field = f"{ROUNDS}/{round_id}", Phone(phone.client, round_id)
    people = [staff.post(DONORS, json=person(seeds), expect=201).json() for _ in range(4)]

    def result(**expected):
        for client in (staff, api):          # the public is answered from memory
            wait_until(lambda: figures(client.get(path).json()["result"] or NONE) == {**NONE, **expected}, what=f"{expected}")
    booked = [staff.post(f"{path}/appointments", json={"donor": who["donor_number"]}, expect=201).json() for who in people[:3]]
    assert staff.get(path).json()["result"] is None
    staff.post(f"{path}/check-in", json={"code": booked[0]["code"]}, expect=200)
    assert staff.get(path).json()["result"] is None          # a report of the team would stand until a phone tells more
    field.send(field.gave(people[0]["id"]))
    result(registered=3, present=1, accepted=1, units=1, ml=350)
    staff.post(f"{path}/walk-ins", json={"donor": people[3]["donor_number"]}, expect=201)
    result(registered=4, present=2, accepted=1, units=1, ml=350)
    staff.post(f"{path}/check-in", json={"code": booked[2]["code"]}, expect=200)
    result(registered=4, present=3, accepted=1, units=1, ml=350)
