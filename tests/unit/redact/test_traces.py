"""Traces: a value is found in every encoding that it was written in, and nowhere else."""

import base64
import gzip
import html
import json
import zlib
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest

from caskmcp.redact.traces import Traces, layers

VALUE = "ghp_dx9 iIP/wmy<4>vlgG+D6"

# fmt: off
WRITTEN: tuple[tuple[str, Callable[[str], bytes]], ...] = (
    ("as it is",             lambda text: text.encode()),
    ("percent-encoded",      lambda text: quote(text, safe="").encode()),
    ("in lower-case percent", lambda _: b"ghp_dx9%20iIP%2fwmy%3c4%3evlgG%2bD6"),
    ("in a query",           lambda text: quote_plus(text).encode()),
    ("percent-encoded twice", lambda text: quote(quote(text, safe=""), safe="").encode()),
    ("in JSON",              lambda text: json.dumps({"a": text}).encode()),
    ("in JSON in JSON",      lambda text: json.dumps(json.dumps({"a": text})).encode()),
    ("with escaped slashes", lambda text: json.dumps(text).replace("/", "\\/").encode()),
    ("in \\u escapes",       lambda text: "".join(f"\\u{ord(sign):04x}" for sign in text).encode()),
    ("in HTML",              lambda text: html.escape(text).encode()),
    ("in hex",               lambda text: b"00" + text.encode().hex().encode()),
    ("in upper-case hex",    lambda text: text.encode().hex().upper().encode()),
    ("in UTF-16, little",    lambda text: text.encode("utf-16-le")),
    ("in UTF-16, big",       lambda text: text.encode("utf-16-be")),
    ("in base64",            lambda text: base64.b64encode(text.encode() + b"more")),
    ("in base64, one off",   lambda text: base64.b64encode(b"x" + text.encode() + b"more")),
    ("in base64, two off",   lambda text: base64.b64encode(b"xy" + text.encode() + b"more")),
    ("in url-safe base64",   lambda text: base64.urlsafe_b64encode(b"?>" + text.encode())),
    ("in a gzip member",     lambda text: b"head" + gzip.compress(text.encode()) + b"tail"),
    ("in a second member",   lambda text: gzip.compress(b"first") + gzip.compress(text.encode())),
    ("in gzip in gzip",      lambda text: gzip.compress(gzip.compress(text.encode()))),
    ("in zlib",              lambda text: zlib.compress(text.encode())),
)
# fmt: on


def traces(*values: str, encoded: bool = True) -> Traces:
    found = Traces()
    for value in values:
        found.add(value, value, encoded=encoded)
    return found


@pytest.mark.parametrize("write", [write for _, write in WRITTEN], ids=[name for name, _ in WRITTEN])
def test_a_value_is_found_however_it_is_written(write: Callable[[str], bytes]) -> None:
    data = write(VALUE)
    assert traces(VALUE, "another value").found(data if data.startswith(b"\x78") else b"before " + data) == {VALUE}


@pytest.mark.parametrize("tail", [b"", b"a", b"ab", b"abc"])
@pytest.mark.parametrize("head", [b"", b"a", b"ab", b"abc"])
def test_base64_is_found_whatever_stands_before_and_behind(head: bytes, tail: bytes) -> None:
    assert traces(VALUE).found(base64.b64encode(head + VALUE.encode() + tail)) == {VALUE}


@pytest.mark.parametrize("data", [b"", VALUE[:-1].encode(), VALUE[1:].encode(), b"ghp_dx9 ", b"\x1f\x8b\x08 no gzip", b"\x78\x9c no zlib"])
def test_what_only_begins_like_a_value_is_not_found(data: bytes) -> None:
    assert traces(VALUE).found(data) == set()


def test_a_piece_is_looked_for_as_it_is_alone() -> None:
    assert traces("abcdefgh", encoded=False).found(b"xabcdefghx") == {"abcdefgh"}
    assert traces("abcdefgh", encoded=False).found(b"abcdefgh".hex().encode()) == set()


def test_what_is_compressed_is_opened_a_few_layers_deep() -> None:
    data = b"value " * 100
    for depth in range(1, 4):
        data = zlib.compress(data + bytes(100 * depth))
        assert len(list(layers(data))) == depth + 1
    assert len(list(layers(zlib.compress(data + bytes(400))))) == 4
