"""How one argument stands on the wire: percent-encoding, styles of OpenAPI 3.1 (section 4.8.12.3), headers, cookies, form fields.

Promises: each character of an argument is encoded exactly once, so that no argument begins a new parameter, header, cookie or line; what
cannot be said in a style is refused (CASK-R003), never sent in another. Which argument goes where is `plan`'s.
"""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote, quote_plus

from caskmcp import canon
from caskmcp.errors import CaskError
from caskmcp.model.tool import Field_

Pairs = Iterator[tuple[str, str]]

LARGEST_BITS: Final = 4096
"""Integers beyond this many bits are refused: writing them takes time that grows with the square of their length."""

# Control characters of both sets, line and paragraph separators, lone surrogates.
CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
HEADER_VALUE: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?", re.ASCII)
TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
"""A header's or cookie's name (RFC 9110 section 5.6.2)."""

FRAMING: Final = frozenset({
    "host", "content-length", "transfer-encoding", "connection", "keep-alive", "upgrade", "te", "trailer", "expect", "cookie",
    "authorization", "accept", "accept-encoding", "content-type", "content-encoding", "proxy-authorization", "proxy-connection",
    "x-http-method", "x-http-method-override", "x-method-override", "x-original-url", "x-rewrite-url", "x-forwarded-host", "forwarded",
})  # fmt: skip
"""Headers that say where a request goes, what it is or who sends it: never filled from an argument."""


def leaves(what: str) -> CaskError:
    """The refusal of an argument that would leave the grammar."""
    return CaskError("CASK-R003", what)


