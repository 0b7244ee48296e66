"""Filters, pages and caching of the lists; units by every name they ever had."""
import itertools

import pytest

from harness.client import problem
from harness.daemon import wait_until

ALL = {"from": "2012-01-01", "date_precision": "day,month,year"}


@pytest.fixture
def rounds(loaded, with_history, staff):
    return staff.items("/api/v1/rounds", **ALL, limit=500)


def ids(items):
    return [item["id"] for item in items]


# ---- pages ----

@pytest.mark.parametrize("limit", [1, 2, 3, 7, 50, 500])
def test_walking_the_pages_gives_the_whole_list(staff, rounds, limit):
    assert ids(staff.items("/api/v1/rounds", **ALL, limit=limit)) == ids(rounds)


@pytest.mark.parametrize("limit", [1, 4])
def test_backwards_too(staff, rounds, limit):
    newest = ids(staff.items("/api/v1/rounds", **ALL, limit=limit, order="desc"))
    assert sorted(newest) == sorted(ids(rounds)) and len(set(newest)) == len(newest)
    days = [r["period"]["from"] for r in staff.items("/api/v1/rounds", **ALL, order="desc", limit=500)]
    assert days == sorted(days, reverse=True)


@pytest.mark.parametrize("path", ["/api/v1/plans", "/api/v1/campaigns", "/api/v1/venues", "/api/v1/teams", "/api/v1/units"])
def test_other_lists_page_the_same_way(seeds, staff, path):
    for make in (seeds.team, seeds.venue, seeds.plan):
        make(), make(), make()
    whole = ids(staff.items(path, limit=500))
    assert len(whole) > 2 and len(set(whole)) == len(whole)
    assert ids(staff.items(path, limit=2)) == whole


def test_rounds_made_meanwhile_disturb_no_page(seeds, staff):
    plan = seeds.plan()
    for n in range(10, 16):
        seeds.draft(plan=plan, date=f"2025-04-{n}")
    params = {"plan": plan["id"], "from": "2025-01-01", "limit": 3}
    page = staff.get("/api/v1/rounds", params=params).json()
    seeds.draft(plan=plan, date="2025-04-01")           # before the page
    seeds.draft(plan=plan, date="2025-04-30")           # behind it
    rest = []
    while page["next_cursor"]:
        page = staff.get("/api/v1/rounds", params={**params, "cursor": page["next_cursor"]}).json()
        rest += page["items"]
    assert [r["date"] for r in rest] == ["2025-04-13", "2025-04-14", "2025-04-15", "2025-04-30"]


@pytest.mark.parametrize("query", [
    "limit=0", "limit=501", "limit=-1", "limit=x", "limit=", "limit=99999999999999999999", "cursor=rubbish",
    "cursor=2025-01-01_x", "from=2025-02-30", "from=yesterday", "to=2025-1-1", "status=happy", "status=draft,happy",
    "date_precision=hour", "order=up", "from=2025-02-02&to=2025-02-01", "team=D1", "venue=x", "colour=red", "from=2025-01-01&from=2025-01-02",
    "plan=a%00b", "unit=%ff%fe",
])
def test_a_query_that_cannot_be(api, query):
    answer = api.get(f"/api/v1/rounds?{query}", expect=None)
    if query == "limit=":
        assert answer.status_code in (200, 400)
    elif answer.status_code == 200:
        assert query.startswith(("plan=", "unit=")) and answer.json()["items"] == []
    else:
        assert answer.status_code == 400, (query, answer.text)
        problem(answer)


# ---- filters ----

def test_from_today_on_by_default(loaded, api):
    listed = api.items("/api/v1/rounds")
    assert listed and all(r["date"] >= "2025-03-10" for r in listed)
    assert [r["date"] for r in listed] == sorted(r["date"] for r in listed)


def test_from_and_to_are_inclusive(loaded, api):
    listed = api.items("/api/v1/rounds", **{"from": "2024-12-20", "to": "2025-11-28", "plan": "3653-KH-UBND"})
    assert len(listed) == 18
    one = listed[5]
    assert one["id"] in ids(api.items("/api/v1/rounds", **{"from": one["date"], "to": one["date"]}))


def test_by_plan_id_slug_and_nothing(loaded, api, rounds):
    plan = next(r["plan"] for r in rounds if r["plan"] and r["plan"]["slug"] == "3653-KH-UBND")
    by_slug = api.items("/api/v1/rounds", plan="3653-KH-UBND", **ALL)
    assert len(by_slug) == 18 and by_slug == api.items("/api/v1/rounds", plan=plan["id"], **ALL)
    assert api.items("/api/v1/rounds", plan="khong-co", **ALL) == []


def test_filters_agree_with_the_whole_list(loaded, staff, rounds):
    """Each filter, and each pair, gives what picking by hand from the whole list gives."""
    campaign = next(c["id"] for r in rounds for c in r["campaigns"])
    tests = {
        "status": ("announced", lambda r: r["status"] == "announced"),
        "date_precision": ("day", lambda r: r["date_precision"] == "day"),
        "campaign": (campaign, lambda r: campaign in ids(r["campaigns"])),
        "plan": ("3653-KH-UBND", lambda r: r["plan"] and r["plan"]["slug"] == "3653-KH-UBND"),
        "to": ("2025-06-30", lambda r: r["period"]["from"] <= "2025-06-30"),
        "from": ("2025-02-01", lambda r: r["period"]["to"] >= "2025-02-01"),
    }
    for count in (1, 2, 3):
        for names in itertools.combinations(tests, count):
            params = {**ALL, **{name: tests[name][0] for name in names}}
            want = [r["id"] for r in rounds if all(tests[name][1](r) for name in names)]
            assert ids(staff.items("/api/v1/rounds", **params, limit=500)) == want, params


