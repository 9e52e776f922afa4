"""One scene in every format of `diff` and `check`: a tool that allows more, one that asks for something else, one that reads differently, what is
accepted, what was accepted once, a recording in git, a step left out. The file of snapshots beside this one is what a reviewer reads."""

import json
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from jsonschema import Draft4Validator
from junitparser import JUnitXml
from syrupy.assertion import SnapshotAssertion

from caskmcp.cli.check import check as check_command
from caskmcp.cli.diff import diff as diff_command
from caskmcp.load import load
from caskmcp.model.finding import Detail, Report
from caskmcp.report.formats import FORMATS
from caskmcp.workflows import build, check, diff
from tests.support.world import world
from tests.unit.workflows import test_check, test_gate
from tests.unit.workflows.test_gate import Desk

built = test_gate.built


FIXTURES = Path(__file__).parents[3] / "fixtures"


class Scene(NamedTuple):
    folder: Path
    diff: Report
    check: Report


EDITS = {
    "enum: [open, paid]": "enum: [open, paid, refunded]",
    "summary: Get one order": "summary: Get a single order",
    "/payments/{payment_id}/refund": "/payments/{payment_id}/reversal",
}


@pytest.fixture(scope="module")
def scene(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    folder = tmp_path_factory.mktemp("scene")
    desk = test_check.copied(test_check.approved_once(built), folder)
    spec = desk.cwd / "shop.yaml"
    words = spec.read_text(encoding="utf-8")
    for old, new in EDITS.items():
        assert old in words
        words = words.replace(old, new)
    spec.write_text(words, encoding="utf-8")
    build.run(desk.world())
    (desk.cwd / "more.har").write_bytes(b"x")
    test_check.tracked(desk, "more.har")
    accepted(desk)
    return Scene(desk.cwd, diff.run(desk.world()), check.run(desk.world(), skip=("reproducible",)))


def accepted(desk: Desk) -> None:
    """The new words and a recording are accepted, the wider argument was until yesterday."""
    reports = (check.run(desk.world(), only=("private",)), diff.run(desk.world()))
    found = {row.code: row.fingerprint for report in reports for row in report.findings}
    rows = (
        (found["tool-reworded"], "the words were agreed on", "2027-01-31"),
        (found["tool-broadens"], "a test of the new value", "2026-11-20"),
        (found["CASK-C011"], "it was made by hand", "2027-01-31"),
    )
    said = "".join(f"  - {{finding: {row}, reason: {reason}, until: {until}}}\n" for row, reason, until in rows)
    (desk.cwd / "cask.yaml").write_text(f"{test_gate.MANIFEST}suppress:\n{said}", encoding="utf-8")


def formats(command: object) -> tuple[str, ...]:
    """The formats that a command offers."""
    (option,) = [row for row in command.params if row.name == "format_"]  # type: ignore[attr-defined]
    return tuple(option.type.choices)


def test_the_formats_are_those_of_the_documents() -> None:
    assert formats(diff_command) == ("text", "json", "github-md", "md", "sarif", "html")
    assert formats(check_command) == ("text", "json", "sarif", "junit", "github", "github-md")


@pytest.mark.feature(62)
@pytest.mark.parametrize("how", [how for how in formats(diff_command) if how != "md"])
def test_a_diff_reads_as_it_was_reviewed(scene: Scene, how: str, snapshot: SnapshotAssertion) -> None:
    assert load(FORMATS[how])(scene.diff) == snapshot


@pytest.mark.parametrize("how", formats(check_command))
def test_a_check_reads_as_it_was_reviewed(scene: Scene, how: str, snapshot: SnapshotAssertion) -> None:
    assert load(FORMATS[how])(scene.check) == snapshot


@pytest.mark.parametrize("how", formats(check_command))
def test_a_step_that_was_left_out_is_shown_in_every_format(scene: Scene, how: str) -> None:
    shown = load(FORMATS[how])(scene.check)
    assert "reproducible" in shown
    assert "skipped" in shown
    assert "no baseline" in shown or how == "github"
    assert "not-run" in shown.replace("\\", "")


def test_markdown_is_the_same_under_both_of_its_names() -> None:
    assert FORMATS["md"] == FORMATS["github-md"]


@pytest.mark.feature(69)
def test_public_readers_take_sarif_junit_and_json_and_lines_point_into_the_lock(scene: Scene) -> None:
    validator = Draft4Validator(json.loads((FIXTURES / "sarif" / "sarif-2.1.0-rtm.5.json").read_bytes()))
    logs = [json.loads(load(FORMATS["sarif"])(report)) for report in (scene.diff, scene.check)]
    assert [error.message for log in logs for error in validator.iter_errors(log)] == []
    for result in (
        result for log in logs for result in log["runs"][0]["results"] if result["ruleId"] in ("CASK-L003", "CASK-L005", "tool-broadens")
    ):
        (location,) = result["locations"]
        place = location["physicalLocation"]
        assert place["artifactLocation"]["uri"] == ".caskmcp/toolpacks/shop/lockfile/caskmcp.lock.yaml"
        line = (scene.folder / place["artifactLocation"]["uri"]).read_text(encoding="utf-8").split("\n")[place["region"]["startLine"] - 1]
        assert location["logicalLocations"][0]["fullyQualifiedName"] in line
        assert len(result["partialFingerprints"]["cask/v1"]) == 16
    ids = {row["id"] for row in scene.diff.tables["changes"]}
    assert {result["partialFingerprints"]["cask/v1"] for result in logs[0]["runs"][0]["results"]} == ids
    cases = [case for suite in JUnitXml.fromstring(load(FORMATS["junit"])(scene.check).encode()) for case in suite]
    assert [case.name for case in cases] == [row["step"] for row in scene.check.tables["steps"]]
    assert {case.name for case in cases if case.is_skipped} == {"reproducible", "drift", "budgets", "contracts"}
    assert json.loads(load(FORMATS["json"])(scene.check))["schema"] == "caskmcp/check/1"


@pytest.mark.feature(60)
def test_old_and_new_words_and_schemas_come_from_the_lock_alone(scene: Scene, tmp_path: Path) -> None:
    """Nothing but the toolpack is there: no source, no manifest, no cache, no configuration."""
    shutil.copytree(scene.folder / ".caskmcp" / "toolpacks", tmp_path / ".caskmcp" / "toolpacks")
    told = {row["place"]: detail for row, detail in zip(*_told(diff.run(world(tmp_path))), strict=True)}
    assert told["input_schema.properties.status.enum"].old == ["open", "paid"]
    assert told["input_schema.properties.status.enum"].new == ["open", "paid", "refunded"]
    assert told["description"].old.startswith("Get one order.")
    assert [text for kind, text in told["description"].words if kind == "new"] == ["a single"]


def _told(report: Report) -> tuple[tuple[dict[str, Any], ...], tuple[Detail, ...]]:
    return report.tables["changes"], report.details
