"""Composites: several calls of other tools under one name, as the manifest declares them and as the runtime may make them.

The whole language is here: an argument of an inner call is an argument of the composite, or a place (JSON pointer, RFC 6901) in the structured
content of an earlier answer, or in an item of a list of one. There are no expressions, and no composite calls another.
"""

import re
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, model_validator

from caskmcp.model.record import Record

POINTER: Final = re.compile(r"(?:/(?:[^~/]|~[01])*)*")
NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,35}", re.ASCII)
MOST_CALLS: Final = 100
MOST_BYTES: Final = 1_000_000
MOST_STEPS: Final = 10

Kind = Literal["chain", "for-each", "paginate"]
STEPS: Final[dict[str, tuple[int, int]]] = {"chain": (2, MOST_STEPS), "for-each": (2, 2), "paginate": (1, 1)}
"""Kind -> the fewest and the most steps."""


def _pointer(value: str) -> str:
    if len(value) > 400 or not POINTER.fullmatch(value):
        raise ValueError("expected a JSON pointer, e.g. `/items/0/id`")
    return value


def _name(value: str) -> str:
    if not NAME.fullmatch(value):
        raise ValueError("expected a letter, then up to 35 of a-z, 0-9 and _")
    return value


Pointer = Annotated[str, AfterValidator(_pointer)]
Name = Annotated[str, AfterValidator(_name)]


class Given(Record):
    """What fills one argument of an inner call. Exactly one of: `argument`; `step` with `at`; `item`."""

    argument: str | None = Field(default=None, min_length=1, max_length=64)
    """An argument of the composite."""
    step: int | None = Field(default=None, ge=1, le=MOST_STEPS)
    """An earlier step, counted from 1."""
    at: Pointer | None = None
    """Place in that step's structured content."""
    item: Pointer | None = None
    """Place in the present item of the list that a `for-each` goes over."""

    @model_validator(mode="after")
    def _one(self) -> "Given":
        ways = (self.argument is not None, self.step is not None, self.item is not None)
        if sum(ways) != 1 or (self.step is None) != (self.at is None):
            raise ValueError("expected `argument`, `step` with `at`, or `item`")
        return self

    @property
    def told(self) -> str:
        """Where the value comes from, in words."""
        if self.argument is not None:
            return f"argument {self.argument}"
        return f"item{self.item}" if self.item is not None else f"answer {self.step}{self.at}"


class DeclaredCall(Record):
    """One step as declared."""

    tool: Name
    """The tool to call, by its final name."""
    with_: Annotated[dict[str, Given], Field(alias="with")] = {}
    """Argument of that tool -> what fills it. One that is not here becomes an argument of the composite, under its own name."""


class InnerCall(Record):
    """One step as it is signed: every argument has its source, and the tool its content."""

    tool: str
    digest: str
    """Of the tool's served record. Another content, and the composite is not served."""
    with_: Annotated[dict[str, Given], Field(alias="with")] = {}


class Follow(Record):
    """How the next page is asked for."""

    style: Literal["cursor", "page", "offset"]
    argument: str = Field(min_length=1, max_length=64)
    """Argument of the tool that says where the page begins; nobody else fills it."""
    at: Pointer = ""
    """Of `cursor`: place in the answer of the next one's value; nothing, null or an empty text there ends it."""
    first: int = Field(default=1, ge=0, le=1)
    """Of `page`: the number of the first page."""

    @model_validator(mode="after")
    def _placed(self) -> "Follow":
        if (self.style == "cursor") != bool(self.at):
            raise ValueError("`at` says where a `cursor` stands, and only that")
        return self


class Bounds(Record):
    """How far one call of a composite may go."""

    calls: int = Field(default=20, ge=1, le=MOST_CALLS)
    """Inner calls."""
    bytes: int = Field(default=100_000, ge=1_000, le=MOST_BYTES)
    """Of the answer as JSON."""


class _Shape(Record):
    kind: Kind
    over: Pointer | None = None
    """Of `for-each`: the list in the first step's structured content (`/data` where an answer is a list itself)."""
    items: Pointer | None = None
    """Of `paginate`: the list in each answer."""
    follow: Follow | None = None
    most: Bounds = Bounds()

    def _problem(self, tools: tuple[str, ...], sources: tuple[dict[str, Given], ...]) -> str:
        low, high = STEPS[self.kind]
        if not low <= len(tools) <= high:
            return f"a {self.kind} has {low if low == high else f'{low} to {high}'} steps"
        if len(tools) > self.most.calls:
            return "`most.calls` is less than the number of steps"
        if (self.over is not None) != (self.kind == "for-each"):
            return "`over` belongs to a for-each, which needs it"
        if self.kind != "paginate" and (self.items is not None or self.follow):
            return "`items` and `follow` belong to a paginate"
        return next(filter(None, (_out_of_turn(self.kind, at, row) for at, rows in enumerate(sources, 1) for row in rows.values())), "")


def _out_of_turn(kind: str, number: int, given: Given) -> str:
    """Why a step cannot have what fills it yet."""
    if given.step is not None and given.step >= number:
        return f"step {number} refers to step {given.step}, which does not come before it"
    return "`item` stands only in the second step of a for-each" if given.item is not None and (kind, number) != ("for-each", 2) else ""


class Composite(_Shape):
    """One entry of `tools.composites`."""

    title: str = Field(default="", max_length=80)
    description: str = Field(default="", max_length=150)
    """What it does, in one sentence."""
    steps: tuple[DeclaredCall, ...] = Field(min_length=1, max_length=MOST_STEPS)

    @model_validator(mode="after")
    def _sound(self) -> "Composite":
        if problem := self._problem(tuple(row.tool for row in self.steps), tuple(row.with_ for row in self.steps)):
            raise ValueError(problem)
        return self


class CompositePlan(_Shape):
    """What the runtime may call for a composite, in this order and within these bounds. Signed as part of the tool."""

    steps: tuple[InnerCall, ...] = Field(min_length=1, max_length=MOST_STEPS)

    @model_validator(mode="after")
    def _sound(self) -> "CompositePlan":
        if problem := self._problem(tuple(row.tool for row in self.steps), tuple(row.with_ for row in self.steps)):
            raise ValueError(problem)
        if self.kind == "paginate" and (self.items is None or self.follow is None):
            raise ValueError("a paginate needs `items` and `follow`")
        return self

    @property
    def steps_told(self) -> tuple[str, ...]:
        """Each step with what fills its arguments, one line each."""
        return tuple(
            f"step {number}: {row.tool}({', '.join(f'{name}: {given.told}' for name, given in sorted(row.with_.items()))})"
            for number, row in enumerate(self.steps, 1)
        )

    @property
    def line(self) -> str:
        """What it calls and how far it goes, for who decides on it."""
        return f"{self.kind} of {', '.join(row.tool for row in self.steps)}; {self.most.calls} calls and {self.most.bytes} bytes at most"


def tokens(pointer: str) -> tuple[str, ...]:
    """The reference tokens of a JSON pointer, unescaped (RFC 6901, section 4)."""
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])


def at(value: Any, pointer: str) -> Any:
    """What stands at a place. Raises LookupError where nothing does."""
    for token in tokens(pointer):
        if isinstance(value, dict):
            value = value[token]
        elif isinstance(value, list) and re.fullmatch(r"0|[1-9][0-9]{0,8}", token, re.ASCII):
            value = value[int(token)]
        else:
            raise LookupError(token)
    return value
