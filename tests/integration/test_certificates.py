"""Certificates: issued once, printed, checked by anybody, redeemed to the last millilitre. All people here are invented."""
import concurrent.futures
import io
import json
import random
import uuid
import zipfile

import psycopg
import pytest

from harness import certificates, programs
from harness.client import field_codes, problem, until_served
from harness.daemon import wait_until
from harness.seeds import TODAY, day

DONORS, CERTIFICATES = "/api/v1/donors", "/api/v1/certificates"
NAME, BORN = "Đèo Thị Ngưỡng", "1990-02-03"


@pytest.fixture
def body(admin):
    return certificates.enter_body(admin, "LC")


@pytest.fixture
def donor(staff, seeds):
    def make(**more):
        person = {"name": NAME, "birth_date": BORN, "sex": "female", "unit": "Xã Mường Than", "address": f"Bản Thử {seeds.number()}", **more}
        return staff.post(DONORS, json=person, expect=201).json()["id"]
    return make


@pytest.fixture
def issued(staff, body, donor, daemon):
    """A certificate for a new donation."""
    def make(person=None, **donation):
        given = certificates.gave(daemon.sql, person or donor(), **donation)
        return staff.post(f"/api/v1/donations/{given}/certificate", json={"issuer": body}, expect=201).json()
    return make


@pytest.fixture
def hospitals(daemon, api, seeds):
    def make():
        return api.with_token(daemon.new_token("hospital", f"Bệnh viện thử {seeds.number()}"))
    return make


def a_key():
    return {"Idempotency-Key": str(uuid.uuid4())}


def printed(client, number, expect=200, **body):
    return client.post(f"{CERTIFICATES}/{number}/prints", json=body, headers=a_key(), expect=expect)


def code_of(client, number):
    (text,) = certificates.codes_of(client.get(f"{CERTIFICATES}/{number}.pdf").content)
    return text


def check(client, expect=200, **question):
    return client.post(f"{CERTIFICATES}/verify", json=question, expect=expect).json()


def redeem(client, number, ml, expect=201, **more):
    return client.post(f"{CERTIFICATES}/{number}/redemptions", json={"ml": ml, **more}, expect=expect)


def balance(client, number):
    return client.get(f"{CERTIFICATES}/{number}").json()["balance_ml"]


def published(api):
    return api.get(f"{CERTIFICATES}/keys").json()["items"]


def audited(daemon, subject):
    return [action for action, in daemon.sql("SELECT action FROM audit_entry WHERE subject_id = %s ORDER BY id", subject)]


def absent():
    """A number whose check character fits, and that nobody has given."""
    letters = "23456789ABCDEFGHKMNPQRSTVWXYZ"
    value = sum((11 - at) * (ord(c) - ord("A") if c.isalpha() else int(c)) for at, c in enumerate("LC25999999"))
    return f"LC25-999999-{letters[-value % 29]}"


def subject_of(certificate):
    return certificate["number"].rsplit("-", 1)[0]


# ---- issued ----

def test_one_for_a_donation(staff, body, donor, daemon, admin):
    given = certificates.gave(daemon.sql, donor(), bag=f"A9999{random.randrange(10**8):08}")
    path = f"/api/v1/donations/{given}/certificate"
    answer = staff.post(path, json={"issuer": body}, headers={"Idempotency-Key": "one"}, expect=201)
    made = answer.json()
    assert answer.headers["location"] == f"{CERTIFICATES}/{made['number']}" and made["number"].startswith("LC25-")
    assert (made["status"], made["volume_ml"], made["balance_ml"], made["issued_on"], made["prints"]) == ("issued", 350, 350, TODAY, 0)
    assert staff.post(path, json={"issuer": body}, headers={"Idempotency-Key": "one"}, expect=201).json() == made
    told = problem(staff.post(path, json={"issuer": body}), "already-exists", 409)
    assert made["number"] in told["detail"]
    assert admin.get(f"{CERTIFICATES}/{made['number'].lower().replace('-', ' ')}").json() == made
    assert audited(daemon, subject_of(made)) == ["certificate.issue"]
    # nothing of the person stands in plain
    row = json.dumps([str(value) for value in daemon.sql("SELECT * FROM certificate WHERE id = %s", made["id"])[0]])
    assert "Ngưỡng" not in row and "Bản Thử" not in row and NAME not in json.dumps(made, ensure_ascii=False)


def test_numbers_follow_each_other(issued):
    first, second = issued(), issued()
    one, two = (int(c["number"].split("-")[1]) for c in (first, second))
    assert two > one and first["number"] != second["number"]


@pytest.mark.parametrize("donation, slug", [
    ({"evidence": "declared"}, "not-certifiable"), ({"held": ["unreadable"]}, "not-certifiable"),
    ({"outcome": "stopped", "ml": 0}, "not-certifiable"), ({"ml": None}, "not-certifiable")])
