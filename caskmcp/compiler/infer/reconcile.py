"""Where documents and traffic that succeeded say different things of one operation: a literal table of rules, each with the side that is chosen.

A row names the place in words, types and names of fields; no value of anybody stands in it. The surface follows `spec` or `traffic` as the
rule says, or takes what both say. Found are contradictions alone: what traffic happened not to show is none.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from caskmcp import canon
from caskmcp.compiler.infer.documented import Stated, stated
from caskmcp.compiler.infer.evidence import escape, successes
from caskmcp.compiler.infer.schema import is_closed, total
from caskmcp.model.contract import Disagreement
from caskmcp.model.observation import Group, Seen, Shape

Plain = Mapping[str, Any]
Side = Literal["spec", "traffic", "both"]


class Rule(NamedTuple):
    """A row: what is compared, and whom the surface follows."""

    id: str
    side: Side
    why: str


# fmt: off
RULES: Final = (
    #    id                            side       why this side
    Rule("operation-not-seen",         "spec",    "a document states it: it becomes a tool, without evidence from traffic"),
    Rule("operation-not-documented",   "traffic", "traffic shows it: it becomes a tool by what was observed"),
    Rule("documents-differ",           "spec",    "of two documents one is taken, by the digest of its content"),
    Rule("parameter-not-documented",   "traffic", "it was accepted: it is an optional argument"),
    Rule("parameter-required",         "spec",    "a stricter call is taken by both"),
    Rule("parameter-type",             "spec",    "the document says what may be sent; the server may have been lenient"),
    Rule("parameter-enum",             "spec",    "the document says what may be sent; the value may be on its way out"),
    Rule("parameter-format",           "spec",    "the document says what may be sent"),
    Rule("body-required",              "spec",    "a stricter call is taken by both"),
    Rule("body-media-not-documented",  "both",    "each media type has a schema of its own"),
    Rule("body-field-not-documented",  "spec",    "it may be internal: it is no argument until a document states it"),
    Rule("body-field-required",        "spec",    "a stricter call is taken by both"),
    Rule("body-field-type",            "spec",    "the document says what may be sent"),
    Rule("body-field-enum",            "spec",    "the document says what may be sent"),
    Rule("body-field-format",          "spec",    "the document says what may be sent"),
    Rule("status-not-documented",      "both",    "it was answered: it stands beside those of the document"),
    Rule("media-not-documented",       "both",    "it was answered: it stands beside those of the document"),
    Rule("answer-field-not-documented", "spec",   "an answer is open: the field is passed on, and is not promised"),
    Rule("answer-field-required",      "spec",    "the strict schema is compared with, never served"),
    Rule("answer-field-type",          "spec",    "the strict schema is compared with, never served"),
    Rule("answer-field-enum",          "spec",    "the strict schema is compared with, never served"),
    Rule("answer-field-format",        "spec",    "the strict schema is compared with, never served"),
    Rule("auth-not-documented",        "both",    "every way that was seen or stated is a credential, never an argument"),
)
# fmt: on
SIDES: Final[Mapping[str, Side]] = {row.id: row.side for row in RULES}
_FORMATS: Final = frozenset({"uuid", "date-time", "date", "uri", "ipv4"})
"""Formats that are told in traffic without a doubt."""
_DEEPEST: Final = 8


def row(rule: str, place: str, documented: str, observed: str, operation: str = "") -> Disagreement:
    """A row of the report."""
    return Disagreement(operation=operation, rule=rule, place=place, documented=documented, observed=observed, side=SIDES[rule])


def disagreements(group: Group, declared: Sequence[Plain]) -> tuple[Disagreement, ...]:
    """All of an operation that both know, sorted by place; none without both, but for documents that differ."""
    found = [*_between_documents(declared)]
    if group.row is not None and declared:
        found += [*_parameters(group, declared), *_path(group, declared), *_bodies(group, declared), *_answers(group, declared)]
        found += _auth(group, declared)
    unique = {(each.rule, each.place): each for each in found}
    return tuple(unique[key] for key in sorted(unique))


# ---------------------------------------------------------------- documents among themselves
def _between_documents(declared: Sequence[Plain]) -> Iterator[Disagreement]:
    if len(declared) < 2:
        return
    for name, key in (("parameters", ("location", "name")), ("bodies", ("media",)), ("responses", ("status", "media"))):
        variants: dict[tuple[str, ...], set[str]] = {}
        for operation in declared:
            for item in operation.get(name, ()):
                place = tuple(str(item[part]) for part in key)
                variants.setdefault(place, set()).add(canon.digest({"schema": item.get("schema"), "required": bool(item.get("required"))}))
        for place, schemas in variants.items():
            if len(schemas) > 1:
                yield row("documents-differ", f"{_KINDS[name]} {' '.join(filter(None, place))}", f"{len(schemas)} documents", "")


_KINDS: Final = {"parameters": "parameter", "bodies": "body", "responses": "answer"}


# ---------------------------------------------------------------- parameters
def _parameters(group: Group, declared: Sequence[Plain]) -> Iterator[Disagreement]:
    assert group.row is not None
    known = _stated_parameters(declared)
    observed: dict[str, Mapping[str, Seen]] = {"query": group.row.query, "header": group.row.headers}
    for location, seen in observed.items():
        names = (
            {name.lower() for where, name in known if where == location}
            if location == "header"
            else {name for where, name in known if where == location}
        )
        for name, found in seen.items():
            if name not in names and successes(found.statuses):
                yield row("parameter-not-documented", f"{location} {name}", "", _words(found.shape))
    for (location, name), item in known.items():
        if location not in observed:
            continue
        found_here = observed[location].get(name.lower() if location == "header" else name)
        if item.get("required") and successes(group.row.statuses) > successes(found_here.statuses if found_here else {}):
            yield row("parameter-required", f"{location} {name}", "required", "its absence succeeded")
        if found_here is not None:
            yield from _wire(found_here, item, f"{location} {name}")


def _stated_parameters(declared: Sequence[Plain]) -> dict[tuple[str, str], Plain]:
    return {(item["location"], item["name"]): item for operation in reversed(declared) for item in operation.get("parameters", ())}


def _wire(seen: Seen, item: Plain, place: str) -> Iterator[Disagreement]:
    """A parameter's values travel as text: a number may be meant as text, never the other way round."""
    facts = stated(item["schema"])
    if facts.types is not None and "array" in facts.types:
        # `a,b` is one text of a list: only parameters that are repeated show their items.
        facts = stated(facts.items or {}) if seen.repeated else Stated(closed=False)
    kinds = _kinds(seen.shape, wire=True)
    if facts.types is not None and "string" not in facts.types and not _allowed(kinds, facts.types):
        yield row("parameter-type", place, _listed(facts.types), _listed(kinds - facts.types))
    else:
        yield from _texts(seen.shape, facts, "parameter", place)


