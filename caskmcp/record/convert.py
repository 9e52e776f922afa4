"""A mitmproxy flow file becomes exchanges: mitmdump reads it, out of process, and says through a pipe what is in it.

A file that it cannot read to its end is refused as a whole: mitmdump writes what it read so far all the same, so its exit status is what counts.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from caskmcp.compiler.capture.sources import flows
from caskmcp.compiler.capture.sources.interface import Recorded
from caskmcp.errors import CaskError
from caskmcp.model.exchange import Skipped
from caskmcp.record.mitmdump import Program
from caskmcp.record.session import Session, opening
from caskmcp.store import scratch

SILENCE: Final = 120.0
"""Seconds without a line after which mitmdump is given up."""
ARGUMENTS: Final = ("-n", "-r", "-")


def exchanges(program: Program, path: Path) -> Iterator[Recorded | Skipped]:
    """Each flow of a file in its order. mitmdump gets the file itself, not its name, and a folder for the key that it makes, which goes afterwards.

    Raises CASK-C001 for a file that it cannot read and CASK-C020 for a program that is not the right one; what came before counts for nothing then.
    """
    settings = {"hosts": None, "body": flows.BODY}
    with (
        scratch.folder() as confdir,
        path.open("rb") as file,
        Session(program, ARGUMENTS, settings, confdir, stdin=file.fileno(), live=False) as session,
    ):
        said = flows.messages(_watched(session))
        opening(said, program)
        yield from flows.items(said)
        if session.status() != 0:
            raise flows.unreadable()


def _watched(session: Session) -> Iterator[bytes]:
    session.limit(SILENCE)
    for block in session.blocks():
        yield block
        session.limit(SILENCE)
    if not session.is_over:
        raise CaskError("CASK-C001", f"mitmdump said nothing for {SILENCE:.0f} seconds", mend="take the recording again, whole")
