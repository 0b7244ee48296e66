"""Keys that change while daemons run: rotations under load, kills at every point, hosts that lack a key, copies."""
import concurrent.futures
import contextlib
import itertools
import json
import os
import pty
import random
import re
import shutil
import signal
import subprocess
import termios
import threading
import time

import httpx
import pytest

from harness import programs
from harness.daemon import Daemon, wait_until
from harness.database import Postgres

KINDS = ["hash", "wrap", "sign", "suppression"]
SECRET = "giot mau hong mua he 2027"

# Where a rotation of the hash key can be killed, in order.
POINTS = ["file", "staged", "dual", "hash-2.dual", "active", "hash-2.active", "hash-1.dual", "retired", "hash-1.retired"]


class Site:
    """A database of its own and daemons on it; each host has its own copy of the keyring."""

    def __init__(self):
        self.postgres = Postgres().make()
        self.folder = self.postgres.folder
        self.daemons = []
        self.one = self.host("keyring")
        self.command("keyring", "create", check=True)
        self.command("migrate", check=True)

    def host(self, name):
        """Settings whose keyring is the folder of that name; copied from the first host where it is not there."""
        config, keyring = self.folder / f"{name}.ini", self.folder / name
        config.write_text(self.postgres.configuration().read_text().replace(str(self.folder / "keyring"), str(keyring)))
        first = self.folder / "keyring"
        if keyring != first and first.exists() and not keyring.exists():
            shutil.copytree(first, keyring)
        return config

    def daemon(self, config=None, start=True, **options):
        one = Daemon(folder=self.folder, config=config or self.one, now=None, **options)
        self.daemons.append(one)
        return one.start() if start else one

    def command(self, *arguments, config=None, check=False, **options):
        outcome = programs.run("giothong", "--config", config or self.one, *arguments, folder=self.folder, timeout=180, **options)
        if check:
            assert outcome.status == 0, outcome
        return outcome

    def rotate(self, kind, *more, **options):
        outcome = self.command("keyring", "rotate", kind, "--json", *more, **options)
        return outcome, json.loads(outcome.out) if outcome.out else None

    def sql(self, statement):
        return self.postgres.sql(statement, database="giothong")

    def value(self, statement):
        rows = self.sql(statement)
        return rows[0][0] if rows else None

    def states(self, kind):
        return dict(self.sql(f"SELECT id, state FROM key WHERE kind = '{kind}' ORDER BY id"))

    def files(self, kind, folder="keyring"):
        return sorted(p.name for p in (self.folder / folder).iterdir() if p.name.startswith(f"{kind}-"))

    def end(self):
        for one in self.daemons:
            one.end()
        self.postgres.remove()


@pytest.fixture
def site():
    one = Site()
    try:
        yield one
        for daemon in one.daemons:
            assert daemon.stop() in (0, None), daemon.log()
    finally:
        one.end()


@pytest.fixture(scope="module")
def shared():
    """For tests that leave nothing behind that another one minds."""
    one = Site()
    try:
        yield one
    finally:
        one.end()


