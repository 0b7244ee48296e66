"""Every change has its audit row, written in the same transaction."""
import re
import uuid

from harness.daemon import wait_until
from harness.seeds import TODAY


def trail(daemon, subject):
    return daemon.sql("SELECT action, actor_kind, actor_role, digest_before IS NULL, digest_after IS NULL, xid::text, request_id"
                      " FROM audit_entry WHERE subject_id = %s ORDER BY audit_entry.xid, id", subject)


def test_each_change_of_a_round_has_one_row(seeds, staff, daemon):
    one = seeds.open()
    staff.step(one["id"], "postpone", {"reason": "mưa"})
    rows = trail(daemon, one["id"])
    assert [r[0] for r in rows] == ["round.create", "round.announce", "round.confirm", "round.open", "round.postpone"]
    assert all(r[1:3] == ("token", "staff") for r in rows)
    assert [(r[3], r[4]) for r in rows] == [(True, False)] + [(False, False)] * 4
    assert all(re.fullmatch(r"[0-9a-f-]{36}", r[6]) for r in rows)


def test_in_the_same_transaction(seeds, daemon):
    for table, made in (("round", seeds.draft()), ("plan", seeds.plan()), ("team", seeds.team()), ("venue", seeds.venue())):
        xmin = daemon.value(f"SELECT xmin::text FROM {table} WHERE id = %s", made["id"])
        xids = [r[5] for r in trail(daemon, made["id"])]
        assert xmin in [str(int(x) % 2**32) for x in xids], table


def test_every_kind_of_change(seeds, staff, daemon):
    one = seeds.in_status("closed")
    report = staff.post(f"/api/v1/rounds/{one['id']}/reports",
                        json={"source": "team", "reported_on": TODAY, "units": {"value": 3}}, expect=201).json()
    team = seeds.team()
    staff.patch(f"/api/v1/teams/{team['id']}", {"beds": 3}, etag=staff.etag(f"/api/v1/teams/{team['id']}"), expect=200)
    assert "report.create" in [r[0] for r in trail(daemon, report["id"])] + [r[0] for r in trail(daemon, one["id"])]
    assert [r[0] for r in trail(daemon, team["id"])] == ["team.create", "team.edit"]
    assert [r[0] for r in trail(daemon, one["plan"]["id"])][:1] == ["plan.create"]


def test_commands_are_audited_too(daemon, seeds):
    name = f"audited {seeds.number()}"
    daemon.new_token("comms", name)
    daemon.cli_ok("token", "revoke", name)
    token = str(daemon.value("SELECT id FROM access_token WHERE name = %s", name))
    rows = trail(daemon, token)
    assert [(r[0], r[1]) for r in rows] == [("token.create", "command"), ("token.revoke", "command")]


def test_the_digest_follows_the_image(seeds, staff, daemon):
    """What a row says was before is what the row ahead of it says came after."""
    one = seeds.open()
    rows = daemon.sql("SELECT digest_before, digest_after FROM audit_entry WHERE subject_id = %s ORDER BY xid, id", one["id"])
    for (_, after), (before, _) in zip(rows, rows[1:]):
        assert bytes(before) == bytes(after)
    assert len({bytes(after) for _, after in rows}) == len(rows)


def test_a_refused_change_leaves_no_row(seeds, staff, daemon):
    one = seeds.official()
    count = len(trail(daemon, one["id"]))
    staff.step(one["id"], "reopen", {"reason": "x"}, expect=409)
    staff.step(one["id"], "cancel", {}, expect=422)
    assert len(trail(daemon, one["id"])) == count


def test_read_by_auditors(seeds, api, staff):
    one = seeds.open()
    rows = api.as_("auditor").items("/api/v1/audit", subject_kind="round", subject_id=one["id"], limit=2)
    assert [r["action"] for r in rows] == ["round.open", "round.confirm", "round.announce", "round.create"]
    assert api.as_("auditor").items("/api/v1/audit", subject_id=str(uuid.uuid4())) == []
    wait_until(lambda: all(r["position"] for r in api.as_("auditor").items("/api/v1/audit", subject_kind="round", subject_id=one["id"])),
               what="each has its place in the chain")
    actors = {r["actor"]["id"] for r in rows}
    assert len(actors) == 1
    assert api.as_("auditor").get("/api/v1/audit", params={"actor_id": actors.pop(), "action": "round.open", "limit": 1}).json()["items"]


def test_the_log_names_the_request(seeds, staff, daemon):
    one = seeds.draft()
    request_id = trail(daemon, one["id"])[0][6]
    assert request_id
