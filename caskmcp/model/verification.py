"""`verify.yaml`: what people say that a service does, in a closed language: JSONPath, comparison, schema, count, eventually.

Promises that what is parsed can be judged: every path has the form that is read here, each assertion asks exactly one thing. Who may be called
and what an answer was is for others; nothing here is code, and no key is passed over.
"""

import re
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, model_validator

from caskmcp.model.project import Id
from caskmcp.model.record import JsonSchema, Record

SCHEMA: Final = "caskmcp/verification/1"
ToolName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,35}$")]
Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")]
Arguments = dict[str, Any]
KEPT: Final = "kept"
"""`{kept: NAME}` stands for a value that an earlier step kept."""
MOST_TRIES: Final = 60

_STEP: Final = re.compile(r"\.\*|\.[A-Za-z_][A-Za-z0-9_-]*|\[\*\]|\[-?[0-9]{1,6}\]|\['(?:[^'\\]|\\['\\])*'\]", re.ASCII)
Step = str | int | None
"""A name, a position, or None for each member."""


def steps(path: str) -> tuple[Step, ...]:
    """The steps of a path of RFC 9535 as far as it is read here: `$`, `.name`, `['name']`, `[0]`, `[-1]`, `[*]`, `.*`. Raises ValueError for any other."""
    if not path.startswith("$"):
        raise ValueError("a path begins with `$`")
    found, at = [], 1
    while at < len(path):
        step = _STEP.match(path, at)
        if step is None:
            raise ValueError(f"`{path[at : at + 20]}` is no step of a path: .name, ['name'], [0], [*]")
        found.append(_step(step[0]))
        at = step.end()
    return tuple(found)


def _step(text: str) -> Step:
    if text in (".*", "[*]"):
        return None
    if text.startswith("."):
        return text[1:]
    inner = text[1:-1]
    return re.sub(r"\\(.)", r"\1", inner[1:-1]) if inner.startswith("'") else int(inner)


def _path(value: str) -> str:
    steps(value)
    return value


Path = Annotated[str, AfterValidator(_path)]
"""A JSONPath into the body of an answer."""


class Count(Record):
    """How many."""

    at_least: Annotated[int, Field(ge=0)] = 0
    at_most: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _bounded(self) -> "Count":
        if not self.at_least and self.at_most is None:
            raise ValueError("a count of any number holds always: give at_least or at_most")
        return self

    def fits(self, number: int) -> bool:
        """Whether a number is so many."""
        return number >= self.at_least and (self.at_most is None or number <= self.at_most)


ASKS: Final = ("status", "exists", "is", "is_not", "one_of", "at_least", "at_most", "count", "schema")
"""What an assertion can ask; exactly one of them."""
_NULLS: Final = ("is", "is_not")
"""Those that null is a value for."""


class Assertion(Record):
    """One thing that an answer has to show. What a path leads to has to be there, and all of it has to fit: nothing found is no pass."""

    path: Path = "$"
    status: tuple[Annotated[int, Field(ge=100, le=599)], ...] = ()
    """The answer has one of these statuses."""
    exists: bool | None = None
    """Whether the path leads anywhere."""
    is_: Any = Field(default=None, alias="is")
    """Equal as JSON; 1 and 1.0 are equal, 1 and true are not."""
    is_not: Any = None
    one_of: tuple[Any, ...] = ()
    at_least: Any = None
    """Not below, of two numbers or two texts."""
    at_most: Any = None
    count: Count | None = None
    """Of what the path leads to; where that is one list, of its items."""
    schema_: JsonSchema | None = Field(default=None, alias="schema")
    """A JSON Schema, draft 2020-12, that refers to nothing outside itself."""

    @property
    def asks(self) -> str:
        """The one of `ASKS` that was given."""
        return next(name for name in ASKS if self._given(name))

    @property
    def value(self) -> Any:
        """What it is compared with."""
        return getattr(self, {"is": "is_", "schema": "schema_"}.get(self.asks, self.asks))

    def _given(self, name: str) -> bool:
        return {"is": "is_", "schema": "schema_"}.get(name, name) in self.model_fields_set

    @model_validator(mode="after")
    def _one(self) -> "Assertion":
        if sum(self._given(name) for name in ASKS) != 1:
            raise ValueError(f"an assertion asks one of {', '.join(ASKS)}")
        if self.value is None and self.asks not in _NULLS:
            raise ValueError(f"`{self.asks}` is not asked with null")
        return self


