"""`giothong doctor`: each check seen to complain of the damage it is for, and of nothing else; what it says when it cannot look."""
import contextlib
import json
import os
import pathlib
import resource
import shutil
import socket
import threading
import time

import pytest

from harness import programs
from harness.daemon import own_daemon, wait_until
from harness.database import Postgres

# What no test machine can promise: a clock kept by NTP, checksums (the harness makes a cluster without), a daemon.
USUAL = {"machine.clock", "database.checksums", "daemons"}
HIDDEN = "hush-this-password"


@pytest.fixture(scope="module")
def postgres():
    one = Postgres().make()
    one.sql("ALTER SYSTEM SET log_parameter_max_length = 0", "ALTER SYSTEM SET log_error_verbosity = terse",
            "ALTER SYSTEM SET log_min_error_statement = panic", "SELECT pg_reload_conf()")
    write_settings(one)
    for words in (["migrate"], ["keyring", "create"]):
        outcome = programs.run("giothong", "--config", one.folder / "giothong.ini", *words, folder=one.folder)
        assert outcome.status == 0, outcome
    # By hand: the command would leave an entry in the record, which no daemon here seals.
    one.sql("INSERT INTO staff_user (id, login, name, role, password_hash, password_long, must_change) VALUES"
            " (gen_random_uuid(), 'quan', 'Quản', 'admin', '-', true, false)", database="giothong")
    yield one
    one.remove()


def write_settings(postgres, more="", database="giothong"):
    path = postgres.folder / "giothong.ini"
    conninfo = f"host={postgres.folder} port={postgres.port} dbname={database}"
    path.write_text(f"[database]\nconninfo = {conninfo} user=giothong_app password={HIDDEN}\n"
                    f"owner_conninfo = {conninfo} user=giothong_owner\n"
                    f"[keyring]\ndir = {postgres.folder}/keyring\n[workers]\ncount = 2\n{more}")
    path.chmod(0o600)
    return path


def doctor(postgres, *more, user=None, timeout=60, words=()):
    """{name: check}, the exit status, and all that was printed."""
    outcome = programs.run("giothong", "--config", postgres.folder / "giothong.ini", *more, "doctor", "--json", *words,
                           folder=postgres.folder, user=user, timeout=timeout)
    assert HIDDEN not in outcome.out + outcome.err and outcome.err == "", outcome
    answer = json.loads(outcome.out)
    checks = {check["name"]: check for check in answer["checks"]}
    failed = any(check["health"] == "failure" for check in checks.values())
    assert (outcome.status, answer["ok"]) == ((1, False) if failed else (0, True)), outcome
    for check in checks.values():
        assert check["found"] and (check["health"] not in ("warning", "failure") or check["todo"]), check
    return checks


def complaints(checks):
    return {name: check["health"] for name, check in checks.items()
            if check["health"] in ("warning", "failure") and (name not in USUAL or check["health"] == "failure")}


def test_a_good_set_up(postgres):
    checks = doctor(postgres)
    assert complaints(checks) == {}, checks
    assert checks["database.checksums"]["health"] == "warning" and checks["daemons"]["health"] == "warning"
    looked_at = {name for name, check in checks.items() if check["health"] == "ok"}
    assert len(looked_at) >= 15 and {"keyring", "database", "database.rights", "database.schema"} <= looked_at
    assert ("machine.disk" in looked_at) == (os.geteuid() == 0)


def test_words_in_both_languages(postgres):
    for locale, words in (("C.UTF-8", ["ok ", "warning ", "failures"]), ("vi_VN.UTF-8", ["tốt ", "cảnh báo ", "hỏng"])):
        outcome = programs.run("giothong", "--config", postgres.folder / "giothong.ini", "doctor", folder=postgres.folder,
                               environment={"LC_ALL": locale, "LANG": locale})
        assert outcome.status == 0 and all(word in outcome.out for word in words) and " -> " in outcome.out, outcome


@pytest.mark.parametrize("arguments", [["doctor"], ["doctor", "surplus"], ["doctor", "--nonsense"]])
def test_wrong_usage(postgres, arguments):
    assert programs.run("giothong", *arguments, folder=postgres.folder).status == 2


