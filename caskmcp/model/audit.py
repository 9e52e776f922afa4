"""The record of decisions on disk: segments of lines, each of which names the digest of the line before; opened with what else was there, closed
with a seal.

A line is one record as JSON, in the order of its `sequence`; its digest is that of its bytes without the line end. What a decision says is
`decision.Entry`.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from caskmcp.model.record import Record

AUDIT_SCHEMA: Final = "caskmcp/audit/1"
SEAL_SCHEMA: Final = "caskmcp/audit-seal/1"
SEAL_TYPE: Final = "application/vnd.caskmcp.audit-seal+json"
SUFFIX: Final = ".decisions.jsonl"
"""Of a segment's file: `SERIES-NUMBER.decisions.jsonl`; a series is what one server wrote, numbered from 1."""

Count = Annotated[int, Field(ge=0)]


class Before(Record):
    """A segment as it stood when another one was opened: what is cut from it or changed in it afterwards shows."""

    segment: str
    """Its file's name."""
    lines: Count
    """Whole lines."""
    digest: str
    """Of the last whole line; of nothing where there is none."""
    size: Count
    """Bytes, an incomplete last line among them."""
    torn: bool = False
    """Whether its last line was incomplete: an append that a crash cut, or one that another server was at."""


class Opening(Record):
    """The first line of a segment."""

    kind: Literal["open"] = "open"
    format: str = Field(alias="schema", default=AUDIT_SCHEMA)
    segment: str
    """The name of its own file."""
    at: str
    sequence: Annotated[int, Field(ge=1)]
    prev: str
    """Digest of the last line of this series' segment before; empty in the first."""
    before: tuple[Before, ...]
    """Every segment that had grown since another opening named it, by name."""


class Seal(Record):
    """What is signed when a segment is closed."""

    format: str = Field(alias="schema", default=SEAL_SCHEMA)
    segment: str
    toolpacks: tuple[str, ...]
    """Whose decisions it holds, sorted."""
    first: Annotated[int, Field(ge=1)]
    """Sequence of the opening."""
    last: Annotated[int, Field(ge=1)]
    """Sequence of the last line before the seal."""
    digest: str
    """Of that line."""

    def payload(self) -> dict[str, Any]:
        """All fields, as signed."""
        return self.model_dump(mode="json", by_alias=True)


class Sealed(Record):
    """The last line of a segment that was closed."""

    kind: Literal["seal"] = "seal"
    sequence: Annotated[int, Field(ge=1)]
    prev: str
    seal: Seal
    key: str
    """Key id of the runtime's key: it signs seals and nothing else."""
    signature: str
