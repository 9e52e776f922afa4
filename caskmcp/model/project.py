"""`cask.yaml`: everything that a build depends on (SPEC section 2). Strict: an unknown key is an error with its line."""

import re
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, model_validator

from caskmcp.model.auth import AuthRule
from caskmcp.model.composite import Composite, Name
from caskmcp.model.exchange import RESTORABLE
from caskmcp.model.place import checked
from caskmcp.model.record import Record
from caskmcp.model.suppression import SuppressedFinding
from caskmcp.model.tool import TIERS
from caskmcp.redact.patterns import problem

ID: Final = re.compile(r"[a-z0-9-]{1,40}", re.ASCII)
HOST: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?::[0-9]{1,5})?", re.ASCII)
PLUGIN: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?==[0-9A-Za-z][0-9A-Za-z.!+_-]{0,60}", re.ASCII)
KEPT: Final = re.compile(r"(?:[A-Z]{1,20} )?/[^\s?#]{0,200}", re.ASCII)
SOURCE_KINDS: Final = ("har", "openapi", "otel", "postman", "graphql", "mcp", "webmcp", "capture")
"""The keys that an entry of `sources:` may have; one a kind of source."""


def _id(value: str) -> str:
    if not ID.fullmatch(value):
        raise ValueError("expected 1 to 40 of a-z, 0-9 and dashes")
    return value


def _host(value: str) -> str:
    if not HOST.fullmatch(value):
        raise ValueError("expected a host name in lower case, with an optional port, without scheme or path")
    return value


def _plugin(value: str) -> str:
    if not PLUGIN.fullmatch(value):
        raise ValueError("expected `NAME==VERSION` of a distribution")
    return value


def _kept(value: str) -> str:
    if value not in RESTORABLE and not KEPT.fullmatch(value):
        raise ValueError(f"expected one of {', '.join(RESTORABLE)}, or a pattern such as `/collect/*` or `POST /events`")
    return value


def _origin(value: str) -> str:
    if not re.fullmatch(r"https?://[^/?#@\s]+/?", value, re.ASCII):
        raise ValueError("expected scheme, host and port only, e.g. `http://127.0.0.1:8080`")
    return value.rstrip("/")


Id = Annotated[str, AfterValidator(_id)]
Host = Annotated[str, AfterValidator(_host)]
Origin = Annotated[str, AfterValidator(_origin)]
Plugin = Annotated[str, AfterValidator(_plugin)]
Kept = Annotated[str, AfterValidator(_kept)]


def _once(rows: tuple[SuppressedFinding, ...]) -> tuple[SuppressedFinding, ...]:
    named = [row.finding for row in rows]
    if twice := next((name for name in named if named.count(name) > 1), ""):
        raise ValueError(f"the finding {twice} stands twice")
    return rows


Tier = Literal["safe", "low", "medium", "high", "critical"]
LEAST: Final = {"read": "safe", "write": "low", "destructive": "high"}
"""Effect -> the lowest tier that a person may state for it."""


class Source(Record):
    """One entry of `sources:`: exactly one kind with a path, a pattern or a capture's id."""

    har: str | None = None
    openapi: str | None = None
    graphql: str | None = None
    mcp: str | None = None
    webmcp: str | None = None
    otel: str | None = None
    postman: str | None = None
    capture: str | None = None

    @model_validator(mode="after")
    def _one(self) -> "Source":
        if len(self.model_fields_set) != 1 or self.pattern == "":
            raise ValueError(f"expected exactly one of {', '.join(SOURCE_KINDS)}")
        return self

    @property
    def kind(self) -> str:
        """One of `SOURCE_KINDS`."""
        return next(iter(self.model_fields_set))

    @property
    def pattern(self) -> str:
        """The path, glob or id as written."""
        return str(getattr(self, self.kind) or "")


def _pattern(value: str) -> str:
    if said := problem(value):
        raise ValueError(said)
    return value


class Pattern(Record):
    """A form of the user's own secrets."""

    name: Id
    """What the receipt counts it by."""
    re: Annotated[str, AfterValidator(_pattern)]
    """RE2 syntax. Its group, if it has one, is the part that is cut."""


class Redact(Record):
    """What redaction cuts beyond its own table."""

    profile: Literal["strict", "standard"] = "strict"
    keys: tuple[str, ...] = ()
    """Names (of headers, parameters, fields; case-insensitive) whose values are always cut."""
    keep: tuple[str, ...] = ()
    """Names whose values are never cut by a rule on names; forms that give a secret away are cut all the same."""
    patterns: tuple[Pattern, ...] = ()
    """Forms whose finds are always cut, wherever they stand."""


