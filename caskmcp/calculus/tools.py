"""Compare two served records (`model/served.py`): a literal table of areas, each with the function that judges it."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from caskmcp.calculus.schema import compare as compare_schemas
from caskmcp.calculus.verdict import Change, Verdict, contained, together
from caskmcp.model.tool import TIERS

Served = Mapping[str, Any]
Judge = Callable[[Any, Any], Verdict]


def _pinned(old: Any, new: Any) -> Verdict:
    """Another value is another place: neither contains the other."""
    return Verdict.EQUAL if old == new else Verdict.INCOMPARABLE


def _wording(old: Any, new: Any) -> Verdict:
    """Words change no language; a person reads them again all the same, since they are part of what is signed."""
    return Verdict.EQUAL


def _inputs(old: Any, new: Any) -> Verdict:
    return compare_schemas(old, new)


def _rows(old: Any, new: Any) -> Verdict:
    """Rows of argument -> wire name: fewer is narrower, more is broader, a changed row is both."""
    before, after = _as_set(old), _as_set(new)
    return contained(after <= before, before <= after)


def _as_set(rows: Any) -> frozenset[str]:
    return frozenset(repr(sorted(row.items())) if isinstance(row, Mapping) else repr(row) for row in rows or ())


def _at_most(old: Any, new: Any) -> Verdict:
    return contained(new <= old, old <= new)


def _tier(old: Any, new: Any) -> Verdict:
    """A lower tier asks less of a caller, so it broadens."""
    return contained(TIERS.index(new) >= TIERS.index(old), TIERS.index(old) >= TIERS.index(new))


STRICTNESS: Final = {"allow": 0, "confirm": 1, "deny": 2}


def _policy(old: Any, new: Any) -> Verdict:
    """The first rule that matches decides, so the first rules are compared; no rule means deny."""
    before, after = (STRICTNESS[rows[0]["effect"]] if rows else STRICTNESS["deny"] for rows in (old, new))
    return contained(after >= before, before >= after)


def _body(old: Any, new: Any) -> Verdict:
    if old == new:
        return Verdict.EQUAL
    if old is None or new is None:
        return Verdict.BROADENS if old is None else Verdict.NARROWS
    # Approved content may be older than constants; without any, there is no key for them. Other constants ask for something else.
    if any(old.get(key) != new.get(key) for key in ("media", "kind", "argument", "constants", "within")):
        return Verdict.INCOMPARABLE
    required = contained(new["required"] >= old["required"], old["required"] >= new["required"])
    return together((_rows(old["fields"], new["fields"]), required))


class Area(NamedTuple):
    """One part of a tool's language."""

    name: str
    places: tuple[str, ...]
    """Dotted places in the served record."""
    judge: Judge
    says: str
    """What a change of it means, for the reader."""


# fmt: off
AREAS: Final = (
    Area("method",      ("request.method",),                              _pinned,  "the request's method changed"),
    Area("host",        ("request.scheme", "request.host", "request.port"), _pinned, "requests go to another place"),
    Area("path",        ("request.segments",),                            _pinned,  "the request's path changed"),
    Area("query",       ("request.query",),                               _rows,    "other query parameters can be sent"),
    Area("header",      ("request.headers", "request.accept"),            _rows,    "other headers can be sent"),
    Area("constant",    ("request.constants",),                           _pinned,  "something else is asked for"),
    Area("composite",   ("composite",),                                   _pinned,  "other tools are called, or with other arguments"),
    Area("cookie",      ("request.cookies",),                             _rows,    "other cookies can be sent"),
    Area("body",        ("request.body",),                                _body,    "other bodies can be sent"),
    Area("input",       ("input_schema",),                                _inputs,  "other arguments are accepted"),
    Area("effect",      ("effect",),                                      _pinned,  "its effect is classified differently"),
    Area("risk",        ("risk",),                                        _tier,    "its risk tier changed"),
    Area("policy",      ("policy",),                                      _policy,  "the policy treats it differently"),
    Area("toolset",     ("toolsets",),                                    _rows,    "its toolsets changed"),
    Area("response",    ("response.max_bytes",),                          _at_most, "answers may have another size"),
    Area("envelope",    ("response.envelope",),                           _pinned,  "answers are read in another way"),
    Area("scope",       ("scope", "boundary"),                                       _pinned,  "it belongs to another scope"),
    Area("annotations", ("annotations",),                                 _wording, "its hints for clients changed"),
    Area("output",      ("output_schema", "response.media", "response.expected"), _wording, "the description of its answers changed"),
    Area("wording",     ("name", "title", "description", "reasons", "traits", "schema"), _wording, "its wording changed"),
)
# fmt: on


def compare(old: Served, new: Served) -> tuple[Change, ...]:
    """Every difference between two served records, in the table's order; none if they are equal."""
    return tuple(change for area in AREAS for change in _changes(area, old, new))


def verdict(changes: tuple[Change, ...]) -> Verdict:
    """The verdict of all changes together."""
    return together(change.verdict for change in changes)


def _changes(area: Area, old: Served, new: Served) -> Iterator[Change]:
    for place in area.places:
        before, after = _at(old, place), _at(new, place)
        if before != after:
            yield Change(area.name, place, area.judge(*_comparable(area, before, after)), area.says)


def _comparable(area: Area, before: Any, after: Any) -> tuple[Any, Any]:
    """A single text among rows (`accept`) counts as one row."""
    if area.judge is _rows:
        return tuple([item] if isinstance(item, str) else item for item in (before, after))  # type: ignore[return-value]
    return before, after


def _at(record: Served, place: str) -> Any:
    value: Any = record
    for key in place.split("."):
        # Approved content may be older than a field; what is not there is told as nothing.
        value = value.get(key) if isinstance(value, Mapping) else None
    return value
