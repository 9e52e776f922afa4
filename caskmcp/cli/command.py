"""The decorator that turns a function of the world into a click command which shows the report that it returns."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from caskmcp.cli.group import GLOBALS, note_globals
from caskmcp.errors import Exit
from caskmcp.load import load
from caskmcp.ports import World

if TYPE_CHECKING:  # a build with nothing to do shows what it knows without loading the records
    from caskmcp.model.finding import Report

Body = Callable[..., "Report | Exit"]


def command(name: str, *params: click.Parameter, formats: tuple[str, ...] = ("text", "json")) -> Callable[[Body], click.Command]:
    """A command whose body takes the world and its own options, and returns a report (shown as `--format` says) or an exit status.

    formats: names in `report.formats:FORMATS`; the first is the default. Its help is the body's docstring.
    """
    shown = (
        [click.Option(["--format", "format_"], type=click.Choice(formats), default=formats[0], show_default=True, help="How to print.")]
        if len(formats) > 1
        else []
    )

    def wrap(body: Body) -> click.Command:
        def callback(**values: Any) -> Exit:
            ctx = click.get_current_context()
            note_globals(ctx, values)
            how = values.pop("format_", formats[0])
            ctx.find_root().ensure_object(dict)["format"] = how
            world: World = load("cli.world:build")(ctx.find_root().obj)
            outcome = body(world, **values)
            if isinstance(outcome, Exit):
                return outcome
            load("report.formats:show")(outcome, how, world.console)
            return outcome.exit

        own = {word for row in params for word in row.opts}
        others = (row for row in GLOBALS if not own & set(row.opts))
        return click.Command(name, callback=callback, params=[*params, *shown, *others], help=body.__doc__)

    return wrap
