"""The one document that a collection is: read whole with a limit, parsed strictly, its lines known for errors.

Promises CASK-C005 beyond the limit and CASK-C001 with a line for what is no JSON or YAML. What the values mean is the format's business.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from caskmcp.compiler.capture.sources.openapi.lines import json_lines
from caskmcp.errors import CaskError
from caskmcp.text import MAX_BYTES, Document, Path, parse_json, parse_yaml

CODE: Final = "CASK-C001"


def joined(blocks: Iterable[bytes]) -> bytes:
    """All of a file. Raises CASK-C005 beyond 32 MiB."""
    data = bytearray()
    for block in blocks:
        data += block
        if len(data) > MAX_BYTES:
            raise CaskError("CASK-C005", f"a collection larger than {MAX_BYTES >> 20} MiB", mend="take its folders one by one")
    return bytes(data)


def text(data: bytes) -> str:
    """A file as text with plain line ends. Raises CASK-C001 for what is not UTF-8."""
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as cause:
        raise CaskError(CODE, "the file is not UTF-8", place=f"byte {cause.start}", mend="save it as UTF-8") from cause


@dataclass(frozen=True)
class Collection:
    """A parsed document."""

    value: dict[str, Any]
    find_lines: Callable[[], Mapping[Path, int]]

    @cached_property
    def lines(self) -> Mapping[Path, int]:
        """Path -> line; made when the first error needs it."""
        return self.find_lines()

    def refuse(self, at: Path, what: str, mend: str) -> CaskError:
        """An error with the line of a path."""
        return CaskError(CODE, what, place=Document("line", None, self.lines).place(at).replace(":", " "), mend=mend)


def parse(data: bytes, what: str, mend: str) -> Collection:
    """A document whose root is an object. what, mend: how an error calls the format, and what then helps."""
    is_json = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[")
    try:
        document = Document("line", parse_json(data, "line"), {}) if is_json else parse_yaml(data, "line")
    except CaskError as cause:
        place = str(cause.place).replace(":", " ") if cause.place != "line" else None
        raise CaskError(CODE, f"this is no {what}: {cause.what}", place=place, mend=mend) from cause
    if not isinstance(document.value, dict):
        raise CaskError(CODE, f"this is no {what}: expected an object", place="line 1", mend=mend)
    return Collection(document.value, lambda: json_lines(data.decode("utf-8-sig")) if is_json else document.lines)
