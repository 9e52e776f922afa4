"""What a composite calls, one inner call after the other, and what it answers.

Pure: it says which call comes next and is told how that went. How a call goes is the gateway's to say: `through` takes each one through its whole
table. The first call that is refused or fails ends the composite; what was done until then is told by tool and outcome, never with content.
"""

import json
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from caskmcp.model.composite import CompositePlan, Follow, Given, at
from caskmcp.runtime import shrink
from caskmcp.runtime.commands import Command
from caskmcp.runtime.respond import Result

CODE: Final = "CASK-R012"
Through = Callable[[int, str, Mapping[str, Any]], Generator[Command, Any, Result]]
"""Number, tool and arguments of an inner call -> how the gateway takes it."""


@dataclass(frozen=True)
class Inner:
    """The next call."""

    tool: str
    arguments: Mapping[str, Any]


class _Ended(Exception):
    """The composite goes no further."""

    def __init__(self, what: str, result: Result | None = None, tool: str = "") -> None:
        super().__init__(what)
        self.what, self.result, self.tool = what, result, tool


@dataclass
class _Trail:
    """What one call of a composite did so far."""

    plan: CompositePlan
    arguments: Mapping[str, Any]
    answers: list[Any] = field(default_factory=list)
    done: list[dict[str, str]] = field(default_factory=list)
    cut: str = ""
    """Why it stopped although there was more."""

    def is_full(self) -> bool:
        """Whether no further call may be made."""
        return len(self.done) >= self.plan.most.calls

    def fits(self, data: Any) -> bool:
        """Whether what was gathered is within the bytes of an answer."""
        return len(json.dumps(data, ensure_ascii=False).encode("utf-8", "surrogatepass")) <= self.plan.most.bytes


Walk = Generator[Inner, Result, Any]


def conducted(
    plan: CompositePlan, arguments: Mapping[str, Any], through: Through, *, dry: bool = False
) -> Generator[Command, Any, tuple[Result, int]]:
    """Make the calls. Returns what the agent gets, and how many calls were begun. dry: only the first is prepared, and shown."""
    trail = _Trail(plan, arguments)
    walk = _KINDS[plan.kind](trail)
    try:
        inner = next(walk)
        while True:
            result = yield from through(len(trail.done) + 1, inner.tool, inner.arguments)
            trail.done.append({"tool": inner.tool, "outcome": result.error or "done"})
            if dry:
                return _shown(trail, result), 1
            if result.error:
                raise _Ended(result.text, result, inner.tool)
            inner = walk.send(result)
    except StopIteration as end:
        return _answer(trail, end.value), len(trail.done)
    except _Ended as no:
        return _ended(trail, no), len(trail.done)


# ---------------------------------------------------------------- kinds
def _chain(trail: _Trail) -> Walk:
    for number in range(len(trail.plan.steps)):
        yield from _step(trail, number)
    return trail.answers[-1]


def _for_each(trail: _Trail) -> Walk:
    yield from _step(trail, 0)
    items = _list(trail.answers[0], trail.plan.over or "", "step 1")
    gathered: list[Any] = []
    for item in items:
        if trail.is_full():
            trail.cut = f"{len(items) - len(gathered)} of {len(items)} items are left: `most.calls` is {trail.plan.most.calls}"
            break
        answer = yield from _call(trail, 1, _filled(trail, 1, item))
        if not trail.fits([*gathered, answer]):
            trail.cut = f"the answers of {len(gathered)} of {len(items)} items fit into {trail.plan.most.bytes} bytes"
            break
        gathered.append(answer)
    return gathered


def _paginate(trail: _Trail) -> Walk:
    plan, gathered, seen = trail.plan, list[Any](), set[str]()
    given = _begin(plan.follow)
    while not trail.is_full():
        answer = yield from _call(trail, 0, {**_filled(trail, 0), **given})
        page = _list(answer, plan.items or "", f"page {len(trail.done)}")
        if not trail.fits([*gathered, *page]):
            trail.cut = f"what {len(trail.done) - 1} pages hold fits into {plan.most.bytes} bytes"
            return gathered
        gathered += page
        given = _next(plan.follow, answer, page, gathered, len(trail.done))
        mark = json.dumps(given, sort_keys=True)
        if not given or mark in seen:
            return gathered
        seen.add(mark)
    trail.cut = f"there may be more: `most.calls` is {plan.most.calls}"
    return gathered


