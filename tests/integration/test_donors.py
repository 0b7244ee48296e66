"""The donor registry: registered, read, changed, listed, looked up. All people here are invented."""
import concurrent.futures
import json
import re
import time
import unicodedata

import httpx
import pytest

from harness.client import field_codes, problem, until_served
from harness.daemon import wait_until
from harness.seeds import TODAY, day

DONORS, LOOKUP = "/api/v1/donors", "/api/v1/donors/lookup"
NOWHERE = "00000000-0000-7000-8000-000000000000"


@pytest.fixture
def people(seeds):
    return People(seeds.number)


class People:
    """Bodies of people of a test's own."""
    def __init__(self, number):
        self.number = number

    def cccd(self, year=1990, sex="female"):
        return {"kind": "cccd", "value": f"012{1 if sex == 'female' else 0}{year % 100:02}{self.number() % 1000000:06}"}

    def phone(self):
        return f"09{self.number() % 100000000:08}"

    def word(self):
        """A name that nobody else has."""
        letters, n = "", self.number()
        for _ in range(5):
            letters, n = letters + "bcdghklmnp"[n % 10] + "ăêíôư"[n % 5], n // 10
        return letters.capitalize()

    def body(self, **more):
        return {"name": f"{self.word()} {self.word()} {self.word()}", "birth_date": "1990-05-17", "sex": "female", "identifiers": [self.cccd()],
                "phone": self.phone(), "unit": "Huyện Than Uyên", "address": "Bản Mẫu, số 7",
                "blood_group": {"abo": "O", "rhd": "positive", "evidence": "card"}, **more}


def register(client, body, **options):
    return client.post(DONORS, json=body, expect=201, **options).json()


def found(client, **question):
    return [item["id"] for item in client.post(LOOKUP, json=question, expect=200).json()["items"]]


def settle(daemon):
    """The next days of all are counted: they stay as they are until a fact is written."""
    wait_until(lambda: daemon.value("SELECT count(*) FROM donor_stale") == 0, 60, what="days counted")


# ---- one life ----

def test_registered_and_read(staff, people):
    body = people.body(consents=[{"purpose": "invitation", "channel": "paper", "given_at": "2025-03-01T08:00:00+07:00",
                                  "proof": "phiếu số 12"}])
    answer = staff.post(DONORS, json=body, expect=201)
    made = answer.json()
    assert set(made) == {"id", "donor_number", "possible_duplicates", "warnings"} and made["warnings"] == []
    assert answer.headers["location"] == f"{DONORS}/{made['id']}" and answer.headers["cache-control"] == "no-store"
    answer = staff.get(answer.headers["location"])
    donor = answer.json()
    assert answer.headers["cache-control"] == "no-store" and answer.headers["etag"]
    assert {**donor, "unit": donor["unit"]["name"]} == {
        **donor, "id": made["id"], "donor_number": made["donor_number"], "name": body["name"], "birth_date": "1990-05-17",
        "birth_year": 1990, "sex": "female", "identifiers": [{**body["identifiers"][0], "issuer": None}],
        "phone": "+84" + body["phone"][1:], "unit": "Huyện Than Uyên", "unit_on": TODAY, "address": body["address"],
        "blood_group": body["blood_group"], "erased": False, "merged": [], "version": 1, "contact_facility": False}
    assert staff.get(f"{DONORS}/{made['donor_number']}").json() == donor
    assert staff.get(f"{DONORS}/{made['donor_number'].lower().replace('-', '')}").json() == donor


def test_little_is_enough(staff, people):
    """No identifier, no phone, no place, only the year."""
    made = register(staff, {"name": f"{people.word()} {people.word()}", "birth_year": 1971})
    donor = staff.get(f"{DONORS}/{made['id']}").json()
    assert donor["birth_year"] == 1971 and donor["birth_date"] is None and donor["identifiers"] == []
    assert donor["unit"] is None and donor["blood_group"] is None


def test_changed(staff, people, daemon):
    body = people.body()
    path = f"{DONORS}/{register(staff, body)['id']}"
    problem(staff.patch(path, {}), "precondition-required", 428)
    old_number, old_phone, old_name = body["identifiers"][0], body["phone"], body["name"]
    etag = staff.etag(path)
    passport = {"kind": "passport", "value": f"C{people.number():07}"}
    change = {"name": people.body()["name"], "birth_date": "1991-06-18", "phone": people.phone(),
              "identifiers": [passport], "address": None, "unit": "Huyện Sìn Hồ"}
    after = staff.patch(path, change, etag=etag, expect=200).json()
    assert after["version"] == 2 and after["name"] == change["name"] and after["birth_year"] == 1991 and after["address"] is None
    assert [i["value"] for i in after["identifiers"]] == [passport["value"]] and after["sex"] == "female"
    assert after["unit"]["name"] == "Huyện Sìn Hồ"
    problem(staff.patch(path, {"address": "x"}, etag=etag), "stale", 412)
    assert staff.get(path).json() == after
    # digests went with it
    donor = after["id"]
    assert found(staff, **old_number) == found(staff, phone=old_phone) == found(staff, name=old_name, birth_year=1990) == []
    assert found(staff, **passport) == found(staff, phone=change["phone"]) == found(staff, name=change["name"], birth_year=1991) == [donor]
    # both, then only the first one again: the kept row stays
    both = staff.patch(path, {"identifiers": [old_number, passport]}, etag=staff.etag(path), expect=200).json()
    assert sorted(i["value"] for i in both["identifiers"]) == sorted([old_number["value"], passport["value"]])
    rows = {r[0] for r in daemon.sql("SELECT id FROM donor_identifier WHERE donor_id = %s", donor)}
    staff.patch(path, {"identifiers": [passport, old_number], "phone": None}, etag=staff.etag(path), expect=200)
    assert {r[0] for r in daemon.sql("SELECT id FROM donor_identifier WHERE donor_id = %s", donor)} == rows
    assert found(staff, phone=change["phone"]) == []
    assert staff.patch(path, {"identifiers": None}, etag=staff.etag(path), expect=200).json()["identifiers"] == []
    assert daemon.value("SELECT count(*) FROM donor_digest WHERE donor_id = %s AND use = 'identifier'", donor) == 0


