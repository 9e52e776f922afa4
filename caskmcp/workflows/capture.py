"""`cask capture`: bring files from anywhere into the project, list what is here, forget it.

A recording is redacted and kept under the root, and becomes `- capture: ID`; a spec is copied to `specs/` and named. Everything is read and
checked before the first byte is written; the same bytes again add nothing.
"""

import json
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from caskmcp import canon
from caskmcp.compiler.capture.sources.kinds import is_converted, is_document, is_known
from caskmcp.compiler.capture.sources.openapi import bundle
from caskmcp.compiler.capture.sources.table import source
from caskmcp.compiler.capture.stage import Item
from caskmcp.errors import AGAIN, CaskError
from caskmcp.load import load
from caskmcp.model.exchange import RESTORABLE
from caskmcp.model.finding import Report
from caskmcp.model.project import KEPT, Project
from caskmcp.ports import Files, World
from caskmcp.record import convert, mitmdump, plugins
from caskmcp.store import manifest, project, secret
from caskmcp.store.files import prepare
from caskmcp.store.layout import MANIFEST, Pack, Root
from caskmcp.store.manifest import Entry
from caskmcp.workflows import gitlines, here, init, intake, nearby, overlap, specfiles
from caskmcp.workflows.given import Ledger
from caskmcp.workflows.intake import Named, Taken

SPECS: Final = "specs"
PATIENCE: Final = 300.0
"""Seconds to wait for a build of the same root."""
SHORTEST: Final = 4
"""Characters of an id that name it, if no other id begins so."""


@dataclass(frozen=True)
class Place:
    """The project that files are taken into."""

    folder: Path
    root: Root
    text: str
    """Its manifest; not written yet where it is a fresh one."""
    is_fresh: bool
    known: Mapping[str, Entry]
    """Digest of a file that is a source already -> its entry."""


@dataclass(frozen=True)
class Fate:
    """What becomes of a file."""

    entry: Entry
    is_new: bool
    copy: Path | None = None
    """Where a spec is copied to."""


# ---------------------------------------------------------------- import
def take(
    world: World,
    *,
    sources: tuple[str, ...],
    hosts: tuple[str, ...],
    name: str | None = None,
    kind: str | None = None,
    keep_: tuple[str, ...] = (),
) -> Report:
    """Take files in. hosts: first parties to add; without a manifest, those of the fresh one (or the first servers of the specs given).

    keep_: reasons and patterns as under `keep:` in cask.yaml, for these files alone: what is kept stands in their captures.
    kind: what all of them are, whatever they look like: a kind of the table, or what a plugin of the manifest reads.

    Raises CASK-I001, CASK-I002, CASK-C001, CASK-C002, CASK-C003 for what is given, and what a broken manifest raises; then nothing is written.
    """
    named = tuple(intake.name(world, given, kind) for given in dict.fromkeys(sources))
    wanted = hosts_of(hosts)
    place = place_of(world, wanted, named=named, name=name)
    key = secret.redaction_key(world.files, place.root, world.entropy)
    taken = _taken(world, place, named, key, keep_)
    return keep(world, place, taken, wanted, key)


def _taken(world: World, place: Place, named: tuple[Named, ...], key: bytes, keep_: tuple[str, ...]) -> list[Taken]:
    here_ = keeping(manifest.parse(place.text), keep_)
    return [
        intake.record(here_, _converted(world, place, here_, each), key, kind=each.kind, label=each.label, named=each)
        if is_converted(each.kind) or not is_known(each.kind)
        else intake.read(world.files, place.root, here_, each, key, world.console.progress)
        for each in named
    ]


def keeping(given: Project, wanted: tuple[str, ...]) -> Project:
    """The manifest with more to keep. Raises CASK-I001 for what is neither a reason nor a pattern."""
    for text in wanted:
        if text not in RESTORABLE and not KEPT.fullmatch(text):
            what = f"`--keep {text}` is neither a reason ({', '.join(RESTORABLE)}) nor a pattern of paths"
            raise CaskError("CASK-I001", what, mend="cask capture import --help")
    return given.model_copy(update={"keep": (*given.keep, *wanted)})


