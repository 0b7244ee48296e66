"""What openapi.json offers to an attacker: requests that are answered with 2xx as they stand."""
import collections.abc
import dataclasses
import datetime
import json
import urllib.parse

import relay
from harness.contract import Contract
from harness.seeds import day

SESSIONS = ("/api/v1/sessions", "/api/v1/sessions/current")     # one's own: GET takes no value, and a token has none
# Nothing of these reaches a statement but the caller's own id, or a number made of a whole file of ladders: their values are
# hashed or compared.
HASHED_ONLY = {"/api/v1/honours/preview", "/api/v1/users/me/password", "/api/v1/users/me/totp", "/api/v1/users/me/totp/confirm", "/api/v1/users/me/totp/remove"}
ADMINS = ("/api/v1/audit", "/api/v1/tokens", "/api/v1/users", "/api/v1/users/{id}", "/api/v1/sync/pack")
NUMBER = "AT25-000001-D"                    # of a certificate that there is not: its check character fits
ABSENT = ("/api/v1/certificates/{number}", "/api/v1/certificates/{number}.pdf", "/api/v1/certificates/batches/{id}", "/api/v1/honours/{id}")
PASSWORD = "chín con trâu đen ăn cỏ"
OPERATORS = ("/healthz", "/readyz", "/metrics")            # not for the world: tests/integration/test_proxy.py
# By route and name, then by name alone: values that are taken. What is not here is the contract's own example.
VALUES = {
    "/calendar/units/{unit}.ics": {"unit": "than-uyen"}, "/api/v1/gifts/exceptions": {"from": "2025-01-01", "to": "2025-12-31"},
    "/api/v1/certificates/{number}.pdf": {"form": "whole"},
    **{f"/api/v1/honours{rest}": {"state": "approved"} for rest in ("", "/ceremony.csv", "/ceremony.xlsx", "/ceremony.pdf")},
    "/api/v1/rounds/{id}/appointments": {"state": "booked"},
    "/api/v1/plans/{id}": {"id": "3653-KH-UBND"}, "/calendar/rounds/{round}.ics": {"round": "LC25-01"},
    "": {"id": "LC25-07", "from": "2024-01-01", "to": "2027-12-31", "unit": "than uyen", "campaign": "chu-nhat-do", "status": "announced",
         "plan": "3653-KH-UBND", "date_precision": "day", "order": "asc", "limit": "5", "q": "than uyen", "on": "2025-06-01", "level": "commune",
         "inactive": "true", "subject_kind": "round", "action": "round.create", "ts": "1", "smsc": "FAKE", "coding": "0", "charset": "UTF-8",
         "id@sms": "gw-1", "slug": "invalid-field", "abo": "O", "rhd": "positive", "component": "whole_blood",
         "next_eligible_from": "2024-01-01", "next_eligible_to": "2027-12-31", "last_donation_from": "2024-01-01",
         "last_donation_to": "2027-12-31", "number": NUMBER, "state": "open", "late": "true", "volume_ml": "350"},
}


@dataclasses.dataclass
class Surface:
    """One request: url without the host; `body` for POST and PATCH, a text with * where it may be attacked for CSV."""
    method: str
    path: str
    query: dict
    body: dict | str | None = None
    token: str = "staff"
    unique: tuple = ()                     # members of the body that must be new each time
    before: collections.abc.Callable | None = None      # of a relay.Relay, where one is needed
    taken: tuple = (200, 201)              # 409 too: can be done once, but says so only after it has asked the database

    @property
    def name(self):
        return f"{self.method} {self.path}" + (f" ?{','.join(self.query)}" if self.query else "")

    @property
    def target(self):
        return self.path + (f"?{urllib.parse.urlencode(self.query)}" if self.query else "")


def authorization(site, token):
    return site.basic() if token == "gateway" else f"Bearer {site.tokens[token]}"


def content(surface, sign=""):
    """(bytes of the body, its media type); `sign`: what stands for *."""
    if surface.body is None:
        return b"", None
    if isinstance(surface.body, str):
        return surface.body.replace("*", sign).encode(), "text/csv"
    return json.dumps(surface.body, ensure_ascii=False).encode(), "application/json"


