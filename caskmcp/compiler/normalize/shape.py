"""Accumulate the JSON values seen at one place, fast: column by column over decoded bodies, into plain mutable nodes."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any, Final

from caskmcp.compiler.normalize import keys, variants
from caskmcp.compiler.normalize.node import Node
from caskmcp.compiler.normalize.stamps import Stamp, Stamps, at, of_exchange
from caskmcp.redact import is_name_like

DEEPEST: Final = 12
"""Levels that are described; below, an object is a map and an array has items of any kind. Keeps artifacts within the readers' limits."""


def add(node: Node, value: Any, serial: int) -> None:
    """Count one decoded JSON value. `serial` numbers the exchange, so that a text counts once for each."""
    add_many(node, (value,), of_exchange(serial), DEEPEST)


def add_bodies(node: Node, values: Sequence[Any], stamps: Sequence[Stamp]) -> None:
    """Count the decoded JSON values of several exchanges."""
    add_many(node, values, at(*stamps), DEEPEST)


def add_wire(node: Node, text: str, serial: int) -> None:
    """Count one text of a query, header or form: as an integer, a number or a boolean where it reads as one."""
    if text in ("true", "false"):
        node.booleans += 1
    elif (figure := _figure(text)) is not None:
        add(node, figure, serial)
    else:
        node.add_texts((text,), of_exchange(serial))


def add_unread(node: Node) -> None:
    """Count a string whose text is not in the recording (an uploaded file)."""
    node.open()
    node.strings += 1


def add_many(node: Node, values: Sequence[Any], stamps: Stamps, depth: int) -> None:
    """Count many values of one place: the items of arrays, or the values of a field."""
    if len(values) == 1:
        _KINDS[type(values[0])](node, values, stamps, depth)
        return
    kinds = set(map(type, values))
    if len(kinds) == 1:
        _KINDS[kinds.pop()](node, values, stamps, depth)
    else:
        for kind in kinds:
            _KINDS[kind](node, [value for value in values if type(value) is kind], stamps.of_kind(values, kind), depth)


def _integers(node: Node, values: Sequence[int], stamps: Stamps, _: int) -> None:
    node.integers += len(values)
    node.add_figures(values)
    if node.given is not None:
        node.give_figures(values, stamps)


def _floats(node: Node, values: Sequence[float], *_: Any) -> None:
    node.numbers += len(values)
    node.add_figures(values)
    node.given = None


def _booleans(node: Node, values: Sequence[bool], *_: Any) -> None:
    node.booleans += len(values)
    node.given = None


def _nulls(node: Node, values: Sequence[None], *_: Any) -> None:
    node.nulls += len(values)


def _arrays(node: Node, values: Sequence[list[Any]], stamps: Stamps, depth: int) -> None:
    node.arrays += len(values)
    node.empty_arrays += values.count([])
    if depth > 0 and (items := list(chain.from_iterable(values))):
        add_many(node.below_array(), items, stamps.of_items(values), depth - 1)


def _objects(node: Node, values: Sequence[dict[str, Any]], stamps: Stamps, depth: int) -> None:
    node.objects += len(values)
    if depth <= 0:
        node.maps += len(values)
        return
    orders = Counter(map(tuple, values))
    if node.forms is not None:
        node.forms = variants.noted(node.forms, values, orders)
    if len(values) == 1:
        _object(node, values[0], stamps, depth - 1)
    else:
        _many_objects(node, values, stamps, depth - 1, orders)


def _object(node: Node, value: dict[str, Any], stamps: Stamps, depth: int) -> None:
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
            child.add_text(item, stamps)
        else:
            _KINDS[type(item)](child, (item,), stamps, depth)
    if others:
        _add_others(node, [value], others, stamps(), depth)


def _many_objects(node: Node, values: Sequence[dict[str, Any]], stamps: Stamps, depth: int, orders: Mapping[tuple[str, ...], int]) -> None:
    fields = node.fields
    others: list[str] = []
    for name, count in _names(values, orders).items():
        child = fields.get(name)
        if child is None:
            if keys.kind(name) is not keys.Key.FIELD:
                others.append(name)
                continue
            child = fields[name] = Node(named=is_name_like(name), words=node.words, own=node.own, name=name)
        if count == len(values):
            add_many(child, [value[name] for value in values], stamps, depth)
        else:
            add_many(child, [value[name] for value in values if name in value], stamps.of_field(values, name), depth)
    if others:
        _add_others(node, values, others, stamps(), depth)


def _names(values: Sequence[dict[str, Any]], orders: Mapping[tuple[str, ...], int]) -> Mapping[str, int]:
    """Name -> objects that have it."""
    if len(orders) == 1:
        (names,) = orders
        return dict.fromkeys(names, len(values))
    return Counter(chain.from_iterable(values))


def _add_others(node: Node, values: Sequence[dict[str, Any]], others: list[str], stamps: Sequence[Stamp], depth: int) -> None:
    """Count the values under keys that are no known fields: each object is asked whether it is a record."""
    unknown = {name for name in others if keys.kind(name) is keys.Key.UNKNOWN}
    data: list[tuple[Any, Stamp]] = []
    named: dict[str, list[tuple[Any, Stamp]]] = {}
    for value, stamp in zip(values, stamps, strict=True):
        mine = [name for name in others if name in value]
        if not mine:
            continue
        known = len(value) - len(mine)
        node.maps += not known
        doubtful = [name for name in mine if name in unknown]
        record = bool(doubtful) and keys.is_record(known, len(doubtful), value.values())
        for name in mine:
            into = named.setdefault(name, []) if record and name in unknown else data
            into.append((value[name], stamp))
    for name, column in named.items():
        child = node.doubtful.get(name)
        if child is None:
            child = node.doubtful[name] = Node(named=is_name_like(name), words=node.words, own=node.own, name=name)
        _add_stamped(child, column, depth)
    if data:
        _add_stamped(node.below_map(), data, depth)


def _add_stamped(node: Node, column: Sequence[tuple[Any, Stamp]], depth: int) -> None:
    add_many(node, [value for value, _ in column], at(*(stamp for _, stamp in column)), depth)


_KINDS: Final[dict[type, Callable[[Node, Sequence[Any], Stamps, int], None]]] = {
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
