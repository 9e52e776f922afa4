"""What one caller is offered: the served tools of one or several toolpacks under the names that clients see.

Promises: sorted by name; a tool of one toolpack keeps its name; with several, each name begins with its toolpack's and fits the limits of
clients; a name depends on its own toolpack and tool and on which toolpacks are served together, never on what else they hold; two tools
never share one. A caller's toolsets only take away. Whether a call is allowed is the gateway's to say.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from caskmcp import canon
from caskmcp.runtime.surface import ServedTool, Surface, calls

LONGEST: Final = 36
"""Characters of a tool's name (SPEC section 6)."""
TAG: Final = 8
"""Hexadecimal digits that stand for what was cut from a name."""


@dataclass(frozen=True)
class Offered:
    """One tool under the name that clients see."""

    name: str
    pack: int
    """Which of the served toolpacks it is of."""
    row: ServedTool
    surface: Surface
    """Its toolpack's surface, with the caller's toolsets taken into account."""


@dataclass(frozen=True)
class Catalog:
    """Everything that one caller is offered."""

    offered: Mapping[str, Offered]
    """By name, sorted."""
    surfaces: tuple[Surface, ...]
    """Of each toolpack, with the caller's toolsets taken into account."""


def catalog(surfaces: Sequence[Surface], prefixes: Sequence[str], toolsets: frozenset[str] | None) -> Catalog:
    """What a caller with these toolsets is offered. prefixes: from `prefixes_of`, one a surface."""
    seen = tuple(surface if toolsets is None else restricted(surface, toolsets) for surface in surfaces)
    rows = [
        Offered(exposed(prefix, row.admitted.tool.name), number, row, surface)
        for number, (surface, prefix) in enumerate(zip(seen, prefixes, strict=True))
        for row in surface.listed
    ]
    uses = Counter(row.name for row in rows)
    alone = sorted((row for row in rows if uses[row.name] == 1), key=lambda row: row.name)  # of two that cannot be told apart, neither
    return Catalog({row.name: row for row in alone}, seen)


def restricted(surface: Surface, toolsets: frozenset[str]) -> Surface:
    """The surface with the members of these toolsets alone. A composite stays where all that it calls does."""
    known = surface.pack.toolsets if surface.pack else {}
    chosen = frozenset(name for toolset in toolsets for name in known.get(toolset, ())) & surface.members
    members = frozenset(name for name in chosen if name not in surface.tools or calls(surface.tools[name]) <= chosen)
    return replace(surface, members=members)


def prefixes_of(toolpacks: Sequence[str]) -> tuple[str, ...]:
    """What the names of each toolpack's tools begin with; nothing where there is one toolpack."""
    if len(toolpacks) == 1:
        return ("",)
    plain = [f"{_word(name)}_" for name in toolpacks]
    # `a` with a tool `b_c` and `a-b` with a tool `c` would meet: where one beginning begins another, both carry a tag.
    return tuple(f"{word[:-1]}{_tag(name)[:4]}_" if _meets(word, plain) else word for name, word in zip(toolpacks, plain, strict=True))


def _meets(word: str, words: Sequence[str]) -> bool:
    return sum(word.startswith(other) or other.startswith(word) for other in words) > 1


def exposed(prefix: str, tool: str) -> str:
    """The name that clients see."""
    name = prefix + tool
    return name if not prefix or len(name) <= LONGEST else f"{name[: LONGEST - TAG - 1].rstrip('_')}_{_tag(name)}"


def _word(toolpack: str) -> str:
    word = re.sub(r"[^a-z0-9]+", "_", toolpack.lower()).strip("_")
    return word if word[:1].isalpha() else f"p{word}"


def _tag(text: str) -> str:
    return canon.hexadecimal(canon.digest(text))[:TAG]