def ask(client, site, surface):
    client.headers["Authorization"] = authorization(site, surface.token)
    body, kind = content(surface)
    headers = {**({"Content-Type": kind} if kind else {}), **(surface.before(client) if surface.before else {})}
    return client.request(surface.method, surface.target, content=body, headers=headers)


class Finder:
    """Ids and cursors that only this database knows."""

    def __init__(self, site, client):
        self.site, self.client = site, client
        self.contract = Contract()
        self.missing = []                  # routes that this file knows no request for

    def get(self, path, token="staff"):
        answer = self.client.get(path, headers={"Authorization": authorization(self.site, token)})
        assert answer.status_code == 200, f"{path}: {answer.text[:300]}"
        return answer.json()

    def first(self, path):
        items = self.get(path)["items"]
        return items[0] if items else None

    def value(self, template, name, example):
        if template in VALUES and name in VALUES[template]:
            return VALUES[template][name]
        if template.startswith("/sms/") and f"{name}@sms" in VALUES[""]:
            return VALUES[""][f"{name}@sms"]
        if template.startswith("/api/v1/sync/") and name in self.field_values:
            return self.field_values[name]
        if name in ("team", "venue", "actor_id", "subject_id", "request", "deferral"):
            return {"venue": self.venue, "request": self.request, "deferral": self.deferral}.get(name, self.team)["id"]
        if template.startswith("/sms/") and example is not None:
            return example
        if name == "id" and template.split("/")[3] == "families":
            return self.family["id"]
        if name == "id" and template.split("/")[3] == "honours":
            return self.family["id"]         # one that is none: nobody here has given blood
        if name == "id" and template.split("/")[3] == "sync":
            return self.item["id"]
        of = {"donors": self.donor, "users": self.user, "appointments": self.seat, "groups": self.group}
        if name == "id" and template.split("/")[3] in of:
            return of[template.split("/")[3]]["id"]
        if name == "id" and template.split("/")[3] in ("teams", "venues", "campaigns", "units"):
            return self.first(f"/api/v1/{template.split('/')[3]}")["id"]
        return VALUES[""].get(name, example)

    def post(self, path, body, etag=None, token="staff"):
        headers = {"Authorization": authorization(self.site, token), **({"If-Match": etag} if etag else {})}
        answer = self.client.post(path, json=body, headers=headers)
        assert answer.status_code in (200, 201), f"{path}: {answer.text}"
        return answer

    def seed(self):
        """One of each, so that lists and parameters have something to name; rounds that changes are tried on."""
        self.day, self.later = day(60), day(90)
        self.team = self.post("/api/v1/teams", {"code": "TD1", "name": "Đội 1"}).json()
        self.venue = self.post("/api/v1/venues", {"name": "Nhà văn hóa 1", "unit": "Huyện Than Uyên"}).json()
        self.campaign = self.post("/api/v1/campaigns", {"slug": "bi-thu", "name": "Ngày hội bị thử"}).json()
        self.plan = self.post("/api/v1/plans", {"number": "77/KH-THU", "code_prefix": "ATT", "title": "Kế hoạch bị thử", "from": day(30), "to": day(330)}).json()

        self.donor = self.post("/api/v1/donors", {"name": "Lò Thị Thử", "birth_year": 1990, "phone": "0900000001"}).json()
        donor = f"/api/v1/donors/{self.donor['id']}"
        self.request = self.post(f"{donor}/requests", {"kind": "access"}).json()
        self.deferral, self.lifted = (self.post(f"{donor}/deferrals", {"code": "malaria", "permanent": True}).json() for _ in range(2))
        self.item = {"id": "01940000-0000-7000-8000-00000000000a", "install": "01940000-0000-7000-8000-00000000000b", "seq": 1, "kind": "note",
                     "captured_at": "2025-03-10T08:00:00+07:00", "data": {"donor": {"id": self.donor["id"]}, "text": "ghi"}}
        self.post("/api/v1/sync/batches", {"device_now": "2025-03-10T18:00:00+07:00", "items": [self.item]}, token="admin")
        self.held = self.client.get(f"/api/v1/sync/held/{self.item['id']}",
                                    headers={"Authorization": authorization(self.site, "staff")}).json()["items"][0]
        self.device = self.post("/api/v1/devices", {"name": "Máy 1", "team": self.team["id"]}).json()
        self.other = self.post("/api/v1/donors", {"name": "Lò Thị Khác", "birth_year": 1971}).json()
        self.gone = self.post("/api/v1/donors", {"name": "Lò Thị Xóa", "birth_year": 1972}).json()
        self.post("/api/v1/issuing-bodies", {"code": "AT", "name": "Ban Chỉ đạo thử", "place": "Lai Châu", "signer": "Trưởng ban"}, token="admin")
        self.family = self.post("/api/v1/families", {"donor": self.donor["id"], "joined_on": "2020-01-01"}).json()
        self.post(f"{donor}/erasure", {})
        self.open_round = self.new_round()
        for verb, body in (("confirm", {"document": "11/TB-THU"}), ("open", {})):
            self.post(f"{self.open_round}/{verb}", body, self.client.get(self.open_round, headers={"Authorization": authorization(self.site, "staff")}).headers["etag"])
        held = {"title": "Nhóm bị thử", "contact": self.other["id"], "seats": 5}
        self.group = self.post(f"{self.open_round}/groups", held).json()
        self.seat = self.group["items"][0]
        ids = {"round": self.open_round.split("/")[-1], "install": self.item["install"], "last_seq": "3"}
        pack = self.get(f"/api/v1/sync/pack?round={ids['round']}", "admin")
        self.field_values = {**ids, "since": pack["token"], "state": pack["state"]}
        self.user = self.post("/api/v1/users", {"login": "bi.thu", "name": "Người Thử", "role": "staff", "password": PASSWORD}, token="admin").json()

    def new_round(self):
        """Path of an announced round."""
        made = self.post(f"/api/v1/plans/{self.plan['id']}/rounds", {"title": "Đợt", "date": self.day, "units": ["Huyện Than Uyên"], "capacity": 500})
        path = f"/api/v1/rounds/{made.json()['id']}"
        self.post(f"{path}/announce", {}, made.headers["etag"])
        return path

    def reads(self):
        """Every GET route, with all of its query parameters at once; a cursor goes with `limit` alone."""
        for method, template in sorted(self.contract.routes()):
            if method != "GET" or template in OPERATORS + SESSIONS:
                continue
            if not self.knows(template):
                self.missing.append(f"GET {template}")
                continue
            token = "gateway" if template.startswith("/sms/") else "admin" if template in ADMINS else "staff"
            path, query = template, {}
            for parameter in self.contract.parameters("get", template):
                value = self.value(template, parameter["name"], parameter.get("example"))
                if parameter["in"] == "path":
                    path = path.replace("{%s}" % parameter["name"], urllib.parse.quote(str(value), safe=""))
                elif parameter["in"] == "query" and parameter["name"] != "cursor":
                    query[parameter["name"]] = value
            yield Surface("GET", path, query, token=token, taken=(404,) if template in ABSENT else (200, 201))
            if any(p["name"] == "cursor" for p in self.contract.parameters("get", template)):
                cursor = self.cursor(template, token)
                if cursor:
                    yield Surface("GET", path, {"limit": "1", "cursor": cursor}, token=token)

    def knows(self, template):
        return all(self.value(template, one["name"], one.get("example")) is not None for one in self.contract.parameters("get", template)
                   if one["in"] == "path" or one["in"] == "query" and one["name"] != "cursor")

    def cursor(self, template, token):
        more = "&from=2020-01-01" if template == "/api/v1/rounds" else ""
        answer = self.client.get(f"{template}?limit=1{more}", headers={"Authorization": authorization(self.site, token)})
        return answer.json().get("next_cursor") if answer.status_code == 200 else None

    def writes(self):
        """Every POST and PATCH that takes a value; what must be new is made new each time, or by the relay."""
        plan = f"/api/v1/plans/{self.plan['id']}"
        yield Surface("POST", "/api/v1/teams", {}, {"code": "ABC1", "name": "Đội thử", "organisation": "Hội", "beds": 5}, unique=("code",))
        yield Surface("POST", "/api/v1/venues", {}, {"name": "abcdefgh", "unit": "Huyện Than Uyên", "address": "Bản", "capacity": 50}, unique=("name",))
        yield Surface("POST", "/api/v1/campaigns", {}, {"slug": "abcdef", "name": "abcdefgh"}, unique=("slug", "name"))
        yield Surface("POST", "/api/v1/plans", {}, {"number": "abcdefgh", "title": "Kế hoạch", "code_prefix": "ABCD1", "from": "2025-01-01",
                                                    "to": "2025-12-31", "issuer": "Ban", "legal_basis": ["ghi"]}, unique=("number", "code_prefix"))
        rounds = [{"ordinal": 7, "title": "Đợt", "date": "2025-03-14", "units": ["Huyện Than Uyên"], "organiser": "Hội", "note": "ghi"}]
        yield Surface("POST", "/api/v1/plans/import", {}, {"number": "78/KH-THU", "title": "Kế hoạch", "code_prefix": "ATU", "from": "2025-01-01",
                                                           "to": "2025-12-31", "rounds": rounds})
        yield Surface("POST", "/api/v1/plans/import", {"plan": "78/KH-THU"}, "ordinal,date,start,end,place,units,organiser,target\n"
                      "7*,14/3/2025*,07:30*,10:30*,Nhà văn hóa 1*,Huyện Than Uyên*,Hội*,250*\n")
        yield Surface("POST", f"{plan}/rounds", {}, {"title": "Đợt", "date": self.day, "units": ["Huyện Than Uyên"], "organiser": "Hội", "note": "ghi",
                                                     "campaigns": ["bi-thu"], "capacity": 50})
        yield Surface("POST", "/api/v1/rounds/LC25-04/reports", {}, {"source": "press", "source_url": "https://bao.example/1", "reported_on": "2025-03-09",
                                                                       "note": "ghi", "units": {"value": 10, "qualifier": "about"}})
        yield Surface("POST", "/api/v1/rounds/LC25-04/gifts", {}, {"donor": self.donor["id"], "kind": "gift", "value_vnd": 150000, "handed_on": "2025-03-09"})
        yield Surface("POST", "/api/v1/sms/inbound", {}, {"id": "gw77", "from": "0900000001", "to": "8088", "text": "LICH than uyen"}, token="gateway",
                      unique=("id", "from"))     # help is given once an hour: to a new number each time, or answers would differ by that
        yield from self.people()
        yield from self.given()
        yield from self.certificates()
        yield from self.changes()

    def people(self):
        yield Surface("POST", "/api/v1/donors", {}, {"name": "abcdefgh abcd", "birth_date": "1990-05-17", "sex": "female", "phone": "0900000002",
                                                     "unit": "Huyện Than Uyên", "address": "Bản"}, unique=("name",))
        yield Surface("POST", "/api/v1/donors/lookup", {}, {"kind": "cccd", "value": "012190000000"})
        yield Surface("POST", "/api/v1/donors/lookup", {}, {"name": "Lò Thị Thử", "birth_year": 1990, "component": "whole_blood"})
        yield Surface("POST", "/api/v1/donors/lookup", {}, {"phone": "0900000001"})
        yield from self.field()
        path = f"/api/v1/donors/{self.donor['id']}"
        yield Surface("PATCH", path, {}, {"name": "Lò Thị Thử", "birth_year": 1991, "sex": "female", "phone": "0900000003", "unit": "Huyện Than Uyên",
                                          "address": "Bản"}, before=relay.etag_of(path))
        again, other = (200, 201, 409), {"with": self.other["id"]}
        yield Surface("POST", f"{path}/consents", {}, {"purpose": "invitation", "channel": "sms", "given": False, "proof": "ghi"})
        yield Surface("POST", f"{path}/deferrals", {}, {"code": "influenza", "from": "2025-03-01", "note": "ghi"})
        yield Surface("POST", f"{path}/deferrals/{self.deferral['id']}/lift", {}, {"reason": "ghi"}, taken=again)
        yield from self.second_persons(path)
        yield Surface("PUT", f"{path}/contact-facility", {}, {"contact": True})
        yield Surface("POST", f"{path}/requests", {}, {"kind": "correction", "third_party": True, "note": "ghi"})
        request = f"{path}/requests/{self.request['id']}"
        yield Surface("POST", f"{request}/answer", {}, {}, before=relay.etag_of(request), taken=again)
        yield Surface("POST", f"{request}/extend", {}, {"until": str(datetime.date.fromisoformat(self.request["carry_out_by"]) + datetime.timedelta(days=1))},
                      before=relay.etag_of(request), taken=again)
        yield Surface("POST", f"{request}/close", {}, {"outcome": "refused", "ground": "article_19"}, before=relay.etag_of(request), taken=again)
        yield Surface("POST", "/api/v1/honours", {}, {"donor": self.donor["id"], "step": "first.1", "as_of": "2025-03-01"}, taken=(409,))   # gave nothing
        for verb, body in (("check", {}), ("propose", {}), ("approve", {"document": "1/QĐ", "on": "2025-03-01"}), ("hand_over", {"on": "2025-03-01"}),
                           ("set_back", {"reason": "other"}), ("refuse", {"reason": "other"})):
            yield Surface("POST", f"/api/v1/honours/{self.family['id']}/{verb}", {}, body, token="admin", taken=(404,),
                          before=lambda client: {"If-Match": '"1"'})
        members = f"/api/v1/families/{self.family['id']}/members"
        yield Surface("POST", "/api/v1/families", {}, {"donor": self.donor["id"], "joined_on": "2020-01-01"}, taken=(201, 409))     # has one
        yield Surface("POST", members, {}, {"donor": self.other["id"], "joined_on": "2020-01-01"}, taken=again)
        yield Surface("PATCH", f"{members}/{self.family['members'][0]['id']}", {}, {"left_on": "2025-03-01", "consent": {"on": "2025-03-01", "channel": "paper"}},
                      before=relay.etag_of(f"/api/v1/families/{self.family['id']}"))
        yield Surface("POST", f"{path}/distinct", {}, other, taken=again)
        yield Surface("POST", f"{path}/merge", {}, other, taken=again)
        yield Surface("POST", f"{path}/merge/undo", {}, other, taken=again)
        yield Surface("POST", "/api/v1/eligibility/check", {}, {"on": "2026-03-01", "component": "whole_blood", "volume_ml": 350,
                                                                "birth_date": "1990-06-15", "sex": "female", "weight_kg": 46})
        yield Surface("POST", "/api/v1/sessions", {}, {"login": "bi.thu", "password": PASSWORD, "device": "máy thử"})
        yield Surface("POST", "/api/v1/users", {}, {"login": "abcdefgh", "name": "Người Thử", "role": "staff", "password": PASSWORD}, token="admin",
                      unique=("login",))
        path = f"/api/v1/users/{self.user['id']}"
        yield Surface("PATCH", path, {}, {"name": "Người Thử", "role": "staff", "state": "active"}, token="admin", before=relay.etag_of(path))

    def field(self):
        """Phones: one is made and revoked anew each time; what is handed in again is there already."""
        yield Surface("POST", "/api/v1/devices", {}, {"name": "abcdefgh", "team": self.team["id"]}, unique=("name",))
        yield Surface("POST", "/api/v1/devices/enrol", {}, {"code": "ghd_" + "A" * 22, "install": self.item["install"]}, taken=(404,))
        yield Surface("POST", f"/api/v1/devices/{self.device['device']['id']}/revoke", {}, {})
        yield Surface("POST", "/api/v1/sync/batches", {}, {"batch_id": "tối", "device_now": "2025-03-10T18:00:00+07:00", "items": [self.item]}, token="admin")
        held = f"/api/v1/sync/held/{self.item['id']}"
        yield Surface("POST", f"{held}/decide", {}, {"content_hash": self.held["content_hash"], "keep": True}, before=relay.etag_of(held))
        yield Surface("POST", f"{held}/attach", {}, {"content_hash": self.held["content_hash"], "donor": self.donor["id"]}, before=relay.etag_of(held))
        yield Surface("POST", f"{held}/correct", {}, {"content_hash": self.held["content_hash"], "data": {"donor": {"id": self.donor["id"]}, "text": "abcdefgh"}},
                      before=relay.etag_of(held))
        yield Surface("POST", f"{held}/choose", {}, {"content_hash": self.held["content_hash"]}, before=relay.etag_of(held))

    def given(self):
        """Places: whoever has one is told so, and a round that is full says so."""
        again = (200, 201, 409)
        yield Surface("POST", f"{self.open_round}/appointments", {}, {"donor": self.other["id"], "wait": True, "component": "whole_blood"}, taken=again)
        yield Surface("POST", f"{self.open_round}/walk-ins", {}, {"donor": self.other["id"]}, taken=again)
        yield Surface("POST", f"{self.open_round}/check-in", {}, {"code": "222-22"}, taken=(404,))
        yield Surface("POST", f"{self.open_round}/groups", {}, {"title": "Nhóm", "contact": self.other["id"], "seats": 1, "release_hours": 5}, taken=again)
        yield Surface("PUT", f"{self.open_round}/slots", {}, {"beds": 9, "minutes_per_donor": 15, "slot_minutes": 30, "walk_in_percent": 10},
                      before=relay.etag_of(f"{self.open_round}/slots"))
        yield Surface("POST", f"/api/v1/groups/{self.group['id']}/release", {}, {"seats": 1}, taken=again)
        seat = f"/api/v1/appointments/{self.seat['id']}"
        yield Surface("POST", f"{seat}/move", {}, {"round": self.open_round.split("/")[-1]}, taken=again)
        yield Surface("POST", f"{seat}/name", {}, {"donor": self.other["id"]}, taken=again)

    def certificates(self):
        """Nothing was given here, so there is no certificate; what is asked about one is read all the same."""
        none, nowhere = f"/api/v1/certificates/{NUMBER}", "/api/v1/rounds/LC25-04/certificates"
        yield Surface("POST", "/api/v1/issuing-bodies", {}, {"code": "AT", "name": "Ban", "place": "Lai Châu", "signer": "Trưởng ban",
                                                             "valid_from": "2025-01-01"}, token="admin", taken=(201, 409))
        yield Surface("POST", f"/api/v1/donations/{self.family['id']}/certificate", {}, {"issuer": "AT"}, taken=(404,))
        yield Surface("POST", f"{none}/prints", {}, {"form": "whole", "paper_serial": "abcdefgh"}, taken=(404,))
        yield Surface("POST", f"{none}/void", {}, {"reason": "other"}, taken=(404,))
        yield Surface("POST", f"{none}/redemptions", {}, {"ml": 100, "used_on": "2025-03-01", "source": "paper", "facility": "Bệnh viện",
                                                          "id": self.item["id"]}, token="admin", taken=(404,))
        yield Surface("POST", "/api/v1/certificates/verify", {}, {"text": "GH1:ABCDEFGH"})
        yield Surface("POST", "/api/v1/certificates/verify", {}, {"code": "0000-0000-0000", "name": "Lò Thị Thử", "birth_date": "1990-05-17"})
        yield Surface("POST", "/api/v1/certificates/verify", {}, {"number": "AT25-000001-2"})
        yield Surface("POST", "/api/v1/certificates/keys", {}, {"issuer": "AT", "year": 2025, "generation": 1, "compromised": False}, token="admin", taken=(404,))
        yield Surface("POST", nowhere, {}, {"issuer": "AT"}, taken=(202,))
        yield Surface("POST", f"{nowhere}/prints", {}, {"form": "whole", "again": True, "as": "pdf", "paper_serial": "AB1"}, taken=(404,),
                      before=lambda _: {"Idempotency-Key": "paper"})

    def second_persons(self, path):
        """What staff ask for, and an admin decides: asked for again before each request."""
        lift, done, erasure = f"{path}/deferrals/{self.deferral['id']}/lift", f"{path}/deferrals/{self.lifted['id']}/lift", f"{path}/erasure"
        staff = {"Authorization": authorization(self.site, "staff")}
        yield Surface("POST", f"{lift}/refuse", {}, {}, token="admin", before=relay.asked(lift, {"reason": "ghi"}, staff))
        yield Surface("POST", f"{done}/approve", {}, {}, token="admin", before=relay.asked(done, {"reason": "ghi"}, staff), taken=(201, 409))
        yield Surface("POST", erasure, {}, {})
        yield Surface("POST", f"{erasure}/refuse", {}, {"ground": "article_19"}, token="admin", before=relay.asked(erasure, {}, staff))
        gone = f"/api/v1/donors/{self.gone['id']}/erasure"
        yield Surface("POST", f"{gone}/approve", {}, {}, token="admin", before=relay.asked(gone, {}, staff))

    def changes(self):
        for collection, one, body in (
                ("teams", self.team, {"name": "Đội 1", "organisation": "Hội", "beds": 8}),
                ("venues", self.venue, {"name": "Nhà văn hóa 1", "unit": "Huyện Than Uyên", "address": "Bản", "capacity": 60}),
                ("campaigns", self.campaign, {"name": "Ngày hội bị thử", "usual_from": "05-01", "usual_to": "05-31", "source": "ghi"})):
            path = f"/api/v1/{collection}/{one['id']}"
            yield Surface("PATCH", path, {}, body, before=relay.etag_of(path))
        path = self.new_round()
        yield Surface("PATCH", path, {}, {"title": "Đợt", "organiser": "Hội", "start": "07:30", "end": "10:30", "team": self.team["id"],
                                          "venue": self.venue["id"], "target_units": 200, "note": "ghi"}, before=relay.etag_of(path))
        path = self.new_round()
        yield Surface("POST", f"{path}/confirm", {}, {"document": "12/TB-THU", "facts": ["date"]}, before=relay.etag_of(path))
        path = self.new_round()
        yield Surface("POST", f"{path}/move", {}, {"reason": "ghi", "date": self.later, "start": "07:30", "end": "10:30", "units": ["Huyện Than Uyên"],
                                                   "document": "13/TB-THU"}, before=relay.round_in(path, "date", (self.day,), "move", {"date": self.day}))
        path = self.new_round()
        yield Surface("POST", f"{path}/postpone", {}, {"reason": "ghi"}, before=relay.round_in(path, "status", ("announced",), "reopen", {}))
        path = self.new_round()
        yield Surface("POST", f"{path}/reopen", {}, {"reason": "ghi"}, before=relay.round_in(path, "status", ("postponed", "cancelled"), "postpone", {}))
        path = self.new_round()
        yield Surface("POST", f"{path}/cancel", {}, {"reason": "ghi"}, before=relay.round_in(path, "status", ("draft", "announced"), "reopen", {}))


