"""Forms of the objects at one place: which sets of fields stood together. Where several forms exclude each other, the place holds variants.

Only names of fields are kept, and the words of a field that tells variants apart (`TAGS`) as far as its own vocabulary is kept. A form whose
fields are all in another one is an optional field, not a variant; so is everything that has more than eight forms. Both can only become
true when more is added, so the cut of a recording decides nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import permutations
from typing import Any, Final

from caskmcp.compiler.normalize import keys

TAGS: Final = ("type", "kind", "object", "event", "__typename")
"""Fields that say by convention which variant an object is, the first that is there."""
MOST_FORMS: Final = 8
MOST_TAGS: Final = 20
_LONGEST_TAG: Final = 40
_MOST_NOTED: Final = 256
"""Orders of names that are told apart while a source is read: a bound of memory."""

Plain = dict[str, Any]
Noted = dict[tuple[str, ...], list[Any]]
"""Names in the order of an object -> [objects, name of the tag, its words or None]."""


def noted(forms: Noted, values: Sequence[Mapping[str, Any]], orders: Mapping[tuple[str, ...], int]) -> Noted | None:
    """Count the forms of objects, in place; None if there are too many to be forms. orders: names in the order of an object -> objects."""
    is_tagged = False
    for names, count in orders.items():
        row = forms.get(names)
        if row is None:
            row = forms[names] = [0, next((name for name in TAGS if name in names), ""), set()]
        row[0] += count
        is_tagged = is_tagged or (row[1] != "" and row[2] is not None)
    if is_tagged:
        _note_tags(forms, values)
    return forms if len(forms) <= _MOST_NOTED else None


def _note_tags(forms: Noted, values: Iterable[Mapping[str, Any]]) -> None:
    for value in values:
        row = forms[tuple(value)]
        if row[1] and row[2] is not None:
            word = value[row[1]]
            if type(word) is not str or word not in row[2]:  # nearly always it is known, and a call costs more than asking
                _tag(row, word)


def _tag(row: list[Any], word: Any) -> None:
    if type(word) is str and len(word) <= _LONGEST_TAG:
        row[2].add(word)
    if type(word) is not str or len(word) > _LONGEST_TAG or len(row[2]) > MOST_TAGS:
        row[2] = None


def united(one: Noted | None, other: Noted | None) -> Noted | None:
    """The forms of two pieces of one source."""
    if one is None or other is None:
        return None
    for names, (count, tag, words) in other.items():
        row = one.setdefault(names, [0, tag, set()])
        row[0] += count
        row[2] = None if words is None or row[2] is None or len(row[2] | words) > MOST_TAGS else row[2] | words
    return one if len(one) <= _MOST_NOTED else None


def plain(forms: Noted | None) -> list[Plain]:
    """As `model.observation.Form`, candidate form, if a place of this source holds variants; else nothing."""
    rows = [{"names": sorted(names), "count": row[0]} | _tags(row) for names, row in (forms or {}).items()]
    return _variants(rows)


def _tags(row: list[Any]) -> Plain:
    return {"tags": {row[1]: sorted(row[2])}} if row[1] and row[2] else {}


def total(shapes: Sequence[Plain]) -> list[Plain]:
    """The forms of settled shapes together."""
    rows: list[Plain] = []
    for shape in shapes:
        if "forms" in shape:
            rows += shape["forms"]
        elif shape.get("objects"):
            only = _only(shape)
            if only is None:
                return []
            rows.append(only)
    return _variants(rows)


def _only(shape: Plain) -> Plain | None:
    """The one form of a shape whose objects all had the same fields."""
    fields = shape.get("properties", {})
    count = shape["objects"]
    if shape.get("maps") or "map_values" in shape or any(_values(child) != count for child in fields.values()):
        return None
    tag = next((name for name in TAGS if name in fields), "")
    words = fields[tag].get("values", {}) if tag else {}
    known = {"tags": {tag: sorted(words)}} if words and sum(words.values()) == count else {}
    return {"names": sorted(fields), "count": count} | known


def _values(shape: Plain) -> int:
    return sum(shape.get(name, 0) for name in ("nulls", "booleans", "integers", "numbers", "strings", "arrays", "objects"))


def _variants(rows: Iterable[Plain]) -> list[Plain]:
    by_names: dict[tuple[str, ...], list[Plain]] = {}
    for row in rows:
        by_names.setdefault(tuple(row["names"]), []).append(row)
    sets = [frozenset(names) for names in by_names]
    if not 1 < len(sets) <= MOST_FORMS or any(one <= other for one, other in permutations(sets, 2)):
        return []
    if any(keys.kind(name) is not keys.Key.FIELD for names in by_names for name in names):
        return []
    return [_joined(names, found) for names, found in sorted(by_names.items())]


def _joined(names: tuple[str, ...], rows: Sequence[Plain]) -> Plain:
    tags = [row.get("tags", {}) for row in rows]
    out: Plain = {"names": list(names), "count": sum(row["count"] for row in rows)}
    if all(tags):
        ((name, _), *_) = tags[0].items()
        words = sorted({word for found in tags for word in found[name]})
        out |= {"tags": {name: words}} if len(words) <= MOST_TAGS else {}
    return out


def without_tags(forms: Iterable[Plain]) -> list[Plain]:
    """Forms without any word of a value."""
    return [{name: value for name, value in form.items() if name != "tags"} for form in forms]


def settle(shape: Plain) -> None:
    """Keep the words of tags that the vocabulary of their own place keeps, in place."""
    for form in shape.get("forms", ()):
        for name, words in form.get("tags", {}).items():
            if not set(words) <= shape["properties"][name].get("values", {}).keys():
                form.pop("tags")
                break
