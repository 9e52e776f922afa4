"""How a call authenticates: a signed rule names scheme, place and reference; the secret is read at call time and goes into one request.

Promises: the secret is in the returned request and nowhere else; `reference_shown` is what a dry run shows instead. The compiled grammar
cannot set these headers, so no argument can replace a credential.
"""

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from caskmcp.errors import CaskError
from caskmcp.model.auth import AuthRule
from caskmcp.runtime import wire
from caskmcp.runtime.plan import PreparedRequest


def reference_shown(rule: AuthRule) -> str:
    """What stands where the secret would."""
    return f"<{rule.source}>"


def with_credential(request: PreparedRequest, rule: AuthRule, secret: str) -> PreparedRequest:
    """The request with the credential in its place. Raises CASK-R009 for a secret that no header can carry."""
    if not wire.HEADER_VALUE.fullmatch(secret):
        raise CaskError("CASK-R009", f"what {rule.source} leads to is no credential: it is empty, not ASCII, or has spaces at its ends")
    return _SCHEMES[rule.scheme, rule.place if rule.scheme == "api_key" else "header"](request, rule, secret)


def _bearer(request: PreparedRequest, _: AuthRule, secret: str) -> PreparedRequest:
    return request.with_header("Authorization", f"Bearer {secret}")


def _basic(request: PreparedRequest, _: AuthRule, secret: str) -> PreparedRequest:
    return request.with_header("Authorization", f"Basic {b64encode(secret.encode('ascii')).decode('ascii')}")


def _header(request: PreparedRequest, rule: AuthRule, secret: str) -> PreparedRequest:
    return request.with_header(_name(rule), secret)


def _query(request: PreparedRequest, rule: AuthRule, secret: str) -> PreparedRequest:
    joined = b"&" if b"?" in request.target else b"?"
    return replace(request, target=request.target + joined + f"{wire.escaped(_name(rule))}={wire.escaped(secret)}".encode("ascii"))


def _cookie(request: PreparedRequest, rule: AuthRule, secret: str) -> PreparedRequest:
    own = f"{_name(rule)}={wire.escaped(secret)}"
    given = next((value for name, value in request.headers if name == "Cookie"), "")
    return request.with_header("Cookie", f"{given}; {own}" if given else own)


def _name(rule: AuthRule) -> str:
    name = rule.name or ""
    if not wire.TOKEN.fullmatch(name) or name.lower() in wire.FRAMING - {"authorization"}:
        raise CaskError("CASK-R009", "the approved `auth:` entry names no header, parameter or cookie that can carry a credential")
    return name


_SCHEMES: Final[Mapping[tuple[str, str], Callable[[PreparedRequest, AuthRule, str], PreparedRequest]]] = {
    ("bearer", "header"): _bearer,
    ("basic", "header"): _basic,
    ("api_key", "header"): _header,
    ("api_key", "query"): _query,
    ("api_key", "cookie"): _cookie,
}
