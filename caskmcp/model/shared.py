"""Definitions that many schemas share, written once: a table by key, and schemas whose `$defs` name the rows that they refer to themselves.

    schema       {..., "$defs": {"Order": {"$ref": "#/definitions/Order.0123456789abcdef"}}}
    definitions  {"Order.0123456789abcdef": {"schema": {...}, "needs": {"Line": "Line.fedcba9876543210"}}, ...}

A key is the name and the first digits of a digest of all that the definition leads to, so that the tables of several documents are one map.
In memory a schema is whole again: its definitions are then objects that many schemas share, and that nobody may change.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from caskmcp import canon
from caskmcp.errors import CaskError

DEFINITIONS: Final = "$defs"
_INNER: Final = "#/$defs/"
_WHERE: Final = "#/definitions/"
_DIGITS: Final = 16

Plain = Mapping[str, Any]
Rows = dict[str, dict[str, Any]]
"""Key -> `schema` and `needs`."""
Inside = Mapping[str, Any]
"""What stands under `$defs` of a whole schema."""


class Table:
    """Definitions that schemas are packed into, or made whole from. Each object is looked at once, however many schemas hold it."""

    def __init__(self, rows: Rows | None = None) -> None:
        """rows: what is known, and all that will be; None for a table that grows with what is packed. Raises CASK-I004 for what is no row: they come
        from files that are committed, or kept."""
        self.rows: Rows = {} if rows is None else rows
        self._grows = rows is None
        self._keys: dict[tuple[str, int], list[str]] = {}
        """Name and identity of a definition -> its keys: one for each set of definitions that it was found among."""
        self._direct: dict[int, tuple[str, ...]] = {}
        self._digests: dict[int, str] = {}
        self._reach: dict[str, dict[str, Any]] = {}
        self._held: list[Any] = []
        for key, row in self.rows.items():
            if not _is_row(row):
                raise CaskError("CASK-I004", f"the definition `{key}` is no row of definitions", mend="cask build")
            self._remember(_name(key), row["schema"], key)

    def packed(self, schema: Plain) -> dict[str, Any]:
        """The schema with its definitions in the table. It stays as it is if the table knows one of them not, and does not grow."""
        inside = schema.get(DEFINITIONS)
        if not isinstance(inside, Mapping) or not inside or any(map(key_of, inside.values())):
            return dict(schema)
        body = {word: value for word, value in schema.items() if word != DEFINITIONS}
        keys = {name: self.key(name, inside) for name in _direct(body) if name in inside}
        if not all(keys.values()):
            return dict(schema)
        return {**body, DEFINITIONS: {name: {"$ref": _WHERE + key} for name, key in keys.items()}} if keys else body

    def whole(self, schema: Plain) -> dict[str, Any]:
        """The schema with all its definitions inside. Raises CASK-L002 for a key that is not in the table."""
        inside = schema.get(DEFINITIONS)
        keys = [key for value in inside.values() if (key := key_of(value))] if isinstance(inside, Mapping) else []
        if not keys:
            return dict(schema)
        found: dict[str, Any] = {}
        for key in keys:
            found |= self._closure(key)
        return {**schema, DEFINITIONS: dict(sorted(found.items()))}

    # ------------------------------------------------------------ packing
    def key(self, name: str, inside: Inside) -> str:
        """The key of a definition among others, with all that it leads to in the table; empty if the table is closed and does not know it."""
        known = self._known(name, inside)
        if known or not self._grows:
            return known
        reached = self._names(name, inside)
        keys = {each: self._known(each, inside) or self._spelled(each, inside) for each in reached}
        for each, key in keys.items():
            needs = {other: keys[other] for other in self._names_in(inside[each]) if other in inside}
            self.rows.setdefault(key, {"schema": inside[each]} | ({"needs": needs} if needs else {}))
            self._remember(each, inside[each], key)
            # What a row holds may be another object that is equal: the next schema brings this one again.
            self._reach[key] = {other: inside[other] for other in self._names(each, inside)}
        return keys[name]

    def _known(self, name: str, inside: Inside) -> str:
        """The key of a definition that was seen before, among the very same others; empty if it was not."""
        for key in self._keys.get((name, id(inside[name])), ()):
            if all(inside.get(other) is definition for other, definition in self._closure(key).items()):
                return key
        return ""

    def _spelled(self, name: str, inside: Inside) -> str:
        return _spelled(name, [(other, self._digest(inside[other])) for other in self._names(name, inside)])

    def _names(self, name: str, inside: Inside) -> list[str]:
        """Names that a definition leads to, its own first."""
        seen, waiting = {name: None}, [name]
        while waiting:
            for other in self._names_in(inside[waiting.pop()]):
                if other in inside and other not in seen:
                    seen[other] = None
                    waiting.append(other)
        return list(seen)

    def _names_in(self, definition: Any) -> tuple[str, ...]:
        if id(definition) not in self._direct:
            self._held.append(definition)  # while it lives, nothing else has its identity
            self._direct[id(definition)] = tuple(_direct(definition))
        return self._direct[id(definition)]

    def _digest(self, definition: Any) -> str:
        if id(definition) not in self._digests:
            self._held.append(definition)
            self._digests[id(definition)] = canon.digest(definition)
        return self._digests[id(definition)]

    def _remember(self, name: str, definition: Any, key: str) -> None:
        self._held.append(definition)
        known = self._keys.setdefault((name, id(definition)), [])
        if key not in known:
            known.append(key)

    # ------------------------------------------------------------ unpacking
    def _closure(self, key: str) -> dict[str, Any]:
        if key not in self._reach:
            found: dict[str, Any] = {}
            waiting = [key]
            while waiting:
                each = waiting.pop()
                name, row = _name(each), self._row(each)
                if name not in found:
                    found[name] = row["schema"]
                    waiting.extend(row.get("needs", {}).values())
            self._reach[key] = found
        return self._reach[key]

    def _row(self, key: str) -> Mapping[str, Any]:
        if key not in self.rows:
            raise CaskError("CASK-L002", f"there is no definition `{key}`", mend="cask build")
        return self.rows[key]


def key_of(value: Any) -> str:
    """The key that a value under `$defs` names; empty if it is a definition itself."""
    reference = value.get("$ref") if isinstance(value, Mapping) and len(value) == 1 else None
    return reference.removeprefix(_WHERE) if isinstance(reference, str) and reference.startswith(_WHERE) else ""


def reached(keys: Iterable[str], rows: Mapping[str, Mapping[str, Any]]) -> Rows:
    """The rows of a table under some keys, with all that they lead to."""
    found: Rows = {}
    waiting = list(keys)
    while waiting:
        key = waiting.pop()
        if key not in found and key in rows:
            found[key] = dict(rows[key])
            waiting.extend(rows[key].get("needs", {}).values())
    return found


def keys_in(schema: Plain) -> Iterator[str]:
    """The keys that a packed schema names."""
    inside = schema.get(DEFINITIONS)
    yield from filter(None, map(key_of, inside.values())) if isinstance(inside, Mapping) else ()


def refuse_forged(rows: Rows) -> None:
    """Raise CASK-I004 for a row that is not what its key says: tables are joined by key."""
    table = Table(rows)
    for key in rows:
        try:
            found = table._closure(key)
        except CaskError as cause:
            raise CaskError("CASK-I004", cause.what, mend="cask build") from cause
        reached = [(name, table._digest(definition)) for name, definition in found.items()]
        needs = {_name(each): each for each in rows[key].get("needs", {}).values()}
        if key != _spelled(_name(key), reached) or needs != rows[key].get("needs", {}):
            raise CaskError("CASK-I004", f"the definition `{key}` is not what its key says", mend="cask build")


def _is_row(row: Any) -> bool:
    needs = row.get("needs", {}) if isinstance(row, Mapping) else None
    return isinstance(needs, Mapping) and isinstance(row.get("schema"), dict | bool) and all(isinstance(key, str) for key in needs.values())


def _spelled(name: str, reached: list[tuple[str, str]]) -> str:
    return f"{name}.{canon.hexadecimal(canon.digest([list(row) for row in sorted(reached)]))[:_DIGITS]}"


def _name(key: str) -> str:
    return key.rpartition(".")[0]


def _direct(schema: Any) -> Iterator[str]:
    """Names under `$defs` that a schema refers to itself, each once."""
    seen: set[str] = set()
    waiting = [schema]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            for reference in _references(value):
                if isinstance(reference, str) and reference.startswith(_INNER) and reference not in seen:
                    seen.add(reference)
                    yield reference.removeprefix(_INNER).replace("~1", "/").replace("~0", "~")
            waiting.extend(each for each in value.values() if isinstance(each, (dict, list)))
        elif isinstance(value, list):
            waiting.extend(each for each in value if isinstance(each, (dict, list)))


def _references(schema: Plain) -> Iterator[Any]:
    """What a schema says that it refers to, at its own level: a discriminator names schemas, too (OpenAPI 3.1, 4.8.25)."""
    if "$ref" in schema:
        yield schema["$ref"]
    discriminator = schema.get("discriminator")
    if isinstance(discriminator, Mapping) and isinstance(mapping := discriminator.get("mapping"), Mapping):
        yield from mapping.values()
