"""`cask state`: `verify` what lies under the root against what it says it is, `gc` what nobody needs, `unlock` what a dead command left.

`verify` names each damaged file and changes nothing. `gc` removes what `store.garbage` finds and nothing else. `unlock` never takes a lock
from a process that holds it.
"""

import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from caskmcp import canon
from caskmcp.canon import Digest
from caskmcp.compiler.capture import codec
from caskmcp.errors import CaskError, Exit
from caskmcp.govern import content, lockfile, offer, trust
from caskmcp.model.artifact import Baseline, Toolpack
from caskmcp.model.finding import Finding, Report, Severity
from caskmcp.ports import Files, World
from caskmcp.runtime.state import State
from caskmcp.store import garbage, journal, project
from caskmcp.store.files import refuse_links_out, sweep
from caskmcp.store.layout import Pack, Root
from caskmcp.store.locks import holder
from caskmcp.store.receipts import Receipts
from caskmcp.workflows import here

WAIT: Final = 60.0
"""Seconds to wait for a build or a gate."""


# ---------------------------------------------------------------- verify
@dataclass
class Bench:
    """What the checks look at, and how many things they looked at."""

    files: Files
    root: Root
    seen: int = 0

    @property
    def packs(self) -> Iterator[Pack]:
        """Every toolpack under the root."""
        yield from (self.root.pack(name) for name in project.toolpacks(self.files, self.root.path))

    def look(self, path: Path) -> str:
        """Count a file; its path below the root."""
        self.seen += 1
        return path.relative_to(self.root.path).as_posix()


def blobs(bench: Bench) -> Iterator[Finding]:
    """Each blob has the content that its name says."""
    for digest, path in garbage.blobs(bench.files, bench.root):
        place = bench.look(path)
        if not garbage.is_whole(bench.files, bench.root, digest):
            yield _cached(place, "its content is not what its name says")


def receipts(bench: Bench) -> Iterator[Finding]:
    """Each receipt can be read and is of the action that its name says."""
    known = Receipts(bench.files, bench.root.receipts)
    for key, path in garbage.receipts(bench.files, bench.root):
        place = bench.look(path)
        if known.get(key) is None:
            yield _cached(place, "it cannot be read, or is of another action than its name says")


def artifacts(bench: Bench) -> Iterator[Finding]:
    """Each artifact is what the handoff names."""
    for pack in bench.packs:
        try:
            handoff = Toolpack.from_yaml(bench.files.read(pack.toolpack), bench.look(pack.toolpack), code="CASK-L002")
        except CaskError as cause:
            yield _refused(cause)
            continue
        for name, digest in handoff.artifacts.items():
            path = pack.artifact(name)
            place = bench.look(path)
            if not bench.files.exists(path) or canon.digest_stream(bench.files.chunks(path)) != digest:
                yield _finding(
                    "CASK-L006", Severity.REFUSED, place, f"{name} is missing or is not what toolpack.yaml hands over", mend="cask build"
                )


def locks(bench: Bench) -> Iterator[Finding]:
    """Each lock and each trust chain can be read and holds by itself."""
    for pack in bench.packs:
        try:
            toolpack = offer.identity(bench.files, pack)
            if bench.files.exists(pack.lock):
                bench.look(pack.lock)
                lockfile.read(bench.files.read(pack.lock), toolpack)
            roots = tuple(bench.files.read(pack.trust / name) for name in offer.root_files(bench.files, pack))
            bench.seen += len(roots)
            if roots:
                trust.chain(roots, toolpack)
        except CaskError as cause:
            yield _refused(cause)


def contents(bench: Bench) -> Iterator[Finding]:
    """All approved content is what its name says."""
    for pack in bench.packs:
        for digest, path in garbage.contents(bench.files, pack):
            place = bench.look(path)
            try:
                content.read(bench.files, pack, digest)
            except CaskError as cause:
                yield _finding(cause.code, Severity.REFUSED, place, cause.what, mend=f"git checkout -- {_quoted(path)}")


def baselines(bench: Bench) -> Iterator[Finding]:
    """Each baseline can be read."""
    for pack in bench.packs:
        path = bench.root.baseline(pack.path.name)
        if bench.files.exists(path):
            try:
                Baseline.from_json(bench.files.read(path), bench.look(path), code="CASK-L002")
            except CaskError as cause:
                yield _refused(cause)


def captures(bench: Bench) -> Iterator[Finding]:
    """Each capture can be unpacked and read to its end."""
    for name in bench.files.listing(bench.root.captures):
        path = bench.root.exchanges(name)
        if not bench.files.exists(path):
            continue
        place = bench.look(path)
        try:
            for _ in codec.decode_lines(bench.files.chunks(path)):
                pass
        except CaskError as cause:
            yield _finding("CASK-S002", Severity.REFUSED, place, cause.what, mend=f"cask capture forget {shlex.quote(name[:12])}")


def journals(bench: Bench) -> Iterator[Finding]:
    """Each line of each journal is whole. A last line that a crash cut is told, and no damage. What the lines rest on is for `audit verify`."""
    for name in bench.files.listing(bench.root.audit):
        path = bench.root.audit / name
        if not name.endswith(".jsonl"):
            continue
        place = bench.look(path)
        for entry in journal.entries(bench.files, path):
            yield from _line(entry, place)


