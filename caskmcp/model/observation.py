"""Observations: the value-free summary of captures, committed. A map from part id to part; merging is map union.

What may stand here is ARCHITECTURE section 4: path words of the vendored table, class marks, key names of records, counts, formats,
power-of-two buckets, and vocabularies that pass the value rule. What a person typed does not.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, Literal

from pydantic import Field, NonNegativeInt, model_validator

from caskmcp.model.record import JsonSchema, Record
from caskmcp.model.shared import Table, keys_in
from caskmcp.model.tool import DEEPEST_PLACE

SCHEMA: Final = "caskmcp/observations/1"

CLASSES: Final = ("integer", "uuid", "ulid", "hex", "date", "locale", "other")
"""Classes of path segments that are never kept; a segment label is a literal, or one of these in braces (`{uuid}`)."""


DESCRIBED: Final = ("parameters", "bodies", "responses")
"""What of a declared operation has schemas."""


class Bucket(Record):
    """Bounds in powers of two: every value lay in [low, high]; known only from five distinct values or more."""

    low: int
    high: int


class Form(Record):
    """A set of fields that stood together in objects of one place."""

    names: tuple[str, ...]
    """Sorted."""
    count: int
    """Objects that had exactly these."""
    tags: dict[str, tuple[str, ...]] = {}
    """The field that tells this form from others by convention (`type`) -> its words, if its own vocabulary is kept."""


class Shape(Record):
    """All JSON values seen at one place, without the values. Counts add up under merging."""

    nulls: int = 0
    booleans: int = 0
    integers: int = 0
    numbers: int = 0
    """Numbers that are not integers."""
    strings: int = 0
    arrays: int = 0
    objects: int = 0
    redacted: dict[str, int] = {}
    """Strings that were cut, by kind of placeholder; counted in `strings` too."""
    formats: dict[str, int] = {}
    """Strings by format (`uuid`, `date-time`, `date`, `email`, `uri`, …); counted in `strings` too."""
    empties: int = 0
    """Empty strings; counted in `strings` too."""
    values: dict[str, int] = {}
    """Vocabulary with counts; filled only if every string at this place passed the value rule. Closed if the counts sum to `strings`."""
    length: Bucket | None = None
    bounds: Bucket | None = None
    items: "Shape | None" = None
    """All items of all arrays here."""
    empty_arrays: int = 0
    properties: dict[str, "Shape"] = {}
    """Fields of objects that are records. A field is in every object if its total equals `objects`."""
    maps: int = 0
    """Objects whose keys are data; counted in `objects` too."""
    map_values: "Shape | None" = None
    """All values of all maps here."""
    forms: tuple[Form, ...] = ()
    """Where objects here are of several forms none of which has all the fields of another: each of them, sorted by names."""


class Seen(Record):
    """A parameter outside the path, as observed."""

    seen: int
    """Exchanges that carried it."""
    statuses: dict[str, int]
    """The same by status."""
    repeated: int = 0
    """Exchanges that carried it more than once."""
    lists: dict[str, int] = {}
    """Values that are lists, by what stands between their items (`,`, `|`): counted as arrays in `shape`."""
    loose: int = 0
    """Values with such a sign or white space that are no lists."""
    shape: Shape
    """Values read as text, with `integers`, `numbers` and `booleans` counted where the text is one."""


class BodySeen(Record):
    """Bodies of one media type (and status, for responses)."""

    seen: int
    unread: int = 0
    """Bodies that are known to exist only: binary, broken or not in the recording."""
    kind: str = "json"
    """As `Body.kind` of the majority."""
    same: bool = False
    """Of requests: whether all that are described were one and the same."""
    shape: Shape | None = None


class Variable(Record):
    """A variable that the text of a GraphQL operation defines."""

    schema_: JsonSchema = Field(alias="schema", default={})
    """By its type; empty where that is the application's own: then what was observed is all that is known."""
    required: bool = False


