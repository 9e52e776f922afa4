"""Which calls of a shared endpoint are one operation, over all parts, and how two of one name are told apart."""

from collections.abc import Hashable, Iterable, Mapping
from typing import Any, Final

from caskmcp import canon
from caskmcp.compiler.normalize.group import Operation
from caskmcp.compiler.normalize.tokens import is_class
from caskmcp.compiler.normalize.tree import is_success

Plain = dict[str, Any]


class Calls:
    """What the rows of all parts say about calls: a text that was once sent with its digest is known where only the digest is."""

    def __init__(self, calls: Iterable[Plain]) -> None:
        self._texts: dict[str, Plain] = {}
        for call in sorted(calls, key=canon.compact):
            if "digest" in call and "persisted" in call:
                self._texts.setdefault(call["persisted"], call)

    def of(self, row: Mapping[str, Any]) -> Plain | None:
        """The call of a row as its operation has it: with its text where that is known, then without the digest."""
        call = row.get("call")
        if call is None:
            return None
        known: Plain = call if "digest" in call else self._texts.get(call.get("persisted", ""), call)
        return {name: value for name, value in known.items() if name != "persisted" or "digest" not in known}


def of(call: Plain | None) -> str:
    """What tells one call from another; empty without one."""
    return canon.digest(call["constants"]) if call else ""


def endpoints(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, int], str]:
    """Origin -> path of the GraphQL endpoint that most requests went to; of two the first by name."""
    counts: dict[tuple[str, int], dict[str, int]] = {}
    for row in rows:
        is_graphql = row.get("call", {}).get("protocol") == "graphql" and row["method"] == "POST"
        if is_graphql and not any(map(is_class, row["segments"])):
            found = counts.setdefault((row["host"], row.get("port", 0)), {})
            path = "/" + "/".join(row["segments"])
            found[path] = found.get(path, 0) + row["count"]
    return {origin: min(found, key=lambda path: (-found[path], path)) for origin, found in counts.items()}


Placed = tuple[Mapping[str, Any], Hashable, bool]
"""A row, its method and resolved path, and whether a document declares an operation there."""


def undivided(rows: Iterable[Placed]) -> frozenset[Hashable]:
    """Places where no field of the bodies is proved to choose what is done, or where a document says which operation there is."""
    by_place: dict[Hashable, list[Mapping[str, Any]]] = {}
    known: set[Hashable] = set()
    for row, place, declared in rows:
        by_place.setdefault(place, []).append(row)
        known.update([place] if declared else ())
    return frozenset(place for place, found in by_place.items() if place in known or not _chooses(found))


def _chooses(rows: Iterable[Mapping[str, Any]]) -> bool:
    """Whether one field chooses: every request that succeeded has it, and two of its values or more, each seen twice or more, do not come
    with the same fields. More values only add operations; values that may not be named stay together, as they are without this.
    """
    good = [row for row in rows if any(map(is_success, row["statuses"]))]
    selectors = {field for row in good if is_chosen(row) for field in row["call"]["constants"]}
    if len(selectors) != 1 or not all(_is_flat(row) and _has(row, *selectors) for row in good):
        return False
    counts: dict[str, int] = {}
    fields: dict[str, frozenset[str]] = {}
    for row in filter(is_chosen, good):
        name = row["call"]["name"]
        counts[name] = counts.get(name, 0) + row["count"]
        fields[name] = fields.get(name, frozenset()).union(row["requests"][_JSON]["shape"]["properties"])
    return len({fields[name] for name, count in counts.items() if count >= _FEWEST}) >= _FEWEST


def _has(row: Mapping[str, Any], field: str) -> bool:
    """Whether every body of a row has a text in a field."""
    shape = row["requests"][_JSON]["shape"]
    return bool(shape["properties"].get(field, {}).get("strings") == shape["objects"])


def is_chosen(row: Mapping[str, Any]) -> bool:
    """Whether a field of a row's bodies looks as if it chose what is done."""
    return bool(row.get("call", {}).get("protocol") == "rpc")


def _is_flat(row: Mapping[str, Any]) -> bool:
    """Whether all bodies of a row are JSON objects with fields, and none is a map."""
    shape = row.get("requests", {}).get(_JSON, {}).get("shape", {})
    return row.get("requests", {}).keys() == {_JSON} and bool(shape.get("properties")) and shape.keys() <= {"objects", "properties"}


_JSON: Final = "application/json"
_FEWEST: Final = 2


def refused(row: Mapping[str, Any]) -> str:
    """Why a row can be no operation by what it asks for, or nothing."""
    return str(row.get("call", {}).get("refused", ""))


def shared(rows: Iterable[Mapping[str, Any]]) -> frozenset[tuple[Any, ...]]:
    """Method and raw path of each endpoint that some request asked in GraphQL or JSON-RPC."""
    return frozenset(_place(row) for row in rows if row.get("call", {}).get("protocol") in ("graphql", "jsonrpc"))


def unread(row: Mapping[str, Any], endpoints: frozenset[tuple[Any, ...]]) -> str:
    """Why a row of a shared endpoint can be no operation, or nothing: a tool of it could ask for anything that the endpoint offers."""
    return "what it asks for cannot be read" if "call" not in row and _place(row) in endpoints else ""


def _place(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return row["method"], *row["segments"]


def joined(before: str, reason: str) -> str:
    """Several reasons for requests of one raw path, each once."""
    return ", ".join(sorted({*(row for row in before.split(", ") if row), reason}))


def tell_apart(found: Iterable[Operation]) -> None:
    """Mark calls of one name at one place with the digest of what they pin: a name follows from the operation alone, never from an order."""
    by_name: dict[tuple[Any, ...], list[Operation]] = {}
    for operation in found:
        if operation.call:
            place = (operation.host, operation.port, operation.method, tuple(slot.structure for slot in operation.path))
            by_name.setdefault((*place, operation.call["name"]), []).append(operation)
    for rows in by_name.values():
        for operation in rows if len(rows) > 1 else ():
            operation.mark = f"~{canon.hexadecimal(canon.digest(operation.call and operation.call['constants']))[:8]}"
