"""The smaller artifacts: baseline, coverage, environments, auth references, and the handoff `toolpack.yaml`."""

from pydantic import Field

from caskmcp.model.contract import Disagreement
from caskmcp.model.project import AuthRule, EnvironmentHost
from caskmcp.model.record import JsonSchema, Record
from caskmcp.model.tool import Tier


class BaselineTool(Record):
    """What drift is measured from, for one tool."""

    operation: str
    risk: Tier
    input_schema: JsonSchema
    responses: dict[str, JsonSchema] = {}
    """Status and media type (`200 application/json`) -> strict schema."""


class Baseline(Record):
    """`baseline.json`: a candidate when compiled, the approved one under `baselines/<id>/`."""

    format: str = Field(alias="schema", default="caskmcp/baseline/1")
    tools: dict[str, BaselineTool]


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


class Coverage(Record):
    """`coverage.json`: which parts stand behind which operation, and what was left out with the reason."""

    format: str = Field(alias="schema", default="caskmcp/coverage/1")
    operations: dict[str, OperationCoverage]
    left_out: dict[str, str] = {}
    """Raw operations that became none -> reason (`never succeeded`, `page`, …)."""
    single_valued: dict[str, int] = {}
    """Path parameters with one distinct token in three exchanges or more -> exchanges: a literal? name it under `paths:`."""
    disagreements: tuple[Disagreement, ...] = ()
    """Where documents and traffic say different things, with the side that is chosen; sorted by operation, rule and place."""
    auth: dict[str, tuple[str, ...]] = {}
    """Host -> ways in which its operations authenticate (`bearer`, `header:x-api-key`), sorted; never a value."""
    mixed_auth: tuple[str, ...] = ()
    """Hosts whose operations authenticate in more than one way, sorted: which one a call needs is for a person to say."""
    tokens: dict[str, int] = {}
    """Estimated tokens of each tool in a list (bytes / 4)."""


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
