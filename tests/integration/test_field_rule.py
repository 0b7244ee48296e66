"""The short ways by which it is told what stands of an item give what the rule in plain words gives, for rows of every kind."""
import pathlib

import pytest

from harness import programs
from harness.database import Postgres

RULE = pathlib.Path(__file__).parent / "rule"
VIEWS = ["deferral_counting", "donation_standing", "donation_counting", "item_reason_ever", "item_reason", "item_state"]
SETTINGS = ("SET jit = off", "SET search_path = public")
ARGUMENTS = ("(x.id, i.kind, i.install, i.seq, i.staff, i.corrects, i.donor_id, i.provisional_id, n.bag_code, n.donated_on, n.volume_ml,"
             " i.captured_at)")


@pytest.fixture(scope="module")
def postgres():
    one = Postgres().make()
    config = one.configuration()
    for words in (["keyring", "create"], ["migrate"]):
        outcome = programs.run("giothong", "--config", config, *words, folder=one.folder)
        assert outcome.status == 0, outcome
    one.sql(*SETTINGS, (RULE / "field.sql").read_text(), database="giothong")
    yield one
    one.remove()


@pytest.mark.parametrize("seed, wide", [(0.1, 1), (0.2, 4), (0.3, 8)])
def test_the_short_way_is_the_rule(postgres, seed, wide):
    rows = (RULE / "field_rows.sql").read_text().replace(":seed", str(seed)).replace(":wide", str(wide))
    postgres.sql(*SETTINGS, rows, database="giothong")

    def ask(statement):
        return postgres.sql(*SETTINGS, statement, database="giothong")
    assert ask("SELECT count(DISTINCT id) FROM item_reason WHERE reason = 'same_day'") > [(1,)]
    for view in VIEWS:
        assert ask(f"SELECT count(*) FROM {view}") > [(15,)]
        assert ask(f"(TABLE {view} EXCEPT ALL TABLE rule.{view}) UNION ALL (TABLE rule.{view} EXCEPT ALL TABLE {view})") == [], view
    receipt = ask("SELECT k.id, k.content_hash, r.state, r.reasons FROM (SELECT array_agg(id) AS ids, array_agg(content_hash) AS contents FROM item) AS a"
                  " CROSS JOIN LATERAL item_receipt(a.ids, a.contents) AS r"
                  " JOIN LATERAL unnest(a.ids, a.contents) WITH ORDINALITY AS k (id, content_hash, n) ON k.n = r.n ORDER BY 1, 2")
    assert receipt == ask("SELECT s.id, s.content_hash, s.state, CASE WHEN s.state = 'counts' THEN '{}' ELSE ARRAY(SELECT DISTINCT r.reason"
                          " FROM item_reason AS r WHERE r.id = s.id AND r.content_hash = s.content_hash ORDER BY 1) END"
                          " FROM item_state AS s ORDER BY 1, 2")
    assert {row[2] for row in receipt} >= {"counts", "held", "open"}
    figures = ask("SELECT round_figures(r.id), rule.round_figures(r.id) FROM (SELECT DISTINCT round_id AS id FROM item WHERE round_id IS NOT NULL) AS r")
    assert len(figures) == 3 and [one for one, _ in figures] == [one for _, one in figures]
    # of what would come in now: each content again, and under an id of its own
    verdicts = ask(f"SELECT item_verdict{ARGUMENTS}, rule.verdict{ARGUMENTS} FROM item AS i"
                   " LEFT JOIN donation AS n ON n.item_id = i.id AND n.content_hash = i.content_hash"
                   " CROSS JOIN LATERAL (SELECT i.id UNION ALL SELECT md5(i.id::text)::uuid) AS x")
    assert {one for one, _ in verdicts} == {"applied", "held", "conflict"}
    assert [pair for pair in verdicts if pair[0] != pair[1]] == []
    firsts = [pair for pair, in ask("SELECT rule.first_answers()")]
    assert {one for one, _ in firsts} == {"applied", "held", "conflict"}
    assert [pair for pair in firsts if pair[0] != pair[1]] == []
