"""Calendars, news and the changes for portals: a round's whole life as others see it, by parsers that are not ours."""
import concurrent.futures
import contextlib
import datetime
import gzip
import itertools
import random
import re
import threading
import time

import feedparser
import httpx
import psycopg
import pytest

from harness import programs
from harness.client import Api, field_codes, problem
from harness.daemon import MEMORY_SECONDS, Daemon, as_postgres, wait_until
from harness.database import Postgres
from harness.feeds import Portal, atom_titles, calendar, check_atom, check_lines, entries, events
from harness.seeds import TODAY, Seeds, day

UTC = datetime.timezone.utc
DATE = datetime.date


def all_feeds(api, plan):
    """Calendar and news of one plan: (bytes, events), (bytes, entries)."""
    ics = api.get("/calendar/rounds.ics", params={"plan": plan["id"]})
    atom = api.get("/feeds/rounds.atom", params={"plan": plan["id"]})
    return (ics.content.decode(), events(ics)), (atom.content.decode(), entries(atom))


@pytest.fixture
def fresh(api):
    """Reads what is so now: with a token nothing comes from memory, which may be a second old."""
    return api.as_("hospital")


@pytest.fixture
def follow(fresh):
    """follow(plan) -> one look at a round of it through both feeds, held against the look before."""
    last = {}

    def look(plan, one):
        (ics, all_events), (atom, all_entries) = all_feeds(fresh, plan)
        assert set(all_events) == set(all_entries) == {one["id"]}
        event, entry = all_events[one["id"]], all_entries[one["id"]]
        alone = events(fresh.get(f"/calendar/rounds/{one['code']}.ics"))[one["id"]]
        assert alone.to_ical() == event.to_ical(), "one round's calendar says the same"
        now = (int(event["SEQUENCE"]), entry.updated, event["LAST-MODIFIED"].dt)
        if plan["id"] in last:
            assert now[1] > last[plan["id"]][1], "updated moves with each change"
            assert now[0] >= last[plan["id"]][0] and now[2] >= last[plan["id"]][2]
        last[plan["id"]] = now
        return event, entry, unfolded(ics), atom

    return look


def unfolded(text):
    return text.replace("\r\n ", "")


def told(event):
    """(first day or instant, its end, status) of an event."""
    return event["DTSTART"].dt, event["DTEND"].dt if "DTEND" in event else None, str(event["STATUS"])


def instant(text):
    return datetime.datetime.fromisoformat(text).astimezone(UTC)


# ---- the life of a round ----

