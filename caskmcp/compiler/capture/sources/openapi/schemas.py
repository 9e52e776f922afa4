"""Schemas of a document as self-contained draft 2020-12: every constraint kept, references as `$defs`, recursion finite.

A schema has a direction: what is `readOnly` leaves requests, what is `writeOnly` leaves responses. Descriptions and examples stay as the
document has them: data, to be cleaned by whoever shows them. How much all schemas together may carry is `carried`'s question.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any, Final

from caskmcp import canon
from caskmcp.compiler.capture.sources.openapi.document import CONVERT, HERE, Spec, is_dialect
from caskmcp.compiler.capture.sources.openapi.keywords import ANNOTATIONS, HOLDS, IN_PLACE, KEYWORDS, REFUSED
from caskmcp.compiler.capture.sources.openapi.node import Node, Path
from caskmcp.compiler.capture.sources.openapi.reach import Reach
from caskmcp.errors import CaskError
from caskmcp.model.record import JsonSchema

_JOINED: Final = ("allOf", "anyOf", "oneOf", "then", "else")
"""Keywords whose schemas describe the same object, so that a name that does not go this way is not required there either."""


MOST: Final = 300_000
"""Definitions that the schemas of parameters may carry in all."""


_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_SECTIONS: Final = ("schemas", "definitions", "$defs")


class Direction(StrEnum):
    """Which way a value goes; the value is the mark of what does not go that way."""

    REQUEST = "readOnly"
    RESPONSE = "writeOnly"


@dataclass(frozen=True)
class Target:
    """A reference to a part of the document, until the names under `$defs` are known."""

    at: Path


@dataclass(frozen=True)
class Part:
    """A schema without what it refers to."""

    root: JsonSchema
    """References lead to `#/$defs/…`, which is not there yet."""
    direction: Direction
    starts: tuple[Path, ...] = ()
    """What it refers to itself."""


class Schemas:
    """The schemas of one document. Converted parts are remembered, since many operations share them."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._names = _component_names(spec)
        self._taken = set(self._names.values())
        self._made: dict[tuple[Path, Direction], JsonSchema | bool] = {}
        self._final: dict[tuple[Path, Direction], JsonSchema | bool] = {}
        self._reach = {direction: Reach(partial(self._following, direction)) for direction in Direction}
        self._sizes: dict[tuple[int | Path, Direction], int] = {}
        self._marked: dict[tuple[Path, Direction], frozenset[str]] = {}
        self._carried = 0
        self._sound: set[tuple[Path, Direction]] = set()

    def standalone(self, node: Node, direction: Direction) -> JsonSchema:
        """The schema with all that it refers to under `$defs`. Raises CASK-C002 for a schema that breaks a rule, CASK-C005 beyond `MOST`."""
        part = self.part(node, direction)
        self._carried += self.count(part)
        if self._carried > MOST:
            what = f"the schemas of parameters, each with all that it refers to, hold more than {MOST:,} definitions"
            raise CaskError("CASK-C005", what, mend="split the document")
        return self.completed(part)

    def part(self, node: Node, direction: Direction) -> Part:
        """The schema without what it refers to. Raises CASK-C002 for a schema that breaks a rule, or leads to one that does."""
        root = _as_object(self._inlined(node, direction))
        starts = tuple(dict.fromkeys(target.at for target in _targets(root)))
        self._reach[direction].of(starts)
        return Part(self._renamed(root), direction, starts)

    def check(self, node: Node) -> None:
        """Read a named schema both ways for its errors, and those of all that it leads to."""
        for direction in Direction:
            self._reach[direction].of([node.at])

    def count(self, part: Part) -> int:
        """Definitions that a schema leads to."""
        return self._reach[part.direction].of(part.starts).bit_count()

    def size(self, part: Part) -> int:
        """Bytes of the schema with all that it refers to, as compact JSON."""
        bits = self._reach[part.direction].of(part.starts)
        if (bits, part.direction) not in self._sizes:
            sizes = (self.size_of(at, part.direction) for at in self._reach[part.direction].places(bits))
            self._sizes[bits, part.direction] = sum(sizes)
        return self.own_size(part) + self._sizes[bits, part.direction]

    def own_size(self, part: Part) -> int:
        """Bytes of the schema without what it refers to, as compact JSON."""
        return len(canon.compact(part.root))

    def size_of(self, at: Path, direction: Direction) -> int:
        """Bytes of a definition with its name, as compact JSON."""
        if (at, direction) not in self._sizes:
            self._sizes[at, direction] = len(canon.compact({self.name(at): self.definition(at, direction)}))
        return self._sizes[at, direction]

    def nearest(self, part: Part) -> Iterator[Path]:
        """The places that a schema leads to, the nearest first."""
        seen, layer = set(part.starts), part.starts
        while layer:
            yield from layer
            following = dict.fromkeys(after for at in layer for after in self._following(part.direction, at) if after not in seen)
            seen |= following.keys()
            layer = tuple(following)

    def completed(self, part: Part) -> JsonSchema:
        """The schema with all that it refers to under `$defs`. Definitions are shared by all schemas that reach them."""
        reach = self._reach[part.direction]
        names = sorted((self.name(at), at) for at in reach.places(reach.of(part.starts)))
        return {**part.root, "$defs": {name: self.definition(at, part.direction) for name, at in names}} if names else part.root

    # ------------------------------------------------------------ references
    def _inlined(self, node: Node, direction: Direction) -> JsonSchema | bool:
        """The schema; where it is a reference and nothing else, what that leads to, so that a root shows its type."""
        converted = self._convert(node, direction)
        while isinstance(converted, dict) and isinstance(target := converted.get("$ref"), Target):
            if not set(converted) <= {"$ref", *ANNOTATIONS}:
                return {"allOf": [{"$ref": target}], **{key: value for key, value in converted.items() if key != "$ref"}}
            inner = _as_object(self._at(target, direction))
            converted = {**inner, **{key: value for key, value in converted.items() if key != "$ref"}}
        return converted

    def _at(self, target: Target, direction: Direction) -> JsonSchema | bool:
        key = (target.at, direction)
        if key not in self._made:
            self._made[key] = self._convert(self._spec.node(target.at), direction)
        return self._made[key]

    def _following(self, direction: Direction, at: Path) -> tuple[Path, ...]:
        """What a place refers to itself. Raises CASK-C002 for a schema that holds itself at the same place."""
        self._refuse_endless(Target(at), direction)
        return tuple(dict.fromkeys(target.at for target in _targets(self._at(Target(at), direction))))

    def _refuse_endless(self, start: Target, direction: Direction) -> None:
        """Refuse recursion that consumes nothing of the value: no validator would come to an end."""
        if (start.at, direction) in self._sound:
            return
        trail: list[tuple[Path, Iterator[Target]]] = [(start.at, _in_place(self._at(start, direction)))]
        above = {start.at}
        while trail:
            at, rest = trail[-1]
            following = next(rest, None)
            if following is None:
                self._sound.add((at, direction))
                above.discard(at)
                trail.pop()
            elif following.at in above:
                raise self._spec.refuse(following.at, "a schema holds itself at the same place, so that no value can be checked")
            elif (following.at, direction) not in self._sound:
                above.add(following.at)
                trail.append((following.at, _in_place(self._at(following, direction))))

    # ------------------------------------------------------------ $defs
    def name(self, at: Path) -> str:
        """The name under `$defs`: a component's own, else its place; different for different places of the document."""
        if at not in self._names:
            self._names[at] = _free(_own_name(at), self._taken)
            self._taken.add(self._names[at])
        return self._names[at]

    def definition(self, at: Path, direction: Direction) -> JsonSchema | bool:
        """What stands under `$defs` for a place that a schema reached."""
        if (at, direction) not in self._final:
            self._final[at, direction] = self._renamed(self._made[at, direction])
        return self._final[at, direction]

    def _renamed(self, value: Any) -> Any:
        if isinstance(value, Target):
            return f"#/$defs/{self.name(value.at)}"
        if isinstance(value, dict):
            return {key: self._renamed(child) for key, child in value.items()}
        return [self._renamed(child) for child in value] if isinstance(value, list) else value

    # ------------------------------------------------------------ one schema
    def _convert(self, node: Node, direction: Direction, hidden: frozenset[str] = frozenset()) -> JsonSchema | bool:
        if isinstance(node.value, bool):
            return node.value
        raw = node.object("a schema")
        if isinstance(raw.get("$ref"), str):
            return self._reference(node, direction, hidden)
        if not node.spec.is_old and not is_dialect(raw.get("$schema", _DIALECT)):
            raise node.child("$schema").refuse("the schema dialect of `$schema` is not supported", mend=CONVERT)
        marked = _marked_names(node, direction, self._marked)
        if not hidden and len(node.at) > 2 and node.at[:-1] == self._spec.schemas_at:
            self._marked[node.at, direction] = marked
        hidden |= marked
        single = _only_part(node)
        out = {**_as_object(self._convert(single, direction, hidden))} if single is not None else {}
        for key, child in node.fields("a schema"):
            if key in REFUSED:
                raise child.refuse(f"`{key}` cannot be read: {REFUSED[key]}")
            if key in KEYWORDS and not (key == "allOf" and single is not None):
                out[key] = self._keyword(key, child, direction, hidden)
        return self._mended(out, node)

    def _reference(self, node: Node, direction: Direction, hidden: frozenset[str]) -> JsonSchema:
        target = node.spec.target(node.value["$ref"], (*node.at, "$ref"))
        node.followed()
        if node.spec.is_old:  # 3.0.3 section "Reference Object": what stands beside a reference is ignored
            return {"$ref": Target(target.at)}
        beside = Node(node.spec, {key: value for key, value in node.value.items() if key != "$ref"}, node.at)
        return {"$ref": Target(target.at), **_as_object(self._convert(beside, direction, hidden))}

    def _keyword(self, key: str, child: Node, direction: Direction, hidden: frozenset[str]) -> Any:
        holds = KEYWORDS[key]
        below = hidden if key in _JOINED else frozenset()
        if holds == "schema":
            return self._convert(child, direction, below)
        if holds == "schemas":
            return [self._convert(item, direction, below) for item in child.items(f"`{key}`")]
        if holds == "map":
            named = {name: child.child(name) for name in child.object(f"`{key}`")}
            return {name: self._convert(item, direction) for name, item in named.items() if key != "properties" or name not in hidden}
        accepts, expected = HOLDS["text" if key == "discriminator" and child.spec.version == "2.0" else holds]
        if not accepts(child.value) or (key.startswith("exclusive") and isinstance(child.value, bool) and not child.spec.is_old):
            raise child.refuse(f"`{key}`: expected {expected}")
        if key == "type" and child.spec.is_old and not isinstance(child.value, str):
            raise child.refuse("`type`: expected one type; a list of types needs OpenAPI 3.1")
        if holds == "discriminator":
            return _discriminator(child)
        if key == "dependentRequired":
            shown = {name: names for name, names in child.value.items() if name not in hidden}
            return {name: [each for each in names if each not in hidden] for name, names in shown.items()}
        return [name for name in child.value if name not in hidden] if key == "required" else child.value

    def _mended(self, out: JsonSchema, node: Node) -> JsonSchema:
        """What 3.0 writes in another way, and what became empty."""
        for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
            if isinstance(out.get(exclusive), bool) and out.pop(exclusive) and bound in out:
                out[exclusive] = out.pop(bound)
        if "example" in out:
            example = out.pop("example")
            out["examples"] = [example, *(value for value in out.get("examples", ()) if value != example)]
        if out.get("required") == []:
            del out["required"]
        nullable = bool(out.pop("nullable", False)) or (node.spec.version == "2.0" and node.value.get("x-nullable") is True)
        return _or_null(out) if nullable and node.spec.is_old else out


