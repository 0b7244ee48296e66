"""Erasing a donor while others write of it, while daemons are killed, while keys change; and what a backup brings back then.
All people here are invented."""
import concurrent.futures
import contextlib
import fcntl
import json
import random
import shutil
import threading
import time

import httpx
import psycopg
import pytest

from harness import programs
from harness.client import Api, problem
from harness.daemon import Daemon, own_daemon, wait_until
from harness.database import Postgres

DONORS = "/api/v1/donors"
FOREVER = {"code": "malaria", "permanent": True}


def body(n, **more):
    return {"name": f"Lò Thử {'ABCDEGHIKL'[n % 10]}", "birth_date": "1990-05-17", "sex": "female", "phone": f"0912{n:06}",
            "identifiers": [{"kind": "cccd", "value": f"012190{n:06}"}], **more}


class Site:
    """People at a daemon: registered, asked for, erased."""

    def __init__(self, daemon, contract, first):
        self.daemon, self.numbers = daemon, iter(range(first, first + 100000))
        self.staff, self.admin = (Api(daemon, contract, daemon.token(role)) for role in ("staff", "admin"))

    def register(self, **more):
        sent = body(next(self.numbers), **more)
        return {**sent, **self.staff.post(DONORS, json=sent, expect=201).json()}

    def ask(self, made):
        self.staff.post(f"{DONORS}/{made['id']}/erasure", json={}, expect=201)

    def approve(self, made):
        """On a connection of its own: it comes to any of the workers, each of which writes by one line."""
        return self.admin.post(f"{DONORS}/{made['id']}/erasure/approve", json={}, headers={"Connection": "close"})

    def erase(self, made):
        self.ask(made)
        assert self.approve(made).status_code == 200

    def asked(self):
        made = self.register()
        self.ask(made)
        return made

    def defer(self, made, **more):
        return self.staff.post(f"{DONORS}/{made['id']}/deferrals", json={**FOREVER, **more})

    def waits_of_next(self, made):
        """Of whoever comes next with the same number."""
        again = self.register(identifiers=made["identifiers"])
        return [d["ends"] for d in self.staff.get(f"{DONORS}/{again['id']}/deferrals").json()["items"]]

    def journal(self):
        path = self.daemon.data / "erasures.journal"
        return path.read_text() if path.exists() else ""

    def assert_nothing_is_left(self, made):
        left = self.daemon.sql("SELECT (SELECT count(*) FROM donor_digest WHERE donor_id = d.id), (SELECT count(*) FROM donor_identifier"
                               " WHERE donor_id = d.id), wrapped_key, sealed, erased_at IS NOT NULL FROM donor AS d WHERE id = %s", made["id"])
        assert left == [(0, 0, None, None, True)], left


@pytest.fixture(scope="module")
def site(contract):
    with own_daemon(settings={"workers.count": 3}) as daemon:
        yield Site(daemon, contract, 100000)


def waiting_for_locks(daemon):
    """Statements of requests: jobs, which write of donors when they like, wait for rows too."""
    return daemon.value("SELECT count(*) FROM pg_stat_activity WHERE datname = 'giothong' AND wait_event_type = 'Lock'"
                        " AND query NOT LIKE 'WITH turn AS MATERIALIZED%%'")


def until_it_overlaps(once, tries=20):
    """`once` gives None where a lock was waited for too long, which a busy machine does: then anew."""
    for _ in range(tries):
        outcome = once()
        if outcome is not None:
            return outcome
    raise AssertionError("it never came to it")


@contextlib.contextmanager
def in_the_background(work, *arguments):
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        yield pool.submit(work, *arguments)


def held_up(site, statements, work):
    """What `work` ends with when it came while a transaction of ours had done the statements; and then that is committed."""
    with site.daemon.database() as connection, contextlib.ExitStack() as stack:
        connection.autocommit = False
        for statement, *parameters in statements:
            connection.execute(statement, parameters or None)
        running = stack.enter_context(in_the_background(work))
        for _ in range(200):
            if running.done() or waiting_for_locks(site.daemon):
                break
            time.sleep(0.02)
        waited = not running.done()
        connection.commit()
        answer = running.result()
    return answer if waited and answer.status_code != 503 else None