def test_a_round_from_draft_to_cancelled(seeds, staff, fresh, follow):
    plan = seeds.plan()
    one = seeds.draft(plan=plan, date="2025-04-17", start="07:30", end="10:30")
    (ics, no_events), (atom, no_entries) = all_feeds(fresh, plan)
    assert not no_events and not no_entries and one["id"] not in ics + atom
    problem(fresh.get(f"/calendar/rounds/{one['code']}.ics", expect=404), "not-found")
    march_to_may = {"17/04", "17/4", "2025-04-17", "20250417", "20250418", "7h30", "Thứ Năm"}

    def hides(ics, atom, days):
        assert not [(d, name) for name, text in (("ics", ics), ("atom", atom)) for d in days if d in text]

    # proposed: the month, and that it is not official
    staff.step(one["id"], "announce")
    event, entry, ics, atom = follow(plan, one)
    assert told(event) == (DATE(2025, 4, 1), DATE(2025, 5, 1), "TENTATIVE")
    assert str(event["SUMMARY"]) == entry.title == "Dự kiến tháng 4/2025, chưa chính thức: Đợt thử nghiệm"
    assert "dự kiến tháng 4/2025, chưa chính thức" in str(event["DESCRIPTION"]) and str(event["TRANSP"]) == "TRANSPARENT"
    hides(ics, atom, march_to_may)

    # official day, hours still proposed: a whole day
    staff.step(one["id"], "confirm", {"document": "12/TB-CTĐ", "facts": ["date"]})
    event, entry, ics, atom = follow(plan, one)
    assert told(event) == (DATE(2025, 4, 17), DATE(2025, 4, 18), "CONFIRMED")
    assert str(event["SUMMARY"]) == entry.title == "Đợt thử nghiệm"
    assert "Thứ Năm 17/04/2025, chưa rõ giờ" in entry.summary and "chính thức (12/TB-CTĐ)" in entry.summary
    hides(ics, atom, {"7h30"})

    # official hours
    staff.step(one["id"], "confirm", {"document": "12/TB-CTĐ", "facts": ["time", "place"]})
    event, entry, ics, atom = follow(plan, one)
    assert told(event) == (instant("2025-04-17T07:30:00+07:00"), instant("2025-04-17T10:30:00+07:00"), "CONFIRMED")
    assert "Thứ Năm 17/04/2025, 7h30–10h30" in entry.summary and str(event["LOCATION"]) == "Huyện Than Uyên"

    # moved to a day that is a proposal again
    staff.step(one["id"], "move", {"reason": "mưa lớn", "date": "2025-06-18"})
    event, entry, ics, atom = follow(plan, one)
    assert told(event) == (DATE(2025, 6, 1), DATE(2025, 7, 1), "TENTATIVE")
    assert "Đã đổi từ ngày 17/04/2025" in entry.summary and "Lý do: mưa lớn" in entry.summary
    hides(ics, atom, {"18/06", "18/6", "20250618", "20250619", "2025-06-18", "Thứ Tư"})

    # moved to an official day
    staff.step(one["id"], "move", {"reason": "mưa lớn", "date": "2025-06-19", "document": "15/TB-CTĐ"})
    event, entry, ics, atom = follow(plan, one)
    assert told(event) == (DATE(2025, 6, 19), DATE(2025, 6, 20), "CONFIRMED")
    assert str(event["SUMMARY"]) == "ĐÃ ĐỔI: Đợt thử nghiệm"

    # postponed, and back with a new day
    staff.step(one["id"], "postpone", {"reason": "thiếu túi máu"})
    event, entry, ics, atom = follow(plan, one)
    assert told(event) == (DATE(2025, 6, 19), DATE(2025, 6, 20), "CANCELLED")
    assert entry.title == "HOÃN: Đợt thử nghiệm" and "HOÃN, chưa có ngày mới. Lý do: thiếu túi máu" in entry.summary
    staff.step(one["id"], "move", {"reason": "có lịch mới", "date": "2025-07-01", "document": "20/TB-CTĐ"})
    event, entry, ics, atom = follow(plan, one)
    assert told(event) == (DATE(2025, 7, 1), DATE(2025, 7, 2), "CONFIRMED")

    # cancelled: it stays, so that phones hear of it
    staff.step(one["id"], "cancel", {"reason": "bão"})
    event, entry, ics, atom = follow(plan, one)
    assert told(event) == (DATE(2025, 7, 1), DATE(2025, 7, 2), "CANCELLED")
    assert str(event["SUMMARY"]) == entry.title == "HỦY: Đợt thử nghiệm" and "Lý do: bão" in entry.summary
    assert int(event["SEQUENCE"]) == staff.round(one["id"])["version"] - 1 == 8


def test_a_round_from_open_to_its_result(seeds, staff, follow):
    plan = seeds.plan()
    one = seeds.draft(plan=plan, date=TODAY, start="07:30", capacity=50)
    staff.step(one["id"], "announce")
    staff.step(one["id"], "confirm", {"document": "1/TB", "facts": ["date", "time"]})
    event, entry, _, _ = follow(plan, one)
    assert told(event) == (instant(f"{TODAY}T07:30:00+07:00"), None, "CONFIRMED"), "an end that nobody gave is not made up"
    for verb, says in (("open", "Đang nhận đăng ký"), ("start", "Đang diễn ra"), ("close", "Đã kết thúc")):
        staff.step(one["id"], verb)
        event, entry, _, _ = follow(plan, one)
        assert str(event["STATUS"]) == "CONFIRMED" and says in entry.summary
    before = str(event["SEQUENCE"])
    report = {"source": "press", "source_url": "https://example.org/bai?a=1&b=2", "reported_on": TODAY,
              "registered": {"value": 520, "qualifier": "at_least"}, "units": {"value": 346}}
    staff.post(f"/api/v1/rounds/{one['id']}/reports", json=report, expect=201)
    event, entry, _, _ = follow(plan, one)
    assert "ít nhất 520 người đăng ký, 346 đơn vị máu (báo chí, 10/03/2025)" in str(event["DESCRIPTION"])
    assert "https://example.org/bai?a=1&b=2" in str(event["DESCRIPTION"]) and str(event["SEQUENCE"]) == before
    assert {"rel": "via", "href": "https://example.org/bai?a=1&b=2"} in [{k: link[k] for k in ("rel", "href")} for link in entry.links]
    assert 'href="https://example.org/bai?a=1&amp;b=2"' in entry.summary


