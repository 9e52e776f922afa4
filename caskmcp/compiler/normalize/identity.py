"""Which calls of a shared endpoint are one operation, over all parts, and how two of one name are told apart."""

from collections.abc import Iterable, Mapping
from typing import Any

from caskmcp import canon
from caskmcp.compiler.normalize.group import Operation
from caskmcp.compiler.normalize.tokens import is_class

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

    def key(self, row: Mapping[str, Any]) -> str:
        """What the rows of one operation have in common beside method and path; empty without a call."""
        return of(self.of(row))


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


def refused(row: Mapping[str, Any]) -> str:
    """Why a row can be no operation by what it asks for, or nothing."""
    return str(row.get("call", {}).get("refused", ""))


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
