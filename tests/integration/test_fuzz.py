"""What nobody thought of: mangled bytes, random JSON and random queries never end in a 500 or a broken answer."""
import json
import random
import socket

import hypothesis
import pytest
from hypothesis import strategies as st

from harness.raw import connect, read_all, statuses
from harness.seeds import TODAY

SETTINGS = {"deadline": None, "derandomize": True, "database": None,
            "suppress_health_check": list(hypothesis.HealthCheck)}

MODELS = [
    b"GET /api/v1/rounds?limit=3&unit=Than+Uy%C3%AAn HTTP/1.1\r\nHost: a.example:80\r\nAccept-Encoding: gzip, br;q=0.5\r\n\r\n",
    b"POST /api/v1/teams HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer TOKEN\r\nContent-Type: application/json\r\n"
    b"Content-Length: 27\r\n\r\n{\"code\":\"!\",\"name\":\"Doi\"}  ",
    b"POST /api/v1/teams HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer TOKEN\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\nTrailer: X\r\n\r\n5;a=b\r\n{\"cod\r\n16\r\ne\":\"!\",\"name\":\"Doi\"   }\r\n0\r\nX: y\r\n\r\n",
    b"GET /sms/kannel?id=1&from=0900000001&to=8088&text=%00L%1E%CBch&coding=2&charset=UTF-16BE HTTP/1.1\r\nHost: a\r\n"
    b"Authorization: Basic TOKEN\r\n\r\n",
    b"HEAD /openapi.json HTTP/1.0\r\nIf-None-Match: \"x\"\r\nConnection: keep-alive\r\n\r\n",
]
PIECES = [b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b"%", b"%00", b"%2f", b"..", b"//", b"?", b"#", b"\x80", b"\xff",
          b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: b\r\n", b"0\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n",
          b"Expect: 100-continue\r\n", b"Connection: close\r\n", b"Upgrade: h2c\r\nConnection: upgrade\r\n", b"A" * 9000, b"fffffffff\r\n"]


def mangle(dice, request):
    data = bytearray(request)
    for _ in range(dice.choice((1, 1, 2, 3, 8))):
        at = dice.randrange(len(data) + 1)
        kind = dice.randrange(5)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << dice.randrange(8)
        elif kind == 1:
            data[at:at] = dice.choice(PIECES)
        elif kind == 2:
            del data[at:at + dice.choice((1, 1, 2, 9))]
        elif kind == 3:
            other = dice.choice(MODELS)
            data[at:at] = other[dice.randrange(len(other)):]
        else:
            del data[at:]
    return bytes(data)


@pytest.mark.parametrize("seed", range(8))
def test_mangled_requests(daemon, seed):
    """Whatever comes, what goes out is a sequence of whole answers, none of them a 500."""
    dice = random.Random(seed)
    token = daemon.token("staff").encode()
    for number in range(250):
        request = mangle(dice, dice.choice(MODELS).replace(b"TOKEN", token))
        with connect(daemon, timeout=20) as connection:
            try:
                for piece in ([request] if dice.random() < 0.7 else [request[i:i + 7] for i in range(0, len(request), 7)]):
                    connection.sendall(piece)
                connection.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            data = read_all(connection)
        if b"HEAD " in request:
            continue                                 # where a body would begin cannot be told from outside
        found = statuses(data)
        assert not [s for s in found if s == 500 or s > 505], f"seed {seed}, number {number}: {request!r} -> {found}"
    assert daemon.process.poll() is None


texts = st.one_of(st.text(max_size=40), st.sampled_from(["Huyện Than Uyên", "2025-04-15", "2025-02-30", "07:30", "24:00", "x" * 3000,
                                                         "\u0000", "e\u0301", "\ud7ff", "00000000-0000-7000-8000-000000000000", ""]))
values = st.recursive(st.one_of(st.none(), st.booleans(), st.integers(-2**70, 2**70), st.floats(allow_nan=False, allow_infinity=False), texts),
                      lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)), max_leaves=8)

FIELDS = {
    "rounds": ["title", "date", "period", "date_precision", "start", "end", "units", "venue", "team", "organiser", "campaigns",
               "target_units", "capacity", "note", "ordinal"],
    "reports": ["source", "source_url", "reported_on", "registered", "present", "accepted", "units", "ml", "corrects", "note"],
    "plans": ["number", "code_prefix", "title", "issued_on", "issuer", "legal_basis", "from", "to", "campaigns", "demo"],
    "import": ["number", "code_prefix", "title", "from", "to", "campaigns", "rounds", "propose"],
    "teams": ["code", "name", "organisation", "beds", "active"],
    "venues": ["name", "unit", "address", "capacity", "active"],
    "campaigns": ["slug", "name", "usual_from", "usual_to", "main_day", "sundays", "source"],
    "inbound": ["id", "from", "to", "text", "received_at"],
    "eligibility": ["on", "component", "volume_ml", "birth_date", "sex", "weight_kg", "donations", "deferrals", "conditions",
                    "occupation", "screening"],
    "consents": ["purpose", "channel", "given", "at", "proof"],
    "requests": ["kind", "received_at", "note"],
}


