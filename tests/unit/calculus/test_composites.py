"""A composite that calls other tools, or with other arguments, is another tool: neither contains the other."""

from caskmcp.calculus.tools import compare, verdict
from caskmcp.calculus.verdict import Verdict
from caskmcp.model.policy import Policy
from caskmcp.model.served import served
from caskmcp.model.tool import Tool
from caskmcp.model.toolset import Toolsets
from tests.support import packs
from tests.support.composites import composite, step

BEFORE = {"kind": "chain", "steps": [step("r", order_id="order_id"), step("q", order_id={"step": 1, "at": "/id"})]}


def record(tool: Tool) -> dict[str, object]:
    return served(tool, Policy(rules=()), Toolsets(toolsets={}))


def test_another_place_of_an_answer_is_incomparable_and_told_as_what_it_is() -> None:
    after = {"kind": "chain", "steps": [BEFORE["steps"][0], step("q", order_id={"step": 1, "at": "/parent"})]}
    changes = compare(record(composite("c", BEFORE)), record(composite("c", after)))
    assert [(row.area, row.place) for row in changes] == [("composite", "composite.steps.1.with.order_id.at")]
    assert verdict(changes) is Verdict.INCOMPARABLE


def test_the_record_of_a_tool_that_is_none_has_no_word_of_composites() -> None:
    assert "composite" not in record(packs.R)
    assert record(composite("c", BEFORE))["composite"] is not None
