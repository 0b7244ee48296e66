"""May somebody give blood? The route, bad input, and what must hold of all facts, counted again in Python."""
import calendar
import datetime
import json
import time

import hypothesis
import pytest
from hypothesis import strategies as st

from harness import programs
from harness.client import field_codes, problem

PATH = "/api/v1/eligibility/check"
SETTINGS = {"deadline": None, "derandomize": True, "database": None, "suppress_health_check": list(hypothesis.HealthCheck)}
RULES = json.loads((programs.CONFIG / "eligibility" / "vn-26-2013-tt-byt.json").read_text(encoding="utf-8"))
COMPONENTS = ["whole_blood", "red_cells", "platelets", "plasma", "granulocytes", "stem_cells"]
SCREENING = {"systolic_mmhg": 120, "diastolic_mmhg": 80, "pulse_bpm": 72, "pulse_regular": True, "hemoglobin_g_l": 130}
FIT = {"on": "2026-03-01", "component": "whole_blood", "volume_ml": 350, "birth_date": "1990-06-15", "sex": "female",
       "weight_kg": 60, "donations": [], "deferrals": [], "conditions": [], "screening": SCREENING}


@pytest.fixture
def ask(api):
    def check(facts, **options):
        return api.post(PATH, json=facts, expect=200, **options).json()
    return check


# ---- the route ----

def test_the_example_of_the_contract(ask, contract):
    examples = contract.document["components"]["examples"]
    assert ask(examples["EligibilityCheck"]["value"]) == examples["Verdict"]["value"]


def test_a_whole_verdict(ask):
    assert ask(FIT) == {"eligible": True, "decision": "no_known_refusal", "component": "whole_blood", "on": "2026-03-01",
                        "earliest_on": "2026-03-01", "max_volume_ml": 500, "reasons": [], "needs": [], "needs_texts": [],
                        "notes": [], "rule_set": "vn-26-2013-tt-byt", "advisory": True}


def test_only_day_and_component_are_required(ask):
    verdict = ask({"on": "2026-03-01", "component": "whole_blood"})
    assert (verdict["eligible"], verdict["decision"], verdict["max_volume_ml"]) == (True, "incomplete", None)
    assert verdict["needs"] == ["birth_date", "sex", "weight_kg", "donations", "deferrals", "conditions", "systolic_mmhg",
                                "diastolic_mmhg", "pulse_bpm", "pulse_regular", "hemoglobin_g_l"]
    assert ask({"on": "2026-03-01", "component": "plasma"})["needs"][-2:] == ["hemoglobin_g_l", "protein_g_l"]


def test_null_is_a_fact_that_is_missing(ask):
    nothing = {**dict.fromkeys(FIT), "occupation": None, "on": "2026-03-01", "component": "whole_blood"}
    assert ask(nothing) == ask({"on": "2026-03-01", "component": "whole_blood"})
    assert ask({**nothing, "screening": dict.fromkeys([*SCREENING, "protein_on"])}) == ask(nothing)


def test_two_languages_one_verdict(ask):
    facts = {**FIT, "conditions": ["fever"], "occupation": "heavy_effort", "weight_kg": None}
    english, vietnamese = (ask(facts, headers={"Accept-Language": language}) for language in ("en", "vi"))
    assert "Fever" in english["reasons"][0]["text"] and "Sốt" in vietnamese["reasons"][0]["text"]
    assert "weight" in english["needs_texts"][0] and "cân nặng" in vietnamese["needs_texts"][0]
    assert "12 hours" in english["notes"][0]["text"] and "12 giờ" in vietnamese["notes"][0]["text"]
    for verdict in (english, vietnamese):
        for told in verdict["reasons"] + verdict["notes"]:
            del told["text"]
        del verdict["needs_texts"]
    assert english == vietnamese


