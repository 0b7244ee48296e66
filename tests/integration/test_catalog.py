"""Campaigns, venues, teams: made, read, changed, retired."""
import pytest

from harness.client import field_codes, problem

THINGS = {
    "campaigns": (lambda n: {"slug": f"chien-dich-{n}", "name": f"Chiến dịch {n}", "usual_from": "06-01", "usual_to": "08-31"},
                  {"name": "Tên mới", "sundays": True}),
    "venues": (lambda n: {"name": f"Hội trường {n}", "unit": "Huyện Than Uyên", "capacity": 120, "address": "khu 2"},
               {"capacity": 90, "active": False}),
    "teams": (lambda n: {"code": f"T{n}", "name": f"Đội {n}", "beds": 8}, {"beds": 10, "organisation": "Bệnh viện thử nghiệm"}),
}


@pytest.fixture(params=THINGS)
def thing(request, seeds, staff):
    body, change = THINGS[request.param][0](seeds.number()), THINGS[request.param][1]
    answer = staff.post(f"/api/v1/{request.param}", json=body, expect=201)
    return request.param, body, change, answer


def test_made_and_read(thing, staff, api):
    kind, body, _, answer = thing
    made = answer.json()
    assert answer.headers["location"] == f"/api/v1/{kind}/{made['id']}"
    for name, value in body.items():
        assert made[name] == value or (name == "unit" and made["unit"]["name"] == value), name
    assert staff.get(answer.headers["location"]).json() == made
    assert api.get(f"/api/v1/{kind}/{made['id']}").json() == made
    assert made["id"] in [t["id"] for t in staff.items(f"/api/v1/{kind}")]


def test_changed(thing, staff):
    kind, _, change, answer = thing
    path = answer.headers["location"]
    problem(staff.patch(path, change), "precondition-required", 428)
    after = staff.patch(path, change, etag=staff.etag(path), expect=200).json()
    assert after == {**answer.json(), **change, "version": 2}
    problem(staff.patch(path, change, etag=answer.headers["etag"]), "stale", 412)
    assert staff.patch(path, {}, etag=staff.etag(path), expect=200).json()["name"] == after["name"]


def test_the_same_twice(thing, staff):
    kind, body, _, _ = thing
    problem(staff.post(f"/api/v1/{kind}", json=body), "already-exists", 409)


def test_what_cannot_be_cleared(thing, staff):
    kind, body, _, answer = thing
    path = answer.headers["location"]
    assert "/name" in field_codes(staff.patch(path, {"name": None}, etag=staff.etag(path), expect=422))
    assert "/name" in field_codes(staff.patch(path, {"name": " \t "}, etag=staff.etag(path), expect=422))


def test_unknown_and_missing(staff):
    for kind, (body, _) in THINGS.items():
        assert field_codes(staff.post(f"/api/v1/{kind}", json={**body(0), "colour": 1}, expect=422)) == {"/colour": "unknown_field"}
        assert "/name" in field_codes(staff.post(f"/api/v1/{kind}", json={}, expect=422))
        staff.get(f"/api/v1/{kind}/00000000-0000-7000-8000-000000000000", expect=404)
        staff.get(f"/api/v1/{kind}/khong-co", expect=404)


@pytest.mark.parametrize("kind, body, pointer", [
    ("campaigns", {"slug": "Có Dấu", "name": "x"}, "/slug"), ("campaigns", {"slug": "a--b", "name": "x"}, "/slug"),
    ("campaigns", {"slug": "a", "name": "x", "main_day": "02-30"}, "/main_day"),
    ("campaigns", {"slug": "a", "name": "x", "usual_from": "06-01"}, "/usual_to"),
    ("venues", {"name": "x", "unit": "Atlantis"}, "/unit"), ("venues", {"name": "x", "unit": "Huyện Than Uyên", "capacity": 0}, "/capacity"),
    ("teams", {"code": "có dấu", "name": "x"}, "/code"), ("teams", {"code": "T1", "name": "x", "beds": "8"}, "/beds"),
    ("teams", {"code": "T1", "name": "x" * 201}, "/name"), ("teams", {"code": "T1", "name": "a\u0007b"}, "/name"),
])
def test_impossible(staff, kind, body, pointer):
    assert pointer in field_codes(staff.post(f"/api/v1/{kind}", json=body, expect=422))


def test_a_retired_venue_stays_readable_and_leaves_the_list(seeds, staff, api):
    venue = seeds.venue()
    path = f"/api/v1/venues/{venue['id']}"
    staff.patch(path, {"active": False}, etag=staff.etag(path), expect=200)
    assert staff.get(path).json()["active"] is False
    assert venue["id"] not in [v["id"] for v in staff.items("/api/v1/venues", limit=500)]
    assert venue["id"] in [v["id"] for v in staff.items("/api/v1/venues", limit=500, inactive="true")]


def test_venues_of_a_place(seeds, staff):
    here, there = seeds.venue(unit="Huyện Than Uyên"), seeds.venue(unit="Huyện Sìn Hồ")
    found = [v["id"] for v in staff.items("/api/v1/venues", unit="Than Uyên", limit=500)]
    assert here["id"] in found and there["id"] not in found


def test_a_new_name_shows_in_its_rounds(seeds, staff):
    team = seeds.team()
    one = seeds.official(team=team["id"])
    path = f"/api/v1/teams/{team['id']}"
    staff.patch(path, {"name": "Đội đổi tên"}, etag=staff.etag(path), expect=200)
    assert staff.round(one["id"])["team"]["name"] == "Đội đổi tên"


def test_campaigns_of_the_facts_are_there(api):
    slugs = {c["slug"] for c in api.items("/api/v1/campaigns", limit=500)}
    assert {"chu-nhat-do", "le-hoi-xuan-hong", "nhung-giot-mau-hong-he"} & slugs, slugs
