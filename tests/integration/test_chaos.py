"""The faults of tests/chaos/run, short: kill, freeze, cut, and nothing acknowledged is lost or doubled. About a minute."""
import sys

import pytest

from harness import programs

sys.path.insert(0, str(programs.ROOT / "tests" / "chaos"))

import faults                                                       # noqa: E402
from stage import Stage                                             # noqa: E402

SHORT = {"kill-daemon": 4, "stop-daemon": 3, "kill-postmaster": 2, "kill-backend": 3, "terminate-backends": 4, "freeze-database": 5, "term-frozen": 5,
         "lost-answers": 3, "half-body": 3}


@pytest.fixture(scope="module")
def stage():
    """One daemon takes them all, one after the other."""
    with Stage(seam=True, pause=0.2, client_wire=True, patience=3) as one:
        yield one
        assert one.finish() == []


@pytest.mark.parametrize("name", SHORT)
def test_survives(stage, name):
    result = faults.perform_on(stage, faults.FAULTS[name], SHORT[name], seed=1)
    assert result.passed, "\n".join([result.line(), *result.violations])
    assert result.figures["acknowledged"] >= 100 and result.figures["left unknown"] == 0, result.line()