def test_demonstration_data_says_so(seeds, fresh, staff):
    plan = seeds.plan(demo=True)
    one = seeds.official(plan=plan)
    (_, all_events), (_, all_entries) = all_feeds(fresh, plan)
    for title in (str(all_events[one["id"]]["SUMMARY"]), all_entries[one["id"]].title):
        assert title.startswith("MẪU: ")
    assert "không phải lịch thật" in all_entries[one["id"]].summary


def test_venue_campaigns_and_place(seeds, fresh, staff):
    venue = seeds.venue(address="Khu 2; số 5, phố A")
    plan = seeds.plan()
    one = seeds.draft(plan=plan, venue=venue["id"], campaigns=["chu-nhat-do", "giot-mau-hong-he"], organiser="Hội A, B\\C")
    staff.step(one["id"], "announce")
    staff.step(one["id"], "confirm", {"document": "1/TB", "facts": ["date", "place"]})
    (_, all_events), (_, all_entries) = all_feeds(fresh, plan)
    event, entry = all_events[one["id"]], all_entries[one["id"]]
    assert str(event["LOCATION"]) == f"{venue['name']}, Khu 2; số 5, phố A, Huyện Than Uyên"
    assert [str(c) for c in event["CATEGORIES"].cats] == ["Chủ nhật Đỏ", "Những giọt máu hồng hè"]
    assert [tag.term for tag in entry.tags] == ["Chủ nhật Đỏ", "Những giọt máu hồng hè"]
    assert "Đơn vị tổ chức: Hội A, B\\C" in str(event["DESCRIPTION"])
    stamp = event["LAST-MODIFIED"].dt, entry.updated
    path = f"/api/v1/venues/{venue['id']}"
    time.sleep(1.1)                              # LAST-MODIFIED has whole seconds
    staff.patch(path, {"address": "Khu 3"}, etag=staff.etag(path), expect=200)
    wait_until(lambda: "Khu 3" in fresh.get(f"/calendar/rounds/{one['id']}.ics").text, what="the new address")
    (_, all_events), (_, all_entries) = all_feeds(fresh, plan)
    assert all_events[one["id"]]["LAST-MODIFIED"].dt > stamp[0] and all_entries[one["id"]].updated == stamp[1]


# ---- any letters ----

def random_texts(count, seed=20250310):
    """Letters of all kinds, what formats trip over, lengths around the fold."""
    dice = random.Random(seed)
    pools = ["abc XYZ 019", "ăâđêôơưẠẶỆỘỢỰỹ", ",;:\\\"'`^|=", "<>&&amp;]]>", "\U0001fa78\U0001f489\u200d\u2764\ufe0f", "中文字ไทย",
             "\u0301\u0323\u0309", "a\u00a0\u2003\u00ad\u200b", "\u202e\u2066\u2069", "\ufffc\ufeff\u2014\u2013", "a\n\r\t",
             "\x01\x0b\x0c\x1b\x1f\x7f", "\u0085\u2028\u2029\u009f", "\ufffe\uffff\U0010ffff"]
    for number in range(count):
        pool = "".join(dice.sample(pools, dice.randint(1, 4)))
        yield f"{number}" + "".join(dice.choice(pool) for _ in range(dice.choice([1, 5, 30, 60, 66, 67, 68, 69, 70, 130, 190]))) + "."


def in_a_calendar(text):
    """Every kind of line end is one, other control characters are blanks."""
    return re.sub(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]", " ", re.sub("\r\n|[\n\x0b\x0c\r\x85\u2028\u2029]", "\n", text))


def unescaped(value):
    return re.sub(r"\\([\\;,nN])", lambda m: "\n" if m[1] in "nN" else m[1], value)


def in_news(text):
    return re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]", "\ufffd", text)


