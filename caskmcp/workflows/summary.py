"""A report in files that the caller names: added as Markdown to what a CI system shows on the page of a run, and in further formats of the same run.

Nothing is written because of an environment variable alone. Each file is replaced as a whole; a summary keeps what stood in it before.
"""

from typing import Final

from caskmcp.errors import CaskError
from caskmcp.load import load
from caskmcp.model.finding import Report
from caskmcp.ports import World
from caskmcp.report.formats import FORMATS
from caskmcp.report.visible import visible

MOST: Final = 1_000_000
"""Bytes of a step summary that GitHub shows (1 MiB); with more it shows none."""
WRITTEN: Final = ("comment", "github-md", "json", "junit", "sarif")
"""Formats that `--write` knows."""
CUT: Final = "\n\n*The rest does not fit here.*\n"


def added(world: World, report: Report, file: str | None) -> Report:
    """The report, once it stands in the file; None: nothing is written. Raises CASK-I010 for a folder, CASK-W001 where the disk refuses."""
    if file is None:
        return report
    path = world.cwd / file
    if world.files.is_folder(path):
        raise CaskError("CASK-I010", "this is a folder, a file is needed", place=file, mend="cask check --summary FILE")
    before = world.files.read(path) if world.files.exists(path) else b""
    written = visible(load(FORMATS["github-md"])(report)).encode("utf-8")
    world.files.write(path, _cut(before + (b"\n" if before else b"") + written + b"\n"))
    return report


def written(world: World, report: Report, wanted: tuple[str, ...]) -> Report:
    """The report, once it stands in each file. wanted: `FORMAT=FILE`. Raises CASK-I001 for another form, CASK-I010 and CASK-W001 as `added` does."""
    for how, file in map(_wanted, wanted):
        path = world.cwd / file
        if world.files.is_folder(path):
            raise CaskError("CASK-I010", "this is a folder, a file is needed", place=file, mend=f"cask check --write {how}=FILE")
        world.files.write(path, visible(load(FORMATS[how])(report)).encode("utf-8") + b"\n")
    return report


def known(wanted: tuple[str, ...]) -> tuple[str, ...]:
    """The same, if each says a format that can be written and a file: asked before the work that would be for nothing."""
    for row in wanted:
        _wanted(row)
    return wanted


def _wanted(text: str) -> tuple[str, str]:
    how, _, file = text.partition("=")
    if how not in WRITTEN or not file:
        what = f"`--write` takes FORMAT=FILE, and the formats are {', '.join(WRITTEN)}"
        raise CaskError("CASK-I001", what, place=text, mend="cask check --help")
    return how, file


def _cut(data: bytes) -> bytes:
    """As much as is shown, cut after a line."""
    if len(data) <= MOST:
        return data
    return data[:MOST].rpartition(b"\n")[0] + CUT.encode()
