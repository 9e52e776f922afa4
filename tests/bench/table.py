"""What was measured as a table in Markdown."""

from collections.abc import Mapping
from typing import Any

_HEAD = (
    "| comparison | against | wanted | ratio, wall (spread) | ours: wall / CPU s, MiB | theirs: wall / CPU s, MiB |",
    "|---|---|---|---|---|---|",
)


def markdown(report: Mapping[str, Any]) -> str:
    """The rows of a run, one a line; those that could not run with the reason."""
    return "\n".join((*_HEAD, *map(_row, report["rows"]))) + "\n"


def _row(row: Mapping[str, Any]) -> str:
    if "skipped" in row:
        return f"| {row['row']} | {row['against']} | {row['wanted']} | skipped: {row['skipped']} | | |"
    ours, theirs = (f"{row[f'{who}_s']} / {row[f'{who}_cpu_s']}, {row[f'{who}_mib']}" for who in ("ours", "theirs"))
    return f"| {row['row']} | {row['against']} | {row['wanted']} | {row['ratio']} ({row['spread']}) | {ours} | {theirs} |"


_SERVED = (
    "| calls | against | wanted | ratio of p50 (spread) | ratio of CPU | ours: p50 / p99 / CPU ms, a second, MiB | theirs |",
    "|---|---|---|---|---|---|---|",
)


def served(report: Mapping[str, Any]) -> str:
    """The rows of a run of `tests.bench.served`, one a line."""
    return "\n".join((*_SERVED, *map(_served, report["rows"]))) + "\n"


def _served(row: Mapping[str, Any]) -> str:
    if "skipped" in row:
        return f"| {row['row']} | {row['against']} | {row['wanted']} | skipped: {row['skipped']} | | | |"
    ours, theirs = (
        f"{row[f'{who}_p50_ms']} / {row[f'{who}_p99_ms']} / {row[f'{who}_cpu_ms']}, {row[f'{who}_per_s']}, {row[f'{who}_mib']}"
        for who in ("ours", "theirs")
    )
    return (
        f"| {row['row']} | {row['against']} | {row['wanted']} | {row['ratio']} ({row['spread']}) | {row['cpu_ratio']} | {ours} | {theirs} |"
    )
