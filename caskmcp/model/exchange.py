"""Exchanges: one observed request with its response, already redacted. msgspec, since a build reads hundreds of thousands of them.

A body is kept as decoded JSON where it is JSON or a form, else only its media type and size are known. Values that redaction cut are
placeholders (`redact.placeholder`). Nothing here says when or by whom a request was made, so that the order of a recording can't matter.
"""

from typing import Any, Literal

import msgspec

Pair = tuple[str, str]


class Body(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A message body. `kind` says how `value` was decoded."""

    media: str
    """Media type in lower case without parameters, e.g. `application/json`; empty if none was given."""
    kind: Literal["json", "stream", "form", "multipart", "text", "binary", "absent"]
    """`stream`: several JSON texts or events in one body. `absent`: the recording says that there was a body, but does not hold it."""
    value: Any = None
    """json: the value; stream: list of the items (server-sent events as objects of their fields); form, multipart: list of [name, value] pairs
    in order (a file's value is null); text, binary, absent: null."""
    size: int = 0
    """Bytes after decoding, before redaction; 0 if unknown."""


class Exchange(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One observed request and response of a first-party host."""

    method: str
    scheme: str
    host: str
    """Lower case, without port."""
    port: int
    """The port, or 0 for the scheme's default."""
    path: str
    """Path as sent (percent-encoded), starting with `/`; parameters in it may be placeholders."""
    query: tuple[Pair, ...] = ()
    """Decoded names and values in order."""
    headers: tuple[Pair, ...] = ()
    """Request headers that can matter for the operation: names in lower case; without credentials, cookies, transport and browser headers."""
    cookies: tuple[str, ...] = ()
    """Names of the cookies sent, sorted."""
    auth: tuple[str, ...] = ()
    """How the request authenticated: `bearer`, `basic`, `header:x-api-key`, `query:api_key`, `cookie:sessionid`; never a value."""
    request: Body | None = None
    status: int = 0
    """0: no response was recorded: a request that a person wrote down in a collection, and that states an operation (ADR 0010)."""
    response: Body | None = None
    location: str = ""
    """`Location` of a redirect, path only."""
    response_headers: tuple[Pair, ...] = ()
    """Response headers that can matter (paging, limits, entity tags): names in lower case."""
    named: tuple[tuple[int, str], ...] = ()
    """Segments of the path (from 0) that a collection or the server's router says are parameters, with its name for them."""
    route: str = ""
    """The template that the server's router matched, `/orders/{id}`; `*` if the recorder gave something that holds values instead."""
    echoes: tuple[Pair, ...] = ()
    """(`header x-csrf-token`, `cookie csrftoken`): values that live for a session and stood in two places of the request."""
    kept: str = ""
    """Why it would have been left out, had nobody asked to keep it; a row of `REASONS`."""
    session: str = ""
    """Keyed fingerprint of what says in whose session the request was made (a session cookie, else a credential); private to the root, never in an
    artifact. Empty where a request says nothing of the kind."""
    links: tuple[Pair, ...] = ()
    """(place, keyed fingerprint) of values that were cut or that look like identifiers; private to the root, never in an artifact."""


class Declared(msgspec.Struct, frozen=True, omit_defaults=True):
    """One operation as a document states it. Schemas are draft 2020-12 and self-contained (`$defs` inside each), or packed (`model.shared`)."""

    method: str
    scheme: str
    host: str
    port: int
    path: str
    """Template with the document's own parameter names, server base path included, e.g. `/v1/orders/{order_id}`."""
    operation_id: str = ""
    title: str = ""
    """The document's summary."""
    description: str = ""
    tags: tuple[str, ...] = ()
    deprecated: bool = False
    parameters: tuple["DeclaredParameter", ...] = ()
    bodies: tuple["DeclaredBody", ...] = ()
    body_required: bool = False
    responses: tuple["DeclaredResponse", ...] = ()
    auth: tuple[str, ...] = ()
    """As `Exchange.auth`."""
    compiled: bool = False
    """Whether we compiled it ourselves from traffic alone: it says again what was known, and is evidence of nothing."""
    call: dict[str, Any] | None = None
    """What a shared endpoint is asked for, as `model.observation.Call`; `bodies` are then its arguments."""
    assumed: bool = False
    """Whether the path is a convention that the document does not state; where recordings show the endpoint, it is there."""


class Definitions(msgspec.Struct, frozen=True):
    """Definitions of a document that the operations after it name (`model.shared`): key -> schema."""

    definitions: dict[str, Any]


class Proposed(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a site offers to agents beside its API: nothing that can be called from here, so it becomes no operation (ADR 0015)."""

    source: Literal["webmcp", "well-known"]
    scheme: str
    host: str
    port: int
    """The site's that offers it; 0 for the scheme's default."""
    kind: str
    """webmcp: `imperative` or `declarative`; well-known: `openapi`, `mcp` or `other`."""
    name: str
    """Of the tool; or the path of the document that names it."""
    title: str = ""
    description: str = ""
    schema: dict[str, Any] = {}
    """What a tool of a page takes."""
    url: str = ""
    """Where a document leads."""


class DeclaredParameter(msgspec.Struct, frozen=True, omit_defaults=True):
    """A declared parameter (OpenAPI 3.1 section 4.8.12)."""

    name: str
    location: Literal["path", "query", "header", "cookie"]
    schema: dict[str, Any]
    required: bool = False
    description: str = ""
    style: str = ""
    """Empty for the location's default (`simple` for path and header, `form` for query and cookie)."""
    explode: bool | None = None
    """None for the style's default (true for `form`, else false)."""
    constant: str = ""
    """The one value that all traffic carried, of a document that we compiled ourselves."""


class DeclaredBody(msgspec.Struct, frozen=True, omit_defaults=True):
    """A declared request body of one media type."""

    media: str
    schema: dict[str, Any]


class DeclaredResponse(msgspec.Struct, frozen=True, omit_defaults=True):
    """A declared response of one status (`200`, `2XX`, `default`) and media type (empty: no content)."""

    status: str
    media: str
    schema: dict[str, Any] | None = None


class Skipped(msgspec.Struct, frozen=True):
    """Something in a source that was left out, with the reason: a value, not a log line."""

    place: str
    """`entry 17`, `paths./orders.get`: a position in the source, nothing of its content."""
    reason: str
    """One of `REASONS`, e.g. `third party`, `asset`, `preflight`, `broken`, `not http`."""
    host: str = ""
    """The host that was not kept, for third parties."""
    detail: str = ""
    """For `broken`: what is wrong, in our words."""
    label: str = ""
    """For requests of a first party: `GET api.example.com/assets/{other}`, segments by the rule of value-free labels."""


RESTORABLE = ("asset", "page", "preflight", "source map", "analytics", "health", "noise")
"""Reasons that say that a request is no use of an API, which a person may know better (`keep:`)."""
REASONS = ("third party", *RESTORABLE, "broken", "not http", "no response", "websocket", "unsupported", "too large")
"""Why an entry was left out. A literal table: the report counts by it."""


class CaptureHead(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of a capture beside its exchanges: `captures/<id>/redaction.json` and the build's report."""

    id: str
    """Capture id: 64 hexadecimal digits, the digest of the sorted, key-free exchanges; equal for any order of entries and any redaction key."""
    kind: str
    """The source's kind: `har`, `openapi`."""
    kept: int
    skipped: tuple[tuple[str, int], ...]
    """(reason, count), sorted."""
    hosts: tuple[tuple[str, int], ...]
    """(third-party host, count), sorted by name: what was seen and left out."""
    cuts: tuple[tuple[str, str, int], ...]
    """(detector, place, count), sorted: the redaction receipt. No value, no digest of a value."""
    broken: tuple[tuple[str, str], ...] = ()
    """(place, what was wrong) of broken entries, the first 100."""
    templates: tuple[str, ...] = ()
    """Path templates that a document declares (`/orders/{id}/items`), sorted: their literals may be kept."""
    routes: tuple[tuple[str, str], ...] = ()
    """(host, `Exchange.route`), sorted. Which of them can be trusted is decided over all sources together, so that their cut changes nothing."""
    no_body: int = 0
    """Exchanges whose response body the recording does not hold."""
    auth: tuple[tuple[str, str, int], ...] = ()
    """(host with its port if that is not the scheme's own, way as in `Exchange.auth`, exchanges), sorted."""
    left: tuple[tuple[str, str, int], ...] = ()
    """(reason, label, count) of requests of first parties that were left out: for each reason the most frequent ones, sorted."""
    compiled: int = 0
    """Operations of a document that was compiled here."""
    proposed: int = 0
    """What a site offers to agents, and no operation."""
    sample: tuple[str, ...] = ()
    """The smallest digests of its exchanges, without what the key made: how much two captures have in common."""
    origins: tuple[Pair, ...] = ()
    """(placeholder, where it stood) of values that live for a session, in pages that were left out; sorted, private to the root."""
    restored: tuple[tuple[str, int], ...] = ()
    """(reason, count) of what was kept because somebody asked for it, sorted."""
    profile: str = ""
    """What redaction cut: `redact.profile`."""
    members: tuple[int, ...] = ()
    """Bytes of each gzip member of the exchanges, if a large source was read in pieces."""
    exceptions: tuple[str, ...] = ()
    """Names under `redact.keep`, whose values were not cut by their name, sorted."""
