"""Several sources that gave parts of one id: what stands for all of them. The same for any order of the sources and any redaction key.

Such parts are equal but for what is private. Of what the values made (vocabularies, bounds) the least part counts, and it is chosen without a
look at anything that the key made; what the key may have made (sketches, sessions, digests of what was one and the same) is united, so that
there is nothing to choose. It does not decide what any of it means.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from caskmcp import canon
from caskmcp.compiler.normalize import row, sessions
from caskmcp.compiler.normalize.flows import PRIVATE as FLOWING
from caskmcp.compiler.normalize.node import FEWEST_DISTINCT
from caskmcp.compiler.normalize.settle import DIFFERENT, FEWEST_DIFFERENT
from caskmcp.compiler.normalize.sketch import GIVEN, TAKEN, joined

Plain = dict[str, Any]
_SIZES: Final = dict(zip(FLOWING, (GIVEN, TAKEN), strict=True))
_MADE: Final = frozenset((*FLOWING, row.PRIVATE))
"""Keys of a row that hold what the key may have made."""


def standing(parts: Sequence[Plain]) -> Plain:
    """The part, candidate form, that stands for parts of one id."""
    if len(parts) == 1:
        return parts[0]
    least = min(map(_keyfree, parts), key=canon.compact)
    if "rows" in least:
        least["rows"] = [_whole(*found) for found in zip(least["rows"], *(part["rows"] for part in parts), strict=True)]
    return least | sessions.united(parts)


def _keyfree(part: Plain) -> Plain:
    return sessions.without(part) | ({"rows": list(map(_keyfree_row, part["rows"]))} if "rows" in part else {})


def _keyfree_row(found: Plain) -> Plain:
    out = {name: value for name, value in found.items() if name not in _MADE}
    if "requests" in out:
        out["requests"] = {
            media: {key: value for key, value in body.items() if key != DIFFERENT} for media, body in out["requests"].items()
        }
    return out


def _whole(least: Plain, *found: Plain) -> Plain:
    """A row with what all rows in its place hold of what the key may have made."""
    out = dict(least)
    for name, size in _SIZES.items():
        if places := _united([each.get(name, {}) for each in found], lambda sketches, size=size: joined(sketches, size)):  # type: ignore[misc]
            out[name] = places
    if tokens := _united([each.get(row.PRIVATE, {}) for each in found], lambda known: _few(known, FEWEST_DISTINCT)):
        out[row.PRIVATE] = tokens
    if "requests" in out:
        out["requests"] = {media: _body(body, [each["requests"][media] for each in found]) for media, body in out["requests"].items()}
    return out


def _body(least: Plain, found: Sequence[Plain]) -> Plain:
    known = [body[DIFFERENT] for body in found if DIFFERENT in body]
    return least | ({DIFFERENT: _few(known, FEWEST_DIFFERENT)} if known else {})


def _united(maps: Sequence[Mapping[str, Any]], unite: Callable[[list[Any]], Any]) -> Plain:
    return {name: unite([each[name] for each in maps if name in each]) for name in sorted({name for each in maps for name in each})}


def _few(known: Sequence[Sequence[str]], enough: int) -> list[str]:
    """Digests of few distinct things; `enough` of them or more are told by an empty list."""
    found = {digest for digests in known for digest in digests}
    return [] if len(found) >= enough or not all(known) else sorted(found)
