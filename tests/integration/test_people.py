"""People: logging in, what it costs to guess, sessions and their ends, the second factor, users and their rights."""
import base64
import concurrent.futures
import contextlib
import datetime
import hashlib
import hmac
import json
import os
import re
import struct
import time
import unicodedata

import httpx
import pytest

from harness.client import Api, field_codes, problem
from harness.daemon import MEMORY_SECONDS, own_daemon, wait_until

PASSWORD = "chín con trâu đen ăn cỏ"
OTHER = "mười con ngựa trắng uống nước"
MINUTE = 60 * 1000000
ADDRESS = {"X-Forwarded-For": "192.0.2.1"}


@pytest.fixture(scope="module")
def house():
    """A daemon behind a proxy (whose word tells addresses apart), by today's clock, since codes are made by it."""
    with own_daemon(now=None, settings={"listen.trusted_proxy": "127.0.0.1/32"}) as one:
        yield one


class Person:
    """One account, and a client with its session."""

    def __init__(self, daemon, contract, login, role="staff", password=PASSWORD, more=()):
        self.daemon, self.contract, self.login, self.password = daemon, contract, login, password
        file = daemon.folder / f"password-{login}"
        file.write_text(password + "\n", encoding="utf-8")
        os.chmod(file, 0o600)
        made = daemon.cli_ok("--json", "user", "add", login, "--name", "Người Thử", "--role", role, "--password-file", file, *more)
        self.id = json.loads(made.out)["id"]
        self.public = Api(daemon, contract)

    def try_(self, password=None, address="192.0.2.1", expect=None, login=None, **more):
        body = {"login": self.login if login is None else login, "password": self.password if password is None else password, **more}
        return self.public.post("/api/v1/sessions", json=body, expect=expect, headers={"X-Forwarded-For": address})

    def bearer(self, **more):
        answer = self.try_(bearer=True, expect=201, **more).json()
        return Api(self.daemon, self.contract, answer["token"])

    def cookie(self, **more):
        """A client as a browser: cookie and CSRF token in each request."""
        answer = self.try_(expect=201, **more)
        client = Api(self.daemon, self.contract)
        client.http.headers["Cookie"] = "; ".join(c.split(";")[0] for c in answer.headers.get_list("set-cookie"))
        client.http.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
        return client

    def failures(self):
        return dict(self.daemon.sql("SELECT bucket, failures FROM login_failure WHERE user_id = %s", self.id))

    def many(self, failures=19):
        """So many wrong tries, of hers and of names that nobody has, that the next one must wait for long."""
        self.daemon.sql("UPDATE login_failure SET failures = %s WHERE bucket <> 'strangers' AND (user_id = %s OR user_id IS NULL)",
                        failures, self.id)

    def forgive(self):
        self.daemon.sql("DELETE FROM login_failure WHERE user_id = %s", self.id)


@pytest.fixture
def person(house, contract, request):
    serial = len(house.sql("SELECT 1 FROM staff_user"))

    def make(role="staff", **more):
        nonlocal serial
        serial += 1
        return Person(house, contract, f"thu{serial}", role, **more)
    return make


@pytest.fixture
def boss(house, contract):
    """An admin's token."""
    return Api(house, contract, house.token("admin"))


def later(daemon, microseconds):
    """The service's time moves on, and every worker has heard of it."""
    daemon.sql("UPDATE session_clock SET t = t + %s", microseconds)
    time.sleep(MEMORY_SECONDS)


# ---- logging in ----

def test_a_browser_gets_a_cookie_that_scripts_cannot_read(person):
    one = person()
    answer = one.try_(expect=201)
    session, device = answer.headers.get_list("set-cookie")
    name, value = session.split(";")[0].split("=", 1)
    assert name == "__Host-giothong" and re.fullmatch(r"gs_[\w-]{43}", value)
    for cookie in (session, device):
        assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/"} <= {part.strip() for part in cookie.split(";")}
        assert "Domain" not in cookie
    body = answer.json()
    assert "token" not in body and value not in answer.text and body["csrf_token"] and body["kind"] == "cookie"
    assert body["user"]["login"] == one.login and body["role"] == "staff" and body["must_change_password"] is False
    assert answer.headers["cache-control"] == "no-store"


def test_a_program_gets_a_token(person):
    one = person("auditor")
    answer = one.try_(bearer=True, expect=201)
    assert "set-cookie" not in answer.headers and answer.json()["csrf_token"] is None
    client = Api(one.daemon, one.contract, answer.json()["token"])
    who = client.get("/api/v1/sessions/current")
    assert who.json()["user"]["id"] == one.id and who.json()["kind"] == "bearer" and who.headers["cache-control"] == "no-store"
    client.get("/api/v1/audit")
    client.post("/api/v1/teams", json={}, expect=403)
    # what is a browser's is no program's, and the other way round
    Api(one.daemon, one.contract).get("/api/v1/audit", expect=401, headers={"Cookie": f"__Host-giothong={answer.json()['token']}"})
    cookie = one.cookie().http.headers["Cookie"].split(";")[0].split("=", 1)[1]
    Api(one.daemon, one.contract, cookie).get("/api/v1/audit", expect=401)


def test_an_access_token_is_no_person(boss):
    who = boss.get("/api/v1/sessions/current").json()
    assert who["kind"] == "token" and who["user"] is None and who["role"] == "admin"
    for method, path, body in (("GET", "/api/v1/sessions", None), ("DELETE", "/api/v1/sessions/current", None),
                               ("POST", "/api/v1/users/me/password", {"current_password": "x", "new_password": PASSWORD})):
        problem(boss.request(method, path, **({"json": body} if body else {})), "no-session", 409)


def test_names_are_folded_and_passwords_composed(person):
    one = person()
    one.try_(login=f" {one.login.upper()} ", expect=201)
    one.try_(password=unicodedata.normalize("NFD", PASSWORD), expect=201)
    one.try_(password=PASSWORD + " ", expect=401)


def test_one_answer_for_unknown_and_for_wrong(person, house):
    one, gone = person(), person()
    house.cli_ok("user", "disable", gone.login)
    answers = [one.try_("sai mật khẩu rồi nhé", expect=401), one.try_(login="khong-co-ai", expect=401),
               one.try_(login="không có ai \U0001fa78 cả", expect=401), gone.try_(expect=401), one.try_("", expect=401),
               one.try_(login="", expect=401)]
    bodies = [answer.json() for answer in answers]
    for body in bodies:
        body.pop("request_id")
    assert all(body == bodies[0] for body in bodies) and bodies[0]["type"] == "/problems/login-refused"
    heads = [sorted(set(answer.headers) - {"date"}) for answer in answers]
    assert all(head == heads[0] for head in heads)
    assert answers[0].headers["www-authenticate"].startswith("Bearer")       # no box of the browser's own