def test_one_of_another_cannot_be_taken(staff, people):
    one, two = people.body(), people.body()
    made = register(staff, one)
    path = f"{DONORS}/{register(staff, two)['id']}"
    answer = staff.patch(path, {"identifiers": [*two["identifiers"], *one["identifiers"]]}, etag=staff.etag(path), expect=409)
    assert problem(answer, "donor-exists")["id"] == made["id"]
    assert field_codes(answer) == {"/identifiers/1/value": "taken"}
    assert staff.get(path).json()["version"] == 1


# ---- one person once ----

def test_a_known_number(staff, api, people, daemon):
    body = people.body()
    made = register(staff, body)
    again = staff.post(DONORS, json=body, expect=409)
    assert problem(again, "donor-exists")["id"] == made["id"] and field_codes(again) == {"/identifiers/0/value": "taken"}
    # blanks, full-width digits, no marks, other order, only the year: the same person
    value = body["identifiers"][0]["value"]
    wide = "".join(chr(ord(c) + 0xfee0) for c in value)
    plain = unicodedata.normalize("NFD", body["name"]).encode("ascii", "ignore").decode().upper()
    for other in ({"identifiers": [{"kind": "cmnd", "value": f"{value[:3]} {value[3:6]}.{value[6:]}"}]},
                  {"identifiers": [{"kind": "cccd", "value": wide}]}, {"name": plain},
                  {"name": unicodedata.normalize("NFD", body["name"])}, {"name": " ".join(reversed(body["name"].split()))},
                  {"birth_date": None, "birth_year": 1990}):
        assert problem(staff.post(DONORS, json={**body, **other}), "donor-exists", 409)["id"] == made["id"], other
    # somebody else: a person must look; a team learns no more than that
    for other in ({"name": people.body()["name"]}, {"birth_date": "1990-05-18"}, {"birth_date": "1991-05-17"}):
        assert problem(staff.post(DONORS, json={**body, **other}), "donor-differs", 409)["id"] == made["id"], other
        assert "id" not in problem(api.as_("team").post(DONORS, json={**body, **other}), "donor-differs", 409)
    # two numbers of two people
    second = people.body()
    register(staff, second)
    both = {**body, "identifiers": body["identifiers"] + second["identifiers"]}
    answer = staff.post(DONORS, json=both)
    problem(answer, "donor-differs", 409)
    assert set(field_codes(answer)) == {"/identifiers/0/value", "/identifiers/1/value"}
    assert daemon.value("SELECT count(*) FROM donor_digest WHERE donor_id = %s AND use = 'identifier'", made["id"]) == 1


def test_papers_of_other_issuers_are_others(staff, people):
    value = f"HM{people.number():05}"
    cards = [people.body(identifiers=[{"kind": "donor_card", "issuer": issuer, "value": value}])
             for issuer in ("Bệnh viện Mẫu Một", "Bệnh viện Mẫu Hai")]
    ids = [register(staff, body)["id"] for body in cards]
    assert found(staff, kind="donor_card", issuer="benh vien mau hai", value=value) == [ids[1]]
    problem(staff.post(DONORS, json={**cards[0], "identifiers": [{**cards[0]["identifiers"][0], "issuer": "BENH VIEN MAU MOT"}]}),
            "donor-exists", 409)
    paper = {"kind": "local_paper", "issuer": "Xã Mẫu", "value": value}
    both = sorted(register(staff, people.body(identifiers=[paper]))["id"] for _ in range(2))
    assert found(staff, **paper) == both


def test_likely_the_same(staff, people):
    body = people.body(identifiers=[])
    first = register(staff, body)
    assert first["possible_duplicates"] == []
    again = register(staff, {**body, "name": unicodedata.normalize("NFD", body["name"]).lower()})
    (match,) = again["possible_duplicates"]
    assert match["id"] == first["id"] and match["donor_number"] == first["donor_number"] and 60 <= match["score"] <= 100
    # registered with papers, she comes without them
    other = register(staff, {**body, "phone": None, "identifiers": [people.cccd()]})
    assert {m["id"] for m in other["possible_duplicates"]} == {first["id"], again["id"]}
    # a family shares a phone and a house, not the name and the year
    child = register(staff, {**people.body(birth_date="2003-01-02"), "phone": body["phone"], "identifiers": []})
    assert child["possible_duplicates"] == []