# ---------------------------------------------------------------- readOnly and writeOnly
def _marked_names(node: Node, direction: Direction, known: dict[tuple[Path, Direction], frozenset[str]]) -> frozenset[str]:
    """Names of properties that do not go this way, of the schema and of all parts that say `allOf` with it. known: those of places seen before."""
    found: set[str] = set()
    seen: set[Path] = set()
    waiting = [node]
    while waiting:
        part = waiting.pop().followed()
        if part.at in seen or not isinstance(part.value, dict):
            continue
        seen.add(part.at)
        if (part.at, direction) in known:
            found |= known[part.at, direction]
            continue
        properties = part.value.get("properties")
        names = properties if isinstance(properties, dict) else {}
        below = Node(part.spec, names, (*part.at, "properties"))
        found.update(name for name in names if _is_marked(below.child(name), direction))
        waiting.extend(_all_of(part))
    return frozenset(found)


def _is_marked(node: Node, direction: Direction) -> bool:
    """Whether a property, what it refers to, or a part of it carries the mark of the direction."""
    seen: set[Path] = set()
    waiting = [node]
    while waiting:
        part = waiting.pop()
        if part.at in seen or not isinstance(part.value, dict):
            continue
        seen.add(part.at)
        refers = isinstance(part.value.get("$ref"), str)
        if part.value.get(direction.value) is True and not (refers and part.spec.is_old):
            return True
        waiting.extend([part.followed()] if refers else _all_of(part))
    return False


