"""What a site offers to agents in its own browser, and what its `.well-known` documents name: proposals, none of them an operation.

A tool of a page is a function of its script: there is no request that could be approved and sent. All words are a stranger's.
"""

from collections.abc import Iterator
from typing import Any, ClassVar, Final
from urllib.parse import SplitResult, urlsplit

from caskmcp.compiler.capture.sources import written
from caskmcp.compiler.capture.sources.interface import Blocks
from caskmcp.model.discovery import SCHEMA, Discovery, Link, PageTool
from caskmcp.model.exchange import Proposed, Skipped

_PORTS: Final = {"http": 80, "https": 443}


class WebMcp:
    """The source `webmcp`."""

    kind: ClassVar[str] = "webmcp"

    def read(self, blocks: Blocks) -> Iterator[Proposed | Skipped]:
        """Yield a proposal for each tool and each link, in the file's order. Raises CASK-C002 for a file that is no recorded discovery."""
        found = written.read(blocks, Discovery, SCHEMA)
        for number, tool in enumerate(found.tools):
            yield _placed(f"tools.{number}", urlsplit(tool.origin), tool)
        for number, link in enumerate(found.links):
            yield _placed(f"links.{number}", urlsplit(found.page), link)


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
