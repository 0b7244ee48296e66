"""A round's life: each legal step, each illegal one, who comes too late."""
import concurrent.futures

import pytest

from harness.client import field_codes, problem, until_served
from harness.seeds import TODAY, day

VERBS = {
    "announce": {}, "open": {}, "start": {}, "close": {}, "reopen": {"reason": "nhầm"},
    "postpone": {"reason": "mưa lớn"}, "move": {"reason": "mưa lớn", "date": "2025-06-20"},
    "cancel": {"reason": "mưa lớn"}, "confirm": {"document": "Công văn thử nghiệm số 2"},
}

# status: {verb: status after it}; what is not here is refused. For a round of today with a capacity, date official.
LEGAL = {
    "draft": {"announce": "announced", "cancel": "cancelled", "confirm": "draft"},
    "announced": {"open": "open", "start": "running", "postpone": "postponed", "move": "moved",
                  "cancel": "cancelled", "confirm": "announced"},
    "open": {"start": "running", "postpone": "postponed", "move": "moved", "cancel": "cancelled", "confirm": "open"},
    "running": {"close": "closed", "cancel": "cancelled", "confirm": "running"},
    "closed": {"reopen": "running", "confirm": "closed"},
    "postponed": {"reopen": "announced", "move": "moved", "cancel": "cancelled"},
    "moved": {"postpone": "postponed", "move": "moved", "cancel": "cancelled", "confirm": "moved"},
    "cancelled": {"reopen": "announced"},
}




def make(seeds, status):
    if status == "announced":
        return seeds.official(date=TODAY, capacity=50)
    return seeds.in_status(status, date=TODAY, capacity=50)


@pytest.mark.parametrize("status", LEGAL)
def test_each_verb_from(status, seeds, staff):
    for verb, body in VERBS.items():
        one = make(seeds, status)
        assert one["status"] == status
        answer = staff.step(one["id"], verb, body, expect=None)
        if verb in LEGAL[status]:
            assert answer.status_code == 200, f"{verb} of a round that is {status}: {answer.text}"
            after = answer.json()
            assert after["status"] == LEGAL[status][verb] and after["version"] == one["version"] + 1
        elif (status, verb) == ("moved", "open"):
            assert field_codes(answer) == {"/date_status": "not_official"}, "a moved date is a proposal again"
        else:
            problem(answer, "illegal-step", 409)
            assert staff.round(one["id"]) == one, f"{verb} of a round that is {status} changed it"


def test_from_draft_to_closed(seeds, staff, api):
    draft = seeds.draft(date=TODAY, capacity=80, start="07:30", end="10:30")
    assert (draft["status"], draft["date_status"], draft["time_status"]) == ("draft", "proposed", "proposed")
    assert draft["starts_at"] == f"{TODAY}T07:30:00+07:00" and draft["ends_at"] == f"{TODAY}T10:30:00+07:00"
    assert draft["places"] == {"capacity": 80, "booked": 0, "left": 80, "walk_in": 0}
    problem(api.get(f"/api/v1/rounds/{draft['id']}", expect=404), "not-found")
    staff.step(draft["id"], "announce")
    assert api.round(draft["id"])["status"] == "announced"
    confirmed = staff.step(draft["id"], "confirm", {"document": "Công văn số 3", "facts": ["date", "time", "place"]}).json()
    assert {confirmed[f] for f in ("date_status", "time_status", "place_status")} == {"official"}
    assert confirmed["document"] == "Công văn số 3"
    assert [staff.step(draft["id"], verb).json()["status"] for verb in ("open", "start", "close")] == ["open", "running", "closed"]


def test_a_proposed_date_cannot_be_opened(seeds, staff):
    problem(staff.step(seeds.announced(capacity=10)["id"], "open", expect=(409, 422)))


def test_open_needs_a_capacity_and_a_day_to_come(seeds, staff):
    assert "/capacity" in field_codes(staff.step(seeds.official()["id"], "open", expect=422))
    past = seeds.official(date=day(-3), capacity=10)
    problem(staff.step(past["id"], "open", expect=(409, 422)))


