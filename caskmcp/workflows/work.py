"""How many processes a build takes, and that it imports the runner only if there is something to run."""

import gc
import re
from collections.abc import Callable
from typing import Any, Final

from caskmcp.engine.plan import Plan, Step
from caskmcp.errors import CaskError
from caskmcp.load import load

PROCESSES: Final = "processes"
"""The engine of this machine."""
MUCH: Final = 16 << 20
"""Bytes of stale sources from which a second process pays: it takes a third of a second to start, and a piece is 8 MiB."""
MOST_JOBS: Final = 2
"""Processes that are started unasked: each takes about 100 MiB, and a build is to stay below 256 MiB."""
_DASK: Final = re.compile(r"dask(?:\+(tcp|tls))?://((?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5})", re.ASCII)
SELDOM: Final = (200_000, 50, 50)
"""Thresholds of the garbage collector while stages run: what they make is freed by counting references."""


def run(plan: Plan, jobs: int, resolve: Callable[[str], Any], engine: str = PROCESSES) -> list[tuple[Step, BaseException]]:
    """Do what is stale, in so many processes; 0: as many as pay. engine: `processes`, or the address of a Dask scheduler, `dask://HOST:PORT`.

    Returns the failures. Nothing stale: nothing is imported, nothing runs. Raises CaskError CASK-I001 for another engine, CASK-W002 without
    the extra `scale`, CASK-B005 for a cluster that cannot be used.
    """
    address = _address(engine)
    if not plan.stale() and not plan.open_rows:
        return []
    jobs = jobs or _jobs(plan)
    before = gc.get_threshold()
    gc.set_threshold(*SELDOM)
    try:
        if address:
            with _cluster(address, plan) as cluster:
                return load("engine.runner:run")(plan, jobs=max(2, cluster.jobs), pool=cluster, resolve=resolve)  # type: ignore[no-any-return]
        if jobs == 1 or not any(step.row.per == "source" for step in plan.stale()):
            return load("engine.runner:run")(plan, resolve=resolve)  # type: ignore[no-any-return]
        _loaded(plan, resolve)
        with load("engine.processes:Processes")(jobs, _others(plan, jobs)) as pool:
            return load("engine.runner:run")(plan, jobs=jobs, pool=pool, resolve=resolve)  # type: ignore[no-any-return]
    finally:
        gc.set_threshold(*before)


def _loaded(plan: Plan, resolve: Callable[[str], Any]) -> None:
    """Load what the steps of sources need before there are processes: those that are forked share it."""
    for name in sorted({name for step in plan.stale() if step.row.per == "source" for name in (step.row.run, step.row.pieces)} - {""}):
        resolve(name)


def _others(plan: Plan, jobs: int) -> int:
    """Processes beside this one, which works on the pieces of a single source itself."""
    return jobs if len({step.unit for step in plan.stale() if step.row.per == "source"}) > 1 else jobs - 1


def _address(engine: str) -> str:
    """The scheduler's address as Dask writes it; empty for processes."""
    if engine == PROCESSES:
        return ""
    if (found := _DASK.fullmatch(engine)) is None:
        raise CaskError("CASK-I001", f"`{engine}` is no engine", mend="cask build --engine dask://HOST:PORT")
    return f"{found[1] or 'tcp'}://{found[2]}"


def _cluster(address: str, plan: Plan) -> Any:
    try:
        make = load("engine.cluster:Cluster")
    except ModuleNotFoundError as cause:
        raise CaskError("CASK-W002", "`--engine dask://…` needs the extra `scale`", mend="pip install 'caskmcp[scale]'") from cause
    return make(address, plan.site.toolchain)


def _jobs(plan: Plan) -> int:
    """Two processes where there is much to read; one where the start of a second one costs more than it saves."""
    stale = {step.unit for step in plan.stale() if step.row.per == "source"}
    much = sum(ref.stamp[2] for unit in stale for ref in plan.units[unit].roles.values() if ref.kind == "file")
    return MOST_JOBS if much >= MUCH else 1
