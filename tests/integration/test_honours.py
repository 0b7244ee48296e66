"""Who is owed an honour, the work on it until it is handed over, and that nobody has one twice."""
import concurrent.futures
import io
import json
import uuid

import openpyxl
import pytest

from harness import certificates, programs
from harness.client import Api, field_codes, problem, until_served
from harness.daemon import Daemon
from harness.database import Postgres
from harness.donations import given
from harness.seeds import TODAY, day
from test_access import unit_id

DONORS, HONOURS, FAMILIES = "/api/v1/donors", "/api/v1/honours", "/api/v1/families"
LADDERS = json.loads((programs.CONFIG / "honours" / "vn-122-2017.json").read_text(encoding="utf-8"))


@pytest.fixture
def donor(staff):
    return lambda **more: staff.post(DONORS, json={"name": "Lò Thị Vinh", "birth_year": 1980, **more}, expect=201).json()


@pytest.fixture
def giver(daemon, donor):
    """A donor with so many confirmed donations, the last one so many days ago."""
    def make(count, last=-10, **more):
        one = donor(**more)
        for i in range(count):
            given(daemon, one["id"], day(last - 100 * i))
        return one
    return make


def candidate(client, who, ladder="individual", **more):
    """What the list of candidates says of one."""
    key = "family" if ladder == "family" else "donor"
    found = [c for c in client.items(f"{HONOURS}/candidates", ladder=ladder, limit=500, **more) if c[key] == who]
    assert len(found) < 2
    return found[0] if found else None


def steps(client, who, ladder="individual", **more):
    found = candidate(client, who, ladder, **more)
    return [s["step"] for s in found["steps"]] if found else []


def nominate(client, donor, step="individual.5", expect=201, headers=None, **more):
    return client.post(HONOURS, json={"donor": donor, "step": step, **more}, expect=expect, headers=headers or {})


def take(client, honour, verb, body=None, expect=200, etag=None):
    path = f"{HONOURS}/{honour}"
    return client.post(f"{path}/{verb}", json=body or {}, expect=expect, headers={"If-Match": etag or client.etag(path)})


def give_all(admin, honour):
    take(admin, honour, "check")
    take(admin, honour, "propose")
    take(admin, honour, "approve", {"document": "12/QĐ-BCĐ"})
    return take(admin, honour, "hand_over").json()


def test_candidates_as_of_a_day(staff, giver, daemon):
    four, five = giver(4), giver(5)
    assert candidate(staff, four["id"]) is None
    told = candidate(staff, five["id"])
    assert told["counted"] == told["confirmed"] == 5 and told["declared"] == 0 and len(told["donations"]) == 5
    assert told["steps"] == [{"step": "individual.5", "at": 5, "reached_on": day(-10), "award": told["steps"][0]["award"], "given_by": "not_read"}]
    assert steps(staff, five["id"], as_of=day(-11)) == [] and steps(staff, five["id"], as_of=day(-10)) == ["individual.5"]
    assert steps(staff, five["id"], "first") == ["first.1"]
    # what is only declared is told, and counts where the province says so
    given(daemon, four["id"], day(-500), evidence="declared")
    assert candidate(staff, four["id"]) is None


def test_what_is_held_does_not_count(staff, daemon, seeds, giver):
    one = giver(4)
    given(daemon, one["id"], TODAY, seeds.running()["id"], held=["date_outside"])
    assert candidate(staff, one["id"]) is None
    given(daemon, one["id"], day(-1), seeds.running()["id"])
    assert steps(staff, one["id"]) == ["individual.5"]


