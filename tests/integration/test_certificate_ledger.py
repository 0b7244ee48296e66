"""What must never happen with a certificate, whatever comes twice, at once, late, or after a restore. All people here are invented."""
import concurrent.futures
import contextlib
import itertools
import random
import uuid

import psycopg
import pytest

from harness import certificates
from harness.client import field_codes, problem, until_served
from harness.daemon import own_daemon, wait_until
from harness.seeds import TODAY, day

DONORS, CERTIFICATES = "/api/v1/donors", "/api/v1/certificates"
BORN = "1990-02-03"
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def daemon():
    """One of their own: they write behind the audit's back, and take keys away."""
    with own_daemon() as one:
        yield one


@pytest.fixture
def body(admin):
    return certificates.enter_body(admin, "LC")


@pytest.fixture
def donor(staff):
    def make(**more):
        n = next(_numbers)
        person = {"name": f"Vàng A {'bcdghklmnp'[n % 10]}{'bcdghklmnp'[n // 10 % 10]}a", "birth_date": BORN, "sex": "male", **more}
        return staff.post(DONORS, json=person, expect=201).json()["id"]
    return make


@pytest.fixture
def issue(staff, body):
    def make(donation, expect=201):
        return staff.post(f"/api/v1/donations/{donation}/certificate", json={"issuer": body}, expect=expect).json()
    return make


@pytest.fixture
def issued(issue, donor, daemon):
    def make(**donation):
        return issue(certificates.gave(daemon.sql, donor(), **donation))
    return make


@pytest.fixture
def hospital(daemon, api):
    def make(name=None):
        return api.with_token(daemon.new_token("hospital", name or f"Bệnh viện thử {next(_numbers)}"))
    return make


def redeem(client, number, ml, expect=201, **more):
    return client.post(f"{CERTIFICATES}/{number}/redemptions", json={"ml": ml, **more}, expect=expect).json()


def answer(client, number, entry, verb, expect=201):
    return client.post(f"{CERTIFICATES}/{number}/redemptions/{entry}/{verb}", json={}, expect=expect).json()


def make_void(client, number, expect=200, reason="wrong_name"):
    return client.post(f"{CERTIFICATES}/{number}/void", json={"reason": reason}, expect=expect)


def audited(daemon, subject):
    return [action for action, in daemon.sql("SELECT action FROM audit_entry WHERE subject_id = %s ORDER BY id", subject)]


def subject_of(certificate):
    return certificate["number"].rsplit("-", 1)[0]


def text_of(client, number):
    (text,) = certificates.codes_of(client.get(f"{CERTIFICATES}/{number}.pdf").content)
    return text


@contextlib.contextmanager
def held(daemon, *statement):
    """A transaction of somebody else that has done that, and goes on waiting. wait_for(count, what): until so many wait behind it."""
    # through one connection that is open already: a daemon lets nobody wait for long
    with daemon.database() as watcher, daemon.database() as connection, connection.transaction():
        connection.execute(*statement)

        def waiting(count):
            return watcher.execute("WITH RECURSIVE behind(pid) AS (SELECT %s::integer UNION SELECT a.pid FROM pg_stat_activity AS a JOIN behind AS b"
                                   " ON b.pid = ANY (pg_blocking_pids(a.pid))) SELECT count(*) > %s FROM behind",
                                   (connection.info.backend_pid, count)).fetchone()[0]
        yield lambda count, what: wait_until(lambda: waiting(count), what=what)


@contextlib.contextmanager
def violates(constraint):
    with pytest.raises(psycopg.errors.IntegrityError) as caught:
        yield
    assert caught.value.diag.constraint_name == constraint


# ---- spent once ----

