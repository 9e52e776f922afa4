"""Whether a session that was brought along is still logged in, from what a browser saw. Pure."""

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from caskmcp.compiler.capture.address import FirstParties, address
from caskmcp.compiler.capture.sources.interface import Recorded

_LOGIN: Final = re.compile(r"(?i)(?:^|[/_.-])(?:log[-_]?[io]n|sign[-_]?in|sso|authenticate|sessions?/new)(?:$|[/_.-])")
_REFUSALS: Final = frozenset((401, 403))
_CALLS: Final = frozenset(("xhr", "fetch"))


class Account:
    """What a recording says about its login. `see` each exchange, then ask."""

    def __init__(self, url: str, hosts: Iterable[str]) -> None:
        self._url = url
        self._hosts = FirstParties(hosts)
        self._number = 0
        self._answers: list[tuple[int, int]] = []

    def see(self, recorded: Recorded) -> None:
        """Note how a call of a first party was answered."""
        self._number += 1
        if recorded.kind in _CALLS and recorded.status and self._is_ours(recorded.url):
            self._answers.append((self._number, recorded.status))

    def _is_ours(self, url: str) -> bool:
        try:
            return address(url) in self._hosts
        except ValueError:
            return False

    def problem(self, visited: Iterable[tuple[int, str]], *, asks_password: bool) -> str:
        """What says that the session is over; empty if nothing does. visited: (exchanges before, address); asks_password: the last page does.

        A person or script that logs in again, or out at the end, is none: only a login page that was met before any call had gone well
        and that is still there counts, or calls that were refused throughout.
        """
        if self._answers and all(status in _REFUSALS for _, status in self._answers):
            return "the API refused every call (401, 403)"
        went = [(before, url) for before, url in visited if url.startswith(("http:", "https:"))]
        if not went or _is_login(self._url) or not self._is_asked(went[-1][1], asks_password):
            return ""
        first = next((before for before, url in went if _is_login(url)), went[0][0])
        well = any(number <= first and 200 <= status < 300 for number, status in self._answers)
        return "" if well else "the page went to a login"

    def _is_asked(self, last: str, asks_password: bool) -> bool:
        return _is_login(last) or (asks_password and urlsplit(last).path != urlsplit(self._url).path)


def _is_login(url: str) -> bool:
    return _LOGIN.search(urlsplit(url).path) is not None
