"""Two daemons on one database: what one changes the other shows within a second, or it shows nothing."""
import concurrent.futures
import threading
import time

import httpx
import pytest

from harness import certificates, programs
from harness.client import Api
from harness.daemon import Daemon, wait_until
from harness.database import Postgres
from harness.seeds import TODAY, day

PLAN = programs.CONFIG / "plans" / "lai-chau-2025.json"


@pytest.fixture(scope="module")
def postgres():
    one = Postgres().make()
    try:
        yield one
    finally:
        one.remove()


@pytest.fixture(scope="module")
def pair(postgres):
    config = postgres.configuration()
    made = []
    try:
        outcome = programs.run("giothong", "--config", config, "keyring", "create", folder=postgres.folder)
        assert outcome.status == 0, outcome
        outcome = programs.run("giothong", "--config", config, "migrate", folder=postgres.folder)
        assert outcome.status == 0, outcome
        for _ in range(2):
            daemon = Daemon(folder=postgres.folder, config=config)
            made.append(daemon)
            daemon.start()
        made[0].cli_ok("plan", "import", PLAN)
        yield made
        assert [d.stop() for d in made] == [0, 0]
    finally:
        for daemon in made:
            daemon.end()


@pytest.fixture
def clients(pair, contract):
    token = pair[0].token("staff")
    return [Api(d, contract, token) for d in pair] + [Api(d, contract) for d in pair]


@pytest.fixture
def one(clients):
    """A round to change."""
    return clients[0].items("/api/v1/rounds", plan="3653-KH-UBND")[2]


def test_a_change_shows_on_the_other_within_a_second(clients, one):
    staff, _, public, other = clients
    path = f"/api/v1/rounds/{one['id']}"
    for n in range(5):
        for client in (public, other):
            client.get(path), client.get("/api/v1/rounds")
        title = f"Tên mới {n} {time.monotonic_ns()}"
        staff.patch(path, {"title": title}, etag=staff.etag(path), expect=200)
        done = time.monotonic()
        for client in (other, public):
            wait_until(lambda: client.get(path).json()["title"] == title, 1.0 - (time.monotonic() - done), every=0.01, what="the change")
            listed = client.get("/api/v1/rounds").json()["items"]
            assert title in [r["title"] for r in listed], "and in every list"


def test_a_revoked_token_ends_on_both(pair, clients):
    name = f"revoked {time.monotonic_ns()}"
    token = pair[0].new_token("auditor", name)
    both = [client.with_token(token) for client in clients[:2]]
    for client in both:
        client.get("/api/v1/audit")
    pair[0].cli_ok("token", "revoke", name)
    for client in both:
        wait_until(lambda: client.get("/api/v1/audit", expect=None).status_code == 401, 1.0, what="401")


LOGIN = {"password": "chín con trâu đen ăn cỏ", "bearer": True}


@pytest.fixture
def user(pair, contract, clients):
    """A user, and a client at each daemon with one session of hers."""
    boss = Api(pair[0], contract, pair[0].token("admin"))
    login = f"hai{time.monotonic_ns() % 10**12}"
    made = boss.post("/api/v1/users", json={"login": login, "name": "Người ở hai nơi", "role": "auditor", "password": "mật khẩu tạm rất dài"},
                     expect=201).json()
    first = boss.with_token(clients[2].post("/api/v1/sessions", json={**LOGIN, "login": login, "password": "mật khẩu tạm rất dài"},
                                            expect=201).json()["token"])
    first.post("/api/v1/users/me/password", json={"current_password": "mật khẩu tạm rất dài", "new_password": LOGIN["password"]}, expect=204)
    text = clients[2].post("/api/v1/sessions", json={**LOGIN, "login": login}, expect=201).json()["token"]
    both = [Api(daemon, contract, text) for daemon in pair]
    for client in both:
        client.get("/api/v1/audit")
    return made["id"], login, boss, both


def ends_on_both(both, done):
    for client in both:
        wait_until(lambda: client.get("/api/v1/audit", expect=None).status_code == 401, 1.0 - (time.monotonic() - done), every=0.01, what="401")


def test_a_session_that_was_ended_ends_on_both(user):
    *_, both = user
    both[0].request("DELETE", "/api/v1/sessions/current", 204)
    ends_on_both(both, time.monotonic())


