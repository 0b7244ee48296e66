"""All phones of a day come back into the signal together: what each waits for, how long all take, and whether everything is there once."""
import collections
import datetime
import http.client
import json
import pathlib
import random
import re
import statistics
import threading
import time
import uuid

import httpx

import import_rows
from field_rows import PATH
from harness.daemon import Daemon, wait_until

VISITS = 100                                   # of a phone: each is checked in, screened, gives
BOOKED, NEW, NEW_ELSEWHERE = 2, 10, 3          # of them: one phone checks in, the next takes the blood; no record yet; told by the next phone too
BATCH = (50, 100)
EVENING = "18:00:00+07:00"

Result = collections.namedtuple("Result", "items p50 p99 slowest_wait seconds statuses verdicts memory peak")


class Evening:
    """`field`: the registry, and a PostgreSQL. The daemon is another one, as it is shipped: with all its limits."""

    def __init__(self, field, count):
        self.field, self.count, self.walked_in = field, count, 0
        self.daemon = Daemon(folder=field.folder, config=field.daemon.config, now=None)
        self.daemon.settings = {}
        self.daemon.start()
        self.staff = httpx.Client(base_url=self.daemon.url, timeout=60,
                                  headers={"Authorization": f"Bearer {self.daemon.new_token('staff', 'bench evening')}"})
        self._make_round()
        self.phones = [Phone(self, number) for number in range(count)]
        self.people = iter(())

    def post(self, path, body, expect=201):
        while True:
            answer = self.staff.post(path, json=body)
            if answer.status_code not in (429, 503):
                assert answer.status_code == expect, answer.text
                return answer.json()
            time.sleep(float(answer.headers["Retry-After"]))

    def step(self, verb, body):
        """Over what stands there now."""
        def done():
            version = self.staff.get(f"/api/v1/rounds/{self.round}").headers["ETag"]
            answer = self.staff.post(f"/api/v1/rounds/{self.round}/{verb}", json=body, headers={"If-Match": version})
            assert answer.status_code in (200, 412, 429, 503), answer.text
            return answer.status_code == 200
        wait_until(done, 60, every=0.2, what=verb)

    def _make_round(self):
        """Booked the day before. That the day has come is told to the database alone: the clock is the real one."""
        day = self.field.today
        tomorrow = str(datetime.date.fromisoformat(day) + datetime.timedelta(1))
        self.team = self.post("/api/v1/teams", {"code": "TD2", "name": "Đội đo buổi tối", "beds": 100})["id"]
        plan = self.post("/api/v1/plans", {"number": "2/KH-DO", "code_prefix": "DOY", "title": "Kế hoạch đo", "from": day, "to": tomorrow})["id"]
        made = self.post(f"/api/v1/plans/{plan}/rounds", {"title": "Đợt đo buổi tối", "date": tomorrow, "start": "07:00", "end": "17:00", "team": self.team,
                                                          "capacity": 3 * BOOKED * self.count, "units": ["Xã Than Uyên"]})
        self.round = made["id"]
        for verb, body in (("announce", {}), ("confirm", {"document": "Công văn đo số 1"}), ("open", {})):
            self.step(verb, body)
        self.booked = [self.post("/api/v1/donors", self.walk_in())["id"] for _ in range(BOOKED * self.count)]
        for donor in self.booked:
            self.post(f"/api/v1/rounds/{self.round}/appointments", {"donor": donor})
        self.field.ask(f"UPDATE round SET from_day = '{day}', to_day = '{day}' WHERE id = '{self.round}'")

    def walk_in(self):
        """Somebody whom nobody knows yet, of an age to give."""
        self.walked_in += 1
        name, born, *_ = import_rows.invented(self.walked_in + 500000)
        day, month, year = map(int, born.split("/"))
        year = 1975 + year % 25
        woman = self.walked_in % 2
        number = f"012{2 * (year >= 2000) + woman}{year % 100:02}{self.walked_in:06}"
        return {"name": name, "birth_date": f"{year}-{month:02}-{day:02}", "sex": "female" if woman else "male",
                "identifiers": [{"kind": "cccd", "value": number}]}

    # ---- an evening ----

    def capture(self):
        """A day's work on all phones; they share a few of a hundred people."""
        shared = [[self.walk_in() for _ in range(NEW_ELSEWHERE)] for _ in self.phones]
        for number, phone in enumerate(self.phones):
            before = self.phones[number - 1]
            for donor in self.booked[BOOKED * number:BOOKED * (number + 1)]:
                phone.check_in({"id": donor})
                before.take_blood({"id": donor})
            for person in shared[number]:
                phone.visit({"provisional": {**person, "id": str(uuid.uuid4())}})
                before.note({"provisional": {**person, "id": str(uuid.uuid4())}})
            for _ in range(NEW):
                phone.visit({"provisional": {**self.walk_in(), "id": str(uuid.uuid4())}})
        for phone in self.phones:
            while len(phone.items) < 3 * VISITS:
                phone.visit({"id": self._somebody()})
            del phone.items[3 * VISITS:]

    def _somebody(self):
        donor = next(self.people, None)
        if donor is None:
            self.people = iter(self.field.donors)
            donor = next(self.people)
        return donor

    def perform(self):
        self.field.settle()
        self.capture()
        for phone in self.phones:
            phone.cut_up()
        memory = self.memory("VmRSS")
        pathlib.Path(f"/proc/{self.daemon.process.pid}/clear_refs").write_text("5")        # VmHWM begins anew
        began = time.monotonic()
        for phone in self.phones:
            phone.thread = threading.Thread(target=phone.run)
            phone.thread.start()
        for phone in self.phones:
            phone.thread.join()
        seconds = time.monotonic() - began
        for phone in self.phones:
            assert phone.failure is None, f"phone {phone.number}: {phone.failure!r}"
        self.check()
        took = [t for phone in self.phones for t in phone.took]
        statuses, verdicts = (sum((getattr(phone, name) for phone in self.phones), collections.Counter()) for name in ("statuses", "verdicts"))
        result = Result(sum(len(phone.items) for phone in self.phones), statistics.median(took), statistics.quantiles(took, n=100)[98],
                        max(t for phone in self.phones for t in phone.waited), seconds, dict(statuses), dict(verdicts),
                        self.memory("VmRSS") - memory, self.memory("VmHWM") - memory)
        for phone in self.phones:
            phone.forget()
        return result

    def memory(self, what):
        return int(re.search(rf"{what}:\s+(\d+)", pathlib.Path(f"/proc/{self.daemon.process.pid}/status").read_text()).group(1)) / 1000

    def check(self):
        """Each item is there once, with its entry, its donation, and no gap; who was expected is checked in."""
        sent = {item["id"]: item for phone in self.phones for item in phone.items}
        installs = ",".join(f"'{phone.install}'" for phone in self.phones)
        rows = self.field.ask(f"SELECT i.id::text, i.seq FROM item AS i WHERE i.install IN ({installs}) AND i.id = ANY ('{{{','.join(sent)}}}')")
        assert len(rows) == len(sent) and dict(rows) == {id: item["seq"] for id, item in sent.items()}, "each is there once"
        total, = self.field.ask(f"SELECT count(*) FROM item WHERE install IN ({installs})")[0]
        assert total == sum(phone.seq for phone in self.phones), "and nothing else is"
        gave = {id for id, item in sent.items() if item["kind"] == "donation"}
        rows = self.field.ask(f"SELECT item_id::text FROM donation WHERE item_id = ANY ('{{{','.join(gave)}}}')")
        assert sorted(id for id, in rows) == sorted(gave), "each donation is there once"
        rows = self.field.ask("SELECT split_part(subject_id, ':', 1), count(*) FROM audit_entry WHERE action = 'item.add'"
                              f" AND split_part(subject_id, ':', 1) = ANY ('{{{','.join(sent)}}}') GROUP BY 1")
        assert dict(rows) == dict.fromkeys(sent, 1), "each has its entry"
        arrived, = self.field.ask(f"SELECT count(*) FROM appointment WHERE round_id = '{self.round}' AND state = 'checked_in'")[0]
        assert arrived == len(self.booked), f"{arrived} of {len(self.booked)} who were expected are checked in"

    def close(self):
        self.staff.close()
        self.daemon.end()


