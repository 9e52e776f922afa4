"""Edges: which field of an answer gives which argument, found by equal values over all sources together.

An edge needs two values or more that an answer gave and another exchange took. Where most of them are specific (`sketch.is_specific`) that is
proof. Where they are not (`17`, `open`), a field and an argument must also be called after the same thing, and the field must explain
enough of what the argument took: the values alone would link everything with everything. What comes out holds counts and no value. Which order
the exchanges came in plays no part.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from caskmcp import canon
from caskmcp.compiler.normalize import subjects
from caskmcp.compiler.normalize.group import Operation
from caskmcp.compiler.normalize.sketch import GIVEN, TAKEN, WIDTH, Values, is_identifier, of_text, union
from caskmcp.compiler.normalize.tokens import is_class
from caskmcp.compiler.normalize.tree import is_success

Plain = dict[str, Any]
Segments = Sequence[Plain]

FEWEST: Final = 2
"""Distinct values that an edge needs."""
UNIQUE: Final = 0.5
"""Uniqueness score from which equal values are proof: the share of the matches that are specific."""
LEAST: Final = 0.05
"""Share of an argument's values that a field must explain in any case: of many numbers some are equal by accident."""
MOST: Final = 12
"""Fields that are named for one argument, the best ones."""
SHARE: Final = 0.25
"""Share of an argument's values that a field must explain where its values are no proof."""
FLOWS: Final = "flows"
COUNTS: Final = ("seen", "total", "unique")
Counts = dict[str, int]
Key = tuple[tuple[str, str], tuple[str, str]]
"""(operation, argument), (operation, field)."""


class Place(NamedTuple):
    """A field of an answer, or an argument, of one operation."""

    operation: str
    at: str
    noun: str
    is_home: bool
    """Of a field: whether it names the thing around it."""
    values: Values


class Edge(NamedTuple):
    """A field that gives an argument."""

    argument: Place
    field: Place
    seen: int
    """Distinct values of the argument that the field gave."""
    total: int
    """Distinct values of the argument that were compared."""
    unique: int
    """Those of `seen` that are specific."""

    @property
    def counts(self) -> Counts:
        """As a flow has them."""
        return {"seen": self.seen, "total": self.total, "unique": self.unique}

    @property
    def holds(self) -> bool:
        """Whether it is one, by the rule."""
        if self.seen < max(FEWEST, LEAST * self.total):
            return False
        alike = self.argument.noun == self.field.noun != ""
        return self.unique >= UNIQUE * self.seen or (alike and self.seen >= SHARE * self.total)


def settle(operations: Mapping[str, tuple[Operation, Segments]]) -> dict[str, list[Plain]]:
    """Operation -> its flows, as `model.observation.Flow` of a group, sorted.

    Writes each into the first row of its operation that took such a value, in place: what is committed says it again without any traffic.
    """
    said = _said(operations)
    found = {(edge.argument[:2], edge.field[:2]): edge for edge in _best(edge for edge in _edges(operations) if edge.holds)}
    for edge in found.values():
        row, field = _first(operations, edge.argument, "taken"), _first(operations, edge.field, "given")
        row.setdefault(FLOWS, []).append({"argument": edge.argument.at, "source": label(field), "field": edge.field.at, **edge.counts})
    for operation, _ in operations.values():
        for row in operation.rows:
            if FLOWS in row:
                row[FLOWS].sort(key=_order)
    counts = said | {key: edge.counts for key, edge in found.items()}
    return _by_operation(operations, counts)


def carry(committed: Mapping[str, Plain], present: Mapping[str, Plain]) -> None:
    """Put into the parts of sources what committed parts of the same ids say of answers that no source here gave, in place."""
    known = {label(row) for part in present.values() for row in part.get("rows", ())} if committed else set()
    for name in committed.keys() & present.keys():
        rows = {label(row): row for row in present[name].get("rows", ())}
        for row in committed[name].get("rows", ()):
            kept = [flow for flow in row.get(FLOWS, ()) if flow["source"] not in known]
            if kept and label(row) in rows:
                rows[label(row)][FLOWS] = kept


def label(row: Mapping[str, Any]) -> str:
    """What tells a raw row from the others, in words."""
    port = f":{row['port']}" if row.get("port") else ""
    call = f"#{canon.hexadecimal(canon.digest(row['call']))[:16]}" if "call" in row else ""
    return f"{row['method']} {row['host']}{port}/{'/'.join(row['segments'])}{call}"


# ---------------------------------------------------------------- comparing
def _edges(operations: Mapping[str, tuple[Operation, Segments]]) -> Iterator[Edge]:
    taken = [place for name, row in operations.items() for place in _places(name, *row, "taken", TAKEN)]
    by_digest: dict[int, list[int]] = {}
    for number, place in enumerate(taken):
        for digest in place.values.digests:
            by_digest.setdefault(digest, []).append(number)
    for name, row in operations.items() if taken else ():
        for place in _places(name, *row, "given", GIVEN):
            matches: dict[int, list[int]] = {}
            for digest in by_digest.keys() & place.values.digests:
                for number in by_digest[digest]:
                    matches.setdefault(number, []).append(digest)
            for number, found in matches.items():
                if len(found) < FEWEST:
                    continue
                argument = taken[number]
                yield Edge(
                    argument, place, len(found), _compared(argument.values, place.values), len(argument.values.specific.intersection(found))
                )


