"""Mode `provenance`: what a page shows came from which approved call. A playbook is played in a browser, its texts matched to what the page was answered.

The page makes its own calls, as it does for people; of those, the ones that approved tools stand for are known by their requests. Nothing of the page is kept:
names, places, ranks and counts.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from anyio import to_thread

from caskmcp.analyze.verify import provenance
from caskmcp.analyze.verify.provenance import Field, Traced
from caskmcp.compiler.capture.sources.interface import Recorded
from caskmcp.load import load
from caskmcp.model.exchange import Body, Exchange
from caskmcp.model.finding import Finding, Severity
from caskmcp.model.verification import Playbook
from caskmcp.runtime.plan import PORTS
from caskmcp.runtime.recognize import recognized
from caskmcp.workflows.verify.modes import Outcome, finding, shown
from caskmcp.workflows.verify.replayed import received
from caskmcp.workflows.verify.session import TWIN, Session
from caskmcp.workflows.verify.stated import Stated

MODE: Final = "provenance"
Origin = tuple[str, str, int]
"""Scheme, host, and port, 0 for the scheme's own."""


async def run(session: Session, stated: Stated) -> Outcome:
    """Play each playbook, trace its texts."""
    if not stated.file.playbooks:
        return Outcome(MODE, note="verify.yaml states no playbook")
    if session.against.kind == TWIN:
        return Outcome(MODE, note="a page calls its own service, never the twin")
    checked, found, told = 0, list[Finding](), list[dict[str, Any]]()
    unknown = 0
    for number, playbook in enumerate(stated.file.playbooks):
        played = await to_thread.run_sync(_played, session, playbook)
        known = tuple(fields(session, played.calls))
        rows = [provenance.traced(name, played.texts.get(name, ()), known) for name in sorted(playbook.texts)]
        checked += sum(row.texts for row in rows)
        unknown += sum(row.unknown for row in rows)
        found += judged(playbook, rows, stated.place("playbooks", number))
        told.append({"playbook": playbook.name, "texts": [_row(row) for row in rows]})
    note = "" if checked else "the pages show none of the texts"
    return Outcome(MODE, checked, tuple(found), note, {"texts": checked, "unknown": unknown}, tuple(told))


def _played(session: Session, playbook: Playbook) -> Any:
    plain = playbook.plain()
    return load("record.playbook:play")(
        session.world.files,
        playbook.url,
        {"steps": plain.get("steps", []), "texts": plain["texts"]},
        browser=session.world.environ.get("CASK_CHROMIUM", ""),
    )


def _row(row: Traced) -> dict[str, Any]:
    ranked = [
        {"tool": each.tool, "score": each.score, "texts": each.texts, "fields": list(dict.fromkeys(map(shown, each.places)))}
        for each in row.sources
    ]
    return {"name": row.name, "texts": row.texts, "unknown": row.unknown, "ranked": ranked}


def judged(playbook: Playbook, rows: Iterable[Traced], place: str) -> Iterator[Finding]:
    """Whether each expected tool is ranked first, and no more texts than stated came from nowhere."""
    rows = tuple(rows)
    for row in rows:
        wanted = playbook.expect.get(row.name)
        if not row.texts:
            yield finding("provenance-no-text", Severity.REVIEW, "", f"{playbook.name}: the page shows no text `{row.name}`", place=place)
        elif wanted is not None and (not row.sources or row.sources[0].tool != wanted):
            first = row.sources[0].tool if row.sources else "no tool"
            what = f"{playbook.name}: `{row.name}` comes from {first}, not from {wanted}"
            yield finding("provenance-rank", Severity.BREAKING, wanted, what, place=place)
    unknown = sum(row.unknown for row in rows)
    if unknown > playbook.unknown:
        what = f"{playbook.name}: {unknown} texts came from no answer, {playbook.unknown} may"
        yield finding("provenance-unknown", Severity.BREAKING, "", what, place=place)


# ---------------------------------------------------------------- what the page called
def fields(session: Session, calls: Iterable[Recorded]) -> Iterator[Field]:
    """Fields of the answers to calls that approved tools stand for."""
    places = _places(session)
    for call in calls:
        exchange = _exchange(call, places)
        if exchange is None:
            continue
        name, _ = recognized(session.shown.tools.values(), received(exchange))
        if name in session.shown.tools:
            yield from provenance.fields(name, exchange.response.value if exchange.response else None)


def _places(session: Session) -> Mapping[Origin, Origin]:
    """Where a chosen environment puts a host -> the approved host."""
    environment = session.shown.pack.environment if session.shown.pack else {}
    plans = {row.admitted.tool.request.host: row.admitted.tool.request for row in session.shown.tools.values()}
    known = {host: (plan.scheme, plan.host, plan.port) for host, plan in plans.items()}
    return {_origin(place.url): known[host.partition(":")[0]] for host, place in environment.items() if host.partition(":")[0] in known}


def _origin(url: str) -> Origin:
    parts = urlsplit(url)
    port = parts.port or 0
    return parts.scheme, parts.hostname or "", 0 if port == PORTS.get(parts.scheme) else port


def _exchange(call: Recorded, places: Mapping[Origin, Origin]) -> Exchange | None:
    """The call as the plan of a tool sees it; None for what is no success with JSON."""
    body = call.response
    if body is None or not 200 <= call.status < 300:
        return None
    try:
        value = json.loads(body.text if body.text is not None else body.data or b"")
    except ValueError:
        return None  # a page, a picture: no answer of an API
    parts = urlsplit(call.url)
    scheme, host, port = places.get(_origin(call.url), _origin(call.url))
    query = tuple(parse_qsl(parts.query, keep_blank_values=True))
    return Exchange(
        call.method,
        scheme,
        host,
        port,
        parts.path or "/",
        query,
        status=call.status,
        response=Body(media="application/json", kind="json", value=value),
    )
