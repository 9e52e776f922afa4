"""`cask migrate`: files of earlier formats become the present ones; what an earlier version of the program left is named with its new place.

Approves nothing and signs nothing: where a changed file changes what a statement covers, that waits for a person as any change does.
"""

from collections.abc import Iterable

from caskmcp.model.finding import Finding, Report, Severity
from caskmcp.ports import World
from caskmcp.store import formats, layouts
from caskmcp.store.formats import FORMATS, MIGRATIONS, Format, Migration, Stale
from caskmcp.store.layout import Root
from caskmcp.workflows import here

WAIT = 60.0
"""Seconds to wait for a build or a gate."""


def run(world: World, *, dry_run: bool = False, rows: Iterable[Format] = FORMATS, migrations: Iterable[Migration] = MIGRATIONS) -> Report:
    """Bring every file under the root to the present format. dry_run: only say which.

    Raises CASK-I008 for a file of a version that this program does not know: then nothing is changed.
    """
    root = here.root(world)
    found, looked = formats.stale(world.files, root.path, rows, migrations)
    if found and not dry_run:
        with world.files.lock(root.lock, WAIT):
            found, looked = formats.stale(world.files, root.path, rows, migrations)
            for row in found:
                world.files.write(row.path, row.data)
    findings = tuple(_earlier(root, row) for row in layouts.earlier(world.files, root.path))
    waiting = tuple(_waiting(root, row) for row in found) if dry_run else ()
    done = () if dry_run else tuple(_row(root, row) for row in found)
    summary = {"looked_at": looked, "migrated": len(done), "of_earlier_versions": len(findings) + len(waiting)}
    return Report(report="migrate", summary=summary, tables={"files": done}, findings=(*findings, *waiting), lines=_lines(summary))


def _lines(summary: dict[str, int]) -> tuple[str, ...]:
    if summary["migrated"]:
        return ("Next: what was approved counts where its content is still what was signed.", "  cask build", "  cask gate status")
    return () if summary["of_earlier_versions"] else ("Nothing to migrate.",)


def _row(root: Root, row: Stale) -> dict[str, object]:
    return {"file": _place(root, row), "from": f"caskmcp/{row.format.name}/{row.version}", "to": row.format.schema}


def _place(root: Root, row: Stale) -> str:
    return row.path.relative_to(root.path).as_posix()


def _waiting(root: Root, row: Stale) -> Finding:
    message = f"it is of caskmcp/{row.format.name}/{row.version}, this program writes {row.format.schema}"
    place = _place(root, row)
    return Finding(code="CASK-S003", severity=Severity.REVIEW, subject=row.path.name, message=message, place=place, mend="cask migrate")


def _earlier(root: Root, row: layouts.Found) -> Finding:
    place = row.path.relative_to(root.path).as_posix()
    message = f"an earlier version kept this here; today: {row.layout.today}; {row.layout.why}"
    return Finding(code="CASK-S003", severity=Severity.REVIEW, subject=row.path.name, message=message, place=place, mend=row.layout.run)
