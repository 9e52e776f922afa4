"""Twelve documents as large as public ones: every operation and every constraint arrives, or is named; the time grows with the document."""

import sys
import time

import pytest

from caskmcp.compiler.capture.sources.openapi import OpenApi, bundle
from caskmcp.model.exchange import Declared, Skipped
from tests.support.specs import DOCUMENTS, Made, Planted, arrives

SECONDS = 12.0
"""Of our own work, for any of them; the largest takes a quarter of it on a small machine."""


def read(made: Made) -> list[Declared | Skipped]:
    parts = made.parts()
    main = next(iter(parts))
    return list(OpenApi().read([parts[main] if len(parts) == 1 else bundle.pack(main, parts)]))


def missing(planted: Planted, row: Declared) -> bool:
    where, _, name = planted.path[0].partition(" ")
    if where == "body":
        return not all(arrives(planted, body.schema, planted.path[1:]) for body in row.bodies)
    (parameter,) = (each for each in row.parameters if (each.location, each.name) == (where, name))
    return not arrives(planted, parameter.schema, planted.path[1:])


@pytest.mark.feature(4)
@pytest.mark.feature(5)
@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_operation_and_every_constraint_of_a_large_document_arrives(name: str) -> None:
    make, scale = DOCUMENTS[name]
    made, begun = make(scale), time.process_time()
    rows = read(made)
    took = time.process_time() - begun
    found = {row.operation_id: row for row in rows if isinstance(row, Declared)}
    assert sorted(found) == sorted(made.operations)
    assert [planted for planted in made.planted if missing(planted, found[planted.operation])] == []
    left_out = {row.place for row in rows if isinstance(row, Skipped) and row.reason == "unsupported"}
    assert left_out == set(made.unsent.values())
    assert took < SECONDS


@pytest.mark.parametrize("name", DOCUMENTS)
def test_no_large_document_is_invented_wrongly(name: str) -> None:
    validator = pytest.importorskip("openapi_spec_validator", reason="needs the extra `openapi`: pip install 'caskmcp[openapi]'")
    made = DOCUMENTS[name][0](6)
    if len(made.files) == 1:
        validator.validate(next(iter(made.files.values())))


def test_ten_documents_or_more_are_read_and_a_thousand_operations_among_them() -> None:
    assert len(DOCUMENTS) >= 10
    assert max(scale for _, scale in DOCUMENTS.values()) >= 1000


def calls(made: Made) -> int:
    """Python functions that are called to read a document: what its time grows with, whatever else the machine does."""
    count = 0

    def step(_: object, event: str, __: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(step)
    try:
        read(made)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("name", ["forge", "cluster", "trees", "newest"])
def test_four_times_the_operations_take_less_than_six_times_the_calls(name: str) -> None:
    make = DOCUMENTS[name][0]
    assert calls(make(200)) < 6 * calls(make(50))
