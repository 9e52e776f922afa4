"""Disks that fail: runs a command whose K-th change to a file fails, is torn or ends the process. Needs Linux and a C compiler.

A change is what `faults.c` counts: making, writing, syncing, naming and removing files, and making folders, in every process of the command.
"""

import functools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.support.terminal import ROOT, Terminal, without_terminal

MODES: Final = ("kill", "torn", "enospc", "eio")
KILLED: Final = -9


@functools.cache
def library() -> Path | None:
    """The compiled `faults.c`, or None where it cannot be compiled."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None or not sys.platform.startswith("linux"):
        return None
    made = Path(tempfile.mkdtemp(prefix="cask-faults-")) / "faults.so"
    source = ROOT / "tests" / "support" / "faults.c"
    done = subprocess.run([compiler, "-O2", "-fPIC", "-shared", "-o", str(made), str(source), "-ldl"], capture_output=True, check=False)
    return made if done.returncode == 0 else None


@dataclass(frozen=True)
class Trial:
    """A command as it ended."""

    exit: int
    said: str
    """stderr; on a terminal, all that was printed."""
    changes: int
    """How many changes there were, that one included."""


@dataclass
class Faults:
    """Runs commands in a folder whose disk fails."""

    folder: Path
    """Below it a change counts."""
    environment: Mapping[str, str]
    counter: Path = field(default_factory=lambda: Path(tempfile.mkstemp(prefix="cask-count-")[1]))

    def run(
        self, argv: list[str], cwd: Path, *, mode: str = "kill", at: int = 0, answers: tuple[tuple[str, str], ...] | None = None
    ) -> Trial:
        """Run a command; 0 counts alone. answers: what a person types at which prompt; None for pipes."""
        self.counter.write_bytes(bytes(os.sysconf("SC_PAGE_SIZE")))
        env = {
            **self.environment,
            "LD_PRELOAD": str(library()),
            "FAULT_ROOT": os.path.realpath(self.folder),
            "FAULT_COUNT": str(self.counter),
            "FAULT_AT": str(at),
            "FAULT_MODE": mode,
        }
        if answers is None:
            done = without_terminal(argv, cwd=cwd, env=env)
            return Trial(done.exit, done.errors, self._count())
        with Terminal.spawn(argv, cwd, env) as person:
            end = self._typed(person, answers)
        return Trial(end[0], end[1], self._count())

    def _typed(self, person: Terminal, answers: tuple[tuple[str, str], ...]) -> tuple[int, str]:
        for prompt, answer in answers:
            try:
                person.expect(prompt)
            except AssertionError:
                break  # the command ended before it asked
            person.send(answer)
        done = person.finish()
        return done.exit, done.transcript

    def _count(self) -> int:
        return int.from_bytes(self.counter.read_bytes()[:8], sys.byteorder)