def items(world: World, place: Place, project_: Project, named: Named) -> Iterable[Item]:
    """What a file gives, of whichever kind: nothing cut, for memory alone."""
    if is_converted(named.kind) or not is_known(named.kind):
        return _converted(world, place, project_, named)
    return source(named.kind).read(world.files.chunks(named.path) if named.packed is None else [named.packed])


def _converted(world: World, place: Place, project_: Project, named: Named) -> Iterable[Item]:
    """What another process makes of a file: mitmdump, or a plugin of the manifest."""
    if is_converted(named.kind):
        return convert.exchanges(mitmdump.find(world.environ, world.data, place.folder), named.path)
    return plugins.read(plugins.adapter(project_.plugins, named.kind), world.files.chunks(named.path))


def hosts_of(hosts: tuple[str, ...]) -> tuple[str, ...]:
    """Hosts as the manifest writes them, each once. Raises CASK-I001."""
    return tuple(dict.fromkeys(map(init.host_of, hosts)))


def keep(world: World, place: Place, taken: list[Taken], hosts: tuple[str, ...], key: bytes) -> Report:
    """Write what was taken, and what the manifest lacks. hosts: to be added. key: what it was redacted with."""
    fates = [_fate(world.files, place, each) for each in taken]
    same = [tuple(overlap.told(world.files, place.root, each.head)) if fate.is_new else () for each, fate in zip(taken, fates, strict=True)]
    text = _completed(place.text, fates) + manifest.auth_comment(intake.seen(taken) if place.is_fresh else {})
    with world.files.lock(place.root.lock, PATIENCE):
        prepare(place.root.path)
        secret.keep_redaction_key(world.files, place.root, key)
        for each, fate in zip(taken, fates, strict=True):
            _keep(world.files, place.root, each, fate)
        _write_manifest(world.files, place, text, fates, hosts)
        gitlines.add(world.files, place.folder, place.root.path)
    return _report(taken, fates, same)


def place_of(world: World, hosts: tuple[str, ...], *, named: tuple[Named, ...] = (), name: str | None = None) -> Place:
    """The project here, or a fresh one; it writes nothing. Raises what a broken manifest raises, and CASK-I001 where no host is known.

    named: the files that are taken in; none for a recorder.
    """
    if project.find_manifest(world.files, world.cwd) is None:
        command = f"cask capture import {' '.join(shlex.quote(each.label) for each in named)}" if named else AGAIN
        around = nearby.into(world.files, world.cwd, tuple((each.kind, each.path) for each in named if is_known(each.kind)))
        text = init.checked(name=name, hosts=hosts or around.first_hosts(command))
        return Place(world.cwd, here.root(world), text, is_fresh=True, known={})
    loaded = project.load_project(world.files, world.cwd)
    init.refuse_renaming(loaded, name)
    found = project.expand_sources(world.files, loaded, here.root(world).path) if named else ()
    known = {str(specfiles.digest(world.files, row.kind, row.absolute)): Entry(row.kind, row.path) for row in found}
    text = _with_hosts(_text(world.files, loaded.path), hosts)
    return Place(loaded.folder, here.root(world), text, is_fresh=False, known=known)


def _text(files: Files, path: Path) -> str:
    return files.read(path).decode("utf-8-sig")


def _with_hosts(text: str, hosts: tuple[str, ...]) -> str:
    listed = manifest.parse(text).hosts
    return manifest.with_hosts(text, [host for host in hosts if host not in listed])


# ---------------------------------------------------------------- what becomes of a file
def _fate(files: Files, place: Place, taken: Taken) -> Fate:
    if taken.file is not None:
        if (entry := place.known.get(taken.file.digest)) is not None:
            return Fate(entry, is_new=False)
        if is_document(taken.kind):
            return _fate_of_document(files, place, taken.file)
    entry = Entry("capture", str(taken.head["id"]))
    return Fate(entry, is_new=entry not in _entries(place.text))