def test_a_deferral_that_is_being_written_counts(site):
    """It was there before the erasure took the rows, though the erasure's statement began before it was committed."""
    def once():
        made = site.asked()
        answer = held_up(site, [("INSERT INTO deferral (id, donor_id, ends, carried) VALUES (gen_random_uuid(), %s, 'permanent', true)",
                                 made["id"])], lambda: site.approve(made))
        return answer and (answer, made)
    answer, made = until_it_overlaps(once)
    assert answer.status_code == 200, answer.text
    site.assert_nothing_is_left(made)
    assert site.waits_of_next(made) == ["permanent"]


def test_a_donation_that_is_being_written_counts(site):
    def once():
        made = site.asked()
        answer = held_up(site, [("INSERT INTO donation (id, donor_id, component, donated_on, evidence, source) VALUES (gen_random_uuid(),"
                                 " %s, 'whole_blood', '2025-03-01', 'confirmed', 'thử')", made["id"])], lambda: site.approve(made))
        return answer and (answer, made)
    answer, made = until_it_overlaps(once)
    assert answer.status_code == 200, answer.text
    assert site.waits_of_next(made) == ["dated"]


def test_digests_that_are_being_written_go_too(site):
    """As a rotation does: the record's version stays, its digests are other ones."""
    def once():
        made = site.asked()
        answer = held_up(site, [
            ("UPDATE donor SET wrap_key_id = wrap_key_id WHERE id = %s", made["id"]),
            ("INSERT INTO donor_digest (digest, use, key_id, donor_id) VALUES (sha256(%s::text::bytea), 'phone', 1, %s)", made["id"], made["id"]),
        ], lambda: site.approve(made))
        return answer and (answer, made)
    answer, made = until_it_overlaps(once)
    assert answer.status_code == 200, answer.text
    site.assert_nothing_is_left(made)


WRITES = {
    "deferral": ("deferrals", FOREVER),
    "consent": ("consents", {"purpose": "statistics", "channel": "paper", "given": True}),
    "donor_request": ("requests", {"kind": "access"}),
}


@pytest.mark.parametrize("table", WRITES)
def test_a_fact_that_comes_behind_is_refused(site, table):
    """The erasure has the rows and waits for something else; who writes now waits for it, and is told."""
    route, sent = WRITES[table]

    def once():
        made = site.asked()
        with site.daemon.database() as connection, concurrent.futures.ThreadPoolExecutor(2) as pool:
            connection.autocommit = False
            connection.execute("SELECT FROM erasure WHERE donor_id = %s FOR UPDATE", [made["id"]])
            approving = pool.submit(site.approve, made)
            wait_until(lambda: approving.done() or waiting_for_locks(site.daemon) == 1, what="the erasure to wait")
            writing = pool.submit(site.staff.post, f"{DONORS}/{made['id']}/{route}", json=sent)
            for _ in range(50):          # at the same worker it stands behind the erasure, and comes to no lock
                if approving.done() or writing.done() or waiting_for_locks(site.daemon) == 2:
                    break
                time.sleep(0.01)
            overlapped = not approving.done() and not writing.done() and waiting_for_locks(site.daemon) == 2
            connection.rollback()
            answer, approved = writing.result(), approving.result()
        return (made, approved, answer) if overlapped and 503 not in (approved.status_code, answer.status_code) else None
    made, approved, answer = until_it_overlaps(once)
    assert approved.status_code == 200, approved.text
    problem(answer, "erased", 409)
    site.assert_nothing_is_left(made)
    assert site.daemon.value(f"SELECT count(*) FROM {table} WHERE donor_id = %s", made["id"]) == 0
    assert site.waits_of_next(made) == []


def test_a_fact_that_comes_much_later_is_refused(site):
    made = site.register()
    site.erase(made)
    for route, sent in WRITES.values():
        problem(site.staff.post(f"{DONORS}/{made['id']}/{route}", json=sent), "erased", 409)
    for statement in ("INSERT INTO donation (id, donor_id, component, donated_on, evidence, source)"
                      " VALUES (gen_random_uuid(), %s, 'whole_blood', '2025-03-01', 'confirmed', 'thử')",
                      "INSERT INTO deferral (id, donor_id, ends, carried) VALUES (gen_random_uuid(), %s, 'permanent', true)"):
        with pytest.raises(psycopg.errors.CheckViolation):  # whoever writes, and however
            site.daemon.sql(statement, made["id"])


