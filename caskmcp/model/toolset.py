"""Toolsets: named subsets of tools. Those of the manifest are part of what is signed; `default` and the emitted four follow from the tools."""

from typing import Final

from pydantic import Field

from caskmcp.model.record import Record

SCHEMA: Final = "caskmcp/toolsets/1"


class Toolset(Record):
    """A named subset."""

    tools: tuple[str, ...]
    """Names, sorted."""
    declared: bool = False
    """Whether the manifest names it: then membership is part of each member's served record."""


class Toolsets(Record):
    """`toolsets.yaml`."""

    format: str = Field(alias="schema", default=SCHEMA)
    toolsets: dict[str, Toolset]
