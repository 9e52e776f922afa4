"""The browser's own process: drives Chromium through Playwright and sends what it sees up a pipe, exchange by exchange.

Started by `browser.py` alone: the plan comes on stdin, frames go out on a file descriptor, and the end of stdin asks for the end. Nothing is
written to a disk here: exchanges are taken from the events of pages, frames and popups (`events.py`). What hangs is ended by who started this.
"""

import json
import os
import re
import runpy
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from types import FrameType
from typing import Any, Final

from playwright.sync_api import Browser, BrowserContext, BrowserType, Dialog, Error, Page, sync_playwright
from playwright.sync_api import TimeoutError as OutOfTime

from caskmcp.record import frames
from caskmcp.record.events import Traffic
from caskmcp.record.frames import Ended, Failed, Plan, Started
from caskmcp.record.offers import Offers

FLAGS: Final = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
ARRIVAL: Final = 20_000
"""Milliseconds that the first page may take until it is there; then the recording goes on without."""
SETTLING: Final = 4.0
"""Seconds for bodies that are being read when the end comes."""
OPEN: Final = 2.0
"""Seconds for requests that are still open when a script is done; some never close."""
QUIET: Final = 2.0
"""Seconds without any traffic after which a page is done."""
LONGEST_QUIET: Final = 30.0
"""Seconds after which an unattended recording ends although the page never is."""
TICK: Final = 100
"""Milliseconds between two looks at whether it is over."""


class Stop(KeyboardInterrupt):
    """The end was asked for. An interrupt, so that neither a script's `except Exception` nor Playwright's event loop keeps it."""


class _Gone(Exception):
    """It cannot go on, and the frame that says why."""

    def __init__(self, failed: Failed) -> None:
        super().__init__(failed)
        self.failed = failed


def main(arguments: list[str]) -> None:
    """Record as the plan on stdin says. arguments: the number of the file descriptor that takes the frames."""
    plan = frames.plan(sys.stdin.buffer.read)
    with open(int(arguments[0]), "wb", buffering=0) as out:
        session = Session(plan, partial(_send, out.write))
        signal.signal(signal.SIGTERM, session.ask)
        threading.Thread(target=_until_end_of_input, daemon=True).start()
        try:
            session.run()
        except _Gone as gone:
            session.send(gone.failed)
        except BrokenPipeError:
            return  # nobody is left to tell
        except Exception as cause:
            session.send(Failed("bug", type(cause).__name__, _line(cause, __file__)))


def _send(write: Callable[[bytes], int | None], frame: frames.Frame) -> None:
    rest = memoryview(frames.encoded(frame))
    while rest:
        rest = rest[write(rest) or 0 :]  # type: ignore[arg-type]


def _until_end_of_input() -> None:
    """Also the end of the process that started us: a browser never outlives it."""
    os.read(sys.stdin.fileno(), 1)
    os.kill(os.getpid(), signal.SIGTERM)


