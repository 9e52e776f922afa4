"""`cask capture otlp`."""

import click

from caskmcp.cli.command import command
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.workflows import otlp as story


@command(
    "otlp",
    click.Option(["-a", "--host", "hosts"], multiple=True, metavar="HOST", help="A first-party host; may be repeated."),
    click.Option(["--port"], type=click.IntRange(0, 65535), default=4318, show_default=True, help="Where to listen on 127.0.0.1; 0: any."),
    click.Option(["--duration"], type=click.FloatRange(0, min_open=True), metavar="S", help="Seconds until it ends by itself."),
)
def otlp(world: World, hosts: tuple[str, ...], port: int, duration: float | None) -> Report:
    """Receive OpenTelemetry traces on 127.0.0.1, until Ctrl-C.

    Spans of HTTP servers and clients of first parties are redacted in memory and kept as `- capture: ID`. Traces hold no bodies.
    """
    return story.run(world, hosts=hosts, port=port, duration=duration)