# ---- damage by the superuser: (what is done, how it is undone, check, health) ----

LATE = "clock_timestamp() - interval '2 hours'"
ENTRY = "INSERT INTO audit_entry (id, at, actor_kind, actor_role, action, subject_kind, subject_id, key_id) VALUES " \
        f"(gen_random_uuid(), {LATE}, 'command', 'admin', 'test.doctor', 'test', 'doctor', 1)"
NO_ENTRY = "DELETE FROM audit_entry WHERE action = 'test.doctor'"
TOKEN = "INSERT INTO access_token (id, name, hash, role, expires_at, unit_ids) VALUES " \
        "(gen_random_uuid(), 'doctor', sha256('doctor'), 'staff', {}, {})"
NO_TOKEN = "DELETE FROM access_token WHERE name = 'doctor'"
DAEMON = "INSERT INTO daemon (id, version, host, key_ids) VALUES (gen_random_uuid(), '{}', 'elsewhere', '{{1,1,1,1}}')"
NO_DAEMON = "DELETE FROM daemon WHERE host = 'elsewhere'"
ROUND = "INSERT INTO round (id, code, title, from_day, to_day, precision, date_status, time_status, place_status, status) VALUES " \
        "('00000000-0000-7000-8000-000000000001', 'DOC-01', 'x', current_date + 30, current_date + 30, 'day', 'proposed'," \
        " 'unknown', 'unknown', 'draft')"
ROUND_UNIT = "INSERT INTO round_unit (round_id, unit_id, position) SELECT '00000000-0000-7000-8000-000000000001', id, 1" \
             " FROM unit WHERE valid_to < current_date ORDER BY id LIMIT 1"
ENDED_UNIT = "(SELECT array_agg(id) FROM (SELECT id FROM unit WHERE valid_to < current_date ORDER BY id LIMIT 1) AS u)"

OLD_AND_NEW = f"({ENDED_UNIT} || (SELECT array_agg(id) FROM (SELECT id FROM unit WHERE valid_to IS NULL ORDER BY id LIMIT 1) AS n))"

BACKUP = ("INSERT INTO audit_entry (id, at, actor_kind, actor_role, action, subject_kind, subject_id, key_id) VALUES"
          " (gen_random_uuid(), now() - interval '30 hours', 'command', 'admin', 'backup.make', 'backup', 'giothong-x', 1)")

