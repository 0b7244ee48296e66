"""Backup and restore: the drill, what is refused, and what a kill in the middle leaves."""
import itertools
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time
import uuid

import httpx
import pytest

from harness import certificates, programs
from harness.client import Api
from harness.daemon import Daemon, wait_until
from harness.database import Postgres
from harness.ledger import Ledger
from harness.seeds import TODAY, Seeds
from test_sync import Phone


def backups(folder):
    return sorted(p.name for p in folder.iterdir())


def back_up(daemon, *more):
    """The path of a new backup of a daemon's data."""
    return pathlib.Path(json.loads(daemon.cli_ok("backup", daemon.folder / "backups", *more, "--json").out)["backup"])


def new_folder(make, keys):
    """A daemon that never ran, with those keys in its folder."""
    one = make(start=False)
    one.data.mkdir()
    shutil.copytree(keys, one.data / "keyring")
    return one


def restore(one, backup, *more):
    return one.cli("restore", backup, *more, "--json", timeout=120)


def sealed(daemon):
    """Everything written is sealed; the highest position."""
    wait_until(lambda: daemon.value("SELECT count(*) FROM audit_entry e WHERE NOT EXISTS (SELECT FROM audit_seal s"
                                    " WHERE s.entry_id = e.id)") == 0, what="everything sealed")
    return daemon.value("SELECT max(position) FROM audit_seal")


def checkpoint_at(daemon, position):
    wait_until(lambda: (daemon.value("SELECT max(position) FROM audit_checkpoint") or 0) >= position,
               what=f"a checkpoint at {position}")


def violations(ledger, daemon):
    """Of this ledger's writes; those of the others are in the database too, so nobody can tell rows of strangers."""
    return [v for v in ledger.check(lambda sql, *p: daemon.sql(sql, *p)) if "requests without an answer" not in v]


def test_the_drill(fresh_daemon):
    daemon = fresh_daemon()
    token = daemon.token("staff")
    with Ledger([daemon.url], token, seed=11) as before:
        before.progress(60)
    checkpoint_at(daemon, sealed(daemon))
    with Ledger([daemon.url], token, seed=12) as during:
        during.progress(15)
        made = back_up(daemon)
        during.progress(15, what="while and after the backup")
    highest = sealed(daemon)
    checkpoint_at(daemon, highest)
    assert daemon.stop() == 0

    other = new_folder(fresh_daemon, daemon.data / "keyring")
    outcome = restore(other, made, "--checkpoint", daemon.err_path)
    assert outcome.status == 0, outcome
    told = json.loads(outcome.out)
    other.start()
    # nothing acknowledged before the backup is missing, and each repeat finds what it made
    before.urls = during.urls = [other.url]
    verify = other.cli("audit", "verify")
    assert verify.status == 0, verify
    assert violations(before, other) == []
    # positions go on above all that were given, also those that were lost
    facts = json.loads((made / "backup.json").read_text())
    assert facts["sealed_position"] <= told["sealed_position"] < highest, "some work came after the backup"
    assert told["lost_entries"] == highest - told["sealed_position"]
    position = sealed(other)
    assert other.value("SELECT count(*) FROM audit_seal WHERE position BETWEEN %s AND %s", told["sealed_position"] + 1,
                       highest) == 0
    assert position > highest
    # and the restored one works: writes, seals, verifies
    with Ledger([other.url], token, seed=13) as after:
        after.progress(20)
    assert violations(after, other) == []
    assert sealed(other) > position
    verify = other.cli("audit", "verify")
    assert verify.status == 0, verify
    assert other.value("SELECT count(*) FROM audit_entry WHERE action = 'backup.restore'") == 1


