"""The same decisions for plain HTTP: a request is read back as a call of an approved tool and goes the way of every call; the answer is that call's.

The first segment of the path is the approved host (`/api.example.com/orders/7`). Promises: nothing is sent but what the gateway makes of the
arguments; a request that fits no tool gets the answer of an unknown tool and is on record like it; what is told of a refusal is what an agent
is told. Who may come in is `http_guard`'s.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from caskmcp.model.pack import AdmittedPack
from caskmcp.runtime.catalog import Catalog
from caskmcp.runtime.http_guard import ANY_PATH, Door, Guard, Receive, Scope, Send
from caskmcp.runtime.mcp_server import SENDER, Front
from caskmcp.runtime.recognize import NONE, Received, recognized
from caskmcp.runtime.respond import Result

BODY: Final = 1 << 20
"""Bytes of a request's body."""

# fmt: off
STATUSES: Final = {
    "CASK-R001": 404,  # no approved tool makes such a request
    "CASK-R002": 400,
    "CASK-R003": 400,
    "CASK-R004": 403,
    "CASK-R005": 428,  # a person has to confirm the call; then it is made again
    "CASK-R006": 403,
    "CASK-R007": 502,
    "CASK-R008": 502,
    "CASK-R009": 502,
    "CASK-R010": 429,
    "CASK-E002": 502,
    "CASK-E005": 502,
    "CASK-R011": 500,
    "CASK-W001": 503,
}
"""What a refusal is in HTTP; any other is 403."""
# fmt: on


class Enforced:
    """The ASGI application behind the guard."""

    def __init__(self, front: Front) -> None:
        self._front = front

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        body = await _body(receive)
        if body is None:
            await _say(send, 413, {"error": {"code": "CASK-R002", "message": f"CASK-R002: a body has at most {BODY} bytes"}})
            return
        request = request_of(scope, body)
        result = await self._front.chosen(scope[SENDER], lambda catalog: named(catalog, request))
        await _say(send, *answer(result))


def guarded(front: Front, door: Door, told: Any) -> Guard:
    """The application with its guard."""
    return Guard(Enforced(front), door, front.ready, told, ANY_PATH)


def request_of(scope: Scope, body: bytes) -> Received:
    """A request as the server's library gives it, for the host that its path names."""
    path = bytes(scope.get("raw_path") or b"").partition(b"?")[0].decode("latin-1")
    query = bytes(scope["query_string"]).decode("latin-1")
    first, slash, rest = path.removeprefix("/").partition("/")
    headers = tuple((key.decode("latin-1"), value.decode("latin-1")) for key, value in scope["headers"])
    target = f"{slash}{rest}{'?' + query if query else ''}"
    plain = path.startswith("/") and target.isascii()  # what is no ASCII is no request, and would mean something else to each reader
    return Received(scope["method"], first.lower() if plain else "", target, headers, body)


def named(catalog: Catalog, request: Received) -> tuple[str, Mapping[str, Any]]:
    """The tool as the caller is offered it, and the arguments."""
    for surface in catalog.surfaces:
        asked = without_carried(request, surface.pack)
        tool, arguments = recognized((row.row for row in catalog.offered.values() if row.surface is surface), asked)
        if tool != NONE:
            return next(
                row.name for row in catalog.offered.values() if row.surface is surface and row.row.admitted.tool.name == tool
            ), arguments
    return NONE, {}


def without_carried(request: Received, pack: AdmittedPack | None) -> Received:
    """The request without the header by which its sender authenticates it to its host: that is no argument, and reaches the call beside them."""
    rule = pack.auth.get(request.authority) if pack is not None else None
    if rule is None or not rule.by_caller:
        return request
    name = rule.source.partition(":")[2]
    return replace(request, headers=tuple(row for row in request.headers if row[0].lower() != name))


def answer(result: Result) -> tuple[int, Mapping[str, Any]]:
    """Status and JSON of an answer. An error of the upstream keeps its status."""
    if not result.error:
        return result.status or 200, result.structured if result.structured is not None else {"data": result.text}
    passed = result.status if result.error == "CASK-R008" and 400 <= result.status < 600 else 0
    told = {"code": result.error, "message": result.text, **({"untrusted": True} if result.untrusted else {}), **result.details}
    return passed or STATUSES.get(result.error, 403), {"error": told}


async def _body(receive: Receive) -> bytes | None:
    """The whole body; None for one that is too long, or that its sender gave up."""
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > BODY:
            return None
        if not message.get("more_body", False):
            return b"".join(pieces)


async def _say(send: Send, status: int, value: Mapping[str, Any]) -> None:
    # A status without a body would take the answer's place: what was told is told with one that has room for it.
    status = 200 if status in (204, 205, 304) else status
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace") + b"\n"
    headers = (
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    )
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _lifespan(receive: Receive, send: Send) -> None:
    for stage in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{stage}.complete"})
