"""Certificates are issued, redeemed and given back while the daemon is killed, PostgreSQL is killed, and each third answer is cut.

Whoever is not told what came of it asks the same again; some ask again though they were told. In the end each donation has one
certificate, each claim is there once or was refused, and what is left adds up to the last ml.
"""
import collections
import itertools
import os
import random
import signal
import threading
import uuid

import httpx
import pytest

from harness import certificates
from harness.client import Api
from harness.daemon import own_daemon, wait_until
from harness.relay import Relay

DONORS, CERTIFICATES = "/api/v1/donors", "/api/v1/certificates"
DONATIONS, CLAIMS = 10, 14                     # of each of two clerks, of each of two hospitals


@pytest.fixture(scope="module")
def daemon():
    with own_daemon() as one:
        yield one


class Asking(threading.Thread):
    """Somebody who asks until it is told: an answer that was cut, or "not now", is none."""

    def __init__(self, url, token, seed, ledger):
        super().__init__(daemon=True)
        self.url, self.token, self.dice, self.ledger, self.failure, self.cut = url, token, random.Random(seed), ledger, None, 0

    def run(self):
        try:
            self.work()
        except BaseException as failure:
            self.failure = failure

    def post(self, path, body, key=None):
        """The status and body of an answer that says what became of it."""
        headers = {"Authorization": f"Bearer {self.token}", **({"Idempotency-Key": key} if key else {})}
        return wait_until(lambda: self._post_once(path, body, headers), 170, what=f"an answer to {path}")

    def _post_once(self, path, body, headers):
        try:
            answer = httpx.post(self.url + path, json=body, headers=headers, timeout=60)
        except httpx.HTTPError:
            self.cut += 1
            return None
        assert answer.status_code in (200, 201, 409, 429, 503), answer.text
        if answer.status_code in (429, 503) or (answer.status_code == 409 and answer.json()["type"] == "/problems/idempotency-running"):
            return None
        self.ledger.told += 1
        return answer.status_code, answer.json()


class Clerk(Asking):
    """Issues for all donations, in an order of its own; another does so at the same time."""

    def work(self):
        donations = list(self.ledger.donations)
        self.dice.shuffle(donations)
        for donation in donations:
            for key in self.dice.choice(([None], [str(uuid.uuid4())] * 2)):
                status, made = self.post(f"/api/v1/donations/{donation}/certificate", {"issuer": "LC"}, key)
                assert status == 201 or made["type"] == "/problems/already-exists", made
                if status == 201:
                    self.ledger.numbers[donation].add(made["number"])
                    self.ledger.issued.append(made["number"])


class Hospital(Asking):
    """Claims by ids that it draws, asks some of them again, and takes some back."""

    def work(self):
        for _ in range(CLAIMS):
            number = wait_until(lambda: self.ledger.issued and self.dice.choice(self.ledger.issued), what="a certificate")
            id, ml = str(uuid.uuid4()), self.dice.randrange(20, 180)
            answers = [self._claim(number, id, ml) for _ in range(self.dice.choice((1, 1, 2)))]
            if answers[-1]:
                self.ledger.claims[id] = (number, ml)
            else:
                self.ledger.refused.add(id)
            # what was taken is told so again; a place that was too small may have become large enough since
            assert answers == sorted(answers), answers
            if answers[-1] and self.dice.random() < 0.4:
                self._give_back(number, id)

    def _claim(self, number, id, ml):
        status, told = self.post(f"{CERTIFICATES}/{number}/redemptions", {"id": id, "ml": ml})
        assert status == 201 or told["type"] == "/problems/overdrawn", told
        assert status != 201 or (told["redemption"]["id"], told["redemption"]["ml"]) == (id, ml), told
        return status == 201

    def _give_back(self, number, id):
        """Of a reversal whose answer was cut, the next answer is that it was done before."""
        for _ in range(self.dice.choice((1, 2))):
            status, told = self.post(f"{CERTIFICATES}/{number}/redemptions/{id}/reversal", {})
            assert status == 201 or told["type"] == "/problems/redemption-settled", told
        self.ledger.reversed.add(id)


class Ledger:
    """What everybody was told."""

    def __init__(self, donations):
        self.donations, self.numbers, self.issued = donations, collections.defaultdict(set), []
        self.claims, self.refused, self.reversed, self.told = {}, set(), set(), 0


