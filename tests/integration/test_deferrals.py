"""Why and until when a donor has to wait; who lifts it; what is told of it. All people here are invented."""
import concurrent.futures
import datetime
import json
import random

import pytest

from harness import programs
from harness.client import field_codes, problem, until_served
from harness.daemon import wait_until
from harness.seeds import TODAY, day

DONORS, WAITING = "/api/v1/donors", "/api/v1/deferral-lifts"
NOBODY = "00000000-0000-7000-8000-000000000000"


@pytest.fixture
def donor(staff, seeds):
    """Makes a donor; the path of the record."""
    def make(**more):
        letters, n = "", seeds.number()
        for _ in range(6):
            letters, n = letters + "bcdghklmnp"[n % 10] + "ăêíôư"[n % 5], n // 10
        body = {"name": f"Lò {letters.capitalize()}", "birth_date": "1990-05-17", "sex": "female", "unit": "Huyện Than Uyên", **more}
        return f"{DONORS}/{staff.post(DONORS, json=body, expect=201).json()['id']}"
    return make


def defer(client, path, **body):
    return client.post(f"{path}/deferrals", json=body, expect=201).json()


def lift(client, path, deferral, reason="đã khỏi", **options):
    return client.post(f"{path}/deferrals/{deferral['id']}/lift", json={"reason": reason}, **options)


def approve(client, path, deferral, **options):
    return client.post(f"{path}/deferrals/{deferral['id']}/lift/approve", json={}, **options)


def verdict(client, path, **params):
    return client.get(f"{path}/eligibility", params=params).json()


def gave(daemon, path, on, component="whole_blood", volume=250, evidence="declared"):
    daemon.sql("INSERT INTO donation (id, donor_id, component, volume_ml, donated_on, evidence, source)"
               " VALUES (gen_random_uuid(), %s, %s, %s, %s, %s, 'test')", path.split("/")[-1], component, volume, on, evidence)


def add_days(text, days):
    return (datetime.date.fromisoformat(text) + datetime.timedelta(days)).isoformat()


# ---- recorded and read ----

def test_recorded_and_listed(staff, donor, daemon):
    path = donor()
    dated = defer(staff, path, code="malaria", **{"from": day(-31)}, note="theo giấy ra viện")
    assert dated["ends"] == "dated" and dated["state"] == "in_force" and dated["until"] is None
    assert dated["ends_on"][:4] == str(int(dated["from"][:4]) + 1) and dated["note"] == "theo giấy ra viện" and dated["text"]
    decided = defer(staff, path, code="tattoo", **{"from": day(-31)}, until=day(9))
    assert (decided["ends"], decided["ends_on"], decided["until"]) == ("dated", day(9), day(9))
    still = defer(staff, path, code="tuberculosis")
    assert (still["ends"], still["ends_on"], still["from"]) == ("open", None, None)
    ever = defer(staff, path, code="organ_history")
    assert ever["ends"] == "permanent"                      # the rules say so
    asked = defer(staff, path, code="syphilis", permanent=True)
    assert asked["ends"] == "permanent"
    past = defer(staff, path, code="fever", **{"from": day(-3)})
    assert (past["ends_on"], past["state"]) == (day(-2), "over")
    answer = staff.get(f"{path}/deferrals")
    assert [d["id"] for d in answer.json()["items"]] == [d["id"] for d in (dated, decided, still, ever, asked, past)]
    assert answer.json()["items"][0] == dated and answer.headers["cache-control"] == "no-store"
    english = staff.get(f"{path}/deferrals", headers={"Accept-Language": "en"}).json()["items"][0]["text"]
    assert english == "Malaria, after cure"


