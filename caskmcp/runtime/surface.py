"""What one server serves: the admitted pack, its compiled schemas, the chosen toolset. Built once a reload, never changed after that.

A tool whose schema cannot be compiled is left out and named; it takes no other tool with it (one bad schema would blank a client's list).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import jsonschema_rs

from caskmcp.errors import CaskError
from caskmcp.model.pack import AdmittedPack, AdmittedTool, Withheld
from caskmcp.model.record import JsonSchema
from caskmcp.runtime.arguments import ArgumentCheck, compiled

ALL: Final = None
"""The toolset of a server that was given none: every approved tool."""


@dataclass(frozen=True)
class ServedTool:
    """An admitted tool with its compiled schemas."""

    admitted: AdmittedTool
    check: ArgumentCheck
    output: jsonschema_rs.Draft202012Validator | None
    """The output schema that clients are shown, and hold each answer against."""
    expected: jsonschema_rs.Draft202012Validator | None
    """What answers looked like: tells drift, and refuses nothing."""


@dataclass(frozen=True)
class Surface:
    """What is listed and callable."""

    pack: AdmittedPack | None
    """None: the pack was refused, and nothing is served."""
    tools: Mapping[str, ServedTool]
    """By name, sorted: every admitted tool that could be compiled."""
    members: frozenset[str]
    """Names in the chosen toolset."""
    withheld: tuple[Withheld, ...] = ()
    reason: str = ""
    """Why the pack was refused."""

    @property
    def listed(self) -> tuple[ServedTool, ...]:
        """What `tools/list` shows, sorted by name."""
        return tuple(row for name, row in self.tools.items() if name in self.members)


def surface(pack: AdmittedPack, toolset: str | None = ALL) -> Surface:
    """Compile an admitted pack. A toolset that is not there (any more) has no members."""
    rows = {name: _tool(pack.tools[name]) for name in sorted(pack.tools)}
    compiled_ones = {name: row for name, row in rows.items() if isinstance(row, ServedTool)}
    broken = tuple(row for row in rows.values() if isinstance(row, Withheld))
    tools = {name: row for name, row in compiled_ones.items() if calls(row) <= compiled_ones.keys()}
    apart = tuple(
        Withheld(f"tool:{name}", "CASK-L002", "a tool that it calls is not served", "invalid")
        for name in compiled_ones
        if name not in tools
    )
    chosen = frozenset(tools) if toolset is None else frozenset(pack.toolsets.get(toolset, ()))
    members = frozenset(name for name in chosen if name not in tools or calls(tools[name]) <= chosen)
    return Surface(pack, tools, members, (*pack.withheld, *broken, *apart))


def calls(row: ServedTool) -> frozenset[str]:
    """The tools that a composite needs: it is served where all of them are, since its calls are gated like any."""
    plan = row.admitted.tool.composite
    return frozenset(step.tool for step in plan.steps) if plan else frozenset()


def nothing(reason: str) -> Surface:
    """The surface of a pack that was refused."""
    return Surface(None, {}, frozenset(), reason=reason)


def explained(shown: Surface) -> Iterator[str]:
    """Why what is not served is not served, for the person who starts the server; one line each."""
    if shown.reason:
        yield shown.reason
    yield from (f"{row.subject}: {row.status}: {row.code} {row.reason}" for row in shown.withheld)


def _tool(admitted: AdmittedTool) -> ServedTool | Withheld:
    tool = admitted.tool
    try:
        if tool.output_schema is not None and tool.output_schema.get("type") != "object":
            raise CaskError("CASK-L002", f"the output schema of {tool.name} is no object")
        output, expected = _output(tool.output_schema, tool.name), _output(tool.response.expected, tool.name)
        return ServedTool(admitted, compiled(tool), output, expected)
    except CaskError as cause:
        return Withheld(subject=f"tool:{tool.name}", code=cause.code, reason=cause.what, status="invalid")


def _output(schema: JsonSchema | None, name: str) -> jsonschema_rs.Draft202012Validator | None:
    if schema is None:
        return None
    try:
        return jsonschema_rs.Draft202012Validator(schema, pattern_options=jsonschema_rs.RegexOptions(), offline=True)
    except (ValueError, jsonschema_rs.ReferencingError) as cause:
        raise CaskError("CASK-L002", f"the output schema of {name} cannot be compiled") from cause
