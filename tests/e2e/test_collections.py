"""Collections through the command line: the corpus of planted secrets in every format, and what a build makes of requests without answers."""

import json
from pathlib import Path

import pytest
import yaml

from tests.e2e.test_first_hour import Desk
from tests.e2e.test_planted_secrets import left_behind
from tests.support.collections import FORMATS, requests
from tests.support.secrets import HOST, leaks

SUFFIX = {"postman": "postman_collection.json", "bruno": "json", "insomnia": "json", "curl": "curl", "http": "http"}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.mark.feature(10)
@pytest.mark.feature(14)
def test_no_planted_secret_of_any_collection_is_anywhere_after_import_and_build(desk: Desk) -> None:
    entries, planted = requests()
    sources = {kind: desk.project.parent / f"{kind}.{SUFFIX[kind]}" for kind in FORMATS}
    for kind, path in sources.items():
        path.write_bytes(FORMATS[kind](entries))
    brought = desk.run("capture", "import", *(f"../{path.name}" for path in sources.values()), "-a", HOST)
    built = desk.run("build")
    assert (brought.exit, built.exit) == (0, 0), brought.errors + built.errors
    files = left_behind(desk.project, but=desk.project)
    # What two formats say alike is one capture.
    assert any(name.startswith(".caskmcp/captures/") and name.endswith("gz") for name in files)
    told = "".join(run.transcript + run.errors for run in (brought, built))
    assert leaks(planted, *files.values(), told.encode()) == []


def test_a_source_of_the_manifest_may_be_a_postman_collection_and_stays_low_evidence(desk: Desk) -> None:
    item = {"request": {"method": "DELETE", "url": {"host": ["{{base}}"], "path": ["orders", ":id"], "variable": [{"key": "id"}]}}}
    schema = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
    (desk.project / "shop.postman_collection.json").write_text(json.dumps({"info": {"schema": schema}, "item": [item]}), encoding="utf-8")
    assert desk.run("init", "-a", "api.shop.example", "--name", "shop").exit == 0
    assert "- postman: shop.postman_collection.json" in (desk.project / "cask.yaml").read_text(encoding="utf-8")
    built = desk.run("build")
    assert built.exit == 0, built.errors
    artifacts = desk.project / ".caskmcp" / "toolpacks" / "shop" / "artifact"
    (contract,) = yaml.safe_load((artifacts / "contracts.yaml").read_text(encoding="utf-8"))["contracts"]
    assert (contract["id"], contract.get("confidence", "low")) == ("DELETE api.shop.example/orders/{order_id}", "low")
    assert contract["evidence"] == {"sources": ["collection"]}
    (tool,) = json.loads((artifacts / "tools.json").read_text(encoding="utf-8"))["tools"]
    assert list(tool["input_schema"]["properties"]) == ["order_id"]
    assert desk.run("build", "--locked").exit == 0


@pytest.mark.feature(3)
@pytest.mark.parametrize(
    ("name", "data", "place"),
    [
        ("a.postman_collection.json", b'{"info": {\n', "a.postman_collection.json:2"),
        ("a.bru", b"get {\n  url: x\n", "a.bru:1"),
        ("a.json", b'{"_type": "export",\n"__export_format": 3, "resources": []}', "a.json:2"),
        ("a.curl", b"wget x", "a.curl:1"),
        ("a.http", b"GET \xff", "a.http, byte 4"),
    ],
)
def test_a_broken_collection_ends_with_3_and_its_line_and_nothing_written(desk: Desk, name: str, data: bytes, place: str) -> None:
    (desk.project / name).write_bytes(data)
    refused = desk.run("capture", "import", name, "-a", "api.shop.example")
    assert refused.exit == 3
    assert "CASK-C001" in refused.errors + refused.transcript
    assert place in refused.errors + refused.transcript
    assert sorted(path.name for path in desk.project.iterdir()) == [name]
