"""openapi.json and the daemon say the same; problems are documents with a page each, in two languages."""
import html.parser
import re
import subprocess

import httpx
import pytest

from harness import programs
from harness.client import problem

PLACEHOLDER = re.compile(r"{\w+}")


def test_every_route_is_in_the_file_and_the_other_way_round(contract):
    done = subprocess.run([programs.BIN / "giothongd", "--routes"], capture_output=True, text=True, timeout=60,
                          env=programs.sanitizer_environment(programs.workshop()))
    assert done.returncode == 0, done.stderr
    served = {(method, re.sub(r"{\w+}", "{}", path)) for method, path in (line.split() for line in done.stdout.splitlines())}
    written = {(method, PLACEHOLDER.sub("{}", path)) for method, path in contract.routes()}
    assert served == written


def test_options_tells_the_same_methods(api, contract):
    by_path = {}
    for method, path in contract.routes():
        by_path.setdefault(path, set()).add(method)
    for path, methods in by_path.items():
        answer = api.request("OPTIONS", PLACEHOLDER.sub("x", path), expect=204)
        allowed = {m.strip() for m in answer.headers["allow"].split(",")}
        assert allowed == methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set()), path


def test_the_file_is_served_as_it_is(api, contract):
    assert api.get("/openapi.json").json() == contract.document
    assert contract.document["openapi"].startswith("3.1")


def test_the_page_to_read_it_by(api):
    page = api.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "openapi.json" in page.text + api.get("/docs.js").text
    assert "http://" not in page.text and "https://" not in page.text, "nothing is fetched from elsewhere"


class Markup(html.parser.HTMLParser):
    """What a page loads, and what of its own a browser would have to run or apply."""

    def __init__(self, text):
        super().__init__()
        self.loads, self.own = {}, []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        fields = dict(attributes)
        source = fields.get("src") or (fields.get("href") if fields.get("rel") == "stylesheet" else None)
        if source:
            self.loads[source] = {"script": "script-src", "link": "style-src"}.get(tag, f"{tag}-src")
        elif tag in ("script", "style"):
            self.own.append(tag)
        self.own += [f"{tag} {name}" for name in fields if name == "style" or name.startswith("on")]


@pytest.mark.parametrize("path, allows", [("/", {}), ("/problems/stale", {}),
                                          ("/docs", {"script-src": "'self'", "connect-src": "'self'"})])
def test_a_page_may_do_what_it_needs_and_no_more(api, path, allows):
    page = api.get(path)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = dict(directive.split(" ", 1) for directive in page.headers["content-security-policy"].split("; "))
    nothing = ("default-src", "object-src", "base-uri", "form-action", "frame-ancestors")
    assert policy == {**dict.fromkeys(nothing, "'none'"), "style-src": "'self'", **allows}
    assert page.headers["x-frame-options"] == "DENY" and page.headers["referrer-policy"] == "no-referrer"
    markup = Markup(page.text)
    assert markup.own == [], "the policy forbids them"
    assert set(markup.loads.values()) == {"style-src"} | (set(allows) & {"script-src"}), "it loads all that it may"
    kinds = {"style-src": "text/css", "script-src": "text/javascript"}
    for source, directive in markup.loads.items():
        assert source.startswith("/") and directive in policy
        assert api.get(source).headers["content-type"] == f"{kinds[directive]}; charset=utf-8", "or nosniff keeps it out"
    again = api.get(path, expect=304, headers={"If-None-Match": page.headers["etag"]})
    assert again.headers["content-security-policy"] == page.headers["content-security-policy"]
    head = api.request("HEAD", path, expect=200)
    assert head.headers["content-security-policy"] == page.headers["content-security-policy"]


def test_every_page_has_a_policy(api, contract):
    """Whatever of the contract is answered as HTML, now or some day."""
    pages = set()
    for method, path in contract.routes():
        responses = contract.document["paths"][path][method.lower()]["responses"]
        if "text/html" not in responses.get("200", {}).get("content", {}):
            continue
        values = {p["name"]: p["example"] for p in contract.parameters(method.lower(), path) if p["in"] == "path"}
        page = api.request(method, path.format(**values), expect=200)
        assert page.headers["content-type"].startswith("text/html"), path
        assert page.headers["content-security-policy"].startswith("default-src 'none';"), path
        pages.add(path)
    assert pages >= {"/", "/docs", "/problems/{slug}"}
    for path in pages:
        problem = api.get(f"{path.split('{')[0].rstrip('/')}/no-such-thing", expect=404)
        assert "html" not in problem.headers["content-type"], "no other HTML leaves"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_other_methods_are_405(api, contract, method):
    for path in contract.document["paths"]:
        if (method, path) in contract.routes():
            continue
        answer = api.request(method, PLACEHOLDER.sub("x", path), expect=405)
        assert answer.headers["allow"], path
        if not path.startswith("/sms/"):
            problem(answer, "method-not-allowed")