class Load:
    """
    Requests that create, each with an Idempotency-Key and each sent several times, to any daemon, now and
    later. A client that gets no answer asks again with the same key, as clients must.
    """

    def __init__(self, daemons, token, threads=3):
        self.daemons, self.headers = daemons, {"Authorization": f"Bearer {token}"}
        self.made, self.wrong, self.sent = {}, [], 0
        self.lock, self.stopping = threading.Lock(), threading.Event()
        self.numbers = itertools.count(1)
        self.threads = [threading.Thread(target=self.run, args=(n,), daemon=True) for n in range(threads)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *error):
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)

    def send(self, http, daemon, key, body):
        with contextlib.suppress(httpx.HTTPError):
            return http.post(f"{daemon.url}/api/v1/teams", json=body, headers={**self.headers, "Idempotency-Key": key})
        return None

    def until_answered(self, http, rand, key, body, expect):
        """The answer that the client believes: one that says try again is no answer."""
        end = time.monotonic() + 40
        while time.monotonic() < end:
            answer = self.send(http, rand.choice(self.daemons), key, body)
            self.sent += 1
            if answer is None or answer.status_code == 503 or "idempotency-running" in answer.text:
                time.sleep(0.1)
                continue
            if answer.status_code != expect:
                self.wrong.append((key, answer.status_code, answer.text[:300]))
            return answer
        self.wrong.append((key, "no answer", body))
        return None

    def run(self, number):
        rand = random.Random(number)
        with httpx.Client(timeout=20) as http, concurrent.futures.ThreadPoolExecutor(1) as beside:
            while not self.stopping.is_set():
                n = next(self.numbers)
                key, body = f"khoa-{n}", {"code": f"T{n}", "name": "Đội"}
                twin = beside.submit(self.send, httpx, rand.choice(self.daemons), key, body) if n % 3 == 0 else None
                answer = self.until_answered(http, rand, key, body, 201)
                if answer is not None and answer.status_code == 201:
                    with self.lock:
                        self.made[key] = (answer.json()["id"], body)
                if twin and twin.result() is not None and twin.result().status_code == 201:
                    self.same(key, twin.result())
                with self.lock:
                    old = rand.choice(list(self.made)) if self.made else None
                if old and rand.random() < 0.8:
                    again = self.until_answered(http, rand, old, self.made[old][1], 201)
                    if again is not None:
                        self.same(old, again)
                elif old:
                    self.until_answered(http, rand, old, {**self.made[old][1], "name": "Khác"}, 422)
                time.sleep(0.02)

    def same(self, key, answer):
        if answer.status_code == 201 and key in self.made and answer.json()["id"] != self.made[key][0]:
            self.wrong.append((key, "made twice", answer.json()["id"]))

    def check(self, site):
        assert not self.wrong, self.wrong[:5]
        assert len(self.made) > 20, self.made
        codes = [body["code"] for _, body in self.made.values()]
        rows = dict(site.sql("SELECT code, id::text FROM team"))
        assert {c: rows.get(c) for c in codes} == {body["code"]: made for made, body in self.made.values()}
        assert len(rows) == len(self.made), "nothing was made that nobody was told of"


def new_token(site):
    return site.command("token", "create", "--role", "staff", "--name", "tai", check=True).out.strip()


def test_four_rotations_under_load_killed_at_every_point(site):
    pair = [site.daemon(), site.daemon()]
    with Load(pair, new_token(site)) as load:
        wait_until(lambda: len(load.made) > 10, 60, what="the load has begun")
        for point in POINTS:
            outcome, _ = site.rotate("hash", environment={"GIOTHONG_TEST_KILL": point})
            assert outcome.status == -signal.SIGKILL, (point, outcome)
        outcome, answer = site.rotate("hash")
        assert outcome.status == 0 and answer["finished"] and answer["active"] == 2, outcome
        for kind in KINDS[1:]:
            outcome, answer = site.rotate(kind)
            assert outcome.status == 0, outcome
            assert [s["step"] for s in answer["steps"]] == ["stage", "dual", "activate", "retire"]
    load.check(site)
    for kind in KINDS:
        assert site.states(kind) == {1: "retired", 2: "active"}
        assert site.files(kind) == [f"{kind}-1.retired.key", f"{kind}-2.active.key"]
        steps = dict(site.sql("SELECT action || ' ' || subject_id, count(*) FROM audit_entry WHERE subject_kind = 'key'"
                              f" AND subject_id LIKE '{kind}-%' GROUP BY 1"))
        assert steps == {f"key.{a} {kind}-{n}": 1 for a, n in
                         [("register", 1), ("stage", 2), ("dual", 2), ("activate", 2), ("dual", 1), ("retire", 1)]}
    # what was written before, between and after is found by both, and by one that starts now
    third = site.daemon()
    with httpx.Client(timeout=20, headers=load.headers) as http:
        for key in random.Random(7).sample(sorted(load.made), 20):
            made, body = load.made[key]
            for daemon in (*pair, third):
                answer = http.post(f"{daemon.url}/api/v1/teams", json=body, headers={"Idempotency-Key": key})
                assert answer.status_code == 201 and answer.json()["id"] == made, answer.text
    # the audit's chain, signed with the old key and with the new one, verifies
    wait_until(lambda: site.value("SELECT count(DISTINCT key_id) FROM audit_checkpoint") == 2, what="both keys have signed")
    site.command("audit", "verify", check=True)
    # a finished rotation is not begun again by mistake
    outcome, answer = site.rotate("hash")
    assert outcome.status == 0 and answer["steps"] == [] and answer["finished"]
    outcome, answer = site.rotate("hash", "--again")
    assert outcome.status == 0 and answer["active"] == 3
    assert site.states("hash") == {1: "retired", 2: "retired", 3: "active"}


