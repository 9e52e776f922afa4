"""The literal table of sources. Adding a format is one file beside this one and one row."""

from typing import Final

from caskmcp.compiler.capture.sources.interface import Source
from caskmcp.load import load

# fmt: off
SOURCES: Final = {
    # kind      class (resolved on use)
    "har":     "compiler.capture.sources.har:Har",
    "capture": "compiler.capture.sources.captured:Captured",
    "openapi": "compiler.capture.sources.openapi:OpenApi",
    "graphql": "compiler.capture.sources.graphql:GraphQL",
    "mcp":     "compiler.capture.sources.mcp:Mcp",
    "webmcp":  "compiler.capture.sources.webmcp:WebMcp",
    "otel":    "compiler.capture.sources.otel:Otel",
    "flows":   "compiler.capture.sources.flows:Flows",
    "postman": "compiler.capture.sources.postman:Postman",
    "bruno":   "compiler.capture.sources.bruno:Bruno",
    "insomnia": "compiler.capture.sources.insomnia:Insomnia",
    "curl":    "compiler.capture.sources.curl:Curl",
    "http":    "compiler.capture.sources.http_file:HttpFile",
    "access_log": "compiler.capture.sources.access_log:AccessLog",
    "ndjson":  "compiler.capture.sources.ndjson:Ndjson",
}
# fmt: on


def source(kind: str) -> Source:
    """The source of a kind, ready to read. KeyError is our bug: the manifest allows no other kinds."""
    made: Source = load(SOURCES[kind])()
    return made
