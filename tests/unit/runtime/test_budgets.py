"""Which budgets a call counts in, what is set aside for its answer, and how a whole call spends, settles and is cut: with the real state."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from caskmcp.errors import CaskError
from caskmcp.model.artifact import Auth, Environments
from caskmcp.model.policy import Additions, Budget, Policy, Window
from caskmcp.model.served import shared
from caskmcp.runtime import spending
from caskmcp.runtime.budgets import Charge, charges, latest, refusal, room, set_aside, tokens
from caskmcp.runtime.commands import Record, Resolve, Send, Spend, Took
from caskmcp.runtime.gateway import Flight
from tests.support.calls import GET_ORDER, PUBLIC, Conversation, answer, call, flight, served, tool
from tests.support.composites import composite, step

MINUTE = Budget(calls=5, per_seconds=60)


def counted(budgets: dict[str, Budget], caller: str = "stdio", toolsets: Any = None) -> dict[str, str]:
    return {row.budget: row.key for row in charges("get_order", caller, toolsets or {}, budgets, 100)}


# ---------------------------------------------------------------- what is counted where
@pytest.mark.parametrize(
    ("budgets", "caller", "keys"),
    [
        (("get_order", "pay_order", "*"), "stdio", {"get_order": "get_order", "*": "*"}),
        (("toolset:calm", "toolset:other"), "stdio", {"toolset:calm": "toolset:calm"}),
        (("caller:ann", "caller:bob"), "ann", {"caller:ann": "caller:ann"}),
        (("caller:ann",), "ann, environment staging", {"caller:ann": "caller:ann"}),
        (("caller:*",), "ann", {"caller:*": "caller:*:caller:ann"}),
        (("caller:*",), "bob, environment staging", {"caller:*": "caller:*:caller:bob"}),
        (("caller:*", "caller:ann"), "ann", {"caller:*": "caller:*:caller:ann", "caller:ann": "caller:ann"}),
    ],
)
def test_a_call_counts_in_the_budgets_of_its_tool_toolset_caller_and_in_all(
    budgets: tuple[str, ...], caller: str, keys: dict[str, str]
) -> None:
    assert counted(dict.fromkeys(budgets, MINUTE), caller, {"calm": ("get_order",), "other": ("pay_order",)}) == keys


def test_a_caller_cannot_take_the_name_of_another_budget() -> None:
    assert counted({"*": MINUTE, "get_order": MINUTE}, "get_order") == {"*": "*", "get_order": "get_order"}
    assert counted({"caller:*": MINUTE}, "*") == {"caller:*": "caller:*:caller:*"}


def test_the_largest_answer_is_set_aside_and_never_more_than_a_window_has() -> None:
    assert set_aside([MINUTE], 100_000) == 0, "nobody counts tokens"
    assert set_aside([Budget(tokens=90_000, per_seconds=60)], 100_000) == 25_100
    assert set_aside([Budget(tokens=90_000, per_seconds=60, also=(Window(tokens=9_000, per_seconds=9),))], 100_000) == 9_000
    assert set_aside([Budget(tokens=90_000, per_seconds=60)], 0) == 0, "an answer that nobody is shown takes nothing"


def test_an_answer_may_be_as_large_as_what_was_set_aside() -> None:
    assert room([]) is None
    assert room([Charge("*", "*", (MINUTE,), 0)]) is None
    assert room([Charge("*", "*", (MINUTE,), 2_500)]) == 9_600
    assert (tokens(""), tokens("abcd"), tokens("abcde"), tokens("éé")) == (0, 1, 2, 1)


def test_who_is_refused_is_told_when_enough_has_left_the_window() -> None:
    window = Window(calls=3, tokens=10_000, per_seconds=60)
    of = Charge("*", "*", (window,), 4_000)
    rows = [(0, 1_000), (10, 5_000), (20, 3_000)]
    found = refusal(of, window, rows, 30)
    assert (found.retry, found.budget) == (40, "*"), "the first frees a call, the second the tokens"
    assert found.told() == "the budget of 3 calls and 10000 tokens in 60 s is spent; try again in 40 s"
    assert latest(iter(())) is None
    assert latest(iter([found, refusal(of, window, rows, 35)])) is found


# ---------------------------------------------------------------- the policy
def test_a_budget_bounds_something() -> None:
    with pytest.raises(ValidationError, match="calls"):
        Budget(per_seconds=60)
    with pytest.raises(CaskError) as refused:
        Additions.from_yaml(b"version: 1\nbudgets: {'*': {tokens: 10, per_seconds: 60}}\n", "policy.yaml")
    assert refused.value.code == "CASK-I004"


def test_a_budget_of_calls_alone_is_signed_as_it_was_before_there_were_tokens() -> None:
    policy = Policy(rules=(), budgets={"*": Budget(calls=100, per_seconds=60)})
    content = shared(policy, Environments(), Auth())["policy"]
    budgets = {"*": {"calls": 100, "per_seconds": 60}}
    assert content == {"schema": "caskmcp/policy-defaults/1", "default": "deny", "budgets": budgets, "rules": []}


def test_tokens_and_windows_beside_are_signed() -> None:
    budget = Budget(tokens=50_000, per_seconds=60, also=(Window(calls=9, per_seconds=3_600),))
    content = shared(Policy(rules=(), budgets={"*": budget}), Environments(), Auth())["policy"]
    assert content["budgets"] == {"*": {"tokens": 50_000, "per_seconds": 60, "also": [{"calls": 9, "per_seconds": 3_600}]}}


# ---------------------------------------------------------------- a call
BIG = json.dumps({"rows": ["x" * 90] * 300}).encode()


def talked(body: bytes = BIG, spend: Any = None, took: Any = None, **bounds: Any) -> tuple[Conversation, Any]:
    talk = Conversation({Resolve: (PUBLIC,), Send: answer(body), Spend: spend, Took: took, Record: None})
    result = talk.hold(flight("get_order", served(GET_ORDER, budgets={"*": Budget(per_seconds=60, **bounds)}), order_id=7))
    return talk, result


def test_what_an_answer_took_is_told_before_the_record() -> None:
    talk, result = talked(b'{"id":7}', tokens=50_000)
    assert [type(each) for each in talk.asked] == [Spend, Resolve, Send, Took, Record]
    assert talk.of(Spend)[0].charges == (Charge("*", "*", Budget(tokens=50_000, per_seconds=60).windows, 25_100),)
    assert (talk.of(Took)[0].call, talk.of(Took)[0].tokens) == ("c0ffee", 2)
    assert result.text == '{"id":7}'


def test_where_calls_alone_are_counted_nothing_is_told() -> None:
    talk, _ = talked(calls=9)
    assert talk.of(Took) == []


@pytest.mark.feature(80)
def test_an_answer_is_cut_to_what_was_set_aside_and_the_budget_is_never_passed() -> None:
    talk, result = talked(tokens=2_500)
    took = talk.of(Took)[0].tokens
    assert 1_000 < took <= 2_500
    assert len(result.text.encode()) <= 9_600
    assert "cut to 9600 bytes" in result.notes[0]


def test_without_the_cut_the_same_answer_passes_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spending, "fitted", lambda tool, _: tool)
    talk, _ = talked(tokens=2_500)
    assert talk.of(Took)[0].tokens > 2_500


def test_an_answer_that_cannot_be_counted_reaches_the_agent_all_the_same() -> None:
    talk, result = talked(b'{"id":7}', took=CaskError("CASK-R020", "gone"), tokens=50_000)
    assert (result.error, result.structured) == ("", {"id": 7})
    assert len(talk.of(Record)) == 1


def test_a_call_is_not_made_where_nobody_can_be_asked() -> None:
    talk, result = talked(spend=CaskError("CASK-R020", "gone"), calls=9)
    assert (result.error, talk.of(Send)) == ("CASK-R020", [])
    assert talk.of(Record)[0].entry.step == "budget"


def test_a_call_that_a_composite_makes_takes_no_tokens() -> None:
    inner = Flight(
        call("get_order", order_id=7), served(GET_ORDER, budgets={"*": Budget(tokens=50_000, per_seconds=60)}), flight("x").clean
    )
    assert inner.surface.pack is not None
    talk = spending.taken(inner.surface.pack, GET_ORDER, call="a", caller="stdio", at="", shown=False)
    assert next(talk).charges[0].tokens == 0  # type: ignore[union-attr]


def composed(fit: bool, monkeypatch: pytest.MonkeyPatch) -> tuple[int, Any]:
    """A composite that gathers 20 kB where 10 kB were set aside: what it took, and its result."""
    whole = {"orders": [{"id": number, "pad": "x" * 480} for number in range(40)]}
    plan = {"kind": "paginate", "items": "/orders", "follow": {"style": "page", "argument": "page"}, "steps": [step("list_orders")]}
    listing = tool("list_orders", segments=(), properties={"page": {"type": "integer"}}, required=())
    surface = served(listing, composite("all_orders", plan, arguments={}), budgets={"*": Budget(tokens=2_500, per_seconds=60)})
    if not fit:
        monkeypatch.setattr(spending, "fitted", lambda tool, _: tool)
    replies = [whole, {"orders": []}]
    talk = Conversation({Resolve: (PUBLIC,), Send: lambda _: answer(json.dumps(replies.pop(0)).encode()), Record: None})
    result = talk.hold(flight("all_orders", surface))
    return talk.of(Took)[0].tokens, result


def test_what_a_composite_gathers_is_cut_to_what_was_set_aside_too(monkeypatch: pytest.MonkeyPatch) -> None:
    took, result = composed(True, monkeypatch)
    assert (took <= 2_500, result.truncated) == (True, True)
    took, _ = composed(False, monkeypatch)
    assert took > 2_500


def test_for_an_answer_is_set_aside_what_an_error_or_a_composite_may_say() -> None:
    plan = {"kind": "chain", "steps": [step("list_orders"), step("get_order")], "most": {"calls": 100, "bytes": 1_000}}
    assert spending.largest(tool(max_bytes=1_000)) == 2_000
    assert spending.largest(tool(max_bytes=5_000)) == 5_000
    assert spending.largest(composite("both", plan)) == 100_000 + 100 * 51


def test_a_small_answer_is_not_cut_for_a_large_budget() -> None:
    row = tool(max_bytes=5_000)
    assert spending.fitted(row, ()) is row
    assert spending.fitted(row, [Charge("*", "*", (MINUTE,), 1_350)]) is row
    assert spending.fitted(row, [Charge("*", "*", (MINUTE,), 1_000)]).response.max_bytes == 3_600
    assert spending.fitted(tool(max_bytes=1_000), [Charge("*", "*", (MINUTE,), 500)]).response.max_bytes == 1_000


def test_budgets_hold_in_tokens_over_real_calls(tmp_path: Path) -> None:
    from tests.support.upstream import Upstream
    from tests.support.upstream import answer as said
    from tests.unit.runtime.test_conduct import conducted, hands, on

    with Upstream(lambda _: said(b'{"text":"' + b"x" * 7_989 + b'"}')) as upstream:
        surface = on(upstream, tool(max_bytes=12_000), budgets={"*": Budget(tokens=10_000, per_seconds=60)})
        results = [conducted(flight("get_order", surface, order_id=number), hands(tmp_path)) for number in range(6)]
    assert [each.error for each in results] == ["", "", "", "", "CASK-R010", "CASK-R010"], "2,000 each, and 3,100 have to be free"
    assert results[4].details["budget"] == "*"
    assert results[4].details["retry_after"] == 60