def test_nothing_is_kept(api, daemon):
    """No cache, no row, no line of the log: the facts go with the answer."""
    tables = daemon.value("SELECT array_agg(relname::text) FROM pg_stat_user_tables WHERE schemaname = 'public'")

    def rows():
        return {name: daemon.value(f'SELECT count(*) FROM "{name}"') for name in tables}

    clients = [api, api.as_("staff")]

    def ask():
        for client in clients:
            answer = client.post(PATH, json={**FIT, "weight_kg": 61.377, "birth_date": "1983-11-07"}, expect=200,
                                 headers={"Idempotency-Key": "not-of-this-route"})
            assert answer.headers["cache-control"] == "no-store" and "etag" not in answer.headers
            assert "Accept-Language" in answer.headers["vary"]

    # Jobs (the sealer, the days of donors) write when they like; what a question keeps, every question keeps.
    for _ in range(8):
        before = rows()
        ask()
        after = rows()
        if after == before:
            break
        time.sleep(1)
    assert after == before
    assert all(word not in daemon.log() for word in ("61.377", "1983-11-07"))


def test_each_address_has_its_rate(fresh_daemon, api_of):
    """By the proxy's word, or all who come by one proxy would share one."""
    daemon = fresh_daemon(settings={"limits.anonymous_per_minute": 5, "workers.count": 1, "listen.trusted_proxy": "127.0.0.1/32"})
    public = api_of(daemon)

    def statuses(address, times):
        return [public.post(PATH, json=FIT, expect=None, headers={"X-Forwarded-For": address}).status_code for _ in range(times)]
    first = statuses("192.0.2.1", 30)
    assert first[:5] == [200] * 5 and 429 in first
    assert statuses("192.0.2.2", 5) == [200] * 5
    answer = public.post(PATH, json={**FIT, "weight_kg": 61.377}, expect=None, headers={"X-Forwarded-For": "192.0.2.1"})
    if answer.status_code == 429:
        assert int(problem(answer, "too-many-requests", 429) and answer.headers["retry-after"]) >= 1
    assert "61.377" not in daemon.log() and "1990-06-15" not in daemon.log()


# ---- the rule set itself ----

LISTED = "/api/v1/eligibility/rules"


def test_the_rule_set_is_all_that_a_form_needs(api):
    told = api.get(LISTED, expect=200).json()
    assert [told[k] for k in ("id", "number", "title", "use", "valid_from", "valid_to", "note")] == \
        [RULES[k] for k in ("id", "number", "title", "use", "valid_from", "valid_to", "note")]
    assert told["final_word"]["text"] == RULES["final_word"]["text"] and told["final_word"]["article"] == RULES["final_word"]["article"]
    assert told["sources"] == RULES["sources"]
    assert [(p["name"], p["value"], p["question"], p["evidence"]) for p in told["parameters"]] == \
        [(p["name"], str(p["value"]), p["question"], p["evidence"]) for p in RULES["parameters"]]
    assert all(p["value"] in p["choices"] and len(p["choices"]) > 1 for p in told["parameters"])
    same = ("code", "text", "article", "evidence", "sources")
    for name, more in (("deferrals", ("wait", "counted_from")), ("conditions", ("lasts",)), ("occupations", ("wait",))):
        ours = [*RULES[name], *(RULES["guidance"] if name == "deferrals" else [])]
        assert [[one[k] for k in (*same, *more)] for one in told[name]] == [[one[k] for k in (*same, *more)] for one in ours], name
    assert {d["code"]: d["sex"] for d in told["deferrals"] if d["sex"]} == {d["code"]: d["asked_of"] for d in RULES["deferrals"] if "asked_of" in d}
    assert {c["code"] for c in told["components"]} == set(COMPONENTS)
    assert {m["code"] for m in told["measures"]} == {"weight_kg", *SCREENING, "platelets_10e9_l", "protein_g_l"}
    assert {c["code"] for c in told["counted_from"]} >= {d["counted_from"] for d in told["deferrals"]}
    assert {c["code"] for c in told["lasts"]} == {c["lasts"] for c in told["conditions"]}
    lists = [told[name] for name in ("deferrals", "conditions", "occupations", "reasons", "general_reasons", "components", "measures", "needs",
                                     "counted_from", "lasts")]
    assert all(one["text"]["en"] and one["text"]["vi"] for items in lists for one in items)
    rules = [one["rule"] for one in told["reasons"]]
    assert set(rules) == {one["rule"] for name in ("ages", "limits", "bands", "waits", "counts", "totals") for one in RULES[name]}
    assert "45" in next(r["text"]["vi"] for r in told["reasons"] if r["rule"] == "weight.whole_blood.male")