def test_what_was_redeemed_is_not_made_void(daemon, staff, issue, issued, hospital):
    made, here = issued(), hospital()
    number = made["number"]
    used = redeem(here, number, 100)["redemption"]
    problem(make_void(staff, number, 409), "certificate-redeemed")
    problem(staff.post(f"/api/v1/donations/{made['donation']}/certificate", json={}, expect=409), "already-exists")
    late = redeem(here, number, 350, source="paper", used_on=TODAY)["redemption"]
    assert late["kind"] == "claim"
    answer(here, number, used["id"], "reversal")
    problem(make_void(staff, number, 409), "certificate-redeemed")           # a claim waits
    answer(here, number, late["id"], "reversal")
    assert make_void(staff, number).json()["void_reason"] == "wrong_name"
    again = issue(made["donation"])
    assert again["balance_ml"] == 350 and again["number"] != number
    redeem(here, again["number"], 1)
    with violates("certificate_redeemed_ck"):
        daemon.sql("UPDATE certificate SET void = true WHERE id = %s", again["id"])


def test_why_is_a_word_alone(staff, issued):
    """It stays for ever and is told to every hospital: no name comes into it."""
    made = issued()
    assert field_codes(make_void(staff, made["number"], 422, "ghi sai tên: Vàng A Xa")) == {"/reason": "invalid_value"}
    assert staff.get(f"{CERTIFICATES}/{made['number']}").json()["status"] == "issued"


def test_a_settlement_taken_back_lets_the_claim_wait_again(staff, issued, hospital):
    number, here, there = issued(on=day(-20))["number"], hospital(), hospital()
    used = redeem(here, number, 350)["redemption"]
    late = redeem(there, number, 200, source="offline", used_on=day(-3))["redemption"]
    answer(here, number, used["id"], "reversal")
    settled = answer(there, number, late["id"], "settlement")["redemption"]
    assert [c for c in staff.items(f"{CERTIFICATES}/claims") if c["number"] == number] == []
    assert answer(there, number, settled["id"], "reversal")["balance_ml"] == 350
    (open_again,) = [c["redemption"] for c in staff.items(f"{CERTIFICATES}/claims") if c["number"] == number]
    assert open_again["id"] == late["id"] and open_again["open"] and not open_again["answered"]
    problem(there.post(f"{CERTIFICATES}/{number}/redemptions/{settled['id']}/reversal", json={}), "redemption-settled", 409)
    assert answer(there, number, late["id"], "settlement")["balance_ml"] == 150
    problem(there.post(f"{CERTIFICATES}/{number}/redemptions/{late['id']}/settlement", json={}), "redemption-settled", 409)


def test_claims_wait_in_order_of_entry(daemon, staff, issued, hospital):
    """The hospital draws their ids: page by page none is left out."""
    number, here = issued(on=day(-20))["number"], hospital()
    redeem(here, number, 350)
    ids = sorted((str(uuid.uuid4()) for _ in range(3)), reverse=True)
    for id in ids:
        redeem(here, number, 10, id=id, source="offline", used_on=day(-3))
    assert [c["redemption"]["id"] for c in staff.items(f"{CERTIFICATES}/claims", limit=1) if c["number"] == number] == ids


# ---- sent twice ----

def test_a_repetition_is_written(daemon, staff, issued, hospital):
    """So that its answer waits for the standby: else it would acknowledge what only one machine has."""
    made, here, id = issued(), hospital(), str(uuid.uuid4())
    for _ in range(2):
        redeem(here, made["number"], 100, id=id)
    assert audited(daemon, id) == ["redemption.enter", "redemption.replay"]
    other = issued()
    assert [make_void(staff, other["number"], reason=reason).json()["void_reason"] for reason in ("wrong_date", "other")] == ["wrong_date"] * 2
    assert audited(daemon, subject_of(other)) == ["certificate.issue", "certificate.void", "certificate.replay"]


def test_a_claim_sent_again_on_another_day_with_another_token(daemon, staff, issued, hospital):
    """What was not said was filled in by the day and the name of then."""
    name = f"Bệnh viện thử {next(_numbers)}"
    made, here, id = issued(on=day(-5)), hospital(name), str(uuid.uuid4())
    first = redeem(here, made["number"], 100, id=id)["redemption"]
    daemon.sql("UPDATE redemption SET used_on = %s, entered_at = entered_at - interval '1 day' WHERE id = %s", day(-1), id)
    daemon.cli_ok("token", "revoke", name)
    renewed, other = hospital(name), hospital()
    again = redeem(renewed, made["number"], 100, id=id)
    assert again["redemption"]["id"] == first["id"] and again["redemption"]["used_on"] == day(-1) and again["balance_ml"] == 250
    for differs in ({"ml": 101}, {"ml": 100, "used_on": TODAY}, {"ml": 100, "facility": "Trạm y tế thử"}, {"ml": 100, "source": "paper"}):
        problem(renewed.post(f"{CERTIFICATES}/{made['number']}/redemptions", json={"id": id, **differs}), "idempotency-mismatch", 422)
    problem(other.post(f"{CERTIFICATES}/{made['number']}/redemptions/{id}/reversal", json={}), "forbidden", 403)
    assert answer(renewed, made["number"], id, "reversal")["balance_ml"] == 350


