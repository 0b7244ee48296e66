"""A wire that can be cut: TCP between a client and a server, forwarded until it is told otherwise."""
import collections
import contextlib
import selectors
import socket
import struct
import threading

CHUNK = 65536


class _End:
    def __init__(self, sock):
        self.sock, self.peer, self.pair = sock, None, None
        self.out, self.ended, self.finished = b"", False, False      # to write; its peer said no more; we said so


class Relay:
    """
    Forwards 127.0.0.1:port to `target` (a port). Modes, any time, from any thread:
      freeze()            not a byte in either direction; connections stay, new ones are taken and hear nothing
      thaw(deliver)       goes on: what was on the way arrives late (deliver=True) or never (False: all are reset)
      lose(every)         of each `every` answers one is cut: not begun, half of it, or all but its last byte
    """

    def __init__(self, target):
        self.target = target
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.listener.setblocking(False)
        self.port = self.listener.getsockname()[1]
        self.selector = selectors.DefaultSelector()
        self.lock, self.orders = threading.Lock(), collections.deque()
        self.wake_out, self.wake_in = socket.socketpair()
        self.wake_out.setblocking(False)
        self.ends, self.frozen, self.every = set(), False, 0
        self.answers = self.cut = 0
        self.running = True
        self.selector.register(self.wake_out, selectors.EVENT_READ)
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    # ---- orders ----

    def freeze(self):
        self._order(self._freeze)

    def thaw(self, deliver=True):
        self._order(lambda: self._thaw(deliver))

    def lose(self, every):
        self._order(lambda: setattr(self, "every", every))

    def close(self):
        if self.thread.is_alive():
            self._order(self._stop)
            self.thread.join(60)

    def _order(self, what):
        done = threading.Event()
        with self.lock:
            self.orders.append((what, done))
        self.wake_in.send(b"x")
        assert done.wait(60), "the relay hangs"

    # ---- the loop ----

    def _run(self):
        while self.running:
            for key, events in self.selector.select():
                if key.fileobj is self.wake_out:
                    self._obey()
                elif self.frozen:          # by an order of this very turn
                    continue
                elif key.fileobj is self.listener:
                    self._accept()
                else:
                    self._move(key.data, events)
        for end in list(self.ends):
            end.sock.close()
        self.listener.close()

    def _obey(self):
        with contextlib.suppress(BlockingIOError):
            self.wake_out.recv(CHUNK)
        while self.orders:
            with self.lock:
                what, done = self.orders.popleft()
            what()
            done.set()

    def _stop(self):
        self.running = False

    def _freeze(self):
        self.frozen = True
        for key in [k for k in self.selector.get_map().values() if k.fileobj is not self.wake_out]:
            self.selector.unregister(key.fileobj)

    def _thaw(self, deliver):
        if not self.frozen:
            return
        self.frozen = False
        self.selector.register(self.listener, selectors.EVENT_READ)
        for end in list(self.ends):
            if deliver:
                self._watch(end)
            else:
                self._reset(end)

    # ---- connections ----

    def _accept(self):
        try:
            client, _ = self.listener.accept()
        except OSError:
            return
        try:
            server = socket.create_connection(("127.0.0.1", self.target), 5)
        except OSError:
            client.close()                 # nobody there: the client sees a connection that ends at once
            return
        near, far = _End(client), _End(server)
        near.peer, far.peer = far, near
        near.pair, far.pair = "client", "server"
        for end in (near, far):
            end.sock.setblocking(False)
            end.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.ends.add(end)
            self._watch(end)

    def _watch(self, end):
        """Reads while its peer takes what was read before; writes while there is something."""
        if end not in self.ends:
            return
        events = (selectors.EVENT_READ if not end.peer.ended and not end.peer.out else 0) | (selectors.EVENT_WRITE if end.out else 0)
        with contextlib.suppress(KeyError):
            self.selector.unregister(end.sock)
        if events:
            self.selector.register(end.sock, events, end)

    def _move(self, end, events):
        if end not in self.ends:
            return
        try:
            if events & selectors.EVENT_READ:
                self._read(end)
            if end in self.ends and events & selectors.EVENT_WRITE:
                self._write(end)
        except BlockingIOError:
            pass
        except OSError:
            self._reset(end)

    def _read(self, end):
        data = end.sock.recv(CHUNK)
        if not data:
            end.peer.ended = True
        elif end.pair == "server" and self._shall_cut():
            self._cut(end.peer, data)
            return
        end.peer.out += data
        self._write(end.peer)

    def _write(self, end):
        if end.out:
            try:
                end.out = end.out[end.sock.send(end.out):]
            except BlockingIOError:
                pass
        if end.ended and not end.out and not end.finished:
            end.finished = True
            with contextlib.suppress(OSError):
                end.sock.shutdown(socket.SHUT_WR)
            if end.peer.finished:
                self._close(end)
                return
        self._watch(end)
        self._watch(end.peer)

    def _shall_cut(self):
        self.answers += 1
        return self.every and self.answers % self.every == 0

    def _cut(self, client, data):
        """The server has answered; the client gets nothing, half, or nearly all."""
        self.cut += 1
        data = (b"", data[:len(data) // 2], data[:-1])[self.cut % 3]
        if data:
            with contextlib.suppress(OSError):
                client.sock.send(data)
        self._close(client)

    def _close(self, end):
        for one in (end, end.peer):
            if one in self.ends:
                self.ends.discard(one)
                with contextlib.suppress(KeyError):
                    self.selector.unregister(one.sock)
                one.sock.close()

    def _reset(self, end):
        for one in (end, end.peer):
            if one in self.ends:
                one.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._close(end)
