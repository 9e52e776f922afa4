"""`cask mint`: from files, or from a browser, to a compiled toolpack in one command: init if needed, capture, build, and the next commands, exact."""

import re
import shlex
from collections.abc import Iterator
from typing import Final

from caskmcp.compiler.capture.sources.kinds import is_document
from caskmcp.errors import CaskError
from caskmcp.govern import keys, offer
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.store import project
from caskmcp.store.layout import MANIFEST, Root
from caskmcp.store.project import LoadedProject, SourceFile
from caskmcp.workflows import build, capture, here, record, specfiles
from caskmcp.workflows.record import Options

FILES: Final = Options()
"""Nothing is recorded: no option of a browser."""


def run(world: World, *, sources: tuple[str, ...], hosts: tuple[str, ...], name: str | None, options: Options = FILES) -> Report:
    """Take files in, or record an address, and compile. options: how to record. Raises what `capture import` or `capture record`, and `build` raise."""
    taken = _taken(world, sources, hosts, name, options)
    built = build.run(world)
    loaded = project.load_project(world.files, world.cwd)
    return Report(
        report="mint",
        summary={**built.summary, "added": taken.summary["added"]},
        findings=built.findings,
        lines=(*_before_next(taken.lines), *built.lines, "Next:", *(f"  {each}" for each in next_commands(world, loaded))),
    )


def _taken(world: World, sources: tuple[str, ...], hosts: tuple[str, ...], name: str | None, options: Options) -> Report:
    addresses = [given for given in sources if re.match(r"https?://", given, re.IGNORECASE)]
    if addresses:
        if len(sources) > 1:
            raise CaskError(
                "CASK-I001", "one address is recorded at a time, and no file beside it", mend="cask capture import FILE -a HOST"
            )
        return record.run(world, url=addresses[0], hosts=hosts, options=options, name=name)
    if options != Options(keep=options.keep):
        raise CaskError("CASK-I001", "only an address is recorded: files take none of a browser's options", mend="cask mint --help")
    return capture.take(world, sources=sources, hosts=hosts, name=name, keep_=options.keep)


def _before_next(lines: tuple[str, ...]) -> tuple[str, ...]:
    return lines[: lines.index("Next:")]


def next_commands(world: World, loaded: LoadedProject) -> Iterator[str]:
    """From the review to the first served call, without what is done already."""
    root, toolpack = here.root(world), loaded.project.id
    pack = root.pack(toolpack)
    cask = _program(world, root, toolpack)
    yield f"{cask} diff"
    names = [key.name for key in keys.listing(world.files, world.config)]
    if not names:
        yield f"{cask} keys new NAME"
    if not offer.root_files(world.files, pack):
        yield f"{cask} trust init --key {names[0] if names else 'NAME'}"
    elif here.pin(world, toolpack) is None:
        yield f"{cask} trust pin"
    yield f'{cask} gate allow --all --reason "first review"'
    if root.path.is_relative_to(loaded.folder):
        yield " ".join(("git add", *_committed(world, loaded, root)))
    yield f"{cask} check"
    yield f"{cask} config --client claude-desktop"
    yield f"{cask} serve"


def _program(world: World, root: Root, toolpack: str) -> str:
    """`cask`, with the options that lead to this toolpack from here."""
    at = f" --root {shlex.quote(world.root)}" if world.root else ""
    several = len(project.toolpacks(world.files, root.path)) > 1
    return f"cask{at}" + (f" --toolpack {toolpack}" if several else "")


def _committed(world: World, loaded: LoadedProject, root: Root) -> Iterator[str]:
    found = (row for row in project.expand_sources(world.files, loaded, root.path) if is_document(row.kind))
    specs = (name for row in found for name in _with_files(world, loaded, row))
    names = dict.fromkeys((MANIFEST, root.path.relative_to(loaded.folder).as_posix(), ".gitignore", ".gitattributes", *specs))
    up = "../" * len(world.cwd.relative_to(loaded.folder).parts)
    return (shlex.quote(up + name) for name in names)


def _with_files(world: World, loaded: LoadedProject, row: SourceFile) -> Iterator[str]:
    """A document and the files that it refers to, relative to the project."""
    yield row.path
    names = specfiles.gathered(world.files, row.kind, row.absolute)
    yield from sorted((row.absolute.parent / name).relative_to(loaded.folder).as_posix() for name in names)