def test_a_broken_record_keeps_nobody_from_being_registered(staff, people, daemon):
    body = people.body(identifiers=[])
    broken, fine = register(staff, body), register(staff, body)
    damage = ("UPDATE donor SET sealed = set_byte(sealed, 30, get_byte(sealed, 30) # 1) WHERE id = %s", broken["id"])
    daemon.sql(*damage)
    try:
        third = register(staff, body)
    finally:
        daemon.sql(*damage)
    assert [m["id"] for m in third["possible_duplicates"]] == [fine["id"]]


def test_warnings_refuse_nothing(staff, people):
    body = people.body(identifiers=[{"kind": "cccd", "value": f"99907{people.number():07}"}])
    codes = {(w["pointer"], w["code"]) for w in register(staff, body)["warnings"]}
    assert codes == {("/identifiers/0/value", c) for c in ("unknown_province", "sex_mismatch", "birth_year_mismatch")}


def test_warnings_of_a_change(staff, people):
    """A change of number, birth or sex tells what a registration would; and so does who reads the record."""
    made = register(staff, people.body(birth_date="1990-05-17", sex="female", identifiers=[{"kind": "cccd", "value": f"012190{people.number() % 10**6:06}"}]))
    assert made["warnings"] == []
    path = f"{DONORS}/{made['id']}"

    def change(**body):
        answer = staff.patch(path, body, etag=staff.etag(path), expect=200)
        codes = {(w["pointer"], w["code"]) for w in answer.json()["warnings"]}
        assert codes == {(w["pointer"], w["code"]) for w in staff.get(path).json()["warnings"]}
        return codes
    first, second = ("/identifiers/0/value", "/identifiers/1/value")
    assert change(sex="male") == {(first, "sex_mismatch")}
    assert change(birth_date="1991-05-17") == {(first, "sex_mismatch"), (first, "birth_year_mismatch")}
    assert change(birth_date="1990-05-17", sex="female", address="Bản") == set()
    assert change(birth_date="1990-01-01", sex=None) == set()
    more = [{"kind": "cccd", "value": f"012190{people.number() % 10**6:06}"}, {"kind": "cccd", "value": f"999290{people.number() % 10**6:06}"}]
    assert change(identifiers=more, sex="female") == {(second, c) for c in ("unknown_province", "sex_mismatch", "birth_year_mismatch")}
    texts = [staff.get(path, headers={"Accept-Language": language}).json()["warnings"][0]["text"] for language in ("en", "vi")]
    assert "province" in texts[0] and "tỉnh" in texts[1]


@pytest.mark.parametrize("name", ["Lò <b>Thị", "Lò {Thị}", "Lò | Thị", "Lò = Thị", "Lò Thị (con)", "Lò/Thị", "Lò\u0001Thị", "Lò 2", "Lò 😀"])
def test_what_no_name_has(staff, people, name):
    assert "/name" in field_codes(staff.post(DONORS, json={**people.body(), "name": name}, expect=422))
    made = register(staff, people.body())
    path = f"{DONORS}/{made['id']}"
    assert "/name" in field_codes(staff.patch(path, {"name": name}, etag=staff.etag(path), expect=422))


@pytest.mark.parametrize("name", ["H'Thử Niê-Kđăm", "H’Thử", "Lo\u0300 Thi\u0323", "Y. Thử", "张三", "ສົມພອນ"])
def test_what_names_have(staff, people, name):
    made = register(staff, {**people.body(), "name": name})
    assert staff.get(f"{DONORS}/{made['id']}").json()["name"] == unicodedata.normalize("NFC", name)


def test_raced_by_fifty_over_two_daemons(fresh_daemon, api_of, people):
    """One number, fifty clients, two daemons: exactly one donor, and everybody is told the same id."""
    from harness.database import Postgres
    postgres, daemons = Postgres().make(), []
    try:
        config = postgres.configuration()
        first = fresh_daemon(config=config, start=False)
        daemons.append(first)
        first.cli_ok("keyring", "create") if not (postgres.folder / "keyring").exists() else None
        first.cli_ok("migrate")
        first.start()
        daemons.append(fresh_daemon(config=config))
        token = first.token("staff")
        bodies = [people.body(identifiers=[{"kind": "cccd", "value": "012190777777"}, people.cccd()], name="Lò Thị Mây")
                  for _ in range(50)]

        def one(i):
            daemon = daemons[i % 2]
            return until_served(lambda: httpx.post(f"{daemon.url}{DONORS}", json=bodies[i], headers={"Authorization": f"Bearer {token}"},
                                                   timeout=60))
        with concurrent.futures.ThreadPoolExecutor(50) as pool:
            answers = list(pool.map(one, range(50)))
        statuses = [a.status_code for a in answers]
        assert statuses.count(201) == 1 and set(statuses) <= {201, 409}, statuses
        (made,) = [a.json()["id"] for a in answers if a.status_code == 201]
        assert {a.json()["id"] for a in answers if a.status_code == 409} == {made}
        assert postgres.ask("SELECT count(*) FROM donor") == [(1,)]
        assert postgres.ask("SELECT count(*) FROM donor_digest WHERE use = 'identifier'") == [(2,)]
        assert postgres.ask("SELECT count(*) FROM audit_entry WHERE action = 'donor.register'") == [(1,)]
    finally:
        for daemon in daemons:
            daemon.end()
        postgres.remove()


