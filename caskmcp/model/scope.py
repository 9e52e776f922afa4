"""Scopes: reviewable capability boundaries, suggested by the compiler."""

from typing import Final, Literal

from pydantic import Field

from caskmcp.model.record import Record

SCHEMA: Final = "caskmcp/scopes/1"


class Scope(Record):
    """A suggested boundary."""

    tools: tuple[str, ...]
    description: str
    confidence: Literal["low", "medium", "high"]
    review_required: bool
    """Low confidence together with a tier of high or critical."""


class Scopes(Record):
    """`scopes.suggested.yaml`."""

    format: str = Field(alias="schema", default=SCHEMA)
    scopes: dict[str, Scope]