DAMAGE = {
    "superuser": ("ALTER ROLE giothong_app SUPERUSER", "ALTER ROLE giothong_app NOSUPERUSER", "database.role", "failure"),
    "create role": ("ALTER ROLE giothong_app CREATEROLE", "ALTER ROLE giothong_app NOCREATEROLE", "database.role", "failure"),
    "create database": ("ALTER ROLE giothong_app CREATEDB", "ALTER ROLE giothong_app NOCREATEDB", "database.role", "failure"),
    "replication": ("ALTER ROLE giothong_app REPLICATION", "ALTER ROLE giothong_app NOREPLICATION", "database.role", "failure"),
    "row security": ("ALTER ROLE giothong_app BYPASSRLS", "ALTER ROLE giothong_app NOBYPASSRLS", "database.role", "failure"),
    "tables in public": ("GRANT CREATE ON SCHEMA public TO PUBLIC", "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
                         "database.role", "failure"),
    "schemas": ("GRANT CREATE ON DATABASE giothong TO giothong_app", "REVOKE CREATE ON DATABASE giothong FROM giothong_app",
                "database.role", "failure"),
    "member of another role": ("GRANT pg_write_all_data TO giothong_app", "REVOKE pg_write_all_data FROM giothong_app",
                               {"database.role": "failure", "database.rights": "failure"}, None),
    "a table of its own": ("CREATE TABLE own (id int); ALTER TABLE own OWNER TO giothong_app", "DROP TABLE own",
                           {"database.role": "failure", "database.rights": "warning"}, None),
    "update of the record": ("GRANT UPDATE ON audit_entry TO giothong_app", "REVOKE UPDATE ON audit_entry FROM giothong_app",
                             "database.rights", "failure"),
    "update of one column of it": ("GRANT UPDATE (at) ON audit_entry TO giothong_app",
                                   "REVOKE UPDATE (at) ON audit_entry FROM giothong_app", "database.rights", "failure"),
    "delete for everybody": ("GRANT DELETE ON round_report TO PUBLIC", "REVOKE DELETE ON round_report FROM PUBLIC",
                             "database.rights", "failure"),
    "truncate": ("GRANT TRUNCATE ON idempotency TO giothong_app", "REVOKE TRUNCATE ON idempotency FROM giothong_app",
                 "database.rights", "failure"),
    "delete of rounds": ("GRANT DELETE ON round TO giothong_app", "REVOKE DELETE ON round FROM giothong_app",
                         "database.rights", "warning"),
    "a right less": ("REVOKE INSERT ON round_report FROM giothong_app", "GRANT INSERT ON round_report TO giothong_app",
                     "database.rights", "failure"),
    "a column less": ("REVOKE UPDATE (revoked_at) ON access_token FROM giothong_app",
                      "GRANT UPDATE (revoked_at) ON access_token TO giothong_app", "database.rights", "failure"),
    "fsync": ("ALTER SYSTEM SET fsync = off", "ALTER SYSTEM RESET fsync", "database.durability", "failure"),
    "full pages": ("ALTER SYSTEM SET full_page_writes = off", "ALTER SYSTEM RESET full_page_writes", "database.durability", "failure"),
    "commits of this role": ("ALTER ROLE giothong_app SET synchronous_commit = off", "ALTER ROLE giothong_app RESET synchronous_commit",
                             "database.durability", "failure"),
    "values in the log": ("ALTER SYSTEM SET log_parameter_max_length = -1", "ALTER SYSTEM SET log_parameter_max_length = 0",
                          "database.log", "warning"),
    "values and statements in it": ("ALTER SYSTEM SET log_parameter_max_length = 100; ALTER DATABASE giothong SET log_statement = 'mod'",
                                    "ALTER SYSTEM SET log_parameter_max_length = 0; ALTER DATABASE giothong RESET log_statement",
                                    "database.log", "failure"),
    "values of errors": ("ALTER SYSTEM SET log_parameter_max_length_on_error = -1", "ALTER SYSTEM RESET log_parameter_max_length_on_error",
                         "database.log", "failure"),
    "rows of errors": ("ALTER SYSTEM SET log_error_verbosity = default", "ALTER SYSTEM SET log_error_verbosity = terse",
                       "database.log", "failure"),
    "autovacuum": ("ALTER SYSTEM SET autovacuum = off", "ALTER SYSTEM RESET autovacuum", "database.upkeep", "warning"),
    "few connections": ("ALTER ROLE giothong_app CONNECTION LIMIT 8", "ALTER ROLE giothong_app CONNECTION LIMIT -1",
                        "database.connections", "failure"),
    "a migration missing": ("CREATE TABLE kept AS SELECT * FROM schema_migration WHERE number = 3;"
                            "DELETE FROM schema_migration WHERE number = 3",
                            "INSERT INTO schema_migration SELECT * FROM kept; DROP TABLE kept", "database.schema", "failure"),
    "a migration edited": ("UPDATE schema_migration SET checksum = reverse(checksum) WHERE number = 1",
                           "UPDATE schema_migration SET checksum = reverse(checksum) WHERE number = 1", "database.schema", "failure"),
    "a newer schema": ("INSERT INTO schema_migration VALUES (9000, '9000_x.sql', 'x', '99.0.0')",
                       "DELETE FROM schema_migration WHERE number = 9000", "database.schema", "failure"),
    "a stranger": (DAEMON.format("7.0.0"), NO_DAEMON, "daemons", "failure"),
    "other rules": (f"{DAEMON.format('0.1.0')}; UPDATE daemon SET rules = 'of-another-file 1'", NO_DAEMON, "daemons.rules", "warning"),
    "nobody seals": (ENTRY, NO_ENTRY, "audit.sealing", "warning"),
    "the sealer stands": (f"{ENTRY}; {DAEMON.format('0.1.0')}", f"{NO_ENTRY}; {NO_DAEMON}", "audit.sealing", "failure"),
    "a token that ends": (TOKEN.format("now() + interval '13 days'", "'{}'"), NO_TOKEN, "access.tokens", "warning"),
    "a token of an old unit": (TOKEN.format("NULL", ENDED_UNIT), NO_TOKEN, "access.tokens", "warning"),
    "an account of an old unit": (f"UPDATE staff_user SET unit_ids = {ENDED_UNIT}", "UPDATE staff_user SET unit_ids = '{}'", "access.scopes", "warning"),
    "no administrator": ("UPDATE staff_user SET state = 'disabled'", "UPDATE staff_user SET state = 'active'", "access.admins", "warning"),
    "old holidays": ("CREATE TABLE kept AS SELECT * FROM calendar; UPDATE calendar SET holidays_known_to = current_date + 30",
                     "UPDATE calendar SET holidays_known_to = (SELECT holidays_known_to FROM kept); DROP TABLE kept",
                     "places.holidays", "warning"),
    "no holidays": ("CREATE TABLE kept AS SELECT * FROM calendar; DELETE FROM calendar",
                    "INSERT INTO calendar SELECT * FROM kept; DROP TABLE kept", "places.holidays", "warning"),
    "a round at an old unit": (f"{ROUND}; {ROUND_UNIT}", "DELETE FROM round_unit WHERE round_id = '00000000-0000-7000-8000-000000000001';"
                               "DELETE FROM round WHERE code = 'DOC-01'", "places.units", "warning"),
}