def test_any_text_comes_through(seeds, fresh, daemon):
    """Whatever the database holds, also what the API would refuse today."""
    plan = seeds.plan()
    titles = dict(enumerate(random_texts(120), 1))
    with daemon.database() as connection:
        for ordinal, title in titles.items():
            connection.execute(
                "INSERT INTO round (id, code, plan_id, ordinal, title, organiser, from_day, to_day, precision, date_status, time_status,"
                " place_status, status) VALUES (gen_random_uuid(), %s, %s, %s, %s, %s, %s, %s, 'day', 'official', 'unknown', 'unknown',"
                " 'announced')", (f"{plan['code_prefix']}-{ordinal:03d}", plan["id"], ordinal, title, title[::-1], TODAY, TODAY))
    ids = {str(row[0]): row[1] for row in daemon.sql("SELECT id, ordinal FROM round WHERE plan_id = %s", plan["id"])}
    answer = fresh.get("/calendar/rounds.ics", params={"plan": plan["id"]})
    found = events(answer)
    assert set(found) == set(ids)
    lines = re.findall("\r\nUID:(.*?)\r\n.*?\r\nSUMMARY:(.*?)\r\n", unfolded(answer.content.decode()), re.DOTALL)
    assert {uid: unescaped(summary) for uid, summary in lines} == {uid: in_a_calendar(titles[ids[uid]]) for uid in ids}
    for uid, event in found.items():
        title = titles[ids[uid]]
        if "\\" in title:                       # python3-icalendar unescapes in passes, and "\\\\," wrongly
            continue
        assert str(event["SUMMARY"]) == in_a_calendar(title)
        assert f"Đơn vị tổ chức: {in_a_calendar(title[::-1])}\nKế hoạch: " in str(event["DESCRIPTION"])
    assert sum("\\" not in title for title in titles.values()) > 60
    news = fresh.get("/feeds/rounds.atom", params={"plan": plan["id"]})
    check_atom(news.content)
    found = atom_titles(news)
    assert len(found) == 50, "no more than fifty"
    assert all(in_news(titles[ids[uid]]) == title for uid, title in found.items())


# ---- which rounds ----

def test_the_span(with_history, fresh):
    """From the first day of the month a year ago: what is older is in no calendar, but has one of its own."""
    rounds = fresh.items("/api/v1/rounds", date_precision="day,month", **{"from": "2000-01-01"})
    shown = events(fresh.get("/calendar/rounds.ics"))
    for r in rounds:
        assert (r["id"] in shown) == (r["period"]["to"] >= "2024-03-01"), r["code"]
    old = next(r for r in rounds if r["period"]["to"] < "2024-03-01")
    assert set(events(fresh.get(f"/calendar/rounds/{old['code']}.ics"))) == {old["id"]}
    whole_year = fresh.items("/api/v1/rounds", date_precision="year", **{"from": "2000-01-01"})
    assert whole_year and not {r["id"] for r in whole_year} & set(shown)
    event = events(fresh.get(f"/calendar/rounds/{whole_year[0]['id']}.ics"))[whole_year[0]["id"]]
    year = int(whole_year[0]["period"]["from"][:4])
    assert told(event)[:2] == (DATE(year, 1, 1), DATE(year + 1, 1, 1))


def test_no_proposed_day_of_the_plan_leaks(loaded, fresh):
    """The plan of 2025: sixteen days that nobody promised."""
    rounds = fresh.items("/api/v1/rounds", plan="3653-KH-UBND", **{"from": "2024-01-01"})
    proposed = [r for r in rounds if r["date_status"] == "proposed"]
    assert len(proposed) == 16
    ics, atom = (fresh.get(path, params={"plan": "3653-KH-UBND"}) for path in ("/calendar/rounds.ics", "/feeds/rounds.atom"))
    all_events, all_entries = events(ics), entries(atom)
    assert len(all_events) == len(all_entries) == 18
    told_days = {r["date"] for r in rounds if r["date_status"] == "official"}
    for r in proposed:
        first = DATE.fromisoformat(r["date"]).replace(day=1)
        assert told(all_events[r["id"]]) == (first, (first + datetime.timedelta(days=32)).replace(day=1), "TENTATIVE")
        assert f"dự kiến tháng {first.month}/{first.year}, chưa chính thức" in all_entries[r["id"]].summary
        if r["date"] in told_days:
            continue
        y, m, d = r["date"].split("-")
        for form in (r["date"], f"{y}{m}{d}", f"{d}/{m}/{y}", f"{int(d)}/{int(m)}/{y}", f"{d}/{m}", f"{int(d)}-{int(m)}-{y}"):
            if not (form == f"{y}{m}{d}" and d == "01"):
                assert form not in unfolded(ics.text) and form not in atom.text, (r["code"], form)