def name_of(daemon):
    return re.findall(r"^ready .* id=(\S+)", daemon.err_path.read_text(), re.M)[-1]


def forget(site, daemon):
    """As if the killed daemon had been silent for long."""
    site.sql(f"UPDATE daemon SET seen_at = seen_at - interval '20 seconds' WHERE id = '{name_of(daemon)}'")


def test_daemons_killed_at_each_step_of_a_rotation(site):
    one, other = [site.daemon(), site.daemon()]
    with Load([one, other], new_token(site)) as load, concurrent.futures.ThreadPoolExecutor(1) as beside:
        wait_until(lambda: len(load.made) > 10, 60, what="the load has begun")

        def step(name, victim=None, after=0.0):
            rotation = beside.submit(site.rotate, "hash", "--step")
            if victim:
                time.sleep(after)
                victim.kill()
                forget(site, victim)
            outcome, answer = rotation.result()
            assert outcome.status == 0, outcome
            assert [s["step"] for s in answer["steps"]] == [name]

        step("stage", one, 0.2)
        one.start()
        other.kill()                     # it never hears of the next step
        step("dual")
        name = name_of(other)
        step("activate")
        assert site.value("SELECT k.changed_at - d.seen_at > interval '20 seconds' FROM key k, daemon d WHERE k.kind = 'hash'"
                          f" AND k.state = 'active' AND d.id = '{name}'"), "one that fell silent may be frozen: it is waited for"
        other.start()
        step("retire", one, 0.4)
        one.start()
    load.check(site)
    assert site.states("hash") == {1: "retired", 2: "active"}
    assert site.rotate("hash")[0].status == 0, "and all have taken it up"


def test_a_host_that_lacks_the_new_key(site):
    near, far = site.daemon(), site.daemon(site.host("far"))

    def until_only_far_lacks_it():
        outcome, answer = site.rotate("hash", "--wait", "3")
        assert outcome.status == 1 and site.states("hash") == {1: "active", 2: "staged"}
        return [d["absent"] for d in answer["waiting_for"]] == [["hash-2"]] and (outcome, answer)
    outcome, answer = wait_until(until_only_far_lacks_it, what="the near one has it")
    assert [d["keyring"] for d in answer["waiting_for"]] == [str(site.folder / "far")]
    assert answer["waiting_for"][0]["host"]
    for part in (answer["waiting_for"][0]["id"], answer["waiting_for"][0]["host"], str(site.folder / "far"), "hash-2", "runs since"):
        assert part in outcome.err, outcome
    listed = site.command("keyring", "list")
    assert re.search(r"hash-2 +staged .* 1 of 2 daemons\n +daemon .* lacks hash-2", listed.out), listed
    copy_key(site, "hash-2.staged.key", "far")
    outcome, answer = site.rotate("hash")
    assert outcome.status == 0 and answer["finished"], outcome
    # the database's word counts there, not the names of the files
    assert site.files("hash", "far") == ["hash-1.active.key", "hash-2.staged.key"]
    assert re.search(r"hash-2 +active .* 2 of 2 daemons\n", site.command("keyring", "list").out)
    assert far.stop() == 0

    # and now it starts without that key
    (site.folder / "far" / "hash-2.staged.key").rename(site.folder / "hidden")
    far.launch()
    answer = wait_until(lambda: ask(far, "/readyz"), what="an answer")
    assert answer.status_code == 503
    wait_until(lambda: "hash key 2" in ask(far, "/readyz").text, what="which key")
    assert str(site.folder / "far") in ask(far, "/readyz").text
    wait_until(lambda: "waits for a key" in far.log(), what="its line")
    assert ask(far, "/healthz").status_code == 200 and ask(far, "/api/v1/rounds").status_code == 503
    token = new_token(site)
    refused = httpx.post(f"{far.url}/api/v1/teams", json={"code": "X", "name": "Đội"},
                         headers={"Authorization": f"Bearer {token}", "Idempotency-Key": "x"})
    assert refused.status_code == 503 and site.value("SELECT count(*) FROM team") == 0
    command = site.command("token", "list", config=site.folder / "far.ini")
    assert command.status == 1 and "hash key 2" in command.err, command
    assert "NOT HERE" in site.command("keyring", "list", config=site.folder / "far.ini", check=True).out
    (site.folder / "hidden").rename(site.folder / "far" / "hash-2.staged.key")
    wait_until(lambda: ask(far, "/readyz").status_code == 200, what="ready, without a restart")
    assert near.process.poll() is None


