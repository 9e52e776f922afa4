"""Every field of a contract, one row each: where it stands, what its schema says, what that rests on, and the rules that said so.

A row is read from the contract alone. Recursive schemas are followed once; below `DEEPEST` levels nothing was observed.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from caskmcp.compiler.emit.arguments import arguments
from caskmcp.compiler.infer.evidence import escape
from caskmcp.compiler.infer.rules import Above, presence, reasons
from caskmcp.model.contract import Body, Contract, Evidence, Parameter, Response

DEEPEST: Final = 12
_ITEM: Final = "*"


class Place(NamedTuple):
    """Where a field stands in an operation."""

    part: str
    """`path order_id`, `query status`, `body application/json`, `answer 200 application/json`."""
    pointer: str = ""
    """JSON pointer below it, `*` for any item and any key of a map; empty for the whole."""

    def __str__(self) -> str:
        return f"{self.part} {self.pointer}".rstrip()


class Field(NamedTuple):
    """One field."""

    place: Place
    name: str
    """The names that lead to it, dotted: `items.price`."""
    argument: str
    """The tool's argument that carries it, or in which it lies; empty in answers."""
    schema: Mapping[str, Any]
    """References resolved at its root."""
    evidence: Evidence
    """`seen` of `total` objects (of exchanges, outside of bodies); zero of zero where nobody observed it."""
    required: bool
    presence: str
    """A row of `infer.rules:RULES`."""
    reasons: tuple[str, ...]
    """Rows of the same table: what made its type."""
    leaf: bool
    """Whether nothing stands below it."""


def fields(contract: Contract) -> tuple[Field, ...]:
    """All of them: parameters in their order, then bodies, then answers by status; inside of one, depth first."""
    keys = {(row.location, row.wire): row.key for row in arguments(contract).rows}
    found = [_parameter(row, keys.get((row.location, row.wire), "")) for row in contract.parameters]
    side = "partial" if contract.method == "PATCH" else "request"
    for body in contract.bodies:
        found += _Walk(f"body {body.media}", body, body.evidence, side, keys).rows(body.schema_)
    for answer in contract.responses:
        if answer.schema_ is not None:
            found += _Walk(f"answer {answer.status} {answer.media}".rstrip(), answer, answer.evidence, "response", {}).rows(answer.schema_)
    return tuple(found)


def _parameter(row: Parameter, key: str) -> Field:
    stated = "spec" in row.evidence.sources
    why = ("stated-required" if row.required else "stated-optional") if row.why == "spec" else row.why
    kinds = reasons(row.schema_, stated=stated, segment=row.location == "path")
    place = Place(f"{row.location} {row.wire}")
    return Field(place, row.wire, key, row.schema_, row.evidence, row.required, why, kinds, leaf=True)


