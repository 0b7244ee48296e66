"""Between a scanner and the site, for requests that can be done once only as they stand."""
import http.server
import threading

LEFT_OUT = {"host", "connection", "content-length", "accept-encoding", "transfer-encoding"}


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        """Scanners hang up when they please, and what else fails is told by others."""


class Relay:
    """
    Before each request `before(client)` brings the record back to where the request applies, and gives the fields to
    send along, such as the record's ETag of now. One at a time: two would make each other's ETag old. `client` is at
    home at the site and has a token.
    """

    def __init__(self, client, before):
        lock, self.faults = threading.Lock(), []

        def handle(handler):
            size = int(handler.headers.get("Content-Length", 0))
            body = handler.rfile.read(size)
            fields = {name: value for name, value in handler.headers.items() if name.lower() not in LEFT_OUT}
            with lock:
                try:
                    answer = client.request(handler.command, handler.path, content=body, headers={**fields, **before(client)})
                except Exception as failure:                            # an error of this file, not of what is attacked
                    self.faults.append(f"the relay failed: {failure!r}")
                    raise
            handler.send_response(answer.status_code)
            handler.send_header("Content-Type", answer.headers.get("content-type", "text/plain"))
            handler.send_header("Content-Length", str(len(answer.content)))
            handler.end_headers()
            handler.wfile.write(answer.content)

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            do_GET = do_POST = do_PATCH = do_PUT = handle

            def log_message(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def etag_of(path):
    """Sends along the ETag that the record has now."""
    def before(client):
        answer = client.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:200]}"
        return {"If-Match": answer.headers["etag"]}
    return before


def round_in(path, member, values, back, body):
    """The same, and a round whose `member` is none of `values` is first brought back by the verb `back`."""
    etag = etag_of(path)

    def before(client):
        if client.get(path).json()[member] not in values:
            answer = client.post(f"{path}/{back}", json={"reason": "lại", **body}, headers=etag(client))
            assert answer.status_code == 200, f"{path}/{back}: {answer.status_code} {answer.text[:200]}"
        return etag(client)
    return before


def asked(path, body, headers):
    """Somebody else, whose `headers` these are, asks for what is to be decided; that it is asked already, or done, is fine."""
    def before(client):
        answer = client.post(path, json=body, headers=headers)
        assert answer.status_code in (200, 201, 409, 410), f"{path}: {answer.status_code} {answer.text[:200]}"
        return {}
    return before
