"""Many clients that are as slow as they can be; a visitor from elsewhere must not notice."""
import csv
import http.server
import ssl
import subprocess
import threading
import time

import httpx

from harness.daemon import Daemon

CONNECTIONS = 1000
RATE = 90                                  # new ones a second: 1,000 in 10 s from one address is the proxy's limit
P99 = 1.0
CALM_SECONDS = 6
VICTIM_SECONDS = 15                        # longer than a visitor waits
# It has no option for a field of one's own. Without a token the daemon answers before the body; a wrong one is read after it.
TYPE = "application/json\r\nAuthorization: Bearer gh_" + "A" * 43
MODES = {"head": ["-H", "-i", "5", "-x", "24", "-p", "3"],
         "body": ["-B", "-i", "5", "-s", "8192", "-x", "24", "-p", "3", "-f", TYPE],
         "read": ["-X", "-w", "1", "-y", "512", "-n", "5", "-z", "5", "-k", "3", "-p", "3"]}
PATHS = {"head": "/api/v1/rounds", "body": "/api/v1/teams", "read": "/openapi.json"}
VISITOR = "127.0.0.2"


class Visitor(threading.Thread):
    """Asks twenty times a second, each third time over a connection of its own."""

    def __init__(self, url, trust):
        super().__init__(daemon=True)
        self.url, self.trust = url, trust
        self.ended = threading.Event()
        self.seconds, self.failures = [], []

    def client(self):
        return httpx.Client(base_url=self.url, timeout=10, transport=httpx.HTTPTransport(local_address=VISITOR, verify=self.trust))

    def ask(self, client, path):
        began = time.monotonic()
        try:
            answer = client.get(path)
            fault = "" if answer.status_code == 200 else f"{answer.status_code} {answer.text[:100]}"
        except httpx.HTTPError as failure:
            fault = f"{type(failure).__name__}: {failure}"
        self.seconds.append(time.monotonic() - began)
        if fault:
            self.failures.append(f"{path} after {self.seconds[-1]:.2f} s: {fault}")

    def run(self):
        turn, paths = 0, ("/api/v1/rounds?from=2020-01-01&limit=20", "/api/v1/units?q=than+uyen", "/api/v1/rounds?limit={}")
        with self.client() as kept:
            while not self.ended.wait(0.05):
                path = paths[turn % 3].format(1 + turn % 200)    # mostly not from memory: the database answers
                if turn % 3 == 2:
                    with self.client() as fresh:
                        self.ask(fresh, path)
                else:
                    self.ask(kept, path)
                turn += 1

    def stop(self):
        self.ended.set()
        self.join(30)

    def at(self, share):
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def most_connected(report):
    """The most connections that were open at a time, by slowhttptest's own count."""
    with open(report, newline="") as file:
        rows = list(csv.DictReader(file))
    return max((int(row["Connected"]) for row in rows if row.get("Connected")), default=0)


def calm(name, url, trust):
    """The same visitor with nobody else there: what this machine can do at the moment."""
    visitor = Visitor(url, trust)
    visitor.start()
    time.sleep(CALM_SECONDS)
    visitor.stop()
    print(f"   nothing   {name:7}: visitor {len(visitor.seconds)} requests, {len(visitor.failures)} failures,"
          f" p50 {visitor.at(0.5) * 1000:.1f} ms, p99 {visitor.at(0.99) * 1000:.1f} ms, worst {visitor.at(1) * 1000:.0f} ms", flush=True)
    return [f"before any attack {name}: {failure}" for failure in visitor.failures[:3]]


def one(name, url, mode, trust, folder, seconds):
    visitor = Visitor(url, trust)
    visitor.start()
    report = folder / f"slow-{name}-{mode}"
    command = ["slowhttptest", *MODES[mode], "-c", CONNECTIONS, "-r", RATE, "-l", seconds, "-g", "-o", report, "-v", "0", "-u", url + PATHS[mode]]
    subprocess.run([str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=seconds + 60)
    visitor.stop()
    connected = most_connected(f"{report}.csv")
    print(f"   slow {mode} {name:7}: {connected:4} at a time; visitor {len(visitor.seconds)} requests, {len(visitor.failures)} failures,"
          f" p50 {visitor.at(0.5) * 1000:.1f} ms, p99 {visitor.at(0.99) * 1000:.1f} ms, worst {visitor.at(1) * 1000:.0f} ms", flush=True)
    faults = [f"slow {mode} {name}: {failure}" for failure in visitor.failures[:3]]
    if visitor.at(0.99) >= P99:
        faults.append(f"slow {mode} {name}: p99 {visitor.at(0.99):.2f} s")
    if connected < CONNECTIONS * 0.5 or len(visitor.seconds) < seconds * 4:
        faults.append(f"slow {mode} {name}: no real attack, {connected} connections, {len(visitor.seconds)} visits")
    return faults


class Victim(http.server.BaseHTTPRequestHandler):
    """One request at a time and all the time in the world for it: falls to each slow attack."""

    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"x" * (16 << 20 if self.path == PATHS["read"] else 1))
    do_POST = do_GET

    def log_message(self, *_):
        pass


class VictimServer(http.server.HTTPServer):
    request_queue_size = CONNECTIONS

    def handle_error(self, *_):
        """Its clients hang up: they are attackers."""


def find_holes(folder):
    """Each attack must keep the victim from its visitor, or the run ends."""
    for mode in MODES:
        server = VictimServer(("127.0.0.1", 0), Victim)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        faults = one("victim", f"http://127.0.0.1:{server.server_port}", mode, ssl.create_default_context(), folder, VICTIM_SECONDS)
        server.shutdown()
        server.server_close()
        assert any("Timeout" in fault for fault in faults), f"slow {mode} does nothing to the victim: {faults}"


def attack(site, options):
    find_holes(site.folder)
    direct = Daemon(folder=site.postgres.folder, config=site.config, settings=site.settings).start()
    faults = []
    try:
        for name, url, trust in (("proxy", site.proxy.url, site.proxy.trust()), ("direct", direct.url, ssl.create_default_context())):
            faults += calm(name, url, trust)
            for mode in MODES:
                if options.only in f"slow {mode} {name}":
                    faults += one(name, url, mode, trust, site.folder, options.seconds)
    finally:
        status = direct.stop()
    return faults + ([f"the daemon attacked directly exits with {status}"] if status else [])
