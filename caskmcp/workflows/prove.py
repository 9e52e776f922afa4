"""`cask capture import --prove`: canaries of every family go the way of the recording, and nothing of them is left in any byte of a root.

First into a throwaway project: the recording with the canaries is captured, kept and built there, and everything that lies there afterwards is searched. Only
if nothing is left, the recording itself is imported, and the real root is searched for the canaries and for the credentials that the recording's requests carry.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, Final

from caskmcp.compiler.capture import headers
from caskmcp.compiler.capture.sources.interface import Recorded
from caskmcp.compiler.capture.sources.kinds import is_document
from caskmcp.compiler.capture.stage import Item
from caskmcp.errors import CaskError
from caskmcp.model.finding import Finding, Report, Severity
from caskmcp.model.project import Project
from caskmcp.ports import Files, World
from caskmcp.redact.canaries import FAMILIES, Family
from caskmcp.redact.checks import long_opaque
from caskmcp.redact.names import compact
from caskmcp.redact.rules import Rules
from caskmcp.redact.traces import Traces
from caskmcp.store import manifest, pipes, scratch, secret
from caskmcp.store.layout import MANIFEST
from caskmcp.workflows import build, capture, intake
from caskmcp.workflows.capture import Place
from caskmcp.workflows.intake import Named
from caskmcp.workflows.planting import Planted

RECORDED: Final = "recorded"
"""What the credentials of the recording itself are called."""
MOST: Final = 20_000
"""Credentials of the recording that are looked for."""
_LEFT_OUT: Final = ("sources", "policy", "scopes", "plugins", "name")
"""Sections of the manifest that say nothing about redaction and name other files."""


@dataclass(frozen=True)
class Left:
    """Something that was found where nothing may be."""

    family: str
    place: str
    """Where it was planted."""
    file: str


def take(world: World, *, sources: tuple[str, ...], hosts: tuple[str, ...], kind: str | None = None, keep_: tuple[str, ...] = ()) -> Report:
    """Prove, then take the files in as `capture.take` does, then look again. If something is left, exit status 4; of a first proof that fails, nothing is imported.

    Raises what `capture.take` raises, and CASK-I001 where no file is a recording (a spec is committed as it is), or one comes through a pipe.
    """
    if any(pipes.is_held(pipes.path_of(given, world.cwd)) for given in sources):
        raise CaskError("CASK-I001", "the proof reads a recording twice: it is for files", mend="cask capture import FILE --prove")
    named = tuple(intake.name(world, given, kind) for given in dict.fromkeys(sources))
    recordings = tuple(each for each in named if not is_document(each.kind))
    if not recordings:
        raise CaskError("CASK-I001", "--prove is for recordings: a spec is committed as it is", mend="cask capture import SPEC")
    place = capture.place_of(world, capture.hosts_of(hosts), named=named)
    project = manifest.parse(place.text)
    planted, left = _rehearsed(world, place, project, recordings)
    taken = None if left else capture.take(world, sources=sources, hosts=hosts, kind=kind, keep_=keep_)
    after = [] if left else list(_search(world.files, place.root.path, planted.traces))
    return _report(project, planted, [*left, *after], taken)


# ---------------------------------------------------------------- the rehearsal
def _rehearsed(world: World, place: Place, project: Project, recordings: tuple[Named, ...]) -> tuple[Planted, list[Left]]:
    """Everything in a folder that goes at the end, with a key of its own."""
    planted = Planted(world.entropy.token)
    with scratch.folder() as folder:
        stage = replace(
            world,
            cwd=folder / "project",
            config=folder / "config",
            data=folder / "data",
            state=folder / "state",
            root=None,
            toolpack=None,
        )
        stage.files.write(stage.cwd / MANIFEST, _manifest(project).encode())
        there = capture.place_of(stage, ())
        key = secret.redaction_key(stage.files, there.root, stage.entropy)
        taken = [
            intake.record(
                project, _with(planted, project, capture.items(world, place, project, each)), key, kind=each.kind, label=each.label
            )
            for each in recordings
        ]
        capture.keep(stage, there, taken, (), key)
        build.run(stage)
        return planted, list(_search(stage.files, folder, planted.traces))


def _manifest(project: Project) -> str:
    """The same rules in a project without any source."""
    sections = project.model_dump(mode="json", by_alias=True, exclude_unset=True)
    lines = [f"{name}: {json.dumps(value)}" for name, value in sections.items() if name not in _LEFT_OUT]
    return "\n".join([*lines, "name: proof", "sources: []", ""])


def _with(planted: Planted, project: Project, items: Iterable[Item]) -> Iterator[Item]:
    """The recording, then the canaries."""
    return chain(_noted(planted, items), planted.exchanges(families(project), project.hosts[0]))


def families(project: Project) -> tuple[Family, ...]:
    """The families that the manifest's rules have to find: those of its profile, without names that it keeps, and one for each name that it adds."""
    kept = {compact(name) for name in project.redact.keep}
    added = (Family("user", "{w12}", name=name) for name in project.redact.keys)
    strict = project.redact.profile == "strict"
    return tuple(row for row in (*FAMILIES, *added) if (strict or not row.strict) and compact(row.name) not in kept)