def entering(daemon, certificate, id, kind, ml, facility, of=None):
    """What another daemon enters in the same moment."""
    daemon.sql("INSERT INTO redemption (id, certificate_id, kind, ml, source, facility, used_on, of_id, entered_by_kind, entered_by)"
               " VALUES (%s, %s, %s, %s, 'online', %s, %s, %s, 'token', 'x')", id, certificate, kind, ml, facility, TODAY, of)


def after_another(daemon, certificate, first, second):
    """The answer of second() that waits for the certificate behind first(); told that it waited for too long, it comes again."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        with held(daemon, "SELECT FROM certificate WHERE id = %s FOR UPDATE", (certificate,)) as wait_for:
            others = pool.submit(first)
            wait_for(1, "the first one waits")
            ours = pool.submit(until_served, second)
            wait_for(2, "both wait")
        others.result()
        return ours.result()


def test_the_same_claim_twice_at_once(daemon, issued, hospital):
    """The second one waits for the first, and is told what that did; not that nothing is left."""
    made, name, id = issued(), f"Bệnh viện thử {next(_numbers)}", str(uuid.uuid4())
    here = hospital(name)
    told = after_another(daemon, made["id"], lambda: entering(daemon, made["id"], id, "use", 350, name),
                         lambda: here.post(f"{CERTIFICATES}/{made['number']}/redemptions", json={"id": id, "ml": 350}, expect=(201, 503))).json()
    assert told["balance_ml"] == 0 and told["redemption"]["id"] == id


def test_a_reversal_twice_at_once(daemon, issued, hospital):
    made, here = issued(), hospital()
    used = redeem(here, made["number"], 350)["redemption"]["id"]
    refused = after_another(daemon, made["id"], lambda: entering(daemon, made["id"], str(uuid.uuid4()), "reversal", 350, "x", of=used),
                            lambda: here.post(f"{CERTIFICATES}/{made['number']}/redemptions/{used}/reversal", json={}))
    problem(refused, "redemption-settled", 409)


def test_void_while_it_is_printed(daemon, staff, issued):
    """Whoever prints looks again when the other has ended: no original of a void one."""
    made = issued()

    def send():
        return staff.post(f"{CERTIFICATES}/{made['number']}/prints", json={}, headers={"Idempotency-Key": made["id"]}, expect=(409, 503))

    def printed():
        """Told that it waited for too long, it comes again."""
        return wait_until(lambda: (answer := until_served(send)).json()["type"] != "/problems/idempotency-running" and answer, what="a print that ended")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        with held(daemon, "INSERT INTO certificate_void (certificate_id, reason) VALUES (%s, 'other')", (made["id"],)) as wait_for:
            printing = pool.submit(printed)
            wait_for(1, "the print waits")
        problem(printing.result(), "certificate-void", 409)
    assert daemon.value("SELECT count(*) FROM certificate_print WHERE certificate_id = %s", made["id"]) == 0


# ---- one donation, one certificate ----

def item(daemon, donor, seq, install, corrects=None, id=None, ml=350, bag=None, round_id=None):
    """(item, donation): one content as a phone sends it."""
    id, digest = id or str(uuid.uuid4()), random.randbytes(32)
    daemon.sql("INSERT INTO item (id, content_hash, kind, install, seq, captured_at, corrects, round_id, donor_id, registers, verdict, held, sealed)"
               " VALUES (%s, %s, 'donation', %s, %s, %s::date + time '09:00' + make_interval(secs => %s), %s, %s, %s, false, 'applied', '{}', '\\x00')",
               id, digest, install, seq, TODAY, seq, corrects, round_id, donor)
    donation = str(uuid.uuid4())
    daemon.sql("INSERT INTO donation (id, donor_id, component, volume_ml, donated_on, evidence, source, round_id, bag_code, outcome, item_id,"
               " content_hash, captured_at) VALUES (%s, %s, 'whole_blood', %s, %s, 'confirmed', 'test', %s, %s, 'completed', %s, %s,"
               " %s::date + time '09:00' + make_interval(secs => %s))", donation, donor, ml, TODAY, round_id, bag, id, digest, TODAY, seq)
    return id, donation, digest


def drop(daemon, id, digest):
    daemon.sql("INSERT INTO item_decision (item_id, version, content_hash, verb, decided_by_kind, decided_by)"
               " VALUES (%s, 100, %s, 'drop', 'token', 'x')", id, digest)


def refused(staff, donation, number):
    told = problem(staff.post(f"/api/v1/donations/{donation}/certificate", json={"issuer": "LC"}), "already-exists", 409)
    assert number in told["detail"]


def test_corrected_twice(daemon, staff, donor, issue, seeds):
    """A chain of two corrections, each with another bag: the last one is still the donation that has its certificate."""
    round_id, who, install = seeds.running()["id"], donor(), str(uuid.uuid4())
    bags = [f"A9999{random.randrange(10**8):08}" for _ in range(3)]
    first, one, digest = item(daemon, who, 1, install, bag=bags[0], round_id=round_id)
    number = issue(one)["number"]
    second, two, _ = item(daemon, who, 2, install, corrects=first, bag=bags[1], round_id=round_id)
    third, three, last = item(daemon, who, 3, install, corrects=second, bag=bags[2], round_id=round_id)
    refused(staff, three, number)
    # nor by the batch of the round, whose total knows it
    batch = staff.post(f"/api/v1/rounds/{round_id}/certificates", json={"issuer": "LC"}, expect=202).json()
    assert batch["total"] == 0
    wait_until(lambda: staff.get(f"{CERTIFICATES}/batches/{batch['id']}").json()["state"] == "done", what="the batch ended")
    # and the other way round: the correction is dropped, the first one counts again
    make_void(staff, number)
    again = issue(three)["number"]
    drop(daemon, third, last)
    drop(daemon, second, daemon.value("SELECT content_hash FROM donation WHERE id = %s", two))
    refused(staff, one, again)
    # whatever program writes it
    with violates("certificate_donation_uk"):
        daemon.sql("INSERT INTO certificate (id, issuer, year, ordinal, donation_id, donor_id, volume_ml, component, donated_on, issued_on, generation,"
                   " code, revocation_id, sealed) SELECT gen_random_uuid(), issuer, year, ordinal + 5000000, %s, donor_id, volume_ml, component,"
                   " donated_on, issued_on, generation, 'x', revocation_id, sealed FROM certificate WHERE donation_id = %s AND NOT void", one, three)


def test_two_contents_under_one_item(daemon, staff, donor, issue):
    """Cloned phones: the first was certified, then the other came, and a person drops the first."""
    who, install = donor(), str(uuid.uuid4())
    id, one, digest = item(daemon, who, 1, install)
    number = issue(one)["number"]
    _, two, _ = item(daemon, who, 2, install, id=id, ml=450)
    drop(daemon, id, digest)
    assert daemon.value("SELECT count(*) FROM donation_counting WHERE id = %s AND NOT held AND NOT open", two) == 1
    refused(staff, two, number)


def test_what_a_new_certificate_begins_with(daemon, donor, issued):
    """The program writes neither sum nor state, not even when it inserts."""
    made, given = issued(), certificates.gave(daemon.sql, donor())
    daemon.sql("INSERT INTO certificate (id, issuer, year, ordinal, donation_id, donor_id, volume_ml, component, donated_on, issued_on, generation,"
               " code, revocation_id, sealed, redeemed_ml, void) SELECT gen_random_uuid(), issuer, year, ordinal + 5000000, %s, donor_id, volume_ml,"
               " component, donated_on, issued_on, generation, 'y', revocation_id, sealed, 100, true FROM certificate WHERE id = %s", given, made["id"])
    assert daemon.sql("SELECT redeemed_ml, void FROM certificate WHERE donation_id = %s", given) == [(0, False)]
    daemon.sql("DELETE FROM certificate WHERE donation_id = %s", given)


def test_records_that_were_taken_apart(staff, donor, issue, daemon):
    """The certificate names the record that stood for both: whoever reads it is told that this is somebody else now."""
    one, two = donor(), donor()
    staff.post(f"{DONORS}/{one}/merge", json={"with": two}, expect=200)
    given = certificates.gave(daemon.sql, two)
    made = issue(given)
    assert made["names_donor"] is True
    staff.post(f"{DONORS}/{one}/merge/undo", json={"with": two}, expect=200)
    told = staff.get(f"{CERTIFICATES}/{made['number']}").json()
    assert told["names_donor"] is False and told["donation_counts"] is True


# ---- a whole round ----

def test_some_of_a_round_have_no_name_or_do_not_open(daemon, staff, admin, donor, seeds, body):
    """They stop nobody: the others get theirs, and who was left out is told."""
    round_id = seeds.running()["id"]
    number = {"kind": "cccd", "value": f"012092{random.randrange(10**6):06}"}
    walk_in = {"id": str(uuid.uuid4()), "install": str(uuid.uuid4()), "seq": 1, "kind": "donation", "captured_at": f"{TODAY}T08:00:00+07:00",
               "data": {"donor": {"identifier": number}, "round": round_id, "outcome": "completed", "component": "whole_blood", "volume_ml": 350}}
    admin.post("/api/v1/sync/batches", json={"device_now": f"{TODAY}T09:00:00+07:00", "items": [walk_in]}, expect=200)
    hash = staff.get(f"/api/v1/sync/held/{walk_in['id']}").json()["items"][0]["content_hash"]
    staff.post(f"/api/v1/sync/held/{walk_in['id']}/decide", json={"content_hash": hash, "keep": True}, expect=200,
               headers={"If-Match": staff.etag(f"/api/v1/sync/held/{walk_in['id']}")})
    nameless = str(daemon.value("SELECT id FROM donation WHERE item_id = %s", walk_in["id"]))
    damaged = donor(birth_date="1961-01-02")             # alike nobody, so that nobody else opens it
    closed = certificates.gave(daemon.sql, damaged, round_id=round_id)
    damage = "UPDATE donor SET wrapped_key = set_byte(wrapped_key, 30, get_byte(wrapped_key, 30) # 1) WHERE id = %s"
    daemon.sql(damage, damaged)
    for _ in range(3):
        certificates.gave(daemon.sql, donor(), round_id=round_id)
    batch = staff.post(f"/api/v1/rounds/{round_id}/certificates", json={"issuer": body}, expect=202)
    wait_until(lambda: staff.get(batch.headers["location"]).json()["state"] != "running", what="the batch ended")
    daemon.sql(damage, damaged)
    told = staff.get(batch.headers["location"]).json()
    assert (told["state"], told["total"], told["issued"], told["problem"]) == ("done", 5, 3, None)
    assert sorted(told["left_out"]) == sorted([nameless, closed])
    problem(staff.post(f"/api/v1/donations/{nameless}/certificate", json={"issuer": body}), "not-certifiable", 409)


# ---- printed ----

@pytest.fixture
def to_print(staff, donor, daemon, seeds, issue):
    """A round that runs, and certificates of it, in order of number."""
    def make(count, **more):
        round_id = seeds.running(**more)["id"]
        return round_id, [issue(certificates.gave(daemon.sql, donor(birth_date="1961-01-02"), round_id=round_id)) for _ in range(count)]
    return make


def print_all(client, round_id, key, expect=200, **body):
    return client.post(f"/api/v1/rounds/{round_id}/certificates/prints", json=body, headers={"Idempotency-Key": key}, expect=expect)


def numbers_of(pdf, api):
    keys = api.get(f"{CERTIFICATES}/keys").json()["items"]
    return [certificates.verify(text, keys)["number"] for text in certificates.codes_of(pdf)]


def test_one_that_does_not_open_is_left_out_of_a_print(api, daemon, staff, to_print):
    """It stays to be printed: nothing was written for it."""
    round_id, made = to_print(3)
    damage = ("UPDATE certificate SET sealed = set_byte(sealed, 30, get_byte(sealed, 30) # 1) WHERE id = %s", made[1]["id"])
    daemon.sql(*damage)
    for _ in range(2):                                                # the answer was lost
        answer = print_all(staff, round_id, "first")
        assert numbers_of(answer.content, api) == [made[0]["number"], made[2]["number"]]
        assert "BẢN SAO" not in certificates.text_of(answer.content) and answer.headers["left-out"] == made[1]["number"]
    assert daemon.value("SELECT count(*) FROM certificate_print WHERE certificate_id = %s", made[1]["id"]) == 0
    # and the person's copy of what is kept has all the rest
    person = daemon.value("SELECT donor_id::text FROM certificate WHERE id = %s", made[1]["id"])
    (told,) = staff.get(f"/api/v1/donors/{person}/export").json()["certificates"]
    assert told["certificate"]["number"] == made[1]["number"] and told["printed"] is None
    problem(print_all(staff, round_id, "second", 503), "try-again")
    daemon.sql(*damage)
    answer = print_all(staff, round_id, "second")
    assert numbers_of(answer.content, api) == [made[1]["number"]] and "left-out" not in answer.headers
    assert "BẢN SAO" not in certificates.text_of(answer.content)
    problem(print_all(staff, round_id, "third", 404), "not-found")


def test_a_print_needs_a_key(staff, to_print):
    round_id, (made,) = to_print(1)
    for path in (f"/api/v1/rounds/{round_id}/certificates/prints", f"{CERTIFICATES}/{made['number']}/prints"):
        problem(staff.post(path, json={}), "bad-request", 400)
    assert staff.get(f"{CERTIFICATES}/{made['number']}").json()["prints"] == 0


def test_a_void_one_is_not_printed_whatever_key_is_sent(staff, issued):
    made, key = issued(), {"Idempotency-Key": str(uuid.uuid4())}
    path = f"{CERTIFICATES}/{made['number']}/prints"
    staff.post(path, json={}, headers=key, expect=200)
    make_void(staff, made["number"])
    for headers in (key, {"Idempotency-Key": str(uuid.uuid4())}):
        problem(staff.post(path, json={}, headers=headers), "certificate-void", 409)


# ---- by whom ----

@pytest.fixture
def own_team(daemon, staff):
    code = daemon.own_team()
    return next(t["id"] for t in staff.items("/api/v1/teams", limit=500) if t["code"] == code)


def test_a_phone_issues_and_does_nothing_else(api, daemon, staff, donor, own_team, to_print, body):
    """Who steals it in the mountains must not read the registry with it."""
    round_id, (made,) = to_print(1, team=own_team)
    device = staff.post("/api/v1/devices", json={"name": "Máy thử", "team": own_team}, expect=201).json()
    phone = api.with_token(api.post("/api/v1/devices/enrol", json={"code": device["code"], "install": str(uuid.uuid4())}, expect=201).json()["token"])
    refused = [phone.get(f"{CERTIFICATES}/{made['number']}.pdf", expect=403), print_all(phone, round_id, "phone", 403),
               phone.get(f"{CERTIFICATES}/{made['number']}", expect=403), make_void(phone, made["number"], 403),
               phone.post(f"{CERTIFICATES}/{made['number']}/prints", json={}, headers={"Idempotency-Key": "p"}, expect=403)]
    for answer_ in refused:
        problem(answer_, "forbidden")
    given = certificates.gave(daemon.sql, donor(), round_id=round_id)
    phone.post(f"/api/v1/donations/{given}/certificate", json={"issuer": body}, expect=201)
    batch = phone.post(f"/api/v1/rounds/{round_id}/certificates", json={"issuer": body}, expect=202)
    phone.get(batch.headers["location"])
    later = certificates.gave(daemon.sql, donor(), round_id=round_id)
    staff.step(round_id, "close")
    problem(phone.post(f"/api/v1/donations/{later}/certificate", json={"issuer": body}), "forbidden", 403)
    problem(phone.post(f"/api/v1/rounds/{round_id}/certificates", json={"issuer": body}), "forbidden", 403)
    # name and birth date by a number that anybody counts up: as for the public
    card = {"number": made["number"], "name": "x", "birth_date": BORN}
    assert phone.post(f"{CERTIFICATES}/verify", json=card, expect=200).json()["holder_matches"] is None


def test_a_team_prints_the_originals_of_its_day(api, daemon, staff, seeds, donor, issue, own_team, to_print):
    team = api.as_("team")
    daemon.sql("UPDATE round SET team_id = NULL WHERE team_id = %s", own_team)           # one round a day
    round_id, (made,) = to_print(1, team=own_team)
    assert numbers_of(print_all(team, round_id, "team").content, api) == [made["number"]]
    problem(print_all(team, round_id, "copies", 403, again=True), "forbidden")
    problem(team.get(f"{CERTIFICATES}/{made['number']}.pdf", expect=403), "forbidden")
    assert "BẢN SAO" in certificates.text_of(print_all(staff, round_id, "copies", again=True).content)
    old = seeds.in_status("closed", team=None)["id"]
    daemon.sql("UPDATE round SET team_id = %s, from_day = %s, to_day = %s WHERE id = %s", own_team, day(-8), day(-8), old)
    issue(certificates.gave(daemon.sql, donor(), on=day(-8), round_id=old))
    problem(print_all(team, old, "old", 409), "illegal-step")
    daemon.sql("UPDATE round SET from_day = %s, to_day = %s WHERE id = %s", day(-7), day(-7), old)
    print_all(team, old, "old")


def test_staff_of_one_place(api, daemon, staff, donor, issue, seeds, body):
    """Each route that a scope narrows: taken at home, refused elsewhere."""
    def routes(client, unit):
        round_id = seeds.running(units=[unit])["id"]
        number = issue(certificates.gave(daemon.sql, donor(), round_id=round_id))["number"]
        given = certificates.gave(daemon.sql, donor(), round_id=round_id)
        batch = staff.post(f"/api/v1/rounds/{round_id}/certificates", json={"issuer": body}, expect=202).headers["location"]
        wait_until(lambda: staff.get(batch).json()["state"] == "done", what="the batch ended")
        path, of_round, key = f"{CERTIFICATES}/{number}", f"/api/v1/rounds/{round_id}/certificates", {"Idempotency-Key": str(uuid.uuid4())}
        return [client.get(f"{path}.pdf", expect=None), client.get(batch, expect=None), client.post(f"{path}/prints", json={}, headers=key),
                client.post(f"{of_round}/prints", json={}, headers=key), client.post(of_round, json={"issuer": body}),
                client.post(f"{path}/void", json={"reason": "other"}), client.post(f"/api/v1/donations/{given}/certificate", json={"issuer": body})]
    (home,) = [u["id"] for u in api.items("/api/v1/units", q="Huyện Than Uyên", on=TODAY) if u["full_name"] == "Huyện Than Uyên"]
    client = api.with_token(daemon.new_token("staff", "of one place", "--unit", home))
    assert [answer_.status_code for answer_ in routes(client, "Huyện Than Uyên")] == [200, 200, 200, 200, 202, 200, 409]
    for answer_ in routes(client, "Huyện Sìn Hồ"):
        problem(answer_, "out-of-scope", 403)


def test_a_batch_is_told_to_whose_round_it_is(api, staff, seeds, body, own_team):
    """How many gave is known in public; which donations have no certificate is not."""
    foreign = seeds.running()["id"]
    batch = staff.post(f"/api/v1/rounds/{foreign}/certificates", json={"issuer": body}, expect=202).headers["location"]
    problem(api.as_("team").get(batch, expect=403), "out-of-scope")
    api.as_("auditor").get(batch)


# ---- keys ----

def test_a_key_is_replaced_once_by_generation(daemon, api, admin, staff, donor):
    """A retry after papers were signed by the new key condemns none of them."""
    code = certificates.enter_body(admin, "KG")
    given = certificates.gave(daemon.sql, donor())
    staff.post(f"/api/v1/donations/{given}/certificate", json={"issuer": code}, expect=201)

    def replace(generation, expect=201, **more):
        return admin.post(f"{CERTIFICATES}/keys", json={"issuer": code, "year": 2025, "generation": generation, **more}, expect=expect)

    def states():
        return [k["state"] for k in api.get(f"{CERTIFICATES}/keys").json()["items"] if k["issuer"] == code]
    answers = [replace(1, compromised=True).json() for _ in range(3)]
    assert answers[0] == answers[1] == answers[2] and answers[0]["generation"] == 2
    assert states() == ["compromised", "current"]
    assert audited(daemon, f"{code}/2025/1") == ["certificate_key.make"]
    assert audited(daemon, f"{code}/2025/2") == ["certificate_key.replace"] * 3
    assert replace(2).json()["generation"] == 3 and states() == ["compromised", "past", "current"]
    # it turns out later that the second one was stolen, too
    assert replace(2, compromised=True).json()["generation"] == 3 and states() == ["compromised", "compromised", "current"]
    assert field_codes(replace(4, 422)) == {"/generation": "not_found"}
    assert field_codes(admin.post(f"{CERTIFICATES}/keys", json={"issuer": code, "year": 2025}, expect=422)) == {"/generation": "required"}
    with violates("certificate_key_compromised_ck"):
        daemon.sql("UPDATE certificate_key SET compromised_at = NULL WHERE issuer = %s AND generation = 1", code)


def test_the_key_of_the_list_is_in_the_audit(daemon, api):
    told = [api.get(f"{CERTIFICATES}/revocations").json() for _ in range(2)]
    assert told[0]["kid"] == told[1]["kid"]
    assert [k["kid"] for k in api.get(f"{CERTIFICATES}/keys").json()["items"] if k["use"] == "revocations"] == [told[0]["kid"]]
    assert audited(daemon, "/2025/1") == ["certificate_key.make"]


# ---- after a restore ----

def test_numbers_go_on_above_those_that_papers_bear(daemon, api, staff, admin, donor):
    code, later = certificates.enter_body(admin, "RS"), "RT"

    def make(issuer):
        given = certificates.gave(daemon.sql, donor())
        return staff.post(f"/api/v1/donations/{given}/certificate", json={"issuer": issuer}, expect=201).json()
    paper = make(code)
    text = text_of(staff, paper["number"])
    # the same number given again, as after a restore by hand: the paper of before is not that of its bearer now
    daemon.sql("DELETE FROM certificate WHERE id = %s", paper["id"])
    daemon.sql("DELETE FROM certificate_series WHERE issuer = %s", code)
    other = make(code)
    assert other["number"] == paper["number"] and other["volume_ml"] == paper["volume_ml"]
    told = api.post(f"{CERTIFICATES}/verify", json={"text": text}, expect=200).json()
    assert (told["genuine"], told["reason"]) == (False, "differs")
    daemon.cli_ok("audit", "restart", "--known", "0")
    assert make(code)["number"].startswith(f"{code}25-010002-")
    certificates.enter_body(admin, later)                # of which the backup knew nothing
    assert make(later)["number"].startswith(f"{later}25-010001-")


def test_a_daemon_that_slept_through_a_change_of_keys_makes_none(daemon, api, staff, admin, donor):
    """Last here: to the database another sign key is in use than this daemon thinks."""
    code = certificates.enter_body(admin, "OK")
    given = certificates.gave(daemon.sql, donor())
    daemon.sql("UPDATE key SET state = 'dual' WHERE kind = 'sign' AND state = 'active'")
    try:
        refused = staff.post(f"/api/v1/donations/{given}/certificate", json={"issuer": code}, expect=503)
        problem(refused, "try-again")
        assert daemon.value("SELECT count(*) FROM certificate_key WHERE issuer = %s", code) == 0
        assert daemon.value("SELECT count(*) FROM certificate WHERE donation_id = %s", given) == 0
    finally:
        daemon.sql("UPDATE key SET state = 'active' WHERE kind = 'sign' AND state = 'dual'")
