"""`cask enforce …`."""

from typing import Any

import click

from caskmcp.cli.command import command
from caskmcp.errors import Exit
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.workflows import enforce as story
from caskmcp.workflows.serve import Asked

LOOPBACK = "127.0.0.1:8766"


def _shared() -> tuple[click.Parameter, ...]:
    return (
        click.Option(["--toolset"], metavar="NAME", help="The approved tools of one toolset."),
        click.Option(["--env", "environment"], metavar="NAME", help="Send calls to this environment of the manifest."),
        click.Option(["--trust-pin"], metavar="sha256:ROOT[@N]", help="The trust root that CI or a container accepts."),
    )


@command("evaluate", click.Argument(["file"], metavar="REQUEST.json"), *_shared())
def evaluate(world: World, file: str, **given: Any) -> Report:
    """What would be decided on one request, and by which rule; sends nothing. The file holds `method`, `url`, `headers` and `body`, or `tool` and
    `arguments`. Exit 0: allowed; 1: a person would be asked; 4: refused."""
    return story.evaluate(world, file, Asked(dry_run=True, **given))


@command(
    "proxy",
    click.Option(["--at"], metavar="[HOST:]PORT", default=LOOPBACK, show_default=True, help="Where to listen: a loopback address."),
    click.Option(["--token-file"], metavar="FILE", help="Who may call, each with a token and toolsets, as for `serve --http`."),
    click.Option(["--otel"], metavar="URL", help="Send traces and metrics of calls to this OTLP collector; no arguments, no secrets."),
    click.Option(["--dry-run"], is_flag=True, help="Show the exact request of each call and send nothing."),
    *_shared(),
    formats=("text",),
)
def proxy(world: World, at: str, token_file: str | None, dry_run: bool, **given: Any) -> Exit:
    """Send plain HTTP requests that an approved tool could make, each decided on as an agent's call. `http://127.0.0.1:8766/HOST/PATH` is HOST's
    PATH; credentials are the server's."""
    return story.proxy(world, at, token_file, Asked(dry_run=dry_run, **given))
