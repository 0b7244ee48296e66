"""Round packs: what a phone takes along, and how it follows what changes. All people here are invented."""
import concurrent.futures
import csv
import hashlib
import hmac
import itertools
import json
import random
import re
import unicodedata
import uuid

import httpx
import pytest

from harness import programs
from harness.client import problem, until_served
from harness.daemon import own_daemon, wait_until
from harness.donations import given
from harness.seeds import TODAY, Seeds, day

PACK, DONORS, ROUNDS, APPOINTMENTS, DEVICES = "/api/v1/sync/pack", "/api/v1/donors", "/api/v1/rounds", "/api/v1/appointments", "/api/v1/devices"
HOURS = {"start": "14:00", "end": "16:00"}


# ---- a phone, by what the description of the API says ----

def words(name):
    plain = "".join(c for c in unicodedata.normalize("NFD", name.lower().replace("đ", "d")) if not unicodedata.combining(c))
    return sorted(set(re.findall(r"[a-z]+", plain)))


class Phone:
    def __init__(self, client, round_id):
        self.client, self.round = client, round_id
        self.forget()

    def forget(self):
        self.token, self.state, self.rules = None, None, None
        self.expected, self.merges, self.names, self.numbers = {}, {}, set(), set()

    def ask(self, expect=200, **more):
        params = {"round": self.round, **({"since": self.token, "state": self.state} if self.token else {}), **more}
        return self.client.get(PACK, params=params, expect=expect)

    def load(self):
        """Takes what has come and gone, and looks whether it has understood."""
        answer = self.ask().json()
        assert answer["since"] == self.token and answer["hash_bits"] == 22 and answer["unreadable"] == 0
        if answer["rules"]:
            self.rules = answer["rules"]
        for code in answer["expected"]["removed"]:
            del self.expected[code]
        self.expected.update((entry["code"], entry) for entry in answer["expected"]["added"])
        for donor in answer["merges"]["removed"]:
            del self.merges[donor]
        self.merges.update((entry["donor"], entry["into"]) for entry in answer["merges"]["added"])
        for held, change in ((self.names, answer["names"]), (self.numbers, answer["numbers"])):
            assert set(change["removed"]) <= held and not set(change["added"]) & held
            held -= set(change["removed"])
            held |= set(change["added"])
        self.key, self.state, self.token, self.rule_set = bytes.fromhex(answer["key"]), answer["state"], answer["token"], answer["rule_set"]
        assert self.made_state() == self.state
        return answer

    def made_state(self):
        def line(*parts):
            return "\t".join("" if part is None else str(part) for part in parts) + "\n"
        lines = [line("r", self.rule_set)]
        lines += [line("e", *(entry[part] for part in ("code", "donor", "birth_year", "start", "end", "state", "group", "name")))
                  for _, entry in sorted(self.expected.items())]
        lines += [line("m", donor, into) for donor, into in sorted(self.merges.items())]
        lines += [line("n", value) for value in sorted(self.names)] + [line("p", value) for value in sorted(self.numbers)]
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    def hash(self, text):
        return int.from_bytes(hmac.digest(self.key, text.encode(), "sha256")[:4], "big") >> 10

    def numbers_of(self, person):
        return {self.hash(f"{i['kind']}\x1f{i['value']}") for i in person["identifiers"]}

    def name_of(self, person):
        return self.hash(f"{' '.join(words(person['name']))}\x1f{person['birth_date']}")

    def hits(self, person):
        """What the phone says of somebody at the desk."""
        return self.numbers_of(person) <= self.numbers and self.name_of(person) in self.names

    def knows_just(self, people):
        """Whether its hashes are those of these people, and no others."""
        return self.numbers == set().union(*map(self.numbers_of, people)) and self.names == set(map(self.name_of, people))


# ---- what tests need ----

@pytest.fixture(scope="module")
def daemon():
    """Whose donors are those of these tests alone: so it is known what must be in a pack."""
    with own_daemon() as one:
        yield one


@pytest.fixture(scope="module")
def everybody():
    return {}


@pytest.fixture
def person(seeds):
    def make(**more):
        letters, n = "", seeds.number()
        value = f"01209{n % 10}{n:06}"
        for _ in range(6):
            letters, n = letters + "bcdghklmnp"[n % 10] + "ăêíôư"[n % 5], n // 10
        return {"name": f"Lò Đức {letters.capitalize()}", "birth_date": "1990-05-17", "sex": "female",
                "identifiers": [{"kind": "cccd", "value": value}], **more}
    return make


