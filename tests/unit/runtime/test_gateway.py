"""The gateway as conversations: what it asks of the world, in which order, and what it never asks. No I/O."""

from dataclasses import replace
from typing import Any

import pytest

from caskmcp.errors import CODES, CaskError
from caskmcp.model.auth import AuthRule
from caskmcp.model.policy import Budget, Match, Policy, Rule
from caskmcp.model.project import EnvironmentHost
from caskmcp.runtime import commands, gateway
from caskmcp.runtime.budgets import Spent
from caskmcp.runtime.commands import Confirm, Failure, Record, Resolve, Said, Secret, Send, Spend, Standing
from caskmcp.runtime.gateway import STEPS
from caskmcp.runtime.respond import Answer
from tests.support.calls import GET_ORDER, HOST, PAY_ORDER, PUBLIC, WIPE, Conversation, answer, flight, pack, served, tool
from tests.support.world import NOON

GRANTED = Standing("granted", "c1", "2026-11-21T12:10:00Z")
BEARER = {HOST: AuthRule.model_validate({"scheme": "bearer", "from": "env:SHOP_TOKEN"})}


def talking(**more: Any) -> Conversation:
    """A world where everything works; each keyword replaces the reply of one kind of command."""
    replies = {Resolve: (PUBLIC,), Send: answer(), Secret: "s3cr3t-t0ken", Confirm: GRANTED, Spend: None, Record: None}
    names = {"resolve": Resolve, "send": Send, "secret": Secret, "confirm": Confirm, "spend": Spend, "record": Record}
    return Conversation({**replies, **{names[key]: value for key, value in more.items()}})


def entry(talk: Conversation) -> Any:
    return talk.of(Record)[-1].entry


# ---------------------------------------------------------------- the order
def test_the_steps_are_those_of_the_contract_in_its_order() -> None:
    assert [step.name for step in STEPS] == [
        "listed", "toolset", "arguments", "plan", "policy", "budget", "confirmation", "egress", "call", "response", "record",
    ]  # fmt: skip


def test_each_reason_code_of_a_step_is_a_row_of_the_errors() -> None:
    assert {code for step in STEPS for code in step.codes} <= set(CODES)


def test_only_the_record_runs_after_a_no() -> None:
    assert [step.name for step in STEPS if step.always] == ["record"]


def test_a_read_resolves_sends_and_is_recorded() -> None:
    talk = gateway.steps(flight("get_order", order_id=7))
    assert next(talk) == Resolve(HOST, 443)
    sent = talk.send((PUBLIC,))
    assert isinstance(sent, Send)
    assert (sent.request.method, sent.request.target, sent.to) == ("GET", b"/orders/7", (PUBLIC,))
    record = talk.send(answer())
    assert isinstance(record, Record)
    assert (record.entry.verdict, record.entry.rule, record.entry.status, record.durable) == ("allow", "allow-calm", 200, False)
    with pytest.raises(StopIteration) as end:
        talk.send(None)
    assert end.value.value.structured == {"id": 7}


def test_a_write_is_on_record_before_it_is_sent_and_again_after() -> None:
    talk = talking()
    assert talk.hold(flight("pay_order", order_id=7, amount=3)).error == ""
    assert [type(command).__name__ for command in talk.asked] == ["Confirm", "Resolve", "Record", "Send", "Record"]
    before, after = (command.entry for command in talk.of(Record))
    assert (before.extra["phase"], before.status, after.status) == ("sending", 0, 200)
    assert all(command.durable for command in talk.of(Record))
    assert before.extra["call"] == after.extra["call"] == "c0ffee"


def test_a_write_whose_record_fails_is_not_sent() -> None:
    talk = talking(record=CaskError("CASK-W001", "no space left"))
    result = talk.hold(flight("pay_order", order_id=7, amount=3))
    assert result.error == "CASK-W001"
    assert talk.of(Send) == []


