"""`verify.yaml` beside the manifest: found, parsed, and held against the toolpack. Promises that what is returned names only tools that are there."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from caskmcp import canon
from caskmcp.analyze.verify.assertions import compiled
from caskmcp.errors import CaskError
from caskmcp.model.verification import Assertion, VerifyFile
from caskmcp.ports import World
from caskmcp.store import project
from caskmcp.text import Document, parse_yaml
from caskmcp.workflows import places

NAME: Final = "verify.yaml"
NOBODY: Final = VerifyFile(version=1)


@dataclass(frozen=True)
class Stated:
    """What people state, and where."""

    file: VerifyFile
    document: Document
    digest: str
    """Of what the file says, however it is written; empty without one."""

    def place(self, *path: str | int) -> str:
        """`verify.yaml:LINE` of a part."""
        return self.document.place(path)


def path(world: World) -> Path:
    """Where it lies, or would: beside the manifest, from whichever folder below this is asked."""
    manifest = project.find_manifest(world.files, world.cwd)
    return (manifest.parent if manifest else world.cwd) / NAME


def read(world: World, at: Path | None = None) -> Stated:
    """Parse it; without a file, what nobody states. at: another file. Raises CASK-I003 and CASK-I004 with the line."""
    file = at or path(world)
    if at is None and not world.files.exists(file):
        return Stated(NOBODY, Document(NAME, {}, {}), "")
    document = parse_yaml(world.files.read(file), places.shown(world, file))
    try:
        stated = VerifyFile.of(document)
        _refuse_schemas(stated, document)
    except CaskError as cause:
        raise cause.mended(f"edit {NAME}") from cause
    return Stated(stated, document, str(canon.digest(document.value)))  # not of the record, whose defaults would hide `is: null`


def refuse_unknown(stated: Stated, tools: frozenset[str]) -> None:
    """Raise CASK-I010 for a tool that the toolpack does not have: what is stated of it would never be judged."""
    for name in stated.file.tools:
        if name not in tools:
            raise CaskError("CASK-I010", f"there is no tool `{name}`", place=stated.document.name, mend="cask gate status")


def _refuse_schemas(stated: VerifyFile, document: Document) -> None:
    for number, row in enumerate(stated.contracts):
        _compile(row.asserted, document, ("contracts", number))
    for number, outcome in enumerate(stated.outcomes):
        for index, step in enumerate(outcome.steps):
            _compile(step.asserted, document, ("outcomes", number, "steps", index))


def _compile(asserted: tuple[Assertion, ...], document: Document, at: tuple[str | int, ...]) -> None:
    for number, row in enumerate(asserted):
        if row.asks == "schema":
            compiled(row.value, document.place((*at, "assert", number)))
