"""Spans of OTLP in JSON: one document, a line each (what the collector's file exporter writes), or several documents one after the other.

Read as events in bounded memory: at most one span is held, and of it only what `span` asks for. Also read are what backends answer that wrap
the same form (`batches`, `trace`, `result`) and the names that older exporters use. Ids are hexadecimal text, as OTLP/JSON says.
"""

from collections.abc import Iterator
from typing import Any, Final

import ijson

from caskmcp.compiler.capture.sources.otel.span import KINDS, Scalar, Span
from caskmcp.errors import CaskError
from caskmcp.model.exchange import Skipped

DEPTH: Final = 64
"""Levels of nesting in a document. A span's attributes take twelve."""
LARGEST: Final = 1 << 20
"""Bytes of text that may be held of one span, about; a larger one is left out."""
LONGEST: Final = 16 << 20
"""Bytes that may come without anything that could be read: one endless text."""
_PIECE: Final = 1 << 16
_COST: Final = 64
"""Bytes that an event costs beside its text."""
_RESOURCES: Final = frozenset(("resourceSpans", "resource_spans", "batches"))
_SCOPES: Final = frozenset(("scopeSpans", "scope_spans", "instrumentationLibrarySpans", "instrumentation_library_spans"))
_OTHER_SIGNALS: Final = frozenset(("resourceLogs", "resourceMetrics", "resourceProfiles"))
_WANTED: Final = {
    "traceId": "trace", "trace_id": "trace", "spanId": "id", "span_id": "id", "parentSpanId": "parent", "parent_span_id": "parent",
    "kind": "kind", "attributes": "attributes",
}  # fmt: skip
_SCALARS: Final = ("stringValue", "intValue", "boolValue", "doubleValue", "string_value", "int_value", "bool_value", "double_value")
_OPENING: Final = ("start_map", "start_array")
_CLOSING: Final = ("end_map", "end_array")


def spans(blocks: Iterator[bytes]) -> Iterator[Span | Skipped]:
    """Each span of UTF-8 text, as `span 17`. Other signals are `Skipped`.

    Raises CaskError CASK-C001 with `line N` for what is not JSON or holds no traces, CASK-C005 for what is nested too deeply or does not end.
    """
    lines = _Lines(blocks)
    reader = _Reader(lines)
    try:
        for event, value in ijson.basic_parse(lines, multiple_values=True, use_float=True, buf_size=_PIECE):
            lines.waited = 0
            if (found := reader.take(event, value)) is not None:
                yield found
    except (ijson.JSONError, ValueError):
        # The library's words quote the text around the fault: not even a traceback may show them.
        raise CaskError("CASK-C001", "the traces are not JSON, or are cut off", place=f"line {max(lines.number, 1)}") from None
    if not reader.is_traces:
        raise CaskError("CASK-C001", "there is no `resourceSpans`: this is no OTLP of traces", place=f"line {max(lines.number, 1)}")