def ask(daemon, path):
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(f"{daemon.url}{path}", timeout=10)
    return None


def put(site, path, text):
    """All of it at once: a daemon that looks just then finds no empty file."""
    draft = site.folder / "draft"
    draft.write_text(text)
    draft.chmod(0o600)
    draft.replace(path)


def copy_key(site, name, to):
    shutil.copy2(site.folder / "keyring" / name, site.folder / to / name)


def test_rotations_begun_on_two_hosts(site):
    """The second one neither makes another key of that id nor goes on without the first one's."""
    far = site.host("far")
    outcome, _ = site.rotate("wrap", "--step")
    assert outcome.status == 0
    outcome, _ = site.rotate("wrap", config=far)
    assert outcome.status == 1 and "the staged wrap key 2" in outcome.err, outcome
    assert site.files("wrap", "far") == ["wrap-1.active.key"]
    copy_key(site, "wrap-2.staged.key", "far")
    outcome, answer = site.rotate("wrap", config=far)
    assert outcome.status == 0 and answer["active"] == 2
    assert site.files("wrap", "far") == ["wrap-1.retired.key", "wrap-2.active.key"]
    # on the first host the names follow when a command works there; copied once more, a key has two names
    shutil.copy2(site.folder / "far" / "wrap-2.active.key", site.folder / "keyring" / "wrap-2.active.key")
    assert site.rotate("wrap")[0].status == 0
    assert site.files("wrap") == ["wrap-1.retired.key", "wrap-2.active.key"]


def test_a_database_and_a_daemon_of_before(site):
    """A database that was migrated gets its rows from the first program that comes; an old daemon blocks a rotation."""
    site.sql("DELETE FROM key")
    site.command("token", "list", check=True)
    assert site.value("SELECT count(*) FROM key WHERE state = 'active'") == 4
    site.sql("INSERT INTO daemon (id, version, host, key_ids) VALUES (gen_random_uuid(), '0.1.0', 'may-cu', '{1,1,1,1}')")
    outcome, answer = site.rotate("sign", "--wait", "1")
    assert outcome.status == 1 and "may-cu" in outcome.err and "upgrade it" in outcome.err, outcome
    assert [d["host"] for d in answer["waiting_for"]] == ["may-cu"]
    site.sql("UPDATE daemon SET seen_at = now() - interval '1 minute'")
    assert site.rotate("sign")[0].status == 0


def test_a_wrong_key_is_refused(site):
    daemon = site.daemon()
    assert daemon.stop() == 0
    key = site.folder / "keyring" / "suppression-1.active.key"
    right = key.read_text()
    key.write_text("7" * 64 + "\n")
    daemon.launch()
    assert daemon.process.wait(30) == 1
    daemon.process = None
    refused = [line for line in daemon.err_path.read_text().splitlines() if "suppression" in line]
    assert len(refused) == 1 and "not the one that this database is used with" in refused[0], refused
    outcome = site.command("token", "list")
    assert outcome.status == 1 and "suppression key 1" in outcome.err and len(outcome.err.splitlines()) == 1
    assert "7777" not in outcome.err
    key.write_text(right)
    daemon.start()
    # under a running daemon: told once, and the right one stays in use
    put(site, key, "7" * 64 + "\n")
    wait_until(lambda: "keys_refused" in daemon.log(), what="the line")
    put(site, site.folder / "keyring" / "sign-2.staged.key", "half")
    wait_until(lambda: daemon.log().count("keys_refused") == 2, what="the next trouble")
    time.sleep(4.5)                      # two more looks
    assert daemon.log().count("keys_refused") == 2, "once for each trouble"
    assert ask(daemon, "/api/v1/rounds").status_code == 200
    (site.folder / "keyring" / "sign-2.staged.key").unlink()
    put(site, key, right)
    wait_until(lambda: "keys_fine" in daemon.log(), what="well again")
    # another database under a running daemon: it serves nothing until it has its own again
    site.sql("UPDATE key SET fingerprint = set_byte(fingerprint, 0, get_byte(fingerprint, 0) # 1) WHERE kind = 'hash'")
    wait_until(lambda: "not the one that this database" in ask(daemon, "/readyz").text, what="not ready")
    assert ask(daemon, "/readyz").status_code == 503 and ask(daemon, "/api/v1/rounds").status_code == 503
    site.sql("UPDATE key SET fingerprint = set_byte(fingerprint, 0, get_byte(fingerprint, 0) # 1) WHERE kind = 'hash'")
    wait_until(lambda: ask(daemon, "/readyz").status_code == 200, what="ready again")
    assert site.value("SELECT count(*) FROM key") == 4