def test_not_for_every_donation(staff, body, donor, daemon, donation, slug):
    given = certificates.gave(daemon.sql, donor(), **donation)
    problem(staff.post(f"/api/v1/donations/{given}/certificate", json={"issuer": body}), slug, 409)


def test_a_stopped_one_with_a_volume(issued):
    assert issued(outcome="stopped", ml=120)["volume_ml"] == 120


def test_no_such_donation_or_body(staff, donor, daemon, body):
    problem(staff.post(f"/api/v1/donations/{uuid.uuid4()}/certificate", json={"issuer": body}), "not-found", 404)
    given = certificates.gave(daemon.sql, donor())
    assert field_codes(staff.post(f"/api/v1/donations/{given}/certificate", json={"issuer": "ZZZZ"}, expect=422)) == {"/issuer": "not_found"}
    assert field_codes(staff.post(f"/api/v1/donations/{given}/certificate", json={"issuer": "zz"}, expect=422)) == {"/issuer": "invalid_value"}


def test_one_bag_one_certificate(staff, body, donor, daemon, issued):
    """The same bag under another donation row, as when a team typed it twice."""
    bag = f"A9999{random.randrange(10**8):08}"
    issued(bag=bag)
    other = certificates.gave(daemon.sql, donor(), bag=bag)
    problem(staff.post(f"/api/v1/donations/{other}/certificate", json={"issuer": body}), "already-exists", 409)


def test_units_are_those_of_the_day(staff, body, donor, daemon):
    """A donor of a commune that is no more: by its name of that day, with the district that there was."""
    given = certificates.gave(daemon.sql, donor(unit="03618@pre-2025-07-01"), on=day(-10))
    made = staff.post(f"/api/v1/donations/{given}/certificate", json={"issuer": body}, expect=201).json()
    text = certificates.text_of(staff.get(f"{CERTIFICATES}/{made['number']}.pdf").content)
    assert "xã Phúc Than, huyện Than Uyên, tỉnh Lai Châu" in text.replace("Xã", "xã")


# ---- paper ----

def test_original_then_copies(staff, issued, daemon):
    made = issued()
    first = printed(staff, made["number"])
    assert first.headers["content-type"] == "application/pdf" and first.headers["cache-control"] == "no-store"
    text = certificates.text_of(first.content)
    for words in ("GIẤY CHỨNG NHẬN HIẾN MÁU TÌNH NGUYỆN", NAME, "03/02/1990", "350 ml máu toàn phần", made["number"],
                  certificates.BODY["name"].split()[0], "Lai Châu, ngày 10 tháng 03 năm 2025"):
        assert words in text, text
    assert "BẢN SAO" not in text
    second = printed(staff, made["number"], paper_serial=f"S{made['id'][-12:]}", form="preprinted")
    assert "BẢN SAO" in certificates.text_of(second.content) and NAME in certificates.text_of(second.content)
    assert certificates.codes_of(first.content) == certificates.codes_of(second.content)
    assert "BẢN SAO" in certificates.text_of(staff.get(f"{CERTIFICATES}/{made['number']}.pdf").content)
    now = staff.get(f"{CERTIFICATES}/{made['number']}").json()
    assert now["prints"] == 2 and now["paper_serial"] == f"S{made['id'][-12:]}"
    assert audited(daemon, subject_of(made)) == ["certificate.issue", "certificate.print", "certificate.print", "certificate.show"]
    taken = printed(staff, issued()["number"], expect=422, paper_serial=f"S{made['id'][-12:]}")
    assert field_codes(taken) == {"/paper_serial": "taken"}


def test_a_slip_in_a_form_is_told_at_the_start(tmp_path):
    """Not by the first print of a round's day."""
    form = tmp_path / "own.form"
    form.write_text("# ours\nname 58 45 140 13 bold\n")
    outcome = programs.run("giothongd", "--data", tmp_path / "data", "--set", f"certificates.preprinted_form={form}", folder=tmp_path)
    assert outcome.status == 1 and str(form) in outcome.err and "Line 2" in outcome.err, outcome
    assert not (tmp_path / "data").exists(), "before anything is made"


def test_a_print_whose_answer_was_lost(staff, issued):
    made = issued()
    key = {"Idempotency-Key": "print"}
    answers = [staff.post(f"{CERTIFICATES}/{made['number']}/prints", json={}, headers=key, expect=200).content for _ in range(2)]
    assert all("BẢN SAO" not in certificates.text_of(pdf) for pdf in answers)
    assert staff.get(f"{CERTIFICATES}/{made['number']}").json()["prints"] == 1


# ---- checked ----

