"""`cask diff`: what is approved against what was built, from the lock and its content alone; works unpinned, and says so."""

from collections.abc import Iterator, Mapping
from typing import Any

from caskmcp import canon
from caskmcp.analyze.diff import Sides, diff, exception, with_exceptions
from caskmcp.errors import CaskError
from caskmcp.govern import admit, content, offer
from caskmcp.govern.admit import Survey
from caskmcp.model.finding import Report
from caskmcp.model.statement import Statement
from caskmcp.ports import Files, World
from caskmcp.store import project
from caskmcp.store.layout import Pack
from caskmcp.workflows import here


def run(world: World) -> Report:
    """The capability diff of the chosen toolpack. Raises what reading it raises: a pack that cannot be read is no diff."""
    report = of_pack(world, here.pack(world))
    rows = tuple(exceptions(world))
    return report if not rows else with_exceptions(report, rows)


def exceptions(world: World) -> Iterator[dict[str, Any]]:
    """What the manifest here takes from redaction: a risk that no approval covers, listed as long as it is there."""
    if project.find_manifest(world.files, world.cwd) is None:
        return
    redact = project.load_project(world.files, world.cwd).project.redact
    if redact.profile == "standard":
        yield exception("redact.profile", "standard", "names, addresses, numbers and places of people are not cut")
    for name in redact.keep:
        yield exception("redact.keep", name, f"values under `{name}` are not cut by their name")


def of_pack(world: World, pack: Pack) -> Report:
    """The capability diff of one toolpack."""
    files = offer.read(world.files, pack)
    survey, _, note = admit.anchored_survey(files, pin=here.pin(world, files.id), condition=here.condition(world), at=world.clock.now())
    report = diff(sides(world.files, pack, survey), pinned=not note)
    return report.model_copy(update={"lines": (*((f"Not checked against a pin: {note}.",) if note else ()), *report.lines)})


def sides(files: Files, pack: Pack, survey: Survey) -> Sides:
    """Approved content by subject, and what was built. Blocked subjects stand on neither side: a person has said no."""
    blocked = {row.subject for row, standing in survey.tools if standing.status == "rejected"}
    blocked |= {subject for subject, standing in survey.shared.items() if standing.status == "rejected"}
    approved = {
        subject: _content(files, pack, newest, survey.offer.contents.get(subject))
        for subject, rows in survey.examined.rows.items()
        if (newest := _newest(rows)) and subject not in blocked
    }
    return Sides(approved=approved, built={subject: value for subject, value in survey.offer.contents.items() if subject not in blocked})


def _newest(rows: tuple[Statement, ...]) -> Statement | None:
    return max((row for row in rows if row.verdict == "allow"), key=lambda row: row.sequence, default=None)


def _content(files: Files, pack: Pack, statement: Statement, built: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """What a statement approved; None if it is not here or was edited (then nothing can be said but that it differs)."""
    if built is not None and canon.digest(built) == statement.digest:
        return built  # whether or not the copy that was kept can be read
    try:
        return content.read(files, pack, statement.digest)
    except CaskError:
        # The statement's digest still decides what is served; without its content only the words of the diff are missing.
        return None