def fill_credentials(site):
    """What systemd 252 makes of LoadCredential=keyring:FOLDER: flat, read-only, beside others."""
    folder = site.folder / "credentials"
    if folder.exists():
        folder.chmod(0o700)
        shutil.rmtree(folder)
    folder.mkdir()
    for key in (site.folder / "keyring").iterdir():
        (folder / f"keyring_{key.name}").write_bytes(key.read_bytes())
    (folder / "pgpass").write_text("x")
    for path in folder.iterdir():
        path.chmod(0o400)
    folder.chmod(0o500)
    return folder


def test_keys_by_load_credential(site):
    config = site.folder / "unit.ini"
    config.write_text("".join(line for line in site.one.read_text().splitlines(True) if not line.startswith(("[keyring]", "dir"))))
    environment = {"CREDENTIALS_DIRECTORY": str(fill_credentials(site))}
    daemon = site.daemon(config, environment=environment)
    outcome, answer = site.rotate("hash", "--wait", "3")
    assert outcome.status == 1 and answer["waiting_for"][0]["fixed"], outcome
    assert "restart the service" in outcome.err and "LoadCredential=" in outcome.err
    assert daemon.stop() == 0
    fill_credentials(site)
    daemon.start()
    outcome, answer = site.rotate("hash")            # one restart is all it takes
    assert outcome.status == 0 and answer["finished"], outcome
    # a command that is given the credentials does not work on them
    outcome = site.command("keyring", "rotate", "hash", "--again", config=config, environment=environment)
    assert outcome.status == 1 and "keyring.dir" in outcome.err, outcome
    assert daemon.stop() == 0
    # started with old credentials it waits for nothing: it ends with the line, and systemd tries again
    folder = site.folder / "credentials"
    folder.chmod(0o700)
    (folder / "keyring_hash-2.staged.key").unlink()
    folder.chmod(0o500)
    daemon.launch()
    wait_until(lambda: ask(daemon, "/readyz") is not None or daemon.process.poll() is not None, what="an answer")
    assert daemon.process.wait(40) == 1
    daemon.process = None
    assert "hash key 2" in daemon.log() and "restart the service" in daemon.log()


# ---- a keyring that is lost ----

def test_every_copy_is_lost(site):
    daemon = site.daemon()
    load = Load([daemon], new_token(site), threads=1)
    with load:
        wait_until(lambda: len(load.made) > 3, 60, what="something was made")
    wait_until(lambda: site.value("SELECT count(*) FROM audit_checkpoint") > 0, 60, what="a checkpoint by the key that will be lost")
    sure = ["keyring", "replace", "--all-copies-are-lost"]
    refused = site.command(*sure)
    assert refused.status == 1 and "daemons run" in refused.err, refused
    assert daemon.stop() == 0            # it takes its word back, so that nobody need wait
    wait_until(lambda: site.value("SELECT count(*) FROM daemon WHERE seen_at > now() - interval '20 seconds'") == 0, 40, what="no daemon")
    refused = site.command("keyring", "replace")
    assert refused.status == 1 and "--all-copies-are-lost" in refused.err, refused
    refused = site.command(*sure)
    assert refused.status == 1 and "holds keys already" in refused.err, refused
    shutil.move(site.folder / "keyring", site.folder / "lost")
    refused = site.command("token", "list")
    assert refused.status == 1 and "bring it back" in refused.err, refused
    site.command(*sure, check=True)
    assert site.files("hash") == ["hash-2.active.key"] and site.states("hash") == {1: "retired", 2: "active"}
    daemon.start()
    assert "retired_keys_missing" in daemon.log()
    listed = site.command("keyring", "list", check=True).out
    assert listed.count("NOT HERE") == 4
    new_one = httpx.post(f"{daemon.url}/api/v1/teams", json={"code": "MOI", "name": "Đội"}, headers={**load.headers, "Idempotency-Key": "moi"})
    assert new_one.status_code == 201, new_one.text
    # what was sealed before is verified by the public keys that the database remembers, also by a restore
    wait_until(lambda: site.value("SELECT max(key_id) FROM audit_checkpoint") == 2, what="a checkpoint by the new key")
    assert site.value("SELECT min(key_id) FROM audit_checkpoint") == 1
    verified = site.command("audit", "verify", "--checkpoint", daemon.err_path, check=True).out
    assert "keys that are not in the keyring any more" in verified
    keys = json.loads(site.command("audit", "keys", "--json", check=True).out)["items"]
    assert [(key["key_id"], key["active"], key["lost"]) for key in keys] == [(2, True, False), (1, False, True)]
    settings = ["--set", f"database.backup_conninfo={site.postgres.conninfo(site.postgres.user)}"]
    made = json.loads(site.command(*settings, "backup", site.folder / "backups", "--json", check=True).out)["backup"]
    other = site.folder / "restored"
    other.mkdir()
    shutil.copytree(site.folder / "keyring", other / "keyring")
    restored = programs.run("giothong", "--data", other, "restore", made, "--checkpoint", daemon.err_path, folder=site.folder, timeout=180)
    assert restored.status == 0, restored
    # a key that nobody remembers still does not count
    site.sql("UPDATE key SET public_key = decode(repeat('ab', 32), 'hex') WHERE kind = 'sign' AND id = 1")
    assert "forged" in site.command("audit", "verify").out
    site.sql("UPDATE key SET public_key = decode('" + keys[1]["public_key"] + "', 'hex') WHERE kind = 'sign' AND id = 1")
    # an old copy found after all is of use for what was written under it
    for path in (site.folder / "lost").iterdir():
        shutil.copy2(path, site.folder / "keyring" / path.name)
    wait_until(lambda: "NOT HERE" not in site.command("keyring", "list", check=True).out, what="the old keys are known")
    assert site.command("audit", "verify", "--records").status == 0, "that they were retired has its entries"
    key, (made, body) = next(iter(load.made.items()))
    wait_until(lambda: httpx.post(f"{daemon.url}/api/v1/teams", json=body, headers={**load.headers, "Idempotency-Key": key}).status_code == 201,
               what="the answer of before")