def test_verified_by_another_implementation(api, staff, issued, daemon, tmp_path):
    made = issued()
    text, keys = code_of(staff, made["number"]), published(api)
    found = certificates.verify(text, keys)
    assert (found["number"], found["ml"], found["day"], found["issuer"]) == (made["number"], 350, TODAY, "LC")
    assert found["holder"] == certificates.holder_digest(found["salt"], "ĐÈO  THỊ NGƯỠNG", BORN)
    dice, data = random.Random(5), certificates.base45_decode(text[4:])
    for _ in range(1000):
        broken = bytearray(data)
        broken[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        assert certificates.verify("GH1:" + certificates.base45_encode(broken), keys) is None
    for _ in range(20):
        broken = bytearray(data)
        broken[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        assert check(api, text="GH1:" + certificates.base45_encode(broken))["genuine"] is False


def test_what_a_stranger_is_told(api, staff, issued, daemon):
    made = issued()
    text = code_of(staff, made["number"])
    code = daemon.value("SELECT code FROM certificate WHERE id = %s", made["id"])
    for question in ({"text": text}, {"code": code}, {"code": code.lower().replace("-", "")}, {"number": made["number"]}):
        told = check(api, **question)
        assert told["genuine"] is True and told["number"] == made["number"] and told["balance_ml"] == 350 and told["holder_matches"] is None
        assert NAME not in json.dumps(told, ensure_ascii=False) and told["as_of"]
    card, other = {"name": "DEO THI NGUONG", "birth_date": BORN}, {"name": NAME, "birth_date": "1990-02-04"}
    assert check(api, text=text, **card)["holder_matches"] is True and check(api, text=text, **other)["holder_matches"] is False
    assert check(api, code=code, **card)["holder_matches"] is True and check(api, code=code, **other)["holder_matches"] is False
    # numbers are counted up: only who has a token may ask so
    assert check(api, number=made["number"], **card)["holder_matches"] is None
    assert check(staff, number=made["number"], **card)["holder_matches"] is True
    assert audited(daemon, subject_of(made)).count("certificate.match") == 3
    assert check(api, code="0000-0000-0000")["reason"] == "unknown" and check(api, code="0000-0000-0001")["reason"] == "mistyped"
    assert check(api, text="HC1:ABC")["reason"] == "malformed" and check(api, number=absent())["reason"] == "unknown"


@pytest.mark.parametrize("question, faults", [
    ({}, {"/text": "one_of"}), ({"text": "x", "code": "y"}, {"/text": "one_of"}), ({"code": "x", "name": "A"}, {"/birth_date": "required"}),
    ({"code": "x", "birth_date": BORN}, {"/name": "required"}), ({"text": "x" * 1001}, {"/text": "too_long"}), ({"nr": "x"}, {"/nr": "unknown_field"})])
def test_a_question_that_is_none(api, question, faults):
    codes = field_codes(api.post(f"{CERTIFICATES}/verify", json=question, expect=422))
    assert {pointer: codes.get(pointer) for pointer in faults} == faults


@pytest.fixture
def offline(tmp_path, api):
    """`giothong certificate verify` with the files as they are now; (status, document)."""
    keys, revoked = tmp_path / "keys.json", tmp_path / "revoked.json"

    def fetch():
        revoked.write_bytes(api.get(f"{CERTIFICATES}/revocations").content)
        keys.write_bytes(api.get(f"{CERTIFICATES}/keys").content)

    def verify(text, *words, listed=True, **options):
        more = ("--revocations", revoked) if listed else ()
        outcome = programs.run("giothong", "certificate", "verify", text, "--json", "--keys", keys, *more, *words, folder=tmp_path, **options)
        return outcome.status, json.loads(outcome.out) if outcome.out else outcome.err
    verify.fetch, verify.keys, verify.revoked, verify.folder = fetch, keys, revoked, tmp_path
    return verify


def test_without_a_database(api, staff, issued, offline):
    one, two = issued(), issued()
    texts = [code_of(staff, c["number"]) for c in (one, two)]
    staff.post(f"{CERTIFICATES}/{two['number']}/void", json={"reason": "other"}, expect=200)
    offline.fetch()
    status, told = offline(texts[0])
    assert status == 0 and told["genuine"] and told["number"] == one["number"] and told["revoked"] is False and told["list"] == "fine"
    counter = told["list_counter"]
    # the signature says genuine, the list void; as the daemon tells it
    status, told = offline(texts[1])
    assert (status, told["genuine"], told["reason"], told["revoked"]) == (1, True, None, True)
    status, told = offline(texts[1], listed=False)
    assert (status, told["revoked"], told["list"]) == (0, None, None), "nobody told it"
    broken = texts[0][:-1] + ("0" if texts[0][-1] != "0" else "1")
    status, told = offline(broken)
    assert (status, told["genuine"], told["list_counter"]) == (1, False, counter)
    status, told = offline("GH1:ABC")
    assert (status, told["reason"], told["revoked"], told["list_counter"]) == (1, "malformed", None, counter)
    assert offline(texts[0], "--counter", str(counter))[0] == 0
    status, told = offline(texts[0], "--counter", str(counter + 1))
    assert (status, told["genuine"], told["list"]) == (1, True, "older_than_seen")
    salts = [certificates.verify(text, published(api))["salt"] for text in texts]
    assert [certificates.is_revoked(json.loads(offline.revoked.read_text())["signed"], published(api), salt) for salt in salts] == [False, True]


def test_the_age_of_the_list_is_told(issued, staff, offline):
    """The daemon's clock stands in March 2025, ours does not: its list is old, and of the future for a clock before it."""
    made = issued()
    text = code_of(staff, made["number"])
    offline.fetch()
    status, told = offline(text)
    assert status == 0 and told["list_age_seconds"] > 3600
    assert offline(text, "--max-age", "100000")[0] == 0
    status, told = offline(text, "--max-age", "1")
    assert (status, told["list"], told["genuine"]) == (1, "too_old", True)


def test_keys_of_others_verify_nothing(issued, staff, offline, admin, donor, daemon):
    """Of another body, another year, another use, or taken for another: each alone makes it fail."""
    made = issued()
    text = code_of(staff, made["number"])
    offline.fetch()
    listed = json.loads(offline.keys.read_text())
    assert offline(text)[0] == 0

    def with_keys(change):
        items = [{**key, **change(key)} for key in listed["items"]]
        offline.keys.write_text(json.dumps({**listed, "items": items}))
        return offline(text, listed=False)
    certifying = [key for key in listed["items"] if key["use"] == "certificates"]
    assert certifying
    for change, reason in ((lambda key: {"issuer": "ZZ"} if key["issuer"] else {}, "unknown_key"),
                           (lambda key: {"year": key["year"] - 1} if key["issuer"] else {}, "unknown_key"),
                           (lambda key: {"use": "revocations", "issuer": None}, "unknown_key"),
                           (lambda key: {"public_key": "00" * 32}, "unknown_key"),
                           (lambda key: {"state": "compromised"}, "compromised_key")):
        status, told = with_keys(change)
        assert (status, told["genuine"], told["reason"]) == (1, False, reason)
    # a list that another has signed, and none at all
    offline.keys.write_text(json.dumps({**listed, "items": certifying}))
    status, told = offline(text)
    assert status == 1 and told["error"]["code"] == "malformed" and "not signed by any of these keys" in told["error"]["detail"]
    offline.keys.write_text(json.dumps(listed))
    offline.revoked.write_text("{}")
    assert offline(text)[0] == 1


def test_the_holder_is_asked_for_on_standard_input(issued, staff, offline):
    text = code_of(staff, issued()["number"])
    offline.fetch()
    for typed, matches, status in ((f"deo thi nguong\n{BORN}\n", True, 0), (f"{NAME}\n1990-02-04\n", False, 1), (f"Ai Khác\n{BORN}\n", False, 1)):
        found, told = offline(text, "--holder", stdin=typed)
        assert (found, told["genuine"], told["holder_matches"]) == (status, True, matches)
    assert offline(text, "--holder", stdin="một dòng\n")[0] == 1 and offline(text, "--holder", stdin=f"{NAME}\n3/2/1990\n")[0] == 1


def test_a_key_of_another_body_signs_nothing_here(api, admin, staff, donor, daemon):
    """The daemon, too, looks at body and year of the key, not at its id alone."""
    one, two = (certificates.enter_body(admin, code) for code in ("KA", "KB"))
    texts = {}
    for code in (one, two):
        given = certificates.gave(daemon.sql, donor())
        made = staff.post(f"/api/v1/donations/{given}/certificate", json={"issuer": code}, expect=201).json()
        texts[code] = code_of(staff, made["number"])
    assert all(check(api, text=text)["genuine"] for text in texts.values())
    public = daemon.value("SELECT public_key FROM certificate_key WHERE issuer = 'KA'")
    with daemon.database() as root:
        root.execute("SET session_replication_role = replica")
        root.execute("UPDATE certificate_key SET year = year - 1 WHERE issuer = 'KA'")
        try:
            assert check(api, text=texts["KA"])["reason"] == "unknown_key"
            root.execute("UPDATE certificate_key SET year = year + 1, issuer = 'KX' WHERE issuer = 'KA'")
            assert check(api, text=texts["KA"])["reason"] == "unknown_key"
        finally:
            root.execute("UPDATE certificate_key SET issuer = 'KA', year = 2025 WHERE public_key = %s", (public,))
    assert check(api, text=texts["KA"])["genuine"] and check(api, text=texts["KB"])["genuine"]


# ---- redeemed ----

def test_to_the_last_millilitre(staff, issued, hospitals, daemon):
    made, here, there = issued(), hospitals(), hospitals()
    number = made["number"]
    first = redeem(here, number, 100).json()
    assert (first["status"], first["balance_ml"], first["redemption"]["kind"]) == ("partly_redeemed", 250, "use")
    problem(redeem(there, number, 251, expect=409), "overdrawn")
    assert redeem(there, number, 250).json()["status"] == "redeemed"
    problem(redeem(here, number, 1, expect=409), "overdrawn")
    path = f"{CERTIFICATES}/{number}/redemptions/{first['redemption']['id']}/reversal"
    problem(there.post(path, json={}), "forbidden", 403)
    assert here.post(path, json={}, expect=201).json()["balance_ml"] == 100
    problem(here.post(path, json={}), "redemption-settled", 409)
    ledger = staff.get(f"{CERTIFICATES}/{number}").json()["redemptions"]
    assert [e["kind"] for e in ledger] == ["use", "use", "reversal"] and ledger[0]["answered"] and ledger[2]["of"] == ledger[0]["id"]
    assert daemon.value("SELECT redeemed_ml FROM certificate WHERE id = %s", made["id"]) == 250
    assert audited(daemon, ledger[2]["id"]) == ["redemption.reverse"]


def test_a_claim_that_is_sent_again(issued, hospitals):
    number, here = issued()["number"], hospitals()
    claim = {"id": str(uuid.uuid4()), "used_on": TODAY}
    answers = [redeem(here, number, 350, **claim).json() for _ in range(3)]
    assert answers[0] == answers[1] == answers[2] and answers[0]["balance_ml"] == 0
    problem(redeem(here, number, 349, expect=422, **claim), "idempotency-mismatch")
    key = {"Idempotency-Key": "reversed"}
    path = f"{CERTIFICATES}/{number}/redemptions/{claim['id']}/reversal"
    assert here.post(path, json={}, headers=key, expect=201).json() == here.post(path, json={}, headers=key, expect=201).json()
    assert balance(here, number) == 350


def test_two_hospitals_race_for_the_last_millilitres(issued, hospitals, daemon):
    """Sixteen claims of 50 ml out of 350, each sent twice at once: seven are given, whoever asks and how often."""
    made, places = issued(), [hospitals(), hospitals()]
    claims = [(places[n % 2], {"id": str(uuid.uuid4()), "ml": 50, "used_on": TODAY}) for n in range(16)]

    def send(claim):
        place, body = claim
        told = until_served(lambda: place.post(f"{CERTIFICATES}/{made['number']}/redemptions", json=body)).status_code
        assert told in (201, 409)
        return body["id"], told
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, claims * 2))
    given = {id for id, status in answers if status == 201}
    assert len(given) == 7 and daemon.value("SELECT redeemed_ml FROM certificate WHERE id = %s", made["id"]) == 350
    assert daemon.value("SELECT count(*) FROM redemption WHERE certificate_id = %s", made["id"]) == 7
    assert {str(id) for id, in daemon.sql("SELECT id FROM redemption WHERE certificate_id = %s", made["id"])} == given
    # what was given is told again as given, and what was not may be asked again in vain
    for place, body in claims:
        again = place.post(f"{CERTIFICATES}/{made['number']}/redemptions", json=body, expect=(201, 409))
        assert (again.status_code == 201) == (body["id"] in given)