def test_unknown_and_wrong_take_the_same_time(person, house):
    """A missing hash would be a tenth of the time; on a busy machine nothing finer can be told."""
    one = person()
    times = {"wrong": [], "unknown": []}

    def alike():
        return 0.5 < min(times["wrong"]) / min(times["unknown"]) < 2

    # What each takes at the least comes out in time, if the machine is ever idle between the tries; a tenth never becomes the half.
    while len(times["wrong"]) < 9 or (len(times["wrong"]) < 100 and not alike()):
        house.sql("DELETE FROM login_failure")
        for what, login in (("wrong", one.login), ("unknown", "khong-co-ai")):
            begun = time.perf_counter()
            one.try_("sai mật khẩu rồi nhé", login=login, expect=401)
            times[what].append(time.perf_counter() - begun)
    assert alike(), times


@pytest.mark.parametrize("body, pointer, code", [
    ({}, "/password", "required"), ({"login": 1, "password": "x"}, "/login", "wrong_type"),
    ({"login": "a", "password": "x" * 257}, "/password", "too_long"), ({"login": "a", "password": "x", "role": "admin"}, "/role", "unknown_field"),
    ({"login": "a", "password": "x", "bearer": "yes"}, "/bearer", "wrong_type")])
def test_a_login_that_is_none(house, contract, body, pointer, code):
    answer = Api(house, contract).post("/api/v1/sessions", json=body, expect=422)
    assert field_codes(answer)[pointer] == code


def test_a_form_of_a_foreign_page_cannot_log_in(house, contract):
    Api(house, contract).request("POST", "/api/v1/sessions", 415, data={"login": "a", "password": "b"})


def until_too_many(ask):
    """Answers to the first, the second ..., the last of which is a 429; of three a minute, on a slow machine too."""
    answers = []
    while not answers or answers[-1].status_code != 429:
        assert len(answers) < 30
        answers.append(ask(len(answers)))
    return answers


def test_logins_of_one_address(fresh_daemon, api_of):
    daemon = fresh_daemon(settings={"limits.logins_per_minute": 3})
    client = api_of(daemon)
    answers = until_too_many(lambda n: client.post("/api/v1/sessions", json={"login": f"a{n}", "password": "x"}, expect=(401, 429)))
    assert len(answers) > 3 and 1 <= int(answers[-1].headers["retry-after"]) <= 60


def test_an_address_of_ipv6_is_one_of_many(fresh_daemon, api_of):
    """Who has one has 2^64 of them: they are counted together."""
    daemon = fresh_daemon(settings={"limits.logins_per_minute": 3, "limits.anonymous_per_minute": 3, "listen.trusted_proxy": "127.0.0.1/32"})
    client = api_of(daemon)
    for net, path, body, taken in ((1, "/api/v1/sessions", {"login": "ai", "password": "x"}, 401), (2, "/api/v1/eligibility/check", {}, 422)):
        until_too_many(lambda n: client.post(path, json=body, headers={"X-Forwarded-For": f"2001:db8:{net}:2:{n}::1"}, expect=(taken, 429)))
        client.post(path, json=body, headers={"X-Forwarded-For": f"2001:db8:{net}:3::1"}, expect=taken)


# ---- cookies ----

def test_a_change_by_cookie_needs_the_csrf_token(person):
    one = person()
    client = one.cookie()
    body = {"code": f"K{one.login[3:]}", "name": "Đội của cookie"}
    client.post("/api/v1/teams", json=body, expect=201)
    right = client.http.headers.pop("X-CSRF-Token")
    other = person().cookie().http.headers["X-CSRF-Token"]
    for wrong in (None, "", right[:-1], other, right.swapcase()):
        headers = {"X-CSRF-Token": wrong} if wrong is not None else {}
        problem(client.post("/api/v1/teams", json={**body, "code": "X1"}, headers=headers), "csrf-token-missing", 403)
    problem(client.request("DELETE", "/api/v1/sessions/current"), "csrf-token-missing", 403)
    assert client.get("/api/v1/sessions/current").json()["csrf_token"] == right


def test_a_gateways_get_writes_and_needs_it_too(person):
    client = person("admin").cookie()
    path = "/sms/kannel?id=1&from=0900000000&to=8088&text=TC"
    csrf = client.http.headers.pop("X-CSRF-Token")
    client.get(path, expect=403)
    client.get(path, headers={"X-CSRF-Token": csrf})