def statements(text):
    return [one for one in text.split(";") if one.strip()]


def repair(postgres, text):
    postgres.sql(*statements(text), "SELECT pg_reload_conf()", database="giothong")


@pytest.mark.parametrize("case", DAMAGE, ids=str)
def test_damage(postgres, case):
    damage, undo, check, health = DAMAGE[case]
    expected = check if isinstance(check, dict) else {check: health}
    repair(postgres, damage)
    try:
        # A reloaded setting reaches new sessions a moment later, and so does the last one's repair.
        wait_until(lambda: complaints(doctor(postgres)) == expected, what=str(expected))
    finally:
        repair(postgres, undo)


def test_a_scope_that_still_has_a_unit(postgres):
    repair(postgres, f"UPDATE staff_user SET unit_ids = {OLD_AND_NEW}; {TOKEN.format('NULL', OLD_AND_NEW)}")
    try:
        assert complaints(doctor(postgres)) == {}
    finally:
        repair(postgres, f"UPDATE staff_user SET unit_ids = '{{}}'; {NO_TOKEN}")


def test_a_daemon_of_the_next_version(postgres):
    repair(postgres, DAEMON.format("0.2.0"))
    try:
        check = doctor(postgres)["daemons"]
    finally:
        repair(postgres, NO_DAEMON)
    assert check["health"] == "warning" and "0.2.0" in check["found"] and "elsewhere" in check["found"]


def test_all_was_repaired(postgres):
    wait_until(lambda: complaints(doctor(postgres)) == {}, what="all well again")


@pytest.mark.parametrize("name, options, check, health", [
    ("latin", "ENCODING 'LATIN1' LOCALE 'C'", "database.encoding", "failure"),
    ("icu", "ENCODING 'UTF8' ICU_LOCALE 'vi' LOCALE_PROVIDER icu LOCALE 'C.UTF-8'", "database.encoding", "warning"),
    ("empty", "ENCODING 'UTF8' LOCALE 'C.UTF-8'", "database.schema", "failure"),
])
def test_another_database(postgres, name, options, check, health):
    postgres.sql(f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name} TEMPLATE template0 {options}")
    write_settings(postgres, database=name)
    try:
        assert doctor(postgres)[check]["health"] == health
    finally:
        write_settings(postgres)