def test_late_claims_are_kept(issued, hospitals, staff, daemon):
    """Two hospitals, one line cut: what was given is kept, and a person settles it."""
    number, here, there = issued(on=day(-20))["number"], hospitals(), hospitals()
    used = redeem(here, number, 300).json()["redemption"]
    late = redeem(there, number, 200, source="offline", used_on=day(-3)).json()
    assert late["redemption"]["kind"] == "claim" and late["redemption"]["open"] and late["balance_ml"] == 50
    paper = redeem(there, number, 50, source="paper", used_on=day(-5), facility="Trạm y tế thử").json()
    assert paper["redemption"]["kind"] == "use" and paper["balance_ml"] == 0 and paper["redemption"]["facility"] == "Trạm y tế thử"
    assert [c["redemption"]["id"] for c in staff.items(f"{CERTIFICATES}/claims", limit=2) if c["number"] == number] == [late["redemption"]["id"]]
    settle = f"{CERTIFICATES}/{number}/redemptions/{late['redemption']['id']}/settlement"
    problem(there.post(settle, json={}), "overdrawn", 409)
    here.post(f"{CERTIFICATES}/{number}/redemptions/{used['id']}/reversal", json={}, expect=201)
    settled = there.post(settle, json={}, expect=201).json()
    assert settled["balance_ml"] == 100 and settled["redemption"]["of"] == late["redemption"]["id"]
    problem(there.post(settle, json={}), "redemption-settled", 409)
    assert not [c for c in staff.items(f"{CERTIFICATES}/claims") if c["number"] == number]
    assert daemon.value("SELECT redeemed_ml FROM certificate WHERE id = %s", staff.get(f"{CERTIFICATES}/{number}").json()["id"]) == 250


