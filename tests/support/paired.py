"""Two commands timed against each other in one run, by turns, so that a busy machine slows both."""

import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROUNDS: Final = 9


@dataclass(frozen=True)
class Paired:
    """Seconds of each run, in pairs."""

    ours: tuple[float, ...]
    theirs: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """The median of the pairs' ratios, ours over theirs."""
        return statistics.median(ours / theirs for ours, theirs in zip(self.ours, self.theirs, strict=True))

    def __str__(self) -> str:
        ours, theirs = statistics.median(self.ours), statistics.median(self.theirs)
        return f"{ours * 1000:.0f} ms against {theirs * 1000:.0f} ms, ratio {self.ratio:.2f}"


def paired(ours: Sequence[str], theirs: Sequence[str], *, cwd: Path, env: Mapping[str, str], rounds: int = ROUNDS) -> Paired:
    """Run both commands `rounds` times by turns, after one turn that is not counted. A command that fails is an error."""
    pairs = [(_seconds(ours, cwd, env), _seconds(theirs, cwd, env)) for _ in range(rounds + 1)][1:]
    return Paired(tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs))


def _seconds(argv: Sequence[str], cwd: Path, env: Mapping[str, str]) -> float:
    begun = time.perf_counter()
    subprocess.run(argv, cwd=cwd, env=dict(env), check=True, capture_output=True, stdin=subprocess.DEVNULL)
    return time.perf_counter() - begun
