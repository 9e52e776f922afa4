"""What a build says of its coverage."""

from typing import Any

import pytest

from caskmcp.workflows import told

CHOSEN: dict[str, Any] = {
    "tools": 40,
    "tokens": 13926,
    "all_tokens": 25259,
    "most_tools": 40,
    "most_tokens": 20000,
    "left_out": {"x": "full"},
}


@pytest.mark.parametrize(
    ("found", "lines"),
    [
        ({}, []),
        ({"selection": {**CHOSEN, "left_out": {}}}, ["about 25259 tokens in a list"]),
        ({"selection": {"tools": 2, "tokens": 9, "all_tokens": 9}}, ["about 9 tokens in a list"]),
        (
            {"selection": CHOSEN},
            ["about 25259 tokens in a list; toolset default: 40 tools, about 13926; see `selection` in coverage.json"],
        ),
        (
            {"selection": {**CHOSEN, "sessions": 20, "covered": 18}},
            [
                "about 25259 tokens in a list; toolset default: 40 tools, about 13926, covering 18 of 20 sessions; see `selection` in coverage.json"
            ],
        ),
        ({"disagreements": [{}, {}]}, ["2 times documents and traffic differ: see `disagreements` in coverage.json"]),
        ({"proposals": [{}]}, ["1 offered by sites to agents, none a tool here: see `proposals` in coverage.json"]),
    ],
)
def test_a_build_tells_what_a_list_costs_and_what_to_look_at(found: dict[str, Any], lines: list[str]) -> None:
    assert list(told.lines(found)) == lines


def test_the_summary_holds_the_figures() -> None:
    assert told.summary({"selection": CHOSEN, "disagreements": [{}]}) == {"tokens": 13926, "disagreements": 1}
    assert told.summary({}) == {}