def good(kind):
    return {"rounds": {"title": "Đợt", "date": "2025-04-15", "units": ["Huyện Than Uyên"]},
            "reports": {"source": "team", "reported_on": TODAY, "units": {"value": 3}},
            "plans": {"number": "FUZZ/KH", "code_prefix": "FZ", "title": "x", "from": "2025-01-01", "to": "2025-12-31"},
            "import": {"number": "FUZZ2/KH", "code_prefix": "FY", "title": "x", "from": "2025-01-01", "to": "2025-12-31",
                       "rounds": [{"ordinal": 1, "date": "2025-04-15", "units": ["Huyện Than Uyên"]}]},
            "teams": {"code": "FUZZ", "name": "x"}, "venues": {"name": "FUZZ", "unit": "Huyện Than Uyên"},
            "campaigns": {"slug": "fuzz", "name": "x"},
            "inbound": {"id": "1", "from": "0900000009", "to": "8088", "text": "LICH"},
            "eligibility": {"on": "2026-03-01", "component": "plasma"},
            "consents": {"purpose": "invitation", "channel": "sms", "given": False}, "requests": {"kind": "access"}}[kind]


@pytest.mark.parametrize("kind", FIELDS)
def test_random_bodies(kind, seeds, staff, api):
    plan, one = seeds.plan(), seeds.in_status("closed")
    path = {"rounds": f"/api/v1/plans/{plan['id']}/rounds", "reports": f"/api/v1/rounds/{one['id']}/reports",
            "import": "/api/v1/plans/import?dry_run=true", "inbound": "/api/v1/sms/inbound",
            "eligibility": "/api/v1/eligibility/check"}.get(kind, f"/api/v1/{kind}")
    if kind in ("consents", "requests"):
        path = f"/api/v1/donors/{staff.post('/api/v1/donors', json={'name': 'Lò Văn Mẫu', 'birth_year': 1980}, expect=201).json()['id']}/{kind}"
    client = api.as_("gateway") if kind == "inbound" else staff

    @hypothesis.settings(max_examples=120, **SETTINGS)
    @hypothesis.given(st.dictionaries(st.one_of(st.sampled_from(FIELDS[kind]), texts), values, max_size=4), st.booleans())
    def send(change, on_top):
        body = {**good(kind), **change} if on_top else change
        answer = client.request("POST", path, content=json.dumps(body).encode(), headers={"Content-Type": "application/json"})
        assert answer.status_code in (200, 201, 400, 409, 422), f"{json.dumps(body)[:500]} -> {answer.status_code} {answer.text[:300]}"
    send()


@pytest.mark.parametrize("verb", ["PATCH", "move", "postpone", "confirm", "cancel", "announce"])
def test_random_steps(verb, seeds, staff):
    one = seeds.official(capacity=5)
    path = f"/api/v1/rounds/{one['id']}"
    fields = FIELDS["rounds"] + ["reason", "document", "facts"]

    @hypothesis.settings(max_examples=80, **SETTINGS)
    @hypothesis.given(st.dictionaries(st.one_of(st.sampled_from(fields), texts), values, max_size=4))
    def send(body):
        if verb == "move":
            body = {"reason": "x", "date": "2025-06-20", **body}
        method, target = ("PATCH", path) if verb == "PATCH" else ("POST", f"{path}/{verb}")
        answer = staff.request(method, target, content=json.dumps(body).encode(),
                               headers={"Content-Type": "application/json", "If-Match": staff.etag(path)})
        assert answer.status_code in (200, 400, 409, 422), f"{json.dumps(body)[:500]} -> {answer.status_code} {answer.text[:300]}"
    send()


@pytest.mark.parametrize("path, names", [
    ("/api/v1/rounds", ["from", "to", "unit", "campaign", "status", "plan", "team", "venue", "date_precision", "order", "limit", "cursor"]),
    ("/api/v1/units", ["q", "on", "level", "limit", "cursor"]), ("/api/v1/venues", ["unit", "inactive", "limit", "cursor"]),
    ("/api/v1/plans", ["limit", "cursor"]), ("/api/v1/audit", ["subject_kind", "subject_id", "actor_id", "action", "limit", "cursor"]),
])
def test_random_queries(path, names, api):
    words = st.one_of(texts, st.integers(-5, 600).map(str), st.sampled_from(["day,month", "announced,closed", "asc", "than uyen", "true"]),
                      st.binary(max_size=12).map(lambda b: b.decode("latin-1")))
    client = api.as_("auditor")

    @hypothesis.settings(max_examples=200, **SETTINGS)
    @hypothesis.given(st.dictionaries(st.sampled_from(names), words, max_size=4))
    def ask(params):
        answer = client.get(path, params=params, expect=None)
        assert answer.status_code in (200, 400), f"{params} -> {answer.status_code} {answer.text[:300]}"
    ask()


def test_random_sms(api):
    client = api.as_("gateway")

    @hypothesis.settings(max_examples=300, **SETTINGS)
    @hypothesis.given(st.binary(max_size=60), st.sampled_from(["", "0", "1", "2", "x"]),
                      st.sampled_from(["", "UTF-16BE", "UTF-16", "UTF-8", "GSM", "ISO-8859-1", "WINDOWS-1252", "KOI8-R"]),
                      st.sampled_from([b"", b"LICH ", "Lịch ".encode(), "LICH ".encode("utf-16-be"), b"HM "]))
    def ask(tail, coding, charset, head):
        text = "".join(f"%{byte:02X}" for byte in head + tail)
        answer = client.get(f"/sms/kannel?id=f&from=0900000010&to=8088&text={text}&coding={coding}&charset={charset}", expect=None)
        assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/plain")
        marked = answer.headers.get("x-kannel-coding") == "2"
        assert len(answer.text.encode("utf-16-be")) <= 140 if marked else len(answer.text) <= 160, (text, answer.text)
    ask()
