"""Fixtures: a daemon a worker, daemons to break, clients that check the contract."""
import itertools
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from harness import programs                                        # noqa: E402
from harness.client import Api                                      # noqa: E402
from harness.contract import Contract                               # noqa: E402
from harness.daemon import Daemon, own_daemon                                   # noqa: E402
from harness.seeds import Seeds                                     # noqa: E402


@pytest.fixture(scope="session")
def contract():
    return Contract()


@pytest.fixture(scope="session")
def daemon():
    """One daemon with its own cluster for all tests of a worker; tests make what they need in it."""
    with own_daemon() as one:
        yield one


@pytest.fixture(scope="session")
def loaded(daemon):
    """The same with the plan of 2025 in it."""
    daemon.cli_ok("plan", "import", programs.CONFIG / "plans" / "lai-chau-2025.json")
    return daemon


@pytest.fixture(scope="session")
def with_history(loaded):
    """And the rounds that the press reported."""
    loaded.cli_ok("history", "import", programs.CONFIG / "rounds" / "lai-chau-history.csv")
    return loaded


@pytest.fixture
def fresh_daemon():
    """Makes daemons that a test may break: fresh_daemon(settings=..., start=True)."""
    made = []

    def make(start=True, **options):
        one = Daemon(**options)
        made.append(one)
        return one.start() if start else one

    yield make
    for one in reversed(made):
        one.end()
    for one in made:
        if one.owns_folder:
            programs.remove(one.folder)


@pytest.fixture
def api(daemon, contract):
    """The public: no token."""
    return Api(daemon, contract)


@pytest.fixture
def staff(api):
    return api.as_("staff")


@pytest.fixture
def admin(api):
    return api.as_("admin")


@pytest.fixture
def api_of(contract):
    """A client of another daemon: api_of(daemon)."""
    return lambda daemon, token=None: Api(daemon, contract, token)


_serial = itertools.count(1)


@pytest.fixture
def seeds(staff):
    return Seeds(staff, _serial)


@pytest.fixture(autouse=True)
def no_sanitizer_report():
    yield
    reports = programs.REPORTS.news()
    assert not reports, f"a sanitizer reported:\n{reports}"


def pytest_sessionstart(session):
    missing = [name for name in ("giothong", "giothongd") if not os.access(programs.BIN / name, os.X_OK)]
    if missing and not hasattr(session.config, "workerinput"):
        raise pytest.UsageError(f"not built: {', '.join(missing)} in {programs.BIN} (GIOTHONG_BIN names another folder)")


