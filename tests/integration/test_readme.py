"""What README.md tells a newcomer to type: run as it stands, and it prints what stands there (12 s, most of it the daemon's start)."""
import re
import subprocess
import time

import pytest

from harness import programs
from harness.daemon import own_daemon

MARK = "---- and the next ----"
TODAY = "2026-03-10"                       # on the map of today


def commands(title):
    """(command, the lines that it prints) of a section, in its order."""
    text = (programs.ROOT / "README.md").read_text()
    section = text.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]
    for block in re.findall(r"^```console\n(.*?)^```", section, re.S | re.M):
        for step in re.split(r"^\$ ", block, flags=re.M)[1:]:
            lines = step.rstrip("\n").split("\n")
            n = 1
            while lines[n - 1].endswith(("\\", "|")):
                n += 1
            yield "\n".join(lines[:n]), lines[n:]


class Shell:
    """One bash for all of them. Its day is the daemon's; who is told to come again does."""

    def __init__(self, folder, before):
        self.process = subprocess.Popen(["timeout", "600", "bash"], cwd=folder, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=open(folder / "err", "w"), env=programs.sanitizer_environment(folder / "reports"))
        self.says(f'''
giothong() {{ {programs.BIN}/giothong "$@"; }}
again() {{ command curl --retry 20 --retry-delay 1 "$@"; }}
curl() {{ case " $* " in *" -o "* | *" -I "*) again "$@" ;; *) again -o last "$@"; cat last ;; esac; }}     # of a pipe nothing is taken back
date() {{ if [ "$1" = +%F ]; then echo {TODAY}; else echo {TODAY}T08:00:00+07:00; fi; }}
{before}''')

    def says(self, command):
        self.process.stdin.write(f"{command}\necho; echo '{MARK}'\n")
        self.process.stdin.flush()
        lines = []
        for line in self.process.stdout:
            if line.rstrip("\n") == MARK:
                return [text for text in lines if text]
            lines.append(line.rstrip("\n"))
        pytest.fail(f"the shell ended at {command}: {lines}")

    def end(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(60)


def test_a_day_command_by_command(tmp_path):
    (tmp_path / "config").symlink_to(programs.CONFIG)
    steps = list(commands("A collection day, command by command"))
    assert len(steps) > 60
    with own_daemon(now=f"{TODAY}T08:00:00+07:00", settings={"workers.count": 1}) as daemon:
        daemon.cli_ok("team", "add", "--code", "D1", "--name", "Đội 1")
        shell = Shell(tmp_path, f"STAFF={daemon.token('staff')}; TEAM={daemon.new_token('team', 'máy 1', '--team', 'D1')}")
        for command, printed in steps:
            here = command.replace("http://127.0.0.1:8080", daemon.url).replace("--data DIR", f"--data {daemon.data}")
            said, end = shell.says(here), time.monotonic() + 60
            while said != printed and not re.search(r" -d | -X |\w+ create", here) and time.monotonic() < end:
                time.sleep(0.2)                  # what is read may be a second old
                said = shell.says(here)
            assert said == printed, f"{command}\n{[p.read_text()[-600:] for p in tmp_path.glob('*.json')]}\n{(tmp_path / 'err').read_text()[-2000:]}"
        shell.end()