@pytest.fixture
def donor(staff, person, everybody):
    def make(**more):
        body = person(**more)
        made = {**body, "id": staff.post(DONORS, json=body, expect=201).json()["id"]}
        everybody[made["id"]] = made
        return made
    return make


class Place:
    """A team with a round of its own, and its phones."""

    def __init__(self, api, staff, seeds, daemon, **more):
        self.api, self.staff, self.seeds, self.daemon = api, staff, seeds, daemon
        self.team = seeds.team()["id"]
        self.round = seeds.open(capacity=60, team=self.team, **{**HOURS, "date": day(7), **more})["id"]

    def phone(self):
        made = self.staff.post(DEVICES, json={"name": f"Máy {self.seeds.number()}", "team": self.team}, expect=201).json()
        body = {"code": made["code"], "install": str(uuid.uuid4())}
        told = self.api.post(f"{DEVICES}/enrol", json=body, expect=201).json()
        phone = Phone(self.api.with_token(told["token"]), self.round)
        phone.device = told["device"]["id"]
        return phone

    def book(self, donor):
        return self.staff.post(f"{ROUNDS}/{self.round}/appointments", json={"donor": donor["id"]}, expect=201).json()


@pytest.fixture
def place(api, staff, seeds, daemon):
    return lambda **more: Place(api, staff, seeds, daemon, **more)


def verb(client, appointment, what, **body):
    return client.post(f"{APPOINTMENTS}/{appointment['id']}/{what}", json=body, headers={"If-Match": client.etag(f"{APPOINTMENTS}/{appointment['id']}")},
                       expect=200).json()


def defer(staff, donor, **body):
    return staff.post(f"{DONORS}/{donor['id']}/deferrals", json=body, expect=201).json()


def counted(daemon):
    """All that is known of donors is in the days that are kept."""
    wait_until(lambda: daemon.value("SELECT count(*) FROM donor_stale") == 0, what="the days are counted")


def waiting(daemon, everybody, on):
    """Whose records may not give on that day, by what is kept of the person that each is part of."""
    counted(daemon)
    ids = daemon.sql("SELECT d.id::text FROM donor AS d LEFT JOIN donor_alias AS a ON a.donor_id = d.id JOIN donor AS p ON p.id = coalesce(a.into_id, d.id)"
                     " WHERE p.next_whole_blood > %s AND d.erased_at IS NULL", on)
    return [everybody[id] for id, in ids]


# ---- what is in it ----

def test_who_is_expected(place, donor, staff, daemon):
    here = place(date=TODAY)
    one, two, contact = donor(), donor(), donor()
    booked, came = here.book(one), here.book(two)
    group = staff.post(f"{ROUNDS}/{here.round}/groups", json={"title": "Bản Mường Than", "contact": contact["id"], "seats": 2, "release_hours": 0}, expect=201).json()
    verb(staff, came, "check_in")
    phone = here.phone()
    answer = phone.load()
    assert phone.expected[booked["code"]] == {"code": booked["code"], "donor": one["id"], "name": one["name"], "birth_year": 1990,
                                              "start": "14:00", "end": "14:30", "state": "booked", "group": None}
    assert phone.expected[came["code"]]["state"] == "checked_in" and phone.expected[came["code"]]["name"] == two["name"]
    seats = [phone.expected[seat["code"]] for seat in group["items"]]
    assert [(seat["donor"], seat["name"], seat["group"]) for seat in seats] == [(None, None, "Bản Mường Than")] * 2
    assert len(phone.expected) == 4 and phone.merges == {}
    assert answer["round"]["id"] == here.round and answer["round"]["venue"] is None and answer["round"]["starts_at"] == f"{TODAY}T14:00:00+07:00"
    assert answer["expires_at"] == f"{day(2)}T00:00:00+07:00"
    rules = json.loads((programs.CONFIG / "eligibility" / "vn-26-2013-tt-byt.json").read_text())
    assert phone.rules == rules and phone.rule_set.startswith(rules["id"])
    # everybody whose name was told stands in the audit, and the round; who is told nothing new does not again
    told = "SELECT subject_kind, subject_id FROM audit_entry WHERE action = 'pack.load' AND subject_id = ANY (%s) ORDER BY 1, 2"
    subjects = [here.round, one["id"], two["id"], contact["id"]]
    assert daemon.sql(told, subjects) == sorted([("donor", one["id"]), ("donor", two["id"]), ("round", here.round)])
    again = phone.load()
    assert again["token"] == answer["token"] and again["rules"] is None and again["expected"] == {"added": [], "removed": []}
    assert daemon.sql(told, subjects).count(("round", here.round)) == 2 and len(daemon.sql(told, subjects)) == 4


