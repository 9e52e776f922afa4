"""What a site offers to agents beside its API, as `capture webmcp` recorded it: tools that its pages register in a browser (WebMCP), and what its
`.well-known` documents name. A document of the project, committed. Nothing in it can be called here: it becomes proposals (ADR 0015).

WebMCP: https://webmachinelearning.github.io/webmcp (Community Group draft). `.well-known`: RFC 8615, RFC 9727, MCP server cards (SEP-2127), AI Catalog.
"""

from typing import Final, Literal

from pydantic import Field

from caskmcp.model.record import JsonSchema, Record

SCHEMA: Final = "caskmcp/discovery/1"
MOST: Final = 1000
"""Tools, and links, of one site."""
ORIGIN: Final = r"^https?://[a-z0-9.:\[\]_-]+$"


class PageTool(Record):
    """One tool in the page's words, which nobody checked. Hints are left out, since nobody can rely on them."""

    origin: str = Field(pattern=ORIGIN, max_length=300)
    """Of the document that registered it."""
    name: str = Field(min_length=1, max_length=128)
    title: str = Field(default="", max_length=500)
    description: str = Field(default="", max_length=4000)
    input_schema: JsonSchema = {}
    how: Literal["imperative", "declarative"] = "imperative"
    """By a script, or by the attributes of a form."""


class Link(Record):
    """One thing that a `.well-known` document names."""

    document: str = Field(pattern=r"^/\.well-known/[a-z./-]+$", max_length=100)
    """Path of the document that names it."""
    kind: Literal["openapi", "mcp", "other"]
    url: str = Field(pattern=r"^https?://[\x21-\x7e]+$", max_length=2000)
    title: str = Field(default="", max_length=500)
    description: str = Field(default="", max_length=4000)


class Discovery(Record):
    """`NAME.webmcp.json`."""

    format: str = Field(alias="schema", default=SCHEMA)
    page: str = Field(pattern=r"^https?://[\x21-\x7e]+$", max_length=2000)
    """Where the recording began, without query."""
    tools: tuple[PageTool, ...] = Field(default=(), max_length=MOST)
    """Sorted by origin, name and kind."""
    links: tuple[Link, ...] = Field(default=(), max_length=MOST)
    """Sorted."""
