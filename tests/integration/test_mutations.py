"""Every body of openapi.json spoilt in every way that its schema forbids: refused, the member named, and nothing stored."""
import copy
import json

import pytest

from harness.client import field_codes, problem
from harness.contract import Contract
from harness.raw import connect, read_answer
from harness.donations import given
from harness.seeds import TODAY
from test_access import field_item

CONTRACT = Contract()


def schema_of(method, template):
    body = CONTRACT.resolve(CONTRACT.operation(method.lower(), template).get("requestBody")) or {}
    return body.get("content", {}).get("application/json")


ROUTES = [(method, template) for method, template in sorted(CONTRACT.routes()) if schema_of(method, template)]
SMALL_BODY = 16384
KINDS = [None, True, 3.5, 10**18, "", "a\u0007", [[]], {"x": 1}]


def properties(schema):
    return CONTRACT.resolve(schema).get("properties", {})


def parts(schema):
    """The schema itself, or the choices of an anyOf."""
    schema = CONTRACT.resolve(schema)
    return [part for choice in schema.get("anyOf", [schema]) for part in ([choice] if "$ref" not in choice else parts(choice))]


def limits(schema):
    """Values just beyond what the schema allows."""
    for part in parts(schema):
        if "maxLength" in part:
            yield "x" * (part["maxLength"] + 1)
        if "minimum" in part:
            yield part["minimum"] - 1
        if "maximum" in part:
            yield part["maximum"] + 1
        if "maxItems" in part:
            yield ["x"] * (part["maxItems"] + 1)
        if "items" in part:
            yield from ([value] for value in limits(part["items"]))
        for name, inner in part.get("properties", {}).items():
            yield from ({name: value} for value in [True, "", *limits(inner)])


def spoilt(schema, good):
    """(pointer of the member at fault, body), each against the schema."""
    found = []
    for name, member in properties(schema).items():
        found += [(f"/{name}", {**good, name: value}) for value in KINDS + list(limits(member))]
        found.append((f"/{name}", {key: value for key, value in good.items() if key != name}))
    found.append(("/x~0~1y", {**good, "x~/y": 1}))
    seen = set()
    for pointer, body in found:
        text = json.dumps(body)
        if text not in seen and CONTRACT.faults(schema, body):
            seen.add(text)
            yield pointer, text.encode()


def broken(good, mark):
    """Bytes that are no JSON object, or not one of ours: 400. A file may begin with a byte order mark."""
    whole = json.dumps(good, ensure_ascii=False).encode() if good else b'{"x": "y"}'
    inner = whole[1:-1] or b'"x": "y"'
    deep = b"[" * 17 + b"]" * 17
    return [b"{" + inner + b", " + inner + b"}", whole[:-1], whole + b"}", whole + b"x", *([b"\xef\xbb\xbf" + whole] if mark else []), whole.replace(b'"', b"'", 2),
            whole[:-1] + b"\0}", whole[:-1] + b', "z": "\\u0000"}', whole[:-1] + b', "z": "\xff"}', whole[:-1] + b', "z": "\xc0\xaf"}',
            whole[:-1] + b', "z": "\\ud800"}', whole[:-1] + b', "z": "\xed\xa0\x80"}', whole[:-1] + b', "z": 1e999}',
            whole[:-1] + b', "z": ' + b"9" * 400 + b"}", whole[:-1] + b', "z": NaN}', whole[:-1] + b', "z": ' + deep + b"}",
            b'{"z":' * 5000, b"[" * 60000, b"[" + whole + b"]", b"null", b"1", b'"x"', b"{" * 17 + b"}" * 17, b"\0", b"/**/{}", b"<x/>"]


def example(content):
    """The file's own, less what would have to be there, and on the day of the daemon."""
    good = copy.deepcopy(CONTRACT.resolve(next(iter(content["examples"].values())))["value"])
    needed = CONTRACT.resolve(content["schema"]).get("required", [])
    for part in [good, *good.get("rounds", [])]:
        for name in {"team", "venue", "campaigns"} - set(needed):
            part.pop(name, None)
    return {**good, **({"reported_on": TODAY} if "reported_on" in good else {}), **({"unit": "Huyện Than Uyên"} if "unit" in good else {})}


