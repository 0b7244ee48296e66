"""`giothong audit verify` finds every single change to what was sealed; an auditor needs no secret for it."""
import json
import os
import random
import time

import psycopg
import pytest

from harness import chain, programs
from harness.daemon import Daemon, as_postgres, wait_until
from harness.database import Postgres
from test_audit_seal import ADD, all_sealed, await_sealed, await_signed

CHANGES = int(os.environ.get("GIOTHONG_CHANGES", "60"))
SEED = int(os.environ.get("GIOTHONG_SEED", time.time_ns() % 2**32))
ENTRIES = 150


class Record:
    """A database with a sealed record in which no daemon works any more, and its superuser."""

    def __init__(self):
        self.postgres = Postgres().make()
        self.folder = self.postgres.folder
        self.config = self.postgres.configuration()
        self.run("keyring", "create")
        self.run("migrate")
        self.daemon = Daemon(folder=self.folder, config=self.config, now=None)
        self.daemon.start()
        with psycopg.connect(self.postgres.conninfo("giothong_app"), autocommit=True) as writer:
            for n in (1, 30, 70, ENTRIES - 101):
                writer.execute(ADD, (n,))
                await_sealed(writer)
            await_signed(writer)
        self.daemon.stop()
        self.log = self.folder / "kept.log"      # as another machine would keep it
        self.log.write_text(self.daemon.err_path.read_text())
        with as_postgres(self.postgres.data):
            self.root = psycopg.connect(f"host={self.folder} port={self.postgres.port} dbname=giothong user={self.postgres.user}",
                                        autocommit=True)
        self.root.execute("SET session_replication_role = replica")      # no foreign key stands in the way
        for table in ("audit_entry", "audit_seal", "audit_checkpoint"):
            self.root.execute(f"CREATE TABLE kept_{table} AS TABLE {table}")

    def run(self, *arguments):
        outcome = programs.run("giothong", "--config", self.config, *arguments, folder=self.folder)
        assert outcome.status == 0, outcome
        return outcome

    def restore(self):
        for table in ("audit_checkpoint", "audit_seal", "audit_entry"):
            self.root.execute(f"DELETE FROM {table}")
            self.root.execute(f"INSERT INTO {table} SELECT * FROM kept_{table}")

    def verify(self, *arguments, config=None):
        return programs.run("giothong", "--config", config or self.config, "audit", "verify", *arguments, folder=self.folder)

    def verdict(self, *arguments):
        """Exit status and the kinds of damage."""
        outcome = self.verify("--json", "--checkpoint", self.log, *arguments)
        document = json.loads(outcome.out)
        assert document["fine"] == (outcome.status == 0) == (document["ndamages"] == 0), outcome
        return outcome.status, {damage["kind"] for damage in document["damages"]}, document

    def value(self, statement, *parameters):
        return self.root.execute(statement, parameters or None).fetchone()[0]

    def end(self):
        self.root.close()
        self.daemon.end()
        self.postgres.remove()


@pytest.fixture(scope="module")
def whole_record():
    one = Record()
    try:
        yield one
    finally:
        one.end()


@pytest.fixture
def record(whole_record):
    yield whole_record
    whole_record.restore()


# ---- what is whole ----

def test_a_whole_chain(record):
    status, kinds, document = record.verdict()
    assert (status, kinds) == (0, set())
    assert document["sealed"] == document["last_position"] == record.value("SELECT count(*) FROM audit_seal") > ENTRIES
    assert document["checkpoints"] == document["checkpoints_genuine"] == document["file_checkpoints"] > 0
    assert document["unsigned"] == 0 and document["waiting"] == 0
    words = record.verify()
    assert words.status == 0 and "nothing was changed, removed, inserted or reordered" in words.out and words.err == ""


def test_what_was_saved_is_a_checkpoint_too(record, tmp_path):
    saved = tmp_path / "saved.json"
    saved.write_text(record.verify("--json").out)
    assert record.verify("--checkpoint", saved).status == 0
    pretty = tmp_path / "pretty.json"
    pretty.write_text(json.dumps(json.loads(saved.read_text()), indent=2))
    assert json.loads(record.verify("--json", "--checkpoint", pretty).out)["file_checkpoints"] == 1
    journal = tmp_path / "journal.json"
    journal.write_text("".join(json.dumps({"MESSAGE": line, "_PID": "1"}) + "\n" for line in record.log.read_text().splitlines()))
    assert json.loads(record.verify("--json", "--checkpoint", journal).out)["file_checkpoints"] == \
        len(chain.logged(record.log.read_text()))