def test_sealed_and_audited(staff, donor, daemon):
    path = donor()
    made = defer(staff, path, code="syphilis", note="Ghi chú thử nghiệm")
    staff.get(f"{path}/deferrals")
    one = path.split("/")[-1]
    assert daemon.sql("SELECT action, subject_id FROM audit_entry WHERE subject_id = ANY (%s) ORDER BY id", [one, made["id"]]) == [
        ("donor.register", one), ("deferral.add", made["id"]), ("donor.deferrals", one)]
    # nothing of it stands in plain, anywhere in the row or its audit
    ((row, sealed),) = daemon.sql("SELECT d::text, sealed FROM deferral AS d WHERE id = %s", made["id"])
    for word in ("syphilis", "Ghi chú"):
        assert word not in row and word.encode() not in sealed and word.encode().hex() not in row
    assert daemon.value("SELECT ends FROM deferral WHERE id = %s", made["id"]) == "open"


def test_a_sealed_row_cannot_be_exchanged(staff, donor, daemon):
    path = donor()
    one, two = (defer(staff, path, code=code) for code in ("syphilis", "malaria"))
    kept = daemon.value("SELECT sealed FROM deferral WHERE id = %s", two["id"])
    daemon.sql("UPDATE deferral SET sealed = (SELECT sealed FROM deferral WHERE id = %s) WHERE id = %s", one["id"], two["id"])
    problem(staff.get(f"{path}/deferrals", expect=500), "internal")
    daemon.sql("UPDATE deferral SET sealed = %s WHERE id = %s", kept, two["id"])
    assert [d["id"] for d in staff.get(f"{path}/deferrals").json()["items"]] == [one["id"], two["id"]]


@pytest.mark.parametrize("body, faults", [
    ({}, {"/code": "required"}), ({"code": "no_such"}, {"/code": "unknown_code"}), ({"code": 7}, {"/code": "wrong_type"}),
    ({"code": "malaria", "from": "1500-01-01"}, {"/from": "out_of_range"}),
    ({"code": "malaria", "from": "2025-02-30"}, {"/from": "invalid_date"}),
    ({"code": "malaria", "from": "1925-02-07"}, {"/from": "before_birth"}), ({"code": "organ_history", "until": day(9)}, {"/until": "permanent"}),
    ({"code": "malaria", "from": day(1)}, {"/from": "in_future"}),
    ({"code": "malaria", "from": day(-3), "until": day(-3)}, {"/until": "before_from"}),
    ({"code": "malaria", "until": day(3), "permanent": True}, {"/until": "permanent"}),
    ({"code": "malaria", "permanent": "yes"}, {"/permanent": "wrong_type"}),
    ({"code": "malaria", "note": "x" * 501}, {"/note": "too_long"}), ({"code": "malaria", "why": "x"}, {"/why": "unknown_field"})])
def test_refused_by_field(staff, donor, daemon, body, faults):
    path = donor()
    answer = staff.post(f"{path}/deferrals", json=body, expect=422)
    assert {pointer: field_codes(answer)[pointer] for pointer in faults} == faults
    assert staff.get(f"{path}/deferrals").json()["items"] == []


def test_the_same_key(staff, donor):
    path, body, key = donor(), {"code": "malaria"}, {"Idempotency-Key": "once"}
    first = staff.post(f"{path}/deferrals", json=body, headers=key, expect=201).json()
    assert staff.post(f"{path}/deferrals", json=body, headers=key, expect=201).json() == first
    problem(staff.post(f"{path}/deferrals", json={"code": "rubella"}, headers=key), "idempotency-mismatch", 422)
    lifted = lift(staff, path, first, headers={"Idempotency-Key": "lift"}, expect=201).json()
    assert lifted["state"] == "lifted"
    assert lift(staff, path, first, headers={"Idempotency-Key": "lift"}, expect=201).json() == lifted
    problem(lift(staff, path, first), "deferral-lifted", 409)
    assert len(staff.get(f"{path}/deferrals").json()["items"]) == 1


