"""OTLP for tests: spans of calls over HTTP as JSON, in new and old conventions, and the same as protobuf without the library."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

TRACE: Final = "5b8efff798038103d269b633813fc60c"
SERVER: Final = 2
CLIENT: Final = 3


def attribute(key: str, value: Any) -> dict[str, Any]:
    """One attribute, typed as OTLP/JSON types it: integers are text."""
    return {"key": key, "value": _value(value)}


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [_value(item) for item in value]}}
    return {"stringValue": value}


def span(number: int, attributes: Mapping[str, Any], *, kind: Any = SERVER, parent: int = 0, trace: str = TRACE) -> dict[str, Any]:
    """A span with the id `number`, below `parent` (0: none)."""
    return {
        "traceId": trace,
        "spanId": f"{number:016x}",
        "parentSpanId": f"{parent:016x}" if parent else "",
        "name": "call",
        "kind": kind,
        "startTimeUnixNano": "1544712660000000000",
        "endTimeUnixNano": "1544712661000000000",
        "attributes": [attribute(key, value) for key, value in attributes.items()],
        "status": {},
    }


def served(
    method: str, path: str, status: int = 200, *, route: str = "", query: str = "", host: str = "api.example.com", **more: Any
) -> dict[str, Any]:
    """Attributes of a server's span in the stable conventions. more: others, with `__` for a dot."""
    told = {"http.request.method": method, "url.scheme": "https", "url.path": path, "http.response.status_code": status}
    told |= {"server.address": host} if host else {}
    told |= {"http.route": route} if route else {}
    told |= {"url.query": query} if query else {}
    return told | {key.replace("__", "."): value for key, value in more.items()}


def called(method: str, url: str, status: int = 200) -> dict[str, Any]:
    """Attributes of a client's span in the stable conventions."""
    return {"http.request.method": method, "url.full": url, "http.response.status_code": status}


def request(*spans: Any) -> dict[str, Any]:
    """An `ExportTraceServiceRequest`."""
    resource = {"attributes": [attribute("service.name", "orders")]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "http"}, "spans": list(spans)}]}]}


def document(*spans: Any) -> bytes:
    """The request as JSON in one line."""
    return json.dumps(request(*spans)).encode()


def lines(*requests: Iterable[Any]) -> bytes:
    """One request a line, as the collector's file exporter writes them."""
    return b"".join(document(*spans) + b"\n" for spans in requests)


# ---------------------------------------------------------------- protobuf, by its wire format alone
def varint(value: int) -> bytes:
    """A varint."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number: int, value: bytes | str | int) -> bytes:
    """A field: bytes and text with their length, an integer as a varint."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def message(*spans: Mapping[str, Any]) -> bytes:
    """The same request in protobuf (opentelemetry/proto/trace/v1/trace.proto)."""
    scope = field(1, field(1, "http")) + b"".join(field(2, _span(each)) for each in spans)
    resource = field(1, _attribute(attribute("service.name", "orders")))
    return field(1, field(1, resource) + field(2, scope))


def _span(value: Mapping[str, Any]) -> bytes:
    ids = [(1, "traceId"), (2, "spanId"), (4, "parentSpanId")]
    head = b"".join(field(number, bytes.fromhex(value[name])) for number, name in ids if value[name])
    return head + field(5, value["name"]) + field(6, value["kind"]) + b"".join(field(9, _attribute(row)) for row in value["attributes"])


def _attribute(row: Mapping[str, Any]) -> bytes:
    return field(1, row["key"]) + field(2, _any(row["value"]))


def _any(value: Mapping[str, Any]) -> bytes:
    ((name, held),) = value.items()
    if name == "arrayValue":
        return field(5, b"".join(field(1, _any(item)) for item in held["values"]))
    return {"stringValue": lambda: field(1, held), "boolValue": lambda: field(2, int(held)), "intValue": lambda: field(3, int(held))}[
        name
    ]()
