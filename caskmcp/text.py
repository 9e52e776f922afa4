"""Strict YAML and JSON: line numbers, no duplicate keys, no aliases or tags, no YAML 1.1 surprises, limits of depth and size.

The value that comes out is plain JSON (None, bool, int, float, str, list, dict) with a map from paths to line numbers. What the value
means is for the reader of the document to say. `visible` makes every character of a foreign text show itself. Raises CaskError CASK-I003 with `name:line` as the place.
"""

import json
import math
import re
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from json.encoder import encode_basestring
from typing import Any, Final

import yaml

from caskmcp import hidden, plainyaml
from caskmcp.errors import CaskError

MAX_DEPTH: Final = 60
MAX_BYTES: Final = 32 << 20

HIDDEN: Final = hidden.HIDDEN
visible: Final = hidden.visible

Path = tuple[str | int, ...]

Loader: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Document:
    """A parsed document: its value, and the line (from 1) of each path in it."""

    name: str
    value: Any
    lines: Mapping[Path, int]

    def place(self, path: Path = ()) -> str:
        """`name:line` of the nearest known place at or above a path."""
        while path and path not in self.lines:
            path = path[:-1]
        return f"{self.name}:{self.lines.get(path, 1)}"


def parse_yaml(data: bytes, name: str, *, limit: int = MAX_BYTES, values: int | None = None) -> Document:
    """Parse one YAML document in the JSON schema of YAML 1.2 (`no` is text, `1:30` is text, dates are text).

    values: how many scalars and collections it may hold; each takes about 600 bytes of memory, whatever it takes in the file.
    """
    text = _decode(data, name, limit)
    if values is None or _most(text) < values:
        try:
            value = _own(text, data)
            return Document(name, value, _Lines(value))
        except ValueError:
            pass  # nobody promised that it is one of ours: the strict reader says what it is
    return _composed(text, name, values)


def parse_json(data: bytes, name: str, *, limit: int = MAX_BYTES) -> Any:
    """Parse JSON with unique keys and finite numbers; integers keep every digit."""
    text = _decode(data, name, limit)
    try:
        value = _STRICT.decode(text)
    except (ValueError, RecursionError) as cause:
        raise _bad_json(cause, name) from cause
    # A bound that is cheap and never too low comes first.
    if text.count("[") + text.count("{") >= MAX_DEPTH and is_deeper(value, MAX_DEPTH - 1):
        raise CaskError("CASK-I003", f"nested deeper than {MAX_DEPTH} levels", place=name)
    return value


def dump_yaml(value: Any) -> bytes:
    """YAML for people: block style, sorted keys, UTF-8; reads back as the same value by `parse_yaml`. Same values, same bytes."""
    lines: list[str] = []
    if _is_block(value):
        _write(value, "", lines)
    else:
        lines.append(_inline(value))
    return ("\n".join(lines) + "\n").encode("utf-8")


# ---------------------------------------------------------------- reading
def _own(text: str, data: bytes) -> Any:
    """The value of a document that `dump_yaml` wrote, byte for byte. Raises ValueError for any other."""
    if data.startswith(BOM_UTF8):
        raise plainyaml.NotOurs("a byte order mark")
    return plainyaml.parse(text, plainyaml.Style(_scalar_text, LONGEST_KEY))


class _Lines(Mapping[Path, int]):
    """The lines of a document of our own, counted when somebody asks: mostly nobody does, and how we write tells where each value stands."""

    def __init__(self, value: Any) -> None:
        self._value = value

    @cached_property
    def _known(self) -> Mapping[Path, int]:
        known: dict[Path, int] = {}
        _number(self._value, (), 1, known)
        return known

    def __getitem__(self, path: Path) -> int:
        return self._known[path]

    def __iter__(self) -> Iterator[Path]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


def _number(value: Any, path: Path, line: int, known: dict[Path, int]) -> int:
    """Note where a value stands, and all in it; returns the line after it. An entry's block begins on the next line, an item's on its own."""
    known.setdefault(path, line)
    if not _is_block(value):
        return line + 1
    if isinstance(value, Mapping):
        for key in sorted(value):
            known[(*path, key)] = line
            line = _number(value[key], (*path, key), line + _is_block(value[key]), known)
    else:
        for index, item in enumerate(value):
            line = _number(item, (*path, index), line, known)
    return line


def _composed(text: str, name: str, values: int | None) -> Document:
    try:
        if values is not None:
            _refuse_many(text, values, name)
        _refuse_depth(text, name)
        node = yaml.compose(text, Loader=Loader)
    except (yaml.YAMLError, RecursionError) as cause:
        raise _unreadable(cause, name) from cause
    lines: dict[Path, int] = {}
    value = None if node is None else _construct(node, (), name, lines, {})
    return Document(name, value, lines)


