"""Places in rounds: booked, moved, cancelled, waited for, held for a group, given at the door. All people are invented."""
import datetime
import itertools
import json
import threading
import time

import httpx
import pytest

from harness.client import field_codes, problem
from harness.daemon import NOW, own_daemon, wait_until
from harness.seeds import TODAY, Seeds, day
from test_access import unit_id

DONORS, ROUNDS, APPOINTMENTS, GROUPS = "/api/v1/donors", "/api/v1/rounds", "/api/v1/appointments", "/api/v1/groups"
NOBODY = "00000000-0000-7000-8000-000000000000"
HOURS = {"start": "14:00", "end": "16:00"}          # it is eight in the morning


@pytest.fixture(scope="module")
def daemon():
    """One of their own: at its door it stays eight, whatever ran before."""
    with own_daemon() as one:
        yield one


@pytest.fixture
def donor(staff, seeds):
    """Makes a donor; its id."""
    def make(client=None, **more):
        letters, n = "", seeds.number()
        for _ in range(6):
            letters, n = letters + "bcdghklmnp"[n % 10] + "ăêíôư"[n % 5], n // 10
        body = {"name": f"Lò {letters.capitalize()}", "birth_date": "1990-05-17", "sex": "female", **more}
        return (client or staff).post(DONORS, json=body, expect=201).json()["id"]
    return make


@pytest.fixture
def round_(staff, seeds):
    """An open round with hours: two hours of four slots, all of it to be booked unless told otherwise."""
    def make(capacity=8, rules=None, **more):
        made = seeds.open(capacity=capacity, **{**HOURS, "date": day(5 + seeds.number() % 200), **more})
        set_slots(staff, made, **{"walk_in_percent": 0, **(rules or {})})
        return made
    return make


def book(client, round_, donor, expect=201, **more):
    return client.post(f"{ROUNDS}/{round_['id']}/appointments", json={"donor": donor, **more}, expect=expect).json()


def set_slots(client, round_, **rules):
    path = f"{ROUNDS}/{round_['id']}/slots"
    return client.request("PUT", path, json=rules, headers={"If-Match": client.etag(path)}, expect=200).json()


def verb(client, appointment, what, body=None, expect=200, **options):
    return client.post(f"{APPOINTMENTS}/{appointment['id']}/{what}", json=body or {}, expect=expect, **options).json()


def read(client, appointment):
    return client.get(f"{APPOINTMENTS}/{appointment['id']}").json()


def set_capacity(client, round_, capacity):
    path = f"{ROUNDS}/{round_['id']}"
    client.patch(path, json={"capacity": capacity}, headers={"If-Match": client.etag(path)}, expect=200)


def slots(client, round_):
    return client.get(f"{ROUNDS}/{round_['id']}/slots").json()["items"]


def counts(daemon, round_):
    """What is counted against what there is, of the round and of each of its slots."""
    return daemon.sql(
        "SELECT r.booked, (SELECT count(*) FROM appointment AS a WHERE a.round_id = r.id AND a.state IN ('booked', 'checked_in'))"
        " FROM round AS r WHERE r.id = %s UNION ALL SELECT s.booked, (SELECT count(*) FROM appointment AS a WHERE a.slot_id = s.id"
        " AND a.state IN ('booked', 'checked_in')) FROM slot AS s WHERE s.round_id = %s", round_["id"], round_["id"])


def assert_counts(daemon, round_):
    assert all(counted == there for counted, there in counts(daemon, round_)), counts(daemon, round_)


# ---- slots ----

def test_slots_follow_from_hours_beds_and_places(staff, api, seeds):
    one = seeds.open(capacity=40, date=day(12), team=seeds.team(beds=4)["id"], **HOURS)
    told = api.get(f"{ROUNDS}/{one['id']}/slots").json()
    assert told["open"] and (told["beds"], told["minutes_per_donor"], told["slot_minutes"], told["walk_in_percent"]) == (4, 20, 30, 0)
    # four beds serve six donors in half an hour, which is less than ten
    assert [(s["start"], s["capacity"], s["left"], s["walk_in"]) for s in told["items"]] == [
        ("14:00", 6, 6, 0), ("14:30", 6, 6, 0), ("15:00", 6, 6, 0), ("15:30", 6, 6, 0)]
    rules = {"beds": 10, "minutes_per_donor": 30, "slot_minutes": 60, "walk_in_percent": 50}
    laid = set_slots(staff, one, **rules)
    assert [(s["start"], s["capacity"], s["left"], s["walk_in"]) for s in laid["items"]] == [("14:00", 20, 10, 10), ("15:00", 20, 10, 10)]
    again = api.get(f"{ROUNDS}/{one['id']}/slots").json()
    assert [s["capacity"] for s in again["items"]] == [20, 20] and all("stands" not in s for s in again["items"])
    wait_until(lambda: api.round(one["id"])["places"] == {"capacity": 40, "booked": 0, "left": 20, "walk_in": 20}, what="places told")


def test_two_who_say_how_places_are_made(staff, donor, seeds):
    """Nobody's words are overwritten unseen; places that are given meanwhile are no words."""
    one = seeds.open(capacity=8, date=day(5 + seeds.number() % 200), **HOURS)
    path = f"{ROUNDS}/{one['id']}/slots"
    problem(staff.request("PUT", path, json={"beds": 3}), "precondition-required", 428)
    first = staff.etag(path)
    book(staff, one, donor())
    laid = staff.request("PUT", path, json={"beds": 3}, headers={"If-Match": first}, expect=200)
    assert laid.json()["beds"] == 3
    problem(staff.request("PUT", path, json={"walk_in_percent": 0}, headers={"If-Match": first}), "stale", 412)
    assert staff.get(path).json()["beds"] == 3
    book(staff, one, donor())
    again = staff.request("PUT", path, json={"beds": 4, "walk_in_percent": 0}, headers={"If-Match": laid.headers["etag"]}, expect=200).json()
    assert (again["beds"], again["walk_in_percent"]) == (4, 0)
    problem(staff.request("PUT", path, json={}, headers={"If-Match": laid.headers["etag"]}), "stale", 412)


def test_a_round_without_hours_is_one_slot(staff, seeds, donor):
    one = seeds.open(capacity=3, date=day(13))
    set_slots(staff, one, walk_in_percent=0)
    assert [(s["start"], s["end"], s["left"]) for s in slots(staff, one)] == [("00:00", "24:00", 3)]
    assert book(staff, one, donor())["slot"]["start"] == "00:00"


