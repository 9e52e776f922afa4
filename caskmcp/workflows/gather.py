"""Everything that a build reads: the manifest's sections, sources, committed parts, the redaction key; and what has to be watched for changes.

Committed parts that a source here gave are left out: the source gives them anew. Writes nothing.
"""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from caskmcp import canon
from caskmcp.engine import inputs
from caskmcp.engine.inputs import Ref
from caskmcp.engine.plan import Unit
from caskmcp.errors import CaskError
from caskmcp.model.observation import SCHEMA
from caskmcp.model.policy import Additions
from caskmcp.model.record import Record
from caskmcp.model.scope import OwnScopes
from caskmcp.ports import Files
from caskmcp.store import project
from caskmcp.store.index import Index
from caskmcp.store.layout import Pack, Root
from caskmcp.store.project import LoadedProject, SourceFile
from caskmcp.text import parse_yaml
from caskmcp.workflows import specfiles
from caskmcp.workflows.given import Ledger

_WILD: Final = re.compile(r"[*?\[]")

Parts = Mapping[str, Any]
"""Part id -> part, as plain JSON."""


@dataclass(frozen=True)
class Gathered:
    """What a build reads, by role."""

    loaded: LoadedProject
    sources: Mapping[str, tuple[str, ...]]
    """Unit key -> the sources (kind and path) with that content."""
    units: tuple[Unit, ...]
    shared: Mapping[str, Ref]
    committed: Parts
    """Parts of `observations.json` as it lies there."""
    foreign: Parts
    """Committed parts that no source here gave."""
    reserved: frozenset[Path]
    """Folders of captures that are sources themselves."""
    missing: tuple[CaskError, ...]
    """Entries of `sources:` that mean no file here."""


def gather(
    files: Files, loaded: LoadedProject, root: Root, index: Index, *, secret: bytes, traffic: bool = True, before: Parts | None = None
) -> Gathered:
    """Read everything. traffic: False leaves every source out, as in a clone that has committed observations alone. before: the committed
    parts of the last build that no source gave, which stand in for observations that cannot be read.

    Raises CASK-C004 for a source without a file where no committed part stands in for it.
    """
    found = project.expand_sources(files, loaded, root.path) if traffic else ()
    missing = project.unmatched(files, loaded, root.path) if traffic else ()
    contents = tuple(_content(files, row, index) for row in found)
    named = tuple(_named(found, contents))
    units = _units(found, named, contents)
    sources: dict[str, tuple[str, ...]] = {}
    for name, key in named:
        sources[key] = (*sources.get(key, ()), name)
    committed = _committed(files, root.pack(loaded.project.id), before)
    if missing and not committed:
        raise missing[0]
    ledger = Ledger(files, root)
    ours = ledger.of((name for names in sources.values() for name in names), "parts") | ledger.by_content(sources)
    foreign = {part: committed[part] for part in sorted(committed) if part not in ours}
    shared = _sections(files, loaded, index) | {
        "committed.parts": inputs.of_bytes(canon.compact(foreign)),
        "secret.redaction": inputs.of_bytes(secret),
    }
    reserved = frozenset(row.absolute.parent for row in found if row.kind == "capture")
    return Gathered(loaded, sources, units, shared, committed, foreign, reserved, missing)


def _committed(files: Files, pack: Pack, before: Parts | None) -> Parts:
    try:
        return committed_parts(files, pack)
    except CaskError:
        if before is None:
            raise
        return before


def committed_parts(files: Files, pack: Pack) -> Parts:
    """The parts of `observations.json` as committed; none if there is no file. Raises CASK-I003, CASK-I008."""
    if not files.exists(pack.observations):
        return {}
    mend = f"git checkout -- {shlex.quote(str(pack.observations))}"
    try:
        value = json.loads(files.read(pack.observations))
    except (ValueError, RecursionError) as cause:
        raise CaskError(
            "CASK-I003", f"the committed observations cannot be read: {cause}", place=str(pack.observations), mend=mend
        ) from cause
    if not isinstance(value, dict) or value.get("schema") != SCHEMA or not isinstance(value.get("parts"), dict):
        raise CaskError("CASK-I008", f"expected {SCHEMA} with `parts`", place=str(pack.observations), mend=mend)
    return dict(value["parts"])


