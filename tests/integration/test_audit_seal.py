"""The sealed audit: one chain over all entries, signed, whoever seals and whenever it is killed."""
import time

import pytest

from harness import chain
from harness.daemon import wait_until


def sealed(daemon):
    return daemon.value("SELECT (SELECT count(*) FROM audit_seal) = (SELECT count(*) FROM audit_entry)")


def test_entries_are_sealed_and_signed(seeds, daemon):
    seeds.open()
    begun = time.monotonic()
    wait_until(lambda: sealed(daemon), 20, what="all entries sealed")
    assert time.monotonic() - begun < 10
    with daemon.database() as connection:
        assert chain.length(connection) == connection.execute("SELECT count(*) FROM audit_entry").fetchone()[0]
        assert chain.faults(connection) == []
        wait_until(lambda: chain.checkpoints(connection)[-1][0] == chain.length(connection), 30, what="the end is signed")
        rows = chain.checkpoints(connection)
    public = chain.public_key(daemon.data / "keyring")
    for row in rows:
        assert chain.is_signed(public, *row)
    assert not chain.is_signed(public, rows[0][0] + 1, *rows[0][1:])