def test_start_only_on_the_day(seeds, staff):
    problem(staff.step(seeds.official(date=day(1))["id"], "start", expect=409), "illegal-step")


def test_a_round_held_is_closed_without_a_start(seeds, staff):
    held = seeds.official(date=day(-2))
    assert staff.step(held["id"], "close").json()["status"] == "closed"
    not_yet = seeds.official(date=day(2))
    problem(staff.step(not_yet["id"], "close", expect=409), "illegal-step")


def test_a_reason_is_required(seeds, staff):
    one = seeds.official()
    for verb in ("postpone", "cancel", "move"):
        body = {"date": "2025-06-20"} if verb == "move" else {}
        assert field_codes(staff.step(one["id"], verb, body, expect=422)).get("/reason") == "required"
    assert "/document" in field_codes(staff.step(one["id"], "confirm", {}, expect=422))


def test_move_keeps_the_official_date_it_had(seeds, staff, api):
    one = seeds.official(start="07:30", end="10:30")
    moved = staff.step(one["id"], "move", {"reason": "sạt lở đường", "date": "2025-06-20"}).json()
    assert moved["moved_from"] == one["date"] and moved["date"] == "2025-06-20"
    assert moved["date_status"] == "proposed" and moved["status_reason"] == "sạt lở đường"
    assert moved["starts_at"] == "2025-06-20T07:30:00+07:00"
    official = staff.step(one["id"], "move", {"reason": "đổi lại", "date": "2025-06-21", "document": "CV 5"}).json()
    assert official["date_status"] == "official" and official["document"] == "CV 5"
    assert "/date" in field_codes(staff.step(one["id"], "move", {"reason": "lùi", "date": day(-1)}, expect=422))


def test_move_over_the_reform_names_the_communes(seeds, staff):
    """Districts ended on 1/7/2025: a round moved beyond it is held by what took their place."""
    one = seeds.official(units=["Huyện Sìn Hồ"])
    moved = staff.step(one["id"], "move", {"reason": "mưa lớn", "date": "2025-08-20"}).json()
    assert moved["units"] and "Huyện Sìn Hồ" not in [u["name"] for u in moved["units"]]


def test_unknown_fields_are_refused_by_name(seeds, staff):
    one = seeds.official()
    assert field_codes(staff.step(one["id"], "postpone", {"reason": "mưa", "colour": "red"}, expect=422)) == \
        {"/colour": "unknown_field"}
    answer = staff.patch(f"/api/v1/rounds/{one['id']}", {"titel": "sai"}, etag=staff.etag(f"/api/v1/rounds/{one['id']}"), expect=422)
    assert "/titel" in field_codes(answer)


def test_edit_what_may_be_edited(seeds, staff):
    one = seeds.official()
    path = f"/api/v1/rounds/{one['id']}"
    after = staff.patch(path, {"title": "Tên mới", "target_units": 250, "note": "ghi chú"}, etag=staff.etag(path), expect=200).json()
    assert (after["title"], after["target_units"], after["note"]) == ("Tên mới", 250, "ghi chú")
    assert after["version"] == one["version"] + 1
    cleared = staff.patch(path, {"target_units": None, "note": None}, etag=staff.etag(path), expect=200).json()
    assert cleared["target_units"] is None and cleared["note"] is None
    answer = staff.patch(path, {"date": "2025-04-20"}, etag=staff.etag(path))
    assert answer.status_code in (409, 422), "the date of an announced round is moved, not edited"
    closed = seeds.in_status("closed")
    path = f"/api/v1/rounds/{closed['id']}"
    problem(staff.patch(path, {"title": "x"}, etag=staff.etag(path), expect=409), "illegal-step")


