"""One attack after the other, each on a site of its own. Started by tests/attack/run, which says what they are."""
import argparse
import pathlib
import shutil
import signal
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "integration"), str(ROOT / "tests" / "attack")]

import injections                                                   # noqa: E402
import scans                                                        # noqa: E402
import slow                                                         # noqa: E402
from harness import programs                                        # noqa: E402
from harness.daemon import AS_SHIPPED, OPEN_LIMITS                  # noqa: E402
from harness.proxy import Site                                      # noqa: E402

ATTACKS = {"slow": slow.attack, "sqlmap": injections.attack, "wapiti": scans.attack}
LIFTED = {"sc0_conn_cur gt 1000": "sc0_conn_cur gt 100000000", "sc0_conn_rate gt 1000": "sc0_conn_rate gt 100000000",
          "sc0_http_req_rate gt 6000": "sc0_http_req_rate gt 100000000"}


def load(site):
    """The same data as deploy/quickstart."""
    site.start()
    site.daemons[0].cli_ok("history", "import", programs.CONFIG / "rounds" / "lai-chau-history.csv")
    site.daemons[0].cli_ok("plan", "import", programs.CONFIG / "plans" / "demo-2027.json")
    return site


def statuses(site):
    """{status: answers} of all that went through the proxy, from its log."""
    counted = {}
    for line in site.proxy.log().splitlines():
        word = next((w for w in line.split() if w.startswith("status=")), None)
        if word:
            status = int(word.removeprefix("status="))
            counted[status] = counted.get(status, 0) + 1
    return counted


def aftermath(site):
    """What is wrong with those who were attacked."""
    faults = [f"daemon {n + 1} ended" for n, daemon in enumerate(site.daemons) if daemon.process.poll() is not None]
    counted = statuses(site)
    print("   answers through the proxy:", ", ".join(f"{n} × {status}" for status, n in sorted(counted.items())))
    # 501 and 505 refuse a method and a version that do not exist.
    faults += [f"{n} answers {status}" for status, n in sorted(counted.items()) if status >= 500 and status not in (501, 505)]
    faults += [f"a daemon's log: {line}" for line in site.logs().splitlines() if line.startswith("request_failed")][:5]
    if not any(fault.endswith("ended") for fault in faults):
        faults += [f"daemon {n + 1} exits with {status}" for n, status in enumerate(d.stop() for d in site.daemons) if status]
    reports = programs.REPORTS.news()
    return faults + ([f"a sanitizer reported:\n{reports}"] if reports else [])


def keep(name, site):
    """What tells more of a finding: reports, requests and logs."""
    folder = ROOT / "build" / "attack" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for file in [*site.folder.glob("attack*/*"), site.proxy.log_path, *site.postgres.folder.glob("*.log")]:
        if file.is_file():
            shutil.copy(file, folder / file.name)
    print(f"   see {folder}")


def run(name, options):
    print(f"== {name}", flush=True)
    settings = {"listen.drain_notice_ms": 0, "workers.count": 2, **OPEN_LIMITS, **AS_SHIPPED}
    site = Site(settings, None if name == "slow" else LIFTED)
    try:
        load(site)
        faults = ATTACKS[name](site, options)
        faults += aftermath(site)
        if faults:
            keep(name, site)
    except BaseException:
        keep(name, site)
        raise
    finally:
        site.end()
    for fault in faults:
        print(f"   FINDING: {fault}")
    print(f"   {name}: {'%d findings' % len(faults) if faults else 'no finding'}", flush=True)
    return faults


def main():
    parser = argparse.ArgumentParser(prog="tests/attack/run")
    parser.add_argument("attacks", nargs="*", metavar="ATTACK", help="slow, sqlmap, wapiti; default: all")
    parser.add_argument("--seconds", type=int, default=45, help="of each slow attack (45)")
    parser.add_argument("--only", default="", metavar="WORD", help="attacks whose name has this word")
    options = parser.parse_args()
    unknown = set(options.attacks) - set(ATTACKS)
    if unknown:
        parser.error(f"no attack {', '.join(sorted(unknown))}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))      # and everything that was started is ended
    found = [run(name, options) for name in ATTACKS if not options.attacks or name in options.attacks]
    sys.exit(1 if any(found) else 0)


if __name__ == "__main__":
    main()
