"""The life of one round through the public API: from the first donor's registration to the last millilitre that a hospital gave."""
import collections
import concurrent.futures
import datetime
import random
import threading
import time

from harness import certificates, programs
from harness.client import Api
from harness.contract import Contract
from harness.daemon import MEMORY_SECONDS, Daemon, wait_until
from harness.relay import Relay

from host import Careful, Host
from people import Person, draw_uuid
from phones import PACK, Pack, Phone, Upload

DAY = "2025-03-10"
BEFORE = ("2024-02-05", "2024-05-13", "2024-08-19", "2024-11-25")     # what was given here a year ago; 105 days before, at least
EVE, MORNING, EVENING, LATER, LAST = (f"2025-03-{day}T{time}:00+07:00" for day, time in (
    ("09", "08:00"), ("10", "06:00"), ("10", "18:00"), ("12", "09:00"), ("20", "09:00")))
DONORS, ROUNDS, CERTIFICATES, HELD, HONOURS = "/api/v1/donors", "/api/v1/rounds", "/api/v1/certificates", "/api/v1/sync/held", "/api/v1/honours"
# In which the daemon is killed: once in as many of them as there are kills, in this order; then in any but the certificates.
STAGES = ("upload", "redemptions", "registration", "booking", "held list", "gifts", "honours", "certificates")
# What goes wrong on such a day, to so many people each: see Story._serve.
CASES = ("date", "correction", "bag", "deferred", "alike", "practice")


def each(things, do, threads=4):
    """do(thing) for all of them, so many at once; the first failure is raised."""
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        return list(pool.map(do, things))


