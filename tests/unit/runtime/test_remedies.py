"""Each no says what is wrong, why, what to do and who can change it."""

import re

import pytest

from caskmcp.errors import CODES
from caskmcp.runtime.gateway import STEPS
from caskmcp.runtime.mcp_server import as_result
from caskmcp.runtime.remedies import BY_CODE, REMEDIES, facts, told
from caskmcp.runtime.respond import Result

RUNTIME = sorted(code for code in CODES if re.fullmatch(r"CASK-[RE][0-9]{3}", code))
NOBODY = {"CASK-R002", "CASK-R003", "CASK-R008", "CASK-R022"}
"""What the agent can mend alone."""


@pytest.mark.feature(87)
@pytest.mark.parametrize("code", [*RUNTIME, "CASK-W001"])
def test_each_code_of_the_runtime_reaches_the_agent_with_cause_fix_and_who_can_approve(code: str) -> None:
    shown = as_result(Result(f"{code}: no", error=code)).model_dump(by_alias=True, exclude_none=True, mode="json")
    error = shown["_meta"]["dev.caskmcp/error"]
    assert error["code"] == code
    assert error["cause"] == CODES[code].why
    assert error["fix"] == BY_CODE[code].fix
    assert ("who" in error) is (code not in NOBODY)
    assert [part["text"] for part in shown["content"]] == [f"{code}: no", f"note: {told(code)}"]
    assert shown["isError"] is True


def test_each_code_that_a_step_ends_a_call_with_has_a_row_and_each_row_once() -> None:
    assert {code for step in STEPS for code in step.codes} <= BY_CODE.keys()
    assert len(REMEDIES) == len(BY_CODE)


def test_what_a_program_is_told_of_a_challenge_stays_beside_it() -> None:
    error = as_result(Result("CASK-R005: no", error="CASK-R005", details={"challenge": "c1"})).meta["dev.caskmcp/error"]
    assert (error["challenge"], error["fix"][:16]) == ("c1", "tell your person")


def test_no_remedy_says_how_to_get_round_a_guard() -> None:
    for row in REMEDIES:
        assert not re.search(r"--unsafe|disable|turn off|bypass|yourself", f"{row.fix} {row.who}"), row


def test_an_answer_and_a_code_of_others_have_none() -> None:
    assert (facts("CASK-C001"), told("CASK-C001"), facts(""), told("")) == ({}, "", {}, "")
    assert [part.text for part in as_result(Result("{}", {})).content if part.type == "text"] == ["{}"]
