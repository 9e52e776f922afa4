"""A proxy without any guard, to measure against: `python -m tests.bench.bare_proxy TOOLS ORIGIN [http PORT]`.

The protocol library's low-level server as its own examples write it, and the HTTP client that we use. It lists the tools of a file, sends what it is
asked to whatever tool that names, and passes the answer on: nothing is checked, cut, redacted, counted, confirmed or recorded.
"""

import json
import sys
from pathlib import Path
from typing import Any, Final

import anyio
import httpcore2
import mcp_types as t
import uvicorn
from mcp.server.lowlevel import NotificationOptions, Server
from mcp.server.stdio import stdio_server

HEADERS: Final = [(b"Accept", b"application/json"), (b"Content-Type", b"application/json")]


class Proxy:
    """The two handlers."""

    def __init__(self, rows: list[dict[str, Any]], origin: str) -> None:
        self._listing = t.ListToolsResult(tools=[_tool(row) for row in rows])
        self._schemas = {row["name"]: row["input_schema"] for row in rows}
        self._plans = {row["name"]: row["request"] for row in rows}
        self._origin = origin
        self._pool = httpcore2.AsyncConnectionPool(max_connections=100)

    def server(self) -> Server[Any]:
        """The library's server."""
        return Server("bare", on_list_tools=self._list, on_call_tool=self._call, get_tool_input_schema=self._schemas.get)

    async def _list(self, ctx: Any, params: t.PaginatedRequestParams | None) -> t.ListToolsResult:
        return self._listing

    async def _call(self, ctx: Any, params: t.CallToolRequestParams) -> t.CallToolResult:
        plan, given = self._plans[params.name], params.arguments or {}
        path = "/".join("".join(_text(piece, given) for piece in segment["pieces"]) for segment in plan["segments"])
        body = json.dumps(given).encode() if "body" in plan else None
        said = await self._pool.request(plan["method"], f"{self._origin}/{path}", headers=HEADERS, content=body)
        return t.CallToolResult(content=[t.TextContent(text=said.content.decode())], structured_content=json.loads(said.content))


def _text(piece: dict[str, str], given: dict[str, Any]) -> str:
    return str(given[piece["argument"]]) if piece.get("argument") else piece["text"]


def _tool(row: dict[str, Any]) -> t.Tool:
    hints = t.ToolAnnotations(title=row["title"], **{f"{name}_hint": value for name, value in row["annotations"].items()})
    return t.Tool(
        name=row["name"],
        title=row["title"],
        description=row["description"],
        input_schema=row["input_schema"],
        output_schema=row.get("output_schema"),
        annotations=hints,
    )


async def _on_stdio(server: Server[Any]) -> None:
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options(NotificationOptions(tools_changed=True)))


async def _on_http(server: Server[Any], port: int) -> None:
    config = uvicorn.Config(server.streamable_http_app(), host="127.0.0.1", port=port, log_config=None, access_log=False)
    await uvicorn.Server(config).serve()


def main(tools: str, origin: str, how: str = "stdio", port: str = "0") -> None:
    """Serve until the client goes."""
    server = Proxy(json.loads(Path(tools).read_bytes())["tools"], origin).server()
    if how == "http":
        anyio.run(_on_http, server, int(port))
    else:
        anyio.run(_on_stdio, server)


if __name__ == "__main__":
    main(*sys.argv[1:])
