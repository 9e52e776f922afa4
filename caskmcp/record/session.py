"""One run of mitmdump with our addon: started in a process group of its own, read through a pipe, ended by its group's id.

What it prints is dropped unread: it may hold traffic. It ends when its other pipe does, so also when this process is gone.
"""

import json
import os
import select
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from caskmcp.compiler.capture.sources.flows import Begun, Message
from caskmcp.errors import CaskError
from caskmcp.record.interrupt import ENDERS
from caskmcp.record.mitmdump import NAME, Program, refuse_unknown

SCRIPT: Final = Path(__file__).parent / "addon" / "stream.py"
BLOCK: Final = 1 << 20
GRACE: Final = 10.0
"""Seconds that mitmdump has to end after it was asked."""


class Session:
    """mitmdump while it runs; a context manager. `end()` asks it to end; leaving the context makes sure of it.

    live: Ctrl-C and the limit ask it to end, and it is heard to its end; else they leave it. In a live session signals are heard only while
    `blocks` waits, never between reading and giving on: no piece is lost to them.
    """

    def __init__(
        self, program: Program, arguments: tuple[str, ...], settings: dict[str, Any], confdir: Path, *, stdin: int, live: bool
    ) -> None:
        self._program = program
        self._command = (
            str(program.path),
            *program.words,
            "-q",
            "-s",
            str(SCRIPT),
            "--set",
            f"confdir={confdir}",
            "--set",
            "flow_detail=0",
            *arguments,
        )
        self._settings = settings
        self._environ = {**program.environ, "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
        self._confdir = confdir
        self._stdin = stdin
        self._live = live
        self._until: float | None = None
        self.ending = False
        """Whether it was asked to end."""
        self.is_over = False
        """Whether it closed its pipe."""

    def __enter__(self) -> "Session":
        self._lines, out = os.pipe()
        life, self._life = os.pipe()
        try:
            self._process = subprocess.Popen(
                self._command,
                stdin=self._stdin,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=self._confdir,
                env={**self._environ, "CASK_RECORD": json.dumps({**self._settings, "out": out, "life": life})},
                pass_fds=(out, life),
                start_new_session=True,
            )
        except OSError as cause:
            os.close(self._lines)
            os.close(self._life)
            raise not_begun(self._program) from cause
        finally:
            os.close(out)
            os.close(life)
        # Not before: the program would inherit it.
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, ENDERS if self._live else ())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self.end()
            os.close(self._lines)  # what it still wants to say is no longer heard
            self._make_sure(patiently=kind is None)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)

    def _make_sure(self, *, patiently: bool) -> None:
        """End the process and its children, harder each time."""
        for ender in (None, signal.SIGTERM, signal.SIGKILL):
            if ender is not None:
                with suppress(ProcessLookupError, PermissionError):  # it is gone in this moment
                    os.killpg(self._process.pid, ender)
            try:
                self._process.wait(GRACE if patiently or ender is not None else 0)
                return
            except subprocess.TimeoutExpired:
                continue  # the next one is harder

    def end(self) -> None:
        """Ask it to end: it says what it still has to say, and closes its pipe."""
        if not self.ending:
            self.ending = True
            self._until = time.monotonic() + GRACE
            os.close(self._life)

    def limit(self, seconds: float | None) -> None:
        """From now on, this long; then it is asked to end. None: for ever."""
        if not self.ending:
            self._until = None if seconds is None else time.monotonic() + seconds

    def status(self) -> int | None:
        """The exit status, once it has closed its pipe; None if it does not end."""
        try:
            return self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            return None

    def blocks(self) -> Iterator[bytes]:
        """What the addon says, until it closes its pipe, until the limit, or until Ctrl-C (KeyboardInterrupt).

        In a live session until it was asked to end and has ended, until that takes too long, or until the second Ctrl-C.
        """
        while self._is_ready():
            block = os.read(self._lines, BLOCK)
            if not block:
                self.is_over = True
                return
            yield block

    def _is_ready(self) -> bool:
        """Wait until there is something to read; False where the time is over."""
        while True:
            left = None if self._until is None else self._until - time.monotonic()
            if left is not None and left <= 0:
                if self.ending or not self._live:
                    return False
                self.end()
                continue
            try:
                with self._hearing():
                    ready, _, _ = select.select((self._lines,), (), (), left)
            except KeyboardInterrupt:
                if self.ending or not self._live:
                    raise
                self.end()
                continue
            if ready:
                return True

    @contextmanager
    def _hearing(self) -> Iterator[None]:
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_BLOCK, ENDERS if self._live else ())


def opening(said: Iterator[Message], program: Program) -> str:
    """Take the first line. Returns mitmproxy's version. Raises CASK-C020 for a version that is not known here, and where nothing begins."""
    first = next(said, None)
    if not isinstance(first, Begun):
        raise not_begun(program)
    refuse_unknown(first.version, program)
    return first.version


def not_begun(program: Program) -> CaskError:
    """A program that does not do what mitmdump does."""
    return CaskError(
        "CASK-C020",
        f"{NAME} ({program.origin}) ended before it began",
        place=str(program.path),
        mend=shlex.join((str(program.path), *program.words, "--version")),
    )
