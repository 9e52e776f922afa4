"""One recorded request becomes one redacted exchange, or a `Skipped` with the reason. Nothing comes out of here that was not redacted."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache, partial
from typing import Any, Final
from urllib.parse import quote, unquote, urljoin, urlsplit

import msgspec

from caskmcp.compiler import fleeting
from caskmcp.compiler.capture import asked, bodies, headers, pages, routes, stated
from caskmcp.compiler.capture.address import Address, FirstParties, address, named
from caskmcp.compiler.capture.bearer import Bearers
from caskmcp.compiler.capture.codec import encode_line
from caskmcp.compiler.capture.select import Keep, Seen, reason
from caskmcp.compiler.capture.sources.interface import Recorded, RecordedBody
from caskmcp.compiler.normalize.templates import split_path
from caskmcp.compiler.normalize.tokens import label
from caskmcp.model.exchange import RESTORABLE, Body, Exchange, Pair, Skipped
from caskmcp.redact.cut import Redactor, Spelled
from caskmcp.redact.placeholder import placeholder
from caskmcp.redact.walk import TooDeep

_LISTS: Final = 1 << 10
"""Lists of names of headers that are remembered."""
_WEB: Final = frozenset(("http", "https", "ws", "wss"))
_BODILESS: Final = frozenset((204, 205))
_METHOD: Final = re.compile(r"[A-Za-z_][A-Za-z_-]{0,23}")
"""Every method of IANA's registry, and those that services made up; OpenTelemetry's `_OTHER`. `curl -X` takes anything, and now and then a token."""
_NO_HEADER: Final = frozenset[str]().__contains__
_METHODS: Final = frozenset(("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT"))

_OWN_NAMES: Final = " ".join(
    (*Exchange.__struct_fields__, *Body.__struct_fields__, "exchange authorization bearer digest header: cookie: query:")
)
_OWN: Final = f"{_OWN_NAMES} multipart stream absent {placeholder(bytes(32), 'secret', '')} {placeholder(bytes(32), 'token', '')}".encode()
"""What may stand in any line: whoever has one of these words for a password loses no exchange by it."""


class Intake:
    """Serves one source: its first parties, its redactor."""

    def __init__(self, hosts: Iterable[str], redactor: Redactor, keep: Keep | None = None) -> None:
        self._keep = keep or Keep()
        listed = tuple(hosts)
        self._first = listed[0]
        self._hosts = FirstParties(listed)
        self._redactor = redactor
        self._lists: dict[tuple[str, ...], headers.Named] = {}
        self._bearers = Bearers(redactor.fingerprint)
        self.origins: set[Pair] = set()
        """(placeholder, where it stood) of values that live for a session, in pages that were left out."""

    def take(self, recorded: Recorded) -> tuple[Exchange, bytes] | Skipped:
        """The redacted exchange and its encoded line (without its links), or why it is left out."""
        try:
            where = address(self._located(recorded))
        except ValueError as cause:
            return Skipped(recorded.place, "broken", detail=str(cause))
        if where.scheme not in _WEB:
            return Skipped(recorded.place, "not http")
        if not headers.is_token(recorded.method):
            return Skipped(recorded.place, "broken", detail="the method is no token (RFC 9110 section 5.6.2)")
        if where not in self._hosts:
            return Skipped(recorded.place, "third party", host=named(where))
        if not _METHOD.fullmatch(recorded.method):
            return Skipped(recorded.place, "broken", detail="the method is more than letters and dashes: it may be a secret")
        return self._first_party(recorded, where)

    def _located(self, recorded: Recorded) -> str:
        """The URL; logs and traces that know no host write none (`https:///orders`), and mean the first one."""
        return stated.with_host(recorded.url, self._first) if recorded.stated or recorded.hostless else recorded.url

    def _first_party(self, recorded: Recorded, where: Address) -> tuple[Exchange, bytes] | Skipped:
        response = _answer(recorded)
        left_out = reason(Seen(recorded, where, response))
        if left_out and not self._keep(left_out, recorded.method, where.path):
            self._look_into(recorded, where, left_out)
            return Skipped(recorded.place, left_out, label=_label(recorded.method, where) if left_out in RESTORABLE else "")
        return self._redacted(recorded, where, response, left_out)

    def _redacted(self, recorded: Recorded, where: Address, response: Body | None, left_out: str) -> tuple[Exchange, bytes] | Skipped:
        redactor = self._redactor
        redactor.begin()
        path, parameters = stated.parameters(where.path) if recorded.stated else (where.path, ())
        named = self._named(recorded.headers)
        sent, spelled = _valued(named, recorded.headers), named.spelled
        bearer = (
            self._bearers.read(sent, headers.lowered(recorded.secrets), partial(self._is_credential, spelled))
            if recorded.secrets
            else self._bearers.known(named, sent)
        )
        for found in bearer.secrets:
            redactor.secret(found)
        for name, value in recorded.secrets:
            redactor.remember(name, value)
        if where.userinfo:
            redactor.secret(unquote(urlsplit(recorded.url).password or ""))
        for _, found in recorded.credentials:
            redactor.secret(found)
        fitted = routes.fitted(recorded.route, path) if recorded.route else routes.NOTHING
        query = where.query or recorded.query
        answers = self._named(recorded.response_headers)
        kept = [pair for pair in sent if pair[0] in named.kept]
        answered = [pair for pair in _valued(answers, recorded.response_headers) if pair[0] in answers.answered]
        redactor.look(path, (*query, *kept, *answered))
        cut = redactor.path(path, parameters or fitted.parameters)
        known, route = self._known(fitted, path, cut)
        names = headers.cookie_names(bearer.cookies, recorded.cookies)
        exchange = Exchange(
            method=recorded.method.upper(),
            scheme=where.scheme,
            host=where.host,
            port=where.port,
            path=cut,
            named=tuple((index, redactor.name(name, "path")) for index, name in parameters) or known,
            route=route,
            query=redactor.pairs(asked.pairs(self._inputs(query), redactor), "query"),
            headers=redactor.pairs(kept, "header", spelled),
            cookies=tuple(redactor.name(name, "cookie") for name in names),
            auth=self._auth(recorded, bearer.ways, query, names, where),
            kept=left_out,
            echoes=tuple(sorted(set(self._echoes([pair for pair in sent if pair[0] in named.fleeting], query, bearer.values)))),
            request=self._body(_decoded(recorded.request, recorded.headers), "request.body"),
            status=recorded.status,
            response=self._body(response, "response.body"),
            location=self._location(recorded),
            response_headers=redactor.pairs(answered, "response.header"),
        )
        return self._encoded(exchange, bearer.session) or Skipped(
            recorded.place, "broken", detail="one of its credentials stands where it cannot be cut"
        )

    def _named(self, pairs: tuple[Pair, ...]) -> headers.Named:
        """What the names of some headers say; worked out once for each list of names."""
        found = self._lists.get(names := headers.names(pairs))
        if found is None:
            if len(self._lists) > _LISTS:
                self._lists.clear()
            found = self._lists[names] = headers.named(pairs, self._is_credential)
        return found

    def _is_credential(self, spelled: Spelled, name: str) -> bool:
        """Whether a header authenticates, by its name as recorded or in lower case."""
        return any(map(self._redactor.is_credential, (name, *spelled.get(name, ()))))

    def _known(self, found: routes.Fitted, path: str, cut: str) -> tuple[tuple[tuple[int, str], ...], str]:
        """Parameters and template of a route, if nothing that the route itself says had to be cut."""
        if found is routes.NOTHING:
            return (), ""
        taken = {index for index, _ in found.parameters}
        pairs = enumerate(zip(path.split("/")[1:], cut.split("/")[1:], strict=False))
        is_clean = all(index in taken or before == after for index, (before, after) in pairs)
        if is_clean and all(self._redactor.name(name, "path") == name for _, name in found.parameters):
            return found.parameters, found.template
        return (), routes.NO_ROUTE if found.template else ""

    def _inputs(self, query: tuple[Pair, ...]) -> tuple[Pair, ...]:
        """The query without the credentials that authenticate the request; they are remembered, and counted as `auth`."""
        for name, value in query:
            if self._redactor.is_credential(name, "query"):
                self._redactor.secret(value)
        return tuple((name, value) for name, value in query if not self._redactor.is_credential(name, "query"))

    def _look_into(self, recorded: Recorded, where: Address, left_out: str) -> None:
        if left_out != "page" or recorded.response is None or not recorded.response.text:
            return
        counts = Counter(self._redactor.counts)
        self._redactor.begin()
        for name, value in pages.given(recorded.response.text):
            origin = f"{_label(recorded.method, where)} page {self._redactor.name(name, 'page')}"
            if (cut := self._redactor.value(name, value, "page")) != value:  # what is not cut may be anybody's
                self.origins.add((cut, origin))
        # Nothing of the page is kept, so nothing of it stands in the receipt.
        self._redactor.counts.clear()
        self._redactor.counts.update(counts)

    def _echoes(self, sent: list[Pair], query: tuple[Pair, ...], cookies: Mapping[str, str]) -> Iterator[Pair]:
        """Values that live for a session and stand in a cookie as well: the double submit of many frameworks.

        sent: the headers that may hold one. cookies: value -> name.
        """
        asked_for = [(name, value) for name, value in query if name != "cookie" and fleeting.may_be("query", name)]
        for place, pairs in (("header", sent), ("query", asked_for)) if cookies else ():
            for name, value in pairs:
                if (cookie := cookies.get(unquote(value))) is not None:
                    yield f"{place} {self._redactor.name(name, place)}", f"cookie {self._redactor.name(cookie, 'cookie')}"

    def _auth(
        self,
        recorded: Recorded,
        ways: tuple[str, ...],
        query: tuple[Pair, ...],
        names: tuple[str, ...],
        where: Address,
    ) -> tuple[str, ...]:
        """How the request authenticated. ways: those of its headers."""
        keys = [name for name, _ in query if self._redactor.is_credential(name, "query")]
        found = {way for way, _ in recorded.credentials}.union(ways, headers.auth((), keys, names, where.userinfo, _NO_HEADER))
        return tuple(sorted(self._redactor.name(name, "auth") for name in found))

    def _body(self, body: Body | None, place: str) -> Body | None:
        if body is None:
            return None
        media = self._redactor.text(body.media, place)
        try:
            return Body(media, body.kind, self._value(body, place), body.size)
        except TooDeep:
            return Body(media, "text", size=body.size)

    def _value(self, body: Body, place: str) -> Any:
        if body.kind == "json" and place == "request.body":
            return asked.redacted(body.value, self._redactor, place)
        if body.kind in ("json", "stream"):
            return self._redactor.json(body.value, place)
        if body.value is None:
            return None
        return [
            [self._redactor.name(name, place), None if value is None else self._redactor.value(name, value, place)]
            for name, value in body.value
        ]

    def _location(self, recorded: Recorded) -> str:
        target = headers.first(recorded.response_headers, "location")
        try:
            return self._redactor.path(address(urljoin(recorded.url, target)).path) if target else ""
        except ValueError:
            return ""

    def _encoded(self, exchange: Exchange, session: str) -> tuple[Exchange, bytes] | None:
        """The line, after the exchange's own credentials were looked for in all of it; None if one of them is still there.

        Links and session, which are the key's, are not in the line.
        """
        line = encode_line(exchange)
        if self._is_echoed(exchange, line):
            exchange = self._without_echoes(exchange)
            line = encode_line(exchange)
            if self._is_echoed(exchange, encode_line(msgspec.structs.replace(exchange, host=""))):  # the manifest says the host itself
                return None
        links = tuple(sorted((self._redactor.echo(place, "link"), value) for place, value in self._redactor.links))
        return (msgspec.structs.replace(exchange, links=links, session=session) if links or session else exchange), line

    def _is_echoed(self, exchange: Exchange, line: bytes) -> bool:
        """Whether a credential stands in the line; a word that each line has is none. What was put into another case is compared without it."""
        if not self._redactor.secrets:
            return False
        pairs = (*exchange.headers, *exchange.response_headers, *exchange.echoes)
        names = "\n".join((exchange.method, *exchange.auth, *(name for name, _ in pairs))).lower()
        return any(
            (form in line and form not in _OWN) or (low in names and low not in _OWN_NAMES)
            for secret in self._redactor.secrets
            for low in (secret.lower(),)
            for form in _forms(secret)
        )

    def _without_echoes(self, exchange: Exchange) -> Exchange:
        echo = self._redactor.echo
        name_of = partial(echo, is_lowered=True)
        is_routed = any(secret in each for secret in self._redactor.secrets for each in (exchange.route, *map(str, exchange.named)))
        return msgspec.structs.replace(
            exchange,
            path=self._redactor.echo_path(exchange.path),
            named=() if is_routed else exchange.named,
            route=routes.NO_ROUTE if is_routed and exchange.route else exchange.route,
            query=tuple((echo(name, "query"), echo(value, "query")) for name, value in exchange.query),
            headers=tuple((name_of(name, "header"), echo(value, "header")) for name, value in exchange.headers),
            cookies=tuple(echo(name, "cookie") for name in exchange.cookies),
            auth=tuple(sorted(name_of(echo(way, "auth"), "auth") for way in exchange.auth)),
            echoes=tuple((name_of(echo(one, "header"), "header"), echo(two, "cookie")) for one, two in exchange.echoes),
            request=self._quiet(exchange.request, "request.body"),
            response=self._quiet(exchange.response, "response.body"),
            location=self._redactor.echo_path(exchange.location),
            response_headers=tuple(
                (name_of(name, "response.header"), echo(value, "response.header")) for name, value in exchange.response_headers
            ),
        )

    def _quiet(self, body: Body | None, place: str) -> Body | None:
        if body is None:
            return None
        media, value = self._redactor.echo(body.media, place), self._redactor.echo_json(body.value, place)
        return msgspec.structs.replace(body, media=self._redactor.echo(media, place, is_lowered=True), value=value)


def _label(method: str, where: Address) -> str:
    """A request as a report may name it: segments that are no words of the table stand as their class."""
    name = method.upper() if method.upper() in _METHODS else "?"
    return f"{name} {named(where)}/{'/'.join(map(label, split_path(where.path)))}"


def _valued(named: headers.Named, pairs: tuple[Pair, ...]) -> list[Pair]:
    """The headers with their names in lower case."""
    return [(name, value) for name, (_, value) in zip(named.lowered, pairs, strict=True)]


def _decoded(body: RecordedBody | None, sent: tuple[Pair, ...]) -> Body | None:
    """A body; its encoding matters only where a recorder kept bytes."""
    return bodies.body(body, headers.first(sent, "content-encoding") if body is not None and body.data is not None else "")


def _answer(recorded: Recorded) -> Body | None:
    """The response's body; where a status has none by definition (RFC 9110 section 6.4.1), a missing one is not missed."""
    body = _decoded(recorded.response, recorded.response_headers)
    bodiless = recorded.status in _BODILESS or 300 <= recorded.status < 400
    return None if body is not None and body.kind == "absent" and bodiless else body


@lru_cache(maxsize=1024)
def _forms(secret: str) -> frozenset[bytes]:
    plain, escaped = secret.encode("utf-8", "replace"), json.dumps(secret, ensure_ascii=False)[1:-1].encode("utf-8", "replace")
    return frozenset((plain, escaped, quote(secret, safe="").encode("ascii")))