def test_what_is_worth_money_comes_back(fresh_daemon, contract):
    """Certificates with their ledger, gifts and honours; what was printed verifies, and a claim that is sent again is the same."""
    daemon = fresh_daemon()
    staff, admin, hospital = (Api(daemon, contract).as_(role) for role in ("staff", "admin", "hospital"))
    certificates.enter_body(admin, "LC")
    round_id = Seeds(staff, itertools.count(1)).running()["id"]
    donor = staff.post("/api/v1/donors", json={"name": "Lò Thị Mẫu", "birth_date": "1990-02-03"}, expect=201).json()["id"]
    phone = Phone(admin, round_id)
    assert [item["verdict"] for item in phone.send(phone.gave(donor))["items"]] == ["applied"]
    given = daemon.value("SELECT id::text FROM donation WHERE donor_id = %s", donor)
    number = staff.post(f"/api/v1/donations/{given}/certificate", json={"issuer": "LC"}, expect=201).json()["number"]
    path, claim = f"/api/v1/certificates/{number}", {"id": str(uuid.uuid4()), "ml": 100, "used_on": TODAY, "facility": "Bệnh viện mẫu"}
    (text,) = certificates.codes_of(staff.post(f"{path}/prints", json={}, headers={"Idempotency-Key": "paper"}, expect=200).content)
    hospital.post(f"{path}/redemptions", json=claim, expect=201)
    staff.post(f"/api/v1/rounds/{round_id}/gifts", json={"donor": donor, "kind": "gift", "value_vnd": 150000}, expect=201)
    staff.post("/api/v1/honours", json={"donor": donor, "step": "first.1"}, expect=201)
    revoked = staff.get("/api/v1/certificates/revocations").json()["counter"]
    tables = ("certificate", "certificate_key", "certificate_print", "redemption", "gift", "honour", "honour_event", "issuing_body")

    def rows(of):
        return {table: of.sql(f"SELECT to_jsonb(t)::text FROM {table} AS t ORDER BY 1") for table in tables}
    sealed(daemon)
    made, before = back_up(daemon), rows(daemon)
    assert daemon.stop() == 0
    other = new_folder(fresh_daemon, daemon.data / "keyring")
    assert restore(other, made).status == 0
    other.start()
    other.tokens = daemon.tokens
    assert all(before.values()) and rows(other) == before
    staff, hospital, public = (Api(other, contract).as_(role) for role in ("staff", "hospital", "public"))
    told = public.post("/api/v1/certificates/verify", json={"text": text}, expect=200).json()
    assert told["genuine"] and told["number"] == number and told["balance_ml"] == 250
    assert certificates.codes_of(staff.get(f"{path}.pdf").content) == [text]
    assert hospital.post(f"{path}/redemptions", json=claim, expect=201).json()["balance_ml"] == 250
    assert public.get("/api/v1/certificates/revocations").json()["counter"] == revoked
    again = staff.post(f"/api/v1/donations/{given}/certificate", json={"issuer": "LC"})
    assert again.status_code == 409 and number in again.json()["detail"]
    outcome = other.cli("audit", "verify", "--records")
    assert outcome.status == 0, outcome


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A daemon's folder, stopped, with one backup; tests copy what they spoil."""
    one = Daemon().start()
    one.token("staff")
    sealed(one)
    made = back_up(one)
    assert one.stop() == 0
    yield one, made
    one.end()
    programs.remove(one.folder)


def copy_of(backup, folder):
    target = folder / backup.name
    shutil.copytree(backup, target, symlinks=True)
    return target


def test_a_backup_has_no_keys_and_is_closed(kept):
    daemon, made = kept
    assert (made.stat().st_mode & 0o777, made.parent.stat().st_mode & 0o777) == (0o700, 0o700)
    keys = [bytes.fromhex(p.read_text().strip()) for p in (daemon.data / "keyring").iterdir()]
    for path in made.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(k in content or k.hex().encode() in content for k in keys), path


def flip_a_byte(backup):
    path = max((backup / "postgres" / "base").rglob("[0-9]*"), key=lambda p: p.stat().st_size)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def lose_the_log(backup):
    for path in (backup / "postgres" / "pg_wal").glob("0*"):
        path.unlink()


SPOILED = {
    "a byte is another": flip_a_byte,
    "a file is missing": lambda b: next((b / "postgres" / "global").glob("[0-9]*")).unlink(),
    "a file too many": lambda b: (b / "postgres" / "base" / "extra").write_text("x"),
    "the log is missing": lose_the_log,
    "no backup.json": lambda b: (b / "backup.json").unlink(),
    "backup.json is no JSON": lambda b: (b / "backup.json").write_text("{"),
    "backup.json lacks a member": lambda b: (b / "backup.json").write_text('{"format":1}'),
    "a later format": lambda b: (b / "backup.json").write_text('{"format":2}'),
}


@pytest.mark.parametrize("fault", SPOILED)
def test_a_spoiled_backup_is_refused(kept, fresh_daemon, fault):
    daemon, made = kept
    one = new_folder(fresh_daemon, daemon.data / "keyring")
    copy = copy_of(made, one.folder)
    SPOILED[fault](copy)
    outcome = restore(one, copy)
    assert outcome.status == 1, outcome
    assert not list(one.data.glob("postgres*")), "nothing is left behind"


