"""Rules on wording, and the score that says how well a model can choose and use a tool by what is said of it (FEATURES row 42)."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from caskmcp.analyze.lint.surface import Found, Surface, subject
from caskmcp.model.tool import Tool

LONGEST: Final = 300
LONGEST_PARAMETER: Final = 200
THIN: Final = 65
"""Of 100: below it a description is worth another look."""

_USE: Final = ("use it", "read", "chang", "remov", "only", "when", "needs", "call it")
_ANSWER: Final = ("return", "answer", "give", "result", "list of", "respon")
_SAY_NOTHING: Final = frozenset(
    {
        "arg",
        "args",
        "body",
        "d",
        "data",
        "extra",
        "f",
        "info",
        "n",
        "o",
        "obj",
        "opts",
        "p",
        "payload",
        "q",
        "s",
        "t",
        "v",
        "val",
        "value",
        "x",
        "y",
    }
)


class Mark(NamedTuple):
    """One thing that a description may do, and what it is worth."""

    name: str
    points: int
    holds: Callable[[Tool], bool]


def missing(surface: Surface) -> Iterator[Found]:
    """Title and description are there."""
    for tool in surface.tools:
        for part in ("title", "description"):
            if not getattr(tool, part).strip():
                yield Found(subject(tool), f"it has no {part}", part)


def long(surface: Surface) -> Iterator[Found]:
    """Each description keeps to its length."""
    for tool in surface.tools:
        if len(tool.description) > LONGEST:
            yield Found(subject(tool), f"its description has {len(tool.description)} characters, {LONGEST} are enough", "description")
        for name, schema in parameters(tool):
            words = str(schema.get("description", ""))
            if len(words) > LONGEST_PARAMETER:
                yield Found(subject(tool), f"the description of `{name}` has {len(words)} characters", f"input_schema.{name}")


def thin(surface: Surface) -> Iterator[Found]:
    """The score is not below `THIN`."""
    for tool in surface.tools:
        if (points := score(tool)) < THIN:
            yield Found(subject(tool), f"its wording scores {points} of 100: it lacks {', '.join(lacks(tool))}", "description")


def unclear(surface: Surface) -> Iterator[Found]:
    """Each parameter can be filled in by what is said of it."""
    for tool in surface.tools:
        for name in _unclear(tool):
            yield Found(subject(tool), f"nothing says what `{name}` is", f"input_schema.{name}")


# ---------------------------------------------------------------- the score
# fmt: off
MARKS: Final = (
    #    lacks                                 points holds
    Mark("what it does",                       30,    lambda tool: len(tool.description.split()) >= 3),
    Mark("when to use it",                     20,    lambda tool: _says(tool.description, _USE)),
    Mark("what it returns",                    20,    lambda tool: _says(tool.description, _ANSWER)),
    Mark("300 characters or less",             10,    lambda tool: len(tool.description) <= LONGEST),
    Mark("parameters that explain themselves", 20,    lambda tool: not list(_unclear(tool))),
)
# fmt: on


def score(tool: Tool) -> int:
    """From 0 to 100: the points of the marks that hold. Deterministic; says how much is said, not whether it is true."""
    return sum(mark.points for mark in MARKS if mark.holds(tool))


def lacks(tool: Tool) -> tuple[str, ...]:
    """Names of the marks that do not hold."""
    return tuple(mark.name for mark in MARKS if not mark.holds(tool))


def parameters(tool: Tool) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The arguments with their schemas."""
    rows = tool.input_schema.get("properties", {})
    yield from ((name, schema) for name, schema in rows.items() if isinstance(schema, Mapping))


def _unclear(tool: Tool) -> Iterator[str]:
    for name, schema in parameters(tool):
        explained = schema.keys() & {"description", "enum", "const", "format", "properties"}
        if name.lower() in _SAY_NOTHING and not explained:
            yield name


def _says(description: str, words: tuple[str, ...]) -> bool:
    lower = description.lower()
    return any(word in lower for word in words)