def _best(edges: Iterable[Edge]) -> Iterator[Edge]:
    by_argument: dict[tuple[str, str], list[Edge]] = {}
    for edge in edges:
        by_argument.setdefault(edge.argument[:2], []).append(edge)
    for (_, at), found in by_argument.items():
        # What is only ever read back where it was written is no reference: the client made it up.
        if at.startswith("body ") and not any(edge.field.is_home for edge in found):
            continue
        yield from sorted(found, key=lambda edge: (-edge.seen, edge.field[:2]))[:MOST]


def _compared(argument: Values, field: Values) -> int:
    """How many of an argument's values a field's sketch could hold."""
    return sum(found < field.limit or found >= WIDTH for found in argument.digests)


def _places(name: str, operation: Operation, segments: Segments, side: str, size: int) -> Iterator[Place]:
    found: dict[str, list[Any]] = {}
    for row in operation.rows:
        for at, sketch in (row.get(side, {}) | (_literals(row, segments) if side == "taken" else {})).items():
            found.setdefault(at, []).append(sketch)
    resource = _resource(operation)
    for at in sorted(found):
        noun = subjects.of_pointer(at, resource) if side == "given" else _noun(at, segments, resource)
        own = noun is None or (side == "taken" and subjects.is_own(at, noun, resource))
        # A body says what somebody is called and how to write to them, which is cut; that names no thing.
        values = None if own else union(found[at], size, cut=not at.startswith("body "))
        if values is not None and noun is not None:
            yield Place(name, at, noun, side == "given" and subjects.is_home(at, resource), values)


def _literals(row: Plain, segments: Segments) -> Plain:
    """Arguments that are words of the table, and stand as they are in the row's path."""
    if not any(map(is_success, row["statuses"])):
        return {}
    words = {index: text for index, text in enumerate(row["segments"]) if not is_class(text) and _parameter(segments, str(index))}
    return {f"path {index}": of_text(text) for index, text in words.items() if is_identifier(text)}


def _resource(operation: Operation) -> str:
    call = operation.call["name"] if operation.call else ""
    return subjects.of_path([slot.literal for slot in operation.path if slot.literal], call)


def _noun(at: str, segments: Segments, resource: str) -> str | None:
    """What an argument is called after; None for a segment that is no parameter, or several."""
    where, _, name = at.partition(" ")
    if where == "path":
        parameter = _parameter(segments, name)
        return None if parameter is None else subjects.of_parameter(parameter, _text(segments, int(name) - 1))
    return subjects.of_argument(name, resource)


def _text(segments: Segments, index: int) -> str:
    """The literal of a segment; empty for one that is a parameter."""
    pieces = segments[index]["pieces"] if index >= 0 else []
    return "" if any("name" in piece for piece in pieces) else "".join(piece.get("text", "") for piece in pieces)


def _parameter(segments: Segments, index: str) -> str | None:
    pieces = segments[int(index)]["pieces"] if int(index) < len(segments) else []
    return str(pieces[0]["name"]) if len(pieces) == 1 and "name" in pieces[0] else None


# ---------------------------------------------------------------- writing
def _first(operations: Mapping[str, tuple[Operation, Segments]], place: Place, side: str) -> Plain:
    """The row that stands for a place: the same for every order of sources."""
    operation = operations[place.operation][0]
    rows = zip(operation.owners, operation.rows, strict=True)
    return min(rows, key=lambda found: (place.at not in found[1].get(side, ()), found[0], label(found[1])))[1]


def _said(operations: Mapping[str, tuple[Operation, Segments]]) -> dict[Key, Counts]:
    """What rows say already: those of parts whose traffic is not here."""
    names = {label(row): name for name, (operation, _) in operations.items() for row in operation.rows}
    out: dict[Key, Counts] = {}
    for name, (operation, _) in operations.items():
        for flow in (flow for row in operation.rows for flow in row.get(FLOWS, ())):
            if flow["source"] in names:
                key = ((name, flow["argument"]), (names[flow["source"]], flow["field"]))
                out[key] = {count: flow.get(count, 0) + out.get(key, {}).get(count, 0) for count in COUNTS}
    return out


def _by_operation(operations: Mapping[str, tuple[Operation, Segments]], counts: Mapping[Key, Counts]) -> dict[str, list[Plain]]:
    out: dict[str, list[Plain]] = {}
    for ((name, at), (source, field)), found in counts.items():
        where, _, index = at.partition(" ")
        parameter = _parameter(operations[name][1], index) if where == "path" else index
        if parameter is not None:
            out.setdefault(name, []).append({"argument": f"{where} {parameter}", "source": source, "field": field, **found})
    return {name: sorted(found, key=_order) for name, found in sorted(out.items())}


def _order(flow: Plain) -> tuple[str, str, str]:
    return flow["argument"], flow["source"], flow["field"]
