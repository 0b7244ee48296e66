"""The life of a round (tests/scenario/run), short: fewer people, two kills. About half a minute."""
import sys

from harness import programs

sys.path.insert(0, str(programs.ROOT / "tests" / "scenario"))

from story import Story                                             # noqa: E402


def test_a_round_from_registration_to_the_last_millilitre():
    figures = Story(donors=30, kills=2, seed=1).run()
    assert figures["kills"] == 2 and figures["ml"] == figures["redeemed_ml"] + figures["balance_ml"] > 0