def test_the_work_on_one(staff, admin, daemon, giver):
    one = giver(5)
    made = nominate(staff, one["donor_number"]).json()
    id = made["id"]
    assert (made["state"], made["at"], made["reached_on"], len(made["donations"])) == ("candidate", 5, day(-10), 5)
    assert steps(staff, one["id"]) == []
    problem(take(staff, id, "propose", expect=409), "illegal-step")
    take(staff, id, "check")
    assert "/reason" in field_codes(take(staff, id, "set_back", expect=422))
    take(staff, id, "set_back", {"reason": "papers_missing"})
    take(staff, id, "check")
    take(staff, id, "propose")
    take(staff, id, "approve", {"document": "1/QĐ"}, expect=403)
    assert "/document" in field_codes(take(admin, id, "approve", expect=422))
    done = take(admin, id, "approve", {"document": "1/QĐ", "on": day(-1)}).json()
    assert (done["state"], done["document"], done["approved_on"]) == ("approved", "1/QĐ", day(-1))
    assert "/on" in field_codes(take(staff, id, "hand_over", {"on": day(-2)}, expect=422))
    assert "/on" in field_codes(take(staff, id, "hand_over", {"on": day(1)}, expect=422))
    assert "/reason" in field_codes(take(staff, id, "hand_over", {"reason": "declined"}, expect=422))
    assert "/given_by" in field_codes(take(staff, id, "hand_over", {"given_by": "not_read"}, expect=422))
    assert "/given_by" in field_codes(take(staff, id, "set_back", {"reason": "mistake", "given_by": "national_committee"}, expect=422))
    old = staff.etag(f"{HONOURS}/{id}")
    given_ = take(staff, id, "hand_over", {"on": TODAY, "given_by": "province_committee"}).json()
    assert given_["state"] == "handed_over" and given_["handed_on"] == TODAY and given_["given_by"] == "province_committee"
    problem(take(staff, id, "hand_over", etag=old, expect=412), "stale")
    problem(take(staff, id, "refuse", {"reason": "mistake"}, expect=409), "illegal-step")
    assert [e["verb"] for e in given_["events"]] == ["nominate", "check", "set_back", "check", "propose", "approve", "hand_over"]
    assert [e["reason"] for e in given_["events"]] == [None, None, "papers_missing", None, None, None, None]
    actions = [a for (a,) in daemon.sql("SELECT action FROM audit_entry WHERE subject_id = %s ORDER BY id", id)]
    assert actions == [f"honour.{v}" for v in ("nominate", "check", "set_back", "check", "propose", "approve", "hand_over")]
    assert daemon.value("SELECT count(*) FROM honour_event WHERE honour_id = %s", id) == 7


def test_never_twice_and_again_after_a_refusal(staff, admin, giver):
    one = giver(10)
    assert steps(staff, one["id"]) == ["individual.5", "individual.10"]
    five = nominate(staff, one["id"]).json()["id"]
    problem(nominate(staff, one["id"], expect=409), "already-exists")
    assert steps(staff, one["id"]) == ["individual.10"]
    # who gave it is not made up: the ladder does not know, and nobody said
    assert give_all(admin, nominate(staff, one["id"], "individual.10").json()["id"])["given_by"] is None
    take(staff, five, "refuse", {"reason": "declined"})
    assert steps(staff, one["id"]) == ["individual.5"]
    give_all(admin, nominate(staff, one["id"]).json()["id"])
    problem(nominate(staff, one["id"], expect=409), "already-exists")
    problem(nominate(staff, one["id"], "individual.15", expect=409), "illegal-step")


def test_records_that_are_merged_have_it_once(staff, admin, giver, daemon):
    one, two = giver(3), giver(5, last=-50)
    give_all(admin, nominate(staff, two["id"]).json()["id"])
    staff.post(f"{DONORS}/{one['id']}/merge", json={"with": two["id"]}, expect=200)
    # eight donations of one person, who has the honour on the other record
    assert candidate(staff, one["id"]) is None and candidate(staff, two["id"]) is None
    problem(nominate(staff, one["id"], expect=409), "already-exists")
    problem(nominate(staff, two["donor_number"], expect=409), "already-exists")
    staff.post(f"{DONORS}/{one['id']}/merge/undo", json={"with": two["id"]}, expect=200)
    assert candidate(staff, two["id"]) is None


def test_an_honour_goes_with_its_donations(staff, admin, giver):
    one, two = giver(1), giver(6, last=-50)
    staff.post(f"{DONORS}/{one['id']}/merge", json={"with": two["id"]}, expect=200)
    give_all(admin, nominate(staff, one["id"]).json()["id"])
    staff.post(f"{DONORS}/{one['id']}/merge/undo", json={"with": two["id"]}, expect=200)
    # two people after all: it was reached with the donations of the other one
    assert candidate(staff, one["id"]) is None and candidate(staff, two["id"]) is None
    problem(nominate(staff, two["id"], expect=409), "already-exists")


