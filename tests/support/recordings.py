"""Small recordings and specs for tests, as bytes."""

import json
from typing import Any

SPEC = """openapi: 3.1.0
info: {title: t, version: "1"}
servers: [{url: "https://api.shop.example/v1"}, {url: "https://staging.shop.example"}]
security: [{token: []}]
paths:
  /orders:
    get:
      operationId: listOrders
      responses: {"200": {description: ok, content: {application/json: {schema: {type: array, items: {type: string}}}}}}
components: {securitySchemes: {token: {type: http, scheme: bearer}}}
"""


def har(*urls: str, authorization: str = "", answer: Any = None) -> bytes:
    """A HAR with one successful GET a URL. authorization: the header that each sends. answer: the JSON that comes back."""
    headers = [{"name": "Authorization", "value": authorization}] if authorization else []
    entries = [_entry(url, headers, {} if answer is None else answer) for url in urls]
    return json.dumps({"log": {"version": "1.2", "creator": {"name": "t", "version": "1"}, "entries": entries}}).encode()


def _entry(url: str, headers: list[Any], answer: Any) -> dict[str, Any]:
    content = {"mimeType": "application/json", "text": json.dumps(answer)}
    return {
        "request": {"method": "GET", "url": url, "headers": headers},
        "response": {"status": 200, "headers": [], "content": content},
    }
