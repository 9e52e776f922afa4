"""The upstream of the served calls: `python -m tests.bench.answering`. Prints its port, then answers each request at once with 1 KB of JSON.

A protocol of a few lines on asyncio, so that what is measured is the server in front of it. Requests have no body or one that their
`Content-Length` measures; connections stay open.
"""

import asyncio
import json

ITEM = {"id": 7, "name": "Lamp", "state": "open", "city": "Basel", "total": 12.5, "tags": ["a", "b"], "note": "x" * 880}
BODY = json.dumps(ITEM).encode()
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY


class Answering(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._rest += data
        while (end := self._rest.find(b"\r\n\r\n")) >= 0:
            whole = end + 4 + _length(self._rest[:end])
            if len(self._rest) < whole:
                return
            self._rest = self._rest[whole:]
            self._transport.write(ANSWER)


def _length(head: bytes) -> int:
    found = head.lower().partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0]
    return int(found or 0)


async def main() -> None:
    """Serve until the process is ended."""
    server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0, backlog=256)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
