"""Policy: a closed, ordered table; the first rule that matches decides, and nothing matching means deny."""

from typing import Annotated, Final, Literal

from pydantic import Field

from caskmcp.model.record import Record
from caskmcp.model.tool import Tier, Tool

SCHEMA: Final = "caskmcp/policy/1"


Trait = Literal["pii", "money", "credential", "auth", "admin"]
"""As `Contract.traits`."""


class Match(Record):
    """What a rule applies to: every given part has to fit; an empty part fits everything."""

    tools: tuple[str, ...] = ()
    risk: tuple[Tier, ...] = ()
    effect: tuple[Literal["read", "write", "destructive"], ...] = ()
    methods: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    traits: tuple[Trait, ...] = ()
    """What requests and answers hold; one of them is enough."""

    def fits(self, tool: Tool) -> bool:
        """Whether a call of the tool can match."""
        facts = (
            (self.tools, tool.name),
            (self.risk, tool.risk),
            (self.effect, tool.effect),
            (self.methods, tool.request.method),
            (self.hosts, tool.request.host),
        )
        held = not self.traits or bool({*self.traits} & {*tool.traits})
        return held and all(not wanted or fact in wanted for wanted, fact in facts)


class Rule(Record):
    """One row of the policy."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,60}$")]
    effect: Literal["allow", "deny", "confirm"]
    match: Match = Match()
    reason: str = ""


class Budget(Record):
    """Calls that may be made in a sliding window, by one server."""

    calls: Annotated[int, Field(ge=1)]
    per_seconds: Annotated[int, Field(ge=1, le=86_400)]


class Policy(Record):
    """`policy.yaml`. Rules are in order of priority; the manifest's additions stand before the emitted ones."""

    format: str = Field(alias="schema", default=SCHEMA)
    default: Literal["deny"] = "deny"
    rules: tuple[Rule, ...]
    budgets: dict[str, Budget] = {}
    """Tool name, or `*` for all calls together."""

    def rules_for(self, tool: Tool) -> tuple[Rule, ...]:
        """The rules that a call of the tool can reach, in order: up to and including the first that matches (a match is total)."""
        for index, rule in enumerate(self.rules):
            if rule.match.fits(tool):
                return tuple(row for row in self.rules[: index + 1] if row.match.fits(tool))
        return ()


class Defaults(Record):
    """The part of the policy that is signed as the subject `policy`: what holds for all tools."""

    default: Literal["deny"] = "deny"
    budgets: dict[str, Budget] = {}
    rules: tuple[Rule, ...] = ()
    """Every rule that names no tool, in order."""


class Additions(Record):
    """The file that `policy:` in the manifest names."""

    version: Literal[1]
    rules: tuple[Rule, ...] = ()
    budgets: dict[str, Budget] = {}
