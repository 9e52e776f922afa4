"""How calls authenticate: a scheme and references, never a secret. `auth:` of the manifest, signed host by host as `auth:HOST`.

A reference says where this machine finds a secret at call time: `env:NAME`, `keyring:NAME`, `config:NAME` (a file or a command that the user's own
configuration names so: what a repository says starts no process), or `caller:HEADER`, a header that who calls over HTTP sends for this purpose.
"""

import re
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from caskmcp.model.record import Record

REFERENCE: Final = re.compile(
    r"(?:env:[A-Za-z_][A-Za-z0-9_]{0,127}|keyring:[A-Za-z0-9_./-]{1,128}|config:[a-z0-9][a-z0-9._-]{0,63})", re.ASCII
)
CALLER: Final = re.compile(r"caller:[a-z][a-z0-9-]{0,63}", re.ASCII)
KEPT_BACK: Final = re.compile(
    r"authorization|proxy-.*|cookie|host|origin|referer|connection|keep-alive|te|trailer|transfer-encoding|upgrade|expect|via|forwarded"
    r"|(?:content|accept|mcp|sec|x-forwarded|access-control|if)-.*|accept|user-agent|date|range|x-real-ip",
    re.ASCII,
)
"""Names of a caller's headers that are never passed on: the server's own token, what belongs to the connection, and what proxies add."""
NAMED: Final = "expected `env:NAME`, `keyring:NAME` or `config:NAME`; files and commands are named in your own configuration"


def _reference(value: str) -> str:
    if not REFERENCE.fullmatch(value):
        raise ValueError(NAMED)
    return value


def _source(value: str) -> str:
    if CALLER.fullmatch(value):
        if KEPT_BACK.fullmatch(value.partition(":")[2]):
            raise ValueError("this header of a caller is never passed on; name one of its own, e.g. `caller:x-store-token`")
        return value
    return _reference(value)


def _token_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        whole = parts.scheme == "https" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        whole, parts = False, urlsplit("")
    if not whole or "@" in parts.netloc or not re.fullmatch(r"[!-~]{1,500}", value, re.ASCII) or set("?#\\") & set(value):
        raise ValueError("expected `https://HOST[:PORT]/PATH`, without user, query or fragment")
    return value


Reference = Annotated[str, AfterValidator(_reference)]
Source = Annotated[str, AfterValidator(_source)]
TokenUrl = Annotated[str, AfterValidator(_token_url)]
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$")]
Word = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,200}$")]
Label = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,64}$")]


class OAuth2(Record):
    """How a token is got (RFC 6749): `from` leads to the client's secret or, for `refresh_token`, to the refresh token."""

    grant: Literal["client_credentials", "refresh_token"] = "client_credentials"
    token_url: TokenUrl
    """Where tokens are given: https, checked like every place that a call goes to; a chosen environment has to name it."""
    client_id: Word
    client_secret: Reference | None = None
    """For `refresh_token`: the client's secret, if it has one."""
    client_auth: Literal["basic", "post"] = "basic"
    """Whether the client's secret goes into a header (RFC 6749 section 2.3.1) or into the form."""
    scopes: tuple[Word, ...] = ()
    audience: Annotated[str, StringConstraints(pattern=r"^[!-~]{0,200}$")] = ""

    @model_validator(mode="after")
    def _one_secret(self) -> Self:
        if self.client_secret is not None and self.grant != "refresh_token":
            raise ValueError("`client_secret` is for `refresh_token`; for `client_credentials` the secret is what `from` leads to")
        return self

    @property
    def host(self) -> str:
        """The host of `token_url`, with its port where that is not the scheme's: as `environments:` names it."""
        parts = urlsplit(self.token_url)
        return f"{parts.hostname}:{parts.port}" if parts.port not in (None, 443) else str(parts.hostname)


class SigV4(Record):
    """AWS Signature Version 4: `from` leads to the secret access key."""

    key_id: Reference
    """Leads to the access key's id."""
    session: Reference | None = None
    """Leads to the session token of temporary credentials."""
    region: Label
    service: Label


PARTS = Literal["method", "path", "query", "target", "host", "timestamp", "body", "body_sha256"]


class Hmac(Record):
    """A signature of our own table: HMAC over parts of the request, in a header. `from` leads to the key."""

    header: HeaderName
    algorithm: Literal["sha256", "sha384", "sha512", "sha1"] = "sha256"
    parts: Annotated[tuple[PARTS, ...], Field(min_length=1)]
    """What is signed, in this order."""
    joined: Annotated[str, StringConstraints(max_length=4)] = "\n"
    """What stands between two parts."""
    encoding: Literal["hex", "base64"] = "hex"
    prefix: Annotated[str, StringConstraints(pattern=r"^[ -~]{0,100}$")] = ""
    """What stands before the signature in its header."""
    key: Literal["text", "hex", "base64"] = "text"
    """How the key is written."""
    timestamp: HeaderName | None = None
    """The header that carries the time that was signed."""
    clock: Literal["unix", "unix_ms", "rfc3339"] = "unix"

    @model_validator(mode="after")
    def _timed(self) -> Self:
        if ("timestamp" in self.parts) != (self.timestamp is not None):
            raise ValueError("the part `timestamp` and the header `timestamp:` that carries it go together")
        return self


class AuthRule(Record):
    """How calls to a host authenticate: a scheme and a reference, never a secret. Signed as `auth:HOST`."""

    scheme: Literal["bearer", "basic", "api_key", "oauth2", "sigv4", "hmac"]
    source: Annotated[Source, Field(alias="from")]
    name: str | None = None
    """For `api_key`: the header's, query parameter's or cookie's name."""
    place: Annotated[Literal["header", "query", "cookie"], Field(alias="in")] = "header"
    oauth2: OAuth2 | None = None
    sigv4: SigV4 | None = None
    hmac: Hmac | None = None

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.scheme == "api_key" and not self.name:
            raise ValueError("`api_key` needs `name:`")
        for scheme in DETAILED:
            if (getattr(self, scheme) is not None) != (self.scheme == scheme):
                raise ValueError(f"the scheme `{scheme}` and its entry `{scheme}:` go together")
        if self.by_caller and self.scheme in DETAILED:
            raise ValueError(f"`{self.scheme}` is not for a caller's own header")
        return self

    @property
    def by_caller(self) -> bool:
        """Whether who calls brings the credential."""
        return self.source.startswith("caller:")

    @property
    def references(self) -> tuple[tuple[str, str], ...]:
        """(role, reference) of all that it needs; the first is `from`."""
        rows = (
            ("from", self.source),
            ("client_secret", self.oauth2.client_secret if self.oauth2 else None),
            ("key_id", self.sigv4.key_id if self.sigv4 else None),
            ("session", self.sigv4.session if self.sigv4 else None),
        )
        return tuple((role, reference) for role, reference in rows if reference is not None)

    @property
    def renewable(self) -> bool:
        """Whether asking again, after the upstream refused it, may give another credential."""
        return self.oauth2 is not None or any(reference.startswith("config:") for _, reference in self.references)


DETAILED: Final = ("oauth2", "sigv4", "hmac")
"""Schemes with an entry of their own. Rules without them are signed as before there were any."""