def test_outside_the_scope_there_is_nothing(api, daemon, donor, staff):
    path = donor(unit="Huyện Sìn Hồ")
    made = defer(staff, path, code="malaria")
    home = donor()
    unit = staff.get(home).json()["unit"]["id"]
    abroad = api.with_token(daemon.new_token("staff", f"abroad {path[-12:]}", "--unit", unit))
    assert abroad.get(f"{home}/deferrals").json()["items"] == [] and defer(abroad, home, code="malaria")["state"] == "in_force"
    for method, rest, body in (("GET", "/deferrals", None), ("POST", "/deferrals", {"code": "malaria"}), ("GET", "/eligibility", None),
                               ("POST", f"/deferrals/{made['id']}/lift", {"reason": "x"}), ("PUT", "/contact-facility", {"contact": True})):
        problem(abroad.request(method, path + rest, **({"json": body} if body else {})), "not-found", 404)


# ---- lifted ----

def test_a_dated_or_open_one_is_lifted_at_once(staff, donor, daemon):
    path = donor()
    made = defer(staff, path, code="tuberculosis")
    lifted = lift(staff, path, made, reason="Bác sĩ kết luận đã khỏi", expect=201).json()
    assert lifted["state"] == "lifted" and lifted["lifted_at"] and lifted["lift"]["state"] == "done"
    assert lifted["lift"]["reason"] == "Bác sĩ kết luận đã khỏi"
    assert daemon.sql("SELECT ends, sealed FROM deferral WHERE lifts = %s", made["id"]) == [("lifts", None)]
    assert "tuberculosis" not in json.dumps(verdict(staff, path))
    problem(lift(staff, path, {"id": NOBODY}), "not-found", 404)
    assert field_codes(staff.post(f"{path}/deferrals/{made['id']}/lift", json={}, expect=422)) == {"/reason": "required"}


def test_a_permanent_one_needs_two_persons(staff, api, donor, daemon):
    admin, path = api.as_("admin"), donor()
    made = defer(staff, path, code="malaria", permanent=True)
    problem(approve(admin, path, made), "not-found", 404)    # nobody asked
    waiting = lift(staff, path, made, expect=201).json()
    assert waiting["state"] == "in_force" and waiting["lift"]["state"] == "asked" and waiting["lift"]["decided_at"] is None
    problem(lift(staff, path, made), "deferral-lifted", 409)
    assert not verdict(staff, path)["eligible"]
    (item,) = [i for i in staff.items(WAITING) if i["deferral"] == made["id"]]
    assert item["own"] and item["donor"] == path.split("/")[-1] and "malaria" not in json.dumps(item)
    assert not [i for i in admin.items(WAITING) if i["deferral"] == made["id"]][0]["own"]
    problem(approve(staff, path, made), "forbidden", 403)
    done = approve(admin, path, made, expect=201).json()
    assert done["state"] == "lifted" and done["lift"]["state"] == "done"
    problem(approve(admin, path, made), "deferral-lifted", 409)
    assert not [i for i in staff.items(WAITING) if i["deferral"] == made["id"]]
    actions = [r[0] for r in daemon.sql("SELECT action FROM audit_entry WHERE subject_id = %s ORDER BY id", done["lift"]["id"])]
    assert actions == ["deferral_lift.ask", "deferral_lift.approve"]


def test_who_asked_may_not_approve(api, staff, donor, daemon):
    admin, path = api.as_("admin"), donor()
    made = defer(staff, path, code="malaria", permanent=True)
    lift(admin, path, made, expect=201)
    problem(approve(admin, path, made), "second-person", 403)
    problem(approve(admin, path, made, headers={"Idempotency-Key": "own"}), "second-person", 403)
    # the database would not have it either
    with pytest.raises(Exception, match="deferral_lift_persons_ck"):
        daemon.sql("UPDATE deferral_lift SET state = 'done', decided_at = now(), decided_by = asked_by, decided_by_kind = asked_by_kind"
                   " WHERE deferral_id = %s", made["id"])
    other = api.with_token(daemon.new_token("admin", f"second {path[-12:]}"))
    key = {"Idempotency-Key": "approve"}
    done = approve(other, path, made, headers=key, expect=201).json()
    assert done["state"] == "lifted" and approve(other, path, made, headers=key, expect=201).json() == done


