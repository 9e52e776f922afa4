"""The world for tests: real files in a folder of the test's own, a clock that stands still, a person whose answers are written down.

Each is a class that follows its protocol in `caskmcp/ports.py`; none of them checks anything.
"""

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from caskmcp.errors import CaskError
from caskmcp.ports import Board, World
from caskmcp.store.credentials import ReferencedCredentials
from caskmcp.store.files import LocalFiles

NOON = "2026-11-21T12:00:00Z"


@dataclass
class FixedClock:
    """A clock that shows what it was set to."""

    at: str = NOON

    def now(self) -> str:
        """The time that it was set to."""
        return self.at


@dataclass
class CountingEntropy:
    """Bytes that differ from call to call and are the same in each run. For tests alone: they are predictable."""

    seed: str = "test"
    calls: int = 0

    def token(self, size: int) -> bytes:
        """The next `size` bytes."""
        self.calls += 1
        return hashlib.shake_256(f"{self.seed} {self.calls}".encode()).digest(size)


@dataclass
class ScriptedConsole:
    """A person with written answers: (prompt, answer) in the order in which they are asked for. Another prompt than the next one ends the test."""

    answers: Sequence[tuple[str, str]] = ()
    interactive: bool = True
    printed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)

    def out(self, text: str) -> None:
        """Keep a result."""
        self.printed.append(text)

    def note(self, text: str) -> None:
        """Keep prose."""
        self.notes.append(text)

    def progress(self, text: str) -> None:
        """Keep a line of progress."""
        self.shown.append(text)

    def ask(self, prompt: str) -> str:
        """The next answer."""
        if not self.interactive:
            raise CaskError("CASK-A001", f"`{prompt}` needs a person at a terminal", mend="run the command in a terminal")
        expected, answer = self.answers[len(self.asked)] if len(self.asked) < len(self.answers) else ("", "")
        if prompt != expected:
            raise AssertionError(f"asked for {prompt!r}, the next written answer is for {expected!r}; asked so far: {self.asked}")
        self.asked.append(prompt)
        return answer

    def ask_secret(self, prompt: str) -> str:
        """The next answer."""
        return self.ask(prompt)

    def screen(self, board: Board) -> bool:
        """None: this person answers prompts."""
        return False

    @property
    def text(self) -> str:
        """All prose so far."""
        return "\n".join(self.notes)


def world(
    cwd: Path,
    *,
    console: ScriptedConsole | None = None,
    at: str = NOON,
    config: Path | None = None,
    environ: Mapping[str, str] | None = None,
    root: str | None = None,
    toolpack: str | None = None,
) -> World:
    """A world in `cwd`, with the configuration folder beside it."""
    return World(
        clock=FixedClock(at),
        entropy=CountingEntropy(str(cwd)),
        files=LocalFiles(),
        console=console or ScriptedConsole(interactive=False),
        credentials=ReferencedCredentials({}),
        cwd=cwd,
        config=config or cwd.with_name(f"{cwd.name}-config") / "caskmcp",
        data=cwd.with_name(f"{cwd.name}-data") / "caskmcp",
        state=cwd.with_name(f"{cwd.name}-state") / "caskmcp",
        system=cwd.with_name(f"{cwd.name}-system") / "caskmcp",
        uid=os.getuid(),
        environ=environ or {},
        root=root,
        toolpack=toolpack,
    )
