"""Each guard of the calculus stands against a change that widens and looks as if it did not; without the guard that change passes for narrower or equal.

That a change widens is shown with the validator and the runtime's own request builder: something is accepted or sent now that was not.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jsonschema_rs
import pytest

from caskmcp.calculus import areas, inputs, keywords, path, policy, request, schema, tools, verdict
from caskmcp.calculus.verdict import Verdict
from tests.support import labelled
from tests.support.random_tools import Sender

Patch = tuple[Any, str, Any]
ROW = {"style": "form", "explode": True}


class Attack(NamedTuple):
    """A change that widens, a call that shows it, and the guard that sees it."""

    name: str
    old: dict[str, Any]
    new: dict[str, Any]
    call: dict[str, Any]
    patches: tuple[Patch, ...]


def record(**places: Any) -> dict[str, Any]:
    """The base record with an object among its query parameters, and some places set."""
    with_object = {"o": {"type": "object", "additionalProperties": False, "properties": {"a": {"type": "string"}, "q": {"type": "string"}}}}
    made = labelled.edited(labelled.base(), {f"input_schema.properties.{name}": row for name, row in with_object.items()})
    made["request"]["query"].append({"argument": "o", "wire": "o", **ROW})
    return labelled.edited(made, {place.replace("__", "."): value for place, value in places.items()})


def properties(**rows: Any) -> dict[str, Any]:
    return {f"input_schema__properties__{name}": row for name, row in rows.items()}


def row(name: str, **more: Any) -> dict[str, Any]:
    return {"argument": name, "wire": name, **ROW, **more}


O_ROW = row("o")
TITLED = {**properties(title={"type": "string"}), "request__query": [{"argument": "title", "wire": "title", **ROW}, O_ROW]}
Q = properties(q={"enum": ["a"]})
TEXT = properties(order_id={"type": "string"})
WRAPPED = {"allOf": [record()["input_schema"]["properties"]["o"]]}
BESIDE = [
    {"text": "", "argument": "order_id", "charset": "token", "max_length": 10},
    {"text": "x", "argument": "", "charset": "", "max_length": 0},
]
MULTIPART = {"request__body__media": "multipart/form-data", "request__body__kind": "multipart"}

_charset: Callable[..., Verdict] = path._charset
_as_python: Callable[[Any, Any], bool] = lambda old, new: old == new  # noqa: E731

ATTACKS = (
    Attack(
        "a constant that has a title",
        record(**properties(note={"const": {"title": "a"}})),
        record(**properties(note={"const": {"title": "b"}})),
        {"order_id": 1, "note": {"title": "b"}},
        ((keywords, "ONE", keywords.ONE | {"const"}), (keywords, "ASSERTED", keywords.ASSERTED)),
    ),
    Attack(
        "a condition on an argument called like a word",
        record(**TITLED, input_schema__dependentSchemas={"title": {"required": ["note"]}}),
        record(**TITLED, input_schema__dependentSchemas={"title": True}),
        {"order_id": 1, "title": "a"},
        ((keywords, "MAPS", keywords.MAPS - {"dependentSchemas"}), (keywords, "ASSERTED", keywords.ASSERTED - {"dependentSchemas"})),
    ),
    Attack(
        "true for one",
        record(**properties(note={"enum": [1]})),
        record(**properties(note={"enum": [True]})),
        {"order_id": 1, "note": True},
        tuple((module, "same", _as_python) for module in (areas, schema, inputs)),
    ),
    Attack(
        "a parameter that every call brought",
        record(input_schema__required=["order_id", "limit"]),
        record(input_schema__required=["order_id", "limit"], request__query=[row("status"), row("fields", explode=False), O_ROW]),
        {"order_id": 1, "limit": 1},
        ((request, "is_spare", lambda side, name: True),),
    ),
    Attack(
        "a parameter that has to come with others",
        record(input_schema__minProperties=2),
        record(input_schema__minProperties=2, request__query=[row("status"), row("fields", explode=False), O_ROW]),
        {"order_id": 1, "limit": 1},
        ((request, "is_spare", lambda side, name: True),),
    ),
    Attack(
        "a name that another argument can take once it is free",
        record(**Q, request__query=[row("q"), O_ROW]),
        record(**Q, request__query=[O_ROW]),
        {"order_id": 1, "o": {"q": "anything"}},
        ((request, "_is_freed", lambda sides, wire: False),),
    ),
    Attack(
        "two dots beside a literal",
        record(**TEXT, request__segments__1={"pieces": [{**BESIDE[0], "charset": "text"}, BESIDE[1]]}),
        record(**TEXT, request__segments__1={"pieces": BESIDE}),
        {"order_id": ".."},
        ((path, "_charset", lambda old, new, *, alone: _charset(old, new, alone=True)),),
    ),
    Attack(
        "a literal that the schema never let an argument say",
        record(**properties(order_id={"enum": ["7"]})),
        record(**properties(order_id={"enum": ["7"]}), request__segments__1={"pieces": [{"text": "8", "argument": "", "charset": "", "max_length": 0}]}),
        {"order_id": "7"},
        ((path, "_says", lambda side, piece, word: True),),
    ),
    Attack(
        "an object whose fields the request builder could not read",
        record(**properties(o=WRAPPED)),
        record(),
        {"order_id": 1, "o": {"q": "anything"}},
        ((inputs, "_sent", lambda sides, old, new: iter(())),),
    ),
    Attack(
        "a text that becomes a file",
        record(**MULTIPART),
        record(**MULTIPART, **properties(note={"type": "string", "maxLength": 20, "format": "binary"})),
        {"order_id": 1, "note": "a"},
        ((inputs, "_sent", lambda sides, old, new: iter(())),),
    ),
    Attack(
        "no body where there always was one",
        record(request__body__required=True),
        record(request__body=None),
        {"order_id": 1},
        ((request, "_can_be_left", lambda plan, side: True),),
    ),
    Attack(
        "containment by a library that says yes to everything",
        record(),
        record(**properties(limit={"type": "integer", "minimum": 1, "maximum": 101})),
        {"order_id": 1, "limit": 101},
        ((schema, "between", lambda *sides: (None, None)),),
    ),
)  # fmt: skip


def widens(attack: Attack) -> bool:
    return tools.verdict(tools.compare(attack.old, attack.new)).widens


@pytest.fixture(autouse=True)
def _credulous(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last attack is on a containment that is wrong."""
    attack = getattr(request.node, "callspec", None) and request.node.callspec.params.get("attack")
    if attack and attack.patches[0][1] == "between":
        monkeypatch.setattr(schema, "_covers", lambda outer, inner: True)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_the_change_lets_something_through_that_was_not(attack: Attack) -> None:
    old, new = Sender(attack.old), Sender(attack.new)
    wire = new.sent(attack.call)
    assert wire is not None
    assert not old.can_send(wire, attack.call)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_the_change_is_told_as_one_that_widens(attack: Attack) -> None:
    assert widens(attack)
    assert not tools.narrower(attack.old, attack.new)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_without_its_guard_the_change_passes_for_less(attack: Attack, monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name, value in attack.patches:
        monkeypatch.setattr(module, name, value)
    assert not widens(attack)


def test_an_object_whose_fields_can_no_longer_be_read_is_less_and_not_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, wrapped = record(), record(**properties(o=WRAPPED))
    call = {"order_id": 1, "o": {"q": "anything"}}
    assert Sender(plain).sent(call) is not None
    assert Sender(wrapped).sent(call) is None
    assert tools.verdict(tools.compare(plain, wrapped)) is Verdict.NARROWS
    monkeypatch.setattr(inputs, "_sent", lambda sides, old, new: iter(()))
    assert tools.verdict(tools.compare(plain, wrapped)) is Verdict.EQUAL


def test_what_no_table_names_passes_without_the_row_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    old = record()
    new = record(request__via="http://proxy.example.com")
    assert tools.verdict(tools.compare(old, new)) is Verdict.BROADENS
    monkeypatch.setattr(areas, "_unnamed", lambda table, old, new: iter(()))
    assert tools.compare(old, new) == ()


def test_a_condition_that_is_not_known_passes_if_it_is_taken_to_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    everything = {"tools": [], "risk": [], "effect": [], "methods": [], "hosts": []}
    asks = [{"id": "ask", "effect": "confirm", "match": everything, "reason": ""}]
    lets = [
        {"id": "ask", "effect": "confirm", "match": {**everything, "hours": ["22-06"]}, "reason": ""},
        {"id": "let", "effect": "allow", "match": everything},
    ]
    old, new = record(policy=asks), record(policy=lets)
    assert tools.verdict(tools.compare(old, new)) is Verdict.BROADENS
    holds = policy._holds
    monkeypatch.setattr(policy, "_holds", lambda key, wanted, facts: holds(key, wanted, facts) is not False)
    assert tools.verdict(tools.compare(old, new)) is Verdict.EQUAL


def test_words_pass_for_a_narrowing_without_a_look_at_the_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    old = record()
    harsher = record(**properties(note={"type": "string", "maxLength": 20, "not": {"const": "send the password"}}))
    assert tools.verdict(tools.compare(old, harsher)) is Verdict.NARROWS
    assert not tools.narrower(old, harsher)
    monkeypatch.setattr(tools, "_texts", lambda value: iter(()))
    assert tools.narrower(old, harsher)


def test_the_validator_and_the_calculus_agree_on_what_is_asserted() -> None:
    for name in keywords.FORMATS:
        found = jsonschema_rs.Draft202012Validator({"format": name}, validate_formats=True)
        assert not all(found.is_valid(text) for text in ("", "\0 [", "{", "a b", "(", "#")), name
    for word, value in (
        ("contentEncoding", "base64"),
        ("contentMediaType", "application/json"),
        ("nullable", False),
        ("x-note", "a"),
        ("format", "int32"),
    ):
        assert jsonschema_rs.Draft202012Validator({word: value}, validate_formats=True).is_valid("!")
        assert keywords.is_word(word, value)


def test_a_verdict_of_parts_is_that_of_their_product() -> None:
    assert verdict.together([Verdict.EQUAL, Verdict.BROADENS, Verdict.BROADENS]) is Verdict.BROADENS
    assert verdict.together([Verdict.NARROWS, Verdict.BROADENS]) is Verdict.INCOMPARABLE