def test_refused_it_stays_and_may_be_asked_again(api, staff, donor):
    admin, path = api.as_("admin"), donor()
    made = defer(staff, path, code="malaria", permanent=True)
    lift(staff, path, made, expect=201)
    refused = admin.post(f"{path}/deferrals/{made['id']}/lift/refuse", expect=201).json()
    assert refused["state"] == "in_force" and refused["lift"]["state"] == "refused"
    assert lift(staff, path, made, expect=201).json()["lift"]["state"] == "asked"
    assert approve(admin, path, made, expect=201).json()["state"] == "lifted"


def test_the_database_holds_it_too(api, staff, donor, daemon):
    """What was recorded is not changed, and nobody lifts alone, whatever statement is sent."""
    granted = "SELECT array_agg(privilege_type::text ORDER BY 1) FROM information_schema.role_table_grants" \
        " WHERE grantee = 'giothong_app' AND table_name = %s"
    assert [daemon.value(granted, table) for table in ("deferral", "donation", "deferral_lift")] == [["INSERT", "SELECT"]] * 3
    admin, path, other = api.as_("admin"), donor(), donor()
    ever, still = defer(staff, path, code="organ_history"), defer(staff, path, code="malaria")
    lifting = "INSERT INTO deferral (id, donor_id, ends, lifts) SELECT gen_random_uuid(), %s::uuid, 'lifts', id FROM deferral WHERE id = %s"

    def refused(constraint, statement, *parameters):
        with pytest.raises(Exception, match="deferral is lifted|was decided") as caught:
            daemon.sql(statement, *parameters)
        assert caught.value.diag.constraint_name == constraint

    refused("deferral_lifted_ck", lifting, path.split("/")[-1], ever["id"])              # nobody asked
    lift(staff, path, ever, expect=201)
    refused("deferral_lifted_ck", lifting, path.split("/")[-1], ever["id"])              # nobody approved
    refused("deferral_lifted_ck", lifting, other.split("/")[-1], still["id"])            # another person's record
    approve(admin, path, ever, expect=201)
    lift(staff, path, still, expect=201)
    for one in (ever, still):
        refused("deferral_lift_final_ck", "UPDATE deferral_lift SET state = 'refused' WHERE deferral_id = %s", one["id"])
    lifted = daemon.value("SELECT id FROM deferral WHERE lifts = %s", still["id"])
    refused("deferral_lifted_ck", lifting, path.split("/")[-1], lifted)                  # a lift is no deferral


def test_two_lifts_at_once(api, staff, donor, daemon):
    admin = api.as_("admin")
    for permanent in (False, True):
        path = donor()
        made = defer(staff, path, code="malaria", permanent=permanent)

        def together(one, count=8):
            with concurrent.futures.ThreadPoolExecutor(count) as pool:
                return sorted(a.status_code for a in pool.map(lambda _: one(), range(count)))
        assert together(lambda: until_served(lambda: lift(staff, path, made))) == [201] + [409] * 7
        if permanent:
            assert together(lambda: until_served(lambda: approve(admin, path, made))) == [201] + [409] * 7
        assert daemon.value("SELECT count(*) FROM deferral WHERE lifts = %s", made["id"]) == 1
        assert daemon.value("SELECT count(*) FROM deferral_lift WHERE deferral_id = %s AND state = 'done'", made["id"]) == 1


# ---- the verdict ----

