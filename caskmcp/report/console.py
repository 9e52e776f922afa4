"""The console adapter: results on stdout, prose on stderr, questions on the terminal alone."""

import getpass
import os
import sys
from importlib.util import find_spec
from typing import Final

from caskmcp.errors import AGAIN, CaskError
from caskmcp.load import load
from caskmcp.ports import Board
from caskmcp.report.visible import visible

SMALLEST: Final = (60, 15)
"""Columns and lines below which a whole screen shows too little to decide by."""


class TerminalConsole:
    """The real `Console`. Every text passes `visible`, so captured text cannot steer the terminal."""

    def __init__(self, *, plain: bool = False, whole: bool = False) -> None:
        self.plain = plain
        self.whole = whole
        """Whether the person and the terminal's kind allow the whole screen to be used."""

    @property
    def interactive(self) -> bool:
        """Whether stdin and stdout both are terminals."""
        return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))

    @property
    def styled(self) -> bool:
        """Whether colour may be used on stdout."""
        return not self.plain and sys.stdout is not None and sys.stdout.isatty()

    def out(self, text: str) -> None:
        """Print a result. Raises CASK-W001 where stdout takes nothing, and BrokenPipeError where its reader went away."""
        try:
            print(visible(text), flush=True)
        except BrokenPipeError:
            raise
        except OSError as cause:
            raise CaskError("CASK-W001", (cause.strerror or str(cause)).lower(), place="stdout", mend="df -h") from cause

    def note(self, text: str) -> None:
        """Print prose or progress."""
        print(visible(text), file=sys.stderr, flush=True)

    def progress(self, text: str) -> None:
        """Replace the line of progress; nothing without a terminal, or with `--plain`."""
        if not self.plain and sys.stderr is not None and sys.stderr.isatty():
            print(f"\r\x1b[K{visible(text)}", end="", file=sys.stderr, flush=True)

    def ask(self, prompt: str) -> str:
        """Ask for a line."""
        self._person(prompt)
        print(visible(prompt), end=" ", flush=True)
        line = sys.stdin.readline()
        if not line:
            raise KeyboardInterrupt
        return line.rstrip("\n")

    def ask_secret(self, prompt: str) -> str:
        """Ask for a line without echo. From then on no other process of this user can read this one's memory, where the system knows how to."""
        self._person(prompt)
        load("store.shield:close")()
        return getpass.getpass(visible(prompt) + " ")

    def screen(self, board: Board) -> bool:
        """Show a review on the whole screen until the person leaves it; False where there is no terminal for it or the extra `tui` is not here."""
        if not (self.whole and self.interactive and self._roomy and find_spec("textual")):
            return False
        load("report.screen:show")(board)
        return True

    @property
    def _roomy(self) -> bool:
        """Whether stderr, on which the screen is drawn, is a terminal that is large enough."""
        if sys.stderr is None or not sys.stderr.isatty():
            return False
        columns, lines = os.get_terminal_size(sys.stderr.fileno())
        return columns >= SMALLEST[0] and lines >= SMALLEST[1]

    def _person(self, prompt: str) -> None:
        if not self.interactive:
            raise CaskError("CASK-A001", f"`{prompt}` needs a person at a terminal", mend=AGAIN)