def test_hours_that_change_drop_nobody(staff, round_, donor, daemon):
    one = round_(capacity=8)
    people = [book(staff, one, donor()) for _ in range(5)]
    assert [p["slot"]["start"] for p in people] == ["14:00", "14:00", "14:30", "14:30", "15:00"]
    staff.step(one["id"], "move", {"reason": "hội trường bận", "start": "15:00", "end": "16:00"})
    assert {p["id"]: read(staff, p)["attention"] for p in people} == {
        p["id"]: "slot_gone" if p["slot"]["start"] < "15:00" else None for p in people}
    staff.step(one["id"], "open")
    told = {s["start"]: s for s in wait_until(lambda: [s for s in slots(staff, one) if not s["stands"]] and slots(staff, one), what="laid")}
    assert (told["14:00"]["booked"], told["14:00"]["stands"], told["14:00"]["left"]) == (2, False, 0)
    assert told["15:00"]["stands"] and sum(s["capacity"] for s in told.values()) == 8
    moved = verb(staff, people[0], "move")
    assert moved["slot"]["start"] >= "15:00" and moved["attention"] is None and moved["code"] == people[0]["code"]
    # all of them find a place, and then the round takes as many as it ever did
    for person in people[1:4]:
        assert verb(staff, person, "move")["slot"]["start"] >= "15:00"
    assert [book(staff, one, donor())["state"] for _ in range(3)] == ["booked"] * 3
    problem(staff.post(f"{ROUNDS}/{one['id']}/appointments", json={"donor": donor()}), "round-full", 409)
    assert sorted((s["start"], s["booked"], s["capacity"]) for s in slots(staff, one)) == [("15:00", 4, 4), ("15:30", 4, 4)]
    assert_counts(daemon, one)


def test_a_full_round_moves_its_people(staff, round_, donor, daemon):
    """Nobody new comes in, but who is in an hour that is gone, or that is too full, takes the place along to where there is room for them."""
    one = round_(capacity=8)
    people = [book(staff, one, donor()) for _ in range(8)]
    waits = book(staff, one, donor(), wait=True)
    staff.step(one["id"], "move", {"reason": "hội trường bận", "start": "15:00", "end": "16:00"})
    staff.step(one["id"], "open")
    wait_until(lambda: [s for s in slots(staff, one) if not s["stands"]], what="laid")
    later = next(s["id"] for s in slots(staff, one) if s["start"] == "15:30")
    problem(staff.post(f"{APPOINTMENTS}/{people[4]['id']}/move", json={"slot": later}), "round-full", 409)     # 15:00 stands: they have an hour
    for person in people[:4]:
        moved = verb(staff, person, "move")
        assert moved["slot"]["start"] >= "15:00" and moved["attention"] is None
    assert sorted((s["start"], s["booked"], s["capacity"]) for s in slots(staff, one)) == [("15:00", 4, 4), ("15:30", 4, 4)]
    assert read(staff, waits)["state"] == "waiting"
    problem(staff.post(f"{ROUNDS}/{one['id']}/appointments", json={"donor": donor()}), "round-full", 409)
    assert_counts(daemon, one)


def test_an_hour_that_is_too_full(staff, round_, donor, daemon):
    one = round_(capacity=8, rules={"beds": 8, "minutes_per_donor": 30, "slot_minutes": 60})
    first, second = slots(staff, one)
    people = [book(staff, one, donor(), slot=first["id"]) for _ in range(4)]
    set_slots(staff, one, beds=1, minutes_per_donor=30, slot_minutes=60, walk_in_percent=0)      # two an hour
    assert [(s["booked"], s["capacity"]) for s in slots(staff, one)] == [(4, 4), (0, 0)]
    for left in (3, 2):
        assert verb(staff, people[left], "move", {"slot": second["id"]})["slot"]["start"] == second["start"]
    problem(staff.post(f"{APPOINTMENTS}/{people[1]['id']}/move", json={"slot": second["id"]}), "round-full", 409)
    assert [(s["booked"], s["capacity"]) for s in slots(staff, one)] == [(2, 2), (2, 2)]
    assert_counts(daemon, one)


def test_places_for_people_who_were_there_go_with_them(staff, round_, donor, daemon):
    one = round_(capacity=8, rules={"beds": 8, "minutes_per_donor": 30, "slot_minutes": 60})
    people = [book(staff, one, donor(), slot=slots(staff, one)[0]["id"]) for _ in range(4)]
    waits = book(staff, one, donor(), slot=slots(staff, one)[0]["id"], wait=True)
    set_slots(staff, one, beds=1, minutes_per_donor=30, slot_minutes=60, walk_in_percent=0)      # two an hour
    assert [(s["booked"], s["capacity"]) for s in slots(staff, one)] == [(4, 4), (0, 0)]
    for left in (3, 2):
        verb(staff, people[left], "cancel")
        first, second = slots(staff, one)
        assert first["booked"] == first["capacity"] == left and read(staff, waits)["state"] == "waiting"
        assert second["capacity"] == 4 - left
    wait_until(lambda: staff.round(one["id"])["places"]["left"] == 2, what="places told")
    verb(staff, people[1], "cancel")
    assert read(staff, waits)["state"] == "booked"              # two an hour: now there is one
    assert_counts(daemon, one)


def test_slots_of_what_is_over_stay(staff, seeds, donor, round_):
    one = round_()
    before = slots(staff, one)
    staff.step(one["id"], "cancel", {"reason": "bão"})
    path = f"{ROUNDS}/{one['id']}/slots"
    problem(staff.request("PUT", path, json={"slot_minutes": 60}, headers={"If-Match": staff.etag(path)}), "illegal-step", 409)
    assert slots(staff, one) == before


# ---- booked ----

def test_booked_moved_cancelled(staff, round_, donor, daemon):
    one, who = round_(), donor()
    made = book(staff, one, who)
    assert (made["state"], made["kind"], made["slot"]["start"], made["donor"]["id"]) == ("booked", "booking", "14:00", who)
    assert made["verdict"]["decision"] == "incomplete" and made["attention"] is None and "name" not in made["donor"]
    assert read(staff, made)["donor"]["name"].startswith("Lò ") and read(staff, made)["donor"]["birth_year"] == 1990
    late = slots(staff, one)[3]
    moved = verb(staff, made, "move", {"slot": late["id"]})
    assert (moved["slot"]["start"], moved["version"]) == ("15:30", 2)
    gone = verb(staff, moved, "cancel")
    assert (gone["state"], gone["reason"]) == ("cancelled", "asked") and gone["ended_at"]
    problem(staff.post(f"{APPOINTMENTS}/{made['id']}/move", json={}), "illegal-step", 409)
    assert book(staff, one, who)["state"] == "booked"           # and again
    assert_counts(daemon, one)
    actions = [a for (a,) in daemon.sql("SELECT action FROM audit_entry WHERE subject_id = %s ORDER BY id", made["id"])]
    assert actions == ["appointment.book", "appointment.move", "appointment.cancel"]