@pytest.mark.parametrize("seed", map(int, os.environ.get("LEDGER_SEEDS", "1").split()))
def test_each_ml_is_there_once(seed, daemon, contract):
    """More: LEDGER_SEEDS="3 4 ..."."""
    staff, admin = (Api(daemon, contract).as_(role) for role in ("staff", "admin"))
    certificates.enter_body(admin, "LC")
    people = [staff.post(DONORS, json={"name": f"Vàng A {letter}a", "birth_date": f"{1965 + seed % 40}-02-03", "sex": "male"}, expect=201).json()["id"]
              for letter in "BCDGHKLMNP"[:DONATIONS]]
    volumes = {certificates.gave(daemon.sql, who, ml=ml): ml for who, ml in zip(people, itertools.cycle((250, 350, 450)))}
    ledger, wire = Ledger(list(volumes)), Relay(daemon.port)
    wire.lose(3)
    url = f"http://127.0.0.1:{wire.port}"
    clerk, hospitals = daemon.new_token("staff", f"clerk {seed}"), [daemon.new_token("hospital", f"Bệnh viện thử {seed}{n}") for n in "AB"]
    everybody = [Clerk(url, clerk, f"{seed} clerk {n}", ledger) for n in range(2)]
    everybody += [Hospital(url, token, f"{seed} hospital {n}", ledger) for n, token in enumerate(hospitals)]
    try:
        for one in everybody:
            one.start()
        for fault in ("daemon", "postmaster", "daemon"):
            seen = ledger.told
            wait_until(lambda seen=seen: ledger.told >= seen + 10 or not any(one.is_alive() for one in everybody), what="answers")
            if fault == "daemon":
                daemon.kill()
                daemon.start()
            else:
                postmaster = daemon.postmaster_pid()
                os.kill(postmaster, signal.SIGKILL)
                wait_until(lambda postmaster=postmaster: daemon.postmaster_pid() not in (None, postmaster), what="a new postmaster")
        for one in everybody:
            one.join(300)
            assert not one.is_alive() and one.failure is None, one.failure
        assert wire.cut > 0
    finally:
        wire.lose(0)
        wire.close()
    daemon.wait_ready()

    # one certificate for each donation, whoever was told of it, and no number twice
    rows = daemon.sql("SELECT donation_id::text, id::text, issuer, year, ordinal, volume_ml, void FROM certificate WHERE donation_id = ANY (%s::uuid[])",
                      list(volumes))
    assert sorted(row[0] for row in rows) == sorted(volumes) and len({row[2:5] for row in rows}) == len(rows)
    assert all(volumes[row[0]] == row[5] and not row[6] for row in rows)
    assert {donation: len(numbers) for donation, numbers in ledger.numbers.items()} == dict.fromkeys(ledger.numbers, 1)
    of_certificate = {row[1]: row[0] for row in rows}
    entries = daemon.sql("SELECT subject_id, count(*) FROM audit_entry WHERE action = 'certificate.issue' AND subject_id = ANY (%s) GROUP BY 1",
                         [number.rsplit("-", 1)[0] for numbers in ledger.numbers.values() for number in numbers])
    assert [count for _, count in entries] == [1] * len(ledger.numbers)

    # each claim that was taken is there once, and no other; each reversal once
    there = daemon.sql("SELECT id::text, certificate_id::text, kind, ml, of_id::text FROM redemption WHERE certificate_id = ANY (%s::uuid[])",
                       list(of_certificate))
    used = {row[0]: row[3] for row in there if row[2] == "use"}
    assert used == {id: ml for id, (_, ml) in ledger.claims.items()} and not ledger.refused & set(used)
    back = [(row[4], row[3]) for row in there if row[2] == "reversal"]
    assert sorted(back) == sorted((id, ledger.claims[id][1]) for id in ledger.reversed)
    assert len(there) == len(used) + len(back)
    number_of = {donation: next(iter(numbers)) for donation, numbers in ledger.numbers.items()}
    for donation, number in number_of.items():
        left = volumes[donation] - sum(ml for id, (of, ml) in ledger.claims.items() if of == number and id not in ledger.reversed)
        assert staff.get(f"{CERTIFICATES}/{number}").json()["balance_ml"] == left >= 0, number

    # each with its entry, and all as the audit has them
    ids = list(used)
    assert dict(daemon.sql("SELECT subject_id, count(*) FROM audit_entry WHERE action = 'redemption.enter' AND subject_id = ANY (%s) GROUP BY 1",
                           ids)) == dict.fromkeys(ids, 1)
    wait_until(lambda: daemon.value("SELECT (SELECT count(*) FROM audit_seal) >= (SELECT count(*) FROM audit_entry)"), what="sealed")
    daemon.assert_records_fit()