def _line(entry: journal.Entry, place: str) -> Iterator[Finding]:
    where = f"{place}:{entry.number}"
    if entry.torn:
        yield _finding("CASK-S002", Severity.INFO, where, "the last line was cut by a crash; the next segment names it", mend="")
        return
    try:
        whole = isinstance(entry.value(place), dict)
    except CaskError:
        whole = False
    if not whole:
        yield _finding("CASK-S002", Severity.REFUSED, where, "the line is no record", mend="put the file back from a backup")


def confirmations(bench: Bench) -> Iterator[Finding]:
    """The database of challenges and budgets is sound."""
    path = bench.root.confirmations
    if not bench.files.exists(path):
        return
    place, state = bench.look(path), State(path)
    try:
        problem = state.problem()
    except CaskError as cause:
        problem = cause.what
    finally:
        state.close()
    if problem:
        yield _finding("CASK-S002", Severity.REFUSED, place, f"{problem}: no call can be counted or confirmed", mend=f"rm {_quoted(path)}")


class Check(NamedTuple):
    """One kind of thing under the root."""

    name: str
    run: Callable[[Bench], Iterator[Finding]]


CHECKS: Final = (
    Check("blobs", blobs),
    Check("receipts", receipts),
    Check("artifacts", artifacts),
    Check("locks", locks),
    Check("contents", contents),
    Check("baselines", baselines),
    Check("captures", captures),
    Check("journals", journals),
    Check("confirmations", confirmations),
)


def verify(world: World) -> Report:
    """Look at everything under the root that says what it is. Changes nothing."""
    root = here.root(world)
    rows, findings = [], []
    for check in CHECKS:
        bench = Bench(world.files, root)
        found = list(check.run(bench))
        damaged = sum(row.severity is not Severity.INFO for row in found)
        rows.append({"what": check.name, "checked": bench.seen, "damaged": damaged})
        findings += found
    total = {key: sum(int(str(row[key])) for row in rows) for key in ("checked", "damaged")}
    return Report(report="state-verify", summary=total, tables={"checks": tuple(rows)}, findings=tuple(findings))


def _cached(place: str, what: str) -> Finding:
    return _finding("CASK-S001", Severity.REVIEW, place, f"{what}; the build makes it again", mend="cask state gc")


def _refused(cause: CaskError) -> Finding:
    severity = Severity.INPUT if cause.exit is Exit.INPUT else Severity.REFUSED
    return _finding(cause.code, severity, cause.place or "", cause.what, mend=cause.mend or "cask build")


def _finding(code: str, severity: Severity, place: str, what: str, *, mend: str) -> Finding:
    return Finding(code=code, severity=severity, subject=place.rpartition("/")[2], message=what, place=place, mend=mend)


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))


# ---------------------------------------------------------------- gc
def gc(world: World, *, dry_run: bool) -> Report:
    """Remove what nobody needs. dry_run: only list it. Raises CASK-B003 while a build or a gate goes on."""
    root = here.root(world)
    if dry_run or not world.files.is_folder(root.path):
        found = _garbage(world.files, root)
    else:
        with world.files.lock(root.lock, WAIT):
            found = _garbage(world.files, root)
            for row in found:
                world.files.remove_tree(row.path)
            sweep(root.path)
    rows = tuple({"kind": row.kind, "file": row.path.relative_to(root.path).as_posix(), "why": row.why} for row in found)
    said = "would go" if dry_run else "removed"
    return Report(report="state-gc", summary={said: len(rows)}, tables={"files": rows}, lines=() if rows else ("Nothing to remove.",))


def _garbage(files: Files, root: Root) -> tuple[garbage.Garbage, ...]:
    found = {name: root.pack(name) for name in project.toolpacks(files, root.path)}
    # A clone can hold links: what lies behind one is named by no lock here, and is another project's all the same.
    refuse_links_out(root.path, tuple(place for pack in found.values() for place in (pack.path, pack.lock.parent, pack.contents)))
    packs = {name: _named(files, pack) for name, pack in found.items()}
    return garbage.find(files, root, packs)


def _named(files: Files, pack: Pack) -> frozenset[Digest] | None:
    """Digests that any statement of the lock names, a block's too; None where that cannot be told."""
    try:
        lock = lockfile.read(files.read(pack.lock) if files.exists(pack.lock) else None, offer.identity(files, pack))
    except CaskError:
        return None
    if lock.broken:
        return None  # what stands in a statement of a wrong form may be the only name of something
    return frozenset(Digest(row.statement.digest) for rows in lock.lock.subjects.values() for row in rows)


# ---------------------------------------------------------------- unlock
def unlock(world: World) -> Report:
    """Remove lock files that no process holds. Raises CASK-B003 for one that is held, and names the process."""
    places = {"root": here.root(world).lock, "pins": world.config / "pins" / ".lock"}
    rows: list[dict[str, Any]] = []
    for name, path in places.items():
        if world.files.exists(path):
            _free(world.files, path)
            rows.append({"lock": name, "file": str(path), "state": "was free; removed"})
    return Report(
        report="state-unlock", summary={"removed": len(rows)}, tables={"locks": tuple(rows)}, lines=() if rows else ("Nothing is locked.",)
    )


def _free(files: Files, path: Path) -> None:
    """Take the lock, so that nobody else has it, and remove the file while it is held: who waits for it looks again for the name."""
    try:
        with files.lock(path, 0):
            files.remove(path)
    except CaskError as cause:
        if cause.code != "CASK-B003":
            raise
        process = holder(files, path)
        who = f"process {process}" if process else "another process"
        raise CaskError("CASK-B003", f"{who} holds the lock and is at work", place=str(path), mend="wait for the other command") from cause
