"""Arguments of any size and shape end in a typed no before anything is asked of the world, and nothing of them is repeated."""

from typing import Any

import pytest

from caskmcp.model.tool import BodyPlan, Field_
from caskmcp.runtime.commands import Record, Resolve, Send
from tests.support.calls import PUBLIC, Conversation, answer, flight, literal, served, tool

BIG = "canary" * 1_700_000
"""Ten megabytes."""
SEARCH = tool(
    "search", segments=(literal("search"),), properties={"q": {"type": "string"}, "tags": {"type": "array"}}, required=(),
    query=(Field_(argument="q", wire="q"), Field_(argument="tags", wire="tags")),
)  # fmt: skip
NOTE = tool(
    "note", method="POST", segments=(literal("notes"),), properties={"body": {}}, required=(),
    body=BodyPlan(media="application/json", kind="json", argument="body"),
)  # fmt: skip


def nested(levels: int) -> Any:
    value: Any = "canary"
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("name", "arguments", "codes"),
    [
        ("get_order", {"order_id": BIG}, {"CASK-R002"}),
        ("get_order", {"order_id": 7, BIG: 1}, {"CASK-R002"}),
        ("get_order", {"order_id": [["canary"] * 100_000]}, {"CASK-R002"}),
        ("get_order", {"order_id": 10**5000}, {"CASK-R002", "CASK-R003"}),
        ("get_order", {f"canary {number}": number for number in range(5_000)}, {"CASK-R002"}),
        ("search", {"q": BIG}, {"CASK-R003"}),
        ("search", {"tags": ["canary"] * 20_000}, {"CASK-R003"}),
        ("search", {"tags": nested(300)}, {"CASK-R002", "CASK-R003"}),
        ("note", {"body": nested(5_000)}, {"CASK-R002", "CASK-R003"}),
        ("note", {"body": {"canary": float("nan")}}, {"CASK-R002", "CASK-R003"}),
        ("note", {"body": "canary\ud800"}, {"CASK-R002", "CASK-R003"}),
    ],
    ids=[
        "text-for-a-number",
        "name",
        "list-for-a-number",
        "integer",
        "names",
        "query",
        "query-list",
        "query-nested",
        "body-nested",
        "nan",
        "surrogate",
    ],
)
def test_it_is_refused_with_a_code_and_nothing_is_sent_or_repeated(name: str, arguments: dict[str, Any], codes: set[str]) -> None:
    talk = Conversation({Resolve: (PUBLIC,), Send: answer(), Record: None})
    result = talk.hold(flight(name, served(tool(), SEARCH, NOTE), **arguments))
    assert result.error in codes
    assert [type(each) for each in talk.asked] == [Record]
    assert len(result.text) < 500
    assert "canary" not in result.text + repr(talk.of(Record)[0].entry)
