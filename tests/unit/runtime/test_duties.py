"""What the policy asks of a call: the table of effects, what a `redact` rule masks, and that an `audit` rule puts the record before the call."""

import json
from typing import Any

import pytest

from caskmcp.model.policy import Budget, Match, Policy, Rule
from caskmcp.runtime import duties, mask
from caskmcp.runtime.clean import clean
from caskmcp.runtime.commands import Confirm, Record, Resolve, Send, Spend, Standing
from caskmcp.runtime.mask import masking
from caskmcp.runtime.respond import Answer
from tests.support.calls import GET_ORDER, PAY_ORDER, PUBLIC, WIPE, Conversation, answer, flight, served

ALLOW = Rule(id="allow-all", effect="allow")
PII = Rule(id="hide-people", effect="redact", mask=("pii",))
NOTE = Rule(id="hide-notes", effect="redact", fields=("internal_note", "secrets"))
AUDIT = Rule(id="keep-reads", effect="audit", match=Match(effect=("read",)))
WAITING = Standing("waiting", "c1", "2026-11-21T12:10:00Z")


def held(name: str, rules: tuple[Rule, ...], body: Any = None, budgets: Any = None, **arguments: Any) -> tuple[Any, Conversation]:
    said = answer(json.dumps(body or {"id": 7}).encode())
    talk = Conversation({Resolve: (PUBLIC,), Send: said, Confirm: WAITING, Record: None, Spend: None})
    on = served(GET_ORDER, PAY_ORDER, WIPE, policy=Policy(rules=rules), budgets=budgets or {})
    return talk.hold(flight(name, on, **({"order_id": 7} | arguments))), talk


# ---------------------------------------------------------------- the table
DENY_WIPE = Rule(id="no-wipe", effect="deny", match=Match(tools=("wipe",)), reason="never")
ASK_WRITES = Rule(id="ask-writes", effect="confirm", match=Match(effect=("write",)))
READS = Rule(id="reads", effect="allow", match=Match(effect=("read",)))
# fmt: off
TABLE: list[tuple[tuple[Rule, ...], str, str, str, str, int]] = [
    # rules                        tool         verdict    rule            code         requests sent
    ((),                           "get_order", "deny",    "default-deny", "CASK-R004", 0),
    ((READS,),                     "get_order", "allow",   "reads",        "",          1),
    ((READS,),                     "pay_order", "deny",    "default-deny", "CASK-R004", 0),
    ((READS, ASK_WRITES),          "pay_order", "confirm", "CASK-R005",    "CASK-R005", 0),
    ((ALLOW, DENY_WIPE),           "wipe",      "allow",   "allow-all",    "",          1),
    ((DENY_WIPE, ALLOW),           "wipe",      "deny",    "no-wipe",      "CASK-R004", 0),
    ((ASK_WRITES, ALLOW),          "wipe",      "allow",   "allow-all",    "",          1),
    ((AUDIT,),                     "get_order", "deny",    "default-deny", "CASK-R004", 0),
    ((PII, NOTE, AUDIT),           "get_order", "deny",    "default-deny", "CASK-R004", 0),
    ((PII, AUDIT, READS),          "get_order", "allow",   "reads",        "",          1),
    ((AUDIT, DENY_WIPE, ALLOW),    "wipe",      "deny",    "no-wipe",      "CASK-R004", 0),
]
# fmt: on


@pytest.mark.feature(79)
@pytest.mark.parametrize(("rules", "name", "verdict", "rule", "code", "sent"), TABLE)
def test_each_row_of_the_decision_table_gets_its_verdict_and_its_rule(
    rules: tuple[Rule, ...], name: str, verdict: str, rule: str, code: str, sent: int
) -> None:
    result, talk = held(name, rules)
    entry = talk.of(Record)[-1].entry
    assert (entry.verdict, entry.rule, entry.code) == (verdict, rule, code)
    assert (result.error, len(talk.of(Send))) == (code, sent)


def test_a_budget_is_asked_after_the_verdict_and_before_anyone_else() -> None:
    budgets = {"get_order": Budget(calls=1, per_seconds=60)}
    _, talk = held("get_order", (READS,), budgets=budgets)
    assert [type(each) for each in talk.asked][:2] == [Spend, Resolve]
    _, talk = held("pay_order", (READS,), budgets={"pay_order": Budget(calls=1, per_seconds=60)})
    assert talk.of(Spend) == []