class Eventually(Record):
    """A read is asked again until what is asserted holds."""

    tries: Annotated[int, Field(ge=1, le=MOST_TRIES)] = 5
    every_ms: Annotated[int, Field(ge=0, le=10_000)] = 200


class Call(Record):
    """A tool with its arguments, and what the answer has to show."""

    tool: ToolName
    with_: Arguments = Field(default={}, alias="with")
    """As an agent would give them."""
    asserted: tuple[Assertion, ...] = Field(default=(), alias="assert")


class Contract(Record):
    """What each answer to a tool shows; with arguments, what the answer to just these shows."""

    tool: ToolName
    with_: Arguments | None = Field(default=None, alias="with")
    asserted: tuple[Assertion, ...] = Field(alias="assert", min_length=1)


class OutcomeStep(Call):
    """One call of an outcome."""

    keep: dict[Word, Path] = {}
    """Name -> where in the answer stands the value that later steps name."""
    eventually: Eventually | None = None


class Outcome(Record):
    """What follows from what: calls in order."""

    name: Annotated[str, Field(min_length=3, max_length=120)]
    steps: Annotated[tuple[OutcomeStep, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _known(self) -> "Outcome":
        known: set[str] = set()
        for step in self.steps:
            wanted = {*references(step.with_), *(name for row in step.asserted for name in references(row.value))}
            if unknown := sorted(wanted - known):
                raise ValueError(f"no step before kept `{unknown[0]}`")
            known |= step.keep.keys()
        return self


def references(value: Any) -> frozenset[str]:
    """Names of kept values that stand in a value."""
    if isinstance(value, dict):
        if value.keys() == {KEPT} and isinstance(value[KEPT], str):
            return frozenset({value[KEPT]})
        return frozenset(name for item in value.values() for name in references(item))
    return frozenset(name for item in value for name in references(item)) if isinstance(value, list | tuple) else frozenset()


class Writes(Record):
    """Which tools that change something may be called, beside the twin, where."""

    tools: tuple[ToolName, ...]
    environments: tuple[Id, ...] = ()
    """Approved environments that are there to be written to; none: the twin alone."""


class Playbook(Record):
    """What a page shows, and where that has to come from: see `docs/playbook-spec.md`."""

    name: Annotated[str, Field(min_length=3, max_length=120)]
    url: Annotated[str, Field(pattern=r"^https?://[^\s]+$", max_length=2000)]
    steps: tuple["PlaybookStep", ...] = ()
    texts: Annotated[dict[Word, str], Field(min_length=1)]
    """Name -> CSS selector of the elements whose text is matched."""
    expect: dict[Word, ToolName] = {}
    """Name -> the tool whose answers have to be ranked first for its texts."""
    unknown: Annotated[int, Field(ge=0)] = 0
    """So many texts may match nothing."""

    @model_validator(mode="after")
    def _named(self) -> "Playbook":
        if unknown := sorted(self.expect.keys() - self.texts.keys()):
            raise ValueError(f"`expect` names `{unknown[0]}`, which is none of `texts`")
        return self


class PlaybookStep(Record):
    """One act of the playbook; exactly one of the three."""

    click: str = ""
    """A CSS selector."""
    fill: dict[str, str] = {}
    """CSS selector -> text."""
    wait_for: str = ""
    """A CSS selector that has to be there."""

    @model_validator(mode="after")
    def _one(self) -> "PlaybookStep":
        if sum(map(bool, (self.click, self.fill, self.wait_for))) != 1:
            raise ValueError("a step is one of click, fill, wait_for")
        return self


class VerifyFile(Record):
    """`verify.yaml`."""

    version: Literal[1]
    arguments: dict[ToolName, tuple[Arguments, ...]] = {}
    """What approved reads are called with; without, what answers of the same run give."""
    writes: Writes | None = None
    contracts: tuple[Contract, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    playbooks: tuple[Playbook, ...] = ()

    @property
    def tools(self) -> tuple[str, ...]:
        """Every tool that is named, sorted."""
        steps_ = (step.tool for outcome in self.outcomes for step in outcome.steps)
        pages = (tool for page in self.playbooks for tool in page.expect.values())
        named = {*self.arguments, *(row.tool for row in self.contracts), *steps_, *pages, *(self.writes.tools if self.writes else ())}
        return tuple(sorted(named))
