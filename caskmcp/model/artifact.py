"""The smaller artifacts: baseline, coverage, environments, auth references, and the handoff `toolpack.yaml`."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Literal, Self

from pydantic import Field

from caskmcp.model.auth import AuthRule
from caskmcp.model.contract import Disagreement, Doubt
from caskmcp.model.observation import Group
from caskmcp.model.project import EnvironmentHost
from caskmcp.model.record import JsonSchema, Record
from caskmcp.model.shared import Table
from caskmcp.model.tool import Tier
from caskmcp.text import Document


class BaselineTool(Record):
    """What drift is measured from, for one tool."""

    operation: str
    risk: Tier
    input_schema: JsonSchema
    responses: dict[str, JsonSchema] = {}
    """Status and media type (`200 application/json`) -> strict schema."""

    def with_schemas(self, change: Callable[[Mapping[str, Any]], JsonSchema]) -> "BaselineTool":
        """The same with each schema changed."""
        responses = {name: change(schema) for name, schema in self.responses.items()}
        return self.model_copy(update={"input_schema": change(self.input_schema), "responses": responses})


class Baseline(Record):
    """`baseline.json`: a candidate when compiled, the approved one under `baselines/<id>/`."""

    format: str = Field(alias="schema", default="caskmcp/baseline/1")
    toolpack: str = ""
    """Its id; empty in a baseline that is older than the field."""
    tools: dict[str, BaselineTool]
    operations: dict[str, Group] = {}
    """Operation id -> what was observed and declared of it, without values: drift compares counts with counts, inferred by the same code."""
    others: tuple[str, ...] = ()
    """Operations that were known and are none of a tool here, sorted: seeing them again is no news."""

    definitions: dict[str, dict[str, Any]] = {}
    """What schemas share (`model.shared`); empty once they were read."""

    @classmethod
    def of(cls, document: Document, *, code: str = "CASK-I004") -> Self:
        """As any record; each schema then has its definitions inside."""
        found = super().of(document, code=code)
        table = Table(found.definitions)
        tools = {name: row.with_schemas(table.whole) for name, row in found.tools.items()}
        operations = {name: row.whole(table) for name, row in found.operations.items()}
        return found.model_copy(update={"tools": tools, "operations": operations, "definitions": {}})

    def only(self, names: Collection[str]) -> "Baseline":
        """The same of some tools; the operations of the others are known, and no more."""
        tools = {name: row for name, row in self.tools.items() if name in names}
        kept = {row.operation for row in tools.values()}
        operations = {name: row for name, row in self.operations.items() if name in kept}
        others = tuple(sorted({*self.others, *(name for name in self.operations if name not in kept)}))
        return self.model_copy(update={"tools": tools, "operations": operations, "others": others})

    def packed(self) -> "Baseline":
        """As it is written: what schemas share stands once."""
        table = Table()
        tools = {name: row.with_schemas(table.packed) for name, row in sorted(self.tools.items())}
        operations = {name: row.packed(table) for name, row in sorted(self.operations.items())}
        return self.model_copy(update={"tools": tools, "operations": operations, "definitions": dict(sorted(table.rows.items()))})


class Environments(Record):
    """`environments.yaml`: other places for the same surface; each is signed as `env:NAME`."""

    format: str = Field(alias="schema", default="caskmcp/environments/1")
    environments: dict[str, dict[str, EnvironmentHost]] = {}


class Auth(Record):
    """`auth.yaml`: how calls to each host authenticate, by reference; each is signed as `auth:HOST`."""

    format: str = Field(alias="schema", default="caskmcp/auth/1")
    hosts: dict[str, AuthRule] = {}


class OperationCoverage(Record):
    """What an operation rests on, part by part."""

    parts: dict[str, int]
    """Part id -> exchanges (0: declared there)."""
    tool: str = ""
    """Its tool; empty if it was left out, then `reason` says why."""
    reason: str = ""
    origins: dict[str, dict[str, int]] = {}
    """Place of a value that lives for a session, or of a cursor -> where it came from in the same source, with counts."""
    manual: tuple[str, ...] = ()
    """What a call may need and its tool does not send, since the value lives for a session: it has to be brought by hand, sorted."""
    notes: tuple[str, ...] = ()
    """What of the operation its tool leaves out (a credential as parameter, a text that gives orders), sorted."""


class Proposal(Record):
    """What a site offers to agents in its own browser, or what its `.well-known` documents name. Nothing here can call it: no tool comes of it."""

    source: Literal["webmcp", "well-known"]
    origin: str
    """The site's that offers it."""
    kind: str
    """webmcp: `imperative` or `declarative`; well-known: `openapi`, `mcp` or `other`."""
    name: str
    """Of the tool; or the path of the document that names it."""
    title: str = ""
    description: str = ""
    """In the site's words: hidden characters shown, nothing of what gives orders."""
    input_schema: JsonSchema = {}
    url: str = ""
    """Where a document leads."""
    notes: tuple[str, ...] = ()
    """What was dropped of its words, sorted."""


