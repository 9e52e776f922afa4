"""The broadening calculus against what it speaks of: no NARROWS and no EQUAL that a value, a request or a decision refutes.

What is accepted is judged by the validator, what is sent by the runtime's own request builder, what is decided by the policy's own records. A small
share runs by default; `CASK_SAMPLES=100000` runs that many pairs of schemas and of tools, which takes some ten minutes.
"""

import json
import os
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caskmcp.calculus import schema, shared, tools
from caskmcp.calculus.verdict import Verdict
from caskmcp.errors import CaskError
from caskmcp.model.artifact import Auth, Environments
from caskmcp.model.policy import Budget, Match, Policy, Rule
from caskmcp.model.served import shared as shared_contents
from tests.support import labelled, packs, random_schemas, random_tools
from tests.support.random_tools import Sender

SAMPLES = int(os.environ.get("CASK_SAMPLES", "0"))
SCHEMAS = SAMPLES or 400
TOOLS = SAMPLES or 120
VALUES = 40
CALLS = 12

SEEDS = st.integers(min_value=0, max_value=2**32)


def reader(made: Any) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(made, validate_formats=True, pattern_options=jsonschema_rs.RegexOptions())


def refuted(verdict: Verdict, old: Any, new: Any, values: Iterator[Any]) -> Any:
    """A value that an unsound verdict forgets; `None` in a list of its own where there is none."""
    was, now = reader(old), reader(new)
    for value in values:
        before, after = was.is_valid(value), now.is_valid(value)
        if (after and not before) or (verdict is Verdict.EQUAL and before != after):
            return [value]
    return []


def values(rnd: random.Random, *made: Any) -> Iterator[Any]:
    return (random_schemas.value(rnd, one, one) for one in (rnd.choice(made) for _ in range(VALUES)))


@pytest.mark.timeout(3_000)
def test_no_value_refutes_a_verdict_on_two_schemas() -> None:
    counts: Counter[str] = Counter()
    for seed in range(SCHEMAS):
        rnd = random.Random(seed)
        old, new = random_schemas.pair(rnd)
        verdict = schema.compare(old, new)
        counts[verdict] += 1
        if not verdict.widens:
            assert refuted(verdict, old, new, values(rnd, old, new)) == [], (seed, old, new)
    # The generator is worth something only if it often makes what is claimed.
    assert counts["narrows"] > SCHEMAS / 10
    assert counts["equal"] > SCHEMAS / 10
    assert counts["broadens"] > SCHEMAS / 10


@pytest.mark.timeout(3_000)
def test_no_request_refutes_a_verdict_on_two_tools() -> None:
    counts: Counter[str] = Counter()
    for seed in range(TOOLS):
        rnd = random.Random(seed)
        old, new = random_tools.pair(rnd)
        verdict = tools.verdict(tools.compare(old, new))
        counts[verdict] += 1
        if not verdict.widens:
            counts["sent"] += calls_held(rnd, verdict, Sender(old), Sender(new), (seed, verdict))
    assert counts["narrows"] > TOOLS / 20
    assert counts["equal"] > TOOLS / 20
    assert counts["sent"] > TOOLS


def calls_held(rnd: random.Random, verdict: Verdict, old: Sender, new: Sender, what: Any) -> int:
    """How many requests one side sent; each of them the other could send."""
    sent = 0
    for one, other in [(new, old), (old, new)] if verdict is Verdict.EQUAL else [(new, old)]:
        for arguments in (random_tools.call(rnd, one.record) for _ in range(CALLS)):
            wire = one.sent(arguments)
            sent += wire is not None
            assert wire is None or other.can_send(wire, arguments), (what, arguments)
    return sent


# ---------------------------------------------------------------- order
@settings(max_examples=60)
@given(SEEDS)
def test_a_schema_is_equal_to_itself_and_to_itself_in_other_words(seed: int) -> None:
    rnd = random.Random(seed)
    made = random_schemas.schema(rnd)
    assert schema.compare(made, json.loads(json.dumps(made))) is Verdict.EQUAL
    assert schema.compare({"allOf": [made], "description": "a"}, {"allOf": [made], "title": "b"}) is Verdict.EQUAL


@settings(max_examples=60)
@given(SEEDS)
def test_what_narrows_one_way_broadens_the_other(seed: int) -> None:
    old, new = random_schemas.pair(random.Random(seed))
    there, back = schema.compare(old, new), schema.compare(new, old)
    assert there is not Verdict.NARROWS or back is Verdict.BROADENS
    assert there is not Verdict.INCOMPARABLE or back in (Verdict.INCOMPARABLE, Verdict.BROADENS)
    assert (there is Verdict.EQUAL) == (back is Verdict.EQUAL)