def test_the_same_key(staff, people, daemon):
    body, key = people.body(), {"Idempotency-Key": f"donor {people.number()}"}
    first = staff.post(DONORS, json=body, headers=key, expect=201)
    again = staff.post(DONORS, json=body, headers=key, expect=201)
    assert again.json() == first.json() and again.headers["location"] == first.headers["location"]
    problem(staff.post(DONORS, json={**body, "address": "khác"}, headers=key), "idempotency-mismatch", 422)
    assert daemon.value("SELECT count(*) FROM audit_entry WHERE action = 'donor.replay' AND subject_id = %s", first.json()["id"]) == 1
    # a refusal is no receipt: mended, the same key works
    bad = {"Idempotency-Key": f"donor {people.number()}"}
    staff.post(DONORS, json={**body, "identifiers": [], "birth_date": "1990-02-30"}, headers=bad, expect=422)
    staff.post(DONORS, json={**body, "identifiers": []}, headers=bad, expect=201)


# ---- looked up ----

def test_looked_up(api, staff, people):
    body = people.body()
    made = register(staff, body)
    team = api.as_("team")
    (item,) = team.post(LOOKUP, json=body["identifiers"][0], expect=200).json()["items"]
    assert item == {"id": made["id"], "donor_number": made["donor_number"], "wait": "none", "next_eligible_on": None,
                    "contact_facility": False}
    phone = body["phone"]
    for spelt in (phone, f"+84 {phone[1:4]}.{phone[4:]}", f"0084-{phone[1:]}", f"(84) {phone[1:]}"):
        assert found(team, phone=spelt) == [made["id"]], spelt
    assert found(team, donor_number=made["donor_number"].lower()) == [made["id"]]
    words = body["name"].split()
    for name in (body["name"], body["name"].upper(), f"{words[0]} {words[2]}", unicodedata.normalize("NFD", body["name"])):
        assert found(team, name=name, birth_year=1990) == [made["id"]], name
    assert found(team, name=words[2], birth_year=1990) == [], "one word alone is no name"
    assert found(team, name=body["name"], birth_year=1991) == []
    assert found(team, name=body["name"], birth_year=1990, unit="Than Uyên") == [made["id"]]
    assert found(team, name=body["name"], birth_year=1990, unit="Huyện Sìn Hồ") == []
    assert found(team, **people.cccd()) == [] and found(team, phone=people.phone()) == []


def test_many_at_once(staff, api, people, daemon):
    """Hundreds that come together are answered each with its own, and each is written down once."""
    bodies = [people.body() for _ in range(12)]
    ids = [register(staff, body)["id"] for body in bodies]
    asks = [(bodies[i % 12]["identifiers"][0], [ids[i % 12]]) if i % 3 else (people.cccd(), []) for i in range(240)]
    tokens = [daemon.token("staff"), daemon.token("team")]

    def one(i):
        answer = until_served(lambda: httpx.post(daemon.url + LOOKUP, json=asks[i][0], headers={"Authorization": f"Bearer {tokens[i % 2]}"},
                                                 timeout=60))
        return [item["id"] for item in answer.json()["items"]], answer.headers["request-id"]
    with concurrent.futures.ThreadPoolExecutor(60) as pool:
        answers = list(pool.map(one, range(240)))
    assert [a[0] for a in answers] == [a[1] for a in asks]
    for i, (_, request) in enumerate(answers):
        (row,) = daemon.sql("SELECT l.found[array_position(l.requests, %s::uuid)]::text, e.actor_role FROM donor_lookup AS l"
                            " JOIN audit_entry AS e ON e.subject_kind = 'lookup' AND e.subject_id = l.id::text"
                            " WHERE l.requests @> ARRAY[%s::uuid]", request, request)
        assert row == ((asks[i][1] or [None])[0], ("staff", "team")[i % 2])


def test_told_is_written(fresh_daemon, api_of, people):
    """Two daemons, one killed with kill -9 while twelve ask: what anybody was told is in the audit, once, and as told."""
    from harness.database import Postgres
    postgres, made = Postgres().make(), []
    try:
        config = postgres.configuration()
        made.append(fresh_daemon(config=config, start=False))
        made[0].cli_ok("keyring", "create") if not (postgres.folder / "keyring").exists() else None
        made[0].cli_ok("migrate")
        made[0].start()
        made.append(fresh_daemon(config=config))
        staff = api_of(made[0], made[0].token("staff"))
        bodies = [people.body(unit=None) for _ in range(4)]
        ids = [register(staff, body)["id"] for body in bodies]
        tokens, told = [made[0].token("staff"), made[0].token("admin")], []

        def ask(i):
            """Until its daemon is gone, or a few after that."""
            daemon, header = made[i % 2], {"Authorization": f"Bearer {tokens[i // 2 % 2]}"}
            with httpx.Client(base_url=daemon.url, headers=header, timeout=60) as client:
                for n in range(i, i + 40):
                    known = n % 5 < 4
                    question = bodies[n % 5]["identifiers"][0] if known else people.cccd()
                    try:
                        answer = until_served(lambda: client.post(LOOKUP, json=question))
                    except httpx.HTTPError:
                        return
                    assert [item["id"] for item in answer.json()["items"]] == ([ids[n % 5]] if known else [])
                    told.append((answer.headers["request-id"], ids[n % 5] if known else None))
        with concurrent.futures.ThreadPoolExecutor(13) as pool:
            asking = [pool.submit(ask, i) for i in range(12)]
            wait_until(lambda: len(told) >= 40, 60, every=0.01, what="forty are told")
            made[0].kill()
            for one in asking:
                one.result()
        written = postgres.ask("SELECT r.request::text, r.found::text FROM donor_lookup AS l JOIN audit_entry AS e ON e.subject_kind ="
                               " 'lookup' AND e.subject_id = l.id::text, unnest(l.requests, l.found) AS r (request, found)")
        assert len({request for request, _ in written}) == len(written) >= len(told) >= 240, "nothing twice"
        assert set(told) <= set(written)
        made[1].assert_records_fit()
    finally:
        for daemon in made:
            daemon.end()
        postgres.remove()


