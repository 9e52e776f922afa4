"""When the console shows a review on the whole screen, on a real pseudo-terminal: only where it fits, nothing steers it and the extra is here."""

import os
import pty
import sys
import termios
from collections.abc import Iterator
from typing import IO, Any

import pytest

from caskmcp.report import console
from caskmcp.report.console import TerminalConsole
from caskmcp.workflows.review import Board, Review

BOARD = Board(Review(()))
STREAMS = {"stdin": "r", "stdout": "w", "stderr": "w"}


class Desk:
    """A terminal of 60 x 15 as all three streams, and what is shown on it. Taken up in the test: pytest sets the streams anew before it begins."""

    def __init__(self, ours: int, files: dict[str, IO[Any]], patch: pytest.MonkeyPatch) -> None:
        self.ours, self.files, self.patch = ours, files, patch
        self.shown: list[tuple[str, object]] = []
        """What was loaded to be shown, and the board that it was given; nothing is drawn."""

    def sits(self, size: tuple[int, int] = (15, 60)) -> bool:
        """Whether the board is shown to who sits here."""
        for name, file in self.files.items():
            self.patch.setattr(sys, name, file)
        self.patch.setattr(console, "load", lambda row: lambda board: self.shown.append((row, board)))
        termios.tcsetwinsize(self.ours, size)
        return TerminalConsole(whole=True).screen(BOARD)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    person, ours = pty.openpty()
    files: dict[str, IO[Any]] = {name: os.fdopen(os.dup(ours), mode, encoding="utf-8") for name, mode in STREAMS.items()}
    yield Desk(ours, dict(files), monkeypatch)
    monkeypatch.undo()
    for file in files.values():
        file.close()
    os.close(ours)
    os.close(person)


def test_a_terminal_that_fits_shows_the_board(desk: Desk) -> None:
    assert desk.sits()
    assert desk.shown == [("report.screen:show", BOARD)]


@pytest.mark.parametrize("size", [(15, 59), (14, 60), (50, 20), (0, 0)])
def test_a_terminal_that_is_too_small_shows_nothing(desk: Desk, size: tuple[int, int]) -> None:
    assert (desk.sits(size), desk.shown) == (False, [])


@pytest.mark.parametrize("name", STREAMS)
def test_without_all_three_streams_nothing_is_shown(desk: Desk, name: str) -> None:
    with open(os.devnull, STREAMS[name], encoding="utf-8") as nowhere:
        desk.files[name] = nowhere
        assert (desk.sits(), desk.shown) == (False, [])


def test_without_a_stream_nothing_is_shown(desk: Desk) -> None:
    assert desk.sits()
    desk.patch.setattr(sys, "stderr", None)
    assert not TerminalConsole(whole=True).screen(BOARD)


def test_without_the_extra_or_where_prompts_are_wanted_nothing_is_shown(desk: Desk) -> None:
    assert desk.sits()
    assert not TerminalConsole(whole=False).screen(BOARD)
    desk.patch.setitem(sys.modules, "textual", None)
    assert not desk.sits()
    assert len(desk.shown) == 1