class Call(Record):
    """What a request asks a shared endpoint for: one GraphQL operation, one method of JSON-RPC. Taken from that request alone."""

    protocol: Literal["graphql", "jsonrpc", "mcp", "rpc"]
    """`rpc`: a field of a JSON body that chooses what is done; `requests` of its rows count whole bodies."""
    refused: str = ""
    """Why it becomes no operation; then nothing else is known of it."""
    name: str = ""
    """The operation's or method's name; of an anonymous GraphQL operation its first root field."""
    kind: Literal["", "query", "mutation"] = ""
    """What the text itself says; empty where there is no text."""
    roots: tuple[str, ...] = ()
    """Root fields of the text."""
    constants: dict[str, Any] = {}
    """Members of the body that say what is asked for: exactly what is sent later."""
    within: tuple[str, ...] = ()
    """Where in the body the arguments lie."""
    digest: str = ""
    """Of the text as graphql-core prints it, `sha256:<hex>`."""
    persisted: str = ""
    """The digest by which the client named the operation to the server, in hexadecimal digits."""
    variables: dict[str, Variable] = {}
    headers: dict[str, str] = {}
    """Headers that say what is asked for once more, for those who do not read bodies: exactly what is sent later."""

    @model_validator(mode="after")
    def _closed(self) -> "Call":
        place: Any = self.constants
        for name in self.within[:-1]:
            place = place.get(name, {}) if isinstance(place, Mapping) else None
        if self.within and (not isinstance(place, Mapping) or self.within[-1] in place or len(self.within) > DEEPEST_PLACE):
            raise ValueError("the arguments of a call lie where a constant is")
        return self


class Flow(Record):
    """Values of one argument that an answer gave before, in other exchanges. Counts of distinct values, and no value."""

    argument: str
    """`path order_id`, `query cursor`, `body /lines/*/product_id`; in a row `path 1`, the index of the segment."""
    source: str
    """The operation whose answer gives it; in a row the raw row, `GET api.example.com/orders/{integer}`."""
    field: str
    """JSON pointer of the field in the answer, `*` for any item."""
    seen: int
    """Distinct values of the argument that the field gave."""
    total: int
    """Distinct values of the argument that were compared."""
    unique: int = 0
    """Those of `seen` that no other thing has by accident, by their form."""


class Row(Record):
    """All exchanges of one method at one raw path of one origin, and of one call where they have one. Raw: before templating."""

    scheme: str
    host: str
    port: int = 0
    method: str
    segments: tuple[str, ...]
    """Labels of the segments after the first `/`: a literal, or a class in braces. `/` is one empty literal."""
    count: int
    origins: dict[str, dict[str, int]] = {}
    """Place of a value that lives for a session, or of a cursor (`header x-csrf-token`) -> where it came from in this source, with counts."""
    wanted: int = 0
    """Exchanges that would have been left out, had nobody asked to keep them (`keep:`)."""
    statuses: dict[str, int]
    query: dict[str, Seen] = {}
    headers: dict[str, Seen] = {}
    cookies: dict[str, int] = {}
    auth: dict[str, int] = {}
    paged: dict[str, int] = {}
    """Successful answers by headers that page through a list (`link` with a next page, `x-total-count`)."""
    requests: dict[str, BodySeen] = {}
    """By media type."""
    bodiless: dict[str, int] = {}
    """Exchanges without request body, by status."""
    responses: dict[str, dict[str, BodySeen]] = {}
    """By status, then by media type (empty: no body)."""
    single: tuple[int, ...] = ()
    """Indexes of segments that are classes and had one and the same token in all exchanges of this part."""
    named: dict[str, str] = {}
    """Segment index -> the name that a collection or a router gives the parameter there."""
    routed: bool = False
    """Whether the server's router said which template this path has: its literals are the route's own, and no values."""
    values: dict[str, dict[str, int]] = {}
    """Segment index -> locale tokens with counts: a closed public list, so they may be kept."""
    call: Call | None = None
    """What the requests ask for, if that stands in their bodies; `requests` then counts the arguments alone."""
    flows: tuple[Flow, ...] = ()
    """Which answers give its arguments, sorted; decided over all parts together and written into one row of the operation."""