@pytest.mark.parametrize("claim, faults", [
    ({"ml": 351}, {"/ml": "out_of_range"}), ({"ml": 0}, {"/ml": "out_of_range"}), ({}, {"/ml": "required"}),
    ({"ml": 1, "used_on": day(1)}, {"/used_on": "in_future"}), ({"ml": 1, "used_on": day(-1), "source": "paper"}, {"/used_on": "before_donation"}),
    ({"ml": 1, "source": "fax"}, {"/source": "invalid_value"}), ({"ml": 1, "id": "x"}, {"/id": "invalid_value"})])
def test_claims_refused_by_field(issued, hospitals, claim, faults):
    number, here = issued()["number"], hospitals()
    answer = here.post(f"{CERTIFICATES}/{number}/redemptions", json=claim, expect=422)
    assert {pointer: field_codes(answer)[pointer] for pointer in faults} == faults
    assert balance(here, number) == 350


def test_the_database_refuses_by_itself(issued, daemon):
    """Whatever program asks: no statement takes more than there is, none writes the sum."""
    made = issued()
    # taken back in the end: no entry of the audit speaks of it
    with daemon.database() as root, root.transaction(force_rollback=True):
        def insert(ml):
            root.execute("INSERT INTO redemption (id, certificate_id, kind, ml, source, facility, used_on, entered_by_kind, entered_by)"
                         " VALUES (gen_random_uuid(), %s, 'use', %s, 'online', 'x', %s, 'token', 'x')", (made["id"], ml, TODAY))
        insert(350)
        with pytest.raises(psycopg.errors.CheckViolation, match="certificate_overdrawn_ck"), root.transaction():
            insert(1)
    assert daemon.value("SELECT has_column_privilege('giothong_app', 'certificate', 'redeemed_ml', 'UPDATE')"
                        " OR has_table_privilege('giothong_app', 'redemption', 'DELETE, UPDATE')"
                        " OR has_table_privilege('giothong_app', 'certificate', 'DELETE')") is False


