"""A server with every hole that the attacks look for: they must find them here, or their silence means nothing."""
import contextlib
import http.server
import json
import threading
import urllib.parse

import psycopg

import relay

TABLE = "(VALUES (1, 'one'), (2, 'two')) AS item (id, name)"


class Victim:
    """
    Open to SQL, on the PostgreSQL of the site: /item?id= tells what PostgreSQL says; /items/NAME, the field
    Accept-Language of /items, and the body of POST /items (JSON or CSV) and of PATCH /items/1 (which wants the ETag of
    now) tell only whether something was found. /echo?text= is open to script, /locked to a method that does not exist, and
    no page has a header of safety. Requests for an address with "ssrf" in it are kept in `called`, as an attacker's own
    server would.
    """

    def __init__(self, conninfo):
        self.called, self.version = [], 1
        self.database = psycopg.connect(conninfo, autocommit=True)
        self.database.execute("SET default_transaction_read_only = on")
        self.lock, victim = threading.Lock(), self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                size = int(self.headers.get("Content-Length", 0))
                body = self.rfile.read(size).decode(errors="replace")
                status, kind, text = victim.answer(self.command, self.path, self.headers, body)
                text = text.encode(errors="replace")
                with contextlib.suppress(OSError):
                    self.send_response(status)
                    self.send_header("Content-Type", f"{kind}; charset=utf-8")
                    self.send_header("Content-Length", str(len(text)))
                    self.send_header("ETag", f'"{victim.version}"')
                    self.end_headers()
                    self.wfile.write(text)
            do_POST = do_PATCH = do_ABC = do_GET

        self.server = relay.Server(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_port}"
        self.url = f"http://{self.host}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def rows(self, condition):
        with self.lock:
            cursor = self.database.execute(f"SELECT name FROM {TABLE} WHERE {condition}")
            return cursor.fetchall() if cursor.description else []

    def found(self, value):
        """Without a word of what went wrong."""
        try:
            found = bool(self.rows(f"name = '{value}'"))
        except psycopg.Error:
            found = False
        return (200, "application/json", '{"found": true}') if found else (404, "application/json", '{"found": false}')

    def answer(self, method, target, fields, body):
        url = urllib.parse.urlsplit(target)
        query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
        if "ssrf" in url.path:
            self.called.append(target)
            return 200, "application/json", "{}"
        if url.path == "/item":
            try:
                return 200, "text/html", f"<html>{self.rows('id = ' + query.get('id', '0'))}</html>"
            except psycopg.Error as failure:
                return 500, "text/html", f"<html>PostgreSQL query failed: ERROR: {failure}</html>"
        if url.path == "/locked":
            return 401 if method == "GET" else 200, "text/html", "<html>locked</html>"
        if url.path == "/echo":
            return 200, "text/html", f"<html><body>{query.get('text', '')}</body></html>"
        if method == "GET" and url.path == "/items":
            return self.found(fields.get("Accept-Language", ""))
        if method == "GET" and url.path.startswith("/items/"):
            return self.found(urllib.parse.unquote(url.path.removeprefix("/items/")))
        if method == "PATCH" and fields.get("If-Match") != f'"{self.version}"':
            return 412, "application/json", "{}"
        if method in ("POST", "PATCH"):
            self.version += method == "PATCH"
            with contextlib.suppress(ValueError, AttributeError, IndexError):
                return self.found(body.split("\n1,", 1)[1].rstrip() if fields.get("Content-Type") == "text/csv" else json.loads(body).get("name"))
            return 400, "application/json", "{}"
        return 200, "text/html", "<html><a href='/item?id=1'>item</a><a href='/echo?text=hello'>echo</a></html>"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.database.close()