def _path(group: Group, declared: Sequence[Plain]) -> Iterator[Disagreement]:
    known = _stated_parameters(declared)
    for piece in (piece for segment in group.segments for piece in segment.pieces if piece.name):
        item = known.get(("path", piece.wire))
        classes = frozenset(piece.classes)
        if item is None or not classes:
            continue
        facts = stated(item["schema"])
        if facts.types is not None and facts.types <= {"integer", "number"} and classes != {"integer"}:
            yield row("parameter-type", f"path {piece.wire}", _listed(facts.types), _listed(classes))
        elif facts.format == "uuid" and classes != {"uuid"}:
            yield row("parameter-format", f"path {piece.wire}", "uuid", _listed(classes))


# ---------------------------------------------------------------- bodies and answers
def _bodies(group: Group, declared: Sequence[Plain]) -> Iterator[Disagreement]:
    assert group.row is not None
    known = {item["media"]: item["schema"] for operation in reversed(declared) for item in operation.get("bodies", ())}
    if any(operation.get("body_required") for operation in declared) and successes(group.row.bodiless):
        yield row("body-required", "body", "required", "its absence succeeded")
    for media, seen in group.row.requests.items():
        accepted = seen.shape is not None or seen.unread > 0
        if media and accepted and media not in known:
            yield row("body-media-not-documented", f"body {media}", _listed(known), media)
        elif media in known and seen.shape is not None:
            yield from _shape(seen.shape, stated(known[media]), "body-field", f"body {media} ", "", wire=seen.kind in ("form", "multipart"))