def test_the_verdict_is_that_of_the_check(staff, api, donor, daemon):
    path = donor()
    gave(daemon, path, day(-30))
    gave(daemon, path, day(-400), evidence="confirmed")
    defer(staff, path, code="malaria", **{"from": day(-31)})
    facts = {"on": TODAY, "component": "whole_blood", "volume_ml": 350, "birth_date": "1990-05-17", "sex": "female",
             "donations": [{"on": day(-30), "component": "whole_blood", "volume_ml": 250},
                           {"on": day(-400), "component": "whole_blood", "volume_ml": 250}],
             "deferrals": [{"code": "malaria", "from": day(-31)}]}
    told = verdict(staff, path, volume_ml=350)
    assert told == staff.post("/api/v1/eligibility/check", json=facts, expect=200).json()
    assert {r["code"] for r in told["reasons"]} == {"too_soon", "malaria"} and told["decision"] == "refused"
    # platelets wait less
    assert verdict(staff, path, component="platelets")["component"] == "platelets"


def test_a_team_is_told_no_reason(staff, api, donor, daemon):
    team, path = api.as_("team"), donor()
    gave(daemon, path, day(-30))
    told = verdict(team, path)
    assert set(told) == {"decision", "component", "on", "earliest_on", "text", "contact_facility", "rule_set", "advisory"}
    assert told["earliest_on"] == day(54) and told["decision"] == "refused" and not told["contact_facility"]
    defer(staff, path, code="syphilis")
    staff.request("PUT", f"{path}/contact-facility", json={"contact": True}, expect=200)
    told = verdict(team, path)
    assert told["earliest_on"] is None and told["contact_facility"] is True
    # the flag alone says the same, whatever else is known
    asked = donor()
    staff.request("PUT", f"{asked}/contact-facility", json={"contact": True}, expect=200)
    flagged = verdict(team, asked)
    assert flagged["text"] == told["text"] and flagged["contact_facility"] is True and flagged["decision"] == "incomplete"
    text = json.dumps(told, ensure_ascii=False).lower()
    assert "syphilis" not in text and "giang mai" not in text and "5(1)" not in text
    assert "syphilis" in json.dumps(verdict(staff, path))
    assert daemon.value("SELECT count(*) FROM audit_entry WHERE action = 'donor.eligibility' AND subject_id = %s", path.split("/")[-1]) == 3


def test_as_of_a_day(staff, donor, daemon):
    path = donor()
    made = defer(staff, path, code="malaria", **{"from": day(-31)})
    assert not verdict(staff, path)["eligible"]
    assert verdict(staff, path, on=day(-1))["eligible"]      # nobody knew yet
    assert not verdict(staff, path, on=day(1))["eligible"]
    assert verdict(staff, path, on=day(400))["eligible"]
    gave(daemon, path, day(-10))
    assert verdict(staff, path, on=day(-11))["eligible"]     # not given yet
    assert not verdict(staff, path, on=day(-10))["eligible"]
    lift(staff, path, made, expect=201)
    assert [r["code"] for r in verdict(staff, path)["reasons"]] == ["too_soon"]
    # a correction stands for what it corrects
    donation = daemon.value("SELECT id FROM donation WHERE donor_id = %s", path.split("/")[-1])
    daemon.sql("INSERT INTO donation (id, donor_id, component, volume_ml, donated_on, evidence, source, corrects)"
               " SELECT gen_random_uuid(), donor_id, component, volume_ml, %s, evidence, source, id FROM donation WHERE id = %s",
               day(-100), donation)
    assert verdict(staff, path)["eligible"]


def test_a_condition_is_told_by_its_article(staff, donor):
    path = donor()
    defer(staff, path, code="pregnant_now")
    (reason,) = verdict(staff, path)["reasons"]
    assert reason["code"] == "pregnant_now" and reason["article"] == "4(2)(c)" and reason["until"] is None
    path = donor()
    defer(staff, path, code="organ_history")
    defer(staff, path, code="fever", **{"from": TODAY})
    told = {r["code"]: (r["article"], r["until"], r["text"]) for r in verdict(staff, path)["reasons"]}
    assert told == {"organ_history": ("4(2)(c)", None, "History of having had an organ removed, donated or transplanted: no more donations."),
                    "fever": ("4(2)(d)", day(1), f"Fever. Possible from {day(1)}.")}