def _noted(planted: Planted, items: Iterable[Item]) -> Iterator[Item]:
    """The items as they come; the credentials that their requests carry are looked for as well."""
    rules = Rules("strict")
    for item in items:
        if isinstance(item, Recorded) and len(planted.credentials) < MOST:
            sent = headers.lowered(item.headers)
            values = headers.secrets(sent, headers.cookies(sent), lambda name: any(rule.row.auth for rule in rules[name]))
            for value in filter(long_opaque, (*values, *(value for _, value in item.credentials))):
                planted.note(value, f"{RECORDED} in the credentials of a request")
        yield item


# ---------------------------------------------------------------- the search
def _search(files: Files, folder: Path, traces: Traces) -> Iterator[Left]:
    """Look through every byte below a folder, and through the names of the files."""
    for path in _below(files, folder):
        name = path.relative_to(folder).as_posix()
        for label in sorted(traces.found(name.encode() + b"\n" + files.read(path))):
            family, _, place = label.partition(" in ")
            yield Left(family, place, name)


def _below(files: Files, folder: Path) -> Iterator[Path]:
    for name in files.listing(folder):
        path = folder / name
        if files.is_folder(path):
            yield from _below(files, path)
        else:
            yield path


# ---------------------------------------------------------------- what is told
def _report(project: Project, planted: Planted, left: list[Left], taken: Report | None) -> Report:
    lost = {family: {row.place for row in left if row.family == family} for family in {row.family for row in left}}
    rows = tuple(
        {"family": family, "planted": count, "left": len(lost.get(family, ())), "result": "LEFT" if family in lost else "cut"}
        for family, count in sorted(planted.counts.items())
    )
    total = sum(planted.counts.values())
    beside = f"and looked for {len(planted.credentials)} credentials of the recording"
    said = f"Planted {total} values of {len(rows)} families {beside}; " + (f"left: {len(left)}." if left else "none is left in any byte.")
    return Report(
        report="capture",
        summary={
            **(taken.summary if taken else {}),
            "planted": total,
            "families": len(rows),
            "credentials": len(planted.credentials),
            "left": len(left),
        },
        findings=tuple(map(_finding, left)),
        tables={**(taken.tables if taken else {}), "families": (*rows, *_exceptions(project))},
        lines=(said, *(taken.lines if taken else ("Nothing was imported.",))),
    )


def _exceptions(project: Project) -> Iterator[dict[str, Any]]:
    """Families that were not planted, since the manifest lets their values through."""
    tried = {family.id for family in families(project)}
    yield from ({"family": row.id, "planted": 0, "left": 0, "result": "not cut by cask.yaml"} for row in FAMILIES if row.id not in tried)


def _finding(left: Left) -> Finding:
    return Finding(
        code="CASK-C040",
        severity=Severity.REFUSED,
        subject=f"detector:{left.family}",
        message=f"a value of {left.family}, from {left.place}, is left",
        place=left.file,
        mend="edit cask.yaml" if left.family == RECORDED else "cask doctor",
    )
