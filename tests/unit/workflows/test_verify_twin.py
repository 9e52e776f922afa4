"""`cask verify --twin` on the bundled recording: planted faults of behaviour are found, and a service that is as it was raises no alarm."""

import shutil
from collections.abc import Iterator
from dataclasses import replace

import pytest

from caskmcp.model.finding import Report
from caskmcp.store.credentials import ReferencedCredentials
from caskmcp.workflows import check
from caskmcp.workflows.demo.scene import Scene, approve, compile_, scene
from caskmcp.workflows.demo.service import TOKEN
from caskmcp.workflows.verify import story
from caskmcp.workflows.verify.story import Asked
from tests.support.world import world

STATED = """\
version: 1
writes: {tools: [create_order]}
arguments:
  list_orders: [{}, {status: pending}]
contracts:
  - tool: list_orders
    assert:
      - {path: "$.items[*].status", one_of: [pending, shipped, cancelled]}
      - {path: $.items, count: {at_least: 1}}
  - {tool: list_orders, with: {status: pending}, assert: [{path: "$.items[*].status", is: pending}]}
outcomes:
  - name: an order that is placed is found and listed
    steps:
      - {tool: create_order, with: {product_id: 1, quantity: 2}, keep: {id: $.id}, assert: [{path: $.quantity, is: 2}]}
      - {tool: get_order, with: {order_id: {kept: id}}, assert: [{path: $.id, is: {kept: id}}, {path: $.quantity, is: 2}]}
"""
PLANTED = {
    "status-500": ("contracts", "answer-failed"),
    "status-404": ("contracts", "answer-status"),
    "status-403": ("contracts", "answer-status"),
    "wrong-media": ("contracts", "answer-differs"),
    "broken-body": ("contracts", "answer-differs"),
    "missing-field": ("contracts", "field-removed"),
    "null-field": ("contracts", "field-nullable"),
    "wrong-type": ("contracts", "field-type"),
    "renamed-field": ("contracts", "field-removed"),
    "extra-enum": ("contracts", "contract-broken"),
    "empty-list": ("contracts", "contract-broken"),
    "ignored-filter": ("contracts", "contract-broken"),
    "wrong-thing": ("outcomes", "outcome-broken"),
    "lost-create": ("outcomes", "outcome-broken"),
    "reused-id": ("outcomes", "outcome-broken"),
}
BARE = "version: 1\n"
CLEAN: list[tuple[str, tuple[str, ...] | None, str]] = [("all", None, STATED), ("outcomes", (), STATED), ("all", (), BARE)]
"""Mode, captures that the twin is made from (none: from observations, and then filters of lists do nothing), and what is stated."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with scene(world(tmp_path_factory.mktemp("verified"))) as made:
        compile_(made)
        approve(made)
        (made.project / "verify.yaml").write_text(STATED, encoding="utf-8")
        yield made


def verify(shop: Scene, mode: str, *faults: str, captures: tuple[str, ...] | None = None) -> Report:
    shop.service.shop.heard.clear()
    return story.run(shop.world, Asked(mode=mode, twin=True, faults=faults, twin_captures=captures))


def told(report: Report) -> set[str]:
    return {row.code for row in report.findings if row.severity != "info"}


@pytest.mark.parametrize("fault", sorted(PLANTED))
def test_a_planted_fault_of_behaviour_is_found(shop: Scene, fault: str) -> None:
    mode, code = PLANTED[fault]
    report = verify(shop, mode, fault)
    assert code in told(report)
    assert report.exit > 0


@pytest.mark.parametrize(("mode", "captures", "stated"), CLEAN)
def test_a_twin_that_is_as_it_was_raises_no_alarm_and_says_that_it_is_one(
    shop: Scene, mode: str, captures: tuple[str, ...] | None, stated: str
) -> None:
    place = shop.project / "verify.yaml"
    place.write_text(stated, encoding="utf-8")
    try:
        report = verify(shop, mode, captures=captures)
    finally:
        place.write_text(STATED, encoding="utf-8")
    assert (told(report), report.exit) == (set(), 0)
    assert {row["against"] for row in report.tables["modes"]} == {"twin"}
    assert str(report.summary["twin"]).startswith("sha256:")
    assert shop.service.shop.heard == []


@pytest.mark.parametrize("mode", ["contracts", "replay"])
def test_the_real_service_raises_none_either(shop: Scene, mode: str) -> None:
    shop.service.shop.reopen()
    at = replace(shop.world, credentials=ReferencedCredentials({"DEMO_SHOP_TOKEN": TOKEN}))
    report = story.run(at, Asked(mode=mode, environment="local"))
    assert (told(report), report.summary["against"]) == (set(), "live")


def test_check_does_not_take_what_the_twin_said(shop: Scene) -> None:
    shutil.rmtree(shop.pack.path.parent.parent / "evidence")
    row = next(row for row in verify(shop, "all").tables["modes"] if row["mode"] == "replay")
    assert (row["checked"], row["note"]) == (20, "20 shape, 162 values, 162 values compared, 0 cut, 0 refused")
    report = check.run(shop.world, only=("contracts",))
    assert [row.message for row in report.findings] == [
        "the contracts were verified against the twin only, which tells nothing of the service"
    ]


def test_a_page_calls_its_own_service_so_that_nothing_of_it_is_said_of_the_twin(shop: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    played: list[object] = []
    monkeypatch.setattr("caskmcp.workflows.verify.provenance._played", lambda session, playbook: played.append(playbook))
    place = shop.project / "verify.yaml"
    place.write_text("version: 1\nplaybooks: [{name: the list, url: 'http://127.0.0.1:1/', texts: {rows: li}}]\n", encoding="utf-8")
    try:
        report = verify(shop, "provenance")
    finally:
        place.write_text(STATED, encoding="utf-8")
    assert (report.summary["provenance"], played) == ("not-run", [])
