"""Sessions: which raw rows were called together, by one and the same session cookie or credential.

While a source is read a session is a keyed fingerprint (`Exchange.session`). Once all sources are known it becomes an id made of what it called, so
that nothing of the key, of the order of entries or of who somebody was is left, and a session that several recordings hold stays one session:
its id stands in each of their parts. A clone therefore tells the same sessions as the machine that recorded them.

What a session is good for (the smallest toolset that covers many of them) is `emit.cover`'s business.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from caskmcp import canon

Plain = dict[str, Any]
Spot = tuple[str, int]
"""Part id and the index of one of its rows."""
Sessions = dict[str, set[Spot]]

VISITS: Final = "visits"
"""Fingerprint -> indexes of rows; in candidates alone."""
SESSIONS: Final = "sessions"
MOST: Final = 2_000
"""Sessions that are told apart. Beyond, they are visitors of a service and no longer somebody's ways of working: then none is."""


def visits(seen: Mapping[str, Iterable[Any]], keys: Sequence[Any]) -> Plain:
    """`visits` of a part, as rows of `keys`; empty without sessions. seen: fingerprint -> keys of rows."""
    index = {key: number for number, key in enumerate(keys)}
    return {VISITS: {name: sorted(index[key] for key in rows) for name, rows in sorted(seen.items())}} if seen else {}


def without(part: Plain) -> Plain:
    """A part in candidate form without what the key made."""
    return {name: value for name, value in part.items() if name != VISITS}


def united(parts: Sequence[Plain]) -> Plain:
    """`visits` of several parts with the same rows; empty without sessions."""
    found: dict[str, set[int]] = {}
    for part in parts:
        for name, rows in part.get(VISITS, {}).items():
            found.setdefault(name, set()).update(rows)
    return {VISITS: {name: sorted(rows) for name, rows in sorted(found.items())}} if found else {}


def settle(parts: dict[str, Plain], committed: Mapping[str, Plain]) -> None:
    """Write the sessions of all parts into each of them, in place. committed: the parts as they were committed, also those that `parts` has anew."""
    found = _named(_joined(parts, committed).values())
    rows: dict[str, dict[str, list[int]]] = {}
    for session, spots in found.items() if len(found) <= MOST else ():
        for owner, index in sorted(spots):
            rows.setdefault(owner, {}).setdefault(session, []).append(index)
    for name, part in parts.items():
        bare = {key: value for key, value in part.items() if key not in (VISITS, SESSIONS)}
        parts[name] = bare | ({SESSIONS: dict(sorted(rows[name].items()))} if name in rows else {})


def coverage(parts: Mapping[str, Plain], operations: Mapping[str, Iterable[Plain]]) -> Plain:
    """`sessions` of the coverage: each set of operations that a session called, with the count of such sessions. operations: id -> its rows."""
    owners = {id(row): name for name, rows in operations.items() for row in rows}
    called: dict[str, set[str]] = {}
    for part in parts.values():
        rows = part.get("rows", ())
        for name, indexes in part.get(SESSIONS, {}).items():
            called.setdefault(name, set()).update(owners[id(rows[at])] for at in indexes if at < len(rows) and id(rows[at]) in owners)
    counts: dict[tuple[str, ...], int] = {}
    for each in called.values():
        if each:
            counts[tuple(sorted(each))] = counts.get(tuple(sorted(each)), 0) + 1
    return {SESSIONS: [{"operations": list(each), "count": count} for each, count in sorted(counts.items())]} if counts else {}


def _joined(parts: Mapping[str, Plain], committed: Mapping[str, Plain]) -> Sessions:
    """Fingerprint, or committed id -> where it was. One that the committed form of a part here shares with a part that is not here is both."""
    here, kept = _spots(parts, VISITS), _spots({name: part for name, part in parts.items() if VISITS not in part}, SESSIONS)
    again = _spots({name: part for name, part in committed.items() if VISITS in parts.get(name, {})}, SESSIONS)
    shared = {name: spots for name, spots in again.items() if name in kept}
    known = {spot[0] for spots in again.values() for spot in spots}
    alike: dict[frozenset[Spot], list[str]] = {}
    # Fingerprints are the key's: which of them comes first may play a part only among sessions that were at the same places everywhere.
    for name, spots in sorted(here.items(), key=lambda session: (sorted(session[1]), session[0])):
        alike.setdefault(frozenset(spot for spot in spots if spot[0] in known), []).append(name)
    for name, spots in sorted(shared.items()):
        # Sessions that look the same here are exchangeable: which of them is joined changes nothing that comes out.
        if names := alike.get(frozenset(spots)):
            here[names.pop()] |= kept.pop(name)
    return here | kept


def _spots(parts: Mapping[str, Plain], field: str) -> Sessions:
    found: Sessions = {}
    for part, value in parts.items():
        for name, indexes in value.get(field, {}).items():
            found.setdefault(name, set()).update((part, index) for index in indexes)
    return found


def _named(sessions: Iterable[set[Spot]]) -> Sessions:
    """Sessions by an id that follows from where they were; equal ones are numbered."""
    out: Sessions = {}
    counts: dict[str, int] = {}
    for spots in sessions:
        name = canon.hexadecimal(canon.digest([list(spot) for spot in sorted(spots)]))[:12]
        counts[name] = counts.get(name, 0) + 1
        out[name if counts[name] == 1 else f"{name}-{counts[name]}"] = spots
    return out
