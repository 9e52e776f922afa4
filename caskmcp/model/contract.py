"""Contracts: what is known of an operation, each statement with its evidence. `contracts.yaml` holds every operation."""

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, Self

from pydantic import Field

from caskmcp.model.observation import Call, Flow, Segment
from caskmcp.model.record import JsonSchema, Record
from caskmcp.model.shared import DEFINITIONS, Table
from caskmcp.text import Document

SCHEMA: Final = "caskmcp/contracts/1"

Location = Literal["path", "query", "header", "cookie"]


class Evidence(Record):
    """What a statement rests on. `seen` of `total` exchanges; zero of zero if only a document says it."""

    seen: int = 0
    total: int = 0
    sources: tuple[str, ...] = ()
    """Kinds of source that say it, sorted: `collection`, `compiled` (an `openapi.json` of ours), `manifest`, `spec`, `traffic`."""


class Parameter(Record):
    """One input of an operation outside the body, as observed or declared (OpenAPI 3.1 section 4.8.12, plus evidence)."""

    name: str
    """Domain name, unique within the operation (`order_id`)."""
    wire: str
    """Name as sent; for a path parameter the name in the template."""
    location: Location
    schema_: JsonSchema = Field(alias="schema")
    required: bool = False
    why: str = ""
    """The rule that made it required or optional, e.g. `path`, `spec`, `absence-refused`, `never-from-traffic`."""
    style: str = ""
    """`simple`, `form`, `deepObject`, `spaceDelimited`, `pipeDelimited`; empty for the location's default."""
    explode: bool | None = None
    description: str = ""
    constant: str = ""
    """The one value that every success carried, three or more of them; empty if there is none that may be kept."""
    evidence: Evidence = Evidence()


class Paging(Record):
    """How an operation hands out a long list piece by piece. Names and places only."""

    style: Literal["cursor", "page", "offset", "link"]
    """What says where the next piece begins: a value of an earlier answer, the number of a page, the number of an item, a URL of the answer alone."""
    argument: str = ""
    """Place of the input that says it: `query page`, `body cursor`; empty for `link`."""
    size: str = ""
    """Place of the input that says how long a piece is: `query per_page`."""
    items: str | None = None
    """JSON pointer of the list in the answer, empty for the whole answer; null if it cannot be told."""
    following: str = ""
    """Where an answer says what comes next, or whether anything does: `answer /next_cursor`, `header link`."""
    total: str = ""
    """Where an answer says how long the whole is: `answer /total`, `header x-total-count`."""


class Body(Record):
    """One media type that a request body may have."""

    media: str
    kind: Literal["json", "form", "multipart", "text", "binary"]
    schema_: JsonSchema = Field(alias="schema")
    required: bool = False
    evidence: Evidence = Evidence()
    fields: dict[str, Evidence] = {}
    """JSON pointer of each leaf or object field -> evidence."""


class Response(Record):
    """One status and media type of an answer. `schema` is the strict one, which the compiler compares with; it is never served."""

    status: str
    """`200`, or a document's `2XX` or `default`."""
    media: str = ""
    schema_: JsonSchema | None = Field(alias="schema", default=None)
    evidence: Evidence = Evidence()
    fields: dict[str, Evidence] = {}


class Fleeting(Record):
    """One input whose value lives for a session, page or build, or is a cursor."""

    place: str
    """`header x-csrf-token`, `body authenticity_token`."""
    rule: str
    """A row of the table of ephemeral values, e.g. `csrf`."""
    argument: bool = False
    """Whether the tool takes it as an argument: a cursor alone, since an earlier answer gave it."""


class Disagreement(Record):
    """One thing that documents and traffic say differently, and whom the surface follows. Value-free: names of fields, types, statuses."""

    operation: str = ""
    """The operation's id; empty inside its contract."""
    rule: str
    """A row of the rules of reconciliation, e.g. `parameter-type`."""
    place: str
    """`query state`, `answer 200 application/json /items/*/price`."""
    documented: str = ""
    observed: str = ""
    side: Literal["spec", "traffic", "both"]
    """What the surface follows."""