@pytest.fixture
def user(seeds, admin, api):
    """A user, and a client that is logged in as she (for changing her password, nothing else)."""
    body = {"login": f"mau{seeds.number()}", "name": "Người mẫu", "role": "comms", "password": "một hai ba con cá vàng"}
    made = admin.post("/api/v1/users", json=body, expect=201).json()
    login = {"login": body["login"], "password": body["password"], "bearer": True}
    return made, api.with_token(api.post("/api/v1/sessions", json=login, expect=201).json()["token"])


def donor_path(template, seeds, staff):
    """A donor's route, on a record and whatever else it names of this test's own."""
    body = {"name": "Lò Thử Mẫu", "birth_date": "1990-05-17", "identifiers": [{"kind": "cccd", "value": f"0121905{seeds.number():05}"}]}
    path = template.replace("{id}", staff.post("/api/v1/donors", json=body, expect=201).json()["id"])
    if "{deferral}" in path:
        of = path.split("/{deferral}")[0]
        waits = template.endswith(("/approve", "/refuse"))
        why = {"code": "malaria", "from": "2025-03-01", **({"permanent": True} if waits else {})}
        path = path.replace("{deferral}", staff.post(of, json=why, expect=201).json()["id"])
        if waits:
            staff.post(path.rsplit("/", 1)[0], json={"reason": "mẫu"})
    if "{request}" in path:
        of = path.split("/{request}")[0]
        path = path.replace("{request}", staff.post(of, json={"kind": "erasure"}, expect=201).json()["id"])
    return path


def honour_path(template, staff):
    """A candidate's route, or one of a family with one member."""
    donor = staff.post("/api/v1/donors", json={"name": "Lò Thử Mẫu", "birth_year": 1990}, expect=201).json()["id"]
    if template.startswith("/api/v1/families/"):
        family = staff.post("/api/v1/families", json={"donor": donor, "joined_on": "2020-01-01"}, expect=201).json()
        return template.replace("{id}", family["id"]).replace("{member}", family["members"][0]["id"])
    given(staff.daemon, donor, "2025-01-02")
    return template.replace("{id}", staff.post("/api/v1/honours", json={"donor": donor, "step": "first.1"}, expect=201).json()["id"])


def seat_path(template, seeds, staff):
    """A group's route, or that of one of its seats."""
    body = {"name": "Lò Thử Mẫu", "birth_date": "1990-05-17"}
    contact = staff.post("/api/v1/donors", json=body, expect=201).json()["id"]
    of = f"/api/v1/rounds/{seeds.open()['id']}/groups"
    group = staff.post(of, json={"title": "Nhóm mẫu", "contact": contact, "seats": 1}, expect=201).json()
    return template.replace("{id}", group["id"] if "/groups/" in template else group["items"][0]["id"])


def held_path(template, seeds, admin):
    """Of an item at which somebody must look: its day is not the round's."""
    donor = admin.post("/api/v1/donors", json={"name": "Lò Thử Mẫu", "birth_year": 1990}, expect=201).json()["id"]
    item = field_item(donor, seeds.in_status("announced")["id"])
    admin.post("/api/v1/sync/batches", json={"device_now": f"{TODAY}T08:00:00+07:00", "items": [item]}, expect=200)
    return template.replace("{id}", item["id"])


