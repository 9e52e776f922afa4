"""The surface of an existing MCP server: each tool is an operation that is declared, called by JSON-RPC at the server's one address.

What the server says of its tools is a stranger's word: texts go the way of every document's, hints of what a tool does are not in the file, so
that the rules for a POST decide its risk.
"""

from collections.abc import Iterator
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

import jsonschema_rs

from caskmcp.compiler.capture.sources import written
from caskmcp.compiler.capture.sources.interface import Blocks
from caskmcp.model.exchange import Declared, DeclaredBody, DeclaredResponse, Skipped
from caskmcp.model.mcp_surface import SCHEMA, McpSurface, McpTool
from caskmcp.model.record import JsonSchema

REVISION: Final = "2026-07-28"
"""The revision of the protocol in which a call stands alone, without a session."""
_META: Final = "io.modelcontextprotocol/"
_JSON: Final = "application/json"


class Mcp:
    """The source `mcp`."""

    kind: ClassVar[str] = "mcp"

    def read(self, blocks: Blocks) -> Iterator[Declared | Skipped]:
        """Yield an operation for each tool, in the file's order. Raises CASK-C002 for a file that is no recorded surface."""
        surface = written.read(blocks, McpSurface, SCHEMA)
        url = urlsplit(surface.server.url)
        for number, tool in enumerate(surface.tools):
            if problem := _unfit(tool):
                yield Skipped(f"tools.{number}", "unsupported", detail=problem)
                continue
            port = 0 if url.port == {"http": 80, "https": 443}[url.scheme] else url.port or 0
            yield _declared(tool, url.scheme, str(url.hostname), port, url.path or "/")


def _unfit(tool: McpTool) -> str:
    """Why a tool cannot be offered; empty if it can."""
    if tool.input_schema.get("type") != "object":
        return "its input schema is no object"
    if not all(jsonschema_rs.meta.is_valid(_of_2020(schema)) for schema in (tool.input_schema, tool.output_schema or {})):
        return "its schemas are none of JSON Schema 2020-12"
    if any(not reference.startswith("#/$defs/") for schema in (tool.input_schema, tool.output_schema) for reference in _references(schema)):
        return "a reference of its schemas leads out of them"
    return ""


def _of_2020(schema: JsonSchema) -> JsonSchema:
    return {**schema, "$schema": "https://json-schema.org/draft/2020-12/schema"}


def _references(value: Any) -> Iterator[str]:
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            if isinstance(found := item.get("$ref"), str):
                yield found
            stack += item.values()
        elif isinstance(item, list):
            stack += item


def _declared(tool: McpTool, scheme: str, host: str, port: int, path: str) -> Declared:
    meta = {f"{_META}protocolVersion": REVISION, f"{_META}clientCapabilities": {}}
    call = {
        "protocol": "mcp",
        "name": tool.name,
        "constants": {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool.name, "_meta": meta}},
        "within": ["params", "arguments"],
        "headers": {"MCP-Protocol-Version": REVISION, "Mcp-Method": "tools/call", "Mcp-Name": tool.name},
    }
    return Declared(
        method="POST",
        scheme=scheme,
        host=host.lower(),
        port=port,
        path=path,
        operation_id=tool.name,
        title=tool.title,
        description=tool.description,
        bodies=(DeclaredBody(_JSON, tool.input_schema),),
        body_required=bool(tool.input_schema.get("required")),
        responses=(DeclaredResponse("200", _JSON, tool.output_schema),),
        call=call,
    )
