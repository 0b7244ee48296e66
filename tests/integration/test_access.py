"""Who may what: every route, every role, one table; scopes; tokens."""
import base64
import json
import time
import uuid

import httpx
import pytest

from harness import certificates
from harness.client import problem
from harness.daemon import wait_until
from harness.donations import given
from harness.seeds import TODAY, day

ROLES = ["public", "gateway", "team", "hospital", "comms", "staff", "auditor", "admin"]

ALL = set(ROLES)
NOBODY = set()
EDITORS = {"staff", "admin"}
REPORTERS = {"team", "staff", "admin"}          # team: rounds of its own
DESK = {"team", "staff", "admin"}               # likewise
GATEWAYS = {"gateway", "admin"}
HOSPITALS = {"hospital", "admin"}
PRINCIPALS = ALL - {"public"}                 # one's own session and password: test_people.py
METRICS = ALL                                    # the tests come from loopback

# (method, path with {names}): roles that get through. Every route of openapi.json stands here.
TABLE = {
    ("GET", "/healthz"): ALL,
    ("GET", "/readyz"): ALL,
    ("GET", "/metrics"): METRICS,
    ("GET", "/"): ALL,
    ("GET", "/openapi.json"): ALL,
    ("GET", "/docs"): ALL,
    ("GET", "/docs.css"): ALL,
    ("GET", "/docs.js"): ALL,
    ("GET", "/pages.css"): ALL,
    ("GET", "/problems/{slug}"): ALL,
    ("GET", "/calendar/rounds.ics"): ALL,
    ("GET", "/calendar/units/{unit}.ics"): ALL,
    ("GET", "/calendar/rounds/{round}.ics"): ALL,
    ("GET", "/feeds/rounds.atom"): ALL,
    ("GET", "/feeds/changes.json"): ALL,
    ("GET", "/api/v1/rounds"): ALL,
    ("GET", "/api/v1/rounds/{id}"): ALL,
    ("PATCH", "/api/v1/rounds/{id}"): EDITORS,
    **{("POST", f"/api/v1/rounds/{{id}}/{verb}"): EDITORS for verb in
       ("confirm", "announce", "open", "start", "close", "reopen", "postpone", "move", "cancel")},
    ("GET", "/api/v1/rounds/{id}/reports"): ALL,
    ("POST", "/api/v1/rounds/{id}/reports"): REPORTERS,
    ("GET", "/api/v1/rounds/{id}/gifts"): REPORTERS | {"auditor"},
    ("POST", "/api/v1/rounds/{id}/gifts"): REPORTERS,
    ("GET", "/api/v1/gifts/exceptions"): {"staff", "auditor", "admin"},
    **{("GET", f"/api/v1/honours{what}"): {"staff", "auditor", "admin"} for what in
       ("", "/ladders", "/candidates", "/ceremony.csv", "/ceremony.xlsx", "/ceremony.pdf", "/{id}")},
    ("POST", "/api/v1/honours/preview"): {"staff", "auditor", "admin"},
    ("POST", "/api/v1/honours"): EDITORS,
    **{("POST", f"/api/v1/honours/{{id}}/{verb}"): EDITORS for verb in ("check", "propose", "hand_over", "set_back", "refuse")},
    ("POST", "/api/v1/honours/{id}/approve"): {"admin"},
    ("POST", "/api/v1/families"): EDITORS,
    ("GET", "/api/v1/families/{id}"): {"staff", "auditor", "admin"},
    ("POST", "/api/v1/families/{id}/members"): EDITORS,
    ("PATCH", "/api/v1/families/{id}/members/{member}"): EDITORS,
    ("GET", "/api/v1/rounds/{id}/slots"): ALL,
    ("PUT", "/api/v1/rounds/{id}/slots"): DESK,
    ("GET", "/api/v1/rounds/{id}/appointments"): DESK | {"auditor"},
    **{("POST", f"/api/v1/rounds/{{id}}/{what}"): DESK for what in ("appointments", "walk-ins", "check-in", "groups")},
    ("GET", "/api/v1/appointments/{id}"): DESK | {"auditor"},
    **{("POST", f"/api/v1/appointments/{{id}}/{verb}"): DESK for verb in ("move", "cancel", "check_in", "no_show", "name")},
    ("GET", "/api/v1/groups/{id}"): DESK | {"auditor"},
    ("POST", "/api/v1/groups/{id}/release"): DESK,
    ("GET", "/api/v1/plans"): ALL,
    ("POST", "/api/v1/plans"): EDITORS,
    ("POST", "/api/v1/plans/import"): EDITORS,
    ("GET", "/api/v1/plans/{id}"): ALL,
    ("POST", "/api/v1/plans/{id}/rounds"): EDITORS,
    ("GET", "/api/v1/units"): ALL,
    ("GET", "/api/v1/units/{id}"): ALL,
    ("GET", "/api/v1/units/{id}/as_of"): ALL,
    **{("GET", f"/api/v1/{kind}"): ALL for kind in ("campaigns", "venues", "teams")},
    **{("POST", f"/api/v1/{kind}"): EDITORS for kind in ("campaigns", "venues", "teams")},
    **{("GET", f"/api/v1/{kind}/{{id}}"): ALL for kind in ("campaigns", "venues", "teams")},
    **{("PATCH", f"/api/v1/{kind}/{{id}}"): EDITORS for kind in ("campaigns", "venues", "teams")},
    ("GET", "/api/v1/tokens"): {"auditor", "admin"},
    ("POST", "/api/v1/sessions"): ALL,
    ("GET", "/api/v1/sessions"): PRINCIPALS,
    ("GET", "/api/v1/sessions/current"): PRINCIPALS,
    ("DELETE", "/api/v1/sessions/current"): PRINCIPALS,
    ("DELETE", "/api/v1/sessions/{id}"): PRINCIPALS,
    **{("POST", f"/api/v1/users/me/{what}"): PRINCIPALS for what in ("password", "totp", "totp/confirm", "totp/remove")},
    ("GET", "/api/v1/users"): {"auditor", "admin"},
    ("POST", "/api/v1/users"): {"admin"},
    ("GET", "/api/v1/users/{id}"): {"auditor", "admin"},
    ("PATCH", "/api/v1/users/{id}"): {"admin"},
    ("DELETE", "/api/v1/users/{id}/sessions"): {"admin"},
    ("GET", "/api/v1/audit"): {"auditor", "admin"},
    ("GET", "/api/v1/donors"): {"staff", "auditor", "admin"},
    ("POST", "/api/v1/donors"): {"team", "staff", "admin"},
    ("POST", "/api/v1/donors/lookup"): {"team", "staff", "admin"},
    ("GET", "/api/v1/donors/{id}"): EDITORS,
    ("PATCH", "/api/v1/donors/{id}"): EDITORS,
    ("GET", "/api/v1/donors/{id}/duplicates"): EDITORS,
    **{("POST", f"/api/v1/donors/{{id}}/{verb}"): EDITORS for verb in ("merge", "merge/undo", "distinct")},
    ("GET", "/api/v1/donors/{id}/consents"): EDITORS,
    ("POST", "/api/v1/donors/{id}/consents"): EDITORS,
    ("GET", "/api/v1/donors/{id}/export"): EDITORS,
    ("GET", "/api/v1/donors/{id}/erasure"): EDITORS,
    ("POST", "/api/v1/donors/{id}/erasure"): EDITORS,
    **{("POST", f"/api/v1/donors/{{id}}/erasure/{verb}"): {"admin"} for verb in ("approve", "refuse")},
    ("GET", "/api/v1/erasures"): {"staff", "auditor", "admin"},
    ("POST", "/api/v1/donors/{id}/requests"): EDITORS,
    ("GET", "/api/v1/donors/{id}/requests/{request}"): EDITORS,
    **{("POST", f"/api/v1/donors/{{id}}/requests/{{request}}/{verb}"): EDITORS for verb in ("answer", "extend", "close")},
    ("GET", "/api/v1/donor-requests"): {"staff", "auditor", "admin"},
    ("GET", "/api/v1/donors/{id}/deferrals"): EDITORS,
    ("POST", "/api/v1/donors/{id}/deferrals"): EDITORS,
    ("POST", "/api/v1/donors/{id}/deferrals/{deferral}/lift"): EDITORS,
    **{("POST", f"/api/v1/donors/{{id}}/deferrals/{{deferral}}/lift/{verb}"): {"admin"} for verb in ("approve", "refuse")},
    ("GET", "/api/v1/deferral-lifts"): EDITORS,
    ("PUT", "/api/v1/donors/{id}/contact-facility"): EDITORS,
    ("GET", "/api/v1/donors/{id}/eligibility"): {"team", "staff", "admin"},
    ("GET", "/api/v1/issuing-bodies"): {"team", "staff", "auditor", "admin"},
    ("POST", "/api/v1/issuing-bodies"): {"admin"},
    ("POST", "/api/v1/donations/{id}/certificate"): REPORTERS,
    ("GET", "/api/v1/certificates/{number}"): HOSPITALS | {"staff", "auditor"},
    ("GET", "/api/v1/certificates/{number}.pdf"): EDITORS,
    ("POST", "/api/v1/certificates/{number}/prints"): EDITORS,
    ("POST", "/api/v1/certificates/{number}/void"): EDITORS,
    ("POST", "/api/v1/certificates/{number}/redemptions"): HOSPITALS,
    **{("POST", f"/api/v1/certificates/{{number}}/redemptions/{{id}}/{verb}"): HOSPITALS for verb in ("reversal", "settlement")},
    ("GET", "/api/v1/certificates/claims"): HOSPITALS | {"staff", "auditor"},
    ("POST", "/api/v1/certificates/verify"): ALL,
    ("GET", "/api/v1/certificates/keys"): ALL,
    ("POST", "/api/v1/certificates/keys"): {"admin"},
    ("GET", "/api/v1/certificates/revocations"): ALL,
    ("POST", "/api/v1/rounds/{id}/certificates"): REPORTERS,
    ("POST", "/api/v1/rounds/{id}/certificates/prints"): REPORTERS,
    ("GET", "/api/v1/certificates/batches/{id}"): REPORTERS | {"auditor"},
    ("GET", "/api/v1/sync/pack"): {"team", "auditor", "admin"},
    ("POST", "/api/v1/sync/batches"): {"team", "admin"},
    ("GET", "/api/v1/sync/held"): {"staff", "auditor", "admin"},
    ("GET", "/api/v1/sync/held/{id}"): {"staff", "auditor", "admin"},
    **{("POST", f"/api/v1/sync/held/{{id}}/{verb}"): EDITORS for verb in ("decide", "choose", "attach", "correct")},
    ("GET", "/api/v1/results"): ALL,
    ("GET", "/api/v1/sync/count-sheet"): {"team", "staff", "auditor", "admin"},
    ("GET", "/api/v1/devices"): {"staff", "auditor", "admin"},
    ("POST", "/api/v1/devices"): EDITORS,
    ("POST", "/api/v1/devices/enrol"): ALL,
    ("POST", "/api/v1/devices/{id}/revoke"): EDITORS,
    ("GET", "/sms/kannel"): GATEWAYS,
    ("POST", "/api/v1/sms/inbound"): GATEWAYS,
    ("POST", "/api/v1/eligibility/check"): ALL,
    ("GET", "/api/v1/eligibility/rules"): ALL,
}