def _fate_of_document(files: Files, place: Place, named: Named) -> Fate:
    folder, project_folder = (place.folder / SPECS).resolve(), place.folder.resolve()
    if not folder.is_relative_to(project_folder):
        raise CaskError("CASK-I005", f"`{SPECS}` is a link that leads out of the project", place=SPECS, mend=f"rm {SPECS}")
    if named.path.resolve().is_relative_to(folder):
        return Fate(Entry(named.kind, manifest.literal(named.path.resolve().relative_to(project_folder).as_posix())), is_new=True)
    target = folder / named.path.name
    for name, data in _files(files, named).items():
        _refuse_other(files, named, folder, name, data)
    return Fate(Entry(named.kind, manifest.literal(f"{SPECS}/{target.name}")), is_new=True, copy=target)


def _files(files: Files, named: Named) -> Mapping[str, bytes]:
    """Name -> bytes of a document and the files that it refers to."""
    return {named.path.name: files.read(named.path)} if named.packed is None else bundle.unpack(named.packed).files


def _refuse_other(files: Files, named: Named, folder: Path, name: str, data: bytes) -> None:
    target = folder / name
    if not target.resolve().is_relative_to(folder):
        raise CaskError("CASK-I005", f"`{SPECS}/{name}` is a link that leads out of `{SPECS}`", place=SPECS, mend=f"rm {SPECS}/{name}")
    if files.exists(target) and (files.is_folder(target) or files.read(target) != data):
        what = f"{SPECS}/{name} is there with other content: replace it yourself, or give the file another name"
        source = named.label if name == named.path.name else str(named.path.parent / name)
        raise CaskError("CASK-I001", what, place=named.label, mend=f"cp {shlex.quote(source)} {shlex.quote(str(target))}")


def _entries(text: str) -> set[Entry]:
    return {Entry(row.kind, row.pattern) for row in manifest.parse(text).sources}


def _completed(text: str, fates: list[Fate]) -> str:
    """The manifest with the entries that it lacks."""
    listed = _entries(text)
    return manifest.with_sources(
        text, [entry for entry in dict.fromkeys(fate.entry for fate in fates if fate.is_new) if entry not in listed]
    )


# ---------------------------------------------------------------- writing
def _keep(files: Files, root: Root, taken: Taken, fate: Fate) -> None:
    if fate.copy is not None and taken.file is not None:
        # The document last: without its files it is none.
        main, found = fate.copy.name, _files(files, taken.file)
        for name in (*(name for name in found if name != main), main):
            files.write(fate.copy.parent / name, found[name])
    elif fate.entry.kind == "capture" and not files.exists(root.exchanges(fate.entry.pattern)):
        # The exchanges last: a capture without them is none.
        files.write(root.redaction(fate.entry.pattern), taken.head_data, private=True)
        with files.stream(root.exchanges(fate.entry.pattern), private=True) as sink:
            for block in taken.exchanges.blocks():
                sink.write(block)


def _write_manifest(files: Files, place: Place, text: str, fates: list[Fate], hosts: tuple[str, ...]) -> None:
    path = place.folder / MANIFEST
    if not files.exists(path):
        files.write(path, text.encode())
        return
    # Read again, under the lock: another import may have been faster.
    before = _text(files, path)
    after = _completed(_with_hosts(before, hosts), fates)
    if after != before:
        files.write(path, after.encode())


def _report(taken: list[Taken], fates: list[Fate], same: list[tuple[str, ...]]) -> Report:
    rows = tuple(
        {
            "file": each.label,
            "source": f"{fate.entry.kind}: {fate.entry.pattern}",
            "kept": each.head["kept"],
            "state": "added" if fate.is_new else "known",
        }
        for each, fate in zip(taken, fates, strict=True)
    )
    return Report(
        report="capture",
        summary={"added": sum(fate.is_new for fate in fates), "kept": sum(each.head["kept"] for each in taken)},
        tables={"sources": rows},
        lines=(
            *(line for each, more in zip(taken, same, strict=True) for line in (*intake.told(each), *more)),
            "Next:",
            "  cask build",
        ),
    )


