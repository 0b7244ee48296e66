"""HTTP by hand: bytes in, bytes out."""
import socket
import time


def connect(daemon, timeout=15):
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
        body += connection.recv(65536)
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