def test_a_person_once_in_a_round(staff, round_, donor):
    one, other, who = round_(), round_(), donor()
    made = book(staff, one, who)
    problem(staff.post(f"{ROUNDS}/{one['id']}/appointments", json={"donor": who, "wait": True}), "already-booked", 409)
    assert book(staff, other, who)["state"] == "booked"
    problem(staff.post(f"{APPOINTMENTS}/{made['id']}/move", json={"round": other["id"]}), "already-booked", 409)
    verb(staff, made, "cancel")
    assert book(staff, one, made["donor"]["donor_number"])["donor"]["id"] == who


def test_moved_to_another_round(staff, round_, donor, daemon):
    one, other, who = round_(), round_(), donor()
    made = book(staff, one, who)
    moved = verb(staff, made, "move", {"round": other["code"]})
    assert moved["round"]["id"] == other["id"] and moved["told_date"] == other["date"]
    assert_counts(daemon, one)
    assert_counts(daemon, other)
    problem(staff.post(f"{APPOINTMENTS}/{made['id']}/move", json={"round": NOBODY}), "invalid-field", 422)
    assert field_codes(staff.post(f"{APPOINTMENTS}/{made['id']}/move", json={"slot": NOBODY}, expect=422)) == {"/slot": "not_found"}


def test_full(staff, round_, donor, daemon):
    one = round_(capacity=2)
    first = [book(staff, one, donor()) for _ in range(2)]
    told = problem(staff.post(f"{ROUNDS}/{one['id']}/appointments", json={"donor": donor()}), "round-full", 409)
    assert "wait" in told["detail"] and told["advice"]
    assert all(s["left"] == 0 for s in slots(staff, one))
    verb(staff, first[0], "cancel")
    assert book(staff, one, donor())["state"] == "booked"
    assert_counts(daemon, one)
    # the database itself refuses one too many, whoever writes it
    with pytest.raises(Exception, match="slot_booked_ck|round_booked_ck"):
        daemon.sql("UPDATE appointment SET state = 'booked' WHERE id = %s", first[0]["id"])


@pytest.mark.parametrize("status, word", [("announced", "not open"), ("postponed", "postponed"), ("cancelled", "cancelled"), ("closed", "over")])
def test_only_in_an_open_round(staff, seeds, donor, status, word):
    one = seeds.in_status(status)
    told = problem(staff.post(f"{ROUNDS}/{one['id']}/appointments", json={"donor": donor()}, headers={"Accept-Language": "en"}),
                   "illegal-step", 409)
    assert word in told["detail"]


def test_who_may_not_give_is_told_why(staff, api, round_, donor, seeds, daemon):
    daemon.token("team")
    team_id = next(t["id"] for t in staff.items("/api/v1/teams", limit=500) if t["code"] == daemon.own_team())
    one, who = round_(team=team_id, date=day(290)), donor()
    staff.post(f"{DONORS}/{who}/deferrals", json={"code": "malaria", "permanent": True}, expect=201)
    told = problem(staff.post(f"{ROUNDS}/{one['id']}/appointments", json={"donor": who, "wait": True}), "not-eligible", 409)
    assert told["verdict"]["decision"] == "refused" and told["verdict"]["on"] == one["date"]
    assert [r["code"] for r in told["verdict"]["reasons"]] == ["malaria"]
    team = api.as_("team")
    neutral = problem(team.post(f"{ROUNDS}/{one['id']}/appointments", json={"donor": who}), "not-eligible", 409)["verdict"]
    assert "reasons" not in neutral and "malaria" not in str(neutral) and neutral["decision"] == "refused"
    assert daemon.value("SELECT count(*) FROM audit_entry WHERE action = 'donor.eligibility' AND subject_id = %s", who) == 2
    problem(staff.post(f"{ROUNDS}/{one['id']}/appointments", json={"donor": NOBODY}), "invalid-field", 422)
    assert book(team, one, donor())["state"] == "booked"        # of its own round
    other = round_()
    problem(team.post(f"{ROUNDS}/{other['id']}/appointments", json={"donor": donor()}), "out-of-scope", 403)
    problem(team.get(f"{ROUNDS}/{other['id']}/appointments", expect=None), "out-of-scope", 403)


def test_reasons_are_for_who_may_open_the_record(api, staff, daemon, round_, donor, seeds):
    home, far = (unit_id(api, name, "2025-01-01") for name in ("Huyện Than Uyên", "Huyện Sìn Hồ"))
    client = api.with_token(daemon.new_token("staff", f"of one place {seeds.number()}", "--unit", home))
    one = round_()
    for unit, told in ((home, True), (far, False), (None, False)):
        who = donor(**({"unit": unit} if unit else {}))
        staff.post(f"{DONORS}/{who}/deferrals", json={"code": "malaria", "permanent": True}, expect=201)
        answer = problem(client.post(f"{ROUNDS}/{one['id']}/appointments", json={"donor": who}), "not-eligible", 409)
        assert ("malaria" in json.dumps(answer)) == ("reasons" in answer["verdict"]) == told, unit
    # whoever uses a key for something else is told that, and nothing of the person
    key = {"Idempotency-Key": "used"}
    client.post(f"{ROUNDS}/{one['id']}/appointments", json={"donor": donor()}, headers=key, expect=201)
    assert "verdict" not in problem(client.post(f"{ROUNDS}/{one['id']}/appointments", json={"donor": who}, headers=key),
                                    "idempotency-mismatch", 422)


def test_a_round_that_is_moved_postponed_cancelled_keeps_its_people(staff, round_, donor, seeds):
    one = round_(date=day(20 + seeds.number() % 150))
    made = book(staff, one, donor())
    staff.step(one["id"], "postpone", {"reason": "mưa lớn"})
    told = read(staff, made)
    assert (told["state"], told["attention"], told["round"]["status_reason"]) == ("booked", "round_postponed", "mưa lớn")
    new_day = (datetime.date.fromisoformat(one["date"]) + datetime.timedelta(days=7)).isoformat()
    staff.step(one["id"], "move", {"reason": "ngày mới", "date": new_day})
    assert read(staff, made)["attention"] == "round_moved"
    staff.step(one["id"], "confirm", {"document": "CV 7", "date": new_day})
    staff.step(one["id"], "open")
    assert read(staff, made)["attention"] == "round_moved"      # until the donor was told
    assert verb(staff, made, "move", {"slot": made["slot"]["id"]})["attention"] is None
    staff.step(one["id"], "cancel", {"reason": "bão"})
    assert (read(staff, made)["state"], read(staff, made)["attention"]) == ("booked", "round_cancelled")
    other = round_()
    assert verb(staff, made, "move", {"round": other["id"]})["attention"] is None


