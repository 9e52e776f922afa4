"""The URL of a request as a person wrote it: `{{baseUrl}}/orders/:id?page={{page}}`, as the URL and the query of a `Recorded`.

A host that is not known is left open, a segment that is a variable without a value or `:name` is a parameter. Nothing is refused here:
what is no URL is told by `address`.
"""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, unquote_plus

from caskmcp.compiler.capture.sources.collection.variables import Variables, name_of
from caskmcp.model.exchange import Pair

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,20}|\{\{[^{}]{1,200}\}\})://")
_COLON: Final = re.compile(r":([A-Za-z_][A-Za-z0-9_.-]{0,63})", re.ASCII)
_WHOLE: Final = re.compile(r"\{\{([^{}]{1,200})\}\}")
_UNKNOWN: Final = re.compile(r"<[a-z]{1,20}>")
"""What converters of OpenAPI write where a value belongs: `<string>`, `<long>`."""


def target(text: str, variables: Variables, given: Mapping[str, str] | None = None) -> tuple[str, tuple[Pair, ...]]:
    """URL without query, and the decoded query. given: values of `:name` segments; None if the format has no such segments."""
    left, _, query = text.strip().partition("#")[0].partition("?")
    head, _, inner = variables.fill(left).partition("#")[0].partition("?")
    scheme, rest = _scheme(head)
    authority, slash, path = rest.partition("/")
    host = "" if "{" in authority or "<" in authority else authority
    segments = [_segment(segment, variables, given) for segment in path.split("/")]
    return f"{scheme}://{host}{slash}{'/'.join(segments)}", (*pairs(inner, variables), *pairs(query, variables))


def _scheme(head: str) -> tuple[str, str]:
    """Scheme, and what comes after it. Clients take http for an address that has none; where the host is not known, neither is the scheme."""
    match = _SCHEME.match(head)
    if match is not None:
        return "https" if match[1].startswith("{") else match[1].lower(), head[match.end() :]
    return "http" if head[:1] not in ("", "/", "{") else "https", head


def pairs(query: str, variables: Variables) -> tuple[Pair, ...]:
    """Names and values of a query as it is written."""
    split = (part.strip().partition("=") for part in query.split("&") if part.strip().strip("="))
    return tuple((_plain(name, variables), _plain(value, variables)) for name, _, value in split)


def _plain(text: str, variables: Variables) -> str:
    return unquote_plus(variables.fill(text), errors="replace")


def _segment(segment: str, variables: Variables, given: Mapping[str, str] | None) -> str:
    colon = _COLON.fullmatch(segment) if given is not None else None
    if colon is not None and given is not None:
        return _parameter(colon[1], variables.fill(given.get(colon[1], "")))
    whole = _WHOLE.fullmatch(segment)
    return _parameter(name_of(whole[1]), "") if whole else segment


def _parameter(name: str, value: str) -> str:
    known = value and "{{" not in value and not _UNKNOWN.fullmatch(value)
    return f"{{{name}={quote(value, safe='')}}}" if known else f"{{{quote(name, safe='')}}}"