def test_an_answer_whose_record_fails_is_not_passed_on() -> None:
    result = talking(record=CaskError("CASK-W001", "no space left")).hold(flight("get_order", order_id=7))
    assert (result.error, result.structured) == ("CASK-W001", None)


def test_the_record_holds_a_digest_and_never_the_arguments() -> None:
    talk = talking()
    talk.hold(flight("pay_order", order_id=7, amount=424242))
    assert all("424242" not in command.entry.model_dump_json() for command in talk.of(Record))
    assert entry(talk).arguments.startswith("sha256:")


# ---------------------------------------------------------------- each no
@pytest.mark.parametrize(
    ("name", "arguments", "code", "step"),
    [
        ("no_such_tool", {}, "CASK-R001", "listed"),
        ("get_order", {"order_id": "7"}, "CASK-R002", "arguments"),
        ("get_order", {"order_id": 7, "host": "evil.test"}, "CASK-R002", "arguments"),
        ("get_order", {"order_id": 10**30}, "CASK-R003", "plan"),
        ("wipe", {"order_id": 7}, "CASK-R004", "policy"),
    ],
)
def test_a_no_before_the_egress_asks_the_world_for_nothing_but_a_record(name: str, arguments: Any, code: str, step: str) -> None:
    talk = talking()
    result = talk.hold(flight(name, **arguments))
    assert result.error == code
    assert [type(command) for command in talk.asked] == [Record]
    assert (entry(talk).verdict, entry(talk).step, entry(talk).code) == ("deny", step, code)


def test_a_tool_outside_the_toolset_gets_the_answer_of_an_unknown_one() -> None:
    on = served(GET_ORDER, WIPE, toolset="support", toolsets={"support": ("get_order",)})
    outside, unknown = talking().hold(flight("wipe", on, order_id=7)), talking().hold(flight("nope", on))
    assert (outside.text, outside.error) == (unknown.text, unknown.error)
    assert talking().hold(flight("get_order", on, order_id=7)).error == ""


def test_a_tool_without_a_rule_is_denied() -> None:
    result = talking().hold(flight("get_order", served(GET_ORDER, policy=Policy(rules=())), order_id=7))
    assert result.error == "CASK-R004"


SPENT = Spent("*", 2, None, 60, 12)


def test_a_spent_budget_ends_the_call_before_anyone_is_asked() -> None:
    on = served(PAY_ORDER, budgets={"*": Budget(calls=2, per_seconds=60)})
    talk = talking(spend=SPENT)
    result = talk.hold(flight("pay_order", on, order_id=7, amount=1))
    assert result.error == "CASK-R010"
    assert [type(command) for command in talk.asked] == [Spend, Record]
    assert "2 calls in 60 s" in result.text


def test_a_budget_of_another_tool_is_not_asked() -> None:
    talk = talking()
    talk.hold(flight("get_order", served(GET_ORDER, budgets={"pay_order": Budget(calls=1, per_seconds=1)}), order_id=7))
    assert talk.of(Spend) == []


def test_a_call_that_waits_for_a_person_sends_nothing_and_names_the_challenge() -> None:
    talk = talking(confirm=Standing("waiting", "c1", "2026-11-21T12:10:00Z"))
    result = talk.hold(flight("pay_order", order_id=7, amount=1))
    assert result.error == "CASK-R005"
    assert result.details["challenge"] == "c1"
    assert result.details["grant"] == "cask confirm grant c1"
    assert talk.of(Send) == talk.of(Resolve) == []
    assert entry(talk).verdict == "confirm"


@pytest.mark.parametrize(("state", "code"), [("denied", "CASK-R006"), ("full", "CASK-R005")])
def test_a_call_that_nobody_granted_sends_nothing(state: Any, code: str) -> None:
    talk = talking(confirm=Standing(state))
    assert talk.hold(flight("pay_order", order_id=7, amount=1)).error == code
    assert talk.of(Send) == []