# ---- copies ----

class Terminal:
    """A command on a terminal of its own; what is typed and what it shows."""

    def __init__(self, *command):
        environment = programs.REPORTS.watch(programs.workshop())
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.execve(command[0], [str(word) for word in command], environment)
        self.shown = ""

    def read(self):
        try:
            chunk = os.read(self.master, 1024)
        except OSError:
            return False
        self.shown += chunk.decode(errors="replace")
        return bool(chunk)

    def type(self, prompt, text):
        """After the prompt, once the echo is off: what is typed must not be shown."""
        while prompt not in self.shown:
            assert self.read(), self.shown
        wait_until(lambda: not termios.tcgetattr(self.master)[3] & termios.ECHO, what="the echo off")
        os.write(self.master, text.encode() + b"\n")
        self.shown = self.shown.replace(prompt, "", 1)

    def end(self):
        while self.read():
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self.master)
        return os.waitstatus_to_exitcode(status), self.shown


def secret_file(folder, text=SECRET, mode=0o600):
    path = folder / "passphrase"
    path.write_text(text + "\n")
    path.chmod(mode)
    return path


def test_a_copy_and_back(shared, tmp_path):
    site = shared
    site.rotate("hash", "--step")
    secret, copy = secret_file(tmp_path), tmp_path / "keys"
    site.command("keyring", "export", copy, "--passphrase-file", secret, check=True)
    assert copy.stat().st_mode & 0o777 == 0o600
    assert site.value("SELECT count(*) FROM audit_entry WHERE action = 'key.export' AND subject_id = '5 keys'") == 1
    again = site.command("keyring", "export", copy, "--passphrase-file", secret)
    assert again.status == 1 and "already" in again.err and copy.stat().st_size > 300
    # to a machine that has no database at all
    outcome = programs.run("giothong", "keyring", "import", copy, "--to", tmp_path / "there", "--passphrase-file", secret,
                           "--json", folder=site.folder)
    assert outcome.status == 0 and json.loads(outcome.out) == {"keyring": str(tmp_path / "there"), "keys": 5, "added": 5}
    assert {p.name: p.read_text() for p in (tmp_path / "there").iterdir()} == \
        {p.name: p.read_text() for p in (site.folder / "keyring").iterdir()}
    site.host("there")
    (site.folder / "there").exists() and shutil.rmtree(site.folder / "there")
    shutil.copytree(tmp_path / "there", site.folder / "there")
    daemon = site.daemon(site.folder / "there.ini")
    assert ask(daemon, "/api/v1/rounds").status_code == 200
    assert daemon.stop() == 0
    # each fault is one line
    text = copy.read_bytes()
    for name, content, passphrase, words in (
            ("wrong", text, SECRET + "!", "does not open"), ("cut", text[:-9], SECRET, "is damaged"),
            ("bent", text[:100] + b"?" + text[101:], SECRET, "is damaged"), ("short", text, "bí mật", "at least 15")):
        (tmp_path / name).write_bytes(content)
        outcome = programs.run("giothong", "keyring", "import", tmp_path / name, "--to", tmp_path / "new", "--passphrase-file",
                               secret_file(tmp_path, passphrase), folder=site.folder)
        assert outcome.status == 1 and words in outcome.err and len(outcome.err.splitlines()) == 1, (name, outcome)
        assert not (tmp_path / "new").exists()
    # over other keys: nothing
    programs.run("giothong", "keyring", "create", tmp_path / "other", folder=site.folder)
    before = {p.name: p.read_text() for p in (tmp_path / "other").iterdir()}
    outcome = programs.run("giothong", "keyring", "import", copy, "--to", tmp_path / "other", "--passphrase-file",
                           secret_file(tmp_path), folder=site.folder)
    assert outcome.status == 1 and "nothing was changed" in outcome.err, outcome
    assert {p.name: p.read_text() for p in (tmp_path / "other").iterdir()} == before


