"""Who may what where: every route that a scope narrows, with one request that is taken at home and refused elsewhere."""
import datetime

import pytest
from test_access import ALL, TABLE, field_item, unit_id

from harness.client import problem
from harness.donations import given
from harness.seeds import TODAY, day

HOME, ELSEWHERE = "Huyện Than Uyên", "Huyện Sìn Hồ"
DATE = day(35)                                   # both are there on this day
ROUND, DONOR = "/api/v1/rounds/{id}", "/api/v1/donors/{id}"
APPOINTMENT, GROUP = "/api/v1/appointments/{id}", "/api/v1/groups/{id}"
REQUEST, LIFT = f"{DONOR}/requests/{{request}}", f"{DONOR}/deferrals/{{deferral}}/lift"
HELD = "/api/v1/sync/held/{id}"
REASON = {"reason": "mưa lớn"}

# Same for staff of any place: (method, path)
ANYWHERE = {
    *{("POST", f"/api/v1/users/me/{what}") for what in ("password", "totp", "totp/confirm", "totp/remove")},
    *{(method, "/api/v1/sessions/current") for method in ("GET", "DELETE")}, ("GET", "/api/v1/sessions"), ("DELETE", "/api/v1/sessions/{id}"),
    ("GET", "/api/v1/honours/ladders"),
    ("POST", "/api/v1/donors"), ("POST", "/api/v1/donors/lookup"),           # who sits at the desk meets people from anywhere
    ("GET", "/api/v1/devices"), ("POST", "/api/v1/devices"), ("POST", "/api/v1/devices/{id}/revoke"),
    ("GET", "/api/v1/issuing-bodies"), ("GET", "/api/v1/certificates/{number}"), ("GET", "/api/v1/certificates/claims"),    # nothing personal
}
# The whole province's: no scope on some units reaches so far. The body is one that is taken without a scope.
PROVINCE = {
    ("POST", "/api/v1/plans"): {"number": "9/KH-PV", "code_prefix": "PVX", "title": "x", "from": "2025-01-01", "to": "2025-12-31"},
    ("POST", "/api/v1/plans/import"): {"number": "8/KH-PV", "code_prefix": "PVY", "title": "x", "from": "2025-01-01", "to": "2025-12-31", "rounds": []},
    ("POST", "/api/v1/teams"): {"code": "PV1", "name": "Đội"},
    ("POST", "/api/v1/campaigns"): {"slug": "pham-vi", "name": "Chiến dịch"},
    ("PATCH", "/api/v1/teams/{id}"): {"name": "Đội khác"},
    ("PATCH", "/api/v1/campaigns/{id}"): {"name": "Chiến dịch khác"},
}
# Lists and what they list here: elsewhere's must not be in them.
LISTS = {("GET", "/api/v1/sync/held"): "id", ("GET", "/api/v1/donors"): "id", ("GET", "/api/v1/donor-requests"): "id", ("GET", "/api/v1/deferral-lifts"): "deferral",
         ("GET", "/api/v1/erasures"): "donor", ("GET", "/api/v1/honours"): "id", ("GET", "/api/v1/honours/candidates"): "donor"}
HONOUR, FAMILY = "/api/v1/honours/{id}", "/api/v1/families/{id}"
# Narrowed likewise, and shown by tests of their own (test_gifts.py, test_honours.py, test_held.py, test_certificate_ledger.py).
BESIDE = {("POST", "/api/v1/donations/{id}/certificate"), *{("POST", f"{ROUND}/certificates{rest}") for rest in ("", "/prints")},
          ("GET", "/api/v1/certificates/{number}.pdf"), *{("POST", f"/api/v1/certificates/{{number}}/{verb}") for verb in ("prints", "void")},
          ("GET", "/api/v1/certificates/batches/{id}"),
          ("GET", "/api/v1/gifts/exceptions"), ("POST", "/api/v1/honours"), ("POST", "/api/v1/honours/preview"), ("POST", "/api/v1/families"), ("GET", "/api/v1/sync/count-sheet"),
          *{("GET", f"/api/v1/honours/ceremony.{kind}") for kind in ("csv", "xlsx", "pdf")}, ("PATCH", f"{FAMILY}/members/{{member}}")}
