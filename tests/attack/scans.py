"""wapiti over the pages and every GET route of the contract."""
import json
import re
import subprocess
import time

import surface
import victim

MODULES = ("exec,file,sql,blindsql,xss,permanentxss,crlf,ssrf,xxe,redirect,shellshock,backup,buster,htaccess,methods,csp,http_headers,"
           "cookieflags,csrf")
SECONDS = 1200                             # for the crawl, and for each module; what is not done by then was not tested
HOLES = {"SQL Injection", "Cross Site Scripting", "Htaccess Bypass", "Content Security Policy Configuration", "HTTP Secure Headers"}
# Browsers took out the filter that this field switched on, since it could be turned against pages; what it was for,
# Content-Security-Policy does. No setting of wapiti leaves it out.
OBSOLETE = "X-XSS-Protection is not set"


def wapiti(folder, name, url, endpoint, modules, start=(), headers=()):
    """Its report: {category: findings}; and what it did not end."""
    report = folder / f"wapiti-{name}.json"
    command = ["wapiti", "-u", url, "--scope", "folder", "-m", modules, "-f", "json", "-o", report, "--no-bugreport", "--verify-ssl", "0",
               "--store-session", folder / "wapiti", "--store-config", folder / "wapiti", "--flush-session", "-v", "0", "-t", "10",
               "--max-scan-time", SECONDS, "--max-attack-time", SECONDS, "--max-parameters", "30", "--endpoint", endpoint]
    for one in start:
        command += ["-s", one]
    for one in headers:
        command += ["-H", one]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=4 * 3600, stdin=subprocess.DEVNULL)
    assert report.exists(), f"wapiti made no report:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    document = json.loads(report.read_text())
    kinds = {kind: [one for one in found if one["info"] != OBSOLETE]
             for part in ("vulnerabilities", "anomalies") for kind, found in document[part].items()}
    unfinished = re.findall(r"Max \w+ time was reached[^\n]*", done.stdout)
    return {kind: found for kind, found in kinds.items() if found}, unfinished


def refused(site, kind, finding):
    """Any answer but 4xx to a method that does not exist is a "bypass" to wapiti; 501 is the right refusal."""
    if kind != "Htaccess Bypass":
        return False
    with site.proxy.client() as client:
        return client.request(finding["method"], finding["path"]).status_code == 501


def attack(site, options):
    folder = site.folder / "attack"
    folder.mkdir()
    with victim.Victim(site.postgres.conninfo("giothong_app")) as one:
        start = [f"{one.url}/item?id=1", f"{one.url}/echo?text=x", f"{one.url}/locked"]
        found, _ = wapiti(folder, "victim", f"{one.url}/", one.url, "sql,xss,htaccess,csp,http_headers", start)
        missed = HOLES - set(found)
        assert not missed, f"wapiti does not find the victim's holes: {missed}"
        print(f"   victim: {', '.join(sorted(HOLES))}: found", flush=True)
        one.called.clear()
        site.tokens["admin"] = site.daemons[0].new_token("admin", "attack admin")
        reads, _, faults = surface.find(site)
        targets = [site.proxy.url + read.target for read in reads if read.token != "gateway" and options.only in read.name]
        began = time.monotonic()
        for who, headers in (("public", ()), ("admin", [f"Authorization: {surface.authorization(site, 'admin')}"])):
            found, unfinished = wapiti(folder, who, f"{site.proxy.url}/", one.url, MODULES, targets, headers)
            found = {kind: [f for f in all_of if not refused(site, kind, f)] for kind, all_of in found.items()}
            print(f"   as {who}: {len(targets)} addresses and what the crawl found, {MODULES.count(',') + 1} modules,"
                  f" {sum(map(len, found.values()))} findings, {time.monotonic() - began:.0f} s", flush=True)
            faults += [f"wapiti {who} {kind}: {f['method']} {f['path']} {f.get('parameter', '')}: {f['info']}" for kind, all_of in found.items() for f in all_of]
            faults += [f"wapiti {who}: {what}" for what in unfinished]
        faults += [f"wapiti: the daemon called {path}" for path in one.called if "get_ssrf" not in path]
    return faults