# ---- the same key ----

def test_the_same_key(staff, round_, donor, daemon):
    one, who = round_(), donor()
    path, key = f"{ROUNDS}/{one['id']}/appointments", {"Idempotency-Key": "once"}
    first = staff.post(path, json={"donor": who}, headers=key, expect=201).json()
    assert staff.post(path, json={"donor": who}, headers=key, expect=201).json() == first
    problem(staff.post(path, json={"donor": donor()}, headers=key), "idempotency-mismatch", 422)
    gone = verb(staff, first, "cancel", headers={"Idempotency-Key": "away"})
    assert verb(staff, first, "cancel", headers={"Idempotency-Key": "away"}) == gone
    problem(staff.post(f"{APPOINTMENTS}/{first['id']}/cancel", json={}), "illegal-step", 409)
    # a retry of a booking that was cancelled since is told what became of it
    assert staff.post(path, json={"donor": who}, headers=key, expect=201).json()["state"] == "cancelled"
    assert daemon.value("SELECT count(*) FROM appointment WHERE round_id = %s", one["id"]) == 1
    held = {"title": "Chi đoàn", "contact": who, "seats": 2}
    group = staff.post(f"{ROUNDS}/{one['id']}/groups", json=held, headers={"Idempotency-Key": "g"}, expect=201).json()
    assert staff.post(f"{ROUNDS}/{one['id']}/groups", json=held, headers={"Idempotency-Key": "g"}, expect=201).json() == group


# ---- waiting ----

def test_a_place_that_gets_free_goes_to_who_waits_first(staff, round_, donor, daemon):
    one = round_(capacity=1)
    has = book(staff, one, donor())
    ill = donor()
    waiting = [book(staff, one, who, wait=True) for who in (ill, donor(), donor())]
    assert [(w["state"], w["position"], w["slot"]) for w in waiting] == [("waiting", n, None) for n in (1, 2, 3)]
    staff.post(f"{DONORS}/{ill}/deferrals", json={"code": "malaria"}, expect=201)     # may not give any more
    verb(staff, has, "cancel")
    assert [read(staff, w)["state"] for w in waiting] == ["waiting", "booked", "waiting"]      # in the same transaction
    entries = daemon.sql("SELECT count(DISTINCT xid) FROM audit_entry WHERE subject_id IN (%s, %s) AND action IN"
                         " ('appointment.cancel', 'appointment.refill')", has["id"], waiting[1]["id"])
    assert entries == [(1,)]
    assert read(staff, waiting[2])["position"] == 2
    assert_counts(daemon, one)


def test_places_that_appear_are_given_by_themselves(staff, round_, donor, daemon):
    one = round_(capacity=1)
    book(staff, one, donor())
    waiting = [book(staff, one, donor(), wait=True) for _ in range(3)]
    staff.patch(f"{ROUNDS}/{one['id']}", json={"capacity": 3}, headers={"If-Match": staff.etag(f"{ROUNDS}/{one['id']}")})
    wait_until(lambda: [read(staff, w)["state"] for w in waiting] == ["booked", "booked", "waiting"], what="refilled")
    assert_counts(daemon, one)
    wait_until(lambda: staff.round(one["id"])["places"] == {"capacity": 3, "booked": 3, "left": 0, "walk_in": 0}, what="places told")


def test_nobody_overtakes_who_waits(staff, round_, donor, daemon):
    one, other = round_(capacity=2), round_(capacity=4)
    for _ in range(2):
        book(staff, one, donor())
    ill = donor()
    waiting = [book(staff, one, who, wait=True) for who in (ill, donor(), donor())]
    elsewhere = book(staff, other, donor())
    staff.post(f"{DONORS}/{ill}/deferrals", json={"code": "malaria"}, expect=201)
    # a place that nobody has been given yet is not for who comes now
    set_capacity(staff, one, 3)
    problem(staff.post(f"{ROUNDS}/{one['id']}/appointments", json={"donor": donor()}), "round-full", 409)
    wait_until(lambda: [read(staff, w)["state"] for w in waiting] == ["waiting", "booked", "waiting"], what="given to the first who may")
    set_capacity(staff, one, 4)
    problem(staff.post(f"{APPOINTMENTS}/{elsewhere['id']}/move", json={"round": one["id"]}), "round-full", 409)
    wait_until(lambda: [read(staff, w)["state"] for w in waiting] == ["waiting", "booked", "booked"], what="given to the next one")
    # who may not give keeps nobody else away
    set_capacity(staff, one, 5)
    assert book(staff, one, donor())["state"] == "booked"
    assert [read(staff, w)["verdict"]["decision"] for w in waiting[1:]] == ["incomplete"] * 2
    problem(staff.post(f"{APPOINTMENTS}/{waiting[0]['id']}/move", json={}), "not-eligible", 409)
    assert_counts(daemon, one)


def test_a_list_of_people_who_may_not_give_keeps_nobody_away(staff, round_, donor, daemon):
    """However long it is, and whoever asks: a booking, somebody from another round, a group."""
    one, other = round_(capacity=1), round_(capacity=4)
    book(staff, one, donor())
    elsewhere = book(staff, other, donor())
    for _ in range(23):
        who = donor()
        book(staff, one, who, wait=True)
        daemon.sql("UPDATE donor SET contact_facility = true WHERE id = %s", who)
    set_capacity(staff, one, 4)
    assert book(staff, one, donor())["state"] == "booked"
    assert verb(staff, elsewhere, "move", {"round": one["id"]})["state"] == "booked"
    held = {"title": "Bản Xa", "contact": donor(), "seats": 1}
    assert staff.post(f"{ROUNDS}/{one['id']}/groups", json=held, expect=201).json()["booked"] == 1
    # and who may, at its end, is there before who comes now
    last = book(staff, one, donor(), wait=True)
    set_capacity(staff, one, 5)
    problem(staff.post(f"{ROUNDS}/{one['id']}/appointments", json={"donor": donor()}), "round-full", 409)
    wait_until(lambda: read(staff, last)["state"] == "booked", what="given to who waits")
    assert_counts(daemon, one)


def test_who_is_moved_within_the_list_stays_behind_the_others(staff, round_, donor, daemon):
    one = round_(capacity=1)
    book(staff, one, donor())
    first, second = (book(staff, one, donor(), wait=True) for _ in range(2))
    set_capacity(staff, one, 2)
    problem(staff.post(f"{APPOINTMENTS}/{second['id']}/move", json={}), "round-full", 409)
    wait_until(lambda: read(staff, first)["state"] == "booked", what="the first one is given it")
    assert read(staff, second)["state"] == "waiting"
    assert_counts(daemon, one)


