"""What a playbook does in a page: its steps, then the texts of the elements that it names. Run by the browser's process as a script.

Reads `playbook.json` and writes `texts.json` in the folder that it lies in, which is private and goes when the run ends.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from playwright.sync_api import Page

PATIENCE: Final = 15_000
"""Milliseconds that an element may take to be there."""
MOST: Final = 500
"""Texts of one name."""


def run(page: "Page") -> None:
    """Do each step, wait until the page is quiet, read."""
    folder = Path(__file__).parent
    playbook = json.loads((folder / "playbook.json").read_text(encoding="utf-8"))
    for step in playbook.get("steps", ()):
        _do(page, step)
    page.wait_for_load_state("networkidle", timeout=PATIENCE)
    found = {name: page.locator(selector).all_inner_texts()[:MOST] for name, selector in playbook["texts"].items()}
    (folder / "texts.json").write_text(json.dumps(found), encoding="utf-8")


def _do(page: "Page", step: dict[str, Any]) -> None:
    if "click" in step:
        page.click(step["click"], timeout=PATIENCE)
    for selector, text in step.get("fill", {}).items():
        page.fill(selector, text, timeout=PATIENCE)
    if "wait_for" in step:
        page.wait_for_selector(step["wait_for"], timeout=PATIENCE)