def _decode(data: bytes, name: str, limit: int) -> str:
    if len(data) > limit:
        raise CaskError("CASK-I003", f"larger than {limit} bytes", place=name)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as cause:
        raise CaskError("CASK-I003", f"not UTF-8 at byte {cause.start}", place=name) from cause


_BRACKETS: Final = re.compile(r"[\[\]{}]")
_LEAD: Final = re.compile(r"^[ \t?:-]+", re.MULTILINE)


def _refuse_depth(text: str, name: str) -> None:
    """The C composer recurses and would take the process down with it, so depth is known before it starts.

    A bound that is cheap and never too low comes first; only where it is too high are the parser's events counted.
    """
    lead = max((len(run) for run in _LEAD.findall(text)), default=0)
    if lead + sum(bracket in "[{" for bracket in _BRACKETS.findall(text)) <= MAX_DEPTH:
        return
    depth = 0
    for event in yaml.parse(text, Loader=Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise CaskError("CASK-I003", f"nested deeper than {MAX_DEPTH} levels", place=f"{name}:{line}")


def _most(text: str) -> int:
    """More values than a document can hold. A colon can begin a mapping, its key and its value; each other sign at most two values."""
    return 3 * text.count(":") + 2 * sum(text.count(sign) for sign in "\n-,?[{")


def _refuse_many(text: str, values: int, name: str) -> None:
    """As with the depth: a bound that is cheap and never too low comes first, and events are counted only where it is too high."""
    if _most(text) < values:
        return
    held = 0
    for event in yaml.parse(text, Loader=Loader):
        held += isinstance(event, yaml.NodeEvent)
        if held > values:
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise CaskError("CASK-I003", f"holds more than {values} values", place=f"{name}:{line}")


def _unreadable(cause: Exception, name: str) -> CaskError:
    mark = getattr(cause, "problem_mark", None)
    problem = getattr(cause, "problem", None) or (
        "nested too deep" if isinstance(cause, RecursionError) else str(cause).split("\n", maxsplit=1)[0]
    )
    return CaskError("CASK-I003", str(problem), place=f"{name}:{mark.line + 1}" if mark else name)


def _bad_json(cause: Exception, name: str) -> CaskError:
    if isinstance(cause, json.JSONDecodeError):
        return CaskError("CASK-I003", cause.msg, place=f"{name}:{cause.lineno}")
    return CaskError("CASK-I003", "nested too deep" if isinstance(cause, RecursionError) else str(cause), place=name)


def _construct(node: Any, path: Path, name: str, lines: dict[Path, int], seen: dict[int, None]) -> Any:
    here = f"{name}:{node.start_mark.line + 1}"
    lines.setdefault(path, node.start_mark.line + 1)
    if len(path) > MAX_DEPTH:
        raise CaskError("CASK-I003", f"nested deeper than {MAX_DEPTH} levels", place=here)
    if id(node) in seen:  # an alias gives the very same node again
        raise CaskError("CASK-I003", "aliases are not allowed", place=here)
    seen[id(node)] = None
    return _BUILD[type(node)](node, path, name, lines, seen)


def _scalar(node: Any, path: Path, name: str, lines: dict[Path, int], seen: dict[int, None]) -> Any:
    here = f"{name}:{node.start_mark.line + 1}"
    if node.tag not in _IMPLICIT:
        raise CaskError("CASK-I003", f"the tag {node.tag} is not allowed", place=here)
    if node.style in ("'", '"', "|", ">"):
        return node.value
    return plain(node.value, here)


def _sequence(node: Any, path: Path, name: str, lines: dict[Path, int], seen: dict[int, None]) -> list[Any]:
    return [_construct(item, (*path, index), name, lines, seen) for index, item in enumerate(node.value)]


def _mapping(node: Any, path: Path, name: str, lines: dict[Path, int], seen: dict[int, None]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key_node, value_node in node.value:
        here = f"{name}:{key_node.start_mark.line + 1}"
        if not isinstance(key_node, yaml.ScalarNode) or id(key_node) in seen:
            raise CaskError("CASK-I003", "a key has to be plain text", place=here)
        seen[id(key_node)] = None
        key = key_node.value
        if key_node.tag == "tag:yaml.org,2002:merge":
            raise CaskError("CASK-I003", "merge keys are not allowed", place=here)
        if key in out:
            raise CaskError("CASK-I003", f"the key `{key}` stands twice", place=here)
        out[key] = _construct(value_node, (*path, key), name, lines, seen)
        lines[(*path, key)] = key_node.start_mark.line + 1
    return out


_BUILD: Final[Mapping[type, Callable[..., Any]]] = {yaml.ScalarNode: _scalar, yaml.SequenceNode: _sequence, yaml.MappingNode: _mapping}

_IMPLICIT: Final = frozenset(f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "timestamp", "value"))
_WORDS: Final[Mapping[str, Any]] = {"": None, "null": None, "~": None, "true": True, "false": False}
_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)", re.ASCII)
_FLOAT: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?", re.ASCII)


