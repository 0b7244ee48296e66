"""The ledger of acknowledged writes finds what it is there to find: each kind of harm is done once and named."""
import pytest

from harness.ledger import Ledger


@pytest.fixture(scope="module")
def written(daemon):
    with Ledger([daemon.url], daemon.new_token("staff", "ledger"), seed=5, writers=3, readers=1) as ledger:
        ledger.progress(250)
    return ledger


def test_quiet_waters(written, daemon):
    assert written.check(daemon.sql) == []
    counters = written.counters()
    assert counters["acknowledged"] >= 250 and counters["unknown"] == counters["unknown_attempts"] == 0
    assert {kind for kind, _ in written.things} == {"plan", "team", "venue", "round", "report"}


HARMS = [
    ("D1: acknowledged and lost: report", "DELETE FROM round_report WHERE id = '{report}'"),
    ("D1: acknowledged and lost: team", "UPDATE team SET code = 'ANOTHER' WHERE id = '{team}'"),
    ("D1: team {team} is not as acknowledged", "UPDATE team SET beds = 50 WHERE id = '{team}'"),
    ("D1: round {round} is not as acknowledged", "UPDATE round SET target_units = 61 WHERE id = '{round}'"),
    ("D1: round {round} has the units", "DELETE FROM round_unit WHERE round_id = '{round}'"),
    ("D1: report {report} is not as acknowledged", "UPDATE round_report SET units = coalesce(units, 0) + 1 WHERE id = '{report}'"),
    ("D1: 2 times there", "INSERT INTO venue SELECT gen_random_uuid(), name || ' ', unit_id FROM venue WHERE id = '{venue}'"),
    ("nobody sent it", "INSERT INTO team SELECT gen_random_uuid(), '{tag}W0N999999', 'x'"),
    ("D2: team {team} has 0 idempotency rows", "DELETE FROM idempotency WHERE resource_id = '{team}'"),
    ("D6: team.create of {team} was acknowledged", "DELETE FROM audit_entry WHERE subject_id = '{team}' AND action = 'team.create'"),
    ("D6: round {round} has 2 audit rows of its creation",
     "INSERT INTO audit_entry SELECT gen_random_uuid(), at, xid, actor_kind, actor_id, actor_role, action, subject_kind, subject_id,"
     " 'nobody', key_id FROM audit_entry WHERE subject_id = '{round}' AND action = 'round.create'"),
    ("audit rows are not sealed", "DELETE FROM audit_seal WHERE entry_id = (SELECT max(id::text)::uuid FROM audit_entry)"),
    ("D6: report {report} was written by transaction",
     "UPDATE audit_entry SET xid = (xid::text::bigint - 1)::text::xid8 WHERE subject_id = '{report}' AND action = 'report.create'"),
    ("D6: venue {venue}: an audit row says that before was",
     "UPDATE audit_entry SET digest_after = digest_after || 'x' WHERE subject_id = '{venue}' AND action = 'venue.create'"),
]


@pytest.mark.parametrize("expected, harm", HARMS, ids=[harm[0].split("{")[0].strip() + f" {n}" for n, harm in enumerate(HARMS)])
def test_each_harm_is_found(written, daemon, expected, harm):
    """Done in a transaction that is rolled back; the check looks from inside it."""
    last = {kind: next(key for (k, key), t in reversed(written.things.items()) if k == kind and len(t.steps) >= steps)
            for kind, steps in (("team", 1), ("venue", 1), ("round", 1), ("report", 0), ("plan", 0))}
    words = {"tag": written.tag, **last}
    with daemon.database() as connection:
        connection.execute("BEGIN")
        connection.execute(f"SET LOCAL session_replication_role = replica; {harm.format(**words)}")
        try:
            found = written.check(lambda sql, *parameters: connection.execute(sql, parameters or None).fetchall(),
                                  seal_seconds=0, api_sample=1)
        finally:
            connection.execute("ROLLBACK")
    assert any(expected.format(**words) in violation for violation in found), found


def test_a_lie_of_the_daemon_is_found(written, daemon):
    """What it answered, held against what is there: a changed answer, a no that was a yes, one key for two."""
    change = next(c for c in written.changes if c.answer and c.mark and c.kind == "team")
    answer, status = change.answer, change.answer.status
    answer.status, answer.slug, change.answer = 503, "unavailable", None
    try:
        found = written.check(daemon.sql, api_sample=1)
    finally:
        answer.status, answer.slug, change.answer = status, None, answer
    assert any(text.startswith("false no") for text in found) and any("every answer said no" in text for text in found), found
    written.forbid(change.mark)
    try:
        assert any(text.startswith("D2: team") for text in written.check(daemon.sql, api_sample=1))
    finally:
        written.forbidden.remove(change.mark)
