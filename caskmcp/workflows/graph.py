"""`cask graph`: the build as a table of steps and what each reads, from the table of stages and the manifest's sources. Runs nothing.

Groups are shown as one row, since they exist only after the merge. Pictures are `report/`'s.
"""

from collections.abc import Iterator
from typing import Any

from caskmcp.compiler.pipeline import STAGES, Stage
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.store import project
from caskmcp.workflows.gather import label

Row = dict[str, Any]


def run(world: World, *, stages: tuple[Stage, ...] = STAGES) -> Report:
    """The steps in order, each with the steps that it reads. Raises what reading the manifest raises."""
    loaded = project.load_project(world.files, world.cwd)
    root = project.find_root(world.files, world.cwd, world.root)
    sources = tuple(label(row) for row in project.expand_sources(world.files, loaded, root))
    rows = tuple(row for stage in stages for row in _rows(stage, stages, sources))
    return Report(report="graph", summary={"toolpack": loaded.project.id, "sources": len(sources)}, tables={"steps": rows})


def _rows(stage: Stage, stages: tuple[Stage, ...], sources: tuple[str, ...]) -> Iterator[Row]:
    for unit in sources if stage.per == "source" else (_unit(stage),):
        yield {"step": f"{stage.name} {unit}".rstrip(), "after": list(_after(stage, unit, stages, sources)), "gives": list(stage.outputs)}


def _unit(stage: Stage) -> str:
    return "(each group)" if stage.per == "group" else ""


def _after(stage: Stage, unit: str, stages: tuple[Stage, ...], sources: tuple[str, ...]) -> Iterator[str]:
    by_name = {row.name: row for row in stages}
    for name in dict.fromkeys(role.partition(".")[0] for role in stage.inputs if "." in role):
        producer = by_name.get(name)
        if producer is None:
            continue
        if producer.per == "source":
            yield from (f"{name} {each}" for each in ((unit,) if stage.per == "source" else sources))
        else:
            yield f"{name} {_unit(producer)}".rstrip()
