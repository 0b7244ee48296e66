"""Phones hand in while the daemon is killed, PostgreSQL is killed, and each third answer is cut: nothing is lost, nothing is there twice.

The same facts are handed in twice: through the faults, by three phones at once (two of them clones), and calmly by one. Both must end with
the same: what counts, what waits, who may give when.
"""
import itertools
import os
import random
import signal
import threading
import uuid

import httpx
import pytest

from harness.client import Api, problem
from harness.daemon import own_daemon, wait_until
from harness.relay import Relay
from harness.seeds import TODAY, Seeds
from test_sync import BATCHES, DONORS, HELD, Phone, cccd, person

ITEMS, PEOPLE = 60, 8


@pytest.fixture(scope="module")
def daemon():
    with own_daemon() as one:
        yield one


@pytest.fixture(scope="module")
def staff(daemon, contract):
    return Api(daemon, contract).as_("staff")


@pytest.fixture(scope="module")
def seeds(staff):
    return Seeds(staff, itertools.count(1))


@pytest.fixture(scope="module")
def running(daemon, staff, seeds):
    daemon.token("team")
    (team,) = [t["id"] for t in staff.items("/api/v1/teams", limit=500) if t["code"] == daemon.own_team()]

    def make():
        daemon.sql("UPDATE round SET team_id = NULL WHERE team_id = %s", team)
        return staff.post(f"/api/v1/plans/{seeds.plan()['id']}/rounds", json={"title": "Đợt", "date": TODAY, "units": ["Huyện Than Uyên"], "team": team},
                          expect=201).json()["id"]
    return make


class Facts:
    """Items by a script, about people of their own: the same script gives the same facts about others."""

    def __init__(self, script, staff, seeds, round_id):
        self.people = [staff.post(DONORS, json=person(seeds), expect=201).json()["id"] for _ in range(PEOPLE)]
        self.news = [{**person(seeds, identifiers=[cccd(seeds)]), "id": str(uuid.uuid4())} for _ in range(PEOPLE)]
        self.round, self.bags = round_id, [f"F-{uuid.uuid4()}" for _ in range(6)]
        self.installs = [Phone(None, round_id), Phone(None, round_id)]
        self.items, self.numbers, last = [], {}, {}
        for n, (kind, who, ml, more) in enumerate(script):
            phone, at = self.installs[n % 2], f"{8 + n // 60:02}:{n % 60:02}"
            donor = {"provisional": self.news[who]} if kind == "new" else self.people[who]
            if kind == "correction" and n % 2 in last:
                made = phone.gave(self.people[who], ml, at=at, corrects=last[n % 2], bag_code=f"K-{round_id}-{n}")
            elif kind == "content" and self.items:
                before = self.items[-1]
                made = {**before, "captured_at": before["captured_at"].replace(":00+", f":{more + 1:02}+"), "data": {**before["data"], "note": n}}
            elif kind in ("deferral", "check_in", "screening"):
                data = {"deferral": {"code": "malaria", "from": TODAY}, "screening": {"outcome": "accepted" if more else "deferred"}}.get(kind, {})
                made = phone.item(kind, donor, at=at, **data)
            else:
                made = phone.gave(donor, ml, at=at, **({"bag_code": self.bags[more]} if kind == "bag" else {}))
                last[n % 2] = made["id"]
            self.items.append(made)
            self.numbers.setdefault(made["id"], n)


