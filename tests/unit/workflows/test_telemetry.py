"""Traces and metrics: what a collector on this machine receives of calls, what it never receives, and that nothing waits for it."""

import json
import socket
import sys
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from caskmcp.cli.main import main
from caskmcp.errors import CaskError
from caskmcp.load import load
from caskmcp.store.credentials import ReferencedCredentials
from caskmcp.workflows import serve, telemetry
from caskmcp.workflows.serve import Asked
from tests.support.serving import TOKEN, Project, project
from tests.support.upstream import Upstream
from tests.support.world import world

pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="needs the exporter of OpenTelemetry: pip install 'caskmcp[otel]'")
METRICS = pytest.importorskip("opentelemetry.proto.collector.metrics.v1.metrics_service_pb2")
TRACES = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")


class Collector:
    """An OTLP receiver on the loopback address; keeps what came, by path."""

    def __init__(self) -> None:
        self.bodies: dict[str, list[bytes]] = {"/v1/traces": [], "/v1/metrics": []}
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self) -> "Collector":
        Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        bodies = self.bodies

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                bodies[self.path].append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing: the test reads `bodies`."""

        return Handler

    @property
    def spans(self) -> list[Any]:
        requests = [TRACES.ExportTraceServiceRequest.FromString(body) for body in self.bodies["/v1/traces"]]
        return [span for request in requests for row in request.resource_spans for scope in row.scope_spans for span in scope.spans]

    @property
    def metrics(self) -> dict[str, Any]:
        requests = [METRICS.ExportMetricsServiceRequest.FromString(body) for body in self.bodies["/v1/metrics"]]
        return {
            row.name: row
            for request in requests
            for rows in request.resource_metrics
            for scope in rows.scope_metrics
            for row in scope.metrics
        }


def attributes(span: Any) -> dict[str, Any]:
    return {row.key: getattr(row.value, row.value.WhichOneof("value")) for row in span.attributes}


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream() as running:
        yield running


async def calls(shop: Project, otel: str | None) -> list[str]:
    """Make a call of each kind; returns the texts of the answers."""
    place = replace(world(shop.folder, config=shop.config), credentials=ReferencedCredentials({"SHOP_TOKEN": TOKEN}))
    front = serve.front_of(place, Asked(environment="local", otel=otel), lambda _: None)
    front.start()
    said = []
    async with Client(front.server()) as client:
        for name, arguments in (
            ("r", {"order_id": 424242}),
            ("r", {"order_id": 7, "state": "hunter2"}),
            ("w", {"order_id": 7, "note": "n0te-text"}),
        ):
            result = await client.call_tool(name, arguments)
            said.append(str(getattr(result.content[0], "text", "")))
        with pytest.raises(MCPError):
            await client.call_tool("ghp_0123456789abcdefghijklmnopqrstuvwxyzAB", {})
    await front.aclose()
    return said


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[Collector]:
    with Collector() as collector:
        anyio.run(calls, project(tmp_path_factory.mktemp("shop"), upstream), collector.url)
        yield collector


@pytest.mark.feature(95)
def test_each_call_is_a_span_with_what_was_decided(told: Collector) -> None:
    names = ("cask.tool", "cask.verdict", "cask.step", "cask.rule", "cask.code")
    rows = [tuple(attributes(span).get(name, "") for name in names) for span in told.spans]
    assert rows == [
        ("r", "allow", "policy", "allow-calm", ""),
        ("r", "deny", "arguments", "CASK-R002", "CASK-R002"),
        ("w", "confirm", "confirmation", "CASK-R005", "CASK-R005"),
        ("(unknown)", "deny", "listed", "CASK-R001", "CASK-R001"),
    ]
    assert [attributes(span).get("http.response.status_code") for span in told.spans] == [200, None, None, None]
    assert [span.status.code for span in told.spans] == [0, 2, 2, 2]
    assert all(span.end_time_unix_nano >= span.start_time_unix_nano > 0 for span in told.spans)
    assert {span.name for span in told.spans} == {"cask.call"}


def test_calls_are_counted_and_timed(told: Collector) -> None:
    points = {
        (attributes(point)["cask.tool"], attributes(point).get("cask.code", "")): point.as_int
        for point in told.metrics["cask.calls"].sum.data_points
    }
    assert points == {("r", ""): 1, ("r", "CASK-R002"): 1, ("w", "CASK-R005"): 1, ("(unknown)", "CASK-R001"): 1}
    assert sum(point.count for point in told.metrics["cask.call.duration"].histogram.data_points) == 4


def test_no_argument_no_answer_no_credential_and_no_made_up_name_leaves(told: Collector) -> None:
    everything = b"".join(body for bodies in told.bodies.values() for body in bodies)
    assert everything
    for word in ("424242", "hunter2", "n0te-text", TOKEN, "ghp_", "GET /orders", "order_id"):
        assert word.encode() not in everything


def test_a_composites_calls_are_spans_below_its_own() -> None:
    with Collector() as collector:
        watch = load("runtime.telemetry:Telemetry")(collector.url)
        outer = entry(tool="both", extra={"call": "a1"})
        watch.began("a1")
        watch.decided(entry(tool="inner", extra={"call": "a1.1", "composite": "both"}))
        watch.decided(entry(tool="both", extra={"call": "a1", "phase": "sending"}))
        watch.decided(outer)
        watch.ended("a1")
        watch.ended("a1")
        watch.decided(entry(tool="stray", extra={"call": "b2"}))
        watch.close()
        inner, whole = collector.spans
    assert (attributes(inner)["cask.tool"], attributes(whole)["cask.tool"]) == ("inner", "both")
    assert (inner.parent_span_id, inner.trace_id) == (whole.span_id, whole.trace_id)


def entry(**more: Any) -> Any:
    record = load("model.decision:Entry")
    fields = {
        "at": "2026-11-21T12:00:00Z",
        "toolpack": "shop",
        "lock": "",
        "caller": "stdio",
        "arguments": "",
        "verdict": "allow",
        "step": "policy",
        "rule": "a",
    }
    return record(**{**fields, **more})


def test_without_an_address_nothing_is_told(tmp_path: Path, upstream: Upstream) -> None:
    with Collector() as collector:
        anyio.run(calls, project(tmp_path, upstream), None)
        assert collector.bodies == {"/v1/traces": [], "/v1/metrics": []}
    assert telemetry.watch(None) is None


def test_a_collector_that_is_gone_or_hangs_fails_no_call(tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caskmcp.runtime.telemetry.TIME", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections and never answers
        said = anyio.run(calls, project(tmp_path, upstream), f"http://127.0.0.1:{silent.getsockname()[1]}")
    assert json.loads(said[0])["head"].startswith("GET /orders/424242/r")
    assert [text[:9] for text in said[1:]] == ["CASK-R002", "CASK-R005"]


@pytest.mark.parametrize("guard", ["on", "off"])
def test_what_goes_to_this_machine_in_clear_goes_to_no_proxy_of_the_environment(guard: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if guard == "off":
        monkeypatch.setattr("caskmcp.runtime.telemetry._session", lambda _: None)
    with Collector() as collector, socket.create_server(("127.0.0.1", 0)) as proxy:
        monkeypatch.setattr("caskmcp.runtime.telemetry.TIME", 0.2)
        for name in ("http_proxy", "HTTP_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.getsockname()[1]}")
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        watch = telemetry.watch(collector.url)
        assert watch is not None
        watch.began("c")
        watch.ended("c")
        watch.close()
        assert len(collector.spans) == (guard == "on")


@pytest.mark.parametrize(
    "address",
    ["", "collector", "http://collector.test:4318", "http://10.0.0.1:4318", "ftp://127.0.0.1", "http://user:key@127.0.0.1:1", "http://[::1",
     "http://127.0.0.1:99999", "http://127.0.0.1:4318/?key=1", "https://"],
)  # fmt: skip
def test_an_address_that_others_could_listen_to_is_bad_input(address: str) -> None:
    with pytest.raises(CaskError) as no:
        telemetry.checked(address)
    assert no.value.code == "CASK-I010"


@pytest.mark.parametrize("address", ["https://collector.test", "http://127.0.0.1:4318", "http://localhost:4318/", "http://[::1]:4318"])
def test_an_address_over_tls_or_on_this_machine_is_taken(address: str) -> None:
    assert telemetry.checked(address) == address.rstrip("/")


def test_the_command_refuses_an_address_before_anything_is_served(
    tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = project(tmp_path, upstream)
    monkeypatch.chdir(shop.folder)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(shop.config.parent))
    assert main(["serve", "--otel", "http://collector.test"]) == 3


def test_a_missing_extra_is_told_with_the_command_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    load.cache_clear()
    monkeypatch.delitem(sys.modules, "caskmcp.runtime.telemetry", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.metric_exporter", None)
    with pytest.raises(CaskError) as no:
        telemetry.watch("http://127.0.0.1:4318")
    assert (no.value.code, no.value.mend) == ("CASK-W002", "pip install 'caskmcp[otel]'")
