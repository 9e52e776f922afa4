"""Measure ourselves against peers and limits, in pairs, in one run: `python -m tests.bench.run [ROW...] [--pairs N] [--out FILE] [--table FILE]`.

Each pair runs both commands by turns after one warm-up, as whole processes; wall and CPU seconds come from `wait4`, the peak memory is that of all
processes of a command together (proportional set size, sampled; where there is no /proc the largest one's). Quoted is the median of the pairs' ratios. A row whose peer is not on this machine is shown as skipped with the reason. Nothing here is a test: a
busy machine must not fail one. The rows' wanted ratios are shown beside what was measured.
"""

import argparse
import json
import os
import platform
import shlex
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tests.bench import table
from tests.bench.peers import PEERS, Peer, Skipped, given, prepared, version
from tests.support import signed, specs
from tests.support.terminal import CASK, ROOT, environment

_POLL = 0.1
DEMO = ROOT / "caskmcp" / "workflows" / "demo" / "recording.har"


class Cost(NamedTuple):
    """What one run of a command cost: seconds, and MiB of all its processes together."""

    wall: float
    cpu: float
    memory: float


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
    seen, ended = [0], threading.Event()
    watch = threading.Thread(target=_watch, args=(pid, seen, ended))
    watch.start()
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - begun
    ended.set()
    watch.join()
    peak = max(seen)
    if status:
        raise RuntimeError(f"{' '.join(argv)} ended with {os.waitstatus_to_exitcode(status)}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, max(peak, 0 if peak else usage.ru_maxrss) / 1024)


def _watch(pid: int, seen: list[int], ended: threading.Event) -> None:
    while not ended.wait(_POLL):
        seen.append(_memory(pid))


def _memory(pid: int) -> int:
    """KiB of a process and all that it started: shared pages are counted once."""
    total, rest = 0, [pid]
    while rest:
        one = rest.pop()
        with suppress(OSError, ValueError):  # it ended meanwhile, or this system has no such files
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
            total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
            for task in Path(f"/proc/{one}/task").iterdir():
                rest += map(int, (task / "children").read_text().split())
    return total


# ---------------------------------------------------------------- rows
def _help(folder: Path, env: Mapping[str, str]) -> Pair:
    return Pair([*CASK, "--help"], [sys.executable, "-c", "import click"])


def _no_op(folder: Path, env: Mapping[str, str]) -> Pair:
    recording = json.loads(DEMO.read_bytes())
    for number in range(100):
        (folder / f"{number}.har").write_text(json.dumps(recording) + " " * number)
    (folder / "cask.yaml").write_text("version: 1\nhosts: [api.shop.example]\nsources: [{har: '*.har'}]\n")
    measure([*CASK, "build"], folder, env)
    return Pair([*CASK, "build"], [sys.executable, "-c", "import doit"])


def _against(peer: Peer) -> Callable[[Path, Mapping[str, str]], Pair]:
    """A whole build of the recording, redaction included, and the peer's whole work on it."""

    def prepare(folder: Path, env: Mapping[str, str]) -> Pair:
        _project(folder, given("CASK_BENCH_HAR"), "b.har")
        return Pair([*CASK, "build"], prepared(peer, folder), before=lambda: shutil.rmtree(folder / ".caskmcp", ignore_errors=True))

    return prepare


def _project(folder: Path, recording: str, name: str) -> None:
    folder.mkdir(exist_ok=True)
    shutil.copy(recording, folder / name)
    host = os.environ.get("CASK_BENCH_HOST", "")
    (folder / "cask.yaml").write_text(f"version: 1\nhosts: [{host}]\nsources: [{{har: {name}}}]\n")


def _growth(folder: Path, env: Mapping[str, str]) -> Pair:
    """A recording ten times as large."""
    for name, variable in (("large", "CASK_BENCH_LARGE"), ("small", "CASK_BENCH_HAR")):
        _project(folder / name, given(variable), "b.har")
    builds = [["/bin/sh", "-c", f"cd {name} && rm -rf .caskmcp && exec {shlex.join(CASK)} build"] for name in ("large", "small")]
    return Pair(builds[0], builds[1])


def _one_of_many(folder: Path, env: Mapping[str, str]) -> Pair:
    """One recording that changed beside a hundred that did not, and the same one alone."""
    many, new = given("CASK_BENCH_MANY"), json.loads(Path(given("CASK_BENCH_NEW")).read_bytes())
    host = os.environ.get("CASK_BENCH_HOST", "")
    places = {"many": "[{har: 'old/*.har'}, {har: new.har}]", "alone": "[{har: new.har}]"}
    shutil.copytree(many, folder / "many" / "old")
    for name, sources in places.items():
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "cask.yaml").write_text(f"version: 1\nhosts: [{host}]\nsources: {sources}\n")
    entries = new["log"]["entries"]
    turn = count(1)

    def change() -> None:
        new["log"]["entries"] = entries[next(turn) :]
        for name in places:
            (folder / name / "new.har").write_text(json.dumps(new))
        shutil.rmtree(folder / "alone" / ".caskmcp", ignore_errors=True)

    change()
    measure([*CASK, "build"], folder / "many", env)
    builds = [["/bin/sh", "-c", f"cd {name} && exec {shlex.join(CASK)} build"] for name in places]
    return Pair(builds[0], builds[1], before=change)


