"""Whatever stands in a document, it is read or refused by rule: no other exception, and nothing half-read."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from caskmcp.compiler.capture.sources.openapi import OpenApi, bundle
from caskmcp.errors import CaskError
from caskmcp.model.exchange import Declared, Skipped
from caskmcp.text import parse_json, parse_yaml
from tests.support.specs import DOCUMENTS
from tests.unit.compiler.capture.openapi.documents import rows

FIXTURES = Path(__file__).parents[5] / "fixtures" / "captures" / "openapi"
WHOLE: dict[str, Any] = {
    "2.0": parse_yaml((FIXTURES / "traps-2.0.yaml").read_bytes(), "2.0").value,
    "3.0": parse_yaml((FIXTURES / "traps-3.0.yaml").read_bytes(), "3.0").value,
    "3.1": parse_json((FIXTURES / "traps-3.1.json").read_bytes(), "3.1"),
    "3.2": DOCUMENTS["newest"][0](2).files["newest.json"],
    "animals": DOCUMENTS["animals"][0](2).files["animals.json"],
}
JUNK: tuple[Any, ...] = (
    None,
    True,
    0,
    -1.5,
    "",
    "x",
    "a/b",
    "#/nowhere",
    [],
    [None],
    ["a", "a"],
    {},
    {"a": None},
    {"$ref": "#"},
    {"$ref": 5},
    {"x-a": 1},
    "\x00",
    10**30,
)


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield at
    if isinstance(value, dict | list):
        for key, child in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(child, (*at, key))


PLACES = {name: [place for place in places(value) if place] for name, value in WHOLE.items()}


def spoilt(name: str, index: int, junk: Any) -> Any:
    """A document with junk in one place."""
    made = copy.deepcopy(WHOLE[name])
    *above, last = PLACES[name][index % len(PLACES[name])]
    holder = made
    for step in above:
        holder = holder[step]
    holder[last] = junk
    return made


def outcome(value: Any) -> CaskError | list[Declared | Skipped]:
    """What is read, or the refusal."""
    try:
        return rows(value)
    except CaskError as error:
        return error


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(WHOLE)), st.integers(0, 5000), st.sampled_from(JUNK))
@example("2.0", 0, "2.0")
def test_junk_anywhere_is_read_or_refused_by_rule(name: str, index: int, junk: Any) -> None:
    found = outcome(spoilt(name, index, junk))
    if isinstance(found, CaskError):
        assert found.code in ("CASK-C002", "CASK-C005")
        assert found.mend
        assert found.what
    else:
        assert all(isinstance(row, Declared | Skipped) for row in found)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(WHOLE)), st.integers(0, 5000))
def test_a_field_that_is_missing_is_no_trouble_or_refused_by_rule(name: str, index: int) -> None:
    made = copy.deepcopy(WHOLE[name])
    *above, last = PLACES[name][index % len(PLACES[name])]
    holder = made
    for step in above:
        holder = holder[step]
    del holder[last]
    found = outcome(made)
    assert not isinstance(found, CaskError) or (found.code, str(found.place)[:5]) == ("CASK-C002", "line ")


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200), st.booleans())
def test_bytes_that_are_no_document_are_refused(data: bytes, packed: bool) -> None:
    with pytest.raises(CaskError):
        list(OpenApi().read([bundle.MAGIC + data if packed else data]))


# ---------------------------------------------------------------- an oracle
def test_what_is_broken_is_broken_for_others_too() -> None:
    """Of the planted faults that change what a tool would be, none is ours alone."""
    validator = pytest.importorskip("openapi_spec_validator", reason="needs the extra `openapi`: pip install 'caskmcp[openapi]'")
    whole = DOCUMENTS["forge"][0](2).files["forge.json"]
    path = next(iter(whole["paths"]))
    operation = ("paths", path, "get")
    faults: tuple[tuple[tuple[Any, ...], Any], ...] = (
        ((*operation, "parameters", 0, "in"), "nowhere"),
        ((*operation, "parameters", 0, "name"), 5),
        ((*operation, "parameters", 0, "schema", "enum"), "asc"),
        ((*operation, "operationId"), "forge_op_1"),
        ((*operation, "parameters", 1, "$ref"), "#/components/parameters/none"),
        (("paths", path, "parameters"), []),
        (("paths", path, "gett"), {}),
        ((*operation, "responses", "20"), {"description": "x"}),
    )
    for at, value in faults:
        made = copy.deepcopy(whole)
        holder = made
        for step in at[:-1]:
            holder = holder[step]
        holder[at[-1]] = value
        with pytest.raises(CaskError):
            rows(made)
        with pytest.raises(Exception, match=r"."):  # the oracle has a dozen kinds of them
            validator.validate(made)
