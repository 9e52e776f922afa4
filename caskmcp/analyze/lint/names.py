"""Rules on names of tools: their form, and that they say what happens."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from caskmcp.analyze.lint.surface import Found, Surface, subject
from caskmcp.compiler.classify.words import split
from caskmcp.compiler.emit.names import NAME

READS: Final = frozenset({"fetch", "find", "get", "list", "read", "show", "view"})
_STAMP: Final = re.compile(r"_[0-9a-f]{8}|op_[0-9a-f]{33}", re.ASCII)


def form(surface: Surface) -> Iterator[Found]:
    """Each name has the form that every client takes, and is one tool's own."""
    counts = Counter(tool.name for tool in surface.tools)
    for tool in surface.tools:
        if not NAME.fullmatch(tool.name):
            yield Found(subject(tool), "its name has another form", "name")
        if counts[tool.name] > 1:
            yield Found(subject(tool), "two tools have its name", "name")


def mislabelled(surface: Surface) -> Iterator[Found]:
    """A name or title that begins with a plain word of reading belongs to a tool that reads, or to one that a person approved as it is.

    A search that only nobody proved (`unproven-search`) is called what it seems to be.
    """
    for tool in surface.tools:
        if tool.effect == "read" or tool.name in surface.approved or tool.reasons[0].rule == "unproven-search":
            continue
        said = next((words[0] for text in (tool.name, tool.title) if (words := split(text)) and words[0] in READS), "")
        if said:
            yield Found(subject(tool), f"it begins with `{said}`, and its effect is `{tool.effect}`", "name")


def stamped(surface: Surface) -> Iterator[Found]:
    """No name needs a piece of a digest."""
    for tool in surface.tools:
        if _STAMP.search(tool.name) and (_STAMP.fullmatch(tool.name) or _STAMP.fullmatch(tool.name[-9:])):
            yield Found(subject(tool), "its name holds a piece of a digest, which says nothing to a reader", "name")
