"""Accumulate the JSON values seen at one place, fast: plain nested mutable nodes over decoded bodies.

What comes out (`plain`) is the candidate form of `model.observation.Shape`: the same counts, plus what the value rule needs to be decided
over all sources together (`settle.py`): candidate values, digests of the first distinct ones, true bounds. That form is private: it stays
in the cache; `bare` is the value-free rest, which becomes part of an artifact.
"""

import math
from typing import Any, Final

from caskmcp import canon
from caskmcp.compiler.normalize import keys
from caskmcp.compiler.normalize.forms import form, is_word, may_stand
from caskmcp.redact import is_name_like
from caskmcp.redact.placeholder import kind_of

DEEPEST: Final = 12
"""Levels that are described; below, an object is a map and an array has items of any kind. Keeps artifacts within the readers' limits."""
MOST_VALUES: Final = 20
"""Distinct values of a vocabulary (ARCHITECTURE section 4)."""
FEWEST_DISTINCT: Final = 5
"""Distinct values below which no length and no bound is kept."""
_LARGEST: Final = 1 << 63


class Node:
    """All values at one place."""

    __slots__ = (
        "arrays", "booleans", "doubtful", "empties", "empty_arrays", "fields", "figures", "formats", "high", "integers", "items", "kept",
        "longest", "low", "maps", "named", "nulls", "numbers", "objects", "redacted", "rest", "shortest", "strings", "texts", "words",
    )  # fmt: skip

    def __init__(self, *, named: bool = False, words: set[str] | None = None) -> None:
        self.words = words
        """Where words that are whole strings are noted (`body_words`); one set for all bodies of a part, None outside bodies."""
        self.named = named
        """Whether the place is called like one for names of people or things: then no text here may be kept."""
        self.nulls = self.booleans = self.integers = self.numbers = self.strings = 0
        self.arrays = self.objects = self.empty_arrays = self.maps = self.empties = 0
        self.redacted: dict[str, int] = {}
        self.formats: dict[str, int] = {}
        self.kept: dict[str, list[int]] | None = None if named else {}
        """Candidate value -> [occurrences, exchanges, last exchange]; None as soon as one text here may not stand in a vocabulary."""
        self.texts: set[str] = set()
        self.figures: set[float] = set()
        self.shortest, self.longest = 1 << 62, 0
        self.low: float = math.inf
        self.high: float = -math.inf
        self.fields: dict[str, Node] = {}
        self.doubtful: dict[str, Node] = {}
        """Unknown keys that stood in plain records; kept apart, so that each object is asked again."""
        self.items: Node | None = None
        self.rest: Node | None = None

    def below_array(self) -> "Node":
        """The node of the items of arrays here."""
        if self.items is None:
            self.items = Node(named=self.named, words=self.words)
        return self.items

    def below_map(self) -> "Node":
        """The node of values under keys that are data."""
        if self.rest is None:
            self.rest = Node(named=self.named, words=self.words)
        return self.rest


def add(node: Node, value: Any, serial: int, depth: int = DEEPEST) -> None:
    """Count one decoded JSON value. `serial` numbers the exchange, so that a value counts once for each."""
    kind = type(value)
    if kind is str:
        add_text(node, value, serial)
    elif kind is dict:
        _add_object(node, value, serial, depth)
    elif kind is list:
        _add_array(node, value, serial, depth)
    elif value is None:
        node.nulls += 1
    elif kind is bool:
        node.booleans += 1
    elif kind is int:
        node.integers += 1
        _measure(node, value)
    else:
        node.numbers += 1
        _measure(node, value)


def add_wire(node: Node, text: str, serial: int) -> None:
    """Count one text of a query, header or form: as an integer, a number or a boolean where it reads as one."""
    if text in ("true", "false"):
        node.booleans += 1
    elif (figure := _figure(text)) is None:
        add_text(node, text, serial)
    else:
        add(node, figure, serial)


def add_text(node: Node, text: str, serial: int) -> None:
    """Count one string."""
    kept = node.kept
    if kept is not None:
        seen = kept.get(text)
        if seen is not None:
            seen[0] += 1
            if seen[2] != serial:
                seen[1] += 1
                seen[2] = serial
            return
        if may_stand(text) and len(kept) < MOST_VALUES:
            kept[text] = [1, 1, serial]
            if node.words is not None and is_word(text):
                node.words.add(text)
            return
        _open(node, kept)
    _count_text(node, text, 1)


def add_unread(node: Node) -> None:
    """Count a string whose text is not in the recording (an uploaded file)."""
    if node.kept is not None:
        _open(node, node.kept)
    node.strings += 1


def _open(node: Node, kept: dict[str, list[int]]) -> None:
    node.kept = None
    for text, seen in kept.items():
        _count_text(node, text, seen[0])


