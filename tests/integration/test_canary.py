"""D7: of a thousand invented people nothing personal lies open anywhere: dump, files of the database, log, metrics, core."""
import concurrent.futures
import contextlib
import csv
import json
import os
import pathlib
import re
import subprocess
import uuid

import httpx
import pytest

from harness import certificates, programs
from harness.daemon import as_postgres, wait_until
from harness.seeds import TODAY, day

DONORS, LOOKUP = "/api/v1/donors", "/api/v1/donors/lookup"
COUNT = 1000
LISTED = range(COUNT, COUNT + 300)           # in a list that is imported
MET = range(COUNT + 300, COUNT + 312)        # whom nobody knew before a phone met them
LETTERS = "bcdghklmnprstvx"


class Person:
    """Words and numbers that stand nowhere else in the world of this test."""

    def __init__(self, n):
        self.n = n
        self.word = "".join(LETTERS[n // 15 ** i % 15] + "aeiouy"[(n + i) % 6] for i in range(4)).capitalize() + "quẫm"
        self.name = f"Giàng {self.word} Zờ"
        self.phone = f"093{n:04}717"
        self.number = f"012{n % 2}90{n:04}59"
        self.card = f"QX{n:04}JW"
        self.street = f"Bản {self.word[::-1]}, nhà {n}"
        self.proof = f"phiếu đồng ý {self.word.lower()}"

    def body(self):
        return {"name": self.name, "birth_date": f"1990-{self.n % 12 + 1:02}-{self.n % 28 + 1:02}", "phone": self.phone, "address": self.street,
                "identifiers": [{"kind": "cccd", "value": self.number}, {"kind": "donor_card", "issuer": "Viện Mẫu", "value": self.card}],
                "consents": [{"purpose": "invitation", "channel": "paper", "given_at": "2025-03-01T08:00:00+07:00", "proof": self.proof}]}


# What was planted has shapes that nothing else has: as typed, folded, normalised, and as hexadecimal digits.
WORD = "quẫm".encode()
SHAPES = re.compile(b"|".join((
    rb"(?:\+?84|0)93\d{4}717", rb"012[01]90\d{4}59", rb"qx\d{4}jw",
    rb"[a-z]{8}qu(?:\xe1\xba[\xaa\xab]|a)m", rb"m(?:\xe1\xba[\xaa\xab]|a)uq[a-z]{8}",
    WORD.hex().encode(), WORD[::-1].hex().encode(), rb"3031323[01]3930(?:3\d){4}3539")))
HEX = re.compile(rb"\\\\?x((?:[0-9a-f]{2})+)")
UUID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")            # a hundred thousand on the disk: one may end in a number
RANDOM = re.compile(rb"[0-9a-f]{32,}|" + UUID.pattern)


def found_in(blob):
    return SHAPES.findall(blob.lower())


def found_in_text(text):
    """Bytes that are written as digits are looked at as bytes: among so many digits a number stands by chance."""
    decoded = HEX.sub(lambda m: b" " + bytes.fromhex(m[1].decode()) + b" ", text)
    return found_in(RANDOM.sub(b" ", decoded))


@pytest.fixture(scope="module")
def planted():
    """A daemon in which a thousand people were registered, read, changed, looked up, refused."""
    from harness.daemon import own_daemon
    people = [Person(n) for n in range(COUNT)]
    with own_daemon() as daemon:
        with httpx.Client(base_url=daemon.url, headers={"Authorization": f"Bearer {daemon.token('staff')}"}, timeout=60) as staff:
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                list(pool.map(lambda person: use(staff, person), people))
        import_list(daemon, [Person(n) for n in LISTED])
        certify(daemon, people[:30])
        field_day(daemon, people[30:36], [Person(n) for n in MET])
        yield daemon, people


def answered(ask, *statuses):
    """The answer of ask(); asked again while a busy machine says "try again"."""
    kept = []

    def settled():
        kept.append(ask())
        return kept[-1].status_code != 503
    wait_until(settled, seconds=120, what="an answer")
    assert kept[-1].status_code in statuses, kept[-1].text
    return kept[-1]


def certify(daemon, people):
    """Certificates of some, printed, held against cards, asked for by SMS, exported; and a list for a ceremony."""
    clients = {role: httpx.Client(base_url=daemon.url, headers={"Authorization": f"Bearer {daemon.token(role)}"}, timeout=60)
               for role in ("staff", "admin", "hospital", "gateway")}
    with contextlib.ExitStack() as stack:
        staff, admin, hospital, gateway = (stack.enter_context(client) for client in clients.values())
        verify = "/api/v1/certificates/verify"
        answered(lambda: admin.post("/api/v1/issuing-bodies", json={"code": "CN", **certificates.BODY}), 201, 409)
        for person in people:
            key = {"Idempotency-Key": f"paper {person.n}"}
            donor = answered(lambda: staff.post(LOOKUP, json={"kind": "cccd", "value": person.number}), 200).json()["items"][0]["id"]
            given = certificates.gave(daemon.sql, donor)
            number = answered(lambda: staff.post(f"/api/v1/donations/{given}/certificate", json={"issuer": "CN"}, headers=key), 201).json()["number"]
            path = f"/api/v1/certificates/{number}"
            assert person.word in certificates.text_of(answered(lambda: staff.post(f"{path}/prints", json={}, headers=key), 200).content)
            card = {"number": number, "name": person.name, "birth_date": person.body()["birth_date"]}
            assert answered(lambda: staff.post(verify, json=card), 200).json()["holder_matches"] is True
            answered(lambda: staff.post(verify, json={**card, "name": people[-1].name, "code": "x"}), 422)
            sms = answered(lambda: gateway.get("/sms/kannel", params={"id": f"c{person.n}", "from": person.phone, "to": "8088", "text": f"XN {number}"}), 200)
            assert number in sms.text and not found_in(sms.content)
            answered(lambda: hospital.post(f"{path}/redemptions", json={"ml": 100}, headers=key), 201)
            assert not found_in(answered(lambda: hospital.get(path), 200).content)
            assert person.name in answered(lambda: staff.get(f"{DONORS}/{donor}/export"), 200).text
            answered(lambda: staff.post("/api/v1/honours", json={"donor": donor, "step": "first.1"}, headers=key), 201)
        listed = answered(lambda: staff.get("/api/v1/honours/ceremony.pdf", params={"list": "internal", "state": "candidate"}), 200)
        assert people[0].word in certificates.text_of(listed.content)


class Desk:
    """Asks as a role does; who must not be told of people is not."""

    def __init__(self, daemon, token):
        self.client = httpx.Client(base_url=daemon.url, headers={"Authorization": f"Bearer {token}"}, timeout=60)

    def ask(self, method, path, *statuses, body=None, key=None, etag=None, **params):
        headers = {name: value for name, value in (("Idempotency-Key", key), ("If-Match", etag)) if value}
        return answered(lambda: self.client.request(method, path, json=body, headers=headers, params=params), *statuses)

    def refused(self, method, path, *statuses, **options):
        """What was sent is not told back, but the name of a member that nobody asked for."""
        answer = self.ask(method, path, *statuses, **options)
        assert found_in(re.sub(rb'"pointer":"[^"]*"', b"", answer.content)) == [], answer.text
        return answer


def a_round(staff):
    """One of a team, that runs today, and one of next month that is open; their ids, and the team's."""
    team = staff.ask("POST", "/api/v1/teams", 201, body={"code": "DCN", "name": "Đội chim"}).json()["id"]
    plan = staff.ask("POST", "/api/v1/plans", 201, body={"number": "7/KH-CN", "code_prefix": "CN", "title": "Kế hoạch", "from": TODAY,
                                                        "to": day(200)}).json()["id"]
    ids = []
    for date, verb in ((TODAY, "start"), (day(30), "open")):
        body = {"title": "Đợt", "date": date, "start": "07:00", "end": "16:00", "units": ["Huyện Than Uyên"], "team": team, "capacity": 90}
        ids.append(staff.ask("POST", f"/api/v1/plans/{plan}/rounds", 201, body=body).json()["id"])
        for step, more in (("announce", {}), ("confirm", {"document": "1/CV"}), (verb, {})):
            path = f"/api/v1/rounds/{ids[-1]}"
            staff.ask("POST", f"{path}/{step}", 200, body=more, etag=staff.ask("GET", path, 200).headers["etag"])
    return *ids, team


def items_of(person, round_id, donor):
    """What phones write down of one, with the name in whatever may hold a text."""
    said = f"{person.name}, {person.phone}, {person.street}"
    for kind, more in (("check_in", {"note": said}), ("donation", {"outcome": "completed", "component": "whole_blood", "volume_ml": 350, "reaction": said,
                                                                  "donated_on": day(-3 * (person.n % 2))}),
                       ("deferral", {"code": "malaria", "note": said}), ("reaction", {"text": said}), ("note", {"text": said, person.word: said})):
        yield {"id": str(uuid.uuid4()), "install": str(uuid.uuid4()), "seq": person.n + 1, "kind": kind, "captured_at": f"{TODAY}T08:00:00+07:00",
               "data": {"donor": donor, "round": round_id, **more}}


def hand_in(phone, people, round_id):
    """Each told in three ways; beside good items some that are none, and a body that cannot be read at all. The items that were taken."""
    good, bad = [], []
    for person in people:
        card = {name: value for name, value in person.body().items() if name != "consents"}
        ways = ({"provisional": {"id": str(uuid.uuid4()), **card}}, {"identifier": card["identifiers"][0]}, {"provisional": {"name": person.name, "birth_year": 1990}})
        good += [item for way in ways for item in items_of(person, round_id, way)]
        bad += [{**good[-1], "id": person.number}, {**good[-1], "kind": person.word}, {**good[-1], "data": {"donor": {"id": person.number}}}, person.name,
                {**good[1], "id": str(uuid.uuid4()), "data": {**good[1]["data"], "volume_ml": person.phone}}]
    body = {"device_now": f"{TODAY}T18:00:00+07:00", "items": [*good, *bad]}
    told = phone.ask("POST", "/api/v1/sync/batches", 200, body=body).json()
    assert [item["verdict"] == "rejected" for item in told["items"]] == [False] * len(good) + [True] * len(bad)
    for item in told["items"]:
        item["id"] = None                    # where there is none it is what was sent
    assert found_in(json.dumps(told, ensure_ascii=False).encode()) == []
    phone.refused("POST", "/api/v1/sync/batches", 422, body={**body, "items": people[0].name, people[0].word: 1})
    return good


def look(staff, items, people):
    """What is held is read, told anew, given to another."""
    for item, person in zip(items, people * len(items)):
        path = f"/api/v1/sync/held/{item['id']}"
        case = staff.ask("GET", path, 200)
        assert person.word in case.text
        shown, etag = case.json()["items"][0], case.headers["etag"]
        told = {"content_hash": shown["content_hash"], "data": {"donor": {"provisional": {"name": person.name, "birth_year": 1990}}, "round": item["data"].get("round"),
                                                                "text": person.street}}
        staff.refused("POST", f"{path}/correct", 422, etag=etag, body={**told, person.word: person.name})
        staff.refused("POST", f"{path}/decide", 422, etag=etag, body={"content_hash": person.number, "keep": True})
        staff.ask("POST", f"{path}/correct", 200, 409, 412, etag=etag, body=told)
    staff.refused("GET", "/api/v1/sync/held", 200, limit=500)


def field_day(daemon, known, met):
    """Phones, places, gifts, families and honours: whoever is known, and people whom nobody knew."""
    staff, admin = Desk(daemon, daemon.token("staff")), Desk(daemon, daemon.token("admin"))
    with staff.client, admin.client:
        today, later, team = a_round(staff)
        device = staff.ask("POST", "/api/v1/devices", 201, body={"name": "Máy 1", "team": team}).json()
        token = httpx.post(f"{daemon.url}/api/v1/devices/enrol", json={"code": device["code"], "install": str(uuid.uuid4())}, timeout=60).json()["token"]
        phone = Desk(daemon, token)
        with phone.client:
            place_all(daemon, staff, known, today, later)          # before a phone tells that they have malaria
            items = hand_in(phone, met[:8] + known, today)
            assert known[0].word in phone.ask("GET", "/api/v1/sync/pack", 200, round=later).text
            phone.refused("GET", "/api/v1/sync/count-sheet", 200, round=today)
            staff.ask("POST", f"/api/v1/devices/{device['device']['id']}/revoke", 200, body={})
            wait_until(lambda: phone.client.get("/api/v1/sync/pack", params={"round": later}).status_code == 403, what="the phone is told that it was revoked")
            lost = hand_in(phone, met[8:], today)
        notes = [item for item in lost if item["kind"] == "note" and item["data"]["donor"].get("provisional", {}).get("id")]
        look(staff, notes, met[8:])
        assert len(items) == 15 * 14 and len(notes) == 4


def place_all(daemon, staff, people, today, later):
    round_ = f"/api/v1/rounds/{later}"
    for n, person in enumerate(people):
        key = f"field {person.n}"
        found = staff.ask("POST", LOOKUP, 200, body={"kind": "cccd", "value": person.number}).json()["items"][0]
        donor = found["id"]
        staff.refused("POST", f"{round_}/appointments", 404, 422, body={"donor": person.number})
        staff.refused("POST", f"{round_}/groups", 422, body={"title": "Nhóm", "contact": donor, "seats": person.name, person.word: person.phone})
        staff.refused("POST", f"/api/v1/rounds/{today}/check-in", 404, 422, body={"code": person.name})
        seat = {"donor": donor, "wait": n % 2 == 0}
        made = staff.ask("POST", f"{round_}/appointments", 201, 409, body=seat, key=key)
        if made.status_code == 201:
            assert person.word in staff.ask("GET", f"/api/v1/appointments/{made.json()['id']}", 200).text
        staff.refused("POST", f"/api/v1/rounds/{today}/gifts", 404, 422, body={"donor": person.name, "kind": "gift", "value_vnd": 1000})
        staff.ask("POST", f"/api/v1/rounds/{today}/gifts", 201, body={"donor": found["donor_number"], "kind": "gift", "value_vnd": 150000}, key=key)
        family = staff.ask("POST", "/api/v1/families", 201, body={"donor": donor, "joined_on": "2010-01-01"}, key=key).json()
        staff.refused("GET", f"/api/v1/families/{family['id']}", 200)        # numbers, no names
        staff.refused("POST", f"/api/v1/families/{family['id']}/members", 404, 422, body={"donor": person.name, "joined_on": person.number})
        certificates.gave(daemon.sql, donor)
        honour = staff.ask("POST", "/api/v1/honours", 201, body={"donor": donor, "step": "first.1"}, key=key).json()["id"]
        staff.refused("POST", "/api/v1/honours", 404, 422, body={"donor": person.name, "step": person.word})
        staff.refused("POST", f"/api/v1/honours/{honour}/set_back", 422, body={"reason": person.name}, etag='"1"')
    contact = staff.ask("POST", LOOKUP, 200, body={"kind": "cccd", "value": people[0].number}).json()["items"][0]["id"]
    seat = staff.ask("POST", f"{round_}/groups", 201, body={"title": "Nhóm", "contact": contact, "seats": 2}).json()["items"][0]
    staff.refused("POST", f"/api/v1/appointments/{seat['id']}/name", 404, 422, body={"donor": people[0].phone})
    assert people[0].word in staff.ask("GET", f"{round_}/appointments", 200).text


HEADING = ["Họ tên", "Sinh", "Số", "Thẻ", "Điện thoại", "Địa chỉ", "Ngày hiến"]
MAPPING = {"source": "Sổ thử", "issuers": {"donor_card": "Viện Mẫu"},
           "columns": dict(zip(["name", "birth", "id_number", "donor_card", "phone", "address", "donated_on"], HEADING))}


def import_list(daemon, people):
    """Rows of all fates: registered, known, held, each cell spoilt in turn, and a file that is cut; what is told goes into files."""
    rows = [[p.name, f"{p.n % 28 + 1}/{p.n % 12 + 1}/1990", p.number, p.card, p.phone, p.street, "5/1/2024"] for p in people]
    rows += [[*row[:2], "", "", row[4], row[5], row[6]] for row in rows[:20]] + rows[20:40] + [["Vàng A Khác", *row[1:]] for row in rows[40:60]]
    for column in range(len(HEADING)):
        rows += [[cell + (" ?!\u200b\x02" if at == column else "") for at, cell in enumerate(row)] for row in rows[60:63]]
        rows += [[row[(at + column) % len(HEADING)] for at in range(len(HEADING))] for row in rows[63:66]]
    path, mapping = daemon.folder / "list.csv", daemon.folder / "mapping.json"
    mapping.write_text(json.dumps(MAPPING))
    with open(path, "w", newline="", encoding="utf-8-sig") as out:
        csv.writer(out, delimiter=";").writerows([HEADING, *rows])
    told = daemon.folder / "told"
    told.mkdir()
    for n, more in enumerate((["--dry-run"], [], ["--json"], ["--register-likely"])):
        outcome = daemon.cli("donors", "import", path, "--mapping", mapping, "--report", told / f"report-{n}", *more, timeout=300)
        (told / f"said-{n}").write_text(outcome.out + outcome.err)
        assert outcome.status == 0, outcome
    path.write_bytes(path.read_bytes()[:-300] + b'"' + people[0].name.encode())
    (told / "mapping").write_text(json.dumps({**MAPPING, "columns": {**MAPPING["columns"], "name": people[0].name}}))
    for words in ([], ["--decisions", path], ["--mapping", path], ["--mapping", told / "mapping"]):
        outcome = daemon.cli("donors", "import", path, *(words if "--mapping" in words else ["--mapping", mapping, *words]), timeout=300)
        (told / f"refused-{len(list(told.iterdir()))}").write_text(outcome.out + outcome.err)
        assert outcome.status == 1, outcome
    for file in (path, mapping, told / "mapping"):
        file.unlink()


def use(staff, person):
    made = staff.post(DONORS, json=person.body(), headers={"Idempotency-Key": f"canary {person.n}"})
    assert made.status_code == 201, made.text
    path = made.headers["location"]
    if person.n % 4 == 0:
        answer = staff.get(path)
        assert answer.json()["name"] == person.name
        changed = staff.patch(path, json={"address": person.street + "a"}, headers={"If-Match": answer.headers["etag"]})
        assert changed.status_code == 200
    for question in ({"kind": "cccd", "value": person.number}, {"phone": person.phone}, {"name": person.name, "birth_year": 1990})[:1 + person.n % 3]:
        assert [i["id"] for i in staff.post(LOOKUP, json=question).json()["items"]] == [made.json()["id"]]
    if person.n % 5 == 0:                    # refused: what was sent must not come back, nor be written down
        for body in (person.body(), {**person.body(), "birth_date": "1970-01-02"}, {**person.body(), "phone": person.word},
                     {**person.body(), person.word: 1}):
            refused = staff.post(DONORS, json=body)
            assert refused.status_code in (409, 422)
            assert person.phone not in refused.text and person.number not in refused.text
        assert staff.get(f"{DONORS}/{person.number}").status_code == 404
        assert staff.get(DONORS, params={"name": person.number}).status_code == 400


def test_the_needles_are_found_where_they_are(planted):
    """The search itself: it finds what was planted in a haystack of its own."""
    daemon, people = planted
    for person in people[::97]:
        for text in (person.word, person.word.upper(), person.name, person.phone, "+84" + person.phone[1:], person.number, person.card,
                     person.street, person.proof, person.word.lower().replace("ẫ", "a"), json.dumps(person.body(), ensure_ascii=False)):
            assert found_in(b"\0.." + text.encode() + b"..\xff"), text
            assert found_in_text(b"x \\\\x" + text.encode().hex().encode() + b"\n"), text
        assert found_in(person.number.encode().hex().encode()) and found_in(person.name.encode().hex().encode())
    (daemon.folder / "haystack").write_bytes(os.urandom(1 << 20))
    assert found_in((daemon.folder / "haystack").read_bytes()) == []


def test_dump(planted):
    daemon, _ = planted
    with as_postgres(daemon.data / "postgres") as owner:
        dump = subprocess.run(programs.as_user([str(programs.POSTGRES_BIN / "pg_dump"), daemon.conninfo(owner)], owner),
                              capture_output=True, check=True).stdout
    assert dump.count(b"\n") > 5 * COUNT and b"COPY public.donor " in dump
    assert found_in_text(dump) == []


def test_files_of_the_database(planted):
    """Everything that PostgreSQL has on disk, its log of writes too, after a checkpoint."""
    daemon, _ = planted
    daemon.sql("CHECKPOINT")
    size = 0
    for path in sorted((daemon.data / "postgres").rglob("*")):
        with contextlib.suppress(IsADirectoryError, FileNotFoundError):      # the server works on: a file may go
            bytes_ = path.read_bytes()
            size += len(bytes_)
            assert found_in(UUID.sub(b" ", bytes_)) == [], path
    assert size > 20 << 20


def test_log(planted):
    daemon, _ = planted
    for path in (daemon.out_path, daemon.err_path, daemon.data / "postgres" / "log"):
        for one in ([path] if path.is_file() else path.rglob("*") if path.is_dir() else []):
            if one.is_file():
                assert found_in(one.read_bytes()) == [], one


def test_what_an_import_tells(planted):
    """Reports, progress, refusals: row numbers, columns, donor numbers, our own words."""
    daemon, _ = planted
    files = sorted((daemon.folder / "told").iterdir())
    report = (daemon.folder / "told" / "report-1").read_text(encoding="utf-8-sig")
    fates = {fate: report.count(f",{fate},") for fate in ("registered", "held", "known", "fault")}
    assert fates["registered"] >= len(LISTED) and fates["held"] >= 40 and fates["known"] >= 20 and fates["fault"] >= 20, fates
    assert len(files) == 12
    for file in files:
        assert found_in(file.read_bytes()) == [], file


def test_metrics_and_public_pages(planted):
    daemon, _ = planted
    auditor = {"Authorization": f"Bearer {daemon.token('auditor')}"}
    for path in ("/metrics", "/readyz", "/api/v1/audit?limit=500", "/api/v1/donors?limit=500"):
        answer = wait_until(lambda: (one := httpx.get(daemon.url + path, headers=auditor, timeout=60)).status_code == 200 and one, what=path)
        assert found_in_text(answer.content) == [], path
    listed = json.loads(daemon.cli_ok("audit", "list", "--limit", "20000", "--json").out)
    assert len(listed["items"]) > COUNT and found_in_text(json.dumps(listed).encode()) == []


def test_no_core_file(planted):
    """There is none to look into: the limit is nought and the process is not dumpable (but under a sanitizer, for its leak check)."""
    daemon, _ = planted
    core = re.search(r"Max core file size +(\S+) +(\S+)", pathlib.Path(f"/proc/{daemon.process.pid}/limits").read_text())
    assert core.groups() == ("0", "0")
    if b"__asan_init" not in (programs.BIN / "giothongd").read_bytes():
        assert os.stat(f"/proc/{daemon.process.pid}/mem").st_uid == 0, "not dumpable: it belongs to root whoever runs it"
