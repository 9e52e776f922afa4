"""How a file shows its kind: by its first bytes, else by its name; and what becomes of a file of that kind.

The rows are asked in order. What a build makes of a file is said by the source alone; this only chooses which one reads it.
"""

import re
from typing import Final, Literal, NamedTuple

from caskmcp.compiler.capture.inflate import decompressed
from caskmcp.errors import CaskError

HEAD: Final = 1 << 16
"""Bytes from the beginning of a file that are looked at."""
_BOM: Final = b"\xef\xbb\xbf"
_OTLP: Final = tuple(f".otlp{form}{packed}" for form in ("", ".json", ".jsonl", ".ndjson", ".pb") for packed in ("", ".gz", ".zst"))
"""How we call traces; nobody has a name for them that all use. In protobuf they begin with the first attribute of a resource."""


class Kind(NamedTuple):
    """One kind of file. The key of `SOURCES` with the same name says who reads it."""

    kind: str
    role: Literal["recording", "document", "converted"]
    """A recording is redacted and kept as a capture under the root; a document is copied to `specs/`, named in the manifest and committed. What
    is converted is a recording too, but another program reads it, so that `capture import` alone takes it and no manifest names it."""
    names: tuple[str, ...]
    """Ends of file names, in lower case, that are this kind if the content does not say otherwise."""
    head: re.Pattern[bytes] | None
    """What stands in the first bytes of such a file and of no other kind's."""


# fmt: off
KINDS: Final = (
    #    kind       role         names                            head
    Kind("har",     "recording", (".har", ".har.gz", ".har.zst"), re.compile(rb'\A\s*\{\s*"log"\s*:')),
    Kind("flows",   "converted", (".mitm", ".flow", ".flows"),    re.compile(rb"\A[0-9]{2,12}:[0-9]{1,4}:[a-z_]{1,40}[;,]")),
    Kind("postman", "recording", (".postman_collection.json",),   re.compile(rb'"schema"\s*:\s*"https?:\\?/\\?/schema\.(?:get)?postman\.com\\?/json\\?/collection')),
    Kind("bruno",   "recording", (".bru",),                       re.compile(
        rb'''\A\s*\{\s*"name"\s*:\s*"(?:[^"\\]|\\.)*"\s*,\s*"version"\s*:\s*"1"\s*,\s*"items"\s*:|\A\{"schema": "caskmcp/bruno-folder/1"|\Ameta \{\r?\n  \w+: ''')),
    Kind("insomnia", "recording", (),                             re.compile(
        rb'''\A\s*\{\s*"_type"\s*:\s*"export"|\A\s*\{[^{}\[\]]{0,400}"__export_format"\s*:\s*4|\A(?:#[^\n]*\n)*_type: export\b|\A(?:#[^\n]*\n)*type: ["']?(?:collection|spec)\.insomnia\.rest/5''')),
    Kind("curl",    "recording", (".curl",),                      re.compile(
        rb"\A\s*(?:#[^\n]*\n\s*)*(?:\$ )?curl(?:\.exe)?[ \t]+[-'\"$^h]")),
    Kind("http",    "recording", (".http", ".rest"),              None),
    Kind("openapi", "document",  (),                              re.compile(
        rb"""(?:^|[{,])\s*(?:"(?:openapi|swagger)"|'(?:openapi|swagger)'|openapi|swagger)\s*:\s*["']?[0-9]""", re.M)),
    Kind("graphql", "document",  ("schema.graphql", "schema.gql", ".graphqls"), re.compile(
        rb'''\A\s*\{\s*(?:"data"\s*:\s*\{\s*)?"__schema"\s*:|^(?:extend\s+)?(?:type\s+(?:Query|Mutation)\b|schema\b\s*(?:@[^{]{0,200})?\{)''', re.M)),
    Kind("mcp",     "document",  (".mcp.json",),                  re.compile(rb'"schema"\s*:\s*"caskmcp/mcp-surface/1"')),
    Kind("webmcp",  "document",  (".webmcp.json",),               re.compile(rb'"schema"\s*:\s*"caskmcp/discovery/1"')),
    Kind("otel",    "recording", _OTLP,                           re.compile(
        rb"""\A\s*\[?\s*\{(?s:.{0,4096}?)"(?:resourceSpans|resource_spans|scopeSpans|instrumentationLibrarySpans)"\s*:\s*\["""
        rb"""|\A(?:\x00(?s:.{3})|[\x01-\x7f]|[\x80-\xff]{1,3}[\x01-\x7f])?(?:\x0a[\x80-\xff]{0,4}[\x00-\x7f]){4}[a-z][a-z0-9._]+\x12""")),
    Kind("access_log", "recording", (),                           re.compile(
        rb"""\A(?:#[^\n]*\n)*(?:(?:[A-Za-z0-9.:-]+ )?\S+ \S+ \S+ \[[0-9]{1,2}/[A-Z][a-z]{2}/[0-9]{4}:[^\]\n]+\] "|\[[0-9]{4}-[0-9]{2}-[0-9]{2}T[^\]\n]+\] ")"""
        rb"""|\A\s*\{[^\n]*?"(?:request_method|request_uri|RequestMethod|x-envoy-origin-path|response_code|http_method|status_code|latencies|httpRequest)"\s*:"""
        rb"""|\A\s*\{[^\n]*?(?:"logger"\s*:\s*"http\.log\.access|"request"\s*:\s*"[A-Z]+ /|"event_type"\s*:\s*")""")),
    Kind("ndjson",  "recording", (),                              re.compile(
        rb"""\A\s*\{(?=[^\n]*"method"\s*:\s*")(?=[^\n]*"url"\s*:\s*")(?:\s*"[\w-]+"\s*:\s*(?:"[^"\n]*"|[-0-9.]+|null|true|false)\s*,){0,20}\s*"(?:method|url)\""""
        rb"""|\A\s*\{(?=[^\n]*"metric"\s*:\s*")[^\n]*?"type"\s*:\s*"(?:Metric|Point)\"""")),
)
# fmt: on
PACKED: Final = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")
"""First bytes of gzip and zstd. Where what is in there tells nothing, and neither does the name, it is a HAR."""