def test_many_who_write_in_that_moment(site):
    """Whoever was told that a deferral is recorded can rely on it: it is met by who comes next; and nothing personal is left."""
    dice = random.Random(4)
    seen = set()
    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        for _ in range(25):
            made = site.asked()
            path = f"{DONORS}/{made['id']}"
            etag = site.staff.etag(path)
            barrier = threading.Barrier(5)

            def after(seconds, work):
                barrier.wait()
                time.sleep(seconds)
                return work()
            works = [lambda: site.approve(made), lambda: site.defer(made),
                     lambda: site.staff.patch(path, {"address": "Bản Mẫu", "phone": "0987654321"}, etag=etag),
                     lambda: site.staff.post(f"{path}/consents", json={"purpose": "statistics", "channel": "paper", "given": True}),
                     lambda: site.approve(made)]
            answers = [one.result() for one in [pool.submit(after, dice.random() / 60, work) for work in works]]
            statuses = [answer.status_code for answer in answers]
            assert set(statuses) <= {200, 201, 409, 412, 503}, statuses
            for _ in range(100):                            # 503: nothing was done, or it is unknown
                if 200 in (statuses[0], statuses[4]):
                    break
                statuses[0] = site.approve(made).status_code
            site.assert_nothing_is_left(made)
            recorded = statuses[1] == 201
            assert recorded or site.daemon.value("SELECT count(*) FROM deferral WHERE donor_id = %s", made["id"]) == 0 or statuses[1] == 503
            waits = site.waits_of_next(made)
            assert waits == ["permanent"] or (waits == [] and not recorded), statuses
            seen.add(statuses[1])
            assert site.journal().count(made["id"]) == 1
    assert site.daemon.value("SELECT count(*) FROM audit_entry WHERE action = 'donor.erase'") == \
        site.daemon.value("SELECT count(*) FROM donor WHERE erased_at IS NOT NULL")
    site.daemon.assert_records_fit()


def test_what_is_carried_over_is_in_the_audit(site):
    made = site.register()
    assert site.defer(made).status_code == 201
    site.erase(made)
    assert site.daemon.value("SELECT count(*) FROM audit_entry WHERE action = 'donor.keep_wait' AND subject_id = %s", made["id"]) == 1
    again = site.register(identifiers=made["identifiers"])
    (carried,) = site.daemon.sql("SELECT id::text FROM deferral WHERE donor_id = %s AND carried", again["id"])
    items = json.loads(site.daemon.cli_ok("audit", "donor", again["id"], "--json").out)["items"]
    (entry,) = [row for row in items if row["subject_id"] == carried[0]]
    assert (entry["action"], entry["actor_kind"]) == ("deferral.carry", "daemon")
    site.daemon.assert_records_fit()
    # and whoever makes it shorter by hand is found
    try:
        site.daemon.sql("UPDATE deferral SET ends = 'dated', until = '2025-01-01' WHERE id = %s", carried[0])
        document = json.loads(site.daemon.cli("audit", "verify", "--records", "--json", timeout=300).out)
        assert [f["subject_id"] for f in document["records"]["faults"] if f["kind"] == "changed"] == [carried[0]]
    finally:
        site.daemon.sql("UPDATE deferral SET ends = 'permanent', until = NULL WHERE id = %s", carried[0])


# ---- killed ----

@pytest.fixture(scope="module")
def own_site(contract):
    """A daemon that may be killed."""
    daemon = Daemon(settings={"workers.count": 1})
    try:
        yield Site(daemon.start(), contract, 300000)
    finally:
        daemon.end()
        programs.remove(daemon.folder)


def test_killed_between_the_commit_and_the_journal(own_site):
    """The line is written by the daemon that comes next; the same request again is answered then."""
    site, daemon = own_site, own_site.daemon
    first = site.register()
    site.erase(first)
    made = site.asked()
    with open(daemon.data / "erasures.journal") as file, in_the_background(lambda: site.approve(made)) as approving:
        fcntl.flock(file, fcntl.LOCK_EX)
        wait_until(lambda: daemon.value("SELECT erased_at IS NOT NULL FROM donor WHERE id = %s", made["id"]), what="the commit")
        assert not approving.done() and made["id"] not in site.journal()
        daemon.kill()
        with pytest.raises(httpx.HTTPError):
            approving.result()
    daemon.start()
    wait_until(lambda: site.journal().count(made["id"]) == 1, what="the line")
    assert site.approve(made).json()["state"] == "done"
    assert site.journal().count(made["id"]) == 1 and site.journal().count(first["id"]) == 1
    assert daemon.value("SELECT count(*) FROM audit_entry WHERE action = 'donor.erase' AND subject_id = %s", made["id"]) == 1
    daemon.assert_records_fit()


