"""A token server (RFC 6749) and an API that takes its tokens alone, both on 127.0.0.1: what an upstream behind OAuth 2.0 looks like from outside."""

import json
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs, unquote_plus

from tests.support.upstream import Heard, answer

CLIENT: Final = "shop-client:1"
SECRET: Final = "cl1ent+s3cret/%"
REFRESH: Final = "r3fresh-token-0"


def refusal(error: str, status: str = "401 Unauthorized") -> bytes:
    """An error of RFC 6749 section 5.2."""
    return answer(json.dumps({"error": error}).encode(), status=status)


@dataclass
class TokenServer:
    """Gives `access-1`, `access-2` … to who authenticates, and another refresh token each time."""

    expires: int | None = 3600
    given: list[str] = field(default_factory=list)
    forms: list[Mapping[str, str]] = field(default_factory=list)
    refresh: str = REFRESH
    says: Callable[[], bytes] | None = None
    """In place of what it would answer."""

    def __call__(self, heard: Heard) -> bytes:
        """The answer to one request."""
        form = {name: values[0] for name, values in parse_qs(heard.body.decode("ascii"), keep_blank_values=True).items()}
        self.forms.append(form)
        if self.says is not None:
            return self.says()
        if (heard.method, heard.target, heard.header("host")) != ("POST", "/oauth/token", "id.example.com"):
            return answer(status="404 Not Found")
        if self._who(heard, form) != (CLIENT, SECRET):
            return refusal("invalid_client")
        return GRANTS[form.get("grant_type", "")](self, form)

    def _who(self, heard: Heard, form: Mapping[str, str]) -> tuple[str, str]:
        scheme, _, pair = (heard.header("authorization") or "").partition(" ")
        if scheme == "Basic":
            name, _, secret = b64decode(pair).decode("ascii").partition(":")
            return unquote_plus(name), unquote_plus(secret)
        return form.get("client_id", ""), form.get("client_secret", "")

    def by_client(self, form: Mapping[str, str]) -> bytes:
        """Grant `client_credentials`."""
        return self._token({})

    def by_refresh(self, form: Mapping[str, str]) -> bytes:
        """Grant `refresh_token`: each can be used once."""
        if form.get("refresh_token") != self.refresh:
            return refusal("invalid_grant", "400 Bad Request")
        self.refresh = f"r3fresh-token-{len(self.given) + 1}"
        return self._token({"refresh_token": self.refresh})

    def _token(self, more: Mapping[str, Any]) -> bytes:
        self.given.append(f"access-token-{len(self.given) + 1}")
        ends = {"expires_in": self.expires} if self.expires is not None else {}
        return answer(json.dumps({"access_token": self.given[-1], "token_type": "Bearer", **ends, **more}).encode())


GRANTS: Final[Mapping[str, Callable[[TokenServer, Mapping[str, str]], bytes]]] = {
    "client_credentials": TokenServer.by_client,
    "refresh_token": TokenServer.by_refresh,
    "": lambda *_: refusal("unsupported_grant_type", "400 Bad Request"),
}


@dataclass
class Guarded:
    """An API that takes the newest token of a server, unless it was taken back."""

    server: TokenServer
    taken_back: set[str] = field(default_factory=set)

    def __call__(self, heard: Heard) -> bytes:
        """The answer to one request: 401, or what was sent, as JSON."""
        token = (heard.header("authorization") or "").removeprefix("Bearer ")
        if token not in self.server.given[-1:] or token in self.taken_back:
            return answer(b'{"error":"who are you?"}', status="401 Unauthorized")
        return answer(json.dumps({"ok": True, "you_sent": token}).encode())