@pytest.mark.parametrize("far", [1, 3])
def test_two_in_work_when_records_are_merged(staff, admin, giver, daemon, far):
    """Each record had it in work: only one goes on, however far both are, and whoever asks at once."""
    one, two = giver(5), giver(5, last=-50)
    mine, other = (nominate(staff, who["id"]).json()["id"] for who in (one, two))
    steps_ = [("check", None), ("propose", None), ("approve", {"document": "9/QĐ"})]
    for id in (mine, other):
        for verb, body in steps_[:far]:
            take(admin, id, verb, body)
    staff.post(f"{DONORS}/{one['id']}/merge", json={"with": two["id"]}, expect=200)
    assert steps(staff, one["id"]) == ["individual.10"]        # of ten donations now
    verb, body = (steps_ + [("hand_over", None)])[far]
    etags = {id: admin.etag(f"{HONOURS}/{id}") for id in (mine, other)}
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda id: until_served(lambda: take(admin, id, verb, body, expect=(409, 503), etag=etags[id])), (mine, other)))
    for answer in answers:
        problem(answer, "already-exists", 409)
    assert len([h for h in staff.items(HONOURS, limit=500) if h["donor"] == one["id"]]) == 2
    take(admin, other, "refuse", {"reason": "mistake"})
    for verb, body in (steps_ + [("hand_over", None)])[far:]:
        done = take(admin, mine, verb, body).json()
    assert done["state"] == "handed_over"
    problem(nominate(staff, one["id"], expect=409), "already-exists")


def test_two_that_were_handed_over_before_a_merge_are_told(staff, admin, giver):
    """Nobody takes one back by itself, but whoever keeps the list sees it."""
    one, two, other = giver(5), giver(5, last=-50), giver(5)
    mine, twin = (nominate(staff, who["id"]).json()["id"] for who in (one, two))
    for id in (mine, twin):
        give_all(admin, id)
    alone = nominate(staff, other["id"]).json()
    assert (alone["attention"], alone["also"]) == (None, [])
    staff.post(f"{DONORS}/{one['id']}/merge", json={"with": two["id"]}, expect=200)
    for id, also in ((mine, twin), (twin, mine)):
        told = staff.get(f"{HONOURS}/{id}").json()
        assert (told["donor"], told["attention"], told["also"]) == (one["id"], "twice", [also])
    listed = {h["id"]: h["also"] for h in staff.items(HONOURS, attention="twice", state="handed_over", limit=500)}
    assert listed[mine] == [twin] and listed[twin] == [mine] and alone["id"] not in listed and all(listed.values())
    problem(staff.get(HONOURS, params={"attention": "thrice"}, expect=400), "invalid-query")
    staff.post(f"{DONORS}/{one['id']}/merge/undo", json={"with": two["id"]}, expect=200)
    assert [staff.get(f"{HONOURS}/{id}").json()["attention"] for id in (mine, twin)] == [None, None]


def test_a_merge_while_an_honour_waits_for_the_person(staff, admin, giver, daemon):
    """The statement names the record that stood when it began: it is asked about the person that stands by now."""
    one, two = giver(5), giver(5, last=-50)
    mine, other = (nominate(staff, who["id"]).json()["id"] for who in (one, two))
    give_all(admin, mine)
    asked = ("SELECT honour_twice(%s, %s, ARRAY['individual.5'])", other, two["id"])
    assert daemon.value(*asked) is False
    staff.post(f"{DONORS}/{one['id']}/merge", json={"with": two["id"]}, expect=200)
    assert daemon.value(*asked) is True


def test_what_is_not_reached_any_more_goes_no_further(staff, daemon, seeds, giver):
    one = giver(4)
    fifth = given(daemon, one["id"], TODAY, seeds.running()["id"])
    id = nominate(staff, one["id"]).json()["id"]
    daemon.sql("INSERT INTO item_decision (version, item_id, content_hash, verb, decided_by_kind, decided_by)"
               " SELECT item_version(item_id), item_id, content_hash, 'drop', 'user', 'test' FROM donation WHERE id = %s", fifth)
    problem(take(staff, id, "check", expect=409), "illegal-step")
    assert take(staff, id, "refuse", {"reason": "donations_doubtful"}).json()["state"] == "refused"


