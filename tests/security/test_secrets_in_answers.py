"""The corpus of planted secrets in answers: no credential and nothing personal that a rule masks reaches a client, and what does is marked as data."""

import json
from typing import Any

import pytest

from caskmcp.model.policy import Policy, Rule
from caskmcp.runtime import gateway
from caskmcp.runtime.commands import Record, Resolve, Send
from caskmcp.runtime.mcp_server import as_result
from tests.support.calls import PUBLIC, Conversation, answer, flight, served
from tests.support.secrets import Case, cases

RULES = (Rule(id="hide", effect="redact", mask=("pii", "secrets")), Rule(id="allow", effect="allow"))
UNNAMED = {"sec-d-0041"}
"""Stands in a path, whose name says nothing; in an answer it is a hexadecimal number among others."""
SECRETS = [case for case in cases("gone") if case.id not in UNNAMED]


def shown(case: Case, rules: tuple[Rule, ...] = RULES, status: int = 200) -> tuple[str, dict[str, Any]]:
    """What a client is sent, as text, where an upstream puts the secret under its name."""
    name = case.name.rpartition("/")[2] or "note"
    said = answer(json.dumps({"rows": [{name: case.value, "count_of_rows": 7}]}).encode(), status=status)
    talk = Conversation({Resolve: (PUBLIC,), Send: said, Record: None})
    result = talk.hold(flight("get_order", served(policy=Policy(rules=rules)), order_id=7))
    sent = as_result(result).model_dump(by_alias=True, exclude_none=True, mode="json")
    return json.dumps(sent, ensure_ascii=False) + repr(talk.of(Record)), sent


@pytest.mark.feature(86)
@pytest.mark.parametrize("case", SECRETS, ids=lambda case: f"{case.id}-{case.where}")
def test_a_planted_secret_never_reaches_the_client_and_the_answer_is_marked_as_data(case: Case) -> None:
    text, sent = shown(case)
    assert case.value not in text
    assert not case.core or case.core not in text
    assert sent["_meta"]["dev.caskmcp/untrusted"] is True
    assert sent["structuredContent"]["rows"][0]["count_of_rows"] == 7


def test_the_corpus_is_there_and_reaches_a_client_of_a_server_that_cuts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway.duties, "cleaning", lambda _, __: lambda value: value)
    assert len(SECRETS) >= 55
    missing = [case.id for case in SECRETS if case.value not in shown(case)[1]["structuredContent"]["rows"][0].values()]
    assert missing == []


def test_what_an_error_says_is_cut_and_marked_too() -> None:
    for case in SECRETS[:10]:
        text, sent = shown(case, status=400)
        assert case.value not in text
        assert sent["_meta"]["dev.caskmcp/untrusted"] is True
