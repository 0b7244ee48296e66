"""Two records of one person: offered, merged, undone, told apart. All people here are invented."""
import concurrent.futures
import json
import random

import httpx
import pytest

from harness.client import field_codes, problem, until_served
from test_donors import DONORS, NOWHERE, People, found, register, settle


@pytest.fixture
def people(seeds):
    return People(seeds.number)


def path(made):
    return f"{DONORS}/{made['id']}"


def join(client, verb, one, other, expect=200):
    return client.post(f"{path(one)}/{verb}", json={"with": other["id"]}, expect=expect)


def aliases(daemon):
    return {str(a): (str(i), str(w)) for a, i, w in daemon.sql("SELECT donor_id, into_id, with_id FROM donor_alias")}


def test_merged_and_undone(staff, people, daemon):
    one, two = people.body(), people.body()
    a, b = register(staff, one), register(staff, two)
    daemon.sql("INSERT INTO donation (id, donor_id, component, volume_ml, donated_on, evidence, source) VALUES"
               " (gen_random_uuid(), %s, 'whole_blood', 350, '2025-02-01', 'declared', 'test')", b["id"])
    settle(daemon)
    days = staff.get(path(b)).json()["next_eligible"]
    assert days["whole_blood"]["wait"] == "until" and staff.get(path(a)).json()["next_eligible"]["whole_blood"]["wait"] == "none"
    answer = join(staff, "merge", a, b)
    merged = answer.json()
    assert merged["id"] == a["id"] and merged["merged"] == [b["id"]] and merged["version"] == 2 and answer.headers["etag"]
    assert merged["last_donated_on"] == "2025-02-01" and merged["next_eligible"] == days, "at once: each as late as either"
    settle(daemon)
    # everything that leads to the other leads here
    for key in (b["id"], b["donor_number"]):
        assert staff.get(f"{DONORS}/{key}").json() == merged
    for question in (two["identifiers"][0], {"phone": two["phone"]}, {"name": two["name"], "birth_year": 1990},
                     {"donor_number": b["donor_number"]}, one["identifiers"][0]):
        assert found(staff, **question) == [a["id"]], question
    assert problem(staff.post(DONORS, json={**one, "identifiers": two["identifiers"]}), "donor-exists", 409)["id"] == a["id"]
    assert b["id"] not in [i["id"] for i in staff.items(DONORS, limit=500)]
    assert join(staff, "merge", a, b).json() == merged, "done already"
    problem(join(staff, "distinct", a, b, expect=409), "illegal-step")
    # undone
    back = join(staff, "merge/undo", a, b).json()
    assert back["merged"] == [] and back["version"] == 3 and staff.get(path(b)).json()["name"] == two["name"]
    settle(daemon)
    assert staff.get(path(b)).json()["next_eligible"] == days and staff.get(path(a)).json()["last_donated_on"] is None
    assert found(staff, **two["identifiers"][0]) == [b["id"]] and found(staff, **one["identifiers"][0]) == [a["id"]]
    problem(join(staff, "merge/undo", a, b, expect=409), "illegal-step")
    actions = [r["action"] for r in json.loads(daemon.cli_ok("audit", "donor", b["id"], "--json").out)["items"]]
    assert [x for x in actions if "merge" in x] == ["donor.unmerged", "donor.merged"]