class _Lines:
    """The text as a file that gives no more than one line at a time, so that a fault has a line."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._pieces = (piece for block in blocks for line in block.splitlines(keepends=True) for piece in _cut(line))
        self._ended = True
        self.number = 0
        self.waited = 0
        """Bytes since the last event."""

    def read(self, size: int = -1) -> bytes:
        """The next piece; empty at the end, and for a size of 0 (ijson asks so whether it gets bytes)."""
        if not size:
            return b""
        piece = next(self._pieces, b"")
        self.number += self._ended and bool(piece)
        self._ended = piece.endswith(b"\n")
        self.waited += len(piece)
        if self.waited > LONGEST:
            raise CaskError("CASK-C005", f"a text is longer than {LONGEST >> 20} MiB", place=f"line {self.number}")
        return piece


def _cut(line: bytes) -> Iterator[bytes]:
    return (line[at : at + _PIECE] for at in range(0, len(line), _PIECE))


class _Reader:
    """Follows the events down to spans, and builds what is wanted of one."""

    def __init__(self, lines: _Lines) -> None:
        self._lines = lines
        self._names: list[str] = []
        """The key under which each open container stands; `[]` for an item of an array."""
        self._arrays: list[bool] = []
        self._key = ""
        self._span: _Building | None = None
        self._count = 0
        self._top: set[str] = set()
        self.is_traces = False

    def take(self, event: str, value: Any) -> Span | Skipped | None:
        """Follow one event; the span that ends with it."""
        if self._span is not None:
            return self._built(self._span.take(event, value, self._lines.number))
        if event == "map_key":
            self._key = value
            self._note(value)
        elif event in _OPENING:
            self._open(event)
        elif event in _CLOSING:
            return self._close()
        return None

    def _note(self, key: str) -> None:
        self.is_traces = self.is_traces or key in _RESOURCES
        if len(self._names) == 1:
            self._top.add(key)

    def _open(self, event: str) -> None:
        name = "[]" if self._arrays and self._arrays[-1] else self._key
        if len(self._names) >= DEPTH:
            raise _too_deep(self._lines.number)
        if event == "start_map" and name == "[]" and self._in_spans():
            self._span = _Building()
            return
        self._names.append(name)
        self._arrays.append(event == "start_array")

    def _in_spans(self) -> bool:
        named = [name for name in self._names if name != "[]"]
        return named[-1:] == ["spans"] and bool(_SCOPES.intersection(named[-2:-1])) and bool(_RESOURCES.intersection(named[-3:-2]))

    def _close(self) -> Skipped | None:
        self._names.pop()
        self._arrays.pop()
        if self._names:
            return None
        other, self._top = _OTHER_SIGNALS & self._top, set()
        return Skipped(f"line {self._lines.number}", "not http") if other else None

    def _built(self, value: "dict[str, Any] | bool") -> Span | Skipped | None:
        if value is True:  # still open
            return None
        place = f"span {self._count}"
        self._count += 1
        self._span = None
        return (
            _span(value, place)
            if isinstance(value, dict)
            else Skipped(place, "broken", detail=f"the span is larger than {LARGEST >> 20} MiB")
        )


class _Building:
    """One span while its events come."""

    def __init__(self) -> None:
        self._whole: dict[str, Any] = {}
        self._open: list[dict[str, Any] | list[Any]] = [self._whole]
        self._keys: list[str] = [""]
        self._ignored = 0
        """Open containers of something that nobody wants."""
        self._size = 0

    def take(self, event: str, value: Any, line: int) -> dict[str, Any] | bool:
        """The span when it has ended (False if it was too large), True before."""
        if event == "map_key":
            self._keys[-1] = value
            return True
        if event in _CLOSING:
            return self._close()
        if not self._is_wanted():
            self._ignored += event in _OPENING
        elif event in _OPENING:
            self._put([] if event == "start_array" else {})
        else:
            self._put(value)
        if len(self._open) + self._ignored > DEPTH:
            raise _too_deep(line)
        return True

    def _is_wanted(self) -> bool:
        return not self._ignored and self._size <= LARGEST and (len(self._open) > 1 or self._keys[0] in _WANTED)

    def _put(self, value: Any) -> None:
        self._size += _COST + (len(value) if isinstance(value, str) else 0)
        holder = self._open[-1]
        if isinstance(holder, list):
            holder.append(value)
        else:
            holder[self._keys[-1]] = value
        if isinstance(value, dict | list):
            self._open.append(value)
            self._keys.append("")

    def _close(self) -> dict[str, Any] | bool:
        if self._ignored:
            self._ignored -= 1
            return True
        self._open.pop()
        self._keys.pop()
        return True if self._open else self._whole if self._size <= LARGEST else False


def _too_deep(line: int) -> CaskError:
    return CaskError("CASK-C005", f"the traces are nested deeper than {DEPTH} levels", place=f"line {line}")


# ---------------------------------------------------------------- one span
def _span(value: dict[str, Any], place: str) -> Span | Skipped:
    found = {_WANTED[key]: item for key, item in value.items()}
    attributes = found.get("attributes") or []
    if not isinstance(attributes, list):
        return Skipped(place, "broken", detail="the attributes of the span are no list")
    kind = found.get("kind", 0)
    return Span(
        place,
        _id(found.get("trace")),
        _id(found.get("id")),
        _id(found.get("parent")),
        KINDS.get(kind, -1) if isinstance(kind, str) else int(kind) if isinstance(kind, int) else -1,
        dict(_attributes(attributes)),
    )


def _id(value: Any) -> str:
    text = value.lower() if isinstance(value, str) else ""
    return "" if not text.strip("0") else text


def _attributes(items: list[Any]) -> Iterator[tuple[str, Scalar | list[Scalar]]]:
    for item in items:
        if isinstance(item, dict) and isinstance(item.get("key"), str):
            value = _value(item.get("value"))
            if value is not None:
                yield item["key"], value


def _value(value: Any) -> Scalar | list[Scalar] | None:
    """An `AnyValue`; what is no scalar and no list of scalars is nobody's business here."""
    if not isinstance(value, dict):
        return None
    array = value.get("arrayValue", value.get("array_value"))
    if isinstance(array, dict):
        items = array.get("values")
        return [found for item in items if (found := _scalar(item)) is not None] if isinstance(items, list) else None
    return _scalar(value)


def _scalar(value: Any) -> Scalar | None:
    found = next((value[name] for name in _SCALARS if name in value), None) if isinstance(value, dict) else None
    return found if isinstance(found, str | int | float | bool) else None
