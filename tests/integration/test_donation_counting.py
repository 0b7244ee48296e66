"""Which donations count: derived from the items when it is read, so that it is the same in whatever order they came in."""
import itertools
import uuid

import pytest

from harness.daemon import wait_until
from harness.seeds import day

DONORS = "/api/v1/donors"
BAG = "G1234 98 654321"


@pytest.fixture
def donor(staff, seeds):
    """Makes a donor; the id of the record."""
    def make(**more):
        letters, n = "", seeds.number()
        for _ in range(6):
            letters, n = letters + "bcdghklmnp"[n % 10] + "ăêíôư"[n % 5], n // 10
        body = {"name": f"Vàng {letters.capitalize()}", "birth_date": "1990-05-17", "sex": "female", **more}
        return staff.post(DONORS, json=body, expect=201).json()["id"]
    return make


class Ledger:
    """Writes items as the daemon does, one after the other, and reads what counts."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.install = str(uuid.uuid4())

    def item(self, id, donor, content="a", captured="08:00", seq=1, corrects=None, kind="donation", install=None, held=(), on=None, bag=None,
             volume=350, registers=False):
        on = on or day(-3)
        hash = content.encode().rjust(32, b"0")
        self.daemon.sql("INSERT INTO item (id, content_hash, kind, install, seq, captured_at, corrects, donor_id, registers, verdict, held, sealed, tie)"
                        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, 'applied', %s, 'x', %s) ON CONFLICT DO NOTHING",
                        id, hash, kind, install or self.install, seq, f"{on}T{captured}:00+07:00", corrects, donor, registers, list(held), content)
        if kind == "donation":
            self.daemon.sql("INSERT INTO donation (id, donor_id, component, volume_ml, donated_on, evidence, source, bag_code, outcome, item_id,"
                            " content_hash, captured_at) SELECT gen_random_uuid(), %s, 'whole_blood', %s, %s, 'confirmed', 'field', %s, 'completed', %s, %s, %s"
                            " WHERE NOT EXISTS (SELECT FROM donation WHERE item_id = %s AND content_hash = %s)",
                            donor, volume, on, bag, id, hash, f"{on}T{captured}:00+07:00", id, hash)

    def decide(self, id, verb, content="a"):
        self.daemon.sql("INSERT INTO item_decision (version, item_id, content_hash, verb, decided_by_kind, decided_by, answers)"
                        " SELECT item_version(i.id), i.id, i.content_hash, %s, 'user', 'test', ARRAY(SELECT r.reason FROM item_reason_ever AS r"
                        "  WHERE r.id = i.id AND r.content_hash = i.content_hash) FROM item AS i WHERE i.id = %s AND i.content_hash = %s",
                        verb, id, content.encode().rjust(32, b"0"))

    def counting(self, *donors):
        """(content, volume, held, open) of each donation of theirs that counts."""
        rows = self.daemon.sql("SELECT convert_from(content_hash, 'UTF8'), volume_ml, held, open FROM donation_counting"
                               " WHERE donor_id = ANY (%s::uuid[]) ORDER BY captured_at, content_hash", list(donors))
        return [(hash.lstrip("0"), *rest) for hash, *rest in rows]


@pytest.fixture
def ledger(daemon):
    return Ledger(daemon)


def in_every_order(writes):
    return itertools.permutations(writes)


def test_of_several_contents_the_lowest_counts(ledger, donor):
    for order in in_every_order([("late", "09:00", 0, 250), ("b", "08:00", 1, 350), ("a", "08:00", 0, 450)]):
        one, two = people = donor(), donor()
        id = str(uuid.uuid4())
        for content, captured, n, volume in order:
            who = people[n]
            ledger.item(id, who, content + id[:4], captured, volume=volume)
            ledger.item(id, who, content + id[:4], captured, volume=volume)
        rows = [row for row in ledger.counting(one, two) if row[0].endswith(id[:4])]
        assert rows == [("a" + id[:4], 450, False, True)], order
        ledger.decide(id, "drop", "a" + id[:4])
        rows = [row for row in ledger.counting(one, two) if row[0].endswith(id[:4])]
        assert rows == [("b" + id[:4], 350, False, True)]
        ledger.decide(id, "drop", "late" + id[:4])
        rows = [row for row in ledger.counting(one, two) if row[0].endswith(id[:4])]
        assert rows == [("b" + id[:4], 350, False, False)]


def test_a_content_of_another_kind_counts_for_none(ledger, donor):
    one = donor()
    id = str(uuid.uuid4())
    ledger.item(id, one, "b", "08:00")
    ledger.item(id, one, "a", "07:59", kind="check_in")
    assert ledger.counting(one) == []
    ledger.decide(id, "drop", "a")
    assert ledger.counting(one) == [("b", 350, False, False)]


def test_two_corrections_of_one_item_count_once(ledger, donor):
    for order in in_every_order(["first", "one", "other", "late"]):
        who, ids, install = donor(), {name: str(uuid.uuid4()) for name in ("first", "one", "other", "late")}, str(uuid.uuid4())
        what = {"first": dict(seq=1, volume=250), "one": dict(seq=2, volume=350, corrects=ids["first"], captured="08:10"),
                "other": dict(seq=3, volume=450, corrects=ids["first"], captured="08:20"),
                "late": dict(seq=4, volume=200, corrects=ids["one"], captured="08:30")}
        for name in order:
            ledger.item(ids[name], who, name, install=install, **what[name])
        assert ledger.counting(who) == [("other", 450, False, True)], order
        ledger.decide(ids["other"], "drop", "other")
        assert ledger.counting(who) == [("late", 200, False, False)]


def test_corrections_in_any_order(ledger, donor):
    for order in in_every_order(["first", "second", "third"]):
        one, ids = donor(), {name: str(uuid.uuid4()) for name in ("first", "second", "third")}
        install = str(uuid.uuid4())
        what = {"first": dict(seq=1, volume=250), "second": dict(seq=2, volume=350, corrects=ids["first"]),
                "third": dict(seq=3, volume=450, corrects=ids["second"])}
        for name in order:
            ledger.item(ids[name], one, name, f"08:0{what[name]['seq']}", install=install, **what[name])
        assert ledger.counting(one) == [("third", 450, False, False)], order
        ledger.decide(ids["third"], "drop", "third")
        assert ledger.counting(one) == [("second", 350, False, False)]
        ledger.decide(ids["second"], "drop", "second")
        assert ledger.counting(one) == [("first", 250, False, False)]
        ledger.decide(ids["third"], "keep", "third")     # what it corrects is the dropped one: both tell of one fact, which counts once
        assert ledger.counting(one) == [("first", 250, False, True)]


def test_what_is_no_correction_of_its_own_is_held(ledger, donor):
    """Of another phone, or of an earlier number, or of nothing: both stand, and a person must look."""
    who, id = [donor() for _ in range(4)], str(uuid.uuid4())
    ledger.item(id, who[0], "a", seq=5)
    ledger.item(str(uuid.uuid4()), who[1], "b", "08:01", seq=6, corrects=id, install=str(uuid.uuid4()))
    ledger.item(str(uuid.uuid4()), who[2], "c", "08:02", seq=5, corrects=id)
    ledger.item(str(uuid.uuid4()), who[3], "d", "08:03", seq=9, corrects=str(uuid.uuid4()))
    assert ledger.counting(*who) == [("a", 350, False, False), ("b", 350, True, False), ("c", 350, True, False), ("d", 350, True, False)]
    ledger.item(str(uuid.uuid4()), who[0], "e", "08:04", seq=6, corrects=id)
    assert [row[0] for row in ledger.counting(*who)] == ["b", "c", "d", "e"]
    # two that correct each other do not both vanish
    one, first, second = donor(), str(uuid.uuid4()), str(uuid.uuid4())
    ledger.item(first, one, "f", seq=7, corrects=second)
    ledger.item(second, one, "g", "08:01", seq=8, corrects=first)
    assert [row[0] for row in ledger.counting(one)] == ["g"]


def test_one_bag_counts_once(ledger, donor):
    for order in in_every_order([0, 1, 2]):
        people, bag = [donor() for _ in range(3)], str(uuid.uuid4())
        ids = sorted(str(uuid.uuid4()) for _ in range(3))
        for n in order:
            ledger.item(ids[n], people[n], f"c{n}", "08:00" if n < 2 else "07:59", seq=n + 1, bag=bag)
        assert ledger.counting(*people) == [("c2", 350, False, True)], order
        ledger.decide(ids[2], "drop", "c2")
        assert ledger.counting(*people) == [("c0", 350, False, True)]
        ledger.decide(ids[1], "drop", "c1")
        assert ledger.counting(*people) == [("c0", 350, False, False)]


def test_a_wait_that_was_known_before(ledger, donor, staff, daemon):
    for content, captured, held in ("before", "07:59", False), ("after", "08:01", True):
        one = donor()
        deferral = staff.post(f"{DONORS}/{one}/deferrals", json={"code": "pregnant_now"}, expect=201).json()
        daemon.sql("UPDATE deferral SET recorded_at = %s WHERE id = %s", f"{day(-3)}T08:00:00+07:00", deferral["id"])
        ledger.item(str(uuid.uuid4()), one, content, captured)
        assert ledger.counting(one) == [(content, 350, held, False)]
        staff.post(f"{DONORS}/{one}/deferrals/{deferral['id']}/lift", json={"reason": "nhầm"}, expect=201)
        assert ledger.counting(one) == [(content, 350, False, False)]


def test_held_until_decided_and_read_as_before(ledger, donor, staff, daemon):
    one, id = donor(), str(uuid.uuid4())
    ledger.item(id, one, "a", held=["device_revoked"])
    assert ledger.counting(one) == [("a", 350, True, False)]
    ledger.decide(id, "keep")
    assert ledger.counting(one) == [("a", 350, False, False)]
    # a declared one counts beside it
    daemon.sql("INSERT INTO donation (id, donor_id, component, volume_ml, donated_on, evidence, source)"
               " VALUES (gen_random_uuid(), %s, 'whole_blood', 250, '2020-01-01', 'declared', 'test')", one)
    assert daemon.sql("SELECT held, open FROM donation_counting WHERE donor_id = %s AND item_id IS NULL", one) == [(False, False)]
    ledger.decide(id, "drop")
    exported = staff.get(f"{DONORS}/{one}/export").json()["donations"]
    assert [(row["evidence"], row["counts"], row["outcome"]) for row in exported] == [("declared", True, None), ("confirmed", False, "completed")]


def test_next_days_follow(ledger, donor, staff, daemon):
    """What an item or a decision changes about another record's donation is counted again there."""
    one, two, bag = donor(), donor(), str(uuid.uuid4())
    last = lambda who: daemon.value("SELECT last_donated_on::text FROM donor WHERE id = %s", who)
    eligible = lambda who: staff.get(f"{DONORS}/{who}/eligibility").json()["eligible"]
    low, high = sorted(str(uuid.uuid4()) for _ in range(2))
    ledger.item(high, two, "h", bag=bag)
    wait_until(lambda: last(two) == day(-3), what="the donation is counted")
    assert not eligible(two)
    ledger.item(low, one, "l", bag=bag)
    wait_until(lambda: (last(one), last(two)) == (day(-3), None), what="the bag is the other's")
    assert eligible(two) and not eligible(one)
    ledger.decide(low, "drop", "l")
    wait_until(lambda: (last(one), last(two)) == (None, day(-3)), what="the bag is the first's again")
    ledger.item(str(uuid.uuid4()), two, "c", seq=2, corrects=high, on=day(-90))
    wait_until(lambda: last(two) == day(-90), what="it was corrected")
    assert eligible(two)
    # a drop of blood that did not come is no donation
    ledger.item(str(uuid.uuid4()), one, "s", seq=3)
    assert not eligible(one)
    daemon.sql("UPDATE donation SET volume_ml = 0, outcome = 'stopped' WHERE donor_id = %s", one)
    assert eligible(one)
