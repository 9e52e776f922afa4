"""`cask capture otlp` as a person runs it: a real process, real exporters, Ctrl-C, and the tools that a build makes of what was seen."""

import contextlib
import http.client
import json
import re
import signal
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import otlp
from tests.support.otlp import called, served, span
from tests.support.terminal import CASK, ROOT, environment

HOST = "api.shop.example"
SECRET = "c4n4ry-9f86d081884c7d65"
EXPORTER = """
import sys
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind

provider = TracerProvider(resource=Resource({"service.name": "orders"}))
exporter = OTLPSpanExporter(endpoint=sys.argv[1], compression=Compression[sys.argv[2]])
provider.add_span_processor(BatchSpanProcessor(exporter))
tracer = provider.get_tracer("test")
for number in (17, 18, 19):
    url = f"https://api.shop.example/orders/{number}"
    told = {"http.request.method": "GET", "http.response.status_code": 200}
    with tracer.start_as_current_span("GET", kind=SpanKind.CLIENT, attributes={**told, "url.full": url}):
        route = {"url.path": f"/orders/{number}", "url.scheme": "https", "http.route": "/orders/{id}", "server.address": "api.shop.example"}
        with tracer.start_as_current_span("GET /orders/{id}", kind=SpanKind.SERVER, attributes={**told, **route}):
            with tracer.start_as_current_span("SELECT", kind=SpanKind.CLIENT, attributes={"db.system.name": "postgresql"}):
                pass
provider.shutdown()
"""


def has_exporter() -> bool:
    code = "import opentelemetry.exporter.otlp.proto.http.trace_exporter, opentelemetry.sdk.trace"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


