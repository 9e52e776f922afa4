"""The value rule, decided over all sources together: which texts and bounds of a place may be kept (ARCHITECTURE section 4).

A place is one position in one operation. A text is kept only if the place has at most 20 distinct ones, each in three exchanges or more,
most of them made of table words; every detector and the name of the key were asked when it was read. Bounds need five distinct
values and stand in powers of two. Deciding here and not per source is what makes a recording's cut into files matter to nothing else.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from caskmcp.compiler.normalize import variants, words
from caskmcp.compiler.normalize.node import FEWEST_DISTINCT, MOST_VALUES
from caskmcp.compiler.normalize.written import PRIVATE

FEWEST_EXCHANGES: Final = 3
FEWEST_DIFFERENT: Final = 2
"""Different requests from which requests are samples: the same one again shows nothing of what may be left out."""
DIFFERENT: Final = "different"
"""Key of the candidate form that holds the digest of all requests, if they were one and the same; else an empty list."""
_WORDS: Final = 2 / 3
"""Share of distinct texts that have to be table words; a place of names has none."""

Shape = dict[str, Any]


def settle(shapes: Sequence[Shape]) -> None:
    """Decide one place and all below it, in place: candidates become `values` and `bounds`, or go. Settled shapes are only asked."""
    kept = _values(shapes)
    wide = _is_many(shapes)
    for shape in shapes:
        if not shape.keys().isdisjoint(PRIVATE):
            _write(shape, kept=kept, wide=wide)
    for name in ("items", "map_values"):
        if below := [shape[name] for shape in shapes if name in shape]:
            settle(below)
    fields: dict[str, list[Shape]] = {}
    for shape in shapes:
        for key, child in shape.get("properties", {}).items():
            fields.setdefault(key, []).append(child)
    for below in fields.values():
        settle(below)
    for shape in shapes:
        variants.settle(shape)


def tell_apart(bodies: Sequence[dict[str, Any]]) -> None:
    """Decide whether all requests of one operation and media type were one and the same, in place.

    Of a settled body only that is left, so what others add to it is counted as the same: that makes fewer fields required, never more.
    """
    known = {digest for body in bodies for digest in body.get(DIFFERENT, ())}
    differ = any(body.get(DIFFERENT) == [] or ("shape" in body and DIFFERENT not in body and not body.get("same")) for body in bodies)
    for body in bodies:
        if body.pop(DIFFERENT, None) is not None and len(known) < FEWEST_DIFFERENT and not differ:
            body["same"] = True


def bucket(low: int, high: int) -> dict[str, int]:
    """The powers of two (or zero) around an interval."""
    return {"low": _below(low), "high": -_below(-high)}


def _below(value: int) -> int:
    """The largest power of two, zero or negated power of two that is not above a value."""
    if value > 0:
        return int(1 << (value.bit_length() - 1))
    return -(1 << (-value - 1).bit_length()) if value < 0 else 0


def _values(shapes: Sequence[Shape]) -> bool:
    exchanges: dict[str, int] = {}
    for shape in shapes:
        if not shape.get("strings"):
            continue
        if "candidates" in shape:
            _add(exchanges, ((text, seen[1]) for text, seen in shape["candidates"].items()))
        elif sum(shape.get("values", {}).values()) == shape["strings"]:
            _add(exchanges, ((text, FEWEST_EXCHANGES) for text in shape["values"]))
        else:
            return False
    enough = all(count >= FEWEST_EXCHANGES for count in exchanges.values())
    return enough and 0 < len(exchanges) <= MOST_VALUES and sum(map(_is_words, exchanges)) >= _WORDS * len(exchanges)


def _is_words(text: str) -> bool:
    return words.is_words(text.replace("/", "-").replace(":", "-"))


def _add(into: dict[str, int], found: Iterable[tuple[str, int]]) -> None:
    for text, count in found:
        into[text] = into.get(text, 0) + count


def _is_many(shapes: Sequence[Shape]) -> bool:
    """Whether five distinct figures or more are known of; a settled bucket and an empty list of digests say so by themselves."""
    known: set[str] = set()
    for shape in shapes:
        if "bounds" in shape or shape.get("figures") == []:
            return True
        known.update(shape.get("figures", ()))
    return len(known) >= FEWEST_DISTINCT


def _write(shape: Shape, *, kept: bool, wide: bool) -> None:
    candidates = shape.pop("candidates", None)
    extent = shape.pop("range", None)
    shape.pop("figures", None)
    if candidates and kept:
        shape["values"] = {text: seen[0] for text, seen in candidates.items()}
    if extent and wide:
        shape["bounds"] = bucket(*extent)
