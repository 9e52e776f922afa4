"""Each row of the table of detectors, by its cases: what it finds, and what only looks like it."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from caskmcp.redact import checks
from caskmcp.redact.cut import Redactor
from caskmcp.redact.detectors import DETECTORS, NEVER
from caskmcp.redact.rules import Rules
from caskmcp.redact.scan import _INSIDE

CASES = Path(__file__).parents[2] / "cases" / "redact"
KEY = b"k" * 32


def document(case: Any) -> Any:
    """A case as a JSON document: a text stands in a field whose name says nothing."""
    return json.loads(json.dumps(case if isinstance(case, dict) else {"note": case}).replace("~~", ""))


def rows(verdict: str) -> list[Any]:
    found = [
        (detector, case)
        for path in sorted(CASES.glob("*.yaml"))
        for detector, verdicts in yaml.safe_load(path.read_text(encoding="utf-8")).items()
        for case in verdicts[verdict]
    ]
    return [pytest.param(detector, case, id=f"{detector}-{number}") for number, (detector, case) in enumerate(found)]


def redacted(case: Any) -> tuple[Any, set[str]]:
    """The redacted document, and the detectors that cut something."""
    redactor = Redactor(KEY)
    made = redactor.json(document(case), "response.body")
    return made, {detector for detector, _ in redactor.counts}


@pytest.mark.parametrize(("detector", "case"), rows("finds"))
def test_a_detector_cuts_what_it_is_for(detector: str, case: Any) -> None:
    made, found = redacted(case)
    assert made != document(case)
    assert detector in found


@pytest.mark.parametrize(("detector", "case"), rows("leaves"))
def test_a_detector_leaves_what_only_looks_like_it(detector: str, case: Any) -> None:
    made, found = redacted(case)
    assert found == set()
    assert made == document(case)


@pytest.mark.parametrize(("detector", "case"), rows("finds"))
def test_what_was_cut_is_not_cut_again(detector: str, case: Any) -> None:
    once, _ = redacted(case)
    again = Redactor(KEY)
    assert again.json(copy.deepcopy(once), "response.body") == once
    assert not again.counts


def test_each_row_has_names_or_a_form_and_a_check_that_exists() -> None:
    for row in DETECTORS:
        assert bool(row.names) != bool(row.form), row.id
        assert not row.check or row.check in _INSIDE or callable(checks.predicate(row.check)), row.id
    assert len({row.id for row in DETECTORS}) == len(DETECTORS)


@pytest.mark.parametrize("name", NEVER)
def test_a_name_of_paging_or_of_tables_asks_for_nothing(name: str) -> None:
    assert Rules("strict")[name.replace(" ", "_")] == ()


def test_the_standard_profile_leaves_names_and_places_of_people() -> None:
    person = {"first_name": "Alice", "street": "Hauptstraße 5", "birth_date": "1980-02-03", "password": "mango55w", "note": "10.1.2.3"}
    assert Redactor(KEY, "standard").json(dict(person), "b") == {**person, "password": "redacted-secret-ba25e46ef1cb2f61"}
    assert set(Redactor(KEY, "strict").json(dict(person), "b").values()).isdisjoint(person.values())