def _all_of(node: Node) -> list[Node]:
    parts = node.value.get("allOf")
    return [Node(node.spec, part, (*node.at, "allOf", index)) for index, part in enumerate(parts)] if isinstance(parts, list) else []


# ---------------------------------------------------------------- forms
def _only_part(node: Node) -> Node | None:
    """The one part of an `allOf` that only carries annotations beside it: how 3.0 puts a description on a reference."""
    beside = {key for key in node.value if not key.startswith("x-")} - {"allOf", "nullable", "example", *ANNOTATIONS}
    parts = _all_of(node)
    return parts[0] if len(parts) == 1 and not beside else None


def _or_null(schema: JsonSchema) -> JsonSchema:
    """3.0's `nullable`: the schema or null, annotations outside."""
    outside: JsonSchema = {key: schema.pop(key) for key in ANNOTATIONS if key in schema}
    if isinstance(schema.get("enum"), list):
        schema["enum"] = [value for value in schema["enum"] if value is not None]
    if not schema:
        return outside
    if schema.get("enum") == []:
        return {"type": "null", **outside}
    options = [part for part in schema["anyOf"] if part != {"type": "null"}] if set(schema) == {"anyOf"} else [schema]
    return {"anyOf": [*options, {"type": "null"}], **outside}


def _discriminator(node: Node) -> JsonSchema:
    """The discriminator with what it maps to as references. A plain name means the schema of that name (3.1 section 4.8.25)."""
    if isinstance(node.value, str):  # 2.0
        return {"propertyName": node.value}
    out: JsonSchema = {"propertyName": node.value["propertyName"]}
    if (mapping := node.get("mapping")) is not None:
        rows = {key: mapping.child(key) for key in mapping.object("`mapping`")}
        out["mapping"] = {key: _mapped(row, row.string("an entry of `mapping`")) for key, row in rows.items()}
    if (default := node.get("defaultMapping")) is not None:
        out["defaultMapping"] = _mapped(default, default.string("`defaultMapping`"))
    return out


