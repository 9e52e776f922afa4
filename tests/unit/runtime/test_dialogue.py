"""What a client's dialogue is asked, and of whom: pure parts. Whole conversations are in `tests/e2e/test_dialogue.py`."""

from typing import Any

import mcp_types as t
import pytest

from caskmcp.model.tool import Field_
from caskmcp.runtime import dialogue
from caskmcp.runtime.dialogue import LONGEST, Question, question
from caskmcp.runtime.respond import Result
from tests.support import packs
from tests.support.composites import composite, step

WAITS = Result("CASK-R005: …", error="CASK-R005", details={"challenge": "c0ffee"})
M = packs.tool("m", method="POST", risk="medium", effect="write")


def test_a_question_says_what_will_be_sent_with_the_headers_that_arguments_decide() -> None:
    plan = M.request.model_copy(update={"headers": (Field_(argument="tenant", wire="X-Tenant"),)})
    asked = question(M.model_copy(update={"request": plan}), {"order_id": 7, "tenant": "blue", "note": "hi"}, WAITS, {})
    told = "Order by m (m, risk medium)\nPOST https://api.example.com/orders/7/m\nX-Tenant: blue\n"
    assert asked == Question("c0ffee", told + '{"act":{"name":"m","with":{"note":"hi"}}}')


@pytest.mark.parametrize(
    ("tool", "arguments", "result"),
    [
        (packs.W, {"order_id": 7}, WAITS),
        (packs.C, {"order_id": 7}, WAITS),
        (M, {"order_id": 7}, Result("CASK-R004: no", error="CASK-R004", details={"challenge": "c0ffee"})),
        (M, {"order_id": 7}, Result("CASK-R005: too many wait", error="CASK-R005")),
        (M, {"order_id": 7, "note": "x" * LONGEST}, WAITS),
        (M, {"order_id": "../8"}, WAITS),
        (composite("all", {"kind": "chain", "steps": [step("r"), step("m")]}, risk="medium", effect="write"), {"order_id": 7}, WAITS),
    ],
    ids=["high", "critical", "another no", "no challenge", "too long", "no request", "composite"],
)
def test_what_a_dialogue_may_not_answer_or_cannot_show_is_not_asked(tool: Any, arguments: dict[str, Any], result: Result) -> None:
    assert question(tool, arguments, result, {}) is None


@pytest.mark.parametrize(
    ("elicitation", "takes"),
    [(None, False), ({}, True), ({"form": {}}, True), ({"url": {}}, False), ({"form": {}, "url": {}}, True)],
)
def test_a_client_takes_forms_if_it_says_so_or_says_nothing_nearer(elicitation: dict[str, Any] | None, takes: bool) -> None:
    capabilities = t.ClientCapabilities.model_validate({"elicitation": elicitation} if elicitation is not None else {})
    assert dialogue._takes_forms(capabilities) is takes
    assert dialogue._takes_forms(None) is False
