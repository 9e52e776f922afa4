"""The record of decisions, for tests: a journal in a folder of their own, what stands in one, and files that somebody edited."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from caskmcp.govern.seal import RecordSealer
from caskmcp.model.decision import Decision, Entry
from caskmcp.runtime.record import Journal, entry
from caskmcp.store.files import LocalFiles
from tests.support.world import NOON, CountingEntropy

READ = Decision(verdict="allow", step="policy", rule="reads")


def journal(folder: Path, seed: str = "test") -> Journal:
    """A journal that writes into a folder. seed: two servers have two."""
    files, entropy = LocalFiles(), CountingEntropy(f"{seed} {folder}")
    return Journal(files, folder, entropy, RecordSealer(files, folder, entropy))


def decided(number: int, **more: Any) -> Entry:
    """One decision; its id is the number in hexadecimal."""
    fields = {"at": NOON, "toolpack": "shop", "lock": "sha256:0", "tool": "get_order", "caller": "stdio", "arguments": "sha256:1"}
    extra = {"call": f"{number:016x}", **more.pop("extra", {})}
    return entry(more.pop("decision", READ), **{**fields, **more}, extra=extra)


def written(folder: Path, count: int, *, seed: str = "test", closed: bool = True) -> Path:
    """One segment with so many decisions."""
    before = set(files(folder))
    record = journal(folder, seed)
    for number in range(count):
        record.append(decided(number), durable=False)
    if closed:
        record.close()
    return next(path for path in files(folder) if path not in before)


def files(folder: Path) -> list[Path]:
    """The segments, by name."""
    return sorted(folder.glob("*.jsonl"))


def lines(path: Path) -> list[dict[str, Any]]:
    """Every whole line of a file, parsed."""
    return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]


def decisions(folder: Path) -> list[dict[str, Any]]:
    """Every decision in a folder, in the order of time; openings and seals left out."""
    found = [(path, line) for path in files(folder) for line in lines(path) if "kind" not in line]
    return [line for _, line in sorted(found, key=lambda row: (row[1]["at"], row[0].stat().st_mtime_ns, row[1]["sequence"]))]


def edit(path: Path, change: Callable[[list[bytes]], Sequence[bytes]]) -> None:
    """Put other lines in a segment's place."""
    path.write_bytes(b"".join(line + b"\n" for line in change(path.read_bytes().splitlines())))
