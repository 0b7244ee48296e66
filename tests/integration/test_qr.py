"""`tests/qr/run` in short: the QR codes of a round's certificates, read from the PDF by another program and verified by another implementation."""
import os
import re
import subprocess

from harness import programs


def test_read_verified_and_not_when_flipped():
    outcome = subprocess.run([programs.ROOT / "tests" / "qr" / "run", "8", "300"], capture_output=True, text=True, timeout=600,
                             env={**os.environ, "GIOTHONG_BIN": str(programs.BIN)})
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert re.search(r"read and verified: 8 of 8; flipped and verified all the same: 0 of 300\b", outcome.stdout), outcome.stdout
