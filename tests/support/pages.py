"""Pages of the documentation as things to run: the commands of their `console` blocks, what they should print, and what they need.

In a block, a line `$ command` is typed; the lines up to the next one have to be printed, in this order, `…` standing for anything.
`# exit N` after a command is the status that it should end with (0 if there is none); another `#` comment is for the reader.
A line `<!-- given: NAME from PATH -->` puts the file or folder PATH of this repository into the page's scratch folder as NAME.
A line `<!-- needs: PROGRAM… -->` names programs without which the page cannot be run.
"""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support.terminal import Answer, Finished, Terminal, environment, reviewer, shim

ROOT: Final = Path(__file__).resolve().parents[2]

_BLOCK: Final = re.compile(r"^```console[ \t]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_GIVEN: Final = re.compile(r"^<!-- given: (\S+) from (\S+) -->$", re.MULTILINE)
_NEEDS: Final = re.compile(r"^<!-- needs: (.+) -->$", re.MULTILINE)
_EXIT: Final = re.compile(r"#\s*exit (\d+)\b")

PERSON: Final[tuple[Answer, ...]] = reviewer(passphrase="a passphrase for the docs", reason="reviewed for the docs")


@dataclass(frozen=True)
class Command:
    """One line that a reader types."""

    line: str
    exit: int
    shown: tuple[str, ...]
    """Lines that the page shows below it."""


def pages() -> tuple[Path, ...]:
    """Every page of the repository that has a console block."""
    found = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return tuple(path for path in found if _BLOCK.search(path.read_text(encoding="utf-8")))


def commands(text: str) -> tuple[Command, ...]:
    """The commands of all console blocks of a page, in order."""
    return tuple(command for block in _BLOCK.findall(text) for command in _commands(block))


def _commands(block: str) -> list[Command]:
    first, *typed = re.split(r"^\$ ", block, flags=re.MULTILINE)
    if first.strip():
        raise ValueError(f"a console block begins with output: {first!r}")
    return [_command(*part.split("\n", maxsplit=1)) for part in typed]


def _command(line: str, rest: str = "") -> Command:
    status = _EXIT.search(line)
    return Command(line.strip(), int(status.group(1)) if status else 0, tuple(text.rstrip() for text in rest.split("\n") if text.strip()))


def lacking(text: str) -> list[str]:
    """Programs that a page needs and this machine does not have."""
    return [name for names in _NEEDS.findall(text) for name in names.split() if shutil.which(name) is None]


def prepare(text: str, folder: Path) -> None:
    """Put into a scratch folder what a page says is given."""
    for name, source in _GIVEN.findall(text):
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, folder / name, dirs_exist_ok=True)
        else:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / source, folder / name)


def play(command: Command, folder: Path, home: Path) -> Finished:
    """Type one command into a shell in `folder`, with a person who answers what is asked."""
    env = environment(home)
    env["PATH"] = f"{shim(home / 'bin').parent}:{env['PATH']}"
    with Terminal.spawn(["/bin/sh", "-c", command.line], folder, env) as person:
        return person.converse(PERSON)


def missing(shown: tuple[str, ...], transcript: str) -> str | None:
    """The first shown line that was not printed after the one before it; None if all were."""
    place = 0
    for line in shown:
        form = ".*".join(re.escape(part) for part in re.split(r"…", line.strip()))
        found = re.compile(form).search(transcript, place)
        if found is None:
            return line
        place = found.end()
    return None
