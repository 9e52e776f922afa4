"""Exceptions from redaction: named in the receipt, and a risk that every diff lists."""

import json
from pathlib import Path

import pytest

from caskmcp.errors import Exit
from caskmcp.workflows import build, capture, diff
from tests.support.capturing import entry, har
from tests.support.world import world

HOST = "api.shop.example"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    call = entry(
        f"https://{HOST}/people/1", answer={"surname": "Aaltonen", "city": "Turku", "staff": "ST-123456", "email": "a@post.example"}
    )
    (tmp_path / "shop.har").write_bytes(har(call, call))
    made = tmp_path / "project"
    made.mkdir()
    return made


def manifest(folder: Path, redact: str) -> None:
    (folder / "cask.yaml").write_text(f"version: 1\nname: shop\nhosts: [{HOST}]\nredact: {redact}\nsources: []\n", encoding="utf-8")


def imported(folder: Path, redact: str) -> dict[str, object]:
    """The receipt of an import under these rules."""
    manifest(folder, redact)
    capture.take(world(folder), sources=("../shop.har",), hosts=())
    (receipt,) = folder.glob(".caskmcp/captures/*/redaction.json")
    return json.loads(receipt.read_bytes())


def test_the_receipt_names_the_profile_and_the_exceptions(folder: Path) -> None:
    receipt = imported(folder, "{keep: [surname, city], patterns: [{name: staff, re: 'ST-[0-9]{6}'}]}")
    assert receipt["exceptions"] == ["city", "surname"]
    assert receipt["cuts"] == [["email-name", "response.body.email", 2], ["pattern:staff", "response.body", 2]]
    assert receipt["profile"] == "strict"


def test_the_receipt_of_the_standard_profile_says_so(folder: Path) -> None:
    assert imported(folder, "{profile: standard}")["profile"] == "standard"


def test_an_exception_is_a_row_of_each_diff_and_changes_no_exit_status(folder: Path) -> None:
    imported(folder, "{}")
    build.run(world(folder))
    before = diff.run(world(folder))
    manifest_ = (folder / "cask.yaml").read_text(encoding="utf-8").replace("redact: {}", "redact: {keep: [surname], profile: standard}")
    (folder / "cask.yaml").write_text(manifest_, encoding="utf-8")
    after = diff.run(world(folder))
    rows = [row for row in after.tables["changes"] if row["change"] == "redaction-exception"]
    assert [(row["subject"], row["place"], row["risk"]) for row in rows] == [
        ("redact.profile", "standard", "high"),
        ("redact.keep", "surname", "high"),
    ]
    assert after.summary == {**before.summary, "redaction-exception": 2}
    assert [row.message for row in after.findings if row.code == "redaction-exception"] == [
        "names, addresses, numbers and places of people are not cut",
        "values under `surname` are not cut by their name",
    ]
    assert before.exit is after.exit is Exit.REVIEW


def test_a_manifest_without_exceptions_adds_no_row(folder: Path) -> None:
    imported(folder, "{keys: [staff]}")
    build.run(world(folder))
    assert not [row for row in diff.run(world(folder)).tables["changes"] if row["area"] == "redaction"]
