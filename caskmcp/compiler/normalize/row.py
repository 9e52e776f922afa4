"""All exchanges of one method at one raw path, before templating: counts, parameters, bodies. Mutable while a source is read."""

import json
import re
from collections import Counter
from collections.abc import Iterable
from itertools import chain
from typing import Any, Final

from caskmcp import canon
from caskmcp.compiler.normalize import keys
from caskmcp.compiler.normalize.flows import FIRST_ERROR, Taken, given
from caskmcp.compiler.normalize.flows import PRIVATE as FLOWING
from caskmcp.compiler.normalize.forms import Words
from caskmcp.compiler.normalize.node import Node
from caskmcp.compiler.normalize.settle import DIFFERENT, FEWEST_DIFFERENT
from caskmcp.compiler.normalize.shape import add_unread, add_wire
from caskmcp.compiler.normalize.stamps import Stamp
from caskmcp.compiler.normalize.tokens import LOCALE, is_class
from caskmcp.compiler.normalize.waiting import Waiting
from caskmcp.compiler.normalize.written import bare, few, plain
from caskmcp.model.exchange import Body, Exchange, Pair
from caskmcp.redact import is_name_like
from caskmcp.redact.placeholder import kind_of

_MEDIA: Final = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]{0,79}", re.ASCII)
_BODILESS_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_INDEX: Final = re.compile(r"[0-9]{1,2}", re.ASCII)
_PIECES: Final = re.compile(r"[\[\].]")
FILE: Final = "binary"
"""The format of a file's content (OpenAPI 3.0 section 4.7.24.2)."""
_ITEM: Final = r"[A-Za-z0-9_.:+@/~$*-]{1,64}"
LISTS: Final = {sign: re.compile(f"{_ITEM}(?:{re.escape(sign)}{_ITEM})+", re.ASCII) for sign in (",", "|")}
"""What stands between the items of a list -> the list."""
_LOOSE: Final = re.compile(r"[,|\s]", re.ASCII)
PAGED: Final = frozenset((
    "x-total-count", "x-total", "x-total-pages", "x-pages", "x-page", "x-per-page", "x-next-page", "x-prev-page", "x-next-cursor", "total-count",
    "pagination-count",
))  # fmt: skip
"""Headers of answers that page through a list."""
LINK: Final = "link"
_NEXT: Final = re.compile(r"""\brel\s*=\s*["']?(?:[^"',]*\s)?next\b""", re.IGNORECASE | re.ASCII)
"""A link to the next page (RFC 8288)."""
PRIVATE: Final = "tokens"
_SHAPED: Final = ("json", "stream", "form", "multipart")
REFUSED: Final = 400
"""Statuses from which a request counts, but what it held does not describe the operation."""


class Bodies:
    """Bodies of one media type (and status)."""

    __slots__ = ("different", "kinds", "own", "seen", "shape", "unread", "words")

    def __init__(self, words: Words, own: set[str] | None = None) -> None:
        self.words = words
        self.own = own
        """Of answers: as `Node.own`."""
        self.seen = self.unread = 0
        self.kinds: Counter[str] = Counter()
        self.shape: Node | None = None
        self.different: list[Any] = []
        """The first different values, of requests alone; whether there are two of them is all that is ever asked."""

    def add(self, body: Body, stamp: Stamp, waiting: Waiting, *, refused: bool = False) -> None:
        """Count one body; only JSON, sequences of it and forms have a shape, and a body that was refused says nothing about what is accepted.

        stamp: of its exchange. waiting: where JSON waits to be counted.
        """
        self.seen += 1
        if refused:
            self.kinds[body.kind] += body.kind != "absent"
            return
        if body.kind not in _SHAPED:
            self.unread += 1
            if body.kind != "absent":
                self.kinds[body.kind] += 1
            return
        self.kinds[body.kind] += 1
        if self.shape is None:
            self.shape = Node(words=self.words, own=self.own)
        if body.kind in ("json", "stream"):
            waiting.add(self.shape, body.value, stamp, body.size)
        else:
            add_form(self.shape, body.value or (), stamp[0])

    def tell_apart(self, body: Body) -> None:
        """Note the value of an accepted request: the same one again is no further sample of what may be left out."""
        if len(self.different) < FEWEST_DIFFERENT and body.kind in _SHAPED and body.value not in self.different:
            self.different.append(body.value)

    def plain(self) -> dict[str, Any]:
        """As `model.observation.BodySeen`, candidate form."""
        kind = min(self.kinds, key=lambda name: (-self.kinds[name], name), default="binary")
        out: dict[str, Any] = {"seen": self.seen} | ({"unread": self.unread} if self.unread else {})
        out |= {"kind": kind} if kind != "json" else {}
        if self.different:
            # Not the canonical form, which has no place for some objects that a client may send (`{"$int": …}`).
            texts = {json.dumps(_whole(value), sort_keys=True) for value in self.different}
            known = {canon.hexadecimal(canon.digest_bytes(text.encode("ascii")))[:16] for text in texts}
            out[DIFFERENT] = sorted(known) if len(known) < FEWEST_DIFFERENT else []
        return out | ({"shape": plain(self.shape)} if self.shape is not None else {})


