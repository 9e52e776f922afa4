"""Whether this machine can record a browser, the script that visits the bundled site, and Playwright's own recording of the same visit.

`python -m tests.support.chromium URL SCRIPT FILE`: drives a browser as the script says and lets Playwright write FILE as HAR.
"""

import os
import runpy
import shutil
import sys
from importlib.util import find_spec
from typing import Final

import pytest

from tests.support.browser_site import PASSWORD

CHROMIUM: Final = os.environ.get("CASK_CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
NEEDS: Final = "needs Playwright and a Chromium: pip install 'caskmcp[browser]', apt-get install chromium (or CASK_CHROMIUM=PATH)"
needs_browser: Final = pytest.mark.skipif(not CHROMIUM or find_spec("playwright") is None, reason=NEEDS)

SIGN_IN: Final = f"""
def run(page):
    page.fill("#user", "ada")
    page.fill("#password", "{PASSWORD}")
    page.click("#go")
    page.get_by_text("ready").wait_for()
"""
"""Logs in and waits until the app has made its calls."""

STAY: Final = (
    SIGN_IN
    + """
    page.fill("#text", "hello")
    page.click("#keep")
    page.get_by_text("kept").wait_for()
    with page.expect_popup() as popup:
        page.click("#popup")
    popup.value.get_by_text("more").wait_for()
"""
)
"""Logs in, lets the app make its calls, and uses the form and the popup."""

VISIT: Final = (
    STAY
    + """
    page.click("#leave")
    page.locator("#bye").wait_for()
"""
)
"""The same, and leaves at once after an answer."""


def record_har(url: str, script: str, file: str) -> None:
    """Let Playwright record what the script does, as HAR with bodies."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--disable-gpu"])
        context = browser.new_context(record_har_path=file, record_har_content="embed", service_workers="block")
        page = context.new_page()
        page.goto(url)
        runpy.run_path(script)["run"](page)
        context.close()
        browser.close()


if __name__ == "__main__":
    record_har(*sys.argv[1:])
