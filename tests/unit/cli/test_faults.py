"""What is said of an unexpected error: its kind and its place in the program, and no data."""

import pytest

from caskmcp.cli.faults import kind, trace
from caskmcp.errors import CaskError


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        (KeyError("mango55w"), "KeyError: '…'"),
        (ValueError("could not convert string to float: 'mango55w'"), "ValueError: could not convert string to float: '…'"),
        (TypeError('bad "mango \\" 55w" in `mango`'), 'TypeError: bad "…" in `…`'),
        (ValueError("it's mango55w"), "ValueError: it'…'"),
        (RuntimeError("mail to alice@post.example failed"), "RuntimeError: mail to [email] failed"),
        (ValueError("first\nmango55w"), "ValueError: first"),
        (ValueError("x" * 400), "ValueError: " + "x" * 300),
        (RuntimeError(), "RuntimeError"),
        (CaskError("CASK-I010", "there is no capture `abc1`"), "CaskError: CASK-I010 there is no capture `abc1`"),
    ],
)
def test_an_error_is_told_without_data(cause: Exception, said: str) -> None:
    assert kind(cause) == said


def failing() -> None:
    try:
        {}["mango55w"]
    except KeyError as cause:
        raise ValueError("not 'mango55w'") from cause


def test_a_traceback_has_every_error_that_led_to_it_and_the_lines_of_the_program() -> None:
    with pytest.raises(ValueError) as raised:
        failing()
    text = "".join(trace(raised.value))
    assert text.index("KeyError: '…'\n") < text.index("The error above led to this one") < text.index("ValueError: not '…'\n")
    assert text.count("in failing\n") == 2


def setting_aside() -> None:
    try:
        {}["mango55w"]
    except KeyError:
        raise ValueError("told") from None


def test_an_error_that_was_set_aside_is_not_told() -> None:
    with pytest.raises(ValueError) as raised:
        setting_aside()
    assert "KeyError" not in "".join(trace(raised.value))