def test_bodies_that_are_refused(staff, giver):
    one = giver(1)["id"]
    for body, pointer in (({"step": "first.1"}, "/donor"), ({"donor": one, "family": one, "step": "first.1"}, "/donor"),
                          ({"donor": one}, "/step"), ({"donor": one, "step": "best"}, "/step"), ({"donor": one, "step": "family.3"}, "/step"),
                          ({"donor": one, "step": "first.1", "as_of": day(1)}, "/as_of"), ({"donor": "ABCD-EFGH", "step": "first.1"}, "/donor")):
        assert pointer in field_codes(staff.post(HONOURS, json=body, expect=422)), body
    staff.post(f"{HONOURS}/{uuid.uuid4()}/check", json={}, headers={"If-Match": '"1"'}, expect=404)
    staff.get(f"{HONOURS}/candidates", params={"ladder": "x"}, expect=400)


def test_many_at_once_make_one(staff, daemon, giver):
    one, key = giver(5)["id"], {"Idempotency-Key": str(uuid.uuid4())}
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        same = list(pool.map(lambda _: until_served(lambda: nominate(staff, one, expect=(201, 409, 503), headers=key)), range(3)))
        other = list(pool.map(lambda _: until_served(lambda: nominate(staff, one, expect=(201, 409, 503))), range(3)))
    assert {a.status_code for a in same + other} <= {201, 409}
    made = {a.json()["id"] for a in same + other if a.status_code == 201}
    assert len(made) == 1 and daemon.value("SELECT count(*) FROM honour WHERE donor_id = %s", one) == 1
    assert nominate(staff, one, headers=key).json()["id"] in made


# ---- families ----

def family(client, donor, expect=201, **more):
    return client.post(FAMILIES, json={"donor": donor, "joined_on": "2015-01-01", **more}, expect=expect)


def join(client, id, donor, expect=201, **more):
    return client.post(f"{FAMILIES}/{id}/members", json={"donor": donor, "joined_on": "2015-01-01", **more}, expect=expect)


def change(client, id, member, body, expect=200):
    path = f"{FAMILIES}/{id}"
    return client.patch(f"{path}/members/{member}", json=body, expect=expect, etag=client.etag(path))


def test_a_family_counts_who_agreed(staff, admin, giver):
    agreed = {"consent": {"on": day(-400), "channel": "paper"}}
    head, wife = giver(2), giver(1)
    id = family(staff, head["donor_number"], **agreed).json()["id"]
    told = join(staff, id, wife["id"]).json()
    member = next(m for m in told["members"] if m["donor"] == wife["id"])
    assert member["consent_on"] is None and candidate(staff, id, "family") is None
    change(staff, id, member["id"], agreed)
    assert steps(staff, id, "family") == ["family.3"]
    (step,) = candidate(staff, id, "family")["steps"]
    assert step["given_by"] == "district_committee"            # of 10 March 2025, when there were districts
    change(staff, id, member["id"], {"consent": None})
    assert candidate(staff, id, "family") is None
    change(staff, id, member["id"], agreed)
    change(staff, id, member["id"], {"left_on": day(-10)})      # the day of the donation is the first on which no longer
    assert candidate(staff, id, "family") is None
    change(staff, id, member["id"], {"left_on": day(-9)})
    made = staff.post(HONOURS, json={"family": id, "step": "family.3"}, expect=201).json()
    assert made["family"] == id and made["donor"] is None and made["donor_number"] == head["donor_number"]
    problem(staff.post(HONOURS, json={"family": id, "step": "family.3"}, expect=409), "already-exists")
    assert candidate(staff, id, "family") is None
    give_all(admin, made["id"])


def test_one_family_at_a_time(staff, giver, donor):
    one, two = giver(1), giver(1)
    first = family(staff, one["id"]).json()["id"]
    problem(family(staff, one["id"], expect=409), "already-exists")
    second = family(staff, two["id"]).json()["id"]
    problem(join(staff, second, one["id"], expect=409), "already-exists")
    assert "/joined_on" in field_codes(family(staff, donor()["id"], expect=422, joined_on=day(1)))
    # and a person with two records: the other one is in the first family too
    other = donor()
    staff.post(f"{DONORS}/{one['id']}/merge", json={"with": other["id"]}, expect=200)
    problem(family(staff, other["id"], expect=409), "already-exists")
    assert staff.get(f"{FAMILIES}/{first}").json()["version"] == 1


