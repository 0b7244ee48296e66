"""The soak of injected faults (tests/soak/run), short: eight seeds, about half a minute."""
import sys

import pytest

from harness import programs

sys.path.insert(0, str(programs.ROOT / "tests" / "soak"))

from soak import Ground                                             # noqa: E402


@pytest.fixture(scope="module")
def ground():
    with Ground() as one:
        yield one
        assert one.finish() == []


@pytest.mark.parametrize("seed", range(1, 9))
def test_seed(ground, seed):
    outcome = ground.perform(seed, seconds=1.5)
    assert outcome.passed, "\n".join([outcome.line(), *outcome.violations, outcome.log[-3000:]])
    assert outcome.faults and outcome.figures["acknowledged"] >= 10, outcome.line()