class Doubt(Record):
    """Something that the evidence of an operation lacks or contradicts. Value-free: places and counts."""

    operation: str = ""
    """The operation's id; empty inside its contract."""
    rule: str
    """A row of the table of doubts, e.g. `error-in-success`."""
    place: str
    seen: str
    """What was counted there: `2 of 40`."""


class Contract(Record):
    """What is known of one operation."""

    id: str
    """As `Group.id`: `GET api.example.com/orders/{order_id}`."""
    method: str
    scheme: str
    host: str
    port: int = 0
    template: str
    """Path template with domain names, e.g. `/orders/{order_id}`."""
    segments: tuple[Segment, ...]
    call: Call | None = None
    """What its requests ask a shared endpoint for; `bodies` then are the arguments alone."""
    operation_id: str = ""
    title: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    deprecated: bool = False
    parameters: tuple[Parameter, ...] = ()
    bodies: tuple[Body, ...] = ()
    responses: tuple[Response, ...] = ()
    auth: tuple[str, ...] = ()
    statuses: dict[str, int] = {}
    evidence: Evidence = Evidence()
    confidence: Literal["low", "medium", "high"] = "low"
    """low: fewer than 3 successful exchanges and no document; high: 10 or more, or a document and traffic."""
    traits: tuple[str, ...] = ()
    """What answers and requests hold, by field name and form: `pii`, `money`, `credential`, `auth`, `admin`; sorted."""
    paging: Paging | None = None
    """How it is paged through; null if it is not."""
    sorting: tuple[str, ...] = ()
    """Places of inputs that order a list: `query sort`; sorted."""
    fleeting: tuple[Fleeting, ...] = ()
    """Inputs that live for a session, and cursors; sorted by place."""
    disagreements: tuple[Disagreement, ...] = ()
    """Where successful traffic is outside of what documents say, sorted by rule and place; empty without both."""
    flows: tuple[Flow, ...] = ()
    """Which answers give its arguments, by equal values in several exchanges; sorted by argument, source and field."""
    doubts: tuple[Doubt, ...] = ()
    """What the evidence lacks or contradicts, sorted by rule and place."""
    unobserved: tuple[str, ...] = ()
    """Bodies that exchanges had and no source holds or declares: `request`, `response`; sorted."""

    def packed(self, table: Table) -> "Contract":
        """The contract with the definitions of its schemas in the table."""
        return self._with_schemas(table.packed)

    def whole(self, table: Table) -> "Contract":
        """The contract with its definitions inside, shared by all contracts. Raises CASK-L002 for one that is not in the table."""
        return self._with_schemas(table.whole)

    def _with_schemas(self, change: Callable[[Mapping[str, Any]], JsonSchema]) -> "Contract":
        def each(row: _Described) -> _Described:
            return row if not row.schema_ or DEFINITIONS not in row.schema_ else row.model_copy(update={"schema_": change(row.schema_)})

        rows = {name: tuple(map(each, getattr(self, name))) for name in ("parameters", "bodies", "responses")}
        return self.model_copy(update=rows)


_Described = Parameter | Body | Response


class Contracts(Record):
    """`contracts.yaml`."""

    format: str = Field(alias="schema", default=SCHEMA)
    contracts: tuple[Contract, ...]
    """Sorted by id."""
    definitions: dict[str, dict[str, Any]] = {}
    """What their schemas share (`model.shared`); empty once they were read."""

    @classmethod
    def of(cls, document: Document, *, code: str = "CASK-I004") -> Self:
        """As any record; each contract then has its definitions inside."""
        found = super().of(document, code=code)
        table = Table(found.definitions)
        return found.model_copy(update={"contracts": tuple(row.whole(table) for row in found.contracts), "definitions": {}})
