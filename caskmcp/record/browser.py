"""A real browser as a source: starts it in a process of its own, gives its exchanges as they come, and ends it, whatever hangs.

Promises that a recording ends a few seconds after its duration, an interrupt or the closed window, with what was seen until then; that no
process of it is left; and that what the browser put on the disk lay in a private folder that is gone. Filters nothing and cuts nothing:
what comes out of `exchanges` lives in memory until the stage has redacted it. Playwright is imported by the other process alone (`chromium.py`).
"""

import math
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO, Final

from caskmcp.compiler.capture.sources.interface import Recorded
from caskmcp.errors import AGAIN, CaskError
from caskmcp.record import frames
from caskmcp.record.frames import Ended, Failed, Frame, Met, Offered, Plan, Started, Went
from caskmcp.store import scratch

STARTING: Final = 60.0
"""Seconds that a browser may take to start."""
ENDING: Final = 10.0
"""Seconds for bodies under way, the storage state and a clean end, once the end was asked for."""
LEAVING: Final = 3.0
"""Seconds for the process to end after it said that it would."""
MISSING: Final = "Executable doesn't exist"
"""What Playwright says where its own browser is not installed."""
SYSTEM: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# Playwright and Chromium log what goes over the wire where these say so.
_TALKATIVE: Final = ("DEBUG", "DEBUG_FILE", "PWDEBUG", "SSLKEYLOGFILE", "CHROME_LOG_FILE")
_RUN: Final = "import sys; sys.path.append(sys.argv.pop(1)); from caskmcp.record.chromium import main; main(sys.argv[1:])"
_PACKAGE: Final = Path(__file__).parents[2]


