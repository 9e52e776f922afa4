"""What one operation tells about another: objects that are plainly the same thing are described by all that was seen of them.

Two rules, both over operations of one origin that traffic alone describes; what a document says is never touched.

* **arguments**: an object that requests hold under the same names (`flows` of `/flows/filter` and `/flows/paginate`), with a field in common and
  none that differs in kind, may have the fields of all of them. What was added is optional and marked, its evidence is zero of all. Names
  that say nothing (`GENERIC`) are no names. Whole bodies are not compared: what a create takes, an update often refuses.
* **answers**: objects with exactly the same names of fields in answers of one status family are one entity; a field of it is of every scalar
  type that was seen in any of them, and its vocabulary is that of all. Which fields are required stays what each operation showed.

Every contract is compared as inference wrote it, never as changed here, so the order of operations cannot matter.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from caskmcp import canon
from caskmcp.compiler.infer.evidence import escape
from caskmcp.compiler.infer.schema import FEWEST_SURE, MARK
from caskmcp.compiler.infer.union import kinds, scalar, unite
from caskmcp.compiler.pipeline import Inputs, Outputs
from caskmcp.model.contract import Contract
from caskmcp.model.shared import Table
from caskmcp.text import Document

Plain = dict[str, Any]
Path = tuple[str, ...]

FEWEST_NAMES: Final = 3
"""Names of fields from which two objects with the same ones are taken for one entity."""
GENERIC: Final = frozenset(
    {
        "attributes", "body", "config", "content", "context", "data", "details", "entry", "extra", "filter", "filters", "info", "input", "item", "items", "meta",
        "node", "object", "options", "params", "parameters", "payload", "properties", "query", "record", "request", "result", "results", "settings", "value", "values",
    }
)  # fmt: skip
"""Names under which any two operations hold different things."""


class Found(NamedTuple):
    """One object schema in a contract."""

    owner: str
    path: Path
    """Names from the body's root, `*` for items."""
    node: Plain
    required: bool
    """Whether the object above it requires it."""


def run(inputs: Inputs) -> Outputs:
    """Stage `relate`: contracts that others complete, by id; the rest stays as it is."""
    return {"contracts": canon.compact(related(inputs.value("infer.contract")))}


def completed(inputs: Inputs) -> dict[str, Any]:
    """Every contract by id, as later stages read them."""
    return {**inputs.value("infer.contract"), **inputs.value("relate.contracts")}


def whole(inputs: Inputs, contracts: Mapping[str, Plain]) -> Iterator[Contract]:
    """The contracts as records, with the definitions that they share."""
    table = inputs.common("merge.definitions", Table)
    return (Contract.of(Document(name, value, {})).whole(table) for name, value in contracts.items())


def related(contracts: Mapping[str, Plain]) -> dict[str, Plain]:
    """Contract id -> contract with what its kin tells, of those that change."""
    told: dict[tuple[str, str, Path], Plain] = {}
    eased: dict[str, set[Path]] = {}
    for kin in _by_name(contracts).values():
        for one in kin:
            alike = [other for other in kin if other.owner != one.owner and _is_kin(one.node, other.node)]
            if added := _added(one.node, [other.node for other in alike]):
                told[(one.owner, "body", one.path)] = added
            if one.required and not all(other.required for other in alike):
                eased.setdefault(one.owner, set()).add(one.path)
    entities = {key: found for key, found in _entities(contracts).items() if len(found) > 1}
    changed = {owner for owner, *_ in told} | eased.keys() | {each.owner for found in entities.values() for each in found}
    fresh = {owner: _completed(contracts[owner], told, eased.get(owner, set()), entities) for owner in sorted(changed)}
    return {owner: contract for owner, contract in fresh.items() if contract != contracts[owner]}


# ---------------------------------------------------------------- what is compared
def _origin(contract: Plain) -> tuple[str, int]:
    return contract["host"], contract.get("port", 0)


def _is_observed(held: Plain) -> bool:
    return held.get("evidence", {}).get("sources") == ["traffic"] and isinstance(held.get("schema"), dict)


def _by_name(contracts: Mapping[str, Plain]) -> dict[tuple[Any, ...], list[Found]]:
    """Closed objects of JSON requests by origin and path."""
    out: dict[tuple[Any, ...], list[Found]] = {}
    for owner in sorted(contracts):
        contract = contracts[owner]
        for body in contract.get("bodies", ()) if "call" not in contract else ():
            for path, node, required in _objects(body["schema"]) if body["kind"] == "json" and _is_observed(body) else ():
                if path and path[-1] not in GENERIC and path[-1] != "*" and node.get("additionalProperties") is False:
                    sure = body.get("fields", {}).get(_pointer(path), {}).get("total", 0) >= FEWEST_SURE
                    out.setdefault((*_origin(contract), path), []).append(Found(owner, path, node, required and not sure))
    return out


def _objects(node: Any, path: Path = (), required: bool = True) -> Iterator[tuple[Path, Plain, bool]]:
    for branch in _branches(node):
        if "properties" in branch:
            yield path, branch, required
            for name, child in branch["properties"].items():
                yield from _objects(child, (*path, name), name in branch.get("required", ()))
        if "items" in branch:
            yield from _objects(branch["items"], (*path, "*"))


def _branches(node: Any) -> Sequence[Any]:
    return [branch for branch in node.get("anyOf", [node]) if isinstance(branch, dict)] if isinstance(node, dict) else []