def test_a_passphrase_is_typed_twice_and_not_shown(shared, tmp_path):
    site = shared
    giothong, copy = programs.BIN / "giothong", tmp_path / "keys"
    terminal = Terminal(giothong, "--config", site.one, "keyring", "export", copy)
    terminal.type("Passphrase: ", SECRET)
    terminal.type("Once more: ", SECRET + "?")
    status, shown = terminal.end()
    assert status == 1 and "differ" in shown and SECRET not in shown and not copy.exists(), shown
    terminal = Terminal(giothong, "--config", site.one, "keyring", "export", copy)
    terminal.type("Passphrase: ", SECRET)
    terminal.type("Once more: ", SECRET)
    status, shown = terminal.end()
    assert status == 0 and SECRET not in shown and copy.exists(), shown
    terminal = Terminal(giothong, "keyring", "import", copy, "--to", tmp_path / "there")
    terminal.type("Passphrase: ", SECRET)
    status, shown = terminal.end()
    assert status == 0 and SECRET not in shown and "Once more" not in shown, shown
    assert len(list((tmp_path / "there").iterdir())) >= 4
    # an interrupt ends the question, and the terminal echoes again
    terminal = Terminal(giothong, "keyring", "import", copy, "--to", tmp_path / "more")
    while "Passphrase: " not in terminal.shown:
        assert terminal.read(), terminal.shown
    wait_until(lambda: not termios.tcgetattr(terminal.master)[3] & termios.ECHO, what="the echo off")
    os.write(terminal.master, b"\x03")
    wait_until(lambda: termios.tcgetattr(terminal.master)[3] & termios.ECHO, what="the echo on again")
    assert terminal.end()[0] == 1
    # without a terminal it says what to do; a file that others may read is no secret
    outcome = site.command("keyring", "export", tmp_path / "more")
    assert outcome.status == 1 and "--passphrase-file" in outcome.err, outcome
    outcome = site.command("keyring", "export", tmp_path / "more", "--passphrase-file", secret_file(tmp_path, mode=0o644))
    assert outcome.status == 1 and "0600" in outcome.err and not (tmp_path / "more").exists(), outcome


# ---- the first keys ----

def test_the_first_keys_need_no_database(tmp_path):
    outcome = programs.run("giothong", "keyring", "create", tmp_path / "keyring", folder=tmp_path)
    assert outcome.status == 0 and len(list((tmp_path / "keyring").iterdir())) == 4, outcome
    before = {p.name: p.read_text() for p in (tmp_path / "keyring").iterdir()}
    outcome = programs.run("giothong", "keyring", "create", tmp_path / "keyring", folder=tmp_path)
    assert outcome.status == 1 and "already" in outcome.err
    assert {p.name: p.read_text() for p in (tmp_path / "keyring").iterdir()} == before


@pytest.mark.parametrize("words, status, part", [
    (["rotate"], 2, "KIND"), (["rotate", "salt"], 2, "salt"), (["rotate", "hash", "--wait", "0"], 2, "--wait"),
    (["import", "x"], 2, "--to"), (["export"], 2, "FILE"), (["list", "x"], 2, "one word too many"),
])
def test_wrong_usage(shared, words, status, part):
    outcome = shared.command("keyring", *words)
    assert outcome.status == status and part in outcome.err, outcome