def test_every_code_of_a_verdict_is_told(api, ask):
    told = api.get(LISTED, expect=200).json()
    reasons = {(r["code"], r["rule"]) for name in ("reasons", "deferrals", "conditions") for r in told[name]}
    general = {r["code"] for r in told["general_reasons"]}
    needs, notes = {n["code"] for n in told["needs"]}, {(o["code"], o["rule"]) for o in told["occupations"]}
    bad = {"systolic_mmhg": 300, "diastolic_mmhg": 20, "pulse_bpm": 200, "pulse_regular": False, "hemoglobin_g_l": 50, "platelets_10e9_l": 10,
           "protein_g_l": 10, "protein_on": "2026-03-01"}
    facts = {"on": "2026-03-01", "volume_ml": 900, "weight_kg": 40, "screening": bad, "conditions": [c["code"] for c in told["conditions"]],
             "deferrals": [{"code": d["code"]} for d in told["deferrals"]], "occupation": "heavy_effort"}
    seen = set()
    for component in COMPONENTS:
        for birth in ("2020-01-01", "1940-01-01"):
            given = [{"on": f"2026-02-{day}", "component": component, "volume_ml": 300} for day in (25, 26, 27, 28)]
            for more in ({"sex": "female", "donations": given}, {"sex": "male", "weight_kg": 80, "donations": given}, {"on": "1999-01-01", "donations": [],
                                                                                                                      "birth_date": "1940-01-01", "screening": {}}):
                verdict = ask({**facts, "component": component, "birth_date": birth, **more})
                for reason in verdict["reasons"]:
                    assert (reason["code"], reason["rule"]) in reasons or (reason["rule"] is None and reason["code"] in general), reason
                seen |= {r["code"] for r in verdict["reasons"]}
                assert {(n["code"], n["rule"]) for n in verdict["notes"]} <= notes
        assert set(ask({"on": "2026-03-01", "component": component})["needs"]) <= needs
    assert {"too_young", "too_old", "too_soon", "too_often", "volume_too_large", "weight_too_low", "pulse_irregular", "no_rules_for_this_day"} <= seen


def test_the_rule_set_is_kept_and_asked_for_again(api, staff):
    """As every public answer: an ETag, one body for everybody in every language, and nothing is taken beside it."""
    first = api.get(LISTED, expect=200)
    assert first.headers["cache-control"] == "no-cache" and "accept-language" not in first.headers.get("vary", "").lower()
    for client, language in ((api, "vi"), (api, "en"), (staff, "vi")):
        again = client.get(LISTED, expect=200, headers={"Accept-Language": language})
        assert (again.content, again.headers["etag"]) == (first.content, first.headers["etag"])
        assert client.get(LISTED, expect=304, headers={"If-None-Match": first.headers["etag"]}).content == b""
    problem(api.get(LISTED, params={"on": "2026-03-01"}, expect=400), "invalid-query", 400)


# ---- each code of the rule set, on both sides ----

