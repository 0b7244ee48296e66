"""Who is at the daemon beside the ledger's clients: the public, an SMS gateway, and somebody who imports a plan."""
import base64
import json
import threading
import time
import uuid
import zlib

from harness import raw

ROWS = 4                                   # of the imported plan
HEADING = "ordinal,date,start,end,place,units,organiser,target\n"


class Bystander(threading.Thread):
    def __init__(self, url, token=None):
        super().__init__(daemon=True)
        self.caller = raw.Caller("127.0.0.1", int(url.rsplit(":", 1)[1]), 25.0, {"Authorization": token} if token else {})
        self.stopping, self.violations, self.requests, self.slowest = threading.Event(), [], 0, 0.0

    def ask(self, method, path, body=b"", headers=None):
        """(status, headers, body), or None when there was no whole answer."""
        began = time.monotonic()
        try:
            return self.caller.call(method, path, body, headers)
        except (raw.Lost, raw.NotSent):
            return None
        finally:
            self.requests += 1
            self.slowest = max(self.slowest, time.monotonic() - began)

    def refuses_well(self, what, answer):
        """No answer, or one that says: try again."""
        if answer is None:
            return True
        status, headers, body = answer
        if status == 503 and headers.get("retry-after", "").isdigit():
            return True
        self.violations.append(f"{what}: {status} {headers.get('content-type')} {body[:300]}")
        return False

    def run(self):
        try:
            while not self.stopping.wait(0.01):
                self.turn()
        except Exception as failure:       # a bug of this file must not look like a quiet day
            self.violations.append(f"{type(self).__name__} ended: {type(failure).__name__}: {failure}")


class Public(Bystander):
    """Calendars, news and lists come whole and readable, or not at all; packed as browsers ask for them."""

    PAGES = [
        ("/calendar/rounds.ics", b"BEGIN:VCALENDAR\r\n", b"END:VCALENDAR\r\n"),
        ("/feeds/rounds.atom", b"<?xml", b"</feed>"),
        ("/api/v1/rounds?limit=50", b'{"items":[', b"}"),
        ("/api/v1/venues?limit=50", b'{"items":[', b"}"),
        ("/feeds/changes.json", b"{", b"}"),
        ("/docs", b"<", b">"),
    ]

    def turn(self):
        for path, begins, ends in self.PAGES:
            answer = self.ask("GET", path, headers={"Accept-Encoding": "gzip"})
            if answer is None or answer[0] != 200:
                self.refuses_well(path, answer)
                continue
            _, headers, body = answer
            if headers.get("content-encoding") == "gzip":
                body = zlib.decompress(body, 31)
            if not body.startswith(begins) or not body.rstrip(b"\n").endswith(ends.rstrip(b"\n")):
                self.violations.append(f"{path}: begins {body[:80]}, ends {body[-80:]}")
            if "json" in headers["content-type"]:
                json.loads(body)


class Gateway(Bystander):
    """Each message has one answer in one segment, or is asked for again."""

    def __init__(self, url, token):
        super().__init__(url, "Basic " + base64.b64encode(f"gw:{token}".encode()).decode())
        self.serial = 0

    def turn(self):
        self.serial += 1
        answer = self.ask("GET", f"/sms/kannel?id={uuid.uuid4()}&from=09{self.serial % 10**8:08d}&to=8088&text=LICH+than+uyen")
        if answer is None or answer[0] != 200:
            self.refuses_well("/sms/kannel", answer)
        elif not answer[1]["content-type"].startswith("text/plain") or not answer[2].isascii() or not 0 < len(answer[2]) <= 160:
            self.violations.append(f"/sms/kannel: {answer}")


class Importer(Bystander):
    """The same plan again and again from a table, each time with another target: all its rows change, or none."""

    def __init__(self, url, token):
        super().__init__(url, f"Bearer {token}")
        self.key, self.prefix = str(uuid.uuid4()), f"I{uuid.uuid4().hex[:8].upper()}"
        self.plan, self.acknowledged, self.maybe = None, 0, set()      # maybe: targets of imports whose end is not known

    def _plan(self):
        body = {"number": f"{self.prefix}/KH-THU", "code_prefix": self.prefix, "title": "Kế hoạch nhập", "from": "2025-01-01",
                "to": "2025-12-31"}
        answer = self.ask("POST", "/api/v1/plans", json.dumps(body).encode(),
                          {"Content-Type": "application/json", "Idempotency-Key": self.key})
        if answer and answer[0] == 201:
            self.plan = json.loads(answer[2])
        else:
            self.refuses_well("POST /api/v1/plans", answer)

    def turn(self):
        if not self.plan:
            self._plan()
            return
        target = self.acknowledged + 1
        rows = "".join(f"{n},2025-0{n + 4}-15,07:30,10:30,,Huyện Than Uyên,Hội thử,{target}\n" for n in range(1, ROWS + 1))
        answer = self.ask("POST", f"/api/v1/plans/import?plan={self.plan['slug']}", (HEADING + rows).encode(), {"Content-Type": "text/csv"})
        if answer and answer[0] == 200:
            self.acknowledged = target
            self.maybe.clear()
        elif answer and answer[0] == 412 and self.maybe:
            pass                           # the attempt before this one was still at work
        elif self.refuses_well("POST /api/v1/plans/import", answer) and (answer is None or b"unknown-outcome" in answer[2]):
            self.maybe.add(target)

    def check(self, query):
        """After all is over."""
        if not self.plan or not self.acknowledged:
            return
        found = query("SELECT ordinal, target_units, id::text FROM round WHERE plan_id = %s::uuid ORDER BY ordinal", self.plan["id"])
        if [row[0] for row in found] != list(range(1, ROWS + 1)):
            self.violations.append(f"the imported plan has the rounds {[row[0] for row in found]}")
        targets = {row[1] for row in found}
        if len(targets) != 1 or not targets <= {self.acknowledged, *self.maybe}:
            self.violations.append(f"an import did half: targets {targets}, acknowledged {self.acknowledged}, perhaps {self.maybe}")
        ids = [row[2] for row in found]
        made, = query("SELECT count(*) FROM audit_entry WHERE subject_id = ANY(%s) AND action = 'round.create'", ids)[0]
        if made != ROWS:
            self.violations.append(f"{made} audit rows of {ROWS} imported rounds")


def gather(url, staff, gateway):
    return [Public(url), Gateway(url, gateway), Importer(url, staff)]
