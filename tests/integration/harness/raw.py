"""HTTP by hand: bytes in, bytes out."""
import select
import socket
import time


def connect(daemon, timeout=30):
    return socket.create_connection(("127.0.0.1", daemon.port), timeout)


def read_all(connection):
    """Until the server closes."""
    chunks = []
    while True:
        try:
            chunk = connection.recv(65536)
        except ConnectionResetError:
            return b"".join(chunks)
        if not chunk:
            return b"".join(chunks)
        chunks.append(chunk)


def talk(daemon, request, pieces=None, pause=0.0):
    """Sends a request (in pieces, if wished), says no more, and reads all answers."""
    with connect(daemon) as connection:
        for piece in pieces or [request]:
            connection.sendall(piece)
            if pause:
                time.sleep(pause)
        connection.shutdown(socket.SHUT_WR)
        return read_all(connection)


def read_answer(connection, head=False):
    """One answer: (status, headers, body). `head`: the request was HEAD."""
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(65536)
        if not chunk:
            raise EOFError(data)
        data += chunk
    raw, _, body = data.partition(b"\r\n\r\n")
    status, headers = parse_head(raw)
    length = 0 if head or status in (204, 304) or status < 200 else int(headers.get("content-length", 0))
    while len(body) < length:
        chunk = connection.recv(65536)
        if not chunk:
            raise EOFError(data)
        body += chunk
    return status, headers, body


def parse_head(raw):
    lines = raw.decode("latin-1").split("\r\n")
    headers = dict((k.lower(), v.strip()) for k, _, v in (line.partition(":") for line in lines[1:]))
    return int(lines[0].split()[1]), headers


def statuses(data):
    """The statuses of all answers in a stream."""
    found = []
    while data.startswith(b"HTTP/1."):
        head, _, rest = data.partition(b"\r\n\r\n")
        status, headers = parse_head(head)
        found.append(status)
        length = 0 if status in (204, 304) or status < 200 else int(headers.get("content-length", 0))
        data = rest[length:]
    assert data == b"", data[:200]
    return found


class NotSent(Exception):
    """No connection: the server cannot have seen the request."""


class Lost(Exception):
    """The connection ended before the whole answer was there."""


class Caller:
    """Calls one server again and again over one connection, as a careful client does: an answer that is not whole is none."""

    def __init__(self, host, port, timeout=25.0, headers=None, tls=None):
        self.host, self.port, self.timeout, self.tls = host, port, timeout, tls
        self.fixed = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        self.connection = None

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def call(self, method, path, body=b"", headers=None):
        """(status, headers, body), or NotSent, or Lost."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        if body or method in ("POST", "PATCH"):
            lines += f"Content-Length: {len(body)}\r\n"
        head = f"{method} {path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n{self.fixed}{lines}\r\n"
        self._connect()
        try:
            self.connection.sendall(head.encode() + body)
            return self._answer(method == "HEAD")
        except (OSError, EOFError, ValueError, IndexError) as failure:
            self.close()
            raise Lost(type(failure).__name__) from failure

    def _connect(self):
        if self.connection and self._was_closed():
            self.close()
        if self.connection:
            return
        try:
            connection = socket.create_connection((self.host, self.port), min(self.timeout, 5.0))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connection = self.tls.wrap_socket(connection, server_hostname=self.host) if self.tls else connection
        except OSError as failure:
            raise NotSent(type(failure).__name__) from failure
        self.connection.settimeout(self.timeout)

    def _was_closed(self):
        """The server ended an idle connection: nothing was sent on it, so a new one loses nothing."""
        if self.tls:
            return bool(select.select([self.connection], [], [], 0)[0])
        try:
            self.connection.setblocking(False)
            self.connection.recv(1, socket.MSG_PEEK)
            return True                    # closed, or bytes that nobody asked for
        except BlockingIOError:
            self.connection.settimeout(self.timeout)
            return False
        except OSError:
            return True

    def _answer(self, head):
        status = 100
        while status == 100:
            status, headers, body = read_answer(self.connection, head)
        if not head and status not in (204, 304) and "content-length" not in headers:
            raise ValueError("no length")
        if headers.get("connection") == "close":
            self.close()
        return status, headers, body
