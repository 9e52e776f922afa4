"""Policy: a closed, ordered table; the first rule that matches decides, and nothing matching means deny.

Rules ask three things: may the call be made (`allow`, `deny`, `confirm`), is its record on disk before it is sent (`audit`), what of its answer is
masked (`redact`). To each of them the first rule that matches is the answer. Budgets are a table of their own.
"""

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

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
    effect: Literal["allow", "deny", "confirm", "audit", "redact"]
    match: Match = Match()
    reason: str = ""
    mask: tuple[Literal["pii", "secrets"], ...] = ()
    """Of a `redact` rule: `pii` masks what the detectors of personal data find, by name and by form; `secrets` whatever looks like a credential, beyond
    what is cut from every answer: one-time codes, signatures, what looks random."""
    fields: tuple[Annotated[str, Field(min_length=1, max_length=80)], ...] = ()
    """Of a `redact` rule: names of fields whose values are masked, whatever they are."""

    @model_validator(mode="after")
    def _masks_something(self) -> "Rule":
        if bool(self.mask or self.fields) != (self.effect == "redact"):
            raise ValueError("a rule that redacts names what it masks in `mask:` or `fields:`, and no other rule does")
        return self

    @property
    def asks(self) -> str:
        """What the rule answers: `verdict`, `audit` or `redact`."""
        return ASKS.get(self.effect, self.effect)


VERDICT: Final = "verdict"
ASKS: Final = {"allow": VERDICT, "deny": VERDICT, "confirm": VERDICT}
"""Effects that answer one question together; any other is a question of its own."""


class Window(Record):
    """What may be spent in a sliding window; one of the two measures at least is bounded."""

    calls: Annotated[int, Field(ge=1)] | None = None
    tokens: Annotated[int, Field(ge=2_500)] | None = None
    """Of answers, estimated as bytes of text / 4. A call sets its tool's largest answer aside, so the bound holds however many run at once."""
    per_seconds: Annotated[int, Field(ge=1, le=86_400)]

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        if self.calls is None and self.tokens is None:
            raise ValueError("a budget bounds `calls`, `tokens` or both")
        return self

    @model_serializer(mode="wrap")
    def _lean(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without what came later than `calls`, while it is empty: what was signed before it keeps its digest."""
        return {name: value for name, value in write(self).items() if value not in (None, (), [])}


class Budget(Window):
    """The windows of one budget: its own, and those beside it (an hour beside a minute). A call is counted in each of them."""

    also: tuple[Window, ...] = ()

    @property
    def windows(self) -> tuple[Window, ...]:
        """Every window."""
        return (self, *self.also)


TOTAL: Final = "*"
TOOLSET: Final = "toolset:"
CALLER: Final = "caller:"


class Policy(Record):
    """`policy.yaml`. Rules are in order of priority; the manifest's additions stand before the emitted ones."""

    format: str = Field(alias="schema", default=SCHEMA)
    default: Literal["deny"] = "deny"
    rules: tuple[Rule, ...]
    budgets: dict[str, Budget] = {}
    """Of what: a tool's name; `*`, all calls together; `toolset:NAME`; `caller:NAME`; `caller:*`, each caller for itself."""

    def rules_for(self, tool: Tool) -> tuple[Rule, ...]:
        """The rules that a call of the tool reaches, in order: the first that matches of each kind (a match is total)."""
        return tuple(_first_of_each(rule for rule in self.rules if rule.match.fits(tool)))

    def verdict_for(self, tool: Tool) -> Rule | None:
        """The rule that says whether a call of the tool may be made; None: no rule does, and that is a no."""
        return first(self.rules_for(tool), VERDICT)


def first(rules: Iterable[Rule], asks: str) -> Rule | None:
    """The first rule that answers a question: `verdict`, `audit` or `redact`."""
    return next((rule for rule in rules if rule.asks == asks), None)


def _first_of_each(rules: Iterable[Rule]) -> Iterator[Rule]:
    answered: set[str] = set()
    for rule in rules:
        if rule.asks not in answered:
            answered.add(rule.asks)
            yield rule


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
