"""`cask enforce`: the gateway's decisions for plain HTTP. `evaluate` says what would be decided on one request; `proxy` decides and sends.

Promises: the same door, table of steps and record as `serve`; `evaluate` sends nothing, spends no budget and asks nobody; the proxy listens on the
loopback address alone and takes the tokens that `serve --http` takes.
"""

import ipaddress
import json
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import anyio

from caskmcp.errors import CaskError, Exit
from caskmcp.load import load
from caskmcp.model.finding import Finding, Report, Severity
from caskmcp.model.request import AskedRequest
from caskmcp.ports import World
from caskmcp.runtime.catalog import Catalog
from caskmcp.runtime.enforce_server import guarded, named
from caskmcp.runtime.plan import PORTS
from caskmcp.runtime.recognize import Received
from caskmcp.runtime.respond import Result
from caskmcp.runtime.tokens import Caller
from caskmcp.text import visible
from caskmcp.workflows import serve
from caskmcp.workflows.serve import Asked, Web

CALLER: Final = Caller("enforce evaluate")
LARGEST: Final = 1 << 20
"""Bytes of a request's file."""
WRITTEN: Final = re.compile("[!-~]+")
"""A URL as it can stand on the wire."""


def evaluate(world: World, file: str, asked: Asked) -> Report:
    """Say what would be decided on the request in a file. Raises what the door raises, CASK-I002 to I004 for the file, CASK-I010 for no URL."""
    path = world.cwd / file
    data = world.files.read(path, LARGEST)
    try:
        row = AskedRequest.from_json(data, str(path))
    except CaskError as no:
        raise CaskError(no.code, no.what, place=no.place, mend=no.mend or "cask enforce evaluate --help") from no
    front = serve.front_of(world, asked, lambda line: world.console.note(visible(line)))
    front.start()
    serve.refuse_unknown(front.surfaces, asked.toolset)
    seen: list[tuple[str, Mapping[str, Any]]] = []

    def choose(catalog: Catalog) -> tuple[str, Mapping[str, Any]]:
        seen.append((row.tool, row.arguments) if row.tool is not None else named(catalog, _received(row)))
        return seen[-1]

    async def decided() -> Result:
        try:
            return await front.chosen(CALLER, choose)
        finally:
            await front.aclose()

    return _report(anyio.run(decided), *seen[-1])


def proxy(world: World, at: str, token_file: str | None, asked: Asked) -> Exit:
    """Decide on requests of plain HTTP and send those that are allowed, until a signal. Raises CASK-H001 for an address that others reach."""
    stories = load("workflows.serve_http:address"), load("workflows.serve_http:log"), load("workflows.serve_http:run")
    address, log, run = stories
    host, _ = address(at)
    if not ipaddress.ip_address(host).is_loopback:
        raise CaskError(
            "CASK-H001", f"`enforce proxy` listens on this machine alone, not on {host}", mend="cask enforce proxy --at 127.0.0.1:8766"
        )
    front = serve.front_of(world, asked, log(world))
    front.start()
    serve.refuse_unknown(front.surfaces, asked.toolset)
    said = visible(serve.greeting(front.surfaces, asked))
    status: Exit = run(world, Web(at, token_file), front, said, guarded, "/HOST/PATH")
    return status


def _received(row: AskedRequest) -> Received:
    """The request as it would come in. Raises CASK-I010 for a URL that is none."""
    try:
        parts = urlsplit(row.url or "")
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    # The library drops line ends, and the proxy takes no letter beyond ASCII: neither is to be told as another request here.
    if parts.scheme not in PORTS or not parts.hostname or parts.username is not None or not WRITTEN.fullmatch(row.url or ""):
        raise CaskError("CASK-I010", f"`{visible(row.url or '')}` is no URL of a request", mend="cask enforce evaluate --help")
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    shown = name if port in (None, PORTS[parts.scheme]) else f"{name}:{port}"
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    body = row.body if isinstance(row.body, str) else "" if row.body is None else json.dumps(row.body, ensure_ascii=False)
    return Received(row.method or "GET", shown, target, tuple(row.headers.items()), body.encode("utf-8", "surrogatepass"))


def _report(result: Result, tool: str, arguments: Mapping[str, Any]) -> Report:
    shown = result.structured or {}
    verdict = "deny" if result.error else str(shown.get("decision", "allow"))
    rule = str(shown.get("rule", ""))
    facts = {"verdict": verdict, "tool": tool, "arguments": sorted(arguments), "rule": rule, "code": result.error, **result.details}
    tables: dict[str, tuple[dict[str, Any], ...]] = {"request": (dict(shown["request"]),)} if "request" in shown else {}
    return Report(report="enforce", summary=facts, findings=tuple(_findings(result, verdict, tool)), tables=tables)


def _findings(result: Result, verdict: str, tool: str) -> list[Finding]:
    if verdict == "deny":
        return [Finding(code=result.error, severity=Severity.REFUSED, subject=f"tool:{tool}", message=result.text, mend="cask gate status")]
    if verdict == "confirm":
        message = "the policy asks a person to confirm this call"
        return [Finding(code="CASK-R005", severity=Severity.REVIEW, subject=f"tool:{tool}", message=message, mend="cask confirm list")]
    return []
