"""What the environment says of the terminal."""

import pytest

from caskmcp.cli import world
from caskmcp.report.console import TerminalConsole


@pytest.mark.parametrize(
    ("environ", "options", "plain", "whole"),
    [
        ({"TERM": "xterm-256color"}, {}, False, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, {}, True, True),
        ({"TERM": "xterm"}, {"plain": True}, True, False),
        ({"TERM": "dumb"}, {}, False, False),
        ({"TERM": ""}, {}, False, False),
        ({}, {}, False, False),
        ({"TERM": "xterm", "TEXTUAL_PRESS": "a,enter"}, {}, False, False),
        ({"TERM": "xterm", "TEXTUAL": "devtools"}, {}, False, False),
    ],
)
def test_the_whole_screen_is_for_a_terminal_that_takes_orders_and_that_no_variable_steers(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], options: dict[str, bool], plain: bool, whole: bool
) -> None:
    for name in ("TERM", "NO_COLOR", "TEXTUAL", "TEXTUAL_PRESS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    console = world.build(options).console
    assert isinstance(console, TerminalConsole)
    assert (console.plain, console.whole) == (plain, whole)