def test_who_waits_for_an_hour_that_goes_waits_for_any(staff, round_, donor):
    one = round_(capacity=4)
    first = slots(staff, one)[0]
    book(staff, one, donor(), slot=first["id"])
    waits = book(staff, one, donor(), slot=first["id"], wait=True)
    assert waits["state"] == "waiting"
    staff.step(one["id"], "move", {"reason": "hội trường bận", "start": "15:00", "end": "16:00"})
    staff.step(one["id"], "open")
    wait_until(lambda: read(staff, waits)["state"] == "booked", what="given another hour")
    assert read(staff, waits)["slot"]["start"] >= "15:00"


def test_whom_the_facility_is_asked_about_is_passed_over(staff, round_, donor, daemon):
    one = round_(capacity=1)
    has = book(staff, one, donor())
    waiting = [book(staff, one, donor(), wait=True) for _ in range(2)]
    daemon.sql("UPDATE donor SET contact_facility = true WHERE id = %s", waiting[0]["donor"]["id"])
    verb(staff, has, "cancel")
    assert [read(staff, w)["state"] for w in waiting] == ["waiting", "booked"]
    assert [read(staff, w)["attention"] for w in waiting] == ["contact_facility", None]


def test_who_waits_for_one_hour_gets_no_other(staff, round_, donor):
    one = round_(capacity=4)
    first, *_, last = slots(staff, one)
    here, there = book(staff, one, donor(), slot=first["id"]), book(staff, one, donor(), slot=last["id"])
    waits = book(staff, one, donor(), slot=first["id"], wait=True)
    assert (waits["state"], waits["waits_for"]) == ("waiting", first["id"])
    verb(staff, there, "cancel")
    assert read(staff, waits)["state"] == "waiting"
    verb(staff, here, "cancel")
    assert (read(staff, waits)["state"], read(staff, waits)["slot"]["id"]) == ("booked", first["id"])


# ---- groups ----

def test_a_group_holds_seats_and_names_them(staff, round_, donor, daemon):
    one, contact = round_(capacity=8), donor()
    group = staff.post(f"{ROUNDS}/{one['id']}/groups", json={"title": "Bản Mường Than", "contact": contact, "seats": 3}, expect=201).json()
    assert (group["seats"], group["unnamed"], group["booked"], group["contact"]["id"]) == (3, 3, 3, contact)
    assert [(s["state"], s["kind"], s["donor"]) for s in group["items"]] == [("booked", "seat", None)] * 3
    seat, who = group["items"][0], donor()
    named = verb(staff, seat, "name", {"donor": who})
    assert named["donor"]["id"] == who and named["verdict"]["decision"] == "incomplete"
    problem(staff.post(f"{APPOINTMENTS}/{seat['id']}/name", json={"donor": donor()}), "illegal-step", 409)
    problem(staff.post(f"{APPOINTMENTS}/{group['items'][1]['id']}/name", json={"donor": who}), "already-booked", 409)
    other = round_()
    problem(staff.post(f"{APPOINTMENTS}/{seat['id']}/move", json={"round": other["id"]}), "illegal-step", 409)
    left = staff.post(f"{GROUPS}/{group['id']}/release", json={"seats": 1}).json()
    assert (left["unnamed"], left["booked"], left["released"]) == (1, 2, 1)
    problem(staff.post(f"{GROUPS}/{group['id']}/release", json={"seats": 2}), "illegal-step", 409)
    (rest,) = [s for s in left["items"] if s["state"] == "booked" and not s["donor"]]
    assert verb(staff, rest, "cancel")["state"] == "released"
    assert staff.get(f"{GROUPS}/{group['id']}").json()["unnamed"] == 0
    problem(staff.post(f"{ROUNDS}/{one['id']}/groups", json={"title": "Nhóm", "contact": contact, "seats": 8}), "round-full", 409)
    assert daemon.value("SELECT count(*) FROM seat_group WHERE round_id = %s", one["id"]) == 1
    assert_counts(daemon, one)


def test_seats_without_a_name_flow_back(staff, round_, donor, daemon):
    one = round_(capacity=2, date=day(1))
    held = {"title": "Bản Xa", "contact": donor(), "seats": 2, "release_hours": 0}
    group = staff.post(f"{ROUNDS}/{one['id']}/groups", json=held, expect=201).json()
    verb(staff, group["items"][0], "name", {"donor": donor()})
    waits = book(staff, one, donor(), wait=True)
    daemon.sql("UPDATE seat_group SET release_hours = 72 WHERE id = %s", group["id"])     # its hour has come
    wait_until(lambda: read(staff, waits)["state"] == "booked", what="refilled from the group")
    told = staff.get(f"{GROUPS}/{group['id']}").json()
    assert [(s["state"], s["reason"]) for s in told["items"]] == [("booked", None), ("released", "unnamed")]
    daemon.sql("UPDATE seat_group SET release_hours = 0 WHERE id = %s", group["id"])
    assert_counts(daemon, one)


def test_seats_that_would_go_back_at_once(staff, round_, donor, daemon):
    """It is eight: what is held for tomorrow, by hours that nobody asked for, is named at the door."""
    one, contact = round_(capacity=4, date=day(1), start="08:30", end="10:30"), donor()
    path, held = f"{ROUNDS}/{one['id']}/groups", {"title": "Bản Gần", "contact": contact, "seats": 2}
    assert field_codes(staff.post(path, json={**held, "release_hours": 30}, expect=422)) == {"/release_hours": "too_many"}
    group = staff.post(path, json=held, expect=201).json()
    assert (group["release_hours"], group["unnamed"]) == (18, 2)
    soon, late = round_(capacity=4, date=TODAY, start="20:00", end="22:00"), round_(capacity=4, date=day(1), start="20:00", end="22:00")
    kept = staff.post(f"{ROUNDS}/{soon['id']}/groups", json=held, expect=201).json()
    assert kept["release_hours"] == 0
    waits = [book(staff, soon, donor(), wait=True) for _ in range(3)][-1]
    other = staff.post(f"{ROUNDS}/{late['id']}/groups", json={**held, "release_hours": 35}, expect=201).json()
    late_slot = slots(staff, late)[-1]["id"]
    verb(staff, other["items"][0], "move", {"slot": late_slot})
    daemon.sql("UPDATE seat_group SET release_hours = 72 WHERE id = %s", other["id"])
    wait_until(lambda: staff.get(f"{GROUPS}/{other['id']}").json()["released"] == 2, what="the job has looked")
    daemon.sql("UPDATE seat_group SET release_hours = 35 WHERE id = %s", other["id"])
    assert read(staff, waits)["state"] == "waiting" and staff.get(f"{GROUPS}/{kept['id']}").json()["unnamed"] == 2


