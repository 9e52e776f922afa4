"""The entry point: runs a command, and alone turns errors into exit statuses (SPEC section 4)."""

import os
import sys
import traceback
from typing import Any

import click

from caskmcp import __version__
from caskmcp.cli.group import GLOBALS, TableGroup
from caskmcp.errors import CaskError, Exit
from caskmcp.load import load


def _show_all(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and isinstance(ctx.command, TableGroup):
        ctx.command.everything = True
        click.echo(ctx.get_help())
        ctx.exit()


def program() -> TableGroup:
    """The whole command line as a click group."""
    every = click.Option(["--help-all"], is_flag=True, is_eager=True, expose_value=False, callback=_show_all, help="Show every command.")
    group = TableGroup(
        name="cask",
        help="Compile recorded traffic and specs into a small, typed, signed MCP tool surface; serve only what a person approved.",
        params=[*GLOBALS, every],
        invoke_without_command=False,
        no_args_is_help=True,
    )
    return click.version_option(__version__, prog_name="cask", message="%(prog)s %(version)s")(group)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line. Returns the exit status; never raises."""
    words = sys.argv[1:] if arguments is None else arguments
    state: dict[str, Any] = {}
    try:
        outcome = program().main(args=words, prog_name="cask", standalone_mode=False, obj=state)
        return int(outcome) if isinstance(outcome, int) else Exit.CLEAN
    except click.exceptions.NoArgsIsHelpError as cause:
        click.echo(cause.ctx.get_help() if cause.ctx else "")
        return Exit.CLEAN
    except click.ClickException as cause:
        return _fail(_usage(cause), state)
    except (click.Abort, KeyboardInterrupt):
        return _fail(CaskError("CASK-W004", "interrupted; what was finished is kept"), state)
    except BrokenPipeError:
        # The reader went away. Point stdout elsewhere, or the interpreter complains again while it shuts down.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.WORLD
    except CaskError as error:
        return _fail(error, state)
    except OSError as cause:
        return _fail(CaskError("CASK-W001", cause.strerror or str(cause), place=str(cause.filename) if cause.filename else None), state)
    except Exception as cause:
        return _fail(
            CaskError("CASK-W003", f"{type(cause).__name__}: {cause}".split("\n", maxsplit=1)[0][:300], mend="run it again with --debug"),
            state,
        )


def _usage(cause: click.ClickException) -> CaskError:
    ctx = getattr(cause, "ctx", None)
    return CaskError("CASK-I001", cause.format_message().rstrip("."), mend=f"{ctx.command_path} --help" if ctx else "cask --help")


def _fail(error: CaskError, state: dict[str, Any]) -> int:
    if state.get("debug") and sys.exc_info()[0] is not None:
        traceback.print_exc(file=sys.stderr)
    load("report.error:show")(error, state.get("format", "text"))
    return error.exit