def test_a_journal_that_cannot_be_written(own_site):
    """Before: nothing is erased. Behind the commit: it is not acknowledged, and it is when the disk is back."""
    site, daemon = own_site, own_site.daemon
    path, aside = daemon.data / "erasures.journal", daemon.data / "aside"
    if path.exists():
        path.rename(aside)
    path.mkdir()
    made = site.asked()
    answer = site.approve(made)
    assert "nothing was erased" in problem(answer, "try-again", 503)["detail"], answer.text
    assert site.staff.get(f"{DONORS}/{made['id']}").json()["name"] == made["name"]
    checks = {c["name"]: c["health"] for c in json.loads(daemon.cli("doctor", "--json").out)["checks"]}
    assert checks["erasure.journal"] in ("failure", "ok")       # root may write into anything
    path.rmdir()
    aside.rename(path) if aside.exists() else path.touch()
    with open(path) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        answer = site.approve(made)
        assert "is erased" in problem(answer, "unknown-outcome", 503)["detail"], answer.text
        site.assert_nothing_is_left(made)
        assert made["id"] not in site.journal()
    assert site.approve(made).json()["state"] == "done"
    assert site.journal().count(made["id"]) == 1


def test_what_an_earlier_version_left(own_site):
    """Those erased before birth, sex, group and place went too are gone over; a place stays while a request is open."""
    site, daemon = own_site, own_site.daemon
    old, waits = site.register(), site.register()
    request = site.staff.post(f"{DONORS}/{waits['id']}/requests", json={"kind": "erasure"}, expect=201).json()["id"]
    for made in (old, waits):
        site.erase(made)
        daemon.sql("UPDATE donor SET birth_year = 1990, sex = 'female', abo = 'AB', rhd = 'negative', blood_evidence = 'card',"
                   " contact_facility = true, last_donated_on = '2025-01-06', next_whole_blood = '2025-04-01', unit_on = '2025-03-10',"
                   " unit_id = (SELECT id FROM unit ORDER BY id LIMIT 1) WHERE id = %s", made["id"])

    def left(made):
        return daemon.sql("SELECT num_nonnulls(birth_year, sex, abo, rhd, blood_evidence, last_donated_on, next_whole_blood), contact_facility,"
                          " num_nonnulls(unit_id, unit_on) FROM donor WHERE id = %s", made["id"])[0]

    def gone_over():
        daemon.stop()
        daemon.start()                                      # it looks when it starts
        wait_until(lambda: left(old) == (0, False, 0), what="what was left of it to go")
    gone_over()
    wait_until(lambda: left(waits) == (0, False, 2), what="all but its place to go")
    path = f"{DONORS}/{waits['id']}/requests/{request}"
    site.staff.post(f"{path}/close", json={"outcome": "done"}, headers={"If-Match": site.staff.etag(path)}, expect=200)
    daemon.sql("UPDATE donor SET sex = 'female' WHERE id = %s", old["id"])
    gone_over()
    wait_until(lambda: left(waits) == (0, False, 0), what="its place to go")
    for made in (old, waits):
        assert daemon.value("SELECT count(*) FROM audit_entry WHERE action = 'donor.fade' AND subject_id = %s", made["id"]) == 2
    daemon.assert_records_fit()


