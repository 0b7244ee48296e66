"""Every answer against src/api/openapi.json: path, method, status, content type, body."""
import json
import re
import urllib.parse
import warnings

import jsonschema

from . import programs

OPENAPI = programs.ROOT / "src" / "api" / "openapi.json"
METHODS = ("get", "put", "post", "delete", "head", "patch")


class Broken(AssertionError):
    """An answer (or a request that was accepted) is not what the contract says."""


class Contract:
    def __init__(self, path=OPENAPI):
        self.document = json.loads(path.read_text(encoding="utf-8"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            self.resolver = jsonschema.RefResolver.from_schema(self.document)
        self.templates = [(self._pattern(path), path) for path in self.document["paths"]]
        # a literal beats a {name}
        self.templates.sort(key=lambda row: (row[1].count("{"), -len(row[1])))       # {number}.pdf before {number}
        self.validators = {}
        self.seen = set()                        # (method, template, status) that were checked

    @staticmethod
    def _pattern(path):
        parts = re.split(r"({\w+})", path)
        return re.compile("".join("[^/]+" if p.startswith("{") else re.escape(p) for p in parts) + r"\Z")

    def resolve(self, node):
        while isinstance(node, dict) and "$ref" in node:
            pointer = node["$ref"].removeprefix("#/")
            node = self.document
            for part in pointer.split("/"):
                node = node[part.replace("~1", "/").replace("~0", "~")]
        return node

    def template(self, path):
        return next((template for pattern, template in self.templates if pattern.match(path)), None)

    def routes(self):
        """{(METHOD, template)} of the file."""
        return {(method.upper(), path) for path, item in self.document["paths"].items()
                for method in METHODS if method in item}

    def operation(self, method, template):
        item = self.document["paths"][template]
        return item.get(method) or (item.get("get") if method == "head" else None)

    def parameters(self, method, template):
        both = self.document["paths"][template].get("parameters", []) + self.operation(method, template).get("parameters", [])
        return [self.resolve(parameter) for parameter in both]

    def faults(self, schema, value):
        key = json.dumps(schema, sort_keys=True)
        if key not in self.validators:
            self.validators[key] = jsonschema.Draft202012Validator(
                schema, resolver=self.resolver, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
        return [f"/{'/'.join(map(str, e.absolute_path))}: {e.message[:300]}" for e in self.validators[key].iter_errors(value)]

    def check(self, response):
        """Raises Broken unless the file declares this answer and its body has the declared shape."""
        request = response.request
        method, path = request.method.lower(), urllib.parse.unquote(request.url.raw_path.decode().split("?")[0])
        what = f"{request.method} {request.url} -> {response.status_code}"
        template = self.template(path)
        if method == "options":
            return
        if template is None:
            if response.status_code not in (404, 400, 414, 431):
                raise Broken(f"{what}: not in openapi.json")
            return self._check_problem(what, response)
        operation = self.operation(method, template)
        if operation is None:
            if response.status_code not in (405, 501):
                raise Broken(f"{what}: method not in openapi.json")
            return self._check_problem(what, response) if method != "head" else None
        declared = self._response(operation, response.status_code)
        if declared is None:
            raise Broken(f"{what}: status not declared for {template}\n{response.text[:500]}")
        self.seen.add((request.method, template, response.status_code))
        if method != "head" and response.status_code not in (204, 304):
            self._check_body(what, declared, response)
        if response.is_success:
            self._check_request(what, method, template, operation, request)

    def _response(self, operation, status):
        responses = operation["responses"]
        for key in (str(status), f"{status // 100}XX", "default"):
            if key in responses:
                return self.resolve(responses[key])
        return None

    def _check_body(self, what, declared, response):
        content = declared.get("content")
        media = response.headers.get("content-type", "").split(";")[0].strip()
        if not content:
            if response.content:
                raise Broken(f"{what}: a body where none is declared")
            return
        if media not in content:
            raise Broken(f"{what}: content type {media!r}, declared {sorted(content)}\n{response.text[:300]}")
        if media.endswith("json"):
            schema = content[media].get("schema")
            faults = self.faults(schema, response.json()) if schema else []
            if faults:
                raise Broken(f"{what}: body is not as declared:\n" + "\n".join(faults[:10]) + f"\n{response.text[:1500]}")

    def _check_problem(self, what, response):
        media = response.headers.get("content-type", "").split(";")[0]
        is_gateways = response.request.url.path.startswith("/sms/")
        if media != ("text/plain" if is_gateways else "application/problem+json"):
            raise Broken(f"{what}: {media!r} is not a problem document")

    def _check_request(self, what, method, template, operation, request):
        """What the daemon took, the file must allow: else clients made from the file cannot say it."""
        if template.startswith("/sms/"):
            return                               # gateways send what their configuration says
        declared = {p["name"] for p in self.parameters(method, template) if p["in"] == "query"}
        asked = {name for name, _ in urllib.parse.parse_qsl(request.url.query.decode("latin-1"), keep_blank_values=True)}
        if asked - declared:
            raise Broken(f"{what}: took undeclared query parameters {sorted(asked - declared)}")
        body = self.resolve(operation.get("requestBody"))
        media = request.headers.get("content-type", "").split(";")[0]
        if request.content and not body:
            raise Broken(f"{what}: took a body where none is declared")
        if request.content and media.endswith("json") and media in body["content"]:
            faults = self.faults(body["content"][media]["schema"], json.loads(request.content))
            if faults:
                raise Broken(f"{what}: took a body that is not as declared:\n" + "\n".join(faults[:10]))
