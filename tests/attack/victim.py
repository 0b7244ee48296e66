"""A server with every hole that the attacks look for: they must find them here, or their silence means nothing."""
import contextlib
import http.server
import sqlite3
import threading
import urllib.parse


class Victim:
    """/item?id= is open to SQL, /echo?text= to script; requests for /endpoint are counted, as an attacker's own server."""

    def __init__(self):
        database = sqlite3.connect(":memory:", check_same_thread=False)
        database.executescript("CREATE TABLE item (id INTEGER, name TEXT); INSERT INTO item VALUES (1, 'one'), (2, 'two');")
        lock, victim = threading.Lock(), self
        self.called = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                url = urllib.parse.urlsplit(self.path)
                query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
                status, kind, body = 200, "text/html", "<html><a href='/item?id=1'>item</a><a href='/echo?text=hello'>echo</a></html>"
                if url.path == "/item":
                    try:
                        with lock:
                            rows = database.execute(f"SELECT name FROM item WHERE id = {query.get('id', '0')}").fetchall()
                        body = f"<html>{rows}</html>"
                    except sqlite3.Error as failure:
                        status, body = 500, f"<html>SQLite error: sqlite3.OperationalError: {failure}</html>"
                elif url.path == "/echo":
                    body = f"<html><body>{query.get('text', '')}</body></html>"
                elif "ssrf" in url.path:
                    victim.called.append(self.path)
                    kind, body = "application/json", "{}"
                self.send_response(status)
                self.send_header("Content-Type", f"{kind}; charset=utf-8")
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(body.encode(errors="replace"))

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
