"""Tools: what an agent sees, plus the request plan that the runtime may send for it and the response plan for the answer."""

from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import Field, model_validator

from caskmcp.model.composite import CompositePlan
from caskmcp.model.record import JsonSchema, Record

SCHEMA: Final = "caskmcp/tools/1"

TIERS: Final = ("safe", "low", "medium", "high", "critical")
"""Risk tiers in rising order."""
Tier = Literal["safe", "low", "medium", "high", "critical"]
Effect = Literal["read", "write", "destructive"]


LOWERED: Final = "stated-lower"
"""Rule of a reason: a person says in the manifest that a tool costs less than the rules say."""
RAISED: Final = "stated-higher"


class Annotations(Record):
    """The four MCP hints, always all of them."""

    read_only: bool
    destructive: bool
    idempotent: bool
    open_world: bool


class PathPiece(Record):
    """Literal text of a segment, or the argument that fills it."""

    text: str = ""
    """Literal, as it stands on the wire (percent-encoded)."""
    argument: str = ""
    charset: Literal["", "integer", "token", "text"] = ""
    """Of an argument: `integer` -?[0-9]+; `token` unreserved characters (RFC 3986 section 2.3), never `.` or `..` alone; `text` any text, percent-encoded
    once, no control characters, and never a segment that is empty, `.` or `..` after decoding."""
    max_length: int = 0
    """Characters, before encoding."""


class PathSegment(Record):
    """One segment: its pieces in order."""

    pieces: tuple[PathPiece, ...]


class Field_(Record):
    """An argument that becomes a query parameter, header, cookie or body field."""

    argument: str
    wire: str
    style: Literal["form", "deepObject", "spaceDelimited", "pipeDelimited", "simple"] = "form"
    explode: bool = True
    default: str = ""
    """Of a query parameter or header: what is sent where the argument is not given; empty: nothing."""


DEEPEST_PLACE: Final = 8
"""Names that lead to the place of the arguments in a body."""


class BodyPlan(Record):
    """How arguments become a body. Exactly one of `argument` and `fields` is used.

    What a shared endpoint is asked for (the text of a GraphQL operation, the method of JSON-RPC) stands in `constants`, and arguments below
    them, so that no argument can say it. A plan in which one could is no plan.
    """

    media: str
    kind: Literal["json", "form", "multipart", "text", "query"]
    """`query`: an object that is sent without a body: each member is a query parameter, a text as it is, anything else as JSON."""
    argument: str = ""
    """The argument that is the whole body (`body`); empty if the fields of an object body are arguments."""
    fields: tuple[Field_, ...] = ()
    required: bool = False
    """Whether a body is sent even if no field is given (then an empty object or form)."""
    constants: dict[str, Any] = {}
    """Members of the body that are always sent, exactly so: name on the wire -> JSON value; of a form, texts."""
    within: tuple[str, ...] = ()
    """Names that lead from the body to the object that holds the fields, or (the last one) to the argument: `("variables",)`; made where the
    constants lack it. Empty: the fields are members of the body. JSON alone."""

    @model_validator(mode="after")
    def _closed(self) -> "BodyPlan":
        if problem := _open_place(self):
            raise ValueError(problem)
        return self


def _open_place(plan: BodyPlan) -> str:
    """How an argument could reach a constant, or a constant could not be sent; empty if neither can be."""
    if not plan.constants and not plan.within:
        return "a query without constants has parameters of its own" if plan.kind == "query" else ""
    if plan.kind == "form" and not plan.within:
        texts = all(isinstance(value, str) for value in plan.constants.values())
        return _clash(plan.constants, plan) if texts else "constants of a form are texts"
    if plan.kind == "query" and not plan.within and (plan.fields or plan.argument):
        return "arguments beside constants of the query lie in one parameter"
    if plan.kind not in ("json", "query"):
        return f"a {plan.kind} body has no constants"
    return _json_clash(plan)


