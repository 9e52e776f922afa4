"""`docs/explanation/performance.md`: what the last measured run of `tests/bench` gave. Its JSON is committed beside the page."""

import json
from pathlib import Path
from typing import Any, Final

from tests.bench.table import markdown

MEASURED: Final = Path(__file__).resolve().parents[1] / "explanation" / "performance.json"
PAGE: Final = "docs/explanation/performance.md"


def page(report: dict[str, Any]) -> str:
    """The page of one run."""
    machine = report["machine"]
    peers = "; ".join(f"{name} {told}".strip() for name, told in sorted(machine["peers"].items()))
    return f"""# Performance

A recording is read as a stream. One of 16 MiB and more is cut between entries into pieces of 8 MiB (guessed, and proved by the parser), which two
processes read; `--jobs N` says how many. Accounts add up exactly, so no byte depends on the number of processes ([decision](../adr/0021-a-large-source-is-read-in-pieces.md)).

With `--engine dask://HOST:PORT` and the extra `scale`, the pieces go to the workers of a Dask scheduler. They have to reach the folder of the project under
the same path and run the same toolchain, or they refuse. An order holds the root's redaction key and travels as a pickle: use a trusted
network, or `dask+tls://`. A worker that dies costs only what it was at.

A build with nothing to do reads one index; a changed source costs itself, the merge of all parts, which grows with their number, and the groups that it
touches (`cask build --explain`).

## What was measured

Python {machine["python"]}, {machine["cpus"]} CPUs, load {machine["load"]} at the end; a recording of {machine["recording_bytes"] / 1e6:.0f} MB from a seeded generator (seed 7, 40 endpoints). {peers}.
Whole processes, by turns in one run, redaction included; the ratio is the median of the pairs. Memory is that of all processes of a command together.

{report["note"]}

{markdown(report)}
The table is made from [performance.json](performance.json), which `python -m tests.bench.run --out FILE` writes. Peers that the environment does not name
(`CASK_BENCH_…`, see `tests/bench/peers.py`) are shown as skipped.

## Served calls

`python -m tests.bench.served --table FILE` measures them on the machine at hand: `cask serve` with all guards, a credential and the record on, against a proxy of a few
lines on the same protocol library and HTTP client that guards nothing, and against FastMCP (`CASK_BENCH_FASTMCP`: the Python of an environment that holds it); calls, lists
of 50 and 1,000 tools, the start to the first list, 64 callers at once. Both servers take turns in one run. On a busy machine the ratio of CPU holds and the ratio of times does not.
"""


def files() -> dict[str, bytes]:
    """The page."""
    return {PAGE: page(json.loads(MEASURED.read_bytes())).encode("utf-8")}
