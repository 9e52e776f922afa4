"""A report added as Markdown to a file that the caller names: what a CI system shows on the page of a run.

Nothing is written because of an environment variable alone. The file is replaced as a whole, with what stood in it before.
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


def _cut(data: bytes) -> bytes:
    """As much as is shown, cut after a line."""
    if len(data) <= MOST:
        return data
    return data[:MOST].rpartition(b"\n")[0] + CUT.encode()
