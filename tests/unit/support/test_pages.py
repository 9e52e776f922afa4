"""Pages are read and run as `tests/support/pages.py` says."""

from pathlib import Path

import pytest

from tests.support.pages import Command, commands, missing, play, prepare

PAGE = """
# A page
<!-- given: notes/license.txt from LICENSE -->
```console
$ cat notes/license.txt          # a comment for the reader
MIT License
…CaskMCP contributors
$ test -d nowhere                # exit 1
```
```sh
not run
```
```console
$ echo one && echo two
one
two
```
"""


def test_commands_carry_their_status_and_what_is_shown() -> None:
    assert commands(PAGE) == (
        Command("cat notes/license.txt          # a comment for the reader", 0, ("MIT License", "…CaskMCP contributors")),
        Command("test -d nowhere                # exit 1", 1, ()),
        Command("echo one && echo two", 0, ("one", "two")),
    )


def test_what_is_given_lies_in_the_scratch_folder_and_the_commands_run_there(tmp_path: Path) -> None:
    prepare(PAGE, tmp_path)
    played = [(play(command, tmp_path, tmp_path / "home"), command) for command in commands(PAGE)]
    assert [done.exit for done, _ in played] == [0, 1, 0]
    assert [missing(command.shown, done.transcript) for done, command in played] == [None, None, None]


@pytest.mark.parametrize(
    ("shown", "transcript", "first"),
    [
        (("one", "two"), "one\ntwo\n", None),
        (("two", "one"), "one\ntwo\n", "one"),
        (("sha256:…  tools.json",), "sha256:12ab  tools.json\n", None),
        (("sha256:…  lock",), "sha256:12ab  tools.json\n", "sha256:…  lock"),
        (("a.c",), "abc", "a.c"),
    ],
)
def test_the_first_line_that_is_not_printed_in_order_is_named(shown: tuple[str, ...], transcript: str, first: str | None) -> None:
    assert missing(shown, transcript) == first


def test_a_block_that_begins_with_output_is_refused() -> None:
    with pytest.raises(ValueError, match="begins with output"):
        commands("```console\nhello\n$ echo hello\n```\n")
