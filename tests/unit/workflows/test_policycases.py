"""`cask policy test`: a case says what a call comes to, and a wrong one is told with its line."""

from pathlib import Path

import pytest

from caskmcp.cli.main import main
from caskmcp.errors import CaskError
from caskmcp.model.finding import Report
from caskmcp.workflows import build, policycases
from tests.support.world import world

SPEC = Path(__file__).with_name("shop.yaml").read_text(encoding="utf-8")
MANIFEST = """version: 1
name: shop
hosts: [api.shop.example]
sources: [{openapi: shop.yaml}]
policy: rules.yaml
toolsets: {reading: {include: ["list_*"]}}
"""
RULES = """version: 1
rules:
  - {id: no-refunds, effect: deny, match: {tools: [refund_payment]}, reason: ask finance}
  - {id: keep-writes, effect: audit, match: {effect: [write]}}
  - {id: hide-people, effect: redact, match: {traits: [pii]}, mask: [pii]}
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    for name, text in (("cask.yaml", MANIFEST), ("shop.yaml", SPEC), ("rules.yaml", RULES)):
        (folder / name).write_text(text, encoding="utf-8")
    build.run(world(folder))
    return folder


def judged(shop: Path, *cases: str) -> Report:
    (shop / "cases.yaml").write_text("version: 1\ncases:\n" + "".join(f"  - {{{case}}}\n" for case in cases), encoding="utf-8")
    return policycases.run(world(shop), "cases.yaml")


@pytest.mark.feature(46)
@pytest.mark.parametrize(
    ("case", "verdict", "rule"),
    [
        ("tool: refund_payment, expect: deny, rule: no-refunds", "deny", "no-refunds"),
        ("tool: list_orders, expect: allow, rule: allow-up-to-medium", "allow", "allow-up-to-medium"),
        ("tool: list_orders, arguments: {}, expect: allow", "allow", "allow-up-to-medium"),
        ("tool: list_orders, arguments: {page: x}, expect: deny, rule: CASK-R002", "deny", "CASK-R002"),
        ("tool: list_orders, arguments: {nonsense: 1}, expect: deny, rule: CASK-R002", "deny", "CASK-R002"),
        ("tool: list_orders, toolset: reading, expect: allow", "allow", "allow-up-to-medium"),
        ("tool: refund_payment, toolset: reading, expect: deny, rule: CASK-R001", "deny", "CASK-R001"),
        ("tool: refund_payment, arguments: {}, toolset: reading, expect: deny, rule: CASK-R001", "deny", "CASK-R001"),
        ("tool: no_such_tool, expect: deny, rule: CASK-R001", "deny", "CASK-R001"),
        ("tool: list_orders, expect: allow, audit: '', redact: ''", "allow", "allow-up-to-medium"),
    ],
)
def test_a_case_that_says_what_happens_passes(shop: Path, case: str, verdict: str, rule: str) -> None:
    report = judged(shop, case)
    assert [(row["decided"], row["rule"], row["result"]) for row in report.tables["cases"]] == [(verdict, rule, "as expected")]
    assert (report.exit, report.findings) == (0, ())


@pytest.mark.feature(46)
@pytest.mark.parametrize(
    ("case", "what"),
    [
        ("tool: refund_payment, expect: allow", "expected allow, and `no-refunds` says deny"),
        ("tool: refund_payment, expect: deny, rule: default-deny", "expected the rule `default-deny`, and `no-refunds` decides"),
        ("tool: refund_paymnt, expect: deny", "there is no such tool; where that is what you expect, say `rule: CASK-R001`"),
        (
            "tool: list_orders, arguments: {nonsense: 1}, expect: deny",
            "the step `arguments` says deny, not the policy; where that is what you expect, say `rule: CASK-R002`",
        ),
        ("tool: list_orders, expect: allow, audit: keep-writes", "expected the audit rule `keep-writes`, and there is none"),
        ("tool: refund_payment, expect: deny, audit: ''", "expected no audit rule, and there is `keep-writes`"),
        ("tool: list_orders, arguments: {nonsense: 1}, expect: allow", "expected allow, and `CASK-R002` says deny"),
    ],
)
def test_a_case_that_says_something_else_fails_with_its_line(shop: Path, case: str, what: str) -> None:
    report = judged(shop, "tool: list_orders, expect: allow", case)
    assert [(row.message, row.place, row.mend) for row in report.findings] == [(what, "cases.yaml:4", "edit cases.yaml")]
    assert report.exit == 1


def test_rules_that_no_case_reaches_are_named(shop: Path) -> None:
    report = judged(shop, "tool: refund_payment, expect: deny")
    assert report.summary == {
        "cases": 1,
        "wrong": 0,
        "rules": len(report.lines[0].split(",")) + 2,
        "rules_without_a_case": len(report.lines[0].split(",")),
    }
    assert "allow-up-to-medium" in report.lines[0]
    assert "no-refunds" not in report.lines[0]


@pytest.mark.parametrize(
    ("case", "code", "place"),
    [
        ("tool: list_orders, expect: permit", "CASK-I004", "cases.yaml:3"),
        ("tool: list_orders, expects: allow", "CASK-I004", "cases.yaml:3"),
        ("tool: list_orders, expect: allow, toolset: nobody", "CASK-I010", "cases.yaml:3"),
        ("expect: allow", "CASK-I004", "cases.yaml:3"),
    ],
)
def test_a_case_that_cannot_be_judged_is_bad_input(shop: Path, case: str, code: str, place: str) -> None:
    with pytest.raises(CaskError) as caught:
        judged(shop, case)
    assert (caught.value.code, caught.value.place) == (code, place)


def test_the_command_exits_as_the_cases_say(shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(shop)
    (shop / "cases.yaml").write_text("version: 1\ncases: [{tool: refund_payment, expect: confirm}]\n", encoding="utf-8")
    assert main(["policy", "test", "cases.yaml"]) == 1
    assert "cases.yaml:2" in capsys.readouterr().out
    assert main(["policy", "test", "absent.yaml"]) == 3