def test_clocks_apart(postgres):
    import datetime
    for ahead, health in ((25, "warning"), (-300, "failure")):       # less, by the time that the command takes to look
        there = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=ahead)).isoformat(timespec="seconds")
        assert doctor(postgres, "--set", f"test.now={there}")["database.clock"]["health"] == health


# ---- what there is to go back to ----

HOUR = 3600


def named(hours_ago):
    return time.strftime("giothong-%Y%m%dT%H%M%SZ", time.gmtime(time.time() - hours_ago * HOUR))


def test_the_age_of_the_last_backup(postgres, tmp_path):
    def found(**options):
        return doctor(postgres, words=["--backups", tmp_path], **options)["backup"]

    assert found()["health"] == "ok", "a database of today has none yet"
    repair(postgres, "UPDATE schema_migration SET applied_at = now() - interval '8 days'")
    try:
        assert found()["health"] == "failure" and str(tmp_path) in found()["found"]
        (tmp_path / "giothong-20200101T000000Z.partial").mkdir()
        (tmp_path / named(-30)).mkdir()          # by a clock that was ahead
        assert found()["health"] == "failure" and str(tmp_path) in found()["found"]
        for hours, health in ((8 * 24, "failure"), (49, "warning"), (20, "ok")):
            (tmp_path / named(hours)).mkdir()
            assert found()["health"] == health and f"{hours} h ago" in found()["found"]
        check = doctor(postgres, words=["--backups", tmp_path / "nowhere"])["backup"]
        assert check["health"] == "failure" and "nowhere" in check["found"]
        # without the option the record tells too, since who asks may not look into the folder
        if not pathlib.Path("/var/backups/giothong").exists():
            assert doctor(postgres)["backup"]["health"] == "failure"
            repair(postgres, BACKUP)
            assert "30 h ago" in doctor(postgres)["backup"]["found"]
    finally:
        repair(postgres, "UPDATE schema_migration SET applied_at = now(); DELETE FROM audit_entry WHERE action = 'backup.make'")


def test_the_archive_of_the_servers_log():
    one = Postgres().make()
    try:
        write_settings(one)
        assert doctor(one)["database.archive"]["found"].startswith("archive_mode is off")
        one.sql("ALTER SYSTEM SET archive_mode = on")
        one.stop()
        one.start()
        assert "archive_command is not set" in doctor(one)["database.archive"]["found"]
        one.sql("ALTER SYSTEM SET archive_command = '/bin/false'", "SELECT pg_reload_conf()", "CREATE TABLE x ()", "SELECT pg_switch_wal()")
        check = wait_until(lambda: (c := doctor(one)["database.archive"])["health"] == "failure" and "could not" in c["found"] and c, 60, what="it fails")
        assert "0000000100000000000000" in check["found"]
        one.sql("ALTER SYSTEM SET archive_command = '/bin/true'", "SELECT pg_reload_conf()", "CREATE TABLE y ()", "SELECT pg_switch_wal()")
        wait_until(lambda: doctor(one)["database.archive"]["health"] == "ok", 90, what="it works")
    finally:
        one.remove()


# ---- the settings, the keys, the machine ----

@pytest.mark.parametrize("more, check, health", [
    ("[listen]\ninsecure = yes\n", "settings.listener", "warning"),
    ("[listen]\ntrusted_proxy = 0.0.0.0/0\n", "settings.listener", "failure"),
    ("[listen]\naddress = unix:/nonexistent/1.sock\n", "machine.sockets", "failure"),
    ("[limits]\nconections = 5\n", "settings.file", "failure"),
    ("[limits]\nbody = much\n", "settings.file", "failure"),
])
def test_settings(postgres, more, check, health):
    write_settings(postgres, more)
    try:
        checks = doctor(postgres)
    finally:
        write_settings(postgres)
    assert checks[check]["health"] == health, checks
    if check == "settings.file":
        assert "giothong.ini:" in checks[check]["found"] and checks["database"]["health"] == "skipped"


def test_rights_of_the_file(postgres):
    path = postgres.folder / "giothong.ini"
    for mode, words in ((0o644, "password"), (0o662, "others")):
        path.chmod(mode)
        check = doctor(postgres)["settings.file"]
        assert check["health"] == "failure" and words in check["found"], check
    path.chmod(0o600)