# ---------------------------------------------------------------- list
def listing(world: World) -> Report:
    """The captures under the root, and whether the manifest names them."""
    root, named = here.root(world), _named_captures(world)
    ids = [each for each in world.files.listing(root.captures) if world.files.exists(root.exchanges(each))]
    rows = tuple({**_head(world.files, root, each), "source": "yes" if each in named else "no"} for each in ids)
    lines = () if rows else ("No capture yet. Bring one in: cask capture import FILE -a HOST",)
    return Report(report="capture", summary={"captures": len(rows)}, tables={"captures": rows}, lines=lines)


def _named_captures(world: World) -> frozenset[str]:
    if project.find_manifest(world.files, world.cwd) is None:
        return frozenset()
    return frozenset(row.pattern for row in project.load_project(world.files, world.cwd).project.sources if row.kind == "capture")


def _head(files: Files, root: Root, capture: str) -> dict[str, Any]:
    try:
        head = json.loads(files.read(root.redaction(capture)))
        return {"id": capture, "kind": str(head["kind"]), "kept": int(head["kept"])}
    except (CaskError, ValueError, KeyError, TypeError) as cause:
        what, mend = "the capture's record cannot be read", f"cask capture forget {capture[:12]}"
        raise CaskError("CASK-I008", what, place=str(root.redaction(capture)), mend=mend) from cause


# ---------------------------------------------------------------- forget
def forget(world: World, *, capture: str) -> Report:
    """Remove a capture, its entry, and the part of the observations that it gave; or a part that no source here gave, by its own id.

    capture: an id or its beginning. Raises CASK-I010 for what is none, or more than one.
    """
    root, path = here.root(world), project.find_manifest(world.files, world.cwd)
    pack = root.pack(project.load_project(world.files, world.cwd).project.id) if path else None
    known = {*world.files.listing(root.captures), *_named_captures(world), *(_committed(world.files, pack) if pack else ())}
    wanted = _one(known, capture)
    with world.files.lock(root.lock, PATIENCE):
        parts = _committed(world.files, pack) if pack else {}
        ledger = Ledger(world.files, root)
        still = sorted(
            source for source, row in ledger.rows.items() if not source.startswith("capture ") and wanted in row.get("captures", ())
        )
        given = {wanted} | _given_by(ledger, wanted)
        gone = given & set(parts)
        if path and (after := manifest.without_source(before := _text(world.files, path), Entry("capture", wanted))) != before:
            world.files.write(path, after.encode())
        if pack and gone:
            _write_parts(world.files, pack.observations, {part: parts[part] for part in parts if part not in gone})
        ledger.forget({"captures": {wanted}, "parts": given})  # those too that an interrupted attempt took out of the observations
        world.files.remove_tree(root.capture(wanted))
    return Report(
        report="capture",
        summary={"forgotten": wanted, "parts": len(gone)},
        lines=(*(f"{source} is still a source: the next build captures it again" for source in still), "Next:", "  cask build"),
    )


def _committed(files: Files, pack: Pack) -> Mapping[str, Any]:
    """The parts of the observations; taking a file in does not wait for all that a build reads."""
    found: Mapping[str, Any] = load("workflows.gather:committed_parts")(files, pack)
    return found


def _one(ids: set[str], given: str) -> str:
    start = given.removeprefix("sha256:").lower()
    fitting = sorted(each for each in ids if each.removeprefix("sha256:").startswith(start))
    if len(start) >= SHORTEST and len(fitting) == 1:
        return fitting[0]
    what = f"`{given}` fits {len(fitting)} captures" if len(fitting) > 1 else f"there is no capture `{given}`"
    raise CaskError("CASK-I010", what, mend="cask capture list")


def _given_by(ledger: Ledger, capture: str) -> frozenset[str]:
    """Parts that came from a capture, and from nothing else that is known here."""
    givers = [source for source, row in ledger.rows.items() if source == f"capture {capture}" or capture in row.get("captures", ())]
    others = ledger.of((source for source in ledger.rows if source not in givers), "parts")
    return ledger.of(givers, "parts") - others


def _write_parts(files: Files, path: Path, parts: Mapping[str, Any]) -> None:
    if not parts:
        files.remove(path)
        return
    value = json.loads(files.read(path))
    files.write(path, canon.pretty({**value, "parts": dict(parts)}))