class Part(Record):
    """What one source gave. Sorted and key-free. Its id is its digest without `values`, `length` and `bounds` of shapes: those are decided
    over all parts together, so that the cut of a recording into sources changes nothing else."""

    kind: str
    """`traffic`, `spec` or `collection` (requests that nobody answered)."""
    rows: tuple[Row, ...] = ()
    """Sorted by host, port, scheme, segments, method."""
    stated: tuple[Row, ...] = ()
    """Requests that a person wrote down and nobody answered (status `0`), sorted as `rows`; without any value (ADR 0010)."""
    sessions: dict[str, tuple[NonNegativeInt, ...]] = {}
    """Session -> indexes of the rows that it called with success. Its id follows from what it called, in all parts together, and from nothing else."""
    body_words: tuple[str, ...] = ()
    """Table words that occur as whole strings in bodies (TEMPLATING section 5), sorted."""
    declared: tuple[dict[str, Any], ...] = ()
    """`Declared` operations as plain JSON, sorted; their schemas are packed."""
    definitions: dict[str, dict[str, Any]] = {}
    """What the schemas of `declared` share (`model.shared`)."""
    proposed: tuple[dict[str, Any], ...] = ()
    """`Proposed` offers of sites as plain JSON, sorted: they are listed, and become nothing."""


class Observations(Record):
    """`observations.json`."""

    format: str = Field(alias="schema", default=SCHEMA)
    parts: dict[str, Part]


class Piece(Record):
    """Literal text or a parameter inside a segment."""

    text: str = ""
    """Literal, as decoded text; empty for a parameter."""
    name: str = ""
    """Domain name of the parameter (`order_id`), unique within the path; empty for a literal."""
    classes: dict[str, int] = {}
    """Classes of the values seen here, with counts."""
    values: dict[str, int] = {}
    """Locale tokens, or words of the table that turned out to be values of a closed enum parameter (locales only)."""
    wire: str = ""
    """The document's own name of the parameter, if a document declares it."""


class Segment(Record):
    """One segment of a template: literal text, or pieces with parameters (`{a}..{b}`)."""

    pieces: tuple[Piece, ...]


class Group(Record):
    """One operation after merging and templating, with everything that was observed or declared of it. What `infer` reads."""

    id: str
    """`METHOD host[:port]/template`, the template with domain names; of a call with `#name` behind it. Unique."""
    scheme: str
    """`https` if any exchange or document says so."""
    host: str
    port: int = 0
    method: str
    segments: tuple[Segment, ...]
    row: Row | None = None
    """All rows of the template added up; None if only a document knows the operation."""
    stated: Row | None = None
    """The same of requests that nobody answered: names and types that fill what documents and traffic leave out, never evidence of success."""
    call: Call | None = None
    flows: tuple[Flow, ...] = ()
    """Which answers give its arguments, sorted."""
    parts: tuple[str, ...] = ()
    """Not part ids (those stand in `coverage.json` alone) but kinds of source: `collection`, `spec`, `traffic`, sorted."""
    declared: tuple[dict[str, Any], ...] = ()

    def whole(self, table: Table) -> "Group":
        """The group with the definitions of what documents declare inside."""
        return self._with_schemas(table.whole)

    def packed(self, table: Table) -> "Group":
        """The group with these definitions in the table."""
        return self._with_schemas(table.packed)

    def _with_schemas(self, change: Callable[[Mapping[str, Any]], JsonSchema]) -> "Group":
        def each(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
            return [{**row, "schema": change(row["schema"])} if row.get("schema") else dict(row) for row in rows]

        declared = tuple({key: each(value) if key in DESCRIBED else value for key, value in row.items()} for row in self.declared)
        return self.model_copy(update={"declared": declared}) if declared else self


def keys_of_groups(groups: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The keys of the definitions that packed groups name, as plain JSON."""
    for group in groups:
        for row in group.get("declared", ()):
            for described in (each for key in DESCRIBED for each in row.get(key, ())):
                yield from keys_in(described.get("schema") or {})
