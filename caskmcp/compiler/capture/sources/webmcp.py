"""What a site offers to agents in its own browser, and what its `.well-known` documents name: proposals, none of them an operation.

A tool of a page is a function of its script: there is no request that could be approved and sent. All words are a stranger's.
"""

from collections.abc import Iterator
from typing import Any, ClassVar, Final
from urllib.parse import SplitResult, urlsplit

from caskmcp.compiler.capture.sources.interface import Blocks
from caskmcp.errors import CaskError
from caskmcp.model.discovery import SCHEMA, Discovery, Link, PageTool
from caskmcp.model.exchange import Proposed, Skipped

LARGEST: Final = 16 << 20
_MEND: Final = "take the recording again, whole"
_PORTS: Final = {"http": 80, "https": 443}


class WebMcp:
    """The source `webmcp`."""

    kind: ClassVar[str] = "webmcp"

    def read(self, blocks: Blocks) -> Iterator[Proposed | Skipped]:
        """Yield a proposal for each tool and each link, in the file's order. Raises CASK-C002 for a file that is no recorded discovery."""
        found = _discovery(_whole(blocks))
        for number, tool in enumerate(found.tools):
            yield _placed(f"tools.{number}", urlsplit(tool.origin), tool)
        for number, link in enumerate(found.links):
            yield _placed(f"links.{number}", urlsplit(found.page), link)


def _whole(blocks: Blocks) -> bytes:
    data = bytearray()
    for block in blocks:
        data += block
        if len(data) > LARGEST:
            raise CaskError("CASK-C005", f"larger than {LARGEST} bytes", place="byte 0", mend="record or export less at once")
    return bytes(data)


def _discovery(data: bytes) -> Discovery:
    try:
        found = Discovery.from_json(data, "line", code="CASK-C002")
    except CaskError as cause:
        raise CaskError("CASK-C002", cause.what, place=(cause.place or "line:1").replace(":", " "), mend=_MEND) from cause
    if found.format != SCHEMA:
        raise CaskError("CASK-C002", f"expected {SCHEMA}", place="line 1", mend=_MEND)
    return found


def _placed(place: str, site: SplitResult, offer: PageTool | Link) -> Proposed | Skipped:
    """A proposal of the site that makes it: whose it is decides whether it is a first party's, not where a link leads."""
    try:
        host, port = site.hostname, site.port
    except ValueError:
        return Skipped(place, "unsupported", detail="its origin is none")
    if not host:
        return Skipped(place, "unsupported", detail="its origin is none")
    made = _tool(offer) if isinstance(offer, PageTool) else _link(offer)
    return Proposed(scheme=site.scheme, host=host, port=0 if port == _PORTS[site.scheme] else port or 0, **made)


def _tool(tool: PageTool) -> dict[str, Any]:
    given = {"name": tool.name, "title": tool.title, "description": tool.description, "schema": tool.input_schema}
    return {"source": "webmcp", "kind": tool.how, **given}


def _link(link: Link) -> dict[str, Any]:
    given = {"title": link.title, "description": link.description, "url": link.url}
    return {"source": "well-known", "kind": link.kind, "name": link.document, **given}