def test_a_tampered_copy_is_refused(kept, fresh_daemon):
    """The manifest fits, but backup.json says that the chain of the audit was another."""
    daemon, made = kept
    facts = json.loads((made / "backup.json").read_text())
    assert facts["sealed_position"] > 0
    one = new_folder(fresh_daemon, daemon.data / "keyring")
    copy = copy_of(made, one.folder)
    (copy / "backup.json").write_text(json.dumps({**facts, "sealed_hash": "0" * 64}))
    outcome = restore(one, copy)
    assert outcome.status == 1 and "chain" in outcome.err + outcome.out, outcome
    assert not (one.data / "postgres").exists()


def test_names_and_places_are_checked_first(kept, fresh_daemon):
    daemon, made = kept
    one = new_folder(fresh_daemon, daemon.data / "keyring")
    partial = one.folder / f"{made.name}.partial"
    shutil.copytree(made, partial, symlinks=True)
    assert restore(one, partial).status == 1
    assert restore(one, one.folder / "nowhere").status == 1
    assert not list(one.data.glob("postgres*"))
    # a folder with data is never written over
    again = restore(daemon, made)
    assert again.status == 1 and "holds data already" in again.out + again.err, again
    # keys first
    shutil.rmtree(one.data / "keyring")
    outcome = restore(one, made)
    assert outcome.status == 1 and "keyring import" in outcome.out + outcome.err, outcome
    assert not list(one.data.glob("postgres*"))


def test_other_keys_are_refused(kept, fresh_daemon):
    _, made = kept
    one = fresh_daemon(start=False)
    one.data.mkdir()
    assert one.cli("keyring", "create", one.data / "keyring").status == 0
    outcome = restore(one, made)
    assert outcome.status == 1, outcome
    assert not (one.data / "postgres").exists()
    # and no daemon makes an empty database of it
    one.launch()
    assert one.process.wait(30) == 1
    assert "interrupted" in one.log()


def launch(one, *arguments):
    environment = programs.REPORTS.watch(one.folder / "sanitizer")
    return subprocess.Popen([str(programs.BIN / "giothong"), *one.place, *map(str, arguments)], env=environment,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


def test_kill_in_the_middle_of_a_restore(kept, fresh_daemon):
    daemon, made = kept

    def killed_at(wait_for):
        one = new_folder(fresh_daemon, daemon.data / "keyring")
        running = launch(one, "restore", made)
        wait_until(lambda: (one.data / wait_for).exists() or running.poll() is not None, 30, 0.001, what=wait_for)
        running.kill()
        assert running.wait() == -signal.SIGKILL or (one.data / "postgres").exists(), "a restore that nobody killed ends well"
        return not (one.data / "postgres").exists() and one

    for wait_for in ("postgres.restored", "postgres.restored/postmaster.pid"):
        one = wait_until(lambda: killed_at(wait_for), what="one that was not over before it could be killed")
        outcome = restore(one, made)
        assert outcome.status == 0, outcome
        assert one.start().stop() == 0


def test_kill_in_the_middle_of_a_backup_and_keep(kept, fresh_daemon):
    daemon, made = kept
    one = new_folder(fresh_daemon, daemon.data / "keyring")
    assert restore(one, made).status == 0
    one.start()
    folder = one.folder / "backups"
    running = launch(one, "backup", folder)
    wait_until(lambda: (folder.exists() and list(folder.glob("*.partial/postgres"))) or running.poll() is not None, 30,
               0.001, what="a backup under way")
    assert running.poll() is None, "it was over before it could be killed"
    running.kill()
    running.wait()
    assert [n for n in backups(folder) if n.endswith(".partial")]
    first, second = back_up(one), back_up(one)
    running = launch(one, "backup", folder, "--keep", 2)
    # while the first one goes, it is never half there under its name: a kill could leave it so
    parts = [first / part for part in ("backup.json", "postgres/PG_VERSION", "postgres/backup_manifest", "postgres/global/pg_control")]
    while running.poll() is None:
        assert all(part.exists() for part in parts) or not first.exists()
        time.sleep(0.0005)
    assert running.returncode == 0 and first.name not in backups(folder)
    third = next(path for path in folder.iterdir() if path not in (first, second))
    assert backups(folder) == [second.name, third.name] and first < second < third
    assert one.value("SELECT count(*) FROM audit_entry WHERE action = 'backup.make'") == 3
    # a clock that was ahead has left names that come after all others: what was just made stays
    for ahead in ("20990101", "20990102"):
        (folder / f"giothong-{ahead}T000000Z").mkdir()
    fourth = back_up(one, "--keep", 2)
    assert backups(folder) == [fourth.name, "giothong-20990102T000000Z"]
    # one at a time
    running = launch(one, "backup", folder)
    wait_until(lambda: list(folder.glob("*.partial")), 30, 0.001, what="a backup under way")
    os.kill(running.pid, signal.SIGSTOP)
    try:
        outcome = one.cli("backup", folder)
        assert outcome.status == 1 and "under way" in outcome.err, outcome
    finally:
        os.kill(running.pid, signal.SIGCONT)
    assert running.wait(60) == 0


def test_a_full_disk_leaves_no_half_backup(kept, fresh_daemon):
    """A folder that cannot take it: refused in one line, nothing kept."""
    daemon, made = kept
    one = new_folder(fresh_daemon, daemon.data / "keyring")
    assert restore(one, made).status == 0
    one.start()
    if os.geteuid() != 0 or subprocess.run(["mountpoint", "-q", "/dev/shm"]).returncode != 0:
        pytest.skip("needs a small file system")
    small = pathlib.Path("/dev/shm") / one.folder.name
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(small)]).returncode == 0
    if not mounted:
        small.rmdir()
        pytest.skip("needs a small file system")
    try:
        outcome = one.cli("backup", small)
        assert outcome.status == 1 and "space" in outcome.err, outcome
        assert backups(small) == []
    finally:
        subprocess.run(["umount", str(small)], check=True)
        small.rmdir()


