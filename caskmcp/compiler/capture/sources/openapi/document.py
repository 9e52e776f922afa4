"""A document of OpenAPI 2.0, 3.0, 3.1 or 3.2 with all its files: read, its version told, references followed inside these files only.

Promises that no file and no socket is ever opened for a reference, and that each refusal names the rule, the file and the line. What the
parts of a document mean is said by `operations`, `swagger`, `parameters`, `messages`, `security`, `servers` and `schemas`.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any, Final
from urllib.parse import unquote, urljoin, urlsplit

from caskmcp.compiler.capture.sources.openapi import bundle
from caskmcp.compiler.capture.sources.openapi.lines import json_lines
from caskmcp.compiler.capture.sources.openapi.node import Node, Path
from caskmcp.errors import CaskError
from caskmcp.text import MAX_BYTES, Document

CODE: Final = "CASK-C002"
CORRECT: Final = "correct the document, then: cask build"
CONVERT: Final = "convert it to OpenAPI 3.1 first"
DOWNLOAD: Final = "download it into the document's folder and refer to the file: a build opens no socket"
MOVE: Final = "move the file into the document's folder or below it, and refer to it there"
HERE: Final = "./"
"""Before the name of a file that is not the main one, as the first step of a path: no field of a document begins so."""

_VERSION: Final = re.compile(r"3\.([012])(?:\.[0-9]+)?(?:-[A-Za-z0-9.]+)?", re.ASCII)
_DIALECTS: Final = (
    "https://spec.openapis.org/oas/3.1/dialect/",
    "https://spec.openapis.org/oas/3.2/dialect/",
    "https://json-schema.org/draft/2020-12/schema",
)


class Spec:
    """A document: its main file and those that it refers to."""

    def __init__(self, main: str, values: Mapping[str, Any], find_lines: Mapping[str, Callable[[], Mapping[Path, int]]]) -> None:
        self.main = main
        self.value: dict[str, Any] = values[main]
        self._values = values
        self._find_lines = find_lines
        self._lines: dict[str, Mapping[Path, int]] = {}
        self.version = ""
        """`2.0`, `3.0`, `3.1` or `3.2`, once it is known."""

    @property
    def root(self) -> Node:
        """The whole main file."""
        return Node(self, self.value, ())

    @property
    def is_old(self) -> bool:
        """Whether schemas are of the dialect of 2.0 and 3.0."""
        return self.version in ("2.0", "3.0")

    @property
    def schemas_at(self) -> Path:
        """Where the document keeps its named schemas."""
        return ("definitions",) if self.version == "2.0" else ("components", "schemas")

    def files(self) -> tuple[Node, ...]:
        """The root of each file, the main one first."""
        others = sorted(name for name in self._values if name != self.main)
        return (self.root, *(Node(self, self._values[name], (HERE + name,)) for name in others))

    def node(self, at: Path) -> Node:
        """The node at a place that is known to be there."""
        value, rest = self._file(at)
        for step in rest:
            value = value[step]
        return Node(self, value, at)

    def _file(self, at: Path) -> tuple[Any, Path]:
        name = self.file_of(at)
        return (self.value, at) if name == self.main else (self._values[name], at[1:])

    def file_of(self, at: Path) -> str:
        """Name of the file in which a place lies."""
        return at[0].removeprefix(HERE) if at and isinstance(at[0], str) and at[0].startswith(HERE) else self.main

    def refuse(self, at: Path, rule: str, *, mend: str | None = None) -> CaskError:
        """An error with the line of a place, and the file if it is not the main one."""
        name = self.file_of(at)
        if name not in self._lines:
            self._lines[name] = self._find_lines[name]()
        line = Document("line", None, self._lines[name]).place(self._file(at)[1])
        place = line.replace(":", " ") if name == self.main else line.replace("line", name, 1)
        return CaskError(CODE, rule, place=place, mend=mend or CORRECT)

    # ------------------------------------------------------------ references
    def target(self, reference: str, at: Path) -> Node:
        """What a reference means. at: where the reference stands. Raises CASK-C002 for whatever is in none of the document's files."""
        address, _, fragment = reference.partition("#")
        name = self._file_named(address, reference, at) if address else self.file_of(at)
        node = self.root if name == self.main else Node(self, self._values[name], (HERE + name,))
        pointer = unquote(fragment)
        if pointer and not pointer.startswith("/"):
            return self._anchored(name, pointer, reference, at)
        for token in pointer.split("/")[1:]:
            found = _step(node, token.replace("~1", "/").replace("~0", "~"))
            if found is None:
                raise self.refuse(at, f"the reference `{reference}` leads to nothing")
            node = found
        return node

    def _file_named(self, address: str, reference: str, at: Path) -> str:
        base = self.file_of(at)
        own = self._selves.get(urljoin(str(_self_of(self._values[base]) or ""), address))
        if own is not None:
            return own
        host = _host(address)
        if host is None:
            raise self.refuse(at, "a reference is no address")
        if host:
            # The address itself may hold a password or a key: only the host is named.
            raise self.refuse(at, f"a reference leads to the host `{host}`", mend=DOWNLOAD)
        name = bundle.resolve(base, address)
        if name is None and "?" in address:
            raise self.refuse(at, "a reference to a file has a query")
        if name is None:
            raise self.refuse(at, f"the reference `{reference}` leaves the document's folder", mend=MOVE)
        if name != self.main and not name.lower().endswith(bundle.ENDINGS):
            raise self.refuse(at, f"the reference `{reference}` leads to a file that is none of {', '.join(bundle.ENDINGS)}")
        if name not in self._values:
            raise self.refuse(at, f"the reference `{reference}` leads to a file that is not there")
        return name

    @cached_property
    def _selves(self) -> Mapping[str, str]:
        """What a file says that its own address is (3.2 section 4.1.1, `$self`) -> the file."""
        return {str(own): name for name in sorted(self._values) if (own := _self_of(self._values[name]))}

    def _anchored(self, name: str, anchor: str, reference: str, at: Path) -> Node:
        found = self._anchors.get((name, anchor))
        if found is None:
            raise self.refuse(at, f"the reference `{reference}` is no JSON pointer, and no schema has that anchor")
        return self.node(found)

    @cached_property
    def _anchors(self) -> Mapping[tuple[str, str], Path]:
        return {
            (self.file_of(node.at), place.value["$anchor"]): place.at
            for node in self.files()
            for place in _objects(node)
            if isinstance(place.value.get("$anchor"), str) and not self.is_old
        }


