"""What requests and answers hold drives the policy, and a rule that no call can reach is told."""

from pathlib import Path

import pytest

from caskmcp.errors import CaskError
from caskmcp.model.policy import Policy
from caskmcp.model.tool import Tools
from caskmcp.workflows import build, lint
from tests.support.world import world

SPEC = Path(__file__).with_name("shop.yaml").read_text(encoding="utf-8")
MANIFEST = "version: 1\nname: shop\nhosts: [api.shop.example]\nsources: [{openapi: shop.yaml}]\npolicy: rules.yaml\n"


def project(folder: Path, rules: str) -> Path:
    for name, text in (("cask.yaml", MANIFEST), ("shop.yaml", SPEC), ("rules.yaml", f"version: 1\nrules:\n{rules}")):
        (folder / name).write_text(text, encoding="utf-8")
    build.run(world(folder))
    return folder / ".caskmcp/toolpacks/shop/artifact"


@pytest.mark.feature(39)
def test_a_rule_on_a_tag_decides_what_it_means_and_one_that_no_call_can_reach_fails_lint(tmp_path: Path) -> None:
    pack = project(
        tmp_path,
        "  - {id: money-is-refused, effect: deny, match: {traits: [money]}}\n"
        "  - {id: nobody-is-an-admin, effect: deny, match: {traits: [admin]}}\n"
        "  - {id: shadowed, effect: allow, match: {traits: [money], risk: [high]}}\n",
    )
    tools = {row.name: row for row in Tools.from_json((pack / "tools.json").read_bytes(), "tools.json").tools}
    policy = Policy.from_yaml((pack / "policy.yaml").read_bytes(), "policy.yaml")
    assert "money" in tools["refund_payment"].traits
    assert [rule.id for rule in policy.rules_for(tools["refund_payment"])] == ["money-is-refused"]
    assert "money-is-refused" not in [rule.id for rule in policy.rules_for(tools["list_orders"])]
    found = [row for row in lint.run(world(tmp_path)).findings if row.code == "rule-unreachable"]
    assert [row.message for row in found] == [
        "policy: the rule `nobody-is-an-admin` is never reached: it matches no tool",
        "policy: the rule `shadowed` is never reached: an earlier rule decides every call that it matches",
    ]
    assert lint.run(world(tmp_path)).exit == 1


def test_a_tag_that_there_is_none_of_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(CaskError) as caught:
        project(tmp_path, "  - {id: x, effect: deny, match: {traits: [secret]}}\n")
    assert (caught.value.code, caught.value.place) == ("CASK-I004", "rules.yaml:3")
