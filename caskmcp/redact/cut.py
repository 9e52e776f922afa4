"""Redaction of one capture: names and forms over JSON, pairs and paths; placeholders in, a receipt and links out.

Works on decoded values and changes JSON in place. One `Redactor` serves a whole capture, exchange by exchange (`begin`), and what it does to
an exchange depends on that exchange, the profile and the key alone: never on what came before. It does not know HTTP: which headers are
kept at all, and what a body is, is the stage's business.
"""

import copy
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote, unquote

from caskmcp.redact import placeholder
from caskmcp.redact.checks import card, long_opaque
from caskmcp.redact.detectors import DETECTORS, DIGESTS, Detector
from caskmcp.redact.names import words
from caskmcp.redact.rules import Rule, Rules
from caskmcp.redact.scan import LAST_RESORT, across, remembering
from caskmcp.redact.walk import DEPTH, TooDeep, Unread, Walk, is_id
from caskmcp.text import is_deeper

LONGEST: Final = 1 << 16
"""Characters beyond which a text in which something was found is cut as a whole."""

_SAFE: Final = "@:+!$&'()*,;=~"
"""Signs that may stand in a path segment as they are, beside unreserved ones (RFC 3986 section 3.3)."""
_WORDS_FOR_LINKS: Final = (
    "reset verify verification confirm confirmation invite invitation activate activation magic unsubscribe token tokens"
)
_LINK_WORDS: Final = frozenset(_WORDS_FOR_LINKS.split())
"""Segments that are followed by a one-time token."""
_LINK_TOKEN: Final = 16
"""Characters from which a segment after such a word can be its token."""
_ECHO: Final = 6
"""Characters from which a secret is looked for in the rest of its exchange."""
_CARD = next(row for row in DETECTORS if row.id == "card")
_AFTER = Detector("one-time-link", "token")


Spelled = Mapping[str, tuple[str, ...]]
"""Name -> the same name as it was written, in lower and upper case."""


