"""Recordings that say little, too much or two things at once: a finding with its mend, never a crash, never a tool that is wide open, in bounded work."""

import json
from collections.abc import Iterable
from typing import Any

import pytest

from caskmcp.analyze.lint.rules import RULES
from caskmcp.analyze.lint.surface import Surface
from caskmcp.compiler.normalize import rules, words
from caskmcp.load import load
from tests.support.chain import Chain
from tests.support.recordings import SPEC
from tests.support.reference_traffic import API, entry, har
from tests.support.traffic import exchange, operations

PROJECT: dict[str, Any] = {
    "hosts": [API],
    "redact": {},
    "paths": [],
    "tools": {},
    "toolsets": {},
    "auth": {},
    "environments": {},
    "id": "shop",
}
PLAIN = sorted(word for word in words.table() - words.core() if word.isalpha() and len(word) > 3)


def surface(rows: Iterable[dict[str, Any]], **project: Any) -> Surface:
    """What is compiled of a recording, as lint reads it."""
    more = project.pop("spec", None)
    sources = {"a": ("har", har(rows))} | ({"b": ("openapi", more)} if more else {})
    return Surface(Chain(sources, **(PROJECT | project)).run("emit").outputs["emit"]["files"])


def findings(found: Surface) -> set[str]:
    return {rule.id for rule in RULES for _ in load(rule.finds)(found)}


def get(path: str, answer: Any = None, status: int = 200) -> dict[str, Any]:
    return entry("GET", f"https://{API}{path}", status, answer)


def is_closed(found: Surface) -> bool:
    """Whether every tool names its arguments, and no path is made of arguments alone."""
    plans = [tool.request.segments for tool in found.tools]
    literal = all(any(not piece.argument and piece.text for row in segments for piece in row.pieces) for segments in plans)
    return literal and all(tool.input_schema["additionalProperties"] is False for tool in found.tools)


# ---------------------------------------------------------------- ten thousand endpoints of one template
@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How often two places were compared."""
    counts, real = [0], rules.alike

    def counted(*places: Any) -> tuple[int, int]:
        counts[0] += 1
        return real(*places)

    monkeypatch.setattr(rules, "alike", counted)
    return counts


_PAIRS = 4 * 64 * 64
"""Of more words than 64 the first ones stand for all, in each rule that compares pairs."""
IDS = [f"{one}-{two}" for one in PLAIN[:100] for two in PLAIN[200:300]]


@pytest.mark.parametrize("count", [1_000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_ids_that_look_like_words_are_one_parameter_by_linear_work(compared: list[int], count: int) -> None:
    assert operations(exchange(f"GET /pools/{name} 200 {{id: 1, size: 2}}") for name in IDS[:count]) == ["GET /pools/{pool_name}"]
    assert compared[0] <= 4 * count + _PAIRS


def test_ten_thousand_ids_without_an_answer_to_compare_are_one_parameter(compared: list[int]) -> None:
    assert len(IDS) == 10_000
    assert operations(exchange(f"DELETE /pools/{name} 204") for name in IDS) == ["DELETE /pools/{pool_name}"]
    assert compared[0] <= 4 * len(IDS) + _PAIRS


CORE = sorted(words.core())[:400]


def test_ids_that_are_words_of_apis_are_found_and_the_manifest_settles_them(compared: list[int]) -> None:
    rows = [get(f"/v1/pools/{word}", {"id": 1, "size": 2}) for word in CORE]
    found = surface(rows)
    assert len(found.tools) > 300
    assert compared[0] <= 4 * len(CORE) + _PAIRS < len(CORE) ** 2
    (row,) = load("analyze.lint.places:crowded")(found)
    assert row.subject == f"place:GET {API}/v1/pools/*"
    assert [tool.operation for tool in surface(rows, paths=["/v1/pools/{pool}"]).tools] == [f"GET {API}/v1/pools/{{pool}}"]


# ---------------------------------------------------------------- hosts that prove nothing
def test_a_host_that_answers_to_everything_is_found() -> None:
    places = [
        "orders",
        "users/me",
        "carts",
        "invoices/search",
        "payments",
        "teams",
        "tags",
        "files",
        "rooms",
        "events",
        "alerts",
        "reports",
        "visits",
    ]
    found = surface(get(f"/v1/{place}", {"ok": True, "status": "done"}) for place in places)
    assert "host-answers-alike" in findings(found)
    assert is_closed(found)


def test_a_page_for_json_is_no_operation_and_the_rest_is_compiled() -> None:
    page = ("text/html", "<!doctype html><html><body>Please sign in</body></html>")
    chain = Chain({"a": ("har", har([get("/v1/orders", page), get("/v1/orders/7", {"id": 7, "size": 2})]))}, **PROJECT).run("emit")
    assert [tool["operation"] for tool in json.loads(chain.outputs["emit"]["files"]["tools.json"])["tools"]] == [
        f"GET {API}/v1/orders/{{order_id}}"
    ]


# ---------------------------------------------------------------- little, or two things at once
def test_one_sample_gives_a_closed_tool_of_low_confidence() -> None:
    found = surface([entry("POST", f"https://{API}/v1/orders/7/cancel", 200, {"id": 7}, {"reason": "late"})])
    (tool,) = found.tools
    assert (tool.confidence, is_closed(found)) == ("low", True)
    assert sorted(tool.input_schema["properties"]) == ["order_id", "reason"]
    assert tool.input_schema["required"] == ["order_id"]


def test_evidence_that_contradicts_itself_makes_no_type_up() -> None:
    answers = ([1, 2], {"id": 1}, "x", 7, None, [{"id": "a"}], {"id": [1]})
    found = surface(entry("POST", f"https://{API}/v1/orders?page={page}", 200, answer, answer) for page, answer in zip(("1", "a", "true", "2", "b", "", "3"), answers, strict=True))  # fmt: skip
    (tool,) = found.tools
    assert tool.input_schema["properties"]["page"] == {"type": "string"}
    assert is_closed(found)


def test_a_document_that_traffic_contradicts_is_followed_and_the_difference_is_said() -> None:
    rows = [get("/v1/orders", {"items": [{"id": number}], "total": 1}) for number in range(3)]
    found = surface(rows, spec=SPEC.encode())
    assert [row["rule"] for row in json.loads(found.artifacts["coverage.json"])["disagreements"]] != []
    assert [tool.name for tool in found.tools] == ["list_orders"]
