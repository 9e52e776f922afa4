"""One OpenAPI document as nodes that know their place: read, version told apart, references followed inside the document only.

Promises that no file and no socket is ever opened for a reference, and that each refusal names the rule and the line. What the parts of
the document mean is said by `operations`, `parameters`, `security`, `servers` and `schemas`.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from urllib.parse import unquote

from caskmcp.compiler.capture.sources.openapi.lines import json_lines
from caskmcp.errors import CaskError
from caskmcp.text import MAX_BYTES, Document, parse_json, parse_yaml

Path = tuple[str | int, ...]

CODE: Final = "CASK-C002"
BUNDLE: Final = "bundle it into one file first, e.g. npx @redocly/cli bundle"

_VERSION: Final = re.compile(r"3\.[01](?:\.[0-9]+)?(?:-[A-Za-z0-9.]+)?", re.ASCII)
_DIALECTS: Final = ("https://spec.openapis.org/oas/3.1/dialect/", "https://json-schema.org/draft/2020-12/schema")
_NAMED: Final = frozenset({"properties", "patternProperties", "$defs", "schemas", "dependentSchemas", "responses", "parameters", "headers"})
"""Keys whose children are named by the document's author: a child called `default` is no data there."""
_DATA: Final = frozenset({"example", "default", "enum", "const", "value"})


@dataclass(frozen=True)
class Node:
    """A value of the document and where it stands."""

    spec: "Spec"
    value: Any
    at: Path

    def refuse(self, rule: str, *, mend: str | None = None) -> CaskError:
        """The error that says which rule is broken here."""
        return self.spec.refuse(self.at, rule, mend=mend)

    def get(self, key: str) -> "Node | None":
        """The child of that name, if there is one."""
        value = self.object("this")
        return Node(self.spec, value[key], (*self.at, key)) if key in value else None

    def need(self, key: str, what: str) -> "Node":
        """The child of that name; its absence breaks a rule."""
        child = self.get(key)
        if child is None:
            raise self.refuse(f"{what} needs `{key}`")
        return child

    def fields(self, what: str, *, known: frozenset[str] | None = None) -> Iterator[tuple[str, "Node"]]:
        """Name and value of each field but `x-…`, in order. known: the names that there may be."""
        for key in self.object(what):
            child = Node(self.spec, self.value[key], (*self.at, key))
            if key.startswith("x-"):
                continue
            if known is not None and key not in known:
                raise child.refuse(f"{what} has no field `{key}`")
            yield key, child

    def items(self, what: str) -> list["Node"]:
        """The items of a list."""
        if not isinstance(self.value, list):
            raise self.refuse(f"{what} has to be a list")
        return [Node(self.spec, item, (*self.at, index)) for index, item in enumerate(self.value)]

    def object(self, what: str) -> dict[str, Any]:
        """The value as an object."""
        if not isinstance(self.value, dict):
            raise self.refuse(f"{what} has to be an object")
        return self.value

    def string(self, what: str) -> str:
        """The value as text."""
        if not isinstance(self.value, str):
            raise self.refuse(f"{what} has to be text")
        return self.value

    def text_of(self, key: str) -> str:
        """The text of an optional field; empty without it."""
        child = self.get(key)
        return "" if child is None else child.string(f"`{key}`")

    def flag_of(self, key: str) -> bool:
        """The truth of an optional field; false without it."""
        child = self.get(key)
        if child is not None and not isinstance(child.value, bool):
            raise child.refuse(f"`{key}` has to be true or false")
        return child is not None and bool(child.value)

    def followed(self) -> "Node":
        """What a reference object leads to in the end; the node itself if it is none."""
        node, seen = self, {self.at}
        while isinstance(node.value, dict) and isinstance(node.value.get("$ref"), str):
            node = self.spec.target(node.value["$ref"], (*node.at, "$ref"))
            if node.at in seen:
                raise self.refuse("a reference leads back to itself")
            seen.add(node.at)
        return node


