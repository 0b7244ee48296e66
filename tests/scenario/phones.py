"""Phones of the teams: they capture facts where there is no signal, add up for themselves, and hand in as best they can."""
import copy
import datetime
import hmac
import threading

from harness.certificates import fold

from people import draw_uuid

BATCHES, PACK = "/api/v1/sync/batches", "/api/v1/sync/pack"


class Pack:
    """What a phone takes along: whom it expects, and hashes of those who may not give, which say neither who nor why."""

    def __init__(self, told):
        self.key, self.bits = bytes.fromhex(told["key"]), told["hash_bits"]
        self.expected = {entry["donor"]: entry for entry in told["expected"]["added"] if entry["donor"]}
        self.names, self.numbers = set(told["names"]["added"]), set(told["numbers"]["added"])

    def _hash(self, text):
        return int.from_bytes(hmac.digest(self.key, text.encode(), "sha256")[:4], "big") >> (32 - self.bits)

    def stops(self, person):
        """The number and the name are both looked for."""
        name = " ".join(sorted(set(fold(person.name).split())))
        return (self._hash(f"{person.identifier['kind']}\x1f{person.identifier['value']}") in self.numbers
                and self._hash(f"{name}\x1f{person.birth_date}") in self.names)


class Phone:
    """An install with its items. `gave`: what it says itself was given, by the donation's item."""

    def __init__(self, name, dice, round_id, day):
        self.name, self.dice, self.round, self.day = name, dice, round_id, day
        self.install, self.seq, self.items, self.gave = draw_uuid(dice), 0, [], {}
        self.clock = datetime.datetime.fromisoformat(f"{day}T07:30:00+07:00")

    def clone(self, seed_dice):
        """Its storage, copied to another phone: the same install, and the same numbers again from here on."""
        other = copy.copy(self)
        other.name, other.dice = f"{self.name}'", seed_dice
        other.items, other.gave = copy.deepcopy(self.items), dict(self.gave)
        return other

    def capture(self, kind, donor, /, at=None, corrects=None, round_id=None, **data):
        self.seq += 1
        self.clock += datetime.timedelta(seconds=self.dice.randrange(20, 90))
        item = {"id": draw_uuid(self.dice), "install": self.install, "seq": self.seq, "kind": kind,
                "captured_at": (at or self.clock).isoformat(), "data": {"donor": donor, **data}}
        if kind != "deferral":
            item["data"]["round"] = round_id or self.round
        if corrects:
            item["corrects"] = corrects["id"]
        self.items.append(item)
        return item

    def donation(self, person, donor, ml, bag, outcome="completed", corrects=None, **more):
        """Counts for its own sum; a correction takes the place of what it corrects."""
        item = self.capture("donation", donor, corrects=corrects, outcome=outcome, component="whole_blood", volume_ml=ml,
                            bag_code=bag, **more)
        if corrects:
            del self.gave[corrects["id"]]
        self.gave[item["id"]] = (person, ml)
        return item

    def edit(self, item, **data):
        """What no phone may do once it has begun to send: another content under the same id. The sum of its own follows."""
        mine = next(i for i in self.items if i["id"] == item)
        mine["data"] = {**mine["data"], **data}
        mine["captured_at"] = (datetime.datetime.fromisoformat(mine["captured_at"]) + datetime.timedelta(minutes=1)).isoformat()


class Upload:
    """One phone hands in: in any order, in parts, some of them again and again, two streams side by side."""

    def __init__(self, phone, client, dice, now):
        self.phone, self.client, self.now = phone, client, now
        sent = phone.items + dice.choices(phone.items, k=len(phone.items) // 3)
        dice.shuffle(sent)
        self.parts = []
        while sent:
            size = dice.choice((1, 2, 5, 10, 20, 40))
            self.parts.append(sent[:size])
            sent = sent[size:]
        self.threads = [threading.Thread(target=self._send_some, args=(n,)) for n in range(2)]
        self.failures, self.verdicts = [], []

    def send(self, items):
        body = {"batch_id": f"{self.phone.name} {len(items)}", "device_now": self.now, "items": items}
        waits = items
        while waits:                       # a portal that answers 200 to everything gives no counts
            receipt = self.client.ask("POST", BATCHES, json={**body, "items": waits}).json()
            assert receipt["counts"]["items"] == len(waits) and receipt["counts"]["rejected"] == 0, receipt
            self.verdicts += [i["verdict"] for i in receipt["items"]]
            again = {i["id"] for i in receipt["items"] if i["verdict"] == "retry"}
            waits = [item for item in waits if item["id"] in again]
        return receipt

    def _send_some(self, n):
        try:
            for part in self.parts[n::2]:
                self.send(part)
        except BaseException as failure:
            self.failures.append(failure)

    def start(self):
        for thread in self.threads:
            thread.start()
        return self

    def join(self):
        for thread in self.threads:
            thread.join()
        if self.failures:
            raise self.failures[0]

    def last(self):
        """All of it once more: everything is there, and how it stands. {item: (state, reasons)}"""
        states, items = {}, self.phone.items
        for at in range(0, len(items), 200):
            receipt = self.send(items[at:at + 200])
            assert {i["verdict"] for i in receipt["items"]} == {"duplicate"}, receipt["counts"]
            states.update({i["id"]: (i["state"], i["reasons"]) for i in receipt["items"]})
        (install,) = [i for i in receipt["installs"] if i["install"] == self.phone.install]
        assert install["missing"] == [], install
        return states
