"""A systemd unit of ours, and a program run under what the unit lets it do: no PID 1 is needed."""
import functools
import json
import pathlib
import subprocess
import sys

from . import programs

UNITS = programs.ROOT / "deploy" / "systemd"


def read(path):
    """{"Section.Name": [values]}, in the order of the file."""
    settings, section = {}, ""
    for line in pathlib.Path(path).read_text().replace("\\\n", " ").splitlines():
        line = line.strip()
        if line.startswith("["):
            section = line.strip("[]")
        elif line and line[0] not in "#;":
            name, _, value = line.partition("=")
            settings.setdefault(f"{section}.{name.strip()}", []).append(value.strip())
    return settings


@functools.cache
def _groups():
    """systemd's own lists: {"@file-system": {"open", ..., "@other"}}."""
    text = subprocess.run(["systemd-analyze", "--no-pager", "syscall-filter"], capture_output=True, text=True, check=True).stdout
    groups, name = {}, None
    for line in text.splitlines():
        if line.startswith("@"):
            name = line.strip()
            groups[name] = set()
        elif not line.startswith(" "):
            name = None                  # what the kernel has and systemd does not know
        elif name and not line.strip().startswith("#"):
            groups[name].add(line.strip())
    return groups


def expand(words):
    calls = set()
    for word in words:
        calls |= expand(_groups()[word]) if word.startswith("@") else {word}
    return calls


def allowed_calls(settings):
    """The system calls that SystemCallFilter= leaves, as systemd reads its lines: an allow list, then what goes."""
    allowed = expand(["@default"])
    for number, line in enumerate(settings["Service.SystemCallFilter"]):
        removes = line.startswith("~")
        assert removes or number == 0, "the first line allows, the others take away"
        calls = expand(line.lstrip("~").split())
        allowed = allowed - (calls - expand(["@default"])) if removes else allowed | calls
    return allowed


# Runs in a new interpreter: reads one JSON line, puts the filters on, becomes the program. What is not
# allowed kills, where the unit only refuses: so nothing of it goes unnoticed.
_CAGE = """
import json, os, resource, seccomp, socket, sys
cage = json.loads(sys.argv[1])
os.umask(cage["umask"])
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
if cage["user"] is not None and os.geteuid() == 0:
    os.setgroups([]); os.setresgid(*[cage["user"]] * 3); os.setresuid(*[cage["user"]] * 3)
kill = seccomp.KILL_PROCESS
memory = seccomp.SyscallFilter(seccomp.ALLOW)
both = 0x2 | 0x4
memory.add_rule(kill, "mmap", seccomp.Arg(2, seccomp.MASKED_EQ, both, both))
for name in ("mprotect", "pkey_mprotect"):
    memory.add_rule(kill, name, seccomp.Arg(2, seccomp.MASKED_EQ, 0x4, 0x4))
families = seccomp.SyscallFilter(seccomp.ALLOW)
if cage["families"] == ["AF_UNIX"]:
    families.add_rule(kill, "socket", seccomp.Arg(0, seccomp.NE, int(socket.AF_UNIX)))
calls = seccomp.SyscallFilter(kill)
for name in cage["calls"]:
    try:
        calls.add_rule(seccomp.ALLOW, name)
    except (OSError, RuntimeError):
        pass                             # of another processor
for one in (memory, families, calls):
    one.load()
os.execve(cage["command"][0], cage["command"], dict(os.environ))
"""


def caged(settings, command, user=None):
    """The command line that runs `command` under the unit's system calls, address families and umask."""
    assert settings["Service.MemoryDenyWriteExecute"] == ["yes"]
    cage = {
        "umask": int(settings["Service.UMask"][0], 8),
        "user": user,
        "families": settings["Service.RestrictAddressFamilies"][0].split(),
        "calls": sorted(allowed_calls(settings)),
        "command": [str(word) for word in command],
    }
    return [sys.executable, "-c", _CAGE, json.dumps(cage)]
