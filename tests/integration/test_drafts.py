"""Drafts stay with those whom they concern; bodies name campaigns and teams as people do."""
import pytest

from harness.client import field_codes, problem
from harness.seeds import TODAY


@pytest.fixture
def scoped(daemon, api, seeds):
    """Staff of one unit, named as of before the reform."""
    def make(name):
        (unit,) = [u for u in api.items("/api/v1/units", q=name, on="2025-01-01") if u["full_name"] == name]
        return api.with_token(daemon.new_token("staff", f"drafts {seeds.number()}", "--unit", unit["id"]))
    return make


def same_but_for_the_request(one, other):
    return {k: v for k, v in one.json().items() if k != "request_id"} == \
           {k: v for k, v in other.json().items() if k != "request_id"}


@pytest.mark.parametrize("path", ["/api/v1/rounds/{}", "/api/v1/rounds/{}/reports"])
@pytest.mark.parametrize("key", ["id", "code"])
def test_a_draft_and_no_round_read_the_same(api, seeds, path, key):
    hidden = api.get(path.format(seeds.draft()[key]), expect=404)
    absent = api.get(path.format("KHONG-CO"), expect=404)
    assert same_but_for_the_request(hidden, absent)


def test_a_team_cannot_tell_a_foreign_draft_from_no_round(api, seeds):
    body = {"source": "team", "reported_on": TODAY, "units": {"value": 3}}
    team = api.as_("team")
    hidden = team.post(f"/api/v1/rounds/{seeds.draft()['id']}/reports", json=body, expect=404)
    absent = team.post("/api/v1/rounds/KHONG-CO/reports", json=body, expect=404)
    assert same_but_for_the_request(hidden, absent)


def count_of(client, plan):
    (found,) = [p for p in client.items("/api/v1/plans") if p["id"] == plan["id"]]
    assert client.get(f"/api/v1/plans/{plan['id']}").json()["round_count"] == found["round_count"]
    return found["round_count"]


def test_drafts_are_counted_for_those_who_see_them(api, staff, seeds, scoped):
    plan = seeds.plan()
    seeds.draft(plan=plan, date="2025-04-14")
    seeds.announced(plan=plan, date="2025-04-15", units=["Huyện Sìn Hồ"])
    assert count_of(api, plan) == 1
    assert count_of(staff, plan) == 2
    assert count_of(scoped("Huyện Than Uyên"), plan) == 2
    assert count_of(scoped("Huyện Sìn Hồ"), plan) == 1


def test_a_scope_reads_the_drafts_it_has_a_part_in(seeds, scoped):
    plan = seeds.plan()
    own = seeds.draft(plan=plan, date="2025-04-14")
    both = seeds.draft(plan=plan, date="2025-04-15", units=["Huyện Than Uyên", "Huyện Sìn Hồ"])
    foreign = seeds.draft(plan=plan, date="2025-04-16", units=["Huyện Sìn Hồ"])
    later = seeds.draft(plan=plan, date="2025-08-16", units=["Xã Than Uyên"])
    nowhere = seeds.draft(plan=plan, date="2025-04-17", units=[])
    client = scoped("Huyện Than Uyên")
    seen = [r["id"] for r in client.items("/api/v1/rounds", plan=plan["id"])]
    assert seen == [own["id"], both["id"], later["id"]], "what will be another unit is their territory today"
    assert [r["id"] for r in client.get(f"/api/v1/plans/{plan['id']}").json()["rounds"]] == seen
    for one in (foreign, nowhere):
        client.get(f"/api/v1/rounds/{one['id']}", expect=404)
        client.get(f"/api/v1/rounds/{one['id']}/reports", expect=404)
        problem(client.post(f"/api/v1/rounds/{one['id']}/announce", headers={"If-Match": '"1"'}), "not-found", 404)
    for one in (own, later):
        assert client.step(one["id"], "announce").status_code == 200
    problem(client.step(both["id"], "announce", expect=403), "out-of-scope")


def test_a_team_of_another_role_opens_no_draft(daemon, api, seeds):
    team = seeds.team()
    draft = seeds.draft(team=team["id"])
    client = api.with_token(daemon.new_token("gateway", f"drafts {seeds.number()}", "--team", team["code"]))
    client.get(f"/api/v1/rounds/{draft['id']}", expect=404)
    assert client.items("/api/v1/rounds", plan=draft["plan"]["id"]) == []


# ---- names in bodies ----