def test_a_confirmation_is_bound_to_toolpack_tool_arguments_lock_and_caller() -> None:
    talk = talking()
    talk.hold(flight("pay_order", order_id=7, amount=1))
    talk.hold(flight("pay_order", order_id=7, amount=2))
    first, second = (command.binding for command in talk.of(Confirm))
    assert (first.toolpack, first.tool, first.caller) == ("shop", "pay_order", "stdio")
    assert first.lock == second.lock
    assert first.arguments != second.arguments


@pytest.mark.parametrize("name", ["pay_order", "wipe"])
def test_no_dialogue_confirms_a_tool_above_medium_and_without_the_tiers_it_would(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    rules = (Rule(id="ask", effect="confirm", match=Match()),)
    begun = flight(name, served(policy=Policy(rules=rules)), order_id=7, **({"amount": 1} if name == "pay_order" else {}))
    begun = replace(begun, call=replace(begun.call, said=Said("c1", True)))
    talk = talking()
    assert talk.hold(begun).error == "CASK-R006"
    assert talk.of(Confirm) == talk.of(Send) == []
    monkeypatch.setattr(commands, "DIALOGUE", frozenset({"high", "critical"}))
    assert talk.hold(begun).error == ""
    assert [command.said for command in talk.of(Confirm)] == [Said("c1", True)]
    assert entry(talk).extra["confirmed_by"] == "client dialogue of stdio"


def test_a_granted_challenge_is_named_in_the_record() -> None:
    talk = talking()
    talk.hold(flight("pay_order", order_id=7, amount=1))
    assert entry(talk).extra["challenge"] == "c1"


# ---------------------------------------------------------------- egress
@pytest.mark.parametrize(
    ("addresses", "code"),
    [
        ((), "CASK-E002"),
        (("127.0.0.1",), "CASK-E003"),
        ((PUBLIC, "10.0.0.1"), "CASK-E003"),
        (("169.254.169.254",), "CASK-E003"),
        (("not an address",), "CASK-E003"),
    ],
)
def test_an_answer_of_the_resolver_that_may_not_be_reached_ends_the_call(addresses: tuple[str, ...], code: str) -> None:
    talk = talking(resolve=addresses)
    assert talk.hold(flight("get_order", order_id=7)).error == code
    assert talk.of(Send) == talk.of(Secret) == []


def test_a_private_place_of_a_signed_environment_is_reached_with_the_approved_host_header() -> None:
    on = served(GET_ORDER, environment={HOST: EnvironmentHost(url="http://127.0.0.1:8080", private=True)})
    talk = talking()
    talk.hold(flight("get_order", on, order_id=7))
    sent = talk.of(Send)[0]
    assert (sent.place.host, sent.place.port, sent.to, sent.request.scheme) == ("127.0.0.1", 8080, ("127.0.0.1",), "http")
    assert dict(sent.request.headers)["Host"] == HOST
    assert talk.of(Resolve) == []


def test_a_private_place_that_is_not_marked_private_is_refused() -> None:
    on = served(GET_ORDER, environment={HOST: EnvironmentHost(url="http://127.0.0.1:8080")})
    assert talking().hold(flight("get_order", on, order_id=7)).error == "CASK-E003"


def test_with_an_environment_a_host_that_it_does_not_name_is_not_called_at_all() -> None:
    on = served(GET_ORDER, environment={"other.example.com": EnvironmentHost(url="http://127.0.0.1:8080", private=True)})
    talk = talking()
    assert talk.hold(flight("get_order", on, order_id=7)).error == "CASK-E001"
    assert talk.of(Send) == []


@pytest.mark.parametrize(
    ("location", "code"),
    [
        ("http://169.254.169.254/latest/", "CASK-E005"),
        ("https://evil.test/", "CASK-E005"),
        ("http://api.example.com/orders/7", "CASK-E005"),
        ("//evil.test/", "CASK-E005"),
        ("https://api.example.com@evil.test/", "CASK-E005"),
        ("http://[::1", "CASK-E005"),
        ("/orders/8", "CASK-R008"),
        ("https://api.example.com/orders/8", "CASK-R008"),
    ],
)
def test_a_redirect_is_told_and_never_followed(location: str, code: str) -> None:
    talk = talking(send=answer(b"", 302, location=location))
    assert talk.hold(flight("get_order", order_id=7)).error == code
    assert len(talk.of(Send)) == 1
    assert entry(talk).verdict == "allow"


# ---------------------------------------------------------------- credentials
def test_a_credential_is_read_after_the_egress_check_and_stands_in_the_request_alone() -> None:
    talk = talking()
    result = talk.hold(flight("get_order", served(GET_ORDER, auth=BEARER), order_id=7))
    assert [type(command).__name__ for command in talk.asked] == ["Resolve", "Secret", "Send", "Record"]
    assert dict(talk.of(Send)[0].request.headers)["Authorization"] == "Bearer s3cr3t-t0ken"
    assert "s3cr3t-t0ken" not in talk.of(Record)[0].entry.model_dump_json()
    assert "s3cr3t-t0ken" not in repr(result)


def test_a_missing_credential_ends_the_call() -> None:
    talk = talking(secret=CaskError("CASK-R009", "the environment variable SHOP_TOKEN is not set"))
    assert talk.hold(flight("get_order", served(GET_ORDER, auth=BEARER), order_id=7)).error == "CASK-R009"
    assert talk.of(Send) == []


def test_an_upstream_that_repeats_the_credential_does_not_show_it_to_the_agent() -> None:
    talk = talking(send=answer(b'{"you_sent":"Bearer s3cr3t-t0ken","deep":[{"s3cr3t-t0ken":1}]}'))
    result = talk.hold(flight("get_order", served(GET_ORDER, auth=BEARER), order_id=7))
    assert "s3cr3t-t0ken" not in repr(result)
    assert result.structured is not None
    assert result.structured["you_sent"] == "Bearer [credential removed]"


def test_no_credential_goes_to_a_host_without_an_auth_entry() -> None:
    talk = talking()
    talk.hold(flight("get_order", served(GET_ORDER, auth={"other.example.com": BEARER[HOST]}), order_id=7))
    assert "Authorization" not in dict(talk.of(Send)[0].request.headers)


# ---------------------------------------------------------------- the upstream fails
@pytest.mark.parametrize("kind", ["connect", "timeout", "dropped", "broken"])
def test_no_answer_is_an_error_with_a_code(kind: Any) -> None:
    result = talking(send=Failure(kind, maybe=kind != "connect")).hold(flight("get_order", order_id=7))
    assert result.error == "CASK-R007"


def test_an_idempotent_call_is_sent_once_more_if_the_connection_was_dropped() -> None:
    replies: list[Answer | Failure] = [Failure("dropped", maybe=True), answer()]
    talk = talking(send=lambda _: replies.pop(0))
    assert talk.hold(flight("get_order", order_id=7)).error == ""
    assert len(talk.of(Send)) == 2


def test_a_write_that_is_not_idempotent_is_sent_once_and_its_outcome_is_unknown() -> None:
    talk = talking(send=Failure("dropped", maybe=True))
    result = talk.hold(flight("pay_order", order_id=7, amount=1))
    assert len(talk.of(Send)) == 1
    assert "not known" in result.text
    assert entry(talk).extra["outcome"] == "unknown"


def test_a_write_that_never_left_is_said_not_to_be_done() -> None:
    talk = talking(send=Failure("connect", maybe=False))
    talk.hold(flight("pay_order", order_id=7, amount=1))
    assert entry(talk).extra["outcome"] == "not done"


def test_an_error_of_the_upstream_is_an_error_with_its_status() -> None:
    talk = talking(send=answer(b'{"error":"no such order"}', 404))
    result = talk.hold(flight("get_order", order_id=7))
    assert (result.error, result.status, result.structured) == ("CASK-R008", 404, None)
    assert "no such order" in result.text
    assert (entry(talk).status, entry(talk).code, entry(talk).verdict) == (404, "CASK-R008", "allow")


def test_drift_reaches_the_agent_and_the_record() -> None:
    on = served(tool(expected={"type": "object", "properties": {"id": {"type": "integer"}}}))
    talk = talking(send=answer(b'{"id":"seven"}'))
    result = talk.hold(flight("get_order", on, order_id=7))
    assert result.structured == {"id": "seven"}
    assert (result.error, result.unfit) == ("", False)
    assert entry(talk).extra["drift"] == ["id: type"]


# ---------------------------------------------------------------- dry run
def test_a_dry_run_shows_the_exact_request_and_sends_nothing() -> None:
    talk = talking()
    result = talk.hold(flight("get_order", served(GET_ORDER, auth=BEARER), dry=True, order_id=7))
    assert [type(command) for command in talk.asked] == [Record]
    assert result.structured is not None
    shown = result.structured["request"]
    assert (shown["method"], shown["url"]) == ("GET", "https://api.example.com/orders/7")
    assert "Authorization: Bearer <env:SHOP_TOKEN>" in shown["headers"]
    assert entry(talk).extra["dry_run"] is True


def test_a_dry_run_of_a_call_that_asks_spends_no_grant_and_says_that_it_asks() -> None:
    on = served(PAY_ORDER, budgets={"*": Budget(calls=1, per_seconds=1)})
    talk = talking()
    result = talk.hold(flight("pay_order", on, dry=True, order_id=7, amount=12))
    assert [type(command) for command in talk.asked] == [Record]
    assert result.structured is not None
    assert result.structured["decision"] == "confirm"
    assert result.structured["request"]["body"] == '{"amount":12}'


@pytest.mark.parametrize(
    ("name", "arguments", "code"), [("wipe", {"order_id": 1}, "CASK-R004"), ("get_order", {"order_id": "x"}, "CASK-R002")]
)
def test_a_dry_run_passes_the_same_steps(name: str, arguments: Any, code: str) -> None:
    assert talking().hold(flight(name, dry=True, **arguments)).error == code


# ---------------------------------------------------------------- the table itself
def without(name: str) -> tuple[gateway.Step, ...]:
    return tuple(step for step in STEPS if step.name != name)


def test_an_empty_table_never_means_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "STEPS", ())
    talk = talking()
    assert talk.hold(flight("get_order", order_id=7)).error == "CASK-R004"
    assert talk.asked == []


