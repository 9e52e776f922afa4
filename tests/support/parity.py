"""Captured reads made again: how many are answered in the recorded shape, and how many with the recorded values."""

import http.client
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from caskmcp.compiler.capture.codec import decode_whole
from caskmcp.model.exchange import Exchange

SEARCHES = ("filter", "count", "paginate", "history", "search")
"""Last words of paths whose POST reads."""


class Parity(NamedTuple):
    """Counts of reads."""

    reads: int
    shapes: int
    values: int


def captured(file: Path) -> tuple[Exchange, ...]:
    """The exchanges of a capture under a root."""
    return tuple(row for row in decode_whole([file.read_bytes()]) if isinstance(row, Exchange))


def reads(rows: Iterable[Exchange]) -> Iterator[Exchange]:
    """Those that read, and were answered with success."""
    for row in rows:
        searches = row.method == "POST" and row.path.rstrip("/").rsplit("/", 1)[-1] in SEARCHES
        if 200 <= row.status < 300 and (row.method == "GET" or searches):
            yield row


def replayed(port: int, rows: Iterable[Exchange]) -> Parity:
    """Make reads again, against what listens on a port of this machine."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    found = [_same(connection, row) for row in reads(rows)]
    connection.close()
    return Parity(len(found), sum(shape for shape, _ in found), sum(value for _, value in found))


def _same(connection: http.client.HTTPConnection, row: Exchange) -> tuple[bool, bool]:
    data = json.dumps(row.request.value).encode() if row.request is not None and row.request.kind == "json" else None
    headers = {"Host": f"{row.host}:{row.port}" if row.port else row.host, **({"Content-Type": "application/json"} if data else {})}
    connection.request(row.method, row.path + (f"?{urlencode(row.query)}" if row.query else ""), data, headers)
    answer = connection.getresponse()
    said, is_json = answer.read(), row.response is not None and row.response.kind == "json"
    if answer.status != row.status or row.response is None or not is_json:
        return answer.status == row.status, answer.status == row.status
    value = json.loads(said)
    return shape(value) == shape(row.response.value), value == row.response.value


def shape(value: Any) -> Any:
    """A value without what it says: names and types, of lists the set of what is in them."""
    if isinstance(value, dict):
        return {name: shape(each) for name, each in sorted(value.items())}
    if isinstance(value, list):
        return sorted({json.dumps(shape(each)) for each in value})
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__