AGREED = {"consent": {"on": day(-400), "channel": "paper"}}


def family_of_three(staff, giver):
    """Two people with three donations, all of which count."""
    people = giver(2), giver(1)
    told = family(staff, people[0]["id"], **AGREED).json()
    told = join(staff, told["id"], people[1]["id"], **AGREED).json()
    assert steps(staff, told["id"], "family") == ["family.3"]
    return told, people


def test_donations_are_honoured_in_one_family(staff, giver):
    first, people = family_of_three(staff, giver)
    made = staff.post(HONOURS, json={"family": first["id"], "step": "family.3"}, expect=201).json()
    for member in first["members"]:
        change(staff, first["id"], member["id"], {"left_on": day(-5)})
    problem(family(staff, people[0]["id"], **AGREED, expect=409), "already-exists")       # they were in one then
    second = family(staff, people[0]["id"], **AGREED, joined_on=day(-5)).json()["id"]
    problem(join(staff, second, people[1]["id"], expect=409, joined_on=day(-6)), "already-exists")
    join(staff, second, people[1]["id"], **AGREED, joined_on=day(-5))
    problem(change(staff, first["id"], first["members"][0]["id"], {"left_on": None}, expect=409), "already-exists")
    problem(change(staff, first["id"], first["members"][0]["id"], {"left_on": day(-4)}, expect=409), "already-exists")
    assert candidate(staff, second, "family") is None
    # what was entered wrongly may be taken back, and then the family that was honoured still has them
    for member in first["members"]:
        change(staff, first["id"], member["id"], {"left_on": "2015-01-01"})
    for member in staff.get(f"{FAMILIES}/{second}").json()["members"]:
        change(staff, second, member["id"], {"left_on": day(-5)})
    third = family(staff, people[0]["id"], **AGREED).json()["id"]
    join(staff, third, people[1]["id"], **AGREED)
    told = candidate(staff, third, "family")
    assert told is None
    take(staff, made["id"], "refuse", {"reason": "mistake"})
    assert steps(staff, third, "family") == ["family.3"]


def test_merged_members_of_two_families_count_in_one(staff, giver):
    first, people = family_of_three(staff, giver)
    same, other = giver(2), giver(1)
    second = family(staff, other["id"], **AGREED, joined_on="2016-01-01").json()["id"]
    told = join(staff, second, same["id"], **AGREED, joined_on="2016-01-01").json()
    staff.post(f"{DONORS}/{people[0]['id']}/merge", json={"with": same["id"]}, expect=200)
    assert candidate(staff, second, "family") is None
    assert candidate(staff, first["id"], "family")["counted"] == 5
    # an overlap that a merge made can be mended step by step
    member = next(m["id"] for m in told["members"] if m["donor"] == same["id"])
    change(staff, second, member, {"left_on": day(-1)})
    change(staff, second, member, {"consent": None})
    problem(change(staff, second, member, {"left_on": None}, expect=409), "already-exists")


def test_a_family_keeps_what_it_was_nominated_with(staff, giver):
    first, people = family_of_three(staff, giver)
    made = staff.post(HONOURS, json={"family": first["id"], "step": "family.3"}, expect=201).json()
    same, other = giver(1), giver(1)
    second = family(staff, other["id"], **AGREED, joined_on="2014-01-01").json()["id"]
    join(staff, second, same["id"], **AGREED, joined_on="2014-01-01")
    staff.post(f"{DONORS}/{people[0]['id']}/merge", json={"with": same["id"]}, expect=200)
    # they were in the second family first, but what the first one was nominated with is spent
    assert candidate(staff, second, "family") is None
    problem(staff.post(HONOURS, json={"family": second, "step": "family.3"}, expect=409), "illegal-step")
    problem(take(staff, made["id"], "check", expect=409), "illegal-step")
    take(staff, made["id"], "refuse", {"reason": "other_honour"})
    assert steps(staff, second, "family") == ["family.3"]