def _self_of(value: Any) -> str | None:
    own = value.get("$self") if isinstance(value, dict) else None
    return own if isinstance(own, str) else None


def _host(address: str) -> str | None:
    """The host that an address names; empty if it names none, None for what is no address."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return None


def _objects(node: Node) -> Iterable[Node]:
    stack = [node]
    while stack:
        item = stack.pop()
        if isinstance(item.value, dict):
            yield item
            stack.extend(item.child(key) for key in item.value)
        elif isinstance(item.value, list):
            stack.extend(item.child(index) for index in range(len(item.value)))


def _step(node: Node, token: str) -> Node | None:
    if isinstance(node.value, dict) and token in node.value:
        return node.child(token)
    if isinstance(node.value, list) and token.isdecimal() and int(token) < len(node.value):
        return node.child(int(token))
    return None


# ---------------------------------------------------------------- reading
def read(blocks: Iterable[bytes]) -> Spec:
    """Parse a document and check its version, texts and references. Raises CASK-C002, and CASK-C005 beyond 32 MiB."""
    main, files = bundle.unpack(_joined(blocks))
    texts = {name: _parsed(data, "" if name == main else name) for name, data in files.items()}
    spec = Spec(main, {name: text.value for name, text in texts.items()}, {name: _lines(files[name], text) for name, text in texts.items()})
    spec.version = _version(spec)
    _check_selves(spec)
    for node in spec.files():
        _check_texts(node)
        for reference, at in bundle.references(node.value):
            if at[-1] == "$ref":
                spec.target(reference, (*node.at, *at))
    return spec


def _joined(blocks: Iterable[bytes]) -> bytes:
    data = bytearray()
    for block in blocks:
        data += block
        if len(data) > MAX_BYTES:
            raise CaskError("CASK-C005", f"a document larger than {MAX_BYTES >> 20} MiB", mend="split the document")
    return bytes(data)


def _parsed(data: bytes, name: str) -> bundle.Parsed:
    try:
        text = bundle.parsed(data)
    except CaskError as cause:
        line = str(cause.place).removeprefix("line").removeprefix(":")
        place = f"{name}:{line}".rstrip(":") if name else f"line {line}" if line else None
        raise CaskError(CODE, cause.what, place=place, mend=CORRECT) from cause
    if not name and not isinstance(text.value, dict):
        raise CaskError(CODE, "this is no OpenAPI document: expected an object with `openapi:`", place="line 1", mend=CORRECT)
    return text


def _lines(data: bytes, text: bundle.Parsed) -> Callable[[], Mapping[Path, int]]:
    return lambda: json_lines(data.decode("utf-8-sig")) if text.lines is None else text.lines


def _version(spec: Spec) -> str:
    if "swagger" in spec.value:
        version = str(spec.value["swagger"])
        if version not in ("2.0", "2"):
            raise spec.refuse(("swagger",), f"Swagger {version[:20]} is not supported", mend=CONVERT)
        return "2.0"
    if "openapi" not in spec.value:
        raise spec.refuse((), "this is no OpenAPI document: `openapi` is missing")
    version = str(spec.value["openapi"])
    if not (match := _VERSION.fullmatch(version)):
        raise spec.refuse(("openapi",), f"OpenAPI {version[:20]} is not supported", mend=CONVERT)
    dialect = spec.value.get("jsonSchemaDialect", _DIALECTS[0])
    if not is_dialect(dialect):
        raise spec.refuse(("jsonSchemaDialect",), "the schema dialect of `jsonSchemaDialect` is not supported", mend=CONVERT)
    return f"3.{match[1]}"


def is_dialect(name: Any) -> bool:
    """Whether schemas of that dialect are those that we read."""
    return isinstance(name, str) and name.startswith(_DIALECTS)


def _check_selves(spec: Spec) -> None:
    """Every file that is a document of its own is of the same version, and says its own address without a fragment."""
    for node in spec.files():
        value = node.value if isinstance(node.value, dict) else {}
        own = value.get("$self", "")
        if not isinstance(own, str) or "#" in own:
            raise node.child("$self").refuse("`$self` has to be an address without a fragment")
        stated = str(value.get("openapi") or value.get("swagger") or spec.version)
        if not stated.startswith(spec.version[: len(stated)]):
            raise node.refuse(f"this file is of version {stated[:20]}, the document that refers to it of {spec.version}", mend=CONVERT)


def _check_texts(node: Node) -> None:
    """Half a surrogate pair can be written in JSON and in no file of ours."""
    try:
        json.dumps(node.value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as cause:
        raise node.refuse("a text holds half of a surrogate pair") from cause