def _mapped(node: Node, name: str) -> Target:
    named = (node.spec.value.get("components") or {}).get("schemas") or {}
    if not re.fullmatch(r"[A-Za-z0-9._-]+", name) or ("." in name and name not in named):
        return Target(node.spec.target(name, node.at).at)
    if name not in named:
        raise node.refuse(f"the reference `#/components/schemas/{name}` leads to nothing")
    return Target((*node.spec.schemas_at, name))


def _as_object(schema: JsonSchema | bool) -> JsonSchema:
    return schema if isinstance(schema, dict) else {} if schema else {"not": {}}


# ---------------------------------------------------------------- targets
def _targets(value: Any) -> Iterator[Target]:
    if isinstance(value, Target):
        yield value
    elif isinstance(value, dict | list):
        for child in value.values() if isinstance(value, dict) else value:
            yield from _targets(child)


def _in_place(schema: JsonSchema | bool) -> Iterator[Target]:
    """References that look at the same value as the schema itself."""
    if not isinstance(schema, dict):
        return
    if isinstance(target := schema.get("$ref"), Target):
        yield target
    for key in IN_PLACE:
        held = schema.get(key, ())
        parts = held if isinstance(held, list) else held.values() if key == "dependentSchemas" and isinstance(held, dict) else (held,)
        for part in parts:
            yield from _in_place(part)


_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_.-]")


def _component_names(spec: Spec) -> dict[Path, str]:
    section: Any = spec.value
    for step in spec.schemas_at:
        section = section.get(step) if isinstance(section, dict) else None
    names: dict[Path, str] = {}
    taken: set[str] = set()
    for own in sorted(section if isinstance(section, dict) else ()):
        names[*spec.schemas_at, own] = name = _free(own, taken)
        taken.add(name)
    return names


def _own_name(at: Path) -> str:
    """The name of a named schema of another file, or the file's; else all steps to the place."""
    steps = [str(step).removeprefix(HERE) for step in at]
    if len(at) == 1 or (len(at) > 2 and at[-2] in _SECTIONS and steps[0] != at[0]):
        return re.sub(r"\.(json|ya?ml)$", "", steps[-1].rpartition("/")[2] if len(at) == 1 else steps[-1], flags=re.IGNORECASE)
    return "_".join(steps)


def _free(wanted: str, taken: set[str]) -> str:
    base = _UNSAFE.sub("_", wanted) or "_"
    name, number = base, 2
    while name in taken:
        name, number = f"{base}_{number}", number + 1
    return name
