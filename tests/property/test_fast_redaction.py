"""The fast way of redaction cuts what the plain one cuts (`support.plainly`): same values, same receipt, same links, for anything and for hostile things."""

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from caskmcp.redact.canaries import FAMILIES, canary
from caskmcp.redact.cut import Redactor
from caskmcp.redact.detectors import DETECTORS
from caskmcp.redact.rules import INHERITS, Rules
from caskmcp.redact.scan import Scanner
from caskmcp.redact.walk import DEPTH, TooDeep
from tests.support.capturing import KEY
from tests.support.plainly import PlainRedactor

CASES = Path(__file__).parents[1] / "cases" / "redact"
DRAW = random.Random(7).randbytes
PLANTED = [canary(family, DRAW) for family in FAMILIES for _ in range(2)]
"""Made-up secrets, with the names that some of them need."""
HEX_ID = "5f2b8c1d9e4a7b6c3d2e1f0a"
UUID = "0b9e2f9c-6a40-4b0e-9d0c-3f6c1f1d2a77"

NAMES = st.sampled_from(
    [
        *sorted({each.family.name for each in PLANTED} | INHERITS),
        *("name", "customer", "phone", "id", "note", "items", "page_token", "key", "label", "x-api-key", "ghp_" + "a1b2" * 9),
    ]
)
SIGNS = st.sampled_from(
    [" ", "\n", "\t", '"', "\\", ":", "=", "@", "/", "%", "é", "🦙", "\u2028", "{", "[", "<", "1", "a", "Z", "-", "_", ","]
)
TEXTS = st.one_of(
    st.sampled_from([each.text for each in PLANTED]),
    st.sampled_from(
        ["", "amber", "2026-01-11T01:36:39Z", "2026-01-11T01:36:39.000Z", HEX_ID, UUID, UUID.upper(), HEX_ID[:-1] + "\n", "-" * 36]
    ),
    st.text(SIGNS, max_size=30),
    st.builds(
        lambda one, gap, other: one + gap + other, st.sampled_from([each.text for each in PLANTED]), SIGNS, st.text(SIGNS, max_size=6)
    ),
    st.builds(lambda text: json.dumps({"a": [text], "password": text}), st.sampled_from([each.text for each in PLANTED])),
)
LEAVES = st.one_of(
    TEXTS, st.none(), st.booleans(), st.integers(), st.sampled_from([4111111111111111, 4539578763621486, 12345678.5, 10**40])
)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(NAMES | TEXTS, inner, max_size=5), max_leaves=14)


def told(redactor: Redactor, value: Any) -> tuple[str, Any, Any, Any]:
    """What comes out of a redactor."""
    redactor.begin()
    made = redactor.json(copy.deepcopy(value), "b")
    return json.dumps(made, sort_keys=True), dict(redactor.counts), redactor.links, redactor.secrets


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@example(value={"phone": {"number": "030 1234567"}, "data": {"value": "x"}}, profile="strict")
@example(value={"items": [["4539578763621486"], {"token": ["abcdefgh1", ["abcdefgh2"]]}]}, profile="strict")
@example(value=[HEX_ID, "ghp_" + "a1b2c3d4" * 4, UUID, "AKIA" + "ABCDEFGHIJKLMNOP" + "ABCD"], profile="strict")
@example(value=[HEX_ID, "a\n" + "ghp_" + "a1b2c3d4" * 3 + "a1b2c3"], profile="strict")
@given(value=VALUES, profile=st.sampled_from(["strict", "standard"]))
def test_the_fast_way_cuts_what_the_plain_way_cuts(value: Any, profile: str) -> None:
    assert told(Redactor(KEY, profile), value) == told(PlainRedactor(KEY, profile), value)


def test_what_came_before_changes_nothing() -> None:
    values = [{"note": each.text, (each.family.name or "x"): each.text} for each in PLANTED]
    used = Redactor(KEY)
    for value in (*values, *reversed(values)):
        before = dict(used.counts)
        text, counts, links, secrets = told(used, value)
        added = {key: count - before.get(key, 0) for key, count in counts.items() if count > before.get(key, 0)}
        assert (text, added, links, secrets) == told(Redactor(KEY), value)


