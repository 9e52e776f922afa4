"""Real builds of the example project: a copy of it to work on, and what a build left there."""

import gzip
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from caskmcp.model.finding import Report
from caskmcp.workflows import build
from tests.support import shop_recording
from tests.support.world import world

PACK = ".caskmcp/toolpacks/storefront"


def shop(folder: Path) -> Path:
    """The example project in a folder of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    shop_recording.main(folder)
    return folder


def built(folder: Path, **options: Any) -> Report:
    """Build in this process."""
    return build.run(world(folder), **options)


def pack(folder: Path) -> dict[str, bytes]:
    """Every file of the toolpack by path."""
    base = folder / PACK
    return {path.relative_to(base).as_posix(): path.read_bytes() for path in sorted(base.rglob("*")) if path.is_file()}


def counts(report: Report) -> tuple[int, int]:
    """(ran, restored)."""
    return report.summary["ran"], report.summary["restored"]


def did(report: Report, *, stages: Iterable[str] = ()) -> dict[str, str]:
    """Step -> what was done, of those for which something was; with `--explain`."""
    wanted = tuple(stages)
    return {
        row["step"]: row["did"] for row in report.tables["steps"] if row["did"] != "up to date" and row["step"].startswith(wanted or "")
    }


def why(report: Report, step: str) -> str:
    """Why a step ran or not."""
    return next(str(row["why"]) for row in report.tables["steps"] if row["step"].startswith(step))


def recording(folder: Path, name: str, rows: list[dict[str, Any]]) -> None:
    """Write a recording of some entries among the sources."""
    (folder / "captures" / name).write_bytes(shop_recording.har(rows))


def edited(path: Path, change: Callable[[Any], None]) -> None:
    """Change a JSON file in place."""
    value = json.loads(path.read_bytes())
    change(value)
    path.write_bytes(json.dumps(value).encode())


def captured(folder: Path) -> list[bytes]:
    """The redacted exchanges of every capture, unpacked."""
    return [gzip.decompress(path.read_bytes()) for path in sorted((folder / ".caskmcp" / "captures").glob("*/exchanges.ndjson.gz"))]