def test_what_a_merged_record_knows_counts(staff, donor, daemon):
    one, two = donor(), donor()
    made = defer(staff, one, code="malaria", **{"from": day(-31)})
    gave(daemon, one, day(-30))
    assert verdict(staff, two)["eligible"]
    daemon.sql("INSERT INTO donor_alias (donor_id, into_id, with_id) VALUES (%s, %s, %s)", one.split("/")[-1],
               *[two.split("/")[-1]] * 2)
    assert {r["code"] for r in verdict(staff, two)["reasons"]} == {"too_soon", "malaria"}
    assert verdict(staff, one) == verdict(staff, two)
    (listed,) = staff.get(f"{two}/deferrals").json()["items"]
    assert listed == made
    assert lift(staff, two, made, reason="đã khỏi hẳn", expect=201).json()["lift"]["reason"] == "đã khỏi hẳn"
    daemon.sql("DELETE FROM donor_alias WHERE donor_id = %s", one.split("/")[-1])
    assert staff.get(f"{one}/deferrals").json()["items"][0]["lift"]["reason"] == "đã khỏi hẳn"
    assert staff.get(f"{two}/deferrals").json()["items"] == [] and verdict(staff, two)["eligible"]


def test_bad_questions(staff, donor):
    path = donor()
    for params, code in (({"on": "yesterday"}, "invalid_date"), ({"component": "tears"}, "invalid_value"),
                         ({"volume_ml": "0"}, "out_of_range"), ({"colour": "red"}, "unknown_parameter")):
        answer = staff.get(f"{path}/eligibility", params=params, expect=400)
        assert list(field_codes(answer).values()) == [code], answer.text
    problem(staff.get(f"{DONORS}/{NOBODY}/eligibility", expect=404), "not-found")
    for on, code in (("0001-01-01", "no_rules_for_this_day"), ("9999-12-31", "too_old")):
        assert [r["code"] for r in verdict(staff, path, on=on)["reasons"]] == [code]


# ---- "ask the blood facility" ----

def test_contact_facility(staff, donor, daemon):
    path = donor()
    for contact in (True, True, False):
        assert staff.request("PUT", f"{path}/contact-facility", json={"contact": contact}, expect=200).json() == {"contact": contact}
        assert staff.get(path).json()["contact_facility"] is contact
    actions = [r[0] for r in daemon.sql("SELECT action FROM audit_entry WHERE subject_id = %s AND action LIKE 'donor.contact%%' ORDER BY id",
                                        path.split("/")[-1])]
    assert actions == ["donor.contact_facility_set", "donor.contact_facility_cleared"]
    assert field_codes(staff.request("PUT", f"{path}/contact-facility", json={"contact": True, "reason": "x"}, expect=422)) == {
        "/reason": "unknown_field"}

# ---- the days that lists show ----

def days_of(daemon, path):
    """Once nothing waits to be counted: next_* of whole blood, platelets, and the last donation."""
    wait_until(lambda: daemon.value("SELECT count(*) FROM donor_stale") == 0, 60)
    (row,) = daemon.sql("SELECT next_whole_blood::text, next_platelets::text, last_donated_on::text FROM donor WHERE id = %s", path.split("/")[-1])
    return row