# ---------------------------------------------------------------- audit
def test_an_audited_read_is_on_disk_before_it_is_sent_and_again_after() -> None:
    _, talk = held("get_order", (AUDIT, ALLOW))
    assert [type(each) for each in talk.asked] == [Resolve, Record, Send, Record]
    assert [each.durable for each in talk.of(Record)] == [True, True]
    assert talk.of(Record)[-1].entry.extra["audit"] == "keep-reads"


def test_without_the_rule_a_read_is_recorded_once_and_with_others() -> None:
    _, talk = held("get_order", (ALLOW,))
    assert [each.durable for each in talk.of(Record)] == [False]
    assert "audit" not in talk.of(Record)[-1].entry.extra


# ---------------------------------------------------------------- redact
PERSON = {
    "id": 7,
    "active": True,
    "email": "ada@example.com",
    "note": "call +49 30 901820 or write to bob@example.org",
    "customer": {"name": "Ada Lovelace", "phone": {"number": "+1 202 555 0143"}, "city": "London"},
    "cards": [{"card_number": "4111 1111 1111 1111"}],
    "emails": ["x@example.com", "y@example.com"],
    "location": {"lat": 52.5234, "lng": 13.405},
    "total": 1250,
}


def test_personal_data_is_masked_by_name_and_by_form_and_the_rest_is_left() -> None:
    result, talk = held("get_order", (PII, ALLOW), PERSON)
    assert result.structured == {
        "id": 7,
        "active": True,
        "email": "[email-name removed]",
        "note": "call [phone removed] or write to [email removed]",
        "customer": {"name": "[name-of-person removed]", "phone": {"number": "[phone-name removed]"}, "city": "London"},
        "cards": [{"card_number": "[card-name removed]"}],
        "emails": ["[email removed]", "[email removed]"],
        "location": {"lat": "[geo removed]", "lng": "[geo removed]"},
        "total": 1250,
    }
    assert json.loads(result.text) == result.structured
    assert talk.of(Record)[-1].entry.extra["redact"] == "hide-people"
    assert "ada" not in repr(talk.of(Record)).lower()


def test_without_the_rule_personal_data_is_the_answer() -> None:
    result, _ = held("get_order", (ALLOW,), PERSON)
    assert result.structured == PERSON


def test_with_the_masking_taken_out_the_rule_protects_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duties, "masking", lambda _, then: then)
    result, _ = held("get_order", (PII, ALLOW), PERSON)
    assert result.structured == PERSON


def test_a_field_that_the_rule_names_is_masked_whole_however_it_is_written() -> None:
    body = {"internalNote": {"a": [1, 2]}, "Internal-Note": "x", "note": "y", "secrets": [1], "list": [{"INTERNAL_NOTE": 3}]}
    result, _ = held("get_order", (NOTE, ALLOW), body)
    assert result.structured == {
        "internalNote": "[removed]",
        "Internal-Note": "[removed]",
        "note": "y",
        "secrets": "[removed]",
        "list": [{"INTERNAL_NOTE": "[removed]"}],
    }


def test_a_key_that_is_personal_is_masked_too() -> None:
    assert masking(PII, clean)({"ada@example.com": 1}) == {"[email removed]": 1}


def test_text_that_is_no_json_is_masked_by_form() -> None:
    said = answer(b"name,mail\nAda,ada@example.com", media="text/csv")
    talk = Conversation({Resolve: (PUBLIC,), Send: said, Record: None})
    result = talk.hold(flight("get_order", served(policy=Policy(rules=(PII, ALLOW))), order_id=7))
    assert result.structured == {"data": "name,mail\nAda,[email removed]"}


def test_the_words_of_an_error_are_masked() -> None:
    said = answer(b'{"error":"ada@example.com is taken"}', status=409)
    talk = Conversation({Resolve: (PUBLIC,), Send: said, Record: None})
    result = talk.hold(flight("get_order", served(policy=Policy(rules=(PII, ALLOW))), order_id=7))
    assert "[email removed] is taken" in result.text
    assert "ada@" not in repr(result)