class Spec:
    """A document of version 3.0 or 3.1."""

    def __init__(self, value: dict[str, Any], find_lines: Callable[[], Mapping[Path, int]]) -> None:
        self.value = value
        self._find_lines = find_lines

    @cached_property
    def lines(self) -> Mapping[Path, int]:
        """Path -> line; made when the first error needs it."""
        return self._find_lines()

    @property
    def root(self) -> Node:
        """The whole document."""
        return Node(self, self.value, ())

    @property
    def is_30(self) -> bool:
        """Whether schemas are of the dialect of 3.0."""
        return str(self.value["openapi"]).startswith("3.0")

    def refuse(self, at: Path, rule: str, *, mend: str | None = None) -> CaskError:
        """An error with the line of a path."""
        place = Document("line", None, self.lines).place(at).replace(":", " ")
        return CaskError(CODE, rule, place=place, mend=mend or "correct the document, then: cask build")

    def target(self, reference: str, at: Path) -> Node:
        """What a reference means. at: where the reference stands. Raises CASK-C002 for whatever is not inside this document."""
        if not reference.startswith("#"):
            raise self.refuse(at, f"the reference `{reference}` leaves the document", mend=BUNDLE)
        pointer = unquote(reference[1:])
        if pointer and not pointer.startswith("/"):
            raise self.refuse(at, f"the reference `{reference}` is no JSON pointer")
        node = self.root
        for token in pointer.split("/")[1:]:
            found = _step(node, token.replace("~1", "/").replace("~0", "~"))
            if found is None:
                raise self.refuse(at, f"the reference `{reference}` leads to nothing")
            node = found
        return node


def _step(node: Node, token: str) -> Node | None:
    if isinstance(node.value, dict) and token in node.value:
        return Node(node.spec, node.value[token], (*node.at, token))
    if isinstance(node.value, list) and token.isdecimal() and int(token) < len(node.value):
        return Node(node.spec, node.value[int(token)], (*node.at, int(token)))
    return None


# ---------------------------------------------------------------- reading
def read(blocks: Iterable[bytes]) -> Spec:
    """Parse a document and check its version, texts and references. Raises CASK-C002, and CASK-C005 beyond 32 MiB."""
    data = _joined(blocks)
    spec = _parsed(data)
    _check_version(spec)
    _check_texts(spec)
    for reference, at in _references(spec.value, (), ""):
        spec.target(reference, at)
    return spec


def _joined(blocks: Iterable[bytes]) -> bytes:
    data = bytearray()
    for block in blocks:
        data += block
        if len(data) > MAX_BYTES:
            raise CaskError("CASK-C005", f"a document larger than {MAX_BYTES >> 20} MiB", mend="split the document")
    return bytes(data)


def _parsed(data: bytes) -> Spec:
    is_json = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[")
    try:
        document = Document("line", parse_json(data, "line"), {}) if is_json else parse_yaml(data, "line")
    except CaskError as cause:
        place = str(cause.place).replace(":", " ") if cause.place != "line" else None
        raise CaskError(CODE, cause.what, place=place, mend="correct the document, then: cask build") from cause
    if not isinstance(document.value, dict):
        raise CaskError(CODE, "this is no OpenAPI document: expected an object with `openapi:`", place="line 1")
    return Spec(document.value, lambda: json_lines(data.decode("utf-8-sig")) if is_json else document.lines)


def _check_version(spec: Spec) -> None:
    if "swagger" in spec.value:
        version = f"Swagger {str(spec.value['swagger'])[:20]}"
        raise spec.refuse(("swagger",), f"{version} is not supported", mend="convert it to OpenAPI 3.0 or 3.1 first")
    if "openapi" not in spec.value:
        raise spec.refuse((), "this is no OpenAPI document: `openapi` is missing")
    version = str(spec.value["openapi"])
    if not _VERSION.fullmatch(version):
        raise spec.refuse(("openapi",), f"OpenAPI {version[:20]} is not supported", mend="convert it to OpenAPI 3.0 or 3.1 first")
    dialect = spec.value.get("jsonSchemaDialect", _DIALECTS[0])
    if not str(dialect).startswith(_DIALECTS):
        raise spec.refuse(("jsonSchemaDialect",), f"the schema dialect `{dialect}` is not supported")


def _check_texts(spec: Spec) -> None:
    """Half a surrogate pair can be written in JSON and in no file of ours."""
    try:
        json.dumps(spec.value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as cause:
        raise spec.refuse((), "a text holds half of a surrogate pair") from cause


def _references(value: Any, at: Path, parent: str) -> Iterator[tuple[str, Path]]:
    """Each reference of the document outside example data, with its place."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _references(item, (*at, index), "")
    if not isinstance(value, dict):
        return
    for key, child in value.items():
        if key == "$ref" and isinstance(child, str):
            yield child, (*at, key)
        elif parent in _NAMED or not (key in _DATA or key.startswith("x-") or (key == "examples" and isinstance(child, list))):
            yield from _references(child, (*at, key), "" if parent in _NAMED else key)