def test_a_record_with_itself(staff, people, daemon):
    """By any of its names, and by those of what was merged into it: refused, and nothing is written."""
    a, b, c = (register(staff, people.body()) for _ in range(3))

    def state():
        return daemon.sql("SELECT (SELECT count(*) FROM audit_entry WHERE subject_kind = 'donor' AND action LIKE 'donor.merge%%'),"
                          " (SELECT count(*) FROM donor_alias), (SELECT array_agg(version ORDER BY id) FROM donor WHERE id::text = ANY (%s))",
                          [x["id"] for x in (a, b, c)])

    def refuse(one, other):
        before = state()
        answer = staff.post(f"{DONORS}/{one}/merge", json={"with": other})
        assert a["donor_number"] in problem(answer, "illegal-step", 409)["detail"]
        assert state() == before
    names = [a["id"], a["id"].upper(), a["donor_number"], a["donor_number"].replace("-", " ").lower()]
    for name in names:
        refuse(a["id"], name)
    join(staff, "merge", a, b)
    join(staff, "merge", a, c)
    for name in (*names, b["id"], b["donor_number"], c["id"]):
        refuse(b["id"], name)
    refuse(a["id"], a["donor_number"])
    # the same request once more is no fault: its answer may have been lost
    before, read = state(), "SELECT count(*) FROM audit_entry WHERE action = 'donor.read' AND subject_id = %s"
    reads = daemon.value(read, a["id"])
    for one in (b, c):
        join(staff, "merge", a, one)
    assert state() == before and daemon.value(read, a["id"]) == reads + 2, "who is shown the record leaves a row"
    for other in (a["id"], a["donor_number"]):
        answer = problem(staff.post(f"{DONORS}/{a['id']}/distinct", json={"with": other}), "illegal-step", 409)
        assert a["donor_number"] in answer["detail"]


def test_a_change_of_a_merged_record_is_none_of_the_other(staff, people):
    """Both happen to be at one version: what was typed about one must not be written over the other."""
    a, b = register(staff, people.body()), register(staff, people.body())
    staff.patch(path(b), json={"address": "Bản Ví Dụ"}, headers={"If-Match": '"1"'}, expect=200)
    join(staff, "merge", a, b)
    before = staff.get(path(a)).json()
    for key in (b["id"], b["id"].upper(), b["donor_number"], b["donor_number"].replace("-", " ").lower()):
        refused = problem(staff.patch(f"{DONORS}/{key}", json={"name": "Vàng Thị Khác"}, headers={"If-Match": '"2"'}), "illegal-step", 409)
        assert a["donor_number"] in refused["detail"]
    assert staff.get(path(a)).json() == before
    for key in (a["id"].upper(), a["donor_number"].lower()):
        etag = staff.get(f"{DONORS}/{key}").headers["etag"]
        assert staff.patch(f"{DONORS}/{key}", json={"address": key}, headers={"If-Match": etag}, expect=200).json()["id"] == a["id"]


def test_a_number_of_the_merged_record(staff, people):
    """It is kept where it was written; who adds it again is told so."""
    one, two = people.body(), people.body()
    a, b = register(staff, one), register(staff, two)
    etag = join(staff, "merge", a, b).headers["etag"]
    refused = problem(staff.patch(path(a), json={"identifiers": one["identifiers"] + two["identifiers"]}, headers={"If-Match": etag}), "donor-exists", 409)
    assert "merged into this one" in refused["detail"] and refused["id"] == a["id"]


def test_asking_the_facility_is_undone_too(staff, people):
    """Said of one record it holds for the person; said of the wrong one, it must not stay with an innocent."""
    a, b, c, d = (register(staff, people.body()) for _ in range(4))

    def say(one, contact):
        staff.request("PUT", f"{path(one)}/contact-facility", json={"contact": contact}, expect=200)

    def said():
        return [staff.get(path(one)).json()["contact_facility"] for one in (a, b, c, d)]
    say(b, True)
    say(d, True)
    join(staff, "merge", b, c)                       # b <- c; a <- b, a <- d
    join(staff, "merge", a, b)
    join(staff, "merge", a, d)
    assert said() == [True] * 4
    join(staff, "merge/undo", a, b)
    assert said() == [True, True, True, True], "a has d still"
    join(staff, "merge/undo", a, d)
    assert said() == [False, True, True, True]
    join(staff, "merge", a, b)
    say(a, False)                                    # of the person: of all that are one
    join(staff, "merge/undo", a, b)
    join(staff, "merge/undo", b, c)
    assert said() == [False, False, False, True]
    join(staff, "merge", a, d)
    say(a, True)                                     # true already, but now of this record
    join(staff, "merge/undo", a, d)
    assert said() == [True, False, False, True]


