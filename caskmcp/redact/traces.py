"""Traces of values in bytes: each value is looked for as it is and in every encoding that a program might have written it in.

Knows nothing of files. What is compressed inside the bytes is looked into as well, a few layers deep.
"""

import base64
import html
import json
import re
import zlib
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote, quote_plus

SHORTEST: Final = 8
"""Bytes that a form has to have: shorter ones stand in many files by chance."""
_DEEP: Final = 3
"""Compressions inside compressions that are looked into."""
_MOST: Final = 256 << 20
"""Bytes that one compressed part may have."""
_GZIP: Final = b"\x1f\x8b\x08"
_ZLIB: Final = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")


class Traces:
    """Values with what each of them is called, ready to be looked for."""

    def __init__(self) -> None:
        self._forms: dict[bytes, list[tuple[bytes, str]]] = {}

    def add(self, value: str, label: str, *, encoded: bool = True) -> None:
        """Look for a value. encoded: in its encodings as well."""
        for form in forms(value) if encoded else {value.encode()}:
            if len(form) >= SHORTEST:
                self._forms.setdefault(form[:SHORTEST], []).append((form, label))

    def found(self, data: bytes) -> set[str]:
        """The labels of the values that stand in the bytes, or in what is compressed in them."""
        return {label for layer in layers(data) for label in self._raw(layer)}

    def _raw(self, data: bytes) -> Iterator[str]:
        known = self._forms
        for at in range(len(data) - SHORTEST + 1):
            if (head := data[at : at + SHORTEST]) in known:
                yield from (label for form, label in known[head] if data.startswith(form, at))


def forms(value: str) -> set[bytes]:
    """The ways in which a value can be written down."""
    raw, escaped = value.encode(), json.dumps(value)[1:-1]
    texts = {
        quote(value, safe=""),
        quote(value),
        quote_plus(value),
        quote(quote(value, safe=""), safe=""),
        escaped,
        json.dumps(escaped)[1:-1],
        json.dumps(json.dumps(escaped)[1:-1])[1:-1],
        escaped.replace("/", "\\/"),
        json.dumps(value, ensure_ascii=False)[1:-1],
        "".join(f"\\u{ord(sign):04x}" for sign in value),
        html.escape(value),
        raw.hex(),
        raw.hex().upper(),
    }
    texts |= {re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), text) for text in texts if "%" in text}
    return {raw, *(text.encode() for text in texts), value.encode("utf-16-le"), value.encode("utf-16-be"), *_base64(raw)}


def _base64(raw: bytes) -> Iterator[bytes]:
    """What stays the same of a value's base64, wherever it stands in what is encoded: three alignments, two alphabets."""
    for before in range(3):
        text = base64.b64encode(bytes(before) + raw)
        first, rest = (0, 2, 3)[before], (before + len(raw)) % 3
        bare = text[first : len(text) - (4 if rest else 0)]  # the last sign of an open group depends on what follows
        yield from (bare, bare.replace(b"+", b"-").replace(b"/", b"_"))


def layers(data: bytes, depth: int = 0) -> Iterator[bytes]:
    """The bytes, and what is compressed in them (gzip members anywhere, zlib at the beginning)."""
    yield data
    if depth < _DEEP:
        for inner in _inflated(data):
            yield from layers(inner, depth + 1)


def _inflated(data: bytes) -> Iterator[bytes]:
    at = data.find(_GZIP)
    while at >= 0:
        if inner := _opened(memoryview(data)[at:], 31):
            yield inner
        at = data.find(_GZIP, at + 1)
    if data.startswith(_ZLIB) and (inner := _opened(memoryview(data), 15)):
        yield inner


def _opened(data: memoryview, bits: int) -> bytes:
    try:
        return zlib.decompressobj(bits).decompress(data, _MOST)
    except zlib.error:
        return b""  # these bytes only look like compressed ones
