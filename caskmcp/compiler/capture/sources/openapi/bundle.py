"""A document of several files as one text, so that every file that it refers to is part of what a build reads, digests and redacts.

`pack` and `unpack` are each other's inverse and depend on nothing but names and bytes (ADR 0011). `neighbours` says which files one file refers to.
Opens nothing: who gathers the files, and what may be opened, is the caller's. Names are relative to the folder of the main file, with `/`.
"""

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import unquote, urlsplit

from caskmcp import canon
from caskmcp.errors import CaskError
from caskmcp.text import parse_json, parse_yaml

MAGIC: Final = b"cask-files 1\n"
ENDINGS: Final = (".json", ".yaml", ".yml")
"""Ends of the names of files that a document may refer to: whatever else lies beside a stranger's document is not opened for it."""

_MAYBE: Final = re.compile(rb"""\$ref["']?\s*:\s*["']?(?!["'#\s])|\.(?:json|ya?ml)\b""")
"""In every file that refers to another one; in some others too."""
_NAMED: Final = frozenset(
    [
        "properties",
        "patternProperties",
        "$defs",
        "definitions",
        "schemas",
        "dependentSchemas",
        "responses",
        "parameters",
        "headers",
        "examples",
        "links",
        "callbacks",
        "requestBodies",
        "securitySchemes",
        "pathItems",
        "mediaTypes",
    ]
)
"""Keys whose children are named by the document's author: a child called `default` is no data there."""
_DATA: Final = frozenset({"example", "default", "enum", "const", "value", "dataValue"})

Place = tuple[str | int, ...]


class Bundle(NamedTuple):
    """A document with its files."""

    main: str
    """Name of the file that the source names; empty if it stands alone."""
    files: Mapping[str, bytes]


def pack(main: str, files: Mapping[str, bytes]) -> bytes:
    """The files as one text, the same for the same names and bytes."""
    names = sorted(files)
    head = canon.compact({"main": main, "sizes": [[name, len(files[name])] for name in names]})
    return b"".join([MAGIC, head, b"\n", *(files[name] for name in names)])


def unpack(data: bytes) -> Bundle:
    """The files of a packed text; any other text is the main file alone. Raises CASK-C002 for a damaged one."""
    if not data.startswith(MAGIC):
        return Bundle("", {"": data})
    head, _, rest = data.removeprefix(MAGIC).partition(b"\n")
    try:
        value = json.loads(head)
        files, at = {}, 0
        for name, size in value["sizes"]:
            files[str(name)] = rest[at : at + int(size)]
            at += int(size)
        main = str(value["main"])
        if at != len(rest) or main not in files:
            raise ValueError("the sizes do not fit")
    except (ValueError, KeyError, TypeError) as cause:
        raise CaskError("CASK-C002", "these are no files of a document", place="line 2", mend="cask build") from cause
    return Bundle(main, files)


def resolve(base: str, reference: str) -> str | None:
    """The name of the file that a reference in the file `base` means; None for what is no file in the folder of the main file or below."""
    address = reference.partition("#")[0]
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    if parts.scheme or parts.netloc or parts.query or not parts.path or parts.path.startswith("/") or "\0" in unquote(parts.path):
        return None
    name = posixpath.normpath(posixpath.join(posixpath.dirname(base), unquote(parts.path)))
    return None if name == "." or name.split("/")[0] == ".." or name.startswith("/") else name


def neighbours(name: str, data: bytes) -> tuple[str, ...]:
    """Other files that a file refers to, sorted; none for a text that cannot be read: who reads it as a document says why."""
    if not _MAYBE.search(data):
        return ()
    try:
        value = parsed(data).value
    except CaskError:
        return ()
    found = {resolve(name, reference) for reference, _ in references(value)}
    return tuple(sorted(each for each in found if each and each != name and each.lower().endswith(ENDINGS)))


class Parsed(NamedTuple):
    """A file's value with the lines that its format gives."""

    value: Any
    lines: Mapping[Place, int] | None
    """None for JSON: they are found when an error needs them."""


def parsed(data: bytes) -> Parsed:
    """The value of a JSON or YAML text. Raises CASK-I003 with `line:N` as the place."""
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        return Parsed(parse_json(data, "line"), None)
    document = parse_yaml(data, "line")
    return Parsed(document.value, document.lines)


def references(value: Any) -> Iterator[tuple[str, Place]]:
    """Each reference of a value outside example data, with its place: `$ref`, and what a discriminator maps to if it is written as a reference."""
    stack: list[tuple[Any, Place, str]] = [(value, (), "")]
    while stack:
        item, at, parent = stack.pop()
        if isinstance(item, list):
            stack.extend((child, (*at, index), "") for index, child in reversed(list(enumerate(item))))
        elif isinstance(item, dict):
            yield from _own(item, at, parent)
            stack.extend(
                (child, (*at, key), "" if parent in _NAMED else key)
                for key, child in reversed(item.items())
                if parent in _NAMED or not (key in _DATA or key.startswith("x-") or (key == "examples" and isinstance(child, list)))
            )


def _own(item: dict[str, Any], at: Place, parent: str) -> Iterator[tuple[str, Place]]:
    if isinstance(item.get("$ref"), str):
        yield item["$ref"], (*at, "$ref")
    if parent == "discriminator" and isinstance(item.get("mapping"), dict):
        rows = ((key, target) for key, target in item["mapping"].items() if isinstance(target, str))
        yield from ((target, (*at, "mapping", key)) for key, target in rows if re.search(r"[#/]|\.(json|ya?ml)$", target))