class Budget(Record):
    """The size that the toolset `default` may have. Holds as it stands here where the manifest says nothing."""

    tools: Annotated[int, Field(ge=1, le=10_000)] = 40
    tokens: Annotated[int, Field(ge=1)] = 20_000
    sessions: Annotated[int, Field(ge=1, le=100)] | None = None
    """Per cent of the observed sessions that the toolset covers, with as few tools as that takes; without it, the budget is filled."""


class Stated(Record):
    """What a person says of a tool's risk, in place of what the rules say."""

    tier: Tier
    effect: Literal["read", "write", "destructive"] | None = None
    """What the rules say, if it is not given."""
    reason: Annotated[str, Field(min_length=1, max_length=200)]

    @model_validator(mode="after")
    def _coherent(self) -> "Stated":
        least = LEAST[self.effect] if self.effect else "safe"
        if TIERS.index(self.tier) < TIERS.index(least):
            raise ValueError(f"what is {self.effect} is at least {least}")
        return self


class Answers(Record):
    """What the user says about a tool's answers; part of what is signed."""

    keep: tuple[Annotated[str, AfterValidator(checked)], ...] = ()
    """Places of the fields that are passed on, as `orders[].id`; without any, all are."""
    max_bytes: Annotated[int, Field(ge=1_000, le=1_000_000)] | None = None
    """How long an answer may be; a longer one is cut. Beyond 24,000 tokens each is."""


class Tools(Record):
    """What the user says about tools."""

    rename: dict[str, str] = {}
    """Tool name as compiled -> name as wanted."""
    exclude: tuple[str, ...] = ()
    """Operations to leave out, as `METHOD /template` or a tool's name."""
    risk: dict[str, Stated] = {}
    """Tool name -> what a person says of its risk; shown by `diff` and `gate allow`, and part of what is signed."""
    answers: dict[str, Answers] = {}
    """Tool name -> what of its answers is passed on."""
    budget: Budget | None = None
    composites: dict[Name, Composite] = {}
    """Tool name -> the calls of other tools that it stands for."""


class ToolsetRule(Record):
    """A named subset of tools that the user declares."""

    include: tuple[str, ...] = ()
    """Names or shell patterns of tools; empty means all."""
    exclude: tuple[str, ...] = ()
    max_risk: Tier | None = None


class EnvironmentHost(Record):
    """Another place for a host: scheme, host and port only; path and Host header stay as approved. Signed as part of `env:NAME`."""

    url: Origin
    private: bool = False
    """Whether the place may have a private or loopback address."""


EMITTERS: Final = ("tools", "toolsets", "policy", "baseline", "contracts", "scopes", "openapi")
"""What is emitted where the manifest does not say; `container`, `skill`, `client` and `cli` are for those who ask."""


class Project(Record):
    """The manifest."""

    version: Literal[1]
    name: Id | None = None
    hosts: tuple[Host, ...] = Field(min_length=1)
    sources: tuple[Source, ...] = ()
    keep: tuple[Kept, ...] = ()
    """Requests of recordings that are kept although they look like no use of an API: a reason (`noise`), or a pattern of paths
    (`/collect/*`, `POST /events`)."""
    paths: tuple[str, ...] = ()
    redact: Redact = Redact()
    tools: Tools = Tools()
    toolsets: dict[Id, ToolsetRule] = {}
    auth: dict[Host, AuthRule] = {}
    environments: dict[Id, dict[Host, EnvironmentHost]] = {}
    policy: str | None = None
    """Path of additions to the emitted policy."""
    scopes: str | None = None
    """Path of the user's own scopes, which win over the suggested ones."""
    emit: tuple[
        Literal["tools", "toolsets", "policy", "baseline", "contracts", "scopes", "openapi", "container", "skill", "client", "cli"], ...
    ] = EMITTERS
    plugins: tuple[Plugin, ...] = ()
    suppress: Annotated[tuple[SuppressedFinding, ...], AfterValidator(_once)] = ()
    """Findings that a person accepts for a while; no stage reads it."""

    @property
    def id(self) -> str:
        """The toolpack's id: the name, or the first host with dashes for every other character, cut to 40."""
        return self.name or re.sub(r"[^a-z0-9-]", "-", self.hosts[0])[:40]


def manifest_fields() -> dict[str, Any]:
    """JSON Schema of the manifest, for editors."""
    return Project.model_json_schema(by_alias=True)