def test_an_auditor_needs_no_keyring(record, tmp_path):
    config = tmp_path / "auditor.ini"
    config.write_text(f"[database]\nconninfo = {record.postgres.conninfo('giothong_app')}\n")
    keys = json.loads(record.run("audit", "keys", "--json").out)["items"]
    assert [(key["key_id"], key["active"]) for key in keys] == [(1, True)]
    assert keys[0]["public_key"] == chain.public_key(record.folder / "keyring")
    assert keys[0]["public_key"] in record.run("audit", "keys").out
    outcome = record.verify("--public-key", keys[0]["public_key"], "--checkpoint", record.log, config=config)
    assert outcome.status == 0, outcome
    other = record.verify("--json", "--public-key", "00" * 31 + "01", config=config)
    assert other.status == 1 and {d["kind"] for d in json.loads(other.out)["damages"]} == {"forged_checkpoint"}
    both = record.verify("--public-key", "00" * 31 + "01", "--public-key", keys[0]["public_key"], config=config)
    assert both.status == 0, both
    assert record.verify(config=config).status == 1, "without either it says that the keyring is missing"


def test_wrong_usage_and_unreadable_files(record, tmp_path):
    assert record.verify("--public-key", "12ab").status == 2
    assert record.verify("--checkpoint").status == 2
    assert record.verify("--checkpoint", "/nonexistent").status == 1
    nothing = tmp_path / "nothing.log"
    nothing.write_text("ready level=info version=0.1.0\n")
    outcome = record.verify("--checkpoint", nothing)
    assert outcome.status == 1 and "no checkpoint" in outcome.err


# ---- what is not ----

ANY = "(SELECT position FROM audit_seal ORDER BY position LIMIT 1 OFFSET {n})"