@pytest.mark.parametrize("rule", RULES["deferrals"] + RULES["guidance"], ids=lambda rule: f"{rule['article']} {rule['code']}")
def test_a_deferral_on_both_sides_of_its_end(ask, rule):
    start = datetime.date(2024, 8, 31)                       # six months on, February has no such day
    until = end_of(rule["wait"], start)
    facts = {**FIT, "deferrals": [{"code": rule["code"], "from": start.isoformat()}]}
    assert ask({**facts, "on": until.isoformat()})["decision"] == "no_known_refusal"
    vietnamese = {"Accept-Language": "vi"}
    before = ask({**facts, "on": (until - datetime.timedelta(1)).isoformat()}, headers=vietnamese)
    (reason,) = before["reasons"]
    assert (reason["code"], reason["article"], reason["until"], before["earliest_on"]) == (rule["code"], rule["article"], *[until.isoformat()] * 2)
    assert reason["text"].startswith(f"{rule['text']['vi']}: chờ {rule['wait']['value']} ") and until.strftime("%d/%m/%Y") in reason["text"]
    still = ask({**facts, "on": until.isoformat(), "deferrals": [{"code": rule["code"], "from": None}]})
    assert [r["until"] for r in still["reasons"]] == [None] and still["earliest_on"] is None


@pytest.mark.parametrize("rule", RULES["conditions"], ids=lambda rule: f"{rule['article']} {rule['code']}")
def test_a_condition_excludes(ask, rule):
    verdict = ask({**FIT, "conditions": [rule["code"]]}, headers={"Accept-Language": "vi"})
    assert [(r["code"], r["article"], r["until"]) for r in verdict["reasons"]] == [(rule["code"], rule["article"], None)]
    assert verdict["earliest_on"] is None and verdict["reasons"][0]["text"].startswith(rule["text"]["vi"] + ": ")


@pytest.mark.parametrize("rule", RULES["occupations"], ids=lambda rule: rule["article"])
def test_an_occupation_is_a_note(ask, rule):
    verdict = ask({**FIT, "occupation": rule["code"]}, headers={"Accept-Language": "vi"})
    assert verdict["decision"] == "no_known_refusal" and [n["article"] for n in verdict["notes"]] == [rule["article"]]
    assert verdict["notes"][0]["text"].startswith(rule["text"]["vi"] + ": ") and "12 giờ" in verdict["notes"][0]["text"]


# ---- bad input ----

