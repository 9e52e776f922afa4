"""Why a schema says what it says: the rules of inference as rows, and which of them hold at one place.

The rules are read off the schema and its counts, where `schema` and `parameters` wrote them: nothing is decided here, so what is
explained cannot differ from what is approved. `parameters` names its own rows in `Parameter.why`.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple

from caskmcp.compiler.infer.schema import FREE

Decides = Literal["required", "optional", "type"]


class Rule(NamedTuple):
    """A row: what it decides, and why it does."""

    id: str
    decides: Decides
    why: str


# fmt: off
RULES: Final = (
    #    id                     decides     why
    Rule("path",               "required", "a path has a value at each of its places"),
    Rule("absence-refused",    "required", "no success lacked it, and its absence was answered 400 or 422"),
    Rule("always-there",       "required", "every object had it: three or more in requests, one or more in answers"),
    Rule("stated-required",    "required", "a document says so"),
    Rule("stated-optional",    "optional", "a document says so"),
    Rule("sometimes-absent",   "optional", "some objects had it and some did not"),
    Rule("few-samples",        "optional", "every object had it, but fewer than three were sent, or always the same: that is no proof of a need"),
    Rule("partial",            "optional", "the body of a PATCH: what it leaves out stays as it is"),
    Rule("free-form",          "optional", "objects under such a name hold whatever people put there"),
    Rule("never-from-traffic", "optional", "outside of path and body, being there is no proof of a need"),
    Rule("collection",         "optional", "a person wrote it down, and nobody answered"),
    Rule("shared",             "optional", "another operation takes it in an object of the same name, which has fields in common with this one"),
    Rule("stated",             "type",     "a document says so"),
    Rule("closed-vocabulary",  "type",     "at most 20 distinct texts, like identifiers, each in three exchanges or more"),
    Rule("format",             "type",     "every text has this format, by the engine that enforces it"),
    Rule("segment-class",      "type",     "every value of this segment is of one class"),
    Rule("not-negative",       "type",     "five distinct numbers or more, and none below zero"),
    Rule("nullable",           "type",     "null was there beside other values"),
    Rule("mixed",              "type",     "values of two kinds were there"),
    Rule("any-value",          "type",     "values of three kinds or more were there, or nothing but null"),
    Rule("keys-are-data",      "type",     "its keys differ from object to object, so they are data and not names of fields"),
    Rule("nothing-inside",     "type",     "it was always empty, so nothing is known of what it may hold"),
    Rule("seen-type",          "type",     "every value was of this type"),
)
# fmt: on
BY_ID: Final[Mapping[str, Rule]] = {row.id: row for row in RULES}


class Above(NamedTuple):
    """What the object says in which a field stands."""

    schema: Mapping[str, Any]
    name: str
    """The key that the object stands at; empty for a root or an item."""
    side: Literal["request", "partial", "response"]


def presence(name: str, above: Above, *, seen: int, total: int, stated: bool, traffic: bool = True) -> str:
    """The rule that made a field required or optional in its object. traffic: whether traffic is among the kinds of source."""
    if name in above.schema.get("required", ()):
        return "stated-required" if stated else "always-there"
    if stated:
        return "stated-optional"
    if not seen and traffic:
        return "shared"
    if above.name.lower() in FREE:
        return "free-form"
    if seen < total or not total:
        return "sometimes-absent"
    return "partial" if above.side == "partial" else "few-samples"


def reasons(schema: Mapping[str, Any], *, stated: bool, segment: bool = False) -> tuple[str, ...]:
    """The rules that gave a place its type, sorted; never empty."""
    if stated:
        return ("stated",)
    return tuple(sorted(set(_reasons(schema, segment)))) or ("seen-type",)


def _reasons(schema: Mapping[str, Any], segment: bool) -> Iterator[str]:
    branches = schema.get("anyOf", [schema])
    kinds = [branch.get("type") for branch in branches]
    if kinds == [None] and "$ref" not in schema:
        yield "any-value"
    if "null" in kinds:
        yield "nullable"
    if len([kind for kind in kinds if kind != "null"]) > 1:
        yield "mixed"
    for branch in branches:
        yield from (rule for word, rule in _WORDS.items() if word in branch)
        if isinstance(branch.get("additionalProperties"), Mapping):
            yield "keys-are-data"
        if branch.get("type") in _HOLDERS and not branch.keys() & _HOLDERS[branch["type"]]:
            yield "nothing-inside"
    if segment and schema.keys() & {"format", "pattern"}:
        yield "segment-class"


_WORDS: Final = {"enum": "closed-vocabulary", "format": "format", "minimum": "not-negative"}
"""Keyword -> the rule that alone writes it."""
_HOLDERS: Final = {"array": {"items"}, "object": {"properties", "additionalProperties"}}