def test_places(seeds, fresh):
    here, there = seeds.official(units=["Huyện Than Uyên"]), seeds.official(units=["Huyện Sìn Hồ"])
    for name in ("than-uyen", "Than%20Uy%C3%AAn", "huyen%20than%20uyen", "xa-muong-than"):
        found = set(events(fresh.get(f"/calendar/units/{name}.ics")))
        assert here["id"] in found and there["id"] not in found, name
    assert here["units"][0]["name"] == "Huyện Than Uyên"
    by_id = fresh.get(f"/calendar/units/{here['units'][0]['id']}.ics")
    assert here["id"] in events(by_id) and str(calendar(by_id)["X-WR-CALNAME"]) == "Lịch hiến máu: Huyện Than Uyên"
    assert set(events(by_id)) == set(events(fresh.get("/calendar/rounds.ics", params={"unit": "Huyện Than Uyên"})))
    assert here["id"] in entries(fresh.get("/feeds/rounds.atom", params={"unit": "than uyen"}))
    assert there["id"] not in entries(fresh.get("/feeds/rounds.atom", params={"unit": "than uyen"}))
    assert str(calendar(fresh.get("/calendar/rounds.ics"))["X-WR-CALNAME"]) == "Lịch hiến máu tỉnh Lai Châu"


def test_campaigns(seeds, fresh):
    one, other = seeds.official(campaigns=["chu-nhat-do"]), seeds.official()
    for path, parse in (("/calendar/rounds.ics", events), ("/feeds/rounds.atom", entries)):
        found = parse(fresh.get(path, params={"campaign": "chu-nhat-do", "plan": one["plan"]["id"]}))
        assert set(found) == {one["id"]}
        assert not parse(fresh.get(path, params={"campaign": "chu-nhat-do", "plan": other["plan"]["id"]}))


def test_an_empty_calendar_is_one(api):
    one = calendar(api.get("/calendar/rounds.ics", params={"plan": "no such plan"}))
    assert [part.name for part in one.subcomponents] == ["VTIMEZONE"], "the RFC wants a component"
    assert entries(api.get("/feeds/rounds.atom", params={"plan": "no such plan"})) == {}


def test_everybody_sees_the_public_view(seeds, api):
    draft = seeds.draft()
    cancelled = seeds.draft()
    api.as_("staff").step(cancelled["id"], "cancel", {"reason": "nhập nhầm"})
    for role in ("public", "staff", "admin", "team"):
        client = api.as_(role)
        for hidden in (draft, cancelled):
            assert client.get(f"/calendar/rounds/{hidden['id']}.ics", expect=None).status_code == 404
            for path in ("/calendar/rounds.ics", "/feeds/rounds.atom"):
                assert hidden["id"] not in client.get(path, params={"plan": hidden["plan"]["id"]}).text


# ---- as HTTP ----

def test_bad_questions(api):
    for path in ("/calendar/rounds.ics", "/feeds/rounds.atom"):
        assert field_codes(api.get(path, params={"unit": "Atlantis"}, expect=400)) == {"unit": "unknown_unit"}
        assert field_codes(api.get(path, params={"from": "2025-01-01"}, expect=400)) == {"from": "unknown_parameter"}
        assert field_codes(api.get(path, params={"status": "draft"}, expect=400)) == {"status": "unknown_parameter"}
    assert field_codes(api.get("/calendar/units/than-uyen.ics?unit=x", expect=400)) == {"unit": "unknown_parameter"}
    missing = api.get("/calendar/units/than%20uyn.ics", expect=404)
    assert "Than Uyên" in problem(missing, "not-found")["detail"]
    for path in ("/calendar/units/than-uyen", "/calendar/units/.ics", "/calendar/units/a/b.ics", "/calendar/rounds/NICHTS.ics",
                 "/calendar/rounds", "/feeds", "/feeds/rounds", "/calendar/units/%00.ics"):
        assert api.get(path, expect=None).status_code in (400, 404), path
    for bad in ("x", "1", "1.2.3", "0000.0.0", "-1", "99999999999999999999", "' OR 1=1", "5.0123456789abcdef.zz"):
        assert field_codes(api.get("/feeds/changes.json", params={"cursor": bad}, expect=400)) == {"cursor": "invalid_value"}
    assert "limit" in field_codes(api.get("/feeds/changes.json", params={"limit": 501}, expect=400))


