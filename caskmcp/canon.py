"""Canonical bytes, digests and ids: the only place that hashes artifacts.

Canonical JSON is RFC 8785 (JCS). Integers beyond ±(2^53 - 1), which JCS cannot carry, stand as `{"$int": "<decimal>"}`; a user's object
that has that very form is refused, so that no two values share their bytes. Reads no file; formatting for people is elsewhere.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, NewType

import rfc8785

from caskmcp.errors import CaskError

Digest = NewType("Digest", str)
"""`sha256:` and 64 lower-case hexadecimal digits."""

SAFE_INTEGER = 2**53 - 1
_SIMPLE = frozenset((str, bool, type(None)))
_LOW, _HIGH = 1e-4, 1e15
"""Between these a float that is no whole number is written alike by Python and by JCS: the shortest decimal, without an exponent."""


def dump(value: Any) -> bytes:
    """Canonical bytes of a JSON value (None, bool, int, float, str, list, tuple, mapping with text keys).

    Raises CaskError CASK-I003 for what has no canonical form: NaN, infinities, lone surrogates, other types.
    """
    try:
        if _is_simple(value):
            return _plain(value)
        portable = _portable(value)
        return _plain(portable) if _is_plain(portable) else rfc8785.dumps(portable)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as cause:
        raise CaskError("CASK-I003", f"a value has no canonical form: {cause}") from cause


def digest(value: Any) -> Digest:
    """Digest of the canonical bytes of a JSON value."""
    return digest_bytes(dump(value))


def read_plain(data: bytes, levels: int) -> tuple[Any, Digest] | None:
    """The value of a plain JSON document and its digest: what the reader and `digest` say of it, without a look at each value of it.

    Plain are ASCII, small integers, no other numbers, escapes that are no code points, no key twice, fewer brackets than `levels` that may nest.
    None: look closer.
    """
    try:
        text = data.decode("ascii")
        if "\\u" in text or "$int" in text or text.count("[") + text.count("{") >= levels:
            return None
        value = _READER.decode(text)
    except (ValueError, RecursionError):
        return None  # the strict reader says what it is
    written = _ENCODER.encode(value)
    # A member whose key came again is not in the value, and its quotes are not in what is written: nothing else can make up for them.
    return (value, digest_bytes(written.encode("ascii"))) if written.count('"') == text.count('"') else None


def digest_compact(data: bytes) -> Digest:
    """`digest` of the value of which `compact` made these bytes. Hardly ever they have to be read for that.

    Raises CaskError CASK-I003 as `digest` does.
    """
    # Both are written by the same encoder: only odd keys and numbers make a difference.
    plain = data.isascii() and b'"$int"' not in data and not _ODD.search(data)
    return digest_bytes(data) if plain else digest(json.loads(data))


def digest_bytes(data: bytes) -> Digest:
    """Digest of bytes as they are."""
    return Digest("sha256:" + hashlib.sha256(data).hexdigest())


def digest_stream(chunks: Iterable[bytes]) -> Digest:
    """Digest of bytes that come in pieces."""
    state = hashlib.sha256()
    for chunk in chunks:
        state.update(chunk)
    return Digest("sha256:" + state.hexdigest())


def hexadecimal(value: Digest) -> str:
    """The 64 hexadecimal digits of a digest, as used in file names."""
    return value.removeprefix("sha256:")


def is_digest(text: str) -> bool:
    """Whether the text has the form of a digest."""
    body = text.removeprefix("sha256:")
    return text.startswith("sha256:") and len(body) == 64 and not body.strip("0123456789abcdef")


def pretty(value: Any) -> bytes:
    """JSON for people and for `git diff`: sorted keys, two spaces, UTF-8, a final newline. Same values, same bytes."""
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8") + b"\n"


def compact(value: Any) -> bytes:
    """JSON between stages: sorted keys, no spaces, UTF-8, any integer. Same values, same bytes; not what is signed."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")


def _is_simple(value: Any) -> bool:
    """Whether Python's own encoder gives the canonical bytes of a value as it is: the common case, told in one pass."""
    rest = [value]
    while rest:
        item = rest.pop()
        kind = type(item)
        if kind is dict:
            for key in item:
                if type(key) is not str or key >= "\ud800" or key == "$int":
                    return False
            rest.extend(item.values())
        elif kind is list or kind is tuple:
            rest.extend(item)
        elif kind is int:
            if not -SAFE_INTEGER <= item <= SAFE_INTEGER:
                return False
        elif kind is float:
            if not _is_alike(item):
                return False
        elif kind not in _SIMPLE:
            return False
    return True


def _is_alike(number: float) -> bool:
    """Whether Python writes a float as JCS does; of those that it does not, `_portable` makes most into integers."""
    return (_LOW <= number < _HIGH or -_HIGH < number <= -_LOW) and not number.is_integer()


def _is_plain(value: Any) -> bool:
    """Whether Python's own encoder gives the bytes of JCS: no odd float, and keys whose code points sort as their UTF-16 units do."""
    if isinstance(value, dict):
        return all(key < "\ud800" for key in value) and all(_is_plain(item) for item in value.values())
    if isinstance(value, list):
        return all(_is_plain(item) for item in value)
    return not isinstance(value, float) or _is_alike(value)


def _plain(value: Any) -> bytes:
    # Seventy times faster than the reference; the property test holds both to the same bytes.
    return _ENCODER.encode(value).encode("utf-8")


_ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))


_ODD = re.compile(rb"(?:^|[:,\[])-?(?:[0-9]{16}|[0-9]+[.eE])")
"""What may be a number that `compact` and JCS write in two ways: with a fraction or an exponent, or beyond the safe integers."""


def _small(digits: str) -> int:
    if len(digits) > _DIGITS:
        raise ValueError("a large integer")
    return int(digits)


def _other(number: str) -> float:
    raise ValueError(f"{number[:20]} is no integer")


_DIGITS = 15
_READER = json.JSONDecoder(parse_int=_small, parse_float=_other, parse_constant=_other)


def _portable(value: Any) -> Any:
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() and -SAFE_INTEGER <= value <= SAFE_INTEGER else value  # JCS writes 1.0 as 1, and -0.0 as 0
    if isinstance(value, int):
        return value if -SAFE_INTEGER <= value <= SAFE_INTEGER else {"$int": str(value)}
    if isinstance(value, Mapping):
        return _portable_mapping(value)
    if isinstance(value, list | tuple):
        return [_portable(item) for item in value]
    raise CaskError("CASK-I003", f"a value of type {type(value).__name__} has no canonical form")


def _portable_mapping(value: Mapping[Any, Any]) -> dict[str, Any]:
    if set(value) == {"$int"}:
        raise CaskError("CASK-I003", "an object with the single key `$int` is reserved")
    if not all(isinstance(key, str) for key in value):
        raise CaskError("CASK-I003", "an object key is not text")
    return {key: _portable(item) for key, item in value.items()}
