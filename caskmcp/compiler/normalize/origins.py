"""Where values that live for a session, and cursors, came from: equal values in requests and answers of one source.

Equal values are found by their placeholders, which are equal within one redaction key, and by themselves where nothing was cut; only places
and counts come out. The whole source is looked through a second time, and only if some request sent such a value at all, so that the order
of entries changes nothing; answers that hold none of them are not even decoded. What came in another source is not seen: that is why this stands in no contract.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, cast

import msgspec
import re2

from caskmcp.compiler import fleeting
from caskmcp.compiler.capture.codec import decode_line
from caskmcp.compiler.normalize import keys
from caskmcp.compiler.normalize.row import Row
from caskmcp.model.exchange import Body, Declared, Definitions, Exchange, Proposed

SHORTEST: Final = 6
"""Characters from which equal values are no accident."""
_ITEM: Final = "*"
Labels = Callable[[str], tuple[str, ...]]
Senders = Mapping[tuple[Row, str], int]
"""Who sent a value, under which place, how often."""


class Origins:
    """What the requests of one source sent under names that `fleeting` knows."""

    def __init__(self) -> None:
        self._sent: dict[str, Counter[tuple[Row, str]]] = {}
        self._names: set[str] = set()
        """All names of what requests sent: some names say nothing alone (`state`)."""

    def note(self, exchange: Exchange, row: Row) -> None:
        """Remember what a request sent."""
        self._names.update(name for name, _ in exchange.query)
        self._names.update(name for name, _ in _fields(exchange.request) if isinstance(name, str))
        for place, value in _sent(exchange):
            self._sent.setdefault(value, Counter())[row, place] += 1
        for place, origin in exchange.echoes:
            row.origins.setdefault(place, Counter())[origin] += 1

    def add_up(self, other: "Origins", moved: Mapping[int, Row]) -> None:
        """Take in what another piece of the source sent. moved: the row that stands for another one's, by its `id`."""
        self._names |= other._names
        for value, senders in other._sent.items():
            into = self._sent.setdefault(value, Counter())
            for (row, place), count in senders.items():
                into[moved[id(row)], place] += count

    def find(self, lines: Callable[[], Iterable[bytes]], labels: Labels, pages: Iterable[tuple[str, str]] = ()) -> None:
        """Look for the values in the answers, and count each place for the rows that sent them.

        lines: those of the capture once more, asked for only if there is anything to look for. labels: the value-free segments of a path.
        pages: (value, where it stood) of left-out pages.
        """
        wanted = {value: senders for value, found in self._sent.items() if (senders := self._judged(found))}
        for value, origin in sorted(set(pages)):
            _count(wanted, value, origin)
        answers = map(decode_line, _holding(lines(), wanted)) if wanted else ()
        for origin, value in sorted({found for item in answers for found in _given(item, wanted, labels)}):
            _count(wanted, value, origin)

    def _judged(self, found: Senders) -> Senders:
        """The senders under whose names a value lives for a session, or is a cursor, seen beside all other names."""
        return {(row, place): count for (row, place), count in found.items() if fleeting.rule(*_place(place), self._names) is not None}


def _given(item: Exchange | Declared | Proposed | Definitions, wanted: Mapping[str, Senders], labels: Labels) -> Iterator[tuple[str, str]]:
    """(where it stands, value) in an answer whose request did not send it itself."""
    if not isinstance(item, Exchange) or item.response is None or item.response.kind not in ("json", "stream"):
        return
    own = {value for _, value in _sent(item)}
    for pointer, value in _texts(item.response.value, ""):
        if value in wanted and value not in own:
            yield f"{_name(item, labels)} answer {pointer}", value


def _name(exchange: Exchange, labels: Labels) -> str:
    port = f":{exchange.port}" if exchange.port else ""
    return f"{exchange.method} {exchange.host}{port}/{'/'.join(labels(exchange.path))}"


class _Sides(msgspec.Struct, gc=False):
    """An exchange of which the answer's body alone is read, and that not yet."""

    response: msgspec.Raw = msgspec.Raw()


class _Line(msgspec.Struct, gc=False):
    exchange: _Sides | None = None


_sides: Final = msgspec.json.Decoder(_Line)


def _holding(lines: Iterable[bytes], wanted: Iterable[str]) -> Iterator[bytes]:
    """The lines whose answer holds one of the texts: to search bytes is a hundred times cheaper than to decode and to walk them."""
    texts = [msgspec.json.encode(text) for text in sorted(wanted)]
    form = re2.compile(b"|".join(map(re2.escape, texts)), _options())
    for line in lines:
        if form.search(line) is not None:
            found = _sides.decode(line).exchange
            if found is not None and form.search(bytes(found.response)) is not None:
                yield line


def _options() -> Any:
    options = re2.Options()
    options.max_mem = 64 << 20
    options.never_capture = True
    options.encoding = re2.Options.Encoding.LATIN1  # bytes are searched as they are
    return options


def _count(wanted: Mapping[str, Senders], value: str, origin: str) -> None:
    for (row, place), count in wanted.get(value, {}).items():
        row.origins.setdefault(place, Counter())[origin] += count


def _place(text: str) -> tuple[fleeting.Place, str]:
    """`query state` as a place and a name."""
    place, _, name = text.partition(" ")
    return cast(fleeting.Place, place), name


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