def test_what_a_browser_holds_serves_no_foreign_page(house, contract, person):
    """The box for name and password: a browser sends what was typed there with each request, whoever's page made it."""
    client = Api(house, contract)
    client.http.auth = ("admin", house.token("admin"))
    path = "/api/v1/donors/00000000-0000-7000-8000-000000000000/erasure/approve"
    for site in ("cross-site", "same-site", "nonsense"):
        problem(client.post(path, headers={"Sec-Fetch-Site": site}), "csrf-token-missing", 403)
        client.get("/api/v1/audit", headers={"Sec-Fetch-Site": site})        # the page cannot read it
    for own in ({"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}, {}):
        client.post(path, headers=own, expect=404)
    cookie = person("admin").cookie()
    problem(cookie.post(path, headers={"Sec-Fetch-Site": "cross-site"}), "csrf-token-missing", 403)
    cookie.post(path, expect=404)


def test_a_repeated_logout_is_done(person):
    """The answer was lost, or the button pressed twice: whichever worker is asked, there is nothing to find fault with."""
    one = person()
    for client, again in ((one.cookie(), 401), (one.bearer(), 401)):
        others = [Api(one.daemon, one.contract) for _ in range(8)]             # each on a connection of its own
        for other in others:
            other.http.headers.update({k: v for k, v in client.http.headers.items() if k in ("authorization", "cookie", "x-csrf-token")})
            other.get("/api/v1/sessions/current")
        statuses = [other.request("DELETE", "/api/v1/sessions/current").status_code for other in others]
        assert statuses[0] == 204 and set(statuses) <= {204, again}, statuses
        wait_until(lambda: client.get("/api/v1/sessions/current", expect=None).status_code == again, 1.5, what="401")


def test_a_dead_cookie_is_as_none(person):
    one = person()
    client = one.cookie()
    client.request("DELETE", "/api/v1/sessions/current", 204)
    wait_until(lambda: client.get("/api/v1/sessions/current", expect=None).status_code == 401, 1.5, what="401")
    answer = client.get("/api/v1/sessions/current", expect=401)
    assert "Max-Age=0" in answer.headers["set-cookie"] and "Basic" not in answer.headers["www-authenticate"]
    client.get("/api/v1/rounds")                     # what everybody may see
    one.try_(expect=201)
    for rubbish in ("gs_x", "", "gh_" + "A" * 43, "gs_" + "A" * 43):
        one.public.get("/api/v1/audit", expect=401, headers={"Cookie": f"a=b; __Host-giothong={rubbish}; c"})


def test_login_looks_at_no_cookie(person):
    one = person()
    client = one.cookie()
    del client.http.headers["X-CSRF-Token"]
    client.post("/api/v1/sessions", json={"login": one.login, "password": PASSWORD}, expect=201)


def test_a_page_gets_no_box_for_name_and_password(house, contract):
    client = Api(house, contract)
    assert "Basic" in ", ".join(client.get("/api/v1/audit", expect=401).headers.get_list("www-authenticate"))
    answer = client.get("/api/v1/audit", expect=401, headers={"Sec-Fetch-Mode": "cors"})
    assert "Basic" not in ", ".join(answer.headers.get_list("www-authenticate"))


# ---- guessing ----

def test_an_attack_from_one_address_does_not_lock_the_owner_out(person):
    one = person()
    assert [one.try_("đoán mò mật khẩu", address="198.51.100.7").status_code for _ in range(5)] == [401] * 5
    one.many()
    answer = one.try_(address="198.51.100.7")
    problem(answer, "too-many-requests", 429)        # unseen, though it was right
    assert 1 <= int(answer.headers["retry-after"]) <= 900
    one.try_(address="203.0.113.9", expect=201)      # elsewhere, at once
    assert set(one.failures().values()) == {19}      # which gives the attacker no new chances
    problem(one.try_(address="198.51.100.7"), "too-many-requests", 429)
    assert one.bearer(address="203.0.113.9").post("/api/v1/users/me/password", json={"current_password": PASSWORD, "new_password": OTHER},
                                                  expect=204, headers={"X-Forwarded-For": "203.0.113.9"})
    problem(one.try_(OTHER, address="198.51.100.7"), "too-many-requests", 429)


def test_a_name_that_nobody_has_is_slowed_down_alike(person):
    one = person()
    for login in (one.login, "khong-co-ai-ca"):
        assert [one.try_("đoán mò mật khẩu", login=login, address="198.51.100.8").status_code for _ in range(5)] == [401] * 5
    one.many()
    answers = [one.try_(login=login, address="198.51.100.8") for login in (one.login, "khong-co-ai-ca")]
    assert [problem(answer, "too-many-requests", 429)["title"] for answer in answers] == ["Too many requests"] * 2
    assert abs(int(answers[0].headers["retry-after"]) - int(answers[1].headers["retry-after"])) < 60


def test_never_more_than_a_hundred_wrong_ones(person, house, boss):
    """From anywhere: strangers are shut out, the owner's device is not; then it spends its own; then only an admin helps."""
    one = person()
    device = one.try_(bearer=True, expect=201).json()["device"]
    one.try_("đoán mò mật khẩu", expect=401)
    house.sql("UPDATE login_failure SET failures = failures + 80 WHERE user_id = %s AND bucket = 'strangers'", one.id)
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda n: one.try_("đoán mò mật khẩu", address=f"198.51.100.{n}").status_code, range(15)))
    assert answers.count(401) == 9 and answers.count(401) + answers.count(403) + answers.count(429) == 15, answers
    problem(one.try_(address="203.0.113.9"), "login-locked", 403)
    (row,) = [u for u in boss.items("/api/v1/users") if u["id"] == one.id]
    assert row["locked"] and row["failures"] == 90
    assert problem(one.try_(login="khong-co-ai-do", address="203.0.113.9", expect=401), "login-refused")
    # the owner, on a device of before; that also forgives
    one.try_(device=device, expect=201)
    assert not {"strangers", "known"} & set(one.failures())
    house.sql("INSERT INTO login_failure SELECT %s, 'strangers', %s, 90, 0", one.id, one.id)
    for n in range(10):
        one.try_("đoán mò mật khẩu", device=device, expect=401)
        house.sql("UPDATE login_failure SET last_t = last_t - %s WHERE user_id = %s", 60 * MINUTE, one.id)
    problem(one.try_(device=device), "login-locked", 403)
    assert sum(n for bucket, n in one.failures().items() if bucket in ("strangers", "known")) == 100
    house.cli_ok("user", "unlock", one.login)
    one.try_(expect=201)


def test_a_device_mark_is_of_one_account_and_lets_nobody_in(person):
    one, other = person(), person()
    device = one.try_(bearer=True, expect=201).json()["device"]
    one.try_("đoán mò mật khẩu", device=device, expect=401)
    assert one.failures() == {"known": 1}
    other.try_("đoán mò mật khẩu", device=device, expect=401)
    assert set(other.failures()) >= {"strangers"} and "known" not in other.failures()
    answer = one.try_(expect=201)
    cookie = answer.headers.get_list("set-cookie")[1].split(";")[0]
    one.public.post("/api/v1/sessions", json={"login": one.login, "password": "đoán mò"}, headers={"Cookie": cookie}, expect=401)
    assert one.failures() == {"known": 1}


def test_what_was_typed_stands_nowhere(person, house):
    one = person()
    typed = "mật khẩu gõ nhầm vào ô tên"
    one.try_(login=typed, expect=401)
    one.try_(typed, expect=401)
    tables = house.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    dump = json.dumps([str(house.sql(f"SELECT * FROM {table}")) for (table,) in tables], ensure_ascii=False)
    assert one.login in dump                         # so this finds what is there
    for needle in (typed, typed.encode().hex(), PASSWORD, "192.0.2.1"):
        assert needle not in dump and needle not in house.log()
    rows = house.sql("SELECT subject_id, actor_kind, actor_id FROM audit_entry WHERE action = 'login.refused' ORDER BY xid DESC LIMIT 2")
    assert set(rows) == {("unknown", "public", None), (one.id, "public", None)}


