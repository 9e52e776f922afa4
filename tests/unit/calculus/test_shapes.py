"""Whatever approved content is, comparing it ends with a verdict: what cannot be read broadens, and nothing raises."""

from pathlib import Path

import pytest

from caskmcp.calculus import shared, tools
from caskmcp.calculus.verdict import Verdict
from tests.support import labelled

NONSENSE = (
    5,
    "text",
    [],
    {},
    [5],
    [[]],
    {"a": 5},
    [{}],
    [{"pieces": 5}],
    [{"argument": 5}],
    {"properties": []},
    {"properties": {"a": 5}},
    True,
    "é" * 3,
)
PLACES = tuple(dict.fromkeys(place for area in tools.AREAS for place in area.places))
INNER = (
    "request.query.0.argument",
    "request.segments.1.pieces.0",
    "request.segments.1.pieces.0.max_length",
    "request.body.fields",
    "request.body.constants",
    "policy.0",
    "policy.0.match",
    "policy.0.match.risk",
    "input_schema.properties",
    "input_schema.required",
    "input_schema.$defs",
    "request",
    "response",
)
SHARED = {
    "policy": ("rules", "budgets", "budgets.*", "budgets.*.calls", "rules.0.match", "rules.0.effect", "default", "schema"),
    "environment": ("hosts", "hosts.api_example_com", "schema"),
    "auth": ("scheme", "from", "host", "schema", "in", "oauth2", "oauth2.scopes", "sigv4", "hmac"),
}


@pytest.mark.parametrize("place", [*PLACES, *INNER])
def test_nonsense_anywhere_in_a_tool_gets_a_verdict(place):
    base = labelled.base()
    for value in NONSENSE:
        made = labelled.edited(base, {place: value})
        for old, new in ((base, made), (made, base)):
            found = tools.compare(old, new)
            assert all(change.verdict in Verdict for change in found)


@pytest.mark.parametrize(("record", "place"), [(record, place) for record, places in SHARED.items() for place in places])
def test_nonsense_anywhere_in_shared_content_gets_a_verdict(record, place):
    base = labelled.base(record)
    for value in NONSENSE:
        made = labelled.edited(base, {place: value})
        for old, new in ((base, made), (made, base)):
            assert all(change.verdict in Verdict for change in shared.compare(old, new))


UNREAD = ("request", "request.query", "request.segments", "request.body", "input_schema", "policy", "toolsets", "composite", "annotations")


@pytest.mark.parametrize("place", UNREAD)
def test_a_part_that_cannot_be_read_is_not_known_to_narrow(place):
    made = labelled.edited(labelled.base(), {place: "text"})
    assert tools.verdict(tools.compare(labelled.base(), made)).widens
    assert tools.verdict(tools.compare(made, labelled.base())).widens


def test_content_of_another_kind_is_told_as_one_change():
    (change, *_) = shared.compare(labelled.base("auth"), labelled.base("environment"))
    assert (change.area, change.place, change.verdict) == ("kind", "schema", Verdict.INCOMPARABLE)


def test_a_record_that_cannot_be_read_is_one_change_that_broadens():
    (change,) = tools.compare(labelled.base(), labelled.edited(labelled.base(), {"request.query": 5}))
    assert (change.area, change.place, change.verdict) == ("unknown", "", Verdict.BROADENS)


def test_no_judge_sees_a_pair_that_is_the_same(monkeypatch):
    monkeypatch.setattr("caskmcp.calculus.areas.Sides", None)
    base = labelled.base()
    assert tools.compare(base, labelled.base()) == ()


def test_the_page_on_verdicts_names_each_area_of_the_tables():
    page = (Path(__file__).parents[3] / "docs" / "explanation" / "broadening.md").read_text(encoding="utf-8")
    tables = (tools.AREAS, shared.POLICY, shared.ENVIRONMENT, shared.AUTH, shared.KIND)
    assert [area.name for table in tables for area in table if f"`{area.name}`" not in page] == []
    assert [str(verdict) for verdict in Verdict if f"| `{verdict}` |" not in page] == []