class Receiving:
    """A receiver that runs in a process of its own."""

    def __init__(self, process: "subprocess.Popen[str]", port: int) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}/v1/traces"
        self._port = port

    def post(self, body: bytes) -> int:
        """Post JSON; the status."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        with contextlib.closing(connection):
            connection.request("POST", "/v1/traces", body, {"Content-Type": "application/json"})
            return connection.getresponse().status

    def ended(self, number: int | None = signal.SIGINT) -> tuple[int, str, str]:
        """End it, and its exit status, stdout and stderr."""
        if number is not None:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


@contextlib.contextmanager
def receiving(folder: Path, *words: str) -> Iterator[Receiving]:
    process = subprocess.Popen(
        [*CASK, "capture", "otlp", "--port", "0", *words], cwd=folder, env=environment(folder.parent / "home"),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        first = process.stderr.readline()
        match = re.search(r"127\.0\.0\.1:(\d+)", first)
        assert match, first + process.stderr.read()
        yield Receiving(process, int(match[1]))
    finally:
        process.kill()
        process.communicate()


def cask(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*CASK, *words], cwd=folder, env=environment(folder.parent / "home"), capture_output=True, text=True, stdin=subprocess.DEVNULL
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "project"
    made.mkdir()
    return made


def kept(folder: Path) -> list[dict[str, Any]]:
    (path,) = (folder / ".caskmcp" / "captures").glob("*/exchanges.ndjson.gz")
    return [json.loads(line)["exchange"] for line in zlib.decompress(path.read_bytes(), 31).splitlines()]


def test_ctrl_c_ends_it_and_what_was_seen_is_kept_redacted_and_becomes_tools(folder: Path) -> None:
    spans = [
        span(number, served("GET", f"/orders/{number}", route="/orders/:id", host=HOST, query=f"api_key={SECRET}"))
        for number in (17, 18, 19)
    ]
    with receiving(folder, "-a", HOST) as receiver:
        assert receiver.post(otlp.document(*spans, span(1, called("GET", "https://cdn.example/x"), kind=otlp.CLIENT))) == 200
        status, out, _ = receiver.ended()
    assert (status, "the receiver: 3 exchanges" in out, "cdn.example (1)" in out) == (0, True, True), out
    assert [(each["path"], each["route"], each["auth"]) for each in kept(folder)] == [
        (f"/orders/{number}", "/orders/{id}", ["query:api_key"]) for number in (17, 18, 19)
    ]
    assert cask(folder, "build").returncode == 0
    coverage = json.loads((folder / ".caskmcp/toolpacks/api-shop-example/artifact/coverage.json").read_text(encoding="utf-8"))
    assert list(coverage["operations"]) == [f"GET {HOST}/orders/{{order_id}}"]
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert [path for path in files if SECRET.encode() in path.read_bytes() or SECRET.encode() in _plain(path)] == []


def _plain(path: Path) -> bytes:
    data = path.read_bytes()
    return zlib.decompress(data, 31) if data.startswith(b"\x1f\x8b") else b""


@pytest.mark.feature(6)
@pytest.mark.parametrize("name", ["session.old.otlp.json", "session.otlp.jsonl"])
def test_a_file_in_the_manifest_gives_tools_with_the_routes_parameters_and_says_that_bodies_are_unobserved(folder: Path, name: str) -> None:
    (folder / "traces").mkdir()
    (folder / "traces" / name).write_bytes((ROOT / "fixtures" / "captures" / "twins" / name).read_bytes())
    manifest = f"version: 1\nname: shop\nhosts: [{HOST}]\nsources:\n  - otel: traces/*\n"
    (folder / "cask.yaml").write_text(manifest, encoding="utf-8")
    assert cask(folder, "build").returncode == 0
    artifact = folder / ".caskmcp/toolpacks/shop/artifact"
    tools = {tool["name"]: tool for tool in json.loads((artifact / "tools.json").read_text(encoding="utf-8"))["tools"]}
    assert list(tools["get_order"]["input_schema"]["properties"]) == ["order_id"]
    assert tools["get_order"]["operation"] == f"GET {HOST}/orders/{{order_id}}"
    assert "What it returns was not observed." in tools["get_order"]["description"]
    coverage = json.loads((artifact / "coverage.json").read_text(encoding="utf-8"))["operations"]
    assert coverage[f"GET {HOST}/orders/{{order_id}}"]["notes"] == ["body unobserved: response"]
    assert coverage[f"POST {HOST}/orders"]["notes"] == ["body unobserved: request", "body unobserved: response"]
    answers = json.loads((artifact / "openapi.json").read_text(encoding="utf-8"))["paths"]["/orders/{order_id}"]["get"]["responses"]
    assert answers["200"]["description"] == "OK (body unobserved)"
    assert sum(coverage[f"GET {HOST}/orders/{{order_id}}"]["parts"].values()) == 3


@pytest.mark.feature(6)
@pytest.mark.skipif(not has_exporter(), reason="needs the exporter of OpenTelemetry: pip install 'caskmcp[otel]'")
@pytest.mark.parametrize("compression", ["NoCompression", "Gzip"])
def test_spans_of_the_real_exporter_are_stored_each_call_once(folder: Path, compression: str) -> None:
    with receiving(folder, "-a", HOST) as receiver:
        sent = subprocess.run(
            [sys.executable, "-c", EXPORTER, receiver.url, compression], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert (sent.returncode, sent.stderr) == (0, "")
        status, out, _ = receiver.ended(signal.SIGTERM)
    assert (status, "left out: 3 not http" in out) == (0, True), out
    assert sorted(each["path"] for each in kept(folder)) == ["/orders/17", "/orders/18", "/orders/19"]
    assert {each["route"] for each in kept(folder)} == {"/orders/{id}"}


def test_the_duration_ends_it_and_nothing_seen_is_an_error_that_writes_nothing(folder: Path) -> None:
    with receiving(folder, "-a", HOST, "--duration", "0.5") as receiver:
        status, _, err = receiver.ended(None)
    assert (status, "CASK-C003" in err, "Traceback" in err) == (3, True, False)
    assert [path for path in folder.rglob("*") if path.is_file() and path.name != "lock"] == []


def test_a_port_that_is_taken_is_said_with_one_that_may_be_free(folder: Path) -> None:
    with receiving(folder, "-a", HOST) as receiver:
        port = receiver.url.split(":")[2].split("/")[0]
        done = cask(folder, "capture", "otlp", "--port", port, "-a", HOST)
    assert (done.returncode, done.stderr.count("\n")) == (5, 1)
    assert "CASK-C020" in done.stderr
    assert f"--port {int(port) + 1}" in done.stderr