def test_who_may_not_give_is_known_by_hashes_alone(place, donor, staff, daemon, everybody):
    here = place()
    free, gave, ill, waits, soon, old = (donor() for _ in range(6))
    given(daemon, gave["id"], day(-20))
    defer(staff, ill, code="malaria", permanent=True)
    deferral = defer(staff, waits, code="malaria", **{"from": None})
    given(daemon, soon["id"], day(7 - 84))                       # may give again on that very day
    given(daemon, old["id"], day(6 - 84))
    people = waiting(daemon, everybody, day(7))
    assert [one in people for one in (free, gave, ill, waits, soon, old)] == [False, True, True, True, False, False]
    phone = here.phone()
    answer = phone.load()
    assert phone.knows_just(people) and phone.hits(gave) and phone.hits(ill) and phone.hits(waits)
    # however it is typed at the desk
    assert phone.hits({**gave, "name": f"{gave['name'].upper().split()[2]} đức  LO"})
    assert not phone.hits({**gave, "birth_date": "1990-05-18"})
    # nobody stands in it: no name, no number, no reason, no day
    text = json.dumps({**answer, "rules": None, "round": None}, ensure_ascii=False)
    for one in (free, gave, ill, waits, soon, old):
        assert one["name"] not in text and one["identifiers"][0]["value"] not in text and one["id"] not in text
    assert "malaria" not in text
    assert set(answer) == {"token", "since", "state", "made_at", "expires_at", "round", "rule_set", "rules", "key", "hash_bits", "expected", "merges",
                           "names", "numbers", "unreadable"}
    assert daemon.value("SELECT count(*) FROM audit_entry WHERE action = 'pack.load' AND subject_id = ANY (%s)", [one["id"] for one in (free, gave, ill)]) == 0
    # another phone's pack has another key: what one tells of the other is nothing
    other = here.phone()
    other.load()
    assert other.key != phone.key and other.knows_just(people) and other.numbers != phone.numbers
    # it does not lie here in any form that the database alone opens
    kept_here = str(daemon.sql("SELECT p::text FROM pack AS p"))
    assert phone.key.hex() not in kept_here and gave["name"] not in kept_here
    staff.post(f"{DONORS}/{waits['id']}/deferrals/{deferral['id']}/lift", json={"reason": "đã khỏi"}, expect=201)
    people.remove(waits)
    assert {p["id"] for p in waiting(daemon, everybody, day(7))} == {p["id"] for p in people}
    change = phone.load()
    assert phone.knows_just(people) and len(change["numbers"]["removed"]) == 1 and change["numbers"]["added"] == []


def test_the_numbers_of_merged_records(place, donor, staff, daemon, everybody):
    """Who comes with the old card is found by it, and the phone learns which records are one."""
    here = place()
    one, two, passport = donor(), donor(), "B1234567"
    three = donor(identifiers=[{"kind": "passport", "value": passport}])
    booked = here.book(two)
    phone = here.phone()
    phone.load()
    given(daemon, one["id"], day(-20))
    staff.post(f"{DONORS}/{one['id']}/merge", json={"with": two["id"]}, expect=200)
    staff.post(f"{DONORS}/{one['id']}/merge", json={"with": three["id"]}, expect=200)
    people = waiting(daemon, everybody, day(7))
    phone.load()
    assert phone.merges == {two["id"]: one["id"], three["id"]: one["id"]} and phone.expected[booked["code"]]["donor"] == one["id"]
    assert all(phone.hits(record) for record in (one, two, three)) and phone.knows_just(people)
    staff.post(f"{DONORS}/{one['id']}/merge/undo", json={"with": two["id"]}, expect=200)
    people.remove(two)
    assert {p["id"] for p in waiting(daemon, everybody, day(7))} == {p["id"] for p in people}
    phone.load()
    assert phone.merges == {} and phone.expected[booked["code"]]["donor"] == two["id"] and phone.knows_just(people)
    assert phone.hits(three)