def _count_text(node: Node, text: str, times: int) -> None:
    node.strings += times
    size = len(text)
    if not size:
        node.empties += times
        return
    kind = kind_of(text)
    if kind is not None:
        node.redacted[kind] = node.redacted.get(kind, 0) + times
    elif len(node.texts) < FEWEST_DISTINCT:
        node.texts.add(text)
    name = form(text)
    if name:
        node.formats[name] = node.formats.get(name, 0) + times
    elif node.words is not None and size <= 64 and text not in node.words and is_word(text):
        node.words.add(text)
    if kind is None:
        node.longest = max(node.longest, size)
        node.shortest = min(node.shortest, size)


def _measure(node: Node, value: float) -> None:
    node.low = min(node.low, value)
    node.high = max(node.high, value)
    if len(node.figures) < FEWEST_DISTINCT:
        node.figures.add(value)


def _add_array(node: Node, value: list[Any], serial: int, depth: int) -> None:
    node.arrays += 1
    if not value:
        node.empty_arrays += 1
    elif depth > 0:
        items = node.below_array()
        for item in value:
            add(items, item, serial, depth - 1)


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
        if child is not None:
            add(child, item, serial, below)
        elif keys.kind(key) is keys.Key.FIELD:
            child = fields[key] = Node(named=is_name_like(key), words=node.words)
            add(child, item, serial, below)
        elif others is None:
            others = [key]
        else:
            others.append(key)
    if others is not None:
        _add_others(node, value, others, serial, below)


def _add_others(node: Node, value: dict[str, Any], others: list[str], serial: int, depth: int) -> None:
    unknown = [key for key in others if keys.kind(key) is keys.Key.UNKNOWN]
    known = len(value) - len(others)
    record = bool(unknown) and keys.is_record(known, len(unknown), map(type, value.values()))
    if not known:
        node.maps += 1
    named = frozenset(unknown) if record else frozenset()
    for key in others:
        child = node.doubtful.get(key) if key in named else node.below_map()
        if child is None:
            child = node.doubtful[key] = Node(named=is_name_like(key), words=node.words)
        add(child, value[key], serial, depth)


def _figure(text: str) -> int | float | None:
    if not text or len(text) > 18 or text[0] not in "-0123456789":
        return None
    digits = text.lstrip("-")
    if digits.isdigit() and digits.isascii():
        return int(text) if len(text) - len(digits) < 2 and (digits == "0" or digits[0] != "0") else None
    whole, point, part = digits.partition(".")
    return float(text) if point and text.count("-") < 2 and f"{whole}{part}".isdigit() and whole and part and text.isascii() else None


# ---------------------------------------------------------------- writing
_COUNTS: Final = ("nulls", "booleans", "integers", "numbers", "strings", "arrays", "objects", "empty_arrays", "maps", "empties")
PRIVATE: Final = frozenset({"candidates", "texts", "lengths", "figures", "range"})
"""Keys of the candidate form that an artifact never holds."""


def plain(node: Node) -> dict[str, Any]:
    """The candidate form of a node: counts, and what `settle` decides on."""
    out: dict[str, Any] = {name: count for name in _COUNTS if (count := getattr(node, name))}
    if node.kept:
        out["strings"] = sum(seen[0] for seen in node.kept.values())
        out["candidates"] = {text: seen[:2] for text, seen in node.kept.items()}
    out |= {name: dict(found) for name in ("redacted", "formats") if (found := getattr(node, name))}
    if node.kept is None and node.texts:
        out["texts"] = few(node.texts)
        out["lengths"] = [node.shortest, node.longest]
    if node.figures:
        out["figures"] = few({repr(_plain_figure(figure)) for figure in node.figures})
        out["range"] = _range(node)
    fields = {key: plain(child) for key, child in (node.fields | node.doubtful).items()}
    out |= {"properties": fields} if fields else {}
    out |= {"items": plain(node.items)} if node.items else {}
    out |= {"map_values": plain(node.rest)} if node.rest else {}
    return out


def bare(shape: dict[str, Any]) -> dict[str, Any]:
    """A candidate form without anything private: what is the same for every cut of a recording and holds no value."""
    out = {name: value for name, value in shape.items() if name not in PRIVATE}
    if "properties" in out:
        out["properties"] = {key: bare(child) for key, child in out["properties"].items()}
    for name in ("items", "map_values"):
        if name in out:
            out[name] = bare(out[name])
    return out


def few(texts: set[str]) -> list[str]:
    """Digests of fewer than five distinct texts, sorted; five or more are told by an empty list, whichever they were."""
    if len(texts) >= FEWEST_DISTINCT:
        return []
    return sorted(canon.hexadecimal(canon.digest_bytes(text.encode("utf-8", "surrogatepass")))[:16] for text in texts)


def _plain_figure(figure: float) -> float:
    return (
        int(figure) if float(figure) == figure and abs(figure) < _LARGEST and int(figure) == figure else figure
    )  # 1 and 1.0 are one value


def _range(node: Node) -> list[int] | None:
    if not -_LARGEST < node.low <= node.high < _LARGEST:
        return None
    return [math.floor(node.low), math.ceil(node.high)]
