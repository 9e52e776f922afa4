"""The entry point: runs a command, and alone turns errors into exit statuses (SPEC section 4)."""

import errno
import gc
import io
import os
import shlex
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from typing import Any

import click

from caskmcp import __version__
from caskmcp.cli import faults
from caskmcp.cli.group import GLOBALS, TableGroup
from caskmcp.cli.table import COMMANDS
from caskmcp.errors import AGAIN, CaskError, Exit
from caskmcp.load import load

try:
    import resource
except ImportError:  # Windows writes no such images
    resource = None  # type: ignore[assignment]


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


SELDOM = (200_000, 50, 50)
"""Thresholds of the garbage collector in a process that runs one command: what it imports stays, what it makes is freed by counting references."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line. Returns the exit status; never raises. arguments: None in a process of our own, whose words and collector are taken."""
    if arguments is not None:
        return _main(arguments)
    gc.set_threshold(*SELDOM)
    status = _main(None)
    gc.freeze()  # the process ends: the interpreter need not look through everything once more
    return status


def _main(arguments: list[str] | None) -> int:
    _leave_no_core()
    words = sys.argv[1:] if arguments is None else arguments
    state: dict[str, Any] = {"format": _format(words)}
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal or a pipe that is not UTF-8 is no reason to fail
    try:
        return _run(words, state)
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.exceptions.NoArgsIsHelpError as cause:
        click.echo(cause.ctx.get_help() if cause.ctx else "")
        return Exit.CLEAN
    except BrokenPipeError:
        _abandon()
        return Exit.WORLD
    except Exception as cause:
        return _fail(_worded(cause, words), words, state, cause)
    except KeyboardInterrupt:
        status = _fail(CaskError("CASK-W004", "interrupted; what was finished is kept", mend=AGAIN), words, state)
        if arguments is None:
            _end(status)
        return status


def _end(status: int) -> None:
    """End the process here where threads are still at what was interrupted: those in the middle of a library in C++ would make the interpreter
    abort as it ends (SIGABRT, "terminate called without an active exception")."""
    if threading.active_count() > 1:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError, AttributeError):  # closed, or its reader went away
                stream.flush()
        os._exit(status)


def _leave_no_core() -> None:
    """A crash writes no image of the memory, in which a recording may lie unredacted. Holds for the processes that are started too."""
    if resource is not None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def _run(words: Sequence[str], state: dict[str, Any]) -> int:
    """Not click's own `main`: that one answers a reader that went away with exit status 1, which here means that something needs review."""
    group = program()
    with group.make_context("cask", list(words), obj=state) as ctx:
        outcome = group.invoke(ctx)
    if sys.stdout is not None:
        sys.stdout.flush()
    return int(outcome) if isinstance(outcome, int) else Exit.CLEAN


def _worded(cause: Exception, words: Sequence[str]) -> CaskError:
    if isinstance(cause, CaskError):
        return cause
    if isinstance(cause, click.ClickException):
        return _usage(cause, words)
    if isinstance(cause, click.Abort | EOFError):  # Ctrl-D at a question
        return CaskError("CASK-W004", "interrupted; what was finished is kept", mend=AGAIN)
    if isinstance(cause, OSError):
        place = os.fsdecode(cause.filename) if isinstance(cause.filename, str | bytes) else None
        full = cause.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        mend = "df -h" if full else f"ls -ld {shlex.quote(place)}" if place else f"{AGAIN} --debug"
        return CaskError("CASK-W001", (cause.strerror or str(cause)).lower(), place=place, mend=mend)
    return CaskError("CASK-W003", faults.kind(cause), mend=f"{AGAIN} --debug")


def _usage(cause: click.ClickException, words: Sequence[str]) -> CaskError:
    line = " ".join(words) + " "
    name = max((row.name for row in COMMANDS if line.startswith(f"{row.name} ")), key=len, default="")
    what = " ".join(cause.format_message().rstrip(".").split())
    return CaskError("CASK-I001", what, mend=" ".join(("cask", *name.split(), "--help")))


def _format(words: Sequence[str]) -> str:
    """The format that is asked for, for an error that comes before the options are read."""
    asked = "--format=json" in words or ("--format", "json") in pairwise(words)
    return "json" if asked else "text"


def _fail(error: CaskError, words: Sequence[str], state: dict[str, Any], cause: BaseException | None = None) -> int:
    if state.get("debug") and error.exit in (Exit.BUG, Exit.WORLD):
        sys.stderr.writelines(faults.trace(cause or error))
    mend = error.mend
    if mend and mend.startswith(AGAIN):
        mend = _again(words, mend.removeprefix(AGAIN).split())
    try:
        load("report.error:show")(CaskError(error.code, error.what, place=error.place, mend=mend), state["format"])
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        _abandon()  # nowhere is left to say it; the exit status does
    return error.exit


def _again(words: Sequence[str], added: Sequence[str]) -> str:
    """The same command line with an option added, or given another value."""
    kept = list(words)
    if added and added[0] in kept:
        at = kept.index(added[0])
        del kept[at : at + len(added)]
    return " ".join((shlex.join(("cask", *kept)), *added))


def _abandon() -> None:
    """Point the standard streams elsewhere: what is still buffered for a reader that went away, or for a full disk, would be tried again by
    the interpreter at its end, which then changes the exit status."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # it was closed before we began, or is no file
            os.dup2(nothing, stream.fileno())
