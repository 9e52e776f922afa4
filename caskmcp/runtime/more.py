"""How an agent gets the rest: which argument of the tool asks for less at once, goes on, or narrows; and where an answer says what comes next.

Promises: every word is ours or the signed schema's; of the answer only the place of what comes next is told, never what stands there.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from caskmcp.model.tool import Tool
from caskmcp.runtime.shrink import place_of


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


SIZES: Final = _names(
    "limit perpage pagesize pagelimit itemsperpage maxresults maxitems maxpagesize take top rows resultsperpage count size first"
)
STARTS: Final = _names(
    "offset skip startindex startat pageoffset page pageno pagenumber pagenum pageindex after cursor continuation marker sinceid pagetoken "
    "nextpagetoken nexttoken continuationtoken startingafter nextcursor"
)
NEXT: Final = _names(
    "next nextcursor nextpage nextpagetoken nexttoken nextoffset endcursor continuationtoken continuation nextmarker cursor"
)
"""Names, as letters and digits in lower case."""
DEEP: Final = 3
"""Levels of an answer in which what comes next is looked for."""
NAMED: Final = 5
"""Arguments that are named."""


def after_a_cut(tool: Tool) -> str:
    """What to do where an answer was cut."""
    names = sorted(tool.input_schema.get("properties", {}))
    sizes, starts = _of(names, SIZES), _of(names, STARTS)
    others = [name for name in names if name not in (*sizes, *starts, *tool.input_schema.get("required", ()))]
    ways = [
        *([f"ask for fewer at once with `{sizes[0]}`"] if sizes else []),
        *([f"go on with `{starts[0]}`"] if starts else []),
        *([f"narrow it with {', '.join(f'`{name}`' for name in others[:NAMED])}"] if others else []),
    ]
    last = "no argument of this tool makes its answer smaller; a person can choose its fields under `tools.answers` in cask.yaml"
    return f"to get the rest: {', or '.join(ways)}" if ways else last


def next_page(tool: Tool, answer: Any) -> str:
    """What to do where the answer says that there is more, and an argument asks for it; else nothing."""
    starts = _of(sorted(tool.input_schema.get("properties", {})), STARTS)
    place = next(_next(answer, ()), None) if starts else None
    return f"there is more: call again with `{starts[0]}` from what stands at `{place_of(place)}`" if place is not None else ""


def _next(value: Any, place: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if not isinstance(value, Mapping):
        return
    for name, item in value.items():
        if _bare(name) in NEXT and isinstance(item, str | int) and not isinstance(item, bool) and item not in ("", 0):
            yield (*place, name)
    if len(place) + 1 < DEEP:
        for name, item in value.items():
            yield from _next(item, (*place, name))


def _of(names: list[str], wanted: frozenset[str]) -> list[str]:
    return [name for name in names if _bare(name) in wanted]


def _bare(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