def test_bytes_stand_still(seeds, api, daemon):
    """The same data, the same bytes and tag, whoever makes them and whenever: nothing in them comes from the clock."""
    one = seeds.official()
    paths = (f"/calendar/rounds.ics?plan={one['plan']['id']}", f"/calendar/rounds/{one['id']}.ics",
             f"/feeds/rounds.atom?plan={one['plan']['id']}")
    first = {path: api.get(path) for path in paths}
    for n in range(5):
        time.sleep(0.3)
        for path in paths:                       # each on a connection, so perhaps at a worker, of its own
            again = httpx.get(daemon.url + path, headers={"Accept-Encoding": "identity", "Host": f"other{n}.example"})
            assert again.content == first[path].content and b"other" not in again.content, "no link is made of a Host field"
            assert again.headers["etag"].strip('"') == first[path].headers["etag"].strip('"').removesuffix("-gzip")
    for path, answer in first.items():
        tag = answer.headers["etag"]
        assert api.get(path, headers={"If-None-Match": tag}, expect=304).content == b""
        assert answer.headers["cache-control"] == "no-cache"
        head = api.request("HEAD", path, expect=200)
        assert head.content == b"" and head.headers["etag"] == tag
        assert head.headers["content-type"] == answer.headers["content-type"]


def test_gzip_and_memory(api, daemon, with_history):
    path = "/calendar/rounds.ics"
    plain = httpx.get(daemon.url + path, headers={"Accept-Encoding": "identity"})
    with httpx.stream("GET", daemon.url + path, headers={"Accept-Encoding": "gzip"}) as answer:
        assert answer.headers["content-encoding"] == "gzip" and answer.headers["vary"] == "Accept-Encoding"
        assert gzip.decompress(b"".join(answer.iter_raw())) == plain.content
    check_lines(plain.content)

    def reads():
        text = httpx.get(daemon.url + "/metrics").text
        return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith("giothong_db_queries_total"))

    with httpx.Client(base_url=daemon.url) as client:
        for _ in range(20):                      # each worker once at least
            client.get(path)
        before, began = reads(), time.monotonic()
        for _ in range(300):
            assert client.get(path).status_code == 200
        polls = (time.monotonic() - began + 1) * 60          # polls of three workers, heartbeat, sealer, with room
        assert reads() - before < 150 + polls, "calendars are served from memory"


def test_a_change_shows_in_what_memory_serves(seeds, staff, api):
    """Within a second, as test_lists.py holds for all that memory serves; here that feeds belong to it."""
    one = seeds.official()
    for path in (f"/calendar/rounds/{one['id']}.ics", f"/feeds/rounds.atom?plan={one['plan']['id']}"):
        api.get(path)
        title = f"Tên mới {time.monotonic_ns()}"
        where = f"/api/v1/rounds/{one['id']}"
        staff.patch(where, {"title": title}, etag=staff.etag(where), expect=200)
        wait_until(lambda: title in unfolded(api.get(path).text), every=0.02, what="the change")


def test_the_page_that_leads_there(api):
    page = api.get("/")
    assert page.headers["content-type"].startswith("text/html")
    for path in ("/calendar/rounds.ics", "/feeds/rounds.atom", "/feeds/changes.json", "/docs", "/calendar/units/than-uyen.ics"):
        assert path in page.text
        api.get(path)
    parsed = feedparser.parse(page.content)
    assert {"application/atom+xml", "text/calendar"} <= {link.get("type") for link in parsed.feed.get("links", [])} or \
        'rel="alternate" type="application/atom+xml"' in page.text


# ---- the changes ----

