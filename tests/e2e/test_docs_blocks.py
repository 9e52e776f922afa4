"""What the documentation shows is what happens: every console block of every page is run as it stands, on a terminal."""

from pathlib import Path

import pytest

from tests.support.pages import ROOT, commands, lacking, missing, pages, play, prepare


@pytest.mark.slow
@pytest.mark.feature(111)
@pytest.mark.feature(120)
@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_each_command_of_a_page_ends_and_prints_as_shown(page: Path, tmp_path: Path) -> None:
    text = page.read_text(encoding="utf-8")
    if without := lacking(text):
        pytest.skip(f"needs {', '.join(without)}")
    project, home = tmp_path / "project", tmp_path / "home"
    project.mkdir()
    prepare(text, project)
    for command in commands(text):
        done = play(command, project, home)
        assert (command.line, done.exit) == (command.line, command.exit), done.transcript
        assert missing(command.shown, done.transcript) is None, done.transcript


def test_a_page_in_every_part_of_the_documentation_is_run() -> None:
    assert "README.md" in {page.relative_to(ROOT).as_posix() for page in pages()}