WITH_NOTE = json.dumps({"id": 7, "internal_note": "he is a spy", "first_name": "Zoltan"})
SAID: list[tuple[Answer, str]] = [
    (answer(WITH_NOTE.encode(), 409), "an error that shows what there is"),
    (answer(json.dumps({"pad": "x" * 5_000, "internal_note": "he is a spy", "first_name": "Zoltan"}).encode(), 409), "a long error"),
    (answer(f"{WITH_NOTE}\n{WITH_NOTE}".encode(), media="application/x-ndjson"), "records, one a line"),
    (answer(json.dumps({"content": [{"type": "text", "text": WITH_NOTE}]}).encode()), "JSON in a text"),
    (Answer(200, (("content-type", "application/json"),), WITH_NOTE.encode()[:-1], whole=False), "JSON that is cut off"),
    (answer(b"id,internal_note\n7,he is a spy", media="text/csv"), "a table"),
    (answer(b"<order><internal-note>he is a spy</internal-note></order>", media="application/xml"), "XML"),
    (answer(b"id: 7\ninternal_note: |\n  he is a spy", media="text/plain"), "settings"),
]


@pytest.mark.parametrize("said", [row[0] for row in SAID], ids=[row[1].replace(" ", "-") for row in SAID])
def test_a_field_that_the_rule_names_is_masked_where_the_answer_is_a_text_or_an_error_too(said: Answer) -> None:
    for rules, shows in (((NOTE, ALLOW), False), ((ALLOW,), True)):
        talk = Conversation({Resolve: (PUBLIC,), Send: said, Record: None})
        result = talk.hold(flight("get_order", served(policy=Policy(rules=rules)), order_id=7))
        assert ("he is a spy" in f"{result.text} {result.structured}") is (shows and b"pad" not in said.body)


@pytest.mark.parametrize("said", [SAID[0][0], SAID[1][0], SAID[3][0]])
def test_personal_data_is_masked_by_name_in_errors_and_in_json_that_stands_in_a_text(said: Answer) -> None:
    talk = Conversation({Resolve: (PUBLIC,), Send: said, Record: None})
    result = talk.hold(flight("get_order", served(policy=Policy(rules=(PII, ALLOW))), order_id=7))
    assert "Zoltan" not in f"{result.text} {result.structured}"


def test_a_text_that_names_no_masked_field_stays_as_it_is() -> None:
    prose = {"text": 'the internal note: see "secret" below', "json": '{ "id": 7 }', "list": "[]", "odd": "[not json", "internal": "a=b"}
    assert masking(NOTE, clean)(prose) == prose


@pytest.mark.parametrize(
    "text", ["a" * 200_000, '"' * 200_000, "a." * 100_000, "a " * 100_000, "a" + " " * 200_000, "<" * 200_000, "[" * 200_000]
)
def test_a_long_text_is_read_in_one_pass(text: str) -> None:
    assert masking(NOTE, lambda value: value)(text) == text


def test_a_value_that_ends_as_what_was_masked_is_masked_all_the_same() -> None:
    assert masking(PII, clean)({"first_name": "Zoltan removed]", "last_name": "[email removed]"}) == {
        "first_name": "[person-name removed]",
        "last_name": "[email removed]",
    }


def test_credentials_are_cut_whatever_the_rules_say() -> None:
    result, _ = held("get_order", (NOTE, ALLOW), {"password": "hunter2hunter2", "key": "AKIAIOSFODNN7EXAMPLE"})
    assert result.structured == {"password": "[password removed]", "key": "[aws-key-id removed]"}


def test_names_that_come_by_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caskmcp.redact.rules._LIMIT", 100)
    for number in range(50):
        masking(PII, clean)({f"key_{number}_{other}": "x" for other in range(10)})
    assert len(mask._rules()) <= 110


def test_the_rules_that_fit_a_tool_are_told_in_their_order() -> None:
    tools = {name: row.admitted for name, row in served(GET_ORDER, WIPE, policy=Policy(rules=(PII, DENY_WIPE, AUDIT, READS))).tools.items()}
    assert [rule.id for rule in tools["get_order"].fitting] == ["hide-people", "keep-reads", "reads"]
    assert [rule.id for rule in tools["wipe"].fitting] == ["hide-people", "no-wipe"]
