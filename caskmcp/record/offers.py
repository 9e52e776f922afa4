"""What pages offer to agents, in the browser's own process: the stand-in for WebMCP in each document, and what it says, sent up the pipe.

Bounded: a page that offers without end is heard so many times, and of a text that is too long its beginning goes on, which nobody can read.
"""

from collections.abc import Callable
from typing import Any, Final

from playwright.sync_api import BrowserContext

from caskmcp.record import frames
from caskmcp.record.frames import Offered
from caskmcp.record.webmcp_page import BINDING, SCRIPT, origin_of

MOST: Final = 5000
"""Offers of one recording that are sent."""
LARGEST: Final = 65 << 10
"""Characters of one; a little more than what is taken of it, so that what was cut off is seen to be."""


class Offers:
    """Hears the pages of a context."""

    def __init__(self, send: Callable[[frames.Frame], None]) -> None:
        self._send = send
        self._heard = 0

    def watch(self, context: BrowserContext) -> None:
        """Put the stand-in into every document, before its own scripts."""
        context.expose_binding(BINDING, self._take)
        context.add_init_script(SCRIPT)

    def _take(self, source: Any, text: object = "") -> None:
        self._heard += 1
        if self._heard <= MOST:
            said = str(text)[:LARGEST].encode("utf-8", "replace").decode("utf-8")
            self._send(Offered(origin_of(source["frame"].url), said))