class _Walk:
    """The fields of one body or answer."""

    def __init__(self, part: str, held: Body | Response, whole: Evidence, side: Any, keys: Mapping[tuple[Any, str], str]) -> None:
        self.part, self.held, self.whole, self.side, self.keys = part, held, whole, side, keys
        self.stated = "spec" in whole.sources
        self.definitions: Mapping[str, Any] = {}

    def rows(self, schema: Mapping[str, Any]) -> list[Field]:
        """All fields; a body or answer that is no object is one itself."""
        self.definitions = schema.get("$defs", {})
        # A field that several variants have is one field.
        found = list({row.place: row for row in [*self._inside(schema, "", (), self.whole, frozenset(), "")][::-1]}.values())[::-1]
        return [*([] if found else [self._whole(schema)]), *found]

    def _whole(self, schema: Mapping[str, Any]) -> Field:
        key = self.keys.get(("body", ""), "") if self.side != "response" else ""
        why = "always-there" if not self.stated else "stated-required" if getattr(self.held, "required", True) else "stated-optional"
        shown = {name: value for name, value in schema.items() if name != "$defs"}
        needed = bool(getattr(self.held, "required", True))
        return Field(Place(self.part), "", key, shown, self.whole, needed, why, reasons(shown, stated=self.stated), leaf=True)

    def _inside(
        self, node: Any, pointer: str, names: tuple[str, ...], above: Evidence, followed: frozenset[str], key: str
    ) -> Iterator[Field]:
        """Fields below a node. key: what the object stands at."""
        if pointer.count("/") >= DEEPEST:
            return
        for branch, seen in self._branches(node, followed):
            for name, child in sorted(self._properties(branch).items()):
                yield from self._field(name, child, branch, (pointer, names, above, seen, key))
            for word in ("items", "additionalProperties"):
                if isinstance(branch.get(word), Mapping):
                    yield from self._inside(branch[word], f"{pointer}/{_ITEM}", names, above, seen, key)

    def _field(
        self, name: str, child: Any, branch: Mapping[str, Any], at: tuple[str, tuple[str, ...], Evidence, frozenset[str], str]
    ) -> Iterator[Field]:
        pointer, names, above, followed, key = at
        place = f"{pointer}/{escape(name)}"
        known = self.held.fields.get(place)
        evidence = known or Evidence(
            total=above.seen, sources=tuple(kind for kind in self.whole.sources if kind != "traffic") or above.sources
        )
        shown = self._resolved(child, followed)
        stated, observed = self.stated and "spec" in evidence.sources, "traffic" in evidence.sources
        why = presence(name, Above(branch, key, self.side), seen=evidence.seen, total=evidence.total, stated=stated, traffic=observed)
        below = list(self._inside(child, place, (*names, name), evidence, followed, name))
        argument = "" if self.side == "response" else self.keys.get(("body", (*names, name)[0]), self.keys.get(("body", ""), ""))
        needed = name in branch.get("required", ())
        kinds = reasons(shown, stated=stated)
        yield Field(Place(self.part, place), ".".join((*names, name)), argument, shown, evidence, needed, why, kinds, leaf=not below)
        yield from below

    @staticmethod
    def _properties(branch: Mapping[str, Any]) -> Mapping[str, Any]:
        found = branch.get("properties")
        return found if isinstance(found, Mapping) else {}

    def _resolved(self, node: Any, followed: frozenset[str]) -> Mapping[str, Any]:
        if not isinstance(node, Mapping):
            return {}
        name = str(node.get("$ref", "")).removeprefix("#/$defs/")
        target = self.definitions.get(name)
        return node if not isinstance(target, Mapping) or name in followed else {**target, **{k: v for k, v in node.items() if k != "$ref"}}

    def _branches(self, node: Any, followed: frozenset[str], depth: int = 0) -> Iterator[tuple[Mapping[str, Any], frozenset[str]]]:
        """The alternatives of a schema with what was followed to reach them: a definition inside of itself is not entered again."""
        if not isinstance(node, Mapping) or depth > DEEPEST:
            return
        name = str(node.get("$ref", "")).removeprefix("#/$defs/")
        if "$ref" in node:
            if name not in followed:
                yield from self._branches(self.definitions.get(name), followed | {name}, depth + 1)
            return
        yield node, followed
        for word in ("anyOf", "oneOf", "allOf"):
            for branch in node.get(word, ()) if isinstance(node.get(word), list) else ():
                yield from self._branches(branch, followed, depth + 1)


def of_name(found: Sequence[Field], wanted: str) -> tuple[Field, ...]:
    """The fields that a name means: the one at a place as it is printed, else all that are called so: an argument's key, a dotted name, its end."""
    at = tuple(row for row in found if wanted == str(row.place))
    return at or tuple(row for row in found if wanted and _is_called(row, wanted))


def _is_called(row: Field, wanted: str) -> bool:
    argument = "" if "." in row.name else row.argument
    return wanted in (row.name, argument, row.place.pointer) or row.name.endswith(f".{wanted}")
