"""The console of a program that uses the package: prose goes to the logger `caskmcp`, and nobody can be asked.

A report is what a function returns, so there is no result to print. What needs a person at a terminal, as every signature does, is refused
whatever the program's own terminal is.
"""

import logging
from typing import Final, NoReturn

from caskmcp.errors import CaskError
from caskmcp.ports import Board
from caskmcp.report.visible import visible

LOG: Final = logging.getLogger("caskmcp")


class LoggedConsole:
    """A `Console` without a person. Every text passes `visible`, so captured text cannot forge lines of a log."""

    @property
    def interactive(self) -> bool:
        """Never: a program is no person."""
        return False

    def out(self, text: str) -> None:
        """Log a result."""
        LOG.info("%s", visible(text))

    def note(self, text: str) -> None:
        """Log prose."""
        LOG.info("%s", visible(text))

    def progress(self, text: str) -> None:
        """Log a line of progress."""
        LOG.debug("%s", visible(text))

    def ask(self, prompt: str) -> NoReturn:
        """Raise CASK-A001."""
        raise CaskError("CASK-A001", f"`{visible(prompt)}` needs a person at a terminal", mend="cask gate status")

    def ask_secret(self, prompt: str) -> NoReturn:
        """Raise CASK-A001."""
        self.ask(prompt)

    def screen(self, board: Board) -> bool:
        """False: there is nobody to show it to."""
        return False
