"""Cases of a policy: what a call should come to, as people write it down for `cask policy test`."""

from typing import Annotated, Any, Literal

from pydantic import Field

from caskmcp.model.record import Record


class Case(Record):
    """One call and what is expected of it."""

    tool: str
    arguments: dict[str, Any] | None = None
    """Checked as the server checks them; without them the policy alone is asked."""
    toolset: str | None = None
    """What the caller may use; without it, every tool."""
    expect: Literal["allow", "deny", "confirm"]
    rule: str | None = None
    """Which rule decides; or the code, where a step before or behind the policy does (`CASK-R001`, `CASK-R002`)."""
    audit: str | None = None
    """Which `audit` rule applies; empty: none."""
    redact: str | None = None
    """Which `redact` rule applies; empty: none."""


class PolicyCases(Record):
    """The file that `cask policy test` reads."""

    version: Literal[1]
    cases: Annotated[tuple[Case, ...], Field(min_length=1, max_length=10_000)]
