"""`cask evidence`: verify what runs kept, list it, take old runs away. Works offline; changes nothing but what `prune` removes."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from caskmcp.analyze.verify import bundle
from caskmcp.analyze.verify.bundle import Judged
from caskmcp.errors import CaskError
from caskmcp.govern import offer, trust
from caskmcp.govern.trust import Chain
from caskmcp.govern.verify import holds, is_instant
from caskmcp.model.evidence import EVIDENCE_TYPE, payload
from caskmcp.model.finding import Finding, Report, Severity
from caskmcp.ports import World
from caskmcp.store import project
from caskmcp.store.layout import Pack
from caskmcp.workflows import here

FOLDER: Final = re.compile(r"(?:verify|drift)-[0-9a-f]{16}", re.ASCII)
_AGE: Final = re.compile(r"([1-9][0-9]{0,3})([hdw])", re.ASCII)
_HOURS: Final = {"h": 1, "d": 24, "w": 168}
LARGEST: Final = 64 << 20
"""Bytes of one file of evidence."""


def every(world: World, pack: Pack) -> tuple[Judged, ...]:
    """Every run that is kept here, judged, sorted by name; those of other toolpacks of this root are theirs. Other folders are none of ours."""
    root = here.root(world)
    others = {*project.toolpacks(world.files, root.path)} - {pack.path.name}
    rows = (of(world, pack, name) for name in world.files.listing(root.evidence("_").parent) if FOLDER.fullmatch(name))
    return tuple(row for row in rows if row.manifest is None or row.manifest.toolpack not in others)


def of(world: World, pack: Pack, name: str) -> Judged:
    """One run, judged. Raises CASK-I010 for a name that there is none of."""
    folder = here.root(world).evidence(name)
    if not FOLDER.fullmatch(name) or not world.files.is_folder(folder):
        raise CaskError("CASK-I010", f"there is no evidence `{name[:80]}`", mend="cask evidence list")
    paths = {each: folder / each for each in world.files.listing(folder)}
    files = {each: b"" if world.files.is_folder(path) else world.files.read(path, LARGEST) for each, path in paths.items()}
    return bundle.judge(name, files, _signer(world, pack))


def _signer(world: World, pack: Pack) -> bundle.Signer:
    chain = _chain(world, pack)

    def name(key: str, signature: str, manifest: str, times: str) -> str:
        known = chain.current.keys.get(key) if chain else None
        good = known is not None and holds(known, EVIDENCE_TYPE, payload(manifest, times), signature)
        return known.name if known is not None and good else ""

    return name


def _chain(world: World, pack: Pack) -> Chain | None:
    roots = tuple(world.files.read(pack.trust / name) for name in offer.root_files(world.files, pack))
    return trust.chain(roots, pack.path.name) if roots else None


# ---------------------------------------------------------------- the commands
def verify(world: World, *, names: tuple[str, ...] = ()) -> Report:
    """Check every file of each run, or of the named ones. Evidence of another toolpack is refused."""
    pack = here.pack(world)
    rows = tuple(of(world, pack, name) for name in names) if names else every(world, pack)
    findings = tuple(found for row in rows for found in _findings(row, pack.path.name))
    lines = () if rows else ("No evidence is kept here.",)
    summary = {"runs": len(rows), "flaws": len(findings)}
    return Report(report="evidence-verify", summary=summary, findings=findings, tables={"runs": _table(rows)}, lines=lines)


def _findings(row: Judged, toolpack: str) -> Iterator[Finding]:
    if row.manifest is not None and row.manifest.toolpack != toolpack:
        what = f"it is evidence of `{row.manifest.toolpack[:80]}`, and this is `{toolpack}`"
        yield _finding("CASK-V002", row.name, what, f"evidence/{row.name}/{bundle.MANIFEST}")
    yield from (_finding("CASK-V001", row.name, f"{flaw.file}: {flaw.what}", f"evidence/{row.name}/{flaw.file}") for flaw in row.flaws)


def _finding(code: str, name: str, what: str, place: str) -> Finding:
    return Finding(code=code, severity=Severity.REFUSED, subject=name, message=what, place=place, mend="cask verify")


def listing(world: World) -> Report:
    """What is kept, the newest first."""
    rows = every(world, here.pack(world))
    lines = () if rows else ("No evidence is kept here.",)
    return Report(report="evidence-list", summary={"runs": len(rows)}, tables={"runs": _table(rows)}, lines=lines)


def _table(rows: tuple[Judged, ...]) -> tuple[dict[str, Any], ...]:
    return tuple(_row(row) for row in sorted(rows, key=lambda row: (_ended(row), row.name), reverse=True))


def _row(row: Judged) -> dict[str, Any]:
    manifest = row.manifest
    return {
        "run": row.name,
        "ended": _ended(row),
        "state": "damaged" if row.flaws else "sound",
        "against": manifest.against if manifest else "",
        "results": ", ".join(f"{mode} {result}" for mode, result in sorted(manifest.modes.items())) if manifest else "",
        "signed_by": ", ".join(row.signers),
        "digest": row.digest,
    }


def _ended(row: Judged) -> str:
    return row.times.ended if row.times else ""


def prune(world: World, *, retain: str, dry_run: bool = False) -> Report:
    """Remove runs that ended longer ago. retain: `30d`, `12h`, `4w`. A run whose time cannot be read stays, and is named.

    Raises CASK-I010 for what is no such time.
    """
    before = _before(world, retain)
    pack = here.pack(world)
    rows = every(world, pack)
    old = [row for row in rows if is_instant(_ended(row)) and _ended(row) < before]
    for row in old if not dry_run else ():
        world.files.remove_tree(here.root(world).evidence(row.name))
    odd = tuple(
        Finding(
            code="CASK-V001",
            severity=Severity.REVIEW,
            subject=row.name,
            message="when it ended cannot be read: it stays",
            place=f"evidence/{row.name}/{bundle.TIMES}",
            mend=f"cask evidence verify {row.name}",
        )
        for row in rows
        if not is_instant(_ended(row))
    )
    summary = {"removed": 0 if dry_run else len(old), "kept": len(rows) - (0 if dry_run else len(old))}
    table = tuple({"run": row.name, "ended": _ended(row)} for row in old)
    return Report(report="evidence-prune", summary=summary, findings=odd, tables={"would_remove" if dry_run else "removed": table})


def _before(world: World, retain: str) -> str:
    match = _AGE.fullmatch(retain)
    if match is None:
        raise CaskError("CASK-I010", f"`{retain[:40]}` is no time: 12h, 30d, 4w", mend="cask evidence prune --retain 30d")
    now = datetime.fromisoformat(world.clock.now())
    return (now - timedelta(hours=int(match[1]) * _HOURS[match[2]])).strftime("%Y-%m-%dT%H:%M:%SZ")