# ---- at the door ----

@pytest.fixture
def today(staff, seeds):
    """A round that runs today: it is eight, slots at seven, eight and nine."""
    def make(capacity=6, walk_in_percent=34, **more):
        made = seeds.open(capacity=capacity, date=TODAY, start="07:00", end="10:00", **more)
        set_slots(staff, made, slot_minutes=60, walk_in_percent=walk_in_percent)
        return staff.step(made["id"], "start").json()
    return make


def walk_in(client, round_, donor, expect=201, **more):
    return client.post(f"{ROUNDS}/{round_['id']}/walk-ins", json={"donor": donor, **more}, expect=expect).json()


def test_checked_in_by_the_code(staff, today, donor):
    one = today()
    made = book(staff, one, donor())
    assert made["slot"]["start"] == "09:00"                     # those before have begun
    typed = made["code"].lower().replace("-", " ")
    path = f"{ROUNDS}/{one['id']}/check-in"
    here = staff.post(path, json={"code": typed}).json()
    assert (here["id"], here["state"]) == (made["id"], "checked_in")
    problem(staff.post(path, json={"code": typed}), "illegal-step", 409)
    wrong = typed[:-1] + ("2" if typed[-1] != "2" else "3")
    assert field_codes(staff.post(path, json={"code": wrong}, expect=422)) == {"/code": "mistyped"}
    problem(staff.post(f"{ROUNDS}/{today(walk_in_percent=0)['id']}/check-in", json={"code": typed}), "not-found", 404)


def test_not_before_its_day_nor_its_hour(staff, round_, today, donor):
    early = book(staff, round_(), donor())
    problem(staff.post(f"{APPOINTMENTS}/{early['id']}/check_in", json={}), "illegal-step", 409)
    later = book(staff, today(), donor())
    problem(staff.post(f"{APPOINTMENTS}/{later['id']}/no_show", json={}), "illegal-step", 409)    # nine is to come


def test_walk_ins_have_their_share(staff, today, donor, daemon):
    one = today(capacity=6)                                     # two a slot, two in all for the door
    shares = {s["start"]: (s["left"], s["walk_in"]) for s in slots(staff, one)}
    assert shares["07:00"] == (0, 0) and shares["08:00"] == (0, 2)      # over; begun: all of it for the door
    came = []
    for _ in range(6):
        answer = staff.post(f"{ROUNDS}/{one['id']}/walk-ins", json={"donor": donor()})
        if answer.status_code == 409:
            problem(answer, "round-full")
            break
        came.append(answer.json())
    assert {c["state"] for c in came} == {"checked_in"} and {c["kind"] for c in came} == {"walk_in"}
    # all of the slot that runs, and only the share of the one to come
    by_start = [c["slot"]["start"] for c in came]
    assert by_start.count("08:00") == 2 and "07:00" not in by_start
    kept = daemon.value("SELECT walk_in FROM slot WHERE round_id = %s AND start_minute = 540", one["id"])
    assert by_start.count("09:00") == kept
    left = slots(staff, one)[2]["left"]
    assert left == 2 - kept
    assert [book(staff, one, donor())["slot"]["start"] for _ in range(left)] == ["09:00"] * left
    assert field_codes(staff.post(f"{ROUNDS}/{one['id']}/walk-ins", json={"donor": donor(), "wait": True}, expect=422)) == {"/wait": "not_here"}
    assert_counts(daemon, one)


def test_what_has_begun_is_not_booked(staff, today, donor):
    one = today()
    eight = next(s for s in slots(staff, one) if s["start"] == "08:00")
    path = f"{ROUNDS}/{one['id']}/appointments"
    assert field_codes(staff.post(path, json={"donor": donor(), "slot": eight["id"], "wait": True}, expect=422)) == {"/slot": "has_begun"}
    set_slots(staff, one, slot_minutes=180, walk_in_percent=0)      # one slot, from seven on
    told = problem(staff.post(path, json={"donor": donor(), "wait": True}, headers={"Accept-Language": "en"}), "illegal-step", 409)
    assert "walk-in" in told["detail"]


def test_who_comes_is_judged_anew(staff, today, donor):
    one = today(walk_in_percent=0)
    people = [donor() for _ in range(2)]
    made = [book(staff, one, who) for who in people]
    for who in people:
        staff.post(f"{DONORS}/{who}/deferrals", json={"code": "malaria"}, expect=201)
    here = verb(staff, made[0], "check_in")
    assert (here["state"], here["verdict"]["decision"]) == ("checked_in", "refused")
    here = staff.post(f"{ROUNDS}/{one['id']}/check-in", json={"code": made[1]["code"]}).json()
    assert (here["state"], here["verdict"]["decision"]) == ("checked_in", "refused")


def test_the_place_of_who_did_not_come(staff, today, donor, daemon):
    one = today(capacity=3, walk_in_percent=0)
    who = donor()
    made = book(staff, one, who)
    daemon.sql("UPDATE appointment SET slot_id = (SELECT id FROM slot WHERE round_id = %s AND start_minute = 480) WHERE id = %s",
               one["id"], made["id"])                           # as if booked yesterday for eight
    problem(staff.post(f"{ROUNDS}/{one['id']}/walk-ins", json={"donor": donor()}), "round-full", 409)
    assert verb(staff, made, "no_show")["state"] == "no_show"
    came = walk_in(staff, one, donor())
    assert (came["slot"]["start"], came["state"]) == ("08:00", "checked_in")
    problem(staff.post(f"{APPOINTMENTS}/{made['id']}/check_in", json={}), "round-full", 409)      # too late: the place is taken
    assert_counts(daemon, one)


def test_who_comes_late_while_there_is_room(staff, today, donor, daemon):
    one = today(capacity=3, walk_in_percent=0)
    made = book(staff, one, donor())
    daemon.sql("UPDATE appointment SET slot_id = (SELECT id FROM slot WHERE round_id = %s AND start_minute = 480) WHERE id = %s",
               one["id"], made["id"])
    verb(staff, made, "no_show")
    assert verb(staff, made, "check_in")["state"] == "checked_in"
    assert_counts(daemon, one)


