"""The sealed audit: one chain over all entries, signed, whoever seals, whatever waits, whenever a daemon is killed."""
import contextlib
import random
import re
import time

import httpx
import psycopg
import pytest

from harness import chain, programs
from harness.daemon import Daemon, wait_until
from harness.database import Postgres

ADD = """
    INSERT INTO audit_entry (id, actor_kind, actor_id, actor_role, action, subject_kind, subject_id, request_id, key_id,
                             digest_before, digest_after)
    SELECT gen_random_uuid(), (ARRAY['token', 'command', 'public'])[1 + i %% 3], CASE WHEN i %% 4 > 0 THEN 'người ' || i END,
           'staff', 'round.move', 'round', gen_random_uuid()::text, CASE WHEN i %% 5 > 0 THEN 'r' || i END, 1,
           CASE WHEN i %% 3 > 0 THEN sha256(i::text::bytea) END, sha256((-i)::text::bytea)
      FROM generate_series(1, %s) AS i"""


@pytest.fixture(scope="module")
def postgres():
    one = Postgres().make()
    try:
        config = one.configuration()
        for command in (["keyring", "create"], ["migrate"]):
            outcome = programs.run("giothong", "--config", config, *command, folder=one.folder)
            assert outcome.status == 0, outcome
        one.config = config
        yield one
    finally:
        one.remove()


@pytest.fixture
def connect(postgres):
    """connect(user): connections with autocommit, closed at the end."""
    with contextlib.ExitStack() as stack:
        yield lambda user="giothong_app": stack.enter_context(
            contextlib.closing(psycopg.connect(postgres.conninfo(user), autocommit=True)))


@pytest.fixture
def db(connect):
    return connect()


@pytest.fixture
def daemons(postgres):
    """daemons(n): so many on the one database; stopped at the end."""
    made = []

    def start(count=1, **settings):
        for _ in range(count):
            made.append(Daemon(folder=postgres.folder, config=postgres.config, now=None, settings=settings))
            made[-1].start()
        return made[-count:]

    yield start
    for one in made:
        one.end()


def value(connection, statement, *parameters):
    return connection.execute(statement, parameters or None).fetchone()[0]


def entries(connection):
    return value(connection, "SELECT count(*) FROM audit_entry")


def all_sealed(connection):
    return value(connection, "SELECT (SELECT count(*) FROM audit_seal) = (SELECT count(*) FROM audit_entry)")


def await_sealed(connection, seconds=60):
    wait_until(lambda: all_sealed(connection), seconds, what="all entries sealed")


def await_signed(connection, seconds=60):
    wait_until(lambda: value(connection, "SELECT (SELECT max(position) FROM audit_checkpoint) = (SELECT max(position) FROM"
                                         " audit_seal)"), seconds, what="the end of the chain is signed")


TOKENS = []                                      # one for all daemons: they share the database


def metric(daemon, name):
    if not TOKENS:
        TOKENS.append(daemon.token("admin"))
    text = httpx.get(f"{daemon.url}/metrics", headers={"Authorization": f"Bearer {TOKENS[0]}"}, timeout=30).text
    return float(re.search(rf"^giothong_{name} (\S+)$", text, re.M)[1])


def test_entries_are_sealed_and_signed(postgres, db, daemons):
    [daemon] = daemons()
    db.execute(ADD, (2500,))                     # two full batches and a rest
    await_sealed(db)
    assert chain.length(db) == entries(db) and chain.faults(db) == []
    await_signed(db)
    public = chain.public_key(postgres.folder / "keyring")
    rows = chain.checkpoints(db)
    assert all(chain.is_signed(public, *row) for row in rows)
    assert not chain.is_signed(public, rows[0][0] + 1, *rows[0][1:])
    wait_until(lambda: set(rows) <= set(chain.logged(daemon.err_path.read_text())), what="and each is in the log")
    wait_until(lambda: metric(daemon, "audit_sealed_position") >= 2500 and metric(daemon, "audit_unsealed_seconds") < 5,
               what="the metrics follow")
    assert metric(daemon, "audit_sealer_silent_seconds") < 30 and metric(daemon, "audit_sealer_stopped") == 0


def test_the_log_has_them_at_every_level(postgres, db):
    daemon = Daemon(folder=postgres.folder, config=postgres.config, now=None, settings={"log.level": "error"})
    try:
        before = daemon.err_path.stat().st_size if daemon.err_path.exists() else 0
        daemon.start()
        db.execute(ADD, (3,))
        await_sealed(db)
        await_signed(db)
        wait_until(lambda: chain.logged(daemon.err_path.read_text()[before:]), what="a checkpoint in the log")
    finally:
        daemon.end()


def test_two_daemons_make_one_chain(db, connect, daemons):
    daemons(2)
    writers = [connect() for _ in range(3)]
    for n in range(40):
        for writer in writers:
            writer.execute(ADD, (1 + (n * 37) % 90,))
    await_sealed(db)
    assert chain.length(db) == entries(db) and chain.faults(db) == []


def test_a_killed_sealer_leaves_a_whole_chain(db, daemons):
    rng = random.Random(20250310)
    db.execute(ADD, (12000,))
    for _ in range(4):
        [daemon] = daemons()
        begun = chain.length(db)
        wait_until(lambda: chain.length(db) > begun or all_sealed(db), every=0.002, what="sealing begins")
        time.sleep(rng.uniform(0, 0.05))
        daemon.kill()
        # A statement that was sent is carried out though its sender is gone.
        wait_until(lambda: chain.length(db) == value(db, "SELECT count(*) FROM audit_seal"), what="whole at any moment")
    daemons()
    await_sealed(db)
    assert chain.faults(db) == []


