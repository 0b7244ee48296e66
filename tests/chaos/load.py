"""Clients without patience, in a process of their own: closed loop to find what a daemon holds, open loop to give it more."""
import collections
import json
import multiprocessing
import selectors
import socket
import time

from harness.raw import parse_head

Answer = collections.namedtuple("Answer", "status seconds at retry_after request body")


class _Client:
    def __init__(self, port):
        self.sock = socket.socket()
        self.sock.setblocking(False)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.connect_ex(("127.0.0.1", port))
        self.out, self.data, self.due, self.request = b"", b"", 0.0, None


class _Load:
    """`make(n)`: the bytes of request number n."""

    def __init__(self, port, make, connections):
        self.port, self.make, self.connections = port, make, connections
        self.selector = selectors.DefaultSelector()
        self.idle, self.busy, self.answers, self.sent, self.dropped = [], set(), [], 0, 0

    def ask(self, due):
        client = self.idle.pop() if self.idle else None
        if not client and len(self.busy) >= self.connections:
            self.dropped += 1
            return
        if not client:
            client = _Client(self.port)
            self.selector.register(client.sock, selectors.EVENT_WRITE, client)
        client.due, client.request, client.data = due, self.sent, b""
        client.out = self.make(self.sent)
        self.sent += 1
        self.busy.add(client)
        self._write(client)

    def turn(self, timeout):
        for key, events in self.selector.select(max(0.0, timeout)):
            client = key.data
            try:
                if events & selectors.EVENT_WRITE:
                    self._write(client)
                if events & selectors.EVENT_READ:
                    self._read(client)
            except OSError:
                self._end(client)

    def _write(self, client):
        try:
            client.out = client.out[client.sock.send(client.out):] if client.out else b""
        except (BlockingIOError, OSError):     # not connected yet; what is broken is found by reading
            pass
        self.selector.modify(client.sock, selectors.EVENT_READ | (selectors.EVENT_WRITE if client.out else 0), client)

    def _read(self, client):
        data = client.sock.recv(1 << 18)
        if not data:
            self._end(client)
            return
        client.data += data
        head, blank, body = client.data.partition(b"\r\n\r\n")
        if not blank:
            return
        status, headers = parse_head(head)
        if len(body) < int(headers.get("content-length", 0)):
            return
        now = time.monotonic()
        keep = body if status == 201 else b""
        self.answers.append(Answer(status, now - client.due, client.due, headers.get("retry-after"), client.request, keep))
        self.busy.discard(client)
        if headers.get("connection") == "close":
            self._close(client)
        else:
            self.idle.append(client)

    def _end(self, client):
        if client in self.busy:
            self.answers.append(Answer(0, time.monotonic() - client.due, client.due, None, client.request, b""))
            self.busy.discard(client)
        elif client in self.idle:
            self.idle.remove(client)
        self._close(client)

    def _close(self, client):
        self.selector.unregister(client.sock)
        client.sock.close()


def _closed(pipe, port, make, connections, seconds):
    load = _Load(port, make, connections)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        while len(load.busy) < connections:
            load.ask(time.monotonic())
        load.turn(0.5)
    _drain(load, pipe)


def _open(pipe, port, make, connections, seconds, rate):
    load = _Load(port, make, connections)
    began = time.monotonic()
    due = began
    while due < began + seconds:
        now = time.monotonic()
        while due <= now:
            load.ask(due)
            due += 1.0 / rate
        load.turn(due - time.monotonic())
    _drain(load, pipe)


def _drain(load, pipe):
    end = time.monotonic() + 30
    while load.busy and time.monotonic() < end:
        load.turn(0.5)
    pipe.send((load.answers, load.dropped, len(load.busy)))
    pipe.close()


def run(port, make, connections, seconds, rate=None):
    """(answers, requests that found no free connection, requests that were never answered). `rate` None: closed loop."""
    here, there = multiprocessing.Pipe(False)
    work, more = (_open, (rate,)) if rate else (_closed, ())
    context = multiprocessing.get_context("fork")
    process = context.Process(target=work, args=(there, port, make, connections, seconds, *more), daemon=True)
    process.start()
    there.close()
    result = here.recv()
    process.join(60)
    return result


def percentile(answers, share):
    ordered = sorted(answer.seconds for answer in answers)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


def request(method, path, token, body=None, key=None):
    content = json.dumps(body, ensure_ascii=False).encode() if body is not None else b""
    lines = f"{method} {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n"
    if content:
        lines += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
    if key:
        lines += f"Idempotency-Key: {key}\r\n"
    return lines.encode() + b"\r\n" + content
