"""`cask capture proxy` and `cask capture setup-proxy`."""

import click

from caskmcp.cli.command import command
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.workflows import proxy as story


@command(
    "proxy",
    click.Option(["-a", "--host", "hosts"], multiple=True, metavar="HOST", help="A first-party host; may be repeated."),
    click.Option(["--port"], type=click.IntRange(0, 65535), default=8080, show_default=True, help="Where to listen on 127.0.0.1; 0: any."),
    click.Option(["--duration"], type=click.FloatRange(0, min_open=True), metavar="S", help="Seconds until it ends by itself."),
    click.Option(["--upstream-ca"], metavar="FILE", help="Certificates (PEM) that upstreams are trusted by, in place of the usual ones."),
)
def proxy(world: World, hosts: tuple[str, ...], port: int, duration: float | None, upstream_ca: str | None) -> Report:
    """Record the traffic of any program through mitmproxy, until Ctrl-C.

    Only first parties are recorded; everything else passes unrecorded. What is seen is redacted in memory and kept as `- capture: ID`.
    """
    return story.run(world, hosts=hosts, port=port, duration=duration, upstream_ca=upstream_ca)


@command("setup-proxy")
def setup(world: World) -> Report:
    """Install mitmproxy for cask alone, into an environment in your data folder."""
    return story.setup(world)
