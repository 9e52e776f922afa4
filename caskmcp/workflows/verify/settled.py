"""What `cask check` takes for contracts that hold: a live run's evidence, sound, on this very lock and this very verify.yaml.

A check opens no socket, so it calls nothing itself; and what was judged against the twin tells nothing of the service.
"""

from collections.abc import Iterator
from typing import Final

from caskmcp.analyze.verify.bundle import Judged
from caskmcp.model.finding import Finding, Severity
from caskmcp.model.tool import Tools
from caskmcp.model.verification import VerifyFile
from caskmcp.ports import World
from caskmcp.store.layout import Pack
from caskmcp.workflows.verify import bundles, kept, stated
from caskmcp.workflows.verify.modes import FAIL, NOT_RUN
from caskmcp.workflows.verify.session import LIVE

MEND: Final = "cask verify"


def findings(world: World, pack: Pack) -> Iterator[Finding]:
    """Why the contracts are not shown to hold; nothing where they are. Raises what a verify.yaml raises that is none."""
    states = stated.read(world)
    tools = Tools.from_json(world.files.read(pack.artifact("tools.json")), "tools.json", code="CASK-L002").tools
    stated.refuse_unknown(states, frozenset(row.name for row in tools))
    runs = [row for row in bundles.every(world, pack) if row.manifest and row.manifest.kind == kept.KIND and _is_of(row, pack)]
    fitting = [row for row in runs if _fits(row, kept.lock_digest(world, pack), states.digest)]
    if not fitting:
        twin = any(row.manifest and row.manifest.against != LIVE and row.manifest.stated == states.digest for row in runs)
        what = "against the twin only, which tells nothing of the service" if twin else "by no run on what is approved and stated now"
        yield _finding("contracts-unverified", Severity.REVIEW, f"the contracts were verified {what}")
        return
    yield from _judged(max(fitting, key=lambda row: (row.times.ended if row.times else "", row.name)), _wanted(states.file))


def _wanted(stated: VerifyFile) -> tuple[str, ...]:
    """Modes that have to have run: what is stated and was not judged holds nowhere."""
    return ("contracts", *(("outcomes",) if stated.outcomes else ()), *(("provenance",) if stated.playbooks else ()))


def _is_of(row: Judged, pack: Pack) -> bool:
    return row.manifest is not None and row.manifest.toolpack == pack.path.name


def _fits(row: Judged, lock: str, states: str) -> bool:
    said = row.manifest
    return said is not None and (said.against, said.lock, said.stated) == (LIVE, lock, states)


def _judged(row: Judged, wanted: tuple[str, ...]) -> Iterator[Finding]:
    """The newest run that fits: whether it is whole, ran what is stated, and held."""
    if row.flaws:
        what = f"the evidence {row.name} does not hold: {row.flaws[0].file}: {row.flaws[0].what}"
        yield _finding("CASK-V001", Severity.REFUSED, what, mend=f"cask evidence verify {row.name}")
        return
    modes = row.manifest.modes if row.manifest else {}
    for mode, result in sorted(modes.items()):
        if result == FAIL:
            yield _finding("contracts-broken", Severity.BREAKING, f"mode {mode} failed in {row.name}")
    for mode in wanted:
        if modes.get(mode, NOT_RUN) == NOT_RUN:
            yield _finding("contracts-unverified", Severity.REVIEW, f"mode {mode} did not run in {row.name}")


def _finding(code: str, severity: Severity, what: str, mend: str = MEND) -> Finding:
    return Finding(code=code, severity=severity, subject=stated.NAME, message=what, place=stated.NAME, mend=mend)