class Phone:
    """Enrolled by its code; sends what has no verdict yet until it has one, and waits for as long as it is told to."""

    def __init__(self, evening, number):
        self.number, self.evening, self.dice, self.seq = number, evening, random.Random(f"phone {number}"), 0
        self.install = str(uuid.uuid4())
        made = evening.post("/api/v1/devices", {"name": f"Máy đo {number}", "team": evening.team})
        self.token = self._enrol(made["code"])
        self.forget()

    def _enrol(self, code):
        while True:
            answer = httpx.post(self.evening.daemon.url + "/api/v1/devices/enrol", json={"code": code, "install": self.install}, timeout=60)
            if answer.status_code == 201:
                return answer.json()["token"]
            assert answer.status_code in (429, 503), answer.text
            time.sleep(float(answer.headers["Retry-After"]))

    def forget(self):
        self.items, self.took, self.waited, self.failure = [], [], [], None
        self.statuses, self.verdicts = collections.Counter(), collections.Counter()

    # ---- what it captures ----

    def _item(self, kind, donor, **data):
        self.seq += 1
        minute = 7 * 60 + self.seq % 600
        self.items.append({"id": str(uuid.uuid4()), "install": self.install, "seq": self.seq, "kind": kind,
                           "captured_at": f"{self.evening.field.today}T{minute // 60:02}:{minute % 60:02}:00+07:00",
                           "data": {"donor": donor, "round": self.evening.round, **data}})

    def check_in(self, donor):
        self._item("check_in", donor)

    def note(self, donor):
        self._item("note", donor, text="hẹn xét nghiệm lại")

    def take_blood(self, donor):
        self._item("screening", donor, outcome="accepted", screening={"hemoglobin_g_l": 120 + self.seq % 40})
        self._item("donation", donor, outcome="completed", component="whole_blood", volume_ml=350, bag_code=f"E{self.number:03}-{self.seq:06}",
                   donated_on=self.evening.field.today)

    def visit(self, donor):
        self.check_in(donor)
        self.take_blood(donor)

    # ---- what it sends ----

    def cut_up(self):
        left, self.parts = list(self.items), []
        while left:
            size = self.dice.randint(*BATCH)
            self.parts.append(left[:size])
            left = left[size:]

    def run(self):
        try:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.evening.daemon.port, timeout=120)
            for part in self.parts:
                began = time.monotonic()
                while part:
                    part = self.send(part)
                self.waited.append(time.monotonic() - began)
            self.connection.close()
        except Exception as failure:                                      # told by who waits for us
            self.failure = failure

    def send(self, part):
        """What has to be sent again."""
        body = json.dumps({"batch_id": f"đo {self.number}", "device_now": f"{self.evening.field.today}T{EVENING}", "items": part}).encode()
        began = time.monotonic()
        self.connection.request("POST", PATH, body, {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"})
        answer = self.connection.getresponse()
        text, took = answer.read(), time.monotonic() - began
        self.statuses[answer.status] += 1
        if answer.status in (429, 503):
            time.sleep(float(answer.headers["Retry-After"]) * self.dice.uniform(1, 1.5))
            return part
        assert answer.status == 200, f"{answer.status} {text[:500]}"
        self.took.append(took)
        receipt = json.loads(text)
        again = []
        for item, told in zip(part, receipt["items"], strict=True):
            assert told["id"] == item["id"] and told["verdict"] in ("applied", "duplicate", "held", "conflict", "retry"), told
            self.verdicts[told["verdict"]] += 1
            if told["verdict"] == "retry":
                again.append(item)
        return again