@pytest.mark.parametrize("change, pointer, code", [
    ({"colour": 1}, "/colour", "unknown_field"), ({"on": None}, "/on", "required"), ({"component": None}, "/component", "required"),
    ({"on": "2026-02-30"}, "/on", "invalid_date"), ({"on": "2026-2-3"}, "/on", "invalid_date"), ({"on": 20260301}, "/on", "wrong_type"),
    ({"on": "9999-12-31"}, "/on", "out_of_range"), ({"on": "0001-01-01"}, "/on", "out_of_range"),
    ({"component": "blood"}, "/component", "invalid_value"), ({"component": ["plasma"]}, "/component", "wrong_type"),
    ({"volume_ml": 0}, "/volume_ml", "out_of_range"), ({"volume_ml": 350.5}, "/volume_ml", "wrong_type"),
    ({"volume_ml": "350"}, "/volume_ml", "wrong_type"), ({"birth_date": "1990-02-29"}, "/birth_date", "invalid_date"),
    ({"birth_date": "2026-03-02"}, "/birth_date", "after_on"), ({"sex": "F"}, "/sex", "invalid_value"), ({"sex": ""}, "/sex", "invalid_value"),
    ({"weight_kg": -1}, "/weight_kg", "out_of_range"), ({"weight_kg": 501}, "/weight_kg", "out_of_range"),
    ({"weight_kg": 55.1234}, "/weight_kg", "too_precise"), ({"weight_kg": "55"}, "/weight_kg", "wrong_type"),
    ({"weight_kg": True}, "/weight_kg", "wrong_type"), ({"donations": {}}, "/donations", "wrong_type"),
    ({"donations": [1]}, "/donations/0", "wrong_type"), ({"donations": [{"component": "plasma"}]}, "/donations/0/on", "required"),
    ({"donations": [{"on": "2026-03-02", "component": "plasma"}]}, "/donations/0/on", "after_on"),
    ({"donations": [{"on": "1990-06-14", "component": "plasma"}]}, "/donations/0/on", "before_birth"),
    ({"deferrals": [{"code": "malaria", "from": "1925-06-15"}]}, "/deferrals/0/from", "before_birth"),
    ({"donations": [{"on": "2026-01-01", "component": "x"}]}, "/donations/0/component", "invalid_value"),
    ({"donations": [{"on": "2026-01-01", "component": "plasma", "where": 1}]}, "/donations/0/where", "unknown_field"),
    ({"donations": [{"on": "2026-01-01", "component": "plasma"}] * 501}, "/donations", "too_many"),
    ({"deferrals": [{"from": "2026-01-01"}]}, "/deferrals/0/code", "required"),
    ({"deferrals": [{"code": "plague"}]}, "/deferrals/0/code", "unknown_code"),
    ({"deferrals": [{"code": "fever"}]}, "/deferrals/0/code", "unknown_code"),
    ({"deferrals": [{"code": "malaria", "from": "2026-03-02"}]}, "/deferrals/0/from", "after_on"),
    ({"deferrals": [{"code": "malaria", "until": "2026-03-02"}]}, "/deferrals/0/until", "unknown_field"),
    ({"deferrals": [{"code": "malaria"}] * 101}, "/deferrals", "too_many"),
    ({"conditions": "fever"}, "/conditions", "wrong_type"), ({"conditions": ["fever", "malaria"]}, "/conditions/1", "unknown_code"),
    ({"conditions": [None]}, "/conditions/0", "wrong_type"), ({"conditions": ["x\u0000"]}, None, None),
    ({"occupation": "farmer"}, "/occupation", "unknown_code"), ({"screening": []}, "/screening", "wrong_type"),
    ({"screening": {"pulse": 60}}, "/screening/pulse", "unknown_field"),
    ({"screening": {"pulse_regular": "yes"}}, "/screening/pulse_regular", "wrong_type"),
    ({"screening": {"hemoglobin_g_l": 1e300}}, "/screening/hemoglobin_g_l", "out_of_range"),
    ({"screening": {"protein_on": "2026-03-02"}}, "/screening/protein_on", "after_on"),
])
def test_bad_facts_are_refused_by_field(api, change, pointer, code):
    answer = api.post(PATH, json={**FIT, **change}, expect=(400, 422))
    if pointer is None:
        assert answer.status_code == 400
        return
    assert problem(answer, "invalid-field", 422) and field_codes(answer) == {pointer: code}
    vietnamese = api.post(PATH, json={**FIT, **change}, headers={"Accept-Language": "vi"}, expect=422)
    assert field_codes(vietnamese) == {pointer: code} and vietnamese.json()["errors"] != answer.json()["errors"]


@pytest.mark.parametrize("body, status", [
    (b"", 400), (b"[]", 400), (b"null", 400), (b"{", 400), (b'{"on": "2026-03-01", "on": "2026-03-02", "component": "plasma"}', 400),
    (b'{"on": "2026-03-01", "component": "plasma"}\0', 400), (b'{"on": "2026-03-01\xff", "component": "plasma"}', 400),
    (b'{"donations": ' + b"[" * 100 + b"]" * 100 + b"}", 400), (b'{"weight_kg": 1e999}', 400),
    (b'{"on": "2026-03-01", "component": "plasma", "occupation": "' + b"x" * 10_000_000 + b'"}', 413),
], ids=["empty", "array", "null", "cut", "twice", "NUL", "UTF-8", "deep", "overflow", "10 MB"])
def test_bodies_that_are_none(api, body, status):
    problem(api.request("POST", PATH, content=body, headers={"Content-Type": "application/json"}, expect=status), status=status)


def test_other_types_are_415(api):
    problem(api.request("POST", PATH, content=b"on=2026-03-01", headers={"Content-Type": "text/plain"}, expect=415))


# ---- which rules a daemon has ----