def test_the_table_names_every_route(contract):
    assert set(TABLE) == contract.routes()


def test_the_table_names_every_role(daemon):
    roles = daemon.value("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'access_token_role_ck'")
    assert all(f"'{role}'" in roles for role in ROLES[1:])


def honoured(staff, daemon):
    """A donor who has given once."""
    donor = staff.post("/api/v1/donors", json={"name": "Lò Thị Tặng", "birth_year": 1990}, expect=201).json()["id"]
    given(daemon, donor, day(-200))
    return donor


def field_item(donor, round_id):
    """One as a phone captures it."""
    return {"id": str(uuid.uuid4()), "install": str(uuid.uuid4()), "seq": 1, "kind": "note", "captured_at": f"{TODAY}T08:00:00+07:00",
            "data": {"donor": {"id": donor}, "round": round_id, "text": "ghi"}}


@pytest.fixture
def things(seeds, staff, admin, daemon):
    """An id for each {id} of the table; the round is one of the team's own."""
    daemon.token("team")
    own = next(t["id"] for t in staff.items("/api/v1/teams", limit=500) if t["code"] == daemon.own_team())
    one = seeds.open(team=own, date=day(100 + seeds.number() % 150), start="07:00", end="11:00")
    body = {"login": f"thu{seeds.number()}", "name": "Người thử", "role": "comms", "password": "một hai ba con cá vàng"}
    user = admin.post("/api/v1/users", json=body, expect=201).json()
    donor = staff.post("/api/v1/donors", json={"name": "Lò Thị Mẫu", "birth_year": 1990}, expect=201).json()["id"]
    request = staff.post(f"/api/v1/donors/{donor}/requests", json={"kind": "access"}, expect=201).json()["id"]
    deferral = staff.post(f"/api/v1/donors/{donor}/deferrals", json={"code": "malaria", "permanent": True}, expect=201).json()["id"]
    staff.post(f"/api/v1/donors/{donor}/deferrals/{deferral}/lift", json={"reason": "mẫu"}, expect=201)
    staff.post(f"/api/v1/donors/{donor}/erasure", json={}, expect=201)
    honour = staff.post("/api/v1/honours", json={"donor": honoured(staff, daemon), "step": "first.1"}, expect=201).json()["id"]
    family = staff.post("/api/v1/families", json={"donor": donor, "joined_on": day(-400)}, expect=201).json()
    certificate = certify(staff, admin, daemon, one["id"])
    item = field_item(donor, one["id"])
    admin.post("/api/v1/sync/batches", json={"device_now": f"{TODAY}T08:00:00+07:00", "items": [item]}, expect=200)
    device = staff.post("/api/v1/devices", json={"name": f"Máy {seeds.number()}", "team": own}, expect=201).json()["device"]["id"]
    group = staff.post(f"/api/v1/rounds/{one['id']}/groups", json={"title": "Nhóm mẫu", "contact": donor, "seats": 1}, expect=201).json()
    return {**certificate, "held": item["id"], "devices": device, "honours": honour, "families": family["id"], "members": family["members"][0]["id"],
            "appointments": group["items"][0]["id"], "groups": group["id"], "rounds": one["id"], "plans": one["plan"]["id"], "units": one["units"][0]["id"], "teams": own,
            "donors": donor, "requests": request, "deferrals": deferral,
            "sessions": "00000000-0000-7000-8000-000000000000", "users": user["id"],
            "venues": seeds.venue()["id"], "campaigns": staff.items("/api/v1/campaigns")[0]["id"]}


