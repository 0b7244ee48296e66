"""A PostgreSQL of the test's own, for daemons that are started with --config."""
import contextlib
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import time

import psycopg

from . import programs
from .daemon import alive, as_postgres, wait_until


class Postgres:
    def __init__(self, environment=None, folder=None, wal=None):
        """`folder`: where it lives (made anew; None: in /tmp). `wal`: a folder for the log alone, on another disk."""
        self.environment, self.wal = environment or {}, wal
        self.folder = folder or programs.workshop("giothong-pg-")
        self.data, self.port = self.folder / "data", programs.free_port()
        self.user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        if os.geteuid() == 0:
            shutil.chown(self.folder, self.user)

    def command(self, *words):
        words = ["env", *(f"{name}={value}" for name, value in self.environment.items()), *words] if self.environment else words
        if os.geteuid() != 0:
            return [str(w) for w in words]
        uid = pwd.getpwnam(self.user)
        return ["setpriv", f"--reuid={uid.pw_uid}", f"--regid={uid.pw_gid}", "--init-groups", "--", *map(str, words)]

    def run(self, *words):
        subprocess.run(self.command(*words), check=True, stdout=subprocess.DEVNULL, cwd="/", env={**os.environ, "LC_ALL": "C.UTF-8"})

    def make(self):
        self.run(programs.POSTGRES_BIN / "initdb", "-D", self.data, "-E", "UTF8", "--locale=C.UTF-8", "-A", "trust", "--no-sync",
                 *(["-X", self.wal] if self.wal else []))
        with open(self.data / "postgresql.conf", "a") as conf:
            conf.write(f"port = {self.port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '{self.folder}'\n"
                       "shared_buffers = 32MB\nmax_connections = 60\n")
        self.start()
        self.sql("CREATE ROLE giothong_owner LOGIN CREATEROLE", "CREATE ROLE giothong_app LOGIN",
                 "CREATE DATABASE giothong OWNER giothong_owner")
        return self

    def start(self):
        self.run(programs.POSTGRES_BIN / "pg_ctl", "-D", self.data, "-w", "-s", "-l", self.folder / "log", "start")

    def sql(self, *statements, database="postgres"):
        with as_postgres(self.data):
            connection = psycopg.connect(f"host={self.folder} port={self.port} dbname={database} user={self.user}", autocommit=True)
        rows = None
        for statement in statements:
            cursor = connection.execute(statement)
            rows = cursor.fetchall() if cursor.description else None
        connection.close()
        return rows

    def ask(self, statement, *parameters):
        """Rows of one statement on the daemons' database, as superuser (None where it gives none)."""
        with as_postgres(self.data):
            connection = psycopg.connect(f"host={self.folder} port={self.port} dbname=giothong user={self.user}", autocommit=True)
        with contextlib.closing(connection):
            cursor = connection.execute(statement, parameters or None)
            return cursor.fetchall() if cursor.description else None

    def conninfo(self, user, port=None):
        return f"host=127.0.0.1 port={port or self.port} dbname=giothong user={user}"

    def pid(self):
        return int((self.data / "postmaster.pid").read_text().split()[0])

    def everyone(self):
        """The postmaster and all its children."""
        postmaster = self.pid()
        children = pathlib.Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        return [postmaster, *map(int, children)]

    def freeze(self):
        """The postmaster first: it makes no more children, and those that end meanwhile stay to be seen."""
        os.kill(self.pid(), signal.SIGSTOP)
        self._tell_all(signal.SIGSTOP)

    def thaw(self):
        self._tell_all(signal.SIGCONT)

    def _tell_all(self, number):
        for pid in self.everyone():
            with contextlib.suppress(ProcessLookupError):       # whose session has just ended
                os.kill(pid, number)

    def stop(self):
        try:
            pid = self.pid()
        except OSError:
            return
        self.thaw()
        os.kill(pid, signal.SIGINT)
        wait_until(lambda: not alive(pid), what="postmaster gone")
        time.sleep(0.05)

    def remove(self):
        self.stop()
        programs.remove(self.folder)

    def configuration(self, port=None, **more):
        """A settings file for daemons on this database (reached by that port), and a keyring that they share."""
        path = self.folder / "giothong.ini"
        keyring = self.folder / "keyring"
        path.write_text(f"[database]\nconninfo = {self.conninfo('giothong_app', port)}\n"
                        f"owner_conninfo = {self.conninfo('giothong_owner')}\n"
                        f"[keyring]\ndir = {keyring}\n" + "".join(f"{k} = {v}\n" for k, v in more.items()))
        return path
