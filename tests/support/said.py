"""Requests as a recording holds them, before any redaction; which of them a first party's capture keeps is the capture's to say."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from email import message_from_bytes
from functools import cached_property
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from caskmcp.compiler.capture import headers
from caskmcp.compiler.capture.intake import Intake
from caskmcp.compiler.capture.sources.interface import Recorded
from caskmcp.compiler.capture.sources.table import source
from caskmcp.model.exchange import Exchange
from caskmcp.redact.cut import Redactor
from tests.support import asked_again

KEY: Final = bytes(range(32))
Pairs = list[tuple[str, str]]


@dataclass(frozen=True)
class Said:
    """A request as it was recorded."""

    method: str
    segments: tuple[str, ...]
    query: Pairs
    headers: Mapping[str, str]
    media: str
    body: bytes
    status: int
    pairs: tuple[tuple[str, str], ...] = ()
    """Of a form that the recorder lists without its text."""
    known: Mapping[str, str] = field(default_factory=dict)
    """Digest -> text of GraphQL operations in the same recording."""

    @cached_property
    def asked(self) -> list[Any]:
        """What a shared endpoint is asked for, each member of a batch, in one spelling."""
        try:
            whole = self.json if self.body else asked_again.in_query(self.query)
        except ValueError:
            return [dict(self.form)] if "form" in self.media else []
        return [asked_again.normal(row, self.known) for row in (whole if isinstance(whole, list) else [whole])]

    @cached_property
    def json(self) -> Any:
        """The body as JSON. Raises ValueError."""
        return json.loads(self.body)

    @cached_property
    def form(self) -> Pairs:
        """The pairs of a form, or the parts of a multipart body."""
        if self.pairs:
            return list(self.pairs)
        if self.media.startswith("multipart/"):
            return parts(self.media, self.body)
        return parse_qsl(self.body.decode("utf-8"), keep_blank_values=True)


def parts(media: str, body: bytes) -> Pairs:
    """Name and content of each part of a multipart body, a file's name included."""
    message = message_from_bytes(b"Content-Type: " + media.encode("latin-1") + b"\r\n\r\n" + body)
    return [
        (str(part.get_param("name", header="content-disposition")), (part.get_payload(decode=True) or b"").decode("utf-8", "replace"))  # type: ignore[union-attr]
        for part in message.walk()
        if not part.is_multipart()
    ]


def requests(kind: str, data: bytes, hosts: Sequence[str]) -> Iterator[tuple[Said, Exchange]]:
    """Each request of a first party that the capture keeps, as recorded, and the exchange that was made of it."""
    intake = Intake(hosts, Redactor(KEY, "strict", (), (), ()))
    recorded = [item for item in source(kind).read([data]) if isinstance(item, Recorded) and item.status]
    taken = [(_said(item), found[0]) for item in recorded if isinstance(found := intake.take(item), tuple)]
    known = asked_again.texts(_readable(said) for said, _ in taken)
    yield from ((replace(said, known=known), exchange) for said, exchange in taken)


def _readable(said: Said) -> Any:
    try:
        return said.json if said.body else asked_again.in_query(said.query)
    except ValueError:
        return None


def _said(item: Recorded) -> Said:
    where = urlsplit(item.url)
    body = item.request
    data = b"" if body is None else body.data if body.data is not None else (body.text or "").encode("utf-8")
    pairs = [(name, value) for name, value in (body.pairs or ()) if value is not None] if body and not data else []
    sent = dict(headers.lowered(item.headers))
    media = (body.media if body else "") or sent.get("content-type", "")
    said = Said(
        method=item.method.upper(),
        segments=tuple((where.path or "/").split("/")[1:]),
        query=[pair for pair in (parse_qsl(where.query, keep_blank_values=True) if where.query else item.query) if any(pair)],
        headers=sent,
        media=media,
        body=data,
        status=item.status,
    )
    return replace(said, pairs=tuple(pairs))