@settings(max_examples=60)
@given(SEEDS)
def test_what_narrows_twice_is_never_shown_to_broaden(seed: int) -> None:
    rnd = random.Random(seed)
    first = random_schemas.schema(rnd)
    second = random_schemas.mutated(rnd, first)
    third = random_schemas.mutated(rnd, second)
    if not schema.compare(first, second).widens and not schema.compare(second, third).widens:
        assert schema.weigh(first, third).witness == ""
        assert refuted(Verdict.NARROWS, first, third, values(rnd, third)) == []


@pytest.mark.parametrize("pair", labelled.pairs(*labelled.TOOLS), ids=lambda pair: pair.name)
def test_a_labelled_pair_the_other_way_round_has_the_other_verdict(pair: labelled.Pair) -> None:
    there, back = tools.verdict(tools.compare(pair.old, pair.new)), tools.verdict(tools.compare(pair.new, pair.old))
    turned = {
        "equal": {"equal"},
        "narrows": {"broadens"},
        "broadens": {"narrows", "broadens", "incomparable"},
        "incomparable": {"incomparable", "broadens"},
    }
    assert str(back) in turned[there]


# ---------------------------------------------------------------- policies
RISKS = ("safe", "low", "medium", "high", "critical")
FACTS = {
    "risk": RISKS,
    "effect": ("read", "write", "destructive"),
    "methods": ("GET", "POST"),
    "hosts": ("a.test", "b.test"),
    "traits": ("pii", "money"),
}


def some_rule(rnd: random.Random, number: int) -> Rule:
    match = {key: tuple(rnd.sample(choices, rnd.randint(1, 2))) for key, choices in FACTS.items() if rnd.random() < 0.35}
    return Rule(id=f"rule-{number}", effect=rnd.choice(["allow", "confirm", "deny"]), match=Match(**match))


def some_policies(rnd: random.Random) -> tuple[Policy, Policy]:
    old = [some_rule(rnd, number) for number in range(rnd.randint(1, 4))]
    new = list(old)
    turn = rnd.random()
    if turn < 0.3:
        rnd.shuffle(new)
    elif turn < 0.6:
        new[rnd.randrange(len(new))] = some_rule(rnd, 9)
    elif turn < 0.8:
        del new[rnd.randrange(len(new))]
    else:
        new.insert(rnd.randrange(len(new) + 1), some_rule(rnd, 8))
    return Policy(rules=tuple(old)), Policy(rules=tuple(new))


def decision(policy: Policy, tool: Any) -> int:
    rows = policy.rules_for(tool)
    return {"allow": 0, "confirm": 1, "deny": 2}[rows[-1].effect] if rows else 2


def some_tool(rnd: random.Random) -> Any:
    made = packs.tool(
        "t", method=rnd.choice(["GET", "POST", "PUT"]), risk=rnd.choice(RISKS), effect="read", host=rnd.choice(["a.test", "c.test"])
    )
    traits = tuple(name for name in ("pii", "money", "auth") if rnd.random() < 0.4)
    return made.model_copy(update={"effect": rnd.choice(["read", "write", "destructive"]), "traits": traits})


@settings(max_examples=60)
@given(SEEDS)
def test_no_tool_refutes_a_verdict_on_two_policies(seed: int) -> None:
    rnd = random.Random(seed)
    old, new = some_policies(rnd)
    contents = [shared_contents(policy, Environments(), Auth())["policy"] for policy in (old, new)]
    verdict = tools.verdict(shared.compare(*contents))
    for tool in (some_tool(rnd) for _ in range(30)):
        before, after = decision(old, tool), decision(new, tool)
        if verdict in (Verdict.NARROWS, Verdict.EQUAL):
            assert after >= before
        if verdict in (Verdict.BROADENS, Verdict.EQUAL):
            assert after <= before


def spent(budget: Budget, times: list[int]) -> bool:
    """Whether the calls, all at once or in order, keep the budget: as `runtime/state.py` counts them."""
    return any(sum(now - budget.per_seconds < other <= now for other in times) > budget.calls for now in times)


@settings(max_examples=100)
@given(st.tuples(*[st.integers(1, 6)] * 4), st.lists(st.integers(0, 12), max_size=12))
def test_no_run_of_calls_refutes_a_verdict_on_two_budgets(numbers: tuple[int, int, int, int], times: list[int]) -> None:
    old, new = Budget(calls=numbers[0], per_seconds=numbers[1]), Budget(calls=numbers[2], per_seconds=numbers[3])
    contents = [shared_contents(Policy(rules=(), budgets={"*": row}), Environments(), Auth())["policy"] for row in (old, new)]
    verdict = tools.verdict(shared.compare(*contents))
    if not verdict.widens and not spent(new, times):
        assert not spent(old, times)


def test_a_record_that_the_runtime_would_not_serve_is_none_of_the_samples() -> None:
    for seed in range(30):
        old, new = random_tools.pair(random.Random(seed))
        try:
            Sender(old), Sender(new)
        except CaskError as no:
            pytest.fail(str(no))