def test_a_disabled_user_is_out_on_both(user):
    id, _, boss, both = user
    boss.patch(f"/api/v1/users/{id}", {"state": "disabled"}, etag=boss.etag(f"/api/v1/users/{id}"), expect=200)
    ends_on_both(both, time.monotonic())


def test_a_new_scope_holds_on_both(user):
    id, _, boss, both = user
    boss.patch(f"/api/v1/users/{id}", {"units": ["12"]}, etag=boss.etag(f"/api/v1/users/{id}"), expect=200)
    done = time.monotonic()
    for client in both:
        wait_until(lambda: client.get("/api/v1/sessions/current").json()["units"] == ["12"], 1.0 - (time.monotonic() - done), every=0.01,
                   what="the new scope")


def test_wrong_tries_are_counted_for_both(user, clients, postgres):
    id, login, *_ = user
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: clients[2 + n % 2].post("/api/v1/sessions", json={**LOGIN, "login": login, "password": "sai"}).status_code,
                                range(8)))
    assert answers.count(401) >= 5 and answers.count(401) + answers.count(429) == 8, answers
    counted = postgres.sql(f"SELECT failures FROM login_failure WHERE user_id = '{id}' AND bucket = 'strangers'", database="giothong")
    assert counted == [(answers.count(401),)]


def test_twenty_writers_over_both_daemons(pair, clients, one):
    path = f"/api/v1/rounds/{one['id']}"
    etag = clients[0].etag(path)
    version = clients[0].round(one["id"])["version"]
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = pool.map(lambda n: clients[n % 2].patch(path, {"title": f"số {n}"}, etag=etag).status_code, range(20))
    assert sorted(answers) == [200] + [412] * 19
    assert clients[1].round(one["id"])["version"] == version + 1


def test_the_same_key_at_both(clients, pair):
    body = {"code": f"TWO{time.monotonic_ns() % 10**9}", "name": "Đội"}
    headers = {"Idempotency-Key": body["code"]}
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda n: clients[n % 2].post("/api/v1/teams", json=body, headers=headers), range(10)))
    assert len({a.json()["id"] for a in answers if a.status_code == 201}) == 1
    assert all(a.status_code in (201, 409) for a in answers)


def test_frozen_database_and_no_stale_byte(postgres, pair, clients):
    """Memory may answer for one second after the last good poll began; then the truth or 503."""
    public = httpx.Client(base_url=pair[0].url, timeout=30)
    path = "/api/v1/rounds"
    assert public.get(path).status_code == 200 and public.get(path).status_code == 200
    postgres.freeze()
    frozen = time.monotonic()
    try:
        statuses = []
        while time.monotonic() - frozen < 4:
            began = time.monotonic() - frozen
            answer = public.get(path)
            statuses.append((round(began, 2), answer.status_code))
            assert answer.status_code in (200, 503)
            if answer.status_code == 503:
                assert int(answer.headers["retry-after"]) >= 1
            assert not (answer.status_code == 200 and began > 1.3), statuses
            time.sleep(0.05)
        assert public.get("/healthz").status_code == 200, "what needs no database still answers"
        assert public.get("/readyz").status_code == 503
        assert public.get("/openapi.json").status_code == 200
        began = time.monotonic()
        assert public.get("/api/v1/rounds?limit=7").status_code == 503
        assert time.monotonic() - began < 20
    finally:
        postgres.thaw()
    wait_until(lambda: public.get(path).status_code == 200, what="fresh again")
    wait_until(lambda: public.get("/readyz").status_code == 200, what="ready again")


def test_database_stopped_and_started(postgres, pair, clients, one):
    staff, _, public, _ = clients
    postgres.stop()
    wait_until(lambda: public.http.get("/readyz").status_code == 503, what="noticed")
    assert public.http.get("/api/v1/rounds?limit=9").status_code == 503
    answer = staff.http.patch(f"/api/v1/rounds/{one['id']}", json={"title": "x"}, headers={"If-Match": '"1"'})
    assert answer.status_code == 503 and answer.headers["retry-after"]
    assert public.http.get("/sms/kannel?id=1&from=1&to=2&text=LICH",
                           headers={"Authorization": f"Bearer {pair[0].tokens.get('gateway', 'gh_' + 'A' * 43)}"}).status_code in (401, 503)
    postgres.start()
    wait_until(lambda: public.http.get("/readyz").status_code == 200, what="ready again")
    wait_until(lambda: public.http.get("/api/v1/rounds?limit=9").status_code == 200, what="served again")