# ---- following ----

def test_old_pack_and_increments_are_the_whole_pack(place, donor, staff, daemon, seeds, everybody):
    """Whatever happens, in whatever order, whenever the phone asks: it holds what a new phone would be given."""
    here, dice = place(date=TODAY), random.Random(4)
    people, appointments, merged, deferrals = [donor() for _ in range(6)], [], [], []
    phones = [here.phone(), here.phone()]
    for phone in phones:
        phone.load()

    def book():
        people.append(donor())
        appointments.append(here.book(people[-1]))

    def over(what):
        if appointments:
            verb(staff, appointments.pop(dice.randrange(len(appointments))), what)

    def rename():
        one = dice.choice(people)
        told = staff.get(f"{DONORS}/{one['id']}").json()
        if told["id"] == one["id"]:
            one["name"] = f"{one['name']} {dice.choice(['An', 'Bình', 'Đào'])}"
            if len(one["name"].split()) < 10:
                staff.patch(f"{DONORS}/{one['id']}", json={"name": one["name"]}, etag=staff.etag(f"{DONORS}/{one['id']}"), expect=200)

    def merge():
        one, two = dice.choice(people[6:] or people), dice.choice(people[:6])    # one of them may be expected
        answer = staff.post(f"{DONORS}/{one['id']}/merge", json={"with": two["id"]})
        if answer.status_code == 200:
            merged.append((one, two))

    def part():
        if merged:
            one, two = merged.pop(dice.randrange(len(merged)))
            staff.post(f"{DONORS}/{one['id']}/merge/undo", json={"with": two["id"]})

    def deferred():
        one = dice.choice(people)
        deferrals.append((one, defer(staff, one, code="malaria", **{"from": None})))

    def lifted():
        if deferrals:
            one, deferral = deferrals.pop(dice.randrange(len(deferrals)))
            staff.post(f"{DONORS}/{one['id']}/deferrals/{deferral['id']}/lift", json={"reason": "đã khỏi"}, expect=201)

    def gave():
        given(daemon, dice.choice(people)["id"], day(-dice.randrange(1, 200)))

    def seats():
        contact = dice.choice(people)
        staff.post(f"{ROUNDS}/{here.round}/groups", json={"title": f"Nhóm {seeds.number()}", "contact": contact["id"], "seats": 1, "release_hours": 0}, expect=201)

    steps = [book, book, book, lambda: over("cancel"), lambda: over("check_in"), rename, merge, merge, part, deferred, lifted, gave, gave, seats]
    merges_seen = 0
    for n in range(36):
        dice.choice(steps)()
        if dice.random() < 0.3:
            dice.choice(phones).load()                          # now and then, while days are still being counted
        if n % 6 == 5:
            who, new = waiting(daemon, everybody, TODAY), here.phone()
            for phone in (new, *phones):
                phone.load()
                assert (phone.expected, phone.merges) == (new.expected, new.merges) and phone.knows_just(who)
                merges_seen += len(phone.merges)
                token = phone.token
                assert phone.load()["token"] == token, "and then nothing is new"
    assert new.expected and who and merges_seen