def _large_spec(folder: Path, env: Mapping[str, str]) -> Pair:
    """A document of 1,000 operations, and parsing and validating it."""
    document = next(iter(specs.forge(1000).files.values()))
    (folder / "api.json").write_text(json.dumps(document))
    host = urlsplit(document["servers"][0]["url"]).netloc
    (folder / "cask.yaml").write_text(f"version: 1\nhosts: [{host}]\nsources: [{{openapi: api.json}}]\n")
    check = "import json, sys; from openapi_spec_validator import validate; validate(json.load(open('api.json')))"
    return Pair([*CASK, "build"], [sys.executable, "-c", check], before=lambda: shutil.rmtree(folder / ".caskmcp", ignore_errors=True))


def _import(folder: Path, env: Mapping[str, str]) -> Pair:
    """The peer decodes every JSON body of the file and keeps nothing; ours selects, redacts and writes as well."""
    peer, recording = given("CASK_BENCH_STREAM"), given("CASK_BENCH_HAR")
    host = os.environ.get("CASK_BENCH_HOST", "")
    (folder / "p").mkdir()
    ours = [*CASK, "capture", "import", recording, "-a", host, "--root", str(folder / "p" / "root")]
    return Pair(ours, [sys.executable, peer, recording], before=lambda: _forget(folder))


def _forget(folder: Path) -> None:
    shutil.rmtree(folder / "p" / "root", ignore_errors=True)
    (folder / "cask.yaml").unlink(missing_ok=True)


def _gate(*words: str) -> Callable[[Path, Mapping[str, str]], Pair]:
    """A gate over 1,000 signed tools, and the same over one tool with a second of waiting: no more than that above its start."""

    def prepare(folder: Path, env: Mapping[str, str]) -> Pair:
        for name, tools in (("many", 1000), ("one", 1)):
            signed.built(folder / name / "p", folder / name / "config" / "caskmcp", tools)
        # 1 is an answer as well: lint has something to say of a thousand tools.
        command = f"{shlex.join((*CASK, *words))}; test $? -le 1"
        runs = {name: f"cd {name}/p && XDG_CONFIG_HOME={shlex.quote(str(folder / name / 'config'))} {command}" for name in ("many", "one")}
        return Pair(["/bin/sh", "-c", runs["many"]], ["/bin/sh", "-c", f"{runs['one']} && sleep 1"])

    return prepare


def _verify(folder: Path, env: Mapping[str, str]) -> Pair:
    """Every statement of a lock of 1,000 judged again and again, and its bare signatures verified as often by the library."""
    signed.built(folder / "p", folder / "config" / "caskmcp", 1000)
    loop = [sys.executable, "-m", "tests.bench.signatures"]
    env_ = f"cd {shlex.quote(str(ROOT))} && exec "
    ours, bare = (env_ + shlex.join([*loop, how, str(folder / "p")]) for how in ("ours", "bare"))
    return Pair(["/bin/sh", "-c", ours], ["/bin/sh", "-c", bare])


