"""The soak of injected faults (tests/soak/run), short: eight seeds, about 40 seconds; and that it sees what it is there to see."""
import collections
import signal
import sys

import pytest

from harness import programs

sys.path.insert(0, str(programs.ROOT / "tests" / "soak"))

import bystanders                                                   # noqa: E402
from soak import Ground, Run                                        # noqa: E402


@pytest.fixture(scope="module")
def ground():
    with Ground() as one:
        yield one
        assert one.finish() == []


@pytest.mark.parametrize("seed", range(1, 9))
def test_seed(ground, seed):
    outcome = ground.perform(seed, seconds=0.7, rate=400)
    assert outcome.passed, "\n".join([outcome.line(), *outcome.violations, outcome.log[-3000:]])
    assert outcome.faults and outcome.figures["acknowledged"] >= 10, outcome.line()


@pytest.mark.parametrize("status, asked, points, text, fine", [
    (0, True, {}, "ready level=info", True),
    (0, False, {}, "ready level=info", False),
    (-signal.SIGABRT, False, {"xmalloc": 1}, "ready level=info\nout_of_memory\n", True),
    (-signal.SIGABRT, False, {"recv": 1}, "ready level=info\n", False),
    (-signal.SIGSEGV, False, {"xmalloc": 1}, "ready level=info\nout_of_memory\n", False),
    (1, False, {"pq_exec": 1}, "giothongd: the database refuses", True),
    (1, False, {}, "giothongd: the database refuses", False),
    (1, True, {"pq_exec": 1}, "ready level=info", False),
    (-signal.SIGTERM, True, {}, "fault_seam level=warning\n", True),
    (-signal.SIGTERM, True, {}, "ready level=info\ndraining level=info\n", False),
])
def test_which_ends_are_fine(status, asked, points, text, fine):
    run = Run.__new__(Run)
    run.status, run.asked, run.text, run.faults = status, asked, text, collections.Counter(points)
    assert (run.complaint() is None) == fine


@pytest.mark.parametrize("rows, audited, fine", [
    ([(n, 7, str(n)) for n in range(1, 5)], 4, True),
    ([(n, 8, str(n)) for n in range(1, 5)], 4, True),                 # told neither yes nor no
    ([(n, 9, str(n)) for n in range(1, 5)], 4, False),
    ([(n, 7 + n // 4, str(n)) for n in range(1, 5)], 4, False),
    ([(n, 7, str(n)) for n in range(1, 4)], 3, False),
    ([(n, 7, str(n)) for n in range(1, 5)], 5, False),
])
def test_half_an_import_is_seen(rows, audited, fine):
    importer = bystanders.Importer("http://127.0.0.1:1", "token")
    importer.plan, importer.acknowledged, importer.maybe = {"id": "x"}, 7, {8}
    importer.check(lambda sql, *_: [(audited,)] if "audit_entry" in sql else rows)
    assert (importer.violations == []) == fine, importer.violations