def test_who_stands_for_a_family(staff, admin, giver):
    first, people = family_of_three(staff, giver)
    id, path = first["id"], f"{FAMILIES}/{first['id']}"
    made = staff.post(HONOURS, json={"family": id, "step": "family.3"}, expect=201).json()
    assert first["head"] == people[0]["id"] and made["donor_number"] == people[0]["donor_number"]
    own = next(m["id"] for m in first["members"] if m["donor"] == people[0]["id"])
    change(staff, id, own, {"left_on": day(0)})
    assert staff.get(path).json()["head"] == people[1]["id"]
    assert staff.get(f"{HONOURS}/{made['id']}").json()["donor_number"] == people[1]["donor_number"]
    change(staff, id, own, {"left_on": None})
    assert staff.get(path).json()["head"] == people[0]["id"]
    staff.post(f"{DONORS}/{people[0]['id']}/erasure", json={}, expect=201)
    admin.post(f"{DONORS}/{people[0]['id']}/erasure/approve", json={}, expect=200)
    assert staff.get(path).json()["head"] == people[1]["id"]


def test_the_audit_tells_what_became_of_a_member(staff, daemon, giver):
    told = family(staff, giver(1)["id"]).json()
    member = told["members"][0]["id"]
    change(staff, told["id"], member, AGREED)
    change(staff, told["id"], member, {"consent": None})
    rows = daemon.sql("SELECT action, digest_before, digest_after FROM audit_entry WHERE subject_kind = 'family_member' AND subject_id = %s"
                      " ORDER BY id", member)
    assert [r[0] for r in rows] == ["family.create", "family.change", "family.change"]
    assert rows[0][1] is None and rows[0][2] == rows[1][1] and rows[1][2] == rows[2][1]
    assert rows[0][2] == rows[2][2] != rows[1][2]              # as it was before: no consent
    family_rows = daemon.sql("SELECT digest_before, digest_after FROM audit_entry WHERE subject_kind = 'family' AND subject_id = %s ORDER BY id",
                             told["id"])
    assert len(family_rows) == 3 and all(after == before for (_, after), (before, _) in zip(family_rows, family_rows[1:], strict=False))


# ---- the list for the ceremony ----

def test_the_list_for_the_ceremony(staff, admin, daemon, giver):
    shy, proud, shy_again = (giver(5, name=name) for name in ("Lò Văn Kín", "Vàng Thị Vui", "Sùng A Thôi"))
    for one in (proud, shy_again):
        staff.post(f"{DONORS}/{one['id']}/consents", json={"purpose": "honours_publication", "channel": "paper", "given": True,
                                                           "at": f"{day(-30)}T08:00:00+07:00"}, expect=201)
    staff.post(f"{DONORS}/{shy_again['id']}/consents", json={"purpose": "honours_publication", "channel": "sms", "given": False}, expect=201)
    for one in (shy, proud, shy_again):
        id = nominate(staff, one["id"]).json()["id"]
        take(admin, id, "check")
        take(admin, id, "propose")
        take(admin, id, "approve", {"document": "=7/QĐ"})
    read = "SELECT count(*) FROM audit_entry WHERE action = 'honour.ceremony' AND subject_id = %s"
    public = staff.get(f"{HONOURS}/ceremony.csv", params={"ladder": "individual"})
    assert public.headers["content-type"] == "text/csv; charset=utf-8" and public.headers["cache-control"] == "no-store"
    text = public.content.decode("utf-8-sig")
    assert "Vàng Thị Vui" in text and "Lò Văn Kín" not in text and "Sùng A Thôi" not in text and "'=7/QĐ" in text
    assert [daemon.value(read, one["id"]) for one in (shy, proud, shy_again)] == [0, 1, 0]
    internal = staff.get(f"{HONOURS}/ceremony.xlsx", params={"list": "internal", "ladder": "individual"})
    sheet = openpyxl.load_workbook(io.BytesIO(internal.content)).active
    rows = {row[1]: row for row in sheet.iter_rows(min_row=2, values_only=True)}
    assert {"Vàng Thị Vui", "Lò Văn Kín", "Sùng A Thôi"} <= set(rows)
    assert rows["Lò Văn Kín"][2] == 1980 and rows["Lò Văn Kín"][7] == "=7/QĐ"
    assert rows["Vàng Thị Vui"][9] != rows["Lò Văn Kín"][9] == rows["Sùng A Thôi"][9]
    assert [daemon.value(read, one["id"]) for one in (shy, proud, shy_again)] == [1, 2, 1]
    for state in ("candidate", "checked", "proposed", "refused"):       # nobody approved them: not for the public
        staff.get(f"{HONOURS}/ceremony.csv", params={"state": state}, expect=400)
        staff.get(f"{HONOURS}/ceremony.csv", params={"state": state, "list": "internal"}, expect=200)
    paper = staff.get(f"{HONOURS}/ceremony.pdf", params={"list": "internal", "ladder": "individual"}, headers={"Accept-Language": "vi"})
    assert paper.headers["content-type"] == "application/pdf" and paper.headers["cache-control"] == "no-store"
    words = certificates.text_of(paper.content)
    for part in ("DANH SÁCH TÔN VINH", "Vàng Thị Vui", "Lò Văn Kín", "Họ và tên", "=7/QĐ", "Trang 1/", "10/03/2025"):
        assert part in words, words
    words = certificates.text_of(staff.get(f"{HONOURS}/ceremony.pdf", params={"ladder": "individual"}).content)
    assert "Vàng Thị Vui" in words and "Lò Văn Kín" not in words
    assert [daemon.value(read, one["id"]) for one in (shy, proud, shy_again)] == [2, 4, 2]
    # an erased donor has no name to read
    staff.post(f"{DONORS}/{proud['id']}/erasure", json={}, expect=201)
    admin.post(f"{DONORS}/{proud['id']}/erasure/approve", json={}, expect=200)
    assert "Vui" not in staff.get(f"{HONOURS}/ceremony.csv", params={"list": "internal"}).content.decode()


