"""Donors follow a rotation of the keyring while the service runs. All people here are invented."""
import pytest

from harness.daemon import own_daemon, wait_until

PEOPLE = 60


@pytest.fixture(scope="module")
def daemon():
    with own_daemon() as one:
        yield one


def body(n):
    return {"name": f"Lò Thử {'abcdefghij'[n % 10]}{'klmnopqrst'[n // 10 % 10]}", "birth_date": f"1990-05-{n % 28 + 1:02}", "sex": "female",
            "identifiers": [{"kind": "cccd", "value": f"0121907{n:05}"}], "phone": f"0912{n:06}"}


def behind(daemon):
    """How many records, and how many digests, stand under keys of before."""
    active = dict(daemon.sql("SELECT kind, id FROM key WHERE state = 'active'"))
    return (daemon.value("SELECT count(*) FROM donor WHERE wrap_key_id <> %s", active["wrap"]),
            daemon.value("SELECT count(*) FROM donor_digest WHERE key_id <> %s", active["hash"]))


def found(client, n):
    answer = client.post("/api/v1/donors/lookup", json={"kind": "cccd", "value": body(n)["identifiers"][0]["value"]}, expect=200)
    return [item["id"] for item in answer.json()["items"]]


def rotate(daemon, kind, *more):
    outcome = daemon.cli("keyring", "rotate", kind, *more, timeout=300)
    assert outcome.status == 0, outcome


def test_donors_follow_both_keys(daemon, api_of):
    staff = api_of(daemon, daemon.token("staff"))
    ids = {n: staff.post("/api/v1/donors", json=body(n), expect=201).json()["id"] for n in range(PEOPLE)}
    digests = daemon.value("SELECT count(*) FROM donor_digest")
    rotate(daemon, "wrap")
    rotate(daemon, "hash")
    for n in (0, PEOPLE - 1):
        assert found(staff, n) == [ids[n]], "found under the old key or the new one"
    # Killed while they follow: what is left goes on with the next daemon.
    daemon.kill()
    daemon.start()
    wait_until(lambda: behind(daemon) == (0, 0), 120, what="all records under today's keys")
    assert daemon.value("SELECT count(*) FROM donor_digest") == digests, "each thing has one digest again"
    for n in (0, 7, PEOPLE - 1):
        donor = staff.get(f"/api/v1/donors/{ids[n]}", expect=200).json()
        assert (donor["id"], donor["name"], donor["phone"]) == (ids[n], body(n)["name"], "+84" + body(n)["phone"][1:])
        assert donor["identifiers"][0]["value"] == body(n)["identifiers"][0]["value"]
        assert found(staff, n) == [ids[n]]
    refused = staff.post("/api/v1/donors", json=body(3), expect=409)
    assert refused.json()["type"].endswith("/donor-exists"), refused.text
    outcome = daemon.cli("audit", "verify", "--records", timeout=300)
    assert outcome.status == 0, outcome


def test_one_that_cannot_be_opened_holds_up_nobody(daemon, api_of):
    staff = api_of(daemon, daemon.token("staff"))
    ids = [staff.post("/api/v1/donors", json=body(n), expect=201).json()["id"] for n in range(60, 70)]
    wait_until(lambda: behind(daemon) == (0, 0), 60, what="nobody behind")
    before = daemon.value("SELECT wrapped_key FROM donor WHERE id = %s", ids[0])
    daemon.sql("UPDATE donor SET wrapped_key = set_byte(wrapped_key, 30, get_byte(wrapped_key, 30) # 1) WHERE id = %s", ids[0])
    rotate(daemon, "wrap", "--again")
    wait_until(lambda: behind(daemon)[0] == 1, 120, what="all but the broken one")
    daemon.sql("UPDATE donor SET wrapped_key = %s WHERE id = %s", before, ids[0])
    wait_until(lambda: behind(daemon) == (0, 0), 120, what="the mended one too")
    assert staff.get(f"/api/v1/donors/{ids[0]}", expect=200).json()["name"] == body(60)["name"]


def test_killed_half_way(daemon, api_of):
    """kill -9 when some have followed and some have not: the next daemon does the others, and nobody twice."""
    staff = api_of(daemon, daemon.token("staff"))
    ids = [staff.post("/api/v1/donors", json=body(n), expect=201).json()["id"] for n in range(100, 100 + PEOPLE)]
    wait_until(lambda: behind(daemon) == (0, 0), 60, what="nobody behind")
    digests, people = daemon.value("SELECT count(*) FROM donor_digest"), daemon.value("SELECT count(*) FROM donor")
    since, before = daemon.value("SELECT clock_timestamp()"), daemon.value("SELECT wrap_key_id FROM donor LIMIT 1")

    def followed():
        return daemon.value("SELECT count(*) FROM donor WHERE wrap_key_id <> %s", before)
    # the sixth waits for a lock that is ours
    daemon.sql("CREATE SEQUENCE walked")
    daemon.sql("CREATE FUNCTION hold_up() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN IF nextval(''walked'') > 5 THEN"
               " PERFORM pg_advisory_xact_lock(4711); END IF; RETURN NEW; END'")
    daemon.sql("CREATE TRIGGER hold_up BEFORE UPDATE OF wrap_key_id ON donor FOR EACH ROW EXECUTE FUNCTION hold_up()")
    with daemon.database() as ours:
        ours.execute("SELECT pg_advisory_lock(4711)")
        rotate(daemon, "wrap", "--again", "--step")         # staged, dual, activated: from then on they follow
        rotate(daemon, "wrap", "--step")
        rotate(daemon, "wrap", "--step")
        wait_until(lambda: followed() == 5, 120, what="the first ones")
        daemon.kill()
    daemon.sql("DROP TRIGGER hold_up ON donor")
    daemon.sql("DROP FUNCTION hold_up")
    daemon.sql("DROP SEQUENCE walked")
    assert followed() in (5, 6), "killed half-way; what it was waiting for may be done without it"
    daemon.start()
    wait_until(lambda: behind(daemon) == (0, 0), 120, what="all of them")
    assert (daemon.value("SELECT count(*) FROM donor_digest"), followed()) == (digests, people)
    done = daemon.sql("SELECT count(*), count(DISTINCT subject_id) FROM audit_entry WHERE action = 'donor.rekey' AND at > %s", since)
    assert done == [(people, people)], done
    for n in (100, 100 + PEOPLE - 1):
        assert found(staff, n) == [ids[n - 100]] and staff.get(f"/api/v1/donors/{ids[n - 100]}").json()["name"] == body(n)["name"]
    daemon.assert_records_fit()
