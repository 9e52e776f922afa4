"""The closed language of `verify.yaml`, judged: a table of questions over what a path leads to in an answer.

Promises: a path that leads nowhere fails everything but `exists: false` and a count; all that it leads to has to fit; what is told of a failure
names the question and the place and, of the answer, only kinds and numbers: an answer may hold what no report should.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import jsonschema_rs

from caskmcp.analyze.verify.answers import NOTHING, Answered
from caskmcp.errors import CaskError
from caskmcp.model.verification import KEPT, Assertion, Count, steps

Kept = Mapping[str, Any]


def failed(asserted: Assertion, answer: Answered, kept: Kept | None = None) -> str:
    """Why an answer does not show what is asserted; empty where it does. kept: values of earlier steps."""
    if asserted.asks == "status":
        return "" if answer.status in asserted.status else f"status {answer.status}, wanted {' or '.join(map(str, asserted.status))}"
    if answer.body is NOTHING:
        return "the answer is no JSON"
    found = select(answer.body, asserted.path)
    wanted = resolved(asserted.value, kept or {})
    problem = _SETS[asserted.asks](found, wanted) if asserted.asks in _SETS else _each(asserted.asks, found, wanted)
    return f"{asserted.path}: {problem}" if problem else ""


def select(body: Any, path: str) -> list[Any]:
    """What a path leads to, in the order of the document."""
    found = [body]
    for step in steps(path):
        found = [item for value in found for item in _below(value, step)]
    return found


def _below(value: Any, step: str | int | None) -> Sequence[Any]:
    if step is None:
        return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else ()
    if isinstance(step, str):
        return [value[step]] if isinstance(value, dict) and step in value else ()
    return [value[step]] if isinstance(value, list) and -len(value) <= step < len(value) else ()


def resolved(value: Any, kept: Kept) -> Any:
    """The value with each `{kept: NAME}` replaced by what was kept under it."""
    if isinstance(value, dict):
        if value.keys() == {KEPT} and value[KEPT] in kept:
            return kept[value[KEPT]]
        return {name: resolved(item, kept) for name, item in value.items()}
    return [resolved(item, kept) for item in value] if isinstance(value, list | tuple) else value


def equal(one: Any, other: Any) -> bool:
    """Whether two values are equal as JSON: numbers by value, and a truth value is no number."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(equal(one[name], other[name]) for name in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(equal, one, other))
    return bool(one == other)


# ---------------------------------------------------------------- questions about all that was found
def _exists(found: Sequence[Any], wanted: bool) -> str:
    return "" if bool(found) == wanted else "is not there" if wanted else "is there"


def _count(found: Sequence[Any], wanted: Count) -> str:
    number = len(found[0]) if len(found) == 1 and isinstance(found[0], list) else len(found)
    return "" if wanted.fits(number) else f"{number} found, wanted {_range(wanted)}"


def _range(wanted: Count) -> str:
    low = f"at least {wanted.at_least}" if wanted.at_least else ""
    high = f"at most {wanted.at_most}" if wanted.at_most is not None else ""
    return " and ".join(filter(None, (low, high))) or "any number"


_SETS: Final[Mapping[str, Callable[[Sequence[Any], Any], str]]] = {"exists": _exists, "count": _count}


# ---------------------------------------------------------------- questions about each value
def _each(asks: str, found: Sequence[Any], wanted: Any) -> str:
    if not found:
        return "is not there"
    return next((problem for value in found if (problem := _VALUES[asks](value, wanted))), "")


def _is(value: Any, wanted: Any) -> str:
    return "" if equal(value, wanted) else f"another {kind(value)} than is wanted"


def _is_not(value: Any, wanted: Any) -> str:
    return "is what it must not be" if equal(value, wanted) else ""


def _one_of(value: Any, wanted: Sequence[Any]) -> str:
    return "" if any(equal(value, item) for item in wanted) else f"a {kind(value)} that is none of the {len(wanted)} allowed"


def _at_least(value: Any, wanted: Any) -> str:
    return _ordered(value, wanted) or ("below the least" if value < wanted else "")


def _at_most(value: Any, wanted: Any) -> str:
    return _ordered(value, wanted) or ("above the most" if value > wanted else "")


def _ordered(value: Any, wanted: Any) -> str:
    same = kind(value) in ("number", "text") and kind(value) == kind(wanted)
    return "" if same else f"a {kind(value)} cannot be compared with a {kind(wanted)}"


def _schema(value: Any, wanted: Mapping[str, Any]) -> str:
    error = next(iter(compiled(wanted).iter_errors(value)), None)
    return f"does not fit the schema: {error.kind.name}" if error else ""


_VALUES: Final[Mapping[str, Callable[[Any, Any], str]]] = {
    "is": _is,
    "is_not": _is_not,
    "one_of": _one_of,
    "at_least": _at_least,
    "at_most": _at_most,
    "schema": _schema,
}


def kind(value: Any) -> str:
    """What a value is, in a word."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else "truth value"
    return next((name for type_, name in _KINDS if isinstance(value, type_)), "value")


_KINDS: Final[tuple[tuple[Any, str], ...]] = ((int | float, "number"), (str, "text"), (list, "list"), (dict, "object"))


def compiled(schema: Mapping[str, Any], place: str = "verify.yaml") -> jsonschema_rs.Draft202012Validator:
    """The schema, ready to judge. Raises CASK-I004 for what is no JSON Schema, or refers to what is not in it."""
    try:
        return jsonschema_rs.Draft202012Validator(dict(schema), pattern_options=jsonschema_rs.RegexOptions(), offline=True)
    except (ValueError, jsonschema_rs.ReferencingError) as cause:
        what = "this is no JSON Schema, or it refers to something outside itself"
        raise CaskError("CASK-I004", what, place=place, mend="cask verify --help") from cause