@pytest.mark.parametrize("seed", [5, 7])
def test_merged_and_undone_in_any_order(staff, people, seed):
    """Held against the tree of who was merged with whom."""
    ids = [register(staff, people.body())["id"] for _ in range(5)]
    above, random_ = {}, random.Random(seed)

    def stands(one):
        while one in above:
            one = above[one]
        return one
    for step in range(40):
        one, two = random_.sample(ids, 2)
        if random_.random() < 0.55:
            if stands(one) != stands(two):
                above[stands(two)] = stands(one)
                staff.post(f"{DONORS}/{one}/merge", json={"with": two}, expect=200)
            elif one == stands(one):                         # as if sent once more
                staff.post(f"{DONORS}/{one}/merge", json={"with": two}, expect=200)
            else:
                problem(staff.post(f"{DONORS}/{one}/merge", json={"with": two}, expect=409), "illegal-step")
        elif two in above and stands(one) == stands(two):
            del above[two]
            staff.post(f"{DONORS}/{one}/merge/undo", json={"with": two}, expect=200)
        else:
            problem(staff.post(f"{DONORS}/{one}/merge/undo", json={"with": two}, expect=409), "illegal-step")
        for at in (one, two):
            record = staff.get(f"{DONORS}/{at}").json()
            assert (record["id"], sorted(record["merged"])) == (
                stands(at), sorted(x for x in ids if x != stands(at) and stands(x) == stands(at))), (step, at)


def test_never_a_chain(staff, people, daemon):
    """What was merged into what is a tree; every alias names the record that stands."""
    a, b, c, d, e = (register(staff, {**people.body(), "unit": None}) for _ in range(5))
    join(staff, "merge", b, c)
    join(staff, "merge", c, d)                   # into an alias: into what stands for it
    assert {aliases(daemon)[x["id"]][0] for x in (c, d)} == {b["id"]}
    join(staff, "merge", e, a)
    assert sorted(join(staff, "merge", a, b).json()["merged"]) == sorted(x["id"] for x in (a, b, c, d))
    assert {aliases(daemon)[x["id"]][0] for x in (a, b, c, d)} == {e["id"]}
    join(staff, "merge/undo", e, b)              # with what had been merged into it
    now = aliases(daemon)
    assert b["id"] not in now and now[c["id"]][0] == now[d["id"]][0] == b["id"] and now[a["id"]][0] == e["id"]
    assert sorted(staff.get(path(d)).json()["merged"]) == sorted([c["id"], d["id"]])
    join(staff, "merge/undo", b, c)
    assert aliases(daemon)[d["id"]][0] == b["id"], "it was merged into what stood then"
    daemon.assert_records_fit()


def test_told_apart(staff, people, daemon):
    body = people.body(identifiers=[])
    a, b = register(staff, body), register(staff, body)

    def offered(to):
        return [m["id"] for m in staff.get(f"{path(to)}/duplicates").json()["items"]]
    assert offered(a) == [b["id"]] and offered(b) == [a["id"]]
    for n in range(2):
        # whoever joins them from what was read before is told to read again
        assert join(staff, "distinct", b, a).json()["version"] == staff.get(path(a)).json()["version"] == n + 2
        assert offered(a) == offered(b) == []
    assert daemon.value("SELECT count(digest_before) FROM audit_entry WHERE action = 'donor.distinct' AND subject_id = %s", a["id"]) == 2
    document = json.loads(daemon.cli("audit", "verify", "--records", "--json", timeout=300).out)
    assert [f for f in document["records"]["faults"] if f["subject_id"] in (a["id"], b["id"])] == []
    c = register(staff, body)
    assert {m["id"] for m in c["possible_duplicates"]} == {a["id"], b["id"]}
    join(staff, "merge", a, c)
    assert offered(a) == offered(c) == offered(b) == [], "who is not a is not what a is one with"
    join(staff, "merge", b, a)                   # somebody changed their mind
    assert offered(b) == []
    join(staff, "merge/undo", b, a)
    assert offered(b) == [a["id"]]