def dump(daemon, staff, facts):
    """What counts and what waits, told without ids."""
    rows = daemon.sql("SELECT i.id::text, s.state, i.captured_at::text, ARRAY(SELECT DISTINCT r.reason FROM item_reason AS r WHERE r.id = i.id"
                      " AND r.content_hash = i.content_hash ORDER BY 1)::text, coalesce(a.into_id, i.donor_id)::text, i.verdict = 'rejected',"
                      " (SELECT n.volume_ml FROM donation_counting AS n WHERE n.item_id = i.id AND n.content_hash = i.content_hash),"
                      " row_number() OVER (PARTITION BY i.id, i.captured_at ORDER BY i.tie) FROM item AS i"
                      " JOIN item_state AS s ON s.id = i.id AND s.content_hash = i.content_hash LEFT JOIN donor_alias AS a ON a.donor_id = i.donor_id"
                      " WHERE i.id = ANY (%s::uuid[])", list(facts.numbers))
    told, people = [], {}
    for id, state, at, reasons, who, _, ml, place in sorted(rows, key=lambda row: (facts.numbers[row[0]], row[2], row[7])):
        told.append((facts.numbers[id], at, place, state, reasons, ml, people.setdefault(who, len(people))))
    days = [staff.get(f"{DONORS}/{who}/eligibility").json() for who in facts.people]
    result = staff.get(f"/api/v1/rounds/{facts.round}").json()["result"]
    return {"items": told, "days": [(d["eligible"], d["earliest_on"]) for d in days],
            "result": {name: result[name] for name in ("registered", "present", "accepted", "units", "ml", "parts")}}


class Handing(threading.Thread):
    """A phone that sends again until everything is acknowledged: the whole receipt arrived, and says of each item what became of it."""

    def __init__(self, url, token, items, seed, answers):
        super().__init__(daemon=True)
        self.url, self.token, self.items, self.dice, self.answers = url, token, list(items), random.Random(seed), answers
        self.failure, self.sends, self.cut = None, 0, 0

    def run(self):
        try:
            self.dice.shuffle(self.items)
            while self.items:
                size = self.dice.randint(1, 9)
                part, self.items = self.items[:size], self.items[size:]
                wait_until(lambda part=part: self.send(part), 170, what="a receipt")
        except BaseException as failure:
            self.failure = failure

    def send(self, part):
        self.sends += 1
        try:
            answer = httpx.post(self.url + BATCHES, json={"device_now": f"{TODAY}T18:00:00+07:00", "items": part}, timeout=60,
                                headers={"Authorization": f"Bearer {self.token}"})
        except httpx.HTTPError:
            self.cut += 1
            return False
        assert answer.status_code in (200, 503, 429), answer.text
        if answer.status_code != 200 or answer.json()["counts"]["retry"]:
            return False
        for item, told in zip(part, answer.json()["items"], strict=True):
            assert told["verdict"] != "rejected", told
            self.answers.append((str(item), told.get("first", told["verdict"])))
        return True


