"""Run the stage `capture` on bytes, and look at what it gave."""

import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from caskmcp.compiler.capture import stage
from caskmcp.compiler.capture.codec import decode_whole
from caskmcp.model.exchange import Declared, Exchange, Proposed

KEY = b"k" * 32
OTHER_KEY = b"another key of the same length .."


class Given:
    """Inputs of the stage for one source."""

    def __init__(
        self, data: bytes, hosts: Iterable[str], kind: str, redact: Mapping[str, Any], key: bytes, block: int, keep: Iterable[str] = ()
    ) -> None:
        self._data = data
        self._block = block
        self._key = key
        self._values = {"source.kind": kind, "project.hosts": list(hosts), "project.redact": dict(redact), "project.keep": list(keep)}

    def value(self, role: str) -> Any:
        return self._values[role]

    def blocks(self, role: str) -> Iterator[bytes]:
        assert role == "source"
        return (self._data[at : at + self._block] for at in range(0, len(self._data), self._block))

    def common(self, role: str, of: Callable[[Any], Any]) -> Any:
        return of(self.value(role))

    def data(self, role: str) -> bytes:
        assert role == "secret.redaction"
        return self._key

    def size(self, role: str) -> int:
        assert role == "source"
        return len(self._data)

    def window(self, role: str, low: int, high: int) -> Iterator[bytes]:
        assert role == "source"
        yield self._data[low:high]

    def files_of(self, role: str) -> Mapping[str, bytes]:
        raise KeyError(role)


class Captured(NamedTuple):
    """What a capture gave. `written`: all bytes that reach the disk, decompressed; `packed`: the exchanges as they are written."""

    written: bytes
    packed: bytes
    items: list[Exchange | Declared]
    head: dict[str, Any]

    @property
    def exchanges(self) -> list[Exchange]:
        return [item for item in self.items if isinstance(item, Exchange)]

    @property
    def only(self) -> Exchange:
        (found,) = self.exchanges
        return found

    def cuts(self) -> dict[str, int]:
        """Detector -> cuts."""
        return {row[0]: sum(cut[2] for cut in self.head["cuts"] if cut[0] == row[0]) for row in self.head["cuts"]}


def capture(
    data: bytes,
    *hosts: str,
    kind: str = "har",
    redact: Mapping[str, Any] | None = None,
    key: bytes = KEY,
    block: int = 1 << 20,
    keep: Iterable[str] = (),
) -> Captured:
    """Run the stage; the default host is `api.example.com`."""
    outputs = stage.run(Given(data, hosts or ("api.example.com",), kind, redact or {"profile": "strict"}, key, block, keep))
    exchanges, head = (b"".join(_pieces(outputs[name])) for name in ("exchanges", "head"))
    return Captured(
        zlib.decompress(exchanges, 31) + head,
        exchanges,
        [item for item in decode_whole([exchanges]) if not isinstance(item, Proposed)],
        json.loads(head),
    )


def _pieces(output: object) -> Iterable[bytes]:
    assert isinstance(output, Iterable)
    return [output] if isinstance(output, bytes) else output


def entry(url: str, method: str = "GET", **rest: Any) -> dict[str, Any]:
    """A HAR entry. headers, cookies: {name: value}; post: (media, text); answer: (media, text), JSON if it is no pair; status; the rest as is."""
    media, text = _answer(rest.pop("answer", {"ok": True}))
    post = rest.pop("post", None)
    request: dict[str, Any] = {
        "method": method,
        "url": url,
        "headers": _named(rest.pop("headers", {})),
        "cookies": _named(rest.pop("cookies", {})),
    }
    if post is not None:
        request["postData"] = {"mimeType": post[0], "text": post[1]}
    content = {"mimeType": media, "text": text, "size": len(text), **rest.pop("content", {})}
    response = {"status": rest.pop("status", 200), "headers": _named(rest.pop("response_headers", {})), "content": content}
    return {"startedDateTime": "2026-11-20T10:00:00Z", "request": request, "response": response, **rest}


def har(*entries: Any) -> bytes:
    """A HAR file with the entries."""
    return json.dumps({"log": {"version": "1.2", "creator": {"name": "t", "version": "1"}, "entries": list(entries)}}).encode("utf-8")


def _answer(answer: Any) -> tuple[str, str]:
    return answer if isinstance(answer, tuple) else ("application/json", json.dumps(answer))


def _named(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in values.items()]