def plain(text: str, place: str) -> Any:
    """What an unquoted YAML scalar means by the JSON schema of YAML 1.2; everything else is text."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        if len(text) > 1000:
            raise CaskError("CASK-I003", "a number has more than 1,000 digits", place=place)
        return int(text)
    if _FLOAT.fullmatch(text):
        try:
            return _finite(text)
        except ValueError as cause:
            raise CaskError("CASK-I003", str(cause), place=place) from cause
    return text


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        raise ValueError(f"the key `{_twice(key for key, _ in pairs)}` stands twice")
    return out


def _twice(keys: Iterable[str]) -> str:
    """The first key that came before. Each is looked up once: a document may hold a million."""
    seen: set[str] = set()
    for key in keys:
        if key in seen:
            return key
        seen.add(key)
    return ""


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value


_STRICT: Final = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite)
"""Made once: an answer is read with each call."""


def is_deeper(value: Any, levels: int) -> bool:
    """Whether a JSON value nests more than so many arrays and objects; every Python says the same, whatever its recursion limits."""
    layer = [value] if isinstance(value, dict | list) else []
    for _ in range(levels):
        if not layer:
            return False
        layer = [
            child for item in layer for child in (item.values() if isinstance(item, dict) else item) if isinstance(child, (dict, list))
        ]
    return bool(layer)


# ---------------------------------------------------------------- writing
LONGEST_KEY: Final = 200
"""Characters that a key may have on one line with its value (YAML 1.2 section 7.4.2 allows 1,024); a longer one is written with a question mark."""

_SAFE_PLAIN: Final = re.compile(r"[A-Za-z_/$][A-Za-z0-9_./$-]*", re.ASCII)
_SCALARS: Final = frozenset((str, int, bool, float, type(None)))
_YAML_11: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
# What JSON leaves as it is and YAML does not: characters that it does not print, and its further line breaks.
_UNPRINTABLE: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def _write(value: Any, indent: str, lines: list[str]) -> None:
    """Append the lines of a block collection that is not empty."""
    if isinstance(value, Mapping):
        for key in sorted(value):
            name = _scalar_text(key)
            if len(name) > LONGEST_KEY:
                lines.append(f"{indent}? {name}")
                name = ""
            _write_entry(f"{indent}{name}:", value[key], indent, lines)
    else:
        for item in value:
            _write_item(item, indent, lines)


def _write_entry(head: str, value: Any, indent: str, lines: list[str]) -> None:
    if not _is_block(value):
        lines.append(f"{head} {_inline(value)}")
        return
    lines.append(head)
    # As everybody writes it: a sequence stands below its key without further indent.
    _write(value, indent if isinstance(value, list | tuple) else indent + "  ", lines)


def _write_item(value: Any, indent: str, lines: list[str]) -> None:
    if not _is_block(value):
        lines.append(f"{indent}- {_inline(value)}")
        return
    first = len(lines)
    _write(value, indent + "  ", lines)
    lines[first] = f"{indent}- {lines[first][len(indent) + 2 :]}"


def _is_block(value: Any) -> bool:
    return type(value) not in _SCALARS and isinstance(value, Mapping | list | tuple) and len(value) > 0


def _inline(value: Any) -> str:
    if type(value) in _SCALARS:
        return _scalar_text(value)
    if isinstance(value, Mapping):
        return "{}"
    return "[]" if isinstance(value, list | tuple) else _scalar_text(value)


def _scalar_text(value: Any) -> str:
    """A scalar that every YAML reader, also one of YAML 1.1, takes for what it is."""
    if type(value) is int:
        return int.__repr__(value)
    return _text_of(value) if isinstance(value, str) else _number_text(value)


@lru_cache(maxsize=1 << 14)
def _text_of(value: str) -> str:
    """Names of fields and keywords of schemas come again and again."""
    if _SAFE_PLAIN.fullmatch(value) and value.lower() not in _YAML_11:
        return value
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", encode_basestring(value))


def _number_text(value: Any) -> str:
    text = json.dumps(value, allow_nan=False)
    return text.replace("e", ".0e") if isinstance(value, float) and "e" in text and "." not in text else text