def test_a_server_s_cluster_into_a_folder(fresh_daemon):
    """The quarterly drill: a copy of a --config database becomes a --data folder, with its own settings set aside."""
    postgres = Postgres().make()
    try:
        postgres.sql("ALTER SYSTEM SET archive_command = '/bin/false'")
        config = postgres.configuration()
        config.write_text(config.read_text().replace(
            "[database]\n", f"[database]\nbackup_conninfo = {postgres.conninfo(postgres.user)}\n"))
        server = fresh_daemon(start=False, folder=postgres.folder, config=config)
        server.cli_ok("keyring", "create")
        server.cli_ok("migrate")
        server.start()
        token = server.new_token("staff", "drill")
        made = back_up(server)
        one = new_folder(fresh_daemon, postgres.folder / "keyring")
        outcome = restore(one, made)
        assert outcome.status == 0, outcome
        assert (one.data / "postgres" / "postgresql.auto.conf.before").exists()
        one.start()
        answer = httpx.get(f"{one.url}/api/v1/teams", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200
        assert server.stop() == 0
    finally:
        postgres.remove()


def test_a_drill_leaves_the_archive_alone(fresh_daemon):
    """Of a private cluster too: what people set does not come along. And a log that ends before the copy tells nothing."""
    daemon = fresh_daemon()
    daemon.token("staff")
    checkpoint_at(daemon, sealed(daemon))
    old = daemon.folder / "old.log"
    old.write_text(daemon.err_path.read_text())
    archive = daemon.folder / "archive"
    (daemon.data / "postgres" / "local.conf").write_text(f"archive_mode = on\narchive_command = 'echo %f >> {archive}'\n")
    daemon.sql("ALTER SYSTEM SET archive_timeout = 1")
    daemon.new_token("staff", "one more")
    sealed(daemon)
    made = back_up(daemon)
    assert daemon.stop() == 0
    one = new_folder(fresh_daemon, daemon.data / "keyring")
    outcome = restore(one, made, "--checkpoint", old)
    assert outcome.status == 0 and json.loads(outcome.out)["lost_entries"] is None, outcome
    assert "archive" in (one.data / "postgres" / "local.conf.before").read_text()
    assert "archive" in (one.data / "postgres" / "postgresql.auto.conf.before").read_text()
    one.start()
    assert one.value("SELECT current_setting('archive_mode') || current_setting('archive_timeout')") == "off0"
    assert not archive.exists()
    assert one.stop() == 0


def test_backup_needs_a_role_that_may(fresh_daemon):
    postgres = Postgres().make()
    try:
        config = postgres.configuration()
        server = fresh_daemon(start=False, folder=postgres.folder, config=config)
        server.cli_ok("keyring", "create")
        server.cli_ok("migrate")
        began = time.monotonic()
        outcome = server.cli("backup", server.folder / "backups")
        assert outcome.status == 1 and "REPLICATION" in outcome.err.upper(), outcome
        assert time.monotonic() - began < 30
        assert backups(server.folder / "backups") == []
    finally:
        postgres.remove()
