"""What a list of tools costs, and which of them make the toolset `default`: those that fit into the manifest's budget, with a reason for each other.

All of them if all fit. Else first the smallest set that covers most of the observed sessions (`cover.py`), if that fits; then by the order of
magnitude of use; then by what a tool is, and not by counts: a few more or fewer calls in one recording are an accident, and a surface that follows
them would be another one after each recording (ADR 0018).
"""

from collections.abc import Iterable, Mapping, Sequence
from statistics import median_low
from typing import Any, Final, NamedTuple

from caskmcp import canon
from caskmcp.compiler.emit.cover import Room, Used, covered, smallest
from caskmcp.errors import CaskError
from caskmcp.model.project import Budget
from caskmcp.model.tool import Tool

BYTES_PER_TOKEN: Final = 4
"""A usual estimate for English and JSON."""
COVERED: Final = 90
"""Per cent of the sessions that come first, where the manifest names no share."""
MAGNITUDE: Final = 8
"""Use differs from the usual one, that of the middle tool, from this factor on."""
EFFECTS: Final = ("read", "write", "destructive")

FULL: Final = "`tools.budget` is used up"
APART: Final = "a tool that it calls is left out"
SELDOM: Final = "no session needs it that `tools.budget.sessions` covers"


class Choice(NamedTuple):
    """The toolset `default`."""

    tools: tuple[str, ...]
    """Names, sorted."""
    left_out: Mapping[str, str]
    """Every other tool -> why."""
    sessions: int
    """Sessions that were observed."""
    covered: int
    """Those that need nothing else."""


def tokens(tool: Tool) -> int:
    """Estimated tokens of the tool in a client's list, rounded up."""
    hints = tool.annotations
    shown = {
        "name": tool.name,
        "title": tool.title,
        "description": tool.description,
        "inputSchema": tool.input_schema,
        "outputSchema": tool.output_schema,
        "annotations": {
            "readOnlyHint": hints.read_only,
            "destructiveHint": hints.destructive,
            "idempotentHint": hints.idempotent,
            "openWorldHint": hints.open_world,
        },
    }
    size = len(canon.compact({key: value for key, value in shown.items() if value is not None}))
    return -(-size // BYTES_PER_TOKEN)


def choose(tools: Iterable[Tool], used: Mapping[str, int], sessions: Sequence[Used], budget: Budget | None) -> Choice:
    """The tools that make `default`. used: name -> exchanges. sessions: what was called together. Raises CASK-N004 if no tool fits."""
    rows = {tool.name: tool for tool in tools}
    limit = budget or Budget()
    room = Room(limit.tools, limit.tokens, {name: tokens(tool) for name, tool in rows.items()})
    known = _known(sessions, rows)
    kept = _kept(rows, used, known, room, limit.sessions)
    if rows and not kept:
        what = f"no tool fits into `tools.budget` of {limit.tokens} tokens; the smallest takes {min(room.costs.values())}"
        raise CaskError("CASK-N004", what, place="cask.yaml", mend="raise `tools.budget.tokens`")
    why = SELDOM if limit.sessions is not None and known else FULL
    total = sum(row.times for row in known)
    return Choice(tuple(sorted(kept)), {name: why for name in sorted(rows) if name not in kept}, total, covered(known, kept))


def whole(choice: Choice, composites: Iterable[Tool]) -> Choice:
    """The choice without composites that call a tool outside of it: they could not be called there."""
    calls = {tool.name: {step.tool for step in tool.composite.steps} for tool in composites if tool.composite}
    apart = {name: APART for name in choice.tools if not calls.get(name, set()) <= set(choice.tools)}
    left_out = {**choice.left_out, **apart}
    return choice._replace(tools=tuple(name for name in choice.tools if name not in apart), left_out=dict(sorted(left_out.items())))


def _known(sessions: Iterable[Used], rows: Mapping[str, Any]) -> tuple[Used, ...]:
    """Sessions by the tools that there are; what became none is nobody's need."""
    counts: dict[frozenset[str], int] = {}
    for row in sessions:
        tools = row.tools & frozenset(rows)
        counts[tools] = counts.get(tools, 0) + row.times
    return tuple(Used(tools, count) for tools, count in counts.items() if tools)


def _kept(rows: Mapping[str, Tool], used: Mapping[str, int], sessions: Sequence[Used], room: Room, share: int | None) -> frozenset[str]:
    if share is not None and sessions:
        return smallest(sessions, room, share)
    every = frozenset(rows)
    if room.holds(every):
        return every
    core = smallest(sessions, room, COVERED) if sessions else frozenset()
    enough = 100 * covered(sessions, core) >= COVERED * sum(row.times for row in sessions)
    return _filled(rows, used, core if enough else frozenset(), room)


def _filled(rows: Mapping[str, Tool], used: Mapping[str, int], core: frozenset[str], room: Room) -> frozenset[str]:
    usual = median_low(sorted(filter(None, used.values())) or [1])
    chosen = core
    for tool in sorted(rows.values(), key=lambda tool: (-_magnitude(used.get(tool.name, 0), usual), *_kind(tool))):
        more = chosen | {tool.name}
        chosen = more if room.holds(more) else chosen
    return chosen


def _magnitude(count: int, usual: int) -> int:
    """3 for much more use than usual, 2 for usual, 1 for much less, 0 for none."""
    return (count > 0) + (MAGNITUDE * count >= usual) + (count >= MAGNITUDE * usual) if count else 0


def _kind(tool: Tool) -> tuple[Any, ...]:
    """What a tool is, the more useful first: what reads; what has a path of its own; what needs little to be known before; then by path and name."""
    body, segments = tool.request.body, tool.request.segments
    path = "/".join("".join(piece.text or "{}" for piece in segment.pieces) for segment in segments)
    needed = sum(bool(piece.argument) for segment in segments for piece in segment.pieces)
    return EFFECTS.index(tool.effect), bool(body and body.constants), needed, path, tool.request.method, tool.name