@pytest.fixture
def refused(daemon):
    """The database refuses rows of items: with that code, where that is so of those that are written together (the table `fresh`)."""
    def refuse(code, where):
        daemon.sql("CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                   f" IF (SELECT {where} FROM fresh) THEN RAISE EXCEPTION 'refused' USING ERRCODE = '{code}'; END IF; RETURN NULL; END $$")
        daemon.sql("CREATE TRIGGER refuse AFTER INSERT ON item REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION refuse()")
    yield refuse
    daemon.sql("DROP TRIGGER IF EXISTS refuse ON item")
    daemon.sql("DROP FUNCTION IF EXISTS refuse()")


def test_what_takes_too_long_together_is_written_in_parts(daemon, staff, running, refused):
    """The statement is over its deadline whenever it is sent: that is no reason to refuse it for ever."""
    who = staff.post(DONORS, json={"name": "Lò Văn Chậm", "birth_year": 1990}, expect=201).json()["id"]
    phone = Phone(Api(daemon, staff.contract, daemon.token("team")), running())
    items = [phone.item("note", who, text=str(n)) for n in range(20)]
    refused("57014", "count(*) > 3")
    receipt = phone.send(*items)
    assert receipt["counts"]["applied"] == len(items) and [i["id"] for i in receipt["items"]] == [i["id"] for i in items]
    assert daemon.value("SELECT count(*) FROM item WHERE install = %s", phone.install) == len(items)
    daemon.sql("DROP TRIGGER refuse ON item")
    refused("57014", "true")
    problem(phone.hand_in(phone.item("note", who, text="một"), expect=None), "try-again", 503)


@pytest.fixture
def slow_to_tell(daemon):
    """Over its deadline is whatever asks how more than three items stand of which something is to be said."""
    daemon.sql("ALTER FUNCTION item_stands(uuid, bytea) RENAME TO item_stands_calmly")
    daemon.sql("CREATE FUNCTION item_stands(of_item uuid, of_content bytea) RETURNS text LANGUAGE plpgsql STABLE AS $$ BEGIN"
               " PERFORM set_config('test.told', (coalesce(nullif(current_setting('test.told', true), '')::integer, 0) + 1)::text, true);"
               " IF current_setting('test.told')::integer > 3 THEN RAISE EXCEPTION 'slow' USING ERRCODE = '57014'; END IF;"
               " RETURN item_stands_calmly(of_item, of_content); END $$")
    yield
    daemon.sql("DROP FUNCTION item_stands(uuid, bytea)")
    daemon.sql("ALTER FUNCTION item_stands_calmly(uuid, bytea) RENAME TO item_stands")


def test_what_takes_too_long_to_tell_is_told_in_parts(daemon, staff, running, slow_to_tell):
    """All of it is there: a phone that is refused its receipt would send it for ever."""
    who = staff.post(DONORS, json={"name": "Lò Văn Hỏi", "birth_year": 1990}, expect=201).json()["id"]
    round_id = running()
    phones = [Phone(Api(daemon, staff.contract, daemon.token("team")), round_id) for _ in range(2)]
    items = [phones[n % 2].gave(who, 0, outcome="stopped", donated_on="2024-01-02") if n % 3 else phones[n % 2].item("note", who, text=str(n)) for n in range(20)]
    for verdicts in ("held", "applied"), ("duplicate", "duplicate"):
        receipt = phones[0].send(*items[:7], 17, *items[7:])
        told = [i for i in receipt["items"] if i["verdict"] != "rejected"]
        assert [(i["id"], i["verdict"], i["state"], i["reasons"]) for i in told] == [
            (item["id"], verdicts[0], "held", ["date_outside"]) if n % 3 else (item["id"], verdicts[1], "counts", []) for n, item in enumerate(items)]
        assert {(i["install"], i["items"], i["missing_count"]) for i in receipt["installs"]} == {(phone.install, 10, 0) for phone in phones}


def test_a_correction_that_could_not_be_written_says_so(daemon, staff, running, refused):
    who = staff.post(DONORS, json={"name": "Lò Thị Sửa", "birth_year": 1990}, expect=201).json()["id"]
    phone = Phone(Api(daemon, staff.contract, daemon.token("team")), running())
    item = phone.gave(who, 450)
    phone.send(item)
    answer = staff.get(f"{HELD}/{item['id']}")
    (row,), etag = answer.json()["items"], answer.headers["etag"]
    right = {"content_hash": row["content_hash"], "data": {**item["data"], "volume_ml": 250}}
    refused("23514", "bool_or(staff)")
    problem(staff.post(f"{HELD}/{item['id']}/correct", json=right, headers={"If-Match": etag}, expect=None), "try-again", 503)
    daemon.sql("DROP TRIGGER refuse ON item")
    told = staff.post(f"{HELD}/{item['id']}/correct", json=right, headers={"If-Match": etag}, expect=200).json()["items"]
    assert [i["state"] for i in told] == ["corrected", "counts"]


@pytest.mark.parametrize("seed", map(int, os.environ.get("LEDGER_SEEDS", "1").split()))
def test_through_faults_and_calmly_the_same_is_there(seed, daemon, staff, seeds, running):
    """A script drawn at random, the same for all who run it. More: LEDGER_SEEDS="3 4 ..."."""
    chance = random.Random(seed)
    kinds = ["known"] * 5 + ["new", "new", "bag", "content", "correction", "deferral", "check_in", "screening"]
    script = [(chance.choice(kinds), chance.randrange(PEOPLE), chance.choice([200, 250, 350, 450]), chance.randrange(6)) for _ in range(ITEMS)]

    facts, answers = Facts(script, staff, seeds, running()), []
    wire = Relay(daemon.port)
    wire.lose(3)
    url, token = f"http://127.0.0.1:{wire.port}", daemon.token("team")
    clones = [Handing(url, token, facts.items, f"{seed} clone {n}", answers) for n in range(2)]
    phones = clones + [Handing(url, token, [i for i in facts.items if i["install"] == facts.installs[0].install], f"{seed} other", answers)]
    try:
        for phone in phones:
            phone.start()
        for n, fault in enumerate(["daemon", "postmaster", "daemon"]):
            # in the midst of it: some were acknowledged since the last fault, or all were
            seen = len(answers)
            wait_until(lambda seen=seen: len(answers) >= seen + 12 or not any(p.is_alive() for p in phones), what="acknowledged items")
            if fault == "daemon":
                daemon.kill()
                daemon.start()
            else:
                postmaster = daemon.postmaster_pid()
                os.kill(postmaster, signal.SIGKILL)
                wait_until(lambda postmaster=postmaster: daemon.postmaster_pid() not in (None, postmaster), what="a new postmaster")
        for phone in phones:
            phone.join(300)
            assert not phone.is_alive() and phone.failure is None, phone.failure
        assert wire.cut > 0
    finally:
        wire.lose(0)
        wire.close()

    # D2: whatever was acknowledged is acknowledged again as it was
    daemon.wait_ready()
    first = {}
    again = Phone(Api(daemon, staff.contract, token), facts.round)
    for start in range(0, len(facts.items), 30):
        part = facts.items[start:start + 30]
        for item, told in zip(part, again.send(*part)["items"], strict=True):
            assert told["verdict"] == "duplicate"
            first[str(item)] = told["first"]
    assert {(item, verdict) for item, verdict in answers} == set(first.items())
    # D1: each content once; D6: each with its entry, and all of them as the audit has them
    assert daemon.value("SELECT count(*) FROM item WHERE id = ANY (%s::uuid[])", list(facts.numbers)) == len(first)
    given = len({str(i) for i in facts.items if i["kind"] == "donation"})
    assert daemon.value("SELECT count(*) FROM donation WHERE item_id = ANY (%s::uuid[])", list(facts.numbers)) == given
    assert daemon.sql("SELECT count(*), count(DISTINCT subject_id) FROM audit_entry WHERE action = 'item.add' AND digest_after IS NOT NULL"
                      " AND split_part(subject_id, ':', 1) = ANY (%s)", list(facts.numbers)) == [(len(first), len(first))]
    wait_until(lambda: daemon.value("SELECT (SELECT count(*) FROM audit_seal) >= (SELECT count(*) FROM audit_entry)"), what="sealed")
    daemon.assert_records_fit()

    # calmly, in the order in which it happened, by one phone; in batches, too: each is answered as if it came alone
    calm = Facts(script, staff, seeds, running())
    alone = [again.send(item)["items"][0]["verdict"] for item in calm.items]
    together, left = [], Facts(script, staff, seeds, running()).items
    while left:
        size = chance.randint(1, 20)
        together += [told["verdict"] for told in again.send(*left[:size])["items"]]
        left = left[size:]
    assert together == alone and {"applied", "held", "conflict"} <= set(alone)

    told = []

    def same():
        told[:] = [dump(daemon, staff, one) for one in (facts, calm)]
        return told[0] == told[1]
    wait_until(lambda: staff.get(f"/api/v1/rounds/{calm.round}").json()["result"] is not None, what="the result")
    try:
        wait_until(same, every=0.2, what="the same in both")            # public answers are up to two seconds old
    finally:
        for name in told[0] if told else ():
            assert told[0][name] == told[1][name], name