def in_memory(daemon, needles):
    """Which of them stand in the memory of the daemon; what no machine maps in earnest (a sanitizer's shadow) is left out."""
    found = set()
    with open(f"/proc/{daemon.process.pid}/maps", encoding="ascii") as maps, open(f"/proc/{daemon.process.pid}/mem", "rb", 0) as memory:
        for line in maps:
            start, end = (int(word, 16) for word in line.split()[0].split("-"))
            if "rw" in line.split()[1] and end - start <= 256 << 20:
                try:
                    memory.seek(start)
                    bytes_ = memory.read(end - start)
                except OSError:                      # it went meanwhile
                    continue
                found |= {needle for needle in needles if needle in bytes_}
    return found


def test_no_password_stays_in_memory(fresh_daemon, contract, monkeypatch):
    """Nor a session's text, when what brought it has been answered."""
    # Its stack is used again by the next call, as in releases: a sanitizer that keeps ours elsewhere leaves a library's as it was.
    monkeypatch.setenv("ASAN_OPTIONS", os.environ.get("ASAN_OPTIONS", "") + ":detect_stack_use_after_return=0")
    daemon = fresh_daemon(now=None)
    word = "Zqxjw"                                   # so long that no token holds it by chance
    first, second, third = (f"kỳ đà {word}{n} cản mũi sông Đà" for n in range(3))
    one = Person(daemon, contract, "lan", "admin", first)
    client = one.bearer()
    client.post("/api/v1/users", json={"login": "nam", "name": "Nam", "role": "staff", "password": third}, expect=201)
    for password in (first, unicodedata.normalize("NFD", first)):
        one.try_(password, expect=201)
    one.try_(third, expect=401)
    one.try_(word * 3, expect=401)
    client.post("/api/v1/users/me/password", json={"current_password": first, "new_password": word}, expect=422)
    client.post("/api/v1/users/me/password", json={"current_password": first, "new_password": second}, expect=204)
    # what is there, and what must not be: in bytes, and in the code points that they are composed as
    here, gone = b"giothongd", {word.encode(), word.encode("utf-32-le"), client.http.headers["Authorization"].split()[1].encode()}
    try:
        wait_until(lambda: in_memory(daemon, {here} | gone) == {here}, 20, every=0.5, what="nothing but what is there")
    except PermissionError:
        pytest.skip("the memory of another process may not be read here")


# ---- sessions ----

def test_a_session_ends_when_it_is_not_used(person, house):
    one = person("auditor")
    client = one.bearer()
    client.get("/api/v1/audit")
    later(house, 28 * MINUTE)
    client.get("/api/v1/audit")
    house.sql("UPDATE session SET used_t = (SELECT t FROM session_clock) WHERE user_id = %s", one.id)   # as a minute later
    unused = one.bearer()
    later(house, 29 * MINUTE)
    client.get("/api/v1/audit")                      # used 29 minutes ago, though begun 57 ago
    later(house, 2 * MINUTE)
    wait_until(lambda: unused.get("/api/v1/audit", expect=None).status_code == 401, 5, what="401 of the unused one")
    client.get("/api/v1/audit")


def test_a_session_ends_after_its_hours_however_much_it_is_used(person, house):
    one = person("auditor")
    client = one.bearer()
    house.sql("UPDATE session SET created_t = created_t - %s WHERE user_id = %s", 11 * 60 * MINUTE + 58 * MINUTE, one.id)
    house.sql("UPDATE change SET version = version + 1 WHERE topic = 'access'")
    time.sleep(MEMORY_SECONDS)
    until = datetime.datetime.fromisoformat(client.get("/api/v1/sessions/current").json()["expires_at"])
    assert (until - datetime.datetime.now(datetime.timezone.utc)).total_seconds() < 200
    later(house, 3 * MINUTE)
    client.get("/api/v1/audit", expect=401)


def test_clocks_that_jump_end_nothing(fresh_daemon, contract):
    """A year on, two years back, over restarts: the service's own time counts."""
    daemon = fresh_daemon(now="2030-06-01T08:00:00+07:00")
    one = Person(daemon, contract, "lan", "auditor")
    client = one.bearer()
    for now in ("2031-06-01T08:00:00+07:00", "2029-06-01T08:00:00+07:00"):
        daemon.stop()
        daemon.settings["test.now"] = now
        daemon.start()
        client.get("/api/v1/audit")
    # nor is one immortal: what passed while nobody ran is counted
    daemon.stop()
    daemon.start()
    daemon.kill()
    with daemon.database() as connection:
        connection.execute("UPDATE session_clock SET wall = wall - interval '31 minutes'")
    daemon.launch()

    def first():
        with contextlib.suppress(httpx.ConnectError):
            return client.get("/api/v1/audit", expect=None)
    assert wait_until(first, every=0.002, what="somebody listens").status_code == 401, "from the first request on"
    daemon.wait_ready()


def test_killed_in_between(fresh_daemon, contract):
    daemon = fresh_daemon(now=None)
    one = Person(daemon, contract, "lan", "auditor")
    client = one.bearer()

    def attempt(n):
        try:
            return one.try_(PASSWORD if n % 2 else "đoán mò mật khẩu", bearer=True).status_code
        except httpx.HTTPError:
            return None
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(attempt, n) for n in range(16)]
        wait_until(lambda: any(a.done() for a in answers), 30, what="a first answer")
        daemon.kill()
        codes = [a.result() for a in answers]
    daemon.start()
    client.get("/api/v1/audit")                      # acknowledged before: it holds
    opened = daemon.value("SELECT count(*) FROM session")
    assert opened == daemon.value("SELECT count(*) FROM audit_entry WHERE action = 'session.open'")
    assert opened >= 1 + codes.count(201)
    assert sum(one.failures().values()) <= 2 * 16
    daemon.sql("UPDATE login_failure SET last_t = last_t - %s", 60 * MINUTE)
    one.try_(expect=201)
    daemon.assert_records_fit()


