"""Measure ourselves against a peer or a limit, in pairs, in one run: `python -m tests.bench.run [ROW...] [--pairs N] [--out FILE]`.

Each pair runs both commands by turns after one warm-up, as whole processes; wall and CPU seconds and the peak memory come from `wait4`. Quoted is
the median of the pairs' ratios. A row whose peer is not on this machine is shown as skipped with the reason. Nothing here is a test: a
busy machine must not fail one. The rows' wanted ratios are shown beside what was measured.
"""

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.support.terminal import CASK, ROOT, environment

DEMO = ROOT / "caskmcp" / "workflows" / "demo" / "recording.har"


class Cost(NamedTuple):
    """What one run of a command cost: seconds, and MiB of the largest process."""

    wall: float
    cpu: float
    memory: float


class Skipped(Exception):
    """A row that can't run here, with the reason."""


class Pair(NamedTuple):
    """Two commands to take turns, and what has to be done before each run of ours or theirs."""

    ours: Sequence[str]
    theirs: Sequence[str]
    before: Callable[[], None] = lambda: None


class Row(NamedTuple):
    """One comparison."""

    name: str
    against: str
    wanted: str
    prepare: Callable[[Path, Mapping[str, str]], Pair]


def measure(argv: Sequence[str], cwd: Path, env: Mapping[str, str]) -> Cost:
    """Run a command as a whole process. RuntimeError if it fails."""
    begun = time.perf_counter()
    pid = os.fork()
    if pid == 0:
        try:
            os.chdir(cwd)
            quiet = os.open(os.devnull, os.O_RDWR)
            for handle in (0, 1, 2):
                os.dup2(quiet, handle)
            os.execvpe(argv[0], list(argv), dict(env))
        finally:
            os._exit(127)
    _, status, usage = os.wait4(pid, 0)
    if status:
        raise RuntimeError(f"{' '.join(argv)} ended with {os.waitstatus_to_exitcode(status)}")
    return Cost(time.perf_counter() - begun, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


# ---------------------------------------------------------------- rows
def _help(folder: Path, env: Mapping[str, str]) -> Pair:
    return Pair([*CASK, "--help"], [sys.executable, "-c", "import click"])


def _no_op(folder: Path, env: Mapping[str, str]) -> Pair:
    shutil.copy(DEMO, folder / "shop.har")
    (folder / "cask.yaml").write_text("version: 1\nhosts: [api.shop.example]\nsources: [{har: shop.har}]\n")
    measure([*CASK, "build"], folder, env)
    return Pair([*CASK, "build"], [sys.executable, "-c", "import doit"])


def _fifty(folder: Path, env: Mapping[str, str]) -> Pair:
    peer, recording = _given("CASK_BENCH_PEER"), _given("CASK_BENCH_HAR")
    host = os.environ.get("CASK_BENCH_HOST", "")
    shutil.copy(recording, folder / "b.har")
    (folder / "cask.yaml").write_text(f"version: 1\nhosts: [{host}]\nsources: [{{har: b.har}}]\n")
    script = folder / "peer.sh"
    script.write_text(
        f"set -e\nrm -f out.yaml\n{peer} -i b.har -o out.yaml -p https://{host} -f har\nsed -i 's/- ignore:/- /' out.yaml\n{peer} -i b.har -o out.yaml -p https://{host} -f har\n"
    )
    return Pair([*CASK, "build"], ["/bin/sh", "peer.sh"], before=lambda: shutil.rmtree(folder / ".caskmcp", ignore_errors=True))


def _import(folder: Path, env: Mapping[str, str]) -> Pair:
    """The peer decodes every JSON body of the file and keeps nothing; ours selects, redacts and writes as well."""
    peer, recording = _given("CASK_BENCH_STREAM"), _given("CASK_BENCH_HAR")
    host = os.environ.get("CASK_BENCH_HOST", "")
    (folder / "p").mkdir()
    ours = [*CASK, "capture", "import", recording, "-a", host, "--root", str(folder / "p" / "root")]
    return Pair(ours, [sys.executable, peer, recording], before=lambda: _forget(folder))


def _forget(folder: Path) -> None:
    shutil.rmtree(folder / "p" / "root", ignore_errors=True)
    (folder / "cask.yaml").unlink(missing_ok=True)


def _given(name: str) -> str:
    value = os.environ.get(name, "")
    if not value or not Path(value).exists():
        raise Skipped(f"{name} does not name a file here")
    return value


ROWS = (
    Row("help", "python -c 'import click'", "<= 1.5", _help),
    Row("no-op-build", "python -c 'import doit'", "<= 2", _no_op),
    Row("import-har", "a stream of the same file that decodes every JSON body", "<= 6", _import),
    Row("build-50MB", "mitmproxy2swagger, two passes", "<= 0.5", _fifty),
)


def run(row: Row, pairs: int) -> dict[str, object]:
    """Measure one row."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        env = environment(folder / "home")
        try:
            pair = row.prepare(folder, env)
        except Skipped as reason:
            return {"row": row.name, "against": row.against, "wanted": row.wanted, "skipped": str(reason)}
        taken = []
        for _ in range(pairs + 1):
            pair.before()
            taken.append((measure(pair.ours, folder, env), measure(pair.theirs, folder, env)))
    return {"row": row.name, "against": row.against, "wanted": row.wanted, "pairs": pairs, **_figures(taken[1:])}


def _figures(taken: Sequence[tuple[Cost, Cost]]) -> dict[str, object]:
    ratios = [ours.wall / theirs.wall for ours, theirs in taken]
    ours, theirs = ([cost[side] for cost in taken] for side in (0, 1))
    return {
        "ratio": round(statistics.median(ratios), 2),
        "spread": f"{min(ratios):.2f}-{max(ratios):.2f}",
        "ours_s": round(statistics.median(cost.wall for cost in ours), 3),
        "theirs_s": round(statistics.median(cost.wall for cost in theirs), 3),
        "ours_cpu_s": round(statistics.median(cost.cpu for cost in ours), 3),
        "ours_mib": round(max(cost.memory for cost in ours)),
        "theirs_mib": round(max(cost.memory for cost in theirs)),
    }


def main() -> None:
    """Measure the rows and print a table as JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*")
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--out")
    given = parser.parse_args()
    results = [run(row, given.pairs) for row in ROWS if not given.rows or row.name in given.rows]
    for result in results:
        print(json.dumps(result))
    if given.out:
        Path(given.out).write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
