"""Each labelled pair gets the verdict, the places and the witnesses that were written down before the calculus was."""

import json
from typing import Any

import jsonschema_rs
import pytest

from caskmcp.calculus import shared, tools
from tests.support import labelled
from tests.support.labelled import Pair

TOOLS = labelled.pairs(*labelled.TOOLS)
SHARED = labelled.pairs("shared")


def accepted(schema: dict[str, Any], value: Any) -> bool:
    return bool(jsonschema_rs.Draft202012Validator(schema, validate_formats=True).is_valid(value))


@pytest.mark.feature(63)
@pytest.mark.parametrize("pair", [*TOOLS, *SHARED], ids=lambda pair: pair.name)
def test_a_pair_gets_the_verdict_and_the_places_of_its_label(pair: Pair) -> None:
    found = (tools if pair.record == "tool" else shared).compare(pair.old, pair.new)
    assert [(row.area, row.place) for row in found] == [(row["area"], row["place"]) for row in pair.changes]
    for change, label in zip(found, pair.changes, strict=True):
        assert str(change.verdict) in labelled.said(label["verdict"]), change
    assert str(tools.verdict(found)) in pair.verdicts


@pytest.mark.parametrize("pair", [*TOOLS, *SHARED], ids=lambda pair: pair.name)
def test_a_pair_gets_a_witness_where_its_label_has_one_and_it_is_one(pair: Pair) -> None:
    found = (tools if pair.record == "tool" else shared).compare(pair.old, pair.new)
    for change, label in zip(found, pair.changes, strict=True):
        assert bool(change.witness) == ("witness" in label), change
        for witness in [json.loads(change.witness), label["witness"]] if change.witness else []:
            if change.area == "input":
                assert accepted(pair.new["input_schema"], witness)
                assert not accepted(pair.old["input_schema"], witness)
            else:
                assert witness == label["witness"]


def test_there_are_sixty_pairs_and_no_more_than_five_leave_the_verdict_open() -> None:
    assert len(TOOLS) >= 60
    assert sum(len(pair.verdicts) > 1 for pair in [*TOOLS, *SHARED]) <= 5
    assert len({pair.name for pair in TOOLS}) == len(TOOLS)


def test_each_area_of_the_tables_has_a_labelled_pair() -> None:
    named = {change["area"] for pair in TOOLS for change in pair.changes}
    assert named == {area.name for area in tools.AREAS}
    assert {change["area"] for pair in SHARED for change in pair.changes} == {row.area for row in ROWS}


ROWS = [change for pair in SHARED for change in shared.compare(pair.old, pair.new)]