@pytest.mark.parametrize("given_back", [False, True])
def test_who_comes_late_to_an_hour_that_is_gone(staff, today, donor, daemon, given_back):
    """By the desk and by a phone, whichever tells of it first: nobody else is in such an hour, so theirs is there while the round has one."""
    one = today(capacity=6, walk_in_percent=0)
    made = [book(staff, one, donor()) for _ in range(2)]
    daemon.sql("UPDATE appointment SET slot_id = (SELECT id FROM slot WHERE round_id = %s AND start_minute = 420) WHERE id = ANY (%s)",
               one["id"], [a["id"] for a in made])
    path = f"{ROUNDS}/{one['id']}"
    staff.patch(path, json={"start": "08:00"}, headers={"If-Match": staff.etag(path)}, expect=200)
    wait_until(lambda: [s["start"] for s in slots(staff, one) if not s["stands"]] == ["07:00"], what="laid")
    for appointment in made:
        verb(staff, appointment, "no_show")
    if given_back:
        set_capacity(staff, one, 5)
        wait_until(lambda: daemon.value("SELECT capacity FROM slot WHERE round_id = %s AND start_minute = 420", one["id"]) == 0, what="laid anew")
    assert verb(staff, made[0], "check_in")["state"] == "checked_in"
    assert arrive(daemon, (one, made[1]["donor"]["id"])) == 1
    assert read(staff, made[1])["state"] == "checked_in"
    assert_counts(daemon, one)


def arrive(daemon, *pairs):
    """Rounds and people whom phones captured at the door: how many are checked in by it. Written as the daemon writes it."""
    items = [{"round": round_["id"], "donor": who} for round_, who in pairs] if pairs else None
    with daemon.database() as connection:
        return connection.execute(
            "WITH step AS MATERIALIZED (SELECT s.* FROM appointment_do('check_in', %s::jsonb, %s) AS s),"
            " audit AS (INSERT INTO audit_entry (id, actor_kind, actor_role, action, subject_kind, subject_id, key_id, digest_before, digest_after)"
            "  SELECT uuid7_make(), 'daemon', 'admin', s.action, s.subject, s.id::text, k.id, s.digest_before, s.digest_after"
            "  FROM step AS s, key AS k WHERE k.kind = 'hash' AND k.state = 'active')"
            " SELECT count(*) FROM step", [json.dumps({"items": items}), NOW]).fetchone()[0]


def test_whom_phones_captured_at_the_door(staff, today, round_, donor, daemon):
    one, other, later = today(capacity=12, walk_in_percent=0), today(capacity=3, walk_in_percent=0), round_()
    people = [donor() for _ in range(4)]
    made = [book(staff, one, who) for who in people]
    verb(staff, made[1], "cancel")
    elsewhere, twin = donor(), donor()
    has = [book(staff, other, elsewhere), book(staff, later, people[0])]
    waits = [book(staff, other, donor(), wait=True) for _ in range(2)][-1]
    assert waits["state"] == "waiting"
    merge(staff, people[2], twin)
    pairs = [(one, people[0]), (one, people[1]), (one, twin), (one, elsewhere), (other, people[3]), (other, waits["donor"]["id"]),
             (later, people[0]), (one, NOBODY), ({"id": NOBODY}, people[0]), (one, people[0])]
    assert arrive(daemon) == 0
    assert arrive(daemon, *pairs) == 2
    assert arrive(daemon, *pairs) == 0
    assert [read(staff, a)["state"] for a in (*made, *has, waits)] == [
        "checked_in", "cancelled", "checked_in", "booked", "booked", "booked", "waiting"]
    assert read(staff, made[0])["version"] == 2
    (told,) = daemon.sql("SELECT appointment_id::text, donor_id::text, code, kind, start_minute FROM appointment_expected WHERE round_id = %s",
                         one["id"])
    assert told == (made[3]["id"], people[3], made[3]["code"], "booking", 540)
    merge(staff, twin := donor(), people[3])                    # now another record stands
    assert daemon.value("SELECT donor_id::text FROM appointment_expected WHERE round_id = %s", one["id"]) == twin
    assert arrive(daemon, (one, twin)) == 1
    assert_counts(daemon, one)


def test_captured_at_the_door_after_all(staff, today, donor, daemon):
    """Who was taken for absent: there is a place, it was given away, or they have come by another way."""
    one = today(capacity=6, walk_in_percent=0)
    made = [book(staff, one, donor()) for _ in range(2)]
    daemon.sql("UPDATE appointment SET slot_id = (SELECT id FROM slot WHERE round_id = %s AND start_minute = 480) WHERE id = ANY (%s)",
               one["id"], [a["id"] for a in made])
    pairs = [(one, a["donor"]["id"]) for a in made]
    for appointment in made:
        verb(staff, appointment, "no_show")
    assert walk_in(staff, one, made[0]["donor"]["id"])["state"] == walk_in(staff, one, donor())["state"] == "checked_in"
    problem(staff.post(f"{APPOINTMENTS}/{made[0]['id']}/check_in", json={}), "already-booked", 409)
    assert arrive(daemon, *pairs) == 0                          # one is there already, of the other the place is taken
    assert [read(staff, a)["state"] for a in made] == ["no_show", "no_show"]
    daemon.sql("UPDATE slot SET capacity = capacity + 1 WHERE round_id = %s AND start_minute = 480", one["id"])
    assert [arrive(daemon, *pairs) for _ in range(2)] == [1, 0]
    assert [read(staff, a)["state"] for a in made] == ["no_show", "checked_in"]
    assert_counts(daemon, one)


def test_walk_ins_only_on_the_day(staff, round_, donor):
    problem(staff.post(f"{ROUNDS}/{round_()['id']}/walk-ins", json={"donor": donor()}), "illegal-step", 409)


# ---- read ----

def test_listed(staff, api, round_, donor, daemon):
    one = round_()
    made = [book(staff, one, donor()) for _ in range(3)]
    verb(staff, made[1], "cancel")
    path = f"{ROUNDS}/{one['id']}/appointments"
    assert [a["id"] for a in staff.items(path, limit=2)] == [a["id"] for a in made]
    assert [a["id"] for a in staff.items(path, state="booked")] == [made[0]["id"], made[2]["id"]]
    problem(staff.get(path, params={"state": "here"}, expect=400), "invalid-query")
    assert all(a["donor"]["name"] for a in staff.items(path))
    assert all("name" not in a["donor"] for a in api.as_("auditor").items(path))
    read_of = "SELECT count(*) FROM audit_entry WHERE action = 'appointment.list' AND subject_id = %s"
    assert [daemon.value(read_of, a["donor"]["id"]) for a in made] == [3, 2, 3]
    staff.get(path, params={"limit": 1})
    assert [daemon.value(read_of, a["donor"]["id"]) for a in made] == [4, 2, 3]    # the next one was not told
    assert staff.get(f"{APPOINTMENTS}/{made[0]['id']}").headers["cache-control"] == "no-store"
    (mine,) = staff.get(f"{DONORS}/{made[1]['donor']['id']}/export").json()["appointments"]
    assert (mine["id"], mine["state"], mine["start"]) == (made[1]["id"], "cancelled", made[1]["slot"]["start"])
    problem(staff.get(f"{APPOINTMENTS}/{NOBODY}", expect=404), "not-found")
    problem(staff.get(f"{GROUPS}/{NOBODY}", expect=404), "not-found")
    problem(staff.post(f"{GROUPS}/{NOBODY}/release", json={"seats": 1}), "not-found", 404)


