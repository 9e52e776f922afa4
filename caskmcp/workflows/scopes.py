"""`cask scopes`: the scopes that a build suggests beside those of the user's `scopes.yaml`, and the merge of the first into the second.

A merge adds and never overwrites: a tool stays in the scope that the user put it into, words stay as they are, and what is no longer suggested stays.
It gives nobody anything: a tool whose scope changes waits for its approval again.
"""

import difflib
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from caskmcp.compiler.classify.stated import homes
from caskmcp.errors import CaskError
from caskmcp.model.finding import Finding, Report, Severity
from caskmcp.model.scope import Boundary, OwnScopes, Scope, Scopes
from caskmcp.ports import World
from caskmcp.store import manifest, project, scopefile
from caskmcp.store.project import LoadedProject
from caskmcp.workflows import here

SUGGESTED = "scopes.suggested.yaml"
LIMIT = 1 << 20
"""Bytes of a file of scopes."""


@dataclass(frozen=True)
class Sides:
    """What a build suggests and what the user says."""

    suggested: Scopes
    own: OwnScopes
    text: str
    """Of the user's file; empty where there is none."""
    path: Path
    name: str
    """Of the user's file, as the manifest has it."""

    @property
    def homes(self) -> dict[str, str]:
        """Tool -> the user's scope that holds it."""
        return homes(self.own.scopes)

    def new(self) -> dict[str, tuple[str, ...]]:
        """Suggested scope -> its tools that no scope of the user holds; scopes without one are left out."""
        held = self.homes
        rows = {name: tuple(tool for tool in row.tools if tool not in held) for name, row in self.suggested.scopes.items()}
        return {name: tools for name, tools in sorted(rows.items()) if tools}


def show(world: World) -> Report:
    """Every scope with how sure it is, and what the user's file lacks. Raises CASK-I006, CASK-I011, CASK-I002 without what is compared."""
    sides = _sides(world, project.load_project(world.files, world.cwd))
    findings = (*_kept(sides), *_reviews(sides), *(_missing(sides) if sides.text else ()))
    rows = tuple(_rows(sides))
    lines = () if sides.text else (f"There is no {sides.name} yet: what stands here is suggested. `cask scopes merge` writes it.",)
    return Report(
        report="scopes", summary={"scopes": len(rows), "new": len(sides.new())}, tables={"scopes": rows}, findings=findings, lines=lines
    )


def merge(world: World) -> Report:
    """Add to the user's file what it lacks, and name it in the manifest. Raises as `show`, and CASK-I004 for a list that cannot be added to."""
    loaded = project.load_project(world.files, world.cwd)
    sides = _sides(world, loaded)
    text = sides.text or scopefile.FRESH
    for name, tools in sides.new().items():
        if name in sides.own.scopes:
            text = scopefile.with_tools(text, name, tools, sides.name)
        else:
            text = scopefile.with_scope(text, name, Boundary(description=sides.suggested.scopes[name].description, tools=tools), sides.name)
    changed = bool(sides.new())
    if changed:
        world.files.write(sides.path, text.encode())
        _name(world, loaded, sides.name)
    added = tuple({"scope": name, "tool": tool} for name, tools in sides.new().items() for tool in tools)
    shown = (
        tuple(difflib.unified_diff(sides.text.splitlines(), text.splitlines(), sides.name, sides.name, lineterm="", n=1)) if changed else ()
    )
    return Report(
        report="scopes-merge",
        summary={"added": len(added), "file": sides.name},
        tables={"added": added},
        findings=(*_kept(sides), *_reviews(sides)),
        lines=(*shown, "Next: cask build") if changed else (f"{sides.name} lacks nothing.",),
        told=True,
    )


def _sides(world: World, loaded: LoadedProject) -> Sides:
    files, pack = world.files, here.pack(world)
    path = pack.artifact(SUGGESTED)
    if not files.exists(path):
        raise CaskError("CASK-I002", f"{SUGGESTED} was not built: `emit:` lacks `scopes`", place=str(path), mend="edit cask.yaml")
    name = loaded.project.scopes or scopefile.NAME
    own = project.inside(loaded, name, loaded.document.place(("scopes",)) if loaded.project.scopes else str(loaded.path))
    data = files.read(own, LIMIT) if files.exists(own) else b""
    try:
        suggested = Scopes.from_yaml(files.read(path, LIMIT), SUGGESTED, code="CASK-L002")
    except CaskError as cause:
        raise cause.mended("cask build") from cause
    return Sides(suggested, _own(data, name), data.decode("utf-8"), own, name)


def _own(data: bytes, name: str) -> OwnScopes:
    try:
        return OwnScopes.from_yaml(data, name) if data else OwnScopes(version=1)
    except CaskError as cause:
        raise cause.mended(f"edit {shlex.quote(name)}") from cause


def _name(world: World, loaded: LoadedProject, name: str) -> None:
    if loaded.project.scopes is None:
        text = world.files.read(loaded.path).decode("utf-8")
        world.files.write(loaded.path, manifest.with_scopes(text, name).encode())


def _rows(sides: Sides) -> Iterator[dict[str, Any]]:
    for name, mine in sorted(sides.own.scopes.items()):
        yield {
            "scope": name,
            "by": "you",
            "tools": len(mine.tools),
            **_sure(sides.suggested.scopes.get(name)),
            "description": mine.description,
        }
    for name, tools in sides.new().items():
        row = sides.suggested.scopes[name]
        yield {"scope": name, "by": "suggested", "tools": len(tools), **_sure(row), "description": row.description}


def _sure(row: Scope | None) -> dict[str, Any]:
    return {"certainty": "" if row is None else row.certainty, "review": row is not None and row.review_required}


def _missing(sides: Sides) -> Iterator[Finding]:
    for name, tools in sides.new().items():
        said = f"{', '.join(tools)}: in no scope of {sides.name}; {name} is suggested"
        yield Finding(code="scope-new", severity=Severity.REVIEW, subject=name, message=said, place=sides.name, mend="cask scopes merge")


def _kept(sides: Sides) -> Iterator[Finding]:
    held = sides.homes
    for name, row in sorted(sides.suggested.scopes.items()):
        for tool in row.tools:
            if held.get(tool, name) != name:
                said = f"{tool} stays in {held[tool]}; {name} is suggested"
                yield Finding(code="scope-kept", severity=Severity.INFO, subject=f"tool:{tool}", message=said, place=sides.name)


def _reviews(sides: Sides) -> Iterator[Finding]:
    for name, row in sorted(sides.suggested.scopes.items()):
        if row.review_required:
            said = f"{name} is {row.certainty} % certain ({row.why}) and holds tools of high risk: approve those by name"
            yield Finding(code="scope-review", severity=Severity.INFO, subject=name, message=said, place=SUGGESTED, mend="cask gate status")