def test_two_hospitals_and_the_last_millilitre(pair, postgres, clients, contract):
    """Twenty claims of 50 ml at one certificate of 350, half through each daemon: seven win, the others are told why."""
    staff, *_ = clients
    admin = Api(pair[0], contract, pair[0].token("admin"))
    code = certificates.enter_body(admin, "LC")
    donor = staff.post("/api/v1/donors", json={"name": "Lò Thị Thử", "birth_date": "1990-05-17", "sex": "female"}, expect=201).json()["id"]
    given = certificates.gave(postgres.ask, donor)
    number = staff.post(f"/api/v1/donations/{given}/certificate", json={"issuer": code}, expect=201).json()["number"]
    hospitals = [Api(pair[n % 2], contract, pair[n % 2].new_token("hospital", f"Bệnh viện {n}")) for n in range(2)]
    path = f"/api/v1/certificates/{number}/redemptions"
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: hospitals[n % 2].post(path, json={"ml": 50}, headers={"Idempotency-Key": f"claim {n}"}), range(20)))
    assert sorted(a.status_code for a in answers) == [201] * 7 + [409] * 13
    assert all(a.json()["type"] == "/problems/overdrawn" for a in answers if a.status_code == 409)
    told = staff.get(f"/api/v1/certificates/{number}").json()
    assert (told["balance_ml"], told["status"], len(told["redemptions"])) == (0, "redeemed", 7)
    # what is sent again counts nothing more
    won = next(n for n, a in enumerate(answers) if a.status_code == 201)
    again = hospitals[1 - won % 2].post(path, json={"ml": 50}, headers={"Idempotency-Key": "another hospital's"})
    assert again.status_code == 409
    assert hospitals[won % 2].post(path, json={"ml": 50}, headers={"Idempotency-Key": f"claim {won}"}, expect=201).json()["redemption"] \
        == answers[won].json()["redemption"]


def test_both_count_donors_days(postgres, clients):
    """Facts come through both while both count: in the end lists show what either says of the person."""
    staff, second, *_ = clients
    paths = [f"/api/v1/donors/{client.post('/api/v1/donors', json={'name': f'Lò Thị {name}', 'birth_date': '1990-05-17', 'sex': 'male'}, expect=201).json()['id']}"
             for name in ("Ba", "Ca", "Da") for client in (staff, second)]
    for turn in range(4):
        for n, path in enumerate(paths):
            postgres.ask("INSERT INTO donation (id, donor_id, component, volume_ml, donated_on, evidence, source)"
                         " VALUES (gen_random_uuid(), %s, %s, 250, %s, 'declared', 'test')", path.split("/")[-1],
                         ("platelets", "whole_blood", "plasma")[(n + turn) % 3], day(-60 + 15 * turn + n))
            (staff, second)[turn % 2].post(f"{path}/deferrals", json={"code": ("tattoo", "influenza")[turn % 2], "from": day(-90 + n)}, expect=201)
        postgres.ask("INSERT INTO donor_stale (donor_id) SELECT d.id FROM donor AS d, generate_series(1, 100)")
    wait_until(lambda: postgres.ask("SELECT count(*) FROM donor_stale") == [(0,)], seconds=120, what="all counted")
    for client, other in ((staff, second), (second, staff)):
        for path in paths:
            for component, wait in client.get(path).json()["next_eligible"].items():
                told = other.get(f"{path}/eligibility", params={"component": component}).json()
                assert max(wait["on"] or TODAY, TODAY) == told["earliest_on"], (path, component)


def test_the_daemon_does_not_change_the_schema(postgres, contract):
    """With --config only `giothong migrate` does: a daemon on an empty database refuses."""
    postgres.sql("CREATE DATABASE other OWNER giothong_owner")
    text = postgres.configuration().read_text().replace("dbname=giothong", "dbname=other")
    path = postgres.folder / "other.ini"
    path.write_text(text)
    outcome = programs.run("giothongd", "--config", path, "--listen", f"127.0.0.1:{programs.free_port()}", folder=postgres.folder)
    assert outcome.status == 1 and "migrate" in outcome.err and len(outcome.err.strip().splitlines()) <= 3, outcome
    assert postgres.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", database="other") == [(0,)]