def kind_of(name: str, head: bytes) -> str | None:
    """The kind of a file by its name and first bytes; None for what is none."""
    bare, lower = head.removeprefix(_BOM), name.lower()
    is_packed = bare.startswith(PACKED)
    seen = _unpacked(bare)[:HEAD].removeprefix(_BOM) if is_packed else bare
    rows = (row for row in KINDS if row.role == "recording" or not is_packed)
    found = next((row.kind for row in rows if row.head and row.head.search(seen)), None)
    return found or kind_by_name(lower) or ("har" if is_packed else None)


def _unpacked(head: bytes) -> bytes:
    """The beginning of what is packed; empty if it cannot be unpacked."""
    try:
        return next(decompressed((head,)), b"")
    except CaskError:
        return b""


def kind_by_name(name: str) -> str | None:
    """The kind of a file by its name alone."""
    return next((row.kind for row in KINDS if name.lower().endswith(row.names)), None)


def is_known(kind: str) -> bool:
    """Whether files of a kind are read here, and not by a plugin. `capture` is none: what lies under a root was redacted, a file from elsewhere not."""
    return any(row.kind == kind for row in KINDS)


def is_document(kind: str) -> bool:
    """Whether files of a kind are committed as they are."""
    return any(row.kind == kind and row.role == "document" for row in KINDS)


def is_converted(kind: str) -> bool:
    """Whether files of a kind are read by another program first."""
    return any(row.kind == kind and row.role == "converted" for row in KINDS)


def shows(kind: str, head: bytes) -> bool:
    """Whether a file's first bytes say that it is of a kind."""
    return any(row.kind == kind and row.head is not None and row.head.search(head) is not None for row in KINDS)
