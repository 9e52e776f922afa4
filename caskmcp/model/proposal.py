"""Proposals: what an agent, or a person, would like to have as a tool. Data only: nothing of it is served, and nothing of it runs."""

from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from caskmcp.model.record import Record

DRAFT: Final = "caskmcp/draft/1"
LARGEST: Final = 32 << 10
"""Bytes of one draft."""

Word = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]{0,63}$")]
Line = Annotated[str, Field(max_length=300)]


class Wanted(Record):
    """One argument of the tool."""

    name: Word
    place: Literal["path", "query", "header", "body"] = "query"
    type: Literal["string", "integer", "number", "boolean"] = "string"
    required: bool = False
    description: Line = ""


class Draft(Record):
    """One HTTP request that somebody would like to make, with the reason."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,35}$")]
    """Of the tool."""
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
    host: Annotated[str, Field(pattern=r"^[a-z0-9.-]{1,253}(?::[0-9]{1,5})?$")]
    """A first party of the project; with a port where it is not the scheme's own."""
    path: Annotated[str, Field(pattern=r"^(?:/(?:[A-Za-z0-9._~-]{1,80}|\{[A-Za-z_][A-Za-z0-9_]{0,63}\})){1,30}$")]
    """A template: `/orders/{order_id}`."""
    summary: Annotated[str, Field(min_length=1, max_length=120)]
    """What the tool does."""
    reason: Annotated[str, Field(min_length=1, max_length=1000)]
    """What it is needed for; people read it, and no tool shows it."""
    arguments: Annotated[tuple[Wanted, ...], Field(max_length=40)] = ()

    @model_validator(mode="after")
    def _fits_its_path(self) -> "Draft":
        named = [part[1:-1] for part in self.path.split("/") if part.startswith("{")]
        stated = [row.name for row in self.arguments if row.place == "path"]
        if sorted(named) != sorted(stated):
            raise ValueError("the arguments with the place `path` are those that the path names, each once")
        if len({row.name for row in self.arguments}) != len(self.arguments):
            raise ValueError("two arguments have one name")
        if any(part in (".", "..") for part in self.path.split("/")):
            raise ValueError("the path has a segment `.` or `..`")
        return self


class Filed(Record):
    """A draft in the box: `state/drafts/<id>.json`."""

    format: Literal["caskmcp/draft/1"] = Field(alias="schema")
    id: Annotated[str, Field(pattern=r"^d-[0-9a-f]{12}$")]
    """From its content, so that the same draft filed twice is one."""
    by: Annotated[str, Field(min_length=1, max_length=80)]
    """Who filed it, as whoever took it knows; nobody vouches for it."""
    at: str
    draft: Draft


class Settled(Record):
    """What a person decided on a draft: one line of the box's journal."""

    id: str
    verdict: Literal["promoted", "rejected"]
    at: str
    reason: str = ""