def certify(staff, admin, daemon, round_id):
    """A certificate of that round, with an entry in its ledger that was taken back, a batch, and things to print."""
    code = certificates.enter_body(admin, "QV")
    donor = staff.post("/api/v1/donors", json={"name": "Lò Thị Giấy", "birth_year": 1990}, expect=201).json()["id"]
    given = certificates.gave(daemon.sql, donor, round_id=round_id)
    number = staff.post(f"/api/v1/donations/{given}/certificate", json={"issuer": code}, expect=201).json()["number"]
    path = f"/api/v1/certificates/{number}/redemptions"
    entry = admin.post(path, json={"ml": 1}, expect=201).json()["redemption"]["id"]
    admin.post(f"{path}/{entry}/reversal", json={}, expect=201)
    batch = staff.post(f"/api/v1/rounds/{round_id}/certificates", json={"issuer": code}, expect=202).json()["id"]
    staff.post(f"/api/v1/certificates/{number}/prints", json={}, headers={"Idempotency-Key": number}, expect=200)
    more = certificates.gave(daemon.sql, donor, round_id=round_id)           # never printed
    staff.post(f"/api/v1/donations/{more}/certificate", json={"issuer": code}, expect=(201, 409))
    return {"donations": given, "number": number, "redemptions": entry, "batches": batch}


