"""What must hold after any fault, asked of the database itself: D1, D2, D6 of reliability.md."""
import collections
import time

import httpx

# What an answer shows and where its row keeps it. Only what the row alone decides: a round's result is its reports'.
COLUMNS = {
    "team": {"code": "code", "name": "name", "organisation": "organisation", "beds": "beds", "active": "active",
             "version": "version"},
    "venue": {"name": "name", "unit.id": "unit_id", "address": "address", "capacity": "capacity", "active": "active",
              "version": "version"},
    "plan": {"number": "number", "slug": "slug", "code_prefix": "code_prefix", "title": "title", "issued_on": "issued_on",
             "issuer": "issuer", "legal_basis": "legal_basis", "from": "from_day", "to": "to_day", "demo": "demo"},
    "round": {"code": "code", "ordinal": "ordinal", "plan.id": "plan_id", "title": "title", "period.from": "from_day",
              "period.to": "to_day", "date_precision": "precision", "date_status": "date_status",
              "time_status": "time_status", "place_status": "place_status", "status": "status",
              "status_reason": "status_reason", "document": "document", "venue.id": "venue_id", "team.id": "team_id",
              "organiser": "organiser", "target_units": "target_units", "places.capacity": "capacity",
              "places.booked": "booked", "moved_from": "moved_from", "note": "note", "version": "version"},
    "report": {"source": "source", "source_url": "source_url", "reported_on": "reported_on", "note": "note",
               "corrects": "corrects",
               **{f"{figure}.{part}": column for figure in ("registered", "present", "accepted", "units", "ml")
                  for part, column in (("value", figure), ("qualifier", f"{figure}_qualifier"))}},
}
TABLES = {"team": ("team", "code"), "venue": ("venue", "name"), "plan": ("plan", "number"), "round": ("round", "title"),
          "report": ("round_report", "note")}
# Parts of an answer that others may change after it: how many places are left follows from slots, which a job lays.
VOLATILE = {"round": ("result", "places"), "plan": ("rounds", "round_count", "version")}
MARK = "substring({column} from '{tag}W[0-9]+N[0-9]+')"


def member(body, path):
    for part in path.split("."):
        body = body.get(part) if body is not None else None
    return body


def difference(kind, expected, found):
    """Members that differ, or {}."""
    skipped = VOLATILE.get(kind, ())
    names = (set(expected) | set(found or {})) - set(skipped)
    return {name: (expected.get(name), (found or {}).get(name)) for name in sorted(names)
            if expected.get(name) != (found or {}).get(name)}