def test_one_ends_ones_own_sessions_and_nobody_elses(person):
    one, other = person("comms"), person("comms")
    first, second, foreign = one.bearer(), one.bearer(), other.bearer()
    mine = first.items("/api/v1/sessions")
    assert len(mine) == 2 and [s["current"] for s in mine].count(True) == 1
    foreign_id = foreign.items("/api/v1/sessions")[0]["id"]
    problem(first.request("DELETE", f"/api/v1/sessions/{foreign_id}"), "not-found", 404)
    problem(first.request("DELETE", "/api/v1/sessions/nonsense"), "not-found", 404)
    foreign.get("/api/v1/sessions/current")
    (that,) = [s["id"] for s in mine if not s["current"]]
    first.request("DELETE", f"/api/v1/sessions/{that}", 204)
    wait_until(lambda: second.get("/api/v1/sessions/current", expect=None).status_code == 401, 1.5, what="401")
    first.request("DELETE", "/api/v1/sessions/current", 204)
    wait_until(lambda: first.get("/api/v1/sessions/current", expect=None).status_code == 401, 1.5, what="401")


# ---- passwords ----

def test_a_changed_password_ends_the_other_sessions(person):
    one = person("comms")
    here, there = one.cookie(), one.bearer()
    change = {"current_password": PASSWORD, "new_password": OTHER}
    answer = here.post("/api/v1/users/me/password", json={**change, "current_password": "sai rồi"}, expect=422)
    assert field_codes(answer) == {"/current_password": "wrong"}
    here.post("/api/v1/users/me/password", json=change, expect=204)
    wait_until(lambda: there.get("/api/v1/sessions/current", expect=None).status_code == 401, 1.5, what="401")
    here.get("/api/v1/sessions/current")
    one.try_(expect=401)
    one.try_(OTHER, expect=201)


def test_a_login_under_way_does_not_outlive_the_password(person, house, boss):
    """A session that is just being opened with the old one, while the change waits for it, ends too."""
    one = person("comms")
    client, body = one.bearer(), {"current_password": PASSWORD, "new_password": OTHER}
    path, own = f"/api/v1/users/{one.id}", house.value("SELECT count(*) FROM session WHERE user_id = %s", one.id)
    assert own == 1

    def while_opening(change):
        """As session_open does it, but slowly. False: the change gave up waiting, and nothing happened."""
        with house.database() as slow, concurrent.futures.ThreadPoolExecutor(1) as pool:
            slow.execute("BEGIN")
            slow.execute("UPDATE staff_user SET last_login_at = now() WHERE id = %s", [one.id])
            slow.execute("INSERT INTO session SELECT gen_random_uuid(), id, 'bearer', sha256(gen_random_uuid()::text::bytea), 1, (SELECT t FROM session_clock)"
                         " FROM staff_user WHERE id = %s", [one.id])
            answer = pool.submit(change)
            wait_until(lambda: answer.done() or house.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                                                            " AND query LIKE %s", "%UPDATE staff_user%"), 20, every=0.01, what="the change waits")
            slow.execute("ROLLBACK" if answer.done() else "COMMIT")
            return answer.result().status_code in (200, 204)
    wait_until(lambda: while_opening(lambda: client.post("/api/v1/users/me/password", json=body)), 60, what="the change while a session opened")
    assert house.value("SELECT count(*) FROM session WHERE user_id = %s", one.id) == 1
    client.get("/api/v1/sessions/current")
    wait_until(lambda: while_opening(lambda: boss.patch(path, json={"password": PASSWORD}, etag=boss.etag(path))), 60,
               what="the admin's change while a session opened")
    assert house.value("SELECT count(*) FROM session WHERE user_id = %s", one.id) == 0


@pytest.mark.parametrize("change, undo, status", [("", "", 201), (", password_hash = password_hash || ' '", ", password_hash = rtrim(password_hash)", 401)])
def test_a_secret_that_is_sealed_again_refuses_no_login(person, house, change, undo, status):
    """Under a newer key, while somebody logs in: the account is another version, and the same. With another password it is not."""
    one = person("comms")
    secret, _ = enrol(one, one.bearer())

    def while_sealing():
        """As the job does it, but slowly. 503: the login gave up waiting, and nothing happened."""
        with house.database() as job, concurrent.futures.ThreadPoolExecutor(1) as pool:
            job.execute("BEGIN")
            job.execute(f"UPDATE staff_user SET totp_key_id = totp_key_id + 1, version = version + 1{change} WHERE id = %s", [one.id])
            answer = pool.submit(lambda: one.try_(code=code_of(secret)).status_code)
            wait_until(lambda: answer.done() or house.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                                                            " AND query LIKE %s", "%UPDATE staff_user%"), every=0.01, what="the login waits")
            job.execute("COMMIT")
            told = answer.result()
            job.execute(f"UPDATE staff_user SET totp_key_id = totp_key_id - 1, version = version - 1{undo} WHERE id = %s", [one.id])
            return told
    assert wait_until(lambda: (told := while_sealing()) != 503 and told, what="an answer") == status


@pytest.mark.parametrize("new, code", [("ngắn quá nhé", "too_short"), ("password1234567", "too_common"), (PASSWORD, "same"),
                                       ("Giọt Hồng Lai Châu", "too_common"), ("x" * 200 + "đ" * 57, "too_long")])
def test_passwords_that_are_not_taken(person, new, code):
    client = person("comms").bearer()
    answer = client.post("/api/v1/users/me/password", json={"current_password": PASSWORD, "new_password": new}, expect=422)
    assert field_codes(answer) == {"/new_password": code}


def test_who_sits_down_at_a_screen_guesses_as_little(person):
    one = person("comms")
    client = one.bearer()
    wrong = {"current_password": "đoán mò mật khẩu", "new_password": OTHER}
    assert [client.post("/api/v1/users/me/password", json=wrong).status_code for _ in range(5)] == [422] * 5
    assert one.failures() == {"known": 5}
    one.many(9)
    client.post("/api/v1/users/me/password", json={**wrong, "current_password": PASSWORD}, expect=429)


def test_a_temporary_password_is_for_changing_it(boss, house, contract, person):
    one = person("comms")                            # for its number alone
    body = {"login": f"{one.login}b", "name": "Người Mới", "role": "auditor", "password": PASSWORD}
    made = boss.post("/api/v1/users", json=body, expect=201).json()
    assert made["must_change_password"] and made["version"] == 1
    one.login = body["login"]
    client = one.cookie()
    who = client.get("/api/v1/sessions/current").json()
    assert who["must_change_password"]
    problem(client.get("/api/v1/audit", expect=403), "password-change-required")
    client.get("/api/v1/rounds")
    client.post("/api/v1/users/me/password", json={"current_password": PASSWORD, "new_password": OTHER}, expect=204)
    client.get("/api/v1/audit")                      # at once
    assert not client.get("/api/v1/sessions/current").json()["must_change_password"]


