"""`cask drift --served`: what the answers that agents got showed, measured from the approved baseline.

Reads the record and the baseline and writes nothing: an event becomes a change that waits for a person, who looks (`drift --live`, a new recording),
builds and approves. Neither the lock nor the baseline is touched.
"""

from collections.abc import Iterator
from typing import Any

from caskmcp.analyze import served_drift
from caskmcp.analyze.drift import not_run
from caskmcp.analyze.served_drift import Served
from caskmcp.errors import CaskError
from caskmcp.model.artifact import Baseline
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.text import Document
from caskmcp.workflows import accepted, audit, here, places
from caskmcp.workflows.baseline import SNAPSHOT, raw


def run(world: World, *, since: str | None = None) -> Report:
    """Judge what is on record. since: a time, a day, or how long ago. Raises CASK-I010 for a time that is none, CASK-I008 for a baseline of old."""
    pack = here.pack(world)
    path = here.root(world).baseline(pack.path.name)
    if not world.files.exists(path):
        return not_run("there is no approved baseline yet: drift has nothing to measure from", SNAPSHOT)
    shown = places.shown(world, path)
    baseline = Baseline.of(Document(shown, raw(world.files, path, shown), {}))
    if baseline.toolpack and baseline.toolpack != pack.path.name:
        what = f"this is the baseline of `{baseline.toolpack}`, and the toolpack is `{pack.path.name}`"
        raise CaskError("CASK-I004", what, place=shown, mend=SNAPSHOT)
    calls = _answered(audit.find(world, audit.Asked(since=since)), pack.path.name)
    return accepted.settled(world, pack, served_drift.report(calls, baseline, name=shown))


def _answered(rows: list[audit.Recorded], toolpack: str) -> Iterator[Served]:
    """The calls that an upstream answered with success."""
    for row in rows:
        fields, status = row.fields, row.fields.get("status")
        if fields.get("toolpack") == toolpack and isinstance(status, int) and 200 <= status < 300 and not fields.get("code"):
            extra = fields.get("extra")
            told = extra if isinstance(extra, dict) else {}
            yield Served(str(fields.get("tool", "")), _texts(told.get("drift")), _texts(told.get("fields")))


def _texts(value: Any) -> tuple[str, ...]:
    """The texts of a list; a record that was edited may hold anything."""
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()
