"""Accumulate the JSON values seen at one place, fast: plain nested mutable nodes over decoded bodies."""

from collections.abc import Callable
from typing import Any, Final

from caskmcp.compiler.normalize import keys
from caskmcp.compiler.normalize.node import LARGE, WAITING, Node
from caskmcp.redact import is_name_like

DEEPEST: Final = 12
"""Levels that are described; below, an object is a map and an array has items of any kind. Keeps artifacts within the readers' limits."""


def add(node: Node, value: Any, serial: int, depth: int = DEEPEST) -> None:
    """Count one decoded JSON value. `serial` numbers the exchange, so that a value counts once for each."""
    kind = type(value)
    if kind is str:
        if node.kept is None:
            node.add_text(value)
        else:
            node.add_candidate(value, serial)
    elif kind is dict:
        _add_object(node, value, serial, depth)
    elif kind is list:
        _many_arrays(node, [value], serial, depth)
    elif value is None:
        node.nulls += 1
    elif kind is bool:
        node.booleans += 1
    elif kind is int:
        node.waiting_integers.append(value)
        if len(node.waiting_integers) >= WAITING:
            node.count_figures()
    else:
        node.waiting_floats.append(value)
        if len(node.waiting_floats) >= WAITING:
            node.count_figures()


def add_wire(node: Node, text: str, serial: int) -> None:
    """Count one text of a query, header or form: as an integer, a number or a boolean where it reads as one."""
    figure = _figure(text)
    if text in ("true", "false"):
        node.booleans += 1
    elif figure is None:
        node.add_candidate(text, serial)
    else:
        add(node, figure, serial)


def add_unread(node: Node) -> None:
    """Count a string whose text is not in the recording (an uploaded file)."""
    node.open()
    node.strings += 1


def add_many(node: Node, values: list[Any], serial: int, depth: int) -> None:
    """Count the values of one place that came in one exchange, column by column: the items of an array, the values of a field in them."""
    kinds = set(map(type, values))
    if len(kinds) == 1:
        _MANY[kinds.pop()](node, values, serial, depth)
    else:
        for kind in kinds:
            _MANY[kind](node, [value for value in values if type(value) is kind], serial, depth)


def _many_texts(node: Node, values: list[str], serial: int, _: int) -> None:
    if node.kept is None:
        node.waiting += values
        if len(node.waiting) >= WAITING:
            node.count_texts()
    else:
        node.add_candidates(values, serial)


def _many_integers(node: Node, values: list[int], *_: int) -> None:
    node.waiting_integers += values
    if len(node.waiting_integers) >= WAITING:
        node.count_figures()


def _many_floats(node: Node, values: list[float], *_: int) -> None:
    node.waiting_floats += values
    if len(node.waiting_floats) >= WAITING:
        node.count_figures()


def _many_booleans(node: Node, values: list[bool], *_: int) -> None:
    node.booleans += len(values)


def _many_nulls(node: Node, values: list[None], *_: int) -> None:
    node.nulls += len(values)


def _many_arrays(node: Node, values: list[list[Any]], serial: int, depth: int) -> None:
    node.arrays += len(values)
    node.empty_arrays += values.count([])
    if depth > 0 and (items := [item for value in values for item in value]):
        add_many(node.below_array(), items, serial, depth - 1)


def _many_objects(node: Node, values: list[dict[str, Any]], serial: int, depth: int) -> None:
    by_keys: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for value in values:
        by_keys.setdefault(tuple(value), []).append(value)
    for names, same in by_keys.items():
        if len(same) < _COLUMN or depth <= 0:
            for value in same:
                _add_object(node, value, serial, depth)
        else:
            _add_columns(node, names, same, serial, depth - 1)


def _add_columns(node: Node, names: tuple[str, ...], values: list[dict[str, Any]], serial: int, depth: int) -> None:
    """Count objects with equal keys."""
    node.objects += len(values)
    fields = node.fields
    others = []
    for name in names:
        child = fields.get(name)
        if child is None:
            if keys.kind(name) is not keys.Key.FIELD:
                others.append(name)
                continue
            child = fields[name] = Node(named=is_name_like(name), words=node.words)
        add_many(child, [value[name] for value in values], serial, depth)
    if others:
        for alike in _by_kinds(values):
            _add_others(node, alike, others, serial, depth)


def _by_kinds(values: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Objects with values of several kinds, and those with values of one."""
    several = [value for value in values if keys.is_mixed(value.values())]
    if len(several) in (0, len(values)):
        return [values]
    return [several, [value for value in values if not keys.is_mixed(value.values())]]


_COLUMN: Final = 2
"""Objects with equal keys from which columns are quicker than objects."""
_MANY: Final[dict[type, Callable[[Node, list[Any], int, int], None]]] = {
    str: _many_texts,
    int: _many_integers,
    float: _many_floats,
    bool: _many_booleans,
    type(None): _many_nulls,
    list: _many_arrays,
    dict: _many_objects,
}


def _add_object(node: Node, value: dict[str, Any], serial: int, depth: int) -> None:
    node.objects += 1
    if depth <= 0:
        node.maps += 1
        return
    fields = node.fields
    others: list[str] | None = None
    below = depth - 1
    for key, item in value.items():
        child = fields.get(key)
        if child is None:
            if keys.kind(key) is not keys.Key.FIELD:
                others = [key] if others is None else [*others, key]
                continue
            child = fields[key] = Node(named=is_name_like(key), words=node.words)
        # The commonest case stands here once more: a call for every string is a tenth of the whole time.
        if type(item) is str and child.kept is None and len(item) <= LARGE:
            child.waiting.append(item)
            if len(child.waiting) >= WAITING:
                child.count_texts()
        else:
            add(child, item, serial, below)
    if others is not None:
        _add_others(node, [value], others, serial, below)


def _add_others(node: Node, values: list[dict[str, Any]], others: list[str], serial: int, depth: int) -> None:
    """Count the values under keys that are no known fields, of objects with equal keys that are all mixed or all not."""
    unknown = [key for key in others if keys.kind(key) is keys.Key.UNKNOWN]
    known = len(values[0]) - len(others)
    record = bool(unknown) and keys.is_record(known, len(unknown), values[0].values())
    if not known:
        node.maps += len(values)
    named = frozenset(unknown) if record else frozenset()
    for key in others:
        child = node.doubtful.get(key) if key in named else node.below_map()
        if child is None:
            child = node.doubtful[key] = Node(named=is_name_like(key), words=node.words)
        add_many(child, [value[key] for value in values], serial, depth)


def _figure(text: str) -> int | float | None:
    if not text or len(text) > 18 or text[0] not in "-0123456789" or not text.isascii():
        return None
    whole, point, part = text.removeprefix("-").partition(".")
    if not whole.isdigit() or (whole != "0" and whole[0] == "0"):
        return None
    if not point:
        return int(text)
    return float(text) if part.isdigit() else None
