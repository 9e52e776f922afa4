"""Scopes: reviewable capability boundaries. The compiler suggests them; those of the user's `scopes.yaml` win."""

from typing import Annotated, Final, Literal

from pydantic import Field

from caskmcp.model.record import Record

SCHEMA: Final = "caskmcp/scopes/1"
BOUNDARY: Final = "caskmcp/scope/1"

ScopeName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_:.-]{0,59}$")]


class Scope(Record):
    """A suggested boundary."""

    tools: tuple[str, ...]
    description: str
    confidence: Literal["low", "medium", "high"]
    """By the evidence of its least observed tool."""
    certainty: int = 0
    """Per cent: how sure it is that these tools do what the scope says; that of its least certain tool."""
    why: str = ""
    """What holds a low certainty down: the tool and the sign of it; empty where it is not low."""
    review_required: bool
    """Whether a tool of tier high or critical is among the uncertain ones: then a person looks at it by name."""


class Scopes(Record):
    """`scopes.suggested.yaml`."""

    format: str = Field(alias="schema", default=SCHEMA)
    scopes: dict[str, Scope]


class Boundary(Record):
    """A scope as the user draws it. What it is called and said to be is bound by the approval of each of its tools."""

    description: Annotated[str, Field(min_length=1, max_length=200)]
    tools: tuple[str, ...] = ()
    """Names of tools; a tool belongs to one scope."""


class OwnScopes(Record):
    """The file that `scopes:` in the manifest names."""

    version: Literal[1]
    scopes: dict[ScopeName, Boundary] = {}
