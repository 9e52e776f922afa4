"""Who makes a request, as its credentials say: worked out once for all requests that show the same ones.

A session makes hundreds of requests. What follows from its cookies and credentials alone is kept here as long as one source is read, in memory;
what else a request holds changes none of it. What is done with it is the intake's business.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple
from urllib.parse import unquote

from caskmcp.compiler.capture import headers
from caskmcp.compiler.capture.headers import Named
from caskmcp.model.exchange import Pair

REMEMBERED: Final = 1 << 10
"""Sets of credentials that are remembered."""
_ECHOED: Final = 8
"""Characters from which a cookie's value that comes again is no accident."""


class Bearer(NamedTuple):
    """What the credentials of a request say."""

    cookies: tuple[Pair, ...]
    """As `headers.cookies`."""
    values: Mapping[str, str]
    """Long values of cookies, as they are without percent-encoding -> the last name, in order, of those that hold it."""
    secrets: tuple[str, ...]
    """As `headers.secrets`."""
    ways: tuple[str, ...]
    """As `headers.auth`, of the headers alone."""
    session: str
    """The keyed fingerprint of whose session it is; empty if nothing says so."""


class Bearers:
    """Those of one source. fingerprint: the redactor's."""

    def __init__(self, fingerprint: Callable[[str], str]) -> None:
        self._fingerprint = fingerprint
        self._known: dict[tuple[frozenset[str], tuple[Pair, ...]], Bearer] = {}

    def known(self, named: Named, sent: Iterable[Pair]) -> Bearer:
        """As `read`, for headers that say by their names alone which of them authenticate: those of `named`, in lower case."""
        key = named.credentials, tuple([pair for pair in sent if pair[0] in named.telling])
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            found = self._known[key] = self.read(key[1], (), named.credentials.__contains__)
        return found

    def read(self, sent: Iterable[Pair], hidden: Iterable[Pair], is_credential: Callable[[str], bool]) -> Bearer:
        """What the headers sent say. hidden: headers that stand nowhere in the exchange, whose secrets are looked for all the same."""
        rows = tuple(sent)
        cookies = headers.cookies(rows)
        secrets = headers.secrets([*rows, *hidden], cookies, is_credential)
        whose = headers.principal(rows, cookies, is_credential)
        session = self._fingerprint(f"session {whose}") if whose else ""
        values = {unquote(value): name for name, value in sorted(cookies) if len(value) >= _ECHOED}
        return Bearer(tuple(cookies), values, tuple(secrets), headers.auth(rows, (), (), False, is_credential), session)