# Of one record: the body, what it gives at home, and elsewhere. A round may be read by anybody, a donor not.
RECORDS = {
    ("PATCH", ROUND): ({"title": "Đợt khác"}, 200, 403),
    ("POST", f"{ROUND}/confirm"): ({"document": "12/TB-PV"}, 200, 403),
    ("POST", f"{ROUND}/announce"): ({}, 409, 403),       # it was
    ("POST", f"{ROUND}/open"): ({}, 200, 403),
    ("POST", f"{ROUND}/postpone"): (REASON, 200, 403),
    ("POST", f"{ROUND}/reopen"): (REASON, 200, 403),
    ("POST", f"{ROUND}/move"): ({**REASON, "date": day(36)}, 200, 403),
    ("POST", f"{ROUND}/start"): ({}, 409, 403),          # not its day
    ("POST", f"{ROUND}/close"): ({}, 409, 403),
    ("POST", f"{ROUND}/cancel"): (REASON, 200, 403),
    ("POST", f"{ROUND}/reports"): ({"source": "press", "source_url": "https://bao.example/1", "reported_on": TODAY, "units": {"value": 3}},
                                   409, 403),            # to come
    ("GET", f"{ROUND}/gifts"): (None, 200, 403),
    ("POST", f"{ROUND}/gifts"): ({"donor": "{other}", "kind": "gift", "value_vnd": 100000, "handed_on": DATE}, 422, 403),   # to come
    ("GET", f"{ROUND}/appointments"): (None, 200, 403),
    ("PUT", f"{ROUND}/slots"): ({"slot_minutes": 60}, 409, 403),                  # cancelled
    ("POST", f"{ROUND}/appointments"): ({"donor": "{other}"}, 409, 403),         # not open any more
    ("POST", f"{ROUND}/walk-ins"): ({"donor": "{other}"}, 409, 403),
    ("POST", f"{ROUND}/check-in"): ({"code": "222-22"}, 404, 403),
    ("POST", f"{ROUND}/groups"): ({"title": "Nhóm", "contact": "{other}", "seats": 1}, 409, 403),
    ("GET", APPOINTMENT): (None, 200, 403),
    ("POST", f"{APPOINTMENT}/move"): ({}, 200, 403),
    ("POST", f"{APPOINTMENT}/name"): ({"donor": "{spare}"}, 200, 403),
    ("POST", f"{APPOINTMENT}/check_in"): ({}, 409, 403),                         # not its day
    ("POST", f"{APPOINTMENT}/no_show"): ({}, 409, 403),
    ("POST", f"{APPOINTMENT}/cancel"): ({}, 200, 403),
    ("GET", GROUP): (None, 200, 403),
    ("POST", f"{GROUP}/release"): ({"seats": 1}, 200, 403),
    ("POST", "/api/v1/plans/{id}/rounds"): ({"title": "Đợt", "date": DATE, "units": ["{unit}"]}, 201, 403),
    ("POST", "/api/v1/venues"): ({"name": "Nhà văn hóa {number}", "unit": "{unit}"}, 201, 403),
    ("PATCH", "/api/v1/venues/{id}"): ({"address": "Bản"}, 200, 403),
    ("GET", DONOR): (None, 200, 404),
    ("PATCH", DONOR): ({"address": "Bản"}, 200, 404),
    ("GET", f"{DONOR}/duplicates"): (None, 200, 404),
    ("POST", f"{DONOR}/distinct"): ({"with": "{other}"}, 200, 404),
    ("POST", f"{DONOR}/merge"): ({"with": "{other}"}, 200, 404),
    ("POST", f"{DONOR}/merge/undo"): ({"with": "{other}"}, 200, 404),
    ("GET", f"{DONOR}/consents"): (None, 200, 404),
    ("POST", f"{DONOR}/consents"): ({"purpose": "invitation", "channel": "sms", "given": False, "proof": "phiếu"}, 201, 404),
    ("GET", f"{DONOR}/export"): (None, 200, 404),
    ("GET", f"{DONOR}/eligibility"): (None, 200, 404),
    ("GET", f"{DONOR}/deferrals"): (None, 200, 404),
    ("POST", f"{DONOR}/deferrals"): ({"code": "influenza", "from": "2025-03-01"}, 201, 404),
    ("POST", LIFT): (REASON, 409, 404),                  # asked already
    ("PUT", f"{DONOR}/contact-facility"): ({"contact": True}, 200, 404),
    ("POST", f"{DONOR}/requests"): ({"kind": "correction", "note": "ghi"}, 201, 404),
    ("GET", REQUEST): (None, 200, 404),
    ("POST", f"{REQUEST}/answer"): ({}, 200, 404),
    ("POST", f"{REQUEST}/extend"): ({"until": "{until}"}, 200, 404),
    ("POST", f"{REQUEST}/close"): ({"outcome": "refused", "ground": "article_19"}, 200, 404),
    ("GET", HELD): (None, 200, 404),
    ("POST", f"{HELD}/decide"): ({"content_hash": "{hash}", "keep": True}, 200, 404),
    ("POST", f"{HELD}/choose"): ({"content_hash": "{hash}"}, 200, 404),
    ("POST", f"{HELD}/attach"): ({"content_hash": "{hash}", "donor": "{other}"}, 200, 404),
    ("POST", f"{HELD}/correct"): ({"content_hash": "{hash}", "data": {"donor": {"id": "{donor}"}, "round": "{round}", "text": "ghi lại"}}, 200, 404),
    ("GET", f"{DONOR}/erasure"): (None, 200, 404),
    ("POST", f"{DONOR}/erasure"): ({}, 201, 404),
    ("GET", HONOUR): (None, 200, 404),
    ("POST", f"{HONOUR}/check"): ({}, 200, 404),
    ("POST", f"{HONOUR}/propose"): ({}, 200, 404),
    ("POST", f"{HONOUR}/set_back"): ({"reason": "mistake"}, 200, 404),
    ("POST", f"{HONOUR}/hand_over"): ({}, 409, 404),     # not approved
    ("POST", f"{HONOUR}/refuse"): ({"reason": "mistake"}, 200, 404),
    ("GET", FAMILY): (None, 200, 404),
    ("POST", f"{FAMILY}/members"): ({"donor": "{other}", "joined_on": "2015-01-01"}, 201, 404),
}
# Of a record at home, but about what may lie elsewhere: the body, and the field that says so. The province may.
REACHING = [
    ("POST", f"{HELD}/correct", {"content_hash": "{hash}", "data": {"donor": who, "round": "{round}", "text": "ghi lại"}}, "/data/donor")
    for who in ({"id": "{away}"}, {"identifier": {"kind": "passport", "value": "C7777777"}}, {"provisional": {"name": "Lò Thị Phạm", "birth_year": 1990}})
] + [("POST", f"{HELD}/correct", {"content_hash": "{hash}", "data": {"donor": {"id": "{donor}"}, "text": "ghi lại"}}, "/data/round")]