def start_with(rules, folder):
    return programs.run("giothongd", "--data", folder / "data", "--set", f"eligibility.rules={rules}", folder=folder)


@pytest.mark.parametrize("name, word", [("uk-jpac", "illustration"), ("no-such-set", "vn-26-2013-tt-byt"), ("/no/such.json", "cannot be opened")])
def test_what_is_no_rule_set_in_use_is_refused(tmp_path, name, word):
    outcome = start_with(name, tmp_path)
    assert outcome.status == 1 and name in outcome.err and word in outcome.err, outcome
    assert not (tmp_path / "data").exists(), "before anything is made"


def test_rules_of_a_file(fresh_daemon, api_of, tmp_path):
    rules = json.loads(json.dumps(RULES))
    rules["id"] = "of-a-test"
    next(p for p in rules["parameters"] if p["name"] == "interval_first_day_offset")["value"] = 1
    path = tmp_path / "rules.json"
    path.write_text(json.dumps(rules), encoding="utf-8")
    daemon = fresh_daemon(settings={"eligibility.rules": path})
    verdict = api_of(daemon).post(PATH, json={**FIT, "donations": [{"on": "2026-02-01", "component": "red_cells"}]}, expect=200).json()
    assert (verdict["rule_set"], verdict["earliest_on"]) == ("of-a-test", "2026-04-27")


def test_a_wrong_file_is_refused_with_the_place_of_the_fault(tmp_path):
    rules = json.loads(json.dumps(RULES))
    rules["limits"][3]["under"] = "160"
    path = tmp_path / "rules.json"
    path.write_text(json.dumps(rules), encoding="utf-8")
    outcome = start_with(path, tmp_path)
    assert outcome.status == 1 and str(path) in outcome.err and "/limits/3/under" in outcome.err, outcome


# ---- held against the law by a doctor ----

def test_rules_are_printed_with_what_a_doctor_needs(tmp_path):
    """What "s5" is, what to check before a release, and how much of it all is still open."""
    text = programs.run("giothong", "eligibility", "rules", folder=tmp_path).out
    assert RULES["note"]["en"] in text
    for source in RULES["sources"]:
        assert source["what"]["en"] in text and (source["url"] or source["id"]) in text, source
    told = json.loads(programs.run("giothong", "eligibility", "rules", "--json", folder=tmp_path).out)
    assert [(s["id"], s["url"]) for s in told["sources"]] == [(s["id"], s["url"]) for s in RULES["sources"]]
    questions = len(RULES["parameters"])
    assert text.splitlines()[-1] == f"{told['count'] - questions} rules, {questions} open questions of the law"
    used = {name for rule in told["rules"] for name in rule["sources"].split(", ") if name}
    assert used <= {s["id"] for s in told["sources"]}


# ---- counted again ----

def months_after(day, months):
    month = day.month - 1 + months
    year, month = day.year + month // 12, month % 12 + 1
    return day.replace(year=year, month=month, day=min(day.day, calendar.monthrange(year, month)[1]))


def end_of(wait, start):
    if wait["unit"] == "month":
        return months_after(start, wait["value"])
    return start + datetime.timedelta(wait["value"] * {"day": 1, "week": 7}[wait["unit"]])


def waits_until(donations, on, component):
    """The ends of the waits of Article 6, in Python's own dates."""
    kinds = ({"whole_blood", "red_cells"}, {"platelets", "plasma"}, {"granulocytes", "stem_cells"})
    days = (84, 14, None)
    ends = set()
    if not donations:
        return ends
    last = max(day for day, _ in donations)
    for kind, wait in zip(kinds, days):
        own = {(day, what) for day, what in donations if what in kind}
        counting = [own] if component in kind else []
        if any(day == last for day, _ in own):
            counting.append(own if wait is None else {one for one in own if one[0] == last})
        for some in counting:
            if wait is not None:
                ends |= {max(day for day, _ in some) + datetime.timedelta(wait)} if some else set()
            else:
                inside = sorted(day for day, _ in some if on - day < datetime.timedelta(7))
                ends |= {inside[len(inside) - 3] + datetime.timedelta(7)} if len(inside) >= 3 else set()
    return {end for end in ends if end > on}