def test_several_statuses(loaded, staff, rounds):
    got = staff.items("/api/v1/rounds", status="announced,closed", **ALL, limit=500)
    assert ids(got) == [r["id"] for r in rounds if r["status"] in ("announced", "closed")]


# ---- places, on a date ----

@pytest.mark.parametrize("typed", ["Huyện Than Uyên", "than uyen", "THAN UYÊN", "H. Than Uyên", "huyen than uyen", " Than  Uyên "])
def test_a_place_by_any_spelling(loaded, api, typed):
    want = ids(api.items("/api/v1/rounds", unit="Than Uyên", **ALL))
    assert want and ids(api.items("/api/v1/rounds", unit=typed, **ALL)) == want


def test_decomposed_letters_are_the_same_letters(loaded, api):
    import unicodedata
    want = ids(api.items("/api/v1/rounds", unit="Than Uyên", **ALL))
    assert ids(api.items("/api/v1/rounds", unit=unicodedata.normalize("NFD", "Than Uyên"), **ALL)) == want


def test_old_and_new_names_meet(loaded, api):
    """A round of the former district is found by a commune that took its place, and the other way round."""
    (district,) = [u for u in api.items("/api/v1/units", q="Huyện Sìn Hồ", on="2025-01-01") if u["level"] == "district"]
    heirs = api.items(f"/api/v1/units/{district['id']}/as_of", on="2025-08-01")
    assert heirs and all(u["level"] == "commune" and u["valid_from"] == "2025-07-01" for u in heirs)
    by_district = ids(api.items("/api/v1/rounds", unit=district["id"], **ALL))
    hosted = {r["id"] for r in api.items("/api/v1/rounds", **ALL, limit=500) if district["id"] in ids(r["units"])}
    assert hosted and hosted <= set(by_district)
    for heir in heirs:
        found = api.items("/api/v1/rounds", unit=heir["id"], **ALL)
        assert hosted <= set(ids(found)), heir["name"]
        later = [r for r in found if r["date"] and r["date"] >= "2025-07-01" and heir["id"] in ids(r["units"])]
        assert set(ids(later)) <= set(by_district), heir["name"]


def test_units_of_a_day(loaded, api):
    before, after = (api.items("/api/v1/units", on=on, limit=500) for on in ("2025-06-30", "2025-07-01"))
    assert sum(u["level"] == "district" for u in before) == 8 and not any(u["level"] == "district" for u in after)
    assert sum(u["level"] == "commune" for u in after) == 38
    for unit in before:
        assert (unit["valid_from"] or "0") <= "2025-06-30" <= (unit["valid_to"] or "9")


def test_one_name_of_several_units(loaded, api):
    found = api.items("/api/v1/units", q="Than Uyên")
    assert len(found) >= 3, "a district, a town and a commune had this name"
    assert api.items("/api/v1/units", q="than uyen") == found
    assert all(api.get(f"/api/v1/units/{u['id']}").json() == u for u in found)


def test_a_misspelt_place_gets_the_nearest_names(loaded, api):
    answer = api.get("/api/v1/rounds", params={"unit": "Than Uen"}, expect=400)
    problem(answer, "invalid-query")
    assert "Than Uyên" in answer.text


def test_no_such_unit(loaded, api):
    problem(api.get("/api/v1/units/99999@2025-07-01", expect=404), "not-found")


# ---- seen at once by all, and not re-sent ----

def test_the_public_sees_a_change_within_a_second(seeds, staff, api):
    one = seeds.official()
    assert api.round(one["id"])["title"] == one["title"]
    path = f"/api/v1/rounds/{one['id']}"
    staff.patch(path, {"title": "Tên khác"}, etag=staff.etag(path), expect=200)
    wait_until(lambda: api.round(one["id"])["title"] == "Tên khác", 1.0, what="the new title")


def test_staff_read_what_they_wrote(seeds, staff):
    one = seeds.official()
    for n in range(20):
        path = f"/api/v1/rounds/{one['id']}"
        staff.patch(path, {"title": f"Tên {n}"}, etag=staff.etag(path), expect=200)
        assert staff.round(one["id"])["title"] == f"Tên {n}"


@pytest.mark.parametrize("path", ["/api/v1/rounds", "/api/v1/rounds?plan=3653-KH-UBND&from=2024-12-01", "/api/v1/units",
                                  "/api/v1/plans/3653-KH-UBND", "/api/v1/campaigns", "/openapi.json"])
def test_not_modified(loaded, api, path):
    for _ in range(3):                                   # from the database, then from memory
        first = api.get(path)
        tag = first.headers["etag"]
        same = api.get(path, headers={"If-None-Match": tag}, expect=304)
        assert same.content == b"" and same.headers["etag"] == tag
        assert api.get(path, headers={"If-None-Match": f'"other", {tag}'}, expect=304).content == b""
        assert api.get(path, headers={"If-None-Match": f"W/{tag}"}, expect=304)
        assert api.get(path, headers={"If-None-Match": "*"}, expect=(200, 304))
        assert api.get(path, headers={"If-None-Match": '"other"'}).json() == first.json()


def test_etag_moves_with_the_bytes(seeds, staff, api):
    one = seeds.official()
    path = f"/api/v1/rounds/{one['id']}"
    tag = staff.etag(path)
    staff.patch(path, {"title": "Tên khác nữa"}, etag=tag, expect=200)
    assert staff.etag(path) != tag
    wait_until(lambda: api.get(path, headers={"If-None-Match": tag}, expect=None).status_code == 200, 1.0, what="a new tag")