def fill(path, things):
    if "{slug}" in path:
        return path.replace("{slug}", "stale")
    path = path.replace("{number}", things["number"])
    for kind, value in things.items():
        path = path.replace(f"/{kind}/{{id}}", f"/{kind}/{value}").replace(f"/{kind}/{{{kind[:-1]}}}", f"/{kind}/{value}")
    assert "{" not in path
    return path


@pytest.mark.parametrize("role", ROLES)
def test_each_route_as(role, api, things, daemon, contract):
    """A role that may not is stopped by 401 or 403 before its body is looked at; one that may gets further."""
    client = api.as_(role)
    for (method, template), allowed in TABLE.items():
        path = fill(template, things)
        if path == "/sms/kannel":
            path += "?id=1&from=0900000000&to=8088&text=LICH"
        options = {"json": {}} if method in ("POST", "PATCH", "PUT") else {}
        status = client.request(method, path, **options).status_code
        what = f"{role}: {method} {template} -> {status}"
        if role in allowed:
            assert status not in (401, 403, 404, 405, 500), what
        else:
            assert status == (401 if role == "public" else 403), what


def test_a_team_reports_its_own_rounds_only(api, seeds, things):
    team = api.as_("team")
    body = {"source": "team", "reported_on": TODAY, "units": {"value": 3}}
    own = f"/api/v1/rounds/{seeds.official(team=things['teams'], date=day(-1 - seeds.number() % 60))['id']}/reports"
    team.post(own, json=body, expect=201)
    press = team.post(own, json={**body, "source": "press", "source_url": "https://example.org/bai"})
    assert problem(press, "invalid-field", 422)["errors"][0]["pointer"] == "/source"
    problem(team.post(f"/api/v1/rounds/{things['rounds']}/reports", json=body), "illegal-step", 409)   # to come
    problem(team.post(f"/api/v1/rounds/{seeds.official()['id']}/reports", json=body), "out-of-scope", 403)