@pytest.mark.parametrize("profile", ["strict", "standard"])
def test_each_case_of_the_detectors_is_cut_the_same_way(profile: str) -> None:
    fast, plain = Redactor(KEY, profile), PlainRedactor(KEY, profile)
    for path in sorted(CASES.glob("*.yaml")):
        for verdicts in yaml.safe_load(path.read_text(encoding="utf-8")).values():
            for case in (*verdicts["finds"], *verdicts["leaves"]):
                value = json.loads(json.dumps(case if isinstance(case, dict) else {"note": case}).replace("~~", ""))
                assert told(fast, value) == told(plain, value)


def test_hostile_values_are_cut_the_same_way() -> None:
    secret = "ghp_" + "dx9iIPwmy4vlgGD6on0tRealpbrZC4VD4bCp"
    deep: Any = {"password": secret}
    for _ in range(DEPTH - 1):
        deep = [deep]
    values = [
        deep,
        {"a": "x" * 70_000, "b": "x" * 70_000 + secret},
        {f"{secret}{number}": number for number in range(5)} | {"amber": secret},
        ["-----BEGIN RSA PRIVATE KEY-----", secret, "amber", "-----END RSA PRIVATE KEY-----"],
        {"a": ["{", "[", "[1", '{"pin": "1234"}', " \n [ " + json.dumps(secret) + "]"]},
        {"data": {"data": {"data": {"value": secret, "name": "password"}}}},
        [[["password", secret], {"value": [{"value": "12345"}]}], "\n", "\x00", "\x1f" * 24, "0" * 36],
    ]
    for value in values:
        assert told(Redactor(KEY), value) == told(PlainRedactor(KEY), value)


@pytest.mark.parametrize("make", [Redactor, PlainRedactor])
def test_both_ways_refuse_what_nobody_can_walk(make: type[Redactor]) -> None:
    value: Any = {}
    for _ in range(DEPTH + 1):
        value = [value]
    with pytest.raises(TooDeep):
        make(KEY).json(value, "b")


# ---------------------------------------------------------------- what makes it fast is really asked
def test_a_scanner_that_leaves_out_one_pass_overlooks_a_planted_secret() -> None:
    rows = [row for row in DETECTORS if row.form and row.id not in ("encoded", "escaped", "entropy")]  # these find most of it again
    whole = Scanner(rows)
    texts = {each.text for each in PLANTED if not each.family.name and each.family.id in {row.id for row in rows}}
    assert whole.flagged(sorted(texts)) == texts == {text for text in texts if whole.suspicious(text)}
    assert sorted(index for each in Scanner(DETECTORS)._passes for index in each.rows) == list(range(len(Scanner(DETECTORS).rows)))
    assert len(whole._passes) > 2
    for index in range(len(whole._passes)):
        lame = Scanner(rows)
        lame._passes = whole._passes[:index] + whole._passes[index + 1 :]
        assert not all(map(lame.suspicious, texts))
        assert lame.flagged(sorted(texts)) < texts


def test_a_redactor_that_takes_every_name_for_plain_keeps_a_password() -> None:
    lame = Redactor(KEY)
    lame.names.plain.add("password")
    assert lame.json({"password": "mango55w"}, "b") == {"password": "mango55w"}
    assert Redactor(KEY).json({"password": "mango55w"}, "b") == {"password": "redacted-secret-ba25e46ef1cb2f61"}


@given(name=NAMES | st.text(max_size=12))
def test_a_plain_name_asks_for_nothing_wherever_it_stands(name: str) -> None:
    rules = Rules("strict")
    asked = rules[name]
    assert (name in rules.plain) == (not asked and name not in rules.odd and name not in INHERITS)


def test_texts_that_were_looked_at_together_are_flagged_as_alone() -> None:
    alone, together = Scanner(DETECTORS), Scanner(DETECTORS)
    texts = [each.text for each in PLANTED] + ["amber", "", "1768", 'W/"BQ5zG79I9iE5"', "v1", UUID]
    wanted = {text for text in texts if alone.suspicious(text)}
    assert wanted <= together.look(texts)
    assert {text for text in texts if together.suspicious(text)} == wanted
    assert together.look(["amber", 'W/"BQ5zG79I9iE5"']) == frozenset()
