"""Containment of JSON Schemas: the one module that knows jsonschema-rs' canonical form, which its authors call experimental.

The answer YES is believed only where the schemas stay within what is known to be decided rightly (`_beyond`, ADR 0025) and no value among those
that are tried refutes it. NO and UNKNOWN both mean "not contained", and what is not known broadens.
"""

from typing import Any, Final, NamedTuple

import jsonschema_rs

from caskmcp import canon
from caskmcp.calculus import keywords
from caskmcp.calculus.samples import between
from caskmcp.calculus.verdict import Verdict, contained, same, told
from caskmcp.model.record import JsonSchema

LARGEST: Final = 200_000
"""Bytes of a schema that is compared; nothing is known of a larger one."""
MOST_VALUES: Final = 2_000
"""Values of a vocabulary: the library compares each with each."""
MOST_TURNS: Final = 3
"""`not` and `if` in one schema: with more of them the library takes seconds, to answer that it does not know."""
MOST_BRANCHES: Final = 8
"""Schemas of one `allOf`, for the same reason."""
_ANSWERS: Final = {
    jsonschema_rs.canonical.Containment.YES: True,
    jsonschema_rs.canonical.Containment.NO: False,
}


class Compared(NamedTuple):
    """How two schemas stand, with a value that only the new one accepts."""

    verdict: Verdict
    witness: str = ""


def compare(old: JsonSchema, new: JsonSchema) -> Verdict:
    """How the values that `new` accepts stand to those that `old` accepts. Schemas are draft 2020-12, formats asserted."""
    return weigh(old, new).verdict


def weigh(old: Any, new: Any) -> Compared:
    """As `compare`, with a witness where one is found."""
    before, after = keywords.wordless(old), keywords.wordless(new)
    if same(before, after):
        return Compared(Verdict.EQUAL)
    readers = _reader(before), _reader(after)
    if None in readers:  # a schema that cannot be read is not known to contain anything, nor to be contained
        return Compared(Verdict.BROADENS)
    gained, lost = between(before, after, *readers)
    covers = _covers(before, after), _covers(after, before)
    verdict = contained(False if gained is not None else covers[0], False if lost is not None else covers[1])
    return Compared(verdict, told(gained[0]) if gained is not None else "")


def is_schema(value: Any) -> bool:
    """Whether a value is a schema of an object's kind that can be compiled."""
    return isinstance(value, dict) and _reader(value) is not None


def _reader(schema: Any) -> Any:
    """What decides whether a value is accepted, as the runtime does; None for a schema that cannot be compiled."""
    try:
        return jsonschema_rs.Draft202012Validator(schema, validate_formats=True, pattern_options=jsonschema_rs.RegexOptions(), offline=True)
    except (ValueError, jsonschema_rs.ReferencingError):
        # No schema: the caller takes it as one of which nothing is known.
        return None


def _covers(outer: Any, inner: Any) -> bool | None:
    if _beyond(outer) or _beyond(inner):
        return None
    try:
        return _ANSWERS.get(_canonical(outer).covers(_canonical(inner)))
    except (ValueError, jsonschema_rs.ReferencingError):
        # Beyond what the canonical form can say: nothing is known.
        return None


def _canonical(schema: Any) -> Any:
    return jsonschema_rs.canonicalize(
        schema, draft=jsonschema_rs.Draft202012, validate_formats=True, pattern_options=jsonschema_rs.RegexOptions(), offline=True
    )


def _beyond(schema: Any) -> bool:
    """Whether a schema lies beyond what is compared: too large, too tangled, or with a keyword that gives others another meaning."""
    if len(canon.compact(schema)) > LARGEST:
        return True
    parts = keywords.schemas(schema)
    turns = sum(("not" in part) + ("if" in part) for part in parts)
    longest = (len(part.get(key, ())) - most for part in parts for key, most in (("enum", MOST_VALUES), ("allOf", MOST_BRANCHES)))
    return turns > MOST_TURNS or max(longest, default=0) > 0 or any(not keywords.RESERVED.isdisjoint(part) for part in parts)


def accepts(schema: Any, value: Any) -> bool:
    """Whether a schema is one and accepts a value."""
    found = _reader(schema)
    return found is not None and bool(found.is_valid(value))