class Session:
    """One browser from its start to its end."""

    def __init__(self, plan: Plan, send: Callable[[frames.Frame], None]) -> None:
        self._plan = plan
        self.send = send
        self._asked = False
        self._interruptible = False
        self._traffic = Traffic(send)

    def ask(self, _: int, __: FrameType | None) -> None:
        """The end is asked for: a signal's handler."""
        self._asked = True
        if self._interruptible:
            raise Stop

    # ---------------------------------------------------------------- the way through
    def run(self) -> None:
        """Start, record, end. Raises _Gone."""
        run = _script(self._plan.script) if self._plan.script else None
        with sync_playwright() as playwright:
            browser = self._launched(playwright.chromium)
            context = self._context(browser)
            page = context.new_page()
            self._traffic.join(page)  # at once: the event may come after the first request
            self.send(Started())
            by = self._recorded(context, page, run)
            self._settle(context)
            self.send(Ended(by, *self._left(context)))
            with suppress(Error):  # it is gone already
                browser.close()

    def _launched(self, chromium: BrowserType) -> Browser:
        plan = self._plan
        try:
            return chromium.launch(
                executable_path=plan.browser or None,
                headless=plan.headless,
                args=list(FLAGS),
                chromium_sandbox=os.geteuid() != 0,  # Chromium refuses root otherwise
                handle_sigint=False,
                handle_sigterm=False,
                handle_sighup=False,
            )
        except Error as cause:
            raise _Gone(Failed("browser", _reason(cause))) from cause

    def _context(self, browser: Browser) -> BrowserContext:
        """A context that keeps no download and lets no worker answer in the place of the server."""
        state = json.loads(self._plan.state) if self._plan.state else None
        size: dict[str, Any] = {} if self._plan.headless else {"no_viewport": True}
        try:
            context = browser.new_context(storage_state=state, accept_downloads=False, service_workers="block", **size)
        except Error as cause:
            raise _Gone(Failed("state", "the browser does not take it")) from cause
        if not self._plan.headless and not self._plan.script:
            context.on("dialog", _leave)
        self._traffic.watch(context)
        if self._plan.takes_offers:
            Offers(self.send).watch(context)
        return context

    def _recorded(self, context: BrowserContext, page: Page, run: Callable[[Page], object] | None) -> Any:
        """Why it ended."""
        try:
            with self._interrupts():
                self._arrive(page)
                if run is not None:
                    self._drive(run, page)
                    return "script"
            return self._watched(context)
        except Stop:
            return "asked"

    @contextmanager
    def _interrupts(self) -> Iterator[None]:
        """In here the end comes as `Stop`, whatever is waited for."""
        self._interruptible = True
        try:
            if self._asked:
                raise Stop
            yield
        finally:
            self._interruptible = False

    def _arrive(self, page: Page) -> None:
        """Go to the address. A page that does not get ready is no error: what it called is seen all the same."""
        try:
            page.goto(self._plan.url, wait_until="load" if self._plan.script else "commit", timeout=ARRIVAL)
        except OutOfTime:
            return  # it is recorded as it is
        except Error as cause:
            if not page.is_closed() and "ERR_ABORTED" not in str(cause):  # a download, or a second navigation that took its place
                raise _Gone(Failed("page", _reason(cause))) from cause

    def _drive(self, run: Callable[[Page], object], page: Page) -> None:
        try:
            run(page)
        except (Exception, SystemExit) as cause:
            raise _Gone(Failed("script", type(cause).__name__, _line(cause, self._plan.script))) from cause

    def _watched(self, context: BrowserContext) -> str:
        began = time.monotonic()
        while not self._asked:
            if not context.pages:
                return "closed"
            if self._plan.ends_when_quiet and self._is_done(began):
                return "quiet"
            if not _pause(context):
                return "closed"
        return "asked"

    def _is_done(self, began: float) -> bool:
        now = time.monotonic()
        return now - began > LONGEST_QUIET or (not self._traffic.is_open and now - max(began, self._traffic.latest) > QUIET)

    def _settle(self, context: BrowserContext) -> None:
        """Wait a little for what is under way: for bodies, and after a script for answers too. Where the end was asked for, those may hang."""
        traffic, now = self._traffic, time.monotonic()
        while (traffic.reading and time.monotonic() < now + SETTLING) or (
            traffic.is_open and not self._asked and time.monotonic() < now + OPEN
        ):
            if not _pause(context):
                break
        traffic.give_up()

    def _left(self, context: BrowserContext) -> tuple[bytes | None, bool]:
        """The storage state, and whether the last page asks for a password."""
        state = None
        with suppress(Error):  # the window was closed: there is none left to ask
            state = json.dumps(context.storage_state()).encode() if self._plan.keeps_state else None
        with suppress(Error):  # the page is just going elsewhere: then it does not show one
            pages = context.pages if self._plan.state else []
            return state, any(page.locator("input[type=password]:visible").count() for page in pages[-1:])
        return state, False


# ---------------------------------------------------------------- the rest
def _pause(context: BrowserContext) -> bool:
    """Let events come for a moment. False once the browser is gone."""
    try:
        context.wait_for_event("page", timeout=TICK)
    except OutOfTime:
        return True
    except Error:
        return False
    return True


def _leave(_: Dialog) -> None:
    """Leave a dialog to the person: Playwright dismisses those that nobody listens to."""


def _script(path: str) -> Callable[[Page], object]:
    """The function `run` of the user's script, which is run as code."""
    try:
        run = runpy.run_path(path, run_name="cask_script").get("run")
    except SyntaxError as cause:
        raise _Gone(Failed("script", "SyntaxError", cause.lineno or 0)) from cause
    except Exception as cause:
        raise _Gone(Failed("script", type(cause).__name__, _line(cause, path))) from cause
    if not callable(run):
        raise _Gone(Failed("script", "it has no function `run(page)`"))
    return run  # type: ignore[no-any-return]


def _line(cause: BaseException, path: str) -> int:
    """The innermost line of a file that an error went through, or 0."""
    lines = [frame.lineno or 0 for frame in traceback.extract_tb(cause.__traceback__) if frame.filename == path]
    return lines[-1] if lines else 0


def _reason(cause: Error) -> str:
    """A network error's name, else the first line of what Playwright says: it holds paths and addresses, nothing of a page."""
    if "No usable sandbox" in cause.message:
        return "the system lets it have no sandbox (user namespaces)"
    found = re.search(r"net::(ERR_[A-Z_]+)", cause.message)
    return found[1] if found else cause.message.split("\n", maxsplit=1)[0][:200]