@pytest.mark.parametrize("verb", ["merge", "merge/undo", "distinct"])
def test_refused(staff, people, verb):
    a, b = register(staff, people.body()), register(staff, people.body())
    for body, pointer in (({}, "/with"), ({"with": None}, "/with"), ({"with": 7}, "/with"), ({"with": NOWHERE}, "/with"),
                          ({"with": "khong-co"}, "/with"), ({"with": b["id"], "colour": 1}, "/colour")):
        assert pointer in field_codes(staff.post(f"{path(a)}/{verb}", json=body, expect=422)), body
    staff.post(f"{DONORS}/{NOWHERE}/{verb}", json={"with": a["id"]}, expect=404)
    if verb != "merge":
        problem(join(staff, verb, a, a, expect=409), "illegal-step")
    assert staff.get(path(a)).json()["version"] == staff.get(path(b)).json()["version"] == 1


def test_scopes(staff, api, daemon, people, seeds):
    (unit,) = [u["id"] for u in staff.items("/api/v1/units", q="Huyện Than Uyên", on="2025-01-01") if u["full_name"] == "Huyện Than Uyên"]
    client = api.with_token(daemon.new_token("staff", f"scoped merges {seeds.number()}", "--unit", unit))
    own, also, foreign = (register(staff, people.body(unit=u)) for u in ("Huyện Than Uyên", "Huyện Than Uyên", "Huyện Sìn Hồ"))
    for verb in ("merge", "merge/undo", "distinct"):
        assert field_codes(join(client, verb, own, foreign, expect=422)) == {"/with": "not_found"}
        join(client, verb, foreign, own, expect=404)
    client.get(f"{path(foreign)}/duplicates", expect=404)
    join(client, "merge", own, also)
    join(client, "merge/undo", own, also)


def test_many_at_once(staff, people, daemon):
    """Whatever they do together, no alias leads to an alias and nothing is in a circle."""
    made = [register(staff, {**people.body(), "unit": None}) for _ in range(6)]
    ids = [m["id"] for m in made]
    token, choose = daemon.token("staff"), random.Random(5)
    steps = [(choose.choice(("merge", "merge", "merge/undo")), *choose.sample(ids, 2)) for _ in range(120)]

    def step(what):
        verb, one, other = what
        return until_served(lambda: httpx.post(f"{daemon.url}{DONORS}/{one}/{verb}", json={"with": other}, timeout=60,
                                               headers={"Authorization": f"Bearer {token}"})).status_code
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        statuses = list(pool.map(step, steps))
    assert set(statuses) <= {200, 409, 412}, statuses
    now = {k: v for k, v in aliases(daemon).items() if k in ids}
    for alias, (into, parent) in now.items():
        assert into not in now, "never a chain"
        seen = {alias}
        while parent in now:
            assert parent not in seen, "never a circle"
            seen.add(parent)
            parent = now[parent][1]
        assert parent == into
    daemon.assert_records_fit()


def test_killed_in_the_middle(fresh_daemon, api_of, people):
    """kill -9 while merges and undos run: each is there whole or not at all, and the audit knows."""
    daemon = fresh_daemon(settings={"workers.count": 1})
    staff = api_of(daemon, daemon.token("staff"))
    a, b = (register(staff, {**people.body(), "unit": None}) for _ in range(2))
    headers = {"Authorization": f"Bearer {daemon.token('staff')}"}

    def work():
        done = 0
        try:
            while True:
                for verb in ("merge", "merge/undo"):
                    until_served(lambda: httpx.post(f"{daemon.url}{path(a)}/{verb}", json={"with": b["id"]}, headers=headers,
                                                    timeout=20)).raise_for_status()
                    done += 1
                    if done >= 6:
                        killer.submit(daemon.kill)
        except httpx.HTTPError:
            return done
    with concurrent.futures.ThreadPoolExecutor(1) as killer:
        assert work() >= 6
    daemon.start()
    daemon.assert_records_fit()
    # in one look: what the killed daemon had asked for may be done only now
    ((version, merged),) = daemon.sql("SELECT version, EXISTS (SELECT FROM donor_alias) FROM donor WHERE id = %s", a["id"])
    assert version % 2 == (0 if merged else 1)
    join(staff, "merge", a, b)
    assert found(staff, donor_number=b["donor_number"]) == [a["id"]]