def test_one_record_that_does_not_open(staff, round_, donor, daemon):
    """The desk's list of the day is there all the same."""
    one = round_()
    made = [book(staff, one, donor()) for _ in range(3)]
    damage = ("UPDATE donor SET sealed = set_byte(sealed, 30, get_byte(sealed, 30) # 1) WHERE id = %s", made[1]["donor"]["id"])
    daemon.sql(*damage)
    try:
        told = staff.items(f"{ROUNDS}/{one['id']}/appointments")
    finally:
        daemon.sql(*damage)
    assert [a["id"] for a in told] == [a["id"] for a in made]
    assert [bool(a["donor"]["name"]) for a in told] == [True, False, True] and told[1]["donor"]["donor_number"]
    assert all(a["donor"]["name"] for a in staff.items(f"{ROUNDS}/{one['id']}/appointments"))


# ---- one person, no person ----

def merge(client, donor, other):
    client.post(f"{DONORS}/{donor}/merge", json={"with": other}, headers={"If-Match": client.etag(f"{DONORS}/{donor}")})


def test_two_records_of_one_person_have_one_place(staff, round_, donor, daemon):
    one, other, who, twin = round_(), round_(), donor(), donor()
    waits_too, has = book(staff, other, twin), book(staff, one, who)
    again = book(staff, one, twin)
    merge(staff, who, twin)
    assert [(read(staff, a)["state"], read(staff, a)["reason"]) for a in (has, again)] == [("booked", None), ("cancelled", "merged")]
    assert read(staff, waits_too)["donor"]["id"] == who
    problem(staff.post(f"{ROUNDS}/{other['id']}/appointments", json={"donor": who}), "already-booked", 409)
    assert_counts(daemon, one)


def test_two_people_after_all_ask_again(staff, round_, donor, daemon):
    one, who, twin = round_(capacity=2), donor(), donor()
    has, taken = book(staff, one, who), book(staff, one, twin)
    waits = book(staff, one, donor(), wait=True)
    merge(staff, who, twin)
    wait_until(lambda: read(staff, waits)["state"] == "booked", what="refilled")
    staff.post(f"{DONORS}/{who}/merge/undo", json={"with": twin}, headers={"If-Match": staff.etag(f"{DONORS}/{who}")}, expect=200)
    assert [read(staff, a)["state"] for a in (has, taken)] == ["booked", "waiting"]
    behind = book(staff, one, donor(), wait=True)
    assert [read(staff, a)["position"] for a in (taken, behind)] == [1, 2]
    verb(staff, waits, "cancel")
    assert [read(staff, a)["state"] for a in (taken, behind)] == ["booked", "waiting"]
    assert_counts(daemon, one)


def test_who_was_erased_has_no_place(staff, admin, round_, donor, daemon):
    one, who = round_(), donor()
    made = book(staff, one, who)
    staff.post(f"{DONORS}/{who}/erasure", json={}, expect=201)
    admin.post(f"{DONORS}/{who}/erasure/approve", json={})
    told = read(staff, made)
    assert (told["state"], told["reason"]) == ("cancelled", "erased") and not told["donor"].get("name")
    assert staff.post(f"{ROUNDS}/{one['id']}/appointments", json={"donor": who}).status_code == 409
    assert_counts(daemon, one)


# ---- faults ----

def test_killed_while_places_are_given(fresh_daemon, api_of):
    """D1 to D3 and D6: what was acknowledged is there once, a retry makes it known, no place is given twice."""
    daemon = fresh_daemon()
    staff = api_of(daemon, daemon.token("staff"))
    seeds = Seeds(staff, itertools.count(1))
    places = 30
    one = seeds.open(capacity=places, date=day(20), **HOURS)
    set_slots(staff, one, walk_in_percent=0)
    people = [staff.post(DONORS, json={"name": f"Lò Văn {'bcdghklmnp'[n % 10]}a{'bcdghklmnp'[n // 10]}ô", "birth_year": 1980 + n % 20},
                         expect=201).json()["id"] for n in range(60)]
    answers, stop = {}, threading.Event()

    def writer(mine):
        """Books, waits where it must, and says the same again until an answer comes."""
        for who in mine:
            while who not in answers and not stop.is_set():
                try:
                    answer = httpx.post(f"{daemon.url}{ROUNDS}/{one['id']}/appointments", json={"donor": who, "wait": True}, timeout=20,
                                        headers={"Authorization": f"Bearer {daemon.token('staff')}", "Idempotency-Key": who})
                except httpx.HTTPError:
                    time.sleep(0.02)
                    continue
                if answer.status_code in (200, 201):
                    answers[who] = answer.json()
                else:
                    assert answer.status_code in (409, 503), answer.text    # running, or unknown

    writers = [threading.Thread(target=writer, args=(people[n::6],)) for n in range(6)]
    for thread in writers:
        thread.start()
    try:
        for kills in range(1, 4):
            wait_until(lambda: len(answers) >= 12 * kills, 240, what="bookings")
            daemon.kill()
            daemon.start()
        for thread in writers:
            thread.join(240)
    finally:
        stop.set()
    assert len(answers) == len(people)
    rows = daemon.sql("SELECT id::text, donor_id::text, state, code FROM appointment WHERE round_id = %s", one["id"])
    assert len(rows) == len(people) == len({donor for _, donor, _, _ in rows})
    assert {(i, d, c) for i, d, _, c in rows} == {(a["id"], a["donor"]["id"], a["code"]) for a in answers.values()}
    assert sorted(state for _, _, state, _ in rows) == ["booked"] * places + ["waiting"] * (len(people) - places)
    assert daemon.sql("SELECT count(*), count(DISTINCT subject_id) FROM audit_entry WHERE action IN ('appointment.book', 'appointment.wait')"
                      " AND subject_id = ANY (%s)", [i for i, *_ in rows]) == [(len(people), len(people))]
    assert_counts(daemon, one)
    # whoever gives a place back gives it to the next one
    booked = [a for a in staff.items(f"{ROUNDS}/{one['id']}/appointments", state="booked")]
    for appointment in booked[:3]:
        verb(staff, appointment, "cancel")
    queue = [a["id"] for a in staff.items(f"{ROUNDS}/{one['id']}/appointments", state="waiting")]
    assert len(queue) == len(people) - places - 3
    assert_counts(daemon, one)
    daemon.assert_records_fit()


def test_the_audit_fits(daemon):
    """All that the tests above did."""
    daemon.assert_records_fit()