def dates(first, last):
    return st.dates(datetime.date.fromisoformat(first), datetime.date.fromisoformat(last))


turns = st.sampled_from(["2024-02-28", "2024-02-29", "2024-03-01", "2023-12-31", "2024-08-31", "2025-02-28", "2025-05-31"])
any_day = st.one_of(dates("2023-06-01", "2026-06-01"), turns.map(datetime.date.fromisoformat))


@st.composite
def histories(draw, most=8, near=200):
    """A day, and donations before it; half of them close together."""
    on = draw(any_day)
    back = st.one_of(st.integers(0, near), st.integers(0, 16))
    return on, draw(st.lists(st.tuples(back.map(lambda n: on - datetime.timedelta(n)), st.sampled_from(COMPONENTS)), max_size=most))


def donor(on, donations=(), **more):
    return {**FIT, "on": on.isoformat(), "donations": [{"on": day.isoformat(), "component": what} for day, what in donations], **more}


def ends(verdict, *codes):
    return {datetime.date.fromisoformat(r["until"]) for r in verdict["reasons"] if r["code"] in codes}


@hypothesis.settings(max_examples=250, **SETTINGS)
@hypothesis.given(histories(), st.sampled_from(COMPONENTS))
def check_intervals(ask, history, component):
    on, donations = history
    verdict = ask(donor(on, donations, component=component, volume_ml=None, screening=None))
    expected = waits_until(set(donations), on, component)
    assert ends(verdict, "too_soon", "too_often") == expected
    assert verdict["eligible"] == (not expected)
    assert verdict["earliest_on"] == max(expected | {on}).isoformat()


def test_intervals(ask):
    check_intervals(ask)


@hypothesis.settings(max_examples=200, **SETTINGS)
@hypothesis.given(any_day, st.sampled_from(RULES["deferrals"]), st.integers(-3, 3))
def check_deferrals(ask, start, rule, off):
    until = end_of(rule["wait"], start)
    on = max(until + datetime.timedelta(off), start)
    verdict = ask(donor(on, deferrals=[{"code": rule["code"], "from": start.isoformat()}]))
    assert [(r["code"], r["until"], r["article"]) for r in verdict["reasons"]] == \
        ([(rule["code"], until.isoformat(), rule["article"])] if on < until else [])
    assert verdict["earliest_on"] == max(on, until).isoformat()


def test_deferrals_over_month_ends_and_leap_days(ask):
    check_deferrals(ask)


@hypothesis.settings(max_examples=150, **SETTINGS)
@hypothesis.given(any_day, dates("1962-01-01", "2010-12-31") | st.sampled_from([1964, 2004, 2008]).map(lambda y: datetime.date(y, 2, 29)))
def check_age(ask, on, born):
    first, last = months_after(born, 18 * 12), months_after(born, 61 * 12) - datetime.timedelta(1)
    verdict = ask(donor(on, birth_date=born.isoformat()))
    expected = [("too_young", first.isoformat())] if on < first else [("too_old", None)] if on > last else []
    assert [(r["code"], r["until"]) for r in verdict["reasons"]] == expected


def test_age(ask):
    check_age(ask)