def test_impossible_values(seeds, staff):
    plan = seeds.plan()
    path = f"/api/v1/plans/{plan['id']}/rounds"
    good = {"title": "Đợt", "date": "2025-04-15", "units": ["Huyện Than Uyên"]}
    for change, pointer in [({"date": "2025-02-29"}, "/date"), ({"date": None}, "/date"), ({"title": " "}, "/title"),
                            ({"units": ["Atlantis"]}, "/units/0"),
                            ({"start": "7h30"}, "/start"), ({"start": "10:00", "end": "09:00"}, "/end"),
                            ({"capacity": 0}, "/capacity"), ({"target_units": -1}, "/target_units"),
                            ({"team": "00000000-0000-7000-8000-000000000000"}, "/team"),
                            ({"venue": "00000000-0000-7000-8000-000000000000"}, "/venue"),
                            ({"campaigns": ["khong-co"]}, "/campaigns/0"), ({"ordinal": 0}, "/ordinal"),
                            ({"date": "2027-01-01"}, "/date"), ({"title": "x" * 201}, "/title")]:
        answer = staff.post(path, json={**good, **change})
        assert answer.status_code == 422, f"{change}: {answer.status_code} {answer.text}"
        found = field_codes(answer)
        assert any(p == pointer or p.startswith(pointer + "/") or pointer.startswith(p + "/") for p in found), (change, found)
    assert staff.items("/api/v1/rounds", plan=plan["id"], **{"from": "2020-01-01"}) == []


def test_codes_follow_the_plan(seeds, staff, api):
    plan = seeds.plan()
    codes = [seeds.draft(plan=plan, date=f"2025-04-{d}")["code"] for d in (15, 16, 17)]
    assert codes == [f"{plan['code_prefix']}-0{n}" for n in (1, 2, 3)]
    assert seeds.draft(plan=plan, date="2025-04-18", ordinal=9)["code"] == f"{plan['code_prefix']}-09"
    body = {"title": "Đợt", "date": "2025-04-19", "units": ["Huyện Than Uyên"], "ordinal": 9}
    answer = staff.post(f"/api/v1/plans/{plan['id']}/rounds", json=body)
    assert answer.status_code in (409, 422), answer.text
    assert staff.round(codes[0])["code"] == codes[0], "a round is found by its code too"


# ---- two people at once ----

def test_without_if_match(seeds, staff):
    one = seeds.official()
    problem(staff.post(f"/api/v1/rounds/{one['id']}/postpone", json={"reason": "mưa"}), "precondition-required", 428)
    problem(staff.patch(f"/api/v1/rounds/{one['id']}", {"title": "x"}), "precondition-required", 428)
    for bad in ("*", "7", 'W/"1"', '"x"', "", '"1", "2"'):
        answer = staff.patch(f"/api/v1/rounds/{one['id']}", {"title": "x"}, headers={"If-Match": bad})
        assert answer.status_code in (400, 412, 428), (bad, answer.text)
    assert staff.round(one["id"]) == one


def test_who_comes_second_is_told(seeds, staff):
    one = seeds.official()
    path = f"/api/v1/rounds/{one['id']}"
    etag = staff.etag(path)
    staff.patch(path, {"title": "của người thứ nhất"}, etag=etag, expect=200)
    problem(staff.patch(path, {"title": "của người thứ hai"}, etag=etag), "stale", 412)
    problem(staff.step(one["id"], "postpone", {"reason": "mưa"}, etag=etag, expect=412), "stale")
    assert staff.round(one["id"])["title"] == "của người thứ nhất"


def test_twenty_at_once_and_one_wins(daemon, seeds, staff, api_of):
    one = seeds.official()
    path, etag = f"/api/v1/rounds/{one['id']}", staff.etag(f"/api/v1/rounds/{one['id']}")
    token = daemon.token("staff")

    def change(n):
        client = api_of(daemon, token)
        return until_served(lambda: client.patch(path, {"title": f"số {n}"}, etag=etag)).status_code

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        statuses = sorted(pool.map(change, range(20)))
    assert statuses == [200] + [412] * 19
    assert staff.round(one["id"])["version"] == one["version"] + 1


