"""`cask serve`."""

from typing import Any

import click

from caskmcp.api import Project
from caskmcp.cli.command import command
from caskmcp.errors import CaskError, Exit
from caskmcp.load import load
from caskmcp.ports import World
from caskmcp.workflows.serve import Asked, Web

LOOPBACK = "127.0.0.1:8765"
WEB = ("tls_cert", "tls_key", "public_url", "behind_proxy")
"""Options that say something about HTTP alone."""


def _gone(_: click.Context, __: click.Parameter, wanted: bool) -> None:
    if wanted:
        what = "`--unsafe-no-lockfile` is gone: no approved and verified statement, no tool; nothing turns that off"
        raise CaskError("CASK-I012", what, mend="cask gate allow --all")


@command(
    "serve",
    click.Option(["--toolset"], metavar="NAME", help="Serve the approved tools of one toolset."),
    click.Option(["--env", "environment"], metavar="NAME", help="Send calls to this environment of the manifest."),
    click.Option(["--twin"], is_flag=True, help="Send calls to a twin of the upstream on this machine, made from what was recorded."),
    click.Option(["--dry-run"], is_flag=True, help="Show the exact request of each call and send nothing."),
    click.Option(
        ["--surface"],
        type=click.Choice(["list", "search"]),
        default="list",
        show_default=True,
        help="List the tools, or two that find and call them.",
    ),
    click.Option(["--client-dialogue"], is_flag=True, help="Let the client's own dialogue confirm calls below tier high."),
    click.Option(
        ["--http"],
        is_flag=False,
        flag_value=LOOPBACK,
        metavar="[HOST:PORT]",
        help=f"Serve Streamable HTTP, at {LOOPBACK} unless said otherwise.",
    ),
    click.Option(["--state"], metavar="env:NAME", help="Keep budgets and confirmations where replicas share them: reference to a URL."),
    click.Option(["--otel"], metavar="URL", help="Send traces and metrics of calls to this OTLP collector; no arguments, no secrets."),
    click.Option(["--token-file"], metavar="FILE", help="Who may call over HTTP, each with a token and toolsets."),
    click.Option(["--new-token"], metavar="NAME", help="Add a token to the token file (for one --toolset), print it, and end."),
    click.Option(["--tls-cert"], metavar="FILE", help="Certificate chain, to end TLS here."),
    click.Option(["--tls-key"], metavar="FILE", help="Its private key."),
    click.Option(["--public-url"], metavar="URL", help="Under which clients reach the server, if not at its own address."),
    click.Option(["--behind-proxy"], is_flag=True, help="A proxy in front ends TLS."),
    click.Option(["--toolpack", "toolpacks"], multiple=True, metavar="PATH|ID", help="Which toolpack; given again, several in one server."),
    click.Option(["--trust-pin"], metavar="sha256:ROOT[@N]", help="The trust root that CI or a container accepts."),
    click.Option(["--unsafe-no-lockfile"], is_flag=True, hidden=True, expose_value=False, callback=_gone),
    formats=("text",),
)
def serve(world: World, surface: str, http: str | None, token_file: str | None, new_token: str | None, **given: Any) -> Exit:
    """Serve the approved tools through MCP: on stdio, where the client starts it and Ctrl-C ends it, or over HTTP."""
    if new_token is not None:
        made: Exit = load("workflows.serve_http:new_token")(world, name=new_token, token_file=token_file, toolset=given["toolset"])
        return made
    web = {name: given.pop(name) for name in WEB}
    if http is None and (token_file or any(web.values())):
        raise CaskError(
            "CASK-I010",
            "tokens, TLS and URLs are for `--http`; on stdio the process that starts the server is the caller",
            mend="cask serve --http",
        )
    asked = Asked(search=surface == "search", web=Web(http, token_file, **web) if http is not None else None, **given)
    return Project(world).serve(asked)