def test_changes_tell_each_public_step(seeds, staff, api):
    portal = Portal(api)
    portal.poll()
    draft = seeds.draft()
    hidden = seeds.draft()
    staff.step(hidden["id"], "cancel", {"reason": "nhập nhầm"})
    one = staff.step(draft["id"], "announce").json()
    for verb, body in (("", None), ("confirm", {"document": "1/TB"}), ("move", {"reason": "mưa", "date": day(80)}),
                       ("postpone", {"reason": "mưa"}), ("cancel", {"reason": "bão"})):
        if verb:
            one = staff.step(draft["id"], verb, body).json()
        wait_until(lambda: portal.poll() and portal.copy.get(one["id"]) == one, what=f"{verb or 'announce'} at the portal")
    assert hidden["id"] not in portal.copy
    assert [action for code, action, _ in portal.seen if code == one["code"]][-1] == "round.cancel"
    held = seeds.official(date=day(-2))
    staff.post(f"/api/v1/rounds/{held['id']}/reports", json={"source": "team", "reported_on": day(-2), "units": {"value": 77}}, expect=201)
    wait_until(lambda: portal.poll() and (portal.copy.get(held["id"], {}).get("result") or {}).get("units", {}).get("value") == 77,
               what="the report at the portal")
    # an empty page keeps the cursor and its tag
    wait_until(lambda: not portal.poll(), what="quiet")
    first = api.get("/feeds/changes.json", params={"cursor": portal.cursor})
    assert first.json() == {"items": [], "next_cursor": portal.cursor, "more": False}
    api.get("/feeds/changes.json", params={"cursor": portal.cursor}, headers={"If-None-Match": first.headers["etag"]}, expect=304)


def test_a_cursor_of_another_history(seeds, api):
    seeds.official()
    portal = Portal(api)
    wait_until(portal.poll, what="something sealed")
    position, mark, one = portal.cursor.split(".", 2)
    for other in (f"{int(position) + 100000}.{mark}.{one}", f"{position}.{mark[::-1] if mark != mark[::-1] else '0' * 16}.{one}"):
        answer = api.get("/feeds/changes.json", params={"cursor": other}, expect=410)
        document = problem(answer, "cursor-unknown", 410)
        assert "without a cursor" in document["advice"]
    api.get("/problems/cursor-unknown")


@pytest.fixture
def pair(contract):
    """Two daemons with an address of their own on one database."""
    postgres, made = Postgres().make(), []
    try:
        config = postgres.configuration()
        for words in (("keyring", "create"), ("migrate",)):
            outcome = programs.run("giothong", "--config", config, *words, folder=postgres.folder)
            assert outcome.status == 0, outcome
        for _ in range(2):
            made.append(Daemon(folder=postgres.folder, config=config, settings={"public.url": "https://hienmau.example.vn"}))
            made[-1].start()
        yield postgres, made
    finally:
        for daemon in made:
            daemon.end()
        postgres.remove()


def step_at_random(dice, client, rounds, venue, report_day):
    """One change of any kind; a refusal is as good as a success here."""
    one = dice.choice(rounds)
    path = f"/api/v1/rounds/{one}"
    kind = dice.randrange(7)
    with contextlib.suppress(httpx.HTTPError, KeyError):
        headers = {"If-Match": client.http.get(path).headers["etag"]}
        if kind == 0:
            venue_path = f"/api/v1/venues/{venue}"
            client.http.patch(venue_path, json={"address": f"Khu {dice.randrange(99)}"}, headers={"If-Match": client.http.get(venue_path).headers["etag"]})
        elif kind == 1:
            client.http.post(f"{path}/reports", json={"source": "team", "reported_on": report_day, "units": {"value": dice.randrange(500)}})
        elif kind == 2:
            client.http.post(f"{path}/postpone", json={"reason": f"lý do {dice.randrange(99)}"}, headers=headers)
        elif kind == 3:
            client.http.post(f"{path}/reopen", json={"reason": "mở lại"}, headers=headers)
        elif kind == 4:
            client.http.post(f"{path}/cancel", json={"reason": "bão"}, headers=headers)
        else:
            client.http.patch(path, json={"title": f"Tên {dice.randrange(10**6)}"}, headers=headers)