@pytest.fixture
def target(seeds, staff, api, request):
    """(client, path, headers) of a route, on things of this test's own."""
    def of(method, template):
        path, client = template, api.as_("gateway") if template.startswith("/api/v1/sms") else staff
        if template.startswith("/api/v1/users/me/"):
            client = request.getfixturevalue("user")[1]
        elif template.startswith("/api/v1/users"):
            client = request.getfixturevalue("admin")
            path = template.replace("{id}", request.getfixturevalue("user")[0]["id"])
        elif template.startswith("/api/v1/donors/{"):
            path = donor_path(template, seeds, staff)
            if template.endswith(("/approve", "/refuse")):
                client = request.getfixturevalue("admin")
        elif template.startswith("/api/v1/plans/{"):
            path = template.replace("{id}", seeds.plan()["id"])
        elif template.startswith(("/api/v1/appointments/", "/api/v1/groups/")):
            path = seat_path(template, seeds, staff)
        elif template.startswith("/api/v1/rounds/"):
            verb = template.rsplit("/", 1)[-1]
            status = {"announce": "draft", "open": "open", "close": "running", "reopen": "closed", "reports": "closed",
                      "appointments": "open", "groups": "open", "walk-ins": "open", "check-in": "open"}
            path = template.replace("{id}", seeds.in_status(status.get(verb, "announced"))["id"])
        elif template == "/api/v1/sync/batches":
            client = request.getfixturevalue("admin")
        elif template.startswith("/api/v1/sync/held/"):
            path = held_path(template, seeds, request.getfixturevalue("admin"))
        elif template.startswith("/api/v1/devices/{"):
            device = {"name": f"Máy mẫu {seeds.number()}", "team": seeds.team()["id"]}
            path = template.replace("{id}", staff.post("/api/v1/devices", json=device, expect=201).json()["device"]["id"])
        elif template.startswith(("/api/v1/honours/{", "/api/v1/families/{")):
            path = honour_path(template, staff)
            client = request.getfixturevalue("admin") if template.endswith("/approve") else staff
        elif template.startswith(("/api/v1/certificates", "/api/v1/issuing-bodies", "/api/v1/donations/")):
            # a body is read before anything is looked up
            client = request.getfixturevalue("admin")
            path = template.replace("{number}", "LC25-000001-X").replace("{id}", "00000000-0000-7000-8000-000000000000")
        elif "{id}" in template:
            made = {"/api/v1/teams/{id}": seeds.team, "/api/v1/venues/{id}": seeds.venue, "/api/v1/campaigns/{id}": lambda: staff.post(
                "/api/v1/campaigns", json={"slug": f"mau-{seeds.number()}", "name": "Mẫu"}, expect=201).json()}[template]()
            path = template.replace("{id}", made["id"])
        record = path.rsplit("/", 1)[0] if method == "POST" else path.split("/members/")[0]
        by_version = any(CONTRACT.resolve(one)["name"] == "If-Match" for one in CONTRACT.operation(method.lower(), template).get("parameters", []))
        headers = {"Content-Type": "application/json", **({"If-Match": client.etag(record)} if by_version else {})}
        return client, path, headers
    return of


def stored(daemon):
    return daemon.sql("SELECT (SELECT count(*) FROM audit_entry), (SELECT count(*) FROM idempotency)")


@pytest.mark.parametrize("method, template", ROUTES, ids=lambda value: value)
def test_what_the_schema_forbids(method, template, target, daemon):
    content = schema_of(method, template)
    schema, good = content["schema"], example(content)
    assert not CONTRACT.faults(schema, good)
    client, path, headers = target(method, template)
    before, bodies = stored(daemon), list(spoilt(schema, good))
    assert bodies
    for pointer, body in bodies:
        answer = client.request(method, path, content=body, headers=headers)
        what = f"{pointer}: {body[:300]!r} -> {answer.status_code} {answer.text[:600]}"
        assert answer.status_code == 422, what
        # Of a body that is one of several, the whole may be at fault.
        assert any(at in (pointer, "") or at.startswith(f"{pointer}/") for at in field_codes(answer)), what
    # One reader for all: each route gets a third of these, all routes together each of them many times.
    for body in broken(good, mark=not template.endswith("/import"))[ROUTES.index((method, template)) % 3::3]:
        answer = client.request(method, path, content=body, headers=headers)
        if answer.status_code == 413 and len(body) > SMALL_BODY and template.startswith(("/api/v1/sessions", "/api/v1/users/me/")):
            continue                         # strangers and their passwords: no more is read
        assert answer.status_code == 400, f"{body[:300]!r} -> {answer.status_code} {answer.text[:600]}"
        problem(answer, "malformed")
    assert stored(daemon) == before


@pytest.mark.parametrize("method, template", ROUTES, ids=lambda value: value)
def test_ten_megabytes(method, template, target, daemon):
    """Refused at its head, whatever it is: nobody waits for it."""
    client, path, headers = target(method, template)
    headers = {**headers, "Host": "a", "Content-Length": str(10 << 20), "Authorization": client.http.headers["Authorization"]}
    before = stored(daemon)
    with connect(daemon) as connection:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        connection.sendall(f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode())
        try:
            for _ in range(10):
                connection.sendall(b'{"x":"' + b"y" * (1 << 16))
        except OSError:
            pass                             # it may close before all is sent
        status, answer_headers, body = read_answer(connection)
    assert status == 413 and answer_headers["content-type"] == "application/problem+json"
    assert json.loads(body)["type"] == "/problems/content-too-large"
    assert stored(daemon) == before