def test_the_tables_name_every_route_of_staff():
    """A new route of staff must say how a scope narrows it; what everybody gets is the same everywhere."""
    tables = [ANYWHERE, set(PROVINCE), set(LISTS), set(RECORDS), BESIDE]
    assert sum(map(len, tables)) == len(set().union(*tables))
    assert set().union(*tables) == {route for route, roles in TABLE.items() if "staff" in roles and roles != ALL}


class Place:
    """One of each that lies at a unit."""

    def __init__(self, seeds, staff, unit, unit_id):
        self.words = {"unit": unit_id, "number": seeds.number()}
        plan = seeds.plan()
        round_ = seeds.announced(plan=plan, units=[unit], date=DATE, capacity=10)
        donor, other = (staff.post("/api/v1/donors", json={"name": name, "birth_year": 1990, "unit": unit}, expect=201).json()["id"]
                        for name in ("Lò Thị Phạm", "Vàng A Vi"))
        request = staff.post(f"/api/v1/donors/{donor}/requests", json={"kind": "access"}, expect=201).json()
        deferral = staff.post(f"/api/v1/donors/{donor}/deferrals", json={"code": "malaria", "permanent": True}, expect=201).json()
        staff.post(f"/api/v1/donors/{donor}/deferrals/{deferral['id']}/lift", json=REASON, expect=201)
        staff.post(f"/api/v1/donors/{donor}/erasure", json={}, expect=201)
        for back in range(5):
            given(staff.daemon, other, day(-100 * back - 10))
        honour = staff.post("/api/v1/honours", json={"donor": other, "step": "first.1"}, expect=201).json()["id"]
        family = staff.post("/api/v1/families", json={"donor": donor, "joined_on": "2015-01-01"}, expect=201).json()["id"]
        item = field_item(donor, round_["id"])             # not of the round's day: held
        staff.as_("admin").post("/api/v1/sync/batches", json={"device_now": f"{TODAY}T08:00:00+07:00", "items": [item]}, expect=200)
        held = staff.get(f"/api/v1/sync/held/{item['id']}").json()["items"][0]
        self.words |= {"round": round_["id"], "donor": donor, "hash": held["content_hash"], "other": other, "until": str(datetime.date.fromisoformat(request["carry_out_by"]) + datetime.timedelta(days=1))}
        open_ = seeds.open(units=[unit], date=day(40), start="07:00", end="11:00")     # another than the one that is moved and cancelled
        group = staff.post(f"/api/v1/rounds/{open_['id']}/groups", json={"title": "Nhóm", "contact": other, "seats": 3}, expect=201).json()
        self.words["spare"] = staff.post("/api/v1/donors", json={"name": "Giàng A Chờ", "birth_year": 1991}, expect=201).json()["id"]
        self.ids = {"sync": item["id"], "honours": honour, "families": family, "appointments": group["items"][0]["id"], "groups": group["id"], "rounds": round_["id"], "plans": plan["id"], "venues": seeds.venue(unit)["id"], "donors": donor, "request": request["id"],
                    "deferral": deferral["id"], "teams": seeds.team()["id"], "campaigns": staff.items("/api/v1/campaigns")[0]["id"]}
        self.listed = {"/api/v1/sync/held": item["id"], "/api/v1/donors": donor, "/api/v1/donor-requests": request["id"], "/api/v1/deferral-lifts": deferral["id"],
                       "/api/v1/erasures": donor, "/api/v1/honours": honour, "/api/v1/honours/candidates": other}

    def path(self, template):
        return template.replace("{id}", str(self.ids.get(template.split("/")[3]))).replace("{request}", self.ids["request"]) \
            .replace("{deferral}", self.ids["deferral"])

    def filled(self, value):
        if isinstance(value, dict):
            return {name: self.filled(one) for name, one in value.items()}
        if isinstance(value, list):
            return [self.filled(one) for one in value]
        return value.format(**self.words) if isinstance(value, str) else value

    def ask(self, client, staff, method, template, body, path=None):
        """With the ETag that the record has now, as one who may read it would send it."""
        path = path or self.path(template)
        record = path.rsplit("/", 1)[0] if method == "POST" else path
        etag = staff.get(record, expect=None).headers.get("etag") if method != "GET" else None
        options = {} if body is None else {"json": self.filled(body)}
        return client.request(method, path, headers={"If-Match": etag} if etag else {}, **options)