def test_who_cannot_be_read_is_left_out_and_told(staff, admin, daemon, giver):
    seen, broken = (giver(5, name=name) for name in ("Vàng Thị Sáng", "Lò Văn Khuất"))
    for one in (seen, broken):
        id = nominate(staff, one["id"]).json()["id"]
        for verb, body in (("check", None), ("propose", None), ("approve", {"document": "8/QĐ"})):
            take(admin, id, verb, body)
    damage = ("UPDATE donor SET sealed = set_byte(sealed, 30, get_byte(sealed, 30) # 1) WHERE id = %s", broken["id"])
    daemon.sql(*damage)
    try:
        answers = [staff.get(f"{HONOURS}/ceremony.{kind}", params={"list": "internal"}, expect=200) for kind in ("csv", "xlsx", "pdf")]
    finally:
        daemon.sql(*damage)
    assert all(answer.headers["left-out"] == broken["donor_number"] for answer in answers)
    text = answers[0].content.decode("utf-8-sig")
    assert "Vàng Thị Sáng" in text and "Khuất" not in text
    whole = staff.get(f"{HONOURS}/ceremony.csv", params={"list": "internal"})
    assert "Khuất" in whole.content.decode("utf-8-sig") and "left-out" not in whole.headers


# ---- another file of ladders ----

def test_what_another_file_would_change(staff, admin, giver):
    seven, ten = giver(7), giver(10)
    give_all(admin, nominate(staff, ten["id"], "individual.10").json()["id"])
    file = json.loads(json.dumps(LADDERS))
    same = staff.post(f"{HONOURS}/preview", json=file, expect=200).json()
    assert same["looked_at"] == same["changed"] == 0 and same["items"] == []
    file["id"] = "mountain"
    next(p for p in file["parameters"] if p["name"] == "mountain_bars")["value"] = "on"
    unit = staff.get("/api/v1/units", params={"on": TODAY, "limit": 1}).json()["items"][0]["id"]
    staff.patch(f"{DONORS}/{seven['id']}", json={"unit": unit}, expect=200, etag=staff.etag(f"{DONORS}/{seven['id']}"))
    told = staff.post(f"{HONOURS}/preview", json=file, expect=200).json()
    assert told["next"] == "mountain" and told["new_candidate"] >= 1
    changes = {i["donor"]: i["changes"] for i in told["items"]}
    assert changes[seven["id"]] == [{"step": "individual.10", "change": "new_candidate"}] and ten["id"] not in changes
    assert steps(staff, seven["id"]) == ["individual.5"]       # nothing was changed
    file["steps"][2]["at"], file["steps"][2]["at_mountain"] = 11, None
    told = staff.post(f"{HONOURS}/preview", json=file, expect=200).json()
    changes = {i["donor"]: i["changes"] for i in told["items"]}
    assert {"step": "individual.10", "change": "given_not_reached"} in changes[ten["id"]]
    file["steps"][1]["at"] = 0
    assert "/steps/1/at" in field_codes(staff.post(f"{HONOURS}/preview", json=file, expect=422))


