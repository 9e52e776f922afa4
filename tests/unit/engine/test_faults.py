"""Errors cross processes as records, and reach the user as one line with the source's name."""

import pickle

import pytest

from caskmcp.canon import Digest
from caskmcp.engine.faults import RemoteFault, lost_blob, recorded, restored, worded
from caskmcp.errors import CaskError
from caskmcp.store.blobs import BlobLost

LOST = Digest("sha256:" + "a" * 64)


class Awkward(Exception):
    """Breaks a process pool if it is pickled: its constructor takes other arguments than its `args`."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__("text")


def chained() -> BaseException:
    try:
        try:
            raise BlobLost(LOST)
        except BlobLost as cause:
            raise CaskError("CASK-C001", "cannot be read") from cause
    except CaskError as error:
        return error


def test_our_errors_come_back_as_they_were() -> None:
    error = restored(recorded(CaskError("CASK-C001", "cut off", place="byte 7", mend="cask build")))
    assert isinstance(error, CaskError)
    assert str(error) == "CASK-C001 cut off · byte 7 · cask build"


def test_any_other_exception_comes_back_with_type_text_and_traceback() -> None:
    record = pickle.loads(pickle.dumps(recorded(Awkward(1, 2))))
    error = restored(record)
    assert isinstance(error, RemoteFault)
    assert str(error) == "Awkward: text"
    assert "Awkward: text" in error.__notes__[0]


def test_a_lost_blob_is_found_behind_other_words_and_crosses_as_itself() -> None:
    assert lost_blob(chained()) == LOST
    assert lost_blob(ValueError()) is None
    error = restored(recorded(chained()))
    assert isinstance(error, BlobLost)
    assert error.digest == LOST


@pytest.mark.parametrize(
    ("cause", "label", "text"),
    [
        (CaskError("CASK-C001", "cut off", place="line 7"), "a.har", "CASK-C001 cut off · a.har:7 · take the recording again, whole"),
        (
            CaskError("CASK-C001", "cut off", place="entry 3"),
            "a.har",
            "CASK-C001 cut off · a.har, entry 3 · take the recording again, whole",
        ),
        (CaskError("CASK-C003", "0 of 8 kept", mend="cask init"), "a.har", "CASK-C003 0 of 8 kept · a.har · cask init"),
        (
            CaskError("CASK-C001", "it was changed", place="/p/a.har"),
            "a.har",
            "CASK-C001 it was changed · /p/a.har · take the recording again, whole",
        ),
        (CaskError("CASK-N001", "nothing", place="cask.yaml:3"), "", "CASK-N001 nothing · cask.yaml:3"),
        (KeyError("entries"), "a.har", "CASK-B001 infer failed: KeyError: 'entries' · a.har · … --debug"),
        (ValueError("one\ntwo"), "", "CASK-B001 infer failed: ValueError: one · … --debug"),
        (RemoteFault("KeyError", "'x'", "trace"), "", "CASK-B001 infer failed: KeyError: 'x' · … --debug"),
    ],
)
def test_the_user_sees_one_line_with_the_source(cause: Exception, label: str, text: str) -> None:
    assert str(worded(cause, "infer", label)) == text
