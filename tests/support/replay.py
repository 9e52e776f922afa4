"""A loopback upstream that answers with what a recording holds, and the calls that would make a recorded request again."""

import gzip
import json
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit


def entries(recording: Path) -> list[dict[str, Any]]:
    """The entries of a HAR, gzipped or not."""
    raw = recording.read_bytes()
    rows: list[dict[str, Any]] = json.loads(gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw)["log"]["entries"]
    return rows


class Replay:
    """Answers GET requests with the recorded JSON of the same target; 404 else. `heard` is what arrived."""

    def __init__(self, recorded: list[dict[str, Any]]) -> None:
        self.heard: list[str] = []
        self.answers = {target(row): row["response"]["content"]["text"].encode() for row in recorded if readable(row)}
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.port = int(self.server.server_address[1])

    def __enter__(self) -> "Replay":
        Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        replay = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                replay.heard.append(same(self.path))
                body = replay.answers.get(same(self.path))
                self.send_response(404 if body is None else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body or b"{}")))
                self.end_headers()
                self.wfile.write(body or b"{}")

            def log_message(self, *_: object) -> None:
                """Nothing: the test reads `heard`."""

        return Handler


def readable(row: Mapping[str, Any]) -> bool:
    """Whether an entry is a GET that was answered with JSON."""
    content = row["response"]["content"]
    return (
        row["request"]["method"] == "GET"
        and row["response"]["status"] == 200
        and "json" in content.get("mimeType", "")
        and bool(content.get("text"))
    )


def target(row: Mapping[str, Any]) -> str:
    """Path and query of a recorded request."""
    parts = urlsplit(row["request"]["url"])
    return same(parts.path + (f"?{parts.query}" if parts.query else ""))


def same(text: str) -> str:
    """A target in one spelling: neither which characters are percent-encoded nor the order of the parameters matters here."""
    path, _, query = text.partition("?")
    pairs = sorted(parse_qsl(query, keep_blank_values=True))
    return unquote(path) + ("?" + "&".join(f"{name}={value}" for name, value in pairs) if pairs else "")


class Recorded(NamedTuple):
    """A tool call that makes a recorded request again."""

    tool: str
    arguments: dict[str, Any]
    target: str


def calls(tools: list[dict[str, Any]], recorded: list[dict[str, Any]]) -> Iterator[Recorded]:
    """The first recorded request of each reading tool, as a call."""
    done: set[str] = set()
    literal_first = sorted(
        tools, key=lambda tool: sum(bool(piece.get("argument")) for segment in tool["request"]["segments"] for piece in segment["pieces"])
    )
    for row in filter(readable, recorded):
        found = next(((tool, arguments) for tool in literal_first if (arguments := _arguments(tool, row)) is not None), None)
        if found and found[0]["name"] not in done:
            done.add(found[0]["name"])
            yield Recorded(found[0]["name"], found[1], target(row))


def _arguments(tool: dict[str, Any], row: Mapping[str, Any]) -> dict[str, Any] | None:
    parts = urlsplit(row["request"]["url"])
    segments, plan = parts.path.split("/")[1:], tool["request"]["segments"]
    if tool["request"]["method"] != "GET" or len(segments) != len(plan):
        return None
    given: dict[str, str] = {}
    for text, segment in zip(segments, plan, strict=True):
        (piece,) = segment["pieces"]
        argument = piece.get("argument")
        if (argument and not text) or (not argument and piece.get("text", "") != text):
            return None
        if argument:
            given[argument] = unquote(text)
    wires = {field["wire"]: field["argument"] for field in tool["request"].get("query", ())}
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name not in wires or wires[name] in given:
            return None
        given[wires[name]] = value
    signs = {
        field["argument"]: _SIGNS[field.get("style", "form")] for field in tool["request"].get("query", ()) if field.get("explode") is False
    }
    return {name: _typed(value, tool["input_schema"]["properties"][name], signs.get(name, "")) for name, value in given.items()}


_SIGNS = {"form": ",", "pipeDelimited": "|", "spaceDelimited": " "}
"""Style of a list that is one value -> what stands between its items."""


def _typed(value: str, schema: Mapping[str, Any], sign: str = "") -> Any:
    if sign and schema.get("type") == "array":
        return [_typed(item, schema.get("items", {})) for item in value.split(sign)]
    kinds = {schema.get("type"), *(option.get("type") for option in schema.get("anyOf", ()))}
    if kinds & {"integer", "number", "boolean"}:
        try:
            return json.loads(value)
        except ValueError:
            return value
    return [value] if "array" in kinds else value