def test_killed_at_any_moment(own_site):
    """kill -9 while people are asked for, erased, forgotten: run again, each is finished, and nothing is there twice."""
    site, daemon = own_site, own_site.daemon
    headers = {role: {"Authorization": f"Bearer {daemon.token(role)}"} for role in ("staff", "admin")}
    people = []
    dice = random.Random(11)

    def work(made):
        path = f"{daemon.url}{DONORS}/{made['id']}"
        for role, verb, sent in (("staff", "deferrals", FOREVER), ("staff", "erasure", {}), ("admin", "erasure/approve", {})):
            answer = httpx.post(f"{path}/{verb}", json=sent, headers=headers[role], timeout=30)
            if answer.status_code == 409 and verb != "erasure/approve":
                continue                                    # erased before
            answer.raise_for_status()
    for _ in range(4):
        todo = [site.register() for _ in range(4)]
        people += todo

        def go(todo=todo):
            for made in todo:
                with contextlib.suppress(httpx.HTTPError):
                    work(made)
        with in_the_background(go) as running:
            time.sleep(dice.random() * 0.4)
            daemon.kill()
            running.result()
        daemon.start()
        for made in todo:
            wait_until(lambda made=made: try_work(work, made), what="it to be finished")
    for made in people:
        site.assert_nothing_is_left(made)
        assert site.journal().count(made["id"]) == 1
        assert daemon.sql("SELECT count(*) FILTER (WHERE action = 'donor.erase'), count(*) FILTER (WHERE action = 'erasure.ask') > 0"
                          " FROM audit_entry WHERE subject_id = %s", made["id"]) == [(1, True)]
        assert daemon.value("SELECT count(*) FROM erasure WHERE donor_id = %s AND state = 'done'", made["id"]) == 1
        assert site.waits_of_next(made) == ["permanent"]
    daemon.assert_records_fit()


def try_work(work, made):
    try:
        work(made)
        return True
    except httpx.HTTPStatusError as refused:
        assert refused.response.status_code == 503, refused.response.text
        return False


# ---- two daemons ----

def test_two_daemons_of_two_machines(contract):
    """Approved at both at once: done once, both say so; each has the whole journal, however it came to miss a line."""
    postgres = Postgres().make()
    made = []
    try:
        config = postgres.configuration()
        for command in (["keyring", "create"], ["migrate"]):
            outcome = programs.run("giothong", "--config", config, *command, folder=postgres.folder)
            assert outcome.status == 0, outcome
        journals = [postgres.folder / f"journal-{n}" for n in (1, 2)]
        for journal in journals:
            made.append(Daemon(folder=postgres.folder, config=config, settings={"erasure.journal": journal, "workers.count": 1}))
            made[-1].start()
        site = Site(made[0], contract, 500000)
        admins = [Api(daemon, contract, made[0].token("admin")) for daemon in made]
        people = []
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for _ in range(12):
                one = site.register()
                site.ask(one)
                people.append(one)
                answers = list(pool.map(lambda api, one=one: api.post(f"{DONORS}/{one['id']}/erasure/approve", json={}), admins))
                assert {a.status_code for a in answers} <= {200, 503} and 200 in {a.status_code for a in answers}, answers
        one = site.register()
        site.erase(one)                                     # at the first alone
        people.append(one)
        assert journals[0].read_text().count(one["id"]) == 1
        assert postgres.ask("SELECT count(*) FROM audit_entry WHERE action = 'donor.erase'")[0][0] == len(people)
        made[1].kill()
        made[1].start()
        for journal in journals:
            wait_until(lambda journal=journal: all(journal.read_text().count(one["id"]) == 1 for one in people), what=f"{journal} to be whole")
        assert [d.stop() for d in made] == [0, 0]
    finally:
        for daemon in made:
            daemon.end()
        postgres.remove()


# ---- keys ----

def test_the_wait_outlives_its_key(site):
    """Rows of before a rotation of the suppression key are met after it, as those of in between and of later."""
    people = [site.register() for _ in range(3)]
    for made in people:
        assert site.defer(made).status_code == 201
    old = site.daemon.value("SELECT id FROM key WHERE kind = 'suppression' AND state = 'active'")
    site.erase(people[0])
    for _ in range(2):                                      # staged, dual
        assert site.daemon.cli("keyring", "rotate", "suppression", "--step", timeout=300).status == 0
    site.erase(people[1])
    assert site.daemon.cli("keyring", "rotate", "suppression", timeout=300).status == 0
    new = site.daemon.value("SELECT id FROM key WHERE kind = 'suppression' AND state = 'active'")
    assert new != old and site.daemon.value("SELECT state FROM key WHERE kind = 'suppression' AND id = %s", old) == "retired"
    site.erase(people[2])
    assert {key for key, in site.daemon.sql("SELECT DISTINCT key_id FROM suppression")} == {old, new}
    assert [site.waits_of_next(made) for made in people] == 3 * [["permanent"]]


# ---- brought back ----

