"""A click group over the table of commands: help from text, modules on use, global options before or after the command."""

from typing import Any, Final

import click

from caskmcp.cli.table import ALIASES, COMMANDS, Row
from caskmcp.load import load

GLOBALS: Final = (
    click.Option(["--root"], metavar="DIR", help="Where the state lives (default: the nearest .caskmcp)."),
    click.Option(["--toolpack"], metavar="PATH|ID", help="Which toolpack, if there are several."),
    click.Option(["--plain"], is_flag=True, help="No colour, no tables, no progress."),
    click.Option(["--debug"], is_flag=True, help="Show the traceback of an unexpected error."),
)
"""Every command takes these too; the later one on the line wins."""


def note_globals(ctx: click.Context, values: dict[str, Any]) -> None:
    """Take global options out of a command's values and keep those that were given."""
    kept = ctx.find_root().ensure_object(dict)
    for option in GLOBALS:
        value = values.pop(str(option.name), None)
        if value not in (None, False):
            kept[str(option.name)] = value


class TableGroup(click.Group):
    """The rows of the table below one prefix, as click sub-commands."""

    def __init__(self, prefix: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.prefix = prefix
        self.everything = False

    def _rows(self) -> dict[str, Row]:
        start = len(self.prefix)
        return {row.name[start:]: row for row in COMMANDS if row.name.startswith(self.prefix) and " " not in row.name[start:]}

    def _aliases(self) -> dict[str, str]:
        start = len(self.prefix)
        rows = {old[start:]: new for old, new in ALIASES if old.startswith(self.prefix)}
        return {old: new for old, new in rows.items() if " " not in old}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the table's order: the flagship, or all of them."""
        return [name for name, row in self._rows().items() if self.prefix or self.everything or row.shown]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Resolve a row, an earlier name, or the first word of an earlier two-word name."""
        if (row := self._rows().get(cmd_name)) is not None:
            return _command(row)
        if (today := self._aliases().get(cmd_name)) is not None:
            return _command(next(row for row in COMMANDS if row.name == today))
        if not self.prefix and any(old.startswith(cmd_name + " ") for old, _ in ALIASES):
            return TableGroup(prefix=cmd_name + " ", name=cmd_name)
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Help from the table's text; no module is imported for it."""
        today = {row.name: row for row in COMMANDS}
        rows = self._rows() or {old: today[new] for old, new in self._aliases().items()}
        with formatter.section("Commands"):
            formatter.write_dl([(name, rows[name].help) for name in self.list_commands(ctx) or rows])

    def invoke(self, ctx: click.Context) -> Any:
        """Note the global options that stand before the command."""
        note_globals(ctx, ctx.params)
        return super().invoke(ctx)


def _command(row: Row) -> click.Command:
    if row.run:
        return load(row.run)  # type: ignore[no-any-return]
    return TableGroup(prefix=row.name + " ", name=row.name, help=row.help, params=[*GLOBALS])