class Tamper:
    """One change that a superuser could make, drawn at random."""

    def __init__(self, record, rng):
        self.record, self.rng = record, rng
        self.count = record.value("SELECT count(*) FROM audit_seal")
        self.moves = [self.entry_column] * 13 + [self.seal_column] * 4 + [
            self.delete_entry, self.delete_seal, self.delete_both, self.insert_entry, self.insert_seal, self.insert_between,
            self.swap_entries, self.swap_rows, self.close_gap, self.truncate, self.rewrite, self.checkpoint_column]

    def do(self):
        """What was done; returns the kinds of damage of which one must be told."""
        move = self.rng.choice(self.moves)
        self.what = move.__name__
        return move()

    def sql(self, statement, *parameters):
        cursor = self.record.root.execute(statement, parameters or None)
        assert cursor.rowcount != 0, (statement, parameters)

    def position(self, limit=None):
        return self.rng.randint(1, limit or self.count)

    def two(self):
        return self.rng.sample(range(1, self.count + 1), 2)

    def entry_column(self):
        new = {"id": "gen_random_uuid()", "at": "at + interval '1 microsecond'", "xid": "((xid::text::bigint + 1)::text)::xid8",
               "actor_kind": "CASE actor_kind WHEN 'token' THEN 'command' ELSE 'token' END",
               "actor_id": "CASE WHEN actor_id IS NULL THEN '' ELSE actor_id || ' ' END",
               "actor_role": "actor_role || 'x'", "action": "action || 'x'", "subject_kind": "subject_kind || 'x'",
               "subject_id": "upper(subject_id) || 'x'", "request_id": "CASE WHEN request_id IS NULL THEN 'r' END",
               "key_id": "key_id + 1", "digest_before": "CASE WHEN digest_before IS NULL THEN ''::bytea END",
               "digest_after": "coalesce(set_bit(digest_after, 7, 1 - get_bit(digest_after, 7)), 'x')"}
        column = self.rng.choice(sorted(new))
        position = self.position()
        self.what += f" {column} at {position}"
        self.sql(f"UPDATE audit_entry SET {column} = {new[column]} WHERE id = (SELECT entry_id FROM audit_seal WHERE position = %s)"
                 f" AND {column} IS DISTINCT FROM {new[column]}", position)
        return {"removed"} if column == "id" else {"changed"}

    def seal_column(self):
        new = {"position": f"{self.count} + 5 + position", "entry_id": "gen_random_uuid()", "sealed_at": "sealed_at + interval '1 s'",
               "hash": f"set_bit(hash, {self.rng.randrange(256)}, 1 - get_bit(hash, 0))"}
        column = self.rng.choice(sorted(new))
        if column == "hash":
            bit = self.rng.randrange(256)
            new["hash"] = f"set_bit(hash, {bit}, 1 - get_bit(hash, {bit}))"
        position = self.position()
        self.what += f" {column} at {position}"
        self.sql(f"UPDATE audit_seal SET {column} = {new[column]} WHERE position = %s", position)
        return {"removed"} if column in ("position", "entry_id") else {"changed"}

    def delete_entry(self):
        self.sql("DELETE FROM audit_entry WHERE id = (SELECT entry_id FROM audit_seal WHERE position = %s)", self.position())
        return {"removed"}

    def delete_seal(self):
        position = self.position()
        self.sql("DELETE FROM audit_seal WHERE position = %s", position)
        return {"removed"} if position < self.count else {"truncated"}

    def delete_both(self):
        position = self.position()
        self.sql("DELETE FROM audit_entry WHERE id = (SELECT entry_id FROM audit_seal WHERE position = %s)", position)
        self.sql("DELETE FROM audit_seal WHERE position = %s", position)
        return {"removed"} if position < self.count else {"truncated"}

    def insert_entry(self):
        """Dated back, with the transaction number of its time."""
        self.sql("INSERT INTO audit_entry SELECT gen_random_uuid(), at, xid, actor_kind, actor_id, actor_role, action, subject_kind,"
                 " subject_id, request_id, key_id, digest_before, digest_after FROM audit_entry WHERE id ="
                 " (SELECT entry_id FROM audit_seal WHERE position = %s)", self.position(self.count // 2))
        return {"inserted"}

    def insert_seal(self):
        """A row at the end, with an entry of its own."""
        self.insert_entry()
        self.sql("INSERT INTO audit_seal SELECT max(position) + 1, (SELECT id FROM audit_entry WHERE NOT EXISTS (SELECT FROM audit_seal"
                 " WHERE entry_id = id)), sha256('x'), now() FROM audit_seal")
        return {"changed"}

    def insert_between(self):
        """And all behind it one further."""
        position = self.position()
        self.insert_entry()
        self.shift(position, 1)
        self.sql("INSERT INTO audit_seal SELECT %s, (SELECT id FROM audit_entry WHERE NOT EXISTS (SELECT FROM audit_seal"
                 " WHERE entry_id = id)), sha256('x'), now()", position)
        return {"inserted"}

    def shift(self, position, by):
        self.sql("UPDATE audit_seal SET position = position + 1000000 WHERE position >= %s", position)
        self.sql("UPDATE audit_seal SET position = position - 1000000 + %s WHERE position > 1000000", by)

    def swap_entries(self):
        a, b = self.two()
        self.sql("WITH pair AS (SELECT x.entry_id AS a, y.entry_id AS b FROM audit_seal AS x, audit_seal AS y WHERE x.position = %s"
                 " AND y.position = %s) SELECT a, b FROM pair", a, b)
        ids = [self.record.value("SELECT entry_id FROM audit_seal WHERE position = %s", p) for p in (a, b)]
        self.sql("UPDATE audit_seal SET entry_id = gen_random_uuid() WHERE position = %s", a)
        self.sql("UPDATE audit_seal SET entry_id = %s WHERE position = %s", ids[0], b)
        self.sql("UPDATE audit_seal SET entry_id = %s WHERE position = %s", ids[1], a)
        self.what += f" {a} {b}"
        return {"reordered"}

    def swap_rows(self):
        a, b = self.two()
        for old, new in ((a, 1000000), (b, a), (1000000, b)):
            self.sql("UPDATE audit_seal SET position = %s WHERE position = %s", new, old)
        self.what += f" {a} {b}"
        return {"reordered"}

    def close_gap(self):
        """One taken out, all behind it one less."""
        position = self.position(self.count - 2)
        self.sql("DELETE FROM audit_entry WHERE id = (SELECT entry_id FROM audit_seal WHERE position = %s)", position)
        self.sql("DELETE FROM audit_seal WHERE position = %s", position)
        self.shift(position + 1, -1)
        return {"removed"}

    def truncate(self):
        """The end, with entries, seals and the checkpoints in the database."""
        last = self.position(self.count - 1)
        self.record.root.execute("DELETE FROM audit_checkpoint WHERE position > %s", (last,))
        self.sql("DELETE FROM audit_entry WHERE id IN (SELECT entry_id FROM audit_seal WHERE position > %s)", last)
        self.sql("DELETE FROM audit_seal WHERE position > %s", last)
        return {"truncated"}

    def rewrite(self):
        """An entry changed, all hashes behind it computed anew, the checkpoints that would tell removed."""
        root, position = self.record.root, self.position()
        self.sql("UPDATE audit_entry SET subject_id = 'other' WHERE id = (SELECT entry_id FROM audit_seal WHERE position = %s)", position)
        root.execute("DELETE FROM audit_checkpoint WHERE position >= %s", (position,))
        before = "0" * 64
        for at, digest, sealed_us, *columns in root.execute(chain.ROWS).fetchall():
            before = chain.entry_hash(before, at, sealed_us, columns)
            if digest != before:
                root.execute("UPDATE audit_seal SET hash = decode(%s, 'hex') WHERE position = %s", (before, at))
        assert chain.faults(root) == []
        return {"rewritten"}

    def checkpoint_column(self):
        column, new = self.rng.choice([("at", "at + interval '1 microsecond'"), ("hash", "sha256(hash)"), ("key_id", "key_id + 1"),
                                       ("signature", "signature || ''::bytea"), ("position", "position + 1")])
        if column == "signature":
            new = f"set_bit(signature, {self.rng.randrange(512)}, 1 - get_bit(signature, 0))"
            bit = self.rng.randrange(512)
            new = f"set_bit(signature, {bit}, 1 - get_bit(signature, {bit}))"
        self.what += f" {column}"
        self.sql(f"UPDATE audit_checkpoint SET {column} = {new} WHERE position = (SELECT max(position) FROM audit_checkpoint)")
        return {"unknown_key"} if column == "key_id" else {"forged_checkpoint"}


def test_single_changes_are_found(record):
    """CHANGES of them through the command; the unit tests make thousands."""
    print(f"GIOTHONG_SEED={SEED} GIOTHONG_CHANGES={CHANGES}")
    rng = random.Random(SEED)
    tamper, found, missed, misnamed = Tamper(record, rng), 0, [], []
    for n in range(CHANGES):
        expected = tamper.do()
        status, kinds, document = record.verdict()
        found += status == 1
        if status != 1:
            missed.append(tamper.what)
        elif not expected & kinds:
            misnamed.append((tamper.what, expected, document["damages"][:3]))
        record.restore()
        if n % 20 == 0:
            assert record.verdict()[:2] == (0, set()), "the untouched chain is whole"
    assert (found, missed, misnamed) == (CHANGES, [], [])


def test_the_words_say_where(record):
    record.root.execute("UPDATE audit_entry SET action = 'x' WHERE id = (SELECT entry_id FROM audit_seal WHERE position = 17)")
    entry = record.value("SELECT entry_id::text FROM audit_seal WHERE position = 17")
    outcome = record.verify()
    assert outcome.status == 1 and f"position 17, entry {entry}: changed after it was sealed" in outcome.out
    assert "1 faults" in outcome.err or "damaged" in outcome.err
    vietnamese = programs.run("giothong", "--config", record.config, "audit", "verify", folder=record.folder,
                              environment={"LC_ALL": "vi_VN.UTF-8", "LANG": "vi_VN.UTF-8"})
    assert vietnamese.status == 1 and f"vị trí 17, dòng {entry}" in vietnamese.out


def test_many_faults_are_counted(record):
    record.root.execute("UPDATE audit_entry SET actor_role = 'king'")
    _, kinds, document = record.verdict()
    assert kinds == {"changed"} and document["ndamages"] == document["sealed"]


def test_instants_that_are_none(record):
    record.root.execute("UPDATE audit_entry SET at = 'infinity' WHERE id = (SELECT entry_id FROM audit_seal WHERE position = 3)")
    record.root.execute("UPDATE audit_seal SET sealed_at = '-infinity' WHERE position = 5")
    _, kinds, document = record.verdict()
    assert kinds == {"changed"} and [d["position"] for d in document["damages"]] == [3, 5]


def test_an_entry_that_nobody_seals(record):
    record.root.execute("INSERT INTO audit_entry (id, actor_kind, actor_role, action, subject_kind, subject_id, key_id, at) VALUES"
                        " (gen_random_uuid(), 'daemon', 'admin', 'round.edit', 'round', 'x', 1, now() - interval '2 minutes')")
    outcome = record.verify()
    assert outcome.status == 1 and "not sealed although" in outcome.out
    record.root.execute("UPDATE audit_entry SET at = now() WHERE subject_id = 'x'")
    assert record.verdict()[2]["waiting"] == 1


def test_checkpoints_that_come_late_are_pointed_at(record):
    """Who takes checkpoints away leaves rows that were signed long after they were sealed."""
    root = record.root
    assert record.verdict()[2]["checkpoints_signed_late"] == 0
    root.execute("UPDATE audit_seal SET sealed_at = sealed_at - interval '1 hour'")
    before = "0" * 64
    for at, _, sealed_us, *columns in root.execute(chain.ROWS).fetchall():
        before = chain.entry_hash(before, at, sealed_us, columns)
        root.execute("UPDATE audit_seal SET hash = decode(%s, 'hex') WHERE position = %s", (before, at))
    outcome = record.verify("--json")
    assert json.loads(outcome.out)["checkpoints_signed_late"] > 0


# ---- after a restore ----

BEYOND_THE_LOG, WITHOUT_A_LOG = 10**6, 10**9


def restart(record, *arguments):
    return programs.run("giothong", "--config", record.config, "audit", "restart", *arguments, folder=record.folder)


def start(record):
    record.daemon.start()
    wait_until(lambda: all_sealed(record.root), what="all sealed")


def test_a_restart_needs_to_know(record):
    assert restart(record).status == 2
    assert restart(record, "--known", "x").status == 2
    assert restart(record, "--checkpoint", "/nonexistent").status == 1


def lose_the_end(record, last):
    record.root.execute("DELETE FROM audit_checkpoint WHERE position > %s", (last,))
    record.root.execute("DELETE FROM audit_entry WHERE id IN (SELECT entry_id FROM audit_seal WHERE position > %s)", (last,))
    record.root.execute("DELETE FROM audit_seal WHERE position > %s", (last,))


def test_after_a_restore_positions_go_on_above_the_known_ones(record, contract):
    """A backup that ends earlier, with two entries that were not sealed yet, and a log that knows more."""
    count = record.value("SELECT count(*) FROM audit_seal")
    lose_the_end(record, 90)
    record.root.execute("DELETE FROM audit_seal WHERE position IN (89, 90)")
    assert "truncated" in record.verdict()[1]
    outcome = restart(record, "--checkpoint", record.log, "--json")
    assert outcome.status == 0, outcome
    done = json.loads(outcome.out)
    last = count + BEYOND_THE_LOG        # a few seconds of work came after the last checkpoint of the log
    assert (done["first"], done["last"], done["at_position"], done["sealed"]) == (89, last, last + 3, 3)
    status, kinds, document = record.verdict()
    assert (status, kinds) == (0, set())
    assert document["restarts"][0]["first"] == 89 and document["file_checkpoints_left_out"] >= 1
    assert f"positions 89 to {last} were left out" in record.verify().out
    start(record)
    record.root.execute(ADD, (20,))
    await_sealed(record.root)
    await_signed(record.root)
    record.daemon.stop()
    assert record.verdict()[:2] == (0, set())
    assert record.value("SELECT max(position) FROM audit_seal") >= last + 23
    # the hole is right only as the entry names it
    record.root.execute("DELETE FROM audit_seal WHERE position = 88")
    assert "removed" in record.verdict()[1]


def test_a_dump_in_another_cluster(record):
    """Its transaction numbers mean nothing here: no daemon seals until a restart, and then nothing is left behind."""
    root = record.root
    far = 10**12
    root.execute("UPDATE audit_entry SET xid = ((xid::text::bigint + %s)::text)::xid8", (far,))
    before = "0" * 64
    for at, _, sealed_us, *columns in root.execute(chain.ROWS).fetchall():
        before = chain.entry_hash(before, at, sealed_us, columns)
        root.execute("UPDATE audit_seal SET hash = decode(%s, 'hex') WHERE position = %s", (before, at))
    root.execute("DELETE FROM audit_checkpoint")
    root.execute("DELETE FROM audit_seal WHERE position > 100")          # what the dump brought unsealed
    count = record.value("SELECT count(*) FROM audit_entry")
    offset = record.daemon.err_path.stat().st_size
    record.daemon.start()
    root.execute(ADD, (5,))                      # and what is written here meanwhile
    wait_until(lambda: "run giothong audit restart" in record.daemon.err_path.read_text()[offset:], what="the daemon asks for it")
    assert record.value("SELECT max(position) FROM audit_seal") == 100
    assert record.verify().status == 1
    outcome = restart(record, "--known", "0")
    assert outcome.status == 0, outcome
    root.execute(ADD, (5,))
    await_sealed(root)
    assert record.value("SELECT count(*) FROM audit_seal") >= count + 11
    await_signed(root)
    record.daemon.stop()
    assert chain.faults(root) == []
    outcome = record.verify("--json")
    assert outcome.status == 0 and json.loads(outcome.out)["restarts"], outcome


def test_a_restart_that_was_interrupted_goes_on(record):
    """The entry is there, and not all is sealed: sealers wait, and the command takes up where it was."""
    count = record.value("SELECT count(*) FROM audit_seal")
    lose_the_end(record, 100)
    record.root.execute("INSERT INTO audit_entry (id, actor_kind, actor_role, action, subject_kind, subject_id, key_id) VALUES"
                        " (gen_random_uuid(), 'command', 'admin', 'audit.restart', 'audit', %s, 1)", (f"101-{count}",))
    record.daemon.start()
    record.root.execute(ADD, (3,))
    time.sleep(2.5)
    assert record.value("SELECT max(position) FROM audit_seal") == 100
    outcome = restart(record, "--known", str(count), "--json")
    assert outcome.status == 0, outcome
    await_sealed(record.root)
    record.daemon.stop()
    assert record.value("SELECT count(*) FROM audit_entry WHERE action = 'audit.restart'") == 1
    assert record.value("SELECT min(position) FROM audit_seal WHERE position > 100") == count + 1
    assert record.verdict()[:2] == (0, set())


def test_a_log_that_ends_before_the_chain_tells_nothing(record, tmp_path):
    first = chain.logged(record.log.read_text())[0]
    old, head = tmp_path / "old.log", record.value("SELECT max(position) FROM audit_seal")
    old.write_text(next(line for line in record.log.read_text().splitlines() if f"position={first[0]} " in line))
    assert first[0] < head
    done = json.loads(restart(record, "--checkpoint", old, "--json").out)
    assert (done["first"], done["last"]) == (head + 1, head + WITHOUT_A_LOG)
    assert record.verdict()[:2] == (0, set())


@pytest.mark.parametrize("mistake", ["none", "101-120"])
def test_who_forgot_the_log_gives_it_the_second_time(record, mistake):
    """An interrupted restart that left out too little is no reason to give positions twice."""
    count = record.value("SELECT count(*) FROM audit_seal")
    lose_the_end(record, 100)
    record.root.execute("INSERT INTO audit_entry (id, actor_kind, actor_role, action, subject_kind, subject_id, key_id) VALUES"
                        " (gen_random_uuid(), 'command', 'admin', 'audit.restart', 'audit', %s, 1)", (mistake,))
    outcome = restart(record, "--checkpoint", record.log, "--json")
    assert outcome.status == 0, outcome
    assert record.value("SELECT min(position) FROM audit_seal WHERE position > 100") == count + BEYOND_THE_LOG + 1
    assert record.verdict()[:2] == (0, set())
    # said again, it leaves what is there
    before = record.value("SELECT max(position) FROM audit_seal")
    assert restart(record, "--known", "0").status == 0
    assert record.value("SELECT max(position) FROM audit_seal") == before + 1
