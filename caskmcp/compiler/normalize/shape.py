"""Accumulate the JSON values seen at one place, fast: column by column over decoded bodies, into plain mutable nodes."""

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any, Final

from caskmcp.compiler.normalize import keys, variants
from caskmcp.compiler.normalize.node import Node
from caskmcp.redact import is_name_like

DEEPEST: Final = 12
"""Levels that are described; below, an object is a map and an array has items of any kind. Keeps artifacts within the readers' limits."""


def add(node: Node, value: Any, serial: int) -> None:
    """Count one decoded JSON value. `serial` numbers the exchange, so that a text counts once for each."""
    add_many(node, (value,), serial, DEEPEST)


def add_wire(node: Node, text: str, serial: int) -> None:
    """Count one text of a query, header or form: as an integer, a number or a boolean where it reads as one."""
    if text in ("true", "false"):
        node.booleans += 1
    elif (figure := _figure(text)) is not None:
        add(node, figure, serial)
    else:
        node.add_texts((text,), serial)


def add_unread(node: Node) -> None:
    """Count a string whose text is not in the recording (an uploaded file)."""
    node.open()
    node.strings += 1


def add_many(node: Node, values: Sequence[Any], serial: int, depth: int) -> None:
    """Count the values of one place that came in one exchange: the items of an array, or the values of a field in all of them."""
    if len(values) == 1:
        _KINDS[type(values[0])](node, values, serial, depth)
        return
    kinds = set(map(type, values))
    if len(kinds) == 1:
        _KINDS[kinds.pop()](node, values, serial, depth)
    else:
        for kind in kinds:
            _KINDS[kind](node, [value for value in values if type(value) is kind], serial, depth)


def _integers(node: Node, values: Sequence[int], *_: int) -> None:
    node.integers += len(values)
    node.add_figures(values)
    if node.given is not None:
        node.give_figures(values)


def _floats(node: Node, values: Sequence[float], *_: int) -> None:
    node.numbers += len(values)
    node.add_figures(values)
    node.given = None


def _booleans(node: Node, values: Sequence[bool], *_: int) -> None:
    node.booleans += len(values)
    node.given = None


def _nulls(node: Node, values: Sequence[None], *_: int) -> None:
    node.nulls += len(values)


def _arrays(node: Node, values: Sequence[list[Any]], serial: int, depth: int) -> None:
    node.arrays += len(values)
    node.empty_arrays += sum(not value for value in values)
    if depth > 0 and (items := [item for value in values for item in value]):
        add_many(node.below_array(), items, serial, depth - 1)


def _objects(node: Node, values: Sequence[dict[str, Any]], serial: int, depth: int) -> None:
    node.objects += len(values)
    if depth > 0 and node.forms is not None:
        node.forms = variants.noted(node.forms, values)
    if depth <= 0:
        node.maps += len(values)
    elif len(values) == 1:
        _object(node, values[0], serial, depth - 1)
    else:
        _many_objects(node, values, serial, depth - 1)


def _object(node: Node, value: dict[str, Any], serial: int, depth: int) -> None:
    """One object: most fields are known, and a call for each would cost more than what it does."""
    fields, others = node.fields, []
    for name, item in value.items():
        child = fields.get(name)
        if child is None:
            if keys.kind(name) is not keys.Key.FIELD:
                others.append(name)
                continue
            child = fields[name] = Node(named=is_name_like(name), words=node.words, own=node.own, name=name)
        if type(item) is str:
            child.add_text(item, serial)
        else:
            _KINDS[type(item)](child, (item,), serial, depth)
    if others:
        _add_others(node, [value], others, serial, depth)


def _many_objects(node: Node, values: Sequence[dict[str, Any]], serial: int, depth: int) -> None:
    fields = node.fields
    others: list[str] = []
    names = dict.fromkeys(chain.from_iterable(values))
    whole = set(map(len, values)) == {len(names)}
    for name in names:
        child = fields.get(name)
        if child is None:
            if keys.kind(name) is not keys.Key.FIELD:
                others.append(name)
                continue
            child = fields[name] = Node(named=is_name_like(name), words=node.words, own=node.own, name=name)
        column = [value[name] for value in values] if whole else [value[name] for value in values if name in value]
        add_many(child, column, serial, depth)
    if others:
        _add_others(node, [value for value in values if not value.keys().isdisjoint(others)], others, serial, depth)


def _add_others(node: Node, values: list[dict[str, Any]], others: list[str], serial: int, depth: int) -> None:
    """Count the values under keys that are no known fields: each object is asked whether it is a record."""
    unknown = {name for name in others if keys.kind(name) is keys.Key.UNKNOWN}
    data: list[Any] = []
    named: dict[str, list[Any]] = {}
    for value in values:
        mine = [name for name in others if name in value]
        known = len(value) - len(mine)
        node.maps += not known
        doubtful = [name for name in mine if name in unknown]
        record = bool(doubtful) and keys.is_record(known, len(doubtful), value.values())
        for name in mine:
            into = named.setdefault(name, []) if record and name in unknown else data
            into.append(value[name])
    for name, column in named.items():
        child = node.doubtful.get(name)
        if child is None:
            child = node.doubtful[name] = Node(named=is_name_like(name), words=node.words, own=node.own, name=name)
        add_many(child, column, serial, depth)
    if data:
        add_many(node.below_map(), data, serial, depth)


_KINDS: Final[dict[type, Callable[[Node, Sequence[Any], int, int], None]]] = {
    str: Node.add_texts,
    int: _integers,
    float: _floats,
    bool: _booleans,
    type(None): _nulls,
    list: _arrays,
    dict: _objects,
}
"""What msgspec decodes JSON into -> how it is counted."""


def _figure(text: str) -> int | float | None:
    if not text or len(text) > 18 or text[0] not in "-0123456789" or not text.isascii():
        return None
    whole, point, part = text.removeprefix("-").partition(".")
    if not whole.isdigit() or (whole != "0" and whole[0] == "0"):
        return None
    if not point:
        return int(text)
    # `52.50` is written back as `52.5`: who sent it may have meant the sign, so it stays text.
    return float(text) if part.isdigit() and not part.endswith("0") else None
