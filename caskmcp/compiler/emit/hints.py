"""Hints: which tool's answer gives an argument, in the argument's description. At most two a tool, by names of tools and fields alone.

Read out of the contract's flows (`normalize.edges`); whether a flow is one is decided there. A hint is a statement about the API, not an order:
who reads it may take the value from elsewhere.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from caskmcp.compiler.emit.arguments import LOCATIONS, Argument, Arguments
from caskmcp.compiler.emit.describe import plain_name
from caskmcp.compiler.emit.hygiene import order_in
from caskmcp.compiler.normalize import subjects
from caskmcp.model.contract import Contract
from caskmcp.model.observation import Flow
from caskmcp.model.surface import Classified

MOST: Final = 2
"""Hints of one tool."""


class Sources:
    """What hints are chosen by: what each tool needs and does. contracts: of those operations that are tools; names: of at least those."""

    def __init__(self, contracts: Mapping[str, Contract], classified: Mapping[str, Classified], names: Mapping[str, str]) -> None:
        self._contracts, self._classified, self._names = contracts, classified, names

    def hinted(self, contract: Contract, rows: Arguments) -> Arguments:
        """The arguments of a tool with hints in their descriptions."""
        found = dict(self._hints(contract, rows))
        return (
            replace(rows, rows=tuple(_described(row, found[row.key]) if row.key in found else row for row in rows.rows)) if found else rows
        )

    def _hints(self, contract: Contract, rows: Arguments) -> Iterator[tuple[str, str]]:
        """(key of an argument, hint), those that a call needs first."""
        best: dict[str, Flow] = {}
        keys = {_place(row): row for row in rows.rows}
        known = (flow for flow in contract.flows if flow.source in self._contracts)
        for flow in sorted(known, key=lambda flow: self._rank(contract, flow)):
            row = keys.get(_outer(flow.argument))
            if row is not None and "$ref" not in row.schema:
                best.setdefault(row.key, flow)
        wanted = [row for row in sorted(rows.rows, key=lambda row: (not row.required, LOCATIONS.index(row.location))) if row.key in best]
        yield from ((row.key, self._said(contract, best[row.key])) for row in wanted[:MOST])

    def _rank(self, contract: Contract, flow: Flow) -> tuple[bool, bool, int, int, str, str]:
        """Best first: what only reads, is about the thing itself, and needs nothing that the caller lacks. No count: more traffic changes no word."""
        source, is_read = self._contracts[flow.source], self._classified[flow.source].effect == "read"
        resource = _resource(source)
        is_own = subjects.of_pointer(flow.field, resource) == resource
        missing = _parameters(source) - (_parameters(contract) - {flow.argument.partition(" ")[2]})
        return not is_read, not is_own, len(missing), flow.field.count("/"), self._names[flow.source], flow.field

    def _said(self, contract: Contract, flow: Flow) -> str:
        field = next((part for part in reversed(flow.field.split("/")) if part not in ("", "*")), "")
        what = f"`{field}` in " if plain_name(field) else ""
        if flow.source == contract.id:
            return f"From {what}an earlier answer."
        said = f"From {what}{self._names[flow.source]}."
        return said if not order_in(said) else f"From {self._names[flow.source]}."


def _parameters(contract: Contract) -> set[str]:
    return {piece.name for segment in contract.segments for piece in segment.pieces if piece.name}


def _resource(contract: Contract) -> str:
    literals = [
        "".join(piece.text for piece in segment.pieces) for segment in contract.segments if not any(piece.name for piece in segment.pieces)
    ]
    return subjects.of_path(literals, contract.call.name if contract.call else "")


def _place(row: Argument) -> str:
    return f"{row.location} {'/' if row.location == 'body' else ''}{row.wire}"


def _outer(argument: str) -> str:
    """The argument that a place lies in: `body /tag_ids` of `body /tag_ids/*`. Below, a hint would have to say where."""
    return argument.removesuffix("/*")


def _described(row: Argument, hint: str) -> Argument:
    before = str(row.schema.get("description", ""))
    return replace(row, schema={**row.schema, "description": f"{before} {hint}" if before else hint})
