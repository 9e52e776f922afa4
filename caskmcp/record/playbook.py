"""Plays a playbook in a real browser: what the page called, and which texts it shows afterwards. Both live in memory alone.

The browser is `browser.py`'s, with all that it promises; the steps are data, and the script that does them is ours (`playbook_page.py`).
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from caskmcp.compiler.capture.sources.interface import Recorded
from caskmcp.ports import Files
from caskmcp.record.browser import Browser, refuse_without
from caskmcp.record.frames import Plan
from caskmcp.store import scratch

SCRIPT: Final = "playbook_page.py"
LONGEST: Final = 60.0
"""Seconds for a playbook."""


class Played(NamedTuple):
    """What a page called, and what it shows."""

    calls: tuple[Recorded, ...]
    texts: Mapping[str, tuple[str, ...]]


def play(files: Files, url: str, playbook: Mapping[str, Any], *, browser: str = "") -> Played:
    """Play it. playbook: plain, `steps` and `texts`. browser: its path; empty for the one that is installed.

    Raises CASK-W002 without Playwright, CASK-W005 and CASK-W006 as a recording does, CASK-C031 where a step cannot be done.
    """
    with scratch.folder() as folder:
        script = folder / SCRIPT
        files.write(script, files.read(Path(__file__).with_name(SCRIPT)), private=True)
        files.write(folder / "playbook.json", json.dumps(playbook).encode(), private=True)
        plan = Plan(url, headless=True, browser=browser, script=str(script))
        refuse_without(plan)
        calls = tuple(Browser(plan, duration=LONGEST, script="the playbook").exchanges())
        return Played(calls, _texts(files, folder / "texts.json"))


def _texts(files: Files, path: Path) -> Mapping[str, tuple[str, ...]]:
    """Nothing where the time was up before the page was read."""
    found = json.loads(files.read(path)) if files.exists(path) else {}
    return {name: tuple(rows) for name, rows in found.items()}