# ---- void ----

def test_void_for_ever(api, staff, issued, hospitals, body):
    made, here = issued(on=day(-10)), hospitals()
    number, text = made["number"], code_of(staff, made["number"])
    before = api.get(f"{CERTIFICATES}/revocations").json()["counter"]
    told = staff.post(f"{CERTIFICATES}/{number}/void", json={"reason": "wrong_name"}, expect=200).json()
    assert (told["status"], told["balance_ml"], told["void_reason"]) == ("void", 0, "wrong_name")
    again = staff.post(f"{CERTIFICATES}/{number}/void", json={"reason": "other"}, expect=200).json()
    assert again["void_reason"] == "wrong_name"
    assert api.get(f"{CERTIFICATES}/revocations").json()["counter"] >= before + 1
    assert check(api, text=text)["status"] == "void"
    problem(redeem(here, number, 1, expect=409), "certificate-void")
    assert redeem(here, number, 1, source="paper", used_on=day(-9)).json()["redemption"]["kind"] == "claim"
    problem(printed(staff, number, expect=409), "certificate-void")
    other = staff.post(f"/api/v1/donations/{made['donation']}/certificate", json={"issuer": body}, expect=201).json()
    assert other["number"] != number and other["status"] == "issued"


# ---- keys ----

def test_keys_are_replaced(api, admin, staff, donor, daemon):
    code = certificates.enter_body(admin, "KT")

    def make():
        given = certificates.gave(daemon.sql, donor())
        return staff.post(f"/api/v1/donations/{given}/certificate", json={"issuer": code}, expect=201).json()["number"]

    def states():
        return [k["state"] for k in published(api) if k["issuer"] == code]
    problem(admin.post(f"{CERTIFICATES}/keys", json={"issuer": "QQ", "year": 2025, "generation": 1}), "not-found", 404)
    first = make()
    old = code_of(staff, first)
    admin.post(f"{CERTIFICATES}/keys", json={"issuer": code, "year": 2025, "generation": 1}, expect=201)
    assert states() == ["past", "current"]
    second = make()
    assert check(api, text=old)["genuine"] and check(api, text=code_of(staff, second))["genuine"]
    assert code_of(staff, first) == old
    admin.post(f"{CERTIFICATES}/keys", json={"issuer": code, "year": 2025, "generation": 2, "compromised": True}, expect=201)
    assert states() == ["compromised", "compromised", "current"]
    assert check(api, text=old)["reason"] == "compromised_key"
    renewed = code_of(staff, first)
    assert renewed != old and check(api, text=renewed)["genuine"] and certificates.verify(renewed, published(api))["number"] == first


# ---- a whole round ----