ROWS = (
    Row("help", "python -c 'import click'", "<= 1.5", _help),
    Row("no-op-build", "100 sources: python -c 'import doit'", "<= 1", _no_op),
    Row("import-har", "a stream of the same file that decodes every JSON body", "<= 6", _import),
    *(Row(f"build-{peer.name}", f"{peer.name}, its whole work on the same recording", peer.wanted, _against(peer)) for peer in PEERS),
    Row("growth", "a recording a tenth as large", "<= 11", _growth),
    Row("one-of-many", "the changed recording alone", "<= 2", _one_of_many),
    Row("large-spec", "openapi-spec-validator on the same 1,000 operations", "<= 2", _large_spec),
    Row("gate-check", "1,000 signed tools: the same on one tool, and a second", "<= 1", _gate("gate", "check")),
    Row(
        "check-thousand",
        "1,000 signed tools, not derived: the same on one tool, and a second",
        "<= 1",
        _gate("check", "--skip", "reproducible"),
    ),
    Row("verify-lock", "the bare library on the same 1,000 signatures", "<= 2", _verify),
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
    return {"row": row.name, "against": row.against, "wanted": row.wanted, "pairs": pairs, **_figures(taken[1:] or taken)}


def _figures(taken: Sequence[tuple[Cost, Cost]]) -> dict[str, object]:
    ratios = [ours.wall / theirs.wall for ours, theirs in taken]
    ours, theirs = ([cost[side] for cost in taken] for side in (0, 1))
    return {
        "ratio": round(statistics.median(ratios), 2),
        "spread": f"{min(ratios):.2f}-{max(ratios):.2f}",
        "ours_s": round(statistics.median(cost.wall for cost in ours), 3),
        "theirs_s": round(statistics.median(cost.wall for cost in theirs), 3),
        "ours_cpu_s": round(statistics.median(cost.cpu for cost in ours), 3),
        "theirs_cpu_s": round(statistics.median(cost.cpu for cost in theirs), 3),
        "cpu_ratio": round(statistics.median(one.cpu / other.cpu for one, other in taken), 2),
        "ours_mib": round(max(cost.memory for cost in ours)),
        "theirs_mib": round(max(cost.memory for cost in theirs)),
    }


def machine() -> dict[str, object]:
    """What the figures were measured with."""
    found = {peer.name: _version(peer) for peer in PEERS}
    size = Path(os.environ.get("CASK_BENCH_HAR", "")).stat().st_size if os.environ.get("CASK_BENCH_HAR") else 0
    return {
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "recording_bytes": size,
        "peers": found,
    }


def _version(peer: Peer) -> str:
    try:
        return version(peer)
    except Skipped as reason:
        return str(reason)


def main() -> None:
    """Measure the rows; print them, and write them as JSON and as a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*")
    parser.add_argument("--pairs", type=int, default=7, help="after one warm-up; 0: the warm-up itself, for a first look")
    parser.add_argument("--out", help="a file for the JSON")
    parser.add_argument("--note", default="", help="what a reader of the table has to know of this run")
    parser.add_argument("--table", help="a file for the table in Markdown")
    asked = parser.parse_args()
    results = []
    for row in ROWS:
        if not asked.rows or row.name in asked.rows:
            results.append(run(row, asked.pairs))
            print(json.dumps(results[-1]), flush=True)
            write({"machine": machine(), "note": asked.note, "rows": results}, asked.out, asked.table)


def write(report: dict[str, object], out: str | None, shown: str | None, form: Callable[[Mapping[str, Any]], str] = table.markdown) -> None:
    """After each row: a run of hours may be broken off."""
    if out:
        Path(out).write_text(json.dumps(report, indent=2) + "\n")
    if shown:
        Path(shown).write_text(form(report))


if __name__ == "__main__":
    main()