def test_dead_hosts_are_passed_over(postgres, pair, contract):
    """Several hosts in one connection string: the one that lives is found."""
    dead = programs.free_port()
    text = postgres.configuration().read_text().replace(
        f"host=127.0.0.1 port={postgres.port}", f"host=127.0.0.1,127.0.0.1 port={dead},{postgres.port}")
    path = postgres.folder / "hosts.ini"
    path.write_text(text)
    daemon = Daemon(folder=postgres.folder, config=path)
    try:
        daemon.start()
        assert Api(daemon, contract).get("/api/v1/rounds").json()["items"]
        assert daemon.stop() == 0
    finally:
        daemon.end()


# ---- places ----

def booker(daemon, contract, token, path):
    def book(donor):
        """The answer in the end: a machine that is slow may say "not now", and is asked the same again."""
        client, key = Api(daemon, contract, token), {"Idempotency-Key": f"{donor} {time.monotonic_ns()}"}
        while True:
            answer = client.post(path, json={"donor": donor}, headers=key)
            if answer.status_code != 503 and not answer.json().get("type", "").endswith("/idempotency-running"):
                return answer.status_code
            time.sleep(0.05)
    return book


def test_two_hundred_race_for_twenty_places(pair, postgres, contract, clients):
    """Over both daemons: exactly as many win as there are places, and nobody ever sees one more than that."""
    staff, places, racers = clients[0], 20, 200
    plan = staff.post("/api/v1/plans", json={"number": "20/KH-DUA", "code_prefix": "DUA", "title": "Kế hoạch đua", "from": "2025-01-01",
                                             "to": "2025-12-31"}, expect=201).json()
    body = {"title": "Đợt đua", "date": day(30), "units": ["Huyện Than Uyên"], "capacity": places, "start": "07:00", "end": "11:00"}
    made = staff.post(f"/api/v1/plans/{plan['id']}/rounds", json=body, expect=201).json()
    for verb, step in (("announce", None), ("confirm", {"document": "CV đua"}), ("open", None)):
        staff.step(made["id"], verb, step)
    people = [staff.post("/api/v1/donors", json={"name": f"Lò Văn {'bcdghklmnp'[n % 10]}a{'bcdghklmnp'[n // 10 % 10]}o{'bcdghklmnp'[n // 100]}ê",
                                                 "birth_year": 1980 + n % 20}, expect=201).json()["id"] for n in range(racers)]
    path = f"/api/v1/rounds/{made['id']}/slots"
    staff.request("PUT", path, 200, json={"walk_in_percent": 0}, headers={"If-Match": staff.etag(path)})
    path = f"/api/v1/rounds/{made['id']}/appointments"
    ways = [booker(daemon, contract, pair[0].token("staff"), path) for daemon in pair]
    seen, over = [], threading.Event()

    def watch():
        while not over.is_set():
            seen.append(postgres.ask("SELECT r.booked, (SELECT count(*) FROM appointment AS a WHERE a.round_id = r.id AND a.state = 'booked'),"
                                    " (SELECT bool_and(s.booked <= s.capacity) FROM slot AS s WHERE s.round_id = r.id) FROM round AS r WHERE r.id = %s", made["id"])[0])

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            told = list(pool.map(lambda n: ways[n % 2](people[n]), range(racers)))
    finally:
        over.set()
        watcher.join()
    assert (told.count(201), told.count(409)) == (places, racers - places), told
    assert all(booked == there <= places and fits for booked, there, fits in seen), seen
    assert postgres.ask("SELECT booked, (SELECT count(DISTINCT donor_id) FROM appointment WHERE round_id = r.id) FROM round AS r WHERE id = %s",
                       made["id"]) == [(places, places)]
    # a place that gets free can be had again, by one
    winner = staff.items(path)[0]
    staff.post(f"/api/v1/appointments/{winner['id']}/cancel", json={}, expect=200)
    losers = [one for one, status in zip(people, told) if status == 409][:10]
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        again = list(pool.map(lambda n: ways[n % 2](losers[n]), range(10)))
    assert again.count(201) == 1, again
    for client in clients[2:]:
        wait_until(lambda: client.round(made["id"])["places"]["left"] == 0, what="both tell that it is full")