def test_days_follow_the_facts(api, staff, donor, daemon):
    path = donor()
    assert days_of(daemon, path) == (None, None, None)
    gave(daemon, path, day(-30))
    assert days_of(daemon, path)[0] == day(54) and days_of(daemon, path)[2] == day(-30)
    gave(daemon, path, day(-300))                            # an older one handed in late changes nothing
    assert days_of(daemon, path)[0] == day(54)
    made = defer(staff, path, code="malaria", **{"from": day(-31)})
    moved = staff.get(path).json()["next_eligible"]["whole_blood"]
    assert moved == {"wait": "until", "on": made["ends_on"]}  # in the same statement, before anything was counted
    ever = defer(staff, path, code="organ_history")
    assert staff.get(path).json()["next_eligible"]["whole_blood"] == {"wait": "open", "on": None}
    assert days_of(daemon, path)[0] == "infinity"
    lift(staff, path, made, expect=201)
    assert days_of(daemon, path)[0] == "infinity"
    lift(staff, path, ever, expect=201)
    assert days_of(daemon, path)[0] == "infinity"            # asked for, not approved
    approve(api.as_("admin"), path, ever, expect=201)
    assert days_of(daemon, path)[0] == day(54)               # earlier again: only the count may do that


def test_days_follow_birth_and_age(staff, donor, daemon):
    young, old = donor(birth_date=f"{int(TODAY[:4]) - 10}-06-01"), donor(birth_date=f"{int(TODAY[:4]) - 62}-06-01")
    assert days_of(daemon, young)[0] == f"{int(TODAY[:4]) + 8}-06-01" and days_of(daemon, old)[0] == "infinity"
    staff.patch(young, {"birth_date": f"{int(TODAY[:4]) - 30}-06-01"}, etag=staff.etag(young), expect=200)
    assert days_of(daemon, young)[0] in (None, f"{int(TODAY[:4]) - 12}-06-01")
    # one whose last day by age passes without any new fact
    path = donor()
    days_of(daemon, path)
    daemon.sql("UPDATE donor SET age_on = %s, next_whole_blood = 'infinity' WHERE id = %s", TODAY, path.split("/")[-1])
    wait_until(lambda: daemon.value("SELECT next_whole_blood::text FROM donor WHERE id = %s", path.split("/")[-1]) is None)


def test_days_follow_merge_and_undo(donor, daemon):
    one, two = donor(), donor()
    gave(daemon, one, day(-30))
    daemon.sql("INSERT INTO donor_alias (donor_id, into_id, with_id) VALUES (%s, %s, %s)", one.split("/")[-1],
               *[two.split("/")[-1]] * 2)
    assert days_of(daemon, two)[0] == day(54)
    daemon.sql("DELETE FROM donor_alias WHERE donor_id = %s", one.split("/")[-1])
    assert days_of(daemon, two)[0] is None and days_of(daemon, one)[0] == day(54)


def test_the_list_filters_by_these_days(staff, donor, daemon):
    soon, late, never = donor(unit="Huyện Tân Uyên"), donor(unit="Huyện Tân Uyên"), donor(unit="Huyện Tân Uyên")
    gave(daemon, late, day(-30))
    defer(staff, never, code="organ_history")
    days_of(daemon, never)

    def listed(**params):
        ids = {i["id"] for i in staff.items(DONORS, unit="Huyện Tân Uyên", **params)}
        return [path.split("/")[-1] in ids for path in (soon, late, never)]
    assert listed(next_eligible_to=day(53)) == [True, False, False]
    assert listed(next_eligible_to=day(54)) == [True, True, False]
    assert listed(next_eligible_from=day(54)) == [False, True, False]
    assert listed() == [True, True, True]


def test_the_order_of_facts_does_not_matter(staff, donor, daemon):
    """The same facts handed in in other orders, some twice over time: the same days."""
    seed = random.Random(20250715)
    facts = [(day(-400), "whole_blood", 350), (day(-150), "platelets", 250), (day(-40), "plasma", 300), (day(-20), "platelets", 250)]
    ends = set()
    for _ in range(4):
        path = donor(sex="male")
        todo = [("gave", f) for f in facts] + [("defer", "rubella"), ("defer", "tattoo")]
        seed.shuffle(todo)
        for what, which in todo:
            if what == "gave":
                gave(daemon, path, *which)
            else:
                defer(staff, path, code=which, **{"from": day(-50)})
            if seed.random() < 0.5:
                days_of(daemon, path)                        # counted in between, or not
        row = days_of(daemon, path)
        told = tuple(verdict(staff, path, component=c)["earliest_on"] for c in ("whole_blood", "platelets"))
        ends.add((row, told))
        assert row[0] == told[0] and row[1] == told[1]       # what the list shows is what the verdict says
    assert len(ends) == 1, ends


