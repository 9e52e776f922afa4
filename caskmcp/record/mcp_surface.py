"""The surface of an existing MCP server: what its tools are called, say and take, listed once by a real client.

The server is asked for its list and nothing else: no tool is called, and nothing that it asks back is answered.
"""

import logging
import os
import shlex
from collections.abc import Callable, Iterator
from typing import Any, Final

import anyio
import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from caskmcp.errors import AGAIN, CaskError
from caskmcp.model.mcp_surface import MOST, McpServer, McpSurface, McpTool
from caskmcp.text import Document

PATIENCE: Final = 30.0
"""Seconds for the whole conversation."""
UNLISTED: Final = (MCPError, OSError, TimeoutError, httpx2.HTTPError, ValueError)
"""What a server that cannot be listed ends in; ValueError: its list is of another form than the protocol's."""


def of_command(argv: tuple[str, ...], url: str) -> McpSurface:
    """The surface of a server that a command starts on its stdio. url: where the same tools are called over HTTP.

    Raises CASK-W007 for a server that cannot be listed.
    """
    return _listed(lambda: _over_stdio(argv, url), shlex.join(argv[:1]))


def of_url(url: str, token: str = "") -> McpSurface:
    """The surface of a server over HTTP. token: a bearer token, if it wants one. Raises CASK-W007 for a server that cannot be listed."""
    return _listed(lambda: _over_http(url, token), url)


def _listed(ask: Callable[[], Any], server: str) -> McpSurface:
    async def bounded() -> McpSurface:
        with anyio.fail_after(PATIENCE):
            found: McpSurface = await ask()
            return found

    # The library logs what it cannot read, in the server's words and with a traceback.
    logging.getLogger("mcp").setLevel(logging.CRITICAL + 1)
    try:
        return anyio.run(bounded)
    except CaskError:
        raise
    except UNLISTED as cause:
        raise _unlisted(server, cause) from cause
    except BaseExceptionGroup as group:
        raise _told(server, group) from group


def _told(server: str, group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one error that a group of them comes down to: ours, or that the server cannot be listed. Anything else stays what it is: a bug, or Ctrl-C."""
    leaves = list(_leaves(group))
    ours = next((each for each in leaves if isinstance(each, CaskError)), None)
    if ours is not None:
        return ours
    return _unlisted(server, leaves[0]) if all(isinstance(each, UNLISTED) for each in leaves) else group


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for each in group.exceptions:
        if isinstance(each, BaseExceptionGroup):
            yield from _leaves(each)
        else:
            yield each


def _unlisted(server: str, cause: BaseException) -> CaskError:
    return CaskError("CASK-W007", f"the MCP server {server} cannot be listed: {type(cause).__name__}", mend=AGAIN)


async def _over_stdio(argv: tuple[str, ...], url: str) -> McpSurface:
    # A server of the user's own choice, started as their shell would: with their environment, which is where its token may lie.
    command = StdioServerParameters(command=argv[0], args=list(argv[1:]), env=dict(os.environ))
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        async with Client(stdio_client(command, errlog=nowhere), read_timeout_seconds=PATIENCE) as client:
            return await _surface(client, url)


async def _over_http(url: str, token: str) -> McpSurface:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=PATIENCE) as http,
        Client(streamable_http_client(url, http_client=http), read_timeout_seconds=PATIENCE) as client,
    ):
        return await _surface(client, url)


async def _surface(client: Client, url: str) -> McpSurface:
    tools: dict[str, McpTool] = {}
    cursor: str | None = None
    while True:
        page = await client.list_tools(cursor=cursor)
        tools |= {tool.name: _tool(tool) for tool in page.tools}
        cursor = page.next_cursor
        if cursor is None or len(tools) > MOST:
            break
    if len(tools) > MOST:
        raise CaskError("CASK-C005", f"the server offers more than {MOST} tools", mend="record or export less at once")
    info = client.server_info
    server = McpServer(name=(info.name if info else "")[:200], version=(info.version or "" if info else "")[:200], url=url)
    return McpSurface(server=server, tools=tuple(tools[name] for name in sorted(tools)))


def _tool(tool: Any) -> McpTool:
    """A tool as listed. Raises CASK-W007 for one that is beyond what a surface holds."""
    said = {
        "name": tool.name,
        "title": tool.title or "",
        "description": tool.description or "",
        "input_schema": tool.input_schema,
        "output_schema": tool.output_schema,
    }
    try:
        return McpTool.of(Document("the server's list", said, {}))
    except CaskError as cause:
        raise CaskError("CASK-W007", f"the MCP server offers a tool that is none: {cause.what}", mend=AGAIN) from cause
