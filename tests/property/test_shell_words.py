"""Splitting command lines: as `shlex` on plain input, back again on quoted input, and bounded on any."""

import shlex

from hypothesis import given, settings
from hypothesis import strategies as st

from caskmcp.compiler.capture.sources.curl import cmd, words

# Letters, blanks, quotes and backslashes: what both know. In double quotes bash also undoes `\$` and `` \` ``, which shlex does not have.
PLAIN = st.text(alphabet="ab1-/:.=@% \t'\"\\", max_size=40)


@given(line=PLAIN)
@settings(max_examples=400)
def test_words_are_those_of_shlex(line: str) -> None:
    try:
        expected = shlex.split(line)
    except ValueError:
        expected = None
    found = list(words.commands(line))
    if expected is None:
        # An open quote is a problem; a backslash at the end of all is a letter, as a shell takes it at the end of its input.
        assert any(command.problem for command in found) or line.endswith("\\")
    else:
        assert [word for command in found for word in command.words] == expected
        assert not any(command.problem for command in found)


@given(given_words=st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12), min_size=1, max_size=6))
def test_quoted_words_come_back(given_words: list[str]) -> None:
    (command,) = words.commands(shlex.join(given_words))
    assert (command.words, command.problem) == (given_words, "")


@given(text=st.text(alphabet="ab$(){}`'\"\\<>|&;#\n \t=!", max_size=60))
@settings(max_examples=400)
def test_any_text_is_split_and_what_would_be_run_is_a_problem(text: str) -> None:
    for command in words.commands(text):
        assert command.line >= 1
    for command in cmd.commands(text):
        assert command.words


@given(value=st.text(max_size=30))
def test_text_in_ansi_quotes_comes_back(value: str) -> None:
    value = value.encode("utf-8", "replace").decode("utf-8")
    escaped = "".join(f"\\u{ord(letter):04x}" if ord(letter) < 0x10000 else f"\\U{ord(letter):08x}" for letter in value)
    (command,) = words.commands(f"x $'{escaped}'")
    assert command.words == ["x", value]