class _Check:
    def __init__(self, ledger, query):
        self.ledger, self.query = ledger, query
        self.violations = list(ledger.violations)
        self.creates = [c for c in ledger.changes if c.mark]
        self.by_kind = collections.defaultdict(dict)
        for (kind, key), thing in ledger.things.items():
            self.by_kind[kind][key] = thing

    def say(self, text):
        self.violations.append(text)

    # ---- D1: present exactly once, as acknowledged ----

    def rows(self):
        for kind, (table, column) in TABLES.items():
            mark = MARK.format(column=f"t.{column}", tag=self.ledger.tag)
            found = self.query(f"SELECT t.id::text, to_jsonb(t), t.xmin::text, {mark} FROM {table} t WHERE {mark} IS NOT NULL")
            self._marks(kind, found)
            self._bodies(kind, {key: (row, xmin) for key, row, xmin, _ in found})

    def _marks(self, kind, found):
        times = collections.Counter(mark for *_, mark in found)
        owners = {mark: key for key, *_, mark in found}
        known = {c.mark: c for c in self.creates if c.kind == kind}
        for mark in self.ledger.forbidden:
            if mark in times:
                self.say(f"D2: {kind} {owners[mark]} was made from a body that was refused ({mark})")
        for mark, change in known.items():
            if change.answer and change.answer.body["id"] != owners.get(mark):
                self.say(f"D1: acknowledged and {'another' if mark in owners else 'lost'}: {kind}"
                         f" {change.answer.body['id']} ({mark}; {change.answer})")
            if times[mark] > 1:
                self.say(f"D1: {times[mark]} times there: {kind} {mark}")
            if mark in times and not change.answer and not change.may_have_happened:
                self.say(f"D1: {kind} {mark} is there, and every answer said no: {change.attempts[-3:]}")
        for mark in set(times) - set(known) - set(self.ledger.forbidden):
            self.say(f"D1: {kind} {mark} is there, and nobody sent it")

    def _bodies(self, kind, rows):
        for key, thing in self.by_kind[kind].items():
            if key not in rows:
                continue                       # told above
            row, xmin = rows[key]
            thing.row, thing.xmin = row, xmin
            expected = thing.body
            if thing.unknown_step and row.get("version") == thing.version + 1:
                continue                       # its last step happened, and nobody was told
            wrong = {name: (member(expected, name), row[column]) for name, column in COLUMNS[kind].items()
                     if member(expected, name) != row[column]}
            if wrong:
                self.say(f"D1: {kind} {key} is not as acknowledged (answer, row): {wrong}")

    def keys(self):
        """A key is kept as long as what it made, once under each of the keyring's keys that counted then."""
        ids = [key for _, key in self.ledger.things]
        times = dict(self.query("SELECT resource_id, max(n) FROM (SELECT resource_id, key_id, count(*) AS n FROM idempotency"
                                " WHERE resource_id = ANY(%s) GROUP BY 1, 2) AS one GROUP BY 1", ids))
        for (kind, key) in self.ledger.things:
            if times.get(key, 0) != 1:
                self.say(f"D2: {kind} {key} has {times.get(key, 0)} idempotency rows")

    def units(self):
        """A round's places are rows of their own, written with it."""
        ids = list(self.by_kind["round"])
        rows = collections.defaultdict(list)
        for key, unit in self.query("SELECT round_id::text, unit_id FROM round_unit WHERE round_id = ANY(%s::uuid[])"
                                    " ORDER BY round_id, position", ids):
            rows[key].append(unit)
        for key, thing in self.by_kind["round"].items():
            expected = [unit["id"] for unit in thing.body["units"]]
            if rows[key] != expected and not thing.unknown_step:
                self.say(f"D1: round {key} has the units {rows[key]}, acknowledged were {expected}")

    # ---- D6: the audit row of each change, in its transaction ----

    def audit(self):
        actor = self._actor()
        if not actor:
            return
        rows = self.query("SELECT request_id, action, subject_kind, subject_id, xid::text, encode(digest_before, 'hex'),"
                          " encode(digest_after, 'hex'), key_id FROM audit_entry WHERE actor_id = %s ORDER BY audit_entry.xid, id", actor)
        self.by_request = collections.defaultdict(list)
        self.by_subject = collections.defaultdict(list)
        for row in rows:
            self.by_request[row[0]].append(row)
            if not row[1].endswith(".replay"):
                self.by_subject[row[2], row[3]].append(row)
        for change in self.ledger.changes:
            for attempt in change.attempts:
                self._attempt(change, attempt)
        self._strangers(rows)
        for (kind, key), thing in self.ledger.things.items():
            self._trail(kind, key, thing)

    def _actor(self):
        for change in self.ledger.changes:
            if change.answer:
                rows = self.query("SELECT actor_id FROM audit_entry WHERE request_id = %s", change.answer.request_id)
                if rows:
                    return rows[0][0]
                self.say(f"D6: {change.action} was acknowledged ({change.answer.request_id}) without an audit row")
        return None

    def _attempt(self, change, attempt):
        rows = self.by_request.get(attempt.request_id, []) if attempt.request_id else []
        if attempt.acknowledged:
            allowed = {change.action, f"{change.kind}.replay"} if change.key else {change.action}
            wanted = attempt.body["id"]
            if len(rows) != 1 or rows[0][1] not in allowed or rows[0][3] != wanted:
                self.say(f"D6: {change.action} of {wanted} was acknowledged ({attempt.request_id}); its audit rows:"
                         f" {[(r[1], r[3]) for r in rows]}")
        elif attempt.refused:
            # An answer that could not be read back after its replay was recorded has changed nothing.
            done = [r for r in rows if not r[1].endswith(".replay")]
            if done:
                self.say(f"false no: {attempt} said that nothing was changed, and it was: {[(r[1], r[3]) for r in done]}")

    def _strangers(self, rows):
        """Rows of requests whose answer nobody saw: no more than there are such requests."""
        seen = {a.request_id for c in self.ledger.changes for a in c.attempts if a.request_id}
        unseen = [r for r in rows if r[0] not in seen]
        lost = sum(1 for c in self.ledger.changes for a in c.attempts
                   if a.sent and (a.status is None or a.status in self.ledger.tolerate))
        if len(unseen) > lost:
            self.say(f"D6: {len(unseen)} audit rows of requests without an answer, and only {lost} requests had none")

    def _trail(self, kind, key, thing):
        rows = self.by_subject.get((kind, key), [])
        made = [r for r in rows if r[1] == f"{kind}.create"]
        if len(made) != 1:
            self.say(f"D6: {kind} {key} has {len(made)} audit rows of its creation")
        row = getattr(thing, "row", None)
        if not row or not rows:
            return
        if "version" in row and kind != "plan" and row["version"] != len(rows):
            self.say(f"D6: {kind} {key} is at version {row['version']} with {len(rows)} audit rows: {[r[1] for r in rows]}")
        if str(int(rows[-1][4]) % 2**32) != thing.xmin:
            self.say(f"D6: {kind} {key} was written by transaction {thing.xmin}, its last audit row by {rows[-1][4]}")
        for (*_, after, key_before), (*_, before, _after, key_after) in zip(rows, rows[1:]):
            if key_before == key_after and after != before:
                self.say(f"D6: {kind} {key}: an audit row says that before was what no row says came after")

    def seals(self, seconds):
        """Every row is sealed within seconds, also those of the last moment."""
        end = time.monotonic() + seconds
        while True:
            left = self.query("SELECT count(*) FROM audit_entry e WHERE NOT EXISTS"
                              " (SELECT FROM audit_seal s WHERE s.entry_id = e.id)")[0][0]
            if left == 0 or time.monotonic() > end:
                break
            time.sleep(0.2)
        if left:
            self.say(f"D6: {left} audit rows are not sealed after {seconds} s")

    # ---- the same through the API ----

    def api(self, sample):
        things = [t for (kind, _), t in self.ledger.things.items() if kind != "report" and not t.unknown_step]
        reports = collections.defaultdict(list)
        for thing in self.by_kind["report"].values():
            reports[thing.round.id].append(thing)
        step = max(1, len(things) // sample)
        for n, url in enumerate(self.ledger.urls):
            with httpx.Client(base_url=url, timeout=25, verify=self.ledger.tls or True, headers={"Authorization": f"Bearer {self.ledger.token}"}) as client:
                for thing in things[n::step]:
                    self._read(client, thing)
                for one in list(reports)[n::max(1, len(reports) // sample)]:
                    self._read_reports(client, one, reports[one])

    def _read(self, client, thing):
        answer = client.get(thing.path)
        if answer.status_code != 200:
            self.say(f"D1: GET {thing.path}: {answer.status_code}")
            return
        wrong = difference(thing.kind, thing.body, answer.json())
        if wrong:
            self.say(f"D1: GET {thing.path} is not as acknowledged: {wrong}")

    def _read_reports(self, client, one, things):
        path, found, cursor = f"/api/v1/rounds/{one}/reports", {}, None
        while True:
            answer = client.get(path, params={"cursor": cursor} if cursor else {})
            if answer.status_code != 200:
                self.say(f"D1: GET {path}: {answer.status_code}")
                return
            for item in answer.json()["items"]:
                if item["id"] in found:
                    self.say(f"D1: {path} lists {item['id']} twice")
                found[item["id"]] = item
            cursor = answer.json()["next_cursor"]
            if cursor is None:
                break
        for thing in things:
            if found.get(thing.id) != thing.body:
                self.say(f"D1: report {thing.id} by the API: {difference('report', thing.body, found.get(thing.id))}")


def check(ledger, query, verify=None, seal_seconds=15.0, api_sample=40):
    """See Ledger.check()."""
    one = _Check(ledger, query)
    if not ledger.things:
        one.say("nothing was acknowledged: nothing is shown")
        return one.violations
    one.rows()
    one.keys()
    one.units()
    one.audit()
    one.seals(seal_seconds)
    one.api(api_sample)
    complaint = verify() if verify else None
    if complaint:
        one.say(f"D6: giothong audit verify: {complaint}")
    return one.violations