def test_a_file_that_is_not_there(postgres):
    path = postgres.folder / "giothong.ini"
    path.rename(postgres.folder / "away.ini")
    try:
        assert doctor(postgres)["settings.file"]["health"] == "failure"
    finally:
        (postgres.folder / "away.ini").rename(path)


def open_folder(keyring):
    keyring.chmod(0o750)


def open_key(keyring):
    next(keyring.glob("hash*")).chmod(0o644)


def lose_key(keyring):
    next(keyring.glob("wrap*")).unlink()


def cut_key(keyring):
    path = next(keyring.glob("sign*"))
    path.write_text(path.read_text()[:40] + "\n")


def lose_all(keyring):
    shutil.rmtree(keyring)


@pytest.mark.parametrize("damage", [open_folder, open_key, lose_key, cut_key, lose_all], ids=lambda d: d.__name__)
def test_keyring(postgres, damage):
    keyring, kept = postgres.folder / "keyring", postgres.folder / "kept"
    secrets = {path.read_text().strip() for path in keyring.glob("*.key")}
    shutil.copytree(keyring, kept)
    try:
        damage(keyring)
        checks = doctor(postgres)
    finally:
        shutil.rmtree(keyring, ignore_errors=True)
        kept.rename(keyring)
    assert complaints(checks) == {"keyring": "failure"}, checks
    assert not any(secret in json.dumps(checks) for secret in secrets)


def test_keys_of_another_database(postgres):
    """The database remembers its keys from the first command on; others are found out, and so is one that is gone."""
    assert doctor(postgres)["database.keys"]["health"] == "skipped"
    outcome = programs.run("giothong", "--config", postgres.folder / "giothong.ini", "token", "list", folder=postgres.folder)
    assert outcome.status == 0, outcome
    assert doctor(postgres)["database.keys"]["health"] == "ok"
    keyring, kept = postgres.folder / "keyring", postgres.folder / "kept"
    keyring.rename(kept)
    try:
        outcome = programs.run("giothong", "keyring", "create", keyring, folder=postgres.folder)
        assert outcome.status == 0, outcome
        assert complaints(doctor(postgres)) == {"database.keys": "failure"}
        shutil.rmtree(keyring)
        shutil.copytree(kept, keyring)
        repair(postgres, "UPDATE key SET state = 'retired' WHERE kind = 'sign'; INSERT INTO key SELECT kind, 2, 'active',"
                         " substr(sha256(fingerprint), 1, 16), public_key FROM key WHERE kind = 'sign'")
        checks = doctor(postgres)
        assert complaints(checks) == {"database.keys": "failure"} and "sign" in checks["database.keys"]["found"], checks
    finally:
        repair(postgres, "DELETE FROM key WHERE id = 2; UPDATE key SET state = 'active' WHERE kind = 'sign'")
        shutil.rmtree(keyring, ignore_errors=True)
        kept.rename(keyring)
    assert complaints(doctor(postgres)) == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user is tried by root alone")
def test_as_an_ordinary_user(postgres):
    """What it may not look at is skipped, not taken for broken."""
    (postgres.folder / "giothong.ini").chmod(0o644)
    try:
        checks = doctor(postgres, user=12345)
    finally:
        (postgres.folder / "giothong.ini").chmod(0o600)
    assert checks["keyring"]["health"] == "skipped" and checks["machine.disk"]["health"] == "skipped"
    assert checks["database"]["health"] == "ok"


@contextlib.contextmanager
def listener(path, status, mode):
    """A socket that answers every request with that status."""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(str(path))
    path.chmod(mode)
    server.listen(8)

    def serve():
        with contextlib.suppress(OSError):
            while True:
                one, _ = server.accept()
                one.recv(4096)
                one.sendall(f"HTTP/1.1 {status} x\r\nContent-Length: 0\r\n\r\n".encode())
                one.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(10)
        path.unlink()


