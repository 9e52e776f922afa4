"""`cask capture webmcp` with a real Chromium: what pages register and what the site's documents name is listed, and nothing of it is a tool."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.chromium import CHROMIUM, needs_browser
from tests.support.desk import Desk, Done
from tests.support.offering_site import CARD, CATALOG, Site

pytestmark = needs_browser

SPEC = {
    "openapi": "3.1.0",
    "info": {"title": "Flights", "version": "1"},
    "paths": {"/api/flights": {"get": {"operationId": "listFlights", "responses": {"200": {"description": "ok"}}}}},
}
TOUR = """
def run(page):
    here = page.url.rpartition("/")[0]
    page.goto(here + "/every")
    page.wait_for_timeout(300)
    page.goto(here + "/framed")
    page.wait_for_timeout(500)
"""


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site({"api-catalog": CATALOG, "mcp/server-card.json": CARD}) as made:
        yield made


def webmcp(desk: Desk, *words: str) -> Done:
    return desk.cask("capture", "webmcp", "--headless", *words, CASK_CHROMIUM=CHROMIUM)


@pytest.fixture(scope="module")
def visit(site: Site, tmp_path_factory: pytest.TempPathFactory) -> tuple[Desk, Done]:
    """A project with a spec, and the page that registers two tools."""
    desk = Desk.at(tmp_path_factory.mktemp("w"))
    (desk.project / "flights.json").write_text(json.dumps(SPEC | {"servers": [{"url": site.url}]}))
    assert desk.cask("capture", "import", "flights.json", "-a", site.host).status == 0
    return desk, webmcp(desk, f"{site.url}/two?who=ada")


def written(desk: Desk) -> dict[str, Any]:
    (path,) = (desk.project / "specs").glob("*.webmcp.json")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def artifact(desk: Desk, name: str) -> Any:
    (path,) = desk.project.glob(f".caskmcp/toolpacks/*/artifact/{name}")
    return json.loads(path.read_text())


@pytest.mark.feature(11)
def test_a_page_that_registers_two_tools_gives_two_proposals_and_no_tool(visit: tuple[Desk, Done], site: Site) -> None:
    desk, done = visit
    assert done.status == 0, done.err
    assert "/called" not in site.asked
    built = desk.cask("build")
    assert built.status == 0, built.err
    found = [row for row in artifact(desk, "coverage.json")["proposals"] if row["source"] == "webmcp"]
    assert [(row["name"], row["kind"], row["origin"]) for row in found] == [
        ("book_flight", "imperative", site.url),
        ("search_flights", "imperative", site.url),
    ]
    assert found[0]["notes"] == ["a text of the site was dropped (order-ignore)"]
    assert "description" not in found[0]
    assert found[1]["description"] == "Finds flights between two airports."
    assert found[1]["input_schema"]["required"] == ["from"]
    assert [tool["name"] for tool in artifact(desk, "tools.json")["tools"]] == ["list_flights"]
    assert "5 offered by sites to agents, none a tool here" in built.out


def test_the_document_shows_hidden_signs_and_holds_nothing_that_somebody_typed(visit: tuple[Desk, Done]) -> None:
    found = written(visit[0])
    assert found["page"].endswith("/two")
    text = json.dumps(found, ensure_ascii=False)
    assert "\\\\u{200b}" in text
    assert not any(sign in text for sign in ("\u200b", "\u202e", "Ada", "who=ada"))


def test_what_documents_name_is_told_with_the_command_that_brings_it_in(visit: tuple[Desk, Done], site: Site) -> None:
    _, done = visit
    assert f"curl -fsS -o openapi.json {site.url}/orders/openapi.json && cask capture import openapi.json" in done.out
    assert "far.example is not yours" in done.out
    assert f"cask capture mcp {site.url}/mcp" in done.out
    assert not {"/orders/openapi.json", "/mcp"} & set(site.asked)


def test_the_same_site_again_adds_nothing(visit: tuple[Desk, Done], site: Site) -> None:
    desk, _ = visit
    before = written(desk), (desk.project / "cask.yaml").read_bytes()
    assert before[1].count(b"webmcp:") == 1
    again = desk.cask("capture", "import", str(next((desk.project / "specs").glob("*.webmcp.json"))))
    assert (again.status, "known" in again.out) == (0, True), again.err
    assert (written(desk), (desk.project / "cask.yaml").read_bytes()) == before


def test_a_form_is_a_tool_too_and_the_stand_in_does_what_the_draft_says(site: Site, tmp_path_factory: pytest.TempPathFactory) -> None:
    desk = Desk.at(tmp_path_factory.mktemp("t"))
    (desk.base / "tour.py").write_text(TOUR)
    done = webmcp(desk, f"{site.url}/form", "--script", "../tour.py")
    assert done.status == 0, done.err
    tools = {tool["name"]: tool for tool in written(desk)["tools"]}
    assert sorted(tools) == ["book_table", "brief", "given", "kept"]
    table = tools["book_table"]
    assert (table["how"], table["description"], table["input_schema"]["required"]) == ("declarative", "Books a table for a day", ["guest"])
    assert table["input_schema"]["properties"] == {
        "at": {"type": "string"},
        "day": {"type": "string", "format": "date"},
        "guest": {"type": "string", "description": "Who comes", "maxLength": 40},
        "quiet": {"type": "boolean"},
        "seats": {"type": "number", "minimum": 1, "maximum": 8},
    }
    refused = ["InvalidStateError", "TypeError", "TypeError", "InvalidStateError", "TypeError", "TypeError"]
    assert site.said == [[True, True, True, *refused, "given", 0, "UnknownError"]]
    assert "offered by hosts that are not yours: other.localhost" in done.out
    assert "cask capture record" in done.out


def test_a_site_that_offers_nothing_is_said_and_nothing_is_written(tmp_path: Path) -> None:
    desk = Desk.at(tmp_path)
    with Site() as bare:
        done = webmcp(desk, f"{bare.url}/plain")
    assert (done.status, "CASK-C003" in done.err) == (3, True), done.err
    assert list(desk.project.iterdir()) == []
