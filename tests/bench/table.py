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
