"""Detectors on names: which rows a field, header or parameter of a name asks for. Looked up once a distinct name."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from caskmcp.redact import checks
from caskmcp.redact.detectors import DETECTORS, NEVER, Detector
from caskmcp.redact.names import LONGEST, compact, words
from caskmcp.redact.scan import Scanner, scanner

USER: Final = Detector("user", "secret", check="something")
"""What `redact.keys` of the manifest asks for."""
_GLUED: Final = 8
"""Letters from which a phrase is found at the end of a name whose words nobody parted (`csrfmiddlewaretoken`)."""
_SHORT: Final = ("secret", "token")
"""Shorter phrases that are found there as well."""
_LIMIT: Final = 1 << 16
INHERITS: Final = frozenset(("value", "values", "raw", "plaintext", "string", "number", "data", "text", "content"))
"""Names below which a value is what its parent's name says: `{"phone": {"number": …}}`."""
_WORDS_FOR_MANNERS: Final = (
    "base b64 hex raw plain plaintext clear cleartext encoded encrypted enc decrypted value text string str new old current again repeat"
)
_MANNERS: Final = frozenset(_WORDS_FOR_MANNERS.split())
"""Last words of a name that say how its value is written, not what it is: `password_base64`, `tokenRaw`."""


class Rule(NamedTuple):
    """A row that a name asks for."""

    row: Detector
    phrase: str
    """The table's own words for it, fit for a receipt: `api_key`."""

    def holds(self, value: str, parent: str) -> bool:
        """Whether the value is to be cut; `parent` is the name that the object stands under."""
        if self.row.under and not _stands_under(parent, self.row.under):
            return False
        return not self.row.check or checks.predicate(self.row.check)(value)


def _stands_under(parent: str, people: tuple[str, ...]) -> bool:
    last = words(parent)[-1:] or ("",)
    return last[0] in people or last[0].removesuffix("s") in people


class Rules(dict[str, tuple[Rule, ...]]):
    """Name -> rules, in the order of the table; empty for nearly all names. Filled as names come by."""

    def __init__(self, profile: str, keys: Iterable[str] = (), keep: Iterable[str] = (), forms: Scanner | None = None) -> None:
        super().__init__()
        self.odd: set[str] = set()
        """Names that themselves have a form that is cut."""
        self.plain: set[str] = set()
        """Names that ask for nothing, whatever stands around them."""
        self._suspicious = (forms or scanner(profile)).suspicious
        self._keys = frozenset(compact(key) for key in keys)
        self._keep = frozenset(compact(key) for key in keep)
        rows = [row for row in DETECTORS if profile == "strict" or not row.strict]
        self._phrases = tuple(_phrase(row, text) for row in rows for text in row.names)
        self._last: dict[str, list[tuple[tuple[str, ...], bool, Rule]]] = {}
        for parts, whole, rule in self._phrases:
            self._last.setdefault(parts[-1], []).append((parts, whole, rule))
        self._glued = {"".join(parts): rule for parts, _, rule in reversed(self._phrases)}
        self._sizes = sorted({len(phrase) for phrase in self._glued if len(phrase) >= _GLUED}, reverse=True)

    def __missing__(self, name: str) -> tuple[Rule, ...]:
        rules = self[name] = self._find(name)
        if self._suspicious(name):
            self.odd.add(name)
        elif not rules and name not in INHERITS:
            self.plain.add(name)
        return rules

    def trim(self) -> None:
        """Forget the names if there are too many: keys of maps are data, and must not fill the memory."""
        if len(self) > _LIMIT:
            self.clear()
            self.odd.clear()
            self.plain.clear()

    def _find(self, name: str) -> tuple[Rule, ...]:
        if len(name) > LONGEST:
            return ()
        bare = compact(name)
        if bare in self._keys or (name[:2] in ("x-", "X-", "x_", "X_") and compact(name[2:]) in self._keys):
            return (Rule(USER, "user"),)
        parts = words(name)
        if not parts or bare in self._keep or _ends(parts, _NEVER):
            return ()
        fitting = [(phrase, rule) for phrase, whole, rule in self._last.get(parts[-1], ()) if _fits(parts, phrase, whole)]
        found = [rule for _, rule in sorted(fitting, key=lambda pair: -len(pair[0]))]  # the longest phrase says most
        return tuple(found) or self._unparted(parts) or self._without_manner(parts) or self._inner(name)

    def _without_manner(self, parts: tuple[str, ...]) -> tuple[Rule, ...]:
        return self._find("_".join(parts[:-1])) if len(parts) > 1 and parts[-1] in _MANNERS else ()

    def _inner(self, name: str) -> tuple[Rule, ...]:
        """What the last name in brackets asks for: `filter[sid]`."""
        return self._find(name[:-1].rpartition("[")[2]) if name.endswith("]") and "[" in name else ()

    def _unparted(self, parts: tuple[str, ...]) -> tuple[Rule, ...]:
        """What a name asks for whose words nobody parted, behind `x-` too: HTTP/2 sends `X-ApiSecret` as `x-apisecret`."""
        own = parts[1:] if parts[0] == "x" and len(parts) > 1 else parts
        glued = "".join(own)
        rule = self._glued.get("".join(parts)) or self._glued.get(glued)
        if rule is None:
            sizes = self._sizes if len(own) == 1 else ()
            ends = (*(glued[-size:] for size in sizes), *(end for end in _SHORT if own[-1].endswith(end)))
            rule = next((self._glued[end] for end in ends if end in self._glued), None)
        return (rule,) if rule else ()


def _phrase(row: Detector, text: str) -> tuple[tuple[str, ...], bool, Rule]:
    parts = words(text.removeprefix("="))
    return parts, text.startswith("="), Rule(row, "_".join(parts))


def _fits(parts: tuple[str, ...], phrase: tuple[str, ...], whole: bool) -> bool:
    return parts in (phrase, ("x", *phrase)) if whole else parts[-len(phrase) :] == phrase


_NEVER: Final = tuple(words(text) for text in NEVER)


def _ends(parts: tuple[str, ...], phrases: tuple[tuple[str, ...], ...]) -> bool:
    return any(parts[-len(phrase) :] == phrase for phrase in phrases)