def test_a_team_sees_drafts_of_its_own_only(api, seeds, things):
    team = api.as_("team")
    own = seeds.draft(team=things["teams"], date=day(260 + seeds.number() % 30))
    foreign = seeds.draft()
    assert team.round(own["id"])["id"] == own["id"]
    assert team.get(f"/api/v1/rounds/{foreign['id']}", expect=None).status_code == 404
    assert [r["id"] for r in team.items("/api/v1/rounds", plan=own["plan"]["id"])] == [own["id"]]
    assert team.items("/api/v1/rounds", plan=foreign["plan"]["id"]) == []


# ---- scopes ----

@pytest.fixture
def scoped(daemon, api, seeds):
    """Staff of one place: scoped(UNIT, ...)."""
    def make(*units):
        more = [word for unit in units for word in ("--unit", unit)]
        return api.with_token(daemon.new_token("staff", f"scoped {seeds.number()}", *more))
    return make


def unit_id(api, name, on):
    (found,) = [u for u in api.items("/api/v1/units", q=name, on=on) if u["full_name"] == name]
    return found["id"]


def test_a_scope_covers_its_communes_on_their_date(api, seeds, staff, scoped):
    district = unit_id(api, "Huyện Than Uyên", "2025-01-01")
    client = scoped(district)
    commune = next(u for u in api.items("/api/v1/units", on="2025-01-01", limit=500) if u["district"] == district)
    inside = seeds.official(units=[commune["id"]], date="2025-04-14")
    assert client.step(inside["id"], "postpone", {"reason": "mưa"}).status_code == 200
    outside = seeds.official(units=["Huyện Sìn Hồ"], date="2025-04-14")
    problem(client.step(outside["id"], "postpone", {"reason": "mưa"}, expect=403), "out-of-scope")
    assert staff.round(outside["id"]) == outside
    both = seeds.official(units=[district, "Huyện Sìn Hồ"], date="2025-04-14")
    problem(client.step(both["id"], "postpone", {"reason": "mưa"}, expect=403), "out-of-scope")