def _whole(value: Any) -> Any:
    """A value with one spelling for all that are equal (1, 1.0 and true), so that it does not matter which of them came first."""
    if isinstance(value, dict):
        return {name: _whole(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, bool) or (isinstance(value, float) and value.is_integer()) else value


class Parameter:
    """A query or header parameter."""

    __slots__ = ("lists", "loose", "repeated", "seen", "shape", "statuses")

    def __init__(self, name: str) -> None:
        self.seen = self.repeated = self.loose = 0
        self.statuses: Counter[str] = Counter()
        self.lists: Counter[str] = Counter()
        self.shape = Node(named=is_name_like(name))

    def take(self, value: str, serial: int) -> None:
        """Count one value: a list by its items. What redaction cut is neither a list nor free text, whatever stands there instead."""
        if _LOOSE.search(value) is None or kind_of(value) is not None:
            add_wire(self.shape, value, serial)
            return
        for sign, form in LISTS.items():
            if form.fullmatch(value):
                self.lists[sign] += 1
                self.shape.arrays += 1
                for item in value.split(sign):
                    add_wire(self.shape.below_array(), item, serial)
                return
        self.loose += 1
        add_wire(self.shape, value, serial)

    def plain(self) -> dict[str, Any]:
        """As `model.observation.Seen`, candidate form."""
        out: dict[str, Any] = {"seen": self.seen, "statuses": dict(self.statuses), "shape": plain(self.shape)}
        out |= {"lists": dict(self.lists)} if self.lists else {}
        return out | {name: count for name in ("repeated", "loose") if (count := getattr(self, name))}


class Row:
    """What is counted for one scheme, host, port, method, labelled path and call."""

    __slots__ = (
        "auth", "bodiless", "cookies", "count", "headers", "key", "locales", "named", "origins", "paged", "query", "requests", "responses", "routed", "statuses", "taken", "tokens", "wanted",
        "words",
    )  # fmt: skip

    def __init__(self, key: tuple[Any, ...], words: Words) -> None:
        self.key = key
        self.words = words
        self.count = self.wanted = 0
        self.taken = Taken()
        self.statuses: Counter[str] = Counter()
        self.bodiless: Counter[str] = Counter()
        self.cookies: Counter[str] = Counter()
        self.auth: Counter[str] = Counter()
        self.paged: Counter[str] = Counter()
        self.query: dict[str, Parameter] = {}
        self.headers: dict[str, Parameter] = {}
        self.requests: dict[str, Bodies] = {}
        self.responses: dict[str, dict[str, Bodies]] = {}
        self.origins: dict[str, Counter[str]] = {}
        """Place of a value that lives for a session, or of a cursor -> where it came from, with counts."""
        self.locales: dict[str, Counter[str]] = {}
        self.tokens: dict[int, str | None] = {}
        """Index of a segment that is a class -> its token so far; None as soon as there was another one."""
        self.named: dict[int, str] = {}
        """Index of a segment -> what a collection or a router calls the parameter there."""
        self.routed = False

    def add(self, exchange: Exchange, tokens: tuple[str, ...], serial: int, waiting: Waiting) -> None:
        """Count one exchange. waiting: where its JSON waits to be counted."""
        status = str(exchange.status)
        self.count += 1
        self.wanted += bool(exchange.kept)
        self.statuses[status] += 1
        self.cookies.update(name for name in set(exchange.cookies) if keys.kind(name) is not keys.Key.DATA)
        self.auth.update(set(exchange.auth))
        if exchange.response_headers and exchange.status // 100 == 2:
            self.paged.update(
                {name for name, value in exchange.response_headers if name in PAGED or (name == LINK and _NEXT.search(value))}
            )
        self._add_tokens(tokens)
        for index, name in exchange.named:
            if keys.kind(name) is not keys.Key.DATA:
                self.named[index] = min(name, self.named.get(index, name))
        credentials = {way.partition(":")[2] for way in exchange.auth}
        if exchange.query:
            _add_pairs(self.query, (pair for pair in exchange.query if pair[0] not in credentials), status, serial)
        if exchange.headers:
            _add_pairs(self.headers, (pair for pair in exchange.headers if pair[0] not in credentials), status, serial)
        own = self.taken.add(exchange, tokens, self.key[4]) if 0 < exchange.status < FIRST_ERROR else frozenset[str]()
        self._add_bodies(exchange, status, (serial, own), waiting)

    def _add_bodies(self, exchange: Exchange, status: str, stamp: Stamp, waiting: Waiting) -> None:
        if exchange.request is not None:
            bodies = self.requests.setdefault(media(exchange.request.media), Bodies(self.words))
            bodies.add(exchange.request, stamp, waiting, refused=exchange.status >= REFUSED)
            if exchange.status < REFUSED:
                bodies.tell_apart(exchange.request)
        elif exchange.method not in _BODILESS_METHODS:
            self.bodiless[status] += 1
        if exchange.response is not None:
            by_media = self.responses.setdefault(status, {})
            kind = media(exchange.response.media)
            if kind not in by_media:
                by_media[kind] = Bodies(self.words, set() if exchange.status < FIRST_ERROR else None)
            by_media[kind].add(exchange.response, stamp, waiting)

    def _add_tokens(self, tokens: tuple[str, ...]) -> None:
        for index, label in enumerate(self.key[4]):
            if not is_class(label):
                continue
            token = tokens[index]
            if label == LOCALE:
                self.locales.setdefault(str(index), Counter())[token] += 1
            if self.tokens.setdefault(index, token) != token or kind_of(token) is not None:
                self.tokens[index] = None

    def finish(self) -> None:
        """Count all that waits below: what is counted takes less memory, also on its way to another process."""
        bodies = chain(self.requests.values(), *(found.values() for found in self.responses.values()))
        parameters = chain(self.query.values(), self.headers.values())
        for shape in (*(found.shape for found in parameters), *(found.shape for found in bodies)):
            if shape is not None:
                shape.finish_all()
        self.taken.finish()

    def plain(self) -> dict[str, Any]:
        """As `model.observation.Row`, candidate form."""
        scheme, host, port, method, segments, call = self.key
        out: dict[str, Any] = {"scheme": scheme, "host": host, "method": method, "segments": list(segments), "count": self.count}
        out |= ({"port": port} if port else {}) | ({"call": json.loads(call)} if call else {})
        out |= {name: dict(found) for name in ("statuses", "bodiless", "cookies", "auth", "paged") if (found := getattr(self, name))}
        out |= {name: _plain(found) for name in ("query", "headers", "requests") if (found := getattr(self, name))}
        if self.origins:
            out["origins"] = {place: dict(found) for place, found in self.origins.items()}
        if self.wanted:
            out["wanted"] = self.wanted
        if self.responses:
            out["responses"] = {status: _plain(bodies) for status, bodies in self.responses.items()}
        if self.locales:
            out["values"] = {index: dict(found) for index, found in self.locales.items()}
        if self.routed:
            out["routed"] = True
        if self.named:
            out["named"] = {str(index): name for index, name in self.named.items()}
        answers = (bodies.shape for found in self.responses.values() for bodies in found.values() if bodies.shape is not None)
        flows = {"given": given(answers), "taken": self.taken.plain(self.query)}
        out |= {name: places for name, places in flows.items() if places}
        single = {index: token for index, token in self.tokens.items() if token is not None}
        return out | ({"single": sorted(single), PRIVATE: {str(index): few({token}) for index, token in single.items()}} if single else {})


def add_form(node: Node, pairs: Iterable[tuple[str, str | None]], serial: int) -> None:
    """Count a form as an object of texts; a name that comes again makes an array, a file is a string of unknown content."""
    node.objects += 1
    named: dict[str, list[str | None]] = {}
    for name, value in pairs:
        named.setdefault(name, []).append(value)
    for name, values in named.items():
        if not is_parameter(name, values):
            continue
        child = node.fields.setdefault(name, Node(named=is_name_like(name), words=node.words))
        if len(values) > 1:
            child.arrays += 1
            child = child.below_array()
        for value in values:
            if value is None:
                add_unread(child)
                child.formats[FILE] = child.formats.get(FILE, 0) + 1
            else:
                add_wire(child, value, serial)


def bare_row(row: dict[str, Any]) -> dict[str, Any]:
    """A row in candidate form without anything private."""
    out = {name: value for name, value in row.items() if name != PRIVATE and name not in FLOWING}
    for name in ("query", "headers", "requests"):
        if name in out:
            out[name] = {key: _bare_shape(seen) for key, seen in out[name].items()}
    if "responses" in out:
        out["responses"] = {status: {key: _bare_shape(seen) for key, seen in found.items()} for status, found in out["responses"].items()}
    return out


def media(text: str) -> str:
    """A media type as it may be kept; anything odd is no media type."""
    return text if _MEDIA.fullmatch(text) else ""


def is_parameter(name: str, values: Iterable[str | None]) -> bool:
    """Whether a name is an application's own and not something typed: `?John+Smith` is a name without a value."""
    pieces = [piece for piece in _PIECES.split(name) if piece]
    found = {keys.kind(piece) for piece in pieces[:1]} | {keys.kind(piece) for piece in pieces[1:] if not _INDEX.fullmatch(piece)}
    if not found or keys.Key.DATA in found:
        return False
    return keys.Key.UNKNOWN not in found or any(values)


def is_input(name: str, values: Iterable[str | None]) -> bool:
    """`is_parameter` for query and headers, where `filter[…]` is often a map: what stands in brackets has to be made of table words."""
    inner = [piece for piece in _PIECES.split(name)[1:] if piece and not _INDEX.fullmatch(piece)] if "[" in name else []
    return all(keys.kind(piece) is keys.Key.FIELD for piece in inner) and is_parameter(name, values)


def _add_pairs(into: dict[str, Parameter], pairs: Iterable[Pair], status: str, serial: int) -> None:
    named: dict[str, list[str]] = {}
    for name, value in pairs:
        named.setdefault(name, []).append(value)
    for name, values in named.items():
        parameter = into.get(name)
        if parameter is None:
            if not is_input(name, values):
                continue
            parameter = into[name] = Parameter(name)
        elif not any(values) and not is_input(name, values):
            continue
        parameter.seen += 1
        parameter.statuses[status] += 1
        parameter.repeated += len(values) > 1
        for value in values if int(status) < REFUSED else ():
            parameter.take(value, serial)


def _plain(found: dict[str, Any]) -> dict[str, Any]:
    return {name: item.plain() for name, item in found.items()}


def _bare_shape(seen: dict[str, Any]) -> dict[str, Any]:
    out = {name: value for name, value in seen.items() if name != DIFFERENT}
    return out | {"shape": bare(out["shape"])} if "shape" in out else out
