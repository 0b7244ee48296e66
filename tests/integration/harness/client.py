"""A client of the API that holds every answer against the contract."""
import socket
import time

import httpcore
import httpx


class AtOnce(httpcore.backends.sync.SyncBackend):
    """Sends a body right behind its head: without this each POST waits 40 ms for the acknowledgement of the head."""

    def connect_tcp(self, *arguments, **options):
        stream = super().connect_tcp(*arguments, **options)
        stream.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return stream


def transport_at_once():
    transport = httpx.HTTPTransport()
    transport._pool = httpcore.ConnectionPool(network_backend=AtOnce())
    return transport


class Api:
    def __init__(self, daemon, contract, token=None, language=None):
        self.daemon, self.contract = daemon, contract
        headers = {"User-Agent": "test"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if language:
            headers["Accept-Language"] = language
        self.http = httpx.Client(base_url=daemon.url, headers=headers, timeout=120, transport=transport_at_once())

    def as_(self, role):
        """The same as another role: a client with its token ("public": none)."""
        return Api(self.daemon, self.contract, None if role == "public" else self.daemon.token(role))

    def with_token(self, token):
        return Api(self.daemon, self.contract, token)

    def request(self, method, path, expect=None, **options):
        """`expect`: the status (or several) that the answer must have."""
        response = self.http.request(method, path, **options)
        self.contract.check(response)
        assert response.headers["x-content-type-options"] == "nosniff", f"{method} {path}"
        if expect is not None:
            expected = expect if isinstance(expect, (tuple, list, set)) else (expect,)
            assert response.status_code in expected, \
                f"{method} {path}: {response.status_code}, expected {expect}\n{response.text[:1500]}"
        return response

    def get(self, path, expect=200, **options):
        return self.request("GET", path, expect, **options)

    def post(self, path, json=None, expect=None, **options):
        if json is not None:
            options["json"] = json
        return self.request("POST", path, expect, **options)

    def patch(self, path, json=None, expect=None, etag=None, **options):
        headers = {**options.pop("headers", {}), **({"If-Match": etag} if etag else {})}
        return self.request("PATCH", path, expect, json=json, headers=headers, **options)

    # ---- words of this API ----

    def items(self, path, **params):
        """All items of a list, page by page."""
        found, cursor = [], None
        while True:
            page = self.get(path, params={**params, **({"cursor": cursor} if cursor else {})}).json()
            found += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    def round(self, key):
        return self.get(f"/api/v1/rounds/{key}").json()

    def etag(self, path):
        return self.get(path).headers["etag"]

    def step(self, round_id, verb, body=None, expect=200, etag=None):
        """One verb on a round, at the version it has now (or at `etag`)."""
        path = f"/api/v1/rounds/{round_id}"
        return self.post(f"{path}/{verb}", json=body, expect=expect, headers={"If-Match": etag or self.etag(path)})


def until_served(send, seconds=60):
    """The answer of send(), which is sent again while it is told that nothing was done for now: where many meet at one record, a
    busy machine lets one of them wait for a lock or a queue for too long."""
    end = time.monotonic() + seconds
    while True:
        answer = send()
        if answer.status_code != 503 or answer.json()["type"] != "/problems/try-again" or time.monotonic() > end:
            return answer
        time.sleep(0.1)


def problem(response, slug=None, status=None):
    """The problem document of an answer, whose type must be /problems/<slug>."""
    assert response.headers["content-type"].split(";")[0] == "application/problem+json", response.text[:500]
    assert response.headers["x-content-type-options"] == "nosniff"
    document = response.json()
    assert document["status"] == response.status_code
    if slug:
        assert document["type"] == f"/problems/{slug}", document
    if status:
        assert response.status_code == status, document
    return document


def field_codes(response):
    """{pointer: code} of a problem's field faults."""
    return {fault["pointer"]: fault["code"] for fault in response.json().get("errors", [])}
