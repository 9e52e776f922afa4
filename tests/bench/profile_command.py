"""Where a command spends its processor time: `python -m tests.bench.profile_command [--every MS] [--rows N] [--lines] -- build`.

The command runs in this process as `cask` would run it here. A timer of CPU time looks at the Python stack; what C code takes is the caller's, so
that nothing is slowed down by being counted and nothing looks dearer than it is. Shares are of CPU time: `self` in the function (or, with
`--lines`, at the line), `all` with what it called. Imports stand below `<module>`. Nothing here is a test.
"""

import argparse
import signal
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from caskmcp.cli.main import main as cask

ROOT = Path(__file__).parents[2]


class Samples:
    """What the timer has seen."""

    def __init__(self, by_line: bool) -> None:
        self._by_line = by_line
        self.total = 0
        self.own: Counter[str] = Counter()
        self.all: Counter[str] = Counter()

    def take(self, _: int, frame: FrameType | None) -> None:
        """Handle the signal."""
        self.total += 1
        names = []
        while frame is not None:
            names.append(self._name(frame))
            frame = frame.f_back
        self.own[names[0]] += 1
        self.all.update(set(names))

    def _name(self, frame: FrameType) -> str:
        code = frame.f_code
        path = Path(code.co_filename)
        short = path.relative_to(ROOT) if path.is_relative_to(ROOT) else Path(*path.parts[-2:])
        return f"{short}:{frame.f_lineno if self._by_line else code.co_firstlineno} {code.co_qualname}"

    def rows(self, count: int) -> list[str]:
        """The dearest places, first by their own time, then by all of it."""
        share = 100 / max(self.total, 1)
        return [
            f"{title:>5}  {share * self.own[name]:5.1f} %  {share * self.all[name]:5.1f} %  {name}"
            for title, counted in (("self", self.own), ("all", self.all))
            for name, _ in counted.most_common(count)
        ]


def run(argv: Sequence[str], every: float, by_line: bool) -> Samples:
    """Run a command under the timer. every: seconds of CPU time between two looks."""
    samples = Samples(by_line)
    signal.signal(signal.SIGPROF, samples.take)
    signal.setitimer(signal.ITIMER_PROF, every, every)
    sys.argv = ["cask", *argv]
    try:
        cask()
    except SystemExit as ended:
        print(f"ended with {ended.code or 0}", file=sys.stderr)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return samples


def main() -> None:
    """Run the command and print the table, on standard error."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=float, default=1.0, help="milliseconds between two looks")
    parser.add_argument("--rows", type=int, default=30)
    parser.add_argument("--lines", action="store_true", help="by line instead of by function")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    given = parser.parse_args()
    samples = run([word for word in given.command if word != "--"], given.every / 1000, given.lines)
    print(f"{samples.total} looks", *samples.rows(given.rows), sep="\n", file=sys.stderr)


if __name__ == "__main__":
    main()