# ---- second factor ----

def code_of(secret, step=0):
    counter = struct.pack(">Q", int(time.time()) // 30 + step)
    mac = hmac.new(base64.b32decode(secret), counter, hashlib.sha1).digest()
    at = mac[-1] & 15
    return f"{(int.from_bytes(mac[at:at + 4], 'big') & 0x7fffffff) % 1000000:06}"


def enrol(one, client, **more):
    """Confirmed by the code of the step before, so that the one of now is fresh."""
    answer = client.post("/api/v1/users/me/totp", json={"current_password": one.password, **more}, expect=200).json()
    secret = answer["secret"]
    assert f"secret={secret}&" in answer["otpauth_url"] and answer["otpauth_url"].startswith(f"otpauth://totp/Giot%20Hong:{one.login}?")
    if time.time() % 30 > 20:
        time.sleep(30 - time.time() % 30)
    one.confirmed_by = code_of(secret, -1)
    codes = client.post("/api/v1/users/me/totp/confirm", json={"code": one.confirmed_by}, expect=200).json()["recovery_codes"]
    return secret, codes


def test_second_factor(person, house):
    one = person("auditor")
    client, other = one.bearer(), one.bearer()
    assert field_codes(client.post("/api/v1/users/me/totp/confirm", json={"code": "123456"}, expect=422)) == {"/code": "not_enrolled"}
    assert field_codes(client.post("/api/v1/users/me/totp", json={"current_password": "sai"}, expect=422)) == {"/current_password": "wrong"}
    client.post("/api/v1/users/me/totp", json={"current_password": PASSWORD}, expect=200)
    assert field_codes(client.post("/api/v1/users/me/totp/confirm", json={"code": "12345"}, expect=422)) == {"/code": "wrong"}
    one.try_(expect=201)                             # not confirmed: it does not count yet
    secret, recovery = enrol(one, client)
    wait_until(lambda: other.get("/api/v1/sessions/current", expect=None).status_code == 401, 1.5, what="401")
    assert len(set(recovery)) == 10
    # the password alone is no longer enough, and says so in the same words
    without, wrong = one.try_(expect=401).json(), one.try_(code="000000", expect=401).json()
    assert without["detail"] == wrong["detail"] == one.try_("sai", code=code_of(secret), expect=401).json()["detail"]
    one.forgive()
    code = code_of(secret)
    one.try_(code=code, expect=201)
    one.try_(code=code, expect=401)                  # each serves once
    one.try_(code=code_of(secret, 1), expect=201)    # one step ahead is a phone that goes fast
    one.try_(code=code_of(secret, 3), expect=401)
    one.try_(code=recovery[3].upper().replace("-", " "), expect=201)
    one.try_(code=recovery[3], expect=401)
    row = json.dumps([str(r) for r in house.sql("SELECT * FROM staff_user WHERE id = %s", one.id)])
    assert secret not in row and base64.b32decode(secret).hex() not in row and not any(c in row for c in recovery)
    house.cli_ok("audit", "verify", "--records")


def test_the_code_that_confirms_is_not_guessed(person):
    """A screen that was left between enrolling and confirming: its code is tried as seldom as a password."""
    one = person("comms")
    client = one.bearer()
    secret = client.post("/api/v1/users/me/totp", json={"current_password": PASSWORD}, expect=200).json()["secret"]
    wrong = {"code": f"{(int(code_of(secret)) + 111111) % 1000000:06}"}
    for _ in range(5):
        assert field_codes(client.post("/api/v1/users/me/totp/confirm", json=wrong, expect=422)) == {"/code": "wrong"}
    assert one.failures() == {"known": 5}
    one.many(9)
    client.post("/api/v1/users/me/totp/confirm", json={"code": code_of(secret)}, expect=429)
    one.forgive()
    code = code_of(secret)
    client.post("/api/v1/users/me/totp/confirm", json={"code": f"{code[:3]} {code[3:]}"}, expect=200)


def test_two_logins_by_one_code(person):
    one = person("auditor")
    secret, _ = enrol(one, one.bearer())
    one.forgive()
    code = code_of(secret)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        statuses = sorted(pool.map(lambda n: one.try_(code=code, address=f"192.0.2.{n + 10}").status_code, range(4)))
    assert statuses == [201, 401, 401, 401]


def test_a_short_password_needs_a_second_factor_beside_it(person, house):
    one = person("auditor")
    client = one.bearer()
    short = {"current_password": PASSWORD, "new_password": "k7#mxp2q"}
    assert field_codes(client.post("/api/v1/users/me/password", json=short, expect=422)) == {"/new_password": "too_short"}
    secret, recovery = enrol(one, client)
    wait_until(lambda: client.get("/api/v1/sessions/current").json()["user"]["second_factor"], 2, what="second factor known")
    client.post("/api/v1/users/me/password", json=short, expect=204)
    one.password = "k7#mxp2q"
    proof = {"current_password": one.password, "code": recovery[0]}
    assert field_codes(client.post("/api/v1/users/me/totp/remove", json=proof, expect=422)) == {"/current_password": "too_short"}
    # the phone is lost: an admin takes the factor away, and the password is no longer enough for anything but a longer one
    house.cli_ok("user", "reset-totp", one.login)
    wait_until(lambda: client.get("/api/v1/sessions/current", expect=None).status_code == 401, 1.5, what="401")
    client = one.bearer()
    problem(client.get("/api/v1/audit", expect=403), "password-change-required")
    client.post("/api/v1/users/me/password", json={"current_password": "k7#mxp2q", "new_password": OTHER}, expect=204)
    client.get("/api/v1/audit")


def test_a_second_factor_is_exchanged_and_removed_only_by_its_code(person):
    one = person("auditor")
    client = one.bearer()
    secret, recovery = enrol(one, client)
    for path in ("/api/v1/users/me/totp", "/api/v1/users/me/totp/remove"):
        client.post(path, json={"current_password": PASSWORD}, expect=422)
        client.post(path, json={"current_password": PASSWORD, "code": one.confirmed_by}, expect=422)         # already
    one.forgive()
    again, codes = enrol(one, client, code=recovery[0])
    assert again != secret and codes != recovery
    one.try_(code=recovery[1], expect=401)
    client.post("/api/v1/users/me/totp/remove", json={"current_password": PASSWORD, "code": codes[0]}, expect=204)
    one.try_(expect=201)


def test_new_keys(fresh_daemon, contract):
    """Sessions, marks of devices and second factors outlive a rotation; the secret comes under the new key by itself."""
    daemon = fresh_daemon(now=None)
    one = Person(daemon, contract, "lan", "auditor")
    opened = one.try_(bearer=True, expect=201).json()
    client = Api(daemon, contract, opened["token"])
    secret, recovery = enrol(one, client)
    for kind in ("hash", "wrap"):
        daemon.cli_ok("keyring", "rotate", kind, "--wait", "120", timeout=150)
    client.get("/api/v1/audit")
    one.try_(code=code_of(secret), device=opened["device"], expect=201)
    one.try_("đoán mò mật khẩu", device=opened["device"], expect=401)
    assert one.failures() == {"known": 1}
    wait_until(lambda: daemon.value("SELECT totp_key_id FROM staff_user") == 2, 40, every=0.5, what="sealed by the new key")
    one.try_(code=code_of(secret, 1), expect=201)
    one.try_(code=recovery[0], expect=201)
    daemon.assert_records_fit()


# ---- users ----

def test_users_are_made_once(boss, house, person):
    name = f"{person().login}c"
    body = {"login": name, "name": "Trần Thử", "role": "staff", "password": PASSWORD}
    key = {"Idempotency-Key": f"user {name}"}
    first = boss.post("/api/v1/users", json=body, headers=key, expect=201)
    again = boss.post("/api/v1/users", json=body, headers=key, expect=201)
    assert first.json() == again.json() and first.headers["location"] == f"/api/v1/users/{first.json()['id']}"
    problem(boss.post("/api/v1/users", json={**body, "name": "Khác"}, headers=key), "idempotency-mismatch", 422)
    answer = boss.post("/api/v1/users", json=body, expect=409)
    problem(answer, "already-exists")
    assert "hash" not in first.text and PASSWORD not in first.text


@pytest.mark.parametrize("change, pointer, code", [
    ({"login": "Lan Anh"}, "/login", "invalid_value"), ({"login": "x"}, "/login", "invalid_value"),
    ({"login": "me"}, "/login", "invalid_value"), ({"login": "ｌａｎ"}, "/login", "invalid_value"), ({"login": "lаn"}, "/login", "invalid_value"),
    ({"name": "a\u200bb"}, "/name", "control_character"), ({"role": "gateway"}, "/role", "invalid_value"),
    ({"role": "king"}, "/role", "invalid_value"), ({"role": "team"}, "/team", "required"), ({"units": ["Nơi không có"]}, "/units/0", "unknown_unit"),
    ({"units": ["Xã Than Uyên", "Huyện Than Uyên"]}, "/units/1", "ended_unit"),
    ({"team": "00000000-0000-7000-8000-000000000000"}, "/team", "not_found"), ({"password": "short"}, "/password", "too_short"),
    ({"password": None}, "/password", "required"), ({"state": "active"}, "/state", "unknown_field"), ({"name": "a\nb"}, "/name", "control_character")])
def test_users_that_are_not_made(boss, house, change, pointer, code):
    body = {"login": "sai-roi", "name": "Sai Rồi", "role": "staff", "password": PASSWORD, **change}
    assert field_codes(boss.post("/api/v1/users", json=body, expect=422)) == {pointer: code}
    assert house.value("SELECT count(*) FROM staff_user WHERE login = 'sai-roi'") == 0


def test_the_audit_of_an_account_by_its_login(person, house):
    one = person()
    for key in (one.login.upper(), one.id):
        rows = json.loads(house.cli_ok("audit", "list", "--subject", "user", key, "--json").out)["items"]
        assert {row["subject_id"] for row in rows} == {one.id} and rows[-1]["action"] == "user.create"


def test_a_change_holds_within_a_second(person, boss):
    one = person("auditor")
    client = one.bearer()
    path = f"/api/v1/users/{one.id}"
    client.get("/api/v1/audit")
    boss.patch(path, json={"name": "Tên Mới"}, expect=428)
    etag = boss.etag(path)
    changed = boss.patch(path, json={"name": "Tên Mới", "units": ["12"]}, etag=etag, expect=200)
    boss.patch(path, json={"name": "Muộn rồi"}, etag=etag, expect=412)
    wait_until(lambda: client.get("/api/v1/sessions/current").json()["units"] == ["12"], 1.5, what="the new scope")
    boss.patch(path, json={"role": "comms"}, etag=changed.headers["etag"], expect=200)
    wait_until(lambda: client.get("/api/v1/audit", expect=None).status_code == 401, 1.5, what="401")
    problem(one.bearer().get("/api/v1/audit", expect=403), "forbidden")
    client = one.bearer()
    boss.patch(path, json={"state": "disabled"}, etag=boss.etag(path), expect=200)
    wait_until(lambda: client.get("/api/v1/sessions/current", expect=None).status_code == 401, 1.5, what="401")
    one.try_(expect=401)
    assert one.id not in [u["id"] for u in boss.items("/api/v1/users")]
    assert one.id in [u["id"] for u in boss.items("/api/v1/users", inactive="true")]


def test_an_admin_ends_sessions_and_sets_a_password(person, boss):
    one = person("auditor")
    client = one.bearer()
    boss.request("DELETE", f"/api/v1/users/{one.id}/sessions", 204)
    wait_until(lambda: client.get("/api/v1/audit", expect=None).status_code == 401, 1.5, what="401")
    boss.request("DELETE", f"/api/v1/users/{one.id}/sessions", 204)
    boss.request("DELETE", "/api/v1/users/00000000-0000-7000-8000-000000000000/sessions", 404)
    path = f"/api/v1/users/{one.id}"
    one.try_("sai", expect=401)
    answer = boss.patch(path, json={"password": OTHER, "unlock": True}, etag=boss.etag(path), expect=200).json()
    assert answer["must_change_password"] and answer["failures"] == 0 and one.failures() == {}
    assert answer == boss.get(path).json()
    one.try_(expect=401)
    assert one.try_(OTHER, expect=201).json()["must_change_password"]


def test_nobody_changes_their_own_rights(person):
    one = person("admin")
    client = one.bearer()
    path = f"/api/v1/users/{one.id}"
    for change in ({"role": "staff"}, {"state": "disabled"}, {"password": OTHER}, {"reset_second_factor": True},
                   {"unlock": True}):
        answer = client.patch(path, json=change, etag=client.etag(path), expect=422)
        assert field_codes(answer) == {f"/{next(iter(change))}": "own_account"}
    client.patch(path, json={"name": "Tên Khác"}, etag=client.etag(path), expect=200)


# path, method and body of every route of people; what each role gets, of its own and of another's
MATRIX = [
    ("GET", "/api/v1/sessions", None, {"all": 200}),
    ("GET", "/api/v1/sessions/current", None, {"all": 200}),
    ("DELETE", "/api/v1/sessions/{foreign}", None, {"all": 404}),
    ("GET", "/api/v1/users", None, {"auditor": 200, "admin": 200}),
    ("GET", "/api/v1/users/{own}", None, {"auditor": 200, "admin": 200}),
    ("GET", "/api/v1/users/{other}", None, {"auditor": 200, "admin": 200}),
    ("POST", "/api/v1/users", {}, {"admin": 422}),
    ("PATCH", "/api/v1/users/{own}", {}, {"admin": 428}),
    ("PATCH", "/api/v1/users/{other}", {}, {"admin": 428}),
    ("DELETE", "/api/v1/users/{other}/sessions", None, {"admin": 204}),
    ("POST", "/api/v1/users/me/password", {}, {"all": 422}),
    ("POST", "/api/v1/users/me/totp", {}, {"all": 422}),
    ("POST", "/api/v1/users/me/totp/confirm", {}, {"all": 422}),
    ("POST", "/api/v1/users/me/totp/remove", {}, {"all": 422}),
    ("POST", "/api/v1/plans", {}, {"staff": 422, "admin": 422}),
    ("GET", "/api/v1/audit", None, {"auditor": 200, "admin": 200}),
    ("GET", "/api/v1/tokens", None, {"auditor": 200, "admin": 200}),
    ("DELETE", "/api/v1/sessions/current", None, {"all": 204}),
]


@pytest.mark.parametrize("role", ["team", "hospital", "comms", "staff", "auditor", "admin"])
@pytest.mark.parametrize("way", ["cookie", "bearer"])
def test_each_route_as_a_person(role, way, person, house):
    more = []
    if role == "team":
        house.token("team")
        more = ["--team", "TD0"]
    one, other = person(role, more=more), person("comms")
    foreign = other.bearer().items("/api/v1/sessions")[0]["id"]
    client = getattr(one, way)()
    for method, template, body, expected in MATRIX:
        path = template.format(own=one.id, other=other.id, foreign=foreign)
        status = client.request(method, path, **({"json": body} if body is not None else {})).status_code
        assert status == expected.get(role, expected.get("all", 403)), f"{role} by {way}: {method} {template} -> {status}"


def test_two_persons_are_two_accounts(person):
    """Who asked cannot approve by another session, however it was opened; another admin can."""
    one, other = person("admin"), person("admin")
    asks, again = one.bearer(), one.cookie()
    donor = asks.post("/api/v1/donors", json={"name": "Lò Thị Hai", "birth_year": 1990}, expect=201).json()["id"]
    deferral = asks.post(f"/api/v1/donors/{donor}/deferrals", json={"code": "malaria", "permanent": True}, expect=201).json()["id"]
    lift, erasure = f"/api/v1/donors/{donor}/deferrals/{deferral}/lift", f"/api/v1/donors/{donor}/erasure"
    asks.post(lift, json={"reason": "kết quả mới"}, expect=201)
    asks.post(erasure, json={}, expect=201)
    for path in (lift, erasure):
        for client in (asks, again, one.bearer()):
            problem(client.post(f"{path}/approve", json={}), "second-person", 403)
    other.bearer().post(f"{lift}/approve", json={}, expect=201)
    other.cookie().post(f"{erasure}/approve", json={}, expect=200)


# ---- the command ----

def test_user_commands(house, person):
    one = person("hospital")
    listed = json.loads(house.cli_ok("--json", "user", "list").out)["items"]
    assert one.login in [u["login"] for u in listed] and PASSWORD not in json.dumps(listed, ensure_ascii=False)
    assert house.cli("user", "disable", "khong-co-ai").status == 1
    house.cli_ok("user", "disable", one.login)
    one.try_(expect=401)
    one.forgive()
    house.cli_ok("user", "enable", one.login)
    one.try_(expect=201)
    file = house.folder / "new-password"
    file.write_text(OTHER + "\n", encoding="utf-8")
    os.chmod(file, 0o644)
    assert house.cli("user", "passwd", one.login, "--password-file", file).status == 1       # others could read it
    os.chmod(file, 0o600)
    house.cli_ok("user", "passwd", one.login, "--password-file", file, "--temporary")
    assert one.try_(OTHER, expect=201).json()["must_change_password"]
    file.write_text("quá ngắn\n", encoding="utf-8")
    outcome = house.cli("user", "passwd", one.login, "--password-file", file)
    assert outcome.status == 1 and "password: At least 15" in outcome.err + outcome.out, "which of them is wrong"
    for name in ("a\nb", "đỏ\x1b[31m", "\u202eabc", "a\u200bb", "x" * 121):
        outcome = house.cli("user", "add", "ten-la", "--role", "staff", "--name", name, "--password-file", file)
        assert outcome.status == 1 and "\x1b" not in outcome.out + outcome.err, name
    for words in (["me", "--role", "staff"], ["X Y", "--role", "staff"], ["gate", "--role", "gateway"], ["doi", "--role", "team"], [one.login, "--role", "staff"]):
        file.write_text(OTHER + "\n", encoding="utf-8")
        outcome = house.cli("user", "add", *words, "--name", "Sai", "--password-file", file)
        assert outcome.status == 1, words


def test_the_audit_holds_what_people_did(house, person, boss):
    one = person("comms")
    client = one.bearer()
    client.post("/api/v1/users/me/password", json={"current_password": PASSWORD, "new_password": OTHER}, expect=204)
    client.request("DELETE", "/api/v1/sessions/current", 204)
    rows = house.sql("SELECT action, actor_kind FROM audit_entry WHERE actor_id = %s ORDER BY audit_entry.xid, id", one.id)
    assert rows == [("session.open", "user"), ("user.password", "user"), ("session.end", "user")]
    assert boss.items("/api/v1/audit", subject_kind="user", subject_id=one.id)
    house.cli_ok("audit", "verify", "--records")
    house.sql("UPDATE staff_user SET role = 'admin' WHERE id = %s", one.id)
    assert house.cli("audit", "verify", "--records").status == 1
    house.sql("UPDATE staff_user SET role = 'comms' WHERE id = %s", one.id)