@pytest.mark.parametrize("name", ["listed", "plan", "policy", "confirmation", "egress"])
def test_a_table_without_this_step_sends_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "STEPS", without(name))
    talk = talking()
    assert talk.hold(flight("pay_order", order_id=7, amount=1)).error != ""
    assert talk.of(Send) == []


@pytest.mark.parametrize(
    ("name", "begun"),
    [
        ("toolset", lambda: flight("get_order", served(GET_ORDER, toolset="none"), order_id=7)),
        ("arguments", lambda: flight("get_order", order_id=7, host="evil.test")),
        ("budget", lambda: flight("get_order", served(GET_ORDER, budgets={"*": Budget(calls=1, per_seconds=9)}), order_id=7)),
    ],
)
def test_each_other_guard_is_what_stops_its_attack(name: str, begun: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    guarded = talking(spend=SPENT)
    assert guarded.hold(begun()).error != ""
    assert guarded.of(Send) == []
    monkeypatch.setattr(gateway, "STEPS", without(name))
    bare = talking(spend=SPENT)
    bare.hold(begun())
    assert len(bare.of(Send)) == 1, "the test above would pass without the guard"


def test_a_refused_pack_serves_nothing() -> None:
    empty = served(GET_ORDER).__class__(None, {}, frozenset(), reason="CASK-L001")
    talk = talking()
    assert talk.hold(flight("get_order", empty, order_id=7)).error == "CASK-R001"
    assert entry(talk).at == NOON


def test_the_pack_says_which_lock_decided() -> None:
    talk = talking()
    talk.hold(flight("get_order", order_id=7))
    assert entry(talk).lock == pack().lock
