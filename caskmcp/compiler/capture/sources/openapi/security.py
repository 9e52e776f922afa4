"""How operations authenticate, as the words of `Exchange.auth`; never a credential."""

from collections.abc import Iterator
from typing import Final

from caskmcp.compiler.capture.sources.openapi.node import Node
from caskmcp.model.exchange import Skipped

_HTTP: Final = {"bearer": "bearer", "basic": "basic"}
"""HTTP schemes with a word of their own; every other one travels in the header `authorization`."""
_KINDS: Final = frozenset({"apiKey", "http", "oauth2", "openIdConnect", "mutualTLS"})


def auth(root: Node, operation: Node) -> tuple[str, ...]:
    """Every way in which the operation may authenticate, sorted: alternatives and combinations are not told apart."""
    requirements = operation.get("security") or root.get("security")
    listed = () if requirements is None else requirements.items("`security`")
    return tuple(sorted({word for requirement in listed for word in _words(root, requirement)}))


def skipped(root: Node) -> Iterator[Skipped]:
    """Schemes that no request can carry. Checks every scheme."""
    for name, scheme in _schemes(root).items():
        if _kind(scheme) == "mutualTLS":
            yield Skipped(f"components.securitySchemes.{name}", "unsupported", detail="`mutualTLS`")
        _word(scheme)


def _schemes(root: Node) -> dict[str, Node]:
    components = root.get("components")
    section = None if components is None else components.get("securitySchemes")
    return {} if section is None else {name: scheme.followed() for name, scheme in section.fields("`securitySchemes`")}


def _words(root: Node, requirement: Node) -> Iterator[str]:
    schemes = _schemes(root)
    for name in requirement.object("a security requirement"):
        if name not in schemes:
            raise requirement.refuse(f"the security scheme `{name}` is not declared")
        if word := _word(schemes[name]):
            yield word


def _kind(scheme: Node) -> str:
    kind = scheme.need("type", "a security scheme").string("`type`")
    if kind not in _KINDS:
        raise scheme.refuse(f"`{kind}` is no type of security scheme")
    return kind


def _word(scheme: Node) -> str:
    """`bearer`, `basic`, `header:…`, `query:…`, `cookie:…`; empty for what is not part of a request."""
    kind = _kind(scheme)
    if kind == "apiKey":
        return _key_word(scheme)
    if kind == "http":
        return _HTTP.get(scheme.need("scheme", "an http security scheme").string("`scheme`").lower(), "header:authorization")
    return "" if kind == "mutualTLS" else "bearer"


def _key_word(scheme: Node) -> str:
    place = scheme.need("in", "an apiKey security scheme").string("`in`")
    name = scheme.need("name", "an apiKey security scheme").string("`name`")
    if place not in ("header", "query", "cookie"):
        raise scheme.refuse("`in` of an apiKey is header, query or cookie")
    return f"{place}:{name.lower() if place == 'header' else name}"
