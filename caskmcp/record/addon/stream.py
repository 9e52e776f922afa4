"""Runs inside mitmdump, in its own Python, and is never imported by `cask`: each HTTP exchange goes as one JSON line into a pipe.

Needs the standard library alone. `$CASK_RECORD` is a JSON object: `out` and `life`, two inherited descriptors (lines go to the first; when the
second ends, so does the recording); `hosts`, the first parties of a live recording, or null for a file, of which everything is sent; `body`, the
most bytes of a body that are sent. What the lines say is in `compiler/capture/sources/flows.py`. Nothing is written anywhere else.
"""

import asyncio
import base64
import json
import logging
import os
import sys
from typing import Any

STREAMS = (
    "text/event-stream",
    "application/x-ndjson",
    "application/stream+json",
    "application/jsonl",
    "multipart/x-mixed-replace",
    "application/grpc",
)
"""Answers that may never end: they pass as they come, and their beginning is kept."""
PORTS = {"http": 80, "https": 443}


class Exchanges:
    """The addon. Its hooks are called by mitmproxy by their names."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.out, self.life, self.body = int(settings["out"]), int(settings["life"]), int(settings["body"])
        hosts = settings["hosts"]
        self.hosts = None if hosts is None else frozenset(host.lower().rstrip(".") for host in hosts)
        self.open: dict[str, Any] = {}
        self.others: set[str] = set()
        self.tapped: dict[str, bytearray] = {}
        self.count = 0
        self.gone = False
        self.master: Any = None

    # ------------------------------------------------------------ life
    def load(self, loader: Any) -> None:
        """First of all: which mitmproxy this is."""
        self.master = loader.master
        logging.getLogger().addHandler(Failures(self))
        self.send({"is": "begun", "version": str(getattr(sys.modules.get("mitmproxy.version"), "VERSION", ""))})

    def running(self) -> None:
        """The servers listen."""
        servers = self.master.addons.get("proxyserver")
        ports = [address[1] for address in servers.listen_addrs()] if servers and self.hosts is not None else []
        if ports:
            self.send({"is": "listening", "port": ports[0]})
        asyncio.get_running_loop().add_reader(self.life, self.over)

    def over(self) -> None:
        """The other side closed its end, or is gone."""
        asyncio.get_running_loop().remove_reader(self.life)
        self.master.shutdown()

    def done(self) -> None:
        """What is still under way and has an answer already counts as seen."""
        for flow in list(self.open.values()):
            if flow.response is not None:
                self.seen(flow)
        if self.hosts is None and not self.read_all():
            self.send({"is": "failed"})
        self.send({"is": "ended", "count": self.count})

    def read_all(self) -> bool:
        """Whether the file was read to its end: mitmproxy 12 takes a length that no memory can hold for the end, and reports nothing."""
        reader = self.master.addons.get("readfilestdin")
        task = getattr(reader, "_read_task", None)
        is_broken = task is not None and task.done() and not task.cancelled() and task.exception() is not None
        return not is_broken and sys.stdin.buffer.read(1) == b""

    # ------------------------------------------------------------ HTTP
    def http_connect(self, flow: Any) -> None:
        """A tunnel: to another host it is passed on as it is."""
        if not self.is_ours("https", flow.request.host, flow.request.port):
            self.passed(flow.request.host, flow.request.port)

    def requestheaders(self, flow: Any) -> None:
        """To another host nothing is held back."""
        if self.asks_ours(flow):
            self.open[flow.id] = flow
        else:
            self.others.add(flow.id)
            flow.request.stream = True

    def responseheaders(self, flow: Any) -> None:
        """An answer that may never end is not waited for."""
        if self.hosts is None:
            return
        if flow.id not in self.open:
            flow.response.stream = True
        elif media(flow.response).startswith(STREAMS):
            flow.response.stream = self.tap(flow.id)

    def response(self, flow: Any) -> None:
        """An exchange is complete."""
        self.seen(flow)

    def error(self, flow: Any) -> None:
        """No answer came, or it broke off."""
        self.seen(flow)

    # ------------------------------------------------------------ what is no HTTP
    def tcp_end(self, _: Any) -> None:
        """A connection that is not HTTP."""
        self.other("tcp")

    tcp_error = tcp_end

    def udp_end(self, _: Any) -> None:
        """As `tcp_end`."""
        self.other("udp")

    udp_error = udp_end

    def dns_response(self, _: Any) -> None:
        """As `tcp_end`."""
        self.other("dns")

    dns_error = dns_response

    # ------------------------------------------------------------ lines
    def seen(self, flow: Any) -> None:
        """Send a flow, once."""
        if self.open.pop(flow.id, None) is not None:
            self.send(self.exchange(flow))
            self.count += 1
        elif flow.id in self.others:
            self.others.discard(flow.id)
            self.passed(flow.request.pretty_host, flow.request.port)

    def exchange(self, flow: Any) -> dict[str, Any]:
        """The line of a flow."""
        request, response = flow.request, flow.response
        is_websocket = flow.websocket is not None or (response is not None and response.status_code == 101)
        return {
            "is": "exchange",
            "method": text(request.method),
            "url": text(request.pretty_url),
            "headers": pairs(request),
            "request": self.content(request, None) if request.raw_content != b"" else None,
            "status": 0 if response is None else response.status_code,
            "response_headers": [] if response is None else pairs(response),
            "response": None if response is None else self.content(response, self.tapped.pop(flow.id, None)),
            "kind": "websocket" if is_websocket else "",
        }

    def content(self, message: Any, tapped: "bytearray | None") -> dict[str, Any]:
        """A body as it was transferred; without `data` where it was not held back, or is too large."""
        data = message.raw_content if tapped is None else bytes(tapped)
        body: dict[str, Any] = {"media": media(message)}
        if data is not None:
            body |= {"data": base64.b64encode(data).decode("ascii")} if len(data) <= self.body else {"size": len(data)}
        return body

    def tap(self, flow: str) -> Any:
        """A function that passes pieces on and keeps the first of them."""
        kept = self.tapped[flow] = bytearray()

        def take(piece: bytes) -> bytes:
            kept.extend(piece[: max(0, self.body - len(kept))])
            return piece

        return take

    def asks_ours(self, flow: Any) -> bool:
        """Whether a flow goes to a first party."""
        return self.is_ours(flow.request.scheme, flow.request.pretty_host, flow.request.port)

    def is_ours(self, scheme: str, host: str, port: int) -> bool:
        """As the manifest's `hosts:`: a name alone means each of its ports."""
        name = bracketed(host)
        return self.hosts is None or name in self.hosts or f"{name}:{port or PORTS.get(scheme, 0)}" in self.hosts

    def passed(self, host: str, port: int) -> None:
        """Something of another host: its name alone."""
        self.send({"is": "passed", "host": bracketed(text(host)) + ("" if port in PORTS.values() else f":{port}")})

    def other(self, what: str) -> None:
        """Something that is no HTTP."""
        self.send({"is": "other", "what": what})

    def send(self, line: dict[str, Any]) -> None:
        """One line. Where nobody reads any more there is nothing left to do."""
        data = memoryview(json.dumps(line, separators=(",", ":")).encode("ascii") + b"\n")
        try:
            while data and not self.gone:
                data = data[os.write(self.out, data) :]
        except BrokenPipeError:
            self.gone = True
            self.master.shutdown()


class Failures(logging.Handler):
    """mitmproxy tells of a file that it cannot read by a log record alone; the record's text may hold what was in the file, and is dropped."""

    def __init__(self, addon: Exchanges) -> None:
        super().__init__(logging.ERROR)
        self.addon = addon

    def emit(self, _: logging.LogRecord) -> None:
        """Say that there was one."""
        if self.addon.hosts is None:
            self.addon.send({"is": "failed"})


def text(value: str) -> str:
    """Text that every encoding can write."""
    return value.encode("utf-8", "replace").decode("utf-8")


def pairs(message: Any) -> list[list[str]]:
    """Names and values of the headers as they were sent."""
    return [[name.decode("utf-8", "replace"), value.decode("utf-8", "replace")] for name, value in message.headers.fields]


def media(message: Any) -> str:
    """The media type as it was sent."""
    return text(str(message.headers.get("content-type", "")))


def bracketed(host: str) -> str:
    """A host as it stands in a URL."""
    return f"[{host}]" if ":" in host else host.lower().rstrip(".")


if "CASK_RECORD" in os.environ:
    addons = [Exchanges(json.loads(os.environ["CASK_RECORD"]))]
