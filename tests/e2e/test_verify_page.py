"""`cask verify --mode provenance` with a real browser: what a page lists is traced to the call that gave it."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from caskmcp.model.finding import Report
from caskmcp.workflows.verify import story
from caskmcp.workflows.verify.story import Asked
from tests.support import upstream
from tests.support.chromium import CHROMIUM, needs_browser
from tests.support.drift_project import Service, Shop, make
from tests.support.upstream import Heard, Upstream

pytestmark = [pytest.mark.slow, needs_browser]
PAGE: Final = b"""<!doctype html><title>Shop</title><h1 class="title">Our products</h1><ul id="list"></ul><button id="more">More</button>
<script>
const show = () => fetch("/v1/products?limit=20").then((answer) => answer.json()).then((page) => {
  for (const row of page.data) { const item = document.createElement("li"); item.textContent = row.title; document.getElementById("list").append(item); }
});
fetch("/v1/reports/daily").then((answer) => answer.json());
document.getElementById("more").onclick = show;
</script>"""
PLAYBOOK: Final = """\
version: 1
playbooks:
  - name: the product list
    url: {url}/
    steps: [{{click: "#more"}}, {{wait_for: "#list li"}}]
    texts: {{products: "#list li", heading: ".title"}}
    expect: {{products: {tool}}}
    unknown: {unknown}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Shop, str]]:
    service = Service()

    def answer(heard: Heard) -> bytes:
        return upstream.answer(PAGE, "text/html") if heard.target == "/" else service(heard)

    with Upstream(answer) as at:
        yield make(tmp_path_factory.mktemp("paged"), at), at.url


def verify(place: tuple[Shop, str], **stated: Any) -> Report:
    shop, url = place
    said = {"tool": "list_products", "unknown": 1, **stated}
    (shop.cwd / "verify.yaml").write_text(PLAYBOOK.format(url=url, **said), encoding="utf-8")
    world = replace(shop.world(), environ={"CASK_CHROMIUM": CHROMIUM})
    return story.run(world, Asked(mode="provenance", environment="local"))


def evidence(place: tuple[Shop, str], report: Report) -> Path:
    return place[0].root.evidence(report.summary["evidence"])


@pytest.mark.feature(99)
def test_what_a_page_lists_comes_from_the_call_that_gave_it(place: tuple[Shop, str]) -> None:
    report = verify(place)
    folder = evidence(place, report)
    summary = json.loads((folder / "evidence_summary.json").read_bytes())
    (playbook,) = summary["playbooks"]
    products = next(row for row in playbook["texts"] if row["name"] == "products")
    assert (products["ranked"][0]["tool"], products["ranked"][0]["fields"], products["unknown"]) == ("list_products", ["/data/*/title"], 0)
    assert (report.summary["provenance"], report.exit, summary["figures"]["unknown"]) == ("pass", 0, 1)
    digest = hashlib.sha256((folder / "evidence_summary.json").read_bytes()).hexdigest()
    assert (folder / "evidence_summary.json.sha256").read_text() == f"{digest}  evidence_summary.json\n"


def test_another_source_than_stated_and_more_unknown_texts_exit_2(place: tuple[Shop, str]) -> None:
    report = verify(place, tool="get_reports_daily", unknown=0)
    assert {row.code for row in report.findings} == {"provenance-rank", "provenance-unknown"}
    assert (report.summary["provenance"], report.exit) == ("fail", 2)
    assert not any("Our products" in path.read_text() for path in evidence(place, report).iterdir())