def test_a_whole_round(staff, admin, donor, daemon, seeds):
    code = certificates.enter_body(admin, "VD")
    round_id = seeds.running()["id"]
    people = 55
    for n in range(people):
        certificates.gave(daemon.sql, donor(name=f"Lò Thị Thử {'abcdefghij'[n % 10]}{'abcdefghij'[n // 10]}"), round_id=round_id)
    certificates.gave(daemon.sql, donor(), round_id=round_id, held=["unreadable"])
    answer = staff.post(f"/api/v1/rounds/{round_id}/certificates", json={"issuer": code}, headers={"Idempotency-Key": "all"}, expect=202)
    batch = answer.json()
    assert batch["total"] == people and answer.headers["location"] == f"{CERTIFICATES}/batches/{batch['id']}"
    assert staff.post(f"/api/v1/rounds/{round_id}/certificates", json={"issuer": code}, headers={"Idempotency-Key": "all"},
                      expect=202).json()["id"] == batch["id"]
    wait_until(lambda: staff.get(answer.headers["location"]).json()["state"] == "done", seconds=120, what="all issued")
    assert staff.get(answer.headers["location"]).json()["issued"] == people
    numbers = [n for n, in daemon.sql("SELECT ordinal FROM certificate WHERE issuer = %s ORDER BY ordinal", code)]
    assert numbers == list(range(1, people + 1))
    pdf = staff.post(f"/api/v1/rounds/{round_id}/certificates/prints", json={}, headers=a_key(), expect=200).content
    texts = certificates.codes_of(pdf)
    keys = published(staff)
    assert [int(certificates.verify(text, keys)["number"].split("-")[1]) for text in texts] == numbers
    assert "BẢN SAO" not in certificates.text_of(pdf) and "Lò Thị Thử" in certificates.text_of(pdf, people)
    problem(staff.post(f"/api/v1/rounds/{round_id}/certificates/prints", json={}, headers=a_key()), "not-found", 404)
    again = staff.post(f"/api/v1/rounds/{round_id}/certificates/prints", json={"again": True}, headers=a_key(), expect=200).content
    assert "BẢN SAO" in certificates.text_of(again, 3)


def test_a_round_printed_once(staff, admin, donor, daemon, seeds):
    """A stack of pre-printed forms, an answer that was lost, and one file for each."""
    code, round_id = certificates.enter_body(admin, "VE"), seeds.running()["id"]
    prints = f"/api/v1/rounds/{round_id}/certificates/prints"

    def issue(count):
        for _ in range(count):
            certificates.gave(daemon.sql, donor(), round_id=round_id)
        batch = staff.post(f"/api/v1/rounds/{round_id}/certificates", json={"issuer": code}, expect=202).headers["location"]
        wait_until(lambda: staff.get(batch).json()["state"] == "done", seconds=120, what="all issued")
    key, stack = {"Idempotency-Key": "stack"}, {"form": "preprinted", "paper_serial": "AB 0098"}
    problem(staff.post(prints, json=stack, headers=key), "not-found", 404)          # nothing yet: the key is free
    assert field_codes(staff.post(prints, json={**stack, "paper_serial": "AB"}, expect=422)) == {"/paper_serial": "invalid_value"}
    assert field_codes(staff.post(prints, json={"as": "doc"}, expect=422)) == {"/as": "invalid_value"}
    issue(3)
    first, again = (staff.post(prints, json=stack, headers=key, expect=200).content for _ in range(2))
    assert certificates.codes_of(first) == certificates.codes_of(again)
    assert all("BẢN SAO" not in certificates.text_of(pdf, page) for pdf in (first, again) for page in (1, 2, 3))
    rows = daemon.sql("SELECT p.paper_serial, p.n FROM certificate_print AS p JOIN certificate AS c ON c.id = p.certificate_id"
                      " WHERE c.round_id = %s ORDER BY c.ordinal", round_id)
    assert rows == [("AB 0098", 1), ("AB 0099", 1), ("AB 0100", 1)]
    problem(staff.post(prints, json={}, headers=key, expect=422), "idempotency-mismatch")
    issue(2)
    assert field_codes(staff.post(prints, json={**stack, "paper_serial": "AB 0099"}, headers=a_key(), expect=422)) == {"/paper_serial": "taken"}
    answer = staff.post(prints, json={"as": "zip"}, headers=a_key(), expect=200)
    assert answer.headers["content-type"] == "application/zip" and answer.headers["cache-control"] == "no-store"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        names, pages = packed.namelist(), [packed.read(name) for name in packed.namelist()]
    found = [certificates.verify(text, published(staff)) for pdf in pages for text in certificates.codes_of(pdf)]
    assert [f"{f['number']}.pdf" for f in found] == names == sorted(names) and len(names) == 2
    problem(staff.post(prints, json={"as": "zip"}, headers=a_key()), "not-found", 404)


