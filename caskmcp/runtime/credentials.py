"""How a call authenticates: a signed rule names scheme, place and reference; the secret is read at call time and goes into one request.

Promises: the secret is in the returned request and nowhere else; `shown` is what a dry run and a person see instead. The compiled grammar
cannot set these headers, so no argument can replace a credential.
"""

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from caskmcp.errors import CaskError
from caskmcp.model.auth import DETAILED, AuthRule
from caskmcp.runtime import signing, sigv4, wire
from caskmcp.runtime.plan import PreparedRequest

_NONE: Final[Mapping[str, str]] = {}
CARRYING: Final = wire.FRAMING - {"authorization"}
"""Headers that carry a request: no credential takes their place."""
_WORDS: Final = {"oauth2": "Bearer, a token got with", "sigv4": "a signature (AWS Signature Version 4) by", "hmac": "a signature by"}


def reference_shown(rule: AuthRule) -> str:
    """What stands where the secret would."""
    return f"<{rule.source}>"


def shown(request: PreparedRequest, rule: AuthRule | None) -> PreparedRequest:
    """The request as a dry run and a person see it: references where secrets would stand, and what is signed named in place of a signature."""
    if rule is None:
        return request
    if rule.scheme not in DETAILED:
        return with_credential(request, rule, reference_shown(rule))
    named = " ".join(f"<{reference}>" for _, reference in rule.references)
    header = rule.hmac.header if rule.hmac is not None else "Authorization"
    return request.with_header(header, f"{_WORDS[rule.scheme]} {named}")


def with_credential(
    request: PreparedRequest, rule: AuthRule, secret: str, *, others: Mapping[str, str] = _NONE, at: str = ""
) -> PreparedRequest:
    """The request with the credential in its place. Raises CASK-R009 for a secret that no header can carry.

    secret: what goes out, or what signs; others: by role, what the scheme needs beside it; at: RFC 3339, the time that is signed.
    """
    for value in (secret, *others.values()):
        refuse_unfit(value, rule.source)
    place = rule.place if rule.scheme == "api_key" else "header"
    return _SCHEMES[rule.scheme, place](request, rule, Secrets(secret, others, at))


@dataclass(frozen=True)
class Secrets:
    """What one call authenticates with."""

    secret: str = field(repr=False)
    others: Mapping[str, str] = field(repr=False)
    at: str


def refuse_unfit(secret: str, reference: str) -> None:
    """Raise CASK-R009 for what no header can carry."""
    if not wire.HEADER_VALUE.fullmatch(secret):
        raise CaskError("CASK-R009", f"what {reference} leads to is no credential: it is empty, not ASCII, or has spaces at its ends")


def _bearer(request: PreparedRequest, _: AuthRule, given: Secrets) -> PreparedRequest:
    return request.with_header("Authorization", f"Bearer {given.secret}")


def _basic(request: PreparedRequest, _: AuthRule, given: Secrets) -> PreparedRequest:
    return request.with_header("Authorization", f"Basic {b64encode(given.secret.encode('ascii')).decode('ascii')}")


def _sigv4(request: PreparedRequest, rule: AuthRule, given: Secrets) -> PreparedRequest:
    keys = sigv4.Keys(given.others["key_id"], given.secret, given.others.get("session", ""))
    return request if rule.sigv4 is None else sigv4.signed(request, rule.sigv4, keys, given.at)


def _hmac(request: PreparedRequest, rule: AuthRule, given: Secrets) -> PreparedRequest:
    if rule.hmac is None:
        return request
    named = [name.lower() for name in (rule.hmac.header, rule.hmac.timestamp) if name is not None]
    if len(set(named)) != len(named) or not CARRYING.isdisjoint(named):
        raise CaskError(
            "CASK-R009", "the approved `hmac:` entry names one header twice, or one that says where a request goes or what it is"
        )
    return signing.signed(request, rule.hmac, given.secret, given.at)


def _header(request: PreparedRequest, rule: AuthRule, given: Secrets) -> PreparedRequest:
    return request.with_header(_name(rule), given.secret)


def _query(request: PreparedRequest, rule: AuthRule, given: Secrets) -> PreparedRequest:
    secret = given.secret
    joined = b"&" if b"?" in request.target else b"?"
    return replace(request, target=request.target + joined + f"{wire.escaped(_name(rule))}={wire.escaped(secret)}".encode("ascii"))


def _cookie(request: PreparedRequest, rule: AuthRule, given_: Secrets) -> PreparedRequest:
    own = f"{_name(rule)}={wire.escaped(given_.secret)}"
    given = next((value for name, value in request.headers if name == "Cookie"), "")
    return request.with_header("Cookie", f"{given}; {own}" if given else own)


def _name(rule: AuthRule) -> str:
    name = rule.name or ""
    if not wire.TOKEN.fullmatch(name) or name.lower() in CARRYING:
        raise CaskError("CASK-R009", "the approved `auth:` entry names no header, parameter or cookie that can carry a credential")
    return name


_SCHEMES: Final[Mapping[tuple[str, str], Callable[[PreparedRequest, AuthRule, Secrets], PreparedRequest]]] = {
    ("bearer", "header"): _bearer,
    ("oauth2", "header"): _bearer,
    ("sigv4", "header"): _sigv4,
    ("hmac", "header"): _hmac,
    ("basic", "header"): _basic,
    ("api_key", "header"): _header,
    ("api_key", "query"): _query,
    ("api_key", "cookie"): _cookie,
}
