"""Which requests are calls of an API: the table's cases, both ways."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from caskmcp.compiler.capture.address import address
from caskmcp.compiler.capture.bodies import body
from caskmcp.compiler.capture.select import RULES, Keep, Seen, reason
from caskmcp.compiler.capture.sources.interface import Recorded, RecordedBody
from caskmcp.model.exchange import REASONS

CASES = yaml.safe_load((Path(__file__).parents[3] / "cases" / "capture" / "select.yaml").read_text(encoding="utf-8"))


def seen(case: dict[str, Any]) -> Seen:
    media, text = case.get("answer", ["application/json", '{"ok": true}'])
    text += "x" * case.get("longer", 0)
    post = case.get("post")
    recorded = Recorded(
        "entry 0",
        case.get("method", "GET"),
        case.get("url", "https://api.example.com" + case.get("path", "/orders")),
        headers=tuple(case.get("headers", {}).items()),
        request=RecordedBody(post[0], text=post[1]) if post else None,
        status=case.get("status", 200),
        response=RecordedBody(media, text=text or None, size=len(text)),
        kind=case.get("kind", ""),
    )
    return Seen(recorded, address(recorded.url), body(recorded.response) or None)


def rows(verdict: str) -> list[Any]:
    return [pytest.param(rule, case, id=f"{rule}-{at}") for rule, verdicts in CASES.items() for at, case in enumerate(verdicts[verdict])]


@pytest.mark.parametrize(("rule", "case"), rows("out"))
def test_what_is_no_call_is_left_out_with_its_reason(rule: str, case: dict[str, Any]) -> None:
    assert reason(seen(case)) == next(row.reason for row in RULES if row.id == rule)


@pytest.mark.parametrize(("rule", "case"), rows("kept"))
def test_a_call_is_kept(rule: str, case: dict[str, Any]) -> None:
    assert rule in CASES
    assert reason(seen(case)) == ""


def test_each_reason_is_one_of_the_models() -> None:
    assert {row.reason for row in RULES} <= set(REASONS)


# ---------------------------------------------------------------- what a person wants all the same
@pytest.mark.parametrize(
    ("wanted", "left_out", "method", "path", "kept"),
    [
        (["noise"], "noise", "GET", "/robots.txt", True),
        (["noise"], "analytics", "POST", "/collect", False),
        (["/collect/*"], "analytics", "POST", "/collect/v2", True),
        (["/collect/*"], "analytics", "POST", "/collection", False),
        (["POST /events"], "analytics", "POST", "/events", True),
        (["POST /events"], "analytics", "GET", "/events", False),
        (["source map"], "source map", "GET", "/app.js.map", True),
        (["/*"], "third party", "GET", "/orders", False),
        (["/*"], "websocket", "GET", "/live", False),
        ([], "noise", "GET", "/robots.txt", False),
    ],
)
def test_a_reason_or_a_pattern_keeps_what_may_be_kept(wanted: list[str], left_out: str, method: str, path: str, kept: bool) -> None:
    assert Keep(wanted)(left_out, method, path) is kept
