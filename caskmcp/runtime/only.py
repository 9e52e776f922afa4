"""What opens sockets to a few named addresses and ports, and to no other: under the checks of `egress`, not in their place."""

from collections.abc import Iterable
from typing import Any

import httpcore2


class Only(httpcore2.AsyncNetworkBackend):
    """Dials the given places alone."""

    def __init__(self, places: Iterable[tuple[str, int]], inner: httpcore2.AsyncNetworkBackend | None = None) -> None:
        self._places = frozenset(places)
        self._inner = inner or httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect. Raises httpcore2.ConnectError, before anything is sent, for any other place."""
        if (host, port) not in self._places:
            raise httpcore2.ConnectError("not one of the places that may be dialled")
        return await self._inner.connect_tcp(host, port, timeout=timeout)