def test_nobody_moves_a_round_out_of_their_scope(api, seeds, scoped):
    district = unit_id(api, "Huyện Than Uyên", "2025-01-01")
    client = scoped(district)
    one = seeds.official(units=[district], date="2025-04-14")
    body = {"reason": "đổi nơi", "date": "2025-04-20", "units": ["Huyện Sìn Hồ"]}
    problem(client.step(one["id"], "move", body, expect=403), "out-of-scope")


def test_a_scope_makes_only_its_own(api, seeds, scoped, staff):
    client = scoped(unit_id(api, "Huyện Than Uyên", "2025-01-01"))
    plan = seeds.plan()
    good = {"title": "Đợt", "date": "2025-04-14", "units": ["Huyện Than Uyên"]}
    client.post(f"/api/v1/plans/{plan['id']}/rounds", json=good, expect=201)
    problem(client.post(f"/api/v1/plans/{plan['id']}/rounds", json={**good, "units": ["Huyện Sìn Hồ"]}), "out-of-scope", 403)
    body = {"number": f"{seeds.number()}/KH-NGOAI", "code_prefix": "NGX", "title": "x", "from": "2025-01-01", "to": "2025-12-31"}
    problem(client.post("/api/v1/plans", json=body), "out-of-scope", 403)


def test_a_scope_on_an_abolished_unit_is_read_only(fresh_daemon, api_of):
    daemon = fresh_daemon(now="2025-08-01T08:00:00+07:00")
    staff = api_of(daemon, daemon.token("staff"))
    district = unit_id(staff, "Huyện Than Uyên", "2025-01-01")
    client = api_of(daemon, daemon.new_token("staff", "of a district that was", "--unit", district))
    plan = staff.post("/api/v1/plans", json={"number": "1/KH-CU", "code_prefix": "CU", "title": "cũ", "from": "2025-01-01",
                                             "to": "2025-12-31"}, expect=201).json()
    body = {"title": "Đợt", "date": "2025-04-14", "units": [district]}
    problem(client.post(f"/api/v1/plans/{plan['id']}/rounds", json=body), "out-of-scope", 403)
    staff.post(f"/api/v1/plans/{plan['id']}/rounds", json=body, expect=201)


# ---- tokens ----

def test_401_tells_how(api):
    answer = api.post("/api/v1/teams", json={}, expect=401)
    problem(answer, "unauthenticated")
    assert "Bearer" in answer.headers["www-authenticate"]


@pytest.mark.parametrize("header", ["Bearer gh_wrong", "Bearer", "Basic !!!!", "Basic " + "A" * 3000, "Digest x", "gh_x",
                                    "Bearer gh_" + "A" * 43, "Basic " + base64.b64encode(b"nocolon").decode()])
def test_one_answer_for_unknown_and_for_wrong(api, header):
    bodies = [api.get("/api/v1/tokens", headers={"Authorization": h}, expect=401).json() for h in (header, "Bearer gh_" + "B" * 43)]
    for body in bodies:
        body.pop("request_id")
    assert bodies[0] == bodies[1]