def test_the_ladders_are_told(staff):
    told = staff.get(f"{HONOURS}/ladders").json()
    assert told["id"] == "vn-122-2017" and {s["ladder"] for s in told["steps"]} == {"first", "individual", "family"}
    assert {p["name"] for p in told["parameters"]} >= {"district_gives", "mountain_bars", "declared_donations"}


# ---- scopes (the rest of them: test_scope_matrix.py) ----

def test_a_scope_reaches_its_own_people(api, staff, admin, daemon, seeds, giver):
    home, other = (unit_id(api, name, "2025-01-01") for name in ("Huyện Than Uyên", "Huyện Sìn Hồ"))
    client = api.with_token(daemon.new_token("staff", f"of one place {seeds.number()}", "--unit", home))
    mine, theirs = giver(5, unit=home, name="Lò Văn Nhà"), giver(5, unit=other, name="Lò Văn Xa")
    assert "/donor" in field_codes(nominate(client, theirs["id"], expect=422))
    assert "/donor" in field_codes(family(client, theirs["id"], expect=422))
    ours, far = family(client, mine["id"]).json(), family(staff, theirs["id"]).json()
    body = {"left_on": day(-1)}
    client.patch(f"{FAMILIES}/{far['id']}/members/{far['members'][0]['id']}", json=body, etag='"1"', expect=404)
    change(client, ours["id"], ours["members"][0]["id"], body)
    for one in (mine, theirs):
        id = nominate(staff, one["id"]).json()["id"]
        for verb, more in (("check", None), ("propose", None), ("approve", {"document": "3/QĐ"})):
            take(admin, id, verb, more)
    seen = client.get(f"{HONOURS}/ceremony.csv", params={"list": "internal"}).content.decode("utf-8-sig")
    assert "Lò Văn Nhà" in seen and "Lò Văn Xa" not in seen
    file = json.loads(json.dumps(LADDERS))
    file["steps"][1]["at"] = 6
    touched = {i["donor"] for i in client.post(f"{HONOURS}/preview", json=file, expect=200).json()["items"]}
    assert mine["id"] in touched and theirs["id"] not in touched


# ---- two daemons ----

def test_two_daemons_approve_once(contract):
    postgres, made = Postgres().make(), []
    try:
        config = postgres.configuration()
        for command in (["keyring", "create"], ["migrate"]):
            assert programs.run("giothong", "--config", config, *command, folder=postgres.folder).status == 0
        for _ in range(2):
            made.append(Daemon(folder=postgres.folder, config=config).start())
        token = made[0].token("admin")
        clients = [Api(d, contract, token) for d in made]
        for _ in range(3):
            one = clients[0].post(DONORS, json={"name": "Lò Thị Đôi", "birth_year": 1980}, expect=201).json()["id"]
            given(postgres, one, day(-10))
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                tries = list(pool.map(lambda c: until_served(lambda: nominate(c, one, "first.1", expect=(201, 409, 503))), clients * 2))
                assert {a.status_code for a in tries} <= {201, 409}
                (id,) = {a.json()["id"] for a in tries if a.status_code == 201}
                for verb, body in (("check", None), ("propose", None), ("approve", {"document": "1/QĐ"}), ("hand_over", None)):
                    etag = clients[0].etag(f"{HONOURS}/{id}")
                    answers = list(pool.map(lambda c: until_served(lambda: take(c, id, verb, body, expect=(200, 409, 412, 503), etag=etag)),
                                            clients * 2))
                    told = sorted(a.status_code for a in answers)
                    assert told.count(200) == 1 and set(told) <= {200, 409, 412}, (verb, answers)
            assert [e["verb"] for e in clients[1].get(f"{HONOURS}/{id}").json()["events"]] == \
                ["nominate", "check", "propose", "approve", "hand_over"]
        assert [d.stop() for d in made] == [0, 0]
    finally:
        for one in made:
            one.end()
        postgres.remove()