_KINDS: Final[Mapping[str, Callable[[_Trail], Walk]]] = {"chain": _chain, "for-each": _for_each, "paginate": _paginate}


def _begin(follow: Follow | None) -> dict[str, Any]:
    first = {"page": follow.first, "offset": 0} if follow else {}
    return {follow.argument: first[follow.style]} if follow and follow.style in first else {}


def _next(follow: Follow | None, answer: Any, page: list[Any], gathered: list[Any], pages: int) -> dict[str, Any]:
    """What asks for the page after this one; nothing after the last."""
    if follow is None:
        return {}
    if follow.style != "cursor":
        number = follow.first + pages if follow.style == "page" else len(gathered)
        return {follow.argument: number} if page else {}
    try:
        cursor = at(answer, follow.at)
    except LookupError:
        return {}
    return {follow.argument: cursor} if cursor not in (None, "", False) else {}


# ---------------------------------------------------------------- one call
def _step(trail: _Trail, number: int) -> Walk:
    trail.answers.append((yield from _call(trail, number, _filled(trail, number))))


def _call(trail: _Trail, number: int, arguments: Mapping[str, Any]) -> Walk:
    result: Result = yield Inner(trail.plan.steps[number].tool, arguments)
    return dict(result.structured or {})


def _filled(trail: _Trail, number: int, item: Any = None) -> dict[str, Any]:
    return dict(_arguments(trail, number, item))


def _arguments(trail: _Trail, number: int, item: Any) -> Iterator[tuple[str, Any]]:
    for name, given in sorted(trail.plan.steps[number].with_.items()):
        if given.argument is None:
            yield name, _found(trail, given, item, name)
        elif given.argument in trail.arguments:
            yield name, trail.arguments[given.argument]


def _found(trail: _Trail, given: Given, item: Any, name: str) -> Any:
    try:
        return at(item, given.item) if given.item is not None else at(trail.answers[(given.step or 1) - 1], given.at or "")
    except LookupError as cause:
        where = "an item" if given.item is not None else f"the answer of step {given.step}"
        raise _Ended(f"{where} has nothing at `{given.item or given.at or ''}`, which `{name}` is filled from") from cause


def _list(answer: Any, pointer: str, who: str) -> list[Any]:
    try:
        value = at(answer, pointer)
    except LookupError:
        value = None
    if not isinstance(value, list):
        raise _Ended(f"the answer of {who} has no list at `{pointer}`")
    return value


# ---------------------------------------------------------------- answers
def _answer(trail: _Trail, data: Any) -> Result:
    fitted, cuts = shrink.fit(data, trail.plan.most.bytes)
    structured = {"data": fitted, "calls": trail.done}
    notes = (*filter(None, [trail.cut]), *(f"cut to {trail.plan.most.bytes} bytes: {', '.join(cuts)}" for _ in cuts[:1]))
    text = json.dumps(structured, ensure_ascii=False, separators=(",", ":"))
    return Result(text, structured, notes=notes, untrusted=True, truncated=bool(notes))


def _ended(trail: _Trail, no: _Ended) -> Result:
    """Why it ended and what was done; with what the call that ended it tells programs, such as a challenge."""
    done = ", ".join(f"{row['tool']}: {row['outcome']}" for row in trail.done) or "nothing"
    inner = no.result
    details = {**(inner.details if inner else {}), "calls": list(trail.done), **({"tool": no.tool, "cause": inner.error} if inner else {})}
    who = f"its call {len(trail.done)} (`{no.tool}`) ended it: " if inner else ""
    return Result(
        f"{CODE}: {who}{no.what} (calls so far: {done})",
        error=CODE,
        status=inner.status if inner else 0,
        details=details,
        untrusted=bool(inner and inner.untrusted),
    )


def _shown(trail: _Trail, result: Result) -> Result:
    """The answer of a dry run: the first call as it would be sent, and the names of what would follow."""
    if result.error:
        return _ended(trail, _Ended(result.text, result, trail.done[0]["tool"]))
    names = [row.tool for row in trail.plan.steps]
    head = f"dry run of a composite ({trail.plan.kind}: {', '.join(names)}); its first call:"
    return Result(f"{head}\n{result.text}", {**(result.structured or {}), "composite": trail.plan.kind, "tools": names})