# ---- memory: with the build that tests/run makes with clang, because sanitizers do not lock memory ----

PLAIN = programs.ROOT / "build" / "clang" / "bin"
NOBODY = 65534


@pytest.fixture(scope="module")
def plain():
    if not os.access(PLAIN / "giothongd", os.X_OK):
        pytest.skip(f"no build without sanitizers in {PLAIN}: tests/run --only clang")
    folder = programs.workshop()
    try:
        for name in ("giothong", "giothongd"):
            shutil.copy2(PLAIN / name, folder / name)
        yield folder
    finally:
        programs.remove(folder)


def mappings(pid):
    """(begin, end, rights, flags) of each mapping."""
    found, head = [], None
    for line in open(f"/proc/{pid}/smaps"):
        match = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+) ", line)
        if match:
            head = (int(match[1], 16), int(match[2], 16), match[3])
        elif line.startswith("VmFlags:"):
            found.append((*head, line.split()[1:]))
    return found


def is_hidden(pid, secrets):
    """No core file, not dumpable, and each secret only in memory that is locked and left out of dumps."""
    limits = open(f"/proc/{pid}/limits").read()
    assert re.search(r"Max core file size +0 +0 ", limits), limits
    # what belongs to a process that may not be dumped is root's, whoever runs it
    assert os.stat(f"/proc/{pid}").st_uid != 0 or os.geteuid() != 0, "the test runs it as an ordinary user"
    assert os.stat(f"/proc/{pid}/environ").st_uid == 0
    looked, places = 0, {name: 0 for name in secrets}
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for begin, end, rights, flags in mappings(pid):
            if "r" not in rights or end - begin > 1 << 28:
                continue
            try:
                memory.seek(begin)
                content = memory.read(end - begin)
            except (OSError, ValueError, OverflowError):
                continue
            looked += len(content)
            for name, secret in secrets.items():
                if secret in content:
                    places[name] += 1
                    assert "lo" in flags and "dd" in flags, (name, hex(begin), flags)
    assert looked > 1 << 20
    return places


@pytest.mark.skipif(os.geteuid() != 0, reason="looks into another user's process")
def test_the_daemon_hides_its_keys(plain):
    daemon = Daemon(binaries=plain, user=NOBODY, now=None)
    try:
        shutil.chown(daemon.folder, NOBODY)
        daemon.start()
        token = programs.run("giothong", "--data", daemon.data, "token", "create", "--role", "staff", "--name", "x",
                             folder=daemon.folder, user=NOBODY).out.strip()
        made = httpx.post(f"{daemon.url}/api/v1/teams", json={"code": "B1", "name": "Đội"},
                          headers={"Authorization": f"Bearer {token}", "Idempotency-Key": "mot"})
        assert made.status_code == 201, made.text
        assert programs.run("giothong", "--data", daemon.data, "keyring", "rotate", "hash", folder=daemon.folder,
                            user=NOBODY, timeout=120).status == 0
        secrets = {}
        for path in (daemon.data / "keyring").glob("*.key"):
            text = path.read_text().strip()
            secrets[path.name], secrets[f"text of {path.name}"] = bytes.fromhex(text), text.encode()
        places = is_hidden(daemon.process.pid, secrets)
        for name, count in places.items():
            assert (count > 0) == (not name.startswith("text")), places
        assert int(re.search(r"VmLck:\s+(\d+)", open(f"/proc/{daemon.process.pid}/status").read())[1]) > 0
        refused = subprocess.run(programs.as_user(["cat", f"/proc/{daemon.process.pid}/maps"], NOBODY), capture_output=True)
        assert refused.returncode != 0, "not even its own user looks into it"
        assert daemon.stop() == 0
    finally:
        daemon.end()
        programs.remove(daemon.folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="looks into another user's process")
def test_the_command_hides_what_is_typed(plain, tmp_path):
    terminal = Terminal("/usr/bin/setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", plain / "giothong",
                        "keyring", "import", tmp_path / "none", "--to", tmp_path / "there")
    while "Passphrase: " not in terminal.shown:
        assert terminal.read(), terminal.shown
    is_hidden(terminal.pid, {})
    assert any("lo" in flags and "dd" in flags for *_, flags in mappings(terminal.pid))
    terminal.type("Passphrase: ", SECRET)
    assert terminal.end()[0] == 1