def refuse_without(plan: Plan) -> None:
    """Raise CASK-W002 where Playwright is missing, and CASK-W005 where there is no display for a window: before anything is started."""
    if find_spec("playwright") is None:
        raise CaskError("CASK-W002", "recording a browser needs Playwright, which is not installed", mend="pip install 'caskmcp[browser]'")
    if not plan.headless and sys.platform.startswith("linux") and not {"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ):
        raise CaskError("CASK-W005", "there is no display to show the browser on", mend=f"{AGAIN} --headless")


class Browser:
    """One recording. `exchanges` is asked once; the rest is known when it is exhausted."""

    def __init__(self, plan: Plan, *, duration: float | None = None, script: str = "") -> None:
        """duration: seconds from the start of the browser, None for no end. script: how errors call the script."""
        self._plan = plan
        self._script = script or plan.script
        self._duration = math.inf if duration is None else duration
        self._deadline = math.inf
        self._child: subprocess.Popen[bytes] | None = None
        self._ending = False
        self._started = False
        self.ended: Ended | None = None
        """How it ended; None while it runs, and where it had to be killed or died."""
        self.visited: list[tuple[int, str]] = []
        """Where its pages went: how many exchanges had come before, and the address."""
        self.offered: list[Offered] = []
        """What its pages offered to agents, in order."""
        self.met = 0
        """Exchanges so far."""

    def exchanges(self) -> Generator[Recorded, None, None]:
        """Start, and give each exchange as it comes. An interrupt (KeyboardInterrupt), wherever it arrives, ends the recording: the rest still comes.

        Raises CASK-W003, CASK-W005, CASK-W006, CASK-C031 and CASK-I003; then nothing of it should be kept.
        """
        with self._running() as inbox:
            while True:
                try:
                    if self._is_over(inbox):
                        return
                    if (recorded := self._next(inbox)) is not None:
                        yield recorded
                except KeyboardInterrupt:
                    self.stop()

    def stop(self) -> None:
        """Ask for the end. Raises KeyboardInterrupt where that was done before: then nothing is waited for any more."""
        if self._ending:
            raise KeyboardInterrupt
        self._end()

    # ---------------------------------------------------------------- frames
    def _is_over(self, inbox: "_Inbox") -> bool:
        """Whether nothing more comes; asks for the end at the deadline, and does not wait for it for ever."""
        if self.ended is not None:
            return True
        if time.monotonic() > self._deadline:
            if self._ending:
                return True
            if not self._started:
                raise CaskError("CASK-W005", f"the browser did not start in {STARTING:.0f} seconds", mend=self._another())
            self._end()
        return inbox.is_at_end and self._died()

    def _next(self, inbox: "_Inbox") -> Recorded | None:
        frame = inbox.next(0.2)
        if isinstance(frame, Met):
            self.met += 1
            return frame.recorded
        if isinstance(frame, Failed):
            raise self._error(frame)
        if frame is not None:
            self._turn(frame)
        return None

    def _turn(self, frame: Frame) -> None:
        if isinstance(frame, Started) and not self._ending:
            self._started, self._deadline = True, time.monotonic() + self._duration
        elif isinstance(frame, Went):
            self.visited.append((self.met, frame.url))
        elif isinstance(frame, Offered):
            self.offered.append(frame)
        elif isinstance(frame, Ended):
            self.ended = frame

    def _end(self) -> None:
        self._ending, self._deadline = True, time.monotonic() + ENDING
        child = self._child
        if child is not None and child.stdin is not None:
            with suppress(OSError):  # it went away by itself
                child.stdin.close()

    def _died(self) -> bool:
        """The pipe ended without a word: a crash, or a window that took its browser along. What was seen is kept, if there was a start."""
        if not self._started and not self._ending:
            raise CaskError("CASK-W005", "the browser's process ended before it had started", mend=self._another())
        return True

    # ---------------------------------------------------------------- the process
    @contextmanager
    def _running(self) -> Iterator["_Inbox"]:
        with scratch.folder(short=True) as folder:  # Chromium makes a socket in it
            out, into = os.pipe()
            with os.fdopen(out, "rb") as source:
                try:
                    self._child = child = self._spawned(folder, into)
                finally:
                    os.close(into)
                self._deadline = time.monotonic() + STARTING
                try:
                    _hand(child, self._plan)
                    yield _Inbox(source)
                finally:
                    self._end()
                    _gone(child, folder, LEAVING if self.ended else 0)

    def _spawned(self, folder: Path, into: int) -> "subprocess.Popen[bytes]":
        # A session of its own: Ctrl-C is ours alone, and the end can be made for all of it at once.
        # What the script prints is for the person, not a part of our result; without a script there is nothing to say.
        said = sys.stderr.fileno() if self._plan.script else subprocess.DEVNULL
        return subprocess.Popen(
            [sys.executable, "-P", "-c", _RUN, str(_PACKAGE), str(into)],
            stdin=subprocess.PIPE,
            stdout=said,
            stderr=said,
            pass_fds=(into,),
            start_new_session=True,
            env={name: value for name, value in os.environ.items() if name not in _TALKATIVE} | {"TMPDIR": str(folder)},
        )

    # ---------------------------------------------------------------- errors
    def _error(self, failed: Failed) -> CaskError:
        if failed.kind == "browser":
            missing = MISSING in failed.what
            what = "Playwright's own browser is not installed" if missing else f"the browser does not start: {failed.what}"
            return CaskError("CASK-W005", what, place=self._plan.browser or None, mend=self._another())
        if failed.kind == "page":
            return CaskError("CASK-W006", f"the page cannot be reached: {failed.what}", place=_origin(self._plan.url), mend=AGAIN)
        if failed.kind == "script":
            place = f"{self._script}:{failed.line}" if failed.line else self._script
            return CaskError("CASK-C031", f"the script failed: {failed.what}", place=place, mend=f"edit {self._script}")
        if failed.kind == "state":
            return CaskError("CASK-I003", "this is no storage state of a browser", mend=f"{AGAIN} --load-storage-state FILE")
        return CaskError("CASK-W003", f"the recorder failed: {failed.what}, line {failed.line}", mend=f"{AGAIN} --debug")

    def _another(self) -> str:
        """The command with a browser that is here, or the one that installs Playwright's."""
        found = next((path for name in SYSTEM if (path := shutil.which(name)) and path != self._plan.browser), None)
        return f"{AGAIN} --browser {found}" if found else "python -m playwright install chromium"


def _origin(url: str) -> str:
    """An address without what a person may have put into it."""
    return "/".join(url.split("?", maxsplit=1)[0].split("/")[:3]).rpartition("@")[2]


class _Inbox:
    """Frames in the order in which they came. A thread reads them, so that no interrupt cuts one in two."""

    def __init__(self, source: BinaryIO) -> None:
        self._frames: list[Frame | None] = []
        self._at = 0
        self._news = threading.Event()
        self._ended = False
        threading.Thread(target=self._fill, args=(source,), daemon=True).start()

    @property
    def has_some(self) -> bool:
        """Whether something waits to be taken."""
        return self._at < len(self._frames)

    @property
    def is_at_end(self) -> bool:
        """Whether everything was taken, and nothing more comes."""
        return self._ended and not self.has_some

    def next(self, seconds: float) -> Frame | None:
        """The next frame, or None if none comes in time."""
        if not self.has_some:
            self._news.wait(seconds)
            self._news.clear()
        if not self.has_some:
            return None
        frame = self._frames[self._at]
        self._frames[self._at] = None  # taken: it need not stay in memory
        self._at += 1
        return frame

    def _fill(self, source: BinaryIO) -> None:
        with suppress(ValueError, OSError):  # the pipe was closed: we do not wait for it any more
            for frame in frames.frames(source.read):
                self._frames.append(frame)
                self._news.set()
        self._ended = True
        self._news.set()


# ---------------------------------------------------------------- the end of processes
def _hand(child: "subprocess.Popen[bytes]", plan: Plan) -> None:
    with suppress(BrokenPipeError):  # it ended at once: the missing start tells
        if child.stdin is not None:
            child.stdin.write(frames.encoded(plan))
            child.stdin.flush()


def _gone(child: "subprocess.Popen[bytes]", folder: Path, patience: float) -> None:
    """Wait for the process, then end whatever of it is left: its group, and what has its folder in its command line, each by its number."""
    with suppress(subprocess.TimeoutExpired):  # then it is ended below
        child.wait(patience)
    with suppress(ProcessLookupError, PermissionError):  # nothing of it is left
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    until = time.monotonic() + LEAVING
    while (left := _with_folder(folder)) and time.monotonic() < until:
        for number in left:
            with suppress(ProcessLookupError):  # it was just ending
                os.kill(number, signal.SIGKILL)
        time.sleep(0.05)


def _with_folder(folder: Path) -> list[int]:
    """Processes of the browser that outlived the one that started them. Where there is no /proc they end with their pipe, by themselves."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile
            if str(folder).encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return found
