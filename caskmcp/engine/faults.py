"""Errors on their way out of a stage: as records between processes, and as the one error that the user sees.

An exception whose constructor takes other arguments than its `args` would break a process pool for good, so none crosses as itself.
"""

import traceback
from typing import Any, Final

from caskmcp.canon import Digest
from caskmcp.errors import AGAIN, CODES, CaskError
from caskmcp.redact.scan import scanner
from caskmcp.store.blobs import BlobLost

Record = dict[str, Any]


class RemoteFault(Exception):
    """What a stage in another process raised, by type, text and traceback."""

    def __init__(self, kind: str, text: str, trace: str) -> None:
        super().__init__(f"{kind}: {text}")
        self.add_note(trace)


def recorded(cause: BaseException) -> Record:
    """An exception as plain values."""
    if (lost := lost_blob(cause)) is not None:
        return {"lost": lost}
    if isinstance(cause, CaskError):
        return {"code": cause.code, "what": cause.what, "place": cause.place, "mend": cause.mend}
    return {"type": type(cause).__name__, "text": str(cause), "trace": "".join(traceback.format_exception(cause))}


def restored(record: Record) -> Exception:
    """The exception that a record stands for."""
    if "lost" in record:
        return BlobLost(Digest(record["lost"]))
    if record.get("code") in CODES:
        return CaskError(record["code"], record["what"], place=record["place"], mend=record["mend"])
    return RemoteFault(record["type"], record["text"], record["trace"])


def lost_blob(cause: BaseException | None) -> Digest | None:
    """The blob whose loss is behind an exception, even where a stage worded it anew."""
    while cause is not None:
        if isinstance(cause, BlobLost):
            return cause.digest
        cause = cause.__cause__ or cause.__context__
    return None


_MENDS: Final = {
    # A stage knows neither the file nor the command; what it refuses lies in the source, or in the manifest.
    "CASK-C001": "take the recording again, whole",
    "CASK-C002": "correct the document, then: cask build",
    "CASK-C005": "record or export less at once",
    "CASK-I009": "edit cask.yaml",
    "CASK-N002": "edit cask.yaml",
}


def worded(cause: Exception, stage: str, label: str) -> CaskError:
    """A stage's exception as the user sees it: our own errors with the source's name, everything else as CASK-B001."""
    if not isinstance(cause, CaskError):
        what = f"{stage} failed: {type(cause).__name__}: {cause}" if not isinstance(cause, RemoteFault) else f"{stage} failed: {cause}"
        error = CaskError("CASK-B001", what.split("\n", maxsplit=1)[0][:300], place=label or None, mend=f"{AGAIN} --debug")
    elif not label or (cause.place or "").startswith("/"):
        error = cause
    else:
        what = without_finds(cause.what) if stage == "capture" else cause.what
        error = CaskError(cause.code, what, place=_placed(label, cause.place), mend=cause.mend)
    return error.mended(_MENDS.get(error.code, ""))


def without_finds(text: str) -> str:
    """A text that may name what a stranger's document calls things, without whatever redaction would cut from the document."""
    return scanner("strict").replace(text, lambda row, found: "…")


def _placed(label: str, place: str | None) -> str:
    """`shop.har:7` for a line of a source, else `shop.har, entry 3`."""
    if not place:
        return label
    return f"{label}:{place.removeprefix('line ')}" if place.startswith("line ") else f"{label}, {place}"
