"""Contracts written by hand, in a short notation: `contract("GET /orders/{order_id}", query=["page"])`."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from caskmcp import canon
from caskmcp.model.contract import Body, Contract, Evidence, Parameter, Response
from caskmcp.model.observation import Piece, Segment

HOST = "api.shop.example"


class Given:
    """What a stage reads, as a table from role to value: the same protocol as the engine's."""

    def __init__(self, values: Mapping[str, Any], files: Mapping[str, Mapping[str, bytes]] = {}) -> None:
        self.values = values
        self.files = files

    def value(self, role: str) -> Any:
        return self.values[role]

    def common(self, role: str, of: Callable[[Any], Any]) -> Any:
        return of(self.value(role))

    def data(self, role: str) -> bytes:
        return canon.compact(self.values[role])

    def files_of(self, role: str) -> Mapping[str, bytes]:
        return self.files[role] if role in self.files else {name: canon.compact(value) for name, value in sorted(self.values[role].items())}

    def blocks(self, role: str) -> Iterator[bytes]:
        return iter((self.data(role),))


def segments(template: str) -> tuple[Segment, ...]:
    """Pieces of each segment of a template: `/range/{a}..{b}`."""
    return tuple(Segment(pieces=pieces(text)) for text in template.removeprefix("/").split("/"))


def pieces(text: str) -> tuple[Piece, ...]:
    parts = [part for part in re.split(r"(\{[^{}]+\})", text) if part]
    return tuple(Piece(name=part[1:-1]) if part.startswith("{") else Piece(text=part) for part in parts) or (Piece(text=""),)


def obj(required: Iterable[str] = (), **properties: Any) -> dict[str, Any]:
    """An object schema."""
    rows: dict[str, Any] = {"type": "object", "properties": properties}
    return rows | ({"required": sorted(required)} if required else {})


STRING: dict[str, Any] = {"type": "string"}
INTEGER: dict[str, Any] = {"type": "integer"}


def parameter(name: str, location: Any = "query", schema: Mapping[str, Any] = STRING, **more: Any) -> Parameter:
    """A parameter; `wire` is its name unless given."""
    return Parameter(**{"name": name, "wire": name, "location": location, "schema": dict(schema), **more})


def contract(
    operation: str,
    *,
    host: str = HOST,
    port: int = 0,
    query: Iterable[str] = (),
    parameters: Iterable[Parameter] = (),
    paths: Mapping[str, Any] = {},
    body: Mapping[str, Any] | None = None,
    body_required: bool = False,
    media: str = "application/json",
    kind: Any = "json",
    answer: Mapping[str, Any] | None = None,
    spec: bool = False,
    seen: int = 5,
    **more: Any,
) -> Contract:
    """A contract with `seen` exchanges. paths: schema by path parameter (default: integer for `…id`, else text)."""
    method, template = operation.split(" ", 1)
    names = re.findall(r"\{([^{}]+)\}", template)
    in_path = [parameter(name, "path", paths.get(name, INTEGER if name.endswith("id") else STRING), required=True) for name in names]
    responses = () if answer is None else (Response(status="200", media="application/json", schema_=dict(answer)),)
    bodies = () if body is None else (Body(media=media, kind=kind, schema_=dict(body), required=body_required),)
    origin = f"{host}:{port}" if port else host
    return Contract(
        **{
            "id": f"{method} {origin}{template}",
            "method": method,
            "scheme": "https",
            "host": host,
            "port": port,
            "template": template,
            "segments": segments(template),
            "parameters": (*in_path, *(parameter(name) for name in query), *parameters),
            "bodies": bodies,
            "responses": responses,
            "statuses": {"200": seen} if seen else {},
            "evidence": Evidence(seen=seen, total=seen, sources=("spec",) if spec else ("traffic",)),
            "confidence": "high" if spec else "medium",
            **more,
        }
    )