def test_what_is_committed_late_still_comes_in_its_place(db, connect, daemons):
    """An open transaction holds back what is younger than it, and nothing appears behind the seal."""
    [daemon] = daemons()
    metric(daemon, "workers")                    # its token makes an entry of its own
    await_sealed(db)
    slow = psycopg.connect(connect().info.dsn, autocommit=False)
    slow.execute(ADD, (1,))
    first = value(slow, "SELECT id FROM audit_entry WHERE xid = pg_current_xact_id()")
    db.execute(ADD, (5,))
    db.execute(ADD, (5,))
    before = chain.length(db)
    wait_until(lambda: metric(daemon, "audit_unsealed_seconds") > 3, what="the wait is to be seen")
    assert chain.length(db) == before
    verified = daemon.cli_ok("audit", "verify", "--json")
    assert '"waiting":10' in verified.out
    slow.commit()
    slow.close()
    await_sealed(db)
    assert value(db, "SELECT entry_id FROM audit_seal WHERE position = %s", before + 1) == first
    assert chain.faults(db) == []
    order = db.execute("SELECT e.xid::text::bigint, e.id FROM audit_seal JOIN audit_entry AS e ON e.id = entry_id ORDER BY position")
    rows = order.fetchall()
    assert rows == sorted(rows)


def test_sealed_within_seconds_under_load(db, connect, daemons):
    daemons(2)
    await_sealed(db)
    begun, end = chain.length(db), time.monotonic() + 4
    writers = [connect() for _ in range(4)]
    while time.monotonic() < end:
        for writer in writers:
            writer.execute(ADD, (5,))
    await_sealed(db)
    lags = db.execute("SELECT extract(epoch FROM s.sealed_at - e.at)::float FROM audit_seal AS s JOIN audit_entry AS e ON e.id ="
                      " s.entry_id WHERE s.position > %s", (begun,)).fetchall()
    assert len(lags) >= 20 and max(lag for lag, in lags) < 10
    assert chain.faults(db) == []


def test_a_sealer_at_work_lets_the_heartbeat_through(db, daemons):
    """However long its statements are: a daemon of which nobody hears would be forgotten by a rotation of keys."""
    [daemon] = daemons(**{"database.wait_ms": 1})
    await_sealed(db)
    begun, added, beats = chain.length(db), 0, []
    while len(beats) < 4:
        if begun + added - chain.length(db) < 4000:      # always more than it does at once, never more than it can do
            db.execute(ADD, (4000,))
            added += 4000
        wait_until(lambda: chain.length(db) > begun, every=0.01, what="the sealer is at work")
        seen = value(db, "SELECT max(seen_at) FROM daemon")
        if seen not in beats:
            beats.append(seen)
        assert "heartbeat_failed" not in daemon.err_path.read_text()
    await_sealed(db)


def test_an_idle_sealer_reads_no_table(db, daemons):
    """Whatever their length: a few looks into indexes, once a second."""
    daemons()
    await_sealed(db)
    await_signed(db)
    count = "SELECT sum(seq_tup_read)::bigint, sum(idx_tup_fetch)::bigint, sum(n_tup_ins)::bigint FROM pg_stat_user_tables" \
            " WHERE relname IN ('audit_entry', 'audit_seal')"
    assert entries(db) > 1000
    def counted():                               # what the last sealing counted is told with a delay
        told = db.execute(count).fetchone()[2]
        time.sleep(3)
        return db.execute(count).fetchone()[2] == told
    wait_until(counted, what="the last sealing is counted")
    before, begun = db.execute(count).fetchone(), time.monotonic()
    time.sleep(4)
    after, seconds = db.execute(count).fetchone(), time.monotonic() - begun
    assert after[0] == before[0] and after[2] == before[2]
    assert after[1] - before[1] < 30 * (seconds + 1)


def test_a_changed_chain_is_not_built_on(postgres, db, daemons):
    [daemon] = daemons()
    await_sealed(db)
    await_signed(db)
    last = chain.length(db)
    break_it = f"UPDATE audit_seal SET hash = sha256(hash) WHERE position = {last}"
    [(kept,)] = postgres.sql(f"SELECT encode(hash, 'hex') FROM audit_seal WHERE position = {last}", database="giothong")
    postgres.sql(break_it, database="giothong")
    wait_until(lambda: "audit_not_sealed level=error" in daemon.err_path.read_text(), what="the log says so")
    wait_until(lambda: metric(daemon, "audit_sealer_stopped") == 1, what="the metric says so")
    db.execute(ADD, (4,))
    time.sleep(2.5)
    assert chain.length(db) == last
    daemon.stop()                                # nor by one that is started anew
    [again] = daemons()
    wait_until(lambda: metric(again, "audit_sealer_stopped") == 1, what="the next one stops too")
    assert chain.length(db) == last
    postgres.sql(f"UPDATE audit_seal SET hash = decode('{kept}', 'hex') WHERE position = {last}", database="giothong")
    await_sealed(db)
    assert chain.faults(db) == [] and metric(again, "audit_sealer_stopped") == 0


@pytest.mark.parametrize("statement", ["UPDATE audit_seal SET sealed_at = now()", "DELETE FROM audit_seal", "TRUNCATE audit_seal CASCADE",
                                       "UPDATE audit_checkpoint SET at = now()", "DELETE FROM audit_checkpoint",
                                       "UPDATE audit_entry SET action = 'x'", "DELETE FROM audit_entry"])
def test_the_daemons_role_only_adds(db, statement):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        db.execute(statement)
