"""The agent's side of the demo: a real MCP client, over stdio, to a `cask serve` of its own."""

import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.shared.exceptions import MCPError

from caskmcp import canon


class Answer(NamedTuple):
    """What a call came back with."""

    refused: bool
    code: str
    """The error's stable code; empty for a good answer."""
    text: str
    """Everything the agent can read of it."""
    value: Any
    challenge: str = ""
    """The id of the question to a person, if that is what came back."""

    @property
    def digest(self) -> str:
        """Digest of what the agent read."""
        return canon.digest({"refused": self.refused, "code": self.code, "text": self.text, "value": self.value})


class Agent:
    """Lists and calls, and remembers nothing."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def names(self) -> tuple[str, ...]:
        """The tools that are listed now."""
        listed = await self.client.list_tools(cache_mode="refresh")
        return tuple(tool.name for tool in listed.tools)

    async def call(self, name: str, arguments: Mapping[str, Any]) -> Answer:
        """Call a tool; a protocol error is an answer too."""
        try:
            result = await self.client.call_tool(name, dict(arguments))
        except MCPError as error:
            return Answer(True, str(error.error.code), error.error.message, None)
        text = "".join(getattr(part, "text", "") for part in result.content)
        detail = (result.meta or {}).get("dev.caskmcp/error", {})
        return Answer(bool(result.is_error), str(detail.get("code", "")), text, result.structured_content, str(detail.get("challenge", "")))


@asynccontextmanager
async def agent(folder: Path, env: Mapping[str, str], environment: str) -> AsyncIterator[Agent]:
    """An agent whose client starts `cask serve` in a project folder, as a client's configuration would."""
    command = StdioServerParameters(
        command=sys.executable, args=["-m", "caskmcp", "serve", "--env", environment], cwd=folder, env=dict(env)
    )
    # What the server says on stderr is the operator's, and differs from run to run.
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        async with Client(stdio_client(command, errlog=nowhere), read_timeout_seconds=20) as client:
            yield Agent(client)