def test_next_dates(daemon, staff, people):
    made = register(staff, people.body())
    settle(daemon)
    daemon.sql("UPDATE donor SET next_whole_blood = '2025-05-01', next_platelets = 'infinity' WHERE id = %s", made["id"])
    ask = {"donor_number": made["donor_number"]}
    item = staff.post(LOOKUP, json=ask, expect=200).json()["items"][0]
    assert (item["wait"], item["next_eligible_on"]) == ("until", "2025-05-01")
    item = staff.post(LOOKUP, json={**ask, "component": "platelets"}, expect=200).json()["items"][0]
    assert (item["wait"], item["next_eligible_on"]) == ("open", None)
    shown = staff.get(f"{DONORS}/{made['id']}").json()["next_eligible"]
    assert shown["whole_blood"] == {"wait": "until", "on": "2025-05-01"} and shown["platelets"] == {"wait": "open", "on": None}


def test_no_more_than_twenty(staff, people):
    name = people.body()["name"]
    ids = [register(staff, {"name": name, "birth_year": 1969})["id"] for _ in range(22)]
    answer = staff.post(LOOKUP, json={"name": name, "birth_year": 1969}, expect=200).json()
    assert answer["more"] is True and len(answer["items"]) == 20 and {i["id"] for i in answer["items"]} < set(ids)


@pytest.mark.parametrize("question, pointer", [
    ({}, ""), ({"kind": "cccd"}, "/value"), ({"kind": "cccd", "value": "12"}, "/value"), ({"value": "012190000001"}, "/kind"),
    ({"kind": "work_card", "value": "7"}, "/issuer"), ({"phone": "12"}, "/phone"), ({"phone": 912345678}, "/phone"),
    ({"name": "Lò Thị Mây"}, "/birth_year"), ({"name": "Lò Thị Mây", "birth_year": "1990"}, "/birth_year"),
    ({"name": "7", "birth_year": 1990}, "/name"), ({"donor_number": "K7M"}, "/donor_number"),
    ({"phone": "0912345678", "donor_number": "x"}, ""), ({"phone": "0912345678", "colour": 1}, "/colour"),
    ({"name": "Lò Thị Mây", "birth_year": 1990, "unit": "Atlantis"}, "/unit"), ({"phone": "0912345678", "component": "plasm"}, "/component"),
])
def test_questions_that_are_none(staff, question, pointer):
    assert pointer in field_codes(staff.post(LOOKUP, json=question, expect=422))


def test_a_mistyped_donor_number_is_told(staff, people):
    number = register(staff, people.body())["donor_number"]
    other = number[:-1] + ("3" if number[-1] != "3" else "4")
    assert field_codes(staff.post(LOOKUP, json={"donor_number": other}, expect=422)) == {"/donor_number": "mistyped"}


# ---- listed ----

def test_listed(staff, api, people, daemon):
    bodies = [people.body(unit="Huyện Tam Đường", blood_group={"abo": abo, "rhd": rhd, "evidence": "laboratory"})
              for abo, rhd in (("AB", "negative"), ("AB", "positive"), ("B", "negative"))]
    ids = [register(staff, body)["id"] for body in bodies]
    settle(daemon)
    daemon.sql("UPDATE donor SET last_donated_on = '2031-01-15', next_whole_blood = '2031-04-09', next_plasma = 'infinity'"
               " WHERE id = %s", ids[0])
    daemon.sql("UPDATE donor SET last_donated_on = '2031-02-01', next_whole_blood = 'infinity' WHERE id = %s", ids[1])

    def listed(client=staff, **params):
        return [i["id"] for i in client.items(DONORS, limit=100, **params) if i["id"] in ids]
    assert listed() == listed(unit="tam duong") == sorted(ids)
    assert listed(abo="AB") == sorted(ids[:2]) and listed(abo="AB,B", rhd="negative") == sorted([ids[0], ids[2]])
    assert listed(last_donation_from="2031-01-01", last_donation_to="2031-01-31") == [ids[0]]
    assert listed(next_eligible_from="2031-01-01") == [ids[0]]
    assert listed(next_eligible_to="2031-04-08") == [ids[2]] and listed(next_eligible_to="2031-04-09") == sorted([ids[0], ids[2]])
    assert listed(component="plasma", next_eligible_to="2031-12-31") == sorted(ids[1:])
    assert listed(unit="Huyện Sìn Hồ") == []
    (item,) = [i for i in staff.items(DONORS, unit="Huyện Tam Đường", limit=2) if i["id"] == ids[0]]
    assert item["wait"] == "until" and item["next_eligible_on"] == "2031-04-09" and item["last_donated_on"] == "2031-01-15"
    assert not {"name", "phone", "address", "identifiers", "birth_date"} & set(item)
    assert listed(api.as_("auditor")) == sorted(ids)
    for bad in ({"abo": "X"}, {"component": "x"}, {"unit": "Atlantis"}, {"cursor": "x"}, {"name": "x"}, {"order": "name"},
                {"next_eligible_from": "2031-02-30"}, {"last_donation_from": "2031-02-02", "last_donation_to": "2031-02-01"}):
        problem(staff.get(DONORS, params=bad, expect=400), "invalid-query")


