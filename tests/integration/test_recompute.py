"""`giothong eligibility recompute`: other rules, other days; shown before, killed in the middle, finished by running it again."""
import json
import signal
import subprocess

import pytest

from harness import programs
from harness.daemon import Daemon, wait_until
from harness.database import Postgres

from test_donors_import import Lists, person

DONORS = 450
COLUMNS = "next_whole_blood, next_red_cells, next_platelets, next_plasma, next_granulocytes, next_stem_cells, last_donated_on, age_on"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A database with donors who gave, and no daemon on it."""
    folder = tmp_path_factory.mktemp("recompute")
    postgres = Postgres().make()
    daemon = Daemon(config=postgres.configuration())
    try:
        if not (postgres.folder / "keyring").exists():
            daemon.cli_ok("keyring", "create")
        daemon.cli_ok("migrate")
        lists = Lists(daemon, folder)
        outcome = daemon.cli(*lists.arguments(lists.csv([person(n) for n in range(DONORS)])))
        assert outcome.status == 0, outcome
        daemon.cli_ok("eligibility", "recompute")            # no daemon ever ran: the command counts all by itself
        rules = json.loads((programs.CONFIG / "eligibility" / "vn-26-2013-tt-byt.json").read_text())
        for wait in rules["waits"]:
            if wait["wait"] == {"value": 12, "unit": "week"}:
                wait["wait"]["value"] = 16
        path = folder / "other.json"
        path.write_text(json.dumps(rules))
        yield Site(daemon, postgres, ["--set", f"eligibility.rules={path}"])
    finally:
        daemon.end()
        postgres.remove()


class Site:
    def __init__(self, daemon, postgres, rules):
        self.daemon, self.postgres, self.rules = daemon, postgres, rules

    def value(self, question):
        return self.postgres.ask(question)[0][0]

    def days(self):
        return self.postgres.ask(f"SELECT id::text, ({COLUMNS})::text FROM donor ORDER BY id")

    def recompute(self, *more, other=True):
        outcome = self.daemon.cli("eligibility", "recompute", "--json", *(self.rules if other else []), *more)
        assert outcome.status == 0, outcome
        return json.loads(outcome.out)


def test_shown_applied_and_killed_in_between(site):
    daemon, rules = site.daemon, site.rules
    before = site.days()
    assert len(before) == DONORS
    same = site.recompute("--dry-run", other=False)
    assert (same["donors"], same["changed"], same["dry_run"]) == (DONORS, 0, True)
    shown = site.recompute("--dry-run")
    later = shown["components"]["whole_blood"]["later"]
    assert shown["changed"] >= later > DONORS // 2 and shown["components"]["whole_blood"]["sooner"] == 0
    assert site.days() == before and site.value("SELECT count(*) FROM donor_stale") == 0
    # killed as soon as something was marked or counted, a few times; then to the end
    for _ in range(3):
        seen = site.value("SELECT count(*) FROM audit_entry WHERE action = 'eligibility.recompute'")
        process = subprocess.Popen([str(daemon.binaries / "giothong"), *daemon.place, "eligibility", "recompute", *rules],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: process.poll() is not None or seen < site.value(
            "SELECT count(*) FROM audit_entry WHERE action = 'eligibility.recompute'"), 60, every=0.001)
        process.send_signal(signal.SIGKILL)
        process.wait()
        wait_until(lambda: site.value("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'giothong'") == 0,
                   what="the end of what it had asked for")
    site.recompute()
    assert site.value("SELECT count(*) FROM donor_stale") == 0
    after = site.days()
    assert sum(a != b for a, b in zip(before, after)) == shown["changed"]
    assert site.recompute("--dry-run")["changed"] == 0 and site.recompute()["changed"] == 0
    assert site.value("SELECT count(*) FROM audit_entry WHERE action = 'eligibility.recompute' AND subject_id = 'vn-26-2013-tt-byt'"
                        " AND actor_kind = 'command'") >= 1
    # and back: what the first rules say is what it was
    site.recompute(other=False)
    assert site.days() == before


def test_a_daemon_with_other_rules_is_restarted_first(site):
    """Or it would count by its own again, donor by donor."""
    daemon, before = site.daemon, site.days()
    daemon.start()
    try:
        wait_until(lambda: site.value("SELECT count(*) FROM daemon WHERE rules LIKE 'vn-26-2013-tt-byt %'") == 1)
        assert site.recompute("--dry-run")["changed"] > 0        # looking is free
        assert "restart it before you apply" in daemon.cli_ok("eligibility", "recompute", *site.rules, "--dry-run").out
        outcome = daemon.cli("eligibility", "recompute", *site.rules)
        assert outcome.status == 1 and "restart it first" in outcome.err and "vn-26-2013-tt-byt" in outcome.err, outcome
        assert site.days() == before
        assert site.recompute(other=False)["changed"] == 0       # by its own rules, beside it
    finally:
        daemon.stop()
    assert site.recompute()["changed"] > 0                       # it took its leave
    site.recompute(other=False)
    assert site.days() == before


def test_said_in_words(site):
    daemon = site.daemon
    assert f"{DONORS} donors, 0 of them would change" in daemon.cli_ok("eligibility", "recompute", "--dry-run").out
    assert daemon.cli("eligibility", "recompute", "--set", "eligibility.rules=nothing-of-the-kind").status == 1
