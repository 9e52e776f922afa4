"""What a call authenticates with: secrets by reference, a token in their place, the caller's own header; and once more where the upstream says 401.

Promises: nothing is asked of the world but by commands; a token server is a place like any other (scheme, host, addresses, the chosen
environment); what was refused is renewed once and then told. Where a secret stands in a request is `credentials`'.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from caskmcp.errors import CaskError
from caskmcp.model.auth import AuthRule
from caskmcp.model.pack import AdmittedPack
from caskmcp.model.project import EnvironmentHost
from caskmcp.runtime import egress
from caskmcp.runtime.clean import SHORTEST, Clean, without
from caskmcp.runtime.commands import Client, Command, Failure, KnownToken, NewToken, Resolve, Secret
from caskmcp.runtime.credentials import refuse_unfit, with_credential
from caskmcp.runtime.plan import PORTS, PreparedRequest
from caskmcp.runtime.respond import Answer

T = TypeVar("T")
REFUSED: Final = 401


@dataclass(frozen=True)
class Asked:
    """For which call."""

    rule: AuthRule | None
    """None: calls to this host go without credential."""
    at: str
    environment: Mapping[str, EnvironmentHost] = field(default_factory=dict)
    carried: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Headers that the caller sends for this purpose, by name in lower case."""


@dataclass(frozen=True)
class Held:
    """The secrets of one call, by role."""

    asked: Asked
    values: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def secret(self) -> str:
        """What goes out, or what signs; empty without a rule."""
        return self.values.get("token") or self.values.get("from", "")

    def signed(self, request: PreparedRequest) -> PreparedRequest:
        """The request with its credential."""
        rule = self.asked.rule
        return request if rule is None else with_credential(request, rule, self.secret, others=self.values, at=self.asked.at)

    def cut(self, clean: Clean) -> Clean:
        """`clean`, after each secret was taken out."""
        rule = self.asked.rule
        named = password_of(self.values["from"]) if rule is not None and rule.scheme == "basic" and self.values else ""
        for value in (*self.values.values(), *([named] if named else [])):
            clean = without(value, clean)
        return clean


def password_of(pair: str) -> str:
    """What is secret of `user:password`: an upstream may say the password without the user. Some services take their key as the user."""
    user, _, password = pair.partition(":")
    return password if len(password) >= SHORTEST else user


def carried(pack: AdmittedPack | None, headers: Mapping[str, str]) -> Mapping[str, str]:
    """Of what a caller sent, the headers that approved rules name; nothing else of it goes any further."""
    named = {rule.source.partition(":")[2] for rule in pack.auth.values() if rule.by_caller} if pack is not None and headers else ()
    return {name: headers[name] for name in named if name in headers}


def asked(pack: AdmittedPack | None, rule: AuthRule | None, at: str, carried: Mapping[str, str]) -> Asked:
    """For which call of which pack."""
    return Asked(rule, at, pack.environment if pack is not None else {}, carried)


def held(call: Asked, refused: Held | None = None) -> Generator[Command, Any, Held]:
    """Read what the rule names. refused: what the upstream did not take. Raises CASK-R009, CASK-R031, and what `egress` raises."""
    old, rule = refused.values if refused is not None else {}, call.rule
    if rule is None:
        return Held(call)
    values: dict[str, str] = {}
    for role, reference in rule.references:
        values[role] = _carried(call, reference) if rule.by_caller else (yield Secret(reference, old.get(role, "")))
        refuse_unfit(values[role], reference)
    if rule.oauth2 is not None:
        client = Client(rule.oauth2, rule.source, tuple(call.environment.items()), values["from"], values.get("client_secret", ""))
        values["token"] = yield from _token(client, call, old.get("token", ""))
    return Held(call, values)


def _carried(call: Asked, reference: str) -> str:
    name = reference.partition(":")[2]
    if name not in call.carried:
        raise CaskError("CASK-R009", f"who calls has to send the header `{name}` over HTTP: it authenticates the call, and there is none")
    return call.carried[name]


def _token(client: Client, call: Asked, refused: str) -> Generator[Command, Any, str]:
    known: str = yield KnownToken(client, call.at, refused)
    if known:
        return known
    parts = urlsplit(client.rule.token_url)
    plain = PreparedRequest("POST", parts.scheme, parts.hostname or "", parts.port or PORTS[parts.scheme], b"/", ())
    place = egress.destination(plain, client.rule.host, call.environment)
    found: tuple[str, ...] = (place.host,) if place.literal else (yield Resolve(place.host, place.port))
    token: str = yield NewToken(client, place, egress.allowed(found, place), call.at, refused)
    return token


Speak = Callable[[PreparedRequest, str], Generator[Command, Any, tuple[Answer | Failure, T]]]


def spoken(have: Held, request: PreparedRequest, speak: Speak[T]) -> Generator[Command, Any, tuple[Answer | Failure, T, Held]]:
    """Send; where the upstream says 401 and the credential can be renewed, renew it and send once more: what it refused it did not act on.

    speak: how a request is sent, told with the secret it carries. Returns the last answer with what it was asked with.
    """
    reply, more = yield from speak(have.signed(request), have.secret)
    rule = have.asked.rule
    if rule is None or not rule.renewable or not _says_no(reply):
        return reply, more, have
    again = yield from held(have.asked, have)
    if again.values == have.values:
        return reply, more, have
    reply, more = yield from speak(again.signed(request), again.secret)
    return reply, more, again


def _says_no(reply: Answer | Failure) -> bool:
    return isinstance(reply, Answer) and reply.status == REFUSED


def unauthorized(rule: AuthRule | None, status: int) -> str:
    """What there is to say where the upstream did not take a credential: which reference it was, and what mends it; empty otherwise."""
    if rule is None or status != REFUSED:
        return ""
    kind, _, name = rule.source.partition(":")
    return f"the upstream does not take the credential of {rule.source} (401); {MENDS[kind].format(name=name)}"


MENDS: Final[Mapping[str, str]] = {
    "env": "whoever runs the server sets {name} to one that holds and starts the server again",
    "keyring": "whoever runs the server stores another one: python -m keyring set caskmcp {name}",
    "config": "whoever runs the server looks at what `credentials.{name}` of their configuration leads to",
    "caller": "send one that holds in the header `{name}`",
}
"""Kind of reference -> what mends it; for the agent's user, since no agent can."""