# ---- who may ----

@pytest.fixture
def scoped(daemon, api, seeds):
    def make(unit, role="staff"):
        return api.with_token(daemon.new_token(role, f"scoped donors {seeds.number()}", "--unit", unit))
    return make


def test_a_place_that_is_several_by_now_names_them(fresh_daemon, api_of):
    """The former district is what people say; the answer tells which communes it is."""
    daemon = fresh_daemon(now="2025-08-01T08:00:00+07:00")
    staff = api_of(daemon, daemon.token("staff"))
    body = {"name": "Lò Thị Mẫu", "birth_year": 1990, "unit": "Huyện Than Uyên"}
    for language in ("en", "vi"):
        answer = staff.post(DONORS, json=body, headers={"Accept-Language": language}, expect=422)
        (error,) = answer.json()["errors"]
        assert (error["pointer"], error["code"]) == ("/unit", "ambiguous_unit") and "Xã Than Uyên" in error["detail"], error
    register(staff, {**body, "unit": "Xã Than Uyên"})


def test_scopes(staff, scoped, people, daemon):
    (unit,) = [u["id"] for u in staff.items("/api/v1/units", q="Huyện Than Uyên", on="2025-01-01") if u["full_name"] == "Huyện Than Uyên"]
    client = scoped(unit)
    own, foreign = register(client, people.body()), register(client, people.body(unit="Huyện Sìn Hồ"))
    nowhere = register(client, people.body(unit=None))
    path = f"{DONORS}/{own['id']}"
    client.patch(path, {"address": "Bản Khác"}, etag=client.etag(path), expect=200)
    problem(client.patch(path, {"unit": "Huyện Sìn Hồ"}, etag=client.etag(path)), "out-of-scope", 403)
    for other in (foreign, nowhere):
        for key in (other["id"], other["donor_number"]):
            answers = [client.get(f"{DONORS}/{k}", expect=404).json() for k in (key, NOWHERE, "khong-co")]
            assert len({json.dumps({k: v for k, v in a.items() if k != "request_id"}) for a in answers}) == 1, "one answer"
        client.patch(f"{DONORS}/{other['id']}", {"address": "x"}, etag='"1"', expect=404)
        assert daemon.value("SELECT count(*) FROM audit_entry WHERE action = 'donor.read' AND subject_id = %s", other["id"]) == 0
    listed = {i["id"] for i in client.items(DONORS, limit=500)}
    assert own["id"] in listed and not {foreign["id"], nowhere["id"]} & listed
    assert [i["id"] for i in client.items(DONORS, unit="Huyện Sìn Hồ")] == []
    assert found(client, donor_number=foreign["donor_number"]) == [foreign["id"]], "people come from anywhere"


def test_a_teams_limit(fresh_daemon, api_of, people):
    daemon = fresh_daemon(settings={"limits.team_donors_per_minute": 5, "limits.donors_per_minute": 9, "workers.count": 1})
    body = people.body(unit=None)
    for role, most in (("team", 5), ("staff", 9)):
        client = api_of(daemon, daemon.token(role))
        began = time.monotonic()
        statuses = [client.post(LOOKUP, json={"phone": "0912345678"}).status_code for _ in range(most - 1)]
        statuses += [client.post(DONORS, json={**body, "identifiers": [], "birth_date": "x"}).status_code]
        assert statuses == [200] * (most - 1) + [422]
        taken, answer = most, client.post(LOOKUP, json={"phone": "0912345678"})
        while answer.status_code == 200 and taken < 1000:
            taken, answer = taken + 1, client.post(LOOKUP, json={"phone": "0912345678"})
        problem(answer, "too-many-requests", 429)
        assert int(answer.headers["retry-after"]) >= 1
        assert taken <= most * (1 + (time.monotonic() - began) / 60), "no more than the time that they took has given back"


# ---- audit ----

def entries(daemon, action, subject):
    return daemon.sql("SELECT actor_id, request_id, digest_before IS NULL, digest_after IS NULL"
                      " FROM audit_entry WHERE action = %s AND subject_kind = 'donor' AND subject_id = %s ORDER BY id", action, subject)


