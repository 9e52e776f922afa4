"""`docs/reference/commands.md`: each command with its options, from the table that the command line is made of."""

from collections.abc import Iterator
from inspect import cleandoc

import click

from caskmcp.cli.group import GLOBALS
from caskmcp.cli.table import ALIASES, COMMANDS, Row
from caskmcp.load import load

INTRO = "Global options stand before or after the command. `cask --help` shows the flagship, `cask --help-all` everything."


def files() -> dict[str, bytes]:
    """The page of all commands."""
    parts = ["# Commands", "", INTRO, "", *_options(GLOBALS), ""]
    parts += [line for row in COMMANDS for line in _section(row)]
    parts += ["## Earlier names", "", "| earlier name | today |", "|---|---|", *(f"| `{old}` | `{new}` |" for old, new in ALIASES), ""]
    return {"docs/reference/commands.md": "\n".join(parts).encode("utf-8")}


def _section(row: Row) -> Iterator[str]:
    yield from (f"## cask {row.name}", "", row.help, "")
    if not row.run:
        return
    command: click.Command = load(row.run)
    yield from (f"    cask {row.name} {_usage(command)}".rstrip(), "")
    text = cleandoc(command.help or "")
    if text != row.help:
        yield from (text, "")
    own = [param for param in command.params if isinstance(param, click.Option) and param not in GLOBALS]
    if own:
        yield from (*_options(own), "")


def _usage(command: click.Command) -> str:
    arguments = [param for param in command.params if isinstance(param, click.Argument)]
    return " ".join(["[OPTIONS]", *(_argument(argument) for argument in arguments)])


def _argument(argument: click.Argument) -> str:
    name = (argument.metavar or str(argument.name)).upper().removesuffix("...")
    name = name[1:-1] if name.startswith("[") else name
    many = f"{name}…" if argument.nargs != 1 else name
    return many if argument.required else f"[{many}]"


def _options(options: "tuple[click.Option, ...] | list[click.Option]") -> list[str]:
    rows = [f"| {_names(option)} | {_cell(option.help or '')} |" for option in options if not option.hidden]
    return ["| option | meaning |", "|---|---|", *rows]


def _names(option: click.Option) -> str:
    value = "" if option.is_flag else f" {option.metavar or _kind(option)}"
    return ", ".join(f"`{name}{value}`" for name in (*option.opts, *option.secondary_opts)).replace("|", "\\|")


def _kind(option: click.Option) -> str:
    if isinstance(option.type, click.Choice):
        return "|".join(map(str, option.type.choices))
    return str(option.name).upper()


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
