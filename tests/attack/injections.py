"""sqlmap over the contract: no parameter, path part, member of a body or header field may reach a statement as SQL."""
import contextlib
import os
import re
import subprocess
import time
import urllib.parse

import httpx

import relay
import surface
import victim

# What it first suspects ("appears to be injectable") and then checks and drops is none.
FOUND = re.compile(r"sqlmap identified the following injection point|is vulnerable\.")
LIMIT = 900                                # seconds for one request with all of its parameters


class Target:
    """A server as sqlmap is led to it."""

    def __init__(self, folder, url, authorize, client):
        self.folder, self.authorize, self.client = folder, authorize, client
        self.host, self.tls = urllib.parse.urlsplit(url).netloc, url.startswith("https:")
        self.number = 0
        folder.mkdir()

    def sqlmap(self, one, marked=None, host=None):
        """Its words about one request. `host`: a relay to the server instead of the server."""
        self.number += 1
        file = surface.save(one, self.folder, self.number, host or self.host, self.authorize(one), marked)
        command = ["sqlmap", "-r", file, "--batch", "--ignore-stdin", "--disable-coloring", "--flush-session", "--fresh-queries", "--output-dir", self.folder / "sqlmap", "--dbms", "PostgreSQL", "--risk", 2, "--union-cols", "1-12", "--threads", 2,
                   "--time-sec", 3, "--timeout", 10, "--retries", 1, "--skip-waf", "--ignore-code", "*", "--ignore-redirects"]
        # Left alone, it takes the limit of a field's length for a hint that UNION works, and counts columns for ten minutes.
        # A kept connection is slow for bodies: its client writes head and body apart and waits for the first to be acknowledged.
        command += ["--level", 1] if one.body is not None else ["--level", 2, "--keep-alive"]
        command += ["--force-ssl"] if self.tls and not host else []
        command += ["--randomize", ",".join(one.unique)] if one.unique else []
        # What it leaves behind goes with the folder.
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=LIMIT, stdin=subprocess.DEVNULL, cwd=self.folder,
                              env={**os.environ, "HOME": str(self.folder), "TMPDIR": str(self.folder)})
        out = done.stdout + done.stderr
        (self.folder / f"sqlmap-{self.number}.txt").write_text(out)
        return out

    def attack(self, one, marked=None):
        if not one.before:
            return self.sqlmap(one, marked), []
        with self.client() as client:
            client.headers["Authorization"] = self.authorize(one)
            with relay.Relay(client, one.before) as between:
                return self.sqlmap(one, marked, between.host), between.faults


def judge(name, out, expected):
    """(parameters that were tested, findings); `expected`: those that must be."""
    tested = set(re.findall(r"parameter '([^']+)' does not seem to be injectable", out))
    findings = [f"sqlmap {name}: {line.strip()}" for line in out.splitlines() if FOUND.search(line)]
    if not findings and not expected <= tested:
        tail = " | ".join(line for line in out.splitlines() if "ERROR" in line or "CRITICAL" in line)[:400]
        findings = [f"sqlmap {name}: not tested: {', '.join(sorted(expected - tested))}: {tail or out[-400:]}"]
    return tested, findings


def members(body):
    """What sqlmap calls the values of a body."""
    if isinstance(body, str):
        return {f"#{n + 1}*" for n in range(body.count("*"))}
    return {f"JSON {name}" for name, value in body.items() if not isinstance(value, (dict, list))}


def field(name, value):
    """A mark for a field of the head, and what sqlmap calls it."""
    return {"headers": {name: f"{value}*"}}, {f"{name} #1*"}


def requests_of(reads, writes):
    """(name, surface, mark, what must be tested): each query or body, each path, and fields of the head."""
    paths = set()
    for one in reads:
        if one.query:
            yield one.name, one, None, set(one.query)
        parts = one.path.rstrip("/").split("/")
        if one.path.startswith(("/api/v1/", "/calendar/", "/problems/")) and len(parts) > 2 and one.path not in paths:
            paths.add(one.path)
            marked = one.path.replace(".ics", "*.ics") if one.path.endswith(".ics") else one.path + "*"
            yield f"GET {marked}", surface.Surface("GET", one.path, {}, token=one.token), {"target": marked}, {"#1*"}
    for one in writes:
        if members(one.body):
            yield one.name, one, None, members(one.body)
        elif not one.body:                 # its path is all that it says
            marked = re.sub(r"/([0-9a-f-]{36})(?=/)", r"/\1*", one.path)
            yield f"{one.method} {marked}", one, {"target": marked}, {f"#{n + 1}*" for n in range(marked.count("*"))}
    yield f"{writes[0].name} Idempotency-Key", writes[0], *field("Idempotency-Key", "key-1")
    for name in ("Accept-Language", "if-none-match", "X-Forwarded-For"):     # If-None-Match, so spelled, it throws away
        yield f"GET /api/v1/rounds {name}", surface.Surface("GET", "/api/v1/rounds", {}), *field(name, "vi")
    yield "GET /api/v1/audit Authorization", surface.Surface("GET", "/api/v1/audit", {}), *field("Authorization", "Bearer gh_")


def find_holes(folder, one):
    """Each way of sending that is used on the site must find the victim's hole there, or the run ends."""
    target = Target(folder, one.url, lambda _: "none", lambda: httpx.Client(base_url=one.url))
    named = {"id": 1, "name": "one"}
    for request, mark in ((surface.Surface("GET", "/item", {"id": "1"}), None),
                          (surface.Surface("GET", "/items/one", {}), {"target": "/items/one*"}),
                          (surface.Surface("GET", "/items", {}), field("Accept-Language", "one")[0]),
                          (surface.Surface("POST", "/items", {}, named), None),
                          (surface.Surface("POST", "/items", {}, {"code": "abcd", **named}, unique=("code",)), None),
                          (surface.Surface("POST", "/items", {}, "id,name\n1*,one*\n"), None),
                          (surface.Surface("PATCH", "/items/1", {}, named, before=relay.etag_of("/items/one")), None)):
        start = time.monotonic()
        out, faults = target.attack(request, mark)
        assert FOUND.search(out) and not faults, f"sqlmap does not find the victim's hole, {request.name}: {faults}\n{out[-3000:]}"
        print(f"   victim {request.name}: found, {time.monotonic() - start:.0f} s", flush=True)


def attack(site, options):
    with victim.Victim(site.postgres.conninfo("giothong_app")) as one:
        find_holes(site.folder / "attack-victim", one)
    site.tokens["admin"] = site.daemons[0].new_token("admin", "attack admin")
    target = Target(site.folder / "attack", site.proxy.url, lambda one: surface.authorization(site, one.token), site.proxy.client)
    reads, writes, faults = surface.find(site)
    total, began = 0, time.monotonic()
    for name, one, mark, expected in requests_of(reads, writes):
        if options.only not in name:
            continue
        start = time.monotonic()
        try:
            out, broken = target.attack(one, mark)
            tested, findings = judge(name, out, expected)
        except subprocess.TimeoutExpired:
            tested, findings, broken = set(), [f"sqlmap {name}: not done in {LIMIT} s"], []
        findings += [f"sqlmap {name}: {fault}" for fault in broken[:3]]
        total += len(tested)
        faults += findings
        print(f"   {urllib.parse.unquote(name)[:90]:90} {len(tested):2} tested, {len(findings)} findings, {time.monotonic() - start:.0f} s", flush=True)
    print(f"   sqlmap: {total} parameters in {time.monotonic() - began:.0f} s")
    return faults
