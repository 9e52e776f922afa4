"""`cask diff`: what is approved against what was built, from the lock and its content alone; works unpinned, and says so.

Where the artifacts are not here (a clone without what a build writes), what was built is known by the pending lock: by its digests, and by
content that was approved before. The report says so.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from caskmcp import canon
from caskmcp.analyze.diff import Known, Sides, diff, exception, with_exceptions
from caskmcp.errors import CaskError
from caskmcp.govern import admit, content, lockfile, offer, statements, trust
from caskmcp.govern.admit import Survey
from caskmcp.govern.statements import Examined
from caskmcp.model.finding import Report
from caskmcp.model.statement import Pending, Statement
from caskmcp.ports import Files, World
from caskmcp.store import project
from caskmcp.store.layout import Pack
from caskmcp.text import MAX_BYTES
from caskmcp.workflows import accepted, here, places

WITHOUT: Final = "The artifacts are not here: what was built is known by the pending lock alone. `cask build` makes them."


def run(world: World) -> Report:
    """The capability diff of the chosen toolpack, with what the manifest accepts. Raises what reading it raises: a pack that cannot be read is no diff."""
    pack = here.pack(world)
    report = of_pack(world, pack)
    rows = tuple(exceptions(world))
    return accepted.settled(world, pack, report if not rows else with_exceptions(report, rows))


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
    whole = all(world.files.exists(pack.artifact(name)) for name in offer.NAMES.values())
    if whole or not world.files.exists(pack.pending):
        files = offer.read(world.files, pack)
        survey, _, note = admit.anchored_survey(files, pin=here.pin(world, files.id), condition=here.condition(world), at=world.clock.now())
        return _report(world, pack, sides(world.files, pack, survey), note)
    found, note = _of_locks(world, pack)
    report = _report(world, pack, found, note)
    return report.model_copy(update={"summary": {"without_artifacts": True, **report.summary}, "lines": (WITHOUT, *report.lines)})


def _report(world: World, pack: Pack, found: Sides, note: str) -> Report:
    if found.approved != found.built:
        found = Sides(found.approved, found.built, found.known, places.subjects(world, pack))
    report = diff(found, pinned=not note)
    lines = (*((f"Not checked against a pin: {note}.",) if note else ()), *report.lines)
    return report.model_copy(update={"lines": lines})


# ---------------------------------------------------------------- the two sides
def sides(files: Files, pack: Pack, survey: Survey) -> Sides:
    """Approved content by subject, and what was built. Blocked subjects stand on neither side: a person has said no."""
    blocked = {row.subject for row, standing in survey.tools if standing.status == "rejected"}
    blocked |= {subject for subject, standing in survey.shared.items() if standing.status == "rejected"}
    digests = {row.subject: row.digest for row in survey.offer.tools}
    approved = {
        subject: _content(files, pack, newest, survey.offer.contents.get(subject), digests.get(subject))
        for subject, rows in survey.examined.rows.items()
        if (newest := _newest(rows)) and subject not in blocked
    }
    return Sides(approved=approved, built={subject: value for subject, value in survey.offer.contents.items() if subject not in blocked})


def _of_locks(world: World, pack: Pack) -> tuple[Sides, str]:
    """Both sides from the locks alone, and why the trust root is not accepted here. Raises CASK-L001 for a lock, CASK-L002 for a pending one, that cannot be read."""
    files = world.files
    name = offer.identity(files, pack)
    known = dict(_pending(files, pack))
    lock = lockfile.read(files.read(pack.lock, MAX_BYTES) if files.exists(pack.lock) else None, name)
    examined, note = _examined(world, pack, name, lock)
    newest = {subject: row for subject, rows in examined.rows.items() if (row := _newest(rows))}
    for subject in {*known, *newest}:
        digest = known[subject].digest if subject in known else ""
        standing = statements.judge(subject, digest, examined, None, None, world.clock.now())
        if standing.status == "rejected" or (subject in newest and newest[subject].digest == digest):
            known.pop(subject, None)
            newest.pop(subject, None)
    approved = {subject: _kept(files, pack, row.digest) for subject, row in newest.items()}
    built = {subject: _kept(files, pack, row.digest) for subject, row in known.items()}
    return Sides(approved, built, known), note


def _examined(world: World, pack: Pack, name: str, lock: lockfile.ReadLock) -> tuple[Examined, str]:
    roots = tuple(world.files.read(pack.trust / row, MAX_BYTES) for row in offer.root_files(world.files, pack))
    if not roots:
        return statements.examine(lock, None), "no trust root"
    chain = trust.chain(roots, name)
    try:
        trust.anchor(chain, here.pin(world, name), here.condition(world))
    except CaskError as cause:
        return statements.examine(lock, chain), "unpinned" if cause.code == "CASK-T001" else cause.what
    return statements.examine(lock, chain), ""


def _pending(files: Files, pack: Pack) -> Iterator[tuple[str, Known]]:
    rows = Pending.from_yaml(files.read(pack.pending, MAX_BYTES), pack.pending.name, code="CASK-L002")
    for name, tool in rows.tools.items():
        yield f"tool:{name}", Known(tool.risk, tool.operation, tool.digest)
    for subject, digest in rows.shared.items():
        yield subject, Known("", "", digest)


def _newest(rows: tuple[Statement, ...]) -> Statement | None:
    return max((row for row in rows if row.verdict == "allow"), key=lambda row: row.sequence, default=None)


def _content(
    files: Files, pack: Pack, statement: Statement, built: Mapping[str, Any] | None, digest: str | None
) -> Mapping[str, Any] | None:
    """What a statement approved; None if it is not here or was edited (then nothing can be said but that it differs). digest: of `built`, if known."""
    if built is not None and (digest or canon.digest(built)) == statement.digest:
        return built  # whether or not the copy that was kept can be read
    return _kept(files, pack, statement.digest)


def _kept(files: Files, pack: Pack, digest: str) -> Mapping[str, Any] | None:
    try:
        return content.read(files, pack, digest)
    except CaskError:
        # The statement's digest still decides what is served; without its content only the words of the diff are missing.
        return None