def test_a_wrong_token_is_refused_even_where_none_is_needed(api):
    api.get("/api/v1/rounds", headers={"Authorization": "Bearer gh_" + "A" * 43}, expect=401)


def test_basic_with_the_token_as_password(daemon, staff):
    answer = httpx.get(f"{daemon.url}/api/v1/tokens", auth=("anything", daemon.token("admin")), timeout=30)
    assert answer.status_code == 200


def test_tokens_are_kept_as_hashes(daemon):
    token = daemon.token("staff")
    dump = json.dumps([[str(v) for v in row] for row in daemon.sql("SELECT * FROM access_token")])
    assert token not in dump and token[3:] not in dump
    assert token not in daemon.log()


def test_a_revoked_token_ends_within_a_second(daemon, api, seeds):
    name = f"short {seeds.number()}"
    client = api.with_token(daemon.new_token("auditor", name))
    client.get("/api/v1/audit")
    daemon.cli_ok("token", "revoke", name)
    wait_until(lambda: client.get("/api/v1/audit", expect=None).status_code == 401, 1.0, what="401")


def test_an_expired_token(fresh_daemon, api_of):
    """The last day counts whole; then it is over, by the daemon's clock."""
    daemon = fresh_daemon(now="2030-03-10T12:00:00+07:00")
    command = ["--set", "test.now=2030-03-10T12:00:00+07:00"]
    client = api_of(daemon, daemon.new_token("auditor", "for one day", "--expires", "2030-03-10", *command))
    client.get("/api/v1/audit")
    assert daemon.stop() == 0
    # The daemon's clock begins while it starts: midnight comes between twenty seconds from here and from when it is ready.
    daemon.settings["test.now"] = "2030-03-10T23:59:40+07:00"
    launched = time.monotonic()
    daemon.start()
    ready = time.monotonic()

    def is_over():
        asked = time.monotonic()
        over = client.get("/api/v1/audit", expect=(200, 401)).status_code == 401
        assert (time.monotonic() - launched >= 20) if over else (asked - ready < 20), "at midnight, not before and not after"
        return over
    wait_until(is_over, every=0.2, what="401 at midnight")
    outcome = daemon.cli("token", "create", "--role", "auditor", "--name", "of yesterday", "--expires", "2001-01-01")
    assert outcome.status in (1, 2)


def test_last_use_is_noted(daemon, admin, api, seeds):
    """Of tokens and of sessions; once a minute, not at each request."""
    name = f"seen {seeds.number()}"
    client = api.with_token(daemon.new_token("auditor", name))
    body = {"login": f"dung{seeds.number()}", "name": "Người dùng", "role": "comms", "password": "một hai ba con cá vàng"}
    user = admin.post("/api/v1/users", json=body, expect=201).json()
    session = api.with_token(api.post("/api/v1/sessions", json={"login": body["login"], "password": body["password"], "bearer": True},
                                      expect=201).json()["token"])
    client.get("/api/v1/audit")

    def noted():
        session.get("/api/v1/sessions/current")
        uses = daemon.sql("SELECT used_t - created_t, xmin FROM session WHERE user_id = %s", user["id"])
        return uses[0][0] > 0 and daemon.value("SELECT last_used_at FROM access_token WHERE name = %s", name)
    before = daemon.sql("SELECT xmin FROM session WHERE user_id = %s", user["id"])
    for _ in range(10):
        session.get("/api/v1/sessions/current")
    assert daemon.sql("SELECT xmin FROM session WHERE user_id = %s", user["id"]) == before
    wait_until(noted, 130, every=1, what="last use")
    (row,) = [t for t in admin.items("/api/v1/tokens") if t["name"] == name]
    assert row["role"] == "auditor" and row["last_used_at"] and "hash" not in row and "token" not in row