# ---------------------------------------------------------------- sources
def _named(found: tuple[SourceFile, ...], contents: tuple[Ref, ...]) -> Iterator[tuple[str, str]]:
    """Each source by kind and path, with the key of its content."""
    for row, ref in zip(found, contents, strict=True):
        content = canon.digest({"kind": row.kind, "content": ref.digest})
        yield f"{row.kind} {row.path if row.kind == 'capture' else label(row)}", canon.hexadecimal(content)


def _units(found: tuple[SourceFile, ...], named: tuple[tuple[str, str], ...], contents: tuple[Ref, ...]) -> tuple[Unit, ...]:
    """One unit for each kind and content: a second file with the same bytes adds nothing."""
    units: dict[str, Unit] = {}
    for row, (_, key), content in zip(found, named, contents, strict=True):
        units.setdefault(key, Unit(key, label(row), {"source": content, "source.kind": inputs.of_value(row.kind)}))
    return tuple(units.values())


def label(row: SourceFile) -> str:
    """What people know a source by; a name that is no UTF-8 is written with escapes."""
    return f"{row.path[:12]}…" if row.kind == "capture" else row.path.encode("utf-8", "backslashreplace").decode("utf-8")


def _content(files: Files, row: SourceFile, index: Index) -> Ref:
    """What a source holds: its file, or the document with all files that it refers to, each of them watched."""
    digest = index.digest(row.absolute)
    line = index.now[str(row.absolute)]
    if digest is None or line.stat is None:
        raise CaskError("CASK-I002", "it was removed while the build began", place=row.path, mend="cask build")
    packed = specfiles.content(files, row.kind, row.absolute, index.digest)
    return inputs.of_file(row.absolute, digest, line.stat) if packed is None else inputs.of_bytes(packed)


# ---------------------------------------------------------------- the manifest
def _sections(files: Files, loaded: LoadedProject, index: Index) -> dict[str, Ref]:
    manifest = loaded.project.model_dump(mode="json", by_alias=True)
    sections: dict[str, Any] = {
        **manifest,
        "id": loaded.project.id,
        "policy": _document(files, loaded, index, "policy", loaded.project.policy, Additions),
        "scopes": _document(files, loaded, index, "scopes", loaded.project.scopes, OwnScopes),
    }
    return {f"project.{name}": inputs.of_value(value) for name, value in sections.items()}


def _document(files: Files, loaded: LoadedProject, index: Index, section: str, given: str | None, record: type[Record]) -> Any:
    """What a document that the manifest names says, as plain JSON, null if it names none: its content counts, not its file's name."""
    if given is None:
        return None
    path = project.inside(loaded, given, loaded.document.place((section,)))
    index.watch(path)
    return record.of(parse_yaml(files.read(path), given)).model_dump(mode="json", by_alias=True)


# ---------------------------------------------------------------- watching
def watched(files: Files, loaded: LoadedProject, root: Root) -> Iterator[Path]:
    """Paths whose change may change what `sources:` means: the manifest, folders that patterns look into, captures that are named."""
    yield loaded.path
    for source in loaded.project.sources:
        if source.kind == "capture":
            yield root.exchanges(source.pattern)
        else:
            yield from _looked_into(files, loaded.folder, tuple(part for part in source.pattern.split("/") if part not in ("", ".")))


def _looked_into(files: Files, folder: Path, parts: tuple[str, ...]) -> Iterator[Path]:
    if not files.is_folder(folder):
        yield folder
    elif parts and not _WILD.search(parts[0]):
        yield from _looked_into(files, folder / parts[0], parts[1:])
    elif parts:
        yield folder
        rest = parts if parts[0] == "**" else parts[1:]
        below = (folder / name for name in files.listing(folder))
        yield from (path for each in below if rest and files.is_folder(each) for path in _looked_into(files, each, rest))