@pytest.fixture
def places(seeds, staff, api, daemon):
    units = {name: unit_id(api, name, "2025-01-01") for name in (HOME, ELSEWHERE)}
    client = api.with_token(daemon.new_token("staff", f"of one place {seeds.number()}", "--unit", units[HOME]))
    return client, *(Place(seeds, staff, name, units[name]) for name in (HOME, ELSEWHERE))


def test_records_at_home_and_elsewhere(places, staff, daemon):
    client, home, elsewhere = places
    before = daemon.value("SELECT count(*) FROM audit_entry WHERE subject_id = %s", elsewhere.ids["donors"])
    for (method, template), (body, taken, refused) in RECORDS.items():
        answer = elsewhere.ask(client, staff, method, template, body)
        assert answer.status_code == refused, f"elsewhere: {method} {template}: {answer.status_code} {answer.text}"
        problem(answer, "out-of-scope" if refused == 403 else "not-found")
    assert daemon.value("SELECT count(*) FROM audit_entry WHERE subject_id = %s AND actor_id = %s", elsewhere.ids["donors"],
                        client.get("/api/v1/sessions/current").json()["id"]) == 0 < before
    at_home = {route: home.ask(client, staff, *route, body).status_code for route, (body, _, _) in RECORDS.items()}
    assert at_home == {route: taken for route, (_, taken, _) in RECORDS.items()}


def test_no_record_at_home_reaches_elsewhere(places, staff):
    client, home, elsewhere = places
    home.words["away"] = elsewhere.ids["donors"]
    for method, template, body, pointer in REACHING:
        answer = home.ask(client, staff, method, template, body)
        assert answer.status_code == 422, f"{template}: {answer.status_code} {answer.text}"
        assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [(pointer, "not_yours")], answer.text
    method, template, body, _ = REACHING[0]
    assert home.ask(staff, staff, method, template, body).status_code == 200


def test_what_is_the_provinces(places, staff):
    client, home, _ = places
    for (method, template), body in PROVINCE.items():
        answer = home.ask(client, staff, method, template, body)
        assert answer.status_code == 403, f"{method} {template}: {answer.status_code} {answer.text}"
        problem(answer, "out-of-scope")


def test_lists_hold_what_is_at_home(places, staff):
    client, home, elsewhere = places
    for (_, path), member in LISTS.items():
        ours, all_ = ({item[member] for item in one.items(path, limit=500)} for one in (client, staff))
        assert {home.listed[path], elsewhere.listed[path]} <= all_, path
        assert home.listed[path] in ours and elsewhere.listed[path] not in ours, path