def _answers(group: Group, declared: Sequence[Plain]) -> Iterator[Disagreement]:
    assert group.row is not None
    known: dict[str, dict[str, Any]] = {}
    for operation in reversed(declared):
        for item in operation.get("responses", ()):
            known.setdefault(item["status"], {})[item["media"]] = item.get("schema")
    for status in group.row.statuses:
        if status == "0" or not known:
            continue
        answer = next((known[name] for name in (status, f"{status[0]}XX", "default") if name in known), None)
        if answer is None:
            yield row("status-not-documented", f"answer {status}", _listed(known), status)
            continue
        yield from _answer(group.row.responses.get(status, {}), answer, status)


def _answer(seen: Mapping[str, Any], stated_: Mapping[str, Any], status: str) -> Iterator[Disagreement]:
    for media, found in seen.items():
        if media and media not in stated_:
            yield row("media-not-documented", f"answer {status}", _listed(filter(None, stated_)) or "no content", media)
        elif media and stated_[media] is not None and found.shape is not None:
            yield from _shape(found.shape, stated(stated_[media]), "answer-field", f"answer {status} {media} ", "")


def _shape(
    shape: Shape, facts: Stated, kind: str, place: str, pointer: str, *, wire: bool = False, depth: int = 0
) -> Iterator[Disagreement]:
    """Everything at one place of a body and below it. A place of another type is told once, not field by field."""
    kinds = _kinds(shape, wire=wire)
    if facts.types is not None and not _allowed(kinds, facts.types) and not (wire and "string" in facts.types):
        yield row(f"{kind}-type", f"{place}{pointer or '/'}", _listed(facts.types), _listed(kinds - facts.types))
        return
    yield from _texts(shape, facts, kind, f"{place}{pointer or '/'}")
    if depth > _DEEPEST:
        return
    if shape.items is not None and facts.items is not None:
        yield from _shape(shape.items, stated(facts.items), kind, place, f"{pointer}/*", wire=wire, depth=depth + 1)
    for name, child in shape.properties.items():
        below = f"{pointer}/{escape(name)}"
        if name in facts.fields:
            yield from _shape(child, stated(facts.fields[name]), kind, place, below, wire=wire, depth=depth + 1)
        elif facts.closed:
            yield row(f"{kind}-not-documented", f"{place}{below}", "", _words(child))
    for name in facts.required:
        if shape.objects > (total(shape.properties[name]) if name in shape.properties else shape.map_values is not None and shape.objects):
            yield row(f"{kind}-required", f"{place}{pointer}/{escape(name)}", "required", "absent")


def _texts(shape: Shape, facts: Stated, kind: str, place: str) -> Iterator[Disagreement]:
    if facts.words is not None and is_closed(shape) and not set(shape.values) <= facts.words:
        yield row(f"{kind}-enum", place, "an enum", "a value outside of it")
    elif facts.format in _FORMATS and not shape.redacted and 0 < shape.strings > shape.formats.get(facts.format, 0) + shape.empties:
        yield row(f"{kind}-format", place, facts.format, _listed(name for name in shape.formats if name != facts.format) or "another form")


def _auth(group: Group, declared: Sequence[Plain]) -> Iterator[Disagreement]:
    assert group.row is not None
    known = {way for operation in declared for way in operation.get("auth", ())}
    for way in group.row.auth:
        if way not in known:
            yield row("auth-not-documented", f"auth {way}", _listed(known) or "none", way)


# ---------------------------------------------------------------- words
def _kinds(shape: Shape, *, wire: bool = False) -> frozenset[str]:
    texts = shape.strings - (sum(shape.redacted.values()) if wire else 0)
    counts = {"null": shape.nulls, "boolean": shape.booleans, "integer": shape.integers, "number": shape.numbers, "string": texts}
    counts |= {"array": shape.arrays, "object": shape.objects}
    return frozenset(name for name, count in counts.items() if count)


def _allowed(kinds: frozenset[str], types: frozenset[str]) -> bool:
    return kinds <= types | ({"integer"} if "number" in types else frozenset())


def _words(shape: Shape) -> str:
    return _listed(_kinds(shape))


def _listed(names: Any) -> str:
    return " or ".join(sorted(names))