def test_a_venue_outside_the_units(seeds, staff):
    here, there = seeds.venue(), seeds.venue(unit="Huyện Sìn Hồ")
    plan, one = seeds.plan(), seeds.announced(venue=here["id"])
    new = {"title": "Đợt thử nghiệm", "date": "2025-04-16", "units": ["Huyện Than Uyên"], "venue": there["id"]}
    outside = {"/venue": "outside_units"}
    assert field_codes(staff.post(f"/api/v1/plans/{plan['id']}/rounds", json=new, expect=422)) == outside
    assert field_codes(staff.step(one["id"], "move", {"reason": "mưa lớn", "date": "2025-06-20", "venue": there["id"]},
                                  expect=422)) == outside
    path = f"/api/v1/rounds/{one['id']}"
    assert field_codes(staff.patch(path, {"venue": there["id"]}, etag=staff.etag(path), expect=422)) == outside
    assert staff.round(one["id"]) == one
    both = {"units": ["Huyện Sìn Hồ"], "venue": there["id"]}
    assert staff.patch(path, both, etag=staff.etag(path), expect=200).json()["venue"]["id"] == there["id"]


@pytest.mark.parametrize("kind, slug", [("team", "team-busy"), ("venue", "venue-busy")])
def test_twenty_rounds_race_for_one_day(daemon, seeds, staff, api_of, kind, slug):
    """A team and a venue serve one round a day: of twenty drafts at once, one is made."""
    busy = getattr(seeds, kind)()
    plan = seeds.plan()
    token = daemon.token("staff")

    def create(n):
        body = {"title": f"Đợt {n}", "date": "2025-05-12", "units": ["Huyện Than Uyên"], kind: busy["id"], "ordinal": n + 1}
        client = api_of(daemon, token)
        answer = until_served(lambda: client.post(f"/api/v1/plans/{plan['id']}/rounds", json=body))
        if answer.status_code != 201:
            problem(answer, slug, 409)
        return answer.status_code

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        assert sorted(pool.map(create, range(20))) == [201] + [409] * 19


def test_a_round_called_off_frees_team_and_venue(seeds, staff):
    team, venue = seeds.team(), seeds.venue()
    first = seeds.official(team=team["id"], venue=venue["id"], date="2025-05-13")
    assert first["team"]["id"] == team["id"] and first["venue"]["id"] == venue["id"]
    staff.step(first["id"], "postpone", {"reason": "mưa"})
    seeds.draft(team=team["id"], venue=venue["id"], date="2025-05-13")
    answer = staff.step(first["id"], "reopen", {"reason": "tạnh mưa"}, expect=409)
    assert answer.json()["type"] in ("/problems/team-busy", "/problems/venue-busy")


# ---- drafts are for staff only ----

def test_drafts_are_hidden(seeds, api, staff):
    draft = seeds.draft(date="2025-07-21", units=["Xã Than Uyên"])
    plan = draft["plan"]["id"]
    assert api.items("/api/v1/rounds", plan=plan) == []
    assert [r["id"] for r in staff.items("/api/v1/rounds", plan=plan)] == [draft["id"]]
    for role in ("public", "gateway", "hospital"):
        client = api.as_(role)
        assert client.get(f"/api/v1/rounds/{draft['id']}", expect=None).status_code == 404
        assert client.items("/api/v1/rounds", plan=plan, status="draft") == []
        assert client.get(f"/api/v1/plans/{plan}").json()["rounds"] == []
    for role in ("comms", "staff", "auditor", "admin"):
        assert api.as_(role).round(draft["id"])["status"] == "draft"


def test_cancelled_as_a_draft_stays_hidden(seeds, staff, api):
    draft = seeds.draft()
    staff.step(draft["id"], "cancel", {"reason": "nhập nhầm"})
    assert api.get(f"/api/v1/rounds/{draft['id']}", expect=None).status_code == 404
    assert api.items("/api/v1/rounds", plan=draft["plan"]["id"]) == []
