"""The console adapter: results on stdout, prose on stderr, questions on the terminal alone."""

import getpass
import sys

from caskmcp.errors import AGAIN, CaskError
from caskmcp.load import load
from caskmcp.report.visible import visible


class TerminalConsole:
    """The real `Console`. Every text passes `visible`, so captured text cannot steer the terminal."""

    def __init__(self, *, plain: bool = False) -> None:
        self.plain = plain

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

    def _person(self, prompt: str) -> None:
        if not self.interactive:
            raise CaskError("CASK-A001", f"`{prompt}` needs a person at a terminal", mend=AGAIN)
