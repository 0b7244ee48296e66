"""sqlmap over the contract: no parameter, path part, JSON member or header field may reach a statement as SQL."""
import os
import pty
import re
import subprocess
import time
import urllib.parse

import surface
import victim

# What it first suspects ("appears to be injectable") and then checks and drops is none.
FOUND = re.compile(r"sqlmap identified the following injection point|is vulnerable\.")
LIMIT = 900                                # seconds for one request with all of its parameters


def sqlmap(folder, *words, dbms="PostgreSQL"):
    command = ["sqlmap", "--batch", "--disable-coloring", "--flush-session", "--fresh-queries", "--output-dir", folder / "sqlmap", "--dbms", dbms,
               "--risk", 2, "--union-cols", "1-12", "--threads", 2, "--time-sec", 3, "--timeout", 10, "--retries", 1, "--skip-waf", "--ignore-code", "*",
               "--ignore-redirects", *words]
    # Left alone, it takes the limit of a field's length for a hint that UNION works, and counts columns for ten minutes.
    # Where standard input is no terminal, it would read its targets from there.
    ours, its = pty.openpty()
    try:
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=LIMIT, stdin=its, cwd=folder)
    finally:
        os.close(ours)
        os.close(its)
    return done.stdout + done.stderr


def judge(name, out):
    """(parameters that were tested, findings)"""
    tested = set(re.findall(r"parameter '([^']+)' does not seem to be injectable", out))
    findings = [f"sqlmap {name}: {line.strip()}" for line in out.splitlines() if FOUND.search(line)]
    if not tested and not findings:
        tail = " | ".join(line for line in out.splitlines() if "ERROR" in line or "CRITICAL" in line)[:400]
        findings = [f"sqlmap {name}: nothing was tested: {tail or out[-400:]}"]
    return tested, findings


def requests_of(site, reads, writes, folder):
    """(name, words of sqlmap) for each surface: its query or body, its path, and fields of the head."""
    number, paths = 0, set()

    def saved(one, marked=None):
        nonlocal number
        number += 1
        # A kept connection is slow for bodies: its client writes head and body apart and waits for the first to be acknowledged.
        more = ["--level", 1] if one.body is not None else ["--level", 2, "--keep-alive"]
        return ["-r", surface.save(one, folder, number, site, marked), "--force-ssl", *more]
    for one in reads:
        if one.query:
            yield one.name, saved(one)
        parts = one.path.rstrip("/").split("/")
        if one.path.startswith(("/api/v1/", "/calendar/", "/problems/")) and len(parts) > 2 and one.path not in paths:
            paths.add(one.path)
            marked = one.path.replace(".ics", "*.ics") if one.path.endswith(".ics") else one.path + "*"
            yield f"GET {marked}", saved(surface.Surface("GET", one.path, {}, token=one.token), {"target": marked})
    for one in writes:
        yield one.name, [*saved(one), *(["--randomize", ",".join(one.unique)] if one.unique else [])]
    yield f"{writes[0].name} Idempotency-Key", saved(writes[0], {"headers": {"Idempotency-Key": "key-1*"}})
    first = next(one for one in reads if one.path == "/api/v1/rounds")
    for field in ("Accept-Language", "If-None-Match", "X-Forwarded-For"):
        yield f"GET {first.path} {field}", saved(surface.Surface("GET", first.path, {}), {"headers": {field: "vi*"}})
    yield "GET /api/v1/audit Authorization", saved(surface.Surface("GET", "/api/v1/audit", {}), {"headers": {"Authorization": "Bearer gh_*"}})


def attack(site, options):
    folder = site.folder / "attack"
    folder.mkdir()
    with victim.Victim() as one:
        out = sqlmap(folder, "-u", f"{one.url}/item?id=1", dbms="SQLite")
        assert FOUND.search(out), f"sqlmap does not find the victim's hole:\n{out[-3000:]}"
    site.tokens["admin"] = site.daemons[0].new_token("admin", "attack admin")
    reads, writes = surface.find(site)
    faults, total, began = [], 0, time.monotonic()
    for name, words in requests_of(site, reads, writes, folder):
        if options.only not in name:
            continue
        start = time.monotonic()
        try:
            tested, findings = judge(name, sqlmap(folder, *words))
        except subprocess.TimeoutExpired:
            tested, findings = set(), [f"sqlmap {name}: not done in {LIMIT} s"]
        total += len(tested)
        faults += findings
        print(f"   {urllib.parse.unquote(name)[:90]:90} {len(tested):2} tested, {len(findings)} findings, {time.monotonic() - start:.0f} s", flush=True)
    print(f"   sqlmap: {total} parameters in {time.monotonic() - began:.0f} s")
    return faults