def test_who_looked(staff, api, people, daemon):
    body = people.body()
    made = register(staff, body)
    assert len(entries(daemon, "donor.register", made["id"])) == 1
    answer = staff.get(f"{DONORS}/{made['id']}")
    (row,) = entries(daemon, "donor.read", made["id"])
    assert row[0] and row[1] == answer.headers["request-id"] and row[2] and row[3]
    team, nobody = api.as_("team"), people.cccd()

    def asked(question, *ids):
        """Its row of donor_lookup says who was found, and only of nobody what was asked."""
        answer = team.post(LOOKUP, json=question, expect=200)
        assert [i["id"] for i in answer.json()["items"]] == list(ids)
        (row,) = daemon.sql("SELECT l.found::text[], l.asked, l.id::text FROM donor_lookup AS l WHERE %s = ANY (l.requests::text[])",
                            answer.headers["request-id"])
        (entry,) = daemon.sql("SELECT actor_role, action, digest_after IS NULL FROM audit_entry WHERE subject_kind = 'lookup'"
                              " AND subject_id = %s", row[2])
        assert entry == ("team", "donor.lookup", False)
        assert row[0] == (list(ids) or [None]) and (row[1] == [None] * len(ids) if ids else len(row[1][0]) == 32)
        return row
    asked(body["identifiers"][0], made["id"])
    asked({"donor_number": made["donor_number"]}, made["id"])
    asked({"phone": body["phone"]}, made["id"])
    asked({"name": body["name"], "birth_year": 1990}, made["id"])
    assert asked(nobody)[1] == asked(nobody)[1] != asked(people.cccd())[1], "one digest for one number"
    asked({"phone": people.phone()})
    staff.post(DONORS, json=body, expect=409)
    (row,) = entries(daemon, "donor.known", made["id"])
    assert not row[2] and row[3]
    rows = json.loads(daemon.cli_ok("audit", "donor", made["id"], "--json").out)["items"]
    seen = [(e["actor_role"], e["action"]) for e in rows if not e["action"].startswith("consent")]
    assert seen == [("staff", "donor.known"), *[("team", "donor.lookup")] * 4, ("staff", "donor.read"), ("staff", "donor.register")]
    path = f"{DONORS}/{made['id']}"
    staff.patch(path, {"address": "Bản Khác"}, etag=staff.etag(path), expect=200)
    (row,) = entries(daemon, "donor.change", made["id"])
    assert not row[2] and not row[3]


# ---- what is not taken ----

@pytest.mark.parametrize("change, pointer", [
    ({"colour": 1}, "/colour"), ({"name": None}, "/name"), ({"name": " "}, "/name"), ({"name": 7}, "/name"), ({"name": "7 8"}, "/name"),
    ({"name": "Lò " + "a" * 500}, "/name"), ({"name": "Lò\u0007Thị"}, "/name"), ({"birth_date": "1990-02-30"}, "/birth_date"),
    ({"birth_date": 19900517}, "/birth_date"), ({"birth_date": day(1)}, "/birth_date"), ({"birth_date": "1899-01-01"}, "/birth_date"),
    ({"birth_date": None}, "/birth_date"), ({"birth_year": 1991}, "/birth_year"), ({"birth_year": "1990"}, "/birth_year"),
    ({"sex": "x"}, "/sex"), ({"sex": 1}, "/sex"), ({"identifiers": {}}, "/identifiers"), ({"identifiers": [1]}, "/identifiers/0"),
    ({"identifiers": [{}]}, "/identifiers/0/kind"), ({"identifiers": [{"kind": "cccd", "value": "12"}]}, "/identifiers/0/value"),
    ({"identifiers": [{"kind": "cccd", "value": "01219000000a"}]}, "/identifiers/0/value"),
    ({"identifiers": [{"kind": "visa", "value": "1"}]}, "/identifiers/0/kind"),
    ({"identifiers": [{"kind": "police", "value": "1"}]}, "/identifiers/0/issuer"),
    ({"identifiers": [{"kind": "passport", "value": "C7000001", "colour": 1}]}, "/identifiers/0/colour"),
    ({"identifiers": [{"kind": "passport", "value": "C7000002"}] * 2}, "/identifiers/1"),
    ({"identifiers": [{"kind": "passport", "value": f"C71000{n:02}"} for n in range(13)]}, "/identifiers"),
    ({"phone": "12"}, "/phone"), ({"phone": "0912345678" * 9}, "/phone"), ({"unit": "Atlantis"}, "/unit"), ({"unit": 7}, "/unit"),
    ({"address": "x" * 301}, "/address"), ({"address": ["x"]}, "/address"), ({"blood_group": "O+"}, "/blood_group"),
    ({"blood_group": {"abo": "O"}}, "/blood_group/evidence"), ({"blood_group": {"evidence": "card"}}, "/blood_group/abo"),
    ({"blood_group": {"abo": "C", "evidence": "card"}}, "/blood_group/abo"), ({"consents": [{}]}, "/consents/0/purpose"),
    ({"consents": [{"purpose": "invitation", "channel": "paper", "given_at": "2030-01-01T00:00:00+07:00"}]}, "/consents/0/given_at"),
    ({"consents": [{"purpose": "invitation", "channel": "paper", "given_at": "2025-01-01"}]}, "/consents/0/given_at"),
])
def test_impossible(staff, people, daemon, change, pointer):
    before = daemon.value("SELECT count(*) FROM donor")
    body = {**people.body(), **change}
    for language in ("en", "vi"):
        answer = staff.post(DONORS, json=body, expect=422, headers={"Accept-Language": language})
        assert pointer in field_codes(answer)
        told = answer.text
        for secret in (body["name"], body["phone"], *(i.get("value") for i in body["identifiers"] if isinstance(i, dict))):
            if isinstance(secret, str) and len(secret) > 4:
                assert secret not in told
    assert daemon.value("SELECT count(*) FROM donor") == before


