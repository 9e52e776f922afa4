"""`cask capture record`, and what `cask mint URL` shares with it."""

from typing import Any, Final

import click

from caskmcp.cli.command import command
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.workflows import record as story

HOSTS: Final = click.Option(["-a", "--host", "hosts"], multiple=True, metavar="HOST", help="A first-party host; may be repeated.")
RECORDING: Final = (
    click.Option(["--headless"], is_flag=True, help="Show no window."),
    click.Option(["--script"], metavar="FILE", help="A Python file with `def run(page)`, which is run as code to drive the browser."),
    click.Option(["--duration"], type=click.FloatRange(min=0, min_open=True), metavar="S", help="End after so many seconds."),
    click.Option(["--load-storage-state", "load_state"], metavar="FILE", help="Begin with the login that FILE holds."),
    click.Option(["--save-storage-state", "save_state"], metavar="FILE", help="Keep the login in FILE (0600) at the end."),
    click.Option(["--profile"], metavar="NAME", help="Begin with the login of that name, and keep it in your configuration folder."),
    click.Option(["--browser"], metavar="PATH", help="A Chromium or Chrome of yours (or CASK_CHROMIUM); else the one of Playwright."),
    click.Option(
        ["--keep"],
        multiple=True,
        metavar="REASON|PATTERN",
        help="Keep what would be left out: `noise`, `page`, `/collect/*`; may be repeated.",
    ),
)
"""Options of a recording; `options` takes their values."""


def options(values: dict[str, Any]) -> story.Options:
    """The values of `RECORDING`, taken out of those of a command."""
    return story.Options(**{str(option.name): values.pop(str(option.name)) for option in RECORDING})


@command("record", click.Argument(["url"], metavar="URL"), HOSTS, *RECORDING)
def record(world: World, url: str, hosts: tuple[str, ...], **values: Any) -> Report:
    """Record a browser session: its calls of first parties become a capture.

    Exchanges are taken from the browser's memory and redacted before anything is written. Ends with the script, the duration, the window or Ctrl-C.
    """
    return story.run(world, url=url, hosts=hosts, options=options(values))
