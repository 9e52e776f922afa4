"""The corpus of secrets in other formats than HAR: a table of writers, each from the entries of a HAR to a file of its kind.

A writer leaves out what its format cannot hold (a curl command has no answer). Kinds whose source is not here are not in the table.
"""

import base64
import json
import shlex
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from tests.support.secrets import HOST, Case, entry

Entry = Mapping[str, Any]


def written(kind: str, found: Iterable[Case]) -> bytes:
    """The cases as a file of a kind."""
    listed = list(found)
    return WRITERS[kind]([made for case in listed if (made := entry(case))], [case for case in listed if case.where == "otel.attr"])


def _pairs(named: Iterable[Mapping[str, str]]) -> list[tuple[str, str]]:
    return [(row["name"], row["value"]) for row in named]


def _sent(each: Entry) -> str | None:
    text: str | None = each["request"].get("postData", {}).get("text")
    return text


def _answered(each: Entry) -> tuple[str, bool]:
    content = each["response"]["content"]
    return content["text"], content.get("encoding") == "base64"


def _otlp(entries: list[Entry], spans: list[Case]) -> bytes:
    found = [_span(_attributes(each)) for each in entries]
    for case in spans:
        value = f"Bearer {case.value}" if case.name.endswith("authorization") else case.value
        found.append(_span({"http.request.method": "POST", "url.full": case.base, case.name: value, "http.response.status_code": 200}))
    document = {"resourceSpans": [{"resource": {"attributes": []}, "scopeSpans": [{"scope": {"name": "corpus"}, "spans": found}]}]}
    return json.dumps(document).encode()


def _attributes(each: Entry) -> dict[str, Any]:
    request, response = each["request"], each["response"]
    found: dict[str, Any] = {
        "http.request.method": request["method"],
        "url.full": request["url"],
        "server.address": HOST,
        "http.response.status_code": response["status"],
        "http.response.body": response["content"]["text"],
    }
    found |= {f"http.request.header.{name.lower()}": [value] for name, value in _pairs(request["headers"])}
    found |= {f"http.response.header.{name.lower()}": [value] for name, value in _pairs(response["headers"])}
    return found | ({"http.request.body": _sent(each)} if _sent(each) is not None else {})


def _span(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "traceId": "0af7651916cd43dd8448eb211c80319c",
        "spanId": "b7ad6b7169203331",
        "name": "call",
        "kind": 3,
        "startTimeUnixNano": "1790000000000000000",
        "endTimeUnixNano": "1790000000100000000",
        "attributes": [{"key": key, "value": _any(value)} for key, value in attributes.items()],
    }


def _any(value: Any) -> dict[str, Any]:
    if isinstance(value, list):
        return {"arrayValue": {"values": [_any(item) for item in value]}}
    return {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}


def _curl(entries: list[Entry], _: list[Case]) -> bytes:
    return "\n".join(shlex.join(_command(each)) for each in entries).encode()


def _command(each: Entry) -> list[str]:
    request = each["request"]
    words = ["curl", "-X", request["method"], request["url"]]
    words += [word for name, value in _pairs(request["headers"]) for word in ("-H", f"{name}: {value}")]
    body = request.get("postData")
    return words + (["-H", f"Content-Type: {body['mimeType']}", "--data-raw", body["text"]] if body else [])


def _ndjson(entries: list[Entry], _: list[Case]) -> bytes:
    return "\n".join(json.dumps(_line(each)) for each in entries).encode()


def _line(each: Entry) -> dict[str, Any]:
    request, response = each["request"], each["response"]
    text, packed = _answered(each)
    body = _sent(each)
    media = request.get("postData", {}).get("mimeType", "")
    return {
        "method": request["method"],
        "url": request["url"],
        "status": response["status"],
        "request_headers": [list(pair) for pair in [*_pairs(request["headers"]), *([("Content-Type", media)] if media else [])]],
        "response_headers": [list(pair) for pair in _pairs(response["headers"])],
        "response_body_base64": text if packed else base64.b64encode(text.encode()).decode(),
        **({"request_body_base64": base64.b64encode(body.encode()).decode()} if body is not None else {}),
    }


def _postman(entries: list[Entry], _: list[Case]) -> bytes:
    info = {"name": "corpus", "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"}
    return json.dumps({"info": info, "item": [_item(each, number) for number, each in enumerate(entries)]}).encode()


def _item(each: Entry, number: int) -> dict[str, Any]:
    request, response = each["request"], each["response"]
    headers = [{"key": name, "value": value} for name, value in _pairs(request["headers"])]
    body = request.get("postData")
    asked = {"method": request["method"], "header": headers, "url": {"raw": request["url"]}}
    asked |= {"body": {"mode": "raw", "raw": body["text"], "options": {"raw": {"language": "json"}}}} if body else {}
    answered = [{"key": name, "value": value} for name, value in _pairs(response["headers"])]
    example = {
        "name": "example",
        "originalRequest": asked,
        "code": response["status"],
        "header": answered,
        "body": response["content"]["text"],
    }
    return {"name": f"request {number}", "request": asked, "response": [example]}


WRITERS: Final[dict[str, Callable[[list[Entry], list[Case]], bytes]]] = {
    "otel": _otlp,
    "curl": _curl,
    "ndjson": _ndjson,
    "postman": _postman,
}
