"""Action keys, and reasons in words."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caskmcp.canon import Digest
from caskmcp.engine.keys import FORGOTTEN, NEVER, Facts, action_key, reason

A, B, T = (Digest("sha256:" + letter * 64) for letter in "abc")


def facts(**changes: Any) -> Facts:
    return Facts(
        **{"stage": "infer", "toolchain": T, "params": {"project.paths": []}, "inputs": {"part": A, "fan": {"x": A, "y": B}}, **changes}
    )


def test_the_key_is_the_digest_of_stage_toolchain_parameters_and_inputs() -> None:
    # sha256 of the canonical JSON, taken with sha256sum.
    assert action_key(Facts("s", T, {"p": 1}, {"i": A})) == "sha256:586ab69822cd66adce2e889568bae122e6a01867c42209e772715473862f00c2"


@pytest.mark.parametrize(
    "change",
    [
        {"stage": "classify"},
        {"toolchain": A},
        {"params": {"project.paths": ["/x"]}},
        {"params": {}},
        {"inputs": {"part": B, "fan": {"x": A, "y": B}}},
        {"inputs": {"part": A, "fan": {"x": A}}},
        {"inputs": {"part": A, "fan": {"x": A, "z": B}}},
        {"inputs": {"other": A, "fan": {"x": A, "y": B}}},
    ],
)
def test_whatever_can_change_an_output_changes_the_key(change: dict[str, Any]) -> None:
    assert action_key(facts(**change)) != action_key(facts())


@given(st.permutations(["a", "b", "c", "d"]))
def test_the_order_of_roles_does_not_change_the_key(order: list[str]) -> None:
    inputs = dict.fromkeys(order, A)
    assert action_key(Facts("s", T, {}, inputs)) == action_key(Facts("s", T, {}, dict(sorted(inputs.items()))))


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (facts(), FORGOTTEN),
        (facts(toolchain=A), "the toolchain changed"),
        (facts(params={"project.paths": ["/x"]}), 'parameter project.paths: [] -> ["/x"]'),
        (facts(params={"project.paths": ["/" + "x" * 50]}), "parameter project.paths changed"),
        (facts(inputs={"part": B, "fan": {"x": A, "y": B}}), "input part changed"),
        (facts(inputs={"part": A, "fan": {"x": A, "y": A}}), "input fan changed (y)"),
        (facts(inputs={"part": A, "fan": {"y": B, "z": B}}), "input fan changed (x, z)"),
        (facts(inputs={"part": A, "fan": dict.fromkeys("pqrs", B)}), "input fan changed (p, q and 4 more)"),
        (facts(inputs={"part": A, "fan": {A: A}}), "input fan changed (x, y)"),
        (facts(toolchain=A, inputs={"part": B, "fan": {"x": A, "y": B}}), "the toolchain changed; input part changed"),
    ],
)
def test_the_reason_is_the_difference(now: Facts, words: str) -> None:
    assert reason(facts().plain(), now) == words


@pytest.mark.parametrize("before", [None, [], "x"])
def test_without_a_record_of_the_last_build_a_step_was_never_built(before: Any) -> None:
    assert reason(before, facts()) == NEVER
