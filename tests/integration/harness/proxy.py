"""HAProxy by the configuration that we ship, before daemons on Unix sockets."""
import base64
import contextlib
import os
import shutil
import signal
import ssl
import subprocess

import httpx
import psycopg

from . import programs
from .daemon import Daemon, wait_until
from .database import Postgres

SHIPPED = programs.ROOT / "deploy" / "haproxy" / "giothong.cfg"
HAPROXY = "/usr/sbin/haproxy"


class SocketDaemon(Daemon):
    """A daemon as the unit starts it: on a Unix socket, trusting the proxy, with notice before its end."""

    def __init__(self, socket, settings=None, **options):
        super().__init__(settings={"listen.trusted_proxy": "unix", "listen.drain_notice_ms": 3000, **(settings or {})}, **options)
        self.socket = socket

    def command(self):
        command = super().command()
        command[command.index("--listen") + 1] = f"unix:{self.socket}"
        # In the tests HAProxy's user is in no group of ours, so the socket is everybody's; the unit has UMask=.
        return ["sh", "-c", "umask 000; exec \"$@\"", "sh", *command]

    def client(self, **options):
        """Straight to the daemon, as HAProxy comes: whom X-Forwarded-For names is believed."""
        return httpx.Client(transport=httpx.HTTPTransport(uds=str(self.socket)), base_url="http://localhost", timeout=60, **options)

    def answers_ready(self):
        with contextlib.suppress(httpx.HTTPError, OSError), self.client() as client:
            return client.get("/readyz").status_code == 200


class Proxy:
    """
    The shipped file with its places and ports replaced, and what `replace` says; nothing else. The daemons' sockets
    are folder/run/1.sock and 2.sock.
    """

    def __init__(self, folder, replace=None, prefix=()):
        self.folder, self.prefix = folder, prefix
        self.sockets, self.tls = folder / "run", folder / "tls"
        self.http, self.https, self.local = (programs.free_port() for _ in range(3))
        self.config, self.log_path, self.certificate = folder / "haproxy.cfg", folder / "haproxy.log", folder / "proxy.crt"
        self.process = None
        for made in (self.sockets, self.tls):
            made.mkdir()
        self.sockets.chmod(0o755)
        self.make_certificate(self.certificate, folder / "proxy.key")
        (self.tls / "localhost.pem").write_text(self.certificate.read_text() + (folder / "proxy.key").read_text())
        self.config.write_text(self._ours(replace or {}))

    # ---- files ----

    @staticmethod
    def make_certificate(certificate, key):
        """Self-made, for localhost alone."""
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                        "-keyout", key, "-out", certificate], check=True, capture_output=True)

    def _ours(self, replace):
        changes = {"chroot /run/giothong\n": f"chroot {self.sockets}\n", "group giothong\n": "group haproxy\n",
                   "/run/haproxy/admin.sock": str(self.folder / "admin.sock"), "crt /etc/giothong/tls/": f"crt {self.tls}/",
                   "bind :443 ": f"bind 127.0.0.1:{self.https} ", "bind :80\n": f"bind 127.0.0.1:{self.http}\n",
                   "bind 127.0.0.1:8080\n": f"bind 127.0.0.1:{self.local}\n", **replace}
        if os.geteuid() != 0:              # an ordinary user can be no other and has no root of his own
            changes.update({"\tuser haproxy\n": "", "\tgroup haproxy\n": "", f"\tchroot {self.sockets}\n": "",
                            "unix@/": f"unix@{self.sockets}/"})
        text = SHIPPED.read_text()
        for old, new in changes.items():
            assert old in text, f"{SHIPPED.name} has no {old!r}"
            text = text.replace(old, new)
        return text

    def socket(self, number):
        return self.sockets / f"{number}.sock"

    # ---- life ----

    def check(self):
        """What `haproxy -c` says: (status, output)."""
        done = subprocess.run([HAPROXY, "-c", "-f", self.config], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([*self.prefix, HAPROXY, "-W", "-f", str(self.config)], stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, start_new_session=True)
        wait_until(self._listens, what=f"HAProxy; its log:\n{self.log()}")
        return self

    def _listens(self):
        assert self.process.poll() is None, f"haproxy ended with {self.process.returncode}:\n{self.log()}"
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"http://127.0.0.1:{self.local}/", timeout=5).status_code == 404

    def workers(self):
        """Process ids; after a reload a new one has the listeners, the one before finishes what it has."""
        children = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        with contextlib.suppress(OSError), open(children) as file:
            return file.read().split()
        return []

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)
        self.process = None

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    # ---- clients ----

    @property
    def url(self):
        return f"https://localhost:{self.https}"

    def trust(self):
        """A TLS context that believes this proxy alone."""
        return ssl.create_default_context(cafile=self.certificate)

    def client(self, http2=False, **options):
        return httpx.Client(base_url=self.url, verify=self.trust(), http2=http2, timeout=60, **options)

    def curl(self, *words):
        """Standard output of curl against the https port."""
        done = subprocess.run(["curl", "-s", "--cacert", str(self.certificate), *map(str, words)], capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout


class Site:
    """A province's server: PostgreSQL, two daemons on it, the proxy before them."""

    def __init__(self, settings=None, replace=None):
        self.postgres = Postgres().make()
        self.folder = programs.workshop("giothong-proxy-")
        self.settings = settings or {}
        self.config = self.postgres.configuration()
        self.proxy = Proxy(self.folder, replace)
        self.daemons = [self.new_daemon(1), self.new_daemon(2)]
        for words in (["keyring", "create"], ["migrate"]):
            outcome = programs.run("giothong", "--config", self.config, *words, folder=self.postgres.folder)
            assert outcome.status == 0, outcome

    def new_daemon(self, number):
        return SocketDaemon(self.proxy.socket(number), folder=self.postgres.folder, config=self.config, settings=self.settings)

    def start(self):
        self.daemons[0].start()
        self.daemons[0].cli_ok("plan", "import", programs.CONFIG / "plans" / "lai-chau-2025.json")
        self.daemons[1].start()
        self.proxy.start()
        self.tokens = {role: self.daemons[0].new_token(role, f"proxy {role}") for role in ("staff", "gateway")}
        return self

    def logs(self):
        return "".join(path.read_text(errors="replace") for path in
                       [self.proxy.log_path, *self.postgres.folder.glob("out-*.log"), *self.postgres.folder.glob("err-*.log")])

    def basic(self):
        return "Basic " + base64.b64encode(f"kannel:{self.tokens['gateway']}".encode()).decode()

    def query(self, statement, *parameters):
        with contextlib.closing(self._connection()) as connection:
            cursor = connection.execute(statement, parameters or None)
            return cursor.fetchall() if cursor.description else None

    def _connection(self):
        return psycopg.connect(f"host=127.0.0.1 port={self.postgres.port} dbname=giothong user={self.postgres.user}", autocommit=True)

    def end(self):
        self.proxy.stop()
        for daemon in self.daemons:
            daemon.end()
        self.postgres.remove()
        programs.remove(self.folder)


def missing():
    """Programs that these tests need and that are not installed."""
    return [name for name in (HAPROXY, "openssl", "curl") if not shutil.which(name)]