@hypothesis.settings(max_examples=150, **SETTINGS)
@hypothesis.given(st.integers(38000, 75000), st.sampled_from(["female", "male"]), st.sampled_from(["whole_blood", "plasma"]), st.integers(1, 700))
def check_volume(ask, grams, sex, component, volume):
    if component == "plasma":
        most = 0 if grams < 50000 else 500 if grams < 60000 else 650
    elif grams < (42000 if sex == "female" else 45000):
        most = 0
    else:
        most = 250 if grams < 45000 else min(500, grams * 9 // 1000)
    verdict = ask({**FIT, "weight_kg": grams / 1000, "sex": sex, "component": component, "volume_ml": volume,
                   "screening": {**SCREENING, "protein_g_l": 70, "protein_on": "2026-02-20"}})
    assert verdict["max_volume_ml"] == most
    assert [r["code"] for r in verdict["reasons"]] == (["weight_too_low"] if most == 0 else ["volume_too_large"] if volume > most else [])


def test_volume_by_weight(ask):
    check_volume(ask)


# ---- what must hold of all facts ----

deferred = st.lists(st.fixed_dictionaries({"code": st.sampled_from([r["code"] for r in RULES["deferrals"]])},
                                          optional={"from": dates("2022-06-01", "2023-05-31").map(str)}), max_size=5)
present = st.lists(st.sampled_from([r["code"] for r in RULES["conditions"]]), max_size=4)


@hypothesis.settings(max_examples=120, **SETTINGS)
@hypothesis.given(histories(), st.sampled_from(COMPONENTS), deferred, present, st.randoms(use_true_random=False))
def check_order(ask, history, component, deferrals, conditions, dice):
    on, donations = history
    facts = donor(on, donations, component=component, deferrals=deferrals, conditions=conditions)
    other = {}
    for name in dice.sample(list(facts), len(facts)):
        other[name] = facts[name]
        if isinstance(facts[name], list):
            other[name] = facts[name] + facts[name][:1]
            dice.shuffle(other[name])
    assert ask(facts) == ask(other)


def test_neither_order_nor_repetition_matters(ask):
    check_order(ask)


@hypothesis.settings(max_examples=150, **SETTINGS)
@hypothesis.given(histories(), st.sampled_from(COMPONENTS), deferred, st.integers(1, 120))
def check_later(ask, history, component, deferrals, days):
    """A later day adds no reason that a date ends, and moves no end."""
    on, donations = history
    facts = donor(on, donations, component=component, deferrals=deferrals)
    later = {**facts, "on": (on + datetime.timedelta(days)).isoformat()}
    before, after = ({(r["code"], r["until"]) for r in ask(one)["reasons"]} for one in (facts, later))
    assert after <= before
    assert before - after == {(code, until) for code, until in before if until and until <= later["on"]}


def test_a_later_day_adds_no_wait(ask):
    check_later(ask)


@hypothesis.settings(max_examples=150, **SETTINGS)
@hypothesis.given(histories(), st.sampled_from(COMPONENTS), deferred, st.lists(st.sampled_from([r["code"] for r in RULES["conditions"]]), max_size=1),
                  dates("2004-01-01", "2009-12-31") | dates("1962-01-01", "1964-12-31"), st.integers(0, 5))
def check_earliest(ask, history, component, deferrals, conditions, born, dice):
    """The earliest day is allowed, and the day before it is not. There is none only where no day ends a reason, or age comes first."""
    on, donations = history
    if dice:                                                 # mostly, what a day ends
        deferrals, conditions = [d for d in deferrals if "from" in d], []
    facts = donor(on, donations, component=component, deferrals=deferrals, conditions=conditions, birth_date=born.isoformat())
    verdict = ask(facts)
    untils = [r["until"] for r in verdict["reasons"]]
    if verdict["earliest_on"] is None:
        assert None in untils or "too_old" in [r["code"] for r in ask({**facts, "on": max(untils)})["reasons"]]
        return
    assert None not in untils and max([*untils, on.isoformat()]) <= verdict["earliest_on"]
    first = datetime.date.fromisoformat(verdict["earliest_on"])
    assert first >= on and verdict["eligible"] == (first == on)
    assert ask({**facts, "on": first.isoformat()})["eligible"]
    if first > on:
        assert not ask({**facts, "on": (first - datetime.timedelta(1)).isoformat()})["eligible"]


def test_the_earliest_day_is_the_first_one(ask):
    check_earliest(ask)