def test_slugs_and_codes_do_for_ids(staff, seeds):
    campaigns = {c["slug"]: c["id"] for c in staff.items("/api/v1/campaigns")}
    first, second = sorted(campaigns)[:2]
    team, other = seeds.team(), seeds.team()
    plan = seeds.plan(campaigns=[first, campaigns[second].upper()])
    assert {c["id"] for c in plan["campaigns"]} == {campaigns[first], campaigns[second]}
    draft = seeds.draft(plan=plan, campaigns=[second, campaigns[first]], team=team["code"])
    assert [c["id"] for c in draft["campaigns"]] == [campaigns[second], campaigns[first]]
    assert draft["team"] == {"id": team["id"], "name": team["name"]}
    path = f"/api/v1/rounds/{draft['id']}"
    changed = staff.patch(path, {"campaigns": [first], "team": other["id"].upper()}, etag=staff.etag(path), expect=200).json()
    assert [c["id"] for c in changed["campaigns"]] == [campaigns[first]] and changed["team"]["id"] == other["id"]
    assert staff.round(draft["id"]) == changed
    cleared = staff.patch(path, {"campaigns": [], "team": None}, etag=staff.etag(path), expect=200).json()
    assert cleared["campaigns"] == [] and cleared["team"] is None
    staff.step(draft["id"], "announce")
    moved = staff.step(draft["id"], "move", {"reason": "mưa", "date": "2025-05-02", "team": team["code"]}, expect=200).json()
    assert moved["team"]["id"] == team["id"]


def test_names_that_are_not_there(staff, seeds):
    plan = seeds.plan()
    draft = seeds.draft(plan=plan)
    bad = {"campaigns": ["chu-nhat-do", "khong-co"], "team": "KHONG-CO"}
    body = {"title": "Đợt", "date": "2025-04-20", "units": ["Huyện Than Uyên"], **bad}
    path = f"/api/v1/rounds/{draft['id']}"
    for answer in (staff.post(f"/api/v1/plans/{plan['id']}/rounds", json=body),
                   staff.patch(path, bad, etag=staff.etag(path))):
        problem(answer, "invalid-field", 422)
        assert field_codes(answer) == {"/campaigns/1": "not_found", "/team": "not_found"}
    twice = staff.patch(path, {"campaigns": ["chu-nhat-do", "chu-nhat-do"]}, etag=staff.etag(path), expect=422)
    assert field_codes(twice) == {"/campaigns": "duplicate"}
    assert staff.round(draft["id"]) == draft


# ---- headers ----

@pytest.mark.parametrize("tags, status", [('"1"', 200), ('"1.abc"', 200), ('"1", "2"', 400), ('"1.a", "2.b"', 400), ('W/"1"', 400),
                                          ('"1', 400), ('1', 400), ('"0"', 400), ('*', 400), ('"1."', 200), ('"2.a"', 412)])
def test_one_tag_in_if_match(staff, seeds, tags, status):
    draft = seeds.draft()
    staff.patch(f"/api/v1/rounds/{draft['id']}", {"title": "x"}, etag=tags, expect=status)


@pytest.mark.parametrize("kind, status", [("application/json", 200), ("Application/JSON; charset=utf-8", 200),
                                          ("application/jsonx", 415), ("text/plain", 415)])
def test_media_types_are_whole_words(staff, seeds, kind, status):
    draft = seeds.draft()
    staff.request("PATCH", f"/api/v1/rounds/{draft['id']}", status, content=b'{"title":"x"}',
                  headers={"If-Match": '"1"', "Content-Type": kind})


def test_a_file_imported_again_may_name_what_retired_since(staff, seeds):
    team, venue, n = seeds.team(), seeds.venue(), seeds.number()
    file = {"number": f"{n}/KH-NGHI", "code_prefix": f"N{n}", "title": "thử", "from": "2025-01-01", "to": "2025-12-31",
            "rounds": [{"ordinal": 1, "date": "2025-04-14", "units": ["Huyện Than Uyên"], "team": team["code"],
                        "venue": venue["name"]}]}
    assert staff.post("/api/v1/plans/import", json=file, expect=200).json()["created"] == 1
    for path in (f"/api/v1/teams/{team['id']}", f"/api/v1/venues/{venue['id']}"):
        staff.patch(path, {"active": False}, etag=staff.etag(path), expect=200)
    again = staff.post("/api/v1/plans/import", json=file, expect=200).json()
    assert (again["kept"], again["applied"]) == (1, False)
