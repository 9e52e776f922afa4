"""Where values that live for a session, and cursors, came from: equal values in requests and answers of one source.

Equal values are found by their placeholders, which are equal within one redaction key, and by themselves where nothing was cut; only places
and counts come out. The whole source is looked through a second time, and only if some request sent such a value at all, so that the order
of entries changes nothing. What came in another source is not seen: that is why this stands in no contract.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from caskmcp.compiler import fleeting
from caskmcp.compiler.normalize import keys
from caskmcp.compiler.normalize.row import Row
from caskmcp.model.exchange import Body, Declared, Exchange

SHORTEST: Final = 6
"""Characters from which equal values are no accident."""
_ITEM: Final = "*"


class Origins:
    """What the requests of one source sent under names that `fleeting` knows. labels: the value-free segments of a path."""

    def __init__(self, labels: Callable[[str], tuple[str, ...]]) -> None:
        self._labels = labels
        self._sent: dict[str, list[tuple[Row, str]]] = {}

    def note(self, exchange: Exchange, row: Row) -> None:
        """Remember what a request sent."""
        for place, value in _sent(exchange):
            self._sent.setdefault(value, []).append((row, place))
        for place, origin in exchange.echoes:
            row.origins.setdefault(place, Counter())[origin] += 1

    def find(self, items: Iterable[Exchange | Declared], pages: Iterable[tuple[str, str]] = ()) -> None:
        """Look for the values in the answers, and count each place for the rows that sent them. pages: (value, where it stood) of left-out pages."""
        for value, origin in sorted(set(pages)):
            self._count(value, origin)
        for origin, value in sorted({found for item in items for found in self._given(item)}):
            self._count(value, origin)

    @property
    def is_needed(self) -> bool:
        """Whether there is anything to look for."""
        return bool(self._sent)

    def _given(self, item: Exchange | Declared) -> Iterator[tuple[str, str]]:
        """(where it stands, value) in an answer whose request did not send it itself."""
        if not isinstance(item, Exchange) or item.response is None or item.response.kind not in ("json", "stream"):
            return
        own = {value for _, value in _sent(item)}
        for pointer, value in _texts(item.response.value, ""):
            if value in self._sent and value not in own:
                yield f"{self._name(item)} answer {pointer}", value

    def _name(self, exchange: Exchange) -> str:
        port = f":{exchange.port}" if exchange.port else ""
        return f"{exchange.method} {exchange.host}{port}/{'/'.join(self._labels(exchange.path))}"

    def _count(self, value: str, origin: str) -> None:
        for row, place in self._sent.get(value, ()):
            row.origins.setdefault(place, Counter())[origin] += 1


def _sent(exchange: Exchange) -> Iterator[tuple[str, str]]:
    """(place, value) of what a request sent under a name that is known."""
    for name, value in exchange.query:
        if _counts("query", name, value):
            yield f"query {name}", value
    for name, value in exchange.headers:
        if _counts("header", name, value):
            yield f"header {name}", value
    for name, value in _fields(exchange.request):
        if isinstance(name, str) and _counts("body", name, value):
            yield f"body {name}", value


def _fields(body: Body | None) -> Iterable[tuple[Any, Any]]:
    if body is None or body.value is None:
        return ()
    if body.kind in ("form", "multipart"):
        return body.value  # type: ignore[no-any-return]
    return body.value.items() if isinstance(body.value, dict) else ()


def _counts(place: fleeting.Place, name: str, value: Any) -> bool:
    return isinstance(value, str) and len(value) >= SHORTEST and fleeting.may_be(place, name) and not value.isdigit()


def _texts(value: Any, pointer: str) -> Iterator[tuple[str, str]]:
    """Pointer and text of each text; keys that may be somebody's data stand as `*`, as items do."""
    if isinstance(value, str):
        yield pointer or "/", value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _texts(item, f"{pointer}/{name if keys.kind(name) is keys.Key.FIELD else _ITEM}")
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, f"{pointer}/{_ITEM}")
