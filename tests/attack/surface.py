"""What openapi.json offers to an attacker: requests that are answered with 2xx as they stand."""
import dataclasses
import json
import urllib.parse

import httpx

from harness.contract import Contract

OPERATORS = ("/healthz", "/readyz", "/metrics")            # not for the world: tests/integration/test_proxy.py
# By route and name, then by name alone: values that are taken. What is not here is the contract's own example.
VALUES = {
    "/calendar/units/{unit}.ics": {"unit": "than-uyen"},
    "/api/v1/plans/{id}": {"id": "3653-KH-UBND"}, "/calendar/rounds/{round}.ics": {"round": "LC25-01"},
    "": {"id": "LC25-07", "from": "2024-01-01", "to": "2027-12-31", "unit": "than uyen", "campaign": "chu-nhat-do", "status": "announced",
         "plan": "3653-KH-UBND", "date_precision": "day", "order": "asc", "limit": "5", "q": "than uyen", "on": "2025-06-01", "level": "commune",
         "inactive": "true", "subject_kind": "round", "action": "round.create", "ts": "1", "smsc": "FAKE", "coding": "0", "charset": "UTF-8",
         "id@sms": "gw-1", "slug": "invalid-field"},
}


@dataclasses.dataclass
class Surface:
    """One request: url without the host; `body` for POST."""
    method: str
    path: str
    query: dict
    body: dict | None = None
    token: str = "staff"
    headers: dict = dataclasses.field(default_factory=dict)
    unique: tuple = ()                     # members of the body that must be new each time

    @property
    def name(self):
        return f"{self.method} {self.path}" + (f" ?{','.join(self.query)}" if self.query else "")

    @property
    def target(self):
        return self.path + (f"?{urllib.parse.urlencode(self.query)}" if self.query else "")


def authorization(site, token):
    return site.basic() if token == "gateway" else f"Bearer {site.tokens[token]}"


def ask(client, site, surface):
    headers = {"Authorization": authorization(site, surface.token), **surface.headers}
    return client.request(surface.method, surface.target, json=surface.body, headers=headers)


class Finder:
    """Ids and cursors that only this database knows."""

    def __init__(self, site, client):
        self.site, self.client = site, client
        self.contract = Contract()

    def get(self, path):
        answer = self.client.get(path, headers={"Authorization": authorization(self.site, "staff")})
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
        if name in ("team", "venue", "actor_id", "subject_id"):
            return {"team": self.team, "venue": self.venue}.get(name, self.team)["id"]
        if template.startswith("/sms/") and example is not None:
            return example
        if name == "id" and template.split("/")[3] in ("teams", "venues", "campaigns", "units"):
            return self.first(f"/api/v1/{template.split('/')[3]}")["id"]
        return VALUES[""].get(name, example)

    def seed(self):
        """One team and one venue, so that lists and parameters have something to name."""
        def post(path, body):
            answer = self.client.post(path, json=body, headers={"Authorization": authorization(self.site, "staff")})
            assert answer.status_code == 201, answer.text
            return answer.json()
        self.team = post("/api/v1/teams", {"code": "TD1", "name": "Đội 1"})
        self.venue = post("/api/v1/venues", {"name": "Nhà văn hóa 1", "unit": "Huyện Than Uyên"})
        self.plan = post("/api/v1/plans", {"number": "77/KH-THU", "code_prefix": "ATT", "title": "Kế hoạch bị thử", "from": "2025-01-01", "to": "2025-12-31"})

    def reads(self):
        """Every GET route, with all of its query parameters at once; a cursor goes with `limit` alone."""
        for method, template in sorted(self.contract.routes()):
            if method != "GET" or template in OPERATORS:
                continue
            token = "gateway" if template.startswith("/sms/") else "admin" if template in ("/api/v1/audit", "/api/v1/tokens") else "staff"
            path, query = template, {}
            for parameter in self.contract.parameters("get", template):
                value = self.value(template, parameter["name"], parameter.get("example"))
                if parameter["in"] == "path":
                    path = path.replace("{%s}" % parameter["name"], urllib.parse.quote(str(value), safe=""))
                elif parameter["in"] == "query" and parameter["name"] != "cursor":
                    assert value is not None, f"{template}: no value for {parameter['name']}"
                    query[parameter["name"]] = value
            yield Surface("GET", path, query, token=token)
            if any(p["name"] == "cursor" for p in self.contract.parameters("get", template)):
                cursor = self.cursor(template, token)
                if cursor:
                    yield Surface("GET", path, {"limit": "1", "cursor": cursor}, token=token)

    def cursor(self, template, token):
        more = "&from=2020-01-01" if template == "/api/v1/rounds" else ""
        answer = self.client.get(f"{template}?limit=1{more}", headers={"Authorization": authorization(self.site, token)})
        return answer.json().get("next_cursor") if answer.status_code == 200 else None

    def writes(self):
        """POSTs that may be sent again and again; what must be new is made new each time."""
        yield Surface("POST", "/api/v1/teams", {}, {"code": "ABC1", "name": "Đội thử", "organisation": "Hội", "beds": 5}, unique=("code",))
        yield Surface("POST", "/api/v1/venues", {}, {"name": "abcdefgh", "unit": "Huyện Than Uyên", "address": "Bản", "capacity": 50}, unique=("name",))
        yield Surface("POST", "/api/v1/campaigns", {}, {"slug": "abcdef", "name": "abcdefgh"}, unique=("slug", "name"))
        yield Surface("POST", f"/api/v1/plans/{self.plan['id']}/rounds", {}, {"title": "Đợt", "date": "2025-05-05", "units": ["Huyện Than Uyên"], "organiser": "Hội", "note": "ghi"})
        yield Surface("POST", "/api/v1/rounds/LC25-04/reports", {}, {"source": "press", "source_url": "https://bao.example/1", "reported_on": "2025-03-09",
                                                                       "note": "ghi", "units": {"value": 10, "qualifier": "about"}})
        yield Surface("POST", "/api/v1/sms/inbound", {}, {"id": "gw77", "from": "0900000001", "to": "8088", "text": "LICH than uyen"}, token="gateway",
                      unique=("id", "from"))     # help is given once an hour: to a new number each time, or answers would differ by that


def find(site):
    """All surfaces, each tried once; those that are refused as they stand are a fault of this file."""
    with site.proxy.client() as client:
        finder = Finder(site, client)
        finder.seed()
        reads, writes = list(finder.reads()), list(finder.writes())
        for surface in reads + writes:
            answer = ask(client, site, surface)
            assert answer.status_code in (200, 201), f"{surface.name}: {answer.status_code} {answer.text[:300]}"
    return reads, writes


def save(surface, folder, number, site, marked=None):
    """The request as sqlmap reads it from a file; `marked`: replaces the path or adds headers with its sign *."""
    headers = {"Host": f"localhost:{site.proxy.https}", "Authorization": authorization(site, surface.token), "User-Agent": "attack",
               "Accept": "*/*", **surface.headers, **(marked or {}).get("headers", {})}
    body = json.dumps(surface.body, ensure_ascii=False) if surface.body is not None else ""
    if body:
        headers["Content-Type"] = "application/json"
    target = (marked or {}).get("target", surface.target)
    path = folder / f"request-{number}.txt"
    path.write_text(f"{surface.method} {target} HTTP/1.1\n" + "".join(f"{k}: {v}\n" for k, v in headers.items()) + f"\n{body}")
    return path


__all__ = ["Surface", "ask", "authorization", "find", "httpx", "save"]
