"""What the manifest here accepts of the findings on a toolpack, for every report that has findings."""

from caskmcp.analyze.suppressions import Stated, applied
from caskmcp.model.finding import Report, Severity
from caskmcp.ports import World
from caskmcp.store import project
from caskmcp.store.layout import Pack


def stated(world: World, pack: Pack) -> tuple[Stated, ...]:
    """The suppressions of the manifest, if it is this toolpack's. Raises CASK-I003 and CASK-I004 for one that cannot be read."""
    if project.find_manifest(world.files, world.cwd) is None:
        return ()
    loaded = project.load_project(world.files, world.cwd)
    if loaded.project.id != pack.path.name:
        return ()
    return tuple(Stated(row, loaded.document.place(("suppress", at))) for at, row in enumerate(loaded.project.suppress))


def today(world: World) -> str:
    """`YYYY-MM-DD`, UTC."""
    return world.clock.now()[:10]


def settled(world: World, pack: Pack, report: Report) -> Report:
    """The report with what is accepted as `info`, counted. Whether a suppression is used at all is `check`'s to say: it asks everything."""
    findings = applied(report.findings, stated(world, pack), today(world))
    if not (count := sum(bool(row.suppressed) for row in findings)):
        return report.model_copy(update={"findings": findings})
    levels = {str(level): sum(row.severity == level for row in findings) for level in Severity if str(level) in report.summary}
    summary = {**report.summary, **levels, "suppressed": report.summary.get("suppressed", 0) + count}
    return report.model_copy(update={"findings": findings, "summary": summary})
