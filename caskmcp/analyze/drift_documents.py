"""What documents declare of one operation, before and now; and where traffic of one side is outside of a document of the other.

A document says what it says: there are no odds. Where both sides have a schema at a place, the calculus judges it.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from caskmcp.analyze.drift_shapes import Difference
from caskmcp.calculus.schema import compare
from caskmcp.calculus.verdict import Verdict
from caskmcp.compiler.infer.documented import Stated, stated
from caskmcp.compiler.infer.evidence import escape
from caskmcp.compiler.infer.reconcile import disagreements
from caskmcp.model.observation import Group
from caskmcp.model.record import JsonSchema

Plain = Mapping[str, Any]
DEEPEST: Final = 8
"""Levels of a schema that are compared field by field; what is below is compared as a whole."""
CONTRADICTIONS: Final = frozenset(
    {"parameter-type", "body-field-type", "answer-field-type", "answer-field-required", "answer-field-format"}
)
"""Rules of reconciliation that one exchange is enough for."""
_REQUEST: Final = {Verdict.NARROWS: "request-narrowed", Verdict.BROADENS: "request-widened"}
_ANSWER: Final = {Verdict.NARROWS: "answer-narrowed", Verdict.BROADENS: "answer-widened", Verdict.INCOMPARABLE: "answer-widened"}


def declared(group: Group) -> tuple[Plain, ...]:
    """What documents say of an operation that we did not compile ourselves."""
    return tuple(item for item in group.declared if not item.get("compiled"))


def differences(old: Group, new: Group) -> Iterator[Difference]:
    """Everything that a document says differently, or that traffic contradicts in it."""
    before, after = declared(old), declared(new)
    if before and after:
        yield from _operation(before[0], after[0])
    elif before and new.row is not None and old.row is None:
        yield from _contradicted(new.model_copy(update={"declared": before}), before, old)
    elif after and old.row is not None:
        yield from _contradicted(old.model_copy(update={"declared": after}), after, old)


def _contradicted(graft: Group, document: tuple[Plain, ...], known: Group) -> Iterator[Difference]:
    told = {(row.rule, row.place) for row in disagreements(known, known.declared)}
    for row in disagreements(graft, document):
        if row.rule in CONTRADICTIONS and (row.rule, row.place) not in told:
            yield Difference("document-disagrees", row.place, row.documented, row.observed)


def _operation(old: Plain, new: Plain) -> Iterator[Difference]:
    if new.get("deprecated") and not old.get("deprecated"):
        yield Difference("endpoint-deprecated", "operation", "current", "deprecated")
    if sorted(old.get("auth", ())) != sorted(new.get("auth", ())):
        yield Difference(
            "auth-changed", "auth", ", ".join(sorted(old.get("auth", ()))) or "none", ", ".join(sorted(new.get("auth", ()))) or "none"
        )
    yield from _parameters(old, new)
    yield from _bodies(old, new)
    yield from _answers(old, new)


# ---------------------------------------------------------------- requests
def _parameters(old: Plain, new: Plain) -> Iterator[Difference]:
    before, after = ({(item["location"], item["name"]): item for item in side.get("parameters", ())} for side in (old, new))
    for key in sorted(before.keys() | after.keys()):
        place, one, other = " ".join(key), before.get(key), after.get(key)
        if other is None:
            yield Difference("parameter-removed", place, "documented", "absent")
        elif one is None:
            yield Difference("parameter-required" if other.get("required") else "parameter-added", place, "absent", "documented")
        else:
            yield from _parameter(one, other, place)


def _parameter(old: Plain, new: Plain, place: str) -> Iterator[Difference]:
    if new.get("required") and not old.get("required"):
        yield Difference("parameter-required", place, "optional", "required")
    elif old.get("required") and not new.get("required"):
        yield Difference("request-widened", place, "required", "optional")
    yield from _asked(old["schema"], new["schema"], place, "parameter-type")


def _asked(old: JsonSchema, new: JsonSchema, place: str, otherwise: str) -> Iterator[Difference]:
    verdict = compare(old, new)
    if verdict is not Verdict.EQUAL:
        yield Difference(_REQUEST.get(verdict, otherwise), place, _said(old), _said(new), None, (old, new))


def _bodies(old: Plain, new: Plain) -> Iterator[Difference]:
    before, after = ({item["media"]: item["schema"] for item in side.get("bodies", ())} for side in (old, new))
    if before and before.keys() - after.keys():
        yield Difference("body-media-changed", "body", ", ".join(sorted(before)), ", ".join(sorted(after)) or "none")
    for media in sorted(before.keys() & after.keys()):
        yield from _sent(before[media], after[media], "", DEEPEST)
    if new.get("body_required") and not old.get("body_required") and before:
        yield Difference("request-narrowed", "body", "optional", "required")


def _sent(old: JsonSchema, new: JsonSchema, pointer: str, depth: int) -> Iterator[Difference]:
    one, other = stated(old), stated(new)
    place = f"body {pointer}".rstrip()
    if not depth or not (one.fields and other.fields) or one.types != other.types:
        if one.items is not None and other.items is not None and depth and one.types == other.types == frozenset({"array"}):
            yield from _sent(one.items, other.items, f"{pointer}/*", depth - 1)
        else:
            yield from _asked(old, new, place, "body-field-type")
        return
    for name in sorted(one.fields.keys() | other.fields.keys()):
        yield from _sent_field(name, one, other, f"{pointer}/{escape(name)}", depth)


def _sent_field(name: str, old: Stated, new: Stated, pointer: str, depth: int) -> Iterator[Difference]:
    place, needed = f"body {pointer}", name in new.required and name not in old.required
    if name not in new.fields:
        yield Difference("body-field-removed", place, "documented", "absent")
    elif needed:
        yield Difference("body-field-required", place, "optional" if name in old.fields else "absent", "required")
    elif name not in old.fields:
        yield Difference("body-field-added", place, "absent", "documented")
    if name in old.fields and name in new.fields:
        yield from _sent(old.fields[name], new.fields[name], pointer, depth - 1)


# ---------------------------------------------------------------- answers
def _answers(old: Plain, new: Plain) -> Iterator[Difference]:
    before, after = (
        {(item["status"], item["media"]): item.get("schema") for item in side.get("responses", ()) if item["status"].startswith("2")}
        for side in (old, new)
    )
    statuses, now = ({status for status, _ in side} for side in (before, after))
    if statuses and now and statuses - now:
        yield Difference("status-changed", "status", ", ".join(sorted(statuses)), ", ".join(sorted(now)))
    for status in sorted(statuses & now):
        media, others = ({name for where, name in side if where == status} for side in (before, after))
        if media - others:
            yield Difference("media-changed", f"answer {status}", ", ".join(sorted(media)), ", ".join(sorted(others)))
        for name in sorted(media & others):
            one, other = before[status, name], after[status, name]
            if one is not None and other is not None:
                yield from _answered(one, other, f"answer {status}", "", DEEPEST)


def _answered(old: JsonSchema, new: JsonSchema, place: str, pointer: str, depth: int) -> Iterator[Difference]:
    """A place of an answer and what is below it; what is told more exactly is not told again as a whole."""
    one, other = stated(old), stated(new)
    where = f"{place} {pointer}".rstrip()
    found = [*_kinds(one, other, where, (old, new))]
    if not found and depth:
        if one.fields and other.fields:
            for name in sorted(one.fields.keys() | other.fields.keys()):
                found += _field(name, one, other, place, f"{pointer}/{escape(name)}", depth)
        if one.items is not None and other.items is not None:
            found += _answered(one.items, other.items, place, f"{pointer}/*", depth - 1)
    has_parts = one.fields or other.fields or one.items is not None or other.items is not None
    if not found and not (depth and has_parts):
        verdict = compare(old, new)
        if verdict is not Verdict.EQUAL:
            found.append(Difference(_ANSWER[verdict], where, _said(old), _said(new), None, (old, new)))
    yield from found


def _kinds(old: Stated, new: Stated, where: str, schemas: tuple[JsonSchema, JsonSchema]) -> Iterator[Difference]:
    """Types, forms and words of one place."""
    if old.types is not None and (
        fresh := (new.types or frozenset({"anything"})) - old.types - _IMPLIED.get("number" in old.types, frozenset())
    ):
        kind = "field-nullable" if fresh == {"null"} else "field-type"
        yield Difference(kind, where, _listed(old.types), _listed(new.types or {"anything"}), None, schemas)
    elif old.format and old.format != new.format:
        yield Difference("field-format", where, old.format, new.format or "any text", None, schemas)
    elif old.words is not None and new.words is not None and (words := new.words - old.words):
        yield Difference("enum-grown", where, _listed(old.words), _listed(words), None, schemas)


_IMPLIED: Final = {True: frozenset({"integer"})}
"""Every integer is a number."""


def _field(name: str, old: Stated, new: Stated, place: str, pointer: str, depth: int) -> Iterator[Difference]:
    where = f"{place} {pointer}"
    if name not in new.fields:
        yield Difference("field-removed", where, "documented", "absent")
    elif name not in old.fields:
        yield Difference("field-added", where, "absent", "documented")
    else:
        if name in old.required and name not in new.required:
            schemas: tuple[JsonSchema, JsonSchema] = ({"type": "object", "required": [name]}, {"type": "object"})
            yield Difference("field-optional", where, "required", "optional", None, schemas)
        yield from _answered(old.fields[name], new.fields[name], place, pointer, depth - 1)


def _listed(names: Any) -> str:
    return ", ".join(sorted(names))


def _said(schema: JsonSchema) -> str:
    """A schema in a few words: its type and what bounds it."""
    return ", ".join(f"{key} {value}" for key, value in sorted(schema.items()) if not isinstance(value, dict | list))[:80] or "a schema"