# ---- the person ----

def test_an_erased_donor(api, staff, admin, donor, issued, hospitals, daemon, seeds):
    """Nobody can be told by what is left; the paper in the hand goes on being worth what it is."""
    person, round_id, here = donor(), seeds.running()["id"], hospitals()
    made = issued(person, round_id=round_id)
    other = issued(round_id=round_id)
    text = code_of(staff, made["number"])
    staff.post(f"{DONORS}/{person}/erasure", json={}, expect=(200, 201, 202))
    admin.post(f"{DONORS}/{person}/erasure/approve", json={}, expect=(200, 201, 202))
    problem(staff.get(f"{CERTIFICATES}/{made['number']}.pdf", expect=409), "erased")
    problem(printed(staff, made["number"], expect=409), "erased")
    left, = daemon.sql("SELECT d.wrapped_key, d.sealed FROM certificate AS c JOIN donor AS d ON d.id = c.donor_id WHERE c.id = %s", made["id"])
    assert left == (None, None), "what is sealed has no key any more"
    pages = certificates.codes_of(staff.post(f"/api/v1/rounds/{round_id}/certificates/prints", json={}, headers=a_key(), expect=200).content)
    assert [certificates.verify(page, published(api))["number"] for page in pages] == [other["number"]]
    code = daemon.value("SELECT code FROM certificate WHERE id = %s", made["id"])
    assert check(api, code=code, name=NAME, birth_date=BORN)["holder_matches"] is None
    told = check(api, text=text, name=NAME, birth_date=BORN)
    assert told["genuine"] and told["balance_ml"] == 350 and told["holder_matches"] is True
    used = redeem(here, made["number"], 200).json()
    assert used["balance_ml"] == 150
    here.post(f"{CERTIFICATES}/{made['number']}/redemptions/{used['redemption']['id']}/reversal", json={}, expect=201)
    assert staff.post(f"{CERTIFICATES}/{made['number']}/void", json={"reason": "other"}, expect=200).json()["status"] == "void"
    given = certificates.gave(daemon.sql, donor())
    daemon.sql("UPDATE donation SET donor_id = %s WHERE id = %s", person, given)
    problem(staff.post(f"/api/v1/donations/{given}/certificate", json={"issuer": "LC"}), "erased", 409)


def test_what_is_kept_of_one_person(staff, donor, issued, hospitals, daemon, seeds):
    person, merged = donor(), donor(name="Đèo Thị Ngưỡng Cũ")
    made, old = issued(person), issued(merged, on=day(-100))
    redeem(hospitals(), made["number"], 100, facility="Bệnh viện mẫu")
    round_id = seeds.running()["id"]
    staff.post(f"/api/v1/rounds/{round_id}/gifts", json={"donor": person, "kind": "gift", "value_vnd": 150000}, expect=201)
    honour = staff.post("/api/v1/honours", json={"donor": person, "step": "first.1"}, expect=201).json()
    family = staff.post("/api/v1/families", json={"donor": person, "joined_on": "2015-01-01"}, expect=201).json()
    staff.post(f"{DONORS}/{person}/merge", json={"with": merged}, expect=200)
    told = staff.get(f"{DONORS}/{person}/export").json()
    assert [(c["certificate"]["number"], c["printed"]["name"], c["printed"]["birth_date"]) for c in told["certificates"]] == \
        [(old["number"], "Đèo Thị Ngưỡng Cũ", BORN), (made["number"], NAME, BORN)]
    latest = told["certificates"][1]
    assert "Bản Thử" in latest["printed"]["address"] and latest["certificate"]["balance_ml"] == 250
    assert latest["code"] == daemon.value("SELECT code FROM certificate WHERE id = %s", made["id"])
    assert [r["facility"] for r in latest["certificate"]["redemptions"]] == ["Bệnh viện mẫu"]
    assert [(g["kind"], g["value_vnd"]) for g in told["gifts"]] == [("gift", 150000)]
    assert [(h["id"], h["step"]) for h in told["honours"]] == [(honour["id"], "first.1")]
    assert [(f["family"], f["stands_for_it"], f["consent_on"]) for f in told["families"]] == [(family["id"], True, None)]
    # and what was done about them is told with who looked
    assert {"certificate.issue", "redemption.enter", "gift.hand_over", "honour.nominate"} <= {look["action"] for look in told["looked_at"]}


def test_records_of_one_person(staff, donor, issued):
    """Who was merged is printed by the name of the record that stands."""
    one, two = donor(name="Lò Văn Cũ"), donor(name="Lò Văn Mới")
    staff.post(f"{DONORS}/{one}/merge", json={"with": two}, expect=200)
    made = issued(two)
    text = certificates.text_of(staff.get(f"{CERTIFICATES}/{made['number']}.pdf").content)
    assert "Lò Văn Cũ" in text
