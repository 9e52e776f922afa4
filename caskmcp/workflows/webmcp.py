"""`cask capture webmcp`: what a site offers to agents becomes a document of the project. Nothing of it becomes a tool: it is listed.

Tools that pages register run in a browser, so there is no request to approve. What `.well-known` documents name is reached by other commands,
which are told here for hosts of the project; nothing behind a link is fetched.
"""

import shlex
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from caskmcp.compiler.emit.hygiene import clean, visible
from caskmcp.errors import AGAIN, CaskError
from caskmcp.model.discovery import Discovery, Link, PageTool
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.record import webmcp, wellknown
from caskmcp.record.browser import Browser
from caskmcp.record.interrupt import until_interrupted
from caskmcp.record.login import Account
from caskmcp.record.webmcp import Offers
from caskmcp.record.webmcp_page import origin_of
from caskmcp.store import manifest
from caskmcp.workflows import capture, document, live, record
from caskmcp.workflows.mcp import host_of
from caskmcp.workflows.record import Options

END: Final = ".webmcp.json"
SAYS: Final = 120
"""Characters of a description in a report."""


def run(world: World, *, url: str, hosts: tuple[str, ...], options: Options) -> Report:
    """Open the page in a browser, hear what it registers, ask its site for `.well-known` documents, and take in what was found.

    hosts: first parties beside the page's own. Raises as `record.run` does; CASK-C003 where nothing is offered; then nothing is written.
    """
    plan, states = record.prepared(world, url, options, takes_offers=True)
    wanted = tuple(dict.fromkeys((host_of(url), *capture.hosts_of(hosts))))
    ours = live.first_parties(world, wanted)
    browser = Browser(plan, duration=options.duration, script=options.script or "")
    beginning = record.told(world, options, states.load)
    for _ in until_interrupted(record.watched(world, browser, Account(url, ours), plan, beginning)):
        """Exchanges are what `capture record` keeps; here the pages' own words count."""
    offers = webmcp.offers(browser.offered)
    mine = tuple(tool for tool in offers.tools if host_of(tool.origin) in ours)
    links = wellknown.links(origin_of(url))
    if not mine and not links:
        raise _nothing(offers)
    found = webmcp.discovery(url, mine, links)
    report = document.take(world, host_of(url), END, webmcp.written(found), wanted)
    lines = (*report.lines[:-2], *_left_out(offers, mine), *_told(found, ours), "Next:", f"  {_next(world, found)}")
    return report.model_copy(update={"tables": {**report.tables, "proposals": tuple(_rows(found))}, "lines": lines})


def _nothing(offers: Offers) -> CaskError:
    others = sorted({host_of(tool.origin) for tool in offers.tools})
    if others:
        what = f"the site itself offers nothing to agents; hosts seen: {', '.join(others[:8])}"
        return CaskError("CASK-C003", what, mend=f"{AGAIN} -a {others[0]}")
    what = "the site offers nothing to agents: no page registered a tool, and no `.well-known` document names anything"
    return CaskError("CASK-C003", what, mend="cask capture record URL -a HOST")


# ---------------------------------------------------------------- what is told
def _rows(found: Discovery) -> Iterator[dict[str, str]]:
    for tool in found.tools:
        yield _row("webmcp", tool.how, tool.name, tool.description)
    for link in found.links:
        yield _row("well-known", link.kind, link.document, link.url)


def _row(source: str, kind: str, name: str, says: str) -> dict[str, str]:
    told = clean(says, SAYS)
    return {"source": source, "kind": kind, "name": visible(name), "says": told.text or f"(its words were dropped: {told.dropped})"}


def _left_out(offers: Offers, mine: tuple[PageTool, ...]) -> Iterator[str]:
    """What pages offered and was not taken, and why."""
    others = sorted({host_of(tool.origin) for tool in offers.tools if tool not in mine})
    if others:
        yield f"  offered by hosts that are not yours: {', '.join(others)}"
    if offers.left_out:
        yield f"  left out: {', '.join(f'{count} {reason}' for reason, count in offers.left_out)}"


def _told(found: Discovery, ours: tuple[str, ...]) -> Iterator[str]:
    if found.tools:
        yield f"{len(found.tools)} run in a browser alone: no request can be approved for them, so none becomes a tool here"
        yield "  what they call can: cask capture record URL, and use the page"
    for link in found.links:
        yield from commands(link, ours)


def _next(world: World, found: Discovery) -> str:
    """A build, once anything but offers is here to be built."""
    listed = manifest.parse(capture.place_of(world, ()).text).sources
    return f"cask capture record {shlex.quote(found.page)}" if all(row.kind == "webmcp" for row in listed) else "cask build"


def commands(link: Link, ours: tuple[str, ...]) -> Iterator[str]:
    """How to bring in what a document names."""
    host = host_of(link.url)
    where = "" if host in ours else f" ({host} is not yours: -a {shlex.quote(host)} says that it is)"
    if link.kind == "mcp":
        yield f"{link.document} names an MCP server{where}:"
        yield f"  cask capture mcp {shlex.quote(link.url)}"
    elif link.kind == "openapi":
        name = "openapi.yaml" if urlsplit(link.url).path.lower().endswith((".yaml", ".yml")) else "openapi.json"
        yield f"{link.document} names an OpenAPI document{where}:"
        yield f"  curl -fsS -o {name} {shlex.quote(link.url)} && cask capture import {name}"