class SessionSet(Record):
    """Operations that were called together in one session."""

    operations: tuple[str, ...]
    """Ids, sorted."""
    count: int
    """Sessions that called exactly these."""


class Selection(Record):
    """What the toolset `default` holds, and why the rest is not in it."""

    tools: int
    tokens: int
    """Estimated tokens of its list."""
    all_tokens: int
    """The same of all tools."""
    most_tools: int
    most_tokens: int
    """What `tools.budget` allows."""
    sessions: int = 0
    """Sessions that were told in the observations."""
    covered: int = 0
    """Those that need nothing but these tools."""
    left_out: dict[str, str] = {}
    """Tool -> why it is not in it."""


class Coverage(Record):
    """`coverage.json`: which parts stand behind which operation, and what was left out with the reason."""

    format: str = Field(alias="schema", default="caskmcp/coverage/1")
    operations: dict[str, OperationCoverage]
    left_out: dict[str, str] = {}
    """Raw operations that became none -> reason (`never succeeded`, `page`, …)."""
    single_valued: dict[str, int] = {}
    """Path parameters with one distinct token in three exchanges or more -> exchanges: a literal? name it under `paths:`."""
    doubts: tuple[Doubt, ...] = ()
    """What the evidence of operations lacks or contradicts, but for single samples; sorted by operation, rule and place."""
    disagreements: tuple[Disagreement, ...] = ()
    """Where documents and traffic say different things, with the side that is chosen; sorted by operation, rule and place."""
    sessions: tuple[SessionSet, ...] = ()
    """What was called together, by sets of operations; sorted. Empty where no session can be told."""
    auth: dict[str, tuple[str, ...]] = {}
    """Host -> ways in which its operations authenticate (`bearer`, `header:x-api-key`), sorted; never a value."""
    mixed_auth: tuple[str, ...] = ()
    """Hosts whose operations authenticate in more than one way, sorted: which one a call needs is for a person to say."""
    tokens: dict[str, int] = {}
    """Estimated tokens of each tool in a list (bytes / 4)."""
    selection: Selection | None = None
    proposals: tuple[Proposal, ...] = ()
    """What sites offer to agents beside their API, sorted."""


class Toolchain(Record):
    """What compiled the artifacts."""

    cask: str
    digest: str
    """Of the compiling rooms, library versions and data tables."""
    libraries: dict[str, str]
    tables: dict[str, str] = {}


class Toolpack(Record):
    """`toolpack.yaml`: the handoff. Relocatable; says what lies beside it."""

    format: str = Field(alias="schema", default="caskmcp/toolpack/1")
    id: str
    toolchain: Toolchain
    artifacts: dict[str, str]
    """File name under `artifact/` -> digest of its bytes."""
