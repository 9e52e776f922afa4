"""Traces and metrics of calls for OpenTelemetry: one span a call with what was decided on it, a count and a duration. Off unless a person gave an address.

Promises: no argument, no answer, no credential and no name that a caller made up stands in a span or a metric; an export that fails or hangs
neither fails nor holds up a call; what could not be exported is dropped. The record of decisions is `record`'s: this is no proof of anything.
"""

from typing import Any, Final

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, set_span_in_context
from requests import Session

from caskmcp import __version__
from caskmcp.model.decision import Entry

TIME: Final = 2.0
"""Seconds that one export may take."""
EVERY: Final = 10_000
"""Milliseconds between two exports of metrics."""
UNKNOWN: Final = "(unknown)"
"""In place of the name of a tool that there is none of: a caller may have written anything there."""
TOLD: Final = ("toolpack", "caller", "verdict", "step", "rule", "code", "lock")


class Telemetry:
    """What watches calls (`conduct.Watch`). address: of a collector, without the path of a signal."""

    def __init__(self, address: str) -> None:
        resource = Resource({"service.name": "cask", "service.version": __version__})
        self._traces = TracerProvider(sampler=ALWAYS_ON, resource=resource)
        spans = OTLPSpanExporter(endpoint=f"{address}/v1/traces", timeout=TIME, session=_session(address))
        self._traces.add_span_processor(BatchSpanProcessor(spans))
        points = OTLPMetricExporter(endpoint=f"{address}/v1/metrics", timeout=TIME, session=_session(address))
        reader = PeriodicExportingMetricReader(points, EVERY, TIME * 1000)
        self._metrics = MeterProvider(metric_readers=[reader], resource=resource)
        self._tracer = self._traces.get_tracer("caskmcp", __version__)
        meter = self._metrics.get_meter("caskmcp", __version__)
        self._calls = meter.create_counter("cask.calls", unit="{call}", description="Calls by tool and decision")
        self._took = meter.create_histogram("cask.call.duration", unit="s", description="From the call's arrival to its answer")
        self._open: dict[str, Span] = {}

    def began(self, call: str) -> None:
        """A call came in."""
        self._open[call] = self._tracer.start_span("cask.call", kind=SpanKind.SERVER)

    def decided(self, entry: Entry) -> None:
        """A line was put on record. That a write is about to be sent is no decision yet."""
        if entry.extra.get("phase") == "sending":
            return
        call = str(entry.extra.get("call", ""))
        facts = told(entry)
        self._calls.add(1, {name: facts[name] for name in ("cask.tool", "cask.verdict", "cask.code") if name in facts})
        if (span := self._open.get(call)) is not None:
            _mark(span, facts)
        elif (outer := self._open.get(call.rpartition(".")[0])) is not None:  # one of a composite's calls
            inner = self._tracer.start_span("cask.call", context=set_span_in_context(outer))
            _mark(inner, facts)
            inner.end()

    def ended(self, call: str) -> None:
        """A call was answered, or given up."""
        span = self._open.pop(call, None)
        if span is None:
            return
        span.end()
        if isinstance(span, ReadableSpan) and span.start_time is not None and span.end_time is not None:
            attributes = span.attributes or {}
            shown = {name: attributes[name] for name in ("cask.tool", "cask.verdict") if name in attributes}
            self._took.record((span.end_time - span.start_time) / 1e9, shown)

    def close(self) -> None:
        """Export what is left, in a bounded time."""
        self._traces.shutdown()
        self._metrics.shutdown(timeout_millis=2 * TIME * 1000)


def _session(address: str) -> Session:
    """What speaks HTTP to the collector. What goes to this machine in clear goes to no proxy of the environment."""
    session = Session()
    session.trust_env = address.startswith("https:")
    return session


def told(entry: Entry) -> dict[str, Any]:
    """What of a line of the record is exported."""
    known = entry.code != "CASK-R001"
    facts = {f"cask.{name}": getattr(entry, name) for name in TOLD if getattr(entry, name)}
    facts |= {"cask.tool": entry.tool if known else UNKNOWN, "cask.call": str(entry.extra.get("call", ""))}
    if entry.status:
        facts["http.response.status_code"] = entry.status
    return facts | {f"cask.{name}": entry.extra[name] for name in ("dry_run", "outcome") if isinstance(entry.extra.get(name), bool | str)}


def _mark(span: Span, facts: dict[str, Any]) -> None:
    span.set_attributes(facts)
    if code := facts.get("cask.code"):
        span.set_status(Status(StatusCode.ERROR, str(code)))
