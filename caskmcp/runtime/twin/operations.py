"""What the twin knows: the operations of the contracts, and what each was answered when it was recorded.

Pure: contracts and exchanges in, a `Known` out. Where one request was answered in several ways, the success that came most often counts (of
equals the one with the smallest digest), so that the order of a recording changes nothing.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from caskmcp import canon
from caskmcp.model.contract import Contract
from caskmcp.model.exchange import Exchange
from caskmcp.model.observation import Segment
from caskmcp.runtime.twin.wire import Answer, Key, Request, answered, asked, authority


@dataclass(frozen=True)
class Operation:
    """One operation, and what it takes to know a request of it."""

    contract: Contract

    @property
    def id(self) -> str:
        """The contract's."""
        return self.contract.id

    @cached_property
    def host(self) -> str:
        """As requests name it."""
        return authority(self.contract.scheme, self.contract.host, self.contract.port)

    @cached_property
    def form(self) -> tuple[str, ...]:
        """Its segments, `{}` where an argument stands, without a slash at the end: what operations on one thing have in common."""
        rows = tuple(_form(segment) for segment in self.contract.segments)
        return rows[:-1] if rows and rows[-1] == "" else rows

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Fits a decoded path; a group for each segment with an argument."""
        return re.compile("".join("/" + _pattern(segment) for segment in self.contract.segments) or "/", re.DOTALL)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The argument of each such segment."""
        return tuple(piece.name for segment in self.contract.segments for piece in segment.pieces if piece.name)

    @property
    def rank(self) -> tuple[int, int, str]:
        """Literal paths come first, and what is asked for in the body before what is not."""
        return self.form.count("{}"), 0 if self.contract.call else 1, self.id

    def arguments(self, request: Request) -> tuple[str, ...] | None:
        """What stands in the path, if the request is one of this operation."""
        found = self.pattern.fullmatch(request.path) if request.method == self.contract.method and request.host == self.host else None
        return found.groups() if found and _calls(self.contract, request) else None


def _form(segment: Segment) -> str:
    return "{}" if any(piece.name for piece in segment.pieces) else "".join(piece.text for piece in segment.pieces)


def _pattern(segment: Segment) -> str:
    inner = "".join("[^/]+?" if piece.name else re.escape(piece.text) for piece in segment.pieces)
    return f"({inner})" if any(piece.name for piece in segment.pieces) else inner


def _calls(contract: Contract, request: Request) -> bool:
    """Whether the body asks a shared endpoint for this operation. The number of a JSON-RPC request is its caller's."""
    if contract.call is None:
        return True
    constants = {name: value for name, value in contract.call.constants.items() if name != "id" or "jsonrpc" not in contract.call.constants}
    return _holds(request.body if request.body is not None else dict(request.query), constants)


def _holds(value: Any, constants: Mapping[str, Any]) -> bool:
    if not isinstance(value, Mapping):
        return False
    return all(_holds(value.get(name), each) if isinstance(each, Mapping) else value.get(name) == each for name, each in constants.items())


class Heard(NamedTuple):
    """One request that was recorded, with the answer that counts."""

    request: Request
    arguments: tuple[str, ...]
    answer: Answer


@dataclass(frozen=True)
class Known:
    """Everything a twin starts from."""

    operations: tuple[Operation, ...]
    """In the order in which they are tried."""
    heard: Mapping[Key, Answer] = field(default_factory=dict)
    told: Mapping[str, tuple[Heard, ...]] = field(default_factory=dict)
    """Operation -> its requests with their answers, sorted by key."""

    def find(self, request: Request) -> tuple[Operation, tuple[str, ...]] | None:
        """The operation that a request is of, with what stands in its path."""
        for operation in self.operations:
            if (found := operation.arguments(request)) is not None:
                return operation, found
        return None

    def good(self, operation: Operation) -> tuple[Heard, ...]:
        """Its successes."""
        return tuple(row for row in self.told.get(operation.id, ()) if row.answer.good)


def known(contracts: Iterable[Contract], exchanges: Iterable[Exchange]) -> Known:
    """Read contracts and a capture. The twin asks nobody who they are: that a read was refused for want of a credential is left out."""
    operations = tuple(sorted(map(Operation, contracts), key=lambda row: row.rank))
    return with_heard(Known(operations), ((asked(row), answered(row)) for row in exchanges if row.status and not _was_stranger(row)))


def _was_stranger(row: Exchange) -> bool:
    return row.status == 401 and row.method == "GET"


def with_heard(base: Known, rows: Iterable[tuple[Request, Answer]]) -> Known:
    """The same with what was heard; of a request with several answers one counts."""
    said: dict[Key, list[tuple[Request, Answer]]] = {}
    for request, answer in rows:
        said.setdefault(request.key, []).append((request, answer))
    heard, told = dict(base.heard), {name: list(each) for name, each in base.told.items()}
    for key in sorted(said):
        request, answer = said[key][0][0], settled([row[1] for row in said[key]])
        heard[key] = answer
        if (found := base.find(request)) is not None:
            told.setdefault(found[0].id, []).append(Heard(request, found[1], answer))
    return Known(base.operations, heard, {name: tuple(each) for name, each in told.items()})


def settled(answers: list[Answer]) -> Answer:
    """The answer that counts."""
    if len(answers) == 1:
        return answers[0]
    named = {_digest(row): row for row in answers}
    counts = Counter(map(_digest, answers))
    return named[min(named, key=lambda name: (not named[name].good, -counts[name], name))]


def _digest(answer: Answer) -> str:
    return str(canon.digest([answer.status, answer.kind, answer.media, answer.value, [list(pair) for pair in answer.headers]]))
