"""A service in memory: a table of routes, state, and a recorder that writes what was asked and answered as a HAR."""

import json
import random
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

Answer = tuple[int, Any]
Handler = Callable[..., Answer]
NOT_FOUND: Answer = (404, {"error": {"code": "not_found", "status": 404}})


class Service:
    """Subclasses fill `routes`: (method, template with `{}` for a parameter) -> handler(query, body, *parameters)."""

    host = "api.example.com"

    def __init__(self, seed: int = 1) -> None:
        self.random = random.Random(seed)
        self.routes: dict[tuple[str, str], Handler] = {}
        self.entries: list[dict[str, Any]] = []

    # ---------------------------------------------------------------- ids of many kinds
    def uuid(self) -> str:
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def ulid(self) -> str:
        return "01" + "".join(self.random.choices("0123456789ABCDEFGHJKMNPQRSTVWXYZ", k=24))

    def hex(self, size: int = 24) -> str:
        return "".join(self.random.choices("0123456789abcdef", k=size))

    def opaque(self, prefix: str, size: int = 14) -> str:
        return prefix + "".join(self.random.choices("abcdefghijkmnpqrstuvwxyz23456789", k=size))

    # ---------------------------------------------------------------- calls
    def call(self, method: str, path: str, query: Mapping[str, Any] | None = None, body: Any = None) -> Any:
        """Ask the service as a client would; the exchange is recorded. The answer's body."""
        given = {name: str(value) for name, value in (query or {}).items() if value is not None}
        target = path + ("?" + urlencode(given) if given else "")
        status, answer = self.answer(method, target, body)
        self.entries.append(_entry(f"https://{self.host}{target}", method, body, status, answer))
        return answer

    def answer(self, method: str, target: str, body: Any) -> Answer:
        """What the service answers."""
        parts = urlsplit(target)
        for (wanted, template), handler in self.routes.items():
            pattern = re.escape(template).replace(r"\{\}", "([^/]+)")
            if wanted == method and (found := re.fullmatch(pattern, parts.path)):
                return handler(dict(parse_qsl(parts.query)), body or {}, *found.groups())
        return NOT_FOUND

    def some(self, rows: Iterable[Any]) -> Any:
        """One of the rows, as a person picks."""
        return self.random.choice(list(rows))


def har(entries: Iterable[dict[str, Any]]) -> bytes:
    """A recording of entries."""
    log = {"version": "1.2", "creator": {"name": "recorder", "version": "1"}, "entries": list(entries)}
    return json.dumps({"log": log}, ensure_ascii=False).encode("utf-8")


def page(rows: list[Any], query: Mapping[str, str], size: int = 10) -> tuple[list[Any], int]:
    """One page of rows by `page` and `per_page`, and its number."""
    number, size = int(query.get("page", 1)), int(query.get("per_page", size))
    return rows[(number - 1) * size : number * size], number


def _entry(url: str, method: str, body: Any, status: int, answer: Any) -> dict[str, Any]:
    request: dict[str, Any] = {
        "method": method, "url": url, "httpVersion": "HTTP/1.1", "cookies": [], "headersSize": -1, "bodySize": -1,
        "headers": [{"name": "Authorization", "value": "Bearer 0f3c9a7be21d4486"}, {"name": "Accept", "value": "application/json"}],
        "queryString": [{"name": name, "value": value} for name, value in parse_qsl(urlsplit(url).query)],
    }  # fmt: skip
    if body is not None:
        request["postData"] = {"mimeType": "application/json", "text": json.dumps(body)}
    content = {"size": 0, "mimeType": ""} if answer is None else {"mimeType": "application/json", "size": 1, "text": json.dumps(answer)}
    response = {
        "status": status, "statusText": "", "httpVersion": "HTTP/1.1", "cookies": [], "headersSize": -1, "bodySize": -1, "redirectURL": "",
        "headers": [], "content": content,
    }  # fmt: skip
    return {"startedDateTime": "2026-01-01T00:00:00Z", "time": 1, "cache": {}, "timings": {}, "request": request, "response": response}
