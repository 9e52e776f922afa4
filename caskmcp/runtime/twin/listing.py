"""Lists: what was recorded, a page of it, with what callers made, changed and took away.

A list that was recorded for exactly this request is the base. Otherwise it is cut from all pages that were recorded, where the contract knows how the
operation is paged; a parameter that is named as a member of the things filters them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from caskmcp.runtime.twin import places
from caskmcp.runtime.twin.operations import Heard, Known, Operation
from caskmcp.runtime.twin.resources import Resource, identity
from caskmcp.runtime.twin.state import State
from caskmcp.runtime.twin.wire import Answer, Request

TOTALS: Final = ("total", "count", "total_count", "totalCount", "total_results", "totalResults")
"""Members of an answer that say how long the whole is."""
SIZES: Final = ("limit", "per_page", "page_size", "size", "page_limit")
PAGERS: Final = frozenset({*SIZES, "page", "offset", "cursor", "sort", "order", "order_by", "ordering", "sort_by", "direction"})
"""Parameters that choose no things."""
SEARCHES: Final = frozenset({"q", "query", "search", "filter", "filters", "text"})
"""Parameters of which nobody can say what they choose: what callers made is then left out."""
MOST: Final = 100
"""Things of a page, where nobody says how many."""


class Page(NamedTuple):
    """Which part of a list is asked for."""

    start: int
    size: int
    style: str
    argument: str


def listed(known: Known, state: State, resource: Resource, operation: Operation, request: Request, base: Heard, *, exact: bool) -> Answer:
    """The answer to a listing request. base: the recorded one, for this request (exact) or for the most similar one."""
    arguments = operation.arguments(request) or ()
    way, chosen = resource.lists[operation.id], _chosen(operation, request)
    page = None if exact else _page(operation, request)
    rows = _rows(places.at(base.answer.value, way))
    whole = rows if page is None else [item for item in _all(known, operation, way, arguments, resource) if _fits(item, chosen)]
    parents = resource.parents(operation, arguments)
    if parents is None:
        return base.answer.saying(places.put(base.answer.value, way, rows if page is None else _cut(whole, page)))
    kept = [_now(state, resource, parents, item) for item in whole if not _gone(state, resource, parents, item)]
    added = [
        _like(thing, whole or rows, resource) for names, thing in state.created(resource) if names[:-1] == parents and _fits(thing, chosen)
    ]
    room = _room(operation, request, len(kept)) if page is None else len(added)
    value = base.answer.value
    if added or len(kept) != len(whole) or page is not None:
        value = _totalled(value, operation, len(added) + len(kept) - len(whole))
    every = [*kept, *added[:room]]
    value = places.put(value, way, every if page is None else _cut(every, page))
    return base.answer.saying(value if page is None else _following(value, operation, page, len(every)))


def _rows(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _chosen(operation: Operation, request: Request) -> dict[str, Any] | None:
    """What the parameters choose things by; None if that cannot be said."""
    asked: dict[str, Any] = {**dict(request.query), **request.fields}
    if any(name.lower() in SEARCHES or isinstance(value, dict) for name, value in asked.items()):
        return None
    pagers = PAGERS | {place.rpartition(" ")[2] for place in _pagers(operation)}
    return {name: value for name, value in asked.items() if name not in pagers}


def _pagers(operation: Operation) -> tuple[str, ...]:
    paging = operation.contract.paging
    return (*((paging.argument, paging.size) if paging else ()), *operation.contract.sorting)


def _fits(thing: Any, chosen: Mapping[str, Any] | None) -> bool:
    """Whether a thing is one of those that are asked for."""
    if chosen is None or not isinstance(thing, Mapping):
        return False
    return all(_same(thing[name], wanted) for name, wanted in chosen.items() if name in thing)


def _same(value: Any, wanted: Any) -> bool:
    if isinstance(value, bool):
        return str(value).lower() == str(wanted).lower()
    return str(value) == str(wanted)


def _room(operation: Operation, request: Request, full: int) -> int:
    """How many things still fit on the page."""
    size = _number(_asked(request, _sizes(operation)))
    return MOST if size is None else max(0, size - full)


def _sizes(operation: Operation) -> tuple[str, ...]:
    paging = operation.contract.paging
    return (paging.size.rpartition(" ")[2],) if paging and paging.size else SIZES


def _asked(request: Request, names: Iterable[str]) -> Any:
    asked = {**dict(request.query), **request.fields}
    return next((asked[name] for name in names if name in asked), None)


def _number(value: Any) -> int | None:
    written = places.text(value)
    return int(written) if written is not None and written.isdecimal() and len(written) < 10 else None


def _page(operation: Operation, request: Request) -> Page | None:
    """The page that is asked for, where the contract knows how. A cursor of the twin is the number of the next thing."""
    paging = operation.contract.paging
    if paging is None or paging.style == "link":
        return None
    name = paging.argument.rpartition(" ")[2]
    size = _number(_asked(request, _sizes(operation))) or MOST
    given = _number(_asked(request, (name,)))
    start = ((given or 1) - 1) * size if paging.style == "page" else given or 0
    return Page(start, size, paging.style, name)


def _cut(rows: list[Any], page: Page) -> list[Any]:
    return rows[page.start : page.start + page.size]


def _all(known: Known, operation: Operation, way: places.Way, arguments: tuple[str, ...], resource: Resource) -> list[Any]:
    """Every thing that the recorded pages of this list show, each once, in the order of the pages."""
    rows = [row for row in known.good(operation) if row.arguments == arguments]
    found: dict[str, Any] = {}
    for row in sorted(rows, key=lambda row: (_page(operation, row.request) or (0,))[0]):
        for item in _rows(places.at(row.answer.value, way)):
            if isinstance(item, dict):
                found.setdefault(str(item.get(resource.name)), item)
    return list(found.values())


def _gone(state: State, resource: Resource, parents: tuple[str, ...], item: Any) -> bool:
    own = identity(item, resource.name)
    return own is not None and state.is_gone(resource, (*parents, own))


def _now(state: State, resource: Resource, parents: tuple[str, ...], item: Any) -> Any:
    own = identity(item, resource.name)
    thing = None if own is None else state.written(resource, (*parents, own))
    return item if thing is None else places.common(item, thing)


def _like(thing: dict[str, Any], rows: Sequence[Any], resource: Resource) -> dict[str, Any]:
    """A thing as the list shows things."""
    shown = next((item for item in rows if isinstance(item, dict) and resource.name in item), None)
    return thing if shown is None else {**places.common(shown, thing), resource.name: thing[resource.name]}


def _totalled(value: Any, operation: Operation, change: int) -> Any:
    paging = operation.contract.paging
    told = tuple(paging.total.removeprefix("answer /").split("/")) if paging and paging.total.startswith("answer /") else ()
    ways = [told] if told else [(name,) for name in TOTALS]
    for way in ways:
        total = places.at(value, way)
        if isinstance(total, int) and not isinstance(total, bool):
            value = places.put(value, way, max(0, total + change))
    return value


def _following(value: Any, operation: Operation, page: Page, count: int) -> Any:
    """The answer with the cursor of the next page, where it has one."""
    paging = operation.contract.paging
    if paging is None or page.style != "cursor" or not paging.following.startswith("answer /"):
        return value
    way = tuple(paging.following.removeprefix("answer /").split("/"))
    end = page.start + page.size
    return places.put(value, way, str(end) if end < count else None)
