"""Composites (`tools.composites`): a tool of calls of other tools, made of what is known of those; nothing here is inferred.

Refused with CASK-N005 and the line: a tool that is none or is a composite itself, an argument that the tool does not have or that two steps want
under one name, a place that the answer is not known to have, a value of a type that the argument does not take.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from caskmcp.compiler.emit.arguments import resolved
from caskmcp.compiler.emit.describe import DESCRIPTION, TITLE, WHEN
from caskmcp.compiler.emit.hygiene import clean, shortened
from caskmcp.compiler.emit.kept import structured
from caskmcp.compiler.emit.output import is_object
from caskmcp.errors import CaskError
from caskmcp.model.composite import Composite, CompositePlan, DeclaredCall, Follow, Given, InnerCall, tokens
from caskmcp.model.contract import Contract, Paging
from caskmcp.model.record import JsonSchema
from caskmcp.model.tool import NO_REQUEST, TIERS, Annotations, Effect, Reason, ResponsePlan, Tool

RULE: Final = "composite"
"""Rule of a reason: the tier is that of the riskiest tool that is called."""
EFFECTS: Final[tuple[Effect, ...]] = ("read", "write", "destructive")
CONFIDENCE: Final = ("low", "medium", "high")


@dataclass(frozen=True)
class Called:
    """What is known of a tool that composites may call."""

    tool: Tool
    contract: Contract
    digest: str
    """Of its served record."""


@dataclass(frozen=True)
class _Place:
    """One argument of one step, by where the manifest speaks of it."""

    number: int
    name: str
    given: Given
    schema: JsonSchema
    required: bool


def composed(name: str, said: Composite, known: Mapping[str, Called], taken: Mapping[str, Any]) -> Tool:
    """The tool. known: the tools by name. taken: every name of a tool or an operation, and of the composites. Raises CASK-N005."""
    inner = tuple(_called(name, index, row, known, taken) for index, row in enumerate(said.steps))
    follow, items = _paged(name, said, inner[0])
    filled = {follow.argument} if follow else set()
    places = [place for index, row in enumerate(said.steps) for place in _places(name, index, row, inner[index].tool, filled)]
    for place in places:
        _refuse_unfit(name, said, inner, place)
    plan = CompositePlan(
        kind=said.kind,
        over=said.over,
        items=items,
        follow=follow,
        most=said.most,
        steps=tuple(
            InnerCall(tool=row.tool.name, digest=str(row.digest), with_={each.name: each.given for each in places if each.number == index})
            for index, row in enumerate(inner)
        ),
    )
    return _tool(name, said, plan, tuple(row.tool for row in inner), _inputs(name, places, inner))


def refusal(name: str, what: str, *path: str | int) -> CaskError:
    """CASK-N005 at a place of the manifest; `store.project.placed` gives it the line."""
    way = "/".join(str(part) for part in ("tools", "composites", name, *path))
    return CaskError(
        "CASK-N005", f"composite `{name}`: {what}", place=f"cask.yaml#{way}", mend=f"edit `tools.composites.{name}` in cask.yaml"
    )


# ---------------------------------------------------------------- steps
def _called(name: str, index: int, row: DeclaredCall, known: Mapping[str, Called], taken: Mapping[str, Any]) -> Called:
    if (found := known.get(row.tool)) is not None:
        return found
    if row.tool in taken:
        why = "is a composite, and no composite calls another" if taken[row.tool] == RULE else "was left out, see coverage.json"
        raise refusal(name, f"`{row.tool}` {why}", "steps", index, "tool")
    raise refusal(name, f"there is no tool `{row.tool}`", "steps", index, "tool")


def _places(name: str, index: int, row: DeclaredCall, tool: Tool, filled: set[str]) -> Iterator[_Place]:
    """Every argument of a step with its source: the declared one, else an argument of the composite by the same name."""
    schemas, required = tool.input_schema.get("properties", {}), tool.input_schema.get("required", ())
    for key in row.with_:
        if key not in schemas or key in filled:
            why = "is filled from page to page" if key in schemas else f"is no argument of `{tool.name}`"
            raise refusal(name, f"`{key}` {why}", "steps", index, "with", key)
    for key, schema in schemas.items():
        if key not in filled:
            whole = {**schema, "$defs": tool.input_schema.get("$defs", {})} if isinstance(schema, dict) else {}
            yield _Place(index, key, row.with_.get(key, Given(argument=key)), whole, key in required)


def _refuse_unfit(name: str, said: Composite, inner: tuple[Called, ...], place: _Place) -> None:
    """Refuse a place that the answer is not known to have, and a value that the argument cannot take, where the schemas tell it."""
    if place.given.argument is not None:
        return
    path = ("steps", place.number, "with", place.name)
    step = (place.given.step or 1) - 1
    if place.given.item is not None:
        listed = _at(name, inner[0], said.over or "", ("over",))
        found = _walked(_items(name, listed, ("over",)), place.given.item)
    else:
        found = _walked(structured(inner[step].contract, inner[step].tool.response.keep), place.given.at or "")
    if isinstance(found, str):
        raise refusal(name, f"the answer of `{inner[step].tool.name}` {found}", *path)
    have, takes = _types(found), _types(place.schema)
    if have and takes and not have & (takes | ({"integer"} if "number" in takes else set())):
        what = f"`{place.name}` of `{inner[place.number].tool.name}` takes {_or(takes)}, and gets {_or(have)}"
        raise refusal(name, what, *path)


def _or(types: set[str]) -> str:
    return " or ".join(sorted(types))


# ---------------------------------------------------------------- pages
def _paged(name: str, said: Composite, first: Called) -> tuple[Follow | None, str | None]:
    """How pages follow each other and where their items are: as said, else as observed."""
    if said.kind == "for-each":
        _items(name, _at(name, first, said.over or "", ("over",)), ("over",))
    if said.kind != "paginate":
        return None, None
    seen = first.contract.paging
    follow = said.follow or _observed(first.tool, seen)
    items = said.items if said.items is not None else _items_place(first.contract, seen)
    if follow is None or items is None:
        what = f"how `{first.tool.name}` is paged was not observed: say {'`follow`' if follow is None else '`items`'}"
        raise refusal(name, what)
    if follow.argument not in first.tool.input_schema.get("properties", {}):
        raise refusal(name, f"`{follow.argument}` is no argument of `{first.tool.name}`", "follow", "argument")
    _items(name, _at(name, first, items, ("items",)), ("items",))
    if follow.at:
        _at(name, first, follow.at, ("follow", "at"))
    return follow, items


def _observed(tool: Tool, seen: Paging | None) -> Follow | None:
    if seen is None or seen.style == "link":
        return None
    location, _, wire = seen.argument.partition(" ")
    body = tool.request.body
    rows = {"query": tool.request.query, "header": tool.request.headers, "body": body.fields if body else ()}.get(location, ())
    argument = next((row.argument for row in rows if row.wire == wire), "")
    where, _, at = seen.following.partition(" ")
    if not argument or (seen.style == "cursor" and (where != "answer" or not at)):
        return None
    return Follow(style=seen.style, argument=argument, at=at if seen.style == "cursor" else "")


def _items_place(contract: Contract, seen: Paging | None) -> str | None:
    """Where the list stands in the structured content; an answer that is no object lies in `data` there."""
    if seen is None or seen.items is None:
        return None
    return seen.items if is_object(contract) else f"/data{seen.items}"


# ---------------------------------------------------------------- schemas
def _at(name: str, called: Called, pointer: str, path: tuple[str, ...]) -> JsonSchema:
    found = _walked(structured(called.contract, called.tool.response.keep), pointer)
    if isinstance(found, str):
        raise refusal(name, f"the answer of `{called.tool.name}` {found}", *path)
    return found


def _items(name: str, schema: JsonSchema, path: tuple[str, ...]) -> JsonSchema:
    """The schema of the items of a list. Raises CASK-N005 for what is known to be none."""
    types = _types(schema)
    if types and "array" not in types:
        raise refusal(name, f"expected a list, and there is {_or(types)}", *path)
    inner = schema.get("items")
    return resolved({**inner, "$defs": schema.get("$defs", {})}) if isinstance(inner, dict) else {}


def _walked(schema: JsonSchema, pointer: str) -> JsonSchema | str:
    """What is known of a place; `{}` if nothing is, a text if it is known not to be there."""
    schema = resolved(schema)
    for token in tokens(pointer):
        types, rows = _types(schema), schema.get("properties", {})
        if types and not types & {"object", "array"}:
            return f"has nothing below {_or(types)} at `{pointer}`"
        inner: Any = rows.get(token) if types != {"array"} else schema.get("items")
        if types == {"array"} and not token.isdecimal():
            return f"has a list where `{pointer}` names `{token}`"
        if inner is None and rows and types == {"object"} and not isinstance(schema.get("additionalProperties"), dict):
            return f"is not known to have `{pointer}`"
        schema = resolved({**inner, "$defs": schema.get("$defs", {})}) if isinstance(inner, dict) else {}
    return schema


def _types(schema: JsonSchema) -> set[str]:
    """The JSON types that a schema names; none if it does not say."""
    schema = resolved(schema)
    kind, branches = schema.get("type"), schema.get("anyOf")
    if isinstance(kind, str):
        return {kind}
    if isinstance(kind, list):
        return set(kind)
    if not isinstance(branches, list):
        return set()
    found = [_types({**row, "$defs": schema.get("$defs", {})}) for row in branches if isinstance(row, dict)]
    return set().union(*found) if all(found) else set()


def _inputs(name: str, places: list[_Place], inner: tuple[Called, ...]) -> JsonSchema:
    """The closed input schema: the arguments of the composite, each with the schema of what it fills."""
    open_: dict[str, _Place] = {}
    required: set[str] = set()
    for place in (row for row in places if row.given.argument is not None):
        key = place.given.argument or ""
        before = open_.setdefault(key, place)
        if before is not place and (before.schema != place.schema or (_is_implied(before, key) and _is_implied(place, key))):
            what = f"steps {before.number + 1} and {place.number + 1} both have an argument `{key}`: say under `with` what fills each"
            raise refusal(name, what, "steps", place.number)
        required |= {key} if place.required else set()
    definitions: dict[str, Any] = {}
    rows = {key: _own(place, definitions) for key, place in sorted(open_.items())}
    schema: JsonSchema = {"type": "object", "properties": rows, "additionalProperties": False}
    return schema | ({"required": sorted(required)} if required else {}) | ({"$defs": definitions} if definitions else {})


def _is_implied(place: _Place, key: str) -> bool:
    return place.name == key


def _own(place: _Place, definitions: dict[str, Any]) -> JsonSchema:
    """The schema with references into definitions under names of their own: two tools may use one name for two shapes."""
    rows, prefix = place.schema.get("$defs", {}), f"Step{place.number + 1}"
    schema = {key: value for key, value in place.schema.items() if key != "$defs"}
    if '"$ref"' not in json.dumps(schema):
        return schema
    definitions.update({f"{prefix}{key}": _moved(row, prefix) for key, row in sorted(rows.items())})
    moved: JsonSchema = _moved(schema, prefix)
    return moved


def _moved(value: Any, prefix: str) -> Any:
    if isinstance(value, dict):
        return {
            key: f"#/$defs/{prefix}{row.removeprefix('#/$defs/')}" if key == "$ref" and isinstance(row, str) else _moved(row, prefix)
            for key, row in value.items()
        }
    return [_moved(row, prefix) for row in value] if isinstance(value, list) else value


# ---------------------------------------------------------------- the tool
def _tool(name: str, said: Composite, plan: CompositePlan, inner: tuple[Tool, ...], inputs: JsonSchema) -> Tool:
    riskiest = max(inner, key=lambda row: TIERS.index(row.risk))
    effect = max((row.effect for row in inner), key=EFFECTS.index)
    title = clean(said.title, TITLE).text or name.replace("_", " ").capitalize()
    own = clean(said.description, 150).text
    words = " ".join(filter(None, (_ended(own) if own else f"{title}.", _HOW[said.kind](plan), WHEN[effect])))
    return Tool(
        name=name,
        operation="",
        title=title,
        description=shortened(words, DESCRIPTION),
        input_schema=inputs,
        output_schema={"type": "object", "description": _ANSWERS[said.kind]},
        annotations=_annotations(inner),
        request=NO_REQUEST,
        response=ResponsePlan(max_bytes=said.most.bytes),
        effect=effect,
        risk=riskiest.risk,
        reasons=(Reason(rule=RULE, evidence=f"`{riskiest.name}` is {riskiest.risk}"),),
        scope=riskiest.scope,
        boundary=riskiest.boundary,
        traits=tuple(sorted({trait for row in inner for trait in row.traits})),
        confidence=min((row.confidence for row in inner), key=CONFIDENCE.index),
        composite=plan,
    )


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…")) else text + "."


def _annotations(inner: tuple[Tool, ...]) -> Annotations:
    rows = [row.annotations for row in inner]
    return Annotations(
        read_only=all(row.read_only for row in rows),
        destructive=any(row.destructive for row in rows),
        # What a second run does follows what the first one changed, unless nothing is.
        idempotent=all(row.idempotent for row in rows) and (len(rows) == 1 or all(row.read_only for row in rows)),
        open_world=any(row.open_world for row in rows),
    )


_HOW: Final[Mapping[str, Callable[[CompositePlan], str]]] = {
    "chain": lambda plan: f"Calls {', then '.join(row.tool for row in plan.steps)}.",
    "for-each": lambda plan: f"Calls {plan.steps[0].tool}, then {plan.steps[1].tool} for each item; {plan.most.calls} calls at most.",
    "paginate": lambda plan: f"Calls {plan.steps[0].tool} page after page; {plan.most.calls} calls at most.",
}
_ANSWERS: Final = {
    "chain": "data: the last answer; calls: what was called.",
    "for-each": "data: a list of the answers; calls: what was called.",
    "paginate": "data: a list of the items of all pages; calls: what was called.",
}
