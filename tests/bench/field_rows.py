"""What phones hand in, beside the same rows written by pgbench and by COPY, with the same indexes, keys and triggers."""
import datetime
import http.client
import json
import re
import subprocess
import threading
import time
import uuid

import httpx
import psycopg

import import_rows
from harness import programs
from harness.daemon import Daemon, wait_until
from harness.database import Postgres

PEOPLE, INSTALLS = 20000, 256
DAYS = 181         # nobody gives twice on one day, since a person would have to look: so many for the daemon, as many for pgbench
PATH = "/api/v1/sync/batches"
TABLES = ["item", "donation", "audit_entry"]


class Field:
    """A registry of some thousands, a round of today, and a daemon as it is shipped, on a PostgreSQL of its own."""

    def __init__(self, folder, settings):
        self.folder = folder
        self.folder.mkdir()
        self.postgres = Postgres().make()
        self.postgres.sql("ALTER SYSTEM SET shared_buffers = '512MB'", "ALTER SYSTEM SET max_wal_size = '8GB'")
        self.postgres.stop()
        self.postgres.start()
        config = self.postgres.configuration()
        for words in (["keyring", "create"], ["migrate"]):
            outcome = programs.run("giothong", "--config", config, *words, folder=folder)
            assert outcome.status == 0, outcome
        path, mapping = import_rows.write_list(folder, PEOPLE)
        outcome = programs.run("giothong", "--config", config, "donors", "import", path, "--mapping", mapping, "--json",
                               "--register-likely", folder=folder, timeout=3600)
        assert outcome.status == 0, outcome
        self.daemon = Daemon(folder=folder, config=config, settings=settings, now=None).start()
        self._make_round()
        rows = self.ask("SELECT id::text FROM donor ORDER BY id")
        self.donors = [row[0] for row in rows]
        self.ask("CREATE TABLE bench_donor AS SELECT row_number() OVER (ORDER BY id) AS n, id FROM donor",
                 "ALTER TABLE bench_donor ADD PRIMARY KEY (n)", "GRANT SELECT ON bench_donor TO giothong_app")
        self.serial = 0
        self.settle()
        self.postgres.sql("VACUUM ANALYZE", "CHECKPOINT", database="giothong")

    def ask(self, *statements):
        for statement in statements:
            rows = self.postgres.ask(statement)
        return rows

    def _make_round(self):
        """By the API, but for the team, which a draft has none of yet."""
        self.today = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 7 * 3600))
        with httpx.Client(base_url=self.daemon.url, timeout=60,
                          headers={"Authorization": f"Bearer {self.daemon.new_token('staff', 'bench staff')}"}) as staff:
            def post(path, **body):
                answer = staff.post(path, json=body)
                assert answer.status_code == 201, answer.text
                return answer.json()["id"]
            team = post("/api/v1/teams", code="TD1", name="Đội đo")
            plan = post("/api/v1/plans", number="1/KH-DO", code_prefix="DOX", title="Kế hoạch đo", **{"from": self.today, "to": self.today})
            self.round = post(f"/api/v1/plans/{plan}/rounds", title="Đợt đo", date=self.today, units=["Xã Than Uyên"])
        self.ask(f"UPDATE round SET team_id = '{team}', precision = 'year', from_day = to_day - {2 * DAYS} WHERE id = '{self.round}'")
        self.token = self.daemon.new_token("team", "bench team", "--team", "TD1")

    def settle(self):
        """What was written before is counted and sealed: no job has anything left to do."""
        wait_until(lambda: self.ask("SELECT (SELECT count(*) FROM donor_stale) + (SELECT count(*) FROM audit_entry AS e"
                                    " WHERE NOT EXISTS (SELECT FROM audit_seal AS s WHERE s.entry_id = e.id))")[0][0] == 0, 600, every=0.2,
                   what="the jobs have nothing left to do")
        self.postgres.sql("ANALYZE", database="giothong")     # a plan made while the tables were empty would read them whole

    # ---- what is handed in ----

    def gave_on(self, n):
        return str(datetime.date.fromisoformat(self.today) - datetime.timedelta(days=n // len(self.donors) % DAYS))

    def item(self):
        self.serial += 1
        n = self.serial
        return {"id": str(uuid.uuid4()), "install": f"0198f1a2-0000-7000-8000-{n % INSTALLS:012x}", "seq": n // INSTALLS + 1, "kind": "donation",
                "captured_at": f"{self.today}T08:00:00+07:00",
                "data": {"donor": {"id": self.donors[n % len(self.donors)]}, "round": self.round, "outcome": "completed",
                         "component": "whole_blood", "volume_ml": 350, "bag_code": f"B{n:09}", "donated_on": self.gave_on(n)}}

    def body(self, items):
        return json.dumps({"batch_id": "đo", "device_now": f"{self.today}T18:00:00+07:00", "items": items}).encode()

    def send(self, connection, body, count):
        """Until it is taken; how long the sending that was took, and how often it was asked to wait."""
        waits = 0
        while True:
            began = time.monotonic()
            connection.request("POST", PATH, body, {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
            took = time.monotonic() - began
            if answer.status == 200:
                counts = json.loads(text)["counts"]
                # a duplicate: it was written, and its receipt was refused at the door
                assert counts["items"] == counts["applied"] + counts["duplicate"] == count, counts
                return took, waits
            assert answer.status in (429, 503), text
            waits += 1
            time.sleep(float(answer.headers["Retry-After"]))

    def threads(self, work):
        """Seconds from the moment in which all begin until the last one has ended, and what they gave."""
        begin, given, errors = threading.Barrier(len(work) + 1), [], []

        def run(bodies):
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.daemon.port, timeout=120)
                begin.wait()
                for body, count in bodies:
                    given.append(self.send(connection, body, count))
                connection.close()
            except Exception as error:                                      # told by who waits for us
                errors.append(error)
        running = [threading.Thread(target=run, args=(bodies,)) for bodies in work]
        for thread in running:
            thread.start()
        begin.wait()
        began = time.monotonic()
        for thread in running:
            thread.join()
        assert not errors, errors[0]
        return time.monotonic() - began, given

    # ---- one a request ----

    def singles(self, seconds, connections):
        """Items a second: each donation in a request of its own, in the order of the donors, of many phones."""
        self.settle()
        before, = self.ask("SELECT count(*) FROM item WHERE verdict = 'applied'")[0]
        donors, script = self.folder / "donors", self.folder / "items.lua"
        donors.write_text("\n".join(self.donors))
        self.serial += 10 ** 7
        script.write_text(f"""
            local donors, n, mark = {{}}, {self.serial}, {self.serial // 10 ** 7}
            local days = {{{", ".join(f'"{self.gave_on(n * len(self.donors))}"' for n in range(DAYS))}}}
            local headers = {{["Content-Type"] = "application/json", ["Authorization"] = "Bearer {self.token}"}}
            init = function() for line in io.lines("{donors}") do donors[#donors + 1] = line end end
            request = function()
              n = n + 1
              return wrk.format("POST", "{PATH}", headers, string.format('{{"batch_id":"x","device_now":"{self.today}T18:00:00+07:00","items":[{{"id":' ..
                '"01980000-%04x-7000-8000-%012x","install":"0198f1a2-0000-7000-8%03x-%012x","seq":%d,"kind":"donation",' ..
                '"captured_at":"{self.today}T08:00:00+07:00","data":{{"donor":{{"id":"%s"}},"round":"{self.round}","outcome":"completed",' ..
                '"component":"whole_blood","volume_ml":350,"bag_code":"S%09d","donated_on":"%s"}}}}]}}',
                mark, n, mark, n % {INSTALLS}, math.floor((n - {self.serial}) / {INSTALLS}) + 1, donors[n % #donors + 1], n,
                days[math.floor(n / #donors) % #days + 1]))
            end
            """)
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", script, self.daemon.url]
        text = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True).stdout
        assert "Socket errors" not in text, text
        total, took = int(re.search(r"(\d+) requests in", text).group(1)), float(re.search(r"requests in ([\d.]+)s", text).group(1))
        refused = re.search(r"Non-2xx or 3xx responses: (\d+)", text)           # at the door: more than it can hold
        taken = total - int(refused.group(1) if refused else 0)
        after, = self.ask("SELECT count(*) FROM item WHERE verdict = 'applied'")[0]
        assert after - before >= taken, "each is there once"
        return taken / took

    # As much as our statement writes of one donation: both facts, both audit rows, the donor's last day; the triggers do the rest.
    INSERT = """\\set n random(1, {people})
\\set bag random(1, 1000000000000)
WITH d AS (SELECT id FROM bench_donor WHERE n = :n), k AS (SELECT gen_random_uuid() AS id, sha256(int8send(:bag)) AS h),
 i AS (INSERT INTO item (id, content_hash, kind, install, seq, captured_at, round_id, donor_id, registers, verdict, held, sealed)
  SELECT k.id, k.h, 'donation', k.id, 1, now(), '{round}', d.id, false, 'applied', '{{}}', decode(repeat('5a', {sealed}), 'hex') FROM d, k
  RETURNING id, content_hash, donor_id),
 g AS (INSERT INTO donation (id, donor_id, component, volume_ml, donated_on, evidence, source, round_id, bag_code, outcome, item_id,
   content_hash, captured_at)
  SELECT k.id, d.id, 'whole_blood', 350, '{today}'::date - {days} - (:bag::bigint % {days})::integer, 'confirmed', 'field', '{round}', 'P' || :bag, 'completed', k.id, k.h, now() FROM d, k),
 u AS (UPDATE donor SET last_donated_on = greatest(last_donated_on, '{today}') FROM d WHERE donor.id = d.id)
INSERT INTO audit_entry (id, actor_kind, actor_id, actor_role, action, subject_kind, subject_id, request_id, key_id, digest_after)
 SELECT gen_random_uuid(), 'token', k.id::text, 'team', 'item.add', 'item', k.id || ':' || encode(k.h, 'hex'), k.id::text, 1, k.h FROM k
 UNION ALL SELECT gen_random_uuid(), 'token', k.id::text, 'team', 'donation.record', 'donation', k.id::text, k.id::text, 1, k.h FROM k;
"""

    def pgbench(self, seconds, clients=32):
        self.settle()
        sealed, = self.ask("SELECT coalesce(avg(octet_length(sealed)), 400)::integer FROM item WHERE octet_length(sealed) <> 0")[0]
        path = self.folder / "insert.sql"
        path.write_text(self.INSERT.format(people=len(self.donors), round=self.round, today=self.today, days=DAYS, sealed=sealed).replace("\n ", " "))
        command = [programs.POSTGRES_BIN / "pgbench", "-n", "-M", "prepared", "-c", clients, "-j", "2", "-T", seconds, "-f", path,
                   "-h", self.postgres.folder, "-p", self.postgres.port, "-U", "giothong_app", "giothong"]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return float(re.search(r"tps = ([\d.]+)", done.stdout).group(1))

    # ---- batches ----

    def batches(self, count, size=200, clients=4):
        """(items a second by the daemon, by COPY of the rows that it wrote)"""
        self.settle()
        self.serial += 10 ** 7                                              # days that no other row has
        bodies = [(self.body([self.item() for _ in range(size)]), size) for _ in range(count)]
        marker, = self.ask("SELECT clock_timestamp()::text")[0]
        took, _ = self.threads([bodies[n::clients] for n in range(clients)])
        self.settle()
        return count * size / took, count * size / self._copy_again(marker, count * size)

    def _copy_again(self, marker, items):
        """Seconds: out, away, and in again, as one transaction a table. Of the audit's rows a table of their own: they are sealed."""
        rows = {"item": f"received_at >= '{marker}'", "donation": f"recorded_at >= '{marker}'",
                "audit_entry": f"at >= '{marker}' AND action IN ('item.add', 'donation.record')"}
        seconds = 0.0
        with psycopg.connect(self.postgres.conninfo(self.postgres.user), autocommit=True) as connection:
            for table in TABLES:
                with connection.cursor().copy(f"COPY (SELECT * FROM {table} WHERE {rows[table]}) TO STDOUT") as out, \
                        open(self.folder / table, "wb") as lines:
                    for piece in out:
                        lines.write(piece)
            for table in ("donation", "item"):
                assert connection.execute(f"DELETE FROM {table} WHERE {rows[table]}").rowcount == items
            connection.execute("CREATE TABLE audit_again (LIKE audit_entry INCLUDING ALL)")
            for table in TABLES:
                began = time.monotonic()
                with connection.cursor().copy(f"COPY {'audit_again' if table == 'audit_entry' else table} FROM STDIN") as put, \
                        open(self.folder / table, "rb") as lines:
                    while piece := lines.read(1 << 16):
                        put.write(piece)
                seconds += time.monotonic() - began
            assert connection.execute("SELECT count(*) FROM audit_again").fetchone() == (2 * items,)
            connection.execute("DROP TABLE audit_again")
        return seconds

    def close(self):
        self.daemon.end()
        self.postgres.remove()
