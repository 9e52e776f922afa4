"""What an existing MCP server offers, as `capture mcp` recorded it: a document of the project, committed and pinned by its digest."""

from typing import Final
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from caskmcp.model.record import JsonSchema, Record

SCHEMA: Final = "caskmcp/mcp-surface/1"
MOST: Final = 1000
"""Tools of one server."""


class McpServer(Record):
    """The server as it named itself, and where its tools are called."""

    name: str = Field(max_length=200)
    version: str = Field(default="", max_length=200)
    url: str = Field(pattern=r"^https?://[A-Za-z0-9.:\[\]_-]+(?:/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?$", max_length=2000)
    """Scheme, host, port and path; no query, and nothing that authenticates."""

    @field_validator("url")
    @classmethod
    def _address(cls, value: str) -> str:
        parts = urlsplit(value)  # raises ValueError for brackets that do not close
        if not parts.hostname or not 0 < (parts.port or 1) < 65536:
            raise ValueError("expected an http(s) address")
        return value


class McpTool(Record):
    """One tool in the server's words, which nobody checked: hints are left out, since nobody can rely on them."""

    name: str = Field(min_length=1, max_length=128)
    title: str = Field(default="", max_length=2000)
    description: str = Field(default="", max_length=20_000)
    input_schema: JsonSchema
    output_schema: JsonSchema | None = None


class McpSurface(Record):
    """`NAME.mcp.json`."""

    format: str = Field(alias="schema", default=SCHEMA)
    server: McpServer
    tools: tuple[McpTool, ...] = Field(max_length=MOST)
    """Sorted by name."""