def make_donors(staff, count):
    """A letter each, for a daemon of the test's own."""
    letters = "bcdghklmnpqrstvx"
    return [f"{DONORS}/{staff.post(DONORS, json={'name': f'Lò Thị {letters[n].upper()}a', 'birth_date': '1990-05-17', 'sex': 'male'}, expect=201).json()['id']}"
            for n in range(count)]


def test_counted_though_killed(fresh_daemon, api_of):
    """kill -9 in the middle of counting, while facts come: in the end lists show what the verdict says."""
    daemon = fresh_daemon(settings={"workers.count": 1})
    staff = api_of(daemon, daemon.token("staff"))
    paths = make_donors(staff, 12)

    def waiting():
        return daemon.value("SELECT count(*) FROM donor_stale")
    for turn in range(3):
        for n, path in enumerate(paths):
            gave(daemon, path, day(-90 + 20 * turn + n), component=("whole_blood", "platelets", "plasma")[(turn + n) % 3])
        daemon.sql("INSERT INTO donor_stale (donor_id) SELECT d.id FROM donor AS d, generate_series(1, 300)")
        wait_until(lambda: waiting() < 300 * len(paths), every=0.005)        # counting has begun, or is over already
        daemon.kill()
        daemon.start()
    wait_until(lambda: waiting() == 0)
    for path in paths:
        for component, wait in staff.get(path).json()["next_eligible"].items():
            assert max(wait["on"] or TODAY, TODAY) == verdict(staff, path, component=component)["earliest_on"], (path, component)
    daemon.assert_records_fit()


def test_a_rule_that_begins_tomorrow(fresh_daemon, api_of, tmp_path):
    """Nobody runs a command on that day: lists are counted again by themselves."""
    rules = json.loads((programs.CONFIG / "eligibility" / "vn-26-2013-tt-byt.json").read_text(encoding="utf-8"))
    next(one for one in rules["deferrals"] if one["code"] == "tattoo")["valid_from"] = day(1)
    path = tmp_path / "rules.json"
    path.write_text(json.dumps(rules), encoding="utf-8")
    daemon = fresh_daemon(settings={"eligibility.rules": path, "workers.count": 1})
    staff = api_of(daemon, daemon.token("staff"))
    (one,) = make_donors(staff, 1)
    ends_on = defer(staff, one, code="tattoo", **{"from": day(-10)})["ends_on"]
    assert days_of(daemon, one)[0] is None and verdict(staff, one)["eligible"]
    assert verdict(staff, one, on=day(1))["earliest_on"] == ends_on
    daemon.stop()
    daemon.settings["test.now"] = f"{day(1)}T08:00:00+07:00"
    daemon.start()
    wait_until(lambda: daemon.value("SELECT next_whole_blood::text FROM donor") == ends_on)
    assert verdict(staff, one)["earliest_on"] == ends_on


def test_a_record_that_cannot_be_opened_holds_nobody_up(donor, daemon):
    broken, fine = donor(), donor()
    days_of(daemon, fine)
    sealed = daemon.value("SELECT sealed FROM donor WHERE id = %s", broken.split("/")[-1])
    daemon.sql("UPDATE donor SET sealed = decode('00112233', 'hex') WHERE id = %s", broken.split("/")[-1])
    gave(daemon, fine, day(-30))
    assert days_of(daemon, fine)[0] == day(54)
    daemon.sql("UPDATE donor SET sealed = %s WHERE id = %s", sealed, broken.split("/")[-1])
    assert days_of(daemon, broken)[0] is None