def forgotten(contract, writes):
    """Routes whose body has values, and that no surface has."""
    covered = {(one.method, contract.template(one.path)) for one in writes}
    for method, template in sorted(contract.routes() - covered):
        if method in ("POST", "PATCH", "PUT") and template not in HASHED_ONLY:
            body = contract.resolve(contract.operation(method.lower(), template).get("requestBody", {}))
            schemas = [contract.resolve(media["schema"]) for media in body.get("content", {}).values()]
            if any(schema.get("properties") for schema in schemas):
                yield f"{method} {template}"


def find(site):
    """All surfaces, each tried, and again where it can be; those that are refused as they stand are a fault of this file."""
    with site.proxy.client() as client:
        finder = Finder(site, client)
        finder.seed()
        reads, writes = list(finder.reads()), list(finder.writes())
        for surface in reads + writes + [one for one in writes if not one.unique]:
            answer = ask(client, site, surface)
            assert answer.status_code in surface.taken, f"{surface.name}: {answer.status_code} {answer.text[:300]}"
    missing = finder.missing + list(forgotten(finder.contract, writes))
    return reads, writes, [f"not attacked, since tests/attack/surface.py has no request for it: {route}" for route in missing]


def save(surface, folder, number, host, authorized, marked=None):
    """The request as sqlmap reads it from a file; `marked`: replaces the path or adds headers with its sign *."""
    headers = {"Host": host, "Authorization": authorized, "User-Agent": "attack", "Accept": "*/*", **(marked or {}).get("headers", {})}
    body, kind = content(surface, "*")
    if kind:
        headers["Content-Type"] = kind
    target = (marked or {}).get("target", surface.target)
    path = folder / f"request-{number}.txt"
    path.write_text(f"{surface.method} {target} HTTP/1.1\n" + "".join(f"{k}: {v}\n" for k, v in headers.items()) + "\n" + body.decode())
    return path