def brought_back(fresh_daemon, daemon, backup):
    again = fresh_daemon(start=False)
    again.data.mkdir()
    shutil.copytree(daemon.data / "keyring", again.data / "keyring")
    shutil.copy(daemon.data / "erasures.journal", again.data / "erasures.journal")
    outcome = again.cli("restore", backup, "--json", timeout=300)
    assert outcome.status == 0, outcome
    return again, json.loads(outcome.out)


def merge(site, one, other, verb="merge"):
    path = f"{DONORS}/{one['id']}"
    site.staff.request("POST", f"{path}/{verb}", json={"with": other["id"]}, headers={"If-Match": site.staff.etag(path)}, expect=200)


def test_what_was_one_and_is_not(own_site, fresh_daemon, contract):
    """
    The backup is older than who is one with whom. Told apart since: only who was erased is. Merged since: both are, and the
    longest wait of either stays for each number. Asked for or approved, and never done: untouched.
    """
    site, daemon = own_site, own_site.daemon
    one, apart, left, right, asked, known = (site.register() for _ in range(6))
    merge(site, one, apart)
    site.defer(right)
    site.ask(asked)
    backup = json.loads(daemon.cli_ok("backup", daemon.folder / "backups", "--json").out)["backup"]
    merge(site, one, apart, "merge/undo")
    merge(site, left, right)
    site.erase(one)
    site.erase(left)
    # An approval that is not carried out: the record is held and then another one, and the daemon is killed.
    with daemon.database() as connection:
        connection.autocommit = False
        connection.execute("UPDATE donor SET version = version + 1 WHERE id = %s", [asked["id"]])
        with in_the_background(lambda: site.approve(asked)) as approving:
            wait_until(lambda: waiting_for_locks(daemon) or approving.done(), what="the approval to wait")
            daemon.kill()
            connection.commit()
            with contextlib.suppress(httpx.HTTPError):
                assert approving.result().status_code == 503
        # Its statement sees the other version, and ends without the daemon.
        wait_until(lambda: daemon.value("SELECT count(*) FROM pg_stat_activity WHERE usename = 'giothong_app'") == 0, what="its end")
        connection.execute("UPDATE donor SET version = version - 1 WHERE id = %s", [asked["id"]])
        connection.commit()
    again, told = brought_back(fresh_daemon, daemon, backup)
    assert told["erasure_journal"] is True and told["erased_again"] == 2
    daemon.start()
    again.start()
    again.tokens = dict(daemon.tokens)
    back = Site(again, contract, 400000)
    for erased in (one, left, right):
        back.assert_nothing_is_left(erased)
    for there in (apart, asked, known):
        record = back.staff.get(f"{DONORS}/{there['id']}").json()
        assert (record["id"], record["name"], record["erased"]) == (there["id"], there["name"], False)
    named = [made["id"] for made in (one, apart, left, right)]
    assert again.sql("SELECT donor_id::text FROM donor_alias WHERE donor_id = ANY (%s::uuid[])", named) == []
    assert back.staff.get(f"{DONORS}/{asked['id']}/erasure").json()["state"] == "asked"
    assert back.waits_of_next(left) == back.waits_of_next(right) == ["permanent"] and back.waits_of_next(one) == []
    again.cli_ok("audit", "verify", "--records")


def test_replayed_by_a_command(own_site):
    """An older database was brought back by other means: the journal erases again, the second time nobody."""
    site, daemon = own_site, own_site.daemon
    made = site.register()
    site.defer(made)
    with open(daemon.data / "erasures.journal", "a") as journal:
        journal.write(f"2025-03-10T08:00:00+07:00 {made['id']}\n")
    checks = {c["name"]: c["health"] for c in json.loads(daemon.cli("doctor", "--json").out)["checks"]}
    assert checks["erasure.journal"] == "failure"
    assert json.loads(daemon.cli_ok("erasure", "replay", "--json").out) == {"erasure_journal": True, "erased_again": 1}
    assert json.loads(daemon.cli_ok("erasure", "replay", "--json").out) == {"erasure_journal": True, "erased_again": 0}
    site.assert_nothing_is_left(made)
    assert site.waits_of_next(made) == ["permanent"]
    checks = {c["name"]: c["health"] for c in json.loads(daemon.cli("doctor", "--json").out)["checks"]}
    assert checks["erasure.journal"] == "ok"
    daemon.assert_records_fit()