def test_what_cannot_be_continued(place, donor, daemon, staff, admin, everybody):
    here = place()
    booked = here.book(donor())
    phone = here.phone()
    phone.load()
    outdated = lambda answer: problem(answer, "pack-outdated", 412)                  # noqa: E731
    for token in (str(uuid.uuid4()), "x", "'"):
        outdated(phone.ask(since=token, expect=412))
    # of another phone, of another round; and where the phone has lost something
    other = here.phone()
    other.load()
    outdated(phone.ask(since=other.token, expect=412))
    elsewhere = place(date=day(8))
    daemon.sql("UPDATE round SET team_id = %s WHERE id = %s", here.team, elsewhere.round)
    outdated(phone.ask(round=elsewhere.round, expect=412))
    outdated(phone.ask(state="0" * 64, expect=412))
    phone.load()
    # what is kept of that is no digest of names that could be tried
    assert daemon.value("SELECT count(*) FROM pack WHERE encode(state, 'hex') = %s", phone.state) == 0
    assert daemon.value("SELECT count(*) FROM pack WHERE id = %s", phone.token) == 1
    # its key is of a key that was replaced
    daemon.sql("UPDATE pack SET key_id = key_id + 1 WHERE round_id = %s", here.round)
    outdated(phone.ask(expect=412))
    daemon.sql("UPDATE pack SET key_id = key_id - 1 WHERE round_id = %s", here.round)
    phone.load()
    # it has expired
    daemon.sql("UPDATE pack SET expires_at = %s WHERE id = %s", f"{day(-1)}T00:00:00+07:00", phone.token)
    outdated(phone.ask(expect=412))
    phone.forget()
    phone.load()
    assert booked["code"] in phone.expected
    # somebody was erased: nothing of them stays here, and the phone takes a new pack
    gone = donor()
    given(daemon, gone["id"], day(-20))
    assert gone in waiting(daemon, everybody, day(7))
    phone.load()
    assert phone.hits(gone)
    staff.post(f"{DONORS}/{gone['id']}/erasure", json={}, expect=201)
    admin.post(f"{DONORS}/{gone['id']}/erasure/approve", json={}, expect=200)
    assert daemon.value("SELECT count(*) FROM pack") == 0
    outdated(phone.ask(expect=412))
    phone.forget()
    phone.load()
    assert phone.knows_just(waiting(daemon, everybody, day(7)))


def test_an_erasure_under_way(place, donor, daemon):
    """A pack that was read before somebody is erased is not kept after."""
    here = place()
    here.book(donor())
    phone = here.phone()
    epoch = daemon.value("SELECT n FROM pack_epoch")
    with daemon.database() as connection, daemon.database() as watcher:
        connection.execute("BEGIN")
        connection.execute("UPDATE pack_epoch SET n = n + 1")
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            # told that it waited for too long, it asks again
            asked = pool.submit(until_served, lambda: phone.ask(expect=(200, 503)))
            wait_until(lambda: watcher.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                                               " AND query LIKE '%INSERT INTO pack %'").fetchone()[0] > 0, what="the pack waits")
            assert not asked.done()
            connection.execute("COMMIT")
            answer = asked.result()                              # read anew
    assert daemon.value("SELECT n FROM pack_epoch") == epoch + 1
    assert daemon.value("SELECT count(*) FROM pack WHERE id = %s", answer.json()["token"]) == 1


# ---- who may ----

def test_a_phone_sees_rounds_of_its_team(place, api, staff, admin, daemon, seeds):
    here, foreign = place(), place()
    phone = here.phone()
    phone.load()
    problem(phone.ask(round=foreign.round, expect=403), "out-of-scope")
    problem(phone.ask(round=str(uuid.uuid4()), expect=404), "not-found")
    draft = seeds.draft(date=day(9))["id"]
    problem(phone.ask(round=draft, expect=404), "not-found")
    problem(phone.client.get(PACK, expect=400), "invalid-query")
    problem(phone.ask(since="x", spare="1", expect=400), "invalid-query")
    problem(staff.get(PACK, params={"round": here.round}, expect=403), "forbidden")
    problem(api.get(PACK, params={"round": here.round}, expect=401), "unauthenticated")
    assert admin.get(PACK, params={"round": here.round}).headers["cache-control"] == "no-store"
    assert api.as_("auditor").get(PACK, params={"round": here.round}).json()["round"]["id"] == here.round
    # revoked: nothing but handing in
    staff.post(f"{DEVICES}/{phone.device}/revoke", json={}, expect=200)
    wait_until(lambda: phone.ask(expect=None).status_code == 403, what="the revocation")
    problem(phone.ask(expect=403), "device-revoked")


def test_rounds_that_are_over_or_off(place, staff, daemon):
    here = place()
    phone = here.phone()
    for days, given_out in ((0, True), (-1, True), (-2, False)):
        daemon.sql("UPDATE round SET from_day = %s, to_day = %s WHERE id = %s", day(days), day(days), here.round)
        if given_out:
            assert phone.ask().json()["expires_at"] == f"{day(days + 2)}T00:00:00+07:00"
        else:
            problem(phone.ask(expect=409), "illegal-step")
    daemon.sql("UPDATE round SET from_day = %s, to_day = %s, status = 'cancelled', status_reason = 'mưa' WHERE id = %s", day(7), day(7), here.round)
    problem(phone.ask(expect=409), "illegal-step")


