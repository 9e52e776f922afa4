"""Our own `openapi.json` taken as a source is evidence of nothing: a search seen in traffic does not become a documented read by a detour."""

import json
from pathlib import Path
from typing import Any

import pytest

from caskmcp.text import parse_yaml
from caskmcp.workflows import build, capture
from tests.support.capturing import entry, har
from tests.support.world import world

HOST = "https://api.example.com"
SEARCH = "POST api.example.com/orders/search"
SPEC = """openapi: 3.1.0
info: {title: x, version: "1"}
servers: [{url: "https://api.example.com"}]
paths:
  /orders/search:
    post: {operationId: searchOrders, responses: {"200": {description: ok}}}
"""


def artifact(folder: Path, name: str) -> Any:
    return json.loads((folder / ".caskmcp" / "toolpacks" / "shop" / "artifact" / name).read_bytes())


def tool(folder: Path) -> dict[str, Any]:
    return next(dict(row) for row in artifact(folder, "tools.json")["tools"] if row["operation"] == SEARCH)


def project(folder: Path, sources: str) -> Path:
    folder.mkdir()
    (folder / "cask.yaml").write_text(f"version: 1\nname: shop\nhosts: [api.example.com]\nsources: {sources}\n")
    calls = [entry(f"{HOST}/orders/search", "POST", post=("application/json", '{"open": true}'), answer={"id": at}) for at in range(12)]
    (folder / "s.har").write_bytes(har(*calls))
    (folder / "spec.yaml").write_text(SPEC)
    return folder


@pytest.fixture
def seen(tmp_path: Path) -> Path:
    folder = project(tmp_path / "seen", "[{har: s.har}]")
    build.run(world(folder))
    return folder


def test_a_search_that_a_document_names_is_of_a_lower_tier(seen: Path, tmp_path: Path) -> None:
    stated = project(tmp_path / "stated", "[{har: s.har}, {openapi: spec.yaml}]")
    build.run(world(stated))
    assert (tool(seen)["risk"], tool(stated)["risk"]) == ("medium", "low")


def test_our_own_document_beside_the_traffic_lowers_no_risk_and_raises_no_confidence(seen: Path, tmp_path: Path) -> None:
    again = project(tmp_path / "again", "[{har: s.har}, {openapi: own.json}]")
    own = seen / ".caskmcp" / "toolpacks" / "shop" / "artifact" / "openapi.json"
    (again / "own.json").write_bytes(own.read_bytes())
    build.run(world(again))
    assert {name: tool(again)[name] for name in ("risk", "reasons", "effect")} == {
        name: tool(seen)[name] for name in ("risk", "reasons", "effect")
    }
    (contract,) = artifact_of(again)
    assert contract["evidence"]["sources"] == ["compiled", "traffic"]


def test_our_own_document_alone_is_as_risky_and_not_sure(seen: Path, tmp_path: Path) -> None:
    alone = project(tmp_path / "alone", "[{openapi: own.json}]")
    (alone / "own.json").write_bytes((seen / ".caskmcp" / "toolpacks" / "shop" / "artifact" / "openapi.json").read_bytes())
    build.run(world(alone))
    assert (tool(alone)["risk"], tool(alone).get("confidence", "low")) == ("medium", "low")
    assert build.derive(world(alone)).basis == "observations"


def test_the_import_says_that_it_adds_no_evidence(seen: Path, tmp_path: Path) -> None:
    folder = project(tmp_path / "other", "[]")
    own = seen / ".caskmcp" / "toolpacks" / "shop" / "artifact" / "openapi.json"
    report = capture.take(world(folder), sources=(str(own),), hosts=())
    assert "  1 of them come from a document that was compiled here: they add no evidence, and lower no risk" in report.lines


def artifact_of(folder: Path) -> list[dict[str, Any]]:
    path = folder / ".caskmcp" / "toolpacks" / "shop" / "artifact" / "contracts.yaml"
    return list(parse_yaml(path.read_bytes(), "contracts").value["contracts"])