def _json_clash(plan: BodyPlan) -> str:
    if len(plan.within) > DEEPEST_PLACE or (plan.argument and not plan.within):
        return "the whole body cannot be an argument beside constants" if plan.argument else "the place of the arguments lies too deep"
    place: Any = plan.constants
    for name in plan.within[:-1] if plan.argument else plan.within:
        place = place.get(name, {})
        if not isinstance(place, Mapping):
            return f"`{name}` is a constant, so nothing can lie in it"
    return _clash(place, plan)


def _clash(place: Mapping[str, Any], plan: BodyPlan) -> str:
    wires = [plan.within[-1]] if plan.argument and plan.within else [field.wire for field in plan.fields]
    return next((f"`{name}` is a constant and an argument" for name in wires if name in place), "")


class RequestPlan(Record):
    """A closed grammar: the runtime can send its members and nothing else (SPEC promise 6)."""

    method: str
    scheme: Literal["http", "https"]
    host: str
    port: int = 0
    """0: the scheme's default."""
    segments: tuple[PathSegment, ...]
    query: tuple[Field_, ...] = ()
    headers: tuple[Field_, ...] = ()
    cookies: tuple[Field_, ...] = ()
    accept: str = "application/json"
    body: BodyPlan | None = None
    constants: dict[str, str] = {}
    """Headers that are always sent, exactly so: name on the wire -> value. None of them is one that an argument fills or one of the framing."""


NO_REQUEST: Final = RequestPlan(method="", scheme="https", host="", segments=())
"""Of a composite, which sends nothing itself: a grammar without a member."""


class ResponsePlan(Record):
    """What happens to an answer before an agent sees it."""

    max_bytes: int = 100_000
    """Of the body as passed on; a longer one is cut and says so."""
    media: tuple[str, ...] = ()
    """Media types seen or declared for success, sorted; for the reader, nothing is refused by it."""
    expected: JsonSchema | None = None
    """What the structured content of a successful answer looked like: types alone, open, nothing required. Never served: what differs from it is
    passed on all the same and told as drift."""
    keep: tuple[str, ...] = ()
    """Places of the fields that are passed on (`orders[].id`), sorted; empty: all of them."""
    envelope: Literal["", "mcp"] = ""
    """What lies around the answer. `mcp`: a JSON-RPC response, alone or as an event of a stream, with the result of a tool's call."""


class Reason(Record):
    """Why a tool has its tier: a rule of the table and what it found."""

    rule: str
    evidence: str


class Tool(Record):
    """One tool. Everything but `operation`, `summary_of` and `confidence` is part of what is signed (`served.py`)."""

    name: str
    """`^[a-z][a-z0-9_]{0,35}$`, unique; also its id."""
    operation: str
    """The contract's id."""
    title: str
    description: str
    input_schema: JsonSchema
    """Closed object (`additionalProperties: false`), flat, safe keys."""
    output_schema: JsonSchema | None = None
    """Open object that can't fail on drift: few `required`."""
    annotations: Annotations
    request: RequestPlan
    response: ResponsePlan = ResponsePlan()
    effect: Effect
    risk: Tier
    reasons: tuple[Reason, ...]
    scope: str
    """Scope that holds it, e.g. `orders:read`: the user's, else the suggested one."""
    boundary: str = ""
    """Digest of that scope as the user's `scopes.yaml` draws it (`model.scope.Boundary`); empty if the scope is only suggested."""
    traits: tuple[str, ...] = ()
    confidence: Literal["low", "medium", "high"] = "low"
    composite: CompositePlan | None = None
    """The calls of other tools that it stands for; `request` is then `NO_REQUEST`, and `operation` empty."""

    @model_validator(mode="after")
    def _sends_or_calls(self) -> "Tool":
        if self.composite is not None and self.request != NO_REQUEST:
            raise ValueError("a composite sends nothing itself")
        return self


class Tools(Record):
    """`tools.json`."""

    format: str = Field(alias="schema", default=SCHEMA)
    tools: tuple[Tool, ...]
    """Sorted by name."""