def text_of(value: Any, argument: str) -> str:
    """A scalar as text: true, false, decimal integers, numbers in their shortest form. Raises CASK-R003 for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value.bit_length() <= LARGEST_BITS:
        return str(value)
    if isinstance(value, float) and math.isfinite(value):
        return canon.dump(value).decode("ascii")
    raise leaves(f"`{argument}` has to be a single value")


def plain(value: Any, argument: str) -> str:
    """A scalar as text without control characters."""
    text = text_of(value, argument)
    if CONTROL.search(text):
        raise leaves(f"`{argument}` holds a control character")
    return text


def escaped(text: str) -> str:
    """Percent-encoded once; only unreserved characters (RFC 3986 section 2.3) stay."""
    return quote(text, safe="")


# ---------------------------------------------------------------- query and form styles
def pairs(field: Field_, value: Any, inner: Mapping[str, Any]) -> Pairs:
    """The `name, value` pairs of one argument, not yet encoded but for delimiters. inner: the declared fields of an object argument."""
    if value is None:
        return
    if isinstance(value, Mapping):
        yield from _OBJECTS.get((field.style, field.explode), _no_object)(field, _declared(field, value, inner))
    elif isinstance(value, list):
        yield from _LISTS.get((field.style, field.explode), _no_list)(field, value)
    elif field.style == "deepObject":
        raise leaves(f"`{field.argument}` has to be an object")
    else:
        yield escaped(field.wire), escaped(plain(value, field.argument))


def _declared(field: Field_, value: Mapping[str, Any], inner: Mapping[str, Any]) -> Mapping[str, Any]:
    """The fields of an object, all of which the schema has to name: else an argument could name query parameters."""
    if set(value) - set(inner):
        raise leaves(f"`{field.argument}` has a field that its schema does not name")
    return {key: value[key] for key in sorted(value) if value[key] is not None}


def _items(field: Field_, value: list[Any], delimiter: str) -> Iterator[str]:
    for item in value:
        text = plain(item, field.argument)
        if delimiter and delimiter in text:
            raise leaves(f"an item of `{field.argument}` holds the delimiter of the list")
        yield escaped(text)


def _repeated(field: Field_, value: list[Any]) -> Pairs:
    for item in _items(field, value, ""):
        yield escaped(field.wire), item


def _joined(delimiter: str, written: str) -> Callable[[Field_, list[Any]], Pairs]:
    def join(field: Field_, value: list[Any]) -> Pairs:
        yield escaped(field.wire), written.join(_items(field, value, delimiter))

    return join


def _fields_apart(field: Field_, value: Mapping[str, Any]) -> Pairs:
    for key, item in value.items():
        yield escaped(key), escaped(plain(item, field.argument))


def _fields_joined(field: Field_, value: Mapping[str, Any]) -> Pairs:
    flat = (escaped(plain(part, field.argument)) for key, item in value.items() for part in (key, item))
    yield escaped(field.wire), ",".join(flat)


def _deep(field: Field_, value: Mapping[str, Any]) -> Pairs:
    for key, item in value.items():
        for one in item if isinstance(item, list) else [item]:
            yield escaped(f"{field.wire}[{key}]"), escaped(plain(one, field.argument))


def _no_list(field: Field_, _: list[Any]) -> Pairs:
    raise leaves(f"`{field.argument}` cannot be a list")


def _no_object(field: Field_, _: Mapping[str, Any]) -> Pairs:
    raise leaves(f"`{field.argument}` cannot be an object")


_LISTS: Final[Mapping[tuple[str, bool], Callable[[Field_, list[Any]], Pairs]]] = {
    ("form", True): _repeated,
    ("form", False): _joined(",", ","),
    ("simple", False): _joined(",", ","),
    ("simple", True): _joined(",", ","),
    ("spaceDelimited", False): _joined(" ", "%20"),
    ("spaceDelimited", True): _repeated,
    ("pipeDelimited", False): _joined("|", "%7C"),
    ("pipeDelimited", True): _repeated,
}
_OBJECTS: Final[Mapping[tuple[str, bool], Callable[[Field_, Mapping[str, Any]], Pairs]]] = {
    ("form", True): _fields_apart,
    ("form", False): _fields_joined,
    ("deepObject", True): _deep,
    ("deepObject", False): _deep,
}


# ---------------------------------------------------------------- headers and cookies
def header(field: Field_, value: Any) -> tuple[str, str] | None:
    """One header; None for null. Raises CASK-R003 for a line end, a control character, text beyond ASCII or a header of the framing."""
    if not TOKEN.fullmatch(field.wire) or field.wire.lower() in FRAMING:
        raise leaves(f"`{field.argument}` would set the header {field.wire!r}, which no argument may set")
    if value is None:
        return None
    items = value if isinstance(value, list) else [value]
    text = ",".join(_items_of_header(field, items))
    if text and not HEADER_VALUE.fullmatch(text):
        raise leaves(f"`{field.argument}` has to be printable ASCII without spaces at its ends")
    return field.wire, text


def constant_headers(constants: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Headers of the plan, by name. Raises CASK-R003 for one that is none, or one of the framing."""
    for name, value in sorted(constants.items()):
        if not TOKEN.fullmatch(name) or name.lower() in FRAMING or not HEADER_VALUE.fullmatch(value):
            raise leaves("the approved request has a constant header that may not be one")
        yield name, value


def _items_of_header(field: Field_, items: list[Any]) -> Iterator[str]:
    for item in items:
        text = plain(item, field.argument)
        if len(items) > 1 and "," in text:
            raise leaves(f"an item of `{field.argument}` holds the delimiter of the list")
        yield text


def cookie(field: Field_, value: Any) -> str | None:
    """One `name=value`, percent-encoded, so that no value ends a cookie and begins another; None for null."""
    if not TOKEN.fullmatch(field.wire):
        raise leaves(f"`{field.argument}` would set a cookie whose name is none")
    return None if value is None else f"{field.wire}={escaped(plain(value, field.argument))}"


# ---------------------------------------------------------------- bodies
def json_bytes(value: Any) -> bytes:
    """Compact JSON with every digit of every integer. Raises CASK-R003 for what has no JSON or UTF-8 form."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")
    except (ValueError, RecursionError) as cause:
        raise leaves("the body has no JSON form") from cause


def form_text(value: Any, argument: str) -> str:
    """One value of a form: a scalar, or JSON for an object. Line ends are data here, lone surrogates are not."""
    text = json_bytes(value).decode("utf-8") if isinstance(value, dict | list) else text_of(value, argument)
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise leaves(f"`{argument}` holds a lone surrogate")
    return text


def form_pair(name: str, text: str) -> str:
    """`name=value` of an HTML form (WHATWG URL section 5.2): space is a plus sign."""
    return f"{quote_plus(name, safe='')}={quote_plus(text, safe='')}"