def test_nothing_there(api):
    for path in ("/api", "/api/v1", "/api/v1/", "/api/v1/donor", "/api/v2/rounds", "/api/v1/rounds/", "/favicon.ico"):
        problem(api.get(path, expect=404), "not-found")


def slugs():
    text = (programs.ROOT / "src" / "base" / "error.c").read_text()
    return [slug for slug in re.findall(r'\[ERR_\w+\]\s*= "([\w-]+)"', text) if slug not in ("none", "config", "system")]


@pytest.mark.parametrize("slug", slugs())
def test_every_problem_has_a_page(api, slug):
    page = api.get(f"/problems/{slug}")
    assert page.headers["content-type"].startswith("text/html") and f"/problems/{slug}" in page.text
    assert 'lang="vi"' in page.text


def test_no_other_page(api):
    problem(api.get("/problems/nonsense", expect=404), "not-found")


def test_problems_speak_the_readers_language(api):
    answers = {language: problem(api.get("/api/v1/rounds/NICHTS", headers={"Accept-Language": language}, expect=404))
               for language in ("en", "vi", "vi-VN,vi;q=0.9,en;q=0.8", "fr", "en;q=0.5,vi;q=0.9")}
    assert answers["en"]["detail"] != answers["vi"]["detail"]
    assert answers["vi"]["detail"] == answers["vi-VN,vi;q=0.9,en;q=0.8"]["detail"] == answers["en;q=0.5,vi;q=0.9"]["detail"]
    assert answers["en"]["detail"] == answers["fr"]["detail"]
    assert len({a["type"] for a in answers.values()}) == 1


def test_field_codes_never_change_with_the_language(staff):
    codes = []
    for language in ("en", "vi"):
        answer = staff.post("/api/v1/teams", json={"code": "!", "colour": 1}, headers={"Accept-Language": language}, expect=422)
        codes.append([(e["pointer"], e["code"]) for e in problem(answer, "invalid-field")["errors"]])
        assert all(e["detail"] for e in answer.json()["errors"])
    assert codes[0] == codes[1] and {p for p, _ in codes[0]} == {"/code", "/name", "/colour"}


def test_each_problem_carries_its_own_request_id(api, daemon):
    ids = [problem(api.get("/api/v1/rounds/NICHTS", expect=404))["request_id"] for _ in range(3)]
    assert len(set(ids)) == 3 and all(re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", i) for i in ids)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"{} {}", b'{"code":"A","code":"B","name":"x"}',
                                  b'{"code":"A","name":"x"}\x00', b'\xff\xfe{}', b'{"name":"\xc3"}', b'{"name":"\\ud800"}',
                                  b'{"name":"a\\u0000b","code":"NUL"}', b"[" * 5000, b'{"a":' * 5000, b'{"code": 1e999}',
                                  b'{"code": NaN}', b"\xef\xbb\xbf{}", b'{"beds": 99999999999999999999999}'])
def test_bodies_that_are_no_object(staff, body):
    answer = staff.request("POST", "/api/v1/teams", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422), (body[:40], answer.text)
    problem(answer)


def test_the_media_type_is_looked_at(staff):
    answer = staff.request("POST", "/api/v1/plans/import", content=b"<x/>", headers={"Content-Type": "application/xml"})
    problem(answer, "unsupported-media-type", 415)


def test_letters_come_back_composed(seeds, staff):
    import unicodedata
    made = staff.post("/api/v1/teams", json={"code": f"NFD{seeds.number()}", "name": unicodedata.normalize("NFD", "Đội Tân Uyên")},
                      expect=201).json()
    assert made["name"] == "Đội Tân Uyên"


def test_metrics_are_prometheus_text(api):
    answer = api.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    names = set()
    for line in answer.text.splitlines():
        assert re.fullmatch(r'# (HELP|TYPE) \S+ .*|[a-z_]+(\{[^}]*\})? [0-9.e+]+', line), line
        if not line.startswith("#"):
            names.add(re.split(r"[{ ]", line)[0])
    assert {"giothong_http_requests_total", "giothong_db_queries_total", "giothong_info"} <= names


def test_health_and_readiness(api):
    assert api.get("/healthz").text.strip() == "ok" and api.get("/readyz").text.strip() == "ready"


def test_no_version_in_headers_and_nothing_personal_cached(api, staff, daemon, seeds):
    for answer in (api.get("/api/v1/rounds"), staff.get("/api/v1/rounds"), api.get("/x", expect=404)):
        assert not any(re.search(r"\d+\.\d+\.\d+", v) for k, v in answer.headers.items() if k.lower() in ("server", "x-powered-by"))
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert "no-store" in httpx.get(f"{daemon.url}/api/v1/tokens", headers={"Authorization": f"Bearer {daemon.token('admin')}"}, timeout=30) \
        .headers["cache-control"] or "private" in staff.get("/api/v1/rounds").headers["cache-control"]