class Redactor:
    """Cuts what the table finds, and counts it."""

    def __init__(
        self,
        key: bytes,
        profile: str = "strict",
        keys: Iterable[str] = (),
        keep: Iterable[str] = (),
        patterns: Iterable[tuple[str, str]] = (),
    ) -> None:
        self._key = key
        own, keys, keep = tuple(patterns), frozenset(keys), frozenset(keep)
        self._scanner = remembering(profile, own, keys, keep)
        self.passes_ids = not own
        """Whether ids of the most common forms are kept unseen: no form of ours cuts them, one of the user's own may."""
        self.names = Rules(profile, keys, keep, self._scanner)
        self._made: dict[tuple[str, str], tuple[str, str]] = {}
        self.counts: Counter[tuple[str, str]] = Counter()
        """(detector, place) -> cuts: the receipt. Places are general, and a field is named only in the table's own words."""
        self.links: set[tuple[str, str]] = set()
        """(place, fingerprint) of the exchange's cuts whose placeholder does not link by itself."""
        self.secrets: set[str] = set()
        """Credentials of the exchange, to be looked for elsewhere in it."""
        self._depth = 0
        """Encodings that what is looked at stood in."""

    def begin(self) -> None:
        """Forget the exchange before."""
        self.names.trim()
        self.links, self.secrets = set(), set()

    def fingerprint(self, text: str) -> str:
        """As `placeholder.fingerprint`, by the root's key: what links equal values and says nothing else of them."""
        return placeholder.fingerprint(self._key, text)

    def look(self, path: str, pairs: Iterable[tuple[str, str]]) -> None:
        """Look at the many short texts of one exchange at once: which of them hold nothing is then known. Others are not looked at by their form."""
        values = (value for name, value in pairs if not self.names[name])
        self._scanner.look((*(text for text in map(unquote, path.split("/")) if not self._passes(text)), *values))

    def is_credential(self, name: str, place: str = "header") -> bool:
        """Whether a header (or, with `place="query"`, a parameter) of this name is how a request authenticates."""
        rules = self.names[name]
        return bool(rules) and any(rule.row.auth in ("any", place) for rule in rules)

    def json(self, value: Any, place: str) -> Any:
        """A decoded JSON value; containers are changed in place. Raises `TooDeep`."""
        walk = Walk(self, place)
        value = walk.value(value)
        flagged = self._scanner.flagged(walk.seen())
        return self._rewrite(value, "", place, flagged) if flagged else value

    def pairs(self, pairs: Iterable[tuple[str, str]], place: str, spelled: Spelled = MappingProxyType({})) -> tuple[tuple[str, str], ...]:
        """Names and values of a query, a form, headers. spelled: other ways in which a name was written, whose words may be told apart."""
        return tuple((self.name(name, place), self.value(name, value, place, spelled.get(name, ()))) for name, value in pairs)

    def value(self, name: str, value: str, place: str, spelled: Iterable[str] = ()) -> str:
        """The value of one parameter, field or header; `spelled` as in `pairs`, for this name."""
        rules = next((found for each in (name, *spelled) if (found := self.names[each])), ())
        cut = self.by_name(rules, value, name, "", place)
        return self.text(value, place, name) if cut is None else str(cut)

    def name(self, name: str, place: str) -> str:
        """A name, which now and then is a secret itself."""
        return self._forms(name, f"{place} name") if self._scanner.suspicious(name) else name

    def path(self, path: str, named: Iterable[tuple[int, str]] = ()) -> str:
        """A path as sent; what is cut is written percent-encoded again.

        named: (index of the segment after the first `/`, name) of those that are known to be parameters.
        """
        names = {index + 1: name for index, name in named}
        if across().suspicious(path):
            path = across().replace(path, lambda row, found: self._cut(row, found, "path"))
        segments = path.split("/")
        plain = [unquote(segment) for segment in segments]
        flagged = self._scanner.look(text for text in plain if not self._passes(text))
        for index in range(1, len(segments)):
            made = self._segment(plain[index], plain[index - 1], plain[index] in flagged)
            if made == plain[index] and index in names and made != f"{{{names[index]}}}":  # in braces: nobody gave it a value
                made = self.value(names[index], made, "path")
            if made != plain[index]:
                segments[index] = quote(made, safe=_SAFE)
        return "/".join(segments)

    def text(self, text: str, place: str, name: str = "") -> str:
        """A text: a JSON document inside it is redacted as one, else its forms are."""
        if not self._scanner.suspicious(text):
            return text
        try:
            inner = _document(text)
        except Unread:
            return self._cut(_NESTED, text, place)
        if inner is not None:
            return self._inner(text, inner, place)
        if len(text) > LONGEST:
            return self._cut(_BLOB, text, place)
        return self._forms(text, place, LAST_RESORT if name and not DIGESTS.isdisjoint(words(name)) else ())

    def secret(self, text: str) -> None:
        """Remember a credential of this exchange."""
        if len(text) >= _ECHO and placeholder.kind_of(text) is None:
            self.secrets.add(text)

    def remember(self, name: str, value: str) -> None:
        """Remember a value that stands under a name nowhere in the exchange, if it is a credential by that name."""
        if any(rule.row.kind in _CREDENTIALS and rule.holds(value, "") for rule in self.names[name]):
            self.secret(value)

    def echo(self, text: str, place: str, is_lowered: bool = False) -> str:
        """The text without the exchange's credentials. is_lowered: the text was put into lower case."""
        for found in sorted(self.secrets, key=lambda secret: (-len(secret), secret)):
            forms = dict.fromkeys((found, quote(found, safe="")))
            for form in map(str.lower, forms) if is_lowered else forms:
                if form in text:
                    text = text.replace(form, self._cut(_ECHOED, found, place))
        return text

    def echo_path(self, path: str) -> str:
        """As `echo`, for each segment of a path as sent."""
        plain = [(segment, unquote(segment)) for segment in path.split("/")]
        made = [(segment, text, self.echo(text, "path")) for segment, text in plain]
        return "/".join(segment if text == new else quote(new, safe=_SAFE) for segment, text, new in made)

    def echo_json(self, value: Any, place: str) -> Any:
        """As `echo`, for each text of a JSON value."""
        if isinstance(value, str):
            return self.echo(value, place)
        if isinstance(value, dict):
            return {self.echo(name, place): self.echo_json(item, place) for name, item in value.items()}
        return [self.echo_json(item, place) for item in value] if isinstance(value, list) else value

    def _inner(self, text: str, inner: Any, place: str) -> str:
        before = self.counts.total()
        inner = self.json(inner, place)
        return text if self.counts.total() == before else json.dumps(inner, ensure_ascii=False, separators=(",", ":"))

    def _passes(self, text: str) -> bool:
        return self.passes_ids and is_id(text)

    def _segment(self, plain: str, before: str, flagged: bool) -> str:
        name, equals, value = plain.partition("=")
        if equals:  # matrix parameters: `;jsessionid=…`; or the end of base64, so that the whole is looked at too
            own = name.rpartition(";")[2]
            made = f"{name}={self.value(own, value, 'path')}"
            return self.text(made, "path", own) if flagged else made
        if len(plain) >= _LINK_TOKEN and not _LINK_WORDS.isdisjoint(words(before)[-1:]) and long_opaque(plain):
            return self._cut(_AFTER, plain, "path")
        return self.text(plain, "path") if flagged else plain

    def _forms(self, text: str, place: str, skip: Iterable[str] = ()) -> str:
        made = self._scanner.replace(text, lambda row, found: self._cut(row, found, place), skip, self._depth, self._hides)
        if made == text and not skip:
            self._scanner.remember(text)
        return made

    def _hides(self, inner: str, depth: int) -> bool:
        """Whether what an encoding held has to be cut: a JSON document by its names too."""
        try:
            document = _document(inner)
        except Unread:
            return True
        if document is None:
            return self._scanner.replace(inner, _mark, depth=depth, look=self._hides) != inner
        probe = copy.copy(self)
        probe.counts, probe.links, probe._depth = Counter(), set(), depth
        probe.json(document, "")
        return probe.counts.total() > 0

    def _cut(self, row: Detector, text: str, place: str, link: str = "") -> str:
        if placeholder.kind_of(text) is not None:
            return text
        self.counts[row.id, place] += 1
        made, mark = self._made.get((row.kind, text)) or self._make(row.kind, text)
        if mark:
            self.links.add((link or place, mark))
        return made

    def _make(self, kind: str, text: str) -> tuple[str, str]:
        """A placeholder, and the fingerprint that links where the placeholder does not."""
        if len(self._made) > 1 << 16:
            self._made.clear()
        made = placeholder.placeholder(self._key, kind, text)
        pair = self._made[kind, text] = (made, placeholder.fingerprint(self._key, text) if placeholder.is_narrow(made) else "")
        return pair

    def by_name(self, rules: tuple[Rule, ...], value: Any, name: str, parent: str, place: str) -> Any:
        """What takes the place of a value under a name, or None if the name asks for nothing."""
        if not rules or isinstance(value, bool) or value is None or placeholder.kind_of(value) is not None:
            return None
        text = value if isinstance(value, str) else str(value)
        for rule in rules:
            if rule.holds(text, parent):
                return self._cut_named(rule, value, text, place, name)
        return None

    def _cut_named(self, rule: Rule, value: Any, text: str, place: str, name: str) -> Any:
        row, phrase = rule
        if row.kind in _CREDENTIALS:
            self.secret(text)
        link = f"{place}.{phrase if name in self.names.odd else name}"  # a name that is cut itself stands nowhere
        made = self._cut(row, text, f"{place}.{phrase}", link)
        if isinstance(value, str):
            return made
        self.links.add((link, placeholder.fingerprint(self._key, text)))
        return type(value)(placeholder.number(row.kind))

    def number(self, value: int, place: str) -> int:
        """A long number, which now and then is a card's."""
        if not card(str(value)):
            return value
        self._cut(_CARD, str(value), place)
        return int(placeholder.number(_CARD.kind))

    def _rewrite(self, value: Any, name: str, place: str, flagged: frozenset[str]) -> Any:
        """Second pass, where a form may be: each flagged text by itself."""
        kind = type(value)
        if kind is str:
            return self.text(value, place, name) if value in flagged else value
        if kind is dict:
            for key, item in value.items():
                value[key] = self._rewrite(item, key, place, flagged)
        elif kind is list:
            value[:] = [self._rewrite(item, name, place, flagged) for item in value]
        return value


_ECHOED = Detector("echo", "secret")
_NESTED = Detector("nested", "secret")
_BLOB = Detector("blob", "blob")
_CREDENTIALS: Final = frozenset(("secret", "token"))


def _mark(_: Detector, value: str) -> str:
    return f"{value}\0"


def _unique(items: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(items)
    if len(value) != len(items):
        raise Unread
    return value


def _document(text: str) -> Any:
    """The object or list that a text holds as JSON, else None. Raises `Unread`: too deep, or a name twice, whose first value nobody would see."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        value = json.loads(text, object_pairs_hook=_unique)
    except Unread:
        raise
    except ValueError:
        return None
    except RecursionError as cause:
        raise TooDeep from cause
    if is_deeper(value, DEPTH):
        raise TooDeep
    return value
