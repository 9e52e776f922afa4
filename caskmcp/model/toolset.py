"""Toolsets: named subsets of tools. Those of the manifest are part of what is signed; `default` and the emitted four follow from the tools."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from pydantic import Field

from caskmcp.model.record import Record
from caskmcp.model.tool import Tool

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


# fmt: off
EMITTED: Final[Mapping[str, Callable[[Tool], bool]]] = {
    # emitted by default      holds a tool if
    "readonly":               lambda tool: tool.effect == "read",
    "write_ops":              lambda tool: tool.effect != "read",
    "high_risk":              lambda tool: tool.risk in ("high", "critical"),
    "operator":               lambda tool: True,
}
# fmt: on
"""The door takes their members from here and not from the file, so that a toolset's label and its content can never disagree."""


def emitted(name: str, tools: Iterable[Tool]) -> tuple[str, ...]:
    """Names of the members of an emitted toolset (a key of `EMITTED`), sorted."""
    return tuple(sorted(tool.name for tool in tools if EMITTED[name](tool)))