@pytest.mark.parametrize("status, mode, health", [(200, 0o660, "ok"), (503, 0o660, "failure"), (200, 0o666, "warning"), (200, 0o600, "warning")])
def test_sockets(postgres, status, mode, health):
    path = postgres.folder / "one.sock"
    with listener(path, status, mode):
        checks = doctor(postgres, "--set", f"listen.address=unix:{path}", "--set", "listen.trusted_proxy=unix")
    assert checks["machine.sockets"]["health"] == health, checks
    assert checks["settings.listener"]["health"] == "ok"


# ---- without a database, and beside a daemon ----

def test_without_a_database(postgres):
    """Then it says exactly that, and looks at everything else."""
    postgres.stop()
    try:
        checks = doctor(postgres)
    finally:
        postgres.start()
    assert complaints(checks) == {"database": "failure"}, checks
    skipped = {name for name, check in checks.items() if check["health"] == "skipped"}
    assert {name for name in checks if name.startswith("database.")} <= skipped
    assert checks["keyring"]["health"] == checks["settings.file"]["health"] == "ok"
    assert complaints(doctor(postgres)) == {}


def test_a_database_that_is_frozen(postgres):
    postgres.freeze()
    try:
        checks = doctor(postgres, timeout=120)
    finally:
        postgres.thaw()
    assert checks["database"]["health"] == "failure" and checks["keyring"]["health"] == "ok"


def test_a_role_that_may_not_come_in(postgres):
    postgres.sql("ALTER ROLE giothong_app NOLOGIN")
    try:
        check = doctor(postgres)["database"]
    finally:
        postgres.sql("ALTER ROLE giothong_app LOGIN")
    assert check["health"] == "failure" and "giothong_app" in check["found"]


def as_json(outcome):
    return {check["name"]: check for check in json.loads(outcome.out)["checks"]}


@pytest.fixture(scope="module")
def running():
    """A private cluster and its daemon, which may open no core file (test builds do not see to that themselves)."""
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, before[1]))
    try:
        with own_daemon(now=None, settings={"limits.connections": 100}) as one:
            yield one
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)


def look(daemon, *more):
    return as_json(daemon.cli("--set", "limits.connections=100", *more, "doctor", "--json"))


def test_beside_a_daemon(running):
    checks = wait_until(lambda: (c := look(running))["daemons"]["health"] == "ok" and c, what="the daemon's sign of life")
    assert {n for n, c in checks.items() if c["health"] in ("warning", "failure")} <= {"machine.clock", "access.admins"}, checks
    for name in ("machine.descriptors", "machine.core_files", "database.checksums", "database.log", "audit.sealing"):
        assert checks[name]["health"] == "ok", checks[name]


def test_limits_of_the_process(running):
    limits = [(resource.RLIMIT_NOFILE, 150, "machine.descriptors"), (resource.RLIMIT_CORE, 4096, "machine.core_files")]
    for limit, value, name in limits:
        before = resource.prlimit(running.process.pid, limit)
        if before[1] != resource.RLIM_INFINITY and before[1] < value:
            continue                     # may not be raised here
        resource.prlimit(running.process.pid, limit, (value, before[1]))
        try:
            assert look(running)[name]["health"] == "warning"
        finally:
            resource.prlimit(running.process.pid, limit, before)


def test_settings_of_the_private_cluster(running):
    """local.conf is the operator's; what it spoils is seen."""
    path = running.data / "postgres" / "local.conf"
    before = path.read_text()
    path.write_text(before + "fsync = off\nlog_parameter_max_length = -1\n")
    try:
        running.sql("SELECT pg_reload_conf()")
        wait_until(lambda: look(running)["database.durability"]["health"] == "failure", what="the new setting")
        assert look(running)["database.log"]["health"] == "warning"
    finally:
        path.write_text(before)
        running.sql("SELECT pg_reload_conf()")


def test_a_folder_without_data(running):
    outcome = programs.run("giothong", "--data", running.folder / "nowhere", "doctor", "--json", folder=running.folder)
    assert outcome.status == 1
    checks = as_json(outcome)
    assert checks["database"]["health"] == "failure" and "nowhere" in checks["database"]["found"]
    assert not pathlib.Path(running.folder / "nowhere").exists()