def _pointer(path: Path) -> str:
    return "".join(f"/{name if name == '*' else escape(name)}" for name in path)


def _is_kin(one: Plain, other: Plain) -> bool:
    """Whether two objects share a field and no field of theirs differs in kind."""
    shared = one["properties"].keys() & other["properties"].keys()
    return bool(shared) and all(_agree(one["properties"][name], other["properties"][name]) for name in shared)


def _agree(one: Plain, other: Plain) -> bool:
    return not kinds(one) or not kinds(other) or bool((kinds(one) & kinds(other)) - {"null"})


def _added(node: Plain, kin: Sequence[Plain]) -> Plain:
    """Fields that kin have and an object has not; one whose kind they do not agree on is left out."""
    out: Plain = {}
    for name in sorted({name for other in kin for name in other["properties"]} - node["properties"].keys()):
        known = [other["properties"][name] for other in kin if name in other["properties"]]
        if all(_agree(known[0], each) for each in known):
            out[name] = _optional(min(known, key=lambda schema: (-len(canon.compact(schema)), canon.compact(schema)))) | {MARK: "low"}
    return out


def _optional(node: Plain) -> Plain:
    """A schema that requires no field: nobody here left one out, since nobody here sent one."""
    out = {word: value for word, value in node.items() if word != "required"}
    if "properties" in out:
        out["properties"] = {name: _optional(child) for name, child in out["properties"].items()}
    if "anyOf" in out:
        out["anyOf"] = [_optional(branch) for branch in out["anyOf"]]
    for word in ("items", "additionalProperties"):
        if isinstance(out.get(word), dict):
            out[word] = _optional(out[word])
    return out


# ---------------------------------------------------------------- entities of answers
Entity = tuple[Any, ...]


def _entities(contracts: Mapping[str, Plain]) -> dict[Entity, list[Found]]:
    out: dict[Entity, list[Found]] = {}
    for owner in sorted(contracts):
        contract = contracts[owner]
        for answer in contract.get("responses", ()):
            for path, node, _ in _objects(answer["schema"]) if _is_observed(answer) else ():
                if len(node["properties"]) >= FEWEST_NAMES:
                    out.setdefault(_entity(contract, answer, node), []).append(Found(owner, path, node, required=False))
    return out


def _entity(contract: Plain, answer: Plain, node: Plain) -> Entity:
    return (*_origin(contract), answer["status"][:1], tuple(sorted(node["properties"])))


# ---------------------------------------------------------------- what is written
def _completed(
    contract: Plain, told: Mapping[tuple[str, str, Path], Plain], eased: set[Path], entities: Mapping[Entity, Sequence[Found]]
) -> Plain:
    bodies = [_body(contract, body, told, eased) for body in contract.get("bodies", ())]
    answers = [_answer(contract, answer, entities) for answer in contract.get("responses", ())]
    return contract | ({"bodies": bodies} if bodies else {}) | ({"responses": answers} if answers else {})


def _body(contract: Plain, body: Plain, told: Mapping[tuple[str, str, Path], Plain], eased: set[Path]) -> Plain:
    if body["kind"] != "json" or not _is_observed(body):
        return body
    mine = {path: added for (owner, _, path), added in told.items() if owner == contract["id"]}
    fields = dict(body.get("fields", {}))
    for path, added in mine.items():
        of = fields.get(_pointer(path), {}).get("seen", 0)
        fields |= {_pointer((*path, name)): {"total": of, "sources": ["traffic"]} for name in added}
    return body | {"schema": _extended(body["schema"], (), mine, eased), "fields": dict(sorted(fields.items()))}


def _extended(node: Any, path: Path, told: Mapping[Path, Plain], eased: set[Path]) -> Any:
    if not isinstance(node, dict):
        return node
    out = dict(node)
    if "anyOf" in node:
        return out | {"anyOf": [_extended(branch, path, told, eased) for branch in node["anyOf"]]}
    if "properties" in node:
        below = {name: _extended(child, (*path, name), told, eased) for name, child in node["properties"].items()}
        out["properties"] = dict(sorted((below | told.get(path, {})).items()))
        if needed := [name for name in node.get("required", ()) if (*path, name) not in eased]:
            out["required"] = needed
        else:
            out.pop("required", None)
    if "items" in node:
        out["items"] = _extended(node["items"], (*path, "*"), told, eased)
    return out


def _answer(contract: Plain, answer: Plain, entities: Mapping[Entity, Sequence[Found]]) -> Plain:
    if not _is_observed(answer):
        return answer
    return answer | {"schema": _as_entities(answer["schema"], lambda node: entities.get(_entity(contract, answer, node), ()))}


def _as_entities(node: Any, known: Any) -> Any:
    if not isinstance(node, dict):
        return node
    if "anyOf" in node:
        return node | {"anyOf": [_as_entities(branch, known) for branch in node["anyOf"]]}
    out = dict(node)
    if "properties" in node:
        kin = [found.node["properties"] for found in known(node)]
        out["properties"] = {name: _field(child, [each[name] for each in kin], known) for name, child in node["properties"].items()}
    if "items" in node:
        out["items"] = _as_entities(node["items"], known)
    return out


def _field(child: Any, of_kin: Iterable[Any], known: Any) -> Any:
    """A field of an entity: the union of what all say if it is a scalar in all of them, else its own."""
    others = [schema for schema in of_kin if kinds(schema)]
    return unite(child, others) if scalar(child) and others and all(map(scalar, others)) else _as_entities(child, known)