class Story:
    def __init__(self, donors=350, kills=10, seed=1, tell=print):
        self.count, self.seed, self.tell = donors, seed, tell
        self.dice = random.Random(f"scenario {seed}")
        self.people = [Person(n, self.dice) for n in range(1, donors + 1)]
        self.kills = collections.Counter(STAGES[n] if n < len(STAGES) else self.dice.choice(STAGES[:-1]) for n in range(kills))
        self.veterans, self.books, self.figures = [], {}, collections.Counter()
        self.present, self.accepted, self.last_bag = set(), set(), None
        self.truth = {}                    # {donation item: (person, ml, outcome)} that is to count in the end
        self.person_of, self.alike, self.expected = {}, {}, collections.defaultdict(set)

    def run(self):
        self.daemon = Daemon(now=EVE, settings={"booking.walk_in_percent": 0})
        self.host = Host(self.daemon, random.Random(f"kills {self.seed}"))
        self.relay = None
        try:
            self._play()
            status = self.daemon.stop()
            assert status == 0, f"the daemon ended with {status}:\n{self.daemon.log()}"
            reports = programs.REPORTS.news()
            assert not reports, reports
        finally:
            self.host.end()
            if self.relay:
                self.relay.close()
            self.daemon.end()
            programs.remove(self.daemon.folder)
        return self.figures

    def _play(self):
        self.host.begin(EVE)
        self._prepare()
        self._register()
        self._hand_in_the_past()
        self._book()
        self.host.begin(MORNING)
        self._take_phones()
        self._capture()
        self.host.begin(EVENING)
        self._upload()
        self.host.begin(LATER)
        self._check_in_told()
        self._issue("before the held list")
        self._work_off_the_held_list()
        self._compare_results()
        self._issue("after it")
        self._read_the_paper()
        self.host.begin(LAST)
        self._hand_over_gifts()
        self._redeem()
        self._honour()
        self._add_up()

    def _say(self, text):
        self.tell(f"  {text} [{len(self.host.kills)} kills, {self.host.requests} requests]")

    def _stage(self, name, requests):
        return self.host.stage(name, requests, self.kills[name])

    def _key(self, *words):
        """The same for the same thing, however often it is said."""
        return "-".join(map(str, words)).replace(" ", "-")

    # ---- before ----

    def _prepare(self):
        contract = Contract()
        token = {role: self.daemon.new_token(role, f"kịch bản {role}") for role in ("staff", "admin")}
        token |= {name: self.daemon.new_token("hospital", name) for name in ("Bệnh viện thử A", "Bệnh viện thử B")}
        self.api = Api(self.daemon, contract)
        self.client = {name: Careful(self.host, self.api.with_token(text)) for name, text in token.items()}
        self.public, self.staff, self.admin = Careful(self.host, self.api), self.client["staff"], self.client["admin"]
        self.host.ask_anything = lambda: self.public.get("/healthz")
        self.hospitals = [self.client[name] for name in token if name.startswith("Bệnh viện")]
        self.team = self.staff.post("/api/v1/teams", {"code": "KB1", "name": "Đội kịch bản", "beds": 12}).json()["id"]
        plan = {"number": "1/KH-KB", "code_prefix": "KB", "title": "Kế hoạch kịch bản", "from": "2024-01-01", "to": "2025-12-31"}
        self.plan = self.staff.post("/api/v1/plans", plan).json()["id"]
        self.past = [self._round(day)["id"] for day in BEFORE]
        booked = self.count // 2
        self.capacity = booked - booked // 8       # some have to wait
        self.round = self._round(DAY, capacity=self.capacity, start="07:30", end="17:30")["id"]
        self._step(self.round, "open", "open")
        self.admin.post("/api/v1/issuing-bodies", {"code": "KB", **certificates.BODY})

    def _round(self, day, **more):
        body = {"title": f"Đợt {day}", "date": day, "units": ["Xã Mường Than"], "team": self.team, **more}
        made = self.staff.post(f"/api/v1/plans/{self.plan}/rounds", body).json()
        self._step(made["id"], "announce", "announced")
        path = f"{ROUNDS}/{made['id']}"
        self.staff.step(path, "confirm", {"document": "Công văn kịch bản số 1"}, lambda r: r["date_status"] == "official")
        return made

    def _step(self, round_id, verb, status):
        return self.staff.step(f"{ROUNDS}/{round_id}", verb, None, lambda r: r["status"] == status)

    def _register(self):
        """Three of four are known before; the others come to the door."""
        self.known = self.people[:self.count * 3 // 4]
        self.newcomers = self.people[len(self.known):]

        def register(person):
            made = self.staff.post(DONORS, person.body(), key=self._key("donor", person.number)).json()
            assert made["possible_duplicates"] == [], made
            person.donor_id = made["id"]
        with self._stage("registration", len(self.known)):
            each(self.known, register)
        for person in self.newcomers:
            person.donor_id = person.key   # by which the phone names them
        self.veterans = self.known[:max(3, self.count // 30)]
        self._say(f"{len(self.known)} registered")

    def _enrol(self, name):
        """A code is told once: where its answer was lost, another phone is entered in its place."""
        for turn in range(50):
            made = self.staff.post("/api/v1/devices", {"name": f"{name} {turn}", "team": self.team}, key=self._key("phone", name, turn)).json()
            if made["code"]:
                break
            self.staff.post(f"/api/v1/devices/{made['device']['id']}/revoke", {}, expect=200)
        answer = self.public.post("/api/v1/devices/enrol", {"code": made["code"], "install": draw_uuid(self.dice)}).json()
        return answer["device"]["id"], answer["token"]

    def _hand_in_the_past(self):
        """An old phone has last year's rounds yet: each of the veterans gave in all of them."""
        _, token = self._enrol("Old")
        dice = random.Random(f"past {self.seed}")
        phone = Phone("Old", dice, self.past[0], BEFORE[0])
        for day, round_id in zip(BEFORE, self.past):
            phone.clock = datetime.datetime.fromisoformat(f"{day}T08:00:00+07:00")
            phone.round = round_id
            for person in self.veterans:
                phone.donation(person, {"id": person.donor_id}, 250, f"KB-{round_id[-6:]}-{person.number}")
        upload = Upload(phone, Careful(self.host, self.api.with_token(token)), dice, EVE).start()
        upload.join()
        assert set(map(str, upload.last().values())) == {"('counts', [])"}

    def _book(self):
        """Half of all, each once; who gives a place back gives it to who waits first."""
        self.booked_people = self.known[:self.count // 2]
        path = f"{ROUNDS}/{self.round}/appointments"
        slots = self.staff.get(f"{ROUNDS}/{self.round}/slots")["items"]

        def book(person):
            wish = {"slot": slots[person.number % len(slots)]["id"]} if person.number % 3 == 0 else {}
            return self.staff.post(path, {"donor": person.donor_id, "wait": True, **wish}, key=self._key("book", person.number)).json()

        def cancel(appointment):
            return self.staff.post(f"/api/v1/appointments/{appointment['id']}/cancel", {}, expect=200,
                                   key=self._key("cancel", appointment["id"])).json()
        # some may not give at all, and come all the same
        self.warned = set(self.known[-max(1, self.count // 50):])
        for person in self.warned:
            self.staff.post(f"{DONORS}/{person.donor_id}/deferrals", {"code": "malaria", "permanent": True}, key=self._key("defer", person.number))
        with self._stage("booking", len(self.booked_people)):
            made = each(self.booked_people, book)
        before = collections.Counter(a["state"] for a in self.staff.items(path))
        assert before["booked"] <= self.capacity and sum(before.values()) == len(made), before
        gone = each([a for a in made if a["state"] == "booked"][::12], cancel)
        now = collections.Counter(a["state"] for a in self.staff.items(path))
        assert {a["state"] for a in gone} == {"cancelled"} and now["cancelled"] == len(gone)
        assert now["booked"] <= self.capacity and now["booked"] + now["waiting"] + now["cancelled"] == len(made), now
        wait_until(self._nobody_waits_in_vain, what="who waits has what is free")
        self._say(f"{now['booked']} booked, {now['waiting']} wait, {now['cancelled']} cancelled of {self.capacity} places")

    def _nobody_waits_in_vain(self):
        left = {slot["id"]: slot["left"] for slot in self.staff.get(f"{ROUNDS}/{self.round}/slots")["items"]}
        waiting = self.staff.items(f"{ROUNDS}/{self.round}/appointments", state="waiting")
        return not any(sum(left.values()) if a["waits_for"] is None else left[a["waits_for"]] for a in waiting)

    # ---- the day ----

    def _take_phones(self):
        self._step(self.round, "start", "running")
        self.devices = {name: self._enrol(name) for name in ("A", "B", "C")}
        self.relay = Relay(self.daemon.port)
        self.relay.lose(3)
        # the days of those who may not give are counted in the background: the pack is taken anew until they are in it
        self.packs = dict(zip(self.devices, each(self.devices.values(), lambda device: wait_until(
            lambda: self._take_pack(device[1]), every=0.3, what="a pack with all who may not give"), 3)))
        booked = self.staff.items(f"{ROUNDS}/{self.round}/appointments", state="booked")
        for pack in self.packs.values():
            assert {a["donor"]["id"]: a["code"] for a in booked} == {donor: entry["code"] for donor, entry in pack.expected.items()}
        self._say(f"3 packs: {len(booked)} expected, {len(self.warned)} may not give")

    def _take_pack(self, token):
        """None: somebody whom it must stop is not in it yet."""
        pack = Pack(self._captain(token).get(PACK, params={"round": self.round}))
        return pack if all(map(pack.stops, self.warned)) else None

    def _captain(self, token):
        """The client of a phone, whose answers are cut on the way."""
        api = self.api.with_token(token)
        api.http.base_url = f"http://127.0.0.1:{self.relay.port}"
        return Careful(self.host, api)

    def _capture(self):
        """Where there is no signal: nobody is asked anything."""
        dice, some = self.dice, max(1, self.count // 100)
        self.phones = {name: Phone(name, random.Random(f"{name} {self.seed}"), self.round, DAY) for name in "ABC"}
        plain = iter([p for p in self.known if p not in self.veterans])
        self.case_of = {next(plain): name for name in CASES for _ in range(some)} | {p: "number" for p in self.newcomers[:some]}
        expected = (*self.veterans, *self.case_of, *self.warned)
        absent = {p for p in self.known if p not in expected and dice.random() < 0.08}
        arrivals = [p for p in self.people if p not in absent]
        dice.shuffle(arrivals)
        half = len(arrivals) // 2
        for person in arrivals[:half]:
            self._serve(self.phones[dice.choice("ABC")], person)
        self.phones["C'"] = self.phones["C"].clone(random.Random(f"C' {self.seed}"))
        shared = [i for i in self.phones["C"].gave if i in self.truth and self.truth[i][0] not in self.case_of][:some]
        last = [p for p in arrivals[half:] if p not in self.case_of and p not in self.newcomers][:some]     # it could name nobody
        for person in arrivals[half:]:
            if person not in last:
                self._serve(self.phones[dice.choice(("A", "B", "C", "C'"))], person)
        # the clone's screen was touched: what it sends is no more what the phone sends under the same id
        for item in shared:
            self.phones["C'"].edit(item, volume_ml=200)
            self._expect("open", item)
        # what phone C captured after it was given up for lost
        self.late = self.phones["C"].clone(random.Random(f"late {self.seed}"))
        self.late.items, self.late.gave = [], {}
        self.doubted = set(last)
        for person in last:
            self._serve(self.late, person)
        for item in self.late.items:
            self._expect("device_revoked", item["id"])
        self._say(f"{len(self.present)} came, {len(self.accepted)} were accepted, {len(self.truth)} gave, {self._truth_ml()} ml")

    def _truth_ml(self):
        return sum(ml for _, ml, _ in self.truth.values())

    def _expect(self, reason, item):
        self.expected[item].add(reason)

    def _serve(self, phone, person):
        """What one phone captures of one person, in the order in which it happens, and what of it is to count in the end."""
        dice, case = phone.dice, self.case_of.get(person)
        marks, name = [], person.key
        if case == "number":                       # a card that nobody knows, and no time to ask for a name
            name_by = lambda: {"identifier": person.identifier}                     # noqa: E731
        elif case == "alike" or person.donor_id == person.key:
            told = {**person.body(identified=case != "alike" and person.number % 3 > 0), "id": name}
            turns = iter([{"provisional": told}])
            name_by = lambda: next(turns, {"id": name})                             # noqa: E731
        else:
            name_by = lambda: dice.choice(({"id": person.donor_id}, {"identifier": person.identifier}))   # noqa: E731

        def capture(kind, /, **data):
            marks.append(phone.capture(kind, name_by(), **data))
            self.person_of[marks[-1]["id"]] = person
            return marks[-1]
        bag, ml = f"KB-{self.seed}-{person.number:04}", 250 if person.weight < 50 else dice.choice((350, 350, 450))
        if case == "practice":                     # somebody tried the screen out, and never said so
            tried = phone.donation(person, name_by(), ml, bag, donated_on="2025-03-08")["id"]
            self.person_of[tried] = person
            self._expect("date_outside", tried)
            return
        self.present.add(person)
        capture("check_in")
        stopped = self.packs[phone.name[0]].stops(person)
        assert stopped == (person in self.warned), person.number
        if stopped:                                # nobody there knows why
            capture("screening", outcome="deferred")
            return
        if case is None and person not in self.veterans and dice.random() < 0.08:
            capture("screening", outcome="deferred", screening={"hemoglobin_g_l": 101})
            capture("deferral", code="fever", **{"from": DAY})
            return
        if case == "deferred":                     # one desk sent them home, another had not heard of it
            desk = next(one for one in self.phones.values() if one is not phone)
            desk.capture("deferral", {"id": person.donor_id}, at=datetime.datetime.fromisoformat(f"{DAY}T07:00:00+07:00"), code="malaria",
                         **{"from": DAY})
        capture("screening", outcome="accepted", screening={"hemoglobin_g_l": dice.randrange(125, 160), "systolic_mmhg": 118, "diastolic_mmhg": 74})
        self.accepted.add(person)
        outcome = "completed"
        if case is None and person not in self.veterans and dice.random() < 0.04:
            outcome, ml = "stopped", dice.choice((0, 60, 120))
        typed = self.last_bag if case == "bag" and self.last_bag else bag
        first = ml if case != "correction" else 200
        given = phone.donation(person, name_by(), first, typed, outcome, **({"donated_on": "2025-03-09"} if case == "date" else {}))
        marks.append(given)
        if case in ("bag", "correction"):
            given = phone.donation(person, name_by(), ml, bag, outcome, corrects=given)
            marks.append(given)
        self.truth[given["id"]] = (person, ml, outcome)
        self.last_bag = bag
        if case is None and ml == 350 and dice.random() < 0.5:
            capture("gift", kind="gift", value_vnd=150000)
        if dice.random() < 0.1:
            capture("reaction", donation=given["id"], severity="mild", text="choáng nhẹ")
        if dice.random() < 0.2:
            capture("note", text="đã nghỉ mười lăm phút")
        for reason, of in {"date": "date_outside", "deferred": "newer_deferral"}.items():
            if case == reason:
                self._expect(of, given["id"])
        if case == "number":
            for item in marks:
                self._expect("donor_unknown", item["id"])
        if case == "alike":
            self.alike[person] = {item["id"] for item in marks}
        self.person_of.update({item["id"]: person for item in marks})

    def _upload(self):
        dice = random.Random(f"upload {self.seed}")
        captains = {name: self._captain(self.devices[name[0]][1]) for name in self.phones}
        uploads = [Upload(phone, captains[name], dice, EVENING) for name, phone in self.phones.items()]
        with self._stage("upload", sum(len(upload.parts) for upload in uploads)):
            for upload in uploads:
                upload.start()
            for upload in uploads:
                upload.join()
        self.staff.post(f"/api/v1/devices/{self.devices['C'][0]}/revoke", {}, expect=200)
        time.sleep(MEMORY_SECONDS)         # no worker may remember the phone as it was
        again = Upload(self.late, captains["C"], dice, EVENING)
        again.start().join()
        self.states = {}
        for upload in (*uploads, again):
            self.states[upload.phone.name] = upload.last()
        self.relay.lose(0)
        verdicts = collections.Counter(v for upload in (*uploads, again) for v in upload.verdicts)
        self.figures["answers cut"] = self.relay.cut
        self._say(f"{verdicts.total()} items sent: " + ", ".join(f"{n} {verdict}" for verdict, n in verdicts.most_common()))

    def _check_in_told(self):
        """Whom a phone saw at the door is there, and nobody else. What a revoked phone says waits for a person, as does who they are
        that came without a card."""
        came = {p.donor_id for p in self.present if p not in self.alike}
        told = [a for a in self.staff.items(f"{ROUNDS}/{self.round}/appointments") if a["donor"]
                and a["donor"]["id"] not in {p.donor_id for p in self.doubted}]
        person_of = {p.donor_id: p for p in self.known}
        wrong = [(a["id"], a["state"], person_of[a["donor"]["id"]].number, self.case_of.get(person_of[a["donor"]["id"]])) for a in told
                 if a["state"] in ("booked", "checked_in") and (a["state"] == "checked_in") != (a["donor"]["id"] in came)]
        assert not wrong, wrong
        missing = [a for a in told if a["state"] == "booked"]
        for appointment in missing:
            self.staff.post(f"/api/v1/appointments/{appointment['id']}/no_show", {}, expect=200, key=self._key("absent", appointment["id"]))
        self._step(self.round, "close", "closed")
        self._say(f"{sum(a['state'] == 'checked_in' for a in told)} checked in by phones, {len(missing)} did not come")

    # ---- the office ----

    def _held(self):
        """Of all rounds and of none: a wait that a phone told is of no round."""
        return self.staff.items(HELD)

    def _work_off_the_held_list(self):
        rows = self._held()
        alike = {item for items in self.alike.values() for item in items}
        told = collections.defaultdict(set)
        for row in rows:
            told[row["id"]] |= {"open"} if row["state"] == "open" else set(row["reasons"])
        unlike = {item: reasons for item, reasons in told.items() if item not in alike}
        assert unlike == self.expected, difference(unlike, self.expected)
        for person, items in self.alike.items():
            assert any(told[item] == {"alike"} for item in items), (person.number, [told[item] for item in items])
        # what several items say of one person is settled once, and all contents of an item by one person
        work = collections.defaultdict(list)
        for row in rows:
            work[row["donor"] if row["id"] in alike or row["reasons"] == ["donor_unknown"] else row["id"]].append(row)

        def decide(rows):
            row, person = rows[0], self.person_of[rows[0]["id"]]
            if row["id"] in alike:
                self._merge(person, row["donor"])
            elif row["reasons"] == ["donor_unknown"]:
                self._name(person, row["donor"])
            else:
                for row in rows:
                    self._decide(row, keep=self.case_of.get(person) != "practice")
        with self._stage("held list", len(work)):
            each(work.values(), decide, 2)
        left = self._held()
        assert left == [], left[:5]
        self._say(f"{len(rows)} held rows worked off")

    def _merge(self, person, donor):
        answer = self.staff.post(f"{DONORS}/{person.donor_id}/merge", {"with": donor}, expect=(200, 409, 422))
        assert answer.status_code == 200 or answer.unknown or self.staff.get(f"{DONORS}/{donor}")["id"] == person.donor_id, answer.text

    def _name(self, person, donor):
        """They came back for their certificate, with the card."""
        self.staff.step(f"{DONORS}/{donor}", "", person.body(identified=False), lambda d: d["name"] == person.name, method="PATCH")

    def _decide(self, row, keep):
        path, mine = f"{HELD}/{row['id']}", lambda document: next(c for c in document["items"] if c["content_hash"] == row["content_hash"])
        if row["state"] == "open":                 # what the phone has, not what its clone has
            keep = mine(self.staff.get(path))["content"]["data"]["volume_ml"] == self.truth[row["id"]][1]
        self.staff.step(path, "decide", {"content_hash": row["content_hash"], "keep": keep},
                        lambda document: mine(document)["decision"] == ("keep" if keep else "drop"))

    def _book_of(self):
        return self.staff.get(f"{ROUNDS}/{self.round}/gifts")

    def _donor_of(self, person):
        """The record that stands for them now."""
        if self.case_of.get(person) == "number":
            (found,) = self.staff.post(f"{DONORS}/lookup", person.identifier, expect=200).json()["items"]
            return found["id"]
        return self.staff.get(f"{DONORS}/{person.donor_id}")["id"]

    def _compare_results(self):
        """What the phones added up for themselves, but for what the office took out, is what there is."""
        sums = {}
        for phone in (*self.phones.values(), self.late):
            sums |= {item: pair for item, pair in phone.gave.items() if phone.name != "C'" or item not in self.phones["C"].gave}
        practised = {i for i, (p, _) in sums.items() if self.case_of.get(p) == "practice"}
        assert {i: pair for i, pair in sums.items() if i not in practised} == {i: (p, ml) for i, (p, ml, _) in self.truth.items()}
        self.record_of = dict(zip(self.accepted, each(self.accepted, self._donor_of)))
        donations = self._book_of()["donations"]
        there = collections.Counter((d["donor"], d["volume_ml"], d["stopped"]) for d in donations)
        wanted = collections.Counter((self.record_of[p], ml, outcome == "stopped") for p, ml, outcome in self.truth.values())
        assert there == wanted, difference(there, wanted)
        self.donations = {d["id"]: d for d in donations}
        result = self.staff.get(f"{ROUNDS}/{self.round}")["result"]
        assert result["source"] == "items", result
        figures = {name: result[name]["value"] for name in ("present", "accepted", "units", "ml")}
        wanted = {"present": len(self.present), "accepted": len(self.accepted), "units": sum(ml > 0 for _, ml, _ in self.truth.values()),
                  "ml": self._truth_ml()}
        assert figures == wanted, (figures, wanted)
        self._say(f"result: {figures}")

    # ---- paper ----

    def _issue(self, when):
        """All that may have one by now, in the background; what is held waits for the next time."""
        path = f"{ROUNDS}/{self.round}/certificates"
        due = [d for d in self._book_of()["donations"] if d["volume_ml"] > 0 and not d["waits"]]
        with self._stage("certificates", 2) if when.startswith("before") else self.host.stage(when, 2, 0):
            batch = self.staff.post(path, {"issuer": "KB"}, expect=202, key=self._key("issue", when)).json()
            where = f"{CERTIFICATES}/batches/{batch['id']}"
            end = wait_until(lambda: (told := self.staff.get(where))["state"] != "running" and told, what="certificates")
        assert end["state"] == "done" and end["problem"] is None and end["issued"] == end["total"], end
        self.figures["issued"] += end["issued"]
        assert self.figures["issued"] == len(due), (end, len(due))
        self._say(f"{end['issued']} certificates {when}")

    def _read_the_paper(self):
        """Every code on the paper, read by another program and verified by another implementation, says what was given by whom."""
        pdf = self.staff.ask("POST", f"{ROUNDS}/{self.round}/certificates/prints", json={}, key=self._key("print")).content
        keys = self.public.get(f"{CERTIFICATES}/keys")["items"]
        papers = [certificates.verify(text, keys) for text in certificates.codes_of(pdf, dpi=110)]
        assert None not in papers and len({paper["number"] for paper in papers}) == len(papers) == self.figures["issued"]
        told = each(papers, lambda paper: self.hospitals[0].get(f"{CERTIFICATES}/{paper['number']}"))
        person_of = {record: person for person, record in self.record_of.items()}
        self.certificates = {}
        for paper, one in zip(papers, told):
            donation = self.donations[one["donation"]]
            person = person_of[donation["donor"]]
            assert paper["ml"] == one["volume_ml"] == one["balance_ml"] == donation["volume_ml"] and paper["day"] == DAY, (paper, one)
            assert paper["holder"] == certificates.holder_digest(paper["salt"], person.name, person.birth_date)
            self.certificates[one["number"]] = one["volume_ml"]
        assert sum(self.certificates.values()) == self._truth_ml() == sum(d["volume_ml"] for d in self.donations.values())
        self._say(f"{len(papers)} papers read and verified: {sum(self.certificates.values())} ml")

    def _hand_over_gifts(self):
        """Some had theirs beside the bed, which a phone told; the office hands over the others."""
        path = f"{ROUNDS}/{self.round}/gifts"
        book = self._book_of()
        has = {gift["donor"] for gift in book["gifts"]}
        owed = [d for d in book["donations"] if d["owed_vnd"] > 0 and d["donor"] not in has]

        def hand(donation):
            body = {"donor": donation["donor"], "kind": "gift", "value_vnd": donation["owed_vnd"], "handed_on": DAY}
            return self.staff.post(path, body, key=self._key("gift", donation["id"]))
        with self._stage("gifts", len(owed)):
            each(owed, hand)
        book = self._book_of()
        assert book["exceptions"] == [], book["exceptions"][:5]
        value = sum(gift["value_vnd"] for gift in book["gifts"])
        assert value == sum(d["owed_vnd"] for d in book["donations"])
        self._say(f"{len(has)} gifts beside the bed, {len(owed)} at the office, {value} VND")

    # ---- the hospitals ----

    def _use(self, hospital, number, ml, expect=201, **more):
        """One redemption, under an id of the hospital's own; what it gave is in its book."""
        body = {"id": draw_uuid(random.Random(f"{self.seed} {number} {hospital} {ml} {more}")), "ml": ml, **more}
        answer = self.hospitals[hospital].post(f"{CERTIFICATES}/{number}/redemptions", body, expect=expect)
        if answer.status_code == 201 and answer.json()["redemption"]["kind"] == "use":
            self._note(hospital, number, ml)
        return answer.json() if answer.status_code == 201 else None

    def _note(self, hospital, number, ml):
        with self.lock:
            self.books[hospital][number] += ml

    def _reverse(self, hospital, number, made):
        entry = made["redemption"]
        self.hospitals[hospital].post(f"{CERTIFICATES}/{number}/redemptions/{entry['id']}/reversal", {}, key=self._key("reverse", entry["id"]))
        self._note(hospital, number, -entry["ml"])

    def _redeem(self):
        """Seven of ten certificates, each in one of six ways; in the end whatever is left is asked for, and one millilitre more."""
        self.lock, self.books = threading.Lock(), [collections.Counter(), collections.Counter()]
        used = [(n % 10, number) for n, number in enumerate(sorted(self.certificates)) if n % 10 < 7]

        def whole(number, volume):
            self._use(0, number, volume)

        def parts(number, volume):
            self._use(0, number, volume // 3 or 1)
            self._use(1, number, volume - (volume // 3 or 1))

        def taken_back(number, volume):
            self._reverse(0, number, self._use(0, number, volume // 2))
            self._use(1, number, volume - 1)

        def offline(number, volume):
            """Given without a line five days ago, and told only now: it fits."""
            self._use(1, number, volume // 2)
            late = self._use(0, number, volume // 4, source="offline", used_on="2025-03-15")
            assert late["redemption"]["kind"] == "use" and late["balance_ml"] == volume - volume // 2 - volume // 4

        def claimed(number, volume):
            """Told too late: nothing is left for it, until the other hospital takes its own back."""
            first = self._use(0, number, volume)
            late = self._use(1, number, volume // 2, source="offline", used_on="2025-03-15")
            assert late["redemption"]["kind"] == "claim" and late["redemption"]["open"] and late["balance_ml"] == 0
            settle = f"{CERTIFICATES}/{number}/redemptions/{late['redemption']['id']}/settlement"
            self.hospitals[1].post(settle, {}, expect=409, key=self._key("too soon", number))
            self._reverse(0, number, first)
            self.hospitals[1].post(settle, {}, key=self._key("settle", number))
            self._note(1, number, volume // 2)

        def raced(number, volume):
            """Both at once want all of it: one has it."""
            made = each((0, 1), lambda hospital: self._use(hospital, number, volume, expect=(201, 409)), 2)
            assert sum(answer is not None for answer in made) == 1, number

        ways = (whole, parts, taken_back, offline, claimed, raced, parts)
        with self._stage("redemptions", len(used)):
            each(used, lambda pair: ways[pair[0]](pair[1], self.certificates[pair[1]]))
        each([number for _, number in used], self._ask_for_too_much)
        self._say(f"{len(used)} certificates redeemed")

    def _left(self, number):
        return self.certificates[number] - self.books[0][number] - self.books[1][number]

    def _ask_for_too_much(self, number):
        left = self._left(number)
        if left < self.certificates[number]:
            self._use(0, number, left + 1, expect=409)

    # ---- honours ----

    def _honour(self):
        wanted = {self.record_of[p] for p in self.veterans}
        told = {c["donor"]: c for c in self.staff.items(f"{HONOURS}/candidates", ladder="individual")}
        assert told.keys() == wanted and all([s["step"] for s in c["steps"]] == ["individual.5"] for c in told.values()), (told, wanted)

        def work(donor):
            made = self.staff.post(HONOURS, {"donor": donor, "step": "individual.5"}, key=self._key("honour", donor)).json()
            path, states = f"{HONOURS}/{made['id']}", ["candidate", "checked", "proposed", "approved", "handed_over"]
            for verb, state, body in (("check", "checked", {}), ("propose", "proposed", {}), ("approve", "approved", {"document": "1/QĐ-KB"}),
                                      ("hand_over", "handed_over", {})):
                client = self.admin if verb == "approve" else self.staff
                client.step(path, verb, body, lambda h: states.index(h["state"]) >= states.index(state))      # noqa: B023
            return made["id"]
        with self._stage("honours", 5 * len(wanted)):
            given = each(wanted, work, 3)
        assert len(set(given)) == len(wanted)
        for donor in wanted:
            self.staff.post(HONOURS, {"donor": donor, "step": "individual.5"}, expect=409)
        assert self.staff.items(f"{HONOURS}/candidates", ladder="individual") == []
        listed = self.staff.ask("GET", f"{HONOURS}/ceremony.csv", params={"list": "internal", "ladder": "individual", "state": "handed_over"})
        assert len(listed.content.decode("utf-8-sig").strip().splitlines()) == len(wanted) + 1
        self._say(f"{len(wanted)} honours handed over")

    # ---- the sum ----

    def _add_up(self):
        """To the last millilitre, from the bag to the bedside."""
        signs = {"use": 1, "settlement": 1, "claim": 0}
        volume = redeemed = balance = 0
        for one in each(sorted(self.certificates), lambda number: self.staff.get(f"{CERTIFICATES}/{number}")):
            number, kinds = one["number"], {e["id"]: e["kind"] for e in one["redemptions"]}
            ledger = sum(e["ml"] * (signs[e["kind"]] if e["kind"] != "reversal" else -signs[kinds[e["of"]]]) for e in one["redemptions"])
            assert one["volume_ml"] == self.certificates[number] == one["redeemed_ml"] + one["balance_ml"], one
            assert ledger == one["redeemed_ml"] == self.books[0][number] + self.books[1][number], (one, self.books)
            volume, redeemed, balance = volume + one["volume_ml"], redeemed + one["redeemed_ml"], balance + one["balance_ml"]
        assert volume == self._truth_ml() == redeemed + balance
        assert redeemed == sum(sum(book.values()) for book in self.books)
        assert self.staff.items(f"{CERTIFICATES}/claims") == [] and self._held() == []
        self.daemon.assert_records_fit()
        kills = self.host.kills
        assert len(kills) == sum(self.kills.values()) and all(under_way for *_, under_way in kills), kills
        self.figures.update({"donations": len(self.truth), "ml": volume, "redeemed_ml": redeemed, "balance_ml": balance, "kills": len(kills),
                             "requests": self.host.requests, "answers lost": self.host.lost})
        self._say(f"{volume} ml given = {redeemed} redeemed + {balance} left")


def difference(there, wanted):
    """What the one has and the other has not, briefly."""
    if isinstance(there, collections.Counter):
        return f"too much: {list((there - wanted).items())[:5]}, missing: {list((wanted - there).items())[:5]}"
    return [(key, there.get(key), wanted.get(key)) for key in there.keys() | wanted.keys() if there.get(key) != wanted.get(key)][:8]
