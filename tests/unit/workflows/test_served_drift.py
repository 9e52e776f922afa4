"""`cask drift --served`: events of the record become changes that wait for a person; what was never promised is none; nothing is written."""

from pathlib import Path
from typing import Any

import pytest

from caskmcp.cli.main import main
from caskmcp.errors import CaskError
from caskmcp.model.artifact import Baseline, BaselineTool
from caskmcp.model.decision import Decision
from caskmcp.model.finding import Report
from caskmcp.workflows import served_drift
from tests.support import packs
from tests.support.audited import decided, journal
from tests.support.world import world

ORDER = {
    "type": "object",
    "required": ["id", "status"],
    "properties": {"id": {"type": "integer"}, "status": {"type": "string"}, "note": {"type": "string"}, "odd": {}},
}
SCHEMA = {
    "type": "object",
    "required": ["orders"],
    "properties": {"orders": {"type": "array", "items": {"$ref": "#/$defs/Order"}}, "next": {"type": "string"}},
    "$defs": {"Order": ORDER},
}
BARE = {"type": "array", "items": ORDER}


def tool(schema: dict[str, Any]) -> BaselineTool:
    return BaselineTool(
        operation="GET api.example.com/r", risk="low", input_schema={"type": "object"}, responses={"200 application/json": schema}
    )


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    packs.write(packs.approved_pack(), tmp_path / ".caskmcp")
    folder = tmp_path / ".caskmcp/baselines/shop"
    folder.mkdir(parents=True)
    baseline = Baseline(toolpack="shop", tools={"r": tool(SCHEMA), "w": tool(BARE)})
    (folder / "baseline.json").write_text(baseline.model_dump_json(by_alias=True), encoding="utf-8")
    return tmp_path


def recorded(shop: Path, *calls: dict[str, Any], name: str = "r", status: int = 200, **more: Any) -> Report:
    of_shop = journal(shop / ".caskmcp/state/audit", f"{name}{status}{more}")
    for number, extra in enumerate(calls):
        of_shop.append(decided(number, tool=name, status=status, extra=extra, **more), durable=False)
    of_shop.close()
    return served_drift.run(world(shop))


def told(report: Report) -> list[tuple[str, str, str, str]]:
    return [(row["class"], row["tool"], row["place"], row["seen"]) for row in report.tables["changes"]]


@pytest.mark.parametrize(
    ("fields", "drift", "change"),
    [
        (["added orders[].tax"], [], ("field-added", "r", "orders[].tax", "1 of 2")),
        (["added …"], [], ("field-added", "r", "…", "1 of 2")),
        (["absent orders"], [], ("field-optional", "r", "orders", "1 of 2")),
        (["absent orders[].status"], [], ("field-optional", "r", "orders[].status", "1 of 2")),
        ([], ["orders/0/id: type", "orders/17/id: type"], ("field-type", "r", "orders[].id", "1 of 2")),
        ([], ["/: not"], ("field-type", "r", "the answer", "1 of 2")),
        ([], ["/: media"], ("media-changed", "r", "the answer", "1 of 2")),
    ],
)
def test_an_event_becomes_a_change_with_its_class_and_how_often_it_was_seen(shop: Path, fields: Any, drift: Any, change: Any) -> None:
    assert told(recorded(shop, {"fields": fields, "drift": drift}, {})) == [change]


def test_a_field_that_no_answer_has_any_more_is_gone_and_breaks(shop: Path) -> None:
    report = recorded(shop, {"fields": ["absent orders[].id"]}, {"fields": ["absent orders[].id"]})
    assert told(report) == [("field-removed", "r", "orders[].id", "2 of 2")]
    assert report.exit == 2
    assert [(row.subject, row.mend) for row in report.findings] == [("tool:r", "cask drift --live")]


@pytest.mark.parametrize(
    "fields", [["absent next"], ["absent orders[].note"], ["added orders[].odd"], ["added next"], ["absent orders[].never"]]
)
def test_what_was_never_promised_and_what_is_known_are_no_news(shop: Path, fields: list[str]) -> None:
    report = recorded(shop, {"fields": fields})
    assert (told(report), report.exit, report.summary["result"]) == ([], 0, "none")


def test_an_answer_that_is_no_object_is_measured_below_data(shop: Path) -> None:
    assert told(recorded(shop, {"fields": ["absent data[].id", "absent data[].note", "added data[].x"]}, {}, name="w")) == [
        ("field-optional", "w", "data[].id", "1 of 2"),
        ("field-added", "w", "data[].x", "1 of 2"),
    ]


@pytest.mark.parametrize(
    "more",
    [
        {"status": 500},
        {"status": 0},
        {"toolpack": "other"},
        {"name": "unknown"},
        {"decision": Decision(verdict="allow", step="call", rule="CASK-R008", code="CASK-R008")},
    ],
)
def test_calls_that_were_not_answered_with_success_count_nothing(shop: Path, more: dict[str, Any]) -> None:
    assert told(recorded(shop, {"fields": ["added tax"]}, **more)) == []


def test_a_record_that_somebody_edited_is_read_as_far_as_it_is_one(shop: Path) -> None:
    assert told(recorded(shop, {"fields": "added x", "drift": 7}, {"fields": [1, None, "added tax"]})) == [
        ("field-added", "r", "tax", "1 of 2")
    ]


def test_nothing_is_written_neither_to_the_lock_nor_to_the_baseline(shop: Path) -> None:
    recorded(shop, {})
    before = {path: path.read_bytes() for path in shop.rglob("*") if path.is_file()}
    recorded(shop, {"fields": ["absent orders", "added tax"]}, status=201)
    after = {path: path.read_bytes() for path in shop.rglob("*") if path.is_file() and "audit" not in path.parts}
    assert after == {path: data for path, data in before.items() if "audit" not in path.parts}


def test_without_a_baseline_it_says_that_it_did_not_run(shop: Path) -> None:
    (shop / ".caskmcp/baselines/shop/baseline.json").unlink()
    report = recorded(shop, {"fields": ["added tax"]})
    assert (report.summary["result"], report.exit) == ("not-run", 1)


def test_the_command_takes_a_time_and_nothing_else_beside_it(
    shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded(shop, {"fields": ["added tax"]}, at="2026-11-01T00:00:00Z")
    with pytest.raises(CaskError, match="is no time"):
        served_drift.run(world(shop), since="soon")
    assert told(served_drift.run(world(shop), since="2026-11-02")) == []
    monkeypatch.chdir(shop)
    assert main(["drift", "--served", "--live"]) == 3
    assert main(["drift", "--since", "7d"]) == 3
    assert "`--since` is for `--served`" in capsys.readouterr().err