def test_no_change_is_missed(pair, contract):
    """
    Writers at two daemons, transactions that commit in another order than they began, a daemon killed in between: who
    follows the cursor ends with every round as it is, and never saw one go back.
    """
    postgres, daemons = pair
    token = daemons[0].token("staff")
    staff = [Api(d, contract, token) for d in daemons]
    public = [Api(d, contract) for d in daemons]
    seeds = Seeds(staff[0], itertools.count(1))
    plan, venue = seeds.plan(), seeds.venue()["id"]
    rounds = [seeds.official(plan=plan, date=day(-20 + n), **({"venue": venue} if n % 3 == 0 else {}))["id"] for n in range(10)]
    rounds += [seeds.draft(plan=plan, date=day(20))["id"]]
    over = threading.Event()
    portals = [Portal(public[0], limit=3), Portal(public[1], limit=1), Portal(public[0], limit=500)]
    failures = []

    def write(n):
        dice = random.Random(n)
        while not over.is_set():
            step_at_random(dice, staff[n % 2], rounds[:10], venue, TODAY)

    def read(portal):
        newest = {}
        try:
            while not over.is_set():
                with contextlib.suppress(httpx.HTTPError):
                    portal.poll()
                for one in portal.copy.values():
                    assert one["version"] >= newest.get(one["id"], 0), "a round never goes back"
                    newest[one["id"]] = one["version"]
                time.sleep(0.05)
        except Exception as error:               # noqa: BLE001  told by the test itself
            failures.append(error)

    def hold(seconds):
        """A transaction that changes a round, by hand, and ends long after others that began later."""
        with as_postgres(postgres.data):
            connection = psycopg.connect(f"host={postgres.folder} port={postgres.port} dbname=giothong user={postgres.user}")
        with contextlib.closing(connection):
            connection.execute("UPDATE round SET title = 'held ' || clock_timestamp(), version = version + 1 WHERE id = %s", (held,))
            connection.execute("INSERT INTO audit_entry (id, actor_kind, actor_role, action, subject_kind, subject_id, key_id, digest_after)"
                               " VALUES (gen_random_uuid(), 'command', 'admin', 'round.edit', 'round', %s, 1, '\\x01')", (held,))
            time.sleep(seconds)
            connection.execute("UPDATE change SET version = version + 1 WHERE topic = 'rounds'")
            connection.commit()

    held = seeds.official(plan=plan, date=day(30))["id"]
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        work = [pool.submit(write, n) for n in range(5)] + [pool.submit(read, portal) for portal in portals]
        try:
            for seconds in (0.5, 1.5, 0.2):
                pool.submit(hold, seconds).result(60)
            daemons[1].kill()
            daemons[1].start()
            pool.submit(hold, 0.3).result(60)
            time.sleep(0.5)
        finally:
            over.set()
        for one in work:
            one.result(60)
    assert not failures, failures
    truth = {r["id"]: r for r in staff[0].items("/api/v1/rounds", plan=plan["id"], **{"from": "2025-01-01"})}
    assert staff[0].round(held)["title"].startswith("held ")
    hidden = {i for i, r in truth.items() if r["status"] == "draft"}
    assert len(truth) == 12 and len(hidden) == 1
    public_truth = {i: r for i, r in truth.items() if i not in hidden}

    def caught_up(portal):
        portal.poll()
        return portal.copy == public_truth

    # A change that is sealed only now would be told behind what it has become.
    wait_until(lambda: postgres.ask("SELECT (SELECT count(*) FROM audit_seal) = (SELECT count(*) FROM audit_entry)") == [(True,)], what="all sealed")
    newcomer = Portal(public[1], limit=4)
    for portal in [*portals, newcomer]:
        wait_until(lambda: caught_up(portal), every=0.2, what="the portal's copy is the truth")
    assert sum(len(portal.seen) for portal in portals) > 60, "there was something to miss"
    assert len(newcomer.seen) == len(public_truth), "who begins anew is given each once"
    # the same feeds from both, with links of the address that is set
    time.sleep(MEMORY_SECONDS)
    for path in ("/calendar/rounds.ics", "/feeds/rounds.atom"):
        both = [client.get(path) for client in public]
        assert both[0].content == both[1].content and both[0].headers["etag"] == both[1].headers["etag"]
    feed = feedparser.parse(both[0].content)
    check_atom(both[0].content)
    assert feed.feed.id == "https://hienmau.example.vn/feeds/rounds.atom"
    assert all(link.href.startswith("https://hienmau.example.vn/") for entry in feed.entries for link in entry.links)
    event = events(public[0].get(f"/calendar/rounds/{held}.ics"))[held]
    assert str(event["URL"]) == f"https://hienmau.example.vn/api/v1/rounds/{held}"