@pytest.mark.parametrize("body", [
    b"", b"{", b"[]", b'{"name":"a","name":"b"}', b'{"name":"L\xc3"}', b'{"name":"a\\u0000b","birth_year":1990}',
    b'{"name":"Lo Thi"}\x00', b'{"name":' * 5000, b'{"name":"\\ud800","birth_year":1990}', b"[" * 70000])
@pytest.mark.parametrize("path", [DONORS, LOOKUP])
def test_bodies_that_are_no_object(staff, daemon, path, body):
    before = daemon.value("SELECT count(*) FROM donor")
    answer = staff.request("POST", path, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    problem(answer)
    assert daemon.value("SELECT count(*) FROM donor") == before


def test_ten_megabytes(staff, daemon):
    for path in (DONORS, LOOKUP):
        body = b'{"name":"' + b"a" * (10 << 20) + b'","birth_year":1990}'
        try:
            answer = staff.request("POST", path, content=body, headers={"Content-Type": "application/json"})
            problem(answer, "content-too-large", 413)
        except httpx.WriteError:
            pass                                 # it was told while we were still writing
    assert staff.get("/healthz").status_code == 200


# ---- keys that change ----

def test_found_after_a_rotation(fresh_daemon, api_of, people):
    """Registered under an old hash key: still found, still one, and still opened with an old wrap key."""
    daemon = fresh_daemon(settings={"workers.count": 1})
    staff = api_of(daemon, daemon.token("staff"))
    body = people.body(unit=None)
    made = register(staff, body)
    for kind in ("hash", "wrap"):
        daemon.cli_ok("keyring", "rotate", kind, timeout=120)
    assert found(staff, **body["identifiers"][0]) == found(staff, phone=body["phone"]) == [made["id"]]
    assert found(staff, name=body["name"], birth_year=1990) == [made["id"]]
    assert problem(staff.post(DONORS, json=body), "donor-exists", 409)["id"] == made["id"]
    path = f"{DONORS}/{made['id']}"
    assert staff.get(path).json()["name"] == body["name"]
    assert [m["id"] for m in register(staff, {**body, "identifiers": []})["possible_duplicates"]] == [made["id"]]
    other = register(staff, people.body(unit=None))
    path = f"{DONORS}/{other['id']}"
    problem(staff.patch(path, {"identifiers": body["identifiers"]}, etag=staff.etag(path)), "donor-exists", 409)
    path = f"{DONORS}/{made['id']}"
    staff.patch(path, {"address": "Bản Khác"}, etag=staff.etag(path), expect=200)
    assert found(staff, **body["identifiers"][0]) == [made["id"]]
    keys = daemon.sql("SELECT DISTINCT key_id FROM donor_digest WHERE donor_id = %s", made["id"])
    assert keys == [(daemon.value("SELECT id FROM key WHERE kind = 'hash' AND state = 'active'"),)]
    daemon.assert_records_fit()


def test_records_are_held_against_the_audit(fresh_daemon, api_of, people):
    """What a hand in the database changes is found, though it be sealed."""
    daemon = fresh_daemon(settings={"workers.count": 1})
    staff = api_of(daemon, daemon.token("staff"))
    ids = [register(staff, people.body(unit=None))["id"] for _ in range(4)]
    path = f"{DONORS}/{ids[0]}"
    staff.patch(path, {"phone": people.phone()}, etag=staff.etag(path), expect=200)
    for _ in range(3):
        found(staff, phone=people.phone())
    lookups = [r[0] for r in daemon.sql("SELECT id::text FROM donor_lookup ORDER BY id")]
    daemon.assert_records_fit()
    daemon.sql("UPDATE donor_lookup SET found = ARRAY[%s]::uuid[] WHERE id = %s", ids[0], lookups[1])
    daemon.sql("UPDATE donor SET abo = 'AB' WHERE id = %s", ids[1])
    daemon.sql("UPDATE donor SET sealed = (SELECT sealed FROM donor WHERE id = %s) WHERE id = %s", ids[1], ids[2])
    daemon.sql("DELETE FROM donor_digest WHERE donor_id = %s", ids[3])
    daemon.sql("DELETE FROM donor_identifier WHERE donor_id = %s", ids[3])
    outcome = daemon.cli("audit", "verify", "--records", "--json")
    faults = {f["subject_id"] for f in json.loads(outcome.out)["records"]["faults"]}
    assert outcome.status == 1 and faults == {*ids[1:], lookups[1]}


def test_numbers_are_speakable(staff, people):
    assert re.fullmatch(r"[2-9A-HKMNP-TV-Z]{4}-[2-9A-HKMNP-TV-Z]{4}", register(staff, people.body())["donor_number"])