def test_a_rate_of_its_own(fresh_daemon, api_of):
    daemon = fresh_daemon(settings={"limits.packs_per_minute": 3, "workers.count": 1})
    admin = api_of(daemon, daemon.token("admin"))
    admin.get("/api/v1/teams")
    codes = [admin.get(PACK, params={"round": "LC00-00"}, expect=None).status_code for _ in range(50)]
    assert codes[:3] == [404] * 3 and 429 in codes
    admin.get("/api/v1/teams")


# ---- how large ----

NAMES = ["Thử", "Mẫu", "Giả", "Dụ", "Nháp", "Tạm", "Vờ", "Hư", "Cấu", "Bịa"]
MAPPING = {"source": "Sổ thử", "columns": {"name": "Họ và tên", "birth": "Ngày sinh", "sex": "Giới tính", "id_number": "Số CCCD",
                                           "donated_on": "Ngày hiến", "volume_ml": "Thể tích"}}


def listed(n, gave):
    name = "Lò " + " ".join(NAMES[int(d)] + "xyzqwkjvbh"[int(d)] * (i + 1) for i, d in enumerate(f"{n:05d}"))
    return [name, f"{n % 28 + 1}/{n % 12 + 1}/{1970 + n % 30}", "Nữ" if n % 2 else "Nam", f"0121{70 + n % 30:02d}{n:06d}", "1/3/2025" if gave else "",
            350 if gave else ""]


def test_a_large_pack_is_small(fresh_daemon, api_of, tmp_path):
    """5,000 who may not give, each with a number and a name, and 500 who are expected, with the rules: 100 KB on the wire."""
    daemon = fresh_daemon()
    staff, admin = (api_of(daemon, daemon.token(role)) for role in ("staff", "admin"))
    rows, mapping = tmp_path / "list.csv", tmp_path / "mapping.json"
    with open(rows, "w", newline="", encoding="utf-8-sig") as out:
        csv.writer(out, delimiter=";").writerows([list(MAPPING["columns"].values()), *(listed(n, n < 5000) for n in range(5500))])
    mapping.write_text(json.dumps(MAPPING, ensure_ascii=False))
    patience = [word for lane in ("read", "write", "slow") for word in ("--set", f"database.{lane}_ms=20000")]
    told = json.loads(daemon.cli("donors", "import", rows, "--mapping", mapping, "--json", *patience, timeout=900).out)
    assert told["registered"] == 5500
    one = Seeds(staff, itertools.count(1)).open(capacity=600, date=day(7), **HOURS)
    staff.get(f"{ROUNDS}/{one['id']}/slots")
    wait_until(lambda: daemon.value("SELECT count(*) FROM slot WHERE round_id = %s", one["id"]) == 4, what="the slots are laid")
    daemon.sql("INSERT INTO appointment (id, round_id, slot_id, donor_id, state, kind, code, component, told_day, created_at)"
               " SELECT gen_random_uuid(), s.round_id, s.id, d.id, 'booked', 'booking', 'K' || to_char(d.n, 'FM000') || '2', 'whole_blood', %s, now()"
               " FROM (SELECT id, row_number() OVER (ORDER BY id DESC) AS n FROM donor LIMIT 500) AS d"
               " JOIN (SELECT *, row_number() OVER (ORDER BY start_minute) AS n FROM slot WHERE round_id = %s) AS s ON s.n = d.n %% 4 + 1",
               day(7), one["id"])
    counted(daemon)
    answer = httpx.get(f"{daemon.url}{PACK}", params={"round": one["id"]}, timeout=120,
                       headers={"Authorization": f"Bearer {daemon.token('admin')}", "Accept-Encoding": "gzip"})
    assert answer.status_code == 200 and answer.headers["content-encoding"] == "gzip"
    size, pack = int(answer.headers["content-length"]), answer.json()
    print(f"\n{size} bytes compressed, {len(answer.content)} plain, {answer.elapsed.total_seconds():.2f} s")
    assert len(pack["expected"]["added"]) == 500 and pack["rules"]
    assert 4980 <= len(pack["numbers"]["added"]) <= 5000 and 4980 <= len(pack["names"]["added"]) <= 5000
    assert size <= 100 * 1024
    again = admin.get(PACK, params={"round": one["id"], "since": pack["token"], "state": pack["state"]}, headers={"Accept-Encoding": "gzip"})
    assert again.json()["token"] == pack["token"] and len(again.content) < 4096
